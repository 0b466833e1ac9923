//! What a transcript says of its session: title, model, mode, queue, decisions, agents' ends.
//!
//! Pure: one record after the other is shown to [`TranscriptSummary::observe`]. A record that can't be
//! read, or of an unknown type, changes nothing; its bytes are carried all the same.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::client::ToolInput;
use crate::client::transcript::background::BackgroundChange;
use crate::client::transcript::decision::PermissionDecision;
use crate::client::transcript::fields::{BlockFields, MessageFields};
use crate::client::transcript::queue::{Queue, between, is_notification};
use crate::client::transcript::recovery::{records_of, text_of};
use crate::client::transcript::title::Titles;
use crate::client::transcript::words::Words;
use crate::manifest::Decision;

/// The most working directories that are kept.
const MOST_FOLDERS: usize = 50;

/// The most plans of one session: a branch of it gets a new one.
const MOST_PLANS: usize = 20;

/// The most decisions that are kept, newest last.
const MOST_DECISIONS: usize = 200;

/// Everything learnt from the records so far.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct TranscriptSummary {
    /// How many lines were seen.
    pub records: u64,
    /// The version of the client that wrote last.
    pub client: Option<String>,
    /// How the client was started that wrote the first record that says it.
    pub entrypoint: Option<String>,
    /// The model that answered last.
    pub model: Option<String>,
    /// The last permission mode.
    pub mode: Option<String>,
    /// The last working directory.
    pub cwd: Option<String>,
    /// All working directories, if there are not very many.
    pub folders: BTreeSet<String>,
    /// What waits to be sent.
    pub queue: Queue,
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
    /// How many messages there are that the client can load.
    pub messages: u64,
    /// What it was about.
    pub words: Words,
    titles: Titles,
    /// Shells and tasks of which a tool said that they are over.
    over: BTreeSet<String>,
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
    entrypoint: Option<Cow<'a, str>>,
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
    #[serde(borrow, default)]
    leaf_uuid: Option<Cow<'a, str>>,
    /// Set on what no person typed.
    #[serde(default)]
    is_meta: Option<bool>,
    #[serde(default)]
    is_sidechain: Option<bool>,
    #[serde(default)]
    is_compact_summary: Option<bool>,
    #[serde(default)]
    uuid: Option<IgnoredAny>,
    message: Option<M>,
    #[serde(borrow, default)]
    attachment: Option<&'a RawValue>,
    #[serde(borrow, default)]
    tool_use_result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    permission_decision: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToolResult<'a> {
    #[serde(borrow, default)]
    agent_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    status: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    resumed_agent_id: Option<Cow<'a, str>>,
}

/// A prompt of the queue that was told to the model in the midst of its work.
#[derive(Deserialize)]
struct QueuedCommand<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    prompt: &'a RawValue,
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
        if let Ok(record) = serde_json::from_slice::<RecordView<'_, MessageFields<'_>>>(record) {
            self.observe_record(&record, record.message.as_ref());
        } else if let Ok(record) = serde_json::from_slice::<RecordView<'_, IgnoredAny>>(record) {
            // Its message is none that is known here.
            self.observe_record(&record, None);
        } else {
            return false;
        }
        true
    }

    fn observe_record<M>(&mut self, record: &RecordView<'_, M>, message: Option<&MessageFields<'_>>) {
        if let Some(folder) = record.cwd.as_deref().filter(|folder| self.cwd.as_deref() != Some(folder))
            && self.folders.len() < MOST_FOLDERS
        {
            self.folders.insert(folder.to_owned());
        }
        keep_last(&mut self.cwd, record.cwd.as_ref());
        keep_last(&mut self.client, record.version.as_ref());
        if self.entrypoint.is_none() {
            keep_last(&mut self.entrypoint, record.entrypoint.as_ref());
        }
        keep_last(&mut self.mode, record.permission_mode.as_ref());
        if let Some(plan) = record.slug.as_deref().filter(|plan| is_plan(plan))
            && !self.plans.contains(plan)
            && self.plans.len() < MOST_PLANS
        {
            self.plans.insert(plan.to_owned());
        }
        self.observe_title(record);
        let is_message = matches!(record.kind.as_ref(), "assistant" | "user");
        self.messages += u64::from(is_message && record.uuid.is_some());
        match record.kind.as_ref() {
            "queue-operation" => self.observe_queue(record),
            "assistant" => self.observe_answer(message, record.is_sidechain == Some(true)),
            "user" => self.observe_results(record, message),
            "attachment" => {
                if let Some(attachment) = record.attachment {
                    self.observe_attachment(attachment);
                }
            }
            _ => {}
        }
    }

    /// Returns the background shells of which nothing says that they ended.
    pub fn open_shells(&self) -> Vec<String> {
        let open = self.shells.iter().filter(|(id, _)| !self.has_ended(id));
        open.map(|(_, command)| command.clone()).collect()
    }

    /// Says whether a shell or another task in the background is known to be over.
    pub fn has_ended(&self, id: &str) -> bool {
        self.ended.contains_key(id) || self.over.contains(id)
    }

    /// Returns the title: the user's, else the client's own, else the last summary of this very conversation, which it is
    /// if the record that it names is here.
    pub fn title(&self, is_here: impl Fn(&str) -> bool) -> Option<String> {
        self.titles.best(is_here)
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
        match (record.kind.as_ref(), &record.custom_title, &record.ai_title) {
            ("custom-title", Some(title), _) => self.titles.given(title),
            ("ai-title", _, Some(title)) => self.titles.made(title),
            ("summary", ..) => {
                if let Some(summary) = record.summary.and_then(text) {
                    self.titles.summary(summary, record.leaf_uuid.as_deref());
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
                self.queue.enqueue(content.or_else(raw).unwrap_or_default());
            }
            (Some("remove"), content) => self.queue.remove(content.as_deref()),
            (Some("dequeue"), _) => self.queue.dequeue(),
            (Some("popAll" | "clear"), _) => self.queue.clear(),
            _ => {}
        }
    }

    fn observe_attachment(&mut self, attachment: &RawValue) {
        let is_told = attachment.get().contains("<task-notification>");
        if is_told {
            self.observe_notification(attachment.get());
        }
        if let Some(queued) = parse::<QueuedCommand<'_>>(attachment)
            && queued.kind == "queued_command"
        {
            let blocks = parse::<Vec<BlockFields<'_>>>(queued.prompt).unwrap_or_default();
            if let Some(prompt) = prompt_of(queued.prompt, &blocks) {
                self.words.asked(&prompt);
                self.queue.deliver(&prompt);
            }
        } else if !is_told
            && let Some(reminder) = parse::<Reminder<'_>>(attachment)
            && reminder.kind == "task_reminder"
        {
            self.reminded = Some(reminder.content);
        }
    }

    fn observe_answer(&mut self, message: Option<&MessageFields<'_>>, aside: bool) {
        self.queue.answered();
        let Some(message) = message else { return };
        keep_last(&mut self.model, message.model.as_ref().filter(|_| is_model(message)));
        for block in message.content.and_then(parse::<Vec<BlockFields<'_>>>).unwrap_or_default() {
            if let (true, Some(id), Some(name)) = (block.kind == "tool_use", block.id, block.name) {
                let detail = block.input.map(subject).unwrap_or_default();
                self.last = Some(shortened(&format!("{name} {detail}")));
                self.calls.insert(id.into_owned(), (name.into_owned(), detail));
            } else if let ("text", Some(said)) = (block.kind.as_ref(), block.text) {
                let said = Some(said).filter(|said| said.get().len() <= LONGEST_READ).and_then(text);
                if let Some(said) = said.as_ref().filter(|_| !aside && is_model(message)) {
                    self.words.answered(said);
                }
                self.last = said.map(|said| shortened(&said));
            }
        }
    }

    fn observe_results<M>(&mut self, record: &RecordView<'_, M>, message: Option<&MessageFields<'_>>) {
        let content = message.and_then(|message| message.content);
        // A plain text of the user's; in a tool's result it would only be quoted.
        let said = content.map(RawValue::get).filter(|text| text.starts_with('"'));
        let blocks = content.and_then(parse::<Vec<BlockFields<'_>>>).unwrap_or_default();
        if let Some(notification) = said.filter(|text| is_notification(text)) {
            self.observe_notification(notification);
            self.queue.notified(notification);
        } else if ![record.is_meta, record.is_sidechain, record.is_compact_summary].contains(&Some(true))
            && let Some(said) = content.and_then(|content| prompt_of(content, &blocks))
        {
            self.words.asked(&said);
            if !self.queue.is_empty() {
                self.queue.said(&said, record.prompt_source.as_deref());
            }
        }
        let call = blocks
            .iter()
            .find_map(|block| self.calls.remove(block.tool_use_id.as_deref()?))
            .unwrap_or_default();
        if let Some(told) = record.tool_use_result.map(BackgroundChange::by) {
            self.over.extend(told.ended);
            if let Some(shell) = told.started {
                self.over.remove(&shell);
                self.shells.insert(shell, call.1.clone());
            }
        }
        if let Some(result) = record.tool_use_result.and_then(parse::<ToolResult<'_>>) {
            if let Some(agent) = result.resumed_agent_id {
                // A message has set it to work again.
                self.ended.remove(agent.as_ref());
                self.answered.remove(agent.as_ref());
            }
            if let (Some(agent), Some(status)) = (result.agent_id, result.status) {
                self.answered.insert(agent.into_owned(), status.into_owned());
            }
        }
        let decided = record.permission_decision.and_then(parse::<PermissionDecision<'_>>);
        if let Some(decision) = decided.and_then(|one| one.of_person(call, record.timestamp.as_deref())) {
            if self.decisions.len() == MOST_DECISIONS {
                self.decisions.pop_front();
            }
            self.decisions.push_back(decision);
        }
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

/// Says whether a model wrote this: the client writes `<synthetic>` for answers of its own.
fn is_model(message: &MessageFields<'_>) -> bool {
    !message.model.as_deref().is_some_and(|model| model.starts_with('<'))
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
    text_of(raw.get())
}

/// Returns what a person said: a text, or the texts beside images, which are these blocks. A tool's result is none.
fn prompt_of(raw: &RawValue, blocks: &[BlockFields<'_>]) -> Option<String> {
    if raw.get().starts_with('"') {
        return text(raw);
    }
    if blocks.iter().any(|block| block.kind == "tool_result") {
        return None;
    }
    let texts: Vec<String> = blocks.iter().filter_map(|block| block.text.and_then(text)).collect();
    Some(texts.join("\n")).filter(|said| !said.is_empty())
}

fn keep_last(slot: &mut Option<String>, new: Option<&Cow<'_, str>>) {
    if let Some(new) = new.filter(|new| slot.as_deref() != Some(new.as_ref())) {
        *slot = Some(new.clone().into_owned());
    }
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
    fn the_queue_is_followed_through_the_records() {
        let started = r#"{"type":"queue-operation","operation":"enqueue","content":"{\"task_id\":\"a1\",\"description\":\"look\",\"task_type\":\"local_agent\"}"}"#;
        let cut = r#"{"type":"queue-operation","operation":"enqueue","content":"cut \ud83d"}"#;
        let one = r#"{"type":"queue-operation","operation":"enqueue","content":"one"}"#;
        let removed = r#"{"type":"queue-operation","operation":"remove"}"#;
        let delivered = r#"{"type":"attachment","attachment":{"type":"queued_command","prompt":"one"}}"#;
        let typed =
            r#"{"type":"user","message":{"content":[{"type":"text","text":"else"},{"type":"image"}]}}"#;
        let answer = r#"{"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"t","content":"else"}]}}"#;
        let meta = r#"{"type":"user","isMeta":true,"message":{"content":"else"}}"#;
        let queued = |lines: &[&str]| facts(lines).queue.prompts();
        assert_eq!(queued(&[started, cut, one, answer, meta]), ["cut \u{fffd}", "one"]);
        assert_eq!(queued(&[one, cut, removed, delivered]), ["cut \u{fffd}"]);
        assert!(queued(&[one, cut, typed]).is_empty());
    }

    #[test]
    fn the_title_is_found_in_the_records() {
        let facts = facts(&[
            r#"{"type":"summary","summary":"about parsers","leafUuid":"u1"}"#,
            r#"{"type":"custom-title","customTitle":"mine"}"#,
            r#"{"type":"ai-title","aiTitle":"theirs"}"#,
        ]);
        assert_eq!(facts.title(|_| false).as_deref(), Some("mine"));
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
        let stopped = r#"{"type":"user","message":{"content":[]},"toolUseResult":{"message":"Successfully stopped task: b1 (npm start)","task_id":"b1"}}"#;
        assert!(facts(&[start[0], start[1], stopped]).open_shells().is_empty());
    }

    #[test]
    fn what_can_not_be_read_is_counted_and_passed_over() {
        let facts =
            facts(&["not json", r#"{"type":42}"#, r#"{"type":"of next month","version":"9.9.9"}"#, "[]"]);
        assert_eq!((facts.records, facts.client.as_deref()), (4, Some("9.9.9")));
    }
}
