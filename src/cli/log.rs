//! `snap log`: who did what to which snapshot, when.

use clap::Args;

use super::ui::{Style, Ui, text};
use super::{Outcome, print_json};
use crate::base::error::Result;
use crate::base::screen::{Line, cut};
use crate::base::timestamp::age;
use crate::context::Context;
use crate::store::{LogEntry, LogOutcome};
use crate::workspace::Workspace;

/// The longest reason of a failure that is shown, in characters; JSON has all of it.
const LONGEST_REASON: usize = 80;

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
            let operation = Style::Strong.of(format!("{:8}", entry.operation.word()));
            ui.line(text![operation, line(context, entry)])?;
        }
        Ok(Outcome::Done)
    }
}

fn line(context: &Context, entry: &LogEntry) -> String {
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
        age(context.now.since(entry.at)),
        entry.snapshot.as_ref().map_or("-       ", |id| id.short()),
        cut(&entry.name, 40),
        Line(&entry.user),
        Line(&entry.host),
    )
}
