//! Inside the client: `snap init`, `/snapshot` without a request, and checkpoints that nobody has to remember.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::failures::noise;
use crate::support::api::{Gate, Reply, Speaker, StandIn, Turn};
use crate::support::client::{Client, NEWEST};
use crate::support::disk::{SmallDisk, fill};
use crate::support::project::{Project, Ran, files_below};
use crate::support::work::holding_agents;
use crate::support::{Must, eventually};

with_both_clients! {
    a_snapshot_command_is_answered_without_any_request
    a_step_that_deletes_is_preceded_by_a_snapshot_that_holds_the_files
    what_only_a_hook_is_told_is_in_the_next_save
}

with_the_newest_client! {
    an_ordinary_prompt_goes_through_unchanged
    the_end_of_a_session_is_saved_behind_its_back
    a_broken_store_does_not_disturb_the_agent
    a_full_disk_does_not_disturb_the_agent
    a_missing_or_foreign_program_does_not_disturb_the_agent
    the_plugin_is_accepted_and_answers
    task_events_tell_nothing_that_the_clients_files_do_not
}

pub(crate) const ID: &str = "c137e379-838e-4509-8148-16b407691758";

/// Answers `run COMMAND` by running it, anything else with "fine".
fn script(turn: &Turn) -> Reply {
    match (&turn.request.speaker, turn.prompt.split_once(' ')) {
        (Speaker::Main, Some(("run", line))) => turn.play(vec![
            Reply::tool("Bash", json!({"command": line, "description": "as asked"})),
            Reply::text("did it"),
        ]),
        _ => Reply::text("fine"),
    }
}

/// A folder that holds `snap` under both its names and nothing else, to put on `PATH`.
pub(crate) fn bin(project: &Project) -> PathBuf {
    let bin = project.home.path().join("bin");
    fs::create_dir_all(&bin).must("a folder");
    for name in ["snap", "claude-snap"].into_iter().filter(|name| !bin.join(name).exists()) {
        symlink(env!("CARGO_BIN_EXE_snap"), bin.join(name)).must("a link to snap");
    }
    bin
}

/// Puts a program that is not ours on the `PATH` under our names.
fn foreign_bin(project: &Project, script: &str) -> PathBuf {
    let bin = project.home.path().join("foreign");
    fs::create_dir_all(&bin).must("a folder");
    for name in ["snap", "claude-snap"] {
        fs::write(bin.join(name), script).must("a program");
        fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).must("a mode");
    }
    bin
}

/// A project that `snap init` has set up, and the client with `snap` on its path.
fn set_up(client: &Client) -> (Project, Client) {
    let project = Project::new();
    project.snap(&["init"]).exits(0);
    let client = client.beside(&bin(&project));
    (project, client)
}

fn snapshots(project: &Project) -> Vec<Value> {
    project.snap(&["list", "--json"]).exits(0).json().as_array().must("a list").clone()
}

fn names(project: &Project) -> Vec<String> {
    snapshots(project).iter().map(|one| one["name"].as_str().must("a name").to_owned()).collect()
}

/// Calls a hook as the client does, and waits for what it does behind the client's back.
pub(crate) fn hook(project: &Project, event: &str, input: &Value) -> Ran {
    let ran = hook_with(project.command(project.root(), &["hook", event]), input.to_string().as_bytes());
    settle(project);
    ran
}

/// Waits until nothing of `snap` works behind the client's back any more.
pub(crate) fn settle(project: &Project) {
    let home = format!("HOME={}", project.home.path().display());
    let is_ours = |process: PathBuf| {
        let of = |file: &str| fs::read(process.join(file)).unwrap_or_default();
        let has = |text: &[u8], word: &str| text.split(|byte| *byte == 0).any(|one| one == word.as_bytes());
        let is_snap = fs::read_link(process.join("exe")).is_ok_and(|program| program.ends_with("snap"));
        let (words, variables) = (of("cmdline"), of("environ"));
        // A program that is just being started has neither yet.
        // The hook that starts what works behind the client's back may outlive the client.
        let is_hook = has(&words, "--later") || has(&words, "hook");
        is_snap && (variables.is_empty() || is_hook && has(&variables, &home))
    };
    let any = || fs::read_dir("/proc").must("the processes").flatten().any(|one| is_ours(one.path()));
    eventually("the end of what hooks began", || !any());
}

pub(crate) fn hook_with(mut command: Command, input: &[u8]) -> Ran {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().must("to run snap");
    // One that can't even read its command line ends without having listened.
    child.stdin.take().must("its input").write_all(input).ok();
    let done = child.wait_with_output().must("its end");
    Ran {
        code: done.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&done.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&done.stderr).into_owned(),
    }
}

pub(crate) fn bash(project: &Project, transcript: &Path, line: &str) -> Value {
    json!({
        "session_id": ID, "transcript_path": transcript, "cwd": project.root(), "hook_event_name": "PreToolUse",
        "tool_name": "Bash", "tool_input": {"command": line},
    })
}

/// What the hook shows for a prompt.
fn shown(project: &Project, prompt: &str) -> String {
    let input = json!({"cwd": project.root(), "prompt": prompt});
    let ran = hook(project, "UserPromptSubmit", &input).exits(0);
    assert_eq!(ran.json()["decision"], "block", "{}", ran.stdout);
    ran.json()["reason"].as_str().must("a text").to_owned()
}

fn a_snapshot_command_is_answered_without_any_request(client: &Client) {
    let (project, client) = set_up(client);
    let api = StandIn::start(script);
    project.write("a.txt", "edited\n");
    let first = client.print(&project.home, project.root(), &api, &[], "hello there").succeeded();
    api.clear();
    let resumed = ["--resume", first.session_id.as_str()];
    let said = client.print(&project.home, project.root(), &api, &resumed, "/snapshot save \"before it\"");
    assert!(said.status.success(), "{}\n{}", said.stdout, said.stderr);
    assert_eq!(api.requests().len(), 0, "no token is spent");
    let shown = project.snap(&["show", "before it", "--json"]).exits(0).json();
    assert_eq!(shown["session"]["id"], first.session_id);
    let files = shown["edits"]["files"].as_array().must("edits");
    assert!(files.iter().any(|file| file["path"] == "a.txt"), "{files:?}");
    assert_eq!(shown["created_by"]["trigger"], "manual");
    client.print(&project.home, project.root(), &api, &resumed, "/snapshot list");
    assert_eq!(api.requests().len(), 0);
    // The saved conversation goes on as if nothing had been asked in between.
    client.print(&project.home, project.root(), &api, &resumed, "and now").succeeded();
    assert!(!api.main()[0].body.to_string().contains("/snapshot"), "the model never hears of it");
}

fn an_ordinary_prompt_goes_through_unchanged(client: &Client) {
    let (project, client) = set_up(client);
    let api = StandIn::start(script);
    client.print(&project.home, project.root(), &api, &[], "what does /snapshot do?").succeeded();
    let messages = api.main()[0].messages();
    let last = &messages[messages.len() - 1];
    assert_eq!(
        *last,
        json!({"role": "user", "content": {"type": "text", "text": "what does /snapshot do?"}})
    );
    let body = api.main()[0].body.to_string();
    assert!(!body.contains("snap hook"), "nothing of the hooks reaches the model");
    assert!(!body.contains("Snapshots of this session"), "nor is the command offered to it");
}

fn a_step_that_deletes_is_preceded_by_a_snapshot_that_holds_the_files(client: &Client) {
    let (project, client) = set_up(client);
    let api = StandIn::start(script);
    project.write("build/out.bin", [0, 1, 2, 3]);
    let done = client.print(&project.home, project.root(), &api, &[], "run rm -rf build").succeeded();
    assert_eq!(done.json["result"], "did it");
    assert!(!project.path("build").exists());
    settle(&project);
    let all = snapshots(&project);
    let before = all.iter().find(|one| one["name"] == "before rm -rf build").must("a checkpoint");
    assert_eq!((&before["trigger"], &before["session_id"]), (&json!("auto"), &json!(done.session_id)));
    project.snap(&["rewind", "before rm -rf build", "--no-run"]).exits(0);
    assert_eq!(project.read("build/out.bin"), [0, 1, 2, 3]);
    let second = api.main()[1].body.to_string();
    assert!(!second.contains("snap hook"), "nothing of the checkpoint reaches the model");
    // A step that is none: nothing is saved.
    let number = names(&project).iter().filter(|name| name.starts_with("before ")).count();
    client.print(&project.home, project.root(), &api, &[], "run echo 'rm -rf build'").succeeded();
    settle(&project);
    assert_eq!(names(&project).iter().filter(|name| name.starts_with("before ")).count(), number);
}

fn the_end_of_a_session_is_saved_behind_its_back(client: &Client) {
    let (project, client) = set_up(client);
    let api = StandIn::start(script);
    client.print(&project.home, project.root(), &api, &[], "hello").succeeded();
    eventually("the checkpoint of the session's end", || {
        names(&project).contains(&"end of session".to_owned())
    });
}

fn a_broken_store_does_not_disturb_the_agent(client: &Client) {
    let (project, client) = set_up(client);
    let api = StandIn::start(script);
    project.write("build/x", "x");
    project.write(".claude/snapshots", "a file where the store should be");
    let done = client.print(&project.home, project.root(), &api, &[], "run rm -rf build").succeeded();
    assert_eq!(done.json["result"], "did it");
    assert!(!project.path("build").exists());
    let body = api.main()[1].body.to_string();
    assert!(!body.contains("snap hook") && !body.contains("Cannot"), "the model hears nothing of it");
    let log = fs::read_to_string(project.home.config().join("snap-hooks.log")).must("the log");
    assert!(log.contains("snap hook PreToolUse: "), "{log}");
}

fn a_full_disk_does_not_disturb_the_agent(client: &Client) {
    let (project, client) = set_up(client);
    let what = "an agent whose checkpoints find a full disk";
    let Some(_disk) = SmallDisk::on(&project.stored(""), 300, what) else { return };
    let api = StandIn::start(script);
    project.snap(&["save", "first"]).exits(0);
    fill(&project.stored("tmp"));
    project.write("build/x", noise(3, 20_000));
    let done = client.print(&project.home, project.root(), &api, &[], "run rm -rf build").succeeded();
    assert_eq!(done.json["result"], "did it");
    assert!(!project.path("build").exists());
    let body = api.main()[1].body.to_string();
    assert!(!body.contains("snap hook") && !body.contains("No space"), "the model hears nothing of it");
    let log = fs::read_to_string(project.home.config().join("snap-hooks.log")).must("the log");
    assert!(log.contains("snap hook PreToolUse: ") && log.contains("No space left on device"), "{log}");
    settle(&project);
    assert_eq!(names(&project), ["first"], "what was there stays");
}

fn a_missing_or_foreign_program_does_not_disturb_the_agent(client: &Client) {
    let project = Project::new();
    project.snap(&["init"]).exits(0);
    let api = StandIn::start(script);
    let foreign = foreign_bin(&project, "#!/bin/sh\necho 'error: unknown command' >&2\nexit 2\n");
    let empty = project.home.path().join("empty");
    fs::create_dir(&empty).must("a folder");
    for beside in [foreign, empty] {
        project.write("build/x", "x");
        let client = client.beside(&beside);
        let done = client.print(&project.home, project.root(), &api, &[], "run rm -rf build").succeeded();
        assert_eq!(done.json["result"], "did it");
        assert!(!project.path("build").exists());
    }
}

fn the_plugin_is_accepted_and_answers(client: &Client) {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let plugin = top.join(".claude/plugins/snap");
    let project = Project::new();
    let client = client.beside(&bin(&project));
    let api = StandIn::start(script);
    for place in [top, &plugin] {
        let mut command = Command::new(client.bin_dir().join("claude"));
        command.args(["plugin", "validate"]).arg(place).current_dir(project.root());
        let said =
            command.env_clear().envs(client.environment(&project.home, &api)).output().must("to run it");
        assert!(
            said.status.success(),
            "{}{}",
            String::from_utf8_lossy(&said.stdout),
            String::from_utf8_lossy(&said.stderr)
        );
    }
    let args = ["--plugin-dir", plugin.to_str().must("UTF-8")];
    let said = client.print(&project.home, project.root(), &api, &args, "/snap:snapshot save x");
    assert!(said.status.success(), "{}", said.stderr);
    assert_eq!(api.requests().len(), 0);
    assert!(names(&project).contains(&"x".to_owned()));
}

#[test]
fn with_the_plugin_and_init_the_newest_client_is_answered_once_and_saves_once() {
    let Some(client) = Client::get(NEWEST) else { return };
    let (project, client) = set_up(&client);
    let plugin = Path::new(env!("CARGO_MANIFEST_DIR")).join(".claude/plugins/snap");
    let api = StandIn::start(script);
    let with_plugin = ["--plugin-dir", plugin.to_str().must("UTF-8")];
    let first = client.print(&project.home, project.root(), &api, &with_plugin, "hello there").succeeded();
    settle(&project);
    api.clear();
    let resumed = [&with_plugin[..], &["--resume", first.session_id.as_str()]].concat();
    for (prompt, name) in [("/snapshot save one", "one"), ("/snap:snapshot save two", "two")] {
        project.write("a.txt", name);
        let said = client.print(&project.home, project.root(), &api, &resumed, prompt);
        assert!(
            said.status.success() && !said.stdout.contains("already"),
            "{}\n{}",
            said.stdout,
            said.stderr
        );
        settle(&project);
        assert_eq!(names(&project).iter().filter(|one| *one == name).count(), 1);
    }
    assert_eq!(api.requests().len(), 0, "no token is spent");
    let ends = names(&project).iter().filter(|name| name.starts_with("end of session")).count();
    assert!(ends <= 3, "three sessions have ended: {:?}", names(&project));
    let log = project.snap(&["log", "--json"]).exits(0).json();
    let failed = log.as_array().must("a log").iter().filter(|line| line["outcome"] == "failed").count();
    assert_eq!(failed, 0, "{log}");
}

fn what_only_a_hook_is_told_is_in_the_next_save(client: &Client) {
    let (project, client) = set_up(client);
    let gate = Gate::new();
    let api = StandIn::start(holding_agents(gate.latch()));
    let running = client.spawn(&project.home, project.root(), &api, &[], "launch one");
    let journal = || {
        let folder = project.home.config().join("snap");
        let all = if folder.exists() { files_below(&folder) } else { Vec::new() };
        all.iter().map(|file| fs::read_to_string(file).must("a journal")).collect::<String>()
    };
    eventually("the hook at the end of the turn, which names the agent", || {
        journal().contains(r#""type":"subagent","status":"running""#)
    });
    // The client writes its own files somewhat later.
    eventually("the transcripts of the session and of the agent", || {
        let folder = project.home.config().join("projects");
        let all = if folder.exists() { files_below(&folder) } else { Vec::new() };
        let is_agents = |file: &&PathBuf| file.parent().is_some_and(|folder| folder.ends_with("subagents"));
        let transcripts = all.iter().filter(|file| file.extension().is_some_and(|end| end == "jsonl"));
        let (agents, sessions): (Vec<_>, Vec<_>) = transcripts.partition(is_agents);
        !agents.is_empty() && !sessions.is_empty()
    });
    project.snap(&["save", "live"]).exits(0);
    let shown = project.snap(&["show", "live", "--json"]).exits(0).json();
    let agent = &shown["agents"][0];
    assert_eq!(agent["status"], "running");
    assert!(agent["evidence"].as_str().must("evidence").contains("told a hook"), "{agent}");
    gate.open();
    running.finish().succeeded();
    assert!(journal().contains(r#""event":"SubagentStop""#), "{}", journal());
}

/// Answers by making a task and completing it.
fn a_task(turn: &Turn) -> Reply {
    match turn.request.speaker {
        Speaker::Main => turn.play(vec![
            Reply::tool("TaskCreate", json!({"subject": "Write parser", "description": "write the parser", "activeForm": "Writing"})),
            Reply::tool("TaskUpdate", json!({"taskId": "1", "status": "in_progress"})),
            Reply::tool("TaskUpdate", json!({"taskId": "1", "status": "completed"})),
            Reply::text("done"),
        ]),
        _ => Reply::text("fine"),
    }
}

/// Why no hook listens to these: all that they tell is in files that a save reads anyway.
fn task_events_tell_nothing_that_the_clients_files_do_not(client: &Client) {
    let project = Project::new();
    let heard = project.home.path().join("heard");
    let entry = json!([{"hooks": [{"type": "command", "command": format!("cat >>{0}; echo >>{0}", heard.display())}]}]);
    let settings = json!({"hooks": {"TaskCreated": entry, "TaskCompleted": entry}});
    project.write(".claude/settings.json", settings.to_string());
    let api = StandIn::start(a_task);
    client.print(&project.home, project.root(), &api, &[], "make a task").succeeded();
    let told: Vec<Value> = fs::read_to_string(&heard)
        .must("what was told")
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_str(line).must("JSON"))
        .collect();
    let events: Vec<&Value> = told.iter().map(|one| &one["hook_event_name"]).collect();
    assert_eq!(events, ["TaskCreated", "TaskCompleted"]);
    let files = |folder: &str| {
        let all = files_below(&project.home.config().join(folder)).into_iter();
        all.map(|file| fs::read_to_string(file).unwrap_or_default()).collect::<String>()
    };
    let written = files("projects") + &files("tasks");
    // What every hook is told, of the session and not of the task.
    let common = ["hook_event_name", "cwd", "transcript_path"];
    for (key, value) in told.iter().flat_map(|one| one.as_object().must("an object")) {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let known = common.contains(&key.as_str()) || written.contains(&text);
        assert!(known, "{key}: {text:?} is in no file of the client's");
    }
}

#[test]
fn a_grants_exact_rules_are_what_the_client_offered() {
    let project = Project::new();
    let transcript = project.session(ID);
    let file = project.path("a.txt");
    let rule = json!({"toolName": "Read", "ruleContent": format!("/{}/**", project.root().display())});
    let offers =
        json!([{"type": "addRules", "behavior": "allow", "destination": "session", "rules": [rule]}]);
    let input = json!({"session_id": ID, "transcript_path": transcript, "cwd": project.root(), "tool_name": "Read",
        "tool_input": {"file_path": file}, "permission_suggestions": offers});
    let said = hook(&project, "PermissionRequest", &input).exits(0);
    assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("", ""), "the question is the client's");
    assert!(!project.path(".claude").exists(), "nothing is left in the project");
    let call = json!({"type": "assistant", "sessionId": ID, "message": {"role": "assistant",
        "content": [{"type": "tool_use", "id": "t9", "name": "Read", "input": {"file_path": file}}]}});
    let result = json!({"type": "user", "sessionId": ID, "timestamp": "2999-01-01T00:00:00.000Z",
        "message": {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t9", "content": "ok"}]},
        "permissionDecision": {"decision": "accept", "source": "user_temporary", "grantScope": "session"}});
    project.append(&transcript, format!("{call}\n{result}\n").as_bytes());
    project.snap(&["save", "x"]).exits(0);
    let resumed = project.snap(&["resume", "x", "--grants", "all", "--json"]).exits(0).json();
    let wanted = json!({"permissions": {"allow": [format!("Read(/{}/**)", project.root().display())]}});
    let command = resumed["resume"]["command"].as_array().must("a command");
    assert!(command.contains(&json!(wanted.to_string())), "{resumed}");
    // Pruning forgets the journals of sessions that are gone.
    let journal = project.home.config().join("snap").join(format!("{ID}.jsonl"));
    fs::remove_file(&transcript).must("to remove the transcript");
    let week_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(7 * 86_400);
    fs::File::options().append(true).open(&journal).must("it").set_modified(week_ago).must("a time");
    project.snap(&["prune", "--keep-last", "9", "--dry-run"]).exits(0);
    assert!(journal.exists());
    project.snap(&["prune", "--keep-last", "9"]).exits(0);
    let transcripts = files_below(&project.home.config().join("projects"));
    let there = transcripts.iter().any(|file| file.ends_with(format!("{ID}.jsonl")));
    assert_eq!(journal.exists(), there);
}

#[test]
fn the_plugin_and_this_repository_have_the_very_hooks_and_command_of_init() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text =
        fs::read_to_string(top.join(".claude/plugins/snap/hooks/hooks.json")).must("the plugin's hooks");
    let plugin: Value = serde_json::from_str(&text).must("JSON");
    let project = Project::new();
    project.snap(&["init"]).exits(0);
    let settings: Value = serde_json::from_slice(&project.read(".claude/settings.json")).must("JSON");
    let calls = |event: &str, hooks: &Value| -> Value {
        let mut entry = hooks[event][0].clone();
        entry["hooks"][0]["command"] = Value::Null;
        entry
    };
    for event in settings["hooks"].as_object().must("hooks").keys() {
        assert_eq!(calls(event, &plugin["hooks"]), calls(event, &settings["hooks"]), "{event}");
    }
    let events = plugin["hooks"].as_object().must("hooks");
    assert_eq!(events.len(), settings["hooks"].as_object().must("hooks").len() + 1, "SessionStart too");
    for (event, entry) in events {
        let line = entry[0]["hooks"][0]["command"].as_str().must("a command");
        assert!(line.starts_with(&format!("set -- {event}; ")), "{line}");
    }
    let own = fs::read_to_string(top.join(".claude/settings.json")).must("this repository's settings");
    let own: Value = serde_json::from_str(&own).must("JSON");
    assert_eq!(own["hooks"], settings["hooks"]);
    for copy in [".claude/plugins/snap/commands/snapshot.md", ".claude/commands/snapshot.md"] {
        assert_eq!(
            fs::read(top.join(copy)).must("the command"),
            project.read(".claude/commands/snapshot.md"),
            "{copy}"
        );
    }
}

#[test]
fn init_twice_changes_nothing_and_remove_leaves_no_trace() {
    let theirs = "{\n    \"zeta\": [1,2],\n    \"hooks\": { \"PreToolUse\": [{\"hooks\": []}] },\n    \"alpha\": 1.50\n}\n";
    for (options, file) in [
        (&["init"][..], ".claude/settings.json"),
        (&["init", "--local"], ".claude/settings.local.json"),
        (&["init", "--user"], "../.claude/settings.json"),
        (&["init", "--every", "10m"], ".claude/settings.json"),
    ] {
        for before in [None, Some(theirs)] {
            let project = Project::new();
            if let Some(before) = before {
                project.write(file, before);
            }
            let everything = || {
                let all = files_below(project.home.path())
                    .into_iter()
                    .filter(|file| !file.starts_with(project.path(".git")));
                all.map(|file| (file.clone(), fs::read(file).must("a file"))).collect::<Vec<_>>()
            };
            let at_first = everything();
            project.snap(&[options, &["--dry-run"]].concat()).exits(0).says(&["Nothing was changed"]);
            assert_eq!(everything(), at_first);
            project.snap(options).exits(0);
            let once = everything();
            assert_ne!(once, at_first);
            let settings: Value = serde_json::from_slice(&project.read(file)).must("JSON");
            assert!(settings["hooks"]["UserPromptSubmit"].is_array());
            let at_turns_end = settings["hooks"]["Stop"][0]["hooks"][0]["command"].as_str().must("a command");
            assert_eq!(at_turns_end.contains("--every 600s"), options.contains(&"--every"));
            project.snap(options).exits(0).says(&["set up already"]);
            assert_eq!(everything(), once);
            let place = options.iter().filter(|word| ["--local", "--user"].contains(word));
            let remove: Vec<&str> = ["init", "--remove"].into_iter().chain(place.copied()).collect();
            project.snap(&remove).exits(0);
            assert_eq!(everything(), at_first, "{options:?}");
            assert_eq!(project.path(".claude").exists(), before.is_some() && file.starts_with(".claude"));
            project.snap(&remove).exits(0).says(&["snap is not set up here"]);
        }
    }
}

#[test]
fn init_keeps_a_files_mode_and_the_users_own_link_and_refuses_what_it_can_not_read() {
    let project = Project::new();
    project.write("elsewhere.json", "{\"a\": 1}\n");
    fs::set_permissions(project.path("elsewhere.json"), fs::Permissions::from_mode(0o640)).must("a mode");
    let own = project.home.config().join("settings.json");
    fs::create_dir_all(project.home.config()).must("a folder");
    symlink(project.path("elsewhere.json"), &own).must("a link");
    project.snap(&["init", "--user"]).exits(0);
    assert!(own.is_symlink());
    let mode = |name: &str| project.path(name).metadata().must("the file").permissions().mode() & 0o777;
    assert_eq!(mode("elsewhere.json"), 0o640);
    for wrong in ["{\"a\": 1,}", "[]", "{\"hooks\": []}", "// a comment\n{}"] {
        project.write("elsewhere.json", wrong);
        project.write(".claude/settings.json", wrong);
        for command in [&["init", "--user"][..], &["init"]] {
            let said = project.snap(command).exits(3).says(&["Cannot change ", ".claude/settings.json: "]);
            for name in ["elsewhere.json", ".claude/settings.json"] {
                assert_eq!(String::from_utf8_lossy(&project.read(name)), wrong, "{}", said.stderr);
            }
        }
    }
    project.write(".claude/settings.json", "{}\n");
    fs::set_permissions(project.path(".claude/settings.json"), fs::Permissions::from_mode(0o640))
        .must("a mode");
    project.write(".claude/commands/snapshot.md", "My own command\n");
    project.snap(&["init"]).exits(3).says(&["a command of your own"]);
    assert_eq!(project.read(".claude/settings.json"), b"{}\n", "nothing was changed");
    fs::remove_file(project.path(".claude/commands/snapshot.md")).must("to remove it");
    project.snap(&["init"]).exits(0);
    assert_eq!(mode(".claude/settings.json"), 0o640);
    project.write(".claude/commands/snapshot.md", "My own command\n");
    project.snap(&["init", "--remove"]).exits(0);
    assert_eq!(project.read(".claude/commands/snapshot.md"), b"My own command\n");
}

#[test]
fn every_word_of_the_snapshot_command_is_answered() {
    let project = Project::new();
    project.write("a.txt", "edited\n");
    assert!(shown(&project, "/snapshot").contains("/snapshot save NAME"));
    assert!(shown(&project, "/snapshot help").contains("no tokens are spent"));
    assert!(
        shown(&project, "/snapshot save before api refactor -m 'the why'")
            .contains("Saved \"before api refactor\"")
    );
    assert!(shown(&project, "/snapshot save before api refactor").contains("error: There is a snapshot"));
    assert!(shown(&project, "/snapshot list").contains("before api refactor"));
    assert!(shown(&project, "/snapshot show \"before api refactor\"").contains("the why"));
    let resume = shown(&project, "/snapshot resume before api refactor");
    let wanted = format!("cd {} && snap resume 'before api refactor'", project.root().display());
    assert!(resume.contains(&wanted), "{resume}");
    assert!(shown(&project, "/snapshot resume nothing").contains("There is no snapshot"));
    assert!(shown(&project, "/snapshot undo").contains("error:"));
    project.write("a.txt", "spoilt\n");
    let said = shown(&project, "/snapshot rewind before api refactor");
    assert!(said.contains("The conversation still believes"), "{said}");
    assert!(!said.contains("claude --resume"), "the session that asks goes on: {said}");
    assert_eq!(project.read("a.txt"), b"edited\n");
    assert!(shown(&project, "/snapshot undo").contains("The conversation still believes"));
    assert_eq!(project.read("a.txt"), b"spoilt\n");
    let pruned = shown(&project, "/snapshot prune --keep-last 1 --dry-run");
    assert!(pruned.contains("keep \"before api refactor\": number 1 of the newest 1\n"), "{pruned}");
    let said = shown(&project, "/snapshot rewind --dry-run before api refactor");
    assert!(said.contains("Nothing was changed") && !said.contains("The conversation still"), "{said}");
    assert!(shown(&project, "/snapshot hook Stop").contains("There is no `/snapshot hook`"));
    assert!(
        shown(&project, "/snapshot rm x; rm -rf .")
            .contains("There is no `/snapshot rm`. In a shell, `snap rm` does that.")
    );
    for other in ["hello", "/snapshots", "tell me of /snapshot list", ""] {
        let input = json!({"cwd": project.root(), "prompt": other});
        let ran = hook(&project, "UserPromptSubmit", &input).exits(0);
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""), "{other:?}");
    }
}

#[test]
fn a_checkpoint_is_made_before_a_risky_step_only_and_only_of_something_new() {
    let project = Project::new();
    let transcript = project.session(ID);
    project.write("build/out", "x");
    let step = |line: &str| {
        let ran = hook(&project, "PreToolUse", &bash(&project, &transcript, line)).exits(0);
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""), "{line}");
    };
    step("ls && echo 'rm -rf build'");
    assert!(!project.path(".claude/snapshots").exists(), "nothing to do leaves nothing behind");
    step("cargo build && rm -rf build");
    step("rm -rf build");
    let mut text = fs::read_to_string(&transcript).must("the transcript");
    text.push_str("{\"type\":\"user\",\"message\":{\"content\":\"more\"}}\n");
    fs::write(&transcript, text).must("to write more of it");
    step("git reset --hard");
    assert_eq!(names(&project), ["before rm -rf build"], "the edits are the same: one checkpoint holds them");
    project.write("a.txt", "new work\n");
    step("rm -rf build");
    step("git reset --hard");
    assert_eq!(names(&project), ["before rm -rf build-2", "before rm -rf build"]);
    // A folder further down, and a path with `..` in it.
    project.write("b.txt", "more work\n");
    let mut input = bash(&project, &transcript, "rm -r ../build");
    input["cwd"] = json!(project.path("sub"));
    hook(&project, "PreToolUse", &input).exits(0);
    assert_eq!(names(&project)[0], "before rm -r ../build");
}

#[test]
fn steps_taken_side_by_side_are_saved_once_each_at_most_and_without_a_word() {
    let project = Project::new();
    let transcript = project.session(ID);
    project.write("build/out", "x");
    let input = bash(&project, &transcript, "rm -rf build");
    std::thread::scope(|scope| {
        let all: Vec<_> =
            (0..6).map(|_| scope.spawn(|| hook(&project, "PreToolUse", &input).exits(0))).collect();
        for one in all {
            assert_eq!(one.join().must("its end").stderr, "");
        }
    });
    assert!(names(&project).contains(&"before rm -rf build".to_owned()));
}

#[test]
fn files_that_git_does_not_know_are_saved_before_they_are_written_over() {
    let project = Project::new();
    let transcript = project.session(ID);
    project.write("draft.md", "the only copy\n");
    let write = |file: &str| {
        let mut input = bash(&project, &transcript, "");
        input["tool_name"] = json!("Write");
        input["tool_input"] = json!({"file_path": project.path(file), "content": "x"});
        hook(&project, "PreToolUse", &input).exits(0);
    };
    write("new.md");
    write("a.txt");
    assert!(!project.path(".claude/snapshots").exists());
    write("draft.md");
    assert_eq!(names(&project), ["before write draft.md"]);
    project.write("a.txt", "edited\n");
    hook(&project, "PreToolUse", &bash(&project, &transcript, "date > a.txt")).exits(0);
    assert_eq!(names(&project)[0], "before date > a.txt");
}

/// What a hook's answer shows to the person.
pub(crate) fn told(ran: &Ran) -> String {
    if ran.stdout.is_empty() {
        String::new()
    } else {
        ran.json()["systemMessage"].as_str().must("a message").to_owned()
    }
}

#[test]
fn rules_are_added_by_a_project_and_switched_off_by_the_user_alone_and_a_wrong_file_is_told_of() {
    let project = Project::new();
    let transcript = project.session(ID);
    let step = |line: &str| hook(&project, "PreToolUse", &bash(&project, &transcript, line)).exits(0);
    let theirs = ".claude/snapshot-rules.json";
    project.write(
        theirs,
        r#"{"rules":[{"class":"data","command":"make wipe*"},{"class":"all","tool":"Bash"}],"off":["delete","overwrite"]}"#,
    );
    // What a project would switch off is said once, for each content of its file, and not done.
    let said = told(&step("ls"));
    assert!(said.contains("delete, overwrite") && said.contains("A project can't"), "{said}");
    project.git(&["add", "-f", theirs]);
    project.git(&["commit", "-qm", "rules"]);
    let kept = names(&project).len();
    for (number, line) in ["rm -rf x", "make wipe-all", "echo x > draft.md"].iter().enumerate() {
        project.write("draft.md", format!("{number}\n"));
        assert_eq!(told(&step(line)), "", "{line}");
        assert_eq!(names(&project).len(), kept + number + 1, "{line}");
    }
    project.write(theirs, r#"{"off":["delete"]}"#);
    assert!(told(&step("ls")).contains("no checkpoints of the class delete"));
    assert_eq!(told(&step("ls")), "");
    // The user's own file does it.
    fs::write(project.home.config().join("snapshot-rules.json"), r#"{"off":["delete"]}"#).must("to write");
    let before = names(&project).len();
    project.write("draft.md", "once more\n");
    step("rm -rf x");
    assert_eq!(names(&project).len(), before);
    step("git reset --hard");
    assert_eq!(names(&project).len(), before + 1);
    project.write(theirs, "{\"rules\": 7}");
    let said = step("rm -rf x");
    assert!(
        said.stderr.contains("Cannot use ") && said.stderr.contains("snapshot-rules.json"),
        "{}",
        said.stderr
    );
}

#[test]
fn a_client_folder_that_lies_in_the_project_is_no_place_for_the_users_own_rules() {
    let project = Project::new();
    let transcript = project.session(ID);
    project.write("evil/snapshot-rules.json", r#"{"off":["delete"]}"#);
    project.write("a.txt", "edited\n");
    let mut command = project.command(project.root(), &["hook", "PreToolUse"]);
    command.env("CLAUDE_CONFIG_DIR", project.path("evil"));
    hook_with(command, bash(&project, &transcript, "rm -rf x").to_string().as_bytes()).exits(0);
    settle(&project);
    assert_eq!(names(&project), ["before rm -rf x"]);
}

#[test]
fn whatever_is_wrong_a_hook_succeeds_and_says_one_line() {
    let project = Project::new();
    let transcript = project.session(ID);
    for input in [&b""[..], b"nonsense", b"\xff\xfe", b"7"] {
        let said = hook_with(project.command(project.root(), &["hook", "PreToolUse"]), input).exits(0);
        assert_eq!((said.stdout.as_str(), said.stderr.lines().count()), ("", 1), "{}", said.stderr);
    }
    // Of a later version: an event, an option, types that changed.
    let later = json!({"cwd": 7, "tool_name": ["Bash"], "tool_input": "rm"});
    for arguments in [&["hook", "OfNextMonth"][..], &["hook", "PreToolUse", "--of-next-month"], &["hook"]] {
        let said =
            hook_with(project.command(project.root(), arguments), later.to_string().as_bytes()).exits(0);
        assert_eq!(said.stdout, "", "{arguments:?}");
    }
    project.write(".claude/snapshots", "no folder");
    let said = hook(&project, "PreToolUse", &bash(&project, &transcript, "rm x")).exits(0);
    assert_eq!(said.stderr.lines().count(), 1, "{}", said.stderr);
    let message = told(&said);
    assert!(message.contains("did not save everything before `rm x`: Cannot "), "{message}");
    let log = fs::read_to_string(project.home.config().join("snap-hooks.log")).must("the log");
    assert!(log.lines().count() >= 5 && log.contains("snap hook PreToolUse: "), "{log}");
    let mut bare = project.command(project.root(), &["hook", "PreToolUse"]);
    // A home that can't be made.
    bare.env_clear().env("HOME", project.path("a.txt/none"));
    hook_with(bare, bash(&project, &transcript, "rm x").to_string().as_bytes()).exits(0);
}

#[test]
fn a_clean_of_all_that_git_ignores_right_after_the_hook_destroys_nothing_that_does_not_come_back() {
    let project = Project::new();
    let transcript = project.session(ID);
    for number in 0..40 {
        project.write(format!("build/{number}"), noise(number, 600));
    }
    let input = bash(&project, &transcript, "git clean -fdx").to_string();
    let ran = hook_with(project.command(project.root(), &["hook", "PreToolUse"]), input.as_bytes()).exits(0);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
    project.git(&["clean", "-fdxq"]);
    assert!(!project.path("build").exists());
    project.snap(&["rewind", "before git clean -fdx", "--no-run"]).exits(0);
    for number in 0..40 {
        assert_eq!(project.read(format!("build/{number}")), noise(number, 600).as_bytes());
    }
}

#[test]
fn a_conversation_that_can_not_be_read_does_not_keep_the_edits_from_being_saved_before_a_step() {
    let project = Project::new();
    let transcript = project.session(ID);
    project.write("build/out", "only here\n");
    fs::write(project.home.tasks(ID).join("../../plans"), "no folder").must("to write");
    fs::remove_dir_all(project.home.tasks(ID)).must("to remove");
    fs::write(project.home.tasks(ID), "no folder").must("to write");
    hook(&project, "PreToolUse", &bash(&project, &transcript, "rm -rf build")).exits(0);
    fs::remove_dir_all(project.path("build")).must("the step");
    project.snap(&["rewind", "before rm -rf build", "--no-run"]).exits(0);
    assert_eq!(project.read("build/out"), b"only here\n");
}

#[test]
fn the_link_called_latest_follows_checkpoints_and_goes_with_the_last_snapshot() {
    let project = Project::new();
    let transcript = project.session(ID);
    project.snap(&["save", "first"]).exits(0);
    project.snap(&["link", "latest"]).exits(0);
    let links = || -> Vec<Value> {
        let all = files_below(&project.home.config().join("snap/links"));
        all.iter().map(|file| serde_json::from_slice(&fs::read(file).must("a link")).must("JSON")).collect()
    };
    let newest = || snapshots(&project)[0]["id"].clone();
    assert_eq!(links().iter().map(|one| one["snapshot"].clone()).collect::<Vec<_>>(), [newest()]);
    project.write("a.txt", "edited\n");
    hook(&project, "PreToolUse", &bash(&project, &transcript, "rm -rf build")).exits(0);
    assert_eq!(names(&project), ["before rm -rf build", "first"]);
    assert_eq!(links().iter().map(|one| one["snapshot"].clone()).collect::<Vec<_>>(), [newest()]);
    project.write("a.txt", "edited again\n");
    hook(&project, "SessionEnd", &bash(&project, &transcript, "")).exits(0);
    assert_eq!(names(&project)[0], "end of session");
    assert_eq!(links().iter().map(|one| one["snapshot"].clone()).collect::<Vec<_>>(), [newest()]);
    project.snap(&["rm", "end of session", "before rm -rf build"]).exits(0);
    assert_eq!(links().iter().map(|one| one["snapshot"].clone()).collect::<Vec<_>>(), [newest()], "and back");
    project.snap(&["rm", "first", "--now"]).exits(0);
    assert_eq!(links(), Vec::<Value>::new());
}

#[test]
fn automatic_snapshots_do_not_grow_without_bound_and_leave_others_alone() {
    let project = Project::new();
    let transcript = project.session(ID);
    project.snap(&["save", "mine"]).exits(0);
    for number in 0..55 {
        project.write("a.txt", format!("{number}\n"));
        hook(&project, "PreToolUse", &bash(&project, &transcript, "rm x")).exits(0);
    }
    let all = names(&project);
    // The last one of the day is among the fifty.
    assert_eq!(all.len(), 51, "{all:?}");
    assert_eq!(all[50], "mine");
    let refs = || project.git(&["for-each-ref", "refs/snap/"]).lines().count();
    let in_trash = files_below(&project.stored("objects/trash"));
    let in_trash = in_trash.iter().filter(|path| path.extension().is_some_and(|end| end == "json")).count();
    assert_eq!((refs(), in_trash), (56, 5), "five are in the trash");
    project.snap(&["prune", "--now"]).exits(0);
    assert_eq!(refs(), 51, "those that went keep no base commit");
    let shown = project.snap(&["prune", "--keep-last", "1", "--dry-run", "--json"]).exits(0).json();
    let kept = shown["snapshots"].as_array().must("a list").iter().filter(|one| one["keep"] == true).count();
    assert_eq!(kept, 51, "automatic ones have a policy of their own");
}

#[test]
fn a_turns_end_is_saved_at_most_once_in_the_time_that_was_asked_for() {
    let project = Project::new();
    let transcript = project.session(ID);
    let turn = |number: usize| {
        project.write("a.txt", format!("{number}\n"));
        let input = bash(&project, &transcript, "").to_string();
        let arguments = ["hook", "Stop", "--every", "1h", "--later"];
        hook_with(project.command(project.root(), &arguments), input.as_bytes()).exits(0);
    };
    turn(1);
    turn(2);
    assert_eq!(names(&project), ["end of turn"]);
    hook(&project, "Stop", &bash(&project, &transcript, "")).exits(0);
    assert_eq!(names(&project), ["end of turn"], "without a time it is off");
}

#[test]
fn the_end_of_a_turn_and_of_its_session_are_saved_once() {
    let project = Project::new();
    let transcript = project.session(ID);
    let input = bash(&project, &transcript, "").to_string();
    let ends: [&[&str]; 2] =
        [&["hook", "Stop", "--every", "1s", "--later"], &["hook", "SessionEnd", "--later"]];
    for round in 1..=3 {
        project.write("a.txt", format!("{round}\n"));
        std::thread::scope(|scope| {
            for end in ends {
                let command = project.command(project.root(), end);
                scope.spawn(|| hook_with(command, input.as_bytes()).exits(0));
            }
        });
        assert_eq!(names(&project).len(), round, "{:?}", names(&project));
    }
}
