//! The journal of a restore: everything that is needed to finish it or to roll it back, as a value.
//!
//! It is in the store before the first change (`store/journals.rs`). The same code reads it in the process
//! that wrote it and in one that finds it after a crash. The disk shows where each file is: a staged file
//! that is not in the staging folder is in its place. So finishing and rolling back both work from any
//! point, and can be repeated any number of times.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::base::digest::GitHash;
use crate::base::error::{Error, Kind, Result};
use crate::base::ids::SnapshotId;
use crate::base::paths::{NativePath, RepoPath};
use crate::client::{Placed, TaskChange};
use crate::git::Repository;
use crate::manifest::Version;
use crate::restore::transaction::stagings::{Leftover, OldFile, Stagings};
use crate::store::LogEntry;
use crate::sys::work_tree::{Node, STAGING, Staging, Tree};

/// The versions of this journal. One of any other version is left alone. Earlier versions had no seal
/// and are not trusted. The second of these says that a session is continued, the third that files on
/// other disks in the tree change, the fourth that the client's folder for the project has a name of its own, the fifth that tasks
/// are added or taken back.
pub(in crate::restore) const FORMATS: std::ops::RangeInclusive<u32> = 3..=7;

/// Is in the staging folder from when everything is staged until nothing may be moved back any more.
pub(in crate::restore) const READY: &str = "ready";

/// What a restore is about to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::restore) struct RestoreRecord {
    pub(in crate::restore) format: u32,
    /// Random; part of every name that the restore makes up.
    pub(in crate::restore) id: SnapshotId,
    /// What the log is to say when it is done.
    pub(in crate::restore) line: LogEntry,
    /// The name of the safety snapshot, if files are at stake.
    pub(in crate::restore) safety: Option<String>,
    pub(in crate::restore) root: NativePath,
    /// How the repository names blobs.
    pub(in crate::restore) object_format: GitHash,
    pub(in crate::restore) moves: Vec<Move>,
    /// The mounts in the tree that some of the paths are in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::restore) mounts: Vec<RepoPath>,
    /// The empty folders that something is put into.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(in crate::restore) filled: BTreeSet<RepoPath>,
    /// Whether the index changes, and is locked.
    pub(in crate::restore) index: bool,
    pub(in crate::restore) session: Option<Placed>,
    /// The tasks that a merge adds, or that an undo of one takes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::restore) tasks: Option<TaskChange>,
}

/// A path whose file is replaced, created or removed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::restore) struct Move {
    pub(in crate::restore) path: RepoPath,
    /// What is there now, to be moved out.
    pub(in crate::restore) old: Option<Version>,
    /// What will be there, to be moved in.
    pub(in crate::restore) new: Option<Version>,
}

/// What could not be put back as it was, because somebody changed it after the crash.
#[derive(Debug, Default)]
pub(in crate::restore) struct Kept {
    /// The paths, left as they are.
    pub(in crate::restore) paths: Vec<RepoPath>,
    /// The staging folder with the old files of these paths.
    pub(in crate::restore) staging: Option<std::path::PathBuf>,
}

impl RestoreRecord {
    /// Returns the line that is written into the journal.
    pub(in crate::restore) fn to_line(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self)
            .map_err(|error| Error::new(Kind::Bug, "The plan of the restore can't be written").because(error))
    }

    /// Opens the work tree, with git's own folders closed.
    pub(in crate::restore) fn tree(&self, repository: Option<&Repository>) -> Result<Tree> {
        let tree = Tree::open(self.root.as_path())?;
        Ok(match repository {
            Some(repository) => tree.closing(&repository.own_folders()),
            None => tree,
        })
    }

    /// Returns the name of the staging folder in the root.
    pub(in crate::restore) fn staging(&self) -> String {
        format!("{STAGING}{}", self.id)
    }

    /// Puts every file back to its place, and removes the index lock and the session.
    ///
    /// If a path is neither as it was nor as the restore made it, somebody has changed it since. It
    /// stays as it is, and its old file stays in the staging folder.
    ///
    /// # Errors
    /// What the disk says; to be run again then.
    pub(in crate::restore) fn roll_back(&self, repository: Option<&Repository>) -> Result<Kept> {
        let mut kept = Kept::default();
        let tree = self.tree(repository)?;
        if let Some(stagings) = Stagings::open(&tree, &self.staging(), &self.mounts, Some(READY))? {
            if stagings.root().holds(READY)? {
                kept.paths = self.move_back(&tree, &stagings)?;
            }
            match self.first_held(&stagings)? {
                None => {
                    stagings.root().unmark(READY)?;
                    stagings.remove()?;
                }
                Some(staging) => {
                    kept.staging = Some(staging.path().to_owned());
                    // The snapshot has these.
                    let new = self.moves.iter().enumerate().filter(|(_, step)| step.new.is_some());
                    new.map(|(number, step)| (new_name(number), stagings.of(&step.path)))
                        .try_for_each(|(name, staging)| staging.discard(&name))?;
                }
            }
        }
        self.move_branch(repository, true)?;
        if let Some(repository) = repository.filter(|_| self.index) {
            repository.left_index_lock(&self.id).release()?;
        }
        if let Some(session) = &self.session {
            session.roll_back()?;
        }
        self.tasks.as_ref().map_or(Ok(()), TaskChange::roll_back)?;
        Ok(kept)
    }

    /// Returns the first staging folder with an old file in it that has no place any more. Before anything was moved, there is none.
    fn first_held<'s>(&self, stagings: &'s Stagings) -> Result<Option<&'s Staging>> {
        for (number, step) in self.moves.iter().enumerate().filter(|(_, step)| step.old.is_some()) {
            let staging = stagings.of(&step.path);
            if staging.holds(&old_name(number))? {
                return Ok(Some(staging));
            }
        }
        Ok(None)
    }

    fn move_back(&self, tree: &Tree, stagings: &Stagings) -> Result<Vec<RepoPath>> {
        let mut changed = Vec::new();
        for (number, step) in self.moves.iter().enumerate().rev() {
            let (name, staging) = (new_name(number), stagings.of(&step.path));
            if step.new.is_none() || staging.holds(&name)? {
                continue;
            }
            let there = self.version_of(&tree.read(&step.path)?);
            if there == step.new {
                let _known = tree.take(&step.path, staging, &name)?;
                tree.prune_folders_but(&step.path, &self.filled);
            } else if there.is_some() && there != step.old {
                changed.push(step.path.clone());
            }
        }
        for (number, step) in self.moves.iter().enumerate().rev() {
            let (name, staging) = (old_name(number), stagings.of(&step.path));
            if step.old.is_none() || !staging.holds(&name)? {
                continue;
            }
            match tree.put(staging, &name, &step.path) {
                Err(error) if error.kind() == Kind::Conflict => changed.push(step.path.clone()),
                done => drop(done?),
            }
        }
        tree.sync(self.moves.iter().map(|step| &step.path))?;
        changed.sort();
        changed.dedup();
        Ok(changed)
    }

    /// Moves the branch, if it is to be moved and is not there yet; or back.
    fn move_branch(&self, repository: Option<&Repository>, roll_back: bool) -> Result<()> {
        let (Some(moved), Some(repository)) = (&self.line.moved, repository) else { return Ok(()) };
        let (from, to) = if roll_back { (&moved.to, &moved.from) } else { (&moved.from, &moved.to) };
        let head = repository.head()?;
        if head.branch != moved.branch || head.commit.as_ref() != Some(from) {
            return Ok(());
        }
        repository.move_head(from, to, &format!("snap: to {}", crate::base::screen::Line(&self.line.name)))
    }

    /// Makes the decided restore visible: the transcript, then the index.
    ///
    /// # Errors
    /// What the disk or the client's folders say; the index is then as it was.
    pub(in crate::restore) fn reveal(&self, repository: Option<&Repository>) -> Result<()> {
        self.tasks.as_ref().map_or(Ok(()), TaskChange::add)?;
        if let Some(session) = &self.session {
            session.reveal()?;
        }
        self.move_branch(repository, false)?;
        if let Some(repository) = repository.filter(|_| self.index) {
            repository.left_index_lock(&self.id).swap()?;
        }
        // Last: what is gone could not be rolled back.
        self.tasks.as_ref().map_or(Ok(()), TaskChange::take)
    }

    /// Cleans up after [`RestoreRecord::reveal`]; returns the staging folder if it stays: it can't be removed, or somebody has written
    /// to one of these old files since, who had it open.
    ///
    /// # Errors
    /// What the disk says; to be run again then.
    pub(in crate::restore) fn clean_up(
        &self,
        repository: Option<&Repository>,
        old: &[OldFile],
    ) -> Result<Option<Leftover>> {
        if let Some(repository) = repository.filter(|_| self.index) {
            repository.left_index_lock(&self.id).release()?;
        }
        if let Some(session) = &self.session {
            session.clean_up()?;
        }
        // All is in place: a folder that stays, or a disk that is gone, is no reason to take it back.
        let Some(stagings) =
            Stagings::open(&Tree::open(self.root.as_path())?, &self.staging(), &self.mounts, None)?
        else {
            return Ok(None);
        };
        let place = stagings.root().path().to_owned();
        let written = stagings.written_to(old);
        let stays = !written.is_empty() || stagings.remove().is_err();
        Ok(stays.then_some(Leftover { place, written }))
    }

    /// Returns the version that a file is.
    pub(in crate::restore) fn version_of(&self, node: &Node) -> Option<Version> {
        match node {
            Node::File { mode, bytes, .. } => {
                Some(Version { oid: self.object_format.blob_id(bytes), mode: *mode })
            }
            Node::Missing | Node::Folder | Node::Special => None,
        }
    }
}

/// Returns the name in the staging folder of the file that a move brings.
pub(in crate::restore) fn new_name(number: usize) -> String {
    format!("new-{number}")
}

/// Returns the name in the staging folder of the file that a move takes away.
pub(in crate::restore) fn old_name(number: usize) -> String {
    format!("old-{number}")
}
