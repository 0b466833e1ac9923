//! What `--redact`, `--no-tools` and `--only` leave out of a report: it is nowhere in it, however it was spelled or told.

use std::fs;

use serde_json::json;

use crate::hooks::{bash, hook};
use crate::report::{AGENT, ID, called, result, transcript, worked};
use crate::support::Must;
use crate::support::page::Page;
use crate::support::project::Project;

#[test]
fn a_name_that_is_made_of_a_prompt_or_a_command_is_in_no_report_without_these() {
    let project = worked();
    let saved = project.snap(&["save", "--history", "full", "--json"]).exits(0).json();
    let (name, id) = (saved["name"].as_str().must("a name"), saved["id"].as_str().must("an id"));
    assert!(name.contains("and this"), "it is made of the last prompt: {name}");
    for format in ["html", "json", "markdown"] {
        let report =
            project.snap(&["report", id, "--only", "edits", "--format", format, "-o", "-"]).exits(0).stdout;
        assert!(!report.contains(name), "{format}");
        assert!(report.contains(&id[..8]), "{format}: it has the id");
    }
    let transcript = project.home.project(project.root()).join(format!("{ID}.jsonl"));
    project.write("new.md", "edited since\n");
    let step = bash(&project, &transcript, "rm -rf new.md xyzzy");
    hook(&project, "PreToolUse", &step).exits(0);
    let named = project.snap(&["show", "latest", "--json"]).exits(0).json()["name"].clone();
    assert!(named.as_str().is_some_and(|name| name.contains("rm -rf")), "{named}");
    for format in ["html", "json", "markdown"] {
        let report = project.snap(&["report", "--no-tools", "--format", format, "-o", "-"]).exits(0).stdout;
        assert!(!report.contains(WORD), "{format}");
    }
}

#[test]
fn a_last_name_or_another_spelling_hides_the_edits_too() {
    let project = planned();
    for given in ["plan.md", "SECRET/Plan.md", "secret/PLAN.*", "Secret"] {
        let arguments = ["report", "x", "--only", "edits", "--redact", given, "--format", "json"];
        let report = project.snap(&arguments).exits(0).stdout;
        assert!(!report.contains("plan, edited"), "{given}");
    }
}

/// A word that is only in what is to be hidden.
const WORD: &str = "xyzzy";

/// A project with a secret plan that calls read and wrote in many ways, and that was renamed.
fn planned() -> Project {
    let project = worked();
    project.write("secret/plan.md", format!("{WORD} plan\n"));
    project.write("secret/old.md", format!("one\ntwo\nthree\nfour\nfive\nsix\n{WORD} old\n"));
    project.git(&["add", "secret"]);
    project.git(&["commit", "-qm", "plans"]);
    project.write("secret/plan.md", format!("{WORD} plan, edited\n"));
    project.git(&["mv", "secret/old.md", "public.md"]);
    project.write("public.md", format!("one\ntwo\nthree\nfour\nfive\nsix\n{WORD} old\nmore\n"));
    let root = project.root().display().to_string();
    let mut records = vec![json!({"type": "user", "message": {"role": "user", "content": "plan it"}})];
    let mut call = |tool: &str, input: serde_json::Value, output: &str| {
        let id = format!("h{}", records.len());
        records.push(called(&id, tool, input));
        let mut end = result(&id, output, json!({}));
        if tool == "Bash" {
            end["permissionDecision"] =
                json!({"decision": "accept", "source": "user_temporary", "grantScope": "session"});
        }
        records.push(end);
    };
    for command in [
        "cat secret/plan.md",
        "cat secret//plan.md",
        "cat \"secret\"/plan.md",
        "cd secret && cat plan.md",
        "curl file:///x/secret%2Fplan.md",
    ] {
        call("Bash", json!({"command": command}), &format!("{WORD} in the output"));
    }
    call("Grep", json!({"pattern": "plan"}), &format!("secret/plan.md:1:{WORD}"));
    call(
        "Bash",
        json!({"command": "git diff"}),
        &format!("diff --git a/secret/plan.md b/secret/plan.md\n+{WORD}"),
    );
    call(
        "Edit",
        json!({"file_path": format!("{root}/public.md"), "old_string": WORD, "new_string": "y"}),
        "done",
    );
    call("Write", json!({"file_path": format!("{root}/secret/plan.md"), "content": WORD}), "done");
    let file = project.home.project(project.root()).join(format!("{ID}.jsonl"));
    transcript(&project, &file, &records);
    let settings = json!({"permissions": {"allow": [format!("Bash(cat secret/plan.md {WORD})")]}});
    project.write(".git/info/exclude", ".claude/\n");
    project.write(".claude/settings.local.json", settings.to_string());
    project.snap(&["save", "x"]).exits(0);
    project
}

fn page(project: &Project, options: &[&str]) -> Page {
    project.snap(&[&["report", "x", "-o", "page.html", "--force"], options].concat()).exits(0);
    let page = Page::read(&project.read("page.html"));
    fs::remove_file(project.path("page.html")).must("removed");
    page
}

/// Everything that a page says.
fn all(page: &Page) -> String {
    let chunks = page.chunks.concat();
    format!("{}{}{}", page.head(), page.index, String::from_utf8_lossy(&chunks))
}

#[test]
fn what_is_redacted_is_nowhere_however_it_was_named() {
    let project = planned();
    assert!(all(&page(&project, &[])).contains(WORD), "it is there otherwise");
    let page = page(&project, &["--redact", "secret"]);
    let text = all(&page);
    assert!(!text.contains(WORD), "{text}");
    assert_eq!(page.said('c').iter().filter(|text| !text.is_empty()).count(), 0, "each of them named it");
    for format in ["json", "markdown"] {
        let said = project.snap(&["report", "x", "--redact", "secret", "--format", format]).exits(0).stdout;
        assert!(!said.contains(WORD), "{said}");
    }
}

#[test]
fn a_pattern_redacts_what_it_stands_for_and_not_what_names_nothing() {
    let project = planned();
    let page = page(&project, &["--redact", "*.md"]);
    let text = all(&page);
    assert!(!text.contains(WORD), "{text}");
    let left_out = |path: &str| {
        let edits = page.index["edits"].as_array().must("edits").iter();
        edits.into_iter().find(|edit| edit["path"] == path).must("an edit")["left_out"].clone()
    };
    assert_eq!(
        (left_out("public.md"), left_out("new.md"), left_out("a.txt")),
        (json!(true), json!(true), json!(false))
    );
    project
        .snap(&["report", "x", "-o", "no.html", "--redact", "*.odt"])
        .exits(3)
        .says(&["Nothing in the snapshot is called *.odt"]);
    // What a command printed and named nowhere stays: nobody can know whose text it is.
    let file = project.home.project(project.root()).join(format!("{ID}.jsonl"));
    let mut records = vec![json!({"type": "user", "message": {"role": "user", "content": "print it"}})];
    records.push(called("all", "Bash", json!({"command": "cat *"})));
    records.push(result("all", WORD, json!({})));
    transcript(&project, &file, &records);
    project.snap(&["save", "y"]).exits(0);
    project.snap(&["report", "y", "-o", "page.html", "--redact", "*.md"]).exits(0);
    assert!(all(&Page::read(&project.read("page.html"))).contains(WORD));
}

#[test]
fn what_was_renamed_from_a_redacted_path_is_redacted_too() {
    let project = planned();
    let page = page(&project, &["--redact", "secret/old.md"]);
    let edit = page.index["edits"]
        .as_array()
        .must("edits")
        .iter()
        .find(|edit| edit["path"] == "public.md")
        .must("one");
    assert_eq!((&edit["left_out"], &edit["items"]), (&json!(true), &json!([])));
    let calls = page.said('c');
    assert!(
        calls.iter().all(|text| !text.contains("@@ -1 +1 @@\n-") || !text.contains("done")) || {
            !calls.iter().any(|text| text.contains(&format!("-{WORD}")))
        },
        "{calls:?}"
    );
}

#[test]
fn without_tools_no_grant_tells_what_a_tool_was_given() {
    let project = planned();
    let page = page(&project, &["--no-tools"]);
    let grants = format!("{}{}", page.index["grants"], page.index["decisions"]);
    assert!(grants.contains("accept Bash") && !grants.contains("cd secret"), "{grants}");
    assert!(!page.head().contains("cd secret"), "{}", page.head());
}

#[test]
fn without_tools_an_agents_conversation_does_not_tell_what_it_was_given() {
    let project = worked();
    let session = project.home.project(project.root()).join(ID);
    let asked = |text: &str| json!({"type": "user", "isSidechain": true, "agentId": AGENT, "message": {"role": "user", "content": text}});
    let answered = json!({"type": "assistant", "isSidechain": true, "agentId": AGENT,
        "message": {"role": "assistant", "content": [{"type": "text", "text": "all fine"}]}});
    let long = format!("look\nwith {WORD} at all of it");
    let agent = session.join("subagents").join(format!("agent-{AGENT}.jsonl"));
    transcript(
        &project,
        &agent,
        &[asked(&long), answered.clone(), asked(&format!("{WORD} again")), answered],
    );
    project.snap(&["save", "x"]).exits(0);
    for format in ["html", "json", "markdown"] {
        for options in [&["--no-tools"][..], &["--no-tools", "--only", "agents,prompts"]] {
            let arguments = [&["report", "x", "-o", "-", "--format", format], options].concat();
            let report = project.snap(&arguments).exits(0).stdout;
            assert!(!report.contains(WORD), "{format} {options:?}");
            assert!(
                format == "markdown" || report.contains("look around"),
                "{format}: in a few words it stays"
            );
        }
    }
    let without = page(&project, &["--no-tools"]);
    let all = String::from_utf8_lossy(&without.chunks.concat()).into_owned();
    assert!(!all.contains(WORD), "{all}");
    assert_eq!(without.said('p'), ["and this", "", ""], "they were asked");
    assert!(without.head().contains("2 prompts that agents were given, by --no-tools"), "{}", without.head());
    assert!(page(&project, &[]).said('p').contains(&long));
}

#[test]
fn a_redacted_path_that_is_nowhere_stops_the_report() {
    let project = planned();
    for format in ["html", "json", "markdown"] {
        let options = ["report", "x", "-o", "out", "--format", format, "--redact", "secrte"];
        project.snap(&options).exits(3).says(&["Nothing in the snapshot is called secrte"]);
        assert!(!project.path("out").exists());
    }
}

#[test]
fn where_calls_were_left_out_no_edit_is_said_to_have_none() {
    let project = planned();
    assert_eq!(page(&project, &[]).index["calls_left_out"], false);
    for options in [&["--only", "edits"][..], &["--no-tools"], &["--redact", "secret"]] {
        assert_eq!(page(&project, options).index["calls_left_out"], true, "{options:?}");
    }
}

#[test]
fn a_page_that_lies_in_the_work_tree_is_in_no_report() {
    let project = planned();
    project.snap(&["report", "x"]).exits(0);
    let first = project.read("x.html");
    project.snap(&["save", "y"]).exits(0);
    // Another one over it: what differs between two pages is no better.
    project.git(&["add", "x.html"]);
    project.git(&["commit", "-qm", "a page", "--", "x.html"]);
    project.snap(&["report", "y", "-o", "x.html", "--force"]).exits(0);
    project.snap(&["save", "z"]).exits(0);
    let chunk =
        Page::read(&first).html.lines().find(|line| line.contains("id=\"c0\"")).must("a chunk").to_owned();
    for snapshot in ["y", "z"] {
        project
            .snap(&["report", snapshot, "-o", "out.html", "--force", "--redact", "secret", "--no-tools"])
            .exits(0);
        let page = Page::read(&project.read("out.html"));
        fs::remove_file(project.path("out.html")).must("removed");
        let edit = page.index["edits"].as_array().must("edits").iter().find(|edit| edit["path"] == "x.html");
        let edit = edit.must("the page");
        assert_eq!((&edit["left_out"], &edit["bytes"]), (&json!(true), &json!(0)), "{snapshot}");
        let text = all(&page);
        assert!(!text.contains(&chunk) && !text.contains(WORD), "{snapshot}");
        assert!(page.head().contains("1 file that is a page of `snap report`"), "{}", page.head());
        assert!(page.html.len() < first.len() * 3 / 2, "{snapshot}: it does not grow");
        let said = project.snap(&["report", snapshot, "--format", "json"]).exits(0).stdout;
        assert!(!said.contains(&chunk), "{snapshot}");
    }
}

#[test]
fn agents_alone_are_the_whole_conversations_of_agents() {
    let project = worked();
    project.snap(&["save", "x"]).exits(0);
    let page = page(&project, &["--only", "agents"]);
    assert_eq!((page.said('p'), page.said('a')), (vec!["look".to_owned()], vec!["all fine".to_owned()]));
    assert_eq!(page.said('c'), Vec::<String>::new());
}
