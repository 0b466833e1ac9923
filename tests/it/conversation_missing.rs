//! A checkpoint whose conversation can't be saved: the edits are there, and a person is told.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::conversation_follows::{Held, waits_for_conversation};
use crate::failures::noise;
use crate::hooks::{ID, bash, hook, told};
use crate::support::Must;
use crate::support::disk::SmallDisk;
use crate::support::project::{Project, files_below};

/// The bytes of all files below a folder.
fn size(folder: &Path) -> u64 {
    files_below(folder).iter().map(|path| path.metadata().map_or(0, |meta| meta.len())).sum()
}

#[test]
fn on_a_nearly_full_disk_a_step_that_waits_saves_the_edits_and_fills_no_disk() {
    let project = Project::new();
    let transcript = project.session(ID);
    let Some(_disk) = SmallDisk::under(&project, 900) else { return };
    project.snap(&["save", "mine"]).exits(0);
    let record = json!({"type": "user", "message": {"role": "user", "content": noise(7, 150_000)}});
    project.append(&transcript, format!("{record}\n").as_bytes());
    project.write("a.txt", "an edit\n");
    let before = size(&project.stored(""));
    let step = bash(&project, &transcript, "git clean -fdx");
    let said = told(&hook(&project, "PreToolUse", &step).exits(0));
    assert!(
        said.contains("the edits are saved as \"before git clean -fdx\", the conversation is not"),
        "{said}"
    );
    let newest = project.snap(&["show", "latest", "--json"]).exits(0).json();
    assert!(waits_for_conversation(&newest), "{newest}");
    assert_eq!(newest["edits"]["files"][0]["path"], "a.txt");
    let more = size(&project.stored("")) - before;
    assert!(more < 100_000, "{more} bytes are left behind");
    project.snap(&["verify"]).exits(0);
    project.snap(&["rewind", "mine", "--no-run"]).exits(0);
    project.snap(&["rewind", "before git clean -fdx", "--no-run"]).exits(0);
    assert_eq!(project.read("a.txt"), b"an edit\n");
}

#[test]
fn a_save_that_finds_no_room_leaves_nothing_behind() {
    let project = Project::new();
    let Some(_disk) = SmallDisk::under(&project, 900) else { return };
    project.snap(&["save", "mine"]).exits(0);
    let before = size(&project.stored(""));
    for (number, name) in ["b", "c", "d"].iter().enumerate() {
        project.write(name, noise(number as u64, 80_000));
    }
    project.snap(&["save", "too large"]).exits(7);
    let more = size(&project.stored("")).saturating_sub(before);
    assert!(more < 50_000, "{more} bytes are left behind");
    project.snap(&["verify"]).exits(0);
}

/// What a person is told before a step that is not risky.
fn said(held: &Held) -> String {
    told(&hook(&held.project, "PreToolUse", &bash(&held.project, &held.transcript, "ls")).exits(0))
}

/// The problems that `snap status` finds.
fn problems(held: &Held) -> String {
    held.project.snap(&["status", "--json"]).exits(0).json()["problems"].to_string()
}

#[test]
fn a_conversation_that_did_not_follow_is_told_of_once_with_what_mends_it() {
    let held = Held::new();
    // The program is gone when the hook starts it again.
    held.before("rm -rf build", "an edit\n");
    let first = said(&held);
    assert!(first.contains("the conversation is missing in the snapshot \"before rm -rf build\""), "{first}");
    assert!(first.contains("snap save"), "{first}");
    assert_eq!(said(&held), "");
    assert!(!problems(&held).contains("the conversation is missing"));
}

#[test]
fn status_tells_of_a_conversation_that_did_not_follow_and_why() {
    let held = Held::new();
    let behind = held.behind(&held.before("rm -rf build", "an edit\n"));
    fs::write(&held.transcript, "").must("a shorter transcript");
    held.run(&behind);
    let told = problems(&held);
    assert!(told.contains("before rm -rf build") && told.contains("shortened by the step"), "{told}");
    assert!(told.contains("snap save"), "{told}");
    assert!(!problems(&held).contains("the conversation is missing"));
    assert_eq!(said(&held), "");
}

#[test]
fn a_transcript_that_the_step_took_away_is_told_of() {
    let held = Held::new();
    let behind = held.behind(&held.before("rm -rf build", "an edit\n"));
    fs::remove_file(&held.transcript).must("to remove the transcript");
    held.run(&behind);
    assert!(waits_for_conversation(&held.newest()));
    let told = problems(&held);
    assert!(told.contains("before rm -rf build") && told.contains("its transcript is gone"), "{told}");
}

#[test]
fn a_conversation_that_followed_late_is_not_told_of() {
    let held = Held::new();
    let behind = held.behind(&held.before("rm -rf build", "an edit\n"));
    held.run(&behind).exits(0);
    assert_eq!(said(&held), "");
}

/// The note that a hook has left of a checkpoint.
fn noted(held: &Held) -> PathBuf {
    let all = files_below(held.project.home.path());
    all.into_iter()
        .find(|path| path.parent().is_some_and(|above| above.ends_with("unfinished")))
        .must("a note")
}

#[test]
fn whoever_is_still_at_work_on_it_is_not_told_of_and_whoever_died_is() {
    let held = Held::new();
    held.before("rm -rf build", "an edit\n");
    let path = noted(&held);
    let mut note: Value = serde_json::from_slice(&fs::read(&path).must("the note")).must("JSON");
    note["why"] = Value::Null;
    fs::write(&path, note.to_string()).must("a note without an end");
    assert_eq!(said(&held), "");
    note["since"] = json!("2020-01-01T00:00:00.000Z");
    fs::write(&path, note.to_string()).must("an old note");
    assert!(said(&held).contains("was ended"));
}

#[test]
fn the_copy_outside_the_store_has_the_conversation_that_was_still_to_follow() {
    let held = Held::new();
    let project = &held.project;
    assert!(waits_for_conversation(&held.before("rm -rf build", "an edit\n")));
    let said =
        told(&hook(project, "PreToolUse", &bash(project, &held.transcript, "rm -rf .claude")).exits(0));
    let all = files_below(project.home.path());
    let copy = all.iter().find(|path| path.extension().is_some_and(|end| end == "snap")).must("a copy");
    let copy = copy.to_string_lossy().into_owned();
    assert!(said.contains(&copy), "{said}");
    fs::remove_dir_all(project.path(".claude")).must("the step");
    project.snap(&["import", &copy]).exits(0);
    let newest = held.newest();
    assert!(!newest["session"]["transcript"].is_null(), "{newest}");
    assert_eq!(newest["tasks"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_store_that_the_step_took_away_is_not_made_again_for_its_conversation() {
    let held = Held::new();
    let behind = held.behind(&held.before("rm -rf build", "an edit\n"));
    fs::remove_dir_all(held.project.path(".claude")).must("the step");
    held.run(&behind).exits(0);
    assert!(!held.project.path(".claude").exists());
}
