//! Handing a snapshot over: as one file, or through a git remote.
//!
//! Combines the bundle, the store's intake and the git edge. A snapshot is handed over as
//! it is, to the byte, and identified by its id and its manifest: the manifest names every
//! object by its hash, so two with equal manifests are equal. Changes nothing but the store
//! and, for `push` and `withdraw`, refs below `refs/snapshots` of the remote.

mod base;
mod file;
mod remote;
mod wire;

use crate::audit;
use crate::context::Context;
use crate::manifest::Manifest;
use crate::store::{LogEntry, Operation};

pub use file::{Imported, export, import};
pub use remote::{Fate, Handed, Listed, Remotes};

/// Begins a line on a snapshot that is handed over; one that has not come may not be known.
fn line(context: &Context, operation: Operation, manifest: Option<&Manifest>, peer: &str) -> LogEntry {
    LogEntry { peer: Some(peer.to_owned()), ..audit::line(context, operation, manifest) }
}
