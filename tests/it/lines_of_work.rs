//! Lines of work: their names, what is merged and closed, and what lies between two of them.

use std::fs;

use serde_json::{Value, json};

use crate::lineage::tree;
use crate::merging::{ID, as_user, talk, task, transcript};
use crate::support::Must;
use crate::support::project::Project;

/// A project with a session that was saved as "base".
fn begun() -> Project {
    let project = Project::new();
    project.session(ID);
    project.write("a.txt", "one\n2\nthree\n");
    project.snap(&["save", "base"]).exits(0);
    project
}

/// Another line that goes on from "base" as a session of its own; returns that.
#[track_caller]
fn forked(project: &Project) -> String {
    let resumed = project.snap(&["rewind", "base", "--fork", "--json"]).exits(0).json();
    resumed["session_id"].as_str().must("a session").to_owned()
}

/// What a list says of the line of a snapshot.
#[track_caller]
fn line_of(project: &Project, name: &str) -> Value {
    let all = project.snap(&["list", "--json"]).exits(0).json();
    let one =
        all.as_array().must("a list").iter().find(|one| one["name"] == name).must("the snapshot").clone();
    one["line"].clone()
}

#[test]
fn a_line_is_named_where_it_begins_and_its_name_means_its_newest_snapshot() {
    let project = begun();
    let other = forked(&project);
    talk(&project, &other, "c1", "try a cache", "tried");
    let named = project.snap(&["branch", "try cache", "--session", &other, "--json"]).exits(0).json();
    assert_eq!(named["saved"], true);
    let first = named["snapshot"].as_str().must("a name").to_owned();
    project.write("b.txt", "cached\n");
    project.snap(&["save", "cache works", "--session", &other]).exits(0);
    assert_eq!(line_of(&project, &first)["name"], "try cache");
    assert_eq!(tree(&project), ["● cache works", &format!("● {first} [try cache]"), "● base"]);
    let listed = project.snap(&["branch"]).exits(0).stdout;
    assert_eq!(listed, format!("try cache  from {first}, now at cache works\n"));
    let shown = project.snap(&["show", "try cache"]).exits(0).stdout;
    assert!(shown.starts_with("cache works"), "{shown}");
    // What removes a snapshot takes no name of a line for one.
    project.snap(&["rm", "try cache", "--yes"]).exits(3);
    project.write("a.txt", "once more\n");
    let said = project.snap(&["save", "try cache"]).exits(0).stderr;
    assert!(said.contains("is the name of a line of work too: it means this snapshot from now on"), "{said}");
}

#[test]
fn a_line_stands_at_the_newest_that_remains_after_one_in_its_middle_was_removed() {
    let project = begun();
    project.snap(&["branch", "L1", "base"]).exits(0);
    for name in ["one", "two", "three", "last"] {
        project.write("a.txt", name);
        project.snap(&["save", name]).exits(0);
    }
    let stands_at = |project: &Project| {
        let shown = project.snap(&["show", "L1"]).exits(0).stdout;
        shown.split_whitespace().next().must("a name").to_owned()
    };
    for removed in [&["rm", "two"][..], &["rm", "one", "three"], &["rm", "base"]] {
        project.snap(removed).exits(0);
        assert_eq!(stands_at(&project), "last", "after {removed:?}");
        let tree = project.snap(&["list", "--tree"]).exits(0).stdout;
        let is_one = !tree.contains("(not here)") && tree.lines().all(|line| !line.trim().is_empty());
        assert!(is_one, "after {removed:?}: {tree}");
    }
    let listed = project.snap(&["branch", "--json"]).exits(0).json();
    assert_eq!(listed[0]["newest_name"], "last");
    // The line is the one here, though its beginning is gone.
    project.snap(&["branch", "L1"]).exits(0).says(&["L1"]);
    project.snap(&["close", "L1"]).exits(0).says(&["The line that ends with \"last\" is closed (\"L1\")"]);
    project.snap(&["branch", "L2", "last"]).exits(0);
    project.snap(&["reopen", "L2"]).exits(0).says(&["is open again (of all of these: \"L1\", \"L2\")"]);
    project.snap(&["branch", "L2", "--remove"]).exits(0);
    project.snap(&["close", "L1"]).exits(0);
    // The older half of the log goes, and what descends from what stays.
    let log = fs::read_to_string(project.stored("log.jsonl")).must("a log");
    let filler = log.lines().next().must("a line");
    let many = format!("{filler}\n").repeat((1 << 20) / filler.len() + 10);
    fs::write(project.stored("log.jsonl"), log + &many).must("a long log");
    project.write("b.txt", "more\n");
    project.snap(&["save", "more"]).exits(0);
    project.snap(&["rm", "more"]).exits(0);
    assert!(project.stored("log.jsonl").metadata().must("a log").len() < (800 << 10));
    assert_eq!(stands_at(&project), "last");
    project.snap(&["undo"]).exits(0).says(&["\"more\" is back"]);
    assert_eq!(stands_at(&project), "more");
}

#[test]
fn a_line_or_name_with_a_slash_is_looked_for_here_before_a_remote_is_asked() {
    let project = begun();
    project.snap(&["branch", "feat/login", "base"]).exits(0);
    project.write("a.txt", "more\n");
    project.snap(&["save", "fix/typo"]).exits(0);
    let is_line = ["it is the name of a line", "fix/typo"];
    project.snap(&["resume", "feat/login"]).exits(3).says(&is_line);
    let meant = |typed: &str| {
        let said = project.snap(&["resume", typed]).exits(3).stderr;
        assert!(!said.contains("origin"), "{said}");
        said
    };
    assert!(meant("feat/lgin").contains("did you mean \"feat/login\"?"));
    assert!(meant("fix/tipo").contains("did you mean \"fix/typo\"?"));
    // What is a line here is one, whatever a remote has.
    project.git(&["remote", "add", "origin", "/nowhere/at/all"]);
    project.snap(&["resume", "feat/login"]).exits(3).says(&is_line);
}

#[test]
fn a_mistyped_line_is_answered_with_what_was_meant() {
    let project = begun();
    project.snap(&["branch", "try cache", "base"]).exits(0);
    for typed in [
        &["show", "try cahce"][..],
        &["close", "try cahce"],
        &["merge", "try cahce"],
        &["diff", "try cahce"],
        &["branch", "--remove", "try cahce"],
        &["branch", "new", "try cahce"],
    ] {
        project.snap(typed).exits(3).says(&["did you mean \"try cache\"?"]);
    }
}

#[test]
fn a_merge_that_can_not_be_is_refused_before_anything_is_saved_and_says_what_works() {
    let project = Project::empty();
    project.git(&["init", "-q", "-b", "main"]);
    project.write("a.txt", "early\n");
    project.snap(&["save", "early"]).exits(0);
    project.git(&["add", "a.txt"]);
    project.git(&["commit", "-qm", "first"]);
    project.write("a.txt", "later\n");
    let before = project.stored_files();
    let refused = project.snap(&["merge", "early"]);
    refused.says(&[
        "saved before the first commit",
        "`snap rewind \"early\"`",
        "`snap diff --now \"early\"`",
    ]);
    assert_eq!(project.stored_files(), before);
    project.snap(&["diff", "--now", "early"]).exits(0);
    project.snap(&["rewind", "early"]).exits(0);
}

#[test]
fn who_removes_the_beginning_of_a_line_for_good_is_told_that_its_name_goes() {
    let project = begun();
    project.write("a.txt", "more\n");
    project.snap(&["save", "more"]).exits(0);
    project.snap(&["branch", "L1", "base"]).exits(0);
    project.snap(&["branch", "L2", "more"]).exits(0);
    let ran = project.snap(&["rm", "base"]).exits(0);
    assert!(!ran.stderr.contains("L1"), "{}", ran.stderr);
    let told = project.snap(&["prune", "--now", "--dry-run"]).exits(0);
    told.says(&["Would take away the name of the line \"L1\""]);
    project.snap(&["prune", "--now"]).exits(0).says(&["Took away the name of the line \"L1\""]);
    let ran = project.snap(&["rm", "more", "--now"]).exits(0);
    ran.says(&["Took away the name of the line \"L2\""]);
    assert_eq!(project.snap(&["branch", "--json"]).exits(0).json(), json!([]));
}

#[test]
fn a_name_is_given_once_and_can_be_taken_away() {
    let project = begun();
    project.snap(&["branch", "a", "base"]).exits(0);
    project.snap(&["branch", "a", "base"]).exits(0);
    project.write("b.txt", "more\n");
    project.snap(&["save", "more"]).exits(0);
    project.snap(&["branch", "a", "more"]).exits(3).says(&["There is a line \"a\" already"]);
    project.snap(&["branch", "more", "base"]).exits(3).says(&["a snapshot goes by it"]);
    project.snap(&["branch", "-x"]).exits(2);
    project.snap(&["branch", "--remove", "a"]).exits(0);
    assert_eq!(line_of(&project, "base"), Value::Null);
    project.snap(&["branch", "--remove", "a"]).exits(3);
    assert_eq!(project.snap(&["branch", "--json"]).exits(0).json(), json!([]));
    project.snap(&["show", "base"]).exits(0);
}

#[test]
fn a_second_name_for_one_snapshot_takes_no_name_away() {
    let project = begun();
    project.snap(&["branch", "fast", "base"]).exits(0);
    project.snap(&["branch", "slow", "base"]).exits(3).says(&["The line \"fast\" begins there already"]);
    assert_eq!(line_of(&project, "base")["name"], "fast");
    project.snap(&["branch", "--remove", "fast"]).exits(0);
    project.snap(&["branch", "slow", "base"]).exits(0);
    assert_eq!(line_of(&project, "base")["name"], "slow");
}

#[test]
fn a_line_is_closed_and_opened_again_and_everybody_sees_why() {
    let project = begun();
    project.snap(&["branch", "dead end", "base"]).exits(0);
    project.write("b.txt", "more\n");
    project.snap(&["save", "more"]).exits(0);
    let closed = project.snap(&["close", "dead end", "-m", "too slow", "--json"]).exits(0).json();
    assert_eq!((&closed["name"], &closed["changed"]), (&json!("more"), &json!(true)));
    assert_eq!(line_of(&project, "more")["closed"]["why"], "too slow");
    assert!(project.snap(&["list"]).exits(0).stdout.contains("more\t(closed)"));
    assert_eq!(tree(&project), ["● more (closed)", "● base [dead end]"]);
    let shown = project.snap(&["show", "more"]).exits(0).stdout;
    assert!(shown.contains("closed by ada@") && shown.contains(": too slow"), "{shown}");
    let again = project.snap(&["close", "more", "--json"]).exits(0).json();
    assert_eq!(again["changed"], false);
    project.snap(&["reopen", "more"]).exits(0).says(&["is open again"]);
    assert_eq!(line_of(&project, "more"), Value::Null);
    let log = project.snap(&["log", "--json"]).exits(0).json();
    let operations: Vec<&str> =
        log.as_array().must("a log").iter().take(3).filter_map(|line| line["operation"].as_str()).collect();
    assert_eq!(operations, ["reopen", "close", "save"]);
}

#[test]
fn what_was_merged_is_marked_until_that_is_undone() {
    let project = begun();
    let other = forked(&project);
    project.write("b.txt", "of the other line\n");
    project.snap(&["save", "other", "--session", &other]).exits(0);
    project.snap(&["rewind", "base", "--no-session"]).exits(0);
    project.snap(&["merge", "other", "--session", ID]).exits(0);
    assert_eq!(line_of(&project, "other")["merged"][0]["user"], "ada");
    assert!(project.snap(&["list", "--tree"]).exits(0).stdout.contains("other (merged)"));
    project.snap(&["undo"]).exits(0);
    assert_eq!(line_of(&project, "other"), Value::Null);
    project.snap(&["redo"]).exits(0);
    assert_eq!(line_of(&project, "other")["merged"].as_array().must("a list").len(), 1);
}

#[test]
fn words_of_somebody_else_are_shown_safely() {
    let project = begun();
    let line = json!({"at": "2026-11-21T08:00:00.000Z", "operation": "close", "name": "base", "user": "b\u{1b}[2Job",
                      "host": "desk", "note": "\u{1b}]0;x\u{7}why",
                      "snapshot": project.snap(&["list", "--json"]).json()[0]["id"]});
    project.append(&project.stored("log.jsonl"), format!("{line}\n").as_bytes());
    for arguments in [&["list"][..], &["list", "--tree"], &["show", "base"], &["log"], &["branch"]] {
        let said = project.snap(arguments).exits(0).stdout;
        assert!(!said.contains('\u{1b}') && !said.contains('\u{7}'), "{arguments:?}: {said:?}");
    }
}

#[test]
fn names_and_closed_lines_stay_when_the_older_half_of_the_log_goes() {
    let project = begun();
    project.snap(&["branch", "kept", "base"]).exits(0);
    project.snap(&["close", "base", "-m", "over"]).exits(0);
    let log = fs::read_to_string(project.stored("log.jsonl")).must("a log");
    let filler = log.lines().next().must("a line");
    let many = format!("{filler}\n").repeat((1 << 20) / filler.len() + 10);
    fs::write(project.stored("log.jsonl"), log + &many).must("a long log");
    project.write("b.txt", "more\n");
    project.snap(&["save", "more"]).exits(0);
    assert!(project.stored("log.jsonl").metadata().must("a log").len() < (800 << 10));
    let line = line_of(&project, "base");
    assert_eq!((&line["name"], &line["closed"]["why"]), (&json!("kept"), &json!("over")));
}

/// Two lines that went apart after "base": "docs" of Ada, and "cache" under an id of its own, with Bob's name on it.
fn apart() -> Project {
    let project = begun();
    talk(&project, ID, "a1", "now the docs", "written");
    project.write("b.txt", "docs\n");
    project.snap(&["save", "docs", "--session", ID]).exits(0);
    let other = forked(&project);
    talk(&project, &other, "b1", "try a cache", "tried");
    talk(&project, &other, "b2", "is it faster?", "yes");
    task(&project, &other, &json!({"id": "1", "subject": "Write parser", "status": "completed"}));
    task(&project, &other, &json!({"id": "3", "subject": "Measure it", "status": "pending"}));
    project.write("sub/cache.txt", "a cache\n");
    project.write(".claude/settings.local.json", r#"{"permissions":{"allow":["Bash(cargo test:*)"]}}"#);
    as_user(&project, "bob", &["save", "cache", "--session", &other]).exits(0);
    project
}

#[test]
fn a_diff_of_two_lines_says_first_what_it_means() {
    let project = apart();
    let said = project.snap(&["diff", "docs", "cache", "--color", "always"]).exits(0).stdout;
    let plain = without_colors(&said);
    let block: Vec<&str> = plain.lines().take_while(|line| !line.is_empty()).collect();
    assert!(block[0].starts_with("from docs (ada@") && block[0].contains(" to cache (bob@"), "{plain}");
    assert!(block[0].ends_with(", which went apart after base"), "{plain}");
    assert_eq!(block[1], "  talk   2 prompts, 2 answers; last: is it faster?");
    assert_eq!(block[2], "         only in docs: 1 prompt, 1 answer; last: now the docs");
    assert_eq!(block[3], "  tasks  1 added: 3. Measure it; 1 done: 1. Write parser");
    assert_eq!(block[4], "  grants more: allow Bash(cargo test:*)");
    assert!(block[5].starts_with("  files  ") && block[5].ends_with(" differ"), "{plain}");
    let json = project.snap(&["diff", "docs", "cache", "--json"]).exits(0).stdout;
    let first: Value = serde_json::from_str(json.lines().next().must("a line")).must("JSON");
    let between = &first["between"];
    assert_eq!((&between["fork"]["name"], &between["new"]["by"]), (&json!("base"), &json!("bob")));
    assert_eq!(between["conversation"]["new"], json!({"prompts": 2, "answers": 2, "last": "is it faster?"}));
    assert_eq!(between["tasks"]["added"][0]["subject"], "Measure it");
    let stat = project.snap(&["diff", "docs", "cache", "--stat"]).exits(0).stdout;
    assert!(stat.starts_with("from docs ") && stat.contains(" | "), "{stat}");
}

#[test]
fn a_patch_stays_a_patch_and_names_stay_names() {
    let project = apart();
    let patch = project.snap(&["diff", "docs", "cache"]).exits(0).stdout;
    assert!(patch.starts_with("diff --git "), "{patch}");
    let names = project.snap(&["diff", "docs", "cache", "--name-only"]).exits(0).stdout;
    assert!(names.lines().all(|name| project.path(name).exists() || name == "b.txt"), "{names}");
    // Who asks for a folder asks for its files.
    let some = project.snap(&["diff", "docs", "cache", "--stat", "--", "sub"]).exits(0).stdout;
    assert!(some.starts_with(" sub/cache.txt"), "{some}");
    // A snapshot alone has nothing to be compared with.
    let one = project.snap(&["diff", "cache", "--stat"]).exits(0).stdout;
    assert!(!one.contains("from "), "{one}");
}

#[test]
fn a_line_that_goes_straight_on_says_what_came_since() {
    let project = begun();
    talk(&project, ID, "a1", "now the docs", "written");
    project.snap(&["save", "docs"]).exits(0);
    let said = project.snap(&["diff", "base", "docs", "--stat"]).exits(0).stdout;
    assert!(said.contains("talk   1 prompt, 1 answer; last: now the docs"), "{said}");
    assert!(!said.contains("apart") && !said.contains("only in"), "{said}");
    let back = project.snap(&["diff", "docs", "base", "--stat"]).exits(0).stdout;
    assert!(back.contains("which comes before it") && back.contains("only in docs: 1 prompt"), "{back}");
    let same = project.snap(&["diff", "docs", "docs", "--stat"]).exits(0).stdout;
    assert_eq!(same, "");
    assert!(transcript(&project, ID).exists());
}

#[test]
fn a_report_of_two_lines_tells_no_words_of_the_first_one_alone() {
    let project = apart();
    task(&project, ID, &json!({"id": "9", "subject": "Only in docs", "status": "pending"}));
    project.snap(&["save", "docs too", "--session", ID]).exits(0);
    let note = project.snap(&["report", "docs too", "cache", "--format", "markdown"]).exits(0).stdout;
    assert!(
        note.contains("## Since they went apart, at a glance") && note.contains("2 prompts, 2 answers"),
        "{note}"
    );
    assert!(
        note.contains("This is what it has beyond `docs too` (the two went apart after `base`)."),
        "{note}"
    );
    // Either may come first: each has something that the other one lacks.
    let back = project.snap(&["report", "cache", "docs too", "--format", "markdown"]).exits(0).stdout;
    assert!(
        back.contains("beyond `cache`") && back.contains("only in cache: 2 prompts, 2 answers"),
        "{back}"
    );
    assert!(!back.contains("what came after"), "{back}");
    assert!(!note.contains("now the docs") && !note.contains("Only in docs"), "{note}");
    let json =
        project.snap(&["report", "docs too", "cache", "--format", "json", "--only", "tasks"]).exits(0).json();
    assert_eq!(json["between"]["conversation"], Value::Null);
    // A name may be made of a prompt.
    assert_ne!(json["between"]["old"]["name"], "docs too");
}

fn without_colors(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, rest)| rest);
    }
    plain + rest
}
