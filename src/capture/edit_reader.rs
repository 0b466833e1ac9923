//! Reads pending paths and makes their entries; several at once, on different paths.
//!
//! What one reads follows from the path alone, never from what another one found, so that the
//! order in which they work does not matter. Large files are read one at a time.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::beside::processors;
use super::untracked::Limits;
use crate::base::error::{Error, Kind, Result};
use crate::base::paths::RepoPath;
use crate::base::progress::Progress;
use crate::capture::previous_version::Earlier;
use crate::capture::renames::NewFile;
use crate::diff::renames::{self, Sketch};
use crate::git::{Blobs, Cleaning, Hidden, Pending, Repository, Stage, Status, Submodule};
use crate::manifest::{
    Bits, Change, Diff, Edit, HiddenBy, IndexState, Mode, Origin, Skipped, StageVersion, StagedVersion,
    Version,
};
use crate::redaction::{Noted, Redactor};
use crate::store::{AddLock, Store};
use crate::stored_patch::encoding::{self, Side};
use crate::sys::work_tree::{Node, Tree};

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
    pub(super) limits: Limits,
    pub(super) redactor: &'a Redactor,
    /// How files are converted on their way to git.
    pub(super) cleaning: Cleaning,
    /// What an earlier snapshot has of new files.
    pub(super) earlier: Earlier,
    pub(super) progress: &'a Progress,
    /// The bytes of new files that are held in memory.
    pub(super) held: AtomicUsize,
    /// Held while a large file is read and compared.
    pub(super) large: Mutex<()>,
}

/// What is to be read.
pub(super) enum Job {
    /// What git lists, and the mark that hides edits of that path.
    Pending(Pending, Option<HiddenBy>),
    /// A path whose edits git was told not to look for.
    Hidden(Hidden),
    /// A path that git did not list, and what the index has of it.
    Clean(RepoPath, Option<Version>),
    /// A new file of which it is known what it goes on from.
    New(RepoPath, Versions, Option<Content>),
}

/// What was read, in the order of the jobs.
#[derive(Default)]
pub(super) struct Part {
    pub(super) files: Vec<Edit>,
    /// Files that the base does not have, made last, when all that is gone is known; and what was
    /// read of them, unless that would hold too much: then it is read once more.
    pub(super) new_files: Vec<(NewFile, (Versions, Option<Content>))>,
    pub(super) skipped: Vec<Skipped>,
    /// Secrets that were taken out.
    pub(super) secrets: Vec<Noted>,
}

impl Part {
    pub(super) fn append(&mut self, mut other: Part) {
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
pub(super) struct Content {
    mode: Mode,
    /// Those of a file.
    permissions: Option<Bits>,
    pub(super) bytes: Vec<u8>,
    /// What git compares, if that is something else.
    pub(super) compared: Option<Vec<u8>>,
}

/// A version as it is stored.
pub(super) struct Kept {
    pub(super) version: Version,
    pub(super) diff: Option<Diff>,
    pub(super) added: u64,
    pub(super) removed: u64,
}

/// What HEAD, the index and the disk have of one path.
pub(super) struct Versions {
    head: Option<Version>,
    index: Option<Version>,
    intent_to_add: Option<Mode>,
    /// Whether git says that the disk differs from the index.
    edited: bool,
    stages: Vec<Stage>,
    hidden: Option<HiddenBy>,
    pub(super) origin: Option<(Change, Origin)>,
}

impl Versions {
    const NOWHERE: Versions = Versions {
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
    /// Does all jobs, on as many processors as there are; that takes the progress so many percent further.
    pub(super) fn read_all(&self, jobs: Vec<Job>, percent: Range<u64>) -> Result<Part> {
        let blocks = jobs.len().div_ceil(AT_ONCE) as u64;
        let threads = processors().min(jobs.len().div_ceil(AT_ONCE)).max(1);
        let mut jobs = jobs.into_iter();
        let queue = std::iter::from_fn(|| {
            let some: Vec<Job> = jobs.by_ref().take(AT_ONCE).collect();
            Some(some).filter(|some| !some.is_empty())
        });
        let queue = Mutex::new(queue.enumerate());
        let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
        let work = || -> Result<Vec<(usize, Part)>> {
            let mut parts = Vec::new();
            let mut reader = Reader { shared: self, blobs: self.repository.blobs(), part: Part::default() };
            while let Some((number, jobs)) = next() {
                self.progress.part(percent.clone(), number as u64, blocks);
                jobs.into_iter().try_for_each(|job| reader.read(job))?;
                parts.push((number, std::mem::take(&mut reader.part)));
            }
            Ok(parts)
        };
        let failed = |_| Err(Error::new(Kind::Bug, "A thread that reads files failed"));
        let done: Vec<Result<Vec<(usize, Part)>>> = std::thread::scope(|scope| {
            // Where no more threads can be had, those that are there do it all.
            let start = || std::thread::Builder::new().spawn_scoped(scope, work).ok();
            let others: Vec<_> = (1..threads).map_while(|_| start()).collect();
            let own = work();
            std::iter::once(own)
                .chain(others.into_iter().map(|other| other.join().unwrap_or_else(failed)))
                .collect()
        });
        let mut parts = Vec::new();
        for done in done {
            parts.append(&mut done?);
        }
        parts.sort_by_key(|(number, _)| *number);
        let mut all = Part::default();
        parts.into_iter().for_each(|(_, part)| all.append(part));
        Ok(all)
    }

    /// Keeps other large files from being read at the same time, if this one is large.
    fn alone(&self, size: Option<u64>) -> Option<MutexGuard<'_, ()>> {
        let large = size.is_some_and(|size| size > LARGE_FILE);
        large.then(|| self.large.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Reads paths, one after the other.
pub(super) struct Reader<'a> {
    pub(super) shared: &'a Shared<'a>,
    blobs: Blobs<'a>,
    pub(super) part: Part,
}

impl Reader<'_> {
    fn read(&mut self, job: Job) -> Result<()> {
        match job {
            Job::Pending(pending, hidden) => self.read_pending(pending, hidden),
            Job::Hidden(hidden) => self.read_hidden(hidden),
            Job::Clean(path, version) => {
                let versions = Versions { head: version.clone(), index: version, ..Versions::NOWHERE };
                self.read_path(path, versions)
            }
            Job::New(path, versions, held) => {
                let content = match held {
                    Some(content) => Some(content),
                    None => {
                        let size = self.shared.tree.size(&path)?;
                        let _alone = self.shared.alone(size);
                        let Some(content) = self.read_disk(&path, size)? else { return Ok(()) };
                        return self.make(&path, &versions, content);
                    }
                };
                self.make(&path, &versions, content)
            }
        }
    }

    fn read_pending(&mut self, entry: Pending, hidden: Option<HiddenBy>) -> Result<()> {
        let Pending { path, status } = entry;
        match status {
            Status::Tracked { head, index, intent_to_add, edited } => {
                let versions = Versions { head, index, intent_to_add, edited, hidden, ..Versions::NOWHERE };
                self.read_path(path, versions)
            }
            Status::Unmerged { head, stages } => {
                self.read_path(path, Versions { head, stages, ..Versions::NOWHERE })
            }
            Status::Untracked => match self.shared.tree.size(&path)? {
                Some(size) if size > self.shared.limits.file && !self.shared.also.contains(&path) => {
                    let most = match self.shared.limits.file {
                        bytes if bytes % (1 << 20) == 0 => format!("{} MiB", bytes >> 20),
                        bytes => format!("{bytes} bytes"),
                    };
                    let reason = format!(
                        "untracked, and larger than {most} ({size} bytes); `--include` or `--max-file` saves it"
                    );
                    self.part.skip(&path, reason);
                    Ok(())
                }
                _ => self.read_path(path, Versions::NOWHERE),
            },
            // Another work tree of this repository has its own state, and its own snapshots.
            Status::NestedRepository if self.shared.worktrees.contains(&self.shared.tree.absolute(&path)) => {
                Ok(())
            }
            Status::NestedRepository => {
                let path = format!("{path}/");
                self.part.skipped.push(Skipped { path, reason: "a repository of its own".to_owned() });
                Ok(())
            }
            Status::Submodule(submodule) => self.read_submodule(path, submodule),
        }
    }

    /// Keeps which commit of a submodule the index has. Its own files are another repository's.
    fn read_submodule(&mut self, path: RepoPath, submodule: Submodule) -> Result<()> {
        let Submodule { head, index, moved, edited } = submodule;
        let why = match (moved, edited) {
            (false, false) => None,
            (false, true) => Some("a submodule with edits of its own"),
            (true, false) => Some("a submodule with another commit checked out than is staged"),
            (true, true) => {
                Some("a submodule with edits of its own, and another commit checked out than is staged")
            }
        };
        if let Some(why) = why {
            // With the `/`, it is what lies in it that is left out, and not which commit is staged.
            let reason = format!("{why}; `snap save` inside it saves that");
            self.part.skipped.push(Skipped { path: format!("{path}/"), reason });
        }
        if !index.as_ref().is_some_and(Version::is_submodule) {
            return self.read_path(path, Versions { head, index, ..Versions::NOWHERE });
        }
        if head != index {
            let change = if head.is_some() { Change::Modified } else { Change::Added };
            let state = IndexState::Staged;
            self.part.files.push(Edit { change, old: head, new: index, index: state, ..Edit::of(path) });
        }
        Ok(())
    }

    /// Reads a path whose edits git was told not to look for.
    fn read_hidden(&mut self, hidden: Hidden) -> Result<()> {
        let Hidden { path, version, by } = hidden;
        let head = Some(version);
        self.read_path(path, Versions { index: head.clone(), head, hidden: Some(by), ..Versions::NOWHERE })
    }

    fn read_path(&mut self, path: RepoPath, versions: Versions) -> Result<()> {
        let size = self.shared.tree.size(&path)?;
        let _alone = self.shared.alone(size);
        let Some(content) = self.read_disk(&path, size)? else { return Ok(()) };
        let is_new = versions.head.is_none() && versions.stages.is_empty();
        match content {
            Some(content) if is_new && content.mode != Mode::Link && !content.bytes.is_empty() => {
                self.put_off(path, versions, content);
                Ok(())
            }
            content => self.make(&path, &versions, content),
        }
    }

    /// Reads what is on the disk; `None` if that can't be kept, and is in the list of those.
    #[expect(clippy::option_option, reason = "what can't be kept and what is gone are different answers")]
    fn read_disk(&mut self, path: &RepoPath, size: Option<u64>) -> Result<Option<Option<Content>>> {
        if size.is_some_and(|size| size > LARGEST_FILE) {
            self.part.skip(path, format!("larger than {} GiB", LARGEST_FILE >> 30));
            return Ok(None);
        }
        let read = match self.shared.tree.read_steady(path) {
            // One file that may not be read must not keep all others from being saved.
            Err(error) if self.shared.also.is_empty() => {
                self.part.skip(path, error.to_string());
                return Ok(None);
            }
            read => read?,
        };
        Ok(match read {
            None => {
                self.part.skip(path, "it kept changing while it was read");
                None
            }
            Some(Node::Special) => {
                self.part.skip(path, "a socket, pipe or device");
                None
            }
            // A folder where a file was: the file is gone, the folder's files are listed themselves.
            Some(Node::Missing | Node::Folder) => Some(None),
            Some(Node::File { mode, permissions, bytes }) => {
                let permissions = (mode != Mode::Link).then(|| Bits::of(permissions));
                let compared = match mode {
                    Mode::Link => None,
                    _ => self.shared.cleaning.compared(path, &bytes, &mut self.blobs)?,
                };
                Some(Some(Content { mode, permissions, bytes, compared }))
            }
        })
    }

    /// Keeps a new file for later, when it can be told from a renamed one.
    fn put_off(&mut self, path: RepoPath, versions: Versions, content: Content) {
        let staged = versions.index.as_ref().map(|version| version.oid.clone());
        let compared = content.compared.as_ref().unwrap_or(&content.bytes);
        let ids = std::iter::once(self.shared.repository.hash().blob_id(compared)).chain(staged).collect();
        let size = compared.len();
        let sketch = (size <= renames::LARGEST).then(|| Sketch::of(compared));
        let size = content.bytes.len() + content.compared.as_ref().map_or(0, Vec::len);
        let content = Some(content).filter(|_| self.shared.held.fetch_add(size, Relaxed) + size <= MOST_HELD);
        self.part.new_files.push((NewFile { path, ids, sketch }, (versions, content)));
    }

    /// Makes and keeps the entry of one path, given what is on the disk.
    fn make(&mut self, path: &RepoPath, versions: &Versions, content: Option<Content>) -> Result<()> {
        let bits = content.as_ref().and_then(|content| Some((content.mode, content.permissions?)));
        let private = bits.is_some_and(|(_, permissions)| permissions.private());
        let odd = |private: bool| bits.filter(|(mode, bits)| *bits != Bits::usual(*mode, private));
        let permissions = odd(private).map(|(_, permissions)| permissions);
        match self.make_edit(path, versions, content, odd(false).is_some())? {
            Ok(edit) => self.part.files.extend(edit.map(|edit| Edit { private, permissions, ..edit })),
            Err(reason) => self.part.skip(path, reason),
        }
        Ok(())
    }

    /// Makes the entry of one path; `Err` with the reason why it can't be kept.
    fn make_edit(
        &mut self,
        path: &RepoPath,
        versions: &Versions,
        new: Option<Content>,
        odd_permissions: bool,
    ) -> Result<std::result::Result<Option<Edit>, String>> {
        let old = versions.head.clone();
        let from = versions.origin.as_ref().map(|(_, origin)| origin.clone()).filter(|_| new.is_some());
        let base = from.as_ref().map(|origin| &origin.version).or(old.as_ref());
        let base_bytes = match base.filter(|version| !version.is_submodule()) {
            None => None,
            // A partial clone may lack it. No remote is asked: what goes on from it is kept whole.
            Some(version) => self.blobs.read_here(&version.oid)?,
        };
        let old_side =
            base.zip(base_bytes.as_deref()).map(|(version, bytes)| Side { mode: version.mode, bytes });
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
            return Ok(Ok(None));
        }
        let staged = match versions.index.clone().filter(|_| index == IndexState::Partly) {
            // The file's mode may have changed since it was meant to be added.
            None => versions
                .intent_to_add
                .filter(|mode| *mode != new_version.as_ref().map_or(Mode::File, |new| new.mode))
                .map(|mode| StagedVersion { version: Version { oid: hash.blob_id(b""), mode }, diff: None }),
            Some(version) if version.is_submodule() => Some(StagedVersion { version, diff: None }),
            Some(version) => {
                let Some(bytes) = self.blobs.read(&version.oid)? else {
                    return Ok(Err(format!("the repository lacks its staged version {}", version.oid)));
                };
                match self.keep_version(path, old_side, version, &bytes)? {
                    Ok(kept) => Some(StagedVersion { version: kept.version, diff: kept.diff }),
                    Err(reason) => return Ok(Err(reason)),
                }
            }
        };
        let mut stages = Vec::new();
        for stage in &versions.stages {
            if stage.version.is_submodule() {
                let (stage, version) = (stage.number, stage.version.clone());
                stages.push(StageVersion { stage, version, diff: None });
                continue;
            }
            let Some(bytes) = self.blobs.read(&stage.version.oid)? else {
                return Ok(Err(format!("the repository lacks its unmerged version {}", stage.version.oid)));
            };
            match self.keep_version(path, old_side, stage.version.clone(), &bytes)? {
                Ok(kept) => {
                    stages.push(StageVersion { stage: stage.number, version: kept.version, diff: kept.diff });
                }
                Err(reason) => return Ok(Err(reason)),
            }
        }
        let change = match (&old, &new_version) {
            (None, Some(_)) => versions.origin.as_ref().map_or(Change::Added, |(change, _)| *change),
            (Some(_), None) => Change::Deleted,
            (old, new) if old == new => Change::IndexOnly,
            _ => Change::Modified,
        };
        let (added, removed, new, diff) = match (&new, new_version) {
            (Some(new), Some(version)) => match self.keep_new(path, old_side, version, new)? {
                Ok(kept) => (kept.added, kept.removed, Some(kept.version), kept.diff),
                Err(reason) => return Ok(Err(reason)),
            },
            (_, version) => (0, old_side.map_or(0, encoding::line_count), version, None),
        };
        Ok(Ok(Some(Edit {
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
        })))
    }
}
