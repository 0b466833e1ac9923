//! Who works on what, and pruning, on a remote that several people share.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::handoff_remote::{colleague, refs, utf8, with_remote};
use crate::real_client::answering_on_terminal;
use crate::support::project::{Project, Ran, git_in, ran};
use crate::support::{Must, eventually};

/// Runs `snap` as somebody, with all the patience that a busy machine needs.
#[track_caller]
fn snap_as(user: &str, project: &Project, arguments: &[&str]) -> Ran {
    ran(command_as(user, project, arguments).env("SNAP_LEASE_MILLISECONDS", "60000"))
}

fn command_as(user: &str, project: &Project, arguments: &[&str]) -> Command {
    let mut command = project.command(project.root(), arguments);
    command.env("USER", user);
    command
}

/// The leases on a bare remote: snapshot, who and since when.
fn leases(project: &Project, remote: &Path) -> Vec<String> {
    let format = "--format=%(refname:lstrip=2)";
    git_in(&project.home, remote, &["for-each-ref", format, "refs/snapshot-leases"])
        .lines()
        .map(str::to_owned)
        .collect()
}

fn holders(project: &Project, remote: &Path) -> Vec<String> {
    let who = |lease: String| lease.split(['/', '@']).nth(1).must("a user").to_owned();
    leases(project, remote).into_iter().map(who).collect()
}

#[test]
fn whoever_resumes_what_another_one_works_on_is_told_and_goes_on() {
    let (ada, remote) = with_remote();
    ada.write("a.txt", "one\n");
    ada.snap(&["save", "shared"]).exits(0);
    ada.snap(&["push"]).exits(0);
    let (bob, eve) = (colleague(&ada, &remote), colleague(&ada, &remote));
    for (user, project) in [("bob", &bob), ("eve", &eve)] {
        snap_as(user, project, &["pull"]).exits(0);
    }
    let resume = ["resume", "shared", "--trust"];
    let first = snap_as("bob", &bob, &resume).exits(0);
    assert!(!first.stderr.contains("worked on"), "{}", first.stderr);
    eventually("the lease", || holders(&ada, &remote) == ["bob"]);
    let again = snap_as("bob", &bob, &["resume", "shared", "--trust", "--json"]).exits(0);
    assert!(!again.stderr.contains("worked on"), "his own is no news to him: {}", again.stderr);

    let second = snap_as("eve", &eve, &resume).exits(0);
    let second = second.says(&["shared is being worked on by bob@", "since "]);
    assert_eq!(second.stdout, "", "it is talk, no data");
    eventually("both leases", || holders(&ada, &remote).len() == 2);
    let listed = ada.snap(&["list", "--remote", "--json"]).exits(0).json();
    let who: Vec<&str> =
        listed[0]["leases"].as_array().must("leases").iter().filter_map(|l| l["who"].as_str()).collect();
    assert!(who.len() == 2 && who[0].starts_with("bob@") && who[1].starts_with("eve@"), "{listed}");
    let table = ada.snap(&["list", "--remote"]).exits(0).stdout;
    assert!(table.contains("(being worked on by bob@"), "{table}");

    // `status` asks no remote: it says what was seen last, and when.
    let status = ada.snap(&["status", "--json"]).exits(0).json();
    let seen: Vec<(&str, bool)> = (status["leases"].as_array().must("leases").iter())
        .filter_map(|lease| Some((lease["who"].as_str()?, lease["mine"].as_bool()?)))
        .collect();
    assert!(seen.len() == 2 && seen.iter().all(|(_, mine)| !mine), "{status}");
    assert!(seen.iter().any(|(who, _)| who.starts_with("bob@")), "{status}");
    let lines = snap_as("bob", &bob, &["status"]).exits(0).stdout;
    assert!(lines.contains("Leases ") && lines.contains("\"shared\" yours  taken "), "{lines}");

    // Who hands on what came of it has done with it; who withdraws it, with all.
    bob.write("b.txt", "by bob\n");
    snap_as("bob", &bob, &["save", "of bob"]).exits(0);
    snap_as("bob", &bob, &["push"]).exits(0);
    assert_eq!(holders(&ada, &remote), ["eve"]);
    let left = snap_as("bob", &bob, &["status", "--json"]).exits(0).json();
    assert!(left["leases"].as_array().must("leases").iter().all(|lease| lease["mine"] == false), "{left}");
    ada.snap(&["rm", "--remote", "origin", "shared"]).exits(0);
    assert_eq!((leases(&ada, &remote), refs(&ada, &remote).len()), (Vec::new(), 1));
}

#[test]
fn on_a_terminal_a_resume_of_what_another_one_works_on_asks_first() {
    let (ada, remote) = with_remote();
    ada.write("a.txt", "one\n");
    ada.snap(&["save", "shared"]).exits(0);
    ada.snap(&["push"]).exits(0);
    let (bob, eve) = (colleague(&ada, &remote), colleague(&ada, &remote));
    for (user, project) in [("bob", &bob), ("eve", &eve)] {
        snap_as(user, project, &["pull"]).exits(0);
    }
    snap_as("bob", &bob, &["resume", "shared", "--trust"]).exits(0);
    eventually("the lease", || holders(&ada, &remote) == ["bob"]);
    let before = eve.state();
    let asked = |answer: &str| {
        let mut command = command_as("eve", &eve, &["resume", "shared", "--trust", "--no-run"]);
        let said = answering_on_terminal(command.env("SNAP_LEASE_MILLISECONDS", "60000"), answer);
        assert!(
            said.contains("shared is being worked on by bob@") && said.contains("Resume it too? [y/N]"),
            "{said}"
        );
        said
    };
    for answer in ["n\n", "\n"] {
        let said = asked(answer);
        assert!(said.contains("Nothing was restored"), "{said}");
        assert_eq!((eve.state(), holders(&ada, &remote)), (before.clone(), vec!["bob".to_owned()]));
    }
    asked("y\n");
    assert_eq!(eve.read("a.txt"), b"one\n");
    eventually("both leases", || holders(&ada, &remote).len() == 2);
}

#[test]
fn a_lease_expires_and_names_that_are_no_leases_mean_nothing() {
    let (ada, remote) = with_remote();
    ada.write("a.txt", "one\n");
    ada.snap(&["save", "shared"]).exits(0);
    ada.snap(&["push"]).exits(0);
    let id = ada.snap(&["list", "--json"]).json()[0]["id"].as_str().must("an id").to_owned();
    let commit = refs(&ada, &remote)[0].split(' ').next().must("a commit").to_owned();
    for name in ["bob@host/1795000000", "ada", "x@y/z", "a\u{301}b@host/1", "bob@host/99999999999"] {
        let name = format!("refs/snapshot-leases/{id}/{name}");
        git_in(&ada.home, &remote, &["update-ref", &name, &commit]);
    }
    let bob = colleague(&ada, &remote);
    snap_as("bob", &bob, &["pull"]).exits(0);
    let resumed = snap_as("bob", &bob, &["resume", "--trust"]).exits(0);
    assert!(!resumed.stderr.contains("worked on"), "{}", resumed.stderr);
    let old = || leases(&ada, &remote).iter().any(|lease| lease.ends_with("bob@host/1795000000"));
    eventually("the old lease to go", || !old());
}

#[test]
fn a_remote_that_does_not_answer_holds_no_resume_up() {
    let (ada, remote) = with_remote();
    ada.write("a.txt", "one\n");
    ada.snap(&["save", "shared"]).exits(0);
    ada.snap(&["push"]).exits(0);
    let bob = colleague(&ada, &remote);
    snap_as("bob", &bob, &["pull"]).exits(0);
    // Whoever asks this remote hangs until something is written to the pipe.
    let pipe = ada.home.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().must("mkfifo").success());
    let program = ada.home.path().join("hangs");
    fs::write(&program, format!("#!/bin/sh\nread line <{}\nexec git upload-pack \"$1\"\n", pipe.display()))
        .must("a program");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).must("a mode");
    bob.users_setting("remote.origin.uploadpack", utf8(&program));
    let mut hurried = command_as("bob", &bob, &["resume", "--trust"]);
    ran(hurried.env("SNAP_LEASE_MILLISECONDS", "1")).exits(0);
    assert_eq!(bob.read("a.txt"), b"one\n");
    assert!(leases(&ada, &remote).is_empty());
    // The lease is left when the remote wakes up.
    fs::write(&pipe, "go on\n").must("to wake it up");
    eventually("the lease", || holders(&ada, &remote) == ["bob"]);
    // Asked to stay off the network, it does; a remote that is gone is no news either.
    bob.users_setting("remote.origin.uploadpack", "/nonexistent/program");
    snap_as("bob", &bob, &["rewind", "--trust", "--offline"]).exits(0);
    let gone = snap_as("bob", &bob, &["rewind", "--trust"]).exits(0);
    assert!(!gone.stderr.contains("origin"), "{}", gone.stderr);
}

#[test]
fn pruning_a_remote_removes_what_this_user_pushed_and_nobody_elses() {
    let (ada, remote) = with_remote();
    for number in 1..=4 {
        ada.write("a.txt", format!("{number}\n"));
        ada.snap(&["save", &format!("try {number}")]).exits(0);
    }
    ada.snap(&["push", "origin", "try 1", "try 2", "try 3", "try 4"]).exits(0);
    ada.snap(&["pin", "try 1"]).exits(0);
    let bob = colleague(&ada, &remote);
    bob.write("a.txt", "of bob\n");
    snap_as("bob", &bob, &["save", "of bob"]).exits(0);
    snap_as("bob", &bob, &["push"]).exits(0);

    let keep_two = ["prune", "--remote", "origin", "--keep-last", "1"];
    let dry = ada.snap(&[&keep_two[..], &["--dry-run"]].concat()).exits(0);
    let dry = dry.says(&["Would remove 2 of 4 snapshots", "1 snapshot of others on origin left alone"]);
    assert!(
        dry.stdout.contains("remove\ttry 2\t") && dry.stdout.contains("keep\ttry 1\tpinned"),
        "{}",
        dry.stdout
    );
    assert_eq!(refs(&ada, &remote).len(), 5);
    let done = ada.snap(&[&keep_two[..], &["--json"]].concat()).exits(0).json();
    let kept: Vec<&Value> = done["snapshots"]
        .as_array()
        .must("snapshots")
        .iter()
        .filter(|one| one["keep"] == true)
        .map(|one| &one["name"])
        .collect();
    assert_eq!((kept, &done["of_others"]), (vec![&json!("try 4"), &json!("try 1")], &json!(1)));
    assert_eq!(refs(&ada, &remote).len(), 3);
    assert_eq!(ada.snap(&["list", "--json"]).json().as_array().map(Vec::len), Some(4), "those here stay");
    let log = ada.snap(&["log", "--json", "-n", "1"]).exits(0).json();
    assert_eq!((&log[0]["operation"], &log[0]["peer"]), (&json!("prune"), &json!("origin")));
    // From a clone that has none of them, by what their commits say; one from the future stays and counts for nothing.
    let future = format!("refs/snapshots/ada/{}", "f".repeat(32));
    let tree = git_in(&ada.home, &remote, &["mktree"]);
    let commit = ada.git(&[
        "-C",
        utf8(&remote),
        "commit-tree",
        "-m",
        "x\n\nSaved-at: 2999-01-01T00:00:00Z",
        tree.trim(),
    ]);
    git_in(&ada.home, &remote, &["update-ref", &future, commit.trim()]);
    let clone = colleague(&ada, &remote);
    let ran = clone.snap(&keep_two).exits(0);
    assert!(ran.stdout.contains("keep\tx\tits date can't be right"), "{}", ran.stdout);
    assert_eq!(refs(&ada, &remote).len(), 3, "the newest, the odd one, and that of bob");
    clone.snap(&["prune", "--remote", "origin"]).exits(2);
    clone.snap(&["prune", "--remote", "origin", "--max-size", "1M"]).exits(2);
}
