//! What a manifest says of the things beside the edits: which of them existed, not their content.

use serde::{Deserialize, Serialize};

use crate::base::digest::ObjectId;
use crate::base::paths::RepoPath;

/// What was in the work tree beside its edits.
///
/// Its content is not in the snapshot. It is known so that a rewind leaves it alone, whatever the rules are then.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Surroundings {
    /// What was ignored; absent if that was too much to be listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignored: Option<IgnoredPaths>,
    /// Where that was too much: a hash of the ignore rules that are in no file of the tree
    /// (`info/exclude`, `core.excludesFile`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules_outside: Option<ObjectId>,
    /// Folders that had nothing in them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub empty_folders: Vec<RepoPath>,
    /// Pipes, sockets and devices.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub special: Vec<RepoPath>,
    /// The patterns of the sparse checkout, if it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sparse: Option<Sparse>,
    /// Settings of the clone that say how its files were written.
    #[serde(default, skip_serializing_if = "WrittenBy::is_usual")]
    pub written_by: WrittenBy,
}

impl Surroundings {
    /// Says whether something stood in the place of a path, or of a folder that it is in, that no snapshot holds.
    pub fn cover(&self, path: &RepoPath) -> bool {
        self.ignored.as_ref().is_some_and(|ignored| ignored.cover(path)) || self.had_no_file(path)
    }

    /// Says whether that was a pipe, a socket or a device.
    pub fn had_no_file(&self, path: &RepoPath) -> bool {
        self.special.iter().any(|special| path.is_in(special))
    }
}

/// Which part of the tree a sparse checkout has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Sparse {
    /// Whether the patterns are folders (`core.sparseCheckoutCone`).
    pub cone: bool,
    /// The patterns, as `git sparse-checkout list` gives them.
    pub patterns: Vec<String>,
}

/// Settings of a clone that say how git writes its files; what is absent is as usual.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct WrittenBy {
    /// `core.autocrlf`, if it is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autocrlf: Option<String>,
    /// `core.eol`, if it is not `native`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eol: Option<String>,
    /// Whether links were written as plain files (`core.symlinks` is off).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_links: bool,
}

impl WrittenBy {
    fn is_usual(&self) -> bool {
        *self == WrittenBy::default()
    }

    /// Says whether line ends are written in the same way.
    pub fn same_line_ends(&self, other: &WrittenBy) -> bool {
        self.autocrlf == other.autocrlf && self.eol == other.eol
    }

    /// Says whether every value is one that git has; another one would be told to git.
    pub fn is_known(&self) -> bool {
        let known =
            |value: &Option<String>, all: &[&str]| value.as_deref().is_none_or(|value| all.contains(&value));
        known(&self.autocrlf, &["true", "yes", "on", "1", "input"])
            && known(&self.eol, &["lf", "crlf", "native"])
    }
}

/// Ignored files, and folders that are ignored as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
