//! The harness at work on the real client, and the facts about the client that the other tests build on.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::api::{Gate, Reply, Request, Speaker, StandIn};
use crate::support::client::{Client, Home};
use crate::support::messages::{assert_continues, last_result_of, messages_of, relocated};
use crate::support::work::{assert_agent_goes_on, assert_tasks, holding_agents, script};
use crate::support::{Must, copy_tree, eventually};

with_both_clients! {
    a_resumed_session_sends_the_same_messages_and_the_new_prompt
}

with_the_newest_client! {
    a_resumed_session_lists_its_tasks
    a_resumed_session_reaches_its_old_agent
    session_files_copied_to_another_home_and_folder_carry_the_whole_session
    a_transcript_copied_alone_loses_the_tasks_and_the_agents
    a_running_client_is_on_record_until_it_ends
    an_agent_can_be_held_running_in_the_background
    a_killed_client_leaves_a_session_that_resumes
    a_compacted_session_resumes_with_its_summary_in_place_of_its_history
    claude_is_found_on_the_path_of_the_environment
}

/// Where one session lives: a home and a working directory with a file in it.
struct Place {
    home: Home,
    _root: TempDir,
    cwd: PathBuf,
}

impl Place {
    fn new(folder: &str) -> Self {
        let root = TempDir::new().must("a temporary folder");
        let cwd = root.path().canonicalize().must("its path").join(folder);
        fs::create_dir(&cwd).must("a working directory");
        fs::write(cwd.join("notes.txt"), "one\ntwo\n").must("a file to edit");
        Self { home: Home::new(), _root: root, cwd }
    }

    fn transcript(&self, session: &str) -> PathBuf {
        self.home.project(&self.cwd).join(format!("{session}.jsonl"))
    }
}

/// A session that did some work, and the last request it made.
struct Worked {
    session: String,
    last: Request,
    agent: String,
}

#[track_caller]
fn work(client: &Client, place: &Place, api: &StandIn) -> Worked {
    let prompt = format!("work {}", place.cwd.display());
    let done = client.print(&place.home, &place.cwd, api, &[], &prompt).succeeded();
    assert_eq!(done.json["result"], "all done", "{}", done.stdout);
    assert_eq!(fs::read_to_string(place.cwd.join("new.txt")).must("the new file"), "hello\n");
    assert_eq!(fs::read_to_string(place.cwd.join("notes.txt")).must("the edited file"), "uno\ntwo\n");
    let last = api.main().pop().must("a request of the conversation");
    let agents = api.agents();
    assert_eq!(agents.len(), 1, "one sub-agent worked: {agents:?}");
    api.clear();
    Worked { session: done.session_id, last, agent: agents[0].clone() }
}

/// Resumes the session with this prompt and returns the conversation's requests.
#[track_caller]
fn resume(client: &Client, place: &Place, api: &StandIn, session: &str, prompt: &str) -> Vec<Request> {
    api.clear();
    let done = client.print(&place.home, &place.cwd, api, &["--resume", session], prompt).succeeded();
    assert_eq!(done.session_id, session, "a resumed session keeps its id");
    api.main()
}

#[track_caller]
fn assert_prefix(worked: &Worked, resumed: &Request, prompt: &str) {
    let saved = worked.last.messages();
    let found = resumed.messages();
    assert_continues(&saved, &found);
    let said = |role: &str, text: &str| json!({"role": role, "content": {"type": "text", "text": text}});
    assert_eq!(found[saved.len()..], [said("assistant", "all done"), said("user", prompt)]);
}

fn a_resumed_session_sends_the_same_messages_and_the_new_prompt(client: &Client) {
    let (place, api) = (Place::new("app"), StandIn::start(script));
    let worked = work(client, &place, &api);
    let requests = resume(client, &place, &api, &worked.session, "what next");
    assert_eq!(requests.len(), 1);
    assert_prefix(&worked, &requests[0], "what next");
    assert_eq!(requests[0].session.as_deref(), Some(worked.session.as_str()));
}

fn a_resumed_session_lists_its_tasks(client: &Client) {
    let (place, api) = (Place::new("app"), StandIn::start(script));
    let worked = work(client, &place, &api);
    assert_tasks(&resume(client, &place, &api, &worked.session, "list tasks"));
}

fn a_resumed_session_reaches_its_old_agent(client: &Client) {
    let (place, api) = (Place::new("app"), StandIn::start(script));
    let worked = work(client, &place, &api);
    let prompt = format!("tell {}", worked.agent);
    let requests = resume(client, &place, &api, &worked.session, &prompt);
    assert_agent_goes_on(client, &api, &worked.agent, &requests);
}

fn session_files_copied_to_another_home_and_folder_carry_the_whole_session(client: &Client) {
    let (old, api) = (Place::new("app"), StandIn::start(script));
    let worked = work(client, &old, &api);
    let new = Place::new("other place");
    copy_tree(&old.home.project(&old.cwd), &new.home.project(&new.cwd));
    copy_tree(&old.home.tasks(&worked.session), &new.home.tasks(&worked.session));
    drop(old);

    let requests = resume(client, &new, &api, &worked.session, "list tasks");
    assert_prefix(&worked, requests.first().must("a request"), "list tasks");
    assert_tasks(&requests);
    let prompt = format!("tell {}", worked.agent);
    let requests = resume(client, &new, &api, &worked.session, &prompt);
    assert_continues(&worked.last.messages(), &requests.first().must("a request").messages());
    assert_agent_goes_on(client, &api, &worked.agent, &requests);
}

fn a_transcript_copied_alone_loses_the_tasks_and_the_agents(client: &Client) {
    let (old, api) = (Place::new("app"), StandIn::start(script));
    let worked = work(client, &old, &api);
    let new = Place::new("app");
    let transcript = new.transcript(&worked.session);
    fs::create_dir_all(new.home.project(&new.cwd)).must("a project folder");
    fs::copy(old.transcript(&worked.session), transcript).must("a copy of the transcript");

    let requests = resume(client, &new, &api, &worked.session, "list tasks");
    let last = requests.last().must("a request after TaskList");
    assert_eq!(last_result_of(&last.body, "TaskList").as_deref(), Some("No tasks found"));
    let prompt = format!("tell {}", worked.agent);
    let requests = resume(client, &new, &api, &worked.session, &prompt);
    let told = last_result_of(&requests.last().must("a request").body, "SendMessage").must("its result");
    assert!(told.contains("\"success\":false"), "{told}");
    assert_eq!(api.agent(&worked.agent).len(), 0);
}

fn a_running_client_is_on_record_until_it_ends(client: &Client) {
    let gate = Gate::new();
    let latch = gate.latch();
    let (place, api) = (
        Place::new("app"),
        StandIn::start(move |turn| {
            latch.wait();
            script(turn)
        }),
    );
    let running = client.spawn(&place.home, &place.cwd, &api, &[], "hello there");
    api.wait_for("the first request", |requests| !requests.is_empty());
    // It is made beside the first request.
    eventually("a record of the live session", || place.home.live(running.pid()).is_some());
    let live = place.home.live(running.pid()).must("a record of the live session");
    assert_eq!(live["pid"], running.pid());
    assert_eq!(live["cwd"], place.cwd.display().to_string());
    assert_eq!(live["version"], client.version);
    assert_eq!(live["sessionId"], api.main()[0].session.as_deref().unwrap_or_default());
    #[cfg(target_os = "linux")]
    assert_eq!(live["procStart"], started(running.pid()), "the start time as the system counts it");
    let status = if !client.is_oldest() { json!("busy") } else { Value::Null };
    eventually("what the newer client is doing", || {
        place.home.live(running.pid()).is_some_and(|live| live["status"] == status)
    });
    gate.open();
    let pid = running.pid();
    running.finish().succeeded();
    assert_eq!(place.home.live(pid), None);
}

fn an_agent_can_be_held_running_in_the_background(client: &Client) {
    let gate = Gate::new();
    let (place, api) = (Place::new("app"), StandIn::start(holding_agents(gate.latch())));
    let running = client.spawn(&place.home, &place.cwd, &api, &[], "launch one");
    api.wait_for("the agent's request and the end of the turn that launched it", |requests| {
        let agents = requests.iter().filter(|request| matches!(request.speaker, Speaker::Agent(_))).count();
        agents == 1 && requests.len() == 3
    });
    let agent = api.agents()[0].clone();
    let launched = last_result_of(&api.main()[1].body, "Agent").must("the launch's result");
    assert!(launched.contains(&agent), "{launched}");
    gate.open();
    let done = running.finish().succeeded();
    let requests = api.main();
    assert_eq!(requests.len(), 3, "the launch, its result, the agent's end");
    let transcript = fs::read_to_string(place.transcript(&done.session_id)).must("the transcript");
    assert!(transcript.contains("<status>completed</status>"));
    assert!(transcript.contains(&format!("<task-id>{agent}</task-id>")));
}

fn a_killed_client_leaves_a_session_that_resumes(client: &Client) {
    let gate = Gate::new();
    let (place, api) = (Place::new("app"), StandIn::start(holding_agents(gate.latch())));
    let running = client.spawn(&place.home, &place.cwd, &api, &[], "launch one");
    api.wait_for("the agent's request and the end of the turn that launched it", |requests| {
        requests.len() == 3
    });
    let session = api.main()[0].session.clone().must("a session id");
    let saved = api.main()[1].messages();
    let transcript = place.transcript(&session);
    eventually("the end of the turn in the transcript, which the client writes some time after it", || {
        fs::read_to_string(&transcript).is_ok_and(|text| text.contains(r#""text":"launched""#))
    });
    // An agent that has no transcript yet is not announced by the client that resumes.
    let its_own = transcript.with_extension("").join(format!("subagents/agent-{}.jsonl", api.agents()[0]));
    eventually("the agent's task in its own transcript, which the client writes some time after it", || {
        fs::read_to_string(&its_own).is_ok_and(|text| text.lines().any(|line| line.contains("Look around")))
    });
    let pid = running.pid();
    running.kill();
    assert!(place.home.live(pid).is_some(), "a killed client leaves its record behind");
    gate.open();
    let requests = resume(client, &place, &api, &session, "what next");
    assert_continues(&saved, &requests.first().must("a request").messages());
    // The newer client tells the model in addition that the agent did not finish.
    let told = requests[0].body.to_string().contains("<status>stopped</status>");
    assert_eq!(told, !client.is_oldest());
}

fn a_compacted_session_resumes_with_its_summary_in_place_of_its_history(client: &Client) {
    let (place, api) = (Place::new("app"), StandIn::start(script));
    let worked = work(client, &place, &api);
    resume(client, &place, &api, &worked.session, "/compact");
    let sides = api.requests();
    assert_eq!(sides.len(), 1, "the summary only");
    assert_eq!(sides[0].speaker, Speaker::Side);
    assert_continues(&worked.last.messages(), &sides[0].messages());
    let requests = resume(client, &place, &api, &worked.session, "what next");
    let messages = requests.first().must("a request").messages();
    let transcript = place.transcript(&worked.session);
    let summary = messages.iter().filter_map(|message| message["content"]["text"].as_str());
    let summary = summary.into_iter().find(|text| text.contains("What happened so far")).must("the summary");
    assert!(summary.contains(&transcript.display().to_string()), "it names the transcript: {summary}");
    assert!(messages.iter().all(|message| message["content"]["type"] == "text"), "no tool call is left");

    let boundary = fs::read_to_string(transcript).must("the transcript");
    let boundary = boundary.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let boundary =
        boundary.into_iter().find(|record| record["subtype"] == "compact_boundary").must("its boundary");
    assert_eq!(boundary["compactMetadata"]["trigger"], "manual");
    // The newer client keeps the last messages from before the boundary in context and names them.
    let kept = &boundary["compactMetadata"]["preservedMessages"]["allUuids"];
    let kept = kept.as_array().map(Vec::len);
    assert_eq!(kept, (!client.is_oldest()).then_some(1));
    let answer = json!({"role": "assistant", "content": {"type": "text", "text": "all done"}});
    assert_eq!(messages.contains(&answer), !client.is_oldest());
}

fn claude_is_found_on_the_path_of_the_environment(client: &Client) {
    let (place, api) = (Place::new("app"), StandIn::start(script));
    let mut command = Command::new("sh");
    command.args(["-c", "command -v claude && claude --version"]).current_dir(&place.cwd);
    let said = command.env_clear().envs(client.environment(&place.home, &api)).output().must("a shell");
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let path = client.bin_dir().join("claude").display().to_string();
    assert!(said.starts_with(&path) && said.contains(client.version), "{said}");
}

#[test]
fn the_stand_in_reads_chunked_bodies_and_answers_whole_when_not_asked_to_stream() {
    let api = StandIn::start(|turn| Reply::text(&format!("{} {}", turn.prompt, turn.step)));
    let address = api.url().replace("http://", "");
    let mut stream = TcpStream::connect(&address).must("a connection");
    let body =
        r#"{"model":"m","messages":[{"role":"user","content":"hi <system-reminder>x</system-reminder>"}]}"#;
    let (first, second) = body.split_at(10);
    let head = "POST /v1/messages?beta=true HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    let (one, two) = (first.len(), second.len());
    write!(stream, "{head}{one:x}\r\n{first}\r\n{two:x}\r\n{second}\r\n0\r\n\r\n").must("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).must("an answer");
    let answer = answer.split_once("\r\n\r\n").must("a body").1;
    let answer: Value = serde_json::from_str(answer).must("JSON");
    assert_eq!(answer["content"], json!([{"type": "text", "text": "hi 0"}]));
    assert_eq!(api.requests()[0].speaker, Speaker::Side);
}

#[test]
fn messages_of_a_moved_conversation_compare_after_their_paths_are_replaced() {
    let said = |path: &str| json!({"messages": [{"role": "user", "content": format!("see {path}/a")}]});
    let moved = relocated(&messages_of(&said("/old")), &[("/old", "/new place")]);
    assert_eq!(moved, messages_of(&said("/new place")));
}

/// Field 22 of the process's `stat`: when it started, in clock ticks since boot.
#[cfg(target_os = "linux")]
fn started(pid: u32) -> String {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).must("the process's stat");
    let after_name = stat.rsplit_once(')').must("the process's name").1;
    after_name.split_whitespace().nth(19).must("its start time").to_owned()
}
