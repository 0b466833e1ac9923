//! Which objects snapshots need, read from their manifests one by one: in memory that grows with the objects, and not with the
//! snapshots.
//!
//! What a sweep removes is decided by this alone, and never by the index. Of each manifest, the checksum is looked at, and
//! everything that looks like the name of an object; so rather too much is kept.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use super::{LEAST_EACH, Store, TrashSize, UnreadEntry, manifest_name};
use crate::base::digest::ObjectId;
use crate::base::error::{Kind, Result};
use crate::manifest::{LARGEST_MANIFEST, Manifest, ObjectRef, may_name, names_of_itself};
use crate::sys::parallel::{self, held};

/// Objects by their names.
pub(super) type Objects = HashSet<ObjectId>;

/// What a store takes on the disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Space {
    /// The bytes of the manifests, and of the objects that they need.
    pub bytes: u64,
    /// What is in the trash.
    pub trash: TrashSize,
    /// The snapshots of which content is not there, by the names of their files without `.json`.
    pub lacking: Vec<String>,
}

/// What snapshots need on the disk, each file by a number that is its own.
pub struct Sizes<'s> {
    store: &'s Store,
    /// The numbers of objects, with their bytes on the disk.
    objects: HashMap<ObjectId, (usize, u64)>,
    next: usize,
}

impl Sizes<'_> {
    /// Returns the files of a snapshot: its manifest and its objects.
    pub fn of(&mut self, one: &UnreadEntry) -> Vec<(usize, u64)> {
        let mut files = vec![(self.next, self.store.manifest_size(&one.stem))];
        self.next += 1;
        let json = self.store.manifest_bytes(&one.stem);
        for object in json.and_then(|json| may_name(&json)).unwrap_or_default() {
            let (store, next) = (self.store, &mut self.next);
            let numbered = self.objects.entry(object).or_insert_with(|| {
                *next += 1;
                (*next - 1, store.stored_size(&ObjectRef { object, size: 0 }))
            });
            files.push(*numbered);
        }
        // What only looked like the name of an object takes nothing.
        files.retain(|(_, bytes)| *bytes > 0);
        files.sort_unstable();
        files.dedup();
        files
    }
}

impl Store {
    /// Measures what snapshots need on the disk; each object is measured once.
    pub fn sizes(&self) -> Sizes<'_> {
        Sizes { store: self, objects: HashMap::new(), next: 0 }
    }

    /// Returns the objects that these snapshots need, and perhaps others; says too which of them can't be read.
    pub(super) fn needs<'e>(&self, all: impl Iterator<Item = &'e UnreadEntry>) -> (Objects, Vec<String>) {
        self.needs_and(all, |_| {})
    }

    /// The same; `tell` is given each manifest that was read.
    fn needs_and<'e>(
        &self,
        all: impl Iterator<Item = &'e UnreadEntry>,
        tell: impl Fn(&[u8]) + Sync,
    ) -> (Objects, Vec<String>) {
        let all: Vec<&UnreadEntry> = all.collect();
        let (needed, failed) = (Mutex::new(Objects::new()), Mutex::new(Vec::new()));
        parallel::map(&all, LEAST_EACH, |one| {
            let names = self.manifest_bytes(&one.stem).and_then(|json| {
                tell(&json);
                may_name(&json)
            });
            match names {
                Ok(names) if one.head.is_ok() => held(&needed).extend(names),
                // Removed since it was listed, which nobody can while objects are swept.
                Err(error) if error.kind() == Kind::NotFound => {}
                Ok(_) | Err(_) => held(&failed).push(one.stem.clone()),
            }
        });
        let mut unread = std::mem::take(&mut *held(&failed));
        unread.sort();
        (std::mem::take(&mut *held(&needed)), unread)
    }

    /// Adds the objects that one snapshot needs, and its base versions; says whether these can be read.
    pub(super) fn add_needs(&self, manifest: &Manifest, needed: &mut Objects) -> bool {
        let Ok(bases) = self.bases(manifest) else { return false };
        needed.extend(manifest.objects().iter().map(|object| object.object));
        needed.extend(bases.iter().flat_map(|bases| bases.0.values()).map(|object| object.object));
        true
    }

    /// Returns what the store takes on the disk. Of what can't be read, only the manifest counts.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn space(&self) -> Result<Space> {
        let known = self.known()?;
        // What a manifest says of itself looks like objects that are not there.
        let of_itself = Mutex::new(Objects::new());
        let (needed, _) = self.needs_and(known.iter(), |json| held(&of_itself).extend(names_of_itself(json)));
        let manifests: u64 = known.iter().map(|one| self.manifest_size(&one.stem)).sum();
        let (stored, mut absent) = self.stored_and_absent(&needed);
        let of_itself = std::mem::take(&mut *held(&of_itself));
        absent.retain(|object| !of_itself.contains(object));
        Ok(Space {
            bytes: manifests + stored,
            trash: self.trash_size(&needed)?,
            lacking: self.lacking(&known, &absent),
        })
    }

    /// Returns the snapshots that need one of these objects, which are not there.
    fn lacking(&self, known: &[UnreadEntry], absent: &Objects) -> Vec<String> {
        if absent.is_empty() {
            return Vec::new();
        }
        let lacks = |one: &&UnreadEntry| {
            let json = self.manifest_bytes(&one.stem);
            let names = json.and_then(|json| may_name(&json)).unwrap_or_default();
            names.iter().any(|name| absent.contains(name))
                && self.whole(one).is_some_and(|manifest| matches!(self.has_objects_of(&manifest), Ok(false)))
        };
        known.iter().filter(lacks).map(|one| one.stem.clone()).collect()
    }

    /// Returns how many snapshots are in the trash.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn number_in_trash(&self) -> Result<usize> {
        Ok(self.trash()?.iter().map(|batch| batch.stems.len()).sum())
    }

    /// Returns how many snapshots are in the trash, and the bytes on disk of what only they need and not these objects.
    fn trash_size(&self, needed: &Objects) -> Result<TrashSize> {
        let (mut size, mut only) = (TrashSize::default(), Objects::new());
        for batch in self.trash()? {
            for stem in &batch.stems {
                let place = self.batch_folder(&batch.id).join(manifest_name(stem));
                size.bytes += place.stat()?.map_or(0, |found| found.size);
                size.snapshots += 1;
                // What is damaged in the trash takes the space of its manifest only.
                let json = place.read(LARGEST_MANIFEST).ok().flatten();
                only.extend(json.and_then(|json| may_name(&json).ok()).unwrap_or_default());
            }
        }
        only.retain(|object| !needed.contains(object));
        size.bytes += self.stored(&only);
        Ok(size)
    }

    /// Returns the bytes on disk of objects; those that are not there have none.
    fn stored(&self, objects: &Objects) -> u64 {
        self.stored_and_absent(objects).0
    }

    /// The same, with those that are not there.
    fn stored_and_absent(&self, objects: &Objects) -> (u64, Objects) {
        let objects: Vec<ObjectId> = objects.iter().copied().collect();
        let size = |object: &ObjectId| self.stored_size(&ObjectRef { object: *object, size: 0 });
        let sizes = parallel::map(&objects, 64, size);
        let absent = objects.iter().zip(&sizes).filter(|(_, size)| **size == 0).map(|(object, _)| *object);
        (sizes.iter().sum(), absent.collect())
    }
}
