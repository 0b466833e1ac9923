//! Whose a snapshot is: this user's own, signed by somebody trusted, or foreign.
//!
//! Owns the question and nothing that follows from it. The evidence is never inside a project: the key is in
//! the user's state folder, and the user's own configuration names the list of signers. A snapshot's file,
//! its place and its own statements count for nothing.

mod key;
mod signature;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::base::digest::{Key, ObjectId};
use crate::base::error::{Error, Kind, Result};
use crate::base::screen::Line;
use crate::manifest::attestation::Proofs;
use crate::sys::files;

pub use signature::{Signers, sign};

/// What marks of snapshots are made for, as opposed to others that the same key makes.
const PURPOSE: &str = "2026-11-21 snapshot";

/// Where a snapshot comes from, as far as it can be proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Provenance {
    /// This user's `snap` saved it, on this machine.
    Own,
    /// Signed by somebody whom this user's configuration names.
    Trusted {
        /// The signer, as the list of signers calls them; made safe to show.
        signer: String,
    },
    /// Anything else.
    Foreign {
        /// Why it is nothing better, for a person.
        why: String,
    },
}

impl Provenance {
    /// Says whether nobody vouches for it.
    pub fn is_foreign(&self) -> bool {
        matches!(self, Provenance::Foreign { .. })
    }

    /// Returns the word that stands for it in JSON and on the screen.
    pub fn word(&self) -> &'static str {
        match self {
            Provenance::Own => "own",
            Provenance::Trusted { .. } => "trusted",
            Provenance::Foreign { .. } => "foreign",
        }
    }
}

/// This user's means to mark snapshots and to judge them.
pub struct Trust {
    folder: PathBuf,
    /// The key, once there is one; it may be made while this lives.
    key: OnceLock<Key>,
}

impl Trust {
    /// Takes the folder that the key is in, or will be.
    pub fn new(folder: &Path) -> Trust {
        Trust { folder: folder.to_owned(), key: OnceLock::new() }
    }

    /// Returns the folder that holds the key.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes the mark that later proves that a snapshot is this user's. Makes the key if there is none.
    ///
    /// # Errors
    /// [`Kind::Environment`] or [`Kind::Refused`] if there is no usable key.
    pub fn mark(&self, body: ObjectId) -> Result<ObjectId> {
        Ok(self.own_key()?.mark(PURPOSE, body.as_bytes()))
    }

    /// Makes the seal that later proves that this user wrote a message, for this purpose only; makes the key if there
    /// is none.
    ///
    /// # Errors
    /// As [`Trust::mark`].
    pub fn seal(&self, purpose: &str, message: &[u8]) -> Result<ObjectId> {
        Ok(self.own_key()?.mark(purpose, message))
    }

    /// Says whether a seal is this user's, of this very message and for this purpose.
    pub fn is_sealed(&self, purpose: &str, message: &[u8], seal: ObjectId) -> bool {
        self.known_key().is_ok_and(|key| key.is_some_and(|key| key.made(seal, purpose, message)))
    }

    /// Says whether there is a key that can be used; makes none.
    pub fn has_key(&self) -> bool {
        self.known_key().is_ok_and(|key| key.is_some())
    }

    /// Says whether this user could seal something: with the key that is there, or with one that can be made; makes none.
    pub fn could_seal(&self) -> bool {
        match self.known_key() {
            Ok(Some(_)) => true,
            Ok(None) => files::could_be_written(&self.folder),
            Err(_) => false,
        }
    }

    /// Returns why the key that is there can't be used; then no snapshot counts as this user's own.
    pub fn unusable_key(&self) -> Option<Error> {
        self.known_key().err()
    }

    /// Returns the key; makes it if there is none.
    fn own_key(&self) -> Result<&Key> {
        match self.key.get() {
            Some(key) => Ok(key),
            None => key::load_or_make(&self.folder).map(|key| self.key.get_or_init(|| key)),
        }
    }

    /// Returns the key, if there is one by now.
    fn known_key(&self) -> Result<Option<&Key>> {
        match self.key.get() {
            Some(key) => Ok(Some(key)),
            None => Ok(key::load(&self.folder)?.map(|key| self.key.get_or_init(|| key))),
        }
    }

    /// Says whether this user saved it; nothing else is looked at.
    pub fn is_own(&self, proofs: &Proofs) -> bool {
        self.own(proofs).is_ok()
    }

    /// Judges a snapshot. `signers` is asked for only if a signature has to be checked.
    pub fn judge(&self, proofs: &Proofs, signers: impl FnOnce() -> Result<Signers>) -> Provenance {
        let not_own = match self.own(proofs) {
            Ok(()) => return Provenance::Own,
            Err(error) => error,
        };
        let (Some(signature), Some(body)) = (&proofs.signature, proofs.body) else {
            return Provenance::Foreign { why: not_own.to_string() };
        };
        match signers().and_then(|signers| signers.verify(signature, body)) {
            Ok(signer) => Provenance::Trusted { signer: Line(&signer).to_string() },
            Err(error) => Provenance::Foreign { why: error.to_string() },
        }
    }

    fn own(&self, proofs: &Proofs) -> Result<()> {
        let no = |why: &str| Err(Error::new(Kind::Refused, why));
        let (Some(mac), Some(body)) = (proofs.mac, proofs.body) else {
            return no("it has no mark of the user who saved it");
        };
        match self.known_key() {
            Err(error) => Err(error),
            Ok(None) => no("another user or another machine saved it"),
            Ok(Some(key)) if key.made(mac, PURPOSE, body.as_bytes()) => Ok(()),
            Ok(Some(_)) => no("another user or another machine saved it, or it was changed since"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(trust: &Trust, proofs: &Proofs) -> Provenance {
        trust.judge(proofs, || panic!("there is no signature to check"))
    }

    #[test]
    fn only_the_mark_of_this_users_key_on_this_very_snapshot_makes_it_own() {
        let (here, there) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let body = ObjectId::of(b"body");
        let mac = Trust::new(here.path()).mark(body).expect("a mark");
        let proofs = Proofs { body: Some(body), mac: Some(mac), signature: None };
        let trust = Trust::new(here.path());
        assert_eq!(judge(&trust, &proofs), Provenance::Own);
        let changed = Proofs { body: Some(ObjectId::of(b"bodi")), ..proofs.clone() };
        assert!(judge(&trust, &changed).is_foreign());
        assert!(judge(&trust, &Proofs { mac: None, ..proofs.clone() }).is_foreign());
        assert!(judge(&trust, &Proofs::default()).is_foreign());
        let elsewhere = Trust::new(there.path());
        assert!(judge(&elsewhere, &proofs).is_foreign(), "no key there");
        elsewhere.mark(body).expect("a key of its own");
        assert!(judge(&Trust::new(there.path()), &proofs).is_foreign(), "another key there");
    }
}
