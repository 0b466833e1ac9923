//! Diffs as the text of a page: signs, and marks around changed words. The hunks are those of `snap diff`.
//!
//! The marks are three characters of the private use area; the same characters in a file are written as the third
//! one and a digit.

use std::io;
use std::ops::Range;

use crate::client::transcript::call::ToolCall;
use crate::compare::show_readers;
use crate::diff::{ChangedWords, End, FileHeader, Options, Show, Sink};

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
}

impl<'r> DiffText<'r> {
    /// Makes one that hands everything on.
    pub(super) fn new(receiver: &'r mut dyn EditReceiver) -> DiffText<'r> {
        DiffText { receiver, marks: true, text: Vec::new() }
    }

    /// Without marks, for programs.
    pub(super) fn plain(receiver: &'r mut dyn EditReceiver) -> DiffText<'r> {
        DiffText { marks: false, ..DiffText::new(receiver) }
    }

    fn line<'s>(&mut self, sign: u8, line: &[u8], changed: impl Iterator<Item = &'s Range<usize>>) {
        self.text.push(sign);
        let body = line.strip_suffix(b"\n").unwrap_or(line);
        if !self.marks {
            self.text.extend_from_slice(String::from_utf8_lossy(body).as_bytes());
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

    fn hand_on(&mut self) -> io::Result<()> {
        self.receiver.text(&self.text)?;
        self.text.clear();
        Ok(())
    }
}

impl Show for DiffText<'_> {
    fn start(&mut self, file: FileHeader) -> io::Result<()> {
        self.receiver.start(file)
    }

    fn finish(&mut self, end: End) -> io::Result<()> {
        self.receiver.end(end)
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
        self.hand_on()
    }

    fn context(&mut self, line: &[u8]) -> io::Result<()> {
        self.line(b' ', line, [].iter());
        self.receiver.sides(&[line], &[line])?;
        self.hand_on()
    }

    fn change(&mut self, removed: &[&[u8]], added: &[&[u8]]) -> io::Result<()> {
        let words = if self.marks {
            ChangedWords::between(removed, added)
        } else {
            ChangedWords::between::<&[u8]>(&[], &[])
        };
        for (number, line) in removed.iter().enumerate() {
            self.line(b'-', line, words.in_old(number));
        }
        for (number, line) in added.iter().enumerate() {
            self.line(b'+', line, words.in_new(number));
        }
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
    for character in String::from_utf8_lossy(content).chars() {
        match MARKS.iter().position(|mark| *mark == character) {
            Some(number) => {
                push_char(text, MARKS[2]);
                text.extend_from_slice(number.to_string().as_bytes());
            }
            None => push_char(text, character),
        }
    }
}

/// Keeps the text of one diff.
#[derive(Default)]
struct Kept(Vec<u8>);

impl EditReceiver for Kept {
    fn start(&mut self, _file: FileHeader) -> io::Result<()> {
        Ok(())
    }

    fn text(&mut self, text: &[u8]) -> io::Result<()> {
        self.0.extend_from_slice(text);
        Ok(())
    }

    fn end(&mut self, _end: End) -> io::Result<()> {
        Ok(())
    }
}

/// Returns what a call was given as a diff, if it was to edit a file.
pub(super) fn edit_of(call: &ToolCall) -> Option<String> {
    let (old, new) = match call.tool.as_str() {
        "Edit" => (call.given("old_string")?, call.given("new_string")?),
        "Write" => ("", call.given("content")?),
        "MultiEdit" => return edits_of(call),
        _ => return None,
    };
    let text = diff_of(old, new)?;
    let extra = call
        .input
        .iter()
        .filter(|(name, _)| !["file_path", "old_string", "new_string", "content"].contains(&name.as_str()));
    let extra = extra.filter(|(name, value)| !(name == "replace_all" && value == "false"));
    let notes: String =
        extra.map(|(name, value)| format!("@@ {name}: {}\n", value.replace('\n', " "))).collect();
    Some(notes + &text)
}

/// Returns several edits of one file as a diff.
fn edits_of(call: &ToolCall) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct One {
        old_string: String,
        new_string: String,
    }
    let all: Vec<One> = serde_json::from_str(call.given("edits")?).ok()?;
    all.iter().map(|one| diff_of(&one.old_string, &one.new_string)).collect()
}

/// Returns the diff of two parts of a file, if there is one.
fn diff_of(old: &str, new: &str) -> Option<String> {
    // Both are parts of a file: that neither ends with a line says nothing.
    let open = !old.ends_with('\n') && !new.ends_with('\n');
    let [old, new] =
        [old, new].map(|part| if open && !part.is_empty() { format!("{part}\n") } else { part.to_owned() });
    let mut kept = Kept::default();
    let sides = (old.as_bytes(), new.as_bytes());
    let mut text = DiffText::new(&mut kept);
    let file = FileHeader::default();
    show_readers(file, sides, None, (None, None), Options::default(), &mut text).ok()?;
    // Nothing, if it is binary or both are the same: then it is shown as it was given.
    let text = String::from_utf8(kept.0).ok()?;
    (!text.is_empty()).then_some(text)
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
        String::from_utf8(kept.0).expect("UTF-8")
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
    fn marks_in_a_file_are_not_taken_for_marks() {
        assert_eq!(diff("", "a\u{e000}b\u{e001}\u{e002}\n"), "@@ -1 +1 @@\n+a\u{e002}0b\u{e002}1\u{e002}2\n");
    }
}
