//! The base of a snapshot as it is here: the commit, or only its tree after history was rewritten.

use std::borrow::Cow;

use crate::base::error::Result;
use crate::base::ids::SnapshotId;
use crate::git::{BaseHere, Repository};
use crate::manifest::Edits;

/// Returns the edits with a base that is here.
///
/// # Errors
/// [`crate::base::error::Kind::Refused`] if nothing of it is here.
pub(in crate::restore) fn on_it<'a>(
    repository: &Repository,
    snapshot: &SnapshotId,
    saved: &'a Edits,
) -> Result<Cow<'a, Edits>> {
    let Some(base) = &saved.base else { return Ok(Cow::Borrowed(saved)) };
    match repository.base_here(snapshot, base)? {
        BaseHere::Commit => Ok(Cow::Borrowed(saved)),
        BaseHere::Tree(tree) => Ok(Cow::Owned(Edits { base: Some(tree), ..saved.clone() })),
        BaseHere::Nothing => Err(repository.lacks_commit(base)),
    }
}
