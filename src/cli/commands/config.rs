//! `snap config`: every setting, with its value and where that comes from.

use clap::Args;
use serde::Serialize;

use crate::base::columns::{padded, wide, wrapped};
use crate::base::error::{Error, Result};
use crate::base::screen::Line;
use crate::cli::help::examples;
use crate::cli::outcome::Outcome;
use crate::cli::output::paged::folded;
use crate::cli::output::{Report, Style, Ui, pager, text};
use crate::cli::program_name;
use crate::context::Context;
use crate::settings::{ALL, LINE_NUMBERS, PAGER, Setting, Settings};

/// The most columns that all values get; a longer one has a line of its own.
const WIDEST_VALUE: usize = 24;

/// On a narrower screen, the terminal breaks the lines.
const NARROWEST_WORDS: usize = 20;

/// List all settings, with their values and where they come from
///
/// The settings are in `snap.toml` in your configuration folder (SNAP_CONFIG names another file). Nothing in a project is obeyed.
#[derive(Args)]
#[command(after_help = examples(&[("snap config", "List all settings"), ("snap config --json", "The same, for a program")]))]
pub(crate) struct Config {}

/// Where a value comes from.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum ValueSource {
    Default,
    File,
    Variable,
}

#[derive(Serialize)]
struct SettingRow {
    name: &'static str,
    /// Nothing, if nothing is set and there is no default.
    value: Option<String>,
    source: ValueSource,
    /// The line of the file.
    line: Option<usize>,
    variable: Option<&'static str>,
    option: Option<&'static str>,
    takes: String,
    what: &'static str,
}

#[derive(Serialize)]
struct ConfigReport {
    file: String,
    exists: bool,
    /// Why the file can't be used.
    wrong: Option<String>,
    settings: Vec<SettingRow>,
}

impl Config {
    pub(crate) fn run(self, context: &Context, ui: &mut Ui) -> Result<Outcome> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let mut passed_over = Vec::new();
        let settings = ALL
            .iter()
            .map(|setting| SettingRow::of(setting, &context.settings, &variable, &mut passed_over))
            .collect();
        let report = ConfigReport {
            file: context.settings_file.to_string_lossy().into_owned(),
            exists: context.settings_file.exists(),
            wrong: context.settings_wrong.as_ref().map(Error::to_string),
            settings,
        };
        ui.report(&report)?;
        passed_over.iter().for_each(|note| ui.warn(note));
        match &context.settings_wrong {
            Some(wrong) => Err(wrong.clone()),
            None => Ok(Outcome::Done),
        }
    }
}

impl SettingRow {
    fn of(
        setting: &Setting,
        settings: &Settings,
        variable: &dyn Fn(&str) -> Option<String>,
        passed_over: &mut Vec<String>,
    ) -> SettingRow {
        let by_variable = setting.variable.and_then(|name| Some((name, variable(name)?)));
        let row = |value, source, line, variable| SettingRow {
            name: setting.name,
            value,
            source,
            line,
            variable,
            option: setting.option,
            takes: setting.takes.to_string(),
            what: setting.what,
        };
        match by_variable {
            Some((name, value)) if setting.takes.fits(&value) => {
                // This variable says it the other way round.
                let value = match (setting.name, value.as_str()) {
                    (LINE_NUMBERS, "0" | "no" | "false" | "off") => "true".to_owned(),
                    (LINE_NUMBERS, _) => "false".to_owned(),
                    _ => value,
                };
                return row(Some(value), ValueSource::Variable, None, Some(name));
            }
            Some((name, value)) => {
                passed_over.push(format!("{name}={value} is passed over: it should be {}", setting.takes));
            }
            None => {}
        }
        if let Some(stated) = settings.stated(setting.name) {
            return row(Some(stated.text.clone()), ValueSource::File, Some(stated.line), setting.variable);
        }
        if let Some(pager) = variable("PAGER").filter(|_| setting.name == PAGER) {
            return row(Some(pager), ValueSource::Variable, None, Some("PAGER"));
        }
        let usual = Some(setting.usual.to_owned()).filter(|usual| !usual.is_empty());
        row(usual, ValueSource::Default, None, setting.variable)
    }

    /// Says where the value comes from, what it is for, and what else it could be, where that is not seen from the value.
    fn words(&self) -> String {
        let from = match (&self.source, self.line, self.variable) {
            (ValueSource::File, Some(line), _) => format!("line {line}"),
            (ValueSource::Variable, _, Some(name)) => name.to_owned(),
            _ => "default".to_owned(),
        };
        let is_odd = self.value.is_none() && self.takes != "a number" || self.takes.starts_with('"');
        let takes = if is_odd { format!(": {}", self.takes) } else { String::new() };
        format!("{from}: {}{takes}", program_name::in_words(self.what))
    }
}

impl Report for ConfigReport {
    fn print(&self, ui: &mut Ui) -> Result<()> {
        let state = match (self.exists, &self.wrong) {
            (false, _) => " (not there)",
            (true, Some(_)) => " (nothing in it counts until it is corrected)",
            (true, None) => "",
        };
        folded(ui, &text![Style::Faint.of(format!("{}{state}", Line(&self.file)))], 2)?;
        let names = self.settings.iter().map(|row| wide(row.name)).max().unwrap_or_default();
        let shown =
            |row: &SettingRow| row.value.as_deref().map_or("-".to_owned(), |value| Line(value).to_string());
        let values = self.settings.iter().map(|row| wide(&shown(row))).max().unwrap_or_default();
        let values = values.min(WIDEST_VALUE);
        let begin = names + values + 4;
        let screen = if ui.shows_on_terminal() { pager::screen_width() } else { usize::MAX };
        let room = screen.saturating_sub(begin).max(NARROWEST_WORDS);
        for row in &self.settings {
            let value = shown(row);
            let mut words = wrapped(&row.words(), room).into_iter();
            let mut line = text![Style::Strong.of(padded(row.name, names)), "  ", padded(&value, values)];
            // A long value has the line for itself.
            if wide(&value) <= values || !ui.shows_on_terminal() {
                line.push(text!["  ", Style::Faint.of(words.next().unwrap_or_default())]);
            }
            ui.line(line)?;
            for more in words {
                ui.line(text![" ".repeat(begin), Style::Faint.of(more)])?;
            }
        }
        Ok(())
    }
}
