//! Finds the new file that a deleted one became, by how much of their content is the same.
//!
//! Pure, and only a proposal: a wrong one makes a diff longer but never incorrect. The measure is git's: the
//! bytes of the lines that both have (or of 64-byte pieces of a longer line), compared with the larger file.
//! Half of it makes a rename. The work is bounded by a count, never by time, so the same files give the same
//! answer everywhere.

use std::collections::HashMap;
use std::ffi::OsStr;

use crate::base::paths::RepoPath;

/// Files over this many bytes are not compared; as they are, they can still be known by id.
pub const LARGEST: usize = 1 << 20;

/// The most files on either side that are compared.
pub const MOST: usize = 1_000;

/// The most lines that are compared with others, all pairs together: some 50 ms.
const MOST_WORK: usize = 30_000_000;

/// How much of the larger file must be the same, in percent.
const ENOUGH: u64 = 50;

/// What a file consists of, in little.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sketch {
    /// The hash of each different line, sorted, with the bytes of all its occurrences.
    lines: Vec<(u32, u32)>,
    bytes: u64,
}

/// A file that may be one side of a rename.
pub struct RenameCandidate<'a> {
    /// Its path.
    pub path: &'a RepoPath,
    /// Its content.
    pub sketch: &'a Sketch,
}

impl Sketch {
    /// Makes the sketch of some content.
    pub fn of(content: &[u8]) -> Sketch {
        let mut lines: Vec<(u32, u32)> = Vec::new();
        for line in content.split(|byte| *byte == b'\n') {
            // The same line with another line end is the same line.
            let text = line.strip_suffix(b"\r").unwrap_or(line);
            let size = |piece: &[u8]| u32::try_from(piece.len()).unwrap_or(u32::MAX);
            lines.extend(text.chunks(64).map(|piece| (hash(piece), size(piece))));
        }
        lines.sort_unstable();
        lines.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 = kept.1.saturating_add(next.1);
            }
            same
        });
        let bytes = lines.iter().map(|(_, bytes)| u64::from(*bytes)).sum();
        Sketch { lines, bytes }
    }

    /// Returns how much of the larger one is in both, in percent.
    pub fn likeness(&self, other: &Sketch) -> u64 {
        let (mut here, mut there) = (self.lines.as_slice(), other.lines.as_slice());
        let mut common = 0;
        while let ([(a, a_bytes), rest_here @ ..], [(b, b_bytes), rest_there @ ..]) = (here, there) {
            if a <= b {
                here = rest_here;
            }
            if b <= a {
                there = rest_there;
            }
            if a == b {
                common += u64::from(*a_bytes.min(b_bytes));
            }
        }
        (common * 100).checked_div(self.bytes.max(other.bytes)).unwrap_or(0)
    }

    fn may_be_like(&self, other: &Sketch) -> bool {
        self.bytes.min(other.bytes) * 100 >= self.bytes.max(other.bytes) * ENOUGH
    }
}

/// Finds, for each new file, the one that it was renamed from, by its number. None is named twice.
pub fn pair(gone: &[RenameCandidate<'_>], new: &[RenameCandidate<'_>]) -> Vec<Option<usize>> {
    let mut found = vec![None; new.len()];
    let mut taken = vec![false; gone.len()];
    // A file that was moved mostly keeps its name: looked at first, that saves most of the work.
    let (gone_names, new_names) = (by_name(gone), by_name(new));
    for (number, file) in new.iter().enumerate() {
        let name = file.path.components().next_back();
        let only_one = |names: &Names<'_>| names.get(name?).copied().flatten();
        if let (Some(namesake), Some(_)) = (only_one(&gone_names), only_one(&new_names))
            && gone[namesake].sketch.likeness(file.sketch) >= ENOUGH
        {
            found[number] = Some(namesake);
            taken[namesake] = true;
        }
    }
    let mut work = 0;
    let mut pairs = Vec::new();
    'all: for (new_number, file) in new.iter().enumerate().filter(|(number, _)| found[*number].is_none()) {
        for (gone_number, other) in gone.iter().enumerate().filter(|(number, _)| !taken[*number]) {
            work += 1;
            if !file.sketch.may_be_like(other.sketch) {
                continue;
            }
            work += file.sketch.lines.len() + other.sketch.lines.len();
            if work > MOST_WORK {
                break 'all;
            }
            let likeness = file.sketch.likeness(other.sketch);
            if likeness >= ENOUGH {
                pairs.push((std::cmp::Reverse(likeness), new_number, gone_number));
            }
        }
    }
    pairs.sort_unstable();
    for (_, new_number, gone_number) in pairs {
        if found[new_number].is_none() && !taken[gone_number] {
            found[new_number] = Some(gone_number);
            taken[gone_number] = true;
        }
    }
    found
}

/// The numbers of files by their names; `None` for a name that several have.
type Names<'a> = HashMap<&'a OsStr, Option<usize>>;

fn by_name<'a>(files: &'a [RenameCandidate<'_>]) -> Names<'a> {
    let mut names = Names::new();
    for (number, file) in files.iter().enumerate() {
        if let Some(name) = file.path.components().next_back() {
            names.entry(name).and_modify(|known| *known = None).or_insert(Some(number));
        }
    }
    names
}

/// FNV-1a: a collision costs a longer diff at most.
fn hash(piece: &[u8]) -> u32 {
    piece.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(range: std::ops::Range<u32>) -> Vec<u8> {
        range.map(|number| format!("line number {number:04}\n")).collect::<String>().into_bytes()
    }

    fn paired(gone: &[(&str, Vec<u8>)], new: &[(&str, Vec<u8>)]) -> Vec<Option<usize>> {
        let sketched = |files: &[(&str, Vec<u8>)]| -> Vec<(RepoPath, Sketch)> {
            let path = |path: &str| RepoPath::new(path.as_bytes()).expect("a fine path");
            files.iter().map(|(name, bytes)| (path(name), Sketch::of(bytes))).collect()
        };
        fn candidates(files: &[(RepoPath, Sketch)]) -> Vec<RenameCandidate<'_>> {
            files.iter().map(|(path, sketch)| RenameCandidate { path, sketch }).collect()
        }
        let (gone, new) = (sketched(gone), sketched(new));
        pair(&candidates(&gone), &candidates(&new))
    }

    #[test]
    fn likeness_is_the_common_part_of_the_larger_file() {
        let likeness = |a: &[u8], b: &[u8]| Sketch::of(a).likeness(&Sketch::of(b));
        assert_eq!(likeness(&text(0..100), &text(0..100)), 100);
        assert_eq!(likeness(&text(0..100), &text(50..150)), 50);
        assert_eq!(likeness(&text(0..100), &text(0..25)), 25);
        assert_eq!(likeness(&text(0..100), &text(200..300)), 0);
        assert_eq!(likeness(b"a\nb\n", b"b\r\na\r\n"), 100);
        assert_eq!(likeness(b"", b""), 0);
    }

    #[test]
    fn the_likest_file_wins_and_none_is_taken_twice() {
        let gone = [("a", text(0..100)), ("b", text(1_000..1_100))];
        let new = [("x", text(20..100)), ("y", text(2..100)), ("z", text(1_000..1_060)), ("w", text(0..9))];
        assert_eq!(paired(&gone, &new), [None, Some(0), Some(1), None]);
    }

    #[test]
    fn a_file_that_kept_its_name_is_looked_at_first() {
        let gone = [("old/one.rs", text(0..100)), ("old/two.rs", text(0..90))];
        let new = [("new/two.rs", text(0..100)), ("new/one.rs", text(0..90))];
        assert_eq!(paired(&gone, &new), [Some(1), Some(0)]);
    }
}
