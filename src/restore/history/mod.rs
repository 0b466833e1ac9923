//! What `undo` and `redo` would do next, derived from the log alone.
//!
//! As in an editor, each `undo` goes one restore further back, each `redo` one forward again, and a new
//! restore ends what could be redone. A line of the log names what it restored by id. So the lines
//! themselves show what a step undid and in which direction, even lines of versions that had no `redo`.
//! Pure.

use std::collections::BTreeSet;
use std::path::Path;

use crate::base::ids::SnapshotId;
use crate::base::timestamp::Timestamp;
use crate::store::{LogEntry, LogOutcome, MergedTasks, MovedBranch, Operation};

/// A restore that a person asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The command.
    pub operation: Operation,
    /// The snapshot's name then.
    pub name: String,
    /// When it was done.
    pub at: Timestamp,
    /// Whether it brought a conversation back too.
    pub with_session: bool,
}

/// Where a step leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Back to before a restore.
    Undo,
    /// Forward again.
    Redo,
}

impl Direction {
    /// Returns the command's word.
    pub fn word(self) -> &'static str {
        match self {
            Direction::Undo => "undo",
            Direction::Redo => "redo",
        }
    }
}

/// One step of the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryStep {
    /// Where it leads.
    pub direction: Direction,
    /// The restore in question.
    pub what: Restored,
    /// Snapshots were removed after it, which no step brings back: the command, and when.
    pub removed: Option<Removal>,
    /// Restores that changed no file and are passed over on the way to it, the nearest first.
    pub passed: Vec<Restored>,
    /// The step that it reverses set no file, so this one sets none either.
    pub sets_nothing: bool,
}

/// One step back, or forward again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reversal {
    /// What is undone or redone.
    pub what: Restored,
    /// Where the next step leads; `None` if the last one set no file, so that there is nothing to set back.
    pub there: Option<Side>,
    /// Where the last step led: a step that sets no file leaves this as the way back.
    pub behind: Option<Side>,
}

/// One side of a restore.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Side {
    /// The safety snapshot that holds it.
    pub safety: SnapshotId,
    /// The branch that was moved away from it.
    pub moved: Option<MovedBranch>,
    /// The tasks that were added then, or taken back.
    pub tasks: Option<MergedTasks>,
}

impl Reversal {
    /// Says whether one of its sides is in this safety snapshot.
    fn has(&self, safety: &SnapshotId) -> bool {
        self.there.iter().chain(&self.behind).any(|side| side.safety == *safety)
    }
}

/// Snapshots that one command removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// The command.
    pub operation: Operation,
    /// When it was done.
    pub at: Timestamp,
    /// Where in the trash they were put; `None` if they were gone at once.
    pub batch: Option<SnapshotId>,
    /// Whether they are there now.
    pub in_trash: bool,
    /// The snapshots.
    pub snapshots: Vec<SnapshotId>,
    /// What they were called.
    pub names: Vec<String>,
    /// The remote that they were removed from; `None` for this store.
    pub remote: Option<String>,
}

/// Something that a person did, and that can be undone or redone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Restored(Box<Reversal>),
    Removed(Removal),
    /// A restore that changed no file: it is passed over, in both directions.
    Unchanged(Restored),
}

impl Act {
    fn is_unchanged(&self) -> bool {
        matches!(self, Act::Unchanged(_))
    }
}

/// The next step, and what it passes over.
#[derive(Debug, Default)]
pub(super) struct Next<'h> {
    /// What is undone or redone.
    pub act: Option<&'h Act>,
    /// The newest removal that came after it, and is gone for good.
    pub gone: Option<&'h Removal>,
    /// The restores that changed no file, the nearest first.
    pub unchanged: Vec<&'h Restored>,
}

impl Next<'_> {
    /// Returns copies of what is passed over.
    pub(super) fn passed(&self) -> Vec<Restored> {
        self.unchanged.iter().map(|one| (*one).clone()).collect()
    }
}

/// How one comes to something by undo or redo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// In which direction.
    pub direction: Direction,
    /// Not with the next step, but with one after that.
    pub later: bool,
    /// Snapshots were removed for good since: `undo` wants `--anyway`.
    pub anyway: bool,
}

impl Way {
    /// Returns the command, as it is named in a sentence.
    pub fn command(&self) -> String {
        let anyway = if self.anyway { " --anyway" } else { "" };
        let later = if self.later { ", again and again," } else { "" };
        format!("`snap {}{anyway}`{later}", self.direction.word())
    }
}

/// Which steps can be taken from here; the last of each list is the next one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct History {
    /// What is not undone.
    done: Vec<Act>,
    /// What was undone and can be redone.
    undone: Vec<Act>,
}

impl History {
    /// Reads what was done in one work tree; `log` is oldest first, and `trash` has the batches that are in it.
    pub(super) fn of(log: &[LogEntry], root: &Path, trash: &BTreeSet<SnapshotId>) -> History {
        let mut history = History::default();
        // What was there already when a removal was undone says so: that removal is undone too.
        let counts = |entry: &LogEntry| {
            entry.outcome == LogOutcome::Ok
                || (entry.outcome == LogOutcome::Skipped
                    && entry.operation == Operation::Undo
                    && entry.batch.is_some())
        };
        let here = |entry: &&LogEntry| {
            counts(entry) && entry.root.as_ref().is_some_and(|other| other.as_path() == root)
        };
        let mut seen = BTreeSet::new();
        // A restore that was cut off at its very end may have two lines: its own, and of its recovery.
        let is_first =
            |entry: &&LogEntry| entry.safety.as_ref().is_none_or(|safety| seen.insert(safety.clone()));
        for entry in log.iter().filter(here).filter(is_first) {
            match (entry.operation, &entry.batch) {
                (Operation::Resume | Operation::Rewind | Operation::Merge, _) => history.restored(entry),
                (Operation::Undo, Some(batch)) => history.brought_back(entry, batch),
                (Operation::Redo, Some(_)) => history.removed_again(entry, trash),
                (Operation::Undo | Operation::Redo, None) => history.stepped(entry),
                // What is gone from a remote is as gone as what was deleted for good here.
                (Operation::Prune | Operation::Remove | Operation::Withdraw, _) => {
                    // A redo must not remove what was brought back before the person removed something else.
                    history.undone.retain(|act| !matches!(act, Act::Removed(_)));
                    history.removed(entry, trash);
                }
                _ => {}
            }
        }
        history
    }

    /// Returns what the next `undo` undoes: a removal that is still in the trash, or a restore.
    pub(super) fn next_undo(&self) -> Next<'_> {
        next(&self.done, |removal| !removal.in_trash)
    }

    /// Finds how steps in a direction come to one of these; `None` if they don't. A restore that is in the way is passed only if
    /// one can go back to its safety snapshot.
    pub(super) fn way_to(
        &self,
        direction: Direction,
        mut is_it: impl FnMut(&Act) -> bool,
        is_there: impl Fn(&SnapshotId) -> bool,
    ) -> Option<Way> {
        let list = match direction {
            Direction::Undo => &self.done,
            Direction::Redo => &self.undone,
        };
        let mut way = Way { direction, later: false, anyway: false };
        for act in list.iter().rev() {
            match act {
                Act::Unchanged(_) => {}
                Act::Removed(removal) if direction == Direction::Undo && !removal.in_trash => {
                    way.anyway = true
                }
                act if is_it(act) => return Some(way),
                Act::Restored(one) => {
                    let needs = one.there.as_ref().or(one.behind.as_ref())?;
                    way.later = Some(true).filter(|_| is_there(&needs.safety))?;
                }
                Act::Removed(_) => way.later = true,
            }
        }
        None
    }

    /// Takes the last removals for undone whose snapshots are there: whoever brought them back may have died before it was
    /// in the log.
    pub(super) fn settle(&mut self, is_there: impl Fn(&SnapshotId) -> bool) {
        let is_back = |act: &Act| matches!(act, Act::Removed(one) if one.batch.is_some() && !one.in_trash && !one.snapshots.is_empty() && one.snapshots.iter().all(&is_there));
        while let Some(last) = last(&self.done).filter(|last| self.done.get(*last).is_some_and(is_back)) {
            let act = take(&mut self.done, last, &mut self.undone);
            self.undone.extend(act);
        }
    }

    /// Says whether the last thing that was done is a removal of which nothing is in the trash.
    pub(super) fn ends_in_what_is_gone(&self) -> bool {
        matches!(last(&self.done).and_then(|last| self.done.get(last)), Some(Act::Removed(removal)) if !removal.in_trash)
    }

    /// Returns what the next `redo` redoes.
    pub(super) fn next_redo(&self) -> Next<'_> {
        next(&self.undone, |_| false)
    }

    /// Says whether things were done here and each of them is undone.
    pub(super) fn is_all_undone(&self) -> bool {
        last(&self.done).is_none() && last(&self.undone).is_some()
    }

    fn restored(&mut self, entry: &LogEntry) {
        let Some(safety) = entry.safety.clone() else {
            // What changed no file leaves the one before it to be undone, and what is undone to be redone.
            self.done.push(Act::Unchanged(what(entry)));
            return;
        };
        self.undone.clear();
        let there = Some(side(entry, safety));
        self.done.push(Act::Restored(Box::new(Reversal { what: what(entry), there, behind: None })));
    }

    /// A line is about one snapshot; those of one command belong together.
    fn removed(&mut self, entry: &LogEntry, trash: &BTreeSet<SnapshotId>) {
        if let Some(Act::Removed(last)) = self.done.last_mut()
            && last.batch == entry.batch
            && (last.operation, last.at) == (entry.operation, entry.at)
        {
            last.snapshots.extend(entry.snapshot.clone());
            last.names.push(entry.name.clone());
            return;
        }
        self.done.push(Act::Removed(Removal {
            operation: entry.operation,
            at: entry.at,
            batch: entry.batch.clone(),
            in_trash: entry.batch.as_ref().is_some_and(|batch| trash.contains(batch)),
            snapshots: entry.snapshot.iter().cloned().collect(),
            names: vec![entry.name.clone()],
            remote: entry.peer.clone().filter(|_| entry.operation == Operation::Withdraw),
        }));
    }

    /// A line is about one snapshot. Only what the undo brought back is removed again by a redo: the rest was there already.
    fn brought_back(&mut self, entry: &LogEntry, batch: &SnapshotId) {
        let is_it = |act: &Act| matches!(act, Act::Removed(removal) if removal.batch.as_ref() == Some(batch));
        // One that can't be read has no id by which it could be removed again.
        let back = entry.snapshot.clone().filter(|_| entry.outcome == LogOutcome::Ok);
        if let Some(at) = self.done.iter().rposition(is_it) {
            let act = take(&mut self.done, at, &mut self.undone);
            if let (Some(Act::Removed(removal)), Some(id)) = (act, back) {
                let (snapshots, names) = (vec![id], vec![entry.name.clone()]);
                self.undone.push(Act::Removed(Removal { snapshots, names, ..removal }));
            }
        } else if let (Some(Act::Removed(removal)), Some(id)) =
            (self.undone.iter_mut().rfind(|act| is_it(act)), back)
            && !removal.snapshots.contains(&id)
        {
            removal.snapshots.push(id);
            removal.names.push(entry.name.clone());
        }
    }

    fn removed_again(&mut self, entry: &LogEntry, trash: &BTreeSet<SnapshotId>) {
        let last = last(&self.undone);
        let operation = match last.and_then(|last| self.undone.get(last)) {
            Some(Act::Removed(removal)) if entry.snapshot.iter().all(|id| removal.snapshots.contains(id)) => {
                Some(removal.operation)
            }
            _ => None,
        };
        if let Some(last) = last.filter(|_| operation.is_some()) {
            take(&mut self.undone, last, &mut self.done);
        }
        let operation = operation.unwrap_or(match self.done.last() {
            Some(Act::Removed(removal)) if removal.at == entry.at => removal.operation,
            _ => Operation::Remove,
        });
        self.removed(&LogEntry { operation, ..entry.clone() }, trash);
    }

    fn stepped(&mut self, entry: &LogEntry) {
        let is_it = |act: &Act| matches!(act, Act::Restored(one) if entry.snapshot.as_ref().is_some_and(|id| one.has(id)));
        let (done, undone) = (self.done.iter().rposition(is_it), self.undone.iter().rposition(is_it));
        let is_redo = entry.operation == Operation::Redo;
        let forward = if done.is_none() && undone.is_none() { is_redo } else { done.is_none() };
        // Only by the safety snapshot is a line known that is there twice. Without one, it may only lead where it says.
        if entry.safety.is_none() && forward != is_redo {
            return;
        }
        let (at, from, to) = if forward {
            (undone, &mut self.undone, &mut self.done)
        } else {
            (done, &mut self.done, &mut self.undone)
        };
        let taken = at.and_then(|at| take(from, at, to));
        if let Some(at) = at.filter(|_| !forward) {
            // Removals after it, which can't be undone, were passed over.
            from.truncate(at);
        }
        let (what, there, behind) = match taken {
            Some(Act::Restored(one)) => (one.what, one.there, one.behind),
            // The log is bounded: what it went back to may be in the half that is gone.
            _ => (
                what(entry),
                entry.snapshot.clone().map(|safety| Side { safety, moved: None, tasks: None }),
                None,
            ),
        };
        to.push(Act::Restored(Box::new(match entry.safety.clone() {
            Some(safety) => Reversal { what, there: Some(side(entry, safety)), behind: there.or(behind) },
            // It set no file: the other side is where it was, as far as it is known.
            None => Reversal { what, there: behind, behind: there },
        })));
    }
}

/// Finds the last step in a list, behind those that are passed over.
fn next(list: &[Act], is_passed: impl Fn(&Removal) -> bool) -> Next<'_> {
    let mut next = Next::default();
    for act in list.iter().rev() {
        match act {
            Act::Unchanged(restored) => next.unchanged.push(restored),
            Act::Removed(removal) if is_passed(removal) => next.gone = next.gone.or(Some(removal)),
            act => return Next { act: Some(act), ..next },
        }
    }
    next
}

/// Returns where the last act is that changed something.
fn last(list: &[Act]) -> Option<usize> {
    list.iter().rposition(|act| !act.is_unchanged())
}

/// Takes an act out of a list; what changed no file after it goes over to the other list, as the cursor in an editor passes it.
fn take(from: &mut Vec<Act>, at: usize, to: &mut Vec<Act>) -> Option<Act> {
    let (passed, kept): (Vec<Act>, Vec<Act>) =
        from.split_off(at + 1).into_iter().partition(Act::is_unchanged);
    let taken = from.pop();
    from.extend(kept);
    to.extend(passed.into_iter().rev());
    taken
}

fn side(entry: &LogEntry, safety: SnapshotId) -> Side {
    Side { safety, moved: entry.moved.clone(), tasks: entry.tasks.clone() }
}

fn what(entry: &LogEntry) -> Restored {
    Restored {
        operation: entry.operation,
        name: entry.name.clone(),
        at: entry.at,
        with_session: entry.session.is_some(),
    }
}

#[cfg(test)]
mod tests;
