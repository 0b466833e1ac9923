//! Where else there is something of what is gone for good: a person who wanted a secret out of the store has to know.
//!
//! Looked at are the versions of edited files, which are named by their content, and safety snapshots, which name what was
//! restored. Conversations are not: each later snapshot of a session holds the earlier part of it.

use std::collections::BTreeSet;

use crate::base::ids::SnapshotId;
use crate::manifest::Manifest;
use crate::store::{Store, UnreadEntry};

/// What snapshots held that are gone.
#[derive(Default)]
pub(super) struct Held {
    ids: BTreeSet<SnapshotId>,
    versions: BTreeSet<String>,
}

impl Held {
    pub(super) fn add(&mut self, manifest: &Manifest) {
        self.ids.insert(manifest.id.clone());
        self.versions.extend(versions(manifest).map(str::to_owned));
    }
}

fn versions(manifest: &Manifest) -> impl Iterator<Item = &str> {
    let edits = manifest.edits.iter().flat_map(|edits| &edits.files);
    edits.flat_map(|edit| edit.saved_versions()).map(|saved| saved.version.oid.as_str())
}

/// Returns those of these snapshots that hold a version that the others held, or name one of them.
pub(super) fn also_in<'e>(
    store: &Store,
    held: &Held,
    kept: impl Iterator<Item = (&'e UnreadEntry, &'e str)>,
) -> Vec<String> {
    if held.ids.is_empty() {
        return Vec::new();
    }
    let has = |manifest: &Manifest| {
        let names = manifest.safety.as_ref().is_some_and(|safety| held.ids.contains(&safety.restores));
        names || versions(manifest).any(|oid| held.versions.contains(oid))
    };
    let kept = kept.filter(|(one, _)| store.whole(one).as_ref().is_some_and(has));
    kept.map(|(_, called)| called.to_owned()).collect()
}
