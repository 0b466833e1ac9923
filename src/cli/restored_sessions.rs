//! Which sessions restores have brought, and which of these restores were undone: a save takes what the client goes on with. Pure.

use std::collections::BTreeMap;
use std::path::Path;

use crate::base::ids::{ClientId, SnapshotId};
use crate::base::timestamp::Timestamp;
use crate::client::Restored;
use crate::store::{LogEntry, Operation};

/// A session that a restore has brought.
struct Brought {
    /// When that was.
    at: Timestamp,
    /// From when to when it was undone.
    undone: Vec<(Timestamp, Timestamp)>,
    /// Since when it is undone.
    since: Option<Timestamp>,
}

/// Returns the sessions that restores have brought in a work tree, each with the last that was done; `log` is oldest first.
pub(crate) fn restored_sessions(log: &[LogEntry], root: &Path) -> BTreeMap<ClientId, Restored> {
    // By the safety snapshot with which the next step goes the other way.
    let mut brought: BTreeMap<&SnapshotId, &ClientId> = BTreeMap::new();
    let mut all: BTreeMap<ClientId, Brought> = BTreeMap::new();
    let here = |entry: &&LogEntry| entry.root.as_ref().is_some_and(|other| other.as_path() == root);
    for entry in log.iter().filter(|entry| entry.outcome.is_ok() && entry.batch.is_none()).filter(here) {
        let session = match (entry.operation, &entry.session) {
            (Operation::Resume | Operation::Rewind, Some(session)) => session,
            (Operation::Undo | Operation::Redo, _) => {
                match entry.snapshot.as_ref().and_then(|id| brought.get(id).copied()) {
                    Some(session) => session,
                    None => continue,
                }
            }
            _ => continue,
        };
        brought.extend(entry.safety.as_ref().map(|safety| (safety, session)));
        let was = all.remove(session);
        let done = match (entry.operation, was) {
            (Operation::Undo, Some(Brought { at, undone, since: None })) => {
                Brought { at, undone, since: Some(entry.at) }
            }
            (Operation::Undo, Some(was)) => was,
            (Operation::Undo, None) => Brought { at: entry.at, undone: Vec::new(), since: Some(entry.at) },
            (Operation::Redo, Some(Brought { at, mut undone, since: Some(since) })) => {
                undone.push((since, entry.at));
                Brought { at, undone, since: None }
            }
            (Operation::Redo, Some(was)) => was,
            _ => Brought { at: entry.at, undone: Vec::new(), since: None },
        };
        all.insert(session.clone(), done);
    }
    let last = |one: Brought| match one.since {
        Some(since) => Restored::Undone(since),
        None => Restored::Done { at: one.at, undone: one.undone },
    };
    all.into_iter().map(|(session, one)| (session, last(one))).collect()
}
