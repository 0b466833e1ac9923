//! Lines of the store's log: who did what to which snapshot, and with what result.
//!
//! A line begins with what is known of every operation. The operation adds the rest. If the log can't be
//! written, the operation continues all the same.

use crate::base::error::{Error, Kind, Result};
use crate::base::screen::cut;
use crate::context::Context;
use crate::manifest::Manifest;
use crate::store::{LogEntry, LogOutcome, Operation, Store};

/// The longest reason that is kept, in characters.
const LONGEST_REASON: usize = 300;

/// Begins a log line for something that was done; `None` if there is no snapshot for it.
pub fn line(context: &Context, operation: Operation, manifest: Option<&Manifest>) -> LogEntry {
    LogEntry {
        snapshot: manifest.map(|manifest| manifest.id.clone()),
        name: manifest.map(|manifest| manifest.name.clone()).unwrap_or_default(),
        ..LogEntry::begun(operation, context.now, (&context.user, &context.host))
    }
}

/// Turns a line into one for a failure and writes it, if the operation did fail.
///
/// # Errors
/// The error itself.
pub fn unless_failed<T>(store: &Store, begun: &LogEntry, result: Result<T>) -> Result<T> {
    result.inspect_err(|error| {
        // What was mistyped is no event.
        if !matches!(error.kind(), Kind::Usage | Kind::NotFound | Kind::Ambiguous | Kind::ClosedPipe) {
            write(store, &failed(begun.clone(), error));
        }
    })
}

/// Turns a line into one for a failure. It names no root: `undo` must not find it.
pub fn failed(begun: LogEntry, error: &Error) -> LogEntry {
    let reason = Some(cut(&error.to_string(), LONGEST_REASON));
    LogEntry { outcome: LogOutcome::Failed, reason, root: None, ..begun }
}

/// Turns a line into one for something that was not needed.
pub fn skipped(begun: LogEntry) -> LogEntry {
    LogEntry { outcome: LogOutcome::Skipped, ..begun }
}

/// Writes a line.
pub fn write(store: &Store, entry: &LogEntry) {
    let _best_effort = try_write(store, entry);
}

/// Writes a line that somebody goes by later: who has to know if it is missing is told. What is nowhere else must go through this.
///
/// # Errors
/// As [`Store::log`]; the operation continues all the same.
pub fn try_write(store: &Store, entry: &LogEntry) -> Result<()> {
    store.log(entry)
}
