//! Where a path ends: the boundary rules, and how deep in nested JSON strings a place stands.
//!
//! Both look only at the bytes around a hit, never at what the hit is mapped to. The rules prefer
//! leaving a path alone to changing one that only looks alike: `/repo2`, `/x/repo` and `/repo.git`
//! are not `/repo`. They know nothing of files; what is a sibling on disk is told by the text alone.

use std::ops::Range;

use memchr::memchr3;

/// The deepest nesting of JSON in JSON strings that is told apart; deeper counts as this deep.
pub(crate) const MAX_LEVEL: usize = 4;

/// What kind of thing a pattern is, and so what may stand beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Boundary {
    /// An absolute or home-relative path.
    Path,
    /// A directory's whole name.
    Slug,
    /// A session id: may stand between dashes and dots, as in file names.
    Id,
}

/// Whether a match of kind `edge` may begin at `start`.
pub(crate) fn may_start(hay: &[u8], start: usize, edge: Boundary) -> bool {
    let before = hay.get(..start).unwrap_or_default();
    let Some(&last) = before.last() else { return edge != Boundary::Slug };
    match edge {
        Boundary::Slug => matches!(last, b'/' | b'\\') || ends_with_ignoring_case(before, &[b"%2F", b"%5C"]),
        Boundary::Id => !last.is_ascii_alphanumeric() || ends_in_escape(before),
        Boundary::Path => match last {
            b'/' | b'\\' | b'.' | b'~' | b'$' | b'}' => false,
            _ => !joins(last_char(before)) || ends_in_escape(before) || ends_in_option(before),
        },
    }
}

/// Whether a match of kind `edge` may stop before `end`. `separator` is the number of backslashes
/// that separate components in the matched spelling, 0 where slashes do.
pub(crate) fn may_stop(hay: &[u8], end: usize, edge: Boundary, separator: usize) -> bool {
    let after = hay.get(end..).unwrap_or_default();
    let Some(&next) = after.first() else { return true };
    match (edge, next) {
        (Boundary::Id, _) => !next.is_ascii_alphanumeric(),
        (_, b'.') => after.get(1..).is_none_or(|rest| rest.is_empty() || !joins(first_char(rest))),
        (_, b'%') => starts_with_ignoring_case(after, &[b"%2F", b"%5C"]),
        (_, b'\\') => {
            let run = backslashes(after);
            run == separator || !continues_escaped(after.get(run..).unwrap_or_default())
        }
        _ => !joins(first_char(after)),
    }
}

/// Whether a folder's name stands in the `projects` of a client's folder whose absolute path is written out there.
pub(crate) fn in_other_projects(hay: &[u8], start: usize) -> bool {
    let before = hay.get(..start).unwrap_or_default();
    let above = without_separators(before);
    let Some(mut above) = above.strip_suffix(b"projects").filter(|_| above.len() < before.len()) else {
        return false;
    };
    // Up to where the path begins: at a separator with nothing before it.
    loop {
        let name = without_separators(above);
        if name.len() == above.len() {
            return false;
        }
        if name.is_empty() || !joins(last_char(name)) || ends_in_escape(name) {
            return !matches!(name.last(), Some(b'~' | b'$' | b'}' | b'%'));
        }
        let length = name.iter().rev().take_while(|byte| is_of_name(byte)).count();
        above = name.get(..name.len() - length).unwrap_or_default();
    }
}

/// Whether bytes belong to one path from their beginning to their end.
pub(crate) fn is_one_path(hay: &[u8], span: Range<usize>) -> bool {
    let between = hay.get(span).unwrap_or_default();
    between.iter().all(|byte| is_of_name(byte) || matches!(byte, b'/' | b'\\'))
}

fn is_of_name(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.@+".contains(byte) || !byte.is_ascii()
}

fn without_separators(bytes: &[u8]) -> &[u8] {
    let run = bytes.iter().rev().take_while(|byte| matches!(byte, b'/' | b'\\')).count();
    bytes.get(..bytes.len() - run).unwrap_or_default()
}

/// How many backslashes the bytes begin with.
pub(crate) fn backslashes(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|&&byte| byte == b'\\').count()
}

/// Whether what follows a run of backslashes goes on with the name: a blank escaped for the shell,
/// or a letter in its `\u` spelling.
fn continues_escaped(rest: &[u8]) -> bool {
    match rest.split_first() {
        Some((b' ', _)) => true,
        Some((b'u', digits)) => digits.get(..4).and_then(code_unit).is_some_and(joins_unit),
        _ => false,
    }
}

/// Whether the bytes end in an escape that stands for something no name goes on after: `\n`,
/// `\u2502`, or the colour codes of a terminal.
fn ends_in_escape(before: &[u8]) -> bool {
    if let Some((head, digits)) = before.split_last_chunk::<4>()
        && head.ends_with(b"\\u")
        && let Some(unit) = code_unit(digits)
    {
        return !joins_unit(unit);
    }
    match before {
        [.., b'\\', letter] if letter.is_ascii_alphabetic() => true,
        [head @ .., b'm'] => {
            let digits = head.iter().rev().take_while(|b| b.is_ascii_digit() || **b == b';').count();
            let head = head.get(..head.len() - digits).unwrap_or_default();
            head.ends_with(b"\x1b[") || ends_with_ignoring_case(head, &[b"\\u001b["])
        }
        _ => false,
    }
}

/// Whether the bytes end in a one-letter option that takes its value without a blank, as in `-I`.
fn ends_in_option(before: &[u8]) -> bool {
    match before {
        [head @ .., b'-', letter] if letter.is_ascii_alphabetic() => {
            head.is_empty() || !joins(last_char(head)) || ends_in_escape(head)
        }
        _ => false,
    }
}

fn code_unit(digits: &[u8]) -> Option<u16> {
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// Like [`joins`], for a UTF-16 unit; half of a pair is taken for half of a letter.
fn joins_unit(unit: u16) -> bool {
    joins(char::from_u32(u32::from(unit)))
}

/// Whether a character is taken for part of a file name; `None` stands for bytes that aren't UTF-8.
///
/// Beyond ASCII only punctuation that surrounds paths in prose and tables is no part of one. The
/// ellipsis is: what it shortens may be another path.
fn joins(character: Option<char>) -> bool {
    let Some(character) = character else { return true };
    if character.is_ascii() {
        return character.is_ascii_alphanumeric() || matches!(character, '_' | '-');
    }
    let surrounds = matches!(character,
        '\u{a0}' | '«' | '»' | '·'
        | '\u{2000}'..='\u{2025}' | '\u{2027}'..='\u{205f}' // spaces, dashes, quotes, bullets
        | '\u{2190}'..='\u{21ff}' | '\u{23bf}'              // arrows, the client's result corner
        | '\u{2500}'..='\u{25ff}'                           // boxes, blocks, shapes
        | '\u{3000}'..='\u{3003}' | '\u{3008}'..='\u{3011}' // CJK blanks, stops, brackets
        | '\u{ff01}' | '\u{ff08}' | '\u{ff09}' | '\u{ff0c}' | '\u{ff1a}' | '\u{ff1b}');
    !surrounds
}

fn first_char(bytes: &[u8]) -> Option<char> {
    let head = bytes.get(..4).unwrap_or(bytes);
    head.utf8_chunks().next()?.valid().chars().next()
}

fn last_char(bytes: &[u8]) -> Option<char> {
    let tail = bytes.get(bytes.len().saturating_sub(4)..)?;
    let last = tail.utf8_chunks().last()?;
    if last.invalid().is_empty() { last.valid().chars().next_back() } else { None }
}

fn starts_with_ignoring_case(bytes: &[u8], prefixes: &[&[u8]]) -> bool {
    prefixes
        .iter()
        .any(|prefix| bytes.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix)))
}

fn ends_with_ignoring_case(bytes: &[u8], suffixes: &[&[u8]]) -> bool {
    suffixes.iter().any(|suffix| {
        let tail = bytes.len().checked_sub(suffix.len()).and_then(|at| bytes.get(at..));
        tail.is_some_and(|tail| tail.eq_ignore_ascii_case(suffix))
    })
}

/// Follows the quotes of a record up to a place, to tell how many JSON strings lie around it.
///
/// The outermost level is exact for any valid record. Deeper levels are read from the number of
/// backslashes before each quote; prose may hold a lone quote, so a line break, which no string of
/// a deeper level can span, closes them.
#[derive(Debug, Default)]
pub(crate) struct Nesting {
    at: usize,
    level: usize,
}

impl Nesting {
    /// The number of strings around `place`. Places must be asked for in ascending order.
    pub(crate) fn level_at(&mut self, hay: &[u8], place: usize) -> usize {
        while let Some(found) = hay.get(self.at..place).and_then(|rest| memchr3(b'"', b'\\', b'\n', rest)) {
            let rest = hay.get(self.at + found..).unwrap_or_default();
            let run = backslashes(rest);
            match rest.get(run) {
                Some(b'"') => self.quote(quote_level(run)),
                Some(b'\n') => self.level = 0,
                Some(b'n') => self.level = self.level.min(line_break_level(run)),
                _ => {}
            }
            self.at += found + run + 1;
        }
        self.level.min(MAX_LEVEL)
    }

    fn quote(&mut self, level: usize) {
        if level <= self.level {
            self.level = level - 1;
        } else if level == self.level + 1 {
            self.level = level;
        }
    }
}

/// The level of the string that a quote after `run` backslashes opens or closes.
fn quote_level(run: usize) -> usize {
    if run.is_multiple_of(2) { 1 } else { 1 + quote_level(run / 2) }
}

/// The level of the string that holds the line break written as `run` backslashes and an `n`.
fn line_break_level(run: usize) -> usize {
    match run {
        0 => 0,
        odd if !odd.is_multiple_of(2) => 1,
        even => 1 + line_break_level(even / 2),
    }
}
