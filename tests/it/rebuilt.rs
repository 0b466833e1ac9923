//! `snap verify --repair` writes again what a save would write of what is still here: cut at a compaction, and without
//! secrets and accounts.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::redaction::token;
use crate::support::Must;
use crate::support::project::Project;

const ID: &str = "c137e379-838e-4509-8148-16b407691758";

fn record(kind: &str, uuid: &str, parent: Option<&str>, more: &Value) -> String {
    let mut record = json!({"type": kind, "uuid": uuid, "parentUuid": parent, "sessionId": ID});
    record.as_object_mut().must("an object").extend(more.as_object().must("an object").clone());
    format!("{record}\n")
}

fn said(uuid: &str, parent: &str, text: &str) -> String {
    record("user", uuid, Some(parent), &json!({"message": {"role": "user", "content": text}}))
}

fn compaction(boundary: &str, summary: &str) -> String {
    let compacted = json!({"subtype": "compact_boundary", "compactMetadata": {"trigger": "auto"}});
    let told = json!({"isCompactSummary": true, "message": {"role": "user", "content": "so far"}});
    record("system", boundary, None, &compacted) + &record("user", summary, Some(boundary), &told)
}

/// A session that was compacted, names an account and has a secret everywhere; and edits with that secret. Returns its transcript.
fn at_work(project: &Project) -> PathBuf {
    let secret = token("github classic", 7);
    let transcript = project.session(ID);
    let lines = [
        json!({"type": "bridge-session", "bridgeSessionId": "b1", "ownerAccountUuid": "a1", "sessionId": ID})
            .to_string()
            + "\n",
        said("u3", "u2", "said before the compaction"),
        compaction("b1", "s1"),
        record(
            "user",
            "u4",
            Some("s1"),
            &json!({"accountUuid": "a1", "message": {"role": "user", "content": "mine"}}),
        ),
        said("u5", "u4", &format!("use {secret} for it")),
    ];
    project.append(&transcript, lines.concat().as_bytes());
    let agent = transcript.with_extension("").join("subagents/agent-ag1.jsonl");
    project.append(&agent, said("a2", "a1", &format!("try {secret}")).as_bytes());
    let result = format!("a result with {secret} in it\n").repeat(400);
    project.write_beside(&transcript, "tool-results/one.txt", result.as_bytes());
    let lines = |what: &str| (0..900).map(|number| format!("{what} {number}\n")).collect::<String>();
    project.write("a.txt", format!("{}token = {secret}\n", lines("line")));
    project.write("new.txt", format!("token = {secret}\n{}", lines("new line")));
    transcript
}

/// Removes every object, or makes it unreadable.
fn destroy(objects: &[PathBuf], how: &dyn Fn(&Path)) {
    objects.iter().for_each(|object| how(object));
}

fn removed(object: &Path) {
    fs::remove_file(object).must("to remove");
}

fn corrupted(object: &Path) {
    fs::write(object, "damaged").must("to write");
}

/// Has everything repaired: the very same objects are there then, and nothing else.
#[track_caller]
fn is_repaired(project: &Project, what: &str) {
    let names = |objects: Vec<PathBuf>| objects.into_iter().collect::<BTreeSet<PathBuf>>();
    let objects = project.objects();
    assert!(objects.len() >= 5, "{what}: transcript, agent, result, two edits: {objects:?}");
    for how in [removed, corrupted] {
        destroy(&objects, &how);
        let ran = project.snap(&["verify", "--repair", "--json"]);
        assert_eq!(ran.code, 0, "{what}: {}", ran.stdout);
        let restored = ran.json()["restored"]["objects"].as_array().map(Vec::len);
        assert_eq!(restored, Some(objects.len()), "{what}: {}", ran.stdout);
        project.snap(&["verify"]).exits(0).says(&["all is well"]);
        assert_eq!(names(project.objects()), names(objects.clone()), "{what}");
    }
}

#[test]
fn what_a_save_cut_and_cleaned_is_rebuilt_from_what_is_unchanged() {
    let project = Project::new();
    at_work(&project);
    for history in ["context", "full"] {
        project.snap(&["save", history, "--history", history]).exits(0);
    }
    is_repaired(&project, "unchanged");
}

#[test]
fn what_was_saved_is_rebuilt_after_all_of_it_went_on() {
    let project = Project::new();
    let transcript = at_work(&project);
    project.snap(&["save", "x"]).exits(0);
    let more = format!("with {} again", token("github classic", 7));
    project.append(&transcript, said("u6", "u5", &more).as_bytes());
    let agent = transcript.with_extension("").join("subagents/agent-ag1.jsonl");
    project.append(&agent, said("a3", "a2", &more).as_bytes());
    project
        .append(&transcript.with_extension("").join("tool-results/one.txt"), format!("{more}\n").as_bytes());
    is_repaired(&project, "grown");
    project.append(&transcript, compaction("b2", "s2").as_bytes());
    project.append(&transcript, said("u7", "s2", "said since the second one").as_bytes());
    is_repaired(&project, "compacted again");
}

#[test]
fn an_edit_with_a_secret_is_rebuilt_from_the_commit_that_has_it_by_now() {
    let project = Project::new();
    at_work(&project);
    project.snap(&["save", "x"]).exits(0);
    project.git(&["add", "a.txt", "new.txt"]);
    project.git(&["commit", "-qm", "as they were saved"]);
    project.write("a.txt", "and changed since\n");
    is_repaired(&project, "committed");
}

#[test]
fn what_is_not_here_any_more_is_said_to_be_lost() {
    let project = Project::new();
    let transcript = at_work(&project);
    project.snap(&["save", "x"]).exits(0);
    let all = fs::read_to_string(&transcript).must("a transcript");
    fs::write(&transcript, all.replace("for it", "for that")).must("another transcript");
    let before = project.objects();
    destroy(&before, &removed);
    let ran = project.snap(&["verify", "--repair", "--json"]).exits(1).json();
    let problems = ran["snapshots"][0]["problems"].as_array().must("a list").clone();
    let lost: Vec<&Value> = problems.iter().map(|problem| &problem["what"]).collect();
    assert_eq!(lost, ["the conversation"], "{ran}");
    assert_eq!(project.objects().len(), before.len() - 1, "what nothing needs was taken back");
}

#[test]
fn marks_in_the_index_that_are_lost_are_found_missing_and_rebuilt() {
    let project = Project::new();
    let names: Vec<String> = (0..400).map(|number| format!("marked/file {number:04}.txt")).collect();
    names.iter().for_each(|name| project.write(name, "content\n"));
    project.git(&["add", "marked"]);
    project.git(&["commit", "-qm", "files to mark"]);
    let every_other: Vec<&str> = names.iter().step_by(2).map(String::as_str).collect();
    project.git(&[&["update-index", "--skip-worktree"], &every_other[..]].concat());
    project.snap(&["save", "x"]).exits(0);
    let objects = project.objects();
    assert_eq!(objects.len(), 1, "the marks: {objects:?}");
    for how in [removed, corrupted] {
        destroy(&objects, &how);
        let ran = project.snap(&["verify", "--json"]).exits(1).json();
        assert_eq!(ran["snapshots"][0]["problems"][0]["what"], "the marks of files in git's index", "{ran}");
        project.snap(&["verify", "--repair"]).exits(0);
        project.snap(&["verify"]).exits(0).says(&["all is well"]);
    }
}
