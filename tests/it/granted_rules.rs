//! A grant means what it says: whatever stands in it, the real client allows what was shown, and nothing else.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::Must;
use crate::support::api::{Reply, Speaker, StandIn, Turn};
use crate::support::client::Client;
use crate::support::project::{Project, Ran, ran};

with_the_newest_client! {
    every_granted_rule_allows_what_was_shown_and_nothing_else
    what_refused_in_the_sessions_own_run_refuses_in_the_next_one
}

const ID: &str = "c137e379-838e-4509-8148-16b407691758";

/// Commands that a person may have granted, and whether the client then runs them. (Of the others it asks again,
/// whatever rule there is.)
const GRANTED: [(&str, bool); 37] = [
    (r#"git commit -m "feat(api): Write docs for Bash users""#, true),
    ("touch a(b", true),
    (r#"touch "a)b""#, true),
    ("echo (x) , Bash , y", false),
    ("touch '(x) , Bash , y'", true),
    (r#"touch "a b" , Bash , Write"#, true),
    ("touch x) Bash (y", true),
    (r"touch \(x\)", true),
    (r#"touch "back\\slash""#, true),
    (r"touch trailing\", true),
    (r#"touch "q\"uote""#, true),
    (r"touch 'single'\''q'", true),
    ("touch a,b", true),
    ("touch a\ntouch b", true),
    ("touch a &&\n  touch \"b\"", true),
    ("touch {a,b}", true),
    ("touch [ab]", false),
    ("touch ünïcødé 日本 🎉", true),
    ("touch a:b", true),
    ("touch  double  blank", true),
    ("touch a\ttab", true),
    (r#"touch "$(echo x)""#, true),
    ("touch `echo x`", true),
    ("touch a; touch b", true),
    ("touch a | tee b", false),
    ("touch a > b 2>&1", false),
    (r#"touch "Bash""#, true),
    ("touch Bash()", false),
    (r#"touch --settings={"permissions":{"allow":["Bash"]}}"#, true),
    ("touch #comment", true),
    ("touch )", true),
    ("touch (", true),
    (r"touch \\\(", true),
    ("touch %s ! ~ ^", false),
    ("touch a?b", false),
    (r#"touch "$X" ${Y}"#, true),
    ("touch -- --allowedTools Bash", true),
];

/// Calls all the tools of the prompt, in one answer.
fn script(turn: &Turn) -> Reply {
    let commands: Option<Vec<String>> = serde_json::from_str(&turn.prompt).ok();
    match (&turn.request.speaker, commands) {
        (Speaker::Main, Some(commands)) => {
            let bash = |command: &String| match command.strip_prefix("WRITE ") {
                Some(file) => ("Write", json!({"file_path": file, "content": "x"})),
                None => ("Bash", json!({"command": command, "description": "as asked"})),
            };
            turn.play(vec![Reply::Tools(commands.iter().map(bash).collect()), Reply::text("did it")])
        }
        _ => Reply::text("fine"),
    }
}

/// A session in which a person granted these commands.
fn granted(project: &Project, commands: &[&str]) {
    let transcript = project.session(ID);
    let mut last = "u2".to_owned();
    let mut number = 0;
    let mut add = |kind: &str, message: Value, more: Value| {
        number += 1;
        let uuid = format!("00000000-0000-4000-8000-{number:012}");
        let mut record = json!({
            "type": kind, "uuid": uuid, "parentUuid": last, "sessionId": ID, "cwd": project.root(), "version": "2.1.329",
            "isSidechain": false, "userType": "external", "timestamp": "2026-11-21T01:20:35.028Z", "message": message,
        });
        record.as_object_mut().must("an object").extend(more.as_object().must("an object").clone());
        project.append(&transcript, format!("{record}\n").as_bytes());
        last = uuid;
    };
    for (count, command) in commands.iter().enumerate() {
        let call = format!("toolu_{count:012}");
        let content =
            json!([{"type": "tool_use", "id": call, "name": "Bash", "input": {"command": command}}]);
        add(
            "assistant",
            json!({"role": "assistant", "model": "claude-test-1", "content": content}),
            json!({}),
        );
        let content = json!([{"type": "tool_result", "tool_use_id": call, "content": "ok"}]);
        let decision = json!({"decision": "accept", "source": "user_temporary", "grantScope": "session"});
        add("user", json!({"role": "user", "content": content}), json!({"permissionDecision": decision}));
    }
    let record = json!({"type": "permission-mode", "permissionMode": "default", "sessionId": ID});
    project.append(&transcript, format!("{record}\n").as_bytes());
}

fn words(value: &Value) -> Vec<&str> {
    value.as_array().must("a list").iter().filter_map(Value::as_str).collect()
}

/// What the client refuses of these calls, in a run with these options.
fn refused(client: &Client, project: &Project, options: &[&str], calls: &[String]) -> Vec<String> {
    let api = StandIn::start(script);
    let prompt = json!(calls).to_string();
    let done = client.print(&project.home, project.root(), &api, options, &prompt).succeeded();
    let denials = done.json["permission_denials"].as_array().cloned().unwrap_or_default();
    let call = |denial: Value| match denial["tool_input"]["command"].as_str() {
        Some(command) => command.to_owned(),
        None => format!("WRITE {}", denial["tool_input"]["file_path"].as_str().unwrap_or_default()),
    };
    denials.into_iter().map(call).collect()
}

fn every_granted_rule_allows_what_was_shown_and_nothing_else(client: &Client) {
    let project = Project::new();
    let commands: Vec<&str> = GRANTED.iter().map(|(command, _)| *command).collect();
    granted(&project, &commands);
    project.snap(&["save", "x"]).exits(0);
    let shown =
        project.snap(&["resume", "x", "--no-run", "--grants", "all", "--dry-run", "--json"]).exits(0).json();
    let offered = shown["grants"]["rules"].as_array().must("rules").len();
    assert_eq!(offered, commands.len(), "each is offered");
    let resumed = project.snap(&["resume", "x", "--no-run", "--grants", "all", "--json"]).exits(0).json();
    let command = words(&resumed["resume"]["command"]);
    assert!(command.iter().all(|word| !word.starts_with("--allowedTools")), "{command:?}");
    let more =
        |command: &&str| [format!("{command} more"), format!("{command}; touch more"), format!("x{command}")];
    let mut calls: Vec<String> = commands.iter().map(|command| (*command).to_owned()).collect();
    let probes: Vec<String> = commands.iter().flat_map(more).collect();
    calls.extend(probes.iter().cloned());
    let others = ["touch other", "Bash", "python3 -c 'print(7)'", "y)", "touch"].map(str::to_owned);
    let write = format!("WRITE {}", project.path("pwned.txt").display());
    calls.extend(others.iter().cloned().chain([write.clone()]));
    let refused = refused(client, &project, &command[1..], &calls);
    for (command, runs) in GRANTED {
        let was = refused.iter().any(|one| one == command);
        // The older client runs a few more of what was granted.
        assert!(!was || !runs, "{command:?} was granted and is refused");
    }
    for probe in probes.iter().chain(&others).chain([&write]) {
        assert!(refused.contains(probe), "{probe:?} was not granted and runs");
    }
    assert!(!project.path("pwned.txt").exists());
}

#[test]
fn the_printed_command_passes_the_very_same_words() {
    let project = Project::new();
    let commands: Vec<&str> = GRANTED.iter().map(|(command, _)| *command).collect();
    granted(&project, &commands);
    project.snap(&["save", "x"]).exits(0);
    let arguments = ["resume", "x", "--no-run", "--grants", "all"];
    let Ran { stdout, .. } = project.snap(&arguments).exits(0);
    let bin = project.home.path().join("bin");
    fs::create_dir(&bin).must("a folder");
    fs::write(bin.join("claude"), "#!/bin/sh\nfor word; do printf '%s\\0' \"$word\"; done\n")
        .must("a program");
    fs::set_permissions(bin.join("claude"), fs::Permissions::from_mode(0o755)).must("its mode");
    let mut shell = Command::new("sh");
    shell
        .arg("-c")
        .arg(&stdout)
        .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
        .current_dir(project.root());
    let passed = ran(&mut shell).exits(0).stdout;
    let passed: Vec<&str> = passed.split_terminator('\0').collect();
    let settings = passed.iter().position(|word| *word == "--settings").must("settings");
    let settings: Value = serde_json::from_str(passed[settings + 1]).must("JSON");
    let allow = words(&settings["permissions"]["allow"]);
    assert_eq!(allow.len(), commands.len());
    let escaped = |command: &str| command.replace('\\', r"\\").replace('(', r"\(").replace(')', r"\)");
    for (rule, command) in allow.iter().zip(&commands) {
        assert_eq!(*rule, format!("Bash({})", escaped(command)));
    }
}

#[test]
fn what_can_not_be_passed_is_not_granted_and_said() {
    let project = Project::new();
    let long: Vec<String> = (0..40).map(|number| format!("echo {number} {}", "x".repeat(3_500))).collect();
    let commands: Vec<&str> = long.iter().map(String::as_str).chain(["touch \u{202e}x"]).collect();
    granted(&project, &commands);
    project.snap(&["save", "x"]).exits(0);
    let resumed = project.snap(&["resume", "x", "--no-run", "--grants", "all", "--json"]).exits(6).json();
    let rules = resumed["grants"]["rules"].as_array().must("rules");
    let granted = rules.iter().filter(|rule| rule["granted"] == json!(true)).count();
    let lost = words(&resumed["grants"]["lost"]);
    assert_eq!((rules.len(), granted + lost.len()), (41, 41));
    assert!(lost.iter().any(|lost| lost.contains("can't be read as a rule")), "{lost:?}");
    assert!(lost.iter().any(|lost| lost.contains("it does not fit on the command line")), "{lost:?}");
    let command = words(&resumed["resume"]["command"]);
    let settings: Value = serde_json::from_str(command[command.len() - 1]).must("JSON");
    assert_eq!(settings["permissions"]["allow"].as_array().map(Vec::len), Some(granted));
    project
        .snap(&["resume", "x", "--no-run", "--grants", "all"])
        .exits(6)
        .says(&["not granted: Bash(touch \\u{202e}x)", "it does not fit on the command line"]);
    // The client takes one `--settings`.
    let own = ["resume", "x", "--no-run", "--grants", "all", "--json", "--", "--settings", "mine.json"];
    let resumed = project.snap(&own).exits(6).json();
    assert_eq!(words(&resumed["grants"]["lost"]).len(), 41);
    assert_eq!(resumed["resume"]["command"].to_string().matches("--settings").count(), 1);
}

fn what_refused_in_the_sessions_own_run_refuses_in_the_next_one(client: &Client) {
    let project = Project::new();
    let gate = crate::support::api::Gate::new();
    let latch = gate.latch();
    let api = StandIn::start(move |turn| {
        latch.wait();
        Reply::text(&format!("answer to {}", turn.prompt))
    });
    let file = project.home.path().join("run.json");
    fs::write(
        &file,
        json!({"permissions": {"deny": ["Bash(touch file*)"], "ask": ["Bash(touch asked)"]}}).to_string(),
    )
    .must("a file");
    let options = [
        "--permission-mode",
        "default",
        "--disallowedTools",
        "Bash(touch (a b), Write",
        "Bash(touch no*)",
        "--settings",
        file.to_str().must("UTF-8"),
        "--allowedTools=Bash(touch *)",
    ];
    let running = client.spawn(&project.home, project.root(), &api, &options, "hello");
    let pid = running.pid();
    crate::support::eventually("the session is live", || project.home.live(pid).is_some());
    let session = project.home.live(pid).must("it lives")["sessionId"].as_str().must("an id").to_owned();
    let transcript = project.home.project(project.root()).join(format!("{session}.jsonl"));
    api.wait_for("its request", |requests| !requests.is_empty());
    let says = || fs::read_to_string(&transcript).is_ok_and(|text| text.contains("\"hello\""));
    if !client.is_oldest() {
        crate::support::eventually("what was asked is on the disk", says);
    } else if !says() {
        // 2.1.149 writes it with the first batch, which waits for the answer.
        fs::create_dir_all(transcript.parent().must("a folder")).must("the folder");
        let record = json!({"parentUuid": null, "isSidechain": false, "type": "user",
            "message": {"role": "user", "content": "hello"}, "uuid": "e68027ef-ffc7-449e-a6a4-6ee71ce92201",
            "timestamp": "2026-11-28T12:00:00.000Z", "permissionMode": "default", "userType": "external",
            "entrypoint": "sdk-cli", "cwd": project.root(), "sessionId": session, "version": client.version,
            "gitBranch": "main"});
        fs::write(&transcript, format!("{record}\n")).must("a transcript");
    }
    project.snap(&["save", "x"]).exits(0);
    gate.open();
    running.finish();
    let shown = project.snap(&["show", "x", "--json"]).exits(0).json();
    let rules = |list: &Value| -> Vec<String> {
        list.as_array()
            .into_iter()
            .flatten()
            .map(|rule| rule["rule"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    let launch = &shown["permissions"]["launch"];
    assert_eq!(
        rules(&launch["deny"]),
        ["Bash(touch (a b)", "Write", "Bash(touch no*)", "Bash(touch file*)"],
        "{launch}"
    );
    assert_eq!(
        (rules(&launch["ask"]), rules(&launch["allow"])),
        (vec!["Bash(touch asked)".to_owned()], vec!["Bash(touch *)".to_owned()])
    );
    for choice in ["none", "all"] {
        let said = project.snap(&["resume", "x", "--no-run", "--grants", choice]).exits(0);
        let said = said.says(&["deny    Write applies again in this launch (--disallowedTools)"]);
        assert!(said.stdout.contains("--settings"), "{}", said.stdout);
        let resumed =
            project.snap(&["resume", "x", "--no-run", "--grants", choice, "--json"]).exits(0).json();
        let command = words(&resumed["resume"]["command"]);
        let write = format!("WRITE {}", project.path("written.txt").display());
        let calls =
            ["touch yes", "touch nope", "touch file1", "touch asked", write.as_str()].map(str::to_owned);
        let refused = refused(client, &project, &command[1..], &calls);
        for call in &calls[1..] {
            // A tool that is not there at all is not denied either: it is not there.
            assert!(refused.contains(call) || !project.path("written.txt").exists(), "{choice}: {call} runs");
        }
        assert_eq!(refused.contains(&calls[0]), choice == "none", "{choice}: {refused:?}");
        assert!(!project.path("written.txt").exists() && !project.path("nope").exists(), "{choice}");
    }
}
