//! Does the work of an event once, though the client calls `snap` from two places: the settings, and the plugin.
//!
//! Whoever comes first holds a lock while it works, and leaves a mark. The others wait for it, see the mark and go. If the
//! first one dies, it leaves none, and the next does the work. If there can be no lock, everybody does it.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use super::Started;
use crate::base::digest::ObjectId;
use crate::base::error::Result;
use crate::sys::locks::append_alone;
use crate::sys::place::{OwnPath, Root};

/// The folder of the marks, in the user's own.
const MARKS: &str = "answered";

/// How long one waits for another: less than the client waits for it.
const PATIENCE: Duration = Duration::from_secs(40);

/// What the client says twice after a longer time are two events.
const SAME_EVENT: Duration = Duration::from_secs(10);

/// Older marks are of no use.
const OLD: Duration = Duration::from_secs(3_600);

/// Does the work, unless another process did it for the same event; `None` then.
pub(super) fn once<T>(started: &Started, event: &str, work: impl FnOnce() -> Result<T>) -> Result<Option<T>> {
    let Ok(context) = started.context() else { return work().map(Some) };
    let marks = Root::own(&context.state).at(MARKS);
    let key = ObjectId::of(&[event.as_bytes(), b"\n", &started.raw].concat()).to_string();
    let place = marks.join(Path::new(&key));
    let held = marks.make_folder().and_then(|_| append_alone(&place, PATIENCE));
    let Ok(mut held) = held else { return work().map(Some) };
    let age = |place: &OwnPath| place.stat().ok()??.modified.elapsed().ok();
    let is_done = held.metadata().is_ok_and(|mark| mark.len() > 0);
    if is_done && age(&place).is_some_and(|age| age < SAME_EVENT) {
        return Ok(None);
    }
    let done = work()?;
    let _best_effort = writeln!(held, "{event}");
    for name in marks.names().unwrap_or_default() {
        let mark = marks.join(Path::new(&name));
        if age(&mark).is_some_and(|age| age > OLD) {
            let _best_effort = mark.remove();
        }
    }
    Ok(Some(done))
}
