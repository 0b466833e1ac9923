//! `snap log`: who did what to which snapshot, when.

use clap::Args;

use super::ui::{Style, Ui};
use super::{Outcome, print_json};
use crate::context::Context;
use crate::error::Result;
use crate::screen::{Line, cut};
use crate::store::LogEntry;
use crate::timestamp::age;
use crate::workspace::Workspace;

/// Show who did what, newest first
#[derive(Args)]
pub(super) struct Log {
    /// Show the newest N only
    #[arg(short = 'n', long = "max-count", value_name = "N")]
    most: Option<usize>,
}

impl Log {
    pub(super) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        let mut entries = workspace.store.read_log()?;
        entries.reverse();
        entries.truncate(self.most.unwrap_or(usize::MAX));
        if ui.json() {
            print_json(ui, &entries)?;
            return Ok(Outcome::Done);
        }
        if entries.is_empty() {
            ui.say("Nothing has been done here yet.");
        }
        for entry in &entries {
            let line = line(context, entry);
            ui.line(&format!("{}{line}", ui.paint(Style::Strong, format!("{:8}", entry.operation.word()))))?;
        }
        Ok(Outcome::Done)
    }
}

fn line(context: &Context, entry: &LogEntry) -> String {
    let peer = entry.peer.as_deref().map(|peer| format!("  {}", Line(peer))).unwrap_or_default();
    let safety = entry.safety.as_ref().map(|id| format!("  (safety {})", id.short())).unwrap_or_default();
    format!(
        "  {:>4}  {}  {}  {}@{}{peer}{safety}",
        age(context.now.since(entry.at)),
        entry.snapshot.short(),
        cut(&entry.name, 40),
        Line(&entry.user),
        Line(&entry.host),
    )
}
