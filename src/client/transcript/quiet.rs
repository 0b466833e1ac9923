//! Somebody else's conversation made quiet: in the copy that is installed, nothing starts by itself.
//!
//! Pure. The rule is turned round: a record, an attachment or a tool's own result comes along if it is of a kind that
//! only says something; all others stay behind, whatever they do, and are counted by kind. What a person wants alive is
//! kept as exactly that. Records that others follow stay in their place, at rest, so that the conversation holds
//! together. Grants and modes go too, or the next save would make them the user's own.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::base::ids::ClientId;
use crate::client::transcript::account::{self, AT_REST};
use crate::client::transcript::record::Fields;
use crate::client::transcript::starters::{Alive, Watch};
use crate::client::transcript::summary::is_plan;

/// Records that only say something.
const RECORDS: [&str; 22] = [
    "agent-color",
    "agent-name",
    "ai-title",
    "assistant",
    "attachment",
    "attribution-snapshot",
    "content-replacement",
    "cost-state",
    "custom-title",
    "data-flow-incomplete",
    "data-flow-records",
    "derived-from",
    "file-history-delta",
    "file-history-snapshot",
    "fork-context-ref",
    "history-suppression",
    "last-prompt",
    "progress",
    "summary",
    "system",
    "tools-used",
    "user",
];

/// Attachments that only say something to the model.
const ATTACHMENTS: [&str; 46] = [
    "agent_listing_delta",
    "agent_mention",
    "already_read_file",
    "async_hook_response",
    "at_mention_reference",
    "command_permissions",
    "compact_file_reference",
    "critical_system_reminder",
    "date",
    "date_change",
    "deferred_tools_delta",
    "diagnostics",
    "directory",
    "dynamic_skill",
    "edited_image_file",
    "edited_text_file",
    "environment",
    "file",
    "hook_additional_context",
    "hook_blocking_error",
    "hook_cancelled",
    "hook_error_during_execution",
    "hook_non_blocking_error",
    "hook_stopped_continuation",
    "hook_success",
    "hook_system_message",
    "invoked_skills",
    "mcp_instructions_delta",
    "mcp_resource",
    "model",
    "nested_memory",
    "opened_file_in_ide",
    "output_style",
    "pdf_reference",
    "plan_file_reference",
    "plan_mode",
    "plan_mode_exit",
    "plan_mode_reentry",
    "queued_command",
    "selected_lines_in_ide",
    "skill_listing",
    "task_reminder",
    "task_status",
    "teammate_mailbox",
    "todo",
    "todo_reminder",
];

/// Tools from whose results the client only takes what to show, and how their agents ended.
const TOOLS: [&str; 28] = [
    "Agent",
    "AskUserQuestion",
    "Bash",
    "BashOutput",
    "Edit",
    "EnterPlanMode",
    "ExitPlanMode",
    "Glob",
    "Grep",
    "KillShell",
    "LS",
    "MultiEdit",
    "NotebookEdit",
    "NotebookRead",
    "Read",
    "SendMessage",
    "Skill",
    "Task",
    "TaskCreate",
    "TaskGet",
    "TaskList",
    "TaskOutput",
    "TaskStop",
    "TaskUpdate",
    "TodoWrite",
    "ToolSearch",
    "WebFetch",
    "WebSearch",
];

/// Fields of a record that are its author's rights and choices.
const FIELDS: [&str; 4] = ["permissionMode", "permissionDecision", "sessionKind", "teamName"];

/// What of an agent's metadata only says something.
const AGENT: [&str; 12] = [
    "agentType",
    "color",
    "description",
    "finished",
    "isBuiltIn",
    "model",
    "name",
    "parentAgentId",
    "spawnDepth",
    "stoppedByUser",
    "toolUseId",
    "workflowPhase",
];

/// What a person wants alive of somebody else's conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revive {
    /// The permission mode.
    pub mode: bool,
    /// The scripts that set variables for the agent's commands.
    pub scripts: bool,
    /// The notes for the project's memory.
    pub memory: bool,
    /// The agent that the session was started as.
    pub agent: bool,
    /// The goal.
    pub goal: bool,
    /// Prompts by a schedule, by their ids.
    pub crons: BTreeSet<String>,
}

/// What becomes of a side file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SideFileOutcome {
    /// It comes along as it is.
    AsItIs,
    /// It holds records: those that only say something come along.
    Records,
    /// It is an agent's metadata.
    Agent,
    /// It stays behind.
    Behind,
}

/// Says what becomes of a side file of somebody else's session.
pub fn beside(place: &str) -> SideFileOutcome {
    match place.strip_prefix("session/") {
        None => SideFileOutcome::AsItIs,
        Some(place) if place.starts_with("tool-results/") => SideFileOutcome::AsItIs,
        Some(place) if place.starts_with("subagents/") && place.ends_with(".jsonl") => {
            SideFileOutcome::Records
        }
        Some(place) if place.starts_with("subagents/") && place.ends_with(".meta.json") => {
            SideFileOutcome::Agent
        }
        Some(_) => SideFileOutcome::Behind,
    }
}

/// Returns what of an agent's metadata comes along; nothing of what is no object.
pub fn agent(json: &str) -> String {
    match Fields::read(json.as_bytes()) {
        Some(mut meta) => {
            meta.retain(|field| AGENT.contains(&field));
            meta.write()
        }
        None => "{}".to_owned(),
    }
}

/// Makes one file of records quiet.
pub struct Quiet {
    watch: Watch,
    goal: Option<String>,
    /// The prompts by a schedule that stay, and the calls that made them.
    crons: BTreeMap<String, Value>,
    calls: BTreeSet<String>,
    /// What was left out so far, by kind.
    pub left: BTreeMap<String, u64>,
}

impl Quiet {
    /// Prepares for records that were all watched, thoroughly; `alive` is what would come alive.
    pub fn new(watch: Watch, alive: &Alive, revive: &Revive) -> Quiet {
        let wanted = |id: &String| revive.crons.contains(id) && !alive.unclear.contains(id);
        let crons: BTreeMap<String, Value> = alive
            .crons
            .iter()
            .filter(|cron| wanted(&cron.id))
            .map(|cron| {
                let task = json!({"cron": cron.schedule, "prompt": cron.prompt, "recurring": cron.recurring});
                (cron.id.clone(), task)
            })
            .collect();
        let calls = watch.calls_of(&crons.keys().cloned().collect());
        let goal = alive.goal.clone().filter(|_| revive.goal);
        Quiet { watch, goal, crons, calls, left: BTreeMap::new() }
    }

    /// Returns what is installed of a line; `None` for nothing.
    pub fn line(&mut self, line: &[u8]) -> Option<String> {
        let text = String::from_utf8_lossy(line);
        if text.trim().is_empty() {
            return None;
        }
        let Some(mut record) = Fields::read(text.trim_end().as_bytes()) else {
            self.leave("what can't be read");
            return None;
        };
        let kind = record.text("type").unwrap_or_default();
        let says_only = match kind.as_str() {
            // How agents ended; not what its author had still to say.
            "queue-operation" => {
                record.raw("content").is_some_and(|said| said.contains("<task-notification>"))
            }
            kind => RECORDS.contains(&kind),
        };
        if !says_only {
            self.leave(if kind.is_empty() { "no kind" } else { &kind });
            return None;
        }
        for field in FIELDS {
            record.remove(field);
        }
        // 2.1.149 lets the agent write, unasked, whatever begins with the path of this plan: `../x` is a right.
        if !record.text("slug").is_some_and(|plan| is_plan(&plan)) {
            record.remove("slug");
        }
        account::strip(&mut record);
        match kind.as_str() {
            "user" => self.result(&mut record),
            "attachment" => self.attachment(&mut record),
            _ => {}
        }
        Some(record.write() + "\n")
    }

    fn leave(&mut self, kind: &str) {
        *self.left.entry(kind.to_owned()).or_default() += 1;
    }

    fn result(&mut self, record: &mut Fields<'_>) {
        let Some(result) = record.object("toolUseResult") else { return };
        let revived = result.text("id").is_some_and(|id| self.crons.contains_key(&id));
        let calls = self.watch.results_in(record);
        let kept = if revived {
            !calls.is_empty() && calls.iter().all(|call| self.calls.contains(call))
        } else {
            self.watch.answers_only(record, &TOOLS)
        };
        drop(result);
        if !kept {
            record.remove("toolUseResult");
            self.leave("toolUseResult");
        }
    }

    fn attachment(&mut self, record: &mut Fields<'_>) {
        let attachment = record.object("attachment");
        let kind = attachment.as_ref().and_then(|attachment| attachment.text("type")).unwrap_or_default();
        let rest = match (kind.as_str(), attachment) {
            ("goal_status", Some(attachment)) if self.goal.is_some() => {
                let is = |key: &str| {
                    attachment.raw(key).map(str::trim) != Some("false") && attachment.raw(key).is_some()
                };
                (attachment.text("condition") == self.goal && !is("met") && !is("failed"))
                    .then_some(Cow::Borrowed(""))
            }
            ("session_cron_carry", Some(attachment)) if !self.crons.is_empty() => {
                let tasks = attachment.raw("tasks").map(|raw| self.carried(raw)).unwrap_or_default();
                let carry = json!({"type": "session_cron_carry", "tasks": tasks}).to_string();
                Some(Cow::Owned(carry))
            }
            (kind, _) => ATTACHMENTS.contains(&kind).then_some(Cow::Borrowed("")),
        };
        match rest {
            Some(same) if same.is_empty() => {}
            Some(other) => record.set("attachment", other.into_owned()),
            None => {
                record.set("attachment", AT_REST.to_owned());
                // What it was rendered to goes with it.
                for field in ["rendered", "renderedRole"] {
                    record.remove(field);
                }
                self.leave(if kind.is_empty() { "attachment" } else { &kind });
            }
        }
    }

    /// Returns what stays of a list that a compaction carries over.
    fn carried(&self, raw: &str) -> Vec<Value> {
        let all: Vec<Value> = serde_json::from_str(raw).unwrap_or_default();
        let same = |one: &&Value| {
            let wanted = one["id"].as_str().and_then(|id| self.crons.get(id));
            wanted.is_some_and(|wanted| {
                ["cron", "prompt"].iter().all(|key| one[*key] == wanted[*key])
                    && (one["recurring"] != false) == (wanted["recurring"] == true)
            })
        };
        let task = |one: &Value| {
            json!({
                "id": one["id"], "cron": one["cron"], "prompt": one["prompt"], "createdAt": one["createdAt"],
                "recurring": one["recurring"] != false,
            })
        };
        all.iter().filter(same).map(task).collect()
    }
}

/// Returns the permission mode in which a conversation goes on whose own one stays asleep; `own` is the user's.
pub fn mode_asleep(own: Option<&str>) -> &str {
    own.filter(|own| matches!(*own, "plan" | "dontAsk")).unwrap_or("default")
}

/// Returns the records that end a quiet conversation: the mode that it opens in and, if that is wanted, the agent.
///
/// `own` is the mode that the user's settings start sessions in: if it asks more often, or allows less, it stays.
pub fn last_records(id: &ClientId, alive: &Alive, revive: &Revive, own: Option<&str>) -> String {
    let mode = alive.mode.as_deref().filter(|_| revive.mode).unwrap_or_else(|| mode_asleep(own));
    let mut records = vec![json!({"type": "permission-mode", "permissionMode": mode, "sessionId": id})];
    if let Some(agent) = alive.agent.as_ref().filter(|_| revive.agent) {
        records.insert(0, json!({"type": "agent-setting", "agentSetting": agent, "sessionId": id}));
    }
    records.iter().map(|record| format!("{record}\n")).collect()
}
