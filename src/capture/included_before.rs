//! Which files a save takes because an earlier one of this work tree was told to: what `--include` and higher limits took
//! once is in every later snapshot too, until a person says otherwise.

use std::collections::BTreeSet;

use super::untracked::{self, Limits};
use crate::base::error::Result;
use crate::base::paths::RepoPath;
use crate::manifest::{Edit, Edits, Head, IndexState};
use crate::store::{Operation, UnreadEntry};
use crate::sys::work_tree::Tree;
use crate::workspace::Workspace;

/// Returns the files that are still here of those that were asked for: in the newest snapshot of this work tree, and in the one
/// that was restored here last. Only the user's own snapshots count: another's must not choose what is saved here.
pub(super) fn still_here(workspace: &Workspace) -> Result<BTreeSet<RepoPath>> {
    let root = workspace.root.as_path().into();
    let known = workspace.store.known()?;
    let own = |wanted: &dyn Fn(&Head) -> bool| {
        known
            .iter()
            .find(|known| known.own && known.head.as_ref().is_ok_and(|head| !head.safety && wanted(head)))
    };
    let newest = own(&|head| *head.root() == root);
    let Some(newest) = newest else { return Ok(BTreeSet::new()) };
    let is_restore = |operation| matches!(operation, Operation::Resume | Operation::Rewind);
    let log = workspace.store.own_log().unwrap_or_default();
    let restored = log
        .iter()
        .rev()
        .find(|line| line.outcome.is_ok() && is_restore(line.operation) && line.root.as_ref() == Some(&root));
    let restored =
        restored.and_then(|line| line.snapshot.as_ref()).and_then(|id| own(&|head| head.id == *id));
    let asked_for = |known: &UnreadEntry| workspace.store.whole(known).and_then(|one| one.edits);
    let mut all: BTreeSet<RepoPath> = BTreeSet::new();
    for known in std::iter::once(newest).chain(restored.filter(|one| one.stem != newest.stem)) {
        all.extend(asked_for(known).into_iter().flat_map(|edits| edits.included));
    }
    if !all.is_empty() {
        let tree = Tree::open(&workspace.root)?;
        all.retain(|path| matches!(tree.size(path), Ok(Some(_))));
    }
    Ok(all)
}

/// Returns those of the saved files that are there because somebody asked for them: by name, or with limits above the usual ones.
pub(super) fn asked_for(
    workspace: &Workspace,
    edits: &Edits,
    by_name: &[RepoPath],
    (limits, usual): (Limits, Limits),
) -> Result<Vec<RepoPath>> {
    let is_untracked =
        |edit: &&Edit| edit.old.is_none() && edit.index == IndexState::Unstaged && edit.new.is_some();
    let untracked: BTreeSet<&RepoPath> =
        edits.files.iter().filter(is_untracked).map(|edit| &edit.path).collect();
    let mut all: BTreeSet<RepoPath> =
        by_name.iter().filter(|path| untracked.contains(path)).cloned().collect();
    if limits.file > usual.file || limits.files > usual.files {
        let others = untracked.into_iter().filter(|path| !all.contains(*path)).cloned().collect();
        all.extend(untracked::beyond(&workspace.root, others, usual)?);
    }
    Ok(all.into_iter().collect())
}
