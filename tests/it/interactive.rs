//! The client on a terminal, in tmux: saved while it asks and an agent runs, and resumed under another home.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::api::{Gate, Reply, Speaker, StandIn};
use crate::support::client::Client;
use crate::support::project::{Project, ran};
use crate::support::screen::{self, Screen};
use crate::support::work::{assert_tasks, script};
use crate::support::{Must, eventually};

fn live(project: &Project) -> Option<Value> {
    let sessions = fs::read_dir(project.home.config().join("sessions")).ok()?.flatten();
    let mut files = sessions.filter(|entry| entry.path().extension().is_some_and(|end| end == "json"));
    serde_json::from_str(&fs::read_to_string(files.next()?.path()).ok()?).ok()
}

pub(crate) fn claude(client: &Client, project: &Project, api: &StandIn, arguments: &[&str]) -> Command {
    let mut command = Command::new(client.bin_dir().join("claude"));
    command.args(arguments).envs(client.environment(&project.home, api)).current_dir(project.root());
    command
}

#[test]
fn a_session_that_asks_while_its_agent_runs_goes_on_under_another_home() {
    let Some(client) = Client::newest() else { return };
    if !screen::available() {
        return;
    }
    let gate = Gate::new();
    let latch = gate.latch();
    let api = StandIn::start(move |turn| match &turn.request.speaker {
        Speaker::Agent(_) if !turn.prompt.contains("go on please") => {
            latch.wait();
            turn.play(vec![Reply::tool(
                "Bash",
                json!({"command": "python3 -c 'print(2)'", "description": "two"}),
            )])
        }
        Speaker::Main if turn.prompt.starts_with("begin ") => {
            let file = format!("{}/notes.txt", &turn.prompt["begin ".len()..]);
            turn.play(vec![
                Reply::Tools(vec![
                    ("TaskCreate", json!({"subject": "Write parser", "description": "write the parser"})),
                    ("TaskCreate", json!({"subject": "Test parser", "description": "test the parser"})),
                ]),
                Reply::tool("TaskUpdate", json!({"taskId": "1", "status": "in_progress"})),
                Reply::tool("TaskUpdate", json!({"taskId": "2", "addBlockedBy": ["1"]})),
                Reply::tool("Read", json!({"file_path": file})),
                Reply::tool("Edit", json!({"file_path": file, "old_string": "one", "new_string": "uno"})),
                Reply::tool(
                    "Agent",
                    json!({"description": "look around", "prompt": "Look around",
                    "subagent_type": "general-purpose", "run_in_background": true}),
                ),
                Reply::tool("Bash", json!({"command": "python3 -c 'print(1)'", "description": "one"})),
                Reply::text("begun"),
            ])
        }
        _ => script(turn),
    });
    let project = Project::new();
    project.write("notes.txt", "one\ntwo\n");
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "notes"]);
    project.home.trust(&[project.root()]);
    let screen = Screen::of(&claude(&client, &project, &api, &["--permission-mode", "acceptEdits"]));
    screen.shows("accept edits on");
    screen.enter(&format!("begin {}", project.root().display()));
    screen.shows("print(1)");
    eventually("the session waits", || live(&project).is_some_and(|live| live["status"] == "waiting"));
    let session = live(&project).must("a live session");
    let id = session["sessionId"].as_str().must("an id").to_owned();
    let transcript = project.home.project(project.root()).join(format!("{id}.jsonl"));
    let written = |path: &Path, words: &str| fs::read_to_string(path).is_ok_and(|text| text.contains(words));
    eventually("the open call in the transcript", || written(&transcript, "print(1)"));
    project.snap(&["save", "it asks"]).exits(0);
    let shown = project.snap(&["show", "it asks", "--json"]).exits(0).json();
    assert_eq!(
        (&shown["session"]["status"], &shown["permissions"]["mode"], &shown["agents"][0]["status"]),
        (&json!("waiting"), &json!("acceptEdits"), &json!("running")),
        "{shown}"
    );
    assert!(
        shown["session"]["waiting_for"].as_str().is_some_and(|what| what.contains("permission")),
        "{shown}"
    );
    let agent = shown["agents"][0]["id"].as_str().must("an agent").to_owned();

    // Allowed; then it is the agent that asks.
    screen.press(&["Enter"]);
    screen.shows("begun");
    gate.open();
    screen.shows("print(2)");
    let its_own = transcript.with_extension("").join(format!("subagents/agent-{agent}.jsonl"));
    eventually("the agent's open call in its transcript", || written(&its_own, "print(2)"));
    eventually("the session waits", || live(&project).is_some_and(|live| live["status"] == "waiting"));
    project.snap(&["save", "the agent asks"]).exits(0);
    let shown = project.snap(&["show", "the agent asks", "--json"]).exits(0).json();
    assert_eq!(shown["agents"][0]["status"], "waiting", "{shown}");
    let pid = session["pid"].as_u64().must("a process").to_string();
    ran(Command::new("kill").args(["-9", &pid])).exits(0);
    drop(screen);

    // Another home, another path: `snap` becomes the client.
    let clone = project.cloned();
    clone.home.trust(&[clone.root()]);
    api.clear();
    let store = project.stored("");
    let store = store.to_str().must("UTF-8");
    let mut command = clone.command(clone.root(), &["resume", "it asks", "--store", store]);
    let screen = Screen::of(command.envs(client.environment(&clone.home, &api)));
    screen.shows("accept edits on");
    assert_eq!(clone.read("notes.txt"), b"uno\ntwo\n");
    screen.enter("list tasks");
    screen.shows("listed");
    let requests = api.main();
    let first = requests.first().must("a request").body["messages"].to_string();
    assert!(
        first.contains(&agent) && first.contains("<status>stopped</status>"),
        "the agent is announced: {first}"
    );
    assert_tasks(&requests);
    screen.enter(&format!("tell {agent}"));
    screen.shows("told");
    // The agent goes on in the background, beside the turn that told it.
    eventually("a request of the old agent", || !api.agent(&agent).is_empty());
    let asked = api.agent(&agent);
    let messages = asked.first().must("a request of the old agent").body["messages"].to_string();
    assert!(messages.contains("Look around") && messages.contains("go on please"), "{messages}");
    screen.enter("/rewind");
    screen.shows("Restore the code and/or conversation");
    eventually("the first prompt is chosen", || {
        let chosen = |line: &str| line.contains('❯') && line.contains("begin ");
        let shown = screen.shown();
        let list = shown.rsplit_once("Restore the code and/or conversation").map_or("", |(_, list)| list);
        let there = list.lines().any(chosen);
        if !there {
            screen.press(&["Up"]);
        }
        there
    });
    screen.press(&["Enter"]);
    screen.shows("Restore code and conversation");
    screen.press(&["Enter"]);
    eventually("the file is as before its edit", || clone.read("notes.txt") == b"one\ntwo\n");
}
