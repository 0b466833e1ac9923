//! Publishing: a manifest gets its name, last of all.

use super::stems::stems_for;
use super::{AddLock, PATIENCE, Store, manifest_name};
use crate::base::error::{Error, Kind, Result};
use crate::manifest::{LARGEST_MANIFEST, Manifest};
use crate::store::UnreadEntry;
use crate::sys::files::{self, Existing};
use crate::sys::locks::ExclusiveLock;
use crate::sys::parallel::held;

impl Store {
    /// Publishes a snapshot under a free file name, last of all; its objects must be there.
    ///
    /// Returns the file name without `.json`.
    ///
    /// # Errors
    /// [`Kind::Refused`] if a snapshot has the name already, [`Kind::Environment`] with the path.
    pub fn publish(&self, lock: &AddLock, manifest: &Manifest) -> Result<String> {
        // Before its turn: whoever comes next, such as a hook, does not wait for these.
        lock.sync()?;
        let _publishing = self.publishing()?;
        self.refuse_taken(&manifest.name)?;
        let stem = self.publish_json(&manifest.name, &readable(manifest)?)?;
        held(&self.unpublished).clear();
        Ok(stem)
    }

    /// Puts a manifest in the place of that of the same snapshot, published before with less in it. Its objects must be there.
    /// Returns whether it was still as it is known: it may have been removed.
    ///
    /// # Errors
    /// As [`Store::publish`]; the other one is still there then.
    pub fn complete(&self, lock: &AddLock, known: &UnreadEntry, manifest: &Manifest) -> Result<bool> {
        lock.sync()?;
        let _publishing = self.publishing()?;
        if !self.is_still(known) {
            return Ok(false);
        }
        let name = manifest_name(&known.stem);
        files::publish(&self.tmp(), &self.at(&name), &readable(manifest)?, Existing::Replace)?;
        held(&self.unpublished).clear();
        self.at("").sync()?;
        self.shelter_again(&name);
        Ok(true)
    }

    /// Waits for its turn to publish: one at a time, or two could take one name.
    pub(super) fn publishing(&self) -> Result<ExclusiveLock> {
        ExclusiveLock::wait(&self.tmp().join("publish.lock"), PATIENCE)
    }

    /// Writes a manifest's bytes under a free file name for its name.
    pub(super) fn publish_json(&self, name: &str, json: &[u8]) -> Result<String> {
        for stem in stems_for(name) {
            if self.known()?.iter().any(|known| known.stem.eq_ignore_ascii_case(&stem)) {
                continue;
            }
            if files::publish(&self.tmp(), &self.manifest_place(&stem), json, Existing::Keep)? {
                self.at("").sync()?;
                self.shelter_file(&manifest_name(&stem));
                return Ok(stem);
            }
        }
        Err(Error::new(Kind::Bug, "No free file name was found for the snapshot"))
    }
}

/// Returns the bytes of a manifest. What can't be read back must not be acknowledged.
fn readable(manifest: &Manifest) -> Result<Vec<u8>> {
    let json = manifest.to_json()?;
    if json.len() as u64 > LARGEST_MANIFEST {
        return Err(Error::new(Kind::Refused, "The snapshot is too large to be saved")
            .because(format!("its manifest has {} bytes", json.len()))
            .hint("commit, ignore or stash some of the pending files first"));
    }
    Manifest::from_json(&json).map_err(|error| {
        Error::new(Kind::Bug, "The snapshot can't be saved: its manifest would not be readable")
            .because(&error)
    })?;
    Ok(json)
}
