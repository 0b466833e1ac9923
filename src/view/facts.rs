//! What a snapshot says, in lines ready to be shown; everything from outside made safe.

use serde_json::Value;

use crate::base::screen::{Line, cut};
use crate::base::timestamp::Timestamp;
use crate::compare::Item;
use crate::manifest::{Agent, AgentStatus, Manifest, Spoken, Trigger};
use crate::store::Entry;

/// The most of a prompt beside a name.
const LONGEST_SAID: usize = 80;

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
    /// What there is to read about it.
    pub detail: Vec<String>,
}

/// What is shown of one snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SnapshotFacts {
    /// The snapshot's id, to find it in the list.
    pub id: String,
    /// Its name, and what there is to say about it in a line.
    pub title: Fact,
    /// What its conversation was about.
    pub talk: Vec<String>,
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
    /// Whether it is kept from being pruned.
    pub pinned: bool,
}

/// Lists the snapshots of a store.
pub(super) fn listed(entry: &Entry, now: Timestamp) -> Listed {
    match &entry.manifest {
        Ok(manifest) => {
            let auto = if manifest.created_by.trigger == Trigger::Manual { Mood::Plain } else { Mood::Busy };
            let fact = Fact {
                mark: if entry.pinned { "*".to_owned() } else { " ".to_owned() },
                text: Line(&entry.called).to_string(),
                more: manifest.created_at.age(now),
                mood: auto,
                ..Fact::default()
            };
            Listed { id: manifest.id.to_string(), fact, pinned: entry.pinned }
        }
        Err(_) => {
            let text = Line(&entry.stem).to_string();
            let more = "damaged".to_owned();
            Listed {
                id: String::new(),
                fact: Fact { mark: "!".to_owned(), text, more, mood: Mood::Bad, ..Fact::default() },
                pinned: entry.pinned,
            }
        }
    }
}

/// Takes from a snapshot what is shown of it; `items` are its edits.
pub(super) fn facts((manifest, called): (&Manifest, &str), items: &[Item], now: Timestamp) -> SnapshotFacts {
    let mut about = vec![match manifest.created_at.age(now).as_str() {
        "now" => "just now".to_owned(),
        age if age.starts_with("in ") => age.to_owned(),
        age => format!("{age} ago"),
    }];
    about.extend(manifest.workspace.branch.as_deref().map(|branch| Line(branch).to_string()));
    about.extend(manifest.message.as_deref().map(|message| Line(message).to_string()));
    let said = manifest.session.as_ref().and_then(|session| session.spoken.last.as_deref());
    about.extend(said.map(|said| cut(said, LONGEST_SAID)));
    let todos = manifest.session.iter().flat_map(|session| session.todos.iter().enumerate());
    let todos = todos.map(|(number, todo)| task(&todo.as_task(number + 1).to_string()));
    SnapshotFacts {
        id: manifest.id.to_string(),
        title: Fact { text: Line(called).to_string(), more: about.join(" · "), ..Fact::default() },
        talk: talk(manifest),
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
                detail: agent_detail(agent),
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
    let described = task["description"].as_str().unwrap_or_default();
    let mut detail = vec![
        format!("Task {id}: {subject}"),
        Line(task["status"].as_str().unwrap_or("no status")).to_string(),
    ];
    detail.extend(paragraphs("", described));
    Fact { mark: mark.to_owned(), text: format!("{id}. {subject}"), more: String::new(), mood, detail }
}

/// Returns what is known of an agent.
fn agent_detail(agent: &Agent) -> Vec<String> {
    let kind = agent.agent_type.as_deref().unwrap_or("agent");
    let mut detail = vec![
        format!("{}: {}", Line(kind), Line(agent.description.as_deref().unwrap_or_default())),
        format!("{}, {}", agent.status.word(), Line(&agent.evidence)),
        format!("id {}", agent.id),
    ];
    detail.extend(agent.last.iter().flat_map(|last| paragraphs("last: ", last)));
    detail
}

/// Returns what a conversation was about.
fn talk(manifest: &Manifest) -> Vec<String> {
    let Some(session) = &manifest.session else {
        return vec!["There is no conversation in this snapshot.".to_owned()];
    };
    let Spoken { first, last, answer } = &session.spoken;
    let first = first.as_ref().filter(|first| last.as_ref() != Some(first));
    let title = session.title.as_ref();
    let all = [
        ("Title: ", title),
        ("First prompt: ", first),
        ("Last prompt: ", last.as_ref()),
        ("Last answer: ", answer.as_ref()),
    ];
    let lines: Vec<String> = all
        .into_iter()
        .flat_map(|(word, said)| said.into_iter().flat_map(move |said| paragraphs(word, said)))
        .collect();
    lines
}

/// Returns what was said of a snapshot and in it, by people and by the client: the message first, then the newest.
pub(super) fn said_in(manifest: &Manifest) -> Vec<String> {
    let session = manifest.session.as_ref();
    let spoken = session.map(|session| &session.spoken);
    let spoken = spoken.into_iter().flat_map(|said| [&said.last, &said.answer, &said.first]);
    let title = session.map(|session| &session.title);
    std::iter::once(&manifest.message).chain(spoken).chain(title).flatten().cloned().collect()
}

/// Returns the lines of a text behind an empty one, safe to show.
pub(super) fn paragraphs(word: &str, text: &str) -> Vec<String> {
    if text.trim().is_empty() {
        return Vec::new();
    }
    let lines = text.trim().lines().map(|line| Line(line).to_string()).enumerate();
    let lines = lines.map(|(number, line)| if number == 0 { format!("{word}{line}") } else { line });
    std::iter::once(String::new()).chain(lines).collect()
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
        ..Fact::default()
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
