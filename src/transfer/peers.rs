//! With which remotes this user has exchanged a snapshot: noted in the user's own state folder.
//!
//! The store's log says so too, but a store can come with a project. Where a lease is left is decided only
//! by these notes. They are made when the user has pushed or pulled, with the addresses of the remote. If
//! its name leads elsewhere later, it is another remote.

use super::head::HeadName;
use crate::base::error::Result;
use crate::base::ids::SnapshotId;
use crate::context::Context;
use crate::sys::files::{self, Existing};
use crate::sys::place::{OwnPath, Root};

/// The largest note that is read, in bytes.
const LARGEST: u64 = 64 << 10;

/// Where the heads are noted that became snapshots here.
const HEADS_TAKEN: &str = "heads-taken";

/// A remote that the user has exchanged a snapshot with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The remote as it was named, without a password.
    pub remote: String,
    /// Where it led, without passwords.
    pub(super) leads_to: Vec<String>,
}

impl Peer {
    /// Returns what tells this remote from others.
    pub(super) fn key(&self) -> String {
        let lines = std::iter::once(&self.remote).chain(&self.leads_to);
        lines.map(|line| format!("{}\n", line.replace('\n', " "))).collect()
    }
}

/// Returns the remote with which this user last exchanged a snapshot.
pub fn peer_of(context: &Context, snapshot: &SnapshotId) -> Option<Peer> {
    let text = place(context, snapshot).read(LARGEST).ok()??;
    let text = String::from_utf8(text).ok()?;
    let mut lines = text.lines().map(str::to_owned);
    let remote = lines.next().filter(|remote| !remote.is_empty())?;
    Some(Peer { remote, leads_to: lines.collect() })
}

/// Notes it.
///
/// # Errors
/// [`crate::base::error::Kind::Environment`] with the path.
pub(super) fn note(context: &Context, snapshot: &SnapshotId, peer: &Peer) -> Result<()> {
    if peer_of(context, snapshot).as_ref() == Some(peer) {
        return Ok(());
    }
    let place = place(context, snapshot);
    let folder = place.folder();
    folder.make_folder()?;
    files::publish(&folder, &place, peer.key().as_bytes(), Existing::Replace).map(drop)
}

/// Notes the ref of the head that a snapshot was taken from.
///
/// # Errors
/// As [`note`].
pub(super) fn note_head(context: &Context, snapshot: &SnapshotId, head: &HeadName) -> Result<()> {
    let place = place_of_head(context, snapshot);
    let folder = place.folder();
    folder.make_folder()?;
    files::publish(&folder, &place, head.name().as_bytes(), Existing::Replace).map(drop)
}

/// Returns the head that a snapshot was taken from, if it was never on the remote by itself since.
pub(super) fn head_of(context: &Context, snapshot: &SnapshotId) -> Option<HeadName> {
    let text = place_of_head(context, snapshot).read(LARGEST).ok()??;
    HeadName::parse(&String::from_utf8(text).ok()?)
}

/// Forgets it: the snapshot is on the remote by itself now, and its owner may take it back from there.
pub(super) fn forget_head(context: &Context, snapshot: &SnapshotId) {
    let _best_effort = place_of_head(context, snapshot).remove();
}

/// Returns the snapshots of which a head is noted.
pub(super) fn taken_from_heads(context: &Context) -> Vec<SnapshotId> {
    let names = Root::own(&context.state).at(HEADS_TAKEN).names().unwrap_or_default();
    names.iter().filter_map(|name| SnapshotId::parse(name.to_str()?)).collect()
}

fn place(context: &Context, snapshot: &SnapshotId) -> OwnPath {
    Root::own(&context.state).at(std::path::Path::new("remotes").join(snapshot.as_str()))
}

fn place_of_head(context: &Context, snapshot: &SnapshotId) -> OwnPath {
    Root::own(&context.state).at(std::path::Path::new(HEADS_TAKEN).join(snapshot.as_str()))
}
