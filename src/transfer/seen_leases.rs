//! The leases that each remote had when it was listed last, so that `snap status` names them without asking a remote. Noted in
//! the user's own state folder.

use serde::{Deserialize, Serialize};

use super::lease::Lease;
use super::peers::Peer;
use crate::base::digest::ObjectId;
use crate::base::error::Result;
use crate::base::timestamp::Timestamp;
use crate::context::Context;
use crate::git::RemoteRef;
use crate::sys::files::{self, Existing};
use crate::sys::place::{OwnPath, Root};

/// The largest note that is read, in bytes.
const LARGEST: u64 = 1 << 20;

/// A lease, and when it was seen where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenLease {
    /// The lease.
    pub lease: Lease,
    /// The remote, without a password.
    pub remote: String,
    /// When the remote was listed.
    pub seen: Timestamp,
}

/// What is noted of one remote.
#[derive(Serialize, Deserialize)]
struct Note {
    remote: String,
    seen: Timestamp,
    /// The names of the refs, which say everything.
    leases: Vec<String>,
}

/// Returns the leases that count at this moment, as they were seen last, the newest first. What can't be read is none.
pub fn seen_leases(context: &Context) -> Vec<SeenLease> {
    let folder = folder(context);
    let mut all = Vec::new();
    for name in folder.names().unwrap_or_default() {
        let text = folder.join(&name).read(LARGEST).ok().flatten().unwrap_or_default();
        let Ok(Note { remote, seen, leases }) = serde_json::from_slice(&text) else { continue };
        let leases =
            leases.into_iter().filter_map(|name| Lease::parse(RemoteRef { oid: String::new(), name }));
        let counting = leases.filter(|lease| lease.counts(context.now));
        all.extend(counting.map(|lease| SeenLease { lease, remote: remote.clone(), seen }));
    }
    all.sort_by(|a, b| b.lease.since.cmp(&a.lease.since).then_with(|| a.lease.who.cmp(&b.lease.who)));
    all
}

/// Notes what a remote has now.
///
/// # Errors
/// [`crate::base::error::Kind::Environment`] with the path.
pub(super) fn note(context: &Context, peer: &Peer, leases: &[Lease]) -> Result<()> {
    let folder = folder(context);
    let place = folder.join(ObjectId::of(peer.key().as_bytes()).to_string());
    if leases.is_empty() {
        return place.remove();
    }
    let leases = leases.iter().map(|lease| lease.at.name.clone()).collect();
    let note = Note { remote: peer.remote.clone(), seen: context.now, leases };
    folder.make_folder()?;
    let text = serde_json::to_vec(&note).unwrap_or_default();
    files::publish(&folder, &place, &text, Existing::Replace).map(drop)
}

fn folder(context: &Context) -> OwnPath {
    Root::own(&context.state).at("leases")
}
