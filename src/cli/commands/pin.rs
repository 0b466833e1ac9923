//! `snap pin` and `snap unpin`.

use clap::Args;
use serde::Serialize;

use crate::base::error::Result;
use crate::cli::completion::snapshots;
use crate::cli::help::examples;
use crate::cli::outcome::Outcome;
use crate::cli::output::snapshot_words::shown_name;
use crate::cli::output::{Report, Ui};
use crate::store::Reference;
use crate::workspace::Workspace;

/// Keep a snapshot from being pruned
#[derive(Args)]
#[command(after_help = examples(&[("snap pin before-refactor", "Never remove it, until it is unpinned")]))]
pub(crate) struct Pin {
    /// The snapshot
    #[arg(value_name = "REF", default_value = "latest", add = snapshots())]
    reference: String,
}

/// Let a snapshot be pruned again
#[derive(Args)]
#[command(after_help = examples(&[("snap unpin before-refactor", "Let `snap prune` and `snap rm` remove it")]))]
pub(crate) struct Unpin {
    /// The snapshot
    #[arg(value_name = "REF", default_value = "latest", add = snapshots())]
    reference: String,
}

impl Pin {
    pub(crate) fn run(self, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        set(workspace, ui, &self.reference, true)
    }
}

impl Unpin {
    pub(crate) fn run(self, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        set(workspace, ui, &self.reference, false)
    }
}

/// Whether a snapshot is pinned now, and whether that is new.
#[derive(Serialize)]
struct PinReport {
    name: String,
    pinned: bool,
    changed: bool,
}

impl Report for PinReport {
    fn print(&self, ui: &mut Ui) -> Result<()> {
        ui.say(&if self.pinned {
            let when = if self.changed { "now" } else { "already" };
            format!("\"{}\" is {when} pinned: `snap prune` keeps it.", self.name)
        } else {
            let when = if self.changed { "no longer" } else { "not" };
            format!("\"{}\" is {when} pinned.", self.name)
        });
        Ok(())
    }
}

fn set(workspace: &Workspace, ui: &mut Ui, reference: &str, pinned: bool) -> Result<Outcome> {
    let entry = workspace.store.find_exactly(&Reference::parse(reference))?;
    let changed = workspace.store.set_pin(&workspace.store.prepare()?, &entry.stem, pinned)?;
    ui.report(&PinReport { name: shown_name(&entry), pinned, changed })?;
    Ok(Outcome::Done)
}
