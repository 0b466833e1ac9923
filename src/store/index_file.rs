//! Files that only save time: what was read of manifests, in columns of blocks, under a head that carries this user's seal.
//!
//! Nothing in such a file is ever the truth. The seal is over the head and the place of the store, and the head has the
//! hash of every block. So a file that came with a clone, that somebody edited, that is torn or that another version wrote
//! is as good as none. It is written whole under another name, and not synced. A block is read without the others.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

use super::Store;
use super::manifest_cache::Identity;
use crate::base::digest::ObjectId;
use crate::base::error::{Error, IoContext as _, Kind, Result};
use crate::base::packed::{Unpacker, put, put_number, put_signed};
use crate::sys::files::Draft;
use crate::sys::parallel;
use crate::sys::place::{OwnPath, Shape};

/// What seals of these files are made for. It names their form: with another form comes another purpose.
const PURPOSE: &str = "2026-11-30 index of snapshots";

/// How the names of drafts of these files begin.
pub(super) const DRAFT: &str = "snap-tmp-index-";

/// How many entries a block has.
pub(super) const EACH: usize = 256;

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

/// What one entry of a file says in one of the file's columns.
pub(super) trait Unpack: Sized {
    /// Reads it, to the end of what there is.
    fn unpack(from: &mut Unpacker<'_>) -> Option<Self>;
}

/// The column that says of every entry which file it is about.
pub(super) const FILES: usize = 0;

/// A file that carries this user's seal; `A` is what its head says of all of it.
pub(super) struct IndexFile<A> {
    pub(super) about: A,
    file: File,
    columns: Vec<Vec<Placed>>,
}

/// A block, and where it begins.
struct Placed {
    at: u64,
    block: IndexBlock,
}

#[derive(Serialize, Deserialize)]
struct Head<A> {
    /// Which file, and of which version of `snap`.
    of: String,
    about: A,
    columns: Vec<Vec<IndexBlock>>,
}

#[derive(Serialize, Deserialize)]
struct IndexBlock {
    bytes: u64,
    hash: ObjectId,
}

/// The blocks of one column, as they are written.
pub(super) struct Column(Vec<Vec<u8>>);

impl Column {
    /// Makes one of what is packed of these entries, so many to a block; `None` if something is too large for that.
    pub(super) fn of<T: Sync>(
        entries: &[T],
        each: usize,
        pack_one: impl Fn(&T, &mut Vec<u8>) -> Option<()> + Sync,
    ) -> Option<Column> {
        let parts: Vec<&[T]> = entries.chunks(each).collect();
        let pack = |part: &&[T]| -> Option<Vec<u8>> {
            let (mut block, mut one) = (Vec::new(), Vec::new());
            for entry in *part {
                one.clear();
                pack_one(entry, &mut one)?;
                put(&mut block, &one)?;
            }
            Some(block)
        };
        parallel::map(&parts, 8, pack).into_iter().collect::<Option<Vec<_>>>().map(Column)
    }
}

impl<A: DeserializeOwned> IndexFile<A> {
    /// Opens one of a store; `None` if there is none that can be believed.
    pub(super) fn open(store: &Store, which: Indexed) -> Option<IndexFile<A>> {
        let file = place(store, which).open_plain(LARGEST).ok()??;
        let size = file.metadata().ok()?.len();
        let mut begun = vec![0; usize::try_from(size.min(AT_ONCE)).ok()?];
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
        let mut at = u64::try_from(BEFORE + length).ok()?;
        let mut placed = |block: IndexBlock| {
            let begin = at;
            at += block.bytes;
            Placed { at: begin, block }
        };
        let columns = head.columns.into_iter().map(|column| column.into_iter().map(&mut placed).collect());
        let columns = columns.collect();
        // One that was cut off is of no use, even if what is read first is there.
        (head.of == version(which) && at == size).then_some(IndexFile { about: head.about, file, columns })
    }

    /// Returns how many blocks a column has.
    pub(super) fn blocks(&self, column: usize) -> usize {
        self.columns.get(column).map_or(0, Vec::len)
    }

    /// Reads the bytes of a block; `None` if they are not what the head says.
    pub(super) fn block(&self, column: usize, number: usize) -> Option<Vec<u8>> {
        let Placed { at, block } = self.columns.get(column)?.get(number)?;
        let mut bytes = vec![0; usize::try_from(block.bytes).ok()?];
        self.file.read_exact_at(&mut bytes, *at).ok()?;
        (ObjectId::of(&bytes) == block.hash).then_some(bytes)
    }

    /// Reads what the entries of one block say in a column.
    pub(super) fn entries<T: Unpack>(&self, column: usize, number: usize) -> Option<Vec<T>> {
        split(&self.block(column, number)?).into_iter().map(unpacked).collect()
    }

    /// Reads a column; `None` if a block of it is not what the head says.
    pub(super) fn read<T: Unpack + Send>(&self, column: usize) -> Option<Vec<T>>
    where
        A: Sync,
    {
        let numbers: Vec<usize> = (0..self.blocks(column)).collect();
        let read = parallel::map(&numbers, 8, |number| self.entries(column, *number));
        let read: Vec<Vec<T>> = read.into_iter().collect::<Option<_>>()?;
        let mut all = Vec::with_capacity(read.iter().map(Vec::len).sum());
        all.extend(read.into_iter().flatten());
        Some(all)
    }

    /// Returns the number of the first entry for which this holds, after so many others for which it holds, and what it says
    /// in a column. Reads no block behind it.
    pub(super) fn nth<T: Unpack>(
        &self,
        column: usize,
        number: usize,
        holds: impl Fn(&T) -> bool,
    ) -> Option<(usize, T)> {
        let (mut before, mut left) = (0, number);
        for block in 0..self.blocks(column) {
            let entries: Vec<T> = self.entries(column, block)?;
            let length = entries.len();
            for (at, entry) in entries.into_iter().enumerate().filter(|(_, entry)| holds(entry)) {
                match left.checked_sub(1) {
                    None => return Some((before + at, entry)),
                    Some(less) => left = less,
                }
            }
            before += length;
        }
        None
    }
}

/// Splits a block into its entries. What is cut off is none.
pub(super) fn split(block: &[u8]) -> Vec<&[u8]> {
    let mut all = Unpacker::of(block);
    std::iter::from_fn(|| all.part()).collect()
}

fn unpacked<T: Unpack>(entry: &[u8]) -> Option<T> {
    let mut from = Unpacker::of(entry);
    T::unpack(&mut from).filter(|_| from.is_done())
}

/// Which file an entry is about.
pub(super) struct IndexedFile {
    pub(super) stem: String,
    pub(super) identity: Identity,
}

impl Unpack for IndexedFile {
    fn unpack(from: &mut Unpacker<'_>) -> Option<IndexedFile> {
        let identity = (from.number()?, from.number()?, from.number()?, from.signed()?, from.signed()?);
        Some(IndexedFile { identity, stem: std::str::from_utf8(from.rest()).ok()?.to_owned() })
    }
}

/// Adds which file an entry is about.
pub(super) fn pack_file(stem: &str, (device, inode, size, seconds, nanos): Identity, into: &mut Vec<u8>) {
    [device, inode, size].into_iter().for_each(|number| put_number(into, number));
    [seconds, nanos].into_iter().for_each(|number| put_signed(into, number));
    into.extend_from_slice(stem.as_bytes());
}

/// Writes one of a store's files, by way of a draft that was begun before its entries were read.
///
/// # Errors
/// [`Kind::Environment`] with the path, or that this user has no key; callers may continue.
pub(super) fn write<A: Serialize>(
    store: &Store,
    which: Indexed,
    mut draft: Draft,
    about: A,
    columns: &[Column],
) -> Result<()> {
    let bug = |error: serde_json::Error| Error::new(Kind::Bug, "The index can't be written").because(error);
    let hash = |block: &Vec<u8>| IndexBlock { bytes: block.len() as u64, hash: ObjectId::of(block) };
    let blocks = columns.iter().map(|column| parallel::map(&column.0, 8, hash)).collect();
    let head = serde_json::to_vec(&Head { of: version(which), about, columns: blocks }).map_err(bug)?;
    // What only saves time is no reason to make a key.
    let seal = store.has_key().then(|| store.seal(PURPOSE, &head)).flatten().ok_or_else(|| {
        Error::new(Kind::Environment, "The index can't be written").because("there is no key")
    })?;
    let place = place(store, which);
    let mut all = || -> std::io::Result<()> {
        draft.write_all(format!("{seal} {:>10}\n", head.len()).as_bytes())?;
        draft.write_all(&head)?;
        columns.iter().flat_map(|column| &column.0).try_for_each(|block| draft.write_all(block))
    };
    all().context("write", &place.path())?;
    draft.publish_unsynced(&place)
}

/// Returns the names of the files that one of a store's files has something of; `None` if it can't be read.
pub(super) fn stems(store: &Store, which: Indexed) -> Option<Vec<String>> {
    let file: IndexFile<IgnoredAny> = IndexFile::open(store, which)?;
    let files: Vec<IndexedFile> = file.read(FILES)?;
    Some(files.into_iter().map(|file| file.stem).collect())
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
