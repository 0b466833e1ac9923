//! From records to rows of the screen: in one column or two, folded by width or cut, around any place,
//! without knowing how many rows there are in all.
//!
//! An item is shown as one unit: a record, or in two columns an old line with its new one. A place is an
//! item and a row of it. So moving by rows looks only at the items nearby.

use std::io;
use std::ops::Range;

use super::diff_blocks::{DiffLine, What};
use super::document::{Document, Pattern};
use crate::base::columns::wrapped;
use crate::base::screen::width as width_of;
use crate::diff::changed_words;

/// Words are compared in changes of at most this many lines a side.
const MOST_PAIRS: u16 = 64;

/// How many columns there are from one tab stop to the next.
const TAB: usize = 4;

/// Before each further row of a line of a conversation.
const HANGING: &str = "  ";

/// Longer lines of text are hard to read.
const WIDEST_TEXT: usize = 98;

/// Moving by rows looks at no more than this many of them.
const FARTHEST: usize = 4_096;

/// How rows are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) width: usize,
    /// Whether the versions are beside each other.
    pub(super) columns: bool,
    /// Whether long lines continue in the next row.
    pub(super) wrap: bool,
    /// Whether only the heads of hunks are shown.
    pub(super) folded: bool,
    /// How far lines that are not wrapped are moved to the left.
    pub(super) skip: usize,
}

/// A row of the diff: a record and which of its rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RowPosition {
    pub(super) record: u64,
    pub(super) row: usize,
}

/// What a piece of text is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tone {
    pub(super) what: What,
    /// A line number or another part of the frame.
    pub(super) frame: bool,
    /// The same elsewhere.
    pub(super) moved: bool,
    /// A word that changed.
    pub(super) word: bool,
    /// White space at the end of an added line.
    pub(super) stray: bool,
    /// What was searched for.
    pub(super) found: bool,
}

/// Text of one tone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) text: String,
    pub(super) tone: Tone,
}

/// One row of the screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ViewRow {
    pub(super) place: RowPosition,
    pub(super) left: Vec<Run>,
    pub(super) right: Vec<Run>,
}

/// A line about to be shown.
struct Cell {
    record: DiffLine,
    text: String,
    words: Vec<Range<usize>>,
}

/// Makes rows of a document.
pub(super) struct Rows<'d> {
    pub(super) document: &'d mut Document,
    pub(super) layout: Layout,
    pub(super) pattern: Option<&'d Pattern>,
}

impl Rows<'_> {
    /// Returns the rows from a place on.
    pub(super) fn from(&mut self, place: RowPosition, height: usize) -> io::Result<Vec<ViewRow>> {
        let mut rows = Vec::with_capacity(height);
        let mut next = self.item_at(place.record)?;
        let mut skipped = place.row;
        while let Some(record) = next.filter(|_| rows.len() < height) {
            let made = self.item(record)?;
            rows.extend(made.into_iter().skip(std::mem::take(&mut skipped)));
            next = self.after(record)?;
        }
        rows.truncate(height);
        Ok(rows)
    }

    /// Returns the place so many rows further down, or up; at most the first or last row.
    pub(super) fn moved(&mut self, place: RowPosition, by: isize) -> io::Result<RowPosition> {
        let Some(record) = self.item_at(place.record)? else { return Ok(RowPosition::default()) };
        let mut at = RowPosition { record, row: place.row };
        let mut left = by.unsigned_abs().min(FARTHEST);
        while left > 0 {
            if by > 0 {
                let below = self.item(at.record)?.len().saturating_sub(at.row + 1);
                if left <= below {
                    at.row += left;
                    break;
                }
                match self.after(at.record)? {
                    Some(next) => at = RowPosition { record: next, row: 0 },
                    None => return Ok(RowPosition { row: at.row + below, ..at }),
                }
                left -= below + 1;
            } else {
                if left <= at.row {
                    at.row -= left;
                    break;
                }
                left -= at.row + 1;
                match self.before(at.record)? {
                    Some(previous) => {
                        at = RowPosition {
                            record: previous,
                            row: self.item(previous)?.len().saturating_sub(1),
                        }
                    }
                    None => return Ok(RowPosition { row: 0, ..at }),
                }
            }
        }
        Ok(at)
    }

    /// Returns the topmost place from which the end is still at the bottom of the screen.
    pub(super) fn last_page(&mut self, height: usize) -> io::Result<RowPosition> {
        let end = self.document.len().saturating_sub(1);
        let Some(last) = self.item_at(end)? else { return Ok(RowPosition::default()) };
        let row = self.item(last)?.len().saturating_sub(1);
        self.moved(RowPosition { record: last, row }, 1 - height.min(FARTHEST) as isize)
    }

    /// Returns the item that a record is shown in.
    pub(super) fn item_at(&mut self, record: u64) -> io::Result<Option<u64>> {
        let record = record.min(self.document.len().saturating_sub(1));
        if self.layout.folded {
            let hunk = self.document.hunk_of(record).map(|hunk| self.document.hunks()[hunk].record);
            return Ok(hunk.or_else(|| (self.document.len() > 0).then_some(0)));
        }
        let found = self.document.record(record)?;
        Ok(found.map(|found| if self.layout.columns { row_of(record, &found) } else { record }))
    }

    fn after(&mut self, record: u64) -> io::Result<Option<u64>> {
        let len = self.document.len();
        if self.layout.folded {
            let next = self.document.hunk_of(record).map_or(0, |hunk| hunk + 1);
            return Ok(self.document.hunks().get(next).map(|hunk| hunk.record));
        }
        let Some(found) = self.document.record(record)? else { return Ok(None) };
        let next = match change(&found) {
            Some((at, removed, added)) if self.layout.columns => {
                let start = record - at;
                let row = if at < removed { at } else { at - removed } + 1;
                match () {
                    () if row < removed => start + row,
                    () if row < added => start + removed + row,
                    () => start + removed + added,
                }
            }
            _ => record + 1,
        };
        Ok((next < len).then_some(next))
    }

    fn before(&mut self, record: u64) -> io::Result<Option<u64>> {
        if self.layout.folded {
            let hunk = self.document.hunk_of(record).and_then(|hunk| hunk.checked_sub(1));
            return Ok(hunk.map(|hunk| self.document.hunks()[hunk].record));
        }
        let found = self.document.record(record)?;
        let change = found.as_ref().and_then(change).filter(|_| self.layout.columns);
        match change {
            Some((at, removed, _)) if (if at < removed { at } else { at - removed }) > 0 => {
                // The row above it: an old line as long as there are any.
                let (start, row) = (record - at, if at < removed { at } else { at - removed } - 1);
                Ok(Some(if row < removed { start + row } else { start + removed + row }))
            }
            Some((at, ..)) => self.last_row_before(record - at),
            None if self.layout.columns => self.last_row_before(record),
            None => Ok(record.checked_sub(1)),
        }
    }

    /// Returns the item that ends just before a record.
    fn last_row_before(&mut self, record: u64) -> io::Result<Option<u64>> {
        let Some(last) = record.checked_sub(1) else { return Ok(None) };
        let found = self.document.record(last)?;
        Ok(match found.as_ref().and_then(change) {
            Some((at, removed, added)) => {
                let (start, row) = (last - at, removed.max(added).saturating_sub(1));
                Some(if row < removed { start + row } else { start + removed + row })
            }
            None => Some(last),
        })
    }

    /// Makes the rows of an item.
    fn item(&mut self, number: u64) -> io::Result<Vec<ViewRow>> {
        let Some(record) = self.document.record(number)? else { return Ok(Vec::new()) };
        let place = |row| RowPosition { record: number, row };
        let one = |left: Vec<Vec<Run>>| -> Vec<ViewRow> {
            let rows = left.into_iter().enumerate();
            rows.map(|(row, left)| ViewRow { place: place(row), left, right: Vec::new() }).collect()
        };
        match record.what {
            What::Hunk => return Ok(one(vec![self.head(number, &record)?])),
            What::Note => {
                let text = self.text(number)?;
                let tone = Tone { what: What::Note, ..Tone::default() };
                return Ok(one(vec![vec![Run { text, tone }]]));
            }
            What::Prompt | What::Asked | What::Said | What::Call => {
                let (text, tone) = (self.text(number)?, Tone { what: record.what, ..Tone::default() });
                return Ok(one(self.paragraph(&text, tone)));
            }
            What::Context | What::Removed | What::Added => {}
        }
        let (old, new) = match change(&record) {
            None => (Some(number), Some(number)),
            Some((at, removed, added)) => {
                let (start, row) = (number - at, if at < removed { at } else { at - removed });
                ((row < removed).then_some(start + row), (row < added).then_some(start + removed + row))
            }
        };
        let compared = record.removed == record.added && record.removed <= MOST_PAIRS;
        let pair = old.zip(new).filter(|(old, new)| compared && old != new);
        let (mut old_words, mut new_words) = (Vec::new(), Vec::new());
        if let Some((old, new)) = pair {
            let (a, b) = (self.text(old)?, self.text(new)?);
            let spans = changed_words(a.as_bytes(), b.as_bytes()).unwrap_or_default();
            (old_words, new_words) = spans.into_iter().unzip();
        }
        let in_columns = self.layout.columns;
        let mut cell = |number: Option<u64>, words: Vec<Range<usize>>| -> io::Result<Option<Cell>> {
            let Some(number) = number else { return Ok(None) };
            let Some(record) = self.document.record(number)? else { return Ok(None) };
            Ok(Some(Cell { record, text: self.text(number)?, words }))
        };
        if !in_columns {
            let words = if record.what == What::Removed { old_words } else { new_words };
            let cell = cell(Some(number), words)?;
            let digits = self.digits();
            return Ok(one(cell
                .map(|cell| self.fold(&cell, digits * 2 + 1, self.layout.width, true))
                .unwrap_or_default()));
        }
        let (left, right) = (cell(old, old_words)?, cell(new, new_words)?);
        let (digits, width) = (self.digits(), self.half());
        let folded = |cell: Option<Cell>, old: bool| {
            let numbered = |mut cell: Cell| {
                // A line that both have has a number on each side.
                *(if old { &mut cell.record.new } else { &mut cell.record.old }) = 0;
                cell
            };
            cell.map(|cell| self.fold(&numbered(cell), digits, width, false)).unwrap_or_default()
        };
        let (mut left, mut right) = (folded(left, true), folded(right, false));
        let height = left.len().max(right.len());
        left.resize(height, Vec::new());
        right.resize(height, Vec::new());
        let rows = left.into_iter().zip(right).enumerate();
        Ok(rows.map(|(row, (left, right))| ViewRow { place: place(row), left, right }).collect())
    }

    /// Folds a line of a conversation between words, or cuts it.
    fn paragraph(&self, text: &str, tone: Tone) -> Vec<Vec<Run>> {
        let width = self.layout.width;
        if !self.layout.wrap {
            let text = text.chars().skip(self.layout.skip).collect();
            return vec![vec![Run { text, tone }]];
        }
        let parts = wrapped(text, width.saturating_sub(HANGING.len()).clamp(1, WIDEST_TEXT));
        let indented = |(number, part): (usize, String)| {
            let before = if number > 0 { HANGING } else { "" };
            vec![Run { text: format!("{before}{part}"), tone }]
        };
        parts.into_iter().enumerate().map(indented).collect()
    }

    /// Returns how wide each of two columns is; a bar is between them.
    pub(super) fn half(&self) -> usize {
        self.layout.width.saturating_sub(1) / 2
    }

    fn digits(&self) -> usize {
        self.document.widest().to_string().len().max(4)
    }

    fn text(&mut self, number: u64) -> io::Result<String> {
        let found = self.document.find(number)?;
        Ok(found.map(|(block, place)| block.text(&block.records[place]).to_owned()).unwrap_or_default())
    }

    fn head(&mut self, number: u64, record: &DiffLine) -> io::Result<Vec<Run>> {
        let heading = self.text(number)?;
        let tone = Tone { what: What::Hunk, ..Tone::default() };
        let mut runs = vec![Run { text: format!("@@ -{} +{} @@", record.old, record.new), tone }];
        if self.layout.folded
            && let Some(hunk) = self.document.hunk_of(number).map(|hunk| self.document.hunks()[hunk])
        {
            for (sign, count, what) in [('+', hunk.added, What::Added), ('-', hunk.removed, What::Removed)] {
                runs.push(Run { text: format!(" {sign}{count}"), tone: Tone { what, ..Tone::default() } });
            }
        }
        runs.push(Run { text: format!(" {heading}"), tone: Tone { what: What::Context, ..Tone::default() } });
        Ok(runs)
    }

    /// Folds a line into rows, or cuts it, behind its number and sign.
    fn fold(&self, cell: &Cell, digits: usize, width: usize, both: bool) -> Vec<Vec<Run>> {
        let record = &cell.record;
        let shown = |number: u64| if number == 0 { String::new() } else { number.to_string() };
        let one = if both { (digits - 1) / 2 } else { digits };
        let number = if both {
            format!("{:>one$} {:>one$} ", shown(record.old), shown(record.new))
        } else {
            format!("{:>one$} ", shown(record.old.max(record.new)))
        };
        let sign = match record.what {
            What::Removed => "-",
            What::Added => "+",
            _ => " ",
        };
        let plain = Tone { what: record.what, moved: record.moved, ..Tone::default() };
        let frame = Tone { frame: true, ..plain };
        let room = width.saturating_sub(digits + 2).max(4);
        let mut pen =
            Pen { rows: Vec::new(), runs: Vec::new(), used: 0, room, layout: self.layout, passed: 0 };
        if record.cut.0 > 0 {
            pen.text(&format!("[{} bytes] …", record.cut.0), frame);
        }
        let found = self.pattern.map(|pattern| pattern.places(&cell.text)).unwrap_or_default();
        let stray = match record.what {
            What::Added if record.cut.1 == 0 => cell.text.trim_end_matches([' ', '\t']).len(),
            _ => cell.text.len(),
        };
        let within = |ranges: &[Range<usize>], at: usize| {
            let next = ranges.partition_point(|range| range.end <= at);
            ranges.get(next).is_some_and(|range| range.start <= at)
        };
        for (at, c) in cell.text.char_indices() {
            let tone = Tone {
                word: within(&cell.words, at),
                found: within(&found, at),
                stray: at >= stray,
                ..plain
            };
            pen.char(c, tone);
        }
        if record.cut.1 > 0 {
            pen.text(&format!("… [{} bytes]", record.cut.1), frame);
        }
        if record.open_end {
            pen.text(" (no newline)", frame);
        }
        let rows = pen.finish();
        let blank = " ".repeat(number.len());
        let gutter = |row: usize, runs: Vec<Run>| {
            let (number, sign) = if row == 0 { (number.as_str(), sign) } else { (blank.as_str(), " ") };
            let start =
                [(number, frame), (sign, plain)].map(|(text, tone)| Run { text: text.to_owned(), tone });
            start.into_iter().chain(runs).collect()
        };
        rows.into_iter().enumerate().map(|(row, runs)| gutter(row, runs)).collect()
    }
}

/// Returns a record's place in its change: how far down, behind so many old and new lines.
fn change(record: &DiffLine) -> Option<(u64, u64, u64)> {
    let is_change = matches!(record.what, What::Removed | What::Added);
    is_change.then(|| (u64::from(record.at), u64::from(record.removed), u64::from(record.added)))
}

/// Returns the record that stands for the row, in two columns, which a record is in.
fn row_of(number: u64, record: &DiffLine) -> u64 {
    match change(record) {
        // A new line beside an old one is in the row of that.
        Some((at, removed, _)) if at >= removed && at - removed < removed => number - removed,
        _ => number,
    }
}

/// Writes characters into rows.
struct Pen {
    rows: Vec<Vec<Run>>,
    runs: Vec<Run>,
    used: usize,
    room: usize,
    layout: Layout,
    /// Columns of the line that have gone by.
    passed: usize,
}

impl Pen {
    fn text(&mut self, text: &str, tone: Tone) {
        text.chars().for_each(|c| self.char(c, tone));
    }

    fn char(&mut self, c: char, tone: Tone) {
        let width = match c {
            '\t' => TAB - self.passed % TAB,
            c => width_of(c),
        };
        self.passed += width;
        if !self.layout.wrap {
            let hidden = self.passed <= self.layout.skip && width > 0;
            if hidden || self.used + width > self.room {
                return;
            }
        } else if self.used + width > self.room && self.used > 0 {
            self.rows.push(std::mem::take(&mut self.runs));
            self.used = 0;
        }
        self.used += width;
        let same = self.runs.last_mut().filter(|run| run.tone == tone);
        let run = match same {
            Some(run) => run,
            None => {
                self.runs.push(Run { text: String::new(), tone });
                let last = self.runs.len() - 1;
                &mut self.runs[last]
            }
        };
        match c {
            '\t' => run.text.extend(std::iter::repeat_n(' ', width)),
            c => run.text.push(c),
        }
    }

    fn finish(mut self) -> Vec<Vec<Run>> {
        self.rows.push(self.runs);
        self.rows
    }
}
