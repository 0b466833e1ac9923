//! Where known values come from, and what gives a value away: each is found alone, in all of a save.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::json;

use crate::redaction::content_of;
use crate::support::Must;
use crate::support::project::Project;

const ID: &str = "11111111-2222-4333-8444-555555555555";

/// Put together here, so that no tool takes this file's own text for a secret.
fn value() -> String {
    ["q8Zr2LkPw7", "XvTn4BsYd9Fh3K"].concat()
}

/// Says that nothing in a store has the value.
fn is_nowhere(project: &Project, value: &str, why: &str) {
    for (place, content) in content_of(&project.stored("")) {
        assert!(memchr::memmem::find(&content, value.as_bytes()).is_none(), "{why}: it is in {place}");
    }
}

fn utf16(text: &str) -> Vec<u8> {
    [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

type Source = (&'static str, fn(&Project, &str));

#[test]
fn a_value_is_known_wherever_the_variables_are_kept() {
    let sources: [Source; 9] = [
        ("a header of a server", |project, value| {
            let servers = json!({"mcpServers": {"x": {"type": "http", "url": "https://x.example.org", "headers": {"Authorization": format!("Bearer {value}")}}}});
            project.write(".mcp.json", servers.to_string());
        }),
        ("behind the mark of an editor", |project, value| {
            project.write(".env", format!("\u{feff}API_TOKEN={value}\n"));
        }),
        ("in UTF-16", |project, value| project.write(".env", utf16(&format!("API_TOKEN={value}\n")))),
        ("behind a link", |project, value| {
            project.write("secrets.txt", format!("API_TOKEN={value}\n"));
            symlink("secrets.txt", project.path(".env.local")).must("a link");
        }),
        ("deep in the tree, ignored", |project, value| {
            project.write("packages/web/app/.env", format!("API_TOKEN={value}\n"));
        }),
        ("in the password of an address", |project, value| {
            let coded = value.replace('k', "%6B");
            project.write(".env", format!("DATABASE_URL=postgres://app:{coded}@db/app\n"));
        }),
        ("in quotes within quotes", |project, value| {
            project.write(".env", format!("API_TOKEN='\"{value}\"'\n"));
        }),
        ("in a connection string", |project, value| {
            project.write(".env", format!("CONNECTION_STRING=Host=db;Username=ada;Password={value}\n"));
        }),
        ("as YAML", |project, value| project.write(".env", format!("API_TOKEN: {value}\n"))),
    ];
    for (why, source) in sources {
        let value = value();
        let project = Project::new();
        project.write(".gitignore", ".env*\n.mcp.json\nsecrets.txt\n");
        source(&project, &value);
        let transcript = project.session(ID);
        let said = json!({"type": "user", "uuid": "u9", "message": {"role": "user", "content": format!("it said {value}")}});
        project.append(&transcript, format!("{said}\n").as_bytes());
        project.write("note.txt", format!("it said {value} again\n"));
        project.write("wide.txt", utf16(&format!("it said {value} again\n")));
        let bytes = value.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(" ");
        project.write("numbers.txt", format!("[{bytes}]\n"));
        let state = project.content_state();
        project.snap(&["save", "x"]).exits(0);
        is_nowhere(&project, &value, why);
        let units: Vec<u8> = value.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (place, content) in content_of(&project.stored("")) {
            assert!(memchr::memmem::find(&content, &units).is_none(), "{why}: UTF-16 in {place}");
            assert!(memchr::memmem::find(&content, bytes.as_bytes()).is_none(), "{why}: numbers in {place}");
        }
        for name in ["note.txt", "wide.txt", "numbers.txt"] {
            fs::remove_file(project.path(name)).must("to remove it");
        }
        project.snap(&["rewind", "x", "--no-run"]).exits(0);
        assert_eq!(project.content_state(), state, "{why}: every byte is back");
    }
}

#[test]
fn a_linked_work_tree_knows_the_variables_of_the_main_one() {
    let value = value();
    let project = Project::new();
    project.write(".gitignore", ".env\n");
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "rules"]);
    project.write(".env", format!("API_TOKEN={value}\n"));
    project.git(&["worktree", "add", "-q", "../linked"]);
    let linked = project.path("../linked");
    fs::write(linked.join("note.txt"), format!("it said {value}\n")).must("a file");
    project.snap_in(&linked, &["save", "x"]).exits(0);
    is_nowhere(&project, &value, "the store of both");
}

#[test]
fn what_gives_a_value_away_may_be_anything_that_is_saved() {
    let sources: [Source; 5] = [
        ("a task", |project, value| {
            let task = json!({"id": "3", "subject": "deploy", "description": format!("with DEPLOY_TOKEN={value}"), "status": "pending"});
            fs::write(project.home.tasks(ID).join("3.json"), task.to_string()).must("a task");
        }),
        ("an agent's metadata", |project, value| {
            let meta = json!({"agentType": "Explore", "description": format!("with DEPLOY_TOKEN={value}")});
            let folder = project.home.project(project.root()).join(ID).join("subagents");
            fs::write(folder.join("agent-ag1.meta.json"), meta.to_string()).must("metadata");
        }),
        ("the message", |_, _| {}),
        ("what is only staged", |project, value| {
            project.write("staged.txt", format!("DEPLOY_TOKEN={value}\n"));
            project.git(&["add", "staged.txt"]);
            project.write("staged.txt", "nothing\n");
        }),
        ("a link's target", |project, value| {
            symlink(format!("x?DEPLOY_TOKEN={value}"), project.path("link")).must("a link");
        }),
    ];
    for (why, source) in sources {
        let value = value();
        let project = Project::new();
        let transcript = project.session(ID);
        source(&project, &value);
        let said = json!({"type": "user", "uuid": "u9", "message": {"role": "user", "content": format!("try {value} instead")}});
        project.append(&transcript, format!("{said}\n").as_bytes());
        project.write("a-note.txt", format!("try {value} instead\n"));
        let message = format!("with DEPLOY_TOKEN={value}");
        let message = if why == "the message" { message.as_str() } else { "a message" };
        project.snap(&["save", "x", "-m", message]).exits(0);
        is_nowhere(&project, &value, why);
    }
}

/// Says whether a save keeps a value of a conversation and a file out of the store; returns what it says.
fn is_kept_out(value: &str, prepare: impl Fn(&Project)) -> (bool, String) {
    let project = Project::new();
    project.write(".gitignore", ".env*\n.mcp.json\n.claude/\n");
    prepare(&project);
    let transcript = project.session(ID);
    let said = json!({"type": "user", "uuid": "u9", "message": {"role": "user", "content": format!("try it with {value} instead")}});
    project.append(&transcript, format!("{said}\n").as_bytes());
    project.write("note.txt", format!("it is {value}, they say\n"));
    let ran = project.snap(&["save", "x"]);
    let stored = content_of(&project.stored(""));
    let is_there = |content: &[u8]| memchr::memmem::find(content, value.as_bytes()).is_some();
    (!stored.iter().any(|(_, content)| is_there(content)), ran.stdout + &ran.stderr)
}

/// The files that the client takes variables from.
const SETTINGS: [&str; 4] =
    [".claude/settings.json", ".claude/settings.local.json", ".mcp.json", "the user's settings"];

fn write_settings(project: &Project, file: &str, content: &[u8]) {
    match file {
        "the user's settings" => {
            fs::write(project.home.config().join("settings.json"), content).must("settings");
        }
        file => project.write(file, content),
    }
}

#[test]
fn a_settings_file_that_is_odd_json_gives_its_values_away_as_any_other() {
    let value = ["swordfish", "99-x7"].concat();
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    let make = |file: &str, more: &str| {
        let env = format!(r#""env":{{"APP_PASSWORD":"{value}"}}"#);
        match file {
            ".mcp.json" => format!(r#"{{"mcpServers":{{"a":{{"command":"x",{env}}}}}{more}}}"#),
            _ => format!("{{{env}{more}}}"),
        }
    };
    for (odd, is_read) in [
        ("a mark", true),
        ("a large number", true),
        ("deep lists", true),
        ("half a surrogate", true),
        ("not UTF-8", true),
        ("UTF-16", false),
        ("comments", false),
        ("a comma too many", false),
        ("torn", false),
        ("torn in the value's line", false),
        ("single quotes", false),
        ("no quotes around the name", false),
        ("commented out", false),
        ("a quote too many before", false),
    ] {
        for file in SETTINGS {
            let plain = make(file, "");
            let content = match odd {
                "a mark" => format!("\u{feff}{plain}").into_bytes(),
                "a large number" => make(file, r#","n":1e999"#).into_bytes(),
                "deep lists" => make(file, &format!(r#","a":{deep}"#)).into_bytes(),
                "half a surrogate" => make(file, r#","a":"\ud800""#).into_bytes(),
                "not UTF-8" => [&b"{\"a\":\"\xff\","[..], &plain.as_bytes()[1..]].concat(),
                "UTF-16" => utf16(&plain),
                "comments" => format!("// don't \"touch\n{{ /* \" */{}", &plain[1..]).into_bytes(),
                "a comma too many" => make(file, r#","a":[1,],"#).into_bytes(),
                "torn" => make(file, r#","a":{"b"#).trim_end_matches('}').as_bytes().to_vec(),
                "torn in the value's line" => plain
                    .split(&value)
                    .next()
                    .must("a start")
                    .as_bytes()
                    .iter()
                    .copied()
                    .chain(value.bytes())
                    .collect(),
                "single quotes" => plain.replace('"', "'").into_bytes(),
                "no quotes around the name" => {
                    plain.replace("\"APP_PASSWORD\":", "APP_PASSWORD : /* x */ ").into_bytes()
                }
                "commented out" => plain.replace("\"APP_PASSWORD", "\n// \"APP_PASSWORD").into_bytes(),
                _ => plain.replacen('{', "{\"a\":\"b\"\",", 1).into_bytes(),
            };
            let (kept_out, said) = is_kept_out(&value, |project| write_settings(project, file, &content));
            assert!(kept_out, "{odd} in {file}: {said}");
            assert_eq!(said.contains("it is not JSON"), !is_read, "{odd} in {file}: {said}");
            if !is_read {
                assert!(
                    said.contains("values under names of secrets in it are taken out all the same"),
                    "{said}"
                );
            }
        }
    }
}

#[test]
fn a_password_that_a_person_made_of_words_is_known_under_a_name_that_says_so() {
    for value in [
        "bob-is-great-42",
        "bobisgreat42",
        "correct horse battery",
        "letmein-please",
        "alpha_beta_77",
        "zorpquillmaven",
        "12345678901",
    ] {
        let (kept_out, said) =
            is_kept_out(value, |project| project.write(".env", format!("APP_PASSWORD={value}\n")));
        assert!(kept_out, ".env: {value}: {said}");
        let settings = json!({"env": {"DB_PASSWORD": value}}).to_string();
        let (kept_out, said) =
            is_kept_out(value, |project| write_settings(project, SETTINGS[1], settings.as_bytes()));
        assert!(kept_out, "settings: {value}: {said}");
    }
}
