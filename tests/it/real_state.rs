//! What a session may have around it, on the real client: a plan, a work tree that it made itself, agents of agents, and a
//! compaction after it was handed over.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::real_client::go_on;
use crate::support::api::{Gate, Reply, Speaker, StandIn, Turn};
use crate::support::client::Client;
use crate::support::messages::{assert_continues, relocated};
use crate::support::project::Project;
use crate::support::work::script;
use crate::support::{Must, eventually};

const SESSION: &str = "c137e379-838e-4509-8148-16b407691758";

with_both_clients! {
    a_session_with_a_plan_in_a_work_tree_that_it_made_goes_on_in_a_clone
    a_session_that_was_compacted_elsewhere_goes_on_here_under_its_id
}

/// Answers `enter` by making a work tree, `plan` by writing the plan where the client says, and else as [`script`].
fn planning(turn: &Turn) -> Reply {
    match (&turn.request.speaker, turn.prompt.split(' ').next()) {
        (Speaker::Main, Some("enter")) => turn.play(vec![
            Reply::tool("EnterWorktree", json!({"name": "wt1"})),
            Reply::tool("Bash", json!({"command": "pwd", "description": "where"})),
            Reply::text("entered"),
        ]),
        (Speaker::Main, Some("plan")) => {
            let body = turn.request.body.to_string();
            let told = body.rsplit("create your plan at ").next().must("the plan's path");
            let path = told.split(" using").next().must("its end");
            turn.play(vec![
                Reply::tool("Write", json!({"file_path": path, "content": "# The plan\nstep one\n"})),
                Reply::text("planned"),
            ])
        }
        _ => script(turn),
    }
}

fn utf8(path: &Path) -> &str {
    path.to_str().must("a UTF-8 path")
}

fn a_session_with_a_plan_in_a_work_tree_that_it_made_goes_on_in_a_clone(client: &Client) {
    let (project, api) = (Project::new(), StandIn::start(planning));
    let print = |arguments: &[&str], prompt: &str| {
        client.print(&project.home, project.root(), &api, arguments, prompt).succeeded().session_id
    };
    let id = print(&["--permission-mode", "plan"], "plan it");
    let allowed = "--allowedTools=Bash,EnterWorktree";
    print(&["--resume", &id, "--permission-mode", "acceptEdits", allowed], "enter");
    let tree = project.path(".claude/worktrees/wt1");
    let before = api.main().pop().must("a request").messages();
    // It is found in the tree that it works in, wherever its transcript is.
    let saved = project.snap_in(&tree, &["save", "x", "--json"]).exits(0).json();
    assert_eq!(saved["session_id"], id);
    let shown = project.snap(&["show", "x", "--json"]).exits(0).json();
    let place = shown["session"]["elsewhere"][0]["place"].as_str().must("the plan").to_owned();
    assert!(place.starts_with("plans/"), "{place}");

    let clone = project.cloned();
    let store = project.stored("");
    let resumed = clone.snap(&["resume", "x", "--store", utf8(&store), "--json"]).exits(0).json();
    assert_eq!(resumed["session_id"], id);
    assert!(resumed["notes"].to_string().contains("made a work tree for itself"), "{resumed}");
    let requests = go_on(client, &clone, &api, &resumed, "what next");
    let first = requests.first().must("a request");
    let moves = [
        (utf8(&tree), utf8(clone.root())),
        (utf8(project.root()), utf8(clone.root())),
        (utf8(&project.home.config()), utf8(&clone.home.config())),
    ]
    .map(|(old, new)| (old.to_owned(), new.to_owned()));
    let moves: Vec<(&str, &str)> = moves.iter().map(|(old, new)| (old.as_str(), new.as_str())).collect();
    assert_continues(&relocated(&before, &moves), &first.messages());
    assert!(!first.body.to_string().contains(utf8(project.home.path())), "no mention of the old place");
    let text =
        fs::read_to_string(clone.home.project(clone.root()).join(format!("{id}.jsonl"))).must("it is here");
    let stamp = format!("\"relocatedCwd\":\"{}\"", utf8(clone.root()));
    assert!(client.is_oldest() || text.contains(&stamp), "{text}");
    // After a compaction the client looks for the plan's file, and tells the model what is in it.
    go_on(client, &clone, &api, &resumed, "/compact");
    let requests = go_on(client, &clone, &api, &resumed, "what next");
    let body = requests.first().must("a request").body.to_string();
    let told = format!("A plan file exists from plan mode at: {}/{place}", utf8(&clone.home.config()));
    assert!(body.contains(&told) && body.contains("step one"), "{body}");
}

fn a_session_that_was_compacted_elsewhere_goes_on_here_under_its_id(client: &Client) {
    let (project, api) = (Project::new(), StandIn::start(script));
    project.write("notes.txt", "one\ntwo\n");
    let prompt = format!("work {}", project.root().display());
    let id = client.print(&project.home, project.root(), &api, &[], &prompt).succeeded().session_id;
    project.snap(&["save", "x"]).exits(0);
    let transcript = project.home.project(project.root()).join(format!("{id}.jsonl"));
    let before = fs::read(&transcript).must("the transcript");
    let store = project.stored("");
    let store = utf8(&store);
    let clone = project.cloned();
    let resumed = clone.snap(&["resume", "x", "--no-edits", "--store", store, "--json"]).exits(0).json();
    assert_eq!(resumed["session_id"], id);
    for prompt in ["what next", "/compact", "and then"] {
        go_on(client, &clone, &api, &resumed, prompt);
    }
    let saved = clone.snap(&["save", "y", "--store", store, "--json"]).exits(0).json();
    assert!(saved["history"]["left_out"]["records"].as_u64() > Some(5), "{saved}");

    let here = project.snap(&["resume", "y", "--no-edits", "--json"]).exits(0).json();
    assert_eq!((&here["session_id"], &here["continues"]), (&json!(id), &json!(true)), "{here}");
    let after = fs::read(&transcript).must("the transcript");
    assert!(after.starts_with(&before), "only appended to");
    let asked = |project: &Project, resumed: &Value| {
        let requests = go_on(client, project, &api, resumed, "list tasks");
        requests.first().must("a request").messages()
    };
    let continued = asked(&project, &here);
    // As it is where nothing of it was before.
    let other = project.cloned();
    let fresh = other.snap(&["resume", "y", "--no-edits", "--store", store, "--json"]).exits(0).json();
    let folder = (other.home.project(other.root()), project.home.project(project.root()));
    let moves = [(utf8(other.root()), utf8(project.root())), (utf8(&folder.0), utf8(&folder.1))];
    assert_eq!(relocated(&asked(&other, &fresh), &moves), continued);
    assert!(continued.iter().any(|message| message.to_string().contains("What happened so far")));
}

#[test]
fn an_agent_waits_for_its_own_agent_only_while_it_needs_the_answer() {
    let Some(client) = Client::newest() else { return };
    for (in_background, outer) in [(false, "waiting"), (true, "done")] {
        let gate = Gate::new();
        let latch = gate.latch();
        let agent = |task: &str, in_background: bool| {
            let input = json!({"description": task, "prompt": task, "subagent_type": "general-purpose",
                "run_in_background": in_background});
            Reply::tool("Agent", input)
        };
        let api = StandIn::start(move |turn| match (&turn.request.speaker, turn.prompt.as_str()) {
            (Speaker::Agent(_), "outer look") => {
                turn.play(vec![agent("inner look", in_background), Reply::text("outer ended")])
            }
            (Speaker::Agent(_), _) => {
                latch.wait();
                Reply::text("inner ended")
            }
            (Speaker::Main, _) => turn.play(vec![agent("outer look", true), Reply::text("launched")]),
            _ => script(turn),
        });
        let project = Project::new();
        let running = client.spawn(&project.home, project.root(), &api, &[], "nest");
        let agents = || {
            project.snap(&["save"]).exits(0);
            let shown = project.snap(&["show", "--json"]).exits(0).json();
            let one = |what: &str| {
                let agents = shown["agents"].as_array().must("agents");
                agents.iter().find(|agent| agent["description"] == what).cloned().unwrap_or_default()
            };
            (one("outer look"), one("inner look"))
        };
        eventually("both agents in what is saved", || {
            let (out, inner) = if api.agents().len() < 2 { Default::default() } else { agents() };
            out["status"] == outer && inner["status"] == "running" && inner["parent"] == out["id"]
        });
        gate.open();
        running.finish().succeeded();
        let (out, inner) = agents();
        assert_eq!((&out["status"], &inner["status"]), (&json!("done"), &json!("done")));
    }
}

/// A session that was handed over, compacted there after one more prompt, and saved as "y" in the same store.
fn compacted_elsewhere() -> (Project, PathBuf, Vec<u8>) {
    let project = Project::new();
    let transcript = project.session(SESSION);
    project.snap(&["save", "x"]).exits(0);
    let before = fs::read(&transcript).must("the transcript");
    let clone = project.cloned();
    let store = project.stored("");
    clone.snap(&["resume", "x", "--store", utf8(&store)]).exits(0);
    let there = clone.home.project(clone.root()).join(format!("{SESSION}.jsonl"));
    let said = |uuid: &str, parent: &str, text: &str| {
        json!({"type": "user", "uuid": uuid, "parentUuid": parent, "sessionId": SESSION, "cwd": clone.root(),
            "message": {"role": "user", "content": text}})
    };
    let boundary = json!({"type": "system", "subtype": "compact_boundary", "uuid": "b1", "parentUuid": null,
        "logicalParentUuid": "u3", "sessionId": SESSION, "compactMetadata": {"trigger": "manual"}});
    let mut summary = said("c1", "b1", "so far");
    summary["isCompactSummary"] = true.into();
    for record in [said("u3", "u2", "one more"), boundary, summary, said("u4", "c1", "and then")] {
        clone.append(&there, format!("{record}\n").as_bytes());
    }
    clone.snap(&["save", "y", "--store", utf8(&store)]).exits(0);
    (project, transcript, before)
}

#[test]
fn what_a_compaction_elsewhere_left_is_appended_to_all_that_is_here() {
    let (project, transcript, before) = compacted_elsewhere();
    let resumed = project.snap(&["resume", "y", "--json"]).exits(0).json();
    assert_eq!((&resumed["session_id"], &resumed["continues"]), (&json!(SESSION), &json!(true)), "{resumed}");
    let after = fs::read(&transcript).must("the transcript");
    assert!(after.starts_with(&before), "only appended to");
    let added = String::from_utf8_lossy(&after[before.len()..]).into_owned();
    assert!(["b1", "so far", "and then", utf8(project.root())].iter().all(|part| added.contains(part)));
    // The snapshot does not have what the compaction left behind there.
    assert!(!added.contains("one more") && !added.contains("of-next-month"), "{added}");
    project.snap(&["verify"]).exits(0);
}

#[test]
fn what_went_on_here_or_is_not_proven_is_not_continued_after_a_compaction_elsewhere() {
    for case in ["it went on here", "the snapshot before is gone", "a record is another"] {
        let (project, transcript, _) = compacted_elsewhere();
        match case {
            "it went on here" => {
                let more = json!({"type": "user", "uuid": "u9", "parentUuid": "u2", "message": {"role": "user", "content": "here"}});
                project.append(&transcript, format!("{more}\n").as_bytes());
            }
            "the snapshot before is gone" => drop(project.snap(&["rm", "x"]).exits(0)),
            _ => {
                let text = fs::read_to_string(&transcript).must("the transcript");
                fs::write(&transcript, text.replace("write a parser", "write a player")).must("to write");
            }
        }
        let before = fs::read(&transcript).must("the transcript");
        let resumed = project.snap(&["resume", "y", "--json"]).exits(0).json();
        assert_eq!(resumed["renamed"], true, "{case}: {resumed}");
        assert_eq!(fs::read(&transcript).must("the transcript"), before, "{case}");
    }
}
