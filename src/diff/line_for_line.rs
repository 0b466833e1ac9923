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

    fn line(&mut self, signs: &[u8], line: &[u8]) -> io::Result<()> {
        let body = line.strip_suffix(b"\n").unwrap_or(line);
        [signs, body, b"\n"].iter().for_each(|part| self.out.buffer.extend_from_slice(part));
        if body.len() == line.len() && !signs.is_empty() {
            self.out.buffer.extend_from_slice(NO_NEWLINE);
        }
        self.out.line_done()
    }
}

const NO_NEWLINE: &[u8] = b"\\ No newline at end of file\n";

impl Sink for Same<'_, '_> {
    fn open(&mut self, _old: u64, _new: u64, _heading: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn context(&mut self, line: &[u8]) -> io::Result<()> {
        self.line(b" ", line)
    }

    fn change(&mut self, removed: &[&[u8]], added: &[&[u8]]) -> io::Result<()> {
        removed.iter().try_for_each(|line| self.line(b"-", line))?;
        added.iter().try_for_each(|line| self.line(b"+", line))
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

    fn merge_line(&mut self, signs: &[u8], line: &[u8]) -> io::Result<()> {
        self.line(signs, line)
    }
}
