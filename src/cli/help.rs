//! What stands below the options in a help: examples, and paragraphs under headings.

use std::fmt::Write as _;

use clap::builder::StyledStr;
use clap::builder::styling::Styles;

use super::program_name;

/// Sets commands and what they do in two columns, under a heading in `clap`'s own style.
pub(crate) fn examples(all: &[(&str, &str)]) -> StyledStr {
    examples_and(all, &[])
}

/// The same, with further headings and what is under each.
pub(crate) fn examples_and(all: &[(&str, &str)], more: &[(&str, &str)]) -> StyledStr {
    let all: Vec<_> = all.iter().map(|(command, does)| (program_name::in_command(command), does)).collect();
    let width = all.iter().map(|(command, _)| command.chars().count()).max().unwrap_or(0);
    let lines: Vec<String> = all.iter().map(|(command, does)| format!("{command:width$}  {does}")).collect();
    let lines = lines.join("\n");
    let styles = Styles::default();
    let heading = styles.get_header();
    let mut help = StyledStr::new();
    for (number, (title, text)) in [("Examples", lines.as_str())].iter().chain(more).enumerate() {
        let gap = if number == 0 { "" } else { "\n\n" };
        let _never_fails = write!(help, "{gap}{heading}{title}:{heading:#}");
        for line in text.lines() {
            let _never_fails = write!(help, "\n  {}", line.trim_end());
        }
    }
    help
}
