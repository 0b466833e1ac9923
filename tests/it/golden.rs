//! The whole command line and what each command prints with `--json`, as pages in `docs/`: `SNAP_BLESS=1 cargo test golden`
//! writes them anew. What changes there changed for everybody who has a script.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use regex::{Captures, Regex};
use serde_json::Value;

use crate::handoff_remote::{colleague, utf8, with_remote};
use crate::support::Must;
use crate::support::golden::assert_same;
use crate::support::project::{Project, Ran, git_in};

const ID: &str = "c137e379-838e-4509-8148-16b407691758";

fn page(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)
}

/// The commands of the manual, in its order.
pub(crate) fn commands(project: &Project) -> Vec<String> {
    let manual = project.snap(&["man"]).exits(0).stdout;
    let name = |line: &str| Some(line.strip_prefix("snap\\-")?.strip_suffix("(1)")?.replace('\\', ""));
    manual.lines().filter_map(name).filter(|name| name != "help").collect()
}

#[test]
fn golden_command_line_stays_as_it_is() {
    let project = Project::empty();
    let mut made = "# The command line\n\nWhat `snap --help` and `snap COMMAND --help` say. Written by \
                    `SNAP_BLESS=1 cargo test golden`.\n"
        .to_owned();
    let help = |arguments: &[&str]| {
        let said = project.snap(arguments).exits(0).stdout;
        said.lines().map(|line| format!("{}\n", line.trim_end())).collect::<String>()
    };
    write!(made, "\n## snap\n\n```text\n{}```\n", help(&["--help"])).must("text");
    for command in commands(&project) {
        let said = help(&[&command, "--help"]);
        write!(made, "\n## snap {command}\n\n```text\n{said}```\n").must("text");
    }
    assert_same(&page("cli.md"), &made);
}

/// Puts the same words wherever another run, user or machine has others.
struct Mask {
    places: Vec<(String, String)>,
    changing: Regex,
    seen: BTreeMap<String, String>,
}

/// Keys whose numbers depend on the moment or on the length of a path.
const COUNTED: [&str; 8] = ["age_seconds", "bytes", "sent", "received", "size", "stored", "pid", "seconds"];

impl Mask {
    /// Of these users' homes.
    fn of(homes: &[(&Project, &str)]) -> Mask {
        let slug = |path: &str| path.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        let mut places = Vec::new();
        for (project, user) in homes {
            let (old, new) = (utf8(project.home.path()).to_owned(), format!("/home/{user}"));
            places.push((slug(&old), slug(&new)));
            places.push((old, new));
        }
        let changing = Regex::new(
            r"(?x) (?<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z) | safety-(?<safety>\d{8}-\d{6}(-\d+)?)
            | (?<session>\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b) | (?<id>\b[0-9a-f]{32,64}\b) | ada@(?<host>[\w.-]+(/[a-z2-9]{4}\b)?)",
        );
        Mask { places, changing: changing.must("a pattern"), seen: BTreeMap::new() }
    }

    fn text(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        for (old, new) in &self.places {
            text = text.replace(old, new);
        }
        let seen = &mut self.seen;
        let replace = |found: &Captures| {
            let whole = found[0].to_owned();
            if found.name("time").is_some() {
                return "2026-11-21T08:00:00.000Z".to_owned();
            }
            if found.name("safety").is_some() {
                return "safety-20261121-080000".to_owned();
            }
            if found.name("host").is_some() {
                return "ada@laptop".to_owned();
            }
            if whole == ID {
                return whole;
            }
            // Different ones stay different, and the same the same.
            let number = seen.len() + 1;
            let made: String = match found.name("session") {
                Some(_) => format!("{number:08x}-0000-4000-8000-000000000000"),
                None => format!("{number:x}").repeat(64).chars().take(whole.len()).collect(),
            };
            seen.entry(whole).or_insert(made).clone()
        };
        self.changing.replace_all(&text, replace).into_owned()
    }

    fn value(&mut self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(all) => all.iter_mut().for_each(|one| self.value(one)),
            Value::Object(all) => {
                for (key, value) in all.iter_mut() {
                    match value {
                        Value::Number(_) if COUNTED.contains(&key.as_str()) => *value = 0.into(),
                        // Where this program is, and which one is called here.
                        Value::String(_) | Value::Null if ["this", "first"].contains(&key.as_str()) => {
                            *value = "/usr/local/bin/snap".into();
                        }
                        Value::String(_) | Value::Null if key == "called" => {
                            *value = "/usr/local/bin/claude-snap".into();
                        }
                        Value::Bool(_) if key == "first_is_this" => *value = true.into(),
                        Value::String(_) if key == "host" => *value = "laptop".into(),
                        Value::String(_) if key == "snap" => *value = "0.1.0".into(),
                        other => self.value(other),
                    }
                }
                let renamed = std::mem::take(all);
                all.extend(renamed.into_iter().map(|(key, value)| (self.text(&key), value)));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

/// The page of examples that is made here.
struct Examples {
    mask: Mask,
    page: String,
}

impl Examples {
    /// Adds what a command printed; each line by itself if it is one value a line.
    fn add(&mut self, arguments: &[&str], ran: &Ran) {
        let shown: Vec<String> = arguments.iter().map(|word| self.mask.text(word)).collect();
        let quoted =
            shown.iter().map(|word| if word.contains(' ') { format!("{word:?}") } else { word.clone() });
        let command = quoted.collect::<Vec<_>>().join(" ");
        let values: Vec<Value> = match serde_json::from_str(&ran.stdout) {
            Ok(whole) => vec![whole],
            Err(_) => ran.stdout.lines().map(|line| serde_json::from_str(line).must("JSON")).collect(),
        };
        assert!(!values.is_empty(), "`snap {command}` printed nothing: {}", ran.stderr);
        let lines = if values.len() > 1 { ", one value a line" } else { "" };
        let mut text = String::new();
        for mut value in values {
            self.mask.value(&mut value);
            text += &format!("{}\n", serde_json::to_string_pretty(&value).must("JSON"));
        }
        let exit = if ran.code == 0 { String::new() } else { format!(" (exit {})", ran.code) };
        write!(self.page, "\n## snap {command}\n\nPrints{lines}{exit}:\n\n```json\n{text}```\n").must("text");
    }
}

#[test]
fn golden_json_of_every_command_stays_as_it_is() {
    let (project, remote) = with_remote();
    project.session(ID);
    project.write("a.txt", "one\nTWO\nthree\n");
    project.write("new.txt", "new\n");
    let other = colleague(&project, &remote).of_another_user();
    let mask = Mask::of(&[(&project, "ada"), (&other, "bea")]);
    let page_start = "# What `--json` prints\n\nAn example for each command: one project's story, with made-up ids, times, \
                      sizes and places. Written by `SNAP_BLESS=1 cargo test golden`.\n";
    let mut examples = Examples { mask, page: page_start.to_owned() };
    let mut run = |who: &Project, arguments: &[&str], code: i32| {
        let arguments = [arguments, &["--json"]].concat();
        let ran = who.snap(&arguments).exits(code);
        examples.add(&arguments, &ran);
    };
    let bundle = project.home.path().join("moment.snap");
    run(&project, &["save", "before api refactor", "-m", "the old error type still works here"], 0);
    run(&project, &["status"], 0);
    run(&project, &["list"], 0);
    run(&project, &["show"], 0);
    run(&project, &["diff", "latest"], 0);
    run(&project, &["verify"], 0);
    run(&project, &["doctor"], 0);
    run(&project, &["doctor", "--all"], 0);
    run(&project, &["pin", "latest"], 0);
    run(&project, &["unpin", "latest"], 0);
    run(&project, &["link", "before api refactor"], 0);
    run(&project, &["init"], 0);
    run(&project, &["export", "-o", utf8(&bundle)], 0);
    let report = project.home.path().join("moment.html");
    run(&project, &["report", "-o", utf8(&report)], 0);
    run(&project, &["push"], 0);
    run(&project, &["list", "--remote"], 0);
    git_in(&project.home, &remote, &["config", "uploadpack.allowFilter", "true"]);
    run(&project, &["init", "--local", "--sync"], 0);
    run(&project, &["sync", "--now"], 0);
    run(&project, &["sync"], 0);
    run(&other, &["space"], 0);
    run(&other, &["follow", "ada/", "--once"], 0);
    run(&other, &["log", "--remote"], 0);
    run(&other, &["import", utf8(&bundle)], 0);
    run(&other, &["pull"], 0);
    run(&other, &["resume", "--trust"], 0);
    project.write("a.txt", "wrecked\n");
    run(&project, &["rewind", "latest", "--no-session"], 0);
    run(&project, &["undo"], 0);
    run(&project, &["redo"], 0);
    run(&project, &["log"], 0);
    run(&project, &["config"], 0);
    run(&project, &["prune", "--keep-last", "1", "--dry-run"], 0);
    run(&project, &["rm", "--remote", "origin", "before api refactor"], 0);
    run(&project, &["rm", "before api refactor"], 0);
    // A second line of work, named, compared, merged and closed.
    project.snap(&["save", "base"]).exits(0);
    let forked = project.snap(&["rewind", "base", "--fork", "--json"]).exits(0).json();
    let forked = forked["session_id"].as_str().must("a session").to_owned();
    project.write("new.txt", "new and cached\n");
    project.snap(&["save", "cached", "--session", &forked]).exits(0);
    project.snap(&["rewind", "base", "--no-session"]).exits(0);
    project.write("a.txt", "one\nTWO\nthree\nfour\n");
    run(&project, &["branch", "try-cache", "cached"], 0);
    run(&project, &["diff", "base", "cached"], 0);
    run(&project, &["merge", "try-cache", "--session", ID], 0);
    run(&project, &["close", "try-cache", "-m", "it is merged"], 0);
    run(&project, &["branch"], 0);
    run(&project, &["list", "cached"], 0);
    run(&project, &["reopen", "cached"], 0);
    // The other user's name is in every one of them; the machine's is not.
    let Examples { page: made, .. } = examples;
    for command in commands(&project) {
        // These print nothing that a program would read.
        let none = ["completions", "demo", "man", "view", "help"].contains(&command.as_str());
        assert!(none || made.contains(&format!("\n## snap {command}")), "no example of {command}");
    }
    assert_same(&page("json.md"), &made);
}
