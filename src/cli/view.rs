//! `snap view`: the arguments, and where it can't run.

use clap::Args;

use super::Outcome;
use super::ui::Ui;
use crate::base::error::{Error, Kind, Result};
use crate::context::Context;
use crate::view;
use crate::workspace::Workspace;

/// Look through snapshots, their tasks, agents and edits, on the screen
#[derive(Args)]
pub(super) struct View {
    /// The snapshot to open first
    #[arg(value_name = "REF", default_value = "latest")]
    reference: String,
}

impl View {
    pub(super) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        if ui.json() || !ui.is_terminal() {
            let why = if ui.json() { "it has no JSON" } else { "standard input or output is not a terminal" };
            return Err(Error::new(Kind::Usage, "`snap view` needs a terminal")
                .because(why)
                .hint("`snap show` and `snap diff` print the same; both take `--json`"));
        }
        view::run(workspace, &self.reference, ui.color(), context.now)?;
        Ok(Outcome::Done)
    }
}
