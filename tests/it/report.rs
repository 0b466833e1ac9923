//! `snap report`: what is in a page, a note and the JSON of a snapshot, and what is not.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::redaction::token;
use crate::support::Must;
use crate::support::needs;
use crate::support::page::Page;
use crate::support::planted::Random;
use crate::support::project::{Project, ran};

pub(crate) const ID: &str = "c137e379-838e-4509-8148-16b407691758";
pub(crate) const AGENT: &str = "a0123456789abcdef";

/// A red dot.
const DOT: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg==";

/// Writes a transcript of these records, each a minute after the one before it.
pub(crate) fn transcript(project: &Project, path: &Path, records: &[Value]) {
    let mut text = String::new();
    for (number, fields) in records.iter().enumerate() {
        let mut record = json!({"uuid": format!("u{number}"), "cwd": project.root(), "sessionId": ID, "version": "2.1.332",
            "parentUuid": number.checked_sub(1).map(|before| format!("u{before}")),
            "timestamp": format!("2026-11-21T{:02}:{:02}:00.000Z", number / 60, number % 60)});
        for (name, value) in fields.as_object().must("fields") {
            record[name] = value.clone();
        }
        text += &format!("{record}\n");
    }
    fs::create_dir_all(path.parent().must("a folder")).must("a folder");
    fs::write(path, text).must("a transcript");
}

pub(crate) fn asked(text: &str) -> Value {
    json!({"type": "user", "message": {"role": "user", "content": text}})
}

pub(crate) fn answered(content: Value) -> Value {
    json!({"type": "assistant", "message": {"role": "assistant", "model": "claude-test-1", "content": content}})
}

pub(crate) fn called(id: &str, tool: &str, input: Value) -> Value {
    answered(json!([{"type": "tool_use", "id": id, "name": tool, "input": input}]))
}

pub(crate) fn result(id: &str, text: &str, seen: Value) -> Value {
    json!({"type": "user", "toolUseResult": seen, "message": {"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": id, "content": text}]}})
}

/// A project with a session in which everything that a page shows happened.
pub(crate) fn worked() -> Project {
    let project = Project::new();
    let root = project.root().to_str().must("UTF-8");
    let file = format!("{root}/a.txt");
    let transcript_file = project.home.project(project.root()).join(format!("{ID}.jsonl"));
    let mut edit =
        result("t2", "The file was updated.", json!({"structuredPatch": [{"lines": ["-one", "+two"]}]}));
    edit["permissionDecision"] = json!({"decision": "accept", "source": "user_temporary"});
    let records = [
        asked("port the <api>\nand *test* it"),
        answered(
            json!([{"type": "thinking", "thinking": "first look"}, {"type": "text", "text": "I look **first**."}]),
        ),
        called("t1", "Bash", json!({"command": "cat a.txt", "description": "look at it"})),
        result("t1", "one\n\u{1b}[31mred\u{1b}[0m", json!({})),
        called("t2", "Edit", json!({"file_path": file, "old_string": "say one", "new_string": "say two"})),
        edit,
        called("t3", "Agent", json!({"description": "look around", "prompt": "look"})),
        result("t3", "all fine", json!({"agentId": AGENT, "status": "completed"})),
        called("t4", "TaskCreate", json!({"subject": "Write it", "description": "now"})),
        result("t4", "created", json!({"task": {"id": "1", "subject": "Write it"}})),
        called("t5", "TaskUpdate", json!({"taskId": "1", "status": "completed"})),
        result("t5", "updated", json!({"success": true})),
        json!({"type": "system", "subtype": "compact_boundary"}),
        json!({"type": "user", "isCompactSummary": true, "message": {"role": "user", "content": "So far: all of it."}}),
        json!({"type": "user", "message": {"role": "user", "content": [{"type": "text", "text": "and this"},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": DOT}}]}}),
        called("t6", "Bash", json!({"command": "make"})),
    ];
    transcript(&project, &transcript_file, &records);
    let agents = transcript_file.with_extension("").join("subagents");
    transcript(
        &project,
        &agents.join(format!("agent-{AGENT}.jsonl")),
        &[
            json!({"type": "user", "isSidechain": true, "agentId": AGENT, "message": {"role": "user", "content": "look"}}),
            json!({"type": "assistant", "isSidechain": true, "agentId": AGENT, "message": {"role": "assistant",
                "content": [{"type": "text", "text": "all fine"}]}}),
        ],
    );
    let meta = json!({"agentType": "Explore", "description": "look around", "finished": true});
    fs::write(agents.join(format!("agent-{AGENT}.meta.json")), meta.to_string()).must("written");
    let tasks = project.home.tasks(ID);
    fs::create_dir_all(&tasks).must("a folder");
    fs::write(tasks.join("1.json"), r#"{"id":"1","subject":"Write it","status":"completed"}"#).must("a task");
    fs::write(tasks.join("2.json"), r#"{"id":"2","subject":"Test it","status":"pending","blockedBy":["1"]}"#)
        .must("a task");
    project.write("a.txt", "now it says two\nand more\n");
    project.write("new.md", "new\n");
    project
}

/// Saves, and makes a page.
pub(crate) fn page_of(project: &Project, options: &[&str]) -> Page {
    let arguments = [&["report", "x", "-o", "page.html", "--force"], options].concat();
    project.snap(&arguments).exits(0);
    let page = Page::read(&project.read("page.html"));
    fs::remove_file(project.path("page.html")).must("removed");
    page
}

fn saved() -> Project {
    let project = worked();
    project.snap(&["save", "x", "--history", "full"]).exits(0);
    project
}

#[test]
fn a_page_holds_all_that_was_said_and_done() {
    let project = saved();
    let page = page_of(&project, &[]);
    let items: Vec<(char, String, String)> = page.items();
    let item = |kind: char, label: &str, text: &str| (kind, label.to_owned(), text.to_owned());
    let expected = [
        item('p', "", "port the <api>\nand *test* it"),
        item('t', "", "first look"),
        item('a', "", "I look **first**."),
        item('c', "Bash", "command: cat a.txt\ndescription: look at it\none\n\u{1b}[31mred\u{1b}[0m"),
        item(
            'c',
            "Edit",
            "@@ -1 +1 @@\n-say \u{e000}one\u{e001}\n+say \u{e000}two\u{e001}\nThe file was updated.",
        ),
        item('c', "Agent", "description: look around\nprompt: look\nall fine"),
        item('c', "TaskCreate", "description: now\nsubject: Write it\ncreated"),
        item('c', "TaskUpdate", "taskId: 1\nstatus: completed\nupdated"),
        item('x', "", ""),
        item('k', "", "So far: all of it."),
        item('p', "", "and this"),
        item('i', "image/png", DOT),
        item('c', "Bash", "make\n"),
        item('p', "", "look"),
        item('a', "", "all fine"),
    ];
    let sorted = |items: Vec<(char, String, String)>| {
        // Fields of an input stand in the order in which the record has them.
        items
            .into_iter()
            .map(|(kind, label, text)| {
                let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
                lines.sort();
                (kind, label, lines)
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(sorted(items), sorted(expected.to_vec()));
    let index = &page.index;
    let threads = index["threads"].as_array().must("threads");
    assert_eq!((threads.len(), &threads[1]["parent"]), (2, &json!({"thread": 0, "item": 5})));
    assert_eq!(index["agents"], json!([[5, 1]]));
    assert_eq!(index["open"], json!([12]));
    assert_eq!(index["prompts"], json!([[0, "port the <api>…"], [10, "and this"], [13, "look"]]));
    assert_eq!(
        index["tasks"][0]["moves"],
        json!([{"item": 6, "status": "pending"}, {"item": 7, "status": "completed"}])
    );
    assert_eq!(index["tasks"][1]["blocked_by"], json!(["1"]));
    assert_eq!(index["decisions"][0]["item"], 4);
    assert_eq!(index["size"]["changed"], json!([[4, 1, 1]]));
    // The edits are those of the snapshot, each with the calls that wrote the file.
    let edits = page.edits();
    assert_eq!(edits[0].0, "a.txt");
    assert_eq!(index["edits"][0]["items"], json!([4]));
    let shown: String = edits[0].1.chars().filter(|c| !('\u{e000}'..='\u{e002}').contains(c)).collect();
    let patch = project.snap(&["diff", "x", "--", "a.txt"]).exits(0).stdout;
    let lines = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| line.starts_with(['+', '-', ' ']));
        lines.filter(|line| !line.starts_with("+++") && !line.starts_with("---")).map(str::to_owned).collect()
    };
    assert_eq!(lines(&shown), lines(&patch));
    assert_eq!(edits[1], ("new.md".to_owned(), "@@ -1 +1 @@\n+new\n".to_owned()));
}

#[test]
fn all_text_of_a_page_belongs_to_an_item_or_an_edit() {
    let project = saved();
    let page = page_of(&project, &[]);
    let items: usize = page.items().iter().map(|item| item.2.len()).sum();
    let edits: usize = page.edits().iter().map(|edit| edit.1.len()).sum();
    let colors: usize = (0..page.edits().len()).map(|edit| page.colors(edit).len()).sum();
    assert_eq!(page.chunks.iter().map(Vec::len).sum::<usize>(), items + edits + colors);
}

#[test]
fn the_head_of_a_page_stands_alone() {
    let project = saved();
    let page = page_of(&project, &[]);
    for words in [
        "port the &lt;api&gt;",
        "1 of 2 tasks done",
        "<td>Test it</td><td>pending</td><td>1</td>",
        "<td>look around</td><td>Explore</td><td>done</td>",
        "<td>M</td><td>a.txt</td>",
    ] {
        assert!(page.head().contains(words), "{words}: {}", page.head());
    }
    assert!(!page.head().contains("<li>look</li>"), "what an agent was told is no prompt: {}", page.head());
}

/// A session that was saved as `half way`, went on in the future, and was saved as `x`.
pub(crate) fn with_checkpoint() -> Project {
    let project = worked();
    project.snap(&["save", "half way", "--history", "full"]).exits(0);
    let transcript = project.home.project(project.root()).join(format!("{ID}.jsonl"));
    let mut records = fs::read_to_string(&transcript).must("a transcript");
    let last = records.lines().rev().find_map(|line| {
        let record: Value = serde_json::from_str(line).ok()?;
        record["uuid"].as_str().map(str::to_owned)
    });
    let record = json!({"type": "user", "uuid": "later", "parentUuid": last, "cwd": project.root(), "sessionId": ID,
        "version": "2.1.332", "timestamp": "2099-01-01T00:00:00.000Z", "message": {"role": "user", "content": "go on"}});
    records += &format!("{record}\n");
    fs::write(&transcript, records).must("written");
    project.snap(&["save", "x", "--history", "full"]).exits(0);
    project
}

#[test]
fn checkpoints_of_the_session_are_chapters_unless_prompts_are_left_out() {
    let project = with_checkpoint();
    project.snap(&["rewind", "x", "--no-session"]).exits(0);
    let names = |page: &Page| page.index["checkpoints"].as_array().must("a list").len();
    let page = page_of(&project, &[]);
    assert_eq!(page.index["checkpoints"][0][0], "half way");
    assert_eq!(names(&page), 1, "neither itself nor what an undo goes back to");
    assert_eq!(names(&page_of(&project, &["--only", "edits"])), 0, "a name may be made of a prompt");
    let report = project.snap(&["report", "x", "--format", "json"]).exits(0).json();
    assert_eq!(report["checkpoints"][0]["name"], "half way", "{}", report["overview"]);
}

#[test]
fn the_same_snapshot_makes_the_same_page() {
    let project = saved();
    let page = || project.snap(&["report", "x", "-o", "-"]).exits(0).stdout;
    let first = page();
    assert!(first == page());
    let mut alone = project.command(project.root(), &["report", "x", "-o", "-"]);
    let alone = crate::support::project::ran(alone.env("SNAP_THREADS", "1")).exits(0).stdout;
    assert!(first == alone, "with one thread");
}

#[test]
fn a_file_that_exists_is_only_written_over_if_that_is_said() {
    let project = saved();
    project.snap(&["report"]).exits(0).says(&["Made a report of \"x\"", "x.html"]);
    let first = project.read("x.html");
    project.snap(&["report"]).exits(3).says(&["exists already", "--force"]);
    project.write("x.html", "mine");
    project.snap(&["report", "-o", "x.html"]).exits(3);
    assert_eq!(project.read("x.html"), b"mine");
    project.snap(&["report", "--force"]).exits(0);
    assert!(project.read("x.html") == first);
    let said = project.snap(&["report", "-o", "y.html", "--json"]).exits(0).json();
    assert_eq!((&said["name"], said["bytes"].as_u64()), (&json!("x"), Some(first.len() as u64)));
    project.snap(&["report", "-o", "-", "--json"]).exits(2);
    // Only a plain file is ever replaced.
    std::os::unix::fs::symlink("y.html", project.path("link.html")).must("a link");
    project.snap(&["report", "-o", "link.html", "--force"]).exits(3).says(&["no plain file"]);
    project.snap(&["report", "-o", "/dev/null", "--force"]).exits(3).says(&["no plain file"]);
}

#[test]
fn only_what_is_wanted_is_in_a_page_and_it_says_what_is_not() {
    let project = saved();
    let page = page_of(&project, &["--only", "prompts,edits"]);
    assert_eq!(page.said('p').len(), 2);
    assert!(page.items().iter().all(|item| "px".contains(item.0)), "{:?}", page.items());
    assert_eq!(page.edits().len(), 2);
    assert_eq!((&page.index["tasks"], &page.index["grants"]), (&json!([]), &json!([])));
    for words in
        ["steps of kinds that were not wanted", "1 agent&#39;s conversation", "all tasks", "all grants"]
    {
        assert!(page.head().contains(words), "{words}: {}", page.head());
    }
    project.snap(&["report", "--only", "everything"]).exits(2).says(&["prompts"]);

    let page = page_of(&project, &["--no-tools"]);
    let calls = page.said('c');
    assert!(calls.len() == 6 && calls.iter().all(String::is_empty), "{calls:?}");
    assert_eq!(page.index["emptied"].as_array().map(Vec::len), Some(7), "and what the agent was asked");
    assert_eq!(page.index["agents"], json!([[5, 1]]), "an agent is still linked with its call");
    assert!(page.head().contains("6 tool calls: input and output, by --no-tools"), "{}", page.head());
}

#[test]
fn what_is_in_a_redacted_path_is_neither_in_its_edit_nor_in_a_call_that_names_it() {
    let project = saved();
    let page = page_of(&project, &["--redact", "a.txt"]);
    let all = page.chunks.concat();
    let all = String::from_utf8_lossy(&all);
    assert!(!all.contains("say two") && !all.contains("and more") && !all.contains("[31mred"), "{all}");
    assert!(all.contains("all fine") && all.contains("+new"), "{all}");
    let edit = &page.index["edits"][0];
    assert_eq!(
        (&edit["path"], &edit["left_out"], &edit["bytes"]),
        (&json!("a.txt"), &json!(true), &json!(0))
    );
    assert!(page.head().contains("1 file: what was edited, by --redact"), "{}", page.head());
    assert!(page.head().contains("2 tool calls that named a redacted path"), "{}", page.head());
    project.snap(&["report", "x", "-o", "y.html", "--redact", "."]).exits(2);
    project.snap(&["report", "x", "-o", "y.html", "--redact", ".."]).exits(2);
}

#[test]
fn a_report_of_two_snapshots_is_of_what_lies_between_them() {
    let project = saved();
    let file = project.home.project(project.root()).join(format!("{ID}.jsonl"));
    let later = |kind: &str, text: &str| {
        json!({"type": kind, "uuid": text, "cwd": project.root(), "sessionId": ID, "version": "2.1.332",
               "timestamp": "2099-01-01T00:00:00.000Z", "message": {"role": kind, "content": text}})
    };
    project.append(&file, format!("{}\n", later("user", "one thing more")).as_bytes());
    project.write("new.md", "newer\n");
    project.snap(&["save", "y", "--history", "full"]).exits(0);
    project.snap(&["report", "x", "y", "-o", "page.html"]).exits(0);
    let page = Page::read(&project.read("page.html"));
    assert_eq!(page.said('p'), ["one thing more"]);
    let edits = page.edits();
    let paths: Vec<&str> = edits.iter().map(|edit| edit.0.as_str()).collect();
    assert_eq!(paths, ["new.md"]);
    assert!(edits[0].1.contains("-new\n+newer\n"), "{edits:?}");
    assert_eq!(page.index["between"], json!(["x", "y"]));
    assert!(page.head().contains("steps that the first snapshot has already"), "{}", page.head());
    project.snap(&["report", "y", "x", "-o", "z.html"]).exits(2).says(&["older one first"]);
    let note = project.snap(&["report", "x", "y", "--format", "markdown"]).exits(0).stdout;
    assert!(note.contains("what came after `x`") && note.contains("one thing more"), "{note}");
}

#[test]
fn nothing_is_made_of_a_snapshot_with_an_open_secret() {
    let project = saved();
    let github = token("github classic", 1);
    project.write("test_data.txt", format!("{github}\n"));
    let found = project.snap(&["save", "y", "--json"]).exits(0).json();
    let id = found["secrets"][0]["id"].as_str().must("an id").to_owned();
    project.snap(&["save", "z", "--allow-secret", &id]).exits(0);
    fs::remove_file(project.home.path().join(".local/state/snap/allowed")).must("removed");
    for format in ["html", "markdown", "json"] {
        let options = ["report", "z", "-o", "page", "--format", format];
        let refused =
            project.snap(&options).exits(3).says(&["github-token", "test_data.txt", "--allow-secret"]);
        assert!(!refused.stdout.contains(&github) && !refused.stderr.contains(&github));
        assert!(!project.path("page").exists());
    }
    assert_eq!(project.snap(&["report", "z", "-o", "-"]).exits(3).stdout, "");
    let page = ["report", "z", "-o", "page.html", "--allow-secret", &id];
    project.snap(&page).exits(0);
    assert!(
        String::from_utf8_lossy(&Page::read(&project.read("page.html")).chunks.concat()).contains(&github)
    );
}

#[test]
fn a_secret_that_is_only_in_a_committed_version_stops_a_report_that_would_show_it() {
    let project = Project::new();
    let github = token("github classic", 2);
    project.write("config.txt", format!("{github}\nline\n"));
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "a mistake"]);
    project.snap(&["save", "x"]).exits(0);
    project.write("config.txt", "nothing\nline\n");
    project.snap(&["save", "y"]).exits(0);
    let refused =
        project.snap(&["report", "x", "y", "-o", "page.html"]).exits(3).says(&["github-token", "config.txt"]);
    assert!(!refused.stderr.contains(&github));
    // Another save would change nothing: it is in what was committed.
    let refused = refused.says(&["saving again does not take it out", "--redact PATH", "--allow-secret"]);
    assert!(!refused.stderr.contains("save again"), "{}", refused.stderr);
    project.snap(&["report", "x", "y", "-o", "out.html", "--redact", "config.txt"]).exits(0);
    assert!(!project.path("page.html").exists());
    // The snapshot itself holds a placeholder.
    project.snap(&["report", "y", "-o", "page.html"]).exits(0);
    let page = Page::read(&project.read("page.html"));
    assert!(page.edits()[0].1.starts_with("@@ -1 +1 @@\n-«snap:secret:"), "{:?}", page.edits());
}

#[test]
fn a_note_says_goal_done_open_and_how_to_go_on() {
    let project = saved();
    let note = project.snap(&["report", "x", "--format", "markdown"]).exits(0).stdout;
    for words in [
        "## Goal",
        "port the <api>\nand *test* it",
        "## Done\n\n- `1. Write it`",
        "## Open\n\n- `2. Test it`, after `1`",
        "- M `a.txt`",
        "snap resume x",
    ] {
        assert!(note.contains(words), "{words}: {note}");
    }
    assert!(note.len() < 16 << 10, "it is bounded");
    project.snap(&["report", "x", "--format", "markdown", "-o", "note.md"]).exits(0);
    assert_eq!(project.read("note.md"), note.as_bytes());
}

#[test]
fn the_json_of_a_report_is_as_its_schema_says() {
    let project = saved();
    for options in
        [&["x"][..], &["x", "--only", "prompts"], &["x", "--redact", "a.txt", "--no-tools"], &["x", "x"]]
    {
        let arguments = [&["report", "--format", "json"], options].concat();
        let report = project.snap(&arguments).exits(0).json();
        let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/report.schema.json");
        let schema: Value = serde_json::from_slice(&fs::read(schema).must("the schema")).must("JSON");
        let validator = jsonschema::validator_for(&schema).must("a schema");
        let faults: Vec<String> = validator
            .iter_errors(&report)
            .map(|fault| format!("{}: {fault}", fault.instance_path()))
            .collect();
        assert_eq!(faults, Vec::<String>::new());
    }
    let report = project.snap(&["report", "--format", "json"]).exits(0).json();
    let call = &report["threads"][0]["items"][4]["call"];
    assert_eq!(
        (&call["tool"], &call["file"], &call["end"]),
        (&json!("Edit"), &json!("a.txt"), &json!("done"))
    );
    assert_eq!(call["input"]["new_string"], "say two");
    assert_eq!(report["threads"][1]["agent"], AGENT);
    assert_eq!(report["edits"][1]["text"], "@@ -1 +1 @@\n+new\n");
}

/// The most memory that a process has had, in KiB.
fn peak(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix("kB")?.trim().parse().ok())
}

#[test]
fn a_page_of_a_larger_session_takes_no_more_memory() {
    let mut peaks = Vec::new();
    for calls in [100, 1_500] {
        let project = Project::new();
        let mut random = Random::new(calls);
        let mut records = vec![asked("read it all")];
        for number in 0..calls {
            let id = format!("t{number}");
            let text: String = (0..1_000).map(|_| format!("{:x} ", random.below(100_000))).collect();
            records.push(called(&id, "Read", json!({"file_path": "/x"})));
            records.push(result(&id, &text, json!({})));
        }
        let file = project.home.project(project.root()).join(format!("{ID}.jsonl"));
        transcript(&project, &file, &records);
        project.snap(&["save", "x"]).exits(0);
        // Nothing is written before all is made, and nobody takes it: then it waits.
        let mut command = project.command(project.root(), &["report", "-o", "-"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().must("snap");
        let mut first = [0; 1];
        child.stdout.as_mut().must("its output").read_exact(&mut first).must("the first byte");
        let most = peak(child.id());
        child.kill().must("killed");
        child.wait().must("its end");
        let Some(most) = most else {
            needs::skipped("memory of a report", "/proc does not say how much a process had");
            return;
        };
        peaks.push(most);
    }
    // 8 MB of text more: a part of it is what the index says of each call.
    assert!(peaks[1] < peaks[0] + (6 << 10), "{peaks:?} KiB");
}

#[test]
fn a_page_is_opened_by_no_program_of_the_project() {
    let project = Project::new();
    project.snap(&["save", "x"]).exits(0);
    let mark = project.home.path().join("opened");
    for name in ["xdg-open", "open"] {
        project.write(format!("tools/{name}"), format!("#!/bin/sh\ntouch '{}'\n", mark.display()));
        project.make_executable(&format!("tools/{name}"));
    }
    let git = std::env::var("PATH").must("a path");
    let git = git.split(':').find(|folder| Path::new(folder).join("git").is_file()).must("git");
    let place = project.home.path().join("only-git");
    fs::create_dir(&place).must("a folder");
    std::os::unix::fs::symlink(Path::new(git).join("git"), place.join("git")).must("a link");
    let path = format!("{}:tools:{}", project.path("tools").display(), place.display());
    let opened = ran(project.command(project.root(), &["report", "--open"]).env("PATH", path));
    opened.exits(7).says(&["neither `xdg-open` nor `open`"]);
    assert!(!mark.exists());
}

#[test]
fn a_page_that_no_browser_opens_is_said_to_be_where_it_is() {
    let project = Project::new();
    project.snap(&["save", "x"]).exits(0);
    let tools = project.home.path().join("tools");
    fs::create_dir(&tools).must("a folder");
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").must("a path"));
    let report = |script: &str| {
        let opener = tools.join("xdg-open");
        fs::write(&opener, format!("#!/bin/sh\n{script}\n")).must("an opener");
        fs::set_permissions(&opener, fs::Permissions::from_mode(0o755)).must("permissions");
        ran(project
            .command(project.root(), &["report", "x", "-o", "page.html", "--force", "--open"])
            .env("PATH", &path))
    };
    let page = project.path("page.html");
    let failed = report("exit 3").exits(7);
    failed.says(&[
        "no browser was found",
        "`xdg-open` ended with exit status: 3",
        page.to_str().must("UTF-8"),
    ]);
    assert!(page.exists(), "the page is there");
    report("exit 0").exits(0);
    // One that becomes the browser goes on.
    report("exec sleep 3").exits(0);
}
