//! Which pieces of transcripts hold no secret: what was searched once is not searched again.
//!
//! A piece is known by a keyed hash of its name in the store and of everything that the search depended on: rules, known
//! values, allowed secrets. So the file tells nothing about it, and if any of that changes, everything is searched again.
//! Searches that depend on other things have their notes side by side. Only clean pieces are noted. Deleting the file
//! costs only time.

use std::collections::BTreeSet;
use std::io::Write as _;

use crate::base::digest::{Key, ObjectId};
use crate::base::error::IoContext as _;
use crate::secrets::{self, Scanner};
use crate::sys::files::Draft;
use crate::sys::place::OwnPath;

/// Smaller pieces are searched faster than they are looked up and noted.
const SMALLEST: usize = 16 << 10;

/// The most notes that are kept; of more, those that nobody has asked for go.
const MOST: usize = 1 << 17;

/// A piece's hash, cut short.
pub(super) type Tag = [u8; 16];

/// The clean pieces of a store.
pub(super) struct Cache {
    place: OwnPath,
    key: Key,
    depends_on: ObjectId,
    clean: BTreeSet<Tag>,
    /// What was asked for or noted.
    used: BTreeSet<Tag>,
    is_new: bool,
}

impl Cache {
    /// Reads what is known under a name.
    pub(super) fn open(
        folder: &OwnPath,
        key: &Key,
        scanner: &Scanner,
        allowed: &BTreeSet<String>,
        name: &str,
    ) -> Cache {
        let place = folder.join(name);
        let mut depends_on = format!("{}\n", secrets::VERSION).into_bytes();
        for (known, seen) in scanner.values() {
            depends_on.extend_from_slice(format!("{}\0{}\0{seen}\n", known.name, known.value).as_bytes());
        }
        depends_on.extend(allowed.iter().flat_map(|id| id.bytes()));
        let depends_on = key.mark("what a search depends on", &depends_on);
        let bytes = place.read((MOST * 16) as u64).ok().flatten().unwrap_or_default();
        let clean = bytes.as_chunks::<16>().0.iter().copied().collect();
        Cache { place, key: key.clone(), depends_on, clean, used: BTreeSet::new(), is_new: false }
    }

    /// Returns a mark of everything that the search depends on.
    pub(super) fn depends_on(&self) -> ObjectId {
        self.depends_on
    }

    /// Returns the tag of a piece of so many bytes, if it is worth remembering.
    pub(super) fn tag(&self, piece: ObjectId, bytes: usize) -> Option<Tag> {
        (bytes >= SMALLEST).then(|| self.tag_for("name of a searched piece", piece.as_bytes()))
    }

    /// The same for records that may leave the machine as they are: whole ones, that name no account either.
    pub(super) fn tag_to_leave(&self, piece: ObjectId, bytes: u64) -> Option<Tag> {
        let purpose = concat!("records that may leave ", env!("CARGO_PKG_VERSION"));
        (bytes >= SMALLEST as u64).then(|| self.tag_for(purpose, piece.as_bytes()))
    }

    /// Returns the tag of a block of a file that is searched with the end of the block before it.
    pub(super) fn tag_of_block(
        &self,
        block: ObjectId,
        end_before: Option<ObjectId>,
        is_records: bool,
    ) -> Tag {
        let end_before = end_before.as_ref().map_or(&[][..], |end| end.as_bytes());
        let mark = [&[u8::from(is_records)][..], block.as_bytes(), end_before].concat();
        self.tag_for("searched block behind another", &mark)
    }

    fn tag_for(&self, purpose: &str, mark: &[u8]) -> Tag {
        let mark = self.key.mark(purpose, &[self.depends_on.as_bytes(), mark].concat());
        mark.as_bytes().first_chunk().copied().unwrap_or_default()
    }

    pub(super) fn is_clean(&mut self, tag: &Tag) -> bool {
        let is_clean = self.clean.contains(tag);
        self.used.extend(is_clean.then_some(*tag));
        is_clean
    }

    pub(super) fn note_clean(&mut self, tag: Tag) {
        self.used.insert(tag);
        self.is_new |= self.clean.insert(tag);
    }

    /// Writes what was learnt; if that fails, it is learnt again.
    pub(super) fn write(self) {
        let kept = if self.clean.len() > MOST { &self.used } else { &self.clean };
        if !self.is_new || kept.len() > MOST || !self.place.folder().is_folder() {
            return;
        }
        let bytes: Vec<u8> = kept.iter().flatten().copied().collect();
        // Not synced: nobody waits for what a power cut may take.
        let write = || {
            let mut draft = Draft::begin(&self.place.folder())?;
            draft.write_all(&bytes).context("write", &self.place.path())?;
            draft.publish_unsynced(&self.place)
        };
        let _learnt_again = write();
    }
}
