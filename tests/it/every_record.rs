//! A transcript with every kind of record and field that is known from real sessions: saved, resumed elsewhere, and none lost.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::real_client::go_on;
use crate::support::Must;
use crate::support::api::{Reply, StandIn};
use crate::support::client::Client;
use crate::support::messages::relocated;
use crate::support::project::Project;

with_both_clients! {
    the_first_request_after_a_hand_off_is_that_of_the_original
}

pub(crate) const ID: &str = "c137e379-838e-4509-8148-16b407691758";
const AGENT: &str = "a0123456789abcdef";

/// A place that a session works in.
pub(crate) struct Place {
    pub(crate) root: String,
    config: String,
    project: String,
}

impl Place {
    pub(crate) fn of(project: &Project) -> Place {
        let text = |path: &Path| path.to_str().must("UTF-8").to_owned();
        Place {
            root: text(project.root()),
            config: text(&project.home.config()),
            project: text(&project.home.project(project.root())),
        }
    }

    pub(crate) fn transcript(&self) -> String {
        format!("{}/{ID}.jsonl", self.project)
    }
}

/// Builds a conversation: each record follows the one before it.
pub(crate) struct Builder<'a> {
    place: &'a Place,
    pub(crate) records: Vec<Value>,
    last: Value,
    number: u32,
}

impl<'a> Builder<'a> {
    pub(crate) fn new(place: &'a Place) -> Self {
        Builder { place, records: Vec::new(), last: Value::Null, number: 0 }
    }

    fn said(&mut self, kind: &str, fields: Value) -> &mut Self {
        self.number += 1;
        let uuid = format!("00000000-0000-4000-8000-{:012}", self.number);
        let (minutes, seconds) = (self.number / 60, self.number % 60);
        let (day, hour, minute) = (1 + minutes / 1440, minutes / 60 % 24, minutes % 60);
        let mut record = json!({
            "parentUuid": self.last, "isSidechain": false, "type": kind, "uuid": uuid, "userType": "external",
            "entrypoint": "cli", "cwd": self.place.root, "sessionId": ID, "version": "2.1.329", "gitBranch": "main",
            "timestamp": format!("2026-11-{day:02}T{hour:02}:{minute:02}:{seconds:02}.000Z"),
        });
        for (key, value) in fields.as_object().must("fields") {
            record[key] = value.clone();
        }
        self.last = uuid.into();
        self.records.push(record);
        self
    }

    fn beside(&mut self, record: Value) -> &mut Self {
        self.records.push(record);
        self
    }

    fn prompt(&mut self, text: &str) -> &mut Self {
        self.said("user", json!({"message": {"role": "user", "content": text}, "permissionMode": "default", "promptId": "p1"}))
    }

    fn answer(&mut self, content: Value) -> &mut Self {
        let id = format!("msg_{}", self.number);
        let usage = json!({"input_tokens": 1, "output_tokens": 1});
        self.said("assistant", json!({"requestId": "r1", "message": {"id": id, "type": "message", "role": "assistant",
            "model": "claude-test-1", "content": content, "stop_reason": null, "stop_sequence": null, "usage": usage}}))
    }

    /// A call with its result.
    pub(crate) fn tool(&mut self, name: &str, input: Value, result: &str, seen: Value) -> &mut Self {
        let id = format!("toolu_{}", self.number);
        self.answer(json!([{"type": "tool_use", "id": id, "name": name, "input": input}]));
        let source = self.last.clone();
        let content = json!([{"tool_use_id": id, "type": "tool_result", "content": result}]);
        self.said(
            "user",
            json!({"message": {"role": "user", "content": content}, "toolUseResult": seen,
            "sourceToolAssistantUUID": source}),
        )
    }

    fn attached(&mut self, attachment: Value) -> &mut Self {
        self.said("attachment", json!({"attachment": attachment}))
    }

    fn system(&mut self, subtype: &str, fields: Value) -> &mut Self {
        let mut all = json!({"subtype": subtype, "level": "info", "isMeta": false});
        for (key, value) in fields.as_object().must("fields") {
            all[key] = value.clone();
        }
        self.said("system", all)
    }
}

/// What a client sends to the model of these, in a place. The text of files says where it was written: at `written`.
fn conversation(b: &mut Builder<'_>, written: &str) {
    let root = b.place.root.clone();
    let config = b.place.config.clone();
    let text = format!("ON DISK {written}/x");
    let path = format!("{root}/notes.txt");
    b.prompt(&format!("work in {root}, not in {written}2"));
    b.answer(json!([{"type": "text", "text": format!("see {root}/a.txt and file://{root}/a.txt")}]));
    b.tool(
        "Bash",
        json!({"command": format!("ls {root}"), "description": "list"}),
        &format!("{root}/a.txt"),
        json!({"stdout": format!("{root}/a.txt"), "stderr": "", "interrupted": false, "isImage": false}),
    );
    b.tool(
        "Read",
        json!({"file_path": path}),
        &format!("1\t{text}\n"),
        json!({"type": "text", "file": {"filePath": path, "content": text, "numLines": 1, "startLine": 1, "totalLines": 1}}),
    );
    b.tool(
        "Edit",
        json!({"file_path": path, "old_string": text, "new_string": format!("{text}/y"), "replace_all": false}),
        &format!("The file {path} has been updated successfully."),
        json!({"filePath": path, "oldString": text, "newString": format!("{text}/y"), "originalFile": text,
               "structuredPatch": [{"oldStart": 1, "oldLines": 1, "newStart": 1, "newLines": 1, "lines": [format!("-{text}"), format!("+{text}/y")]}],
               "userModified": false, "replaceAll": false}),
    );
    b.tool(
        "Write",
        json!({"file_path": format!("{root}/new.txt"), "content": text}),
        &format!("File created successfully at: {root}/new.txt"),
        json!({"type": "create", "filePath": format!("{root}/new.txt"), "content": text, "structuredPatch": [], "originalFile": null}),
    );
    b.tool(
        "Grep",
        json!({"pattern": "DISK", "path": root, "output_mode": "content"}),
        &format!("{root}/notes.txt:1:{text}"),
        json!({"mode": "content", "numFiles": 0, "filenames": [], "content": format!("{root}/notes.txt:1:{text}"), "numLines": 1}),
    );
    let nested = json!({"cwd": root, "note": format!("{root}/b.txt\tand {config}/plans")}).to_string();
    b.tool(
        "Bash",
        json!({"command": "env", "description": "print"}),
        &nested,
        json!({"stdout": nested, "stderr": ""}),
    );
    b.answer(json!([{"type": "text", "text": format!("all is in {root}")}]));
}

/// Records of every kind that is known, in a place.
fn everything(place: &Place, written: &str) -> Vec<Value> {
    let mut b = Builder::new(place);
    add_everything(&mut b, written);
    b.records
}

/// Adds records of every kind that is known. The text of files says where it was written: at `written`.
pub(crate) fn add_everything(b: &mut Builder<'_>, written: &str) {
    let place = b.place;
    let root = &place.root;
    let other = |kind: &str| json!({"type": kind, "sessionId": ID});
    let with = |kind: &str, fields: Value| {
        let mut record = other(kind);
        fields.as_object().must("fields").iter().for_each(|(key, value)| record[key] = value.clone());
        record
    };
    b.beside(json!({"type": "summary", "summary": "an earlier talk", "leafUuid": "99999999-0000-4000-8000-000000000009"}));
    b.beside(with("mode", json!({"mode": "normal"})));
    b.beside(with("permission-mode", json!({"permissionMode": "default"})));
    b.beside(with("agent-name", json!({"agentName": "the parser"})));
    b.beside(with("atis-latch", json!({"latched": true})));
    b.beside(json!({"type": "file-history-snapshot", "messageId": "00000000-0000-4000-8000-000000000001", "isSnapshotUpdate": false,
        "snapshot": {"messageId": "00000000-0000-4000-8000-000000000001", "timestamp": "2026-11-28T10:00:00.000Z",
                     "trackedFileBackups": {format!("{root}/notes.txt"): {"backupFileName": "0123456789abcdef@v1", "version": 1, "realParentDir": root}}}}));
    conversation(b, written);
    let text = format!("ON DISK {written}/x");
    for kind in [
        "hook_progress",
        "bash_progress",
        "agent_progress",
        "mcp_progress",
        "query_update",
        "search_results_received",
        "waiting_for_task",
    ] {
        b.said("progress", json!({"data": {"type": kind, "output": format!("in {root}"), "elapsedTimeSeconds": 1}, "toolUseID": "t", "parentToolUseID": "t"}));
    }
    for (subtype, fields) in [
        (
            "microcompact_boundary",
            json!({"content": "", "microcompactMetadata": {"trigger": "auto", "tokensSaved": 1, "compactedToolIds": ["t"]}}),
        ),
        ("away_summary", json!({"content": format!("worked in {root}")})),
        (
            "api_error",
            json!({"error": {"status": 529}, "retryInMs": 500.5, "retryAttempt": 1, "maxRetries": 10}),
        ),
        ("local_command", json!({"content": "<command-name>/model</command-name>"})),
        ("informational", json!({"content": format!("{root} is trusted")})),
        (
            "stop_hook_summary",
            json!({"hookCount": 1, "hookInfos": [{"command": format!("{root}/hook.sh")}], "hookErrors": [], "preventedContinuation": false}),
        ),
        (
            "turn_duration",
            json!({"durationMs": 1234, "pendingBackgroundAgentCount": 1, "pendingWorkflowCount": 0}),
        ),
    ] {
        b.system(subtype, fields);
    }
    for attachment in [
        json!({"type": "queued_command", "prompt": format!("also {root}/b.txt"), "commandMode": "prompt"}),
        json!({"type": "goal_status", "met": true, "goal": format!("tests in {root} pass")}),
        json!({"type": "plan_mode", "reminderType": "full", "isSubAgent": false, "planFilePath": format!("{}/plans/quiet-red-fox.md", place.config), "planExists": false}),
        json!({"type": "plan_mode_exit", "planFilePath": format!("{}/plans/quiet-red-fox.md", place.config), "planExists": false}),
        json!({"type": "auto_mode"}),
        json!({"type": "auto_mode_exit"}),
        json!({"type": "ultra_effort_enter"}),
        json!({"type": "invoked_skills", "skills": [{"name": "s", "path": format!("{root}/s"), "content": format!("Base directory: {root}/s")}]}),
        json!({"type": "edited_text_file", "filename": format!("{root}/notes.txt"), "snippet": format!("1\t{text}")}),
        json!({"type": "hook_success", "hookName": "Stop", "toolUseID": "t", "hookEvent": "Stop", "content": format!("ran in {root}"), "stdout": "", "stderr": "", "exitCode": 0}),
        json!({"type": "hook_additional_context", "content": [format!("in {root}")], "hookName": "x", "toolUseID": "t", "hookEvent": "x"}),
        json!({"type": "deferred_tools_delta", "addedNames": ["x"], "addedLines": ["x"], "removedNames": []}),
        json!({"type": "mcp_instructions_delta", "addedNames": ["x"], "addedBlocks": ["y"], "removedNames": []}),
        json!({"type": "agent_listing_delta", "addedTypes": ["x"], "addedLines": ["y"], "removedTypes": []}),
        json!({"type": "date_change", "newDate": "2026-11-29"}),
        json!({"type": "total_tokens_reminder", "used": 1, "total": 2}),
        json!({"type": "nested_memory", "path": format!("{root}/sub/CLAUDE.md"), "displayPath": "sub/CLAUDE.md",
               "content": {"path": format!("{root}/sub/CLAUDE.md"), "type": "Project", "content": text, "contentDiffersFromDisk": false}}),
        json!({"type": "diagnostics", "isNew": true, "files": [{"uri": format!("file://{root}/a.txt"), "diagnostics": [{"message": "bad", "severity": "Error", "source": "x", "code": "1",
               "range": {"start": {"line": 1, "character": 2}, "end": {"line": 1, "character": 3}}}]}]}),
        json!({"type": "file", "filename": format!("{root}/notes.txt"), "displayPath": "notes.txt",
               "content": {"type": "text", "file": {"filePath": format!("{root}/notes.txt"), "content": text, "numLines": 1, "startLine": 1, "totalLines": 1}}}),
        json!({"type": "of_next_month", "payload": [1, 2.5, {"kept": format!("in {root}")}]}),
    ] {
        b.attached(attachment);
    }
    let todos = json!([{"content": "Write parser", "status": "in_progress", "activeForm": "Writing"}]);
    b.tool(
        "TodoWrite",
        json!({"todos": todos}),
        "Todos have been modified",
        json!({"oldTodos": [], "newTodos": todos}),
    );
    b.tool(
        "TaskCreate",
        json!({"subject": "x", "description": root}),
        "Task #1 created",
        json!({"task": {"id": "1", "subject": "x"}}),
    );
    b.tool(
        "TaskUpdate",
        json!({"taskId": "1", "status": "completed"}),
        "Updated",
        json!({"success": true, "taskId": "1", "statusChange": {"from": "pending", "to": "completed"}}),
    );
    b.tool(
        "Bash",
        json!({"command": "npm run dev", "run_in_background": true}),
        "Command running in background with ID: b1",
        json!({"stdout": "", "stderr": "", "backgroundTaskId": "b1"}),
    );
    b.tool("TaskOutput", json!({"task_id": "b1"}), "done", json!({"retrieval_status": "success", "task": {"task_id": "b1", "task_type": "local_bash", "status": "completed", "output": root}}));
    b.tool("Agent", json!({"description": "look", "prompt": format!("look at {root}"), "subagent_type": "Explore"}), "found it",
           json!({"status": "completed", "agentId": AGENT, "prompt": format!("look at {root}"), "content": [{"type": "text", "text": "found it"}],
                  "outputFile": format!("/tmp/claude-0/{}/{ID}/tasks/{AGENT}.output", place.project.rsplit('/').next().must("a name"))}));
    b.tool("Bash", json!({"command": "cat big"}), &format!("<persisted-output>\nOutput too large (40KB). Full output saved to: {}/{ID}/tool-results/big.txt\n\nPreview:\n{text}", place.project),
           json!({"stdout": "", "stderr": "", "persistedOutputPath": format!("{}/{ID}/tool-results/big.txt", place.project)}));
    b.tool(
        "Bash",
        json!({"command": "rm x"}),
        "The user doesn't want to proceed",
        json!("User rejected tool use"),
    );
    let fields = json!({"permissionDecision": {"decision": "accept", "source": "user_temporary", "grantScope": "session"}, "toolDenialKind": "user",
        "planContent": format!("edit {root}/a.txt"), "imagePasteIds": [1], "interruptedMessageId": "m", "isAbortedMidStream": true, "effort": "high",
        "attributionAgent": "x", "classifierMetaLines": ["y"], "mcpMeta": {"a": 1}, "thinkingMetadata": {"level": "high", "disabled": false},
        "session_id": "88888888-0000-4000-8000-000000000008", "sessionKind": "bg", "forkedFrom": {"sessionId": ID, "messageUuid": "m"},
        "slug": "quiet-red-fox", "isVisibleInTranscriptOnly": false, "todos": todos,
        "message": {"role": "user", "content": [{"type": "text", "text": format!("and {root}/c.txt")}, {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGVsbG8="}}]}});
    b.said("user", fields);
    b.answer(json!([{"type": "thinking", "thinking": format!("signed, so {written}/x stays"), "signature": "c2ln"}]));
    b.answer(json!([{"type": "redacted_thinking", "data": "c2ln"}]));
    b.answer(json!([{"type": "text", "text": "done"}]));
    let leaf = b.last.clone();
    b.beside(with("last-prompt", json!({"lastPrompt": format!("and {root}/c.txt"), "leafUuid": leaf})));
    b.beside(with("pr-link", json!({"prNumber": 7, "prUrl": "https://example.com/pr/7", "prRepository": "a/b", "timestamp": "2026-11-28T11:00:00.000Z"})));
    b.beside(with("custom-title", json!({"customTitle": "the parser"})));
    b.beside(with("ai-title", json!({"aiTitle": "Parser work"})));
    b.beside(with("queue-operation", json!({"operation": "enqueue", "content": format!("then {root}/d.txt"), "timestamp": "2026-11-28T11:00:00.000Z"})));
    b.beside(with("queue-operation", json!({"operation": "enqueue", "content": r#"{"task_id":"b9","description":"look","task_type":"local_agent"}"#})));
    b.beside(json!({"type": "file-history-delta", "messageId": "m", "trackingPath": format!("{root}/a.txt"), "backup": {"backupFileName": null, "version": 1, "realParentDir": root}}));
    b.beside(with("tools-used", json!({"tools": ["Bash"]})));
    b.beside(with("cost-state", json!({"totalCostUSD": 0.12, "modelUsage": {}})));
    b.beside(with("api-request", json!({"requestId": "r1", "bodyPath": format!("{}/x", place.config)})));
    b.beside(with("relocated", json!({"relocatedCwd": root})));
    b.beside(with("worktree-state", json!({"worktreeSession": null})));
    b.beside(json!({"type": "of-next-month", "payload": {"kept": 1.0, "as": ["it", root]}}));
}

fn write(project: &Project, records: &[Value]) {
    let path = project.home.project(project.root()).join(format!("{ID}.jsonl"));
    fs::create_dir_all(path.parent().must("a parent")).must("a folder");
    fs::write(path, records.iter().map(|record| format!("{record}\n")).collect::<String>())
        .must("a transcript");
}

#[test]
fn every_known_kind_of_record_is_there_after_a_hand_off_and_names_the_new_place_only() {
    let project = Project::new();
    let old = Place::of(&project);
    let records = everything(&old, &old.root);
    write(&project, &records);
    let saved = project.snap(&["save", "x", "--json"]).exits(0).json();
    assert_eq!(saved["history"]["records"], json!(records.len()));
    assert_eq!(saved["queue"], json!(1), "a task's start is no prompt");
    let shown = project.snap(&["show", "x", "--json"]).exits(0).json();
    assert_eq!(shown["session"]["title"], json!("the parser"));
    assert_eq!(shown["not_captured"]["processes"], json!([]), "the shell has ended");

    let clone = project.cloned_at("elsewhere/app");
    let new = Place::of(&clone);
    let store = project.stored("").to_str().must("UTF-8").to_owned();
    let resumed = clone.snap(&["resume", "x", "--store", &store, "--json"]).exits(0).json();
    let queued = |place: &Place| format!("then {}/d.txt", place.root);
    assert_eq!(resumed["queue"], json!([queued(&new)]));
    let notes = resumed["notes"].to_string();
    assert!(notes.contains(&queued(&new)) && !notes.contains(&queued(&old)), "{notes}");
    let there = fs::read_to_string(new.transcript()).must("the transcript");
    let there: Vec<Value> = there.lines().map(|line| serde_json::from_str(line).must("a record")).collect();
    let wanted = everything(&new, &old.root);
    for (number, (found, wanted)) in there.iter().zip(&wanted).enumerate() {
        assert_eq!(found, wanted, "record {}", number + 1);
    }
    let added: Vec<&str> =
        there[wanted.len()..].iter().filter_map(|record| record["type"].as_str()).collect();
    assert_eq!(added, ["custom-title", "agent-name"], "nothing else but its title is added");
}

fn the_first_request_after_a_hand_off_is_that_of_the_original(client: &Client) {
    let project = Project::new();
    let api = StandIn::start(|_| Reply::text("fine"));
    let old = Place::of(&project);
    write(&project, &everything(&old, &old.root));
    project.snap(&["save", "x"]).exits(0);
    let here = project.snap(&["resume", "x", "--no-edits", "--json"]).exits(0).json();
    let before = go_on(client, &project, &api, &here, "what next");
    let before = before.first().must("a request").messages();
    assert!(before.len() > 30, "the whole conversation is sent: {before:#?}");

    let clone = project.cloned_at("elsewhere/app");
    let new = Place::of(&clone);
    let store = project.stored("").to_str().must("UTF-8").to_owned();
    let there = clone.snap(&["resume", "x", "--no-edits", "--store", &store, "--json"]).exits(0).json();
    let after = go_on(client, &clone, &api, &there, "what next");
    let id = here["session_id"].as_str().must("an id");
    let after = after.first().must("a request").messages();
    assert_eq!(after, as_said_at(&before, id, &old, &new));
}

/// The messages of a conversation of this id, as they have to be after it was brought to another place.
pub(crate) fn as_said_at(messages: &[Value], id: &str, old: &Place, new: &Place) -> Vec<Value> {
    let slug = |place: &Place| place.project.rsplit('/').next().must("a name").to_owned();
    let moves = [
        (format!("{}2", old.root), "LOOKS ALIKE".to_owned()),
        (format!("signed, so {}", old.root), "SIGNED".to_owned()),
        (format!("ON DISK {}", old.root), "ON DISK".to_owned()),
        (id.to_owned(), ID.to_owned()),
        (slug(old), slug(new)),
        (old.root.clone(), new.root.clone()),
        (old.config.clone(), new.config.clone()),
        ("ON DISK".to_owned(), format!("ON DISK {}", old.root)),
        ("SIGNED".to_owned(), format!("signed, so {}", old.root)),
        ("LOOKS ALIKE".to_owned(), format!("{}2", old.root)),
    ];
    let moves: Vec<(&str, &str)> = moves.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    relocated(messages, &moves)
}
