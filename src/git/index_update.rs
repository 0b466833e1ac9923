//! The new index of a restore, made without git where that is surely the same.
//!
//! Git looks at every file of the work tree to find out which ones are as the index says. Here it is known of the files
//! that were just put in place, and nothing else changes.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::index::{IndexChanges, IndexEntry, IndexLock};
use super::index_file::{self, FileInPlace, NewEntry};
use super::{Index, Repository};
use crate::base::error::{IoContext as _, Result};
use crate::base::paths::RepoPath;

impl IndexLock<'_> {
    /// Makes the new index beside the present one; `false` if only git can.
    pub(super) fn make_without_git(
        &self,
        index: &Index,
        entries: &[(RepoPath, IndexEntry)],
        changes: &IndexChanges,
        files: &[FileInPlace<'_>],
        to: &Path,
    ) -> Result<bool> {
        let repository = self.repository();
        if !changes.marks.is_empty() || repository.has_sparse_checkout() {
            return Ok(false);
        }
        // Nobody else writes it: this has the lock.
        let place = repository.git_dir.join("index");
        let Ok(present) = place.metadata() else { return Ok(false) };
        let known: BTreeMap<&RepoPath, &FileInPlace<'_>> =
            files.iter().map(|file| (file.path, file)).collect();
        let mut new = BTreeMap::new();
        for (path, entry) in entries {
            let entry = match entry {
                IndexEntry::Absent => NewEntry::Nothing,
                IndexEntry::Blob(version) if !version.is_submodule() => {
                    let same = known.get(path).filter(|file| file.version == version);
                    match same.map(|file| file.facts.as_ref()) {
                        Some(None) => return Ok(false),
                        facts => NewEntry::Version(version, facts.flatten()),
                    }
                }
                IndexEntry::Blob(_) | IndexEntry::IntentToAdd(_) | IndexEntry::Unmerged(_) => {
                    return Ok(false);
                }
            };
            new.insert(path.as_bytes(), entry);
        }
        let Some(made) = index_file::with(index, present.mtime(), repository.hash, &new) else {
            return Ok(false);
        };
        // Git itself has to say of a file that it converts whether that is what the index has.
        if !repository.compares_bytes(files, index)? {
            return Ok(false);
        }
        std::fs::File::create_new(to)
            .and_then(|mut file| {
                file.write_all(&made)?;
                file.set_permissions(present.permissions())
            })
            .context("write", to)
            .map(|()| true)
    }
}

impl Repository {
    /// Says whether patterns say which files are in the work tree.
    pub(super) fn has_sparse_checkout(&self) -> bool {
        self.git_dir.join("info/sparse-checkout").exists()
    }
}
