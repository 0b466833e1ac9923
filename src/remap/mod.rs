//! Rewrites the paths of one place to those of another: one pass over bytes.
//!
//! Copies records and texts, with every mention of an old path replaced that `mentions` finds and
//! the mode reaches. Invariants: bytes outside a replaced mention are never changed, the output is
//! never searched again, and a valid JSON record stays one. Signed thinking and base64 data stay as
//! they are, and so does the text of files that the model has read or written. Pure: no reading, no writing, no logging. Always run it on the pristine copy: mapping
//! `/a` to `/a/b` twice would nest.

mod counterpart;
mod file_calls;
mod file_texts;
mod forms;
mod json_spans;
mod map;
mod mentions;
mod outside;
mod path_boundaries;
mod root;

use std::ops::Range;

use aho_corasick::AhoCorasick;
use memchr::{memchr, memrchr};

use self::forms::patterns;
use self::json_spans::Span;
use self::mentions::{Finder, Mention, Surface};
use self::path_boundaries::{Boundary, Nesting, backslashes, in_other_projects, is_one_path};

pub use self::counterpart::{counterpart, way_below};
pub use self::file_calls::FileCalls;
pub use self::forms::Form;
pub use self::map::{MapError, MapSpec, Pair, PairKind, PathMap, is_absolute};
pub use self::outside::Outside;

/// How much is rewritten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RemapMode {
    /// Every mention: the session remembers the new place only.
    #[default]
    Rewrite,
    /// Only what the client needs to find and load the session; messages stay byte for byte.
    Keep,
}

/// What was done. Sums up over any number of records; see [`RemapReport::add`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemapReport {
    forms: [u64; Form::ALL.len()],
    /// Records and texts with at least one replaced mention.
    pub changed: u64,
    /// Mentions left in signed thinking and base64 data.
    pub protected: u64,
    /// Mentions left in the text of files that the model has read or written.
    pub in_files: u64,
    /// Mentions left in messages by [`RemapMode::Keep`].
    pub kept: u64,
}

impl RemapReport {
    /// Replaced mentions by the form in which they were written; forms that did occur.
    pub fn forms(&self) -> impl Iterator<Item = (Form, u64)> {
        Form::ALL.into_iter().zip(self.forms).filter(|(_, count)| *count > 0)
    }

    /// Replaced mentions.
    pub fn replaced(&self) -> u64 {
        self.forms.iter().sum()
    }

    /// Mentions of old paths that are still there.
    pub fn leftovers(&self) -> u64 {
        self.protected + self.in_files + self.kept
    }

    /// Adds what another part of the same session reports.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.forms.iter_mut().zip(other.forms) {
            *mine += theirs;
        }
        self.changed += other.changed;
        self.protected += other.protected;
        self.in_files += other.in_files;
        self.kept += other.kept;
    }

    fn count(&mut self, form: Form) {
        if let Some(count) = self.forms.get_mut(form as usize) {
            *count += 1;
        }
    }
}

/// A [`PathMap`], made ready to run. Immutable; threads may share it.
#[derive(Debug)]
pub struct Remapper {
    mode: RemapMode,
    finder: Finder,
    marks: AhoCorasick,
    file_marks: AhoCorasick,
    /// As they stand in a record.
    rewritten: Vec<Vec<u8>>,
}

/// Takes the result piece by piece.
pub type PieceSink<'o> = &'o mut dyn FnMut(&[u8]);

/// What a record holds that has something to protect.
const MARKS: [&str; 3] = ["thinking\"", "\"signature\"", "base64\""];

/// Where mentions are replaced. Spans are ascending and disjoint.
enum ReplaceIn {
    Outside { signed: Vec<Span>, files: Vec<Span> },
    Inside(Vec<Span>),
}

/// Whether a mention is replaced, or why not.
enum Reached {
    Yes,
    Signed,
    InFile,
    Kept,
}

impl ReplaceIn {
    fn of(&self, mention: &Span) -> Reached {
        match self {
            Self::Outside { signed, .. } if is_in(signed, mention.start) => Reached::Signed,
            Self::Outside { files, .. } if is_in(files, mention.start) => Reached::InFile,
            Self::Inside(spans) if !is_in(spans, mention.start) => Reached::Kept,
            _ => Reached::Yes,
        }
    }
}

fn is_in(spans: &[Span], place: usize) -> bool {
    let next = spans.partition_point(|span| span.end <= place);
    spans.get(next).is_some_and(|span| span.start <= place)
}

impl Remapper {
    /// Prepares a map.
    ///
    /// # Errors
    /// [`MapError::TooLarge`] if the map has more pairs than can be searched for at once.
    pub fn new(map: &PathMap, mode: RemapMode) -> Result<Self, MapError> {
        let patterns = if map.is_noop() { Vec::new() } else { patterns(map) };
        let finder = Finder::new(patterns, map.ignores_case())?;
        let marks = AhoCorasick::new(MARKS).map_err(|_| MapError::TooLarge)?;
        let file_marks = AhoCorasick::new(file_texts::MARKS).map_err(|_| MapError::TooLarge)?;
        let in_record = |folder: &String| folder.replace('\\', "\\\\").into_bytes();
        let rewritten = map.rewritten().iter().map(in_record).collect();
        Ok(Self { mode, finder, marks, file_marks, rewritten })
    }

    /// Appends one JSON record to `out`, remapped; says whether it changed. The record may end in
    /// a line break, and may be a whole pretty-printed document.
    pub fn remap_line(&self, line: &[u8], out: &mut Vec<u8>, report: &mut RemapReport) -> bool {
        let calls = FileCalls::default();
        self.remap_line_to(line, &calls, &mut |bytes| out.extend_from_slice(bytes), report)
    }

    /// As [`Remapper::remap_line`], and knows the calls whose results it may hold; hands the result out in pieces: no copy
    /// of a huge line is made.
    pub fn remap_line_to(
        &self,
        line: &[u8],
        calls: &FileCalls,
        out: PieceSink<'_>,
        report: &mut RemapReport,
    ) -> bool {
        match self.finder.find(line, 0, Surface::Record) {
            Some(first) => self.remap_record(line, calls, first, out, report),
            None => {
                out(line);
                false
            }
        }
    }

    /// Appends any number of whole lines to `out`, one record each. Faster than line by line: only
    /// lines with a mention are looked for.
    pub fn remap_lines(&self, lines: &[u8], out: &mut Vec<u8>, report: &mut RemapReport) -> bool {
        let out: PieceSink<'_> = &mut |bytes| out.extend_from_slice(bytes);
        let calls = FileCalls::default();
        let mut done = 0;
        let mut changed = false;
        while let Some(mention) = self.finder.find(lines, done, Surface::Record) {
            let Range { start, end } = mention.span;
            let before = lines.get(done..start).unwrap_or_default();
            let from = memrchr(b'\n', before).map_or(done, |at| done + at + 1);
            let after = lines.get(end..).unwrap_or_default();
            let to = memchr(b'\n', after).map_or(lines.len(), |at| end + at);
            out(lines.get(done..from).unwrap_or_default());
            let line = lines.get(from..to).unwrap_or_default();
            let first = Mention { span: start - from..end - from, ..mention };
            changed |= self.remap_record(line, &calls, first, out, report);
            done = to;
        }
        out(lines.get(done..).unwrap_or_default());
        changed
    }

    /// Appends a plain text to `out`, remapped; says whether it changed. [`RemapMode::Keep`] keeps it.
    pub fn remap_text(&self, text: &[u8], out: &mut Vec<u8>, report: &mut RemapReport) -> bool {
        self.remap_text_to(text, &mut |bytes| out.extend_from_slice(bytes), report)
    }

    /// As [`Remapper::remap_text`], and hands the result out in pieces.
    pub fn remap_text_to(&self, text: &[u8], out: PieceSink<'_>, report: &mut RemapReport) -> bool {
        match self.finder.find(text, 0, Surface::Text) {
            Some(first) => {
                let reach = match self.mode {
                    RemapMode::Rewrite => ReplaceIn::Outside { signed: Vec::new(), files: Vec::new() },
                    RemapMode::Keep => ReplaceIn::Inside(Vec::new()),
                };
                self.replace(text, Surface::Text, first, &reach, out, report)
            }
            None => {
                out(text);
                false
            }
        }
    }

    /// How many mentions of old paths the bytes hold, wherever they stand.
    pub fn mentions(&self, bytes: &[u8]) -> u64 {
        let mut count = 0;
        let mut at = 0;
        while let Some(mention) = self.finder.find(bytes, at, Surface::Record) {
            count += u64::from(!mention.pattern.stays());
            at = mention.span.end;
        }
        count
    }

    fn remap_record<'a>(
        &'a self,
        line: &[u8],
        calls: &FileCalls,
        first: Mention<'a>,
        out: PieceSink<'_>,
        report: &mut RemapReport,
    ) -> bool {
        let if_marked = |marks: &AhoCorasick, spans: &dyn Fn() -> Vec<Span>| {
            if marks.is_match(line) { spans() } else { Vec::new() }
        };
        let is_prose = |path: &[u8]| self.rewritten.iter().any(|folder| is_below(path, folder));
        let reach = match self.mode {
            RemapMode::Keep => ReplaceIn::Inside(json_spans::places(line)),
            RemapMode::Rewrite => ReplaceIn::Outside {
                signed: if_marked(&self.marks, &|| json_spans::protected(line)),
                files: if_marked(&self.file_marks, &|| file_texts::of_files(line, calls, is_prose)),
            },
        };
        self.replace(line, Surface::Record, first, &reach, out, report)
    }

    /// Copies `hay` with the mentions within reach replaced, beginning with the `first` one.
    fn replace<'a>(
        &'a self,
        hay: &[u8],
        surface: Surface,
        first: Mention<'a>,
        reach: &ReplaceIn,
        out: PieceSink<'_>,
        report: &mut RemapReport,
    ) -> bool {
        let mut nesting = Nesting::default();
        let mut copied = 0;
        let mut changed = false;
        let mut next = Some(first);
        // Where the mention of a path ended that was the last.
        let mut last = None;
        while let Some(Mention { span, pattern }) = next {
            next = self.finder.find(hay, span.end, surface);
            let goes_on = last.is_some_and(|end| is_one_path(hay, end..span.start));
            if pattern.edge == Boundary::Slug && !goes_on && in_other_projects(hay, span.start) {
                continue;
            }
            if pattern.edge == Boundary::Path {
                last = Some(span.end);
            }
            if pattern.stays() {
                continue;
            }
            match reach.of(&span) {
                Reached::Yes => {}
                Reached::Signed => {
                    report.protected += 1;
                    continue;
                }
                Reached::InFile => {
                    report.in_files += 1;
                    continue;
                }
                Reached::Kept => {
                    report.kept += 1;
                    continue;
                }
            }
            out(hay.get(copied..span.start).unwrap_or_default());
            let level = match pattern.new.len() {
                1 => 0,
                _ => nesting.level_at(hay, span.start).max(usize::from(surface == Surface::Record)),
            };
            out(pattern.new.get(level).map_or(&[], Vec::as_slice));
            copied = span.end;
            if pattern.turns_slashes {
                let limit = next.as_ref().map_or(hay.len(), |mention| mention.span.start);
                let rest = hay.get(copied..limit).unwrap_or_default();
                copied += turn_slashes(rest, pattern.separator, out);
            }
            report.count(pattern.form);
            changed = true;
        }
        out(hay.get(copied..).unwrap_or_default());
        report.changed += u64::from(changed);
        changed
    }
}

/// Whether a path, as it stands in a record, is that of something in a folder.
fn is_below(path: &[u8], folder: &[u8]) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with(b"/") || rest.starts_with(b"\\"))
}

/// Writes what follows a path that was separated by backslashes with slashes, as far as it goes on
/// with plain names; says how many bytes it read.
fn turn_slashes(rest: &[u8], separator: usize, out: PieceSink<'_>) -> usize {
    let in_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.@+".contains(byte) || !byte.is_ascii();
    let mut at = 0;
    while let Some(tail) = rest.get(at..)
        && backslashes(tail) == separator
    {
        let name = tail.get(separator..).unwrap_or_default();
        let length = name.iter().take_while(|byte| in_name(byte)).count();
        out(b"/");
        out(name.get(..length).unwrap_or_default());
        at += separator + length;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reports_of_all_parts_of_a_session_add_up() {
        let report = |times: u64| {
            let (changed, protected, in_files, kept) = (7 * times, 2 * times, 3 * times, 5 * times);
            let mut report = RemapReport { changed, protected, in_files, kept, forms: [0; Form::ALL.len()] };
            (0..times).for_each(|_| report.count(Form::ALL[0]));
            report
        };
        let mut sum = report(1);
        sum.add(&report(3));
        assert_eq!(sum, report(4));
        assert_eq!((sum.leftovers(), sum.replaced()), (40, 4));
    }
}
