//! Files that only save time: what was read of manifests, in blocks, under a head that carries this user's seal.
//!
//! Nothing in such a file is ever the truth. The seal is over the head and the place of the store, and the head has the
//! hash of every block. So a file that came with a clone, that somebody edited, that is torn or that another version wrote
//! is as good as none. It is written whole under another name, and not synced. A block is read without the others.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Store;
use crate::base::digest::ObjectId;
use crate::base::error::{Error, IoContext as _, Kind, Result};
use crate::sys::files::Draft;
use crate::sys::parallel;
use crate::sys::place::{OwnPath, Shape};

/// What seals of these files are made for. It names their form: with another form comes another purpose.
const PURPOSE: &str = "2026-11-29 index of snapshots";

/// How the names of drafts of these files begin.
pub(super) const DRAFT: &str = "snap-tmp-index-";

/// How many entries a block has.
const EACH: usize = 256;

/// The most bytes of a file, and of its head.
const LARGEST: u64 = 256 << 20;
const LARGEST_HEAD: usize = 4 << 20;

/// How much is read at once, in the hope that the head is not longer.
const AT_ONCE: u64 = 16 << 10;

/// The bytes before the head: the seal, the head's length, and a line end.
const BEFORE: usize = 64 + 1 + 10 + 1;

/// Which of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Indexed {
    /// What tells snapshots from others.
    Heads,
    /// What a list says of them.
    Summaries,
}

impl Indexed {
    fn name(self) -> &'static str {
        match self {
            Indexed::Heads => "index",
            Indexed::Summaries => "summaries",
        }
    }
}

/// A file that carries this user's seal; `A` is what its head says of all of it.
pub(super) struct IndexFile<A> {
    pub(super) about: A,
    file: File,
    blocks: Vec<Block>,
    /// Where the first block begins.
    begin: u64,
}

#[derive(Serialize, Deserialize)]
struct Head<A> {
    /// Which file, and of which version of `snap`.
    of: String,
    about: A,
    blocks: Vec<Block>,
}

#[derive(Serialize, Deserialize)]
struct Block {
    bytes: u64,
    hash: ObjectId,
}

impl<A: DeserializeOwned> IndexFile<A> {
    /// Opens one of a store; `None` if there is none that can be believed.
    pub(super) fn open(store: &Store, which: Indexed) -> Option<IndexFile<A>> {
        let file = place(store, which).open_plain(LARGEST).ok()??;
        let mut begun = vec![0; usize::try_from(file.metadata().ok()?.len().min(AT_ONCE)).ok()?];
        file.read_exact_at(&mut begun, 0).ok()?;
        let before = std::str::from_utf8(begun.get(..BEFORE)?).ok()?.strip_suffix('\n')?;
        let (seal, length) = before.split_once(' ')?;
        let (seal, length) = (ObjectId::parse(seal)?, length.trim_start().parse::<usize>().ok()?);
        if length > LARGEST_HEAD {
            return None;
        }
        let mut head = begun.split_off(BEFORE);
        let there = head.len();
        head.resize(length, 0);
        if length > there {
            file.read_exact_at(&mut head[there..], u64::try_from(BEFORE + there).ok()?).ok()?;
        }
        if !store.is_sealed(PURPOSE, &head, seal) {
            return None;
        }
        let head: Head<A> = serde_json::from_slice(&head).ok()?;
        let begin = u64::try_from(BEFORE + length).ok()?;
        (head.of == version(which)).then_some(IndexFile {
            about: head.about,
            file,
            blocks: head.blocks,
            begin,
        })
    }

    /// Reads the entries of all blocks; `None` if one is not what the head says.
    pub(super) fn read<T: DeserializeOwned + Send>(&self) -> Option<Vec<T>> {
        let mut at = self.begin;
        let (file, mut places) = (&self.file, Vec::with_capacity(self.blocks.len()));
        for block in &self.blocks {
            places.push((at, block));
            at += block.bytes;
        }
        let read: Option<Vec<Vec<T>>> =
            parallel::map(&places, 8, |(at, block)| block.read(file, *at)).into_iter().collect();
        Some(read?.into_iter().flatten().collect())
    }

    /// Returns the first entry for which this holds, after so many others for which it holds. Reads no block behind it.
    pub(super) fn nth<T: DeserializeOwned>(&self, number: usize, holds: impl Fn(&T) -> bool) -> Option<T> {
        let (mut at, mut left) = (self.begin, number);
        for block in &self.blocks {
            for entry in block.read::<T>(&self.file, at)?.into_iter().filter(|entry| holds(entry)) {
                match left.checked_sub(1) {
                    None => return Some(entry),
                    Some(less) => left = less,
                }
            }
            at += block.bytes;
        }
        None
    }
}

impl Block {
    fn read<T: DeserializeOwned>(&self, file: &File, at: u64) -> Option<Vec<T>> {
        let mut bytes = vec![0; usize::try_from(self.bytes).ok()?];
        file.read_exact_at(&mut bytes, at).ok()?;
        if ObjectId::of(&bytes) != self.hash {
            return None;
        }
        serde_json::from_slice(&bytes).ok()
    }
}

/// Writes one of a store's files, by way of a draft that was begun before its entries were read.
///
/// # Errors
/// [`Kind::Environment`] with the path, or that this user has no key; callers may continue.
pub(super) fn write<A: Serialize, T: Serialize + Sync>(
    store: &Store,
    which: Indexed,
    mut draft: Draft,
    about: A,
    entries: &[T],
) -> Result<()> {
    let bug = |error: serde_json::Error| Error::new(Kind::Bug, "The index can't be written").because(error);
    let parts: Vec<&[T]> = entries.chunks(EACH).collect();
    let written =
        parallel::map(&parts, 8, |part| serde_json::to_vec(part).map(|bytes| (ObjectId::of(&bytes), bytes)));
    let written = written.into_iter().collect::<serde_json::Result<Vec<_>>>().map_err(bug)?;
    let blocks =
        written.iter().map(|(hash, bytes)| Block { bytes: bytes.len() as u64, hash: *hash }).collect();
    let head = serde_json::to_vec(&Head { of: version(which), about, blocks }).map_err(bug)?;
    let seal = store.seal(PURPOSE, &head).ok_or_else(|| {
        Error::new(Kind::Environment, "The index can't be written").because("there is no key")
    })?;
    let place = place(store, which);
    let mut all = || -> std::io::Result<()> {
        draft.write_all(format!("{seal} {:>10}\n", head.len()).as_bytes())?;
        draft.write_all(&head)?;
        written.iter().try_for_each(|(_, bytes)| draft.write_all(bytes))
    };
    all().context("write", &place.path())?;
    draft.publish_unsynced(&place)
}

/// Returns the names of the files that one of a store's files has something of; `None` if it can't be read.
pub(super) fn stems(store: &Store, which: Indexed) -> Option<Vec<String>> {
    #[derive(Deserialize)]
    struct Line {
        stem: String,
    }
    let file: IndexFile<serde::de::IgnoredAny> = IndexFile::open(store, which)?;
    Some(file.read::<Line>()?.into_iter().map(|line| line.stem).collect())
}

/// Removes one of a store's files. What stands in its place and is no plain file stays: nothing was written into that.
///
/// # Errors
/// [`Kind::Environment`] with the path.
pub(super) fn remove(store: &Store, which: Indexed) -> Result<()> {
    let place = place(store, which);
    match place.stat()? {
        Some(found) if found.shape == Shape::File => place.remove(),
        _ => Ok(()),
    }
}

/// Removes what is under way of these files: whoever writes it does without.
///
/// # Errors
/// [`Kind::Environment`] with the path.
pub(super) fn remove_drafts(store: &Store) -> Result<()> {
    let names = store.tmp().names()?.into_iter().filter_map(|name| name.into_string().ok());
    names.filter(|name| name.starts_with(DRAFT)).try_for_each(|name| store.tmp().join(name).remove())
}

fn version(which: Indexed) -> String {
    format!("{} {}", which.name(), env!("CARGO_PKG_VERSION"))
}

fn place(store: &Store, which: Indexed) -> OwnPath {
    store.tmp().join(which.name())
}
