//! A head that becomes a snapshot here: fetched, checked as every snapshot from elsewhere, and added.

use super::commit_format::{self, RemoteSnapshot};
use super::peers::{self, Peer};
use super::{keep_base, line};
use crate::audit;
use crate::base::error::{Error, Kind, Result};
use crate::base::screen::Line;
use crate::context::Context;
use crate::git::{Fetched, Remote, RemoteRef};
use crate::manifest::Manifest;
use crate::store::{LogEntry, Operation};
use crate::transfer::{HeadName, RemoteHead};
use crate::workspace::Workspace;

/// Fetches a head as it is now into the scratch repository of a remote; returns where it is.
///
/// # Errors
/// [`Kind::NotFound`] if it is gone, [`Kind::Environment`] with what git says.
pub fn fetch_head(remote: &Remote<'_>, name: &HeadName) -> Result<RemoteRef> {
    let name = name.name();
    remote.fetch(&[&name], true)?;
    let here = remote.refs_here(&name)?.into_iter().find(|at| at.name == name);
    here.ok_or_else(|| Error::new(Kind::NotFound, format!("{} is gone from {}", Line(&name), remote.shown())))
}

/// Reads the manifest of a head that was fetched.
///
/// # Errors
/// [`Kind::Damaged`] or [`Kind::NewerFormat`] if it can't be used.
pub fn manifest_of_head(fetched: &mut Fetched, at: &RemoteRef) -> Result<Manifest> {
    Manifest::from_json(&commit_format::open(fetched, &place(at, None))?.0)
}

/// Adds a head to the store as the snapshot that it is.
///
/// # Errors
/// As everything that comes from elsewhere.
pub fn take_head(
    context: &Context,
    workspace: &Workspace,
    remote: &Remote<'_>,
    head: &RemoteHead,
) -> Result<Manifest> {
    let shown = remote.shown();
    let begun = LogEntry { ..line(context, Operation::Pull, None, &shown) };
    let taken = fetch_head(remote, &head.name).and_then(|at| {
        let mut fetched = remote.fetched()?;
        let manifest = manifest_of_head(&mut fetched, &at)?;
        let place = place(&at, Some(&manifest));
        let incoming =
            commit_format::receive(&workspace.store, &mut fetched, &place, context.now, &mut |_| ())?;
        incoming.publish(|manifest| keep_base(workspace.repository.as_ref(), manifest))?;
        Ok(manifest)
    });
    let manifest = audit::unless_failed(&workspace.store, &begun, taken)?;
    let peer = Peer { remote: shown, leads_to: remote.leads_to().to_vec() };
    let _only_the_base_can_be_fetched_less_easily = peers::note(context, &manifest.id, &peer);
    // Without it, what goes on from here is sent without it.
    let _best_effort = peers::note_head(context, &manifest.id, &head.name);
    let done = LogEntry { snapshot: Some(manifest.id.clone()), name: manifest.name.clone(), ..begun };
    audit::write(&workspace.store, &done);
    Ok(manifest)
}

/// Adds a head to a store that is not kept, for a dry run: nothing is noted of it anywhere else.
///
/// # Errors
/// As everything that comes from elsewhere.
pub fn try_head(aside: &Workspace, remote: &Remote<'_>, head: &RemoteHead) -> Result<Manifest> {
    let at = fetch_head(remote, &head.name)?;
    let mut fetched = remote.fetched()?;
    let manifest = manifest_of_head(&mut fetched, &at)?;
    let place = place(&at, Some(&manifest));
    let incoming = commit_format::receive(&aside.store, &mut fetched, &place, aside.now, &mut |_| ())?;
    incoming.publish(|_| ())?;
    Ok(manifest)
}

fn place(at: &RemoteRef, manifest: Option<&Manifest>) -> RemoteSnapshot {
    let id = manifest.map_or_else(crate::base::ids::SnapshotId::random, |manifest| manifest.id.clone());
    RemoteSnapshot { user: String::new(), id, at: at.clone() }
}
