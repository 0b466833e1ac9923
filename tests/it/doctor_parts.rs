//! `snap doctor`: what the API refuses of single parts, an order that loses the end, and which session is meant.

use std::fs;

use serde_json::json;

use crate::doctor::{SESSION, Story, doctor, found, mended, text};
use crate::support::Must;
use crate::support::project::Project;

#[test]
fn each_part_that_the_api_can_not_take_becomes_one_that_it_takes() {
    let no_tool = json!([{"type": "tool_use", "id": "toolu_n", "input": {"command": "ls"}}]);
    let odd_call = json!([{"type": "tool_use", "id": "functions.Bash:0", "input": "{\"command\":\"ls\"}"}]);
    let unknown = json!([text("see"), {"type": "hologram", "data": "x"}]);
    let address = json!([{"type": "image", "source": {"type": "url", "url": "file:///a.png"}}, text("look")]);
    for (content, kinds, has, lacks) in [
        (&no_tool, vec![(4, "call_name")], "\"name\":\"unknown\"", "hologram"),
        (
            &odd_call,
            vec![(4, "call_id"), (4, "call_input"), (4, "call_name")],
            "\"input\":{\"command\":\"ls\"}",
            "functions.Bash",
        ),
        (&unknown, vec![(4, "unknown_part")], "which the API does not know", "\"type\":\"hologram\""),
        (&address, vec![(3, "image_address")], "[An image was here. It was taken out", "file:///a.png"),
    ] {
        let project = Project::new();
        let mut story = Story::begun(&project);
        if content == &address {
            story.user(content.clone());
            story.says("seen");
        } else {
            story.user(json!("do it"));
            story.answer(content.clone());
            if let Some(id) = content[0]["id"].as_str() {
                story.result(id, json!("a.txt"));
                story.says("done");
            }
        }
        story.ended().write(&project);
        let report = doctor(&project, &["--json"]).exits(1).json();
        let refused: Vec<(u64, String, String)> =
            kinds.into_iter().map(|(line, kind)| (line, kind.to_owned(), "refused".to_owned())).collect();
        assert_eq!(found(&report), refused);
        let (copy, _) = mended(&project, &[SESSION]);
        let written = fs::read_to_string(&copy).must("the copy");
        assert!(written.contains(has) && !written.contains(lacks), "{written}");
        doctor(&project, &[copy.to_str().must("UTF-8")]).exits(0);
    }
}

#[test]
fn parts_of_types_that_are_known_or_will_be_are_left_alone() {
    let project = Project::new();
    let mut story = Story::begun(&project);
    story.user(
        json!([text("look"), {"type": "image", "source": {"type": "url", "url": "https://x.example/a.png"}}]),
    );
    story.answer(json!([
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []},
        {"type": "of_next_month_result", "content": []},
        text("found"),
    ]));
    story.ended().write(&project);
    doctor(&project, &[SESSION]).exits(0);
}

#[test]
fn an_end_that_stands_before_what_it_follows_is_said_and_mended() {
    let project = Project::new();
    let mut story = Story::begun(&project).ended();
    story.user(json!("third question"));
    story.says("third answer");
    let last = story.lines.split_off(4);
    story.lines.splice(2..2, last);
    story.write(&project);
    let report = doctor(&project, &["--json"]).exits(1).json();
    assert_eq!(found(&report), [(4, "order".to_owned(), "lost".to_owned())]);
    let (copy, _) = mended(&project, &[SESSION]);
    let path = copy.to_str().must("UTF-8");
    let turns = doctor(&project, &[path, "--turns", "--json"]).exits(0).json()["turns"].clone();
    assert_eq!(turns.as_array().must("turns").len(), 3, "{turns}");
}

#[test]
fn of_one_id_in_two_folders_the_one_of_this_folder_is_taken_and_a_path_decides_elsewhere() {
    let project = Project::new();
    let mut story = Story::begun(&project);
    story.lines.push("null".to_owned());
    let transcript = story.write(&project);
    let folder = project.home.config().join("projects/-of-a-copy");
    fs::create_dir(&folder).must("a folder");
    let copy = folder.join(transcript.file_name().must("a name"));
    fs::copy(&transcript, &copy).must("a copy");
    let report = doctor(&project, &[SESSION, "--json"]).exits(1).json();
    assert_eq!(report["transcript"], transcript.to_str().must("UTF-8"));
    let help = report["findings"][0]["help"].as_str().must("a command").to_owned();
    assert!(help.contains(transcript.to_str().must("UTF-8")), "{help}");
    let words: Vec<&str> = help.split(' ').skip(2).collect();
    doctor(&project, &words).exits(0);
    project.snap(&["save", "x", "--session", SESSION]).exits(0);
    let elsewhere = project.home.path().join("elsewhere");
    fs::create_dir(&elsewhere).must("a folder");
    project.snap_in(&elsewhere, &["doctor", SESSION]).exits(3).says(&["fits several sessions"]);
    project.snap_in(&elsewhere, &["doctor", copy.to_str().must("UTF-8")]).exits(1);
    doctor(&project, &[&SESSION[..3]]).exits(3).says(&["at least 4 characters"]);
}

#[test]
fn the_end_of_a_task_is_no_prompt_in_the_list_of_turns() {
    let project = Project::new();
    let mut story = Story::begun(&project);
    story.user(json!("<task-notification>\n<task-id>b1</task-id>\n<status>completed</status>"));
    story.says("it has ended");
    story.ended().write(&project);
    let turns = doctor(&project, &[SESSION, "--turns", "--json"]).exits(0).json()["turns"].clone();
    let prompts: Vec<&str> =
        turns.as_array().must("turns").iter().filter_map(|turn| turn["prompt"].as_str()).collect();
    assert_eq!(prompts, ["first question", "second question"]);
}
