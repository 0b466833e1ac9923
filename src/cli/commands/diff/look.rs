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

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::settings::{Named, Setting, SettingSource, Settling, word, yes_or_no};
use crate::base::error::Result;
use crate::cli::option_values::parse_number;
use crate::cli::output::pager::{has_input, is_in_front, screen_width};
use crate::cli::output::{Style, Ui, text};
use crate::diff::{Background, Depth, Links, Look, Patience, Theme};
use crate::settings::{self, Settings};

/// How long a terminal may take to answer; one at the other end of a network takes longer.
const ANSWER: Duration = Duration::from_millis(100);
const ANSWER_FROM_AFAR: Duration = Duration::from_millis(400);

/// No setting of the user's has the name of this one: it says the opposite.
const NEVER: &str = "";

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
#[derive(Args, Default)]
pub(super) struct LookOptions {
    /// The background to paint for [default: auto] [env: SNAP_DIFF_THEME]
    #[arg(long, value_name = "FOR")]
    theme: Option<Colors>,
    /// Colour source code, if the background is known [default: auto] [env: SNAP_DIFF_SYNTAX]
    #[arg(long, value_name = "WHEN")]
    syntax: Option<Syntax>,
    /// Link to the files: `file`, or a format with {path}, {line} and {host} in it, such as `vscode://file{path}:{line}` [default: never] [env: SNAP_DIFF_LINKS]
    #[arg(long, value_name = "FORMAT")]
    links: Option<String>,
    /// Leave out the line numbers [env: SNAP_DIFF_NO_LINE_NUMBERS]
    #[arg(long)]
    no_line_numbers: bool,
    /// Cut longer lines, with a count of what is not shown [default: 4096] [env: SNAP_DIFF_MAX_LINE]
    #[arg(long, value_name = "BYTES", value_parser = parse_number)]
    max_line: Option<usize>,
    /// List how a diff would look here, and which setting decides it
    #[arg(long)]
    pub(super) show_config: bool,
}

impl LookOptions {
    /// Settles what the options leave open; names variables that are wrong.
    pub(super) fn settled(&self, settings: &Settings, ui: &mut Ui) -> LookSettings {
        let variable = |name: &str| std::env::var_os(name).map(|text| text.to_string_lossy().into_owned());
        let mut settling = Settling { variable: &variable, settings, warnings: Vec::new() };
        let of = |variable, setting| Named { variable, setting };
        let links = |text: &str| Some(text.to_owned());
        let number = |text: &str| text.parse().ok();
        let backgrounds = "auto, dark, light or ansi";
        let no_numbers = self.no_line_numbers.then_some(true);
        let mut made = LookSettings {
            theme: settling.settle(
                self.theme,
                of("SNAP_DIFF_THEME", settings::THEME),
                word,
                backgrounds,
                Colors::Auto,
            ),
            syntax: settling.settle(
                self.syntax,
                of("SNAP_DIFF_SYNTAX", settings::SYNTAX),
                word,
                "auto, always or never",
                Syntax::Auto,
            ),
            links: settling.settle(
                self.links.clone(),
                of("SNAP_DIFF_LINKS", settings::LINKS),
                links,
                "",
                "never".to_owned(),
            ),
            no_numbers: settling.settle(
                no_numbers,
                of("SNAP_DIFF_NO_LINE_NUMBERS", NEVER),
                yes_or_no,
                "yes or no",
                false,
            ),
            max_line: settling.settle(
                self.max_line,
                of("SNAP_DIFF_MAX_LINE", settings::MAX_LINE),
                number,
                "a number of bytes",
                Look::default().max_line,
            ),
        };
        // The settings say it the other way round.
        let stated = settings
            .stated(settings::LINE_NUMBERS)
            .filter(|_| made.no_numbers.from == SettingSource::Default);
        if let Some(stated) = stated {
            let value = stated.text == "false";
            made.no_numbers = Setting { value, from: SettingSource::Settings(stated.line) };
        }
        settling.warnings.iter().for_each(|warning| ui.warn(warning.as_str()));
        made
    }
}

/// How a diff looks, and what says so.
pub(super) struct LookSettings {
    theme: Setting<Colors>,
    syntax: Setting<Syntax>,
    links: Setting<String>,
    no_numbers: Setting<bool>,
    max_line: Setting<usize>,
}

/// A question to the terminal that is under way.
pub(super) struct Asked(Option<JoinHandle<Option<Background>>>);

impl LookSettings {
    /// Begins to find out which background to paint for. Asks the terminal only if `colored`, only if this
    /// program is in the foreground, and not if something was typed already: that would be read with the
    /// answer, and nobody could give it back.
    pub(super) fn ask(&self, colored: bool) -> Asked {
        let asks = colored
            && self.theme.value == Colors::Auto
            && io::stdout().is_terminal()
            && many_colors()
            && is_in_front(io::stdout())
            && !has_input(io::stdout());
        Asked(asks.then(|| thread::spawn(answered)))
    }

    /// Says which colours are used.
    pub(super) fn theme(&self, asked: Asked) -> Theme {
        let background = match self.theme.value {
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
        let known = match self.theme.value {
            Colors::Auto => io::stdout().is_terminal(),
            Colors::Dark | Colors::Light => true,
            Colors::Ansi => false,
        };
        colored && known && self.syntax.value != Syntax::Never
    }

    /// Says how long painting may wait for the colours of words.
    pub(super) fn patience(&self) -> Patience {
        match self.syntax.value {
            Syntax::Always => Patience::ENDLESS,
            _ if io::stdout().is_terminal() => Patience::SCREEN,
            _ => Patience::PIPE,
        }
    }

    /// Says how links to files below a folder are made.
    pub(super) fn links(&self, folder: &Path) -> Option<Arc<Links>> {
        use std::os::unix::ffi::OsStrExt as _;
        let format = match self.links.value.as_str() {
            "never" | "" => return None,
            "file" => Links::PLAIN.to_owned(),
            format => format.to_owned(),
        };
        let host = crate::sys::process::host_name();
        Some(Arc::new(Links { format, folder: folder.as_os_str().as_bytes().to_vec(), host }))
    }

    pub(super) fn numbers(&self) -> bool {
        !self.no_numbers.value
    }

    pub(super) fn max_line(&self) -> usize {
        self.max_line.value.max(16)
    }

    /// Lists what is set, and what says so.
    pub(super) fn list(&self, form: &str, ui: &mut Ui) -> Result<()> {
        let named = |value: Option<clap::builder::PossibleValue>| {
            value.map_or_else(String::new, |value| value.get_name().to_owned())
        };
        let asked = self.ask(ui.color());
        let answers = asked.0.is_some();
        let theme = match self.theme(asked).background {
            Background::Unknown => "ansi",
            Background::Dark => "dark",
            Background::Light => "light",
        };
        let [from_theme, from_syntax, from_links, from_numbers, from_line] =
            [self.theme.from, self.syntax.from, self.links.from, self.no_numbers.from, self.max_line.from]
                .map(SettingSource::name);
        let theme_from = match (self.theme.value, answers, theme) {
            (Colors::Auto, true, "ansi") => "the terminal did not answer",
            (Colors::Auto, true, _) => "the terminal's answer",
            (Colors::Auto, false, _) => "no terminal to ask",
            _ => &from_theme,
        };
        let depth = match self.theme(Asked(None)).depth {
            Depth::Full => ("all", "COLORTERM"),
            Depth::Palette => ("256", "COLORTERM does not name more"),
        };
        let yes = |on: bool| if on { "yes" } else { "no" }.to_owned();
        let rows = [
            ("form", form.to_owned(), "the command line and where it goes"),
            ("color", yes(ui.color()), ui.color_from()),
            ("theme", theme.to_owned(), theme_from),
            ("colors", depth.0.to_owned(), depth.1),
            ("syntax", named(self.syntax.value.to_possible_value()), &from_syntax),
            ("links", self.links.value.clone(), &from_links),
            ("line-numbers", yes(self.numbers()), &from_numbers),
            ("max-line", self.max_line().to_string(), &from_line),
            ("width", screen_width().to_string(), "COLUMNS, the terminal, or 80"),
        ];
        if ui.json() {
            let rows = rows.into_iter().map(|(name, value, from)| SettledValue { from, name, value });
            return ui.print_json(&rows.collect::<Vec<_>>());
        }
        for (name, value, from) in rows {
            ui.line(text![format!("{name:13} {value:10} "), Style::Faint.of(from)])?;
        }
        Ok(())
    }
}

/// One setting as `--json` prints it: what it is, and where that comes from.
#[derive(Serialize)]
struct SettledValue<'a> {
    from: &'a str,
    name: &'a str,
    value: String,
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
    use terminal_colorsaurus::{QueryOptions, background_color};
    let mut options = QueryOptions::default();
    let afar = ["SSH_CONNECTION", "SSH_TTY"].into_iter().any(|name| std::env::var_os(name).is_some());
    options.timeout = if afar { ANSWER_FROM_AFAR } else { ANSWER };
    // The colour of the text is not asked for: some terminals answer to one question only.
    let background = background_color(options).ok()?;
    Some(if background.perceived_lightness() <= 0.5 { Background::Dark } else { Background::Light })
}
