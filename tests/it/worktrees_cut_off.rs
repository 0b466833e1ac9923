//! Ctrl-C while a work tree is made to restore in: it and its branch go again, and that is what is said.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::support::project::Project;
use crate::support::terminal::Terminal;
use crate::support::{Must, eventually};

/// A project with a saved edit, whose new work trees wait in a filter until "go" can be read.
fn waiting_in_a_filter() -> Project {
    let project = Project::new();
    project.write(".gitattributes", "b.txt filter=slow\n");
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "filtered"]);
    project.write("a.txt", "saved\n");
    project.snap(&["save", "x"]).exits(0);
    let home = project.home.path().display();
    let go = project.home.path().join("go");
    assert!(Command::new("mkfifo").arg(&go).status().must("mkfifo").success());
    project.users_setting(
        "filter.slow.smudge",
        &format!("sh -c 'touch {home}/waits; cat {home}/go >/dev/null; cat'"),
    );
    project
}

fn pid(child: &std::process::Child) -> Pid {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw).must("a pid")
}

fn is_as_before(project: &Project, before: &(String, String)) {
    assert_eq!((project.git(&["branch", "--list"]), project.git(&["worktree", "list"])), *before);
    assert!(!project.path(".claude/worktrees").exists(), "nothing of it is left");
}

#[test]
fn ctrl_c_while_git_makes_a_work_tree_takes_it_and_its_branch_away_again() {
    for whole_group in [true, false] {
        let project = waiting_in_a_filter();
        let before = (project.git(&["branch", "--list"]), project.git(&["worktree", "list"]));
        let mut command =
            project.command(project.root(), &["resume", "x", "--worktree", "try", "--no-run", "--no-input"]);
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().must("snap");
        eventually("the filter runs", || project.home.path().join("waits").exists());
        // A terminal sends it to git too.
        if whole_group {
            kill_process_group(pid(&child), Signal::INT).must("a signal");
        } else {
            kill_process(pid(&child), Signal::INT).must("a signal");
            fs::write(project.home.path().join("go"), "").must("to let it go on");
        }
        let ended = child.wait_with_output().must("its end");
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(130), "{said}");
        assert_eq!(said.matches("Interrupted: nothing was changed").count(), 1, "{said}");
        is_as_before(&project, &before);
    }
}

#[test]
fn ctrl_c_at_a_question_about_a_new_work_tree_takes_it_and_its_branch_away_again() {
    let project = Project::new();
    project.write("a.txt", "saved\n");
    project.snap(&["save", "x"]).exits(0);
    let clone = project.cloned().of_another_user();
    let before = (clone.git(&["branch", "--list"]), clone.git(&["worktree", "list"]));
    let store = project.stored("");
    let arguments = ["resume", "x", "--worktree", "try", "--no-run", "--store", store.to_str().must("UTF-8")];
    let mut terminal = Terminal::start(clone.command(clone.root(), &arguments));
    terminal.sees("Restore it?");
    assert!(
        clone.path(".claude/worktrees/try/a.txt").exists(),
        "the question is about the tree that was made"
    );
    kill_process(pid(&terminal.child), Signal::INT).must("a signal");
    let (code, said) = terminal.ends();
    assert_eq!(code, Some(130), "{said}");
    assert_eq!(said.matches("Interrupted: nothing was changed").count(), 1, "{said}");
    is_as_before(&clone, &before);
}
