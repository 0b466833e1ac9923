//! `snap log`: who did what to which snapshot, when.

use std::collections::HashMap;

use clap::Args;
use serde::Serialize;

use crate::base::error::Result;
use crate::base::ids::SnapshotId;
use crate::base::screen::{Line, cut};
use crate::base::timestamp::{Timestamp, age};
use crate::cli::help::examples;
use crate::cli::option_values::parse_number;
use crate::cli::outcome::Outcome;
use crate::cli::output::{Report, Style, Ui, text};
use crate::context::Context;
use crate::store::{LogEntry, LogOutcome, Operation};
use crate::workspace::Workspace;

/// The longest reason of a failure that is shown, in characters; JSON has all of it.
const LONGEST_REASON: usize = 80;

/// Show who did what, newest first
#[derive(Args)]
#[command(after_help = examples(&[("snap log -n 10", "Show the ten newest entries")]))]
pub(crate) struct Log {
    /// Show only the newest N entries
    #[arg(short = 'n', long = "max-count", value_name = "N", value_parser = parse_number)]
    most: Option<usize>,
}

impl Log {
    pub(crate) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        let mut entries = workspace.store.read_log()?;
        name_as_here(&mut entries, workspace.store.names().unwrap_or_default());
        let is_empty = entries.is_empty();
        entries.reverse();
        entries.truncate(self.most.unwrap_or(usize::MAX));
        ui.report(&LogReport { entries, now: context.now, is_empty })?;
        Ok(Outcome::Done)
    }
}

/// Gives each snapshot the name that it has here, as all other commands do; one that is gone, the name that it had last.
fn name_as_here(entries: &mut [LogEntry], names: HashMap<SnapshotId, String>) {
    let mut known: HashMap<SnapshotId, String> = HashMap::new();
    let is_removal = |entry: &&LogEntry| matches!(entry.operation, Operation::Remove | Operation::Prune);
    for gone in entries.iter().filter(is_removal) {
        known.extend(gone.snapshot.clone().map(|id| (id, gone.name.clone())));
    }
    known.extend(names);
    for entry in entries {
        if let Some(name) = entry.snapshot.as_ref().and_then(|id| known.get(id)) {
            entry.name.clone_from(name);
        }
    }
}

/// The log, newest first.
#[derive(Serialize)]
#[serde(transparent)]
struct LogReport {
    entries: Vec<LogEntry>,
    #[serde(skip)]
    now: Timestamp,
    /// Whether nothing is in the log at all.
    #[serde(skip)]
    is_empty: bool,
}

impl Report for LogReport {
    fn print(&self, ui: &mut Ui) -> Result<()> {
        if self.is_empty {
            ui.say("The log is empty: nothing has been done here yet.");
        }
        for entry in &self.entries {
            let operation = Style::Strong.of(format!("{:8}", entry.operation.word()));
            ui.line(text![operation, line(self.now, entry)])?;
        }
        Ok(())
    }
}

fn line(now: Timestamp, entry: &LogEntry) -> String {
    let peer = entry.peer.as_deref().map(|peer| format!("  {}", Line(peer))).unwrap_or_default();
    let outcome = match (entry.outcome, &entry.reason) {
        (LogOutcome::Ok, _) => String::new(),
        (LogOutcome::Skipped, _) => "  (nothing to do)".to_owned(),
        (LogOutcome::Failed, None) => "  failed".to_owned(),
        (LogOutcome::Failed, Some(why)) => format!("  failed: {}", cut(why, LONGEST_REASON)),
    };
    let safety = entry.safety.as_ref().map(|id| format!("  (safety {})", id.short())).unwrap_or_default();
    format!(
        "  {:>4}  {}  {}  {}@{}{peer}{safety}{outcome}",
        age(now.since(entry.at)),
        entry.snapshot.as_ref().map_or("-       ", |id| id.short()),
        cut(&entry.name, 40),
        Line(&entry.user),
        Line(&entry.host),
    )
}
