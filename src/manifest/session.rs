//! What a manifest says of the session: conversation, agents, permissions.
//!
//! Only the structs; `docs/format.md` describes every key.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Content, ObjectRef, Redaction};
use crate::base::ids::ClientId;
use crate::base::paths::{NativePath, RepoPath};
use crate::base::timestamp::Timestamp;

/// A conversation and its side files.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Session {
    /// The client's id of the session.
    pub id: ClientId,
    /// The title, if it had one.
    pub title: Option<String>,
    /// What it was about.
    #[serde(default, skip_serializing_if = "Spoken::is_empty")]
    pub spoken: Spoken,
    /// The client's version that wrote the last record.
    pub client: Option<String>,
    /// How its client was first started: `cli`, or `sdk-cli` for `-p`. Only shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<String>,
    /// The model that answered last.
    pub model: Option<String>,
    /// Whether its client ran when the snapshot was taken.
    pub live: bool,
    /// `idle`, `busy` or `waiting`, if it ran and said so.
    pub status: Option<String>,
    /// What a waiting session waited for.
    pub waiting_for: Option<String>,
    /// The permission mode.
    pub mode: Option<String>,
    /// The folder that the client worked in.
    pub cwd: NativePath,
    /// Other names of the work tree's root in the records: links that lead to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_roots: Vec<NativePath>,
    /// The transcript; `null` with `--history none`.
    pub transcript: Option<Transcript>,
    /// The other side files, by their place in the client's folders.
    pub files: Vec<SideFile>,
    /// Its files in folders that all sessions share.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub elsewhere: Vec<TextFile>,
    /// Whether the tasks are those of the session's team of agents, which the client keeps under another name.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub team_tasks: bool,
    /// The prompts by a schedule that the conversation itself holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub crons: Vec<Cron>,
    /// The goal for which it continues until it is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goal: Option<String>,
    /// The list of older clients (`TodoWrite`) as the conversation has it last: the conversation holds it itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub todos: Vec<Todo>,
    /// The scripts that the client runs before each of the agent's commands: what hooks put into the environment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scripts: Vec<Script>,
    /// Folders that were added to the one it works in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub added_folders: Vec<NativePath>,
    /// Options of its client that hold it back, as words of a command line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restrictions: Vec<String>,
    /// How hard the model was told to think.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effort: Option<String>,
    /// The style that answers were asked for in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_style: Option<String>,
    /// Whether its client had no terminal of its own (`--bg`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub background: bool,
}

impl Session {
    /// Makes one of which nothing but its id and its folder is said.
    pub fn bare(id: ClientId, cwd: NativePath) -> Session {
        Session {
            id,
            title: None,
            spoken: Spoken::default(),
            client: None,
            entrypoint: None,
            model: None,
            live: false,
            status: None,
            waiting_for: None,
            mode: None,
            cwd,
            other_roots: Vec::new(),
            transcript: None,
            files: Vec::new(),
            elsewhere: Vec::new(),
            team_tasks: false,
            crons: Vec::new(),
            goal: None,
            todos: Vec::new(),
            scripts: Vec::new(),
            added_folders: Vec::new(),
            restrictions: Vec::new(),
            effort: None,
            output_style: None,
            background: false,
        }
    }
}

/// What a conversation was about, in the words of those who spoke. Each is the beginning of what was said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Spoken {
    /// The first prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<String>,
    /// The last prompt, which may be the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// The last answer in words to the last prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

impl Spoken {
    /// Says whether nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Spoken::default()
    }
}

/// An entry of an older client's list of things to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Todo {
    /// What is to be done.
    pub content: String,
    /// `pending`, `in_progress` or `completed`, in the client's word.
    pub status: String,
}

impl Todo {
    /// Returns it in the form of the newer tasks, under this id.
    pub fn as_task(&self, id: usize) -> serde_json::Value {
        serde_json::json!({"id": id.to_string(), "subject": self.content, "status": self.status})
    }
}

/// A prompt that the client sends by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Cron {
    /// The client's id of it.
    pub id: String,
    /// When, as five fields.
    pub schedule: String,
    /// What is sent.
    pub prompt: String,
    /// Whether it repeats.
    pub recurring: bool,
}

/// A transcript in pieces.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Transcript {
    /// The size of what is kept, in bytes.
    pub bytes: u64,
    /// The number of whole lines in it.
    pub records: u64,
    /// Where what is kept begins.
    pub from: HistoryStart,
    /// What was left out before that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<LeftOut>,
    /// The pieces, in order, cut at line ends.
    pub chunks: Vec<ObjectRef>,
    /// An unfinished last line, kept aside: it is not part of `chunks`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub torn: Option<Content>,
}

impl Transcript {
    /// Returns every object that it refers to.
    pub fn objects(&self) -> impl Iterator<Item = &ObjectRef> {
        self.chunks.iter().chain(self.torn.iter().flat_map(Content::objects))
    }
}

/// Records of a conversation that its client no longer loads, and that were not saved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LeftOut {
    /// How many.
    pub records: u64,
    /// Their size in bytes.
    pub bytes: u64,
}

/// Where the kept history begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum HistoryStart {
    /// The whole transcript.
    #[default]
    Start,
    /// What the client still loads: what came since the last compaction, and what that kept.
    Compaction,
}

/// A file beside the transcript, at `place` below the client's folders.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SideFile {
    /// `session/…` (beside the transcript), `tasks/…` or `file-history/…`.
    pub place: RepoPath,
    /// The size in bytes.
    pub size: u64,
    /// The bytes.
    pub content: Content,
    /// What was redacted in a file of the user's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redaction: Option<Redaction>,
}

/// A small text: a plan, the task list of an older client, or a note of the project's memory.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TextFile {
    /// `plans/…`, `todos/…` or `memory/…`.
    pub place: RepoPath,
    /// The text.
    pub text: String,
}

/// A script that sets variables for the agent's commands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Script {
    /// `session-env/NAME`.
    pub place: RepoPath,
    /// The text.
    pub text: String,
    /// What was taken out of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redaction: Option<Redaction>,
}

/// A sub-agent.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Agent {
    /// The client's id of the agent.
    pub id: ClientId,
    /// The agent's type, such as `Explore`.
    #[serde(rename = "type")]
    pub agent_type: Option<String>,
    /// What it was asked to do, in a few words.
    pub description: Option<String>,
    /// Its status when the snapshot was taken.
    pub status: AgentStatus,
    /// What the status was concluded from.
    pub evidence: String,
    /// The agent that started it, if that was not the session itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<ClientId>,
    /// What it did last, in short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// The client's `meta.json`, as it was.
    #[cfg_attr(test, schemars(with = "serde_json::Value"))]
    pub meta: Option<Box<RawValue>>,
    /// The agent's own transcript.
    pub transcript: Option<Transcript>,
}

/// The status of a sub-agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum AgentStatus {
    /// At work when the snapshot was taken.
    Running,
    /// Waiting for a permission, or for an agent that it started.
    Waiting,
    /// Finished.
    Done,
    /// Ended with an error.
    Failed,
    /// Stopped by the user.
    Stopped,
    /// Not finished, and its session no longer runs.
    Interrupted,
}

impl AgentStatus {
    /// Returns the word that stands for it in JSON and on the screen.
    pub fn word(self) -> &'static str {
        match self {
            AgentStatus::Running => "running",
            AgentStatus::Waiting => "waiting",
            AgentStatus::Done => "done",
            AgentStatus::Failed => "failed",
            AgentStatus::Stopped => "stopped",
            AgentStatus::Interrupted => "interrupted",
        }
    }
}

/// What the agent was allowed to do.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Permissions {
    /// The permission mode.
    pub mode: Option<String>,
    /// What was granted for the rest of the session.
    pub session: Vec<Decision>,
    /// The rules in the settings files.
    pub project: ProjectRules,
    /// The rules that the client was started with, which apply to that run alone; `file` is the option.
    #[serde(default, skip_serializing_if = "ProjectRules::is_empty")]
    pub launch: ProjectRules,
    /// Every other decision that a person took.
    pub decisions: Vec<Decision>,
}

impl Permissions {
    /// Returns how many rules and decisions there are.
    pub fn grants(&self) -> usize {
        let rules = |rules: &ProjectRules| rules.allow.len() + rules.deny.len() + rules.ask.len();
        rules(&self.project) + rules(&self.launch) + self.session.len() + self.decisions.len()
    }
}

/// Permission rules, each with the place where it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ProjectRules {
    /// Granted.
    pub allow: Vec<SavedRule>,
    /// Refused.
    pub deny: Vec<SavedRule>,
    /// To be asked each time.
    pub ask: Vec<SavedRule>,
}

impl ProjectRules {
    /// Says whether there is none.
    pub fn is_empty(&self) -> bool {
        self.allow.is_empty() && self.deny.is_empty() && self.ask.is_empty()
    }
}

/// One permission rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SavedRule {
    /// The rule as the client writes it, such as `Bash(npm run test:*)`.
    pub rule: String,
    /// The settings file: relative to the root, or with a leading `~`.
    pub file: String,
}

/// A decision that a person took on one tool call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Decision {
    /// The tool, such as `Bash`.
    pub tool: String,
    /// What it was about: the command, the file or the address.
    pub detail: String,
    /// `accept` or `reject`, in the client's word.
    pub decision: String,
    /// `once`, `session` or `permanent`.
    pub scope: String,
    /// When.
    pub at: Option<Timestamp>,
    /// The rules that the client offered for it, if a hook wrote them down. (None of them: the
    /// mode or a folder was offered.)
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<String>>,
}
