//! The painted form in two columns: the old version on the left, the new one on the right.
//!
//! Each cell is folded to the width of its column, so that nothing is lost to the screen's
//! edge.

use std::io;
use std::ops::Range;

use super::paint::{EMPHASIS, NO_EMPHASIS, Paint, Pen, pairs, visible};
use super::{End, File, Look, Moved, Out, Show, Sink};
use crate::base::screen::{push_safe, width as width_of};

/// Paints files, the two versions of a line beside each other.
pub struct Columns<'o, 'a> {
    pen: Pen<'o, 'a>,
}

/// One row of a cell: what is written and how wide that is.
struct Row {
    bytes: Vec<u8>,
    width: usize,
}

/// One version of a line, folded.
struct Cell {
    number: Option<u64>,
    paint: Option<Paint>,
    rows: Vec<Row>,
}

impl<'o, 'a> Columns<'o, 'a> {
    /// Makes one that paints to `out`, with an empty line above each file.
    pub fn new(out: &'o mut Out<'a>, look: Look) -> Columns<'o, 'a> {
        Columns { pen: Pen::new(out, look) }
    }

    /// How many columns the text of a cell has.
    fn room(&self) -> usize {
        // A number, a blank, the sign and a blank; between the cells a bar and a blank.
        (self.pen.look.width.saturating_sub(2) / 2).saturating_sub(self.pen.digits + 3).max(8)
    }

    fn cell(&self, number: u64, paint: Option<Paint>, line: &[u8], spans: &[Range<usize>]) -> Cell {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let shown = visible(text, self.pen.look.max_line, spans.first().map(|span| span.start));
        let mut fold = Fold { rows: Vec::new(), row: Row { bytes: Vec::new(), width: 0 }, room: self.room() };
        if shown.start > 0 {
            fold.push(format!("[{} bytes] …", shown.start).as_bytes(), false);
        }
        let mut at = shown.start;
        for span in spans {
            let (from, to) = (span.start.clamp(at, shown.end), span.end.clamp(at, shown.end));
            fold.push(&text[at..from], false);
            fold.push(&text[from..to], self.pen.look.color);
            at = to;
        }
        fold.push(&text[at..shown.end], false);
        if shown.end < text.len() {
            fold.push(format!("… [{} bytes]", text.len() - shown.end).as_bytes(), false);
        }
        if !line.ends_with(b"\n") {
            fold.push(b" (no newline)", false);
        }
        let mut rows = fold.rows;
        rows.push(fold.row);
        Cell { number: Some(number), paint, rows }
    }

    fn write(&mut self, left: Option<&Cell>, right: Option<&Cell>) -> io::Result<()> {
        let height = |cell: Option<&Cell>| cell.map_or(0, |cell| cell.rows.len());
        for row in 0..height(left).max(height(right)) {
            self.half(left, row, b'-', true);
            self.pen.painted(Paint::Number, "│ ".as_bytes());
            self.half(right, row, b'+', false);
            while self.pen.out.buffer.last() == Some(&b' ') {
                self.pen.out.buffer.pop();
            }
            self.pen.put(b"\n");
        }
        self.pen.out.line_done()
    }

    fn half(&mut self, cell: Option<&Cell>, row: usize, sign: u8, padded: bool) {
        let number = cell.and_then(|cell| cell.number).filter(|_| row == 0);
        self.pen.paint(Paint::Number);
        self.pen.number(number, self.pen.digits);
        self.pen.reset();
        self.pen.put(b" ");
        let mut width = 0;
        match cell.and_then(|cell| Some((cell.paint, cell.rows.get(row)?))) {
            Some((paint, row)) => {
                if let Some(paint) = paint {
                    self.pen.paint(paint);
                }
                self.pen.put(&[if paint.is_some() { sign } else { b' ' }]);
                self.pen.put(&row.bytes);
                if paint.is_some() {
                    self.pen.reset();
                }
                width = row.width;
            }
            None => self.pen.put(b" "),
        }
        for _ in width..if padded { self.room() + 1 } else { width } {
            self.pen.put(b" ");
        }
    }
}

/// Folds safe text into rows.
struct Fold {
    rows: Vec<Row>,
    row: Row,
    room: usize,
}

impl Fold {
    fn push(&mut self, text: &[u8], emphasised: bool) {
        if text.is_empty() {
            return;
        }
        let mut safe = Vec::with_capacity(text.len());
        push_safe(&mut safe, text);
        if emphasised {
            self.row.bytes.extend_from_slice(EMPHASIS);
        }
        for c in String::from_utf8_lossy(&safe).chars() {
            let width = match c {
                '\t' => 4 - self.row.width % 4,
                c => width_of(c),
            };
            if self.row.width + width > self.room && self.row.width > 0 {
                if emphasised {
                    self.row.bytes.extend_from_slice(NO_EMPHASIS);
                }
                let full = std::mem::replace(&mut self.row, Row { bytes: Vec::new(), width: 0 });
                self.rows.push(full);
                if emphasised {
                    self.row.bytes.extend_from_slice(EMPHASIS);
                }
            }
            self.row.width += width;
            match c {
                '\t' => self.row.bytes.extend(std::iter::repeat_n(b' ', width)),
                c => self.row.bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        if emphasised {
            self.row.bytes.extend_from_slice(NO_EMPHASIS);
        }
    }
}

impl Sink for Columns<'_, '_> {
    fn open(&mut self, old: u64, new: u64, heading: &[u8]) -> io::Result<()> {
        self.pen.hunk(old, new, heading);
        Ok(())
    }

    fn context(&mut self, line: &[u8]) -> io::Result<()> {
        let (left, right) =
            (self.cell(self.pen.old, None, line, &[]), self.cell(self.pen.new, None, line, &[]));
        (self.pen.old, self.pen.new) = (self.pen.old + 1, self.pen.new + 1);
        self.write(Some(&left), Some(&right))
    }

    fn change(&mut self, removed: &[&[u8]], added: &[&[u8]]) -> io::Result<()> {
        let pairs = pairs(removed, added);
        for number in 0..removed.len().max(added.len()) {
            let spans = pairs.as_ref().and_then(|pairs| pairs[number].as_ref());
            let (old_spans, new_spans): (Vec<_>, Vec<_>) = spans.into_iter().flatten().cloned().unzip();
            let (old, new) = (self.pen.old + number as u64, self.pen.new + number as u64);
            let (away, here) = (self.pen.removed(old), self.pen.added(new));
            let left = removed.get(number).map(|line| self.cell(old, Some(away), line, &old_spans));
            let right = added.get(number).map(|line| self.cell(new, Some(here), line, &new_spans));
            self.write(left.as_ref(), right.as_ref())?;
        }
        self.pen.old += removed.len() as u64;
        self.pen.new += added.len() as u64;
        Ok(())
    }

    fn close(&mut self) -> io::Result<()> {
        self.pen.out.hunk_done()
    }

    fn moved(&mut self, moved: Moved) {
        self.pen.note_moved(moved);
    }
}

impl Show for Columns<'_, '_> {
    fn start(&mut self, file: File) -> io::Result<()> {
        self.pen.start(file);
        Ok(())
    }

    fn finish(&mut self, end: End) -> io::Result<()> {
        self.pen.finish(&end)
    }

    fn text(&mut self, line: &[u8]) -> io::Result<()> {
        self.pen.text(line)
    }

    fn keeps_colors(&self) -> bool {
        self.pen.look.color
    }

    fn merge_hunk(&mut self, _header: &[u8], new: u64, heading: &[u8]) -> io::Result<()> {
        self.pen.merge_hunk(new, heading);
        Ok(())
    }

    fn merge_line(&mut self, signs: &[u8], line: &[u8]) -> io::Result<()> {
        self.pen.merge_line(signs, line)
    }
}
