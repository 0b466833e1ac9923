//! Headers of HTTP: authorization of any scheme, cookies.

use std::ops::Range;

use super::{Name, OnFound, blank, line_end, run};
use crate::secrets::judge::{self, Closeness};
use crate::secrets::names::NameMeaning;

/// Cookies that say nothing of who may do what.
const HARMLESS: [&str; 12] = [
    "_ga", "_gid", "_gat", "path", "domain", "expires", "max-age", "samesite", "theme", "lang", "locale",
    "version",
];

/// Says whether a name is that of a header with a secret in it.
pub(in crate::secrets) fn is_header(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.ends_with("authorization") || lower.ends_with("cookie") || lower.ends_with("cookies")
}

/// Reads the header that begins at a name.
pub(super) fn read(name: &Name<'_>, text: &[u8], found: &mut OnFound<'_>) {
    if !is_header(&name.label) {
        return;
    }
    let at = name.span.end
        + run(text, name.span.end, 3, |byte| {
            b"' \\".contains(&byte) || byte == b'"' && text[name.span.end] != b' '
        });
    let at = match text.get(at) {
        Some(b':' | b'=') => at + 1 + run(text, at + 1, 8, |byte| blank(byte) || byte == b'>'),
        Some(b',') => at + 1 + run(text, at + 1, 8, blank),
        // As git and nginx write them.
        Some(b'"') if text[name.span.end] == b' ' => at,
        _ => return,
    };
    let span = match super::assigned::literal(text, at) {
        Some(inside) => inside,
        None => {
            let end = line_end(text, at).min(at + 8_192);
            let quote = text[at..end]
                .iter()
                .position(|byte| b"'\"`".contains(byte) && !text[name.span.end..at].contains(byte));
            let inner = quote.filter(|quote| *quote > 0 && text[at + quote - 1] != b'=').unwrap_or(end - at);
            at..at + inner
        }
    };
    header(name, text, span, found);
}

/// Offers the parts of a header's value.
pub(super) fn header(name: &Name<'_>, text: &[u8], value: Range<usize>, found: &mut OnFound<'_>) {
    if name.label.to_ascii_lowercase().contains("cookie") {
        cookies(text, value, found);
        return;
    }
    let mut at = value.start;
    for part in text[value.clone()].split(|byte| b" ,;=\"'".contains(byte)) {
        let mut span = at..at + part.len();
        at += part.len() + 1;
        // The filling of base64 belongs to it.
        span.end += run(text, span.end, 2, |byte| byte == b'=').min(value.end.saturating_sub(span.end));
        offer(text, span, Closeness::Firm, "Authorization", found);
    }
}

/// Offers the values of cookies.
pub(super) fn cookies(text: &[u8], value: Range<usize>, found: &mut OnFound<'_>) {
    let mut at = value.start;
    for part in text[value].split(|byte| *byte == b';') {
        let skip = run(part, 0, 8, blank);
        let sign = memchr::memchr(b'=', part);
        if let Some(sign) = sign.filter(|sign| *sign > skip) {
            let name = String::from_utf8_lossy(&part[skip..sign]).into_owned();
            let lower = name.to_ascii_lowercase();
            if !HARMLESS.iter().any(|harmless| lower == *harmless || lower.starts_with("_ga")) {
                offer(text, at + sign + 1..at + part.len(), Closeness::Firm, &name, found);
            }
        }
        at += part.len() + 1;
    }
}

fn offer(text: &[u8], span: Range<usize>, bond: Closeness, name: &str, found: &mut OnFound<'_>) {
    let Ok(value) = std::str::from_utf8(&text[span.clone()]) else { return };
    if judge::is_secret_under(NameMeaning::Token, "token", value, bond) {
        found(span, name);
    }
}
