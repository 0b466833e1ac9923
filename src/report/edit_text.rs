//! Diffs as the text of a page: signs, and marks around changed words. The hunks are those of `snap diff`.
//!
//! The marks are three characters of the private use area; the same characters in a file are written as the third
//! one and a digit.

use std::borrow::Cow;
use std::io;
use std::ops::Range;

use super::color_limit::ColorLimit;
use crate::client::transcript::call::ToolCall;
use crate::compare::show_readers;
use crate::diff::{ChangedWords, Charset, End, FileHeader, Options, Show, Sink, SteadyColors};

/// Before and behind a changed word, and before a digit that stands for one of the three.
const MARKS: [char; 3] = ['\u{e000}', '\u{e001}', '\u{e002}'];

/// Their first byte in UTF-8: a line without it needs no closer look.
const MARK: u8 = 0xee;

/// Takes the text of diffs.
pub(super) trait EditReceiver {
    /// A file begins.
    ///
    /// # Errors
    /// Whatever taking gives, here and below.
    fn start(&mut self, file: FileHeader) -> io::Result<()>;
    /// Some lines of its text.
    fn text(&mut self, text: &[u8]) -> io::Result<()>;
    /// Colours for the first of these lines; before the file ends.
    fn colors(&mut self, _colors: &[u8]) {}
    /// What the lines say of the old version and of the new one, to be searched.
    fn sides(&mut self, _removed: &[&[u8]], _added: &[&[u8]]) -> io::Result<()> {
        Ok(())
    }
    /// The file ends.
    fn end(&mut self, end: End) -> io::Result<()>;
}

/// Shows diffs as such text.
pub(super) struct DiffText<'r> {
    receiver: &'r mut dyn EditReceiver,
    marks: bool,
    text: Vec<u8>,
    charset: Charset,
    colors: Option<SteadyColors>,
    /// How many lines of the report may still be coloured.
    left: Option<&'r ColorLimit>,
    /// Whether a line has bytes that are no text in any encoding.
    odd: bool,
    /// How a file ended in whose place something of another kind stands: both are one edit.
    replaced: Option<End>,
    /// Whether such a thing comes next.
    goes_on: bool,
}

/// What is said of a file with bytes that are shown as escapes.
const ODD: &str = "some bytes are no text in UTF-8: shown as escapes such as \\xff";

impl<'r> DiffText<'r> {
    /// Makes one that hands everything on.
    pub(super) fn new(receiver: &'r mut dyn EditReceiver) -> DiffText<'r> {
        DiffText {
            receiver,
            marks: true,
            text: Vec::new(),
            charset: Charset::default(),
            colors: None,
            left: None,
            odd: false,
            replaced: None,
            goes_on: false,
        }
    }

    /// Makes one that colours lines, as long as any are `left`.
    pub(super) fn colored(receiver: &'r mut dyn EditReceiver, left: &'r ColorLimit) -> DiffText<'r> {
        DiffText { left: Some(left), ..DiffText::new(receiver) }
    }

    /// Without marks, for programs.
    pub(super) fn plain(receiver: &'r mut dyn EditReceiver) -> DiffText<'r> {
        DiffText { marks: false, ..DiffText::new(receiver) }
    }

    fn line<'s>(&mut self, sign: u8, line: &[u8], changed: impl Iterator<Item = &'s Range<usize>>) {
        self.text.push(sign);
        let body = line.strip_suffix(b"\n").unwrap_or(line);
        self.odd |= std::str::from_utf8(body).is_err();
        if !self.marks {
            escaped(body, |character| push_char(&mut self.text, character));
            self.end_line(body.len() == line.len());
            return;
        }
        let mut at = 0;
        for range in changed.filter(|range| !range.is_empty()) {
            let (from, to) = (range.start.min(body.len()).max(at), range.end.min(body.len()));
            if from < to {
                push_plain(&mut self.text, &body[at..from]);
                push_char(&mut self.text, MARKS[0]);
                push_plain(&mut self.text, &body[from..to]);
                push_char(&mut self.text, MARKS[1]);
                at = to;
            }
        }
        push_plain(&mut self.text, &body[at..]);
        self.end_line(body.len() == line.len());
    }

    fn end_line(&mut self, open: bool) {
        self.text.push(b'\n');
        if open {
            self.text.extend_from_slice(b"\\ No newline at end of file\n");
        }
    }

    /// Adds lines to those with colours; without any left, no more of this file has some.
    fn color(&mut self, lines: usize, add: impl FnOnce(&mut SteadyColors)) {
        let Some(left) = self.left else { return };
        let Some(colors) = &mut self.colors else { return };
        if !left.take(lines, || add(colors)) {
            self.end_colors();
        }
    }

    fn end_colors(&mut self) {
        if let Some(mut colors) = self.colors.take() {
            let text = colors.take();
            // Nothing but line ends colours nothing.
            if text.iter().any(|byte| *byte != b'\n') {
                self.receiver.colors(&text);
            }
        }
    }

    fn hand_on(&mut self) -> io::Result<()> {
        self.receiver.text(&self.text)?;
        self.text.clear();
        Ok(())
    }
}

impl Show for DiffText<'_> {
    fn start(&mut self, file: FileHeader) -> io::Result<()> {
        if self.replaced.is_some() {
            return Ok(());
        }
        (self.charset, self.odd) = (Charset::default(), false);
        let both = file.with_successor();
        self.colors = self.left.filter(|left| !left.is_reached()).and_then(|_| SteadyColors::of(&file.path));
        self.goes_on = both.is_some();
        self.receiver.start(both.unwrap_or(file))
    }

    fn finish(&mut self, end: End) -> io::Result<()> {
        if std::mem::take(&mut self.goes_on) {
            self.replaced = Some(end);
            return Ok(());
        }
        self.end_colors();
        let end = match self.replaced.take() {
            Some(first) => first.with_successor(end),
            None => end,
        };
        let odd = self.odd.then(|| ODD.to_owned());
        let said = [end.note.clone(), self.charset.note(), odd].into_iter().flatten().collect::<Vec<_>>();
        let note = Some(said.join("; ")).filter(|note| !note.is_empty());
        self.receiver.end(End { note, ..end })
    }

    fn text(&mut self, _line: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn reads_text(&self) -> bool {
        true
    }
}

impl Sink for DiffText<'_> {
    fn open(&mut self, old: u64, new: u64, heading: &[u8]) -> io::Result<()> {
        self.text.extend_from_slice(format!("@@ -{old} +{new} @@").as_bytes());
        let heading = heading.trim_ascii_end();
        if !heading.is_empty() {
            self.text.push(b' ');
            push_plain(&mut self.text, heading);
        }
        self.text.push(b'\n');
        self.color(0, SteadyColors::hunk);
        self.hand_on()
    }

    fn context(&mut self, line: &[u8]) -> io::Result<()> {
        self.charset.look([line].into_iter());
        let text = self.charset.read(line);
        self.line(b' ', &text, [].iter());
        self.color(1, |colors| colors.context(&text));
        self.receiver.sides(&[line], &[line])?;
        self.hand_on()
    }

    fn change<'l>(&mut self, removed: &[&'l [u8]], added: &[&'l [u8]]) -> io::Result<()> {
        self.charset.look(removed.iter().chain(added).copied());
        let mut read = |lines: &[&'l [u8]]| -> Vec<Cow<'l, [u8]>> {
            lines.iter().map(|line| self.charset.read(line)).collect()
        };
        let (old, new) = (read(removed), read(added));
        let words = if self.marks {
            ChangedWords::between(&old, &new)
        } else {
            ChangedWords::between::<&[u8]>(&[], &[])
        };
        for (number, line) in old.iter().enumerate() {
            self.line(b'-', line, words.in_old(number));
        }
        for (number, line) in new.iter().enumerate() {
            self.line(b'+', line, words.in_new(number));
        }
        self.color(old.len() + new.len(), |colors| colors.change(&old, &new));
        self.receiver.sides(removed, added)?;
        self.hand_on()
    }

    fn close(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn push_char(text: &mut Vec<u8>, character: char) {
    text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Writes content: UTF-8, without line ends inside and without our marks.
fn push_plain(text: &mut Vec<u8>, content: &[u8]) {
    if !content.contains(&MARK)
        && let Ok(plain) = std::str::from_utf8(content)
    {
        text.extend_from_slice(plain.as_bytes());
        return;
    }
    escaped(content, |character| match MARKS.iter().position(|mark| *mark == character) {
        Some(number) => {
            push_char(text, MARKS[2]);
            text.extend_from_slice(number.to_string().as_bytes());
        }
        None => push_char(text, character),
    });
}

/// Hands on the characters of some bytes, with those of an escape for each byte that is no text.
fn escaped(content: &[u8], mut take: impl FnMut(char)) {
    for chunk in content.utf8_chunks() {
        chunk.valid().chars().for_each(&mut take);
        chunk
            .invalid()
            .iter()
            .flat_map(|byte| format!("\\x{byte:02x}").into_bytes())
            .for_each(|byte| take(char::from(byte)));
    }
}

/// Keeps the text of one diff, and what is said of it.
#[derive(Default)]
struct Kept {
    text: Vec<u8>,
    colors: Vec<u8>,
    notes: Vec<String>,
}

impl EditReceiver for Kept {
    fn start(&mut self, _file: FileHeader) -> io::Result<()> {
        Ok(())
    }

    fn text(&mut self, text: &[u8]) -> io::Result<()> {
        self.text.extend_from_slice(text);
        Ok(())
    }

    fn end(&mut self, end: End) -> io::Result<()> {
        self.notes = end.notes();
        Ok(())
    }

    fn colors(&mut self, colors: &[u8]) {
        self.colors = colors.to_vec();
    }
}

/// A diff of what a call was given, and its colours.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct CallDiff {
    /// The lines.
    pub(super) text: String,
    /// Colours for the first of them.
    pub(super) colors: Vec<u8>,
}

impl CallDiff {
    /// Adds what comes next.
    fn push(&mut self, next: &CallDiff) {
        if !next.colors.is_empty() {
            let missing =
                self.text.lines().count() - self.colors.iter().filter(|byte| **byte == b'\n').count();
            self.colors.extend(std::iter::repeat_n(b'\n', missing));
            self.colors.extend_from_slice(&next.colors);
        }
        self.text.push_str(&next.text);
    }
}

/// Returns what a call was given as a diff, if it was to edit a file; lines are coloured as long as any are `left`.
pub(super) fn edit_of(call: &ToolCall, left: &ColorLimit) -> Option<CallDiff> {
    let path = call.given("file_path").unwrap_or_default();
    let (old, new) = match call.tool.as_str() {
        "Edit" => (call.given("old_string")?, call.given("new_string")?),
        "Write" => ("", call.given("content")?),
        "MultiEdit" => return edits_of(call, path, left),
        _ => return None,
    };
    let diff = diff_of(path, old, new, left)?;
    let extra = call
        .input
        .iter()
        .filter(|(name, _)| !["file_path", "old_string", "new_string", "content"].contains(&name.as_str()));
    let extra = extra.filter(|(name, value)| !(name == "replace_all" && value == "false"));
    let notes: String =
        extra.map(|(name, value)| format!("@@ {name}: {}\n", value.replace('\n', " "))).collect();
    let mut all = CallDiff { text: notes, colors: Vec::new() };
    all.push(&diff);
    Some(all)
}

/// Returns several edits of one file as a diff.
fn edits_of(call: &ToolCall, path: &str, left: &ColorLimit) -> Option<CallDiff> {
    #[derive(serde::Deserialize)]
    struct One {
        old_string: String,
        new_string: String,
    }
    let edits: Vec<One> = serde_json::from_str(call.given("edits")?).ok()?;
    let mut all = CallDiff::default();
    for one in &edits {
        all.push(&diff_of(path, &one.old_string, &one.new_string, left)?);
    }
    Some(all)
}

/// Returns the diff of two parts of a file, if there is one.
fn diff_of(path: &str, old: &str, new: &str, left: &ColorLimit) -> Option<CallDiff> {
    // Both are parts of a file: that neither ends with a line says nothing.
    let open = !old.ends_with('\n') && !new.ends_with('\n');
    let [old, new] =
        [old, new].map(|part| if open && !part.is_empty() { format!("{part}\n") } else { part.to_owned() });
    let mut kept = Kept::default();
    let sides = (old.as_bytes(), new.as_bytes());
    let mut text = DiffText::colored(&mut kept, left);
    let file = FileHeader { path: path.as_bytes().to_vec(), ..FileHeader::default() };
    show_readers(file, sides, None, (None, None), Options::default(), &mut text).ok()?;
    // Nothing, if it is binary or both are the same: then it is shown as it was given.
    let text = String::from_utf8(kept.text).ok()?;
    (!text.is_empty()).then_some(CallDiff { text, colors: kept.colors })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diff(old: &str, new: &str) -> String {
        let mut kept = Kept::default();
        let sides = (old.as_bytes(), new.as_bytes());
        let mut text = DiffText::new(&mut kept);
        show_readers(FileHeader::default(), sides, None, (None, None), Options::default(), &mut text)
            .expect("shown");
        String::from_utf8(kept.text).expect("UTF-8")
    }

    #[test]
    fn a_diff_has_signs_and_marks_around_changed_words() {
        assert_eq!(
            diff("one\nlet total = sum(items, 10);\n", "one\nlet total = sum(items, 20);\nlast"),
            "@@ -1 +1 @@\n one\n-let total = sum(items, \u{e000}10\u{e001});\n\
             +let total = sum(items, \u{e000}20\u{e001});\n+last\n\\ No newline at end of file\n"
        );
    }

    #[test]
    fn what_a_call_was_given_has_its_colours_line_by_line() {
        let left = ColorLimit::new(5);
        let first = diff_of("/x/a.rs", "let a = 1;", "let b = 1;", &left).expect("a diff");
        assert_eq!(
            String::from_utf8(first.colors.clone()).expect("ASCII").lines().collect::<Vec<_>>().len(),
            first.text.lines().count()
        );
        assert!(first.colors.starts_with(b"\n!$k"), "{:?}", String::from_utf8_lossy(&first.colors));
        assert_eq!(left.left(), 3);
        let mut all = CallDiff { text: "@@ replace_all: true\n".to_owned(), colors: Vec::new() };
        all.push(&first);
        assert!(all.colors.starts_with(b"\n\n!$k"));
        // Behind the last that may have some, no line has any.
        let long = "let a = 1;\n".repeat(9);
        assert_eq!(diff_of("a.rs", "", &long, &left).expect("a diff").colors, b"");
        assert_eq!(diff_of("a.unheard-of", "", "let a = 1;", &left).expect("a diff").colors, b"");
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_snap_diff_shows_them() {
        assert_eq!(diff("", "caf\u{e9}\n"), "@@ -1 +1 @@\n+caf\u{e9}\n");
        let shown = |new: &[u8]| {
            let mut kept = Kept::default();
            let mut text = DiffText::new(&mut kept);
            let none = (None, None);
            show_readers(FileHeader::default(), (&b""[..], new), None, none, Options::default(), &mut text)
                .expect("shown");
            (String::from_utf8(kept.text).expect("UTF-8"), kept.notes)
        };
        let (text, notes) = shown(b"caf\xe9 au lait\n");
        assert_eq!(text, "@@ -1 +1 @@\n+caf\u{e9} au lait\n");
        assert_eq!(notes, ["not UTF-8: read as windows-1252, a guess"]);
        let (text, notes) = shown("caf\u{e9}\n".bytes().chain(*b"caf\xe9\n").collect::<Vec<_>>().as_slice());
        assert_eq!(text, "@@ -1 +1 @@\n+caf\u{e9}\n+caf\\xe9\n");
        assert_eq!(notes, [ODD]);
    }

    #[test]
    fn marks_in_a_file_are_not_taken_for_marks() {
        assert_eq!(diff("", "a\u{e000}b\u{e001}\u{e002}\n"), "@@ -1 +1 @@\n+a\u{e002}0b\u{e002}1\u{e002}2\n");
    }
}
