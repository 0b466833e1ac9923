//! What the client would still have of a session beside its own folder: agents that lie elsewhere, lists that settings
//! name, scripts, folders, restrictions, notes, teams, servers. Each comes along or is named.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::support::Must;
use crate::support::project::{Project, Ran};

const SESSION: &str = "c137e379-838e-4509-8148-16b407691758";
const PARENT: &str = "11111111-2222-4333-8444-555555555555";
const AGENT: &str = "a0123456789abcdef";

fn folder_of(project: &Project, session: &str) -> PathBuf {
    project.home.project(project.root()).join(session)
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().must("a folder")).must("the folder above");
    fs::write(path, text).must("to write");
}

/// Adds a record to the session's conversation.
fn add(project: &Project, record: &Value) {
    let transcript = folder_of(project, SESSION).with_extension("jsonl");
    project.append(&transcript, format!("{record}\n").as_bytes());
}

fn agent_record(uuid: &str, parent: Value, text: &str) -> String {
    let message = json!({"role": "user", "content": text});
    let record = json!({"type": "user", "uuid": uuid, "parentUuid": parent, "isSidechain": true, "agentId": AGENT,
        "sessionId": PARENT, "message": message});
    format!("{record}\n")
}

fn shown(project: &Project, name: &str) -> Value {
    project.snap(&["show", name, "--json"]).exits(0).json()
}

/// Resumes in another place from this project's store.
fn resume(from: &Project, here: &Project, more: &[&str]) -> Ran {
    let store = from.stored("");
    let all = [&["resume", "x", "--no-edits", "--store", store.to_str().must("UTF-8")], more].concat();
    here.snap(&all)
}

fn words(resumed: &Value) -> Vec<String> {
    let command = resumed["resume"]["command"].as_array().must("a command");
    command.iter().map(|word| word.as_str().must("a word").to_owned()).collect()
}

/// The agent's transcript as it is installed here.
fn installed_agent(project: &Project, session: &str) -> String {
    let path = folder_of(project, session).join(format!("subagents/agent-{AGENT}.jsonl"));
    assert!(path.symlink_metadata().must("an agent").is_file(), "a plain file");
    fs::read_to_string(path).must("an agent's transcript")
}

#[test]
fn an_agent_that_the_client_itself_has_linked_comes_along_and_other_links_are_named() {
    let project = Project::new();
    let transcript = project.session(SESSION);
    let theirs = folder_of(&project, PARENT).join("subagents");
    write(&theirs.join(format!("agent-{AGENT}.jsonl")), &agent_record("a1", Value::Null, "long look"));
    let own = folder_of(&project, SESSION).join("subagents");
    symlink(theirs.join(format!("agent-{AGENT}.jsonl")), own.join(format!("agent-{AGENT}.jsonl")))
        .must("a link");
    project.write_beside(
        &transcript,
        &format!("subagents/agent-{AGENT}.meta.json"),
        b"{\"description\":\"long look\"}",
    );
    // Neither is what the client makes: another name, and a file that is no session's.
    symlink(theirs.join(format!("agent-{AGENT}.jsonl")), own.join("agent-other.jsonl")).must("a link");
    write(&project.home.path().join("subagents/agent-a99.jsonl"), "not a session's\n");
    symlink(project.home.path().join("subagents/agent-a99.jsonl"), own.join("agent-a99.jsonl"))
        .must("a link");
    project
        .snap(&["save", "x"])
        .exits(6)
        .says(&["agent-other.jsonl (it is a link", "agent-a99.jsonl (it is a link"]);
    let agents = shown(&project, "x")["agents"].clone();
    let ids: Vec<&str> =
        agents.as_array().must("agents").iter().filter_map(|one| one["id"].as_str()).collect();
    assert_eq!(ids, [AGENT, "ag1"]);
    let clone = project.cloned();
    resume(&project, &clone, &[]).exits(0);
    assert!(installed_agent(&clone, SESSION).contains("long look"));
}

#[test]
fn agents_of_a_branch_come_along_from_beside_the_session_that_it_was_branched_from() {
    for later in [false, true] {
        let project = Project::new();
        project.session(SESSION);
        let theirs = folder_of(&project, PARENT).join("subagents");
        let name = format!("agent-{AGENT}.jsonl");
        let all = [("a1", Value::Null), ("a2", json!("a1")), ("a3", json!("a2"))];
        let all: String =
            all.into_iter().map(|(id, parent)| agent_record(id, parent, &format!("said {id}"))).collect();
        write(&theirs.join(&name), &all);
        write(&theirs.join("agent-unasked.jsonl"), &agent_record("b1", Value::Null, "another agent's"));
        write(&theirs.join(format!("agent-{AGENT}.meta.json")), r#"{"description":"slow look"}"#);
        add(
            &project,
            &json!({"type": "user", "uuid": "u3", "parentUuid": "u2", "sessionId": SESSION,
            "forkedFrom": {"sessionId": PARENT, "messageUuid": "u3"},
            "message": {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "launched"}]},
            "toolUseResult": {"isAsync": true, "status": "async_launched", "agentId": AGENT}}),
        );
        if later {
            // What the agent writes once it is told something in the branch.
            write(
                &folder_of(&project, SESSION).join("subagents").join(&name),
                &agent_record("c1", json!("a2"), "said c1"),
            );
        }
        project.snap(&["save", "x"]).exits(0);
        let agents = shown(&project, "x")["agents"].clone();
        let found: Vec<(&str, &Value)> = agents
            .as_array()
            .must("agents")
            .iter()
            .map(|one| (one["id"].as_str().must("an id"), &one["description"]))
            .collect();
        assert_eq!(found, [(AGENT, &json!("slow look")), ("ag1", &json!("look around"))]);
        let clone = project.cloned();
        resume(&project, &clone, &[]).exits(0);
        let texts = installed_agent(&clone, SESSION);
        let said: Vec<&str> =
            ["a1", "a2", "a3", "c1"].into_iter().filter(|id| texts.contains(&format!("said {id}"))).collect();
        assert_eq!(said, if later { vec!["a1", "a2", "c1"] } else { vec!["a1", "a2", "a3"] });
    }
}

#[test]
fn an_agent_of_a_branch_that_is_nowhere_is_named() {
    let project = Project::new();
    project.session(SESSION);
    add(
        &project,
        &json!({"type": "user", "uuid": "u3", "parentUuid": "u2", "sessionId": SESSION,
        "forkedFrom": {"sessionId": PARENT, "messageUuid": "u3"},
        "message": {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "launched"}]},
        "toolUseResult": {"isAsync": true, "status": "async_launched", "agentId": AGENT}}),
    );
    project.snap(&["save", "x"]).exits(6).says(&[AGENT, "neither here nor beside the session"]);
}

#[test]
fn the_task_list_that_the_settings_name_is_the_sessions() {
    let project = Project::new();
    project.session(SESSION);
    fs::rename(project.home.tasks(SESSION), project.home.tasks("sprint-7")).must("the list's name");
    project.write(".claude/settings.local.json", r#"{"env": {"CLAUDE_CODE_TASK_LIST_ID": "sprint-7"}}"#);
    let saved = project.snap(&["save", "x", "--json"]).exits(0).json();
    assert_eq!(saved["tasks"], 2);
    // The client that goes on here is told of the session's own list, in the one way that wins over these settings.
    let resumed = project.snap(&["resume", "x", "--no-edits", "--json"]).exits(0).json();
    let words = words(&resumed);
    let at = words.iter().position(|word| word == "--settings").must("settings");
    let settings: Value = serde_json::from_str(&words[at + 1]).must("JSON");
    assert_eq!(settings["env"]["CLAUDE_CODE_TASK_LIST_ID"], resumed["session_id"]);
    let id = resumed["session_id"].as_str().must("an id");
    assert!(project.home.tasks(id).join("1.json").is_file());
    // Settings of the person's own are not taken the place of.
    let said = project.snap(&["resume", "x", "--no-edits", "--no-run", "--", "--settings", "{}"]).exits(6);
    assert_eq!(said.stdout.matches("--settings").count(), 1, "{}", said.stdout);
    said.says(&["not set for the client: env"]);
}

#[test]
fn lists_of_older_clients_are_shown_as_tasks() {
    let list = json!([{"content": "Write parser", "status": "in_progress", "activeForm": "Writing"},
        {"content": "Test it", "status": "completed", "activeForm": "Testing"}]);
    for in_file in [false, true] {
        let project = Project::new();
        project.session(SESSION);
        fs::remove_dir_all(project.home.tasks(SESSION)).must("no tasks of the newer kind");
        if in_file {
            let name = format!("todos/{SESSION}-agent-{SESSION}.json");
            write(&project.home.config().join(name), &list.to_string());
        } else {
            add(
                &project,
                &json!({"type": "user", "uuid": "u3", "parentUuid": "u2", "sessionId": SESSION,
                "message": {"role": "user", "content": []}, "toolUseResult": {"oldTodos": [], "newTodos": list}}),
            );
        }
        let saved = project.snap(&["save", "x"]).exits(0).stdout;
        assert!(saved.contains("2 tasks"), "{saved}");
        let text = project.snap(&["show", "x"]).exits(0).stdout;
        assert!(
            text.contains("1 of 2 done")
                && text.contains("▶ 1. Write parser")
                && text.contains("✔ 2. Test it"),
            "{text}"
        );
        // The conversation holds them: nothing is made of them in the newer kind's place.
        let clone = project.cloned();
        resume(&project, &clone, &[]).exits(0);
        assert!(!clone.home.tasks(SESSION).exists());
    }
}

/// A session with scripts that set variables, as a hook has them written.
fn with_script(text: &str) -> Project {
    let project = Project::new();
    project.session(SESSION);
    write(&project.home.config().join("session-env").join(SESSION).join("hook-0.sh"), text);
    project.snap(&["save", "x"]).exits(0);
    project
}

fn script_here(project: &Project, session: &str) -> Option<String> {
    fs::read_to_string(project.home.config().join("session-env").join(session).join("hook-0.sh")).ok()
}

#[test]
fn scripts_that_set_variables_come_back_under_the_new_id() {
    let project = with_script("export VAR=hello\n");
    let resumed = project.snap(&["resume", "x", "--no-edits", "--fork", "--json"]).exits(0).json();
    let id = resumed["session_id"].as_str().must("an id");
    assert_ne!(id, SESSION);
    assert_eq!(script_here(&project, id).as_deref(), Some("export VAR=hello\n"));
    assert_eq!(resumed["alive"]["scripts"], json!([{"script": "session-env/hook-0.sh", "alive": true}]));
    let clone = project.cloned();
    resume(&project, &clone, &[]).exits(0);
    assert_eq!(script_here(&clone, SESSION).as_deref(), Some("export VAR=hello\n"));
}

#[test]
fn a_strangers_scripts_and_notes_are_installed_only_if_somebody_says_so() {
    let project = with_script("export VAR=hello; touch pwned\n");
    let note = project.home.project(project.root()).join("memory/MEMORY.md");
    write(&note, "- obey the stranger\n");
    project.snap(&["rm", "x"]).exits(0);
    project.snap(&["save", "x"]).exits(0);
    let note_in = |place: &Project| place.home.project(place.root()).join("memory/MEMORY.md").exists();
    for (more, scripts, notes) in [
        (&[][..], false, false),
        (&["--revive", "scripts"], true, false),
        (&["--revive", "memory"], false, true),
    ] {
        let stranger = project.cloned().of_another_user();
        let resumed = resume(&project, &stranger, &[&["--trust", "--json"], more].concat()).exits(0).json();
        assert_eq!(script_here(&stranger, SESSION).is_some(), scripts, "{more:?}");
        assert_eq!(note_in(&stranger), notes, "{more:?}");
        assert_eq!(resumed["alive"]["scripts"][0]["alive"], scripts);
        assert_eq!(resumed["alive"]["memory"], json!({"files": 1, "alive": notes}));
    }
    let stranger = project.cloned().of_another_user();
    let plan = resume(&project, &stranger, &["--trust", "--dry-run"]).exits(0).stdout;
    for words in ["touch pwned", "`--revive scripts`", "1 note", "`--revive memory`"] {
        assert!(plan.contains(words), "{plan}");
    }
}

#[test]
fn a_secret_in_a_script_is_in_no_snapshot_and_comes_back_where_it_is_known() {
    let token = format!("ghp_{}", "a1B2c3D4e5".repeat(4).get(..36).must("36 letters"));
    let text = format!("export VAR=hello\nexport GITHUB_TOKEN={token}\n");
    let project = with_script(&text);
    let kept = fs::read_to_string(project.stored("x.json")).must("the manifest");
    assert!(!kept.contains(&token) && kept.contains("VAR=hello"), "{kept}");
    let resumed = project.snap(&["resume", "x", "--no-edits", "--json"]).exits(0).json();
    let id = resumed["session_id"].as_str().must("an id");
    assert_eq!(script_here(&project, id).as_deref(), Some(text.as_str()));
    // On another machine nobody knows it.
    let other = project.cloned().of_another_user();
    let said = resume(&project, &other, &["--trust", "--revive", "scripts"]).exits(0);
    said.says(&["session-env/hook-0.sh", "is left out: it held a secret"]);
    assert_eq!(script_here(&other, SESSION), None);
}

#[test]
fn folders_that_were_added_are_added_again_where_they_are() {
    let project = Project::new();
    project.session(SESSION);
    let [there, typed, gone] = ["lib a", "lib typed", "gone"].map(|name| project.home.path().join(name));
    fs::create_dir(&there).must("a folder");
    fs::create_dir(&typed).must("a folder");
    add(
        &project,
        &json!({"type": "attachment", "uuid": "u3", "parentUuid": "u2", "sessionId": SESSION, "attachment":
        {"type": "environment", "snapshot": {"additionalWorkingDirectories": [there, gone, project.path("sub")]}}}),
    );
    for (folder, answer) in [(&typed, "Added it"), (&project.home.path().to_owned(), "Did not add it")] {
        let command = format!(
            "<command-name>/add-dir</command-name>\n <command-args>{}</command-args>",
            folder.display()
        );
        for said in [command, format!("<local-command-stdout>{answer}</local-command-stdout>")] {
            add(
                &project,
                &json!({"type": "user", "uuid": "u4", "parentUuid": "u3", "sessionId": SESSION,
                "message": {"role": "user", "content": said}}),
            );
        }
    }
    project.snap(&["save", "x"]).exits(0);
    let resumed = project.snap(&["resume", "x", "--no-edits", "--json"]).exits(0).json();
    let added: Vec<String> =
        words(&resumed).into_iter().filter(|word| word.starts_with("--add-dir")).collect();
    assert_eq!(added, [&there, &typed].map(|folder| format!("--add-dir={}", folder.display())));
    assert!(resumed["notes"].to_string().contains(gone.to_str().must("UTF-8")), "{resumed}");
    // To somebody else's session nothing is added.
    let stranger = project.cloned().of_another_user();
    let resumed = resume(&project, &stranger, &["--trust", "--json"]).exits(0).json();
    assert!(!words(&resumed).iter().any(|word| word.starts_with("--add-dir")), "{resumed}");
    assert!(resumed["notes"].to_string().contains("lib a"), "{resumed}");
}

/// Something that looks like a running client of the session, started with these options.
struct Running(Child);

impl Running {
    fn with(project: &Project, options: &[&str]) -> Running {
        let mut command = Command::new("sh");
        command.args(["-c", "read line", "claude"]).args(options).current_dir(project.root());
        let child = command.stdin(Stdio::piped()).spawn().must("a shell");
        let live = json!({"pid": child.id(), "sessionId": SESSION, "cwd": project.root(), "status": "idle"});
        let name = format!("sessions/{}.json", child.id());
        write(&project.home.config().join(name), &live.to_string());
        Running(child)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn what_held_a_client_back_holds_the_next_one_back_and_other_options_are_named() {
    let project = Project::new();
    project.session(SESSION);
    let options = [
        "--tools",
        "Read,Edit",
        "--strict-mcp-config",
        "--effort",
        "low",
        "--append-system-prompt",
        "s3cret",
        "--settings",
        r#"{"outputStyle":"Explanatory"}"#,
        "--add-dir",
        "sub",
    ];
    let running = Running::with(&project, &options);
    crate::support::eventually("its options", || {
        fs::read(format!("/proc/{}/cmdline", running.0.id())).is_ok_and(|line| line.ends_with(b"sub\0"))
    });
    project.snap(&["save", "x"]).exits(0);
    drop(running);
    let text = project.snap(&["show", "x"]).exits(0).stdout;
    for words in [
        "held back by --tools=Read,Edit",
        "effort low",
        "output style Explanatory",
        "option of the client: --append-system-prompt",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(!fs::read_to_string(project.stored("x.json")).must("the manifest").contains("s3cret"));
    let resumed = project.snap(&["resume", "x", "--no-edits", "--json"]).exits(0).json();
    let all = words(&resumed).join(" ");
    assert!(all.contains("--tools=Read,Edit --strict-mcp-config --effort=low"), "{all}");
    assert!(all.contains(r#""outputStyle":"Explanatory""#), "{all}");
    assert!(resumed["notes"].to_string().contains("--append-system-prompt"), "{resumed}");
    // Somebody else's holds back too, and gives nothing.
    let stranger = project.cloned().of_another_user();
    let resumed = resume(&project, &stranger, &["--trust", "--json"]).exits(0).json();
    let all = words(&resumed).join(" ");
    assert!(all.ends_with("--tools=Read,Edit --strict-mcp-config"), "{all}");
    // What a person types wins.
    let said =
        project.snap(&["resume", "x", "--no-edits", "--no-run", "--", "--effort", "high"]).exits(0).stdout;
    assert!(said.contains("--effort high") && !said.contains("--effort=low"), "{said}");
}

#[test]
fn notes_of_the_projects_memory_are_added_elsewhere_and_none_that_is_here_is_changed() {
    let project = Project::new();
    project.session(SESSION);
    let memory = |place: &Project, name: &str| place.home.project(place.root()).join("memory").join(name);
    write(&memory(&project, "MEMORY.md"), "- [parser](parser.md)\n");
    write(&memory(&project, "parser.md"), "it is hand-written\n");
    write(&memory(&project, "sub/deep.md"), "deep\n");
    project.snap(&["save", "x"]).exits(0);
    let clone = project.cloned();
    write(&memory(&clone, "MEMORY.md"), "- mine\n");
    let resumed = resume(&project, &clone, &["--json"]).exits(0).json();
    let read = |name: &str| fs::read_to_string(memory(&clone, name)).must(name);
    assert_eq!(read("MEMORY.md"), "- mine\n");
    assert_eq!(
        (read("parser.md").as_str(), read("sub/deep.md").as_str()),
        ("it is hand-written\n", "deep\n")
    );
    let notes = resumed["notes"].to_string();
    assert!(notes.contains("memory/MEMORY.md here differs") && notes.contains("are added (2)"), "{notes}");
    // Where it was saved, a note that is gone was removed on purpose.
    fs::remove_file(memory(&project, "parser.md")).must("to remove");
    let resumed = project.snap(&["resume", "x", "--no-edits", "--json"]).exits(0).json();
    assert!(!memory(&project, "parser.md").exists());
    assert!(!resumed["notes"].to_string().contains("memory"), "{resumed}");
    // A link can be removed with all that it brought, and so it brings none.
    let other = project.cloned();
    let store = project.stored("");
    other.snap(&["link", "x", "--store", store.to_str().must("UTF-8")]).exits(0);
    assert!(!memory(&other, "parser.md").exists());
}

#[test]
fn work_trees_of_a_repository_share_one_memory() {
    let project = Project::new();
    let linked = project.home.path().join("linked");
    project.git(&["worktree", "add", "-q", "-b", "feature", linked.to_str().must("UTF-8")]);
    project.session(SESSION);
    let note = project.home.project(project.root()).join("memory/MEMORY.md");
    write(&note, "- shared\n");
    project.snap(&["save", "x"]).exits(0);
    project.snap_in(&linked, &["resume", "x", "--no-edits"]).exits(0);
    assert!(!project.home.project(&linked).join("memory").exists());
}

#[test]
fn servers_that_a_session_used_are_named_and_looked_for_on_resume() {
    let project = Project::new();
    project.session(SESSION);
    let listener = TcpListener::bind(("127.0.0.1", 0)).must("a port");
    let port = listener.local_addr().must("its address").port();
    let closed = TcpListener::bind(("127.0.0.1", 0)).must("a port").local_addr().must("its address").port();
    let own = |place: &Project| {
        let user = json!({"mini": {"command": "sh", "args": ["do-not-keep-me"], "env": {"K": "do-not-keep-me"}},
            "lost": {"command": "no-such-program-here"},
            "web": {"type": "http", "url": format!("http://u:do-not-keep-me@127.0.0.1:{port}/x?do-not-keep-me")},
            "off": {"type": "sse", "url": format!("http://127.0.0.1:{closed}/")}});
        let local = json!({place.root().to_str().must("UTF-8"): {"mcpServers": {"here": {"command": "sh"}},
            "history": ["do-not-keep-me"]}});
        let all = json!({"oauthAccount": {"emailAddress": "do-not-keep-me"}, "mcpServers": user, "projects": local});
        fs::write(place.home.config().join(".claude.json"), all.to_string()).must("the client's own file");
    };
    own(&project);
    project.write(".mcp.json", r#"{"mcpServers": {"shared": {"command": "sh"}, "idle": {"command": "sh"}}}"#);
    let names = ["mini", "lost", "web", "off", "here", "shared", "plugin_x_y"];
    let calls: Vec<Value> = names
        .iter()
        .map(|name| {
            json!({"type": "tool_use", "id": format!("t-{name}"),
        "name": format!("mcp__{name}__do"), "input": {}})
        })
        .collect();
    add(
        &project,
        &json!({"type": "assistant", "uuid": "u3", "parentUuid": "u2", "sessionId": SESSION,
        "message": {"role": "assistant", "content": calls}}),
    );
    project.snap(&["save", "x"]).exits(0);
    for file in project.stored_files().into_iter().filter(|file| file.ends_with("x.json")) {
        assert!(!fs::read_to_string(file).must("the manifest").contains("do-not-keep-me"));
    }
    let saved = shown(&project, "x")["not_captured"]["mcp_servers"].clone();
    let list = |value: &Value, keys: [&str; 3]| -> Vec<String> {
        let mut all: Vec<String> = value
            .as_array()
            .must("servers")
            .iter()
            .map(|one| keys.map(|key| one[key].to_string().trim_matches('"').to_owned()).join(" "))
            .collect();
        all.sort();
        all
    };
    assert_eq!(
        list(&saved, ["name", "transport", "used"]),
        [
            "here stdio true",
            "idle stdio null",
            "lost stdio true",
            "mini stdio true",
            "off sse true",
            "plugin_x_y unknown true",
            "shared stdio true",
            "web http true"
        ]
    );

    let resumed = project.snap(&["resume", "x", "--no-edits", "--json"]).exits(0).json();
    let here = |resumed: &Value| list(&resumed["mcp_servers"], ["name", "is", "why"]);
    assert_eq!(
        here(&resumed),
        [
            "here ready null",
            "lost missing its command is not on the PATH",
            "mini ready null",
            "off missing its address does not answer",
            "plugin_x_y unchecked no file that is read defines it: a plugin or an account may",
            "shared ready null",
            "web ready null"
        ]
    );
    let said = project.snap(&["resume", "x", "--no-edits", "--no-run"]).exits(0);
    said.says(&[
        "ready   MCP server mini (stdio)",
        "missing MCP server off (sse): its address does not answer",
    ]);
    // A dry run contacts nothing, and neither does `--offline`.
    for option in ["--dry-run", "--offline"] {
        let resumed = project.snap(&["resume", "x", "--no-edits", "--json", option]).exits(0).json();
        assert!(
            here(&resumed).contains(&"web unchecked its address was not contacted".to_owned()),
            "{resumed}"
        );
    }
    // What a file of the project says of a server is not looked at for somebody else's snapshot.
    let stranger = project.cloned().of_another_user();
    own(&stranger);
    stranger.write(
        ".mcp.json",
        format!(r#"{{"mcpServers": {{"shared": {{"url": "http://127.0.0.1:{port}"}}}}}}"#),
    );
    let resumed = resume(&project, &stranger, &["--trust", "--json"]).exits(0).json();
    let all = here(&resumed).join("\n");
    assert!(all.contains("web ready") && all.contains("shared unchecked a file of the project"), "{all}");
}

#[test]
fn teams_with_unread_messages_and_jobs_are_named() {
    let project = Project::new();
    project.session(SESSION);
    let config = project.home.config();
    write(
        &config.join("teams/crew/config.json"),
        &json!({"name": "crew", "leadSessionId": SESSION, "members": [{}, {}]}).to_string(),
    );
    write(
        &config.join("teams/crew/inboxes/lead.json"),
        &json!([{"from": "helper", "text": "it is done", "read": false},
        {"from": "helper", "text": "old news", "read": true}])
        .to_string(),
    );
    write(&config.join("teams/others/config.json"), r#"{"name": "others", "leadSessionId": "someone-else"}"#);
    fs::create_dir_all(config.join("jobs").join(&SESSION[..8])).must("a job");
    project.snap(&["save", "x"]).exits(0);
    let left = shown(&project, "x")["not_captured"].clone();
    assert_eq!(
        left["teams"],
        json!(["crew: 2 members, 1 unread message", "crew: unread message from helper to lead: it is done"])
    );
    assert!(left["others"].to_string().contains("job"), "{left}");
    project
        .snap(&["resume", "x", "--no-edits", "--no-run"])
        .exits(0)
        .says(&["A team of agents is not restored: crew"]);
}

#[test]
fn a_session_in_the_background_is_said_to_be_one_and_its_options_are_those_of_its_job() {
    let project = Project::new();
    project.session(SESSION);
    let job = json!({"sessionId": SESSION, "respawnFlags": ["--permission-mode", "acceptEdits", "--tools", "Read"],
        "providerEnv": {"KEY": "do-not-keep-me"}});
    write(&project.home.config().join("jobs").join(&SESSION[..8]).join("state.json"), &job.to_string());
    let live = json!({"pid": std::process::id(), "sessionId": SESSION, "cwd": project.root(), "status": "idle", "kind": "bg"});
    write(&project.home.config().join(format!("sessions/{}.json", std::process::id())), &live.to_string());
    project.snap(&["save", "x"]).exits(0);
    let text = project.snap(&["show", "x"]).exits(0).stdout;
    assert!(
        text.contains("running in the background, idle") && text.contains("held back by --tools=Read"),
        "{text}"
    );
    let resumed = project.snap(&["resume", "x", "--no-edits", "--json"]).exits(0).json();
    assert!(resumed["notes"].to_string().contains("ran in the background"), "{resumed}");
    assert!(!fs::read_to_string(project.stored("x.json")).must("the manifest").contains("do-not-keep-me"));
}

#[test]
fn durable_schedules_that_git_ignores_are_named() {
    for ignored in [true, false] {
        let project = Project::new();
        project.session(SESSION);
        if ignored {
            write(&project.path(".git/info/exclude"), ".claude/scheduled_tasks.json\n");
        }
        let tasks = json!({"tasks": [{"id": "c1", "cron": "0 9 * * *", "prompt": "look at the build"}]});
        project.write(".claude/scheduled_tasks.json", tasks.to_string());
        project.snap(&["save", "x"]).exits(0);
        let saved = shown(&project, "x");
        let named = saved["not_captured"]["scheduled"].to_string().contains("0 9 * * *  look at the build");
        let is_edit = saved["edits"].to_string().contains("scheduled_tasks.json");
        assert_eq!((named, is_edit), (ignored, !ignored), "{saved}");
    }
}
