//! `snap man`: the manual pages, made from the command line itself. Owns `clap_mangen`.

use std::io::{self, Write as _};

use clap::builder::Command;
use clap::{Args, CommandFactory as _};

use super::ui::{Ui, output_error};
use super::{Arguments, Outcome};
use crate::base::error::{Error, Kind, Result};

/// Print a manual page: `snap man | man -l -`
#[derive(Args)]
pub(super) struct Man {
    /// The command to print the page of; none: the page of snap itself
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
}

impl Man {
    pub(super) fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let mut snap = Arguments::command();
        // Passes the global flags on and names the commands in full.
        snap.build();
        let page = match &self.command {
            None => page(snap),
            Some(name) => {
                let found = snap.find_subcommand(name).filter(|command| !command.is_hide_set());
                let command = found.cloned().ok_or_else(|| {
                    Error::new(
                        Kind::Usage,
                        format!("There is no command {:?}", crate::base::screen::Line(name).to_string()),
                    )
                    .hint("`snap --help` lists them")
                })?;
                page(command)
            }
        };
        let page = page.map_err(|error| output_error(&error))?;
        ui.output().write_all(&page).map_err(|error| output_error(&error))?;
        Ok(Outcome::Done)
    }
}

fn page(command: Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    Ok(page)
}
