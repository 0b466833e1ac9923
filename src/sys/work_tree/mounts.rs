//! Other disks inside a work tree (volumes of a container, bind mounts): no file can be renamed across their
//! edge.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{self as sys, AtFlags};

use super::{Missing, Tree};
use crate::base::error::Result;
use crate::base::paths::RepoPath;
use crate::sys::disk;
use crate::sys::stat::file_id;

impl Tree {
    /// Says whether a path is a mount: it can't be replaced or removed.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with the path.
    pub fn is_mount(&self, path: &RepoPath) -> Result<bool> {
        Ok(self.walk(path, Missing::Stop)?.is_some_and(|(folder, name)| is_mount(&folder, name)))
    }

    /// Returns the innermost mount around each of these paths.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with the path.
    pub fn mounts_above<'a>(&self, paths: impl Iterator<Item = &'a RepoPath>) -> Result<BTreeSet<RepoPath>> {
        let mut known: std::collections::BTreeMap<RepoPath, bool> = std::collections::BTreeMap::new();
        let mut mounts = BTreeSet::new();
        for path in paths {
            let above: Vec<RepoPath> = path.above().collect();
            for folder in above.into_iter().rev() {
                let is_mount = match known.get(&folder) {
                    Some(known) => *known,
                    None => {
                        let is_mount = self.is_mount(&folder)?;
                        known.insert(folder.clone(), is_mount);
                        is_mount
                    }
                };
                if is_mount {
                    mounts.insert(folder);
                    break;
                }
            }
        }
        Ok(mounts)
    }

    /// Returns two of the folders above these paths that are the same folder, as when one is
    /// bind-mounted to the other.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with the path.
    pub fn same_folders<'a>(
        &self,
        paths: impl Iterator<Item = &'a RepoPath>,
    ) -> Result<Option<(RepoPath, RepoPath)>> {
        let folders: BTreeSet<RepoPath> = paths.flat_map(RepoPath::above).collect();
        let mut known = std::collections::BTreeMap::new();
        for folder in folders {
            let Some(stat) = self.folder(&folder)?.and_then(|folder| sys::fstat(&folder).ok()) else {
                continue;
            };
            if let Some(other) = known.insert(file_id(&stat), folder.clone()) {
                return Ok(Some((other, folder)));
            }
        }
        Ok(None)
    }

    /// Opens a folder; `None` if there is none.
    pub(super) fn folder(&self, path: &RepoPath) -> Result<Option<OwnedFd>> {
        let Some((parent, name)) = self.walk(path, Missing::Stop)? else { return Ok(None) };
        Ok(sys::openat(&parent, name, super::FOLDER, sys::Mode::empty()).ok())
    }
}

fn is_mount(parent: impl AsFd, name: &OsStr) -> bool {
    if let Some(known) = disk::is_mount(&parent, name) {
        return known;
    }
    match (sys::fstat(&parent), sys::statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW)) {
        (Ok(above), Ok(below)) => above.st_dev != below.st_dev,
        _ => false,
    }
}
