//! The rows of a diff as they are kept: records in blocks, which can be written to a file and read again.
//!
//! Text in a record has been made safe to show, and cut if it was very long. The block is the unit of
//! everything else: the engine delivers it, the document keeps or stores it.

use std::ops::Range;

use crate::base::screen::push_safe;
use crate::diff::{End, FileHeader, MovedBlocks, Show, Sink, Span, changed_pairs, visible_part};

/// A longer line is cut to this many bytes, with a count of what is not shown.
const LONGEST: usize = 4_096;

/// How much text makes a block; the first is small, so that it is there at once.
const FULL: usize = 64 << 10;
const FULL_AT_FIRST: usize = 4 << 10;

/// The size of a record in a stored block, without its text.
const STORED: usize = 40;

/// What a record is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum What {
    /// The head of a hunk; the text is its heading.
    Hunk,
    #[default]
    Context,
    Removed,
    Added,
    /// Something said about the file.
    Note,
    /// The first line of what a person asked in a conversation, and its other lines.
    Prompt,
    Asked,
    /// What the model answered.
    Said,
    /// A call of a tool, or another thing that can be skipped.
    Call,
}

/// One line of a diff.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct DiffLine {
    pub(super) what: What,
    /// Whether it is the last of its version and has no newline.
    pub(super) open_end: bool,
    /// Whether it is the same elsewhere in the other version.
    pub(super) moved: bool,
    /// Its place in a change: among `removed` old lines followed by `added` new ones.
    pub(super) at: u16,
    pub(super) removed: u16,
    pub(super) added: u16,
    /// Its number in the old version and in the new one.
    pub(super) old: u64,
    pub(super) new: u64,
    /// How many bytes are not shown, before and after.
    pub(super) cut: (u32, u32),
    text: Range<u32>,
}

/// Some rows of a diff that follow each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiffBlock {
    pub(super) records: Vec<DiffLine>,
    text: Vec<u8>,
}

impl DiffBlock {
    fn push(&mut self, record: DiffLine, text: &[u8]) {
        let start = small(self.text.len());
        self.text.extend_from_slice(text);
        self.records.push(DiffLine { text: start..small(self.text.len()), ..record });
    }

    /// Returns the text of one of its records.
    pub(super) fn text(&self, record: &DiffLine) -> &str {
        let bytes = &self.text[record.text.start as usize..record.text.end as usize];
        // Safe text is UTF-8; what comes back from a broken disk may be anything.
        std::str::from_utf8(bytes).unwrap_or("(unreadable)")
    }

    /// Returns the text of all its records and where each ends.
    pub(super) fn all(&self) -> (&[u8], impl Fn(usize) -> Range<usize>) {
        let range = |number: usize| {
            let text = &self.records[number].text;
            text.start as usize..text.end as usize
        };
        (&self.text, range)
    }

    /// Writes it as bytes.
    pub(super) fn store(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.text.len() + self.records.len() * STORED);
        for record in &self.records {
            out.extend([record.what as u8, u8::from(record.open_end) | u8::from(record.moved) << 1]);
            [record.at, record.removed, record.added].iter().for_each(|n| out.extend(n.to_le_bytes()));
            [record.old, record.new].iter().for_each(|n| out.extend(n.to_le_bytes()));
            let text = &record.text;
            [record.cut.0, record.cut.1, text.start, text.end]
                .iter()
                .for_each(|n| out.extend(n.to_le_bytes()));
        }
        out.extend_from_slice(&self.text);
        out
    }

    /// Reads what [`DiffBlock::store`] wrote for so many records.
    pub(super) fn restore(bytes: &[u8], count: usize) -> Option<DiffBlock> {
        let (heads, text) = bytes.split_at_checked(count.checked_mul(STORED)?)?;
        let mut block = DiffBlock { records: Vec::with_capacity(count), text: text.to_vec() };
        for head in heads.chunks_exact(STORED) {
            let two = |at: usize| Some(u16::from_le_bytes(head.get(at..at + 2)?.try_into().ok()?));
            let four = |at: usize| Some(u32::from_le_bytes(head.get(at..at + 4)?.try_into().ok()?));
            let eight = |at: usize| Some(u64::from_le_bytes(head.get(at..at + 8)?.try_into().ok()?));
            let what = [
                What::Hunk,
                What::Context,
                What::Removed,
                What::Added,
                What::Note,
                What::Prompt,
                What::Asked,
                What::Said,
                What::Call,
            ];
            let text = four(32)?..four(36)?;
            if text.start > text.end || text.end as usize > block.text.len() {
                return None;
            }
            block.records.push(DiffLine {
                what: *what.get(usize::from(head[0]))?,
                open_end: head[1] & 1 != 0,
                moved: head[1] & 2 != 0,
                at: two(2)?,
                removed: two(4)?,
                added: two(6)?,
                old: eight(8)?,
                new: eight(16)?,
                cut: (four(24)?, four(28)?),
                text,
            });
        }
        Some(block)
    }
}

/// Takes the diff of one file and hands it on in blocks.
pub struct Recorder<'a> {
    block: DiffBlock,
    full: usize,
    old: u64,
    new: u64,
    moved: MovedBlocks,
    safe: Vec<u8>,
    send: &'a mut dyn FnMut(DiffBlock) -> std::io::Result<()>,
}

impl<'a> Recorder<'a> {
    /// Makes one that hands its blocks to `send`.
    pub fn new(send: &'a mut dyn FnMut(DiffBlock) -> std::io::Result<()>) -> Recorder<'a> {
        Recorder {
            block: DiffBlock::default(),
            full: FULL_AT_FIRST,
            old: 0,
            new: 0,
            moved: MovedBlocks::default(),
            safe: Vec::new(),
            send,
        }
    }

    fn line(&mut self, record: DiffLine, line: &[u8], matters: Option<usize>) -> std::io::Result<()> {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let shown = visible_part(text, LONGEST, matters);
        self.safe.clear();
        push_safe(&mut self.safe, &text[shown.clone()]);
        let record = DiffLine {
            open_end: !line.ends_with(b"\n"),
            cut: (small(shown.start), small(text.len() - shown.end)),
            ..record
        };
        self.block.push(record, &self.safe);
        if self.block.text.len() < self.full { Ok(()) } else { self.flush() }
    }

    /// Takes a line of a conversation, however long it is.
    pub(super) fn said(&mut self, what: What, line: &str) -> std::io::Result<()> {
        let mut rest = line;
        let mut what = what;
        loop {
            let end = rest.floor_char_boundary(LONGEST.min(rest.len()));
            // Between two words, if there are any.
            let end =
                if end < rest.len() { rest[..end].rfind(' ').map_or(end, |blank| blank + 1) } else { end };
            let (part, after) = rest.split_at(end);
            self.line(DiffLine { what, ..DiffLine::default() }, part.as_bytes(), None)?;
            if after.is_empty() {
                return Ok(());
            }
            rest = after;
            if what == What::Prompt {
                what = What::Asked;
            }
        }
    }

    /// Hands on what there is, for somebody who waits for it.
    pub(super) fn hand_on(&mut self) -> std::io::Result<()> {
        self.flush()
    }

    fn note(&mut self, text: &str) {
        let mut safe = Vec::new();
        push_safe(&mut safe, text.as_bytes());
        self.block.push(DiffLine { what: What::Note, ..DiffLine::default() }, &safe);
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.full = FULL;
        if self.block.records.is_empty() { Ok(()) } else { (self.send)(std::mem::take(&mut self.block)) }
    }
}

impl Sink for Recorder<'_> {
    fn open(&mut self, old: u64, new: u64, heading: &[u8]) -> std::io::Result<()> {
        (self.old, self.new) = (old, new);
        self.safe.clear();
        push_safe(&mut self.safe, heading);
        self.block.push(DiffLine { what: What::Hunk, old, new, ..DiffLine::default() }, &self.safe);
        Ok(())
    }

    fn context(&mut self, line: &[u8]) -> std::io::Result<()> {
        let record = DiffLine { what: What::Context, old: self.old, new: self.new, ..DiffLine::default() };
        (self.old, self.new) = (self.old + 1, self.new + 1);
        self.line(record, line, None)
    }

    fn change(&mut self, removed: &[&[u8]], added: &[&[u8]]) -> std::io::Result<()> {
        // Only where a line is cut does it matter which part of it changed.
        let long = removed.iter().chain(added).any(|line| line.len() > LONGEST);
        let pairs: Option<Vec<Option<Vec<Span>>>> = if long { changed_pairs(removed, added) } else { None };
        let first = |number: usize| pairs.as_ref()?.get(number)?.as_ref()?.first();
        let small = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
        let place =
            DiffLine { removed: small(removed.len()), added: small(added.len()), ..DiffLine::default() };
        for (number, line) in removed.iter().enumerate() {
            let moved = self.moved.from(self.old);
            let record =
                DiffLine { what: What::Removed, moved, at: small(number), old: self.old, ..place.clone() };
            self.old += 1;
            self.line(record, line, first(number).map(|span| span.0.start))?;
        }
        for (number, line) in added.iter().enumerate() {
            let at = small(removed.len() + number);
            let moved = self.moved.to(self.new);
            let record = DiffLine { what: What::Added, moved, at, new: self.new, ..place.clone() };
            self.new += 1;
            self.line(record, line, first(number).map(|span| span.1.start))?;
        }
        Ok(())
    }

    fn moved(&mut self, moved: MovedBlocks) {
        self.moved.go_on(moved, self.old, self.new);
    }

    fn close(&mut self) -> std::io::Result<()> {
        if self.full == FULL_AT_FIRST { self.flush() } else { Ok(()) }
    }
}

impl Show for Recorder<'_> {
    fn start(&mut self, file: FileHeader) -> std::io::Result<()> {
        file.note.iter().for_each(|note| self.note(note));
        if let (Some(old), Some(new)) = (file.old_mode, file.new_mode)
            && old != new
        {
            self.note(&format!("mode {} -> {}", old.octal(), new.octal()));
        }
        Ok(())
    }

    fn reads_text(&self) -> bool {
        true
    }

    fn finish(&mut self, end: End) -> std::io::Result<()> {
        end.notes().iter().for_each(|note| self.note(note));
        self.flush()
    }

    fn text(&mut self, line: &[u8]) -> std::io::Result<()> {
        self.note(&String::from_utf8_lossy(line.trim_ascii_end()));
        Ok(())
    }
}

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_comes_back_as_it_was_stored_and_a_broken_one_not_at_all() {
        let mut blocks = Vec::new();
        let mut send = |block: DiffBlock| {
            blocks.push(block);
            Ok(())
        };
        let mut recorder = Recorder::new(&mut send);
        recorder.open(3, 4, b"fn main() {").expect("recorded");
        recorder.change(&[b"old \x1b[2J\n", b"gone\n"], &[b"new"]).expect("recorded");
        recorder.close().expect("recorded");
        let block = blocks.first().expect("a block");
        let stored = block.store();
        assert_eq!(DiffBlock::restore(&stored, block.records.len()).as_ref(), Some(block));
        assert_eq!(block.text(&block.records[1]), "old \\x1b[2J");
        assert_eq!((block.records[3].old, block.records[3].new, block.records[3].open_end), (0, 4, true));
        for len in 0..stored.len() {
            let broken = DiffBlock::restore(&stored[..len], block.records.len());
            assert_ne!(broken.as_ref(), Some(block));
        }
    }
}
