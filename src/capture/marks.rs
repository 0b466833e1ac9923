//! The marks that hide edits from git: looked through once, kept as one list.

use std::collections::BTreeSet;

use crate::base::error::Result;
use crate::base::paths::RepoPath;
use crate::git::Index;
use crate::manifest::{Mark, Marks};
use crate::sys::work_tree::Tree;
use crate::sys::work_tree::absent::Absent;

/// What is marked.
#[derive(Default)]
pub(super) struct MarkedPaths {
    /// The list of it.
    pub(super) list: Vec<u8>,
    /// The files that a sparse checkout leaves out: there is nothing to read.
    pub(super) left_out: BTreeSet<RepoPath>,
}

/// Looks through all that is tracked.
pub(super) fn look(tree: &Tree, index: &Index) -> Result<MarkedPaths> {
    let mut marked = MarkedPaths::default();
    if index.entries().all(|entry| entry.hidden.is_none()) {
        return Ok(marked);
    }
    let mut absent = Absent::new(tree);
    let mut files = Vec::new();
    for entry in index.entries() {
        let mut mark = None;
        if let (Some(by), Ok(path)) = (entry.hidden, RepoPath::new(entry.path)) {
            let left_out = by.skips_work_tree() && absent.is(&path)?;
            mark = Some(Mark { by, left_out });
            if left_out {
                marked.left_out.insert(path);
            }
        }
        files.push((entry.path, mark));
    }
    marked.list = Marks::list(&files);
    Ok(marked)
}
