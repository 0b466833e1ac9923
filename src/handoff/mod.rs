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

use crate::context::Context;
use crate::manifest::Manifest;
use crate::store::{LogEntry, Operation, Store};

pub use file::{Imported, export, import};
pub use remote::{Fate, Handed, Listed, Remotes};

/// Writes a line to the store's log; a log that can't be written stops nothing.
fn log(context: &Context, store: &Store, operation: Operation, manifest: &Manifest, peer: &str) {
    let entry = LogEntry {
        at: context.now,
        operation,
        snapshot: manifest.id.clone(),
        name: manifest.name.clone(),
        user: context.user.clone(),
        host: context.host.clone(),
        root: None,
        safety: None,
        peer: Some(peer.to_owned()),
    };
    let _best_effort = store.log(&entry);
}
