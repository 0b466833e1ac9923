//! Whether the work tree's disk distinguishes upper and lower case, whatever the configuration says.
//!
//! A repository that came from a disk that does not tells git to ignore case (`core.ignorecase`). On a disk
//! that does, git then hides a path whose name differs from a tracked one only in case. But what the rules of the repository
//! ignore is what git says by that setting: both are asked for then.

use std::collections::BTreeSet;

use super::{Listing, Repository, Status};
use crate::base::error::Result;
use crate::base::paths::RepoPath;

/// What makes git take two names for two.
const APART: &[&str] = &["-c", "core.ignorecase=false"];

impl Repository {
    /// Returns the options for a command that lists or changes paths.
    pub(super) fn as_the_disk_has_case(&self) -> &'static [&'static str] {
        if self.tells_case_apart() { APART } else { &[] }
    }

    /// Says whether git would hide paths for a setting that does not suit the disk.
    pub(super) fn hides_by_case(&self) -> Result<bool> {
        let here = self.settings_here().and_then(|settings| settings.value("core.ignorecase"));
        let is_set = match here {
            Some(value) => value.is_some_and(|value| value != "false"),
            None => self.git.run(&["config", "--type=bool", "core.ignorecase"])?.stdout.starts_with(b"true"),
        };
        Ok(is_set && self.tells_case_apart())
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

impl Listing {
    /// Adds what only a listing shows that tells case apart, and what is not ignored by the rules of this one.
    pub(super) fn add_hidden_by_case(&mut self, apart: Listing) {
        let known: BTreeSet<RepoPath> = self.pending.iter().map(|one| one.path.clone()).collect();
        let is_ignored = |path: &RepoPath| self.ignored.iter().any(|ignored| path.is_in(&ignored.path));
        let more = apart.pending.into_iter().filter(|one| {
            let is_new = matches!(one.status, Status::Untracked | Status::NestedRepository);
            is_new && !known.contains(&one.path) && !is_ignored(&one.path)
        });
        let more: Vec<_> = more.collect();
        self.pending.extend(more);
    }
}
