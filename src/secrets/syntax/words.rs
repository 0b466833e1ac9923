//! Names and values with only a blank between them: `.netrc`, configuration of servers, options of commands,
//! SQL, tables that a program aligned, and what one person tells another.

use std::ops::Range;

use super::{Name, OnFound, blank, line_end, line_start, run, run_back};
use crate::secrets::judge::Closeness;
use crate::secrets::names::NameMeaning;

/// Words that may be between the two.
const FILLERS: [&str; 14] =
    ["is", "was", "to", "now", "still", "the", "as", "be", "with", "by", "of", "for", "new", "here"];

/// Reads the word behind a name.
pub(super) fn read(name: &Name<'_>, text: &[u8], found: &mut OnFound<'_>) {
    if name.meaning == NameMeaning::Perhaps {
        return;
    }
    let end = line_end(text, name.span.end).min(name.span.end + 1_024);
    let closers = run(text, name.span.end, 6, |byte| b"*`:\"')".contains(&byte));
    let mut at = name.span.end + closers;
    let mut bond = bond(name, text, at, end);
    for _ in 0..4 {
        let blanks = run(text, at, 80, blank);
        if blanks == 0 {
            return;
        }
        at += blanks;
        let length = run(text, at, end - at, |byte| byte > b' ');
        let word = super::str_of(text, at..at + length);
        if !FILLERS.contains(&word.trim_end_matches([':', ','])) {
            break;
        }
        at += length;
        bond = bond.min(Closeness::Firm);
    }
    if let Some(span) = super::assigned::literal(text, at) {
        name.offer(span, bond.max(Closeness::Firm), found);
        return;
    }
    let length = run(text, at, end - at, |byte| byte > b' ');
    name.offer(trimmed(text, at..at + length), bond, found);
}

/// How the word behind a name belongs to it.
fn bond(name: &Name<'_>, text: &[u8], after: usize, end: usize) -> Closeness {
    let before = &text[line_start(text, name.span.start)..name.span.start];
    let is_setting = ["requirepass", "masterauth"].contains(&name.label.as_str());
    let is_option =
        is_setting || text[..name.span.start].ends_with(b" -") || text[..name.span.start].ends_with(b" --");
    let has = |word: &[u8]| memchr::memmem::find(before, word).is_some();
    if is_option || (has(b"login ") || has(b"machine ")) && name.meaning == NameMeaning::Password {
        return Closeness::Place;
    }
    let words = text[after..end].split(|byte| blank(*byte)).filter(|word| !word.is_empty()).count();
    let alone = words == 1 || words == 2 && text[after..end].trim_ascii_end().ends_with(b";");
    if alone && name.begins_line() { Closeness::Firm } else { Closeness::Loose }
}

/// Leaves out signs around a word that do not belong to it.
fn trimmed(text: &[u8], span: Range<usize>) -> Range<usize> {
    let start = span.start + run(text, span.start, span.len(), |byte| b"(\"'`*[<".contains(&byte));
    let end = span.end.max(start);
    start..end - run_back(text, end, end - start, |byte| b".,;:)\"'`*]>?".contains(&byte))
}
