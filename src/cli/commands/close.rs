//! `snap close` and `snap reopen`: whether a line of work is over.

use clap::Args;
use serde::Serialize;

use super::branch::log;
use crate::base::error::Result;
use crate::base::ids::SnapshotId;
use crate::base::screen::Line;
use crate::cli::completion::lines;
use crate::cli::help::examples;
use crate::cli::line_choice;
use crate::cli::outcome::Outcome;
use crate::cli::output::words::quoted;
use crate::cli::output::{Report, Ui};
use crate::context::Context;
use crate::redaction;
use crate::space;
use crate::store::Operation;
use crate::workspace::Workspace;

/// Say that a line of work is over; nothing is removed
#[derive(Args)]
#[command(after_help = examples(&[
    ("snap close try-cache -m \"too slow\"", "Close a line by its name"),
    ("snap close before-refactor", "Close what ends with that snapshot"),
]))]
pub(crate) struct Close {
    /// The line's name, or the snapshot that it ends with
    #[arg(value_name = "REF", add = lines())]
    reference: String,
    /// Why it is over, for whoever reads it later
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,
}

/// Say that a line of work goes on after all
#[derive(Args)]
#[command(after_help = examples(&[("snap reopen try-cache", "Take back that it is closed")]))]
pub(crate) struct Reopen {
    /// The line's name, or the snapshot that it ends with
    #[arg(value_name = "REF", add = lines())]
    reference: String,
}

impl Close {
    pub(crate) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        let why = self.message.as_deref().map(|why| redaction::typed(workspace, "why a line is closed", why));
        set(&self.reference, Operation::Close, why.transpose()?.as_deref(), context, workspace, ui)
    }
}

impl Reopen {
    pub(crate) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        set(&self.reference, Operation::Reopen, None, context, workspace, ui)
    }
}

fn set(
    reference: &str,
    operation: Operation,
    why: Option<&str>,
    context: &Context,
    workspace: &Workspace,
    ui: &mut Ui,
) -> Result<Outcome> {
    let store = &workspace.store;
    let entry = line_choice::find_here(workspace, reference, ui)?;
    let id = entry.manifest.as_ref().map_err(Clone::clone)?.id.clone();
    let states = space::line_states_of_all(context, workspace);
    let was = states.get(&id).and_then(|state| state.closed.as_ref());
    let closed = operation == Operation::Close;
    let changed = was.is_some() != closed
        || closed && why.is_some_and(|why| was.and_then(|was| was.why.as_deref()) != Some(why));
    if changed {
        log(context, workspace, &id, &entry.called, operation, why)?;
    }
    let newest =
        store.summaries().ok().and_then(|all| all.newest_of_line(&id)).filter(|newest| *newest != id);
    let goes_on = newest.and_then(|newest| store.names().unwrap_or_default().remove(&newest));
    let summaries = store.summaries()?;
    let ends_here = |begin: &SnapshotId| summaries.newest_of_line(begin).as_ref() == Some(&id);
    let lines = states.names().into_iter().filter(|(_, begin)| ends_here(begin));
    let lines = lines.map(|(name, _)| name.to_owned()).collect();
    ui.confirm(&CloseReport { name: &entry.called, id: &id, closed, changed, goes_on, lines })?;
    Ok(Outcome::Done)
}

/// Whether a line is closed now, and whether that is new.
#[derive(Serialize)]
struct CloseReport<'a> {
    name: &'a str,
    id: &'a SnapshotId,
    closed: bool,
    changed: bool,
    /// What the newest one is called that was saved after it, if any was.
    #[serde(skip)]
    goes_on: Option<String>,
    /// The names of the lines that end with it.
    #[serde(skip)]
    lines: Vec<String>,
}

impl CloseReport<'_> {
    /// Names the lines that end with it: who typed one closes them all.
    fn ending(&self) -> String {
        let names: Vec<String> = self.lines.iter().map(|name| format!("\"{}\"", Line(name))).collect();
        match names.as_slice() {
            [] => String::new(),
            [one] => format!(" ({one})"),
            all => format!(" (of all of these: {})", all.join(", ")),
        }
    }
}

impl Report for CloseReport<'_> {
    fn print(&self, ui: &mut Ui) -> Result<()> {
        let (name, ending) = (Line(self.name), self.ending());
        let reopen = format!("`snap reopen {}` opens it again.", quoted(self.name));
        ui.say(&match (self.closed, self.changed) {
            (true, true) => match &self.goes_on {
                Some(later) => {
                    format!("\"{name}\" is closed; \"{}\", saved after it, stays open. {reopen}", Line(later))
                }
                None => format!("The line that ends with \"{name}\" is closed{ending}; {reopen}"),
            },
            (true, false) => format!("The line that ends with \"{name}\" is closed already{ending}."),
            (false, true) => format!("The line that ends with \"{name}\" is open again{ending}."),
            (false, false) => format!("The line that ends with \"{name}\" is not closed{ending}."),
        });
        Ok(())
    }
}
