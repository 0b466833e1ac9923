//! Damaged parts: rebuilt from content that is proven to be the same, or put into quarantine. Never deleted.
//!
//! Owns `damaged/` in the store. While a manifest is there, it may need any object, so the sweep removes
//! none.

use std::path::PathBuf;

use super::{AddLock, DeleteLock, Store, manifest_name, pin_name};
use crate::base::digest::ObjectId;
use crate::base::error::{Error, Kind, Result};
use crate::manifest::{LARGEST_MANIFEST, Manifest, ObjectRef};
use crate::sys::files::{self, Existing};
use crate::sys::place::{OwnPath, Shape};

impl Store {
    /// Writes an object again whose content was found elsewhere, unless it is sound meanwhile. Returns
    /// whether it was written. The content must match the name.
    ///
    /// # Errors
    /// [`Kind::Damaged`] if it is not, [`Kind::Environment`] with the path.
    pub fn heal(&self, lock: &AddLock, object: &ObjectRef, raw: &[u8]) -> Result<bool> {
        if ObjectId::of(raw) != object.object || raw.len() as u64 != object.size {
            return Err(Error::new(Kind::Damaged, format!("Cannot put {} right", object.object))
                .because("the content that was found is different"));
        }
        if self.frame(object).is_ok() {
            return Ok(false);
        }
        self.put(lock, raw)?;
        lock.sync()?;
        Ok(true)
    }

    /// Repairs a manifest from its second name, if that has a sound copy of its own. Returns whether it
    /// did.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn heal_manifest(&self, _lock: &AddLock, stem: &str) -> Result<bool> {
        let name = manifest_name(stem);
        let second = self.second_name(&name);
        let Ok(Some(json)) = second.read(LARGEST_MANIFEST) else { return Ok(false) };
        if Manifest::from_json(&json).is_err() {
            return Ok(false);
        }
        let place = self.at(&name);
        if place.stat()?.is_some_and(|found| found.shape != Shape::File) {
            self.set_aside(&place)?;
        }
        files::publish(&self.tmp(), &place, &json, Existing::Replace)?;
        self.at("").sync()?;
        Ok(true)
    }

    /// Sets a damaged object aside, if there is anything of it; returns where it is now.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn set_object_aside(&self, _lock: &DeleteLock, object: &ObjectRef) -> Result<Option<PathBuf>> {
        let place = self.object_place(object.object);
        // A save may have written it anew meanwhile.
        if !place.exists() || self.frame(object).is_ok() {
            return Ok(None);
        }
        self.set_aside(&place).map(Some)
    }

    /// Sets a manifest that can't be read aside, with its pin; returns where it is now.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn set_manifest_aside(&self, _lock: &DeleteLock, stem: &str) -> Result<Option<PathBuf>> {
        let place = self.manifest_place(stem);
        if !place.exists() || !matches!(self.read(stem), Err(error) if error.kind() == Kind::Damaged) {
            return Ok(None);
        }
        let aside = self.set_aside(&place)?;
        for name in [manifest_name(stem), pin_name(stem)] {
            for left in [self.second_name(&name), self.at(&name)] {
                if left.exists() {
                    self.set_aside(&left)?;
                }
            }
        }
        Ok(Some(aside))
    }

    /// Sets the journal of a restore aside that nobody works on and that can't be read.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn set_journal_aside(&self, _lock: &DeleteLock, journal: &OwnPath) -> Result<PathBuf> {
        self.set_aside(journal)
    }

    /// Says whether a manifest was set aside, and still is: it may need any object.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn has_manifests_aside(&self) -> Result<bool> {
        let manifest = |name: &std::ffi::OsString| {
            let name = name.to_string_lossy();
            name.ends_with(".json") && !name.starts_with("journal-")
        };
        Ok(self.damaged().names()?.iter().any(manifest))
    }

    /// Moves a file of the store into `damaged/`, under its own name or one like it.
    fn set_aside(&self, place: &OwnPath) -> Result<PathBuf> {
        let folder = self.damaged();
        if folder.make_folder()? {
            self.at("").sync()?;
        }
        let path = place.path();
        let of_journal = path.parent().is_some_and(|parent| parent.ends_with("restoring"));
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let stem = if of_journal { format!("journal-{stem}") } else { stem };
        let end = path.extension().unwrap_or_default().to_string_lossy().into_owned();
        for number in 1.. {
            let name = if number == 1 { format!("{stem}.{end}") } else { format!("{stem}-{number}.{end}") };
            let aside = folder.join(name);
            if files::rename_new_in(place, &aside)? {
                folder.sync()?;
                place.folder().sync()?;
                return Ok(aside.path());
            }
        }
        Err(Error::new(Kind::Bug, "No free file name was found"))
    }

    fn damaged(&self) -> OwnPath {
        self.at("damaged")
    }
}
