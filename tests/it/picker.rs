//! The picker: what it shows, what its keys do, and the commands that ask with it on a terminal.

use std::path::Path;

use claude_snap::view::picker::{Choice, Effect, Picker, draw};
use claude_snap::view::{Action, Mood, Picked};
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::Event;
use ratatui::layout::Rect;

use crate::raw_text::{EVIL, is_raw};
use crate::support::Must;
use crate::support::golden::assert_same;
use crate::support::project::Project;
use crate::support::terminal::Terminal;
use crate::view::{fact, facts, key, picture, rows};

fn choice(id: &str, name: &str, age: &str, about: &str) -> Choice {
    let fact = fact(" ", name, age, Mood::Plain);
    Choice {
        id: id.to_owned(),
        fact,
        about: about.to_owned(),
        text: about.to_owned(),
        pinned: false,
        is_safety: false,
    }
}

/// A picker with names of all kinds.
fn picker(width: u16, height: u16, own: Action) -> Picker {
    let mut choices = vec![
        choice("2", "after it", "2m", "Now the docs"),
        choice("1", "before api refactor", "3h", "the old error type still works"),
        choice("3", "日本語の名前と長い説明があるもの", "4h", "次に何をするか"),
        choice("4", "a quite long but honest name of the thing that is tried here", "2d", "Port the api"),
        choice("5", "end of session-7", "9d", ""),
        choice("6", "safety-20261121-080000", "2d", ""),
    ];
    choices[1].pinned = true;
    choices[1].fact.mark = "*".to_owned();
    choices[5].is_safety = true;
    let mut picker = Picker::new(width, height, own, choices);
    picker.prefer("1");
    picker.show(facts());
    picker
}

fn painted(picker: &Picker, color: bool) -> Buffer {
    let (width, height) = picker.size();
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    draw(picker, color, &mut buffer);
    buffer
}

fn press(picker: &mut Picker, keys: &str) -> Option<Effect> {
    keys.split(' ').filter(|name| !name.is_empty()).fold(None, |_, name| picker.event(key(name)))
}

#[test]
fn golden_screens_of_the_picker() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/view");
    for (name, width, keys) in
        [("picker-80", 80, ""), ("picker-120", 120, "a p i"), ("picker-200", 200, "^w")]
    {
        let mut picker = picker(width, 24, Action::Resume);
        press(&mut picker, keys);
        if !keys.is_empty() {
            picker.show(facts());
        }
        assert_same(&folder.join(format!("{name}.out")), &picture(&painted(&picker, true)));
    }
}

#[test]
fn keys_choose_and_act_and_nothing_changes_files_by_a_slip() {
    let done = |action, id: &str| Some(Effect::Do(Picked { action, id: id.to_owned() }));
    for (keys, effect) in [
        ("enter", done(Action::Show, "1")),
        ("down enter", done(Action::Show, "3")),
        ("d o c s enter", done(Action::Show, "2")),
        ("s a f e t y enter", done(Action::Show, "6")),
        ("z z enter", None),
        ("z z ^u enter", done(Action::Show, "2")),
        ("^d", done(Action::Diff, "1")),
        // The one that is pinned is unpinned.
        ("^p", done(Action::Unpin, "1")),
        ("down ^p", done(Action::Pin, "3")),
        ("^x", done(Action::Remove, "1")),
        // Where a line of text is typed, this takes a word away.
        ("^w", None),
        ("^w n", None),
        ("^w y", done(Action::Rewind, "1")),
        ("^r y", done(Action::Resume, "1")),
        ("esc", Some(Effect::Leave)),
        ("^c", Some(Effect::Leave)),
    ] {
        assert_eq!(press(&mut picker(100, 30, Action::Show), keys), effect, "{keys}");
    }
    // Enter of a command is its own consent: its plan and its questions come next.
    assert_eq!(press(&mut picker(100, 30, Action::Rewind), "^w"), done(Action::Rewind, "1"));
}

#[test]
fn a_picker_of_any_size_and_content_is_drawn_safe() {
    for width in [0, 1, 2, 7, 30, 75, 76, 100, 250] {
        for height in [0, 1, 2, 3, 5, 9, 40] {
            let mut picker = picker(width, height, Action::Diff);
            for keys in ["down", "a", "^w", "n", "z z z", "^u"] {
                press(&mut picker, keys);
                painted(&picker, true);
            }
            picker.event(Event::Resize(80, 24));
            painted(&picker, true);
        }
    }
    let mut picker = Picker::new(160, 40, Action::Show, vec![choice("1", EVIL, EVIL, EVIL)]);
    picker.event(Event::Paste(EVIL.to_owned()));
    let mut all = facts();
    (all.title.text, all.title.more, all.talk) = (EVIL.to_owned(), EVIL.to_owned(), vec![EVIL.to_owned()]);
    picker.show(all);
    let shown = rows(&painted(&picker, false)).join("\n");
    press(&mut picker, "^u");
    let shown = format!("{shown}{}", rows(&painted(&picker, false)).join("\n"));
    assert!(shown.contains("\\x1b[2J"), "{shown}");
    assert_eq!(shown.chars().find(|c| is_raw(*c)), None, "{shown:?}");
    let plain = painted(&picker, false);
    assert!(plain.content.iter().all(|cell| cell.fg == ratatui::style::Color::Reset));
}

/// A project with two snapshots, and a change since.
fn project() -> Project {
    let project = Project::new();
    for name in ["first", "second"] {
        project.write("a.txt", format!("{name}\n"));
        project.snap(&["save", name]).exits(0);
    }
    project.write("a.txt", "since\n");
    project
}

#[test]
fn a_command_without_a_snapshot_asks_on_a_terminal_and_goes_on_with_the_chosen_one() {
    let project = project();
    for (arguments, keys, printed, kept) in [
        (&["show"][..], "fir\r", "first", "since"),
        (&["show", "--json"], "", "\"second\"", "since"),
        (&["diff", "--stat", "--", "a.txt"], "fir\r", "a.txt | ", "since"),
        (&["rewind", "--no-session"], "fir\r", "Set 1 path", "first"),
        (&["--color", "never", "show"], "sec\x10", "is now pinned", "since"),
        (&["resume", "--no-session", "--no-run"], "fir\x17y", "Set 1 path", "first"),
    ] {
        project.write("a.txt", "since\n");
        let mut terminal = Terminal::start(project.command(project.root(), arguments));
        if !keys.is_empty() {
            terminal.sees("hich snapshot");
            terminal.types(keys);
        }
        let (code, shown) = terminal.ends();
        assert!(code == Some(0) && shown.contains(printed), "{arguments:?} {code:?}: {shown}");
        assert_eq!(String::from_utf8_lossy(&project.read("a.txt")), format!("{kept}\n"), "{arguments:?}");
    }
}

#[test]
fn what_is_chosen_is_what_is_shown_after_a_restore_too() {
    let project = project();
    project.snap(&["rewind", "first"]).exits(0);
    project.snap(&["save", "third"]).exits(0);
    project.snap(&["undo"]).exits(0);
    for name in ["first", "second", "third"] {
        let mut terminal = Terminal::start(project.command(project.root(), &["show", "--color", "never"]));
        terminal.sees("hich snapshot");
        terminal.sees("third");
        assert!(!terminal.shows("safety-"), "safety snapshots only while something is typed");
        terminal.types(&format!("{name}\r"));
        let (code, shown) = terminal.ends();
        assert!(code == Some(0) && shown.contains(&format!("{name}  saved")), "{name}: {shown}");
    }
}

#[test]
fn who_leaves_the_picker_has_done_nothing() {
    let project = project();
    let before = project.state();
    for (command, keys) in [("rewind", "\x1b"), ("resume", "\x03"), ("rm", "fir\x1b")] {
        let mut terminal = Terminal::start(project.command(project.root(), &[command]));
        terminal.sees("hich snapshot");
        terminal.types(keys);
        let (code, shown) = terminal.ends();
        assert_eq!(code, Some(130), "{command}: {shown}");
    }
    assert_eq!(project.state(), before);
    assert_eq!(project.snap(&["list", "--json"]).exits(0).json().as_array().must("a list").len(), 2);
}

#[test]
fn what_is_removed_by_a_key_is_asked_about_even_if_it_is_one() {
    let project = project();
    let names = || {
        let all = project.snap(&["list", "-a", "--json"]).exits(0).json();
        let all = all.as_array().must("a list").iter();
        all.map(|one| one["name"].as_str().must("a name").to_owned()).collect::<Vec<_>>()
    };
    for (answer, code, left) in [("n\r", 3, 2), ("y\r", 0, 1)] {
        let mut terminal = Terminal::start(project.command(project.root(), &["rm"]));
        terminal.sees("hich snapshot");
        terminal.types("fir\r");
        terminal.sees("Remove it?");
        terminal.types(answer);
        assert_eq!(terminal.ends().0, Some(code));
        assert_eq!(names().len(), left);
    }
    // One that is left alone is shown before it is removed, and by no other command.
    let mut terminal = Terminal::start(project.command(project.root(), &["rm"]));
    terminal.sees("hich snapshot");
    terminal.types("\x1b");
    terminal.ends();
    let (code, shown) = Terminal::start(project.command(project.root(), &["show"])).ends();
    assert!(code == Some(0) && shown.contains("second") && !shown.contains("hich snapshot"), "{shown}");
}

#[test]
fn nobody_is_asked_where_nobody_can_choose() {
    let project = project();
    assert!(project.snap(&["show"]).exits(0).stdout.starts_with("second  "));
    assert!(project.snap(&["diff", "--stat"]).exits(0).stdout.contains("a.txt"));
    project.snap(&["rm"]).exits(2).says(&["needs to know which snapshots"]);
    for (arguments, variables) in [
        (&["rewind", "--no-input", "--dry-run"][..], &[][..]),
        (&["rewind", "latest", "--dry-run"], &[]),
        (&["show"], &[("TERM", "dumb")]),
    ] {
        let mut command = project.command(project.root(), arguments);
        command.env("TERM", "xterm").envs(variables.iter().copied());
        let shown = crate::real_client::on_terminal(&mut command);
        assert!(shown.contains("second") && !shown.contains("hich snapshot"), "{arguments:?}: {shown}");
    }
}
