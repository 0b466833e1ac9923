//! What a diff of snapshots consists of: which files differ, and where their versions are.
//!
//! The list is made from manifests and one `git status` alone; content is loaded when a file's
//! turn comes. A snapshot's own edits are shown as they are stored; other versions are computed
//! from base blob and diff. Changes nothing, anywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};

use crate::diff::{Again, Differ, End, File, Kind, Options, Report, Show, show_hunks};
use crate::error::{Error, Kind as Failure, Result};
use crate::git::{Blobs, Repository, Status};
use crate::manifest::{Change, DiffForm, Edit, Edits, Manifest, Version};
use crate::paths::RepoPath;
use crate::redaction::apply_redacted;
use crate::tree::{Node, Tree};
use crate::workspace::Workspace;

/// One file that differs, or may.
#[derive(Clone, Debug)]
pub struct Item {
    path: RepoPath,
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    /// As a snapshot stores it.
    Stored(Box<Edit>),
    /// Two versions of it.
    Pair(Place, Place),
}

/// Where a version of a file is.
#[derive(Clone, Debug)]
enum Place {
    Nowhere,
    Blob(Version),
    /// What a snapshot's edit makes.
    Edited(Box<Edit>),
    Disk,
}

/// Lists the edits of a snapshot.
pub fn edits(manifest: &Manifest) -> Vec<Item> {
    let files = manifest.edits.iter().flat_map(|edits| edits.listed());
    files
        .filter(|edit| edit.change != Change::IndexOnly)
        .map(|edit| Item { path: edit.path.clone(), source: Source::Stored(Box::new(edit.clone())) })
        .collect()
}

/// Lists what differs between two snapshots.
///
/// # Errors
/// [`Failure::Environment`] if they have different bases and git can't compare those.
pub fn between(workspace: &Workspace, old: &Manifest, new: &Manifest) -> Result<Vec<Item>> {
    let none = empty();
    let (old, new) = (old.edits.as_ref().unwrap_or(&none), new.edits.as_ref().unwrap_or(&none));
    let moved = moved(workspace, old.base.as_deref(), new.base.as_deref())?;
    let (old_edits, new_edits) = (by_path(old), by_path(new));
    let paths: BTreeSet<&RepoPath> =
        old_edits.keys().chain(new_edits.keys()).copied().chain(moved.keys()).collect();
    let mut items = Vec::new();
    for path in paths {
        let (a, b) = (old_edits.get(path), new_edits.get(path));
        // A path that one of them did not edit is there as in its base.
        let base = |own: &Option<&&Edit>, other: &Option<&&Edit>, of: fn(&Both) -> &Option<Version>| match (
            own,
            moved.get(path),
            other,
        ) {
            (Some(edit), ..) => Place::Edited(Box::new((**edit).clone())),
            (None, Some(both), _) => blob(of(both).as_ref()),
            (None, None, Some(other)) => blob(other.old.as_ref()),
            (None, None, None) => Place::Nowhere,
        };
        let (a, b) = (base(&a, &b, |both| &both.0), base(&b, &a, |both| &both.1));
        if a.version() != b.version() {
            items.push(Item { path: path.clone(), source: Source::Pair(a, b) });
        }
    }
    Ok(items)
}

/// Lists what may differ between a snapshot and the work tree as it is now.
///
/// # Errors
/// [`Failure::Refused`] outside git, [`Failure::Environment`] with what git says.
pub fn with_work_tree(workspace: &Workspace, old: &Manifest) -> Result<Vec<Item>> {
    let Some(repository) = &workspace.repository else {
        return Err(Error::new(Failure::Refused, "Cannot compare a snapshot with this folder")
            .because("it is not in a git repository"));
    };
    let none = empty();
    let old = old.edits.as_ref().unwrap_or(&none);
    let listing = repository.status()?;
    let moved = moved(workspace, old.base.as_deref(), listing.head.as_deref())?;
    let edits = by_path(old);
    let own = workspace.own_folders();
    let mut pending = BTreeMap::new();
    let mut submodules = BTreeMap::new();
    for entry in &listing.pending {
        let head = match &entry.status {
            Status::Tracked { head, .. } | Status::Unmerged { head, .. } => head.clone(),
            Status::Untracked => None,
            Status::Submodule(submodule) => {
                submodules.insert(&entry.path, submodule.index.as_ref());
                submodule.head.clone()
            }
            Status::NestedRepository => continue,
        };
        pending.entry(&entry.path).or_insert(head);
    }
    let paths: BTreeSet<&RepoPath> =
        edits.keys().chain(pending.keys()).copied().chain(moved.keys()).collect();
    let in_store = |path: &RepoPath| own.hold(path);
    let item = |path: &RepoPath| {
        let place = match (edits.get(path), moved.get(path), pending.get(path)) {
            (Some(edit), ..) => Place::Edited(Box::new((*edit).clone())),
            (None, Some(both), _) => blob(both.0.as_ref()),
            (None, None, head) => blob(head.and_then(Option::as_ref)),
        };
        // A submodule is where the index says; what is not pending is as committed.
        let committed = || {
            moved.get(path).map_or(edits.get(path).and_then(|edit| edit.old.as_ref()), |both| both.1.as_ref())
        };
        let now = match (submodules.get(path), place.version()) {
            (Some(index), _) => blob(*index),
            (None, Some(version)) if version.is_submodule() => blob(committed()),
            (None, _) => Place::Disk,
        };
        Item { path: path.clone(), source: Source::Pair(place, now) }
    };
    Ok(paths.into_iter().filter(|path| !in_store(path)).map(item).collect())
}

type Both = (Option<Version>, Option<Version>);

/// What the base commits of two states have otherwise.
fn moved(workspace: &Workspace, old: Option<&str>, new: Option<&str>) -> Result<BTreeMap<RepoPath, Both>> {
    match (&workspace.repository, old, new) {
        (Some(repository), Some(old), Some(new)) if old != new => {
            let changed = repository.versions_between(old, new)?;
            Ok(changed.into_iter().map(|one| (one.path, (one.old, one.new))).collect())
        }
        _ => Ok(BTreeMap::new()),
    }
}

fn by_path(edits: &Edits) -> BTreeMap<&RepoPath, &Edit> {
    edits.files.iter().map(|edit| (&edit.path, edit)).collect()
}

fn blob(version: Option<&Version>) -> Place {
    version.map_or(Place::Nowhere, |version| Place::Blob(version.clone()))
}

fn empty() -> Edits {
    Edits {
        base: None,
        object_format: crate::digest::GitHash::Sha1,
        files: Vec::new(),
        skipped: Vec::new(),
        operation: None,
    }
}

impl Place {
    fn version(&self) -> Option<&Version> {
        match self {
            Place::Blob(version) => Some(version),
            Place::Edited(edit) => edit.new.as_ref(),
            Place::Nowhere | Place::Disk => None,
        }
    }
}

impl Item {
    /// Returns the file's path.
    pub fn path(&self) -> &RepoPath {
        &self.path
    }

    /// Returns what is known of the file before its content is looked at, if it is an edit.
    pub fn file(&self) -> Option<File> {
        match &self.source {
            Source::Stored(edit) => {
                let lines = Some((edit.added, edit.removed)).filter(|lines| *lines != (0, 0));
                Some(File { lines, ..stored_file(edit) })
            }
            Source::Pair(..) => None,
        }
    }

    /// Returns the path that it was renamed or copied from.
    pub fn old_path(&self) -> Option<&RepoPath> {
        match &self.source {
            Source::Stored(edit) => edit.from.as_ref().map(|from| &from.path),
            Source::Pair(..) => None,
        }
    }
}

/// Loads and shows files; each thread has its own.
pub struct Loader<'a> {
    workspace: &'a Workspace,
    blobs: Option<Blobs<'a>>,
    options: Options,
    /// Whether only names are wanted: content that is known to differ is not looked at.
    names_only: bool,
}

/// A version of a file at hand.
struct Loaded {
    version: Version,
    /// `None` if the repository lacks what it is made from.
    bytes: Option<Vec<u8>>,
}

impl<'a> Loader<'a> {
    /// Makes one for the snapshots of a workspace.
    pub fn new(workspace: &'a Workspace, options: Options, names_only: bool) -> Loader<'a> {
        let blobs = workspace.repository.as_ref().map(Repository::blobs);
        Loader { workspace, blobs, options, names_only }
    }

    /// Shows one file.
    ///
    /// # Errors
    /// [`Failure::Damaged`] if the store's content is not what it should be; whatever showing gives.
    pub fn show(&mut self, item: Item, show: &mut dyn Show) -> Result<()> {
        match item.source {
            Source::Stored(edit) => self.stored(&edit, show),
            Source::Pair(old, new) => self.pair(&item.path, &old, &new, show),
        }
    }

    fn stored(&mut self, edit: &Edit, show: &mut dyn Show) -> Result<()> {
        let mut file = stored_file(edit);
        let stored = edit.diff.as_ref().filter(|diff| diff.form == DiffForm::Hunks);
        let as_stored = Options { longest_line: self.options.longest_line, ..Options::default() };
        match stored {
            _ if self.names_only => {
                file.lines = Some((edit.added, edit.removed));
                show.start(file).and_then(|()| show.finish(End::default())).map_err(|error| broken(&error))
            }
            Some(diff) if self.options == as_stored => {
                file.lines = Some((edit.added, edit.removed));
                let hunks = self.workspace.store.load(&diff.content)?;
                show.start(file).map_err(|error| broken(&error))?;
                show_hunks(&hunks, show)
                    .and_then(|report| show.finish(End { report, ..End::default() }))
                    .map_err(|error| broken(&error))
            }
            _ => {
                let lines = (edit.added, edit.removed);
                file.lines = Some(lines).filter(|lines| *lines != (0, 0));
                let old = blob(edit.diffed_against());
                let (old, new) = (self.load(&edit.path, &old)?, self.edited(edit)?);
                self.versions(file, old, new, show)
            }
        }
    }

    fn pair(&mut self, path: &RepoPath, old: &Place, new: &Place, show: &mut dyn Show) -> Result<()> {
        let (old, new) = (self.load(path, old)?, self.load(path, new)?);
        let version = |loaded: &Option<Loaded>| loaded.as_ref().map(|loaded| loaded.version.clone());
        let (old_version, new_version) = (version(&old), version(&new));
        if old_version == new_version {
            return Ok(());
        }
        self.versions(file(path, old_version.as_ref(), new_version.as_ref()), old, new, show)
    }

    fn versions(
        &self,
        file: File,
        old: Option<Loaded>,
        new: Option<Loaded>,
        show: &mut dyn Show,
    ) -> Result<()> {
        let missing = [&old, &new].into_iter().flatten().any(|loaded| loaded.bytes.is_none());
        let kind = |loaded: &Option<Loaded>| {
            loaded.as_ref().map(|loaded| Some(loaded.version.mode).filter(|mode| !mode.is_file()))
        };
        let kinds = (kind(&old), kind(&new));
        let bytes = |loaded: Option<Loaded>| loaded.and_then(|loaded| loaded.bytes).unwrap_or_default();
        if missing {
            let note = Some("its base version is not in this repository".to_owned());
            return show
                .start(file)
                .and_then(|()| show.finish(End { note, binary: true, ..End::default() }))
                .map_err(|error| broken(&error));
        }
        // A file in place of a link is another thing, not another version.
        if matches!(kinds, (Some(a), Some(b)) if a != b) {
            let gone =
                File { kind: Kind::Deleted, new_mode: None, lines: None, old_oid: None, ..file.clone() };
            let come = File { kind: Kind::Added, old_mode: None, lines: None, old_oid: None, ..file };
            show_bytes(gone, &bytes(old), b"", self.options, show)?;
            return show_bytes(come, b"", &bytes(new), self.options, show);
        }
        show_bytes(file, &bytes(old), &bytes(new), self.options, show)
    }

    fn load(&mut self, path: &RepoPath, place: &Place) -> Result<Option<Loaded>> {
        match place {
            Place::Nowhere => Ok(None),
            Place::Blob(version) => Ok(Some(Loaded { version: version.clone(), bytes: self.blob(version)? })),
            Place::Edited(edit) => self.edited(edit),
            Place::Disk => {
                let Some(repository) = &self.workspace.repository else { return Ok(None) };
                match Tree::open(&self.workspace.root)?.read(path)? {
                    Node::File { mode, bytes, .. } => {
                        let oid = repository.hash().blob_id(&bytes);
                        Ok(Some(Loaded { version: Version { oid, mode }, bytes: Some(bytes) }))
                    }
                    Node::Missing | Node::Folder | Node::Special => Ok(None),
                }
            }
        }
    }

    /// Computes what an edit makes of its file.
    fn edited(&mut self, edit: &Edit) -> Result<Option<Loaded>> {
        let Some(version) = edit.new.clone() else { return Ok(None) };
        if version.is_submodule() {
            return Ok(Some(Loaded { bytes: self.blob(&version)?, version }));
        }
        let whole = edit.diff.as_ref().is_some_and(|diff| diff.form == DiffForm::Whole);
        let old = match edit.diffed_against() {
            Some(old) if !whole => match self.blob(old)? {
                Some(bytes) => bytes,
                None => return Ok(Some(Loaded { version, bytes: None })),
            },
            _ => Vec::new(),
        };
        let bytes = match &edit.diff {
            None => old,
            Some(diff) => {
                let stored = self.workspace.store.load(&diff.content)?;
                apply_redacted(diff, stored, &old).map_err(|cause| {
                    Error::new(Failure::Damaged, format!("Cannot show {}", edit.path)).because(cause)
                })?
            }
        };
        Ok(Some(Loaded { version, bytes: Some(bytes) }))
    }

    fn blob(&mut self, version: &Version) -> Result<Option<Vec<u8>>> {
        if version.is_submodule() {
            // As git writes it in a diff.
            return Ok(Some(format!("Subproject commit {}\n", version.oid).into_bytes()));
        }
        self.blobs.as_mut().map_or(Ok(None), |blobs| blobs.read(&version.oid))
    }
}

/// Returns what is known of a snapshot's edit: one of a renamed file is against the old name.
fn stored_file(edit: &Edit) -> File {
    let file = file(&edit.path, edit.diffed_against(), edit.new.as_ref());
    match &edit.from {
        None => file,
        Some(from) => File {
            kind: if edit.change == Change::Copied { Kind::Copied } else { Kind::Renamed },
            old_path: Some(from.path.as_bytes().to_vec()),
            ..file
        },
    }
}

fn file(path: &RepoPath, old: Option<&Version>, new: Option<&Version>) -> File {
    File {
        kind: match (old, new) {
            (None, Some(_)) => Kind::Added,
            (Some(_), None) => Kind::Deleted,
            _ => Kind::Modified,
        },
        path: path.as_bytes().to_vec(),
        old_mode: old.map(|version| version.mode),
        new_mode: new.map(|version| version.mode),
        old_oid: Some(oid(old, new)),
        new_oid: Some(oid(new, old)),
        ..File::default()
    }
}

/// Returns a version's id; for none, zeros as many as the other side's digits.
fn oid(version: Option<&Version>, other: Option<&Version>) -> String {
    match version {
        Some(version) => version.oid.clone(),
        None => "0".repeat(other.map_or(40, |other| other.oid.len())),
    }
}

fn show_bytes(file: File, old: &[u8], new: &[u8], options: Options, show: &mut dyn Show) -> Result<()> {
    let sizes = (file.kind != Kind::Added, file.kind != Kind::Deleted);
    let sizes = (sizes.0.then_some(old.len() as u64), sizes.1.then_some(new.len() as u64));
    let again: Again<'_> = Box::new(|from_old, from_new| {
        fn rest(bytes: &[u8], from: u64) -> Box<dyn Read + '_> {
            Box::new(usize::try_from(from).ok().and_then(|from| bytes.get(from..)).unwrap_or_default())
        }
        Ok((rest(old, from_old), rest(new, from_new)))
    });
    show_readers(file, (old, new), Some(again), sizes, options, show).map_err(|error| broken(&error))
}

/// Shows the two versions of a file, read from anywhere, and again if that is possible; `sizes` are
/// for binary ones.
///
/// # Errors
/// Whatever reading and showing give.
pub fn show_readers(
    file: File,
    (old, new): (impl Read, impl Read),
    again: Option<Again<'_>>,
    sizes: (Option<u64>, Option<u64>),
    options: Options,
    mut show: &mut dyn Show,
) -> io::Result<()> {
    let mut differ = Differ::new(old, new, options);
    if let Some(again) = again {
        differ = differ.looking_ahead(again);
    }
    show.start(file)?;
    let end = match differ.is_binary()? {
        false => End { report: differ.run(&mut show)?, ..End::default() },
        true => {
            let same = differ.is_same()?;
            let size = |size: Option<u64>| size.map(|bytes| format!("{bytes} bytes"));
            let note = match (size(sizes.0), size(sizes.1)) {
                (Some(old), Some(new)) => Some(format!("{old} -> {new}")),
                (old, new) => old.or(new),
            };
            End { binary: !same, note: note.filter(|_| !same), report: Report::default() }
        }
    };
    show.finish(end)
}

/// Turns what a receiver of output says into our error.
pub fn broken(error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Error::new(Failure::ClosedPipe, "The reader has gone away"),
        _ => Error::new(Failure::Environment, "Cannot read or write a part of the diff").because(error),
    }
}
