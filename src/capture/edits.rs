//! Captures the pending edits: each path that git lists, read from the disk byte for byte.
//!
//! The index and the work tree are captured apart. Work tree content is kept raw, as it is
//! on the disk, so that line end conversion and filters can't change it on the way. If the
//! repository changes while it is read, the whole is read again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;

use super::marks::{self, MarkedPaths};
use super::untracked::{self, Limits};
use crate::base::error::{Error, Kind, Result};
use crate::base::monitor::{Begun, Monitor, Phase};
use crate::base::paths::RepoPath;
use crate::capture::edit_reader::{DiskFile, EditsRead, PathVersions, ReadJob, Shared};
use crate::capture::previous_version::{self, Earlier};
use crate::capture::renames::{self, BaseVersions, NewFile};
use crate::capture::surroundings;
use crate::git::{Cleaning, Hidden, Index, Listing, Pending, Repository, Status};
use crate::manifest::{Edit, Edits, Skipped, Surroundings, Version};
use crate::redaction::Redactor;
use crate::store::AddLock;
use crate::sys::work_tree::{FilesRead, Tree, is_staging};
use crate::workspace::Workspace;

/// How often a repository that changes meanwhile is read again.
const TRIES: usize = 5;

/// The edits and the branch they are on.
pub(super) struct CapturedEdits {
    pub(super) edits: Edits,
    pub(super) branch: Option<String>,
    pub(super) around: Surroundings,
    /// What git said when it failed with content filters, so that files were compared by their bytes.
    pub(super) without_filters: Option<String>,
}

/// What is captured, and with what.
pub(super) struct EditsRequest<'a> {
    pub(super) repository: &'a Repository,
    /// What the repository has pending, just listed.
    pub(super) listing: Listing,
    pub(super) lock: &'a AddLock,
    /// Of these paths, whatever differs from HEAD on the disk is captured, even though git takes it for clean or ignores it.
    pub(super) also: &'a [RepoPath],
    /// What was read just now.
    pub(super) read: &'a FilesRead<'a>,
    pub(super) limits: Limits,
    pub(super) redactor: &'a Redactor,
    pub(super) monitor: &'a Monitor,
}

/// Captures everything pending in a repository.
pub(super) fn capture(workspace: &Workspace, request: EditsRequest<'_>) -> Result<CapturedEdits> {
    let EditsRequest { repository, listing, lock, also, read: files_read, limits, redactor, monitor } =
        request;
    let also = also.iter().cloned().collect();
    let mut listed = Some(listing);
    for _ in 0..TRIES {
        let listing = listed.take().map_or_else(|| repository.status(), Ok)?;
        let before = listing.stamp().clone();
        let mut shared = Shared {
            repository,
            cleaning: Cleaning::default(),
            earlier: Earlier::default(),
            tree: Tree::open(&workspace.root)?,
            store: &workspace.store,
            lock,
            worktrees: repository.other_worktrees()?,
            also: &also,
            files_read,
            limits,
            redactor,
            monitor,
            held: AtomicUsize::new(0),
            large: Mutex::default(),
        };
        let captured = read(&mut shared, workspace, listing)?;
        if repository.stamp() == before {
            return Ok(captured);
        }
    }
    Err(Error::new(Kind::Environment, format!("{} keeps changing", workspace.root.display()))
        .because("another git was working in it each time its state was read")
        .hint("wait for the other git to end, then run the command again"))
}

/// Reads everything that is listed, and makes the entries.
fn read(shared: &mut Shared<'_>, workspace: &Workspace, mut listing: Listing) -> Result<CapturedEdits> {
    let own_folders = &workspace.own_folders();
    let mut pending = std::mem::take(&mut listing.pending);
    pending.retain(|entry| !own_folders.hold(&entry.path));
    // What a restore that was killed has left in the tree is no edit of the user's.
    let (left, mut pending): (Vec<Pending>, Vec<Pending>) =
        pending.into_iter().partition(|entry| is_staging(&entry.path));
    let mut all = EditsRead::default();
    if let Some(left) = left.first() {
        all.skip(
            &left.path,
            "left by a restore that was killed; `snap rewind` to its safety snapshot restores the files, `snap status` says more",
        );
    }
    all.skipped.extend(untracked::leave_out_generated(&mut pending, shared.also, shared.limits.files));
    shared.cleaning = cleaning(shared, &pending, &listing)?;
    if previous_version::is_wanted(&shared.tree, &pending)? {
        shared.earlier = Earlier::of(workspace)?;
    }
    let shared = &*shared;
    let bases: BaseVersions = pending.iter().filter_map(renames::base_of).collect();
    let marked = marks::look(&shared.tree, &listing.index)?;
    let jobs = jobs(pending, listing.hidden, &marked);
    let reading = begin(shared, &jobs);
    let listed = shared.read_all(jobs)?;
    let seen = listed.files.iter().map(|file| &file.path);
    let seen: BTreeSet<&RepoPath> = seen.chain(listed.new_files.iter().map(|(file, _)| &file.path)).collect();
    let is_open = |path: &&RepoPath| !seen.contains(path) && !own_folders.hold(path);
    let open: Vec<RepoPath> = shared.also.iter().filter(is_open).cloned().collect();
    all.append(listed);
    let clean = clean(open, &listing.index);
    if !clean.is_empty() {
        let _also = begin(shared, &clean);
        all.append(shared.read_all(clean)?);
    }
    let new_files = new_files(shared, &mut all, &listing.index, &bases)?;
    all.append(shared.read_all(new_files)?);
    drop(reading);
    all.secrets.into_iter().for_each(|noted| shared.redactor.note(noted));
    for (path, reason) in listing.odd {
        all.skipped.push(Skipped { path: crate::base::screen::Line(&path).to_string(), reason });
    }
    all.files.sort_by(|a, b| a.path.cmp(&b.path));
    let edits = Edits {
        base: listing.head,
        object_format: shared.repository.hash(),
        files: all.files,
        skipped: all.skipped,
        marks: Some(shared.store.keep(shared.lock, &marked.list)?),
        operation: shared.repository.operation().map(str::to_owned),
        included: Vec::new(),
    };
    let around = surroundings::look(shared.repository, &shared.tree, own_folders, &listing.ignored)?;
    let (branch, without_filters) = (listing.branch, listing.without_filters);
    Ok(CapturedEdits { edits, branch, around, without_filters })
}

/// Begins the phase in which these jobs are done, and those that they leave for later.
fn begin<'a>(shared: &Shared<'a>, jobs: &[ReadJob]) -> Begun<'a> {
    let sizes = jobs.iter().map(|job| shared.tree.size(job.path()).ok().flatten().unwrap_or(0));
    shared.monitor.begin(Phase::Reading, Some(sizes.fold(0, u64::saturating_add)))
}

/// Finds out how the files that are about to be read are converted on their way to git.
fn cleaning(shared: &Shared<'_>, pending: &[Pending], listing: &Listing) -> Result<Cleaning> {
    let by_line_ends = pending.iter().filter(|entry| entry.status == Status::Untracked);
    let hidden = listing.hidden.iter().map(|hidden| &hidden.path);
    // No program runs over what git itself does not look at.
    let by_line_ends = by_line_ends.map(|entry| &entry.path).chain(hidden).chain(shared.also);
    let is_known = |status: &Status| matches!(status, Status::Tracked { .. } | Status::Unmerged { .. });
    let in_any_way = pending.iter().filter(|entry| is_known(&entry.status)).map(|entry| &entry.path);
    let paths: BTreeMap<&RepoPath, bool> =
        by_line_ends.map(|path| (path, false)).chain(in_any_way.map(|path| (path, true))).collect();
    shared.repository.cleaning(&paths, Some(&listing.index))
}

/// Orders what git lists by path, and what it was told not to look at after that.
fn jobs(mut pending: Vec<Pending>, hidden: Vec<Hidden>, marked: &MarkedPaths) -> Vec<ReadJob> {
    let mut hidden: BTreeMap<RepoPath, Hidden> =
        hidden.into_iter().map(|hidden| (hidden.path.clone(), hidden)).collect();
    // The stable sort keeps a deletion from the index before the untracked file of that name.
    pending.sort_by(|a, b| a.path.cmp(&b.path));
    let mut jobs = Vec::new();
    let mut entries = pending.into_iter().peekable();
    while let Some(entry) = entries.next() {
        let kept_on_disk = |next: &Pending| next.path == entry.path && next.status == Status::Untracked;
        entries.next_if(kept_on_disk);
        let by = hidden.remove(&entry.path).map(|hidden| hidden.by);
        jobs.push(ReadJob::Pending(entry, by));
    }
    hidden.retain(|path, _| !marked.left_out.contains(path));
    jobs.extend(hidden.into_values().map(ReadJob::Hidden));
    jobs
}

/// Orders paths that git did not list: clean ones, which matter only if their bytes on the disk
/// are not those of the blob, and ignored ones.
fn clean(open: Vec<RepoPath>, index: &Index) -> Vec<ReadJob> {
    if open.is_empty() {
        return Vec::new();
    }
    let wanted: BTreeSet<&[u8]> = open.iter().map(RepoPath::as_bytes).collect();
    let mut tracked: BTreeMap<RepoPath, Version> =
        index.versions(|path| wanted.contains(path)).into_iter().collect();
    let version = open.into_iter().map(|path| {
        let version = tracked.remove(&path);
        (path, version)
    });
    let files = version.filter(|(_, version)| !version.as_ref().is_some_and(Version::is_submodule));
    files.map(|(path, version)| ReadJob::Clean(path, version)).collect()
}

/// Takes the new files out of what was read, each with the base version that it goes on from.
fn new_files(
    shared: &Shared<'_>,
    all: &mut EditsRead,
    index: &Index,
    bases: &BaseVersions,
) -> Result<Vec<ReadJob>> {
    let (files, held): (Vec<NewFile>, Vec<(PathVersions, Option<DiskFile>)>) =
        std::mem::take(&mut all.new_files).into_iter().unzip();
    let is_gone = |edit: &&Edit| edit.new.is_none();
    let gone = all.files.iter().filter(is_gone).filter_map(|edit| Some((&edit.path, edit.old.as_ref()?)));
    let gone: Vec<(RepoPath, Version)> = gone.map(|(path, old)| (path.clone(), old.clone())).collect();
    let origins = renames::find(&files, &gone, index, bases, &mut shared.repository.blobs())?;
    let job = |((file, origin), (mut versions, held)): ((NewFile, _), (PathVersions, _))| {
        versions.origin = origin;
        ReadJob::New(file.path, versions, held)
    };
    Ok(files.into_iter().zip(origins).zip(held).map(job).collect())
}
