//! Puts runs of equal and changed lines together to hunks with context.
//!
//! Holds back at most as many lines as there is context. A hunk starts when its first change is known. The
//! lines after a change are shown before it is known how long the hunk becomes.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;

use memchr::{memchr, memchr_iter, memrchr};

use super::{DiffReport, MovedBlocks, Sink};

/// How many lines above a hunk are searched for its heading.
pub(crate) const HEADING_REACH: usize = 512;

/// The most of a heading that is kept.
const LONGEST_HEADING: usize = 80;

pub(super) struct Assembler<'s, S> {
    sink: &'s mut S,
    context: usize,
    /// The last lines that were not shown, at most `context`.
    held: VecDeque<Vec<u8>>,
    open: bool,
    /// Equal lines shown since the last change.
    after: usize,
    old: u64,
    new: u64,
    heading: Vec<u8>,
    pub(super) report: DiffReport,
}

impl<'s, S: Sink> Assembler<'s, S> {
    pub(super) fn new(sink: &'s mut S, context: usize) -> Assembler<'s, S> {
        Assembler {
            sink,
            context,
            held: VecDeque::new(),
            open: false,
            after: 0,
            old: 1,
            new: 1,
            heading: Vec::new(),
            report: DiffReport::default(),
        }
    }

    /// Returns the numbers of the next lines.
    pub(super) fn next_lines(&self) -> (u64, u64) {
        (self.old, self.new)
    }

    /// Says whether a change has been seen.
    pub(super) fn started(&self) -> bool {
        self.report.added + self.report.removed > 0
    }

    /// Takes whole lines that both versions have.
    pub(super) fn equal(&mut self, mut text: &[u8]) -> io::Result<()> {
        while self.open && !text.is_empty() {
            let end = memchr(b'\n', text).map_or(text.len(), |at| at + 1);
            self.equal_line(&text[..end])?;
            text = &text[end..];
        }
        let mut tail = text.len();
        let mut kept = 0;
        while kept < self.context && tail > 0 {
            tail = memrchr(b'\n', &text[..tail - 1]).map_or(0, |at| at + 1);
            kept += 1;
        }
        let (skipped, tail) = text.split_at(tail);
        if !skipped.is_empty() {
            let count = memchr_iter(b'\n', skipped).count() as u64;
            self.old += count;
            self.new += count;
            let held = std::mem::take(&mut self.held);
            held.iter().for_each(|line| self.note_heading(line));
            self.search_heading(skipped);
        }
        let mut rest = tail;
        while !rest.is_empty() {
            let end = memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            self.hold(&rest[..end]);
            self.old += 1;
            self.new += 1;
            rest = &rest[end..];
        }
        Ok(())
    }

    fn equal_line(&mut self, line: &[u8]) -> io::Result<()> {
        self.old += 1;
        self.new += 1;
        if self.after < self.context {
            self.after += 1;
            self.note_heading(line);
            return self.sink.context(line);
        }
        if self.held.len() == self.context {
            self.open = false;
            self.sink.close()?;
        }
        self.hold(line);
        Ok(())
    }

    /// Takes lines that only one version has.
    pub(super) fn change(&mut self, removed: &[&[u8]], added: &[&[u8]]) -> io::Result<()> {
        if removed.is_empty() && added.is_empty() {
            return Ok(());
        }
        if !self.open {
            let above = self.held.len() as u64;
            self.sink.open(self.old - above, self.new - above, &self.heading)?;
            self.open = true;
        }
        for line in std::mem::take(&mut self.held) {
            self.note_heading(&line);
            self.sink.context(&line)?;
        }
        self.sink.change(removed, added)?;
        if let Some(line) = removed.iter().rev().find(|line| is_heading(line)) {
            self.note_heading(line);
        }
        self.after = 0;
        self.old += removed.len() as u64;
        self.new += added.len() as u64;
        self.report.removed += removed.len() as u64;
        self.report.added += added.len() as u64;
        Ok(())
    }

    /// Passes on which lines moved, counted from the next line of each version.
    pub(super) fn moved(&mut self, moved: MovedBlocks) {
        let shift = |ranges: Vec<Range<u64>>, by: u64| {
            ranges.into_iter().map(|range| range.start + by..range.end + by).collect()
        };
        self.sink.moved(MovedBlocks { old: shift(moved.old, self.old), new: shift(moved.new, self.new) });
    }

    /// Ends the last hunk.
    pub(super) fn finish(self) -> io::Result<DiffReport> {
        if self.open {
            self.sink.close()?;
        }
        Ok(self.report)
    }

    fn hold(&mut self, line: &[u8]) {
        let mut kept = Vec::new();
        if self.held.len() == self.context {
            let Some(oldest) = self.held.pop_front() else { return };
            self.note_heading(&oldest);
            kept = oldest;
        }
        kept.clear();
        kept.extend_from_slice(line);
        self.held.push_back(kept);
    }

    fn note_heading(&mut self, line: &[u8]) {
        if is_heading(line) {
            self.heading.clear();
            self.heading.extend_from_slice(heading(line));
        }
    }

    /// Looks upwards through lines that are not shown for the one that a hunk is named after.
    fn search_heading(&mut self, text: &[u8]) {
        let mut end = text.len();
        for _ in 0..HEADING_REACH {
            if end == 0 {
                return;
            }
            let start = memrchr(b'\n', &text[..end - 1]).map_or(0, |at| at + 1);
            if is_heading(&text[start..end]) {
                return self.note_heading(&text[start..end]);
            }
            end = start;
        }
        // What was found further up may no longer be the nearest.
        self.heading.clear();
    }
}

/// Returns what of a line that is a heading is shown.
pub(crate) fn heading(line: &[u8]) -> &[u8] {
    let line = line.trim_ascii_end();
    let mut end = line.len().min(LONGEST_HEADING);
    while line.get(end).is_some_and(|byte| byte & 0xc0 == 0x80) && end > 0 {
        end -= 1;
    }
    &line[..end]
}

/// Git's default rule: a line that starts like a declaration at the left edge.
pub(crate) fn is_heading(line: &[u8]) -> bool {
    line.first().is_some_and(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'$'))
}
