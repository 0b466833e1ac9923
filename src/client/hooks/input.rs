//! What the client passes to a hook, and which answers it understands.
//!
//! Seen in 2.1.149 and 2.1.329; every field may be missing. An answer that blocks a prompt is shown to the
//! person and starts no request.

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Value, json};

/// What a hook reads from its standard input.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct HookInput {
    /// The session.
    pub session_id: Option<String>,
    /// The session's transcript, which need not exist yet.
    pub transcript_path: Option<PathBuf>,
    /// The folder the session works in now.
    pub cwd: Option<PathBuf>,
    /// The prompt that the event has to do with; newer clients say it.
    pub prompt_id: Option<String>,
    /// `UserPromptSubmit`: what the person typed, also for a command that is a file.
    pub prompt: Option<String>,
    /// `PreToolUse`: the call; newer clients say it.
    pub tool_use_id: Option<String>,
    /// `PreToolUse`, `PermissionRequest`: the tool.
    pub tool_name: Option<String>,
    /// Its input, whatever the tool takes.
    pub tool_input: Value,
    /// `PreCompact`: `manual` or `auto`.
    pub trigger: Option<String>,
    /// `SubagentStop`: the agent.
    pub agent_id: Option<String>,
    /// `PermissionRequest`: what the person is offered beside yes and no.
    pub permission_suggestions: Value,
    /// `Stop`, `SubagentStop`: what is at work behind the conversation.
    pub background_tasks: Value,
    /// `Stop`, `SubagentStop`: prompts that the client will send by itself.
    pub session_crons: Value,
}

/// The parts of a tool's input that say what it does.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ToolInput {
    /// A shell's command line.
    pub command: Option<String>,
    /// The file that is read or written.
    pub file_path: Option<String>,
    /// The address that is fetched.
    pub url: Option<String>,
    /// What is looked for.
    pub pattern: Option<String>,
    /// What the agent says it is for.
    pub description: Option<String>,
    /// The words of a task.
    pub subject: Value,
    /// The task that is changed.
    #[serde(rename = "taskId")]
    pub task: Value,
    /// The status that it gets.
    pub status: Value,
    /// Who does it from now on.
    pub owner: Value,
    /// The tasks that it waits for from now on.
    #[serde(rename = "addBlockedBy")]
    pub after: Value,
    /// The tasks that wait for it from now on.
    #[serde(rename = "addBlocks")]
    pub before: Value,
}

impl ToolInput {
    /// Returns what a tool call is about: its command, file, address, pattern or task, and what is changed of that.
    pub fn subject(self) -> String {
        let task = self.task_change();
        let new_task = self.subject.as_str().map(str::to_owned);
        let subjects =
            [self.command, self.file_path, self.url, self.pattern, task, new_task, self.description];
        subjects.into_iter().flatten().next().unwrap_or_default()
    }

    /// Says what is changed of a task that is there.
    fn task_change(&self) -> Option<String> {
        let word = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let words = |value: &Value| -> Option<String> {
            let all: Vec<String> = value.as_array()?.iter().filter_map(word).collect();
            (!all.is_empty()).then(|| all.join(", "))
        };
        let task = word(&self.task)?;
        let changes: Vec<String> = [
            word(&self.status).map(|status| status.replace('_', " ")),
            word(&self.owner).map(|owner| format!("owner {owner}")),
            words(&self.after).map(|others| format!("after {others}")),
            words(&self.before).map(|others| format!("before {others}")),
            word(&self.subject),
        ]
        .into_iter()
        .flatten()
        .collect();
        if changes.is_empty() {
            Some(format!("task {task}"))
        } else {
            Some(format!("task {task}: {}", changes.join(", ")))
        }
    }
}

impl HookInput {
    /// Returns what the tool call is about: its command, file, address or pattern.
    pub fn subject(&self) -> String {
        let text = |name: &str| self.tool_input[name].as_str().map(str::to_owned);
        ToolInput {
            command: text("command"),
            file_path: text("file_path"),
            url: text("url"),
            pattern: text("pattern"),
            description: text("description"),
            subject: self.tool_input["subject"].clone(),
            task: self.tool_input["taskId"].clone(),
            status: self.tool_input["status"].clone(),
            owner: self.tool_input["owner"].clone(),
            after: self.tool_input["addBlockedBy"].clone(),
            before: self.tool_input["addBlocks"].clone(),
        }
        .subject()
    }

    /// Reads the input. Unknown fields, and known ones of another type, are ignored.
    ///
    /// # Errors
    /// Says why it is not a JSON object.
    pub fn parse(json: &[u8]) -> Result<HookInput, String> {
        if let Ok(input) = serde_json::from_slice(json) {
            return Ok(input);
        }
        // A field that changed its type must not cost the others.
        let value: Value = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        if !value.is_object() {
            return Err("not a JSON object".to_owned());
        }
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Ok(HookInput {
            session_id: text(&value["session_id"]),
            transcript_path: text(&value["transcript_path"]).map(PathBuf::from),
            cwd: text(&value["cwd"]).map(PathBuf::from),
            prompt_id: text(&value["prompt_id"]),
            prompt: text(&value["prompt"]),
            tool_use_id: text(&value["tool_use_id"]),
            tool_name: text(&value["tool_name"]),
            tool_input: value["tool_input"].clone(),
            trigger: text(&value["trigger"]),
            agent_id: text(&value["agent_id"]),
            permission_suggestions: value["permission_suggestions"].clone(),
            background_tasks: value["background_tasks"].clone(),
            session_crons: value["session_crons"].clone(),
        })
    }
}

/// Returns the answer to `PreToolUse` that shows a text to the person and leaves the step as it is.
/// The model never sees it.
pub fn shown_beside_the_step(text: &str) -> Value {
    json!({"systemMessage": text})
}

/// Returns the answer to `UserPromptSubmit` that shows a text instead of asking the model.
pub fn shown_instead_of_asking(text: &str) -> Value {
    json!({
        "decision": "block",
        "reason": text,
        "hookSpecificOutput": {"hookEventName": "UserPromptSubmit", "suppressOriginalPrompt": true},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_about_a_task_says_which_one_and_what_changes() {
        for (input, wanted) in [
            (r#"{"subject":"Write parser","description":"all of it"}"#, "Write parser"),
            (r#"{"taskId":"1","status":"in_progress"}"#, "task 1: in progress"),
            (r#"{"taskId":3,"addBlockedBy":["1","2"],"owner":"ada"}"#, "task 3: owner ada, after 1, 2"),
            (r#"{"taskId":"2","subject":"Test it"}"#, "task 2: Test it"),
            (r#"{"taskId":"2","description":"now"}"#, "task 2"),
            (r#"{"taskId":["x"],"subject":7,"description":"now"}"#, "now"),
        ] {
            let input: ToolInput = serde_json::from_str(input).expect(input);
            assert_eq!(input.subject(), wanted);
        }
    }

    #[test]
    fn input_is_read_whatever_else_changes() {
        let read = |json: &str| HookInput::parse(json.as_bytes());
        let input = read(
            r#"{"cwd":"/x","tool_name":"Bash","tool_input":{"command":"ls","new":1},"of":"next month"}"#,
        );
        let input = input.expect("read");
        assert_eq!((input.tool_input["command"].as_str(), input.subject().as_str()), (Some("ls"), "ls"));
        let odd =
            read(r#"{"cwd":"/x","prompt":{"text":"x"},"tool_input":{"command":["ls"],"file_path":"f"}}"#);
        let odd = odd.expect("read");
        assert_eq!(odd.subject(), "f");
        assert_eq!((odd.cwd, odd.prompt), (Some("/x".into()), None));
        for wrong in ["", "nonsense", "7", "{\"cwd\":"] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }
}
