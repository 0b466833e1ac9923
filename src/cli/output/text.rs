//! A line for a person: its words, and what each part of it means.
//!
//! Colours are data until the line is written, and all its text is escaped then. So no text, wherever it
//! came from, can colour, move or hide anything, or end the line. Owns `anstyle`.

use std::fmt::{Display, Write as _};

use anstyle::AnsiColor;

use crate::base::columns::wide;
use crate::base::screen::Line;

/// What a piece of text means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// What the line is about.
    Strong,
    /// What a command takes to find something again.
    Id,
    /// Can be skipped.
    Faint,
    /// Added, done.
    Good,
    /// Removed, failed.
    Bad,
    /// Look here.
    Warning,
}

impl Style {
    /// Gives a text this meaning.
    pub(crate) fn of(self, text: impl Display) -> Text {
        Text { pieces: vec![TextPart::Said(Some(self), text.to_string())] }
    }

    fn look(self) -> anstyle::Style {
        match self {
            Style::Strong => anstyle::Style::new().bold(),
            Style::Id => AnsiColor::Cyan.on_default(),
            Style::Faint => anstyle::Style::new().dimmed(),
            Style::Good => AnsiColor::Green.on_default(),
            Style::Bad => AnsiColor::Red.on_default(),
            Style::Warning => AnsiColor::Yellow.on_default(),
        }
    }
}

/// One line of text. It can be made of any text, and shows nothing of it that is not seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Text {
    pieces: Vec<TextPart>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum TextPart {
    Said(Option<Style>, String),
    /// Between two columns, for programs.
    Tab,
}

impl Text {
    /// The separator between two columns that a program reads.
    pub(crate) fn tab() -> Text {
        Text { pieces: vec![TextPart::Tab] }
    }

    /// Adds what follows.
    pub(crate) fn push(&mut self, more: impl Into<Text>) {
        self.pieces.extend(more.into().pieces);
    }

    /// Writes the line, without its end: the only place where what is said becomes what is sent.
    pub(crate) fn render(&self, color: bool) -> String {
        let mut line = String::new();
        for piece in &self.pieces {
            let _never_fails = match piece {
                TextPart::Tab => line.write_char('\t'),
                TextPart::Said(Some(style), text) if color => {
                    let look = style.look();
                    write!(line, "{look}{}{look:#}", Line(text))
                }
                TextPart::Said(_, text) => write!(line, "{}", Line(text)),
            };
        }
        line
    }
}

impl Text {
    /// Breaks the line between words where it is wider than the screen, and begins what follows in this column. A command in
    /// backticks is never broken: whoever copies it would run half of it.
    pub(crate) fn folded(&self, screen: usize, indent: usize) -> Vec<Text> {
        let mut lines = vec![Text::default()];
        let mut used = 0;
        for (space, word) in self.words() {
            let width = wide(&word.render(false));
            if used > indent && used + space + width > screen {
                lines.push(" ".repeat(indent).as_str().into());
                used = indent;
            } else if let Some(line) = lines.last_mut() {
                line.push(" ".repeat(space).as_str());
                used += space;
            }
            if let Some(line) = lines.last_mut() {
                line.push(word);
            }
            used += width;
        }
        lines
    }

    /// Returns the words, each with how many blanks are before it.
    fn words(&self) -> Vec<(usize, Text)> {
        let mut words: Vec<(usize, Text)> = vec![(0, Text::default())];
        let (mut in_command, mut after_blank) = (false, false);
        for piece in &self.pieces {
            let TextPart::Said(style, text) = piece else { continue };
            let mut begun = String::new();
            let say = |begun: &mut String, words: &mut Vec<(usize, Text)>| {
                if let Some((_, word)) = words.last_mut().filter(|_| !begun.is_empty()) {
                    word.pieces.push(TextPart::Said(*style, std::mem::take(begun)));
                }
            };
            for c in text.chars() {
                in_command ^= c == '`';
                if c != ' ' || in_command {
                    begun.push(c);
                    after_blank = false;
                    continue;
                }
                say(&mut begun, &mut words);
                if !after_blank {
                    words.push((0, Text::default()));
                }
                if let Some((space, _)) = words.last_mut() {
                    *space += 1;
                }
                after_blank = true;
            }
            say(&mut begun, &mut words);
        }
        words
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        Text { pieces: vec![TextPart::Said(None, text.to_owned())] }
    }
}

// Everything else by reference, as a line is made of what somebody still needs.
macro_rules! as_str {
    ($($kind:ty),*) => {
        $(impl From<$kind> for Text {
            fn from(text: $kind) -> Text {
                AsRef::<str>::as_ref(text).into()
            }
        })*
    };
}
as_str!(&String, &&String, &&str, &std::borrow::Cow<'_, str>);

impl From<&Text> for Text {
    fn from(text: &Text) -> Text {
        text.clone()
    }
}

impl From<&&Text> for Text {
    fn from(text: &&Text) -> Text {
        (*text).clone()
    }
}

impl From<&Line<'_>> for Text {
    fn from(text: &Line<'_>) -> Text {
        text.0.into()
    }
}

/// Puts pieces of a line behind each other.
macro_rules! text {
    ($($piece:expr),* $(,)?) => {{
        let mut text = $crate::cli::output::Text::default();
        $(text.push(&$piece);)*
        text
    }};
}
pub(crate) use text;

#[cfg(test)]
mod tests {
    use super::*;

    const EVIL: &str = "a\x1b[31m\u{9b}2J\x1b]52;c;eA==\x07\u{202e}\u{115f}\u{3164}\r\nerror: forged\tb";

    #[test]
    fn nothing_in_a_piece_is_sent_as_it_is_whatever_its_meaning() {
        let shown = Line(EVIL).to_string();
        let text = text![EVIL, Style::Bad.of(EVIL), Text::tab(), EVIL.to_owned(), Line(EVIL)];
        assert_eq!(text.render(false), format!("{shown}{shown}\t{shown}{shown}"));
        assert_eq!(text.render(true), format!("{shown}\x1b[31m{shown}\x1b[0m\t{shown}{shown}"));
        assert!(
            !shown.contains(|c: char| c.is_control() || "\u{202e}\u{115f}\u{3164}".contains(c)),
            "{shown}"
        );
    }

    #[test]
    fn a_line_is_folded_between_words_but_not_in_a_command() {
        let line =
            text![Style::Faint.of("Head      "), "one two", Style::Bad.of(" three  four: `snap save x`")];
        let folded = |screen| -> Vec<String> {
            line.folded(screen, 10).iter().map(|line| line.render(false)).collect()
        };
        assert_eq!(folded(80), ["Head      one two three  four: `snap save x`"]);
        assert_eq!(folded(24), ["Head      one two three", "          four:", "          `snap save x`"]);
        assert_eq!(folded(12)[..2], ["Head      one", "          two"]);
        assert_eq!(line.folded(80, 10)[0].render(true).matches("\x1b[31m").count(), 3);
    }

    #[test]
    fn what_was_escaped_before_stays_as_it_is() {
        let once = Text::from(EVIL).render(false);
        assert_eq!(Text::from(&once).render(false), once);
    }
}
