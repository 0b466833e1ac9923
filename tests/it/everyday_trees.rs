//! Several work trees, lines and copies in everyday use: each sentence is true where it is read, and each hint works from there.

use std::fs;
use std::path::PathBuf;

use crate::hooks::ID;
use crate::real_client::on_terminal;
use crate::support::Must;
use crate::support::project::{Project, ran};
use crate::support::terminal::Terminal;

/// A project with a second work tree.
fn with_second_tree() -> (Project, PathBuf) {
    let project = Project::new();
    let other = project.path("../other tree");
    project.git(&["worktree", "add", "-q", "-b", "other", other.to_str().must("UTF-8")]);
    (project, other.canonicalize().must("the tree"))
}

/// A project with a bare repository as its remote.
fn with_remote() -> Project {
    let project = Project::new();
    let place = project.home.path().join("origin.git");
    project.git(&["init", "-q", "--bare", place.to_str().must("UTF-8")]);
    project.git(&["remote", "add", "origin", place.to_str().must("UTF-8")]);
    project
}

#[test]
fn what_was_removed_in_one_work_tree_is_brought_back_as_the_hint_in_another_one_says() {
    let (project, other) = with_second_tree();
    project.write("a.txt", "saved\n");
    project.snap(&["save", "x"]).exits(0);
    project.snap(&["rm", "x"]).exits(0);
    let place = project.root().display().to_string();
    for typed in [&["show", "x"][..], &["show"]] {
        let ran = project.snap_in(&other, typed).exits(3);
        assert!(ran.stderr.contains("in the trash") && ran.stderr.contains("snap -C"), "{}", ran.stderr);
        assert!(ran.stderr.contains(&place), "{}", ran.stderr);
    }
    project.snap_in(&other, &["list"]).exits(0).says(&["In the trash: x", "snap -C", &place]);
    project.snap_in(&other, &["-C", &place, "undo"]).exits(0);
    project.snap_in(&other, &["show", "x"]).exits(0);
    // In the tree of the removal, the short way.
    project.snap(&["rm", "x"]).exits(0);
    let here = project.snap(&["show", "x"]).exits(3).stderr;
    assert!(here.contains("`snap undo`") && !here.contains("-C"), "{here}");
}

#[test]
fn what_was_removed_in_a_work_tree_that_is_gone_is_brought_back_from_any_other() {
    let (project, other) = with_second_tree();
    project.write("a.txt", "saved\n");
    project.snap(&["save", "x"]).exits(0);
    project.snap_in(&other, &["rm", "x"]).exits(0);
    project.git(&["worktree", "remove", "--force", other.to_str().must("UTF-8")]);
    project.snap(&["show", "x"]).exits(3).says(&["`snap undo`"]);
    project.snap(&["undo"]).exits(0).says(&["\"x\" is back"]);
    project.snap(&["redo"]).exits(3);
    project.snap(&["show", "x"]).exits(0);
}

#[test]
fn a_redo_of_what_was_undone_in_a_work_tree_that_is_gone_says_how_that_comes_back() {
    let (project, other) = with_second_tree();
    fs::write(other.join("a.txt"), "saved there\n").must("written");
    project.snap_in(&other, &["save", "x"]).exits(0);
    fs::write(other.join("a.txt"), "since\n").must("written");
    project.snap_in(&other, &["rewind", "x", "--no-run", "--no-input"]).exits(0);
    project.snap_in(&other, &["undo"]).exits(0);
    project.git(&["worktree", "remove", "--force", other.to_str().must("UTF-8")]);
    let place = other.display().to_string();
    let said = project.snap(&["redo"]).exits(3).says(&[&place, "which is gone", "snap rewind "]).stderr;
    let name = said.split("`snap rewind ").nth(1).and_then(|rest| rest.split('`').next()).must("a command");
    project.snap(&["rewind", name, "--no-run", "--no-input"]).exits(0);
    assert_eq!(fs::read(other.join("a.txt")).must("a file"), b"saved there\n");
}

#[test]
fn another_work_tree_is_put_back_only_after_a_yes() {
    let (project, other) = with_second_tree();
    fs::write(other.join("a.txt"), "saved there\n").must("written");
    project.snap_in(&other, &["save", "x"]).exits(0);
    fs::write(other.join("a.txt"), "since\n").must("written");
    let there = || fs::read(other.join("a.txt")).must("a file");
    let ask = |answer: &str| {
        let mut terminal =
            Terminal::start(project.command(project.root(), &["rewind", "x", "--no-run", "--offline"]));
        terminal.sees("Put that work tree back as it was?");
        assert!(terminal.shows("The snapshot is of the work tree"));
        terminal.types(answer);
        terminal.ends()
    };
    let (code, said) = ask("n\r");
    assert_eq!(code, Some(3), "{said}");
    assert_eq!(there(), b"since\n");
    let (code, said) = ask("y\r");
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(there(), b"saved there\n");
    // Where nobody can be asked, the yes is an option.
    fs::write(other.join("a.txt"), "since\n").must("written");
    project
        .snap(&["rewind", "x", "--no-run"])
        .exits(3)
        .says(&["nobody can be asked", "`snap rewind --yes x`"]);
    project.snap(&["rewind", "x", "--dry-run"]).exits(0);
    assert_eq!(there(), b"since\n");
    project.snap(&["rewind", "x", "--yes"]).exits(0).says(&["it is restored there"]);
    assert_eq!(there(), b"saved there\n");
}

#[test]
fn a_rewind_of_another_work_tree_says_how_its_conversation_goes_on() {
    let (project, other) = with_second_tree();
    let transcript = project.session(ID);
    fs::write(other.join("a.txt"), "saved there\n").must("written");
    let session = ["--session", transcript.to_str().must("UTF-8")];
    project.snap_in(&other, &[&["save", "x"][..], &session].concat()).exits(0);
    fs::write(other.join("a.txt"), "since\n").must("written");
    let said = project.snap(&["rewind", "x", "--yes"]).exits(0).stderr;
    let place = other.display().to_string();
    assert!(said.contains("Its conversation was left as it is") && said.contains(&place), "{said}");
    assert!(said.contains("&& snap rewind x`"), "{said}");
    let said = project.snap(&["rewind", "x", "--yes", "--no-session"]).exits(0).stderr;
    assert!(!said.contains("conversation was left"), "{said}");
}

#[test]
fn what_is_gone_for_good_here_and_was_pushed_is_said_to_be_there_still() {
    let project = with_remote();
    for name in ["one", "two words", "mine"] {
        project.write("a.txt", name);
        project.snap(&["save", name]).exits(0);
    }
    project.snap(&["push", "origin", "one", "two words"]).exits(0);
    let said = project.snap(&["rm", "--now", "one", "two words", "mine"]).exits(0).stderr;
    assert!(said.contains("snap rm --remote origin one 'two words'`"), "{said}");
    project.snap(&["rm", "--remote", "origin", "one", "two words"]).exits(0);
    assert_eq!(
        project.snap(&["list", "--remote", "origin", "--json"]).exits(0).json(),
        serde_json::json!([])
    );
    // What was taken back there is not said to be there.
    project.write("a.txt", "four");
    project.snap(&["save", "four"]).exits(0);
    project.snap(&["push", "origin", "four"]).exits(0);
    project.snap(&["rm", "--remote", "origin", "four"]).exits(0);
    let said = project.snap(&["rm", "--now", "four"]).exits(0).stderr;
    assert!(!said.contains("--remote"), "{said}");
}

#[test]
fn a_line_that_has_its_name_already_is_told_apart_from_one_elsewhere() {
    let project = Project::new();
    project.write("a.txt", "one\n");
    project.snap(&["save", "base"]).exits(0);
    project.snap(&["branch", "cache"]).exits(0);
    project.write("a.txt", "two\n");
    project.snap(&["branch", "cache"]).exits(0).says(&["You are on the line \"cache\" already", "\"base\""]);
    project.snap(&["save", "later"]).exits(0);
    project.snap(&["branch", "docs", "later"]).exits(0);
    project.snap(&["rewind", "base", "--no-run", "--no-input"]).exits(0);
    project.snap(&["branch", "docs"]).exits(3).says(&["There is a line \"docs\" already"]);
    project.snap(&["branch", "bad\nname"]).exits(2).says(&["can't be the name of a line"]);
}

#[test]
fn a_snapshot_that_is_damaged_here_and_whole_on_the_remote_is_mended_by_a_pull_of_it() {
    let project = with_remote();
    project.write("big", [7, 0, 1].repeat(90_000));
    project.snap(&["save", "x"]).exits(0);
    project.snap(&["push", "origin", "x"]).exits(0);
    let object = project.objects().pop().must("an object");
    fs::remove_file(&object).must("to remove");
    fs::write(object, "damaged").must("to write");
    project.snap(&["verify", "x"]).exits(1);
    let mended = project.snap(&["pull", "origin", "x", "--json"]).exits(0).json();
    assert_eq!(mended["snapshots"][0]["outcome"], "mended", "{mended}");
    project.snap(&["verify", "x"]).exits(0);
    project.snap(&["pull", "origin", "x"]).exits(0).says(&["\"x\" is already here"]);
}

#[test]
fn a_step_behind_a_removal_for_good_is_offered_by_its_own_name() {
    let project = Project::new();
    project.write("a.txt", "saved\n");
    project.snap(&["save", "x"]).exits(0);
    project.write("a.txt", "since\n");
    project.snap(&["rewind", "x", "--no-run", "--no-input"]).exits(0);
    project.snap(&["rm", "--now", "x"]).exits(0);
    let said = project.snap(&["undo"]).exits(3).stderr;
    assert!(
        said.contains("The last step can't be undone") && said.contains("`snap undo --anyway`"),
        "{said}"
    );
    assert!(said.contains("rewind of a snapshot that is gone") && !said.contains("(removed)"), "{said}");
    project.snap(&["undo", "--anyway"]).exits(0);
    assert_eq!(project.read("a.txt"), b"since\n");
}

#[test]
fn the_newest_but_one_is_that_of_this_work_tree_for_link_and_verify_too() {
    let (project, other) = with_second_tree();
    project.session(ID);
    for name in ["first", "second"] {
        project.write("a.txt", name);
        project.snap(&["save", name]).exits(0);
    }
    fs::write(other.join("a.txt"), "there\n").must("written");
    project.snap_in(&other, &["save", "zeta"]).exits(6);
    let linked = project.snap(&["link", "latest~1", "--json"]).exits(0).json();
    assert_eq!(linked["title"], "first", "{linked}");
    let checked = project.snap(&["verify", "latest", "--json"]).exits(0).json();
    assert_eq!(checked["snapshots"][0]["name"], "second", "{checked}");
    // Too far back is told in one way, by each command.
    for typed in [&["show", "latest~2"][..], &["verify", "latest~2"], &["diff", "latest~9"]] {
        let said = project.snap(typed).exits(3).stderr;
        assert!(said.contains("There is no `latest~") && said.contains("`latest` counts "), "{said}");
    }
}

#[test]
fn a_copy_of_this_program_elsewhere_on_the_path_is_no_other_program() {
    let project = Project::new();
    let folder = project.home.path().join("bin");
    fs::create_dir(&folder).must("a folder");
    let program = project.command(project.root(), &[]).get_program().to_owned();
    let with = |content: Option<&str>| {
        match content {
            None => drop(fs::copy(&program, folder.join("snap")).must("a copy")),
            Some(text) => fs::write(folder.join("snap"), text).must("a script"),
        }
        let mut command = project.command(project.root(), &["status"]);
        let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
        ran(command.env("PATH", path)).exits(0).stdout
    };
    assert!(!with(None).contains("is the first `snap` on the PATH"));
    assert!(with(Some("#!/bin/sh\n")).contains("is the first `snap` on the PATH"));
}

#[test]
fn a_list_in_a_pipe_is_tabs_and_snapshots_alone() {
    let project = with_remote();
    project.write("a.txt", "saved\n");
    project.snap(&["save", "two words"]).exits(0);
    project.snap(&["push", "origin"]).exits(0);
    let list = project.snap(&["list", "--remote", "origin"]).exits(0).stdout;
    let rows: Vec<Vec<&str>> = list.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(rows[0], ["ID", "AGE", "HERE", "BY", "NAME", "MARKS"]);
    assert_eq!((rows.len(), rows[1][2], rows[1][4]), (2, "yes", "two words"), "{list}");
    project.snap(&["-C", "a.txt", "list"]).exits(2).says(&["it is a file, not a folder"]);
}

#[test]
fn a_demo_on_a_narrow_terminal_breaks_its_sentences_between_words() {
    let project = Project::new();
    let mut command = project.command(project.root(), &["demo"]);
    command
        .env("COLUMNS", "60")
        .env("LINES", "400")
        .env("TERM", "xterm")
        .env("NO_COLOR", "1")
        .env("PAGER", "cat");
    let text = on_terminal(&mut command);
    let sentence = text.lines().find(|line| line.contains("It is not yours")).must("the first sentence");
    assert!(sentence.chars().count() <= 60, "{sentence}");
}

#[test]
fn a_remote_that_allows_partial_fetches_by_now_is_believed() {
    let project = with_remote();
    let bare = project.home.path().join("origin.git");
    project.write("a.txt", "saved\n");
    project.snap(&["save", "x"]).exits(0);
    project.snap(&["push", "origin"]).exits(0);
    let note = |project: &Project| project.snap(&["space"]).exits(0).stderr.contains("partial fetches");
    assert!(!note(&project), "all that is there is known");
    let clone = project.cloned();
    clone.git(&["remote", "set-url", "origin", bare.to_str().must("UTF-8")]);
    assert!(note(&clone), "of what is not here, only ids are known");
    project.git(&["-C", bare.to_str().must("UTF-8"), "config", "uploadpack.allowFilter", "true"]);
    assert!(!note(&clone));
    assert!(clone.snap(&["space"]).exits(0).stdout.contains("x"));
}
