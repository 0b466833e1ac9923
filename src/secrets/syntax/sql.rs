//! SQL: values by the name of their column.

use std::ops::Range;

use super::{Name, OnFound, line_end, run, run_back, str_of};
use crate::secrets::judge::{self, Closeness};
use crate::secrets::names::{NameMeaning, meaning_of};

/// The most rows.
const MOST_ROWS: usize = 500;

/// Reads `INSERT INTO t (…, name, …) VALUES (…)` and `COPY t (…, name, …) FROM stdin;`.
pub(super) fn columns(name: &Name<'_>, text: &[u8], found: &mut OnFound<'_>) {
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
                name.offer(cell.clone(), Closeness::Firm, found);
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
                    name.offer(from..from + cell.len(), Closeness::Firm, found);
                }
                from += cell.len() + 1;
            }
            at = line.end + 1;
        }
    }
}

/// How far behind the columns of a table its rows are looked for.
pub(in crate::secrets) const MOST_BYTES: usize = 64 << 10;

/// How long the columns of a table may be.
const MOST_COLUMNS: usize = 8 << 10;

/// Says whether a table may have a column of secrets, and rows follow; in a text that may still be escaped.
pub(in crate::secrets) fn may_hold(text: &[u8], at: usize) -> bool {
    let most = text.len().min(at + MOST_COLUMNS);
    let words = text[at..most].split(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
    let mut words = words.filter(|word| word.len() >= 3).take(400);
    let telling =
        words.any(|word| std::str::from_utf8(word).is_ok_and(|word| meaning_of(word) >= NameMeaning::Token));
    let rows = &text[at..text.len().min(at + MOST_BYTES)];
    telling
        && [b"INSERT INTO".as_slice(), b"insert into"]
            .iter()
            .any(|word| memchr::memmem::find(rows, word).is_some())
}

/// Reads the rows that are put into a table without the names of its columns, as they stand where it is made.
pub(in crate::secrets) fn created(text: &[u8], at: usize, found: &mut OnFound<'_>) {
    let quoted = |byte: u8| byte.is_ascii_alphanumeric() || b"_.\"`[]".contains(&byte);
    let skip = if text[at..].get(..14).is_some_and(|words| words.eq_ignore_ascii_case(b"IF NOT EXISTS ")) {
        14
    } else {
        0
    };
    let name = at + skip..at + skip + run(text, at + skip, 120, quoted);
    let open = name.end + run(text, name.end, 8, |byte| byte.is_ascii_whitespace());
    if text.get(open) != Some(&b'(') {
        return;
    }
    let (columns, end) = columns_of(text, open + 1);
    let wanted: Vec<(usize, &str)> = columns
        .iter()
        .enumerate()
        .filter(|(_, name)| meaning_of(name) >= NameMeaning::Token)
        .map(|(at, name)| (at, *name))
        .collect();
    if wanted.is_empty() {
        return;
    }
    let table = bare(str_of(text, name));
    let most = text.len().min(end + MOST_BYTES);
    let mut at = end;
    while let Some(next) = text.get(at..most).and_then(|rest| {
        memchr::memmem::find(rest, b"INSERT INTO").or_else(|| memchr::memmem::find(rest, b"insert into"))
    }) {
        at += next + 12;
        let length = run(text, at, 120, quoted);
        let same = bare(str_of(text, at..at + length)) == table;
        at += length;
        at += run(text, at, 8, |byte| byte.is_ascii_whitespace());
        if !same || !text.get(at..at + 6).is_some_and(|word| word.eq_ignore_ascii_case(b"VALUES")) {
            continue;
        }
        at += 6;
        for _ in 0..MOST_ROWS {
            at += run(text, at, 64, |byte| byte.is_ascii_whitespace() || byte == b',');
            if text.get(at) != Some(&b'(') {
                break;
            }
            let (cells, close) = tuple(text, at + 1);
            for (index, name) in &wanted {
                if let Some(cell) = cells.get(*index)
                    && judge::is_secret(name, str_of(text, cell.clone()), Closeness::Firm)
                {
                    found(cell.clone(), name);
                }
            }
            at = close + 1;
        }
    }
}

/// The last part of a name, without its quotes.
fn bare(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or_default().trim_matches(['"', '`', '[', ']'])
}

/// Returns the names of a table's columns, and where they end.
fn columns_of(text: &[u8], from: usize) -> (Vec<&str>, usize) {
    let most = text.len().min(from + MOST_COLUMNS);
    let (mut names, mut depth, mut at, mut begins) = (Vec::new(), 0_usize, from, true);
    while at < most {
        match text[at] {
            b'(' => depth += 1,
            b')' if depth == 0 => break,
            b')' => depth -= 1,
            b',' if depth == 0 => begins = true,
            byte if begins && !byte.is_ascii_whitespace() => {
                let length =
                    run(text, at, 80, |byte| byte.is_ascii_alphanumeric() || b"_\"`[]".contains(&byte));
                names.push(bare(str_of(text, at..at + length)));
                at += length.max(1) - 1;
                begins = false;
            }
            _ => {}
        }
        at += 1;
    }
    (names, at)
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
