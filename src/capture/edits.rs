//! Captures the pending edits: each path that git lists, read from the disk byte for byte.
//!
//! The index and the work tree are captured apart. Work tree content is kept raw, as it is
//! on the disk, so that line end conversion and filters can't change it on the way. If the
//! repository changes while it is read, the whole is read again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::origins::{self, Bases, NewFile};
use super::untracked::{self, Limits};
use crate::edit::{self, Side};
use crate::error::{Error, Kind, Result};
use crate::git::{Blobs, Hidden, Index, Listing, Pending, Repository, Stage, Status, Submodule};
use crate::manifest::{
    Change, Diff, Edit, Edits, HiddenBy, IndexState, Mode, Origin, Skipped, StageVersion, StagedVersion,
    Version,
};
use crate::paths::RepoPath;
use crate::redaction::Redactor;
use crate::renames::{self, Sketch};
use crate::store::{AddLock, Store};
use crate::tree::{Node, STAGING, Tree};
use crate::workspace::{OwnFolders, Workspace};

/// Files over this many bytes are left out (and listed), tracked or not: they are read whole.
const LARGEST_FILE: u64 = 2 << 30;

/// The most bytes of new files that are held in memory until it is known what is gone.
const MOST_HELD: usize = 8 << 20;

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
    limits: Limits,
    redactor: &Redactor,
) -> Result<Captured> {
    let also = also.iter().cloned().collect();
    for _ in 0..TRIES {
        let before = repository.stamp();
        let listing = repository.status()?;
        let captured =
            Reader::new(workspace, repository, lock, &also, limits, redactor)?.read_all(listing)?;
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
    own_folders: OwnFolders,
    worktrees: Vec<PathBuf>,
    /// Paths that are captured whatever their size, even if git does not list them.
    also: &'a BTreeSet<RepoPath>,
    limits: Limits,
    redactor: &'a Redactor,
    files: Vec<Edit>,
    /// Files that the base does not have, made last, when all that is gone is known; and what was
    /// read of them, unless that would hold too much: then it is read once more.
    new_files: Vec<(NewFile, (Versions, Option<Content>))>,
    /// The bytes of them that are held in memory.
    held: usize,
    /// Marks that hide edits from git, of paths that are still to be read.
    hidden: BTreeMap<RepoPath, Hidden>,
    skipped: Vec<Skipped>,
}

/// What is on the disk of one path.
struct Content {
    mode: Mode,
    /// Whether only its owner may read it.
    private: bool,
    bytes: Vec<u8>,
}

/// A version as it is stored.
struct Kept {
    version: Version,
    diff: Option<Diff>,
    added: u64,
    removed: u64,
}

/// What HEAD, the index and the disk have of one path.
struct Versions {
    head: Option<Version>,
    index: Option<Version>,
    intent_to_add: Option<Mode>,
    stages: Vec<Stage>,
    hidden: Option<HiddenBy>,
    origin: Option<(Change, Origin)>,
}

impl Versions {
    const NOWHERE: Versions = Versions {
        head: None,
        index: None,
        intent_to_add: None,
        stages: Vec::new(),
        hidden: None,
        origin: None,
    };
}

impl<'a> Reader<'a> {
    fn new(
        workspace: &'a Workspace,
        repository: &'a Repository,
        lock: &'a AddLock,
        also: &'a BTreeSet<RepoPath>,
        limits: Limits,
        redactor: &'a Redactor,
    ) -> Result<Reader<'a>> {
        Ok(Reader {
            repository,
            tree: Tree::open(&workspace.root)?,
            blobs: repository.blobs(),
            store: &workspace.store,
            lock,
            own_folders: workspace.own_folders(),
            worktrees: repository.other_worktrees()?,
            also,
            limits,
            redactor,
            files: Vec::new(),
            new_files: Vec::new(),
            held: 0,
            hidden: BTreeMap::new(),
            skipped: Vec::new(),
        })
    }

    fn read_all(mut self, listing: Listing) -> Result<Captured> {
        let mut pending = listing.pending;
        pending.retain(|entry| !self.own_folders.hold(&entry.path));
        // What a restore that was killed has left in the tree is no edit of the user's.
        let (left, mut pending): (Vec<Pending>, Vec<Pending>) =
            pending.into_iter().partition(|entry| entry.path.as_bytes().starts_with(STAGING.as_bytes()));
        if let Some(left) = left.first() {
            self.skip(&left.path, "left by a restore that was killed; `snap rewind` to its safety snapshot brings the files back");
        }
        self.skipped.extend(untracked::leave_out_generated(&mut pending, self.also, self.limits.files));
        let bases: Bases = pending.iter().filter_map(origins::base_of).collect();
        self.hidden = listing.hidden.into_iter().map(|hidden| (hidden.path.clone(), hidden)).collect();
        // The stable sort keeps a deletion from the index before the untracked file of that name.
        pending.sort_by(|a, b| a.path.cmp(&b.path));
        let mut entries = pending.into_iter().peekable();
        while let Some(entry) = entries.next() {
            let kept_on_disk = |next: &Pending| next.path == entry.path && next.status == Status::Untracked;
            entries.next_if(kept_on_disk);
            self.read_pending(entry)?;
        }
        for hidden in std::mem::take(&mut self.hidden).into_values() {
            self.read_hidden(hidden)?;
        }
        self.read_clean(&listing.index)?;
        self.make_new_files(&listing.index, &bases)?;
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
        let hidden = self.hidden.remove(&path).map(|hidden| hidden.by);
        match status {
            Status::Tracked { head, index, intent_to_add, .. } => {
                self.read_path(path, Versions { head, index, intent_to_add, hidden, ..Versions::NOWHERE })
            }
            Status::Unmerged { head, stages } => {
                self.read_path(path, Versions { head, stages, ..Versions::NOWHERE })
            }
            Status::Untracked => match self.tree.size(&path)? {
                Some(size) if size > self.limits.file && !self.also.contains(&path) => {
                    let most = match self.limits.file {
                        bytes if bytes % (1 << 20) == 0 => format!("{} MiB", bytes >> 20),
                        bytes => format!("{bytes} bytes"),
                    };
                    let reason = format!(
                        "untracked, and larger than {most} ({size} bytes); `--include` or `--max-file` saves it"
                    );
                    self.skip(&path, reason);
                    Ok(())
                }
                _ => self.read_path(path, Versions::NOWHERE),
            },
            // Another work tree of this repository has its own state, and its own snapshots.
            Status::NestedRepository if self.worktrees.contains(&self.tree.absolute(&path)) => Ok(()),
            Status::NestedRepository => {
                let path = format!("{path}/");
                self.skipped.push(Skipped { path, reason: "a repository of its own".to_owned() });
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
            self.skipped.push(Skipped { path: format!("{path}/"), reason });
        }
        if !index.as_ref().is_some_and(Version::is_submodule) {
            return self.read_path(path, Versions { head, index, ..Versions::NOWHERE });
        }
        if head != index {
            let change = if head.is_some() { Change::Modified } else { Change::Added };
            let state = IndexState::Staged;
            self.files.push(Edit { change, old: head, new: index, index: state, ..Edit::of(path) });
        }
        Ok(())
    }

    /// Reads a path whose edits git was told not to look for.
    fn read_hidden(&mut self, hidden: Hidden) -> Result<()> {
        let Hidden { path, version, by } = hidden;
        // A sparse checkout leaves its files out: there is nothing to save.
        if by == HiddenBy::SkipWorktree && !self.also.contains(&path) && self.tree.size(&path)?.is_none() {
            return Ok(());
        }
        let head = Some(version);
        self.read_path(path, Versions { index: head.clone(), head, hidden: Some(by), ..Versions::NOWHERE })
    }

    /// Reads paths that git did not list: clean ones, which matter only if their bytes on
    /// the disk are not those of the blob, and ignored ones.
    fn read_clean(&mut self, index: &Index) -> Result<()> {
        let made = self.files.iter().map(|file| &file.path);
        let seen: BTreeSet<&RepoPath> =
            made.chain(self.new_files.iter().map(|(file, _)| &file.path)).collect();
        let is_open = |path: &&RepoPath| !seen.contains(path) && !self.own_folders.hold(path);
        let open: Vec<RepoPath> = self.also.iter().filter(is_open).cloned().collect();
        if open.is_empty() {
            return Ok(());
        }
        let wanted: BTreeSet<&[u8]> = open.iter().map(RepoPath::as_bytes).collect();
        let tracked: BTreeMap<RepoPath, Version> =
            index.versions(|path| wanted.contains(path)).into_iter().collect();
        for path in open {
            let version = tracked.get(&path).cloned();
            if version.as_ref().is_some_and(Version::is_submodule) {
                continue;
            }
            let versions = Versions { head: version.clone(), index: version, ..Versions::NOWHERE };
            self.read_path(path, versions)?;
        }
        Ok(())
    }

    fn read_path(&mut self, path: RepoPath, versions: Versions) -> Result<()> {
        let Some(content) = self.read_disk(&path)? else { return Ok(()) };
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
    fn read_disk(&mut self, path: &RepoPath) -> Result<Option<Option<Content>>> {
        if self.tree.size(path)?.is_some_and(|size| size > LARGEST_FILE) {
            self.skip(path, format!("larger than {} GiB", LARGEST_FILE >> 30));
            return Ok(None);
        }
        let read = match self.tree.read_steady(path) {
            // One file that may not be read must not keep all others from being saved.
            Err(error) if self.also.is_empty() => {
                self.skip(path, error.to_string());
                return Ok(None);
            }
            read => read?,
        };
        Ok(match read {
            None => {
                self.skip(path, "it kept changing while it was read");
                None
            }
            Some(Node::Special) => {
                self.skip(path, "a socket, pipe or device");
                None
            }
            // A folder where a file was: the file is gone, the folder's files are listed themselves.
            Some(Node::Missing | Node::Folder) => Some(None),
            Some(Node::File { mode, permissions, bytes }) => {
                let private = mode != Mode::Link && permissions & 0o077 == 0;
                Some(Some(Content { mode, private, bytes }))
            }
        })
    }

    /// Keeps a new file for later, when it can be told from a renamed one.
    fn put_off(&mut self, path: RepoPath, versions: Versions, content: Content) {
        let staged = versions.index.as_ref().map(|version| version.oid.clone());
        let ids = std::iter::once(self.repository.hash().blob_id(&content.bytes)).chain(staged).collect();
        let size = content.bytes.len();
        let sketch = (size <= renames::LARGEST).then(|| Sketch::of(&content.bytes));
        let content = Some(content).filter(|_| self.held + size <= MOST_HELD);
        self.held += content.as_ref().map_or(0, |content| content.bytes.len());
        self.new_files.push((NewFile { path, ids, sketch }, (versions, content)));
    }

    /// Makes the entries of new files, each against the base version that it goes on from.
    fn make_new_files(&mut self, index: &Index, bases: &Bases) -> Result<()> {
        let (files, held): (Vec<NewFile>, Vec<(Versions, Option<Content>)>) =
            std::mem::take(&mut self.new_files).into_iter().unzip();
        let is_gone = |edit: &&Edit| edit.new.is_none();
        let gone =
            self.files.iter().filter(is_gone).filter_map(|edit| Some((&edit.path, edit.old.as_ref()?)));
        let gone: Vec<(RepoPath, Version)> = gone.map(|(path, old)| (path.clone(), old.clone())).collect();
        let origins = origins::find(&files, &gone, index, bases, &mut self.blobs)?;
        for ((file, origin), (versions, held)) in files.into_iter().zip(origins).zip(held) {
            let content = match held {
                Some(content) => Some(content),
                None => match self.read_disk(&file.path)? {
                    Some(content) => content,
                    None => continue,
                },
            };
            self.make(&file.path, &Versions { origin, ..versions }, content)?;
        }
        Ok(())
    }

    /// Makes and keeps the entry of one path, given what is on the disk.
    fn make(&mut self, path: &RepoPath, versions: &Versions, content: Option<Content>) -> Result<()> {
        let private = content.as_ref().is_some_and(|content| content.private);
        let new = content.map(|content| (content.mode, content.bytes));
        match self.make_edit(path, versions, new)? {
            Ok(edit) => self.files.extend(edit.map(|edit| Edit { private, ..edit })),
            Err(reason) => self.skip(path, reason),
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
        let from = versions.origin.as_ref().map(|(_, origin)| origin.clone()).filter(|_| new.is_some());
        let base = from.as_ref().map(|origin| &origin.version).or(old.as_ref());
        let base_bytes = match base.filter(|version| !version.is_submodule()) {
            None => None,
            Some(version) => match self.blobs.read(&version.oid)? {
                Some(bytes) => Some(bytes),
                None => return Ok(Err(format!("the repository lacks its base version {}", version.oid))),
            },
        };
        let old_side =
            base.zip(base_bytes.as_deref()).map(|(version, bytes)| Side { mode: version.mode, bytes });
        let hash = self.repository.hash();
        let new_version = match &new {
            Some((mode, bytes)) => Some(Version { oid: hash.blob_id(bytes), mode: *mode }),
            // Of an unmerged submodule, only the stages are there to be kept.
            None if versions.stages.iter().any(|stage| stage.version.is_submodule()) => old.clone(),
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
        // A mark on a clean path is kept only where a restore is about to change it.
        let marked = versions.hidden.is_some() && self.also.contains(path);
        if new_version == old && index == IndexState::Unstaged && !marked {
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
            (Some((_, bytes)), Some(version)) => match self.keep_version(path, old_side, version, bytes)? {
                Ok(kept) => (kept.added, kept.removed, Some(kept.version), kept.diff),
                Err(reason) => return Ok(Err(reason)),
            },
            (_, version) => (0, old_side.map_or(0, edit::line_count), version, None),
        };
        Ok(Ok(Some(Edit {
            change,
            old,
            from,
            new,
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

    /// Stores a version as a diff to its base, without secrets; `Err` with the reason if it can't be.
    fn keep_version(
        &self,
        path: &RepoPath,
        old: Option<Side<'_>>,
        version: Version,
        bytes: &[u8],
    ) -> Result<std::result::Result<Kept, String>> {
        let new = Side { mode: version.mode, bytes };
        let is_link = |mode| mode == Mode::Link;
        if old.is_some_and(|old| old.bytes == bytes && is_link(old.mode) == is_link(new.mode)) {
            return Ok(Ok(Kept { version, diff: None, added: 0, removed: 0 }));
        }
        let clean = match self.redactor.version(path, old.map(|old| old.bytes), bytes) {
            Err(error) if error.kind() == Kind::Refused => return Ok(Err(error.to_string())),
            clean => clean?,
        };
        let (made, size, version, redaction) = match clean {
            None => (edit::make(old, new)?, bytes.len(), version, None),
            Some(clean) => {
                let old = old.zip(clean.old.as_deref()).map(|(old, bytes)| Side { bytes, ..old });
                let made = edit::make(old, Side { bytes: &clean.new, ..new })?;
                let oid = self.repository.hash().blob_id(&clean.new);
                (made, clean.new.len(), Version { oid, ..version }, Some(clean.redaction))
            }
        };
        let Some(made) = made else { return Ok(Ok(Kept { version, diff: None, added: 0, removed: 0 })) };
        let content = self.store.keep(self.lock, &made.bytes)?;
        let diff = Diff { form: made.form, bytes: size as u64, content, redaction };
        Ok(Ok(Kept { version, diff: Some(diff), added: made.added, removed: made.removed }))
    }

    fn skip(&mut self, path: &RepoPath, reason: impl Into<String>) {
        self.skipped.push(Skipped { path: path.to_string(), reason: reason.into() });
    }
}
