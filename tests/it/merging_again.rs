//! `snap merge` of a line that was merged before: what was merged last is the base, whoever merged whom. Two homes with a remote
//! between them.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::handoff_remote::{colleague, with_remote};
use crate::merging::{ID, apart, as_user, own, talk, task, tasks};
use crate::support::Must;
use crate::support::project::Project;
use crate::trust::typed_into;

/// A session that nothing was saved of.
pub(crate) const OTHER: &str = "0d0c45ad-2c3b-4c5e-9a0f-1d2e3f405162";

/// Ada, Bob, and the remote between them.
pub(crate) struct Pair {
    pub(crate) ada: Project,
    pub(crate) bob: Project,
    pub(crate) said: u32,
}

/// Forty lines, some of them changed.
pub(crate) fn text(changed: &[(usize, &str)]) -> String {
    let line = |number: usize| {
        let changed = changed.iter().find(|(at, _)| *at == number);
        changed.map_or(format!("{number}\n"), |(_, text)| format!("{text}\n"))
    };
    (1..=40).map(line).collect()
}

/// Two who went on from Ada's "base", each in a place of their own.
pub(crate) fn pair() -> Pair {
    pair_from(|_| ())
}

/// The same, with further edits in "base".
pub(crate) fn pair_from(edit: fn(&Project)) -> Pair {
    pair_resumed(edit, &["--trust", "--allow-kind", "all"])
}

/// The same, of which Bob took what these options leave him.
fn pair_resumed(edit: fn(&Project), options: &[&str]) -> Pair {
    pair_as(edit, options, |bob| bob)
}

/// The same, of which Bob is made by `bob_of`.
pub(crate) fn pair_as(edit: fn(&Project), options: &[&str], bob_of: fn(Project) -> Project) -> Pair {
    let (ada, remote): (Project, PathBuf) = with_remote();
    ada.write("a.txt", text(&[]));
    ada.git(&["commit", "-qam", "forty lines"]);
    ada.git(&["push", "-q", "origin", "main"]);
    ada.session(ID);
    ada.write("b.txt", "ada\n");
    edit(&ada);
    ada.snap(&["save", "base"]).exits(0);
    ada.snap(&["push", "origin", "base"]).exits(0);
    let bob = bob_of(colleague(&ada, &remote));
    as_user(&bob, "bob", &["pull"]).exits(0);
    let resumed = as_user(&bob, "bob", &[&["resume", "base", "--no-run"], options].concat());
    assert!([0, 6].contains(&resumed.code), "{}", resumed.stderr);
    Pair { ada, bob, said: 0 }
}

impl Pair {
    /// Says something on one side, and saves and pushes what is there.
    #[track_caller]
    pub(crate) fn save(&mut self, who: &str, name: &str) {
        self.said += 1;
        let project = if who == "ada" { &self.ada } else { &self.bob };
        talk(project, ID, &format!("{who}{}", self.said), name, "done");
        as_user(project, who, &["save", name]).exits(0);
        as_user(project, who, &["push", "origin", name]).exits(0);
    }

    /// Fetches and merges on one side.
    #[track_caller]
    pub(crate) fn merge(&self, who: &str, name: &str, code: i32) -> Value {
        let project = if who == "ada" { &self.ada } else { &self.bob };
        as_user(project, who, &["pull"]).exits(0);
        as_user(project, who, &["merge", name, "--json"]).exits(code).json()
    }

    pub(crate) fn here(&self, who: &str) -> String {
        let project = if who == "ada" { &self.ada } else { &self.bob };
        String::from_utf8(project.read("a.txt")).must("UTF-8")
    }
}

#[test]
fn what_the_other_side_takes_back_goes_and_what_it_changes_again_is_no_conflict() {
    let mut pair = pair();
    pair.bob.write("a.txt", text(&[(5, "bob"), (20, "one")]));
    pair.bob.write("new.txt", "of bob\n");
    pair.save("bob", "bob1");
    pair.merge("ada", "bob1", 0);
    pair.save("ada", "ada1");
    pair.bob.write("a.txt", text(&[(20, "two"), (30, "bob")]));
    fs::remove_file(pair.bob.path("new.txt")).must("removed");
    pair.save("bob", "bob2");
    let merged = pair.merge("ada", "bob2", 0);
    assert_eq!(merged["conflicts"], json!([]));
    assert_eq!(pair.here("ada"), text(&[(20, "two"), (30, "bob")]));
    assert!(!pair.ada.path("new.txt").exists(), "removed there");
    assert_eq!(pair.ada.read("b.txt"), b"ada\n");
}

/// What "base" has beside the usual: edits and new files that are taken back later.
fn many(ada: &Project) {
    ada.write("a.txt", text(&[(5, "early"), (20, "early")]));
    ada.write("new.txt", text(&[]));
    ada.write("moved.txt", "moves\n".repeat(20));
    ada.write("sub/c.txt", "of base\ndeep\n");
}

/// Takes back, removes, renames and rewrites what "base" has.
fn take_back(project: &Project) {
    project.write("a.txt", text(&[(20, "early"), (30, "late")]));
    project.git(&["checkout", "-q", "b.txt"]);
    fs::remove_file(project.path("new.txt")).must("removed");
    fs::rename(project.path("moved.txt"), project.path("there.txt")).must("renamed");
    project.write("sub/c.txt", "quite another text\nof two lines\n");
}

#[test]
fn what_a_side_took_back_since_they_went_apart_goes_on_the_other_with_the_first_merge() {
    for (who, other) in [("ada", "bob"), ("bob", "ada")] {
        let mut pair = pair_from(many);
        take_back(if who == "ada" { &pair.ada } else { &pair.bob });
        pair.save(who, "less");
        let merged = pair.merge(other, "less", 0);
        assert_eq!(merged["conflicts"], json!([]), "{who}");
        assert_eq!(pair.here(other), text(&[(20, "early"), (30, "late")]), "{who}");
        let here = if other == "ada" { &pair.ada } else { &pair.bob };
        let is_here = ["new.txt", "moved.txt", "there.txt"].map(|name| here.path(name).exists());
        assert_eq!(is_here, [false, false, true], "{who}");
        assert_eq!(here.read("sub/c.txt"), b"quite another text\nof two lines\n", "{who}");
        assert_eq!(here.read("b.txt"), b"stays\n", "{who}");
        here.snap(&["undo"]).exits(0);
        assert_eq!(pair.here(other), text(&[(5, "early"), (20, "early")]), "{who}");
    }
}

#[test]
fn what_was_left_out_at_a_resume_is_still_to_be_had_and_never_taken_from_who_made_it() {
    let edit = |ada: &Project| {
        ada.write("a.txt", text(&[(3, "ada")]));
        ada.write("CLAUDE.md", text(&[(3, "ada")]));
    };
    for options in [&["--trust", "--no-edits"][..], &["--trust", "--no-input"]] {
        let mut pair = pair_resumed(edit, options);
        pair.ada.write("a.txt", text(&[(3, "ada"), (10, "more")]));
        pair.save("ada", "a2");
        as_user(&pair.bob, "bob", &["pull"]).exits(0);
        as_user(&pair.bob, "bob", &["merge", "a2", "--trust", "--allow-kind", "all"]).exits(0);
        assert_eq!(pair.here("bob"), text(&[(3, "ada"), (10, "more")]), "{options:?}");
        assert_eq!(pair.bob.read("CLAUDE.md"), text(&[(3, "ada")]).as_bytes(), "{options:?}");
        pair.bob.write("new.txt", "of bob\n");
        pair.save("bob", "b1");
        pair.merge("ada", "b1", 0);
        assert_eq!(pair.here("ada"), text(&[(3, "ada"), (10, "more")]), "{options:?}");
        assert_eq!(pair.ada.read("CLAUDE.md"), text(&[(3, "ada")]).as_bytes(), "{options:?}");
        assert_eq!(pair.ada.read("b.txt"), b"ada\n", "{options:?}");
    }
}

#[test]
fn what_waits_on_another_branch_is_not_taken_back() {
    let mut pair = pair_from(many);
    pair.ada.git(&["stash", "-q", "-u"]);
    pair.ada.git(&["checkout", "-q", "-b", "aside"]);
    pair.ada.write("late.txt", "late\n");
    pair.save("ada", "aside");
    pair.merge("bob", "aside", 0);
    assert_eq!(pair.here("bob"), text(&[(5, "early"), (20, "early")]));
    assert!(pair.bob.path("new.txt").exists() && pair.bob.path("late.txt").exists());
}

#[test]
fn what_was_taken_back_here_stays_so_and_what_both_changed_is_a_conflict() {
    let mut pair = pair();
    pair.bob.write("a.txt", text(&[(5, "bob"), (20, "one")]));
    pair.save("bob", "bob1");
    pair.merge("ada", "bob1", 0);
    pair.ada.write("a.txt", text(&[(20, "one")]));
    pair.save("ada", "ada1");
    pair.bob.write("a.txt", text(&[(5, "bob"), (20, "one"), (35, "bob")]));
    pair.save("bob", "bob2");
    pair.merge("ada", "bob2", 0);
    assert_eq!(pair.here("ada"), text(&[(20, "one"), (35, "bob")]));
    pair.ada.write("a.txt", text(&[(20, "ada"), (35, "bob")]));
    pair.save("ada", "ada2");
    pair.bob.write("a.txt", text(&[(5, "bob"), (20, "two"), (35, "bob")]));
    pair.save("bob", "bob3");
    assert_eq!(pair.merge("ada", "bob3", 6)["conflicts"], json!(["a.txt"]));
}

#[test]
fn after_a_criss_cross_each_side_may_change_again_what_it_had_and_what_came() {
    let mut pair = pair();
    pair.ada.write("a.txt", text(&[(10, "ada")]));
    pair.save("ada", "ada1");
    pair.bob.write("a.txt", text(&[(30, "bob")]));
    pair.save("bob", "bob1");
    pair.merge("ada", "bob1", 0);
    pair.merge("bob", "ada1", 0);
    let both = text(&[(10, "ada"), (30, "bob")]);
    assert_eq!((pair.here("ada"), pair.here("bob")), (both.clone(), both));
    pair.save("ada", "ada2");
    pair.bob.write("a.txt", text(&[(10, "ada by bob"), (30, "bob again")]));
    pair.save("bob", "bob2");
    pair.merge("ada", "bob2", 0);
    assert_eq!(pair.here("ada"), text(&[(10, "ada by bob"), (30, "bob again")]));
    // And once more, in the other direction: now one of them has all of the other.
    pair.ada.write("a.txt", text(&[(10, "ada by bob"), (20, "more")]));
    pair.save("ada", "ada3");
    pair.merge("bob", "ada3", 0);
    assert_eq!(pair.here("bob"), text(&[(10, "ada by bob"), (20, "more")]));
}

#[test]
fn two_who_merge_each_other_at_the_same_time_again_and_again_have_no_conflict_in_what_one_alone_changes() {
    let mut pair = pair();
    for round in 1..=5 {
        let (ada, bob) = (format!("ada {round}"), format!("bob {round}"));
        let here = |who: &str| {
            let other = round - 1;
            match (who, other) {
                ("ada", 0) => text(&[(3, &ada)]),
                ("bob", 0) => text(&[(33, &bob)]),
                ("ada", _) => text(&[(3, &ada), (33, &format!("bob {other}"))]),
                _ => text(&[(3, &format!("ada {other}")), (33, &bob)]),
            }
        };
        pair.ada.write("a.txt", here("ada"));
        pair.ada.write("of-ada.txt", &ada);
        pair.bob.write("a.txt", here("bob"));
        pair.save("ada", &format!("a{round}"));
        pair.save("bob", &format!("b{round}"));
        pair.merge("ada", &format!("b{round}"), 0);
        pair.merge("bob", &format!("a{round}"), 0);
        let both = text(&[(3, &ada), (33, &bob)]);
        assert_eq!((pair.here("ada"), pair.here("bob")), (both.clone(), both), "round {round}");
    }
}

#[test]
fn a_merge_that_was_undone_is_no_base_and_can_be_made_again() {
    let mut pair = pair();
    pair.bob.write("a.txt", text(&[(5, "bob")]));
    pair.save("bob", "bob1");
    pair.merge("ada", "bob1", 0);
    pair.save("ada", "with it");
    pair.ada.snap(&["undo"]).exits(0);
    assert_eq!(pair.here("ada"), text(&[]));
    pair.save("ada", "without it");
    pair.merge("ada", "bob1", 0);
    assert_eq!(pair.here("ada"), text(&[(5, "bob")]));
    // The same is so for what a rewind took back.
    pair.ada.snap(&["rewind", "without it", "--no-session"]).exits(0);
    pair.merge("ada", "bob1", 0);
    assert_eq!(pair.here("ada"), text(&[(5, "bob")]));
}

#[test]
fn what_was_held_back_stays_to_be_had_and_what_is_here_of_it_stays() {
    let (ada, remote) = with_remote();
    ada.session(ID);
    ada.write("b.txt", "ada\n");
    ada.snap(&["save", "base"]).exits(0);
    ada.snap(&["push", "origin", "base"]).exits(0);
    let bob = colleague(&ada, &remote).of_another_user();
    as_user(&bob, "bob", &["pull"]).exits(0);
    as_user(&bob, "bob", &["resume", "base", "--trust", "--allow-kind", "all", "--no-run"]).exits(0);
    let mut pair = Pair { ada, bob, said: 0 };
    let merge = |pair: &Pair, more: &[&str], name: &str, code: i32| {
        pair.ada.snap(&["pull"]).exits(0);
        pair.ada.snap(&[&["merge", name, "--trust"], more].concat()).exits(code)
    };
    pair.bob.write("Makefile", "all:\n\techo bob\n");
    pair.bob.write("sub/one.txt", "1\n");
    pair.save("bob", "bob1");
    merge(&pair, &[], "bob1", 6);
    assert!(!pair.ada.path("Makefile").exists());
    pair.ada.write("sub/mine.txt", "mine\n");
    pair.save("ada", "ada1");
    pair.bob.write("sub/two.txt", "2\n");
    pair.save("bob", "bob2");
    // Not taken is not taken back: it is offered again.
    merge(&pair, &["--allow-kind", "all"], "bob2", 0);
    assert_eq!(pair.ada.read("Makefile"), b"all:\n\techo bob\n");
    assert_eq!(pair.ada.read("sub/mine.txt"), b"mine\n");
}

#[test]
fn a_base_that_is_gone_is_said_and_nothing_is_lost() {
    let mut pair = pair();
    pair.bob.write("a.txt", text(&[(5, "bob")]));
    pair.save("bob", "bob1");
    pair.merge("ada", "bob1", 0);
    pair.save("ada", "ada1");
    pair.bob.write("a.txt", text(&[(5, "bob"), (30, "bob")]));
    pair.save("bob", "bob2");
    pair.ada.snap(&["pull"]).exits(0);
    pair.ada.snap(&["rm", "bob1", "--yes"]).exits(0);
    pair.ada.snap(&["merge", "bob2"]).says(&["was merged here last is gone"]);
    assert!(pair.here("ada").contains("bob\n"));
}

#[test]
fn the_same_snapshot_is_merged_once_and_its_tasks_are_added_once() {
    let mut pair = pair();
    task(&pair.bob, ID, &json!({"id": "3", "subject": "Measure it", "status": "pending"}));
    pair.bob.write("a.txt", text(&[(5, "bob")]));
    pair.save("bob", "bob1");
    pair.merge("ada", "bob1", 0);
    let (state, once) = (pair.ada.state(), tasks(&pair.ada, ID));
    assert_eq!(once.len(), 3);
    as_user(&pair.ada, "ada", &["merge", "bob1"]).exits(0).says(&["was merged here already"]);
    assert_eq!((pair.ada.state(), tasks(&pair.ada, ID)), (state, once.clone()));
    task(&pair.ada, ID, &json!({"id": "9", "subject": "Of ada", "status": "pending"}));
    pair.save("ada", "ada1");
    // What came from bob does not go back to him as ada's, nor the other way round.
    pair.merge("bob", "ada1", 0);
    let subjects = |project: &Project| -> Vec<String> {
        let subject = |task: &Value| task["subject"].as_str().must("a subject").to_owned();
        tasks(project, ID).iter().map(subject).collect()
    };
    let of_bob = subjects(&pair.bob);
    assert_eq!(of_bob.len(), 4, "{of_bob:?}");
    assert!(of_bob[3].ends_with("] Of ada"), "{of_bob:?}");
    pair.save("bob", "bob2");
    pair.merge("ada", "bob2", 0);
    assert_eq!(subjects(&pair.ada).len(), 4, "{:?}", subjects(&pair.ada));
}

#[test]
fn a_merge_that_cannot_be_made_saves_nothing_first() {
    let mut pair = pair();
    pair.ada.write("a.txt", text(&[(5, "ada")]));
    pair.bob.write("a.txt", text(&[(5, "bob")]));
    pair.save("bob", "bob1");
    pair.merge("ada", "bob1", 6);
    talk(&pair.ada, ID, "more", "and now?", "resolve it");
    let count = || pair.ada.snap(&["list", "--json", "-a"]).exits(0).json().as_array().must("a list").len();
    let before = count();
    pair.ada.snap(&["merge", "bob1"]).exits(4).says(&["unfinished merge"]);
    assert_eq!(count(), before);
}

#[test]
fn a_file_that_both_renamed_is_called_that() {
    let mut pair = pair();
    pair.ada.git(&["mv", "a.txt", "of-ada.txt"]);
    pair.bob.git(&["mv", "a.txt", "of-bob.txt"]);
    pair.save("bob", "bob1");
    pair.ada.snap(&["pull"]).exits(0);
    let said = pair.ada.snap(&["merge", "bob1"]).exits(6);
    let said = format!("{}{}", said.stdout, said.stderr);
    assert!(said.contains("Each side renamed a.txt to another name"), "{said}");
    assert!(!said.contains("the other one removed it") && !said.contains("of another kind"), "{said}");
}

#[test]
fn nothing_is_saved_for_a_first_merge_that_nobody_agrees_to_or_that_has_nothing_to_do() {
    let (ada, _, remote) = apart(own);
    let project = colleague(&ada, &remote).of_another_user();
    as_user(&project, "cleo", &["pull"]).exits(0);
    project.session(OTHER);
    project.write("b.txt", "of cleo\n");
    let before = project.manifests();
    let merge = |typed: &str| {
        let mut command = project.command(project.root(), &["merge", "of bob", "--color", "never"]);
        command.env("USER", "cleo").env("COLUMNS", "120").env("SNAP_PAGER", "cat");
        typed_into(&mut command, typed)
    };
    let (code, said) = merge("n\n");
    assert!(code == 3 && said.contains("Merge it?") && !said.contains("Saved"), "{said}");
    let planned = as_user(&project, "cleo", &["merge", "of bob", "--dry-run", "--json"]).exits(0).json();
    assert_eq!(project.manifests(), before);
    let all = ["merge", "of bob", "--trust", "--allow-kind", "all", "--json"];
    let done = as_user(&project, "cleo", &all).exits(0).json();
    assert_eq!((&planned["edits"], &planned["merge"]), (&done["edits"], &done["merge"]));
    assert_eq!(project.manifests().len(), before.len() + 2, "what was here, and the safety snapshot");

    // What is here goes on from it, although nothing was saved with this session.
    let (goes_on, remote) = with_remote();
    goes_on.write("a.txt", "one\n2\nthree\n");
    goes_on.snap(&["save", "base"]).exits(0);
    goes_on.snap(&["push", "origin", "base"]).exits(0);
    let there = colleague(&goes_on, &remote);
    there.snap(&["pull"]).exits(0);
    there.snap(&["resume", "base", "--no-session"]).exits(0);
    there.session(OTHER);
    let before = there.manifests();
    let said = there.snap(&["merge", "base", "--json"]).exits(0).json();
    assert_eq!((&said["was_merged"], there.manifests()), (&json!(false), before));
}

#[test]
fn what_each_side_staged_since_both_had_the_file_is_no_conflict_in_the_index() {
    // A file that was new, or edited, and staged by nobody when it was merged first.
    for file in ["new.txt", "a.txt"] {
        let mut pair = pair();
        pair.bob.write(file, text(&[(5, "one")]));
        pair.save("bob", "b1");
        pair.merge("ada", "b1", 0);
        pair.ada.git(&["add", "-A"]);
        pair.bob.write(file, text(&[(5, "one"), (6, "two")]));
        pair.bob.git(&["add", "-A"]);
        pair.save("bob", "b2");
        let before = pair.ada.git(&["ls-files", "-s", file]);
        assert_eq!(pair.merge("ada", "b2", 0)["conflicts"], json!([]), "{file}");
        let there = pair.bob.git(&["ls-files", "-s", file]);
        assert_eq!(pair.ada.git(&["ls-files", "-s", file]), there, "{file}: staged as there");
        assert_eq!(pair.ada.read(file), text(&[(5, "one"), (6, "two")]).as_bytes(), "{file}");
        pair.ada.snap(&["undo"]).exits(0);
        assert_eq!(pair.ada.git(&["ls-files", "-s", file]), before, "{file}");
        // What both staged differently in the same line is one.
        pair.ada.write(file, text(&[(5, "one"), (6, "ada")]));
        pair.ada.git(&["add", "-A"]);
        assert_eq!(pair.merge("ada", "b2", 6)["conflicts"], json!([file]));
        let stages = pair.ada.git(&["ls-files", "-s", file]);
        assert_eq!(stages.lines().count(), 3, "{file}, with its base: {stages}");
    }
}
