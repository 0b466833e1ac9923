//! The promise itself, on the real client: work is saved with `snap`, resumed with `snap`, and the client goes on.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::{Value, json};

use crate::support::api::{Gate, Request, Speaker, StandIn};
use crate::support::client::Client;
use crate::support::messages::{assert_continues, relocated};
use crate::support::project::{Project, ran};
use crate::support::work::{assert_agent_goes_on, assert_tasks, holding_agents, script};
use crate::support::{Must, eventually};

with_both_clients! {
    a_session_goes_on_in_a_clone_under_another_home
    kept_paths_leave_every_message_byte_for_byte
    rewritten_paths_leave_no_mention_of_the_old_place
    a_fork_goes_on_in_place_as_a_new_session
    a_session_goes_on_in_a_linked_work_tree
    a_session_of_a_linked_work_tree_goes_on_wherever_it_is_taken
    a_session_is_found_by_the_snapshots_name
    a_live_session_is_saved_while_its_agent_runs
    queued_prompts_are_the_first_that_a_person_lets_the_client_have
}

/// What was saved and what must come back.
struct Saved {
    session: String,
    last: Request,
    agent: String,
    state: String,
}

fn project() -> Project {
    let project = Project::new();
    project.write("notes.txt", "one\ntwo\n");
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "notes"]);
    project
}

/// Has the client work in the project, and saves that as "first save".
#[track_caller]
fn work_and_save(client: &Client, project: &Project, api: &StandIn) -> Saved {
    let prompt = format!("work {}", project.root().display());
    let done = client.print(&project.home, project.root(), api, &[], &prompt).succeeded();
    let last = api.main().pop().must("a request of the conversation");
    let agent = api.agents().pop().must("a sub-agent");
    let saved = project.snap(&["save", "first save", "--json"]).exits(0).json();
    assert_eq!(saved["session_id"], done.session_id);
    assert_eq!(
        (&saved["tasks"], &saved["agents"], &saved["edits"]["files"]),
        (&json!(2), &json!(1), &json!(2))
    );
    Saved { session: done.session_id, last, agent, state: project.state() }
}

/// Runs the command that `snap resume --json` gave, with a prompt, and returns the conversation's requests.
#[track_caller]
pub(crate) fn go_on(
    client: &Client,
    project: &Project,
    api: &StandIn,
    resumed: &Value,
    prompt: &str,
) -> Vec<Request> {
    api.clear();
    let command: Vec<&str> =
        resumed["resume"]["command"].as_array().must("a command").iter().filter_map(Value::as_str).collect();
    assert_eq!(command[0], "claude");
    let cwd = Path::new(resumed["resume"]["cwd"].as_str().must("a folder"));
    client.print(&project.home, cwd, api, &command[1..], prompt).succeeded();
    api.main()
}

/// Everything that must have come back: the conversation with its paths moved, the tasks, the agent.
#[track_caller]
fn assert_goes_on(
    client: &Client,
    project: &Project,
    api: &StandIn,
    resumed: &Value,
    saved: &Saved,
    moves: &[(&str, &str)],
) {
    let requests = go_on(client, project, api, resumed, "list tasks");
    let messages = requests.first().must("a request").messages();
    let before = relocated(&saved.last.messages(), moves);
    assert_continues(&before, &messages);
    let said = |role: &str, text: &str| json!({"role": role, "content": {"type": "text", "text": text}});
    assert_eq!(messages[before.len()..], [said("assistant", "all done"), said("user", "list tasks")]);
    assert_tasks(&requests);
    let requests = go_on(client, project, api, resumed, &format!("tell {}", saved.agent));
    assert_agent_goes_on(client, api, &saved.agent, &requests);
}

fn a_session_goes_on_in_a_clone_under_another_home(client: &Client) {
    let (project, api) = (project(), StandIn::start(script));
    let saved = work_and_save(client, &project, &api);
    let clone = project.cloned();
    let store = project.stored("");
    let store = store.to_str().must("UTF-8");
    let resumed = clone.snap(&["resume", "first save", "--store", store, "--json"]).exits(0).json();
    assert_eq!(resumed["session_id"], saved.session, "nothing here has the id: it is kept");
    assert_eq!(clone.state(), saved.state);
    let (old, new) = (utf8(project.root()), utf8(clone.root()));
    drop(project);
    assert_goes_on(client, &clone, &api, &resumed, &saved, &[(&old, &new)]);
}

fn kept_paths_leave_every_message_byte_for_byte(client: &Client) {
    let (project, api) = (project(), StandIn::start(script));
    let saved = work_and_save(client, &project, &api);
    let clone = project.cloned();
    let store = utf8(&project.stored(""));
    let resumed = clone.snap(&["resume", "--paths", "keep", "--store", &store, "--json"]).exits(0).json();
    assert_eq!(resumed["paths"]["mode"], "keep");
    assert_goes_on(client, &clone, &api, &resumed, &saved, &[]);
}

fn rewritten_paths_leave_no_mention_of_the_old_place(client: &Client) {
    let (project, api) = (project(), StandIn::start(script));
    let saved = work_and_save(client, &project, &api);
    // The summary that a compaction leaves names the transcript's own path.
    client.print(&project.home, project.root(), &api, &["--resume", &saved.session], "/compact").succeeded();
    client.print(&project.home, project.root(), &api, &["--resume", &saved.session], "what next").succeeded();
    project.snap(&["save", "compacted"]).exits(0);
    let clone = project.cloned();
    let store = utf8(&project.stored(""));
    let old_home = utf8(project.home.path());
    for name in ["first save", "compacted"] {
        let resumed =
            clone.snap(&["resume", name, "--no-edits", "--store", &store, "--json"]).exits(0).json();
        assert_eq!(resumed["paths"]["left"], 0);
        let requests = go_on(client, &clone, &api, &resumed, "list tasks");
        let body = requests.first().must("a request").body.to_string();
        assert!(!body.contains(&old_home), "{name}: {}", around(&body, &old_home));
        assert!(
            name == "first save" || body.contains(&utf8(&clone.home.config())),
            "the summary's own path is here"
        );
    }
}

fn utf8(path: &Path) -> String {
    path.to_str().must("a UTF-8 path").to_owned()
}

fn around(text: &str, word: &str) -> String {
    let at = text.find(word).unwrap_or_default();
    String::from_utf8_lossy(&text.as_bytes()[at.saturating_sub(200)..text.len().min(at + 200)]).into_owned()
}

fn a_fork_goes_on_in_place_as_a_new_session(client: &Client) {
    let (project, api) = (project(), StandIn::start(script));
    let saved = work_and_save(client, &project, &api);
    let transcript = project.home.project(project.root()).join(format!("{}.jsonl", saved.session));
    let before = fs::read(&transcript).must("the transcript");
    let resumed = project.snap(&["resume", "first save", "--fork", "--json"]).exits(0).json();
    assert_ne!(resumed["session_id"], saved.session.as_str());
    assert_goes_on(client, &project, &api, &resumed, &saved, &[]);
    assert_eq!(fs::read(&transcript).must("the transcript"), before, "the saved session itself is untouched");
    assert_eq!(project.state(), saved.state);
}

fn a_session_goes_on_in_a_linked_work_tree(client: &Client) {
    let (project, api) = (project(), StandIn::start(script));
    let saved = work_and_save(client, &project, &api);
    let linked = project.home.path().join("linked tree");
    project.git(&["worktree", "add", "-q", "-b", "feature", linked.to_str().must("UTF-8")]);
    let resumed = project.snap_in(&linked, &["resume", "first save", "--json"]).exits(0).json();
    assert_eq!(resumed["resume"]["cwd"], linked.to_str().must("UTF-8"));
    let edited = fs::read_to_string(linked.join("notes.txt")).must("the edited file");
    let created = fs::read_to_string(linked.join("new.txt")).must("the new file");
    assert_eq!((edited.as_str(), created.as_str()), ("uno\ntwo\n", "hello\n"));
    assert_goes_on(client, &project, &api, &resumed, &saved, &[(&utf8(project.root()), &utf8(&linked))]);
}

fn a_session_of_a_linked_work_tree_goes_on_wherever_it_is_taken(client: &Client) {
    let (project, api) = (project(), StandIn::start(script));
    let linked = project.home.path().join("linked");
    project.git(&["worktree", "add", "-q", "-b", "feature", &utf8(&linked)]);
    let prompt = format!("work {}", linked.display());
    client.print(&project.home, &linked, &api, &[], &prompt).succeeded();
    let before = api.main().pop().must("a request of the conversation").messages();
    project.snap_in(&linked, &["save", "x"]).exits(0);
    let store = utf8(&project.stored(""));

    // The main work tree of the same repository, on the same machine.
    let resumed = project.snap(&["resume", "x", "--json"]).exits(0).json();
    let requests = go_on(client, &project, &api, &resumed, "what next");
    let moved = relocated(&before, &[(&utf8(&linked), &utf8(project.root()))]);
    assert_continues(&moved, &requests.first().must("a request").messages());
    // A new work tree that snap makes.
    let resumed = project.snap(&["resume", "x", "--worktree", "again", "--json"]).exits(0).json();
    let requests = go_on(client, &project, &api, &resumed, "what next");
    let moved = relocated(&before, &[(&utf8(&linked), &utf8(&project.path(".claude/worktrees/again")))]);
    assert_continues(&moved, &requests.first().must("a request").messages());
    // Clones under other homes: a short path, a long one, and one that needs escapes everywhere.
    let long = "a/very/long/way/down/to/the/place/where/the/work/goes/on/linked2";
    for place in ["l", long, "größer \"è\" & 'co'"] {
        let clone = project.cloned_at(place);
        let resumed = clone.snap(&["resume", "x", "--store", &store, "--json"]).exits(0).json();
        let requests = go_on(client, &clone, &api, &resumed, "what next");
        let first = requests.first().must("a request");
        let moved = relocated(&before, &[(&utf8(&linked), &utf8(clone.root()))]);
        assert_continues(&moved, &first.messages());
        let body = first.body.to_string();
        assert!(
            !body.contains(&utf8(project.home.path())),
            "{place}: {}",
            around(&body, &utf8(project.home.path()))
        );
    }
}

fn a_session_is_found_by_the_snapshots_name(client: &Client) {
    let (project, api) = (project(), StandIn::start(script));
    let saved = work_and_save(client, &project, &api);
    let clone = project.cloned();
    let store = project.stored("");
    clone.snap(&["resume", "first save", "--store", store.to_str().must("UTF-8")]).exits(0);
    api.clear();
    client.print(&clone.home, clone.root(), &api, &["--resume", "first save"], "what next").succeeded();
    let moves = [(utf8(project.root()), utf8(clone.root()))];
    let before = relocated(&saved.last.messages(), &[(&moves[0].0, &moves[0].1)]);
    assert_continues(&before, &api.main().first().must("a request").messages());
}

fn a_live_session_is_saved_while_its_agent_runs(client: &Client) {
    let gate = Gate::new();
    let (project, api) = (project(), StandIn::start(holding_agents(gate.latch())));
    let running = client.spawn(&project.home, project.root(), &api, &[], "launch one");
    api.wait_for("the agent's request and the end of the turn that launched it", |requests| {
        requests.len() == 3 && requests.iter().any(|request| matches!(request.speaker, Speaker::Agent(_)))
    });
    let session = api.main()[0].session.clone().must("a session id");
    let transcript = project.home.project(project.root()).join(format!("{session}.jsonl"));
    eventually("the end of the turn in the transcript, which the client writes some time after it", || {
        fs::read_to_string(&transcript).is_ok_and(|text| text.contains(r#""text":"launched""#))
    });
    let agent = api.agents().pop().must("a sub-agent");
    let its_own = transcript.with_extension("").join(format!("subagents/agent-{agent}.jsonl"));
    eventually("the agent's own transcript, which the client writes some time after its request", || {
        fs::read_to_string(&its_own).is_ok_and(|text| text.contains('\n'))
    });
    project.snap(&["save", "live"]).exits(0);
    let shown = project.snap(&["show", "live", "--json"]).exits(0).json();
    assert_eq!(
        (&shown["session"]["id"], &shown["agents"][0]["status"]),
        (&json!(session), &json!("running"))
    );
    gate.open();
    running.finish().succeeded();
    project.snap(&["save", "ended"]).exits(0);
    let shown = project.snap(&["show", "ended", "--json"]).exits(0).json();
    assert_eq!((&shown["session"]["status"], &shown["agents"][0]["status"]), (&Value::Null, &json!("done")));
}

fn queued_prompts_are_the_first_that_a_person_lets_the_client_have(client: &Client) {
    let (project, api) = (project(), StandIn::start(script));
    let session = client.print(&project.home, project.root(), &api, &[], "hello").succeeded().session_id;
    let transcript = project.home.project(project.root()).join(format!("{session}.jsonl"));
    for prompt in ["-list tasks, please", "and go on"] {
        let record = json!({"type": "queue-operation", "operation": "enqueue", "content": prompt, "sessionId": session});
        project.append(&transcript, format!("{record}\n").as_bytes());
    }
    project.snap(&["save", "x"]).exits(0);
    let printed = project.snap(&["resume", "x", "--no-edits", "--json"]).exits(0).json();
    assert_eq!(printed["queue"], json!(["-list tasks, please", "and go on"]));
    let resume = |typed: &str, own: &[&str]| {
        api.clear();
        let mut command = project.command(project.root(), &["resume", "x", "--no-edits", "--", "-p"]);
        command.args(own).envs(client.environment(&project.home, &api));
        let said = answering_on_terminal(&mut command, typed);
        (said, api.main().iter().map(|request| request.body["messages"].to_string()).collect::<Vec<_>>())
    };
    let (said, requests) = resume("\n", &["--verbose"]);
    assert!(said.contains("as its first prompt? [Y/n]"), "{said}");
    let first = requests.first().must("a request");
    assert_eq!(first.matches(r"-list tasks, please\n\nand go on").count(), 1, "{first}");
    assert!(first.contains("hello"), "behind what was said before: {first}");
    // Not wanted, or there is one already.
    let (said, requests) = resume("n\n", &["--verbose"]);
    assert!(said.contains("[Y/n]") && requests.is_empty(), "{said}");
    let (said, requests) = resume("", &["mine"]);
    assert!(!said.contains("[Y/n]") && requests.first().must("a request").contains("mine"), "{said}");
    assert!(!requests.concat().contains("list tasks"), "{said}");
}

#[test]
fn on_a_terminal_resume_becomes_the_client_in_the_right_folder() {
    let project = project();
    project.session("c137e379-838e-4509-8148-16b407691758");
    project.snap(&["save", "x"]).exits(0);
    let bin = project.home.path().join("bin");
    fs::create_dir(&bin).must("a folder");
    fs::write(bin.join("claude"), "#!/bin/sh\necho \"claude in $(pwd) with $*\"\n")
        .must("a stand-in program");
    fs::set_permissions(bin.join("claude"), fs::Permissions::from_mode(0o755)).must("a mode");
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    let mut command = project.command(&project.path("sub"), &["resume", "x", "--", "--verbose", "two words"]);
    let said = on_terminal(command.env("PATH", path));
    let wanted = format!("claude in {} with --resume ", project.root().display());
    assert!(said.contains(&wanted) && said.contains(" --verbose two words"), "{said}");
}

#[test]
fn inside_a_client_resume_prints_the_command_instead_of_starting_another() {
    let project = project();
    project.session("c137e379-838e-4509-8148-16b407691758");
    project.snap(&["save", "x"]).exits(0);
    let said = on_terminal(project.command(project.root(), &["resume", "x"]).env("CLAUDECODE", "1"));
    assert!(said.contains("&& env -u CLAUDECODE claude --resume "), "{said}");
}

#[test]
fn without_a_client_resume_says_what_to_run_once_there_is_one() {
    let project = project();
    project.session("c137e379-838e-4509-8148-16b407691758");
    project.snap(&["save", "x"]).exits(0);
    let git = ran(std::process::Command::new("sh").args(["-c", "command -v git"])).stdout;
    let only_git = project.home.path().join("only-git");
    fs::create_dir(&only_git).must("a folder");
    std::os::unix::fs::symlink(git.trim(), only_git.join("git")).must("a link");
    let said = on_terminal(project.command(project.root(), &["resume", "x"]).env("PATH", only_git));
    assert!(said.contains("the client can't be started") && said.contains("&& claude --resume "), "{said}");
}

/// What a terminal's line discipline takes for the end of input.
const END_OF_INPUT: &str = "\x04";

/// Runs a command with a pseudo-terminal as its input and outputs; returns what it shows.
pub(crate) fn on_terminal(command: &mut std::process::Command) -> String {
    answering_on_terminal(command, "")
}

/// The same, with these lines typed ahead; any question behind them gets the end of input.
pub(crate) fn answering_on_terminal(command: &mut std::process::Command, typed: &str) -> String {
    let controller =
        openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).must("a pseudo-terminal");
    grantpt(&controller).must("the terminal's rights");
    unlockpt(&controller).must("the terminal's lock");
    let name = ptsname(&controller, Vec::new()).must("the terminal's name");
    let open = || -> OwnedFd {
        let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC;
        rustix::fs::open(&name, flags, rustix::fs::Mode::empty()).must("the terminal")
    };
    let (input, output, errors) = (open(), open(), open());
    fs::File::from(controller.as_fd().try_clone_to_owned().must("a copy"))
        .write_all(format!("{typed}{}", END_OF_INPUT.repeat(8)).as_bytes())
        .must("to type");
    let mut child =
        command.stdin(input).stdout(Stdio::from(output)).stderr(errors).spawn().must("to run snap");
    // Our copies of the terminal went with the command's; the child's end is the end of what is shown.
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut controller = fs::File::from(controller.as_fd().try_clone_to_owned().must("a copy"));
    let mut shown = Vec::new();
    // A terminal whose other side is closed ends in EIO on Linux.
    controller.read_to_end(&mut shown).ok();
    child.wait().must("the end of snap");
    String::from_utf8_lossy(&shown).replace("\r\n", "\n")
}
