//! Empty folders that a restore puts something into: they stay when it is undone or rolled back.

use std::collections::BTreeSet;

use crate::base::paths::RepoPath;
use crate::sys::work_tree::{FolderState, Tree};

/// Returns the empty folders in which these paths will be the first, sorted.
pub(in crate::restore) fn filled<'a>(
    tree: &Tree,
    paths: impl Iterator<Item = &'a RepoPath>,
) -> Vec<RepoPath> {
    let parents: BTreeSet<RepoPath> = paths.filter_map(|path| path.above().last()).collect();
    let mut found = BTreeSet::new();
    for parent in parents {
        let nearest_first = parent.above().chain([parent.clone()]).collect::<Vec<_>>().into_iter().rev();
        let there = nearest_first.map(|folder| (tree.folder_state(&folder), folder));
        let mut there = there.skip_while(|(state, _)| *state == FolderState::None);
        if let Some((FolderState::Empty, folder)) = there.next() {
            found.insert(folder);
        }
    }
    found.into_iter().collect()
}
