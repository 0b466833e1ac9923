//! Whether paths hold anything that is in no commit: asked before they are overwritten.

use std::ffi::OsStr;
use std::path::Path;

use super::Repository;
use crate::base::error::Result;

/// With more paths than this, the whole work tree is asked about.
const MOST_ASKED: usize = 500;

impl Repository {
    /// Says of one file whether git lists it: tracked and edited (`true`) or untracked (`false`).
    ///
    /// `None` for a file that is as committed, ignored, or outside the work tree.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with what git says.
    pub fn unsaved(&self, path: &Path) -> Result<Option<bool>> {
        Ok(self.listed_at(std::slice::from_ref(&path))?.first().map(|kind| *kind != b'?'))
    }

    /// Says whether git lists anything at these paths or below them: edited or untracked.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with what git says.
    pub fn any_unsaved(&self, paths: &[&Path]) -> Result<bool> {
        let whole = [self.root.as_path()];
        let paths = if paths.len() > MOST_ASKED { &whole } else { paths };
        Ok(!self.listed_at(paths)?.is_empty())
    }

    /// Returns what git lists at paths.
    fn listed_at(&self, paths: &[&Path]) -> Result<Vec<u8>> {
        let status = ["status", "--porcelain=v2", "-z", "--untracked-files=all", "--no-renames"];
        let status = self.as_the_disk_has_case().iter().chain(&status);
        let mut arguments: Vec<&OsStr> = status.map(|word| (*word).as_ref()).collect();
        arguments.extend(["--ignore-submodules=dirty", "--"].map(OsStr::new));
        arguments.extend(paths.iter().map(|path| path.as_os_str()));
        Ok(self.run_status(&arguments, &[])?.answer.stdout)
    }
}
