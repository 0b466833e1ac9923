//! `snap list`.

use clap::Args;
use serde_json::{Value, json};

use super::ui::{Style, Ui};
use super::{Outcome, count, print_json, save, size_text};
use crate::base::error::Result;
use crate::base::screen;
use crate::base::timestamp::age;
use crate::context::Context;
use crate::manifest::{Manifest, Trigger};
use crate::store::{Entry, Store};
use crate::workspace::Workspace;

const LONGEST_CELL: usize = 40;

/// List the snapshots, newest first
#[derive(Args)]
pub(super) struct List {
    /// List what is on a git remote instead of what is here
    #[arg(long, value_name = "REMOTE", num_args = 0..=1, default_missing_value = "origin")]
    remote: Option<String>,
    /// Draw which snapshot was saved after which
    #[arg(long, conflicts_with = "remote")]
    tree: bool,
}

impl List {
    pub(super) fn run(self, context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<Outcome> {
        if let Some(remote) = &self.remote {
            return super::remote::list(context, workspace, ui, remote);
        }
        let entries = workspace.store.entries()?;
        if ui.json() {
            let all: Vec<Value> = entries.iter().map(|entry| as_json(context, workspace, entry)).collect();
            print_json(ui, &all)?;
            return Ok(Outcome::Done);
        }
        if entries.is_empty() {
            ui.say("There is no snapshot yet; `snap save NAME` makes one.");
            return Ok(Outcome::Done);
        }
        if self.tree {
            return super::tree::draw(context, ui, &entries);
        }
        let header =
            ["NAME", "AGE", "BRANCH", "WORKTREE", "TASKS", "AGENTS", "EDITS", "SIZE"].map(str::to_owned);
        let mut rows = vec![header];
        for entry in &entries {
            if let Ok(manifest) = &entry.manifest {
                rows.push(row(context, workspace, entry, manifest));
            }
        }
        let mut widths = [0; 8];
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        for (number, row) in rows.iter().enumerate() {
            let cells: Vec<String> =
                row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            let line = cells.join("  ");
            let line = line.trim_end();
            match number {
                0 => ui.line(Style::Faint.of(line))?,
                _ => ui.line(line)?,
            }
        }
        if let lost @ 1.. = workspace.store.lost_names()? {
            let what = count(lost, "snapshot");
            ui.warn(&format!(
                "the files of {what} were removed, as by `git clean -x`; they come back with the next save"
            ));
        }
        let mut outcome = Outcome::Done;
        for entry in &entries {
            if let Err(error) = &entry.manifest {
                ui.error(error);
                outcome = Outcome::Partial;
            }
        }
        Ok(outcome)
    }
}

fn row(context: &Context, workspace: &Workspace, entry: &Entry, manifest: &Manifest) -> [String; 8] {
    let or_dash =
        |text: Option<&str>| text.map_or_else(|| "-".to_owned(), |text| screen::cut(text, LONGEST_CELL));
    let mut name = screen::cut(&manifest.name, LONGEST_CELL);
    if manifest.created_by.trigger == Trigger::Auto {
        name.push_str(" (auto)");
    }
    if entry.pinned {
        name.push_str(" (pinned)");
    }
    if !workspace.trust.is_own(&manifest.proofs) {
        name.push_str(" (not yours)");
    }
    let (done, all) = tasks(manifest);
    let (added, removed) = save::lines(manifest);
    let edits =
        manifest.edits.as_ref().map(|edits| format!("{} +{added} -{removed}", edits.listed().count()));
    [
        name,
        age(context.now.since(manifest.created_at)),
        or_dash(manifest.workspace.branch.as_deref()),
        or_dash(manifest.workspace.worktree.as_deref()),
        if all == 0 { "-".to_owned() } else { format!("{done}/{all}") },
        if manifest.agents.is_empty() { "-".to_owned() } else { manifest.agents.len().to_string() },
        edits.unwrap_or_else(|| "-".to_owned()),
        size_text(size(&workspace.store, entry, manifest)),
    ]
}

/// Counts the tasks done and all tasks.
pub(super) fn tasks(manifest: &Manifest) -> (usize, usize) {
    let done =
        |task: &str| serde_json::from_str::<Value>(task).is_ok_and(|task| task["status"] == "completed");
    (manifest.tasks.iter().filter(|task| done(task.get())).count(), manifest.tasks.len())
}

fn size(store: &Store, entry: &Entry, manifest: &Manifest) -> u64 {
    let objects: u64 = manifest.objects().iter().map(|object| store.stored_size(object)).sum();
    store.manifest_size(&entry.stem) + objects
}

fn as_json(context: &Context, workspace: &Workspace, entry: &Entry) -> Value {
    let manifest = match &entry.manifest {
        Ok(manifest) => manifest,
        Err(error) => return json!({"name": entry.stem, "error": error.to_string()}),
    };
    let (done, all) = tasks(manifest);
    let (added, removed) = save::lines(manifest);
    json!({
        "name": manifest.name,
        "id": manifest.id,
        "parent": manifest.parent,
        "message": manifest.message,
        "created_at": manifest.created_at,
        "age_seconds": context.now.since(manifest.created_at).as_secs(),
        "trigger": manifest.created_by.trigger,
        "pinned": entry.pinned,
        "branch": manifest.workspace.branch,
        "worktree": manifest.workspace.worktree,
        "root": manifest.workspace.root,
        "session_id": manifest.session.as_ref().map(|session| &session.id),
        "title": manifest.session.as_ref().and_then(|session| session.title.as_ref()),
        "tasks": {"done": done, "all": all},
        "agents": manifest.agents.len(),
        "edits": manifest.edits.as_ref().map(|edits| json!({"files": edits.listed().count(), "added": added, "removed": removed})),
        "own": workspace.trust.is_own(&manifest.proofs),
        "size": size(&workspace.store, entry, manifest),
    })
}
