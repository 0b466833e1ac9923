//! Manifests that were read already: a save looks through all of them several times.
//!
//! A manifest is remembered by its file's identity, size and time, and read again if the file was replaced.
//! The cache is limited by size on the disk; the rest is read each time. If a manifest can't be read, the
//! reason is remembered.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::base::error::Result;
use crate::manifest::{Head, Manifest};
use crate::sys::place::{OwnPath, Shape, Stat};

/// The most bytes of manifests that are remembered, as they are on the disk.
const MOST: u64 = 16 << 20;

/// What changes if a file is another one: device, inode, size, and the time of its last change.
pub(super) type Identity = (u64, u64, u64, i64, i64);

/// The manifests of one store that this process has read.
#[derive(Default)]
pub(super) struct Parsed {
    manifests: Mutex<BTreeMap<String, (Identity, Manifest)>>,
    heads: Mutex<BTreeMap<String, (Identity, Result<Head>)>>,
    keeps_nothing: bool,
}

impl Parsed {
    /// Makes one that remembers nothing.
    pub(super) fn nothing() -> Parsed {
        Parsed { keeps_nothing: true, ..Parsed::default() }
    }

    /// Returns the manifest of this name if its file is still the one that was read.
    pub(super) fn get(&self, stem: &str, identity: Option<Identity>) -> Option<Manifest> {
        let parsed = self.manifests.lock().ok()?;
        let (known, manifest) = parsed.get(stem)?;
        (identity == Some(*known)).then(|| manifest.clone())
    }

    /// Returns what tells it from others, as [`Parsed::get`].
    pub(super) fn head(&self, stem: &str, identity: Option<Identity>) -> Option<Result<Head>> {
        let heads = self.heads.lock().ok()?;
        let (known, head) = heads.get(stem)?;
        (identity == Some(*known)).then(|| head.clone())
    }

    /// Remembers that alone, which is small, or why it can't be read.
    pub(super) fn note_head(&self, stem: &str, identity: Option<Identity>, head: &Result<Head>) {
        if let (false, Some(identity), Ok(mut heads)) = (self.keeps_nothing, identity, self.heads.lock()) {
            heads.insert(stem.to_owned(), (identity, head.clone()));
        }
    }

    /// Remembers a manifest; `identity` is that of its file before it was read.
    pub(super) fn note(&self, stem: &str, identity: Option<Identity>, manifest: &Manifest) {
        if self.keeps_nothing {
            return;
        }
        self.note_head(stem, identity, &Ok(Head::of(manifest)));
        let (Some(identity), Ok(mut parsed)) = (identity, self.manifests.lock()) else { return };
        let held: u64 = parsed.values().map(|((_, _, size, ..), _)| size).sum();
        if held + identity.2 <= MOST {
            parsed.insert(stem.to_owned(), (identity, manifest.clone()));
        }
    }
}

/// Returns what distinguishes a plain file from another one at its path, and from itself before a
/// change.
pub(super) fn identity(place: &OwnPath) -> Option<Identity> {
    identity_of(place.stat().ok().flatten())
}

/// The same of what was found there.
pub(super) fn identity_of(found: Option<Stat>) -> Option<Identity> {
    found.filter(|found| found.shape == Shape::File).map(|found| found.identity)
}
