//! Whether the disk takes two names for one: by default, those of macOS do not tell upper from lower case.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use rustix::fs::{self as sys, AtFlags};

use super::Tree;
use crate::base::paths::RepoPath;
use crate::sys::stat::file_id;

impl Tree {
    /// Returns two of these paths that would be one on this disk, or that lead through folders that would be.
    pub fn same_names<'a>(&self, paths: impl Iterator<Item = &'a RepoPath>) -> Option<(RepoPath, RepoPath)> {
        if self.folds_case() { differ_in_case(paths) } else { None }
    }

    /// Looks for git's own folder under the same name in other letters.
    fn folds_case(&self) -> bool {
        let place = |name| sys::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW).ok().as_ref().map(file_id);
        place(".git").is_some_and(|git| place(".GIT") == Some(git))
    }
}

fn differ_in_case<'a>(paths: impl Iterator<Item = &'a RepoPath>) -> Option<(RepoPath, RepoPath)> {
    let mut known: BTreeMap<Vec<String>, RepoPath> = BTreeMap::new();
    for path in paths {
        for name in path.above().chain([path.clone()]) {
            match known.entry(name.folded().collect::<Vec<_>>()) {
                Entry::Vacant(room) => drop(room.insert(name)),
                Entry::Occupied(other) if *other.get() == name => {}
                Entry::Occupied(other) => return Some((other.get().clone(), name)),
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_only_in_case_are_found_in_folders_too() {
        for (paths, wanted) in [
            (&["a", "b", "c/a", "c/b"][..], None),
            (&["README", "src/x", "Readme"], Some(("README", "Readme"))),
            (&["lib/one", "Lib/two"], Some(("lib", "Lib"))),
            (&["fi", "\u{fb01}"], Some(("fi", "\u{fb01}"))),
            (&["\u{c4}rger", "\u{e4}rger"], Some(("\u{c4}rger", "\u{e4}rger"))),
        ] {
            let all: Vec<RepoPath> =
                paths.iter().map(|path| RepoPath::new(path.as_bytes()).expect("a path")).collect();
            let found = differ_in_case(all.iter());
            let found = found.as_ref().map(|(one, other)| (one.to_string(), other.to_string()));
            let wanted = wanted.map(|(one, other): (&str, &str)| (one.to_owned(), other.to_owned()));
            assert_eq!(found, wanted, "{paths:?}");
        }
    }

    #[test]
    fn a_disk_that_tells_case_apart_has_no_same_names() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join(".git")).expect("a folder");
        let tree = Tree::open(folder.path()).expect("a tree");
        let both = ["A", "a"].map(|path| RepoPath::new(path.as_bytes()).expect("a path"));
        // The disk that the tests run on may be of either kind.
        let folds = folder.path().join(".GIT").exists();
        assert_eq!(tree.same_names(both.iter()).is_some(), folds);
    }
}
