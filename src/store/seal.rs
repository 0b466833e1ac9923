//! What in a store is proven to be this user's own.
//!
//! A store can come with a clone or a tarball, even with private modes, so nothing in it is trusted because
//! of where it is. Snapshots carry the user's mark. The lines of the log and the journals of restores carry
//! a seal over their bytes, their purpose, and the path of the store. So a line or a journal that was copied
//! elsewhere proves nothing there.

use super::Store;
use crate::base::digest::ObjectId;
use crate::manifest::attestation::Proofs;

/// What seals of journals are made for.
pub(super) const JOURNAL: &str = "2026-11-28 journal of a restore";

/// What the seal of a journal's last line is made for.
pub(super) const DECISION: &str = "2026-11-28 decision of a restore";

/// What seals of the log's lines are made for.
pub(super) const LOG_LINE: &str = "2026-11-28 line of the log";

/// A user's means to prove that they wrote something.
pub trait Seal: Send + Sync {
    /// Makes the seal of a message for a purpose; `None` if this user has no usable key.
    fn seal(&self, purpose: &str, message: &[u8]) -> Option<ObjectId>;

    /// Says whether this user could seal something, with a key that is there or that can be made; makes none.
    fn could_seal(&self) -> bool;

    /// Says whether this user has a key by now; makes none.
    fn has_key(&self) -> bool;

    /// Says whether a seal is this user's, of this very message and for this purpose.
    fn is_sealed(&self, purpose: &str, message: &[u8], seal: ObjectId) -> bool;

    /// Says whether this user saved the snapshot that these proofs are of.
    fn is_own(&self, proofs: &Proofs) -> bool;
}

impl Store {
    /// Seals bytes that are about to be written into this store.
    pub(super) fn seal(&self, purpose: &str, bytes: &[u8]) -> Option<ObjectId> {
        self.seal.as_ref()?.seal(purpose, &self.placed(bytes))
    }

    /// Says whether bytes in this store carry this user's seal.
    pub(super) fn is_sealed(&self, purpose: &str, bytes: &[u8], seal: ObjectId) -> bool {
        self.seal.as_ref().is_some_and(|own| own.is_sealed(purpose, &self.placed(bytes), seal))
    }

    /// Says whether this user saved the snapshot that these proofs are of.
    pub(super) fn is_own(&self, proofs: &Proofs) -> bool {
        self.seal.as_ref().is_some_and(|own| own.is_own(proofs))
    }

    /// Says whether this user has proved something before.
    pub(super) fn has_key(&self) -> bool {
        self.seal.as_ref().is_some_and(|own| own.has_key())
    }

    /// Says whether this user could prove that a snapshot is theirs.
    pub(super) fn can_prove(&self) -> bool {
        self.seal.as_ref().is_some_and(|own| own.could_seal())
    }

    /// Puts the place of this store before bytes, with its length, so that the two can't run together.
    fn placed(&self, bytes: &[u8]) -> Vec<u8> {
        // The same store is the same whichever links lead to it.
        let place = self.root().canonicalize().unwrap_or_else(|_| self.root().to_owned());
        let place = place.as_os_str().as_encoded_bytes();
        [&(place.len() as u64).to_le_bytes(), place, bytes].concat()
    }
}
