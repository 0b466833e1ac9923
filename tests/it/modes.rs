//! Who may read, write and execute a file, and folders that are empty: as they were.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::Must;
use crate::support::project::Project;

fn set(project: &Project, name: &str, bits: u32) {
    fs::set_permissions(project.path(name), fs::Permissions::from_mode(bits)).must("to set a mode");
}

fn bits(project: &Project, name: &str) -> u32 {
    project.path(name).metadata().must("a file's metadata").permissions().mode() & 0o7777
}

const EDITED: [(&str, u32); 8] = [
    ("a.txt", 0o444),
    ("b.txt", 0o640),
    ("bin", 0o400),
    ("run.sh", 0o711),
    ("sub/c.txt", 0o600),
    ("new", 0o440),
    ("shared", 0o664),
    ("tool", 0o700),
];

fn edited() -> Project {
    let project = Project::new();
    for (name, mode) in EDITED {
        project.write(name, format!("edited {name}\n"));
        set(&project, name, mode);
    }
    project
}

#[test]
fn edited_files_come_back_with_their_permissions() {
    let project = edited();
    project.snap(&["save", "x"]).exits(0);
    for (name, _) in EDITED {
        fs::remove_file(project.path(name)).must("to remove a file");
    }
    project.write("a.txt", "other\n");
    project.snap(&["rewind", "x"]).exits(0);
    for (name, mode) in EDITED {
        assert_eq!(bits(&project, name), mode, "{name}");
    }
    project.snap(&["undo"]).exits(0);
    assert_eq!(bits(&project, "a.txt"), 0o644);
    assert!(!project.path("new").exists());
    project.snap(&["redo"]).exits(0);
    for (name, mode) in EDITED {
        assert_eq!(bits(&project, name), mode, "{name}, undone and done again");
    }
}

#[test]
fn permissions_alone_are_put_back_too_and_then_nothing_is_left_to_do() {
    let project = edited();
    project.snap(&["save", "x"]).exits(0);
    set(&project, "a.txt", 0o600);
    set(&project, "new", 0o644);
    set(&project, "sub/c.txt", 0o644);
    project.snap(&["rewind", "x"]).exits(0);
    for (name, mode) in EDITED {
        assert_eq!(bits(&project, name), mode, "{name}");
    }
    project.snap(&["rewind", "x"]).exits(0).says(&["Nothing had to be done"]);
    project.snap(&["undo"]).exits(0);
    assert_eq!([bits(&project, "a.txt"), bits(&project, "new")], [0o600, 0o644]);
}

#[test]
fn a_clone_gives_no_more_than_its_umask_lets_it() {
    let project = edited();
    project.snap(&["save", "x"]).exits(0);
    let clone = project.cloned();
    let store = project.stored("");
    clone.snap(&["resume", "x", "--store", store.to_str().must("UTF-8")]).exits(0);
    for (name, mode) in EDITED {
        assert_eq!(bits(&clone, name), mode & 0o755, "{name}");
    }
}

#[test]
fn the_rights_of_an_owner_are_never_given_on() {
    let project = Project::new();
    project.write("tool", "#!/bin/sh\n");
    set(&project, "tool", 0o4755);
    project.snap(&["save", "x"]).exits(0);
    fs::remove_file(project.path("tool")).must("to remove a file");
    project.snap(&["rewind", "x"]).exits(0);
    assert_eq!(bits(&project, "tool"), 0o755);
}

#[test]
fn a_clean_file_that_a_rewind_replaces_has_its_permissions_back_after_undo() {
    let project = Project::new();
    project.snap(&["save", "x"]).exits(0);
    project.write("a.txt", "next\n");
    project.git(&["commit", "-qam", "next"]);
    set(&project, "a.txt", 0o444);
    project.snap(&["rewind", "x"]).exits(0);
    project.snap(&["undo"]).exits(0);
    assert_eq!(bits(&project, "a.txt"), 0o444);
}

#[test]
fn folders_that_were_empty_stay_and_are_made_again() {
    let project = Project::new();
    for folder in ["logs", "tmp/cache/deep", "gone/for/good"] {
        fs::create_dir_all(project.path(folder)).must("a folder");
    }
    project.snap(&["save", "x"]).exits(0);
    project.write("logs/today", "filled since\n");
    project.write("tmp/cache/deep/file", "filled since\n");
    fs::remove_dir_all(project.path("gone")).must("to remove a folder");
    let plan = project.snap(&["rewind", "x", "--dry-run", "--json"]).exits(0).json();
    assert_eq!(plan["empty_folders"], serde_json::json!(["gone/for/good"]));
    project.snap(&["rewind", "x"]).exits(0).says(&["1 empty folder made again"]);
    for folder in ["logs", "tmp/cache/deep", "gone/for/good"] {
        let mut inside = fs::read_dir(project.path(folder)).must("the folder");
        assert!(inside.next().is_none(), "{folder} is not empty");
    }
    project.snap(&["undo"]).exits(0);
    assert_eq!(project.read("logs/today"), b"filled since\n");
}

#[test]
fn an_empty_folder_in_whose_place_a_file_came_is_made_again_by_rewind_and_by_undo() {
    let project = Project::new();
    let is_empty =
        |folder: &str| fs::read_dir(project.path(folder)).is_ok_and(|mut inside| inside.next().is_none());
    let clear = |name: &str| match project.path(name) {
        path if path.is_dir() => fs::remove_dir_all(path).must("to remove a folder"),
        path => fs::remove_file(path).must("to remove a file"),
    };
    for folder in ["e", "deep/in/it"] {
        fs::create_dir_all(project.path(folder)).must("a folder");
    }
    project.snap(&["save", "folders"]).exits(0);
    for name in ["e", "deep"] {
        clear(name);
        project.write(name, "a file\n");
    }
    project.snap(&["save", "files"]).exits(0);
    project.snap(&["rewind", "folders"]).exits(0);
    assert!(is_empty("e") && is_empty("deep/in/it"), "a rewind");
    project.write("deep/beside", "a file\n");
    project.snap(&["rewind", "files"]).exits(0);
    assert!(project.path("e").is_file() && project.path("deep").is_file());
    project.snap(&["undo"]).exits(0);
    assert!(is_empty("e") && is_empty("deep/in/it"), "an undo");
    project.snap(&["redo"]).exits(0);
    assert!(project.path("e").is_file() && project.path("deep").is_file(), "a redo");
}
