//! `verify`: reads and checks everything in the store, and lists everything that is wrong.
//!
//! It checks manifests against their checksums, objects against their names and sizes, diffs against the
//! base and the blob ids they lead to, whether the base is here, and conversations against what the manifest says of them. Changes
//! nothing; [`repair()`] does. One damaged snapshot never hides another.

mod repair;

use std::collections::{BTreeMap, BTreeSet};

use crate::base::error::{Kind, Result};
use crate::base::ids::SnapshotId;
use crate::base::monitor::{Monitor, Phase};
use crate::edits::{Materializer, work};
use crate::git::{BaseHere, Repository, kept_ref};
use crate::manifest::{Content, Diff, Edit, Manifest, ObjectRef, Transcript};
use crate::restore;
use crate::store::{Bases, Entry, UnreadLog};
use crate::workspace::Workspace;

pub use repair::{Repaired, repair};

/// What was found.
#[derive(Debug, Default)]
pub struct VerifyReport {
    /// The snapshots, in the order of `snap list`.
    pub snapshots: Vec<CheckedSnapshot>,
    /// Journals of restores that can't be read.
    pub journals: Vec<Problem>,
    /// Refs of base commits that can't be read.
    pub refs: Vec<Problem>,
    /// Lines of the log that can't be read.
    pub log: Vec<Problem>,
    /// How many objects were read.
    pub objects: usize,
    /// Their raw size in bytes.
    pub bytes: u64,
}

/// What was found of one snapshot.
#[derive(Debug)]
pub struct CheckedSnapshot {
    /// The name of its file, without `.json`.
    pub stem: String,
    /// Its id, if its manifest can be read.
    pub id: Option<SnapshotId>,
    /// Its name, if its manifest can be read.
    pub name: Option<String>,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
    /// What could not be checked here, and what is odd without being damaged.
    pub notes: Vec<String>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What kind of thing.
    pub part: DamagedPart,
    /// Which one, for a person.
    pub what: String,
    /// Why.
    pub cause: String,
    /// The object, if it is one.
    pub object: Option<ObjectRef>,
}

/// The kinds of things that can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DamagedPart {
    /// The manifest itself.
    Manifest,
    /// A piece of content.
    Object,
    /// The commit that the edits were made on.
    Base,
    /// A diff that does not lead from its base to what it should.
    Edit,
    /// A conversation that is not what the manifest says.
    Session,
    /// The journal of a restore that was interrupted.
    Journal,
    /// A ref that keeps the base commit of a snapshot.
    Ref,
    /// The log.
    Log,
}

impl DamagedPart {
    /// Returns the word that stands for it in JSON and on the screen.
    pub fn word(self) -> &'static str {
        match self {
            DamagedPart::Manifest => "manifest",
            DamagedPart::Object => "object",
            DamagedPart::Base => "base",
            DamagedPart::Edit => "edit",
            DamagedPart::Session => "session",
            DamagedPart::Journal => "journal",
            DamagedPart::Ref => "ref",
            DamagedPart::Log => "log",
        }
    }
}

impl VerifyReport {
    /// Says whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.journals.is_empty()
            && self.refs.is_empty()
            && self.log.is_empty()
            && self.snapshots.iter().all(|one| one.problems.is_empty())
    }
}

/// What is wrong with each object that was read; nothing if it is sound.
type Objects = BTreeMap<ObjectRef, Option<String>>;

/// Checks these snapshots of a workspace's store, and the journals.
///
/// # Errors
/// [`Kind::Environment`] if the store's folders can't be read; anything that is wrong in them
/// is in the report.
pub fn verify(workspace: &Workspace, entries: &[Entry], monitor: &Monitor) -> Result<VerifyReport> {
    let _phase = monitor.begin(Phase::Verifying, Some(to_read(entries)));
    let mut objects = Objects::new();
    let (journals, refs) = (journals(workspace)?, torn_refs(workspace));
    let log = log(workspace)?;
    let mut report = VerifyReport { journals, refs, log, ..VerifyReport::default() };
    for entry in entries {
        let checked = check(workspace, entry, &mut objects, monitor);
        let all_well = checked.as_ref().is_ok_and(|checked| checked.problems.is_empty());
        // Of one that somebody removed meanwhile, nothing has to be there.
        if all_well || workspace.store.still_has(entry) {
            report.snapshots.push(checked?);
        }
    }
    report.objects = objects.len();
    report.bytes = objects.keys().map(|object| object.size).sum();
    Ok(report)
}

fn log(workspace: &Workspace) -> Result<Vec<Problem>> {
    let problem = |unread: UnreadLog| Problem {
        part: DamagedPart::Log,
        what: unread.path.to_string_lossy().into_owned(),
        cause: unread.cause(),
        object: None,
    };
    Ok(workspace.store.unread_log()?.into_iter().map(problem).collect())
}

fn torn_refs(workspace: &Workspace) -> Vec<Problem> {
    let torn = workspace.repository.as_ref().map(Repository::torn_refs).unwrap_or_default();
    let problem = |id: SnapshotId| Problem {
        part: DamagedPart::Ref,
        what: kept_ref(&id),
        cause: "it is empty or torn, as after a power cut; `snap verify --repair` mends it".to_owned(),
        object: None,
    };
    torn.into_iter().map(problem).collect()
}

fn journals(workspace: &Workspace) -> Result<Vec<Problem>> {
    let problem = |ignored: restore::UnusedJournal| Problem {
        part: DamagedPart::Journal,
        what: ignored.path.to_string_lossy().into_owned(),
        cause: ignored.why,
        object: None,
    };
    Ok(restore::foreign_journals(workspace)?.into_iter().map(|(_, ignored)| problem(ignored)).collect())
}

/// Returns how many bytes there are to be read: each object once, and each conversation and each version of a file once more.
fn to_read(entries: &[Entry]) -> u64 {
    let manifests = || entries.iter().filter_map(Entry::readable);
    let objects: BTreeSet<ObjectRef> = manifests().flat_map(Manifest::objects).collect();
    let conversations = manifests().flat_map(Manifest::transcripts).map(|(_, transcript)| transcript.bytes);
    // What a manifest says of its sizes may be anything.
    let edits =
        manifests().map(|manifest| diffs(manifest).fold(0, |sum, diff| diff.bytes.saturating_add(sum)));
    objects.iter().map(|object| object.size).chain(conversations).chain(edits).fold(0, u64::saturating_add)
}

/// Returns the diffs of which the versions of files are made.
fn diffs(manifest: &Manifest) -> impl Iterator<Item = &Diff> {
    let versions = manifest.edited_files().iter().flat_map(Edit::saved_versions);
    versions.filter_map(|saved| saved.diff)
}

fn check(
    workspace: &Workspace,
    entry: &Entry,
    objects: &mut Objects,
    monitor: &Monitor,
) -> Result<CheckedSnapshot> {
    let mut checked = CheckedSnapshot {
        stem: entry.stem.clone(),
        id: None,
        name: None,
        problems: Vec::new(),
        notes: Vec::new(),
    };
    let manifest = match &entry.manifest {
        Ok(manifest) => manifest,
        Err(error) if error.kind() == Kind::NewerFormat => {
            checked.notes.push(format!("not checked: {error}"));
            return Ok(checked);
        }
        Err(error) => {
            let what = format!("{}.json", entry.stem);
            let cause = error.to_string();
            checked.problems.push(Problem { part: DamagedPart::Manifest, what, cause, object: None });
            return Ok(checked);
        }
    };
    checked.id = Some(manifest.id.clone());
    checked.name = Some(manifest.name.clone());
    // An extra: without it the snapshot is whole.
    let bases = workspace.store.bases(manifest).unwrap_or_else(|error| {
        checked.problems.push(Problem {
            part: DamagedPart::Manifest,
            what: format!("bases/{}.json", manifest.id),
            cause: error.to_string(),
            object: None,
        });
        None
    });
    let have_come = bases.is_some();
    let bases = bases.unwrap_or_default();
    let extras = bases.0.iter().map(|(oid, object)| (format!("the base version {oid}"), *object));
    let mut damaged = Vec::new();
    for (what, object) in uses(manifest).into_iter().chain(extras) {
        let found = objects.entry(object).or_insert_with(|| {
            let mut share = monitor.share(object.size);
            let found = workspace.store.frame_telling(&object, |more| share.add(more));
            found.err().map(|error| error.to_string())
        });
        if let Some(cause) = found {
            damaged.push(object);
            let cause = cause.clone();
            checked.problems.push(Problem { part: DamagedPart::Object, what, cause, object: Some(object) });
        }
    }
    // What needs a damaged object is named already.
    let sound = |objects: &[ObjectRef]| !objects.iter().any(|object| damaged.contains(object));
    check_session(workspace, manifest, &sound, &mut checked, monitor)?;
    let sum = |size: fn(&Diff) -> u64| diffs(manifest).map(size).fold(0, u64::saturating_add);
    let mut share = monitor.share_of_work(sum(|diff| diff.bytes), sum(work));
    let can_apply = check_base(workspace, entry, manifest, have_come, &mut checked)?;
    if can_apply {
        check_edits(workspace, manifest, &bases, &sound, &mut checked, &mut |more| share.add(more))?;
    }
    Ok(checked)
}

fn check_session(
    workspace: &Workspace,
    manifest: &Manifest,
    sound: &dyn Fn(&[ObjectRef]) -> bool,
    checked: &mut CheckedSnapshot,
    monitor: &Monitor,
) -> Result<()> {
    // The conversation comes first; its agents may be branches of it.
    let mut session = None;
    for (what, transcript) in transcripts(manifest).filter(|(_, one)| sound(&one.chunks)) {
        let tell = |bytes| monitor.add(bytes);
        let (found, known) = restore::check_transcript(&workspace.store, transcript, session.as_ref(), tell)?;
        session.get_or_insert(known);
        let bytes: u64 = transcript.chunks.iter().map(|chunk| chunk.size).sum();
        if bytes != transcript.bytes {
            let cause = format!("its pieces have {bytes} bytes together, and it has {}", transcript.bytes);
            checked.problems.push(Problem {
                part: DamagedPart::Session,
                what: what.clone(),
                cause,
                object: None,
            });
        }
        checked.notes.extend(found.into_iter().map(|finding| format!("{what}, {finding}")));
    }
    Ok(())
}

/// Says whether the edits can be made here; and if their base is gone, what that means. `have_come`: their base versions came
/// with the snapshot.
fn check_base(
    workspace: &Workspace,
    entry: &Entry,
    manifest: &Manifest,
    have_come: bool,
    checked: &mut CheckedSnapshot,
) -> Result<bool> {
    let Some(edits) = &manifest.edits else { return Ok(false) };
    let repository =
        workspace.repository.as_ref().filter(|repository| repository.hash() == edits.object_format);
    let Some(repository) = repository else {
        if !edits.files.is_empty() {
            checked.notes.push("the diffs were not applied: its repository is not here".to_owned());
        }
        return Ok(false);
    };
    let Some(base) = &edits.base else { return Ok(true) };
    match (repository.base_here(&manifest.id, base)?, have_come) {
        (BaseHere::Commit, _) => Ok(true),
        (BaseHere::Tree(_), _) => {
            let note = format!(
                "its base commit {base} is gone, as after a rewrite of the history; its files are kept"
            );
            checked.notes.push(note);
            Ok(true)
        }
        (BaseHere::Nothing, _) if edits.files.is_empty() => {
            let note = format!("{base} is not here: `snap rewind` needs it, `snap resume` doesn't");
            checked.notes.push(note);
            Ok(true)
        }
        (BaseHere::Nothing, true) => {
            let note = format!(
                "{base} is not here: `snap resume` works with the versions that came with it, `snap rewind` doesn't"
            );
            checked.notes.push(note);
            Ok(true)
        }
        // What comes from elsewhere need not find its base here.
        (BaseHere::Nothing, false) if !entry.own => {
            let note = format!(
                "the diffs were not applied: {base} is not here; `snap resume --fetch-base` fetches it"
            );
            checked.notes.push(note);
            Ok(false)
        }
        (BaseHere::Nothing, false) => {
            let error = repository.lacks_commit(base);
            let cause = match error.next_step() {
                Some(hint) => format!("it is not in this repository, so the files can't be restored: {hint}"),
                None => error.cause().to_owned(),
            };
            checked.problems.push(Problem {
                part: DamagedPart::Base,
                what: base.clone(),
                cause,
                object: None,
            });
            Ok(false)
        }
    }
}

fn check_edits(
    workspace: &Workspace,
    manifest: &Manifest,
    bases: &Bases,
    sound: &dyn Fn(&[ObjectRef]) -> bool,
    checked: &mut CheckedSnapshot,
    tell: &mut dyn FnMut(u64),
) -> Result<()> {
    let (Some(edits), Some(repository)) = (&manifest.edits, &workspace.repository) else { return Ok(()) };
    let mut versions = Materializer::to_restore(&workspace.store, repository, Some(bases));
    for saved in edits.files.iter().flat_map(Edit::saved_versions) {
        let base = saved.edit.diffed_against().and_then(|old| bases.0.get(&old.oid));
        if !sound(&saved.objects().chain(base).copied().collect::<Vec<_>>()) {
            continue;
        }
        if let Err(error) = versions.saved_telling(saved, tell) {
            let (what, cause) = (saved.to_string(), error.to_string());
            checked.problems.push(Problem { part: DamagedPart::Edit, what, cause, object: None });
        }
    }
    Ok(())
}

/// Returns a snapshot's transcripts, with what each is.
fn transcripts(manifest: &Manifest) -> impl Iterator<Item = (String, &Transcript)> {
    manifest.transcripts().map(|(agent, transcript)| match agent {
        None => ("the conversation".to_owned(), transcript),
        Some(agent) => (format!("the transcript of agent {}", agent.id), transcript),
    })
}

/// Returns every object that a snapshot needs, with what for.
fn uses(manifest: &Manifest) -> Vec<(String, ObjectRef)> {
    let mut uses = Vec::new();
    for (what, transcript) in transcripts(manifest) {
        uses.extend(transcript.objects().map(|object| (what.clone(), *object)));
    }
    for file in manifest.side_files() {
        uses.extend(file.content.objects().iter().map(|object| (file.place.to_string(), *object)));
    }
    for saved in manifest.edited_files().iter().flat_map(Edit::saved_versions) {
        uses.extend(saved.objects().map(|object| (saved.to_string(), *object)));
    }
    let marks = manifest.edits.iter().filter_map(|edits| edits.marks.as_ref()).flat_map(Content::objects);
    uses.extend(marks.map(|object| ("the marks of files in git's index".to_owned(), *object)));
    uses
}
