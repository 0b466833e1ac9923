//! `verify --repair`: rebuilds what can be proven, and puts the rest into quarantine. Nothing is deleted.
//!
//! An object is its hash: any bytes that hash to its name are its content, wherever they are found. They are
//! looked for in the session's own files, in the work tree, in git and in other snapshots' diffs.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::VerifyReport;
use crate::base::digest::ObjectId;
use crate::base::error::{Kind, Result};
use crate::edits::Materializer;
use crate::manifest::{Edit, Manifest, ObjectRef, SavedVersion};
use crate::restore;
use crate::store::Entry;
use crate::stored_patch::encoding::{self, PatchSide};
use crate::sys::work_tree::{Node, Tree};
use crate::workspace::Workspace;

/// Whole files are cut into pieces of this many bytes.
const PIECE: usize = 4 << 20;

/// What a repair did.
#[derive(Debug, Default)]
pub struct Repaired {
    /// Objects that are whole again.
    pub healed: Vec<ObjectId>,
    /// Manifests that are whole again, by file name.
    pub manifests: Vec<String>,
    /// What was set aside, where it is now.
    pub aside: Vec<PathBuf>,
}

/// Repairs what a report lists. Can be interrupted and run again at any point.
///
/// # Errors
/// What the disk says, or [`Kind::Busy`] if others work in the store for too long.
pub fn repair(workspace: &Workspace, entries: &[Entry], report: &VerifyReport) -> Result<Repaired> {
    let mut repaired = Repaired::default();
    if report.is_sound() {
        return Ok(repaired);
    }
    workspace.mend_torn_refs()?;
    let store = &workspace.store;
    let problems = report.snapshots.iter().flat_map(|one| &one.problems);
    let lost: BTreeMap<ObjectId, ObjectRef> =
        problems.filter_map(|problem| problem.object).map(|object| (object.object, object)).collect();
    let unreadable: Vec<&Entry> = entries
        .iter()
        .filter(|entry| matches!(&entry.manifest, Err(error) if error.kind() == Kind::Damaged))
        .collect();
    let lock = store.prepare()?;
    let mut still = Vec::new();
    for entry in unreadable {
        if store.heal_manifest(&lock, &entry.stem)? {
            repaired.manifests.push(entry.stem.clone())
        } else {
            still.push(entry)
        }
    }
    let mut search = Search { lost, found: BTreeMap::new() };
    let manifests: Vec<&Manifest> = entries.iter().filter_map(Entry::readable).collect();
    search.in_sessions(workspace, &manifests);
    search.in_edits(workspace, &manifests)?;
    for (id, raw) in &search.found {
        let object = ObjectRef { object: *id, size: raw.len() as u64 };
        if store.heal(&lock, &object, raw)? {
            repaired.healed.push(*id);
        }
    }
    drop(lock);
    let lock = store.lock_for_deleting()?;
    for entry in still {
        repaired.aside.extend(store.set_manifest_aside(&lock, &entry.stem)?);
    }
    for object in search.lost.values() {
        repaired.aside.extend(store.set_object_aside(&lock, object)?);
    }
    for (journal, _) in restore::foreign_journals(workspace)? {
        repaired.aside.push(store.set_journal_aside(&lock, &journal)?);
    }
    Ok(repaired)
}

/// A search for the content of objects.
struct Search {
    lost: BTreeMap<ObjectId, ObjectRef>,
    found: BTreeMap<ObjectId, Vec<u8>>,
}

impl Search {
    /// Takes content, if it is that of a lost object.
    fn offer(&mut self, raw: &[u8]) {
        if !self.lost.values().any(|object| object.size == raw.len() as u64) {
            return;
        }
        let id = ObjectId::of(raw);
        if self.lost.remove(&id).is_some() {
            self.found.insert(id, raw.to_vec());
        }
    }

    /// Searches the files of the sessions that lost something. A file that can't be read is skipped.
    fn in_sessions(&mut self, workspace: &Workspace, manifests: &[&Manifest]) {
        for manifest in manifests {
            let lost = manifest.session_objects().iter().any(|object| self.lost.contains_key(&object.object));
            let Some(session) = manifest.session.as_ref().filter(|_| lost) else { continue };
            for transcript in workspace.client.transcripts(&session.id).unwrap_or_default() {
                for file in session_files(workspace, &transcript) {
                    self.in_file(&whole(&file).unwrap_or_default());
                }
            }
        }
    }

    /// Offers every piece that begins and ends where pieces are cut.
    fn in_file(&mut self, bytes: &[u8]) {
        let lines = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
        let pieces = (0..bytes.len()).step_by(PIECE);
        let starts: std::collections::BTreeSet<usize> = lines.chain(pieces).collect();
        for start in &starts {
            let sizes: Vec<usize> =
                self.lost.values().filter_map(|object| usize::try_from(object.size).ok()).collect();
            for size in sizes {
                let end = start.saturating_add(size);
                if end == bytes.len() || starts.contains(&end) {
                    self.offer(&bytes[*start..end]);
                }
            }
        }
    }

    /// Makes the lost diffs again, from any place that has both versions.
    fn in_edits(&mut self, workspace: &Workspace, manifests: &[&Manifest]) -> Result<()> {
        let Some(repository) = &workspace.repository else { return Ok(()) };
        let tree = Tree::open(&workspace.root)?;
        let mut versions = Materializer::to_restore(&workspace.store, repository, None);
        let edits = manifests.iter().flat_map(|manifest| manifest.edited_files());
        let all: Vec<SavedVersion<'_>> = edits.flat_map(Edit::saved_versions).collect();
        for saved in &all {
            let (edit, mode) = (saved.edit, saved.version.mode);
            if !saved.objects().any(|object| self.lost.contains_key(&object.object)) {
                continue;
            }
            let earlier = saved.diff.and_then(|diff| diff.earlier.as_ref());
            let loaded = earlier.and_then(|earlier| workspace.store.load(earlier).ok());
            let old = match edit.diffed_against() {
                _ if loaded.is_some() => loaded.map(|bytes| (mode, bytes)),
                None => None,
                Some(old) => match versions.blob(&old.oid)? {
                    Some(bytes) => Some((old.mode, bytes)),
                    None => continue,
                },
            };
            let on_disk = match tree.read(&edit.path) {
                Ok(Node::File { bytes, .. }) => Some(bytes),
                _ => None,
            };
            let mut candidates = Vec::new();
            if let (Some(bytes), Some(_)) = (&on_disk, saved.converted()) {
                let cleaning = repository.cleaning(&[(&edit.path, true)].into(), None)?;
                candidates.extend(cleaning.compared(&edit.path, bytes, &mut repository.blobs())?);
            }
            candidates.extend(on_disk);
            candidates.extend(versions.blob(&saved.version.oid)?);
            let mut same = all.iter().filter(|other| other.version.oid == saved.version.oid);
            candidates.extend(same.find_map(|other| versions.saved(*other).ok()));
            if let Some(converted) = saved.converted() {
                candidates.extend(versions.blob(&converted.oid)?);
            }
            for bytes in candidates {
                if earlier.is_some() {
                    self.offer(&bytes);
                }
                let old = old.as_ref().map(|(mode, bytes)| PatchSide { mode: *mode, bytes });
                if let Some(made) = encoding::make(old, PatchSide { mode, bytes: &bytes })? {
                    self.offer(&made.bytes);
                }
            }
        }
        Ok(())
    }
}

fn whole(file: &std::path::Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut crate::sys::users_files::open_theirs(file)?, &mut bytes)?;
    Ok(bytes)
}

/// Lists every file of the session that a transcript belongs to.
fn session_files(workspace: &Workspace, transcript: &std::path::Path) -> Vec<PathBuf> {
    let Ok(found) = workspace.client.session_at(transcript) else { return vec![transcript.to_owned()] };
    let files = found.home.session_files(&found, &workspace.root);
    let agents = files.agents.into_iter().flat_map(|agent| agent.transcript.into_iter().chain(agent.meta));
    let others = files.others.into_iter().map(|(_, path)| path);
    std::iter::once(transcript.to_owned()).chain(agents).chain(others).collect()
}
