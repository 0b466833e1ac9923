//! Checkpoints that nobody asked for: when one is worth saving, and how long it stays.

use std::time::{Duration, SystemTime};

use super::edits::CapturedEdits;
use crate::audit;
use crate::base::error::Result;
use crate::client::Found;
use crate::context::Context;
use crate::manifest::{Manifest, Trigger};
use crate::redaction;
use crate::retention::{self, AUTOMATIC, Candidate, Policy};
use crate::store::{Entry, Operation};
use crate::workspace::Workspace;

/// What makes an automatic checkpoint worth saving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Automatic {
    /// Edits or a commit since the last snapshot; the conversation alone is in no danger.
    NewEdits,
    /// Anything new, if the last automatic snapshot is at least this old.
    NewState(Duration),
}

/// Returns the newest snapshot of the session, if it has the very same edits on the same branch.
pub(super) fn same_edits(
    workspace: &Workspace,
    session: Option<&Found>,
    now: &CapturedEdits,
) -> Result<Option<Manifest>> {
    let of_session = |m: &Manifest| m.session.as_ref().map(|s| &s.id) == session.map(|s| &s.id);
    let newest =
        // What came with a clone protects nothing.
        workspace.store.entries()?.into_iter().filter(|e| e.own).filter_map(Entry::into_readable).find(|m| {
            m.safety.is_none() && m.workspace.root == workspace.root.as_path().into() && of_session(m)
        });
    let unchanged = |m: &Manifest| {
        m.workspace.branch == now.branch && m.edits.as_ref().is_some_and(|edits| same(edits, &now.edits))
    };
    Ok(newest.filter(unchanged))
}

fn same(one: &crate::manifest::Edits, other: &crate::manifest::Edits) -> bool {
    one.base == other.base && one.operation == other.operation && one.files == other.files
}

/// Removes the user's automatic snapshots that their policy does not keep, and what only they needed. What is not
/// proven to be the user's is neither counted nor removed.
///
/// # Errors
/// What the disk says, or that others hold the store for longer than ten seconds.
pub fn tidy(context: &Context, workspace: &Workspace) -> Result<()> {
    let store = &workspace.store;
    let is_automatic = |m: &Manifest| m.created_by.trigger == Trigger::Auto;
    let count = |entries: &[Entry]| {
        entries.iter().filter(|entry| entry.own && entry.manifest.as_ref().is_ok_and(is_automatic)).count()
    };
    if count(&store.entries()?) <= AUTOMATIC {
        return Ok(());
    }
    let lock = store.lock_for_deleting()?;
    // Read again: others may have tidied while the lock was waited for.
    let entries = store.entries()?;
    let automatic: Vec<_> = entries
        .iter()
        .filter(|entry| entry.own)
        .filter_map(|entry| Some((entry, entry.readable().filter(|m| is_automatic(m))?)))
        .collect();
    let candidates: Vec<Candidate> = automatic
        .iter()
        .map(|(entry, manifest)| Candidate {
            created_at: manifest.created_at,
            pinned: entry.pinned,
            safety: false,
            automatic: true,
            own: true,
        })
        .collect();
    let verdicts = retention::plan(&candidates, Policy::default(), context.now);
    for ((entry, manifest), _) in automatic.iter().zip(&verdicts).filter(|(_, verdict)| !verdict.keep) {
        store.delete(&lock, &entry.stem)?;
        // Another file may hold a snapshot of that id too.
        let held = |other: &Entry| other.manifest.as_ref().is_ok_and(|m| m.id == manifest.id);
        let last = entries.iter().filter(|other| held(other)).count() == 1;
        if let Some(repository) = workspace.repository.as_ref().filter(|_| last) {
            repository.release_commit(&manifest.id)?;
        }
        audit::write(store, &audit::line(context, Operation::Prune, Some(manifest)));
    }
    store.sweep(&lock, SystemTime::now())?;
    redaction::tidy(workspace, SystemTime::now())?;
    Ok(())
}
