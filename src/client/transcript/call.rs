//! A call of a tool: what it was given, how it ended, and what the client noted of that beside it.
//!
//! Pure.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::base::timestamp::Timestamp;
use crate::client::transcript::record::Fields;
use crate::client::transcript::recovery::text_of;
use crate::manifest::Decision;

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallEnd {
    /// With so many lines of text.
    Lines(usize),
    /// With an error.
    Failed,
    /// There is no result.
    Open,
}

/// An image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Its media type, as it is said.
    pub media: String,
    /// Its bytes in base64.
    pub base64: String,
}

/// A call of a tool.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolCall {
    /// The client's id of it.
    pub id: String,
    /// The tool.
    pub tool: String,
    /// Its command, file, address, pattern or description; may be empty.
    pub about: String,
    /// What it was given: names and values, of which those that are no texts are JSON. What it is about comes first.
    pub input: Vec<(String, String)>,
    /// What it answered.
    pub output: String,
    /// The images that it answered with.
    pub images: Vec<Image>,
    /// How it ended.
    pub end: CallEnd,
    /// When it was called.
    pub at: Option<Timestamp>,
    /// When its result was there.
    pub ended: Option<Timestamp>,
    /// The agent that it started.
    pub agent: Option<String>,
    /// Lines that it added to and removed from a file.
    pub changed: Option<(u64, u64)>,
    /// What a person decided about it.
    pub decision: Option<Decision>,
    /// The statuses that it gave to tasks, by their ids.
    pub tasks: Vec<(String, String)>,
}

/// What the client keeps beside a result.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolResult<'a> {
    #[serde(borrow, default)]
    agent_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    structured_patch: Option<&'a RawValue>,
    #[serde(borrow, default)]
    task: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Patched<'a> {
    #[serde(borrow, default)]
    lines: Vec<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct NewTask<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
}

#[derive(Deserialize)]
struct ToDo<'a> {
    #[serde(borrow, default)]
    status: Cow<'a, str>,
}

impl ToolCall {
    pub(super) fn new(id: String, tool: String, about: String, at: Option<Timestamp>) -> ToolCall {
        ToolCall {
            id,
            tool,
            about,
            input: Vec::new(),
            output: String::new(),
            images: Vec::new(),
            end: CallEnd::Open,
            at,
            ended: None,
            agent: None,
            changed: None,
            decision: None,
            tasks: Vec::new(),
        }
    }

    /// Returns how many seconds it took, as far as that is known.
    pub fn seconds(&self) -> u64 {
        self.at.zip(self.ended).map_or(0, |(at, ended)| ended.since(at).as_secs())
    }

    /// Returns a part of its input.
    pub fn given(&self, name: &str) -> Option<&str> {
        self.input.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn take_input(&mut self, input: &RawValue) {
        let Some(fields) = Fields::read(input.get().as_bytes()) else {
            self.input.push(("input".to_owned(), input.get().to_owned()));
            return;
        };
        let value = |raw: &str| text_of(raw).unwrap_or_else(|| raw.to_owned());
        self.input = fields.pairs().map(|(name, raw)| (name.to_owned(), value(raw))).collect();
        self.input.sort_by_key(|(_, value)| *value != self.about);
        if self.tool == "TaskUpdate"
            && let (Some(task), Some(status)) = (self.given("taskId"), self.given("status"))
        {
            self.tasks.push((task.to_owned(), status.to_owned()));
        }
        if self.tool == "TodoWrite"
            && let Some(todos) = self.given("todos")
        {
            let todos: Vec<ToDo<'_>> = serde_json::from_str(todos).unwrap_or_default();
            let numbered = todos.iter().enumerate();
            self.tasks = numbered.map(|(at, todo)| ((at + 1).to_string(), todo.status.to_string())).collect();
        }
    }

    pub(super) fn take_result(&mut self, result: ToolResult<'_>) {
        self.agent = result.agent_id.map(Cow::into_owned);
        let patch = result.structured_patch.map(RawValue::get);
        let patch: Vec<Patched<'_>> =
            patch.and_then(|patch| serde_json::from_str(patch).ok()).unwrap_or_default();
        let sign = |sign: char| {
            let lines = patch.iter().flat_map(|hunk| &hunk.lines);
            lines.filter(|line| line.starts_with(sign)).count() as u64
        };
        self.changed = Some((sign('+'), sign('-'))).filter(|lines| *lines != (0, 0));
        if self.tool == "Write" && self.changed.is_none() && self.end != CallEnd::Failed {
            self.changed = self.given("content").map(|content| (content.lines().count() as u64, 0));
        }
        let task = result.task.and_then(|task| serde_json::from_str::<NewTask<'_>>(task.get()).ok());
        if let Some(task) = task.filter(|_| self.tool == "TaskCreate") {
            self.tasks.push((task.id.into_owned(), "pending".to_owned()));
        }
    }
}
