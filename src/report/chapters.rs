//! The snapshots of a session that were saved before the one that a report is of: chapters of its replay.

use super::overview::SnapshotName;
use crate::base::error::Result;
use crate::manifest::{Head, Manifest};
use crate::workspace::Workspace;

/// The most that are named.
const MOST: usize = 1_000;

/// Returns the user's own snapshots of the same session that are in the store and older, but not older than `after`. Oldest
/// first; of very many, the newest.
///
/// # Errors
/// As [`crate::store::Store::known`].
pub(super) fn before(
    workspace: &Workspace,
    manifest: &Manifest,
    after: Option<&Manifest>,
    told_name: impl Fn(&Head) -> String,
) -> Result<Vec<SnapshotName>> {
    let Some(session) = manifest.session.as_ref().map(|session| &session.id) else { return Ok(Vec::new()) };
    let is_between = |head: &Head| {
        head.id != manifest.id
            && head.created_at <= manifest.created_at
            && after.is_none_or(|after| head.created_at >= after.created_at)
    };
    let known = workspace.store.known()?;
    let own = known.iter().filter(|one| one.own).filter_map(|one| one.head.as_ref().ok());
    let of_session = own.filter(|head| !head.safety && head.session() == Some(session) && is_between(head));
    let newest_first = of_session.take(MOST).map(|head| SnapshotName {
        name: told_name(head),
        id: head.id.to_string(),
        saved: head.created_at,
    });
    let mut checkpoints: Vec<SnapshotName> = newest_first.collect();
    checkpoints.reverse();
    Ok(checkpoints)
}
