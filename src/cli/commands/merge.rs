//! `snap merge`: brings another line of work into this one: its edits, its open tasks, and a report of what was done there.

use clap::Args;
use serde::Serialize;

use crate::audit;
use crate::base::error::Result;
use crate::base::ids::SnapshotId;
use crate::base::screen::Line;
use crate::base::warning::Warning;
use crate::capture;
use crate::cli::completion::{lines, sessions};
use crate::cli::help::examples;
use crate::cli::line_choice;
use crate::cli::outcome::Outcome;
use crate::cli::output::snapshot_words::tasks;
use crate::cli::output::words::quoted;
use crate::cli::output::{Report, Ui};
use crate::cli::restore_flow::{ConsentArgs, RestoreArgs, planning};
use crate::cli::save_first::{last_of, save_first, session_here};
use crate::client::FoundSession;
use crate::context::Context;
use crate::manifest::Manifest;
use crate::report;
use crate::restore::{self, GrantChoice, MergedWith, RestoreOptions, RestorePlan, Way};
use crate::store::{LogEntry, Operation, Store};
use crate::trust::Provenance;
use crate::workspace::Workspace;

/// Bring another line of work into this one
///
/// A line of work is a snapshot with all that came before it: another attempt of yours, or what a colleague saved. What is here is
/// saved first. Then the edits of the other line are merged into your files: what only one side changed is taken, and where both
/// changed the same lines, the file gets conflict markers, as with git. Its open tasks are added to those of the session here. Its
/// conversation is not, and yours stays as it is: a report of what was done there is written for the agent, and you are shown a
/// prompt that leads to it. `snap undo` takes all of that back.
#[derive(Args)]
#[command(after_help = examples(&[
    ("snap merge try-cache --dry-run", "Show what would be merged"),
    ("snap merge wip@bob", "Merge a colleague's snapshot"),
]))]
pub(crate) struct Merge {
    /// The line's name, or a snapshot of it
    #[arg(value_name = "REF", add = lines())]
    reference: String,
    /// Only show what would be done
    #[arg(long)]
    dry_run: bool,
    /// The session here: its id, the start of the id, or the path of its transcript
    #[arg(long, value_name = "ID|PATH", add = sessions())]
    session: Option<String>,
    /// Fetch the snapshot's base commit if this repository doesn't have it
    #[arg(long)]
    fetch_base: bool,
    /// Merge into a repository that doesn't have the snapshot's base commit
    #[arg(long)]
    trust_repository: bool,
    /// Which permission grants to take over; by default `review` on a terminal, otherwise `none`
    #[arg(long, value_name = "WHICH")]
    grants: Option<GrantChoice>,
    /// Take a secret that a file needs from the environment variable NAME (repeatable)
    #[arg(long, value_name = "NAME")]
    fill: Vec<String>,
    #[command(flatten)]
    consent: ConsentArgs,
}

impl Merge {
    pub(crate) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        let store = &workspace.store;
        let entry = line_choice::find(store, &self.reference)?;
        let called = entry.called.clone();
        let manifest = entry.manifest?;
        let trust_repository = self.trust_repository;
        let (asked, no_input) = (self.session.clone(), self.consent.no_input());
        let args = self.args(&manifest.id);
        let line = audit::line(context, Operation::Merge, Some(&manifest));
        args.planned(workspace, &line, args.check(context, workspace, &manifest, ui))?;
        args.fetch_base(context, workspace, &manifest, ui)?;
        // Before anything is saved for it.
        args.planned(workspace, &line, restore::check_merge(workspace, &manifest, trust_repository))?;
        let session = session_here(context, workspace, asked.as_deref(), no_input, ui)?;
        let last = last_of(context, workspace, session.as_ref());
        // What it comes from is known of the next snapshot before that is saved. So none is saved for a merge that is refused, that
        // nobody agrees to, or that has nothing to do.
        let id = session.as_ref().map(|session| &session.id);
        let here = match last.clone() {
            Some(last) => capture::as_next(context, workspace, id, last)?,
            None => capture::as_first(context, workspace, id)?,
        };
        let has = |one: &Manifest| has_last_of(store, session.as_ref(), one);
        let log = store.own_log().unwrap_or_default();
        let merged = capture::merged_into(store, &log, &here.workspace);
        let is_own = |one: &Manifest| workspace.provenance(one) == Provenance::Own;
        let repository = workspace.repository.as_ref();
        // If git can't tell, one counts as made on another branch: then less is in common, and nothing is lost.
        let is_ancestor = |old: &str, new: &str| {
            repository.is_some_and(|repository| repository.is_ancestor(old, new).unwrap_or(false))
        };
        let known = report::merge_bases(store, (&here, &merged), &manifest, &has, &is_own, &is_ancestor)?;
        let fork = known.fork.as_ref().or_else(|| known.bases.first().map(|base| &base.snapshot));
        let first = known.first.as_ref().or(known.bases.first());
        // On another branch of git, what was pending on the first one may not be here.
        let is_whole = first.is_none_or(|first| first.snapshot.id != manifest.id || first.whole_here);
        let is_part = is_whole && fork.is_some_and(|fork| fork.id == manifest.id);
        let before = last.as_ref().map(|last| &last.id).or(here.parent.as_ref());
        if let (Some(into), true) = (before, is_part || known.is_merged) {
            let (snapshot, id) = (&called, &manifest.id);
            let is_last = is_last(&log, workspace, id);
            let undoes = if is_last { restore::takes_merge_back(workspace)? } else { None };
            ui.confirm(&NothingToMerge { snapshot, id, into, was_merged: !is_part, undoes })?;
            return Ok(Outcome::Done);
        }
        if known.is_gone {
            ui.warn(&Warning::MergedBaseGone.to_string());
        }
        if let Some(missing) = known.unknown_since.as_ref().filter(|_| !known.is_gone) {
            ui.warn(&Warning::MergedAcrossGap(missing.to_string()).to_string());
        } else if let (Some(missing), None) = (&known.missing, &fork) {
            ui.warn(&Warning::MergedWithoutBase(missing.to_string()).to_string());
        }
        let _alone = restore::alone_in(workspace)?;
        let with = MergedWith {
            session: session.as_ref(),
            last_restore: here.last_restore.as_ref(),
            first,
            bases: &known.bases,
            behind: &known.behind,
        };
        let options = RestoreOptions { trust_repository, ..args.options() };
        let make = |ui: &Ui, options: &RestoreOptions| {
            planning(ui, |monitor| restore::plan_merge(workspace, manifest.clone(), &with, options, monitor))
        };
        let plan = args.planned(workspace, &line, make(ui, &options))?;
        let agreed = args.variables(ui, &plan)?;
        let plan = if agreed.is_empty() {
            plan
        } else {
            args.planned(workspace, &line, make(ui, &RestoreOptions { fill: agreed, ..options }))?
        };
        let there = tasks(store, plan.manifest());
        let save = |plan: RestorePlan, ui: &mut Ui| {
            let into = save_first(context, workspace, session.as_ref(), ui)?.manifest;
            let text = report::merged(store, &plan, Some(&into), fork, &there)?;
            Ok(plan.merging_into(Some(into.id), text))
        };
        args.carry_out_after(context, workspace, plan, Operation::Merge, (save, || ()), ui)
    }

    /// Takes over what was typed, for the snapshot that is meant.
    fn args(self, id: &SnapshotId) -> RestoreArgs {
        let mut args = RestoreArgs::of_merge(id.to_string(), self.dry_run, self.consent);
        (args.fetch_base, args.grants, args.fill) = (self.fetch_base, self.grants, self.fill);
        args
    }
}

/// Says whether the session here has the last record of a snapshot's conversation. Without a session here, or without a
/// conversation there, nothing speaks against it.
fn has_last_of(store: &Store, session: Option<&FoundSession>, one: &Manifest) -> Result<bool> {
    match (session, report::last_record(store, one)?) {
        (Some(session), Some(record)) => session.has_record(&record),
        _ => Ok(true),
    }
}

/// A snapshot that is on the line that leads here.
#[derive(Serialize)]
struct NothingToMerge<'a> {
    snapshot: &'a str,
    id: &'a SnapshotId,
    into: &'a SnapshotId,
    /// Whether it was merged, and is not what came before.
    was_merged: bool,
    /// How an undo would take that merge back.
    #[serde(skip)]
    undoes: Option<Way>,
}

/// Says whether the merge of a snapshot is the last thing that set files here.
fn is_last(log: &[LogEntry], workspace: &Workspace, id: &SnapshotId) -> bool {
    let set_files = |entry: &&LogEntry| {
        let here = entry.root.as_ref().is_some_and(|root| root.as_path() == workspace.root);
        here && entry.outcome.is_ok() && entry.operation.is_restore() && entry.safety.is_some()
    };
    let last = log.iter().rev().find(set_files);
    last.is_some_and(|last| last.operation == Operation::Merge && last.snapshot.as_ref() == Some(id))
}

impl Report for NothingToMerge<'_> {
    fn print(&self, ui: &mut Ui) -> Result<()> {
        let snapshot = Line(self.snapshot);
        ui.say(&if self.was_merged {
            let again = self.undoes.map_or(String::new(), |way| {
                format!(" {} takes that back; then it can be merged again.", way.command())
            });
            format!("Nothing to merge: \"{snapshot}\" was merged here already.{again}")
        } else {
            format!(
                "Nothing to merge: what is here goes on from \"{snapshot}\". `snap rewind {}` goes back to it.",
                quoted(self.snapshot)
            )
        });
        Ok(())
    }
}
