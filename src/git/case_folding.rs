//! Whether the work tree's disk distinguishes upper and lower case, whatever the configuration says.
//!
//! A repository that came from a disk that does not tells git to ignore case (`core.ignorecase`). On a disk
//! that does, git then hides a path whose name differs from a tracked one only in case.

use super::Repository;

/// What makes git take two names for two.
const APART: &[&str] = &["-c", "core.ignorecase=false"];

impl Repository {
    /// Returns the options for a command that lists or changes paths.
    pub(super) fn as_the_disk_has_case(&self) -> &'static [&'static str] {
        if self.tells_case_apart() { APART } else { &[] }
    }

    /// Looks for a name that is there under the same name in other letters.
    fn tells_case_apart(&self) -> bool {
        use std::os::unix::fs::MetadataExt as _;
        let place =
            |path: std::path::PathBuf| path.symlink_metadata().ok().map(|meta| (meta.dev(), meta.ino()));
        let root = place(self.root.join(".git")).map(|one| (one, place(self.root.join(".GIT"))));
        // A work tree that is named by its repository has no `.git`.
        let known =
            root.or_else(|| Some((place(self.git_dir.join("config"))?, place(self.git_dir.join("CONFIG")))));
        known.is_some_and(|(one, other)| other != Some(one))
    }
}
