//! A diff that was read, written again line for line: for programs.
//!
//! A patch that goes through here stays the same, byte for byte.

use std::io;

use super::{BlockWriter, End, FileHeader, Show, Sink};

/// Writes a diff byte for byte, but for colours that git gave it.
pub struct Same<'o, 'a> {
    out: &'o mut BlockWriter<'a>,
}

impl<'o, 'a> Same<'o, 'a> {
    /// Makes one that writes to `out`.
    pub fn new(out: &'o mut BlockWriter<'a>) -> Same<'o, 'a> {
        Same { out }
    }

    fn signed(&mut self, sign: &[u8], line: &[u8]) -> io::Result<()> {
        [sign, line].iter().for_each(|part| self.out.buffer.extend_from_slice(part));
        self.out.line_done()
    }
}

impl Sink for Same<'_, '_> {
    fn open(&mut self, _old: u64, _new: u64, _heading: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn context(&mut self, line: &[u8]) -> io::Result<()> {
        self.signed(b" ", line)
    }

    fn change(&mut self, removed: &[&[u8]], added: &[&[u8]]) -> io::Result<()> {
        removed.iter().try_for_each(|line| self.signed(b"-", line))?;
        added.iter().try_for_each(|line| self.signed(b"+", line))
    }

    fn close(&mut self) -> io::Result<()> {
        self.out.hunk_done()
    }
}

impl Show for Same<'_, '_> {
    fn start(&mut self, _file: FileHeader) -> io::Result<()> {
        Ok(())
    }

    fn finish(&mut self, _end: End) -> io::Result<()> {
        self.out.line_done()
    }

    fn text(&mut self, line: &[u8]) -> io::Result<()> {
        self.out.push(line)
    }

    fn header(&mut self, line: &[u8]) -> io::Result<()> {
        self.out.push(&super::patch_reader::without_colors(line))
    }

    fn merge_hunk(&mut self, header: &[u8], _new: u64, _heading: &[u8]) -> io::Result<()> {
        self.header(header)
    }

    fn wants_lines(&self) -> bool {
        true
    }

    fn line(&mut self, line: &[u8]) -> io::Result<()> {
        self.out.push(line)
    }

    fn pause(&mut self) -> io::Result<()> {
        self.out.pause()
    }
}
