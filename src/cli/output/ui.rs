//! The terminal: results on standard output, messages on standard error, colours by meaning.
//!
//! Nothing else in the program writes to either (`tests/it/tidy.rs` names the few that write bytes).
//! Everything printed is a [`Text`], which escapes whatever it is made of, or a [`Json`]. If the reader goes
//! away, that is an error of kind `ClosedPipe`, which ends the program quietly. Owns `anstream`, which knows
//! what a terminal and its variables (`NO_COLOR`, `CLICOLOR`, `CLICOLOR_FORCE`, `TERM`) say about colours.

use std::io::{self, BufRead as _, BufWriter, IsTerminal as _, Write};
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use anstream::AutoStream;
use anstream::stream::RawStream;
use clap::ValueEnum;
use serde::Serialize;

use super::pager::width_of;
use super::text::{Style, Text, text};
use crate::base::error::{Error, Kind, Result};
use crate::base::screen::{self, Json};
use crate::cli::program_name;

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless the environment says otherwise (NO_COLOR, CLICOLOR, CLICOLOR_FORCE, TERM)
    Auto,
    Always,
    Never,
}

impl ColorChoice {
    fn holds_for(self, stream: &impl RawStream) -> bool {
        match self {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto if is(FORCE, "0") => {
                // To that crate, anything forces. `NO_COLOR` comes before it there.
                let usual = stream.is_terminal() && !is_dumb() && !is("CLICOLOR", "0");
                usual && AutoStream::choice(stream) != anstream::ColorChoice::Never
            }
            ColorChoice::Auto => AutoStream::choice(stream) != anstream::ColorChoice::Never,
        }
    }
}

/// Where a message goes on that is too long for a line of the terminal, in columns.
const FOLDED: usize = 2;

/// How many columns are left free for an answer.
const ANSWER: usize = 4;

/// The variable that turns colours on where there is no terminal.
const FORCE: &str = "CLICOLOR_FORCE";

/// Says whether a variable has this value.
fn is(variable: &str, value: &str) -> bool {
    std::env::var_os(variable).is_some_and(|text| text == value)
}

fn is_set(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|text| !text.is_empty())
}

/// What a command found or did: a program gets it as JSON, a person as lines.
pub(crate) trait Report: Serialize {
    /// Prints it for a person.
    fn print(&self, ui: &mut Ui) -> Result<()>;
}

/// The answers to every question.
pub(crate) const YES: &str = "yes";
pub(crate) const NO: &str = "no";

/// Whether a question is open: what comes then needs a line of its own.
static ASKING: AtomicBool = AtomicBool::new(false);

/// Where the program writes.
pub(crate) struct Ui {
    out: BufWriter<io::Stdout>,
    choice: ColorChoice,
    color: bool,
    color_on_error: bool,
    quiet: bool,
    json: bool,
}

impl Ui {
    pub(crate) fn new(color: ColorChoice, quiet: bool, json: bool) -> Ui {
        Ui {
            out: BufWriter::new(io::stdout()),
            choice: color,
            color: color.holds_for(&io::stdout()),
            color_on_error: color.holds_for(&io::stderr()),
            quiet,
            json,
        }
    }

    /// Prints a result, as JSON or for a person.
    pub(crate) fn report(&mut self, report: &impl Report) -> Result<()> {
        if self.json { self.print_json(report) } else { report.print(self) }
    }

    /// Reports what was done. With `--quiet`, only a program is told: the exit code says the rest.
    pub(crate) fn confirm(&mut self, report: &impl Report) -> Result<()> {
        if self.quiet && !self.json { Ok(()) } else { self.report(report) }
    }

    /// Prints a value as JSON.
    pub(crate) fn print_json(&mut self, value: &impl Serialize) -> Result<()> {
        let json = serde_json::to_string_pretty(value)
            .map_err(|error| Error::new(Kind::Bug, "The answer can't be written as JSON").because(error))?;
        self.value(&screen::json(&json))
    }

    /// Prints one value of many as JSON, on a line of its own.
    pub(crate) fn print_json_line(&mut self, value: &impl Serialize) -> Result<()> {
        // By way of a `Value`, so that keys are in alphabetical order.
        let json = serde_json::to_value(value)
            .map_err(|error| Error::new(Kind::Bug, "The answer can't be written as JSON").because(error))?;
        self.value(&screen::json(&json.to_string()))
    }

    /// Says whether JSON was asked for.
    pub(crate) fn json(&self) -> bool {
        self.json
    }

    /// Says whether standard output is coloured.
    pub(crate) fn color(&self) -> bool {
        self.color
    }

    /// Says whether somebody asked for no colours.
    pub(crate) fn refuses_color(&self) -> bool {
        self.choice == ColorChoice::Never || self.choice == ColorChoice::Auto && is_set("NO_COLOR")
    }

    /// Says what decides whether standard output is coloured.
    pub(crate) fn color_from(&self) -> &'static str {
        match () {
            () if self.choice != ColorChoice::Auto => "the command line",
            () if is_set("NO_COLOR") => "NO_COLOR",
            () if is_set(FORCE) && !is(FORCE, "0") => FORCE,
            () if is("CLICOLOR", "0") => "CLICOLOR",
            () if !io::stdout().is_terminal() => "no terminal",
            () if is_dumb() => "TERM",
            () => "the terminal",
        }
    }

    /// Says whether a person can answer and see.
    pub(crate) fn is_terminal(&self) -> bool {
        io::stdin().is_terminal() && io::stdout().is_terminal()
    }

    /// Says whether results are shown on a terminal.
    pub(crate) fn shows_on_terminal(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// Says whether a person is told things on a terminal, and may be shown a progress bar.
    pub(crate) fn talks(&self) -> bool {
        !self.quiet && !self.json && io::stderr().is_terminal() && !is_dumb()
    }

    /// Writes a line of data.
    pub(crate) fn line(&mut self, text: impl Into<Text>) -> Result<()> {
        let line = text.into().render(self.color);
        writeln!(self.out, "{line}").map_err(|error| output_error(&error))
    }

    /// Writes a JSON text and a line end.
    pub(crate) fn value(&mut self, json: &Json) -> Result<()> {
        writeln!(self.out, "{json}").map_err(|error| output_error(&error))
    }

    /// Returns standard output, for data that is no text: nothing is escaped there.
    pub(crate) fn output(&mut self) -> &mut impl Write {
        &mut self.out
    }

    /// Makes sure that all data has been written.
    pub(crate) fn flush(&mut self) -> Result<()> {
        self.out.flush().map_err(|error| output_error(&error))
    }

    /// Tells the person something.
    pub(crate) fn say(&mut self, text: impl Into<Text>) {
        if !self.quiet {
            self.tell(text);
        }
    }

    /// Tells the person something worth a second look.
    pub(crate) fn warn(&mut self, text: impl Into<Text>) {
        self.say(text![Style::Warning.of("note:"), " ", text.into()]);
    }

    /// Prints a failure: what, why, and what to do.
    pub(crate) fn error(&mut self, error: &Error) {
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

    /// The same in the middle of a line, as behind a question.
    pub(crate) fn error_on_own_line(&mut self, error: &Error) {
        if ASKING.load(Ordering::SeqCst) {
            let _closed = writeln!(io::stderr());
        }
        self.error(error);
    }

    /// Returns where it prints, for a program that prints there too.
    ///
    /// # Errors
    /// [`Kind::Environment`] if it can't be given away.
    pub(crate) fn shared_output(&self) -> Result<OwnedFd> {
        io::stdout().as_fd().try_clone_to_owned().map_err(|error| output_error(&error))
    }

    /// Says whether nobody wants to hear what was done.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Prints a message even with `--quiet`.
    pub(crate) fn tell_line(&mut self, text: impl Into<Text>) {
        self.tell(text);
    }

    /// Asks a person until they say yes or no. Enter alone and the end of input are a no.
    pub(crate) fn ask(&mut self, question: impl Into<Text>) -> Result<bool> {
        let choice = self.choose(question, &[YES, NO], "[y/N]", NO)?;
        Ok(choice == YES)
    }

    /// Asks a person until they say yes or no. Enter alone is a yes; the end of input is a no.
    pub(crate) fn ask_unless(&mut self, question: impl Into<Text>) -> Result<bool> {
        let choice = self.choose(question, &[YES, NO], "[Y/n]", YES)?;
        Ok(choice == YES)
    }

    /// Asks a person until they choose one of these words, by the word or its first letter. Enter alone
    /// means the `usual` one, the end of input means no.
    pub(crate) fn choose(
        &mut self,
        question: impl Into<Text>,
        words: &[&'static str],
        shown: &str,
        usual: &'static str,
    ) -> Result<&'static str> {
        let question = text![question.into(), " ", shown];
        let help = format!("Please answer {}.", either(words));
        Ok(self.ask_until(question, &help, |answer| chosen(answer, words, usual))?.unwrap_or(NO))
    }

    /// Asks a person until `read` makes something of the answer; `help` says what it could be. `None` is the end of
    /// input. Every question of the program is asked here.
    pub(crate) fn ask_until<T>(
        &mut self,
        question: impl Into<Text>,
        help: &str,
        mut read: impl FnMut(&str) -> Option<T>,
    ) -> Result<Option<T>> {
        let question = question.into();
        let folded = match terminal_width() {
            // The answer needs room too.
            Some(width) => question.folded(width.saturating_sub(ANSWER), FOLDED),
            None => vec![question],
        };
        let question: Vec<String> = folded.iter().map(|line| line.render(self.color_on_error)).collect();
        let question = question.join("\n");
        loop {
            let Some(answer) = self.answer(&question)? else { return Ok(None) };
            match read(&answer) {
                Some(meant) => return Ok(Some(meant)),
                None => self.tell(help),
            }
        }
    }

    /// Reads one line as the answer to a question, which is shown as it is; `None` is the end of input.
    fn answer(&mut self, question: &str) -> Result<Option<String>> {
        self.flush()?;
        let failed =
            |error: io::Error| Error::new(Kind::Environment, "Cannot ask on this terminal").because(error);
        write!(io::stderr(), "{question} ").map_err(failed)?;
        let mut answer = Vec::new();
        ASKING.store(true, Ordering::SeqCst);
        let read = io::stdin().lock().read_until(b'\n', &mut answer);
        ASKING.store(false, Ordering::SeqCst);
        let read = read.map_err(failed)?;
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
        let text = text.into();
        let lines = match terminal_width() {
            // What goes on below an entry of a list is not to look like the next one.
            Some(width) => {
                let plain = text.render(false);
                let before = plain.len() - plain.trim_start_matches(' ').len();
                text.folded(width, if before < width / 2 { before + FOLDED } else { FOLDED })
            }
            None => vec![text],
        };
        // In one piece: another program may write to the same terminal.
        let line = |line: &Text| format!("{}\n", program_name::in_words(&line.render(self.color_on_error)));
        let all: String = lines.iter().map(line).collect();
        let _closed = io::stderr().write_all(all.as_bytes());
    }
}

/// Returns how wide the terminal is that a person is told things on; `None` if it is none, or only prints lines.
fn terminal_width() -> Option<usize> {
    if !io::stderr().is_terminal() || is_dumb() {
        return None;
    }
    width_of(io::stderr()).filter(|width| *width > FOLDED)
}

/// Says whether the terminal can do nothing but print lines.
pub(crate) fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|kind| kind == "dumb")
}

/// Lists words: `yes, no or diff`.
fn either(words: &[&str]) -> String {
    match words {
        [first @ .., before, last] => [first, &[&format!("{before} or {last}")]].concat().join(", "),
        words => words.join(""),
    }
}

/// Reads an answer; `None` if it is none of the words.
pub(crate) fn chosen(answer: &str, words: &[&'static str], usual: &'static str) -> Option<&'static str> {
    let answer = answer.to_lowercase();
    if answer.is_empty() {
        Some(usual)
    } else {
        words.iter().copied().find(|word| *word == answer || answer.len() == 1 && word.starts_with(&answer))
    }
}

/// Makes an error from a failed write to standard output. If the reader went away, that is not a
/// failure.
pub(crate) fn output_error(error: &io::Error) -> Error {
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
        assert_eq!(
            ["a", "a or b", "a, b or c"].map(str::to_owned),
            [either(&["a"]), either(&["a", "b"]), either(&["a", "b", "c"])]
        );
        for answer in ["ye", "yy", "yes!", "ok", "j", "1", "nope", "yes no", "\u{43d}", "q"] {
            assert_eq!(of(answer), None, "{answer:?}");
        }
    }
}
