//! How much of a file changes: in lines if it is text, in bytes if it is not. Pure.

use super::encoding::{PatchSide, line_count};
use super::{count, is_text};
use crate::manifest::Mode;

/// How much of a file's content changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Amount {
    /// Nothing: at most its mode does, or what the index says of it.
    #[default]
    Nothing,
    /// Lines of text.
    Lines {
        /// How many only the new text has.
        added: u64,
        /// How many only the old text has.
        removed: u64,
    },
    /// Another target of a link; or a link comes, goes, or takes the place of a file.
    Link,
    /// Content that is no text on one side or on both.
    Binary {
        /// Its size in bytes; `None` if there is no file.
        before: Option<u64>,
        /// Its new size in bytes; `None` if there will be no file.
        after: Option<u64>,
    },
}

impl Amount {
    /// Measures the way from `old` to `new`; `None` is no file.
    pub fn between(old: Option<PatchSide<'_>>, new: Option<PatchSide<'_>>) -> Amount {
        let is_link = |side: &PatchSide<'_>| side.mode == Mode::Link;
        let link = old.iter().chain(&new).any(is_link);
        match (old, new) {
            (Some(old), Some(new)) if old.bytes == new.bytes && is_link(&old) == is_link(&new) => {
                Amount::Nothing
            }
            (None, None) => Amount::Nothing,
            _ if link => Amount::Link,
            _ if old.iter().chain(&new).any(|side| !is_text(side.bytes)) => {
                let size = |side: Option<PatchSide<'_>>| side.map(|side| side.bytes.len() as u64);
                Amount::Binary { before: size(old), after: size(new) }
            }
            (Some(old), Some(new)) => count(old.bytes, new.bytes),
            (old, new) => {
                Amount::Lines { added: new.map_or(0, line_count), removed: old.map_or(0, line_count) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Amount = Amount::Nothing;

    fn lines(added: u64, removed: u64) -> Amount {
        Amount::Lines { added, removed }
    }

    fn binary(before: Option<u64>, after: Option<u64>) -> Amount {
        Amount::Binary { before, after }
    }

    #[test]
    fn text_is_measured_in_lines_and_anything_else_in_bytes() {
        let file = |bytes: &'static [u8]| Some(PatchSide { mode: Mode::File, bytes });
        let tool = |bytes: &'static [u8]| Some(PatchSide { mode: Mode::Executable, bytes });
        let link = |bytes: &'static [u8]| Some(PatchSide { mode: Mode::Link, bytes });
        for (old, new, wanted) in [
            (None, None, NOTHING),
            (None, file(b"a\nb"), lines(2, 0)),
            (file(b"a\nb\n"), None, lines(0, 2)),
            (None, file(b""), lines(0, 0)),
            (file(b"a\nb\nc\n"), file(b"a\nx\ny\nc\n"), lines(2, 1)),
            (file(b"a\nb\n"), file(b"a\nb"), lines(1, 1)),
            (file(b""), file(b"a\n"), lines(1, 0)),
            (file(b"same\n"), tool(b"same\n"), NOTHING),
            (file(b"a\0"), file(b"abc\0"), binary(Some(2), Some(4))),
            (file(b"text\n"), file(b"a\0"), binary(Some(5), Some(2))),
            (None, file(b"a\0"), binary(None, Some(2))),
            (file(b"a\0"), None, binary(Some(2), None)),
            (file(b"target"), link(b"target"), Amount::Link),
            (link(b"target"), link(b"other"), Amount::Link),
            (link(b"target"), link(b"target"), NOTHING),
            (link(b"target"), None, Amount::Link),
        ] {
            assert_eq!(Amount::between(old, new), wanted, "{old:?} {new:?}");
        }
    }

    #[test]
    fn the_lines_are_those_of_the_diff_whichever_way_they_are_found() {
        let numbered = |from: u32, to: u32, step: u32| -> String {
            (from..to)
                .map(|line| if line % step == 0 { format!("x{line}\n") } else { format!("{line}\n") })
                .collect()
        };
        // The last one is more than is searched as a whole.
        for (length, step) in [(10, 3), (1_000, 7), (150_000, 1_000)] {
            let (old, new) = (numbered(0, length, u32::MAX), numbered(0, length, step));
            let made = super::super::diff(old.as_bytes(), new.as_bytes());
            assert_eq!(count(old.as_bytes(), new.as_bytes()), lines(made.added, made.removed), "{length}");
        }
    }
}
