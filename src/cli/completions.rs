//! `snap completions`: what a shell needs to complete our command line. Owns `clap_complete`.

use clap::{Args, CommandFactory as _};
use clap_complete::{Shell, generate};

use super::ui::{Ui, output_error};
use super::{Arguments, Outcome};
use crate::base::error::Result;

/// Print a completion script for a shell
///
/// Bash: `snap completions bash > ~/.local/share/bash-completion/completions/snap`. Zsh: into a file
/// `_snap` in a folder of `$fpath`. Fish: `~/.config/fish/completions/snap.fish`.
#[derive(Args)]
pub(super) struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self, ui: &mut Ui) -> Result<Outcome> {
        use std::io::Write as _;
        let mut script = Vec::new();
        generate(self.shell, &mut Arguments::command(), "snap", &mut script);
        ui.output().write_all(&script).map_err(|error| output_error(&error))?;
        Ok(Outcome::Done)
    }
}
