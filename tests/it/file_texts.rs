//! The text of files in a conversation: it stays as it is on the disk, wherever the session goes on.

use std::fs;

use claude_snap::remap::{FileCalls, MapSpec, PathMap, RemapMode, RemapReport, Remapper};
use serde_json::{Value, json};

use crate::real_client::go_on;
use crate::support::Must;
use crate::support::api::{Reply, StandIn, Turn};
use crate::support::client::Client;
use crate::support::project::Project;

with_both_clients! {
    a_file_that_names_the_old_place_is_edited_after_a_hand_off
}

/// Rewrites `/old` to `/new` in records that come one after the other.
fn rewritten(records: &[Value]) -> (Vec<Value>, RemapReport) {
    let spec = MapSpec {
        roots: vec![("/old".to_owned(), "/new".to_owned())],
        rewritten: vec!["/old/plans".to_owned()],
        ..MapSpec::default()
    };
    let remapper = Remapper::new(&PathMap::build(&spec).must("a map"), RemapMode::Rewrite).must("a remapper");
    let (mut calls, mut report) = (FileCalls::default(), RemapReport::default());
    let mut rewrite = |record: &Value| {
        let record = record.to_string();
        let mut out = Vec::new();
        calls.observe(record.as_bytes());
        let mut take = |bytes: &[u8]| out.extend_from_slice(bytes);
        remapper.remap_line_to(record.as_bytes(), &calls, &mut take, &mut report);
        serde_json::from_slice(&out).must("a record")
    };
    (records.iter().map(&mut rewrite).collect(), report)
}

fn call(name: &str, input: Value) -> Value {
    json!({"type": "assistant", "message": {"content": [{"type": "tool_use", "id": "t1", "name": name, "input": input}]}})
}

fn result(content: Value, tool_use_result: Value) -> Value {
    json!({"type": "user", "toolUseResult": tool_use_result,
           "message": {"content": [{"tool_use_id": "t1", "type": "tool_result", "content": content}]}})
}

/// Makes records for a place.
type Records = fn(&str) -> Vec<Value>;

#[test]
fn what_names_a_place_is_rewritten_and_the_text_of_files_is_not() {
    // Each is made for a place; what a file holds says `/old` in both.
    let cases: Vec<(&str, Records)> = vec![
        ("a file that was read", |root| {
            let file = json!({"filePath": format!("{root}/a"), "content": "in /old/x", "numLines": 1});
            vec![
                call("Read", json!({"file_path": format!("{root}/a")})),
                result(json!("     1\tin /old/x"), json!({"type": "text", "file": file})),
            ]
        }),
        ("… by an agent, whose result is in blocks", |root| {
            let text = json!([{"type": "text", "text": "1\tin /old/x"}]);
            vec![call("Read", json!({"file_path": format!("{root}/a")})), result(text, Value::Null)]
        }),
        ("… and was not there", |root| {
            let mut failed = result(json!(format!("no file {root}/a")), json!(format!("Error: no {root}/a")));
            failed["message"]["content"][0]["is_error"] = true.into();
            vec![call("Read", json!({"file_path": format!("{root}/a")})), failed]
        }),
        ("a file that was written", |root| {
            let path = format!("{root}/a");
            vec![
                call("Write", json!({"file_path": path, "content": "in /old/x"})),
                result(
                    json!(format!("The file {root}/a was written:\n1\tin /old/x")),
                    json!({"type": "create", "filePath": path, "content": "in /old/x", "structuredPatch": [], "originalFile": "/old"}),
                ),
            ]
        }),
        ("an edit", |root| {
            let path = format!("{root}/a");
            let patch = json!([{"oldStart": 1, "lines": ["-in /old/x", "+in /old/y"]}]);
            vec![
                call(
                    "Edit",
                    json!({"old_string": "in /old/x", "new_string": "in /old/y", "file_path": path}),
                ),
                result(
                    json!(format!("Edited {root}/a\r\n1\tin /old/y")),
                    json!({"filePath": path, "oldString": "in /old/x", "newString": "in /old/y", "originalFile": "in /old/x",
                           "structuredPatch": patch, "gitDiff": {"filename": "a", "patch": "-in /old/x"}}),
                ),
            ]
        }),
        ("an edit that did not fit", |root| {
            let path = format!("{root}/a");
            let mut failed = result(json!(format!("Not found in {root}/a.\nString: in /old/x")), Value::Null);
            failed["message"]["content"][0]["is_error"] = true.into();
            let edits = json!([{"old_string": "/old", "new_string": "/old/y"}]);
            vec![call("MultiEdit", json!({"file_path": path, "edits": edits})), failed]
        }),
        ("a notebook", |root| {
            let cells =
                json!([{"cellType": "code", "source": "open('/old/x')", "outputs": [{"text": "/old/x"}]}]);
            vec![
                call(
                    "NotebookEdit",
                    json!({"notebook_path": format!("{root}/n"), "new_source": "open('/old/x')"}),
                ),
                json!({"type": "user", "toolUseResult": {"type": "notebook", "file": {"filePath": format!("{root}/n"), "cells": cells}}}),
            ]
        }),
        ("a search", |root| {
            let found = format!("{root}/a:3:in /old/x\n{root}/b:4:and /old/y");
            let files = json!({"mode": "content", "filenames": [format!("{root}/a")], "content": found});
            vec![call("Grep", json!({"pattern": "in", "path": root})), result(json!(found), files)]
        }),
        ("a command that prints a file", |root| {
            vec![
                call("Bash", json!({"command": format!("cd {root} && cat a | head -3")})),
                result(json!("in /old/x"), json!({"stdout": "in /old/x", "stderr": ""})),
            ]
        }),
        ("a command that says something else", |root| {
            let said = format!("in {root}/x");
            vec![
                call("Bash", json!({"command": format!("make -C {root}")})),
                result(json!(said), json!({"stdout": said, "stderr": said})),
            ]
        }),
        ("a result whose call was left out by a compaction", |root| {
            let file = json!({"filePath": format!("{root}/a"), "content": "in /old/x"});
            vec![result(json!("1\tin /old/x"), json!({"type": "text", "file": file}))]
        }),
        ("a file that was attached", |root| {
            let file =
                json!({"type": "text", "file": {"filePath": format!("{root}/a"), "content": "in /old/x"}});
            let path = format!("{root}/a");
            vec![
                json!({"type": "attachment", "attachment": {"type": "file", "filename": path, "content": file}}),
                json!({"type": "attachment", "attachment": {"type": "edited_text_file", "filename": path, "snippet": "in /old/x"}}),
                json!({"type": "attachment", "attachment": {"type": "nested_memory", "path": path,
                       "content": {"type": "Project", "path": path, "content": "in /old/x"}}}),
                json!({"type": "attachment", "attachment": {"type": "invoked_skills", "skills":
                       [{"name": "s", "path": path, "content": format!("Base directory: {root}")}]}}),
            ]
        }),
        ("a file that a server's tool read", |root| {
            vec![
                call("mcp__files__read_text_file", json!({"path": format!("{root}/a")})),
                result(json!("in /old/x"), Value::Null),
                call("mcp__files__write_file", json!({"path": format!("{root}/a"), "content": "in /old/x"})),
                result(json!(format!("wrote {root}/a\nin /old/x")), Value::Null),
            ]
        }),
        ("a plan, which is rewritten itself", |root| {
            vec![call(
                "Write",
                json!({"file_path": format!("{root}/plans/p.md"), "content": format!("edit {root}/a")}),
            )]
        }),
        ("words about a file", |root| {
            vec![
                json!({"type": "user", "cwd": root, "message": {"content": format!("look at {root}/a")}}),
                json!({"type": "assistant", "message": {"content": [{"type": "text", "text": format!("{root}/a is\n{root}/b")}]}}),
                json!({"type": "queue-operation", "content": format!("then {root}/b")}),
            ]
        }),
    ];
    for (what, made) in cases {
        let (rewritten, report) = rewritten(&made("/old"));
        assert_eq!(rewritten, made("/new"), "{what}");
        assert_eq!((report.protected, report.kept), (0, 0), "{what}");
        let left = Value::from(rewritten).to_string().matches("/old").count();
        assert_eq!(report.in_files, left as u64, "{what}");
    }
}

/// Plays `TOOL PATH`: reads or writes a file, or edits it without reading it again.
fn tools(turn: &Turn<'_>) -> Reply {
    let (what, path) = turn.prompt.split_once(' ').unwrap_or_default();
    let (path, text) = path.split_once(' ').unwrap_or((path, ""));
    turn.play(vec![match what {
        "read" => Reply::tool("Read", json!({"file_path": path})),
        "print" => Reply::tool("Bash", json!({"command": format!("cat {path}"), "description": "print"})),
        "write" => Reply::tool("Write", json!({"file_path": path, "content": text})),
        "edit" => {
            Reply::tool("Edit", json!({"file_path": path, "old_string": text, "new_string": "is edited"}))
        }
        _ => Reply::text("what?"),
    }])
}

fn a_file_that_names_the_old_place_is_edited_after_a_hand_off(client: &Client) {
    let (project, api) = (Project::new(), StandIn::start(tools));
    let root = project.root().to_str().must("UTF-8").to_owned();
    let text = format!("is {root}/x");
    for name in ["read.txt", "printed.txt"] {
        project.write(name, format!("{text}\n"));
    }
    project.write("plain.txt", "is x\n");
    let read =
        client.print(&project.home, project.root(), &api, &[], &format!("read {root}/read.txt")).succeeded();
    let id = read.session_id;
    for more in [
        format!("print {root}/printed.txt"),
        format!("write {root}/written.txt {text}"),
        format!("read {root}/plain.txt"),
        format!("write {root}/plain-written.txt is x"),
    ] {
        client.print(&project.home, project.root(), &api, &["--resume", &id], &more).succeeded();
    }
    project.snap(&["save", "x"]).exits(0);

    let clone = project.cloned_at("elsewhere");
    let store = project.stored("").to_str().must("UTF-8").to_owned();
    let resumed = clone.snap(&["resume", "x", "--store", &store, "--json"]).exits(0).json();
    assert!(resumed["paths"]["left_in_files"].as_u64().must("a number") > 0, "{resumed}");
    // Says whether the client takes an edit of a file as it knows it.
    let edits = |name: &str, text: &str| {
        let path = clone.path(name);
        let requests = go_on(client, &clone, &api, &resumed, &format!("edit {} {text}", path.display()));
        let messages = requests.last().must("a request").messages();
        let said = messages.into_iter().rev().find(|message| message["content"]["type"] == "tool_result");
        let said = said.must("a result")["content"].clone();
        let now = fs::read_to_string(path).must("the file");
        let taken = now.contains("is edited");
        assert_eq!(taken, said["is_error"] != true, "{name}: {said}");
        assert!(!said.to_string().contains("String to replace not found"), "{name}: {said}");
        taken
    };
    // The oldest client takes no edit of what it read or wrote before it was resumed, if the file is newer.
    let (read, written) = (edits("plain.txt", "is x"), edits("plain-written.txt", "is x"));
    assert!((read && written) || client.is_oldest());
    assert_eq!((edits("read.txt", &text), edits("written.txt", &text)), (read, written));
    // The newest client takes a file that was printed for one that was read.
    assert!(edits("printed.txt", &text) || client.is_oldest());
}

#[test]
fn queued_prompts_are_brought_to_the_new_place_like_messages() {
    let project = Project::new();
    let id = "c137e379-838e-4509-8148-16b407691758";
    let transcript = project.session(id);
    let root = project.root().to_str().must("UTF-8").to_owned();
    let queued = json!({"type": "queue-operation", "operation": "enqueue", "content": format!("look at {root}/a.txt, not {root}2")});
    project.append(&transcript, format!("{queued}\n").as_bytes());
    project.snap(&["save", "x"]).exits(0);
    let clone = project.cloned();
    let store = project.stored("").to_str().must("UTF-8").to_owned();
    for (mode, shown) in [("rewrite", clone.root().to_str().must("UTF-8")), ("keep", root.as_str())] {
        let resumed = clone.snap(&[
            "resume",
            "x",
            "--no-edits",
            "--paths",
            mode,
            "--dry-run",
            "--store",
            &store,
            "--json",
        ]);
        let queue = resumed.exits(0).json()["queue"].clone();
        assert_eq!(queue, json!(["then test it", format!("look at {shown}/a.txt, not {root}2")]), "{mode}");
    }
}
