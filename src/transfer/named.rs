//! Snapshots on a remote as far as their names and messages tell of them. Nothing in either is trusted.

use super::commit_format::{RemoteSnapshot, SnapshotSays};
use crate::base::ids::SnapshotId;
use crate::git::{Fetched, RemoteRef};

/// A snapshot on a remote.
#[derive(Clone, Debug)]
pub struct NamedThere {
    /// Its id.
    pub id: SnapshotId,
    /// What its commit says; `None` if that is not known, or not of a snapshot.
    pub says: Option<SnapshotSays>,
}

impl NamedThere {
    /// Reads a ref, and its commit from what was fetched, if anything was; `None` if it is not one of ours.
    pub fn read(at: RemoteRef, fetched: Option<&mut Fetched>) -> Option<NamedThere> {
        let RemoteSnapshot { id, at, .. } = RemoteSnapshot::parse(at)?;
        let commit = fetched.and_then(|fetched| fetched.commit(&at.oid).ok());
        let says = commit.map(|commit| SnapshotSays::read(&commit)).filter(|says| !says.by.is_empty());
        Some(NamedThere { id, says })
    }
}
