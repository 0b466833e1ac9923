//! How many files differ: counted, not shown.

use std::collections::BTreeSet;
use std::io;

use super::{Detail, Loader, with_work_tree};
use crate::base::error::Result;
use crate::base::paths::RepoPath;
use crate::diff::{End, FileHeader, Options, Show, Sink};
use crate::manifest::Manifest;
use crate::workspace::Workspace;

/// What became of a work tree since a snapshot.
pub struct ChangedSince {
    /// How many files differ.
    pub files: usize,
    /// The untracked files that are in no snapshot, as a save leaves them out.
    pub left_out: Vec<RepoPath>,
    /// Whether other paths are staged, which is no change of a file.
    pub staged_differs: bool,
    /// The submodules whose folders are gone, which is none either.
    pub submodules_gone: Vec<RepoPath>,
}

/// Counts the files that differ between a snapshot and the work tree as it is now, and lists those untracked ones that it lacks
/// because a save leaves them out; `left_out` says which those are.
///
/// # Errors
/// As [`with_work_tree`], and what the store or the disk says.
pub fn changed_since(
    workspace: &Workspace,
    snapshot: &Manifest,
    left_out: impl FnOnce(Vec<RepoPath>) -> Result<BTreeSet<RepoPath>>,
) -> Result<ChangedSince> {
    let mut counter = Counter(0);
    let mut loader = Loader::new(workspace, Options::default(), Detail::Names);
    let now = with_work_tree(workspace, snapshot)?;
    let left_out = left_out(now.untracked)?;
    for item in now.items.into_iter().filter(|item| !left_out.contains(item.path())) {
        loader.show(item, &mut counter)?;
    }
    Ok(ChangedSince {
        files: counter.0,
        left_out: left_out.into_iter().collect(),
        staged_differs: now.staged_differs,
        submodules_gone: now.submodules_gone,
    })
}

struct Counter(usize);

impl Sink for Counter {
    fn open(&mut self, _old: u64, _new: u64, _heading: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn context(&mut self, _line: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn change(&mut self, _removed: &[&[u8]], _added: &[&[u8]]) -> io::Result<()> {
        Ok(())
    }

    fn close(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Show for Counter {
    fn start(&mut self, _file: FileHeader) -> io::Result<()> {
        self.0 += 1;
        Ok(())
    }

    fn finish(&mut self, _end: End) -> io::Result<()> {
        Ok(())
    }

    fn text(&mut self, _line: &[u8]) -> io::Result<()> {
        Ok(())
    }
}
