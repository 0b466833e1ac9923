//! A snapshot in a store, read completely, or only as far as needed to identify it.

use std::collections::{HashMap, HashSet};

use super::display_names::{Callable, CallableSnapshot};
use super::manifest_cache::Identity;
use crate::base::error::Result;
use crate::base::timestamp::Timestamp;
use crate::manifest::{Head, Manifest};

/// One snapshot in the store, readable or not.
pub struct Entry {
    /// The file name without `.json`.
    pub stem: String,
    /// What it is called here: its name, or `NAME@USER` if another one has that; its file's name if it can't be read.
    pub called: String,
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
    /// Gives it the name that it has among all others.
    pub(super) fn is_called(&mut self, called: &HashMap<String, String>) {
        if let Some(called) = called.get(&self.stem) {
            self.called.clone_from(called);
        }
    }

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
pub struct UnreadEntry {
    /// The file name without `.json`.
    pub stem: String,
    /// When the file was written.
    pub written: Timestamp,
    /// Which file it was.
    pub(super) identity: Option<Identity>,
    /// Whether it is kept from pruning.
    pub pinned: bool,
    /// Whether this user saved it, as for an [`Entry`]; but here all files that hold the same snapshot
    /// count.
    pub own: bool,
    /// What tells it from others, or why it can't be read.
    pub head: Result<Head>,
}

impl UnreadEntry {
    /// Says of each whether it counts as the user's own: of several files that hold one snapshot, only one does, the pinned
    /// one first. Anybody who has seen a snapshot can put more copies of it into a store, and each would take the place of
    /// another snapshot.
    pub fn count_once(all: &[UnreadEntry]) -> Vec<bool> {
        let (mut seen, mut counts) = (HashSet::new(), vec![false; all.len()]);
        for pinned in [true, false] {
            for (one, counts) in
                all.iter().zip(&mut counts).filter(|(one, _)| one.own && one.pinned == pinned)
            {
                *counts = one.head.as_ref().is_ok_and(|head| seen.insert(&head.id));
            }
        }
        counts
    }

    /// Returns when it was saved, as far as that can be trusted. A snapshot that is not the user's own
    /// can't be younger than its file.
    pub fn dated(&self, head: &Head, own: bool) -> Timestamp {
        if own { head.created_at } else { head.created_at.min(self.written) }
    }
}

impl Callable for Entry {
    fn stem(&self) -> &str {
        &self.stem
    }

    fn named(&self) -> Option<CallableSnapshot<'_>> {
        let manifest = self.manifest.as_ref().ok()?;
        let (name, user) = (&manifest.name, &manifest.created_by.user);
        Some(CallableSnapshot { stem: &self.stem, own: self.own, id: &manifest.id, name, user })
    }
}

impl Callable for UnreadEntry {
    fn stem(&self) -> &str {
        &self.stem
    }

    fn named(&self) -> Option<CallableSnapshot<'_>> {
        let head = self.head.as_ref().ok()?;
        let (name, user) = (&head.name, &head.created_by.user);
        Some(CallableSnapshot { stem: &self.stem, own: self.own, id: &head.id, name, user })
    }
}
