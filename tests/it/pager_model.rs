//! Diffs of any program, made at random: headers, hunks of lines and of words, hunks that are none, binary content,
//! text, in the colours of git, GNU diff and Mercurial. Nothing of them is lost, least of all a name.

use claude_snap::diff::{
    Background, BlockWriter, Columns, Look, Painted, Painter, Same, Show, Theme, show_patch,
};
use proptest::prelude::*;

use crate::fuzzed::properties;
use crate::support::Must;

/// Whose colours a diff has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ColoredBy {
    Nobody,
    Git,
    Gnu,
    Mercurial,
}

/// What names a file.
#[derive(Clone, Copy, Debug)]
enum Head {
    Git,
    Renamed,
    Mode,
    /// Two files that were named one by one.
    Two,
    /// Of another program, with times.
    Times,
}

/// What a hunk is made of.
#[derive(Clone, Copy, Debug)]
enum Body {
    Lines,
    /// Context that lost its blanks.
    Stripped,
    /// Words, of text that begins at the margin or further in.
    Words,
    IndentedWords,
    /// Lines with signs that somebody chose.
    OtherSigns,
    /// Nothing changed.
    Same,
}

#[derive(Clone, Copy, Debug)]
enum Piece {
    Text(&'static str),
    File(Head, [Body; 2]),
    /// Binary content: whether it is whole.
    Binary(bool),
}

/// A line, and how a program colours it.
struct Made {
    plain: String,
    colored: String,
    /// Whether it is shown as it is, and not in other words.
    shown: bool,
}

fn pieces() -> impl Strategy<Value = Vec<Piece>> {
    let text = prop::sample::select(vec![
        "commit 1",
        "",
        "    a message",
        "--- no header",
        "* Unmerged path f",
        "Only in a: b",
        "@@ -1 +1 @@ of nothing",
    ]);
    let head = prop::sample::select(vec![Head::Git, Head::Renamed, Head::Mode, Head::Two, Head::Times]);
    let body = prop::sample::select(vec![
        Body::Lines,
        Body::Stripped,
        Body::Words,
        Body::IndentedWords,
        Body::OtherSigns,
        Body::Same,
    ]);
    let piece = prop_oneof![
        2 => text.prop_map(Piece::Text),
        4 => (head, [body.clone(), body]).prop_map(|(head, bodies)| Piece::File(head, bodies)),
        1 => any::<bool>().prop_map(Piece::Binary),
    ];
    prop::collection::vec(piece, 1..8)
}

fn painters() -> impl Strategy<Value = ColoredBy> {
    prop::sample::select(vec![ColoredBy::Nobody, ColoredBy::Git, ColoredBy::Gnu, ColoredBy::Mercurial])
}

/// Writes the pieces as the program would.
struct Writer {
    by: ColoredBy,
    lines: Vec<Made>,
}

impl Writer {
    fn line(&mut self, plain: String, color: &str, shown: bool) {
        let [begin, end] = match self.by {
            _ if color.is_empty() || plain.is_empty() => [String::new(), String::new()],
            ColoredBy::Nobody => [String::new(), String::new()],
            ColoredBy::Git => [format!("\x1b[{color}m"), "\x1b[m".to_owned()],
            ColoredBy::Gnu => [format!("\x1b[{color}m"), "\x1b[0m".to_owned()],
            ColoredBy::Mercurial => [format!("\x1b[0;{color}m"), "\x1b[0m".to_owned()],
        };
        let colored = if self.by == ColoredBy::Mercurial && !color.is_empty() {
            // It leaves tabs without a colour.
            format!("{begin}{}{end}", plain.replace('\t', &format!("{end}\t{begin}")))
        } else {
            format!("{begin}{plain}{end}")
        };
        self.lines.push(Made { plain, colored, shown });
    }

    /// A line of words: a part of it was replaced.
    fn words(&mut self, before: &str, number: usize) {
        let plain = format!("{before}[-old{number}-]{{+new{number}+}} rest");
        let colored = match self.by {
            ColoredBy::Nobody => plain.clone(),
            _ => format!("{before}\x1b[31m[-old{number}-]\x1b[m\x1b[32m{{+new{number}+}}\x1b[m rest"),
        };
        self.lines.push(Made { plain, colored, shown: true });
    }

    fn header(&mut self, line: String) {
        self.line(line, "1", false);
    }

    fn file(&mut self, number: usize, head: Head, bodies: [Body; 2]) {
        let name = format!("name{number}.txt");
        let (old, new) = match head {
            Head::Renamed | Head::Two => (format!("old{name}"), name),
            _ => (name.clone(), name),
        };
        if !matches!(head, Head::Times) {
            self.header(format!("diff --git a/{old} b/{new}"));
        }
        match head {
            Head::Renamed => {
                self.header("similarity index 90%".to_owned());
                self.header(format!("rename from {old}"));
                self.header(format!("rename to {new}"));
            }
            Head::Mode => {
                self.header("old mode 100644".to_owned());
                self.header("new mode 100755".to_owned());
            }
            _ => {}
        }
        let time = if matches!(head, Head::Times) { "\t2026-01-01 00:00:00 +0000" } else { "" };
        self.header(format!("--- a/{old}{time}"));
        self.header(format!("+++ b/{new}{time}"));
        for (place, body) in bodies.into_iter().enumerate() {
            self.hunk(number * 10 + place, body);
        }
    }

    fn hunk(&mut self, number: usize, body: Body) {
        self.line(format!("@@ -{number},4 +{number},4 @@"), "36", false);
        let context = |sign: &str| format!("{sign}context{number}");
        match body {
            Body::Lines => {
                self.line(context(" "), "", true);
                self.line(String::new(), "", true);
                self.line(format!("-\told{number}\tx"), "31", true);
                self.line(format!("+\tnew{number}\tx"), "32", true);
                self.line(context(" "), "", true);
            }
            Body::Stripped => {
                self.line(context(""), "", true);
                self.line(format!("-old{number}"), "31", true);
                self.line(format!("+new{number}"), "32", true);
            }
            Body::Words => self.words("", number),
            Body::IndentedWords => {
                self.line(context("    "), "", true);
                for _ in 0..3 {
                    self.words("    ", number);
                }
            }
            Body::OtherSigns => {
                self.line(context("="), "", true);
                self.line(format!("<old{number}"), "31", true);
                self.line(format!(">new{number}"), "32", true);
            }
            Body::Same => (0..4).for_each(|_| self.line(context(" "), "", true)),
        }
    }

    fn binary(&mut self, number: usize, whole: bool) {
        self.header(format!("diff --git a/name{number}.bin b/name{number}.bin"));
        self.header("index 1111111..2222222 100644".to_owned());
        self.header("GIT binary patch".to_owned());
        let lines: &[&str] = &["literal 3", "Kcmd%1W?6%^00&hz", "", "literal 0", "HcmV?d00001", ""];
        lines[..if whole { 6 } else { 2 }].iter().for_each(|line| self.header((*line).to_owned()));
    }

    fn of(by: ColoredBy, pieces: &[Piece]) -> Writer {
        let mut writer = Writer { by, lines: Vec::new() };
        for (number, piece) in pieces.iter().enumerate() {
            match piece {
                Piece::Text(text) => writer.line((*text).to_owned(), "", true),
                Piece::File(head, bodies) => writer.file(number + 1, *head, *bodies),
                Piece::Binary(whole) => writer.binary(number + 1, *whole),
            }
        }
        writer
    }

    fn text(&self, of: impl Fn(&Made) -> &str) -> String {
        self.lines.iter().map(|line| format!("{}\n", of(line))).collect()
    }
}

/// What a diff looks like in a form.
fn shown(input: &str, with: impl Fn(&mut BlockWriter<'_>, &[u8])) -> String {
    let mut made = Vec::new();
    let mut send = |block: Vec<u8>| {
        made.extend(block);
        Ok(())
    };
    let mut out = BlockWriter::new(true, &mut send);
    with(&mut out, input.as_bytes());
    out.flush().must("shown");
    String::from_utf8(made).must("UTF-8")
}

fn show(input: &[u8], mut show: impl Show) {
    show_patch(input, &mut show).must("shown");
}

/// A text without colours and without what fills a line.
fn bare(text: &str) -> String {
    let mut bare = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\x1b[") {
        bare += before;
        rest = after.split_once(['m', 'K']).must("an end of a colour").1;
    }
    bare + rest
}

proptest! {
    #[test]
    fn of_no_diff_anything_is_lost(by in painters(), pieces in pieces(), ended in any::<bool>()) {
        let made = Writer::of(by, &pieces);
        let cut = |text: String| if ended { text } else { text.trim_end_matches('\n').to_owned() };
        let (plain, colored) = (cut(made.text(|line| &line.plain)), cut(made.text(|line| &line.colored)));
        properties::run("patch", plain.as_bytes());
        properties::run("patch", colored.as_bytes());

        let theme = Theme { background: Background::Dark, ..Theme::default() };
        let look = Look { color: true, theme, width: 300, ..Look::default() };
        let same = shown(&colored, |out, input| show(input, Same::new(out)));
        prop_assert_eq!(&bare(&same), &plain);
        let in_place = shown(&colored, |out, input| show(input, Painted::in_place(out, look.clone())));
        prop_assert_eq!(bare(&in_place), plain);
        let stacked = shown(&colored, |out, input| show(input, Painter::new(out, look.clone())));
        let columns = shown(&colored, |out, input| show(input, Columns::new(out, look.clone())));
        prop_assert!(!stacked.contains("\\x1b") && !columns.contains("\\x1b"), "{stacked}\n{columns}");

        // Names and lines stand in their order.
        let stacked = bare(&stacked);
        let mut rest = &stacked[..];
        for line in &made.lines {
            let name = line.plain.split(['/', '\t', ' ']).find(|word| word.contains("name") && word.contains('.'));
            let wanted = match name {
                Some(name) if line.plain.starts_with("+++ ") => name,
                _ if line.shown => line.plain.trim_start_matches(['-', '+', ' ', '\t']),
                _ => continue,
            };
            let at = rest.find(wanted);
            prop_assert!(at.is_some(), "{wanted:?} is not in its place in\n{stacked}\nof\n{colored}");
            rest = &rest[at.unwrap_or(0) + wanted.len()..];
        }
        for line in made.lines.iter().filter(|line| line.plain.starts_with("--- a/")) {
            let name = line.plain["--- a/".len()..].split('\t').next().unwrap_or_default();
            prop_assert!(stacked.contains(name) && bare(&columns).contains(name), "{name} is not in\n{stacked}");
        }
    }
}
