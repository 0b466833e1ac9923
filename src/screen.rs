//! Text from outside, made safe to show: file names, messages and everything else that a
//! snapshot, a transcript or a remote says.
//!
//! A control character, a bidirectional override or an invisible character in such text
//! could move the cursor, hide words or lie about what is shown, so each is shown as an
//! escape and never sent. Pure. Owns `unicode-width`. The rule and its evidence: CVE-2021-42574 (bidi),
//! CVE-2024-52005 (escape sequences in relayed text).

use std::fmt::{self, Write as _};

use unicode_width::UnicodeWidthChar as _;

/// Shows foreign text on one line: unsafe characters as escapes, line ends included.
pub struct Line<'a>(pub &'a str);

/// Shows text of ours with foreign text in it: unsafe characters as escapes, but for line ends, which stay.
pub struct Lines<'a>(pub &'a str);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| write_safe(f, c))
    }
}

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| if c == '\n' { f.write_char(c) } else { write_safe(f, c) })
    }
}

fn write_safe(f: &mut fmt::Formatter<'_>, c: char) -> fmt::Result {
    match c {
        '\n' => f.write_str("\\n"),
        '\t' => f.write_str("\\t"),
        '\r' => f.write_str("\\r"),
        _ if c.is_ascii_control() => write!(f, "\\x{:02x}", u32::from(c)),
        _ if is_deceptive(c) => write!(f, "\\u{{{:x}}}", u32::from(c)),
        _ => f.write_char(c),
    }
}

/// Returns a JSON text that means the same, with everything unsafe in its strings as an escape.
pub fn json(text: &str) -> String {
    if text.is_ascii() && !text.contains('\x7f') {
        return text.to_owned();
    }
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        // Control characters below DEL can only be line ends and blanks between values.
        if c == '\x7f' || is_deceptive(c) {
            let mut units = [0; 2];
            c.encode_utf16(&mut units).iter().for_each(|unit| safe.push_str(&format!("\\u{unit:04x}")));
        } else {
            safe.push(c);
        }
    }
    safe
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

/// Appends foreign bytes with everything unsafe as an escape, but for tabs, which stay.
///
/// Plain runs are copied as they are, so this is about as fast as copying.
pub fn push_safe(out: &mut Vec<u8>, mut text: &[u8]) {
    let plain = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t');
    while !text.is_empty() {
        let run = text.iter().position(|byte| !plain(byte)).unwrap_or(text.len());
        out.extend_from_slice(&text[..run]);
        text = &text[run..];
        let run = text.iter().position(plain).unwrap_or(text.len());
        for chunk in text[..run].utf8_chunks() {
            for c in chunk.valid().chars() {
                let mut utf8 = [0; 4];
                match c {
                    '\n' => out.extend_from_slice(b"\\n"),
                    '\r' => out.extend_from_slice(b"\\r"),
                    _ if c.is_ascii_control() => out.extend(format!("\\x{:02x}", u32::from(c)).bytes()),
                    _ if is_deceptive(c) => out.extend(format!("\\u{{{:x}}}", u32::from(c)).bytes()),
                    _ => out.extend_from_slice(c.encode_utf8(&mut utf8).as_bytes()),
                }
            }
            chunk.invalid().iter().for_each(|byte| out.extend(format!("\\x{byte:02x}").bytes()));
        }
        text = &text[run..];
    }
}

/// Says whether a character is invisible, reorders text, or controls a terminal.
fn is_deceptive(c: char) -> bool {
    matches!(c,
        '\u{80}'..='\u{9f}'                                   // C1 controls
        | '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}'      // soft hyphen, marks, BOM
        | '\u{200b}'..='\u{200f}'                             // zero width, direction marks
        | '\u{2028}'..='\u{202e}'                             // separators, bidi embedding
        | '\u{2060}'..='\u{206f}'                             // invisible operators, isolates
        | '\u{fff9}'..='\u{fffb}'                             // interlinear annotation
        | '\u{e0000}'..='\u{e0fff}'                           // tags, variation selectors
    )
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
    fn json_means_the_same_and_shows_nothing_unsafe() {
        let value = serde_json::json!({"a\u{202e}": "\x1b[2J\x7f\u{9b}31m\u{e0041}é\n"});
        let shown = json(&value.to_string());
        assert_eq!(shown, r#"{"a\u202e":"\u001b[2J\u007f\u009b31m\udb40\udc41é\n"}"#);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).expect("JSON"), value);
    }

    #[test]
    fn a_cut_is_visible() {
        assert_eq!(cut("short", 10), "short");
        assert_eq!(cut("a longer text", 8), "a longe…");
        assert_eq!(cut("first\nsecond", 20), "first…");
    }
}
