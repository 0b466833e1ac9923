//! The painted form, for people: line numbers, colours by meaning, words that changed.
//!
//! Bytes in, bytes out, a line at a time: nothing is held but the pairs of one small change.
//! Everything that comes from a file goes through `screen.rs`.

use std::io;
use std::ops::Range;

use super::words::{Span, changed};
use super::{End, File, Moved, Out, Show, Sink};
use crate::base::screen::push_safe;
use crate::diff::patch_reader::sgr;

/// Words are compared in changes of at most this many lines a side.
const MOST_PAIRS: usize = 64;

/// How a diff looks.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Whether escape sequences are used at all.
    pub color: bool,
    /// Lines longer than this many bytes are cut, with a count of what is not shown.
    pub max_line: usize,
    /// Whether both versions of a changed line stand in one, word by word.
    pub word: bool,
    /// The width of the screen in columns, for two columns.
    pub width: usize,
}

/// What a stretch of output means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Paint {
    Title,
    Hunk,
    Number,
    Removed,
    Added,
    /// Removed here and added elsewhere; added here and removed elsewhere.
    MovedAway,
    MovedHere,
    Note,
}

impl Paint {
    pub(super) fn code(self) -> &'static [u8] {
        match self {
            Paint::Title => b"\x1b[1m",
            Paint::Hunk => b"\x1b[36m",
            Paint::Number => b"\x1b[2m",
            Paint::Removed => b"\x1b[31m",
            Paint::Added => b"\x1b[32m",
            Paint::MovedAway => b"\x1b[2;31m",
            Paint::MovedHere => b"\x1b[2;32m",
            Paint::Note => b"\x1b[33m",
        }
    }
}

pub(super) const RESET: &[u8] = b"\x1b[m";
pub(super) const EMPHASIS: &[u8] = b"\x1b[7m";
pub(super) const NO_EMPHASIS: &[u8] = b"\x1b[27m";
/// Takes away the rest of a line; git ends some of its colours so.
const ERASE: &[u8] = b"\x1b[K";
/// White space at the end of an added line.
const STRAY: &[u8] = b"\x1b[41m";

/// Paints files, the two versions of a line below each other.
pub struct Painter<'o, 'a> {
    pen: Pen<'o, 'a>,
}

/// What both layouts share: the output, the headers and the footers, and where in the file they are.
pub(super) struct Pen<'o, 'a> {
    pub(super) out: &'o mut Out<'a>,
    pub(super) look: Look,
    file: File,
    headed: bool,
    /// Whether the last line of text was empty: then a header needs no other.
    spaced: bool,
    /// The numbers of the next lines, and the width of a column of such numbers.
    pub(super) old: u64,
    pub(super) new: u64,
    pub(super) digits: usize,
    moved: Moved,
}

impl<'o, 'a> Pen<'o, 'a> {
    pub(super) fn new(out: &'o mut Out<'a>, look: Look) -> Pen<'o, 'a> {
        let (file, moved) = (File::default(), Moved::default());
        Pen { out, look, file, headed: false, spaced: false, old: 0, new: 0, digits: 4, moved }
    }

    pub(super) fn put(&mut self, bytes: &[u8]) {
        self.out.buffer.extend_from_slice(bytes);
    }

    pub(super) fn paint(&mut self, paint: Paint) {
        if self.look.color {
            self.put(paint.code());
        }
    }

    pub(super) fn reset(&mut self) {
        if self.look.color {
            self.put(RESET);
        }
    }

    pub(super) fn painted(&mut self, paint: Paint, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.paint(paint);
        push_safe(&mut self.out.buffer, bytes);
        self.reset();
    }

    pub(super) fn start(&mut self, file: File) {
        (self.file, self.headed) = (file, false);
        (self.old, self.new, self.moved) = (0, 0, Moved::default());
    }

    pub(super) fn note_moved(&mut self, moved: Moved) {
        self.moved.go_on(moved, self.old, self.new);
    }

    /// How a line of the old version is painted that the new one does not have there.
    pub(super) fn removed(&self, line: u64) -> Paint {
        if self.moved.from(line) { Paint::MovedAway } else { Paint::Removed }
    }

    /// How a line of the new version is painted that the old one does not have there.
    pub(super) fn added(&self, line: u64) -> Paint {
        if self.moved.to(line) { Paint::MovedHere } else { Paint::Added }
    }

    /// Writes the header of the file, once.
    pub(super) fn head(&mut self) {
        if std::mem::replace(&mut self.headed, true) {
            return;
        }
        if !std::mem::take(&mut self.spaced) {
            self.put(b"\n");
        }
        let file = std::mem::take(&mut self.file);
        let mut title = vec![file.kind.letter() as u8, b' '];
        if file.old_name() != file.path {
            title.extend_from_slice(file.old_name());
            title.extend_from_slice(b" -> ");
        }
        title.extend_from_slice(&file.path);
        self.painted(Paint::Title, &title);
        if let Some((added, removed)) = file.lines.filter(|lines| *lines != (0, 0)) {
            self.put(b"  ");
            self.painted(Paint::Added, format!("+{added}").as_bytes());
            self.put(b" ");
            self.painted(Paint::Removed, format!("-{removed}").as_bytes());
        }
        let mode = match (file.old_mode, file.new_mode) {
            (Some(old), Some(new)) if old != new => format!("  mode {} -> {}", old.octal(), new.octal()),
            (None, Some(new)) if new != crate::manifest::Mode::File => format!("  mode {}", new.octal()),
            _ => String::new(),
        };
        self.painted(Paint::Note, mode.as_bytes());
        let similar = file.similarity.filter(|percent| *percent < 100);
        let similar = similar.map(|percent| format!("{percent}% the same"));
        for note in similar.iter().chain(&file.note) {
            self.painted(Paint::Note, format!("  ({note})").as_bytes());
        }
        self.put(b"\n");
    }

    pub(super) fn hunk(&mut self, old: u64, new: u64, heading: &[u8]) {
        self.head();
        self.painted(Paint::Hunk, format!("@@ -{old} +{new} @@").as_bytes());
        if !heading.is_empty() {
            self.put(b" ");
            push_safe(&mut self.out.buffer, heading);
        }
        self.put(b"\n");
        self.at(old, new);
    }

    pub(super) fn finish(&mut self, end: &End) -> io::Result<()> {
        let notes = end.notes();
        if self.headed || !notes.is_empty() || self.file.says_something() {
            self.head();
        }
        for note in notes {
            self.painted(Paint::Note, note.as_bytes());
            self.put(b"\n");
        }
        self.out.line_done()
    }

    /// Writes a line of text in the colours that it came with.
    pub(super) fn text(&mut self, line: &[u8]) -> io::Result<()> {
        let mut rest = line.strip_suffix(b"\n").unwrap_or(line);
        self.spaced = rest.is_empty();
        let mut colored = false;
        while let Some(at) = memchr::memchr(0x1b, rest) {
            push_safe(&mut self.out.buffer, &rest[..at]);
            rest = &rest[at..];
            let len = if rest.starts_with(ERASE) { ERASE.len() } else { sgr(rest) };
            let (escape, after) = rest.split_at(len.max(1));
            match len {
                0 => push_safe(&mut self.out.buffer, escape),
                _ if escape == ERASE => {}
                _ if hides(escape) => push_safe(&mut self.out.buffer, escape),
                _ if self.look.color => {
                    self.put(escape);
                    colored = escape != RESET && escape != b"\x1b[0m";
                }
                _ => {}
            }
            rest = after;
        }
        push_safe(&mut self.out.buffer, rest);
        if colored {
            self.reset();
        }
        self.put(b"\n");
        self.out.line_done()
    }

    /// Writes the header of a hunk of a merge.
    pub(super) fn merge_hunk(&mut self, new: u64, heading: &[u8]) {
        self.head();
        self.painted(Paint::Hunk, format!("@@@ +{new} @@@").as_bytes());
        if !heading.is_empty() {
            self.put(b" ");
            push_safe(&mut self.out.buffer, heading);
        }
        self.put(b"\n");
        self.at(0, new);
    }

    /// Writes a line of a merge, with its number in the result.
    pub(super) fn merge_line(&mut self, signs: &[u8], line: &[u8]) -> io::Result<()> {
        let gone = signs.is_empty() || signs.contains(&b'-');
        self.paint(Paint::Number);
        self.number((!gone).then_some(self.new), self.digits);
        self.reset();
        self.put(b" ");
        self.step(false, !gone);
        self.merged_body(signs, line)
    }

    /// Writes a line of a merge: its signs and its text. The marks of a conflict stand out.
    pub(super) fn merged_body(&mut self, signs: &[u8], line: &[u8]) -> io::Result<()> {
        const MARKS: [&[u8]; 4] = [b"<<<<<<<", b"|||||||", b"=======", b">>>>>>>"];
        let plus = signs.contains(&b'+');
        let paint = match () {
            () if signs.is_empty() => Some(Paint::Note),
            () if plus && MARKS.iter().any(|mark| line.starts_with(mark)) => Some(Paint::Hunk),
            () if signs.contains(&b'-') => Some(Paint::Removed),
            () if plus => Some(Paint::Added),
            () => None,
        };
        self.body(paint, signs, line, [].iter())
    }

    /// Says which lines come next.
    pub(super) fn at(&mut self, old: u64, new: u64) {
        (self.old, self.new) = (old, new);
        self.digits = column_width(old, new);
    }

    pub(super) fn step(&mut self, old: bool, new: bool) {
        self.old += u64::from(old);
        self.new += u64::from(new);
    }

    /// Writes a line's text with some stretches of it emphasised.
    pub(super) fn body<'s>(
        &mut self,
        paint: Option<Paint>,
        signs: &[u8],
        line: &[u8],
        spans: impl Iterator<Item = &'s Range<usize>> + Clone,
    ) -> io::Result<()> {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        if let Some(paint) = paint {
            self.paint(paint);
        }
        self.put(signs);
        let shown = visible(text, self.look.max_line, spans.clone().next().map(|span| span.start));
        self.omitted(shown.start, true);
        let mut at = shown.start;
        if self.look.color {
            for span in spans {
                let (from, to) = (span.start.clamp(at, shown.end), span.end.clamp(at, shown.end));
                if from < to {
                    push_safe(&mut self.out.buffer, &text[at..from]);
                    self.put(EMPHASIS);
                    push_safe(&mut self.out.buffer, &text[from..to]);
                    self.put(NO_EMPHASIS);
                    at = to;
                }
            }
        }
        let rest = &text[at..shown.end];
        let stray = match (signs, self.look.color, shown.end == text.len()) {
            (b"+", true, true) => rest.len() - rest.trim_ascii_end().len(),
            _ => 0,
        };
        push_safe(&mut self.out.buffer, &rest[..rest.len() - stray]);
        if stray > 0 {
            self.put(STRAY);
            push_safe(&mut self.out.buffer, &rest[rest.len() - stray..]);
        }
        self.omitted(text.len() - shown.end, false);
        if paint.is_some() {
            self.reset();
        }
        self.end_line(line)
    }

    fn omitted(&mut self, bytes: usize, before: bool) {
        if bytes > 0 {
            let mark = if before { format!("[{bytes} bytes] …") } else { format!("… [{bytes} bytes]") };
            self.put(mark.as_bytes());
        }
    }

    fn end_line(&mut self, line: &[u8]) -> io::Result<()> {
        self.put(b"\n");
        if !line.ends_with(b"\n") {
            self.painted(Paint::Note, b"\\ No newline at end of file");
            self.put(b"\n");
        }
        self.out.line_done()
    }

    /// Writes a number in a column of this width.
    pub(super) fn number(&mut self, number: Option<u64>, width: usize) {
        let mut digits = [b' '; 20];
        let mut at = digits.len();
        if let Some(mut number) = number {
            loop {
                at -= 1;
                digits[at] = b'0' + (number % 10) as u8;
                number /= 10;
                if number == 0 {
                    break;
                }
            }
        }
        let start = at.min(digits.len().saturating_sub(width));
        self.put(&digits[start..]);
    }
}

/// Returns the part of a line that is shown when it is longer than `most`: its start, or what
/// is around the first place that matters.
pub fn visible(line: &[u8], most: usize, matters: Option<usize>) -> Range<usize> {
    if line.len() <= most {
        return 0..line.len();
    }
    let start = match matters {
        Some(at) if at > most / 4 * 3 => (at - most / 4).min(line.len() - most),
        _ => 0,
    };
    let boundary = |mut at: usize| {
        while at < line.len() && line[at] & 0xc0 == 0x80 {
            at += 1;
        }
        at
    };
    boundary(start)..boundary((start + most).min(line.len()))
}

/// Says whether a colour makes text unseen, or blink.
fn hides(sgr: &[u8]) -> bool {
    let codes = &sgr[2..sgr.len() - 1];
    let number =
        |code: &[u8]| std::str::from_utf8(code).ok().and_then(|code| code.parse().ok()).unwrap_or(0_u32);
    let mut codes = codes.split(|byte| *byte == b';').map(number);
    while let Some(code) = codes.next() {
        match code {
            // What follows names a colour.
            38 | 48 | 58 => match codes.next() {
                Some(5) => drop(codes.next()),
                Some(2) => drop(codes.nth(2)),
                _ => return true,
            },
            5 | 6 | 8 => return true,
            _ => {}
        }
    }
    false
}

fn column_width(old: u64, new: u64) -> usize {
    (old.max(new) + 999).to_string().len().max(4)
}

/// Compares the lines of a small change in pairs.
pub fn pairs(removed: &[&[u8]], added: &[&[u8]]) -> Option<Vec<Option<Vec<Span>>>> {
    let comparable = removed.len() == added.len() && removed.len() <= MOST_PAIRS;
    comparable.then(|| removed.iter().zip(added).map(|(old, new)| changed(old, new)).collect())
}

impl<'o, 'a> Painter<'o, 'a> {
    /// Makes one that paints to `out`, with an empty line above each file.
    pub fn new(out: &'o mut Out<'a>, look: Look) -> Painter<'o, 'a> {
        Painter { pen: Pen::new(out, look) }
    }

    fn gutter(&mut self, old: Option<u64>, new: Option<u64>) {
        self.pen.paint(Paint::Number);
        self.pen.number(old, self.pen.digits);
        self.pen.put(b" ");
        self.pen.number(new, self.pen.digits);
        self.pen.reset();
        self.pen.put(b" ");
    }

    /// Writes both versions of a line as one.
    fn merged(&mut self, old: &[u8], new: &[u8], spans: &[Span]) -> io::Result<()> {
        self.gutter(Some(self.pen.old), Some(self.pen.new));
        self.pen.put(b"~");
        let color = self.pen.look.color;
        let mut at = 0;
        for (a, b) in spans {
            push_safe(&mut self.pen.out.buffer, &old[at..a.start]);
            for (paint, text, marks) in [
                (Paint::Removed, &old[a.clone()], [&b"[-"[..], b"-]"]),
                (Paint::Added, &new[b.clone()], [b"{+", b"+}"]),
            ] {
                if !text.is_empty() {
                    let [open, close] = if color { [&b""[..]; 2] } else { marks };
                    self.pen.put(open);
                    self.pen.painted(paint, text);
                    self.pen.put(close);
                }
            }
            at = a.end;
        }
        push_safe(&mut self.pen.out.buffer, old[at..].strip_suffix(b"\n").unwrap_or(&old[at..]));
        self.pen.end_line(new)
    }
}

impl Sink for Painter<'_, '_> {
    fn open(&mut self, old: u64, new: u64, heading: &[u8]) -> io::Result<()> {
        self.pen.hunk(old, new, heading);
        Ok(())
    }

    fn context(&mut self, line: &[u8]) -> io::Result<()> {
        self.gutter(Some(self.pen.old), Some(self.pen.new));
        (self.pen.old, self.pen.new) = (self.pen.old + 1, self.pen.new + 1);
        self.pen.body(None, b" ", line, [].iter())
    }

    fn change(&mut self, removed: &[&[u8]], added: &[&[u8]]) -> io::Result<()> {
        let pairs = pairs(removed, added);
        let spans = |number: usize| pairs.as_ref().and_then(|pairs| pairs.get(number)?.as_deref());
        let short = |line: &[u8]| line.len() <= self.pen.look.max_line;
        let in_words = self.pen.look.word && removed.iter().chain(added).all(|line| short(line));
        if in_words && (0..removed.len()).all(|number| spans(number).is_some()) && pairs.is_some() {
            for (number, (old, new)) in removed.iter().zip(added).enumerate() {
                self.merged(old, new, spans(number).unwrap_or_default())?;
                (self.pen.old, self.pen.new) = (self.pen.old + 1, self.pen.new + 1);
            }
            return Ok(());
        }
        for (number, line) in removed.iter().enumerate() {
            self.gutter(Some(self.pen.old), None);
            let paint = self.pen.removed(self.pen.old);
            self.pen.old += 1;
            let spans = spans(number).unwrap_or_default().iter().map(|(old, _)| old);
            self.pen.body(Some(paint), b"-", line, spans)?;
        }
        for (number, line) in added.iter().enumerate() {
            self.gutter(None, Some(self.pen.new));
            let paint = self.pen.added(self.pen.new);
            self.pen.new += 1;
            let spans = spans(number).unwrap_or_default().iter().map(|(_, new)| new);
            self.pen.body(Some(paint), b"+", line, spans)?;
        }
        Ok(())
    }

    fn close(&mut self) -> io::Result<()> {
        self.pen.out.hunk_done()
    }

    fn moved(&mut self, moved: Moved) {
        self.pen.note_moved(moved);
    }
}

impl Show for Painter<'_, '_> {
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
