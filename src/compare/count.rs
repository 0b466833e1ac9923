//! How many files differ: counted, not shown.

use std::collections::BTreeSet;
use std::io;

use super::{Detail, Loader, with_work_tree};
use crate::base::error::Result;
use crate::base::paths::RepoPath;
use crate::diff::{ChangeKind, End, FileHeader, Options, Show, Sink};
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
    let mut files = 0;
    let mut loader = Loader::new(workspace, Options::default(), Detail::Names);
    let now = with_work_tree(workspace, snapshot)?;
    let left_out = left_out(now.untracked)?;
    for item in now.items.into_iter().filter(|item| !left_out.contains(item.path())) {
        let mut differs = Differs(false);
        loader.show(item, &mut differs)?;
        files += usize::from(differs.0);
    }
    Ok(ChangedSince {
        files,
        left_out: left_out.into_iter().collect(),
        staged_differs: now.staged_differs,
        submodules_gone: now.submodules_gone,
    })
}

/// Whether a file that is shown differs: a large one is shown before that is known.
struct Differs(bool);

impl Sink for Differs {
    fn open(&mut self, _old: u64, _new: u64, _heading: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn context(&mut self, _line: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn change(&mut self, _removed: &[&[u8]], _added: &[&[u8]]) -> io::Result<()> {
        self.0 = true;
        Ok(())
    }

    fn close(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Show for Differs {
    fn start(&mut self, file: FileHeader) -> io::Result<()> {
        self.0 |= file.kind != ChangeKind::Modified || file.old_mode != file.new_mode;
        Ok(())
    }

    fn finish(&mut self, end: End) -> io::Result<()> {
        self.0 |= end.binary || end.missing || end.note.is_some();
        Ok(())
    }

    fn text(&mut self, _line: &[u8]) -> io::Result<()> {
        Ok(())
    }
}
