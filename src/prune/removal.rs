//! The one order in which snapshots are removed, with everything that goes with them.
//!
//! A removed snapshot is in the trash for a day (`store/trash.rs`), unless it is to be gone at once. Its manifest goes
//! first, and durably. From then on the snapshot does not exist, and the rest of it does no harm. Then follow: its line in
//! the log, and what was in the trash for a day. With what is gone for good go objects that nothing needs any more, secrets
//! that were kept for it, journals of past sessions, and links to it. Each of these is found from what is there, not from
//! what was just removed. So the next removal finishes one that was killed. Refs of base commits and names in the log are not
//! found so: they are written down first (`store/unfinished_removals.rs`). A line that is missing in the log is no loss, because what was
//! removed is in the trash.

use std::collections::BTreeSet;

use super::also_in::{Held, also_in};
use super::leftovers;
use super::plan::{Occasion, RemovalPlan};
use super::remaining::{StillThere, forget_links, links};
use crate::audit;
use crate::base::digest::ObjectId;
use crate::base::error::{Error, Kind, Result};
use crate::base::ids::SnapshotId;
use crate::base::monitor::{Monitor, Phase};
use crate::base::timestamp::Timestamp;
use crate::base::warning::Warning;
use crate::context::Context;
use crate::manifest::{Head, Manifest};
use crate::redaction;
use crate::store::{DeleteLock, Going, Grace, LogEntry, NO_NAME, Operation, OutOfTrash, Sweep};
use crate::workspace::Workspace;

/// Why a snapshot that could not be read is not removed.
const MENDED: &str = "its manifest was damaged, and is mended now from its second copy";

/// What a removal came to.
pub struct Removed {
    /// What it freed, and what will be freed later.
    pub freed: Sweep,
    /// Where in the trash it is; `None` if it is gone for good.
    pub batch: Option<SnapshotId>,
    /// What went wrong without harm.
    pub warnings: Vec<Warning>,
    /// What is left of it, to be finished by the next removal, or to be done by a person.
    pub left: Vec<Warning>,
    /// The snapshots that are gone for good, by their ids and states.
    pub gone: Vec<(SnapshotId, ObjectId)>,
    /// Other snapshots that hold something of what is gone for good: what they are called.
    pub also_in: Vec<String>,
}

impl Removed {
    /// Takes what is left for a failure: where no person can be told what it is.
    ///
    /// # Errors
    /// The first of what is left.
    pub(super) fn finished(self) -> Result<()> {
        match self.left.first() {
            None => Ok(()),
            Some(left) => {
                Err(Error::new(Kind::Environment, "Snapshots were not removed completely").because(left))
            }
        }
    }
}

impl RemovalPlan {
    /// Removes what the plan says. Needs no free space on the disk: what the trash has no room for is gone at once.
    ///
    /// # Errors
    /// That a manifest could not be removed, with the path. What fails after the manifests are gone is in the result: no
    /// later step waits for it, the next removal has less to do, and no snapshot is there in part.
    pub fn carry_out(
        self,
        context: &Context,
        workspace: &Workspace,
        lock: &DeleteLock,
        monitor: &Monitor,
    ) -> Result<Removed> {
        let store = &workspace.store;
        let batch = (!self.at_once).then(SnapshotId::random);
        // Only if a person says so: what they want to be gone may be a secret.
        let is_asked_for = self.at_once && self.occasion != Occasion::Unneeded;
        let empties = self.at_once && self.occasion == Occasion::Policy;
        let until = if empties { None } else { Some(context.now) };
        self.note(lock, workspace, until, is_asked_for);
        if let (Some(batch), Occasion::Automatic) = (&batch, self.occasion) {
            store.mark_automatic(batch);
        }
        let (mut gone, mut deleted, mut warnings) = (Vec::new(), Ok(()), Vec::new());
        let (mut left, mut held, mut unlogged) = (Vec::new(), Held::default(), None);
        let mut is_in_trash = false;
        let removing = monitor.begin(Phase::Removing, Some(self.gone().count() as u64));
        for (one, called) in self.gone() {
            monitor.add(1);
            let mut into = batch.clone();
            if !store.is_still(one) {
                // Removed or replaced, or never what it was taken for.
                left.push(Warning::NotRemoved(called.to_owned(), "it was changed meanwhile"));
                continue;
            }
            // Whoever removes what can't be read would lose the copy that can.
            if one.head.is_err() && store.heal_manifest(&one.stem).unwrap_or(false) {
                left.push(Warning::NotRemoved(called.to_owned(), MENDED));
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
            is_in_trash |= into.is_some();
            if into.is_none() {
                gone.extend(one.head.as_ref().ok().map(|head| (head.id.clone(), head.state)));
            }
            if let Some(manifest) = manifest.as_ref().filter(|_| is_asked_for) {
                held.add(manifest);
            }
            // One that can't be read comes back by its line too.
            if let Some(line) = self.occasion.line(context, workspace, manifest.as_ref()) {
                let name = if is_asked_for { NO_NAME } else { called }.to_owned();
                let line = LogEntry { name, batch: into, ..line };
                unlogged = audit::try_write(store, &line).err().or(unlogged);
            }
        }
        drop(removing);
        if batch.is_some() && self.gone().next().is_some() {
            let _best_effort = store.sync_log();
        }
        left.extend(unlogged.map(|error| Warning::NotLogged(error.to_string())));
        let mut unfinished = |error: Error| left.push(Warning::NotFinished(error.to_string()));
        let is_gone = |head: &Head| is_asked_for && gone.iter().any(|(id, _)| *id == head.id);
        // Nobody waits for what a day makes old; who wants the trash empty is told if it is not.
        let emptied = store.empty_trash(lock, until, is_gone).map_err(|error| {
            if is_asked_for {
                unfinished(error);
            }
        });
        let emptied = emptied.unwrap_or_default();
        let has_emptied = !emptied.is_empty();
        gone.extend(emptied);
        // An unreadable one keeps no ref: it is found by its id, which nobody knows.
        let there = StillThere::of(workspace, self.staying());
        let grace = if is_asked_for { Grace::None } else { Grace::Day };
        let freed = store.sweep(lock, context.now, grace, monitor).map_err(&mut unfinished);
        if self.at_once || has_emptied {
            let forgotten = store.forget_removed(lock);
            warnings.extend(forgotten.err().map(|error| Warning::NotForgotten(error.to_string())));
        }
        let _said = redaction::tidy(workspace, context.now).map_err(&mut unfinished);
        let _said = workspace.client.forget_journals(context.now).map_err(&mut unfinished);
        let _said = store.forget_reports(|id| there.is_gone(id)).map_err(&mut unfinished);
        let ids: BTreeSet<SnapshotId> = gone.iter().map(|(id, _)| id.clone()).collect();
        left.extend(leftovers::clear(context, workspace, lock, &ids, is_asked_for, &there));
        deleted?;
        let links = links(workspace).and_then(|links| forget_links(workspace, links, &there));
        warnings.extend(links.err().map(|error| Warning::Links(error.to_string())));
        let also_in = also_in(store, &held, self.kept());
        let batch = batch.filter(|_| is_in_trash);
        Ok(Removed { freed: freed.unwrap_or_default(), batch, warnings, left, gone, also_in })
    }

    /// Writes down what is about to be gone for good. Where there is no room for that, it goes all the same.
    fn note(&self, lock: &DeleteLock, workspace: &Workspace, until: Option<Timestamp>, with_name: bool) {
        let trash = workspace.store.over_in_trash(lock, until).unwrap_or_default();
        let named = self.gone().filter(|_| self.at_once).filter_map(|(one, _)| one.head.as_ref().ok());
        let ids = named.chain(&trash).map(|head| head.id.clone());
        let _best_effort =
            workspace.store.note_going(&ids.map(|id| Going { id, with_name }).collect::<Vec<_>>());
    }
}

/// Brings back all that one command removed, from the trash. Returns the names, and what is left of that.
///
/// # Errors
/// As [`crate::store::Store::bring_back`], or that others hold the store for longer than ten seconds.
pub fn bring_back(
    context: &Context,
    workspace: &Workspace,
    batch: &SnapshotId,
) -> Result<(BroughtBack, Vec<Warning>)> {
    let store = &workspace.store;
    let logged = store.read_log()?.iter().any(|line| line.batch.as_ref() == Some(batch));
    let (removed_at, OutOfTrash { back, unread, there }) = {
        let lock = store.lock_for_deleting()?;
        let removed_at = store.trash()?.into_iter().find(|one| one.id == *batch).map(|one| one.since);
        let mut out = store.bring_back(&lock, batch)?;
        out.back.sort_by_key(|manifest| std::cmp::Reverse(manifest.created_at));
        out.unread.sort();
        (removed_at, out)
    };
    let mut unlogged = None;
    // Without the line of what it undoes, nobody could redo it.
    for (manifest, at) in back.iter().zip(std::iter::repeat(removed_at)).filter(|_| !logged) {
        let line = Occasion::Named.line(context, workspace, Some(manifest));
        let line =
            line.map(|line| LogEntry { at: at.unwrap_or(line.at), batch: Some(batch.clone()), ..line });
        line.iter().for_each(|line| unlogged = audit::try_write(store, line).err());
    }
    let unread_lines = unread
        .iter()
        .map(|stem| LogEntry { name: stem.clone(), ..audit::line(context, Operation::Undo, None) });
    let lines = back.iter().map(|manifest| audit::line(context, Operation::Undo, Some(manifest)));
    // Nothing else tells that it is undone, if nothing came back. A redo must not remove these.
    let there_lines =
        there.iter().map(|manifest| audit::skipped(audit::line(context, Operation::Undo, Some(manifest))));
    for line in lines.chain(unread_lines).chain(there_lines) {
        let root = Some(workspace.root.as_path().into());
        let line = LogEntry { root, batch: Some(batch.clone()), ..line };
        unlogged = audit::try_write(store, &line).err().or(unlogged);
    }
    let _best_effort = store.sync_log();
    let left = unlogged.map(|error| Warning::NotLogged(error.to_string()));
    let called = back.iter().map(|manifest| (manifest.name.as_str(), store.called(manifest)));
    // Somebody else's is `NAME@USER`, which says enough.
    let has_number = |(name, called): &(&str, String)| {
        called != name && called.strip_prefix(*name).is_none_or(|rest| !rest.starts_with('@'))
    };
    let renamed = called.clone().filter(has_number).map(|(name, called)| (name.to_owned(), called)).collect();
    let names = called.map(|(_, called)| called).chain(unread).collect();
    Ok((BroughtBack { names, renamed }, left.into_iter().collect()))
}

/// What came back from the trash.
#[derive(Default)]
pub struct BroughtBack {
    /// What each is called here.
    pub names: Vec<String>,
    /// Those whose name another snapshot has by now: that name, and what they are called.
    pub renamed: Vec<(String, String)>,
}

/// Removes snapshots once more that were brought back. Returns the names of those that are removed, and what is left of that.
///
/// # Errors
/// As [`RemovalPlan::carry_out`], or that others hold the store for longer than ten seconds.
pub fn remove_again(
    context: &Context,
    workspace: &Workspace,
    ids: &[SnapshotId],
) -> Result<(Vec<String>, Vec<Warning>)> {
    let lock = workspace.store.lock_for_deleting()?;
    let plan = RemovalPlan::again(workspace, ids)?;
    let names = plan.names();
    let removed = plan.carry_out(context, workspace, &lock, &Monitor::default())?;
    Ok((names, removed.left))
}

impl Occasion {
    /// Makes the log's line about a removed snapshot. If a person asked for the removal, it names the
    /// work tree, because `undo` needs that.
    fn line(self, context: &Context, workspace: &Workspace, manifest: Option<&Manifest>) -> Option<LogEntry> {
        let operation = match self {
            Occasion::Policy | Occasion::Automatic => Operation::Prune,
            Occasion::Named => Operation::Remove,
            Occasion::Again => Operation::Redo,
            Occasion::Unneeded => return None,
        };
        let asked_for = matches!(self, Occasion::Policy | Occasion::Named | Occasion::Again);
        let root = asked_for.then(|| workspace.root.as_path().into());
        let parent = manifest.and_then(|manifest| manifest.parent.clone());
        Some(LogEntry { root, parent, ..audit::line(context, operation, manifest) })
    }
}
