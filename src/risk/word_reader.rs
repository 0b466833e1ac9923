//! Reads one word of a command line, with its quotes, variables and substitutions.
//!
//! Pure. The commands inside a substitution are read by whoever reads the line: [`WordReader`] asks for them.

use std::ops::Range;

use super::cursor::Cursor;
use super::word::{Word, WordPart};

/// Commands nested deeper than this are not looked at.
pub(super) const DEEPEST: usize = 12;

/// What reads words; whoever has it says how to read the commands inside them.
pub(super) trait WordReader: Sized {
    /// Returns the place in the text.
    fn cursor(&mut self) -> &mut Cursor;

    /// Says whether only blanks end a word, and nothing is a substitution.
    fn only_blanks_end_a_word(&self) -> bool;

    /// Reads the commands of a substitution, up to `until` or the end; returns their places in the list.
    fn commands(&mut self, until: Option<char>, depth: usize) -> Range<usize>;

    /// Reads a text inside this one, whose commands join the same list.
    fn inside<R>(&mut self, text: Vec<char>, read: impl FnOnce(&mut Self) -> R) -> R;

    /// Reads one word.
    fn word(&mut self, depth: usize) -> Word {
        let mut word = Word::default();
        let start = self.cursor().at;
        while let Some(c) = self.cursor().peek(0) {
            match c {
                _ if c.is_whitespace() => break,
                ';' | '&' | '|' | '(' | ')' if !self.only_blanks_end_a_word() => break,
                '<' | '>' if !self.only_blanks_end_a_word() => {
                    if self.cursor().peek(1) != Some('(') || self.cursor().at > start {
                        break;
                    }
                    self.cursor().at += 2;
                    word.substitute(self.commands(Some(')'), depth + 1));
                }
                '\'' => {
                    word.quote();
                    self.cursor().at += 1;
                    while let Some(c) = self.cursor().take().filter(|c| *c != '\'') {
                        word.push(c, true);
                    }
                }
                '"' => self.double_quoted(&mut word, depth),
                '\\' => {
                    word.quote();
                    self.cursor().at += 1;
                    if let Some(c) = self.cursor().take().filter(|c| *c != '\n') {
                        word.push(c, true);
                    }
                }
                '$' if !self.only_blanks_end_a_word() && self.cursor().peek(1) == Some('\'') => {
                    self.ansi_quoted(&mut word)
                }
                '$' if !self.only_blanks_end_a_word() && self.cursor().peek(1) == Some('"') => {
                    self.cursor().at += 1
                }
                '$' | '`' if !self.only_blanks_end_a_word() => self.expansion(&mut word, depth),
                _ => {
                    word.pattern |= matches!(c, '*' | '?' | '[' | '{');
                    word.push(c, false);
                    self.cursor().at += 1;
                }
            }
        }
        word
    }

    fn double_quoted(&mut self, word: &mut Word, depth: usize) {
        word.quote();
        self.cursor().at += 1;
        while let Some(c) = self.cursor().peek(0) {
            match c {
                '"' => {
                    self.cursor().at += 1;
                    return;
                }
                '\\' => {
                    self.cursor().at += 1;
                    match self.cursor().take() {
                        Some(c @ ('$' | '`' | '"' | '\\')) => word.push(c, true),
                        Some('\n') | None => {}
                        Some(c) => {
                            word.push('\\', true);
                            word.push(c, true);
                        }
                    }
                }
                '$' | '`' if !self.only_blanks_end_a_word() => self.expansion(word, depth),
                _ => {
                    word.push(c, true);
                    self.cursor().at += 1;
                }
            }
        }
    }

    fn ansi_quoted(&mut self, word: &mut Word) {
        word.quote();
        self.cursor().at += 2;
        while let Some(c) = self.cursor().take().filter(|c| *c != '\'') {
            let c = match c {
                '\\' => match self.cursor().take() {
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
        let start = self.cursor().at;
        if self.cursor().starts("`") {
            self.cursor().at += 1;
            let mut inside = String::new();
            while let Some(c) = self.cursor().take().filter(|c| *c != '`') {
                match c {
                    '\\' => inside.extend(self.cursor().take()),
                    c => inside.push(c),
                }
            }
            let inner = if depth < DEEPEST {
                self.inside(inside.chars().collect(), |inside| inside.commands(None, depth + 1))
            } else {
                0..0
            };
            word.substitute(inner);
        } else if self.cursor().starts("$((") {
            self.cursor().at += 3;
            let mut brackets = 2;
            while let Some(c) = self.cursor().take() {
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
            word.parts.push(WordPart::Variable("((".to_owned()));
        } else if self.cursor().starts("$(") {
            self.cursor().at += 2;
            word.substitute(self.commands(Some(')'), depth + 1));
        } else if self.cursor().starts("${") {
            self.skip_braces();
            word.dynamic = true;
            let written = self.cursor().read_since(start);
            // `${x:-$(commands)}` runs them.
            if depth < DEEPEST && written.contains(['(', '`']) {
                let default = written.chars().skip(2).collect();
                self.inside(default, |inside| inside.words_of_default(word, depth + 1));
            }
            let inside = written.trim_start_matches("${").trim_end_matches('}').to_owned();
            word.text.push_str(&written);
            word.parts.push(WordPart::Variable(inside));
        } else {
            self.cursor().at += 1;
            let named = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if self.cursor().peek(0).is_some_and(|c| c.is_ascii_digit()) {
                self.cursor().at += 1;
            } else {
                while self.cursor().peek(0).is_some_and(named) {
                    self.cursor().at += 1;
                }
            }
            // `$?`, `$@` and the like.
            if self.cursor().at == start + 1 && self.cursor().peek(0).is_some_and(|c| "?@*#!$-".contains(c)) {
                self.cursor().at += 1;
            }
            let written = self.cursor().read_since(start);
            if self.cursor().at == start + 1 {
                word.push('$', true);
                return;
            }
            word.dynamic = true;
            word.parts.push(WordPart::Variable(written[1..].to_owned()));
            word.text.push_str(&written);
        }
    }

    /// Goes behind the brace that closes the `${` that begins here.
    fn skip_braces(&mut self) {
        let mut open = 0;
        while let Some(c) = self.cursor().take() {
            match c {
                '{' => open += 1,
                '}' if open <= 1 => return,
                '}' => open -= 1,
                '\\' => drop(self.cursor().take()),
                _ => {}
            }
        }
    }

    /// Reads what stands in `${…}` for the commands in it.
    fn words_of_default(&mut self, word: &mut Word, depth: usize) {
        while self.cursor().peek(0).is_some() {
            let before = self.cursor().at;
            word.inner.extend(self.word(depth).inner);
            self.cursor().at = self.cursor().at.max(before + 1);
        }
    }
}
