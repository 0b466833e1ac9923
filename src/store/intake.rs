//! A snapshot that comes from elsewhere: checked completely, then added, or not added at all.
//!
//! Owns the checks of a foreign snapshot before the store accepts it, whichever way it came. Frames are
//! checked against the names and sizes in the manifest, and wait as temporary files until the last one is
//! there. Only then do they get their names. The manifest comes after them, byte for byte as it was written.
//! Nothing in the store is ever replaced, except a damaged object by a sound one.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::time::Duration;

use super::frames::check_frame;
use super::{Store, check_name};
use crate::base::compress::{self, largest_frame};
use crate::base::digest::ObjectId;
use crate::base::error::{Error, IoContext as _, Kind, Result};
use crate::base::screen::Line;
use crate::base::timestamp::Timestamp;
use crate::json::shape;
use crate::manifest::MOST_OBJECTS;
use crate::manifest::{Manifest, ObjectRef};
use crate::store::base_blobs::Bases;
use crate::sys::files::{Draft, Existing, Sealed};

/// The most raw bytes that a foreign snapshot may unfold to.
const LARGEST_SNAPSHOT: u64 = 4 << 30;

/// How far ahead of ours another machine's clock may be: a snapshot from the far future
/// would be `latest` for ever, and would push others out of `prune --keep-last`.
pub(super) const CLOCKS_APART: Duration = Duration::from_secs(24 * 60 * 60);

/// A snapshot on its way into a store.
pub struct Incoming<'a> {
    store: &'a Store,
    manifest: Manifest,
    json: Vec<u8>,
    /// The objects still to come, with their raw sizes.
    missing: BTreeMap<ObjectId, u64>,
    /// Sound objects that the store does not have.
    sealed: BTreeMap<ObjectId, Sealed>,
    /// Base versions that come along.
    bases: Option<Bases>,
    /// Why it will not be added, sound or not: said last, when it is known to be sound.
    refusal: Option<Error>,
}

/// The result for a snapshot that was taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Added {
    /// Whether it was not here before.
    pub new: bool,
    /// How many objects were written: new ones, and damaged or lost ones put right.
    pub objects: usize,
}

/// Returns the base versions that come along, each with its blob's id.
fn versions(bases: Option<&Bases>) -> impl Iterator<Item = (&String, &ObjectRef)> {
    bases.into_iter().flat_map(|bases| &bases.0)
}

impl<'a> Incoming<'a> {
    /// Checks a manifest and begins to take its snapshot in.
    ///
    /// # Errors
    /// [`Kind::Damaged`] or [`Kind::NewerFormat`] if the manifest can't be used.
    pub fn begin(store: &'a Store, json: Vec<u8>, now: Timestamp) -> Result<Incoming<'a>> {
        let manifest = Manifest::from_json(&json)?;
        if let Err(cause) = unsound(&json, &manifest) {
            return Err(Error::new(Kind::Damaged, "The snapshot can't be added")
                .because(cause)
                .hint("nothing was added; ask for it again from whoever saved it"));
        }
        let refusal = check_may_travel(&manifest).and_then(|()| check_time(&manifest, now)).err();
        let missing = manifest.objects().iter().map(|object| (object.object, object.size)).collect();
        let (sealed, bases) = (BTreeMap::new(), None);
        Ok(Incoming { store, manifest, json, missing, sealed, bases, refusal })
    }

    /// Checks the list of base versions that come along; their objects are awaited then.
    ///
    /// # Errors
    /// As [`Bases::from_json`]; [`Kind::Damaged`] too if they are too much.
    pub fn expect_bases(&mut self, json: &[u8]) -> Result<()> {
        let bases = Bases::from_json(json, &self.manifest)?;
        for object in bases.0.values() {
            if self.missing.insert(object.object, object.size).is_some_and(|size| size != object.size) {
                return Err(self.wrong(object.object, "it has two sizes"));
            }
        }
        self.bases = Some(bases);
        let raw = self.missing.values().fold(0_u64, |sum, size| sum.saturating_add(*size));
        if !(self.missing.len() as u64 > MOST_OBJECTS || raw > LARGEST_SNAPSHOT) {
            Ok(())
        } else {
            Err(Error::new(Kind::Damaged, "The base versions can't be added")
                .because(format!("with them it is {} objects of {raw} bytes", self.missing.len())))
        }
    }

    /// Returns its manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Returns how long the frame of an object may be; `None` if it is not awaited.
    pub fn largest_frame(&self, id: ObjectId) -> Option<u64> {
        self.missing.get(&id).map(|size| largest_frame(*size))
    }

    /// Returns how large an object says it is; 0 if it is not awaited.
    pub fn raw_size(&self, id: ObjectId) -> u64 {
        self.missing.get(&id).copied().unwrap_or_default()
    }

    /// Checks an object's frame and keeps it, if the store needs it; `tell` is told of its raw bytes while they are checked.
    ///
    /// # Errors
    /// [`Kind::Damaged`] if it is not awaited or not what its name says.
    pub fn offer(&mut self, id: ObjectId, frame: &[u8], mut tell: impl FnMut(u64)) -> Result<()> {
        let Some(size) = self.missing.get(&id).copied() else {
            return Err(self.wrong(id, "the snapshot does not need it"));
        };
        let object = ObjectRef { object: id, size };
        check_frame(&object, frame, &mut tell).map_err(|cause| self.wrong(id, &cause))?;
        self.check_base(&object, frame)?;
        if self.store.frame_telling(&object, &mut tell).is_err() {
            // Makes the folders; the lock is taken again when all is there, however long that takes.
            drop(self.store.prepare()?);
            let tmp = self.store.tmp();
            let mut draft = Draft::begin(&tmp)?;
            draft.write_all(frame).context("write", &tmp.path())?;
            self.sealed.insert(id, draft.seal()?);
        }
        self.missing.remove(&id);
        Ok(())
    }

    /// Checks that a base version is the blob that its id says.
    fn check_base(&self, object: &ObjectRef, frame: &[u8]) -> Result<()> {
        let mut blobs =
            versions(self.bases.as_ref()).filter(|(_, base)| *base == object).map(|(oid, _)| oid).peekable();
        let Some(edits) = self.manifest.edits.as_ref().filter(|_| blobs.peek().is_some()) else {
            return Ok(());
        };
        let raw = compress::decompress(frame, object.size)
            .map_err(|error| self.wrong(object.object, &error.to_string()))?;
        let real = edits.object_format.blob_id(&raw);
        match blobs.find(|oid| **oid != real) {
            None => Ok(()),
            Some(oid) => Err(self.wrong(object.object, &format!("it is not the base version {oid}"))),
        }
    }

    fn wrong(&self, id: ObjectId, cause: &str) -> Error {
        Error::new(Kind::Damaged, format!("Cannot add \"{}\"", shown(&self.manifest)))
            .because(format!("object {id}: {cause}"))
            .hint("nothing was added; get it again from whoever saved it")
    }

    /// Counts the objects that were not offered and that the store has, sound, as come.
    pub fn take_from_store(&mut self) {
        let store = self.store;
        self.missing.retain(|id, size| store.frame(&ObjectRef { object: *id, size: *size }).is_err());
    }

    /// Adds the snapshot: the objects, then the manifest. A snapshot that is here already stays as it
    /// is, but lost objects of it come back. `before` runs when all checks have passed, before the
    /// snapshot exists.
    ///
    /// # Errors
    /// [`Kind::Damaged`] if objects are missing, [`Kind::Conflict`] if another snapshot has
    /// its id, [`Kind::Refused`] if it is from the future, or if it must stay where it was
    /// made; then nothing was added. A snapshot of the same name is no reason: both are kept.
    pub fn publish(self, before: impl FnOnce(&Manifest)) -> Result<Added> {
        let name = shown(&self.manifest);
        if let Some(id) = self.missing.keys().next() {
            return Err(Error::new(Kind::Damaged, format!("Cannot add \"{name}\""))
                .because(format!("object {id} is missing, and {} others", self.missing.len() - 1))
                .hint("nothing was added; get it again from whoever saved it"));
        }
        if let Some(refusal) = self.refusal {
            return Err(refusal);
        }
        let lock = self.store.prepare()?;
        let _publishing = self.store.publishing()?;
        let here = self.is_here()?;
        let objects = self.sealed.len();
        for (id, sealed) in self.sealed {
            let folder = self.store.object_folder(id);
            if folder.make_folder()? {
                lock.touched(self.store.objects_folder());
            }
            // Whatever stands there now was looked at and found wanting, or is the same.
            sealed.publish(&self.store.object_place(id), Existing::Replace)?;
            lock.touched(folder);
        }
        lock.sync()?;
        // Those that were here from the start were not under our lock until now.
        let lost = |object: &ObjectRef| !self.store.object_place(object.object).exists();
        if self
            .manifest
            .objects()
            .iter()
            .chain(versions(self.bases.as_ref()).map(|(_, object)| object))
            .any(lost)
        {
            return Err(Error::new(Kind::Environment, format!("Cannot add \"{name}\""))
                .because("another snap removed parts of it meanwhile")
                .hint("run the command again"));
        }
        if let Some(bases) = &self.bases {
            self.store.publish_bases(&self.manifest.id, bases)?;
        }
        before(&self.manifest);
        if !here {
            self.store.publish_json(&self.manifest.name, &self.json)?;
        }
        Ok(Added { new: !here, objects })
    }

    /// Says whether this very snapshot is here, and refuses what would be mistaken for another.
    fn is_here(&self) -> Result<bool> {
        for one in self.store.known()?.iter() {
            let Ok(head) = &one.head else { continue };
            if head.id == self.manifest.id {
                if self.store.manifest_bytes(&one.stem)? == self.json {
                    return Ok(true);
                }
                return Err(Error::new(
                    Kind::Conflict,
                    format!("Cannot add \"{}\": another snapshot here has its id", shown(&self.manifest)),
                )
                .because(format!("{} is \"{}\" and has other content", head.id, Line(&head.name)))
                .hint("one of the two was changed after it was saved; nothing was added"));
            }
        }
        Ok(false)
    }
}

/// Says why nobody could take a snapshot in, if there is a reason.
fn unsound(json: &[u8], manifest: &Manifest) -> std::result::Result<(), String> {
    shape::refuse_repeated_keys(json)?;
    check_name(&manifest.name).map_err(|error| error.to_string())?;
    let objects = manifest.objects();
    if objects.len() as u64 > MOST_OBJECTS {
        return Err(format!("it has {} objects, and the limit is {MOST_OBJECTS}", objects.len()));
    }
    let raw = objects.iter().fold(0_u64, |sum, object| sum.saturating_add(object.size));
    if raw > LARGEST_SNAPSHOT {
        return Err(format!("it unpacks to {raw} bytes, and the limit is {LARGEST_SNAPSHOT}"));
    }
    let different: BTreeSet<ObjectId> = objects.iter().map(|object| object.object).collect();
    if different.len() == objects.len() { Ok(()) } else { Err("it gives one object two sizes".to_owned()) }
}

/// Refuses to hand on what nobody could take in: asks all that is asked of a snapshot that comes from elsewhere.
///
/// # Errors
/// [`Kind::Refused`] with the reason, and what [`check_may_travel`] says.
pub fn check_sound(json: &[u8], manifest: &Manifest, now: Timestamp) -> Result<()> {
    check_may_travel(manifest)?;
    check_time(manifest, now)?;
    unsound(json, manifest).map_err(|cause| {
        Error::new(Kind::Refused, format!("Cannot hand on \"{}\": nobody could add it", shown(manifest)))
            .because(cause)
            .hint("nothing was sent; `snap resume` still restores it here, and a new `snap save` makes one that can be handed on")
    })
}

/// Refuses to hand on, and to take in, what only has a meaning where it was made.
///
/// # Errors
/// [`Kind::Refused`] for a safety snapshot: one from elsewhere would be what `undo` goes back to.
pub fn check_may_travel(manifest: &Manifest) -> Result<()> {
    match &manifest.safety {
        None => Ok(()),
        Some(_) => Err(Error::new(Kind::Refused, format!("\"{}\" is a safety snapshot", shown(manifest)))
            .because("it belongs to `snap undo` in the work tree where it was made")
            .hint("`snap save NAME` saves the current state as a snapshot that can be transferred")),
    }
}

fn check_time(manifest: &Manifest, now: Timestamp) -> Result<()> {
    if manifest.created_at.since(now) <= CLOCKS_APART {
        return Ok(());
    }
    Err(Error::new(Kind::Refused, format!("Cannot add \"{}\"", shown(manifest)))
        .because(format!("it claims to be saved on {}, which is in the future", manifest.created_at.minute()))
        .hint("set the clock of the machine that is wrong, then save again there"))
}

fn shown(manifest: &Manifest) -> String {
    Line(&manifest.name).to_string()
}
