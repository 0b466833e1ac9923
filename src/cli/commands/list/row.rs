//! What a list says of one snapshot: to a program as JSON, to a person as a row.

use std::collections::HashMap;

use serde::Serialize;

use super::table;
use crate::base::digest::ObjectId;
use crate::base::ids::{ClientId, SnapshotId};
use crate::base::paths::NativePath;
use crate::base::timestamp::{Timestamp, age};
use crate::cli::output::snapshot_words::{about, done, edited_lines, tasks};
use crate::cli::output::words::size_text;
use crate::context::Context;
use crate::manifest::{Manifest, Trigger};
use crate::store::{Entry, Store};
use crate::workspace::Workspace;

/// On narrower screens sizes are not shown, so nothing is measured.
pub(super) const ROOM_FOR_SIZES: usize = 120;

/// One of a list for programs.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Listed<'a> {
    Snapshot(Box<Snapshot<'a>>),
    Damaged { name: &'a str, error: String },
}

#[derive(Serialize)]
pub(super) struct Snapshot<'a> {
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
    first_prompt: Option<&'a str>,
    last_prompt: Option<&'a str>,
    last_answer: Option<&'a str>,
    tasks: Tasks,
    agents: usize,
    edits: Option<Edits>,
    /// In bytes, on disk.
    size: u64,
    #[serde(skip)]
    age: String,
    #[serde(skip)]
    about: String,
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
    pub(super) fn of(
        context: &Context,
        workspace: &Workspace,
        entry: &'a Entry,
        manifest: &'a Manifest,
        size: u64,
    ) -> Snapshot<'a> {
        let session = manifest.session.as_ref();
        let spoken = session.map(|session| &session.spoken);
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
            first_prompt: spoken.and_then(|spoken| spoken.first.as_deref()),
            last_prompt: spoken.and_then(|spoken| spoken.last.as_deref()),
            last_answer: spoken.and_then(|spoken| spoken.answer.as_deref()),
            tasks: Tasks { done: done(&tasks), all: tasks.len() },
            agents: manifest.agents.len(),
            edits: edits.map(|edits| Edits { files: edits.listed().count(), added, removed }),
            size,
            age: age(since),
            about: about(manifest),
        }
    }

    /// Returns what a person sees of it, with so many digits of its id.
    pub(super) fn row(&self, digits: usize) -> table::Row {
        let marks = [
            (self.trigger == Trigger::Auto, " (auto)"),
            (self.trigger == Trigger::Safety, " (safety)"),
            (self.pinned, " (pinned)"),
            (!self.own, " (not yours)"),
        ];
        let or_none = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let edits = self.edits.as_ref().filter(|edits| edits.files > 0);
        let Tasks { done, all } = self.tasks;
        table::Row {
            id: self.id.as_str().chars().take(digits).collect(),
            age: self.age.clone(),
            name: self.name.to_owned(),
            marks: marks.iter().filter(|(holds, _)| *holds).map(|(_, mark)| *mark).collect(),
            about: self.about.clone(),
            facts: [
                edits
                    .map(|edits| format!("{} +{} -{}", edits.files, edits.added, edits.removed))
                    .unwrap_or_default(),
                or_none(self.branch),
                if all == 0 { String::new() } else { format!("{done}/{all}") },
                if self.agents == 0 { String::new() } else { self.agents.to_string() },
                or_none(self.worktree),
                size_text(self.size),
            ],
        }
    }
}

/// What snapshots take on the disk; each object is measured once.
#[derive(Default)]
pub(super) struct Sizes(HashMap<ObjectId, u64>);

impl Sizes {
    /// Returns what one takes, with what it shares with others.
    pub(super) fn of(&mut self, store: &Store, entry: &Entry, manifest: &Manifest) -> u64 {
        let objects = manifest.objects();
        let objects = objects
            .iter()
            .map(|object| *self.0.entry(object.object).or_insert_with(|| store.stored_size(object)));
        store.manifest_size(&entry.stem) + objects.sum::<u64>()
    }

    /// Returns what all of them take together.
    pub(super) fn of_all(mut self, store: &Store, entries: &[Entry]) -> u64 {
        let readable = entries.iter().filter_map(|entry| Some((entry, entry.readable()?)));
        let manifests: u64 = readable
            .map(|(entry, manifest)| {
                self.of(store, entry, manifest);
                store.manifest_size(&entry.stem)
            })
            .sum();
        manifests + self.0.values().sum::<u64>()
    }
}
