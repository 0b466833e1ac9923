//! Where the real client keeps a session, finds it again and writes it: what `snap` has to know to take the one that is
//! meant, and to resume it as the same one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::interactive::claude;
use crate::support::api::StandIn;
use crate::support::client::Client;
use crate::support::project::{Project, Ran, files_below, ran};
use crate::support::screen::{self, Screen};
use crate::support::work::script;
use crate::support::{Must, eventually};

with_both_clients! {
    a_session_of_a_folder_that_was_renamed_goes_on_in_it
    a_session_in_a_folder_of_another_name_is_found_and_goes_on_there
    a_session_that_is_opened_and_left_stays_one_session
    a_client_that_is_started_below_another_writes_its_transcript
}

/// All transcripts of a project's client.
fn transcripts(project: &Project) -> Vec<PathBuf> {
    let all = files_below(&project.home.config().join("projects"));
    all.into_iter().filter(|file| file.extension().is_some_and(|end| end == "jsonl")).collect()
}

fn written(file: &Path, words: &str) -> bool {
    fs::read_to_string(file).is_ok_and(|text| text.contains(words))
}

/// Runs what `snap resume --json` says, with a prompt.
#[track_caller]
fn go_on(client: &Client, project: &Project, api: &StandIn, resumed: &Value, prompt: &str) -> String {
    let command = resumed["resume"]["command"].as_array().must("a command");
    let words: Vec<&str> = command.iter().skip(1).filter_map(Value::as_str).collect();
    let cwd = Path::new(resumed["resume"]["cwd"].as_str().must("a folder"));
    api.clear();
    client.print(&project.home, cwd, api, &words, prompt).succeeded();
    api.main().pop().must("a request").body["messages"].to_string()
}

fn a_session_of_a_folder_that_was_renamed_goes_on_in_it(client: &Client) {
    let (project, api) = (Project::new(), StandIn::start(script));
    let id = client.print(&project.home, project.root(), &api, &[], "before it").succeeded().session_id;
    let renamed = project.home.path().join("renamed");
    fs::rename(project.root(), &renamed).must("to rename");
    let again = client.print(&project.home, &renamed, &api, &["--resume", &id], "after it");
    let save =
        |arguments: &[&str]| project.snap_in(&renamed, &[&["save", "x", "--json"], arguments].concat());
    let same = !client.is_oldest();
    if same {
        again.succeeded();
        assert_eq!(save(&[]).exits(0).json()["session_id"], id.as_str());
    } else {
        assert!(!again.status.success(), "it looks in the folder's own place only");
        let named = format!("--session {id}");
        save(&[]).exits(6).says(&["before it", "which is gone", &named]);
        project.snap_in(&renamed, &["rm", "x"]).exits(0);
        save(&["--session", &id]).exits(0);
    }
    let resumed = project.snap_in(&renamed, &["resume", "x", "--json"]).exits(0).json();
    assert_eq!(
        (resumed["session_id"] == id.as_str(), transcripts(&project).len()),
        (same, if same { 1 } else { 2 })
    );
    let sent = go_on(client, &project, &api, &resumed, "and on");
    assert!(sent.contains("before it") && sent.contains("and on"), "{sent}");
    assert_eq!(sent.contains("after it"), same, "{sent}");
}

fn a_session_in_a_folder_of_another_name_is_found_and_goes_on_there(client: &Client) {
    let (project, api) = (Project::new(), StandIn::start(script));
    let named = ("CLAUDE_CODE_PROJECT_DIR_NAME", "my-project");
    let print = |arguments: &[&str]| -> Ran {
        let mut command = claude(client, &project, &api, &[&["-p"], arguments].concat());
        let environment = client.environment(&project.home, &api);
        ran(command.env_clear().envs(environment).env(named.0, named.1).stdin(Stdio::null())).exits(0)
    };
    print(&["hello"]);
    let all = transcripts(&project);
    let [transcript] = all.as_slice() else { panic!("one transcript: {all:?}") };
    let folder = project.home.config().join("projects/my-project");
    let heeds = !client.is_oldest();
    assert_eq!(transcript.starts_with(&folder), heeds, "{}", transcript.display());
    // With the variable and without, it is found.
    let snap =
        |arguments: &[&str]| ran(project.command(project.root(), arguments).env(named.0, named.1)).exits(0);
    let id = snap(&["save", "x", "--json"]).json()["session_id"].clone();
    assert_eq!(Some(id.as_str().must("an id")), transcript.file_stem().and_then(|stem| stem.to_str()));
    assert_eq!(project.snap(&["save", "y", "--json"]).exits(0).json()["session_id"], id);
    if heeds {
        // A new one goes where the client lists the sessions of this place.
        let fork = snap(&["resume", "x", "--fork", "--json"]).json()["session_id"].clone();
        assert!(folder.join(format!("{}.jsonl", fork.as_str().must("an id"))).is_file());
        api.clear();
        print(&["--continue", "and on"]);
        let sent = api.main().pop().must("a request").body["messages"].to_string();
        assert!(sent.contains("hello") && sent.contains("and on"), "{sent}");
        assert_eq!(transcripts(&project).len(), 2, "it went on in one that was there");
    }
}

/// A session on a terminal in which one thing was said; its id and transcript.
fn spoken(client: &Client, project: &Project, api: &StandIn) -> (String, PathBuf) {
    project.home.trust(&[project.root()]);
    let id = client.print(&project.home, project.root(), api, &[], "say hello").succeeded().session_id;
    let transcript = project.home.project(project.root()).join(format!("{id}.jsonl"));
    (id, transcript)
}

/// `snap resume` on a terminal, which becomes the client.
fn resumed_on(client: &Client, project: &Project, api: &StandIn, variables: &[(&str, &str)]) -> Screen {
    let mut command: Command = project.command(project.root(), &["resume", "x", "--grants", "none"]);
    let screen =
        Screen::of(command.envs(client.environment(&project.home, api)).envs(variables.iter().copied()));
    // The prompt is in the plan of `snap` too; the answer is shown by the client only.
    screen.shows("fine");
    screen
}

fn a_session_that_is_opened_and_left_stays_one_session(client: &Client) {
    if !screen::available() {
        return;
    }
    let (project, api) = (Project::new(), StandIn::start(script));
    let (id, transcript) = spoken(client, &project, &api);
    project.snap(&["save", "x"]).exits(0);
    let saved = fs::read(&transcript).must("the transcript");
    for _ in 0..2 {
        resumed_on(client, &project, &api, &[]).leave(&["C-c"]);
        assert_eq!(transcripts(&project), std::slice::from_ref(&transcript), "no copy");
    }
    let now = fs::read(&transcript).must("the transcript");
    let added = now.strip_prefix(saved.as_slice()).must("what was saved, and more");
    assert!(!added.is_empty(), "the client has written of its own accord");
    let resumed = project.snap(&["resume", "x", "--json"]).exits(0).json();
    let same = (&resumed["session_id"], &resumed["continues"]) == (&json!(id), &json!(true));
    assert!(same, "{resumed}\n{}", String::from_utf8_lossy(added));
    let sent = go_on(client, &project, &api, &resumed, "and on");
    assert!(sent.contains("say hello") && sent.contains("and on"), "{sent}");
    // Something was said since: what was saved is another state now.
    let resumed = project.snap(&["resume", "x", "--json"]).exits(0).json();
    assert_eq!(resumed["renamed"], true);
}

fn a_client_that_is_started_below_another_writes_its_transcript(client: &Client) {
    if !screen::available() {
        return;
    }
    let (project, api) = (Project::new(), StandIn::start(script));
    let (id, transcript) = spoken(client, &project, &api);
    project.snap(&["save", "x"]).exits(0);
    let marks = [
        ("CLAUDE_CODE_CHILD_SESSION", "1"),
        ("CLAUDE_CODE_SESSION_ID", id.as_str()),
        ("CLAUDE_CODE_ENTRYPOINT", "cli"),
    ];
    let screen = resumed_on(client, &project, &api, &marks);
    screen.enter("new words");
    eventually("what was said is in the transcript", || written(&transcript, "new words"));
}
