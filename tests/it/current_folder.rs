//! The folder that the user is in when a command is typed: no restore takes it away.

use std::fs;

use crate::support::Must;
use crate::support::project::{Project, ran};

#[test]
fn the_folder_that_the_user_is_in_stays() {
    let project = Project::new();
    project.snap(&["save", "before"]).exits(0);
    project.write("new/dir/file.txt", "untracked\n");
    let here = project.path("new/dir");
    project.snap_in(&here, &["rewind", "before", "--yes", "--no-run"]).exits(0);
    assert!(here.is_dir() && !here.join("file.txt").exists());
    project.snap_in(&here, &["status"]).exits(0);
    project.snap_in(&here, &["undo"]).exits(0);
    assert_eq!(project.read("new/dir/file.txt"), b"untracked\n");
    // From elsewhere it goes, as ever.
    project.snap(&["rewind", "before", "--yes", "--no-run"]).exits(0);
    assert!(!project.path("new").exists());
}

#[test]
fn undo_of_a_resume_leaves_the_folder_that_the_user_is_in() {
    let project = Project::new();
    project.write("new/dir/file.txt", "untracked\n");
    project.snap(&["save", "with"]).exits(0);
    fs::remove_dir_all(project.path("new")).must("removed");
    project.snap(&["resume", "with", "--no-run", "--yes"]).exits(0);
    let here = project.path("new/dir");
    project.snap_in(&here, &["undo"]).exits(0);
    assert!(here.is_dir() && !here.join("file.txt").exists());
    project.snap_in(&here, &["redo"]).exits(0);
    assert_eq!(project.read("new/dir/file.txt"), b"untracked\n");
}

#[test]
fn a_file_in_the_place_of_the_folder_that_the_user_is_in_is_a_conflict_that_says_so() {
    let project = Project::new();
    project.write("place", "a file\n");
    project.snap(&["save", "file"]).exits(0);
    fs::remove_file(project.path("place")).must("removed");
    fs::create_dir(project.path("place")).must("a folder");
    let here = project.path("place");
    project
        .snap_in(&here, &["rewind", "file", "--yes", "--no-run"])
        .exits(4)
        .says(&["you are in", "another folder"]);
    assert!(here.is_dir());
    project.snap(&["rewind", "file", "--yes", "--no-run"]).exits(0);
    assert_eq!(project.read("place"), b"a file\n");
}

#[test]
fn in_a_folder_that_is_gone_the_hint_names_a_command_that_works() {
    let project = Project::new();
    project.snap(&["save", "before"]).exits(0);
    project.write("a.txt", "edited\n");
    project.snap(&["rewind", "before", "--yes", "--no-run"]).exits(0);
    let root = project.root().to_str().must("UTF-8").to_owned();
    let gone = format!("{root}/gone/deep");
    fs::create_dir_all(&gone).must("a folder");
    let mut command = project.command(project.root(), &["status"]);
    let program = command.get_program().to_owned();
    let script = "rm -r ../deep; exec \"$0\" status";
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", script]).arg(program).current_dir(&gone).env_clear();
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("PWD", &gone);
    ran(&mut shell).exits(2).says(&["was removed", &format!("snap -C \"{root}\" undo")]);
    command = project.command(project.home.path(), &["-C", &root, "undo"]);
    ran(&mut command).exits(0);
    assert_eq!(project.read("a.txt"), b"edited\n");
}
