//! The work tree as it is here, as one side of a merge.
//!
//! It is what git's status lists, upon HEAD. Status says nothing of a file that git ignores, that is in a repository of its own, or of
//! which git was told not to look for edits. Where a merge has something to do with such a path, it is read as well: else what is here
//! would be taken for removed, or for not edited.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::error::Result;
use crate::base::paths::RepoPath;
use crate::git::{Listing, Repository, Status};
use crate::manifest::HiddenBy;
use crate::restore::files::merge_base::add;
use crate::restore::files::standing::{Standing, standing};
use crate::sys::work_tree::{Node, Tree};

/// What is here.
pub(super) struct Ours<'a> {
    tree: Tree,
    repository: &'a Repository,
    listing: &'a Listing,
    /// Those that were looked at.
    seen: BTreeSet<RepoPath>,
    /// All of it as git would have it.
    pub(super) id: String,
}

impl<'a> Ours<'a> {
    /// Reads what git's status lists.
    pub(super) fn of(tree: Tree, repository: &'a Repository, listing: &'a Listing) -> Result<Ours<'a>> {
        let mut files = Vec::new();
        let mut changes = Vec::new();
        for pending in &listing.pending {
            match &pending.status {
                Status::NestedRepository => continue,
                Status::Submodule(submodule) if !submodule.replaced => {
                    changes.push((pending.path.clone(), submodule.index.clone()));
                    continue;
                }
                Status::Tracked { .. }
                | Status::Untracked
                | Status::Unmerged { .. }
                | Status::Submodule(_) => {}
            }
            match tree.read(&pending.path)? {
                Node::File { mode, bytes, .. } => files.push((pending.path.clone(), mode, bytes)),
                _ => changes.push((pending.path.clone(), None)),
            }
        }
        add(&repository.conversion(), &files, &mut changes)?;
        let id = repository.tree_with(listing.head.as_deref(), &changes)?;
        let seen = listing.pending.iter().map(|pending| pending.path.clone()).collect();
        Ok(Ours { tree, repository, listing, seen, id })
    }

    /// Reads those of the paths that git's status says nothing of. Says whether something is there.
    pub(super) fn read<'p>(&mut self, paths: impl IntoIterator<Item = &'p RepoPath>) -> Result<bool> {
        let new: BTreeSet<RepoPath> =
            paths.into_iter().filter(|path| !self.seen.contains(*path)).cloned().collect();
        // Nothing in a submodule is of this repository.
        let asked: BTreeSet<RepoPath> =
            new.iter().flat_map(RepoPath::above).chain(new.iter().cloned()).collect();
        let asked: BTreeSet<&[u8]> = asked.iter().map(RepoPath::as_bytes).collect();
        let tracked = self.listing.index.versions(|path| asked.contains(path)).into_iter();
        let tracked: BTreeSet<RepoPath> = tracked.map(|(path, _)| path).collect();
        let hidden = self.listing.hidden.iter().filter(|hidden| new.contains(&hidden.path));
        let hidden: BTreeMap<&RepoPath, HiddenBy> = hidden.map(|hidden| (&hidden.path, hidden.by)).collect();
        let mut files = Vec::new();
        let mut changes = Vec::new();
        for path in &new {
            let hidden = hidden.get(path);
            let is_known = tracked.contains(path) && hidden.is_none();
            if is_known || path.above().any(|above| tracked.contains(&above)) {
                continue;
            }
            match (self.tree.read(path), hidden) {
                // A folder where a file is to be: what git says nothing of in it stays, and so does the folder.
                (Ok(Node::Folder), _) => {
                    let Standing::Files(all) = standing(&self.tree, path)? else { continue };
                    for file in all {
                        let is_known =
                            self.seen.contains(&file) || self.listing.index.has(file.as_bytes(), &[0]);
                        if !is_known && let Node::File { mode, bytes, .. } = self.tree.read(&file)? {
                            files.push((file, mode, bytes));
                        }
                    }
                }
                (Ok(Node::File { mode, bytes, .. }), _) => files.push((path.clone(), mode, bytes)),
                (Ok(Node::Missing), Some(by)) if !by.skips_work_tree() => changes.push((path.clone(), None)),
                _ => {}
            }
        }
        self.seen.extend(new);
        add(&self.repository.conversion(), &files, &mut changes)?;
        if !changes.is_empty() {
            self.id = self.repository.tree_with(Some(&self.id), &changes)?;
        }
        Ok(!changes.is_empty())
    }
}
