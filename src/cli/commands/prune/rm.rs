//! `snap rm`: snapshots by name.

use clap::Args;
use serde::Serialize;

use super::judged;
use super::questions::{MOST_UNASKED, ask, still_agreed};
use super::remote::remove_from_remote;
use super::report::{Freed, line_names, tell_left, tell_nameless, tell_way_back};
use crate::base::error::{Error, Kind, Result};
use crate::base::monitor::Monitor;
use crate::base::screen::Line;
use crate::cli::completion::{remotes, snapshots};
use crate::cli::help::examples;
use crate::cli::interrupted;
use crate::cli::line_choice;
use crate::cli::outcome::Outcome;
use crate::cli::output::words::quoted;
use crate::cli::output::{Report, Ui, progress_bar};
use crate::cli::remotes::remote_comes_first;
use crate::cli::upkeep::follow_links;
use crate::context::Context;
use crate::prune::{self, RemovalPlan};
use crate::store::{LogOutcome, Operation, Reference};
use crate::workspace::Workspace;

/// Remove snapshots by name
#[derive(Args)]
#[command(after_help = examples(&[
    ("snap rm before-refactor", "Remove that one"),
    ("snap rm", "Choose one, and remove it"),
]))]
pub(crate) struct Rm {
    /// Remove them from a git remote instead of from here
    #[arg(long, value_name = "REMOTE", add = remotes())]
    remote: Option<String>,
    /// The snapshots to remove; without any, you choose one from a list on a terminal
    #[arg(value_name = "REF", add = snapshots())]
    references: Vec<String>,
    /// Delete for good, not by way of the trash: for a secret in it
    #[arg(long, conflicts_with = "remote")]
    now: bool,
    /// Prompt even for one
    #[arg(long, hide = true)]
    ask: bool,
    /// Never prompt, however many are removed
    #[arg(long, visible_alias = "yes", overrides_with = "no_input")]
    no_input: bool,
}

/// What `snap rm` removed.
#[derive(Serialize)]
struct Removed {
    removed: Vec<String>,
    /// Whether nothing of them is left.
    for_good: bool,
    /// Other snapshots that hold the same version of a file, or the name of one that is gone for good.
    also_in: Vec<String>,
    freed: Freed,
}

impl Report for Removed {
    fn print(&self, ui: &mut Ui) -> Result<()> {
        let how = if self.for_good { " for good" } else { "" };
        self.removed.iter().for_each(|name| ui.say(&format!("Removed \"{name}\"{how}.")));
        Ok(())
    }
}

/// Returns the remotes to which this user pushed what is about to be removed, as far as the log knows, each with the names.
fn pushed(workspace: &Workspace, plan: &RemovalPlan) -> Vec<(String, Vec<String>)> {
    let log = workspace.store.own_log().unwrap_or_default();
    let mut there: Vec<(String, Vec<String>)> = Vec::new();
    for (name, id) in plan.removed() {
        let mut remotes: Vec<&str> = Vec::new();
        for line in log.iter().filter(|line| line.snapshot.as_ref() == Some(id)) {
            let Some(remote) = line.peer.as_deref() else { continue };
            match line.operation {
                Operation::Push if line.outcome != LogOutcome::Failed && !remotes.contains(&remote) => {
                    remotes.push(remote)
                }
                Operation::Withdraw if line.outcome.is_ok() => remotes.retain(|other| *other != remote),
                _ => {}
            }
        }
        for remote in remotes {
            match there.iter_mut().find(|(known, _)| known == remote) {
                Some((_, names)) => names.push(name.to_owned()),
                None => there.push((remote.to_owned(), vec![name.to_owned()])),
            }
        }
    }
    there
}

/// Says what removes those copies.
fn tell_pushed(pushed: &[(String, Vec<String>)], ui: &mut Ui) {
    for (remote, names) in pushed {
        let (remote, names) = (Line(remote).to_string(), names.iter().map(|name| quoted(name)));
        let names = names.collect::<Vec<_>>().join(" ");
        ui.warn(&format!(
            "the copy on {remote} stays: `snap rm --remote {} {names}` removes it there",
            quoted(&remote)
        ));
    }
}

impl Rm {
    pub(crate) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        if self.references.is_empty() {
            let needs = Error::new(Kind::Usage, "`snap rm` needs to know which snapshots to remove");
            let named =
                self.remote.as_deref().filter(|word| workspace.store.find(&Reference::parse(word)).is_ok());
            return Err(match named {
                Some(word) => needs.hint(remote_comes_first(workspace, "rm --remote", word)),
                None => needs.hint(match &self.remote {
                    Some(remote) => format!("`snap list --remote {}` lists them", quoted(remote)),
                    None => "`snap list` lists them".to_owned(),
                }),
            });
        }
        if let Some(remote) = &self.remote {
            return remove_from_remote(context, workspace, ui, remote, &self.references, self.no_input);
        }
        let references = line_choice::as_meant_here(workspace, &self.references, "rm", ui)?;
        let mut agreed = None;
        let most = if self.ask { 0 } else { MOST_UNASKED };
        if self.references.len() > most && !self.no_input {
            let plan = RemovalPlan::by_name(workspace, &references)?;
            agreed = ask(&judged(&plan), most, ui)?;
        }
        if !workspace.store.root().exists() {
            // The lock would make it.
            RemovalPlan::by_name(workspace, &references)?;
        }
        let lock = workspace.store.lock_for_deleting()?;
        let plan = RemovalPlan::by_name(workspace, &references)?.at_once(self.now);
        still_agreed(agreed.as_ref(), &judged(&plan))?;
        let names = plan.names();
        let mut lines = line_names(&workspace.store);
        let pushed = if self.now { pushed(workspace, &plan) } else { Vec::new() };
        let monitor = Monitor::default();
        let copies = plan.warnings();
        interrupted::says(interrupted::IN_PART);
        let carry_out = || plan.carry_out(context, workspace, &lock, &monitor);
        let done = progress_bar::show(ui.talks(), &monitor, carry_out)?;
        drop(lock);
        follow_links(workspace, ui);
        copies.iter().for_each(|warning| ui.warn(&warning.to_string()));
        let is_partial = tell_left(context, workspace, ui, &done, self.now) || !copies.is_empty();
        tell_pushed(&pushed, ui);
        let prune::Removed { freed, also_in, batch, .. } = done;
        let for_good = self.now && !is_partial;
        let report = Removed { removed: names, for_good, also_in, freed: Freed::of(freed) };
        ui.report(&report)?;
        tell_way_back(workspace, batch.as_ref(), ui);
        let left = line_names(&workspace.store);
        lines.retain(|name| !left.contains(name));
        tell_nameless(&lines, false, ui);
        if !ui.json() {
            report.freed.tell(ui, false, context.now);
        }
        Ok(Outcome::partial_if(is_partial))
    }
}
