//! What a stored diff makes: first what git compares, then what is on the disk; both checked.
//!
//! Every reader of edits goes through here. Where secrets were taken out, both still have
//! placeholders.

use std::borrow::Cow;

use super::refill::base_of_diff;
use crate::base::compress;
use crate::base::digest::GitHash;
use crate::base::error::Result;
use crate::manifest::{Content, ConvertedBy, Diff, DiffForm, Version};
use crate::store::Store;
use crate::stored_patch::encoding;

/// A diff and what it leads from and to, at hand.
pub struct Loaded<'a> {
    diff: &'a Diff,
    stored: Vec<u8>,
    earlier: Option<Vec<u8>>,
    delta: Option<Vec<u8>>,
}

/// Content, or why the parts do not give it.
pub(super) type Makes = std::result::Result<Vec<u8>, String>;

impl<'a> Loaded<'a> {
    /// Reads the parts of a diff.
    ///
    /// # Errors
    /// As [`Store::load`].
    pub fn of(store: &Store, diff: &'a Diff) -> Result<Loaded<'a>> {
        let load = |content: Option<&Content>| content.map(|content| store.load(content)).transpose();
        let delta = match diff.converted.as_ref().map(|converted| &converted.by) {
            Some(ConvertedBy::Delta { delta }) => Some(delta),
            _ => None,
        };
        Ok(Loaded {
            diff,
            stored: store.load(&diff.content)?,
            earlier: load(diff.earlier.as_ref())?,
            delta: load(delta)?,
        })
    }

    /// Makes what git compares; `base` is looked at only if [`Diff::needs_base`].
    ///
    /// # Errors
    /// Says why it does not apply.
    pub fn compared(&mut self, base: &[u8]) -> Makes {
        let old = self.earlier.as_deref().unwrap_or(base);
        let old = match &self.diff.redaction {
            Some(redaction) if self.diff.form != DiffForm::Whole => Cow::Owned(
                base_of_diff(old, redaction).ok_or("its base is not what the diff was made against")?,
            ),
            _ => Cow::Borrowed(old),
        };
        encoding::apply(self.diff.form, std::mem::take(&mut self.stored), &old, self.diff.bytes)
    }

    /// Makes what is on the disk of what git compares, and checks both against their ids.
    ///
    /// # Errors
    /// Says what is not as it should be.
    pub fn on_disk(&self, compared: Vec<u8>, version: &Version, hash: GitHash) -> Makes {
        let expected = self.diff.converted.as_ref().map_or(&version.oid, |converted| &converted.oid);
        if hash.blob_id(&compared) != *expected {
            return Err(format!("its diff does not give the version {expected}"));
        }
        if self.diff.converted.is_none() {
            return Ok(compared);
        }
        let raw = self.converted(&compared)?;
        match hash.blob_id(&raw) == version.oid {
            true => Ok(raw),
            false => Err(format!("its conversion does not give the version {}", version.oid)),
        }
    }

    /// Converts what git compares, whatever it is.
    ///
    /// # Errors
    /// Says why that can't be.
    pub fn converted(&self, compared: &[u8]) -> Makes {
        let Some(converted) = &self.diff.converted else { return Ok(compared.to_vec()) };
        match &converted.by {
            ConvertedBy::Recipe { recipe } => {
                recipe.apply(compared).ok_or_else(|| "it is no text in its encoding".to_owned())
            }
            ConvertedBy::Delta { .. } => {
                let delta = self.delta.as_deref().unwrap_or_default();
                compress::apply_delta(compared, delta, converted.bytes).map_err(|error| error.to_string())
            }
        }
    }
}
