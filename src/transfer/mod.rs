//! Transferring a snapshot: as one file, or through a git remote.
//!
//! Combines the bundle, the store's intake and the git edge. A snapshot is transferred as it is, byte for
//! byte, and identified by its id and its manifest. The manifest names every object by its hash, so two
//! snapshots with equal manifests are equal. Changes nothing except the store and, on a remote, refs below
//! `refs/snapshots` and `refs/snapshot-leases`. The base commit of a snapshot that comes in is kept by a ref
//! below `refs/snap` here, as after a save.

pub mod bundle;
mod chain;
mod commit_format;
mod common_snapshots;
mod file;
mod going_along;
mod head;
mod lease;
mod named;
mod outcome;
mod peers;
mod remote;
mod remote_lookup;
mod remote_names;
mod remote_removal;
mod rescued;
mod seen_leases;
mod take_head;

use crate::audit;
use crate::context::Context;
use crate::git::Repository;
use crate::manifest::Manifest;
use crate::store::{LogEntry, Operation};

pub use chain::{CHAINS, ChainName, ChainSays, LINES, LONGEST_LINE, for_all};
pub use commit_format::{MANIFEST, REFS as SNAPSHOTS, SnapshotSays, commit_of, object_of, part};
pub use file::{Imported, export, export_to_file, import};
pub use head::{HEADS, HeadName, HeadSays, RemoteHead, SessionState};
pub use lease::{Lease, name_of};
pub use named::NamedThere;
pub use outcome::{ListedSnapshot, RemotePrunePlan, TransferOutcome, TransferResult, Withdrawal};
pub use peers::{Peer, peer_of};
pub use remote::{Remotes, ToPush};
pub use remote_names::forget_names;
pub use rescued::{forget_rescued, rescued_folder};
pub use seen_leases::{SeenLease, seen_leases};
pub use take_head::{fetch_head, manifest_of_head, take_head, try_head};

/// Keeps a snapshot's base commit, if it is here, from git's garbage collection, as `save` does.
fn keep_base(repository: Option<&Repository>, manifest: &Manifest) {
    let base = manifest.edits.as_ref().and_then(|edits| edits.base.as_deref());
    if let (Some(repository), Some(base)) = (repository, base)
        && repository.has_commit(base).is_ok_and(|here| here)
    {
        // A repository that can't be written to still takes the snapshot.
        let _best_effort = repository.keep_commit(&manifest.id, base);
    }
}

/// Begins a line on a snapshot that is handed over; one that has not come may not be known.
fn line(context: &Context, operation: Operation, manifest: Option<&Manifest>, peer: &str) -> LogEntry {
    LogEntry { peer: Some(peer.to_owned()), ..audit::line(context, operation, manifest) }
}
