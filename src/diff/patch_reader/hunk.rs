//! What a hunk of a unified diff looks like: its header, and the signs of its lines.

use super::super::moved::{self, MovedBlocks};

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

/// What a line of a hunk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    Context,
    /// An empty line of both versions that lost even its blank.
    Unsigned,
    Removed,
    Added,
    /// Says that the line before has no line end.
    Mark,
}

/// Says what a line is by its sign; `None` if it is none of a hunk.
pub(super) fn sign(line: &[u8]) -> Option<Sign> {
    match line {
        b"" | b"\n" | b"\r\n" => Some(Sign::Unsigned),
        [b' ', ..] => Some(Sign::Context),
        [b'-', ..] => Some(Sign::Removed),
        [b'+', ..] => Some(Sign::Added),
        [b'\\', ..] => Some(Sign::Mark),
        _ => None,
    }
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
