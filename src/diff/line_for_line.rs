//! A diff that was read, written again line for line: as it came, for programs, or painted in place.
//!
//! As many lines go out as came in, in the same order. That is what `git add -p` asks of its filter, and why a patch
//! that goes through here is still one, to the byte.

use std::io;

use super::paint::{Pen, pairs};
use super::{End, File, Look, Out, Show, Sink};

/// Writes a diff as it came.
pub struct Same<'o, 'a> {
    pen: Pen<'o, 'a>,
    painted: bool,
}

impl<'o, 'a> Same<'o, 'a> {
    /// Writes it byte for byte, but for colours that git gave it.
    pub fn bytes(out: &'o mut Out<'a>) -> Same<'o, 'a> {
        let look = Look { color: false, max_line: usize::MAX, word: false, width: 0 };
        Same { pen: Pen::new(out, look), painted: false }
    }

    /// Paints each line where it stands.
    pub fn painted(out: &'o mut Out<'a>, look: Look) -> Same<'o, 'a> {
        Same { pen: Pen::new(out, look), painted: true }
    }

    fn line(&mut self, signs: &[u8], line: &[u8]) -> io::Result<()> {
        let body = line.strip_suffix(b"\n").unwrap_or(line);
        [signs, body, b"\n"].iter().for_each(|part| self.pen.put(part));
        if body.len() == line.len() && !signs.is_empty() {
            self.pen.put(NO_NEWLINE);
        }
        self.pen.out.line_done()
    }
}

const NO_NEWLINE: &[u8] = b"\\ No newline at end of file\n";

impl Sink for Same<'_, '_> {
    fn open(&mut self, old: u64, new: u64, _heading: &[u8]) -> io::Result<()> {
        self.pen.at(old, new);
        Ok(())
    }

    fn context(&mut self, line: &[u8]) -> io::Result<()> {
        self.pen.step(true, true);
        if self.painted { self.pen.body(None, b" ", line, [].iter()) } else { self.line(b" ", line) }
    }

    fn change(&mut self, removed: &[&[u8]], added: &[&[u8]]) -> io::Result<()> {
        let pairs = if self.painted { pairs(removed, added) } else { None };
        let spans = |number: usize| {
            pairs.as_ref().and_then(|pairs| pairs.get(number)?.as_deref()).unwrap_or_default()
        };
        for (number, line) in removed.iter().enumerate() {
            let paint = self.pen.removed(self.pen.old);
            self.pen.step(true, false);
            match self.painted {
                true => self.pen.body(Some(paint), b"-", line, spans(number).iter().map(|(old, _)| old))?,
                false => self.line(b"-", line)?,
            }
        }
        for (number, line) in added.iter().enumerate() {
            let paint = self.pen.added(self.pen.new);
            self.pen.step(false, true);
            match self.painted {
                true => self.pen.body(Some(paint), b"+", line, spans(number).iter().map(|(_, new)| new))?,
                false => self.line(b"+", line)?,
            }
        }
        Ok(())
    }

    fn close(&mut self) -> io::Result<()> {
        self.pen.out.hunk_done()
    }

    fn moved(&mut self, moved: super::Moved) {
        self.pen.note_moved(moved);
    }
}

impl Show for Same<'_, '_> {
    fn start(&mut self, file: File) -> io::Result<()> {
        self.pen.start(file);
        Ok(())
    }

    fn finish(&mut self, _end: End) -> io::Result<()> {
        self.pen.out.line_done()
    }

    fn text(&mut self, line: &[u8]) -> io::Result<()> {
        if self.painted { self.pen.text(line) } else { self.pen.out.push(line) }
    }

    fn keeps_colors(&self) -> bool {
        self.painted && self.pen.look.color
    }

    fn header(&mut self, line: &[u8]) -> io::Result<()> {
        match self.painted {
            true => self.pen.text(line),
            false => self.pen.out.push(&crate::diff::patch_reader::without_colors(line)),
        }
    }

    fn merge_hunk(&mut self, header: &[u8], _new: u64, _heading: &[u8]) -> io::Result<()> {
        self.header(header)
    }

    fn merge_line(&mut self, signs: &[u8], line: &[u8]) -> io::Result<()> {
        if self.painted { self.pen.merged_body(signs, line) } else { self.line(signs, line) }
    }
}
