//! The terminal: data on standard output, talk on standard error, colours by meaning.
//!
//! Nothing else in the program writes to either (`tests/it/tidy.rs` names the few that write bytes). What is told is
//! a [`Text`], which escapes whatever it is made of, or a [`Json`]. A reader that goes away is an error of kind
//! `ClosedPipe`, which ends the program quietly.

use std::io::{self, BufRead as _, BufWriter, IsTerminal as _, Write};

use clap::ValueEnum;

pub(super) use super::text::{Style, Text, text};
use crate::base::error::{Error, Kind, Result};
use crate::base::screen::Json;

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    Always,
    Never,
}

/// The answers to every question.
pub(super) const YES: &str = "yes";
pub(super) const NO: &str = "no";

/// Where the program writes.
pub(super) struct Ui {
    out: BufWriter<io::Stdout>,
    color: bool,
    color_on_error: bool,
    quiet: bool,
    json: bool,
}

impl Ui {
    pub(super) fn new(color: ColorChoice, quiet: bool, json: bool) -> Ui {
        let wanted = |terminal: bool| match color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            }
        };
        Ui {
            out: BufWriter::new(io::stdout()),
            color: wanted(io::stdout().is_terminal()),
            color_on_error: wanted(io::stderr().is_terminal()),
            quiet,
            json,
        }
    }

    /// Says whether JSON was asked for.
    pub(super) fn json(&self) -> bool {
        self.json
    }

    /// Says whether standard output is coloured.
    pub(super) fn color(&self) -> bool {
        self.color
    }

    /// Says whether a person can answer and see.
    pub(super) fn is_terminal(&self) -> bool {
        io::stdin().is_terminal() && io::stdout().is_terminal()
    }

    /// Says whether a person is told things on a terminal, and may be shown a progress bar.
    pub(super) fn talks(&self) -> bool {
        !self.quiet && !self.json && io::stderr().is_terminal()
    }

    /// Writes a line of data.
    pub(super) fn line(&mut self, text: impl Into<Text>) -> Result<()> {
        let line = text.into().render(self.color);
        writeln!(self.out, "{line}").map_err(|error| output_error(&error))
    }

    /// Writes a JSON text and a line end.
    pub(super) fn value(&mut self, json: &Json) -> Result<()> {
        writeln!(self.out, "{json}").map_err(|error| output_error(&error))
    }

    /// Returns standard output, for data that is no text: nothing is escaped there.
    pub(super) fn output(&mut self) -> &mut impl Write {
        &mut self.out
    }

    /// Makes sure that all data has been written.
    pub(super) fn flush(&mut self) -> Result<()> {
        self.out.flush().map_err(|error| output_error(&error))
    }

    /// Tells the person something.
    pub(super) fn say(&mut self, text: impl Into<Text>) {
        if !self.quiet {
            self.tell(text);
        }
    }

    /// Tells the person something worth a second look.
    pub(super) fn warn(&mut self, text: impl Into<Text>) {
        self.say(text![Style::Warning.of("note:"), " ", text.into()]);
    }

    /// Tells of a failure: what, why, and what to do.
    pub(super) fn error(&mut self, error: &Error) {
        let mut mark = Some(Style::Bad.of("error:"));
        for line in error.lines() {
            match mark.take() {
                Some(mark) => self.tell(text![mark, " ", line]),
                None => self.tell(&line),
            }
        }
        if let Some(hint) = error.next_step() {
            self.tell(text![Style::Warning.of("hint:"), " ", hint]);
        }
    }

    /// Tells what is told even to those who want it quiet.
    pub(super) fn tell_line(&mut self, text: impl Into<Text>) {
        self.tell(text);
    }

    /// Asks a person until they say yes or no. Enter alone and the end of input are a no.
    pub(super) fn ask(&mut self, question: impl Into<Text>) -> Result<bool> {
        let choice = self.choose(question, &[YES, NO], "[y/N]", NO)?;
        Ok(choice == YES)
    }

    /// Asks a person until they say yes or no. Enter alone is a yes; the end of input is a no.
    pub(super) fn ask_unless(&mut self, question: impl Into<Text>) -> Result<bool> {
        let choice = self.choose(question, &[YES, NO], "[Y/n]", YES)?;
        Ok(choice == YES)
    }

    /// Asks a person until they choose one of these words, by it or its first letter. Enter alone is the `usual`
    /// one; the end of input is a no.
    pub(super) fn choose(
        &mut self,
        question: impl Into<Text>,
        words: &[&'static str],
        shown: &str,
        usual: &'static str,
    ) -> Result<&'static str> {
        let question = text![question.into(), " ", shown];
        loop {
            let Some(answer) = self.answer(&question)? else { return Ok(NO) };
            match chosen(&answer, words, usual) {
                Some(word) => return Ok(word),
                None => self.tell(&format!("Please answer {}.", words.join(" or "))),
            }
        }
    }

    /// Asks a person for more than a yes; `None` is the end of input.
    pub(super) fn answer(&mut self, question: impl Into<Text>) -> Result<Option<String>> {
        self.flush()?;
        let failed =
            |error: io::Error| Error::new(Kind::Environment, "Cannot ask on this terminal").because(error);
        let question = question.into().render(self.color_on_error);
        write!(io::stderr(), "{question} ").map_err(failed)?;
        let mut answer = Vec::new();
        let read = io::stdin().lock().read_until(b'\n', &mut answer).map_err(failed)?;
        if read == 0 {
            // The question's line has no end yet.
            self.tell("");
            return Ok(None);
        }
        Ok(Some(String::from_utf8_lossy(&answer).trim().to_owned()))
    }

    fn tell(&mut self, text: impl Into<Text>) {
        // What was written so far comes first; and if nobody reads errors, nobody is told.
        let _closed = self.out.flush();
        let _closed = writeln!(io::stderr(), "{}", text.into().render(self.color_on_error));
    }
}

/// Reads an answer; `None` if it is none of the words.
fn chosen(answer: &str, words: &[&'static str], usual: &'static str) -> Option<&'static str> {
    let answer = answer.to_lowercase();
    match answer.is_empty() {
        true => Some(usual),
        false => words
            .iter()
            .copied()
            .find(|word| *word == answer || answer.len() == 1 && word.starts_with(&answer)),
    }
}

/// Makes an error of what standard output says; a reader that went away is no failure.
pub(super) fn output_error(error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Error::new(Kind::ClosedPipe, "The reader has gone away"),
        _ => Error::new(Kind::Environment, "Cannot write to standard output").because(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_none_is_never_taken_for_one() {
        let of = |answer: &str| chosen(answer, &[YES, NO, "diff"], NO);
        for (answer, wanted) in
            [("y", YES), ("YES", YES), ("n", NO), ("No", NO), ("", NO), ("d", "diff"), ("diff", "diff")]
        {
            assert_eq!(of(answer), Some(wanted), "{answer:?}");
        }
        for answer in ["ye", "yy", "yes!", "ok", "j", "1", "nope", "yes no", "\u{43d}", "q"] {
            assert_eq!(of(answer), None, "{answer:?}");
        }
    }
}
