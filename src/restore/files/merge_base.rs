//! What both sides of a merge have in common: the tree from which each one's changes are counted.
//!
//! It is that of the snapshot from which both went on, or that was merged last. Where each side has merged the other (a criss-cross),
//! there are several; then they are merged first, as git does it: what is in conflict between them is so in the base too, and never
//! taken for either side's. What has no lines to be in conflict (one changed a file, and the other one removed it) is as it was
//! before both. What a side did not take of one is as it was before that.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::left_out;
use super::line_ends::settings;
use super::merge_taken::{Changed, between, only_what_was_taken};
use super::saved_rules;
use super::step::StepMaker;
use crate::base::error::Result;
use crate::base::ids::SnapshotId;
use crate::base::paths::RepoPath;
use crate::git::{Conversion, Merged, Repository};
use crate::manifest::{Edit, Edits, Mode, Surroundings, Version};

/// A snapshot that both sides have.
pub(in crate::restore) struct Fork<'a> {
    pub(in crate::restore) id: SnapshotId,
    pub(in crate::restore) edits: Cow<'a, Edits>,
    pub(in crate::restore) around: Option<&'a Surroundings>,
    /// What one of them is known not to have taken of it.
    pub(in crate::restore) left: &'a BTreeSet<RepoPath>,
    /// Whether the other side is known to have had all else of it.
    pub(in crate::restore) whole: bool,
    /// The same of what is here.
    pub(in crate::restore) whole_here: bool,
}

/// The snapshots that both sides have.
pub(in crate::restore) struct Forks<'a> {
    /// The newest ones, none of which is part of another.
    pub(in crate::restore) bases: Vec<Fork<'a>>,
    /// Of several of them: what these have in common in turn, and so on.
    pub(in crate::restore) behind: Vec<Vec<Fork<'a>>>,
    /// The one from which they went apart first.
    pub(in crate::restore) first: Option<Fork<'a>>,
    /// The commit whose files are here, beside the edits, since a restore brought them back: HEAD may have more.
    pub(in crate::restore) restored_on: Option<String>,
}

/// What both sides have in common.
pub(in crate::restore) struct CommonBase {
    pub(in crate::restore) tree: String,
    /// The commit that the newest snapshot was made on.
    pub(in crate::restore) commit: String,
    /// The edits of the newest snapshot, as far as both have them.
    pub(in crate::restore) edits: Edits,
    /// What one side did not take of it.
    left: BTreeSet<RepoPath>,
}

impl Forks<'_> {
    /// Returns what both sides have; `None` if the commits of all these snapshots are gone. `sides` are the trees of what is here and of
    /// the other side.
    pub(in crate::restore) fn base(
        &self,
        repository: &Repository,
        maker: &mut StepMaker<'_>,
        sides: [&str; 2],
    ) -> Result<Option<CommonBase>> {
        let first = match &self.first {
            Some(fork) => as_forked(repository, maker, fork)?
                .map(|forked| fork.taken(repository, maker, &forked, &forked.0, sides))
                .transpose()?,
            None => None,
        };
        let first_tree = first.as_ref().map(|first| first.tree.as_str());
        let behind = self.behind(repository, maker, first_tree)?;
        let mut found: Option<CommonBase> = None;
        for fork in &self.bases {
            let Some(forked) = as_forked(repository, maker, fork)? else { continue };
            let is_first = self.first.as_ref().is_none_or(|first| first.id == fork.id);
            let before = first_tree.filter(|_| !is_first).unwrap_or(&forked.0);
            let mut one = fork.taken(repository, maker, &forked, before, sides)?;
            if let Some(first) = first.as_ref().filter(|_| !is_first) {
                one = one.with_edits_before(first);
            }
            found = Some(match found {
                Some(newest) => {
                    let behind = behind.as_deref().unwrap_or(before);
                    let tree = of_both(repository, behind, [&newest.tree, &one.tree])?;
                    CommonBase { tree, ..newest }
                }
                None => one,
            });
        }
        Ok(found.or(first))
    }

    /// Returns all edits of these snapshots.
    pub(in crate::restore) fn files(&self) -> impl Iterator<Item = &Edit> {
        let forks = self.bases.iter().chain(self.behind.iter().flatten()).chain(&self.first);
        forks.flat_map(|fork| &fork.edits.files)
    }

    /// Returns the tree from which several bases are merged: what they have in common in turn, merged in the same way, from the oldest on.
    fn behind(
        &self,
        repository: &Repository,
        maker: &mut StepMaker<'_>,
        first: Option<&str>,
    ) -> Result<Option<String>> {
        let mut behind: Option<String> = first.map(str::to_owned);
        for forks in self.behind.iter().rev() {
            let mut merged: Option<String> = None;
            for fork in forks {
                let Some((commit, tree)) = as_forked(repository, maker, fork)? else { continue };
                let before = behind.as_deref().unwrap_or(&commit);
                let left = fork.left_out(repository, maker, &tree, before)?;
                let tree = put_back(repository, tree, before, &left)?;
                merged = Some(match merged {
                    Some(newest) => of_both(repository, before, [&newest, &tree])?,
                    None => tree,
                });
            }
            behind = merged.or(behind);
        }
        Ok(behind)
    }
}

impl Fork<'_> {
    /// Returns what one side did not take of it, and what it left out itself of what was there `behind` it.
    fn left_out(
        &self,
        repository: &Repository,
        maker: &mut StepMaker<'_>,
        tree: &str,
        behind: &str,
    ) -> Result<BTreeSet<RepoPath>> {
        let changes = between(repository, behind, tree)?;
        let mut left = left_out::among(repository, maker, (&self.edits, self.around), &changes)?;
        left.extend(self.left.iter().cloned());
        Ok(left)
    }

    /// Returns what both sides took of it. What one did not is as it was `behind`.
    fn taken(
        &self,
        repository: &Repository,
        maker: &mut StepMaker<'_>,
        (commit, whole): &(String, String),
        behind: &str,
        sides: [&str; 2],
    ) -> Result<CommonBase> {
        let (mut tree, mut left) = (whole.clone(), BTreeSet::new());
        for (is_whole, side) in [self.whole_here, self.whole].into_iter().zip(sides) {
            if !is_whole {
                let more;
                (tree, more) = only_what_was_taken(repository, commit, &tree, side)?;
                left.extend(more);
            }
        }
        let before = self.left_out(repository, maker, whole, behind)?;
        let before: BTreeSet<RepoPath> = before.difference(&left).cloned().collect();
        let tree = put_back(repository, tree, behind, &before)?;
        left.extend(before);
        let taken = self.edits.files.iter().filter(|edit| !left.contains(&edit.path));
        let edits = Edits { files: taken.cloned().collect(), ..self.edits.as_ref().clone() };
        Ok(CommonBase { tree, commit: commit.clone(), edits, left })
    }
}

impl CommonBase {
    /// Adds the edits that both had before of what one side did not take since.
    fn with_edits_before(mut self, before: &CommonBase) -> CommonBase {
        if before.edits.base == self.edits.base {
            let had = before.edits.files.iter().filter(|edit| self.left.contains(&edit.path));
            self.edits.files.extend(had.cloned());
            self.edits.files.sort_unstable_by(|one, other| one.path.cmp(&other.path));
        }
        self
    }

    /// Splits what the other side changed since: what it took back, so that it is as committed then, and all else.
    pub(in crate::restore) fn taken_back(
        &self,
        repository: &Repository,
        changes: Vec<Changed>,
    ) -> Result<(Vec<Changed>, Vec<Changed>)> {
        let paths = changes.iter().map(|(path, _)| path.clone()).collect();
        let committed = repository.tree_versions(Some(&self.commit), &paths)?;
        Ok(changes.into_iter().partition(|(path, version)| committed.version(path) == version.as_ref()))
    }
}

/// Merges two bases to one, of which neither side has what is in conflict.
fn of_both(repository: &Repository, behind: &str, [one, other]: [&str; 2]) -> Result<String> {
    let Merged { tree, conflicts, .. } = repository.merge_trees(behind, one, other)?;
    if conflicts.is_empty() {
        return Ok(tree);
    }
    let merged = repository.tree_versions(Some(&tree), &conflicts.keys().cloned().collect())?;
    let back = conflicts.into_iter().filter_map(|(path, stages)| {
        let [before, sides @ ..] = [1, 2, 3]
            .map(|number| stages.iter().find(|(stage, _)| *stage == number).map(|(_, version)| version));
        let merged = merged.version(&path);
        let has_markers = sides.iter().all(Option::is_some) && !sides.contains(&merged);
        // A file that one renamed and the other one removed was nowhere under its new name.
        let before = before.filter(|before| !sides.contains(&Some(*before))).cloned();
        (!has_markers && merged != before.as_ref()).then_some((path, before))
    });
    repository.tree_with(Some(&tree), &back.collect::<Vec<_>>())
}

/// Returns a tree with some paths as they are in another one.
fn put_back(repository: &Repository, tree: String, from: &str, paths: &BTreeSet<RepoPath>) -> Result<String> {
    if paths.is_empty() {
        return Ok(tree);
    }
    let versions = repository.tree_versions(Some(from), paths)?;
    let back: Vec<(RepoPath, Option<Version>)> =
        paths.iter().map(|path| (path.clone(), versions.version(path).cloned())).collect();
    repository.tree_with(Some(&tree), &back)
}

/// Makes the tree of a snapshot's work tree, behind its base; `None` if its base commit is not here.
fn as_forked(
    repository: &Repository,
    maker: &mut StepMaker<'_>,
    fork: &Fork<'_>,
) -> Result<Option<(String, String)>> {
    let Some(base) = fork.edits.base.as_deref() else { return Ok(None) };
    if !repository.has_tree(base)? {
        return Ok(None);
    }
    let mut as_saved = saved_rules::conversion(repository, maker, &fork.edits, Some(base))?;
    if let Some(then) = settings(fork.around) {
        as_saved = as_saved.under(then);
    }
    let changes = saved_changes(maker, &as_saved, &fork.edits)?;
    Ok(Some((base.to_owned(), repository.tree_with(Some(base), &changes)?)))
}

/// The saved work tree, as changes against its base.
pub(super) fn saved_changes(
    maker: &mut StepMaker<'_>,
    conversion: &Conversion<'_>,
    saved: &Edits,
) -> Result<Vec<(RepoPath, Option<Version>)>> {
    let mut files = Vec::new();
    let mut changes = Vec::new();
    for edit in &saved.files {
        match edit.in_work_tree() {
            Some(saved) => {
                files.push((edit.path.clone(), saved.version.mode, maker.versions.saved(saved)?));
            }
            None => changes.push((edit.path.clone(), edit.new.clone())),
        }
    }
    add(conversion, &files, &mut changes)?;
    Ok(changes)
}

/// Adds files as git would, as changes.
pub(super) fn add(
    conversion: &Conversion<'_>,
    files: &[(RepoPath, Mode, Vec<u8>)],
    changes: &mut Vec<(RepoPath, Option<Version>)>,
) -> Result<()> {
    let versions = conversion.add_files(files)?;
    let paths = files.iter().map(|(path, _, _)| path.clone());
    changes.extend(paths.zip(versions.into_iter().map(Some)));
    Ok(())
}
