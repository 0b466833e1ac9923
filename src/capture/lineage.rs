//! Which snapshot a new one was saved after: its parent.
//!
//! A session goes on from the snapshot that it was saved as or brought back from last, on
//! this machine, or from what the files alone were set to; the log knows. That matters once several
//! people go on from one snapshot: the newest one of the same session may be somebody else's. Only lines count that are proven to be
//! this user's. Without one (the log is bounded, and each store has its own) the newest of the same
//! session is taken that this user saved.

use std::collections::HashMap;

use crate::base::ids::SnapshotId;
use crate::context::Context;
use crate::manifest::{Head, Manifest};
use crate::store::{LogEntry, Operation};

/// Finds the parent of a snapshot that is about to be saved; `earlier` are the snapshots of
/// the store without safety snapshots, newest first, and those of them that are this user's own; `log` is oldest first.
pub(super) fn parent(
    context: &Context,
    log: &[LogEntry],
    (earlier, own): (&[&Head], &[&Head]),
    new: &Manifest,
) -> Option<SnapshotId> {
    let here = |entry: &LogEntry| entry.user == context.user && entry.host == context.host;
    last_line(log, earlier, new, here)
        .or_else(|| last_line(log, earlier, new, |_| true))
        .or_else(|| own.iter().find(|head| of_same_work(head, new)).map(|head| head.id.clone()))
}

/// Finds what the last line on this session, or on this folder without one, is about. What
/// was removed since is passed over, and an undo leads back to what came before the restore that it undid.
fn last_line(
    log: &[LogEntry],
    earlier: &[&Head],
    new: &Manifest,
    wanted: impl Fn(&LogEntry) -> bool,
) -> Option<SnapshotId> {
    let here: HashMap<&SnapshotId, &Head> = earlier.iter().map(|head| (&head.id, *head)).collect();
    let mut line: Vec<&SnapshotId> = Vec::new();
    // What the line was before each restore, by the safety snapshot that leads back to it.
    let mut before: HashMap<&SnapshotId, Vec<&SnapshotId>> = HashMap::new();
    for entry in log.iter().filter(|entry| entry.outcome.is_ok() && wanted(entry)) {
        let Some(id) = &entry.snapshot else { continue };
        let in_root = entry.root.as_ref() == Some(&new.workspace.root);
        let is_step = matches!(entry.operation, Operation::Undo | Operation::Redo) && entry.batch.is_none();
        let then = if in_root && (is_step || entry.safety.is_some()) { line.clone() } else { Vec::new() };
        match (entry.operation, &new.session) {
            (Operation::Save, _) if here.get(id).is_some_and(|head| of_same_work(head, new)) => line.push(id),
            (Operation::Resume | Operation::Rewind, Some(session))
                if entry.session.as_ref() == Some(&session.id) =>
            {
                line.push(id);
            }
            (Operation::Resume | Operation::Rewind, None) if in_root => line.push(id),
            // It set the files alone, under whatever conversation goes on here.
            (Operation::Resume | Operation::Rewind, Some(_))
                if in_root && entry.session.is_none() && entry.safety.is_some() =>
            {
                line.push(id);
            }
            (_, session) if in_root && is_step => {
                match before.get(id) {
                    Some(was) => line.clone_from(was),
                    // Without a session there are only the files, and what they came from was taken back.
                    None if session.is_none() => line.clear(),
                    None => {}
                }
            }
            _ => {}
        }
        // A step that set no file made none: the one that leads back from it has the same.
        let back = entry.safety.as_ref().or(is_step.then_some(id));
        if let Some(safety) = back.filter(|_| in_root) {
            before.insert(safety, then);
        }
    }
    line.into_iter().rev().find(|id| here.contains_key(id)).cloned()
}

fn of_same_work(before: &Head, now: &Manifest) -> bool {
    match (before.session(), &now.session) {
        (Some(before), Some(now)) => *before == now.id,
        (None, None) => *before.root() == now.workspace.root,
        _ => false,
    }
}
