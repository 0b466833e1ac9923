//! What a list says of one snapshot: to a program as JSON, to a person as a row.

use std::collections::HashSet;

use serde::Serialize;

use super::table;
use crate::base::ids::{ClientId, SnapshotId};
use crate::base::paths::NativePath;
use crate::base::timestamp::Timestamp;
use crate::cli::output::line_words::{self, LineFacts};
use crate::cli::output::snapshot_words::{about, done, tasks};
use crate::cli::output::words::size_text;
use crate::context::Context;
use crate::manifest::{EditCount, TaskCount, Trigger};
use crate::store::{LineStates, Listed, Saved, Store};

/// On narrower screens sizes are not shown.
pub(super) const ROOM_FOR_SIZES: usize = 120;

/// One of a list for programs.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum ForPrograms<'a> {
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
    /// Whether `snap list` shows it only with `-a`: a safety snapshot, or an automatic one.
    pub(super) hidden: bool,
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
    /// What is said of its line of work.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<LineFacts<'a>>,
    /// In bytes, on disk, when it was listed first.
    size: u64,
    #[serde(skip)]
    age: String,
    #[serde(skip)]
    about: String,
    /// The same of its line of work, in words.
    #[serde(skip)]
    line_marks: String,
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
        store: &Store,
        one: Listed<'a>,
        saved: Saved<'a>,
        (states, went_on): (&'a LineStates, &HashSet<&SnapshotId>),
    ) -> Snapshot<'a> {
        let Saved { head, parent, size, .. } = saved;
        let summary = saved.summary();
        let line = states.get(&head.id);
        let count = || store.whole(one.known).map(|manifest| tasks(store, &manifest)).unwrap_or_default();
        let tasks = summary.tasks.unwrap_or_else(|| {
            let tasks = count();
            TaskCount { done: done(&tasks), all: tasks.len() }
        });
        let since = context.now.since(head.created_at);
        let edits = |EditCount { files, added, removed }| Edits { files, added, removed };
        Snapshot {
            name: one.called,
            id: &head.id,
            parent,
            message: summary.message.as_deref(),
            created_at: head.created_at,
            age_seconds: since.as_secs(),
            trigger: head.created_by.trigger,
            pinned: one.known.pinned,
            hidden: false,
            own: one.known.own,
            branch: summary.branch.as_deref(),
            worktree: summary.worktree.as_deref(),
            root: head.root(),
            session_id: head.session(),
            title: summary.title.as_deref(),
            first_prompt: summary.spoken.first.as_deref(),
            last_prompt: summary.spoken.last.as_deref(),
            last_answer: summary.spoken.answer.as_deref(),
            tasks: Tasks { done: tasks.done, all: tasks.all },
            agents: summary.agents,
            edits: summary.edits.map(edits),
            line: line.map(LineFacts::of),
            line_marks: line
                .map(|line| line_words::marks(line, went_on.contains(&head.id)))
                .unwrap_or_default(),
            size,
            age: head.created_at.age(context.now),
            about: about(&head.name, summary),
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
            marks: marks
                .iter()
                .filter(|(holds, _)| *holds)
                .map(|(_, mark)| *mark)
                .chain([self.line_marks.as_str()])
                .collect(),
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
