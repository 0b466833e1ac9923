//! Ctrl-C and other signals. During a restore they are noticed between two steps, never in one. At any other
//! time they end the program at once. So they do if a step does not end.
//!
//! Owns the `signal-hook` crate. Without it, an interrupted restore would leave files in its staging folder
//! and git's lock on the index. With it, everything is rolled back first. A step that waits for something
//! that never comes must not hold the program for ever. So a second signal, or some seconds, end the
//! program, and the next command rolls the restore back.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;

use crate::base::error::{Error, Kind, Result};

/// How long a step may take until it ends: less than a program usually gets before it is killed.
const GRACE: Duration = Duration::from_secs(8);

/// How often it is looked whether another signal came.
const PAUSE: Duration = Duration::from_millis(20);

/// What the watching thread and the program tell each other.
#[derive(Clone, Default)]
struct Shared {
    /// A restore is under way.
    guarded: Arc<AtomicBool>,
    /// A signal came while it was.
    seen: Arc<AtomicBool>,
}

/// The one watch of this process: a handler that was put in can't be taken out again.
static WATCH: OnceLock<Shared> = OnceLock::new();

/// What is said at Ctrl-C before the program ends, and the exit code that it ends with.
struct LastWords {
    code: i32,
    say: Box<dyn Fn() + Send + Sync>,
    /// Whether Ctrl-C came.
    came: Arc<AtomicBool>,
}

static LAST_WORDS: OnceLock<LastWords> = OnceLock::new();

/// How many pagers and others take care of Ctrl-C themselves.
static PAGERS: AtomicUsize = AtomicUsize::new(0);
static OTHERS: AtomicUsize = AtomicUsize::new(0);

/// Has Ctrl-C call `say` and end the program with this code, unless somebody else takes care of it just then. It is to be called
/// once, at the beginning. Where Ctrl-C is not for this program, as for one in the background of a script, nothing is changed.
pub fn at_interrupt(code: i32, say: impl Fn() + Send + Sync + 'static) {
    if super::process::ignores_interrupts() {
        return;
    }
    let came = Arc::new(AtomicBool::new(false));
    let Ok(mut signals) = Signals::new([SIGINT]) else { return };
    // By the handler itself: a program that was ended by the same Ctrl-C must not be told as a failure.
    if signal_hook::flag::register(SIGINT, Arc::clone(&came)).is_err() {
        return;
    }
    let _set_once = LAST_WORDS.set(LastWords { code, say: Box::new(say), came });
    std::thread::spawn(move || {
        for signal in signals.forever() {
            if PAGERS.load(Ordering::SeqCst) == 0 && OTHERS.load(Ordering::SeqCst) == 0 {
                finish(signal);
            }
        }
    });
}

/// Has a write beyond the limit on the size of files (`ulimit -f`) fail like one on a full disk. Otherwise that signal would end the
/// program in the middle of its work.
pub fn outlive_file_limit() {
    // Nobody looks at the flag: with a handler, the write fails instead.
    let _as_before = signal_hook::flag::register(SIGXFSZ, Arc::default());
}

/// Says whether Ctrl-C came, other than to a pager.
pub fn was_interrupted() -> bool {
    LAST_WORDS.get().is_some_and(|last| last.came.load(Ordering::SeqCst))
}

/// Held by whoever tells how the program ends. Nobody lets go of it.
static TELLS: Mutex<()> = Mutex::new(());

/// Has nobody else say the last words: the caller says them and ends the program. If they are being said, this does not return.
pub fn tell_alone() {
    std::mem::forget(TELLS.lock().unwrap_or_else(PoisonError::into_inner));
}

/// Ends the program as this signal does: Ctrl-C with the last words.
fn finish(signal: i32) {
    tell_alone();
    if let Some(last) = LAST_WORDS.get().filter(|_| signal == SIGINT) {
        (last.say)();
        signal_hook::low_level::exit(last.code);
    }
    let _does_not_return = signal_hook::low_level::emulate_default_handler(signal);
}

/// Leaves Ctrl-C to a pager as long as the pager lives. There it stops a search or a wait, and the diff
/// stays on the screen.
pub struct LeftToPager(());

impl LeftToPager {
    /// Begins to leave it; `None` if nobody watches for Ctrl-C.
    pub fn begin() -> Option<LeftToPager> {
        LAST_WORDS.get()?;
        PAGERS.fetch_add(1, Ordering::SeqCst);
        Some(LeftToPager(()))
    }
}

impl Drop for LeftToPager {
    fn drop(&mut self) {
        if let Some(last) = LAST_WORDS.get() {
            last.came.store(false, Ordering::SeqCst);
        }
        PAGERS.fetch_sub(1, Ordering::SeqCst);
    }
}

/// How far the restore of this process is.
static RESTORE: AtomicUsize = AtomicUsize::new(0);

/// How far a restore is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestoreStage {
    /// Nothing of the user's was touched yet, or all is as before.
    Before,
    /// Under way: what ends it now leaves it to the next command to roll it back.
    UnderWay,
    /// Decided: nobody takes it back but by an undo.
    Decided,
}

/// Says how far the restore of this process is.
pub fn restore_stage() -> RestoreStage {
    match RESTORE.load(Ordering::SeqCst) {
        0 => RestoreStage::Before,
        1 => RestoreStage::UnderWay,
        _ => RestoreStage::Decided,
    }
}

/// Keeps signals that would end the program from doing so at once, as long as it lives.
pub struct Interrupt(Shared);

impl Interrupt {
    /// Begins to watch.
    ///
    /// # Errors
    /// [`Kind::Environment`] if the system refuses.
    pub fn watch() -> Result<Interrupt> {
        let shared = match WATCH.get() {
            Some(shared) => shared.clone(),
            None => {
                let shared = Shared::default();
                // By the handler itself: nothing comes between the signal and the next step.
                for signal in [SIGHUP, SIGINT, SIGTERM] {
                    signal_hook::flag::register(signal, Arc::clone(&shared.seen)).map_err(refused)?;
                }
                let guarded = Arc::clone(&shared.guarded);
                let signals = Signals::new([SIGHUP, SIGINT, SIGTERM]).map_err(refused)?;
                std::thread::spawn(move || end(signals, || guarded.load(Ordering::SeqCst), || ()));
                WATCH.get_or_init(|| shared).clone()
            }
        };
        OTHERS.fetch_add(1, Ordering::SeqCst);
        shared.seen.store(false, Ordering::SeqCst);
        shared.guarded.store(true, Ordering::SeqCst);
        RESTORE.store(1, Ordering::SeqCst);
        Ok(Interrupt(shared))
    }

    /// Notes that what was under way is decided: it is there, whatever comes now.
    pub fn decided(&self) {
        RESTORE.store(2, Ordering::SeqCst);
    }

    /// Fails if a signal has come.
    ///
    /// # Errors
    /// [`Kind::Interrupted`], to be passed on so that everything is rolled back.
    pub fn check(&self) -> Result<()> {
        if self.0.seen.load(Ordering::SeqCst) {
            Err(Error::new(Kind::Interrupted, "Interrupted").because("nothing was changed"))
        } else {
            Ok(())
        }
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        self.0.guarded.store(false, Ordering::SeqCst);
        let _decided = RESTORE.compare_exchange(1, 0, Ordering::SeqCst, Ordering::SeqCst);
        OTHERS.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Does something before a signal ends the program, as long as it lives. After that, a signal ends it at once.
#[must_use]
pub struct EndWatch(Arc<AtomicBool>);

impl Drop for EndWatch {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
        OTHERS.fetch_sub(1, Ordering::SeqCst);
    }
}

/// At the first signal that would end the program, calls `then` on a thread of its own, which says whether the program ends
/// by itself now. If it does not, or not in time, or if another signal comes, calls `last` and ends it.
///
/// # Errors
/// [`Kind::Environment`] if the system refuses.
pub fn on_end(
    then: impl FnOnce() -> bool + Send + 'static,
    last: impl FnOnce() + Send + 'static,
) -> Result<EndWatch> {
    let signals = Signals::new([SIGHUP, SIGINT, SIGTERM, SIGQUIT]).map_err(refused)?;
    let watches = Arc::new(AtomicBool::new(true));
    let watch = EndWatch(Arc::clone(&watches));
    OTHERS.fetch_add(1, Ordering::SeqCst);
    let holds = move || watches.load(Ordering::SeqCst);
    std::thread::spawn(move || {
        let still = holds.clone();
        end(
            signals,
            || holds() && then(),
            || {
                if still() {
                    last()
                }
            },
        );
    });
    Ok(watch)
}

/// Waits for a signal and then ends the program: at once, or later if the program is `asked` to end by
/// itself and does not do so in time.
fn end(mut signals: Signals, asked: impl FnOnce() -> bool, last: impl FnOnce()) {
    let is_for_pager = |signal: &i32| *signal == SIGINT && PAGERS.load(Ordering::SeqCst) > 0;
    let Some(signal) = signals.forever().find(|signal| !is_for_pager(signal)) else { return };
    let deadline = Instant::now() + GRACE;
    if asked() {
        while Instant::now() < deadline && signals.pending().next().is_none() {
            std::thread::sleep(PAUSE);
        }
    }
    last();
    finish(signal);
}

fn refused(error: std::io::Error) -> Error {
    Error::new(Kind::Environment, "Cannot watch for signals").because(error)
}
