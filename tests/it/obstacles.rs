//! What stands where a file of a snapshot goes: every plan is what will happen, and every hint works.

use std::fs;
use std::os::unix::net::UnixListener;
use std::path::Path;

use crate::support::Must;
use crate::support::project::{Project, Ran, git_in};

/// A project whose snapshot `libfile` has a file `lib`, and that has something else there now.
fn project(kind: &str) -> Project {
    let project = Project::new();
    let source = project.home.path().join("library");
    fs::create_dir(&source).must("a folder");
    let git = |folder: &Path, arguments: &[&str]| git_in(&project.home, folder, arguments);
    git(&source, &["init", "-q", "-b", "main"]);
    fs::write(source.join("a.txt"), "d\n").must("a file");
    git(&source, &["add", "."]);
    git(&source, &["commit", "-qm", "one"]);
    let from = source.to_str().must("UTF-8").to_owned();
    if kind == "submodule" {
        project.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &from, "lib"]);
        project.git(&["commit", "-qm", "a submodule"]);
        project.git(&["rm", "-q", "--cached", "lib"]);
        fs::remove_dir_all(project.path("lib")).must("to remove it");
        fs::remove_dir_all(project.path(".git/modules/lib")).must("to remove it");
    }
    project.write(".git/info/exclude", "*.o\n");
    project.write("lib", "f\n");
    project.git(&["add", "-A"]);
    project.snap(&["save", "libfile"]).exits(0);
    project.git(&["reset", "-q", "--hard"]);
    let _was_there = fs::remove_file(project.path("lib"));
    match kind {
        "submodule" => {
            project.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init"]);
            project.write("lib/a.txt", "d\nd2\n");
        }
        "nested repository" => drop(git(project.root(), &["clone", "-q", &from, "lib"])),
        "repository further down" => {
            project.write("lib/x.o", "x");
            drop(git(project.root(), &["clone", "-q", &from, "lib/in/it"]));
        }
        "large" => {
            project.write("lib/large.o", "");
            let file = fs::OpenOptions::new().write(true).open(project.path("lib/large.o")).must("a file");
            file.set_len(65 << 20).must("a length");
        }
        "many" => (0..2_100).for_each(|number| project.write(format!("lib/{number}.o"), "o")),
        "socket" => drop(UnixListener::bind(project.path("lib")).must("a socket")),
        "ignored" => project.write("lib/a.o", "o"),
        "untracked and ignored" => {
            project.write("lib/a.o", "o");
            project.write("lib/a.c", "c");
        }
        _ => panic!("{kind}"),
    }
    project
}

/// What is there, by name and length.
fn listing(project: &Project) -> String {
    let names = std::process::Command::new("find")
        .args([
            ".",
            "-path",
            "./.git",
            "-prune",
            "-o",
            "-path",
            "./.claude",
            "-prune",
            "-o",
            "-printf",
            "%p %y %s\n",
        ])
        .current_dir(project.root())
        .output()
        .must("find");
    let mut lines: Vec<String> = String::from_utf8_lossy(&names.stdout)
        .lines()
        .filter(|line| !line.starts_with(". ") && !line.contains(" d "))
        .map(str::to_owned)
        .collect();
    lines.sort();
    lines.join("\n") + &project.git(&["ls-files", "-s"])
}

const KINDS: [(&str, &str); 8] = [
    ("submodule", "a repository of its own"),
    ("nested repository", "a repository of its own"),
    ("repository further down", "a repository of its own"),
    ("large", "too large to be saved first"),
    ("many", "too large to be saved first"),
    ("socket", "a socket, pipe or device"),
    ("ignored", "a folder of that name is here"),
    ("untracked and ignored", "a folder of that name is here"),
];

#[test]
fn what_is_in_the_way_is_said_truly_before_any_plan_and_each_hint_works() {
    for (kind, why) in KINDS {
        let project = project(kind);
        let before = listing(&project);
        let told = |ran: &Ran| assert!(ran.stderr.contains(why), "{kind}: {ran:?}");
        let refused = project.snap(&["resume", "libfile"]).exits(4);
        told(&refused);
        for (hint, way) in
            [("`--merge`", &["resume", "libfile", "--merge"][..]), ("`snap rewind", &["rewind", "libfile"])]
        {
            let planned = project.snap(&[way, &["--dry-run"]].concat());
            assert_eq!(before, listing(&project), "{kind} {way:?}: a plan changes nothing");
            let done = project.snap(way);
            assert_eq!(planned.code == 4, done.code == 4, "{kind} {way:?}: {planned:?} {done:?}");
            if refused.stderr.contains(hint) {
                assert!(done.code == 0 || done.code == 6, "{kind} {way:?}: {done:?}");
                project.snap(&["undo"]);
            } else {
                told(&done.exits(4));
                told(&planned);
                assert!(!planned.stdout.contains("create"), "{kind} {way:?}: {planned:?}");
            }
            assert_eq!(before, listing(&project), "{kind} {way:?}");
        }
        assert!(refused.stderr.contains("`--worktree BRANCH`"), "{kind}: {refused:?}");
        project.snap(&["resume", "libfile", "--worktree", "beside"]).exits(0);
        assert_eq!(fs::read(project.path(".claude/worktrees/beside/lib")).must("the file"), b"f\n");
    }
}

#[test]
fn what_was_in_the_way_of_a_merge_can_be_moved_out_as_the_hint_says() {
    for (kind, _) in &KINDS[..6] {
        let project = project(kind);
        for way in [&["resume", "libfile", "--merge"][..], &["rewind", "libfile"]] {
            project.snap(way).exits(4).says(&["move it out of the work tree (`mv PATH ELSEWHERE`)"]);
        }
        fs::rename(project.path("lib"), project.home.path().join("elsewhere")).must("to move it");
        let merged = project.snap(&["resume", "libfile", "--merge"]);
        assert!(merged.code == 0, "{kind}: {merged:?}");
        assert_eq!(project.read("lib"), b"f\n", "{kind}");
    }
}

#[test]
fn ignored_files_in_a_folder_that_becomes_a_file_are_in_the_plan() {
    let project = Project::new();
    project.write(".git/info/exclude", "*.o\n");
    fs::remove_dir_all(project.path("sub")).must("to remove it");
    project.write("sub", "a file now\n");
    project.snap(&["save", "x"]).exits(0);
    fs::remove_file(project.path("sub")).must("to remove it");
    project.git(&["checkout", "-q", "--", "sub"]);
    project.write("sub/a.o", "made\n");
    let before = listing(&project);
    for way in [&["resume", "x"][..], &["resume", "x", "--merge"]] {
        let planned = project.snap(&[way, &["--dry-run"]].concat());
        let done = project.snap(way);
        assert_eq!(planned.code == 4, done.code == 4, "{way:?}: {planned:?} {done:?}");
        assert!(!done.stderr.contains("appeared there meanwhile"), "{way:?}: {done:?}");
        if done.code != 4 {
            project.snap(&["undo"]).exits(0);
        }
        assert_eq!(before, listing(&project), "{way:?}");
    }
    project.snap(&["rewind", "x"]).exits(0);
    assert_eq!(project.read("sub"), b"a file now\n");
    project.snap(&["undo"]).exits(0);
    assert_eq!(before, listing(&project));
}

#[test]
fn what_is_in_the_way_of_the_work_of_somebody_else_is_said_before_any_plan() {
    for (kind, why) in KINDS {
        let project = project(kind);
        let other = project.cloned();
        let store = project.stored("");
        let store = store.to_str().must("UTF-8");
        if kind == "submodule" {
            other.git(&["rm", "-q", "--cached", "lib"]);
            fs::remove_dir(other.path("lib")).must("to remove it");
        }
        other.write("lib", "theirs\n");
        other.git(&["add", "-A"]);
        other.snap(&["save", "theirs", "--store", store]).exits(0);
        let before = listing(&project);
        let saved = || project.manifests();
        let snapshots = saved();
        let planned = project.snap(&["merge", "theirs", "--dry-run"]);
        let done = project.snap(&["merge", "theirs"]);
        if kind.contains("ignored") {
            for (ran, code) in [(&planned, 0), (&done, 6)] {
                let said = ran.stdout.clone() + &ran.stderr;
                assert!(ran.code == code && said.contains("create  lib~snapshot"), "{kind}: {ran:?}");
            }
            project.snap(&["undo"]).exits(0);
        } else {
            assert_eq!(saved(), snapshots, "{kind}: nothing is saved for a merge that is refused");
            for ran in [&planned, &done] {
                assert!(ran.code == 4 && ran.stderr.contains(why), "{kind}: {ran:?}");
                assert!(!ran.stdout.contains("create"), "{kind}: {ran:?}");
            }
        }
        assert_eq!(before, listing(&project), "{kind}");
    }
}

#[test]
fn no_restore_writes_into_a_repository_of_its_own_where_undo_could_not_take_it_back() {
    let project = project("nested repository");
    project.write("in/x", "saved\n");
    project.snap(&["save", "inside"]).exits(6);
    let moved = project.home.path().join("moved");
    for there in [None, Some("only here\n")] {
        fs::remove_dir_all(project.path("in")).must("to remove it");
        git_in(&project.home, project.root(), &["clone", "-q", "lib", "in"]);
        there.iter().for_each(|content| project.write("in/x", content));
        let before = listing(&project);
        for way in [&["resume", "inside"][..], &["resume", "inside", "--merge"], &["rewind", "inside"]] {
            // A merge takes a file that is in it as one side.
            if there.is_some() && way.contains(&"--merge") {
                continue;
            }
            let planned = project.snap(&[way, &["--dry-run"]].concat()).exits(4);
            let done = project.snap(way).exits(4);
            for ran in [planned, done] {
                let is_true =
                    ran.stderr.contains("a repository of its own") || ran.stderr.contains("is here");
                assert!(is_true && !ran.stdout.contains("in/x"), "{way:?}: {ran:?}");
            }
            assert_eq!(before, listing(&project), "{way:?}");
        }
        fs::rename(project.path("in"), &moved).must("to move it");
        project.snap(&["rewind", "inside"]).exits(0);
        assert_eq!(project.read("in/x"), b"saved\n");
        fs::remove_dir_all(&moved).must("to remove it");
    }
    // Who makes a repository of the folder has its files all the same.
    git_in(&project.home, &project.path("in"), &["init", "-q"]);
    project.write("a.txt", "edited\n");
    project.snap(&["rewind", "inside"]).exits(0);
    assert_eq!(
        (project.read("in/x"), project.read("a.txt")),
        (b"saved\n".to_vec(), b"one\ntwo\nthree\n".to_vec())
    );
}

/// A snapshot "inside" with `in/x`, and a repository of its own `in` that has another version of that file since.
fn with_a_file_in_a_repository(content: &str) -> Project {
    let project = Project::new();
    project.write("in/x", "saved\n");
    project.snap(&["save", "inside"]).exits(0);
    git_in(&project.home, &project.path("in"), &["init", "-q"]);
    project.write("in/x", content);
    project
}

#[test]
fn a_merge_into_a_repository_of_its_own_is_told_before_and_undo_and_redo_really_set_the_file() {
    let project = with_a_file_in_a_repository("a day's work\n");
    let planned = project.snap(&["resume", "inside", "--merge", "--dry-run"]).exits(0);
    let told = |ran: &Ran| {
        assert!(ran.stdout.contains("in/x is in a repository of its own"), "{ran:?}");
    };
    told(&planned);
    let merged = project.snap(&["resume", "inside", "--merge"]);
    assert_ne!(project.read("in/x"), b"a day's work\n", "{merged:?}");
    let after = project.read("in/x");
    project.snap(&["undo"]).exits(0);
    assert_eq!(project.read("in/x"), b"a day's work\n");
    project.snap(&["redo"]).exits(0);
    assert_eq!(project.read("in/x"), after);
    project.snap(&["undo"]).exits(0);
    assert_eq!(project.read("in/x"), b"a day's work\n");
}

#[test]
fn undo_takes_a_new_file_back_though_its_folder_has_become_a_repository_since() {
    let project = with_a_file_in_a_repository("");
    fs::remove_dir_all(project.path("in")).must("to remove it");
    project.snap(&["resume", "inside"]).exits(0);
    git_in(&project.home, &project.path("in"), &["init", "-q"]);
    project.snap(&["undo"]).exits(0);
    assert!(!project.path("in/x").exists());
    project.snap(&["redo"]).exits(0);
    assert_eq!(project.read("in/x"), b"saved\n");
}

#[test]
fn what_a_snapshot_has_of_a_folder_that_it_left_out_is_put_back() {
    let project = Project::new();
    for number in 0..250 {
        project.write(format!("node_modules/p/{number}.js"), "made\n");
    }
    project.snap(&["save", "one", "--include", "node_modules/p/1.js"]).exits(6);
    project.write("node_modules/p/1.js", "patched\n");
    project.write("node_modules/p/2.js", "made again\n");
    let read = || (project.read("node_modules/p/1.js"), project.read("node_modules/p/2.js"));
    let pair = |one: &str| (one.as_bytes().to_vec(), b"made again\n".to_vec());
    project.snap(&["rewind", "one"]).exits(0);
    assert_eq!(read(), pair("made\n"));
    project.snap(&["undo"]).exits(0);
    assert_eq!(read(), pair("patched\n"));
    project.snap(&["redo"]).exits(0);
    assert_eq!(read(), pair("made\n"));
}
