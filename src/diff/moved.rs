//! Blocks of lines that moved: removed in one place and added, unchanged, in another.
//!
//! This is cheap, and so not complete. A block is found by a line that occurs once among the removed lines
//! and once among the added ones, within the part that is compared at a time.

use std::collections::HashMap;
use std::hash::Hash;
use std::ops::Range;

/// A block has at least so many lines, with at least so many letters and digits (as in git).
const LEAST_LINES: usize = 2;
const LEAST_INK: usize = 20;

/// The place of a line that is in more than one.
const SEVERAL: u32 = u32::MAX;

/// Lines that moved, by their numbers in each version, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MovedBlocks {
    /// Lines of the old version that the new one has elsewhere.
    pub old: Vec<Range<u64>>,
    /// Lines of the new version that the old one had elsewhere.
    pub new: Vec<Range<u64>>,
}

impl MovedBlocks {
    /// One stretch of lines of each version.
    pub(super) fn of(old: Range<u64>, new: Range<u64>) -> MovedBlocks {
        MovedBlocks { old: Vec::from([old]), new: Vec::from([new]) }
    }

    /// Adds what was found further down, and forgets what is above these lines.
    pub fn go_on(&mut self, more: MovedBlocks, old: u64, new: u64) {
        for (ranges, more, line) in [(&mut self.old, more.old, old), (&mut self.new, more.new, new)] {
            ranges.retain(|range| range.end > line);
            let end = ranges.last().map_or(0, |range| range.end);
            ranges.extend(more.into_iter().filter(|range| range.start >= end));
        }
    }

    /// Says whether a line of the old version moved.
    pub fn from(&self, line: u64) -> bool {
        within(&self.old, line)
    }

    /// Says whether a line of the new version did.
    pub fn to(&self, line: u64) -> bool {
        within(&self.new, line)
    }
}

fn within(ranges: &[Range<u64>], line: u64) -> bool {
    let next = ranges.partition_point(|range| range.end <= line);
    ranges.get(next).is_some_and(|range| range.start <= line)
}

/// A changed line: its number, and what makes it equal to another.
pub(super) type Changed<K> = (u64, K);

/// Finds the blocks; `ink` counts the letters and digits of an added line.
pub(super) fn find<K: Copy + Eq + Hash>(
    removed: &[Changed<K>],
    added: &[Changed<K>],
    ink: impl Fn(&Changed<K>) -> usize,
) -> MovedBlocks {
    let mut found = MovedBlocks::default();
    // Where each line is, if it is in one place only. Of a large window these maps are most of the memory, so the places are small numbers.
    let places = |lines: &[Changed<K>]| {
        let mut places: HashMap<K, u32> = HashMap::with_capacity(lines.len());
        for (at, (_, key)) in (0_u32..SEVERAL).zip(lines) {
            places.entry(*key).and_modify(|place| *place = SEVERAL).or_insert(at);
        }
        places
    };
    if removed.len() < LEAST_LINES || added.len() < LEAST_LINES {
        return found;
    }
    let (old, new) = (places(removed), places(added));
    let mut at = 0;
    while at < added.len() {
        let key = &added[at].1;
        let only = |places: &HashMap<K, u32>| places.get(key).copied().filter(|place| *place != SEVERAL);
        let Some(from) = only(&new).and_then(|_| only(&old)).map(|place| place as usize) else {
            at += 1;
            continue;
        };
        let follows = |i: usize, j: usize, step: usize| {
            let (a, b) = (removed.get(i), added.get(j));
            a.zip(b).is_some_and(|(a, b)| {
                a.1 == b.1 && a.0 == removed[from].0 + step as u64 && b.0 == added[at].0 + step as u64
            })
        };
        let len = 1 + (1..).take_while(|step| follows(from + step, at + step, *step)).count();
        let enough = || added[at..at + len].iter().map(&ink).sum::<usize>() >= LEAST_INK;
        if len >= LEAST_LINES && enough() {
            let range = |first: u64| first..first + len as u64;
            found.old.push(range(removed[from].0));
            found.new.push(range(added[at].0));
        }
        at += len;
    }
    found.old.sort_by_key(|range| range.start);
    found
}

/// Counts the letters and digits of a line.
pub(super) fn ink(line: &[u8]) -> usize {
    line.iter().filter(|byte| byte.is_ascii_alphanumeric() || **byte >= 0x80).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(first: u64, text: &'static str) -> Vec<Changed<&'static [u8]>> {
        (first..).zip(text.split(' ').map(str::as_bytes)).collect()
    }

    fn moved(removed: &[Changed<&'static [u8]>], added: &[Changed<&'static [u8]>]) -> MovedBlocks {
        find(removed, added, |line| ink(line.1))
    }

    #[test]
    fn a_block_that_moved_is_found_and_a_line_or_a_few_brackets_are_not() {
        let removed = lines(10, "first_line_of_it and_the_second } gone");
        let added = [lines(3, "new"), lines(40, "first_line_of_it and_the_second } x")].concat();
        let found = moved(&removed, &added);
        assert_eq!(format!("{:?} {:?}", found.old, found.new), "[10..13] [40..43]");
        assert!(found.from(12) && !found.from(13) && found.to(40) && !found.to(39));
        let one = moved(&removed, &lines(40, "first_line_of_it and other first_line_of_it"));
        assert_eq!(one, MovedBlocks::default());
        assert_eq!(moved(&lines(1, "{ } ; x"), &lines(50, "{ } ;")), MovedBlocks::default());
    }
}
