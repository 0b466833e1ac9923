//! What all painted layouts share: the output, headers and footers, the position in a file, and how one line
//! is painted.
//!
//! Bytes in, bytes out. Everything that comes from a file goes through `screen.rs`.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use super::links::Links;
use super::patch_reader::sgr;
use super::stretches::{StretchStyle, Stretches, begin, end, visible};
use super::syntax::ClassedRange;
use super::theme::{Codes, ERASE, LINK, LINK_END, Paint, RESET, Theme};
use super::{BlockWriter, ChangeKind, End, FileHeader, MovedBlocks};
use crate::base::screen::push_safe;

/// How a diff looks.
#[derive(Clone, Debug)]
pub struct Look {
    /// Whether escape sequences are used at all.
    pub color: bool,
    /// The colours.
    pub theme: Theme,
    /// Lines longer than this many bytes are cut, with a count of what is not shown.
    pub max_line: usize,
    /// Whether both versions of a changed line are shown in one line, word by word.
    pub word: bool,
    /// Whether lines have their numbers before them.
    pub numbers: bool,
    /// The width of the screen in columns, for two columns.
    pub width: usize,
    /// Links to the files, if they are wanted.
    pub links: Option<Arc<Links>>,
}

impl Default for Look {
    fn default() -> Look {
        Look {
            color: false,
            theme: Theme::default(),
            max_line: 4_096,
            word: false,
            numbers: true,
            width: 80,
            links: None,
        }
    }
}

/// A line that is painted, and what is known of its text.
#[derive(Clone, Copy)]
pub struct TextLine<'l> {
    /// The text, with its end if it has one.
    pub(super) text: &'l [u8],
    /// What its words are.
    pub(super) marked: &'l [ClassedRange],
}

impl<'l> TextLine<'l> {
    /// A line of which nothing is known.
    pub(super) fn plain(text: &'l [u8]) -> TextLine<'l> {
        TextLine { text, marked: &[] }
    }
}

/// The output, and where in it things are.
pub struct Pen<'o, 'a> {
    pub(super) out: &'o mut BlockWriter<'a>,
    pub(super) look: Look,
    pub(super) codes: Codes,
    file: FileHeader,
    headed: bool,
    /// Whether the last line of text was empty: then a header needs no other.
    spaced: bool,
    /// The numbers of the next lines, and the width of a column of such numbers.
    pub(super) old: u64,
    pub(super) new: u64,
    pub(super) digits: usize,
    moved: MovedBlocks,
    /// Whether lines of this file end with a carriage return anyway.
    pub(super) returns: bool,
    /// What else is said at the end of the file.
    pub(super) notes: Vec<String>,
}

impl<'o, 'a> Pen<'o, 'a> {
    pub(super) fn new(out: &'o mut BlockWriter<'a>, look: Look) -> Pen<'o, 'a> {
        let (file, moved, codes) = (FileHeader::default(), MovedBlocks::default(), Codes::of(look.theme));
        // Above the first file of all there is nothing to be set apart from.
        let (headed, spaced, returns) = (false, out.is_first(), false);
        Pen {
            out,
            look,
            codes,
            file,
            headed,
            spaced,
            old: 0,
            new: 0,
            digits: 4,
            moved,
            returns,
            notes: Vec::new(),
        }
    }

    pub(super) fn put(&mut self, bytes: &[u8]) {
        self.out.buffer.extend_from_slice(bytes);
    }

    pub(super) fn paint(&mut self, paint: Paint) {
        if self.look.color {
            self.out.buffer.extend_from_slice(self.codes.code(paint));
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

    /// Writes text in the colour of such lines, without their background.
    fn colored(&mut self, paint: Paint, text: &str) {
        if self.look.color {
            self.out.buffer.extend_from_slice(self.codes.text(paint));
        }
        self.put(text.as_bytes());
        self.reset();
    }

    pub(super) fn start(&mut self, file: FileHeader) {
        (self.file, self.headed, self.returns) = (file, false, false);
        (self.old, self.new, self.moved) = (0, 0, MovedBlocks::default());
        self.notes.clear();
    }

    pub(super) fn note_moved(&mut self, moved: MovedBlocks) {
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

    /// Begins a link to a line of the file that is shown; says whether it did.
    fn link(&mut self, name: &[u8], line: u64) -> bool {
        let Some(links) = self.look.links.as_ref().filter(|_| self.look.color) else { return false };
        let target = links.target(name, line);
        [LINK, &target, LINK_END].iter().for_each(|part| self.out.buffer.extend_from_slice(part));
        true
    }

    fn end_link(&mut self, begun: bool) {
        if begun {
            self.put(LINK);
            self.put(LINK_END);
        }
    }

    /// Writes the header of the file, once.
    pub(super) fn head(&mut self) {
        if std::mem::replace(&mut self.headed, true) {
            return;
        }
        if !std::mem::take(&mut self.spaced) {
            self.put(b"\n");
        }
        let file = self.file.clone();
        let mut title = vec![file.kind.letter() as u8, b' '];
        if file.old_name() != file.path {
            title.extend_from_slice(file.old_name());
            title.extend_from_slice(b" -> ");
        }
        title.extend_from_slice(&file.path);
        let link = file.kind != ChangeKind::Deleted && self.link(&file.path, 1);
        self.painted(Paint::Title, &title);
        self.end_link(link);
        if let Some((added, removed)) = file.lines.filter(|lines| *lines != (0, 0)) {
            self.put(b"  ");
            self.colored(Paint::Added, &format!("+{added}"));
            self.put(b" ");
            self.colored(Paint::Removed, &format!("-{removed}"));
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
        self.hunk_header(&format!("@@ -{old} +{new} @@"), new, heading);
        self.at(old, new);
    }

    /// Writes the header of a hunk of a merge.
    pub(super) fn merge_hunk(&mut self, new: u64, heading: &[u8]) {
        self.hunk_header(&format!("@@@ +{new} @@@"), new, heading);
        self.at(0, new);
    }

    fn hunk_header(&mut self, places: &str, new: u64, heading: &[u8]) {
        self.head();
        let name = std::mem::take(&mut self.file.path);
        let link = self.file.kind != ChangeKind::Deleted && self.link(&name, new);
        self.file.path = name;
        self.painted(Paint::Hunk, places.as_bytes());
        self.end_link(link);
        if !heading.is_empty() {
            self.put(b" ");
            push_safe(&mut self.out.buffer, heading);
        }
        self.put(b"\n");
    }

    pub(super) fn finish(&mut self, end: &End) -> io::Result<()> {
        let mut notes = end.notes();
        notes.append(&mut self.notes);
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

    /// Writes a line of a merge, with its number in the result.
    pub(super) fn merge_line(&mut self, signs: &[u8], line: &[u8]) -> io::Result<()> {
        let gone = signs.is_empty() || signs.contains(&b'-');
        if self.look.numbers {
            self.paint(Paint::Number);
            self.number((!gone).then_some(self.new), self.digits);
            self.reset();
            self.put(b" ");
        }
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
        self.body(paint, signs, TextLine::plain(line), [].iter())
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

    /// Writes a line's text, and its end.
    pub(super) fn body<'s>(
        &mut self,
        paint: Option<Paint>,
        signs: &[u8],
        line: TextLine<'_>,
        words: impl Iterator<Item = &'s Range<usize>> + Clone,
    ) -> io::Result<()> {
        let text = line.text.strip_suffix(b"\n").unwrap_or(line.text);
        if let Some(paint) = paint {
            self.paint(paint);
        }
        self.sign(paint, signs);
        let shown = visible(text, self.look.max_line, words.clone().next().map(|span| span.start));
        self.omitted(shown.start, true);
        let whitespace_error = if signs == b"+" { self.whitespace_error(text, &shown) } else { 0 };
        let stretches = Stretches::new(text, shown.clone(), words, line.marked, whitespace_error);
        if self.look.color {
            stretches.for_each(|(range, mark)| self.stretch(paint, &text[range], mark));
        } else {
            push_safe(&mut self.out.buffer, &text[shown.clone()]);
        }
        self.omitted(text.len() - shown.end, false);
        if paint.is_some() && self.look.color {
            if self.codes.fills() && paint != Some(Paint::Note) && paint != Some(Paint::Hunk) {
                self.put(ERASE);
            }
            self.reset();
        }
        self.end_line(line.text)
    }

    /// Writes the signs of a line in their colour.
    pub(super) fn sign(&mut self, paint: Option<Paint>, signs: &[u8]) {
        let color = paint.filter(|_| self.look.color).and_then(|paint| self.codes.sign(paint));
        match color {
            Some(color) => {
                self.out.buffer.extend_from_slice(color);
                self.out.buffer.extend_from_slice(signs);
                self.out.buffer.extend_from_slice(self.codes.class_end());
            }
            None => self.put(signs),
        }
    }

    /// How much of an added line, at its end, is white space that should not be there.
    pub(super) fn whitespace_error(&self, text: &[u8], shown: &Range<usize>) -> usize {
        if !self.look.color || shown.end != text.len() {
            return 0;
        }
        // In a file whose lines all end so, a carriage return is none.
        let ours = if self.returns { text.strip_suffix(b"\r").unwrap_or(text) } else { text };
        match ours.len() - ours.trim_ascii_end().len() {
            0 => 0,
            blanks => text.len() - ours.len() + blanks,
        }
    }

    /// Writes a stretch of a line that is painted in one way.
    fn stretch(&mut self, line: Option<Paint>, text: &[u8], mark: StretchStyle) {
        let (buffer, codes) = (&mut self.out.buffer, &self.codes);
        if mark == StretchStyle::default() {
            return push_safe(buffer, text);
        }
        begin(buffer, codes, line, mark);
        push_safe(buffer, text);
        end(buffer, codes, line, mark);
    }

    fn omitted(&mut self, bytes: usize, before: bool) {
        if bytes > 0 {
            let mark = if before { format!("[{bytes} bytes] …") } else { format!("… [{bytes} bytes]") };
            self.put(mark.as_bytes());
        }
    }

    pub(super) fn end_line(&mut self, line: &[u8]) -> io::Result<()> {
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
