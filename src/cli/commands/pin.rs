//! `snap pin` and `snap unpin`.

use clap::Args;
use serde::Serialize;

use crate::audit;
use crate::base::error::Result;
use crate::cli::completion::snapshots;
use crate::cli::help::examples;
use crate::cli::line_choice;
use crate::cli::outcome::Outcome;
use crate::cli::output::snapshot_words::shown_name;
use crate::cli::output::{Report, Ui};
use crate::context::Context;
use crate::store::{Entry, LogEntry, Operation, Reference, Store};
use crate::workspace::Workspace;

/// Keep snapshots from being pruned
#[derive(Args)]
#[command(after_help = examples(&[
    ("snap pin before-refactor", "Never remove it, until it is unpinned"),
    ("snap pin before-refactor parser", "The same for two"),
]))]
pub(crate) struct Pin {
    /// The snapshots
    #[arg(value_name = "REF", default_value = "latest", add = snapshots())]
    references: Vec<String>,
}

/// Let snapshots be pruned again
#[derive(Args)]
#[command(after_help = examples(&[("snap unpin before-refactor", "Let `snap prune` and `snap rm` remove it")]))]
pub(crate) struct Unpin {
    /// The snapshots
    #[arg(value_name = "REF", default_value = "latest", add = snapshots())]
    references: Vec<String>,
}

impl Pin {
    pub(crate) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        set(context, workspace, ui, &self.references, Operation::Pin)
    }
}

impl Unpin {
    pub(crate) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        set(context, workspace, ui, &self.references, Operation::Unpin)
    }
}

/// Whether a snapshot is pinned now, and whether that is new.
#[derive(Serialize)]
struct PinReport {
    name: String,
    pinned: bool,
    changed: bool,
}

/// What became of several: for a program, a list.
#[derive(Serialize)]
#[serde(transparent)]
struct SeveralPins(Vec<PinReport>);

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

impl Report for SeveralPins {
    fn print(&self, ui: &mut Ui) -> Result<()> {
        self.0.iter().try_for_each(|one| one.print(ui))
    }
}

/// Pins or unpins all of them. If one of them is not there, none is changed.
fn set(
    context: &Context,
    workspace: &Workspace,
    ui: &mut Ui,
    references: &[String],
    operation: Operation,
) -> Result<Outcome> {
    let store = &workspace.store;
    let command = if operation == Operation::Pin { "pin" } else { "unpin" };
    let entries = found(store, &line_choice::as_meant_here(workspace, references, command, ui)?)?;
    let lock = store.prepare()?;
    let pinned = operation == Operation::Pin;
    let mut reports = Vec::new();
    for entry in &entries {
        let changed = store.set_pin(&lock, &entry.stem, pinned)?;
        if changed {
            let manifest = entry.manifest.as_ref().ok();
            let line = audit::line(context, operation, manifest);
            audit::write(store, &LogEntry { name: entry.called.clone(), ..line });
        }
        reports.push(PinReport { name: shown_name(entry), pinned, changed });
    }
    match reports.len() {
        1 => reports.iter().try_for_each(|one| ui.report(one))?,
        _ => ui.report(&SeveralPins(reports))?,
    }
    Ok(Outcome::Done)
}

/// Returns what the references mean, each snapshot once.
fn found(store: &Store, references: &[String]) -> Result<Vec<Entry>> {
    let mut entries: Vec<Entry> = Vec::new();
    for reference in references {
        let entry = store.find_exactly(&Reference::parse(reference))?;
        if !entries.iter().any(|other| other.stem == entry.stem) {
            entries.push(entry);
        }
    }
    Ok(entries)
}
