//! The painted form in two columns: the old version on the left, the new one on the right.
//!
//! Each cell is folded to the width of its column, so that nothing is lost at the screen's edge.

use std::io;
use std::ops::Range;

use super::paint::{Layout, Painted};
use super::pairing::Words;
use super::pen::{Pen, TextLine};
use super::stretches::{StretchStyle, Stretches, begin, end, visible};
use super::theme::{Codes, Paint};
use super::{BlockWriter, Look};
use crate::base::screen::{push_safe, width as width_of};

/// The two versions of a line beside each other.
pub struct Beside;

/// Paints files, the two versions of a line beside each other.
pub type Columns<'o, 'a> = Painted<'o, 'a, Beside>;

/// One row of a cell: what is written and how wide that is.
struct ColumnRow {
    bytes: Vec<u8>,
    width: usize,
}

/// One version of a line, folded.
struct Cell {
    number: Option<u64>,
    paint: Option<Paint>,
    rows: Vec<ColumnRow>,
}

impl<'o, 'a> Columns<'o, 'a> {
    /// Makes one that paints to `out`, with an empty line above each file.
    pub fn new(out: &'o mut BlockWriter<'a>, look: Look) -> Columns<'o, 'a> {
        Painted::with(out, look, Beside)
    }
}

/// How many columns the number of a line takes, with the blank behind it.
fn margin(pen: &Pen<'_, '_>) -> usize {
    if pen.look.numbers { pen.digits + 1 } else { 0 }
}

/// How many columns the text of a cell has.
fn room(pen: &Pen<'_, '_>) -> usize {
    // The number, the sign and a blank; between the cells a bar and a blank.
    (pen.look.width.saturating_sub(2) / 2).saturating_sub(margin(pen) + 2).max(8)
}

fn cell<'s>(
    pen: &Pen<'_, '_>,
    number: u64,
    paint: Option<Paint>,
    line: TextLine<'_>,
    words: impl Iterator<Item = &'s Range<usize>> + Clone,
) -> Cell {
    let text = line.text.strip_suffix(b"\n").unwrap_or(line.text);
    let shown = visible(text, pen.look.max_line, words.clone().next().map(|span| span.start));
    let codes = pen.look.color.then_some(&pen.codes);
    let row = ColumnRow { bytes: Vec::new(), width: 0 };
    let mut fold = Fold { rows: Vec::new(), row, room: room(pen), codes, paint };
    if shown.start > 0 {
        fold.push(format!("[{} bytes] …", shown.start).as_bytes(), StretchStyle::default());
    }
    let whitespace_error = if matches!(paint, Some(Paint::Added | Paint::MovedHere)) {
        pen.whitespace_error(text, &shown)
    } else {
        0
    };
    Stretches::new(text, shown.clone(), words, line.marked, whitespace_error)
        .for_each(|(range, mark)| fold.push(&text[range], mark));
    if shown.end < text.len() {
        fold.push(format!("… [{} bytes]", text.len() - shown.end).as_bytes(), StretchStyle::default());
    }
    if !line.text.ends_with(b"\n") {
        fold.push(b" (no newline)", StretchStyle::default());
    }
    let mut rows = fold.rows;
    rows.push(fold.row);
    Cell { number: Some(number), paint, rows }
}

fn write(pen: &mut Pen<'_, '_>, left: Option<&Cell>, right: Option<&Cell>) -> io::Result<()> {
    let height = |cell: Option<&Cell>| cell.map_or(0, |cell| cell.rows.len());
    for row in 0..height(left).max(height(right)) {
        half(pen, left, row, b"-", true);
        pen.painted(Paint::Number, "│ ".as_bytes());
        half(pen, right, row, b"+", pen.codes.fills() && right.is_some_and(|cell| cell.paint.is_some()));
        while pen.out.buffer.last() == Some(&b' ') {
            pen.out.buffer.pop();
        }
        pen.put(b"\n");
    }
    pen.out.line_done()
}

fn half(pen: &mut Pen<'_, '_>, cell: Option<&Cell>, row: usize, sign: &[u8], padded: bool) {
    if pen.look.numbers {
        let number = cell.and_then(|cell| cell.number).filter(|_| row == 0);
        pen.paint(Paint::Number);
        pen.number(number, pen.digits);
        pen.reset();
        pen.put(b" ");
    }
    let (paint, row) = match cell.and_then(|cell| Some((cell.paint, cell.rows.get(row)?))) {
        Some((paint, row)) => (paint, Some(row)),
        None => (None, None),
    };
    if let Some(paint) = paint {
        pen.paint(paint);
    }
    pen.sign(paint, if paint.is_some() { sign } else { b" " });
    if let Some(row) = row {
        pen.put(&row.bytes);
    }
    let width = row.map_or(0, |row| row.width);
    let pad = " ".repeat(if padded { (room(pen) + 1).saturating_sub(width) } else { 0 });
    // A background goes on to the bar.
    if paint.is_some() && !pen.codes.fills() {
        pen.reset();
        pen.put(pad.as_bytes());
    } else {
        pen.put(pad.as_bytes());
        if paint.is_some() {
            pen.reset();
        }
    }
}

/// Folds safe text into rows.
struct Fold<'c> {
    rows: Vec<ColumnRow>,
    row: ColumnRow,
    room: usize,
    /// The colours, if there are any, and those of the whole line.
    codes: Option<&'c Codes>,
    paint: Option<Paint>,
}

impl Fold<'_> {
    fn push(&mut self, text: &[u8], mark: StretchStyle) {
        if text.is_empty() {
            return;
        }
        let mut safe = Vec::with_capacity(text.len());
        push_safe(&mut safe, text);
        let mark = if mark.end && !mark.whitespace_error && !mark.word {
            StretchStyle { end: false, ..mark }
        } else {
            mark
        };
        self.begin(mark);
        for c in String::from_utf8_lossy(&safe).chars() {
            let width = match c {
                '\t' => 4 - self.row.width % 4,
                c => width_of(c),
            };
            if self.row.width + width > self.room && self.row.width > 0 {
                self.end(mark);
                let full = std::mem::replace(&mut self.row, ColumnRow { bytes: Vec::new(), width: 0 });
                self.rows.push(full);
                self.begin(mark);
            }
            self.row.width += width;
            match c {
                '\t' => self.row.bytes.extend(std::iter::repeat_n(b' ', width)),
                c => self.row.bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        self.end(mark);
    }

    fn begin(&mut self, mark: StretchStyle) {
        if let Some(codes) = self.codes.filter(|_| mark != StretchStyle::default()) {
            begin(&mut self.row.bytes, codes, self.paint, mark);
        }
    }

    fn end(&mut self, mark: StretchStyle) {
        if let Some(codes) = self.codes.filter(|_| mark != StretchStyle::default()) {
            end(&mut self.row.bytes, codes, self.paint, mark);
        }
    }
}

impl Layout for Beside {
    fn context(&mut self, pen: &mut Pen<'_, '_>, line: TextLine<'_>) -> io::Result<()> {
        let left = cell(pen, pen.old, None, line, [].iter());
        let right = cell(pen, pen.new, None, line, [].iter());
        pen.step(true, true);
        write(pen, Some(&left), Some(&right))
    }

    fn change(
        &mut self,
        pen: &mut Pen<'_, '_>,
        removed: &[TextLine<'_>],
        added: &[TextLine<'_>],
    ) -> io::Result<()> {
        let words = Words::of(removed, added);
        for row in words.rows(removed.len(), added.len()) {
            let left = row.old.map(|number| {
                let at = pen.old + number as u64;
                cell(pen, at, Some(pen.removed(at)), removed[number], words.in_old(number))
            });
            let right = row.new.map(|number| {
                let at = pen.new + number as u64;
                cell(pen, at, Some(pen.added(at)), added[number], words.in_new(number))
            });
            write(pen, left.as_ref(), right.as_ref())?;
        }
        pen.old += removed.len() as u64;
        pen.new += added.len() as u64;
        Ok(())
    }
}
