//! `snap pull`.

use std::path::Path;

use clap::Args;

use crate::base::error::{Kind, Result};
use crate::base::similar_names::MEANT;
use crate::cli::completion::remotes;
use crate::cli::help::examples;
use crate::cli::option_values::parse_number;
use crate::cli::outcome::Outcome;
use crate::cli::output::Ui;
use crate::cli::output::words::quoted;
use crate::cli::remotes::{Transfer, TransferReport, finish, remote_comes_first, usual_remote, with_remote};
use crate::context::Context;
use crate::workspace::Workspace;

/// Where the store of a work tree is.
const STORE: &str = ".claude/snapshots";

/// Fetch snapshots from a git remote
#[derive(Args)]
#[command(after_help = examples(&[
    ("snap pull", "Fetch all that is new from origin"),
    ("snap pull -n 3", "Fetch the newest three that are not here"),
    ("snap pull backup before-refactor", "Fetch that one from `backup`"),
]))]
pub(crate) struct Pull {
    /// A remote of this repository, a URL or a path
    #[arg(value_name = "REMOTE", default_value = "origin", add = remotes())]
    remote: String,
    /// The snapshots, by name or id; by default all that are not here yet
    #[arg(value_name = "REF")]
    references: Vec<String>,
    /// Only the newest of those that are not here yet
    #[arg(short = 'n', value_name = "N", value_parser = at_least_one, conflicts_with = "references")]
    newest: Option<usize>,
}

impl Pull {
    pub(crate) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        let (shown, handed) = with_remote(context, workspace, ui, &self.remote, |remote| {
            remote.pull(&self.references, self.newest)
        })
        .map_err(|error| {
            let is_alone = self.references.is_empty() && self.newest.is_none();
            let leads_on = error.next_step().is_some_and(|hint| hint.contains(MEANT));
            if error.kind() != Kind::NotFound || !is_alone || leads_on {
                return error;
            }
            // Nobody typed it: it is only what is taken if no remote is named.
            if self.remote == "origin" {
                let ask =
                    |remote: String| format!("`snap pull {}` asks the one that there is", quoted(&remote));
                return match usual_remote(workspace) {
                    Some(remote) => error.hint(ask(remote)),
                    None => error,
                };
            }
            let before = error.next_step().map(|hint| format!("{hint}; ")).unwrap_or_default();
            error.hint(format!("{before}{}", remote_comes_first(workspace, "pull", &self.remote)))
        })?;
        ui.confirm(&TransferReport::new(Transfer::Pull, &shown, &handed))?;
        if handed.is_empty()
            && let Some(told) = has_a_store(context, &self.remote)
        {
            ui.warn(&told);
        }
        finish(ui, handed)
    }
}

/// Says of another work tree that what is in its store is on no remote.
fn has_a_store(context: &Context, remote: &str) -> Option<String> {
    let store = context.cwd.join(remote).join(STORE);
    store.is_dir().then(|| {
        let (shown, store) = (quoted(remote), quoted(&Path::new(remote).join(STORE).to_string_lossy()));
        format!(
            "{shown} has a store of its own, and what is only there is on no remote: `snap --store {store} list` lists it, \
             `snap --store {store} export NAME | snap import -` brings one here"
        )
    })
}

/// Reads how many are wanted: none would look as if there were none.
fn at_least_one(text: &str) -> std::result::Result<usize, String> {
    let number = parse_number(text).ok().filter(|number| *number > 0);
    number.ok_or_else(|| "it takes how many of the newest to fetch, at least 1".to_owned())
}
