//! What commits hold: versions of paths, differences between two, content as checked out.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;

use super::Repository;
use crate::error::Result;
use crate::manifest::{Mode, Version};
use crate::paths::RepoPath;

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
    /// [`crate::error::Kind::Environment`] with what git says.
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

    /// Returns the folders at the top of what HEAD has; none before the first commit.
    ///
    /// # Errors
    /// [`crate::error::Kind::Environment`] if git can't be run.
    pub fn top_folders(&self) -> Result<BTreeSet<Vec<u8>>> {
        let answer = self.git.run(&["ls-tree", "-d", "-z", "--name-only", "--full-tree", "HEAD"])?;
        let names = answer.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty());
        Ok(if answer.ok { names.map(<[u8]>::to_vec).collect() } else { BTreeSet::new() })
    }

    /// Returns the paths that differ between two commits; `None` stands for an empty one.
    ///
    /// # Errors
    /// [`crate::error::Kind::Environment`] with what git says.
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

    /// Returns a blob's bytes as a checkout writes them to a path: with line ends, encodings
    /// and filters as the repository's attributes and configuration say.
    ///
    /// # Errors
    /// [`crate::error::Kind::Environment`] with what git says.
    pub fn checked_out(&self, path: &RepoPath, oid: &str) -> Result<Vec<u8>> {
        let mut option = OsStr::new("--path=").to_owned();
        option.push(path.as_path());
        Ok(self
            .git
            .demand(&[OsStr::new("cat-file"), OsStr::new("--filters"), &option, OsStr::new(oid)])?
            .stdout)
    }

    /// Returns those of the paths whose content might be converted between blob and disk.
    ///
    /// # Errors
    /// [`crate::error::Kind::Environment`] with what git says.
    pub fn converted<'a>(&self, paths: &[&'a RepoPath]) -> Result<BTreeSet<&'a RepoPath>> {
        if paths.is_empty() {
            return Ok(BTreeSet::new());
        }
        let config = self.git.run(&["config", "--get-regexp", r"^core\.(autocrlf|eol)$"])?;
        if config.lines().iter().any(|line| !line.is_empty() && !line.ends_with(b" false")) {
            return Ok(paths.iter().copied().collect());
        }
        let mut input = Vec::new();
        for path in paths {
            input.extend_from_slice(path.as_bytes());
            input.push(0);
        }
        let names = ["text", "eol", "crlf", "filter", "ident", "working-tree-encoding"];
        let arguments: Vec<&str> = ["check-attr", "-z", "--stdin"].into_iter().chain(names).collect();
        let answer = self.git.demand_with(&arguments, &[], &input)?;
        // PATH \0 NAME \0 VALUE \0, once for each name.
        let fields: Vec<&[u8]> = answer.stdout.split(|byte| *byte == 0).collect();
        let set = |value: &[u8]| value != b"unspecified" && value != b"unset";
        let named = fields.chunks_exact(3).filter(|triple| set(triple[2])).map(|triple| triple[0]);
        let named: BTreeSet<&[u8]> = named.collect();
        Ok(paths.iter().copied().filter(|path| named.contains(path.as_bytes())).collect())
    }
}
