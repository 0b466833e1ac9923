//! What commits hold: versions of paths, differences between two.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;

use super::Repository;
use crate::base::error::Result;
use crate::base::paths::RepoPath;
use crate::manifest::{Mode, Version};

/// How many paths go on one command line.
const AT_ONCE: usize = 500;

/// What a commit has of some paths.
#[derive(Default)]
pub struct TreeVersions {
    pub(super) versions: BTreeMap<RepoPath, Version>,
}

impl TreeVersions {
    /// Returns the file, link or submodule at a path.
    pub fn version(&self, path: &RepoPath) -> Option<&Version> {
        self.versions.get(path)
    }
}

impl Repository {
    /// Returns what a commit (`None`: nothing yet) has of each path.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with what git says.
    pub fn tree_versions(&self, commit: Option<&str>, paths: &BTreeSet<RepoPath>) -> Result<TreeVersions> {
        let mut found = TreeVersions::default();
        let Some(commit) = commit else { return Ok(found) };
        if let Some(found) = self.blobs().tree_versions(commit, paths) {
            return Ok(found);
        }
        let all: Vec<&OsStr> = paths.iter().map(|path| path.as_path().as_os_str()).collect();
        for some in all.chunks(AT_ONCE) {
            let mut arguments: Vec<&OsStr> =
                ["ls-tree", "-z", "--full-tree", commit, "--"].map(OsStr::new).to_vec();
            arguments.extend_from_slice(some);
            let answer = self.git.demand(&arguments)?;
            for record in answer.stdout.split(|byte| *byte == 0) {
                // MODE TYPE OID\tPATH
                let Some(tab) = record.iter().position(|byte| *byte == b'\t') else { continue };
                let facts = String::from_utf8_lossy(&record[..tab]).into_owned();
                let Ok(path) = RepoPath::new(&record[tab + 1..]) else { continue };
                let words: Vec<&str> = facts.split(' ').collect();
                if let [mode, _, oid] = words.as_slice()
                    && let Some(mode) = Mode::from_octal(mode)
                {
                    found.versions.insert(path, Version { oid: (*oid).to_owned(), mode });
                }
            }
        }
        Ok(found)
    }

    /// Leaves out of these changes what a commit (`None`: nothing yet) has just so.
    ///
    /// # Errors
    /// As [`Repository::tree_versions`].
    pub fn missing_in(
        &self,
        commit: Option<&str>,
        mut changes: Vec<(RepoPath, Option<Version>)>,
    ) -> Result<Vec<(RepoPath, Option<Version>)>> {
        let paths = changes.iter().map(|(path, _)| path.clone()).collect();
        let committed = self.tree_versions(commit, &paths)?;
        changes.retain(|(path, version)| committed.version(path) != version.as_ref());
        Ok(changes)
    }

    /// Returns the folders at the top of what HEAD has; none before the first commit.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] if git can't be run.
    pub fn top_folders(&self) -> Result<BTreeSet<Vec<u8>>> {
        let answer = self.git.run(&["ls-tree", "-d", "-z", "--name-only", "--full-tree", "HEAD"])?;
        let names = answer.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty());
        Ok(if answer.ok { names.map(<[u8]>::to_vec).collect() } else { BTreeSet::new() })
    }

    /// Returns the paths that differ between two commits; `None` stands for an empty one.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with what git says.
    pub fn changed_between(&self, old: Option<&str>, new: Option<&str>) -> Result<Vec<RepoPath>> {
        if old == new {
            return Ok(Vec::new());
        }
        let empty = self.git.demand_with(&["hash-object", "-t", "tree", "--stdin"], &[], &[])?;
        let empty = String::from_utf8_lossy(&empty.stdout).trim().to_owned();
        let tree = |commit: Option<&str>| commit.map_or_else(|| empty.clone(), |id| format!("{id}^{{tree}}"));
        // With the last of them, git has no reason to read a `.gitmodules` that may be in conflict.
        let options = ["diff-tree", "-r", "-z", "--name-only", "--no-renames", "--ignore-submodules=none"];
        let answer = self.git.demand(&[&options[..], &[&tree(old), &tree(new)]].concat())?;
        Ok(answer.stdout.split(|byte| *byte == 0).filter_map(|path| RepoPath::new(path).ok()).collect())
    }
}
