//! Does the work of an event once, though the client calls `snap` from two places: the settings, and the plugin.
//!
//! Whoever comes first holds a lock while it works, and the others wait for it. If the client gives the event an id of its
//! own, the first leaves a mark, and the others see it and go. If it does not, they do the work too, one after the other: a
//! checkpoint is not made again if nothing has changed. If the first one dies, the next does the work.

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

/// Older marks are of no use.
const OLD: Duration = Duration::from_secs(3_600);

/// Does the work, unless another process did it for the same event; `None` then. `has_id` says whether the client gave the
/// event an id that no other one has.
pub(super) fn once<T>(
    started: &Started,
    event: &str,
    has_id: bool,
    work: impl FnOnce() -> Result<T>,
) -> Result<Option<T>> {
    // Without a lock, everybody does it: nothing is lost by that.
    let Ok(context) = started.context() else { return work().map(Some) };
    let marks = Root::own(&context.state).at(MARKS);
    let key = ObjectId::of(&[event.as_bytes(), b"\n", &started.raw].concat()).to_string();
    let held = marks.make_folder().and_then(|_| append_alone(&marks.join(Path::new(&key)), PATIENCE));
    let Ok(mut held) = held else { return work().map(Some) };
    if has_id && held.metadata().is_ok_and(|mark| mark.len() > 0) {
        return Ok(None);
    }
    let done = work()?;
    let _best_effort = writeln!(held, "{event}");
    let age = |place: &OwnPath| place.stat().ok()??.modified.elapsed().ok();
    for name in marks.names().unwrap_or_default() {
        let mark = marks.join(Path::new(&name));
        if age(&mark).is_some_and(|age| age > OLD) {
            let _best_effort = mark.remove();
        }
    }
    Ok(Some(done))
}
