//! Which pieces of transcripts hold no secret: what was searched once is not searched again.
//!
//! A piece is known by a keyed hash of its name in the store, so the file tells nothing about it. Only clean
//! pieces are noted. The file begins with a mark of everything that the search depended on: rules, known
//! values, allowed secrets. If any of it changes, everything is searched again. Deleting the file costs only
//! time.

use std::collections::BTreeSet;

use crate::base::digest::{Key, ObjectId};
use crate::secrets::{self, Scanner};
use crate::sys::files::{self, Existing};
use crate::sys::place::OwnPath;

/// Smaller pieces are searched faster than they are looked up and noted.
const SMALLEST: usize = 16 << 10;

/// The most pieces that are remembered.
const MOST: usize = 1 << 20;

/// A piece's hash, cut short.
pub(super) type Tag = [u8; 16];

/// The clean pieces of a store.
pub(super) struct Cache {
    place: OwnPath,
    key: Key,
    depends_on: [u8; 32],
    clean: BTreeSet<Tag>,
    is_new: bool,
}

impl Cache {
    /// Reads what is known under a name; nothing, if anything has changed since.
    pub(super) fn open(
        folder: &OwnPath,
        key: &Key,
        scanner: &Scanner,
        allowed: &BTreeSet<String>,
        name: &str,
    ) -> Cache {
        let place = folder.join(name);
        let mut depends_on = format!("{}\n", secrets::VERSION).into_bytes();
        for known in scanner.values() {
            depends_on.extend_from_slice(format!("{}\0{}\n", known.name, known.value).as_bytes());
        }
        depends_on.extend(allowed.iter().flat_map(|id| id.bytes()));
        let depends_on = *key.mark("what a search depends on", &depends_on).as_bytes();
        let bytes = place.read((MOST * 16 + 32) as u64).ok().flatten().unwrap_or_default();
        let tags = bytes.strip_prefix(&depends_on).unwrap_or_default();
        let clean = tags.as_chunks::<16>().0.iter().copied().collect();
        Cache { place, key: key.clone(), depends_on, clean, is_new: false }
    }

    /// Returns the tag of a piece of so many bytes, if it is worth remembering.
    pub(super) fn tag(&self, piece: ObjectId, bytes: usize) -> Option<Tag> {
        let mark =
            (bytes >= SMALLEST).then(|| self.key.mark("name of a searched piece", piece.as_bytes()))?;
        mark.as_bytes().first_chunk().copied()
    }

    /// Returns the tag of what is known by its place.
    pub(super) fn tag_of_place(&self, mark: &[u8]) -> Tag {
        let mark = self.key.mark("place of a searched block", mark);
        mark.as_bytes().first_chunk().copied().unwrap_or_default()
    }

    pub(super) fn is_clean(&self, tag: &Tag) -> bool {
        self.clean.contains(tag)
    }

    pub(super) fn note_clean(&mut self, tag: Tag) {
        self.is_new = true;
        self.clean.insert(tag);
    }

    /// Writes what was learnt; if that fails, it is learnt again.
    pub(super) fn write(self) {
        if !self.is_new || self.clean.len() > MOST || !self.place.folder().is_folder() {
            return;
        }
        let tags = self.clean.iter().flatten().copied();
        let bytes: Vec<u8> = self.depends_on.iter().copied().chain(tags).collect();
        let _learnt_again = files::publish(&self.place.folder(), &self.place, &bytes, Existing::Replace);
    }
}
