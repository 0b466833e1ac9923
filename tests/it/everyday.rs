//! What a newcomer meets in the first hour: words of other programs, a folder that was moved, an odd setting, a long log.

use std::fs;
use std::process::Command;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::handoff_remote::{utf8, with_remote};
use crate::hooks::{ID, bash, hook};
use crate::real_client::on_terminal;
use crate::support::Must;
use crate::support::project::{Project, Ran, files_below, ran};
use crate::support::terminal::Terminal;

/// What a command shows on a terminal of so many columns.
fn shown(project: &Project, columns: usize, arguments: &[&str]) -> String {
    let mut command = project.command(project.root(), arguments);
    command.env("COLUMNS", columns.to_string()).env("LINES", "90").env("TERM", "xterm").env("NO_COLOR", "1");
    let text = on_terminal(command.env("PAGER", "cat"));
    for line in text.lines() {
        assert!(line.chars().count() <= columns, "{columns}: {line:?}");
    }
    text
}

/// Runs in a folder that is no project.
fn outside(project: &Project, arguments: &[&str]) -> Ran {
    let folder = project.home.path().join("no project");
    fs::create_dir_all(&folder).must("a folder");
    project.snap_in(&folder, arguments)
}

#[test]
fn words_and_options_of_other_programs_are_told_what_does_that_here() {
    let project = Project::new();
    for (typed, says) in [
        (&["restore", "x"][..], &["`snap resume`", "`snap rewind`"][..]),
        (&["checkout", "x"], &["`snap resume`", "`snap rewind`"]),
        (&["commit"], &["`snap save NAME`"]),
        (&["ls"], &["`snap list`"]),
        (&["history"], &["`snap log`"]),
        (&["push", "--all"], &["`snap push REMOTE REF REF`"]),
        (&["undo", "d35df884"], &["takes no name", "`snap rewind ID`"]),
        (&["redo", "2"], &["takes no name"]),
        (&["log", "x"], &["takes no name", "`snap show REF`"]),
        (&["status", "x"], &["takes no name", "`snap diff --now REF`"]),
        (&["switch", "x"], &["`snap resume`", "`snap rewind`"]),
        (&["remote", "-v"], &["`snap list --remote`"]),
        (&["clone", "x"], &["`snap pull`", "`snap import FILE`"]),
        (&["login"], &["there is no account"]),
        (&["setup"], &["`snap init`"]),
        (&["undo", "-y"], &["`--yes`"]),
        (&["prune", "-y"], &["`--yes`"]),
        (&["save", "-a"], &["all edits, staged or not"]),
        (&["save", "--dry-run"], &["`snap status`"]),
        (&["log", "--oneline"], &["one line already"]),
        (&["log", "-p"], &["`snap diff REF`"]),
        (&["list", "--sort", "age"], &["`--reverse`"]),
        (&["list", "--limit", "3"], &["`-n NUMBER`"]),
        (&["config", "--edit"], &["its first line names"]),
        (&["verify", "--fix"], &["`snap verify --repair`"]),
        (&["prune", "-n"], &["`--dry-run`"]),
        (&["rm", "-rf", "x"], &["`snap undo` brings it back"]),
        (&["branch", "-m", "a", "b"], &["`snap branch --remove OLD`"]),
        (&["sync", "--off"], &["`snap init --no-sync`"]),
        (&["export", "x", "x.snap"], &["comes behind `-o`"]),
        (&["import"], &["`snap import -`"]),
    ] {
        let said = project.snap(typed).exits(2).says(says).stderr.clone();
        // What is only spelled alike would lead away from it.
        assert!(!said.contains("similar") && !said.contains("\n\n\n"), "{typed:?}: {said}");
    }
    let known = project.snap(&["sav"]).exits(2).stderr;
    assert!(known.contains("'save'"), "{known}");
    for remote in ["here", "there"] {
        project.git(&["remote", "add", remote, "/nowhere"]);
    }
    project.snap(&["push", "x", "y"]).exits(3).says(&["no remote \"x\"", "here, there"]);
    // Several commands have a few of these letters.
    let unknown = project.snap(&["reorder"]).exits(2).stderr;
    assert!(!unknown.contains("similar"), "{unknown}");
    project
        .snap(&["import", "https://example.org/x.snap"])
        .exits(3)
        .says(&["curl -fL https://example.org/x.snap |"]);
}

#[test]
fn a_word_that_is_a_file_is_told_where_files_come_and_what_a_name_is() {
    let project = Project::new();
    project.write("a.txt", "edited\n");
    project.snap(&["save", "."]).exits(2).says(&["`snap save` saves all edits"]);
    project.snap(&["save", "a.txt"]).exits(0).says(&["only a name to `snap save`: it saves all edits"]);
    let plain = project.snap(&["save", "b"]).exits(0).stderr;
    assert!(!plain.contains("only a name"), "{plain}");
    project.snap(&["diff", "b", "b.txt"]).exits(3).says(&["`snap diff b -- b.txt`"]);
    project.snap(&["diff", "b", "--", "b.txt"]).exits(0);
    project.snap(&["report", "b", "out.html"]).exits(3).says(&["comes behind `-o`: `-o out.html`"]);
    project.snap(&["report", "b", "--format", "md"]).exits(0);
    // Of one letter, nothing is like it.
    project.snap(&["show", "t"]).exits(3).says(&["`snap list` shows what there is"]);
}

#[test]
fn a_diff_that_is_piped_in_is_said_not_to_be_looked_at_without_a_dash() {
    let project = Project::new();
    project.write("a.txt", "edited\n");
    project.snap(&["save", "x"]).exits(0);
    let usual = project.command(project.root(), &[]);
    let piped = |diff: &str| {
        let mut shell = Command::new("sh");
        let line = format!("git diff | '{}' {diff}", usual.get_program().display());
        shell.args(["-c", &line]).current_dir(project.root()).env_clear();
        shell.envs(usual.get_envs().filter_map(|(name, value)| Some((name, value?))));
        shell.env("COLUMNS", "80").env("LINES", "90").env("TERM", "xterm").env("PAGER", "cat");
        on_terminal(&mut shell)
    };
    let said = piped("diff");
    assert!(said.contains("`snap diff -` shows that") && said.contains("edited"), "{said}");
    for other in ["diff -", "diff x"] {
        let said = piped(other);
        assert!(!said.contains("is not looked at") && said.contains("edited"), "{other}: {said}");
    }
}

#[test]
fn a_value_that_was_not_typed_is_not_said_to_be_empty() {
    let project = Project::new();
    for typed in [&["resume", "--worktree"][..], &["save", "-m"], &["show", "--agent"]] {
        let said = project.snap(typed).exits(2).says(&["a value is required"]).stderr;
        assert!(!said.contains("the value is empty"), "{typed:?}: {said}");
    }
    for typed in [&["save", "-m", ""][..], &["save", "--message="]] {
        project.snap(typed).exits(2).says(&["the value is empty"]);
    }
}

#[test]
fn lines_of_work_with_long_names_are_folded_between_words() {
    let project = Project::new();
    project.write("a.txt", "edited\n");
    project.snap(&["save", "why does the parser of dates take so long"]).exits(0);
    project.snap(&["branch", "faster", "why does the parser of dates take so long"]).exits(0);
    let text = shown(&project, 60, &["branch"]);
    assert!(text.starts_with("faster  from why does") && text.contains("\n  "), "{text}");
}

#[test]
fn a_list_of_none_has_the_right_counts() {
    let project = Project::new();
    for name in ["one", "two"] {
        project.write("a.txt", name);
        project.snap(&["save", name]).exits(0);
    }
    project.snap(&["rewind", "one", "--no-run", "--no-input"]).exits(0);
    let none = project.snap(&["list", "-n", "0"]).exits(0);
    assert_eq!(none.stdout, "");
    assert!(
        none.stderr.starts_with("0 of 3 snapshots, ")
            && none.stderr.ends_with("; 1 safety hidden (-a shows them); 2 older\n"),
        "{}",
        none.stderr
    );
    let narrow = shown(&project, 40, &["list", "-n", "0"]);
    assert!(narrow.starts_with("0 of 3 snapshots"), "{narrow}");
}

#[test]
fn outside_any_project_nobody_is_told_to_save() {
    let project = Project::new();
    for command in [&["list"][..], &["status"]] {
        let ran = outside(&project, command).exits(0);
        let said = ran.stdout + &ran.stderr;
        assert!(said.contains("nothing to save") && !said.contains("snap save"), "{said}");
    }
    outside(&project, &["save", "x"]).exits(3).says(&["nothing to save here"]);
    outside(&project, &["show"]).exits(3).says(&["in your project, `snap save NAME`"]);
    project.snap(&["list"]).exits(0).says(&["`snap save NAME` makes one"]);
}

#[test]
fn status_in_a_folder_that_was_moved_says_how_its_session_goes_on() {
    let project = Project::new();
    project.session(ID);
    project.snap(&["save", "my wip"]).exits(0);
    let problem = |project: &Project, folder: &std::path::Path| {
        let text = project.snap_in(folder, &["status"]).exits(0).stdout;
        text.lines().find(|line| line.starts_with("Problem")).map(str::to_owned)
    };
    assert_eq!(problem(&project, project.root()), None);
    let moved = project.home.path().join("moved");
    fs::rename(project.root(), &moved).must("to move it");
    let said = problem(&project, &moved).must("a problem");
    assert!(said.contains(&*project.root().to_string_lossy()) && said.contains("which is gone"), "{said}");
    assert!(said.contains("`snap resume --no-edits 'my wip'`"), "{said}");
    project.snap_in(&moved, &["resume", "--no-edits", "my wip", "--no-run", "--no-input"]).exits(0);
    assert_eq!(problem(&project, &moved), None);
}

#[test]
fn an_odd_variable_is_named_once_and_a_wrong_file_counts_for_nothing() {
    let project = Project::new();
    let with_theme = |theme: &str, arguments: &[&str]| {
        ran(project.command(project.root(), arguments).env("SNAP_DIFF_THEME", theme))
    };
    let passed = with_theme("foo", &["config"]).exits(0);
    assert_eq!(
        passed.stderr,
        "note: SNAP_DIFF_THEME=foo is passed over: it should be \"auto\", \"dark\", \"light\" or \"ansi\"\n"
    );
    let line =
        |text: &str| text.lines().find(|line| line.starts_with("look.theme")).must("a line").to_owned();
    assert!(line(&passed.stdout).contains("default: the background"), "{}", passed.stdout);
    assert!(line(&with_theme("DARK", &["config"]).exits(0).stdout).contains("DARK"));
    assert!(shown(&project, 80, &["config"]).lines().count() > 18);
    let file = project.home.path().join(".config/snap/snap.toml");
    fs::create_dir_all(file.parent().must("a folder")).must("a folder");
    fs::write(&file, "[look]\ntheme = \"foo\"\n[keep]\nautomatic = 3\n").must("settings");
    let wrong = project.snap(&["config"]).exits(2);
    assert!(wrong.stdout.contains("(nothing in it counts until it is corrected)"), "{}", wrong.stdout);
    let at = format!("{}:2: look.theme should be \"auto\", \"dark\", \"light\" or \"ansi\"", file.display());
    assert_eq!(wrong.stderr.matches(&at).count(), 1, "{}", wrong.stderr);
    wrong.says(&["hint: correct that file"]);
}

#[test]
fn one_long_path_or_name_makes_no_row_of_another_go_on_below() {
    let project = Project::new();
    let long = format!("src/{}/the-file.rs", ["deep"; 25].join("/"));
    project.write(&long, "new\n");
    project.write("a.txt", "changed\n");
    let name = "why does the parser of dates take so long";
    project.snap(&["save", name]).exits(0);
    project.write("a.txt", "changed again\n");
    project.snap(&["save", "b"]).exits(0);
    let shows = |columns: usize, arguments: &[&str], rows: &[&str]| {
        let text = shown(&project, columns, arguments).replace('\r', "");
        for row in rows {
            let of_it: Vec<&str> = text.lines().filter(|line| line.contains(row)).collect();
            assert!(of_it.len() == 1, "{columns}: no row has {row:?}:\n{text}");
        }
        text
    };
    let text = shows(80, &["show", "b"], &["…", "/the-file.rs  +1 -0, untracked"]);
    let lines: Vec<&str> = text.lines().collect();
    let at = |part: &str| lines.iter().find_map(|line| Some(line[..line.find(part)?].chars().count()));
    assert_eq!(at("+1 -0, untracked"), at("+1 -3"), "{text}");
    for columns in [60, 120] {
        shows(columns, &["show", "b"], &["/the-file.rs  +1 -0"]);
    }
    let whole = project.snap(&["show", "b"]).exits(0).stdout;
    assert!(whole.contains(&format!("{long}  +1 -0, untracked")), "{whole}");
    let entries = project.snap(&["log", "--json"]).exits(0).json().as_array().must("entries").len();
    let text = shown(&project, 80, &["log"]);
    assert_eq!(text.lines().filter(|line| !line.trim().is_empty()).count(), entries, "{text}");
}

#[test]
fn the_log_is_in_columns_and_says_what_was_undone() {
    let project = Project::new();
    for name in ["a rather long name", "b"] {
        project.write("a.txt", name);
        project.snap(&["save", name]).exits(0);
    }
    project.snap(&["rewind", "a rather", "--no-run", "--no-input"]).exits(0);
    for command in [&["undo"][..], &["redo"], &["undo"], &["rm", "b"], &["undo"], &["redo"]] {
        project.snap(command).exits(0);
    }
    let log = project.snap(&["log"]).exits(0).stdout;
    let lines: Vec<&str> = log.lines().collect();
    let columns: Vec<Option<usize>> = lines.iter().map(|line| line.find('@')).collect();
    assert!(columns.windows(2).all(|two| two[0] == two[1]), "{log}");
    let told: Vec<String> = lines
        .iter()
        .map(|line| {
            let parts: Vec<&str> = line.split("  ").map(str::trim).filter(|part| !part.is_empty()).collect();
            format!("{} {}", parts[0], parts[3])
        })
        .collect();
    assert_eq!(
        told[..8],
        [
            "redo remove \"b\"",
            "undo remove \"b\"",
            "remove b",
            "undo rewind \"a rather long name\"",
            "redo rewind \"a rather long name\"",
            "undo rewind \"a rather long name\"",
            "rewind a rather long name",
            "save b",
        ]
    );
    shown(&project, 60, &["log"]);
}

#[test]
fn two_files_are_named_as_they_were_typed_but_in_a_patch_as_git_names_them() {
    let project = Project::new();
    for (name, text) in [("x", "a\n"), ("y", "b\n")] {
        project.write(name, text);
    }
    let [x, y] = ["x", "y"].map(|name| project.path(name).to_str().must("UTF-8").to_owned());
    let shown =
        |options: &[&str]| project.snap(&[&["diff"], options, &["--files", &x, &y]].concat()).exits(0).stdout;
    assert_eq!(shown(&["--name-only"]), format!("{y}\n"));
    assert!(shown(&["--stat"]).starts_with(&format!(" {x} -> {y} |")));
    assert!(shown(&["--color=always"]).contains(&format!("M {x} -> {y}")));
    assert!(shown(&[]).starts_with(&format!("diff --git a{x} b{y}\n--- a{x}\n+++ b{y}\n")));
}

#[test]
fn a_save_of_nothing_but_a_commit_says_so() {
    let project = Project::empty();
    project.write("a.txt", "a\n");
    project.git(&["init", "-q"]);
    project.git(&["add", "."]);
    project.git(&["commit", "-q", "-m", "first"]);
    let commit = project.git(&["rev-parse", "HEAD"]);
    let said = project.snap(&["save", "x"]).exits(0).stdout;
    let only = format!("only the commit that a rewind goes back to ({}).\n", &commit[..10]);
    assert!(
        said.starts_with("Saved \"x\": no session and no edited file") && said.ends_with(&only),
        "{said}"
    );
}

#[test]
fn a_manual_page_has_its_version_its_usage_and_its_examples() {
    let page = |command: &str| {
        let mut snap = Command::new(env!("CARGO_BIN_EXE_snap"));
        let output = snap.env_clear().args(["man", command]).output().must("snap");
        String::from_utf8(output.stdout).must("UTF-8")
    };
    let list = page("list");
    let title = format!(".TH snap-list 1 \" \" \"snap {}\" \"snap manual\"", env!("CARGO_PKG_VERSION"));
    assert!(list.lines().any(|line| line.trim_end() == title), "{list}");
    assert!(list.contains("snap list [OPTIONS] [WORD]...") && list.contains(".SH EXAMPLES"), "{list}");
    assert!(!list.contains(".SH EXTRA") && !list.contains(".SH VERSION"), "{list}");
}

#[test]
fn a_rewind_leaves_the_hooks_that_were_set_up_since() {
    let project = Project::new();
    project.snap(&["save", "x"]).exits(0);
    project.write("a.txt", "edited\n");
    project.snap(&["init"]).exits(0);
    project.snap(&["rewind", "x"]).exits(0).says(&["set up by `snap init`", ".claude/settings.json"]);
    for file in [".claude/settings.json", ".claude/commands/snapshot.md"] {
        assert!(project.path(file).exists(), "{file}");
    }
    let again = project.snap(&["rewind", "x", "--json"]).exits(0).json();
    assert_eq!(again["edits"].as_array().map(Vec::len), Some(0), "{again}");
}

#[test]
fn after_a_session_a_plain_rewind_names_what_was_there_before_its_last_step() {
    let project = Project::new();
    let transcript = project.session(ID);
    project.write("build/out", "only here\n");
    hook(&project, "PreToolUse", &bash(&project, &transcript, "rm -rf build")).exits(0);
    fs::remove_dir_all(project.path("build")).must("the step");
    hook(&project, "SessionEnd", &bash(&project, &transcript, "")).exits(0);
    let said = project.snap(&["rewind", "--no-session"]).exits(0);
    said.says(&["has what the last step did", "snap rewind 'before rm -rf build'"]);
    project.snap(&["rewind", "before rm -rf build", "--no-session"]).exits(0);
    assert_eq!(project.read("build/out"), b"only here\n");
}

#[test]
fn an_undo_right_after_a_removal_on_a_remote_changes_nothing_here() {
    let (project, remote) = with_remote();
    project.write("a.txt", "saved\n");
    project.snap(&["save", "one"]).exits(0);
    project.snap(&["push", utf8(&remote), "one"]).exits(0);
    project.write("a.txt", "later\n");
    project.snap(&["rewind", "one"]).exits(0);
    project.snap(&["rm", "--remote", utf8(&remote), "one"]).exits(0);
    project.snap(&["undo"]).exits(3).says(&["rm --remote", "--anyway"]);
    assert_eq!(project.read("a.txt"), b"saved\n");
    project.snap(&["undo", "--anyway"]).exits(0);
    assert_eq!(project.read("a.txt"), b"later\n");
}

#[test]
fn an_empty_reference_is_none() {
    let project = Project::new();
    project.write("a.txt", "saved\n");
    project.snap(&["save", "one"]).exits(0);
    project.write("a.txt", "later\n");
    for command in [&["rewind", ""][..], &["resume", ""], &["show", ""], &["export", "", "-o", "x.snap"]] {
        project.snap(command).exits(2).says(&["the name is empty"]);
    }
    assert_eq!(project.read("a.txt"), b"later\n");
}

#[test]
fn the_same_step_under_the_same_id_is_saved_before_each_time() {
    let project = Project::new();
    let transcript = project.session(ID);
    let mut step = bash(&project, &transcript, "rm -rf build");
    step["tool_use_id"] = "call_0".into();
    for content in ["first\n", "second\n"] {
        project.write("build/out", content);
        hook(&project, "PreToolUse", &step).exits(0);
        fs::remove_dir_all(project.path("build")).must("the step");
        // A minute goes by.
        let marks = files_below(project.home.path()).into_iter();
        for mark in marks.filter(|path| path.components().any(|part| part.as_os_str() == "answered")) {
            let file = fs::File::options().write(true).open(mark).must("a mark");
            file.set_modified(SystemTime::now() - Duration::from_secs(60)).must("to set a time");
        }
    }
    project.snap(&["rewind", "latest", "--no-session"]).exits(0);
    assert_eq!(project.read("build/out"), b"second\n");
}

#[test]
fn a_rewind_says_where_head_stays_and_what_moves_it() {
    let project = Project::new();
    project.write("a.txt", "saved\n");
    project.snap(&["save", "before"]).exits(0);
    project.git(&["commit", "-qam", "since"]);
    let said = ["HEAD stays at", "(main)", "`--reset-branch` moves main back"];
    let planned = project.snap(&["rewind", "before", "--dry-run"]).exits(0).stdout;
    assert!(said.iter().all(|said| planned.contains(said)), "{planned}");
    project.snap(&["rewind", "before", "--no-input"]).exits(0).says(&said);
    project.git(&["checkout", "-qfb", "topic"]);
    let other =
        project.snap(&["rewind", "before", "--no-input"]).exits(0).says(&["HEAD stays at", "(topic)"]);
    assert!(!other.stderr.contains("--reset-branch"), "{}", other.stderr);
    project.git(&["checkout", "-qf", "main"]);
    let moved = project.snap(&["rewind", "before", "--reset-branch", "--no-input"]).exits(0);
    assert!(!moved.stderr.contains("HEAD stays"), "{}", moved.stderr);
}

#[test]
fn a_key_that_others_can_read_is_named_with_what_mends_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let project = Project::new();
    project.write("a.txt", "saved\n");
    project.snap(&["save", "mine"]).exits(0);
    let key = files_below(project.home.path()).into_iter().find(|path| path.ends_with("snap/key"));
    let key = key.must("a key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).must("a mode");
    let mend = format!("chmod 600 {}", key.display());
    project.snap(&["resume", "mine", "--no-input"]).exits(3).says(&[&mend]);
    let status = project.snap(&["status"]).exits(0).stdout;
    assert!(status.contains("no snapshot counts as yours") && status.contains(&mend), "{status}");
}

#[test]
fn what_would_be_passed_over_in_silence_is_refused() {
    let project = Project::new();
    project.write("a.txt", "saved\n");
    project.snap(&["save", "mine"]).exits(0);
    project.snap(&["resume", "mine", "--fill", "NOPE"]).exits(2).says(&["`--fill NOPE` matches no secret"]);
    project.snap(&["show", "mine", "--talk", "--json"]).exits(2).says(&["snap report --format json"]);
    project.snap(&["export", "mine", "-o", "new/"]).exits(2).says(&["names a folder", "`-o new/mine.snap`"]);
    let said = ["there is no folder", "mkdir -p"];
    project.snap(&["export", "mine", "-o", "new/mine.snap"]).exits(3).says(&said);
    assert!(!project.path("new").exists());
}

#[test]
fn in_the_client_advice_names_what_is_typed_there() {
    let project = Project::new();
    let answer = |prompt: &str| {
        let input = serde_json::json!({"session_id": ID, "cwd": project.root(),
            "hook_event_name": "UserPromptSubmit", "prompt": prompt});
        hook(&project, "UserPromptSubmit", &input).exits(0).stdout
    };
    let miss = answer("/snap:snapshot sav x");
    assert!(miss.contains("Did you mean `/snap:snapshot save`?"), "{miss}");
    assert!(miss.contains("/snap:snapshot list") && !miss.contains("/snapshot list"), "{miss}");
    project.write("a.txt", "saved\n");
    answer("/snapshot save mine");
    let unknown = answer("/snapshot show other");
    assert!(unknown.contains("`/snapshot list`") && !unknown.contains("`snap list`"), "{unknown}");
}

#[test]
fn a_rewind_that_takes_hooks_out_of_settings_says_so() {
    let project = Project::new();
    let settings = ".claude/settings.json";
    project.write(settings, "{\"env\":{\"A\":\"1\"}}\n");
    project.snap(&["save", "x"]).exits(0);
    project.snap(&["init"]).exits(0);
    let said = [settings, "no longer in it", "`snap init` sets them up again"];
    project.snap(&["rewind", "x", "--no-session"]).exits(0).says(&said);
    assert_eq!(project.read(settings), b"{\"env\":{\"A\":\"1\"}}\n", "what was saved comes back exactly");
    project.snap(&["undo"]).exits(0);
    assert!(String::from_utf8_lossy(&project.read(settings)).contains("claude-snap"));
}

#[test]
fn what_a_save_left_out_does_not_count_as_changed_since() {
    let project = Project::new();
    for number in 0..300 {
        project.write(format!("venv/lib/f{number}"), "x\n");
    }
    project.snap(&["save", "one"]).exits(6);
    assert_eq!(project.snap(&["status", "--json"]).exits(0).json()["newest"]["changed"], 0);
    let compared = project.snap(&["diff", "--now", "one", "--exit-code"]).exits(0);
    compared.says(&["300 files that \"one\" leaves out are not compared"]);
    project.write("a.txt", "edited\n");
    assert_eq!(project.snap(&["status", "--json"]).exits(0).json()["newest"]["changed"], 1);
    project.snap(&["diff", "--now", "one", "--exit-code"]).exits(1);
}

#[test]
fn a_linked_work_tree_is_compared_with_its_own_snapshot_and_the_newer_one_elsewhere_is_named() {
    let project = Project::new();
    project.git(&["worktree", "add", "-q", "../beside", "-b", "beside"]);
    let beside = project.root().with_file_name("beside");
    let status = || project.snap_in(&beside, &["status", "--json"]).exits(0).json()["newest"].clone();
    project.write("a.txt", "edited\n");
    project.snap(&["save", "main"]).exits(0);
    let only = status();
    assert_eq!((&only["name"], &only["changed"]), (&"main".into(), &serde_json::Value::Null));
    assert!(only["work_tree"].is_string(), "{only}");
    project.snap_in(&beside, &["save", "own"]).exits(0);
    project.write("a.txt", "edited again\n");
    project.snap(&["save", "newer"]).exits(0);
    let own = status();
    assert_eq!((&own["name"], &own["changed"]), (&"own".into(), &0.into()));
    assert_eq!((&own["newer_elsewhere"], &own["work_tree"]), (&"newer".into(), &serde_json::Value::Null));
    let short = project.snap_in(&beside, &["status", "--short"]).exits(0).stdout;
    assert!(short.starts_with("own "), "{short}");
}

#[test]
fn what_is_in_the_trash_is_named_where_it_is_missed() {
    let project = Project::new();
    project.write("a.txt", "edited\n");
    project.snap(&["save", "base"]).exits(0);
    project.snap(&["rm", "base"]).exits(0);
    project.snap(&["list"]).exits(0).says(&["There is no snapshot here.", "In the trash: base", "snap undo"]);
    for command in ["show", "diff", "rewind"] {
        project.snap(&[command, "base"]).exits(3).says(&["it is in the trash", "snap undo"]);
    }
    project.snap(&["show"]).exits(3).says(&["one is in the trash"]);
    project.snap(&["save", "other"]).exits(0);
    project.snap(&["list", "-a"]).exits(0).says(&["In the trash: base"]);
    project.snap(&["undo"]).exits(0);
    project.snap(&["show", "base"]).exits(0);
}

#[test]
fn a_pattern_that_fits_nothing_is_told_and_a_folder_without_anything_is_refused() {
    let project = Project::new();
    project.write("notes.csv", "1\n");
    let saved = project.snap(&["save", "one", "--include", "no/such/*.csv", "--include", "*.csv"]).exits(0);
    saved.says(&["`--include no/such/*.csv` matches no untracked or ignored file"]);
    let empty = Project::empty();
    empty.snap(&["branch", "x"]).exits(3).says(&["There is nothing to save here"]);
    assert!(!empty.path(".claude").exists());
    project.snap(&["resume", "one", "--no-edits", "--no-session"]).exits(2);
}

#[test]
fn several_are_pinned_and_unpinned_at_once_and_the_log_says_so() {
    let project = Project::new();
    for name in ["one", "two"] {
        project.write("a.txt", name);
        project.snap(&["save", name]).exits(0);
    }
    let pinned = |project: &Project| -> Vec<bool> {
        let list = project.snap(&["list", "--json"]).exits(0).json();
        list.as_array().must("a list").iter().map(|one| one["pinned"] == true).collect()
    };
    project.snap(&["pin", "one", "nope"]).exits(3);
    assert_eq!(pinned(&project), [false, false], "one of them is not there: none is changed");
    project.snap(&["pin", "one", "two", "one"]).exits(0).says(&["\"one\" is now", "\"two\" is now"]);
    assert_eq!(pinned(&project), [true, true]);
    let out = project.snap(&["unpin", "one", "two", "--json"]).exits(0).json();
    assert!(out[0]["name"] == "one" && out[1]["changed"] == true, "{out}");
    assert_eq!(pinned(&project), [false, false]);
    project.snap(&["unpin", "one"]).exits(0).says(&["not pinned"]);
    let log = project.snap(&["log", "--json"]).exits(0).json();
    let steps: Vec<String> = log
        .as_array()
        .must("a log")
        .iter()
        .map(|one| {
            format!("{} {}", one["operation"].as_str().unwrap_or(""), one["name"].as_str().unwrap_or(""))
        })
        .collect();
    assert_eq!(
        steps[..4],
        ["unpin two", "unpin one", "pin two", "pin one"],
        "what changes nothing is no event"
    );
    assert!(project.snap(&["log"]).exits(0).stdout.starts_with("unpin "));
}

#[test]
fn the_newest_snapshot_in_short_is_json_too() {
    let project = Project::new();
    assert_eq!(project.snap(&["status", "--short", "--json"]).exits(0).json(), Value::Null);
    project.snap(&["save", "one"]).exits(0);
    let short = project.snap(&["status", "--short", "--json"]).exits(0).json();
    assert!(short["name"] == "one" && short["age_seconds"].is_u64(), "{short}");
}

#[test]
fn what_is_said_on_a_terminal_is_broken_between_words_and_whole_in_a_pipe() {
    let project = Project::new();
    project.session(ID);
    project.write("a.txt", "other\n");
    let name = "a name of many words, all of them short";
    for (columns, name) in [(44, name), (80, "another name of many words, all of them short and plain")] {
        project.write("a.txt", name);
        let text = shown(&project, columns, &["save", name]);
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(&format!("Saved \"{name}\": 5 records of conversation")), "{text}");
    }
    project.write("a.txt", "third\n");
    let piped = project.snap(&["save", &format!("third {name}")]).exits(0).stdout;
    assert_eq!(piped.lines().count(), 2, "{piped}");
}

#[test]
fn a_program_that_is_ended_by_ctrl_c_says_in_one_sentence_what_was_changed() {
    let project = Project::new();
    for name in ["one", "two", "three", "four"] {
        project.write("a.txt", name);
        project.snap(&["save", name]).exits(0);
    }
    project.write("a.txt", "since");
    let before = project.state();
    // Each asks, and waits for an answer.
    for (arguments, asks) in
        [(&["rm", "--ask", "one"][..], "[y/N]"), (&["rm", "--ask", "two", "three"], "[y/N]")]
    {
        let mut terminal = Terminal::start(project.command(project.root(), arguments));
        terminal.sees(asks);
        let pid =
            i32::try_from(terminal.child.id()).ok().and_then(rustix::process::Pid::from_raw).must("a pid");
        rustix::process::kill_process(pid, rustix::process::Signal::INT).must("a signal");
        let (code, said) = terminal.ends();
        assert_eq!(code, Some(130), "{arguments:?}: {said}");
        assert_eq!(said.matches("Interrupted: nothing was changed").count(), 1, "{arguments:?}: {said}");
    }
    assert_eq!(project.snap(&["list", "--json"]).json().as_array().map(Vec::len), Some(4));
    assert_eq!(project.state(), before);
}

#[test]
fn a_push_is_completed_with_a_remote_and_then_with_a_snapshot() {
    let project = Project::new();
    for name in ["origin", "backup"] {
        let place = project.home.path().join(name);
        project.git(&["init", "-q", "--bare", place.to_str().must("UTF-8")]);
        project.git(&["remote", "add", name, place.to_str().must("UTF-8")]);
    }
    project.write("a.txt", "new\n");
    project.snap(&["save", "wip"]).exits(0);
    let completed = |words: &[&str]| {
        let typed = [&["--", "snap"], words].concat();
        let mut command = project.command(project.root(), &typed);
        command.env("SNAP_COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", words.len().to_string());
        let lines = ran(&mut command).exits(0).stdout;
        lines
            .split(['\n', '\u{b}'])
            .take_while(|word| !word.starts_with('-'))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(completed(&["push", ""]), ["origin", "backup"]);
    project.snap(&["push", "backup"]).exits(0);
    assert_eq!(completed(&["push", ""]), ["origin", "backup"]);
    assert_eq!(completed(&["push", "b"]), ["backup"]);
    assert_eq!(completed(&["push", "backup", ""]), ["wip"]);
}

#[test]
fn a_damaged_snapshot_that_is_the_only_one_is_never_denied() {
    let project = Project::new();
    project.write("a.txt", "edited\n");
    project.snap(&["save", "a"]).exits(0);
    std::fs::write(project.stored("a.json"), "garbage").must("damaged");
    for command in ["show", "resume", "rewind"] {
        let ran = project.snap(&[command]).exits(5);
        assert!(
            ran.stderr.contains("can't be read") && ran.stderr.contains("snap verify --repair"),
            "{}",
            ran.stderr
        );
    }
    let status = project.snap(&["status"]).exits(0).stdout;
    assert!(status.contains("no snapshot can be read") && !status.contains("no snapshot yet"), "{status}");
}

#[test]
fn a_redo_of_a_moved_branch_is_refused_on_another_branch() {
    let project = Project::new();
    project.snap(&["save", "clean", "-m", "x"]).exits(0);
    project.write("c.txt", "1\n");
    project.git(&["add", "-A"]);
    project.git(&["commit", "-qm", "second"]);
    project.snap(&["rewind", "clean", "--reset-branch"]).exits(0);
    project.snap(&["undo"]).exits(0);
    project.git(&["checkout", "-q", "-b", "other"]);
    let before = project.state();
    project.snap(&["redo"]).exits(3).says(&["it moved main", "on other", "git switch"]);
    assert_eq!(project.state(), before);
    project.git(&["checkout", "-q", "main"]);
    project.snap(&["redo"]).exits(0);
    assert!(!project.path("c.txt").exists());
}

#[test]
fn who_only_looks_gets_no_key_and_nothing_else_in_the_state_folder() {
    let project = Project::new();
    project.session(crate::hooks::ID);
    project.write("a.txt", "edited\n");
    project.snap(&["save", "x"]).exits(0);
    let state = project.home.path().join(".local/state");
    fs::remove_dir_all(&state).must("to remove it");
    for looking in [
        &["status"][..],
        &["list"],
        &["list", "-a"],
        &["show", "x"],
        &["log"],
        &["diff", "x"],
        &["diff", "--now", "x"],
        &["undo", "--dry-run"],
    ] {
        project.snap(looking);
        assert!(!state.exists() || crate::support::project::files_below(&state).is_empty(), "{looking:?}");
    }
}
