//! Other views of a text: with escapes undone, colours removed, percent signs decoded.
//!
//! A view has its own bytes and knows where each of them came from. So a secret found in it becomes a span
//! of the text itself.

use std::ops::Range;

/// A text looked at in another way.
pub(super) struct DecodedText {
    pub(super) bytes: Vec<u8>,
    /// Where each byte begins in the text, and one more: where the last one ends.
    from: Vec<u32>,
}

impl DecodedText {
    pub(super) fn with_capacity(capacity: usize) -> DecodedText {
        DecodedText { bytes: Vec::with_capacity(capacity), from: Vec::with_capacity(capacity + 1) }
    }

    pub(super) fn push(&mut self, byte: u8, from: usize) {
        self.bytes.push(byte);
        self.from.push(u32::try_from(from).unwrap_or(u32::MAX));
    }

    pub(super) fn end(mut self, length: usize) -> DecodedText {
        self.from.push(u32::try_from(length).unwrap_or(u32::MAX));
        self
    }

    /// Returns the span of the text that a span of the view stands for.
    pub(super) fn span(&self, span: &Range<usize>) -> Range<usize> {
        let at = |index: usize| self.from.get(index).map_or(0, |from| *from as usize);
        at(span.start)..at(span.end)
    }
}

/// Undoes the escapes of a JSON string; what is no escape stays.
pub(super) fn unescaped(text: &[u8]) -> DecodedText {
    let mut view = DecodedText::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        if byte != b'\\' {
            view.push(byte, at);
            at += 1;
            continue;
        }
        let plain = match text.get(at + 1) {
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'r') => b'\r',
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(&quoted @ (b'"' | b'\\' | b'/')) => quoted,
            Some(b'x') if printable(text, at + 2).is_some() => {
                view.push(printable(text, at + 2).unwrap_or_default(), at);
                at += 4;
                continue;
            }
            Some(b'u') => {
                let Some((character, length)) = unicode(&text[at..]) else {
                    view.push(byte, at);
                    at += 1;
                    continue;
                };
                for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                    view.push(byte, at);
                }
                at += length;
                continue;
            }
            _ => {
                view.push(byte, at);
                at += 1;
                continue;
            }
        };
        view.push(plain, at);
        at += 2;
    }
    view.end(text.len())
}

/// Reads the two digits of a printable character.
fn printable(text: &[u8], at: usize) -> Option<u8> {
    let digits = std::str::from_utf8(text.get(at..at + 2)?).ok()?;
    u8::from_str_radix(digits, 16).ok().filter(|byte| (0x21..0x7f).contains(byte))
}

/// Reads `\uXXXX`, two of them for a pair of surrogates.
fn unicode(text: &[u8]) -> Option<(char, usize)> {
    let unit = |at: usize| -> Option<u16> {
        let digits = text.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let first = unit(0)?;
    if let Some(character) = char::from_u32(first.into()) {
        return Some((character, 6));
    }
    let character = char::decode_utf16([first, unit(6)?]).next()?.ok()?;
    Some((character, 12))
}

/// Leaves out terminal colours and the like: `ESC [ … letter`.
pub(super) fn uncoloured(text: &[u8]) -> Option<DecodedText> {
    memchr::memchr(0x1b, text)?;
    let mut view = DecodedText::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        if byte == 0x1b && text.get(at + 1) == Some(&b'[') {
            let parameters = text[at + 2..].iter().take_while(|byte| (0x20..0x40).contains(*byte)).count();
            at += 3 + parameters;
            continue;
        }
        view.push(byte, at);
        at += 1;
    }
    Some(view.end(text.len()))
}

/// Puts the end of a line where `cat -v` shows a NUL, as between variables of a process, and a tab where it shows one:
/// `^@`, `^I`.
pub(super) fn uncareted(text: &[u8]) -> Option<DecodedText> {
    let shown = |at: usize| match text.get(at + 1) {
        Some(b'@') => Some(b'\n'),
        Some(b'I') => Some(b'\t'),
        _ => None,
    };
    memchr::memchr_iter(b'^', text).find(|at| shown(*at).is_some())?;
    let mut view = DecodedText::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let plain = (byte == b'^').then(|| shown(at)).flatten();
        view.push(plain.unwrap_or(byte), at);
        at += 1 + usize::from(plain.is_some());
    }
    Some(view.end(text.len()))
}

/// Decodes `%XX`; `None` if there is nothing to decode.
pub(super) fn unpercented(text: &[u8]) -> Option<DecodedText> {
    let digit = |byte: Option<&u8>| char::from(*byte?).to_digit(16);
    let decoded = |at: usize| {
        let value = digit(text.get(at + 1))? * 16 + digit(text.get(at + 2))?;
        u8::try_from(value).ok().filter(|byte| (0x21..0x7f).contains(byte))
    };
    memchr::memchr_iter(b'%', text).find(|at| decoded(*at).is_some())?;
    let mut view = DecodedText::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match (byte == b'%').then(|| decoded(at)).flatten() {
            Some(plain) => {
                view.push(plain, at);
                at += 3;
            }
            None => {
                view.push(byte, at);
                at += 1;
            }
        }
    }
    Some(view.end(text.len()))
}

/// Joins words that a backslash at the end of a line breaks, as a shell does.
pub(super) fn continued(text: &[u8]) -> Option<DecodedText> {
    let joint = |at: usize| {
        let length = match text.get(at..)? {
            [b'\\', b'\n', ..] => 2,
            [b'\\', b'\r', b'\n', ..] => 3,
            _ => return None,
        };
        let is_word =
            |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(byte));
        let before = at.checked_sub(1).and_then(|before| text.get(before));
        (is_word(before) && is_word(text.get(at + length))).then_some(length)
    };
    memchr::memchr_iter(b'\\', text).find(|at| joint(*at).is_some())?;
    let mut view = DecodedText::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        if let Some(length) = (byte == b'\\').then(|| joint(at)).flatten() {
            at += length;
            continue;
        }
        view.push(byte, at);
        at += 1;
    }
    Some(view.end(text.len()))
}

/// Says whether a text holds escapes that could hide a token: `\uXXXX` of a plain character, or `\/`.
pub(super) fn hides(text: &[u8]) -> bool {
    memchr::memchr_iter(b'\\', text).any(|at| match text.get(at + 1) {
        Some(b'/' | b'n' | b't' | b'r' | b'"' | b'\\') => true,
        Some(b'x') => printable(text, at + 2).is_some(),
        Some(b'u') => matches!(text.get(at + 2..at + 5), Some([b'0', b'0', b'2'..=b'7'] | b"001")),
        _ => false,
    })
}

/// Returns the run of base64 characters (of either alphabet) around a place.
pub(super) fn base64_run(text: &[u8], at: usize) -> Range<usize> {
    let part = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+/_-".contains(byte);
    let start = at - text[..at].iter().rev().take_while(part).count();
    let end = at + text[at..].iter().take_while(part).count();
    let padding = text[end..].iter().take(2).take_while(|byte| **byte == b'=').count();
    start..end + padding
}

/// Says whether the run around a place has so many characters, however many more it has.
pub(super) fn has_base64_run(text: &[u8], at: usize, least: usize) -> bool {
    let from = at.saturating_sub(least);
    let near = &text[from..text.len().min(at + least)];
    base64_run(near, at - from).len() >= least
}

/// Decodes base64 of either alphabet, as far as it goes, beginning `skip` characters in.
pub(super) fn base64(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut count) = (0_u32, 0);
    for byte in text {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => break,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).unwrap_or_default());
        }
    }
    bytes
}

/// Decodes base64 around a place, also over the ends of lines; `before` characters of a group of four are before it. At most
/// this many characters are read to each side.
pub(super) fn base64_around(text: &[u8], at: usize, before: usize, most: usize) -> DecodedText {
    let part = |byte: u8| byte.is_ascii_alphanumeric() || b"+/_-".contains(&byte);
    let lead = |byte: &&u8| b" \t>|#".contains(byte);
    let mut places = Vec::new();
    let mut from = at;
    while places.len() < most {
        let line = from - text[..from].iter().rev().take(16).take_while(lead).count();
        let end = match &text[..line] {
            [.., b'\r', b'\n'] => line - 2,
            [.., b'\n'] => line - 1,
            _ => from,
        };
        match end.checked_sub(1) {
            Some(next) if part(text[next]) => from = next,
            _ => break,
        }
        places.push(from);
    }
    places.reverse();
    // The first group may be cut.
    let cut = (places.len() + 4 - before) % 4;
    places.drain(..cut.min(places.len()));
    let mut to = at;
    for _ in 0..most {
        if !text.get(to).is_some_and(|byte| part(*byte)) {
            let end = match text.get(to..).unwrap_or_default() {
                [b'\r', b'\n', ..] => to + 2,
                [b'\n', ..] => to + 1,
                _ => break,
            };
            to = end + text[end..].iter().take(16).take_while(lead).count();
            if !text.get(to).is_some_and(|byte| part(*byte)) {
                break;
            }
        }
        places.push(to);
        to += 1;
    }
    let code: Vec<u8> = places.iter().map(|at| text[*at]).collect();
    let mut view = DecodedText::with_capacity(code.len());
    for (index, byte) in base64(&code).into_iter().enumerate() {
        view.push(byte, places[index * 8 / 6]);
    }
    let end = places.last().map_or(at, |last| last + 1);
    view.end(end)
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Returns bytes in base64 of the usual alphabet.
pub(super) fn in_base64(bytes: &[u8]) -> Vec<u8> {
    let coded = |group: &[u8]| -> [u8; 4] {
        let bits = (0..3).fold(0, |bits, at| bits << 8 | usize::from(group.get(at).copied().unwrap_or(0)));
        std::array::from_fn(|at| if at <= group.len() { ALPHABET[bits >> (18 - 6 * at) & 63] } else { b'=' })
    };
    bytes.chunks(3).flat_map(coded).collect()
}

/// Returns how a text looks inside base64, for each of the three places where it can begin: only the
/// characters that do not depend on the text around it.
pub(super) fn inside_base64(text: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    (0..3).map(move |before| {
        let bits = (before + text.len()) * 8;
        let bit = |at: usize| match at.checked_sub(before * 8) {
            Some(at) => text.get(at / 8).is_some_and(|byte| byte >> (7 - at % 8) & 1 == 1),
            None => false,
        };
        let first = (before * 8).div_ceil(6);
        (first..bits / 6)
            .map(|index| {
                let value = (0..6).fold(0, |value, at| value << 1 | usize::from(bit(index * 6 + at)));
                ALPHABET[value]
            })
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_of_a_view_is_a_span_of_the_text() {
        let text = br"a\u002db\n\/c";
        let view = unescaped(text);
        assert_eq!(view.bytes, b"a-b\n/c");
        assert_eq!(&text[view.span(&(1..3))], br"\u002db");
        assert_eq!(view.span(&(0..6)), 0..text.len());
    }

    #[test]
    fn a_long_run_of_base64_is_not_counted_to_its_ends() {
        let text = ["ab", &"x".repeat(30), "== ", &"y/".repeat(12), "=", "\n", "zz"].concat();
        for at in 0..text.len() {
            for least in [1, 2, 16, 24, 32, 40] {
                let is_long = base64_run(text.as_bytes(), at).len() >= least;
                assert_eq!(has_base64_run(text.as_bytes(), at, least), is_long, "{at} {least}");
            }
        }
    }

    #[test]
    fn colours_and_percent_signs_go() {
        let view = uncoloured(b"gh\x1b[01;31m\x1b[Kp_\x1b[mx").expect("coloured");
        assert_eq!(view.bytes, b"ghp_x");
        assert_eq!(unpercented(b"a%2Bb%zz%3d").expect("encoded").bytes, b"a+b%zz=");
        assert!(unpercented(b"100% of it").is_none());
    }

    #[test]
    fn text_inside_base64_is_known_by_the_characters_in_the_middle() {
        // `printf 'xghp_y' | base64`, and with no and two characters before.
        let forms: Vec<Vec<u8>> = inside_base64(b"ghp_").collect();
        assert_eq!(forms.len(), 3);
        assert!(b"Z2hwXw==".starts_with(&forms[0]));
        assert!(b"eGdocF95".windows(forms[1].len()).any(|window| window == forms[1]));
        assert!(b"eHhnaHBfeQ==".windows(forms[2].len()).any(|window| window == forms[2]));
        assert_eq!(base64(b"eGdocF95"), b"xghp_y");
    }
}
