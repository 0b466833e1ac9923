//! A scratch folder that a program works in for long.
//!
//! It is locked as long as the program lives. So the next program removes what one that was killed has left.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use super::environment::temporary_files;
use super::files::{ScratchFolder, scratch_folder_called};
use super::locks::FolderLock;
use super::process::effective_user;
use crate::base::error::Result;

/// How the names of such folders begin.
const PREFIX: &str = "snap-live-";

/// A younger one may not be locked yet.
const YOUNGEST: Duration = Duration::from_secs(60);

/// A private folder that goes with this value, or with the next one after the program was killed.
pub struct LastingScratch {
    folder: ScratchFolder,
    _lock: Option<FolderLock>,
}

impl LastingScratch {
    /// Makes one in the system's place for temporary files, and removes those that killed programs have left there.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with the path.
    pub fn make() -> Result<LastingScratch> {
        let above = temporary_files();
        remove_left(&above);
        let folder = scratch_folder_called(PREFIX)?;
        let lock = FolderLock::wait(folder.path(), Duration::ZERO)?;
        Ok(LastingScratch { folder, _lock: lock })
    }

    /// Returns its path.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes the folders of this user that no program works in. Where folders can't be locked, nobody can tell.
fn remove_left(above: &Path) {
    let named = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().starts_with(PREFIX);
    for folder in fs::read_dir(above).into_iter().flatten().flatten().filter(named) {
        let path = folder.path();
        let is_left = path.symlink_metadata().is_ok_and(|meta| {
            let age = meta.modified().ok().and_then(|modified| modified.elapsed().ok());
            meta.is_dir() && meta.uid() == effective_user() && age.is_some_and(|age| age > YOUNGEST)
        });
        if is_left && let Ok(Some(_lock)) = FolderLock::wait(&path, Duration::ZERO) {
            let _best_effort = fs::remove_dir_all(&path);
        }
    }
}
