//! A program on a terminal of its own, and what is on its screen.

use std::fs;
use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::os::fd::{AsFd as _, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::Must;

const ROWS: NonZeroU16 = NonZeroU16::new(24).unwrap();
const COLUMNS: NonZeroU16 = NonZeroU16::new(100).unwrap();

/// How long a program may take to show something, on a machine that does much else.
const PATIENCE: Duration = Duration::from_mins(2);

/// A program on a terminal of its own.
pub(crate) struct Terminal {
    pub(crate) child: Child,
    controller: fs::File,
    screen: vt100::Parser,
    /// What was written since the last key.
    pub(crate) written: Vec<u8>,
}

impl Terminal {
    pub(crate) fn start(mut command: Command) -> Terminal {
        let controller =
            openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).must("a pseudo-terminal");
        grantpt(&controller).must("the terminal's rights");
        unlockpt(&controller).must("the terminal's lock");
        tcsetwinsize(
            &controller,
            Winsize { ws_row: ROWS.get(), ws_col: COLUMNS.get(), ws_xpixel: 0, ws_ypixel: 0 },
        )
        .must("a size");
        let name = ptsname(&controller, Vec::new()).must("the terminal's name");
        let open = || -> OwnedFd {
            let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY;
            rustix::fs::open(&name, flags, rustix::fs::Mode::empty()).must("the terminal")
        };
        let (input, output) = (open(), open());
        command.env("TERM", "xterm-256color").stdin(input).stdout(Stdio::from(output)).stderr(open());
        let child = command.spawn().must("snap");
        // A copy of the terminal that stays here would keep it open for ever.
        drop(command);
        Terminal {
            child,
            controller: controller.as_fd().try_clone_to_owned().must("a copy").into(),
            screen: vt100::Parser::new(ROWS, COLUMNS, 0),
            written: Vec::new(),
        }
    }

    /// Waits until this stands on the screen. A program writes only the cells that change, so what was written says little.
    pub(crate) fn sees(&mut self, text: &str) {
        let last = Instant::now() + PATIENCE;
        while !self.screen.screen().contents().contains(text) {
            let goes_on = self.reads(last);
            assert!(goes_on, "{text:?} is not on the screen:\n{}", self.screen.screen().contents());
        }
    }

    /// Says whether this stands on the screen now.
    pub(crate) fn shows(&self, text: &str) -> bool {
        self.screen.screen().contents().contains(text)
    }

    pub(crate) fn types(&mut self, keys: &str) {
        self.written.clear();
        self.controller.write_all(keys.as_bytes()).must("typed");
    }

    /// Waits for the end; returns the exit code and what was written since the last key.
    pub(crate) fn ends(mut self) -> (Option<i32>, String) {
        let last = Instant::now() + PATIENCE;
        while self.reads(last) {}
        assert!(Instant::now() < last, "it does not end:\n{}", self.screen.screen().contents());
        let code = self.child.wait().must("its end").code();
        (code, String::from_utf8_lossy(&self.written).into_owned())
    }

    /// Closes the terminal without any signal; returns the exit code of the program.
    pub(crate) fn goes_away(mut self) -> Option<i32> {
        drop(self.controller);
        self.child.wait().must("its end").code()
    }

    /// Takes what is written next; says whether there was something, before this moment.
    fn reads(&mut self, last: Instant) -> bool {
        let left = Timespec::try_from(last.saturating_duration_since(Instant::now())).must("a time");
        let mut wanted = [PollFd::new(&self.controller, PollFlags::IN)];
        if poll(&mut wanted, Some(&left)).must("a look at the terminal") == 0 {
            return false;
        }
        let mut buffer = [0; 64 << 10];
        // A terminal whose other side is closed ends in EIO on Linux.
        let read = self.controller.read(&mut buffer).unwrap_or(0);
        self.written.extend_from_slice(&buffer[..read]);
        self.screen.process(&buffer[..read]);
        read > 0
    }
}
