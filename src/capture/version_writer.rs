//! One version of a file, stored: as a diff to its base, of what git compares, and without secrets.

use super::converted::{self, ConvertedForm};
use crate::base::error::{Kind, Result};
use crate::base::paths::RepoPath;
use crate::capture::edit_reader::{DiskFile, EditReader, Keeping, NotKept, Shared, StoredVersion};
use crate::manifest::{Content, Converted, ConvertedBy, Diff, DiffForm, Mode, Version};
use crate::redaction::Clean;
use crate::secrets;
use crate::stored_patch::encoding::{self, EncodedDiff, PatchSide};

/// What it takes to read, search and store a byte, one beside the other.
const READ: u64 = 1;
const SEARCH: u64 = 3;
const STORE: u64 = 2;

impl EditReader<'_> {
    /// Begins a file, which is read, searched and stored; what is left of the last one is told. `before` is set for a file that was
    /// read before: whether it still is in memory.
    pub(super) fn begin_file(&mut self, bytes: u64, before: Option<bool>) {
        let all_times = READ + SEARCH + STORE;
        let (all, times) = match before {
            None => (bytes, all_times),
            Some(in_memory) => {
                (bytes - bytes * READ / all_times, if in_memory { SEARCH + STORE } else { all_times })
            }
        };
        self.file = None;
        self.file = Some(self.shared.monitor.share_of_work(all, bytes.saturating_mul(times)));
    }

    /// Says that so many bytes of the file at hand were read, searched or stored.
    pub(super) fn tell(&mut self, more: u64) {
        self.file.iter_mut().for_each(|file| file.add(more));
    }

    /// Stores what is on the disk: as a diff of what git compares, if the rest can be made of that.
    pub(super) fn keep_new(
        &mut self,
        path: &RepoPath,
        old: Option<PatchSide<'_>>,
        version: Version,
        new: &DiskFile,
    ) -> Keeping<StoredVersion> {
        if let Some(compared) = &new.compared
            && let Some(kept) = self.keep_converted(path, old, &version, compared, &new.bytes)?
        {
            return Ok(kept);
        }
        self.keep_version(path, old, version, &new.bytes)
    }

    /// Stores a file that git converts; `None` if that can't be done exactly and without secrets.
    fn keep_converted(
        &mut self,
        path: &RepoPath,
        old: Option<PatchSide<'_>>,
        version: &Version,
        compared: &[u8],
        raw: &[u8],
    ) -> Keeping<Option<StoredVersion>> {
        let Some(way) = converted::way(compared, raw)? else { return Ok(None) };
        let hash = self.shared.repository.hash();
        let redactor = self.shared.redactor;
        let same = old.is_some_and(|old| old.bytes == compared && old.mode != Mode::Link);
        let clean = self.without_secrets(path, old, compared);
        // Of what is in the base already, nothing is stored.
        let clean = if same { None } else { clean? };
        let (by, version, oid, clean) = match (way, clean) {
            (ConvertedForm::Recipe(recipe), None) => {
                (ConvertedBy::Recipe { recipe }, version.clone(), hash.blob_id(compared), None)
            }
            (ConvertedForm::Recipe(recipe), Some(clean)) => {
                let Some(made) = recipe.apply(&clean.new) else { return Ok(None) };
                let version = Version { oid: hash.blob_id(&made), mode: version.mode };
                let oid = hash.blob_id(&clean.new);
                (ConvertedBy::Recipe { recipe }, version, oid, Some(clean))
            }
            // A delta could hold what a program keeps out of git.
            (ConvertedForm::Delta(_), Some(_)) => return Ok(None),
            (ConvertedForm::Delta(delta), None) => {
                if !redactor.is_clean(raw) {
                    return Ok(None);
                }
                let delta = self.shared.store.keep(self.shared.lock, &delta)?;
                (ConvertedBy::Delta { delta }, version.clone(), hash.blob_id(compared), None)
            }
        };
        let bytes = raw.len() as u64;
        let kept = if same {
            let nothing = Content::Text { text: String::new() };
            let diff = Some(Diff::of(DiffForm::Hunks, compared.len() as u64, nothing));
            StoredVersion { version, diff, added: 0, removed: 0 }
        } else {
            self.keep_content(path, old, version, compared, clean)?
        };
        let Some(diff) = kept.diff else { return Ok(None) };
        let converted = Some(Converted { oid, bytes, by });
        Ok(Some(StoredVersion { diff: Some(Diff { converted, ..diff }), ..kept }))
    }

    /// Stores a version as a diff to its base, without secrets.
    pub(super) fn keep_version(
        &mut self,
        path: &RepoPath,
        old: Option<PatchSide<'_>>,
        version: Version,
        bytes: &[u8],
    ) -> Keeping<StoredVersion> {
        let is_link = |mode| mode == Mode::Link;
        if old.is_some_and(|old| old.bytes == bytes && is_link(old.mode) == is_link(version.mode)) {
            return Ok(StoredVersion { version, diff: None, added: 0, removed: 0 });
        }
        let clean = self.without_secrets(path, old, bytes)?;
        let version = match &clean {
            None => version,
            Some(clean) => {
                Version { oid: self.shared.repository.hash().blob_id(&clean.new), mode: version.mode }
            }
        };
        Ok(self.keep_content(path, old, version, bytes, clean)?)
    }

    /// Takes the secrets out of a version and its base; `None` if neither has any.
    fn without_secrets(
        &mut self,
        path: &RepoPath,
        old: Option<PatchSide<'_>>,
        bytes: &[u8],
    ) -> Keeping<Option<Clean>> {
        let (redactor, old) = (self.shared.redactor, old.map(|old| old.bytes));
        let mut search = SEARCH;
        if secrets::is_noise(bytes) {
            search *= secrets::WORK_OF_NOISE;
            let work = (bytes.len() as u64).saturating_mul(search + STORE);
            self.file.iter_mut().for_each(|file| file.expect(work));
        }
        redactor.clean_version(path, old, bytes, &mut |more| self.tell(more * search)).map_err(|error| {
            match error.kind() {
                Kind::Refused => NotKept::Skipped(error.to_string()),
                _ => NotKept::Failed(error),
            }
        })
    }

    /// Stores content as a diff to its base; `clean` is what is stored of both if they hold secrets.
    fn keep_content(
        &mut self,
        path: &RepoPath,
        old: Option<PatchSide<'_>>,
        version: Version,
        bytes: &[u8],
        clean: Option<Clean>,
    ) -> Result<StoredVersion> {
        let mode = version.mode;
        let (made, size, redaction) = match clean {
            None => (encoding::make(old, PatchSide { mode, bytes })?, bytes.len(), None),
            Some(clean) => {
                self.part.secrets.extend(clean.noted);
                let old = old.zip(clean.old.as_deref()).map(|(old, bytes)| PatchSide { bytes, ..old });
                let made = encoding::make(old, PatchSide { mode, bytes: &clean.new })?;
                (made, clean.new.len(), Some(clean.redaction))
            }
        };
        let Some(made) = made else { return Ok(StoredVersion { version, diff: None, added: 0, removed: 0 }) };
        let (added, removed) = (made.added, made.removed);
        let (form, content, earlier) = match self.grown_from_earlier(path, old, &made)? {
            Some((delta, earlier)) => (DiffForm::Delta, delta, Some(earlier)),
            None => {
                let Shared { store, lock, .. } = self.shared;
                (made.form, store.keep_telling(lock, &made.bytes, &mut |more| self.tell(more * STORE))?, None)
            }
        };
        let diff = Diff { form, bytes: size as u64, content, earlier, converted: None, redaction };
        Ok(StoredVersion { version, diff: Some(diff), added, removed })
    }

    /// Stores a new file as a delta to what an earlier snapshot has of it, where that is much shorter.
    fn grown_from_earlier(
        &self,
        path: &RepoPath,
        old: Option<PatchSide<'_>>,
        made: &EncodedDiff,
    ) -> Result<Option<(Content, Content)>> {
        if old.is_some() || made.form != DiffForm::Whole {
            return Ok(None);
        }
        let Shared { store, lock, redactor, earlier, .. } = self.shared;
        let Some((earlier, delta)) = earlier.delta(store, path, &made.bytes) else { return Ok(None) };
        // What is known as a secret by now may not have been when that was saved.
        if !redactor.is_clean(&earlier) {
            return Ok(None);
        }
        // As young as if it had been written now.
        Ok(Some((store.keep(lock, &delta)?, store.keep(lock, &earlier)?)))
    }
}
