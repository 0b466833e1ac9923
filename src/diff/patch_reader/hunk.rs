//! What a hunk of a unified diff looks like: its header, its lines, and whether they are lines at all.

use super::super::moved::{self, MovedBlocks};
use super::colors;

/// A long change is passed on in pieces of this many lines or bytes.
const PIECE: usize = 1_024;
const PIECE_BYTES: usize = 256 << 10;

/// Lines in one allocation.
#[derive(Default)]
pub(super) struct Lines {
    pub(super) bytes: Vec<u8>,
    pub(super) ends: Vec<usize>,
}

impl Lines {
    pub(super) fn push(&mut self, line: &[u8]) {
        self.bytes.extend_from_slice(line);
        self.ends.push(self.bytes.len());
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    pub(super) fn drop_newline(&mut self) {
        let before = self.ends.iter().rev().nth(1).copied().unwrap_or(0);
        // Said twice, it must not take the line end of the line before.
        if let Some(end) = self.ends.last_mut().filter(|end| **end > before)
            && self.bytes.last() == Some(&b'\n')
        {
            self.bytes.pop();
            *end -= 1;
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.ends.len() >= PIECE || self.bytes.len() >= PIECE_BYTES
    }
}

/// Finds the lines that only moved from one hunk to another.
pub fn moved_in(hunks: &[u8]) -> MovedBlocks {
    let (mut removed, mut added) = (Vec::new(), Vec::new());
    let (mut old, mut new) = ((0, 0), (0, 0));
    for line in hunks.split_inclusive(|byte| *byte == b'\n') {
        let within = old.1 > 0 || new.1 > 0;
        match line.first() {
            Some(b'-') if within => removed.push((old.0, &line[1..])),
            Some(b'+') if within => added.push((new.0, &line[1..])),
            Some(b'\\') => continue,
            _ if within => {}
            _ => {
                let Some((stated_old, stated_new, _)) = parse_hunk(line) else { continue };
                (old, new) = (stated_old, stated_new);
                continue;
            }
        }
        let count = |side: &mut Stated| *side = (side.0 + 1, side.1.saturating_sub(1));
        if line.first() != Some(&b'+') {
            count(&mut old);
        }
        if line.first() != Some(&b'-') {
            count(&mut new);
        }
    }
    moved::find(&removed, &added, |line| moved::ink(line.1))
}

/// Says whether a hunk shows words, as git does with `--word-diff` and `--color-words`: its lines have no signs.
///
/// `ahead` is as much of the hunk as is known.
pub(super) fn shows_words(ahead: &[u8], colored: bool) -> bool {
    let mut lines = ahead.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"));
    let verdict = lines.find_map(|raw| {
        let color = colors::sgr(raw);
        match raw.get(color) {
            Some(b' ') | Some(b'\n') => {
                // A line that did not change has no colour in it, but what ends one.
                let inner = colors::without(raw);
                let ends = raw.strip_suffix(b"\x1b[m\n").or(raw.strip_suffix(b"\n")).unwrap_or(raw);
                (colored && color == 0 && ends.len() + 1 > inner.len() + 3).then_some(true)
            }
            Some(b'+' | b'-') => Some(colored && color == 0),
            Some(b'\\') => None,
            // A header ends a hunk in which nothing has a sign.
            Some(b'@' | b'd') => Some(true),
            _ => Some(true),
        }
    });
    verdict.unwrap_or(false)
}

/// A line, and how many follow from it.
pub(super) type Stated = (u64, u64);

/// Where a hunk is on each side, and the line that it is below.
pub(super) type Hunk<'l> = (Stated, Stated, &'l [u8]);

pub(super) fn parse_hunk(line: &[u8]) -> Option<Hunk<'_>> {
    let (old, rest) = parse_stated(line.strip_prefix(b"@@ -")?)?;
    let (new, rest) = parse_stated(rest.strip_prefix(b" +")?)?;
    let heading = rest.strip_prefix(b" @@")?.trim_ascii_end();
    Some((old, new, heading.strip_prefix(b" ").unwrap_or(heading)))
}

pub(super) fn parse_stated(text: &[u8]) -> Option<(Stated, &[u8])> {
    let (line, text) = parse_number(text)?;
    match text.strip_prefix(b",") {
        Some(text) => parse_number(text).map(|(count, text)| ((line, count), text)),
        None => Some(((line, 1), text)),
    }
}

pub(super) fn parse_number(text: &[u8]) -> Option<(u64, &[u8])> {
    let len = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(len);
    // Numbers that would overflow when counted on are nonsense.
    let number = std::str::from_utf8(digits).ok()?.parse().ok().filter(|number| *number < u64::MAX / 4)?;
    Some((number, rest))
}
