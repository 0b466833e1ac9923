//! The examples below each command's help.

use clap::builder::StyledStr;
use clap::builder::styling::Styles;

/// Sets commands and what they do in two columns, under a heading in `clap`'s own style.
pub(crate) fn examples(all: &[(&str, &str)]) -> StyledStr {
    let styles = Styles::default();
    let heading = styles.get_header();
    let width = all.iter().map(|(command, _)| command.chars().count()).max().unwrap_or(0);
    let lines: Vec<String> =
        all.iter().map(|(command, does)| format!("\n  {command:width$}  {does}")).collect();
    StyledStr::from(format!("{heading}Examples:{heading:#}{}", lines.concat()))
}
