//! SQL: values by the name of their column.

use std::ops::Range;

use super::{Found, Name, line_end, run, run_back};
use crate::secrets::judge::Bond;

/// The most rows.
const MOST_ROWS: usize = 500;

/// Reads `INSERT INTO t (…, name, …) VALUES (…)` and `COPY t (…, name, …) FROM stdin;`.
pub(super) fn columns(name: &Name<'_>, text: &[u8], found: &mut Found<'_>) {
    let in_list = |byte: u8| byte.is_ascii_alphanumeric() || b"_, \"`\n\r\t.".contains(&byte);
    let before = run_back(text, name.span.start, 2_000, in_list);
    let start = name.span.start - before;
    if !text[..start].ends_with(b"(") {
        return;
    }
    let end = name.span.end + run(text, name.span.end, 2_000, in_list);
    if text.get(end) != Some(&b')') {
        return;
    }
    let index = text[start..name.span.start].iter().filter(|byte| **byte == b',').count();
    let rest = &text[end + 1..];
    let skip = run(text, end + 1, 8, |byte| byte.is_ascii_whitespace());
    let after = &rest[skip..];
    if after.get(..6).is_some_and(|word| word.eq_ignore_ascii_case(b"VALUES")) {
        let mut at = end + 1 + skip + 6;
        for _ in 0..MOST_ROWS {
            at += run(text, at, 64, |byte| byte.is_ascii_whitespace() || byte == b',');
            if text.get(at) != Some(&b'(') {
                return;
            }
            let (cells, close) = tuple(text, at + 1);
            if let Some(cell) = cells.get(index) {
                name.offer(cell.clone(), Bond::Firm, found);
            }
            at = close + 1;
        }
    } else if after.get(..10).is_some_and(|words| words.eq_ignore_ascii_case(b"FROM stdin")) {
        let mut at = line_end(text, end + 1 + skip) + 1;
        for _ in 0..MOST_ROWS {
            if at >= text.len() || text[at..].starts_with(b"\\.") {
                return;
            }
            let line = at..line_end(text, at);
            let mut from = line.start;
            for (number, cell) in text[line.clone()].split(|byte| *byte == b'\t').enumerate() {
                if number == index {
                    name.offer(from..from + cell.len(), Bond::Firm, found);
                }
                from += cell.len() + 1;
            }
            at = line.end + 1;
        }
    }
}

/// Reads the values of a row, without their quotes, and where it ends.
fn tuple(text: &[u8], mut at: usize) -> (Vec<Range<usize>>, usize) {
    let mut cells = Vec::new();
    let most = text.len().min(at + 8_192);
    while at < most {
        at += run(text, at, 64, |byte| byte.is_ascii_whitespace());
        let span = match super::assigned::literal(text, at) {
            Some(inside) => {
                at = inside.end + 1;
                inside
            }
            None => {
                let length = run(text, at, most - at, |byte| !b",)".contains(&byte));
                at += length;
                at - length..at
            }
        };
        cells.push(span);
        at += run(text, at, 64, |byte| !b",)".contains(&byte));
        if text.get(at) == Some(&b')') {
            break;
        }
        at += 1;
    }
    (cells, at)
}
