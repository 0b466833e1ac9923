//! Saves the state here before a command that builds on it: as `snap save` does, without a name.

use super::output::{Ui, progress_bar};
use super::session_choice::{self, SessionChoice};
use super::upkeep::follow_links;
use crate::audit;
use crate::base::error::{Error, Kind, Result};
use crate::base::monitor::Monitor;
use crate::base::screen::Line;
use crate::capture::{self, Request};
use crate::client::FoundSession;
use crate::context::Context;
use crate::manifest::Manifest;
use crate::store::{LogEntry, Operation, Reference};
use crate::workspace::Workspace;

/// The state here, saved.
pub(crate) struct SavedFirst {
    /// The snapshot; an earlier one if nothing had changed since.
    pub(crate) manifest: Manifest,
    /// Whether it is new.
    pub(crate) written: bool,
}

/// Finds the session that works here; a person is asked where several may be meant.
///
/// # Errors
/// As [`session_choice::find`].
pub(crate) fn session_here(
    context: &Context,
    workspace: &Workspace,
    asked: Option<&str>,
    no_input: bool,
    ui: &mut Ui,
) -> Result<Option<FoundSession>> {
    let found = session_choice::find(context, workspace, asked)?;
    let choice = SessionChoice::of(found, workspace, no_input, ui)?;
    choice.notes.iter().for_each(|note| ui.warn(note));
    Ok(choice.session)
}

/// Refuses to save where there is neither a repository nor a session.
///
/// # Errors
/// [`Kind::NotFound`] with what was looked at.
pub(crate) fn refuse_nothing(
    workspace: &Workspace,
    session: Option<&FoundSession>,
    notes: Vec<String>,
) -> Result<()> {
    if session.is_some() || workspace.repository.is_some() {
        return Ok(());
    }
    Err(Error::new(Kind::NotFound, "There is nothing to save here")
        .because(format!(
            "{} is in no git repository, and no session of Claude Code was found",
            workspace.root.display()
        ))
        .list(notes)
        .hint("go to your project, or name the session with `--session ID`"))
}

/// Saves the state here, if anything has changed, and says so.
///
/// # Errors
/// As [`capture::save`].
pub(crate) fn save_first(
    context: &Context,
    workspace: &Workspace,
    session: Option<&FoundSession>,
    ui: &mut Ui,
) -> Result<SavedFirst> {
    refuse_nothing(workspace, session, Vec::new())?;
    let monitor = Monitor::default();
    let request = Request::usual(session, &context.settings, &monitor);
    let line = audit::line(context, Operation::Save, None);
    let saved = progress_bar::show(ui.talks(), &monitor, || capture::save(context, workspace, &request));
    let report = audit::unless_failed(&workspace.store, &line, saved)?;
    report.notes.iter().for_each(|note| ui.warn(&note.to_string()));
    let edits = report.manifest.edits.iter().flat_map(|edits| &edits.skipped);
    for left in report.manifest.not_captured.files.iter().chain(edits) {
        ui.warn(&format!("not saved: {} ({})", left.path, left.reason));
    }
    if report.written {
        ui.say(&format!("Saved \"{}\".", Line(&report.manifest.name)));
    }
    follow_links(workspace, ui);
    Ok(SavedFirst { manifest: report.manifest, written: report.written })
}

/// Returns the snapshot that the session here was saved as, or brought back from, last; without a session, the same of the
/// files of this work tree.
pub(crate) fn last_of(
    context: &Context,
    workspace: &Workspace,
    session: Option<&FoundSession>,
) -> Option<Manifest> {
    let log = workspace.store.own_log().ok()?;
    let is_it = |entry: &&LogEntry| {
        matches!(entry.operation, Operation::Save | Operation::Resume | Operation::Rewind)
            && entry.outcome.is_ok()
            && entry.session.as_ref() == session.map(|session| &session.id)
            && (&entry.user, &entry.host) == (&context.user, &context.host)
    };
    let found = |entry: &LogEntry| {
        let id = entry.snapshot.as_ref()?.to_string();
        let manifest = workspace.store.find(&Reference::Named(id)).ok()?.manifest.ok()?;
        // The line of a save names no work tree.
        let root = entry.root.as_ref().unwrap_or(&manifest.workspace.root);
        (session.is_some() || root.as_path() == workspace.root).then_some(manifest)
    };
    log.iter().rev().filter(is_it).find_map(found)
}
