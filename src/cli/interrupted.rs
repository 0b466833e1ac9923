//! Ctrl-C: one exit code, and one sentence that says whether anything was changed.
//!
//! Each command says how far it is; whoever is interrupted hears that. What takes care of Ctrl-C itself is left alone: a pager, the
//! view, and a restore, which is rolled back first (`sys/signals.rs`).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::output::{ColorChoice, Ui, progress_bar};
use crate::base::error::{Error, Kind, Result};
use crate::sys::signals::{self, RestoreStage};

/// What is said where nothing is written.
pub(crate) const NOTHING: &str = "nothing was changed";

/// What is said of what can be cut off in the middle, and goes on from there.
pub(crate) const IN_PART: &str = "it may be done in part, and the same command does the rest";

/// What is said if a restore is ended in the middle of a step.
const CUT_OFF: &str =
    "it was begun; the next `snap save`, `rewind` or `verify` here rolls it back or finishes it";

/// How far the command is.
type Said = Box<dyn Fn() -> Option<String> + Send>;

static SAID: Mutex<Option<Said>> = Mutex::new(None);

/// Whether a restore is under way, which says itself if not all is as before.
static RESTORES: AtomicBool = AtomicBool::new(false);

/// Watches for Ctrl-C from now on.
pub(super) fn watch(color: ColorChoice) {
    signals::at_interrupt(Kind::Interrupted.exit_code().into(), move || {
        let Some(error) = error() else { return };
        let mut ui = Ui::new(color, false, false);
        if ui.talks() {
            progress_bar::erase();
        }
        ui.error_on_own_line(&error);
    });
}

/// Notes what is said from now on, if it is interrupted.
pub(crate) fn says(words: impl Into<String>) {
    let words = words.into();
    asks(move || Some(words.clone()));
}

/// Notes what finds out then what is to be said; `None`: nothing.
pub(crate) fn asks(words: impl Fn() -> Option<String> + Send + 'static) {
    swap(Some(Box::new(words)));
}

fn swap(said: Option<Said>) -> Option<Said> {
    std::mem::replace(&mut *SAID.lock().unwrap_or_else(PoisonError::into_inner), said)
}

/// Restores something, and notes what is said once it is done; `left` is said too, if it is cut off.
///
/// # Errors
/// Those of the restore; [`Kind::Interrupted`] if Ctrl-C came just before it.
pub(crate) fn restoring<T>(work: impl FnOnce() -> Result<T>, left: Option<&str>, done: &str) -> Result<T> {
    let (left, at_end) = (left.map(str::to_owned), done.to_owned());
    let before =
        swap(Some(Box::new(move || Some(in_restore(signals::restore_stage(), left.as_deref(), &at_end)))));
    // Whoever tells it may have taken away by now what is restored in.
    if signals::was_interrupted() {
        swap(before);
        return Err(error().unwrap_or_else(|| Error::new(Kind::Interrupted, "Interrupted")));
    }
    RESTORES.store(true, Ordering::SeqCst);
    let result = work()?;
    says(done);
    RESTORES.store(false, Ordering::SeqCst);
    Ok(result)
}

/// What is told of an interrupt of a restore.
fn in_restore(stage: RestoreStage, left: Option<&str>, done: &str) -> String {
    let stage = match stage {
        RestoreStage::Before => NOTHING,
        RestoreStage::UnderWay => CUT_OFF,
        RestoreStage::Decided => done,
    };
    [stage].into_iter().chain(left).collect::<Vec<_>>().join("; ")
}

/// Returns what is told of an interrupt; `None`: nothing.
pub(super) fn error() -> Option<Error> {
    let said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    let words = said.as_ref().map_or(Some(NOTHING.to_owned()), |said| said());
    words.map(|words| Error::new(Kind::Interrupted, "Interrupted").because(words))
}

/// Returns what a failure is told as: what was ended by the same Ctrl-C is no failure of its own.
pub(super) fn instead_of(failure: Error) -> Option<Error> {
    let told = told_as(failure);
    // The thread that watches for Ctrl-C may wake only now.
    if told.as_ref().is_none_or(|error| error.kind() == Kind::Interrupted) {
        signals::tell_alone();
    }
    told
}

fn told_as(failure: Error) -> Option<Error> {
    if failure.kind() == Kind::Interrupted || !signals::was_interrupted() {
        return Some(failure);
    }
    match (RESTORES.load(Ordering::SeqCst), failure.to_string().contains(NOTHING)) {
        (true, true) => Some(Error::new(Kind::Interrupted, "Interrupted").because(NOTHING)),
        (true, false) => Some(failure),
        (false, _) => error(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stage_of_a_restore_is_told_as_what_it_is_and_what_is_left_comes_with_it() {
        let left = Some("the work tree x stays");
        for (stage, left, wanted) in [
            (RestoreStage::Before, None, "nothing was changed"),
            (RestoreStage::Before, left, "nothing was changed; the work tree x stays"),
            (
                RestoreStage::UnderWay,
                None,
                "it was begun; the next `snap save`, `rewind` or `verify` here rolls it back or finishes it",
            ),
            (RestoreStage::Decided, None, "the undo is done"),
            (RestoreStage::Decided, left, "the undo is done; the work tree x stays"),
        ] {
            assert_eq!(in_restore(stage, left, "the undo is done"), wanted);
        }
    }
}
