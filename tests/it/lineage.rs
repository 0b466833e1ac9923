//! Which snapshot was saved after which, and what the log tells of it, on one machine and across several.

use std::fs;

use serde_json::{Value, json};

use crate::handoff_remote::{colleague, with_remote};
use crate::support::Must;
use crate::support::project::Project;

const ID: &str = "c137e379-838e-4509-8148-16b407691758";

/// Saves the session of an id under a name, after a change that makes it new.
#[track_caller]
fn save(project: &Project, name: &str, session: &str) {
    project.write("a.txt", name);
    project.snap(&["save", name, "--session", session]).exits(0);
}

/// Brings a snapshot back over whatever is here; returns the session's id.
#[track_caller]
fn rewind(project: &Project, name: &str) -> String {
    let resumed = project.snap(&["rewind", name, "--trust", "--json"]).exits(0).json();
    resumed["session_id"].as_str().must("a session").to_owned()
}

/// The name of the snapshot that one was saved after.
#[track_caller]
fn parent(project: &Project, name: &str) -> Option<String> {
    let all = project.snap(&["list", "--json"]).exits(0).json();
    let all = all.as_array().must("a list").clone();
    let one = all.iter().find(|one| one["name"] == name).must("the snapshot");
    let parent = all.iter().find(|other| other["id"] == one["parent"]);
    parent.map(|parent| parent["name"].as_str().must("a name").to_owned())
}

/// `list --tree` without what stands beside the names.
#[track_caller]
pub(crate) fn tree(project: &Project) -> Vec<String> {
    let tree = project.snap(&["list", "--tree"]).exits(0).stdout;
    let column = tree.find("NAME").must("a heading");
    let name = |line: &str| {
        let line: String = line.chars().skip(column).collect();
        // Between two trees there is an empty line.
        let Some(mark) = line.find("● ").or(line.find("○ ")) else { return line };
        let mark = mark + "● ".len();
        line[..mark].to_owned() + line[mark..].split("  ").next().unwrap_or_default()
    };
    tree.lines().skip(1).map(name).collect()
}

/// The log, oldest first, as `operation outcome name`.
#[track_caller]
fn log(project: &Project) -> Vec<String> {
    let log = project.snap(&["log", "--json"]).exits(0).json();
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
    let line = |entry: &Value| {
        let outcome = entry["outcome"].as_str().unwrap_or("ok");
        format!("{} {outcome} {}", text(entry, "operation"), text(entry, "name"))
    };
    log.as_array().must("a log").iter().rev().map(line).collect()
}

#[test]
fn what_is_saved_after_a_resume_under_a_new_id_descends_from_what_was_resumed() {
    let project = Project::new();
    project.session(ID);
    save(&project, "first", ID);
    save(&project, "second", ID);
    let resumed = project.snap(&["rewind", "first", "--fork", "--json"]).exits(0).json();
    let session = resumed["session_id"].as_str().must("a session").to_owned();
    save(&project, "another way", &session);
    save(&project, "further that way", &session);
    save(&project, "third", ID);
    assert_eq!(parent(&project, "another way").as_deref(), Some("first"));
    assert_eq!(parent(&project, "third").as_deref(), Some("second"));
    let drawn = ["  ● further that way", "┌─● another way", "│ ● third", "├─● second", "● first"];
    assert_eq!(tree(&project), drawn);
    // What was removed is passed over.
    project.snap(&["rm", "further that way"]).exits(0);
    save(&project, "last", &session);
    assert_eq!(parent(&project, "last").as_deref(), Some("another way"));
}

#[test]
fn what_followed_a_fork_that_is_gone_stays_inside_it_and_does_not_run_into_another_tree() {
    let project = Project::new();
    project.session(ID);
    for name in ["base", "fork", "this way"] {
        save(&project, name, ID);
    }
    let resumed = project.snap(&["rewind", "fork", "--fork", "--json"]).exits(0).json();
    let session = resumed["session_id"].as_str().must("a session").to_owned();
    save(&project, "that way", &session);
    save(&project, "further that way", &session);
    let inside = ["  ● further that way", "┌─● that way", "├─● this way", "● fork", "● base"];
    assert_eq!(tree(&project), inside);
    project.snap(&["rm", "fork", "--yes"]).exits(0);
    // The log tells what it was saved after.
    assert_eq!(tree(&project), ["  ● further that way", "┌─● that way", "├─● this way", "● base"]);
    fs::remove_file(project.stored("log.jsonl")).must("to remove");
    let gone = ["  ● further that way", "┌─● that way", "├─● this way", "○ (not here)", "", "● base"];
    assert_eq!(tree(&project), gone);
    // What only one goes on from is no fork.
    project.snap(&["rm", "this way", "--yes"]).exits(0);
    assert_eq!(tree(&project), ["● further that way", "● that way", "", "● base"]);
}

#[test]
fn a_session_goes_on_from_what_was_resumed_here_whatever_others_saved_of_it() {
    let (ada, remote) = with_remote();
    ada.session(ID);
    save(&ada, "one", ID);
    save(&ada, "two", ID);
    ada.snap(&["push", "origin", "one", "two"]).exits(0);
    // Bob takes the older of the two, and his session has the same id.
    let bob = colleague(&ada, &remote);
    bob.snap(&["pull"]).exits(0);
    assert_eq!(rewind(&bob, "one"), ID);
    save(&bob, "of bob", ID);
    assert_eq!(parent(&bob, "of bob").as_deref(), Some("one"));
    bob.snap(&["push", "origin", "of bob"]).exits(0);
    // Ada goes on with hers although the newest snapshot of that session is his.
    ada.snap(&["pull"]).exits(0);
    save(&ada, "three", ID);
    assert_eq!(parent(&ada, "three").as_deref(), Some("two"));
    // Then she takes his, works on, and he takes that.
    let session = rewind(&ada, "of bob");
    save(&ada, "of both", &session);
    ada.snap(&["push", "origin", "three", "of both"]).exits(0);
    bob.snap(&["pull"]).exits(0);
    let drawn = ["  ● of both", "┌─● of bob", "│ ● three", "├─● two", "● one"];
    assert_eq!(tree(&ada), drawn);
    assert_eq!(tree(&bob), drawn, "both see both branches");
}

#[test]
fn files_without_a_session_go_on_from_what_was_restored_in_their_folder() {
    let project = Project::new();
    for name in ["one", "two"] {
        project.write("a.txt", name);
        project.snap(&["save", name]).exits(0);
    }
    project.snap(&["rewind", "one"]).exits(0);
    project.write("b.txt", "after one\n");
    project.snap(&["save", "after one"]).exits(0);
    assert_eq!(parent(&project, "after one").as_deref(), Some("one"));
    project.snap(&["rewind", "two"]).exits(0);
    project.snap(&["undo"]).exits(0);
    project.write("b.txt", "after that\n");
    project.snap(&["save", "after that"]).exits(0);
    assert_eq!(parent(&project, "after that").as_deref(), Some("after one"), "undone is undone");
}

#[test]
fn an_undo_leads_back_to_what_came_before_the_restore_and_a_redo_to_it() {
    let project = Project::new();
    project.session(ID);
    save(&project, "one", ID);
    save(&project, "two", ID);
    rewind(&project, "one");
    project.snap(&["undo"]).exits(0);
    save(&project, "after two", ID);
    assert_eq!(parent(&project, "after two").as_deref(), Some("two"));
    rewind(&project, "one");
    project.snap(&["undo"]).exits(0);
    project.snap(&["redo"]).exits(0);
    save(&project, "after one", ID);
    assert_eq!(parent(&project, "after one").as_deref(), Some("one"));
    project.snap(&["rm", "--yes", "two"]).exits(0);
    project.snap(&["undo"]).exits(0);
    save(&project, "last", ID);
    assert_eq!(parent(&project, "last").as_deref(), Some("after one"));
}

#[test]
fn what_is_saved_next_goes_on_from_what_its_files_came_from_however_they_got_there() {
    // The commands after "base" and "one" were saved, and what the next save of this session comes after.
    let ways: &[(&[&str], &str)] = &[
        (&[], "one"),
        (&["rewind base --no-session"], "base"),
        (&["rewind base --no-run"], "base"),
        (&["rewind base --no-run --no-input"], "base"),
        (&["rewind base --no-session", "undo"], "one"),
        (&["rewind base --no-session", "undo", "redo"], "base"),
        (&["rewind base --no-run", "undo"], "one"),
        (&["rewind base --no-run", "undo", "redo"], "base"),
        (&["rewind base --no-session", "rewind one --no-session"], "one"),
        (&["rewind base --no-session", "rewind one --no-session", "undo"], "base"),
        (&["rewind base --no-session", "rewind one --no-session", "undo", "undo"], "one"),
        (&["rewind base --no-session", "save here", "merge one"], "here"),
        (&["rewind base --no-session", "save here", "merge one", "undo"], "here"),
        (&["rewind base --no-session", "save here", "merge one", "undo", "undo"], "one"),
        (&["remove base.txt", "resume base --merge --no-session"], "base"),
        (&["resume base --no-edits --no-run"], "base"),
    ];
    for with_session in [true, false] {
        for (commands, expected) in ways {
            if !with_session && commands.iter().any(|command| command.contains("--no-edits")) {
                continue;
            }
            let project = Project::new();
            let mut id = ID.to_owned();
            if with_session {
                project.session(ID);
            }
            let saved = |name: &str, session: &str| {
                project.write(format!("{name}.txt"), name);
                let mut args = vec!["save", name];
                args.extend(if with_session { vec!["--session", session] } else { vec![] });
                project.snap(&args).exits(0);
            };
            saved("base", &id);
            saved("one", &id);
            for command in *commands {
                if let Some(file) = command.strip_prefix("remove ") {
                    fs::remove_file(project.path(file)).must("to remove");
                    continue;
                }
                let mut args: Vec<&str> = command.split(' ').collect();
                args.push("--json");
                let said = project.snap(&args).exits(0).json();
                // The client goes on with what was brought back; an undo leaves the conversation.
                if let Some(now) = said["session_id"].as_str() {
                    id = now.to_owned();
                }
            }
            saved("two", &id);
            let way = format!("with a session: {with_session}, {commands:?}");
            assert_eq!(parent(&project, "two").as_deref(), Some(*expected), "{way}");
        }
    }
}

#[test]
fn a_line_that_was_rewound_away_is_another_one_though_the_session_goes_on() {
    let project = Project::new();
    project.session(ID);
    for (name, back) in [("base", false), ("one", false), ("two", true)] {
        if back {
            project.snap(&["rewind", "base", "--no-session"]).exits(0);
        }
        project.write(format!("{name}.txt"), name);
        project.snap(&["save", name]).exits(0);
    }
    assert_eq!(tree(&project), ["┌─● two", "├─● one", "● base"]);
    project.snap(&["branch", "left", "one"]).exits(0);
    project.snap(&["branch", "right", "two"]).exits(0);
    project.snap(&["merge", "left"]).exits(0);
    assert_eq!(project.read("one.txt"), b"one");
    project.snap(&["close", "left"]).exits(0);
    let all = project.snap(&["list", "--json"]).exits(0).json();
    let closed: Vec<&Value> =
        all.as_array().must("a list").iter().filter(|one| one["line"]["closed"] != Value::Null).collect();
    assert!(closed.iter().all(|one| one["name"] == "one"), "{closed:?}");
}

#[test]
fn the_log_says_what_came_of_each_operation() {
    let (ada, remote) = with_remote();
    ada.session(ID);
    save(&ada, "one", ID);
    ada.snap(&["save"]).exits(0);
    ada.snap(&["save", "one"]).exits(3);
    ada.snap(&["push"]).exits(0);
    ada.snap(&["push"]).exits(0);
    ada.write("a.txt", "in the way\n");
    ada.snap(&["resume", "one", "--dry-run"]).exits(4);
    ada.snap(&["resume", "one"]).exits(4);
    ada.snap(&["undo"]).exits(3).says(&["nothing was restored"]);
    ada.snap(&["rewind", "one"]).exits(0);
    ada.snap(&["undo"]).exits(0);
    let safety = log(&ada).last().must("a line").clone();
    let expected = [
        "save ok one",
        "save skipped one",
        "save failed one",
        "push ok one",
        "push skipped one",
        "resume failed one",
        "rewind ok one",
    ];
    assert_eq!(log(&ada)[..expected.len()], expected);
    assert!(safety.starts_with("undo ok safety-"), "{safety}");
    let shown = ada.snap(&["log"]).exits(0).stdout;
    assert!(shown.contains("and this work tree disagree"), "{shown}");

    let bob = colleague(&ada, &remote);
    bob.snap(&["save", "one"]).exits(0);
    bob.snap(&["pull"]).exits(0);
    std::fs::rename(&remote, remote.with_extension("away")).must("to move the remote");
    bob.snap(&["pull"]).exits(7);
    bob.snap(&["push", "origin", "one"]).exits(7);
    bob.snap(&["import", "/dev/null"]).exits(5);
    assert_eq!(log(&bob)[1..], ["pull ok one-2", "pull failed ", "push failed one", "import failed "]);
    let log = bob.snap(&["log", "--json", "-n", "2"]).exits(0).json();
    assert_eq!(log[0].get("snapshot"), None);
    assert_eq!(log[1]["peer"], json!("origin"));
    assert!(log[1]["reason"].as_str().must("a reason").starts_with("Cannot list what is on origin"));
}

#[test]
fn a_log_that_is_cut_while_many_write_to_it_loses_no_new_line() {
    let project = Project::new();
    project.snap(&["save", "x"]).exits(0);
    let path = project.stored("log.jsonl");
    let line = fs::read_to_string(&path).must("the log");
    fs::write(&path, line.repeat((1 << 20) / line.len() + 1)).must("a long log");
    let (writers, each) = (8, 40);
    let store = project.stored("");
    std::thread::scope(|scope| {
        for writer in 0..writers {
            let (store, line) = (&store, &line);
            scope.spawn(move || {
                let store = claude_snap::store::Store::open(store).must("the store");
                let mut entry: claude_snap::store::LogEntry = serde_json::from_str(line).must("a line");
                for number in 0..each {
                    entry.name = format!("{writer}/{number}");
                    store.log(&entry).must("to write a line");
                }
            });
        }
    });
    let text = fs::read_to_string(&path).must("the log");
    let lost = (0..writers).flat_map(|writer| (0..each).map(move |number| format!("\"{writer}/{number}\"")));
    let lost: Vec<String> = lost.filter(|name| !text.contains(name)).collect();
    assert!(lost.is_empty(), "{} lines are lost", lost.len());
    assert!(text.len() < 1 << 20, "it was cut: {}", text.len());
}
