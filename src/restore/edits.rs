//! Plans what each edited path becomes, and finds out whether it may.
//!
//! `resume` sets a path only if it is here as it was in the snapshot's base, untouched; a
//! path that is already as saved is left alone; anything else is a conflict, and then
//! nothing is done at all.

use std::collections::{BTreeMap, BTreeSet};

use crate::edit;
use crate::error::{Error, Kind, Result};
use crate::git::index::IndexEntry;
use crate::git::{Blobs, Repository, Status};
use crate::manifest::{Diff, Edit, Edits, IndexState, Mode, Version};
use crate::paths::RepoPath;
use crate::store::Store;
use crate::tree::{Node, Tree};
use crate::workspace::Workspace;

/// The most conflicts that are listed one by one.
const MOST_LISTED: usize = 20;

/// What happens to one path.
pub struct Step {
    pub(super) path: RepoPath,
    /// On the disk now, to be checked again right before it is replaced.
    pub(super) here: Option<Version>,
    pub(super) work: Work,
    pub(super) index: Option<IndexEntry>,
    /// A blob that the index will name and the repository may not have.
    pub(super) blob: Option<(String, Vec<u8>)>,
    lines: (u64, u64),
}

/// What becomes of the file on the disk.
pub(super) enum Work {
    Keep,
    Set(Mode, Vec<u8>),
    Remove,
}

/// What a step does, for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Creates the file.
    Create,
    /// Replaces it.
    Replace,
    /// Removes it.
    Remove,
    /// Leaves it; only the index changes.
    Index,
}

impl Step {
    /// Returns the path.
    pub fn path(&self) -> &RepoPath {
        &self.path
    }

    /// Returns what happens to the file.
    pub fn action(&self) -> Action {
        match (&self.work, &self.here) {
            (Work::Keep, _) => Action::Index,
            (Work::Remove, _) => Action::Remove,
            (Work::Set(..), None) => Action::Create,
            (Work::Set(..), Some(_)) => Action::Replace,
        }
    }

    /// Returns the lines added and removed against the base.
    pub fn lines(&self) -> (u64, u64) {
        self.lines
    }
}

/// The steps of a plan.
pub(super) struct Steps {
    pub(super) steps: Vec<Step>,
    pub(super) unchanged: usize,
    pub(super) notes: Vec<String>,
}

/// Plans to set the edited paths, and only those that nothing here speaks against.
pub(super) fn plan(workspace: &Workspace, repository: &Repository, saved: &Edits) -> Result<Steps> {
    check_restorable(workspace, repository, saved)?;
    let paths: BTreeSet<&RepoPath> = saved.files.iter().map(|edit| &edit.path).collect();
    let (head, here) = look(workspace, repository, &paths)?;
    let mut notes = Vec::new();
    if head != saved.base && !saved.files.is_empty() {
        let name = |commit: &Option<String>| {
            commit.as_deref().map_or("no commit".to_owned(), |id| id[..id.len().min(10)].to_owned())
        };
        notes.push(format!(
            "HEAD is at {}, the snapshot was made on {}: the edited files are the same in both.",
            name(&head),
            name(&saved.base)
        ));
    }
    let conflicts: Vec<(&RepoPath, &str)> = saved
        .files
        .iter()
        .filter_map(|edit| Some((&edit.path, conflict(edit, &here[&edit.path])?)))
        .collect();
    if !conflicts.is_empty() {
        return Err(conflict_error(&conflicts));
    }
    let mut maker = Maker { store: &workspace.store, blobs: repository.blobs(), repository };
    let mut steps = Vec::new();
    for edit in &saved.files {
        steps.extend(maker.step(edit, &here[&edit.path])?);
    }
    Ok(Steps { unchanged: saved.files.len() - steps.len(), steps, notes })
}

/// Plans to put `paths` back to what a safety snapshot has, whatever they are now.
pub(super) fn plan_back(
    workspace: &Workspace,
    repository: &Repository,
    saved: &Edits,
    paths: &[RepoPath],
) -> Result<Steps> {
    let wanted: BTreeSet<&RepoPath> = paths.iter().collect();
    let (head, here) = look(workspace, repository, &wanted)?;
    if head != saved.base {
        let then = saved.base.as_deref().unwrap_or("an unborn branch");
        return Err(Error::new(Kind::Conflict, "Cannot undo the last restore")
            .because(format!("HEAD has moved since: it was at {then}"))
            .hint(format!(
                "go back with `git switch --detach {then}`, then `snap undo`; nothing was changed"
            )));
    }
    let mut maker = Maker { store: &workspace.store, blobs: repository.blobs(), repository };
    let mut steps = Vec::new();
    for path in paths {
        let here = &here[path];
        let edit = saved.files.iter().find(|edit| edit.path == *path);
        steps.extend(match edit {
            Some(edit) => maker.step(edit, here)?,
            None => maker.step(&clean(path, here.head.clone()), here)?,
        });
    }
    Ok(Steps { unchanged: paths.len() - steps.len(), steps, notes: Vec::new() })
}

/// The entry of a path that was as in HEAD.
fn clean(path: &RepoPath, head: Option<Version>) -> Edit {
    Edit {
        path: path.clone(),
        change: crate::manifest::Change::IndexOnly,
        old: head.clone(),
        new: head,
        index: IndexState::Unstaged,
        staged: None,
        diff: None,
        added: 0,
        removed: 0,
    }
}

fn check_restorable(workspace: &Workspace, repository: &Repository, saved: &Edits) -> Result<()> {
    use std::os::unix::ffi::OsStrExt as _;
    if saved.object_format != repository.hash() && !saved.files.is_empty() {
        return Err(Error::new(Kind::Refused, "Cannot restore the pending edits here")
            .because("this repository names its objects in another way (SHA-1 or SHA-256)")
            .hint("run it in a clone of the repository that was saved, or use `--no-edits`"));
    }
    let own = workspace.store_in_root().and_then(|path| RepoPath::new(path.as_os_str().as_bytes()).ok());
    for edit in &saved.files {
        if own.as_ref().is_some_and(|own| edit.path.is_in(own)) {
            return Err(Error::new(Kind::Damaged, format!("Cannot restore {}", edit.path))
                .because("it lies in the store of the snapshots themselves"));
        }
        if edit.index == IndexState::Unmerged {
            return Err(Error::new(Kind::Refused, format!("Cannot restore {}", edit.path))
                .because("it was in the middle of a merge, which this version can't restore")
                .hint("`--no-edits` restores the conversation alone; nothing was changed"));
        }
    }
    Ok(())
}

/// What is here of one path.
struct Here {
    head: Option<Version>,
    index: IndexEntry,
    work: Option<Version>,
    /// Whether git lists it: changed, staged, untracked or unmerged.
    pending: bool,
}

/// Looks at the paths as they are here; also returns HEAD's commit.
fn look<'a>(
    workspace: &Workspace,
    repository: &Repository,
    paths: &BTreeSet<&'a RepoPath>,
) -> Result<(Option<String>, BTreeMap<&'a RepoPath, Here>)> {
    let listing = repository.status()?;
    let tree = Tree::open(&workspace.root)?;
    let by_bytes: BTreeMap<&[u8], &'a RepoPath> = paths.iter().map(|path| (path.as_bytes(), *path)).collect();
    let mut found: BTreeMap<&'a RepoPath, Here> = BTreeMap::new();
    for (path, version) in repository.index_versions(|path| by_bytes.contains_key(path))? {
        if let Some(path) = by_bytes.get(path.as_bytes()) {
            let index = IndexEntry::Blob(version.clone());
            found.insert(path, Here { head: Some(version), index, work: None, pending: false });
        }
    }
    for pending in listing.pending {
        let Some(path) = by_bytes.get(pending.path.as_bytes()) else { continue };
        let (head, index) = match pending.status {
            Status::Tracked { head, intent_to_add: true, .. } => (head, IndexEntry::IntentToAdd),
            Status::Tracked { head, index, .. } => (head, index.map_or(IndexEntry::Absent, IndexEntry::Blob)),
            Status::Unmerged { head, .. } => (head, IndexEntry::Absent),
            // Behind a deletion from the index, the same path is listed once more as untracked.
            _ => (found.get(path).and_then(|here| here.head.clone()), IndexEntry::Absent),
        };
        found.insert(path, Here { head, index, work: None, pending: true });
    }
    for path in paths {
        let here = found.entry(path).or_insert(Here {
            head: None,
            index: IndexEntry::Absent,
            work: None,
            pending: false,
        });
        if let Node::File { mode, bytes } = tree.read(path)? {
            here.work = Some(Version { oid: repository.hash().blob_id(&bytes), mode });
        }
    }
    Ok((listing.head, found))
}

/// Says what speaks against setting a path, if anything does.
fn conflict(edit: &Edit, here: &Here) -> Option<&'static str> {
    if here.head != edit.old {
        return Some("HEAD has another version of it than the snapshot's base");
    }
    if here.work == edit.new {
        return None;
    }
    match (here.pending, &here.head, &here.work) {
        (true, Some(_), _) => Some("it is edited here"),
        (true, None, _) => Some("a new file of that name is here"),
        (false, None, Some(_)) => Some("an ignored file of that name is here"),
        (false, _, _) => None,
    }
}

fn conflict_error(conflicts: &[(&RepoPath, &str)]) -> Error {
    let mut listed: Vec<String> =
        conflicts.iter().take(MOST_LISTED).map(|(path, why)| format!("\n  {path}: {why}")).collect();
    if conflicts.len() > MOST_LISTED {
        listed.push(format!("\n  and {} more", conflicts.len() - MOST_LISTED));
    }
    Error::new(Kind::Conflict, "The snapshot's edits and this work tree disagree; nothing was changed")
        .because(listed.concat())
        .hint("save this tree (`snap save`) and put those files back first, or restore in a fresh worktree or clone")
}

fn index_of(edit: &Edit) -> IndexEntry {
    let entry = |version: Option<&Version>| version.cloned().map_or(IndexEntry::Absent, IndexEntry::Blob);
    match edit.index {
        IndexState::Unstaged => entry(edit.old.as_ref()),
        IndexState::Staged => entry(edit.new.as_ref()),
        IndexState::Partly => entry(edit.staged.as_ref().map(|staged| &staged.version)),
        IndexState::IntentToAdd => IndexEntry::IntentToAdd,
        IndexState::Unmerged => IndexEntry::Absent,
    }
}

struct Maker<'a> {
    store: &'a Store,
    blobs: Blobs<'a>,
    repository: &'a Repository,
}

impl Maker<'_> {
    /// Makes the step that sets a path to what an edit says; `None` if it is so already.
    fn step(&mut self, edit: &Edit, here: &Here) -> Result<Option<Step>> {
        let target = index_of(edit);
        let index = (target != here.index).then_some(target);
        if index.is_none() && here.work == edit.new {
            return Ok(None);
        }
        let work = match &edit.new {
            new if *new == here.work => Work::Keep,
            None => Work::Remove,
            Some(version) => Work::Set(version.mode, self.content(edit, version, edit.diff.as_ref())?),
        };
        let blob = match (&index, &edit.staged) {
            (Some(IndexEntry::Blob(version)), Some(staged)) => {
                Some((version.oid.clone(), self.content(edit, version, staged.diff.as_ref())?))
            }
            (Some(IndexEntry::Blob(version)), None)
                if edit.old.as_ref().is_none_or(|old| old.oid != version.oid) =>
            {
                Some((version.oid.clone(), self.content(edit, version, edit.diff.as_ref())?))
            }
            _ => None,
        };
        Ok(Some(Step {
            path: edit.path.clone(),
            here: here.work.clone(),
            work,
            index,
            blob,
            lines: (edit.added, edit.removed),
        }))
    }

    /// Computes a version's bytes from the base and its diff, and checks them against its id.
    fn content(&mut self, edit: &Edit, version: &Version, diff: Option<&Diff>) -> Result<Vec<u8>> {
        let damaged = |cause: String| {
            Error::new(Kind::Damaged, format!("Cannot restore {}", edit.path))
                .because(cause)
                .hint("nothing was changed; `--no-edits` restores the conversation alone")
        };
        let whole = diff.is_some_and(|diff| diff.form == crate::manifest::DiffForm::Whole);
        let old = match &edit.old {
            Some(old) if !whole => self.blobs.read(&old.oid)?.ok_or_else(|| {
                Error::new(Kind::NotFound, format!("Cannot restore {}", edit.path))
                    .because(format!("this repository lacks its base version {}", old.oid))
                    .hint("fetch the snapshot's base commit first; `snap show` names it")
            })?,
            _ => Vec::new(),
        };
        let bytes = match diff {
            None => old,
            Some(diff) => {
                let stored = self.store.load(&diff.content)?;
                edit::apply(diff.form, stored, &old, diff.bytes).map_err(damaged)?
            }
        };
        if self.repository.hash().blob_id(&bytes) != version.oid {
            return Err(damaged(format!("its diff does not give the version {}", version.oid)));
        }
        Ok(bytes)
    }
}
