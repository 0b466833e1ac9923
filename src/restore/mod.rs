//! Restoring: `resume`, `rewind` and `undo`, planned as data, shown, then executed by value.
//!
//! Everything is read, checked and computed before the first change: every object against its hash, every
//! diff against its base, every result against its blob id. Then a safety snapshot is made. Then a journal
//! is written. With it, files, session and index are changed all or none, even if the process or the machine
//! dies.

mod admission;
mod consent;
mod files;
mod grants;
mod history;
mod merged_tasks;
mod merging;
mod plan;
pub mod protected_paths;
mod rewind_notes;
mod safety;
mod servers;
mod session;
mod transaction;
mod undo;
mod way_back;
mod which_snapshot;

use crate::audit;
use crate::base::digest::GitHash;
use crate::base::error::{Error, Kind, Result};
use crate::base::ids::SnapshotId;
use crate::base::monitor::{Monitor, Phase};
use crate::base::paths::RepoPath;
use crate::base::screen::cut;
use crate::base::warning::{Lost, Warning};
use crate::client::{Placed, TaskChange};
use crate::context::Context;
use crate::git::{BaseHere, IndexState, Listing, Repository};
use crate::manifest::{Edits, Manifest, Skipped, Version};
use crate::prune;
use crate::redaction::{refill, refill_side_files, to_supply};
use crate::store::{Bases, LogEntry, Operation};
use crate::sys::work_tree::Tree;
use crate::workspace::Workspace;

use admission::Admission;
pub use admission::Doubt;
pub use consent::{Consent, Preview, not_trusted};
use files::merge_base::Forks;
use files::resume::Planned;
use files::{amounts, base_here, branch, merge, resume, rewind};
use transaction::apply::{self, Failed, ReadyRestore};
use transaction::journal::{self, RestoreRecord};

pub use files::ignored::WORK_TREES;
pub use files::left_alone::Spared;
pub use files::resume::{ConflictBase, ConflictingPath, Conflicts, disagree};
pub use files::step::{Action, Step, Unmade};
pub use grants::{GrantChoice, GrantPlan};
pub use history::{Direction, HistoryStep, Removal, Restored, Way};
pub use merged_tasks::{MergePlan, PlannedTask, author};
pub use merging::{MergeBase, MergedWith, check_merge, plan_merge};
pub use plan::{Done, RestoreOptions, RestorePlan};
pub use servers::{Readiness, ServerChecks, ServerStanding};
use session::PlannedSession;
pub use session::link::{follow, link, links, plan_link};
pub use session::path_mapping::{Paths, Relocated, Relocation};
pub use session::starters::{Asleep, Waking, names as revivable};
pub use session::{KeepId, NewBecause, SessionPlan, check_transcript};
pub use transaction::recover::{
    Recovered, RecoveryOutcome, RecoveryReport, UnusedJournal, alone_in, cut_off, foreign_journals, recover,
};
pub use transaction::{leftovers::leftovers, stagings::Leftover};
pub use undo::{NextStep, leads_to, next_step, next_way, plan_undo, takes_merge_back};
pub use way_back::{WayBack, next_way_back, way_back};
pub use which_snapshot::{
    InTheWay, PassedOver, SavedTree, SnapshotFound, checkpoint_before_last_step, find_to_compare,
    find_to_look, find_to_resume, find_to_rewind, lost_in_session, tree_of,
};

/// How many things of one kind are named one by one.
const MOST_TOLD: usize = 20;

/// What came of planning a resume.
pub enum PlannedResume {
    /// It can be carried out.
    Ready(Box<RestorePlan>),
    /// Edited paths are different here.
    InConflict(Conflicts),
}

/// Plans to restore a snapshot in this workspace. `monitor` gets the progress.
///
/// # Errors
/// [`Kind::Damaged`] if any part of the snapshot is; [`Kind::Refused`] for what can't be restored here.
pub fn plan_resume(
    workspace: &Workspace,
    manifest: Manifest,
    options: &RestoreOptions,
    monitor: &Monitor,
) -> Result<PlannedResume> {
    plan_since(workspace, manifest, None, options, monitor)
}

/// The same; what both sides of a merge have from `forks` is no change of either.
fn plan_since(
    workspace: &Workspace,
    manifest: Manifest,
    forks: Option<&Forks<'_>>,
    options: &RestoreOptions,
    monitor: &Monitor,
) -> Result<PlannedResume> {
    let _phase = monitor.begin(Phase::Checking, None);
    let admission = Admission::of(workspace, &manifest)?;
    let mut notes = Vec::new();
    let mut bases = Bases::default();
    let mut kept_tree = None;
    let mut base_is = ConflictBase::Here;
    if let (Some(repository), Some(base)) =
        (&workspace.repository, manifest.needed_commit().filter(|_| options.edits))
    {
        match repository.base_here(&manifest.id, base)? {
            BaseHere::Commit => {}
            BaseHere::Tree(tree) => {
                notes.push(Warning::OnlyTreeOfBase(cut(base, 40)));
                kept_tree = Some(tree);
            }
            BaseHere::Nothing => match workspace.store.bases(&manifest)? {
                Some(carried) => {
                    (bases, base_is) = (carried, ConflictBase::Carried);
                    notes.push(Warning::BaseCarried(cut(base, 40)));
                }
                None if options.trust_repository => base_is = ConflictBase::Missing,
                None => return Err(repository.lacks_commit(base)),
            },
        }
    }
    let (mut steps, mut listing, mut unchanged, mut conflicts) = (Vec::new(), None, 0, Vec::new());
    let (mut unfilled, mut unmade, mut spared) = (Vec::new(), Vec::new(), Vec::new());
    match (&manifest.edits, &workspace.repository) {
        (Some(saved), Some(repository)) if options.edits => {
            let refilled =
                refill(workspace, repository, &manifest, saved, Some(&bases), &options.fill, monitor)?;
            let saved = refilled.edits.as_ref();
            unfilled = refilled.held;
            let found = if options.merge {
                let on_tree = kept_tree.map(|tree| Edits { base: Some(tree), ..saved.clone() });
                let saved = on_tree.as_ref().unwrap_or(saved);
                let around = manifest.around.as_ref();
                let name = &workspace.store.called(&manifest);
                let merged = merge::plan(workspace, repository, saved, around, &bases, forks, name, monitor)?;
                conflicts = merged.conflicts;
                merged.steps
            } else {
                let planned = resume::plan(
                    workspace,
                    repository,
                    saved,
                    manifest.around.as_ref(),
                    &bases,
                    options.new_tree,
                    monitor,
                )?;
                match planned {
                    Planned::Steps(steps) => *steps,
                    Planned::InConflict(conflicts) => {
                        return Ok(PlannedResume::InConflict(Conflicts { base: base_is, ..conflicts }));
                    }
                }
            };
            (steps, listing, unchanged) = (found.steps, Some(found.listing), found.unchanged);
            (unmade, spared) = (found.unmade, found.spared);
            notes.extend(found.notes);
            notes.extend(manifest.edits.iter().flat_map(|edits| left_out(&edits.skipped)));
        }
        (Some(saved), None) if options.edits && !saved.files.is_empty() => {
            return Err(Error::new(Kind::Refused, "Cannot restore the pending edits here")
                .because(format!("{} is not in a git repository", workspace.root.display()))
                .hint("run it in a clone of the repository, or leave the edits out with `--no-edits`"));
        }
        _ => {}
    }
    if let Some(operation) = manifest.edits.as_ref().and_then(|edits| edits.operation.as_deref()) {
        notes.push(Warning::OperationWasInProgress(operation.to_owned()));
    }
    let session = if options.session {
        session::plan(workspace, &manifest, &options.paths, options.id, monitor)?
    } else {
        PlannedSession::Nothing
    };
    match &session {
        PlannedSession::Nothing if !options.session => {}
        PlannedSession::Nothing if manifest.session.is_none() => notes.push(Warning::NoSessionSaved),
        PlannedSession::Nothing => notes.push(Warning::NoConversationSaved),
        PlannedSession::NoMessage(id) => notes.push(Warning::NothingSaid(id.to_string())),
        PlannedSession::Planned(session) => {
            notes.extend(session_notes(&manifest, session));
            notes.extend(to_supply(workspace, &manifest)?);
        }
    }
    if options.session {
        notes.extend(left_out(&manifest.not_captured.files));
    }
    amounts::measure(&workspace.root, &mut steps)?;
    Ok(PlannedResume::Ready(Box::new(RestorePlan {
        root: workspace.root.clone(),
        called: workspace.store.called(&manifest),
        manifest,
        steps,
        listing,
        conflicts,
        unchanged,
        session: session.plan(),
        notes,
        admission,
        moved: None,
        unfilled,
        unmade,
        spared,
        folders: Vec::new(),
        emptied: Vec::new(),
        needs_filter: Vec::new(),
        history_step: None,
        merging: None,
    })))
}

/// Returns the commit that a snapshot's edits are made against.
pub fn base_of(manifest: &Manifest) -> Option<&str> {
    manifest.base_commit()
}

fn session_notes(manifest: &Manifest, session: &SessionPlan) -> Vec<Warning> {
    let mut notes = session.damage();
    let mut each = |what: Lost, longest: usize, all: &[String]| {
        let told = all.iter().take(MOST_TOLD);
        notes.extend(told.map(|one| Warning::Lost(what, cut(one, longest))));
        notes.extend(more(all.len()).map(|more| Warning::MoreLost(what, more)));
    };
    each(Lost::Queued, 2_000, &session.queue);
    each(Lost::Scheduled, 200, &manifest.not_captured.scheduled);
    each(Lost::Process, 200, &manifest.not_captured.processes);
    each(Lost::Team, 2_000, &manifest.not_captured.teams);
    each(Lost::Option, 200, &manifest.not_captured.options);
    if let Some(saved) = &manifest.session {
        notes.extend(saved.background.then_some(Warning::RanInBackground));
        let added = session.notes_added(saved);
        notes.extend((added > 0).then_some(Warning::MemoryComes(added)));
    }
    if !session.options.not_added.is_empty() {
        notes.push(Warning::FoldersNotAdded(session.options.not_added.clone()));
    }
    notes
}

/// Returns how many there are beyond those that are named one by one.
fn more(all: usize) -> Option<usize> {
    all.checked_sub(MOST_TOLD).filter(|more| *more > 0)
}

/// Plans to put the work tree back to exactly what it was when the snapshot was saved.
///
/// # Errors
/// [`Kind::Refused`] if the snapshot has no edits to go by, or the repository lacks its base
/// commit; else as [`plan_resume`].
pub fn plan_rewind(
    workspace: &Workspace,
    manifest: Manifest,
    options: &RestoreOptions,
    monitor: &Monitor,
) -> Result<RestorePlan> {
    let _phase = monitor.begin(Phase::Checking, None);
    let (Some(saved), Some(repository)) = (&manifest.edits, &workspace.repository) else {
        return Err(Error::new(Kind::Refused, "Cannot rewind")
            .because(
                "the snapshot or this folder is outside git, so there is no state of files to go back to",
            )
            .hint("`snap resume` brings the conversation back"));
    };
    let admission = Admission::of(workspace, &manifest)?;
    let refilled = refill(workspace, repository, &manifest, saved, None, &options.fill, monitor)?;
    let saved = base_here::on_it(repository, &manifest.id, refilled.edits.as_ref())?;
    let mut found = rewind::plan(
        workspace,
        repository,
        &saved,
        manifest.around.as_ref(),
        rewind::RewindScope::Everything,
        monitor,
    )?;
    amounts::measure(&workspace.root, &mut found.steps)?;
    let mut notes: Vec<Warning> = manifest.edits.iter().flat_map(|edits| left_out(&edits.skipped)).collect();
    if let Some(base) = manifest.base_commit().filter(|base| saved.base.as_deref() != Some(base)) {
        notes.push(Warning::OnlyTreeOfBase(cut(base, 40)));
    }
    notes.extend(found.notes);
    notes.extend(files::sparse::other_patterns(repository, manifest.around.as_ref())?);
    if let Some(operation) = &saved.operation {
        notes.push(Warning::OperationWasInProgress(operation.clone()));
    }
    let session = if options.session {
        session::plan(workspace, &manifest, &options.paths, options.id, monitor)?
    } else {
        PlannedSession::Nothing
    };
    match &session {
        PlannedSession::Nothing => {}
        PlannedSession::NoMessage(id) => notes.push(Warning::NothingSaid(id.to_string())),
        PlannedSession::Planned(session) => {
            notes.extend(session_notes(&manifest, session));
            notes.extend(to_supply(workspace, &manifest)?);
        }
    }
    let moved = if options.reset_branch { branch::plan(repository, &manifest)? } else { None };
    notes.extend(rewind_notes::hooks_that_go(workspace, &found.steps));
    if moved.is_none() {
        notes.extend(rewind_notes::head_stays(
            &manifest,
            found.listing.head.as_deref(),
            found.listing.branch.as_deref(),
        ));
    }
    Ok(RestorePlan {
        root: workspace.root.clone(),
        called: workspace.store.called(&manifest),
        admission,
        moved,
        unfilled: refilled.held,
        unmade: found.unmade,
        spared: found.spared,
        folders: found.folders,
        emptied: Vec::new(),
        needs_filter: found.needs_filter,
        history_step: None,
        steps: found.steps,
        listing: Some(found.listing),
        conflicts: Vec::new(),
        unchanged: found.unchanged,
        session: session.plan(),
        merging: None,
        notes,
        manifest,
    })
}

fn left_out(skipped: &[Skipped]) -> Vec<Warning> {
    let told = skipped.iter().take(MOST_TOLD);
    let told =
        told.map(|left| Warning::NotInSnapshot { path: left.path.clone(), reason: left.reason.clone() });
    told.chain(more(skipped.len()).map(Warning::MoreNotInSnapshot)).collect()
}

/// Executes a plan: safety snapshot, files, session. `monitor` gets the progress.
///
/// # Errors
/// What git, the disk or the client's folders say; the work tree, the index and the client's
/// folders are then as they were. [`Kind::Refused`] for a plan that was not admitted.
pub fn execute(
    context: &Context,
    workspace: &Workspace,
    mut plan: RestorePlan,
    operation: Operation,
    monitor: &Monitor,
) -> Result<Done> {
    if !plan.admission.is_admitted() {
        return Err(not_trusted(&plan.called, "nobody agreed to restore it"));
    }
    let listing = plan.listing.take();
    let seen = listing.as_ref().map(Listing::seen);
    let safety = safety::make(context, workspace, &plan, listing, monitor);
    let safety = safety.map_err(Error::with_nothing_changed)?;
    let saved = safety.as_ref().map(|(_, manifest)| manifest);
    let done = carry_out(context, workspace, (plan, seen), operation, saved, monitor);
    match (done, safety) {
        (Ok(done), safety) => Ok(Done { safety: safety.map(|(_, one)| (one.id, one.name)), ..done }),
        (Err(Failed { error, as_before: true }), Some((stem, _))) => {
            // Nothing was changed, so there is nothing to undo: an older restore is the last one.
            let _kept = prune::remove_unneeded(context, workspace, &stem);
            Err(error.with_nothing_changed())
        }
        (Err(Failed { error, as_before: true }), None) => Err(error.with_nothing_changed()),
        (Err(Failed { error, .. }), _) => Err(error),
    }
}

/// Returns the empty folders of a snapshot.
fn empty_in(manifest: &Manifest) -> impl Iterator<Item = &RepoPath> {
    manifest.around.iter().flat_map(|around| &around.empty_folders)
}

/// Returns the folders that were empty before the restore that a safety snapshot is for.
fn filled_before(safety: Option<&Manifest>) -> impl Iterator<Item = &RepoPath> {
    safety.and_then(|manifest| manifest.safety.as_ref()).into_iter().flat_map(|safety| &safety.filled)
}

/// Sets the files and installs the session; if that fails, all is as it was.
fn carry_out(
    context: &Context,
    workspace: &Workspace,
    (plan, seen): (RestorePlan, Option<IndexState>),
    operation: Operation,
    safety: Option<&Manifest>,
    monitor: &Monitor,
) -> std::result::Result<Done, Failed> {
    let own = matches!(plan.provenance(), crate::trust::Provenance::Own);
    let brings_back = matches!(operation, Operation::Resume | Operation::Rewind) && safety.is_some();
    let left = if operation == Operation::Merge || brings_back { plan.not_taken() } else { Vec::new() };
    let whole = brings_back && plan.conflicts().is_empty();
    let RestorePlan { manifest, steps, session, moved, folders, emptied, merging, .. } = plan;
    let paths = steps.len();
    let id = SnapshotId::random();
    let filled = manifest.session.as_ref().filter(|_| session.is_some());
    let filled = filled.map(|session| refill_side_files(workspace, &manifest, session)).transpose();
    let filled = filled.map_err(|error| Failed { error, as_before: true })?;
    let ready =
        session.as_ref().map(|plan| session::Ready { workspace, manifest: &manifest, plan, session: filled });
    let placed = ready.as_ref().map(|ready| ready.placed(id.as_str())).transpose();
    let placed = placed.map_err(|error| Failed { error, as_before: true })?.flatten();
    let object_format = workspace.repository.as_ref().map_or(GitHash::Sha1, Repository::hash);
    let index = apply::index_changes(&steps);
    let moves = apply::moves(&steps, |mode, bytes| Version { oid: object_format.blob_id(bytes), mode });
    let mounts = Tree::open(&workspace.root)
        .and_then(|tree| tree.mounts_above(moves.iter().map(|step: &journal::Move| &step.path)));
    let mounts = mounts.map_err(|error| Failed { error, as_before: true })?.into_iter().collect::<Vec<_>>();
    let line = LogEntry {
        session: session.as_ref().map(|session| session.id.clone()),
        root: Some(workspace.root.as_path().into()),
        safety: safety.map(|safety| safety.id.clone()),
        moved: moved.clone(),
        into: merging.as_ref().and_then(|merging| merging.into.clone()),
        branch: merging.as_ref().map_or_else(|| safety?.workspace.branch.clone(), |one| one.branch.clone()),
        left,
        whole,
        tasks: merging.as_ref().and_then(MergePlan::logged),
        ..audit::line(context, operation, Some(&manifest))
    };
    let tasks = merging.and_then(|merging| merging.change(&id));
    let record = RestoreRecord {
        format: match placed.as_ref().is_some_and(Placed::continues) {
            _ if tasks.is_some() => 7,
            _ if placed.as_ref().is_some_and(Placed::names_project_folder) => 6,
            _ if !mounts.is_empty() => 5,
            true => 4,
            false => 3,
        },
        id,
        line: line.clone(),
        safety: safety.map(|safety| safety.name.clone()),
        root: workspace.root.as_path().into(),
        object_format,
        // Where files change, what git has noted of them does too.
        index: !index.is_empty() || workspace.repository.is_some() && !moves.is_empty(),
        moves,
        mounts,
        filled: filled_before(safety).cloned().collect(),
        session: placed,
        tasks,
    };
    let change = ReadyRestore {
        record,
        repository: workspace.repository.as_ref().filter(|_| paths > 0 || moved.is_some()),
        steps,
        exactly: !matches!(operation, Operation::Resume | Operation::Merge) && own,
        kept: empty_in(&manifest).chain(filled_before(Some(&manifest))).cloned().collect(),
        folders,
        emptied,
        index,
        session: ready,
        seen,
        monitor,
    };
    let tasks = change.record.tasks.as_ref().map_or(0, TaskChange::number);
    let log = || audit::try_write(&workspace.store, &line);
    let (relocated, leftover, unlogged) = change.carry_out(&workspace.store, log)?;
    let session = session.map(|session| (session.id, session.cwd));
    Ok(Done { safety: None, paths, session, relocated, leftover, moved, tasks, unlogged })
}
