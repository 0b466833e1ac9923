//! One word of a command line: its text without quotes, and the parts that it is made of.
//!
//! Pure. Nothing is expanded here: a variable or a substitution is a part of its own, and
//! every other part knows whether it was quoted.

use std::ops::Range;

use super::shell::{DEEPEST, Joint, Parser};

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
    pub(super) parts: Vec<Part>,
}

/// A part of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
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
        let parts = vec![Part::Text(text.to_owned(), true)];
        Word { text: text.to_owned(), quoted: true, parts, ..Word::default() }
    }

    /// Returns the word without its first bytes, which must be text.
    pub(super) fn behind(&self, bytes: usize) -> Word {
        let mut word = self.clone();
        word.text = self.text.get(bytes..).unwrap_or_default().to_owned();
        let mut left = bytes;
        while left > 0 {
            match word.parts.first_mut() {
                Some(Part::Text(text, _)) if text.len() > left => {
                    text.drain(..left);
                    left = 0;
                }
                Some(Part::Text(text, _)) => {
                    left -= text.len();
                    word.parts.remove(0);
                }
                _ => return word,
            }
        }
        word
    }

    fn push(&mut self, c: char, quoted: bool) {
        self.text.push(c);
        match self.parts.last_mut() {
            Some(Part::Text(text, was)) if *was == quoted => text.push(c),
            _ => self.parts.push(Part::Text(c.to_string(), quoted)),
        }
    }

    fn quote(&mut self) {
        self.quoted = true;
        // Two quotes with nothing between them are still a word.
        if self.parts.is_empty() {
            self.parts.push(Part::Text(String::new(), true));
        }
    }
}

impl Parser {
    /// Reads one word.
    pub(super) fn word(&mut self, depth: usize) -> Word {
        let mut word = Word::default();
        let start = self.at;
        while let Some(c) = self.peek(0) {
            match c {
                _ if c.is_whitespace() => break,
                ';' | '&' | '|' | '(' | ')' if !self.plain => break,
                '<' | '>' if !self.plain => {
                    if self.peek(1) != Some('(') || self.at > start {
                        break;
                    }
                    self.at += 2;
                    self.nested(&mut word, depth);
                }
                '\'' => {
                    word.quote();
                    self.at += 1;
                    while let Some(c) = self.take().filter(|c| *c != '\'') {
                        word.push(c, true);
                    }
                }
                '"' => self.double_quoted(&mut word, depth),
                '\\' => {
                    word.quote();
                    self.at += 1;
                    if let Some(c) = self.take().filter(|c| *c != '\n') {
                        word.push(c, true);
                    }
                }
                '$' if !self.plain && self.peek(1) == Some('\'') => self.ansi_quoted(&mut word),
                '$' if !self.plain && self.peek(1) == Some('"') => self.at += 1,
                '$' | '`' if !self.plain => self.expansion(&mut word, depth),
                _ => {
                    word.pattern |= matches!(c, '*' | '?' | '[' | '{');
                    word.push(c, false);
                    self.at += 1;
                }
            }
        }
        word
    }

    pub(super) fn take(&mut self) -> Option<char> {
        let c = self.peek(0);
        self.at += usize::from(c.is_some());
        c
    }

    fn double_quoted(&mut self, word: &mut Word, depth: usize) {
        word.quote();
        self.at += 1;
        while let Some(c) = self.peek(0) {
            match c {
                '"' => {
                    self.at += 1;
                    return;
                }
                '\\' => {
                    self.at += 1;
                    match self.take() {
                        Some(c @ ('$' | '`' | '"' | '\\')) => word.push(c, true),
                        Some('\n') | None => {}
                        Some(c) => {
                            word.push('\\', true);
                            word.push(c, true);
                        }
                    }
                }
                '$' | '`' if !self.plain => self.expansion(word, depth),
                _ => {
                    word.push(c, true);
                    self.at += 1;
                }
            }
        }
    }

    fn ansi_quoted(&mut self, word: &mut Word) {
        word.quote();
        self.at += 2;
        while let Some(c) = self.take().filter(|c| *c != '\'') {
            let c = match c {
                '\\' => match self.take() {
                    Some('n') => '\n',
                    Some('t') => '\t',
                    Some(c) => c,
                    None => return,
                },
                c => c,
            };
            word.push(c, true);
        }
    }

    /// Reads a `$…` or `` `…` `` that begins here.
    fn expansion(&mut self, word: &mut Word, depth: usize) {
        let start = self.at;
        if self.starts("`") {
            self.at += 1;
            let mut inside = String::new();
            while let Some(c) = self.take().filter(|c| *c != '`') {
                match c {
                    '\\' => inside.extend(self.take()),
                    c => inside.push(c),
                }
            }
            let before = self.commands.len();
            if depth < DEEPEST {
                let mut parser = self.inside(inside.chars().collect());
                parser.subshell(None, depth + 1, Joint::Always);
                self.go_on_from(parser);
            }
            self.keep_inner(word, before..self.commands.len());
        } else if self.starts("$((") {
            self.at += 3;
            let mut brackets = 2;
            while let Some(c) = self.take() {
                match c {
                    '(' => brackets += 1,
                    ')' => brackets -= 1,
                    _ => {}
                }
                if brackets == 0 {
                    break;
                }
            }
            word.text.push('$');
            word.parts.push(Part::Variable("((".to_owned()));
        } else if self.starts("$(") {
            self.at += 2;
            self.nested(word, depth);
        } else if self.starts("${") {
            self.skip_braces();
            word.dynamic = true;
            let written: String = self.text[start..self.at].iter().collect();
            // `${x:-$(commands)}` runs them.
            if depth < DEEPEST && written.contains(['(', '`']) {
                let mut inside = self.inside(written.chars().skip(2).collect());
                inside.words_of_default(word, depth + 1);
                self.go_on_from(inside);
            }
            let inside = written.trim_start_matches("${").trim_end_matches('}').to_owned();
            word.text.push_str(&written);
            word.parts.push(Part::Variable(inside));
        } else {
            self.at += 1;
            let named = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if self.peek(0).is_some_and(|c| c.is_ascii_digit()) {
                self.at += 1;
            } else {
                while self.peek(0).is_some_and(named) {
                    self.at += 1;
                }
            }
            // `$?`, `$@` and the like.
            if self.at == start + 1 && self.peek(0).is_some_and(|c| "?@*#!$-".contains(c)) {
                self.at += 1;
            }
            let written: String = self.text[start..self.at].iter().collect();
            if self.at == start + 1 {
                word.push('$', true);
                return;
            }
            word.dynamic = true;
            word.parts.push(Part::Variable(written[1..].to_owned()));
            word.text.push_str(&written);
        }
    }

    /// Goes behind the brace that closes the `${` that begins here.
    fn skip_braces(&mut self) {
        let mut open = 0;
        while let Some(c) = self.take() {
            match c {
                '{' => open += 1,
                '}' if open <= 1 => return,
                '}' => open -= 1,
                '\\' => drop(self.take()),
                _ => {}
            }
        }
    }

    /// Reads what stands in `${…}` for the commands in it.
    fn words_of_default(&mut self, word: &mut Word, depth: usize) {
        while self.peek(0).is_some() {
            let before = self.at;
            word.inner.extend(self.word(depth).inner);
            self.at = self.at.max(before + 1);
        }
    }

    /// Reads the commands of a substitution whose bracket was just read.
    fn nested(&mut self, word: &mut Word, depth: usize) {
        let before = self.commands.len();
        let loops = std::mem::take(&mut self.loops);
        self.subshell(Some(')'), depth + 1, Joint::Always);
        self.loops = loops;
        self.keep_inner(word, before..self.commands.len());
    }

    fn keep_inner(&self, word: &mut Word, inner: Range<usize>) {
        word.inner.extend(inner.clone());
        word.dynamic = true;
        word.text.push('$');
        word.parts.push(Part::Output(inner));
    }
}
