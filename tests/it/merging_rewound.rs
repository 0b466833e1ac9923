//! `snap merge` after steps back: what a line is made from is what its files came from, not what was saved last.

use crate::merging::{ID, talk};
use crate::merging_again::text;
use crate::support::Must;
use crate::support::project::Project;

/// A project with "s1" in it, of a session.
fn begun() -> Project {
    let project = Project::new();
    project.write("a.txt", text(&[]));
    project.git(&["commit", "-qam", "forty lines"]);
    project.session(ID);
    project.snap(&["save", "s1"]).exits(0);
    project
}

/// The same with "s2" of a commit on branch f; main is checked out.
fn with_branch() -> Project {
    let project = begun();
    project.git(&["checkout", "-q", "-b", "f"]);
    project.write("a.txt", text(&[(5, "one")]));
    project.git(&["commit", "-qam", "one"]);
    project.snap(&["save", "s2"]).exits(0);
    project.git(&["checkout", "-q", "main"]);
    project
}

#[track_caller]
fn has(project: &Project, changed: &[(usize, &str)]) {
    assert_eq!(String::from_utf8(project.read("a.txt")).must("UTF-8"), text(changed));
}

#[test]
fn what_was_saved_before_a_rewind_is_no_part_of_what_was_done_after_it() {
    for speaks in [false, true] {
        let project = Project::new();
        project.write("a.txt", text(&[]));
        project.git(&["commit", "-qam", "forty lines"]);
        project.session(ID);
        project.write("a.txt", text(&[(5, "one")]));
        project.snap(&["save", "step-1"]).exits(0);
        project.write("a.txt", text(&[(5, "one"), (15, "two")]));
        if speaks {
            talk(&project, ID, "s", "go on", "done");
        }
        project.snap(&["save", "step-2"]).exits(0);
        project.snap(&["rewind", "step-1"]).exits(0);
        project.write("a.txt", text(&[(5, "one"), (25, "cache")]));
        project.write("cache.txt", "new\n");
        project.snap(&["save", "cache-1"]).exits(0);
        project.snap(&["rewind", "step-2"]).exits(0);
        project.snap(&["merge", "cache-1"]).exits(0);
        let both = text(&[(5, "one"), (15, "two"), (25, "cache")]);
        assert_eq!(String::from_utf8(project.read("a.txt")).must("UTF-8"), both);
        assert_eq!(project.read("cache.txt"), b"new\n");
    }
}

#[test]
fn what_was_saved_after_a_rewind_that_was_undone_is_another_line() {
    for how in [&["rewind", "s1"][..], &["rewind", "s1", "--fork"], &["rewind", "s1", "--no-session"]] {
        let project = begun();
        talk(&project, ID, "s", "go on", "done");
        project.write("a.txt", text(&[(5, "one")]));
        project.snap(how).exits(0);
        project.write("a.txt", text(&[(25, "two")]));
        project.snap(&["save", "s2"]).exits(0);
        project.snap(&["undo"]).exits(0);
        has(&project, &[(5, "one")]);
        project.snap(&["save", "s3"]).exits(0);
        project.snap(&["merge", "s2"]).exits(0);
        has(&project, &[(5, "one"), (25, "two")]);
        project.snap(&["undo"]).exits(0);
        project.snap(&["rewind", "s2"]).exits(0);
        project.snap(&["merge", "s3"]).exits(0);
        has(&project, &[(5, "one"), (25, "two")]);
    }
}

#[test]
fn what_was_committed_and_rewound_away_comes_with_a_merge() {
    let project = begun();
    project.write("a.txt", text(&[(5, "one")]));
    project.write("new.txt", "new\n");
    project.snap(&["save", "s2"]).exits(0);
    project.git(&["add", "new.txt"]);
    project.git(&["commit", "-qam", "one"]);
    project.snap(&["save", "s3"]).exits(0);
    for name in ["s2", "s3"] {
        project.snap(&["rewind", "s1"]).exits(0);
        has(&project, &[]);
        project.write("a.txt", text(&[(25, "two")]));
        project.snap(&["merge", name]).exits(0);
        has(&project, &[(5, "one"), (25, "two")]);
        assert_eq!(project.read("new.txt"), b"new\n");
    }
}

#[test]
fn what_was_saved_on_another_branch_of_git_is_another_line() {
    let project = with_branch();
    project.write("a.txt", text(&[(25, "two")]));
    project.git(&["commit", "-qam", "two"]);
    project.snap(&["save", "s3"]).exits(0);
    project.snap(&["merge", "s2"]).exits(0);
    has(&project, &[(5, "one"), (25, "two")]);
    project.snap(&["undo"]).exits(0);
    project.git(&["checkout", "-q", "f"]);
    project.snap(&["merge", "s3"]).exits(0);
    has(&project, &[(5, "one"), (25, "two")]);
    project.snap(&["undo"]).exits(0);
    // After a rewind, too.
    project.snap(&["rewind", "s2"]).exits(0);
    project.snap(&["merge", "s3"]).exits(0);
    has(&project, &[(5, "one"), (25, "two")]);
}

#[test]
fn what_is_pending_on_another_branch_of_git_can_be_had_and_a_new_branch_goes_on_from_where_it_was_made() {
    let project = with_branch();
    project.write("c.txt", "pending\n");
    project.snap(&["save", "s3"]).exits(0);
    std::fs::remove_file(project.path("c.txt")).must("removed");
    project.git(&["checkout", "-q", "f"]);
    project.snap(&["merge", "s3"]).exits(0);
    assert_eq!(project.read("c.txt"), b"pending\n");
    has(&project, &[(5, "one")]);
    // What is changed again on a new branch is no conflict.
    project.snap(&["save", "s4"]).exits(0);
    project.git(&["checkout", "-q", "-b", "g"]);
    project.write("c.txt", "again\n");
    project.snap(&["save", "s5"]).exits(0);
    project.snap(&["rewind", "s4"]).exits(0);
    project.snap(&["merge", "s5"]).exits(0);
    assert_eq!(project.read("c.txt"), b"again\n");
}

#[test]
fn the_same_merge_made_again_has_nothing_of_what_followed_the_first() {
    let project = begun();
    project.write("a.txt", text(&[(35, "one")]));
    project.snap(&["save", "s2"]).exits(0);
    project.snap(&["rewind", "s1"]).exits(0);
    project.snap(&["merge", "s2"]).exits(0);
    project.write("a.txt", text(&[(5, "two"), (35, "one")]));
    project.snap(&["save", "s3"]).exits(0);
    project.snap(&["undo"]).exits(0);
    project.snap(&["merge", "s2"]).exits(0);
    has(&project, &[(35, "one")]);
    project.snap(&["merge", "s3"]).exits(0);
    has(&project, &[(5, "two"), (35, "one")]);
}

#[test]
fn what_files_came_from_is_the_base_whatever_conversation_goes_on() {
    let project = begun();
    project.write("a.txt", text(&[(5, "one")]));
    project.snap(&["save", "s2"]).exits(0);
    let resumed = project.snap(&["rewind", "s1", "--fork", "--json"]).exits(0).json();
    let fork = resumed["session_id"].as_str().must("a session").to_owned();
    talk(&project, &fork, "f1", "try it", "tried");
    project.write("a.txt", text(&[(25, "two")]));
    project.snap(&["save", "s3"]).exits(0);
    project.snap(&["merge", "s2"]).exits(0);
    project.write("a.txt", text(&[(25, "two")]));
    talk(&project, &fork, "f2", "not that", "taken back");
    project.snap(&["save", "s5"]).exits(0);
    project.snap(&["rewind", "s2", "--no-session"]).exits(0);
    talk(&project, &fork, "f3", "go on", "done");
    project.snap(&["merge", "s5"]).exits(0);
    has(&project, &[(25, "two")]);
}

#[test]
fn a_merge_that_set_nothing_names_no_undo_that_would_take_back_something_else() {
    let project = begun();
    project.write("a.txt", text(&[(5, "one")]));
    project.snap(&["save", "s2"]).exits(0);
    project.snap(&["rewind", "s1"]).exits(0);
    project.snap(&["merge", "s2"]).exits(0);
    project.snap(&["merge", "s2"]).exits(0).says(&["was merged here already", "snap undo"]);
    project.snap(&["rewind", "s1"]).exits(0);
    project.write("a.txt", text(&[(5, "one")]));
    project.snap(&["save", "s4"]).exits(0);
    project.snap(&["merge", "s2"]).exits(0);
    let said = project.snap(&["merge", "s2"]).exits(0);
    assert!(!format!("{}{}", said.stdout, said.stderr).contains("snap undo"), "{}", said.stderr);
}

#[test]
fn a_new_file_that_is_put_into_a_renamed_folder_is_named() {
    let project = Project::new();
    project.write("src/a.txt", text(&[]));
    project.write("src/b.txt", "b\n");
    project.git(&["add", "src"]);
    project.git(&["commit", "-qm", "files"]);
    project.snap(&["save", "one"]).exits(0);
    project.write("src/new.txt", "new\n");
    project.snap(&["save", "two"]).exits(0);
    project.snap(&["rewind", "one"]).exits(0);
    project.git(&["mv", "src", "lib"]);
    let merged = project.snap(&["merge", "two"]).exits(0).says(&["src/new.txt goes to lib/new.txt"]);
    assert!(!merged.stdout.contains("was removed here"), "{}", merged.stdout);
    assert_eq!(project.read("lib/new.txt"), b"new\n");
}

#[test]
fn what_files_were_set_to_alone_is_the_base_though_the_conversation_has_nothing_of_it() {
    let project = begun();
    project.write("a.txt", text(&[(5, "one")]));
    talk(&project, ID, "s", "go on", "done");
    project.snap(&["save", "s2"]).exits(0);
    let resumed = project.snap(&["rewind", "s1", "--fork", "--json"]).exits(0).json();
    let fork = resumed["session_id"].as_str().must("a session").to_owned();
    talk(&project, &fork, "f1", "try it", "tried");
    project.snap(&["save", "s3", "--session", &fork]).exits(0);
    project.snap(&["rewind", "s2", "--no-session"]).exits(0);
    // Taken back, which a merge from anything older would not know.
    project.write("a.txt", text(&[(25, "two")]));
    project.snap(&["save", "s4", "--session", &fork]).exits(0);
    project.snap(&["rewind", "s2"]).exits(0);
    project.snap(&["merge", "s4"]).exits(0);
    has(&project, &[(25, "two")]);
}
