//! Reads pending paths and makes their entries; several at once, on different paths.
//!
//! What one reads follows from the path alone, never from what another one found, so that the
//! order in which they work does not matter. Large files are read one at a time.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard};

use super::untracked::{self, Limits};
use crate::base::error::{Error, Result};
use crate::base::monitor::{Monitor, Share};
use crate::base::paths::RepoPath;
use crate::capture::previous_version::Earlier;
use crate::capture::renames::NewFile;
use crate::diff::renames::{self, Sketch};
use crate::git::{Blobs, Cleaning, Hidden, Pending, Repository, Stage, Status, Submodule};
use crate::manifest::{
    Bits, Change, Diff, Edit, HiddenBy, IndexState, Mode, Origin, Skipped, StageVersion, StagedVersion,
    Version,
};
use crate::redaction::{Redactor, UnlistedSecret};
use crate::store::{AddLock, Store};
use crate::stored_patch::encoding::{self, PatchSide};
use crate::sys::parallel::{held, map_with, processors};
use crate::sys::work_tree::{FilesRead, Node, Tree};

/// Files over this many bytes are left out (and listed), tracked or not: they are read whole.
const LARGEST_FILE: u64 = 2 << 30;

/// Files over this many bytes are read while no other one of that size is.
const LARGE_FILE: u64 = 32 << 20;

/// The most bytes of new files that are held in memory until it is known what is gone.
const MOST_HELD: usize = 8 << 20;

/// How many paths are taken at a time.
const AT_ONCE: usize = 32;

/// What all readers of one capture share.
pub(super) struct Shared<'a> {
    pub(super) repository: &'a Repository,
    pub(super) tree: Tree,
    pub(super) store: &'a Store,
    pub(super) lock: &'a AddLock,
    pub(super) worktrees: Vec<PathBuf>,
    /// Paths that are captured whatever their size, even if git does not list them.
    pub(super) also: &'a BTreeSet<RepoPath>,
    pub(super) files_read: &'a FilesRead<'a>,
    pub(super) limits: Limits,
    pub(super) redactor: &'a Redactor,
    /// How files are converted on their way to git.
    pub(super) cleaning: Cleaning,
    /// What an earlier snapshot has of new files.
    pub(super) earlier: Earlier,
    pub(super) monitor: &'a Monitor,
    /// The bytes of new files that are held in memory.
    pub(super) held: AtomicUsize,
    /// Held while a large file is read and compared.
    pub(super) large: Mutex<()>,
}

/// What is to be read.
pub(super) enum ReadJob {
    /// What git lists, and the mark that hides edits of that path.
    Pending(Pending, Option<HiddenBy>),
    /// A path whose edits git was told not to look for.
    Hidden(Hidden),
    /// A path that git did not list, and what the index has of it.
    Clean(RepoPath, Option<Version>),
    /// A new file of which it is known what it goes on from.
    New(RepoPath, PathVersions, Option<DiskFile>),
}

impl ReadJob {
    pub(super) fn path(&self) -> &RepoPath {
        match self {
            ReadJob::Pending(pending, _) => &pending.path,
            ReadJob::Hidden(hidden) => &hidden.path,
            ReadJob::Clean(path, _) | ReadJob::New(path, ..) => path,
        }
    }
}

/// What was read, in the order of the jobs.
#[derive(Default)]
pub(super) struct EditsRead {
    pub(super) files: Vec<Edit>,
    /// Files that the base does not have, made last, when all that is gone is known; and what was
    /// read of them, unless that would hold too much: then it is read once more.
    pub(super) new_files: Vec<(NewFile, (PathVersions, Option<DiskFile>))>,
    pub(super) skipped: Vec<Skipped>,
    /// Secrets that were taken out.
    pub(super) secrets: Vec<UnlistedSecret>,
}

impl EditsRead {
    pub(super) fn append(&mut self, mut other: EditsRead) {
        self.files.append(&mut other.files);
        self.new_files.append(&mut other.new_files);
        self.skipped.append(&mut other.skipped);
        self.secrets.append(&mut other.secrets);
    }

    pub(super) fn skip(&mut self, path: &RepoPath, reason: impl Into<String>) {
        self.skipped.push(Skipped { path: path.to_string(), reason: reason.into() });
    }
}

/// What is on the disk of one path.
pub(super) struct DiskFile {
    mode: Mode,
    /// Those of a file.
    permissions: Option<Bits>,
    pub(super) bytes: Vec<u8>,
    /// What git compares, if that is something else.
    pub(super) compared: Option<Vec<u8>>,
}

/// Why nothing of a path is kept.
pub(super) enum NotKept {
    /// It alone is left out, for this reason.
    Skipped(String),
    /// Nothing can be saved.
    Failed(Error),
}

/// What is kept of a path, or why nothing is.
pub(super) type Keeping<T> = std::result::Result<T, NotKept>;

impl From<Error> for NotKept {
    fn from(error: Error) -> NotKept {
        NotKept::Failed(error)
    }
}

/// A version as it is stored.
pub(super) struct StoredVersion {
    pub(super) version: Version,
    pub(super) diff: Option<Diff>,
    pub(super) added: u64,
    pub(super) removed: u64,
}

/// What HEAD, the index and the disk have of one path.
pub(super) struct PathVersions {
    head: Option<Version>,
    index: Option<Version>,
    intent_to_add: Option<Mode>,
    /// Whether git says that the disk differs from the index.
    edited: bool,
    stages: Vec<Stage>,
    hidden: Option<HiddenBy>,
    pub(super) origin: Option<(Change, Origin)>,
}

impl PathVersions {
    const NOWHERE: PathVersions = PathVersions {
        head: None,
        index: None,
        intent_to_add: None,
        edited: false,
        stages: Vec::new(),
        hidden: None,
        origin: None,
    };
}

impl Shared<'_> {
    /// Does all jobs, on as many processors as there are; the monitor is told of each file's bytes.
    pub(super) fn read_all(&self, jobs: Vec<ReadJob>) -> Result<EditsRead> {
        let threads = processors().min(jobs.len().div_ceil(AT_ONCE));
        let mut jobs = jobs.into_iter();
        let queue = std::iter::from_fn(move || {
            let some: Vec<ReadJob> = jobs.by_ref().take(AT_ONCE).collect();
            Some(some).filter(|some| !some.is_empty())
        });
        let start = || EditReader {
            shared: self,
            blobs: self.repository.blobs(),
            part: EditsRead::default(),
            file: None,
        };
        let parts = map_with(threads, queue, start, |reader, jobs| {
            jobs.into_iter().try_for_each(|job| reader.read(job))?;
            reader.file = None;
            Ok(std::mem::take(&mut reader.part))
        });
        let mut all = EditsRead::default();
        parts?.into_iter().for_each(|part| all.append(part));
        Ok(all)
    }

    /// Keeps other large files from being read at the same time, if this one is large.
    fn alone(&self, size: Option<u64>) -> Option<MutexGuard<'_, ()>> {
        let large = size.is_some_and(|size| size > LARGE_FILE);
        large.then(|| held(&self.large))
    }
}

/// Reads paths, one after the other.
pub(super) struct EditReader<'a> {
    pub(super) shared: &'a Shared<'a>,
    blobs: Blobs<'a>,
    pub(super) part: EditsRead,
    /// What the monitor is told of the file that is at hand.
    pub(super) file: Option<Share<'a>>,
}

impl EditReader<'_> {
    fn read(&mut self, job: ReadJob) -> Result<()> {
        match job {
            ReadJob::Pending(pending, hidden) => self.read_pending(pending, hidden),
            ReadJob::Hidden(Hidden { path, version, by }) => {
                let (head, hidden) = (Some(version), Some(by));
                self.read_path(
                    path,
                    PathVersions { index: head.clone(), head, hidden, ..PathVersions::NOWHERE },
                )
            }
            ReadJob::Clean(path, version) => {
                let versions =
                    PathVersions { head: version.clone(), index: version, ..PathVersions::NOWHERE };
                self.read_path(path, versions)
            }
            ReadJob::New(path, versions, Some(file)) => {
                self.begin_file(file.bytes.len() as u64, Some(true));
                self.keep(&path, &versions, Some(file))
            }
            ReadJob::New(path, versions, None) => {
                self.with_file(&path, true, |reader, file| reader.keep(&path, &versions, file))
            }
        }
    }

    fn read_pending(&mut self, entry: Pending, hidden: Option<HiddenBy>) -> Result<()> {
        let Pending { path, status } = entry;
        match status {
            Status::Tracked { head, index, intent_to_add, edited } => {
                let versions =
                    PathVersions { head, index, intent_to_add, edited, hidden, ..PathVersions::NOWHERE };
                self.read_path(path, versions)
            }
            Status::Unmerged { head, stages } => {
                self.read_path(path, PathVersions { head, stages, ..PathVersions::NOWHERE })
            }
            Status::Untracked => match self.shared.tree.size(&path)? {
                Some(size) if size > self.shared.limits.file && !self.shared.also.contains(&path) => {
                    let reason = untracked::too_large(size, self.shared.limits);
                    self.part.skip(&path, reason);
                    Ok(())
                }
                _ => self.read_path(path, PathVersions::NOWHERE),
            },
            // Another work tree of this repository has its own state, and its own snapshots.
            Status::NestedRepository if self.shared.worktrees.contains(&self.shared.tree.absolute(&path)) => {
                Ok(())
            }
            Status::NestedRepository => {
                let path = format!("{path}/");
                self.part.skipped.push(Skipped { path, reason: "a separate repository".to_owned() });
                Ok(())
            }
            Status::Submodule(submodule) => self.read_submodule(path, submodule),
        }
    }

    /// Keeps which commit of a submodule the index has. Its own files are another repository's.
    fn read_submodule(&mut self, path: RepoPath, submodule: Submodule) -> Result<()> {
        for reason in submodule.left_out() {
            // With the `/`, it is what lies in it that is left out, and not which commit is staged.
            self.part.skipped.push(Skipped { path: format!("{path}/"), reason });
        }
        let Submodule { head, index, replaced, .. } = submodule;
        let is_one = index.as_ref().is_some_and(Version::is_submodule);
        if !is_one || replaced {
            return self.read_path(path, PathVersions { head, index, ..PathVersions::NOWHERE });
        }
        if head != index {
            let change = if head.is_some() { Change::Modified } else { Change::Added };
            let state = IndexState::Staged;
            self.part.files.push(Edit { change, old: head, new: index, index: state, ..Edit::of(path) });
        }
        Ok(())
    }

    fn read_path(&mut self, path: RepoPath, versions: PathVersions) -> Result<()> {
        let is_new = versions.head.is_none() && versions.stages.is_empty();
        self.with_file(&path.clone(), false, |reader, file| match file {
            Some(file) if is_new && file.mode != Mode::Link && !file.bytes.is_empty() => {
                reader.put_off(path, versions, file);
                Ok(())
            }
            file => reader.keep(&path, &versions, file),
        })
    }

    /// Does something with what is on the disk, if that can be kept; `again`: it was read before.
    fn with_file(
        &mut self,
        path: &RepoPath,
        again: bool,
        work: impl FnOnce(&mut Self, Option<DiskFile>) -> Result<()>,
    ) -> Result<()> {
        let size = self.shared.tree.size(path)?;
        let _alone = self.shared.alone(size);
        self.begin_file(size.unwrap_or(0), again.then_some(false));
        match self.read_disk(path, size) {
            Ok(file) => work(self, file),
            Err(not_kept) => self.list(path, not_kept),
        }
    }

    /// Lists what is not kept, if that is no reason to fail.
    fn list(&mut self, path: &RepoPath, not_kept: NotKept) -> Result<()> {
        match not_kept {
            NotKept::Skipped(reason) => {
                self.part.skip(path, reason);
                Ok(())
            }
            NotKept::Failed(error) => Err(error),
        }
    }

    /// Reads what is on the disk; `None` if nothing is.
    fn read_disk(&mut self, path: &RepoPath, size: Option<u64>) -> Keeping<Option<DiskFile>> {
        let skipped = |reason: &str| Err(NotKept::Skipped(reason.to_owned()));
        if size.is_some_and(|size| size > LARGEST_FILE) {
            return skipped(&format!("larger than {} GiB", LARGEST_FILE >> 30));
        }
        let known = self.shared.files_read.get(path).copied();
        let read = match self.shared.tree.read_steady_again(path, known, &mut |more| self.tell(more)) {
            // One file that may not be read must not keep all others from being saved.
            Err(error) if !self.shared.also.contains(path) => return skipped(&error.to_string()),
            read => read?,
        };
        match read {
            None => skipped("it kept changing while it was read"),
            Some(Node::Special) => skipped("a socket, pipe or device"),
            // A folder where a file was: the file is gone, the folder's files are listed themselves.
            Some(Node::Missing | Node::Folder) => Ok(None),
            Some(Node::File { mode: mode @ Mode::Link, bytes, .. }) => {
                Ok(Some(DiskFile { mode, permissions: None, bytes, compared: None }))
            }
            Some(Node::File { mode, permissions, bytes }) => {
                let permissions = Some(Bits::of(permissions));
                let compared = self.shared.cleaning.compared(path, &bytes, &mut self.blobs)?;
                Ok(Some(DiskFile { mode, permissions, bytes, compared }))
            }
        }
    }

    /// Keeps a new file for later, when it can be told from a renamed one.
    fn put_off(&mut self, path: RepoPath, versions: PathVersions, content: DiskFile) {
        let staged = versions.index.as_ref().map(|version| version.oid.clone());
        let compared = content.compared.as_ref().unwrap_or(&content.bytes);
        let ids = std::iter::once(self.shared.repository.hash().blob_id(compared)).chain(staged).collect();
        self.file.iter_mut().for_each(Share::leave);
        let size = compared.len();
        let sketch = (size <= renames::LARGEST).then(|| Sketch::of(compared));
        let size = content.bytes.len() + content.compared.as_ref().map_or(0, Vec::len);
        let content = Some(content).filter(|_| self.shared.held.fetch_add(size, Relaxed) + size <= MOST_HELD);
        self.part.new_files.push((NewFile { path, ids, sketch }, (versions, content)));
    }

    /// Makes and keeps the entry of one path, given what is on the disk.
    fn keep(&mut self, path: &RepoPath, versions: &PathVersions, content: Option<DiskFile>) -> Result<()> {
        let bits = content.as_ref().and_then(|content| Some((content.mode, content.permissions?)));
        let private = bits.is_some_and(|(_, permissions)| permissions.private());
        let odd = |private: bool| bits.filter(|(mode, bits)| *bits != Bits::usual(*mode, private));
        let permissions = odd(private).map(|(_, permissions)| permissions);
        match self.make_edit(path, versions, content, odd(false).is_some()) {
            Ok(edit) => {
                self.part.files.extend(edit.map(|edit| Edit { private, permissions, ..edit }));
                Ok(())
            }
            Err(not_kept) => self.list(path, not_kept),
        }
    }

    /// Makes the entry of one path; `None` if it is as committed.
    fn make_edit(
        &mut self,
        path: &RepoPath,
        versions: &PathVersions,
        new: Option<DiskFile>,
        odd_permissions: bool,
    ) -> Keeping<Option<Edit>> {
        let old = versions.head.clone();
        let from = versions.origin.as_ref().map(|(_, origin)| origin.clone()).filter(|_| new.is_some());
        let base = from.as_ref().map(|origin| &origin.version).or(old.as_ref());
        let base_bytes = match base.filter(|version| !version.is_submodule()) {
            None => None,
            // A partial clone may lack it. No remote is asked: what goes on from it is kept whole.
            Some(version) => self.blobs.read_here(&version.oid)?,
        };
        let old_side =
            base.zip(base_bytes.as_deref()).map(|(version, bytes)| PatchSide { mode: version.mode, bytes });
        let hash = self.shared.repository.hash();
        let new_version = match &new {
            Some(new) => Some(Version { oid: hash.blob_id(&new.bytes), mode: new.mode }),
            // Of an unmerged submodule, only the stages are there to be kept.
            None if versions.stages.iter().any(|stage| stage.version.is_submodule()) => {
                old.clone().filter(Version::is_submodule)
            }
            None => None,
        };
        let index = if !versions.stages.is_empty() {
            IndexState::Unmerged
        } else if versions.intent_to_add.is_some() {
            IndexState::IntentToAdd
        } else if versions.index == old {
            IndexState::Unstaged
        } else if versions.index == new_version {
            IndexState::Staged
        } else {
            IndexState::Partly
        };
        // Who may read a clean path is kept only where a restore is about to change it.
        let odd = odd_permissions && self.shared.also.contains(path);
        // Where git sees an edit in the very bytes of the base, it would convert them: a checkout writes others.
        if new_version == old && index == IndexState::Unstaged && !odd && !versions.edited {
            return Ok(None);
        }
        // Git looks at the index alone there.
        let is_left_out = new_version.is_none() && versions.hidden.is_some_and(HiddenBy::skips_work_tree);
        let mut staged_lines = None;
        let staged = match versions.index.clone().filter(|_| index == IndexState::Partly) {
            // The file's mode may have changed since it was meant to be added.
            None => versions
                .intent_to_add
                .filter(|mode| *mode != new_version.as_ref().map_or(Mode::File, |new| new.mode))
                .map(|mode| StagedVersion { version: Version { oid: hash.blob_id(b""), mode }, diff: None }),
            Some(version) if version.is_submodule() => Some(StagedVersion { version, diff: None }),
            Some(version) => {
                let bytes = self.blob(&version, "staged")?;
                let kept = self.keep_version(path, old_side, version, &bytes)?;
                staged_lines = Some((kept.added, kept.removed)).filter(|_| is_left_out);
                Some(StagedVersion { version: kept.version, diff: kept.diff })
            }
        };
        let mut stages = Vec::new();
        for stage in &versions.stages {
            let (stage, version) = (stage.number, stage.version.clone());
            if version.is_submodule() {
                stages.push(StageVersion { stage, version, diff: None });
                continue;
            }
            let bytes = self.blob(&version, "unmerged")?;
            let StoredVersion { version, diff, .. } = self.keep_version(path, old_side, version, &bytes)?;
            stages.push(StageVersion { stage, version, diff });
        }
        let in_sight = staged.as_ref().filter(|_| is_left_out).map(|staged| &staged.version);
        let change = match (&old, in_sight.or(new_version.as_ref())) {
            (None, Some(_)) => versions.origin.as_ref().map_or(Change::Added, |(change, _)| *change),
            (Some(_), None) => Change::Deleted,
            (old, new) if old.as_ref() == new => Change::IndexOnly,
            _ => Change::Modified,
        };
        let (added, removed, new, diff) = match (&new, new_version) {
            (Some(new), Some(version)) => {
                let kept = self.keep_new(path, old_side, version, new)?;
                (kept.added, kept.removed, Some(kept.version), kept.diff)
            }
            (_, version) => {
                let (added, removed) =
                    staged_lines.unwrap_or_else(|| (0, old_side.map_or(0, encoding::line_count)));
                (added, removed, version, None)
            }
        };
        Ok(Some(Edit {
            change,
            old,
            from,
            new,
            index,
            staged,
            stages,
            hidden: versions.hidden.map(HiddenBy::alone),
            diff,
            added,
            removed,
            ..Edit::of(path.clone())
        }))
    }

    /// Reads a version of the index.
    fn blob(&mut self, version: &Version, what: &str) -> Keeping<Vec<u8>> {
        let lacks = || NotKept::Skipped(format!("the repository lacks its {what} version {}", version.oid));
        self.blobs.read(&version.oid)?.ok_or_else(lacks)
    }
}
