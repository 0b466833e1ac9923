//! `snap undo` and `snap redo`: one restore further back each time, forward again, and plainly told.

use std::fs;

use crate::handoff_remote::{colleague, with_remote};
use crate::merging::as_user;
use crate::real_client::answering_on_terminal;
use crate::support::Must;
use crate::support::project::Project;

/// A project with the snapshots `one` and `two`, and an edit of its own.
fn project() -> Project {
    let project = Project::new();
    for name in ["one", "two"] {
        project.write("a.txt", format!("{name}\n"));
        project.write(name, "new\n");
        project.snap(&["save", name]).exits(0);
    }
    project.write("a.txt", "mine\n");
    project
}

fn safeties(project: &Project) -> Vec<String> {
    let listed = project.snap(&["list", "--json"]).exits(0).json();
    let names = listed.as_array().must("a list").iter().filter(|one| one["trigger"] == "safety");
    names.map(|one| one["name"].as_str().must("a name").to_owned()).collect()
}

#[test]
fn undo_steps_further_back_each_time_and_redo_forward_again() {
    let project = project();
    let mut passed = vec![project.state()];
    for name in ["one", "two", "one"] {
        project.snap(&["rewind", name]).exits(0);
        passed.push(project.state());
    }
    for _ in 0..2 {
        for state in passed.iter().rev().skip(1) {
            project.snap(&["undo"]).exits(0);
            assert_eq!(&project.state(), state);
        }
        project
            .snap(&["undo"])
            .exits(3)
            .says(&["everything done here is undone already", "`snap redo` goes forward again"]);
        assert_eq!(&project.state(), &passed[0], "nothing was changed");
        for state in passed.iter().skip(1) {
            project.snap(&["redo"]).exits(0);
            assert_eq!(&project.state(), state);
        }
        project.snap(&["redo"]).exits(3).says(&["There is nothing to redo"]);
    }
}

#[test]
fn a_new_restore_ends_what_could_be_redone_and_loses_nothing() {
    let project = project();
    project.snap(&["rewind", "one"]).exits(0);
    project.write("a.txt", "worked on\n");
    project.snap(&["undo"]).exits(0);
    let kept = safeties(&project);
    project.snap(&["rewind", "two"]).exits(0);
    project.snap(&["redo"]).exits(3).says(&["nothing was undone here since the last restore"]);
    assert!(kept.iter().all(|name| safeties(&project).contains(name)));
    let worked_on = kept.first().must("the undo made one");
    project.snap(&["rewind", worked_on]).exits(0);
    assert_eq!(project.read("a.txt"), b"worked on\n");
}

#[test]
fn redo_brings_back_what_was_worked_on_before_the_undo_and_undo_what_was_before_the_redo() {
    let project = project();
    project.snap(&["rewind", "one"]).exits(0);
    project.write("a.txt", "on top of one\n");
    project.snap(&["undo"]).exits(0);
    assert_eq!(project.read("a.txt"), b"mine\n");
    project.write("a.txt", "mine, and more\n");
    project.snap(&["redo"]).exits(0);
    assert_eq!(project.read("a.txt"), b"on top of one\n");
    project.snap(&["undo"]).exits(0);
    assert_eq!(project.read("a.txt"), b"mine, and more\n");
}

#[test]
fn undo_and_redo_say_which_restore_when_and_which_paths() {
    let project = project();
    project.snap(&["rewind", "one"]).exits(0);
    let shown = project.snap(&["undo", "--dry-run"]).exits(0).stdout;
    assert!(shown.starts_with("undo rewind \"one\", ") && shown.contains("replace a.txt"), "{shown}");
    let said = ["Undid rewind \"one\", ", ": 2 paths are as they were before it (a.txt, two)"];
    project.snap(&["undo"]).exits(0).says(&said).says(&["kept as safety-", "`snap redo` goes forward"]);
    project
        .snap(&["redo"])
        .exits(0)
        .says(&["Redid rewind \"one\", ", "as they were before the undo (a.txt, two)"]);
    let undone = project.snap(&["undo", "--json"]).exits(0).json();
    assert_eq!((&undone["undo"]["operation"], &undone["undo"]["name"]), (&"rewind".into(), &"one".into()));
    project.write("a.txt", "one\n");
    fs::remove_file(project.path("two")).must("to remove");
    project.snap(&["redo"]).exits(0).says(&["every file is as it was before the undo"]);
    project.snap(&["undo"]).exits(0).says(&["Undid rewind \"one\", ", "2 paths are as they were before it"]);
    assert_eq!(project.read("a.txt"), b"mine\n", "a redo that set nothing leaves the way back");
}

#[test]
fn a_step_that_had_nothing_to_set_is_a_step_and_no_other_one_is_taken_in_its_place() {
    let project = project();
    let before = project.state();
    project.snap(&["rewind", "one"]).exits(0);
    let one = project.state();
    project.snap(&["rewind", "two"]).exits(0);
    let two = project.state();
    project.snap(&["rewind", "one"]).exits(0);
    let last = project.state();
    project.snap(&["undo"]).exits(0);
    project.write("a.txt", "one\n");
    fs::remove_file(project.path("two")).must("to remove");
    let by_hand = project.state();
    project.snap(&["undo"]).exits(0).says(&["Undid rewind \"two\", ", "every file is as it was before it"]);
    project.snap(&["redo"]).exits(0).says(&["Redid rewind \"two\", ", "the undo of it had set no file"]);
    assert_eq!(project.state(), by_hand);
    project.snap(&["redo"]).exits(0).says(&["Redid rewind \"one\", "]);
    assert_eq!(project.state(), last);
    project.snap(&["redo"]).exits(3).says(&["There is nothing to redo"]);
    for state in [&two, &one, &before] {
        project.snap(&["undo"]).exits(0);
        assert_eq!(&project.state(), state);
    }
    for state in [&one, &two, &last] {
        project.snap(&["redo"]).exits(0);
        assert_eq!(&project.state(), state);
    }
}

#[test]
fn a_restore_that_changed_no_file_is_passed_over_and_undo_says_so() {
    let project = project();
    project.snap(&["rewind", "one"]).exits(0);
    project.snap(&["rewind", "one"]).exits(0).says(&["Nothing had to be done"]);
    let before = project.state();
    let passed = "Rewind \"one\", ";
    let shown = project.snap(&["undo", "--dry-run"]).exits(0).stdout;
    assert!(shown.contains(passed) && shown.contains("changed no file and was passed over"), "{shown}");
    assert_eq!(shown.matches("passed over").count(), 1, "{shown}");
    let undone = project.snap(&["undo", "--json"]).exits(0).json();
    assert_eq!(undone["undo"]["passed_over"][0]["operation"], "rewind");
    assert_eq!(project.read("a.txt"), b"mine\n");
    project.snap(&["redo"]).exits(0);
    assert_eq!(project.state(), before);
    project.snap(&["redo"]).exits(3).says(&["rewind of one changed no file", "nothing else was undone"]);
    for _ in 0..3 {
        project.snap(&["rewind", "one"]).exits(0);
    }
    let said = ["Undid rewind \"one\", ", passed, ", changed no file and was passed over, as were 2 more."];
    let ran = project.snap(&["undo"]).exits(0).says(&said);
    let told = format!("{}{}", ran.stdout, ran.stderr);
    assert_eq!(told.matches("passed over").count(), 1, "{told}");
    assert_eq!(project.read("a.txt"), b"mine\n");
}

#[test]
fn undo_passes_over_what_changed_no_file_to_a_removal_too() {
    let project = project();
    project.snap(&["rewind", "one"]).exits(0);
    project.snap(&["rm", "two"]).exits(0);
    project.snap(&["rewind", "one"]).exits(0);
    let said = ["Rewind \"one\", ", "changed no file and was passed over", "\"two\" is back"];
    project.snap(&["undo"]).exits(0).says(&said);
    project.snap(&["undo"]).exits(0).says(&["Undid rewind \"one\", "]);
    project.snap(&["rewind", "one"]).exits(0);
    project.snap(&["undo"]).exits(0);
    project.snap(&["save", "mine"]).exits(0);
    project.snap(&["rewind", "mine"]).exits(0);
    project
        .snap(&["undo"])
        .exits(3)
        .says(&["rewind \"mine\"", ", changed no file, and everything before it is undone already"]);
}

#[test]
fn without_its_safety_snapshot_a_restore_can_not_be_undone_and_no_older_one_is() {
    let project = project();
    project.snap(&["rewind", "one"]).exits(0);
    project.snap(&["rewind", "two"]).exits(0);
    let newest = safeties(&project).first().must("a safety snapshot").clone();
    project.snap(&["rm", &newest, "--now"]).exits(0);
    let before = project.state();
    let gone = ["There is nothing to undo", "would undo the rewind of two was removed"];
    project.snap(&["undo"]).exits(3).says(&gone);
    project.snap(&["undo", "--anyway"]).exits(3).says(&gone);
    assert_eq!(project.state(), before);
    project.snap(&["rewind", "one"]).exits(0);
    project.snap(&["undo"]).exits(0);
    project.snap(&["undo"]).exits(3).says(&gone);
}

#[test]
fn after_a_removal_undo_does_not_undo_a_restore_that_came_before_it_unasked() {
    for removal in [&["rm", "two", "--now"][..], &["prune", "--keep-last", "1", "--now"][..]] {
        let project = project();
        project.snap(&["rewind", "one"]).exits(0);
        let before = project.state();
        project.snap(removal).exits(0);
        for way in [&["undo"][..], &["undo", "--dry-run"], &["undo", "--json"]] {
            let last = format!("the last thing done here is `snap {}`", removal[0]);
            project.snap(way).exits(3).says(&[
                "The last step can't be undone",
                &last,
                "`snap undo --anyway`",
            ]);
        }
        assert_eq!(project.state(), before);
        project.snap(&["undo", "--anyway"]).exits(0);
        assert_eq!(project.read("a.txt"), b"mine\n");
        project.snap(&["redo"]).exits(0);
        assert_eq!(project.state(), before);
    }
}

#[test]
fn a_removal_of_nothing_or_of_one_work_tree_is_none_for_another() {
    let project = project();
    project.git(&["worktree", "add", "-q", "../beside"]);
    project.snap(&["rewind", "one"]).exits(0);
    project.snap(&["prune", "--older-than", "30d"]).exits(0);
    let beside = project.path("../beside");
    project.snap_in(&beside, &["rm", "two"]).exits(0);
    project.snap(&["undo"]).exits(0);
    assert_eq!(project.read("a.txt"), b"mine\n");
}

#[test]
fn after_commits_undo_says_what_will_be_staged_before_it_does_it() {
    let project = project();
    project.snap(&["rewind", "one"]).exits(0);
    project.git(&["add", "a.txt", "one"]);
    project.git(&["commit", "-qm", "what was brought back"]);
    let before = project.state();
    let planned = project.snap(&["undo", "--dry-run"]).exits(0).stdout;
    let told = "git will show as staged: a.txt";
    assert!(planned.contains("commits are not changed") && planned.contains(told), "{planned}");
    assert_eq!(project.state(), before);
    project.snap(&["undo"]).exits(0).says(&[told]);
    assert_eq!(project.git(&["diff", "--cached", "--name-only"]), "a.txt\n");
    project.snap(&["redo"]).exits(0);
    assert_eq!(project.state(), before);
}

#[test]
fn undo_removes_the_empty_folders_that_a_rewind_made_and_no_others_and_redo_makes_them_again() {
    let project = Project::new();
    for folder in ["gone/deep", "left", "sub/empty", "filled"] {
        fs::create_dir_all(project.path(folder)).must("a folder");
    }
    project.write("a.txt", "edited\n");
    project.snap(&["save", "x"]).exits(0);
    let there = |names: [&str; 5]| names.map(|name| project.path(name).is_dir());
    let names = ["gone", "gone/deep", "left", "sub/empty", "filled"];
    for folder in ["gone/deep", "gone", "sub/empty", "filled"] {
        fs::remove_dir(project.path(folder)).must("to remove");
    }
    project.snap(&["rewind", "x"]).exits(0);
    assert_eq!(there(names), [true; 5]);
    project.write("filled/mine", "mine\n");
    project.snap(&["undo"]).exits(0);
    assert_eq!(there(names), [false, false, true, false, true]);
    assert_eq!(project.read("filled/mine"), b"mine\n");
    project.snap(&["redo"]).exits(0);
    assert_eq!(there(names), [true; 5]);
    project.snap(&["undo"]).exits(0);
    assert_eq!(there(names), [false, false, true, false, true]);
}

#[test]
fn a_folder_that_was_empty_before_a_rewind_stays_when_it_is_undone_even_if_git_ignores_it() {
    let project = Project::new();
    project.write("box/mine", "mine\n");
    fs::create_dir_all(project.path("chest/none")).must("a folder");
    project.snap(&["save", "x"]).exits(0);
    fs::remove_file(project.path("box/mine")).must("to remove");
    fs::remove_dir(project.path("chest/none")).must("to remove");
    project.write(".git/info/exclude", "*\n");
    for _ in 0..2 {
        project.snap(&["rewind", "x"]).exits(0);
        assert!(project.path("box/mine").is_file() && project.path("chest/none").is_dir());
        project.snap(&["undo"]).exits(0);
        assert!(!project.path("box/mine").exists() && !project.path("chest/none").exists());
        assert!(project.path("box").is_dir() && project.path("chest").is_dir());
    }
}

#[test]
fn in_a_folder_that_was_moved_undo_names_the_safety_snapshot() {
    let project = project();
    project.snap(&["rewind", "one"]).exits(0);
    let safety = safeties(&project).remove(0);
    let moved = project.home.path().join("moved");
    fs::rename(project.root(), &moved).must("to move");
    project.snap_in(&moved, &["undo"]).exits(3).says(&[
        "rewind",
        "one",
        "/app",
        "was it moved?",
        &format!("snap rewind {safety}"),
    ]);
    project.snap_in(&moved, &["rewind", &safety, "--no-session"]).exits(0);
    assert_eq!(fs::read(moved.join("a.txt")).must("the file"), b"mine\n");
}

#[test]
fn an_ignored_empty_folder_in_the_place_of_a_file_comes_back_with_undo() {
    let project = Project::new();
    project.write("d", "a file\n");
    project.snap(&["save", "x"]).exits(0);
    std::fs::remove_file(project.path("d")).must("to remove");
    project.write("d/.gitignore", "*\n");
    std::fs::create_dir_all(project.path("d/none/deep")).must("a folder");
    project.snap(&["rewind", "x"]).exits(0);
    assert_eq!(project.read("d"), b"a file\n");
    for word in ["undo", "redo", "undo"] {
        project.snap(&[word]).exits(0);
    }
    assert!(project.path("d/none/deep").is_dir());
}

#[test]
fn somebody_elses_snapshot_of_a_name_that_is_taken_is_named_as_it_must_be_typed() {
    let (ada, remote) = with_remote();
    let bob = colleague(&ada, &remote).of_another_user();
    bob.write("a.txt", "of bob\n");
    as_user(&bob, "bob", &["save", "same"]).exits(0);
    as_user(&bob, "bob", &["push"]).exits(0);
    ada.write("a.txt", "of ada\n");
    ada.snap(&["save", "same"]).exits(0);
    ada.snap(&["pull"]).exits(0);
    ada.git(&["checkout", "-q", "--", "a.txt"]);
    ada.snap(&["rewind", "same@bob"]).exits(3).says(&["same@bob"]);
    let rewound = ada.snap(&["rewind", "same@bob", "--trust", "--json"]).exits(0).json();
    let safety = rewound["safety"].as_str().must("a safety snapshot");
    let shown = ada.snap(&["show", safety]).exits(0).stdout;
    assert!(shown.contains("made before restoring same@bob;"), "{shown}");
    let planned = ada.snap(&["undo", "--dry-run"]).exits(0).stdout;
    assert!(planned.starts_with("undo rewind \"same@bob\""), "{planned}");
    let undone = ada.snap(&["undo", "--json"]).exits(0).json();
    assert_eq!(undone["undo"]["name"], "same@bob");
    ada.snap(&["redo"]).exits(0).says(&["Redid rewind \"same@bob\""]);
    ada.snap(&["undo"]).exits(0).says(&["Undid rewind \"same@bob\""]);
    ada.snap(&["resume", "same@bob", "--fill", "X"]).exits(2).says(&["snap show same@bob"]);
    ada.snap(&["link", "same@bob"]).exits(3).says(&["same@bob"]);
    ada.snap(&["rewind", "same"]).exits(0);
    ada.snap(&["undo"]).exits(0).says(&["Undid rewind \"same\""]);
}

#[test]
fn the_last_line_of_a_restore_says_what_was_set() {
    let project = Project::new();
    project.session("c137e379-838e-4509-8148-16b407691758");
    project.write("a.txt", "saved\n");
    fs::create_dir_all(project.path("empty")).must("a folder");
    project.snap(&["save", "x"]).exits(0);
    let alone = project.snap(&["resume", "x", "--no-edits", "--no-run"]).exits(0);
    let said = format!("{}{}", alone.stdout, alone.stderr);
    assert!(!said.contains("Set ") && !said.contains("snap undo"), "{said}");
    project.snap(&["rewind", "x", "--no-edits"]).exits(2).says(&["`snap resume --no-edits`"]);
    fs::remove_dir(project.path("empty")).must("to remove");
    let folder = project.snap(&["rewind", "x", "--no-run"]).exits(0);
    assert!(!folder.stderr.contains("Set 0 paths"), "{}", folder.stderr);
    folder.says(&["No file had to be set; `snap undo` goes back"]);
    project.snap(&["undo"]).exits(0);
    assert!(!project.path("empty").exists());
}

#[test]
fn undo_and_redo_stop_where_what_was_done_last_may_be_in_lines_that_cannot_be_read() {
    let project = Project::new();
    let damage = || project.append(&project.stored("log.jsonl"), b"rubbish\n");
    project.write("a.txt", "saved\n");
    project.snap(&["save", "x"]).exits(0);
    project.write("a.txt", "first\n");
    // What is damaged before the last step says nothing of it.
    damage();
    project.snap(&["rewind", "x"]).exits(0);
    project.snap(&["undo"]).exits(0);
    assert_eq!(project.read("a.txt"), b"first\n");
    project.snap(&["redo"]).exits(0);
    project.write("a.txt", "second\n");
    project.snap(&["save", "y"]).exits(0);
    damage();
    let words =
        ["What to undo is not known", "rewind \"x\"", "`snap undo --anyway`", "`snap verify --repair`"];
    for way in [&["undo", "--dry-run"][..], &["undo"], &["undo", "--json"]] {
        project.snap(way).exits(3).says(&words);
        assert_eq!(project.read("a.txt"), b"second\n", "{way:?}");
    }
    // The next restore is after the damage, and what comes before that is not.
    project.snap(&["rewind", "x"]).exits(0);
    project.snap(&["undo"]).exits(0);
    assert_eq!(project.read("a.txt"), b"second\n");
    project.snap(&["undo"]).exits(3).says(&words);
    project.snap(&["redo"]).exits(0);
    project.snap(&["undo"]).exits(0);
    project.snap(&["undo", "--anyway"]).exits(0);
    assert_eq!(project.read("a.txt"), b"first\n");
    damage();
    project.snap(&["redo"]).exits(3).says(&["What to redo is not known", "something may have been done"]);
    project.snap(&["undo"]).exits(3).says(&["What to undo is not known"]);
    assert_eq!(project.read("a.txt"), b"first\n");
}

#[test]
fn a_restore_of_which_even_the_name_is_gone_is_told_in_words() {
    let project = Project::new();
    project.write("a.txt", "saved\n");
    project.snap(&["save", "x"]).exits(0);
    project.write("a.txt", "later\n");
    project.snap(&["rewind", "x"]).exits(0);
    let all = project.snap(&["list", "-a", "--json"]).exits(0).json();
    let names =
        all.as_array().must("a list").iter().map(|one| one["name"].as_str().must("a name").to_owned());
    let names: Vec<String> = names.collect();
    let words: Vec<&str> = names.iter().map(String::as_str).collect();
    project.snap(&[&["rm", "--now", "--yes"], &words[..]].concat()).exits(0);
    let undo = project
        .snap(&["undo", "--anyway"])
        .exits(3)
        .says(&["the rewind of a snapshot that is gone", "`snap list -a`"]);
    assert!(!undo.stderr.contains("(removed)"), "{undo:?}");
}

#[test]
fn a_person_whose_last_restore_changed_no_file_is_asked_before_anything_older_is_undone() {
    let project = project();
    let undo = |answer: &str| answering_on_terminal(&mut project.command(project.root(), &["undo"]), answer);
    project.snap(&["rewind", "one"]).exits(0);
    project.snap(&["rewind", "one"]).exits(0);
    let said = undo("n\n");
    assert!(said.contains("changed no file") && said.contains("Undo rewind \"one\""), "{said}");
    assert!(said.contains("Nothing was undone"), "{said}");
    assert_ne!(project.read("a.txt"), b"mine\n");
    undo("y\n");
    assert_eq!(project.read("a.txt"), b"mine\n");
    project.snap(&["redo"]).exits(0);
    project.snap(&["rm", "two"]).exits(0);
    project.snap(&["rewind", "one"]).exits(0);
    let said = undo("n\n");
    assert!(said.contains("Undo rm of 1 snapshot") && said.contains("Nothing was undone"), "{said}");
    project.snap(&["show", "two"]).exits(3);
}

#[test]
fn where_all_is_undone_here_the_last_restore_in_another_work_tree_is_named() {
    let project = project();
    project.snap(&["rewind", "one"]).exits(0);
    project.snap(&["undo"]).exits(0);
    let said = project.snap(&["undo"]).exits(3).stderr;
    assert!(!said.contains("-C"), "{said}");
    project.snap(&["resume", "one", "--worktree", "try", "--no-run"]).exits(0);
    project
        .snap(&["undo"])
        .exits(3)
        .says(&["the last resume was in another work tree: `snap -C ", "/try\" undo`"]);
}
