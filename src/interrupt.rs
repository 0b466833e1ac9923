//! Ctrl-C and friends, while a restore is under way: noticed between two steps, never in one.
//!
//! Owns the `signal-hook` crate. Without it, an interrupted restore would leave files in its
//! staging folder and git's lock on the index; with it, everything is taken back first.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::SigId;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

use crate::error::{Error, Kind, Result};

/// Watches for signals that would end the program, as long as it lives.
pub struct Interrupt {
    seen: Arc<AtomicBool>,
    watching: Vec<SigId>,
}

impl Interrupt {
    /// Begins to watch.
    ///
    /// # Errors
    /// [`Kind::Environment`] if the system refuses.
    pub fn watch() -> Result<Interrupt> {
        let seen = Arc::new(AtomicBool::new(false));
        let mut watching = Vec::new();
        for signal in [SIGHUP, SIGINT, SIGTERM] {
            let id = signal_hook::flag::register(signal, Arc::clone(&seen))
                .map_err(|error| Error::new(Kind::Environment, "Cannot watch for signals").because(error))?;
            watching.push(id);
        }
        Ok(Interrupt { seen, watching })
    }

    /// Fails if a signal has come.
    ///
    /// # Errors
    /// [`Kind::Environment`], to be passed on so that everything is taken back.
    pub fn check(&self) -> Result<()> {
        match self.seen.load(Ordering::Relaxed) {
            true => Err(Error::new(Kind::Environment, "Interrupted").hint("nothing was changed")),
            false => Ok(()),
        }
    }
}

/// Calls `then`, on a thread of its own, at the first signal that would end the program.
///
/// # Errors
/// [`Kind::Environment`] if the system refuses.
pub fn on_end(then: impl FnOnce() + Send + 'static) -> Result<()> {
    let mut signals = signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGTERM, SIGQUIT])
        .map_err(|error| Error::new(Kind::Environment, "Cannot watch for signals").because(error))?;
    std::thread::spawn(move || {
        if signals.forever().next().is_some() {
            then();
        }
    });
    Ok(())
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        for id in self.watching.drain(..) {
            signal_hook::low_level::unregister(id);
        }
    }
}
