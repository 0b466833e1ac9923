//! Tables: the heading of a column says what is in it. Markdown, psql, mysql, sqlite, columns that a program
//! aligned, and values with commas, semicolons or tabs between them.

use std::ops::Range;

use super::{Name, OnFound, line_end, line_start, run, run_back, str_of};
use crate::secrets::judge::{self, Closeness};
use crate::secrets::names::{NameMeaning, meaning_of};

/// How a line below a table's headings begins or continues.
pub(in crate::secrets) const RULERS: [&str; 7] =
    ["--+--", "|--", "| --", "|:-", "-  --", "───", "---------   "];

/// The most rows, and the most bytes of a table.
const MOST_ROWS: usize = 300;
pub(in crate::secrets) const MOST_BYTES: usize = 32 << 10;

/// Headings of a column whose names are in the first one.
const VALUES: [&str; 4] = ["value", "val", "wert", "setting"];

/// Returns where a ruler ends, if the rest of its line is nothing but a ruler, escaped or not.
pub(in crate::secrets) fn ruler_end(text: &[u8], at: usize) -> Option<usize> {
    let line = &text[at..text.len().min(at + 4_096)];
    let sign = |byte: &&u8| b"-+|:= \t\r".contains(byte) || !byte.is_ascii();
    let length = line.iter().take_while(sign).count();
    matches!(line.get(length), None | Some(b'\n' | b'\\')).then_some(at + length)
}

/// Says whether the headings above a ruler name a secret; the text may still be escaped.
pub(in crate::secrets) fn may_hold(text: &[u8], ruler: usize) -> bool {
    let from = ruler.saturating_sub(600);
    let before = &text[from..ruler];
    let words = before.split(|byte| !byte.is_ascii_alphanumeric() && !b"_- ".contains(byte));
    let mut last = words.rev().map(|word| std::str::from_utf8(word).unwrap_or_default().trim()).take(60);
    last.any(|word| {
        word.len() >= 2
            && (meaning_of(word) >= NameMeaning::Token
                || VALUES.contains(&word.to_ascii_lowercase().as_str()))
    })
}

/// Reads the table whose ruler is at a place.
pub(in crate::secrets) fn ruled(text: &[u8], at: usize, found: &mut OnFound<'_>) -> Option<Range<usize>> {
    let ruler = line_start(text, at)..line_end(text, at);
    let line = str_of(text, ruler.clone());
    if ruler.start == 0 || !line.chars().all(|c| "-+|:= \t─┼├┤┬┴│╪═╞╡\r".contains(c)) {
        return None;
    }
    let header = line_start(text, ruler.start - 1)..ruler.start - 1;
    let bars = line.contains(['+', '|', '┼', '│', '╪']) || str_of(text, header.clone()).contains('|');
    let columns = if bars { Vec::new() } else { columns(line) };
    let cells =
        |line: &Range<usize>| if bars { by_bars(text, line) } else { by_columns(text, line, &columns) };
    let heads: Vec<String> = cells(&header).into_iter().map(|cell| str_of(text, cell).to_owned()).collect();
    let is_value = |head: &String| VALUES.contains(&head.to_ascii_lowercase().as_str());
    let wanted: Vec<usize> =
        (0..heads.len()).filter(|index| meaning_of(&heads[*index]) >= NameMeaning::Token).collect();
    let value = (1..heads.len()).find(|index| is_value(&heads[*index]));
    if wanted.is_empty() && value.is_none() {
        return None;
    }
    let mut at = ruler.end + 1;
    for _ in 0..MOST_ROWS {
        if at >= text.len() || at > ruler.end + MOST_BYTES {
            break;
        }
        let row = at..line_end(text, at);
        at = row.end + 1;
        let shown = str_of(text, row.clone());
        if shown.trim().is_empty() || bars && !shown.contains(['|', '│']) || shown.starts_with('(') {
            break;
        }
        let cells = cells(&row);
        for index in &wanted {
            if let Some(cell) = cells.get(*index) {
                offer(text, &heads[*index], cell.clone(), found);
            }
        }
        if let (Some(value), Some(name)) = (value, cells.first())
            && let Some(cell) = cells.get(value)
        {
            offer(text, str_of(text, name.clone()), cell.clone(), found);
        }
    }
    Some(header.start..at.min(text.len()))
}

fn offer(text: &[u8], head: &str, cell: Range<usize>, found: &mut OnFound<'_>) {
    if judge::is_secret(head, str_of(text, cell.clone()), Closeness::Firm) {
        found(cell, head);
    }
}

/// The cells of a row between bars, without blanks and marks around them.
fn by_bars(text: &[u8], row: &Range<usize>) -> Vec<Range<usize>> {
    let line = str_of(text, row.clone());
    let inner = line.trim_end().trim_end_matches(['|', '│']);
    let open = line.len() - line.trim_start().trim_start_matches(['|', '│']).len();
    let mut cells = Vec::new();
    let mut at = row.start + open;
    for cell in inner.get(open..).unwrap_or_default().split_inclusive(['|', '│']) {
        let bar = cell.chars().next_back().filter(|c| "|│".contains(*c)).map_or(0, char::len_utf8);
        cells.push(bare(text, at..at + cell.len() - bar));
        at += cell.len();
    }
    cells
}

/// Where the columns begin that a line of dashes rules.
fn columns(ruler: &str) -> Vec<usize> {
    let bytes = ruler.as_bytes();
    let starts = |at: &usize| b"-=".contains(&bytes[*at]) && (*at == 0 || bytes[*at - 1] == b' ');
    (0..bytes.len()).filter(starts).collect()
}

fn by_columns(text: &[u8], row: &Range<usize>, columns: &[usize]) -> Vec<Range<usize>> {
    let end = |index: usize| columns.get(index + 1).map_or(row.end, |next| (row.start + next).min(row.end));
    let all = columns.iter().enumerate().map(|(index, start)| (row.start + start).min(row.end)..end(index));
    all.map(|cell| bare(text, cell)).collect()
}

/// Leaves out blanks, quotes and marks around a cell.
fn bare(text: &[u8], cell: Range<usize>) -> Range<usize> {
    let around = |byte: u8| b" \t`\"'*\r".contains(&byte);
    let start = cell.start + run(text, cell.start, cell.len(), around);
    let end = cell.end.max(start);
    start..end - run_back(text, end, end - start, around)
}

/// Reads the column below a name in a line of names with commas, semicolons, bars or tabs between them; or the value
/// behind a name where a line has no more than the two.
pub(super) fn with_commas(name: &Name<'_>, text: &[u8], found: &mut OnFound<'_>) {
    let line = line_start(text, name.span.start)..line_end(text, name.span.end);
    for between in [b',', b';', b'|'] {
        if let [first, second] = split(text, &line, between)[..].as_ref()
            && first.start <= name.span.start
            && name.span.end == first.end
            && name.begins_line()
        {
            name.offer(second.clone(), Closeness::Firm, found);
        }
    }
    let Some(header) = header(text, &name.span) else { return };
    let line = header.line;
    let cells = split(text, &line, header.between);
    let Some(index) =
        cells.iter().position(|cell| cell.start <= name.span.start && name.span.end <= cell.end)
    else {
        return;
    };
    let head = str_of(text, cells[index].clone());
    if meaning_of(head) < NameMeaning::Token {
        return;
    }
    let mut at = line.end + 1;
    for _ in 0..MOST_ROWS {
        if at >= text.len() || at > line.end + MOST_BYTES {
            return;
        }
        let row = at..line_end(text, at);
        at = row.end + 1;
        let values = split(text, &row, header.between);
        if values.len() != cells.len() {
            return;
        }
        offer(text, head, values[index].clone(), found);
    }
}

/// Reads the column below a name in a line of headings that a program aligned, with no line below them.
pub(super) fn aligned(name: &Name<'_>, text: &[u8], found: &mut OnFound<'_>) {
    let line = line_start(text, name.span.start)..line_end(text, name.span.end);
    let heads = str_of(text, line.clone());
    let plain = |c: char| c.is_ascii_alphanumeric() || c == ' ' || c == '_';
    let gap = text[..name.span.start].ends_with(b"  ") || text[name.span.end..line.end].starts_with(b"  ");
    if name.meaning < NameMeaning::Token || !gap || !heads.chars().all(plain) {
        return;
    }
    let column = name.span.start - line.start;
    let mut at = line.end + 1;
    for _ in 0..MOST_ROWS {
        let row = at.min(text.len())..line_end(text, at.min(text.len()));
        at = row.end + 1;
        let cell = row.start + column;
        if cell >= row.end || column > 0 && text[cell - 1] != b' ' || text[cell] == b' ' {
            return;
        }
        let length = run(text, cell, row.end - cell, |byte| byte > b' ');
        offer(text, &name.label, cell..cell + length, found);
    }
}

/// A line of headings.
pub(in crate::secrets) struct Header {
    line: Range<usize>,
    between: u8,
}

/// Says whether a name is in a line of names with signs between them, and another line follows.
fn header(text: &[u8], name: &Range<usize>) -> Option<Header> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_ .,;|\t\"'-\r".contains(&byte);
    let back = run_back(text, name.start, 400, plain);
    let ahead = run(text, name.end, 400, plain);
    let line = name.start - back..name.end + ahead;
    let starts = line.start == 0 || text[line.start - 1] == b'\n';
    if !starts || text.get(line.end) != Some(&b'\n') || line.end + 8 > text.len() {
        return None;
    }
    let count = |sign: u8| text[line.clone()].iter().filter(|byte| **byte == sign).count();
    let between = [b'\t', b'|', b',', b';'].into_iter().max_by_key(|sign| count(*sign))?;
    let next = line.end + 1..line_end(text, line.end + 1);
    let is_full = split(text, &line, between).iter().all(|cell| !cell.is_empty());
    let same = count(between) > 0 && is_full && split(text, &next, between).len() == count(between) + 1;
    same.then_some(Header { line, between })
}

/// Says the same of a raw text, where line ends may still be escaped; roughly.
pub(in crate::secrets) fn may_head(text: &[u8], end: usize) -> bool {
    let name = end + run(text, end, 40, |byte| byte.is_ascii_alphanumeric() || b"_ ".contains(&byte));
    let sign = name + run(text, name, 1, |byte| b"\"'".contains(&byte));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_ .,;|\t\"'-\r".contains(&byte);
    match text.get(sign) {
        Some(b',' | b';' | b'|' | b'\t' | b'\n' | b'\\') => {
            let rest = sign + run(text, sign, 300, plain);
            let ends = text.get(rest) == Some(&b'\n')
                || text.get(rest..).is_some_and(|rest| rest.starts_with(b"\\n") || rest.starts_with(b"\\t"));
            let back = run_back(text, end, 300, plain);
            ends && text[end - back..rest].iter().any(|byte| b",;|\t\\".contains(byte))
        }
        _ => false,
    }
}

fn split(text: &[u8], line: &Range<usize>, between: u8) -> Vec<Range<usize>> {
    let mut cells = Vec::new();
    let (mut from, mut quoted) = (line.start, false);
    for at in line.clone() {
        if text[at] == b'"' {
            quoted = !quoted;
        } else if text[at] == between && !quoted {
            cells.push(bare(text, from..at));
            from = at + 1;
        }
    }
    cells.push(bare(text, from..line.end));
    cells
}
