//! Tests: what a commit has of paths is what `git ls-tree` says.

use std::collections::{BTreeMap, BTreeSet};

use super::status_here_tests::{open, run};
use crate::base::paths::RepoPath;
use crate::sys::files::scratch_folder;

/// Names that sort between a folder and what is in it, in bytes or as git sorts trees.
const MADE: &str = "git init -q -b main .; mkdir -p a/x.y a.b a-b deep/er/est deep/er.est; \
     for file in a/x a/x.y/z a/x2 a.b/x a-b/x b deep/er/est/f deep/er/f deep/er.est/f deep/f; do echo $file > $file; done; \
     chmod +x b; ln -s b link; git add -A; \
     git update-index --add --cacheinfo 160000,aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,a/sub; git commit -qm one";

/// What is not there: a folder, what would be in a file or in a submodule, and names beside others.
const MISSING: [&str; 9] =
    ["a", "a.b", "a/none", "a/sub/f", "a/x/w", "b/w", "deep/er/none/f", "deep/none/f", "zzz/none"];

#[test]
fn what_a_commit_has_of_each_path_is_what_git_says_in_whatever_folders_they_are() {
    let folder = scratch_folder().expect("a folder");
    let root = folder.path().canonicalize().expect("its path");
    run(MADE, &root);
    let listed = run("git ls-tree -r --format='%(objectmode) %(objectname) %(path)' HEAD", &root);
    let listed: BTreeMap<String, String> = listed
        .lines()
        .map(|line| {
            let (facts, path) = line.rsplit_once(' ').expect("three words");
            (path.to_owned(), facts.to_owned())
        })
        .collect();
    assert_eq!(listed.len(), 12);
    let repository = open(&root);
    let head = run("git rev-parse HEAD", &root);
    let path = |name: &str| RepoPath::new(name.as_bytes()).expect("a path");
    let all: BTreeSet<RepoPath> = listed.keys().map(String::as_str).chain(MISSING).map(path).collect();
    let known = |found: &super::TreeVersions, asked: &BTreeSet<RepoPath>| -> BTreeMap<String, String> {
        let versions = asked.iter().filter_map(|path| Some((path, found.version(path)?)));
        versions.map(|(path, it)| (path.to_string(), format!("{} {}", it.mode.octal(), it.oid))).collect()
    };
    let found = repository.blobs().tree_versions(head.trim(), &all).expect("found without git");
    assert_eq!(known(&found, &all), listed);
    // One at a time, nothing is known of the folders before.
    for path in &all {
        let one = BTreeSet::from([path.clone()]);
        let found = repository.blobs().tree_versions(head.trim(), &one).expect("found without git");
        assert_eq!(known(&found, &one).get(&path.to_string()), listed.get(&path.to_string()), "{path}");
    }
}
