//! Sets the planned paths: all of them, or none.
//!
//! New files are written and synced in a staging folder first. Then every old file is moved
//! there, looked at once more (it must be what the plan saw), and the new ones are moved to
//! their places. Whatever fails, every move is taken back. The index comes last, under
//! git's own lock, which is held from the start.

use std::path::{Path, PathBuf};

use super::steps::{Step, Work};
use crate::error::{Error, Kind, Result};
use crate::git::index::{IndexChanges, IndexLock};
use crate::git::{Repository, Seen};
use crate::interrupt::Interrupt;
use crate::manifest::{Mode, Version};
use crate::paths::RepoPath;
use crate::tree::{NewFile, Node, Staging, Tree};

/// Paths that were set; still to be committed or taken back.
pub(super) struct Applied<'a> {
    tree: Tree,
    staging: Staging,
    moved: Moved,
    interrupt: Interrupt,
    index: Option<(IndexLock<'a>, IndexChanges)>,
}

#[derive(Default)]
struct Moved {
    /// Paths whose old file lies in the staging folder, by its name there.
    out: Vec<(RepoPath, String)>,
    /// Paths whose new file is in place.
    into: Vec<RepoPath>,
}

/// Sets the paths; the index follows in [`Applied::commit`].
pub(super) fn apply<'a>(
    root: &Path,
    repository: &'a Repository,
    steps: Vec<Step>,
    seen: Option<&Seen>,
) -> Result<Applied<'a>> {
    // Before there is anything to clean up.
    let interrupt = Interrupt::watch()?;
    let changes = IndexChanges {
        entries: steps.iter().filter_map(|step| Some((step.path.clone(), step.index.clone()?))).collect(),
        marks: steps.iter().filter_map(|step| Some((step.path.clone(), step.mark?))).collect(),
    };
    let index = match changes.is_empty() {
        true => None,
        false => Some((repository.lock_index(seen)?, changes)),
    };
    let blobs: Vec<(String, Vec<u8>)> = steps.iter().flat_map(|step| step.blobs.iter().cloned()).collect();
    repository.write_blobs(&blobs)?;
    let tree = Tree::open(root)?.closing(&repository.own_folders());
    let staging = tree.staging()?;
    let mut applied = Applied { tree, staging, moved: Moved::default(), interrupt, index };
    match applied.move_all(repository, &steps) {
        Ok(()) => Ok(applied),
        Err(error) => {
            applied.roll_back()?;
            Err(error)
        }
    }
}

impl Applied<'_> {
    fn move_all(&mut self, repository: &Repository, steps: &[Step]) -> Result<()> {
        for (number, step) in steps.iter().enumerate() {
            if let Work::Set { mode, private, bytes } = &step.work {
                self.interrupt.check()?;
                let permissions = match self.tree.read(&step.path)? {
                    Node::File { mode, permissions, .. } if mode != Mode::Link => Some(permissions),
                    _ => None,
                };
                let file = NewFile { mode: *mode, private: *private, permissions, bytes };
                self.tree.stage(&self.staging, &format!("new-{number}"), &file)?;
            }
        }
        self.staging.sync()?;
        let to_move = |step: &&Step| !matches!(step.work, Work::Keep) && step.here.is_some();
        for (number, step) in steps.iter().enumerate().filter(|(_, step)| to_move(step)) {
            self.interrupt.check()?;
            let name = format!("old-{number}");
            self.tree.take(&step.path, &self.staging, &name)?;
            self.moved.out.push((step.path.clone(), name.clone()));
            let taken = self.tree.read_staged(&self.staging, &name)?;
            if version_of(repository, &taken) != step.here {
                return Err(Error::new(Kind::Conflict, format!("{} changed meanwhile", step.path))
                    .hint("run the command again; nothing was changed"));
            }
        }
        for (number, step) in steps.iter().enumerate() {
            if matches!(step.work, Work::Set { .. }) {
                self.interrupt.check()?;
                // A folder becomes a file: what was in it has been moved out.
                for (path, _) in
                    self.moved.out.iter().filter(|(path, _)| path.is_in(&step.path) && *path != step.path)
                {
                    self.tree.prune_folders(path);
                }
                self.tree.put(&self.staging, &format!("new-{number}"), &step.path)?;
                self.moved.into.push(step.path.clone());
            }
        }
        for (path, _) in &self.moved.out {
            self.tree.prune_folders(path);
        }
        self.interrupt.check()
    }

    /// Makes the new index and removes the staging folder; returns it if that can't be removed.
    ///
    /// # Errors
    /// What git says; everything is then taken back.
    pub(super) fn commit(mut self) -> Result<Option<PathBuf>> {
        if let Some((lock, changes)) = self.index.take()
            && let Err(error) = lock.replace(&changes)
        {
            self.roll_back()?;
            return Err(error);
        }
        // All is in place: a folder that stays is no reason to take it back.
        let place = self.staging.path().to_owned();
        Ok(self.staging.remove().is_err().then_some(place))
    }

    /// Takes every move back.
    ///
    /// # Errors
    /// Says where the old files are, if they can't be moved back.
    pub(super) fn roll_back(self) -> Result<()> {
        let Applied { tree, staging, moved, index, interrupt: _watching } = self;
        let place = staging.path().to_owned();
        let back = || -> Result<()> {
            for (number, path) in moved.into.iter().enumerate().rev() {
                tree.take(path, &staging, &format!("undone-{number}"))?;
                tree.prune_folders(path);
            }
            for (path, name) in moved.out.iter().rev() {
                tree.put(&staging, name, path)?;
            }
            Ok(())
        };
        let done = back().map_err(|error| {
            Error::new(Kind::Environment, "The restore failed, and so did taking it back")
                .because(&error)
                .hint(format!("the old files that are not in their places are in {}", place.display()))
        });
        drop(index);
        done?;
        staging.remove()
    }
}

fn version_of(repository: &Repository, node: &Node) -> Option<Version> {
    match node {
        Node::File { mode, bytes, .. } => {
            Some(Version { oid: repository.hash().blob_id(bytes), mode: *mode })
        }
        Node::Missing | Node::Folder | Node::Special => None,
    }
}
