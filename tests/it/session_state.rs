//! The state around a conversation: what the client still loads of it, files to rewind to, shared tasks, nested agents.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::Must;
use crate::support::api::StandIn;
use crate::support::client::Client;
use crate::support::project::{Project, ran};
use crate::support::work::{assert_tasks, script};

const SESSION: &str = "c137e379-838e-4509-8148-16b407691758";

with_both_clients! {
    what_the_client_still_loads_resumes_with_the_same_request_as_the_whole
    files_are_rewound_to_before_an_edit_after_a_hand_off
    tasks_of_a_shared_list_come_back_as_the_sessions_own
}

fn project() -> Project {
    let project = Project::new();
    project.write("notes.txt", "one\ntwo\n");
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "notes"]);
    project
}

/// Resumes a snapshot as a new session in place, asks something, and returns all messages of the first request as they
/// were sent, but for the session's id.
#[track_caller]
fn first_request(client: &Client, project: &Project, api: &StandIn, name: &str) -> String {
    let resumed = project.snap(&["resume", name, "--no-edits", "--fork", "--json"]).exits(0).json();
    let id = resumed["session_id"].as_str().must("an id");
    api.clear();
    client.print(&project.home, project.root(), api, &["--resume", id], "list tasks").succeeded();
    let first = api.main().into_iter().next().must("a request");
    first.body["messages"].to_string().replace(id, "SESSION")
}

fn what_the_client_still_loads_resumes_with_the_same_request_as_the_whole(client: &Client) {
    let (project, api) = (project(), StandIn::start(script));
    let say = |arguments: &[&str], prompt: &str| {
        client.print(&project.home, project.root(), &api, arguments, prompt).succeeded().session_id
    };
    let id = say(&[], &format!("work {}", project.root().display()));
    let compare = |number: &str| {
        project.snap(&["save", &format!("full {number}"), "--history", "full"]).exits(0);
        let saved = project.snap(&["save", &format!("context {number}"), "--json"]).exits(0);
        let history = &saved.json()["history"];
        assert_eq!(history["from"], "compaction");
        assert!(history["left_out"]["records"].as_u64() > Some(5), "{history}");
        let whole = first_request(client, &project, &api, &format!("full {number}"));
        assert_eq!(whole, first_request(client, &project, &api, &format!("context {number}")));
        assert!(whole.contains("What happened so far") && whole.contains("list tasks"), "{whole}");
    };
    say(&["--resume", &id], "/compact");
    compare("1");
    say(&["--resume", &id], "what next");
    say(&["--resume", &id], "/compact");
    compare("2");
    // From 2.1.226 on, a boundary also names records that were never written.
    let transcript = project.home.project(project.root()).join(format!("{id}.jsonl"));
    let text = fs::read_to_string(&transcript).must("the transcript");
    let unwritten = r#""allUuids":["99999999-0000-4000-8000-000000000009","#;
    assert_eq!(text.contains(r#""allUuids":["#), !client.is_oldest(), "only a newer client names any");
    fs::write(&transcript, text.replace(r#""allUuids":["#, unwritten)).must("to write");
    compare("3");
    let shown = project.snap(&["show", "context 2"]).exits(0).stdout;
    assert!(shown.contains("since its last compaction"), "{shown}");
}

fn files_are_rewound_to_before_an_edit_after_a_hand_off(client: &Client) {
    let (project, api) = (project(), StandIn::start(script));
    let prompt = format!("work {}", project.root().display());
    client.print(&project.home, project.root(), &api, &[], &prompt).succeeded();
    project.snap(&["save", "x"]).exits(0);
    let clone = project.cloned();
    let store = project.stored("");
    let store = store.to_str().must("UTF-8").to_owned();
    let resumed = clone.snap(&["resume", "x", "--store", &store, "--json"]).exits(0).json();
    drop(project);
    assert_eq!(clone.read("notes.txt"), b"uno\ntwo\n");
    let id = resumed["session_id"].as_str().must("an id");
    let transcript = clone.home.config().join("projects");
    let folder = fs::read_dir(transcript).must("projects").flatten().next().must("a project").path();
    let text = fs::read_to_string(folder.join(format!("{id}.jsonl"))).must("the transcript");
    let mut records = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let asked = records.find(|record| record["message"]["content"].is_string()).must("the prompt");
    // What `/rewind` does, without its screen.
    let mut rewind = Command::new(client.bin_dir().join("claude"));
    rewind.args(["--resume", id, "--rewind-files", asked["uuid"].as_str().must("an id")]);
    rewind.env_clear().envs(client.environment(&clone.home, &api)).current_dir(clone.root());
    let done = ran(rewind.stdin(Stdio::null())).exits(0);
    assert_eq!(clone.read("notes.txt"), b"one\ntwo\n", "{}", done.stdout);
}

fn tasks_of_a_shared_list_come_back_as_the_sessions_own(client: &Client) {
    let (project, api) = (project(), StandIn::start(script));
    let prompt = format!("work {}", project.root().display());
    let id = client.print(&project.home, project.root(), &api, &[], &prompt).succeeded().session_id;
    // As if the client had been started with the variable: it then keeps its tasks under that name.
    fs::rename(project.home.tasks(&id), project.home.tasks("shared"))
        .must("the task folder under another name");
    let with_list = |arguments: &[&str]| {
        ran(project.command(project.root(), arguments).env("CLAUDE_CODE_TASK_LIST_ID", "shared")).exits(0)
    };
    with_list(&["save", "x"]);
    fs::remove_dir_all(project.home.tasks("shared")).must("the shared list is gone");
    let resumed = with_list(&["resume", "x", "--json"]).json();
    let new = resumed["session_id"].as_str().must("an id");
    assert_eq!(resumed["resume"]["env"], json!({"CLAUDE_CODE_TASK_LIST_ID": new}));
    api.clear();
    client.print(&project.home, project.root(), &api, &["--resume", new], "list tasks").succeeded();
    assert_tasks(&api.main());
}

#[test]
fn tasks_of_a_team_of_agents_come_back_where_either_kind_of_client_looks() {
    let project = Project::new();
    project.session(SESSION);
    let teams = format!("session-{}", &SESSION[..8]);
    fs::rename(project.home.tasks(SESSION), project.home.tasks(&teams)).must("the name that teams use");
    project.snap(&["save", "x"]).exits(0);
    let resumed = project.snap(&["resume", "x", "--no-edits", "--fork", "--json"]).exits(0).json();
    let id = resumed["session_id"].as_str().must("an id");
    let task = |folder: &str| fs::read(project.home.tasks(folder).join("1.json")).must("a task");
    assert_eq!(task(id), task(&teams));
    assert_eq!(task(&format!("session-{}", &id[..8])), task(&teams));
}

#[test]
fn tasks_whose_files_are_gone_are_those_that_the_model_was_reminded_of() {
    let project = Project::new();
    let transcript = project.session(SESSION);
    fs::remove_dir_all(project.home.tasks(SESSION)).must("the tasks are gone");
    let reminder = json!({"type": "attachment", "uuid": "u3", "parentUuid": "u2", "sessionId": SESSION, "attachment":
        {"type": "task_reminder", "content": [{"id": "1", "subject": "Write parser", "status": "pending", "new": 1}]}});
    project.append(&transcript, format!("{reminder}\n").as_bytes());
    project.snap(&["save", "x"]).exits(0).says(&["files of the task queue are gone", "tasks: 1"]);
    let shown = project.snap(&["show", "x", "--json"]).exits(0).json();
    assert_eq!(shown["tasks"], reminder["attachment"]["content"]);
    // An empty folder is an empty queue.
    fs::create_dir_all(project.home.tasks(SESSION)).must("a folder");
    project.snap(&["save", "y"]).exits(0);
    assert_eq!(project.snap(&["show", "y", "--json"]).exits(0).json()["tasks"], json!([]));
}

#[test]
fn agents_are_shown_as_a_tree_with_what_each_did_last() {
    let project = Project::new();
    let transcript = project.session(SESSION);
    let agent = |id: &str, meta: Value, command: &str| {
        let call = json!({"type": "assistant", "uuid": format!("{id}-1"), "isSidechain": true, "agentId": id, "message":
            {"role": "assistant", "content": [{"type": "tool_use", "id": id, "name": "Bash", "input": {"command": command}}]}});
        project.write_beside(
            &transcript,
            &format!("subagents/agent-{id}.jsonl"),
            format!("{call}\n").as_bytes(),
        );
        project.write_beside(
            &transcript,
            &format!("subagents/agent-{id}.meta.json"),
            meta.to_string().as_bytes(),
        );
    };
    agent(
        "zz",
        json!({"agentType": "general-purpose", "description": "outer look", "spawnDepth": 1}),
        "make all",
    );
    agent(
        "aa",
        json!({"agentType": "Explore", "description": "inner look", "parentAgentId": "zz", "finished": true}),
        "ls -la",
    );
    project.snap(&["save", "x"]).exits(0);
    let shown = project.snap(&["show", "x"]).exits(0).stdout;
    let lines: Vec<&str> = shown.lines().map(str::trim_end).collect();
    let at = |text: &str| lines.iter().position(|line| line.contains(text)).must(text);
    let outer = at("outer look");
    assert!(lines[outer + 1].ends_with("last: Bash make all"), "{shown}");
    assert!(lines[outer + 2].contains("done") && lines[outer + 2].contains("inner look"), "{shown}");
    assert!(lines[outer + 3].ends_with("last: Bash ls -la"), "{shown}");
    let indent = |line: &str| line.len() - line.trim_start().len();
    assert!(indent(lines[outer + 2]) > indent(lines[outer]), "{shown}");
}

#[test]
fn a_session_is_found_by_its_only_record_however_long_that_is() {
    let project = Project::new();
    let transcript = project.session(SESSION);
    let record = json!({"type": "user", "uuid": "u1", "parentUuid": null, "sessionId": SESSION,
        "message": {"role": "user", "content": "long ".repeat(1 << 20)}, "cwd": project.root()});
    fs::write(&transcript, format!("{record}\n")).must("a transcript of one line");
    project.snap(&["save", "x"]).exits(0);
    let shown = project.snap(&["show", "x", "--json"]).exits(0).json();
    assert_eq!(
        (&shown["session"]["id"], &shown["session"]["transcript"]["records"]),
        (&json!(SESSION), &json!(1))
    );
}

/// Saves a session, resumes it in a clone, goes on there, and saves it there as "y" in the same store.
pub(crate) fn handed_over_and_back() -> (Project, std::path::PathBuf, Vec<u8>) {
    handed_over_with(&[])
}

/// The same, with more records in it when it is saved first.
fn handed_over_with(records: &[Value]) -> (Project, std::path::PathBuf, Vec<u8>) {
    let project = Project::new();
    let transcript = project.session(SESSION);
    for record in records {
        project.append(&transcript, format!("{record}\n").as_bytes());
    }
    project.snap(&["save", "x"]).exits(0);
    let before = fs::read(&transcript).must("the transcript");
    let clone = project.cloned();
    let store = project.stored("");
    let store = store.to_str().must("UTF-8");
    let resumed = clone.snap(&["resume", "x", "--trust", "--store", store, "--json"]).exits(0).json();
    assert_eq!((&resumed["session_id"], &resumed["continues"]), (&json!(SESSION), &json!(false)));
    let there = clone.home.project(clone.root()).join(format!("{SESSION}.jsonl"));
    let last = records.last().map_or("u2", |last| last["uuid"].as_str().must("an id"));
    let more = json!({"type": "user", "uuid": "u3", "parentUuid": last, "sessionId": SESSION, "cwd": clone.root(),
        "message": {"role": "user", "content": "and more"}});
    clone.append(&there, format!("{more}\n").as_bytes());
    clone.snap(&["save", "y", "--store", store]).exits(0);
    (project, transcript, before)
}

#[test]
fn a_session_that_went_on_elsewhere_goes_on_here_under_its_id() {
    let (project, transcript, before) = handed_over_and_back();
    let dry = project.snap(&["resume", "y", "--trust", "--dry-run"]).exits(0).stdout;
    assert!(dry.contains("the missing records are appended"), "{dry}");
    let resumed = project.snap(&["resume", "y", "--trust", "--json"]).exits(0).json();
    assert_eq!(
        (&resumed["session_id"], &resumed["continues"], &resumed["renamed"]),
        (&json!(SESSION), &json!(true), &json!(false))
    );
    let after = fs::read(&transcript).must("the transcript");
    assert!(after.starts_with(&before), "only appended to");
    let added = String::from_utf8_lossy(&after[before.len()..]).into_owned();
    let root = project.root().to_str().must("UTF-8");
    assert!(added.contains("and more") && added.contains(root) && added.ends_with("}\n"), "{added}");
    assert_eq!(
        fs::read_dir(transcript.parent().must("a folder")).must("a folder").count(),
        2,
        "one transcript"
    );
    // Now nothing is missing here: once more, nothing is written.
    let again = project.snap(&["resume", "y", "--trust", "--json"]).exits(0).json();
    assert_eq!((&again["renamed"], &again["continues"]), (&json!(false), &json!(true)));
    assert_eq!(fs::read(&transcript).must("the transcript"), after);
}

#[test]
fn a_session_with_secrets_or_a_compaction_goes_on_here_under_its_id_too() {
    let token = format!("ghp_{}", "a1B2c3D4e5".repeat(4).get(..36).must("36 letters"));
    let said = |uuid: &str, parent: &str, text: &str| {
        json!({"type": "user", "uuid": uuid, "parentUuid": parent, "sessionId": SESSION,
            "message": {"role": "user", "content": text}})
    };
    let secret = |after| said("s1", after, &format!("use {token} for it"));
    let boundary = json!({"type": "system", "subtype": "compact_boundary", "uuid": "b1", "parentUuid": null,
        "logicalParentUuid": "u2", "sessionId": SESSION, "compactMetadata": {"trigger": "manual"}});
    let summary = said("c1", "b1", "what happened so far");
    for records in
        [vec![secret("u2")], vec![boundary.clone(), summary.clone()], vec![boundary, summary, secret("c1")]]
    {
        let (project, transcript, before) = handed_over_with(&records);
        let kept = fs::read_to_string(project.stored("y.json")).must("the manifest");
        assert!(!kept.contains(&token));
        let resumed = project.snap(&["resume", "y", "--trust", "--json"]).exits(0).json();
        assert_eq!((&resumed["session_id"], &resumed["continues"]), (&json!(SESSION), &json!(true)));
        let after = fs::read(&transcript).must("the transcript");
        assert!(after.starts_with(&before), "only appended to: its secrets and its history stay");
        let added = String::from_utf8_lossy(&after[before.len()..]).into_owned();
        assert!(added.contains("and more") && !added.contains("what happened so far"), "{added}");
    }
}

#[test]
fn a_session_that_went_on_here_too_is_not_touched() {
    let record = "{\"type\":\"user\",\"uuid\":\"u9\",\"message\":{\"role\":\"user\",\"content\":\"here\"}}\n";
    for changed in ["the conversation", "a task", "an agent"] {
        let (project, transcript, _) = handed_over_and_back();
        match changed {
            "the conversation" => project.append(&transcript, record.as_bytes()),
            "a task" => fs::write(project.home.tasks(SESSION).join("1.json"), "{}").must("a task"),
            _ => project.write_beside(&transcript, "subagents/agent-ag1.jsonl", record.as_bytes()),
        }
        let before = fs::read(&transcript).must("the transcript");
        let resumed = project.snap(&["resume", "y", "--trust", "--json"]).exits(0).json();
        assert_eq!(resumed["renamed"], true, "{changed}");
        assert_ne!(resumed["session_id"], SESSION, "{changed}");
        assert_eq!(fs::read(&transcript).must("the transcript"), before, "{changed}");
    }
}

#[test]
fn a_session_that_runs_is_not_continued_by_others() {
    let (project, transcript, before) = handed_over_and_back();
    let sessions = project.home.config().join("sessions");
    fs::create_dir_all(&sessions).must("a folder");
    let pid = std::process::id();
    let live = json!({"pid": pid, "sessionId": SESSION, "cwd": project.root(), "status": "idle"});
    fs::write(sessions.join(format!("{pid}.json")), live.to_string()).must("a live session");
    let resumed = project.snap(&["resume", "y", "--trust", "--json"]).exits(0).json();
    assert_eq!(resumed["renamed"], true);
    assert_eq!(fs::read(&transcript).must("the transcript"), before);
}

#[test]
fn plans_and_older_task_lists_come_back_and_none_that_is_here_is_replaced() {
    let project = Project::new();
    let transcript = project.session(SESSION);
    let config = project.home.config();
    let root = project.root().to_str().must("UTF-8").to_owned();
    let named = json!({"type": "user", "uuid": "u3", "parentUuid": "u2", "sessionId": SESSION, "slug": "quiet-red-fox",
        "cwd": root, "message": {"role": "user", "content": "plan it"}});
    let moved = json!({"type": "relocated", "relocatedCwd": root, "sessionId": SESSION});
    let tree = json!({"type": "worktree-state", "sessionId": SESSION, "worktreeSession":
        {"originalCwd": root, "worktreePath": format!("{root}/.claude/worktrees/x"), "worktreeName": "x"}});
    project.append(&transcript, format!("{named}\n{moved}\n{tree}\n").as_bytes());
    for folder in ["plans", "todos"] {
        fs::create_dir_all(config.join(folder)).must("a folder");
    }
    let write = |name: &str, text: &str| fs::write(config.join(name), text).must("to write");
    write("plans/quiet-red-fox.md", &format!("# Plan\nedit {root}/a.txt\n"));
    write("plans/quiet-red-fox-agent-ag1.md", "# Its plan\n");
    write("plans/quiet-red-foxes.md", "another session's\n");
    write(&format!("todos/{SESSION}-agent-{SESSION}.json"), r#"[{"content":"test","status":"pending"}]"#);
    write(&format!("todos/{SESSION}-agent-ag1.json"), "[]");
    project.snap(&["save", "x"]).exits(0);
    let shown = project.snap(&["show", "x"]).exits(0).stdout;
    assert!(shown.contains("plans/quiet-red-fox.md") && shown.contains("todos/own.json"), "{shown}");
    assert!(!shown.contains("foxes"), "{shown}");
    project.snap(&["verify"]).exits(0);

    // Elsewhere: all of it, under the same names, with its paths.
    let clone = project.cloned();
    let store = project.stored("");
    let store = store.to_str().must("UTF-8");
    clone.snap(&["resume", "x", "--no-edits", "--paths", "keep", "--store", store]).exits(0);
    let there = |name: &str| fs::read_to_string(clone.home.config().join(name)).must(name);
    assert_eq!(there("plans/quiet-red-fox-agent-ag1.md"), "# Its plan\n");
    assert!(there(&format!("todos/{SESSION}-agent-{SESSION}.json")).contains("pending"));
    let text =
        fs::read_to_string(clone.home.project(clone.root()).join(format!("{SESSION}.jsonl"))).must("it");
    let places =
        text.lines().filter(|line| line.contains("relocatedCwd") || line.contains("worktreeSession\":{"));
    for line in places {
        assert!(
            line.contains(clone.root().to_str().must("UTF-8")) && !line.contains(&format!("\"{root}")),
            "{line}"
        );
    }
    // Here: a new session; a plan that is another now stays, and that is said.
    write("plans/quiet-red-fox.md", "# A newer plan\n");
    fs::remove_file(config.join("plans/quiet-red-fox-agent-ag1.md")).must("to remove");
    let resumed = project.snap(&["resume", "x", "--no-edits", "--fork", "--json"]).exits(0).json();
    let id = resumed["session_id"].as_str().must("an id");
    assert!(resumed["notes"].to_string().contains("plans/quiet-red-fox.md here differs"), "{resumed}");
    assert!(!resumed["notes"].to_string().contains("ag1.md"), "{resumed}");
    let here = |name: &str| fs::read_to_string(config.join(name)).must(name);
    assert_eq!(here("plans/quiet-red-fox.md"), "# A newer plan\n");
    assert_eq!(here("plans/quiet-red-fox-agent-ag1.md"), "# Its plan\n");
    assert!(here(&format!("todos/{id}-agent-{id}.json")).contains("pending"));
    assert_eq!(here(&format!("todos/{id}-agent-ag1.json")), "[]");
}

/// A record of the main conversation's helper: a branch of it.
fn branch(id: &str, uuid: &str, parent: &str, minute: u32) -> Value {
    json!({"type": "user", "uuid": uuid, "parentUuid": parent, "isSidechain": true, "agentId": id, "sessionId": SESSION,
           "timestamp": format!("2026-11-21T01:{minute}:00.000Z"), "message": {"role": "user", "content": "sum up"}})
}

#[test]
fn the_clients_own_agents_are_carried_and_neither_counted_nor_mended() {
    let project = Project::new();
    let transcript = project.session(SESSION);
    let mut files = Vec::new();
    for id in ["acompact-1b98b4", "aprompt_suggestion-7508e4", "aside_question-918fb0"] {
        let records = format!("{}\n{}\n", branch(id, "h1", "u2", 20), branch(id, "h2", "hook", 21));
        let name = format!("subagents/agent-{id}.jsonl");
        project.write_beside(&transcript, &name, records.as_bytes());
        files.push((name, records));
    }
    // An agent that goes on from the conversation, and one whose hook left no record.
    let fork = format!("{}\n{}\n", branch("ag2", "f1", "u1", 20), branch("ag2", "f2", "f1", 21));
    project.write_beside(&transcript, "subagents/agent-ag2.jsonl", fork.as_bytes());
    let hooked = format!("{}\n{}\n", branch("ag3", "k1", "u1", 20), branch("ag3", "k2", "hook", 20));
    project.write_beside(&transcript, "subagents/agent-ag3.jsonl", hooked.as_bytes());
    let saved = project.snap(&["save", "x", "--json"]).exits(0).json();
    assert_eq!(saved["agents"], json!(3));
    assert!(!project.snap(&["show", "x"]).stdout.contains("acompact"));
    let verified = project.snap(&["verify"]).exits(0);
    assert!(!verified.stderr.contains("follows one that is not here"), "{}", verified.stderr);

    let resumed = project.snap(&["resume", "x", "--no-edits", "--json"]).exits(0);
    assert!(!resumed.json()["notes"].to_string().contains("mended"), "{}", resumed.stdout);
    let id = resumed.json()["session_id"].as_str().must("an id").to_owned();
    let beside = transcript.with_file_name(&id);
    files.extend([
        ("subagents/agent-ag2.jsonl".to_owned(), fork),
        ("subagents/agent-ag3.jsonl".to_owned(), hooked),
    ]);
    for (name, records) in files {
        let back = fs::read_to_string(beside.join(&name)).must("the agent's file");
        assert_eq!(back, records.replace(SESSION, &id), "{name}");
    }
}

#[test]
fn what_plain_resume_would_leave_out_before_an_orphan_is_said_and_comes_back() {
    let project = Project::new();
    let transcript = project.session(SESSION);
    let record = |uuid: &str, parent: &str, second: u32, content: &str| {
        json!({"type": "user", "uuid": uuid, "parentUuid": parent, "sessionId": SESSION,
               "timestamp": format!("2026-11-21T01:20:{second:02}.000Z"), "message": {"role": "user", "content": content}})
    };
    // Joined by the client itself; then one that came too late for that.
    let records =
        [record("u3", "u2", 0, "one"), record("u4", "lost", 4, "two"), record("u5", "gone", 10, "three")];
    project.append(&transcript, records.map(|record| format!("{record}\n")).concat().as_bytes());
    project.snap(&["save", "x"]).exits(0);
    let resumed = project.snap(&["resume", "x", "--no-edits", "--json"]).exits(0).json();
    let notes = resumed["notes"].to_string();
    assert!(notes.contains("line 7: the record follows one that is not here (mended"), "{notes}");
    assert!(
        notes.contains("line 8: the record follows one that is not here; `claude --resume` of the original begins with it, without the 4 messages before it"),
        "{notes}"
    );
    let id = resumed["session_id"].as_str().must("an id");
    let there = fs::read_to_string(transcript.with_file_name(format!("{id}.jsonl"))).must("the copy");
    let parents: Vec<Value> =
        there.lines().map(|line| serde_json::from_str::<Value>(line).must("JSON")).collect();
    let parent =
        |uuid: &str| parents.iter().find(|record| record["uuid"] == uuid).must("it")["parentUuid"].clone();
    assert_eq!((parent("u4"), parent("u5")), (json!("u3"), json!("u4")));
}

#[test]
fn an_empty_reminder_of_tasks_is_no_loss_of_any() {
    let project = Project::new();
    let transcript = project.session(SESSION);
    let reminder = json!({"type": "attachment", "uuid": "r1", "parentUuid": "u2", "sessionId": SESSION,
        "attachment": {"type": "task_reminder", "content": [], "itemCount": 0}});
    project.append(&transcript, format!("{reminder}\n").as_bytes());
    fs::remove_dir_all(project.home.tasks(SESSION)).must("to remove the tasks");
    let saved = project.snap(&["save", "x"]).exits(0);
    assert!(!saved.stderr.contains("task queue"), "{}", saved.stderr);
}
