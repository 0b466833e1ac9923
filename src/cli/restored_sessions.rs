//! Which sessions restores have brought, and which of these restores were undone: a save takes what the client goes on with. Pure.

use std::collections::BTreeMap;
use std::path::Path;

use crate::base::ids::{ClientId, SnapshotId};
use crate::client::Restored;
use crate::store::{LogEntry, Operation};

/// Returns the sessions that restores have brought in a work tree, each with the last that was done; `log` is oldest first.
pub(crate) fn restored_sessions(log: &[LogEntry], root: &Path) -> BTreeMap<ClientId, Restored> {
    // By the safety snapshot with which the next step goes the other way.
    let mut brought: BTreeMap<&SnapshotId, &ClientId> = BTreeMap::new();
    let mut all = BTreeMap::new();
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
        let done = match entry.operation {
            Operation::Undo => Restored::Undone(entry.at),
            _ => Restored::Done(entry.at),
        };
        all.insert(session.clone(), done);
    }
    all
}
