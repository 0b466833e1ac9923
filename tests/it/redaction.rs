//! Secrets stay out of the store and off the screen, and files with secrets come back exactly.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::Must;
use crate::support::api::StandIn;
use crate::support::client::Client;
use crate::support::planted::{KINDS, Random, base64};
use crate::support::project::{Project, Ran, files_below, ran};
use crate::support::work::script;
use crate::trust::typed_into;

with_both_clients! {
    a_redacted_session_goes_on
}

const ID: &str = "c137e379-838e-4509-8148-16b407691758";

pub(crate) fn token(kind: &str, seed: u64) -> String {
    let (_, _, make) = KINDS.iter().find(|(name, ..)| *name == kind).must("a kind");
    make(&mut Random::new(seed))
}

/// Runs `snap` with variables set.
fn snap_with(project: &Project, variables: &[(&str, &str)], arguments: &[&str]) -> Ran {
    let mut command: Command = project.command(project.root(), arguments);
    ran(command.envs(variables.iter().copied()))
}

/// Everything in a store, decompressed.
pub(crate) fn content_of(store: &Path) -> Vec<(String, Vec<u8>)> {
    let read = |path: std::path::PathBuf| {
        let bytes = fs::read(&path).must("a file of the store");
        let raw = if path.extension().is_some_and(|end| end == "zst") {
            zstd::decode_all(bytes.as_slice()).must("a frame")
        } else {
            bytes
        };
        (path.display().to_string(), raw)
    };
    files_below(store).into_iter().map(read).collect()
}

#[track_caller]
pub(crate) fn assert_nowhere(store: &Path, secrets: &[&str]) {
    for (place, content) in content_of(store) {
        for secret in secrets {
            let start = &secret.as_bytes()[..secret.len().min(14)];
            let encoded = base64(secret.as_bytes());
            for form in [start, &encoded.as_bytes()[..encoded.len() - 4]] {
                let found = memchr::memmem::find(&content, form).is_some();
                assert!(!found, "{} is in {place}", String::from_utf8_lossy(form));
            }
        }
    }
}

#[track_caller]
fn assert_unsaid(ran: &Ran, secrets: &[&str]) {
    for secret in secrets {
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(!said.contains(&secret[..secret.len().min(14)]), "{said}");
    }
}

#[test]
fn secrets_planted_everywhere_reach_neither_the_store_nor_the_screen_and_edits_come_back() {
    let project = Project::new();
    project.write(".gitignore", ".env\n");
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "ignore"]);
    let transcript = project.session(ID);
    let (github, stripe, aws) = (token("github classic", 1), token("stripe live", 2), token("aws id", 3));
    let (password, from_file, key) =
        (token("password", 4), token("internal token", 5), token("private key", 6));
    let secrets = [&github, &stripe, &aws, &password, &from_file, &key].map(String::as_str);
    let mut records = String::new();
    for record in [
        json!({"type": "user", "sessionId": ID, "message": {"content": format!("deploy with {github}\nand \"{password}\"")}}),
        json!({"type": "assistant", "sessionId": ID, "message": {"content": [
            {"type": "thinking", "thinking": format!("I use {stripe}"), "signature": "c2ln".repeat(30)},
            {"type": "tool_use", "id": "t9", "name": "Bash", "input": {"command": format!("curl -u app:{password} x; echo {}", base64(github.as_bytes()))}}]}}),
        json!({"type": "user", "sessionId": ID, "message": {"content": [{"type": "tool_result", "tool_use_id": "t9", "content": key}]}, "toolUseResult": {"stdout": from_file}}),
        json!({"type": "queue-operation", "operation": "enqueue", "content": format!("then rotate {aws}"), "sessionId": ID}),
        json!({"type": "custom-title", "customTitle": format!("use {stripe}"), "sessionId": ID}),
    ] {
        records += &format!("{record}\n");
    }
    project.append(&transcript, records.as_bytes());
    project.append(&transcript, format!("{{\"type\":\"user\",\"torn\":\"{github}").as_bytes());
    project.write_beside(
        &transcript,
        "tool-results/env.txt",
        format!("TOKEN={from_file}\n{aws}\n").as_bytes(),
    );
    project.append(
        &transcript.with_extension("").join("subagents/agent-ag1.jsonl"),
        format!("{}\n", json!({"x": github})).as_bytes(),
    );
    fs::write(
        project.home.tasks(ID).join("3.json"),
        json!({"id": "3", "subject": format!("use {github}")}).to_string(),
    )
    .must("a task");
    let history = project.home.config().join("file-history").join(ID);
    fs::create_dir_all(&history).must("a folder");
    fs::write(history.join("abc@v1"), format!("old {stripe}\n")).must("a copy");
    project.write(
        ".claude/settings.local.json",
        json!({"permissions": {"allow": [format!("Bash(curl -H {github})")]}}).to_string(),
    );
    project.write(".env", format!("INTERNAL_TOKEN='{from_file}'\n"));
    project.write("a.txt", format!("one\nTWO {stripe}\nthree\n"));
    project.write("new/config.py", format!("PASSWORD = '{password}'\nKEY = '''{key}'''\n"));
    project.write("staged.txt", format!("first {aws}\n"));
    project.git(&["add", "staged.txt"]);
    project.write("staged.txt", format!("first {aws}\nsecond {github}\n"));
    project.write("bin", [b"\0\x01".as_slice(), github.as_bytes(), b"\0\x02"].concat());
    let state = project.state();

    let variables = [("DB_PASSWORD", password.as_str())];
    let message = format!("before {github}");
    let saved = snap_with(&project, &variables, &["save", "x", "-m", &message])
        .exits(0)
        .says(&["Taken out", "github-token"]);
    assert_unsaid(&saved, &secrets);
    assert_nowhere(&project.stored(""), &secrets);
    assert_unsaid(&project.snap(&["show", "x"]).exits(0), &secrets);
    let shown = project.snap(&["show", "x", "--json"]).exits(0);
    assert_unsaid(&shown, &secrets);
    let shown = shown.json();
    assert_eq!(shown["requires"], json!(["redaction"]));
    let kinds: Vec<&str> =
        shown["secrets"].as_array().must("a list").iter().filter_map(|one| one["kind"].as_str()).collect();
    for kind in ["github-token", "stripe-key", "aws-key-id", "known", "private-key"] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
    assert_eq!(project.state(), state, "saving changes nothing");

    // Everything is lost but the store and what is private to the user.
    project.git(&["stash", "-u", "-q"]);
    project.git(&["stash", "drop", "-q"]);
    let rewound = project.snap(&["rewind", "x", "--json"]).exits(0);
    assert_eq!(project.state(), state, "every byte is back");
    let resumed = rewound.json();
    let folder = project.home.project(project.root());
    let text =
        fs::read_to_string(folder.join(format!("{}.jsonl", resumed["session_id"].as_str().must("an id"))))
            .must("a transcript");
    assert!(text.contains("\u{ab}snap:secret:github-token:"), "the conversation has placeholders");
    for line in text.lines() {
        let _record: Value = serde_json::from_str(line).must("a valid record");
    }
    let copy = project
        .home
        .config()
        .join("file-history")
        .join(resumed["session_id"].as_str().must("an id"))
        .join("abc@v1");
    assert_eq!(fs::read_to_string(copy).must("the client's copy"), format!("old {stripe}\n"));
    assert_nowhere(&project.stored(""), &secrets);
}

#[test]
fn what_a_restore_overwrites_comes_back_by_undo_with_its_secrets() {
    let project = Project::new();
    project.write("a.txt", "one\nsafe\nthree\n");
    project.snap(&["save", "clean"]).exits(0);
    let github = token("github classic", 1);
    project.write("a.txt", format!("one\n{github}\n"));
    project.write("only here.txt", format!("{github}\nand work that exists nowhere else\n"));
    let state = project.state();
    project.snap(&["rewind", "clean"]).exits(0);
    assert_eq!(project.read("a.txt"), b"one\nsafe\nthree\n");
    assert!(!project.path("only here.txt").exists());
    assert_nowhere(&project.stored(""), &[&github]);
    let undone = project.snap(&["undo"]).exits(0);
    assert_eq!(project.state(), state);
    assert_unsaid(&undone, &[&github]);
}

#[test]
fn what_could_not_be_brought_back_is_not_touched() {
    let project = Project::new();
    project.snap(&["save", "clean", "-m", "x"]).exits(0);
    let github = token("github classic", 1);
    project.write("a.txt", format!("one\n{github}\n"));
    let state = project.state();
    // No secret can be kept here.
    let kept = project.home.path().join(".local/state/snap/kept");
    fs::create_dir_all(kept.parent().must("a folder")).must("a folder");
    fs::write(&kept, "in the way").must("a file in the way");
    project.snap(&["rewind", "clean"]).exits(3).says(&["a.txt", "secret", "nothing was changed"]);
    assert_eq!(project.state(), state);
    let saved = project.snap(&["save", "partly"]).exits(6).says(&["not saved: a.txt", "secret"]);
    assert_unsaid(&saved, &[&github]);
    assert_nowhere(&project.stored(""), &[&github]);
    // And going back to a snapshot without it leaves it alone.
    fs::remove_file(kept).must("out of the way");
    project.snap(&["rewind", "partly"]).exits(0);
    assert_eq!(project.state(), state);
}

#[test]
fn a_secret_of_the_base_commit_needs_nobody_to_supply_it() {
    let project = Project::new();
    let github = token("github classic", 1);
    project.write("config", format!("a\nb\nTOKEN={github}\nc\nd\n"));
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "a secret that should not be there"]);
    project.write("config", format!("a\nB\nTOKEN={github}\nc\nD\n"));
    project.write("b.txt", "no secret\n");
    project.snap(&["save", "x"]).exits(0);
    assert_nowhere(&project.stored(""), &[&github]);
    let clone = project.cloned().of_another_user();
    let store = project.stored("");
    clone
        .snap(&["resume", "x", "--trust", "--allow", "config", "--store", store.to_str().must("UTF-8")])
        .exits(0);
    assert_eq!(clone.state(), project.state());
}

#[test]
fn on_another_machine_a_file_waits_for_its_secret() {
    let project = Project::new();
    let github = token("github classic", 1);
    project.write("deploy.sh", format!("export GITHUB_TOKEN={github}\n"));
    project.write("a.txt", "one\nTWO\nthree\n");
    project.snap(&["save", "x"]).exits(0);
    let clone = project.cloned().of_another_user();
    let store = project.stored("");
    let store = store.to_str().must("UTF-8");
    let resume = ["resume", "x", "--trust", "--allow", "deploy.sh", "--store", store];
    clone.snap(&resume).exits(6).says(&["held back: deploy.sh", "GITHUB_TOKEN"]);
    assert_eq!(clone.read("a.txt"), b"one\nTWO\nthree\n", "the rest comes back");
    assert!(!clone.path("deploy.sh").exists(), "nothing is written with a placeholder");
    // A variable of that name is not taken unasked.
    let other = token("github classic", 9);
    let variables = [("GITHUB_TOKEN", other.as_str())];
    let told = snap_with(&clone, &variables, &resume).exits(6).says(&["--fill GITHUB_TOKEN"]);
    assert_unsaid(&told, &[&github, &other]);
    assert!(!clone.path("deploy.sh").exists());
    let filled = [&resume[..], &["--fill", "GITHUB_TOKEN", "--json"]].concat();
    let done = snap_with(&clone, &variables, &filled).exits(0);
    assert_eq!(done.json()["unfilled"], json!([]));
    assert_eq!(clone.read("deploy.sh"), format!("export GITHUB_TOKEN={other}\n").as_bytes());
    assert_unsaid(&done, &[&github, &other]);
    assert_nowhere(&clone.home.path().join(".local"), &[&github]);
}

#[test]
fn a_variable_fills_one_secret_and_not_all_that_had_its_name() {
    let project = Project::new();
    let (one, two) = (token("github classic", 1), token("github classic", 2));
    project.write("a.ini", format!("token = {one}\n"));
    project.write("b.ini", format!("token = {two}\n"));
    project.snap(&["save", "x"]).exits(0);
    let clone = project.cloned().of_another_user();
    let store = project.stored("");
    let store = store.to_str().must("UTF-8");
    let resume = ["resume", "x", "--trust", "--allow", "a.ini", "--allow", "b.ini", "--store", store];
    let other = token("github classic", 9);
    let variables = [("token", other.as_str())];
    let told = snap_with(&clone, &variables, &[&resume[..], &["--fill", "token"]].concat()).exits(2);
    told.says(&["`--fill token` fits several secrets"]);
    assert!(!clone.path("a.ini").exists() && !clone.path("b.ini").exists());
    let held = snap_with(&clone, &variables, &[&resume[..], &["--json"]].concat()).exits(6).json();
    let of_a =
        held["unfilled"].as_array().must("a list").iter().find(|held| held["path"] == "a.ini").must("a.ini");
    let id = of_a["secrets"][0]["id"].as_str().must("an ID").to_owned();
    let fill = format!("{id}=token");
    snap_with(&clone, &variables, &resume).exits(6).says(&[&format!("--fill {fill}")]);
    snap_with(&clone, &variables, &[&resume[..], &["--fill", &fill]].concat())
        .exits(6)
        .says(&["held back: b.ini"]);
    assert_eq!(clone.read("a.ini"), format!("token = {other}\n").as_bytes());
    assert!(!clone.path("b.ini").exists());
}

#[test]
fn on_a_terminal_it_is_asked_whether_a_variable_of_this_place_is_to_be_taken() {
    let project = Project::new();
    let (github, other) = (token("github classic", 1), token("github classic", 9));
    project.write("deploy.txt", format!("GITHUB_TOKEN={github}\n"));
    project.write("again.txt", format!("GITHUB_TOKEN={github}\n"));
    project.snap(&["save", "x"]).exits(0);
    let store = project.stored("");
    for (typed, code) in [("y\n", 0), ("n\nn\n", 6), ("\n\n", 6)] {
        let clone = project.cloned().of_another_user();
        let arguments = ["resume", "x", "--trust", "--no-run", "--color", "never", "--store"];
        let arguments = [&arguments[..], &[store.to_str().must("UTF-8")]].concat();
        let mut command = clone.command(clone.root(), &arguments);
        let (exit, said) = typed_into(command.env("GITHUB_TOKEN", &other), typed);
        assert_eq!(exit, code, "{said}");
        assert!(
            said.contains("needs a secret that was in $GITHUB_TOKEN. Fill in the value that it has here?"),
            "{said}"
        );
        assert!(!said.contains(&other) && !said.contains(&github), "{said}");
        for name in ["deploy.txt", "again.txt"] {
            let content = fs::read_to_string(clone.path(name)).ok();
            assert_eq!(content, (code == 0).then(|| format!("GITHUB_TOKEN={other}\n")), "{typed:?}: {said}");
        }
    }
}

#[test]
fn a_piece_of_a_transcript_that_was_searched_once_is_not_searched_again() {
    let project = Project::new();
    let transcript = project.session(ID);
    let mut records = String::new();
    for number in 0..3_000 {
        records += &format!(
            "{}\n",
            json!({"type": "user", "n": number, "text": "an ordinary line of text ".repeat(12)})
        );
    }
    project.append(&transcript, records.as_bytes());
    project.snap(&["save", "one"]).exits(0);
    let known = project.stored("tmp/scanned");
    let inode = || std::os::unix::fs::MetadataExt::ino(&known.metadata().must("what was searched"));
    let (first, before) = (fs::read(&known).must("what was searched"), inode());
    // Whatever is searched and found clean is noted, and the file written anew.
    project.write("a.txt", "changed\n");
    project.snap(&["save", "two"]).exits(0);
    assert_eq!(inode(), before, "nothing was searched again");
    project.append(&transcript, &records.as_bytes()[..200_000]);
    project.snap(&["save", "three"]).exits(0);
    let second = fs::read(&known).must("what was searched");
    assert!(inode() != before && second.len() > first.len(), "what is new was searched");
    assert!(first.len() > 32 + 16 * 5 && second.len() < first.len() * 2, "{} {}", first.len(), second.len());
}

#[test]
fn what_was_kept_and_lost_is_filled_from_the_environment_of_the_same_user() {
    let project = Project::new();
    let password = token("password", 4);
    project.write("new.py", format!("connect('{password}')\n"));
    let variables = [("DB_PASSWORD", password.as_str())];
    snap_with(&project, &variables, &["save", "x"]).exits(0);
    fs::remove_file(project.path("new.py")).must("removed");
    fs::remove_dir_all(project.home.path().join(".local/state/snap/kept")).must("removed");
    project.snap(&["resume", "x"]).exits(6).says(&["held back: new.py", "DB_PASSWORD"]);
    snap_with(&project, &[("DB_PASSWORD", "another-value-99")], &["resume", "x"]).exits(6);
    assert!(!project.path("new.py").exists());
    snap_with(&project, &variables, &["resume", "x"]).exits(0);
    assert_eq!(project.read("new.py"), format!("connect('{password}')\n").as_bytes());
}

#[test]
fn what_secrets_were_taken_out_of_leaves_without_a_question() {
    let project = Project::new();
    for number in 1..9 {
        project.write(format!("new-{number}.txt"), format!("{}\n", token("github classic", number)));
    }
    // The ids and keyed hashes that stand for them are no secrets, whatever they look like.
    project.snap(&["save", "x"]).exits(0);
    project.snap(&["export", "x", "-o", "../x.snap"]).exits(0);
}

#[test]
fn after_a_look_a_secret_can_be_allowed() {
    let project = Project::new();
    let github = token("github classic", 1);
    project.write("test_data.txt", format!("{github}\n"));
    let saved = project.snap(&["save", "x", "--json"]).exits(0).json();
    let id = saved["secrets"][0]["id"].as_str().must("an id").to_owned();
    assert_eq!(saved["secrets"][0]["places"], json!(["test_data.txt"]));
    project.snap(&["save", "y", "--allow-secret", "what?"]).exits(2).says(&["is not the ID of a secret"]);
    let allowed = project.snap(&["save", "y", "--allow-secret", &id, "--json"]).exits(0).json();
    assert_eq!(allowed["secrets"], json!([]));
    let later = project.snap(&["show", "y", "--json"]).exits(0).json();
    assert_eq!(later["edits"]["files"][0]["diff"]["text"], format!("{github}\n"));
    assert!(!later.to_string().contains(&id), "what is allowed is in no manifest");
    // It leaves too; but not from a machine where nobody allowed it.
    project.snap(&["export", "y", "-o", "../y.snap"]).exits(0);
    fs::remove_file(project.home.path().join(".local/state/snap/allowed")).must("removed");
    let refused = project.snap(&["export", "y", "-o", "../z.snap"]).exits(3).says(&[
        "github-token",
        "test_data.txt",
        "--allow-secret",
    ]);
    assert_unsaid(&refused, &[&github]);
    assert!(!project.path("../z.snap").exists());
    project.git(&["init", "-q", "--bare", "../remote.git"]);
    project.snap(&["push", "../remote.git", "y"]).exits(3).says(&["github-token"]);
    project.snap(&["push", "../remote.git", "x"]).exits(0);
    project.snap(&["push", "../remote.git", "y", "--allow-secret", &id]).exits(0);
    project.snap(&["export", "y", "-o", "../y-again.snap", "--allow-secret", &id]).exits(0);
    project.snap(&["report", "y", "-o", "../y.html", "--allow-secret", &id]).exits(0);
    // What left once is not allowed for good.
    assert!(!project.home.path().join(".local/state/snap/allowed").exists());
    project.write("test_data.txt", format!("{github}\nmore\n"));
    let later = project.snap(&["save", "later", "--json"]).exits(0).json();
    assert_eq!(later["secrets"][0]["id"], *id);
    let said = project.snap(&["save", "allowed", "--allow-secret", &id]).exits(0).stderr;
    assert!(said.contains("from now on, in all your projects") && said.contains("/allowed"), "{said}");
}

#[test]
fn a_variable_whose_file_is_restored_is_not_said_to_be_missing() {
    let project = Project::new();
    project.session(ID);
    project.write(".env", "DB_PASSWORD=k3qT8wZr1LmP0xVb7YdN\n");
    project.snap(&["save", "x"]).exits(0);
    fs::remove_file(project.path(".env")).must("to remove");
    let said = project.snap(&["rewind", "x", "--no-run"]).exits(0);
    assert!(!said.stderr.contains("Set this yourself"), "{}", said.stderr);
    assert_eq!(project.read(".env"), b"DB_PASSWORD=k3qT8wZr1LmP0xVb7YdN\n");
}

#[test]
fn variables_that_the_session_relied_on_and_that_are_missing_are_named() {
    let project = Project::new();
    project.session(ID);
    project.write(".claude/settings.json", json!({"env": {"SERVICE_URL": "http://localhost:1"}}).to_string());
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "settings"]);
    project.snap(&["save", "x"]).exits(0);
    project.write(".claude/settings.json", "{}");
    project
        .snap(&["resume", "x", "--no-edits", "--no-run"])
        .exits(0)
        .says(&["Set this yourself", "SERVICE_URL"]);
    let here = snap_with(
        &project,
        &[("SERVICE_URL", "http://localhost:2")],
        &["resume", "x", "--no-edits", "--no-run"],
    )
    .exits(0);
    assert!(!here.stderr.contains("Set this yourself"), "{}", here.stderr);
}

#[test]
fn placeholders_of_somebody_else_take_no_secret_of_mine() {
    let project = Project::new();
    let github = token("github classic", 1);
    project.write("safe.txt", format!("{github}\n"));
    project.snap(&["save", "x"]).exits(0);
    // A snapshot of mine, changed: my secret is to end in another file.
    let manifest = project.stored("x.json");
    let text = fs::read_to_string(&manifest).must("a manifest").replace("\"safe.txt\"", "\"open.txt\"");
    let sealed = claude_snap::manifest::seal(text.into_bytes()).must("sealed");
    fs::write(&manifest, sealed).must("written");
    fs::remove_file(project.path("safe.txt")).must("removed");
    project.snap(&["resume", "x", "--trust"]).exits(5);
    assert!(!project.path("open.txt").exists());
}

fn a_redacted_session_goes_on(client: &Client) {
    let (project, api) = (Project::new(), StandIn::start(script));
    let (github, stripe) = (token("github classic", 1), token("stripe live", 2));
    let prompt = format!("remember\n{github}");
    let done = client.print(&project.home, project.root(), &api, &[], &prompt).succeeded();
    // A model that thinks of a secret: its block is signed, and can't be edited.
    let folder = project.home.project(project.root());
    let transcript = folder.join(format!("{}.jsonl", done.session_id));
    let text = fs::read_to_string(&transcript).must("a transcript");
    assert!(text.contains(&github), "the client wrote it");
    let thinking =
        json!({"type": "thinking", "thinking": format!("hm, {stripe}"), "signature": "c2ln".repeat(30)});
    let mut lines = String::new();
    for line in text.lines() {
        let mut record: Value = serde_json::from_str(line).must("JSON");
        if record["message"]["content"][0]["text"] == "fine" {
            record["message"]["content"].as_array_mut().must("a list").insert(0, thinking.clone());
        }
        lines += &format!("{record}\n");
    }
    assert!(lines.contains(&stripe), "{text}");
    fs::write(&transcript, lines).must("written");
    project.snap(&["save", "x"]).exits(0);
    assert_nowhere(&project.stored(""), &[&github, &stripe]);

    let resumed = project.snap(&["resume", "x", "--fork", "--json"]).exits(0).json();
    api.clear();
    let session = resumed["session_id"].as_str().must("an id");
    client.print(&project.home, project.root(), &api, &["--resume", session], "what next").succeeded();
    let request = api.main().pop().must("a request");
    let sent = request.body["messages"].to_string();
    assert!(!sent.contains(&github) && !sent.contains(&stripe), "{sent}");
    assert!(sent.contains("\u{ab}snap:secret:github-token:"), "the placeholder is in the prompt: {sent}");
    assert!(!sent.contains("\"thinking\":"), "the block is left out whole: {sent}");
    let said = ["fine", "what next", "snap left out a thinking block"];
    assert!(said.iter().all(|text| sent.contains(text)), "{sent}");
    for message in request.body["messages"].as_array().must("messages") {
        assert_ne!(message["content"], json!([]), "no message is empty: {sent}");
    }
}

#[test]
fn a_password_that_was_rotated_stays_out_of_later_snapshots_too() {
    let project = Project::new();
    let (old, new) = (token("password", 4), token("password", 5));
    project.write(".gitignore", ".env\n");
    project.write(".env", format!("DB_PASSWORD={old}\n"));
    project.write("a.txt", format!("one\nconnect('{old}')\n"));
    project.snap(&["save", "x"]).exits(0);
    project.write(".env", format!("DB_PASSWORD={new}\n"));
    let state = project.state();
    // The old one is still in the file: in the next snapshot, and in the safety snapshot of a rewind.
    project.snap(&["save", "y", "-m", "after"]).exits(0);
    project.snap(&["rewind", "x"]).exits(0);
    project.write("a.txt", "one\n");
    project.snap(&["rewind", "x"]).exits(0);
    project.snap(&["undo"]).exits(0);
    project.snap(&["redo"]).exits(0);
    assert_eq!(project.state(), state);
    assert_nowhere(&project.stored(""), &[&old, &new]);
}

#[test]
fn what_was_taken_out_stays_known_in_a_store_that_was_copied_or_put_back() {
    let project = Project::new();
    let password = token("password", 6);
    project.write("a.txt", format!("DB_PASSWORD={password}\n"));
    project.snap(&["save", "x"]).exits(0);
    // As a backup does: the folder is another one on the disk, with the same content.
    let (store, aside) = (project.stored(""), project.home.path().join("aside"));
    ran(Command::new("cp").arg("-a").args([&store, &aside]));
    fs::remove_dir_all(&store).must("removed");
    ran(Command::new("cp").arg("-a").args([&aside, &store]));
    fs::remove_dir_all(&aside).must("removed");
    project.write("a.txt", format!("here is {password} bare\n"));
    project.snap(&["save", "y"]).exits(0);
    project.snap(&["rm", "--now", "--yes", "x"]).exits(0);
    project.write("b.txt", format!("and {password} there\n"));
    project.snap(&["save", "z"]).exits(0);
    assert_nowhere(&project.stored(""), &[&password]);
}

#[test]
fn a_known_value_with_letters_and_signs_of_all_kinds_stays_out_and_files_with_it_come_back() {
    let project = Project::new();
    let (head, tail) = (token("hex key", 8)[..12].to_owned(), token("hex key", 9)[..12].to_owned());
    let value = format!("{head}\u{e9}&<'\"\u{1f600}{tail}");
    let written = [
        format!("{head}\\u00e9&<'\\\"\\ud83d\\ude00{tail}"),
        format!("{head}\\xc3\\xa9&<\\'\"\\xf0\\x9f\\x98\\x80{tail}"),
        format!("{head}&eacute;&amp;&lt;&apos;&#34;&#x1F600;{tail}"),
        format!("{head}\u{e9}&<\n    '\"\u{1f600}{tail}"),
        base64(base64(value.as_bytes()).as_bytes()),
    ];
    project.write("a.txt", written.join("\n"));
    let transcript = project.session(ID);
    for text in &written {
        let record = json!({"type": "user", "sessionId": ID, "message": {"role": "user", "content": text}});
        project.append(&transcript, format!("{record}\n").as_bytes());
        // As a client writes it that escapes all that is not ASCII.
        let ascii = record.to_string().replace('\u{e9}', "\\u00E9").replace('\u{1f600}', "\\uD83D\\uDE00");
        project.append(&transcript, format!("{ascii}\n").as_bytes());
    }
    let state = project.state();
    snap_with(&project, &[("MY_TOKEN", &value)], &["save", "x"]).exits(0);
    assert_nowhere(&project.stored(""), &[&head[..8], &tail[..8], &written[4]]);
    project.snap(&["verify"]).exits(0);
    project.git(&["stash", "-u", "-q"]);
    project.git(&["stash", "drop", "-q"]);
    project.snap(&["rewind", "x"]).exits(0);
    assert_eq!(project.state(), state, "every byte is back");
}

#[test]
fn the_list_of_what_was_taken_out_keeps_no_snapshot_from_leaving() {
    let project = Project::new();
    let password = token("password", 7);
    for name in ["s3.tf", "v1.py", "w2.txt", "src/s3.ts"] {
        project.write(name, format!("DEPLOY_PASSWORD={password}\n"));
    }
    project.snap(&["save", "x"]).exits(0);
    project.snap(&["export", "x", "-o", "x.snap"]).exits(0);
    project.write("y2.md", format!("{password}\n"));
    fs::rename(project.path("s3.tf"), project.path(format!("{password}.tf"))).must("renamed");
    project.snap(&["save", "y"]).exits(0);
    project.snap(&["export", "y", "-o", "y.snap"]).exits(3);
}

#[test]
fn a_secret_in_the_name_itself_is_taken_out_too() {
    let project = Project::new();
    let github = token("github classic", 1);
    project.snap(&["save", &format!("with {github}")]).exits(0);
    assert_nowhere(&project.stored(""), &[&github]);
    assert!(files_below(&project.stored("")).iter().all(|path| !path.to_string_lossy().contains(&github)));
}

#[test]
fn a_secret_in_what_is_said_of_a_line_of_work_is_taken_out_of_the_log_too() {
    let project = Project::new();
    let (github, password) = (token("github classic", 1), "correct-horse-9-battery");
    let run = |arguments: &[&str]| {
        let mut command = project.command(project.root(), arguments);
        ran(command.env("DEPLOY_PASSWORD", password))
    };
    run(&["save", "begin"]).exits(0);
    for (number, secret) in [github.as_str(), password].into_iter().enumerate() {
        let line = format!("try-{number}-{secret}");
        let made = run(&["branch", &line, "begin"]).exits(0);
        assert!(!format!("{}{}", made.stdout, made.stderr).contains(secret), "{made:?}");
        // The same again is the same line, and goes by what was typed.
        run(&["branch", &line, "begin"]).exits(0);
        run(&["close", "begin", "-m", &format!("because {number} of {secret}")]).exits(0);
        assert_nowhere(&project.stored(""), &[secret]);
        let told = run(&["log"]).exits(0).stdout;
        assert!(told.contains(&format!("because {number} of ")) && !told.contains(secret), "{told}");
        run(&["branch", "--remove", &line]).exits(0);
    }
}

#[test]
fn what_is_in_a_name_is_said_to_go_with_another_name_and_not_with_another_save() {
    let project = Project::new();
    let password = "correct-horse-9-battery";
    let run = |arguments: &[&str]| {
        let mut command = project.command(project.root(), arguments);
        ran(command.env("DEPLOY_PASSWORD", password))
    };
    project.git(&["checkout", "-q", "-b", &format!("try-{password}")]);
    project.write("new.txt", "new\n");
    let told = |save: Ran, of: &str| {
        let save = save.says(&[&format!(
            "What looks like a secret stands in the name {of}. A save keeps names as they are"
        )]);
        assert!(!format!("{}{}", save.stdout, save.stderr).contains(password), "{save:?}");
    };
    told(run(&["save", "branch"]).exits(0), "of the branch");
    for arguments in [&["export", "branch", "-o", "x.snap"][..], &["report", "branch", "-o", "x.html"]] {
        let refused = run(arguments).exits(3).says(&[
            "in the name of the branch",
            "rename the branch",
            "--allow-secret",
        ]);
        assert!(!refused.stderr.contains("redacts them"), "{}", refused.stderr);
    }
    // What was done on it does not keep that name.
    project.write("new.txt", "newer\n");
    run(&["rewind", "branch"]).exits(0);
    project.git(&["branch", "-q", "-m", "another"]);
    project.write(format!("{password}.txt"), "new\n");
    told(run(&["save", "file"]).exits(0), "of a file");
    run(&["export", "file", "-o", "y.snap"]).exits(3).says(&["in the name of the file", "rename the file"]);
    fs::rename(project.path(format!("{password}.txt")), project.path("plain.txt")).must("renamed");
    let plain = run(&["save", "plain"]).exits(0);
    assert!(!plain.stderr.contains("What looks like a secret"), "{}", plain.stderr);
    run(&["export", "plain", "-o", "../z.snap"]).exits(0);
}

#[test]
fn a_renamed_file_that_waits_for_its_secret_keeps_its_old_name() {
    let project = Project::new();
    let github = token("github classic", 1);
    let text = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
    project.write("deploy.txt", text);
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "a file"]);
    project.git(&["mv", "deploy.txt", "publish.txt"]);
    project.write("publish.txt", format!("{text}{github}\n"));
    project.snap(&["save", "x"]).exits(0);
    let clone = project.cloned().of_another_user();
    let store = project.stored("");
    let store = store.to_str().must("UTF-8");
    let before = clone.state();
    for how in ["resume", "rewind"] {
        let typed = [how, "x", "--trust", "--store", store];
        clone.snap(&typed).exits(6).says(&["held back: publish.txt", "held back: deploy.txt", "renamed to"]);
        assert_eq!(clone.state(), before, "{how}");
    }
}
