//! One way to the screen: whatever a snapshot says, in any field, no command sends it raw to a terminal, a pipe or a
//! program.

use std::fs;

use claude_snap::manifest::{Manifest, seal};
use serde_json::{Value, json};

use crate::support::Must;
use crate::support::project::{Project, Ran, ran};
use crate::trust::typed_into;

const ID: &str = "c137e379-838e-4509-8148-16b407691758";

/// Clears the screen, sets the clipboard, colours, reorders, hides, and begins a line of its own.
pub(crate) const EVIL: &str = "x\u{1b}[2J\u{1b}]52;c;eA==\u{7}\u{9b}31m\u{7f}\u{202e}\u{2066}\u{115f}\u{3164}\u{200b}\u{ad}\u{fe0f}\u{e0041}\u{2028}\r\nFORGED\tx";

/// What must not be sent: all of the above but letters; line ends and tabs are looked at apart.
pub(crate) fn is_raw(c: char) -> bool {
    EVIL.contains(c) && !c.is_ascii_graphic() && c != '\n' && c != '\t' || c == '\u{1b}'
}

/// Makes sure that nothing raw was sent. What this program colours itself is taken out first.
#[track_caller]
fn is_clean(what: &str, sent: &str, tabs: bool) {
    let mut plain = sent.to_owned();
    for code in ["0", "1", "2", "31", "32", "33", "36", "7", "27", "41", "2;31", "2;32", ""] {
        plain = plain.replace(&format!("\u{1b}[{code}m"), "");
    }
    let raw = plain.chars().find(|c| is_raw(*c) || *c == '\t' && !tabs);
    assert_eq!(raw, None, "{what}: sent raw:\n{sent:?}");
    let forged = plain.lines().find(|line| line.trim_start().starts_with("FORGED"));
    assert_eq!(forged, None, "{what}: forged a line:\n{sent}");
}

#[track_caller]
fn both_clean(what: &str, ran: &Ran, tabs: bool) {
    assert!(![70, 101, -1].contains(&ran.code), "{what}: {ran:?}");
    is_clean(what, &ran.stdout, tabs);
    is_clean(what, &ran.stderr, false);
}

/// A project whose snapshot `sound` has something in every field that a manifest can have.
fn full() -> (Project, Value) {
    let project = Project::new();
    project.session(ID);
    project.write(
        ".claude/settings.local.json",
        r#"{"permissions": {"allow": ["Bash(ls *)"], "deny": ["Read(.env)"], "ask": ["Bash(git push *)"]}}"#,
    );
    project.write("a.txt", "one\nTWO\nthree\n");
    project.write("new.md", "new\n");
    fs::remove_file(project.path("b.txt")).must("to remove");
    project.git(&["mv", "sub/c.txt", "sub/renamed.txt"]);
    project.snap(&["save", "sound", "-m", "why"]).exits(0);
    let text = fs::read(project.stored("sound.json")).must("a manifest");
    let mut m: Value = serde_json::from_slice(&text).must("JSON");
    let other = json!("0123456789abcdef0123456789abcdef");
    m["parent"] = m["id"].clone();
    m["created_by"]["trigger"] = json!("manual");
    m["workspace"]["worktree"] = json!("w");
    m["workspace"]["main"] = json!("/main");
    m["workspace"]["others"] = json!(["/other"]);
    m["session"]["status"] = json!("waiting");
    m["session"]["waiting_for"] = json!("permission");
    m["session"]["live"] = json!(true);
    m["session"]["elsewhere"] =
        json!([{"place": "plans/p.md", "text": "plan"}, {"place": "memory/MEMORY.md", "text": "note"}]);
    m["session"]["todos"] = json!([{"content": "look", "status": "pending"}]);
    m["session"]["scripts"] = json!([{"place": "session-env/hook.sh", "text": "export A=1"}]);
    m["session"]["added_folders"] = json!(["/lib"]);
    m["session"]["restrictions"] = json!(["--restricted"]);
    m["session"]["effort"] = json!("low");
    m["session"]["output_style"] = json!("Explanatory");
    m["session"]["files"]
        .as_array_mut()
        .must("files")
        .push(json!({"place": "session/f.txt", "size": 1, "content": {"text": "f"}}));
    m["agents"][0]["last"] = json!("it looked");
    m["agents"][0]["parent"] = json!("ag0");
    m["tasks"]
        .as_array_mut()
        .must("tasks")
        .push(json!({"id": "3", "subject": "s", "status": "pending", "blockedBy": ["1"]}));
    m["permissions"]["session"] = json!([{"tool": "Bash", "detail": "ls", "decision": "accept", "scope": "session", "at": null, "rules": ["Bash(ls *)"]}]);
    m["permissions"]["decisions"] = m["permissions"]["session"].clone();
    m["edits"]["skipped"] = json!([{"path": "big", "reason": "large"}]);
    m["edits"]["operation"] = json!("merge");
    m["not_captured"] = json!({
        "processes": ["sleep 1"], "mcp_servers": [{"name": "db", "transport": "stdio", "used": true}], "scheduled": ["do it at 9"],
        "teams": ["crew"], "others": ["a job"], "options": ["--bare"],
        "environment": ["NAME"], "files": [{"path": "f", "reason": "no"}], "secrets": ["one"],
    });
    m["secrets"] = json!([{"id": "s1", "kind": "known", "names": ["N"], "places": ["a.txt"], "times": 2}]);
    m["safety"] = json!({"restores": other, "name": "before", "paths": ["a.txt"]});
    (project, m)
}

/// Every string in a value, as a JSON pointer.
fn strings(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::String(_) => found.push(at.to_owned()),
        Value::Array(all) => {
            all.iter().enumerate().for_each(|(number, one)| strings(one, &format!("{at}/{number}"), found));
        }
        Value::Object(all) => {
            let key = |key: &str| key.replace('~', "~0").replace('/', "~1");
            all.iter().for_each(|(name, one)| strings(one, &format!("{at}/{}", key(name)), found));
        }
        _ => {}
    }
}

/// Where this field is, without numbers.
fn field(pointer: &str) -> String {
    pointer.split('/').filter(|part| part.parse::<u32>().is_err()).collect::<Vec<_>>().join("/")
}

fn sealed(manifest: &Value) -> Vec<u8> {
    let mut manifest = manifest.clone();
    let keys = manifest.as_object_mut().must("an object");
    for proof in ["mac", "signature", "checksum"] {
        keys.remove(proof);
    }
    let text = serde_json::to_string_pretty(&manifest).must("JSON");
    let text = format!(
        "{},\n  \"checksum\": \"{}\"\n}}\n",
        text.trim_end().trim_end_matches('}').trim_end(),
        "0".repeat(64)
    );
    seal(text.into_bytes()).must("sealed")
}

/// Every command that says something of a snapshot, and whether its output has tabs between columns.
fn commands(name: &str) -> Vec<(Vec<&str>, bool)> {
    let plain = [
        vec!["list"],
        vec!["list", "--tree"],
        vec!["list", "--json"],
        vec!["show", name],
        vec!["show", name, "--json"],
        vec!["show", name, "--color", "always"],
        vec!["diff", name, "--stat"],
        vec!["diff", name, "--json"],
        vec!["diff", name, "--name-only"],
        vec!["diff", name, "--side-by-side"],
        vec!["diff", name, "--color", "always"],
        vec!["verify", name],
        vec!["verify", name, "--json"],
        vec!["prune", "--keep-last", "0", "--dry-run", "--json"],
        vec!["pin", name],
        vec!["unpin", name],
        vec!["resume", name, "--dry-run"],
        vec!["resume", name, "--dry-run", "--json"],
        vec!["resume", name, "--dry-run", "--grants", "review", "--color", "always"],
        vec!["rewind", name, "--dry-run"],
        vec!["resume", name],
        vec!["resume", name, "--trust", "--trust-repository", "--no-run", "--no-input", "--offline"],
        vec!["rewind", name, "--trust", "--no-run", "--no-input", "--offline", "--json"],
        vec!["undo", "--dry-run"],
        vec!["undo"],
        vec!["resume", name, "--worktree", "w", "--dry-run"],
        vec!["link", name],
        vec!["link", name, "--remove"],
        vec!["log"],
        vec!["log", "--json"],
        vec!["export", name, "-o", "out.snap"],
        vec!["rm", name],
    ];
    let mut all: Vec<_> = plain
        .into_iter()
        .map(|typed| (typed == ["list"], typed))
        .map(|(tabs, typed)| (typed, tabs))
        .collect();
    all.insert(9, (vec!["diff", name, "--name-status"], true));
    all.insert(14, (vec!["prune", "--keep-last", "0", "--dry-run"], true));
    all
}

#[test]
fn no_field_of_a_manifest_is_sent_raw_by_any_command() {
    let (project, sound) = full();
    let parses = |manifest: &Value| Manifest::from_json(&sealed(manifest)).is_ok();
    assert!(parses(&sound), "{:?}", Manifest::from_json(&sealed(&sound)).err());
    let mut pointers = Vec::new();
    strings(&sound, "", &mut pointers);
    assert!(pointers.len() > 90, "{}", pointers.len());
    let with = |pointers: &[&String], text: &str| {
        let mut manifest = sound.clone();
        manifest["name"] = json!("evil");
        for pointer in pointers {
            *manifest.pointer_mut(pointer).must("a string") = json!(text);
        }
        manifest
    };
    // What can hold any text, and what can't: the latter makes the whole refused, and is named in an error.
    let (free, bound): (Vec<&String>, Vec<&String>) = pointers
        .iter()
        .filter(|pointer| pointer.as_str() != "/name")
        .partition(|pointer| parses(&with(&[pointer], &format!("/{EVIL}"))));
    let fields: Vec<String> = free.iter().map(|pointer| field(pointer)).collect();
    for known in [
        "/edits/operation",
        "/workspace/head",
        "/edits/base",
        "/session/title",
        "/edits/skipped/path",
        "/created_by/host",
    ] {
        assert!(fields.iter().any(|field| field == known), "{known} is not in {fields:?}");
    }
    let write = |name: &str, manifest: &Value| {
        fs::write(project.stored(&format!("{name}.json")), sealed(manifest)).must("a manifest");
    };
    for text in [format!("/{EVIL}"), EVIL.to_owned()] {
        let usable: Vec<&String> = free.iter().copied().filter(|one| parses(&with(&[one], &text))).collect();
        let keep_restorable = |pointer: &&&String| {
            let field = field(pointer);
            !["/old", "/new", "/diff", "/change", "/index", "/head", "/base", "/chunks", "/transcript"]
                .iter()
                .any(|part| field.contains(part))
        };
        let harmless: Vec<&String> = usable.iter().filter(keep_restorable).copied().collect();
        for all in [&usable, &harmless] {
            // With these nothing that is shown may be hidden by something else that is refused.
            let manifest = with(all, &text);
            for (typed, tabs) in commands("evil") {
                write("evil", &manifest);
                both_clean(&format!("{typed:?}"), &project.snap(&typed), tabs);
            }
        }
        // One by one: in company of others a field may not be shown.
        for pointer in usable.iter().filter(|_| text != EVIL) {
            write("evil", &with(&[pointer], &text));
            for typed in [&["show", "evil"][..], &["resume", "evil", "--dry-run"]] {
                both_clean(&format!("{pointer} {typed:?}"), &project.snap(typed), typed == ["list"]);
            }
        }
    }
    for pointer in &bound {
        write("evil", &with(&[pointer], EVIL));
        for typed in [&["list"][..], &["rewind", "evil", "--trust", "--no-run", "--no-input"]] {
            both_clean(&format!("{pointer} {typed:?}"), &project.snap(typed), typed == ["list"]);
        }
    }
}

/// The snapshot `evil`, all of whose free fields say the worst, in the store.
pub(crate) fn evil_everywhere() -> Project {
    let (project, mut manifest) = full();
    let mut pointers = Vec::new();
    strings(&manifest, "", &mut pointers);
    manifest["name"] = json!("evil");
    for pointer in pointers.iter().filter(|pointer| !["/name", "/edits/base"].contains(&pointer.as_str())) {
        let before = manifest.clone();
        *manifest.pointer_mut(pointer).must("a string") = json!(format!("/{EVIL}"));
        if Manifest::from_json(&sealed(&manifest)).is_err() {
            manifest = before;
        }
    }
    fs::write(project.stored("evil.json"), sealed(&manifest)).must("a manifest");
    project
}

#[test]
fn nor_on_a_terminal_where_it_asks_and_pages() {
    let project = evil_everywhere();
    for (typed, keys) in [
        (&["show", "evil"][..], ""),
        (&["list"], ""),
        (&["list", "--tree"], ""),
        (&["diff", "evil", "--stat"], ""),
        (&["diff", "evil", "--no-pager"], ""),
        (&["diff", "evil", "--no-pager", "--patch"], ""),
        (&["log"], ""),
        (&["verify", "evil"], ""),
        (&["resume", "evil", "--no-run", "--offline"], "n\n"),
        (
            &["resume", "evil", "--no-run", "--offline"],
            "y\nd\nn\nd\nn\nd\nn\nd\nn\nn\nn\nn\nn\nn\nn\nn\nn\nn\nn\n",
        ),
        (
            &["rewind", "evil", "--no-run", "--offline", "--trust", "--grants", "review"],
            "n\nn\nn\nn\nn\nn\nn\n1\nn\nn\nn\nn\n",
        ),
        (&["prune", "--keep-last", "0", "--dry-run"], ""),
        (&["show", EVIL], ""),
    ] {
        let typed_now = typed;
        // The end of input: nothing waits for more.
        let keys = format!("{keys}\u{4}\u{4}\u{4}\u{4}\u{4}\u{4}");
        let mut command = project.command(project.root(), typed_now);
        let (code, said) = typed_into(command.env("PAGER", "cat"), &keys);
        assert!(![70, 101, -1].contains(&code), "{typed:?}: {said}");
        // The terminal itself ends lines so, and erases what the progress bar drew; and it echoes ^D.
        let said = said.replace("\r\n", "\n").replace("\r\u{1b}[K", "").replace("^D\u{8}\u{8}", "");
        is_clean(&format!("{typed:?}"), &said, false);
    }
}

#[test]
fn nor_in_the_answer_to_a_command_within_the_client() {
    let project = evil_everywhere();
    for prompt in
        ["list", "show evil", "diff evil", "rewind evil", "resume evil", &format!("show {EVIL}"), EVIL]
    {
        let input = json!({
            "hook_event_name": "UserPromptSubmit", "session_id": ID, "cwd": project.root(), "prompt": format!("/snapshot {prompt}"),
        });
        let mut command = project.command(project.root(), &["hook", "UserPromptSubmit"]);
        let file = project.home.path().join("input.json");
        fs::write(&file, input.to_string()).must("the input");
        command.stdin(fs::File::open(&file).must("the input"));
        let ran = ran(&mut command);
        both_clean(prompt, &ran, false);
        // The client prints what it reads.
        let answer = ran.json();
        is_clean(prompt, answer["reason"].as_str().must("an answer"), false);
    }
}

#[test]
fn nor_by_a_hook_whatever_a_project_and_a_step_say() {
    let project = evil_everywhere();
    for rules in [
        json!({"off": ["delete", EVIL], "rules": []}),
        json!({"off": ["delete"], "rules": [{"class": "data", "command": "make*"}]}),
        json!({"rules": [{"class": EVIL, "command": EVIL}]}),
        json!({ EVIL: EVIL }),
    ] {
        project.write(".claude/snapshot-rules.json", rules.to_string());
        for command in ["rm -rf sub", &format!("rm -rf {EVIL}"), &format!("make {EVIL}")] {
            let input = json!({
                "hook_event_name": "PreToolUse", "session_id": EVIL, "cwd": project.root(), "tool_name": "Bash",
                "tool_input": {"command": command},
            });
            let file = project.home.path().join("input.json");
            fs::write(&file, input.to_string()).must("the input");
            let mut hook = project.command(project.root(), &["hook", "PreToolUse"]);
            hook.stdin(fs::File::open(&file).must("the input"));
            let ran = ran(&mut hook);
            both_clean(&format!("{rules} {command}"), &ran, false);
            if !ran.stdout.is_empty() {
                let text = ran.json()["systemMessage"].as_str().must("a message").to_owned();
                is_clean(&format!("{rules} {command}"), &text, false);
            }
        }
    }
    let log = fs::read_to_string(project.home.config().join("snap-hooks.log")).unwrap_or_default();
    is_clean("the log", &log, false);
    both_clean("list", &project.snap(&["list"]), true);
}

#[test]
fn nor_is_what_was_typed_itself_sent_back_raw() {
    let project = Project::new();
    project.snap(&["save", "x"]).exits(0);
    let option = format!("--{EVIL}");
    let value = format!("--keep-last={EVIL}");
    for typed in [
        &[EVIL][..],
        &[&option],
        &["show", EVIL],
        &["show", &option],
        &["diff", "--files", EVIL, EVIL],
        &["diff", "x", "--", EVIL],
        &["prune", &value],
        &["prune", "--older-than", EVIL],
        &["prune", "--max-size", EVIL],
        &["--color", EVIL, "list"],
        &["-C", EVIL, "list"],
        &["--store", EVIL, "list"],
        &["resume", "x", "--allow", EVIL],
        &["resume", "x", "--map", EVIL],
        &["resume", "x", "--into", EVIL],
        &["resume", "x", "--worktree", EVIL],
        &["rewind", "x", "--grants", EVIL],
        &["rewind", "x", "--fill", EVIL, "--dry-run"],
        &["save", EVIL],
        &["save", "y", "-m", EVIL],
        &["save", "z", "--session", EVIL],
        &["save", "w", "--history", EVIL],
        &["rm", EVIL],
        &["pin", EVIL],
        &["link", EVIL],
        &["link", EVIL, "--remove"],
        &["verify", EVIL],
        &["push", EVIL],
        &["pull", EVIL],
        &["list", "--remote", EVIL],
        &["import", EVIL],
        &["export", "x", "-o", EVIL],
        &["man", EVIL],
        &["completions", EVIL],
        &["hook", EVIL],
        &["list", "--tree"],
        &["show", "y"],
    ] {
        let mut command = project.command(project.root(), typed);
        command.stdin(std::process::Stdio::null());
        both_clean(&format!("{typed:?}"), &ran(&mut command), false);
    }
}

#[test]
fn nor_are_names_of_files_and_branches_and_what_others_push() {
    let project = Project::new();
    let folder = "d\u{1b}[2J\u{202e}\u{3164}\nFORGED";
    project.write(format!("{folder}/f\u{115f}.txt"), "x\n");
    project.write(format!("big{EVIL}"), "x".repeat(2 << 10));
    project.git(&["init", "-q", "--bare", project.home.path().join("r.git").to_str().must("UTF-8")]);
    project.git(&["remote", "add", "origin", project.home.path().join("r.git").to_str().must("UTF-8")]);
    project.git(&["checkout", "-qb", "b\u{202e}\u{3164}"]);
    let mut save = project.command(project.root(), &["save", "x", "--max-file", "1K"]);
    save.env("USER", format!("u{EVIL}"));
    both_clean("save", &ran(&mut save), false);
    let mut push = project.command(project.root(), &["push", "origin", "x"]);
    push.env("USER", format!("u{EVIL}"));
    both_clean("push", &ran(&mut push), false);
    for typed in [
        &["list"][..],
        &["show"],
        &["diff", "--stat"],
        &["diff", "--name-only"],
        &["diff", "--color", "always"],
        &["rewind", "--dry-run"],
        &["list", "--remote"],
        &["pull"],
        &["log"],
        &["rm", "--remote", "origin", "x"],
    ] {
        both_clean(&format!("{typed:?}"), &project.snap(typed), typed[0] == "list");
    }
}
