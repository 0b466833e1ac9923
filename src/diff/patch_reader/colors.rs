//! Tells the colours that git gives a diff from escape sequences in the content.
//!
//! Git puts a colour before a line's sign, perhaps once more behind it, and a reset at the end. Blanks that
//! it finds wrong have a colour of their own, at the beginning or the end of the text. Mercurial and GNU
//! diff do the same with another reset, and Mercurial leaves tabs without a colour. Everything else belongs
//! to the content.

/// What git ends a colour with.
const RESET: &[u8] = b"\x1b[m";
/// What Mercurial and GNU diff end one with.
const RESET_ALL: &[u8] = b"\x1b[0m";

/// The colours that git has for lines that only moved, unless somebody set others.
const MOVED: [&[u8]; 6] =
    [b"\x1b[1;35m", b"\x1b[1;36m", b"\x1b[1;34m", b"\x1b[1;33m", b"\x1b[2m", b"\x1b[2;3m"];

/// Returns the length of the colour at the start of a text: `ESC [ digits and ; m`; 0 if there is none.
pub(in crate::diff) fn sgr(text: &[u8]) -> usize {
    let Some(codes) = text.strip_prefix(b"\x1b[") else { return 0 };
    let len = codes.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b';').count();
    if codes.get(len) == Some(&b'm') { len + 3 } else { 0 }
}

/// Returns the length of all colours at the start of a line.
pub(super) fn opening(line: &[u8]) -> usize {
    let mut len = 0;
    while let more @ 1.. = sgr(&line[len..]) {
        len += more;
    }
    len
}

/// Takes off the reset that a text begins with.
fn without_reset(text: &[u8]) -> Option<&[u8]> {
    text.strip_prefix(RESET).or(text.strip_prefix(RESET_ALL))
}

/// Takes off the reset that a text ends with.
fn before_reset(text: &[u8]) -> Option<&[u8]> {
    text.strip_suffix(RESET).or(text.strip_suffix(RESET_ALL))
}

/// Says whether a colour is the end of another one.
pub(super) fn is_reset(color: &[u8]) -> bool {
    color == RESET || color == RESET_ALL
}

/// Takes the end of its colour off a line without its line end; `None` if it has none.
pub(super) fn after_end(text: &[u8]) -> Option<&[u8]> {
    before_reset(text.strip_suffix(b"\r").unwrap_or(text))
}

/// Says whether a line begins with a colour.
pub(super) fn begins_colored(line: &[u8]) -> bool {
    sgr(line) > 0
}

/// Removes all colours from a line: for words that git itself writes, which hold none of their own.
pub(in crate::diff) fn without(line: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = memchr::memchr(0x1b, rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        let len = match sgr(rest) {
            0 if rest.starts_with(b"\x1b[K") => 3,
            len => len,
        };
        if len == 0 {
            out.push(0x1b);
        }
        rest = &rest[len.max(1)..];
    }
    out.extend_from_slice(rest);
    out
}

/// Writes a line of a hunk that has so many columns of signs without git's colours, with its end. Says
/// whether git marked it as one that only moved.
pub(super) fn bare_hunk_line(line: &[u8], signs: usize, out: &mut Vec<u8>) -> bool {
    out.clear();
    let (text, ends): (_, [&[u8]; 2]) = match line.strip_suffix(b"\n") {
        Some(text) => (text, [b"\n", b"\r\n"]),
        None => (line, [b"", b"\r"]),
    };
    let opening = opening(text);
    let color = &text[..opening];
    // Only git ends a colour that was never begun.
    let before_end = |text| if opening > 0 { before_reset(text) } else { text.strip_suffix(RESET) };
    let tabs = tabs_of_mercurial(color, &text[opening..]);
    let text = tabs.as_deref().unwrap_or(&text[opening..]);
    let mut rest = text;
    let of_signs =
        rest.iter().take(signs).take_while(|byte| matches!(byte, b'+' | b'-' | b' ' | b'\\')).count();
    out.extend_from_slice(&rest[..of_signs]);
    rest = &rest[of_signs..];
    // Git ends its colour before a carriage return, unless it marks that as wrong.
    let (body, end) = match rest.strip_suffix(b"\r").and_then(before_end) {
        Some(body) => (body, ends[1]),
        None => (before_end(rest).unwrap_or(rest), ends[0]),
    };
    rest = body;
    if let Some(after) = without_reset(rest) {
        rest = skip(after, color);
    }
    // Blanks that git marks in the indentation, then those at the end.
    let content = out.len();
    loop {
        let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        if let Some((marked, after)) =
            marked_blanks(&rest[blanks..]).filter(|_| out[content..].trim_ascii().is_empty())
        {
            out.extend_from_slice(&rest[..blanks]);
            out.extend_from_slice(marked);
            rest = skip(after, color);
        } else {
            out.extend_from_slice(&rest[..blanks]);
            // Behind marked blanks git sets its colour again.
            rest = if out.len() > content { skip(&rest[blanks..], color) } else { &rest[blanks..] };
            break;
        }
    }
    match trailing_blanks(rest) {
        Some((text, marked)) => {
            out.extend_from_slice(text);
            out.extend_from_slice(marked);
        }
        None => out.extend_from_slice(rest),
    }
    out.extend_from_slice(end);
    MOVED.contains(&color)
}

/// Puts the tabs back into a line that Mercurial coloured around them.
fn tabs_of_mercurial(color: &[u8], text: &[u8]) -> Option<Vec<u8>> {
    if !color.starts_with(&RESET_ALL[..3]) || memchr::memchr(b'\t', text).is_none() {
        return None;
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memmem::find(rest, RESET_ALL) {
        let behind = &rest[at + RESET_ALL.len()..];
        let tabs = behind.iter().take_while(|byte| **byte == b'\t').count();
        out.extend_from_slice(&rest[..at]);
        rest = match behind[tabs..].strip_prefix(color).filter(|_| tabs > 0) {
            Some(after) => after,
            None => {
                out.extend_from_slice(RESET_ALL);
                behind
            }
        };
        if tabs > 0 && rest.len() < behind.len() {
            out.extend_from_slice(&behind[..tabs]);
        }
    }
    out.extend_from_slice(rest);
    Some(out)
}

fn skip<'t>(text: &'t [u8], color: &[u8]) -> &'t [u8] {
    if color.is_empty() { text } else { text.strip_prefix(color).unwrap_or(text) }
}

/// A colour, blanks, and a reset: the blanks, and what is behind.
fn marked_blanks(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = without_reset(text).unwrap_or(text);
    let len = sgr(text);
    let inner = &text[len..];
    let blanks = inner.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r')).count();
    if len == 0 || without_reset(&text[..len]).is_some() || blanks == 0 {
        return None;
    }
    Some((&inner[..blanks], without_reset(&inner[blanks..]).unwrap_or(&inner[blanks..])))
}

/// A text that ends with marked blanks: what is before, and the blanks.
fn trailing_blanks(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let blanks = text.iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r')).count();
    let before = &text[..text.len() - blanks];
    let start = memchr::memrchr(0x1b, before).filter(|_| blanks > 0)?;
    let marked = sgr(&before[start..]) == before.len() - start && without_reset(&before[start..]).is_none();
    let plain = before_reset(&before[..start])?;
    marked.then_some((plain, &text[text.len() - blanks..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn git_s_colours_go_and_those_of_the_content_stay() {
        for (line, bare) in [
            ("\x1b[31m-c\x1b[m\n", "-c\n"),
            (" a\x1b[m\n", " a\n"),
            (" \x1b[m\n", " \n"),
            ("\x1b[32m+\x1b[m\n", "+\n"),
            ("\x1b[32m+\x1b[m\x1b[32mC\x1b[m\n", "+C\n"),
            ("\x1b[32m+\x1b[m\x1b[32mC \x1b[31mred\x1b[m\x1b[m\x1b[41m \x1b[m\n", "+C \x1b[31mred\x1b[m \n"),
            ("\x1b[32m+\x1b[m\x1b[41m \x1b[m\t\x1b[32mx\x1b[m\n", "+ \tx\n"),
            ("\x1b[32m+\x1b[m\x1b[32m\x1b[31mx\x1b[m\x1b[m\n", "+\x1b[31mx\x1b[m\n"),
            ("\x1b[31m-\x1b[32mx\x1b[m\x1b[m\n", "-\x1b[32mx\x1b[m\n"),
            ("\x1b[32m+\x1b[m\x1b[32mx\x1b[m\x1b[41m\r\x1b[m\n", "+x\r\n"),
            ("\x1b[31m-x\x1b[m\r\n", "-x\r\n"),
            (" \x1b[ma\x1b[m\n", " a\n"),
            // Of a git whose colours somebody set.
            ("\x1b[;32m+a\x1b[m\n", "+a\n"),
            ("\x1b[1m\x1b[92m+a\x1b[m\n", "+a\n"),
            ("-a\x1b[m\n", "-a\n"),
            // Of GNU diff.
            ("\x1b[31m-a\x1b[0m\n", "-a\n"),
            ("\x1b[31m-a\x1b[0m\r\n", "-a\r\n"),
            (" a \x1b[0m\n", " a \x1b[0m\n"),
            // Of Mercurial.
            ("\x1b[0;32m+a\x1b[0m\x1b[0;1;41m  \x1b[0m\n", "+a  \n"),
            ("\x1b[0;32m+\x1b[0m\t\x1b[0;32ma\x1b[0m\t\t\x1b[0;32mb\x1b[0m\n", "+\ta\t\tb\n"),
            ("\x1b[0;32m+\ta\x1b[0mb\x1b[0m\n", "+\ta\x1b[0mb\n"),
        ] {
            let mut out = b"of the line before".to_vec();
            assert!(!bare_hunk_line(line.as_bytes(), 1, &mut out));
            assert_eq!(String::from_utf8_lossy(&out), bare, "{line:?}");
        }
        let mut out = Vec::new();
        bare_hunk_line(b"\x1b[32m++x\x1b[m\n", 2, &mut out);
        assert_eq!(out, b"++x\n");
        assert!(bare_hunk_line(b"\x1b[1;35m-x\x1b[m\n", 1, &mut out));
    }

    #[test]
    fn words_of_git_lose_all_colours() {
        assert_eq!(without(b"\x1b[1mdiff --git a/f b/f\x1b[m\x1b[K\n"), b"diff --git a/f b/f\n");
        assert_eq!(without(b"\x1b]0;x\x07"), b"\x1b]0;x\x07");
    }
}
