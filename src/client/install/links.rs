//! Saved moments in the client's folders, as sessions of their own that can be found by their title.
//!
//! `$C/snap/links/SESSION.json` lists the files of each one, as they were written. A link is removed only
//! while all of it is untouched. Once somebody has continued it, it is a session like any other.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use crate::base::error::{Error, Kind, Result};
use crate::base::ids::{ClientId, SnapshotId};
use crate::base::paths::RepoPath;
use crate::client::{ClientHome, Placed};
use crate::sys::files::{self, Existing};
use crate::sys::place::{OwnPath, Root};

/// A list of a session's files over this size is none.
const LARGEST: u64 = 16 << 20;

/// One link.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Link {
    /// The session.
    pub id: ClientId,
    /// What the client calls it.
    pub title: String,
    /// The snapshot that it was made from.
    pub snapshot: SnapshotId,
    /// The store of that snapshot.
    pub store: PathBuf,
    /// Whether it moves on to the newest snapshot.
    pub follows: bool,
    /// Its files, the transcript last.
    files: Vec<WrittenFile>,
}

/// A file as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct WrittenFile {
    /// Below the client's folder.
    path: RepoPath,
    size: u64,
    modified: u128,
}

impl ClientHome {
    fn link_folder(&self) -> OwnPath {
        self.own_folder().join("links")
    }

    fn link_place(&self, id: &ClientId) -> OwnPath {
        self.link_folder().join(format!("{id}.json"))
    }

    /// Returns the links of all stores; what can't be read is none.
    ///
    /// # Errors
    /// [`Kind::Environment`] if the folder is there but can't be read.
    pub fn links(&self) -> Result<Vec<Link>> {
        let mut links = Vec::new();
        for name in self.link_folder().names()? {
            let json = self.link_folder().join(name).read(LARGEST).ok().flatten().unwrap_or_default();
            links.extend(serde_json::from_slice::<Link>(&json).ok());
        }
        Ok(links)
    }

    /// Returns the links to snapshots of one store.
    ///
    /// # Errors
    /// As [`ClientHome::links`].
    pub fn links_to(&self, store: &Path) -> Result<Vec<Link>> {
        Ok(self.links()?.into_iter().filter(|link| link.store == store).collect())
    }

    /// Writes down that a session that was just installed is a link.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn keep_link(
        &self,
        placed: &Placed,
        id: &ClientId,
        title: &str,
        snapshot: &SnapshotId,
        store: &Path,
        follows: bool,
    ) -> Result<()> {
        let mut files = Vec::new();
        for path in placed.paths()? {
            let Some(written) = self.written(&path)? else { continue };
            files.push(written);
        }
        let link = Link {
            id: id.clone(),
            title: title.to_owned(),
            snapshot: snapshot.clone(),
            store: store.to_owned(),
            follows,
            files,
        };
        let json = serde_json::to_vec_pretty(&link)
            .map_err(|error| Error::new(Kind::Bug, "A link can't be written").because(error))?;
        self.link_folder().make_folder()?;
        files::publish(&self.link_folder(), &self.link_place(id), &json, Existing::Replace).map(|_new| ())
    }

    fn written(&self, path: &RepoPath) -> Result<Option<WrittenFile>> {
        let Some(found) = self.place_of(path).stat()? else { return Ok(None) };
        let modified = found.modified.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        Ok(Some(WrittenFile { path: path.clone(), size: found.size, modified }))
    }

    /// Returns the place of a session's file, reached through real folders only, below `projects`,
    /// `tasks` and the like, which may be links of the user's own.
    fn place_of(&self, path: &RepoPath) -> OwnPath {
        let mut parts = path.as_path().components();
        let kind = parts.next().map(|kind| kind.as_os_str()).unwrap_or_default();
        Root::own(&self.config().join(kind)).at(parts.as_path())
    }

    /// Says whether nobody touched the session since it was linked.
    fn is_untouched(&self, link: &Link) -> Result<bool> {
        for file in &link.files {
            if self.written(&file.path)?.as_ref() != Some(file) {
                return Ok(false);
            }
        }
        Ok(!link.files.is_empty())
    }

    /// Removes a link. Also removes its session, unless somebody continued it. Returns whether the
    /// session was removed.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn unlink(&self, link: &Link) -> Result<bool> {
        let untouched = self.is_untouched(link)? && self.live_session(&link.id)?.is_none();
        if untouched {
            // The transcript first: without it, the client does not list the session.
            for file in link.files.iter().rev() {
                self.place_of(&file.path).remove()?;
            }
            for file in &link.files {
                let mut folder = self.place_of(&file.path).folder();
                while !folder.name().is_empty() && folder.remove_empty() {
                    folder = folder.folder();
                }
            }
        }
        self.link_place(&link.id).remove()?;
        Ok(untouched)
    }

    /// Says whether a transcript is that of a link which still waits: no work of anybody's.
    pub(in crate::client) fn waits(&self, transcript: &Path) -> bool {
        let id = transcript.file_stem().and_then(|stem| stem.to_str()).and_then(ClientId::parse);
        let Some(place) = id.map(|id| self.link_place(&id)).filter(OwnPath::exists) else { return false };
        let json = place.read(LARGEST).ok().flatten().unwrap_or_default();
        let link: Option<Link> = serde_json::from_slice(&json).ok();
        link.is_some_and(|link| self.is_untouched(&link).unwrap_or(false))
    }
}
