//! The index of a page: where each text of it is and what it is, in columns. `docs/report.md` describes it. Pure.

use std::collections::HashMap;

use serde::Serialize;

use super::chunks::Place;
use super::granted::Grant;
use super::item::{Form, Item, ItemKind};
use super::overview::{Decided, Task};
use crate::client::transcript::call::CallEnd;

/// The format of a page's index.
pub(super) const PAGE_FORMAT: u32 = 1;

/// The most characters of a prompt in the table of contents.
const PROMPT: usize = 160;

/// The most points of a chart.
const MOST_POINTS: usize = 2_000;

/// The index of a page.
#[derive(Serialize)]
pub(super) struct Index<'a> {
    /// [`PAGE_FORMAT`].
    pub(super) format: u32,
    /// The title.
    pub(super) title: &'a str,
    /// The snapshot's name.
    pub(super) name: &'a str,
    /// The names of the two snapshots that it lies between.
    pub(super) between: Option<[&'a str; 2]>,
    /// Labels and values of the head.
    pub(super) about: Vec<(String, String)>,
    /// What the page does not hold.
    pub(super) left_out: &'a [String],
    /// Everything that columns refer to by number.
    pub(super) strings: &'a [String],
    /// How many bytes of text each chunk has.
    pub(super) chunks: &'a [u64],
    /// The conversations.
    pub(super) threads: &'a [ThreadEntry],
    /// The items.
    pub(super) items: &'a Columns,
    /// Calls that failed.
    pub(super) failed: &'a [usize],
    /// Calls without a result.
    pub(super) open: &'a [usize],
    /// Items whose text was left out.
    pub(super) emptied: &'a [usize],
    /// Items whose text has colours, each with where they are: the chunk, the byte in it, and how many.
    pub(super) colors: &'a [(usize, u64, u64, usize)],
    /// Calls that started an agent, each with the thread of that.
    pub(super) agents: Vec<(usize, usize)>,
    /// Whether calls were left out, so that an edit without one may still have had some.
    pub(super) calls_left_out: bool,
    /// The first line of each prompt.
    pub(super) prompts: &'a [(usize, String)],
    /// The edits.
    pub(super) edits: &'a [EditEntry],
    /// The tasks.
    pub(super) tasks: Vec<TaskEntry<'a>>,
    /// What was granted.
    pub(super) grants: &'a [Grant],
    /// What a person decided.
    pub(super) decisions: &'a [DecisionEntry],
    /// What existed and was not saved.
    pub(super) not_saved: &'a [String],
    /// The snapshots that were saved on the way: what each is called, and when, in milliseconds since 1970.
    pub(super) checkpoints: Vec<(&'a str, i64)>,
    /// What the charts show.
    pub(super) size: Charts,
    /// Where a page that follows a session asks for more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) live: Option<&'a Live>,
}

/// How a page follows a session that runs.
#[derive(Clone, Debug, Serialize)]
pub struct Live {
    /// The address that says which state the page would be of, relative to the page's own.
    pub url: &'static str,
    /// Which state this page is of.
    pub version: String,
}

/// A conversation in the index.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ThreadEntry {
    /// Its name.
    pub(super) name: String,
    /// `main`, `agent` or `aside`.
    pub(super) kind: &'static str,
    /// An agent's type.
    #[serde(rename = "type")]
    pub(super) agent_type: Option<String>,
    /// What an agent was asked to do.
    pub(super) about: Option<String>,
    /// An agent's status.
    pub(super) status: Option<&'static str>,
    /// What that was concluded from.
    pub(super) evidence: Option<String>,
    /// Where it was started.
    pub(super) parent: Option<Parent>,
    /// Its first item.
    pub(super) from: usize,
    /// How many it has.
    pub(super) count: usize,
    /// The client's id of an agent.
    #[serde(skip)]
    pub(super) id: Option<String>,
    /// The agent that started it.
    #[serde(skip)]
    pub(super) parent_id: Option<String>,
}

/// Where an agent was started.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Parent {
    thread: usize,
    item: Option<usize>,
}

/// The items, one entry each.
#[derive(Default, Serialize)]
pub(super) struct Columns {
    kind: String,
    form: String,
    chunk: Vec<u64>,
    at: Vec<u64>,
    bytes: Vec<usize>,
    time: Vec<i64>,
    took: Vec<u64>,
    lines: Vec<usize>,
    label: Vec<i64>,
    file: Vec<i64>,
    input: Vec<usize>,
    about: Vec<i64>,
}

/// An edit in the index.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct EditEntry {
    /// The path.
    pub(super) path: String,
    /// The path that it had before.
    pub(super) old_path: Option<String>,
    /// `A`, `M`, `D`, `R` or `C`.
    pub(super) status: String,
    /// Lines that were added.
    pub(super) added: u64,
    /// Lines that were removed.
    pub(super) removed: u64,
    /// Whether its content is not text.
    pub(super) binary: bool,
    /// How its mode changed.
    pub(super) mode: Option<String>,
    /// What else is to be said.
    pub(super) notes: Vec<String>,
    /// Where its text begins.
    pub(super) chunk: u64,
    /// The same, in the chunk.
    pub(super) at: u64,
    /// How many bytes it has.
    pub(super) bytes: u64,
    /// How many lines.
    pub(super) lines: u64,
    /// The calls that wrote the file.
    pub(super) items: Vec<usize>,
    /// Whether its content was left out.
    pub(super) left_out: bool,
    /// Where its colours are: the chunk, the byte in it, and how many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) colors: Option<[u64; 3]>,
}

/// A task in the index.
#[derive(Serialize)]
pub(super) struct TaskEntry<'a> {
    #[serde(flatten)]
    task: &'a Task,
    moves: Vec<Move>,
}

/// A status that a call gave to a task.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Move {
    item: usize,
    status: String,
}

/// A decision in the index.
#[derive(Clone, Debug, Serialize)]
pub(super) struct DecisionEntry {
    /// The call.
    pub(super) item: Option<usize>,
    /// What was decided.
    #[serde(flatten)]
    pub(super) decided: Decided,
}

/// The points of the charts.
#[derive(Default, Serialize)]
pub(super) struct Charts {
    context: Vec<(usize, u64)>,
    changed: Vec<(usize, u64, u64)>,
}

/// Collects what the index says of items.
#[derive(Default)]
pub(super) struct Indexed {
    /// The conversations.
    pub(super) threads: Vec<ThreadEntry>,
    /// The items.
    pub(super) columns: Columns,
    /// Everything that columns refer to by number.
    pub(super) strings: Vec<String>,
    /// Calls that failed.
    pub(super) failed: Vec<usize>,
    /// Calls without a result.
    pub(super) open: Vec<usize>,
    /// Items whose text was left out.
    pub(super) emptied: Vec<usize>,
    /// Items whose text has colours, each with where they are.
    pub(super) colors: Vec<(usize, u64, u64, usize)>,
    /// The first lines of prompts.
    pub(super) prompts: Vec<(usize, String)>,
    /// Decisions, each with its call.
    pub(super) decisions: Vec<DecisionEntry>,
    numbers: HashMap<String, i64>,
    last_time: i64,
    started: Vec<(usize, String)>,
    /// The calls that may start agents.
    calls: Vec<usize>,
    moves: HashMap<String, Vec<Move>>,
    writers: HashMap<String, Vec<usize>>,
    context: Vec<(usize, u64)>,
    changed: Vec<(usize, u64, u64)>,
}

impl Indexed {
    /// Takes in a conversation that begins.
    pub(super) fn thread(&mut self, thread: ThreadEntry) {
        self.threads.push(ThreadEntry { from: self.len(), count: 0, ..thread });
    }

    fn len(&self) -> usize {
        self.columns.bytes.len()
    }

    /// Takes in an item whose text is there.
    pub(super) fn item(&mut self, item: &Item, place: Place) {
        let number = self.len();
        if let Some(thread) = self.threads.last_mut() {
            thread.count += 1;
        }
        let [label, about, file] = [item.label.as_deref(), Some(item.about.as_str()), item.file.as_deref()]
            .map(|text| self.string(text));
        let columns = &mut self.columns;
        columns.kind.push(item.kind.letter());
        columns.form.push(match item.form {
            Form::Markdown => 'm',
            Form::Plain => 'x',
            Form::Diff => 'd',
        });
        columns.chunk.push(place.chunk);
        columns.at.push(place.at);
        columns.bytes.push(item.text.len());
        let time = item.at.map_or(self.last_time, |at| at.as_millis().div_euclid(1_000));
        columns.time.push(time.saturating_sub(self.last_time));
        self.last_time = time;
        columns.took.push(item.took);
        columns.lines.push(item.lines);
        columns.label.push(label);
        columns.file.push(file);
        columns.input.push(item.input);
        columns.about.push(about);
        match item.end {
            Some(CallEnd::Failed) => self.failed.push(number),
            Some(CallEnd::Open) => self.open.push(number),
            _ => {}
        }
        if item.emptied {
            self.emptied.push(number);
        }
        if item.kind == ItemKind::Prompt {
            self.prompts.push((number, item.about.chars().take(PROMPT).collect()));
        }
        if matches!(item.label.as_deref(), Some("Agent" | "Task")) && item.kind == ItemKind::Call {
            self.calls.push(number);
        }
        if let Some(agent) = &item.agent {
            self.started.push((number, agent.clone()));
        }
        if let Some(decision) = &item.decision {
            self.decisions.push(DecisionEntry { item: Some(number), decided: Decided::of(decision) });
        }
        for (task, status) in &item.tasks {
            let moves = self.moves.entry(task.clone()).or_default();
            // The list of older clients is given whole each time.
            if moves.last().is_none_or(|last| last.status != *status) {
                moves.push(Move { item: number, status: status.clone() });
            }
        }
        if let Some(file) = item
            .file
            .as_ref()
            .filter(|_| item.changed.is_some() || item.form == Form::Diff || writes(item.label.as_deref()))
        {
            self.writers.entry(file.clone()).or_default().push(number);
        }
        self.context.extend(item.context.map(|tokens| (number, tokens)));
        self.changed.extend(item.changed.map(|(added, removed)| (number, added, removed)));
    }

    /// Takes in the colours of the last item.
    pub(super) fn colors(&mut self, place: Place, bytes: usize) {
        self.colors.push((self.len().saturating_sub(1), place.chunk, place.at, bytes));
    }

    fn string(&mut self, text: Option<&str>) -> i64 {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return -1 };
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = i64::try_from(self.strings.len()).unwrap_or(-1);
        self.strings.push(text.to_owned());
        self.numbers.insert(text.to_owned(), number);
        number
    }

    /// Returns the prompts of the person, without those that agents were given.
    pub(super) fn own_prompts(&self) -> &[(usize, String)] {
        let own = self.threads.first().map_or(0, |main| main.from + main.count);
        &self.prompts[..self.prompts.partition_point(|(item, _)| *item < own)]
    }

    /// Returns the calls that wrote a file.
    pub(super) fn writers_of(&self, path: &str) -> Vec<usize> {
        self.writers.get(path).cloned().unwrap_or_default()
    }

    /// Returns the tasks with the calls that moved them.
    pub(super) fn moved<'t>(&self, tasks: &'t [Task]) -> Vec<TaskEntry<'t>> {
        let moves = |task: &Task| self.moves.get(&task.id).cloned().unwrap_or_default();
        tasks.iter().map(|task| TaskEntry { task, moves: moves(task) }).collect()
    }

    /// Links agents with the calls that started them; returns each call with the thread.
    pub(super) fn link_agents(&mut self) -> Vec<(usize, usize)> {
        let threads: HashMap<String, usize> = self
            .threads
            .iter()
            .enumerate()
            .filter_map(|(number, thread)| Some((thread.id.clone()?, number)))
            .collect();
        let mut links = Vec::new();
        let mut started = self.started.clone();
        started.extend(self.started_by_words(&threads));
        for (item, agent) in &started {
            let Some(thread) = threads.get(agent) else { continue };
            let starter = self.threads.iter().position(|one| (one.from..one.from + one.count).contains(item));
            // A later call only goes on with it.
            if let Some(entry) = self.threads.get_mut(*thread).filter(|entry| entry.parent.is_none()) {
                entry.parent = starter.map(|thread| Parent { thread, item: Some(*item) });
            }
            links.push((*item, *thread));
        }
        for entry in &mut self.threads {
            let named = entry.parent_id.as_ref().map(|id| threads.get(id).copied());
            if entry.kind != "main" && entry.parent.is_none() {
                let thread = named.flatten().unwrap_or(0);
                entry.parent = Some(Parent { thread, item: None });
            }
        }
        links
    }

    /// Returns calls that no result links with an agent, each with the agent that was asked to do the same.
    fn started_by_words(&self, threads: &HashMap<String, usize>) -> Vec<(usize, String)> {
        let linked: Vec<&String> = self.started.iter().map(|(_, agent)| agent).collect();
        let mut found: Vec<(usize, String)> = Vec::new();
        let mut ids: Vec<(&String, &usize)> = threads.iter().filter(|(id, _)| !linked.contains(id)).collect();
        ids.sort_by_key(|(_, thread)| **thread);
        for (id, thread) in ids {
            let about = self.threads.get(*thread).and_then(|thread| thread.about.as_deref());
            let about = about.and_then(|about| self.numbers.get(about));
            let is_call = |item: &usize| {
                let label = self.columns.label.get(*item).and_then(|label| usize::try_from(*label).ok());
                let tool = label.and_then(|label| self.strings.get(label)).map(String::as_str);
                matches!(tool, Some("Agent" | "Task"))
                    && self.columns.about.get(*item) == about
                    && !self.started.iter().any(|(one, _)| one == item)
                    && !found.iter().any(|(one, _)| one == item)
            };
            if about.is_some()
                && let Some(item) = self.calls.iter().copied().find(|item| is_call(item))
            {
                found.push((item, id.clone()));
            }
        }
        found
    }

    /// Returns the points of the charts.
    pub(super) fn charts(&self) -> Charts {
        Charts { context: thinned(&self.context), changed: thinned(&self.changed) }
    }
}

/// Says whether a tool writes the file that it names.
fn writes(tool: Option<&str>) -> bool {
    matches!(tool, Some("Edit" | "MultiEdit" | "NotebookEdit" | "Write"))
}

/// Keeps points in equal steps, and the last one.
fn thinned<P: Copy>(points: &[P]) -> Vec<P> {
    let step = points.len().div_ceil(MOST_POINTS).max(1);
    let last = points.len().saturating_sub(1);
    let kept = points.iter().enumerate().filter(|(number, _)| number % step == 0 || *number == last);
    kept.map(|(_, point)| *point).collect()
}
