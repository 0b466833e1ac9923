//! The format is open: `docs/format.md` and `docs/manifest.schema.json` against what `snap` writes.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use claude_snap::manifest::Manifest;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::support::project::Project;
use crate::support::schema::{self, faults, manifests};
use crate::support::{Must, needs};

const ID: &str = "c137e379-838e-4509-8148-16b407691758";

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page() -> String {
    fs::read_to_string(top().join("docs/format.md")).must("docs/format.md")
}

/// The code blocks of this language in a text.
fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let opening = format!("```{language}\n");
    text.split(opening.as_str()).skip(1).map(|rest| rest.split("```").next().unwrap_or_default()).collect()
}

/// The manifests of all frozen stores.
fn frozen() -> Vec<PathBuf> {
    let stores = fs::read_dir(top().join("fixtures")).must("fixtures").flatten().map(|store| store.path());
    stores.flat_map(|store| manifests(&store)).collect()
}

/// One of them, with a session, agents, tasks and edits.
fn one() -> Value {
    let path = top().join("fixtures/store-v1/frozen-in-time.json");
    serde_json::from_slice(&fs::read(path).must("a fixture")).must("JSON")
}

#[test]
fn every_frozen_manifest_is_as_the_schema_says() {
    let all = frozen();
    assert!(all.len() >= 8, "{all:?}");
    all.iter().for_each(|path| schema::check(path));
}

#[test]
fn the_schema_refuses_what_no_manifest_says() {
    assert_eq!(faults(&one()), Vec::<String>::new());
    let cases = [
        ("/format", json!(2)),
        ("/requires", json!(["what nobody knows"])),
        ("/id", json!("X")),
        ("/state", json!("0")),
        ("/created_at", json!("yesterday")),
        ("/created_by/trigger", json!("magic")),
        ("/workspace/root", json!({"hex": "XX"})),
        ("/session/id", json!("../up")),
        ("/session/transcript/from", json!("middle")),
        ("/agents/0/status", json!("dancing")),
        ("/edits/object_format", json!("md5")),
        ("/edits/files/0/path", json!("../up")),
        ("/edits/files/0/path", json!("/up")),
        ("/edits/files/0/change", json!("moved")),
        ("/edits/files/0/index", json!("elsewhere")),
        ("/edits/files/0/diff/form", json!("ed")),
        ("/edits/files/0/new/mode", json!("100666")),
        ("/edits/files/0/added", json!(-1)),
        ("/checksum", json!(7)),
    ];
    for (at, wrong) in cases {
        let mut manifest = one();
        if at == "/requires" {
            manifest["requires"] = wrong;
        } else {
            *manifest.pointer_mut(at).must(at) = wrong;
        }
        assert!(!faults(&manifest).is_empty(), "{at} may be anything");
    }
    let Value::Object(keys) = one() else { panic!("a manifest is an object") };
    for key in keys.keys() {
        let mut manifest = one();
        manifest.as_object_mut().must("an object").remove(key);
        let may_be_absent = ["message", "mac"].contains(&key.as_str());
        assert_eq!(faults(&manifest).is_empty(), may_be_absent, "without {key}");
    }
}

/// Collects the names of all keys, and all words of closed lists, that a schema has.
fn names(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(parts) => {
            if let Some(Value::Object(properties)) = parts.get("properties") {
                found.extend(properties.keys().cloned());
            }
            let words = parts.get("enum").and_then(Value::as_array).into_iter().flatten();
            found.extend(words.chain(parts.get("const")).filter_map(Value::as_str).map(str::to_owned));
            parts.values().for_each(|part| names(part, found));
        }
        Value::Array(parts) => parts.iter().for_each(|part| names(part, found)),
        _ => {}
    }
}

#[test]
fn the_page_names_every_key_and_every_word_of_the_schema() {
    let page = page();
    let mut found = BTreeSet::new();
    names(&schema::schema(), &mut found);
    assert!(found.len() > 100, "{found:?}");
    let missing: Vec<&String> = found.iter().filter(|name| !page.contains(&format!("`{name}`"))).collect();
    assert_eq!(missing, Vec::<&String>::new(), "docs/format.md does not name them");
}

#[test]
fn the_manifest_that_the_page_shows_is_one() {
    let page = page();
    let shown: Vec<&str> =
        blocks(&page, "json").into_iter().filter(|block| block.contains("\"format\"")).collect();
    let [shown] = shown.as_slice() else { panic!("one example, not {}", shown.len()) };
    let manifest = Manifest::from_json(shown.as_bytes()).must("the example is a manifest");
    assert_eq!(faults(&serde_json::from_str(shown).must("JSON")), Vec::<String>::new());
    assert_eq!(manifest.edits.must("edits").files.len(), 1);
}

/// What the page does with `jq` and `zstd`, one output for each block.
fn read_without_snap(project: &Project) -> Vec<Vec<u8>> {
    let page = page();
    let section = page.split("\n## Reading it without snap\n").nth(1).must("the section");
    let section = section.split("\n## ").next().unwrap_or_default();
    let outputs = project.home.path().join("outputs");
    fs::create_dir(&outputs).must("a folder");
    let mut script = "set -eu\n".to_owned();
    let blocks = blocks(section, "sh");
    for (number, block) in blocks.iter().enumerate() {
        write!(script, "exec >'{}/{number}'\n{block}", outputs.display()).must("text");
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut command = Command::new("sh");
    command.args([OsStr::new("-c"), OsStr::new(&script)]).current_dir(project.root()).env_clear();
    let ran = command.env("PATH", path).env("HOME", project.home.path()).output().must("a shell");
    assert!(ran.status.success(), "{}\n{script}", String::from_utf8_lossy(&ran.stderr));
    assert_eq!(String::from_utf8_lossy(&ran.stderr), "", "{script}");
    (0..blocks.len()).map(|number| fs::read(outputs.join(number.to_string())).must("an output")).collect()
}

#[test]
fn what_the_page_does_with_jq_and_zstd_gives_what_was_saved() {
    let tools = [["jq", "--version"], ["zstd", "--version"]];
    if !tools.iter().all(|tool| needs::program(tool, "reading a store without snap")) {
        return;
    }
    let project = Project::new();
    let transcript = project.session(ID);
    project.write("a.txt", "one\nTWO\nthree\n");
    project.write("b.txt", "a line of text\n".repeat(2_000));
    project.write("bin", [0, 159, 146, 150, 0, 8].repeat(120));
    project.write("notes.txt", "new\nno newline at end");
    project.snap(&["save", "before refactor"]).exits(0);
    let outputs = read_without_snap(&project);
    let [list, edits, conversation, tasks, agents, new, patch, binary] = outputs.as_slice() else {
        panic!("{} blocks", outputs.len())
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let list = text(list);
    assert!(list.ends_with("\tmain\tbefore refactor\n") && list.lines().count() == 1, "{list}");
    assert_eq!(
        text(edits),
        "modified\tunstaged\t+1\t-1\ta.txt\nmodified\tunstaged\t+2000\t-1\tb.txt\n\
         modified\tunstaged\t+0\t-0\tbin\nadded\tunstaged\t+2\t-0\tnotes.txt\n"
    );
    assert_eq!(text(conversation), fs::read_to_string(transcript).must("the transcript"));
    assert_eq!(text(tasks), "1\tin_progress\tWrite parser\n2\tcompleted\tTest it\n");
    assert_eq!(text(agents), "ag1\tinterrupted\tlook around\n");
    assert_eq!(text(new), "new\nno newline at end");
    assert_eq!(*binary, project.read("bin"));
    let clone = project.cloned();
    clone.git_reads(&["apply"], patch);
    for changed in ["a.txt", "b.txt"] {
        assert_eq!(clone.read(changed), project.read(changed), "{changed}");
    }
}

/// What of a manifest its `state` is over, as the bytes of the file.
#[derive(Deserialize)]
struct Captured<'a> {
    state: String,
    #[serde(borrow)]
    workspace: Place<'a>,
    #[serde(borrow)]
    session: Option<Conversation<'a>>,
    #[serde(borrow)]
    tasks: Vec<&'a RawValue>,
    #[serde(borrow)]
    queue: &'a RawValue,
    #[serde(borrow)]
    agents: Vec<Agent<'a>>,
    #[serde(borrow)]
    permissions: &'a RawValue,
    #[serde(borrow)]
    edits: &'a RawValue,
    #[serde(borrow)]
    not_captured: Missing<'a>,
}

#[derive(Deserialize)]
struct Place<'a> {
    #[serde(borrow)]
    branch: &'a RawValue,
}

#[derive(Deserialize)]
struct Conversation<'a> {
    #[serde(borrow)]
    id: &'a RawValue,
    #[serde(borrow)]
    title: &'a RawValue,
    #[serde(borrow)]
    mode: &'a RawValue,
    #[serde(borrow)]
    transcript: &'a RawValue,
    #[serde(borrow)]
    files: &'a RawValue,
    #[serde(borrow)]
    elsewhere: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Agent<'a> {
    #[serde(borrow)]
    id: &'a RawValue,
    #[serde(borrow)]
    meta: &'a RawValue,
    #[serde(borrow)]
    transcript: &'a RawValue,
}

#[derive(Deserialize)]
struct Missing<'a> {
    #[serde(borrow)]
    files: Option<&'a RawValue>,
}

/// JSON without the blanks between its values.
fn compact(json: &RawValue) -> String {
    let (mut text, mut is_inside, mut is_escaped) = (String::new(), false, false);
    for c in json.get().chars() {
        if is_inside || !c.is_ascii_whitespace() {
            text.push(c);
        }
        if c == '"' && !is_escaped {
            is_inside = !is_inside;
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    text
}

/// Makes a list of values that are compact already.
fn list(values: &[String]) -> String {
    format!("[{}]", values.join(","))
}

/// Computes a state by what the page says of it.
fn state_by_the_page(captured: &Captured<'_>) -> String {
    let mut parts = vec![compact(captured.workspace.branch)];
    if let Some(session) = &captured.session {
        let of_it = [session.id, session.title, session.mode, session.transcript, session.files];
        parts.push(list(&of_it.map(compact)));
        parts.extend(session.elsewhere.map(compact));
    }
    // The client's own texts keep their blanks.
    let tasks = list(&captured.tasks.iter().map(|task| task.get().to_owned()).collect::<Vec<_>>());
    parts.push(list(&[tasks, compact(captured.queue), compact(captured.permissions)]));
    for agent in &captured.agents {
        let meta = agent.meta.get().to_owned();
        parts.push(list(&[compact(agent.id), meta, compact(agent.transcript)]));
    }
    parts.extend(captured.not_captured.files.map(compact));
    parts.push(compact(captured.edits));
    let mut hash = blake3::Hasher::new();
    for part in parts {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().to_hex().to_string()
}

#[test]
fn the_state_is_over_what_the_page_says() {
    let project = Project::new();
    let transcript = project.session(ID);
    project.write_beside(&transcript, "tool-results/one.txt", b"a result\n");
    // Named as not saved, which is part of the state.
    let link = transcript.with_extension("").join("tool-results/link");
    std::os::unix::fs::symlink("one.txt", link).must("a link");
    project.write("a.txt", "one\nTWO\nthree\n");
    project.snap(&["save", "x"]).exits(6);
    let saved = manifests(&project.stored(""));
    let mut checked = 0;
    for path in frozen().iter().chain(&saved) {
        let text = fs::read_to_string(path).must("a manifest");
        let captured: Captured<'_> = serde_json::from_str(&text).must("a manifest");
        assert_eq!(captured.state, state_by_the_page(&captured), "{}", path.display());
        checked += 1;
    }
    assert!(checked >= 9, "{checked}");
}
