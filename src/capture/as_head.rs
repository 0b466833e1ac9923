//! The state of a session as a snapshot that is in no store: what its head on a remote is made of.
//!
//! Only its objects are in the store; the next sweep takes them if no snapshot needs them. It is marked and signed as a snapshot
//! is, so that whoever takes it in can tell whose it is.

use super::captured_session::CapturedSession;
use super::merges::tell;
use super::publishing::prove;
use super::{Request, Signing, assemble, lineage, state};
use crate::base::error::Result;
use crate::base::ids::{ClientId, SnapshotId};
use crate::base::warning::Warning;
use crate::context::Context;
use crate::manifest::{Head, Manifest, Session, Trigger};
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
    came_from(context, workspace, &mut manifest)?;
    manifest.created_by.trigger = Trigger::Auto;
    let notes = prove(workspace, &mut manifest, Signing::Configured)?;
    Ok((manifest, notes))
}

/// Says of a state what it came from.
fn came_from(context: &Context, workspace: &Workspace, manifest: &mut Manifest) -> Result<()> {
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
    manifest.parent = lineage::parent(context, &log, (&all, &own), manifest);
    tell(&workspace.store, &log, manifest);
    Ok(())
}

/// Returns what a save with this session would say of a state that is not saved: where it came from. All else is that of its last
/// snapshot.
///
/// # Errors
/// What the store says.
pub fn as_next(
    context: &Context,
    workspace: &Workspace,
    session: Option<&ClientId>,
    last: Manifest,
) -> Result<Manifest> {
    let mut next = Manifest { id: SnapshotId::random(), created_at: context.now, ..last };
    // One that was brought back under an id of its own goes on from there, and not from what came after that in the saved one.
    next.session = next.session.zip(session).map(|(saved, id)| Session { id: id.clone(), ..saved });
    next.workspace.root = workspace.root.as_path().into();
    if let Some(repository) = &workspace.repository {
        let head = repository.head()?;
        (next.workspace.branch, next.workspace.head) = (head.branch, head.commit);
    }
    (next.created_by.user, next.created_by.host) = (context.user.clone(), context.host.clone());
    came_from(context, workspace, &mut next)?;
    Ok(next)
}

/// Returns what the first save with this session would say of where it came from: nothing was saved with it before.
///
/// # Errors
/// What git and the store say.
pub fn as_first(context: &Context, workspace: &Workspace, session: Option<&ClientId>) -> Result<Manifest> {
    let mut first = assemble(context, workspace, None, CapturedSession::default())?;
    first.session = session.map(|id| Session::bare(id.clone(), workspace.root.as_path().into()));
    as_next(context, workspace, session, first)
}
