//! `snap log`: who did what to which snapshot, when.

use std::collections::HashMap;

use clap::Args;
use serde::Serialize;

use super::log_of_all::of_all;
use crate::base::columns::{fitted_in_middle, padded, wide};
use crate::base::error::Result;
use crate::base::ids::SnapshotId;
use crate::base::screen::{Line, cut};
use crate::base::timestamp::{Timestamp, age};
use crate::cli::completion::remotes;
use crate::cli::help::examples;
use crate::cli::option_values::parse_number;
use crate::cli::outcome::Outcome;
use crate::cli::output::paged::paged;
use crate::cli::output::{Report, Style, Text, Ui, pager, text};
use crate::context::Context;
use crate::store::{LogEntry, LogOutcome, Operation};
use crate::workspace::Workspace;

/// The longest reason of a failure that is shown, in characters; JSON has all of it.
const LONGEST_REASON: usize = 80;

/// The most characters of a name.
const LONGEST_NAME: usize = 40;

/// How many columns the operations take.
const OPERATION: usize = 8;

/// How many columns the start of an id takes, and what is between two columns.
const ID: usize = 8;
const GAP: usize = 2;

/// The fewest columns that a name is cut to.
const SHORTEST: usize = 16;

/// Show who did what, newest first
#[derive(Args)]
#[command(after_help = examples(&[
    ("snap log -n 10", "Show the ten newest entries"),
    ("snap log --remote", "Show what all did who share their sessions"),
]))]
pub(crate) struct Log {
    /// Show only the newest N entries
    #[arg(short = 'n', long = "max-count", value_name = "N", value_parser = parse_number)]
    most: Option<usize>,
    /// Show the logs of all who share through REMOTE, merged by time; with --json, one object on each line
    #[arg(long, value_name = "REMOTE", num_args = 0..=1, default_missing_value = "", add = remotes())]
    remote: Option<String>,
}

impl Log {
    pub(crate) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        if let Some(remote) = &self.remote {
            return of_all(context, workspace, (remote, self.most), ui);
        }
        let mut entries = workspace.store.read_log()?;
        name_as_here(&mut entries, workspace.store.names().unwrap_or_default());
        let mut told = told(&entries);
        let unread = workspace.store.unread_log()?;
        unread.iter().for_each(|unread| ui.warn(&unread.told()));
        let is_empty = entries.is_empty() && unread.is_none();
        let mut entries = with_removed_names(entries);
        entries.reverse();
        told.reverse();
        entries.truncate(self.most.unwrap_or(usize::MAX));
        ui.report(&LogReport { entries, told, now: context.now, is_empty })?;
        Ok(Outcome::Done)
    }
}

/// Gives each snapshot the name that it has here, as all other commands do; one that is gone, the name that it had last.
fn name_as_here(entries: &mut [LogEntry], names: HashMap<SnapshotId, String>) {
    let mut known: HashMap<SnapshotId, String> = HashMap::new();
    let is_removal = |entry: &&LogEntry| matches!(entry.operation, Operation::Remove | Operation::Prune);
    for gone in entries.iter().filter(is_removal) {
        known.extend(gone.snapshot.clone().map(|id| (id, gone.name.clone())));
    }
    known.extend(names);
    for entry in entries {
        if let Some(name) = entry.snapshot.as_ref().and_then(|id| known.get(id)) {
            entry.name.clone_from(name);
        }
    }
}

/// Returns what each entry, oldest first, was done to: a snapshot, or what an undo or a redo took back.
fn told(entries: &[LogEntry]) -> Vec<String> {
    // What each safety snapshot leads back from, and what removed each snapshot.
    let mut reversed: HashMap<&SnapshotId, String> = HashMap::new();
    let mut removals: HashMap<&SnapshotId, Operation> = HashMap::new();
    let mut all = Vec::with_capacity(entries.len());
    for entry in entries {
        let name = cut(&entry.name, LONGEST_NAME);
        let by = match (entry.operation, &entry.batch) {
            (Operation::Remove | Operation::Prune, _) => {
                removals.extend(entry.snapshot.iter().map(|id| (id, entry.operation)));
                None
            }
            (Operation::Undo | Operation::Redo, Some(_)) => {
                let operation = entry.snapshot.as_ref().and_then(|id| removals.get(id));
                operation.map(|operation| format!("{} \"{name}\"", operation.word()))
            }
            (Operation::Undo | Operation::Redo, None) => {
                entry.snapshot.as_ref().and_then(|id| reversed.get(id)).cloned()
            }
            (operation, _) if operation.is_restore() => Some(format!("{} \"{name}\"", operation.word())),
            _ => None,
        };
        if let (Some(safety), Some(what)) = (&entry.safety, &by) {
            reversed.insert(safety, what.clone());
        }
        let is_step = matches!(entry.operation, Operation::Undo | Operation::Redo);
        all.push(by.filter(|_| is_step).unwrap_or(name));
    }
    all
}

/// Adds to each entry, oldest first, the name of a line that it takes away.
fn with_removed_names(entries: Vec<LogEntry>) -> Vec<ShownEntry> {
    let mut names: HashMap<SnapshotId, String> = HashMap::new();
    let shown = |entry: LogEntry| {
        let named =
            entry.snapshot.clone().filter(|_| entry.operation == Operation::Branch && entry.outcome.is_ok());
        let removed_name = named.and_then(|id| match &entry.note {
            Some(name) => {
                names.insert(id, name.clone());
                None
            }
            None => names.remove(&id),
        });
        ShownEntry { entry, removed_name }
    };
    entries.into_iter().map(shown).collect()
}

/// A line of the log as it is shown.
#[derive(Serialize)]
struct ShownEntry {
    #[serde(flatten)]
    entry: LogEntry,
    /// The name that `branch --remove` took from a line of work.
    #[serde(skip_serializing_if = "Option::is_none")]
    removed_name: Option<String>,
}

/// The log, newest first.
#[derive(Serialize)]
#[serde(transparent)]
struct LogReport {
    entries: Vec<ShownEntry>,
    /// What each was done to.
    #[serde(skip)]
    told: Vec<String>,
    #[serde(skip)]
    now: Timestamp,
    /// Whether nothing is in the log at all.
    #[serde(skip)]
    is_empty: bool,
}

impl Report for LogReport {
    fn print(&self, ui: &mut Ui) -> Result<()> {
        if self.is_empty {
            ui.say("The log is empty: nothing has been done here yet.");
        }
        let by = |entry: &LogEntry| format!("{}@{}", Line(&entry.user), Line(&entry.host));
        let entries = || self.entries.iter().map(|shown| &shown.entry);
        let shown = || self.entries.iter().zip(&self.told);
        let who = entries().map(|entry| wide(&by(entry))).max().unwrap_or(0);
        let ages = entries().map(|entry| wide(&age(self.now.since(entry.at)))).max().unwrap_or(0);
        let beside = OPERATION + ages + ID + who + 4 * GAP;
        let room = if ui.shows_on_terminal() {
            pager::screen_width().saturating_sub(beside).max(SHORTEST)
        } else {
            usize::MAX
        };
        let longest = shown().map(|(_, told)| wide(told)).max().unwrap_or(0).min(room);
        let line = |(ShownEntry { entry, removed_name }, told): (&ShownEntry, &String)| {
            let mut rest = format!(
                "{}  {}  {}  {}",
                padded(&age(self.now.since(entry.at)), ages),
                entry.snapshot.as_ref().map_or("-       ", |id| id.short()),
                padded(&fitted_in_middle(told, room), longest),
                padded(&by(entry), who),
            );
            rest += &more(entry);
            if let Some(name) = removed_name {
                rest += &format!("  takes away the name \"{}\"", cut(name, LONGEST_NAME));
            }
            let operation = Style::Strong.of(padded(entry.operation.word(), OPERATION));
            text![operation, "  ", rest.trim_end()]
        };
        let lines = shown().map(line);
        if !ui.shows_on_terminal() {
            return paged(ui, &lines.collect::<Vec<Text>>());
        }
        let folded = |line: Text| line.folded(pager::screen_width(), OPERATION + 2);
        paged(ui, &lines.flat_map(folded).collect::<Vec<Text>>())
    }
}

/// Returns what is to be said of few entries: the other side, the way back, and what went wrong.
fn more(entry: &LogEntry) -> String {
    let peer = entry.peer.as_deref().map(|peer| format!("  {}", Line(peer))).unwrap_or_default();
    let outcome = match (entry.outcome, &entry.reason) {
        (LogOutcome::Ok, _) => String::new(),
        (LogOutcome::Skipped, _) => "  (nothing to do)".to_owned(),
        (LogOutcome::Failed, None) => "  failed".to_owned(),
        (LogOutcome::Failed, Some(why)) => format!("  failed: {}", cut(why, LONGEST_REASON)),
    };
    let safety = entry.safety.as_ref().map(|id| format!("  (safety {})", id.short())).unwrap_or_default();
    let note =
        entry.note.as_deref().map(|note| format!("  {}", cut(note, LONGEST_REASON))).unwrap_or_default();
    format!("{peer}{note}{safety}{outcome}")
}
