//! `snap branch`: names the line of work that begins here, and lists the lines that have names.

use clap::Args;
use serde::Serialize;

use crate::audit;
use crate::base::columns::{padded, wide};
use crate::base::error::{Error, Kind, Result};
use crate::base::ids::SnapshotId;
use crate::base::screen::{Line, for_shell};
use crate::base::similar_names::{names_like, was_meant};
use crate::cli::completion::{line_names, sessions, snapshots};
use crate::cli::help::examples;
use crate::cli::line_choice;
use crate::cli::outcome::Outcome;
use crate::cli::output::line_words::{LineFacts, marks};
use crate::cli::output::paged::folded;
use crate::cli::output::{Report, Style, Ui, text};
use crate::cli::save_first::{last_of, save_first, session_here};
use crate::context::Context;
use crate::manifest::Manifest;
use crate::redaction;
use crate::store::{LineState, LineStates, LogEntry, Operation, Reference, check_new_name};
use crate::workspace::Workspace;

/// Name the line of work that begins here, or list the lines that have names
///
/// A line is a snapshot and all that is saved after it. Its name stands for the newest snapshot of it in `merge`, `close`,
/// `reopen`, `diff`, `show` and `report`.
#[derive(Args)]
#[command(after_help = examples(&[
    ("snap branch try-cache", "Save, and name what begins here"),
    ("snap branch try-cache before-refactor", "Name what begins with that snapshot"),
    ("snap branch", "List the lines with names"),
    ("snap branch --remove try-cache", "Take the name away; no snapshot goes"),
]))]
pub(crate) struct Branch {
    /// The name of the line; without it, the lines are listed
    #[arg(add = line_names())]
    name: Option<String>,
    /// The snapshot that it begins with; by default the state here, which is saved first
    #[arg(value_name = "REF", add = snapshots())]
    reference: Option<String>,
    /// Take the name away
    #[arg(long, requires = "name", conflicts_with = "reference")]
    remove: bool,
    /// The session to save: its id, the start of the id, or the path of its transcript
    #[arg(long, value_name = "ID|PATH", add = sessions(), conflicts_with_all = ["reference", "remove"])]
    session: Option<String>,
    /// Never prompt; if several sessions are running, take the one that was active last
    #[arg(long, visible_alias = "yes", overrides_with = "no_input")]
    no_input: bool,
}

impl Branch {
    pub(crate) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        match &self.name {
            None => list(workspace, ui),
            Some(name) if self.remove => remove(name, context, workspace, ui),
            Some(name) => self.give(name, context, workspace, ui),
        }
    }

    fn give(&self, name: &str, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        let store = &workspace.store;
        check_new_name(name, "the name of a line")?;
        let name = &without_secrets(workspace, name)?;
        let shown = Line(name).to_string();
        if store.find(&Reference::parse(name).whole()).is_ok() {
            return Err(Error::new(Kind::Refused, format!("\"{shown}\" can't be the name of a line"))
                .because("a snapshot goes by it")
                .hint("take another name"));
        }
        let states = store.line_states();
        let had = states.begin_of(name).cloned();
        let (id, called, saved) = match &self.reference {
            Some(reference) => {
                let entry = line_choice::find_here(workspace, reference, ui)?;
                (entry.manifest.as_ref().map_err(Clone::clone)?.id.clone(), entry.called, None)
            }
            None => {
                let session = session_here(context, workspace, self.session.as_deref(), self.no_input, ui)?;
                if let Some(begin) = &had {
                    let last = last_of(context, workspace, session.as_ref());
                    let is_on_it =
                        |last: &Manifest| store.line_of(last).is_ok_and(|line| line.contains(begin));
                    if !last.is_some_and(|last| is_on_it(&last)) {
                        return Err(taken(&shown));
                    }
                    let snapshot = &store.names().unwrap_or_default().remove(begin).unwrap_or_default();
                    ui.confirm(&BranchReport { name, id: begin, snapshot, saved: None, is_on_it: true })?;
                    return Ok(Outcome::Done);
                }
                let saved = save_first(context, workspace, session.as_ref(), ui)?;
                (saved.manifest.id.clone(), store.called(&saved.manifest), Some(saved.written))
            }
        };
        match had {
            Some(had) if had != id => return Err(taken(&shown)),
            Some(_) => {}
            None if let Some(other) = name_of(&states, &id) => {
                let other = Line(other).to_string();
                return Err(Error::new(Kind::Refused, format!("The line \"{other}\" begins there already"))
                    .because(format!("a line that begins with \"{}\" has one name", Line(&called)))
                    .hint(format!(
                        "go on first, or `snap branch --remove {}`; no snapshot goes",
                        for_shell(&other)
                    )));
            }
            None => log(context, workspace, &id, &called, Operation::Branch, Some(name))?,
        }
        ui.confirm(&BranchReport { name, id: &id, snapshot: &called, saved, is_on_it: false })?;
        Ok(Outcome::Done)
    }
}

fn name_of<'s>(states: &'s LineStates, id: &SnapshotId) -> Option<&'s str> {
    states.get(id)?.name.as_deref()
}

/// Refuses the name of a line that is there.
fn taken(shown: &str) -> Error {
    Error::new(Kind::Refused, format!("There is a line \"{shown}\" already"))
        .because("another line has that name")
        .hint(format!("`snap branch --remove {}` takes the name away; no snapshot goes", for_shell(shown)))
}

/// Writes what is said of a line of work into the log, which is the only place that has it.
///
/// # Errors
/// As [`audit::try_write`]: then nothing is said of it.
pub(crate) fn log(
    context: &Context,
    workspace: &Workspace,
    id: &SnapshotId,
    name: &str,
    operation: Operation,
    note: Option<&str>,
) -> Result<()> {
    let line = LogEntry {
        snapshot: Some(id.clone()),
        name: name.to_owned(),
        note: note.map(str::to_owned),
        ..audit::line(context, operation, None)
    };
    audit::try_write(&workspace.store, &line)
}

/// Returns a line's name as the log has it, like the name of a snapshot.
fn without_secrets(workspace: &Workspace, name: &str) -> Result<String> {
    redaction::typed(workspace, "the name of a line", name)
}

fn remove(name: &str, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
    let name = &without_secrets(workspace, name)?;
    let states = workspace.store.line_states();
    let shown = Line(name).to_string();
    let Some(id) = states.begin_of(name) else {
        let alike = was_meant(&names_like(name, states.names().into_iter().map(|(line, _)| line)));
        let alike = alike.map(|alike| format!("{alike} ")).unwrap_or_default();
        return Err(Error::new(Kind::NotFound, format!("There is no line \"{shown}\""))
            .hint(format!("{alike}`snap branch` lists the lines with names")));
    };
    let called = workspace.store.names().unwrap_or_default().remove(id).unwrap_or_default();
    log(context, workspace, id, &called, Operation::Branch, None)?;
    ui.confirm(&RemovedReport { removed: name, id })?;
    Ok(Outcome::Done)
}

fn list(workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
    let states = workspace.store.line_states();
    let summaries = workspace.store.summaries()?;
    let names = workspace.store.names().unwrap_or_default();
    let rows = states.names().into_iter().map(|(name, begin)| {
        let newest = summaries.newest_of_line(begin);
        let state = newest.as_ref().and_then(|newest| states.get(newest));
        let called = |id: &SnapshotId| names.get(id).cloned();
        LineRow {
            name,
            begins: begin,
            begins_with: called(begin),
            newest_name: newest.as_ref().and_then(called),
            state: state.map(LineFacts::of),
            marks: state
                .map(|state| marks(&LineState { name: None, ..state.clone() }, false))
                .unwrap_or_default(),
            newest: newest.clone(),
        }
    });
    ui.report(&NamedLines(rows.collect()))?;
    Ok(Outcome::Done)
}

/// A line that got a name.
#[derive(Serialize)]
struct BranchReport<'a> {
    name: &'a str,
    id: &'a SnapshotId,
    snapshot: &'a str,
    /// Whether a snapshot was written for it; `null` if one was named.
    saved: Option<bool>,
    /// Whether the line is the one here, and began before.
    #[serde(skip)]
    is_on_it: bool,
}

impl Report for BranchReport<'_> {
    fn print(&self, ui: &mut Ui) -> Result<()> {
        let (name, snapshot) = (Line(self.name), Line(self.snapshot));
        ui.say(&if self.is_on_it {
            format!("You are on the line \"{name}\" already: it begins with \"{snapshot}\".")
        } else {
            format!("The line \"{name}\" begins with \"{snapshot}\".")
        });
        Ok(())
    }
}

/// A line that lost its name.
#[derive(Serialize)]
struct RemovedReport<'a> {
    removed: &'a str,
    id: &'a SnapshotId,
}

impl Report for RemovedReport<'_> {
    fn print(&self, ui: &mut Ui) -> Result<()> {
        ui.say(&format!(
            "\"{}\" is no longer the name of a line. No snapshot was removed.",
            Line(self.removed)
        ));
        Ok(())
    }
}

/// The lines that have names.
#[derive(Serialize)]
#[serde(transparent)]
struct NamedLines<'a>(Vec<LineRow<'a>>);

#[derive(Serialize)]
struct LineRow<'a> {
    name: &'a str,
    begins: &'a SnapshotId,
    /// What that is called here; `null` if it is not here.
    begins_with: Option<String>,
    newest: Option<SnapshotId>,
    newest_name: Option<String>,
    /// What is said of the newest one.
    state: Option<LineFacts<'a>>,
    #[serde(skip)]
    marks: String,
}

impl Report for NamedLines<'_> {
    fn print(&self, ui: &mut Ui) -> Result<()> {
        if self.0.is_empty() {
            ui.say("No line of work has a name yet; `snap branch NAME` gives one to what begins here.");
            return Ok(());
        }
        let named = |row: &LineRow<'_>| Line(row.name).to_string();
        let width = self.0.iter().map(|row| wide(&named(row))).max().unwrap_or(0);
        for row in &self.0 {
            let begins = row.begins_with.as_deref().unwrap_or("a snapshot that is not here");
            let rest = match &row.newest_name {
                Some(newest) => format!("  from {}, now at {}{}", Line(begins), Line(newest), row.marks),
                None => format!("  from {}", Line(begins)),
            };
            folded(ui, &text![Style::Strong.of(padded(&named(row), width)), rest], 2)?;
        }
        Ok(())
    }
}
