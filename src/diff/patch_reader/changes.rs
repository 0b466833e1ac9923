//! The lines of a hunk on their way to changes: removed and added lines that stand together.
//!
//! A line waits until the next one is known, because that may say that it has no line end.

use std::io;

use super::super::Show;
use super::super::lines::cut;
use super::super::moved::MovedBlocks;
use super::hunk::Sign;

/// A long change is passed on in pieces of this many lines or bytes.
const PIECE: usize = 1_024;
const PIECE_BYTES: usize = 256 << 10;

/// Lines in one allocation.
#[derive(Default)]
struct Lines {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Lines {
    fn push(&mut self, line: &[u8]) {
        self.bytes.extend_from_slice(line);
        self.ends.push(self.bytes.len());
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    fn drop_newline(&mut self) {
        let before = self.ends.iter().rev().nth(1).copied().unwrap_or(0);
        // Said twice, it must not take the line end of the line before.
        if let Some(end) = self.ends.last_mut().filter(|end| **end > before)
            && self.bytes.last() == Some(&b'\n')
        {
            self.bytes.pop();
            *end -= 1;
        }
    }

    fn is_full(&self) -> bool {
        self.ends.len() >= PIECE || self.bytes.len() >= PIECE_BYTES
    }
}

/// What was read of a hunk and not yet shown.
#[derive(Default)]
pub(super) struct Changes {
    removed: Lines,
    added: Lines,
    context: Vec<u8>,
    /// Whether there is a line of context, and whether it lacks its sign.
    in_context: bool,
    unsigned: bool,
    /// Whether git says that the lines of this change only moved.
    moved: bool,
    /// The number of the next line on each side.
    next: (u64, u64),
}

impl Changes {
    /// Begins a hunk at these lines.
    pub(super) fn begin(&mut self, old: u64, new: u64) {
        (self.next, self.moved) = ((old, new), false);
    }

    /// Takes a line.
    pub(super) fn take(
        &mut self,
        sign: Sign,
        line: &[u8],
        moved: bool,
        show: &mut dyn Show,
    ) -> io::Result<()> {
        let body = line.get(1..).unwrap_or_default();
        match sign {
            Sign::Mark => {
                if self.in_context {
                    self.unsigned = false;
                    // Said twice, it says no more.
                    self.context.pop_if(|last| *last == b'\n');
                } else if self.added.ends.is_empty() {
                    self.removed.drop_newline();
                } else {
                    self.added.drop_newline();
                }
            }
            Sign::Removed => {
                self.show_context(show)?;
                if !self.added.ends.is_empty() || self.removed.is_full() || self.moved != moved {
                    self.show_change(show)?;
                }
                self.moved = moved;
                self.removed.push(body);
            }
            Sign::Added => {
                self.show_context(show)?;
                if self.added.is_full() || self.moved != moved {
                    self.show_change(show)?;
                }
                self.moved = moved;
                self.added.push(body);
            }
            Sign::Context | Sign::Unsigned => {
                self.show(show)?;
                (self.in_context, self.unsigned) = (true, sign == Sign::Unsigned);
                self.context.extend_from_slice(if self.unsigned { line } else { body });
            }
        }
        Ok(())
    }

    /// Shows what there is.
    pub(super) fn show(&mut self, show: &mut dyn Show) -> io::Result<()> {
        self.show_change(show)?;
        self.show_context(show)
    }

    fn show_context(&mut self, show: &mut dyn Show) -> io::Result<()> {
        if !std::mem::take(&mut self.in_context) {
            return Ok(());
        }
        if std::mem::take(&mut self.unsigned) {
            show.unsigned(&self.context)?;
        } else {
            show.context(&self.context)?;
        }
        self.context.clear();
        self.next = (self.next.0 + 1, self.next.1 + 1);
        Ok(())
    }

    fn show_change(&mut self, show: &mut dyn Show) -> io::Result<()> {
        let removed = cut(&self.removed.bytes, &self.removed.ends);
        let added = cut(&self.added.bytes, &self.added.ends);
        if !removed.is_empty() || !added.is_empty() {
            let (old, new) = (self.next.0 + removed.len() as u64, self.next.1 + added.len() as u64);
            if self.moved {
                show.moved(MovedBlocks::of(self.next.0..old, self.next.1..new));
            }
            show.change(&removed, &added)?;
            self.next = (old, new);
        }
        self.removed.clear();
        self.added.clear();
        Ok(())
    }
}
