//! One file's diff, as far as it has been read: any record of it at once, in bounded memory.
//!
//! The last blocks that were used are in memory. If there are more, the others are in an unnamed temporary
//! file, and only their place is kept.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::rc::Rc;

use memchr::memmem::Finder;

use super::diff_blocks::{DiffBlock, DiffLine, What};
use crate::sys::files;

/// How many blocks are kept in memory: some 2 MB of text.
const KEPT: usize = 24;

/// A file's diff.
pub(super) struct Document {
    places: Vec<BlockSlot>,
    recent: VecDeque<(usize, Rc<DiffBlock>)>,
    /// Where blocks go that are not recent; made when it is needed.
    spool: Option<File>,
    folder: PathBuf,
    stored: u64,
    records: u64,
    hunks: Vec<Hunk>,
    widest: u64,
}

/// Where a block is.
struct BlockSlot {
    first: u64,
    count: usize,
    /// Its place in the spool, once it has been put there.
    stored: Option<(u64, usize)>,
}

/// A hunk, and what is in it so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hunk {
    /// The record of its head.
    pub(super) record: u64,
    pub(super) removed: u32,
    pub(super) added: u32,
}

/// What a search came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SearchResult {
    At(u64),
    /// Not in the block that was searched; continue from this record.
    NotBefore(u64),
    /// Not in what has been read.
    Nowhere,
}

/// What is searched for: as it is written, or in any case if it is all lower case.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    text: String,
    any_case: bool,
}

impl Pattern {
    pub(super) fn new(text: &str) -> Pattern {
        Pattern { text: text.to_owned(), any_case: !text.chars().any(char::is_uppercase) }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Returns where it begins and ends in a line, each place once.
    pub(super) fn places(&self, line: &str) -> Vec<std::ops::Range<usize>> {
        if self.text.is_empty() {
            return Vec::new();
        }
        let line = self.folded(line.as_bytes());
        let finder = Finder::new(self.text.as_bytes());
        finder.find_iter(&line).map(|at| at..at + self.text.len()).collect()
    }

    fn folded<'t>(&self, text: &'t [u8]) -> std::borrow::Cow<'t, [u8]> {
        if self.any_case { text.to_ascii_lowercase().into() } else { text.into() }
    }
}

impl Document {
    /// Makes an empty one that puts aside what is too much for memory in a file in `folder`.
    pub(super) fn new(folder: PathBuf) -> Document {
        Document {
            places: Vec::new(),
            recent: VecDeque::new(),
            spool: None,
            folder,
            stored: 0,
            records: 0,
            hunks: Vec::new(),
            widest: 0,
        }
    }

    /// Takes the next block.
    pub(super) fn push(&mut self, block: DiffBlock) -> io::Result<()> {
        for (number, record) in block.records.iter().enumerate() {
            match (record.what, self.hunks.last_mut()) {
                (What::Hunk | What::Prompt, _) => {
                    let record = self.records + number as u64;
                    self.hunks.push(Hunk { record, ..Hunk::default() });
                }
                (What::Removed, Some(hunk)) => hunk.removed = hunk.removed.saturating_add(1),
                (What::Added, Some(hunk)) => hunk.added = hunk.added.saturating_add(1),
                _ => {}
            }
            self.widest = self.widest.max(record.old).max(record.new);
        }
        let count = block.records.len();
        self.places.push(BlockSlot { first: self.records, count, stored: None });
        self.records += count as u64;
        self.keep(self.places.len() - 1, Rc::new(block))
    }

    fn keep(&mut self, number: usize, block: Rc<DiffBlock>) -> io::Result<()> {
        self.recent.push_back((number, block));
        if self.recent.len() > KEPT
            && let Some((number, block)) = self.recent.pop_front()
            && self.places[number].stored.is_none()
        {
            let spool = match &self.spool {
                Some(spool) => spool,
                None => self.spool.insert(files::unnamed_file(&self.folder)?),
            };
            let bytes = block.store();
            spool.write_all_at(&bytes, self.stored)?;
            self.places[number].stored = Some((self.stored, bytes.len()));
            self.stored += bytes.len() as u64;
        }
        Ok(())
    }

    /// Returns how many records there are so far.
    pub(super) fn len(&self) -> u64 {
        self.records
    }

    pub(super) fn hunks(&self) -> &[Hunk] {
        &self.hunks
    }

    /// Returns the largest line number so far.
    pub(super) fn widest(&self) -> u64 {
        self.widest
    }

    /// Returns the number of the hunk that a record is in.
    pub(super) fn hunk_of(&self, record: u64) -> Option<usize> {
        self.hunks.partition_point(|hunk| hunk.record <= record).checked_sub(1)
    }

    /// Returns the block with a record and the record's place in it.
    pub(super) fn find(&mut self, record: u64) -> io::Result<Option<(Rc<DiffBlock>, usize)>> {
        if record >= self.records {
            return Ok(None);
        }
        let number = self.places.partition_point(|place| place.first <= record).saturating_sub(1);
        let place = (record - self.places[number].first) as usize;
        Ok(Some((self.block(number)?, place)))
    }

    /// Returns a record.
    pub(super) fn record(&mut self, record: u64) -> io::Result<Option<DiffLine>> {
        Ok(self.find(record)?.map(|(block, place)| block.records[place].clone()))
    }

    fn block(&mut self, number: usize) -> io::Result<Rc<DiffBlock>> {
        if let Some(at) = self.recent.iter().rposition(|(kept, _)| *kept == number) {
            let found = Rc::clone(&self.recent[at].1);
            // Moved to the end only when it is about to fall out: most reads follow each other.
            if at < KEPT / 2 && self.recent.len() > KEPT / 2 {
                let moved = self.recent.remove(at);
                self.recent.extend(moved);
            }
            return Ok(found);
        }
        let place = &self.places[number];
        let lost = || io::Error::other("the temporary file of the diff can't be read");
        let ((offset, len), spool) = place.stored.zip(self.spool.as_ref()).ok_or_else(lost)?;
        let mut bytes = vec![0; len];
        spool.read_exact_at(&mut bytes, offset)?;
        let block = Rc::new(DiffBlock::restore(&bytes, place.count).ok_or_else(lost)?);
        self.keep(number, Rc::clone(&block))?;
        Ok(block)
    }

    /// Searches one block for the next record with a text, from `from` on or, backwards, before it.
    pub(super) fn search(&mut self, pattern: &Pattern, from: u64, forward: bool) -> io::Result<SearchResult> {
        let start = if forward { Some(from) } else { from.min(self.records).checked_sub(1) };
        let Some((block, place)) = start.map_or(Ok(None), |start| self.find(start))? else {
            return Ok(SearchResult::Nowhere);
        };
        let first = start.unwrap_or(0) - place as u64;
        let (text, range) = block.all();
        let count = block.records.len();
        let (low, high) = if forward { (place, count) } else { (0, place + 1) };
        let span = range(low).start..range(high - 1).end;
        let folded = pattern.folded(&text[span.clone()]);
        let mut found = None;
        let (mut number, finder) = (low, Finder::new(pattern.text().as_bytes()));
        for at in finder.find_iter(&folded) {
            let (at, end) = (span.start + at, span.start + at + pattern.text().len());
            while number < high && range(number).end <= at {
                number += 1;
            }
            // Texts stand behind each other: what begins in one and ends in the next is no match.
            if number < high && end <= range(number).end {
                found = Some(first + number as u64);
                if forward {
                    break;
                }
            }
        }
        Ok(match found {
            Some(record) => SearchResult::At(record),
            None if forward && first + count as u64 >= self.records => SearchResult::Nowhere,
            None if !forward && first == 0 => SearchResult::Nowhere,
            None => SearchResult::NotBefore(if forward { first + count as u64 } else { first }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::diff_blocks::Recorder;
    use super::*;
    use crate::diff::Sink as _;

    /// A diff of so many changed lines, read to its end.
    fn document(lines: u64) -> Document {
        let mut document = Document::new(std::env::temp_dir());
        let mut send = |block| document.push(block);
        let mut recorder = Recorder::new(&mut send);
        for number in 0..lines {
            recorder.open(number * 10 + 1, number * 10 + 1, b"").expect("recorded");
            let [old, new] = ["old", "New"].map(|word| format!("the {word} line {number}{:200}\n", ""));
            recorder.change(&[old.as_bytes()], &[new.as_bytes()]).expect("recorded");
            recorder.close().expect("recorded");
        }
        crate::diff::Show::finish(&mut recorder, crate::diff::End::default()).expect("recorded");
        document
    }

    fn text(document: &mut Document, record: u64) -> String {
        let (block, place) = document.find(record).expect("read").expect("a record");
        block.text(&block.records[place]).trim_end().to_owned()
    }

    #[test]
    fn any_record_of_a_long_diff_is_there_and_memory_holds_a_few_blocks() {
        let mut document = document(20_000);
        assert_eq!((document.len(), document.hunks().len()), (60_000, 20_000));
        for number in [0, 19_999, 10_000, 1, 7_777, 19_998] {
            assert_eq!(text(&mut document, number * 3 + 1), format!("the old line {number}"));
            assert_eq!(text(&mut document, number * 3 + 2), format!("the New line {number}"));
            assert_eq!(document.hunk_of(number * 3 + 2), Some(number as usize));
        }
        assert!(document.places.len() > 4 * KEPT && document.recent.len() <= KEPT);
    }

    #[test]
    fn a_search_finds_what_is_in_memory_and_what_is_not() {
        let mut document = document(20_000);
        let mut find = |text: &str, mut from: u64, forward: bool| {
            loop {
                match document.search(&Pattern::new(text), from, forward).expect("searched") {
                    SearchResult::At(record) => return Some(record),
                    SearchResult::NotBefore(next) => from = next,
                    SearchResult::Nowhere => return None,
                }
            }
        };
        assert_eq!(find("new line 16000", 0, true), Some(16_000 * 3 + 2));
        assert_eq!(find("New line 16000", 0, true), Some(16_000 * 3 + 2));
        assert_eq!(find("NEW line 16000", 0, true), None);
        assert_eq!(find("old line 7", 50_000, false), Some(7_999 * 3 + 1));
        assert_eq!(find("   the", 0, true), None, "no match runs from one line into the next");
        assert_eq!(find("line 3", 10, true), Some(10), "from where it stands, that line included");
    }
}
