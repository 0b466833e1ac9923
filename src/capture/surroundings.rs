//! What is in the work tree and not git's business: named, never read.

use std::collections::BTreeSet;

use crate::base::error::Result;
use crate::base::paths::RepoPath;
use crate::git::{Ignored, Repository};
use crate::manifest::{Around, Edits, IgnoredPaths};
use crate::sys::work_tree::{Below, Node, Tree, is_staging};
use crate::workspace::OwnFolders;

/// The most ignored paths that are listed. Beyond, rules alone say what was ignored.
const MOST_IGNORED: usize = 2_000;

/// The most empty folders that are listed.
const MOST_EMPTY: usize = 1_000;

/// Returns what is ignored in folders that have taken the place of tracked files. Git does not list it. Everything else in
/// such a folder is among the edits.
pub(super) fn in_place_of_files(tree: &Tree, edits: &Edits) -> Vec<Ignored> {
    let edited: BTreeSet<&RepoPath> = edits.files.iter().map(|edit| &edit.path).collect();
    let mut ignored = Vec::new();
    for gone in edits.files.iter().filter(|edit| edit.new.is_none()) {
        if !matches!(tree.read(&gone.path), Ok(Node::Folder)) {
            continue;
        }
        match tree.files_below(&gone.path, MOST_IGNORED, |_| false) {
            Ok(Below::Files(files, _)) => {
                let files = files.into_iter().filter(|path| !edited.contains(path));
                ignored.extend(files.map(|path| Ignored { path, folder: false }));
            }
            // It can't be listed file by file, so all of it is left alone.
            Ok(Below::TooMany | Below::Other(_)) | Err(_) => {
                ignored.push(Ignored { path: gone.path.clone(), folder: true });
            }
        }
    }
    ignored
}

/// Lists it, given what git ignores.
pub(super) fn look(
    repository: &Repository,
    tree: &Tree,
    own: &OwnFolders,
    ignored: &[Ignored],
) -> Result<Around> {
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
    let empty_folders = tree.empty_folders(skip, MOST_EMPTY);
    Ok(Around {
        ignored: lists,
        rules_outside: if listed { None } else { Some(repository.rules_outside()?) },
        empty_folders,
        sparse: repository.sparse()?,
        written_by: repository.written_by()?,
    })
}
