//! What is wrong with a command line, as `clap` says it: with what was typed made safe to show.

use clap::Error;
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue};

use super::ui::{ColorChoice, Ui};
use crate::base::error::Result;
use crate::base::screen::Line;

/// Prints help and version on standard output, anything else on standard error.
pub(super) fn tell(error: Error) -> Result<()> {
    let mut ui = Ui::new(ColorChoice::Never, false, false);
    let is_failure = error.use_stderr();
    for line in safe(error).render().to_string().lines() {
        match is_failure {
            true => ui.tell_line(line),
            false => ui.line(line)?,
        }
    }
    ui.flush()
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
                ContextValue::StyledStrs(texts) => ContextValue::StyledStrs(
                    texts.iter().map(|text| StyledStr::from(one(&text.to_string()))).collect(),
                ),
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
