//! The state of a session as a snapshot that is in no store: what its head on a remote is made of.
//!
//! Only its objects are in the store; the next sweep takes them if no snapshot needs them. It is marked and signed as a snapshot
//! is, so that whoever takes it in can tell whose it is.

use super::publishing::prove;
use super::{Request, Signing, lineage, state};
use crate::base::error::Result;
use crate::base::warning::Warning;
use crate::context::Context;
use crate::manifest::{Head, Manifest, Trigger};
use crate::store::UnreadEntry;
use crate::workspace::Workspace;

/// Returns the state as a snapshot would be, with its parent and its proofs, and what a person should know of it.
///
/// # Errors
/// As [`state`].
pub fn head(
    context: &Context,
    workspace: &Workspace,
    request: &Request<'_>,
) -> Result<(Manifest, Vec<Warning>)> {
    let mut manifest = state(context, workspace, request)?;
    let known = workspace.store.known()?;
    let saved =
        |one: &UnreadEntry, own: bool| (one.own || !own).then(|| one.head.as_ref().ok()).flatten().cloned();
    let of = |own: bool| -> Vec<Head> {
        known.iter().filter_map(|one| saved(one, own)).filter(|head| !head.safety).collect()
    };
    let (all, own) = (of(false), of(true));
    let (all, own): (Vec<&Head>, Vec<&Head>) = (all.iter().collect(), own.iter().collect());
    // A log that can't be read only makes the answer less sure.
    let log = workspace.store.own_log().unwrap_or_default();
    manifest.parent = lineage::parent(context, &log, (&all, &own), &manifest);
    manifest.created_by.trigger = Trigger::Auto;
    let notes = prove(workspace, &mut manifest, Signing::Configured)?;
    Ok((manifest, notes))
}
