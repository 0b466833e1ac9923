//! A whole story of a space with the real client: Ada works, Bob sees it, follows it and goes on from it, Ada merges what he did,
//! and Cid, who only looks, sees all of that.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::handoff_remote::{colleague, utf8, with_remote};
use crate::merging::as_user;
use crate::spaces::{heads, message, no_pause};
use crate::support::api::{Reply, Speaker, StandIn, Turn};
use crate::support::client::Client;
use crate::support::messages::last_result_of;
use crate::support::project::{Project, git_in};
use crate::support::{Must, eventually};

with_the_newest_client! {
    three_people_work_in_one_space_from_the_first_turn_to_the_closed_line
}

/// Words that only Bob's conversation has.
const ASKED: &str = "zebra please";
const ANSWER: &str = "the zebra cache is twice as fast";

fn script(turn: &Turn) -> Reply {
    let write =
        |command: &str| Reply::tool("Bash", json!({"command": command, "description": "write a file"}));
    match (&turn.request.speaker, turn.prompt.split_once(' ').unwrap_or_default()) {
        (Speaker::Main, ("begin", _)) => turn.play(vec![
            Reply::tool("TaskCreate", json!({"subject": "Write parser", "description": "write the parser"})),
            write(r"printf 'one\n2\nthree\n' > a.txt; echo parser > parser.txt"),
            Reply::text("the parser is begun"),
        ]),
        (Speaker::Main, ("zebra", _)) => turn.play(vec![
            Reply::tool("TaskCreate", json!({"subject": "Measure it", "description": "with the bench"})),
            write(r"printf 'one\nTWO\nthree\n' > a.txt; echo cache > cache.txt; rm parser.txt"),
            Reply::text(ANSWER),
        ]),
        (Speaker::Main, ("docs", _)) => {
            turn.play(vec![write("echo docs > docs.txt"), Reply::text("documented")])
        }
        (Speaker::Main, ("list", _)) => {
            turn.play(vec![Reply::tool("TaskList", json!({})), Reply::text("listed")])
        }
        _ => Reply::text("fine"),
    }
}

/// Somebody with a home, a clone and keys of their own.
struct Person {
    project: Project,
    name: &'static str,
    client: Client,
}

impl Person {
    /// Shares all sessions of their clone. Hooks run as them.
    fn joins(project: Project, name: &'static str, client: &Client) -> Person {
        let bin: PathBuf = project.home.path().join("bin");
        fs::create_dir_all(&bin).must("a folder");
        for program in ["snap", "claude-snap"] {
            let script = format!("#!/bin/sh\nUSER={name} exec {} \"$@\"\n", env!("CARGO_BIN_EXE_snap"));
            fs::write(bin.join(program), script).must("a program");
            fs::set_permissions(bin.join(program), fs::Permissions::from_mode(0o755)).must("a mode");
        }
        no_pause(&project);
        fs::write(project.path(".git/info/exclude"), ".claude/\n").must("a rule");
        let person = Person { client: client.beside(&bin), project, name };
        person.snap(&["init", "--local", "--sync"]).exits(0);
        person
    }

    fn snap(&self, arguments: &[&str]) -> crate::support::project::Ran {
        as_user(&self.project, self.name, arguments)
    }

    fn says(&self, api: &StandIn, arguments: &[&str], prompt: &str) -> String {
        let said = self.client.print(&self.project.home, self.project.root(), api, arguments, prompt);
        said.succeeded().session_id
    }

    /// Waits until their session is on the remote as it ended.
    fn is_pushed(&self, remote: &std::path::Path, session: &str, turn: &str) {
        let is_it = |(name, oid): &(String, String)| {
            let said = message(&self.project, remote, oid);
            name.contains(&format!("/{}@", self.name))
                && name.ends_with(session)
                && said.contains("State: closed")
                && said.contains(turn)
        };
        eventually("the end of the session on the remote", || heads(&self.project, remote).iter().any(is_it));
    }

    fn log_of_all(&self) -> Vec<Value> {
        let said = self.snap(&["log", "--remote", "--json"]).exits(0).stdout;
        said.lines().map(|line| serde_json::from_str(line).must("JSON")).collect()
    }
}

fn three_people_work_in_one_space_from_the_first_turn_to_the_closed_line(client: &Client) {
    let (project, remote) = with_remote();
    let api = StandIn::start(script);
    let bob = colleague(&project, &remote).of_another_user();
    let cid = project.cloned_at("third place").of_another_user();
    cid.git(&["remote", "set-url", "origin", utf8(&remote)]);
    let [ada, bob, cid] =
        [(project, "ada"), (bob, "bob"), (cid, "cid")].map(|(p, name)| Person::joins(p, name, client));

    let session = ada.says(&api, &[], "begin it");
    ada.is_pushed(&remote, &session, "begin it");
    let seen = bob.snap(&["space", "--all", "--json"]).exits(0).json();
    let who = format!("ada/{}", &session[..8]);
    assert_eq!(
        (&seen["sessions"][0]["session"], &seen["sessions"][0]["mine"]),
        (&json!(session), &json!(false))
    );
    let followed = bob.snap(&["follow", &who, "--once"]).exits(0).stdout;
    assert!(followed.contains("begin it") && followed.contains("the parser is begun"), "{followed}");

    bob.snap(&["resume", &who, "--trust", "--allow-kind", "all", "--no-run"]).exits(0);
    assert_eq!(bob.project.read("a.txt"), b"one\n2\nthree\n");
    let bobs = bob.says(&api, &["--resume", &session], ASKED);
    bob.is_pushed(&remote, &bobs, ASKED);
    bob.snap(&["save", "of bob"]).exits(0);
    bob.snap(&["push", "origin", "of bob"]).exits(0).says(&["Sent \"of bob\"", "Sent \"begin it"]);
    bob.snap(&["sync", "--now"]).exits(0);

    // Ada goes on meanwhile, and brings his line into hers.
    ada.says(&api, &["--resume", &session], "docs too");
    ada.snap(&["pull"]).exits(0);
    let merge = ["merge", "of bob", "--trust", "--allow-kind", "all", "--session", &session, "--json"];
    let merged = ada.snap(&merge).exits(0).json();
    assert_eq!(merged["conflicts"], json!([]), "{merged}");
    assert_eq!(ada.project.read("a.txt"), b"one\nTWO\nthree\n");
    assert_eq!(
        (ada.project.read("cache.txt"), ada.project.read("docs.txt")),
        (b"cache\n".to_vec(), b"docs\n".to_vec())
    );
    assert!(!ada.project.path("parser.txt").exists(), "he removed it");

    let prompt = merged["merge"]["prompt"].as_str().must("a prompt");
    api.clear();
    ada.says(&api, &["--resume", &session], prompt);
    let body = api.main().first().must("a request").body.to_string();
    assert!(body.contains(prompt) && body.contains("docs too"), "{body}");
    for foreign in [ASKED, ANSWER, "Measure it"] {
        assert!(!body.contains(foreign), "{foreign:?} is in the request: {body}");
    }
    let report = ada.project.read(std::path::Path::new(merged["merge"]["report"].as_str().must("a report")));
    let report = String::from_utf8(report).must("UTF-8");
    assert!(report.contains(ASKED) && report.contains(ANSWER), "{report}");
    api.clear();
    ada.says(&api, &["--resume", &session], "list tasks");
    let listed = last_result_of(&api.main().last().must("a request").body, "TaskList").must("a list");
    let lines: Vec<&str> = listed.lines().collect();
    assert_eq!((lines.len(), lines[0]), (2, "#1 [pending] Write parser"), "{listed}");
    assert!(lines[1].starts_with("#2 [pending] [bob@") && lines[1].ends_with("] Measure it"), "{listed}");

    ada.snap(&["save", "with both"]).exits(0);
    ada.snap(&["push", "origin", "with both"]).exits(0);
    ada.snap(&["close", "of bob", "-m", "merged"]).exits(0);
    ada.snap(&["sync", "--now"]).exits(0);

    // What somebody sees who took no part in it.
    let log = cid.log_of_all();
    let times = |user: &str, operation: &str| {
        log.iter().filter(|line| line["user"] == user && line["operation"] == operation).count()
    };
    for (user, operation, wanted) in [
        // Each start of the client; he sends what he went on from with his own.
        ("ada", "open", 4),
        ("bob", "open", 1),
        ("bob", "resume", 1),
        ("bob", "push", 2),
        ("ada", "merge", 1),
        ("ada", "push", 1),
        ("ada", "close", 1),
        ("bob", "close", 0),
        ("cid", "resume", 0),
    ] {
        assert_eq!(times(user, operation), wanted, "{operation} of {user} in {log:#?}");
    }
    let folded = cid.snap(&["space"]).exits(0).stdout;
    assert!(folded.contains("with both") && !folded.contains("of bob"), "{folded}");
    let all = cid.snap(&["space", "--all"]).exits(0).stdout;
    assert!(all.contains("with both") && all.contains("of bob"), "{all}");
    cid.snap(&["pull"]).exits(0);
    let tree = cid.snap(&["list", "--tree"]).exits(0).stdout;
    assert!(tree.contains("of bob") && tree.contains("with both") && tree.contains("(merged"), "{tree}");
    git_in(&cid.project.home, &remote, &["fsck", "--strict"]);
}
