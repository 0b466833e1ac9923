//! What is left of snapshots once their manifests are gone: refs in git, names in the log. Whatever can't be done now is written
//! down in the store and done by the next removal.

use std::collections::BTreeSet;

use super::remaining::StillThere;
use crate::base::error::Result;
use crate::base::ids::SnapshotId;
use crate::base::warning::Warning;
use crate::context::Context;
use crate::store::{DeleteLock, Going};
use crate::workspace::Workspace;

/// Releases what was kept for snapshots that are gone, now or since an earlier removal, and takes names out of the log. `gone`
/// are surely not there any more. Returns what could not be done.
pub(super) fn clear(
    context: &Context,
    workspace: &Workspace,
    lock: &DeleteLock,
    gone: &BTreeSet<SnapshotId>,
    with_names: bool,
    there: &StillThere,
) -> Vec<Warning> {
    let (store, mut left) = (&workspace.store, Vec::new());
    left.extend(workspace.mend_torn_refs().err().map(|error| Warning::NotReleased(error.to_string())));
    let noted = store.going(lock, context.now).unwrap_or_default();
    let is_gone = |id: &SnapshotId| there.is_gone(id) || gone.contains(id) && !there.ids.contains(id);
    let now = gone.iter().map(|id| Going { id: id.clone(), with_name: with_names });
    let all: Vec<Going> = noted.iter().cloned().chain(now).filter(|one| is_gone(&one.id)).collect();
    let ids: BTreeSet<&SnapshotId> = all.iter().map(|one| &one.id).collect();
    let released = release(workspace, &ids.into_iter().collect::<Vec<_>>());
    let is_released = released.is_ok();
    left.extend(released.err().map(|error| Warning::NotReleased(error.to_string())));
    let named = all.iter().filter(|one| one.with_name).map(|one| one.id.clone()).collect();
    let forgotten = store.forget_names(lock, &named);
    let is_forgotten = forgotten.is_ok();
    left.extend(forgotten.err().map(|error| Warning::NamesInLog(error.to_string())));
    // What is there after all did not go.
    let is_done = |one: &&Going| {
        if is_gone(&one.id) {
            is_released && (is_forgotten || !one.with_name)
        } else {
            there.ids.contains(&one.id)
        }
    };
    let both = noted.iter().chain(&all).filter(is_done).cloned().collect::<Vec<Going>>();
    let _next_time = store.strike_out(&both);
    left
}

/// Lets git collect the base commits of snapshots again.
fn release(workspace: &Workspace, gone: &[&SnapshotId]) -> Result<()> {
    match &workspace.repository {
        Some(repository) if !gone.is_empty() => repository.release_commits(gone),
        _ => Ok(()),
    }
}
