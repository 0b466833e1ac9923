//! Damaged parts: rebuilt from content that is proven to be the same, or put into quarantine. Never deleted.
//!
//! Owns `damaged/` in the store. While a manifest is there, it may need any object, so the sweep removes
//! none.

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{AddLock, DeleteLock, Store, manifest_name, pin_name};
use crate::base::digest::ObjectId;
use crate::base::error::{Error, Kind, Result};
use crate::base::ids::SnapshotId;
use crate::base::screen::{Line, cut, for_shell};
use crate::manifest::{LARGEST_MANIFEST, Manifest, ObjectRef};
use crate::sys::files::{self, Existing};
use crate::sys::place::{OwnPath, Shape};

/// A snapshot whose manifest was set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// Its name, as that of the file says it.
    pub name: String,
    /// Where the manifest is now, and a second copy of it.
    pub files: Vec<PathBuf>,
    /// Why it can't be read.
    pub why: String,
}

impl Quarantined {
    /// Says what it is, where, and why.
    pub fn told(&self) -> String {
        let place =
            self.files.first().map(|path| Line(&path.to_string_lossy()).to_string()).unwrap_or_default();
        format!("its manifest is in quarantine, as {place}: {}", cut(&self.why, 300))
    }

    /// Says what gets it back, and what removes it.
    pub fn mend(&self) -> String {
        let files: Vec<String> = self.files.iter().map(|path| for_shell(&path.to_string_lossy())).collect();
        let remove = if self.files.iter().any(|path| path.is_dir()) { "rm -r" } else { "rm" };
        format!(
            "`snap pull REMOTE NAME` (`snap list --remote` lists names) or `snap import FILE` brings a copy from elsewhere; \
             `{remove} {}` removes what is left here",
            files.join(" ")
        )
    }
}

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
    /// did. For who holds a lock of the store.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn heal_manifest(&self, stem: &str) -> Result<bool> {
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

    /// Sets a manifest that can't be read aside, with its pin; returns where all that is now, the manifest first.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn set_manifest_aside(&self, _lock: &DeleteLock, stem: &str) -> Result<Vec<PathBuf>> {
        let place = self.manifest_place(stem);
        if !place.exists() || !matches!(self.read(stem), Err(error) if error.kind() == Kind::Damaged) {
            return Ok(Vec::new());
        }
        let mut aside = vec![self.set_aside(&place)?];
        for name in [manifest_name(stem), pin_name(stem)] {
            for left in [self.second_name(&name), self.at(&name)] {
                if left.exists() {
                    aside.push(self.set_aside(&left)?);
                }
            }
        }
        Ok(aside)
    }

    /// Returns the snapshots whose manifests were set aside, and still are, in the order of their names; but for those that are here
    /// again, whole.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn manifests_aside(&self) -> Result<Vec<Quarantined>> {
        let names = self.damaged().names()?.into_iter().filter_map(|name| name.into_string().ok());
        let mut stems: Vec<String> =
            names.filter_map(|name| stem_of_manifest(&name).map(str::to_owned)).collect();
        // The second copy of one has a longer name.
        stems.sort_by_key(|stem| (stem.len(), stem.clone()));
        let here = if stems.is_empty() { BTreeMap::new() } else { self.ids_here()? };
        let mut all: Vec<(Quarantined, Option<Vec<u8>>)> = Vec::new();
        for stem in stems {
            let place = self.damaged().join(manifest_name(&stem));
            let json = place.read(LARGEST_MANIFEST);
            let why = match &json {
                Err(error) => error.to_string(),
                Ok(None) => continue,
                Ok(Some(json)) if self.is_here_again(json, &here) => continue,
                Ok(Some(json)) => match Manifest::from_json(json) {
                    Err(error) => error.to_string(),
                    Ok(_) => "it could not be read in its place".to_owned(),
                },
            };
            let json = json.ok().flatten();
            let is_copy_of = |(other, its): &&mut (Quarantined, Option<Vec<u8>>)| {
                let number = stem.strip_prefix(other.name.as_str()).and_then(|rest| rest.strip_prefix('-'));
                number.is_some_and(|number| number.parse::<u32>().is_ok()) && *its == json
            };
            match all.iter_mut().find(is_copy_of) {
                Some((other, _)) => other.files.push(place.path()),
                None => all.push((Quarantined { name: stem, files: vec![place.path()], why }, json)),
            }
        }
        let mut all: Vec<Quarantined> = all.into_iter().map(|(aside, _)| aside).collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(all)
    }

    /// Sets the journal of a restore aside that nobody works on and that can't be read.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn set_journal_aside(&self, _lock: &DeleteLock, journal: &OwnPath) -> Result<PathBuf> {
        self.set_aside(journal)
    }

    /// Says whether a manifest was set aside, and still is: it may need any object, unless its snapshot is here again, whole.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn has_manifests_aside(&self) -> Result<bool> {
        let names = self.damaged().names()?;
        let mut aside =
            names.iter().filter(|name| stem_of_manifest(&name.to_string_lossy()).is_some()).peekable();
        if aside.peek().is_none() {
            return Ok(false);
        }
        let here = self.ids_here()?;
        let is_lost = |name: &OsString| match self.damaged().join(Path::new(name)).read(LARGEST_MANIFEST) {
            Ok(Some(json)) => !self.is_here_again(&json, &here),
            Ok(None) => false,
            Err(_) => true,
        };
        Ok(aside.any(is_lost))
    }

    /// Returns the ids of the snapshots that can be read, each with its stem.
    fn ids_here(&self) -> Result<BTreeMap<SnapshotId, String>> {
        let known = self.known()?;
        Ok(known
            .iter()
            .filter_map(|one| Some((one.head.as_ref().ok()?.id.clone(), one.stem.clone())))
            .collect())
    }

    /// Says whether the snapshot of what is left of a manifest is here again, and needs all that this needs. An id alone proves
    /// nothing: anybody can write it into another manifest.
    fn is_here_again(&self, left: &[u8], here: &BTreeMap<SnapshotId, String>) -> bool {
        let left = String::from_utf8_lossy(left);
        let Some(stem) = id_of(&left).and_then(|id| here.get(&id)) else { return false };
        let Ok(whole) = self.manifest_bytes(stem) else { return false };
        let whole: HashSet<ObjectId> = objects_in(&String::from_utf8_lossy(&whole)).collect();
        objects_in(&left)
            .all(|object| whole.contains(&object) || matches!(self.object_place(object).stat(), Ok(None)))
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

    /// Writes what was a part of a file into `damaged/`, under the file's own name or one like it.
    pub(super) fn put_aside(&self, name: &str, bytes: &[u8]) -> Result<PathBuf> {
        let folder = self.damaged();
        if folder.make_folder()? {
            self.at("").sync()?;
        }
        let (stem, end) = name.rsplit_once('.').unwrap_or((name, ""));
        for number in 1.. {
            let name = if number == 1 { name.to_owned() } else { format!("{stem}-{number}.{end}") };
            let aside = folder.join(name);
            if files::publish(&self.tmp(), &aside, bytes, Existing::Keep)? {
                folder.sync()?;
                return Ok(aside.path());
            }
        }
        Err(Error::new(Kind::Bug, "No free file name was found"))
    }

    /// Returns the files in quarantine with lines that were in the log.
    pub(super) fn logs_aside(&self) -> Result<Vec<OwnPath>> {
        let is_of_log = |name: &&OsString| {
            let name = name.to_string_lossy();
            name.starts_with("log") && name.ends_with(".jsonl")
        };
        Ok(self
            .damaged()
            .names()?
            .iter()
            .filter(is_of_log)
            .map(|name| self.damaged().join(Path::new(name)))
            .collect())
    }

    fn damaged(&self) -> OwnPath {
        self.at("damaged")
    }
}

/// Returns the id of what is left of a manifest: it is said early, before anything else that has one.
fn id_of(json: &str) -> Option<SnapshotId> {
    let (_, behind) = json.split_once("\"id\"")?;
    SnapshotId::parse(behind.split('"').nth(1)?)
}

/// Returns what may be the id of an object in what is left of a manifest.
fn objects_in(json: &str) -> impl Iterator<Item = ObjectId> {
    json.split('"').filter_map(ObjectId::parse)
}

/// Returns the name, without `.json`, of a file in quarantine that is a manifest.
fn stem_of_manifest(name: &str) -> Option<&str> {
    name.strip_suffix(".json").filter(|stem| !stem.starts_with("journal-"))
}
