//! The plan of a restore: everything that it will do, as a value; the request for it, and its result.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::admission::Admission;
use super::files::left_alone::Spared;
use super::files::step::{Step, Unmade};
use super::history::HistoryStep;
use super::merged_tasks::MergePlan;
use super::session::path_mapping::{Paths, Relocated};
use super::session::{KeepId, SessionPlan};
use super::transaction::stagings::Leftover;
use crate::base::error::{Error, Kind, Result};
use crate::base::ids::{ClientId, SnapshotId};
use crate::base::paths::RepoPath;
use crate::base::warning::Warning;
use crate::git::Listing;
use crate::manifest::Manifest;
use crate::redaction::Held;
use crate::store::MovedBranch;

/// Everything that a restore will do.
pub struct RestorePlan {
    pub(super) manifest: Manifest,
    /// What it is called here.
    pub(super) called: String,
    pub(super) root: PathBuf,
    pub(super) steps: Vec<Step>,
    /// What the steps were planned on.
    pub(super) listing: Option<Listing>,
    pub(super) conflicts: Vec<RepoPath>,
    pub(super) unchanged: usize,
    pub(super) session: Option<SessionPlan>,
    pub(super) notes: Vec<Warning>,
    pub(super) admission: Admission,
    /// The branch that is moved too.
    pub(super) moved: Option<MovedBranch>,
    pub(super) unfilled: Vec<Held>,
    pub(super) unmade: Vec<Unmade>,
    pub(super) spared: Vec<Spared>,
    /// Empty folders to be made again.
    pub(super) folders: Vec<RepoPath>,
    /// Empty folders that the restore which is undone has made.
    pub(super) emptied: Vec<RepoPath>,
    /// What stays as it is here, and the filter that it would need.
    pub(super) needs_filter: Vec<(RepoPath, String)>,
    /// The step of the history that this is, if it is one.
    pub(super) history_step: Option<HistoryStep>,
    /// What a merge does beside that, or what an undo or redo of one does.
    pub(super) merging: Option<MergePlan>,
}

/// How to bring a snapshot back.
#[derive(Clone, Debug)]
pub struct RestoreOptions {
    /// Whether the pending edits come back.
    pub edits: bool,
    /// Whether paths that are different here are merged.
    pub merge: bool,
    /// Whether `rewind` moves the branch to the snapshot's base commit.
    pub reset_branch: bool,
    /// Whether the session comes back.
    pub session: bool,
    /// Under which id.
    pub id: KeepId,
    /// Whether a repository that lacks the snapshot's base commit is good enough.
    pub trust_repository: bool,
    /// Whether the work tree was made for this a moment ago. Then nobody has edited what git calls
    /// edited.
    pub new_tree: bool,
    /// What becomes of the session's paths.
    pub paths: Paths,
    /// The variables that secrets may be taken from by name.
    pub fill: Vec<String>,
}

/// What a restore did.
pub struct Done {
    /// The safety snapshot, if files were at stake.
    pub safety: Option<(SnapshotId, String)>,
    /// How many paths were set.
    pub paths: usize,
    /// The session to resume and the folder to resume it in.
    pub session: Option<(ClientId, PathBuf)>,
    /// What rewriting the session's paths did.
    pub relocated: Relocated,
    /// The branch that was moved; the safety snapshot's ref keeps the old tip.
    pub moved: Option<MovedBranch>,
    /// How many tasks a merge added, or an undo of one took back.
    pub tasks: usize,
    /// A staging folder that stays; it holds the old files.
    pub leftover: Option<Leftover>,
    /// That the log has no line about it: `undo` does not know it.
    pub unlogged: Option<Warning>,
}

impl RestorePlan {
    /// Returns what the snapshot that is restored is called here.
    pub fn called(&self) -> &str {
        &self.called
    }

    /// Returns the snapshot that is restored.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Returns the folder that it is restored in.
    pub fn root(&self) -> &std::path::Path {
        &self.root
    }

    /// Returns the paths that will be set, sorted.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Says whether anything in the work tree or the index changes.
    pub(super) fn changes_files(&self) -> bool {
        !(self.steps.is_empty() && self.folders.is_empty() && self.emptied.is_empty())
    }

    /// Says whether it makes a safety snapshot first, so that an undo goes back.
    pub fn sets_something(&self) -> bool {
        self.changes_files() || self.moved.is_some() || self.changes_tasks()
    }

    /// Says whether tasks are added or taken back.
    pub(super) fn changes_tasks(&self) -> bool {
        self.merging.as_ref().is_some_and(MergePlan::changes_tasks)
    }

    /// Returns what a merge does beside setting files, or what an undo or redo of one does.
    pub fn merging(&self) -> Option<&MergePlan> {
        self.merging.as_ref()
    }

    /// Gives a merge the snapshot of what was here before it, and the text of its report.
    #[must_use]
    pub fn merging_into(mut self, into: Option<SnapshotId>, report: String) -> RestorePlan {
        if let Some(merging) = &mut self.merging {
            (merging.into, merging.report) = (into, Some(report));
        }
        self
    }

    /// Returns what of the snapshot's edits is not taken: it is held back, or can't be made here.
    pub(super) fn not_taken(&self) -> Vec<RepoPath> {
        let held = self.held().iter().map(|doubt| &doubt.path);
        let unfilled = self.unfilled.iter().map(|held| &held.path);
        let unmade = self.unmade.iter().map(|unmade| &unmade.path);
        let all: BTreeSet<&RepoPath> = held.chain(unfilled).chain(unmade).collect();
        all.into_iter().cloned().collect()
    }

    /// Returns the paths that will have conflict markers.
    pub fn conflicts(&self) -> &[RepoPath] {
        &self.conflicts
    }

    /// Returns how many paths are already as saved.
    pub fn unchanged(&self) -> usize {
        self.unchanged
    }

    /// Says whether a session was saved, and nothing was said in it that the client could resume.
    pub fn lacks_messages(&self) -> bool {
        self.notes.iter().any(|note| matches!(note, Warning::NothingSaid(_)))
    }

    /// Returns what will be done with the session.
    pub fn session(&self) -> Option<&SessionPlan> {
        self.session.as_ref()
    }

    /// Has parts of somebody else's conversation come alive.
    ///
    /// # Errors
    /// As [`SessionPlan::revive`]; [`Kind::Usage`] if there is no session.
    pub fn reviving(mut self, wanted: &[String]) -> Result<RestorePlan> {
        match &mut self.session {
            Some(session) => session.revive(wanted)?,
            None if wanted.is_empty() => {}
            None => {
                return Err(
                    Error::new(Kind::Usage, "There is nothing to revive").because("no session is restored")
                );
            }
        }
        Ok(self)
    }

    /// Returns the branch that will be moved.
    pub fn moved(&self) -> Option<&MovedBranch> {
        self.moved.as_ref()
    }

    /// Returns the files that can't be made, as secrets in them are not here.
    pub fn unfilled(&self) -> &[Held] {
        &self.unfilled
    }

    /// Returns the files that git can't check out here, and that stay as they are.
    pub fn unmade(&self) -> &[Unmade] {
        &self.unmade
    }

    /// Returns what stays as it is: it was not git's business when the snapshot was saved, or needs no change to have
    /// the saved edits.
    pub fn spared(&self) -> &[Spared] {
        &self.spared
    }

    /// Returns the empty folders that are made again.
    pub fn folders(&self) -> &[RepoPath] {
        &self.folders
    }

    /// Returns the files that are left as they are here, with the filter that a checkout would run.
    /// Only the repository's own configuration has that filter.
    pub fn needs_filter(&self) -> &[(RepoPath, String)] {
        &self.needs_filter
    }

    /// Adds files that are left as they are, but for those that are set.
    #[must_use]
    pub fn with_unfiltered(mut self, left: Vec<(RepoPath, String)>) -> RestorePlan {
        let is_set = |path: &RepoPath| self.steps.iter().any(|step| step.path() == path);
        let left: Vec<_> = left.into_iter().filter(|(path, _)| !is_set(path)).collect();
        self.needs_filter.extend(left);
        self
    }

    /// Returns which restore is undone or redone.
    pub fn history_step(&self) -> Option<&HistoryStep> {
        self.history_step.as_ref()
    }

    /// Returns what a person should know.
    pub fn notes(&self) -> &[Warning] {
        &self.notes
    }
}
