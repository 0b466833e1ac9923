//! The lines of a diff as they come, and the moments in which no more of them are there.
//!
//! A line is returned as soon as its end was read. Where the input is cut into reads decides nothing.

use std::io::{self, Read};
use std::ops::Range;

/// How much is read at once.
const BLOCK: usize = 64 << 10;

/// What was read of an input and not yet used.
pub(super) struct Input<R> {
    reader: R,
    buffer: Vec<u8>,
    start: usize,
    filled: usize,
    ended: bool,
    /// Whether lines were returned since it was last said that it waits.
    fresh: bool,
}

impl<R: Read> Input<R> {
    pub(super) fn new(reader: R) -> Input<R> {
        Input { reader, buffer: vec![0; BLOCK], start: 0, filled: 0, ended: false, fresh: false }
    }

    /// Returns where in [`Input::text`] the next line is, with its end if it has one; `None` behind the last.
    /// Calls `waits` before it reads on behind lines that were returned.
    pub(super) fn line(
        &mut self,
        waits: &mut dyn FnMut() -> io::Result<()>,
    ) -> io::Result<Option<Range<usize>>> {
        let mut seen = self.start;
        loop {
            let end = memchr::memchr(b'\n', &self.buffer[seen..self.filled]).map(|at| seen + at + 1);
            if let Some(end) = end.or((self.ended && self.start < self.filled).then_some(self.filled)) {
                let line = self.start..end;
                (self.start, self.fresh) = (end, true);
                return Ok(Some(line));
            }
            if self.ended {
                return Ok(None);
            }
            if std::mem::take(&mut self.fresh) {
                waits()?;
            }
            seen = self.filled - self.start;
            self.read()?;
        }
    }

    /// Returns what [`Input::line`] speaks of.
    pub(super) fn text(&self) -> &[u8] {
        &self.buffer
    }

    /// Reads what is there, behind what was not yet used, which moves to the front.
    fn read(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.start..self.filled, 0);
        (self.start, self.filled) = (0, self.filled - self.start);
        if self.buffer.len() - self.filled < BLOCK / 2 {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        let read = loop {
            match self.reader.read(&mut self.buffer[self.filled..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        self.filled += read;
        self.ended = read == 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its pieces one by one.
    struct Pieces<'p>(Vec<&'p [u8]>);

    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Ok(0);
            }
            let piece = self.0.remove(0);
            buffer[..piece.len()].copy_from_slice(piece);
            Ok(piece.len())
        }
    }

    #[test]
    fn lines_come_out_whole_and_each_wait_is_told_once() {
        let mut input = Input::new(Pieces(vec![b"on", b"e\ntwo\nth", b"r", b"ee\n", b"last"]));
        let mut waited = 0;
        let mut lines = Vec::new();
        let mut waits = || {
            waited += 1;
            Ok(())
        };
        while let Some(line) = input.line(&mut waits).expect("read") {
            lines.push(String::from_utf8_lossy(&input.text()[line]).into_owned());
        }
        assert_eq!(lines, ["one\n", "two\n", "three\n", "last"]);
        assert_eq!(waited, 2, "behind `two` and behind `three`");
    }

    #[test]
    fn a_line_may_be_longer_than_any_block() {
        let long = vec![b'x'; 5 * BLOCK];
        let mut input = Input::new(&long[..]);
        let line = input.line(&mut || Ok(())).expect("read").expect("a line");
        assert_eq!(input.text()[line], long);
    }
}
