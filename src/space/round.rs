//! One round of the program that pushes behind everybody's back: push, wait, or end.

use std::path::Path;
use std::time::Duration;

use super::joined::{folder_of, joined};
use super::memory::Memory;
use super::notes::Notes;
use super::push::{HEARTBEAT, push};
use super::work::Asked;
use super::{pace, presence};
use crate::base::error::Result;
use crate::base::monitor::Monitor;
use crate::base::timestamp::Timestamp;
use crate::context::Context;
use crate::store::Grace;
use crate::sys::files::{self, Existing};
use crate::sys::locks::open_exclusively;
use crate::sys::place::OwnPath;
use crate::workspace::Workspace;

/// After so many failures in a row, the next note begins again.
const MOST_FAILURES: u32 = 12;

/// How long a session that is at work is left alone, at most, before it is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// How long whoever pushes waits for a hook that is just looking whether anybody does.
const PATIENCE: Duration = Duration::from_millis(300);

/// What says when the store was swept last.
const SWEPT: &str = "swept";

/// How often it is.
const EACH_DAY: Duration = Duration::from_secs(24 * 3_600);

/// What the program does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// Another round, after this.
    Wait(Duration),
    /// Another round after this, or as soon as there is a note.
    Rest(Duration),
    /// Nothing: it ends.
    Done,
    /// It could do nothing for long, and ends; the next note begins again.
    GivenUp,
}

/// That this process is the one which pushes for a clone; ends with it.
pub struct Pusher(#[expect(dead_code, reason = "the lock ends with the file")] std::fs::File);

fn lock_of(context: &Context, home: &Path) -> OwnPath {
    folder_of(context, home).join("pusher")
}

/// Says whether some process pushes for a clone by itself.
pub fn is_pushed(context: &Context, home: &Path) -> bool {
    open_exclusively(&lock_of(context, home), Duration::ZERO).is_err()
}

/// Becomes the one process that pushes for a clone; `None` if there is one.
///
/// # Errors
/// [`crate::base::error::Kind::Environment`] with the path.
pub fn become_pusher(context: &Context, home: &Path) -> Result<Option<Pusher>> {
    folder_of(context, home).make_folder()?;
    Ok(open_exclusively(&lock_of(context, home), PATIENCE).ok().map(Pusher))
}

/// Says whether there is anything for that process to do.
pub fn has_notes(context: &Context, home: &Path) -> bool {
    let refused = Memory::read(&folder_of(context, home)).refused.is_some();
    !refused && joined(context, home).is_some() && !Notes::read(context, home).is_empty()
}

/// Has the store forget, once a day, the objects of states that heads have left behind.
fn sweep(context: &Context, folder: &OwnPath) -> Result<()> {
    let mark = folder.join(SWEPT);
    let last = mark.stat()?.map(|found| Timestamp::from(found.modified));
    if last.is_some_and(|last| context.now.since(last) < EACH_DAY && last <= context.now) {
        return Ok(());
    }
    files::publish(folder, &mark, b"", Existing::Replace)?;
    let workspace = Workspace::open(context)?;
    let lock = workspace.store.lock_for_deleting()?;
    workspace.store.sweep(&lock, context.now, Grace::Day, &Monitor::default()).map(drop)
}

/// Makes one round. What fails is in the memory, and tried again.
///
/// # Errors
/// [`crate::base::error::Kind::Environment`] if nothing can be noted.
pub fn round(context: &Context, home: &Path) -> Result<Round> {
    let Some(joined) = joined(context, home) else { return Ok(Round::Done) };
    let folder = folder_of(context, home);
    let memory = Memory::read(&folder);
    if memory.refused.is_some() {
        return Ok(Round::Done);
    }
    let at_work = memory.heads.values().filter(|head| head.state().is_at_work() && head.held.is_none());
    let beats =
        at_work.map(|head| HEARTBEAT.saturating_sub(context.now.since(head.pushed.unwrap_or(head.at))));
    if Notes::read(context, home).is_empty() {
        match beats.min() {
            None => return Ok(Round::Done),
            Some(left) if !left.is_zero() => return Ok(Round::Rest(left.min(LOOK_AGAIN))),
            Some(_) => {}
        }
    }
    let machine = pace::place(context, &joined.leads_to);
    let left = pace::left(context, &machine);
    if !left.is_zero() {
        return Ok(Round::Wait(left));
    }
    let done = push(context, &joined, (Asked::Note, &[]), &mut |_| ());
    let _left_for_another_day = sweep(context, &folder);
    let failures = if done.is_ok() { 0 } else { memory.failures.saturating_add(1) };
    let machines = presence::machines_at_work(context, home, &joined.remote);
    let pause = pace::spread(pace::pause(pace::usual(context), machines, failures));
    pace::note(context, &machine, pause)?;
    // What nobody can reach for an hour is left to the next note.
    if failures > MOST_FAILURES { Ok(Round::GivenUp) } else { Ok(Round::Wait(pause)) }
}
