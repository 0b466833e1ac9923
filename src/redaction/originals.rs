//! Proof that a file is the one that was redacted: a keyed hash of its path and its bytes.

use super::vault::Vault;
use crate::base::digest::Key;
use crate::base::paths::RepoPath;
use crate::manifest::Redaction;
use crate::workspace::Workspace;

/// What tells files from others whose redacted versions are the same, of what was saved under this user's key.
pub struct Originals(Key);

impl Originals {
    /// Gets ready to tell them; `None` if there is no key.
    pub fn known(workspace: &Workspace) -> Option<Originals> {
        let vault = Vault::open(workspace.trust.folder(), workspace.store.root()).ok()?;
        Some(Originals(vault.key().clone()))
    }

    /// Says whether a file, as git compares it, is the one that was redacted in this way.
    pub fn is_one(&self, place: &RepoPath, redaction: &Redaction, file: &[u8]) -> bool {
        redaction.key == key_name(&self.0) && redaction.mac == mac(&self.0, place, file)
    }
}

/// Names a key without saying anything of it.
pub(super) fn key_name(key: &Key) -> String {
    key.mark("name of a key", b"").to_string()[..16].to_owned()
}

/// Proves that a file is the one that was saved, under its own name.
pub(super) fn mac(key: &Key, place: &RepoPath, file: &[u8]) -> String {
    key.mark("redacted file", &[place.as_bytes(), b"\0", file].concat()).to_string()
}
