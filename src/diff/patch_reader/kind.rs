//! Whether a hunk shows lines, or words, as git does with `--word-diff` and `--color-words`: then its lines
//! have no signs.
//!
//! One line is judged at a time. So it makes no difference how much of the hunk is known already.

use super::colors::{after_end, is_reset, opening, sgr};

/// What a line says of its hunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Its lines have signs.
    Lines,
    /// They have none.
    Words,
    /// It may be either.
    Either,
}

/// Judges a line, which is in a file that git coloured or did not.
pub(super) fn of(raw: &[u8], colored: bool) -> Kind {
    let color = opening(raw);
    let text = raw.strip_suffix(b"\n").unwrap_or(raw);
    let text = &text[color.min(text.len())..];
    let bare = colored && color == 0;
    match text.first() {
        None | Some(b'\\') => Kind::Either,
        Some(b'\r') if text.len() == 1 => Kind::Either,
        // A sign has a colour, unless somebody took it away: then the line has no other colour either.
        Some(b'+' | b'-') if bare && !is_plain(text) => Kind::Words,
        Some(b'+' | b'-') => Kind::Lines,
        Some(b' ') if bare && colors_words(text) => Kind::Words,
        Some(b' ') if color > 0 && changes_color(text, &raw[..color]) => Kind::Words,
        Some(b' ') => Kind::Either,
        _ => Kind::Words,
    }
}

/// Says whether a line is one to which git gave an end of a colour and nothing else.
fn is_plain(text: &[u8]) -> bool {
    after_end(text).is_some_and(|text| last_color(text).is_none())
}

/// Says whether there are colours in a line that has none of its own. What the content brings ends before
/// git's own end.
fn colors_words(text: &[u8]) -> bool {
    match after_end(text) {
        Some(inner) => last_color(inner).is_some_and(|color| !is_reset(color)),
        None => last_color(text).is_some(),
    }
}

/// Says whether another colour follows the end of the first one, behind the sign.
fn changes_color(text: &[u8], color: &[u8]) -> bool {
    let Some(at) = text.iter().skip(2).position(|byte| *byte == 0x1b) else { return false };
    let rest = &text[at + 2..];
    let (end, rest) = rest.split_at(sgr(rest));
    let next = &rest[..sgr(rest)];
    let behind = rest[next.len()..].iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r'));
    // Blanks at the end of a line may have a colour, because they are wrong.
    is_reset(end) && !next.is_empty() && next != color && behind.is_some_and(|byte| *byte != 0x1b)
}

fn last_color(text: &[u8]) -> Option<&[u8]> {
    memchr::memrchr_iter(0x1b, text).find_map(|at| {
        let len = sgr(&text[at..]);
        (len > 0).then(|| &text[at..at + len])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_its_hunk_by_its_sign_and_its_colours() {
        for (line, colored, kind) in [
            ("+a\n", false, Kind::Lines),
            (" a\n", false, Kind::Either),
            ("\n", false, Kind::Either),
            ("\r\n", false, Kind::Either),
            ("\\ No newline at end of file\n", true, Kind::Either),
            ("a [-b-]{+c+}\n", false, Kind::Words),
            ("@@ -1 +1 @@\n", false, Kind::Words),
            ("\x1b[31m-a\x1b[m\n", true, Kind::Lines),
            ("\x1b[0;31m-a\x1b[0m\n", true, Kind::Lines),
            ("-a\x1b[m\n", true, Kind::Lines),
            ("- item \x1b[31ma\x1b[m\x1b[32mb\x1b[m\n", true, Kind::Words),
            ("- item\n", true, Kind::Words),
            (" a\x1b[m\n", true, Kind::Either),
            ("\x1b[37m a\x1b[m\n", true, Kind::Either),
            ("\x1b[37m a \x1b[m\x1b[31mb\x1b[m\n", true, Kind::Words),
            (" a \x1b[31mb\x1b[m\x1b[32mc\x1b[m\n", true, Kind::Words),
            (" a \x1b[31mb\x1b[m c\n", true, Kind::Words),
            (" a \x1b[31mred\x1b[m b\x1b[m\n", true, Kind::Either),
            (" a \x1b[31mred\x1b[m\x1b[m\n", true, Kind::Either),
            (" a \x1b[31mred\x1b[m\n", false, Kind::Either),
        ] {
            assert_eq!(of(line.as_bytes(), colored), kind, "{line:?}");
        }
    }
}
