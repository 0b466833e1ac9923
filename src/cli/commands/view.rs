//! `snap view`: the arguments, and where it can't run.

use clap::Args;

use crate::base::error::{Error, Kind, Result};
use crate::cli::companion;
use crate::cli::completion::snapshots;
use crate::cli::help::examples;
use crate::cli::output::{Ui, is_dumb};
use crate::context::Context;
use crate::space;
use crate::view::{self, CompanionTask, Picked};
use crate::workspace::Workspace;

/// Browse snapshots, their tasks, agents and edits, full screen
#[derive(Args)]
#[command(after_help = examples(&[("snap view", "Open the newest; `?` shows the keys, `q` leaves")]))]
pub(crate) struct View {
    /// The snapshot to open first
    #[arg(value_name = "REF", default_value = "latest", add = snapshots())]
    reference: String,
}

impl View {
    /// Shows it until the person leaves; returns what is to be done then.
    pub(crate) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Option<Picked>> {
        let obstacle = [
            (ui.json(), "it has no JSON"),
            (!ui.is_terminal(), "standard input or output is not a terminal"),
            (is_dumb(), "this one can't move the cursor (TERM=dumb)"),
        ];
        if let Some((_, why)) = obstacle.into_iter().find(|(is_there, _)| *is_there) {
            return Err(Error::new(Kind::Usage, "`snap view` needs a terminal")
                .because(why)
                .hint("`snap show` and `snap diff` print the same; both take `--json`"));
        }
        crate::git::read_blobs_only_to_show();
        let start = |aside: CompanionTask<'_>| match aside {
            CompanionTask::AtWork => companion::start(context, &["space", "--feed"]),
            CompanionTask::Session(session) => companion::start(context, &["follow", "--feed", session]),
        };
        // Nothing is asked of a remote that a person did not name for this.
        let is_shared = space::home_of(workspace).is_ok_and(|home| space::joined(context, &home).is_some());
        let start: Option<view::Start<'_>> = if is_shared { Some(&start) } else { None };
        view::run(workspace, &self.reference, ui.color(), context.now, start)
    }
}
