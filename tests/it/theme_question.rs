//! The question to a terminal for its background: what it may answer, and when it is not asked.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use crate::support::project::Project;
use crate::support::{Must, needs};

const DARK: &str = "\x1b]11;rgb:1010/1010/1010\x07";
const LIGHT: &str = "\x1b]11;rgb:f0f0/f0f0/f0f0\x07";

/// Shows a diff on a terminal that has something typed already, and that answers the question for its background so.
fn on_a_terminal(typed: &str, answer: &str) -> String {
    use rustix::pty;
    let project = Project::new();
    project.write("old", "a\n");
    project.write("new", "b\n");
    let ours = pty::openpt(pty::OpenptFlags::RDWR | pty::OpenptFlags::NOCTTY).must("a terminal");
    pty::grantpt(&ours).must("a terminal");
    pty::unlockpt(&ours).must("a terminal");
    let name = pty::ptsname(&ours, Vec::new()).must("its name").into_string().must("UTF-8");
    let theirs = || -> Stdio { File::options().read(true).write(true).open(&name).must("its end").into() };
    let mut ours = File::from(ours);
    let slave = theirs();
    ours.write_all(typed.as_bytes()).must("typed");
    // It is the terminal of the program's own session.
    let mut command = Command::new("setsid");
    command.args(["--ctty", "--wait", env!("CARGO_BIN_EXE_snap")]);
    command.args(["diff", "--files", "old", "new", "--no-pager"]).current_dir(project.root()).env_clear();
    let of_snap = project.command(project.root(), &[]);
    command.envs(of_snap.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("TERM", "xterm-256color").env_remove("NO_COLOR");
    let mut child = command.stdin(slave).stdout(theirs()).stderr(theirs()).spawn().must("snap");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let (mut said, mut answered) = (Vec::new(), false);
    let mut block = [0; 4096];
    // Ends with an error when the other end is closed.
    while let Ok(read @ 1..) = ours.read(&mut block) {
        said.extend_from_slice(&block[..read]);
        if !answered && String::from_utf8_lossy(&said).contains("\x1b[c") {
            // Behind the answer comes what every terminal says of itself.
            ours.write_all(format!("{answer}\x1b[?62;22c").as_bytes()).must("answered");
            answered = true;
        }
    }
    assert!(child.wait().must("an end").success());
    String::from_utf8_lossy(&said).into_owned()
}

/// The background of added lines on a dark screen, and on a light one.
const BACKGROUNDS: [&str; 2] = ["\x1b[48;5;22m", "\x1b[48;5;194m"];

#[test]
fn a_terminal_that_says_nothing_but_its_background_is_believed() {
    if !needs::program(&["setsid", "--version"], "the question to the terminal") {
        return;
    }
    for (answer, shown) in [(DARK, [true, false]), (LIGHT, [false, true]), ("", [false, false])] {
        let said = on_a_terminal("", answer);
        assert!(said.contains("]11;?") && !said.contains("]10;?"), "{said:?}");
        assert_eq!(BACKGROUNDS.map(|background| said.contains(background)), shown, "{answer:?}: {said:?}");
    }
}

#[test]
fn what_was_typed_ahead_is_not_read_with_the_answer() {
    if !needs::program(&["setsid", "--version"], "the question to the terminal") {
        return;
    }
    let said = on_a_terminal("ls -la\n", DARK);
    assert!(!said.contains("]11;?") && said.contains("+b"), "{said:?}");
}
