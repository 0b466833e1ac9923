//! What only a tarball can bring, or a pull into a store that is there: second names of other files, links in git's own
//! folder, notes that lead to other repositories, copies of one's own snapshots.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::support::Must;
use crate::support::project::{Project, git_in};
use crate::support::watched::inventory;

const ID: &str = "c137e379-838e-4509-8148-16b407691758";

/// A project with one edit.
fn edited() -> Project {
    let project = Project::new();
    project.write("a.txt", "one\nedited\n");
    project
}

/// Tells the hook of a step, and waits for its end; `more` are further arguments.
fn step(project: &Project, command: &str, more: &[&str]) {
    let input = json!({"session_id": ID, "cwd": project.root(), "hook_event_name": "PreToolUse",
                       "tool_name": "Bash", "tool_input": {"command": command}});
    let mut snap = project.command(project.root(), &[&["hook", "PreToolUse"], more].concat());
    let mut child = snap.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().must("to run snap");
    child.stdin.take().must("its input").write_all(input.to_string().as_bytes()).must("written");
    assert!(child.wait().must("its end").success());
}

#[test]
fn nothing_is_written_into_a_file_that_the_log_is_a_second_name_of() {
    let project = edited();
    project.snap(&["save", "x"]).exits(0);
    let outside = project.home.path().join(".bashrc");
    fs::copy(project.stored("log.jsonl"), &outside).must("a copy");
    fs::write(&outside, [&fs::read(&outside).must("a log")[..], b"# mine\n"].concat()).must("a file");
    fs::remove_file(project.stored("log.jsonl")).must("removed");
    fs::hard_link(&outside, project.stored("log.jsonl")).must("a second name");
    let before = fs::read(&outside).must("a file");
    project.write("a.txt", "later\n");
    project.snap(&["rewind", "x", "--no-run"]).exits(0);
    assert_eq!(fs::read(&outside).must("a file"), before);
    // The log goes on, with what was in it.
    let log = fs::read_to_string(project.stored("log.jsonl")).must("a log");
    assert_eq!(log.lines().count(), 2, "{log}");
    project.snap(&["undo"]).exits(0);
    assert_eq!(project.read("a.txt"), b"later\n");
    assert_eq!(fs::read(&outside).must("a file"), before);
}

#[test]
fn git_is_not_told_to_write_a_ref_or_its_log_through_a_link() {
    for place in ["refs/snap", "logs/refs/snap", "logs"] {
        let project = edited();
        project.git(&["config", "core.logAllRefUpdates", "always"]);
        let outside = project.home.path().join("outside");
        fs::create_dir(&outside).must("a folder");
        let link = project.path(".git").join(place);
        fs::create_dir_all(link.parent().must("a parent")).must("a folder");
        if link.is_dir() {
            fs::remove_dir_all(&link).must("removed");
        }
        symlink(&outside, &link).must("a link");
        let saved = project.snap(&["save", "x"]).exits(0);
        assert!(
            saved.stderr.contains("is not protected from git's garbage collection"),
            "{place}: {}",
            saved.stderr
        );
        project.snap(&["rm", "x"]).exits(0);
        assert!(inventory(&outside).len() <= 1, "{place}: {:?}", inventory(&outside));
    }
}

#[test]
fn a_branch_is_not_moved_where_its_log_is_another_file() {
    type Make = fn(&Path, &Path);
    let ways: [Make; 2] =
        [|to, at| symlink(to, at).must("a link"), |to, at| fs::hard_link(to, at).must("a second name")];
    for place in ["logs/HEAD", "logs/refs/heads/main"] {
        for make in ways {
            let project = edited();
            project.snap(&["save", "x"]).exits(0);
            project.git(&["commit", "-qam", "second"]);
            let outside = project.home.path().join(".bashrc");
            fs::write(&outside, "# mine\n").must("a file");
            fs::remove_file(project.path(".git").join(place)).must("removed");
            make(&outside, &project.path(".git").join(place));
            let head = project.git(&["rev-parse", "HEAD"]);
            assert_ne!(project.snap(&["rewind", "x", "--reset-branch", "--no-run"]).code, 0, "{place}");
            assert_eq!(fs::read(&outside).must("a file"), b"# mine\n", "{place}");
            assert_eq!(project.git(&["rev-parse", "HEAD"]), head, "{place}");
        }
    }
}

#[test]
fn a_store_that_came_with_its_own_list_of_what_to_ignore_is_still_kept_from_git() {
    for (list, kept) in
        [("!*\n", false), ("", false), ("*\n!*.json\n", false), ("*.zst\n", false), ("# mine\n*\n", true)]
    {
        let project = edited();
        fs::create_dir_all(project.stored("")).must("a folder");
        fs::write(project.stored(".gitignore"), list).must("a list");
        project.git(&["add", "--force", "."]);
        project.git(&["commit", "-qm", "with a store"]);
        project.write("a.txt", "more\n");
        project.snap(&["save", "x"]).exits(0);
        let untracked = project.git(&["ls-files", "--others", "--exclude-standard"]);
        assert_eq!(untracked, "", "{list:?}");
        assert_eq!(fs::read_to_string(project.stored(".gitignore")).must("a list") == list, kept, "{list:?}");
    }
}

#[test]
fn copies_of_ones_own_snapshots_take_the_place_of_none() {
    let project = Project::new();
    project.session(ID);
    for number in 1..=3 {
        project.write("a.txt", format!("{number}\n"));
        project.snap(&["save", &format!("own-{number}")]).exits(0);
    }
    for number in 0..5 {
        fs::copy(project.stored("own-3.json"), project.stored(&format!("copy-{number}.json"))).must("a copy");
    }
    project.snap(&["rewind", "own-3", "--no-run"]).exits(0);
    project.snap(&["prune", "--keep-last", "3"]).exits(0);
    for number in 1..=3 {
        project.snap(&["show", &format!("own-{number}")]).exits(0);
    }
    // And in what the hooks keep.
    for number in 1..=3 {
        project.write("a.txt", format!("hook {number}\n"));
        step(&project, "rm -rf b.txt", &[]);
    }
    let newest = project.stored("before-rm-rf-b.txt-3.json");
    for number in 0..60 {
        fs::copy(&newest, project.stored(&format!("auto-{number}.json"))).must("a copy");
    }
    step(&project, "rm -rf b.txt", &["--later"]);
    for name in ["before rm -rf b.txt", "before rm -rf b.txt-2", "before rm -rf b.txt-3"] {
        project.snap(&["show", name]).exits(0);
    }
}

#[test]
fn the_base_commit_is_kept_as_long_as_any_file_holds_the_snapshot() {
    let project = edited();
    project.snap(&["save", "x"]).exits(0);
    let kept = project.git(&["for-each-ref", "refs/snap"]);
    let json = fs::read(project.stored("x.json")).must("a manifest");
    let other = serde_json::from_slice(&json).must("JSON");
    let other = crate::hostile_cases::changed(&other, |m| m["name"] = json!("other"));
    fs::write(project.stored("other.json"), other).must("a manifest");
    project.snap(&["rm", "other"]).exits(0);
    assert_eq!(project.git(&["for-each-ref", "refs/snap"]), kept);
    fs::copy(project.stored("x.json"), project.stored("y.json")).must("a copy");
    project.snap(&["prune", "--keep-last", "1"]).exits(0);
    assert_eq!(project.git(&["for-each-ref", "refs/snap"]), kept);
}

#[test]
fn a_folder_that_says_it_shares_somebodys_repository_gets_nothing_of_its_store() {
    let project = edited();
    project.snap(&["save", "x"]).exits(0);
    let store = inventory(&project.stored(""));
    let trap = project.home.path().join("trap");
    fs::create_dir_all(trap.join(".git")).must("a folder");
    fs::write(trap.join(".git/HEAD"), "ref: refs/heads/main\n").must("a file");
    fs::write(trap.join(".git/commondir"), "../../app/.git\n").must("a file");
    fs::write(trap.join(".git/gitdir"), format!("{}\n", trap.join(".git").display())).must("a file");
    fs::write(trap.join("a.txt"), "trap\n").must("a file");
    for arguments in [&["save", "trapped"][..], &["rm", "x"], &["prune", "--keep-last", "0"], &["list"]] {
        project.snap_in(&trap, arguments).exits(3);
    }
    assert_eq!(inventory(&project.stored("")), store);
}

#[test]
fn a_store_is_no_work_tree_to_be_saved() {
    let project = edited();
    project.session(ID);
    for number in 1..=3 {
        project.write("a.txt", format!("{number}\n"));
        step(&project, "find . -name x -delete", &[]);
    }
    assert!(!project.stored("objects/.claude").exists());
}

#[test]
fn a_store_that_is_named_may_be_a_link_of_the_users() {
    let project = edited();
    let (real, link) = (project.home.path().join("store"), project.home.path().join("link"));
    fs::create_dir(&real).must("a folder");
    symlink(&real, &link).must("a link");
    let named = link.to_str().must("a path").to_owned();
    project.snap(&["--store", &named, "save", "x"]).exits(0);
    project.write("a.txt", "later\n");
    project.snap(&["--store", &named, "rewind", "x", "--no-run"]).exits(0);
    project.snap(&["--store", real.to_str().must("a path"), "undo"]).exits(0);
    assert_eq!(project.read("a.txt"), b"later\n");
}

#[test]
fn no_hook_runs_in_a_folder_that_came_beside_the_project_or_around_it() {
    let project = edited();
    let mark = project.home.path().join("mark");
    let bare = |at: &Path| {
        fs::create_dir_all(at).must("a folder");
        git_in(&project.home, at, &["init", "-q", "--bare"]);
        for name in ["pre-receive", "update", "post-receive", "reference-transaction"] {
            use std::os::unix::fs::PermissionsExt as _;
            let hook = at.join("hooks").join(name);
            fs::create_dir_all(at.join("hooks")).must("a folder");
            fs::write(&hook, format!("#!/bin/sh\n: >'{}'\n", mark.display())).must("a hook");
            fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).must("a mode");
        }
    };
    bare(&project.home.path().join("beside.git"));
    bare(&project.path("inside.git"));
    let nested = project.path("nested");
    fs::create_dir(&nested).must("a folder");
    git_in(&project.home, &nested, &["init", "-q", "-b", "main"]);
    let linked = project.home.path().join("linked");
    project.git(&["worktree", "add", "-q", "-b", "linked", linked.to_str().must("a path")]);
    bare(&linked.join("inside.git"));
    let inside = project.path("inside.git").display().to_string();
    let of_linked = linked.join("inside.git").display().to_string();
    let up = format!("{}/../beside.git", project.root().display());
    for (folder, address) in [
        (project.root(), "/proc/self/cwd/../beside.git"),
        (project.root(), "/./proc/self/cwd/../beside.git"),
        (project.root(), "file:///proc/self/cwd/../beside.git"),
        (project.root(), &up),
        (&nested, &inside),
        (project.root(), &of_linked),
    ] {
        git_in(&project.home, folder, &["config", "remote.origin.url", address]);
        project.snap_in(folder, &["save", &format!("to {address}"), "--store", ".claude/snapshots"]);
        project.snap_in(folder, &["push"]).exits(3).says(&["not contacted"]);
        assert!(!mark.exists(), "{address}");
    }
}

#[test]
fn a_pipe_in_gits_own_folder_is_waited_for_by_no_command() {
    for place in [
        ".git/HEAD",
        ".git/commondir",
        ".git/config",
        ".git/index",
        ".git/info/exclude",
        ".git/info/grafts",
        ".git/objects/info/alternates",
        ".git/packed-refs",
        ".git/rebase-merge/head-name",
        ".git/refs/heads/main",
        ".git/shallow",
        ".git/worktrees/x/gitdir",
        ".gitattributes",
        ".gitignore",
    ] {
        let project = edited();
        let pipe = project.path(place);
        fs::create_dir_all(pipe.parent().must("a parent")).must("a folder");
        fs::remove_file(&pipe).ok();
        assert!(Command::new("mkfifo").arg(&pipe).status().must("mkfifo").success());
        for arguments in [&["save", "x"][..], &["list"], &["rewind", "--no-run"], &["diff", "--now"]] {
            crate::support::watched::snap(&project, arguments).exits(3).says(&["is a pipe or a device"]);
        }
        step(&project, "rm -rf b.txt", &[]);
    }
}

#[test]
fn a_list_that_is_kept_empty_by_a_link_to_nothing_is_in_nobodys_way() {
    let project = edited();
    fs::remove_file(project.path(".git/info/exclude")).ok();
    fs::create_dir_all(project.path(".git/info")).must("a folder");
    symlink("/dev/null", project.path(".git/info/exclude")).must("a link");
    project.snap(&["save", "x"]).exits(0);
    project.write("a.txt", "later\n");
    project.snap(&["rewind", "x", "--no-run"]).exits(0);
}
