//! What a manifest says of the things beside the edits: that they were there, not what is in them.

use serde::{Deserialize, Serialize};

use crate::paths::RepoPath;

/// What was in the work tree and is none of git's business.
///
/// None of it is in the snapshot. It is known so that a rewind leaves it alone, whatever the rules are then.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Around {
    /// What was ignored; absent if that was too much to be listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignored: Option<IgnoredPaths>,
    /// Folders that had nothing in them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub empty_folders: Vec<RepoPath>,
}

/// Ignored files, and folders that are ignored as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IgnoredPaths {
    /// Files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<RepoPath>,
    /// Folders; each stands for all that was in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub folders: Vec<RepoPath>,
}

impl IgnoredPaths {
    /// Says whether a file was among them, or in a folder that was.
    pub fn cover(&self, path: &RepoPath) -> bool {
        self.files.contains(path) || self.folders.iter().any(|folder| path == folder || path.is_in(folder))
    }
}
