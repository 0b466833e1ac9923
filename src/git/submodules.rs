//! Edits inside submodules, found without letting git go into them by itself.
//!
//! A submodule is a repository with a configuration of its own. Git's status would start another git in it,
//! which obeys that configuration. So git is told to leave submodules out, and each is examined like every
//! other repository here.

use super::{Listing, Location, Pending, Repository, Status, Submodule};
use crate::base::error::Result;
use crate::base::paths::RepoPath;
use crate::manifest::{Mode, SUBMODULE_GONE, Version};
use crate::sys::work_tree::Tree;

/// What is in the folder of a submodule.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    /// Nothing that is not committed there.
    Clean,
    /// A repository with something pending.
    Edited,
    /// Files, and no repository.
    Loose,
    /// It is none, but a file or a link; of one with a mark, git says nothing.
    Replaced,
}

/// How deep submodules in submodules are looked at.
const DEEPEST: usize = 32;

impl Submodule {
    /// Says what of it no snapshot of the repository around it has, and why.
    pub fn left_out(&self) -> Vec<String> {
        let is_one = self.index.as_ref().is_some_and(Version::is_submodule);
        let inside = match (self.moved, self.edited) {
            (false, false) => None,
            (false, true) => Some("a submodule with edits inside"),
            (true, false) => Some("a submodule with another commit checked out than is staged"),
            (true, true) => {
                Some("a submodule with edits inside, and another commit checked out than is staged")
            }
        };
        let loose = "files in the folder of a submodule that is no repository; git tracks none of them";
        let gone = (self.gone && is_one).then(|| SUBMODULE_GONE.to_owned());
        let loose = self.loose.then(|| loose.to_owned());
        let inside = inside.map(|why| format!("{why}; `snap save` inside it saves that"));
        [gone, loose, inside].into_iter().flatten().collect()
    }
}

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
            let inside = self.look_inside(&path, depth)?;
            if inside == Inside::Clean {
                continue;
            }
            let (edited, loose) = (inside == Inside::Edited, inside == Inside::Loose);
            let replaced = inside == Inside::Replaced;
            let known = listing.pending.iter_mut().find(|pending| pending.path == path);
            match known.map(|pending| &mut pending.status) {
                Some(Status::Submodule(submodule)) => {
                    (submodule.edited, submodule.loose, submodule.replaced) = (edited, loose, replaced);
                }
                Some(_) => {}
                None => {
                    let version = Some(Version { mode: Mode::Submodule, ..version });
                    let (head, index) = (version.clone(), version);
                    let submodule =
                        Submodule { head, index, gone: false, replaced, loose, moved: false, edited };
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

    fn look_inside(&self, path: &RepoPath, depth: usize) -> Result<Inside> {
        let root = self.root.join(path.as_path());
        let Ok(there) = root.symlink_metadata() else { return Ok(Inside::Clean) };
        if there.is_file() || there.is_symlink() {
            return Ok(Inside::Replaced);
        }
        if depth >= DEEPEST || !there.is_dir() {
            return Ok(Inside::Clean);
        }
        if root.join(".git").symlink_metadata().is_err() {
            let has_files = Tree::open(&self.root)?.has_files(path)?;
            return Ok(if has_files { Inside::Loose } else { Inside::Clean });
        }
        match Repository::discover(&root)? {
            Location::WorkTree(inside) if inside.root == root => {
                let is_clean = inside.listed(depth + 1)?.pending.is_empty();
                Ok(if is_clean { Inside::Clean } else { Inside::Edited })
            }
            _ => Ok(Inside::Clean),
        }
    }
}
