//! What an operation reports while it runs: its phase, and how much of how much is done.
//!
//! One thread or several report, and another one shows it. How it looks is not decided here. Each phase is
//! also a span of the diagnostic log, which costs nothing while nobody listens. Before the first phase
//! begins, nothing is shown: a connection that is being made may ask a question of its own on the terminal.
//! Owns the `tracing` crate, with `git/command.rs`.

use std::io::{self, Read, Write};
use std::sync::{Mutex, PoisonError};

/// What is counted in a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Files, objects and the like.
    Items,
}

/// A part of an operation that can take long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// git lists what is pending.
    Listing,
    /// Pending files are read and compared with their bases.
    Reading,
    /// What will be saved is read for secrets.
    Learning,
    /// Conversations are read and stored.
    Conversation,
    /// A snapshot is made durable.
    Publishing,
    /// A snapshot is read whole and checked.
    Checking,
    /// The files here are looked at.
    Comparing,
    /// The files that will be set are made.
    Preparing,
    /// Saved conversations are checked.
    CheckingConversation,
    /// What a restore is about to overwrite is saved.
    Safety,
    /// New files are written beside the old ones.
    Writing,
    /// Old files are moved out, and new ones in.
    Moving,
    /// A conversation is compared with what is here.
    Relating,
    /// A conversation is put into the client's folders.
    Installing,
    /// What was done is made durable.
    Finishing,
    /// A snapshot is searched for secrets before it leaves.
    Searching,
    /// Snapshots are read whole and checked.
    Verifying,
    /// What nothing needs any more is removed.
    Removing,
    /// Snapshots are made ready to be sent.
    Packing,
    /// git makes ready what it is about to send.
    Compressing,
    /// Objects go to a remote.
    Sending,
    /// Objects come from a remote.
    Receiving,
    /// A snapshot is written into a file.
    Exporting,
    /// A snapshot is read from a file.
    Importing,
}

impl Phase {
    /// Returns what it is called.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Listing => "Listing changes",
            Phase::Reading => "Reading files",
            Phase::Learning => "Looking for secrets",
            Phase::Conversation => "Saving conversation",
            Phase::Publishing => "Writing snapshot",
            Phase::Checking => "Checking snapshot",
            Phase::Comparing => "Comparing files",
            Phase::Preparing => "Preparing files",
            Phase::CheckingConversation => "Checking conversation",
            Phase::Safety => "Saving present files",
            Phase::Writing => "Writing files",
            Phase::Moving => "Replacing files",
            Phase::Relating => "Comparing conversation",
            Phase::Installing => "Restoring conversation",
            Phase::Finishing => "Syncing",
            Phase::Searching => "Searching for secrets",
            Phase::Verifying => "Checking snapshots",
            Phase::Removing => "Removing",
            Phase::Packing => "Packing",
            Phase::Compressing => "Compressing",
            Phase::Sending => "Sending",
            Phase::Receiving => "Receiving",
            Phase::Exporting => "Exporting",
            Phase::Importing => "Importing",
        }
    }

    /// Returns what is counted in it.
    pub fn unit(self) -> Unit {
        match self {
            Phase::Reading
            | Phase::Learning
            | Phase::Conversation
            | Phase::CheckingConversation
            | Phase::Installing
            | Phase::Preparing
            | Phase::Writing
            | Phase::Packing
            | Phase::Searching
            | Phase::Verifying
            | Phase::Exporting
            | Phase::Importing => Unit::Bytes,
            _ => Unit::Items,
        }
    }
}

/// Begins the span of the diagnostic log that a whole command is, until what this returns is dropped.
pub fn whole_command() -> impl Drop {
    tracing::info_span!(target: "snap::phase", "command").entered()
}

/// How far a phase is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The phase.
    pub phase: Phase,
    /// How much of it is done, in its unit.
    pub done: u64,
    /// How much there is to do; `None` if that is not known.
    pub total: Option<u64>,
    /// How many bytes went through, where items are counted: one of them may be large.
    pub bytes: u64,
}

impl Progress {
    /// The beginning of a phase.
    pub fn begun(phase: Phase, total: Option<u64>) -> Progress {
        Progress { phase, done: 0, total, bytes: 0 }
    }
}

/// How far an operation is: in no phase at first.
#[derive(Debug, Default)]
pub struct Monitor {
    now: Mutex<Option<Progress>>,
    /// All that it was told, if somebody wants to see that afterwards.
    told: Option<Mutex<Vec<Progress>>>,
}

impl Monitor {
    /// Makes one that remembers each step: to check that a phase moves.
    pub fn remembering() -> Monitor {
        Monitor { told: Some(Mutex::default()), ..Monitor::default() }
    }

    /// Returns each step that was told, if it remembers them.
    pub fn told(&self) -> Vec<Progress> {
        let told = self.told.as_ref().map(|told| told.lock().unwrap_or_else(PoisonError::into_inner).clone());
        told.unwrap_or_default()
    }

    /// Begins a phase, which lasts as long as the returned value. If another phase is running, it
    /// continues afterwards.
    pub fn begin(&self, phase: Phase, total: Option<u64>) -> Begun<'_> {
        // Where there is nothing to do, the log says nothing.
        let span = (total != Some(0)).then(|| {
            tracing::info_span!(target: "snap::phase", "phase", name = phase.name(), total).entered()
        });
        let before = self.replace(Some(Progress::begun(phase, total)));
        Begun { monitor: self, before, _span: span }
    }

    /// Says that so much more of the phase is done. Any thread may.
    pub fn add(&self, more: u64) {
        self.change(|step| step.done = step.done.saturating_add(more));
    }

    /// Says that so many more bytes went through, in a phase that counts items.
    pub fn add_bytes(&self, more: u64) {
        self.change(|step| step.bytes = step.bytes.saturating_add(more));
    }

    fn change(&self, change: impl FnOnce(&mut Progress)) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(step) = now.as_mut() {
            change(step);
            if let Some(told) = &self.told {
                told.lock().unwrap_or_else(PoisonError::into_inner).push(*step);
            }
        }
    }

    /// Begins a part of the phase, of so much: what is told of it is never more, and in the end all of it.
    pub fn share(&self, all: u64) -> Share<'_> {
        self.share_of_work(all, all)
    }

    /// The same for a part that takes so much work: a file that is read, searched and stored is gone through three times.
    pub fn share_of_work(&self, all: u64, work: u64) -> Share<'_> {
        Share { monitor: self, all, told: 0, before: 0, work, done: 0 }
    }

    /// Says how far somebody else's work is; `None` when it has ended.
    pub fn see(&self, step: Option<Progress>) {
        self.replace(step);
    }

    /// Returns how far it is.
    pub fn step(&self) -> Option<Progress> {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn replace(&self, step: Option<Progress>) -> Option<Progress> {
        std::mem::replace(&mut *self.now.lock().unwrap_or_else(PoisonError::into_inner), step)
    }
}

/// A part of a phase.
pub struct Share<'a> {
    monitor: &'a Monitor,
    all: u64,
    told: u64,
    /// What had been told when it became known how much work the rest is.
    before: u64,
    work: u64,
    done: u64,
}

impl Share<'_> {
    /// Says that so much more of its work is done.
    pub fn add(&mut self, more: u64) {
        self.done = self.done.saturating_add(more).min(self.work);
        let rest = self.all.saturating_sub(self.before);
        let part = u128::from(rest) * u128::from(self.done) / u128::from(self.work.max(1));
        self.tell(self.before.saturating_add(u64::try_from(part).unwrap_or(rest)).min(self.all));
    }

    /// Says how much work all the rest is, which is known only now.
    pub fn expect(&mut self, work: u64) {
        (self.before, self.work, self.done) = (self.told, work, 0);
    }

    /// Leaves the rest for later: no more is told of this part than was told by now.
    pub fn leave(&mut self) {
        self.all = self.told;
    }

    fn tell(&mut self, all_told: u64) {
        let more = all_told.saturating_sub(self.told);
        if more > 0 {
            self.told = all_told;
            self.monitor.add(more);
        }
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.tell(self.all);
    }
}

/// A phase that lasts as long as this value.
#[must_use = "the phase ends with this value"]
pub struct Begun<'a> {
    monitor: &'a Monitor,
    before: Option<Progress>,
    _span: Option<tracing::span::EnteredSpan>,
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        self.monitor.replace(self.before);
    }
}

/// At most so many bytes are worked on before somebody is told of it.
pub const PART: usize = 1 << 20;

/// A reader or writer that counts what goes through.
pub struct Counted<'a, T>(pub T, pub &'a Monitor);

impl<T: Read> Read for Counted<'_, T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read(buffer)?;
        self.1.add(read as u64);
        Ok(read)
    }
}

impl<T: Write> Write for Counted<'_, T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A large piece goes in parts, so that whoever waits sees how far it is.
        let written = self.0.write(&bytes[..bytes.len().min(PART)])?;
        self.1.add(written as u64);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_lasts_as_long_as_its_value_and_the_one_around_it_goes_on() {
        let monitor = Monitor::default();
        assert_eq!(monitor.step(), None);
        monitor.add(9);
        assert_eq!(monitor.step(), None, "nothing is done where nothing has begun");
        let outer = monitor.begin(Phase::Safety, None);
        {
            let _inner = monitor.begin(Phase::Reading, Some(7));
            monitor.add(3);
            monitor.add(u64::MAX);
            let wanted = Progress { done: u64::MAX, ..Progress::begun(Phase::Reading, Some(7)) };
            assert_eq!(monitor.step(), Some(wanted));
        }
        assert_eq!(monitor.step(), Some(Progress::begun(Phase::Safety, None)));
        drop(outer);
        assert_eq!(monitor.step(), None);
    }

    #[test]
    fn a_part_is_never_more_than_itself_however_much_work_it_takes() {
        let monitor = Monitor::remembering();
        let _phase = monitor.begin(Phase::Reading, Some(100));
        {
            let mut share = monitor.share_of_work(100, 300);
            [30, 120, 0, 90].into_iter().for_each(|more| share.add(more));
        }
        {
            let mut share = monitor.share_of_work(100, 200);
            share.add(40);
            share.expect(800);
            [200, 400].into_iter().for_each(|more| share.add(more));
        }
        drop(monitor.share_of_work(u64::MAX, 0));
        let done: Vec<u64> = monitor.told().iter().map(|step| step.done).collect();
        assert_eq!(done, [10, 50, 80, 100, 120, 140, 180, 200, u64::MAX]);
    }
}
