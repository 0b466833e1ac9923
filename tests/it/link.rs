//! `snap link`: saved moments in the client's own list of sessions.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::Must;
use crate::support::api::{Reply, StandIn, Turn};
use crate::support::client::Client;
use crate::support::project::{Project, files_below};

with_the_newest_client! {
    the_client_itself_finds_a_linked_moment_by_its_name
}

const ID: &str = "c137e379-838e-4509-8148-16b407691758";

fn script(turn: &Turn) -> Reply {
    Reply::text(&format!("answer to {}", turn.prompt))
}

fn the_client_itself_finds_a_linked_moment_by_its_name(client: &Client) {
    let project = Project::new();
    let api = StandIn::start(script);
    let first = client.print(&project.home, project.root(), &api, &[], "the first thing").succeeded();
    let saved = project.snap(&["save", "before it", "--link"]).exits(0);
    // A session that was begun with `-p` is found by its id in a terminal, not by its name.
    assert!(
        saved.stderr.contains("claude --resume ") && !saved.stderr.contains("before it'"),
        "{}",
        saved.stderr
    );
    project.snap(&["link"]).exits(0).says(&["begun with `claude -p`", "by its id"]);
    let on = |title: &str, prompt: &str| {
        api.clear();
        client.print(&project.home, project.root(), &api, &["--resume", title], prompt).succeeded();
        api.main().first().must("a request").body.to_string()
    };
    let later = ["--resume", first.session_id.as_str()];
    client.print(&project.home, project.root(), &api, &later, "the second thing").succeeded();
    let asked = on("before it", "go on");
    assert!(asked.contains("the first thing") && !asked.contains("the second thing"), "{asked}");
    // `latest` moves on with each save; what was asked of it before is in nobody's way.
    let save = ["save", "after it", "--session", first.session_id.as_str()];
    project.snap(&save).exits(0);
    let asked = on("latest", "go on");
    assert!(asked.contains("the first thing") && asked.contains("the second thing"), "{asked}");
}

/// The transcripts of this project, but for the one of the session itself.
fn linked(project: &Project) -> Vec<PathBuf> {
    let all = files_below(&project.home.project(project.root())).into_iter();
    let of_sessions = |file: &PathBuf| {
        file.parent() == Some(&project.home.project(project.root())) && !file.to_string_lossy().contains(ID)
    };
    all.filter(of_sessions).collect()
}

#[test]
fn a_link_names_what_the_client_finds_it_by_in_a_terminal() {
    let project = Project::new();
    let transcript = project.session(ID);
    project.snap(&["save", "typed"]).exits(0);
    assert!(project.snap(&["link", "typed"]).exits(0).stdout.contains("claude --resume typed"));
    let text = fs::read_to_string(&transcript).must("to read");
    fs::write(&transcript, text.replace("{\"", "{\"entrypoint\":\"sdk-cli\",\"")).must("to write");
    project.snap(&["save", "printed"]).exits(0);
    let ran = project.snap(&["link", "printed"]).exits(0).says(&["begun with `claude -p`", "by its id"]);
    let id = ran.stdout.trim().rsplit(' ').next().must("an id").to_owned();
    assert!(linked(&project).iter().any(|file| file.ends_with(format!("{id}.jsonl"))), "{}", ran.stdout);
}

#[test]
fn a_link_goes_with_its_snapshot_and_leaves_nothing() {
    let project = Project::new();
    project.session(ID);
    let before = files_below(&project.home.config());
    project.snap(&["save", "x", "--link"]).exits(0);
    assert_eq!(linked(&project).len(), 1);
    let text = fs::read_to_string(&linked(&project)[0]).must("the transcript");
    assert!(text.contains(r#""customTitle":"x""#), "{text}");
    // Again: one link of that name.
    project.snap(&["link", "x"]).exits(0);
    assert_eq!(linked(&project).len(), 1);
    project.snap(&["rm", "x"]).exits(0);
    assert_eq!(linked(&project).len(), 1, "as long as it is in the trash");
    project.snap(&["prune", "--now"]).exits(0);
    assert_eq!(files_below(&project.home.config()), before);
    project.snap(&["save", "y", "--link"]).exits(0);
    project.snap(&["link", "y", "--remove"]).exits(0);
    assert_eq!(files_below(&project.home.config()), before);
    project.snap(&["link", "y", "--remove"]).exits(3).says(&["There is no link"]);
    project.snap(&["save", "z", "--history", "none"]).exits(0);
    project.snap(&["link", "z"]).exits(3).says(&["it holds no conversation"]);
}

#[test]
fn a_link_that_somebody_went_on_with_is_never_deleted() {
    let project = Project::new();
    project.session(ID);
    project.snap(&["save", "x", "--link"]).exits(0);
    let went_on = linked(&project).pop().must("the linked session");
    project.append(&went_on, b"{\"type\":\"user\",\"message\":{\"content\":\"more\"}}\n");
    project.snap(&["rm", "x", "--now"]).exits(0);
    assert_eq!(linked(&project), [went_on]);
}

#[test]
fn latest_moves_on_and_a_link_is_never_taken_for_the_session_to_save() {
    let project = Project::new();
    let transcript = project.session(ID);
    project.snap(&["save", "one"]).exits(0);
    project.snap(&["link", "latest"]).exits(0);
    let first = linked(&project);
    assert_eq!(first.len(), 1);
    project.append(
        &transcript,
        format!("{}\n", json!({"type": "user", "message": {"content": "more"}})).as_bytes(),
    );
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(3_600);
    fs::File::options().append(true).open(&transcript).must("it").set_modified(old).must("a time");
    let saved: Value = project.snap(&["save", "two", "--json"]).exits(0).json();
    assert_eq!(saved["session_id"], ID, "the link is newer, but nobody's work");
    let second = linked(&project);
    assert_eq!(second.len(), 1);
    assert_ne!(first, second);
    assert!(fs::read_to_string(&second[0]).must("it").contains("more"));
    // Somebody else's is not linked unasked.
    let other = project.cloned().of_another_user();
    let store = project.stored("");
    other.snap(&["link", "two", "--store", store.to_str().must("UTF-8")]).exits(3).says(&["not your own"]);
}
