//! Text from outside, made safe to show: file names, messages and everything else in a snapshot, a
//! transcript or the answer of a remote.
//!
//! A control character, a bidirectional override or an invisible character in such text could move the
//! cursor, hide words or misrepresent what is shown. So each is shown as an escape and never sent. Pure.
//! Owns `unicode-width`, and `regex-syntax` for its tables of Unicode. The rule and its evidence:
//! CVE-2021-42574 (bidi), CVE-2024-52005 (escape sequences in relayed text).

use std::fmt::{self, Write as _};
use std::sync::OnceLock;

use regex_syntax::hir::{Class, HirKind};
use unicode_width::UnicodeWidthChar as _;

/// Characters that are never sent: they are invisible, reorder text, or are not assigned. The last two
/// are symbols by the tables, and blank.
const UNSEEN: &str = r"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\p{Noncharacter_Code_Point}\x{2800}\x{1D159}]";

/// Keeps two characters apart; joins them.
const ZWNJ: char = '\u{200c}';
const ZWJ: char = '\u{200d}';

/// Characters that an emoji selector may follow.
const PICTURES: &str = r"[\p{Emoji}&&[^\x00-\x7F]]";

/// Letters of the scripts that are written with joiners, from Arabic to those of India and beyond. Between
/// them a joiner says how they are drawn, and is needed for spelling.
const JOINED: &str = r"[[\p{L}\p{M}]&&[\x{600}-\x{109F}\x{1780}-\x{18AF}\x{1900}-\x{1CFF}\x{A800}-\x{ABFF}\x{FB50}-\x{FDFF}\x{FE70}-\x{FEFF}\x{10A00}-\x{11FFF}\x{1E900}-\x{1E95F}]]";

/// Shows foreign text on one line: unsafe characters as escapes, line ends included.
pub struct Line<'a>(pub &'a str);

/// Shows text of several lines: unsafe characters as escapes, but for line ends, which stay.
pub struct Lines<'a>(pub &'a str);

/// A JSON text with everything unsafe in its strings as an escape.
pub struct Json(String);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_all(f, self.0, |f, c| write_escape(f, c))
    }
}

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_all(f, self.0, |f, c| if c == '\n' { f.write_char(c) } else { write_escape(f, c) })
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn write_all(
    f: &mut fmt::Formatter<'_>,
    text: &str,
    mut unsafe_one: impl FnMut(&mut fmt::Formatter<'_>, char) -> fmt::Result,
) -> fmt::Result {
    for (c, around) in in_context(text) {
        if is_unsafe(c, around) {
            unsafe_one(f, c)?;
        } else {
            f.write_char(c)?;
        }
    }
    Ok(())
}

fn write_escape(f: &mut dyn fmt::Write, c: char) -> fmt::Result {
    match c {
        '\n' => f.write_str("\\n"),
        '\t' => f.write_str("\\t"),
        '\r' => f.write_str("\\r"),
        _ if c.is_ascii() => write!(f, "\\x{:02x}", u32::from(c)),
        _ => write!(f, "\\u{{{:x}}}", u32::from(c)),
    }
}

/// Returns a JSON text that means the same, with everything unsafe in its strings as an escape.
pub fn json(text: &str) -> Json {
    if text.is_ascii() && !text.contains('\x7f') {
        return Json(text.to_owned());
    }
    let mut safe = String::with_capacity(text.len());
    for (c, around) in in_context(text) {
        // Control characters below DEL can only be line ends and blanks between values.
        if c >= '\x7f' && is_unsafe(c, around) {
            let mut units = [0; 2];
            c.encode_utf16(&mut units).iter().for_each(|unit| safe.push_str(&format!("\\u{unit:04x}")));
        } else {
            safe.push(c);
        }
    }
    Json(safe)
}

/// Says whether all of a text can be sent as it is.
pub fn is_safe(text: &str) -> bool {
    in_context(text).all(|(c, around)| !is_unsafe(c, around))
}

/// Returns how many columns of the screen a character takes.
pub fn width(c: char) -> usize {
    c.width().unwrap_or(0)
}

/// Returns the text on one line, cut to `width` characters with a visible mark.
pub fn cut(text: &str, width: usize) -> String {
    let first_line = text.trim().lines().next().unwrap_or_default();
    let shown = Line(first_line).to_string();
    let whole = first_line.len() == text.trim().len();
    if whole && shown.chars().count() <= width {
        return shown;
    }
    let mut short: String = shown.chars().take(width.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// Appends foreign bytes with everything unsafe as an escape, except tabs, which stay.
///
/// Plain runs are copied as they are, so this is about as fast as copying.
pub fn push_safe(out: &mut Vec<u8>, mut text: &[u8]) {
    while !text.is_empty() {
        let run = plain_run(text);
        out.extend_from_slice(&text[..run]);
        text = &text[run..];
        let run = text.iter().position(plain).unwrap_or(text.len());
        for chunk in text[..run].utf8_chunks() {
            for (c, around) in in_context(chunk.valid()) {
                let mut utf8 = [0; 4];
                if is_unsafe(c, around) {
                    let mut escape = String::new();
                    let _never_fails = write_escape(&mut escape, c);
                    out.extend_from_slice(escape.as_bytes());
                } else {
                    out.extend_from_slice(c.encode_utf8(&mut utf8).as_bytes());
                }
            }
            chunk.invalid().iter().for_each(|byte| out.extend(format!("\\x{byte:02x}").bytes()));
        }
        text = &text[run..];
    }
}

/// Says whether a byte is shown as it is, wherever it stands.
fn plain(byte: &u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t')
}

/// Returns how many bytes at the start of a text are shown as they are.
fn plain_run(text: &[u8]) -> usize {
    // All of a chunk is looked at, whatever is found in it: that takes a few instructions for all.
    let all_plain = |chunk: &&[u8]| chunk.iter().fold(true, |all, byte| all & plain(byte));
    let whole = 16 * text.chunks_exact(16).take_while(all_plain).count();
    whole + text[whole..].iter().take_while(|byte| plain(byte)).count()
}

/// How many bytes without an ASCII character a [`Sieve`] keeps back until their end is known.
const WORD: usize = 256;

/// Makes bytes safe that come in blocks, cut anywhere; line ends and tabs stay.
#[derive(Default)]
pub struct Sieve {
    /// The beginning of a character or a word whose end was not in the block.
    cut: Vec<u8>,
}

impl Sieve {
    /// Returns the next block, safe.
    pub fn next(&mut self, block: &[u8]) -> Vec<u8> {
        let mut bytes = std::mem::take(&mut self.cut);
        bytes.extend_from_slice(block);
        let is_cut = |end: &&[u8]| {
            std::str::from_utf8(end)
                .is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
        };
        let ends = (1..4).filter_map(|length| bytes.get(bytes.len().checked_sub(length)?..));
        let whole = bytes.len() - ends.into_iter().find(is_cut).map_or(0, <[u8]>::len);
        // What a joiner may be is known only with what stands around it.
        let word = bytes.iter().rev().take(WORD).take_while(|byte| !byte.is_ascii()).count();
        self.cut = bytes.split_off(if word < WORD { bytes.len() - word } else { whole });
        self.pass(&bytes)
    }

    /// Returns what is left when there are no more blocks.
    pub fn finish(&mut self) -> Vec<u8> {
        let rest = std::mem::take(&mut self.cut);
        self.pass(&rest)
    }

    fn pass(&self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            if number > 0 {
                out.push(b'\n');
            }
            push_safe(&mut out, line);
        }
        out
    }
}

/// The characters before and behind one.
#[derive(Clone, Copy)]
struct Around {
    before: Option<char>,
    after: Option<char>,
}

/// Returns each character with those around it.
fn in_context(text: &str) -> impl Iterator<Item = (char, Around)> {
    let before = std::iter::once(None).chain(text.chars().map(Some));
    let after = text.chars().skip(1).map(Some).chain(std::iter::once(None));
    text.chars().zip(before.zip(after).map(|(before, after)| Around { before, after }))
}

/// Says whether a character is not seen, reorders text, or controls a terminal, between those around it.
fn is_unsafe(c: char, around: Around) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    static TABLES: OnceLock<[Vec<(char, char)>; 3]> = OnceLock::new();
    let [unseen, pictures, joined] =
        TABLES.get_or_init(|| [ranges(UNSEEN), ranges(PICTURES), ranges(JOINED)]);
    if !is_in(unseen, c) {
        return false;
    }
    let stands_in = |table: &Vec<(char, char)>, c: Option<char>| c.is_some_and(|c| is_in(table, c));
    let Around { before, after } = around;
    match c {
        // Behind a picture these two say how it is drawn, and are no secret.
        '\u{fe0e}' | '\u{fe0f}' => !stands_in(pictures, before),
        ZWJ if stands_in(pictures, after) => !(stands_in(pictures, before) || before == Some('\u{fe0f}')),
        ZWNJ | ZWJ => !(stands_in(joined, before) && stands_in(joined, after)),
        _ => true,
    }
}

fn is_in(ranges: &[(char, char)], c: char) -> bool {
    let after = ranges.partition_point(|(first, _)| *first <= c);
    after.checked_sub(1).is_some_and(|at| c <= ranges[at].1)
}

/// Returns the characters of a class, in order. If a class can't be read, it counts as all characters:
/// escaping too much is better than too little.
fn ranges(class: &str) -> Vec<(char, char)> {
    match regex_syntax::parse(class).map(|read| read.into_kind()) {
        Ok(HirKind::Class(Class::Unicode(class))) => {
            class.ranges().iter().map(|range| (range.start(), range.end())).collect()
        }
        _ => vec![('\0', char::MAX)],
    }
}

/// Quotes a word for a POSIX shell, if it needs to be.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./=:@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Quotes a name in a command that a person may type as it stands: in double quotes, or in single ones if a shell would do something
/// with what is in it.
pub fn for_shell(name: &str) -> String {
    let shown = Line(name).to_string();
    if shown.contains(['$', '`', '\\', '!', '"']) {
        format!("'{}'", shown.replace('\'', r"'\''"))
    } else {
        format!("\"{shown}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_moves_the_cursor_or_hides_text_is_sent() {
        let text = "a\x1b[2J\u{202e}b\u{200b}\r\n\u{9b}31m\u{e0041}é";
        assert_eq!(Line(text).to_string(), "a\\x1b[2J\\u{202e}b\\u{200b}\\r\\n\\u{9b}31m\\u{e0041}é");
    }

    #[test]
    fn what_is_not_seen_is_shown_by_the_tables_of_unicode() {
        for c in "\u{ad}\u{34f}\u{61c}\u{115f}\u{1160}\u{17b4}\u{180b}\u{180e}\u{200b}\u{200d}\u{2028}\u{202e}\u{2060}\u{2066}\u{2800}\u{3164}\u{fe0f}\u{feff}\u{ffa0}\u{fff9}\u{fffe}\u{1bca0}\u{1d159}\u{1d173}\u{e0001}\u{e0100}\u{10ffff}".chars() {
            let text = format!("a{c}b");
            assert_eq!(Line(&text).to_string(), format!("a\\u{{{:x}}}b", u32::from(c)));
            assert!(!is_safe(&text) && json(&text).to_string() == format!("a{}b", utf16(c)), "{c:?}");
        }
    }

    fn utf16(c: char) -> String {
        c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect()
    }

    #[test]
    fn ordinary_text_of_any_language_is_shown_as_it_is() {
        for text in [
            "Grüße",
            "日本語　ですが",
            "한국어",
            "Привет",
            "שלום",
            "مرحبا",
            "नमस्ते",
            "e\u{301}",
            "a\u{a0}b",
            "⚠\u{fe0f} ❤\u{fe0f}",
            "🎉👍🏽",
            "│├─└",
            "نمی\u{200c}خواهم",
            "क्\u{200d}ष",
            "👨\u{200d}👩\u{200d}👧 👁\u{fe0f}\u{200d}🗨\u{fe0f} 👩🏽\u{200d}💻",
        ] {
            assert_eq!(Line(text).to_string(), text);
            assert!(is_safe(text));
        }
        // What changes nothing makes two names look the same.
        for text in ["a\u{200d}b", "é\u{200c}é", "я\u{200d}я", "ی\u{200c}", "ی\u{200c}a", "👩\u{200c}💻"]
        {
            assert!(!is_safe(text), "{text:?}");
        }
        assert_eq!(Line("a\u{fe0f}1\u{fe0f}").to_string(), "a\\u{fe0f}1\\u{fe0f}");
    }

    #[test]
    fn bytes_are_shown_by_the_same_rule_as_text() {
        let shown = |bytes: &[u8]| {
            let mut out = Vec::new();
            push_safe(&mut out, bytes);
            String::from_utf8(out).expect("UTF-8")
        };
        let text = "a\x1b[2J\u{202e}b\u{200b}\r\n\u{9b}31m\u{e0041}é\x7f";
        assert_eq!(shown(text.as_bytes()), Line(text).to_string());
        assert_eq!(shown(b"x\tx\xff\xc3(\x00"), "x\tx\\xff\\xc3(\\x00");
    }

    #[test]
    fn blocks_cut_anywhere_are_shown_by_the_same_rule() {
        let text = "a\tb\n\x1b[2Jé\u{202e}☃\u{e0041}\r\n\n日本\u{3164}a👨\u{200d}👩 ❤\u{fe0f}".as_bytes();
        let wanted = "a\tb\n\\x1b[2Jé\\u{202e}☃\\u{e0041}\\r\n\n日本\\u{3164}a👨\u{200d}👩 ❤\u{fe0f}";
        for size in 1..=text.len() {
            let mut sieve = Sieve::default();
            let mut all: Vec<u8> = text.chunks(size).flat_map(|block| sieve.next(block)).collect();
            all.extend(sieve.finish());
            assert_eq!(String::from_utf8_lossy(&all), wanted, "{size}");
        }
        let mut sieve = Sieve::default();
        let cut = [sieve.next(b"\xff\xe2\x98"), sieve.next(b"\x83\xe2\x98"), sieve.finish()].concat();
        assert_eq!(String::from_utf8_lossy(&cut), "\\xff☃\\xe2\\x98");
    }

    #[test]
    fn json_means_the_same_and_shows_nothing_unsafe() {
        let value = serde_json::json!({"a\u{202e}": "\x1b[2J\x7f\u{9b}31m\u{e0041}é\n"});
        let shown = json(&value.to_string()).to_string();
        assert_eq!(shown, r#"{"a\u202e":"\u001b[2J\u007f\u009b31m\udb40\udc41é\n"}"#);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).expect("JSON"), value);
    }

    #[test]
    fn a_cut_is_visible() {
        assert_eq!(cut("short", 10), "short");
        assert_eq!(cut("a longer text", 8), "a longe…");
        assert_eq!(cut("first\nsecond", 20), "first…");
    }

    #[test]
    fn a_shell_does_nothing_with_a_name_in_a_command() {
        assert_eq!(for_shell("port the api"), "\"port the api\"");
        assert_eq!(for_shell("$(touch x)"), "'$(touch x)'");
        assert_eq!(for_shell("a`b`'c"), r"'a`b`'\''c'");
    }

    #[test]
    fn words_are_quoted_for_a_shell_only_if_needed() {
        assert_eq!(quoted("/tmp/app-1"), "/tmp/app-1");
        assert_eq!(quoted("/tmp/my app"), "'/tmp/my app'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted("~x"), "'~x'");
    }
}
