//! `snap list`, here and on a remote.

use clap::Args;
use serde::Serialize;

use super::list_tree;
use crate::base::error::Result;
use crate::base::ids::{ClientId, SnapshotId};
use crate::base::paths::NativePath;
use crate::base::screen;
use crate::base::timestamp::{Timestamp, age};
use crate::cli::help::examples;
use crate::cli::outcome::Outcome;
use crate::cli::output::snapshot_words::{done, edited_lines, tasks};
use crate::cli::output::words::{count, size_text};
use crate::cli::output::{Report, Style, Ui};
use crate::cli::remotes::{with_remote, worked_on_by};
use crate::context::Context;
use crate::manifest::{Manifest, Trigger};
use crate::store::{Entry, Store};
use crate::transfer::{Lease, ListedSnapshot};
use crate::workspace::Workspace;

const LONGEST_CELL: usize = 40;

/// List the snapshots, newest first
#[derive(Args)]
#[command(after_help = examples(&[
    ("snap list --tree", "Draw which snapshot was saved after which"),
    ("snap list --remote", "List the snapshots on the git remote origin"),
]))]
pub(crate) struct List {
    /// List the snapshots on a git remote (by default origin) instead of those here
    #[arg(long, value_name = "REMOTE", num_args = 0..=1, default_missing_value = "origin")]
    remote: Option<String>,
    /// Draw which snapshot was saved after which
    #[arg(long, conflicts_with = "remote")]
    tree: bool,
}

impl List {
    pub(crate) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        if let Some(remote) = &self.remote {
            let (shown, listed) = with_remote(context, workspace, ui, remote, |remote| remote.list())?;
            ui.report(&RemoteList::new(&shown, &listed, context.now))?;
            return Ok(Outcome::Done);
        }
        let entries = workspace.store.entries()?;
        if self.tree && !ui.json() && !entries.is_empty() {
            return list_tree::draw(context, ui, &entries);
        }
        let rows = entries.iter().map(|entry| match &entry.manifest {
            Ok(manifest) => Row::Snapshot(Box::new(Snapshot::of(context, workspace, entry, manifest))),
            Err(error) => Row::Damaged { name: &entry.stem, error: error.to_string() },
        });
        ui.report(&LocalList(rows.collect()))?;
        if ui.json() || entries.is_empty() {
            return Ok(Outcome::Done);
        }
        if let lost @ 1.. = workspace.store.lost_names()? {
            let what = count(lost, "snapshot");
            ui.warn(&format!(
                "the files of {what} were removed, as by `git clean -x`; the next save brings them back"
            ));
        }
        let damaged = entries.iter().filter_map(|entry| entry.manifest.as_ref().err());
        let number = damaged.map(|error| ui.error(error)).count();
        Ok(Outcome::partial_if(number > 0))
    }
}

/// The snapshots here.
#[derive(Serialize)]
struct LocalList<'a>(Vec<Row<'a>>);

#[derive(Serialize)]
#[serde(untagged)]
enum Row<'a> {
    Snapshot(Box<Snapshot<'a>>),
    Damaged { name: &'a str, error: String },
}

#[derive(Serialize)]
struct Snapshot<'a> {
    name: &'a str,
    id: &'a SnapshotId,
    parent: Option<&'a SnapshotId>,
    message: Option<&'a str>,
    created_at: Timestamp,
    age_seconds: u64,
    trigger: Trigger,
    pinned: bool,
    /// Whether it is the user's own.
    own: bool,
    branch: Option<&'a str>,
    worktree: Option<&'a str>,
    root: &'a NativePath,
    session_id: Option<&'a ClientId>,
    title: Option<&'a str>,
    tasks: Tasks,
    agents: usize,
    edits: Option<Edits>,
    /// In bytes, on disk.
    size: u64,
    #[serde(skip)]
    age: String,
}

#[derive(Serialize)]
struct Tasks {
    done: usize,
    all: usize,
}

#[derive(Serialize)]
struct Edits {
    files: usize,
    added: u64,
    removed: u64,
}

impl<'a> Snapshot<'a> {
    fn of(
        context: &Context,
        workspace: &Workspace,
        entry: &'a Entry,
        manifest: &'a Manifest,
    ) -> Snapshot<'a> {
        let session = manifest.session.as_ref();
        let tasks = tasks(&workspace.store, manifest);
        let (added, removed) = edited_lines(manifest);
        let edits = manifest.edits.as_ref();
        let since = context.now.since(manifest.created_at);
        Snapshot {
            name: &entry.called,
            id: &manifest.id,
            parent: manifest.parent.as_ref(),
            message: manifest.message.as_deref(),
            created_at: manifest.created_at,
            age_seconds: since.as_secs(),
            trigger: manifest.created_by.trigger,
            pinned: entry.pinned,
            own: workspace.trust.is_own(&manifest.proofs),
            branch: manifest.workspace.branch.as_deref(),
            worktree: manifest.workspace.worktree.as_deref(),
            root: &manifest.workspace.root,
            session_id: session.map(|session| &session.id),
            title: session.and_then(|session| session.title.as_deref()),
            tasks: Tasks { done: done(&tasks), all: tasks.len() },
            agents: manifest.agents.len(),
            edits: edits.map(|edits| Edits { files: edits.listed().count(), added, removed }),
            size: size(&workspace.store, entry, manifest),
            age: age(since),
        }
    }

    fn cells(&self) -> [String; 8] {
        let or_dash =
            |text: Option<&str>| text.map_or_else(|| "-".to_owned(), |text| screen::cut(text, LONGEST_CELL));
        let mut name = screen::cut(self.name, LONGEST_CELL);
        let marks = [
            (self.trigger == Trigger::Auto, " (auto)"),
            (self.pinned, " (pinned)"),
            (!self.own, " (not yours)"),
        ];
        marks.iter().filter(|(holds, _)| *holds).for_each(|(_, mark)| name.push_str(mark));
        let edits = self.edits.as_ref();
        let edits = edits.map(|edits| format!("{} +{} -{}", edits.files, edits.added, edits.removed));
        let Tasks { done, all } = self.tasks;
        [
            name,
            self.age.clone(),
            or_dash(self.branch),
            or_dash(self.worktree),
            if all == 0 { "-".to_owned() } else { format!("{done}/{all}") },
            if self.agents == 0 { "-".to_owned() } else { self.agents.to_string() },
            edits.unwrap_or_else(|| "-".to_owned()),
            size_text(self.size),
        ]
    }
}

fn size(store: &Store, entry: &Entry, manifest: &Manifest) -> u64 {
    let objects: u64 = manifest.objects().iter().map(|object| store.stored_size(object)).sum();
    store.manifest_size(&entry.stem) + objects
}

impl Report for LocalList<'_> {
    fn print(&self, ui: &mut Ui) -> Result<()> {
        if self.0.is_empty() {
            ui.say("There is no snapshot yet; `snap save NAME` makes one.");
            return Ok(());
        }
        let header =
            ["NAME", "AGE", "BRANCH", "WORKTREE", "TASKS", "AGENTS", "EDITS", "SIZE"].map(str::to_owned);
        let readable = self.0.iter().filter_map(|row| match row {
            Row::Snapshot(snapshot) => Some(snapshot.cells()),
            // Told as an error below the table.
            Row::Damaged { .. } => None,
        });
        let rows: Vec<[String; 8]> = std::iter::once(header).chain(readable).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: [usize; 8] = std::array::from_fn(width);
        for (number, row) in rows.iter().enumerate() {
            let cells: Vec<String> =
                row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            let line = cells.join("  ");
            match number {
                0 => ui.line(Style::Faint.of(line.trim_end()))?,
                _ => ui.line(line.trim_end())?,
            }
        }
        Ok(())
    }
}

/// The snapshots on a remote.
#[derive(Serialize)]
#[serde(transparent)]
struct RemoteList<'a> {
    snapshots: Vec<OnRemote<'a>>,
    #[serde(skip)]
    remote: &'a str,
    #[serde(skip)]
    now: Timestamp,
}

#[derive(Serialize)]
struct OnRemote<'a> {
    name: &'a str,
    id: &'a SnapshotId,
    created_at: Timestamp,
    by: &'a str,
    here: bool,
    leases: Vec<LeaseFacts<'a>>,
    #[serde(skip)]
    worked_on: &'a [Lease],
}

#[derive(Serialize)]
struct LeaseFacts<'a> {
    who: &'a str,
    since: Timestamp,
}

impl<'a> RemoteList<'a> {
    fn new(remote: &'a str, listed: &'a [ListedSnapshot], now: Timestamp) -> RemoteList<'a> {
        let lease = |lease: &'a Lease| LeaseFacts { who: &lease.who, since: lease.since };
        let one = |one: &'a ListedSnapshot| OnRemote {
            name: &one.name,
            id: &one.id,
            created_at: one.created_at,
            by: &one.by,
            here: one.here,
            leases: one.leases.iter().map(lease).collect(),
            worked_on: &one.leases,
        };
        RemoteList { snapshots: listed.iter().map(one).collect(), remote, now }
    }
}

impl Report for RemoteList<'_> {
    fn print(&self, ui: &mut Ui) -> Result<()> {
        let remote = self.remote;
        if self.snapshots.is_empty() {
            ui.say(&format!("There is no snapshot on {remote}; `snap push {remote}` sends one."));
            return Ok(());
        }
        ui.line(Style::Faint.of(format!("{:8}  {:>4}  {:4}  {:24}  NAME", "ID", "AGE", "HERE", "BY")))?;
        for one in &self.snapshots {
            let worked_on = match one.worked_on {
                [] => String::new(),
                leases => format!("  ({})", worked_on_by(self.now, leases)),
            };
            ui.line(&format!(
                "{:8}  {:>4}  {:4}  {:24}  {}{worked_on}",
                one.id.short(),
                age(self.now.since(one.created_at)),
                if one.here { "yes" } else { "-" },
                screen::cut(one.by, 24),
                screen::cut(one.name, 60),
            ))?;
        }
        Ok(())
    }
}
