//! Whether tracked files are in the work tree: for very many files, in the order of their paths.
//!
//! A sparse checkout leaves out whole folders. For the files in them, nothing has to be asked.

use std::path::PathBuf;

use crate::base::error::Result;
use crate::base::paths::RepoPath;
use crate::sys::work_tree::Tree;

/// Looks for files, and remembers the last folder that was not there.
pub struct Absent<'a> {
    tree: &'a Tree,
    folder: Option<PathBuf>,
}

impl<'a> Absent<'a> {
    /// Starts looking.
    pub fn new(tree: &'a Tree) -> Absent<'a> {
        Absent { tree, folder: None }
    }

    /// Says whether neither a file nor a link is at a path.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with the path.
    pub fn is(&mut self, path: &RepoPath) -> Result<bool> {
        let place = self.tree.absolute(path);
        if self.folder.as_ref().is_some_and(|folder| place.starts_with(folder)) {
            return Ok(true);
        }
        if self.tree.size(path)?.is_some() {
            return Ok(false);
        }
        let above = place.ancestors().skip(1).take_while(|above| *above != self.tree.path());
        let gone = above.take_while(|above| {
            above.symlink_metadata().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
        });
        self.folder = gone.last().map(PathBuf::from).or_else(|| self.folder.take());
        Ok(true)
    }
}
