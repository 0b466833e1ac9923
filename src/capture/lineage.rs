//! Which snapshot a new one was saved after: its parent.
//!
//! A session goes on from the snapshot that it was saved as or brought back from last, on
//! this machine; the log knows. That matters once several people go on from one snapshot:
//! the newest one of the same session may be somebody else's. Only lines count that are proven to be
//! this user's. Without one (the log is bounded, and each store has its own) the newest of the same
//! session is taken that this user saved.

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
/// was removed since is passed over.
fn last_line(
    log: &[LogEntry],
    earlier: &[&Head],
    new: &Manifest,
    wanted: impl Fn(&LogEntry) -> bool,
) -> Option<SnapshotId> {
    for entry in log.iter().rev().filter(|entry| entry.outcome.is_ok() && wanted(entry)) {
        let in_root = entry.root.as_ref() == Some(&new.workspace.root);
        let Some(head) = earlier.iter().find(|head| Some(&head.id) == entry.snapshot.as_ref()) else {
            match entry.operation {
                // Without a session there are only the files, and what they came from was taken back.
                Operation::Undo | Operation::Redo if in_root && new.session.is_none() => return None,
                _ => continue,
            }
        };
        let after = match (entry.operation, &new.session) {
            (Operation::Save, _) => of_same_work(head, new),
            (Operation::Resume | Operation::Rewind, Some(session)) => {
                entry.session.as_ref() == Some(&session.id)
            }
            (Operation::Resume | Operation::Rewind, None) => in_root,
            _ => false,
        };
        if after {
            return Some(head.id.clone());
        }
    }
    None
}

fn of_same_work(before: &Head, now: &Manifest) -> bool {
    match (before.session(), &now.session) {
        (Some(before), Some(now)) => *before == now.id,
        (None, None) => *before.root() == now.workspace.root,
        _ => false,
    }
}
