//! What a conversation says of the things around it that no file of the session holds: of which conversations it is a
//! branch, which servers it used, its list of things to do, the folders that were added to it.
//!
//! Pure. A line that holds none of the marks is not looked at.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::ids::ClientId;
use crate::client::transcript::record::{Fields, MarkFinder};
use crate::manifest::Todo;

/// What a line has to hold to matter, as the client writes it.
static MARKS: LazyLock<MarkFinder> = LazyLock::new(|| {
    MarkFinder::of(&[
        "\"forkedFrom\"",
        "\"newTodos\"",
        "\"todos\":[{",
        "\"name\":\"mcp__",
        "\"environment\"",
        "\"output_style\"",
        "\"teamName\"",
        "\"sessionKind\"",
        "/add-dir</command-name>",
        "<local-command-stdout>Added ",
    ])
});

/// Which stands on nearly every answer.
static EFFORT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"effort\":\""));

/// The beginning of the name of a server's tool.
const SERVER_TOOL: &str = "mcp__";

/// The most of anything that is kept: no session has as many.
const MOST: usize = 1_000;

/// The longest list of things to do.
const MOST_TODOS: usize = 500;

/// Everything learnt of it so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traces {
    /// The sessions that it was branched from.
    pub parents: BTreeSet<ClientId>,
    /// The list of an older client, as it was written last.
    pub todos: Vec<Todo>,
    /// The tools of servers that were called, by their whole names.
    pub server_tools: BTreeSet<String>,
    /// The folders that the client last told the model of beside the one it works in.
    pub folders: Vec<PathBuf>,
    /// How hard the model was told to think.
    pub effort: Option<String>,
    /// The style of answers.
    pub output_style: Option<String>,
    /// The teams of agents that it names.
    pub teams: BTreeSet<String>,
    /// Whether its client had no terminal.
    pub background: bool,
    /// The folder of a command that has not been answered yet.
    asked_for: Option<PathBuf>,
}

impl Traces {
    /// Takes in one line.
    pub fn line(&mut self, line: &[u8]) {
        let tells_effort = self.has_other_effort(line);
        if !tells_effort && !MARKS.any(line) {
            return;
        }
        let Some(record) = Fields::read(line) else { return };
        if tells_effort {
            self.effort = record.text("effort").filter(|effort| is_word(effort)).or(self.effort.take());
        }
        if let Some(parent) = record.object("forkedFrom").and_then(|from| from.text("sessionId")) {
            insert(&mut self.parents, ClientId::parse(&parent));
        }
        insert(&mut self.teams, record.text("teamName").filter(|team| ClientId::parse(team).is_some()));
        if let Some(kind) = record.text("sessionKind") {
            self.background = kind == "bg";
        }
        match record.text("type").as_deref() {
            Some("assistant") => self.calls(&record),
            Some("user") => {
                self.list(&record);
                self.command(&record);
            }
            Some("attachment") => self.attachment(&record),
            _ => {}
        }
    }

    /// Takes over what an agent's own transcript says of the servers that it used.
    pub fn add_agent(&mut self, agent: &Traces) {
        for tool in &agent.server_tools {
            insert(&mut self.server_tools, Some(tool.clone()));
        }
    }

    /// Says whether a line says another effort than is known.
    fn has_other_effort(&self, line: &[u8]) -> bool {
        let Some(at) = EFFORT.find(line) else { return false };
        let rest = &line[at + EFFORT.needle().len()..];
        let known = self.effort.as_deref().unwrap_or_default().as_bytes();
        known.is_empty() || !(rest.starts_with(known) && rest.get(known.len()) == Some(&b'"'))
    }

    fn calls(&mut self, record: &Fields<'_>) {
        let Some(message) = record.object("message") else { return };
        for block in blocks(message.raw("content")) {
            if let Some(tool) = block["name"].as_str().filter(|name| name.starts_with(SERVER_TOOL)) {
                insert(&mut self.server_tools, Some(tool.to_owned()));
            }
        }
    }

    fn list(&mut self, record: &Fields<'_>) {
        let result = record.object("toolUseResult");
        let list = result.as_ref().and_then(|result| result.raw("newTodos")).or(record.raw("todos"));
        if let Some(todos) = list.and_then(todos) {
            self.todos = todos;
        }
    }

    /// Takes in the command that adds a folder, and its answer: the client tells the model only with the next prompt.
    fn command(&mut self, record: &Fields<'_>) {
        let Some(said) = record.object("message").and_then(|message| message.text("content")) else { return };
        let is_command = said.starts_with("<command-name>/add-dir</command-name>");
        let argument = is_command.then(|| between(&said, "command-args")).flatten();
        if argument.is_some() {
            self.asked_for = argument.map(|folder| PathBuf::from(folder.trim()));
        } else if said.starts_with("<local-command-stdout>Added ") && self.folders.len() < MOST {
            self.folders.extend(self.asked_for.take());
        }
    }

    fn attachment(&mut self, record: &Fields<'_>) {
        let Some(attachment) = record.object("attachment") else { return };
        match attachment.text("type").as_deref() {
            Some("environment") => {
                let told = attachment.object("snapshot");
                if let Some(folders) = told.as_ref().and_then(|told| told.raw("additionalWorkingDirectories"))
                {
                    let folders: Vec<String> = serde_json::from_str(folders).unwrap_or_default();
                    self.folders = folders.into_iter().take(MOST).map(PathBuf::from).collect();
                }
            }
            Some("output_style") => {
                let style = attachment.text("style");
                self.output_style = style.filter(|style| style != "default" && style.len() <= 200);
            }
            _ => {}
        }
    }
}

/// Reads an older client's list; `None` for anything else.
pub fn todos(json: &str) -> Option<Vec<Todo>> {
    let all: Vec<Value> = serde_json::from_str(json).ok()?;
    let text = |one: &Value, key: &str| one[key].as_str().map(str::to_owned);
    all.iter()
        .take(MOST_TODOS)
        .map(|one| Some(Todo { content: text(one, "content")?, status: text(one, "status")? }))
        .collect()
}

fn between<'a>(text: &'a str, tag: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{tag}>"))?;
    Some(rest.split_once(&format!("</{tag}>"))?.0)
}

fn insert<T: Ord>(all: &mut BTreeSet<T>, one: Option<T>) {
    if all.len() < MOST {
        all.extend(one);
    }
}

/// Says whether a text is a plain word, such as a level has.
fn is_word(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Returns the blocks of a message.
fn blocks(content: Option<&str>) -> Vec<Value> {
    content
        .filter(|raw| raw.starts_with('['))
        .and_then(|raw| serde_json::from_str(raw).ok())
        .unwrap_or_default()
}
