//! `verify --repair`: rebuilds what can be proven, and puts the rest into quarantine. Nothing is deleted.
//!
//! An object is its hash: any bytes that hash to its name are its content, wherever they are found. They are
//! looked for in the session's own files, in the work tree, in git and in other snapshots' diffs. What a save cuts, cleans or
//! converts before it stores it is made again in the same way (`capture/rebuilt.rs`).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::PathBuf;

use super::VerifyReport;
use crate::base::compress;
use crate::base::digest::ObjectId;
use crate::base::error::{Kind, Result};
use crate::base::ids::ClientId;
use crate::base::paths::RepoPath;
use crate::capture;
use crate::client::FoundSession;
use crate::context::Context;
use crate::edits::Materializer;
use crate::git::Repository;
use crate::manifest::{Edit, Manifest, ObjectRef, SavedVersion};
use crate::redaction::Redactor;
use crate::restore;
use crate::store::{AddLock, Entry};
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
pub fn repair(
    context: &Context,
    workspace: &Workspace,
    entries: &[Entry],
    report: &VerifyReport,
) -> Result<Repaired> {
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
        if store.heal_manifest(&entry.stem)? {
            repaired.manifests.push(entry.stem.clone())
        } else {
            still.push(entry)
        }
    }
    let mut search = Search { lost, found: BTreeMap::new() };
    let manifests: Vec<&Manifest> = entries.iter().filter_map(Entry::readable).collect();
    search.in_sessions(workspace, &manifests);
    search.heal(workspace, &lock, &mut repaired)?;
    // What leads on from something lost can be made once that is back.
    loop {
        search.in_edits(workspace, &manifests)?;
        if !search.heal(workspace, &lock, &mut repaired)? {
            break;
        }
    }
    drop(lock);
    search.by_saving_again(context, workspace, &manifests, &mut repaired)?;
    let lock = store.lock_for_deleting()?;
    for entry in still {
        repaired.aside.extend(store.set_manifest_aside(&lock, &entry.stem)?);
    }
    for object in search.lost.values() {
        repaired.aside.extend(store.set_object_aside(&lock, object)?);
    }
    repaired.aside.extend(store.set_log_lines_aside(&lock)?);
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

    /// Puts what was found into the store. Returns whether anything was.
    fn heal(&mut self, workspace: &Workspace, lock: &AddLock, repaired: &mut Repaired) -> Result<bool> {
        let found = std::mem::take(&mut self.found);
        for (id, raw) in &found {
            let object = ObjectRef { object: *id, size: raw.len() as u64 };
            if workspace.store.heal(lock, &object, raw)? {
                repaired.healed.push(*id);
            }
        }
        Ok(!found.is_empty())
    }

    /// Has what is here saved again, where something is lost yet: no snapshot is made of it, and what nothing needs is taken
    /// back.
    fn by_saving_again(
        &mut self,
        context: &Context,
        workspace: &Workspace,
        manifests: &[&Manifest],
        repaired: &mut Repaired,
    ) -> Result<()> {
        if self.lost.is_empty() {
            return Ok(());
        }
        let mut sessions: BTreeMap<Option<&ClientId>, Vec<&Manifest>> = BTreeMap::new();
        for manifest in manifests.iter().filter(|manifest| self.lacks(&manifest.objects())) {
            let session = manifest.session.as_ref().filter(|_| self.lacks(&manifest.session_objects()));
            sessions.entry(session.map(|session| &session.id)).or_default().push(manifest);
        }
        for (id, of_session) in sessions {
            let transcripts = id.and_then(|id| workspace.client.transcripts(id).ok()).unwrap_or_default();
            let found: Vec<FoundSession> =
                transcripts.iter().filter_map(|path| workspace.client.session_at(path).ok()).collect();
            let all = found.iter().map(Some).chain(found.is_empty().then_some(None));
            for found in all {
                let mut done = |longer: &[capture::MayBegin]| {
                    self.is_back(workspace, longer, repaired)?;
                    let lacks = of_session.iter().any(|manifest| self.lacks(&manifest.objects()));
                    Ok(if lacks { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
                };
                // What can't be read now stays lost, and is listed as that.
                let _as_far_as_it_went =
                    capture::write_again(context, workspace, (found, &of_session), &mut done);
                self.is_back(workspace, &[], repaired)?;
            }
        }
        let _swept_later = workspace.store.take_back();
        Ok(())
    }

    fn lacks(&self, objects: &[ObjectRef]) -> bool {
        objects.iter().any(|object| self.lost.contains_key(&object.object))
    }

    /// Takes note of what is in the store again, and puts there what some `longer` pieces begin with.
    fn is_back(
        &mut self,
        workspace: &Workspace,
        longer: &[capture::MayBegin],
        repaired: &mut Repaired,
    ) -> Result<()> {
        let store = &workspace.store;
        let back: Vec<ObjectId> =
            self.lost.values().filter(|lost| store.frame(lost).is_ok()).map(|lost| lost.object).collect();
        for id in back {
            self.lost.remove(&id);
            repaired.healed.push(id);
        }
        for capture::MayBegin { saved, now } in longer {
            let size = usize::try_from(saved.size).unwrap_or(usize::MAX);
            let Some(now) = self.lost.get(&saved.object).and_then(|_| store.get(now).ok()) else { continue };
            self.offer(now.get(..size).unwrap_or_default());
        }
        if !self.found.is_empty() {
            let lock = store.prepare()?;
            self.heal(workspace, &lock, repaired)?;
        }
        Ok(())
    }

    /// Searches the files of the sessions that lost something. A file that can't be read is skipped.
    fn in_sessions(&mut self, workspace: &Workspace, manifests: &[&Manifest]) {
        for manifest in manifests {
            let lost = self.lacks(&manifest.session_objects());
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
        let starts: BTreeSet<usize> = lines.chain(pieces).collect();
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
        let lost =
            |saved: &&SavedVersion<'_>| saved.objects().any(|object| self.lost.contains_key(&object.object));
        let lost: Vec<&SavedVersion<'_>> = all.iter().filter(lost).collect();
        let has_secrets =
            |saved: &&&SavedVersion<'_>| saved.diff.is_some_and(|diff| diff.redaction.is_some());
        let with_secrets: BTreeSet<&RepoPath> =
            lost.iter().filter(has_secrets).map(|saved| &saved.edit.path).collect();
        let (redactor, in_index) = if with_secrets.is_empty() {
            (None, BTreeMap::new())
        } else {
            (Some(Redactor::open(workspace, &[])?), in_index(repository, &with_secrets)?)
        };
        for saved in lost {
            let (edit, mode) = (saved.edit, saved.version.mode);
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
            // Its own id names what is left without the secrets.
            if let Some(oid) = in_index.get(&edit.path) {
                candidates.extend(versions.blob(oid)?);
            }
            let cleaned = redactor.as_ref().filter(|_| has_secrets(&&saved));
            for bytes in candidates {
                let raw = old.as_ref().map(|(_, bytes)| bytes.as_slice());
                let clean = match cleaned {
                    Some(redactor) => redactor.clean_version(&edit.path, raw, &bytes, &mut |_| ())?,
                    None => None,
                };
                let clean = clean.map(|clean| (clean.old, clean.new));
                let as_it_is = (raw.map(<[u8]>::to_vec), bytes);
                for (old_bytes, bytes) in clean.into_iter().chain([as_it_is]) {
                    if earlier.is_some() {
                        self.offer(&bytes);
                        let delta = old_bytes.as_ref().map(|old| compress::make_delta(old, &bytes));
                        delta.into_iter().flatten().for_each(|delta| self.offer(&delta));
                    }
                    let of_old = old.as_ref().map_or(mode, |(mode, _)| *mode);
                    let old = old_bytes.as_ref().map(|bytes| PatchSide { mode: of_old, bytes });
                    if let Some(made) = encoding::make(old, PatchSide { mode, bytes: &bytes })? {
                        self.offer(&made.bytes);
                    }
                }
            }
        }
        Ok(())
    }
}

/// Returns what git's index has of these paths now.
fn in_index(repository: &Repository, paths: &BTreeSet<&RepoPath>) -> Result<BTreeMap<RepoPath, String>> {
    let wanted: BTreeSet<&[u8]> = paths.iter().map(|path| path.as_bytes()).collect();
    let versions = repository.status_at_once()?.index.versions(|path| wanted.contains(path));
    Ok(versions.into_iter().map(|(path, version)| (path, version.oid)).collect())
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
