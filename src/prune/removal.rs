//! The one order in which snapshots are removed, with everything that goes with them.
//!
//! The manifest goes first, and durably. From then on the snapshot does not exist, and the rest of it does
//! no harm. Then follow: its line in the log, the ref that keeps its base commit, objects that nothing needs
//! any more, secrets that were kept for it, journals of past sessions, and links to it. Each of these is
//! found from what is there, not from what was just removed. So the next removal finishes one that was
//! killed. Two things are exceptions: the line in the log, and the ref, which then keeps a commit that
//! nothing needs.

use super::plan::{Occasion, RemovalPlan, ids};
use crate::audit;
use crate::base::error::Result;
use crate::base::ids::SnapshotId;
use crate::base::warning::Warning;
use crate::client::Link;
use crate::context::Context;
use crate::manifest::Manifest;
use crate::redaction;
use crate::store::{DeleteLock, Entry, LogEntry, Operation, Sweep};
use crate::workspace::Workspace;

/// What a removal came to.
pub struct Removed {
    /// What it freed, and what will be freed later.
    pub freed: Sweep,
    /// What went wrong without harm.
    pub warnings: Vec<Warning>,
}

impl RemovalPlan {
    /// Removes what the plan says. Needs no free space on the disk.
    ///
    /// # Errors
    /// The first failure, with the path or what git says. No later step waits for it: the next removal has less to
    /// do, and no snapshot is there in part.
    pub fn carry_out(self, context: &Context, workspace: &Workspace, lock: &DeleteLock) -> Result<Removed> {
        let store = &workspace.store;
        let (mut gone, mut deleted) = (Vec::new(), Ok(()));
        for entry in self.gone() {
            deleted = store.delete(lock, &entry.stem);
            if deleted.is_err() {
                break;
            }
            gone.push(entry);
            let line = |manifest: &Manifest| {
                let line = self.occasion.line(context, workspace, manifest)?;
                Some(LogEntry { name: entry.called.clone(), ..line })
            };
            if let Some(line) = entry.manifest.as_ref().ok().and_then(line) {
                audit::write(store, &line);
            }
        }
        let kept = ids(self.staying());
        let released = release(workspace, ids(gone.into_iter()).difference(&kept).copied().collect());
        let freed = store.sweep(lock, context.now);
        let secrets = redaction::tidy(workspace, context.now);
        let journals = workspace.client.forget_journals(context.now);
        deleted?;
        released?;
        let freed = freed?;
        secrets?;
        journals?;
        let there: Vec<&Entry> = self.staying().collect();
        let links = links(workspace).and_then(|links| forget_links(workspace, links, &there));
        let warnings = links.err().map(|error| Warning::Links(error.to_string()));
        Ok(Removed { freed, warnings: warnings.into_iter().collect() })
    }
}

impl Occasion {
    /// Makes the log's line about a removed snapshot. If a person asked for the removal, it names the
    /// work tree, because `undo` needs that.
    fn line(self, context: &Context, workspace: &Workspace, manifest: &Manifest) -> Option<LogEntry> {
        let operation = match self {
            Occasion::Policy | Occasion::Automatic => Operation::Prune,
            Occasion::Named => Operation::Remove,
            Occasion::Unneeded => return None,
        };
        let asked_for = matches!(self, Occasion::Policy | Occasion::Named);
        let root = asked_for.then(|| workspace.root.as_path().into());
        Some(LogEntry { root, ..audit::line(context, operation, Some(manifest)) })
    }
}

/// Lets git collect the base commits of snapshots again.
fn release(workspace: &Workspace, gone: Vec<&SnapshotId>) -> Result<()> {
    match &workspace.repository {
        Some(repository) => repository.release_commits(&gone),
        None => Ok(()),
    }
}

/// Returns the links to snapshots of this store.
pub(super) fn links(workspace: &Workspace) -> Result<Vec<Link>> {
    workspace.client.links_to(workspace.store.root())
}

/// Removes the links whose snapshot is gone, and returns the others. A link that follows the newest
/// snapshot stays, and is moved to another one.
///
/// # Errors
/// What the client's folders say.
pub fn forget_links(workspace: &Workspace, links: Vec<Link>, there: &[&Entry]) -> Result<Vec<Link>> {
    let (gone, left): (Vec<Link>, Vec<Link>) =
        links.into_iter().partition(|link| !link.follows && is_gone(&link.snapshot, there));
    gone.iter().try_for_each(|link| workspace.client.unlink(link).map(drop))?;
    Ok(left)
}

/// Says whether a snapshot surely does not exist any more. A manifest that can't be read may be that
/// very one.
pub fn is_gone(snapshot: &SnapshotId, there: &[&Entry]) -> bool {
    there.iter().all(|entry| entry.manifest.as_ref().is_ok_and(|manifest| manifest.id != *snapshot))
}
