//! Paths that a restore leaves as they are, each with the reason.

use crate::base::paths::RepoPath;

/// Something that a restore leaves as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spared {
    /// Its path.
    pub path: RepoPath,
    /// Why.
    pub reason: &'static str,
}
