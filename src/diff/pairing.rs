//! Which lines of a change are two versions of one line, and what differs between the two.
//!
//! If there are as many old lines as new ones, they are taken in order. Otherwise lines are paired that share
//! most of their words, in an order that never crosses. The work is bounded: both sides have at most 64 lines.

use std::ops::Range;

use super::pen::TextLine;
use super::words::{LONGEST, Span, changed};

/// Words are compared in changes of at most this many lines a side.
const MOST_LINES: usize = 64;

/// Compares the lines of a small change in pairs.
pub fn pairs(removed: &[&[u8]], added: &[&[u8]]) -> Option<Vec<Option<Vec<Span>>>> {
    let comparable = removed.len() == added.len() && removed.len() <= MOST_LINES;
    comparable.then(|| removed.iter().zip(added).map(|(old, new)| changed(old, new)).collect())
}

/// Two versions of one line, by their places in the change, and what differs.
struct Pair {
    old: usize,
    new: usize,
    spans: Vec<Span>,
}

/// What changed inside the lines of a change, by their place in it.
pub struct Words {
    /// In the order of the lines.
    pairs: Vec<Pair>,
}

/// What stands beside each other in two columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) old: Option<usize>,
    pub(super) new: Option<usize>,
}

impl Words {
    pub(super) fn of(removed: &[TextLine<'_>], added: &[TextLine<'_>]) -> Words {
        fn texts<'l>(lines: &[TextLine<'l>]) -> Vec<&'l [u8]> {
            lines.iter().map(|line| line.text).collect()
        }
        Words::between(&texts(removed), &texts(added))
    }

    /// Compares the lines of a change.
    pub fn between<T: AsRef<[u8]>>(removed: &[T], added: &[T]) -> Words {
        let (fewer, more) = (removed.len().min(added.len()), removed.len().max(added.len()));
        let places = match () {
            () if fewer == 0 || more > MOST_LINES => Vec::new(),
            () if fewer == more => (0..more).map(|place| (place, place)).collect(),
            () => alike(removed, added),
        };
        let pair = |(old, new): (usize, usize)| {
            changed(removed[old].as_ref(), added[new].as_ref()).map(|spans| Pair { old, new, spans })
        };
        Words { pairs: places.into_iter().filter_map(pair).collect() }
    }

    /// What differs between the old line in this place and its new version; `None` if they were not compared.
    pub(super) fn spans(&self, old: usize) -> Option<&[Span]> {
        let at = self.pairs.binary_search_by_key(&old, |pair| pair.old).ok()?;
        Some(&self.pairs[at].spans)
    }

    /// Returns what differs in the old line in this place.
    pub fn in_old(&self, number: usize) -> impl Iterator<Item = &Range<usize>> + Clone {
        self.spans(number).unwrap_or_default().iter().map(|(old, _)| old)
    }

    /// Returns what differs in the new line in this place.
    pub fn in_new(&self, number: usize) -> impl Iterator<Item = &Range<usize>> + Clone {
        let at = self.pairs.binary_search_by_key(&number, |pair| pair.new).ok();
        let spans = at.map_or(&[][..], |at| &self.pairs[at].spans);
        spans.iter().map(|(_, new)| new)
    }

    /// Returns what stands beside each other: both versions of a line in one row, and the lines between them in
    /// order.
    pub(super) fn rows(&self, removed: usize, added: usize) -> Vec<Row> {
        let mut rows = Vec::with_capacity(removed.max(added));
        let (mut old, mut new) = (0, 0);
        let end = [(removed, added)].into_iter();
        for (old_to, new_to) in self.pairs.iter().map(|pair| (pair.old, pair.new)).chain(end) {
            while old < old_to || new < new_to {
                rows.push(Row { old: (old < old_to).then_some(old), new: (new < new_to).then_some(new) });
                (old, new) = ((old + 1).min(old_to), (new + 1).min(new_to));
            }
            if old < removed && new < added {
                rows.push(Row { old: Some(old), new: Some(new) });
                (old, new) = (old + 1, new + 1);
            }
        }
        rows
    }
}

/// The words of some lines, as far as it takes to tell how alike two lines are.
struct Likenesses {
    /// Of each line in order, sorted: the hash of a word above its length.
    words: Vec<u64>,
    lines: Vec<LineWords>,
}

/// The words of a line.
struct LineWords {
    range: Range<usize>,
    /// How long they are together.
    length: u64,
}

/// What is one word, as long as it stays the same.
fn kind(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' | 0x80.. => 1,
        b'0'..=b'9' => 2,
        b'A'..=b'Z' => 3,
        _ => 0,
    }
}

impl Likenesses {
    fn of<'l>(lines: impl Iterator<Item = &'l [u8]>) -> Likenesses {
        let mut all = Likenesses { words: Vec::new(), lines: Vec::new() };
        lines.for_each(|line| all.read(if line.len() > LONGEST { &[] } else { line }));
        all
    }

    fn read(&mut self, line: &[u8]) {
        const START: u64 = 0x811c_9dc5;
        let start = self.words.len();
        let (mut hash, mut length, mut before, mut all) = (START, 0, 0, 0);
        // The end of a line ends its last word.
        for byte in line.iter().chain(b"\n") {
            let here = kind(*byte);
            // A capital goes on as a small letter.
            if here != before && !(before == 3 && here == 1) && length > 0 {
                self.words.push(hash << 32 | length);
                all += length;
                (hash, length) = (START, 0);
            }
            if here != 0 {
                hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0193) & 0xffff_ffff;
                length += 1;
            }
            before = here;
        }
        self.words[start..].sort_unstable();
        self.lines.push(LineWords { range: start..self.words.len(), length: all });
    }

    /// How much two lines share, if it is at least half of the longer one.
    fn likeness(&self, one: usize, other: usize) -> Option<u64> {
        let (one, other) = (&self.lines[one], &self.lines[other]);
        let longer = one.length.max(other.length);
        if longer == 0 || one.length.min(other.length) * 2 < longer {
            return None;
        }
        let (ours, theirs) = (&self.words[one.range.clone()], &self.words[other.range.clone()]);
        let (mut i, mut j, mut shared) = (0, 0, 0);
        while i < ours.len() && j < theirs.len() {
            let (a, b) = (ours[i], theirs[j]);
            if a == b {
                shared += a & 0xffff_ffff;
            }
            i += usize::from(a <= b);
            j += usize::from(b <= a);
        }
        (shared * 2 >= longer).then_some(shared)
    }
}

/// Pairs lines that are alike, so that all pairs together share as much as possible.
fn alike<T: AsRef<[u8]>>(removed: &[T], added: &[T]) -> Vec<(usize, usize)> {
    let all = Likenesses::of(removed.iter().chain(added).map(AsRef::as_ref));
    let (old, new) = (removed.len(), added.len());
    let width = new + 1;
    // best[i][j]: how much the lines from i and j on can share; alike[i][j]: how much these two do.
    let mut best = vec![0; (old + 1) * width];
    let mut alike = vec![0; (old + 1) * width];
    for i in (0..old).rev() {
        for j in (0..new).rev() {
            let at = i * width + j;
            let both = all.likeness(i, old + j).unwrap_or(0);
            alike[at] = both;
            let paired = if both > 0 { both + best[at + width + 1] } else { 0 };
            best[at] = paired.max(best[at + width]).max(best[at + 1]);
        }
    }
    let mut pairs = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < old && j < new {
        let at = i * width + j;
        if alike[at] > 0 && best[at] == alike[at] + best[at + width + 1] {
            pairs.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if best[at] == best[at + width] {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(removed: &[&str], added: &[&str]) -> Vec<(usize, usize)> {
        let bytes =
            |lines: &[&str]| -> Vec<Vec<u8>> { lines.iter().map(|line| line.as_bytes().to_vec()).collect() };
        let (removed, added) = (bytes(removed), bytes(added));
        let words = Words::between(&removed, &added);
        words.pairs.iter().map(|pair| (pair.old, pair.new)).collect()
    }

    #[test]
    fn lines_of_uneven_changes_find_their_other_version() {
        let total = "    let total = compute_total(items, tax_rate, 10);\n";
        let other = "    let total = compute_total(items, tax_rate, 20);\n";
        assert_eq!(places(&[total], &[other, "    log(total);\n"]), [(0, 0)]);
        assert_eq!(places(&[total], &["    // why\n", "    log();\n", other]), [(0, 2)]);
        assert_eq!(places(&["fn a() {\n", total, "}\n"], &[other, "}\n"]), [(1, 0)]);
        assert_eq!(places(&["    one(here);\n", total], &["}\n"]), []);
        assert_eq!(places(&[total], &[]), []);
        assert_eq!(places(&[total, "two(2)\n"], &["two(3, two)\n", other, other]), [(0, 1)]);
    }

    #[test]
    fn changes_beyond_the_limit_are_not_compared() {
        let (old, new) =
            (vec!["same words here 1\n"; MOST_LINES], vec!["same words here 2\n"; MOST_LINES + 1]);
        assert_eq!(places(&old[1..], &new[1..]).len(), MOST_LINES - 1);
        assert_eq!(places(&old, &new), []);
    }

    #[test]
    fn rows_have_all_lines_in_order_and_pairs_beside_each_other() {
        let pair = |old, new| Pair { old, new, spans: Vec::new() };
        let words = Words { pairs: vec![pair(1, 0), pair(2, 3)] };
        let rows: Vec<_> = words.rows(4, 4).iter().map(|row| (row.old, row.new)).collect();
        let expected = [
            (Some(0), None),
            (Some(1), Some(0)),
            (None, Some(1)),
            (None, Some(2)),
            (Some(2), Some(3)),
            (Some(3), None),
        ];
        assert_eq!(rows, expected);
        let rows: Vec<_> =
            Words { pairs: Vec::new() }.rows(2, 1).iter().map(|row| (row.old, row.new)).collect();
        assert_eq!(rows, [(Some(0), Some(0)), (Some(1), None)]);
    }
}
