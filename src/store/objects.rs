//! Objects: immutable pieces named by the BLAKE3 hash of their raw content.
//!
//! Written once, checked at every read: bytes that don't hash to their name are never returned. An object is
//! durable once it and its folder are synced. [`Store::publish`] does that for all new ones together before
//! it writes the manifest that names them. Until then, an object may not be found under its name.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use super::add_lock::{FramedObject, Unnamed};
use super::frames::{LARGEST_OBJECT, check_frame, longest};
use super::needs::Objects;
use super::{AddLock, DeleteLock, Store, UnreadEntry};
use crate::base::compress;
use crate::base::digest::ObjectId;
use crate::base::error::{Error, IoContext, Kind, Result};
use crate::base::ids::SnapshotId;
use crate::base::monitor::{Monitor, Phase};
use crate::base::screen::for_shell;
use crate::base::timestamp::Timestamp;
use crate::base::warning::Warning;
use crate::manifest::{Manifest, ObjectRef, named_objects};
use crate::store::base_blobs::bases_name;
use crate::store::trash::KEPT;
use crate::sys::files::{Draft, Existing};
use crate::sys::parallel::{self, held};
use crate::sys::place::{OwnPath, Shape, Stat};

/// How many objects may wait to be synced together: each is an open file.
const MOST_UNNAMED: usize = 128;

/// How many of the newest manifests are read for the objects that they name. Those are durable already. Most of what a save
/// repeats was in a snapshot shortly before; what is not found there is synced once more.
const MOST_ASKED: usize = 16;

/// How old an object that nothing refers to must be before it is swept. On a disk without locks, a
/// running save may be about to refer to it.
const GRACE: Duration = Duration::from_secs(24 * 60 * 60);

/// What a sweep removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sweep {
    /// How many objects.
    pub objects: u64,
    /// Their size on disk in bytes.
    pub bytes: u64,
    /// What nothing needs, but is too young to be removed.
    pub waiting: YoungObjects,
    /// What only the trash needs.
    pub trash: YoungObjects,
    /// Why no object was removed; empty if nothing stood in the way.
    pub blocked: Vec<Warning>,
}

/// Objects that nothing needs and that can't go yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct YoungObjects {
    /// How many objects.
    pub objects: u64,
    /// Their size on disk in bytes.
    pub bytes: u64,
    /// When the last of them is old enough.
    pub until: Option<Timestamp>,
}

impl YoungObjects {
    fn add(&mut self, found: &Stat) {
        self.bytes += found.size;
        self.objects += 1;
        self.until = self.until.max(found.modified.checked_add(GRACE).map(Timestamp::from));
    }
}

/// What a sweep removes.
pub(super) struct Unneeded {
    /// Lists of base versions.
    bases: Vec<OwnPath>,
    /// Objects, with their size on disk in bytes.
    pub(super) objects: Vec<(OwnPath, u64)>,
    waiting: YoungObjects,
    trash: YoungObjects,
}

impl Unneeded {
    fn sweep(&self) -> Sweep {
        Sweep {
            objects: self.objects.len() as u64,
            bytes: self.objects.iter().map(|(_, bytes)| bytes).sum(),
            waiting: self.waiting,
            trash: self.trash,
            blocked: Vec::new(),
        }
    }
}

/// When an object goes that nothing needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grace {
    /// If it is older than a day.
    Day,
    /// At once, where the lock for deleting proves that no save is about to need it: not on a network disk.
    None,
}

/// Where the snapshots that are to be removed will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// In the trash, for a day.
    Trash,
    /// Nowhere, and the trash is emptied too.
    Nowhere,
}

/// Says whether nobody can be about to need a file any more.
pub(super) fn is_old(found: &Stat, now: Timestamp) -> bool {
    now.since(Timestamp::from(found.modified)) > GRACE
}

/// What helps if a part of a snapshot is damaged or missing.
const LOST_PART: &str = "`snap verify --repair` rebuilds this part if the session, the work tree or git still has it; `snap resume` brings \
                         the rest: with `--no-edits` what was said, with `--no-session` the files";

/// The error of an object that is not what it should be.
pub(super) fn damaged(path: &Path, cause: impl std::fmt::Display) -> Error {
    Error::new(Kind::Damaged, format!("Cannot read {}", path.display())).because(cause).hint(LOST_PART)
}

impl Store {
    /// Stores bytes as an object, if they are not there yet.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path; [`Kind::Damaged`] if what is under this
    /// name already is something else.
    pub fn put(&self, lock: &AddLock, raw: &[u8]) -> Result<ObjectRef> {
        Ok(self.put_as(lock, ObjectId::of(raw), raw)?.object)
    }

    /// The same for bytes whose name is known already; says how they are stored.
    ///
    /// # Errors
    /// As [`Store::put`].
    pub fn put_as(&self, lock: &AddLock, name: ObjectId, raw: &[u8]) -> Result<FramedObject> {
        self.put_telling(lock, name, raw, &mut |_| ())
    }

    /// The same; `tell` is told of the bytes while they are compressed.
    pub(super) fn put_telling(
        &self,
        lock: &AddLock,
        name: ObjectId,
        raw: &[u8],
        tell: &mut dyn FnMut(u64),
    ) -> Result<FramedObject> {
        let object = ObjectRef { object: name, size: raw.len() as u64 };
        let place = self.object_place(object.object);
        if let Some(unnamed) = held(&lock.unnamed).get(&object.object) {
            return Ok(FramedObject { object, frame: unnamed.frame });
        }
        if place.stat()?.is_some() {
            if let Some(frame) = self.holds(&place, &object, raw)
                && self.is_taken_over(lock, &place, &object)?
            {
                return Ok(FramedObject { object, frame });
            }
            // The damaged one is replaced by what is known to be right.
            return self.write_object(lock, raw, object, Existing::Replace, tell);
        }
        self.write_object(lock, raw, object, Existing::Keep, tell)
    }

    /// Says whether an object is there, byte for byte as it was stored before; then it is as if it had been stored again.
    ///
    /// # Errors
    /// As [`Store::put`].
    pub fn put_again(&self, lock: &AddLock, known: &FramedObject) -> Result<bool> {
        let object = &known.object;
        if let Some(unnamed) = held(&lock.unnamed).get(&object.object) {
            return Ok(unnamed.frame == known.frame);
        }
        let place = self.object_place(object.object);
        let Ok(Some(frame)) = place.read(longest(object)) else { return Ok(false) };
        Ok(ObjectId::of(&frame) == known.frame && self.is_taken_over(lock, &place, object)?)
    }

    /// Takes an object that is there into what is being added; `false` if it has gone meanwhile.
    fn is_taken_over(&self, lock: &AddLock, place: &OwnPath, object: &ObjectRef) -> Result<bool> {
        // As young as if it had been written now, so that no sweep on a disk without locks takes it away.
        if !place.refresh()? {
            return Ok(false);
        }
        // Whoever wrote it may have died before its name was durable.
        if !self.published(lock).contains(&object.object) {
            lock.touched(self.object_folder(object.object));
        }
        Ok(true)
    }

    /// Returns the objects that the newest published manifests name. All others are made durable once more.
    fn published<'l>(&self, lock: &'l AddLock) -> &'l BTreeSet<ObjectId> {
        lock.published.get_or_init(|| {
            let known = self.known().unwrap_or_default();
            let readable = known.iter().filter(|known| known.head.is_ok()).take(MOST_ASKED);
            let readable: Vec<&str> = readable.map(|known| known.stem.as_str()).collect();
            let objects = |stem: &&str| {
                self.manifest_bytes(stem).map_or_else(|_| BTreeSet::new(), |bytes| named_objects(&bytes))
            };
            parallel::map(&readable, super::LEAST_EACH, objects).into_iter().flatten().collect()
        })
    }

    /// Returns the hash of an object's file if that gives back just these bytes, which are what its name says.
    fn holds(&self, place: &OwnPath, object: &ObjectRef, raw: &[u8]) -> Option<ObjectId> {
        let frame = place.read(longest(object)).ok()??;
        let (mut rest, mut same) = (raw, true);
        let compared = compress::decompress_into(&frame, object.size, |piece| {
            match rest.split_at_checked(piece.len()) {
                Some((expected, behind)) => (same, rest) = (same && expected == piece, behind),
                None => same = false,
            }
        });
        (compared.is_ok() && same && rest.is_empty()).then(|| ObjectId::of(&frame))
    }

    fn write_object(
        &self,
        lock: &AddLock,
        raw: &[u8],
        object: ObjectRef,
        existing: Existing,
        tell: &mut dyn FnMut(u64),
    ) -> Result<FramedObject> {
        let place = self.object_place(object.object);
        let folder = self.object_folder(object.object);
        let bytes = compress::compress_telling(raw, tell).context("compress", &place.path())?;
        let frame = ObjectId::of(&bytes);
        if folder.make_folder()? {
            lock.touched(self.objects_folder());
        }
        if existing == Existing::Keep {
            held(&self.unpublished).insert(object.object);
        }
        let mut draft = Draft::begin(&self.tmp())?;
        draft.write_all(&bytes).context("write", &place.path())?;
        lock.touched(folder);
        let waiting = {
            let mut unnamed = held(&lock.unnamed);
            unnamed.insert(object.object, Unnamed { draft, place, existing, frame });
            unnamed.len()
        };
        if waiting >= MOST_UNNAMED {
            lock.name_objects()?;
        }
        Ok(FramedObject { object, frame })
    }

    /// Reads an object and checks it against its name.
    ///
    /// # Errors
    /// [`Kind::Damaged`] if it is missing, cut short, too long or not what its name says.
    pub fn get(&self, object: &ObjectRef) -> Result<Vec<u8>> {
        self.get_telling(object, &mut |_| ())
    }

    /// The same; `tell` is told of the bytes while they are unpacked.
    pub(super) fn get_telling(&self, object: &ObjectRef, tell: &mut dyn FnMut(u64)) -> Result<Vec<u8>> {
        let place = self.place_to_read(object.object);
        let path = place.path();
        let frame = place.read(longest(object))?.ok_or_else(|| damaged(&path, "it is missing"))?;
        let raw = compress::decompress_telling(&frame, object.size.min(LARGEST_OBJECT), tell)
            .map_err(|error| damaged(&path, error))?;
        if ObjectId::of(&raw) != object.object {
            return Err(damaged(&path, "its content does not match its name"));
        }
        Ok(raw)
    }

    /// Says whether the objects that a snapshot names are there; what is in them is not looked at.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn has_objects_of(&self, manifest: &Manifest) -> Result<bool> {
        for object in manifest.objects() {
            if self.place_to_read(object.object).stat()?.is_none_or(|found| found.size == 0) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads an object as it is stored, compressed, after checking it as [`Store::get`] does.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub fn frame(&self, object: &ObjectRef) -> Result<Vec<u8>> {
        self.frame_telling(object, |_| ())
    }

    /// The same; `tell` is told of the bytes while they are checked.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub fn frame_telling(&self, object: &ObjectRef, tell: impl FnMut(u64)) -> Result<Vec<u8>> {
        let place = self.place_to_read(object.object);
        let path = place.path();
        let frame = place.read(longest(object))?;
        let checked = frame.ok_or_else(|| "it is missing".to_owned()).and_then(|frame| {
            check_frame(object, &frame, tell)?;
            Ok(frame)
        });
        checked.map_err(|cause| damaged(&path, cause))
    }

    /// Removes the objects that no manifest refers to and that are old enough, and temporary files that are older than a day.
    /// Needs no free space.
    ///
    /// Does nothing while a manifest in the store can't be read: it may refer to any object. One in the trash that is damaged
    /// does not stop it; one of a newer format does.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn sweep(
        &self,
        _lock: &DeleteLock,
        now: Timestamp,
        grace: Grace,
        monitor: &Monitor,
    ) -> Result<Sweep> {
        let keeps_young = grace == Grace::Day || !self.locks_hold();
        self.sweep_temporary(now, keeps_young)?;
        let unneeded = self.unneeded(&BTreeSet::new(), Destination::Trash, now, keeps_young)?;
        let unneeded = match unneeded {
            Ok(unneeded) => unneeded,
            Err(blocked) => return Ok(Sweep { blocked, ..Sweep::default() }),
        };
        unneeded.bases.iter().try_for_each(OwnPath::remove)?;
        let _phase = monitor.begin(Phase::Removing, Some(unneeded.objects.len() as u64));
        for (place, _) in &unneeded.objects {
            place.remove()?;
            monitor.add(1);
        }
        Ok(unneeded.sweep())
    }

    /// Says what a sweep would remove if the snapshots in these files were gone, to the trash or at once with all that
    /// is in it.
    ///
    /// # Errors
    /// As [`Store::sweep`].
    pub fn would_free(&self, gone: &BTreeSet<&str>, to: Destination, now: Timestamp) -> Result<Sweep> {
        let keeps_young = to == Destination::Trash || !self.locks_hold();
        let unneeded = self.unneeded(gone, to, now, keeps_young)?;
        Ok(unneeded.map_or_else(|blocked| Sweep { blocked, ..Sweep::default() }, |unneeded| unneeded.sweep()))
    }

    /// Says whether everybody who saves here sees the locks: on a network disk, another machine may not.
    pub(super) fn locks_hold(&self) -> bool {
        self.at("").is_on_local_disk()
    }

    /// Finds the objects that only the snapshots in these files need, or that nothing needs at all;
    /// what stands in the way, if a manifest can't be read.
    pub(super) fn unneeded(
        &self,
        gone: &BTreeSet<&str>,
        to: Destination,
        now: Timestamp,
        keeps_young: bool,
    ) -> Result<std::result::Result<Unneeded, Vec<Warning>>> {
        let mut with_bases: BTreeSet<OsString> = self.bases_folder().names()?.into_iter().collect();
        // Here a snapshot must not be missed: the index is not asked which there are.
        let known = self.known_anew()?;
        let goes = |one: &UnreadEntry| gone.contains(one.stem.as_str());
        let (mut needed, unread) = self.needs(known.iter().filter(|one| !goes(one)));
        let unreadable = |stem: &str| Warning::UnreadableSnapshot(stem.to_owned());
        let aside = self.manifests_aside()?;
        let names: Vec<String> = aside.iter().map(|aside| for_shell(&aside.name)).collect();
        let aside = self.has_manifests_aside()?.then(|| Warning::ManifestsAside(names.join(", ")));
        let blocked: Vec<Warning> = unread.iter().map(|stem| unreadable(stem)).chain(aside).collect();
        if !blocked.is_empty() {
            return Ok(Err(blocked));
        }
        let is_wanted = |id: &SnapshotId| with_bases.contains(OsStr::new(&bases_name(id)));
        let (mut by_trash, mut until, mut have_bases) = (Objects::new(), None, Vec::new());
        for one in known.iter() {
            let Ok(head) = &one.head else { continue };
            let (has_bases, goes) = (is_wanted(&head.id), goes(one));
            if goes && to == Destination::Nowhere || !goes && !has_bases {
                continue;
            }
            let Ok(manifest) = self.read_once(&one.stem) else {
                if goes { continue } else { return Ok(Err(vec![unreadable(&one.stem)])) }
            };
            let set = if goes { &mut by_trash } else { &mut needed };
            if !self.add_needs(&manifest, set) {
                return Ok(Err(vec![unreadable(&one.stem)]));
            }
            until = until.max(goes.then_some(now));
            have_bases.push(bases_name(&head.id));
        }
        let trash = if to == Destination::Nowhere { Vec::new() } else { self.trash()? };
        for batch in trash.iter().filter(|batch| !batch.is_over(now)) {
            until = until.max(Some(batch.since));
            for stem in &batch.stems {
                match self.trashed(batch, stem)? {
                    Some(Ok(manifest)) => {
                        if !self.add_needs(&manifest, &mut by_trash) {
                            return Ok(Err(vec![Warning::TrashKeepsObjects(manifest.name.clone())]));
                        }
                        have_bases.push(bases_name(&manifest.id));
                    }
                    Some(Err(error)) if error.kind() == Kind::NewerFormat => {
                        return Ok(Err(vec![Warning::TrashKeepsObjects(stem.clone())]));
                    }
                    // A damaged one that somebody removed is no reason to keep everything.
                    Some(Err(_)) | None => {}
                }
            }
        }
        with_bases.retain(|name| have_bases.iter().all(|had| name.as_os_str() != OsStr::new(had)));
        let with_bases = with_bases.iter().filter(|name| is_bases_name(name));
        let mut unneeded = Unneeded {
            bases: with_bases.map(|name| self.bases_folder().join(name)).collect(),
            objects: Vec::new(),
            waiting: YoungObjects::default(),
            trash: YoungObjects::default(),
        };
        for name in self.objects_folder().names()?.into_iter().filter(|name| name.len() == 2) {
            let folder = self.objects_folder().join(name);
            if folder.stat()?.is_none_or(|found| found.shape != Shape::Folder) {
                continue;
            }
            for name in folder.names()? {
                let id =
                    Path::new(&name).file_stem().and_then(|stem| stem.to_str()).and_then(ObjectId::parse);
                if id.is_none_or(|id| needed.contains(&id)) {
                    continue;
                }
                let place = folder.join(&name);
                match place.stat()?.filter(|found| found.shape == Shape::File) {
                    Some(found) if id.is_some_and(|id| by_trash.contains(&id)) => {
                        unneeded.trash.objects += 1;
                        unneeded.trash.bytes += found.size;
                        unneeded.trash.until = until.map(|since: Timestamp| since.after(KEPT));
                    }
                    Some(found) if !keeps_young || is_old(&found, now) => {
                        unneeded.objects.push((place, found.size))
                    }
                    Some(found) => unneeded.waiting.add(&found),
                    None => {}
                }
            }
        }
        Ok(Ok(unneeded))
    }

    pub(super) fn objects_folder(&self) -> OwnPath {
        self.at("objects")
    }

    pub(super) fn object_folder(&self, id: ObjectId) -> OwnPath {
        self.objects_folder().join(&id.to_string()[..2])
    }

    pub(super) fn object_place(&self, id: ObjectId) -> OwnPath {
        self.object_folder(id).join(format!("{id}.zst"))
    }
}

/// Says whether a file is one of base versions.
fn is_bases_name(name: &OsStr) -> bool {
    let id = name.to_str().and_then(|name| name.strip_suffix(".json"));
    id.is_some_and(|id| SnapshotId::parse(id).is_some())
}
