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
use crate::base::digest::ObjectId;
use crate::base::monitor::{Monitor, Phase};
use crate::secrets::{Hit, KnownValue, has_own_shape, worth_remembering};
use crate::sys::parallel::{self, held};

/// How much is searched in one piece, and how much of the piece before it is included, because a line
/// may have begun there.
const BLOCK: u64 = 1 << 20;
const OVERLAP: u64 = 64 << 10;

/// The most values that are known of one save.
const MOST_VALUES: usize = 1_000;

/// A part of a file.
struct Block {
    path: PathBuf,
    at: u64,
    end: u64,
}

impl Redactor {
    /// Learns the secrets in files, so that each of them is found in all other places. Files that can't
    /// be read are left out: they can't be stored either.
    pub fn learn(&mut self, files: &[PathBuf], monitor: &Monitor) {
        let blocks: Vec<Block> = files.iter().flat_map(|path| blocks(path)).collect();
        let _phase = monitor.begin(Phase::Learning, Some(blocks.iter().map(Block::size).sum()));
        let cache = Mutex::new(Cache::open(&self.tmp, &self.key, &self.scanner, &self.allowed, "learned"));
        // One by one: a thread that had a run of blocks would be done with the cheap ones long before the rest.
        let work = |bytes: &mut Vec<u8>, block: &Block| -> std::result::Result<_, Infallible> {
            let values = self.values_of(block, bytes, &cache);
            monitor.add(block.size());
            Ok(values)
        };
        let threads = parallel::processors().min(blocks.len());
        let found = match parallel::map_with(threads, blocks.iter(), Vec::new, work) {
            Ok(found) => found,
            Err(never) => match never {},
        };
        cache.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).write();
        let mut values: Vec<KnownValue> = found.into_iter().flatten().collect();
        values.sort();
        values.dedup_by(|a, b| a.value == b.value);
        let known: std::collections::BTreeSet<&str> =
            self.scanner.values().map(|(known, _)| known.value.as_str()).collect();
        values.retain(|one| !known.contains(one.value.as_str()));
        values.truncate(MOST_VALUES);
        if !values.is_empty() {
            self.scanner = self.scanner.with_seen(values);
            self.cache =
                Mutex::new(Cache::open(&self.tmp, &self.key, &self.scanner, &self.allowed, "scanned"));
        }
    }

    /// Returns the secrets of a block, decoded; `bytes` is room to read it into.
    fn values_of(&self, block: &Block, bytes: &mut Vec<u8>, cache: &Mutex<Cache>) -> Vec<KnownValue> {
        let Ok(file) = crate::sys::users_files::open_theirs(&block.path) else { return Vec::new() };
        let from = block.at.saturating_sub(OVERLAP);
        bytes.resize(usize::try_from(block.end - from).unwrap_or(0), 0);
        if file.read_exact_at(bytes, from).is_err() {
            return Vec::new();
        }
        let is_records = block.path.extension().is_some_and(|end| end == "jsonl");
        let tag = held(cache).tag_of_block(ObjectId::of(bytes), from > 0, is_records);
        if held(cache).is_clean(&tag) {
            return Vec::new();
        }
        let first_end = bytes.iter().position(|byte| *byte == b'\n');
        let begun = first_end.filter(|_| from > 0).map_or(0, |at| at + 1);
        let mut values = Vec::new();
        let mut clean = true;
        let mut look = |hit: &Hit<'_>| {
            clean = false;
            if !has_own_shape(hit.finding.kind) && self.taken_out(hit).is_some() {
                let name = hit.finding.name.as_deref().unwrap_or_default();
                values.extend(worth_remembering(name, hit.value));
            }
            None
        };
        let _unchanged = if is_records {
            self.scanner.redact_records(&bytes[begun..], &mut look)
        } else {
            self.scanner.redact_text(&bytes[begun..], &mut look)
        };
        if clean {
            held(cache).note_clean(tag);
        }
        values
    }
}

impl Block {
    /// In bytes.
    fn size(&self) -> u64 {
        self.end - self.at
    }
}

/// Cuts a file into blocks.
fn blocks(path: &Path) -> Vec<Block> {
    let size =
        std::fs::symlink_metadata(path).ok().filter(std::fs::Metadata::is_file).map_or(0, |meta| meta.len());
    let block = |number: u64| Block {
        path: path.to_owned(),
        at: number * BLOCK,
        end: size.min((number + 1) * BLOCK),
    };
    (0..size.div_ceil(BLOCK)).map(block).collect()
}
