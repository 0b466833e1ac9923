//! `snap completions`: the script that makes a shell ask this program what can be typed.

use clap::{Args, ValueEnum};
use clap_complete::Shell;

use crate::base::error::Result;
use crate::cli::completion::script;
use crate::cli::help::examples;
use crate::cli::outcome::Outcome;
use crate::cli::output::{Ui, output_error};

/// Print a completion script for a shell; it completes the names of snapshots too
///
/// Bash reads it from `~/.local/share/bash-completion/completions/snap`, zsh from a file `_snap` in a folder of
/// `$fpath`, fish from `~/.config/fish/completions/snap.fish`.
#[derive(Args)]
#[command(after_help = examples(&[
    ("snap completions bash > ~/.local/share/bash-completion/completions/snap", ""),
    ("snap completions fish > ~/.config/fish/completions/snap.fish", ""),
]))]
pub(crate) struct Completions {
    /// The shell to print it for
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, ui: &mut Ui) -> Result<Outcome> {
        use std::io::Write as _;
        let name =
            self.shell.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        ui.output().write_all(&script(&name)?).map_err(|error| output_error(&error))?;
        Ok(Outcome::Done)
    }
}
