//! The lock under which snapshots and objects are added, and the state of what is being added.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock};

use serde::{Deserialize, Serialize};

use crate::base::digest::ObjectId;
use crate::base::error::Result;
use crate::manifest::ObjectRef;
use crate::sys::files::{Draft, Existing};
use crate::sys::locks::SharedLock;
use crate::sys::parallel::{held, wait_for_each};
use crate::sys::place::OwnPath;

/// An object, with the hash of its compressed bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FramedObject {
    /// The object.
    pub object: ObjectRef,
    /// The BLAKE3 hash of its file.
    pub frame: ObjectId,
}

/// Permission to add to the store; any number of them at a time.
pub struct AddLock {
    /// Objects that are written, but neither synced nor named yet. They are before the lock, which must
    /// outlast them.
    pub(super) unnamed: Mutex<BTreeMap<ObjectId, Unnamed>>,
    pub(super) _lock: SharedLock,
    /// Folders with new names in them, to be made durable before the manifest.
    pub(super) dirty: Mutex<BTreeMap<PathBuf, OwnPath>>,
    /// Objects that a published manifest names, once that was asked. Since then their names are
    /// durable.
    pub(super) published: OnceLock<BTreeSet<ObjectId>>,
}

impl AddLock {
    /// Makes all objects durable that were written under it, and their names. Publishing a snapshot does it too.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with the path.
    pub fn sync(&self) -> Result<()> {
        self.name_objects()?;
        wait_for_each(std::mem::take(&mut *held(&self.dirty)).into_values().collect(), |folder| folder.sync())
    }

    /// Notes that a folder has new names in it.
    pub(super) fn touched(&self, folder: OwnPath) {
        held(&self.dirty).insert(folder.path(), folder);
    }

    /// Syncs the objects that have no name yet, all together, and gives them theirs. Publishing a snapshot does it too.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with the path.
    pub fn name_objects(&self) -> Result<()> {
        // Held, so that nobody opens more of them meanwhile than may wait.
        let mut unnamed = held(&self.unnamed);
        let all = std::mem::take(&mut *unnamed).into_values().collect();
        wait_for_each(all, |Unnamed { draft, place, existing, .. }| {
            draft.seal()?.publish(&place, existing).map(drop)
        })
    }
}

/// An object that is written, but neither synced nor named yet.
pub(super) struct Unnamed {
    pub(super) draft: Draft,
    pub(super) place: OwnPath,
    pub(super) existing: Existing,
    /// The hash of what is in the draft.
    pub(super) frame: ObjectId,
}
