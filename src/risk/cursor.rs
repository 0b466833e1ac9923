//! Where a parser is in a text, and the next characters of it.

/// A place in a text.
#[derive(Default)]
pub(super) struct Cursor {
    pub(super) text: Vec<char>,
    /// The place: how many characters were read.
    pub(super) at: usize,
}

impl Cursor {
    pub(super) fn at_start_of(text: Vec<char>) -> Cursor {
        Cursor { text, at: 0 }
    }

    /// Returns a character without reading it: the next one, or one so many behind it.
    pub(super) fn peek(&self, ahead: usize) -> Option<char> {
        self.text.get(self.at + ahead).copied()
    }

    /// Says whether a text comes next.
    pub(super) fn starts(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(ahead, c)| self.peek(ahead) == Some(c))
    }

    /// Reads the next character.
    pub(super) fn take(&mut self) -> Option<char> {
        let c = self.peek(0);
        self.at += usize::from(c.is_some());
        c
    }

    /// Returns what was read since a place.
    pub(super) fn read_since(&self, start: usize) -> String {
        self.text[start..self.at].iter().collect()
    }
}
