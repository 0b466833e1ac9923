//! Which snapshots there still are, and the links to those that there are not.

use std::collections::BTreeSet;

use crate::base::error::Result;
use crate::base::ids::SnapshotId;
use crate::client::Link;
use crate::store::UnreadEntry;
use crate::workspace::Workspace;

/// Returns the links to snapshots of this store.
pub(super) fn links(workspace: &Workspace) -> Result<Vec<Link>> {
    workspace.client.links_to(workspace.store.root())
}

/// Which snapshots of a store there still are, in the trash too.
pub struct StillThere {
    pub(super) ids: BTreeSet<SnapshotId>,
    /// Whether something can't be read, which may be any of them.
    unsure: bool,
}

impl StillThere {
    /// Takes these of the store, and those in its trash.
    pub fn of<'a>(workspace: &Workspace, known: impl Iterator<Item = &'a UnreadEntry>) -> StillThere {
        let (mut ids, mut unsure) = (BTreeSet::new(), false);
        for one in known {
            match &one.head {
                Ok(head) => drop(ids.insert(head.id.clone())),
                Err(_) => unsure = true,
            }
        }
        match workspace.store.ids_in_trash() {
            Ok(trash) => ids.extend(trash),
            Err(_) => unsure = true,
        }
        // It may be brought back to where it was.
        unsure |= workspace.store.has_manifests_aside().unwrap_or(true);
        StillThere { ids, unsure }
    }

    /// Says whether a snapshot surely does not exist any more.
    pub fn is_gone(&self, snapshot: &SnapshotId) -> bool {
        !self.unsure && !self.ids.contains(snapshot)
    }
}

/// Removes the links whose snapshot is gone, and returns the others. A link that follows the newest
/// snapshot stays, and is moved to another one.
///
/// # Errors
/// What the client's folders say.
pub fn forget_links(workspace: &Workspace, links: Vec<Link>, there: &StillThere) -> Result<Vec<Link>> {
    let (gone, left): (Vec<Link>, Vec<Link>) =
        links.into_iter().partition(|link| !link.follows && there.is_gone(&link.snapshot));
    gone.iter().try_for_each(|link| workspace.client.unlink(link).map(drop))?;
    Ok(left)
}
