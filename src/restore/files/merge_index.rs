//! `resume --merge` of staged content: a merge of the index as it is here with the saved one.
//!
//! So exactly the staged content stays staged, whatever the work trees on top of the two are.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::error::Result;
use crate::base::paths::RepoPath;
use crate::base::warning::Warning;
use crate::git::index::IndexEntry;
use crate::git::{Listing, Merged, Repository, Status};
use crate::manifest::{Edit, Edits, IndexState, Surroundings, Version};
use crate::restore::files::index_room::crowded_out;
use crate::restore::files::left_out;
use crate::restore::files::step::{StepMaker, index_of};

/// The merged index.
#[derive(Default)]
pub(in crate::restore) struct Layer {
    /// What it has of the paths in which it differs from the one that is here.
    pub(in crate::restore) changed: BTreeMap<RepoPath, Option<Version>>,
    /// The stages of each path in which what was staged and what is here disagree.
    pub(in crate::restore) conflicts: BTreeMap<RepoPath, Vec<(u8, Version)>>,
    /// Paths that can't be staged, each with the entry that it would take out of the index.
    pub(in crate::restore) crowding: BTreeMap<RepoPath, RepoPath>,
}

impl Layer {
    /// Merges what a snapshot has staged into the index that is here; both may have gone on from what a third one had staged, and from
    /// the files of a tree, whatever of these was staged there.
    pub(in crate::restore) fn merge(
        maker: &mut StepMaker<'_>,
        repository: &Repository,
        (saved, around, forked): (&Edits, Option<&Surroundings>, Option<&Edits>),
        [base, files]: [&str; 2],
        listing: &Listing,
    ) -> Result<Layer> {
        let targets = saved.files.iter().map(|edit| (&edit.path, index_of(edit))).collect();
        let crowded = crowded_out(&listing.index, &targets);
        let crowding: BTreeMap<RepoPath, RepoPath> =
            crowded.into_iter().map(|(other, path)| (path.clone(), other)).collect();
        let staged = saved.files.iter().filter(|edit| is_staged(edit) && !crowding.contains_key(&edit.path));
        let staged: Vec<&Edit> = staged.collect();
        if staged.is_empty() {
            return Ok(Layer { crowding, ..Layer::default() });
        }
        let mut changes = changes_of(maker, repository, staged)?;
        let mut base = base.to_owned();
        if let Some(forked) = forked.filter(|forked| forked.base.as_deref() == Some(base.as_str())) {
            let all = repository.tree_with(Some(&base), &changes)?;
            let then = changes_of(maker, repository, forked.files.iter().filter(|edit| is_staged(edit)))?;
            base = repository.tree_with(Some(&base), &then)?;
            let since = repository.versions_between(&base, &all)?;
            changes = since.into_iter().map(|changed| (changed.path, changed.new)).collect();
            let left_out = left_out::among(repository, maker, (saved, around), &changes)?;
            changes.retain(|(path, _)| !left_out.contains(path));
        }
        let changes = repository.missing_in(listing.head.as_deref(), changes)?;
        let theirs = repository.tree_with(Some(&base), &changes)?;
        let ours = repository.tree_with(listing.head.as_deref(), &staged_here(listing))?;
        let merged = merged_index(repository, [&base, files], [&ours, &theirs])?;
        let changed = repository.versions_between(&ours, &merged.tree)?;
        let changed = changed.into_iter().map(|changed| (changed.path, changed.new)).collect();
        Ok(Layer { changed, conflicts: merged.conflicts, crowding })
    }

    /// Returns all paths that it has something to say of.
    pub(in crate::restore) fn paths(&self) -> impl Iterator<Item = &RepoPath> {
        self.changed.keys().chain(self.conflicts.keys())
    }

    /// Returns what the index shall hold for a path; `None` if that stays.
    pub(in crate::restore) fn entry(&self, path: &RepoPath) -> Option<IndexEntry> {
        let conflict = self.conflicts.get(path).map(|stages| IndexEntry::Unmerged(stages.clone()));
        let changed = || {
            let version = self.changed.get(path)?;
            Some(version.clone().map_or(IndexEntry::Absent, IndexEntry::Blob))
        };
        conflict.or_else(changed)
    }

    /// Says what could not be staged, and where it is.
    pub(in crate::restore) fn notes(&self, in_work_tree: &BTreeSet<&RepoPath>) -> Vec<Warning> {
        let apart = self.conflicts.keys().filter(|path| !in_work_tree.contains(path));
        let apart = apart.map(|path| Warning::StagedDisagrees(path.to_string()));
        let crowding = self
            .crowding
            .iter()
            .map(|(path, other)| Warning::NoRoomInIndex { path: path.to_string(), other: other.to_string() });
        apart.chain(crowding).collect()
    }
}

/// Merges two indexes. What is in conflict may be so only as nothing was staged when both had the same file, and each staged it since: it
/// is merged from that file.
fn merged_index(repository: &Repository, [base, files]: [&str; 2], sides: [&str; 2]) -> Result<Merged> {
    let merged = repository.merge_trees(base, sides[0], sides[1])?;
    if merged.conflicts.is_empty() {
        return Ok(merged);
    }
    let paths: BTreeSet<RepoPath> = merged.conflicts.keys().cloned().collect();
    let had = repository.tree_versions(Some(files), &paths)?;
    let had = paths.iter().filter_map(|path| Some((path.clone(), Some(had.version(path)?.clone()))));
    let base = repository.tree_with(Some(base), &had.collect::<Vec<_>>())?;
    let again = repository.merge_trees(&base, sides[0], sides[1])?;
    let is_no_worse = again.conflicts.keys().all(|path| paths.contains(path));
    Ok(if is_no_worse { again } else { merged })
}

/// Returns what these have staged, and writes its content.
fn changes_of<'e>(
    maker: &mut StepMaker<'_>,
    repository: &Repository,
    staged: impl IntoIterator<Item = &'e Edit>,
) -> Result<Vec<(RepoPath, Option<Version>)>> {
    let (mut blobs, mut changes) = (Vec::new(), Vec::new());
    for edit in staged {
        blobs.extend(maker.index_blobs(edit)?);
        let version = match index_of(edit) {
            IndexEntry::Blob(version) => Some(version),
            _ => None,
        };
        changes.push((edit.path.clone(), version));
    }
    repository.write_blobs(&blobs)?;
    Ok(changes)
}

fn is_staged(edit: &Edit) -> bool {
    matches!(edit.index, IndexState::Staged | IndexState::Partly)
}

/// The index as it is here, as changes against HEAD.
fn staged_here(listing: &Listing) -> Vec<(RepoPath, Option<Version>)> {
    let staged = listing.pending.iter().filter_map(|pending| {
        let (head, index) = match &pending.status {
            Status::Tracked { head, index, .. } => (head, index),
            Status::Submodule(submodule) => (&submodule.head, &submodule.index),
            Status::Untracked | Status::NestedRepository | Status::Unmerged { .. } => return None,
        };
        (head != index).then(|| (pending.path.clone(), index.clone()))
    });
    staged.collect()
}
