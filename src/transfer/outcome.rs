//! The result for each snapshot that was to be sent, fetched, listed or removed.

use super::commit_format::RemoteSnapshot;
use super::lease::Lease;
use crate::base::error::Error;
use crate::base::ids::SnapshotId;
use crate::base::screen::Line;
use crate::base::timestamp::Timestamp;
use crate::manifest::Manifest;
use crate::prune::Verdict;
use crate::store::{Entry, Store};

/// What became of one snapshot.
pub struct TransferResult {
    /// Its name, safe to show; its id if the name is not known.
    pub name: String,
    /// Its id.
    pub id: SnapshotId,
    /// What became of it.
    pub fate: TransferOutcome,
}

/// What can become of one snapshot.
pub enum TransferOutcome {
    /// It was handed over.
    Done,
    /// The other side had it.
    Already,
    /// It was here, but parts of it were damaged or missing, and came back.
    Mended,
    /// It was not, and why.
    Failed(Error),
}

/// A snapshot on a remote.
pub struct ListedSnapshot {
    /// Its id.
    pub id: SnapshotId,
    /// Its name, safe to show.
    pub name: String,
    /// The same as it must be typed: `NAME@USER` where others on the remote have that name too.
    pub called: String,
    /// Whoever saved it, and where, safe to show.
    pub by: String,
    /// When it was saved.
    pub created_at: Timestamp,
    /// Whether it is in the store here.
    pub here: bool,
    /// Who works on it, as far as they said.
    pub leases: Vec<Lease>,
    pub(super) place: RemoteSnapshot,
}

/// What pruning a remote would do.
pub struct RemotePrunePlan {
    /// The snapshots that this user saved, each with what becomes of it.
    pub own: Vec<(ListedSnapshot, Verdict)>,
    /// How many others there are, which stay.
    pub others: usize,
}

/// What is to be removed from a remote by name.
pub struct Withdrawal {
    pub(super) places: Vec<RemoteSnapshot>,
    /// Those of it that others saved.
    pub of_others: Vec<ListedSnapshot>,
}

/// What the lines of some snapshots went on from.
#[derive(Default)]
pub(super) struct Beginnings {
    /// What is sent along, if it is not there.
    pub(super) along: Vec<Entry>,
    /// What was taken back, in words.
    pub(super) taken_back: Vec<String>,
}

impl TransferResult {
    pub(super) fn new(manifest: &Manifest, fate: TransferOutcome) -> TransferResult {
        TransferResult { name: Line(&manifest.name).to_string(), id: manifest.id.clone(), fate }
    }
}

/// Names each snapshot as it is called here: two people's may have one name.
pub(super) fn as_called_here(store: &Store, mut handed: Vec<TransferResult>) -> Vec<TransferResult> {
    let names = store.names().unwrap_or_default();
    for one in &mut handed {
        if let Some(name) = names.get(&one.id) {
            one.name = Line(name).to_string();
        }
    }
    handed
}
