//! What a merge does beside setting files: the open tasks of the other line become further ones of the session that works here,
//! and a report is kept. An undo takes the tasks back, unless they were changed since.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::{Map, Value};

use super::history::Direction;
use super::session::own_root::GoesOn;
use super::session::path_mapping::{Paths, Relocation};
use super::session::unwritten;
use crate::base::error::Result;
use crate::base::ids::{ClientId, SnapshotId};
use crate::base::screen::{Line, cut};
use crate::base::warning::Warning;
use crate::client::{TaskChange, TaskList};
use crate::manifest::Manifest;
use crate::store::{MergedTask, MergedTasks, Reference, Store};
use crate::workspace::Workspace;

/// The most tasks that one merge adds.
const MOST_TASKS: usize = 200;

/// The most characters of who a task is from.
const LONGEST_WHO: usize = 60;

/// What a merge does beside setting files, or what an undo or redo of one does.
#[derive(Clone, Debug, Default)]
pub struct MergePlan {
    /// The tasks that are added.
    pub tasks: Vec<PlannedTask>,
    /// The open tasks of the other line that the session here has already.
    pub known: usize,
    /// How many tasks are taken back.
    pub taken: usize,
    /// The session that works here, and whether its client runs.
    pub session: Option<(ClientId, bool)>,
    /// Where the report will be: below the work tree's root if it is in it.
    pub report_path: Option<PathBuf>,
    /// The snapshot of this place that was saved before it.
    pub(super) into: Option<SnapshotId>,
    /// The git branch that it is made on.
    pub(super) branch: Option<String>,
    /// The text of the report.
    pub(super) report: Option<String>,
    change: Option<TaskChange>,
    logged: Option<MergedTasks>,
}

/// A task that is added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedTask {
    /// The number that it gets.
    pub id: u64,
    /// The one that it has there.
    pub was: String,
    /// What is to be done, with who it is from.
    pub subject: String,
}

impl MergePlan {
    /// Says whether tasks are added or taken back.
    pub(super) fn changes_tasks(&self) -> bool {
        self.change.as_ref().is_some_and(|change| !change.is_empty())
    }

    /// Returns what the log says of it.
    pub(super) fn logged(&self) -> Option<MergedTasks> {
        self.logged.clone().filter(|_| self.changes_tasks())
    }

    /// Returns what is done to the tasks.
    pub(super) fn change(self, token: &SnapshotId) -> Option<TaskChange> {
        self.change.filter(|change| !change.is_empty()).map(|change| change.under(token.as_str()))
    }

    /// Puts the report into the store, if there is one.
    pub(super) fn keep_report(&self, store: &Store, id: &SnapshotId) -> Result<()> {
        self.report.as_ref().map_or(Ok(()), |report| store.keep_report(id, report))
    }

    /// Plans what becomes of the tasks of a merge that is undone or redone.
    pub(super) fn reversing(
        workspace: &Workspace,
        tasks: &MergedTasks,
        direction: Direction,
        notes: &mut Vec<Warning>,
    ) -> Result<MergePlan> {
        match direction {
            Direction::Undo => MergePlan::taking(workspace, tasks, notes),
            Direction::Redo => {
                let from = workspace.store.find(&Reference::Named(tasks.from.to_string()));
                let Ok(Ok(from)) = from.map(|entry| entry.manifest) else {
                    notes.push(Warning::TasksNotAgain(tasks.added.len()));
                    return Ok(MergePlan::default());
                };
                let list = workspace.client.task_list(&tasks.session, &workspace.root)?;
                let only: BTreeSet<&str> = tasks.added.iter().map(|task| task.was.as_str()).collect();
                MergePlan::adding(workspace, &from, &tasks.session, &list, Some(&only), notes)
            }
        }
    }

    fn taking(workspace: &Workspace, tasks: &MergedTasks, notes: &mut Vec<Warning>) -> Result<MergePlan> {
        let list = workspace.client.task_list(&tasks.session, &workspace.root)?;
        let added: Vec<_> = tasks.added.iter().map(|task| (task.id, task.hash)).collect();
        let (change, stay) = list.taking(&added)?;
        if !stay.is_empty() {
            notes.push(Warning::TasksStay(stay.iter().map(ToString::to_string).collect()));
        }
        let mut logged = tasks.clone();
        logged.added.retain(|task| !stay.contains(&task.id));
        Ok(MergePlan {
            taken: change.number(),
            change: Some(change),
            logged: Some(logged),
            ..MergePlan::default()
        })
    }

    /// Plans to add the open tasks of a snapshot to a list; of those only some, if some are named.
    pub(super) fn adding(
        workspace: &Workspace,
        from: &Manifest,
        session: &ClientId,
        list: &TaskList,
        only: Option<&BTreeSet<&str>>,
        notes: &mut Vec<Warning>,
    ) -> Result<MergePlan> {
        let tasks = tasks_here(workspace, from)?;
        let there = from.session.as_ref().map(|session| session.id.as_str()).unwrap_or_default();
        let Chosen { mut open, known } = Chosen::of(&tasks, there, &list.tasks);
        if let Some(only) = only {
            open.retain(|task| only.contains(text(task, "id")));
        }
        if open.len() > MOST_TASKS {
            notes.push(Warning::MoreTasks(open.len() - MOST_TASKS));
            open.truncate(MOST_TASKS);
        }
        let numbers: BTreeMap<&str, u64> =
            open.iter().map(|task| text(task, "id")).zip(list.next..).collect();
        let who = author(from).replace(['[', ']'], "");
        let (mut planned, mut add) = (Vec::new(), Vec::new());
        for (task, id) in open.iter().zip(list.next..) {
            let made = renumbered(task, id, (&who, there), &numbers, &known);
            let subject = made["subject"].as_str().unwrap_or_default().to_owned();
            planned.push(PlannedTask { id, was: text(task, "id").to_owned(), subject });
            add.push((id, format!("{made:#}")));
        }
        let change = list.adding(add);
        let added = planned.iter().zip(change.added());
        let added = added.map(|(task, (id, hash))| MergedTask { id, was: task.was.clone(), hash }).collect();
        let logged = MergedTasks { from: from.id.clone(), session: session.clone(), added };
        let known = known.len();
        Ok(MergePlan {
            tasks: planned,
            known,
            change: Some(change),
            logged: Some(logged),
            ..MergePlan::default()
        })
    }
}

/// Open tasks that are added, and those that the session here has already.
struct Chosen<'t> {
    open: Vec<&'t Value>,
    /// By their ids there; the number of each here, if it is open here.
    known: BTreeMap<&'t str, Option<&'t str>>,
}

impl<'t> Chosen<'t> {
    /// Chooses among the tasks of the session `from`.
    fn of(there: &'t [Value], from: &str, here: &'t [Value]) -> Chosen<'t> {
        let same = |task: &Value| {
            let origin = Origin::of(task, from);
            here.iter().find(|other| {
                let is_it = ["id", "subject"].iter().all(|key| text(other, key) == text(task, key));
                is_it || origin.is_of(other)
            })
        };
        let (mut open, mut known) = (Vec::new(), BTreeMap::new());
        for task in there.iter().filter(|task| is_open(task) && !text(task, "id").is_empty()) {
            match same(task) {
                Some(here) => {
                    known.insert(text(task, "id"), Some(text(here, "id")).filter(|_| is_open(here)));
                }
                None => open.push(task),
            }
        }
        Chosen { open, known }
    }
}

/// Where a task is from: a session, its number there, and what it was called. A merge notes that in the task, which goes with it to
/// whoever merges that again.
#[derive(PartialEq)]
struct Origin<'t>([&'t str; 3]);

/// The keys of a task's metadata that say it.
const ORIGIN: [&str; 3] = ["snap_session", "snap_task", "snap_subject"];

impl<'t> Origin<'t> {
    /// Returns where a task of this session is from.
    fn of(task: &'t Value, session: &'t str) -> Origin<'t> {
        Origin::noted(task).unwrap_or(Origin([session, text(task, "id"), text(task, "subject")]))
    }

    fn noted(task: &'t Value) -> Option<Origin<'t>> {
        let [session, id, subject] = ORIGIN.map(|key| task["metadata"][key].as_str());
        Some(Origin([session?, id?, subject?]))
    }

    /// Says whether a task here is the one, or was added as it.
    fn is_of(&self, here: &Value) -> bool {
        match Origin::noted(here) {
            Some(noted) => noted == *self,
            None => self.0[1..] == [text(here, "id"), text(here, "subject")],
        }
    }

    fn note(&self, task: &mut Map<String, Value>) {
        let mut metadata = task.get("metadata").and_then(Value::as_object).cloned().unwrap_or_default();
        for (key, value) in ORIGIN.into_iter().zip(self.0) {
            metadata.insert(key.to_owned(), value.into());
        }
        task.insert("metadata".to_owned(), metadata.into());
    }
}

fn is_open(task: &Value) -> bool {
    !matches!(text(task, "status"), "completed" | "deleted")
}

fn text<'t>(task: &'t Value, key: &str) -> &'t str {
    task[key].as_str().unwrap_or_default()
}

/// Makes the task that is added: under its new number, of nobody here, and not begun.
fn renumbered(
    task: &Value,
    id: u64,
    (who, session): (&str, &str),
    numbers: &BTreeMap<&str, u64>,
    known: &BTreeMap<&str, Option<&str>>,
) -> Value {
    let mut made = task.as_object().cloned().unwrap_or_default();
    Origin::of(task, session).note(&mut made);
    made.insert("id".to_owned(), id.to_string().into());
    made.insert("subject".to_owned(), format!("[{who}] {}", text(task, "subject")).into());
    made.insert("status".to_owned(), "pending".into());
    made.remove("owner");
    let new = |old: &str| numbers.get(old).map(ToString::to_string);
    // One that is here keeps its number, and nothing waits for what is done. Its own file stays as it is.
    let waits_for = |old: &str| new(old).or_else(|| known.get(old).copied().flatten().map(str::to_owned));
    relate(&mut made, "blocks", &new);
    relate(&mut made, "blockedBy", &waits_for);
    Value::Object(made)
}

fn relate(task: &mut Map<String, Value>, key: &str, number: &dyn Fn(&str) -> Option<String>) {
    if let Some(Value::Array(others)) = task.get_mut(key) {
        *others = others.iter().filter_map(|other| Some(number(other.as_str()?)?.into())).collect();
    }
}

/// Returns how many open tasks a snapshot has.
pub(super) fn open_in(workspace: &Workspace, manifest: &Manifest) -> Result<usize> {
    Ok(Chosen::of(&tasks_here(workspace, manifest)?, "", &[]).open.len())
}

/// Reads the tasks of a snapshot, with their paths brought here.
fn tasks_here(workspace: &Workspace, manifest: &Manifest) -> Result<Vec<Value>> {
    let saved = manifest.session.as_ref().and_then(|session| Some((session, session.transcript.as_ref()?)));
    let mut rewriter = match saved {
        Some((session, transcript)) if !manifest.tasks.is_empty() => {
            let goes_on = GoesOn::look(workspace, manifest, session, transcript)?;
            let paths = Paths::default();
            let relocation = Relocation::plan(workspace, manifest, session, &session.id, &goes_on, &paths)?;
            Some(relocation.rewriter()?)
        }
        _ => None,
    };
    let mut tasks = Vec::new();
    for task in &manifest.tasks {
        let mut here = Vec::new();
        match &mut rewriter {
            Some(rewriter) => rewriter.record(task.get().as_bytes(), &mut here).map_err(unwritten)?,
            None => here.extend_from_slice(task.get().as_bytes()),
        }
        tasks.extend(serde_json::from_slice::<Value>(&here).ok().filter(Value::is_object));
    }
    Ok(tasks)
}

/// Returns who a snapshot is by, as its tasks are marked, safe to show.
pub fn author(manifest: &Manifest) -> String {
    let by = &manifest.created_by;
    Line(&cut(&format!("{}@{}", by.user, by.host), LONGEST_WHO)).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn open_tasks_get_new_numbers_and_wait_for_each_other_under_these() {
        let there = [
            json!({"id": "1", "subject": "done", "status": "completed"}),
            json!({"id": "2", "subject": "both have it", "status": "in_progress"}),
            json!({"id": "3", "subject": "new", "status": "in_progress", "owner": "ag1", "blocks": ["4"],
                   "blockedBy": ["1", "2"], "metadata": {"k": 1}}),
            json!({"id": "4", "subject": "newer", "status": "pending", "blocks": [], "blockedBy": ["3", "9"]}),
        ];
        let here = [
            json!({"id": "2", "subject": "both have it", "status": "pending"}),
            json!({"id": "3", "subject": "another", "status": "pending"}),
        ];
        let Chosen { open, known } = Chosen::of(&there, "s1", &here);
        assert_eq!((open.len(), &known), (2, &BTreeMap::from([("2", Some("2"))])));
        let numbers = BTreeMap::from([("3", 7), ("4", 8)]);
        assert_eq!(
            renumbered(open[0], 7, ("bob@desk", "s1"), &numbers, &known),
            json!({"id": "7", "subject": "[bob@desk] new", "status": "pending", "blocks": ["8"],
                   "blockedBy": ["2"],
                   "metadata": {"k": 1, "snap_session": "s1", "snap_task": "3", "snap_subject": "new"}})
        );
        assert_eq!(
            renumbered(open[1], 8, ("bob@desk", "s1"), &numbers, &known),
            json!({"id": "8", "subject": "[bob@desk] newer", "status": "pending", "blocks": [], "blockedBy": ["7"],
                   "metadata": {"snap_session": "s1", "snap_task": "4", "snap_subject": "newer"}})
        );
    }
}
