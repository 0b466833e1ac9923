//! A name in a text, however it is spelled there: in quotes, colours, codes, another letter case or another form of Unicode.
//!
//! Pure. It rather finds too much: what is found is left out of a page.

use unicode_normalization::UnicodeNormalization as _;

use crate::secrets::without_entities;

/// Names of fewer bytes are words of their own too often: they count only beside a slash.
const SHORTEST: usize = 3;

/// How often codes are read that stand in each other, such as JSON in JSON.
const DEEPEST: usize = 4;

/// Returns a name as it is looked for in the readings of a text.
pub(super) fn folded(name: &str) -> String {
    same(&name.chars().filter(|character| !is_quote(*character)).collect::<String>())
}

/// Returns a text as it may be meant: with and without colours, each code read, quotes left out or taken for a gap.
pub(super) fn readings(text: &str) -> Vec<String> {
    let mut read = vec![text.to_owned()];
    if text.contains('\u{1b}') {
        read.push(uncoloured(text));
    }
    for _ in 0..DEEPEST {
        let last = &read[read.len() - 1];
        match decoded(last).filter(|next| next != last) {
            // A code may stand for what sets colours.
            Some(next) => read.push(uncoloured(&next)),
            None => break,
        }
    }
    let mut all: Vec<String> = Vec::new();
    for one in &read {
        all.push(same(&unquoted(one)));
        if one.contains(is_quote) {
            all.push(same(&gapped(one)));
        }
    }
    all.dedup();
    all
}

/// Says whether a reading has a name in it that is not a part of a longer word.
pub(super) fn has_name(reading: &str, name: &str) -> bool {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    !name.is_empty()
        && reading.match_indices(name).any(|(at, _)| {
            let before = reading.get(..at).and_then(|before| before.chars().next_back());
            let behind = reading.get(at + name.len()..).and_then(|behind| behind.chars().next());
            let is_stressed = (before, behind) == (Some('_'), Some('_'));
            let is_apart = is_stressed || !before.is_some_and(is_word) && !behind.is_some_and(is_word);
            is_apart && (name.len() >= SHORTEST || [before, behind].contains(&Some('/')))
        })
}

/// Returns a text to compare: all in small letters, and in one form of Unicode.
pub(super) fn same(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_lowercase() } else { text.to_lowercase().nfc().collect() }
}

fn is_quote(character: char) -> bool {
    matches!(character, '"' | '\'' | '`' | '\\')
}

/// Leaves out quotes, and the sign before a quote with codes in it (`$'…'`).
fn unquoted(text: &str) -> String {
    let mut characters = text.chars().peekable();
    let mut plain = String::with_capacity(text.len());
    while let Some(character) = characters.next() {
        let is_sign = character == '$' && characters.peek().is_some_and(|next| is_quote(*next));
        if !is_sign && !is_quote(character) {
            plain.push(character);
        }
    }
    plain
}

/// Takes quotes for gaps, as in `r"…"`, and a backslash for a slash.
fn gapped(text: &str) -> String {
    let gap = |character| match character {
        '\\' => '/',
        quote if is_quote(quote) => ' ',
        other => other,
    };
    text.chars().map(gap).collect()
}

/// Leaves out what sets colours and makes links on a terminal: `ESC [ … letter`, and `ESC ] … BEL`.
fn uncoloured(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\u{1b}') {
        plain.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let end = match rest.chars().next() {
            Some('[') => rest[1..].find(|c: char| !(' '..='?').contains(&c)).map(|end| end + 2),
            Some(']') => rest.find(['\u{7}', '\u{1b}']).map(|end| end + 1),
            _ => None,
        };
        // What has no end is text: a name may be in it.
        rest = end.and_then(|end| rest.get(end..)).unwrap_or(rest);
    }
    plain.push_str(rest);
    plain
}

/// Reads the codes of addresses (`%2F`), of programs, JSON and git (`\303`, `\xc3`, `\u00e4`, `\n`), and of HTML (`&auml;`).
fn decoded(text: &str) -> Option<String> {
    if !text.contains(['%', '\\', '&']) {
        return None;
    }
    let bytes = text.as_bytes();
    let mut made = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let rest = &bytes[at + 1..];
        let code = match byte {
            b'%' => number(rest, 2, 16).map(|(length, value)| (length, as_byte(value))),
            b'\\' => escaped(rest),
            _ => None,
        };
        match &code {
            Some((_, code)) => made.extend_from_slice(code),
            None => made.push(byte),
        }
        at += 1 + code.map_or(0, |(length, _)| length);
    }
    Some(without_entities(&String::from_utf8_lossy(&made)))
}

/// Reads what stands behind a backslash: how long that is, and what it means.
fn escaped(rest: &[u8]) -> Option<(usize, Vec<u8>)> {
    let sign = |sign: &[u8]| Some((1, sign.to_vec()));
    let code = |skipped: usize, digits: usize| {
        let (length, value) = number(&rest[skipped..], digits, 16)?;
        let first = (0xd800..0xdc00).contains(&value);
        let second = first.then(|| rest.get(skipped + length..)?.strip_prefix(b"\\u")).flatten();
        let second = second.and_then(|second| number(second, 4, 16)).map(|(_, value)| value);
        if let Some(low) = second.filter(|low| (0xdc00..0xe000).contains(low)) {
            let both = 0x10000 + ((value - 0xd800) << 10) + (low - 0xdc00);
            return Some((skipped + length + 6, as_character(both)));
        }
        Some((skipped + length, as_character(value)))
    };
    match *rest.first()? {
        b'n' => sign(b"\n"),
        b't' => sign(b"\t"),
        b'r' => sign(b"\r"),
        b'\\' => sign(b"\\"),
        b'/' => sign(b"/"),
        b'0'..=b'3' => number(rest, 3, 8).map(|(length, value)| (length, as_byte(value))),
        b'x' => number(&rest[1..], 2, 16).map(|(length, value)| (length + 1, as_byte(value))),
        b'u' if rest.get(1) == Some(&b'{') => {
            let digits = rest[2..].iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
            let (length, value) = number(&rest[2..], digits.min(6), 16)?;
            (rest.get(2 + length) == Some(&b'}')).then(|| (length + 3, as_character(value)))
        }
        b'u' => code(1, 4),
        b'U' => code(1, 8),
        _ => None,
    }
}

/// Reads a number of so many digits.
fn number(text: &[u8], digits: usize, radix: u32) -> Option<(usize, u32)> {
    let text = text.get(..digits).filter(|text| !text.is_empty() && text[0] != b'+')?;
    Some((digits, u32::from_str_radix(std::str::from_utf8(text).ok()?, radix).ok()?))
}

fn as_byte(value: u32) -> Vec<u8> {
    u8::try_from(value).into_iter().collect()
}

fn as_character(value: u32) -> Vec<u8> {
    char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER).to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_in(text: &str, name: &str) -> bool {
        let name = folded(name);
        readings(text).iter().any(|reading| has_name(reading, &name))
    }

    #[test]
    fn a_name_is_found_however_it_is_spelled() {
        for (name, texts) in [
            (
                "L\u{e4}ger.json",
                &[
                    "diff --git \"a/src/L\\303\\244ger.json\" \"b/src/L\\303\\244ger.json\"",
                    "src/L%C3%A4ger.json",
                    "src/L%25C3%25A4ger.json",
                    r#"{"path": "src/L\u00e4ger.json"}"#,
                    r#"{"in": "{\"path\": \"src/L\\u00e4ger.json\"}"}"#,
                    "L&#228;ger.json",
                    "L&#xe4;ger.json",
                    "L&auml;ger.json",
                    "'src/L'$'\\303\\244''ger.json'",
                    "b'L\\xc3\\xa4ger.json'",
                    "L\\u{e4}ger.json",
                    "La\u{308}ger.json",
                    "L\u{c4}GER.JSON",
                ][..],
            ),
            ("\u{1f600}.txt", &["\\ud83d\\ude00.txt", "\\U0001f600.txt", "\\360\\237\\230\\200.txt"]),
            ("tab\tname.txt", &["\"src/tab\\tname.txt\"", "tab%09name.txt", "'tab'$'\\t''name.txt'"]),
            ("we\"ird.txt", &["\"we\\\"ird.txt\"", "we\"ird.txt", "we&quot;ird.txt"]),
            ("back\\slash.txt", &["\"back\\\\slash.txt\"", "back\\slash.txt"]),
            (
                "plan.txt",
                &[
                    "\u{1b}[35m\u{1b}[Ksrc/plan.txt\u{1b}[m\u{1b}[K:the text",
                    "plan.\u{1b}[01;31mtxt\u{1b}[0m",
                    "\u{1b}]8;;file:///x/plan.txt\u{7}the plan\u{1b}]8;;\u{7}",
                    "\\u001b[1mplan.txt\\u001b[0m",
                    "open(r\"plan.txt\")",
                    "open(b'plan.txt')",
                    "awk -f'plan.txt'",
                    "src\\plan.txt",
                    "C:\\\\src\\\\plan.txt",
                    "one\\nplan.txt",
                    "one\\\\tplan.txt",
                    "\\u0022plan.txt\\u0022",
                    "pl''an.txt",
                    "pla\\n.txt",
                    "__plan.txt__",
                    "%252Fplan.txt",
                    "\u{1b}]0;a title without an end src\\nplan.txt",
                    "\u{1b}[1;\u{e9} one\\nplan.txt",
                ],
            ),
        ] {
            for text in texts {
                assert!(is_in(text, name), "{name} in {text}: {:?}", readings(text));
            }
        }
    }

    #[test]
    fn a_part_of_a_longer_word_is_another_name_and_no_code_ends_a_search() {
        for text in [
            "plan.txtx",
            "my_plan.txt",
            "5plan.txt",
            "airplan.txt",
            "%zz\\",
            "\\u12",
            "\\",
            "%",
            "\u{1b}",
            "\u{1b}[",
        ] {
            assert!(!is_in(text, "plan.txt"), "{text}");
        }
    }
}
