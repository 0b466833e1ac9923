//! `snap view`: what is on the screen after some keys, and the program itself on a terminal.

use std::fs;
use std::path::Path;

use claude_snap::diff::{Differ, End, Options, Show};
use claude_snap::view::{Action, Effect, Fact, Listed, Mood, Recorder, SnapshotFacts, State, draw};
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{
    Event, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use crate::raw_text::{EVIL, evil_everywhere, is_raw};
use crate::support::Must;
use crate::support::project::Project;
use crate::support::terminal::Terminal;

pub(crate) fn fact(mark: &str, text: &str, more: &str, mood: Mood) -> Fact {
    let (mark, text, more) = (mark.to_owned(), text.to_owned(), more.to_owned());
    Fact { mark, text, more, mood, detail: vec!["what there is to read".to_owned()] }
}

pub(crate) fn facts() -> SnapshotFacts {
    SnapshotFacts {
        id: "1".to_owned(),
        talk: vec!["Last prompt: port the api".to_owned()],
        title: fact("", "before api refactor", "3h ago · main · the old error type still works", Mood::Plain),
        tasks: vec![
            fact("✔", "1. Write parser", "", Mood::Good),
            fact("▶", "2. Test parser", "", Mood::Busy),
            fact("◻", "3. A task with a subject that is longer than its column", "", Mood::Plain),
        ],
        agents: vec![fact("running", "look around", "Explore", Mood::Busy)],
        files: vec![
            fact("M", "src/code.rs", "+12 -9", Mood::Busy),
            fact("A", "a/very/long/path/that/does/not/fit/file.rs", "+1 -0", Mood::Good),
            fact("D", "gone.txt", "+0 -3", Mood::Bad),
        ],
    }
}

fn listed(id: &str, name: &str, more: &str) -> Listed {
    Listed { id: id.to_owned(), fact: fact(" ", name, more, Mood::Plain), pinned: false }
}

/// A screen of this size that shows the diff of two versions.
fn screen(width: u16, height: u16, old: &[u8], new: &[u8]) -> State {
    let mut state = State::new(width, height);
    state.list(vec![listed("2", "after it", "2h"), listed("1", "before api refactor", "3h")]);
    assert_eq!(state.open(facts()), Some(Effect::File(0)));
    state.show(0, std::env::temp_dir());
    let mut blocks = Vec::new();
    let mut send = |block| {
        blocks.push(block);
        Ok(())
    };
    let mut recorder = Recorder::new(&mut send);
    let report = Differ::new(old, new, Options::default()).run(&mut recorder).must("a diff");
    recorder.finish(End { report, ..End::default() }).must("its end");
    blocks.into_iter().for_each(|block| state.take(block).must("taken"));
    state.end(None).must("ended");
    state
}

/// The fixtures of `snap diff`, two of which are worth looking at here.
fn fixture(case: &str) -> [Vec<u8>; 2] {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/diff");
    ["old", "new"].map(|version| fs::read(folder.join(format!("{case}.{version}"))).must("a fixture"))
}

/// A key by its name; `^` before a letter is the control key.
pub(crate) fn key(name: &str) -> Event {
    let letter = |name: &str| KeyCode::Char(name.chars().next().must("a key"));
    let (code, modifiers) = match (name, name.strip_prefix('^')) {
        ("enter", _) => (KeyCode::Enter, KeyModifiers::NONE),
        ("esc", _) => (KeyCode::Esc, KeyModifiers::NONE),
        ("tab", _) => (KeyCode::Tab, KeyModifiers::NONE),
        ("down", _) => (KeyCode::Down, KeyModifiers::NONE),
        ("space", _) => (letter(" "), KeyModifiers::NONE),
        (_, Some(name)) => (letter(name), KeyModifiers::CONTROL),
        (name, None) => (letter(name), KeyModifiers::NONE),
    };
    Event::Key(KeyEvent::new(code, modifiers))
}

fn press(state: &mut State, keys: &str) -> Option<Effect> {
    let mut effect = None;
    for name in keys.split(' ') {
        effect = state.event(key(name)).must("taken");
        while state.is_searching() {
            state.search().must("searched");
        }
    }
    effect
}

pub(crate) fn painted(state: &mut State, color: bool) -> Buffer {
    let (width, height) = state.size();
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    draw(state, color, &mut buffer).must("drawn");
    buffer
}

pub(crate) fn rows(buffer: &Buffer) -> Vec<String> {
    let area = buffer.area;
    let row = |y| (0..area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
    (0..area.height).map(row).collect()
}

/// What a screen looks like: its text, and below it a letter for how each cell is painted.
pub(crate) fn picture(buffer: &Buffer) -> String {
    let letter = |x, y| {
        let cell = &buffer[(x, y)];
        let reversed = cell.modifier.contains(Modifier::REVERSED);
        let letter = match (cell.fg, cell.bg) {
            (_, Color::Yellow) => 'f',
            (_, Color::Red) => 's',
            (Color::Red, _) => 'r',
            (Color::Green, _) => 'g',
            (Color::Cyan, _) => 'c',
            (Color::Yellow, _) => 'y',
            _ if cell.modifier.contains(Modifier::DIM) => 'd',
            _ if cell.modifier.contains(Modifier::BOLD) => 'b',
            _ if reversed => 'v',
            _ => '.',
        };
        if reversed { letter.to_ascii_uppercase() } else { letter }
    };
    let area = buffer.area;
    let row = |y| (0..area.width).map(|x| letter(x, y)).collect::<String>().trim_end_matches('.').to_owned();
    let paint: Vec<String> = (0..area.height).map(row).collect();
    format!("{}\n\n{}\n", rows(buffer).join("\n"), paint.join("\n"))
}

/// Expected screens under `fixtures/view`; `SNAP_BLESS=1 cargo test golden` writes them anew.
#[test]
fn golden_screens_stay_as_they_are() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/view");
    let cases: [(&str, &str, u16, &str); 10] = [
        ("first", "code", 120, ""),
        ("narrow", "code", 80, ""),
        ("wide", "code", 200, "s"),
        ("columns", "unsafe", 120, "s"),
        ("unsafe", "unsafe", 80, ""),
        ("long", "long", 80, "v"),
        ("folded", "code", 80, "z"),
        ("search", "code", 120, "/ e enter"),
        ("help", "code", 80, "?"),
        ("task", "code", 80, "tab tab enter"),
    ];
    let mut wrong = Vec::new();
    for (name, case, width, keys) in cases {
        let [old, new] = fixture(case);
        let mut state = screen(width, 24, &old, &new);
        if !keys.is_empty() {
            press(&mut state, keys);
        }
        let made = picture(&painted(&mut state, true));
        let expected = folder.join(format!("{name}.out"));
        if std::env::var_os("SNAP_BLESS").is_some() {
            fs::create_dir_all(&folder).must("the folder");
            fs::write(&expected, &made).must("blessed");
        }
        if fs::read_to_string(&expected).ok().as_deref() != Some(&made) {
            wrong.push(format!("{}:\n{made}", expected.display()));
        }
    }
    assert!(wrong.is_empty(), "not as expected (SNAP_BLESS=1 takes them):\n{}", wrong.join("\n"));
}

/// Two versions of many lines, of which every tenth is edited.
fn many(lines: usize) -> [String; 2] {
    ["one", "other"].map(|word| {
        (0..lines)
            .map(|n| if n % 10 == 5 { format!("{word} line {n}\n") } else { format!("line {n}\n") })
            .collect()
    })
}

#[test]
fn keys_move_through_a_long_diff_and_back_to_where_they_began() {
    let [old, new] = many(20_000);
    for shape in ["esc", "s", "z"] {
        let mut state = screen(100, 30, old.as_bytes(), new.as_bytes());
        press(&mut state, shape);
        let first = rows(&painted(&mut state, false));
        press(&mut state, "G");
        let last = rows(&painted(&mut state, false));
        assert!(last[28].contains(if shape == "z" { "@@ -19993" } else { "line 19998" }), "{last:#?}");
        press(&mut state, "space");
        assert_eq!(rows(&painted(&mut state, false)), last, "there is nothing below the end");
        // Up by rows what was gone down by rows, over folded and paired lines alike.
        press(&mut state, "g");
        for _ in 0..40 {
            press(&mut state, "j");
        }
        press(&mut state, "space b");
        for _ in 0..40 {
            press(&mut state, "k");
        }
        assert_eq!(rows(&painted(&mut state, false)), first, "{shape}");
    }
}

#[test]
fn hunks_and_matches_are_found_in_both_directions() {
    let [old, new] = many(2_000);
    let mut state = screen(100, 30, old.as_bytes(), new.as_bytes());
    let top = |state: &mut State| rows(&painted(state, false))[2].clone();
    assert!(top(&mut state).contains("@@ -3 +3 @@"));
    press(&mut state, "n n");
    assert!(top(&mut state).contains("@@ -23 +23 @@"), "{}", top(&mut state));
    press(&mut state, "N");
    assert!(top(&mut state).contains("@@ -13 +13 @@"));
    press(&mut state, "/ o t h e r space l i n e space 1 9 9 5 enter");
    let shown = rows(&painted(&mut state, false));
    assert!(shown.iter().any(|row| row.contains("+other line 1995")), "{shown:#?}");
    press(&mut state, "n");
    let shown = rows(&painted(&mut state, false));
    assert!(shown.last().must("a row").contains("found no more: other line 1995"), "{shown:#?}");
    press(&mut state, "esc g / o n e space l i n e enter n n N");
    let shown = rows(&painted(&mut state, false));
    assert!(shown.iter().any(|row| row.contains("-one line 15")), "{shown:#?}");
}

#[test]
fn a_search_where_nothing_is_shown_ends_and_says_so() {
    let mut state = State::new(100, 30);
    state.list(vec![listed("1", "before api refactor", "3h")]);
    let nothing = SnapshotFacts { files: Vec::new(), ..facts() };
    assert_eq!(state.open(nothing), None);
    press(&mut state, "/ d o c s enter");
    let shown = picture(&painted(&mut state, false));
    assert!(!shown.contains("searching") && shown.contains("nothing was searched"), "{shown}");
    press(&mut state, "esc G");
    let shown = picture(&painted(&mut state, false));
    assert!(!shown.contains("reading"), "{shown}");
}

#[test]
fn tasks_and_agents_are_read_whole_and_a_long_page_scrolls() {
    let mut state = screen(100, 12, b"a\n", b"b\n");
    let mut long = facts();
    long.tasks[0].detail = (0..40).map(|n| format!("line {n} of the task")).collect();
    state.open(long);
    assert_eq!(press(&mut state, "tab tab enter"), None);
    let page = |state: &mut State| rows(&painted(state, false)).join("\n");
    let first = page(&mut state);
    assert!(first.contains("line 0 of the task") && first.contains("more ↓"), "{first}");
    press(&mut state, "space");
    let next = page(&mut state);
    assert!(!next.contains("line 0 ") && next.contains("line 10 "), "{next}");
    for _ in 0..9 {
        press(&mut state, "space");
        painted(&mut state, false);
    }
    let last = page(&mut state);
    assert!(last.contains("line 39 of the task") && !last.contains("more ↓"), "{last}");
    press(&mut state, "k");
    assert!(page(&mut state).contains("more ↓"));
    press(&mut state, "esc");
    assert!(!page(&mut state).contains("of the task"));
    assert_eq!(press(&mut state, "tab enter"), Some(Effect::Agent(0)));
    assert_eq!(press(&mut state, "c"), Some(Effect::Talk));
}

#[test]
fn files_and_snapshots_are_opened_by_key_and_mouse() {
    let mut state = screen(100, 30, b"a\n", b"b\n");
    assert_eq!(press(&mut state, "["), None);
    assert!(rows(&painted(&mut state, false)).last().must("a row").contains("this is the first file"));
    assert_eq!(press(&mut state, "]"), Some(Effect::File(1)));
    assert_eq!(press(&mut state, "tab enter"), Some(Effect::Snapshot(1)));
    assert_eq!(press(&mut state, "k enter"), Some(Effect::Snapshot(0)));
    let file =
        rows(&painted(&mut state, false)).iter().position(|row| row.contains("gone.txt")).must("a row");
    let mouse = |kind, column, row| {
        let row = u16::try_from(row).must("a row");
        Event::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE })
    };
    let click = mouse(MouseEventKind::Down(MouseButton::Left), 3, file);
    assert_eq!(state.event(click).must("taken"), Some(Effect::File(2)));
    assert_eq!(state.event(mouse(MouseEventKind::ScrollDown, 80, 20)).must("taken"), None);
    assert_eq!(press(&mut state, "q"), Some(Effect::Quit));
}

#[test]
fn a_screen_of_any_size_is_drawn() {
    let [old, new] = fixture("unsafe");
    for width in [0, 1, 2, 7, 30, 60, 61, 100, 250] {
        for height in [0, 1, 2, 3, 5, 9, 40] {
            let mut state = screen(width, height, &old, &new);
            for keys in ["G", "s", "f", "l", "z", "?", "x", "v", "tab j", "n", "/ x enter", "w", "n"] {
                press(&mut state, keys);
                painted(&mut state, true);
            }
            state.event(Event::Resize(80, 24)).must("resized");
            painted(&mut state, true);
        }
    }
}

#[test]
fn without_colours_none_is_used() {
    let [old, new] = fixture("unsafe");
    let mut state = screen(100, 30, &old, &new);
    let buffer = painted(&mut state, false);
    assert!(buffer.content.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
}

#[test]
fn what_changes_files_needs_a_second_key_and_the_rest_leaves_at_once() {
    for (keys, effect) in [
        ("r", None),
        ("r y", Some(Effect::Do(Action::Resume))),
        ("w y", Some(Effect::Do(Action::Rewind))),
        ("w n", None),
        ("w q", None),
        ("d", Some(Effect::Do(Action::Diff))),
        ("p", Some(Effect::Do(Action::Pin))),
        ("x", Some(Effect::Do(Action::Remove))),
        // In a search they are letters.
        ("/ x", None),
    ] {
        let mut state = screen(100, 30, b"a\n", b"b\n");
        assert_eq!(press(&mut state, keys), effect, "{keys}");
    }
    let mut state = screen(100, 30, b"a\n", b"b\n");
    press(&mut state, "w");
    let shown = rows(&painted(&mut state, false));
    assert!(shown.last().must("a row").starts_with(" rewind to before api refactor? y or n"), "{shown:#?}");
    // In the list, it is the selected one that is meant.
    press(&mut state, "n tab k w");
    let shown = rows(&painted(&mut state, false));
    assert!(shown.last().must("a row").starts_with(" rewind to after it? y or n"), "{shown:#?}");
}

/// What gives a terminal back: the cursor, the mouse, the usual screen.
const GIVEN_BACK: [&str; 3] = ["\x1b[?25h", "\x1b[?1000l", "\x1b[?1049l"];

fn viewer() -> (Project, Terminal) {
    let project = Project::new();
    let text = |word: &str| (0..400).map(|n| format!("{word} {n}\n")).collect::<String>();
    project.write("a.txt", text("alpha"));
    project.write("b.txt", text("beta"));
    project.snap(&["save", "the first"]).exits(0);
    let terminal = Terminal::start(project.command(project.root(), &["view"]));
    (project, terminal)
}

#[test]
fn it_opens_moves_and_quits_on_a_real_terminal() {
    let (_project, mut terminal) = viewer();
    terminal.sees("alpha 3");
    terminal.types("G");
    terminal.sees("399");
    terminal.types("]");
    terminal.sees("beta");
    terminal.types("q");
    let (code, shown) = terminal.ends();
    assert_eq!(code, Some(0), "{shown}");
    assert!(GIVEN_BACK.iter().all(|code| shown.contains(code)), "{shown:?}");
}

#[test]
fn the_conversation_has_a_pane_with_the_words_of_show_talk() {
    let project = Project::new();
    let transcript = project.session("c137e379-838e-4509-8148-16b407691758");
    let said = |number: usize, kind: &str, message: serde_json::Value| {
        let before = if number == 0 { "u2".to_owned() } else { format!("v{}", number - 1) };
        let record = serde_json::json!({"type": kind, "uuid": format!("v{number}"), "parentUuid": before, "message": message,
            "cwd": project.root(), "sessionId": "c137e379-838e-4509-8148-16b407691758"});
        project.append(&transcript, format!("{record}\n").as_bytes());
    };
    for number in 0..60 {
        said(
            number * 2,
            "user",
            serde_json::json!({"role": "user", "content": format!("prompt-{number}\nits-second-line")}),
        );
        let answer =
            serde_json::json!([{"type": "text", "text": format!("answer-{number} {}", "word ".repeat(60))}]);
        said(number * 2 + 1, "assistant", serde_json::json!({"role": "assistant", "content": answer}));
    }
    project.snap(&["save", "talk"]).exits(0);
    let mut terminal = Terminal::start(project.command(project.root(), &["view", "talk"]));
    terminal.sees("edited files");
    terminal.types("c");
    terminal.sees("write a parser");
    terminal.sees("Bash");
    terminal.types("n");
    terminal.sees("prompt-0");
    terminal.types("G");
    terminal.sees("answer-59");
    // What the agent said, by Enter in its list.
    terminal.types("\t\t\t\r");
    terminal.sees("look around");
    terminal.types("q");
    assert_eq!(terminal.ends().0, Some(0));
}

#[test]
fn an_action_of_the_view_leaves_it_and_is_the_command() {
    let project = Project::new();
    for name in ["first", "second"] {
        project.write("a.txt", format!("{name}\n"));
        project.snap(&["save", name]).exits(0);
    }
    for (keys, code, printed) in [
        ("p", 0, "is now pinned"),
        ("p", 0, "is no longer pinned"),
        ("d", 0, "+second"),
        ("xn\r", 3, "Nothing was removed"),
        ("wy", 0, "second"),
        ("ry", 0, "second"),
    ] {
        let mut command = project.command(project.root(), &["view", "--color", "never"]);
        let mut terminal = Terminal::start({
            command.env("PAGER", "cat");
            command
        });
        terminal.sees("a.txt");
        // The list of snapshots says whether one is pinned.
        terminal.sees("first");
        terminal.types(&keys[..1]);
        if keys.starts_with('x') {
            terminal.sees("Remove it?");
        } else if keys.len() > 1 {
            terminal.sees("y or n");
        }
        if keys.len() > 1 {
            terminal.types(&keys[1..]);
        }
        let (ended, shown) = terminal.ends();
        assert!(ended == Some(code) && shown.contains(printed), "{keys}: {ended:?} {shown}");
    }
}

#[test]
fn a_signal_gives_the_terminal_back() {
    let (_project, mut terminal) = viewer();
    terminal.sees("alpha 3");
    let pid = rustix::process::Pid::from_raw(i32::try_from(terminal.child.id()).must("a pid")).must("a pid");
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).must("a signal");
    let (code, shown) = terminal.ends();
    assert_eq!(code, Some(130), "{shown}");
    assert!(GIVEN_BACK.iter().all(|code| shown.contains(code)) && shown.contains("Interrupted"), "{shown:?}");
}

#[test]
fn a_snapshot_that_is_not_there_and_a_pipe_are_said_as_such() {
    let project = Project::new();
    project.snap(&["view"]).exits(2).says(&["needs a terminal", "snap diff"]);
    let (code, shown) = Terminal::start(project.command(project.root(), &["view", "nothing"])).ends();
    assert!(code == Some(3) && shown.contains("There is no snapshot"), "{code:?} {shown}");
    assert!(
        shown.rfind("\x1b[?1049l") < shown.find("error"),
        "the message is on the usual screen: {shown:?}"
    );
}

#[test]
fn whatever_a_snapshot_says_is_drawn_safe() {
    let project = evil_everywhere();
    let mut terminal = Terminal::start(project.command(project.root(), &["view", "evil"]));
    // The title, which is what the snapshot says of itself.
    terminal.sees("x1b");
    let first = String::from_utf8_lossy(&terminal.written).into_owned();
    terminal.types("q");
    let (code, rest) = terminal.ends();
    let shown = first + &rest;
    // It moves the cursor by escape sequences of its own.
    let raw = shown.chars().find(|c| !"\u{1b}\r\t".contains(*c) && is_raw(*c));
    assert!(code == Some(0) && raw.is_none() && !shown.contains("\u{1b}]"), "{code:?} {raw:?}: {shown:?}");
}

#[test]
fn a_fact_that_nobody_made_safe_is_drawn_safe_too() {
    let [old, new] = fixture("unsafe");
    let mut state = screen(160, 40, &old, &new);
    let evil = |mark: &str| fact(mark, EVIL, EVIL, Mood::Plain);
    state.list(vec![listed("1", EVIL, EVIL)]);
    let all = || vec![evil("M"), fact(EVIL, "x", "", Mood::Bad)];
    let facts = SnapshotFacts {
        id: "1".to_owned(),
        title: evil(""),
        talk: vec![EVIL.to_owned()],
        tasks: all(),
        agents: all(),
        files: all(),
    };
    state.open(facts);
    state.tell(EVIL.to_owned());
    let buffer = painted(&mut state, true);
    let shown = rows(&buffer).join("\n");
    assert!(shown.contains("\\x1b[2J") && shown.contains("\\u{9b}"), "{shown}");
    assert_eq!(shown.chars().find(|c| is_raw(*c)), None, "{shown:?}");
}

#[test]
fn the_help_can_be_read_on_a_narrow_screen() {
    for (width, height) in [(40, 24), (40, 12), (100, 10), (100, 40)] {
        let mut state = screen(width, height, b"a\n", b"b\n");
        press(&mut state, "?");
        let mut seen = String::new();
        for _ in 0..40 {
            let lines = rows(&painted(&mut state, false));
            let inside = lines.iter().map(|line| line.trim_matches(['│', ' ']));
            seen += &inside.collect::<Vec<_>>().join(" ");
            if (width, height) != (100, 40) {
                press(&mut state, "j");
            }
        }
        let seen = seen.split_whitespace().collect::<Vec<_>>().join(" ");
        for whole in ["people, diff", "agent or a session said", "remove it; ends the view", "quit"] {
            assert!(seen.contains(whole), "{width} by {height}: {whole:?} is not in {seen}");
        }
    }
}

#[test]
fn a_terminal_that_goes_away_ends_the_view_and_the_picker() {
    let (project, mut terminal) = viewer();
    terminal.sees("alpha 3");
    assert_eq!(terminal.goes_away(), Some(7));
    project.write("a.txt", "other\n");
    project.snap(&["save", "other"]).exits(0);
    let mut terminal = Terminal::start(project.command(project.root(), &["show"]));
    terminal.sees("other");
    assert_eq!(terminal.goes_away(), Some(7));
}

#[test]
fn a_pager_ends_with_its_terminal() {
    let (project, mut terminal) = viewer();
    terminal.sees("alpha 3");
    terminal.types("q");
    drop(terminal.ends());
    let mut command = project.command(project.root(), &["diff", "latest"]);
    // It shows what it got, and waits for a key that never comes.
    command.env("SNAP_PAGER", "cat; tail -f /dev/null");
    let mut terminal = Terminal::start(command);
    terminal.sees("beta 399");
    assert_eq!(terminal.goes_away(), Some(0));
}
