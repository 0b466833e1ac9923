//! What is in the work tree and not git's business: named, never read.

use std::collections::BTreeSet;

use crate::base::error::Result;
use crate::base::paths::RepoPath;
use crate::git::{Ignored, Repository};
use crate::manifest::{IgnoredPaths, Surroundings};
use crate::sys::work_tree::{NoFiles, Tree, is_staging};
use crate::workspace::OwnFolders;

/// The most ignored paths that are listed. Beyond, rules alone say what was ignored.
const MOST_IGNORED: usize = 2_000;

/// The most empty folders that are listed, and the most pipes, sockets and devices.
const MOST_NO_FILES: usize = 1_000;

/// Lists it, given what git ignores.
pub(super) fn look(
    repository: &Repository,
    tree: &Tree,
    own: &OwnFolders,
    ignored: &[Ignored],
) -> Result<Surroundings> {
    let is_ours = |path: &RepoPath| own.hold(path) || is_staging(path);
    let others = || ignored.iter().filter(|entry| !is_ours(&entry.path));
    let paths = |folder: bool| {
        let mut paths: Vec<RepoPath> =
            others().filter(|entry| entry.folder == folder).map(|entry| entry.path.clone()).collect();
        paths.sort();
        paths
    };
    let listed = others().count() <= MOST_IGNORED;
    let lists = listed.then(|| IgnoredPaths { files: paths(false), folders: paths(true) });
    let folders: BTreeSet<RepoPath> = paths(true).into_iter().collect();
    let skip = |path: &RepoPath| folders.contains(path) || is_ours(path);
    let NoFiles { empty_folders, special } = tree.no_files(skip, MOST_NO_FILES);
    Ok(Surroundings {
        ignored: lists,
        rules_outside: if listed { None } else { Some(repository.rules_outside()?) },
        empty_folders,
        special,
        sparse: repository.sparse()?,
        written_by: repository.written_by()?,
    })
}
