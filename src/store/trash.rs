//! The trash: snapshots that were removed less than a day ago.
//!
//! For everything else they do not exist. Only what they need is kept: their objects, the refs of their base commits,
//! their secrets and their links. What one command removes is in one folder, `objects/trash/BATCH/`, as manifests under
//! the names of their files. So `snap undo` brings back exactly that. A removal that was killed leaves a snapshot where
//! it was, in the trash, or in both, which counts as the first.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{DeleteLock, PATIENCE, Store, manifest_name, stems};
use crate::base::digest::ObjectId;
use crate::base::error::{Error, Kind, Result};
use crate::base::ids::SnapshotId;
use crate::base::timestamp::Timestamp;
use crate::manifest::{Head, LARGEST_MANIFEST, Manifest};
use crate::sys::files;
use crate::sys::place::{OwnPath, Shape};

/// How long the trash keeps what was removed.
pub const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// What one command removed.
pub struct Batch {
    /// Its id.
    pub id: SnapshotId,
    /// When it was removed.
    pub since: Timestamp,
    /// The names of its files, without `.json`.
    pub stems: Vec<String>,
    /// Whether no person asked for the removal.
    pub automatic: bool,
}

/// A snapshot in the trash.
pub struct Trashed {
    /// Its name; of one that can't be read, that of its file.
    pub name: String,
    /// Its id, if it can be read.
    pub id: Option<SnapshotId>,
    /// When it was saved, if it can be read.
    created_at: Option<Timestamp>,
    /// Where it is.
    pub batch: SnapshotId,
    /// When it was removed.
    pub removed_at: Timestamp,
    /// Whether no person asked for the removal.
    pub automatic: bool,
}

/// In the folder of what was removed without a person asking for it.
const AUTOMATIC: &str = "automatic";

impl Batch {
    /// Says whether it is kept no longer.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        now.since(self.since) > KEPT
    }
}

impl Store {
    /// Lists what is in the trash, in no order.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn trash(&self) -> Result<Vec<Batch>> {
        let ids =
            self.trash_folder().names()?.into_iter().filter_map(|name| SnapshotId::parse(name.to_str()?));
        let batches = ids.map(|id| self.batch(id)).collect::<Result<Vec<Option<Batch>>>>()?;
        Ok(batches.into_iter().flatten().collect())
    }

    /// Says whether everything that one command removed is proven to be this user's own.
    pub fn is_own_batch(&self, batch: &Batch) -> bool {
        let heads = self.heads_in_trash(std::slice::from_ref(batch)).unwrap_or_default();
        heads.len() == batch.stems.len() && heads.iter().all(|head| self.is_own(&head.proofs))
    }

    /// Returns the ids of the snapshots in the trash that can be read.
    ///
    /// # Errors
    /// As [`Store::trash`].
    pub fn ids_in_trash(&self) -> Result<BTreeSet<SnapshotId>> {
        Ok(self.heads_in_trash(&self.trash()?)?.into_iter().map(|head| head.id).collect())
    }

    /// Lists the snapshots in the trash, the newest first, those that can't be read last.
    ///
    /// # Errors
    /// As [`Store::trash`].
    pub fn all_in_trash(&self) -> Result<Vec<Trashed>> {
        let mut all = Vec::new();
        for batch in self.trash()? {
            for stem in &batch.stems {
                let Some(manifest) = self.trashed_head(&batch, stem)? else { continue };
                let head = manifest.ok();
                all.push(Trashed {
                    name: head.as_ref().map_or_else(|| stem.clone(), |head| head.name.clone()),
                    created_at: head.as_ref().map(|head| head.created_at),
                    id: head.map(|head| head.id),
                    batch: batch.id.clone(),
                    removed_at: batch.since,
                    automatic: batch.automatic,
                });
            }
        }
        all.sort_by_key(|one| std::cmp::Reverse(one.created_at));
        Ok(all)
    }

    fn trashed_head(&self, batch: &Batch, stem: &str) -> Result<Option<Result<Head>>> {
        let json = self.batch_folder(&batch.id).join(manifest_name(stem)).read(LARGEST_MANIFEST)?;
        Ok(json.map(|json| Head::from_json(&json)))
    }

    /// Returns the secrets that snapshots in the trash may need, by their ids.
    ///
    /// # Errors
    /// As [`Store::trash`].
    pub fn secrets_in_trash(&self) -> Result<BTreeSet<String>> {
        let heads = self.heads_in_trash(&self.trash()?)?;
        Ok(heads.into_iter().flat_map(|head| head.secrets).map(|secret| secret.id).collect())
    }

    /// Reads of the snapshots in these batches what tells them from others, of those that can be read.
    fn heads_in_trash(&self, batches: &[Batch]) -> Result<Vec<Head>> {
        let mut heads = Vec::new();
        for batch in batches {
            for stem in &batch.stems {
                heads.extend(self.trashed_head(batch, stem)?.and_then(Result::ok));
            }
        }
        Ok(heads)
    }

    /// Reads a manifest in the trash; `None` if it is gone.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub(super) fn trashed(&self, batch: &Batch, stem: &str) -> Result<Option<Result<Manifest>>> {
        let json = self.batch_folder(&batch.id).join(manifest_name(stem)).read(LARGEST_MANIFEST)?;
        Ok(json.map(|json| Manifest::from_json(&json)))
    }

    /// Moves a snapshot into the trash. Returns the failure of the trash, if the snapshot was deleted all the same,
    /// as on a full disk.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path; the snapshot is where it was.
    pub fn discard(&self, lock: &DeleteLock, batch: &SnapshotId, stem: &str) -> Result<Option<Error>> {
        let kept = self.also_in_trash(batch, stem).err();
        if let Err(error) = self.delete(lock, stem) {
            if !self.manifest_place(stem).exists() {
                return Err(error);
            }
            // It was not removed, so it is not in the trash.
            let folder = self.batch_folder(batch);
            let _best_effort = folder.join(manifest_name(stem)).remove();
            let is_empty = folder.names().is_ok_and(|names| names.iter().all(|name| name == AUTOMATIC));
            let _best_effort = if is_empty { folder.remove_all() } else { Ok(()) };
            return Err(error);
        }
        Ok(kept)
    }

    /// Notes of what is about to be moved into the trash that no person asked for it. Without the note, `undo` would bring it
    /// back; that does no harm.
    pub fn mark_automatic(&self, batch: &SnapshotId) {
        let folder = self.batch_folder(batch);
        let _best_effort = folder.make_folder().and_then(|_| files::append_private(&folder.join(AUTOMATIC)));
    }

    /// Reads the heads of the snapshots in one batch, of those that can be read.
    ///
    /// # Errors
    /// As [`Store::trash`].
    pub fn heads_of(&self, batch: &Batch) -> Result<Vec<Head>> {
        self.heads_in_trash(std::slice::from_ref(batch))
    }

    /// Returns the names of this user's snapshots in a batch.
    ///
    /// # Errors
    /// As [`Store::trash`].
    pub fn own_names_of(&self, batch: &Batch) -> Result<Vec<String>> {
        let is_mine = |head: &Head| self.is_own(&head.proofs) || !self.can_prove();
        Ok(self.heads_of(batch)?.into_iter().filter(is_mine).map(|head| head.name).collect())
    }

    /// Says whether `NAME@USER` means this one: by whoever saved it.
    pub(super) fn is_by_user(&self, one: &Trashed, reference: &str) -> bool {
        let who = reference.strip_prefix(one.name.as_str()).and_then(|rest| rest.strip_prefix('@'));
        let Some(who) = who else { return false };
        let heads = self.trash().and_then(|trash| self.heads_in_trash(&trash)).unwrap_or_default();
        heads.iter().any(|head| one.id.as_ref() == Some(&head.id) && head.created_by.user == who)
    }

    fn also_in_trash(&self, batch: &SnapshotId, stem: &str) -> Result<()> {
        let folder = self.batch_folder(batch);
        let place = folder.join(manifest_name(stem));
        folder.make_folder()?;
        files::also_name(&self.manifest_place(stem), &place, &self.tmp())?;
        folder.sync()?;
        self.trash_folder().sync()?;
        self.objects_folder().sync()
    }

    /// Brings back all that one command removed.
    ///
    /// # Errors
    /// [`Kind::NotFound`] if it is not in the trash; [`Kind::Environment`] with the path.
    pub fn bring_back(&self, _lock: &DeleteLock, id: &SnapshotId) -> Result<OutOfTrash> {
        let Some(batch) = self.batch(id.clone())? else {
            return Err(Error::new(Kind::NotFound, "What was removed is no longer in the trash"));
        };
        let known = self.known()?;
        let heads: Vec<&Head> = known.iter().filter_map(|known| known.head.as_ref().ok()).collect();
        let is_there = |id: &SnapshotId| heads.iter().any(|head| head.id == *id);
        let _publishing = self.publishing()?;
        let mut out = OutOfTrash::default();
        for stem in &batch.stems {
            let Some(manifest) = self.trashed(&batch, stem)? else { continue };
            let place = self.batch_folder(id).join(manifest_name(stem));
            let is_there = manifest.as_ref().is_ok_and(|manifest| is_there(&manifest.id));
            if !is_there {
                let stem = self.free_stem(stem, manifest.as_ref().ok())?;
                let name = manifest_name(&stem);
                files::also_name(&place, &self.at(&name), &self.tmp())?;
                self.at("").sync()?;
                self.shelter_file(&name);
                out.unread.extend(manifest.is_err().then_some(stem));
            }
            place.remove()?;
            let to = if is_there { &mut out.there } else { &mut out.back };
            to.extend(manifest.ok());
        }
        self.batch_folder(id).remove_all()?;
        Ok(out)
    }

    /// Returns a free name for the file of a snapshot: the one that it had, if nothing has that now.
    fn free_stem(&self, had: &str, manifest: Option<&Manifest>) -> Result<String> {
        let taken = self.known()?;
        let name = manifest.map_or(had, |manifest| &manifest.name);
        let mut stems = std::iter::once(had.to_owned()).chain(stems::stems_for(name));
        stems
            .find(|stem| !taken.iter().any(|other| other.stem.eq_ignore_ascii_case(stem)))
            .ok_or_else(|| Error::new(Kind::Bug, "No free file name was found for the snapshot"))
    }

    /// Returns the heads of what [`Store::empty_trash`] deletes.
    ///
    /// # Errors
    /// As [`Store::trash`].
    pub fn over_in_trash(&self, _lock: &DeleteLock, over_at: Option<Timestamp>) -> Result<Vec<Head>> {
        let mut batches = self.trash()?;
        batches.retain(|batch| over_at.is_none_or(|now| batch.is_over(now)));
        self.heads_in_trash(&batches)
    }

    /// Deletes what is in the trash: all, or only what is kept no longer at this moment, and what else is to be gone. Returns
    /// the ids and states of the snapshots that are gone. Their objects go with the next [`Store::sweep`].
    ///
    /// # Errors
    /// As [`Store::trash`].
    pub fn empty_trash(
        &self,
        _lock: &DeleteLock,
        over_at: Option<Timestamp>,
        is_gone: impl Fn(&Head) -> bool,
    ) -> Result<Vec<(SnapshotId, ObjectId)>> {
        let mut gone = Vec::new();
        for batch in self.trash()? {
            let folder = self.batch_folder(&batch.id);
            if over_at.is_none_or(|now| batch.is_over(now)) {
                gone.extend(self.heads_of(&batch)?.into_iter().map(|head| (head.id, head.state)));
                folder.remove_all()?;
                continue;
            }
            for stem in &batch.stems {
                let place = folder.join(manifest_name(stem));
                let head = place.read(LARGEST_MANIFEST)?.and_then(|json| Head::from_json(&json).ok());
                if head.as_ref().is_some_and(&is_gone) {
                    place.remove()?;
                }
            }
        }
        Ok(gone)
    }

    /// Reads one batch; `None` if there is none of this id.
    fn batch(&self, id: SnapshotId) -> Result<Option<Batch>> {
        let folder = self.batch_folder(&id);
        let Some(found) = folder.stat()?.filter(|found| found.shape == Shape::Folder) else {
            return Ok(None);
        };
        let names = folder.names()?.into_iter().filter_map(|name| name.into_string().ok());
        let (manifests, others): (Vec<String>, Vec<String>) = names.partition(|name| name.ends_with(".json"));
        let stems =
            manifests.iter().filter_map(|name| name.strip_suffix(".json").map(str::to_owned)).collect();
        let automatic = others.iter().any(|name| name == AUTOMATIC);
        Ok(Some(Batch { id, since: Timestamp::from(found.modified), stems, automatic }))
    }

    pub(super) fn batch_folder(&self, id: &SnapshotId) -> OwnPath {
        self.trash_folder().join(id.as_str())
    }

    fn trash_folder(&self) -> OwnPath {
        self.objects_folder().join("trash")
    }

    /// Makes the log durable: `undo` goes by its lines about what was removed.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path; callers may continue.
    pub fn sync_log(&self) -> Result<()> {
        let place = self.at(super::log::LOG);
        let file = crate::sys::locks::open_exclusively(&place, PATIENCE)?;
        crate::sys::disk::flush(&file).map_err(|error| Error::io("write", &place.path(), &error))
    }
}

/// What was in the trash.
#[derive(Debug, Default)]
pub struct OutOfTrash {
    /// What came back.
    pub back: Vec<Manifest>,
    /// The file names, without `.json`, of those that came back and can't be read.
    pub unread: Vec<String>,
    /// What was there already, as when it was pulled since.
    pub there: Vec<Manifest>,
}

/// How much is in the trash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrashSize {
    /// How many snapshots.
    pub snapshots: usize,
    /// The bytes on disk of what only they need.
    pub bytes: u64,
}
