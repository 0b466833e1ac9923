//! Base versions that came with a snapshot: the content that its edits were made from, for a repository that
//! lacks its base commit.
//!
//! `bases/ID.json` is beside a snapshot whose manifest never changes, and names objects like any other. It
//! is an extra: the snapshot is complete without it, and it is removed with the snapshot.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Store;
use crate::base::error::{Error, Kind, Result};
use crate::base::ids::SnapshotId;
use crate::manifest::{LARGEST_MANIFEST, Manifest, ObjectRef};
use crate::sys::files::{self, Existing};
use crate::sys::place::OwnPath;

const FORMAT: u32 = 1;

/// The blobs that a snapshot's edits were made from, by their ids, each with its object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bases(pub BTreeMap<String, ObjectRef>);

#[derive(Serialize, Deserialize)]
struct BasesFile {
    format: u32,
    versions: Vec<BaseVersion>,
}

#[derive(Serialize, Deserialize)]
struct BaseVersion {
    oid: String,
    #[serde(flatten)]
    object: ObjectRef,
}

impl Bases {
    /// Returns the ids of the blobs that a snapshot's edits were made from.
    pub fn wanted(manifest: &Manifest) -> BTreeSet<&str> {
        let edits = manifest.edited_files().iter();
        let versions = edits.filter_map(|edit| edit.diffed_against());
        versions.filter(|version| !version.is_submodule()).map(|version| version.oid.as_str()).collect()
    }

    /// Writes them as JSON; the same ones give the same bytes.
    ///
    /// # Errors
    /// [`Kind::Bug`]: every value here can be written.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        let version =
            |(oid, object): (&String, &ObjectRef)| BaseVersion { oid: oid.clone(), object: *object };
        let file = BasesFile { format: FORMAT, versions: self.0.iter().map(version).collect() };
        let mut json = serde_json::to_vec(&file)
            .map_err(|error| Error::new(Kind::Bug, "The base versions can't be written").because(error))?;
        json.push(b'\n');
        Ok(json)
    }

    /// Reads the base versions of a snapshot, and nothing that is not one.
    ///
    /// # Errors
    /// [`Kind::NewerFormat`] or [`Kind::Damaged`].
    pub fn from_json(json: &[u8], manifest: &Manifest) -> Result<Bases> {
        let damaged = |cause: String| {
            Error::new(Kind::Damaged, "The base versions can't be used")
                .because(cause)
                .hint("the snapshot itself may be sound: ask for it without base versions")
        };
        let file: BasesFile = serde_json::from_slice(json).map_err(|error| damaged(error.to_string()))?;
        if file.format > FORMAT {
            return Err(Error::new(Kind::NewerFormat, "A later version of snap wrote the base versions")
                .because(format!("their format is {}, this version reads up to {FORMAT}", file.format))
                .hint("install the newest `claude-snap`"));
        }
        let wanted = Bases::wanted(manifest);
        let mut bases = BTreeMap::new();
        for version in file.versions {
            let in_order = bases.last_key_value().is_none_or(|(last, _)| *last < version.oid);
            if !in_order || !wanted.contains(version.oid.as_str()) {
                return Err(damaged(format!("{:?} does not belong there", version.oid)));
            }
            bases.insert(version.oid, version.object);
        }
        Ok(Bases(bases))
    }
}

impl Store {
    /// Reads the base versions that came with a snapshot; `None` if none came. They can be none at all, where each edit adds a
    /// file.
    ///
    /// # Errors
    /// As [`Bases::from_json`], and [`Kind::Environment`] with the path.
    pub fn bases(&self, manifest: &Manifest) -> Result<Option<Bases>> {
        match self.bases_place(&manifest.id).read(LARGEST_MANIFEST)? {
            Some(json) => Bases::from_json(&json, manifest).map(Some),
            None => Ok(None),
        }
    }

    /// Stores the list of base versions beside a snapshot that is about to be published. Their objects
    /// exist already.
    pub(super) fn publish_bases(&self, id: &SnapshotId, bases: &Bases) -> Result<()> {
        self.bases_folder().make_folder()?;
        files::publish(&self.tmp(), &self.bases_place(id), &bases.to_json()?, Existing::Replace)?;
        self.bases_folder().sync()
    }

    pub(super) fn bases_folder(&self) -> OwnPath {
        self.at("bases")
    }

    pub(super) fn bases_place(&self, id: &SnapshotId) -> OwnPath {
        self.bases_folder().join(bases_name(id))
    }
}

/// Returns the name of the file with a snapshot's base versions.
pub(super) fn bases_name(id: &SnapshotId) -> String {
    format!("{id}.json")
}
