//! XML and HTML: elements, attributes, and neighbouring elements that are name and value.

use std::ops::Range;

use super::{Name, OnFound, line_end, run, run_back};
use crate::secrets::judge::Closeness;

/// How long a tag may be.
const TAG: usize = 200;

/// The most bytes of a table.
const TABLE: usize = 32 << 10;

/// Reads the value of an element or attribute of this name.
pub(super) fn read(name: &Name<'_>, text: &[u8], found: &mut OnFound<'_>) {
    let Range { start, end } = name.span.clone();
    if is_heading(text, end) {
        column(name, text, found);
        return;
    }
    let before = start.checked_sub(1).map(|at| text[at]);
    let after = text.get(end);
    let space = run_back(text, start, 24, |byte| byte.is_ascii_alphanumeric() || byte == b':');
    let opens = text[..start - space].ends_with(b"<");
    match (before, after) {
        // <password …>value</password>, <wsse:Password>
        (Some(b'<' | b':'), Some(b'>' | b' ' | b'\n')) if opens => {
            if let Some(close) = find(text, end, TAG, b'>') {
                offer_text(name, text, close + 1, found);
            }
        }
        // name="password" … value="…", <string name="password">…</string>
        (Some(b'"' | b'\''), Some(b'"' | b'\'')) if text[..start - 1].ends_with(b"=") => {
            let tag = &text[end..text.len().min(end + TAG)];
            let close = memchr::memchr(b'>', tag).unwrap_or(tag.len());
            let value = memchr::memmem::find(&tag[..close], b"value=")
                .or_else(|| memchr::memmem::find(&tag[..close], b"content="));
            match value {
                Some(at) => {
                    let at = end + at + run(text, end + at, 10, |byte| byte != b'=') + 1;
                    if let Some(span) = super::assigned::literal(text, at) {
                        name.offer(span, Closeness::Firm, found);
                    }
                }
                None if close < tag.len() => offer_text(name, text, end + close + 1, found),
                None => {}
            }
        }
        // <name>password</name> <value>…</value>, <td>password</td><td>…</td>
        (_, Some(b'<')) if text[end..].starts_with(b"</") => {
            let Some(close) = find(text, end, 64, b'>') else { return };
            let open = close + 1 + run(text, close + 1, 64, |byte| byte.is_ascii_whitespace());
            if text.get(open) == Some(&b'<')
                && text.get(open + 1) != Some(&b'/')
                && let Some(close) = find(text, open, TAG, b'>')
            {
                offer_text(name, text, close + 1, found);
            }
        }
        _ => {}
    }
}

/// Whether a name that ends here is the heading of a column; escaped or not.
pub(in crate::secrets) fn is_heading(text: &[u8], end: usize) -> bool {
    [b"</th>".as_slice(), b"</TH>", b"<\\/th>"].iter().any(|close| text[end..].starts_with(close))
}

/// Reads the cells below the heading of a column.
fn column(name: &Name<'_>, text: &[u8], found: &mut OnFound<'_>) {
    let tag = |at: usize, tag: &[u8]| {
        text.get(at..at + tag.len()).is_some_and(|word| word.eq_ignore_ascii_case(tag))
    };
    let tags = |from: usize, to: usize| memchr::memchr_iter(b'<', &text[from..to]).map(move |at| from + at);
    let from = name.span.start.saturating_sub(4_096);
    let row = tags(from, name.span.start).rfind(|at| tag(*at, b"<tr")).unwrap_or(from);
    let index = tags(row, name.span.start).filter(|at| tag(*at, b"<th>") || tag(*at, b"<th ")).count();
    let mut cell = 0;
    for at in tags(name.span.end, text.len().min(name.span.end + TABLE)) {
        if tag(at, b"</table") {
            return;
        }
        if tag(at, b"<tr") {
            cell = 0;
        } else if tag(at, b"<td") {
            cell += 1;
            if cell == index
                && let Some(close) = find(text, at, TAG, b'>')
            {
                offer_text(name, text, close + 1, found);
            }
        }
    }
}

fn find(text: &[u8], at: usize, most: usize, byte: u8) -> Option<usize> {
    memchr::memchr(byte, &text[at..text.len().min(at + most)]).map(|found| at + found)
}

fn offer_text(name: &Name<'_>, text: &[u8], at: usize, found: &mut OnFound<'_>) {
    let at = at + run(text, at, 64, |byte| byte.is_ascii_whitespace());
    let end = line_end(text, at);
    let Some(close) = memchr::memchr(b'<', &text[at..end]) else { return };
    let mut value = at..at + close;
    // Jenkins writes what it has encrypted in braces.
    if text[value.clone()].starts_with(b"{") && text[value.clone()].ends_with(b"}") {
        value = value.start + 1..value.end - 1;
    }
    name.offer(value, Closeness::Firm, found);
}
