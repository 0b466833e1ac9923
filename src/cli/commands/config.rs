//! `snap config`: every setting, with its value and where that comes from.

use clap::Args;
use serde::Serialize;

use crate::base::columns::{padded, wide};
use crate::base::error::{Error, Result};
use crate::base::screen::Line;
use crate::cli::help::examples;
use crate::cli::outcome::Outcome;
use crate::cli::output::{Report, Style, Ui, text};
use crate::context::Context;
use crate::settings::{ALL, LINE_NUMBERS, PAGER, Setting, Settings};

/// List all settings, with their values and where they come from
///
/// The settings are in `snap.toml` in your configuration folder (SNAP_CONFIG names another file). Nothing in a project is obeyed.
#[derive(Args)]
#[command(after_help = examples(&[("snap config", "List all settings"), ("snap config --json", "The same, for a program")]))]
pub(crate) struct Config {}

/// Where a value comes from.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Source {
    Default,
    File,
    Variable,
}

#[derive(Serialize)]
struct Row {
    name: &'static str,
    /// Nothing, if nothing is set and there is no default.
    value: Option<String>,
    source: Source,
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
    settings: Vec<Row>,
}

impl Config {
    pub(crate) fn run(self, context: &Context, ui: &mut Ui) -> Result<Outcome> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let row = |setting: &Setting| Row::of(setting, &context.settings, &variable);
        let report = ConfigReport {
            file: context.settings_file.to_string_lossy().into_owned(),
            exists: context.settings_file.exists(),
            wrong: context.settings_wrong.as_ref().map(Error::to_string),
            settings: ALL.iter().map(row).collect(),
        };
        ui.report(&report)?;
        match &context.settings_wrong {
            Some(wrong) => Err(wrong.clone()),
            None => Ok(Outcome::Done),
        }
    }
}

impl Row {
    fn of(setting: &Setting, settings: &Settings, variable: &dyn Fn(&str) -> Option<String>) -> Row {
        let by_variable = setting.variable.and_then(|name| Some((name, variable(name)?)));
        let row = |value, source, line, variable| Row {
            name: setting.name,
            value,
            source,
            line,
            variable,
            option: setting.option,
            takes: setting.takes.to_string(),
            what: setting.what,
        };
        if let Some((name, value)) = by_variable {
            // This variable says it the other way round.
            let value = match (setting.name, value.as_str()) {
                (LINE_NUMBERS, "0" | "no" | "false" | "off") => "true".to_owned(),
                (LINE_NUMBERS, _) => "false".to_owned(),
                _ => value,
            };
            return row(Some(value), Source::Variable, None, Some(name));
        }
        if let Some(stated) = settings.stated(setting.name) {
            return row(Some(stated.text.clone()), Source::File, Some(stated.line), setting.variable);
        }
        if let Some(pager) = variable("PAGER").filter(|_| setting.name == PAGER) {
            return row(Some(pager), Source::Variable, None, Some("PAGER"));
        }
        let usual = Some(setting.usual.to_owned()).filter(|usual| !usual.is_empty());
        row(usual, Source::Default, None, setting.variable)
    }
}

impl Report for ConfigReport {
    fn print(&self, ui: &mut Ui) -> Result<()> {
        let state = if self.exists { "" } else { " (not there)" };
        ui.line(text![Style::Faint.of(format!("{}{state}", Line(&self.file)))])?;
        let names = self.settings.iter().map(|row| wide(row.name)).max().unwrap_or_default();
        let shown = |row: &Row| row.value.as_deref().map_or("-".to_owned(), |value| Line(value).to_string());
        let values = self.settings.iter().map(|row| wide(&shown(row))).max().unwrap_or_default().min(24);
        for row in &self.settings {
            let from = match (&row.source, row.line, row.variable) {
                (Source::File, Some(line), _) => format!("line {line}"),
                (Source::Variable, _, Some(name)) => name.to_owned(),
                _ => "default".to_owned(),
            };
            let value = padded(&shown(row), values);
            let name = Style::Strong.of(padded(row.name, names));
            ui.line(text![name, "  ", value, "  ", Style::Faint.of(format!("{from}: {}", row.what))])?;
        }
        Ok(())
    }
}
