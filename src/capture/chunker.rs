//! Cuts a growing transcript into pieces that stay the same from save to save.
//!
//! Pieces end at line ends that the content itself chooses, so that appending records
//! re-uses every earlier piece and dropping old records re-uses every later one. Pure.

use crate::base::error::Result;

/// No piece ends before it has this many bytes, but for the last.
const SMALLEST: usize = 64 << 10;

/// No piece has more bytes than this; only a longer line is cut within.
const LARGEST: usize = 4 << 20;

/// One line in so many may end a piece.
const ONE_IN: u8 = 16;

/// Collects lines and hands out pieces.
#[derive(Default)]
pub(super) struct Chunker {
    pending: Vec<u8>,
}

impl Chunker {
    /// Takes in a line and hands out the pieces that it completes.
    ///
    /// # Errors
    /// Passes on what `emit` says.
    pub(super) fn push(&mut self, line: &[u8], emit: &mut dyn FnMut(Vec<u8>) -> Result<()>) -> Result<()> {
        if !self.pending.is_empty() && self.pending.len() + line.len() > LARGEST {
            self.finish(emit)?;
        }
        let mut rest = line;
        while self.pending.len() + rest.len() > LARGEST {
            // Only a line that is larger by itself comes here; it is not copied first.
            let (piece, behind) = rest.split_at(LARGEST);
            emit(piece.to_vec())?;
            rest = behind;
        }
        self.pending.extend_from_slice(rest);
        if self.pending.len() >= SMALLEST && ends_a_piece(line) {
            self.finish(emit)?;
        }
        Ok(())
    }

    /// Returns how many bytes wait for their piece to be complete.
    pub(super) fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Hands out what is left.
    ///
    /// # Errors
    /// Passes on what `emit` says.
    pub(super) fn finish(&mut self, emit: &mut dyn FnMut(Vec<u8>) -> Result<()>) -> Result<()> {
        if self.pending.is_empty() { Ok(()) } else { emit(std::mem::take(&mut self.pending)) }
    }
}

/// How many bytes at either end of a line are looked at: its ids and times stand there, and all of it would take long.
const ENDS: usize = 128;

fn ends_a_piece(line: &[u8]) -> bool {
    let first = &line[..line.len().min(ENDS)];
    let last = &line[line.len().saturating_sub(ENDS)..];
    crate::base::digest::first_byte(&[first, last].concat()).is_multiple_of(ONE_IN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(lines: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let mut pieces = Vec::new();
        let mut emit = |piece: Vec<u8>| {
            pieces.push(piece);
            Ok(())
        };
        let mut chunker = Chunker::default();
        for line in lines {
            chunker.push(line, &mut emit).expect("cut");
        }
        chunker.finish(&mut emit).expect("cut");
        pieces
    }

    fn lines(count: usize) -> Vec<Vec<u8>> {
        (0..count)
            .map(|n| format!("{{\"n\":{n},\"x\":\"{}\"}}\n", "y".repeat(n % 997)).into_bytes())
            .collect()
    }

    #[test]
    fn the_pieces_joined_are_the_lines() {
        let mut all = lines(2_000);
        all.insert(700, vec![b'z'; 9 << 20]);
        let pieces = pieces(&all);
        assert_eq!(pieces.concat(), all.concat());
        assert!(pieces.iter().all(|piece| piece.len() <= LARGEST));
    }

    #[test]
    fn a_transcript_of_short_lines_is_not_stored_as_many_small_files() {
        let pieces = pieces(&lines(2_000));
        let (_, others) = pieces.split_last().expect("pieces");
        assert!(others.iter().all(|piece| piece.len() >= SMALLEST));
    }

    #[test]
    fn an_append_re_uses_every_piece_but_the_last() {
        let before = pieces(&lines(2_000));
        let after = pieces(&lines(2_100));
        assert!(before.len() > 4);
        assert_eq!(before[..before.len() - 1], after[..before.len() - 1]);
    }

    #[test]
    fn dropping_old_lines_re_uses_the_later_pieces() {
        let whole = pieces(&lines(4_000));
        let rest = pieces(&lines(4_000)[1_000..]);
        let shared = rest.iter().filter(|piece| whole.contains(piece)).count();
        assert!(shared * 2 > rest.len(), "{shared} of {}", rest.len());
    }
}
