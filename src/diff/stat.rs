//! Counts instead of hunks: the numbers of `--stat` and the hunks of `--json`.

use std::io;

use super::{End, FileHeader, Show, Sink};

/// Takes diffs and keeps nothing of them but numbers.
pub struct Counter<'a> {
    current: Counted,
    /// Whether the file has hunks that show words, which are not counted.
    words: bool,
    send: &'a mut dyn FnMut(Counted) -> io::Result<()>,
}

/// What a file's diff amounted to.
#[derive(Debug, Default)]
pub struct Counted {
    /// The file.
    pub file: FileHeader,
    /// Where its hunks are.
    pub hunks: Vec<Hunk>,
    /// How its diff ended.
    pub end: End,
}

/// Where a hunk is, context included; lines count from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Hunk {
    /// Its first line in the old version.
    pub old: u64,
    /// How many lines of the old version it spans.
    pub old_lines: u64,
    /// Its first line in the new version.
    pub new: u64,
    /// How many lines of the new version it spans.
    pub new_lines: u64,
}

impl<'a> Counter<'a> {
    /// Makes one that hands each file on at its end.
    pub fn new(send: &'a mut dyn FnMut(Counted) -> io::Result<()>) -> Counter<'a> {
        Counter { current: Counted::default(), words: false, send }
    }

    fn grow(&mut self, old: usize, new: usize) {
        if let Some(last) = self.current.hunks.last_mut() {
            last.old_lines += old as u64;
            last.new_lines += new as u64;
        }
    }
}

impl Show for Counter<'_> {
    fn start(&mut self, file: FileHeader) -> io::Result<()> {
        (self.current, self.words) = (Counted { file, ..Counted::default() }, false);
        Ok(())
    }

    fn finish(&mut self, end: End) -> io::Result<()> {
        let done = Counted { end, ..std::mem::take(&mut self.current) };
        let something = self.words
            || done.end.binary
            || done.end.missing
            || !done.hunks.is_empty()
            || done.file.says_something();
        if something || done.file.lines.is_some() { (self.send)(done) } else { Ok(()) }
    }

    fn text(&mut self, _line: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn head(&mut self) -> io::Result<()> {
        self.words = true;
        Ok(())
    }

    fn merge_hunk(&mut self, _header: &[u8], new: u64, _heading: &[u8]) -> io::Result<()> {
        self.current.hunks.push(Hunk { new, ..Hunk::default() });
        Ok(())
    }

    fn merge_line(&mut self, signs: &[u8], _line: &[u8]) -> io::Result<()> {
        self.grow(0, usize::from(!signs.is_empty() && !signs.contains(&b'-')));
        Ok(())
    }
}

impl Sink for Counter<'_> {
    fn open(&mut self, old: u64, new: u64, _heading: &[u8]) -> io::Result<()> {
        self.current.hunks.push(Hunk { old, new, ..Hunk::default() });
        Ok(())
    }

    fn context(&mut self, _line: &[u8]) -> io::Result<()> {
        self.grow(1, 1);
        Ok(())
    }

    fn change(&mut self, removed: &[&[u8]], added: &[&[u8]]) -> io::Result<()> {
        self.grow(removed.len(), added.len());
        Ok(())
    }

    fn close(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns how many plus and minus signs these counts get in a bar of at most `width`, if the longest
/// bar stands for `most` lines. A change always gets at least one.
pub fn bar(added: u64, removed: u64, most: u64, width: u64) -> (usize, usize) {
    let most = most.max(1);
    let scale = |count: u64| match count {
        0 => 0,
        count if most <= width => count,
        count => (count.saturating_mul(width) / most).max(1),
    };
    let small = |count: u64| usize::try_from(count).unwrap_or(0);
    (small(scale(added)), small(scale(removed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_fits_and_hides_nothing() {
        assert_eq!(bar(2, 1, 3, 40), (2, 1));
        assert_eq!(bar(1, 100_000, 100_001, 40), (1, 39));
        assert_eq!(bar(0, 0, 0, 40), (0, 0));
    }
}
