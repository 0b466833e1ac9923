//! Secrets that a person lets into snapshots, by their IDs.

use std::path::PathBuf;

use crate::base::error::{Error, Kind, Result};
use crate::base::screen::Line;
use crate::redaction::vault::Vault;
use crate::secrets;
use crate::workspace::Workspace;

/// Allows secrets to be saved as they are, in every store of this user, from now on. Returns the list of what is allowed.
///
/// # Errors
/// [`Kind::Usage`] for what is no ID, [`Kind::Environment`] if the list can't be read or written.
pub fn allow_from_now_on(workspace: &Workspace, ids: &[String]) -> Result<PathBuf> {
    check_ids(ids)?;
    Vault::open(workspace.trust.folder(), workspace.store.root())?.allow(ids)
}

/// Refuses what is no ID of a secret.
pub(super) fn check_ids(allow: &[String]) -> Result<()> {
    let Some(strange) = allow.iter().find(|id| !secrets::is_id(id)) else { return Ok(()) };
    let said = Error::new(Kind::Usage, format!("\"{}\" is not the ID of a secret", Line(strange)));
    Err(said.hint("`snap show` and the report of `snap save` list secrets with their IDs"))
}
