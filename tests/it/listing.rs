//! `snap list` and `snap show --talk`: what people see of their snapshots, on screens of any width and in pipes.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use regex::Regex;
use serde_json::{Value, json};

use crate::hooks::{ID, bin as bin_of, hook};
use crate::real_client::{answering_on_terminal, on_terminal};
use crate::support::golden::assert_same;
use crate::support::project::{Project, files_below, ran};
use crate::support::{Must, eventually};
use claude_snap::base::columns::wide;

/// Writes a conversation of these records for a session of the project.
fn conversation(project: &Project, id: &str, records: &[(&str, Value)]) {
    let cwd = project.root().to_str().must("UTF-8");
    let record = |number: usize, kind: &str, message: &Value| {
        json!({"type": kind, "uuid": format!("u{number}"), "cwd": cwd, "sessionId": id, "version": "2.1.332",
               "parentUuid": number.checked_sub(1).map(|before| format!("u{before}")),
               "timestamp": "2026-11-21T01:19:35.028Z", "message": message})
    };
    let lines = records.iter().enumerate();
    let lines: String =
        lines.map(|(number, (kind, message))| format!("{}\n", record(number, kind, message))).collect();
    let folder = project.home.project(project.root());
    fs::create_dir_all(&folder).must("a folder");
    fs::write(folder.join(format!("{id}.jsonl")), lines).must("a transcript");
}

fn asked(text: &str) -> (&'static str, Value) {
    ("user", json!({"role": "user", "content": text}))
}

fn answered(text: &str) -> (&'static str, Value) {
    (
        "assistant",
        json!({"role": "assistant", "model": "claude-test-1", "content": [{"type": "text", "text": text}]}),
    )
}

fn porting(project: &Project) {
    let call = |id: &str, tool: &str, input: Value| json!({"type": "tool_use", "id": id, "name": tool, "input": input});
    let result = |id: &str, text: &str, is_error: bool| {
        (
            "user",
            json!({"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": id, "content": text, "is_error": is_error}]}),
        )
    };
    conversation(
        project,
        ID,
        &[
            asked(
                "Port the api to the new client, and keep every test that we have.\nStart with the server.",
            ),
            (
                "assistant",
                json!({"role": "assistant", "model": "claude-test-1", "content": [
            {"type": "text", "text": "I look at the api first. It has three parts:\n\n- the client\n- the server\n- the protocol that both of them share, and that nobody has described until now, as far as I can see"},
            call("t1", "Bash", json!({"command": "cargo test --workspace --all-targets -- --nocapture"})),
            call("t2", "Read", json!({"file_path": "/src/api.rs"}))]}),
            ),
            result("t1", "a\nb\nc", false),
            result("t2", "no such file", true),
            answered("All ported; 12 tests pass."),
            asked("<command-name>/cost</command-name>"),
            asked("Now the docs"),
            answered("Done: docs/api.md."),
        ],
    );
}

/// A project with snapshots of all kinds: of hooks, with names of all lengths, and one made before a rewind.
fn with_snapshots() -> Project {
    loop {
        let project = Project::new();
        porting(&project);
        project.write("a.txt", "one\ntwo\n");
        project.snap(&["save"]).exits(0);
        for name in ["wip", "a quite long but honest name of the thing that is tried here"] {
            project.write("b.txt", name);
            project.snap(&["save", name]).exits(0);
        }
        project.write("c.txt", "new\n");
        project.snap(&["save", "step 1", "-m", "tests pass"]).exits(0);
        for number in 0..3 {
            project.write("auto.txt", format!("{number}\n"));
            let input = json!({"session_id": ID, "cwd": project.root(), "hook_event_name": "PreToolUse",
                               "tool_name": "Bash", "tool_input": {"command": "rm -rf sub"}});
            hook(&project, "PreToolUse", &input).exits(0);
        }
        project.write("c.txt", "newer\n");
        project.snap(&["save", "step 2"]).exits(0);
        project.snap(&["rewind", "wip", "--no-run", "--no-input"]).exits(0);
        // Ids are random; two that begin alike would need one digit more.
        let all = project.snap(&["list", "--json"]).exits(0).json();
        let ids = all.as_array().must("a list").iter();
        let mut begun: Vec<String> =
            ids.map(|one| one["id"].as_str().must("an id")[..4].to_owned()).collect();
        begun.sort();
        if begun.windows(2).all(|two| two[0] != two[1]) {
            return project;
        }
    }
}

/// A folder of programs in which there is only git: no other `snap` that a status would tell of.
fn only_git(project: &Project) -> PathBuf {
    let bin = project.home.path().join("only git");
    fs::create_dir(&bin).must("a folder");
    let path = std::env::var_os("PATH").must("a PATH");
    let git = std::env::split_paths(&path).map(|folder| folder.join("git")).find(|git| git.is_file());
    std::os::unix::fs::symlink(git.must("git"), bin.join("git")).must("a link");
    bin
}

/// What a command shows on a terminal of so many columns.
fn shown(project: &Project, columns: usize, arguments: &[&str], path: &Path) -> String {
    let mut command = project.command(project.root(), arguments);
    command.env("PATH", path);
    command.env("COLUMNS", columns.to_string()).env("LINES", "60").env("TERM", "xterm").env("NO_COLOR", "1");
    on_terminal(command.env("PAGER", "cat"))
}

#[test]
fn golden_screens_of_the_list_of_a_conversation_and_of_the_status() {
    let project = with_snapshots();
    let only_git = only_git(&project);
    let changing = Regex::new(
        r"(?m)^(?<id>[0-9a-f]{4})  (?:now|\d+[sm] ?)|(?<auto>automatic), .*|(?<clock>\d\d:\d\d)|(?<size>\d+\.\d KiB)|saved (?<ago>just now|\d+[sm] ago)|safety-(?<safety>\d{8}-\d{6})",
    )
    .must("a pattern");
    let mut page = "# Screens\n\nWhat a terminal of so many columns shows. Written by `SNAP_BLESS=1 cargo test golden`.\n".to_owned();
    for arguments in [&["list"][..], &["list", "-a"], &["show", "latest", "--talk"], &["status"]] {
        for columns in [80, 120, 200] {
            let text = shown(&project, columns, arguments, &only_git);
            let text = text.replace(project.home.path().to_str().must("UTF-8"), "/home/ada");
            let text = text.replace(env!("CARGO_BIN_EXE_snap"), "/usr/local/bin/snap");
            for line in text.lines() {
                assert!(line.chars().count() <= columns, "{columns}: {line:?}");
            }
            let text = changing.replace_all(&text, |found: &regex::Captures| {
                match ["id", "auto", "clock", "size", "ago"]
                    .into_iter()
                    .find(|name| found.name(name).is_some())
                {
                    Some("id") => "3f2a  now".to_owned(),
                    Some("auto") => "automatic, 1s old".to_owned(),
                    Some("clock") => "14:07".to_owned(),
                    Some("ago") => "saved just now".to_owned(),
                    Some(_) => "3.4 KiB".to_owned(),
                    None => "safety-20261121-080000".to_owned(),
                }
            });
            let lines: String = text.lines().map(|line| format!("{}\n", line.trim_end())).collect();
            write!(page, "\n## snap {}, {columns} columns\n\n```text\n{lines}```\n", arguments.join(" "))
                .must("text");
        }
    }
    assert_same(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/screens.md"), &page);
}

#[test]
fn a_list_hides_what_nobody_saved_by_hand_and_says_so() {
    let project = with_snapshots();
    let rows = |arguments: &[&str]| {
        let ran = project.snap(arguments).exits(0);
        let rows: Vec<String> = ran.stdout.lines().skip(1).map(str::to_owned).collect();
        (rows, ran.stderr)
    };
    let (usual, said) = rows(&["list"]);
    // In a pipe each row is a snapshot; on a terminal a line stands for those that are left out.
    assert_eq!(usual.len(), 5, "{usual:#?}");
    assert!(!usual.iter().any(|row| row.contains("automatic") || row.contains("safety-")), "{usual:#?}");
    assert!(on_terminal(&mut project.command(project.root(), &["list"])).contains("… 3 automatic, "));
    assert!(
        said.starts_with("5 of 9 snapshots, ")
            && said.ends_with("; 1 safety and 3 automatic hidden (-a shows them)\n"),
        "{said}"
    );
    let (all, said) = rows(&["list", "-a"]);
    assert_eq!((all.len(), said.as_str()), (9, ""), "{all:#?}");
    assert_eq!(all.iter().filter(|row| row.contains("(auto)")).count(), 3);
    // A pipe gets names as a whole, and of the id what is needed.
    assert!(
        all.iter().any(|row| row.contains("a quite long but honest name of the thing that is tried here"))
    );
    let id = all[0].split_whitespace().next().must("an id");
    assert!(project.snap(&["show", id]).exits(0).stdout.starts_with("safety-"));
    // Programs get all of it, and see what is what.
    assert_eq!(project.snap(&["list", "--json"]).exits(0).json().as_array().must("a list").len(), 9);
}

#[test]
fn a_list_is_narrowed_by_words_session_place_age_and_number() {
    let project = with_snapshots();
    let names = |arguments: &[&str]| -> Vec<String> {
        let rows = project.snap(&[&["list", "--json"], arguments].concat()).exits(0).json();
        let rows = rows.as_array().must("a list").iter();
        rows.map(|row| row["name"].as_str().must("a name").to_owned()).collect()
    };
    assert_eq!(names(&["TESTS", "pass"]), ["step 1"]);
    assert_eq!(names(&["honest", "docs/api.md"]).len(), 1);
    assert_eq!(names(&["nothing of this kind"]).len(), 0);
    project
        .snap(&["list", "nothing of this kind"])
        .exits(0)
        .says(&["None of 8 snapshots matches, and none of 1 safety snapshot"]);
    assert_eq!(names(&["-n", "2"]).len(), 2);
    let stderr = project.snap(&["list", "-n", "2"]).exits(0).stderr;
    assert!(stderr.starts_with("2 of 9 snapshots, ") && stderr.ends_with("; 3 older\n"), "{stderr}");
    assert_eq!((names(&["--session", "c137"]).len(), names(&["--session", "ffff"]).len()), (5, 0));
    assert_eq!(
        (names(&["--here"]).len(), names(&["--since", "1h"]).len(), names(&["--since", "0s"]).len()),
        (9, 9, 0)
    );
    let (usual, mut turned) = (names(&[]), names(&["--reverse"]));
    turned.reverse();
    assert_eq!(usual, turned);
    let other = project.home.path().join("linked");
    project.git(&["worktree", "add", "-q", "-b", "linked", other.to_str().must("UTF-8")]);
    let there = project.snap_in(&other, &["list", "--here", "--json"]).exits(0).json();
    assert_eq!(there, json!([]));
}

#[test]
fn only_safety_snapshots_are_no_snapshots_to_go_on_from_and_the_list_says_so() {
    let project = with_snapshots();
    for row in project.snap(&["list", "--json"]).exits(0).json().as_array().must("a list") {
        let name = row["name"].as_str().must("a name");
        if !name.starts_with("safety-") {
            project.snap(&["rm", name]).exits(0);
        }
    }
    project.snap(&["list"]).exits(0).says(&["no snapshot but 1 safety snapshot", "snap list -a"]);
    project.snap(&["show"]).exits(3).says(&["only safety snapshots", "in the trash", "`snap undo`"]);
    project.snap(&["prune", "--now", "--yes"]).exits(0);
    project.snap(&["show"]).exits(3).says(&["only safety snapshots", "snap list -a"]);
}

#[test]
fn a_snapshot_is_found_by_the_beginning_of_its_name_but_never_removed_by_it() {
    let project = Project::new();
    for name in ["before api refactor", "before lunch", "wip"] {
        project.write("a.txt", name);
        project.snap(&["save", name]).exits(0);
    }
    let head =
        |typed: &str| project.snap(&["show", typed]).exits(0).stdout.lines().next().must("a line").to_owned();
    assert!(head("before a").starts_with("before api refactor  "));
    assert!(head("WI").starts_with("wip  "));
    project.snap(&["show", "before"]).exits(3).says(&[
        "fits 2 snapshots",
        "\"before lunch\", \"before api refactor\"",
        "`snap list` shows them",
    ]);
    let id = project.snap(&["show", "wip", "--json"]).exits(0).json()["id"].as_str().must("an id").to_owned();
    assert!(head(&id[..6].to_uppercase()).starts_with("wip  "), "an id in capitals, as names");
    for typed in ["wip~1", "wip^", "latest^"] {
        project.snap(&["show", typed]).exits(3).says(&["only `latest` can be counted back from"]);
    }
    project.snap(&["rewind", "before l", "--no-run", "--no-input"]).exits(0);
    for typed in ["before api refactr", "befor api"] {
        project.snap(&["show", typed]).exits(3).says(&["did you mean \"before api refactor\""]);
    }
    project.snap(&["rm", "wi"]).exits(3).says(&["did you mean \"wip\""]);
    // Safety snapshots are found only by those who mean them.
    project.snap(&["show", "s"]).exits(0);
    assert!(head("safety").starts_with("safety-"));
    project.snap(&["rewind", "wip", "--no-run", "--no-input"]).exits(0);
    project.snap(&["show", "safety"]).exits(3).says(&["fits 2 snapshots", "`snap list -a` shows them"]);
}

#[test]
fn a_snapshot_without_a_name_is_called_by_what_was_asked_last() {
    let project = Project::new();
    porting(&project);
    let saved = project.snap(&["save", "--json"]).exits(0).json();
    let name = saved["name"].as_str().must("a name");
    let pattern = Regex::new(r"^Now the docs, \d\d:\d\d$").must("a pattern");
    assert!(pattern.is_match(name), "{name}");
    let manifest = project.snap(&["show", "now the", "--json"]).exits(0).json();
    assert_eq!(
        manifest["session"]["spoken"],
        json!({"first": "Port the api to the new client, and keep every test that we have.\nStart with the server.",
               "last": "Now the docs", "answer": "Done: docs/api.md."})
    );
    // Without the conversation, nothing of it is kept either.
    let bare = project.snap(&["save", "--history", "none", "-m", "x", "--json"]).exits(0).json();
    let bare = project.snap(&["show", bare["name"].as_str().must("a name"), "--json"]).exits(0).json();
    assert_eq!(bare["session"]["spoken"], Value::Null);
    assert!(
        Regex::new(r"^(the parser, \d\d:\d\d|\d{8}-\d{6})$")
            .must("a pattern")
            .is_match(bare["name"].as_str().must("a name"))
    );
}

#[test]
fn no_secret_gets_into_what_a_conversation_was_about() {
    let project = Project::new();
    // Its end lies behind what is kept of a prompt: half a secret must not stay.
    let token = format!("ghp_{}", "aB3dE5gH7jK9mN1pQ3sT5vW7xY9zA1cD3eF5"[..36].to_owned());
    let prompt = format!("{} {token}", "deploy with this, please: ".repeat(11));
    conversation(
        &project,
        ID,
        &[
            asked(&format!("use {token}")),
            answered(&format!("I take {token}")),
            asked(&prompt),
            answered(&format!("so {token}")),
        ],
    );
    let saved = project.snap(&["save", "--json"]).exits(0).json();
    let name = saved["name"].as_str().must("a name");
    let json = project.snap(&["show", name, "--json"]).exits(0).stdout;
    assert!(!json.contains(&token[..12]) && !name.contains("ghp_"), "{json}");
    assert!(json.contains("\"first\": \"use «snap:secret:"), "{json}");
    let talk = project.snap(&["show", "--talk"]).exits(0).stdout;
    assert!(!talk.contains("ghp_") && talk.contains("❯ use «snap:secret:"), "{talk}");
    project.snap(&["list"]).exits(0);
}

#[test]
fn what_it_was_about_is_in_the_page_the_plan_and_the_conversation_of_an_agent() {
    let project = Project::new();
    project.session(ID);
    project.write("a.txt", "else\n");
    project.snap(&["save", "wip"]).exits(0);
    let page = project.snap(&["show", "wip"]).exits(0).stdout;
    assert!(page.contains("About     last    write a parser\n"), "{page}");
    let plan = project.snap(&["resume", "wip", "--dry-run"]).exits(0).stdout;
    assert!(plan.lines().nth(1).must("a line") == "  write a parser", "{plan}");
    let talk = project.snap(&["show", "wip", "--talk"]).exits(0).stdout;
    assert_eq!(
        talk,
        "❯ write a parser\n\n  ▸ Bash  mkdir x  no result\n\nAgents; `--agent ID` shows what one of them said:\n  \
         ag1  interrupted  Explore  look around\n"
    );
    assert_eq!(project.snap(&["show", "wip", "--agent", "ag"]).exits(0).stdout, "❯ look\n");
    project.snap(&["show", "wip", "--agent", "zz"]).exits(3).says(&["no agent \"zz\"", "ag1 (look around)"]);
    project.snap(&["save", "bare", "--history", "none"]).exits(0);
    project.snap(&["show", "bare", "--talk"]).exits(3).says(&["no conversation"]);
}

#[test]
fn in_the_client_a_list_is_at_most_a_screen_with_the_newest_last() {
    let project = Project::new();
    for number in 1..=20 {
        project.write("a.txt", format!("{number}\n"));
        let name = format!("step {number} of a long way to something that needs a long name to be told");
        project.snap(&["save", &name]).exits(0);
    }
    let input = json!({"session_id": ID, "cwd": project.root(), "hook_event_name": "UserPromptSubmit", "prompt": "/snapshot list"});
    let answer = hook(&project, "UserPromptSubmit", &input).exits(0);
    let said: String = match serde_json::from_str::<Value>(&answer.stdout) {
        Ok(json) => json["reason"].as_str().or(json["systemMessage"].as_str()).must("an answer").to_owned(),
        Err(_) => answer.stdout + &answer.stderr,
    };
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines.len() <= 20 && lines.iter().all(|line| line.chars().count() <= 80), "{said}");
    assert!(lines.iter().rev().take(2).any(|line| line.contains("step 20 of")), "{said}");
    assert!(lines.last().must("a line").contains("16 of 20 snapshots"), "{said}");
}

/// The value of a line of `snap status`.
fn said<'a>(status: &'a str, heading: &str) -> Vec<&'a str> {
    let mut last = "";
    let mut all = Vec::new();
    for line in status.lines() {
        let (head, rest) = line.split_at(10);
        if !head.trim().is_empty() {
            last = head.trim();
        }
        if last == heading {
            all.push(rest);
        }
    }
    all
}

#[test]
fn status_says_what_is_here_and_what_is_wrong() {
    let project = Project::new();
    let status = |arguments: &[&str]| {
        let mut command = project.command(project.root(), arguments);
        command.env("PATH", path_with(&project));
        ran(&mut command).exits(0).stdout
    };
    let bare = status(&[]);
    assert_eq!(bare, status(&["status"]));
    assert!(said(&bare, "Session")[0].starts_with("none was found"), "{bare}");
    assert!(
        said(&bare, "Newest")[0].contains("snap save NAME") && said(&bare, "Hooks")[0].contains("snap init"),
        "{bare}"
    );
    assert_eq!((said(&bare, "Problem").len(), status(&["status", "--short"]).as_str()), (0, ""));
    porting(&project);
    project.snap(&["save", "wip"]).exits(0);
    let saved = status(&["status"]);
    assert!(said(&saved, "Session")[1] == format!("{ID}, ended"), "{saved}");
    assert!(said(&saved, "Newest")[0].ends_with("; no file has changed since"), "{saved}");
    assert!(said(&saved, "Store")[0].starts_with("1 snapshot, "), "{saved}");
    assert!(status(&["status", "--short"]).starts_with("wip "));
    project.write("new.txt", "x");
    project.write("a.txt", "x");
    project.snap(&["init", "--local"]).exits(0);
    project.write(".claude/settings.json", r#"{"enabledPlugins": {"snap@tools": true, "other@x": true}}"#);
    fs::write(project.stored("broken.json"), "{").must("a damaged manifest");
    let worse = status(&["status"]);
    assert!(said(&worse, "Newest")[0].contains(" files have changed since (`snap diff --now`)"), "{worse}");
    assert_eq!(said(&worse, "Hooks").len(), 2, "{worse}");
    let problems = said(&worse, "Problem").join("\n");
    for words in [
        "1 snapshot can't be read: `snap verify --repair`",
        "`claude plugin disable snap@tools`, or `snap init --remove --local`",
    ] {
        assert!(problems.contains(words), "{problems}");
    }
    let mut other = project.command(project.root(), &["status"]);
    let other = ran(other.env("PATH", std::env::var_os("PATH").must("a path"))).exits(0).stdout;
    assert!(
        said(&other, "Problem").iter().any(|problem| problem.starts_with("the hooks find no `claude-snap`")
            || problem.starts_with("the hooks call another program")),
        "{other}"
    );
    let json = project.snap(&["status", "--json"]).exits(0).json();
    assert_eq!(
        (json["newest"]["name"].as_str(), json["store"]["snapshots"].as_u64()),
        (Some("wip"), Some(2))
    );
}

#[test]
fn snap_alone_outside_any_project_prints_its_help() {
    let project = Project::empty();
    project.snap(&[]).exits(2).says(&["Usage: snap", "save"]);
}

#[test]
fn a_mistake_on_the_command_line_gets_a_hint_that_fits() {
    let project = Project::new();
    project.snap(&["save", "my first"]).exits(0);
    project.snap(&["resume", "my", "first"]).exits(2).says(&["needs quotes"]);
    project.snap(&["link", "my", "first"]).exits(2).says(&["the link is called like that"]);
    project.snap(&["show", "my first", "a.txt"]).exits(2).says(&["`snap diff REF -- PATH` shows one file"]);
    project.snap(&["show", "my first", "--stat"]).exits(2).says(&["`snap diff REF --stat`"]);
    project.snap(&["save", "-m", ""]).exits(2).says(&["the value is empty"]);
    project.snap(&["show", "my first", "--ignored"]).exits(0).says(&["No file was ignored there."]);
    project.snap(&["show", "ada/12345678"]).exits(3).says(&["`snap follow USER/SESSION` reads a session"]);
    project.write("a.txt", "more\n");
    project.snap(&["save", "my second"]).exits(0);
    project.snap(&["list", "--tree", "-n", "1"]).exits(0).says(&["1 of 2 snapshots; 1 older"]);
    project.snap(&["version"]).exits(2).says(&["snap --version"]);
    project.snap(&["diff", "a.txt"]).exits(3).says(&["snap diff -- a.txt"]);
    project.snap(&["log", "-n", "0"]).exits(0);
    assert_eq!(project.snap(&["log", "-n", "0"]).stderr, "");
    project.snap(&["delete", "my first"]).exits(0).says(&["Removed \"my first"]);
}

/// A path on which `snap` is this program.
fn path_with(project: &Project) -> std::ffi::OsString {
    let mut path = bin_of(project).into_os_string();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    path
}

#[test]
fn init_removes_what_it_set_up_wherever_that_is_and_nothing_that_is_still_needed() {
    let project = Project::new();
    let command = project.path(".claude/commands/snapshot.md");
    let has_hooks =
        |file: &str| fs::read_to_string(project.path(file)).is_ok_and(|text| text.contains("snap hook"));
    // What it says is what ends it.
    project.snap(&["init", "--local"]).exits(0).says(&["`snap init --remove --local` removes it again"]);
    project
        .snap(&["init"])
        .exits(0)
        .says(&["settings.local.json calls snap too", "`snap init --remove --local`"]);
    project.snap(&["init", "--remove", "--local"]).exits(0).says(&["settings.json still calls snap"]);
    assert!(
        command.exists() && has_hooks(".claude/settings.json") && !has_hooks(".claude/settings.local.json")
    );
    project.snap(&["init", "--local"]).exits(0);
    project.snap(&["init", "--remove"]).exits(0).says(&["Removed."]);
    assert!(
        !command.exists()
            && !project.path(".claude/settings.json").exists()
            && !project.path(".claude/settings.local.json").exists()
    );
    project.snap(&["init", "--user"]).exits(0).says(&["`snap init --remove --user` removes it again"]);
    project
        .snap(&["init", "--remove"])
        .exits(0)
        .says(&["snap is not set up here", "still calls snap; `snap init --remove --user`"]);
    project.snap(&["init", "--remove", "--user"]).exits(0).says(&["Removed."]);
    assert_eq!(project.snap(&["init", "--remove"]).exits(0).stderr, "snap is not set up here.\n");
    project.write(".claude/settings.local.json", r#"{"enabledPlugins": {"snap@tools": true}}"#);
    project
        .snap(&["init"])
        .exits(0)
        .says(&["the plugin snap@tools calls snap too", "claude plugin disable snap@tools"]);
}

#[test]
fn two_places_that_call_snap_answer_once_and_save_once() {
    let project = Project::new();
    porting(&project);
    let event = |prompt: &str, id: &str| json!({"session_id": ID, "cwd": project.root(), "hook_event_name": "UserPromptSubmit", "prompt": prompt, "prompt_id": id});
    let input = event("/snapshot save both", "p1");
    let answers: Vec<String> = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..2)
            .map(|_| scope.spawn(|| hook(&project, "UserPromptSubmit", &input).exits(0).stdout))
            .collect();
        calls.into_iter().map(|call| call.join().must("an answer")).collect()
    });
    let answered: Vec<&String> = answers.iter().filter(|answer| !answer.is_empty()).collect();
    assert_eq!(answered.len(), 1, "{answers:?}");
    assert!(answered[0].contains("Saved") && answered[0].contains("both"), "{answers:?}");
    // The same typed again is another prompt.
    let again = hook(&project, "UserPromptSubmit", &event("/snapshot save both", "p2")).exits(0).stdout;
    assert!(again.contains("already"), "{again}");
    // A client that gives prompts no ids is answered each time, but once where two are asked together.
    let old = json!({"session_id": ID, "cwd": project.root(), "hook_event_name": "UserPromptSubmit", "prompt": "/snapshot help"});
    let is_mark = |file: &PathBuf| file.parent().is_some_and(|folder| folder.ends_with("answered"));
    let marks = || files_below(project.home.path()).into_iter().filter(is_mark).collect::<Vec<PathBuf>>();
    let before = marks();
    for _ in 0..2 {
        assert!(hook(&project, "UserPromptSubmit", &old).exits(0).stdout.contains("/snapshot save"));
    }
    let mark = marks().into_iter().find(|mark| !before.contains(mark)).must("its mark");
    let held = fs::File::open(&mark).must("the mark");
    held.lock().must("the lock");
    let called: Vec<Child> = (0..2).map(|_| called(&project, &old)).collect();
    let waits = |process: &Child| {
        let open = fs::read_dir(format!("/proc/{}/fd", process.id())).must("its files").flatten();
        open.filter_map(|one| fs::read_link(one.path()).ok()).any(|path| path == mark)
    };
    eventually("both wait for whoever answers", || called.iter().all(waits));
    drop(held);
    let answers = called.into_iter().map(|one| one.wait_with_output().must("its end").stdout);
    assert_eq!(answers.filter(|answer| !answer.is_empty()).count(), 1);
}

/// A hook that has got its event, and may still be at work.
fn called(project: &Project, event: &Value) -> Child {
    let mut command = project.command(project.root(), &["hook", "UserPromptSubmit"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().must("a hook");
    child.stdin.take().must("its input").write_all(event.to_string().as_bytes()).must("the event");
    child
}

#[test]
fn many_snapshots_are_removed_only_after_a_yes_on_a_terminal() {
    let project = Project::new();
    let names: Vec<String> = (1..=7).map(|number| format!("step {number}")).collect();
    for name in &names {
        project.write("a.txt", name);
        project.snap(&["save", name]).exits(0);
    }
    let left = || project.snap(&["list", "--json"]).exits(0).json().as_array().must("a list").len();
    let answered = |arguments: &[&str], typed: &str| {
        answering_on_terminal(
            project.command(project.root(), arguments).env("TERM", "xterm").env("NO_COLOR", "1"),
            typed,
        )
    };
    let prune = ["prune", "--keep-last", "1"];
    let said = answered(&prune, "maybe\nn\n");
    assert!(said.contains("Remove these 6 snapshots? [y/N]") && said.contains("remove  step 1  "), "{said}");
    assert!(said.contains("Please answer yes or no.") && said.contains("Nothing was removed"), "{said}");
    assert_eq!(left(), 7);
    let few: Vec<&str> = ["rm"].into_iter().chain(names[..2].iter().map(String::as_str)).collect();
    assert!(!answered(&few, "").contains('?'));
    assert_eq!(left(), 5);
    for name in &names[..2] {
        project.write("a.txt", name);
        project.snap(&["save", name]).exits(0);
    }
    let many: Vec<&str> = ["rm"].into_iter().chain(names[..6].iter().map(String::as_str)).collect();
    assert!(answered(&many, "n\n").contains("Remove these 6 snapshots? [y/N]"));
    assert_eq!(left(), 7);
    answered(&many, "y\n");
    assert_eq!(left(), 1);
}

#[test]
fn status_names_settings_that_keep_hooks_from_being_called() {
    let project = Project::new();
    project.snap(&["init"]).exits(0);
    project.write(".claude/settings.local.json", r#"{"disableAllHooks":true}"#);
    fs::create_dir_all(project.home.config()).must("a folder");
    fs::write(project.home.config().join("settings.json"), "{ broken").must("to write");
    let said = project.snap(&["status"]).exits(0).stdout;
    assert!(
        said.contains("settings.local.json turns all hooks off: take `disableAllHooks` out of it"),
        "{said}"
    );
    assert!(said.contains("settings.json is no JSON"), "{said}");
}

#[test]
fn what_a_filter_does_not_find_is_counted_as_the_list_counts() {
    let project = with_snapshots();
    let list = project.snap(&["list", "--json"]).exits(0).json();
    let list = list.as_array().must("a list");
    let safety = |one: &&Value| one["trigger"] == "safety";
    let (hidden, shown) =
        (list.iter().filter(safety).count(), list.iter().filter(|one| !safety(one)).count());
    assert!(hidden == 1 && shown > 0, "{list:?}");
    // What the table shows only with `-a` has a mark of its own.
    let marked = list.iter().filter(|one| one["hidden"] == true && one["trigger"] == "safety").count();
    assert_eq!(marked, 1);
    let none = project.snap(&["list", "no such word"]).exits(0).stderr;
    assert!(none.starts_with(&format!("None of {shown} snapshot")), "{none}");
    assert!(none.contains("none of 1 safety snapshot; `snap list -a`"), "{none}");
    let only = project.snap(&["list", "safety-"]).exits(0).stderr;
    assert!(only.contains("only 1 safety snapshot: -a lists those too"), "{only}");
}

#[test]
fn a_tree_is_drawn_of_those_that_are_asked_for() {
    let project = Project::new();
    for name in ["one", "two", "three"] {
        project.write("a.txt", name);
        project.snap(&["save", name]).exits(0);
    }
    project.write("a.txt", "since");
    project.snap(&["rewind", "one", "--no-run", "--no-input"]).exits(0);
    let tree = |more: &[&str]| {
        let ran = project.snap(&[&["list", "--tree"][..], more].concat()).exits(0);
        let rows = ran.stdout.lines().skip(1);
        rows.filter_map(|row| Some(row.split_once("● ")?.1.split("  ").next()?.to_owned()))
            .collect::<Vec<_>>()
    };
    assert_eq!(tree(&[]), ["three", "two", "one"]);
    assert_eq!(tree(&["-n", "2"]), ["three", "two"]);
    assert_eq!(tree(&["tw"]), ["two"]);
    assert!(tree(&["-a"]).iter().any(|name| name.ends_with("(safety)")));
    assert_eq!(tree(&["--here", "--since", "1d"]).len(), 3);
    project.snap(&["list", "--tree", "nope"]).exits(0).says(&["None of 3 snapshots matches"]);
    assert_eq!(tree(&["--reverse"]), ["one", "two", "three"]);
}

#[test]
fn columns_are_as_wide_as_they_look() {
    let project = Project::new();
    for name in ["日本語.txt", "plain name.txt", "e\u{301}tude.txt", "👩\u{200d}💻.txt"] {
        project.write(name, "new\n");
    }
    project.snap(&["save", "x"]).exits(0);
    let shown = project.snap(&["show", "x"]).exits(0).stdout;
    let rows: Vec<&str> = shown.lines().filter(|line| line.contains(".txt")).collect();
    let columns = |row: &&str| wide(&row[..row.find("+1 -0").must("counts")]);
    assert!(rows.len() == 4 && rows.iter().map(columns).all(|at| at == columns(&rows[0])), "{shown}");
}

#[test]
fn calls_about_tasks_say_what_is_to_be_done_and_what_changed() {
    let project = Project::new();
    let call = |id: &str, tool: &str, input: Value| {
        (
            "assistant",
            json!({"role": "assistant", "model": "claude-test-1",
            "content": [{"type": "tool_use", "id": id, "name": tool, "input": input}]}),
        )
    };
    conversation(
        &project,
        ID,
        &[
            asked("plan it"),
            call("t1", "TaskCreate", json!({"subject": "Write parser", "description": "all of it"})),
            call("t2", "TaskUpdate", json!({"taskId": "1", "status": "in_progress"})),
        ],
    );
    project.snap(&["save", "x"]).exits(0);
    let talk = project.snap(&["show", "x", "--talk"]).exits(0).stdout;
    assert!(
        talk.contains("TaskCreate  Write parser") && talk.contains("TaskUpdate  task 1: in progress"),
        "{talk}"
    );
}

#[test]
fn status_and_diff_agree_where_only_what_is_staged_differs() {
    let project = Project::new();
    project.write("a.txt", "edited\n");
    project.snap(&["save", "x"]).exits(0);
    project.git(&["add", "a.txt"]);
    project.snap(&["diff", "x", "--now"]).exits(0).says(&["what is staged differs"]);
    let said = project.snap(&["status"]).exits(0).stdout;
    assert!(said.contains("only what is staged has changed since"), "{said}");
    let newest = project.snap(&["status", "--json"]).exits(0).json()["newest"].clone();
    assert_eq!((&newest["changed"], &newest["staged_differs"]), (&0.into(), &true.into()), "{newest}");
}

#[test]
fn after_a_save_nothing_has_changed_whatever_kind_of_file_is_pending() {
    let text = |lines: u64| crate::failures::noise(1, lines);
    let bytes = |size: usize| (0..size).map(|at| (at * at / 7 % 251) as u8).collect::<Vec<u8>>();
    let secret = |lines: u64| format!("DB_PASSWORD=hunter2Zq81x\n{}", text(lines));
    let kinds: [(&str, Vec<u8>); 11] = [
        ("small.txt", text(3).into()),
        ("empty.txt", Vec::new()),
        ("large.txt", text(150_000).into()),
        ("small.dat", bytes(3_000)),
        ("large.dat", bytes(1_200_000)),
        ("zeros.dat", vec![0; 1_200_000]),
        (".env", secret(2).into()),
        ("large.env", secret(150_000).into()),
        ("wide.txt", "\u{feff}wide\n".encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("ends.txt", b"one\r\ntwo\r\n".to_vec()),
        ("secret-ends.env", secret(2).replace('\n', "\r\n").into()),
    ];
    for is_tracked in [false, true] {
        for (name, content) in &kinds {
            let project = Project::new();
            project.write(".gitattributes", "*.txt text eol=crlf\n*ends.env text\n");
            if is_tracked {
                project.write(name, "DB_PASSWORD=another1Zq8\nbefore\n");
            }
            project.git(&["add", "."]);
            project.git(&["commit", "-qm", "attributes"]);
            project.write(name, content);
            project.snap(&["save", "x"]).exits(0);
            let changed = |wanted: u64| {
                let newest = project.snap(&["status", "--json"]).exits(0).json()["newest"].clone();
                assert_eq!(newest["changed"], wanted, "{name}, tracked: {is_tracked}: {newest}");
                let exit = i32::from(wanted > 0);
                project.snap(&["diff", "x", "--now", "--exit-code"]).exits(exit);
            };
            changed(0);
            project.write(name, [content.as_slice(), b"more\n"].concat());
            changed(1);
        }
    }
}
