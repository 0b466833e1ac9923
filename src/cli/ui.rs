//! The terminal: data on standard output, talk on standard error, colours by meaning.
//!
//! Nothing else in the program writes to either. A reader that goes away is an error of
//! kind `ClosedPipe`, which ends the program quietly.

use std::io::{self, BufWriter, IsTerminal as _, Write};

use clap::ValueEnum;

use crate::error::{Error, Kind, Result};
use crate::screen::Lines;

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    Always,
    Never,
}

/// What a piece of text means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// What the line is about.
    Strong,
    /// Can be passed over.
    Faint,
    /// Added, done.
    Good,
    /// Removed, failed.
    Bad,
    /// Look here.
    Warning,
}

impl Style {
    fn code(self) -> &'static str {
        match self {
            Style::Strong => "1",
            Style::Faint => "2",
            Style::Good => "32",
            Style::Bad => "31",
            Style::Warning => "33",
        }
    }
}

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

    /// Colours text for standard output.
    pub(super) fn paint(&self, style: Style, text: impl std::fmt::Display) -> String {
        paint(self.color, style, &text.to_string())
    }

    /// Writes a line of data.
    pub(super) fn line(&mut self, text: &str) -> Result<()> {
        writeln!(self.out, "{text}").map_err(|error| output_error(&error))
    }

    /// Returns standard output, for data that is no text.
    pub(super) fn output(&mut self) -> &mut impl Write {
        &mut self.out
    }

    /// Makes sure that all data has been written.
    pub(super) fn flush(&mut self) -> Result<()> {
        self.out.flush().map_err(|error| output_error(&error))
    }

    /// Tells the person something.
    pub(super) fn say(&mut self, text: &str) {
        if !self.quiet {
            self.tell(text);
        }
    }

    /// Tells the person something worth a second look.
    pub(super) fn warn(&mut self, text: &str) {
        let mark = paint(self.color_on_error, Style::Warning, "note:");
        self.say(&format!("{mark} {text}"));
    }

    /// Tells of a failure: what, why, and what to do.
    pub(super) fn error(&mut self, error: &Error) {
        let mark = paint(self.color_on_error, Style::Bad, "error:");
        self.tell(&format!("{mark} {error}"));
        if let Some(hint) = error.next_step() {
            let mark = paint(self.color_on_error, Style::Warning, "hint:");
            self.tell(&format!("{mark} {}", Lines(hint)));
        }
    }

    /// Tells of a hook's failure, which nobody waits for.
    pub(super) fn tell_line(&mut self, text: &str) {
        self.tell(text);
    }

    /// Asks a person, and takes everything but a plain yes for no.
    pub(super) fn ask(&mut self, question: &str) -> Result<bool> {
        let answer = self.answer(&format!("{question} [y/N]"))?;
        Ok(matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes"))
    }

    /// Asks a person for more than a yes; the end of input is an empty answer.
    pub(super) fn answer(&mut self, question: &str) -> Result<String> {
        self.flush()?;
        let failed =
            |error: io::Error| Error::new(Kind::Environment, "Cannot ask on this terminal").because(error);
        write!(io::stderr(), "{question} ").map_err(failed)?;
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).map_err(failed)?;
        Ok(answer.trim().to_owned())
    }

    fn tell(&mut self, text: &str) {
        // What was written so far comes first; and if nobody reads errors, nobody is told.
        let _closed = self.out.flush();
        let _closed = writeln!(io::stderr(), "{text}");
    }
}

fn paint(color: bool, style: Style, text: &str) -> String {
    match color {
        true => format!("\x1b[{}m{text}\x1b[0m", style.code()),
        false => text.to_owned(),
    }
}

/// Makes an error of what standard output says; a reader that went away is no failure.
pub(super) fn output_error(error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Error::new(Kind::ClosedPipe, "The reader has gone away"),
        _ => Error::new(Kind::Environment, "Cannot write to standard output").because(error),
    }
}
