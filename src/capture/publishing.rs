//! Publishing a finished manifest: its base is kept, it is proved to be this user's, and it gets a name that nothing has.

use crate::base::error::{Error, Kind, Result};
use crate::base::warning::Warning;
use crate::capture::names;
use crate::capture::request::Signing;
use crate::git;
use crate::manifest::Manifest;
use crate::manifest::attestation::Proofs;
use crate::store::{AddLock, Reference};
use crate::workspace::Workspace;

/// How often another process may be faster with a name.
const MOST_NAMES: usize = 20;

/// What a snapshot is to be called.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Name {
    /// As it is in the manifest, or it is not saved.
    Exactly,
    /// The same, with a number if it is taken.
    Numbered,
}

/// Keeps the base commit, then publishes a finished manifest, in this order: no snapshot is ever
/// there whose base git may collect. Returns the name of its file, and what went wrong without harm.
pub(super) fn publish(
    workspace: &Workspace,
    lock: &AddLock,
    manifest: &mut Manifest,
    name: Name,
    sign: Signing,
) -> Result<(String, Vec<Warning>)> {
    let note = workspace.store.note_coming(&manifest.id);
    let not_kept = keep_base(workspace, manifest);
    let published = publish_named(workspace, lock, manifest, name, sign);
    if let (Err(_), Some(repository)) = (&published, &workspace.repository) {
        // A disk may take the manifest and fail after that: what is there stays kept.
        let by_id = Reference::Named(manifest.id.to_string());
        if workspace.store.find(&by_id).is_err_and(|error| error.kind() == Kind::NotFound) {
            let _best_effort = repository.release_commit(&manifest.id);
        }
    }
    let _struck_out_by_a_removal = published.is_ok().then(|| workspace.store.strike_out(&[note]));
    published.map(|(stem, notes)| (stem, notes.into_iter().chain(not_kept).collect()))
}

/// Names, proves and publishes a finished manifest.
fn publish_named(
    workspace: &Workspace,
    lock: &AddLock,
    manifest: &mut Manifest,
    name: Name,
    sign: Signing,
) -> Result<(String, Vec<Warning>)> {
    let wanted = manifest.name.clone();
    for left in (0..MOST_NAMES).rev() {
        if name == Name::Numbered {
            manifest.name = free_name(workspace, &wanted)?;
        }
        let notes = prove(workspace, manifest, sign)?;
        match workspace.store.publish(lock, manifest) {
            // Another process was faster with the same name.
            Err(_) if left > 0 && name == Name::Numbered && is_taken(workspace, &manifest.name) => {}
            stem => return Ok((stem?, notes)),
        }
    }
    Err(Error::new(Kind::Bug, "No free name was found for the snapshot"))
}

/// Returns a name that is free, with a number behind it if need be. One that a snapshot which can't be read may have is not.
fn free_name(workspace: &Workspace, wanted: &str) -> Result<String> {
    let mut taken = workspace.store.taken_names()?;
    loop {
        let name = names::free(&taken, wanted);
        if taken.len() > MOST_NAMES + workspace.store.known()?.len() || !is_taken(workspace, &name) {
            return Ok(name);
        }
        taken.insert(name);
    }
}

fn is_taken(workspace: &Workspace, name: &str) -> bool {
    workspace.store.refuse_taken(name).is_err()
}

/// Marks a finished manifest as this user's, and signs it; returns what went wrong without harm.
pub(super) fn prove(workspace: &Workspace, manifest: &mut Manifest, sign: Signing) -> Result<Vec<Warning>> {
    let mut notes = Vec::new();
    let body = manifest.body_hash()?;
    match workspace.trust.mark(body) {
        Ok(mac) => manifest.proofs = Proofs { body: Some(body), mac: Some(mac), signature: None },
        Err(error) => notes.push(Warning::NotMarked(error.to_string())),
    }
    let wanted = match sign {
        Signing::No => false,
        Signing::Configured => git::user_switch("snap.sign"),
        Signing::Asked => true,
    };
    match wanted.then(|| workspace.sign(body)) {
        None => {}
        Some(Ok(signature)) => manifest.proofs.signature = Some(signature),
        Some(Err(error)) if sign == Signing::Asked => return Err(error),
        Some(Err(error)) => notes.push(Warning::NotSigned(error.to_string())),
    }
    Ok(notes)
}

/// Keeps the base commit from git's garbage collection; says so if that can't be.
fn keep_base(workspace: &Workspace, manifest: &Manifest) -> Option<Warning> {
    let repository = workspace.repository.as_ref()?;
    let base = manifest.edits.as_ref()?.base.as_ref()?;
    let error = repository.keep_commit(&manifest.id, base).err()?;
    Some(Warning::BaseNotKept { base: base.clone(), why: error.to_string() })
}
