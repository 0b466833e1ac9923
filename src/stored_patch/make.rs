//! Text diffs made: what differs between two texts, as hunks.
//!
//! The same two texts give the same hunks on every machine, whatever their size. Owns `similar`.

use std::collections::HashMap;
use std::io::{self, Read};
use std::ops::Range;

use memchr::{memchr_iter, memrchr};
use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::{Amount, Hunks, NO_NEWLINE};
use crate::diff::{Differ, HEADING_REACH, Options, Sink, heading, is_heading};

/// Unchanged lines shown on each side of a change, as git does.
const CONTEXT: usize = 3;

/// Most lines (of both texts together, after trimming) that are searched for what they
/// have in common. The search grows faster than the text: the worst of many shapes took
/// 0.4 s for 200,000 lines, 4 s for 1,000,000 and 12 s for 2,000,000. It also recurses,
/// about as deep as twice the root of the lines: here that is half a megabyte of stack.
const MAX_SEARCHED_LINES: usize = 1_000_000;

/// Most bytes, as above. Above either limit, the windowed differ finds the differences, in linear time.
const MAX_SEARCHED_BYTES: usize = 16 << 20;

/// Makes the diff that turns `old` into `new`.
///
/// The same two texts give the same diff on every machine: the search is bounded by counted work, never
/// by a clock. If more than 1,000,000 lines or 16 MiB of both texts together are between the first and
/// the last difference, they are searched in a window. That may make a longer diff, which is just as
/// correct.
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
    let too_many = old_count + new_count > MAX_SEARCHED_LINES
        || old_middle.len() + new_middle.len() > MAX_SEARCHED_BYTES;
    let all = || vec![Change { old: lead..lead + old_count, new: lead..lead + new_count }];
    let changes = match (one_sided, too_many) {
        (true, _) => all(),
        (false, false) => changes(old_middle, new_middle, lead),
        (false, true) => changes_by_window(old_middle, new_middle, lead).unwrap_or_else(all),
    };
    let mut old_side = Side { lines: lines(&old[view..]), at: 0 };
    let mut new_side = Side { lines: lines(&new[view..]), at: 0 };
    let above = newlines(&old[..view]);
    let mut named = lines_upwards(&old[..view]).take(HEADING_REACH).find(|line| is_heading(line));
    let mut hunks = Hunks::default();
    for group in changes.chunk_by(|a, b| b.old.start - a.old.end <= 2 * CONTEXT) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let before = first.old.start.min(CONTEXT);
        let after = (lead + old_count + trail - last.old.end).min(CONTEXT);
        let old_shown = first.old.start - before..last.old.end + after;
        let new_shown = first.new.start - before..last.new.end + after;
        old_side.take_to(old_shown.start).for_each(|line| note(&mut named, line));
        let header = format!("@@ -{} +{} @@", span(above, &old_shown), span(above, &new_shown));
        hunks.text.extend_from_slice(header.as_bytes());
        if let Some(named) = named {
            hunks.text.push(b' ');
            hunks.text.extend_from_slice(heading(named));
        }
        hunks.text.push(b'\n');
        for change in group {
            old_side.take_to(change.old.start).for_each(|line| {
                note(&mut named, line);
                push_line(&mut hunks.text, b' ', line);
            });
            old_side.take_to(change.old.end).for_each(|line| {
                note(&mut named, line);
                push_line(&mut hunks.text, b'-', line);
            });
            new_side.take_to(change.new.start).for_each(drop);
            new_side.take_to(change.new.end).for_each(|line| push_line(&mut hunks.text, b'+', line));
            hunks.removed += change.old.len() as u64;
            hunks.added += change.new.len() as u64;
        }
        old_side.take_to(old_shown.end).for_each(|line| {
            note(&mut named, line);
            push_line(&mut hunks.text, b' ', line);
        });
    }
    hunks
}

/// Most lines and bytes of both texts that are searched only to be counted: a plan has many files.
const MAX_COUNTED_LINES: usize = 200_000;
const MAX_COUNTED_BYTES: usize = 4 << 20;

/// Counts the lines in which two texts differ, as [`diff`] finds them; if very much differs, in time that grows as the
/// texts do.
pub(super) fn count(old: &[u8], new: &[u8]) -> Amount {
    let head = common_head(old, new);
    let tail = common_tail(&old[head..], &new[head..]);
    let (old, new) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
    let (old_count, new_count) = (lines(old).count(), lines(new).count());
    let all = || vec![Change { old: 0..old_count, new: 0..new_count }];
    let few = old_count + new_count <= MAX_COUNTED_LINES && old.len() + new.len() <= MAX_COUNTED_BYTES;
    let changes = match (old_count == 0 || new_count == 0, few) {
        (true, _) => all(),
        (false, true) => changes(old, new, 0),
        (false, false) => changes_by_window(old, new, 0).unwrap_or_else(all),
    };
    Amount::Lines {
        added: changes.iter().map(|change| change.new.len() as u64).sum(),
        removed: changes.iter().map(|change| change.old.len() as u64).sum(),
    }
}

/// Keeps the line that the next hunk is named after.
fn note<'a>(named: &mut Option<&'a [u8]>, line: &'a [u8]) {
    if is_heading(line) {
        *named = Some(line);
    }
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

/// Like [`changes`], for texts that are too large for it; `None` if the result is not correct.
fn changes_by_window(old: &[u8], new: &[u8], shift: usize) -> Option<Vec<Change>> {
    let mut found = FoundChanges { changes: Vec::new(), shift };
    let options = Options { context: 0, longest_line: usize::MAX, ..Options::default() };
    let differ = Differ::new(old, new, options).looking_ahead(Box::new(|old_from, new_from| {
        fn rest(text: &[u8], from: u64) -> Box<dyn Read + '_> {
            Box::new(usize::try_from(from).ok().and_then(|from| text.get(from..)).unwrap_or_default())
        }
        Ok((rest(old, old_from), rest(new, new_from)))
    }));
    differ.run(&mut found).ok()?;
    // As above: what was found is only a proposal, and equal is what is really equal.
    let mut old_side = Side { lines: lines(old), at: shift };
    let mut new_side = Side { lines: lines(new), at: shift };
    for change in &found.changes {
        if !old_side.take_to(change.old.start).eq(new_side.take_to(change.new.start)) {
            return None;
        }
        old_side.take_to(change.old.end).for_each(drop);
        new_side.take_to(change.new.end).for_each(drop);
    }
    old_side.lines.eq(new_side.lines).then_some(found.changes)
}

/// Takes what the windowed differ finds, and notes where that is.
struct FoundChanges {
    changes: Vec<Change>,
    shift: usize,
}

impl Sink for FoundChanges {
    fn open(&mut self, old: u64, new: u64, _heading: &[u8]) -> io::Result<()> {
        // Without context a hunk starts where its change does.
        let index = |line: u64| usize::try_from(line - 1).map_err(io::Error::other);
        let (old, new) = (self.shift + index(old)?, self.shift + index(new)?);
        self.changes.push(Change { old: old..old, new: new..new });
        Ok(())
    }

    fn context(&mut self, _line: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn change(&mut self, removed: &[&[u8]], added: &[&[u8]]) -> io::Result<()> {
        if let Some(last) = self.changes.last_mut() {
            last.old.end += removed.len();
            last.new.end += added.len();
        }
        Ok(())
    }

    fn close(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes one half of an @@ line, the inverse of reading it in an application.
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

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let open_end = !text.is_empty() && !text.ends_with(b"\n");
    let ends = memchr_iter(b'\n', text).map(|at| at + 1).chain(open_end.then_some(text.len()));
    ends.scan(0, |start, end| Some(&text[std::mem::replace(start, end)..end]))
}

/// The lines of a text that ends with a newline, the last one first.
fn lines_upwards(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let last = rest.len().checked_sub(1)?;
        let start = memrchr(b'\n', &rest[..last]).map_or(0, |at| at + 1);
        let line = &rest[start..];
        rest = &rest[..start];
        Some(line)
    })
}

fn newlines(text: &[u8]) -> usize {
    memchr_iter(b'\n', text).count()
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
