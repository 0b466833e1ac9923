//! Hunk headers in the diff of a merge. With N parents they have N + 1 `@` signs and N + 1 sides.

use super::hunk::{Stated, parse_stated};

/// A hunk of a merge.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct MergeHunk<'l> {
    /// How many lines it has of each parent.
    pub(super) parents: Vec<u64>,
    /// Where it is in the result, and how many lines it has there.
    pub(super) new: Stated,
    pub(super) heading: &'l [u8],
}

/// The most parents that are accepted: git makes no merge of more at once.
const MOST_PARENTS: usize = 64;

/// Reads a header such as `@@@ -1,3 -1,4 +1,5 @@@ heading`.
pub(super) fn header(line: &[u8]) -> Option<MergeHunk<'_>> {
    let marks = line.iter().take_while(|byte| **byte == b'@').count();
    if !(3..=MOST_PARENTS + 1).contains(&marks) {
        return None;
    }
    let mut rest = &line[marks..];
    let mut parents = Vec::new();
    for _ in 1..marks {
        let ((_, count), after) = parse_stated(rest.strip_prefix(b" -")?)?;
        parents.push(count);
        rest = after;
    }
    let (new, rest) = parse_stated(rest.strip_prefix(b" +")?)?;
    let heading = rest.strip_prefix(b" ")?.strip_prefix(&line[..marks])?.trim_ascii_end();
    Some(MergeHunk { parents, new, heading: heading.strip_prefix(b" ").unwrap_or(heading) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_of_a_merge_s_hunk_is_read() {
        let read = header(b"@@@ -1,3 -2 +1,5 @@@ fn x()");
        assert_eq!(read, Some(MergeHunk { parents: vec![3, 1], new: (1, 5), heading: b"fn x()" }));
        for none in [&b"@@ -1 +1 @@"[..], b"@@@ -1 +1 @@@", b"@@@ -1 -1 +1 @@", b"@@@", b""] {
            assert_eq!(header(none), None);
        }
    }
}
