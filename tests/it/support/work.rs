//! The work that the tests have the client do, as a script for the stand-in, and what must be left of it afterwards.

use serde_json::{Value, json};

use super::Must;
use super::api::{Latch, Reply, Request, Speaker, StandIn, Turn};
use super::client::Client;
use super::messages::last_result_of;

/// Answers by the first word of the prompt: `work FOLDER`, `list`, `tell AGENT`, `launch`; anything else is "fine".
pub(crate) fn script(turn: &Turn) -> Reply {
    match (&turn.request.speaker, turn.prompt.split_once(' ').unwrap_or_default()) {
        (Speaker::Side, _) => Reply::text("<summary>What happened so far</summary>"),
        (Speaker::Agent(_), _) if turn.prompt.contains("go on please") => Reply::text("went on"),
        (Speaker::Agent(_), _) => turn.play(vec![
            Reply::tool("Bash", json!({"command": "ls", "description": "list"})),
            Reply::text("found things"),
        ]),
        (Speaker::Main, ("tell", agent)) => turn.play(vec![
            Reply::tool("SendMessage", json!({"to": agent, "message": "go on please", "summary": "go on"})),
            Reply::text("told"),
        ]),
        (Speaker::Main, ("list", _)) => {
            turn.play(vec![Reply::tool("TaskList", json!({})), Reply::text("listed")])
        }
        (Speaker::Main, ("launch", _)) => {
            turn.play(vec![Reply::tool("Agent", launch(true)), Reply::text("launched")])
        }
        (Speaker::Main, ("work", folder)) => {
            let file = format!("{folder}/notes.txt");
            turn.play(vec![
                Reply::Tools(vec![
                    ("TaskCreate", json!({"subject": "Write parser", "description": "write the parser"})),
                    ("TaskCreate", json!({"subject": "Test parser", "description": "test the parser"})),
                ]),
                Reply::tool("TaskUpdate", json!({"taskId": "1", "status": "in_progress"})),
                Reply::tool("TaskUpdate", json!({"taskId": "2", "addBlockedBy": ["1"]})),
                Reply::tool("Bash", json!({"command": "echo hello > new.txt", "description": "make a file"})),
                Reply::tool("Read", json!({"file_path": file})),
                Reply::tool("Edit", json!({"file_path": file, "old_string": "one", "new_string": "uno"})),
                Reply::tool("Agent", launch(false)),
                Reply::text("all done"),
            ])
        }
        (Speaker::Main, _) => Reply::text("fine"),
    }
}

fn launch(background: bool) -> Value {
    json!({
        "description": "look around", "prompt": "Look around", "subagent_type": "general-purpose",
        "run_in_background": background,
    })
}

/// The script with the sub-agents' answers held back.
pub(crate) fn holding_agents(latch: Latch) -> impl Fn(&Turn) -> Reply {
    move |turn| {
        if let Speaker::Agent(_) = turn.request.speaker {
            latch.wait();
        }
        script(turn)
    }
}

/// The tasks that `work` made, as the model is told of them.
#[track_caller]
pub(crate) fn assert_tasks(requests: &[Request]) {
    let last = requests.last().must("a request after TaskList");
    let listed = last_result_of(&last.body, "TaskList").must("the result of TaskList");
    assert_eq!(listed, "#1 [in_progress] Write parser\n#2 [pending] Test parser [blocked by #1]");
}

/// The agent that `work` started has got the message and knows its own history.
#[track_caller]
pub(crate) fn assert_agent_goes_on(client: &Client, api: &StandIn, agent: &str, requests: &[Request]) {
    let told = requests.iter().find_map(|request| last_result_of(&request.body, "SendMessage"));
    let told: Value = serde_json::from_str(&told.must("the result of SendMessage")).must("an answer in JSON");
    assert_eq!(told["success"], true, "{told}");
    if !client.is_oldest() {
        assert_eq!(told["resumedAgentId"], agent);
    } else {
        let message = told["message"].as_str().unwrap_or_default();
        assert!(message.contains("had no active task; resumed from transcript"), "{message}");
    }
    let asked = api.agent(agent);
    let messages = asked.first().must("a request of the old agent").messages();
    let texts: Vec<&str> =
        messages.iter().filter_map(|message| message["content"]["text"].as_str()).collect();
    assert_eq!(texts.len(), 3, "the agent's task, its report and the message: {texts:?}");
    assert_eq!(texts[..2], ["Look around", "found things"]);
    assert!(texts[2].contains("go on please"), "{texts:?}");
    assert!(messages.iter().any(|message| message["content"]["name"] == "Bash"), "the agent's own history");
}
