//! What `clap` prints: help as it is, and errors with the typed text made safe to show.

use std::io::Write as _;

use clap::Error;
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::called;
use super::output::{ColorChoice, Style, Ui, output_error, text};
use crate::base::error::Result;
use crate::base::screen::Line;

/// Prints help and version on standard output, anything else on standard error.
pub(crate) fn tell(error: Error) -> Result<()> {
    match error.kind() {
        // All of it is this program's own words.
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let help = error.render().ansi().to_string();
            write!(anstream::stdout(), "{}", called::in_words(&help)).map_err(|error| output_error(&error))
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let help = error.render().ansi().to_string();
            write!(anstream::stderr(), "{}", called::in_words(&help)).map_err(|error| output_error(&error))
        }
        _ => {
            let mut ui = Ui::new(ColorChoice::Auto, false, false);
            let hint = hint(&error);
            for line in safe(error).render().to_string().lines() {
                match line.split_once(": ") {
                    Some(("error", rest)) => ui.tell_line(text![Style::Bad.of("error:"), " ", rest]),
                    _ => ui.tell_line(line),
                }
            }
            if let Some(hint) = hint {
                ui.tell_line(text![Style::Warning.of("hint:"), " ", &hint]);
            }
            ui.flush()
        }
    }
}

/// Returns what helps with a mistake that clap takes for another one.
fn hint(error: &Error) -> Option<String> {
    let typed = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    match error.kind() {
        ErrorKind::UnknownArgument
            if typed(ContextKind::InvalidArg).is_some_and(|word| !word.starts_with('-')) =>
        {
            let is_number = typed(ContextKind::InvalidArg).is_some_and(|word| word.parse::<u64>().is_ok());
            let usage = error.get(ContextKind::Usage).map(ToString::to_string).unwrap_or_default();
            let takes_name = ["REF", "NAME", "BRANCH"].iter().any(|word| usage.contains(word));
            let hint = "a name of several words needs quotes, such as \"before refactor\"";
            (takes_name && !is_number).then(|| hint.to_owned())
        }
        ErrorKind::InvalidSubcommand if typed(ContextKind::InvalidSubcommand) == Some("version") => {
            Some("`snap --version` prints it".to_owned())
        }
        ErrorKind::InvalidSubcommand => {
            let other = called::other_on_path()?;
            Some(format!(
                "this `snap` saves sessions of Claude Code; {} is another program",
                Line(&other.to_string_lossy())
            ))
        }
        _ => None,
    }
}

/// Takes the line ends out of what was typed: those left are clap's own.
fn safe(mut error: Error) -> Error {
    let one = |text: &String| Line(text).to_string();
    let changed: Vec<(ContextKind, ContextValue)> = error
        .context()
        .filter_map(|(kind, value)| {
            let value = match value {
                ContextValue::String(text) => ContextValue::String(one(text)),
                ContextValue::Strings(texts) => ContextValue::Strings(texts.iter().map(one).collect()),
                ContextValue::StyledStrs(texts) => {
                    // An option that is not there was hardly meant as a name.
                    let fits = |text: &String| !text.contains("as a value, use");
                    let texts = texts.iter().map(ToString::to_string).filter(fits);
                    ContextValue::StyledStrs(texts.map(|text| StyledStr::from(one(&text))).collect())
                }
                _ => return None,
            };
            Some((kind, value))
        })
        .collect();
    for (kind, value) in changed {
        error.insert(kind, value);
    }
    error
}
