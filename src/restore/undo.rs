//! `undo` and `redo`: one step of the history, planned.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use super::history::{Act, Direction, History, HistoryStep, Next, Removal, Restored, Reversal, Side, Way};
use super::{Admission, MOST_TOLD, MergePlan, RestorePlan, branch};
use crate::base::error::{Error, Kind, Result};
use crate::base::ids::SnapshotId;
use crate::base::monitor::Monitor;
use crate::base::paths::RepoPath;
use crate::base::screen::Line;
use crate::base::timestamp::Timestamp;
use crate::base::warning::Warning;
use crate::git::Repository;
use crate::git::index::IndexEntry;
use crate::manifest::{Head, Safety};
use crate::redaction::refill;
use crate::restore::files::rewind::{self, RewindScope};
use crate::restore::files::step::Step;
use crate::restore::files::{amounts, base_here};
use crate::store::{Batch, LogEntry, NO_NAME, Operation, Reference};
use crate::sys::work_tree::{Node, Tree};
use crate::workspace::Workspace;

/// What the next step is about.
pub enum NextStep {
    /// Everything that was done here is undone already, but for restores that changed no file, the newest first.
    AllUndone(Vec<Restored>),
    /// Snapshots that were removed: they are in the trash, or were brought back from it.
    Removal {
        /// The removal.
        removal: Removal,
        /// A removal that came after it, and is gone for good.
        gone: Option<Removal>,
        /// The restores on the way to it that changed no file, the nearest first.
        passed: Vec<Restored>,
    },
    /// A restore, which has to be planned.
    Restore,
    /// There is nothing left but a removal that can't be undone.
    Gone(Removal),
}

/// Says what the next step in this workspace is about.
///
/// # Errors
/// What the disk says.
pub fn next_step(workspace: &Workspace, direction: Direction) -> Result<NextStep> {
    let (history, _) = history(workspace)?;
    let next = next(&history, direction);
    if direction == Direction::Undo && history.is_all_undone() {
        return Ok(NextStep::AllUndone(next.passed()));
    }
    Ok(match (next.act, next.gone) {
        (Some(Act::Removed(removal)), gone) => {
            NextStep::Removal { removal: removal.clone(), gone: gone.cloned(), passed: next.passed() }
        }
        (None, Some(gone)) => NextStep::Gone(gone.clone()),
        _ => NextStep::Restore,
    })
}

fn next(history: &History, direction: Direction) -> Next<'_> {
    match direction {
        Direction::Undo => history.next_undo(),
        Direction::Redo => history.next_redo(),
    }
}

/// Says how the next step in a direction is taken, if there is one.
///
/// # Errors
/// What the disk says.
pub fn next_way(workspace: &Workspace, direction: Direction) -> Result<Option<Way>> {
    way_to(workspace, &workspace.root, direction, |_| true)
}

/// Reads what was done here. Says too whether it is proven to be this user's.
fn history(workspace: &Workspace) -> Result<(History, bool)> {
    history_in(workspace, &workspace.root)
}

/// The same of another work tree of this store.
fn history_in(workspace: &Workspace, root: &Path) -> Result<(History, bool)> {
    let trash = workspace.store.trash()?;
    let own = trash.iter().filter(|batch| workspace.store.is_own_batch(batch)).map(|batch| batch.id.clone());
    let log = with_unlogged(workspace, workspace.store.read_log()?, &trash)?;
    let came = came_from_elsewhere(&log);
    let (mut log, proven) = believed(log, root, &own.collect());
    call_as_here(&mut log, &workspace.store.names()?);
    let trash = trash.into_iter().map(|batch| batch.id).collect();
    let mut history = History::of(&log, root, &trash);
    if history.ends_in_what_is_gone() {
        let known = workspace.store.known()?;
        let there: BTreeSet<&SnapshotId> =
            known.iter().filter_map(|known| known.head.as_ref().ok()).map(|head| &head.id).collect();
        history.settle(|id| there.contains(id) && !came.contains(id));
    }
    Ok((history, proven))
}

/// Returns the snapshots that came from a remote or a file since they were removed last: no undo brought them back.
fn came_from_elsewhere(log: &[LogEntry]) -> BTreeSet<SnapshotId> {
    let mut came = BTreeSet::new();
    for (line, id) in log
        .iter()
        .filter(|line| line.outcome.is_ok())
        .filter_map(|line| Some((line, line.snapshot.as_ref()?)))
    {
        match line.operation {
            Operation::Pull | Operation::Import => drop(came.insert(id.clone())),
            Operation::Remove | Operation::Prune => drop(came.remove(id)),
            Operation::Undo | Operation::Redo if line.batch.is_some() => drop(came.remove(id)),
            _ => {}
        }
    }
    came
}

/// Gives each snapshot the name by which it can be typed here.
fn call_as_here(log: &mut [LogEntry], names: &HashMap<SnapshotId, String>) {
    for entry in log {
        if let Some(name) = entry.snapshot.as_ref().and_then(|id| names.get(id)) {
            entry.name.clone_from(name);
        }
    }
}

/// Adds what is in the trash and in no line: whoever removed it died before that, or could not write it. Where it was
/// removed is not known; it is told here.
fn with_unlogged(workspace: &Workspace, mut log: Vec<LogEntry>, trash: &[Batch]) -> Result<Vec<LogEntry>> {
    let logged: BTreeSet<SnapshotId> = log.iter().filter_map(|line| line.batch.clone()).collect();
    let is_unlogged = |batch: &&Batch| {
        !batch.automatic && !logged.contains(&batch.id) && workspace.store.is_own_batch(batch)
    };
    for batch in trash.iter().filter(is_unlogged) {
        let after = log.iter().rposition(|line| line.at <= batch.since).map_or(0, |at| at + 1);
        for head in workspace.store.heads_of(batch)? {
            log.insert(after, missing_line(batch, &head, &workspace.root));
        }
    }
    Ok(log)
}

/// Makes the line that is missing about a snapshot in the trash.
fn missing_line(batch: &Batch, head: &Head, root: &Path) -> LogEntry {
    let by = (head.created_by.user.as_str(), head.created_by.host.as_str());
    LogEntry {
        root: Some(root.into()),
        batch: Some(batch.id.clone()),
        snapshot: Some(head.id.clone()),
        name: head.name.clone(),
        ..LogEntry::begun(Operation::Remove, batch.since, by)
    }
}

/// Says how one comes to this safety snapshot, if by undo or redo.
///
/// # Errors
/// What the disk says.
pub fn leads_to(workspace: &Workspace, safety: &SnapshotId) -> Result<Option<Way>> {
    let is_it = |act: &Act| matches!(act, Act::Restored(one) if one.there.as_ref().is_some_and(|there| there.safety == *safety));
    let root = &workspace.root;
    Ok(match way_to(workspace, root, Direction::Undo, is_it)? {
        None => way_to(workspace, root, Direction::Redo, is_it)?,
        way => way,
    })
}

/// Says how the next undo takes back a merge, if it does.
///
/// # Errors
/// What the disk says.
pub fn takes_merge_back(workspace: &Workspace) -> Result<Option<Way>> {
    let is_merge = |act: &Act| matches!(act, Act::Restored(one) if one.what.operation == Operation::Merge);
    Ok(way_to(workspace, &workspace.root, Direction::Undo, is_merge)?.filter(|way| !way.later))
}

/// Says how steps in one work tree of this store come to one of these, if they do.
pub(super) fn way_to(
    workspace: &Workspace,
    root: &Path,
    direction: Direction,
    is_it: impl FnMut(&Act) -> bool,
) -> Result<Option<Way>> {
    let (history, _) = history_in(workspace, root)?;
    let known = workspace.store.known()?;
    let is_there =
        |id: &SnapshotId| known.iter().any(|known| known.head.as_ref().is_ok_and(|head| head.id == *id));
    Ok(history.way_to(direction, is_it, is_there))
}

/// Plans the next step in this workspace, if that is about a restore.
///
/// # Errors
/// [`Kind::NotFound`] if there is none, or its safety snapshot is gone; else as
/// [`super::plan_resume`].
pub fn plan_undo(workspace: &Workspace, direction: Direction, monitor: &Monitor) -> Result<RestorePlan> {
    let (history, proven) = history(workspace)?;
    let next = next(&history, direction);
    let Some(Act::Restored(one)) = next.act else {
        return Err(nothing(&next, direction, workspace));
    };
    let Reversal { what, there, behind } = one.as_ref();
    let sets_nothing = there.is_none();
    let Some(Side { safety: id, moved, tasks }) = there.as_ref().or(behind.as_ref()) else {
        return Err(nothing(&next, direction, workspace));
    };
    let (moved, tasks) = if sets_nothing { (&None, &None) } else { (moved, tasks) };
    let manifest = match workspace.store.find(&Reference::Named(id.to_string())) {
        Err(error) if error.kind() == Kind::NotFound => return Err(gone(direction, what)),
        found => found?.manifest?,
    };
    let (Some(saved), Some(repository), Some(safety)) =
        (&manifest.edits, &workspace.repository, &manifest.safety)
    else {
        return Err(nothing(&next, direction, workspace));
    };
    let nothing_of_it = Safety { paths: Vec::new(), removed: Vec::new(), made: Vec::new(), ..safety.clone() };
    let safety = if sets_nothing { &nothing_of_it } else { safety };
    let mut admission = Admission::of(workspace, &manifest)?;
    if !proven {
        admission = admission.unproven("nothing proves that the restore it is about was yours");
    }
    let refilled = refill(workspace, repository, &manifest, saved, None, &[], monitor)?;
    let on_base = base_here::on_it(repository, &manifest.id, refilled.edits.as_ref())?;
    let mut found = rewind::plan(
        workspace,
        repository,
        &on_base,
        manifest.around.as_ref(),
        RewindScope::Paths(&safety.paths),
        monitor,
    )?;
    amounts::measure(&workspace.root, &mut found.steps)?;
    let tree = Tree::open(&workspace.root)?;
    let mut folders = found.folders;
    for folder in &safety.removed {
        if !folders.contains(folder) && tree.read(folder)? == Node::Missing {
            folders.push(folder.clone());
        }
    }
    let mut emptied = safety.made.clone();
    emptied.retain(|folder| tree.read(folder).is_ok_and(|node| node == Node::Folder));
    let mut notes = Vec::new();
    if what.with_session && direction == Direction::Undo {
        notes.push(Warning::ConversationStays);
    }
    let back = moved.as_ref().map(|moved| branch::plan_back(repository, moved)).transpose()?;
    let moved = match back {
        None => None,
        Some(Ok(back)) => Some(back),
        Some(Err(note)) => {
            notes.push(note);
            None
        }
    };
    let merging = match tasks {
        Some(tasks) => Some(MergePlan::reversing(workspace, tasks, direction, &mut notes)?),
        None => None,
    };
    let head = moved.as_ref().map(|moved| &moved.to).or(found.listing.head.as_ref()).cloned();
    if head != saved.base {
        notes.extend(committed_since(repository, head.as_deref(), saved.base.as_deref(), &found.steps)?);
    }
    Ok(RestorePlan {
        history_step: Some(HistoryStep {
            direction,
            what: what.clone(),
            removed: next.gone.cloned(),
            passed: next.passed(),
            sets_nothing,
        }),
        moved,
        root: workspace.root.clone(),
        // A safety snapshot's name is made here, and nobody else's.
        called: manifest.name.clone(),
        admission,
        unfilled: refilled.held,
        unmade: found.unmade,
        spared: found.spared,
        folders,
        emptied,
        needs_filter: found.needs_filter,
        steps: found.steps,
        listing: Some(found.listing),
        conflicts: Vec::new(),
        unchanged: found.unchanged,
        session: None,
        merging,
        notes,
        manifest,
    })
}

/// Reads from the log what is proven to be this user's, and says whether there is anything.
///
/// Other lines may have come with a clone. They count only if there is nothing else (without a writable
/// home there is no key), move no branch, bring nothing back from the trash, and need a yes.
///
/// The store moves with its folder, and with it what is in its trash. Then no line is proven any more: a seal is for one
/// place. But what of the trash is this user's own (`own`) does no harm if it comes back.
fn believed(mut log: Vec<LogEntry>, root: &Path, own: &BTreeSet<SnapshotId>) -> (Vec<LogEntry>, bool) {
    for entry in &mut log {
        let is_gone = entry.root.as_ref().is_some_and(|other| !other.as_path().exists());
        if is_gone && entry.batch.as_ref().is_some_and(|batch| own.contains(batch)) {
            (entry.root, entry.own) = (Some(root.into()), true);
        }
    }
    let here = |entry: &LogEntry| entry.root.as_ref().is_some_and(|other| other.as_path() == root);
    log.retain(here);
    let proves = |entry: &LogEntry| entry.own && (entry.operation.is_restore() || entry.batch.is_some());
    let proven = log.iter().any(proves);
    log.retain(|entry| entry.own || !proven);
    for entry in log.iter_mut().filter(|entry| !entry.own) {
        (entry.moved, entry.batch, entry.tasks) = (None, None, None);
    }
    (log, proven)
}

fn nothing(next: &Next<'_>, direction: Direction, workspace: &Workspace) -> Error {
    if matches!(workspace.store.unread_log(), Ok(Some(_))) {
        return direction.unknown();
    }
    let error = Error::new(Kind::NotFound, format!("There is nothing to {}", direction.word()));
    let of = |one: &&Restored| restore_of(one.operation, &one.name);
    match (direction, next.unchanged.first().map(of)) {
        (Direction::Redo, of_unchanged) => match undone_in_a_lost_tree(workspace) {
            Some((root, safety)) => error
                .because(format!("what was undone last was in the work tree {root}, which is gone"))
                .hint(format!("`snap rewind {safety}` makes that work tree again, as it was before the undo")),
            None => error
                .because(match of_unchanged {
                    None => "nothing was undone here since the last restore".to_owned(),
                    Some(what) => format!("{what} changed no file, and nothing else was undone here"),
                })
                .hint("`snap log` shows what was done"),
        },
        (Direction::Undo, Some(what)) => {
            error.because(format!("{what} changed no file")).hint(
                "`snap list -a` shows the safety snapshots of earlier restores; `snap rewind NAME` goes back to one",
            )
        }
        (Direction::Undo, None) => {
            let root = Line(&workspace.root.to_string_lossy()).to_string();
            match restored_elsewhere(workspace) {
                None => error.because(format!("nothing was restored in {root}")),
                Some((entry, safety)) => error
                    .because(format!(
                        "{} was done in {}, which is gone: was it moved?",
                        restore_of(entry.operation, &entry.name),
                        entry.root.as_ref().map(|root| Line(&root.to_string()).to_string()).unwrap_or_default()
                    ))
                    .hint(format!("`snap rewind {}` goes back to before it", Line(&safety))),
            }
        }
    }
}

impl Direction {
    /// Says that nobody can tell what the next step is.
    pub fn unknown(self) -> Error {
        Error::new(Kind::NotFound, format!("What to {} is not known", self.word()))
            .because("lines of the log can't be read")
            .hint(
                "`snap list -a` shows the safety snapshots of earlier restores; `snap rewind NAME` goes back to one; \
                 `snap verify --repair` puts those lines into quarantine",
            )
    }

    /// Says since when a step can be taken that is about something of this moment: a redo, since it was undone.
    ///
    /// # Errors
    /// What the disk says.
    pub fn possible_since(self, workspace: &Workspace, moment: Timestamp) -> Result<Timestamp> {
        if self == Direction::Undo {
            return Ok(moment);
        }
        let is_here =
            |entry: &LogEntry| entry.root.as_ref().is_some_and(|root| root.as_path() == workspace.root);
        let log = workspace.store.read_log()?;
        let undone = log.iter().rev().find(|entry| entry.operation == Operation::Undo && is_here(entry));
        Ok(undone.map_or(moment, |entry| entry.at))
    }
}

/// Returns the folder in which the last step back was taken, if it is gone, and the snapshot that was made there first.
fn undone_in_a_lost_tree(workspace: &Workspace) -> Option<(String, String)> {
    let log = workspace.store.read_log().ok()?;
    let is_step = |entry: &&LogEntry| {
        matches!(entry.operation, Operation::Undo | Operation::Redo) || entry.operation.is_restore()
    };
    let last = log.iter().rev().find(is_step)?;
    let root = last.root.as_ref().filter(|root| !root.as_path().exists())?;
    let safety = last.safety.as_ref().filter(|_| last.operation == Operation::Undo)?.to_string();
    let safety = workspace.store.find(&Reference::Named(safety)).ok()?.manifest.ok()?.name;
    Some((Line(&root.to_string()).to_string(), safety))
}

/// Returns the last restore of this store in a folder that is gone, and the name of its safety snapshot.
fn restored_elsewhere(workspace: &Workspace) -> Option<(LogEntry, String)> {
    let is_gone = |entry: &LogEntry| entry.root.as_ref().is_some_and(|root| !root.as_path().exists());
    let log = workspace.store.read_log().ok()?;
    let restores = log.into_iter().rev().filter(|entry| entry.operation.is_restore() && is_gone(entry));
    restores.into_iter().find_map(|entry| {
        let id = entry.safety.as_ref()?.to_string();
        let found = workspace.store.find(&Reference::Named(id)).ok()?;
        Some((entry, found.manifest.ok()?.name))
    })
}

/// Names a restore.
fn restore_of(operation: Operation, name: &str) -> String {
    match name {
        NO_NAME => format!("the {} of a snapshot that is gone", operation.word()),
        name => format!("the {} of {}", operation.word(), Line(name)),
    }
}

/// The step is known, but what it needs was removed. An older step would not be what was asked for.
fn gone(direction: Direction, what: &Restored) -> Error {
    let restore = restore_of(what.operation, &what.name);
    Error::new(Kind::NotFound, format!("There is nothing to {}", direction.word()))
        .because(format!("the safety snapshot that would {} {restore} was removed", direction.word()))
        .hint("`snap list -a` shows those that are left; `snap rewind NAME` goes back to one")
}

/// Says what a step does to work that was committed since.
fn committed_since(
    repository: &Repository,
    head: Option<&str>,
    base: Option<&str>,
    steps: &[Step],
) -> Result<Vec<Warning>> {
    let paths: BTreeSet<RepoPath> = steps.iter().map(|step| step.path.clone()).collect();
    let now = repository.tree_versions(head, &paths)?;
    let is_staged = |step: &&Step| {
        let in_head = now.version(&step.path).cloned().map_or(IndexEntry::Absent, IndexEntry::Blob);
        step.index.as_ref().is_some_and(|target| *target != in_head)
    };
    let staged: Vec<&Step> = steps.iter().filter(is_staged).collect();
    let short = |commit: Option<&str>| {
        commit.map_or("no commit".to_owned(), |id| id.get(..10).unwrap_or(id).to_owned())
    };
    let mut notes = vec![Warning::HeadMoved { then: short(base), now: short(head) }];
    if !staged.is_empty() {
        let told: Vec<String> = staged.iter().take(MOST_TOLD).map(|step| step.path.to_string()).collect();
        notes.push(Warning::ShownAsStaged(told));
        let left = staged.len().saturating_sub(MOST_TOLD);
        notes.extend((left > 0).then_some(Warning::MoreShownAsStaged(left)));
    }
    Ok(notes)
}
