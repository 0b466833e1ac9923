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
    let project = begun();
    project.git(&["checkout", "-q", "-b", "f"]);
    project.write("a.txt", text(&[(5, "one")]));
    project.git(&["commit", "-qam", "one"]);
    project.snap(&["save", "s2"]).exits(0);
    project.git(&["checkout", "-q", "main"]);
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
fn a_branch_that_is_made_where_one_stands_goes_on_from_what_was_saved_there() {
    let project = begun();
    project.write("a.txt", text(&[(5, "one")]));
    project.snap(&["save", "s2"]).exits(0);
    project.git(&["checkout", "-q", "-b", "f"]);
    project.write("a.txt", text(&[(25, "two")]));
    project.snap(&["save", "s3"]).exits(0);
    project.snap(&["merge", "s2"]).exits(0).says(&["Nothing to merge"]);
    has(&project, &[(25, "two")]);
}
