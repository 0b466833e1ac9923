//! Where two lines of work went apart: what both descend from, as far as their conversations agree with that.
//!
//! A snapshot says itself what it was saved after, and may be wrong: who saved it may have had no log to go by. A merge from a wrong
//! base would take away what only one side has. So a conversation must have the last record of what it is said to go on from.

use super::common;
use crate::base::error::Result;
use crate::manifest::{Manifest, Transcript};
use crate::store::{Reference, Store};

/// The most snapshots that are looked at.
const MOST: usize = 50;

/// Finds the newest snapshot from which both went on; `has` says whether what is here has the last record of one.
///
/// # Errors
/// [`crate::base::error::Kind::Damaged`] if a piece of a conversation is, and what `has` says.
pub fn fork(
    store: &Store,
    here: &Manifest,
    there: &Manifest,
    has: &dyn Fn(&Manifest) -> Result<bool>,
) -> Result<Option<Manifest>> {
    for id in store.forks_of(here, there)?.into_iter().take(MOST) {
        // One that can't be read is no base.
        let found = store.find(&Reference::Named(id.to_string())).and_then(|entry| entry.manifest);
        let Ok(found) = found else { continue };
        if has(&found)? && goes_on_from(store, there, &found)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Says whether the conversation of one snapshot has the last record of another one's, or there is none to go by.
///
/// # Errors
/// [`crate::base::error::Kind::Damaged`] if a piece of a conversation is.
pub(super) fn goes_on_from(store: &Store, one: &Manifest, from: &Manifest) -> Result<bool> {
    Ok(match (transcript(one), transcript(from)) {
        (_, None) => true,
        (Some(one), Some(from)) if one.chunks.starts_with(&from.chunks) => true,
        (Some(one), Some(from)) => match common::last_record(store, from)? {
            Some(record) => common::piece_with(store, one, &record)?.is_some(),
            None => true,
        },
        (None, Some(_)) => one.session.is_none(),
    })
}

/// Returns the name of the last record of a snapshot's conversation.
///
/// # Errors
/// [`crate::base::error::Kind::Damaged`] if a piece of it is.
pub fn last_record(store: &Store, manifest: &Manifest) -> Result<Option<String>> {
    transcript(manifest).map_or(Ok(None), |transcript| common::last_record(store, transcript))
}

fn transcript(manifest: &Manifest) -> Option<&Transcript> {
    manifest.session.as_ref()?.transcript.as_ref()
}
