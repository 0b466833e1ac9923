//! Whether a terminal is gone: its window was closed, or the connection to it was cut. Not every program is told so by a signal.

use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

/// Calls `then` on a thread of its own as soon as the terminal is gone. The thread waits for that until the process ends.
pub fn on_hangup(terminal: OwnedFd, then: impl FnOnce() + Send + 'static) {
    std::thread::spawn(move || {
        if waits_for_end(&terminal) {
            then();
        }
    });
}

/// Waits until the terminal is gone; `false` if it can't be asked.
fn waits_for_end(terminal: &OwnedFd) -> bool {
    loop {
        // Nothing is wanted of it: that it is gone is told all the same.
        let mut wanted = [PollFd::new(terminal, PollFlags::empty())];
        match poll(&mut wanted, None) {
            Ok(_) => return wanted[0].revents().intersects(PollFlags::HUP | PollFlags::ERR),
            Err(Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}
