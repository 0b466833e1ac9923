//! Plans a merge: another line's edits, three ways, and its open tasks as further ones of the session that works here.
//!
//! The conversation here is not touched, and nothing of the other one gets into it: what was done there is told by a report
//! that the agent may read.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::files::merge::{check_finished, no_common_base};
use super::files::merge_base::{Fork, Forks};
use super::merged_tasks::{MergePlan, open_in};
use super::{PlannedResume, RestoreOptions, RestorePlan, plan_since};
use crate::base::error::{Error, Kind, Result};
use crate::base::monitor::Monitor;
use crate::base::paths::RepoPath;
use crate::base::screen::{Line, for_shell};
use crate::base::warning::Warning;
use crate::client::FoundSession;
use crate::git::{BaseHere, Repository};
use crate::manifest::{Edits, LastRestore, Manifest};
use crate::redaction::{Refilled, refill};
use crate::store::Reference;
use crate::workspace::Workspace;

/// What a line of work is merged with.
pub struct MergedWith<'a> {
    /// The session that works here.
    pub session: Option<&'a FoundSession>,
    /// The last restore that set files here.
    pub last_restore: Option<&'a LastRestore>,
    /// The snapshot from which both went on first.
    pub first: Option<&'a MergeBase>,
    /// The newest snapshots that both have, since one merged the other; else the same.
    pub bases: &'a [MergeBase],
    /// Of several of them: what these have in common in turn, and so on.
    pub behind: &'a [Vec<MergeBase>],
}

/// A snapshot that both lines have.
#[derive(Debug)]
pub struct MergeBase {
    /// The snapshot.
    pub snapshot: Manifest,
    /// What of its edits one of them did not take.
    pub left: BTreeSet<RepoPath>,
    /// Whether the line that is merged is known to have had all else of it.
    pub whole: bool,
    /// Whether what is here is known to have had all else of it.
    pub whole_here: bool,
}

/// Says early what keeps a snapshot from being merged here, before anything is saved for it.
///
/// # Errors
/// [`Kind::Refused`] outside git, if the snapshot has no commit, or if that is not here, and [`Kind::Conflict`] in the middle of another merge.
pub fn check_merge(workspace: &Workspace, manifest: &Manifest, trust_repository: bool) -> Result<()> {
    let Some(repository) = &workspace.repository else { return Err(outside_git(workspace)) };
    repository.check_merges()?;
    check_finished(&repository.status()?)?;
    if manifest.edits.as_ref().is_some_and(|edits| edits.base.is_none()) {
        return Err(no_common_base(&workspace.store.called(manifest)));
    }
    let Some(base) = manifest.needed_commit() else { return Ok(()) };
    let is_here = !matches!(repository.base_here(&manifest.id, base)?, BaseHere::Nothing);
    if is_here || trust_repository || workspace.store.bases(manifest)?.is_some() {
        return Ok(());
    }
    Err(repository.lacks_commit(base))
}

fn outside_git(workspace: &Workspace) -> Error {
    Error::new(Kind::Refused, "Cannot merge here")
        .because(format!("{} is in no git repository", Line(&workspace.root.to_string_lossy())))
        .hint("`snap resume` brings the conversation back")
}

/// Plans to merge a snapshot into what is here.
///
/// # Errors
/// As [`super::plan_resume`].
pub fn plan_merge(
    workspace: &Workspace,
    manifest: Manifest,
    with: &MergedWith<'_>,
    options: &RestoreOptions,
    monitor: &Monitor,
) -> Result<RestorePlan> {
    let Some(repository) = &workspace.repository else { return Err(outside_git(workspace)) };
    let mut notes = Vec::new();
    let mut merging = match with.session {
        Some(found) => {
            let list = found.home.task_list(&found.id, &workspace.root)?;
            MergePlan::adding(workspace, &manifest, &found.id, &list, None, &mut notes)?
        }
        None => {
            let open = open_in(workspace, &manifest)?;
            notes.extend((open > 0).then_some(Warning::NoSessionForTasks(open)));
            MergePlan::default()
        }
    };
    merging.session = with.session.map(|found| (found.id.clone(), found.live.is_some()));
    // As the agent finds it from the folder that it works in.
    let report = workspace.store.report_path(&manifest.id);
    let works_in = with.session.and_then(|found| found.cwd.as_deref()).unwrap_or(&workspace.root);
    merging.report_path = Some(match report.strip_prefix(works_in) {
        Ok(below) if works_in == workspace.root => below.to_owned(),
        _ => report,
    });
    let first = with.first.map(|first| fork_of(workspace, repository, first)).transpose()?.flatten();
    let forks_of = |bases| forks_of(workspace, repository, bases);
    let behind = with.behind.iter().map(|bases| forks_of(bases)).collect::<Result<_>>()?;
    let restored_on = with.last_restore.and_then(|restore| restored_on(workspace, restore));
    let forks = Forks { bases: forks_of(with.bases)?, behind, first, restored_on };
    let called = workspace.store.called(&manifest);
    let options = RestoreOptions { merge: true, session: false, ..options.clone() };
    match plan_since(workspace, manifest, Some(&forks), &options, monitor)? {
        PlannedResume::Ready(mut plan) => {
            plan.notes.extend(notes);
            merging.branch = plan.listing.as_ref().and_then(|listing| listing.branch.clone());
            plan.merging = Some(merging);
            Ok(*plan)
        }
        PlannedResume::InConflict(conflicts) => Err(conflicts.into_error(&called, &for_shell(&called), None)),
    }
}

/// Returns the commit that a snapshot was made on whose files were brought back.
fn restored_on(workspace: &Workspace, restore: &LastRestore) -> Option<String> {
    let restored = Reference::Named(restore.snapshot.to_string());
    let manifest = workspace.store.find(&restored).ok()?.manifest.ok()?;
    manifest.base_commit().map(str::to_owned)
}

fn forks_of<'a>(
    workspace: &Workspace,
    repository: &Repository,
    bases: &'a [MergeBase],
) -> Result<Vec<Fork<'a>>> {
    let forks = bases.iter().map(|base| fork_of(workspace, repository, base));
    Ok(forks.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// Reads a snapshot that both sides have; `None` if it can't be one's base.
fn fork_of<'a>(
    workspace: &Workspace,
    repository: &Repository,
    base: &'a MergeBase,
) -> Result<Option<Fork<'a>>> {
    let one = &base.snapshot;
    let Some(edits) = &one.edits else { return Ok(None) };
    if workspace.refuse_bomb(one, &workspace.provenance(one)).is_err() {
        return Ok(None);
    }
    match refill(workspace, repository, one, edits, None, &[], &Monitor::default()) {
        Ok(refilled) => Ok(Some(Fork {
            id: one.id.clone(),
            edits: with_placeholders(edits, refilled),
            around: one.around.as_ref(),
            left: &base.left,
            whole: base.whole,
            whole_here: base.whole_here,
        })),
        // Then what both had when they went apart is a change of both.
        Err(error) if error.kind() == Kind::Damaged => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the edits of a base. Where a secret is not here, its placeholder stands for it: each side has its own line there, so no
/// placeholder gets into the result.
fn with_placeholders<'a>(saved: &Edits, refilled: Refilled<'a>) -> Cow<'a, Edits> {
    let Refilled { edits, held } = refilled;
    if held.is_empty() {
        return edits;
    }
    let held: BTreeSet<RepoPath> = held.into_iter().map(|held| held.path).collect();
    let mut edits = edits.into_owned();
    edits.files.extend(saved.files.iter().filter(|edit| held.contains(&edit.path)).cloned());
    edits.files.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    edits.skipped.clone_from(&saved.skipped);
    Cow::Owned(edits)
}
