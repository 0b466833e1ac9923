//! Which snapshot is meant where a line of work can be named too: by the name of a snapshot, or by that of a line, which means the
//! newest snapshot of it.

use crate::base::error::{Error, Kind, Result};
use crate::base::screen::Line;
use crate::store::{Entry, Reference, Store};

/// Finds a snapshot by any reference, or the newest one of the line of this name. A snapshot that is called just so comes first.
///
/// # Errors
/// As [`Store::find`].
pub(crate) fn find(store: &Store, typed: &str) -> Result<Entry> {
    let reference = Reference::parse(typed);
    // Most say a whole name: then no log has to be read.
    if let Ok(found) = store.find(&reference.clone().whole()) {
        return Ok(found);
    }
    let states = store.line_states();
    let Some(begin) = states.begin_of(typed) else { return store.find(&reference) };
    match store.summaries()?.newest_of_line(begin) {
        Some(newest) => store.find(&Reference::Named(newest.to_string())),
        None => store.find(&reference).map_err(|error| gone(error, typed)),
    }
}

fn gone(error: Error, typed: &str) -> Error {
    match error.kind() {
        Kind::NotFound => {
            error.because(format!("no snapshot of the line {:?} is here", Line(typed).to_string()))
        }
        _ => error,
    }
}
