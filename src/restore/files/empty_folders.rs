//! Empty folders that a restore puts something into, or something in the place of: they stay, or come back, when it is undone.

use std::collections::BTreeSet;

use crate::base::paths::RepoPath;
use crate::sys::work_tree::{FolderState, Tree};

/// The most folders that are listed.
const MOST: usize = 1_000;

/// Returns the empty folders that go because one of these paths, which are to be files, is a folder now. Git lists none of them
/// if they are ignored.
pub(in crate::restore) fn displaced<'a>(
    tree: &Tree,
    paths: impl Iterator<Item = &'a RepoPath>,
) -> Vec<RepoPath> {
    let folders: Vec<&RepoPath> = paths.filter(|path| tree.folder_state(path) != FolderState::None).collect();
    if folders.is_empty() {
        return Vec::new();
    }
    let is_elsewhere =
        |place: &RepoPath| !folders.iter().any(|folder| place.is_in(folder) || folder.is_in(place));
    tree.no_files(is_elsewhere, MOST).empty_folders
}

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
