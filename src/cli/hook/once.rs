//! Does the work of an event once, though the client calls `snap` from two places: the settings, and the plugin.
//!
//! Whoever comes first holds a lock while it works, and leaves a mark. The others wait for it, and go if it was for the same
//! event: if the client gave the event an id and the mark is new, or if the mark was made while they waited. If the first one dies,
//! there is no mark, and the next does the work.
//!
//! A checkpoint before a step is never passed over for a mark: not every server gives each call an id of its own. The second
//! of two finds that nothing has changed and writes nothing. Only what it says is said once.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use super::Started;
use super::marks::take_away_old;
use crate::base::digest::ObjectId;
use crate::base::error::Result;
use crate::base::timestamp::Timestamp;
use crate::context::Context;
use crate::sys::locks::open_exclusively;
use crate::sys::place::{OwnPath, Root};

/// The folder of the marks, in the user's own.
const MARKS: &str = "answered";

/// How long one waits for another: less than the client waits for it.
const PATIENCE: Duration = Duration::from_secs(40);

/// How long before this process began another one may have been done with the same event: the client starts them together.
const TOGETHER: Duration = Duration::from_secs(10);

/// A mark is not longer than this, in bytes.
const LONGEST: u64 = 1_024;

/// Older marks are of no use.
const OLD: Duration = Duration::from_secs(3_600);

/// What tells that another process was called for the same event.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum SameEvent {
    /// What the client says has an id, and the other one worked just now.
    ById,
    /// The other one worked while this one waited.
    IfWaited,
}

/// Does the work while no other process does such work for the same session: the end of a turn and of its session come
/// together, and the second of them may have nothing left to save.
pub(super) fn in_turn<T>(started: &Started, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let session = started.input.session_id.as_deref().unwrap_or_default();
    let key = ObjectId::of(format!("checkpoints of {session}").as_bytes()).to_string();
    // Without a lock, both do it: nothing is lost by that.
    let _held = started.context().ok().and_then(|context| {
        let marks = Root::own(&context.state).at(MARKS);
        marks.make_folder().and_then(|_| open_exclusively(&marks.join(Path::new(&key)), PATIENCE)).ok()
    });
    work()
}

/// The mark of an event, held while one works for it.
struct Mark {
    marks: OwnPath,
    place: OwnPath,
    held: File,
    /// When it was left by another one.
    left: Option<Timestamp>,
}

impl Mark {
    /// Waits for whoever works for the same event. `None` without a lock: then everybody works, and nothing is lost by that.
    fn wait(started: &Started, context: &Context, event: &str) -> Option<Mark> {
        let marks = Root::own(&context.state).at(MARKS);
        let key = ObjectId::of(&[event.as_bytes(), b"\n", &started.raw].concat()).to_string();
        let place = marks.join(Path::new(&key));
        let held = marks.make_folder().and_then(|_| open_exclusively(&place, PATIENCE)).ok()?;
        let left = held.metadata().ok().filter(|mark| mark.len() > 0).and_then(|mark| mark.modified().ok());
        Some(Mark { marks, place, held, left: left.map(Timestamp::from) })
    }

    /// Returns the text that it was left with.
    fn text(&self) -> Option<String> {
        let text = self.place.read(LONGEST).ok()??;
        Some(String::from_utf8_lossy(&text).trim_end().to_owned())
    }

    /// Leaves it with a text, and takes away old ones.
    fn leave(mut self, text: &str) {
        let _best_effort = self.held.set_len(0).and_then(|()| writeln!(self.held, "{text}"));
        take_away_old(&self.marks, OLD);
    }
}

/// Does the work, unless another process did it for the same event; `None` then.
pub(super) fn once<T>(
    started: &Started,
    event: &str,
    same: SameEvent,
    work: impl FnOnce() -> Result<T>,
) -> Result<Option<T>> {
    let Ok(context) = started.context() else { return work().map(Some) };
    let Some(mark) = Mark::wait(started, &context, event) else { return work().map(Some) };
    let is_done = |left: Timestamp| match same {
        SameEvent::ById => left.after(TOGETHER) >= context.now,
        SameEvent::IfWaited => left >= context.now,
    };
    if mark.left.is_some_and(is_done) {
        return Ok(None);
    }
    let done = work()?;
    mark.leave(event);
    Ok(Some(done))
}

/// Does the work whoever did it before, and returns what is to be said: nothing if another process has said the very same of
/// the same call just now. A call without an id may be another one each time.
pub(super) fn said_once(started: &Started, event: &str, work: impl FnOnce() -> String) -> String {
    let Ok(context) = started.context() else { return work() };
    let Some(mark) = Mark::wait(started, &context, event) else { return work() };
    let is_new = mark.left.is_some_and(|left| left.after(TOGETHER) >= context.now);
    let before = mark.text();
    let said = work();
    let text = ObjectId::of(said.as_bytes()).to_string();
    let is_said =
        is_new && started.input.tool_use_id.is_some() && before.is_some_and(|before| before == text);
    mark.leave(&text);
    if is_said { String::new() } else { said }
}
