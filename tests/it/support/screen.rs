//! A terminal of its own for one program, in tmux.

use std::cell::RefCell;
use std::process::Command;

use super::project::ran;
use super::{Must, eventually, needs};

/// What the client shows, and somebody who types.
pub(crate) struct Screen {
    folder: tempfile::TempDir,
}

impl Screen {
    /// Runs a command on a terminal of its own, in its own environment.
    pub(crate) fn of(command: &Command) -> Screen {
        let screen = Screen { folder: tempfile::tempdir().must("a folder") };
        let mut tmux = screen.tmux(&["-f", "/dev/null", "new-session", "-d", "-x", "160", "-y", "60", "--"]);
        tmux.arg(command.get_program()).args(command.get_args()).env_clear().env("TERM", "xterm-256color");
        tmux.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        tmux.current_dir(command.get_current_dir().must("a folder"));
        // On a busy machine its server may give up before it has begun.
        let tmux = RefCell::new(tmux);
        eventually("a terminal", || ran(&mut tmux.borrow_mut()).code == 0);
        screen
    }

    fn tmux(&self, arguments: &[&str]) -> Command {
        let mut tmux = Command::new("tmux");
        tmux.arg("-S").arg(self.folder.path().join("socket")).args(arguments);
        tmux
    }

    pub(crate) fn shown(&self) -> String {
        ran(&mut self.tmux(&["capture-pane", "-p", "-S", "-200"])).stdout
    }

    /// Waits until it shows this.
    #[track_caller]
    pub(crate) fn shows(&self, words: &str) {
        eventually(words, || self.shown().contains(words));
    }

    pub(crate) fn press(&self, keys: &[&str]) {
        ran(self.tmux(&["send-keys"]).args(keys)).exits(0);
    }

    /// Presses keys until the program has ended, with all that it writes at its end.
    #[track_caller]
    pub(crate) fn leave(&self, keys: &[&str]) {
        eventually("the program has ended", || {
            ran(self.tmux(&["send-keys"]).args(keys));
            ran(&mut self.tmux(&["has-session"])).code != 0
        });
    }

    /// Types a line; what is typed has to be on the screen before it is entered.
    #[track_caller]
    pub(crate) fn enter(&self, line: &str) {
        self.press(&["-l", line]);
        self.shows(line);
        self.press(&["Enter"]);
    }
}

/// Says whether there is tmux; if not, the experiment is skipped.
#[track_caller]
pub(crate) fn available() -> bool {
    needs::program(&["tmux", "-V"], "the client on a terminal")
}

impl Drop for Screen {
    fn drop(&mut self) {
        ran(&mut self.tmux(&["kill-server"]));
    }
}
