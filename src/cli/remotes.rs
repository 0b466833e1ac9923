//! What the commands for a git remote share: opening it, and reporting the result for each snapshot.

use serde::Serialize;

use super::outcome::Outcome;
use super::output::words::{ago, count, quoted};
use super::output::{Report, Ui, progress_bar};
use crate::base::error::{Error, Kind, Result};
use crate::base::ids::SnapshotId;
use crate::base::monitor::Monitor;
use crate::base::screen::Line;
use crate::base::similar_names::MEANT;
use crate::base::timestamp::{Timestamp, age};
use crate::context::Context;
use crate::manifest::Manifest;
use crate::space::{self, Looker};
use crate::store::{Reference, Store, UnreadEntry};
use crate::sys::files::{ScratchFolder, scratch_folder};
use crate::transfer::{Lease, Remotes, TransferOutcome, TransferResult};
use crate::workspace::Workspace;

/// Returns the remote that hints name: `origin`, else the first; `None` if the repository has none.
pub(crate) fn usual_remote(workspace: &Workspace) -> Option<String> {
    workspace.repository.as_ref()?.remote_to_ask(None).ok().flatten()
}

/// Says of a snapshot that was typed where a command takes a remote how it has to be typed.
pub(crate) fn remote_comes_first(workspace: &Workspace, command: &str, name: &str) -> String {
    let remote = usual_remote(workspace).map_or_else(|| "REMOTE".to_owned(), |remote| quoted(&remote));
    format!("the remote comes before the snapshot: `snap {command} {remote} {}`", quoted(name))
}

/// Opens a remote and does something with it, saying which tries failed; returns its name too.
pub(crate) fn with_remote<T>(
    context: &Context,
    workspace: &Workspace,
    ui: &mut Ui,
    remote: &str,
    work: impl FnOnce(&mut Remotes<'_>) -> Result<T>,
) -> Result<(String, T)> {
    let (interactive, talks) = (ui.is_terminal(), ui.talks());
    let monitor = Monitor::default();
    let mut tell = |text: &str| {
        if talks {
            progress_bar::erase();
        }
        ui.warn(text);
    };
    let mut remotes = Remotes::open(context, workspace, remote, interactive, &mut tell)?;
    if talks {
        remotes.watch(&monitor);
    }
    let shared = space::home_of(workspace).ok().and_then(|home| space::joined(context, &home));
    remotes.keep_words_out(shared.is_some_and(|joined| joined.private));
    let done = progress_bar::show(talks, &monitor, || work(&mut remotes))?;
    Ok((remotes.shown(), done))
}

/// The session of somebody on a remote, as a snapshot.
pub(crate) enum Shared {
    /// It is in the store, under this id.
    Here(String),
    /// It was fetched for a dry run, and is not in the store.
    Aside(Box<Aside>),
}

/// A snapshot that is in a store of its own, which goes with this value.
pub(crate) struct Aside {
    pub(crate) manifest: Manifest,
    store: Store,
    folder: ScratchFolder,
}

impl Aside {
    /// Returns the same workspace, with what the snapshot needs.
    pub(crate) fn beside(self, workspace: Workspace) -> (Manifest, Workspace, ScratchFolder) {
        let store = workspace.store.reading_too(self.store);
        (self.manifest, Workspace { store, ..workspace }, self.folder)
    }
}

/// Adds the session of somebody to the store, if a reference means one on the remote and no snapshot here. A dry run adds it
/// nowhere.
pub(crate) fn shared_session(
    context: &Context,
    reference: &str,
    (offline, dry_run): (bool, bool),
    ui: &mut Ui,
) -> Result<Option<Shared>> {
    if offline || !space::may_mean_session(reference) {
        return Ok(None);
    }
    let workspace = Workspace::open(context)?;
    if workspace.repository.is_none() {
        return Ok(None);
    }
    let Err(none_here) = workspace.store.find(&Reference::parse(reference)) else { return Ok(None) };
    let home = space::home_of(&workspace)?;
    // What is a line here is nobody's session, and without a remote there is none: the caller says what was not found.
    let has_remote = || space::joined(context, &home).is_some() || usual_remote(&workspace).is_some();
    if workspace.store.line_states().begin_of(reference).is_some() || !has_remote() {
        return Ok(None);
    }
    let aside = if dry_run { Some(scratch_folder()?) } else { None };
    let at = match &aside {
        Some(folder) => {
            let store = Some(folder.path().join("store"));
            Workspace::open(&Context { store, ..context.clone() })?
        }
        None => Workspace::open(context)?,
    };
    let remote = space::usual_remote(context, &home);
    let interactive = ui.is_terminal();
    let mut tell = |text: &str| ui.warn(text);
    let found = Looker::open(context, &at, (&home, &remote), interactive, &mut tell)
        .and_then(|mut looker| looker.find(reference))
        .map_err(|error| or_a_snapshot(error, none_here))?;
    let known = workspace.store.known()?;
    let manifest = match &aside {
        Some(_) => space::bring_aside(context, &at, (&remote, &found.head), &mut tell)?,
        None => space::bring(context, &at, (&remote, &found.head), &mut tell)?,
    };
    let is_it = |one: &UnreadEntry| one.head.as_ref().is_ok_and(|head| head.id == manifest.id);
    let is_new = !known.iter().any(is_it);
    let who = Line(&found.head.name.who).to_string();
    let saved = ago(&age(context.now.since(manifest.created_at)));
    let called = |store: &Store| Line(&store.called(&manifest)).to_string();
    ui.say(&match &aside {
        _ if !is_new => {
            let name = called(&workspace.store);
            format!("\"{name}\" is here already: the session of {who} as it was {saved}.")
        }
        Some(_) => {
            format!("The session of {who} as it was {saved}. Without --dry-run, it is added here first.")
        }
        None => format!("Added \"{}\", the session of {who} as it was {saved}.", called(&at.store)),
    });
    Ok(Some(match aside {
        Some(folder) if is_new => Shared::Aside(Box::new(Aside { manifest, store: at.store, folder })),
        _ => Shared::Here(manifest.id.to_string()),
    }))
}

/// Tells of a snapshot here whose name is like what was typed, where that means no session on the remote.
fn or_a_snapshot(error: Error, none_here: Error) -> Error {
    match none_here.next_step() {
        Some(alike) if none_here.kind() == Kind::NotFound && alike.contains(MEANT) => {
            let on_remote = error.next_step().filter(|hint| hint.contains(MEANT)).map(str::to_owned);
            let hint =
                [Some(alike.to_owned()), on_remote].into_iter().flatten().collect::<Vec<_>>().join("; ");
            match error.kind() {
                Kind::NotFound => none_here.hint(hint),
                // Where it could not be asked, it may be a session all the same.
                _ => error.hint(hint),
            }
        }
        _ => error,
    }
}

/// What was done with the snapshots of a remote.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transfer {
    Push,
    Pull,
    Remove,
}

/// What became of each snapshot.
#[derive(Serialize)]
pub(crate) struct TransferReport<'a> {
    remote: &'a str,
    snapshots: Vec<Transferred<'a>>,
    #[serde(skip)]
    transfer: Transfer,
}

#[derive(Serialize)]
struct Transferred<'a> {
    name: &'a str,
    id: &'a SnapshotId,
    outcome: Became,
    reason: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Became {
    Sent,
    AlreadyThere,
    Added,
    AlreadyHere,
    Mended,
    Removed,
    /// It was removed before, or never there.
    #[serde(rename = "removed")]
    NotThere,
    Conflict,
    Damaged,
    Refused,
}

impl<'a> TransferReport<'a> {
    pub(crate) fn new(
        transfer: Transfer,
        remote: &'a str,
        handed: &'a [TransferResult],
    ) -> TransferReport<'a> {
        let of_one = |one: &'a TransferResult| {
            let (outcome, reason) = match (&one.fate, transfer) {
                (TransferOutcome::Done, Transfer::Push) => (Became::Sent, None),
                (TransferOutcome::Done, Transfer::Pull) => (Became::Added, None),
                (TransferOutcome::Done, Transfer::Remove) => (Became::Removed, None),
                (TransferOutcome::Mended, _) => (Became::Mended, None),
                (TransferOutcome::Already, Transfer::Push) => (Became::AlreadyThere, None),
                (TransferOutcome::Already, Transfer::Pull) => (Became::AlreadyHere, None),
                (TransferOutcome::Already, Transfer::Remove) => (Became::NotThere, None),
                (TransferOutcome::Failed(error), _) => {
                    let outcome = match error.kind() {
                        Kind::Conflict => Became::Conflict,
                        Kind::Damaged | Kind::NewerFormat => Became::Damaged,
                        _ => Became::Refused,
                    };
                    (outcome, Some(error.to_string()))
                }
            };
            Transferred { name: &one.name, id: &one.id, outcome, reason }
        };
        TransferReport { remote, snapshots: handed.iter().map(of_one).collect(), transfer }
    }
}

impl Report for TransferReport<'_> {
    fn print(&self, ui: &mut Ui) -> Result<()> {
        let remote = self.remote;
        for Transferred { name, id, outcome, .. } in &self.snapshots {
            match outcome {
                Became::Sent => ui.say(&format!("Sent \"{name}\" ({}) to {remote}.", id.short())),
                Became::Added => ui.say(&format!("Added \"{name}\" ({}) from {remote}.", id.short())),
                // One that is not here is known by its id alone.
                Became::Removed if **name == *id.short() => ui.say(&format!("Removed {name} from {remote}.")),
                Became::Removed => ui.say(&format!("Removed \"{name}\" ({}) from {remote}.", id.short())),
                Became::AlreadyThere => ui.say(&format!("\"{name}\" is already on {remote}.")),
                Became::AlreadyHere => ui.say(&format!("\"{name}\" is already here.")),
                Became::Mended => ui.say(&format!(
                    "Mended \"{name}\" with what {remote} has: parts of it were damaged or missing here."
                )),
                Became::NotThere => ui.say(&format!("\"{name}\" is not on {remote}.")),
                // Said as errors, by `finish`.
                Became::Conflict | Became::Damaged | Became::Refused => {}
            }
        }
        if self.transfer != Transfer::Pull {
            return Ok(());
        }
        if self.snapshots.is_empty() {
            ui.say(&format!("There is nothing new on {remote}."));
        }
        let added = self.snapshots.iter().filter(|one| one.outcome == Became::Added).count();
        if added > 0 {
            let added = count(added, "snapshot");
            ui.say(&format!("{added} added. `snap show REF` shows one; `snap resume REF` resumes it."));
        }
        Ok(())
    }
}

/// Ends with the last error if everything failed; otherwise prints the errors, and says that parts were skipped.
pub(crate) fn finish(ui: &mut Ui, handed: Vec<TransferResult>) -> Result<Outcome> {
    let all_failed = handed.iter().all(|one| matches!(one.fate, TransferOutcome::Failed(_)));
    let mut errors: Vec<Error> = handed
        .into_iter()
        .filter_map(|one| match one.fate {
            TransferOutcome::Failed(error) => Some(error),
            _ => None,
        })
        .collect();
    let outcome = Outcome::partial_if(!errors.is_empty());
    let last = if all_failed { errors.pop() } else { None };
    for error in &errors {
        ui.error(error);
    }
    last.map_or(Ok(outcome), Err)
}

/// Says who works on a snapshot, and since when.
pub(crate) fn worked_on_by(now: Timestamp, leases: &[Lease]) -> String {
    let one = |lease: &Lease| format!("{}, since {}", lease.who, ago(&age(now.since(lease.since))));
    format!("being worked on by {}", leases.iter().map(one).collect::<Vec<_>>().join("; "))
}
