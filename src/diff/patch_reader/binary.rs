//! The lines of binary content in a patch of git: what belongs to it, and where it ends.

/// Where in binary content a reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Binary {
    /// Blocks that may still come: one, and one that leads back.
    left: u8,
    /// Whether the size of the present one was read.
    sized: bool,
}

/// What git writes besides letters and digits.
const SIGNS: &[u8] = b"!#$%&()*+-;<=>?@^_`{|}~";

impl Binary {
    /// At its beginning.
    pub(super) const START: Binary = Binary { left: 2, sized: false };

    /// Returns where it is behind a line; `None` if the line is none of it.
    pub(super) fn behind(self, line: &[u8]) -> Option<Binary> {
        match self {
            Binary { left: 0, .. } => None,
            Binary { left, sized: true } if line.is_empty() => Some(Binary { left: left - 1, sized: false }),
            Binary { sized: true, .. } => is_data(line).then_some(self),
            Binary { left, sized: false } => is_size(line).then_some(Binary { left, sized: true }),
        }
    }
}

fn is_size(line: &[u8]) -> bool {
    let size = line.strip_prefix(b"literal ").or(line.strip_prefix(b"delta "));
    size.is_some_and(|size| !size.is_empty() && size.iter().all(u8::is_ascii_digit))
}

/// Five letters stand for four bytes, behind one letter for the number of bytes.
fn is_data(line: &[u8]) -> bool {
    let Some((length, data)) = line.split_first() else { return false };
    let bytes = match length {
        b'A'..=b'Z' => length - b'A' + 1,
        b'a'..=b'z' => length - b'a' + 27,
        _ => return false,
    };
    let is_known = |byte: &u8| byte.is_ascii_alphanumeric() || SIGNS.contains(byte);
    data.len() == usize::from(bytes).div_ceil(4) * 5 && data.iter().all(is_known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ends_at_the_first_line_that_is_none_of_it() {
        for (lines, taken) in [
            (&["literal 3", "Kcmd%1W?6%^00&hz", "", "literal 0", "HcmV?d00001", "", "text"][..], 6),
            (&["literal 3", "Kcmd%1W?6%^00&hz", "diff --git a/x b/x"], 2),
            (&["literal 3", "", "commit 1"], 2),
            (&["delta 3", "some text"], 1),
            (&["literal x"], 0),
            (&["", "literal 3"], 0),
        ] {
            let mut at = Some(Binary::START);
            let count = lines.iter().take_while(|line| {
                at = at.and_then(|binary| binary.behind(line.as_bytes()));
                at.is_some()
            });
            assert_eq!(count.count(), taken, "{lines:?}");
        }
    }
}
