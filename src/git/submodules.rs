//! Edits inside submodules, found without letting git go into them by itself.
//!
//! A submodule is a repository with a configuration of its own. Git's status would start another git in it,
//! which obeys that configuration. So git is told to leave submodules out, and each is examined like every
//! other repository here.

use super::{Listing, Location, Pending, Repository, Status, Submodule};
use crate::base::error::Result;
use crate::base::paths::RepoPath;
use crate::manifest::{Mode, Version};

/// How deep submodules in submodules are looked at.
const DEEPEST: usize = 32;

impl Repository {
    /// Marks the submodules of a listing, whose index was read, that have edits of their own.
    pub(super) fn look_into_submodules(&self, listing: &mut Listing, depth: usize) -> Result<()> {
        let submodules: Vec<(RepoPath, Version)> = listing
            .index
            .entries()
            .filter(super::Indexed::is_submodule)
            .filter_map(|entry| Some((RepoPath::new(entry.path).ok()?, entry.version()?)))
            .collect();
        for (path, version) in submodules {
            if !self.is_edited_inside(&path, depth)? {
                continue;
            }
            let known = listing.pending.iter_mut().find(|pending| pending.path == path);
            match known.map(|pending| &mut pending.status) {
                Some(Status::Submodule(submodule)) => submodule.edited = true,
                Some(_) => {}
                None => {
                    let version = Some(Version { mode: Mode::Submodule, ..version });
                    let (head, index) = (version.clone(), version);
                    let submodule = Submodule { head, index, gone: false, moved: false, edited: true };
                    // Where git would have listed it: before all that is not tracked, in order.
                    let after = |pending: &Pending| {
                        matches!(pending.status, Status::Untracked | Status::NestedRepository)
                            || pending.path.as_bytes() > path.as_bytes()
                    };
                    let place = listing.pending.iter().position(after).unwrap_or(listing.pending.len());
                    listing.pending.insert(place, Pending { path, status: Status::Submodule(submodule) });
                }
            }
        }
        Ok(())
    }

    fn is_edited_inside(&self, path: &RepoPath, depth: usize) -> Result<bool> {
        let root = self.root.join(path.as_path());
        let is_folder = root.symlink_metadata().is_ok_and(|meta| meta.is_dir());
        if depth >= DEEPEST || !is_folder || root.join(".git").symlink_metadata().is_err() {
            return Ok(false);
        }
        match Repository::discover(&root)? {
            Location::WorkTree(inside) if inside.root == root => {
                Ok(!inside.listed(depth + 1)?.pending.is_empty())
            }
            _ => Ok(false),
        }
    }
}
