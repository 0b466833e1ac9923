//! What differs between two commits, for comparing snapshots with different bases.

use super::Repository;
use crate::base::error::Result;
use crate::base::paths::RepoPath;
use crate::manifest::{Mode, Version};

/// A path that differs between two commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The path.
    pub path: RepoPath,
    /// In the old commit; `None` if it is not there.
    pub old: Option<Version>,
    /// In the new commit; `None` if it is not there.
    pub new: Option<Version>,
}

impl Repository {
    /// Returns the files, links and submodules that differ between two commits, with both their
    /// versions.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with what git says, such as that a commit is not here.
    pub fn versions_between(&self, old: &str, new: &str) -> Result<Vec<Changed>> {
        // As for the names alone: git has no reason to read a `.gitmodules` that may be in conflict.
        let options =
            ["diff-tree", "-r", "-z", "--no-renames", "--ignore-submodules=none", "--end-of-options"];
        let answer = self.git.demand(&[&options[..], &[old, new]].concat())?;
        let mut records = answer.stdout.split(|byte| *byte == 0);
        let mut changed = Vec::new();
        while let (Some(facts), Some(path)) = (records.next(), records.next()) {
            // :MODE MODE OID OID LETTER
            let facts = String::from_utf8_lossy(facts);
            let words: Vec<&str> = facts.trim_start_matches(':').split(' ').collect();
            let ([old_mode, new_mode, old, new, _], Ok(path)) = (words.as_slice(), RepoPath::new(path))
            else {
                continue;
            };
            let version = |mode: &str, oid: &str| {
                Mode::from_octal(mode).map(|mode| Version { oid: oid.to_owned(), mode })
            };
            changed.push(Changed { path, old: version(old_mode, old), new: version(new_mode, new) });
        }
        Ok(changed)
    }
}
