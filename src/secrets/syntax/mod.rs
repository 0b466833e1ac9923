//! One layer between texts and the judge: each syntax splits a text into names and the values under them.
//!
//! The readers begin at a trigger (`triggers.rs`) and look only at its surroundings. They say where a value
//! is and how it belongs to its name. The judge decides whether it is a secret.

pub(super) mod apart;
pub(super) mod assigned;
pub(super) mod below;
pub(super) mod calls;
pub(super) mod commands;
pub(super) mod http;
pub(super) mod markup;
mod other_names;
pub(super) mod sql;
pub(super) mod tables;
pub(super) mod words;

use std::ops::Range;

use super::judge::{self, Closeness};
use super::names::{NameMeaning, meaning_of};
use super::placeholder;

/// The longest name that is looked at.
const LONGEST_NAME: usize = 80;

/// Takes what is a secret by its name: its span, and the name.
pub(super) type OnFound<'a> = dyn FnMut(Range<usize>, &str) + 'a;

/// A name in a text.
pub(super) struct Name<'a> {
    pub(super) span: Range<usize>,
    /// With the word before it, if they are one: `API key`.
    pub(super) label: String,
    pub(super) meaning: NameMeaning,
    text: &'a [u8],
}

pub(super) fn in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)
}

pub(super) fn blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// Counts the bytes from a place on for which something holds.
pub(super) fn run(text: &[u8], at: usize, most: usize, holds: impl Fn(u8) -> bool) -> usize {
    text.get(at..).unwrap_or_default().iter().take(most).take_while(|byte| holds(**byte)).count()
}

/// The same, backwards.
pub(super) fn run_back(text: &[u8], at: usize, most: usize, holds: impl Fn(u8) -> bool) -> usize {
    text.get(..at).unwrap_or_default().iter().rev().take(most).take_while(|byte| holds(**byte)).count()
}

/// How far the ends of a line are looked for: in a text that was made small there are none.
const LONGEST_LINE: usize = 16 << 10;

pub(super) fn line_start(text: &[u8], at: usize) -> usize {
    let from = at.saturating_sub(LONGEST_LINE);
    memchr::memrchr(b'\n', &text[from..at]).map_or(from, |found| from + found + 1)
}

pub(super) fn line_end(text: &[u8], at: usize) -> usize {
    let to = text.len().min(at + LONGEST_LINE);
    memchr::memchr(b'\n', &text[at..to]).map_or(to, |found| at + found)
}

pub(super) fn str_of(text: &[u8], span: Range<usize>) -> &str {
    std::str::from_utf8(text.get(span).unwrap_or_default()).unwrap_or_default()
}

impl<'a> Name<'a> {
    /// Reads the name around a word.
    pub(super) fn around(text: &'a [u8], hit: &Range<usize>) -> Option<Name<'a>> {
        // `?code=`: the sign before is no part of it.
        let from = hit.start + usize::from(!in_name(text[hit.start]));
        let back = run_back(text, from, LONGEST_NAME, in_name);
        let start = from - back + run(text, from - back, back, |byte| b".-".contains(&byte));
        let end = start + run(text, start, LONGEST_NAME + 1, in_name);
        let end = end - run_back(text, end, end - start, |byte| b".-".contains(&byte));
        if end <= start || end - start > LONGEST_NAME || placeholder::is_within(text, start) {
            return None;
        }
        // A part of the name of a resource.
        let path = &text[start.saturating_sub(80)..start];
        if path.ends_with(b":") && memchr::memmem::find(path, b"arn:").is_some() {
            return None;
        }
        let own = std::str::from_utf8(&text[start..end]).ok()?;
        let mut label = own.to_owned();
        // Words of one name: `API key`, `Secret access key`, `Unseal Key 1`.
        if text[..start].ends_with(b" ") {
            let before = run_back(text, start - 1, 16, |byte| byte.is_ascii_alphabetic());
            let word = str_of(text, start - 1 - before..start - 1);
            if own.to_ascii_lowercase().starts_with("key") && !word.is_empty() {
                label = format!("{word}_{own}");
            }
        }
        let mut meaning = meaning_of(&label);
        // A parameter of an address is named for a reader that has no more than this.
        if meaning == NameMeaning::Perhaps && (text[..start].ends_with(b"?") || text[..start].ends_with(b"&"))
        {
            meaning = NameMeaning::Token;
        }
        (meaning > NameMeaning::Nothing).then_some(Name { span: start..end, label, meaning, text })
    }

    /// Says whether a value under this name is a secret.
    pub(super) fn holds(&self, value: &Range<usize>, bond: Closeness) -> bool {
        if other_names::has_one(self.text, value.start, &self.span) {
            return false;
        }
        let Ok(value) = std::str::from_utf8(&self.text[value.clone()]) else { return false };
        judge::is_secret_under(self.meaning, &self.label, value, bond)
    }

    /// Hands on a value if it is a secret.
    pub(super) fn offer(&self, value: Range<usize>, bond: Closeness, found: &mut OnFound<'_>) -> bool {
        let holds = self.holds(&value, bond);
        if holds {
            found(
                value,
                self.text
                    .get(self.span.clone())
                    .and_then(|name| std::str::from_utf8(name).ok())
                    .unwrap_or_default(),
            );
        }
        holds
    }

    /// Whether there is nothing before it in its line except blanks, line numbers, list signs and words
    /// such as `export`.
    pub(super) fn begins_line(&self) -> bool {
        let text = self.text;
        let start = line_start(text, self.span.start);
        let before = &text[start..self.span.start];
        if before.len() > 120 {
            return false;
        }
        let words: Vec<&[u8]> = before.split(|byte| blank(*byte)).filter(|word| !word.is_empty()).collect();
        words.iter().all(|word| is_prefix(word))
    }
}

/// What may be before a name in its line.
fn is_prefix(word: &[u8]) -> bool {
    const KEYWORDS: [&[u8]; 22] = [
        b"export",
        b"set",
        b"SET",
        b"declare",
        b"-x",
        b"-gx",
        b"-Ux",
        b"-rx",
        b"ENV",
        b"ARG",
        b"setenv",
        b"local",
        b"readonly",
        b"env",
        b"typeset",
        b"Enter",
        b"value",
        b"for",
        b"+++",
        b"RUN",
        b"secret",
        b"user",
    ];
    let signs = |byte: &u8| byte.is_ascii_digit() || !byte.is_ascii() || b"-+>#*:|\"'`$[(".contains(byte);
    let place = || {
        word.ends_with(b":") && word.iter().any(u8::is_ascii_digit)
            || word.ends_with(b":") && word.contains(&b'.')
    };
    word.iter().all(signs) || KEYWORDS.contains(&word) || place()
}

/// Reads the text around a word of a secret's name.
pub(super) fn named(text: &[u8], hit: &Range<usize>, found: &mut OnFound<'_>) -> Option<Range<usize>> {
    let name = Name::around(text, hit)?;
    http::read(&name, text, found);
    let taken = assigned::read(&name, text, found);
    markup::read(&name, text, found);
    apart::read(&name, text, found);
    if !taken {
        words::read(&name, text, found);
        assigned::literals(&name, text, found);
    }
    below::read(&name, text, found);
    tables::with_commas(&name, text, found);
    tables::aligned(&name, text, found);
    sql::columns(&name, text, found);
    Some(name.span)
}
