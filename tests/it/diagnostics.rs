//! The log for a bug report: `-v`, `-vv`, `SNAP_LOG`; what it tells, and what it never does.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::Must;
use crate::support::project::{Project, Ran, ran};

/// Runs `snap` with more variables.
fn snap_with(project: &Project, variables: &[(&str, &str)], arguments: &[&str]) -> Ran {
    let mut command = project.command(project.root(), arguments);
    ran(command.envs(variables.iter().copied()))
}

#[test]
fn v_tells_of_phases_vv_also_of_git_commands_with_their_exit_codes_and_neither_changes_what_is_printed() {
    let project = Project::new();
    project.write("a.txt", "the content of a file\n");
    let quiet = snap_with(&project, &[], &["save", "quiet"]).exits(0);
    assert!(!quiet.stderr.contains("snap::"), "{}", quiet.stderr);
    project.write("a.txt", "the content of a file, changed\n");
    // Else nothing has to be asked of git.
    project.git(&["add", "a.txt"]);
    let phases = snap_with(&project, &[], &["save", "phases", "-v", "--json"]).exits(0);
    assert!(
        phases.stderr.contains("phase{name=\"Listing changes\"}: snap::phase: close time.busy="),
        "{}",
        phases.stderr
    );
    // There is no conversation, and nothing to be read of it.
    let empty = ["Saving conversation", "total=0"];
    assert!(empty.iter().all(|empty| !phases.stderr.contains(empty)), "{}", phases.stderr);
    assert!(!phases.stderr.contains("snap::git"), "{}", phases.stderr);
    assert_eq!(phases.json()["name"], "phases");
    let all = snap_with(&project, &[], &["-vv", "save", "all"]).exits(0);
    assert!(all.stderr.contains("DEBUG git{arguments=\""), "{}", all.stderr);
    assert!(all.stderr.contains("status --porcelain=v2") && all.stderr.contains("exit=0}"), "{}", all.stderr);
    let by_filter = snap_with(&project, &[("SNAP_LOG", "snap::git=debug")], &["save", "third"]).exits(0);
    assert!(
        by_filter.stderr.contains("git{") && !by_filter.stderr.contains("phase{"),
        "{}",
        by_filter.stderr
    );
    for ran in [phases, all, by_filter] {
        assert!(!ran.stderr.contains("the content of a file"), "{}", ran.stderr);
    }
    snap_with(&project, &[("SNAP_LOG", "snap=\u{1b}[31m=?")], &["list"]).exits(2).says(&[
        "SNAP_LOG",
        "is no filter",
        "info, debug",
    ]);
}

#[test]
fn the_log_has_no_password_of_an_address_and_nothing_that_a_terminal_obeys() {
    let project = Project::new();
    project.write("red \u{1b}[31m.txt", "new\n");
    project.snap(&["save", "x"]).exits(0);
    let address = "http://ada:hunter2@127.0.0.1:1/x.git";
    let variables = [("SNAP_RETRY_TIMES", "1")];
    let ran = snap_with(&project, &variables, &["push", address, "x", "-vv"]).exits(7);
    assert!(ran.stderr.contains("http://ada:***@127.0.0.1:1/x.git"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("hunter2"), "{}", ran.stderr);
    let ran = snap_with(&project, &[], &["rewind", "x", "--dry-run", "-vv"]).exits(0);
    assert!(!ran.stderr.contains('\u{1b}'), "{:?}", ran.stderr);
}

#[test]
fn one_thread_saves_what_many_do() {
    let project = Project::new();
    project.session("7d0f3a52-40d5-4a0e-8f7f-0a2b7d9a1c11");
    for number in 0..200 {
        project.write(format!("new/{number}"), format!("{number}\n").repeat(400));
    }
    let state = |name: &str, variables: &[(&str, &str)]| {
        snap_with(&project, variables, &["save", name]).exits(0);
        let shown = project.snap(&["show", name, "--json"]).exits(0).json();
        (shown["state"].clone(), shown["edits"]["files"].clone())
    };
    let many = state("many", &[]);
    assert_eq!(many, state("one", &[("SNAP_THREADS", "1")]));
    assert_eq!(many, state("seven", &[("SNAP_THREADS", "7")]));
}

#[test]
fn a_hook_says_nothing_and_writes_its_log_into_a_private_file_if_it_is_told_which() {
    let project = Project::new();
    let transcript = project.session("7d0f3a52-40d5-4a0e-8f7f-0a2b7d9a1c11");
    let file = project.home.path().join("snap.log");
    let path = file.to_str().must("UTF-8");
    let input = serde_json::json!({"session_id": "7d0f3a52-40d5-4a0e-8f7f-0a2b7d9a1c11",
        "transcript_path": transcript, "cwd": project.root(), "hook_event_name": "PreToolUse",
        "tool_name": "Bash", "tool_input": {"command": "git reset --hard"}});
    let hook = |variables: &[(&str, &str)]| {
        project.write("a.txt", format!("edited, with {}\n", variables.len()));
        // Where something is staged, git is asked what is pending.
        project.git(&["add", "a.txt"]);
        let mut command = project.command(project.root(), &["hook", "PreToolUse"]);
        command.envs(variables.iter().copied());
        crate::hooks::hook_with(command, input.to_string().as_bytes()).exits(0)
    };
    let said = hook(&[("SNAP_LOG", "debug")]);
    assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("", ""));
    let said = hook(&[("SNAP_LOG", "debug"), ("SNAP_LOG_FILE", path)]);
    assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("", ""));
    let log = fs::read_to_string(&file).must("the log");
    assert!(log.contains("git{arguments=") && log.contains("phase{name="), "{log}");
    assert_eq!(file.metadata().must("it").permissions().mode() & 0o777, 0o600);
}
