//! `snap push`.

use clap::Args;

use crate::base::error::{Kind, Result};
use crate::cli::completion::{remotes, snapshots};
use crate::cli::help::examples;
use crate::cli::interrupted;
use crate::cli::line_choice;
use crate::cli::outcome::Outcome;
use crate::cli::output::Ui;
use crate::cli::output::words::quoted;
use crate::cli::remotes::{Transfer, TransferReport, finish, remote_comes_first, usual_remote, with_remote};
use crate::context::Context;
use crate::store::Reference;
use crate::transfer::ToPush;
use crate::workspace::Workspace;

/// Send snapshots to a git remote, beside its branches
#[derive(Args)]
#[command(after_help = examples(&[
    ("snap push", "Send the newest snapshot to origin"),
    ("snap push backup before-refactor", "Send that one to the remote `backup`"),
]))]
pub(crate) struct Push {
    /// A remote of this repository, a URL or a path
    #[arg(value_name = "REMOTE", default_value = "origin", add = remotes())]
    remote: String,
    /// The snapshots to send; by default the newest
    #[arg(value_name = "REF", add = snapshots())]
    references: Vec<String>,
    /// Send the secret with this ID although it would be held back, this time only (repeatable)
    #[arg(long, value_name = "ID")]
    allow_secret: Vec<String>,
}

impl Push {
    pub(crate) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        let typed = self.references.clone();
        let references = if self.references.is_empty() { vec!["latest".to_owned()] } else { self.references };
        let references = line_choice::as_meant_here(
            workspace,
            &references,
            &format!("push {}", quoted(&self.remote)),
            ui,
        )?;
        let by_name = |number: usize| {
            typed.get(number).is_some_and(|name| !matches!(Reference::parse(name), Reference::Latest(_)))
        };
        let wanted: Vec<ToPush> = references
            .into_iter()
            .enumerate()
            .map(|(number, reference)| ToPush { reference, by_name: by_name(number) })
            .collect();
        let (shown, handed) = with_remote(context, workspace, ui, &self.remote, |remote| {
            interrupted::says(format!(
                "nothing was changed here; `snap list --remote {}` shows what has arrived there",
                quoted(&self.remote)
            ));
            remote.push(&wanted, &self.allow_secret)
        })
        .map_err(|error| {
            let is_snapshot = || workspace.store.find(&Reference::parse(&self.remote)).is_ok();
            if error.kind() != Kind::NotFound {
                return error;
            }
            match usual_remote(workspace) {
                known if self.remote != "origin" && is_snapshot() => {
                    let first = remote_comes_first(workspace, "push", &self.remote);
                    let before = error.next_step().filter(|_| known.is_none());
                    let before = before.map(|hint| format!("{hint}; ")).unwrap_or_default();
                    error.hint(format!("{before}{first}"))
                }
                Some(remote) if self.remote == "origin" && remote != "origin" => {
                    let more: String = typed.iter().map(|name| format!(" {}", quoted(name))).collect();
                    error
                        .hint(format!("`snap push {}{more}` sends to the one that there is", quoted(&remote)))
                }
                _ => error,
            }
        })?;
        ui.confirm(&TransferReport::new(Transfer::Push, &shown, &handed))?;
        finish(ui, handed)
    }
}
