//! The named snapshots of a space: a tree from names and messages, with the states of lines; and a look that waits for nobody.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::handoff_remote::{colleague, utf8};
use crate::spaces::{shared, turn};
use crate::support::project::{Project, Ran, git_in, ran};
use crate::support::{Must, eventually};

fn bob(project: &Project, arguments: &[&str]) -> Ran {
    ran(project.command(project.root(), arguments).env("USER", "bob"))
}

#[track_caller]
fn save(project: &Project, name: &str) {
    project.write("a.txt", name);
    project.snap(&["save", name]).exits(0);
}

/// What `space` prints below the sessions, from the column of names on, without who saved it.
#[track_caller]
fn tree(project: &Project, arguments: &[&str]) -> Vec<String> {
    let said = bob(project, &[&["space"], arguments].concat()).exits(0).stdout;
    let below = said.lines().skip_while(|line| !line.starts_with("ID "));
    let column = said
        .lines()
        .find(|line| line.starts_with("ID "))
        .map_or(0, |head| head.find("NAME").must("a heading"));
    let name = |line: &str| {
        if line.starts_with("and ") {
            return line.to_owned();
        }
        let line: String = line.chars().skip(column).collect();
        let mark = line.find("● ").or(line.find("○ ")).map_or(0, |mark| mark + "● ".len());
        line[..mark].to_owned() + line[mark..].split("  ").next().unwrap_or_default()
    };
    below.skip(1).map(name).collect()
}

#[track_caller]
fn snapshots(project: &Project) -> Vec<Value> {
    let said = bob(project, &["space", "--json"]).exits(0).json();
    said["snapshots"].as_array().must("snapshots").clone()
}

/// What git holds of a look: each kind of object, once.
fn kinds_fetched(project: &Project) -> Vec<String> {
    let state = project.home.path().join(".local/state/snap/sync");
    let kept = crate::support::project::files_below(&state);
    let kept = kept.iter().find(|file| file.ends_with("snap-made-for")).must("a kept repository");
    let said = git_in(
        &project.home,
        kept.parent().must("a folder"),
        &[
            "-c",
            "core.repositoryFormatVersion=1",
            "cat-file",
            "--batch-all-objects",
            "--batch-check=%(objecttype)",
        ],
    );
    let mut kinds: Vec<String> = said.lines().map(str::to_owned).collect();
    kinds.sort();
    kinds.dedup();
    kinds
}

#[test]
fn all_see_what_was_saved_after_what_from_names_and_messages_alone() {
    let (ada, remote, transcript) = shared();
    for name in ["base", "one way", "further"] {
        save(&ada, name);
    }
    ada.snap(&["rewind", "base", "--no-session"]).exits(0);
    let resumed = ada.snap(&["rewind", "base", "--fork", "--json"]).exits(0).json();
    let fork = resumed["session_id"].as_str().must("a session").to_owned();
    ada.write("a.txt", "another way");
    ada.snap(&["save", "another way", "--session", &fork]).exits(0);
    ada.write("a.txt", "not for others");
    ada.snap(&["save", "stays here", "--session", &fork]).exits(0);
    ada.snap(&["push", "origin", "base", "one way", "further", "another way"]).exits(0);
    turn(&ada, &transcript, "UserPromptSubmit").exits(0);
    crate::spaces::eventually_is(&ada, &remote, "busy");
    let other = colleague(&ada, &remote).of_another_user();
    let drawn = ["┌─● another way", "│ ● further", "├─● one way", "● base"];
    assert_eq!(tree(&other, &[]), drawn);
    assert_eq!(kinds_fetched(&other), ["commit"], "names and messages, and nothing else");
    assert_eq!(bob(&other, &["list", "--json"]).exits(0).json(), json!([]));
    let all = snapshots(&other);
    let of = |name: &str| all.iter().find(|one| one["name"] == name).must("a snapshot").clone();
    assert_eq!(
        (&of("further")["parent"], &of("further")["state"], &of("further")["here"], &of("base")["parent"]),
        (&of("one way")["id"], &json!("open"), &json!(false), &Value::Null)
    );
    assert!(of("base")["by"].as_str().must("who").starts_with("ada@"), "{all:?}");
    // Sessions come first, and nothing of them is lost.
    let said = bob(&other, &["space"]).exits(0).stdout;
    assert!(said.starts_with("WHO ") && said.find("the parser") < said.find("● base"), "{said}");
    assert_eq!(tree(&ada, &[]), drawn);
    // What is here is known by its manifest: a line leads through it.
    ada.snap(&["rm", "--remote", "origin", "one way"]).exits(0);
    assert_eq!(
        tree(&other, &[]),
        ["● further", "", "● another way", "● base"],
        "of what is gone, nothing is known"
    );
    assert_eq!(tree(&ada, &[]), ["┌─● another way", "├─● further", "● base"], "who has it knows more");
}

#[test]
fn lines_that_are_over_are_one_line_unless_all_is_asked_for() {
    let (ada, remote, _) = shared();
    let other = colleague(&ada, &remote).of_another_user();
    for name in ["base", "dead end", "deader end"] {
        save(&ada, name);
    }
    ada.snap(&["branch", "the end", "dead end"]).exits(0);
    let resumed = ada.snap(&["rewind", "base", "--fork", "--json"]).exits(0).json();
    let fork = resumed["session_id"].as_str().must("a session").to_owned();
    ada.write("a.txt", "alive");
    ada.snap(&["save", "alive", "--session", &fork]).exits(0);
    ada.snap(&["push", "origin", "base", "dead end", "deader end", "alive"]).exits(0);
    ada.snap(&["close", "the end", "-m", "it went nowhere"]).exits(0);
    ada.snap(&["sync", "--now"]);
    let over = "and 2 snapshots of lines that are closed or merged; `snap space -a` lists them";
    assert_eq!(tree(&ada, &[]), ["● alive", "● base", over]);
    assert_eq!(
        tree(&ada, &["-a"]),
        ["┌─● alive", "│ ● deader end (closed)", "├─● dead end [the end]", "● base"]
    );
    // Others see it as of the logs that they fetched; what a line is called is its person's own.
    assert_eq!(tree(&other, &[]), ["┌─● alive", "│ ● deader end", "├─● dead end", "● base"]);
    bob(&other, &["log", "--remote"]).exits(0);
    assert_eq!(tree(&other, &[]), ["● alive", "● base", over]);
    let all = snapshots(&other);
    let state = |name: &str| all.iter().find(|one| one["name"] == name).must("one")["state"].clone();
    assert_eq!(
        ["base", "dead end", "deader end", "alive"].map(state),
        [json!("open"), json!("closed"), json!("closed"), json!("open")]
    );
    // Work goes on from it: it is open again, with what led to it.
    ada.snap(&["reopen", "the end"]).exits(0);
    assert_eq!(tree(&ada, &[]).len(), 4);
}

#[test]
fn of_a_server_that_sends_everything_or_nothing_only_what_is_here_is_known() {
    let (ada, remote, _) = shared();
    save(&ada, "base");
    save(&ada, "next");
    ada.snap(&["push", "origin", "base", "next"]).exits(0);
    git_in(&ada.home, &remote, &["config", "uploadpack.allowFilter", "false"]);
    let other = colleague(&ada, &remote).of_another_user();
    assert_eq!(tree(&other, &[]), Vec::<String>::new());
    let said = bob(&other, &["space"]).exits(0).stdout;
    assert!(said.contains("and 2 snapshots of which only the id is known"), "{said}");
    assert_eq!(bob(&other, &["space", "--json"]).exits(0).json()["unknown_snapshots"], 2);
    bob(&other, &["pull", "origin", "next"]).exits(0);
    assert_eq!(tree(&other, &[]), ["● next", "and 1 snapshot of which only the id is known"]);
}

#[test]
fn what_somebody_put_in_the_place_of_a_snapshot_hides_nothing_and_is_drawn_safe() {
    let (ada, remote, _) = shared();
    save(&ada, "base");
    ada.snap(&["push", "origin", "base"]).exits(0);
    ada.snap(&["sync", "--now"]).exits(0);
    let id = |number: u32| format!("refs/snapshots/eve/{number:032}");
    let plant = |name: &str, text: &str| {
        let tree = git_in(&ada.home, &remote, &["hash-object", "-t", "tree", "-w", "/dev/null"]);
        let commit = git_in(&ada.home, &remote, &["commit-tree", "-m", text, tree.trim()]);
        git_in(&ada.home, &remote, &["update-ref", name, commit.trim()]);
    };
    let parent = |number: u32| {
        format!("Saved-by: e\u{202e}ve@x\nSaved-at: 2026-01-01T00:00:00Z\nParent: {number:032}")
    };
    plant(&id(1), &format!("evil\u{1b}[2J\n\n{}", parent(2)));
    plant(&id(2), &format!("a ring\n\n{}", parent(1)));
    plant(&id(3), "none of ours");
    git_in(&ada.home, &remote, &["update-ref", &id(4), "refs/heads/main^{tree}"]);
    let other = colleague(&ada, &remote).of_another_user();
    let said = bob(&other, &["space"]).exits(0).stdout;
    assert!(said.contains("● base") && said.contains("the parser") && said.contains("● evil\\x1b"), "{said}");
    assert!(!said.contains('\u{1b}') && !said.contains('\u{202e}'), "{said}");
    assert_eq!(snapshots(&other).len(), 3);
}

#[test]
fn a_look_ends_at_a_connection_that_never_answers_and_with_all_that_it_started() {
    let (ada, _, _) = shared();
    let (ssh, pid) = (ada.home.path().join("ssh"), ada.home.path().join("pid"));
    fs::write(&ssh, format!("#!/bin/sh\nsleep 100000 &\necho $! > '{}'\nwait\n", pid.display()))
        .must("a program");
    fs::set_permissions(&ssh, fs::Permissions::from_mode(0o755)).must("a mode");
    ada.git(&["remote", "add", "far", "ssh://far.example/x.git"]);
    let mut command = ada.command(ada.root(), &["space", "--remote", "far"]);
    command.env("GIT_SSH_COMMAND", utf8(&ssh)).env("SNAP_LOOK_SECONDS", "1");
    ran(&mut command).exits(7).says(&["far does not answer", "git was ended after 1 second"]);
    let pid = fs::read_to_string(&pid).must("it was started");
    eventually("its end", || !fs::exists(format!("/proc/{}", pid.trim())).unwrap_or(false));
}
