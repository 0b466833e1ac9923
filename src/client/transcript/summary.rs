//! What a transcript says of its session: title, model, mode, queue, decisions, agents' ends.
//!
//! Pure: one record after the other is shown to [`TranscriptSummary::observe`]. A record that can't be
//! read, or of an unknown type, changes nothing; its bytes are carried all the same.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::client::ToolInput;
use crate::client::transcript::recovery::records_of;
use crate::manifest::Decision;

/// The most working directories that are kept.
const MOST_FOLDERS: usize = 50;

/// The most plans of one session: a branch of it gets a new one.
const MOST_PLANS: usize = 20;

/// The most decisions that are kept, newest last.
const MOST_DECISIONS: usize = 200;

/// Everything learnt from the records so far.
#[derive(Debug, Default)]
pub struct TranscriptSummary {
    /// How many lines were seen.
    pub records: u64,
    /// The last title: the user's, else the client's own, else a summary.
    pub title: Option<String>,
    /// The version of the client that wrote last.
    pub client: Option<String>,
    /// The model that answered last.
    pub model: Option<String>,
    /// The last permission mode.
    pub mode: Option<String>,
    /// The last working directory.
    pub cwd: Option<String>,
    /// All working directories, if there are not very many.
    pub folders: BTreeSet<String>,
    /// Queued prompts not yet consumed, oldest first.
    pub queue: VecDeque<String>,
    /// The last status that was notified of a task or agent, by its id.
    pub ended: BTreeMap<String, String>,
    /// The agents that answered in the foreground.
    pub answered: BTreeMap<String, String>,
    /// Background shells by id, with their command.
    pub shells: BTreeMap<String, String>,
    /// Decisions that a person took.
    pub decisions: VecDeque<Decision>,
    /// What was done last: a tool and what it was about, or words.
    pub last: Option<String>,
    /// The whole task list, as the client last reminded the model of it.
    pub reminded: Option<Vec<Box<RawValue>>>,
    /// The plans that the records name.
    pub plans: BTreeSet<String>,
    own_title: bool,
    calls: BTreeMap<String, (String, String)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RecordView<'a, M> {
    #[serde(rename = "type", borrow, default)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    cwd: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    version: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    permission_mode: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    prompt_source: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    slug: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    timestamp: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    operation: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    custom_title: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    ai_title: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    summary: Option<&'a RawValue>,
    message: Option<M>,
    #[serde(borrow, default)]
    attachment: Option<&'a RawValue>,
    #[serde(borrow, default)]
    tool_use_result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    permission_decision: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    model: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ContentBlock<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    tool_use_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    input: Option<&'a RawValue>,
    #[serde(borrow, default)]
    text: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToolResult<'a> {
    #[serde(borrow, default)]
    agent_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    status: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    background_task_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    resumed_agent_id: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PermissionDecision<'a> {
    #[serde(borrow, default)]
    decision: Cow<'a, str>,
    #[serde(borrow, default)]
    source: Cow<'a, str>,
    #[serde(borrow, default)]
    grant_scope: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Reminder<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    content: Vec<Box<RawValue>>,
}

impl TranscriptSummary {
    /// Takes in one line.
    pub fn observe(&mut self, line: &[u8]) {
        self.records += 1;
        if !self.observe_whole(line) {
            for record in records_of(line).records {
                self.observe_whole(&record);
            }
        }
    }

    /// Takes in one record; says whether it is one.
    fn observe_whole(&mut self, record: &[u8]) -> bool {
        if let Ok(record) = serde_json::from_slice::<RecordView<'_, Message<'_>>>(record) {
            self.observe_record(&record, record.message.as_ref());
        } else if let Ok(record) = serde_json::from_slice::<RecordView<'_, IgnoredAny>>(record) {
            // Its message is none that is known here.
            self.observe_record(&record, None);
        } else {
            return false;
        }
        true
    }

    fn observe_record<M>(&mut self, record: &RecordView<'_, M>, message: Option<&Message<'_>>) {
        if let Some(folder) = record.cwd.as_deref().filter(|folder| self.cwd.as_deref() != Some(folder))
            && self.folders.len() < MOST_FOLDERS
        {
            self.folders.insert(folder.to_owned());
        }
        keep_last(&mut self.cwd, record.cwd.as_ref());
        keep_last(&mut self.client, record.version.as_ref());
        keep_last(&mut self.mode, record.permission_mode.as_ref());
        if let Some(plan) = record.slug.as_deref().filter(|plan| is_plan(plan))
            && !self.plans.contains(plan)
            && self.plans.len() < MOST_PLANS
        {
            self.plans.insert(plan.to_owned());
        }
        self.observe_title(record);
        match record.kind.as_ref() {
            "queue-operation" => self.observe_queue(record),
            "assistant" => self.observe_answer(message),
            "user" => self.observe_results(record, message),
            "attachment" => {
                if let Some(attachment) = record.attachment.map(RawValue::get)
                    && attachment.contains("<task-notification>")
                {
                    self.observe_notification(attachment);
                } else if let Some(reminder) = record.attachment.and_then(parse::<Reminder<'_>>)
                    && reminder.kind == "task_reminder"
                {
                    self.reminded = Some(reminder.content);
                }
            }
            _ => {}
        }
    }

    /// Returns the background shells whose end was not notified.
    pub fn open_shells(&self) -> Vec<String> {
        self.shells
            .iter()
            .filter(|(id, _)| !self.ended.contains_key(*id))
            .map(|(_, command)| command.clone())
            .collect()
    }

    /// Returns the tools that were called and have not answered yet.
    pub fn open_calls(&self) -> impl Iterator<Item = &str> {
        self.calls.values().map(|(tool, _)| tool.as_str())
    }

    /// Takes over what an agent's own transcript says of the agents that it started.
    pub fn add_agents_of(&mut self, agent: &TranscriptSummary) {
        self.ended.extend(agent.ended.iter().map(|(id, status)| (id.clone(), status.clone())));
        self.answered.extend(agent.answered.iter().map(|(id, status)| (id.clone(), status.clone())));
    }

    fn observe_title<M>(&mut self, record: &RecordView<'_, M>) {
        match record.kind.as_ref() {
            "custom-title" => {
                keep_last(&mut self.title, record.custom_title.as_ref());
                self.own_title = self.title.is_some();
            }
            "ai-title" if !self.own_title => keep_last(&mut self.title, record.ai_title.as_ref()),
            "summary" if !self.own_title => {
                if let Some(summary) = record.summary.and_then(text) {
                    self.title = Some(summary);
                }
            }
            _ => {}
        }
    }

    fn observe_queue<M>(&mut self, record: &RecordView<'_, M>) {
        let content = record.content.and_then(text);
        if let Some(notification) = content.as_ref().filter(|content| content.contains("<task-notification>"))
        {
            self.observe_notification(notification);
        }
        match (record.operation.as_deref(), content) {
            (Some("enqueue"), content) => {
                let raw = || record.content.map(|content| content.get().to_owned());
                self.queue.push_back(content.or_else(raw).unwrap_or_default());
            }
            (Some("remove"), Some(content)) => {
                if let Some(at) = self.queue.iter().position(|queued| *queued == content) {
                    self.queue.remove(at);
                }
            }
            (Some("dequeue" | "remove"), _) => {
                self.queue.pop_front();
            }
            (Some("popAll" | "clear"), _) => self.queue.clear(),
            _ => {}
        }
    }

    /// What a client had queued dies with it. A prompt that was typed comes behind the queue of a client that lives, so
    /// whatever is in it then nobody will send any more; and one handed back by hand is no longer queued.
    fn observe_prompt(&mut self, said: &str, source: Option<&str>) {
        let is_command = said.starts_with('<') || said.starts_with('/');
        let all: Vec<&str> = self.queue.iter().map(String::as_str).collect();
        if (source == Some("typed") && !is_command) || all.join("\n\n") == said {
            self.queue.clear();
        }
    }

    fn observe_answer(&mut self, message: Option<&Message<'_>>) {
        let Some(message) = message else { return };
        // The client writes `<synthetic>` for answers of its own.
        keep_last(&mut self.model, message.model.as_ref().filter(|model| !model.starts_with('<')));
        for block in message.content.and_then(parse::<Vec<ContentBlock<'_>>>).unwrap_or_default() {
            if let (true, Some(id), Some(name)) = (block.kind == "tool_use", block.id, block.name) {
                let detail = block.input.map(subject).unwrap_or_default();
                self.last = Some(shortened(&format!("{name} {detail}")));
                self.calls.insert(id.into_owned(), (name.into_owned(), detail));
            } else if let ("text", Some(said)) = (block.kind.as_ref(), block.text) {
                let is_short = said.get().len() <= LONGEST_READ;
                self.last = if is_short { text(said).map(|said| shortened(&said)) } else { None };
            }
        }
    }

    fn observe_results<M>(&mut self, record: &RecordView<'_, M>, message: Option<&Message<'_>>) {
        let content = message.and_then(|message| message.content);
        // A plain text of the user's; in a tool's result it would only be quoted.
        let said = content.map(RawValue::get).filter(|text| text.starts_with('"'));
        if let Some(notification) = said.filter(|text| text.contains("<task-notification>")) {
            self.observe_notification(notification);
        } else if let Some(said) = said.filter(|said| !self.queue.is_empty() && said.len() <= LONGEST_READ)
            && let Ok(said) = serde_json::from_str::<String>(said)
        {
            self.observe_prompt(&said, record.prompt_source.as_deref());
        }
        let blocks = content.and_then(parse::<Vec<ContentBlock<'_>>>).unwrap_or_default();
        let call = blocks
            .iter()
            .find_map(|block| self.calls.remove(block.tool_use_id.as_deref()?))
            .unwrap_or_default();
        if let Some(result) = record.tool_use_result.and_then(parse::<ToolResult<'_>>) {
            if let Some(shell) = result.background_task_id {
                self.shells.insert(shell.into_owned(), call.1.clone());
            }
            if let Some(agent) = result.resumed_agent_id {
                // A message has set it to work again.
                self.ended.remove(agent.as_ref());
                self.answered.remove(agent.as_ref());
            }
            if let (Some(agent), Some(status)) = (result.agent_id, result.status) {
                self.answered.insert(agent.into_owned(), status.into_owned());
            }
        }
        if let Some(decision) = record.permission_decision.and_then(parse::<PermissionDecision<'_>>) {
            self.observe_decision(&decision, call, record.timestamp.as_deref());
        }
    }

    fn observe_decision(
        &mut self,
        decision: &PermissionDecision<'_>,
        call: (String, String),
        at: Option<&str>,
    ) {
        let scope = match (decision.source.as_ref(), decision.grant_scope.as_deref()) {
            ("user_permanent", _) => "permanent",
            (_, Some("session")) => "session",
            (source, _) if source.starts_with("user") => "once",
            // Decided by a rule or the mode: those are captured themselves.
            _ => return,
        };
        if self.decisions.len() == MOST_DECISIONS {
            self.decisions.pop_front();
        }
        self.decisions.push_back(Decision {
            tool: call.0,
            detail: call.1,
            decision: decision.decision.clone().into_owned(),
            scope: scope.to_owned(),
            at: at.and_then(|at| at.parse().ok()),
            rules: None,
        });
    }

    fn observe_notification(&mut self, text: &str) {
        if let (Some(id), Some(status)) = (between(text, "task-id"), between(text, "status")) {
            self.ended.insert(id.to_owned(), status.to_owned());
        }
    }
}

/// The most characters that are kept of what was done last.
const LONGEST_LAST: usize = 200;

/// Words of more bytes than this are not read for what was done last.
const LONGEST_READ: usize = 1 << 20;

/// Says whether this can be the name of a plan, as the client makes them.
pub(in crate::client) fn is_plan(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=100).contains(&name.len()) && name.bytes().all(plain)
}

fn shortened(text: &str) -> String {
    text.trim().chars().take(LONGEST_LAST).collect()
}

/// Returns what a tool call is about: its command, file, address or pattern.
fn subject(input: &RawValue) -> String {
    parse::<ToolInput>(input).map(ToolInput::subject).unwrap_or_default()
}

/// Reads an object or a list; a text is none, and the error for it, which nobody sees, would quote all of it.
fn parse<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    Some(raw.get()).filter(|raw| !raw.starts_with('"')).and_then(|raw| serde_json::from_str(raw).ok())
}

fn text(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok()
}

fn keep_last(slot: &mut Option<String>, new: Option<&Cow<'_, str>>) {
    if let Some(new) = new.filter(|new| slot.as_deref() != Some(new.as_ref())) {
        *slot = Some(new.clone().into_owned());
    }
}

fn between<'a>(text: &'a str, tag: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{tag}>"))?;
    Some(rest.split_once(&format!("</{tag}>"))?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(lines: &[&str]) -> TranscriptSummary {
        let mut facts = TranscriptSummary::default();
        lines.iter().for_each(|line| facts.observe(line.as_bytes()));
        facts
    }

    #[test]
    fn only_prompts_that_were_not_consumed_are_queued() {
        let facts = facts(&[
            r#"{"type":"queue-operation","operation":"enqueue","content":"one"}"#,
            r#"{"type":"queue-operation","operation":"enqueue","content":"two"}"#,
            r#"{"type":"queue-operation","operation":"enqueue","content":"three"}"#,
            r#"{"type":"queue-operation","operation":"dequeue"}"#,
            r#"{"type":"queue-operation","operation":"remove","content":"three"}"#,
        ]);
        assert_eq!(facts.queue, ["two"]);
    }

    #[test]
    fn prompts_queued_in_a_client_that_died_are_queued_until_another_prompt_is_typed() {
        let queued = r#"{"type":"queue-operation","operation":"enqueue","content":"one"}"#;
        let more = r#"{"type":"queue-operation","operation":"enqueue","content":"two"}"#;
        let taken = r#"{"type":"queue-operation","operation":"dequeue"}"#;
        let said = |text: &str, source: &str| {
            format!(r#"{{"type":"user","message":{{"content":"{text}"}},"promptSource":"{source}"}}"#)
        };
        let left = |last: &[&str]| facts(&[&[queued, more], last].concat()).queue;
        assert_eq!(left(&[taken, &said("one", "queued")]), ["two"]);
        assert_eq!(left(&[&said("<command-name>/model</command-name>", "typed")]), ["one", "two"]);
        assert!(left(&[&said("something else", "typed")]).is_empty());
        assert!(left(&[&said(r"one\n\ntwo", "sdk")]).is_empty());
    }

    #[test]
    fn a_title_given_by_the_user_wins() {
        let facts = facts(&[
            r#"{"type":"summary","summary":"about parsers"}"#,
            r#"{"type":"custom-title","customTitle":"mine"}"#,
            r#"{"type":"ai-title","aiTitle":"theirs"}"#,
        ]);
        assert_eq!(facts.title.as_deref(), Some("mine"));
    }

    #[test]
    fn a_decision_of_a_person_is_kept_with_what_it_was_about() {
        let facts = facts(&[
            r#"{"type":"assistant","message":{"model":"m","content":[{"type":"tool_use","id":"t1","name":"Bash","input":{"command":"mkdir x"}}]}}"#,
            r#"{"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"t1","content":"ok"}]},"timestamp":"2026-11-21T01:19:35.028Z","permissionDecision":{"decision":"accept","source":"user_temporary","grantScope":"session"}}"#,
            r#"{"type":"user","message":{"content":"x"},"permissionDecision":{"decision":"accept","source":"config"}}"#,
        ]);
        assert_eq!(facts.decisions.len(), 1);
        let decision = &facts.decisions[0];
        assert_eq!(
            (decision.tool.as_str(), decision.detail.as_str(), decision.scope.as_str()),
            ("Bash", "mkdir x", "session")
        );
    }

    #[test]
    fn a_background_shell_is_open_until_its_end_is_notified() {
        let start = [
            r#"{"type":"assistant","message":{"content":[{"type":"tool_use","id":"t1","name":"Bash","input":{"command":"npm start"}}]}}"#,
            r#"{"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"t1"}]},"toolUseResult":{"backgroundTaskId":"b1"}}"#,
        ];
        assert_eq!(facts(&start).open_shells(), ["npm start"]);
        let end = r#"{"type":"queue-operation","operation":"enqueue","content":"<task-notification>\n<task-id>b1</task-id>\n<status>completed</status>"}"#;
        assert!(facts(&[start[0], start[1], end]).open_shells().is_empty());
    }

    #[test]
    fn what_can_not_be_read_is_counted_and_passed_over() {
        let facts =
            facts(&["not json", r#"{"type":42}"#, r#"{"type":"of next month","version":"9.9.9"}"#, "[]"]);
        assert_eq!((facts.records, facts.client.as_deref()), (4, Some("9.9.9")));
    }
}
