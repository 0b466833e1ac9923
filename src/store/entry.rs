//! A snapshot in a store, read completely, or only as far as needed to identify it.

use crate::base::error::Result;
use crate::base::timestamp::Timestamp;
use crate::manifest::{Head, Manifest};

/// One snapshot in the store, readable or not.
pub struct Entry {
    /// The file name without `.json`.
    pub stem: String,
    /// Whether it is kept from pruning.
    pub pinned: bool,
    /// Whether this user saved it, proved by its mark, not by its place. If several files hold the same
    /// snapshot, only one counts.
    pub own: bool,
    /// When the file was written: for a manifest that can't be read, all that is known.
    pub written: Timestamp,
    /// The manifest, or why it can't be read.
    pub manifest: Result<Manifest>,
}

impl Entry {
    /// Returns the manifest, if it can be read.
    pub fn readable(&self) -> Option<&Manifest> {
        self.manifest.as_ref().ok()
    }

    /// The same, taken out.
    pub fn into_readable(self) -> Option<Manifest> {
        self.manifest.ok()
    }

    /// Returns when it was saved, as far as that can be trusted. A snapshot that is not the user's own
    /// can't be younger than its file.
    pub fn dated(&self, manifest: &Manifest) -> Timestamp {
        if self.own { manifest.created_at } else { manifest.created_at.min(self.written) }
    }
}

/// What is known of a snapshot before all of it is read.
pub struct Known {
    /// The file name without `.json`.
    pub stem: String,
    /// When the file was written.
    pub written: Timestamp,
    /// Whether this user saved it, as for an [`Entry`]; but here all files that hold the same snapshot
    /// count.
    pub own: bool,
    /// What tells it from others, or why it can't be read.
    pub head: Result<Head>,
}
