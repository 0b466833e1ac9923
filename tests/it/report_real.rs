//! `snap report` of sessions of the real client: what it keeps of calls, tasks and agents is where a report looks for it.

use serde_json::{Value, json};

use crate::support::Must;
use crate::support::api::StandIn;
use crate::support::client::Client;
use crate::support::page::Page;
use crate::support::project::Project;
use crate::support::work::script;

with_the_newest_client! {
    a_page_of_a_real_session_links_its_tasks_agents_and_edits_with_the_calls
}

fn a_page_of_a_real_session_links_its_tasks_agents_and_edits_with_the_calls(client: &Client) {
    let (project, api) = (Project::new(), StandIn::start(script));
    project.write("notes.txt", "one\ntwo\n");
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "notes"]);
    let prompt = format!("work {}", project.root().display());
    client
        .print(&project.home, project.root(), &api, &["--dangerously-skip-permissions"], &prompt)
        .succeeded();
    project.snap(&["save", "x"]).exits(0);
    project.snap(&["report", "-o", "page.html"]).exits(0);
    let page = Page::read(&project.read("page.html"));
    let items = page.items();
    let of = |tool: &str| -> Vec<usize> {
        let numbered = items.iter().enumerate();
        numbered.filter(|(_, item)| item.0 == 'c' && item.1 == tool).map(|(number, _)| number).collect()
    };
    assert_eq!(page.said('p')[0], prompt);
    assert!(page.said('a').contains(&"all done".to_owned()));
    // The tasks, with the calls that made and moved them.
    let (made, moved) = (of("TaskCreate"), of("TaskUpdate"));
    let tasks = &page.index["tasks"];
    let moves = |task: usize| tasks[task]["moves"].clone();
    assert_eq!(
        (&tasks[0]["subject"], tasks[0]["status"].as_str()),
        (&json!("Write parser"), Some("in_progress"))
    );
    assert_eq!(
        moves(0),
        json!([{"item": made[0], "status": "pending"}, {"item": moved[0], "status": "in_progress"}])
    );
    assert_eq!(
        (moves(1), &tasks[1]["blocked_by"]),
        (json!([{"item": made[1], "status": "pending"}]), &json!(["1"]))
    );
    // The agent, with the call that started it.
    let agent = of("Agent").into_iter().chain(of("Task")).next().must("a call that started an agent");
    assert_eq!(page.index["agents"], json!([[agent, 1]]));
    assert_eq!(page.index["threads"][1]["parent"], json!({"thread": 0, "item": agent}));
    assert_eq!(page.index["threads"][1]["about"], "look around");
    assert!(page.said('a').contains(&"found things".to_owned()));
    // The edits: one that a call explains, and one that a command made.
    let edit = of("Edit")[0];
    assert!(items[edit].2.starts_with("@@ -1 +1 @@\n-one\n+uno\n"), "{:?}", items[edit]);
    let edits = page.index["edits"].as_array().must("edits");
    let by = |path: &str| -> Value {
        edits.iter().find(|edit| edit["path"] == path).must("an edit")["items"].clone()
    };
    assert_eq!((by("notes.txt"), by("new.txt")), (json!([edit]), json!([])));
    assert_eq!(page.index["size"]["changed"], json!([[edit, 1, 1]]));
    assert_ne!(page.index["size"]["context"], json!([]));
    assert_eq!((&page.index["failed"], &page.index["open"]), (&json!([]), &json!([])));
}
