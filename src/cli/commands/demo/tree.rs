//! Everything of a demo's work tree, to be compared with what it is later or elsewhere.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::stage::Stage;
use crate::base::error::{IoContext as _, Result};
use crate::base::screen::Line;

/// What is no part of the work tree: the repository, and what snap and the client keep.
const APART: [&str; 2] = [".git", ".claude"];

/// A work tree's files, and what git says of it and of its index.
#[derive(PartialEq, Eq)]
pub(super) struct Tree {
    files: BTreeMap<PathBuf, FileState>,
    status: Vec<u8>,
}

/// One file's content, or where a link leads; and whether it can be run.
#[derive(PartialEq, Eq)]
struct FileState {
    content: Vec<u8>,
    is_link: bool,
    runs: bool,
}

impl Tree {
    /// Reads all of it.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] if a file can't be read or git fails.
    pub(super) fn read(stage: &Stage<'_>, root: &Path) -> Result<Tree> {
        let mut files = BTreeMap::new();
        collect(root, root, &mut files)?;
        // With the ids of what is in the index.
        let status =
            stage.output(root, &["git", "status", "--porcelain=v2", "-z", "--untracked-files=all"])?;
        Ok(Tree { files, status })
    }

    /// Returns how many files there are.
    pub(super) fn files(&self) -> usize {
        self.files.len()
    }

    /// Says what is different in another one, if anything is.
    pub(super) fn first_difference(&self, other: &Tree) -> Option<String> {
        let paths = self.files.keys().chain(other.files.keys());
        let differs = |path: &&PathBuf| self.files.get(*path) != other.files.get(*path);
        let path = paths.into_iter().find(differs);
        let path = path.map(|path| format!("{} differs", Line(&path.to_string_lossy())));
        path.or((self.status != other.status).then(|| "the index differs".to_owned()))
    }
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<PathBuf, FileState>) -> Result<()> {
    for entry in fs::read_dir(folder).context("read", folder)? {
        let entry = entry.context("read", folder)?;
        let path = entry.path();
        let kind = entry.file_type().context("read", &path)?;
        if APART.iter().any(|name| path == root.join(name)) {
            continue;
        }
        if kind.is_dir() {
            collect(root, &path, files)?;
            continue;
        }
        let content = if kind.is_symlink() {
            fs::read_link(&path).map(|to| to.as_os_str().as_bytes().to_vec())
        } else {
            fs::read(&path)
        };
        let content = content.context("read", &path)?;
        let mode = path.symlink_metadata().context("read", &path)?.permissions().mode();
        let runs = kind.is_file() && mode & 0o100 != 0;
        let name = path.strip_prefix(root).unwrap_or(&path).to_owned();
        files.insert(name, FileState { content, is_link: kind.is_symlink(), runs });
    }
    Ok(())
}
