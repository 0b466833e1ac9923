//! The terminal during the view: taken over, written to, and given back whatever happens.
//!
//! It is given back when the view ends, when it fails, and before the message of a panic is printed, in
//! whichever thread. The terminal is never asked for its colours: the answer could take a while.

use std::io::{self, BufWriter, Stdout, Write as _};
use std::mem::ManuallyDrop;
use std::os::fd::AsFd as _;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::event::{self, DisableMouseCapture, EnableMouseCapture, Event};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};

use crate::sys::hangup;

static TAKEN: AtomicBool = AtomicBool::new(false);

/// How much is written to the terminal at once: a whole screen.
const FRAME: usize = 256 << 10;

/// The terminal, until it is dropped.
pub(super) struct Screen {
    /// Not dropped: it would show the cursor once more, and panic if the terminal is gone.
    terminal: ManuallyDrop<Terminal<CrosstermBackend<BufWriter<Stdout>>>>,
}

impl Screen {
    /// Takes the terminal.
    pub(super) fn take() -> io::Result<Screen> {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let usual = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                give_back();
                usual(panic);
            }));
        });
        TAKEN.store(true, Ordering::SeqCst);
        let taken = enable_raw_mode()
            .and_then(|()| execute!(io::stdout(), EnterAlternateScreen, EnableMouseCapture, Hide))
            .and_then(|()| {
                Terminal::new(CrosstermBackend::new(BufWriter::with_capacity(FRAME, io::stdout())))
            });
        match taken {
            Ok(terminal) => Ok(Screen { terminal: ManuallyDrop::new(terminal) }),
            Err(error) => {
                give_back();
                Err(error)
            }
        }
    }

    /// Returns its width and height.
    pub(super) fn size(&self) -> io::Result<(u16, u16)> {
        self.terminal.size().map(|size| (size.width, size.height))
    }

    /// Draws a frame; only what changed is written.
    pub(super) fn draw(&mut self, paint: impl FnOnce(&mut Buffer) -> io::Result<()>) -> io::Result<()> {
        let mut painted = Ok(());
        self.terminal.draw(|frame| painted = paint(frame.buffer_mut()))?;
        painted
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Gives the terminal back, once.
fn give_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let mut out = io::stdout();
        // Nothing can be done about a terminal that is gone.
        let _gone = execute!(out, Show, DisableMouseCapture, LeaveAlternateScreen);
        let _gone = disable_raw_mode();
        let _gone = out.flush();
    }
}

/// Calls `then` as soon as the terminal is gone: whoever waits for a key would wait for ever.
///
/// # Errors
/// Whatever the system says of the terminal.
pub(super) fn on_hangup(then: impl FnOnce(io::Error) + Send + 'static) -> io::Result<()> {
    let terminal = io::stdin().as_fd().try_clone_to_owned()?;
    hangup::on_hangup(terminal, || then(io::Error::other("it is gone")));
    Ok(())
}

/// Waits for the next thing that the person does.
pub(super) fn next_event() -> io::Result<Event> {
    event::read()
}
