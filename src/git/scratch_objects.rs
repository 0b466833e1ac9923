//! Objects that git makes only to look at a sparse checkout: written to a scratch folder, and deleted.
//!
//! When a sparse index is read as a whole one, or a whole one as a sparse one, git computes trees and writes
//! those that are missing. A save must add nothing to the repository.

use std::ffi::OsString;

use super::Repository;
use super::objects_aside::{READ_TOO, WRITTEN};
use crate::base::error::{Error, Result};
use crate::manifest::Sparse;
use crate::sys::files::{ScratchFolder, scratch_folder};

/// A folder for such objects, where there may be any.
pub(super) struct Aside {
    folder: Option<ScratchFolder>,
    objects: OsString,
}

/// The most bytes of patterns that are looked at.
const MOST_PATTERNS: usize = 64 << 10;

impl Repository {
    /// Returns which part of the tree the checkout has; `None` if it has all of it, or says very much about it.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] if git can't be run.
    pub fn sparse(&self) -> Result<Option<Sparse>> {
        if !self.git_dir.join("info/sparse-checkout").exists() {
            return Ok(None);
        }
        let list = self.git.run(&["-c", "core.quotePath=false", "sparse-checkout", "list"])?;
        if !list.ok || list.stdout.len() > MOST_PATTERNS {
            return Ok(None);
        }
        let cone = self.git.run(&["config", "--type=bool", "--get", "core.sparseCheckoutCone"])?;
        let patterns = String::from_utf8_lossy(&list.stdout).lines().map(str::to_owned).collect();
        // Cone mode is git's default.
        Ok(Some(Sparse { cone: !cone.stdout.starts_with(b"false"), patterns }))
    }

    /// Says whether this is a sparse checkout in which git shows the edits of files that are there although they
    /// are marked as left out.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] if git can't be run.
    pub fn shows_present(&self) -> Result<bool> {
        if !self.git_dir.join("info/sparse-checkout").exists() {
            return Ok(false);
        }
        let is_on = |name: &str| {
            let answer = self.git.run(&["config", "--type=bool", "--get", name])?;
            Ok::<bool, Error>(answer.stdout.starts_with(b"true"))
        };
        Ok(is_on("core.sparseCheckout")? && !is_on("sparse.expectFilesOutsideOfPatterns")?)
    }

    /// Makes the folder, if the checkout is or was a sparse one.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with the path.
    pub(super) fn objects_aside(&self) -> Result<Aside> {
        let sparse = self.git_dir.join("info/sparse-checkout").exists();
        let folder = if sparse { Some(scratch_folder()?) } else { None };
        Ok(Aside { folder, objects: self.object_folders() })
    }
}

impl Aside {
    /// Returns the environment that makes git write there.
    pub(super) fn environment(&self) -> Vec<(&'static str, OsString)> {
        let Some(folder) = &self.folder else { return Vec::new() };
        vec![(WRITTEN, folder.path().into()), (READ_TOO, self.objects.clone())]
    }
}
