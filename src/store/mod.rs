//! The store: the folder `.claude/snapshots/`, described in `docs/format.md`.
//!
//! Owns the layout and the order of writing: objects first, then the manifest; a snapshot
//! without its manifest is not there. Everything in it is private to its owner (0700, 0600)
//! and ignored by git. No file of a snapshot is ever changed; pins are empty marker files.

mod bases;
mod damaged;
mod incoming;
mod journals;
mod log;
mod names;
mod objects;
mod parsed;
mod pieces;
mod shelter;
mod streams;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::digest::ObjectId;
use crate::error::{Error, IoContext, Kind, Result};
use crate::fs::{self, Draft, ExclusiveLock, Existing, SharedLock};
use crate::manifest::{Head, LARGEST_MANIFEST, Manifest, ObjectRef};
use crate::timestamp::Timestamp;

pub use bases::Bases;
pub use incoming::{Added, Incoming, check_may_travel};
pub use journals::{Journal, Wait};
pub use log::{LogEntry, LogOutcome, MovedBranch, Operation};
pub use names::{Reference, check_name};
pub use objects::Sweep;
use parsed::Parsed;
pub use pieces::Pieces;
pub use streams::Stream;

/// How long a command waits for another one's lock.
const PATIENCE: Duration = Duration::from_secs(10);

/// A store on disk.
pub struct Store {
    root: PathBuf,
    parsed: Parsed,
}

/// Permission to add to the store; any number of them at a time.
pub struct AddLock {
    /// Objects that are written, and neither synced nor named yet; before the lock, which must outlast them.
    unnamed: Mutex<BTreeMap<ObjectId, (Draft, PathBuf, Existing)>>,
    _lock: SharedLock,
    /// Folders with new names in them, to be made durable before the manifest.
    dirty: Mutex<BTreeSet<PathBuf>>,
    /// Objects that a published manifest names: their names are durable since then.
    published: BTreeSet<ObjectId>,
}

/// Permission to delete from the store; excludes everybody else.
pub struct DeleteLock {
    _lock: ExclusiveLock,
}

/// One snapshot in the store, readable or not.
pub struct Entry {
    /// The file name without `.json`.
    pub stem: String,
    /// Whether it is kept from pruning.
    pub pinned: bool,
    /// When the file was written: for a manifest that can't be read, all that is known.
    pub written: Timestamp,
    /// The manifest, or why it can't be read.
    pub manifest: Result<Manifest>,
}

/// What is known of a snapshot before all of it is read.
struct Known {
    stem: String,
    written: Timestamp,
    head: Result<Head>,
}

impl AddLock {
    /// Makes all objects durable that were written under it, and their names.
    fn sync(&self) -> Result<()> {
        self.name_objects()?;
        fs::all_at_once(std::mem::take(&mut *held(&self.dirty)).into_iter().collect(), |folder| {
            fs::sync_folder(&folder)
        })
    }

    /// Syncs the objects that have no name yet, all together, and gives them theirs.
    fn name_objects(&self) -> Result<()> {
        // Held, so that nobody opens more of them meanwhile than may wait.
        let mut unnamed = held(&self.unnamed);
        let all = std::mem::take(&mut *unnamed).into_values().collect();
        fs::all_at_once(all, |(draft, path, existing)| draft.seal()?.publish(&path, existing).map(drop))
    }
}

impl Store {
    /// Opens the store in a folder, which need not exist yet.
    ///
    /// # Errors
    /// [`Kind::Refused`] if the folder or a part of it is a symbolic link: it could lead
    /// to somebody else's files.
    pub fn open(root: &Path) -> Result<Store> {
        let above = root.parent().filter(|parent| parent.ends_with(".claude"));
        for folder in above.into_iter().chain([root, &root.join("objects")]) {
            if folder.is_symlink() {
                return Err(Error::new(Kind::Refused, format!("Cannot use {} as a store", folder.display()))
                    .because("it is a symbolic link")
                    .hint("name the folder it leads to with `--store DIR`, if it is yours"));
            }
        }
        Ok(Store { root: root.to_owned(), parsed: Parsed::default() })
    }

    /// Returns the same store, for who reads each manifest once: nothing that was read is kept.
    #[must_use]
    pub fn forgetting(self) -> Store {
        Store { parsed: Parsed::nothing(), ..self }
    }

    /// Returns the folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Makes the folders and the file that keeps git away, and returns the lock for adding.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn prepare(&self) -> Result<AddLock> {
        self.refuse_strange_folder()?;
        if let Some(above) = self.root.parent() {
            std::fs::create_dir_all(above).context("create", above)?;
        }
        for folder in [self.root.clone(), self.objects_folder(), self.tmp()] {
            fs::make_private_folder(&folder)?;
        }
        // Under the lock: a snapshot that is being removed must not get its name back.
        let lock = SharedLock::wait(&self.lock_path(), PATIENCE)?;
        self.shelter()?;
        let entries = self.entries()?;
        if entries.is_empty() {
            // The names of new folders, from the store up to where `.claude` was made; whoever made them may have died.
            self.root.ancestors().take(3).try_for_each(fs::sync_folder)?;
        }
        let manifests = entries.into_iter().filter_map(|entry| entry.manifest.ok());
        let published =
            manifests.flat_map(|manifest| manifest.objects()).map(|object| object.object).collect();
        Ok(AddLock { unnamed: Mutex::default(), _lock: lock, dirty: Mutex::default(), published })
    }

    /// Makes a private folder for work under way; leftovers of one are swept after a day.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn scratch(&self) -> Result<fs::Scratch> {
        drop(self.prepare()?);
        fs::Scratch::make(&self.tmp())
    }

    /// Takes the lock for deleting.
    ///
    /// # Errors
    /// [`Kind::Busy`] if others work in the store for longer than ten seconds.
    pub fn lock_for_deleting(&self) -> Result<DeleteLock> {
        Ok(DeleteLock { _lock: ExclusiveLock::wait(&self.lock_path(), PATIENCE)? })
    }

    /// Reads every manifest: newest first, damaged ones last. An absent store is empty.
    ///
    /// # Errors
    /// [`Kind::Environment`] if the folder can't be read.
    pub fn entries(&self) -> Result<Vec<Entry>> {
        let mut entries: Vec<Entry> =
            self.stems()?.into_iter().filter_map(|stem| self.entry(&stem)).collect();
        entries.sort_by(|a, b| match (&a.manifest, &b.manifest) {
            (Ok(a), Ok(b)) => b.created_at.cmp(&a.created_at).then_with(|| a.id.cmp(&b.id)),
            (a, b) => a.is_err().cmp(&b.is_err()),
        });
        Ok(entries)
    }

    /// Reads one; `None` if it has been removed since it was listed.
    fn entry(&self, stem: &str) -> Option<Entry> {
        let manifest = unless_gone(|| self.read(stem))?;
        let (pinned, written) = (self.standing(&pin_name(stem)).exists(), self.written(stem));
        Some(Entry { stem: stem.to_owned(), pinned, written, manifest })
    }

    /// Lists every snapshot in the order of [`Store::entries`], with what tells it from others.
    fn known(&self) -> Result<Vec<Known>> {
        let known = |stem: String| {
            let head = unless_gone(|| self.read_head(&stem))?;
            Some(Known { written: self.written(&stem), stem, head })
        };
        let mut known: Vec<Known> = self.stems()?.into_iter().filter_map(known).collect();
        known.sort_by(|a, b| match (&a.head, &b.head) {
            (Ok(a), Ok(b)) => b.created_at.cmp(&a.created_at).then_with(|| a.id.cmp(&b.id)),
            (a, b) => a.is_err().cmp(&b.is_err()),
        });
        Ok(known)
    }

    /// Returns when a manifest's file was written.
    fn written(&self, stem: &str) -> Timestamp {
        let written = std::fs::metadata(self.manifest_path(stem)).and_then(|meta| meta.modified());
        written.map_or(Timestamp::from_millis(0), Timestamp::from)
    }

    /// Says whether a snapshot that was read before has not been removed since.
    pub fn still_has(&self, entry: &Entry) -> bool {
        match (&entry.manifest, self.read(&entry.stem)) {
            (_, Err(error)) => error.kind() != Kind::NotFound,
            (Ok(before), Ok(now)) => before.id == now.id,
            (Err(_), Ok(_)) => true,
        }
    }

    /// Publishes a snapshot under a free file name, last of all; its objects must be there.
    ///
    /// Returns the file name without `.json`.
    ///
    /// # Errors
    /// [`Kind::Refused`] if a snapshot has the name already, [`Kind::Environment`] with the path.
    pub fn publish(&self, lock: &AddLock, manifest: &Manifest) -> Result<String> {
        let _publishing = self.publishing()?;
        self.refuse_taken(&manifest.name)?;
        lock.sync()?;
        let json = manifest.to_json()?;
        if json.len() as u64 > LARGEST_MANIFEST {
            return Err(Error::new(Kind::Refused, "The snapshot is too large to be saved")
                .because(format!("its manifest has {} bytes", json.len()))
                .hint("commit, ignore or stash some of the pending files first"));
        }
        // What can't be read back must not be acknowledged.
        Manifest::from_json(&json).map_err(|error| {
            Error::new(Kind::Bug, "The snapshot can't be saved: its manifest would not be readable")
                .because(&error)
        })?;
        self.publish_json(&manifest.name, &json)
    }

    /// Waits for its turn to publish: one at a time, or two could take one name.
    fn publishing(&self) -> Result<ExclusiveLock> {
        ExclusiveLock::wait(&self.tmp().join("publish.lock"), PATIENCE)
    }

    /// Writes a manifest's bytes under a free file name for its name.
    fn publish_json(&self, name: &str, json: &[u8]) -> Result<String> {
        for stem in names::stems_for(name) {
            if self.stems()?.iter().any(|taken| taken.eq_ignore_ascii_case(&stem)) {
                continue;
            }
            if fs::publish(&self.tmp(), &self.manifest_path(&stem), json, Existing::Keep)? {
                fs::sync_folder(&self.root)?;
                self.shelter_file(&manifest_name(&stem));
                return Ok(stem);
            }
        }
        Err(Error::new(Kind::Bug, "No free file name was found for the snapshot"))
    }

    /// Refuses a name that a snapshot has already.
    ///
    /// # Errors
    /// [`Kind::Refused`], with what to do.
    pub fn refuse_taken(&self, name: &str) -> Result<()> {
        match self.entries()?.iter().filter_map(|entry| entry.manifest.as_ref().ok()).find(|m| m.name == name)
        {
            None => Ok(()),
            Some(taken) => {
                let shown = crate::screen::Line(&taken.name).to_string();
                Err(Error::new(Kind::Refused, format!("There is a snapshot {shown:?} already"))
                    .because(format!("it was saved at {}", taken.created_at))
                    .hint(format!("take another name, or remove that one with `snap rm {shown:?}`")))
            }
        }
    }

    /// Deletes one snapshot's manifest and pin; its objects go with the next [`Store::sweep`].
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn delete(&self, _lock: &DeleteLock, stem: &str) -> Result<()> {
        self.unshelter_file(&manifest_name(stem))?;
        fs::remove(&self.manifest_path(stem))?;
        self.change_pin(stem, false)?;
        fs::sync_folder(&self.root)
    }

    /// Pins or unpins a snapshot; returns whether that changed anything. Under the lock, so
    /// that no prune removes it meanwhile.
    ///
    /// # Errors
    /// [`Kind::NotFound`] if it was removed since it was listed; [`Kind::Environment`] with the path.
    pub fn set_pin(&self, _lock: &AddLock, stem: &str, pinned: bool) -> Result<bool> {
        match self.standing(&manifest_name(stem)).symlink_metadata() {
            Ok(_) => self.change_pin(stem, pinned),
            Err(_) => Err(Error::new(Kind::NotFound, "The snapshot was removed meanwhile")
                .hint("`snap list` shows those that are there")),
        }
    }

    fn change_pin(&self, stem: &str, pinned: bool) -> Result<bool> {
        let name = pin_name(stem);
        let changes = self.standing(&name).exists() != pinned;
        match (changes, pinned) {
            (false, _) => {}
            (true, true) => {
                fs::make_private_folder(&self.tmp())?;
                fs::publish(&self.tmp(), &self.root.join(&name), b"", Existing::Keep)?;
                self.shelter_file(&name);
            }
            (true, false) => {
                self.unshelter_file(&name)?;
                fs::remove(&self.root.join(&name))?;
            }
        }
        Ok(changes)
    }

    /// Returns the bytes on disk of a snapshot's manifest.
    pub fn manifest_size(&self, stem: &str) -> u64 {
        std::fs::metadata(self.manifest_path(stem)).map_or(0, |meta| meta.len())
    }

    /// Returns the compressed size of an object on disk; 0 if it is not there.
    pub fn stored_size(&self, object: &ObjectRef) -> u64 {
        std::fs::metadata(self.object_path(object.object)).map_or(0, |meta| meta.len())
    }

    /// Refuses to make a store of a folder that holds something else.
    fn refuse_strange_folder(&self) -> Result<()> {
        let ours = self.root.join(".gitignore").exists() && self.objects_folder().is_dir();
        // A store that another process is just making, or that a crash left half made, is ours too.
        let begun =
            |name: &std::ffi::OsStr| ["objects", "tmp", ".gitignore", "lock"].iter().any(|own| name == *own);
        let being_made = || {
            std::fs::read_dir(&self.root)
                .map_or(true, |files| files.flatten().all(|file| begun(&file.file_name())))
        };
        let done_meanwhile = || self.root.join(".gitignore").exists() && self.objects_folder().is_dir();
        if ours || being_made() || done_meanwhile() {
            return Ok(());
        }
        Err(Error::new(Kind::Refused, format!("Cannot use {} as a store", self.root.display()))
            .because("it holds files that are not snap's")
            .hint("name an empty folder, or one that does not exist yet"))
    }

    fn read(&self, stem: &str) -> Result<Manifest> {
        let path = self.manifest_path(stem);
        let identity = parsed::identity(&path);
        if let Some(manifest) = self.parsed.get(stem, identity) {
            return Ok(manifest);
        }
        let json = self.manifest_bytes(stem)?;
        let read = Manifest::from_json(&json);
        if let Ok(manifest) = &read {
            self.parsed.note(stem, identity, manifest);
        }
        read.map_err(|error| unread(&path, &error))
    }

    fn read_head(&self, stem: &str) -> Result<Head> {
        let path = self.manifest_path(stem);
        match self.parsed.get(stem, parsed::identity(&path)) {
            Some(manifest) => Ok(Head::of(&manifest)),
            None => Head::from_json(&self.manifest_bytes(stem)?).map_err(|error| unread(&path, &error)),
        }
    }

    /// Returns the bytes of a snapshot's manifest, as they are on the disk.
    ///
    /// # Errors
    /// [`Kind::NotFound`] if it is gone, [`Kind::Damaged`] if it is no plain file.
    pub fn manifest_bytes(&self, stem: &str) -> Result<Vec<u8>> {
        let path = self.manifest_path(stem);
        fs::read_plain(&path, LARGEST_MANIFEST)?
            .ok_or_else(|| Error::new(Kind::NotFound, format!("{} is gone", path.display())))
    }

    fn stems(&self) -> Result<Vec<String>> {
        let folder = match std::fs::read_dir(&self.root) {
            Ok(folder) => folder,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Error::io("read", &self.root, &error)),
        };
        let mut stems = Vec::new();
        for file in folder {
            let name = file.context("read", &self.root)?.file_name();
            if let Some(stem) = name.to_str().and_then(|name| name.strip_suffix(".json")) {
                stems.push(stem.to_owned());
            }
        }
        stems
            .extend(self.nameless()?.iter().filter_map(|name| name.strip_suffix(".json")).map(str::to_owned));
        stems.sort();
        Ok(stems)
    }

    /// Where a manifest is, or will be.
    fn manifest_path(&self, stem: &str) -> PathBuf {
        self.standing(&manifest_name(stem))
    }

    fn lock_path(&self) -> PathBuf {
        self.root.join("lock")
    }

    fn tmp(&self) -> PathBuf {
        self.root.join("tmp")
    }
}

/// Reads something of a snapshot; `None` if it has been removed, and did not only lose its first name.
fn unless_gone<T>(read: impl Fn() -> Result<T>) -> Option<Result<T>> {
    let there = |read: &Result<T>| !matches!(read, Err(error) if error.kind() == Kind::NotFound);
    Some(read()).filter(there).or_else(|| Some(read()).filter(there))
}

/// Says of which file it is that its manifest can't be read.
fn unread(path: &Path, error: &Error) -> Error {
    let said = Error::new(error.kind(), format!("Cannot read {}", path.display())).because(error);
    match error.kind() {
        Kind::Damaged => said.hint(
            "the other snapshots are not affected; as long as it is there, no object is removed; `snap rm` removes it",
        ),
        _ => said.hint(error.next_step().unwrap_or_default()),
    }
}

fn held<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn manifest_name(stem: &str) -> String {
    format!("{stem}.json")
}

fn pin_name(stem: &str) -> String {
    format!("{stem}.pin")
}
