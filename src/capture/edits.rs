//! Captures the pending edits: each path that git lists, read from the disk byte for byte.
//!
//! The index and the work tree are captured apart. Work tree content is kept raw, as it is
//! on the disk, so that line end conversion and filters can't change it on the way. If the
//! repository changes while it is read, the whole is read again.

use std::path::PathBuf;

use super::untracked;
use crate::edit::{self, Side};
use crate::error::{Error, Kind, Result};
use crate::git::{Blobs, Hidden, Listing, Pending, Repository, Stage, Status};
use crate::manifest::{
    Change, Diff, Edit, Edits, HiddenBy, IndexState, Mode, Skipped, StageVersion, StagedVersion, Version,
};
use crate::paths::RepoPath;
use crate::store::{AddLock, Store};
use crate::tree::{Node, STAGING, Tree};
use crate::workspace::Workspace;

/// Files over this many bytes are left out (and listed), tracked or not: they are read whole.
const LARGEST_FILE: u64 = 2 << 30;

/// How often a repository that changes meanwhile is read again.
const TRIES: usize = 5;

/// The edits and the branch they are on.
pub(super) struct Captured {
    pub(super) edits: Edits,
    pub(super) branch: Option<String>,
}

/// Captures everything pending, and of `also` whatever differs from HEAD on the disk even
/// though git takes it for clean, or is ignored.
pub(super) fn capture(
    workspace: &Workspace,
    repository: &Repository,
    lock: &AddLock,
    also: &[RepoPath],
) -> Result<Captured> {
    for _ in 0..TRIES {
        let before = repository.stamp();
        let listing = repository.status()?;
        let captured = Reader::new(workspace, repository, lock, also)?.read_all(listing)?;
        if repository.stamp() == before {
            return Ok(captured);
        }
    }
    Err(Error::new(Kind::Environment, format!("{} keeps changing", workspace.root.display()))
        .because("git worked in it each time its state was read")
        .hint("wait for the other git to end, then run the command again"))
}

struct Reader<'a> {
    repository: &'a Repository,
    tree: Tree,
    blobs: Blobs<'a>,
    store: &'a Store,
    lock: &'a AddLock,
    own_folder: Option<RepoPath>,
    worktrees: Vec<PathBuf>,
    /// Paths that are captured whatever their size, even if git does not list them.
    also: &'a [RepoPath],
    files: Vec<Edit>,
    skipped: Vec<Skipped>,
}

/// What HEAD, the index and the disk have of one path.
struct Versions {
    head: Option<Version>,
    index: Option<Version>,
    intent_to_add: bool,
    stages: Vec<Stage>,
    hidden: Option<HiddenBy>,
}

impl Versions {
    const NOWHERE: Versions =
        Versions { head: None, index: None, intent_to_add: false, stages: Vec::new(), hidden: None };
}

impl<'a> Reader<'a> {
    fn new(
        workspace: &'a Workspace,
        repository: &'a Repository,
        lock: &'a AddLock,
        also: &'a [RepoPath],
    ) -> Result<Reader<'a>> {
        Ok(Reader {
            repository,
            tree: Tree::open(&workspace.root)?,
            blobs: repository.blobs(),
            store: &workspace.store,
            lock,
            own_folder: workspace.store_path(),
            worktrees: repository.other_worktrees()?,
            also,
            files: Vec::new(),
            skipped: Vec::new(),
        })
    }

    fn read_all(mut self, listing: Listing) -> Result<Captured> {
        let mut pending = listing.pending;
        pending.retain(|entry| !self.own_folder.as_ref().is_some_and(|own| entry.path.is_in(own)));
        // What a restore that was killed has left in the tree is no edit of the user's.
        let (left, mut pending): (Vec<Pending>, Vec<Pending>) =
            pending.into_iter().partition(|entry| entry.path.as_bytes().starts_with(STAGING.as_bytes()));
        if let Some(left) = left.first() {
            self.skip(&left.path, "left by a restore that was killed; `snap rewind` to its safety snapshot brings the files back");
        }
        let included = self.also.iter().cloned().collect();
        self.skipped.extend(untracked::leave_out_generated(&mut pending, &included));
        // The stable sort keeps a deletion from the index before the untracked file of that name.
        pending.sort_by(|a, b| a.path.cmp(&b.path));
        let mut entries = pending.into_iter().peekable();
        while let Some(entry) = entries.next() {
            let kept_on_disk = |next: &Pending| next.path == entry.path && next.status == Status::Untracked;
            entries.next_if(kept_on_disk);
            self.read_pending(entry)?;
        }
        for hidden in listing.hidden {
            self.read_hidden(hidden)?;
        }
        self.read_clean()?;
        for (path, reason) in listing.odd {
            self.skipped.push(Skipped { path: crate::screen::Line(&path).to_string(), reason });
        }
        self.files.sort_by(|a, b| a.path.cmp(&b.path));
        let edits = Edits {
            base: listing.head,
            object_format: self.repository.hash(),
            files: self.files,
            skipped: self.skipped,
            operation: self.repository.operation().map(str::to_owned),
        };
        Ok(Captured { edits, branch: listing.branch })
    }

    fn read_pending(&mut self, entry: Pending) -> Result<()> {
        let Pending { path, status } = entry;
        match status {
            Status::Tracked { head, index, intent_to_add, .. } => {
                self.read_path(path, Versions { head, index, intent_to_add, ..Versions::NOWHERE })
            }
            Status::Unmerged { head, stages } => {
                self.read_path(path, Versions { head, stages, ..Versions::NOWHERE })
            }
            Status::Untracked => match self.tree.size(&path)? {
                Some(size) if size > untracked::LARGEST && !self.also.contains(&path) => {
                    self.skip(
                        &path,
                        format!("untracked, and larger than {} MiB ({size} bytes)", untracked::LARGEST >> 20),
                    );
                    Ok(())
                }
                _ => self.read_path(path, Versions::NOWHERE),
            },
            // Another work tree of this repository has its own state, and its own snapshots.
            Status::NestedRepository if self.worktrees.contains(&self.tree.absolute(&path)) => Ok(()),
            Status::NestedRepository => {
                self.skip(&path, "a repository of its own");
                Ok(())
            }
            Status::Submodule => {
                self.skip(&path, "a submodule");
                Ok(())
            }
        }
    }

    /// Reads a path whose edits git was told not to look for.
    fn read_hidden(&mut self, hidden: Hidden) -> Result<()> {
        let Hidden { path, version, by } = hidden;
        if let Some(listed) = self.files.iter_mut().find(|file| file.path == path) {
            listed.hidden = Some(by);
            return Ok(());
        }
        // A sparse checkout leaves its files out: there is nothing to save.
        if by == HiddenBy::SkipWorktree && self.tree.size(&path)?.is_none() {
            return Ok(());
        }
        let head = Some(version);
        self.read_path(path, Versions { index: head.clone(), head, hidden: Some(by), ..Versions::NOWHERE })
    }

    /// Reads paths that git did not list: clean ones, which matter only if their bytes on
    /// the disk are not those of the blob, and ignored ones.
    fn read_clean(&mut self) -> Result<()> {
        let open: Vec<&RepoPath> =
            self.also.iter().filter(|path| !self.files.iter().any(|file| file.path == **path)).collect();
        if open.is_empty() {
            return Ok(());
        }
        let wanted: std::collections::BTreeSet<&[u8]> = open.iter().map(|path| path.as_bytes()).collect();
        let tracked = self.repository.index_versions(|path| wanted.contains(path))?;
        for path in open {
            let version =
                tracked.iter().find(|(tracked, _)| tracked == path).map(|(_, version)| version.clone());
            let versions = Versions { head: version.clone(), index: version, ..Versions::NOWHERE };
            self.read_path(path.clone(), versions)?;
        }
        Ok(())
    }

    fn read_path(&mut self, path: RepoPath, versions: Versions) -> Result<()> {
        let mut private = false;
        if self.tree.size(&path)?.is_some_and(|size| size > LARGEST_FILE) {
            self.skip(&path, format!("larger than {} GiB", LARGEST_FILE >> 30));
            return Ok(());
        }
        let read = match self.tree.read_steady(&path) {
            // One file that may not be read must not keep all others from being saved.
            Err(error) if self.also.is_empty() => {
                self.skip(&path, error.to_string());
                return Ok(());
            }
            read => read?,
        };
        let new = match read {
            None => {
                self.skip(&path, "it kept changing while it was read");
                return Ok(());
            }
            Some(Node::Special) => {
                self.skip(&path, "a socket, pipe or device");
                return Ok(());
            }
            // A folder where a file was: the file is gone, the folder's files are listed themselves.
            Some(Node::Missing | Node::Folder) => None,
            Some(Node::File { mode, permissions, bytes }) => {
                private = mode != Mode::Link && permissions & 0o077 == 0;
                Some((mode, bytes))
            }
        };
        match self.make_edit(&path, &versions, new)? {
            Ok(edit) => self.files.extend(edit.map(|edit| Edit { private, ..edit })),
            Err(reason) => self.skip(&path, reason),
        }
        Ok(())
    }

    /// Makes the entry of one path; `Err` with the reason why it can't be kept.
    fn make_edit(
        &mut self,
        path: &RepoPath,
        versions: &Versions,
        new: Option<(Mode, Vec<u8>)>,
    ) -> Result<std::result::Result<Option<Edit>, String>> {
        let old = versions.head.clone();
        let old_bytes = match &old {
            None => None,
            Some(version) => match self.blobs.read(&version.oid)? {
                Some(bytes) => Some(bytes),
                None => return Ok(Err(format!("the repository lacks its base version {}", version.oid))),
            },
        };
        let old_side =
            old.as_ref().zip(old_bytes.as_deref()).map(|(version, bytes)| Side { mode: version.mode, bytes });
        let hash = self.repository.hash();
        let new_version = new.as_ref().map(|(mode, bytes)| Version { oid: hash.blob_id(bytes), mode: *mode });
        let index = if !versions.stages.is_empty() {
            IndexState::Unmerged
        } else if versions.intent_to_add {
            IndexState::IntentToAdd
        } else if versions.index == old {
            IndexState::Unstaged
        } else if versions.index == new_version {
            IndexState::Staged
        } else {
            IndexState::Partly
        };
        if new_version == old && index == IndexState::Unstaged {
            return Ok(Ok(None));
        }
        let staged = match versions.index.clone().filter(|_| index == IndexState::Partly) {
            None => None,
            Some(version) => {
                let Some(bytes) = self.blobs.read(&version.oid)? else {
                    return Ok(Err(format!("the repository lacks its staged version {}", version.oid)));
                };
                let made = edit::make(old_side, Side { mode: version.mode, bytes: &bytes })?;
                let diff = made.map(|made| self.keep_diff(made, bytes.len())).transpose()?;
                Some(StagedVersion { version, diff })
            }
        };
        let (added, removed, diff) = match &new {
            None => (0, old_side.map_or(0, edit::line_count), None),
            Some((mode, bytes)) => match edit::make(old_side, Side { mode: *mode, bytes })? {
                None => (0, 0, None),
                Some(made) => (made.added, made.removed, Some(self.keep_diff(made, bytes.len())?)),
            },
        };
        let mut stages = Vec::new();
        for stage in &versions.stages {
            let Some(bytes) = self.blobs.read(&stage.version.oid)? else {
                return Ok(Err(format!("the repository lacks its unmerged version {}", stage.version.oid)));
            };
            let made = edit::make(old_side, Side { mode: stage.version.mode, bytes: &bytes })?;
            let diff = made.map(|made| self.keep_diff(made, bytes.len())).transpose()?;
            stages.push(StageVersion { stage: stage.number, version: stage.version.clone(), diff });
        }
        let change = match (&old, &new_version) {
            (None, Some(_)) => Change::Added,
            (Some(_), None) => Change::Deleted,
            (old, new) if old == new => Change::IndexOnly,
            _ => Change::Modified,
        };
        Ok(Ok(Some(Edit {
            change,
            old,
            new: new_version,
            index,
            staged,
            stages,
            hidden: versions.hidden,
            diff,
            added,
            removed,
            ..Edit::of(path.clone())
        })))
    }

    fn keep_diff(&self, made: edit::Made, size: usize) -> Result<Diff> {
        Ok(Diff { form: made.form, bytes: size as u64, content: self.store.keep(self.lock, &made.bytes)? })
    }

    fn skip(&mut self, path: &RepoPath, reason: impl Into<String>) {
        self.skipped.push(Skipped { path: path.to_string(), reason: reason.into() });
    }
}
