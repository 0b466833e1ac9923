//! Git's file system monitor: asked where the user has one, so that large trees are saved quickly; never by a restore, and never one
//! that a project names.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use crate::support::Must;
use crate::support::project::Project;

/// Makes a project that git has to list, and a monitor that says of each question that only `a.txt` changed, and writes down that it
/// was asked. Returns the program and what it writes to.
fn watched() -> (Project, PathBuf, PathBuf) {
    let project = Project::new();
    for file in ["a.txt", "b.txt", "c.txt"] {
        project.write(file, "committed\n");
    }
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "three files"]);
    // Something staged: then the tree is listed by git.
    project.write("c.txt", "staged\n");
    project.git(&["add", "c.txt"]);
    let (program, asked) = (project.home.path().join("monitor"), project.home.path().join("asked"));
    let script =
        format!("#!/bin/sh\necho asked >> '{}'\nprintf 'token\\0a.txt\\0c.txt\\0'\n", asked.display());
    fs::write(&program, script).must("a program");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).must("to make it executable");
    (project, program, asked)
}

#[test]
fn a_save_asks_the_users_monitor_and_a_restore_does_not_believe_it() {
    let (project, program, asked) = watched();
    let program = program.to_str().must("UTF-8");
    project.users_setting("core.fsmonitor", program);
    // As git itself notes it in the index.
    project.git(&["-c", &format!("core.fsmonitor={program}"), "status"]);
    project.write("a.txt", "edited\n");
    project.write("b.txt", "edited, and the monitor denies it\n");
    fs::remove_file(&asked).must("it was asked by git");
    project.snap(&["save", "x"]).exits(0);
    assert!(asked.exists(), "the monitor was not asked");
    let shown = project.snap(&["show", "x"]).exits(0).stdout;
    assert!(shown.contains("a.txt") && !shown.contains("b.txt"), "git believes the monitor: {shown}");
    // What the monitor denies is not lost when it is overwritten.
    fs::remove_file(&asked).must("it was asked");
    project.snap(&["rewind", "x", "--no-run"]).exits(0);
    assert!(!asked.exists(), "a restore asked the monitor");
    assert_eq!(project.read("b.txt"), b"committed\n");
    project.snap(&["undo"]).exits(0);
    assert_eq!(project.read("b.txt"), b"edited, and the monitor denies it\n");
}

#[test]
fn a_monitor_that_a_project_names_is_never_started() {
    let (project, program, asked) = watched();
    project.git(&["config", "core.fsmonitor", program.to_str().must("UTF-8")]);
    project.git(&["status"]);
    fs::remove_file(&asked).must("git itself asked it");
    project.write("a.txt", "edited\n");
    project.write("b.txt", "edited too\n");
    let shown = project.snap(&["save", "x"]).exits(0);
    let shown = shown.stdout + &project.snap(&["show", "x"]).exits(0).stdout;
    assert!(!asked.exists() && shown.contains("b.txt"), "{shown}");
}

#[test]
fn a_monitor_that_fails_hides_nothing() {
    let (project, program, _) = watched();
    project.users_setting("core.fsmonitor", "/no/such/program");
    project.git(&["-c", &format!("core.fsmonitor={}", program.display()), "status"]);
    project.write("b.txt", "edited\n");
    project.snap(&["save", "x"]).exits(0);
    assert!(project.snap(&["show", "x"]).exits(0).stdout.contains("b.txt"));
}
