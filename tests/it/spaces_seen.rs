//! Spaces as others see them: who is at work, a session that is followed or gone on with, the logs of all.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::handoff_remote::{colleague, utf8};
use crate::hooks::bin;
use crate::spaces::{ID, eventually_is, heads, lines, message, refs, remote_hook, say, shared, turn};
use crate::support::api::StandIn;
use crate::support::client::{Client, with};
use crate::support::project::{Project, Ran, files_below, git_in, ran};
use crate::support::work::script;
use crate::support::{Must, eventually};

/// Runs `snap` as bob.
fn bob(project: &Project, arguments: &[&str]) -> Ran {
    ran(project.command(project.root(), arguments).env("USER", "bob"))
}

fn sessions(project: &Project) -> Vec<Value> {
    let said = bob(project, &["space", "--json"]).exits(0).json();
    said["sessions"].as_array().must("sessions").clone()
}

/// Puts a head on a remote that says this.
fn plant(project: &Project, remote: &std::path::Path, name: &str, text: &str) {
    let tree = git_in(&project.home, remote, &["hash-object", "-t", "tree", "-w", "/dev/null"]);
    let commit = git_in(&project.home, remote, &["commit-tree", "-m", text, tree.trim()]);
    git_in(&project.home, remote, &["update-ref", name, commit.trim()]);
}

#[test]
fn a_colleague_sees_who_works_on_what_without_anything_of_it() {
    let (ada, remote, transcript) = shared();
    ada.write("a.txt", "edited\n");
    turn(&ada, &transcript, "UserPromptSubmit").exits(0);
    eventually_is(&ada, &remote, "busy");
    let other = colleague(&ada, &remote).of_another_user();
    let all = sessions(&other);
    assert_eq!(all.len(), 1, "{all:?}");
    let one = &all[0];
    assert_eq!(
        (&one["session"], &one["state"], &one["title"], &one["prompt"], &one["branch"], &one["mine"]),
        (
            &json!(ID),
            &json!("busy"),
            &json!("the parser"),
            &json!("write a parser"),
            &json!("main"),
            &json!(false)
        )
    );
    assert_eq!(
        (&one["edits"]["files"], &one["tasks"]["all"], &one["tasks"]["done"]),
        (&json!(1), &json!(2), &json!(1))
    );
    let table = bob(&other, &["space"]).exits(0).stdout;
    assert!(
        table.starts_with("WHO ") && table.contains("ada@") && table.contains("the parser: write a parser"),
        "{table}"
    );
    assert_eq!(bob(&other, &["list", "--json"]).exits(0).json(), json!([]), "nothing was taken in");
    // What came is commits and nothing else.
    let state = other.home.path().join(".local/state/snap/sync");
    let kept = crate::support::project::files_below(&state);
    let kept = kept.iter().find(|file| file.ends_with("snap-made-for")).must("a kept repository");
    let kinds = git_in(
        &other.home,
        kept.parent().must("a folder"),
        &[
            "-c",
            "core.repositoryFormatVersion=1",
            "cat-file",
            "--batch-all-objects",
            "--batch-check=%(objecttype)",
        ],
    );
    assert_eq!(kinds.trim(), "commit");
    turn(&ada, &transcript, "SessionEnd").exits(0);
    eventually_is(&ada, &remote, "closed");
    let table = bob(&other, &["space"]).exits(0).stdout;
    assert!(table.contains("1 session that ended") && !table.contains("the parser"), "{table}");
    assert!(bob(&other, &["space", "--all"]).exits(0).stdout.contains("closed"));
    bob(&other, &["space", "--remote", "nowhere"]).exits(3).says(&["no remote"]);
}

#[test]
fn a_look_at_which_nothing_is_new_costs_the_same_however_many_refs_there_are() {
    let (ada, remote, _) = shared();
    ada.snap(&["sync", "--now"]).exits(0);
    let commit = git_in(&ada.home, &remote, &["rev-parse", "main"]);
    let refs: String = (0..2_000)
        .map(|number| format!("create refs/snapshots/eve/{number:032} {}\n", commit.trim()))
        .collect();
    let mut update = std::process::Command::new("git");
    update.args(["-C", utf8(&remote), "update-ref", "--stdin"]).stdin(Stdio::piped());
    let mut update = update.spawn().must("git");
    update.stdin.take().must("a pipe").write_all(refs.as_bytes()).must("to write");
    assert!(update.wait().must("an end").success());
    let (sent, received) = (ada.home.path().join("sent"), ada.home.path().join("received"));
    let tee = ada.home.path().join("tee");
    let line = format!(
        "#!/bin/sh\ntee -a '{}' | git upload-pack \"$@\" | tee -a '{}'\n",
        sent.display(),
        received.display()
    );
    fs::write(&tee, line).must("a program");
    fs::set_permissions(&tee, fs::Permissions::from_mode(0o755)).must("a mode");
    ada.users_setting("remote.origin.uploadpack", utf8(&tee));
    ada.snap(&["space"]).exits(0);
    for file in [&sent, &received] {
        fs::write(file, "").must("a counter");
    }
    ada.snap(&["space"]).exits(0);
    let size = |file| fs::metadata(file).must("a counter").len();
    assert!(size(&sent) + size(&received) <= 3_000, "{} and {} bytes", size(&sent), size(&received));
}

#[test]
fn of_a_server_that_sends_everything_or_nothing_only_names_are_asked() {
    let (ada, remote, _) = shared();
    ada.snap(&["sync", "--now"]).exits(0);
    git_in(&ada.home, &remote, &["config", "uploadpack.allowFilter", "false"]);
    let other = colleague(&ada, &remote).of_another_user();
    let said = bob(&other, &["space", "--json"]).exits(0).says(&["only names are shown"]).json();
    assert_eq!(
        (&said["names_only"], &said["sessions"][0]["session"], &said["sessions"][0]["state"]),
        (&json!(true), &json!(ID), &Value::Null)
    );
}

#[test]
fn what_a_head_says_is_never_believed_further_than_what_was_seen() {
    let (ada, remote, _) = shared();
    let head = |session: &str| format!("refs/snapshots-live/eve@desk-x1y2/{session}");
    plant(
        &ada,
        &remote,
        &head("future"),
        "x\n\nState: busy\nEvery: 300\nAt: 2099-01-01T00:00:00Z\nTitle: a\u{1b}[2Jb\u{202e}c",
    );
    plant(&ada, &remote, &head("past"), "x\n\nState: busy\nEvery: 300\nAt: 2020-01-01T00:00:00Z");
    plant(&ada, &remote, &head("rubbish"), "State: \u{1b}[31m\nAt: never");
    plant(&ada, &remote, "refs/snapshots-live/EVE@x/y", "x");
    git_in(&ada.home, &remote, &["update-ref", &head("tree"), "refs/heads/main^{tree}"]);
    let of =
        |all: &[Value], name: &str| all.iter().find(|one| one["session"] == name).must("a session").clone();
    let all = sessions(&ada);
    assert_eq!(all.len(), 4, "{all:?}");
    assert_eq!(
        (&of(&all, "future")["clock_ahead"], &of(&all, "future")["state"]),
        (&json!(true), &json!("busy"))
    );
    assert_eq!(of(&all, "past")["state"], "silent");
    assert_eq!(of(&all, "rubbish")["state"], Value::Null);
    assert_eq!(of(&all, "tree")["state"], Value::Null);
    let table = bob(&ada, &["space"]).exits(0).stdout;
    assert!(
        !table.contains('\u{1b}') && !table.contains('\u{202e}') && table.contains("clock is ahead"),
        "{table}"
    );
    // One whose clock is far behind, and which moved since the last look, lives.
    plant(&ada, &remote, &head("past"), "x\n\nState: busy\nEvery: 300\nTurn: 2\nAt: 2020-01-01T00:00:01Z");
    assert_eq!(of(&sessions(&ada), "past")["state"], "busy");
}

#[test]
fn anybody_goes_on_from_a_session_as_from_a_snapshot_of_somebody_else() {
    let (ada, remote, transcript) = shared();
    ada.write("a.txt", "edited by ada\n");
    say(&ada, &transcript, 1, "and test it");
    ada.snap(&["sync", "--now"]).exits(0);
    let other = colleague(&ada, &remote).of_another_user();
    let short = format!("ada/{}", &ID[..6]);
    bob(&other, &["resume", &short, "--offline"]).exits(3);
    bob(&other, &["resume", "ada/nothing"])
        .exits(3)
        .says(&["There is no session ada/nothing on origin", "snap space"]);
    bob(&other, &["resume", &short, "--no-run"]).exits(3).says(&["--trust"]);
    assert_eq!(other.read("a.txt"), b"one\ntwo\nthree\n", "nothing without a yes");
    let resumed = bob(&other, &["resume", &short, "--trust", "--no-run", "--json"])
        .exits(0)
        .says(&["the session of ada@"])
        .json();
    assert_eq!(
        (resumed["session_id"].as_str(), other.read("a.txt")),
        (Some(ID), b"edited by ada\n".to_vec())
    );
    let list = bob(&other, &["list", "--json"]).exits(0).json();
    let taken = list
        .as_array()
        .must("a list")
        .iter()
        .find(|one| one["provenance"] == "foreign" || one["own"] == false);
    assert!(taken.is_some() || list.as_array().must("a list").len() == 1, "{list}");
    // Its title means it too, and an ambiguous word nothing.
    let title = bob(&other, &["resume", "ada/the parser", "--trust", "--no-run", "--dry-run"]).exits(0);
    assert!(title.stderr.contains("the session of ada@"), "{}", title.stderr);
    // What bob saves now goes on from it.
    other.write("b.txt", "by bob\n");
    bob(&other, &["save", "of bob"]).exits(0);
    let tree = bob(&other, &["show", "of bob", "--json"]).exits(0).json();
    assert!(tree["parent"].is_string(), "{tree}");
}

#[test]
fn a_session_is_followed_turn_by_turn_and_nothing_of_it_is_taken_in() {
    let (ada, remote, transcript) = shared();
    ada.snap(&["sync", "--now"]).exits(0);
    let other = colleague(&ada, &remote).of_another_user();
    let once = bob(&other, &["follow", "ada/", "--once"]).exits(0);
    assert!(once.stdout.contains("❯ write a parser"), "{}", once.stdout);
    let before = other.state();
    let out = other.home.path().join("followed");
    let mut follow =
        other.command(other.root(), &["follow", &format!("ada/{ID}"), "--every", "1s", "--json"]);
    let file = fs::File::create(&out).must("a file");
    let mut follow = follow.env("USER", "bob").stdout(file).stderr(Stdio::null()).spawn().must("a follower");
    let followed = || fs::read_to_string(&out).unwrap_or_default();
    eventually("the beginning", || followed().contains("write a parser"));
    say(&ada, &transcript, 1, "and test it \u{1b}[2J");
    ada.write("a.txt", "edited\n");
    ada.snap(&["sync", "--now"]).exits(0);
    eventually("the next turn", || followed().contains("and test it") && followed().contains("\"a.txt\""));
    turn(&ada, &transcript, "SessionEnd").exits(0);
    eventually_is(&ada, &remote, "closed");
    assert!(follow.wait().must("its end").success());
    let all = followed();
    let happened: Vec<Value> = all.lines().map(|line| serde_json::from_str(line).must("JSON")).collect();
    let texts: Vec<&str> = happened.iter().filter_map(|one| one["text"].as_str()).collect();
    assert_eq!(texts.iter().filter(|text| text.starts_with("write a parser")).count(), 1, "each once: {all}");
    assert!(!all.contains('\u{1b}'), "{all}");
    assert_eq!(other.state(), before);
    assert_eq!(bob(&other, &["list", "--json"]).exits(0).json(), json!([]));
    bob(&other, &["follow", "eve/"]).exits(3).says(&["There is no session eve/"]);
}

#[test]
fn a_head_that_is_no_sound_snapshot_is_refused_whole() {
    let (ada, remote, _) = shared();
    plant(
        &ada,
        &remote,
        "refs/snapshots-live/eve@desk-x1y2/bad",
        "x\n\nState: busy\nAt: 2026-01-01T00:00:00Z",
    );
    let before = ada.state();
    for command in [&["follow", "eve/bad", "--once"][..], &["resume", "eve/bad", "--trust", "--no-run"]] {
        bob(&ada, command).exits(5).says(&["is not a sound snapshot", "it has no manifest"]);
    }
    assert_eq!((ada.state(), bob(&ada, &["list", "--json"]).exits(0).json()), (before, json!([])));
}

#[test]
fn the_logs_of_all_are_merged_and_a_rewrite_a_gap_and_a_loss_show() {
    let (ada, remote, transcript) = shared();
    let other = colleague(&ada, &remote).of_another_user();
    let copy = other.home.project(other.root()).join("0137e379-838e-4509-8148-16b407691758.jsonl");
    fs::create_dir_all(copy.parent().must("a folder")).must("a folder");
    let text = fs::read_to_string(&transcript).must("a transcript");
    fs::write(&copy, text.replace(utf8(ada.root()), utf8(other.root()))).must("a transcript");
    crate::spaces::no_pause(&other);
    bob(&other, &["init", "--local", "--sync"]).exits(0);
    ada.snap(&["save", "a name that stays here"]).exits(0);
    ada.snap(&["sync", "--now"]).exits(0);
    bob(&other, &["sync", "--now"]).exits(0);
    ada.snap(&["push"]).exits(0);
    ada.snap(&["sync", "--now"]).exits(0);
    let said = bob(&other, &["log", "--remote", "--json"]).exits(0).stdout;
    let all: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).must("a line")).collect();
    let steps: Vec<(&str, &str)> = all
        .iter()
        .map(|one| (one["user"].as_str().must("a user"), one["operation"].as_str().must("a word")))
        .collect();
    assert_eq!(steps, [("ada", "push"), ("bob", "open"), ("ada", "open"), ("ada", "save")], "newest first");
    assert!(!said.contains("a name that stays here") && !said.contains(utf8(ada.root())), "{said}");
    assert_eq!(all.iter().filter(|one| one["number"] == 1).count(), 2);
    let table = bob(&other, &["log", "--remote", "-n", "2"]).exits(0).stdout;
    assert!(table.lines().count() == 2 && table.starts_with("push"), "{table}");
    // Bob's next commit names the tip of ada's chain that he saw.
    bob(&other, &["save", "x"]).exits(0);
    bob(&other, &["sync", "--now"]).exits(0);
    let chains = refs(&ada, &remote, "refs/snapshots-audit");
    let (of_ada, tip) = chains.iter().find(|(name, _)| name.contains("/ada@")).must("ada's chain").clone();
    let (_, of_bob) = chains.iter().find(|(name, _)| name.contains("/bob@")).must("bob's chain").clone();
    assert!(
        message(&ada, &remote, &of_bob)
            .contains(&format!("Saw: {} {tip}", of_ada.trim_start_matches("refs/snapshots-audit/")))
    );

    // Somebody cuts the newest line off: bob knows, and so does whoever reads bob's log.
    git_in(&ada.home, &remote, &["update-ref", &of_ada, &format!("{tip}~1")]);
    bob(&other, &["log", "--remote"]).exits(5).says(&["was rewritten since it was seen here last"]);
    let third = colleague(&ada, &remote).of_another_user();
    third.snap(&["log", "--remote"]).exits(5).says(&["was rewritten or removed since bob@"]);
    git_in(&ada.home, &remote, &["update-ref", "-d", &of_ada]);
    bob(&other, &["log", "--remote"]).exits(5).says(&["is gone since it was seen here last"]);
    // Ada's next line brings her own copy back, whole.
    ada.snap(&["save", "y"]).exits(0);
    ada.snap(&["sync", "--now"]).exits(0).says(&["log was gone from origin"]);
    bob(&other, &["log", "--remote"]).exits(0);
    assert_eq!(lines(&ada, &remote).len(), 6);
}

#[test]
fn what_somebody_else_closed_can_be_reopened_and_a_merge_that_was_undone_is_none_for_all() {
    let (ada, remote, transcript) = shared();
    ada.snap(&["save", "base"]).exits(0);
    say(&ada, &transcript, 1, "two");
    ada.write("a.txt", "edited by ada\n");
    ada.snap(&["save", "two"]).exits(0);
    ada.snap(&["push", "origin", "base", "two"]).exits(0);
    ada.snap(&["close", "base", "-m", "too slow"]).exits(0);
    ada.snap(&["sync", "--now"]).exits(0);
    let other = colleague(&ada, &remote);
    fs::write(other.path(".git/info/exclude"), ".claude/\n").must("a rule");
    crate::spaces::no_pause(&other);
    bob(&other, &["init", "--local", "--sync"]).exits(0);
    bob(&other, &["pull"]).exits(0);
    bob(&other, &["log", "--remote"]).exits(0);
    let list = |project: &Project, user: &str| {
        ran(project.command(project.root(), &["list"]).env("USER", user)).exits(0).stdout
    };
    assert!(list(&other, "bob").contains("closed"));
    assert_eq!(bob(&other, &["close", "base", "--json"]).exits(0).json()["changed"], false);
    bob(&other, &["reopen", "base"]).exits(0).says(&["is open again"]);
    assert!(!list(&other, "bob").contains("closed"));

    bob(&other, &["resume", "base", "--trust", "--no-run"]).exits(0);
    bob(&other, &["merge", "two", "--trust"]).exits(0);
    bob(&other, &["sync", "--now"]).exits(0);
    ada.snap(&["log", "--remote"]).exits(0);
    let seen = list(&ada, "ada");
    assert!(seen.contains("(merged)") && !seen.contains("(closed)"), "{seen}");
    bob(&other, &["undo"]).exits(0);
    bob(&other, &["sync", "--now"]).exits(0);
    ada.snap(&["log", "--remote"]).exits(0);
    let seen = list(&ada, "ada");
    assert!(!seen.contains("(merged)"), "{seen}");
}

#[test]
fn a_dry_run_of_a_session_adds_nothing_and_shows_the_same_plan() {
    let (ada, remote, _) = shared();
    ada.write("a.txt", "edited by ada\n");
    ada.write("large.txt", "0123456789abcdef\n".repeat(9000));
    ada.snap(&["sync", "--now"]).exits(0);
    let other = colleague(&ada, &remote).of_another_user();
    let all = || (files_below(other.root()), files_below(&other.home.path().join(".claude")));
    let before = all();
    let plan = |reference: &str| {
        let dry = ["resume", reference, "--dry-run", "--json"];
        let mut plan = bob(&other, &dry).exits(0).json();
        // A key that was made meanwhile gives another reason why it is not one's own.
        plan["provenance"].take();
        plan
    };
    let planned = plan("ada/");
    assert_eq!(planned["edits"].as_array().map(Vec::len), Some(2), "{planned}");
    let said = bob(&other, &["resume", "ada/", "--dry-run"]).exits(0);
    said.says(&["The session of ada", "Without --dry-run, it is added here first", "Nothing was changed"]);
    bob(&other, &["resume", "ada/", "--dry-run", "--worktree", "try"]).exits(0);
    assert_eq!(all(), before);
    bob(&other, &["resume", "ada/", "--no-run"]).exits(3).says(&["Added \""]);
    let said = bob(&other, &["resume", "ada/", "--dry-run"]).exits(0);
    said.says(&["is here already", "Nothing was changed"]);
    assert_eq!(plan("ada/"), planned);
    let log = bob(&other, &["log", "--json"]).exits(0).json();
    bob(&other, &["resume", "ada/", "--dry-run", "--no-run", "--", "a.txt"]).exits(2);
    assert_eq!(bob(&other, &["log", "--json"]).exits(0).json(), log);
}

#[test]
fn a_session_of_a_machine_whose_key_is_listed_raises_no_question() {
    let (ada, remote, transcript) = shared();
    let key = ada.home.path().join("key");
    ran(std::process::Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f", utf8(&key)]))
        .exits(0);
    let public = fs::read_to_string(key.with_extension("pub")).must("a key");
    ada.users_setting("user.signingKey", utf8(&key.with_extension("pub")));
    ada.users_setting("snap.sign", "true");
    ada.write("a.txt", "edited by ada\n");
    turn(&ada, &transcript, "Stop").exits(0);
    eventually_is(&ada, &remote, "idle");
    let desk = colleague(&ada, &remote).of_another_user();
    let list = desk.home.path().join("signers");
    fs::write(&list, format!("ada@example.org {public}")).must("a list");
    desk.snap(&["resume", "ada/", "--no-run"]).exits(3).says(&["--trust"]);
    desk.users_setting("gpg.ssh.allowedSignersFile", utf8(&list));
    let resumed = desk.snap(&["resume", "ada/", "--no-run", "--json"]).exits(0).json();
    assert_eq!((resumed["session_id"].as_str(), desk.read("a.txt")), (Some(ID), b"edited by ada\n".to_vec()));
}

#[test]
fn a_teammate_goes_on_with_the_real_client_from_what_it_did_a_moment_ago_on_another_machine() {
    with(Client::newest(), |client: &Client| {
        let (ada, remote, _) = shared();
        let api = StandIn::start(script);
        let of_ada = client.beside(&bin(&ada));
        let done = of_ada
            .print(&ada.home, ada.root(), &api, &[], &format!("work {}", ada.root().display()))
            .succeeded();
        let of_it = |state: &str| {
            let head = heads(&ada, &remote).into_iter().find(|(name, _)| name.ends_with(&done.session_id));
            head.is_some_and(|(_, oid)| message(&ada, &remote, &oid).contains(&format!("State: {state}")))
        };
        eventually("the end of the session on the remote", || of_it("closed"));
        let bea = colleague(&ada, &remote).of_another_user();
        let seen = sessions(&bea);
        let one =
            seen.iter().find(|one| one["session"] == json!(done.session_id)).must("the session").clone();
        assert_eq!((&one["state"], &one["turn"]), (&json!("closed"), &json!(1)), "{one}");
        let who = one["who"].as_str().must("a name").to_owned();
        let said = bob(&bea, &["follow", &format!("{who}/{}", done.session_id), "--once", "--all"]).exits(0);
        assert!(said.stdout.contains("all done"), "{}", said.stdout);
        let resumed =
            bob(&bea, &["resume", &format!("{who}/{}", done.session_id), "--trust", "--no-run", "--json"]);
        assert!([0, 6].contains(&resumed.code), "{}", resumed.stderr);
        let session = resumed.json()["session_id"].as_str().must("a session").to_owned();
        assert_eq!(bea.content_state(), ada.content_state());
        api.clear();
        client.print(&bea.home, bea.root(), &api, &["--resume", &session], "now it is me").succeeded();
        let messages = api.main().first().must("a request").messages();
        let said = messages.iter().map(Value::to_string).collect::<String>();
        for half in ["all done", "now it is me"] {
            assert!(said.contains(half), "{half} is not in {said}");
        }
    });
}

#[test]
fn who_may_not_push_still_sees_and_goes_on() {
    let (ada, remote, _) = shared();
    ada.snap(&["sync", "--now"]).exits(0);
    remote_hook(&remote, "pre-receive", "echo 'you may read only' >&2; exit 1");
    let other = colleague(&ada, &remote).of_another_user();
    assert_eq!(sessions(&other).len(), 1);
    bob(&other, &["resume", "ada/", "--trust", "--no-run"]).exits(0);
    bob(&other, &["init", "--local", "--sync"]).exits(0);
    bob(&other, &["sync", "--now"]).exits(3).says(&["you may read only", "ask for the right to push"]);
    assert_eq!(heads(&ada, &remote).len(), 1);
    assert!(bob(&other, &["sync"]).exits(0).stdout.contains("you may read only"));
}

#[test]
fn what_somebody_closed_is_closed_for_all_who_fetched_their_log_and_their_names_stay_theirs() {
    let (ada, remote, _) = shared();
    let other = colleague(&ada, &remote).of_another_user();
    ada.write("a.txt", "a line of work\n");
    ada.snap(&["save", "x"]).exits(0);
    let token = crate::redaction::token("github classic", 21);
    let secret = format!("line-{token}");
    ada.snap(&["branch", &secret, "x"]).exits(0);
    ada.snap(&["branch", "--remove", &secret]).exits(0);
    ada.snap(&["branch", "adas-line"]).exits(0);
    ada.snap(&["push", "origin", "x"]).exits(0);
    bob(&other, &["pull", "origin"]).exits(0);
    let closed = || bob(&other, &["list"]).exits(0).stdout.contains("(closed)");
    ada.snap(&["close", "x", "-m", &format!("it leaked {token}")]).exits(0);
    ada.snap(&["close", "x", "-m", "it went nowhere"]);
    ada.snap(&["sync", "--now"]).exits(0);
    let said: String = lines(&ada, &remote).iter().map(ToString::to_string).collect();
    assert!(!said.contains(&token), "no line with a secret in its words goes: {said}");
    assert!(!said.contains("\"x\""), "no name of a snapshot goes: {said}");
    assert!(!closed());
    bob(&other, &["log", "--remote"]).exits(0);
    assert!(closed());
    let shown = bob(&other, &["show", "x"]).exits(0).stdout;
    assert!(shown.contains("it went nowhere"), "{shown}");
    assert!(!shown.contains("adas-line"), "{shown}");
    bob(&other, &["diff", "adas-line"]).exits(3);
    ada.snap(&["reopen", "x"]).exits(0);
    ada.snap(&["sync", "--now"]).exits(0);
    bob(&other, &["log", "--remote"]).exits(0);
    assert!(!closed());
}

#[test]
fn an_odd_head_of_somebody_hides_and_changes_no_other() {
    let (ada, remote, transcript) = shared();
    say(&ada, &transcript, 8, "what ada says");
    ada.snap(&["sync", "--now"]).exits(0);
    let other = colleague(&ada, &remote).of_another_user();
    plant(
        &ada,
        &remote,
        "refs/snapshots-live/zed@vm-aaaa/70777777-dddd-4333-8444-555555555555",
        "no head at all",
    );
    let odd = "refs/snapshots-live/aaa@vm-aaaa/70777777-dddd-4333-8444-555555555555";
    let large = "refs/snapshots-live/aab@vm-aaaa/70777777-dddd-4333-8444-555555555556";
    let blob = git_in(&ada.home, &remote, &["hash-object", "-w", "description"]);
    git_in(&ada.home, &remote, &["update-ref", odd, blob.trim()]);
    plant(&ada, &remote, large, &"words ".repeat(20_000));
    let all = sessions(&other);
    let of = |user: &str| {
        let mut rows = all.iter().map(ToString::to_string);
        rows.find(|row| row.contains(&format!("{user}@"))).unwrap_or_else(|| panic!("{user}: {all:?}"))
    };
    assert!(of("ada").contains("\"turn\"") || of("ada").contains("idle"), "{}", of("ada"));
    for user in ["aaa", "aab", "zed"] {
        assert!(!of(user).contains("what ada says") && !of(user).contains("main"), "{}", of(user));
    }
}
