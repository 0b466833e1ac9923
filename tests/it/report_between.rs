//! `snap report A B`: what lies between two snapshots, by place in the transcript. Clocks that went wrong change nothing.

use std::fs;

use serde_json::{Value, json};

use crate::report::{ID, answered, called, result, worked};
use crate::store::age;
use crate::support::Must;
use crate::support::page::Page;
use crate::support::project::Project;

/// A record that was said at a time.
fn at(time: &str, mut record: Value, uuid: &str, project: &Project) -> String {
    for (name, value) in [
        ("uuid", json!(uuid)),
        ("timestamp", json!(time)),
        ("cwd", json!(project.root())),
        ("sessionId", json!(ID)),
        ("version", json!("2.1.332")),
    ] {
        record[name] = value;
    }
    format!("{record}\n")
}

fn append(project: &Project, record: &str) {
    let file = project.home.project(project.root()).join(format!("{ID}.jsonl"));
    project.append(&file, record.as_bytes());
}

fn asked(text: &str) -> Value {
    json!({"type": "user", "message": {"role": "user", "content": text}})
}

fn between(project: &Project, old: &str, new: &str) -> Page {
    project.snap(&["report", old, new, "-o", "page.html"]).exits(0);
    let page = Page::read(&project.read("page.html"));
    fs::remove_file(project.path("page.html")).must("removed");
    page
}

#[test]
fn what_lies_between_is_what_the_second_transcript_has_beyond_the_first_whatever_the_clock_said() {
    let project = worked();
    // A clock that was ahead, and was set right later.
    append(&project, &at("2199-01-01T00:00:00.000Z", asked("said with a clock ahead"), "ahead", &project));
    project.snap(&["save", "x", "--history", "full"]).exits(0);
    append(&project, &at("2001-01-01T00:00:00.000Z", asked("said with a clock behind"), "behind", &project));
    append(
        &project,
        &at(
            "2001-01-01T00:00:01.000Z",
            answered(json!([{"type": "text", "text": "so it is"}])),
            "answer",
            &project,
        ),
    );
    project.snap(&["save", "y", "--history", "full"]).exits(0);
    let page = between(&project, "x", "y");
    assert_eq!(page.said('p'), ["said with a clock behind"]);
    assert_eq!(page.said('a'), ["so it is"]);
    assert_eq!(page.said('c'), Vec::<String>::new(), "what was open then is still open");
}

#[test]
fn a_call_that_ended_after_the_first_snapshot_is_what_lies_between() {
    let project = worked();
    append(
        &project,
        &at(
            "2026-11-21T05:00:00.000Z",
            called("slow", "Bash", json!({"command": "sleep"})),
            "slow",
            &project,
        ),
    );
    project.snap(&["save", "x", "--history", "full"]).exits(0);
    append(&project, &at("2026-11-21T04:00:00.000Z", result("slow", "awake", json!({})), "awake", &project));
    project.snap(&["save", "y", "--history", "full"]).exits(0);
    assert_eq!(between(&project, "x", "y").said('c'), ["sleep\nawake"]);
}

#[test]
fn two_snapshots_are_in_order_as_their_conversations_say_whenever_they_were_saved() {
    let project = worked();
    project.snap(&["save", "x", "--history", "full"]).exits(0);
    append(&project, &at("2026-11-21T05:00:00.000Z", asked("one thing more"), "more", &project));
    project.snap(&["save", "y", "--history", "full"]).exits(0);
    project.write("new.md", "newer\n");
    project.snap(&["save", "z", "--history", "full"]).exits(0);
    // The clock went back before the later ones were saved.
    age(&project, "y", 2);
    age(&project, "z", 4);
    assert_eq!(between(&project, "x", "y").said('p'), ["one thing more"]);
    project.snap(&["report", "y", "x", "-o", "no.html"]).exits(2).says(&["older one first"]);
    // Here the conversation says nothing, but which was saved after which.
    assert_eq!(between(&project, "y", "z").edits().len(), 1);
    project.snap(&["report", "z", "y", "-o", "no.html"]).exits(2).says(&["older one first"]);
}

#[test]
fn what_was_left_out_of_the_first_snapshot_does_not_lie_between() {
    let project = worked();
    // It begins at the last compaction.
    project.snap(&["save", "x"]).exits(0);
    append(&project, &at("2026-11-21T05:00:00.000Z", asked("one thing more"), "more", &project));
    project.snap(&["save", "y", "--history", "full"]).exits(0);
    assert_eq!(between(&project, "x", "y").said('p'), ["one thing more"]);
}
