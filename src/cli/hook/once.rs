//! Does the work of an event once, though the client calls `snap` from two places: the settings, and the plugin.
//!
//! Whoever comes first holds a lock while it works, and leaves a mark. The others wait for it, and go if it was for the same
//! event: if the client gave the event an id and the mark is new, or if the mark was made while they waited. If the first one dies,
//! there is no mark, and the next does the work. A checkpoint is not made again anyway if nothing has changed.

use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::Started;
use crate::base::digest::ObjectId;
use crate::base::error::Result;
use crate::base::timestamp::Timestamp;
use crate::sys::locks::append_alone;
use crate::sys::place::{OwnPath, Root};

/// The folder of the marks, in the user's own.
const MARKS: &str = "answered";

/// How long one waits for another: less than the client waits for it.
const PATIENCE: Duration = Duration::from_secs(40);

/// How long before this process began another one may have been done with the same event: the client starts them together.
const TOGETHER: Duration = Duration::from_secs(10);

/// Older marks are of no use.
const OLD: Duration = Duration::from_secs(3_600);

/// What tells that another process was called for the same event.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum SameEvent {
    /// What the client says has an id, and the other one worked just now: not every server gives each call an id of its own.
    ById,
    /// The other one worked while this one waited.
    IfWaited,
    /// Nothing: the work is done each time.
    Never,
}

/// Does the work while no other process does such work for the same session: the end of a turn and of its session come
/// together, and the second of them may have nothing left to save.
pub(super) fn in_turn<T>(started: &Started, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let session = started.input.session_id.as_deref().unwrap_or_default();
    let key = ObjectId::of(format!("checkpoints of {session}").as_bytes()).to_string();
    // Without a lock, both do it: nothing is lost by that.
    let _held = started.context().ok().and_then(|context| {
        let marks = Root::own(&context.state).at(MARKS);
        marks.make_folder().and_then(|_| append_alone(&marks.join(Path::new(&key)), PATIENCE)).ok()
    });
    work()
}

/// Does the work, unless another process did it for the same event; `None` then.
pub(super) fn once<T>(
    started: &Started,
    event: &str,
    same: SameEvent,
    work: impl FnOnce() -> Result<T>,
) -> Result<Option<T>> {
    // Without a lock, everybody does it: nothing is lost by that.
    let Ok(context) = started.context() else { return work().map(Some) };
    let marks = Root::own(&context.state).at(MARKS);
    let key = ObjectId::of(&[event.as_bytes(), b"\n", &started.raw].concat()).to_string();
    let held = marks.make_folder().and_then(|_| append_alone(&marks.join(Path::new(&key)), PATIENCE));
    let Ok(mut held) = held else { return work().map(Some) };
    let marked = held.metadata().ok().filter(|mark| mark.len() > 0).and_then(|mark| mark.modified().ok());
    let is_done = |marked: SystemTime| match same {
        SameEvent::ById => Timestamp::from(marked).after(TOGETHER) >= context.now,
        SameEvent::IfWaited => Timestamp::from(marked) >= context.now,
        SameEvent::Never => false,
    };
    if marked.is_some_and(is_done) {
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
