//! One version of a file, read block by block and used line by line.
//!
//! Holds only what was read and not yet used. So memory depends on the size of the window, not on that of
//! the file.

use std::io::{self, Read};

use memchr::memchr_iter;

/// How much is read at once.
const BLOCK: usize = 64 << 10;

/// The unconsumed part of a version.
pub(super) struct DiffSide<R> {
    reader: R,
    buffer: Vec<u8>,
    start: usize,
    ended: bool,
    /// Bytes of the version that were consumed.
    offset: u64,
}

/// What [`DiffSide::lines`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LinesRead {
    /// As many lines as asked for, or as many bytes as are allowed.
    Some,
    /// All that is left.
    All,
    /// A line longer than the limit.
    TooLong,
}

impl<R: Read> DiffSide<R> {
    pub(super) fn new(reader: R) -> DiffSide<R> {
        DiffSide { reader, buffer: Vec::new(), start: 0, ended: false, offset: 0 }
    }

    /// Returns what was read and not consumed.
    pub(super) fn rest(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// Says whether all has been read.
    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    /// Returns how many bytes were consumed.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    pub(super) fn consume(&mut self, bytes: usize) {
        let bytes = bytes.min(self.buffer.len() - self.start);
        self.start += bytes;
        self.offset += bytes as u64;
    }

    /// Reads one more block if there is nothing behind so many bytes.
    pub(super) fn read_past(&mut self, known: usize) -> io::Result<()> {
        if self.rest().len() <= known { self.read_block() } else { Ok(()) }
    }

    /// Reads one more block; does nothing at the end.
    pub(super) fn read_block(&mut self) -> io::Result<()> {
        if self.ended {
            return Ok(());
        }
        if self.start >= self.buffer.len() / 2 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        let len = self.buffer.len();
        self.buffer.resize(len + BLOCK, 0);
        let read = loop {
            match self.reader.read(&mut self.buffer[len..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        self.buffer.truncate(len + read.as_ref().copied().unwrap_or(0));
        self.ended = read? == 0;
        Ok(())
    }

    /// Finds the ends of the next `count` lines, relative to [`DiffSide::rest`]; fewer once they
    /// measure `bytes`.
    pub(super) fn lines(
        &mut self,
        count: usize,
        bytes: usize,
        longest: usize,
        ends: &mut Vec<usize>,
    ) -> io::Result<LinesRead> {
        ends.clear();
        let mut seen = 0;
        loop {
            for at in memchr_iter(b'\n', &self.rest()[seen..]) {
                ends.push(seen + at + 1);
                if ends.len() == count {
                    return Ok(LinesRead::Some);
                }
            }
            seen = self.rest().len();
            let last = ends.last().copied().unwrap_or(0);
            if self.ended {
                if last < seen {
                    ends.push(seen);
                }
                return Ok(LinesRead::All);
            }
            if seen >= bytes && last > 0 {
                return Ok(LinesRead::Some);
            }
            if seen - last > longest {
                return Ok(if last == 0 { LinesRead::TooLong } else { LinesRead::Some });
            }
            self.read_block()?;
        }
    }
}

/// Cuts text into the lines that end at `ends`.
pub(super) fn cut<'a>(text: &'a [u8], ends: &[usize]) -> Vec<&'a [u8]> {
    let mut lines = Vec::with_capacity(ends.len());
    let mut start = 0;
    for end in ends {
        lines.push(&text[start..*end]);
        start = *end;
    }
    lines
}

/// How much is compared at once.
const STEP: usize = 4_096;

/// How many bytes two texts share at their start.
pub(super) fn common(a: &[u8], b: &[u8]) -> usize {
    let len = a.len().min(b.len());
    let mut at = 0;
    while at < len {
        let to = (at + STEP).min(len);
        if a[at..to] != b[at..to] {
            return at + a[at..to].iter().zip(&b[at..to]).take_while(|(a, b)| a == b).count();
        }
        at = to;
    }
    len
}

/// How many bytes two texts share at their end.
pub(super) fn common_end(a: &[u8], b: &[u8]) -> usize {
    let len = a.len().min(b.len());
    let mut at = 0;
    while at < len {
        let step = STEP.min(len - at);
        let last = |text: &'_ [u8]| text.len() - at - step..text.len() - at;
        let (x, y) = (&a[last(a)], &b[last(b)]);
        if x != y {
            return at + x.iter().rev().zip(y.iter().rev()).take_while(|(a, b)| a == b).count();
        }
        at += step;
    }
    len
}
