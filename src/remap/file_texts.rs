//! Finds the strings of a JSON record that are the text of files: what was read, written and compared.
//!
//! Such a text stands in the conversation as it is on the disk, and the bytes on the disk are carried unchanged. With
//! other words in the conversation, the next edit of that file fails. The paths of these files are places like all others.
//! One pass over the tokens of a record; invariant as for [`json_spans`](super::json_spans): spans are ascending and
//! disjoint.

use memchr::memchr;

use crate::remap::file_calls::{FileCalls, NamesPlaces};
use crate::remap::json_spans::{Span, Token, tokens};

/// Keys whose values, and all that is below them, are text of files.
const TEXT_KEYS: [&[u8]; 13] = [
    b"old_string",
    b"new_string",
    b"oldString",
    b"newString",
    b"new_source",
    b"old_source",
    b"originalFile",
    b"original_file",
    b"updated_file",
    b"originalFileContents",
    b"structuredPatch",
    b"snippet",
    b"cells",
];

/// Keys whose value is text of the file that is named beside them.
const BESIDE_PATH: [&[u8]; 3] = [b"content", b"rawContent", b"patch"];

/// Keys that name a file.
const PATH_KEYS: [&[u8]; 5] = [b"file_path", b"filePath", b"path", b"filename", b"notebook_path"];

/// What a record holds that may have text of a file.
pub(crate) const MARKS: [&str; 12] = [
    "\"tool_result\"",
    "\"file_path\"",
    "\"filePath\"",
    "\"path\"",
    "\"filename\"",
    "\"notebook_path\"",
    "_string\"",
    "\"oldString\"",
    "\"newString\"",
    "\"structuredPatch\"",
    "\"snippet\"",
    "\"cells\"",
];

/// How a result begins that was too long: its second line names the file that has all of it.
const KEPT_ASIDE: &[u8] = b"<persisted-output>";

/// An object or a list that is being read.
#[derive(Default)]
struct Container<'a> {
    /// The key of the member that is being read.
    key: &'a [u8],
    strings: Vec<PendingString<'a>>,
    path: &'a [u8],
    is_named: bool,
    is_result: bool,
    failed: bool,
    call: &'a [u8],
}

/// A string below a container of which is not known yet what it is.
struct PendingString<'a> {
    /// The member of the container that it is in.
    key: &'a [u8],
    span: Span,
    /// It is that member.
    direct: bool,
}

/// What is known of a record as a whole.
#[derive(Default)]
struct RecordTexts {
    files: Vec<(Span, NamesPlaces)>,
    /// The strings of results, and of which calls.
    results: Vec<(Span, Option<NamesPlaces>)>,
    /// The same results, as the client's own tools see them.
    outputs: Vec<Span>,
    /// What the result is, if its call is not known.
    likely: Option<NamesPlaces>,
}

/// Returns the strings, or parts of strings, that are text of files. A file for which `is_prose` holds by its path is none.
pub(crate) fn of_files(record: &[u8], calls: &FileCalls, is_prose: impl Fn(&[u8]) -> bool) -> Vec<Span> {
    let mut found = RecordTexts::default();
    let mut open: Vec<Container<'_>> = Vec::new();
    for token in tokens(record) {
        match (token, open.last_mut()) {
            (Token::Open, _) => open.push(Container::default()),
            (Token::Close, _) => {
                if let Some(container) = open.pop() {
                    found.close(container, &mut open, calls, &is_prose);
                }
            }
            (Token::Key(span), Some(container)) => {
                let after = record.get(span.end + 1..).unwrap_or_default().trim_ascii_start();
                let value = after.strip_prefix(b":").unwrap_or(after).trim_ascii_start();
                container.key = record.get(span).unwrap_or_default();
                container.failed |= container.key == b"is_error" && value.starts_with(b"true");
            }
            (Token::Text(span), Some(container)) => {
                container.take(record.get(span.clone()).unwrap_or_default(), span);
            }
            (Token::Key(_) | Token::Text(_), None) => {}
        }
    }
    // What is still open is torn.
    while let Some(container) = open.pop() {
        found.close(container, &mut open, calls, &is_prose);
    }
    found.spans(record)
}

impl<'a> Container<'a> {
    fn take(&mut self, text: &'a [u8], span: Span) {
        match self.key {
            key if PATH_KEYS.contains(&key) => self.path = text,
            b"name" => self.is_named = true,
            b"type" => self.is_result |= text == b"tool_result",
            b"tool_use_id" => self.call = text,
            _ => {}
        }
        self.strings.push(PendingString { key: self.key, span, direct: true });
    }
}

impl RecordTexts {
    /// Decides what the strings of a container are, or leaves that to the one around it.
    fn close<'a>(
        &mut self,
        container: Container<'a>,
        around: &mut [Container<'a>],
        calls: &FileCalls,
        is_prose: &impl Fn(&[u8]) -> bool,
    ) {
        let is_top = around.len() == 1;
        let above = around.last_mut();
        let in_result = is_top && above.as_ref().is_some_and(|above| above.key == b"toolUseResult");
        let is_file = !container.path.is_empty() && !is_prose(container.path);
        let is_own = container.path.is_empty() || is_file;
        if in_result {
            let has = |key: &[u8]| container.strings.iter().any(|text| text.key == key);
            if has(b"structuredPatch") || has(b"newString") {
                self.likely = Some(NamesPlaces::InFirstLine);
            } else if has(b"file") {
                self.likely = Some(NamesPlaces::Nowhere);
            }
        }
        let mut undecided = Vec::new();
        for text in container.strings {
            if TEXT_KEYS.contains(&text.key) && is_own
                || text.direct && BESIDE_PATH.contains(&text.key) && is_file && !container.is_named
            {
                self.files.push((text.span, NamesPlaces::Nowhere));
            } else if container.is_result && text.key == b"content" {
                let names = calls.answer(container.call);
                // What failed shows no file; a failed edit quotes what it did not find.
                if !(container.failed && names != Some(NamesPlaces::InFirstLine)) {
                    self.results.push((text.span, names));
                }
            } else if in_result && text.direct && [&b"stdout"[..], b"content"].contains(&text.key) {
                self.outputs.push(text.span);
            } else {
                undecided.push(text.span);
            }
        }
        if let Some(above) = above {
            let key = above.key;
            above.strings.extend(undecided.into_iter().map(|span| PendingString {
                key,
                span,
                direct: false,
            }));
        }
    }

    fn spans(self, record: &[u8]) -> Vec<Span> {
        let RecordTexts { files, results, outputs, likely } = self;
        let of_outputs = match results.as_slice() {
            [] => None,
            [(_, names), ..] => names.or(likely),
        };
        let outputs = outputs.into_iter().filter_map(|span| Some((span, of_outputs?)));
        let results = results.into_iter().filter_map(|(span, names)| Some((span, names.or(likely)?)));
        let mut spans = Vec::new();
        for (span, names) in files.into_iter().chain(results).chain(outputs) {
            match names {
                NamesPlaces::Nowhere if starts_with(record, &span, KEPT_ASIDE) => {
                    spans.extend(lines(record, &span).nth(2).map(|line| line.start..span.end));
                }
                NamesPlaces::Nowhere => spans.push(span),
                NamesPlaces::InFirstLine => {
                    spans.extend(lines(record, &span).nth(1).map(|line| line.start..span.end))
                }
                NamesPlaces::AtLineStarts => spans.extend(
                    lines(record, &span).map(|line| line.start + 1..line.end).filter(|line| !line.is_empty()),
                ),
            }
        }
        spans.sort_by_key(|span| span.start);
        spans
    }
}

fn starts_with(record: &[u8], string: &Span, start: &[u8]) -> bool {
    record.get(string.clone()).is_some_and(|text| text.starts_with(start))
}

/// The lines of a string, as it stands in JSON.
fn lines(record: &[u8], string: &Span) -> impl Iterator<Item = Span> {
    let end = string.end;
    let mut next = Some(string.start);
    std::iter::from_fn(move || {
        let start = next?;
        let mut at = start;
        loop {
            let Some(found) = record.get(at..end).and_then(|rest| memchr(b'\\', rest)) else {
                next = None;
                return Some(start..end);
            };
            at += found + 2;
            if record.get(at - 1) == Some(&b'n') && at <= end {
                next = Some(at);
                return Some(start..at - 2);
            }
        }
    })
}
