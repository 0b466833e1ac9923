//! A restore that was killed, and files that somebody else wrote before it was rolled back: nothing is lost, and what is left is told.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::Must;
use crate::support::project::{Project, files_below};
use crate::support::trace::{Scene, available};

/// The files that restores have left in the tree.
fn left(project: &Project) -> Vec<PathBuf> {
    let all = files_below(project.root());
    all.into_iter().filter(|path| path.to_string_lossy().contains("/.snap-restore-")).collect()
}

fn is_named(path: &Path, start: &str) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(start))
}

#[test]
fn of_a_killed_restore_only_files_stay_that_have_no_place_any_more_and_status_names_them() {
    if !available("kill -9 at the moves of a restore") {
        return;
    }
    let project = Project::new();
    let before = project.read("a.txt");
    project.write("a.txt", "saved\n");
    project.write("new.txt", "new\n");
    project.snap(&["save", "x"]).exits(0);
    project.write("a.txt", &before);
    fs::remove_file(project.path("new.txt")).must("to remove");
    let scene = Scene::of(project);
    let project = &scene.project;
    let command = ["resume", "x"];
    let calls = scene.calls(&command);
    let (mut nothing_left, mut something_left) = (0, 0);
    for call in calls.iter().filter(|call| call.name.starts_with("rename")) {
        scene.hurt(call, "signal=SIGKILL", &command);
        let was_cut_off = !left(project).is_empty();
        for name in ["a.txt", "new.txt"] {
            project.write(name, "somebody else's\n");
        }
        let saved = project.snap(&["save", "y"]);
        for name in ["a.txt", "new.txt"] {
            assert_eq!(project.read(name), b"somebody else's\n", "{call:?}");
        }
        let files = left(project);
        assert!(!files.iter().any(|path| is_named(path, "new-")), "{call:?}: {files:?}");
        let status = project.snap(&["status", "--json"]).exits(0).json()["problems"].to_string();
        let told =
            status.contains("has left files from before it") && status.contains("rm -r .snap-restore-");
        match files.iter().find(|path| is_named(path, "old-")) {
            Some(old) => {
                assert_eq!(fs::read(old).must("the old file"), before, "{call:?}");
                assert!(told, "{call:?}: {status}");
                saved.exits(6).says(&["snap status"]);
                something_left += 1;
            }
            None => {
                assert!(files.is_empty() && !told, "{call:?}: {files:?} {status}");
                saved.exits(0);
                nothing_left += usize::from(was_cut_off);
            }
        }
    }
    assert!(nothing_left > 0 && something_left > 0, "{nothing_left} {something_left}");
}

#[test]
fn of_a_restore_that_only_adds_a_file_nothing_is_left_whatever_is_in_its_place() {
    if !available("kill -9 at the moves of a restore") {
        return;
    }
    let project = Project::new();
    project.write("new.txt", "new\n");
    project.snap(&["save", "x"]).exits(0);
    fs::remove_file(project.path("new.txt")).must("to remove");
    let scene = Scene::of(project);
    let project = &scene.project;
    let command = ["resume", "x"];
    let calls = scene.calls(&command);
    let mut was_left = 0;
    for call in calls.iter().filter(|call| ["renameat2", "unlinkat", "fsync"].contains(&call.name.as_str())) {
        scene.hurt(call, "signal=SIGKILL", &command);
        was_left += usize::from(!left(project).is_empty());
        project.write("new.txt", "somebody else's\n");
        project.snap(&["save", "y"]).exits(0);
        assert_eq!(project.read("new.txt"), b"somebody else's\n", "{call:?}");
        assert_eq!(left(project), Vec::<PathBuf>::new(), "{call:?}");
    }
    assert!(was_left > 0);
}
