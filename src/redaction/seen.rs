//! Secrets that were seen in one place of a save, so that they are found in all other places.
//!
//! Searches transcripts, the files beside them and pending files before any of it is stored. What it reads
//! is cut into blocks. A block that held nothing is recognized by its hash, and not searched again. So a save only costs
//! the time for what was added. Only the cache of clean blocks is kept, no value.

use std::convert::Infallible;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::Redactor;
use super::cache::Cache;
use super::hashed::{Hashed, Stamp};
use super::literal_placeholders;
use crate::base::block_sums::BLOCK;
use crate::base::digest::ObjectId;
use crate::base::monitor::{Monitor, Phase};
use crate::secrets::{Finding, Hit, KnownValue, worth_remembering};
use crate::sys::parallel::{self, held};

/// How much of the block before it is searched with a block, because a line may have begun there.
const OVERLAP: u64 = 64 << 10;

/// The most values that are known of one save.
const MOST_VALUES: usize = 1_000;

/// A part of a file.
struct Block {
    path: PathBuf,
    at: u64,
    end: u64,
    /// The file, before any of it was read.
    stamp: Stamp,
}

/// The hashes of a block and of its end, which is searched with the next one.
#[derive(Clone, Copy, PartialEq, Eq)]
struct BlockHashes {
    all: ObjectId,
    end: ObjectId,
}

impl Redactor {
    /// Learns the secrets in files, so that each of them is found in all other places. Files that can't
    /// be read are left out: they can't be stored either. Returns what was hashed for it.
    pub fn learn(&mut self, files: &[PathBuf], texts: &[&str], monitor: &Monitor) -> Hashed {
        let blocks: Vec<Block> = files.iter().flat_map(|path| blocks(path)).collect();
        let _phase = monitor.begin(Phase::Learning, Some(blocks.iter().map(Block::size).sum()));
        let cache = Cache::open(&self.tmp, &self.key, &self.scanner, &self.allowed, "learned");
        let cache = Mutex::new(cache);
        let look = |bytes: &mut Vec<u8>, block: &Block| {
            let hashes = block.read(block.at, bytes).map(|()| hashes_of(bytes));
            let alone = hashes.filter(|_| block.is_all());
            let alone = alone.map(|hashes| self.values_in(block, (None, hashes), bytes, &cache));
            // The other half of the work is to search it.
            monitor.add(if alone.is_some() { block.size() } else { block.size() / 2 });
            Ok((hashes, alone))
        };
        let (hashes, alone): (Vec<_>, Vec<_>) = map_each(blocks.iter(), look).into_iter().unzip();
        let parts = blocks.iter().enumerate().filter(|(_, block)| !block.is_all());
        let unknown: Vec<&Block> = parts
            .filter(|(number, block)| {
                let before = number.checked_sub(1).filter(|_| block.at > 0);
                let end_before = before.and_then(|before| hashes[before]).map(|before| before.end);
                hashes[*number].is_some_and(|hashes| {
                    let mut cache = held(&cache);
                    let tag = cache.tag_of_block(hashes.all, end_before, block.is_records());
                    !cache.is_clean(&tag)
                })
            })
            .map(|(_, block)| block)
            .collect();
        let other_half = |block: &Block| block.size() - block.size() / 2;
        let to_search: u64 = unknown.iter().map(|block| other_half(block)).sum();
        let all: u64 = blocks.iter().filter(|block| !block.is_all()).map(other_half).sum();
        monitor.add(all.saturating_sub(to_search));
        // One by one: a thread that had a run of blocks would be done with the cheap ones long before the rest.
        let search = |bytes: &mut Vec<u8>, block: &Block| {
            let values = self.values_of(block, bytes, &cache);
            monitor.add(other_half(block));
            Ok(values)
        };
        let found = map_each(unknown.into_iter(), search).into_iter().chain(alone.into_iter().flatten());
        let found = found.chain(texts.iter().map(|text| self.values_of_text(text.as_bytes(), false).0));
        cache.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).write();
        self.look_for(found.flatten().collect());
        held(&self.learnt_late).clear();
        hashed(blocks, &hashes)
    }

    /// Looks for what was found since [`Redactor::learn`], in what nothing was learnt from, in all other places too. Says whether
    /// there was anything: then what was read before is to be read again.
    pub fn learn_late(&mut self) -> bool {
        let late = std::mem::take(&mut *held(&self.learnt_late));
        let is_new = self.look_for(late.into_iter().collect());
        if is_new {
            held(&self.found).clear();
        }
        is_new
    }

    /// Says whether any of these values was not looked for yet.
    fn look_for(&mut self, mut values: Vec<KnownValue>) -> bool {
        values.sort();
        values.dedup_by(|a, b| a.value == b.value);
        let known: std::collections::BTreeSet<&str> =
            self.scanner.values().map(|(known, _)| known.value.as_str()).collect();
        values.retain(|one| !known.contains(one.value.as_str()));
        // A vendor's token has no name, and is found by its shape nearly everywhere.
        values.sort_by_key(|one| one.name.is_empty());
        values.truncate(MOST_VALUES);
        if values.is_empty() {
            return false;
        }
        self.search_with(self.scanner.with_seen(values));
        true
    }

    /// Returns the secrets of a block and of the end of the one before it, decoded; `bytes` is room to read it into.
    fn values_of(&self, block: &Block, bytes: &mut Vec<u8>, cache: &Mutex<Cache>) -> Vec<KnownValue> {
        let from = block.at.saturating_sub(OVERLAP);
        if block.read(from, bytes).is_none() {
            return Vec::new();
        }
        // Hashed again: it may have been changed since.
        let (before, own) = bytes.split_at(usize::try_from(block.at - from).unwrap_or_default());
        let hashes = ((from < block.at).then(|| ObjectId::of(before)), hashes_of(own));
        self.values_in(block, hashes, bytes, cache)
    }

    /// The same for what was read, with the hash of the end before it.
    fn values_in(
        &self,
        block: &Block,
        (end_before, own): (Option<ObjectId>, BlockHashes),
        bytes: &[u8],
        cache: &Mutex<Cache>,
    ) -> Vec<KnownValue> {
        let tag = held(cache).tag_of_block(own.all, end_before, block.is_records());
        if held(cache).is_clean(&tag) {
            return Vec::new();
        }
        let first_end = bytes.iter().position(|byte| *byte == b'\n');
        let begun = first_end.filter(|_| block.at > 0).map_or(0, |at| at + 1);
        let (values, is_clean) = self.values_of_text(&bytes[begun..], block.is_records());
        if is_clean {
            held(cache).note_clean(tag);
        }
        values
    }

    /// Returns the secrets of a text, decoded, and whether there is none of any kind.
    fn values_of_text(&self, text: &[u8], is_records: bool) -> (Vec<KnownValue>, bool) {
        let mut values = Vec::new();
        let mut is_clean = true;
        let mut look = |hit: &Hit<'_>| {
            is_clean = false;
            if self.taken_out(hit).is_some() {
                values.extend(worth_learning(hit.finding, hit.value));
            }
            None
        };
        let _unchanged = if is_records {
            self.scanner.redact_records(text, &mut look)
        } else {
            self.scanner.redact_text(text, &mut look)
        };
        (values, is_clean)
    }
}

/// Returns what to look for elsewhere, given what was found.
pub(super) fn worth_learning(finding: &Finding, value: &[u8]) -> Vec<KnownValue> {
    // The lines of a key are found by themselves, and none of them is looked for in another text.
    if matches!(finding.kind, "private-key" | literal_placeholders::KIND) {
        return Vec::new();
    }
    worth_remembering(finding.name.as_deref().unwrap_or_default(), value)
}

fn hashes_of(block: &[u8]) -> BlockHashes {
    let end = block.len().saturating_sub(usize::try_from(OVERLAP).unwrap_or(usize::MAX));
    BlockHashes { all: ObjectId::of(block), end: ObjectId::of(&block[end..]) }
}

/// Does the same to every block with all processors; each thread has room of its own to read into.
fn map_each<'b, O: Send>(
    blocks: impl Iterator<Item = &'b Block> + Send,
    work: impl Fn(&mut Vec<u8>, &'b Block) -> std::result::Result<O, Infallible> + Sync,
) -> Vec<O> {
    match parallel::map_with(parallel::processors(), blocks, Vec::new, work) {
        Ok(done) => done,
        Err(never) => match never {},
    }
}

/// Puts together what was hashed of each file of which all could be read.
fn hashed(blocks: Vec<Block>, hashes: &[Option<BlockHashes>]) -> Hashed {
    let mut hashed = Hashed::default();
    let mut of_file = Some(Vec::new());
    for (block, hashes) in blocks.into_iter().zip(hashes) {
        if block.at == 0 {
            of_file = Some(Vec::new());
        }
        match (hashes, &mut of_file) {
            (Some(hashes), Some(of_file)) if block.size() == BLOCK => of_file.push(hashes.all),
            (Some(_), _) => {}
            (None, _) => of_file = None,
        }
        if let Some(of_file) = of_file.as_ref().filter(|_| block.is_last()) {
            hashed.add(block.path, block.stamp, of_file.clone());
        }
    }
    hashed
}

impl Block {
    /// In bytes.
    fn size(&self) -> u64 {
        self.end - self.at
    }

    fn is_all(&self) -> bool {
        self.size() == self.stamp.size()
    }

    fn is_last(&self) -> bool {
        self.end == self.stamp.size()
    }

    fn is_records(&self) -> bool {
        self.path.extension().is_some_and(|end| end == "jsonl")
    }

    /// Reads it and what is before it from there on; `None` if that can't be.
    fn read(&self, from: u64, bytes: &mut Vec<u8>) -> Option<()> {
        let file = crate::sys::users_files::open_theirs(&self.path).ok()?;
        bytes.resize(usize::try_from(self.end - from).ok()?, 0);
        file.read_exact_at(bytes, from).ok()
    }
}

/// Cuts a file into blocks.
fn blocks(path: &Path) -> Vec<Block> {
    let meta = std::fs::symlink_metadata(path).ok().filter(std::fs::Metadata::is_file);
    let Some(stamp) = meta.as_ref().map(Stamp::from) else { return Vec::new() };
    let block = |number: u64| Block {
        path: path.to_owned(),
        at: number * BLOCK,
        end: stamp.size().min((number + 1) * BLOCK),
        stamp,
    };
    (0..stamp.size().div_ceil(BLOCK)).map(block).collect()
}
