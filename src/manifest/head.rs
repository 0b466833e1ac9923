//! A manifest's head: what identifies a snapshot and whose it is, without its edits and its conversation.
//!
//! To find one snapshot, many are looked through. With heads, that takes only as long as reading their
//! files.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::attestation::Proofs;
use super::envelope::believed;
use super::{CreatedBy, Manifest, Secret};
use crate::base::digest::ObjectId;
use crate::base::error::Result;
use crate::base::ids::{ClientId, SnapshotId};
use crate::base::paths::NativePath;
use crate::base::timestamp::Timestamp;

/// What tells a snapshot from others.
#[derive(Clone, Debug, Deserialize)]
pub struct Head {
    format: u32,
    #[serde(default)]
    requires: Vec<String>,
    /// Its identity.
    pub id: SnapshotId,
    /// What the person called it.
    pub name: String,
    /// When it was saved.
    pub created_at: Timestamp,
    /// Who and what saved it.
    pub created_by: CreatedBy,
    /// The hash of the state that it holds.
    pub state: ObjectId,
    workspace: WorkspaceFields,
    session: Option<SessionFields>,
    /// The secrets that were taken out of it.
    #[serde(default)]
    pub secrets: Vec<Secret>,
    /// Whether it is a safety snapshot.
    #[serde(default, deserialize_with = "is_there")]
    pub safety: bool,
    /// What vouches for it.
    #[serde(skip)]
    pub proofs: Proofs,
}

#[derive(Clone, Debug, Deserialize)]
struct WorkspaceFields {
    root: NativePath,
}

#[derive(Clone, Debug, Deserialize)]
struct SessionFields {
    id: ClientId,
}

fn is_there<'de, D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<bool, D::Error> {
    Ok(Option::<serde::de::IgnoredAny>::deserialize(deserializer)?.is_some())
}

impl Head {
    /// Reads it from a whole manifest; the rest is skipped, and believed by its checksum alone.
    ///
    /// # Errors
    /// As [`Manifest::from_json`].
    pub fn from_json(json: &[u8]) -> Result<Head> {
        let head: Head = believed(json, |head: &Head| (head.format, &head.requires))?;
        Ok(Head { proofs: Proofs::of(json), ..head })
    }

    /// Takes it from a manifest that was read.
    pub fn of(manifest: &Manifest) -> Head {
        Head {
            format: manifest.format,
            requires: manifest.requires.clone(),
            id: manifest.id.clone(),
            name: manifest.name.clone(),
            created_at: manifest.created_at,
            created_by: manifest.created_by.clone(),
            state: manifest.state,
            workspace: WorkspaceFields { root: manifest.workspace.root.clone() },
            session: manifest.session.as_ref().map(|session| SessionFields { id: session.id.clone() }),
            secrets: manifest.secrets.clone(),
            safety: manifest.safety.is_some(),
            proofs: manifest.proofs.clone(),
        }
    }

    /// Returns the root of the work tree that it is of.
    pub fn root(&self) -> &NativePath {
        &self.workspace.root
    }

    /// Returns the client's id of its session.
    pub fn session(&self) -> Option<&ClientId> {
        self.session.as_ref().map(|session| &session.id)
    }
}

/// How an object is named in a manifest that was written here.
const OBJECT: &[u8] = b"\"object\": \"";

/// Returns the objects that a manifest names, as far as they are written the way they are here: no text in it can look
/// like that, as its quotes are escaped.
pub fn named_objects(json: &[u8]) -> BTreeSet<ObjectId> {
    let behind = memchr::memmem::find_iter(json, OBJECT).map(|at| at + OBJECT.len());
    let name = |at: usize| ObjectId::parse(std::str::from_utf8(json.get(at..at + 64)?).ok()?);
    behind.filter_map(name).collect()
}
