//! `snap completions`: what a shell needs to complete our command line. Owns `clap_complete`.

use clap::{Args, Command};
use clap_complete::{Shell, generate};

use crate::base::error::Result;
use crate::cli::help::examples;
use crate::cli::outcome::Outcome;
use crate::cli::output::{Ui, output_error};

/// Print a completion script for a shell
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
    pub(crate) fn run(self, mut snap: Command, ui: &mut Ui) -> Result<Outcome> {
        use std::io::Write as _;
        let mut script = Vec::new();
        generate(self.shell, &mut snap, "snap", &mut script);
        ui.output().write_all(&script).map_err(|error| output_error(&error))?;
        Ok(Outcome::Done)
    }
}
