//! The part of git's index that says which folders are as a tree that git has: `TREE`. Pure.
//!
//! Of a folder in which an entry changes, it must say that nothing is known. For all others it stays, so that git need not
//! compare each entry with HEAD.

/// Folders in each other: more is no index of git's.
const DEEPEST: usize = 1 << 10;

/// Returns the part with nothing known of the folders that these sorted paths are in; `None` if it is not understood.
/// Ids have `id` bytes.
pub(super) fn without(part: &[u8], id: usize, paths: &[&[u8]]) -> Option<Vec<u8>> {
    let mut copy = Copy { rest: part, made: Vec::with_capacity(part.len()), folder: Vec::new(), id };
    copy.folder(paths, 0)?;
    copy.rest.is_empty().then_some(copy.made)
}

struct Copy<'a> {
    rest: &'a [u8],
    made: Vec<u8>,
    /// The path of the folder, with a slash behind it.
    folder: Vec<u8>,
    id: usize,
}

impl<'a> Copy<'a> {
    /// Copies one folder and those in it: its name, how many entries and folders it has, its id if that is known.
    fn folder(&mut self, paths: &[&[u8]], depth: usize) -> Option<()> {
        let name = self.upto(0)?;
        let (entries, folders) = (self.number(b' ')?, self.number(b'\n')?);
        let length = self.folder.len();
        if depth > 0 {
            self.folder.extend([name, b"/"].concat());
        }
        let first = paths.partition_point(|path| **path < *self.folder);
        let inside = paths[first..].partition_point(|path| path.starts_with(&self.folder));
        let paths = &paths[first..first + inside];
        let known = if entries < 0 { &[] } else { self.bytes(self.id)? };
        let (entries, known) = if paths.is_empty() { (entries, known) } else { (-1, &[][..]) };
        self.made.extend([name, format!("\0{entries} {folders}\n").as_bytes(), known].concat());
        for _ in 0..folders {
            if depth == DEEPEST {
                return None;
            }
            self.folder(paths, depth + 1)?;
        }
        self.folder.truncate(length);
        Some(())
    }

    fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(bytes)
    }

    /// Takes what is before the next byte of this kind, and that byte.
    fn upto(&mut self, end: u8) -> Option<&'a [u8]> {
        let bytes = self.bytes(self.rest.iter().position(|byte| *byte == end)?)?;
        self.bytes(1).map(|_| bytes)
    }

    fn number(&mut self, end: u8) -> Option<i64> {
        std::str::from_utf8(self.upto(end)?).ok()?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::without;

    /// The root with two folders, of which one has another one; ids of two bytes.
    const WHOLE: &[u8] = b"\x005 2\nAAlib\x002 1\nBBin\x001 0\nCCsrc\x002 0\nDD";

    #[test]
    fn folders_with_a_changed_entry_are_unknown_then_and_no_others() {
        for (paths, expected) in [
            (&[][..], WHOLE),
            (&["x"], b"\x00-1 2\nlib\x002 1\nBBin\x001 0\nCCsrc\x002 0\nDD"),
            (&["lib/a"], b"\x00-1 2\nlib\x00-1 1\nin\x001 0\nCCsrc\x002 0\nDD"),
            (&["lib/in/a"], b"\x00-1 2\nlib\x00-1 1\nin\x00-1 0\nsrc\x002 0\nDD"),
            (&["lib-2", "src/b"], b"\x00-1 2\nlib\x002 1\nBBin\x001 0\nCCsrc\x00-1 0\n"),
        ] {
            let paths: Vec<&[u8]> = paths.iter().map(|path| path.as_bytes()).collect();
            let made = without(WHOLE, 2, &paths).expect("understood");
            assert_eq!(String::from_utf8_lossy(&made), String::from_utf8_lossy(expected), "{paths:?}");
            // What is unknown stays so.
            assert_eq!(without(&made, 2, &paths), Some(made.clone()));
        }
    }

    #[test]
    fn what_is_cut_or_goes_on_is_not_understood() {
        for length in 0..WHOLE.len() {
            assert_eq!(without(&WHOLE[..length], 2, &[b"x"]), None, "{length}");
        }
        assert_eq!(without(&[WHOLE, b"x"].concat(), 2, &[]), None);
        assert_eq!(without(b"\x001 0\nA", 2, &[]), None);
        assert_eq!(without(&b"\x00-1 1\n".repeat(2_000), 2, &[]), None, "deeper than any");
    }
}
