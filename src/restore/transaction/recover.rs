//! Restores whose process died: finished if they were decided, otherwise rolled back.
//!
//! A journal whose lock is free belongs to a process that died. Nothing is asked, and nothing has to be
//! removed by hand: the next command that changes anything does this first, and says so.
//!
//! A journal is trusted only if it carries this user's seal, and only if each path in it follows from this
//! work tree and these client folders. A journal that came with a clone, or was copied, is named and left
//! alone.

use std::path::{Component, Path, PathBuf};

use crate::audit;
use crate::base::error::{Error, Kind, Result};
use crate::base::paths::RepoPath;
use crate::context::Context;
use crate::git::{Location, Repository};
use crate::prune;
use crate::restore::transaction::journal::{FORMATS, Kept, RestoreRecord};
use crate::store::{FoundJournal, LogEntry, Operation, PATIENCE, Wait};
use crate::sys::locks::FolderLock;
use crate::sys::place::OwnPath;
use crate::workspace::Workspace;

/// What was done about an interrupted restore.
#[derive(Debug)]
pub struct Recovered {
    /// The work tree it was in.
    pub root: PathBuf,
    /// The snapshot that was being restored.
    pub name: String,
    /// The safety snapshot from before it.
    pub safety: Option<String>,
    /// What became of it.
    pub outcome: RecoveryOutcome,
    /// Paths that were changed after the crash, and left as they are.
    pub kept: Vec<RepoPath>,
    /// A folder with old files that is left.
    pub leftover: Option<PathBuf>,
}

/// The result for an interrupted restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecoveryOutcome {
    /// Everything is as before it.
    TakenBack,
    /// Everything is as it was to become.
    Finished,
    /// Its work tree was removed, and nothing was left to do.
    Gone,
}

/// A journal that nothing was done about.
#[derive(Debug)]
pub struct UnusedJournal {
    /// Where it is.
    pub path: PathBuf,
    /// Why.
    pub why: String,
    /// What to do, for a person.
    pub hint: String,
    /// Whether it is not this user's at all, rather than of another place.
    pub foreign: bool,
}

/// What was done about the interrupted restores of a store.
#[derive(Debug, Default)]
pub struct RecoveryReport {
    /// Those that were rolled back or finished.
    pub recovered: Vec<Recovered>,
    /// Journals that nothing was done about.
    pub ignored: Vec<UnusedJournal>,
}

/// What a journal is standing_of here.
enum JournalStanding {
    /// It is gone, or somebody works on it.
    Nothing,
    Unused(UnusedJournal),
    Believed(Box<RestoreRecord>),
}

/// Rolls back or finishes every restore of this store whose process died.
///
/// # Errors
/// [`Kind::Busy`] if one is under way in this very work tree; what the disk says. What could
/// not be done is tried again by the next command.
pub fn recover(context: &Context, workspace: &Workspace) -> Result<RecoveryReport> {
    let mut settled = RecoveryReport::default();
    for journal in workspace.store.journals()? {
        match standing_of(workspace, &journal)? {
            JournalStanding::Nothing => {}
            JournalStanding::Unused(ignored) => settled.ignored.push(ignored),
            JournalStanding::Believed(record) => {
                settled.recovered.extend(recover_one(context, workspace, &journal, *record)?)
            }
        }
    }
    Ok(settled)
}

/// Returns the roots of the work trees in which a restore was interrupted, and the journals that are
/// not trusted.
///
/// # Errors
/// What the disk says.
pub fn cut_off(workspace: &Workspace) -> Result<(Vec<PathBuf>, Vec<UnusedJournal>)> {
    let (mut roots, mut ignored) = (Vec::new(), Vec::new());
    for journal in workspace.store.journals()? {
        match standing_of(workspace, &journal)? {
            JournalStanding::Believed(record)
                if workspace.store.take_journal(&journal, Wait::No)?.is_some() =>
            {
                roots.push(record.root.as_path().to_owned());
            }
            JournalStanding::Unused(one) => ignored.push(one),
            JournalStanding::Nothing | JournalStanding::Believed(_) => {}
        }
    }
    Ok((roots, ignored))
}

/// Returns the journals that are not this user's, whatever they are, with why.
///
/// # Errors
/// What the disk says.
pub fn foreign_journals(workspace: &Workspace) -> Result<Vec<(OwnPath, UnusedJournal)>> {
    let mut foreign = Vec::new();
    for journal in workspace.store.journals()? {
        match standing_of(workspace, &journal) {
            Ok(JournalStanding::Unused(ignored)) if ignored.foreign => foreign.push((journal, ignored)),
            Err(error) if error.kind() != Kind::NewerFormat => return Err(error),
            _ => {}
        }
    }
    Ok(foreign)
}

/// Looks what a journal is standing_of here; changes nothing.
fn standing_of(workspace: &Workspace, journal: &OwnPath) -> Result<JournalStanding> {
    let path = journal.path();
    let foreign = |why: String| {
        let hint = "it may have come with the project; `snap verify --repair` puts it into quarantine. If \
                    a restore of yours was interrupted in a project that has been moved since, move the \
                    project back first: the safety snapshot in `snap list -a` has the files";
        Ok(JournalStanding::Unused(UnusedJournal {
            path: path.clone(),
            why,
            hint: hint.to_owned(),
            foreign: true,
        }))
    };
    let found = match workspace.store.peek_journal(journal) {
        Ok(Some(found)) => found,
        Ok(None) => return Ok(JournalStanding::Nothing),
        Err(error) if error.kind() == Kind::Damaged => return foreign(error.cause().to_owned()),
        Err(error) => return Err(error),
    };
    if !found.own {
        // Where there is no key to seal with, a restore that is under way has such a journal too.
        let worked_on = workspace.store.take_journal(journal, Wait::No).is_ok_and(|taken| taken.is_none());
        return if worked_on {
            Ok(JournalStanding::Nothing)
        } else {
            foreign("it does not carry your seal, so nothing in it is trusted".to_owned())
        };
    }
    let record = match read(&path, &found) {
        Err(error) if error.kind() == Kind::Damaged => return foreign(error.cause().to_owned()),
        record => record?,
    };
    match why_not_of_this_place(workspace, journal, &record) {
        None => Ok(JournalStanding::Believed(Box::new(record))),
        Some((why, hint)) => Ok(JournalStanding::Unused(UnusedJournal { path, why, hint, foreign: false })),
    }
}

/// Says what in a journal does not follow from this work tree and these client folders, and what to do.
fn why_not_of_this_place(
    workspace: &Workspace,
    journal: &OwnPath,
    record: &RestoreRecord,
) -> Option<(String, String)> {
    let root = record.root.as_path();
    let shown = |path: &Path| crate::base::screen::Line(&path.to_string_lossy()).to_string();
    let other = |root: &Path| {
        let repository = workspace.repository.as_ref()?;
        let worktrees = repository.other_worktrees().ok()?;
        // One that git has forgotten: all that is left of it is a session.
        Some(worktrees.iter().any(|other| other == root) || !root.is_dir())
    };
    if root != workspace.root && other(root) != Some(true) {
        let why =
            format!("it belongs to a restore in {}, which is not a work tree of this project", shown(root));
        return Some((
            why,
            format!("run `snap list` there (with `--store` if that is another store): {}", shown(root)),
        ));
    }
    let named = |why: &str| {
        let hint =
            "nothing of it was done; `snap list -a` shows the safety snapshot from before that restore";
        Some((why.to_owned(), hint.to_owned()))
    };
    if journal.name().to_str() != Some(format!("{}.json", record.id).as_str()) {
        return named("its name differs from the one in it");
    }
    if record.line.root.as_ref().is_some_and(|line| line.as_path() != root) {
        return named("it names two work trees");
    }
    let is_commit =
        |id: &String| matches!(id.len(), 40 | 64) && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if record.line.moved.as_ref().is_some_and(|moved| !is_commit(&moved.from) || !is_commit(&moved.to)) {
        return named("it moves a branch to something that is not a commit");
    }
    let elsewhere = |folder: &Path| {
        let folder = shown(folder);
        let why = format!("its session belongs in {folder}, and the client's folder here is another one");
        Some((why, format!("run a `snap` command here with CLAUDE_CONFIG_DIR={folder} once")))
    };
    if let Some(tasks) = record.tasks.as_ref().filter(|tasks| !tasks.is_in(&workspace.client)) {
        return elsewhere(tasks.client_folder());
    }
    let Some(session) = &record.session else { return None };
    if !session.is_in(&workspace.client) {
        return elsewhere(session.client_folder());
    }
    let inside =
        |path: &Path| path.starts_with(root) && !path.components().any(|part| part == Component::ParentDir);
    if !session.is_of(record.id.as_str(), inside) {
        return named("its session is of another restore");
    }
    None
}

fn recover_one(
    context: &Context,
    workspace: &Workspace,
    journal: &OwnPath,
    record: RestoreRecord,
) -> Result<Option<Recovered>> {
    let here = record.root.as_path() == workspace.root;
    let wait = if here { Wait::Patiently } else { Wait::No };
    let taken = workspace.store.take_journal(journal, wait).map_err(|error| match error.kind() {
        Kind::Busy => under_way(&workspace.root),
        _ => error,
    })?;
    let Some((journal, FoundJournal { decided, own: true, .. })) = taken else { return Ok(None) };
    let mut recovered = Recovered {
        root: record.root.as_path().to_owned(),
        name: record.line.name.clone(),
        safety: record.safety.clone(),
        outcome: RecoveryOutcome::TakenBack,
        kept: Vec::new(),
        leftover: None,
    };
    if !recovered.root.is_dir() {
        // Perhaps its disk is not mounted. Git forgets a linked work tree only on purpose.
        if !forgotten(workspace, &recovered.root)? {
            return Ok(None);
        }
        match record.session.as_ref() {
            Some(session) if decided => session.reveal().and_then(|()| session.clean_up())?,
            Some(session) => session.roll_back()?,
            None => {}
        }
        match record.tasks.as_ref() {
            Some(tasks) if decided => tasks.add().and_then(|()| tasks.take())?,
            Some(tasks) => tasks.roll_back()?,
            None => {}
        }
        recovered.outcome = RecoveryOutcome::Gone;
    } else {
        let repository = repository_at(&record)?;
        let finished = decided
            && match record.reveal(repository.as_ref()) {
                Ok(()) => true,
                // Somebody went on with what was to be continued.
                Err(error) if error.kind() == Kind::Conflict => false,
                Err(error) => return Err(error),
            };
        if finished {
            recovered.leftover = record.clean_up(repository.as_ref(), &[])?.map(|left| left.place);
            recovered.outcome = RecoveryOutcome::Finished;
        } else {
            let Kept { paths, staging } = record.roll_back(repository.as_ref())?;
            (recovered.kept, recovered.leftover) = (paths, staging);
        }
    }
    if recovered.outcome == RecoveryOutcome::Finished {
        audit::write(&workspace.store, &record.line);
    }
    let LogEntry { snapshot, name, root, mut safety, .. } = record.line;
    let is_as_before = recovered.outcome == RecoveryOutcome::TakenBack
        && recovered.kept.is_empty()
        && recovered.leftover.is_none();
    if is_as_before
        && let Some(id) = &safety
        && prune::discard_unneeded(context, workspace, id).unwrap_or(false)
    {
        (recovered.safety, safety) = (None, None);
    }
    let line = LogEntry { snapshot, name, root, safety, ..audit::line(context, Operation::Recover, None) };
    audit::write(&workspace.store, &line);
    journal.close()?;
    Ok(Some(recovered))
}

/// Waits for a restore that is under way in this work tree, and keeps others out as long as the result lives:
/// a plan is made and carried out before the next one looks at the files.
///
/// # Errors
/// [`Kind::Busy`] if the other one takes longer than ten seconds.
pub fn alone_in(workspace: &Workspace) -> Result<Option<FolderLock>> {
    FolderLock::wait(&workspace.root, PATIENCE).map_err(|_| under_way(&workspace.root))
}

fn under_way(root: &Path) -> Error {
    let root = crate::base::screen::Line(&root.to_string_lossy()).to_string();
    Error::new(Kind::Busy, format!("A restore is under way in {root}"))
        .because("another snap is working on it, or waits for an answer")
        .hint(
            "wait for it to end; if it is stopped, let it continue or kill it: the next command finishes the \
             restore or rolls it back",
        )
}

fn read(path: &Path, found: &FoundJournal) -> Result<RestoreRecord> {
    let line = found.line.as_slice();
    #[derive(serde::Deserialize)]
    struct Version {
        format: u32,
    }
    let unusable = |kind: Kind, cause: String, hint: &str| {
        Error::new(kind, format!("Cannot read {}", path.display())).because(cause).hint(hint)
    };
    match serde_json::from_slice::<Version>(line) {
        Ok(Version { format }) if !FORMATS.contains(&format) => {
            let cause =
                format!("it is the journal of a restore by a later version of snap (format {format})");
            return Err(unusable(Kind::NewerFormat, cause, "run the command with that version once"));
        }
        _ => {}
    }
    serde_json::from_slice(line).map_err(|error| {
        let hint = "it is the journal of a restore that was interrupted; `snap verify --repair` puts it \
                    into quarantine, and the safety snapshot in `snap list` has the files as they were";
        unusable(Kind::Damaged, error.to_string(), hint)
    })
}

/// Opens the repository that a restore worked in; `None` if it worked in none.
fn repository_at(record: &RestoreRecord) -> Result<Option<Repository>> {
    match Repository::discover(record.root.as_path())? {
        Location::WorkTree(repository) if repository.root() == record.root.as_path() => Ok(Some(repository)),
        _ => Ok(None),
    }
}

/// Says whether the repository of this workspace surely has no work tree with this root.
fn forgotten(workspace: &Workspace, root: &Path) -> Result<bool> {
    match &workspace.repository {
        Some(repository) if workspace.root != root => {
            Ok(!repository.other_worktrees()?.iter().any(|other| other == root))
        }
        _ => Ok(false),
    }
}
