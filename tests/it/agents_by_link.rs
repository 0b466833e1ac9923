//! An agent at work while its session is sent to the background: the client goes on under a new id and links the agent's
//! transcript to the one beside the old session.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::interactive::claude;
use crate::real_client::go_on;
use crate::support::api::{Gate, StandIn};
use crate::support::client::Client;
use crate::support::project::{Project, ran};
use crate::support::screen::{self, Screen};
use crate::support::work::{assert_agent_goes_on, holding_agents};
use crate::support::{Must, eventually};

/// The client's own supervisor of what runs in the background of a home; ended when dropped, with all that it runs.
struct Supervisor<'a> {
    client: &'a Client,
    project: &'a Project,
    api: &'a StandIn,
}

impl Drop for Supervisor<'_> {
    fn drop(&mut self) {
        let mut stop = Command::new(self.client.bin_dir().join("claude"));
        stop.args(["daemon", "stop", "--any"]).env_clear();
        stop.envs(self.client.environment(&self.project.home, self.api)).current_dir(self.project.root());
        ran(&mut stop);
    }
}

#[test]
fn an_agent_that_the_client_linked_in_the_background_goes_on_elsewhere_with_its_whole_history() {
    let Some(client) = Client::newest() else { return };
    if !screen::available() {
        return;
    }
    let gate = Gate::new();
    let api = StandIn::start(holding_agents(gate.latch()));
    let project = Project::new();
    project.home.trust(&[project.root()]);
    let supervisor = Supervisor { client: &client, project: &project, api: &api };
    let screen = Screen::of(&claude(&client, &project, &api, &["--permission-mode", "acceptEdits"]));
    screen.shows("accept edits on");
    screen.enter("launch one");
    screen.shows("launched");
    eventually("the agent's request", || !api.agents().is_empty());
    let agent = api.agents().pop().must("an agent");
    let folder = project.home.project(project.root());
    let sessions = || {
        let all = fs::read_dir(&folder).must("a folder").flatten().map(|entry| entry.path());
        all.filter(|path| path.is_dir()).collect::<Vec<_>>()
    };
    let of_agent = |session: &Path| session.join(format!("subagents/agent-{agent}.jsonl"));
    let has = |path: &Path, words: &str| fs::read_to_string(path).is_ok_and(|text| text.contains(words));
    eventually("the agent's task in its transcript", || {
        sessions().iter().any(|session| has(&of_agent(session), "Look around"))
    });
    screen.enter("/background");
    let linked = || sessions().into_iter().find(|session| of_agent(session).is_symlink());
    eventually("the client's own link", || linked().is_some());
    let session = linked().must("the session in the background");
    gate.open();
    let transcript = session.with_extension("jsonl");
    // What came before is written there too, and not at once.
    let all = ["launch one", "<status>completed</status>", "\"text\":\"done\""];
    eventually("the agent's end and the answer to it in the new transcript", || {
        all.iter().all(|words| has(&transcript, words))
    });
    assert!(of_agent(&session).is_symlink(), "it still is the client's own link");
    let id = session.file_name().and_then(|name| name.to_str()).must("an id");
    let saved = project.snap(&["save", "x"]).exits(0).stdout;
    assert!(saved.contains(id) && saved.contains("1 agent"), "{saved}");
    drop(screen);
    drop(supervisor);

    let clone = project.cloned();
    let store = project.stored("");
    let resumed =
        clone.snap(&["resume", "x", "--store", store.to_str().must("UTF-8"), "--json"]).exits(0).json();
    let there = of_agent(&clone.home.project(clone.root()).join(id));
    assert!(there.symlink_metadata().must("the agent's transcript").is_file(), "a file of its own");
    let requests = go_on(&client, &clone, &api, &resumed, &format!("tell {agent}"));
    assert_agent_goes_on(&client, &api, &agent, &requests);
}
