//! The text diffs of pending file edits: making them and applying them.
//!
//! The one promise is `apply(old, &diff(old, new).text) == Ok(new)`, for any bytes.
//! A text is a sequence of lines ending in `\n` and nowhere else; what a line holds
//! (an encoding, a CR, megabytes) is never looked at. The format is the body of git's
//! unified diff, so a person can read it and `git apply` takes it under file headers.
//! It never searches for a place where a hunk might fit: text that is not exactly what
//! the diff was made against is an error, never a guess.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};

/// Unchanged lines shown on each side of a change, as git does.
const CONTEXT: usize = 3;

/// Most lines (of both texts together, after trimming) that are searched for what they
/// have in common. The search grows faster than the text: the worst of many shapes took
/// 0.4 s for 200,000 lines, 4 s for 1,000,000 and 12 s for 2,000,000. It also recurses,
/// about as deep as twice the root of the lines: here that is half a megabyte of stack.
const MAX_SEARCHED_LINES: usize = 1_000_000;

const NO_NEWLINE: &[u8] = b"\\ No newline at end of file\n";

/// A diff and what it amounts to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hunks {
    /// The hunks of a unified diff, without file headers; empty for equal texts.
    pub text: Vec<u8>,
    /// How many lines only the new text has.
    pub added: u64,
    /// How many lines only the old text has.
    pub removed: u64,
}

/// Why a diff does not apply, and which of its hunks says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplyError {
    hunk: usize,
    reason: Reason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    Header,
    Overlap,
    PastEnd { line: usize },
    NewText,
    Mismatch { line: usize },
    BodyLine,
    Count,
    Truncated,
    AfterEnd,
}

impl std::error::Error for ApplyError {}

impl fmt::Display for ApplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "hunk {}: ", self.hunk)?;
        match self.reason {
            Reason::Header => write!(f, "does not start with a valid @@ line"),
            Reason::Overlap => write!(f, "starts before the end of the hunk above it"),
            Reason::PastEnd { line } => write!(f, "line {line} is past the end of the text"),
            Reason::NewText => write!(f, "states the wrong line of the new text"),
            Reason::Mismatch { line } => {
                write!(f, "line {line} is not what the diff was made against")
            }
            Reason::BodyLine => write!(f, "holds a line that is no part of a diff"),
            Reason::Count => write!(f, "does not have as many lines as its @@ line says"),
            Reason::Truncated => write!(f, "ends too early"),
            Reason::AfterEnd => write!(f, "text would follow a line that has no newline"),
        }
    }
}

/// Says whether `bytes` can be handled as text: no NUL anywhere.
///
/// The whole of it is looked at. Sampling the start, as git does, takes a binary file
/// with a late NUL for text.
pub fn is_text(bytes: &[u8]) -> bool {
    !bytes.contains(&0)
}

/// Makes the diff that turns `old` into `new`.
///
/// The same two texts give the same diff on every machine: the search is bounded by
/// counted work, never by a clock. When more than 1,000,000 lines, those of both texts
/// together, lie between the first and the last difference, all of them are removed and
/// added again, which is a longer diff and just as right.
pub fn diff(old: &[u8], new: &[u8]) -> Hunks {
    if old == new {
        return Hunks::default();
    }
    // Almost every edit is small, so everything below works on the lines that differ
    // and the few around them; only these two comparisons see the whole of the texts.
    let head = common_head(old, new);
    let tail = common_tail(&old[head..], &new[head..]);
    let view = last_lines(&old[..head], CONTEXT);
    let lead = newlines(&old[view..head]);
    let trail = lines(&old[old.len() - tail..]).take(CONTEXT).count();
    let old_middle = &old[head..old.len() - tail];
    let new_middle = &new[head..new.len() - tail];
    let old_count = lines(old_middle).count();
    let new_count = lines(new_middle).count();

    let one_sided = old_count == 0 || new_count == 0;
    let changes = if one_sided || old_count + new_count > MAX_SEARCHED_LINES {
        vec![Change { old: lead..lead + old_count, new: lead..lead + new_count }]
    } else {
        changes(old_middle, new_middle, lead)
    };
    let mut old_side = Side { lines: lines(&old[view..]), at: 0 };
    let mut new_side = Side { lines: lines(&new[view..]), at: 0 };
    let above = newlines(&old[..view]);
    let mut hunks = Hunks::default();
    for group in changes.chunk_by(|a, b| b.old.start - a.old.end <= 2 * CONTEXT) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let before = first.old.start.min(CONTEXT);
        let after = (lead + old_count + trail - last.old.end).min(CONTEXT);
        let old_shown = first.old.start - before..last.old.end + after;
        let new_shown = first.new.start - before..last.new.end + after;
        let header = format!("@@ -{} +{} @@\n", span(above, &old_shown), span(above, &new_shown));
        hunks.text.extend_from_slice(header.as_bytes());
        old_side.take_to(old_shown.start).for_each(drop);
        for change in group {
            old_side.take_to(change.old.start).for_each(|line| push_line(&mut hunks.text, b' ', line));
            old_side.take_to(change.old.end).for_each(|line| push_line(&mut hunks.text, b'-', line));
            new_side.take_to(change.new.start).for_each(drop);
            new_side.take_to(change.new.end).for_each(|line| push_line(&mut hunks.text, b'+', line));
            hunks.removed += change.old.len() as u64;
            hunks.added += change.new.len() as u64;
        }
        old_side.take_to(old_shown.end).for_each(|line| push_line(&mut hunks.text, b' ', line));
    }
    hunks
}

/// Applies what [`diff`] or git made: every line a hunk shows must be in `old`, byte for
/// byte and at the line the hunk states, and every count must be right.
///
/// `hunks` may come from anywhere. The work and the memory are bounded by the lengths of
/// the two inputs, whatever numbers are written in them.
pub fn apply(old: &[u8], hunks: &[u8]) -> Result<Vec<u8>, ApplyError> {
    let mut state = Applying { rest: old, old_at: 0, new_at: 0, out: Vec::with_capacity(old.len()) };
    let mut text = hunks;
    let mut number = 0;
    while !text.is_empty() {
        number += 1;
        text = state.hunk(text).map_err(|reason| ApplyError { hunk: number, reason })?;
    }
    let rest = state.rest;
    state.push(rest).map_err(|reason| ApplyError { hunk: number, reason })?;
    Ok(state.out)
}

/// Lines that differ: those of the old text give way to those of the new one.
struct Change {
    old: Range<usize>,
    new: Range<usize>,
}

/// One of the two texts of a diff being written, read line by line, once.
struct Side<I> {
    lines: I,
    at: usize,
}

impl<'a, I: Iterator<Item = &'a [u8]>> Side<I> {
    fn take_to(&mut self, line: usize) -> impl Iterator<Item = &'a [u8]> {
        let count = line.saturating_sub(self.at);
        self.at = self.at.max(line);
        self.lines.by_ref().take(count)
    }
}

/// Finds what differs, in lines counted from `shift` before the start of both texts.
fn changes(old: &[u8], new: &[u8], shift: usize) -> Vec<Change> {
    // Numbers for lines: each line is hashed once and with a seeded hash, while `similar`
    // would hash megabytes again and again and with a fixed one that can be attacked.
    let mut numbers = HashMap::new();
    let mut number = |text| {
        lines(text)
            .map(|line: &[u8]| {
                let next = numbers.len();
                *numbers.entry(line).or_insert(next)
            })
            .collect::<Vec<usize>>()
    };
    let (old, new) = (number(old), number(new));

    // `similar` only proposes. A run is used when it is in order and really equal, so a
    // mistake there would make the diff longer and never wrong. Its histogram search is
    // not used: with every second line edited it took 17 s for 100,000 lines, Myers 0.05 s.
    let proposed = capture_diff_slices(Algorithm::Myers, &old, &new);
    let end = DiffOp::Equal { old_index: old.len(), new_index: new.len(), len: 0 };
    let mut found = Vec::new();
    let (mut old_done, mut new_done) = (0, 0);
    for op in proposed.into_iter().chain([end]) {
        let DiffOp::Equal { old_index, new_index, len } = op else { continue };
        let in_order = old_index >= old_done && new_index >= new_done;
        let run = old.get(old_index..old_index + len);
        if !in_order || run.is_none() || run != new.get(new_index..new_index + len) {
            continue;
        }
        if old_index > old_done || new_index > new_done {
            found.push(Change {
                old: shift + old_done..shift + old_index,
                new: shift + new_done..shift + new_index,
            });
        }
        (old_done, new_done) = (old_index + len, new_index + len);
    }
    found
}

/// A diff being applied: what is left of the old text and what there is of the new one.
struct Applying<'a> {
    rest: &'a [u8],
    old_at: usize,
    new_at: usize,
    out: Vec<u8>,
}

impl Applying<'_> {
    /// Applies the hunk at the start of `text` and returns what follows it.
    fn hunk<'t>(&mut self, text: &'t [u8]) -> Result<&'t [u8], Reason> {
        let (line, mut text) = split_line(text)?;
        let (old_stated, new_stated) = parse_header(line).ok_or(Reason::Header)?;
        self.keep_to(old_stated.first)?;
        if self.new_at != new_stated.first {
            return Err(Reason::NewText);
        }
        let (mut old_left, mut new_left) = (old_stated.count, new_stated.count);
        while old_left > 0 || new_left > 0 {
            let (line, after) = split_line(text)?;
            text = after;
            let (sign, mut body) = line.split_first().ok_or(Reason::BodyLine)?;
            if let Some(after) = text.strip_prefix(NO_NEWLINE) {
                text = after;
                body = body.strip_suffix(b"\n").unwrap_or(body);
            }
            let (in_old, in_new) = match sign {
                b' ' => (1, 1),
                b'-' => (1, 0),
                b'+' => (0, 1),
                b'@' => return Err(Reason::Count),
                _ => return Err(Reason::BodyLine),
            };
            // Nothing without a newline is no line: it would count and not be there.
            if body.is_empty() {
                return Err(Reason::BodyLine);
            }
            old_left = old_left.checked_sub(in_old).ok_or(Reason::Count)?;
            new_left = new_left.checked_sub(in_new).ok_or(Reason::Count)?;
            if in_old == 1 {
                self.consume(body)?;
            }
            if in_new == 1 {
                self.push(body)?;
                self.new_at += 1;
            }
        }
        Ok(text)
    }

    /// Keeps the old lines up to the one with this index.
    fn keep_to(&mut self, index: usize) -> Result<(), Reason> {
        let wanted = index.checked_sub(self.old_at).ok_or(Reason::Overlap)?;
        let (mut count, mut len) = (0, 0);
        for line in lines(self.rest).take(wanted) {
            count += 1;
            len += line.len();
        }
        self.old_at += count;
        self.new_at += count;
        if count < wanted {
            return Err(Reason::PastEnd { line: self.old_at + 1 });
        }
        let (kept, rest) = self.rest.split_at(len);
        self.rest = rest;
        self.push(kept)
    }

    /// Takes the next old line, which must be this one.
    fn consume(&mut self, line: &[u8]) -> Result<(), Reason> {
        self.old_at += 1;
        if self.rest.is_empty() {
            return Err(Reason::PastEnd { line: self.old_at });
        }
        match self.rest.strip_prefix(line) {
            Some(rest) if rest.is_empty() || line.ends_with(b"\n") => self.rest = rest,
            _ => return Err(Reason::Mismatch { line: self.old_at }),
        }
        Ok(())
    }

    fn push(&mut self, text: &[u8]) -> Result<(), Reason> {
        if !text.is_empty() && self.out.last().is_some_and(|last| *last != b'\n') {
            return Err(Reason::AfterEnd);
        }
        self.out.extend_from_slice(text);
        Ok(())
    }
}

/// The lines one half of an @@ line speaks of, counted from 0.
struct Stated {
    first: usize,
    count: usize,
}

fn parse_header(line: &[u8]) -> Option<(Stated, Stated)> {
    let (old, line) = parse_stated(line.strip_prefix(b"@@ -")?)?;
    let (new, line) = parse_stated(line.strip_prefix(b" +")?)?;
    // Git writes the name of the surrounding function after the second @@.
    let heading = line.strip_prefix(b" @@")?;
    (heading == b"\n" || heading.starts_with(b" ")).then_some((old, new))
}

fn parse_stated(text: &[u8]) -> Option<(Stated, &[u8])> {
    let (line, text) = parse_number(text)?;
    let (count, text) = match text.strip_prefix(b",") {
        Some(text) => parse_number(text)?,
        None => (1, text),
    };
    // For no lines at all the format states the line above the place.
    let first = if count == 0 { line } else { line.checked_sub(1)? };
    Some((Stated { first, count }, text))
}

fn parse_number(text: &[u8]) -> Option<(usize, &[u8])> {
    let len = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(len);
    Some((std::str::from_utf8(digits).ok()?.parse().ok()?, rest))
}

/// Writes one half of an @@ line, the inverse of [`parse_stated`].
fn span(above: usize, shown: &Range<usize>) -> String {
    let line = above + shown.start;
    match shown.len() {
        0 => format!("{line},0"),
        1 => format!("{}", line + 1),
        count => format!("{},{count}", line + 1),
    }
}

fn push_line(text: &mut Vec<u8>, sign: u8, line: &[u8]) {
    text.push(sign);
    text.extend_from_slice(line);
    if !line.ends_with(b"\n") {
        text.push(b'\n');
        text.extend_from_slice(NO_NEWLINE);
    }
}

/// Splits after the first newline; a diff that ends without one was cut off.
fn split_line(text: &[u8]) -> Result<(&[u8], &[u8]), Reason> {
    let line = lines(text).next().filter(|line| line.ends_with(b"\n")).ok_or(Reason::Truncated)?;
    Ok(text.split_at(line.len()))
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|byte| *byte == b'\n')
}

fn newlines(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte == b'\n').count()
}

/// Returns where the last `count` lines of a text that ends with a newline start.
fn last_lines(text: &[u8], count: usize) -> usize {
    let above = text.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n').nth(count);
    above.map_or(0, |(index, _)| index + 1)
}

/// Blocks this large are compared as memory, not byte by byte.
const BLOCK: usize = 4096;

/// Returns the length of the equal lines that both texts start with.
fn common_head(old: &[u8], new: &[u8]) -> usize {
    let blocks = old.chunks_exact(BLOCK).zip(new.chunks_exact(BLOCK));
    let same = BLOCK * blocks.take_while(|(old, new)| old == new).count();
    let bytes = old[same..].iter().zip(&new[same..]);
    let same = same + bytes.take_while(|(old, new)| old == new).count();
    old[..same].iter().rposition(|byte| *byte == b'\n').map_or(0, |index| index + 1)
}

/// Returns the length of the equal lines that both texts end with.
fn common_tail(old: &[u8], new: &[u8]) -> usize {
    let blocks = old.rchunks_exact(BLOCK).zip(new.rchunks_exact(BLOCK));
    let same = BLOCK * blocks.take_while(|(old, new)| old == new).count();
    let bytes = old[..old.len() - same].iter().rev().zip(new[..new.len() - same].iter().rev());
    let same = same + bytes.take_while(|(old, new)| old == new).count();
    let starts_line = |text: &[u8]| same == text.len() || text[text.len() - same - 1] == b'\n';
    if starts_line(old) && starts_line(new) {
        return same;
    }
    let tail = &old[old.len() - same..];
    tail.iter().position(|byte| *byte == b'\n').map_or(0, |index| same - index - 1)
}

#[cfg(test)]
mod tests {
    use super::{apply, diff, is_text};

    /// Makes a diff, checks that it turns one text into the other, and returns it to be read.
    fn shown(old: &[u8], new: &[u8]) -> String {
        let hunks = diff(old, new);
        assert_eq!(apply(old, &hunks.text).as_deref(), Ok(new));
        let signs =
            |sign: &str| hunks.text.split(|b| *b == b'\n').filter(|l| l.starts_with(sign.as_bytes())).count();
        assert_eq!((hunks.added, hunks.removed), (signs("+") as u64, signs("-") as u64));
        String::from_utf8_lossy(&hunks.text).into_owned()
    }

    fn refusal(old: &[u8], hunks: &[u8]) -> String {
        apply(old, hunks).map_or_else(|error| error.to_string(), |new| format!("made {new:?}"))
    }

    fn numbered(lines: impl IntoIterator<Item = u32>) -> String {
        lines.into_iter().map(|line| format!("{line}\n")).collect()
    }

    #[test]
    fn equal_texts_have_no_diff() {
        assert_eq!(shown(b"", b""), "");
        assert_eq!(shown(b"a\nb", b"a\nb"), "");
        assert_eq!(apply(b"a\nb", b""), Ok(b"a\nb".to_vec()));
    }

    #[test]
    fn an_empty_text_is_written_as_line_zero() {
        assert_eq!(shown(b"", b"a\n"), "@@ -0,0 +1 @@\n+a\n");
        assert_eq!(shown(b"a\nb\n", b""), "@@ -1,2 +0,0 @@\n-a\n-b\n");
    }

    #[test]
    fn a_missing_final_newline_is_told_on_either_or_both_sides() {
        let no = "\\ No newline at end of file\n";
        assert_eq!(shown(b"a\nb", b"a\nc\n"), format!("@@ -1,2 +1,2 @@\n a\n-b\n{no}+c\n"));
        assert_eq!(shown(b"a\nb\n", b"a\nc"), format!("@@ -1,2 +1,2 @@\n a\n-b\n+c\n{no}"));
        assert_eq!(shown(b"a\nb", b"c\nb"), format!("@@ -1,2 +1,2 @@\n-a\n+c\n b\n{no}"));
        assert_eq!(shown(b"b", b"c"), format!("@@ -1 +1 @@\n-b\n{no}+c\n{no}"));
    }

    #[test]
    fn a_final_newline_can_be_all_that_changes() {
        let no = "\\ No newline at end of file\n";
        assert_eq!(shown(b"a", b"a\n"), format!("@@ -1 +1 @@\n-a\n{no}+a\n"));
        assert_eq!(shown(b"a\n", b"a"), format!("@@ -1 +1 @@\n-a\n+a\n{no}"));
        assert_eq!(shown(b"a\n", b"a\n\n"), "@@ -1 +1,2 @@\n a\n+\n");
    }

    #[test]
    fn crlf_is_part_of_the_line_and_a_lone_cr_ends_none() {
        assert_eq!(shown(b"a\r\nb\r\n", b"a\r\nb\n"), "@@ -1,2 +1,2 @@\n a\r\n-b\r\n+b\n");
        assert_eq!(shown(b"a\rb\rc\n", b"a\rB\rc\n"), "@@ -1 +1 @@\n-a\rb\rc\n+a\rB\rc\n");
    }

    #[test]
    fn bytes_of_any_encoding_are_kept() {
        let (old, new) = (b"caf\xe9\nx\n", b"caf\xe8\nx\n");
        assert_eq!(diff(old, new).text, b"@@ -1,2 +1,2 @@\n-caf\xe9\n+caf\xe8\n x\n");
        assert_eq!(apply(old, &diff(old, new).text).as_deref(), Ok(&new[..]));
    }

    #[test]
    fn changes_six_lines_apart_share_a_hunk_and_seven_do_not() {
        let old = numbered(0..30);
        let edited =
            |gap: u32| numbered((0..30).map(|line| if line == 5 || line == 6 + gap { 99 } else { line }));
        assert_eq!(shown(old.as_bytes(), edited(6).as_bytes()).matches("@@ -").count(), 1);
        let apart = shown(old.as_bytes(), edited(7).as_bytes());
        assert!(apart.starts_with("@@ -3,7 +3,7 @@\n 2\n"), "{apart}");
        assert!(apart.contains("@@ -11,7 +11,7 @@\n 10\n"), "{apart}");
    }

    #[test]
    fn repeated_lines_are_told_apart_by_their_number() {
        assert_eq!(shown(&b"x\n".repeat(9), &b"x\n".repeat(10)), "@@ -7,3 +7,4 @@\n x\n x\n x\n+x\n");
        shown(&b"a\nb\n".repeat(600), &b"b\na\n".repeat(601));
    }

    #[test]
    fn one_huge_line_and_a_change_far_into_big_texts_work() {
        let line = vec![b'x'; 5 << 20];
        shown(&line, &[&line[..], b"y"].concat());
        shown(&[&line[..], b"\na\n"].concat(), &[&line[..], b"\nb\n"].concat());
        let old = numbered(0..50_000);
        let new = old.replace("\n40000\n", "\nnew\n");
        let text = shown(old.as_bytes(), new.as_bytes());
        assert!(text.starts_with("@@ -39998,7 +39998,7 @@\n 39997\n"), "{text}");
    }

    #[test]
    fn more_lines_than_are_searched_become_a_plain_replacement() {
        let old = format!("first\n{}last\n", "\n".repeat(500_001));
        let new = format!("FIRST\n{}LAST\n", "\n".repeat(500_001));
        let hunks = diff(old.as_bytes(), new.as_bytes());
        assert_eq!((hunks.removed, hunks.added), (500_003, 500_003));
        assert_eq!(apply(old.as_bytes(), &hunks.text).as_deref(), Ok(new.as_bytes()));
    }

    #[test]
    fn a_late_nul_is_not_text() {
        let mut bytes = b"line\n".repeat(20_000);
        assert!(is_text(&bytes) && is_text(b"") && is_text(b"\xff\xfe\r"));
        bytes.push(0);
        assert!(!is_text(&bytes));
    }

    #[test]
    fn a_hunk_that_does_not_fit_exactly_says_which_and_why() {
        let old = numbered(1..50);
        let hunks = b"@@ -1 +1,2 @@\n 1\n+x\n@@ -40,2 +41,2 @@\n 40\n-41\n+y\n";
        assert!(apply(old.as_bytes(), hunks).is_ok());
        let moved = old.replace("\n41\n", "\n041\n");
        let mismatch = "hunk 2: line 41 is not what the diff was made against";
        assert_eq!(refusal(moved.as_bytes(), hunks), mismatch);
        let shorter = numbered(1..20);
        assert_eq!(refusal(shorter.as_bytes(), hunks), "hunk 2: line 20 is past the end of the text");
        let nearby = b"@@ -2 +2 @@\n-3\n+x\n";
        assert!(refusal(old.as_bytes(), nearby).starts_with("hunk 1: line 2 is not"));
    }

    #[test]
    fn hunks_that_overlap_or_go_back_are_refused() {
        let overlap = "hunk 2: starts before the end of the hunk above it";
        assert_eq!(refusal(b"a\nb\nc\n", b"@@ -1,2 +1 @@\n a\n-b\n@@ -2 +2 @@\n-b\n+x\n"), overlap);
        assert_eq!(refusal(b"a\nb\nc\n", b"@@ -3 +3 @@\n-c\n+x\n@@ -1 +1 @@\n-a\n+x\n"), overlap);
    }

    #[test]
    fn counts_and_line_numbers_must_be_right() {
        let count = "hunk 1: does not have as many lines as its @@ line says";
        assert_eq!(refusal(b"a\nb\n", b"@@ -1 +0,0 @@\n a\n"), count);
        assert_eq!(refusal(b"a\nb\n", b"@@ -1 +1,2 @@\n-a\n+x\n@@ -2 +2 @@\n"), count);
        assert_eq!(refusal(b"a\n", b"@@ -1 +1,2 @@\n-a\n+x\n"), "hunk 1: ends too early");
        assert_eq!(
            refusal(b"a\n", b"@@ -1 +2 @@\n-a\n+x\n"),
            "hunk 1: states the wrong line of the new text"
        );
        assert_eq!(
            refusal(b"a\n", b"@@ -1 +1 @@\n-a\n+x\n+y\n"),
            "hunk 2: does not start with a valid @@ line"
        );
    }

    #[test]
    fn huge_numbers_are_refused_without_being_counted_to() {
        let max = usize::MAX;
        let long = "9".repeat(100_000);
        for numbers in [
            format!("-{max} +{max}"),
            format!("-{max},0 +{max},0"),
            format!("-1,{max} +1,{max}"),
            format!("-0,0 +1,{max}"),
            format!("-{long} +1"),
            format!("-1 +{long},1"),
            "-0 +0".to_owned(),
        ] {
            let hunks = format!("@@ {numbers} @@\n-a\n+b\n");
            assert!(apply(b"a\n", hunks.as_bytes()).is_err(), "{numbers}");
        }
    }

    #[test]
    fn garbage_is_refused() {
        for hunks in [
            &b"\n"[..],
            b"hello\n",
            b"@@\n",
            b"@@ -1 +1 @@",
            b"@@ -1 +1 @@@\n-a\n+b\n",
            b"@@ - +1 @@\n-a\n+b\n",
            b"@@ -+1 +1 @@\n-a\n+b\n",
            b"@@ -1, +1 @@\n-a\n+b\n",
            b"@@ -1 +1 @@\n\n",
            b"@@ -1 +1 @@\n*a\n",
            b"@@ -1 +1 @@\n\\ No newline at end of file\n-a\n+b\n",
            b"--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n",
        ] {
            assert!(apply(b"a\n", hunks).is_err(), "{}", hunks.escape_ascii());
        }
    }

    #[test]
    fn nothing_may_follow_a_line_without_a_newline() {
        let no = "\\ No newline at end of file\n";
        let after_end = "hunk 1: text would follow a line that has no newline";
        assert_eq!(refusal(b"a\n", format!("@@ -0,0 +1 @@\n+x\n{no}").as_bytes()), after_end);
        assert_eq!(refusal(b"a\n", format!("@@ -1 +1,2 @@\n-a\n+x\n{no}+y\n").as_bytes()), after_end);
        assert!(apply(b"a\n", format!("@@ -1 +1,2 @@\n a\n+\n{no}").as_bytes()).is_err());
        assert!(apply(b"a\n", format!("@@ -1 +1 @@\n-a\n{no}+b\n").as_bytes()).is_err());
    }

    #[test]
    fn a_diff_cut_off_anywhere_is_refused_or_does_what_is_left_of_it() {
        let old = numbered(0..40);
        let new = old.replace("\n5\n", "\nfive\n").replace("\n30\n", "\nthirty\n");
        let text = diff(old.as_bytes(), new.as_bytes()).text;
        let first = text.windows(4).rposition(|window| window == b"@@ -").unwrap_or(0);
        for end in 1..text.len() {
            let cut = apply(old.as_bytes(), &text[..end]);
            match end == first {
                true => assert_eq!(cut.as_deref(), Ok(old.replace("\n5\n", "\nfive\n").as_bytes())),
                false => assert!(cut.is_err(), "cut at {end}"),
            }
        }
    }

    #[test]
    fn a_diff_with_any_byte_changed_never_panics() {
        let old = numbered(0..12);
        let mut text = diff(old.as_bytes(), old.replace("\n5\n", "\nfive").as_bytes()).text;
        for at in 0..text.len() {
            let kept = text[at];
            for byte in 0..=255 {
                text[at] = byte;
                let made = apply(old.as_bytes(), &text).unwrap_or_default();
                assert!(made.len() <= old.len() + text.len());
            }
            text[at] = kept;
        }
    }
}
