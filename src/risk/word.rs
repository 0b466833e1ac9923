//! One word of a command line: its text without quotes, and the parts that it is made of.
//!
//! Pure. Nothing is expanded here: a variable or a substitution is a part of its own, and
//! every other part knows whether it was quoted.

use std::ops::Range;

/// One word of a command, quotes removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word {
    /// The text. Variables and substitutions are in it as they were written, or as `$`.
    pub text: String,
    /// Whether an unquoted `*`, `?`, `[` or `{` can make several words of it.
    pub pattern: bool,
    /// Whether a variable or a substitution decides what it is.
    pub dynamic: bool,
    /// Whether any part of it was quoted: then it is no keyword.
    pub quoted: bool,
    /// The commands in its substitutions, by their place in the list.
    pub inner: Vec<usize>,
    /// What it is made of, in order.
    pub(super) parts: Vec<WordPart>,
}

/// A part of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum WordPart {
    /// Text, and whether it was quoted.
    Text(String, bool),
    /// The text in `${…}`, or the name after a `$`.
    Variable(String),
    /// The output of these commands, by their place in the list.
    Output(Range<usize>),
}

impl Word {
    /// Makes a word of text that stands for itself.
    pub(super) fn plain(text: &str) -> Word {
        let parts = vec![WordPart::Text(text.to_owned(), true)];
        Word { text: text.to_owned(), quoted: true, parts, ..Word::default() }
    }

    /// Makes a word that is a variable.
    pub(super) fn variable(name: &str) -> Word {
        let parts = vec![WordPart::Variable(name.to_owned())];
        Word { text: format!("${name}"), dynamic: true, quoted: true, parts, ..Word::default() }
    }

    /// Returns the name of the variable that is all of it.
    pub(super) fn is_variable(&self) -> Option<&str> {
        // An opening quote is an empty text.
        let mut parts =
            self.parts.iter().filter(|part| !matches!(part, WordPart::Text(text, _) if text.is_empty()));
        match (parts.next(), parts.next()) {
            (Some(WordPart::Variable(name)), None) => Some(name),
            _ => None,
        }
    }

    /// Returns it as a person is told of it: of the commands in it, that they are there.
    pub(super) fn shown(&self) -> String {
        if self.inner.is_empty() {
            return self.text.clone();
        }
        let is_name = |inside: &str| inside.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let part = |part: &WordPart| match part {
            WordPart::Text(text, _) => text.clone(),
            WordPart::Variable(inside) if is_name(inside) => format!("${inside}"),
            WordPart::Variable(_) => "${…}".to_owned(),
            WordPart::Output(_) => "$(…)".to_owned(),
        };
        self.parts.iter().map(part).collect()
    }

    /// Returns the word without its first bytes, which must be text.
    pub(super) fn behind(&self, bytes: usize) -> Word {
        let mut word = self.clone();
        word.text = self.text.get(bytes..).unwrap_or_default().to_owned();
        let mut left = bytes;
        while left > 0 {
            match word.parts.first_mut() {
                Some(WordPart::Text(text, _)) if text.len() > left => {
                    text.drain(..left);
                    left = 0;
                }
                Some(WordPart::Text(text, _)) => {
                    left -= text.len();
                    word.parts.remove(0);
                }
                _ => return word,
            }
        }
        word
    }

    pub(super) fn push(&mut self, c: char, quoted: bool) {
        self.text.push(c);
        match self.parts.last_mut() {
            Some(WordPart::Text(text, was)) if *was == quoted => text.push(c),
            _ => self.parts.push(WordPart::Text(c.to_string(), quoted)),
        }
    }

    pub(super) fn quote(&mut self) {
        self.quoted = true;
        // Two quotes with nothing between them are still a word.
        if self.parts.is_empty() {
            self.parts.push(WordPart::Text(String::new(), true));
        }
    }

    /// Adds the output of commands, given by their places in the list.
    pub(super) fn substitute(&mut self, inner: Range<usize>) {
        self.inner.extend(inner.clone());
        self.dynamic = true;
        self.text.push('$');
        self.parts.push(WordPart::Output(inner));
    }
}

/// Says whether a word is `NAME=VALUE`.
pub(super) fn is_assignment(text: &str) -> bool {
    text.split_once('=').is_some_and(|(name, _)| {
        let name = name.strip_suffix('+').unwrap_or(name);
        !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}
