//! Objects whose name and value are apart: `{"name": "X", "value": "…"}`, in JSON, YAML and literals of code.

use std::ops::Range;

use super::{Name, OnFound, blank, run, run_back};
use crate::secrets::judge::Closeness;

/// How far from a name its value is looked for.
const NEAR: usize = 240;

/// The key of the value.
const VALUES: [&str; 9] = [
    "value",
    "Value",
    "VALUE",
    "ParameterValue",
    "val",
    "default",
    "SecretString",
    "secretString",
    "plaintext",
];

/// The key of the name.
const NAMES: [&str; 14] = [
    "name",
    "Name",
    "NAME",
    "key",
    "Key",
    "ParameterKey",
    "label",
    "id",
    "variable",
    "Variable",
    "OutputKey",
    "field",
    "title",
    "header",
];

/// Reads the value that is beside a name.
pub(super) fn read(name: &Name<'_>, text: &[u8], found: &mut OnFound<'_>) {
    let quote = run(text, name.span.end, 1, |byte| b"\"'".contains(&byte));
    let after = name.span.end + quote;
    let skipped = run(text, after, 2, |byte| b": =".contains(&byte));
    let is_object = text[after + skipped..].first() == Some(&b'{');
    let keyed = key_before(text, name.span.start);
    if !is_object && !keyed {
        // As redis-cli shows a setting: each line has a number.
        let line = after + run(text, after, 1, |byte| byte == b'\n');
        let number = line + run(text, line, 6, |byte| byte.is_ascii_digit() || b") ".contains(&byte));
        if quote == 1
            && line > after
            && text[..number].ends_with(b") ")
            && let Some(span) = super::assigned::literal(text, number)
        {
            name.offer(span, Closeness::Place, found);
        }
        // What terraform made up itself stands under another name.
        if name.label.ends_with("random_password") {
            let far = after..text.len().min(after + 1_500);
            if let Some(at) = memchr::memmem::find(&text[far], b"\"result\"") {
                offer(name, text, after + at + 8, found);
            }
        }
        return;
    }
    let end = text.len().min(after + skipped + NEAR);
    let from = after + skipped + usize::from(is_object);
    let object = from..from + text[from..end].iter().position(|byte| *byte == b'}').unwrap_or(end - from);
    if let Some(at) = value_in(text, object, keyed) {
        offer(name, text, at, found);
    } else if keyed {
        let from = name.span.start.saturating_sub(NEAR);
        let from =
            from + text[from..name.span.start].iter().rposition(|byte| *byte == b'{').map_or(0, |at| at + 1);
        if let Some(at) = value_in(text, from..name.span.start, false) {
            offer(name, text, at, found);
        }
    }
}

/// Whether a name is the value of `name:` or the like; it may be the end of a path.
fn key_before(text: &[u8], start: usize) -> bool {
    let path = run_back(text, start, 80, |byte| byte.is_ascii_alphanumeric() || b"/_-.".contains(&byte));
    let at = start - path;
    let at = at - run_back(text, at, 1, |byte| b"\"'".contains(&byte));
    let at = at - run_back(text, at, 8, blank);
    let Some(at) = at.checked_sub(1).filter(|at| b":=|".contains(&text[*at])) else { return false };
    let at = at - run_back(text, at, 8, |byte| blank(byte) || b"\"'".contains(&byte));
    let length = run_back(text, at, 24, |byte| byte.is_ascii_alphanumeric());
    let key = &text[at - length..at];
    NAMES.iter().any(|name| name.as_bytes() == key)
}

/// Returns where the value of the first key that is one of [`VALUES`] begins; behind its sign.
fn value_in(text: &[u8], object: Range<usize>, stops: bool) -> Option<usize> {
    let mut at = object.start;
    while at < object.end {
        let length = run(text, at, object.end - at, |byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if length == 0 {
            at += 1;
            continue;
        }
        let word = &text[at..at + length];
        let sign = at + length + run(text, at + length, 6, |byte| blank(byte) || b"\"'".contains(&byte));
        let is_key = text.get(sign).is_some_and(|byte| b":=|".contains(byte));
        if is_key && VALUES.iter().any(|value| value.as_bytes() == word) {
            return Some(sign);
        }
        // The next name of a list is another thing.
        if stops && is_key && NAMES[..6].iter().any(|name| name.as_bytes() == word) {
            return None;
        }
        at += length;
    }
    None
}

fn offer(name: &Name<'_>, text: &[u8], sign: usize, found: &mut OnFound<'_>) {
    let at = sign + run(text, sign, 24, |byte| blank(byte) || b":=>|".contains(&byte));
    match super::assigned::literal(text, at) {
        Some(span) if super::http::is_header(&name.label) => super::http::header(name, text, span, found),
        Some(span) => {
            name.offer(span, Closeness::Firm, found);
        }
        None => {
            let length = run(text, at, 4_096, |byte| byte > b' ' && !b",\"'".contains(&byte));
            name.offer(at..at + length, Closeness::Firm, found);
        }
    }
}
