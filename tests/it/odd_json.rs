//! Odd but honest files of the client: carried byte for byte, or named; they never fail the save.

use std::fs;

use serde_json::{Value, json};

use crate::support::Must;
use crate::support::project::Project;

const ID: &str = "c137e379-838e-4509-8148-16b407691758";

fn nested(open: &str, close: &str, depth: usize) -> String {
    format!("{}1{}", open.repeat(depth), close.repeat(depth))
}

/// JSON of a task or an agent that no manifest takes in, or only just, by what it is.
fn odd(id: &str) -> Vec<(&'static str, String)> {
    let deep = |depth| format!(r#"{{"id":"{id}","deep":{}}}"#, nested("[", "]", depth));
    vec![
        ("nested 88 deep", deep(88)),
        ("nested 99 deep", deep(99)),
        ("nested 127 deep", deep(127)),
        ("nested 1,000 deep", deep(1_000)),
        ("objects nested 1,000 deep", format!(r#"{{"id":"{id}","deep":{}}}"#, nested("{\"a\":", "}", 1_000))),
        ("nested 100,000 deep", deep(100_000)),
        ("a key twice", format!(r#"{{"id":"{id}","id":"{id}","a":{{"b":1,"b":2}}}}"#)),
        ("many values", format!(r#"{{"id":"{id}","many":[{}0]}}"#, "0,".repeat(300_000))),
        ("a number without bounds", format!(r#"{{"id":"{id}","big":1e999999}}"#)),
        ("half a surrogate pair", format!(r#"{{"id":"{id}","text":"\ud83d"}}"#)),
        ("NUL in a string", format!(r#"{{"id":"{id}","text":"\u0000"}}"#)),
        ("a byte order mark", format!("\u{feff}{{\"id\":\"{id}\"}}")),
        ("no object", "[[[[]]]]".to_owned()),
        ("empty", String::new()),
        ("torn", format!(r#"{{"id":"{id}","#)),
    ]
}

#[test]
fn whatever_a_task_or_an_agents_metadata_is_it_comes_back_byte_for_byte() {
    for (what, text) in odd("7") {
        let project = Project::new();
        let transcript = project.session(ID);
        let task = project.home.tasks(ID).join("7.json");
        fs::write(&task, &text).must("a task");
        project.write_beside(&transcript, "subagents/agent-ag7.meta.json", text.as_bytes());
        project.write_beside(
            &transcript,
            "subagents/agent-ag7.jsonl",
            b"{\"type\":\"user\",\"uuid\":\"a7\",\"message\":{\"role\":\"user\",\"content\":\"look\"}}\n",
        );
        project.write_beside(&transcript, "tool-results/odd.json", text.as_bytes());
        let saved = project.snap(&["save", "x"]);
        assert!([0, 6].contains(&saved.code), "{what}: exit {}\n{}", saved.code, saved.stderr);
        assert_eq!(saved.code == 6, saved.stderr.contains("not saved"), "{what}: {}", saved.stderr);
        project.snap(&["save", "y"]).exits(saved.code);
        project.snap(&["verify"]).exits(0);
        // Whoever gets it can take it in.
        project.snap(&["export", "x", "-o", "x.snap"]).exits(0);
        let file = project.path("x.snap");
        let clone = project.cloned().of_another_user();
        clone.snap(&["import", file.to_str().must("UTF-8")]).exits(0);
        fs::remove_file(&file).must("to remove the file");
        fs::remove_dir_all(transcript.with_extension("")).must("to remove the side files");
        fs::remove_dir_all(project.home.tasks(ID)).must("to remove the tasks");
        fs::remove_file(&transcript).must("to remove the transcript");
        project.snap(&["resume", "x", "--no-run"]).exits(0);
        let named = |path: &str| saved.stderr.contains(path);
        for path in ["subagents/agent-ag7.meta.json", "tool-results/odd.json"] {
            let back = fs::read(transcript.with_extension("").join(path));
            assert!(named(path) || back.is_ok_and(|back| back == text.as_bytes()), "{what}: {path}");
        }
        assert!(named("7.json") || fs::read(&task).is_ok_and(|back| back == text.as_bytes()), "{what}");
    }
}

#[test]
fn records_nested_as_deep_as_one_likes_are_saved_and_resumed() {
    for depth in [130, 1_000, 100_000] {
        let project = Project::new();
        let transcript = project.session(ID);
        let record = format!(
            r#"{{"type":"user","uuid":"d1","parentUuid":"u2","sessionId":"{ID}","message":{{"role":"user","content":"deep"}},"toolUseResult":{}}}"#,
            nested("[", "]", depth)
        );
        project.append(&transcript, format!("{record}\n").as_bytes());
        project.write_beside(&transcript, "subagents/agent-ag1.jsonl", format!("{record}\n").as_bytes());
        project.snap(&["save", "x"]).exits(0);
        let shown: Value = project.snap(&["show", "x", "--json"]).exits(0).json();
        assert_eq!(shown["session"]["transcript"]["records"], json!(6), "{depth}");
        fs::remove_dir_all(transcript.with_extension("")).must("to remove the side files");
        fs::remove_dir_all(project.home.tasks(ID)).must("to remove the tasks");
        fs::remove_file(&transcript).must("to remove the transcript");
        project.snap(&["resume", "x", "--no-run"]).exits(0);
        let back = fs::read_to_string(&transcript).must("the transcript");
        assert!(back.lines().any(|line| line == record), "{depth}");
    }
}

#[test]
fn of_a_task_or_an_agent_that_no_manifest_takes_in_what_can_be_read_is_shown() {
    for odd in [r#""x":"\ud83d""#, r#""x":1e999"#, r#""x":1,"x":2"#] {
        let project = Project::new();
        let transcript = project.session(ID);
        let task = format!(r#"{{"id":"7","subject":"cut short","status":"completed",{odd}}}"#);
        fs::write(project.home.tasks(ID).join("7.json"), &task).must("a task");
        let meta = format!(r#"{{"agentType":"Plan","description":"look closely","finished":true,{odd}}}"#);
        project.write_beside(&transcript, "subagents/agent-ag1.meta.json", meta.as_bytes());
        project.snap(&["save", "x"]).exits(0).says(&[]);
        let shown = project.snap(&["show", "x"]).exits(0).stdout;
        for words in ["2 of 3 done", "cut short", "done", "Plan  look closely"] {
            assert!(shown.contains(words), "{odd}: {words:?} is not in {shown}");
        }
        let listed = project.snap(&["list", "--json"]).exits(0).json();
        assert_eq!(listed[0]["tasks"], json!({"done": 2, "all": 3}), "{odd}");
    }
}

#[test]
fn a_prompt_or_a_title_that_was_cut_within_a_character_is_shown_with_what_is_left() {
    let project = Project::new();
    let transcript = project.session(ID);
    let records = [
        r#"{"type":"queue-operation","operation":"enqueue","content":"cut \ud83d"}"#,
        r#"{"type":"custom-title","customTitle":"a title \ud83d"}"#,
    ];
    project.append(&transcript, format!("{}\n", records.join("\n")).as_bytes());
    project.snap(&["save", "x"]).exits(0);
    let shown = project.snap(&["show", "x", "--json"]).exits(0).json();
    assert_eq!(shown["queue"], json!(["then test it", "cut \u{fffd}"]));
    assert_eq!(shown["session"]["title"], json!("a title \u{fffd}"));
}

#[test]
fn what_nobody_could_take_in_does_not_leave() {
    let project = Project::new();
    project.session(ID);
    project.snap(&["save", "x"]).exits(0);
    // As an earlier version saved it.
    let path = project.stored("x.json");
    let json =
        fs::read_to_string(&path).must("a manifest").replacen(r#""new": 1.0"#, r#""new": 1.0, "new": 2"#, 1);
    fs::write(&path, claude_snap::manifest::seal(json.into_bytes()).must("sealed")).must("a manifest");
    let remote = project.home.path().join("remote.git");
    project.git(&["init", "-q", "--bare", remote.to_str().must("UTF-8")]);
    for command in [&["export", "x", "-o", "x.snap"][..], &["push", remote.to_str().must("UTF-8"), "x"]] {
        project.snap(command).exits(3).says(&["nobody could add it", "is there twice", "snap save"]);
    }
    assert!(!project.path("x.snap").exists());
    project.snap(&["show", "x"]).exits(0);
}

#[test]
fn save_and_show_count_the_same_tasks_and_a_file_that_is_none_is_said() {
    let project = Project::new();
    let id = "c137e379-838e-4509-8148-16b407691758";
    project.session(id);
    fs::write(project.home.tasks(id).join("3.json"), "not JSON").must("no task");
    let saved = project.snap(&["save", "x", "--json"]).exits(0).json();
    assert_eq!(saved["tasks"], 2, "{saved}");
    assert!(
        saved["notes"].to_string().contains("1 file of the task list can't be read as a task"),
        "{saved}"
    );
    assert!(project.snap(&["show", "x"]).exits(0).stdout.contains("1 of 2 done"));
}
