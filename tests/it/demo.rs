//! `snap demo`: what it shows, that nothing of it stays, and that it touches nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::real_client::on_terminal;
use crate::support::api::{Reply, StandIn};
use crate::support::client::Client;
use crate::support::project::{Project, files_below, ran};
use crate::support::screen::{self, Screen};
use crate::support::{Must, eventually};

/// Every file below a folder with its content, or where it leads.
fn all_of(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let content = |path: &PathBuf| match fs::read_link(path) {
        Ok(to) => to.into_os_string().into_encoded_bytes(),
        Err(_) => fs::read(path).must("a file"),
    };
    files_below(folder).into_iter().map(|path| (path.clone(), content(&path))).collect()
}

/// What is left in the place for temporary files.
fn left(project: &Project) -> Vec<PathBuf> {
    let entries = fs::read_dir(project.home.path().join("tmp")).must("a folder").flatten();
    entries.map(|entry| entry.path()).collect()
}

#[test]
fn a_demo_saves_wrecks_and_restores_and_leaves_nothing_but_what_it_printed() {
    let project = Project::new();
    project.session("c137e379-838e-4509-8148-16b407691758");
    project.write("a.txt", "pending\n");
    let before = all_of(project.home.path());
    // Nobody has told git a name.
    let shown = project.snap(&["demo"]).exits(0);
    // In a pipe too, what a command says stands below the command.
    assert_eq!(shown.stderr, "");
    let mut rest = shown.stdout.as_str();
    for line in [
        "An agent has changed files of every kind",
        "$ git status --short\n",
        "$ snap save 'before refactor' -m 'prices are cents now'\nSaved",
        "$ snap list\nID",
        "$ snap show\nbefore refactor",
        "$ snap diff --stat\n",
        "$ rm -r src\n",
        "$ snap rewind --no-session\nbefore refactor",
        "Set 10 paths",
        "Compared: 12 files and the index are as they were saved",
        "$ cd '../second clone'\n",
        "Imported",
        "$ snap resume latest --grants all --no-run\nbefore refactor",
        "Granted: 1 rule to the session, 4 rules",
        "Compared: 12 files and the index are as they were saved",
        "removed again",
    ] {
        let found = rest.split_once(line);
        rest = found.unwrap_or_else(|| panic!("{line:?} is not in the rest of:\n{}", shown.stdout)).1;
    }
    // Everything that a session has is in it, and comes along.
    for words in ["4 tasks, 1 agent, 9 edited files", "since its last compaction", "as a new session"] {
        assert!(shown.stdout.contains(words), "{words}\n{}", shown.stdout);
    }
    assert_eq!(left(&project), Vec::<PathBuf>::new());
    assert!(all_of(project.home.path()) == before, "something else has changed");
    project.snap(&["demo", "--json"]).exits(2).says(&["has no JSON"]);
}

#[test]
fn a_global_option_that_changes_nothing_is_refused_or_said() {
    let project = Project::new();
    for command in [&["man"][..], &["man", "save"], &["completions", "bash"]] {
        let refused = project.snap(&[command, &["--json"]].concat()).exits(2).says(&["has no JSON"]);
        assert_eq!(refused.stdout, "");
        let said = project.snap(&[command, &["--store", "/nowhere"]].concat()).exits(0);
        assert!(said.stderr.contains("`--store` changes nothing"), "{}", said.stderr);
        assert!(!said.stdout.is_empty());
    }
    project.snap(&["config", "--store", "/nowhere"]).exits(0).says(&["`--store` changes nothing"]);
}

#[test]
fn what_a_demo_says_between_its_commands_is_folded_between_words() {
    let project = Project::new();
    let mut command = project.command(project.root(), &["demo", "--no-input"]);
    command
        .env("COLUMNS", "80")
        .env("LINES", "90")
        .env("TERM", "xterm")
        .env("NO_COLOR", "1")
        .env("PAGER", "cat");
    let shown = on_terminal(&mut command);
    let is_command = |line: &&str| line.starts_with("$ ") || line.starts_with("cd '");
    for line in shown.lines().filter(|line| !is_command(line)) {
        assert!(line.chars().count() <= 80, "{line:?}");
    }
    assert!(shown.contains("and each pending\nedit.\n"), "{shown}");
}

#[test]
fn a_demo_that_is_kept_says_how_to_play_with_it() {
    let project = Project::new();
    let shown = project.snap(&["demo", "--keep"]).exits(0);
    let [folder] = left(&project).try_into().must("one folder");
    let script = folder.join("shell");
    assert!(shown.stdout.contains(script.to_str().must("UTF-8")), "{}", shown.stdout);
    let mut shell = project.command(project.root(), &[]);
    let played = "snap list --json; snap doctor && snap undo && git status --short | wc -l";
    fs::write(project.home.path().join("played"), format!("#!/bin/sh\n{played}\n")).must("a script");
    let played = project.home.path().join("played");
    fs::set_permissions(&played, fs::Permissions::from_mode(0o755)).must("its mode");
    let environment = shell.env("SHELL", &played).get_envs();
    let environment: Vec<_> = environment.filter_map(|(name, value)| Some((name, value?))).collect();
    let said = ran(Command::new(&script).env_clear().envs(environment)).exits(0);
    assert!(said.stdout.contains("\"before refactor\""), "{}", said.stdout);
    // Undone is the rewind: the tree is wrecked again.
    assert!(said.stdout.trim_end().ends_with('3'), "{}{}", said.stdout, said.stderr);
}

#[test]
fn a_demo_that_is_interrupted_or_fails_leaves_nothing() {
    let project = Project::new();
    let bin = project.home.path().join("bin");
    fs::create_dir(&bin).must("a folder");
    for (script, words, code) in
        [("kill -INT $PPID; exit 0", "Interrupted", 130), ("echo no >&2; exit 3", "`rm -r src` failed", 7)]
    {
        fs::write(bin.join("rm"), format!("#!/bin/sh\n{script}\n")).must("a program");
        fs::set_permissions(bin.join("rm"), fs::Permissions::from_mode(0o755)).must("its mode");
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
        let mut command = project.command(project.root(), &["demo"]);
        ran(command.env("PATH", path)).exits(code).says(&[words]);
        assert_eq!(left(&project), Vec::<PathBuf>::new());
    }
}

#[test]
fn a_demo_that_is_allowed_to_goes_on_in_the_client_and_sends_all_of_the_conversation() {
    let Some(client) = Client::newest() else { return };
    if !screen::available() {
        return;
    }
    let project = Project::new();
    let api = StandIn::start(|_| Reply::text("I go on"));
    let mut command = project.command(project.root(), &["demo", "--client"]);
    command.envs(client.environment(&project.home, &api)).env("TMPDIR", project.home.path().join("tmp"));
    // A key would be asked about: the client's settings in a demo are new.
    command.env_remove("ANTHROPIC_API_KEY").env("ANTHROPIC_AUTH_TOKEN", "made-up");
    let screen = Screen::of(&command);
    screen.shows("Sums are in cents now");
    screen.shows("accept edits on");
    screen.enter("and now the receipts");
    screen.shows("I go on");
    let sent = api.main().last().must("a request").body["messages"].to_string();
    for words in [
        "We decided on whole cents",
        "Go on: make the change",
        "Prices are read in src/cart.py",
        "Ran 1 test",
    ] {
        assert!(sent.contains(words), "{words:?} is not in: {sent}");
    }
    assert!(!sent.contains("/shop"), "paths are those of the second clone: {sent}");
    screen.enter("/exit");
    eventually("the folder is gone", || left(&project).is_empty());
}
