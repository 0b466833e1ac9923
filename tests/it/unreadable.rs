//! Files of a session that may not be read, or on a disk that fails: everything else is saved, and what is missing is
//! named wherever one looks.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::Must;
use crate::support::preload::{Trouble, troubled};
use crate::support::project::{Project, Ran, ran};

const SESSION: &str = "c137e379-838e-4509-8148-16b407691758";

/// A session with one file of each kind, and an edit.
fn project() -> Project {
    let project = Project::new();
    let transcript = project.session(SESSION);
    let config = project.home.config();
    let named = json!({"type": "user", "uuid": "u3", "parentUuid": "u2", "sessionId": SESSION, "slug": "quiet-red-fox",
        "cwd": project.root(), "message": {"role": "user", "content": "plan it"}});
    project.append(&transcript, format!("{named}\n").as_bytes());
    project.write_beside(&transcript, "tool-results/long.txt", b"a long result\n");
    let write = |name: &str, text: &str| {
        let path = config.join(name);
        fs::create_dir_all(path.parent().must("a parent")).must("the folder above");
        fs::write(path, text).must("to write");
    };
    write("plans/quiet-red-fox.md", "# Plan\n");
    write(&format!("todos/{SESSION}-agent-{SESSION}.json"), "[]");
    write(&format!("file-history/{SESSION}/aaaabbbbccccdddd@v1"), "as it was\n");
    write(&format!("snap/{SESSION}.jsonl"), "{}\n");
    project.write(".claude/settings.local.json", r#"{"permissions":{"allow":["Bash(ls)"]}}"#);
    project.write("a.txt", "edited\n");
    project
}

fn save(project: &Project, name: &str, trouble: Trouble) -> Ran {
    ran(troubled(&mut project.command(project.root(), &["save", name, "--json"]), trouble))
}

/// What a snapshot has, counted.
fn parts(shown: &Value) -> [usize; 6] {
    let length = |part: &Value| part.as_array().map_or(0, Vec::len);
    let session = &shown["session"];
    let agents = shown["agents"].as_array().must("agents");
    [
        length(&shown["tasks"]),
        length(&session["files"]),
        length(&session["elsewhere"]),
        agents.iter().filter(|agent| !agent["transcript"].is_null()).count(),
        agents.iter().filter(|agent| !agent["meta"].is_null()).count(),
        length(&shown["permissions"]["project"]["allow"]),
    ]
}

#[test]
fn a_file_that_cannot_be_read_is_named_and_all_others_are_saved() {
    let project = project();
    project.snap(&["save", "whole"]).exits(0);
    let whole = parts(&project.snap(&["show", "whole", "--json"]).exits(0).json());
    assert_eq!(whole, [2, 2, 2, 1, 1, 1]);
    let less = |part: usize, by: usize| {
        let mut parts = whole;
        parts[part] -= by;
        parts
    };
    let cases = [
        ("plans/quiet-red-fox.md", less(2, 1)),
        ("/plans", less(2, 1)),
        ("/todos/", less(2, 1)),
        ("/todos", less(2, 1)),
        ("tool-results/long.txt", less(1, 1)),
        ("/tool-results", less(1, 1)),
        ("aaaabbbbccccdddd@v1", less(1, 1)),
        ("/file-history", less(1, 1)),
        ("/2.json", less(0, 1)),
        ("/tasks/", less(0, 2)),
        ("agent-ag1.jsonl", less(3, 1)),
        ("agent-ag1.meta.json", less(4, 1)),
        ("/settings.local.json", less(5, 1)),
    ];
    for (number, (part, left)) in cases.into_iter().enumerate() {
        for trouble in [Trouble::Closed(part), Trouble::Broken(part)] {
            // A folder that can be opened can be listed.
            if matches!(trouble, Trouble::Broken(_)) && !part.contains('.') && !part.contains('@') {
                continue;
            }
            let name = format!("{number} {trouble:?}");
            let saved =
                save(&project, &name, trouble).exits(6).says(&["not saved: ", part.trim_matches('/')]);
            let missing = &saved.json()["missing"];
            let shown = project.snap(&["show", &name, "--json"]).exits(0).json();
            assert_eq!(parts(&shown), left, "{name}: {missing}");
            assert_eq!(&shown["not_captured"]["files"], missing, "{name}");
            assert_eq!(shown["session"]["transcript"]["records"], 6, "{name}");
            assert!(shown["edits"]["files"].to_string().contains("+edited"), "{name}");
            let all = missing.as_array().must("a list");
            assert_eq!(all.len(), 1, "{name}: {missing}");
            let why = all[0]["reason"].as_str().must("a reason");
            let expected = if name.contains("Closed") { "Permission denied" } else { "Input/output error" };
            assert!(why.contains(expected), "{name}: {why}");
            if number == 0 {
                let page = project.snap(&["show", &name]).exits(0).stdout;
                assert!(page.contains(expected), "{page}");
                let plan = project.snap(&["resume", &name, "--no-edits", "--dry-run"]).exits(0).stdout;
                assert!(plan.contains(expected), "{plan}");
            }
        }
    }
    project.snap(&["verify"]).exits(0);
}

#[test]
fn a_conversation_that_cannot_be_read_takes_nothing_else_with_it() {
    let project = project();
    let part = "16b407691758.jsonl";
    for (name, trouble) in [("closed", Trouble::Closed(part)), ("broken", Trouble::Broken(part))] {
        let saved = save(&project, name, trouble).exits(6).says(&["not saved: ", part]);
        assert_eq!(saved.json()["session_id"], SESSION);
        let shown = project.snap(&["show", name, "--json"]).exits(0).json();
        assert_eq!(shown["session"]["transcript"], Value::Null);
        assert_eq!(parts(&shown)[0], 2);
        assert!(shown["edits"]["files"].to_string().contains("+edited"));
        let why = shown["not_captured"]["files"].to_string();
        assert!(why.contains(part), "{why}");
    }
}

#[test]
fn a_store_that_cannot_be_written_ends_the_save_and_is_not_taken_for_a_file_that_is_missing() {
    let project = project();
    project.snap(&["save", "x"]).exits(0);
    project.write("big.txt", "more\n".repeat(10_000));
    // Where new files are begun is no folder any more.
    let tmp = project.stored("tmp");
    fs::remove_dir_all(&tmp).must("removed");
    fs::write(&tmp, "").must("a file");
    project.snap(&["save", "y"]).exits(3).says(&["tmp"]);
    project.snap(&["show", "y"]).exits(3);
}

#[test]
fn a_journal_of_the_hooks_that_cannot_be_read_is_named_and_takes_nothing_with_it() {
    let project = project();
    let journal = project.home.config().join(format!("snap/{SESSION}.jsonl"));
    fs::remove_file(&journal).must("removed");
    fs::create_dir(&journal).must("a folder in its place");
    let saved = project.snap(&["save", "x", "--json"]).exits(6).says(&["not saved: ", "not a regular file"]);
    let shown = project.snap(&["show", "x", "--json"]).exits(0).json();
    assert_eq!(parts(&shown), [2, 2, 2, 1, 1, 1]);
    assert_eq!(shown["not_captured"]["files"], saved.json()["missing"]);
}

/// A command of somebody who may read only what its permissions allow: root may read everything.
fn unprivileged(project: &Project, arguments: &[&str]) -> Ran {
    let mut plain = project.command(project.root(), arguments);
    if !rustix::process::geteuid().is_root() {
        return ran(&mut plain);
    }
    let mut command = Command::new("setpriv");
    command.arg("--bounding-set=-dac_override,-dac_read_search").arg(plain.get_program());
    command.args(plain.get_args()).current_dir(project.root()).env_clear();
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    ran(&mut command)
}

#[test]
fn a_file_that_cannot_be_read_keeps_no_rewind_from_all_others() {
    let project = Project::new();
    let run = |arguments: &[&str]| unprivileged(&project, arguments);
    let mode = |name: &str, bits: u32| {
        fs::set_permissions(project.path(name), fs::Permissions::from_mode(bits)).must("a mode");
    };
    project.write("a.txt", "edited\n");
    project.write("data/there", "left by a container\n");
    mode("data/there", 0);
    run(&["save", "x"]).exits(6).says(&["data/there"]);
    project.write("a.txt", "later\n");
    project.write("new.txt", "later\n");
    // One was there and is in no snapshot; one is new, and so can't be saved first; one is tracked.
    project.write("data/since", "made since\n");
    mode("data/since", 0);
    run(&["rewind", "x"]).exits(0).says(&["data/since", "can't be read"]);
    assert_eq!(project.read("a.txt"), b"edited\n");
    assert!(!project.path("new.txt").exists() && project.path("data/since").exists());
    run(&["undo"]).exits(0);
    assert_eq!((project.read("a.txt"), project.read("new.txt")), (b"later\n".to_vec(), b"later\n".to_vec()));
    fs::remove_file(project.path("data/there")).must("to remove");
    mode("data/since", 0o644);
    project.git(&["add", "-f", "data/since"]);
    project.git(&["commit", "-qm", "since"]);
    run(&["save", "y"]).exits(0);
    project.write("data/since", "edited by somebody else\n");
    mode("data/since", 0);
    run(&["rewind", "y"]).exits(6).says(&["data/since", "can't be read"]);
    mode("data/since", 0o644);
    assert_eq!(project.read("data/since"), b"edited by somebody else\n");
}

#[test]
fn a_folder_in_the_place_of_an_agents_transcript_is_named() {
    let project = Project::new();
    let transcript = project.session("c137e379-838e-4509-8148-16b407691758");
    let folder = transcript.with_extension("").join("subagents/agent-ag2.jsonl");
    fs::create_dir(&folder).must("a folder");
    project.snap(&["save", "x"]).exits(6).says(&["agent-ag2.jsonl", "it is a folder, and no file"]);
}
