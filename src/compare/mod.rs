//! What a diff of snapshots consists of: which files differ, and where their versions are.
//!
//! The list is made only from manifests and one `git status`. The content of a file is loaded when its turn
//! comes. Changes nothing, anywhere.

mod count;
mod loader;
mod renamed;
mod staged;
mod wide;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::sync::Arc;

use crate::base::digest::GitHash;
use crate::base::error::{Error, Kind, Result};
use crate::base::ids::SnapshotId;
use crate::base::paths::RepoPath;
use crate::diff::{Again, ChangeKind, Differ, End, FileHeader, Options, Show};
use crate::git::{self, BaseHere, Cleaning, Repository, Status};
use crate::manifest::{Change, DiffForm, Edit, Edits, Manifest, Version};
use crate::workspace::Workspace;
use staged::Staged;

pub use count::{ChangedSince, changed_since};
pub use loader::{Detail, Loader};

/// Above this many bytes of both versions together, binary content is not given as a patch.
const LARGEST_BINARY: u64 = 128 << 20;

/// What is said of a file whose base version is not here.
pub const NO_BASE: &str = "its base version is not in this repository";

/// One file that differs, or may.
#[derive(Clone, Debug)]
pub struct Item {
    path: RepoPath,
    /// Where else it was, if the two versions have different names.
    from: Option<RenamedFrom>,
    source: ItemSource,
}

/// Where a renamed file was.
#[derive(Clone, Debug)]
struct RenamedFrom {
    path: RepoPath,
    /// How much is the same, in percent, where known.
    similarity: Option<u64>,
}

#[derive(Clone, Debug)]
enum ItemSource {
    /// As a snapshot stores it.
    Stored(Box<Edit>),
    /// Two versions of it.
    Pair(VersionAt, VersionAt),
}

/// Where a version of a file is.
#[derive(Clone, Debug)]
enum VersionAt {
    Nowhere,
    Blob(Version),
    /// What a snapshot's edit makes.
    Edited(Box<Edit>),
    /// On the disk, and how git converts what is there.
    Disk(Arc<Cleaning>),
}

/// Lists the edits of a snapshot.
pub fn edits(edits: Option<Edits>) -> Vec<Item> {
    let files = edits.into_iter().flat_map(Edits::into_listed);
    files
        .filter(|edit| edit.change != Change::IndexOnly)
        .map(|edit| Item::new(&edit.path.clone(), ItemSource::Stored(Box::new(edit))))
        .collect()
}

/// Lists what differs between two snapshots.
///
/// # Errors
/// [`Kind::Refused`] if one of their bases is not here; [`Kind::Environment`] if git can't compare them.
pub fn between(workspace: &Workspace, old: &Manifest, new: &Manifest) -> Result<Vec<Item>> {
    let none = empty();
    let (old_id, new_id) = (&old.id, &new.id);
    let (old, new) = (old.edits.as_ref().unwrap_or(&none), new.edits.as_ref().unwrap_or(&none));
    let moved = moved(workspace, (Some(old_id), old.base.as_deref()), (Some(new_id), new.base.as_deref()))?;
    let (old_edits, new_edits) = (by_path(old), by_path(new));
    let paths: BTreeSet<&RepoPath> =
        old_edits.keys().chain(new_edits.keys()).copied().chain(moved.keys()).collect();
    let mut items = Vec::new();
    for path in paths {
        let (a, b) = (old_edits.get(path), new_edits.get(path));
        // A path that one of them did not edit is there as in its base.
        let base =
            |own: &Option<&&Edit>, other: &Option<&&Edit>, of: fn(&BaseChange) -> &Option<Version>| match (
                own,
                moved.get(path),
                other,
            ) {
                (Some(edit), ..) => VersionAt::Edited(Box::new((**edit).clone())),
                (None, Some(both), _) => blob(of(both).as_ref()),
                (None, None, Some(other)) => blob(other.old.as_ref()),
                (None, None, None) => VersionAt::Nowhere,
            };
        let (a, b) = (base(&a, &b, |both| &both.0), base(&b, &a, |both| &both.1));
        if a.version() != b.version() {
            items.push(Item::new(path, ItemSource::Pair(a, b)));
        }
    }
    Ok(renamed::joined(workspace, items))
}

/// What may differ between a snapshot and the work tree as it is now.
pub struct WorkTreeItems {
    /// The files, by their paths.
    pub items: Vec<Item>,
    /// How many files are pending now that the snapshot leaves out: nobody knows whether they differ.
    pub left_out: usize,
    /// The untracked files that the snapshot does not have.
    pub untracked: Vec<RepoPath>,
    /// Whether other paths are staged, which no file shows.
    pub staged_differs: bool,
    /// The submodules whose folders are gone since, which is no edit.
    pub submodules_gone: Vec<RepoPath>,
}

/// Lists what may differ between a snapshot and the work tree as it is now.
///
/// # Errors
/// [`Kind::Refused`] outside git and if the base of the snapshot is not here, [`Kind::Environment`] with what git says.
pub fn with_work_tree(workspace: &Workspace, old: &Manifest) -> Result<WorkTreeItems> {
    let Some(repository) = &workspace.repository else {
        return Err(Error::new(Kind::Refused, "Cannot compare a snapshot with this folder")
            .because("it is not in a git repository"));
    };
    let none = empty();
    let staged = Staged::of(old);
    let (id, old) = (&old.id, old.edits.as_ref().unwrap_or(&none));
    let listing = repository.pending()?;
    let moved = moved(workspace, (Some(id), old.base.as_deref()), (None, listing.head.as_deref()))?;
    let edits = by_path(old);
    let own = workspace.own_folders();
    let staged_differs = staged.is_some_and(|staged| staged.differs_now(&listing, &own));
    let mut pending = BTreeMap::new();
    let (mut submodules, mut replaced) = (BTreeMap::new(), BTreeSet::new());
    let mut tracked = BTreeSet::new();
    let mut left_out = 0;
    let mut untracked = Vec::new();
    let submodules_gone = staged::submodules_gone(&listing, &old.skipped);
    for entry in &listing.pending {
        let path = &entry.path;
        if entry.status == Status::Untracked && !edits.contains_key(path) {
            if !own.hold(path) {
                untracked.push(path.clone());
            }
            if old.leave_out(path) {
                left_out += 1;
                continue;
            }
        }
        if matches!(entry.status, Status::Tracked { .. } | Status::Unmerged { .. }) {
            tracked.insert(&entry.path);
        }
        let head = match &entry.status {
            Status::Tracked { head, .. } | Status::Unmerged { head, .. } => head.clone(),
            Status::Untracked => None,
            Status::Submodule(submodule) => {
                if submodule.replaced {
                    replaced.insert(&entry.path);
                } else {
                    submodules.insert(&entry.path, submodule.index.as_ref());
                }
                submodule.head.clone()
            }
            Status::NestedRepository => continue,
        };
        pending.entry(&entry.path).or_insert(head);
    }
    let paths: BTreeSet<&RepoPath> =
        edits.keys().chain(pending.keys()).copied().chain(moved.keys()).collect();
    let in_store = |path: &RepoPath| own.hold(path);
    let is_known =
        |path: &RepoPath| edits.contains_key(path) || moved.contains_key(path) || tracked.contains(path);
    let convertible = paths.iter().copied().filter(|path| !in_store(path));
    let convertible: BTreeMap<&RepoPath, bool> = convertible.map(|path| (path, is_known(path))).collect();
    let cleaning = Arc::new(repository.cleaning(&convertible, Some(&listing.index))?);
    let item = |path: &RepoPath| {
        let place = match (edits.get(path), moved.get(path), pending.get(path)) {
            (Some(edit), ..) if staged::is_still_left_out(workspace, edit) => VersionAt::Nowhere,
            (Some(edit), ..) => VersionAt::Edited(Box::new((*edit).clone())),
            (None, Some(both), _) => blob(both.0.as_ref()),
            (None, None, head) => blob(head.and_then(Option::as_ref)),
        };
        // A submodule is where the index says; what is not pending is as committed.
        let committed = || {
            moved.get(path).map_or(edits.get(path).and_then(|edit| edit.old.as_ref()), |both| both.1.as_ref())
        };
        let now = match (submodules.get(path), place.version()) {
            _ if replaced.contains(path) => VersionAt::Disk(cleaning.clone()),
            (Some(index), _) => blob(*index),
            (None, Some(version)) if version.is_submodule() => blob(committed()),
            (None, _) => VersionAt::Disk(cleaning.clone()),
        };
        Item::new(path, ItemSource::Pair(place, now))
    };
    let items = paths.into_iter().filter(|path| !in_store(path)).map(item).collect();
    Ok(WorkTreeItems {
        items: renamed::joined(workspace, items),
        left_out,
        untracked,
        staged_differs,
        submodules_gone,
    })
}

/// Says whether other things were staged when one snapshot was saved than when another one was, which no diff shows.
pub fn staged_differs(old: &Manifest, new: &Manifest) -> bool {
    Staged::of(old).zip(Staged::of(new)).is_some_and(|(old, new)| old.differs_from(&new))
}

type BaseChange = (Option<Version>, Option<Version>);

/// The commit of a state, and the snapshot that it is the base of; none, if it is that of the work tree.
type BaseOf<'a> = (Option<&'a SnapshotId>, Option<&'a str>);

/// What the base commits of two states have otherwise.
fn moved(workspace: &Workspace, old: BaseOf<'_>, new: BaseOf<'_>) -> Result<BTreeMap<RepoPath, BaseChange>> {
    match (&workspace.repository, old.1, new.1) {
        (Some(repository), Some(old_base), Some(new_base)) if old_base != new_base => {
            let changed = match repository.versions_between(old_base, new_base) {
                Ok(changed) => changed,
                // One of them may be gone, as after a rewrite of the history: its files may be kept.
                Err(error) => {
                    let old = here(repository, (old.0, old_base))?;
                    let new = here(repository, (new.0, new_base))?;
                    if (old.as_str(), new.as_str()) == (old_base, new_base) {
                        return Err(error);
                    }
                    repository.versions_between(&old, &new)?
                }
            };
            Ok(changed.into_iter().map(|one| (one.path, (one.old, one.new))).collect())
        }
        _ => Ok(BTreeMap::new()),
    }
}

/// Returns what is here of a commit: it, or its tree.
fn here(repository: &Repository, (snapshot, commit): (Option<&SnapshotId>, &str)) -> Result<String> {
    let Some(snapshot) = snapshot else { return Ok(commit.to_owned()) };
    match repository.base_here(snapshot, commit)? {
        BaseHere::Commit => Ok(commit.to_owned()),
        BaseHere::Tree(tree) => Ok(tree),
        BaseHere::Nothing => {
            let instead = "`snap diff` with the snapshot alone shows its own edits without it";
            Err(repository.lacks_commit_to_look(commit, instead))
        }
    }
}

fn by_path(edits: &Edits) -> BTreeMap<&RepoPath, &Edit> {
    edits.files.iter().map(|edit| (&edit.path, edit)).collect()
}

fn blob(version: Option<&Version>) -> VersionAt {
    version.map_or(VersionAt::Nowhere, |version| VersionAt::Blob(version.clone()))
}

fn empty() -> Edits {
    Edits {
        base: None,
        object_format: GitHash::Sha1,
        files: Vec::new(),
        skipped: Vec::new(),
        marks: None,
        operation: None,
        included: Vec::new(),
    }
}

impl VersionAt {
    /// Returns the version as git compares it, where that is known without reading it.
    fn version(&self) -> Option<Version> {
        match self {
            VersionAt::Blob(version) => Some(version.clone()),
            VersionAt::Edited(edit) => edit.compared(),
            VersionAt::Nowhere | VersionAt::Disk(_) => None,
        }
    }

    /// Returns the path that the base has it at, if a save has found that it was renamed.
    fn origin(&self) -> Option<&RepoPath> {
        match self {
            VersionAt::Edited(edit) if edit.change == Change::Renamed => {
                edit.from.as_ref().map(|from| &from.path)
            }
            _ => None,
        }
    }

    /// Says whether there is certainly nothing.
    fn is_nothing(&self) -> bool {
        !matches!(self, VersionAt::Disk(_)) && self.version().is_none()
    }
}

impl Item {
    fn new(path: &RepoPath, source: ItemSource) -> Item {
        Item { path: path.clone(), from: None, source }
    }

    /// Returns the file's path.
    pub fn path(&self) -> &RepoPath {
        &self.path
    }

    /// Returns what is known of the file before its content is looked at, if it is an edit.
    pub fn file(&self) -> Option<FileHeader> {
        match &self.source {
            ItemSource::Stored(edit) => {
                let lines = Some((edit.added, edit.removed)).filter(|lines| *lines != (0, 0));
                Some(FileHeader { lines, ..stored_file(edit) })
            }
            ItemSource::Pair(..) => None,
        }
    }

    /// Says whether every line that is shown of it stands in the snapshot's manifest or objects, and none comes from the
    /// repository.
    pub fn is_whole_in_snapshot(&self) -> bool {
        match &self.source {
            ItemSource::Stored(edit) => edit.diff.as_ref().is_some_and(|diff| {
                diff.converted.is_none()
                    && match diff.form {
                        DiffForm::Hunks => true,
                        DiffForm::Delta => false,
                        DiffForm::Whole => edit.diffed_against().is_none(),
                    }
            }),
            ItemSource::Pair(..) => false,
        }
    }

    /// Returns the path that it was renamed or copied from.
    pub fn old_path(&self) -> Option<&RepoPath> {
        match &self.source {
            ItemSource::Stored(edit) => edit.from.as_ref().map(|from| &from.path),
            ItemSource::Pair(..) => self.from.as_ref().map(|from| &from.path),
        }
    }
}

/// Returns what is known of a snapshot's edit: one of a renamed file is against the old name.
fn stored_file(edit: &Edit) -> FileHeader {
    let file = file(&edit.path, edit.diffed_against(), edit.compared().as_ref());
    match &edit.from {
        None => file,
        Some(from) => FileHeader {
            kind: if edit.change == Change::Copied { ChangeKind::Copied } else { ChangeKind::Renamed },
            old_path: Some(from.path.as_bytes().to_vec()),
            ..file
        },
    }
}

fn file(path: &RepoPath, old: Option<&Version>, new: Option<&Version>) -> FileHeader {
    FileHeader {
        kind: match (old, new) {
            (None, Some(_)) => ChangeKind::Added,
            (Some(_), None) => ChangeKind::Deleted,
            _ => ChangeKind::Modified,
        },
        path: path.as_bytes().to_vec(),
        old_mode: old.map(|version| version.mode),
        new_mode: new.map(|version| version.mode),
        old_oid: Some(oid(old, new)),
        new_oid: Some(oid(new, old)),
        ..FileHeader::default()
    }
}

/// Returns a version's id; for none, zeros as many as the other side's digits.
fn oid(version: Option<&Version>, other: Option<&Version>) -> String {
    match version {
        Some(version) => version.oid.clone(),
        None => "0".repeat(other.map_or(40, |other| other.oid.len())),
    }
}

/// Shows the two versions of a file, wherever they are read from, and reads them again if that is
/// possible. `sizes` are for binary ones.
///
/// # Errors
/// Whatever reading and showing give.
pub fn show_readers(
    file: FileHeader,
    (old, new): (impl Read, impl Read),
    again: Option<Again<'_>>,
    sizes: (Option<u64>, Option<u64>),
    options: Options,
    mut show: &mut dyn Show,
) -> io::Result<()> {
    let mut differ = Differ::new(old, new, options);
    if !differ.is_binary()? {
        show.start(file)?;
        if let Some(again) = again {
            if show.wants_length() {
                state_length(&again, sizes, show)?;
            }
            differ = differ.looking_ahead(again);
        }
        let report = differ.run(&mut show)?;
        return show.finish(End { report, ..End::default() });
    }
    if let Some(again) = again.as_ref().filter(|_| show.reads_text())
        && let Some(encodings) = wide::encodings(again)?
    {
        return wide::show(file, again, encodings, options, show);
    }
    if differ.is_same()? {
        show.start(file)?;
        return show.finish(End::default());
    }
    let size = |size: Option<u64>| size.map(|bytes| format!("{bytes} bytes"));
    let note = match (size(sizes.0), size(sizes.1)) {
        (Some(old), Some(new)) => Some(format!("{old} -> {new}")),
        (old, new) => old.or(new),
    };
    let (file, patch) = match options.binary.zip(again) {
        Some((hash, again)) => binary_patch(file, hash, again)?,
        None => (file, None),
    };
    show.start(file)?;
    show.finish(End { binary: true, note, patch, ..End::default() })
}

/// Makes the patch of a binary file, unless that would take too much memory. Git applies it only to
/// exactly the version that the header names, and checks the result.
fn binary_patch(
    file: FileHeader,
    hash: GitHash,
    again: Again<'_>,
) -> io::Result<(FileHeader, Option<Vec<u8>>)> {
    let readers = again(0, 0)?;
    let (mut old, mut new) = (Vec::new(), Vec::new());
    readers.0.take(LARGEST_BINARY + 1).read_to_end(&mut old)?;
    readers.1.take((LARGEST_BINARY + 1).saturating_sub(old.len() as u64)).read_to_end(&mut new)?;
    if (old.len() + new.len()) as u64 > LARGEST_BINARY {
        return Ok((file, None));
    }
    let oid = |content: &[u8], none: bool| match hash.blob_id(content) {
        oid if none => "0".repeat(oid.len()),
        oid => oid,
    };
    let old_oid = Some(oid(&old, file.kind == ChangeKind::Added));
    let new_oid = Some(oid(&new, file.kind == ChangeKind::Deleted));
    let patch = git::binary_patch(&old, &new).map_err(io::Error::other)?;
    Ok((FileHeader { old_oid, new_oid, ..file }, Some(patch)))
}

/// States the length of the one hunk of a file that is new or gone. Then the hunk need not be held
/// until it ends.
fn state_length(again: &Again<'_>, sizes: (Option<u64>, Option<u64>), show: &mut dyn Show) -> io::Result<()> {
    let (gone, new) = (sizes.0.unwrap_or(0) > 0, sizes.1.unwrap_or(0) > 0);
    if gone == new {
        return Ok(());
    }
    let (old, new) = again(0, 0)?;
    let (old, new) = (lines_in(old)?, lines_in(new)?);
    // Not every size that a system states is true.
    if old == 0 || new == 0 {
        show.length(old, new);
    }
    Ok(())
}

fn lines_in(mut text: impl Read) -> io::Result<u64> {
    let (mut lines, mut open_end) = (0, false);
    let mut block = vec![0; 64 << 10];
    while let length @ 1.. = text.read(&mut block)? {
        lines += block[..length].iter().filter(|byte| **byte == b'\n').count() as u64;
        open_end = block[length - 1] != b'\n';
    }
    Ok(lines + u64::from(open_end))
}

/// Turns what a receiver of output says into our error.
pub fn broken(error: &io::Error) -> Error {
    match (error.kind(), error.get_ref().and_then(|inner| inner.downcast_ref::<Error>())) {
        (io::ErrorKind::BrokenPipe, _) => Error::new(Kind::ClosedPipe, "The reader has gone away"),
        // Content that was read bit by bit says by itself what is wrong with it.
        (_, Some(own)) => own.clone(),
        (io::ErrorKind::StorageFull, _) => {
            Error::new(Kind::Environment, "Cannot write the diff").because(error)
        }
        _ => Error::new(Kind::Environment, "Cannot read or write a part of the diff").because(error),
    }
}
