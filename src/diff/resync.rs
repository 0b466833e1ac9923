//! Finds where two versions agree again, when that is further on than a window reaches.
//!
//! Both are read once more, ahead of the differ. Only the hashes of some lines are kept. A line is chosen by
//! its content, so both versions keep the same lines, and memory is bounded whatever the size. If some of
//! these lines are in the same order in both versions, the versions probably agree there. If they don't,
//! only the length of the diff suffers.

use std::collections::HashMap;
use std::io::{self, Read};

use memchr::memchr;

/// The most lines that are kept of a version; beyond that, fewer are chosen.
const MOST: usize = 1 << 17;

/// How many lines in the same order make a meeting.
const RUN: usize = 3;

/// How much is read at once.
const BLOCK: usize = 256 << 10;

/// Reads both versions again, from these bytes on.
pub type Again<'a> = Box<dyn Fn(u64, u64) -> io::Result<(Box<dyn Read + 'a>, Box<dyn Read + 'a>)> + 'a>;

/// A line of each version, counted from 1.
pub(super) type Meeting = (u64, u64);

/// The places where the versions are in step again.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    meetings: Vec<Meeting>,
    /// Whether both versions were read to their ends.
    pub(super) complete: bool,
}

/// What is read, and how.
#[derive(Clone, Copy)]
pub(super) struct Scope {
    /// The numbers of the first lines.
    pub(super) first: Meeting,
    /// How many bytes are read of each version.
    pub(super) bytes: u64,
    /// One line in so many is kept.
    pub(super) one_in: u64,
    /// Whether white space counts for nothing.
    pub(super) blind: bool,
}

impl Ahead {
    /// Reads both versions.
    pub(super) fn read(old: impl Read, new: impl Read, scope: Scope) -> io::Result<Ahead> {
        let mut old = Kept::read(old, scope.first.0, scope)?;
        let mut new = Kept::read(new, scope.first.1, scope)?;
        let one_in = old.one_in.max(new.one_in);
        old.thin(one_in);
        new.thin(one_in);
        let places = new.alone();
        let alone = old.alone();
        let both = old.lines.iter().filter_map(|(hash, line)| {
            alone.get(hash)?.as_ref()?;
            Some((*line, (*places.get(hash)?)?))
        });
        let mut meetings: Vec<Meeting> = Vec::new();
        let mut run: Vec<Meeting> = Vec::new();
        for place in both {
            if run.last().is_some_and(|last| !follows(*last, place)) {
                keep(&mut meetings, &mut run);
            }
            run.push(place);
        }
        keep(&mut meetings, &mut run);
        Ok(Ahead { meetings, complete: old.ended && new.ended })
    }

    /// Returns the nearest place that is not before these lines.
    pub(super) fn next(&self, old: u64, new: u64) -> Option<Meeting> {
        let later = self.meetings.iter().filter(|place| place.0 >= old && place.1 >= new);
        later.min_by_key(|place| place.0 - old + (place.1 - new)).copied()
    }
}

fn keep(meetings: &mut Vec<Meeting>, run: &mut Vec<Meeting>) {
    if run.len() >= RUN {
        meetings.extend_from_slice(run);
    }
    run.clear();
}

/// Says whether a place can be the next of a run: about as far on in both versions.
fn follows(last: Meeting, next: Meeting) -> bool {
    let Some((old, new)) = next.0.checked_sub(last.0).zip(next.1.checked_sub(last.1)) else { return false };
    old > 0 && new > 0 && old <= new * 4 + 64 && new <= old * 4 + 64
}

/// The lines that are kept of a version.
struct Kept {
    lines: Vec<(u64, u64)>,
    one_in: u64,
    ended: bool,
}

impl Kept {
    fn read(reader: impl Read, first: u64, scope: Scope) -> io::Result<Kept> {
        let mut kept = Kept { lines: Vec::new(), one_in: scope.one_in.max(1), ended: false };
        let mut reader = reader.take(scope.bytes);
        let mut buffer = vec![0; BLOCK];
        // The start of a line that goes on in the next block.
        let mut begun = Vec::new();
        let mut number = first;
        loop {
            let read = match reader.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read?,
            };
            let mut text = &buffer[..read];
            while let Some(end) = memchr(b'\n', text) {
                let hash = if begun.is_empty() {
                    hash(&text[..end], scope.blind)
                } else {
                    begun.extend_from_slice(&text[..end]);
                    hash(&begun, scope.blind)
                };
                begun.clear();
                if hash.is_multiple_of(kept.one_in) {
                    kept.lines.push((hash, number));
                }
                number += 1;
                text = &text[end + 1..];
            }
            // Of a giant line only the start counts.
            begun.extend_from_slice(&text[..text.len().min(BLOCK.saturating_sub(begun.len()))]);
            if kept.lines.len() > MOST {
                let one_in = kept.one_in * 2;
                kept.thin(one_in);
            }
            if read == 0 {
                // At the limit it may have been the end or not.
                kept.ended = reader.limit() > 0;
                return Ok(kept);
            }
        }
    }

    fn thin(&mut self, one_in: u64) {
        self.one_in = one_in;
        self.lines.retain(|(hash, _)| hash.is_multiple_of(one_in));
    }

    /// Returns where each line is, if it is in one place only.
    fn alone(&self) -> HashMap<u64, Option<u64>> {
        let mut places = HashMap::with_capacity(self.lines.len());
        for (hash, line) in &self.lines {
            places.entry(*hash).and_modify(|place| *place = None).or_insert(Some(*line));
        }
        places
    }
}

/// Hashes a line, eight bytes at a time. If two lines share a hash, the diff becomes longer and nothing
/// else.
fn hash(line: &[u8], blind: bool) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |hash: u64, next: u64| {
        let mixed = (hash ^ next).wrapping_mul(ODD);
        mixed ^ (mixed >> 29)
    };
    if blind {
        let seen = line.iter().filter(|byte| !byte.is_ascii_whitespace());
        return seen.fold(1, |hash, byte| mix(hash, u64::from(*byte)));
    }
    let (words, rest) = line.as_chunks::<8>();
    let hash = words.iter().fold(line.len() as u64, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    mix(mix(hash, u64::from_le_bytes(last)), ODD)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(lines: impl Iterator<Item = u32>) -> String {
        lines.map(|number| format!("line {number} of it\n")).collect()
    }

    fn ahead(old: &str, new: &str, bytes: u64) -> Ahead {
        let scope = Scope { first: (1, 1), bytes, one_in: 16, blind: false };
        Ahead::read(old.as_bytes(), new.as_bytes(), scope).expect("read")
    }

    #[test]
    fn the_nearest_place_in_step_is_found_and_where_there_is_none_nothing() {
        let old = text(0..10_000);
        let moved = text((5_000..10_000).chain(0..5_000));
        let found = ahead(&old, &moved, u64::MAX);
        assert!(found.complete);
        let (a, b) = found.next(1, 1).expect("a place");
        assert!(b == a + 5_000 || a == b + 5_000, "{a} {b}");
        let (a, b) = found.next(2_000, 5_500).expect("a place");
        assert!(b == a + 5_000 && a < 2_400, "{a} {b}");
        assert_eq!(found.next(9_999, 9_999), None);
        for other in [text((0..10_000).rev()), text(20_000..30_000), String::new(), "x\n".repeat(5_000)] {
            assert_eq!(ahead(&old, &other, u64::MAX).next(1, 1), None);
        }
    }

    #[test]
    fn it_reads_no_further_than_it_is_told() {
        let (old, new) = (text(0..10_000), text(5_000..10_000));
        let found = ahead(&old, &new, 10_000);
        assert_eq!((found.complete, found.next(1, 1)), (false, None));
    }
}
