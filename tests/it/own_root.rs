//! Sessions that did not work in the work tree that they are saved for: renamed folders, other systems, other places.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::Must;
use crate::support::project::Project;

const ID: &str = "c137e379-838e-4509-8148-16b407691758";

/// A transcript in a folder of its own whose session worked in `cwd` and read these files; its path.
fn elsewhere(project: &Project, cwd: &str, files: &[&str]) -> PathBuf {
    let folder = project.home.path().join("profile/projects/some-folder");
    fs::create_dir_all(&folder).must("a folder");
    let record = |number: usize, kind: &str, message: Value| {
        let parent = number.checked_sub(1).map(|parent| format!("u{parent}"));
        json!({"type": kind, "uuid": format!("u{number}"), "parentUuid": parent, "cwd": cwd, "sessionId": ID,
               "version": "2.1.329", "timestamp": "2026-11-21T01:19:35.028Z", "message": message})
    };
    let mut records =
        vec![record(0, "user", json!({"role": "user", "content": format!("work in {cwd}, not in {cwd}2")}))];
    for (number, file) in files.iter().enumerate() {
        let call = json!([{"type": "tool_use", "id": format!("t{number}"), "name": "Read", "input": {"file_path": file}}]);
        records.push(record(2 * number + 1, "assistant", json!({"role": "assistant", "content": call})));
        let answer = json!([{"type": "tool_result", "tool_use_id": format!("t{number}"), "content": "1\tx"}]);
        records.push(record(2 * number + 2, "user", json!({"role": "user", "content": answer})));
    }
    let path = folder.join(format!("{ID}.jsonl"));
    fs::write(&path, records.iter().map(|record| format!("{record}\n")).collect::<String>())
        .must("a transcript");
    path
}

/// Saves a session of elsewhere in a project, resumes it there, and returns what came of its records.
fn resumed(project: &Project, transcript: &std::path::Path) -> (Value, String) {
    project.snap(&["save", "x", "--session", transcript.to_str().must("UTF-8")]).exits(0);
    let report = project.snap(&["resume", "x", "--no-edits", "--json"]).exits(0).json();
    let id = report["session_id"].as_str().must("an id");
    let cwd = PathBuf::from(report["resume"]["cwd"].as_str().must("a folder"));
    let text = fs::read_to_string(project.home.project(&cwd).join(format!("{id}.jsonl")));
    (report, text.must("the transcript"))
}

#[test]
fn a_session_whose_folder_is_gone_is_brought_to_this_one_from_its_own() {
    for (what, cwd, files, goes_on) in [
        ("renamed", "/gone/before", &["/gone/before/a.txt"][..], ""),
        ("renamed, of which nothing is known", "/gone/before", &[][..], ""),
        ("in a folder of what was renamed", "/gone/before/sub", &["/gone/before/sub/c.txt"][..], "sub"),
        ("of another system", r"C:\Users\me\app", &[r"C:\Users\me\app\sub\c.txt"][..], ""),
    ] {
        let project = Project::new();
        let (report, text) = resumed(&project, &elsewhere(&project, cwd, files));
        let root = project.root().to_str().must("UTF-8");
        let folder = project.path(goes_on);
        let folder = folder.to_str().must("UTF-8").trim_end_matches('/');
        assert_eq!(report["resume"]["cwd"], json!(folder), "{what}");
        let records: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).must("a record")).collect();
        assert_eq!(records[0]["cwd"], json!(folder), "{what}");
        let alike = if goes_on.is_empty() { format!("{cwd}2") } else { format!("{folder}2") };
        let said = format!("work in {folder}, not in {alike}");
        assert_eq!(records[0]["message"]["content"], json!(said), "{what}: what looks alike stays");
        if let Some(file) =
            records.get(1).and_then(|record| record["message"]["content"][0]["input"]["file_path"].as_str())
        {
            assert!(file.starts_with(root) && project.path(file).exists(), "{what}: {file}");
        }
    }
}

#[test]
fn a_path_of_a_system_without_case_is_known_in_any_case() {
    for (cwd, mention) in
        [(r"C:\Users\me\app", r"c:\users\Me\app\sub"), ("/Users/me/app", "/users/me/App/sub")]
    {
        let project = Project::new();
        let transcript = elsewhere(&project, cwd, &[]);
        let said = json!({"type": "user", "uuid": "m", "parentUuid": "u2", "cwd": cwd, "sessionId": ID,
            "message": {"role": "user", "content": format!("look in {mention}")}});
        project.append(&transcript, format!("{said}\n").as_bytes());
        let (_, text) = resumed(&project, &transcript);
        let here = format!("look in {}", project.path("sub").display());
        assert!(text.contains(&here), "{mention}: {text}");
    }
}

#[test]
fn paths_of_a_session_of_another_place_stay_what_they_are() {
    let project = Project::new();
    let other = project.home.path().join("another");
    fs::create_dir_all(&other).must("a folder");
    let other = other.to_str().must("UTF-8").to_owned();
    for (what, cwd, file) in [
        ("its folder is still there", other.as_str(), format!("{other}/x.rs")),
        ("nothing that it named is here", "/gone/other", "/gone/other/src/x.rs".to_owned()),
    ] {
        let transcript = elsewhere(&project, cwd, &[&file]);
        let slug = claude_snap::client::slug(cwd);
        let memory = format!("/home/ada/.claude/projects/{slug}/memory/x.md");
        let said = json!({"type": "user", "uuid": "m", "parentUuid": "u2", "cwd": cwd, "sessionId": ID,
            "message": {"role": "user", "content": format!("see {memory}")}});
        project.append(&transcript, format!("{said}\n").as_bytes());
        let (_, text) = resumed(&project, &transcript);
        for words in [file, memory, format!("work in {cwd}")] {
            assert!(text.contains(&words), "{what}: {words} is not in {text}");
        }
        fs::remove_dir_all(project.stored("")).must("to remove the store");
    }
}

#[test]
fn a_work_tree_that_is_known_by_a_relative_path_stops_no_resume() {
    let project = Project::new();
    project.session(ID);
    project.git(&["worktree", "add", "-q", "../wt", "-b", "wt"]);
    // As a newer git writes it, or a person; an older one lists it by that.
    fs::write(project.path(".git/worktrees/wt/gitdir"), "../../../../wt/.git\n").must("a pointer");
    project.snap(&["save", "x"]).exits(0);
    let clone = project.cloned();
    let store = project.stored("").to_str().must("UTF-8").to_owned();
    clone.snap(&["resume", "x", "--store", &store, "--no-run"]).exits(0);
}
