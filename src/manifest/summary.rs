//! What a list says of a snapshot: a few words and numbers, taken from its whole manifest.
//!
//! Pure. Lists of thousands of snapshots are made of these, without reading the manifests again.

use serde::{Deserialize, Serialize};

use super::{Manifest, SideFile, Spoken};
use crate::base::ids::SnapshotId;

/// A larger file is no task, in bytes.
const LARGEST_TASK: u64 = 4 << 20;

/// What a list says of a snapshot beside its [`Head`](super::Head).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The snapshot of the same session before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<SnapshotId>,
    /// Why it was saved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The work tree's name if it is a linked one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worktree: Option<String>,
    /// The conversation's title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What was said in it first and last.
    #[serde(default)]
    pub spoken: Spoken,
    /// Its tasks; `None` if some are files that have to be read for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tasks: Option<TaskCount>,
    /// How many agents there are.
    #[serde(default)]
    pub agents: usize,
    /// Its edits; `None` outside git.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edits: Option<EditCount>,
}

/// How many tasks there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskCount {
    /// How many are done.
    pub done: usize,
    /// How many there are in all.
    pub all: usize,
}

/// How much is edited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditCount {
    /// How many files, as a person counts them.
    pub files: usize,
    /// How many lines they gain,
    pub added: u64,
    /// and lose.
    pub removed: u64,
}

impl Summary {
    /// Takes it from a manifest.
    pub fn of(manifest: &Manifest) -> Summary {
        let session = manifest.session.as_ref();
        let count = |edits: &super::Edits| {
            edits.listed().fold(EditCount::default(), |sum, edit| EditCount {
                files: sum.files + 1,
                added: sum.added.saturating_add(edit.added),
                removed: sum.removed.saturating_add(edit.removed),
            })
        };
        Summary {
            parent: manifest.parent.clone(),
            message: manifest.message.clone(),
            branch: manifest.workspace.branch.clone(),
            worktree: manifest.workspace.worktree.clone(),
            title: session.and_then(|session| session.title.clone()),
            spoken: session.map(|session| session.spoken.clone()).unwrap_or_default(),
            tasks: tasks(manifest),
            agents: manifest.agents.len(),
            edits: manifest.edits.as_ref().map(count),
        }
    }
}

impl Manifest {
    /// Returns the files of tasks that no manifest takes in.
    pub fn odd_tasks(&self) -> impl Iterator<Item = &SideFile> {
        let is_task = |file: &&SideFile| {
            let place = file.place.as_bytes();
            place.starts_with(b"tasks/") && place.ends_with(b".json") && file.size <= LARGEST_TASK
        };
        self.side_files().iter().filter(is_task)
    }
}

fn tasks(manifest: &Manifest) -> Option<TaskCount> {
    #[derive(Deserialize)]
    struct TaskStatus {
        status: Option<serde_json::Value>,
    }
    if manifest.odd_tasks().next().is_some() {
        return None;
    }
    let is_done = |task: &serde_json::value::RawValue| {
        let task: Option<TaskStatus> = serde_json::from_str(task.get()).ok();
        task.and_then(|task| task.status).is_some_and(|status| status == "completed")
    };
    let todos = manifest.session.as_ref().map_or(&[][..], |session| &session.todos);
    Some(TaskCount {
        done: manifest.tasks.iter().filter(|task| is_done(task)).count()
            + todos.iter().filter(|todo| todo.status == "completed").count(),
        all: manifest.tasks.len() + todos.len(),
    })
}
