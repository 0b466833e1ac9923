//! The table of state: everything that a session has, handed to another home and path on the real client. Each row is
//! alive there or named; nothing is lost in silence.
//!
//! What other tests show on the real client is only named here, with the test; the rest is one session on a terminal
//! that has all of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::interactive::claude;
use crate::real_client::go_on;
use crate::support::api::{Gate, Reply, Speaker, StandIn, Turn};
use crate::support::client::Client;
use crate::support::messages::last_result_of;
use crate::support::project::{Project, ran};
use crate::support::screen::{self, Screen};
use crate::support::work::{assert_agent_goes_on, holding_agents};
use crate::support::{Must, eventually, needs};

/// What becomes of a kind of state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// The client has it again.
    Alive,
    /// `snap` says that it does not.
    Named,
}
use Fate::{Alive, Named};

/// One row: the state, what becomes of it, and the test that shows it.
struct Row(&'static str, Fate, &'static str);

/// The test below.
const HERE: &str = "what_no_other_test_shows_is_alive_elsewhere_or_named";

/// The rows; `docs/sessions.md` has the same ones.
const ROWS: &[Row] = &[
    Row("conversation", Alive, "a_session_goes_on_in_a_clone_under_another_home"),
    Row("tasks", Alive, "a_session_goes_on_in_a_clone_under_another_home"),
    Row("task list that settings name", Alive, HERE),
    Row(
        "task list of a team",
        Alive,
        "tasks_of_a_team_of_agents_come_back_where_either_kind_of_client_looks",
    ),
    Row("lists of older clients", Alive, "lists_of_older_clients_are_shown_as_tasks"),
    Row("agents", Alive, "a_session_goes_on_in_a_clone_under_another_home"),
    Row(
        "agent at work, permission asked for",
        Alive,
        "a_session_that_asks_while_its_agent_runs_goes_on_under_another_home",
    ),
    Row(
        "agents by link",
        Alive,
        "an_agent_that_the_client_linked_in_the_background_goes_on_elsewhere_with_its_whole_history",
    ),
    Row(
        "agents of a branch",
        Alive,
        "an_agent_of_a_branched_conversation_goes_on_elsewhere_with_its_whole_history",
    ),
    Row("tool results", Alive, HERE),
    Row("file history", Alive, "a_session_that_asks_while_its_agent_runs_goes_on_under_another_home"),
    Row("plan", Alive, "a_session_with_a_plan_in_a_work_tree_that_it_made_goes_on_in_a_clone"),
    Row("compaction", Alive, "rewritten_paths_leave_no_mention_of_the_old_place"),
    Row(
        "work tree of its own",
        Alive,
        "a_session_with_a_plan_in_a_work_tree_that_it_made_goes_on_in_a_clone",
    ),
    Row("permission mode", Alive, HERE),
    Row("session grants", Alive, "a_tool_that_was_granted_runs_without_a_question_after_a_hand_off"),
    Row("scheduled prompts", Alive, HERE),
    Row("goal, agent, mode of the session", Alive, "ones_own_session_comes_alive_as_the_plan_says"),
    Row("durable schedules", Named, "durable_schedules_that_git_ignores_are_named"),
    Row("queued prompts", Alive, "queued_prompts_are_the_first_that_a_person_lets_the_client_have"),
    Row("background processes", Named, HERE),
    Row("scripts of the environment", Alive, HERE),
    Row("added folders", Alive, HERE),
    Row("refused tools", Alive, HERE),
    Row("effort", Alive, HERE),
    Row("output style", Alive, HERE),
    Row("other options", Named, HERE),
    Row("memory", Alive, HERE),
    Row("MCP servers", Named, HERE),
    Row("teams", Named, "teams_with_unread_messages_and_jobs_are_named"),
    Row(
        "background session",
        Named,
        "a_session_in_the_background_is_said_to_be_one_and_its_options_are_those_of_its_job",
    ),
    Row("prompt history", Named, HERE),
    Row("name", Alive, "a_session_is_found_by_the_snapshots_name"),
];

#[test]
fn each_row_of_the_table_names_a_test_and_stands_in_the_document() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut tests = BTreeSet::new();
    for file in fs::read_dir(top.join("tests/it")).must("the tests").flatten() {
        let text = fs::read_to_string(file.path()).unwrap_or_default();
        let names = text
            .lines()
            .filter_map(|line| Some(line.trim().strip_prefix("fn ")?.split('(').next()?.to_owned()));
        tests.extend(names);
    }
    let page = fs::read_to_string(top.join("docs/sessions.md")).must("the document");
    let table =
        page.split("## The table of state").nth(1).must("the table").split("\n## ").next().must("its end");
    let written: Vec<&str> = table.lines().filter_map(|line| line.strip_prefix("| ")).collect();
    for Row(state, fate, test) in ROWS {
        assert!(tests.contains(*test), "{state}: there is no test {test}");
        let row = written.iter().find(|row| row.starts_with(&format!("{state} |")));
        let fate = format!("| {fate:?} ").to_lowercase();
        assert!(row.must(state).contains(&fate), "{state}: the document says something else");
    }
    assert_eq!(written.len(), ROWS.len() + 2, "the heading, the line below it, and the rows");
}

/// A server of one tool.
const SERVER: &str = r#"
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    if "id" not in asked:
        continue
    answers = {
        "initialize": {"protocolVersion": asked.get("params", {}).get("protocolVersion", ""), "capabilities": {"tools": {}},
            "serverInfo": {"name": "mini", "version": "1"}},
        "tools/list": {"tools": [{"name": "hello", "description": "Says hello", "inputSchema": {"type": "object", "properties": {}}}]},
        "tools/call": {"content": [{"type": "text", "text": "hello from mini"}]},
    }
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": answers.get(asked["method"], {})}), flush=True)
"#;

/// Has this server among the user's own.
fn add_server(project: &Project) {
    let script = project.home.path().join("mini.py");
    fs::write(&script, SERVER).must("a server");
    let path = project.home.config().join(".claude.json");
    let mut own: Value = serde_json::from_slice(&fs::read(&path).must("the client's own file")).must("JSON");
    own["mcpServers"] = json!({"mini": {"type": "stdio", "command": "python3", "args": [script], "env": {}}});
    fs::write(path, own.to_string()).must("the client's own file");
}

fn answer(turn: &Turn, lib_file: &Path) -> Reply {
    let bash = |command: &str| Reply::tool("Bash", json!({"command": command, "description": "run"}));
    match (&turn.request.speaker, turn.prompt.as_str()) {
        (Speaker::Main, "begin") => turn.play(vec![
            Reply::tool("TaskCreate", json!({"subject": "Write parser", "description": "write it"})),
            Reply::tool("mcp__mini__hello", json!({})),
            bash("printenv VAR; seq 1 20000"),
            Reply::tool(
                "Bash",
                json!({"command": "sleep 1000", "description": "wait", "run_in_background": true}),
            ),
            Reply::tool(
                "CronCreate",
                json!({"cron": "17 3 * * *", "prompt": "look at the build", "recurring": true}),
            ),
            Reply::text("begun"),
        ]),
        (Speaker::Main, "what is here") => turn.play(vec![
            Reply::tool("TaskList", json!({})),
            bash("printenv VAR"),
            Reply::tool("CronList", json!({})),
            Reply::tool("WebFetch", json!({"url": "http://127.0.0.1:1/", "prompt": "say what is there"})),
            Reply::tool("mcp__mini__hello", json!({})),
            Reply::tool("Write", json!({"file_path": lib_file, "content": "written\n"})),
            Reply::text("looked"),
        ]),
        _ => Reply::text("fine"),
    }
}

/// The one record of a live session of this home.
fn live(project: &Project) -> Option<Value> {
    let sessions = fs::read_dir(project.home.config().join("sessions")).ok()?.flatten();
    let mut files = sessions.filter(|entry| entry.path().extension().is_some_and(|end| end == "json"));
    serde_json::from_str(&fs::read_to_string(files.next()?.path()).ok()?).ok()
}

#[test]
fn what_no_other_test_shows_is_alive_elsewhere_or_named() {
    let Some(client) = Client::newest() else { return };
    if !screen::available() || !needs::program(&["python3", "--version"], "a server of tools") {
        return;
    }
    let project = Project::new();
    let lib = project.home.path().join("lib");
    fs::create_dir(&lib).must("a folder");
    let lib_file = lib.join("new.txt");
    let api = StandIn::start({
        let lib_file = lib_file.clone();
        move |turn| answer(turn, &lib_file)
    });
    let hook = json!({"type": "command", "command": "echo 'export VAR=hello' >> \"$CLAUDE_ENV_FILE\""});
    let settings = json!({"env": {"CLAUDE_CODE_TASK_LIST_ID": "sprint-7"},
        "hooks": {"SessionStart": [{"matcher": "startup", "hooks": [hook]}]}});
    project.write(".claude/settings.local.json", settings.to_string());
    // Or the client asks whether the added folder is to be trusted, also when it is added again.
    project.home.trust(&[project.root(), &lib]);
    add_server(&project);
    let memory = project.home.project(project.root()).join("memory/MEMORY.md");
    fs::create_dir_all(memory.parent().must("a folder")).must("the folder");
    fs::write(&memory, "- remember the fox\n").must("a note");
    let tools = "Bash(printenv *),Bash(seq *),Bash(sleep *),mcp__mini__hello,CronCreate,CronList";
    let options = [
        "--permission-mode",
        "acceptEdits",
        "--allowedTools",
        tools,
        "--disallowedTools=WebFetch",
        "--effort=low",
        "--settings",
        r#"{"outputStyle":"Explanatory"}"#,
        "--append-system-prompt=be kind",
        "--add-dir",
        lib.to_str().must("UTF-8"),
    ];
    let screen = Screen::of(&claude(&client, &project, &api, &options));
    screen.shows("accept edits on");
    screen.enter("begin");
    screen.shows("begun");
    let session = live(&project).must("a live session");
    let id = session["sessionId"].as_str().must("an id").to_owned();
    let transcript = project.home.project(project.root()).join(format!("{id}.jsonl"));
    let written = || fs::read_to_string(&transcript).is_ok_and(|text| text.contains(r#""text":"begun""#));
    eventually("the end of the turn in the transcript", written);
    project.snap(&["save", "x"]).exits(0);
    let pid = session["pid"].as_u64().must("a process").to_string();
    ran(std::process::Command::new("kill").args(["-9", &pid])).exits(0);
    drop(screen);

    let shown = project.snap(&["show", "x", "--json"]).exits(0).json();
    let left = &shown["not_captured"];
    assert!(left["processes"].to_string().contains("sleep 1000"), "background processes: {left}");
    assert!(left["options"].to_string().contains("--append-system-prompt"), "other options: {left}");
    assert!(left["others"].to_string().contains("arrow keys"), "prompt history: {left}");
    assert_eq!(
        left["mcp_servers"],
        json!([{"name": "mini", "transport": "stdio", "used": true}]),
        "MCP servers"
    );

    // Another home, another path: `snap` becomes the client.
    let clone = project.cloned();
    clone.home.trust(&[clone.root(), &lib]);
    let store = project.stored("");
    let store = store.to_str().must("UTF-8");
    let dry = ["resume", "x", "--store", store, "--dry-run", "--json"];
    let servers = |place: &Project| place.snap(&dry).exits(0).json()["mcp_servers"].clone();
    assert_eq!(servers(&clone)[0]["why"], "it is not configured here", "MCP servers");
    add_server(&clone);
    assert_eq!(servers(&clone)[0]["is"], "ready", "MCP servers");
    let notes = clone.snap(&dry).exits(0).json()["notes"].to_string();
    assert!(notes.contains("sleep 1000") && notes.contains("--append-system-prompt"), "{notes}");

    api.clear();
    let mut command = clone.command(clone.root(), &["resume", "x", "--grants", "all", "--store", store]);
    let screen = Screen::of(command.envs(client.environment(&clone.home, &api)));
    screen.shows("accept edits on");
    screen.enter("what is here");
    screen.shows("looked");
    let requests = api.main();
    let body = &requests.last().must("a request").body;
    let result = |tool: &str| last_result_of(body, tool).must(tool);
    assert!(
        result("TaskList").contains("Write parser"),
        "task list that settings name: {}",
        result("TaskList")
    );
    assert_eq!(result("Bash"), "hello", "scripts of the environment, session grants");
    assert!(result("CronList").contains("look at the build"), "scheduled prompts: {}", result("CronList"));
    assert_eq!(result("mcp__mini__hello"), "hello from mini");
    assert_eq!(fs::read_to_string(&lib_file).must("added folders"), "written\n");
    assert_eq!(body["output_config"]["effort"], "low", "effort");
    let text = body.to_string();
    assert!(text.contains("# Output Style: Explanatory"), "output style");
    assert!(text.contains("remember the fox"), "memory");
    assert!(result("WebFetch").contains("No such tool available"), "refused tools: {}", result("WebFetch"));
    let results = clone.home.project(clone.root()).join(&id).join("tool-results");
    assert!(fs::read_dir(results).must("tool results").next().is_some(), "tool results");
    // The shared list is nobody's loss: the tasks are in the session's own.
    assert!(clone.home.tasks(&id).join("1.json").is_file() && !clone.home.tasks("sprint-7").exists());
}

#[test]
fn an_agent_of_a_branched_conversation_goes_on_elsewhere_with_its_whole_history() {
    let Some(client) = Client::newest() else { return };
    if !screen::available() {
        return;
    }
    let gate = Gate::new();
    let api = StandIn::start(holding_agents(gate.latch()));
    let project = Project::new();
    project.home.trust(&[project.root()]);
    let screen = Screen::of(&claude(&client, &project, &api, &["--permission-mode", "acceptEdits"]));
    screen.shows("accept edits on");
    screen.enter("launch one");
    screen.shows("launched");
    eventually("the agent's request", || !api.agents().is_empty());
    let agent = api.agents().pop().must("an agent");
    let folder = project.home.project(project.root());
    let transcripts = || {
        let all = fs::read_dir(&folder).must("a folder").flatten().map(|entry| entry.path());
        all.filter(|path| path.extension().is_some_and(|end| end == "jsonl")).collect::<Vec<_>>()
    };
    let parent = transcripts().pop().must("a transcript");
    let of_agent =
        |transcript: &Path| transcript.with_extension("").join(format!("subagents/agent-{agent}.jsonl"));
    let has = |path: &Path, words: &str| fs::read_to_string(path).is_ok_and(|text| text.contains(words));
    eventually("the agent's task in its transcript", || has(&of_agent(&parent), "Look around"));
    screen.enter("/branch other");
    screen.shows("Branched session");
    gate.open();
    let branch = || transcripts().into_iter().find(|path| *path != parent);
    eventually("the branch", || branch().is_some());
    let branch = branch().must("the branch");
    // What it does from now on lies beside the branch, and only that.
    eventually("the agent's end beside the branch", || has(&of_agent(&branch), "found things"));
    eventually("its end in the branch", || has(&branch, "<status>completed</status>"));
    let text = fs::read_to_string(of_agent(&branch)).must("the agent's records beside the branch");
    let first: Value = serde_json::from_str(text.lines().next().must("a record")).must("JSON");
    assert!(first["parentUuid"].is_string(), "it follows a record beside the parent: {first}");
    let id = branch.file_stem().and_then(|stem| stem.to_str()).must("an id").to_owned();
    let pid = live(&project).must("a live session")["pid"].to_string();
    ran(std::process::Command::new("kill").args(["-9", &pid])).exits(0);
    drop(screen);
    project.snap(&["save", "x", "--session", &id]).exits(0);

    let clone = project.cloned();
    let store = project.stored("");
    let resumed =
        clone.snap(&["resume", "x", "--store", store.to_str().must("UTF-8"), "--json"]).exits(0).json();
    let requests = go_on(&client, &clone, &api, &resumed, &format!("tell {agent}"));
    assert_agent_goes_on(&client, &api, &agent, &requests);
}
