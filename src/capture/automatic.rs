//! Checkpoints that nobody asked for: when one is worth saving.

use std::time::Duration;

use super::edits::CapturedEdits;
use crate::base::error::Result;
use crate::client::FoundSession;
use crate::manifest::{Head, Manifest};
use crate::workspace::Workspace;

/// What makes an automatic checkpoint worth saving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Automatic {
    /// Edits or a commit since the last snapshot; the conversation alone is in no danger.
    NewEdits,
    /// Anything new, if the last automatic snapshot is at least this old.
    NewState(Duration),
}

/// Returns the newest snapshot of the session, if it has the very same edits on the same branch.
pub(super) fn same_edits(
    workspace: &Workspace,
    session: Option<&FoundSession>,
    now: &CapturedEdits,
) -> Result<Option<Manifest>> {
    let is_wanted = |head: &Head| {
        let of_session = head.session() == session.map(|session| &session.id);
        !head.safety && *head.root() == workspace.root.as_path().into() && of_session
    };
    // What came with a clone protects nothing.
    let known = workspace.store.known()?;
    let newest = known.iter().find(|known| known.own && known.head.as_ref().is_ok_and(is_wanted));
    let newest = newest.and_then(|known| workspace.store.whole(known));
    let unchanged = |m: &Manifest| {
        m.workspace.branch == now.branch && m.edits.as_ref().is_some_and(|edits| same(edits, &now.edits))
    };
    Ok(newest.filter(unchanged))
}

fn same(one: &crate::manifest::Edits, other: &crate::manifest::Edits) -> bool {
    one.base == other.base && one.operation == other.operation && one.files == other.files
}
