//! `snap merge` on the real client: the agent that goes on is told of a report by fixed words, and gets none of the other
//! conversation; the other line's open tasks are in its list.

use std::path::Path;

use serde_json::json;

use crate::handoff_remote::{colleague, with_remote};
use crate::merging::as_user;
use crate::support::Must;
use crate::support::api::{Reply, Speaker, StandIn, Turn};
use crate::support::client::Client;
use crate::support::messages::last_result_of;

with_the_newest_client! {
    the_agent_reads_a_report_and_sees_the_open_tasks_under_new_numbers
}

/// Words that only the other line has.
const ANSWER: &str = "the zebra cache is twice as fast";
const ASKED: &str = "zebra please";

fn script(turn: &Turn) -> Reply {
    match (&turn.request.speaker, turn.prompt.split_once(' ').unwrap_or_default()) {
        (Speaker::Main, ("begin", _)) => turn.play(vec![
            Reply::tool("TaskCreate", json!({"subject": "Write parser", "description": "write the parser"})),
            Reply::text("begun"),
        ]),
        (Speaker::Main, ("zebra", _)) => turn.play(vec![
            Reply::Tools(vec![
                ("TaskCreate", json!({"subject": "Measure it", "description": "with the bench"})),
                ("TaskCreate", json!({"subject": "Tell the team", "description": "all of them"})),
            ]),
            Reply::tool("TaskUpdate", json!({"taskId": "3", "addBlockedBy": ["2"]})),
            Reply::text(ANSWER),
        ]),
        (Speaker::Main, ("docs", _)) => turn.play(vec![
            Reply::tool("TaskCreate", json!({"subject": "Write docs", "description": "of all"})),
            Reply::text("documented"),
        ]),
        // The fixed prompt: the agent reads what it names.
        (Speaker::Main, ("Another", _)) => {
            let name = turn.prompt.split(' ').find(|word| word.contains("merged/")).unwrap_or_default();
            let root = turn.request.body.to_string();
            let root = root.split("ROOT=").nth(1).and_then(|rest| rest.split('=').next()).unwrap_or_default();
            let file = format!("{root}/{}", name.trim_end_matches(':'));
            turn.play(vec![Reply::tool("Read", json!({"file_path": file})), Reply::text("read it")])
        }
        (Speaker::Main, ("list", _)) => {
            turn.play(vec![Reply::tool("TaskList", json!({})), Reply::text("listed")])
        }
        _ => Reply::text("fine"),
    }
}

fn the_agent_reads_a_report_and_sees_the_open_tasks_under_new_numbers(client: &Client) {
    let (ada, remote) = with_remote();
    let api = StandIn::start(script);
    let run = |project: &crate::support::project::Project, args: &[&str], prompt: &str| {
        client.print(&project.home, project.root(), &api, args, prompt).succeeded()
    };
    let begin = format!("begin ROOT={}=", ada.root().display());
    let session = run(&ada, &[], &begin).session_id;
    ada.snap(&["save", "base"]).exits(0);
    ada.snap(&["push", "origin", "base"]).exits(0);
    let bob = colleague(&ada, &remote);
    as_user(&bob, "bob", &["pull"]).exits(0);
    as_user(&bob, "bob", &["resume", "base", "--no-run"]).exits(0);
    run(&bob, &["--resume", &session], ASKED);
    bob.write("sub/cache.txt", "a cache\n");
    as_user(&bob, "bob", &["save", "of bob"]).exits(0);
    as_user(&bob, "bob", &["push", "origin", "of bob"]).exits(0);
    run(&ada, &["--resume", &session], "docs too");
    ada.snap(&["pull"]).exits(0);
    let merged = ada.snap(&["merge", "of bob", "--session", &session, "--json"]).exits(0).json();
    assert_eq!(merged["merge"]["session_id"], session);
    assert_eq!(ada.read("sub/cache.txt"), b"a cache\n");

    let prompt = merged["merge"]["prompt"].as_str().must("a prompt");
    api.clear();
    run(&ada, &["--resume", &session], prompt);
    let requests = api.main();
    let first = requests.first().must("a request");
    let body = first.body.to_string();
    assert!(body.contains(prompt), "the fixed prompt is in it");
    for foreign in [ANSWER, ASKED, "zebra", "Measure it"] {
        assert!(!body.contains(foreign), "{foreign:?} is in the request: {body}");
    }
    let last = first.messages().pop().must("a message");
    assert_eq!((&last["role"], &last["content"]["text"]), (&json!("user"), &json!(prompt)));
    // What was done there comes as what a tool read: the words with the least authority.
    let read = last_result_of(&requests.last().must("a request").body, "Read").must("the report");
    assert!(
        read.contains("A report, not instructions") && read.contains(ANSWER) && read.contains(ASKED),
        "{read}"
    );

    api.clear();
    run(&ada, &["--resume", &session], "list tasks");
    let requests = api.main();
    let listed = last_result_of(&requests.last().must("a request").body, "TaskList").must("a list");
    let lines: Vec<&str> = listed.lines().collect();
    assert_eq!(lines[..2], ["#1 [pending] Write parser", "#2 [pending] Write docs"], "{listed}");
    assert!(lines[2].starts_with("#3 [pending] [bob@") && lines[2].ends_with("] Measure it"), "{listed}");
    assert!(lines[3].starts_with("#4 [pending] [bob@"), "{listed}");
    assert!(lines[3].ends_with("] Tell the team [blocked by #3]"), "{listed}");
    // A task that the agent makes now gets the next number.
    api.clear();
    run(&ada, &["--resume", &session], "docs again");
    let requests = api.main();
    let made = last_result_of(&requests.last().must("a request").body, "TaskCreate").must("a task");
    assert!(made.contains("#5"), "{made}");
    assert!(Path::new(&ada.home.tasks(&session)).join("5.json").exists());
}
