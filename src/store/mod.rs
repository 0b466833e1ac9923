//! The store: the folder `.claude/snapshots/`, described in `docs/format.md`.
//!
//! Owns the layout and the order of writing: objects first, then the manifest. Without its manifest, a
//! snapshot does not exist. Everything in the store is private to its owner (0700, 0600) and ignored by git.
//! No file of a snapshot is ever changed, but for a checkpoint's manifest, which is replaced once by one that has the conversation
//! too ([`Store::complete`]). Pins are empty marker files.

mod add_lock;
mod ancestry;
mod base_blobs;
mod beside;
mod catalog;
mod clean_guard;
mod contents;
mod display_names;
mod entry;
mod forget_names;
mod frames;
mod index_file;
mod intake;
mod journals;
mod layout;
mod leftovers;
mod lines;
mod log;
mod manifest_cache;
mod merge_reports;
mod named_line;
mod names_alike;
mod needs;
mod objects;
mod pieces;
mod publishing;
mod quarantine;
mod read_states;
mod refs;
mod seal;
mod stems;
mod streams;
mod summaries;
mod take_back;
mod taken_names;
mod trash;
mod unfinished_removals;
mod unread_log;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use crate::base::digest::ObjectId;
use crate::base::error::{Error, Kind, Result};
use crate::base::timestamp::Timestamp;
use crate::manifest::{Head, LARGEST_MANIFEST, Manifest, ObjectRef};
use crate::sys::files::{self, Existing};
use crate::sys::locks::{ExclusiveLock, SharedLock};
use crate::sys::parallel::{self};
use crate::sys::place::{OwnPath, Root, Stat};
use crate::sys::sync;

pub use add_lock::{AddLock, FramedObject};
pub use ancestry::Ancestry;
pub use base_blobs::Bases;
use catalog::Catalog;
pub use entry::{Entry, UnreadEntry};
pub use forget_names::NO_NAME;
pub use intake::{Added, Incoming, check_may_travel, check_sound};
pub use journals::{FoundJournal, Journal, Wait};
pub use lines::{LineState, LineStates, Said};
pub use log::{LogEntry, LogOutcome, MergedTask, MergedTasks, MovedBranch, Operation};
use manifest_cache::Parsed;
pub use needs::{Sizes, Space};
pub use objects::{Destination, Grace, Sweep, YoungObjects};
pub use pieces::Pieces;
pub use quarantine::Quarantined;
pub use refs::{Reference, check_name, check_new_name};
pub use seal::Seal;
pub use streams::Stream;
pub use summaries::{Listed, Saved, Summaries};
pub use trash::{Batch, KEPT, OutOfTrash, TrashSize, Trashed};
pub use unfinished_removals::Going;
pub use unread_log::UnreadLog;

/// How long a command waits for another one.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A store on disk.
pub struct Store {
    root: Root,
    parsed: Parsed,
    /// What proves that this user wrote something; without it, nothing is theirs.
    seal: Option<Arc<dyn Seal>>,
    /// The present moment, if it is known.
    now: Option<Timestamp>,
    /// What is known of all snapshots, once that was asked.
    catalog: Mutex<Option<Arc<Catalog>>>,
    /// Objects that were written since the last snapshot was published.
    unpublished: Mutex<BTreeSet<ObjectId>>,
    /// Why a newer snapshot could not be the `latest` one.
    passed_over: Mutex<Option<Error>>,
    /// Where objects are read that are not here.
    beside: Option<Box<Store>>,
}

/// Permission to delete from the store; excludes everybody else.
pub struct DeleteLock {
    _lock: ExclusiveLock,
}

impl Store {
    /// Opens the store in a folder, which need not exist yet.
    ///
    /// # Errors
    /// [`Kind::Refused`] if the folder is a symbolic link, or anything but a plain file or a real
    /// folder is in the place of one of its parts: it could lead to somebody else's files.
    pub fn open(folder: &Path) -> Result<Store> {
        let claude = folder.parent().filter(|parent| parent.ends_with(".claude"));
        let root = match (claude.and_then(Path::parent), folder.parent(), folder.file_name()) {
            (Some(above), _, Some(name)) => Root::below(above, &[OsStr::new(".claude"), name]),
            (None, Some(above), Some(name)) => Root::below(above, &[name]),
            _ => Root::own(folder),
        };
        root.at("").refuse_stranger().map_err(|error| match error.kind() {
            Kind::Refused if [Some(folder), folder.parent()].into_iter().flatten().any(Path::is_symlink) => {
                error.hint(layout::instead_of_link(folder))
            }
            Kind::Refused => error.hint("move it away, or choose another folder with `--store DIR`"),
            _ => error,
        })?;
        let store = Store {
            root,
            parsed: Parsed::default(),
            seal: None,
            now: None,
            catalog: Mutex::default(),
            unpublished: Mutex::default(),
            passed_over: Mutex::default(),
            beside: None,
        };
        store.refuse_strangers()?;
        Ok(store)
    }

    /// Returns the same store for the user whose seal this is, at this moment.
    #[must_use]
    pub fn sealed(self, seal: Arc<dyn Seal>, now: Timestamp) -> Store {
        Store { seal: Some(seal), now: Some(now), ..self }
    }

    /// Returns the same store, for who reads each manifest once: nothing that was read is kept.
    #[must_use]
    pub fn forgetting(self) -> Store {
        Store { parsed: Parsed::nothing(), ..self }
    }

    /// Returns the folder.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// Returns a file or folder of it.
    fn at(&self, below: impl Into<PathBuf>) -> OwnPath {
        self.root.at(below)
    }

    /// Makes the folders and the file that keeps git away, and returns the lock for adding.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn prepare(&self) -> Result<AddLock> {
        self.refuse_strange_folder()?;
        for folder in [self.at(""), self.objects_folder(), self.tmp()] {
            folder.make_folder()?;
        }
        // Under the lock: a snapshot that is being removed must not get its name back.
        let lock = SharedLock::wait(&self.lock_place(), PATIENCE)?;
        self.shelter()?;
        if self.known()?.is_empty() {
            // The names of new folders, from the store up to where `.claude` was made; whoever made them may have died.
            self.root().ancestors().take(3).try_for_each(sync::sync_folder)?;
        }
        Ok(AddLock {
            unnamed: Mutex::default(),
            _lock: lock,
            dirty: Mutex::default(),
            published: OnceLock::new(),
        })
    }

    /// Makes a private folder for work under way; leftovers of one are swept after a day.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn scratch(&self) -> Result<files::Scratch> {
        drop(self.prepare()?);
        files::Scratch::make(&self.tmp())
    }

    /// Takes the lock for deleting.
    ///
    /// # Errors
    /// [`Kind::Busy`] if others work in the store for longer than ten seconds.
    pub fn lock_for_deleting(&self) -> Result<DeleteLock> {
        Ok(DeleteLock { _lock: ExclusiveLock::wait(&self.lock_place(), PATIENCE)? })
    }

    /// Reads every manifest: newest first, damaged ones last. An absent store is empty.
    ///
    /// # Errors
    /// [`Kind::Environment`] if the folder can't be read.
    pub fn entries(&self) -> Result<Vec<Entry>> {
        let known = self.known()?;
        let entry = |known: &UnreadEntry| self.entry_with(&known.stem, |_| known.pinned);
        let entries = parallel::map(&known, LEAST_EACH, entry);
        let mut entries: Vec<Entry> = entries.into_iter().flatten().collect();
        let called = display_names::called_by_stem(&entries);
        for entry in &mut entries {
            entry.is_called(&called);
        }
        entries.sort_by(|a, b| match (&a.manifest, &b.manifest) {
            (Ok(a), Ok(b)) => self.newer(a.created_at, b.created_at).then_with(|| a.id.cmp(&b.id)),
            (a, b) => a.is_err().cmp(&b.is_err()),
        });
        count_once(&mut entries);
        Ok(entries)
    }

    /// Reads one; `None` if it has been removed since it was listed.
    fn entry(&self, stem: &str) -> Option<Entry> {
        self.entry_with(stem, |stem| self.standing(&pin_name(stem)).exists())
    }

    fn entry_with(&self, stem: &str, pinned: impl Fn(&str) -> bool) -> Option<Entry> {
        let manifest = unless_gone(|| self.read(stem))?;
        let (pinned, written) = (pinned(stem), self.written(stem));
        let own = manifest.as_ref().is_ok_and(|manifest| self.is_own(&manifest.proofs));
        let called = manifest.as_ref().map_or(stem, |manifest| &manifest.name).to_owned();
        Some(Entry { stem: stem.to_owned(), called, pinned, own, written, manifest })
    }

    /// Lists the names that snapshots have; what can't be read has none.
    ///
    /// # Errors
    /// As [`Store::entries`].
    pub fn taken_names(&self) -> Result<BTreeSet<String>> {
        let known = self.known()?;
        Ok(known.iter().filter_map(|known| Some(known.head.as_ref().ok()?.name.clone())).collect())
    }

    /// Orders moments newest first. A moment in the far future comes last: it is from a wrong clock, or
    /// from somebody who wants to be first for ever.
    fn newer(&self, a: Timestamp, b: Timestamp) -> std::cmp::Ordering {
        self.is_believable(b).cmp(&self.is_believable(a)).then_with(|| b.cmp(&a))
    }

    /// Returns when a manifest's file was written.
    fn written(&self, stem: &str) -> Timestamp {
        let found = self.manifest_place(stem).stat().ok().flatten();
        found.map_or(Timestamp::from_millis(0), |found| Timestamp::from(found.modified))
    }

    /// Says whether a snapshot that was read before has not been removed since.
    pub fn still_has(&self, entry: &Entry) -> bool {
        match (&entry.manifest, self.read(&entry.stem)) {
            (_, Err(error)) => error.kind() != Kind::NotFound,
            (Ok(before), Ok(now)) => before.id == now.id,
            (Err(_), Ok(_)) => true,
        }
    }

    /// Reads a snapshot that is known, whole; `None` if it is gone, can't be read, or is not what is known of it.
    pub fn whole(&self, known: &UnreadEntry) -> Option<Manifest> {
        let head = known.head.as_ref().ok()?;
        self.read(&known.stem).ok().filter(|manifest| head.is_of(manifest))
    }

    /// Says whether a snapshot is still what is known of it, by its manifest: for who is about to remove it.
    pub fn is_still(&self, known: &UnreadEntry) -> bool {
        let now = self.manifest_bytes(&known.stem).and_then(|json| Head::from_json(&json));
        match (&known.head, now) {
            (Ok(before), Ok(now)) => before.says_the_same(&now) && self.is_own(&now.proofs) == known.own,
            (Ok(_), Err(_)) => false,
            (Err(_), _) => true,
        }
    }

    /// Deletes one snapshot's manifest and pin; its objects go with the next [`Store::sweep`].
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn delete(&self, _lock: &DeleteLock, stem: &str) -> Result<()> {
        let name = manifest_name(stem);
        // The second name goes first: what is half removed must not come back. It goes aside, in case the first one stays.
        let aside = self.unshelter_aside(&name);
        if aside.is_none() {
            self.unshelter_file(&name)?;
        }
        if let Err(error) = self.manifest_place(stem).remove() {
            self.shelter_from(&name, aside);
            return Err(error);
        }
        if let Some(aside) = aside {
            aside.remove()?;
        }
        self.change_pin(stem, false)?;
        self.at("").sync()
    }

    /// Pins or unpins a snapshot; returns whether that changed anything. It holds the lock, so no prune
    /// removes the snapshot meanwhile.
    ///
    /// # Errors
    /// [`Kind::NotFound`] if it was removed since it was listed; [`Kind::Environment`] with the path.
    pub fn set_pin(&self, _lock: &AddLock, stem: &str, pinned: bool) -> Result<bool> {
        match self.standing(&manifest_name(stem)).stat()? {
            Some(_) => self.change_pin(stem, pinned),
            None => Err(Error::new(Kind::NotFound, "The snapshot was removed meanwhile")
                .hint("`snap list` shows those that are there")),
        }
    }

    fn change_pin(&self, stem: &str, pinned: bool) -> Result<bool> {
        let name = pin_name(stem);
        let changes = self.standing(&name).exists() != pinned;
        match (changes, pinned) {
            (false, _) => {}
            (true, true) => {
                self.tmp().make_folder()?;
                files::publish(&self.tmp(), &self.at(&name), b"", Existing::Keep)?;
                self.shelter_file(&name);
            }
            (true, false) => {
                self.unshelter_file(&name)?;
                self.at(&name).remove()?;
            }
        }
        Ok(changes)
    }

    /// Returns the bytes on disk of a snapshot's manifest.
    pub fn manifest_size(&self, stem: &str) -> u64 {
        self.manifest_place(stem).stat().ok().flatten().map_or(0, |found| found.size)
    }

    /// Returns the compressed size of an object on disk; 0 if it is not there.
    pub fn stored_size(&self, object: &ObjectRef) -> u64 {
        self.place_to_read(object.object).stat().ok().flatten().map_or(0, |found| found.size)
    }

    fn read(&self, stem: &str) -> Result<Manifest> {
        let place = self.manifest_place(stem);
        let identity = manifest_cache::identity(&place);
        if let Some(manifest) = self.parsed.get(stem, identity) {
            return Ok(manifest);
        }
        if let Some(Err(error)) = self.parsed.head(stem, identity) {
            return Err(error);
        }
        let json = self.manifest_bytes(stem)?;
        let read = Manifest::from_json(&json).map_err(|error| unread(&place.path(), &error));
        match &read {
            Ok(manifest) => self.parsed.note(stem, identity, manifest),
            Err(error) => self.parsed.note_head(stem, identity, &Err(error.clone())),
        }
        read
    }

    /// Reads a manifest of which nothing is remembered.
    fn read_once(&self, stem: &str) -> Result<Manifest> {
        let json = self.manifest_bytes(stem)?;
        Manifest::from_json(&json).map_err(|error| unread(&self.manifest_place(stem).path(), &error))
    }

    /// Reads a manifest's head; returns what its file is too, if it is there.
    fn read_head(&self, stem: &str) -> (Option<Stat>, Result<Head>) {
        let (place, found) = self.standing_file(&manifest_name(stem));
        let identity = manifest_cache::identity_of(found);
        if let Some(head) = self.parsed.head(stem, identity) {
            return (found, head);
        }
        let json = match self.manifest_bytes(stem) {
            Ok(json) => json,
            Err(error) => return (found, Err(error)),
        };
        let read = Head::from_json(&json).map_err(|error| unread(&place.path(), &error));
        self.parsed.note_head(stem, identity, &read);
        (found, read)
    }

    /// Returns the bytes of a snapshot's manifest, as they are on the disk.
    ///
    /// # Errors
    /// [`Kind::NotFound`] if it is gone, [`Kind::Damaged`] if it is no plain file.
    pub fn manifest_bytes(&self, stem: &str) -> Result<Vec<u8>> {
        let place = self.manifest_place(stem);
        place
            .read(LARGEST_MANIFEST)?
            .ok_or_else(|| Error::new(Kind::NotFound, format!("{} is gone", place.path().display())))
    }

    /// Where a manifest is, or will be.
    fn manifest_place(&self, stem: &str) -> OwnPath {
        self.standing(&manifest_name(stem))
    }

    fn lock_place(&self) -> OwnPath {
        self.at("lock")
    }

    /// Returns the folder for files under way, and for what only saves time.
    pub fn tmp(&self) -> OwnPath {
        self.at("tmp")
    }
}

/// Counts only one file for each of the user's own snapshots, the pinned one first. Anybody who has
/// seen a snapshot can put more copies of it into a store, and each would take the place of another
/// snapshot.
fn count_once(entries: &mut [Entry]) {
    let mut seen = BTreeSet::new();
    for pinned in [true, false] {
        for entry in entries.iter_mut().filter(|entry| entry.own && entry.pinned == pinned) {
            entry.own = entry.manifest.as_ref().is_ok_and(|manifest| seen.insert(manifest.id.clone()));
        }
    }
}

/// The least number of snapshots that each thread reads: a thread costs more than reading a few of
/// them.
const LEAST_EACH: usize = 16;

/// Reads a part of a snapshot; `None` if it has been removed, and not only lost its first name.
fn unless_gone<T>(mut read: impl FnMut() -> Result<T>) -> Option<Result<T>> {
    let there = |read: &Result<T>| !matches!(read, Err(error) if error.kind() == Kind::NotFound);
    Some(read()).filter(there).or_else(|| Some(read()).filter(there))
}

/// Says of which file it is that its manifest can't be read.
fn unread(path: &Path, error: &Error) -> Error {
    let said = Error::new(error.kind(), format!("Cannot read {}", path.display())).because(error);
    match error.kind() {
        Kind::Damaged => said.hint(
            "`snap verify --repair` mends it if it can, and `snap rm` removes it; the other snapshots are not affected, and as long as it is there, no object is removed",
        ),
        _ => said.hint(error.next_step().unwrap_or_default()),
    }
}

fn manifest_name(stem: &str) -> String {
    format!("{stem}.json")
}

fn pin_name(stem: &str) -> String {
    format!("{stem}.pin")
}
