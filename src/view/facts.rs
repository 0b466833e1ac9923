//! What a snapshot says, in lines ready to be shown; everything from outside made safe.

use serde_json::Value;

use crate::base::screen::Line;
use crate::base::timestamp::{Timestamp, age};
use crate::compare::Item;
use crate::manifest::{AgentStatus, Manifest, Trigger};
use crate::store::Entry;

/// How a line is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    /// Nothing to be said about it.
    #[default]
    Plain,
    /// Done, added.
    Good,
    /// Failed, removed.
    Bad,
    /// Under way, changed.
    Busy,
}

/// A line of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fact {
    /// A sign or a word before it.
    pub mark: String,
    /// What it says.
    pub text: String,
    /// Something less important behind it.
    pub more: String,
    /// How it is meant.
    pub mood: Mood,
}

/// What is shown of one snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SnapshotFacts {
    /// The snapshot's id, to find it in the list.
    pub id: String,
    /// Its name, and what there is to say about it in a line.
    pub title: Fact,
    /// The task queue.
    pub tasks: Vec<Fact>,
    /// The sub-agents.
    pub agents: Vec<Fact>,
    /// The edited files.
    pub files: Vec<Fact>,
}

/// One snapshot among others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// Its id; empty if it can't be read.
    pub id: String,
    /// Its name and age.
    pub fact: Fact,
}

/// Lists the snapshots of a store.
pub(super) fn listed(entries: &[Entry], now: Timestamp) -> Vec<Listed> {
    let one = |entry: &Entry| match &entry.manifest {
        Ok(manifest) => {
            let auto = if manifest.created_by.trigger == Trigger::Manual { Mood::Plain } else { Mood::Busy };
            let fact = Fact {
                mark: if entry.pinned { "*".to_owned() } else { " ".to_owned() },
                text: Line(&entry.called).to_string(),
                more: age(now.since(manifest.created_at)),
                mood: auto,
            };
            Listed { id: manifest.id.to_string(), fact }
        }
        Err(_) => {
            let text = Line(&entry.stem).to_string();
            let more = "damaged".to_owned();
            Listed { id: String::new(), fact: Fact { mark: "!".to_owned(), text, more, mood: Mood::Bad } }
        }
    };
    entries.iter().map(one).collect()
}

/// Takes from a snapshot what is shown of it; `items` are its edits.
pub(super) fn facts(manifest: &Manifest, items: &[Item], now: Timestamp) -> SnapshotFacts {
    let mut about = vec![match age(now.since(manifest.created_at)).as_str() {
        "now" => "just now".to_owned(),
        age => format!("{age} ago"),
    }];
    about.extend(manifest.workspace.branch.as_deref().map(|branch| Line(branch).to_string()));
    about.extend(manifest.message.as_deref().map(|message| Line(message).to_string()));
    let todos = manifest.session.iter().flat_map(|session| session.todos.iter().enumerate());
    let todos = todos.map(|(number, todo)| task(&todo.as_task(number + 1).to_string()));
    SnapshotFacts {
        id: manifest.id.to_string(),
        title: Fact { text: Line(&manifest.name).to_string(), more: about.join(" · "), ..Fact::default() },
        tasks: manifest.tasks.iter().map(|task| self::task(task.get())).chain(todos).collect(),
        agents: manifest
            .agents
            .iter()
            .map(|agent| Fact {
                mark: agent.status.word().to_owned(),
                text: Line(agent.description.as_deref().unwrap_or(agent.id.as_str())).to_string(),
                more: Line(agent.agent_type.as_deref().unwrap_or_default()).to_string(),
                mood: match agent.status {
                    AgentStatus::Done => Mood::Good,
                    AgentStatus::Failed => Mood::Bad,
                    AgentStatus::Running
                    | AgentStatus::Waiting
                    | AgentStatus::Stopped
                    | AgentStatus::Interrupted => Mood::Busy,
                },
            })
            .collect(),
        files: items.iter().map(file).collect(),
    }
}

fn task(json: &str) -> Fact {
    let task: Value = serde_json::from_str(json).unwrap_or_default();
    let (mark, mood) = match task["status"].as_str() {
        Some("completed") => ("✔", Mood::Good),
        Some("in_progress") => ("▶", Mood::Busy),
        Some("pending") => ("◻", Mood::Plain),
        _ => ("?", Mood::Plain),
    };
    let id = Line(task["id"].as_str().unwrap_or("?")).to_string();
    let subject = Line(task["subject"].as_str().unwrap_or("(no subject)")).to_string();
    Fact { mark: mark.to_owned(), text: format!("{id}. {subject}"), more: String::new(), mood }
}

fn file(item: &Item) -> Fact {
    let name = |path: &[u8]| Line(&String::from_utf8_lossy(path)).to_string();
    let Some(file) = item.file() else {
        return Fact { text: item.path().to_string(), ..Fact::default() };
    };
    let text = match &file.old_path {
        Some(old) => format!("{} -> {}", name(old), name(&file.path)),
        None => name(&file.path),
    };
    Fact {
        mark: file.kind.letter().to_string(),
        text,
        more: file
            .lines
            .map_or(String::new(), |(added, removed)| format!("+{} -{}", short(added), short(removed))),
        mood: match file.kind {
            crate::diff::ChangeKind::Added | crate::diff::ChangeKind::Copied => Mood::Good,
            crate::diff::ChangeKind::Deleted => Mood::Bad,
            crate::diff::ChangeKind::Modified | crate::diff::ChangeKind::Renamed => Mood::Busy,
        },
    }
}

/// Returns a number in a few characters: 1234, 56k, 2.1M.
fn short(number: u64) -> String {
    match number {
        0..10_000 => number.to_string(),
        10_000..1_000_000 => format!("{}k", number / 1_000),
        _ => format!("{}.{}M", number / 1_000_000, number / 100_000 % 10),
    }
}
