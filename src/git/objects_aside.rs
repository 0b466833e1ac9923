//! A repository whose new objects are written into a scratch folder and deleted with it: for what is only computed.
//!
//! A plan compares and merges contents that no commit and no index has. They have no business in the user's repository:
//! git would keep them for weeks, and a secret may be among them. Git reads both places, and writes into the scratch one.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Repository;
use crate::base::error::Result;
use crate::sys::files::{ScratchFolder, scratch_folder};

/// The variables that say where git writes objects, and where else it reads them.
pub(super) const WRITTEN: &str = "GIT_OBJECT_DIRECTORY";
pub(super) const READ_TOO: &str = "GIT_ALTERNATE_OBJECT_DIRECTORIES";

/// A folder for objects that nobody keeps.
pub(super) struct ObjectsAside {
    folder: ScratchFolder,
    real: PathBuf,
}

impl ObjectsAside {
    /// Returns the folder.
    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the environment that makes git write there.
    pub(super) fn environment(&self) -> [(&'static str, OsString); 2] {
        [(WRITTEN, self.path().into()), (READ_TOO, quoted(&self.real))]
    }
}

impl Repository {
    /// Returns the same repository, but that its new objects are gone with the value that is returned.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] if there is no room for a scratch folder.
    pub fn with_objects_aside(&self) -> Result<Repository> {
        let aside = ObjectsAside { folder: scratch_folder()?, real: self.common_dir.join("objects") };
        let git = self.git.with_objects_in(Arc::new(aside));
        let (root, git_dir) = (self.root.clone(), self.git_dir.clone());
        Ok(Repository { git, root, git_dir, common_dir: self.common_dir.clone(), hash: self.hash })
    }

    /// Returns the list of the folders that have its objects, for a git that writes elsewhere.
    pub(super) fn object_folders(&self) -> OsString {
        let mut list = quoted(&self.common_dir.join("objects"));
        if let Some(aside) = &self.git.objects {
            list.push(":");
            list.push(quoted(aside.path()));
        }
        list
    }
}

/// Returns a path as git takes it in a list of folders: one that holds a separator, or begins with a quote, is quoted.
fn quoted(path: &Path) -> OsString {
    let bytes = path.as_os_str().as_bytes();
    if !bytes.contains(&b':') && !bytes.starts_with(b"\"") {
        return path.into();
    }
    let mut quoted = vec![b'"'];
    for byte in bytes {
        if matches!(byte, b'"' | b'\\') {
            quoted.push(b'\\');
        }
        quoted.push(*byte);
    }
    quoted.push(b'"');
    OsStr::from_bytes(&quoted).to_owned()
}
