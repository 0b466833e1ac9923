//! The one order in which snapshots are removed, with everything that goes with them.
//!
//! A removed snapshot is in the trash for a day (`store/trash.rs`), unless it is to be gone at once. Its manifest goes
//! first, and durably. From then on the snapshot does not exist, and the rest of it does no harm. Then follow: its line in
//! the log, and what was in the trash for a day. With what is gone for good go the ref that keeps its base commit,
//! objects that nothing needs any more, secrets that were kept for it, journals of past sessions, and links to it. Each
//! of these is found from what is there, not from what was just removed. So the next removal finishes one that was
//! killed. Two things are exceptions: the line in the log, and the ref, which then keeps a commit that
//! nothing needs.

use std::collections::BTreeSet;

use super::plan::{Occasion, RemovalPlan};
use crate::audit;
use crate::base::error::Result;
use crate::base::ids::SnapshotId;
use crate::base::monitor::{Monitor, Phase};
use crate::base::warning::Warning;
use crate::client::Link;
use crate::context::Context;
use crate::manifest::Manifest;
use crate::redaction;
use crate::store::{DeleteLock, Grace, LogEntry, Operation, Sweep, UnreadEntry};
use crate::workspace::Workspace;

/// What a removal came to.
pub struct Removed {
    /// What it freed, and what will be freed later.
    pub freed: Sweep,
    /// What went wrong without harm.
    pub warnings: Vec<Warning>,
}

impl RemovalPlan {
    /// Removes what the plan says. Needs no free space on the disk: what the trash has no room for is gone at once.
    ///
    /// # Errors
    /// The first failure, with the path or what git says. No later step waits for it: the next removal has less to
    /// do, and no snapshot is there in part.
    pub fn carry_out(
        self,
        context: &Context,
        workspace: &Workspace,
        lock: &DeleteLock,
        monitor: &Monitor,
    ) -> Result<Removed> {
        let store = &workspace.store;
        let batch = (!self.at_once).then(SnapshotId::random);
        let (mut gone, mut deleted, mut warnings) = (Vec::new(), Ok(()), Vec::new());
        let removing = monitor.begin(Phase::Removing, Some(self.gone().count() as u64));
        for (one, called) in self.gone() {
            monitor.add(1);
            let mut into = batch.clone();
            if !store.is_still(one) {
                // Removed or replaced, or never what it was taken for.
                warnings.push(Warning::NotRemoved(called.to_owned()));
                continue;
            }
            let manifest = store.whole(one);
            deleted = match &batch {
                None => store.delete(lock, &one.stem),
                Some(batch) => store.discard(lock, batch, &one.stem).map(|failed| {
                    if let Some(error) = failed {
                        warnings.push(Warning::NotInTrash(called.to_owned(), error.to_string()));
                        into = None;
                    }
                }),
            };
            if deleted.is_err() {
                break;
            }
            if into.is_none() {
                gone.extend(one.head.as_ref().ok().map(|head| &head.id));
            }
            let line = |manifest: &Manifest| {
                let line = self.occasion.line(context, workspace, manifest)?;
                Some(LogEntry { name: called.to_owned(), batch: into, ..line })
            };
            if let Some(line) = manifest.as_ref().and_then(line) {
                audit::write(store, &line);
            }
        }
        drop(removing);
        if batch.is_some() && self.gone().next().is_some() {
            let _best_effort = store.sync_log();
        }
        let empties = self.at_once && self.occasion == Occasion::Policy;
        let emptied = store.empty_trash(lock, if empties { None } else { Some(context.now) });
        // Nobody waits for what a day makes old; who wants the trash empty is told if it is not.
        let (emptied, not_emptied) = match emptied {
            Ok(emptied) => (emptied, None),
            Err(error) => (BTreeSet::new(), Some(error).filter(|_| empties)),
        };
        // An unreadable one keeps no ref: it is found by its id, which nobody knows.
        let there = StillThere::of(workspace, self.staying());
        let released = gone.into_iter().chain(&emptied);
        let released = release(workspace, released.filter(|id| !there.ids.contains(*id)).collect());
        // Only if a person says so: what they want to be gone may be a secret.
        let is_asked_for = self.at_once && self.occasion != Occasion::Unneeded;
        let grace = if is_asked_for { Grace::None } else { Grace::Day };
        let freed = store.sweep(lock, context.now, grace, monitor);
        if self.at_once || !emptied.is_empty() {
            let forgotten = store.forget_removed(lock);
            warnings.extend(forgotten.err().map(|error| Warning::NotForgotten(error.to_string())));
        }
        let secrets = redaction::tidy(workspace, context.now);
        let journals = workspace.client.forget_journals(context.now);
        let reports = store.forget_reports(|id| there.is_gone(id));
        deleted?;
        not_emptied.map_or(Ok(()), Err)?;
        released?;
        let freed = freed?;
        secrets?;
        journals?;
        reports?;
        let links = links(workspace).and_then(|links| forget_links(workspace, links, &there));
        warnings.extend(links.err().map(|error| Warning::Links(error.to_string())));
        Ok(Removed { freed, warnings })
    }
}

/// Brings back all that one command removed, from the trash. Returns the names.
///
/// # Errors
/// As [`crate::store::Store::bring_back`], or that others hold the store for longer than ten seconds.
pub fn bring_back(context: &Context, workspace: &Workspace, batch: &SnapshotId) -> Result<Vec<String>> {
    let store = &workspace.store;
    let back = {
        let lock = store.lock_for_deleting()?;
        store.bring_back(&lock, batch)?
    };
    for manifest in &back {
        let line = audit::line(context, Operation::Undo, Some(manifest));
        let root = Some(workspace.root.as_path().into());
        audit::write(store, &LogEntry { root, batch: Some(batch.clone()), ..line });
    }
    let _best_effort = store.sync_log();
    Ok(back.into_iter().map(|manifest| manifest.name).collect())
}

/// Removes snapshots once more that were brought back. Returns the names of those that are removed.
///
/// # Errors
/// As [`RemovalPlan::carry_out`], or that others hold the store for longer than ten seconds.
pub fn remove_again(context: &Context, workspace: &Workspace, ids: &[SnapshotId]) -> Result<Vec<String>> {
    let lock = workspace.store.lock_for_deleting()?;
    let plan = RemovalPlan::again(workspace, ids)?;
    let names = plan.names();
    plan.carry_out(context, workspace, &lock, &Monitor::default())?;
    Ok(names)
}

impl Occasion {
    /// Makes the log's line about a removed snapshot. If a person asked for the removal, it names the
    /// work tree, because `undo` needs that.
    fn line(self, context: &Context, workspace: &Workspace, manifest: &Manifest) -> Option<LogEntry> {
        let operation = match self {
            Occasion::Policy | Occasion::Automatic => Operation::Prune,
            Occasion::Named => Operation::Remove,
            Occasion::Again => Operation::Redo,
            Occasion::Unneeded => return None,
        };
        let asked_for = matches!(self, Occasion::Policy | Occasion::Named | Occasion::Again);
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

/// Which snapshots of a store there still are, in the trash too.
pub struct StillThere {
    ids: BTreeSet<SnapshotId>,
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
