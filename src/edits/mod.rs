//! The bytes of the versions that a snapshot saved: made from base, diff and conversion, and checked.
//!
//! Whatever restores, proves, searches, shows or sends a version gets it from here. The first result is the
//! content that git compares, the second the content that was on the disk. If secrets were redacted, both
//! still have placeholders. Changes nothing.

mod content;

use std::borrow::Cow;
use std::fmt::Display;

use crate::base::compress;
use crate::base::digest::GitHash;
use crate::base::error::{Error, Kind, Result};
use crate::base::paths::RepoPath;
use crate::git::{Blobs, Repository};
use crate::manifest::{ConvertedBy, Diff, DiffForm, Redaction, SavedVersion};
use crate::store::{Bases, Store};
use crate::stored_patch::encoding;

pub use content::{FileReader, LARGE, VersionContent};

/// Returns how much work it is to make a version: what is read of it, and what it has.
pub fn work(diff: &Diff) -> u64 {
    diff.objects().map(|object| object.size).fold(diff.bytes, u64::saturating_add)
}

/// Makes versions of snapshots in one store; each thread has its own.
pub struct Materializer<'a> {
    store: &'a Store,
    repository: Option<&'a Repository>,
    /// How versions must be named; `None`: in the way that the length of their ids says.
    hash: Option<GitHash>,
    /// Base versions that came with the snapshot.
    carried: Option<&'a Bases>,
    /// Opened when they are needed: much can be made without.
    blobs: Option<Blobs<'a>>,
}

impl<'a> Materializer<'a> {
    /// Makes one to look at a snapshot, wherever it came from. Without a repository, the only base
    /// versions are those that came with the snapshot.
    pub fn to_read(
        store: &'a Store,
        repository: Option<&'a Repository>,
        carried: &'a Bases,
    ) -> Materializer<'a> {
        let carried = Some(carried);
        Materializer { store, repository, hash: None, carried, blobs: None }
    }

    /// Makes one for versions that are set in a repository, which names them in its own way.
    pub fn to_restore(
        store: &'a Store,
        repository: &'a Repository,
        carried: Option<&'a Bases>,
    ) -> Materializer<'a> {
        let hash = Some(repository.hash());
        Materializer { store, repository: Some(repository), hash, carried, blobs: None }
    }

    /// Makes one for a process that only shows versions. It takes base versions only from the
    /// repository.
    pub fn to_show(store: &'a Store, repository: Option<&'a Repository>) -> Materializer<'a> {
        Materializer { store, repository, hash: None, carried: None, blobs: None }
    }

    /// Returns the blobs of the repository, if there is one.
    pub fn blobs(&mut self) -> Option<&mut Blobs<'a>> {
        let repository = self.repository?;
        Some(self.blobs.get_or_insert_with(|| repository.blobs()))
    }

    /// Reads a blob of the repository; `None` if that lacks it.
    ///
    /// # Errors
    /// What git says.
    pub fn blob(&mut self, oid: &str) -> Result<Option<Vec<u8>>> {
        self.blobs().map_or(Ok(None), |blobs| blobs.read(oid))
    }

    /// Reads a base version from the repository, or from what came with the snapshot; `None` if it is
    /// in neither.
    ///
    /// # Errors
    /// [`Kind::Damaged`] if another one came with the snapshot; what git says.
    pub fn base(&mut self, oid: &str) -> Result<Option<Vec<u8>>> {
        if let Some(bytes) = self.blob(oid)? {
            return Ok(Some(bytes));
        }
        let Some(object) = self.carried.and_then(|carried| carried.0.get(oid)) else { return Ok(None) };
        let bytes = self.store.get(object)?;
        if self.is_named(&bytes, oid) {
            return Ok(Some(bytes));
        }
        Err(Error::new(Kind::Damaged, format!("The base version {oid} is not what came with the snapshot")))
    }

    /// Reads the base version that an edit's diffs are made against; nothing, if there is none.
    ///
    /// # Errors
    /// [`Kind::NotFound`] if it is nowhere; else as [`Materializer::base`].
    pub fn base_of(&mut self, saved: SavedVersion<'_>) -> Result<Vec<u8>> {
        let Some(old) = saved.edit.diffed_against() else { return Ok(Vec::new()) };
        self.base(&old.oid)?.ok_or_else(|| {
            let is_partial = self.repository.is_some_and(Repository::is_partial);
            let hint = if is_partial {
                format!(
                    "this is a partial clone, and `snap` does not fetch missing objects by itself: fetch \
                     it with `git cat-file -e {}`, then run the command again",
                    old.oid
                )
            } else {
                "fetch the snapshot's base commit first; `snap show` names it".to_owned()
            };
            Error::new(Kind::NotFound, format!("Cannot rebuild {} as it was saved", saved.edit.path))
                .because(format!("this repository lacks its base version {}", old.oid))
                .hint(hint)
        })
    }

    /// Makes what was saved of a version: the bytes on the disk, or in the index.
    ///
    /// # Errors
    /// [`Kind::NotFound`] if its base version is nowhere, [`Kind::Damaged`] if anything that it is made from is not what
    /// it should be.
    pub fn saved(&mut self, saved: SavedVersion<'_>) -> Result<Vec<u8>> {
        self.saved_telling(saved, &mut |_| ())
    }

    /// The same; `tell` is told of the bytes that are read of it, and of those that it has: together [`work`].
    ///
    /// # Errors
    /// As [`Materializer::saved`].
    pub fn saved_telling(&mut self, saved: SavedVersion<'_>, tell: &mut dyn FnMut(u64)) -> Result<Vec<u8>> {
        let compared = self.compared_telling(saved, tell)?;
        self.on_disk(saved, compared)
    }

    /// Makes what git compares of a version; `tell` is told as by [`Materializer::saved_telling`].
    ///
    /// # Errors
    /// As [`Materializer::saved`].
    pub fn compared_telling(
        &mut self,
        saved: SavedVersion<'_>,
        tell: &mut dyn FnMut(u64),
    ) -> Result<Vec<u8>> {
        let base = if saved.needs_base() { self.base_of(saved)? } else { Vec::new() };
        let made = self.made_from(saved, Cow::Owned(base), tell)?;
        tell(made.len() as u64);
        Ok(made)
    }

    /// Makes what git compares of a version; `base` is what [`Materializer::base_of`] gives, and counts only if
    /// [`SavedVersion::needs_base`].
    ///
    /// # Errors
    /// [`Kind::Damaged`] if it is not what it should be.
    pub fn compared_from(&self, saved: SavedVersion<'_>, base: Cow<'_, [u8]>) -> Result<Vec<u8>> {
        self.made_from(saved, base, &mut |_| ())
    }

    /// The same; `tell` is told of the bytes that are read of it.
    ///
    /// # Errors
    /// As [`Materializer::compared_from`].
    pub fn made_from(
        &self,
        saved: SavedVersion<'_>,
        base: Cow<'_, [u8]>,
        tell: &mut dyn FnMut(u64),
    ) -> Result<Vec<u8>> {
        let Some(diff) = saved.diff else {
            return self.checked(saved, base.into_owned(), &saved.version.oid, "base");
        };
        let mut base = match &diff.earlier {
            Some(earlier) => Cow::Owned(self.store.load_telling(earlier, tell)?),
            None => base,
        };
        if let Some(redaction) = diff.redaction.as_ref().filter(|_| diff.form != DiffForm::Whole) {
            let redacted = redacted_base(&base, redaction);
            base = Cow::Owned(redacted.ok_or_else(|| {
                damaged(&saved.edit.path, "its base is not what the diff was made against")
            })?);
        }
        let made =
            encoding::apply(diff.form, self.store.load_telling(&diff.content, tell)?, &base, diff.bytes);
        let made = made.map_err(|cause| damaged(&saved.edit.path, cause))?;
        let oid = saved.converted().map_or(&saved.version.oid, |converted| &converted.oid);
        self.checked(saved, made, oid, "diff")
    }

    /// Makes what was saved of what git compares.
    ///
    /// # Errors
    /// [`Kind::Damaged`] if it is not what it should be.
    pub fn on_disk(&self, saved: SavedVersion<'_>, compared: Vec<u8>) -> Result<Vec<u8>> {
        if saved.converted().is_none() {
            return Ok(compared);
        }
        let converted = self.converted(saved, compared)?;
        self.checked(saved, converted, &saved.version.oid, "conversion")
    }

    /// Converts what git would compare of any content as it was converted in this version.
    ///
    /// # Errors
    /// [`Kind::Damaged`] if that can't be.
    pub fn converted(&self, saved: SavedVersion<'_>, compared: Vec<u8>) -> Result<Vec<u8>> {
        let Some(converted) = saved.converted() else { return Ok(compared) };
        match &converted.by {
            ConvertedBy::Recipe { recipe } => recipe
                .apply(&compared)
                .ok_or_else(|| damaged(&saved.edit.path, "it is not text in its encoding")),
            ConvertedBy::Delta { delta } => {
                compress::apply_delta(&compared, &self.store.load(delta)?, converted.bytes)
                    .map_err(|error| damaged(&saved.edit.path, error))
            }
        }
    }

    /// Checks bytes against the id that they must have.
    fn checked(&self, saved: SavedVersion<'_>, bytes: Vec<u8>, oid: &str, made_by: &str) -> Result<Vec<u8>> {
        if self.is_named(&bytes, oid) {
            return Ok(bytes);
        }
        Err(damaged(&saved.edit.path, format!("its {made_by} does not give the version {oid}")))
    }

    fn is_named(&self, bytes: &[u8], oid: &str) -> bool {
        self.hash.or(GitHash::of_id(oid)).is_some_and(|hash| hash.blob_id(bytes) == oid)
    }
}

/// The error of a version that can't be made of what the snapshot has.
pub fn damaged(path: &RepoPath, cause: impl Display) -> Error {
    Error::new(Kind::Damaged, format!("Cannot rebuild {path} as it was saved")).because(cause).hint(
        "nothing was changed; `snap verify` says what is damaged, `snap resume --no-edits` restores the conversation alone",
    )
}

/// Replaces in a base what [`Redaction::base`] says was replaced when the diff was made.
fn redacted_base(base: &[u8], redaction: &Redaction) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(base.len());
    let mut copied = 0;
    for one in &redaction.base {
        let at = usize::try_from(one.at).ok()?;
        let end = at.checked_add(usize::try_from(one.bytes).ok()?)?;
        out.extend_from_slice(base.get(copied..at)?);
        out.extend_from_slice(one.with.as_bytes());
        base.get(at..end)?;
        copied = end;
    }
    out.extend_from_slice(base.get(copied..)?);
    Some(out)
}
