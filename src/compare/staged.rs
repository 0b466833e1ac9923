//! Whether two states differ in what is staged, which no diff shows.
//!
//! Only where both go on from the same commit: otherwise their indexes differ in any case.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::paths::RepoPath;
use crate::git::{Listing, Status};
use crate::manifest::{Edit, IndexState, Manifest, SUBMODULE_GONE, Skipped, Version};
use crate::workspace::{OwnFolders, Workspace};

/// What was staged when a snapshot was saved.
#[derive(PartialEq, Eq)]
pub(super) struct Staged {
    base: Option<String>,
    paths: BTreeMap<RepoPath, (IndexState, Option<Version>)>,
}

impl Staged {
    /// Returns it; `None` outside git.
    pub(super) fn of(manifest: &Manifest) -> Option<Staged> {
        let edits = manifest.edits.as_ref()?;
        let changed = edits.files.iter().filter(|edit| edit.index != IndexState::Unstaged);
        let paths = changed.map(|edit| {
            let staged = edit.staged.as_ref().map(|staged| &staged.version).or(edit.new.as_ref());
            (edit.path.clone(), (edit.index, staged.cloned()))
        });
        Some(Staged { base: edits.base.clone(), paths: paths.collect() })
    }

    /// Says whether other things were staged when another snapshot was saved.
    pub(super) fn differs_from(&self, other: &Staged) -> bool {
        self.base == other.base && self.paths != other.paths
    }

    /// Says whether other paths are staged in what is pending now.
    pub(super) fn differs_now(&self, listing: &Listing, own: &OwnFolders) -> bool {
        let is_staged = |status: &Status| match status {
            Status::Tracked { head, index, intent_to_add, .. } => head != index || intent_to_add.is_some(),
            Status::Submodule(submodule) => submodule.head != submodule.index,
            Status::Unmerged { .. } => true,
            Status::Untracked | Status::NestedRepository => false,
        };
        let staged = listing.pending.iter().filter(|entry| is_staged(&entry.status));
        let now: BTreeSet<&RepoPath> =
            staged.map(|entry| &entry.path).filter(|path| !own.hold(path)).collect();
        listing.head == self.base && now != self.paths.keys().collect()
    }
}

/// Says whether a file is not in the work tree now, as it was not when a mark left it out of that.
pub(super) fn is_still_left_out(workspace: &Workspace, edit: &Edit) -> bool {
    edit.is_left_out() && workspace.root.join(edit.path.as_path()).symlink_metadata().is_err()
}

/// Returns the submodules whose folders are gone now, and were there when a snapshot that left these paths out was saved.
pub(super) fn submodules_gone(listing: &Listing, skipped: &[Skipped]) -> Vec<RepoPath> {
    let is_gone = |status: &Status| matches!(status, Status::Submodule(one) if one.gone && one.index.as_ref().is_some_and(Version::is_submodule));
    let was_gone = |path: &RepoPath| {
        let folder = format!("{path}/");
        skipped.iter().any(|one| one.path == folder && one.reason == SUBMODULE_GONE)
    };
    let gone = listing.pending.iter().filter(|entry| is_gone(&entry.status)).map(|entry| &entry.path);
    gone.filter(|path| !was_gone(path)).cloned().collect()
}
