//! Conversions between what git compares and what is on the disk, undone and redone by a rule.
//!
//! A rule is found by trying, and accepted only if it gives back every byte. So it does not matter which
//! attributes were in force. `git/clean_filter.rs` has git's own decision about line ends. Pure.

use serde::{Deserialize, Serialize};

/// How what git compares (UTF-8 with `\n`, mostly) becomes what is on the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub struct Recipe {
    /// Every line ends in `\r\n`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub crlf: bool,
    /// The encoding, if it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// A byte order mark comes first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bom: bool,
}

/// An encoding in which each text is written in one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Encoding {
    /// UTF-16, the low byte first.
    #[serde(rename = "utf-16le")]
    Utf16Le,
    /// UTF-16, the high byte first.
    #[serde(rename = "utf-16be")]
    Utf16Be,
}

impl Recipe {
    /// Finds the rule that makes `raw` of `clean`; `None` if there is none.
    pub fn find(clean: &[u8], raw: &[u8]) -> Option<Recipe> {
        let encoding = match raw {
            [0xFF, 0xFE, ..] => vec![(Some(Encoding::Utf16Le), true)],
            [0xFE, 0xFF, ..] => vec![(Some(Encoding::Utf16Be), true)],
            _ if raw.contains(&0) => {
                vec![(Some(Encoding::Utf16Le), false), (Some(Encoding::Utf16Be), false)]
            }
            _ => vec![(None, false)],
        };
        let all = encoding
            .into_iter()
            .flat_map(|(encoding, bom)| [false, true].map(|crlf| Recipe { crlf, encoding, bom }));
        let mut fitting = all.filter(|recipe| recipe.apply(clean).is_some_and(|made| made == raw));
        fitting.next()
    }

    /// Makes what is on the disk; `None` if this is no text in the encoding.
    pub fn apply(&self, clean: &[u8]) -> Option<Vec<u8>> {
        let lines = if self.crlf { with_crlf(clean) } else { clean.to_vec() };
        let Some(encoding) = self.encoding else { return Some(lines) };
        let text = std::str::from_utf8(&lines).ok()?;
        let mark = self.bom.then_some('\u{FEFF}');
        let mut units = [0; 2];
        let mut raw = Vec::with_capacity(2 * lines.len() + 2);
        for letter in mark.into_iter().chain(text.chars()) {
            for unit in letter.encode_utf16(&mut units) {
                raw.extend_from_slice(&match encoding {
                    Encoding::Utf16Le => unit.to_le_bytes(),
                    Encoding::Utf16Be => unit.to_be_bytes(),
                });
            }
        }
        Some(raw)
    }
}

fn with_crlf(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 16);
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(line) => {
                out.extend_from_slice(line);
                out.extend_from_slice(b"\r\n");
            }
            None => out.extend_from_slice(line),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_encodings_and_byte_order_marks_are_found_and_exact() {
        let clean = "eins\nzwei ä\n\u{1F600}";
        let crlf = clean.replace('\n', "\r\n");
        let utf16 = |text: &str, mark: &str, big: bool| -> Vec<u8> {
            let text = format!("{mark}{text}");
            text.encode_utf16()
                .flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() })
                .collect()
        };
        let bom = "\u{FEFF}";
        let cases = [
            (crlf.clone().into_bytes(), (true, None, false)),
            (utf16(clean, "", false), (false, Some(Encoding::Utf16Le), false)),
            (utf16(clean, bom, false), (false, Some(Encoding::Utf16Le), true)),
            (utf16(&crlf, bom, true), (true, Some(Encoding::Utf16Be), true)),
            (utf16(&crlf, "", true), (true, Some(Encoding::Utf16Be), false)),
        ];
        for (raw, (crlf, encoding, bom)) in cases {
            let recipe = Recipe { crlf, encoding, bom };
            assert_eq!(Recipe::find(clean.as_bytes(), &raw), Some(recipe));
            assert_eq!(recipe.apply(clean.as_bytes()), Some(raw));
        }
    }

    #[test]
    fn what_no_rule_makes_has_none() {
        for (clean, raw) in [
            (&b"a\nb\n"[..], &b"a\r\nb\n"[..]),
            (b"a\n", b"b\r\n"),
            (b"\xff\n", b"\xff\xfe\n\0"),
            (b"a", b"\0"),
        ] {
            assert_eq!(Recipe::find(clean, raw), None, "{}", raw.escape_ascii());
        }
    }
}
