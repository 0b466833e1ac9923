//! Which base version each new file goes on from (a rename) or repeats (a copy).
//!
//! By the id of the blob first, that on the disk or that in the index; then by likeness to a file
//! that is gone. Whatever is found here, the edit is made against it and checked when restored.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::base::digest::from_hex;
use crate::base::error::Result;
use crate::base::paths::RepoPath;
use crate::diff::renames::{self, RenameCandidate, Sketch};
use crate::git::{Blobs, Index, Pending, Status};
use crate::manifest::{Change, Origin, Version};

/// A file that the base does not have at its path.
pub(super) struct NewFile {
    pub(super) path: RepoPath,
    /// The blob ids of what is on the disk and of what is staged.
    pub(super) ids: Vec<String>,
    /// What it is like; `None` if it is too large to be compared.
    pub(super) sketch: Option<Sketch>,
}

type RenameFound = Option<(Change, Origin)>;

/// Finds for each new file the base version that it goes on from or repeats, if any. `gone` has
/// the base's files that are no longer on the disk.
pub(super) fn find(
    files: &[NewFile],
    gone: &[(RepoPath, Version)],
    index: &Index,
    bases: &BaseVersions,
    blobs: &mut Blobs<'_>,
) -> Result<Vec<RenameFound>> {
    let mut found: Vec<RenameFound> = files.iter().map(|_| None).collect();
    let mut left: BTreeMap<&RepoPath, &Version> =
        gone.iter().filter(|(_, old)| old.mode.is_file()).map(|(path, old)| (path, old)).collect();
    renamed_as_it_was(files, &mut left, &mut found);
    renamed_and_edited(files, &left, blobs, &mut found)?;
    copied(files, index, bases, &mut found);
    Ok(found)
}

fn renamed_as_it_was(files: &[NewFile], left: &mut BTreeMap<&RepoPath, &Version>, found: &mut [RenameFound]) {
    let mut by_id: BTreeMap<&str, Vec<&RepoPath>> = BTreeMap::new();
    for (path, version) in left.iter().rev() {
        by_id.entry(&version.oid).or_default().push(path);
    }
    for (file, found) in files.iter().zip(found) {
        if let Some(path) = file.ids.iter().find_map(|id| by_id.get_mut(id.as_str())?.pop())
            && let Some(version) = left.remove(path)
        {
            *found = Some((Change::Renamed, Origin { path: path.clone(), version: version.clone() }));
        }
    }
}

fn renamed_and_edited(
    files: &[NewFile],
    left: &BTreeMap<&RepoPath, &Version>,
    blobs: &mut Blobs<'_>,
    found: &mut [RenameFound],
) -> Result<()> {
    let (mut numbers, mut new) = (Vec::new(), Vec::new());
    for (number, file) in files.iter().enumerate().filter(|(number, _)| found[*number].is_none()) {
        if let Some(sketch) = &file.sketch {
            numbers.push(number);
            new.push(RenameCandidate { path: &file.path, sketch });
        }
    }
    if left.is_empty() || new.is_empty() || left.len() > renames::MOST || new.len() > renames::MOST {
        return Ok(());
    }
    let mut sketches = Vec::new();
    for (path, version) in left {
        if let Some(bytes) = blobs.read_here(&version.oid)?
            && bytes.len() <= renames::LARGEST
        {
            sketches.push((*path, *version, Sketch::of(&bytes)));
        }
    }
    let gone: Vec<RenameCandidate<'_>> =
        sketches.iter().map(|(path, _, sketch)| RenameCandidate { path, sketch }).collect();
    for (number, origin) in numbers.into_iter().zip(renames::pair(&gone, &new)) {
        let origin = origin.map(|origin| (sketches[origin].0.clone(), sketches[origin].1.clone()));
        found[number] = origin.map(|(path, version)| (Change::Renamed, Origin { path, version }));
    }
    Ok(())
}

fn copied(files: &[NewFile], index: &Index, bases: &BaseVersions, found: &mut [RenameFound]) {
    let open = files.iter().zip(found).filter(|(_, found)| found.is_none());
    let open: Vec<(&NewFile, &mut RenameFound)> = open.collect();
    let wanted: BTreeSet<&str> = open.iter().flat_map(|(file, _)| &file.ids).map(String::as_str).collect();
    let origins = of_base(&wanted, index, bases);
    for (file, found) in open {
        let origin = file.ids.iter().find_map(|id| origins.get(id));
        *found = origin.map(|origin| (Change::Copied, origin.clone()));
    }
}

/// What the base commit has of the tracked paths that are not there as committed.
pub(super) type BaseVersions = BTreeMap<RepoPath, Option<Version>>;

pub(super) fn base_of(pending: &Pending) -> Option<(RepoPath, Option<Version>)> {
    match &pending.status {
        Status::Tracked { head, .. } | Status::Unmerged { head, .. } => {
            Some((pending.path.clone(), head.clone()))
        }
        Status::Submodule(submodule) => Some((pending.path.clone(), submodule.head.clone())),
        Status::Untracked | Status::NestedRepository => None,
    }
}

/// Finds files of the base by the ids of their blobs, the first of each. What is not in `bases` is
/// as committed, so the index has it.
fn of_base(wanted: &BTreeSet<&str>, index: &Index, bases: &BaseVersions) -> BTreeMap<String, Origin> {
    let mut found = BTreeMap::new();
    if wanted.is_empty() {
        return found;
    }
    let ids: HashSet<Vec<u8>> = wanted.iter().filter_map(|id| from_hex(id)).collect();
    let pending: HashSet<&[u8]> = bases.keys().map(RepoPath::as_bytes).collect();
    let edited = bases.iter().filter_map(|(path, version)| Some((path.clone(), version.clone()?)));
    let edited = edited.filter(|(_, version)| wanted.contains(version.oid.as_str()));
    let clean = index.entries().filter(|entry| ids.contains(entry.oid) && !pending.contains(entry.path));
    let clean = clean.filter_map(|entry| Some((RepoPath::new(entry.path).ok()?, entry.version()?)));
    for (path, version) in edited.chain(clean) {
        if version.mode.is_file() {
            found.entry(version.oid.clone()).or_insert(Origin { path, version });
        }
    }
    found
}
