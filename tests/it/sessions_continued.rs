//! A session that is here as it was saved goes on under its id, and the client that goes on with it is nobody's child.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::{Value, json};

use crate::handoff_remote::{colleague, with_remote};
use crate::merging::talk;
use crate::real_client::on_terminal;
use crate::support::Must;
use crate::support::project::{Project, files_below, ran};

const ID: &str = "c137e379-838e-4509-8148-16b407691758";

/// What the client's folders hold, and when each file was written.
fn clients_files(project: &Project) -> BTreeMap<PathBuf, (Vec<u8>, SystemTime)> {
    let config = project.home.config();
    let kinds = ["projects", "tasks", "file-history", "plans", "todos"].map(|kind| config.join(kind));
    let files = kinds.iter().filter(|kind| kind.exists()).flat_map(|kind| files_below(kind));
    let content = |file: PathBuf| {
        let modified = file.metadata().and_then(|meta| meta.modified()).must("a time");
        (file.clone(), (fs::read(&file).must("a file"), modified))
    };
    files.map(content).collect()
}

#[track_caller]
fn assert_same_session(resumed: &Value) {
    let said = [&resumed["session_id"], &resumed["renamed"], &resumed["continues"]];
    assert_eq!(said, [&json!(ID), &json!(false), &json!(true)], "{resumed}");
}

#[test]
fn an_unchanged_session_is_resumed_under_its_id_however_often_and_nothing_of_it_is_written() {
    let project = Project::new();
    project.session(ID);
    project.write("a.txt", "saved\n");
    project.snap(&["save", "x"]).exits(0);
    let before = clients_files(&project);
    let dry = project.snap(&["resume", "x", "--dry-run"]).exits(0).stdout;
    assert!(dry.contains("which is on this machine as it was saved"), "{dry}");
    project.git(&["checkout", "-q", "--", "a.txt"]);
    for _ in 0..3 {
        assert_same_session(&project.snap(&["resume", "x", "--json"]).exits(0).json());
        assert_eq!(project.read("a.txt"), b"saved\n");
    }
    let shell = project.snap(&["rewind", "x", "--no-run"]).exits(0).stdout;
    assert!(shell.contains(&format!("claude --resume {ID}")), "{shell}");
    assert_eq!(clients_files(&project), before);
}

#[test]
fn a_fork_is_a_new_session_and_the_saved_one_stays_as_it_is() {
    let project = Project::new();
    project.session(ID);
    project.snap(&["save", "x"]).exits(0);
    let before = clients_files(&project);
    let resumed = project.snap(&["resume", "x", "--fork", "--json"]).exits(0).json();
    assert_ne!(resumed["session_id"], ID);
    assert_eq!((&resumed["renamed"], &resumed["continues"]), (&json!(true), &json!(false)));
    let mut after = clients_files(&project);
    after.retain(|file, _| before.contains_key(file));
    assert_eq!(after, before);
    // Where nothing has the id, too.
    let clone = project.cloned();
    let store = project.stored("").to_str().must("UTF-8").to_owned();
    let forked = clone.snap(&["resume", "x", "--fork", "--json", "--store", &store]).exits(0).json();
    assert_ne!(forked["session_id"], ID);
}

#[test]
fn what_an_earlier_resume_added_does_not_make_it_another_session() {
    let project = Project::new();
    project.session(ID);
    project.snap(&["save", "x"]).exits(0);
    let clone = project.cloned();
    let store = project.stored("").to_str().must("UTF-8").to_owned();
    let resume = || clone.snap(&["resume", "x", "--json", "--store", &store]).exits(0).json();
    assert_eq!((&resume()["session_id"], &resume()["renamed"]), (&json!(ID), &json!(false)));
    let before = clients_files(&clone);
    assert_same_session(&resume());
    assert_eq!(clients_files(&clone), before, "its title is there once");
}

#[test]
fn what_an_earlier_resume_or_the_client_added_keeps_no_later_snapshot_from_being_appended() {
    let project = Project::new();
    project.session(ID);
    project.snap(&["save", "a"]).exits(0);
    for name in ["b", "c"] {
        talk(&project, ID, name, &format!("said for {name}"), "done");
        project.snap(&["save", name]).exits(0);
    }
    let clone = project.cloned();
    let store = project.stored("").to_str().must("UTF-8").to_owned();
    let resume = |name: &str| clone.snap(&["resume", name, "--json", "--store", &store]).exits(0).json();
    let transcript = clone.home.project(clone.root()).join(format!("{ID}.jsonl"));
    assert_eq!(resume("a")["renamed"], false);
    let mut here = fs::read_to_string(&transcript).must("a transcript");
    for name in ["b", "c"] {
        let resumed = resume(name);
        let said = [&resumed["session_id"], &resumed["renamed"]];
        assert_eq!(said, [&json!(ID), &json!(false)], "{name}: {resumed}");
        let now = fs::read_to_string(&transcript).must("a transcript");
        let added = now.strip_prefix(&here).must("all that was here, as it was");
        assert!(
            added.matches(&format!("said for {name}")).count() == 1 && added.lines().count() == 2,
            "{added}"
        );
        // As the client does when a session is opened and left again.
        let cost = json!({"type": "cost-state", "sessionId": ID, "totalCostUSD": 0.1});
        clone.append(&transcript, format!("{cost}\n").as_bytes());
        here = format!("{now}{cost}\n");
    }
    assert_same_session(&resume("c"));
    assert_eq!(fs::read_to_string(&transcript).must("a transcript"), here, "nothing is missing");
    talk(&clone, ID, "d", "said here", "done");
    assert_eq!(resume("c")["renamed"], true, "what was said here is not passed over");
}

#[test]
fn of_an_unchanged_session_only_what_is_missing_comes_back() {
    let project = Project::new();
    let transcript = project.session(ID);
    project.snap(&["save", "x"]).exits(0);
    let before = clients_files(&project);
    for lost in [project.home.tasks(ID), transcript.with_extension("").join("subagents")] {
        fs::remove_dir_all(&lost).must("to remove");
        assert_same_session(&project.snap(&["resume", "x", "--json"]).exits(0).json());
        let content = |files: BTreeMap<PathBuf, (Vec<u8>, SystemTime)>| -> Vec<(PathBuf, Vec<u8>)> {
            files.into_iter().map(|(file, (content, _))| (file, content)).collect()
        };
        let after = clients_files(&project);
        assert_eq!(after.get(&transcript), before.get(&transcript), "{}: not written to", lost.display());
        assert_eq!(content(after), content(before.clone()), "{}", lost.display());
    }
}

#[test]
fn a_session_with_a_secret_or_a_compaction_is_unchanged_too() {
    let token = format!("ghp_{}", "a1B2c3D4e5".repeat(4).get(..36).must("36 letters"));
    let said = |uuid: &str, parent: &str, text: &str| {
        json!({"type": "user", "uuid": uuid, "parentUuid": parent, "sessionId": ID,
            "message": {"role": "user", "content": text}})
    };
    let boundary = json!({"type": "system", "subtype": "compact_boundary", "uuid": "b1", "parentUuid": null,
        "logicalParentUuid": "u2", "sessionId": ID, "compactMetadata": {"trigger": "manual"}});
    let secret = said("s1", "u2", &format!("use {token} for it"));
    let summary = said("c1", "b1", "what happened so far");
    for records in [vec![secret.clone()], vec![secret, boundary, summary]] {
        let project = Project::new();
        let transcript = project.session(ID);
        for record in records {
            project.append(&transcript, format!("{record}\n").as_bytes());
        }
        project.snap(&["save", "x"]).exits(0);
        let before = clients_files(&project);
        assert_same_session(&project.snap(&["resume", "x", "--json"]).exits(0).json());
        assert_eq!(clients_files(&project), before, "its secrets and its history stay");
    }
}

#[test]
fn a_session_that_differs_runs_or_is_somebody_elses_is_not_continued() {
    let record = json!({"type": "user", "uuid": "u9", "parentUuid": "u2", "sessionId": ID,
        "message": {"role": "user", "content": "here"}});
    for (changed, said) in [
        ("the conversation", "the saved one is here too, and stays as it is"),
        ("a task", "the saved one is here too, and stays as it is"),
        ("it runs", "a client runs the saved one"),
        ("another user", "the saved one is here too, and stays as it is"),
    ] {
        let project = Project::new();
        let transcript = project.session(ID);
        project.snap(&["save", "x"]).exits(0);
        match changed {
            "the conversation" => project.append(&transcript, format!("{record}\n").as_bytes()),
            "a task" => fs::write(project.home.tasks(ID).join("1.json"), "{}").must("a task"),
            "it runs" => {
                let sessions = project.home.config().join("sessions");
                fs::create_dir_all(&sessions).must("a folder");
                let pid = std::process::id();
                let live = json!({"pid": pid, "sessionId": ID, "cwd": project.root(), "status": "idle"});
                fs::write(sessions.join(format!("{pid}.json")), live.to_string()).must("a live session");
            }
            _ => {}
        }
        let before = fs::read(&transcript).must("the transcript");
        let resume = |arguments: &[&str]| {
            let mut command =
                project.command(project.root(), &[&["resume", "x", "--trust"], arguments].concat());
            if changed == "another user" {
                command.env("XDG_STATE_HOME", project.home.path().join("another user's"));
            }
            ran(&mut command).exits(0)
        };
        let dry = resume(&["--dry-run"]).stdout;
        assert!(dry.contains(said), "{changed}: {dry}");
        let resumed = resume(&["--json"]).json();
        assert_eq!((&resumed["renamed"], &resumed["continues"]), (&json!(true), &json!(false)), "{changed}");
        assert_eq!(fs::read(&transcript).must("the transcript"), before, "{changed}");
    }
}

/// What a client that runs sets for its programs.
const MARKS: [(&str, &str); 4] = [
    ("CLAUDECODE", "1"),
    ("CLAUDE_CODE_CHILD_SESSION", "1"),
    ("CLAUDE_CODE_SESSION_ID", ID),
    ("CLAUDE_CODE_ENTRYPOINT", "cli"),
];

#[test]
fn the_client_that_is_started_does_not_take_itself_for_a_child() {
    let project = Project::new();
    project.session(ID);
    project.snap(&["save", "x"]).exits(0);
    let bin = project.home.path().join("bin");
    fs::create_dir(&bin).must("a folder");
    fs::write(bin.join("claude"), "#!/bin/sh\necho started\nenv\n").must("a stand-in program");
    fs::set_permissions(bin.join("claude"), fs::Permissions::from_mode(0o755)).must("a mode");
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    let mut command = project.command(project.root(), &["resume", "x"]);
    // With the first of them, nothing is started.
    let said = on_terminal(command.env("PATH", path).env("KEPT", "yes").envs(MARKS.into_iter().skip(1)));
    assert!(said.contains("started") && said.contains("KEPT=yes"), "{said}");
    for (name, _) in MARKS {
        assert!(!said.contains(&format!("{name}=")), "{said}");
    }
}

#[test]
fn the_command_that_is_printed_takes_away_what_is_set() {
    let project = Project::new();
    project.session(ID);
    project.snap(&["save", "x"]).exits(0);
    let resume = |variables: &[(&str, &str)], arguments: &[&str]| {
        let mut command = project.command(project.root(), &[&["resume", "x"], arguments].concat());
        ran(command.envs(variables.iter().copied())).exits(0)
    };
    let line = |variables: &[(&str, &str)]| resume(variables, &[]).stdout;
    let start = format!("cd {} && ", project.root().display());
    assert!(line(&[]).contains(&format!("{start}claude --resume {ID}")));
    for (name, value) in MARKS {
        let said = line(&[(name, value)]);
        assert!(said.contains(&format!("{start}env -u {name} claude --resume {ID}")), "{said}");
    }
    let said = line(&[MARKS[0], MARKS[3], ("CLAUDE_CODE_TASK_LIST_ID", "shared")]);
    let before = format!("env -u {} -u {} CLAUDE_CODE_TASK_LIST_ID={ID} claude", MARKS[0].0, MARKS[3].0);
    assert!(said.contains(&format!("{start}{before}")), "{said}");
    let json = resume(&MARKS, &["--json"]).json();
    assert_eq!(json["resume"]["unset"], json!(MARKS.map(|(name, _)| name)));
    assert!(resume(&[], &["--json"]).json()["resume"].get("unset").is_none());
    let linked = ran(project.command(project.root(), &["link", "x"]).env("CLAUDECODE", "1")).exits(0).stdout;
    assert!(linked.contains("&& env -u CLAUDECODE claude --resume x"), "{linked}");
}

#[test]
fn a_session_in_which_nobody_spoke_brings_its_files_back_and_no_command() {
    let project = Project::new();
    let transcript = project.session(ID);
    let title = json!({"type": "custom-title", "customTitle": "silent", "sessionId": ID});
    for records in [String::new(), format!("{title}\n")] {
        fs::write(&transcript, &records).must("a transcript");
        project.write("a.txt", "saved\n");
        project.snap(&["save", "x", "--session", ID]).exits(0).says(&[ID, "has no message yet"]);
        for command in ["resume", "rewind"] {
            project.git(&["checkout", "-q", "--", "a.txt"]);
            let ran = project.snap(&[command, "x"]).exits(6);
            assert!(!ran.stdout.contains("claude --resume"), "{command}: {}", ran.stdout);
            ran.says(&["nothing that the client could resume"]);
            assert_eq!(project.read("a.txt"), b"saved\n", "{command}");
        }
        let json = project.snap(&["resume", "x", "--json"]).exits(6).json();
        assert_eq!((&json["resume"], &json["session_id"]), (&Value::Null, &Value::Null), "{json}");
        project.snap(&["link", "x"]).exits(3).says(&["nothing was said in it yet"]);
        assert_eq!(fs::read_to_string(&transcript).must("the transcript"), records);
        project.snap(&["rm", "x"]).exits(0);
    }
}

#[test]
fn the_copy_that_is_in_another_folder_goes_on_as_long_as_nobody_has_touched_it() {
    let project = Project::new();
    project.session(ID);
    project.snap(&["save", "x"]).exits(0);
    let other = project.home.path().join("other");
    let place = other.to_str().must("UTF-8").to_owned();
    project.git(&["clone", "-q", ".", &place]);
    let resume = |more: &[&str]| {
        let json =
            project.snap(&[&["resume", "x", "--into", &place, "--json"], more].concat()).exits(0).json();
        (json["session_id"].as_str().must("an id").to_owned(), json["continues"].clone())
    };
    let (copy, _) = resume(&[]);
    assert_ne!(copy, ID);
    let before = clients_files(&project);
    for _ in 0..2 {
        assert_eq!(resume(&[]), (copy.clone(), json!(true)));
    }
    assert_eq!(clients_files(&project), before, "nothing is written");
    let (fork, continues) = resume(&["--fork"]);
    assert_eq!(continues, json!(false));
    assert_ne!(fork, copy);
    // What an earlier resume made counts, the newest first; what went on since does not.
    let said = json!({"type": "user", "uuid": "u9", "parentUuid": "u2", "message": {"role": "user", "content": "on"}});
    for touched in [&copy, &fork] {
        let transcript = project.home.project(&other).join(format!("{touched}.jsonl"));
        project.append(&transcript, format!("{said}\n").as_bytes());
    }
    let (third, continues) = resume(&[]);
    assert_eq!(continues, json!(false));
    assert!(![ID, &copy, &fork].contains(&third.as_str()));
}

#[test]
fn after_a_rewind_the_next_save_holds_the_conversation_that_the_client_goes_on_with() {
    let project = Project::new();
    let transcript = project.session(ID);
    let said = |name: &str| {
        let shown = project.snap(&["show", name, "--talk"]).exits(0).stdout;
        shown.contains("only said for b")
    };
    let save = |name: &str, text: &str| {
        project.write("a.txt", text);
        project.snap(&["save", name]).exits(0);
    };
    save("a", "a\n");
    let more = serde_json::json!({"type": "user", "uuid": "u3", "parentUuid": "u2", "sessionId": ID,
        "cwd": project.root(), "version": "2.1.329", "timestamp": "2026-11-21T01:20:35.028Z",
        "message": {"role": "user", "content": "only said for b"}});
    project.append(&transcript, format!("{more}\n").as_bytes());
    save("b", "b\n");
    let rewind = |name: &str| project.snap(&["rewind", name, "--no-run", "--no-input"]).exits(0);
    rewind("a");
    save("c", "c\n");
    assert!(said("b") && !said("c"));
    // The session that was there before goes on, though the copy was written later.
    rewind("b");
    save("d", "d\n");
    assert!(said("d"));
    rewind("c");
    save("e", "e\n");
    assert!(!said("e"));
    // What an undone restore brought is not gone on with, until that is redone.
    rewind("b");
    project.snap(&["undo", "--no-input"]).exits(0);
    save("f", "f\n");
    assert!(!said("f"));
}

/// A prompt, said in a session of a project.
fn said_in(project: &Project, transcript: &Path, words: &str) {
    let record = serde_json::json!({"type": "user", "uuid": words, "parentUuid": "u2", "sessionId": ID,
        "cwd": project.root(), "version": "2.1.329", "timestamp": "2026-11-21T01:20:35.028Z",
        "message": {"role": "user", "content": words}});
    project.append(transcript, format!("{record}\n").as_bytes());
}

#[test]
fn an_undo_and_its_redo_leave_the_session_that_the_next_save_takes() {
    let save = |project: &Project, name: &str| {
        project.write("n.txt", name);
        project.snap(&["save", name, "--json"]).exits(0).json()["session_id"].clone()
    };
    for steps in [&[][..], &["undo", "redo"], &["undo", "redo", "undo", "redo"]] {
        // A copy was resumed after the rewind, which changed no file.
        let project = Project::new();
        let transcript = project.session(ID);
        project.write("a.txt", "a\n");
        project.snap(&["save", "a"]).exits(0);
        project.write("a.txt", "b\n");
        project.snap(&["rewind", "a", "--no-run"]).exits(0);
        said_in(&project, &transcript, "more");
        let copy = project.snap(&["resume", "a", "--no-run", "--json"]).exits(0).json()["session_id"].clone();
        assert_ne!(copy, ID);
        let step = |word: &&str| drop(project.snap(&[word, "--no-input"]).exits(0));
        steps.iter().for_each(step);
        assert_eq!(save(&project, "b"), copy, "{steps:?}");

        // The first session went on after a copy was brought.
        let project = Project::new();
        let transcript = project.session(ID);
        project.write("a.txt", "a\n");
        project.snap(&["save", "a"]).exits(0);
        project.write("a.txt", "b\n");
        said_in(&project, &transcript, "more");
        let copy = project.snap(&["rewind", "a", "--no-run", "--json"]).exits(0).json()["session_id"].clone();
        assert_ne!(copy, ID);
        said_in(&project, &transcript, "and more");
        steps.iter().for_each(|word| drop(project.snap(&[word, "--no-input"]).exits(0)));
        assert_eq!(save(&project, "b"), ID, "{steps:?}");
    }
}

#[test]
fn a_redo_goes_on_with_what_it_brings_though_another_session_went_on_meanwhile() {
    let project = Project::new();
    let transcript = project.session(ID);
    project.write("a.txt", "a\n");
    project.snap(&["save", "a"]).exits(0);
    project.write("a.txt", "b\n");
    said_in(&project, &transcript, "more");
    let copy = project.snap(&["rewind", "a", "--no-run", "--json"]).exits(0).json()["session_id"].clone();
    project.snap(&["undo", "--no-input"]).exits(0);
    said_in(&project, &transcript, "after the undo");
    for _ in 0..2 {
        project.snap(&["redo", "--no-input"]).exits(0);
        project.write("n.txt", "n\n");
        assert_eq!(project.snap(&["save", "--json"]).exits(0).json()["session_id"], copy);
        project.snap(&["undo", "--no-input"]).exits(0);
    }
}

#[test]
fn a_colleagues_snapshot_that_is_here_as_it_was_brought_goes_on_and_gets_no_twin() {
    let (ada, remote) = with_remote();
    ada.session(ID);
    ada.write("a.txt", "of ada\n");
    ada.snap(&["save", "x"]).exits(0);
    ada.snap(&["push"]).exits(0);
    let bob = colleague(&ada, &remote).of_another_user();
    bob.snap(&["pull"]).exits(0);
    let resume = |more: &[&str]| {
        let arguments = [&["resume", "x", "--trust", "--json"], more].concat();
        bob.snap(&arguments).exits(0).json()
    };
    let first = resume(&[]);
    assert_eq!(first["continues"], false, "{first}");
    let before = clients_files(&bob);
    let dry = bob.snap(&["resume", "x", "--dry-run"]).exits(0).stdout;
    assert!(dry.contains(&format!("continues {ID}, which is on this machine")), "{dry}");
    assert!(dry.contains("(`--fork` makes another)"), "{dry}");
    for _ in 0..2 {
        assert_same_session(&resume(&[]));
    }
    let shell = bob.snap(&["resume", "x", "--trust", "--no-run"]).exits(0).stdout;
    assert!(shell.contains(&format!("claude --resume {ID}")), "{shell}");
    assert_eq!(clients_files(&bob), before, "nothing was written");

    let transcript = bob.home.project(bob.root()).join(format!("{ID}.jsonl"));
    talk(&bob, ID, "b1", "go on", "done");
    let continued = fs::read(&transcript).must("the transcript");
    let copy = resume(&[]);
    assert_eq!(copy["continues"], false, "what was continued stays: {copy}");
    assert_ne!(copy["session_id"], ID);
    let again = resume(&[]);
    let same = [&again["session_id"], &again["continues"]];
    assert_eq!(same, [&copy["session_id"], &json!(true)], "the copy goes on, and is the only one: {again}");
    let fork = resume(&["--fork"]);
    assert_eq!(fork["continues"], false, "{fork}");
    assert_ne!(fork["session_id"], copy["session_id"]);
    assert_eq!(fs::read(&transcript).must("the transcript"), continued);
}

#[test]
fn where_only_files_of_a_session_are_left_nobody_says_that_it_is_here() {
    let project = Project::new();
    let transcript = project.session(ID);
    project.snap(&["save", "x"]).exits(0);
    fs::remove_file(&transcript).must("to remove");
    fs::create_dir_all(transcript.with_extension("").join("subagents")).must("what is left");
    let shown = project.snap(&["resume", "x", "--dry-run"]).exits(0).stdout;
    assert!(shown.contains("files of the saved one are still here, without its conversation"), "{shown}");
    assert!(!shown.contains("the saved one is here too"), "{shown}");
}

#[test]
fn a_session_that_goes_on_under_its_own_id_keeps_its_title() {
    let project = Project::new();
    let transcript = project.session(ID);
    let title = json!({"type": "custom-title", "customTitle": "the parser", "sessionId": ID});
    project.append(&transcript, format!("{title}\n").as_bytes());
    let short = fs::read(&transcript).must("a transcript");
    crate::merging::talk(&project, ID, "u9", "and then?", "done");
    project.snap(&["save", "wip"]).exits(0);
    fs::write(&transcript, &short).must("a shorter one");
    let resumed = project.snap(&["resume", "wip", "--no-run", "--json"]).exits(0).json();
    assert_eq!(resumed["session_id"], ID);
    let text = fs::read_to_string(&transcript).must("a transcript");
    assert!(text.contains("and then?") && !text.contains(r#""customTitle":"wip""#), "{text}");
}
