//! Loads the content of files that differ, and shows them.
//!
//! A snapshot's own edits are shown as they are stored, hunk by hunk while they are read. Other versions are
//! made from base blob and diff. Large content is streamed, so neither the time to the first hunk nor the
//! memory depends on its size. `docs/diff.md` names the exceptions, which are loaded whole.

use std::io::{self, BufReader, Read as _};

use super::{Item, ItemSource, RenamedFrom, VersionAt, blob, broken, file, show_readers, stored_file};
use crate::base::error::{Error, IoContext as _, Result};
use crate::base::paths::RepoPath;
use crate::diff::{Again, ChangeKind, End, FileHeader, Options, Show, is_binary, moved_in, show_hunks};
use crate::edits::{self, LARGE, Materializer, VersionContent};
use crate::git::Cleaning;
use crate::manifest::{Diff, DiffForm, Edit, Mode, Redaction, Version};
use crate::redaction::Originals;
use crate::stored_patch::ApplyError;
use crate::sys::work_tree::{Node, Tree};
use crate::workspace::Workspace;

/// What a loader shows files for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Only names: content that is known to differ is not looked at.
    Names,
    /// What changed.
    Lines,
    /// The same, and the ids of both versions, which takes hashing what has none yet.
    LinesAndIds,
}

/// Loads and shows files; each thread has its own.
pub struct Loader<'a> {
    workspace: &'a Workspace,
    materializer: Materializer<'a>,
    tree: Option<Tree>,
    options: Options,
    wanted: Detail,
    /// What tells files from their redacted versions, once it is asked for.
    originals: Option<Option<Originals>>,
}

/// A version of a file at hand.
pub(super) struct LoadedVersion<'a> {
    pub(super) mode: Mode,
    /// `None` if that would take reading all of a large file, or is not wanted.
    pub(super) oid: Option<String>,
    /// `None` if the repository lacks what it is made from.
    pub(super) content: Option<VersionContent<'a>>,
}

impl<'a> LoadedVersion<'a> {
    fn new(version: &Version, content: Option<VersionContent<'a>>) -> LoadedVersion<'a> {
        LoadedVersion { mode: version.mode, oid: Some(version.oid.clone()), content }
    }
}

impl<'a> Loader<'a> {
    /// Makes one for the snapshots of a workspace.
    pub fn new(workspace: &'a Workspace, options: Options, wanted: Detail) -> Loader<'a> {
        let materializer = Materializer::to_show(&workspace.store, workspace.repository.as_ref());
        Loader { workspace, materializer, tree: None, options, wanted, originals: None }
    }

    /// Shows one file.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Damaged`] if the store's content is not what it should be; whatever showing gives.
    pub fn show(&mut self, item: Item, show: &mut dyn Show) -> Result<()> {
        match item.source {
            ItemSource::Stored(edit) => self.stored(&edit, show),
            ItemSource::Pair(old, new) => self.pair(&item.path, item.from.as_ref(), (&old, &new), show),
        }
    }

    fn stored(&mut self, edit: &Edit, show: &mut dyn Show) -> Result<()> {
        let lines = (edit.added, edit.removed);
        let known = FileHeader { lines: Some(lines), ..stored_file(edit) };
        let failed = |error: &io::Error| failed(&edit.path, error);
        if self.wanted == Detail::Names {
            return show
                .start(known)
                .and_then(|()| show.finish(End::default()))
                .map_err(|error| failed(&error));
        }
        let Options { longest_line, binary, .. } = self.options;
        let as_stored = Options { longest_line, binary, ..Options::default() };
        match &edit.diff {
            Some(diff) if diff.form == DiffForm::Hunks && self.options == as_stored => {
                self.hunks(known, diff, show).map_err(|error| failed(&error))
            }
            _ => {
                let file = FileHeader { lines: Some(lines).filter(|lines| *lines != (0, 0)), ..known };
                let old = self.load(&edit.path, &blob(edit.diffed_against()))?;
                if self.options.binary.is_none()
                    && let Some(note) = binary_note(edit, old.as_ref()).map_err(|error| failed(&error))?
                {
                    return show
                        .start(file)
                        .and_then(|()| show.finish(End { note: Some(note), binary: true, ..End::default() }))
                        .map_err(|error| failed(&error));
                }
                let new = self.edited(edit)?;
                self.versions(&edit.path, file, old, new, show)
            }
        }
    }

    /// Shows hunks as they are stored, while they are read.
    fn hunks(&self, file: FileHeader, diff: &Diff, show: &mut dyn Show) -> io::Result<()> {
        let store = &self.workspace.store;
        let report = if diff.content.size() <= LARGE {
            // Where something moved is known only when all has been seen.
            let hunks = store.load(&diff.content).map_err(io::Error::other)?;
            show.start(file)?;
            let moved = moved_in(&hunks);
            if !moved.new.is_empty() {
                show.moved(moved);
            }
            show_hunks(&hunks[..], self.options.longest_line, show)?
        } else {
            show.start(file)?;
            let hunks = BufReader::with_capacity(64 << 10, store.stream(&diff.content));
            show_hunks(hunks, self.options.longest_line, show)?
        };
        show.finish(End { report, ..End::default() })
    }

    fn pair(
        &mut self,
        path: &RepoPath,
        from: Option<&RenamedFrom>,
        (old, new): (&VersionAt, &VersionAt),
        show: &mut dyn Show,
    ) -> Result<()> {
        let old_path = from.map_or(path, |from| &from.path);
        let redaction = match (old, new) {
            (VersionAt::Edited(edit), VersionAt::Disk(_)) => redaction_of(edit),
            _ => None,
        };
        let (old, new) = (self.load(old_path, old)?, self.load(path, new)?);
        // On the disk it may have gone meanwhile: then only its old name is.
        let (path, from) = if new.is_some() { (path, from) } else { (old_path, None) };
        let version = |loaded: &Option<LoadedVersion<'_>>| {
            let loaded = loaded.as_ref()?;
            Some(Version { oid: loaded.oid.clone().unwrap_or_default(), mode: loaded.mode })
        };
        let (old_version, new_version) = (version(&old), version(&new));
        let same = old_version == new_version || same_bytes(old.as_ref(), new.as_ref());
        if from.is_none() && (same || self.is_original(path, redaction, old.as_ref(), new.as_ref())?) {
            return Ok(());
        }
        let mut file = file(path, old_version.as_ref(), new_version.as_ref());
        if [&old, &new].into_iter().flatten().any(|loaded| loaded.oid.is_none()) {
            (file.old_oid, file.new_oid) = (None, None);
        }
        if let Some(from) = from {
            (file.kind, file.old_path) = (ChangeKind::Renamed, Some(from.path.as_bytes().to_vec()));
            file.similarity = from.similarity;
        }
        self.versions(path, file, old, new, show)
    }

    /// Says whether a file on the disk is the one that a snapshot has without its secrets.
    fn is_original(
        &mut self,
        path: &RepoPath,
        redaction: Option<&Redaction>,
        redacted: Option<&LoadedVersion<'_>>,
        here: Option<&LoadedVersion<'_>>,
    ) -> Result<bool> {
        let (Some(redaction), Some(redacted), Some(here)) = (redaction, redacted, here) else {
            return Ok(false);
        };
        let Some(content) = here.content.as_ref().filter(|_| redacted.mode == here.mode) else {
            return Ok(false);
        };
        let mut bytes = Vec::new();
        content
            .open(0)
            .and_then(|mut file| file.read_to_end(&mut bytes))
            .map_err(|error| failed(path, &error))?;
        let originals = self.originals.get_or_insert_with(|| Originals::known(self.workspace));
        Ok(originals.as_ref().is_some_and(|originals| originals.is_one(path, redaction, &bytes)))
    }

    fn versions(
        &self,
        path: &RepoPath,
        file: FileHeader,
        old: Option<LoadedVersion<'a>>,
        new: Option<LoadedVersion<'a>>,
        show: &mut dyn Show,
    ) -> Result<()> {
        let missing = [&old, &new].into_iter().flatten().any(|loaded| loaded.content.is_none());
        let kind = |loaded: &Option<LoadedVersion<'_>>| {
            loaded.as_ref().map(|loaded| Some(loaded.mode).filter(|mode| !mode.is_file()))
        };
        let kinds = (kind(&old), kind(&new));
        let nothing = || VersionContent::Bytes(Vec::new());
        let content = |loaded: Option<LoadedVersion<'a>>| loaded.and_then(|loaded| loaded.content);
        let failed = |error: io::Error| failed(path, &error);
        if missing {
            let note = Some(super::NO_BASE.to_owned());
            return show
                .start(file)
                .and_then(|()| show.finish(End { note, missing: true, ..End::default() }))
                .map_err(failed);
        }
        let (old, new) = (content(old).unwrap_or_else(nothing), content(new).unwrap_or_else(nothing));
        // A file in place of a link is another thing, not another version.
        if matches!(kinds, (Some(a), Some(b)) if a != b) {
            let gone = FileHeader {
                kind: ChangeKind::Deleted,
                new_mode: None,
                lines: None,
                old_oid: None,
                replaced_by: file.new_mode,
                ..file.clone()
            };
            let come =
                FileHeader { kind: ChangeKind::Added, old_mode: None, lines: None, old_oid: None, ..file };
            show_contents(gone, &old, &nothing(), self.options, show).map_err(failed)?;
            return show_contents(come, &nothing(), &new, self.options, show).map_err(failed);
        }
        show_contents(file, &old, &new, self.options, show).map_err(failed)
    }

    pub(super) fn load(&mut self, path: &RepoPath, place: &VersionAt) -> Result<Option<LoadedVersion<'a>>> {
        match place {
            VersionAt::Nowhere => Ok(None),
            VersionAt::Blob(version) => Ok(Some(LoadedVersion::new(version, self.blob(version)?))),
            VersionAt::Edited(edit) => self.edited(edit),
            VersionAt::Disk(cleaning) => self.on_disk(path, cleaning),
        }
    }

    fn on_disk(&mut self, path: &RepoPath, cleaning: &Cleaning) -> Result<Option<LoadedVersion<'a>>> {
        let Some(repository) = &self.workspace.repository else { return Ok(None) };
        let tree = match &mut self.tree {
            Some(tree) => tree,
            none => none.insert(Tree::open(&self.workspace.root)?),
        };
        let (mode, bytes) = match tree.open_file(path)? {
            Some((mode, mut file)) => {
                let place = tree.absolute(path);
                let size = file.metadata().context("read", &place)?.len();
                if size > LARGE && !cleaning.has(path) {
                    return Ok(Some(LoadedVersion {
                        mode,
                        oid: None,
                        content: Some(VersionContent::File(file, size)),
                    }));
                }
                let mut bytes = Vec::new();
                file.read_to_end(&mut bytes).context("read", &place)?;
                (mode, bytes)
            }
            None => match tree.read(path)? {
                Node::File { mode, bytes, .. } => (mode, bytes),
                Node::Missing | Node::Folder | Node::Special => return Ok(None),
            },
        };
        let blobs = self.materializer.blobs().filter(|_| mode != Mode::Link);
        let compared = blobs.map(|blobs| cleaning.compared(path, &bytes, blobs)).transpose()?.flatten();
        let bytes = compared.unwrap_or(bytes);
        let oid = (self.wanted == Detail::LinesAndIds).then(|| repository.hash().blob_id(&bytes));
        Ok(Some(LoadedVersion { mode, oid, content: Some(VersionContent::Bytes(bytes)) }))
    }

    /// Computes what an edit makes of its file.
    fn edited(&mut self, edit: &Edit) -> Result<Option<LoadedVersion<'a>>> {
        let Some(version) = &edit.compared() else { return Ok(None) };
        let content = match edit.in_sight() {
            Some(saved) => self.materializer.compared_content(saved)?,
            None => self.blob(version)?,
        };
        Ok(Some(LoadedVersion::new(version, content)))
    }

    fn blob(&mut self, version: &Version) -> Result<Option<VersionContent<'a>>> {
        if version.is_submodule() {
            // As git writes it in a diff.
            let line = format!("Subproject commit {}\n", version.oid);
            return Ok(Some(VersionContent::Bytes(line.into_bytes())));
        }
        self.materializer.blob_content(&version.oid)
    }
}

/// Returns the sizes of a large file whose old version already is binary. Then the new version need not
/// be made.
fn binary_note(edit: &Edit, old: Option<&LoadedVersion<'_>>) -> io::Result<Option<String>> {
    let diff = edit.diff.as_ref().filter(|diff| diff.form == DiffForm::Delta);
    let Some((diff, old)) = diff.zip(old.and_then(|old| old.content.as_ref())) else { return Ok(None) };
    if diff.bytes.max(old.size()) <= LARGE || !is_binary(old.open(0)?)? {
        return Ok(None);
    }
    Ok(Some(format!("{} bytes -> {} bytes", old.size(), diff.bytes)))
}

/// Returns how the version that a snapshot has of a work tree's file was redacted.
fn redaction_of(edit: &Edit) -> Option<&Redaction> {
    edit.in_sight()?.diff?.redaction.as_ref()
}

/// Says whether two versions at hand are one and the same.
fn same_bytes(old: Option<&LoadedVersion<'_>>, new: Option<&LoadedVersion<'_>>) -> bool {
    let Some((old, new)) = old.zip(new).filter(|(old, new)| old.mode == new.mode) else { return false };
    matches!((&old.content, &new.content), (Some(VersionContent::Bytes(old)), Some(VersionContent::Bytes(new))) if old == new)
}

fn show_contents(
    file: FileHeader,
    old: &VersionContent<'_>,
    new: &VersionContent<'_>,
    options: Options,
    show: &mut dyn Show,
) -> io::Result<()> {
    let sizes = (file.kind != ChangeKind::Added, file.kind != ChangeKind::Deleted);
    let sizes = (sizes.0.then_some(old.size()), sizes.1.then_some(new.size()));
    let again: Again<'_> = Box::new(|from_old, from_new| Ok((old.open(from_old)?, new.open(from_new)?)));
    show_readers(file, (old.open(0)?, new.open(0)?), Some(again), sizes, options, show)
}

/// Turns what went wrong with a file into our error.
fn failed(path: &RepoPath, error: &io::Error) -> Error {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<ApplyError>()) {
        Some(cause) => edits::damaged(path, cause),
        None => broken(error),
    }
}
