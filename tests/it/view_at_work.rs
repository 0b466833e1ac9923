//! `snap view` of a shared project: who is at work, and the end of a session, without a key that waits for it.

use std::fs;

use claude_snap::view::{AtWork, Effect, State};
use ratatui::crossterm::event::{Event, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use crate::handoff_remote::colleague;
use crate::raw_text::{EVIL, is_raw};
use crate::spaces::{eventually_is, no_pause, say, shared, turn};
use crate::support::project::Project;
use crate::support::terminal::Terminal;
use crate::support::{Must, eventually};
use crate::view::{facts, key, painted, rows};

/// What was seen at a look: sessions of these users, the newest first.
fn seen(users: &[&str]) -> AtWork {
    let mut at_work = AtWork::begun();
    let session = |user: &&str| {
        serde_json::json!({"who": format!("{user}@laptop-x1y2"), "session": "c137e379", "state": "waiting",
            "heard": "2026-11-21T08:00:00.000Z", "mine": false, "title": "the parser", "prompt": "go on",
            "branch": "main", "edits": {"files": 3, "added": 10, "removed": 2}, "tasks": {"done": 1, "all": 2}})
    };
    let sessions: Vec<_> = users.iter().map(session).collect();
    let look =
        serde_json::json!({"at": "2026-11-21T08:03:00.000Z", "remote": "origin", "sessions": sessions});
    at_work.hear(serde_json::from_value(look).must("a look"));
    at_work
}

fn screen(width: u16, height: u16) -> State {
    let mut state = State::new(width, height);
    state.open(facts());
    state
}

#[test]
fn who_is_at_work_stands_below_the_files_and_what_is_selected_stays_so() {
    for (width, height) in [(80, 24), (120, 40)] {
        let mut state = screen(width, height);
        let shown = rows(&painted(&mut state, false)).join("\n");
        assert!(!shown.contains("At work"), "of a project that is not shared: {shown}");
        state.see(AtWork::begun());
        let shown = rows(&painted(&mut state, false)).join("\n");
        assert!(shown.contains("At work 0") && shown.contains("looking…"), "{shown}");
        state.see(seen(&["ada", "bob"]));
        let shown = rows(&painted(&mut state, false)).join("\n");
        assert!(
            shown.contains("At work 2") && shown.contains("waiting ada: the") && shown.contains("3m"),
            "{shown}"
        );
        // From the diff backwards: it is the last list.
        let back = Event::Key(ratatui::crossterm::event::KeyEvent::new(
            ratatui::crossterm::event::KeyCode::BackTab,
            KeyModifiers::NONE,
        ));
        assert_eq!(state.event(back).must("taken"), None);
        state.event(key("down")).must("taken");
        state.see(seen(&["eve", "ada", "bob"]));
        assert_eq!(state.event(key("enter")).must("taken"), Some(Effect::Session(2)), "still bob");
        state.see(seen(&["eve"]));
        assert_eq!(state.event(key("enter")).must("taken"), Some(Effect::Session(0)));
        let shown = rows(&painted(&mut state, false));
        let row = shown.iter().position(|row| row.contains("eve:")).must("a row");
        let click = Event::Mouse(MouseEvent {
            kind: MouseEventKind::Down(MouseButton::Left),
            column: 3,
            row: u16::try_from(row).must("a row"),
            modifiers: KeyModifiers::NONE,
        });
        assert_eq!(state.event(click).must("taken"), None);
        // Nobody is left: keys go on elsewhere.
        state.see(seen(&[]));
        assert_eq!(state.event(key("enter")).must("taken"), None);
        assert!(rows(&painted(&mut state, false)).join("\n").contains("nobody at the moment"));
    }
}

#[test]
fn whatever_somebody_calls_a_session_is_drawn_safe() {
    let mut at_work = AtWork::begun();
    let look = serde_json::json!({"at": "2026-11-21T08:03:00.000Z", "remote": EVIL, "away": null, "sessions": [
        {"who": EVIL, "session": EVIL, "state": EVIL, "heard": "2099-11-21T08:00:00.000Z", "mine": true, "title": EVIL,
         "prompt": EVIL, "branch": EVIL}]});
    at_work.hear(serde_json::from_value(look).must("a look"));
    let mut state = screen(160, 40);
    state.see(at_work);
    let shown = rows(&painted(&mut state, true)).join("\n");
    assert_eq!(shown.chars().find(|c| is_raw(*c)), None, "{shown:?}");
}

/// A shared project of ada's with a session at work, its remote and transcript, and a colleague with a snapshot.
fn two() -> (Project, std::path::PathBuf, std::path::PathBuf, Project) {
    let (ada, remote, transcript) = shared();
    say(&ada, &transcript, 1, "now the tests");
    ada.write("a.txt", "edited\n");
    turn(&ada, &transcript, "UserPromptSubmit").exits(0);
    eventually_is(&ada, &remote, "busy");
    let other = colleague(&ada, &remote).of_another_user();
    no_pause(&other);
    // What `init` writes is no edit of anybody's.
    fs::write(other.path(".git/info/exclude"), ".claude/\n").must("a rule");
    other.snap(&["init", "--local", "--sync"]).exits(0);
    other.write("b.txt", "mine\n");
    other.snap(&["save", "mine"]).exits(0);
    (ada, remote, transcript, other)
}

/// Whether a program that looks for a view of this project still runs.
fn is_looked_for(project: &Project) -> bool {
    let root = project.root().display().to_string();
    let all = fs::read_dir("/proc").must("processes").flatten();
    let words = all.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    words
        .map(|words| String::from_utf8_lossy(&words).replace('\0', " "))
        .any(|words| words.contains(&root) && words.contains("--feed"))
}

#[test]
fn the_view_sees_who_is_at_work_and_shows_the_last_words_of_a_session() {
    let (ada, remote, transcript, other) = two();
    let before = other.state();
    let mut terminal = Terminal::start(other.command(other.root(), &["view"]));
    terminal.sees("At work 1");
    terminal.sees("busy ada: the parser");
    // Back from the diff to the last list.
    terminal.types("\x1b[Z\r");
    terminal.sees("Last prompt: now the tests");
    terminal.sees("❯ now the tests");
    terminal.sees("± a.txt");
    // Any key is taken meanwhile, and a file is opened as always.
    terminal.types("]");
    terminal.sees("+mine");
    turn(&ada, &transcript, "PermissionRequest").exits(0);
    eventually_is(&ada, &remote, "waiting");
    terminal.sees("waiting ada");
    fs::rename(&remote, remote.with_extension("away")).must("a move");
    terminal.sees("origin is out of reach");
    assert!(terminal.shows("waiting ada"), "what was seen stays");
    assert!(is_looked_for(&other));
    terminal.types("q");
    assert_eq!(terminal.ends().0, Some(0));
    eventually("the end of what looked", || !is_looked_for(&other));
    assert_eq!(other.state(), before, "nothing was taken in");
}

#[test]
fn a_remote_that_never_answers_holds_up_nothing() {
    let (_ada, _remote, _, other) = two();
    let ssh = other.home.path().join("ssh");
    fs::write(&ssh, "#!/bin/sh\nsleep 100000\n").must("a program");
    fs::set_permissions(&ssh, std::os::unix::fs::PermissionsExt::from_mode(0o755)).must("a mode");
    other.git(&["remote", "set-url", "origin", "ssh://far.example/x.git"]);
    let mut command = other.command(other.root(), &["view"]);
    command.env("GIT_SSH_COMMAND", &ssh);
    let mut terminal = Terminal::start(command);
    terminal.sees("looking…");
    terminal.sees("+mine");
    terminal.types("?");
    terminal.sees("search in this file");
    terminal.types("qq");
    assert_eq!(terminal.ends().0, Some(0));
    eventually("the end of what looked", || !is_looked_for(&other));
}

#[test]
fn of_a_project_that_is_not_shared_no_remote_is_asked() {
    let (ada, remote, _) = shared();
    let other = colleague(&ada, &remote).of_another_user();
    other.write("b.txt", "mine\n");
    other.snap(&["save", "mine"]).exits(0);
    let mut terminal = Terminal::start(other.command(other.root(), &["view"]));
    terminal.sees("+mine");
    assert!(!terminal.shows("At work") && !is_looked_for(&other));
    terminal.types("q");
    assert_eq!(terminal.ends().0, Some(0));
}
