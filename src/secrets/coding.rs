//! How the value of a variable stands in a file: as it is, or in a code. Elsewhere, the variable of that name holds the value
//! alone. Only a code that can be made again to the byte is filled in from it.

use super::{entities, views};

/// How a value stands in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// As it is.
    Plain,
    /// In UTF-16, the low byte first.
    Utf16Little,
    /// In UTF-16, the high byte first.
    Utf16Big,
    /// In base64. It is not known what would be written at the end of a value that is longer or shorter by a byte.
    Base64,
    /// In base64 that ends with `=`.
    PaddedBase64,
    /// In a way that can't be made again from the value.
    Other,
}

const WORDS: [(Coding, &str); 5] = [
    (Coding::Utf16Little, "utf-16le"),
    (Coding::Utf16Big, "utf-16be"),
    (Coding::Base64, "base64"),
    (Coding::PaddedBase64, "base64-padded"),
    (Coding::Other, "other"),
];

impl Coding {
    /// Tells how a value stands there, if it is known.
    pub fn of(value: Option<&str>, written: &[u8]) -> Coding {
        let Some(value) = value.map(str::as_bytes) else { return Coding::Other };
        let all =
            [Coding::Plain, Coding::Utf16Little, Coding::Utf16Big, Coding::Base64, Coding::PaddedBase64];
        let is_it = |coding: &Coding| coding.write(value).is_some_and(|made| made == written);
        all.into_iter().find(is_it).unwrap_or(Coding::Other)
    }

    /// Returns its word in a manifest; `None` for what is as it is.
    pub fn word(self) -> Option<&'static str> {
        WORDS.iter().find(|(coding, _)| *coding == self).map(|(_, word)| *word)
    }

    /// Returns the one of this word; one that a later version has can't be made here.
    pub fn named(word: &str) -> Coding {
        WORDS.iter().find(|(_, one)| *one == word).map_or(Coding::Other, |(coding, _)| *coding)
    }

    /// Writes a value in this way; `None` where it is not sure what that gives.
    pub fn write(self, value: &[u8]) -> Option<Vec<u8>> {
        let units = || std::str::from_utf8(value).ok().map(str::encode_utf16);
        match self {
            Coding::Plain => Some(value.to_vec()),
            Coding::Utf16Little => Some(units()?.flat_map(u16::to_le_bytes).collect()),
            Coding::Utf16Big => Some(units()?.flat_map(u16::to_be_bytes).collect()),
            // There are two alphabets, which differ in two signs.
            Coding::Base64 | Coding::PaddedBase64 => Some(views::in_base64(value))
                .filter(|code| self == Coding::PaddedBase64 || !code.ends_with(b"="))
                .filter(|code| !code.iter().any(|byte| b"+/".contains(byte))),
            Coding::Other => None,
        }
    }
}

/// Returns what was found as the value of a variable; `None` if it may be one with escapes, or in a code.
pub(super) fn itself(found: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(found).ok()?;
    let is_doubled = |sign: &str| text.contains(sign);
    let is_escaped = found.iter().any(|byte| matches!(byte, b'\\' | b'\r' | 0x1b))
        || ["''", "\"\"", "$$", "%%"].into_iter().any(is_doubled)
        || views::unpercented(found).is_some()
        || entities::without_entities(text) != text
        || is_quoted_printable(found)
        || has_leads(found);
    (!is_escaped && !is_code_of_text(found)).then(|| text.to_owned())
}

/// `=3D`, and the `=` at the end of a line that goes on.
fn is_quoted_printable(text: &[u8]) -> bool {
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'A'..=b'F');
    memchr::memchr_iter(b'=', text).any(|at| match text.get(at + 1..).unwrap_or_default() {
        [b'\n', ..] => at + 2 < text.len() && !text[at + 2..].starts_with(b"-"),
        [high, low, ..] => is_digit(high) && is_digit(low),
        _ => false,
    })
}

/// Says whether further lines begin with an indent or a sign.
fn has_leads(text: &[u8]) -> bool {
    let mut lines = text.split(|byte| *byte == b'\n').skip(1).filter(|line| !line.is_empty());
    lines.any(|line| {
        let begins =
            line[0].is_ascii_alphanumeric() || line.starts_with(b"-----") || b"+/".contains(&line[0]);
        !begins || line.starts_with(b"+-----") || line.starts_with(b"------")
    })
}

/// Says whether something is base64 or hexadecimal, and what it stands for a text.
fn is_code_of_text(found: &[u8]) -> bool {
    let is_plain = |one: char| !one.is_control() || "\0\n\r\t".contains(one);
    let is_text = |bytes: &[u8]| {
        bytes.len() >= 4 && std::str::from_utf8(bytes).is_ok_and(|text| text.chars().all(is_plain))
    };
    let digits: Option<Vec<u8>> = found
        .iter()
        .map(|byte| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let of_hex = digits.map(|digits| {
        digits.as_chunks::<2>().0.iter().map(|[high, low]| high * 16 + low).collect::<Vec<u8>>()
    });
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=_-".contains(byte);
    found.iter().all(part) && is_text(&views::base64(found)) || of_hex.is_some_and(|bytes| is_text(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_known_again_and_made_for_another_value() {
        let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        for (value, written, coding, other, made) in [
            ("q8Zr2", b"q8Zr2".to_vec(), Coding::Plain, "w", Some(b"w".to_vec())),
            ("q8\u{e9}", utf16("q8\u{e9}"), Coding::Utf16Little, "\u{1f600}", Some(utf16("\u{1f600}"))),
            ("q8Zr2L", b"cThacjJM".to_vec(), Coding::Base64, "q8Zr2", None),
            ("q8Zr2L", b"cThacjJM".to_vec(), Coding::Base64, "abc", Some(b"YWJj".to_vec())),
            ("q8Zr2L", b"cThacjJM".to_vec(), Coding::Base64, "ab?", None),
            ("q8Zr2", b"cThacjI=".to_vec(), Coding::PaddedBase64, "abcd", Some(b"YWJjZA==".to_vec())),
            ("q8Zr2", b"cThacjI".to_vec(), Coding::Other, "q8Zr2", None),
            ("q8Zr2", b"q8%5Ar2".to_vec(), Coding::Other, "q8Zr2", None),
        ] {
            let found = Coding::of(Some(value), &written);
            assert_eq!(found, coding, "{value}");
            assert_eq!(found.word().map_or(Coding::Plain, Coding::named), coding, "{value}");
            assert_eq!(found.write(other.as_bytes()), made, "{value} {other}");
        }
        assert_eq!(Coding::of(None, b"q8Zr2"), Coding::Other);
        assert_eq!(Coding::named("rot13"), Coding::Other);
    }

    #[test]
    fn what_may_be_a_code_of_something_else_is_not_taken_for_the_value() {
        for fine in ["q8Zr2LkPw7XvTn4B", "a+b/c==", "9f86d081884c7d659a2feaa0c55ad015", "x=1&y", "a%zz"] {
            assert_eq!(itself(fine.as_bytes()).as_deref(), Some(fine));
        }
        for odd in [
            "a%2Bb",
            "a\\u002bb",
            "a&amp;b",
            "it''s",
            "a$$b",
            "a=3Db",
            "cThacjJMa1B3Nw==",
            "713855723261",
            "a\n  b",
        ] {
            assert_eq!(itself(odd.as_bytes()), None, "{odd}");
        }
    }
}
