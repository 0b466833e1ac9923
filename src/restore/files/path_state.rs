//! The present state of the paths that a restore is about: HEAD, the index, the disk.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::base::digest::GitHash;
use crate::base::error::Result;
use crate::base::monitor::{Monitor, Phase};
use crate::base::paths::RepoPath;
use crate::git::index::IndexEntry;
use crate::git::{Listing, Repository, Status};
use crate::manifest::{Bits, HiddenBy, Mode, Version};
use crate::restore::files::standing::{Standing, Stays, standing};
use crate::sys::parallel::map;
use crate::sys::work_tree::{Node, ReadFile, Tree};
use crate::workspace::Workspace;

/// What is here of one path.
#[derive(Clone, Debug)]
pub(in crate::restore) struct Here {
    pub(in crate::restore) head: Option<Version>,
    pub(in crate::restore) index: IndexEntry,
    pub(in crate::restore) work: Option<Version>,
    /// How that was read, if this proves later that it is the same.
    pub(in crate::restore) read: Option<ReadFile>,
    /// Of a file on the disk.
    pub(in crate::restore) permissions: Option<Bits>,
    /// Whether git lists it: changed, staged, untracked or unmerged.
    pub(in crate::restore) pending: bool,
    pub(in crate::restore) hidden: Option<HiddenBy>,
    /// Whether a folder, or something that is not a file, is there; or no folder where one must be.
    pub(in crate::restore) obstacle: Option<&'static str>,
    /// Whether that can't go: no safety snapshot would have it.
    pub(in crate::restore) stays: bool,
}

/// Says what is there that can't go.
fn in_its_place(why: Stays) -> &'static str {
    match why {
        Stays::Repository => "a repository of its own is here",
        Stays::Special => "a socket, pipe or device is here",
        Stays::Unreadable => "a folder is here with something in it that can't be read",
        Stays::TooLarge => "a folder is here that is too large to be saved first",
    }
}

/// What is in the way where something may not be read: nobody could bring it back.
const UNREADABLE: &str = "it can't be read, so it can't be saved first";

/// For fewer paths, starting a thread takes longer than the work.
const FEW: usize = 64;

/// The most bytes of files that are held in memory until they are saved; the others are read once more.
const MOST_HELD: usize = 16 << 20;

impl Here {
    const NOTHING: Here = Here {
        head: None,
        index: IndexEntry::Absent,
        work: None,
        read: None,
        permissions: None,
        pending: false,
        hidden: None,
        obstacle: None,
        stays: false,
    };

    /// Returns why nothing may be done to the path, if something there can't be read.
    pub(in crate::restore) fn unreadable(&self) -> Option<&'static str> {
        self.obstacle.filter(|why| *why == UNREADABLE)
    }
}

/// Looks at the paths as they are here, given git's list of pending ones. This takes a quarter of the
/// time for planning.
pub(in crate::restore) fn look<'a>(
    workspace: &Workspace,
    repository: &Repository,
    listing: &Listing,
    paths: &BTreeSet<&'a RepoPath>,
    monitor: &Monitor,
) -> Result<BTreeMap<&'a RepoPath, Here>> {
    let tree = Tree::open(&workspace.root)?;
    let by_bytes: BTreeMap<&[u8], &'a RepoPath> = paths.iter().map(|path| (path.as_bytes(), *path)).collect();
    let mut found: BTreeMap<&'a RepoPath, Here> = BTreeMap::new();
    for (path, version) in listing.index.versions(|path| by_bytes.contains_key(path)) {
        if let Some(path) = by_bytes.get(path.as_bytes()) {
            let index = IndexEntry::Blob(version.clone());
            found.insert(path, Here { head: Some(version), index, ..Here::NOTHING });
        }
    }
    for pending in &listing.pending {
        let Some(path) = by_bytes.get(pending.path.as_bytes()) else { continue };
        let (head, index) = match &pending.status {
            Status::Tracked { head, intent_to_add: Some(mode), .. } => {
                (head.clone(), IndexEntry::IntentToAdd(*mode))
            }
            Status::Tracked { head, index, .. } => {
                (head.clone(), index.clone().map_or(IndexEntry::Absent, IndexEntry::Blob))
            }
            Status::Unmerged { head, stages } => {
                let stages = stages.iter().map(|stage| (stage.number, stage.version.clone()));
                (head.clone(), IndexEntry::Unmerged(stages.collect()))
            }
            // Behind a deletion from the index, the same path is listed once more as untracked.
            Status::Submodule(submodule) => {
                let index = submodule.index.clone().map_or(IndexEntry::Absent, IndexEntry::Blob);
                (submodule.head.clone(), index)
            }
            Status::Untracked | Status::NestedRepository => {
                (found.get(path).and_then(|here| here.head.clone()), IndexEntry::Absent)
            }
        };
        found.insert(path, Here { head, index, pending: true, ..Here::NOTHING });
    }
    let mut folders: BTreeMap<RepoPath, bool> = BTreeMap::new();
    let _phase = monitor.begin(Phase::Comparing, Some(paths.len() as u64));
    let held = AtomicUsize::new(0);
    let all: Vec<&RepoPath> = paths.iter().copied().collect();
    let seen = map(&all, FEW, |path| {
        monitor.add(1);
        Look::at(path, &tree, repository.hash(), &held, &mut |more| monitor.add_bytes(more))
    });
    for (path, look) in paths.iter().zip(seen) {
        let here = found.entry(path).or_insert(Here::NOTHING);
        match look {
            Look::Unreadable => (here.obstacle, here.stays) = (Some(UNREADABLE), true),
            Look::File { version, permissions, read } => {
                (here.work, here.permissions, here.read) = (Some(version), permissions, read);
            }
            Look::Missing => {
                for folder in path.above() {
                    if !folders.contains_key(&folder) {
                        let is_file = matches!(tree.read(&folder)?, Node::File { .. } | Node::Special);
                        folders.insert(folder.clone(), is_file);
                    }
                    if folders[&folder] {
                        here.obstacle = Some("something that is not a folder is in the place of its folder");
                    }
                }
            }
            Look::Folder if !tree.has_files(path)? => {}
            Look::Folder => {
                here.obstacle = Some("a folder of that name is here");
                if let Standing::Stays(_, why) = standing(&tree, path)? {
                    (here.obstacle, here.stays) = (Some(in_its_place(why)), true);
                }
            }
            Look::Special => (here.obstacle, here.stays) = (Some(in_its_place(Stays::Special)), true),
        }
    }
    for entry in listing.index.entries() {
        let Some(by) = entry.hidden else { continue };
        if let Some(here) = by_bytes.get(entry.path).and_then(|path| found.get_mut(path)) {
            here.hidden = Some(by);
            // What git was told not to look at counts as edited if its bytes are not the index's.
            let Some(version) = entry.version().filter(|version| !version.is_submodule()) else { continue };
            here.pending |= match &here.work {
                Some(work) => *work != version,
                None => !by.skips_work_tree(),
            };
        }
    }
    Ok(found)
}

/// What is on the disk at a path.
enum Look {
    Unreadable,
    File { version: Version, permissions: Option<Bits>, read: Option<ReadFile> },
    Missing,
    Folder,
    Special,
}

impl Look {
    /// Looks at it. `held` counts the bytes that are held in memory.
    fn at(
        path: &RepoPath,
        tree: &Tree,
        hash: GitHash,
        held: &AtomicUsize,
        tell: &mut dyn FnMut(u64),
    ) -> Look {
        let Ok((node, proof)) = tree.read_with_proof(path, tell) else { return Look::Unreadable };
        match &node {
            Node::File { mode, bytes, permissions } => {
                let permissions = (*mode != Mode::Link).then(|| Bits::of(*permissions));
                let version = Version { oid: hash.blob_id(bytes), mode: *mode };
                let fits = held.fetch_add(bytes.len(), Relaxed) + bytes.len() <= MOST_HELD;
                let read = proof.map(|facts| ReadFile { facts, node: fits.then(|| Arc::new(node)) });
                Look::File { version, permissions, read }
            }
            Node::Missing => Look::Missing,
            Node::Folder => Look::Folder,
            Node::Special => Look::Special,
        }
    }
}
