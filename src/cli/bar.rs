//! The progress bar of a long transfer: on a terminal, after half a second, gone at its end.

use std::io::{self, IsTerminal as _, Read, Write};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use crate::base::progress::Progress;

/// What takes less is over before anybody would want to know.
const PATIENCE: Duration = Duration::from_millis(500);

const PAUSE: Duration = Duration::from_millis(100);

const WIDTH: u64 = 30;

/// Back to the first column, and nothing more on the line.
const ERASE: &str = "\r\x1b[K";

/// Does something, showing meanwhile how far it is, if `wanted` and anybody can see it.
pub(super) fn show<T>(wanted: bool, verb: &str, progress: &Progress, work: impl FnOnce() -> T) -> T {
    if !wanted || !io::stderr().is_terminal() {
        return work();
    }
    std::thread::scope(|scope| {
        let (done, over) = channel::<()>();
        scope.spawn(move || {
            let mut drawn = false;
            let mut pause = PATIENCE;
            while over.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                pause = PAUSE;
                let line = progress.percent().map(|percent| line(verb, percent));
                if drawn || line.is_some() {
                    write(&format!("{ERASE}{}", line.as_deref().unwrap_or_default()));
                }
                drawn = line.is_some();
            }
            if drawn {
                write(ERASE);
            }
        });
        let result = work();
        drop(done);
        result
    })
}

/// Makes room for a line that is to be read.
pub(super) fn erase() {
    write(ERASE);
}

fn line(verb: &str, percent: u64) -> String {
    let full = usize::try_from(percent * WIDTH / 100).unwrap_or(0);
    let rest = usize::try_from(WIDTH).unwrap_or(0) - full;
    format!("{verb} [{}{}] {percent:3} %", "#".repeat(full), "-".repeat(rest))
}

fn write(text: &str) {
    // Whoever can't see it misses nothing else.
    let _unseen = io::stderr().write_all(text.as_bytes());
}

/// A reader or writer that counts what goes through.
pub(super) struct Counted<'a, T>(pub(super) T, pub(super) &'a Progress);

impl<T: Read> Read for Counted<'_, T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read(buffer)?;
        self.1.add(read as u64);
        Ok(read)
    }
}

impl<T: Write> Write for Counted<'_, T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.0.write(bytes)?;
        self.1.add(written as u64);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn a_bar_fills_up() {
        assert_eq!(line("Sending", 0), format!("Sending [{}]   0 %", "-".repeat(30)));
        assert_eq!(line("Sending", 50), format!("Sending [{}{}]  50 %", "#".repeat(15), "-".repeat(15)));
    }
}
