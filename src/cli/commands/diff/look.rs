//! How `snap diff` looks: its options, the question to the terminal for its background, and the settings in
//! force.
//!
//! Owns `terminal-colorsaurus`. The terminal is asked while the diff is already being made, and only if it
//! can answer.

use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use clap::parser::ValueSource;
use clap::{Args, ValueEnum};
use serde_json::json;

use crate::base::error::Result;
use crate::cli::global::Global;
use crate::cli::output::pager::{is_in_front, screen_width};
use crate::cli::output::{Style, Ui, text};
use crate::diff::{Background, Depth, Links, Patience, Theme};

/// How long a terminal may take to answer; one at the other end of a network takes longer.
const ANSWER: Duration = Duration::from_millis(100);
const ANSWER_FROM_AFAR: Duration = Duration::from_millis(400);

/// Which colours are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Colors {
    /// The terminal is asked for its background; without an answer, and in a pipe, `ansi`
    Auto,
    /// For a dark background
    Dark,
    /// For a light one
    Light,
    /// The terminal's own sixteen, which suit any background
    Ansi,
}

/// Whether the words of programs are coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Syntax {
    /// If it takes almost no time
    Auto,
    /// However long it takes
    Always,
    Never,
}

/// Options that change how a diff looks, and nothing of what it says.
#[derive(Args)]
pub(super) struct LookOptions {
    /// The background to paint for
    #[arg(long, value_name = "FOR", default_value = "auto", env = "SNAP_DIFF_THEME", hide_env_values = true)]
    theme: Colors,
    /// Colour source code, if the background is known
    #[arg(
        long,
        value_name = "WHEN",
        default_value = "auto",
        env = "SNAP_DIFF_SYNTAX",
        hide_env_values = true
    )]
    syntax: Syntax,
    /// Link to the files: `file`, or a format with {path}, {line} and {host} in it, such as `vscode://file{path}:{line}`
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "never",
        env = "SNAP_DIFF_LINKS",
        hide_env_values = true
    )]
    links: String,
    /// Leave out the line numbers
    #[arg(long, env = "SNAP_DIFF_NO_LINE_NUMBERS", hide_env_values = true)]
    no_line_numbers: bool,
    /// Cut longer lines, with a count of what is not shown
    #[arg(
        long,
        value_name = "BYTES",
        default_value_t = 4_096,
        env = "SNAP_DIFF_MAX_LINE",
        hide_env_values = true
    )]
    max_line: usize,
    /// List how a diff would look here, and which setting decides it
    #[arg(long)]
    pub(super) show_config: bool,
}

/// A question to the terminal that is under way.
pub(super) struct Asked(Option<JoinHandle<Option<Background>>>);

impl LookOptions {
    /// Begins to find out which background to paint for. Asks the terminal only if `colored`, and only
    /// if this program is in the foreground.
    pub(super) fn ask(&self, colored: bool) -> Asked {
        let asks = colored
            && self.theme == Colors::Auto
            && io::stdout().is_terminal()
            && many_colors()
            && is_in_front(io::stdout());
        Asked(asks.then(|| thread::spawn(answered)))
    }

    /// Says which colours are used.
    pub(super) fn theme(&self, asked: Asked) -> Theme {
        let background = match self.theme {
            Colors::Dark => Background::Dark,
            Colors::Light => Background::Light,
            Colors::Ansi => Background::Unknown,
            Colors::Auto => asked.0.and_then(|thread| thread.join().ok()).flatten().unwrap_or_default(),
        };
        let full = std::env::var("COLORTERM").is_ok_and(|term| term == "truecolor" || term == "24bit");
        Theme { background, depth: if full { Depth::Full } else { Depth::Palette } }
    }

    /// Says whether source code may be coloured, so that the grammars can be read before anything else
    /// is known.
    pub(super) fn may_color_words(&self, colored: bool) -> bool {
        let known = match self.theme {
            Colors::Auto => io::stdout().is_terminal(),
            Colors::Dark | Colors::Light => true,
            Colors::Ansi => false,
        };
        colored && known && self.syntax != Syntax::Never
    }

    /// Says how long painting may wait for the colours of words.
    pub(super) fn patience(&self) -> Patience {
        match self.syntax {
            Syntax::Always => Patience::ENDLESS,
            _ if io::stdout().is_terminal() => Patience::SCREEN,
            _ => Patience::PIPE,
        }
    }

    /// Says how links to files below a folder are made.
    pub(super) fn links(&self, folder: &Path) -> Option<Arc<Links>> {
        use std::os::unix::ffi::OsStrExt as _;
        let format = match self.links.as_str() {
            "never" | "" => return None,
            "file" => Links::PLAIN.to_owned(),
            format => format.to_owned(),
        };
        let host = crate::sys::process::host_name();
        Some(Arc::new(Links { format, folder: folder.as_os_str().as_bytes().to_vec(), host }))
    }

    pub(super) fn numbers(&self) -> bool {
        !self.no_line_numbers
    }

    pub(super) fn max_line(&self) -> usize {
        self.max_line.max(16)
    }

    /// Lists what is set, and what says so.
    pub(super) fn list(&self, form: &str, ui: &mut Ui) -> Result<()> {
        let word = |value: Option<clap::builder::PossibleValue>| {
            value.map_or_else(String::new, |value| value.get_name().to_owned())
        };
        let asked = self.ask(ui.color());
        let answers = asked.0.is_some();
        let theme = match self.theme(asked).background {
            Background::Unknown => "ansi",
            Background::Dark => "dark",
            Background::Light => "light",
        };
        let from = |option: &str, name: &str| match source_of(option) {
            Some(ValueSource::CommandLine) => "the command line".to_owned(),
            Some(ValueSource::EnvVariable) => name.to_owned(),
            _ => "the default".to_owned(),
        };
        let theme_from = match (self.theme, answers, theme) {
            (Colors::Auto, true, "ansi") => "the terminal did not answer".to_owned(),
            (Colors::Auto, true, _) => "the terminal's answer".to_owned(),
            (Colors::Auto, false, _) => "no terminal to ask".to_owned(),
            _ => from("theme", "SNAP_DIFF_THEME"),
        };
        let color_from = match source_of("color") {
            Some(ValueSource::CommandLine) => "the command line",
            _ if io::stdout().is_terminal() => "the terminal and its environment",
            _ => "no terminal",
        };
        let depth = match self.theme(Asked(None)).depth {
            Depth::Full => ("all", "COLORTERM"),
            Depth::Palette => ("256", "COLORTERM does not name more"),
        };
        let yes = |on: bool| if on { "yes" } else { "no" }.to_owned();
        let rows = [
            ("form", form.to_owned(), "the command line and where it goes".to_owned()),
            ("color", yes(ui.color()), color_from.to_owned()),
            ("theme", theme.to_owned(), theme_from),
            ("colors", depth.0.to_owned(), depth.1.to_owned()),
            ("syntax", word(self.syntax.to_possible_value()), from("syntax", "SNAP_DIFF_SYNTAX")),
            ("links", self.links.clone(), from("links", "SNAP_DIFF_LINKS")),
            ("line-numbers", yes(self.numbers()), from("no_line_numbers", "SNAP_DIFF_NO_LINE_NUMBERS")),
            ("max-line", self.max_line().to_string(), from("max_line", "SNAP_DIFF_MAX_LINE")),
            ("width", screen_width().to_string(), "COLUMNS, the terminal, or 80".to_owned()),
        ];
        if ui.json() {
            let row = |(name, value, from): &(&str, String, String)| json!({"name": name, "value": value, "from": from});
            return ui.print_json(&rows.iter().map(row).collect::<Vec<_>>());
        }
        for (name, value, from) in rows {
            ui.line(text![format!("{name:13} {value:10} "), Style::Faint.of(from)])?;
        }
        Ok(())
    }
}

/// Says whether the terminal has more than its own sixteen colours.
fn many_colors() -> bool {
    let is = |name: &str, words: &[&str]| {
        std::env::var(name).is_ok_and(|value| words.iter().any(|word| value.contains(word)))
    };
    is("COLORTERM", &["truecolor", "24bit"]) || is("TERM", &["256color", "direct"])
}

/// Asks the terminal for its background.
fn answered() -> Option<Background> {
    use terminal_colorsaurus::{QueryOptions, ThemeMode, theme_mode};
    let mut options = QueryOptions::default();
    let afar = ["SSH_CONNECTION", "SSH_TTY"].into_iter().any(|name| std::env::var_os(name).is_some());
    options.timeout = if afar { ANSWER_FROM_AFAR } else { ANSWER };
    match theme_mode(options).ok()? {
        ThemeMode::Dark => Some(Background::Dark),
        ThemeMode::Light => Some(Background::Light),
    }
}

/// Says what set an option, on this command line.
fn source_of(option: &str) -> Option<ValueSource> {
    let options = Global::augment_args(LookOptions::augment_args(clap::Command::new("snap")));
    // Words that are none of these options are passed over.
    options.ignore_errors(true).try_get_matches_from(std::env::args_os()).ok()?.value_source(option)
}
