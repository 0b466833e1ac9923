//! Permission grants: which come back, where, only when chosen, and that nothing else ever does.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::real_client::{answering_on_terminal, on_terminal};
use crate::support::Must;
use crate::support::api::{Reply, Speaker, StandIn, Turn};
use crate::support::client::Client;
use crate::support::project::{Project, Ran};

with_both_clients! {
    a_tool_that_was_granted_runs_without_a_question_after_a_hand_off
}

const ID: &str = "c137e379-838e-4509-8148-16b407691758";

/// Runs `python3 -c …`, which no mode allows by itself.
fn script(turn: &Turn) -> Reply {
    match &turn.request.speaker {
        Speaker::Main => turn.play(vec![
            Reply::tool("Bash", json!({"command": turn.prompt, "description": "as asked"})),
            Reply::text("did it"),
        ]),
        _ => Reply::text("fine"),
    }
}

/// A session in which a person allowed this command for the session.
fn session_with_grant(project: &Project, command: &str) {
    let transcript = project.session(ID);
    let call = json!({"type": "assistant", "uuid": "g1", "parentUuid": "u2", "sessionId": ID, "message": {"role": "assistant",
        "content": [{"type": "tool_use", "id": "t9", "name": "Bash", "input": {"command": command}}]}});
    let result = json!({"type": "user", "uuid": "g2", "parentUuid": "g1", "sessionId": ID,
        "message": {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t9", "content": "ok"}]},
        "permissionDecision": {"decision": "accept", "source": "user_temporary", "grantScope": "session"}});
    project.append(&transcript, format!("{call}\n{result}\n").as_bytes());
}

/// A project with settings of every kind, a grant of the session, and a snapshot of it.
fn saved() -> Project {
    let project = Project::new();
    project.write(".gitignore", ".claude/\n");
    project.git(&["add", ".gitignore"]);
    project.git(&["commit", "-qm", "ignore"]);
    project.write(
        ".claude/settings.local.json",
        json!({
            "permissions": {
                "allow": ["Bash(npm test)", "Bash(python3 *)", format!("Edit(/{}/sub/**)", project.root().display()), "Read(//etc/**)"],
                "ask": ["Bash(git push *)"],
                "deny": ["Read(.env)"],
                "defaultMode": "bypassPermissions",
                "additionalDirectories": ["/etc"],
            },
            "env": {"DO_NOT_RESTORE": "1"},
            "hooks": {"Stop": [{"hooks": [{"type": "command", "command": "do-not-restore"}]}]},
            "enableAllProjectMcpServers": true,
        })
        .to_string(),
    );
    session_with_grant(&project, "touch x");
    project.snap(&["save", "x"]).exits(0);
    project
}

fn resume(from: &Project, here: &Project, more: &[&str]) -> Ran {
    let store = from.stored("");
    let arguments = ["resume", "x", "--no-run", "--store", store.to_str().must("UTF-8")];
    here.snap(&[&arguments, more].concat())
}

fn words(value: &Value) -> Vec<&str> {
    value.as_array().must("a list").iter().filter_map(Value::as_str).collect()
}

#[test]
fn all_that_is_missing_comes_back_in_its_place_and_can_be_undone() {
    let project = saved();
    let clone = project.cloned();
    let theirs = "{\n  \"permissions\": {\n    \"allow\": [\"Bash(npm test)\"]\n  },\n  \"theirs\": 1\n}\n";
    clone.write(".claude/settings.local.json", theirs);
    let resumed = resume(&project, &clone, &["--grants", "all", "--json"]).exits(0).json();
    let command = words(&resumed["resume"]["command"]);
    assert_eq!(
        command[3..],
        ["--permission-mode", "acceptEdits", "--settings", r#"{"permissions":{"allow":["Bash(touch x)"]}}"#]
    );
    let settings: Value = serde_json::from_slice(&clone.read(".claude/settings.local.json")).must("JSON");
    let sub = format!("Edit(/{}/sub/**)", clone.root().display());
    assert_eq!(
        settings,
        json!({
            "permissions": {
                "allow": ["Bash(npm test)", "Bash(python3 *)", sub],
                "ask": ["Bash(git push *)"],
                "deny": ["Read(.env)"],
            },
            "theirs": 1,
        }),
        "rules and nothing else"
    );
    let rules = resumed["grants"]["rules"].as_array().must("rules");
    let python = rules.iter().find(|rule| rule["rule"] == "Bash(python3 *)").must("the rule");
    assert_eq!((&python["class"], &python["granted"]), (&json!("anything"), &json!(true)));
    assert!(words(&resumed["grants"]["notes"])[0].contains("Read(//etc/**) points outside"));
    clone.snap(&["undo", "--store", project.stored("").to_str().must("UTF-8")]).exits(0);
    assert_eq!(clone.read(".claude/settings.local.json"), theirs.as_bytes());
}

#[test]
fn without_a_terminal_nothing_is_granted_unless_it_is_said() {
    let project = saved();
    let clone = project.cloned();
    let said = resume(&project, &clone, &[])
        .exits(0)
        .says(&["6 grants that held there are missing here", "`--grants review`"]);
    assert!(said.stdout.contains("--permission-mode acceptEdits") && !said.stdout.contains("--settings"));
    assert!(!clone.path(".claude/settings.local.json").exists());
    resume(&project, &clone, &["--grants", "review"]).exits(2).says(&["Cannot ask", "`--grants all`"]);
    assert!(!clone.path(".claude/settings.local.json").exists());
    // `--no-input` answers the question: what equals running anything has to be named.
    let resumed = resume(&project, &clone, &["--grants", "review", "--no-input", "--json"]).exits(0).json();
    let granted = |rule: &Value| rule["granted"] == json!(true);
    let rules = resumed["grants"]["rules"].as_array().must("rules");
    for rule in rules {
        assert_eq!(granted(rule), rule["class"] != "anything" || rule["kind"] == "ask", "{rule}");
    }
    // What is granted by now is not offered again; files alone grant nothing.
    let dry = resume(&project, &clone, &["--grants", "all", "--dry-run"]).exits(0);
    assert!(
        dry.stdout.contains("Bash(python3 *)") && !dry.stdout.contains("Bash(npm test)"),
        "{}",
        dry.stdout
    );
    let files = resume(&project, &clone, &["--no-session"]).exits(0);
    assert!(!files.stderr.contains("grant"), "{}", files.stderr);
}

#[test]
fn on_a_terminal_each_is_shown_whole_with_its_class_and_asked_for() {
    let project = saved();
    let long = format!("Bash(echo {})", "x".repeat(300));
    let settings = json!({"permissions": {"allow": [long, "Bash(ls *)", "Bash(broken"]}});
    project.write(".claude/settings.json", settings.to_string());
    project.snap(&["save", "y"]).exits(0);
    let granted = |answer: &str| {
        let clone = project.cloned();
        let store = project.stored("");
        let arguments = ["resume", "y", "--no-run", "--store", store.to_str().must("UTF-8")];
        let said =
            answering_on_terminal(clone.command(clone.root(), &arguments).env("NO_COLOR", "1"), answer);
        let path = clone.path(".claude/settings.local.json");
        let settings: Value =
            fs::read(path).map_or(Value::Null, |bytes| serde_json::from_slice(&bytes).must("JSON"));
        (said, settings["permissions"]["allow"].clone())
    };
    let (said, none) = granted("\n");
    for line in [
        "1  session Bash(touch x)  [one exact command]  this session",
        &format!("allow   {long}  [one exact command]  .claude/settings.json"),
        "allow   Bash(ls *)  [a prefix]",
        "allow   Bash(broken  [equals running anything: it can't be read as a rule]",
        "allow   Bash(python3 *)  [equals running anything: free arguments",
        "ask     Bash(git push *)  [a restriction]",
    ] {
        assert!(said.contains(line), "{line:?} is not in:\n{said}");
    }
    assert_eq!(none, Value::Null);
    let (said, some) = granted("what\n3\n");
    assert!(said.contains("Please answer y, or numbers"), "{said}");
    assert_eq!(some, json!(["Bash(ls *)"]));
    assert!(!granted("y\n").1.to_string().contains("python3"));
}

#[test]
fn somebody_elses_snapshot_grants_nothing_that_equals_running_anything() {
    let project = saved();
    let clone = project.cloned().of_another_user();
    let said = resume(&project, &clone, &["--trust"]).exits(0).says(&["it is not restored"]);
    assert!(!said.stdout.contains("--permission-mode"), "{}", said.stdout);
    let resumed = resume(&project, &clone, &["--trust", "--grants", "all", "--json"]).exits(0).json();
    let notes = words(&resumed["grants"]["notes"]).join("\n");
    assert!(notes.contains("Refused") && notes.contains("1 rule that would allow any command"), "{notes}");
    let settings: Value = serde_json::from_slice(&clone.read(".claude/settings.local.json")).must("JSON");
    let allow = settings["permissions"]["allow"].to_string();
    assert!(allow.contains("npm test") && !allow.contains("python3"), "{allow}");
    assert!(!resumed["resume"]["command"].to_string().contains("acceptEdits"));
}

#[test]
fn outside_git_rules_are_written_and_it_is_said_that_they_stay() {
    let project = Project::empty();
    project.write(".claude/settings.local.json", r#"{"permissions":{"allow":["Bash(npm test)"]}}"#);
    project.session(ID);
    project.snap(&["save", "x"]).exits(0);
    fs::remove_file(project.path(".claude/settings.local.json")).must("to remove it");
    project.snap(&["resume", "x", "--no-run", "--grants", "all"]).exits(0).says(&["can't undo that"]);
    let settings: Value = serde_json::from_slice(&project.read(".claude/settings.local.json")).must("JSON");
    assert_eq!(settings["permissions"]["allow"], json!(["Bash(npm test)"]));
}

#[test]
fn a_mode_that_asks_nothing_is_never_passed_on_and_a_persons_own_wins() {
    let project = Project::new();
    let transcript = project.session(ID);
    let own = project.snap(&["save", "x"]).exits(0);
    assert_eq!(own.code, 0);
    let said = project.snap(&["resume", "x", "--no-run", "--", "--permission-mode", "plan"]).exits(0);
    assert_eq!(said.stdout.matches("--permission-mode").count(), 1, "{}", said.stdout);
    let record = json!({"type": "permission-mode", "permissionMode": "bypassPermissions", "sessionId": ID});
    project.append(&transcript, format!("{record}\n").as_bytes());
    project.snap(&["save", "y"]).exits(0);
    let said = project.snap(&["resume", "y", "--no-run"]).exits(0).says(&["is never restored"]);
    assert!(!said.stdout.contains("bypass") && !said.stdout.contains("--permission-mode"), "{}", said.stdout);
}

#[test]
fn settings_that_can_not_be_changed_stop_everything_before_it_began() {
    let project = saved();
    let clone = project.cloned();
    clone.write(".claude/settings.local.json", "{\"permissions\": [],}");
    project.write("a.txt", "edited\n");
    project.snap(&["save", "z"]).exits(0);
    let store = project.stored("");
    let store = store.to_str().must("UTF-8");
    clone.snap(&["resume", "z", "--grants", "all", "--store", store]).exits(3).says(&["Cannot change "]);
    assert_eq!(clone.read("a.txt"), b"one\ntwo\nthree\n");
    assert!(!clone.home.project(clone.root()).exists(), "no session was installed");
    let elsewhere = clone.home.path().join("elsewhere.json");
    fs::write(&elsewhere, "{}").must("a file");
    fs::remove_file(clone.path(".claude/settings.local.json")).must("to remove it");
    std::os::unix::fs::symlink(&elsewhere, clone.path(".claude/settings.local.json")).must("a link");
    clone
        .snap(&["resume", "z", "--grants", "all", "--store", store])
        .exits(3)
        .says(&["not a plain text file"]);
    assert_eq!(fs::read(&elsewhere).must("the file"), b"{}");
}

#[test]
fn rules_are_added_to_every_settings_file_that_the_client_reads_and_all_else_of_it_stays() {
    let project = saved();
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    for (odd, content) in [
        ("a mark", "\u{feff}{\"a\":1}\n".to_owned()),
        ("a mark and rules", "\u{feff}{\n  \"permissions\": {\n    \"allow\": []\n  }\n}\n".to_owned()),
        ("a large number", "{\"n\":1e999,\"permissions\":{\"allow\":[\"Bash(npm test)\",1e999]}}".to_owned()),
        ("deep lists", format!("{{\"a\":{deep}}}")),
        ("half a surrogate", "{\"a\":\"\\ud800\",\"\\ud800\":2}".to_owned()),
    ] {
        let clone = project.cloned();
        clone.write(".claude/settings.local.json", &content);
        resume(&project, &clone, &["--grants", "all"]).exits(0);
        let text = String::from_utf8(clone.read(".claude/settings.local.json")).must("UTF-8");
        assert_eq!(text.matches("Bash(python3 *)").count(), 1, "{odd}: {text}");
        assert_eq!(
            text.matches("Bash(npm test)").count(),
            1,
            "{odd}: a rule that is here is not added: {text}"
        );
        assert_eq!(text.starts_with('\u{feff}'), content.starts_with('\u{feff}'), "{odd}: {text}");
        for kept in ["1e999", deep.as_str(), "\\ud800"] {
            assert_eq!(text.contains(kept), content.contains(kept), "{odd}: {text}");
        }
        clone.snap(&["undo", "--store", project.stored("").to_str().must("UTF-8")]).exits(0);
        assert_eq!(
            clone.read(".claude/settings.local.json"),
            content.as_bytes(),
            "{odd}: every byte is back"
        );
    }
    let clone = project.cloned();
    clone.write(".claude/settings.local.json", "// x\n{}\n");
    let said = resume(&project, &clone, &["--grants", "all"])
        .exits(3)
        .says(&["Cannot change ", "add `--grants none`"]);
    assert!(!said.stderr.contains("client can't read"), "nobody asked the client: {}", said.stderr);
}

#[test]
fn a_session_without_grants_is_resumed_without_a_question() {
    let project = Project::new();
    project.session(ID);
    project.snap(&["save", "x"]).exits(0);
    let said = on_terminal(&mut project.command(project.root(), &["resume", "x", "--no-run"]));
    assert!(!said.contains("Grant"), "{said}");
}

fn a_tool_that_was_granted_runs_without_a_question_after_a_hand_off(client: &Client) {
    let project = Project::new();
    let api = StandIn::start(script);
    let prompts = [r#"python3 -c "print(1, 2)""#, "python3 -c 'print(3)'"];
    let denials = |project: &Project, cwd: &Path, args: &[&str], prompt: &str| {
        let done = client.print(&project.home, cwd, &api, args, prompt).succeeded();
        (done.session_id, done.json["permission_denials"].as_array().map_or(0, Vec::len))
    };
    let (session, refused) = denials(&project, project.root(), &["--permission-mode", "default"], prompts[0]);
    assert_eq!(refused, 1, "without a grant the client asks");
    // Two grants of a person: one for the project, one for the session.
    project.write(".gitignore", ".claude/\n");
    let rule = json!({"permissions": {"allow": ["Bash(python3 -c 'print\\(3\\)')"]}});
    project.write(".claude/settings.local.json", rule.to_string());
    let transcript = project.home.project(project.root()).join(format!("{session}.jsonl"));
    let text = fs::read_to_string(&transcript).must("the transcript");
    let granted: String = text
        .lines()
        .map(|line| {
            let mut record: Value = serde_json::from_str(line).must("a record");
            if record.to_string().contains("tool_use_id") {
                record["permissionDecision"] =
                    json!({"decision": "accept", "source": "user_temporary", "grantScope": "session"});
            }
            format!("{record}\n")
        })
        .collect();
    fs::write(&transcript, granted).must("to write the transcript");
    project.snap(&["save", "x"]).exits(0);

    let clone = project.cloned();
    for (choice, wanted) in [("none", 1), ("all", 0)] {
        let resumed = resume(&project, &clone, &["--grants", choice, "--json"]).exits(0).json();
        let command = words(&resumed["resume"]["command"]);
        assert!(command.contains(&"--permission-mode") && command.contains(&"default"), "{command:?}");
        for prompt in prompts {
            let (_, refused) = denials(&clone, clone.root(), &command[1..], prompt);
            assert_eq!(refused, wanted, "{choice}: {prompt}");
        }
    }
}

#[test]
fn rules_of_a_settings_file_that_comes_back_as_an_edit_are_no_question() {
    let project = Project::new();
    project.session(ID);
    let settings = r#"{"permissions":{"allow":["Bash(npm test)"],"deny":["Read(.env)"]}}"#;
    project.write(".claude/settings.local.json", settings);
    project.snap(&["save", "x"]).exits(0);
    fs::remove_file(project.path(".claude/settings.local.json")).must("to remove");
    // None is asked for: the answer could not keep them out.
    let mut command = project.command(project.root(), &["resume", "x", "--no-run", "--offline"]);
    let shown = on_terminal(&mut command);
    assert!(!shown.contains("Grant which?"), "{shown}");
    assert!(shown.contains("2 rules come with .claude/settings.local.json"), "{shown}");
    assert_eq!(project.read(".claude/settings.local.json"), settings.as_bytes());
    // Nor is it said that they are missing, or were granted.
    project.snap(&["undo"]).exits(0);
    let said = project.snap(&["resume", "x", "--no-run", "--grants", "all", "--offline"]).exits(0).stderr;
    assert!(!said.contains("Granted: ") && !said.contains("missing here"), "{said}");
    // Without the edits they are missing, and are asked for.
    project.snap(&["undo"]).exits(0);
    let said =
        project.snap(&["resume", "x", "--no-edits", "--dry-run", "--grants", "review"]).exits(0).stdout;
    assert!(said.contains("Grants that held there and are missing here"), "{said}");
}
