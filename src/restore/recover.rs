//! Restores whose process died: finished if they were decided, else taken back.
//!
//! A journal whose lock is free says so. Nothing is asked and nothing has to be removed by
//! hand: the next command that changes anything does it first, and tells.

use std::path::{Path, PathBuf};

use super::journal::{FORMATS, Kept, Record};
use crate::audit;
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::git::{Place, Repository};
use crate::paths::RepoPath;
use crate::store::{LogEntry, Operation, Store, Wait};
use crate::workspace::Workspace;

/// What was done about a restore that was cut off.
#[derive(Debug)]
pub struct Recovered {
    /// The work tree it was in.
    pub root: PathBuf,
    /// The snapshot that was being restored.
    pub name: String,
    /// The safety snapshot from before it.
    pub safety: Option<String>,
    /// What became of it.
    pub outcome: Outcome,
    /// Paths that were changed after the crash, and left as they are.
    pub kept: Vec<RepoPath>,
    /// A folder with old files that is left.
    pub leftover: Option<PathBuf>,
}

/// What became of a restore that was cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything is as before it.
    TakenBack,
    /// Everything is as it was to become.
    Finished,
    /// Its work tree was removed, and nothing was left to do.
    Gone,
}

/// Takes back or finishes every restore of this store whose process died.
///
/// # Errors
/// [`Kind::Busy`] if one is under way in this very work tree; what the disk says. What could
/// not be done is tried again by the next command.
pub fn recover(context: &Context, workspace: &Workspace) -> Result<Vec<Recovered>> {
    let mut done = Vec::new();
    for path in workspace.store.journals()? {
        done.extend(recover_one(context, workspace, &path)?);
    }
    Ok(done)
}

/// Returns the roots of the work trees in which a restore was cut off.
///
/// # Errors
/// What the disk says.
pub fn cut_off(store: &Store) -> Result<Vec<PathBuf>> {
    let mut roots = Vec::new();
    for path in store.journals()? {
        let Some(line) = store.peek_journal(&path)? else { continue };
        if store.take_journal(&path, Wait::No)?.is_some() {
            roots.push(read(&path, &line)?.root.as_path().to_owned());
        }
    }
    Ok(roots)
}

/// Returns the journals that nobody works on and that can't be read, with why.
///
/// # Errors
/// What the disk says.
pub fn unreadable_journals(store: &Store) -> Result<Vec<(PathBuf, Error)>> {
    let mut unreadable = Vec::new();
    for path in store.journals()? {
        let Some(line) = store.peek_journal(&path)? else { continue };
        match store.take_journal(&path, Wait::No) {
            Err(error) if error.kind() == Kind::Damaged => unreadable.push((path, error)),
            Ok(None) => {}
            Ok(Some(_)) => unreadable.extend(read(&path, &line).err().map(|error| (path, error))),
            Err(error) => return Err(error),
        }
    }
    Ok(unreadable)
}

fn recover_one(context: &Context, workspace: &Workspace, path: &Path) -> Result<Option<Recovered>> {
    let Some(line) = workspace.store.peek_journal(path)? else { return Ok(None) };
    let record = read(path, &line)?;
    let here = record.root.as_path() == workspace.root;
    let wait = if here { Wait::Patiently } else { Wait::No };
    let taken = workspace.store.take_journal(path, wait).map_err(|error| match error.kind() {
        Kind::Busy => Error::new(Kind::Busy, format!("A restore is under way in {}", workspace.root.display()))
            .because("another snap works on it")
            .hint("wait for it to end; if it is stopped, let it go on or kill it: the next command puts things right"),
        _ => error,
    })?;
    let Some((journal, _, decided)) = taken else { return Ok(None) };
    let mut recovered = Recovered {
        root: record.root.as_path().to_owned(),
        name: record.line.name.clone(),
        safety: record.safety.clone(),
        outcome: Outcome::TakenBack,
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
            Some(session) => session.take_back()?,
            None => {}
        }
        recovered.outcome = Outcome::Gone;
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
            recovered.leftover = record.clean_up(repository.as_ref())?;
            recovered.outcome = Outcome::Finished;
        } else {
            let Kept { paths, staging } = record.take_back(repository.as_ref())?;
            (recovered.kept, recovered.leftover) = (paths, staging);
        }
    }
    if recovered.outcome == Outcome::Finished {
        audit::write(&workspace.store, &record.line);
    }
    let LogEntry { snapshot, name, root, safety, .. } = record.line;
    let line = LogEntry { snapshot, name, root, safety, ..audit::line(context, Operation::Recover, None) };
    audit::write(&workspace.store, &line);
    journal.close()?;
    Ok(Some(recovered))
}

fn read(path: &Path, line: &[u8]) -> Result<Record> {
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
        let hint = "it is the journal of a restore that was cut off; `snap verify --repair` sets it aside, and the safety snapshot in `snap list` has the files as they were";
        unusable(Kind::Damaged, error.to_string(), hint)
    })
}

/// Opens the repository that a restore worked in; `None` if it worked in none.
fn repository_at(record: &Record) -> Result<Option<Repository>> {
    match Repository::discover(record.root.as_path())? {
        Place::WorkTree(repository) if repository.root() == record.root.as_path() => Ok(Some(repository)),
        _ => Ok(None),
    }
}

/// Says whether the repository of this workspace is sure that it has no work tree of this root.
fn forgotten(workspace: &Workspace, root: &Path) -> Result<bool> {
    match &workspace.repository {
        Some(repository) if workspace.root != root => {
            Ok(!repository.other_worktrees()?.iter().any(|other| other == root))
        }
        _ => Ok(false),
    }
}
