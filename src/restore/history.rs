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
}

/// One step back, or forward again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reversal {
    /// What is undone or redone.
    pub what: Restored,
    /// The safety snapshot that holds the other side of it.
    pub safety: SnapshotId,
    /// The branch that the step in question moved.
    pub moved: Option<MovedBranch>,
    /// The tasks that it added, or took back.
    pub tasks: Option<MergedTasks>,
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
    Restored(Reversal),
    Removed(Removal),
}

/// Which steps can be taken from here; the last of each list is the next one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct History {
    /// What is not undone.
    done: Vec<Act>,
    /// What was undone and can be redone.
    undone: Vec<Act>,
    /// The last restore here, if none of them changed a file.
    pub changed_nothing: Option<String>,
}

impl History {
    /// Reads what was done in one work tree; `log` is oldest first, and `trash` has the batches that are in it.
    pub(super) fn of(log: &[LogEntry], root: &Path, trash: &BTreeSet<SnapshotId>) -> History {
        let mut history = History::default();
        let here = |entry: &&LogEntry| {
            entry.outcome == LogOutcome::Ok
                && entry.root.as_ref().is_some_and(|other| other.as_path() == root)
        };
        let mut seen = BTreeSet::new();
        // A restore that was cut off at its very end may have two lines: its own, and of its recovery.
        let is_first =
            |entry: &&LogEntry| entry.safety.as_ref().is_none_or(|safety| seen.insert(safety.clone()));
        for entry in log.iter().filter(here).filter(is_first) {
            match (entry.operation, &entry.batch) {
                (Operation::Resume | Operation::Rewind | Operation::Merge, _) => history.restored(entry),
                (Operation::Undo, Some(batch)) => history.brought_back(batch),
                (Operation::Redo, Some(_)) => history.removed_again(entry, trash),
                (Operation::Undo | Operation::Redo, None) => history.stepped(entry),
                // What is gone from a remote is as gone as what was deleted for good here.
                (Operation::Prune | Operation::Remove | Operation::Withdraw, _) => {
                    // A redo must not remove what was brought back before the person removed something else.
                    history.undone.retain(|act| matches!(act, Act::Restored(_)));
                    history.removed(entry, trash);
                }
                _ => {}
            }
        }
        history
    }

    /// Returns what the next `undo` undoes: a removal that is still in the trash, or a restore. The removal beside it came
    /// after that, and is gone for good.
    pub(super) fn next_undo(&self) -> (Option<&Act>, Option<&Removal>) {
        let mut gone = None;
        for act in self.done.iter().rev() {
            match act {
                Act::Removed(removal) if !removal.in_trash => gone = gone.or(Some(removal)),
                act => return (Some(act), gone),
            }
        }
        (None, gone)
    }

    /// Says whether something that was removed is still in the trash, and not undone.
    pub(super) fn has_removal_in_trash(&self) -> bool {
        self.done.iter().any(|act| matches!(act, Act::Removed(removal) if removal.in_trash))
    }

    /// Takes the last removals for undone whose snapshots are there: whoever brought them back may have died before it was
    /// in the log.
    pub(super) fn settle(&mut self, is_there: impl Fn(&SnapshotId) -> bool) {
        let is_back = |act: &mut Act| matches!(act, Act::Removed(one) if one.batch.is_some() && !one.in_trash && !one.snapshots.is_empty() && one.snapshots.iter().all(&is_there));
        while let Some(act) = self.done.pop_if(is_back) {
            self.undone.push(act);
        }
    }

    /// Says whether the last thing that was done is a removal of which nothing is in the trash.
    pub(super) fn ends_in_what_is_gone(&self) -> bool {
        matches!(self.done.last(), Some(Act::Removed(removal)) if !removal.in_trash)
    }

    /// Returns what the next `redo` redoes.
    pub(super) fn next_redo(&self) -> Option<&Act> {
        self.undone.last()
    }

    /// Says whether things were done here and each of them is undone.
    pub(super) fn is_all_undone(&self) -> bool {
        self.done.is_empty() && !self.undone.is_empty()
    }

    fn restored(&mut self, entry: &LogEntry) {
        let Some(safety) = entry.safety.clone() else {
            // What changed no file leaves the one before it to be undone.
            self.changed_nothing = Some(entry.name.clone());
            return;
        };
        self.undone.clear();
        self.done.push(Act::Restored(reversal(entry, what(entry), safety)));
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

    fn brought_back(&mut self, batch: &SnapshotId) {
        let is_it = |act: &Act| matches!(act, Act::Removed(removal) if removal.batch.as_ref() == Some(batch));
        let at = self.done.iter().rposition(is_it);
        if let Some(at) = at {
            let act = self.done.remove(at);
            // One that can't be read has no id by which it could be removed again.
            if !matches!(&act, Act::Removed(removal) if removal.snapshots.is_empty()) {
                self.undone.push(act);
            }
        }
    }

    fn removed_again(&mut self, entry: &LogEntry, trash: &BTreeSet<SnapshotId>) {
        let operation = match self.undone.last() {
            Some(Act::Removed(removal)) if entry.snapshot.iter().all(|id| removal.snapshots.contains(id)) => {
                Some(removal.operation)
            }
            _ => None,
        };
        if operation.is_some() {
            self.undone.pop();
        }
        let operation = operation.unwrap_or(match self.done.last() {
            Some(Act::Removed(removal)) if removal.at == entry.at => removal.operation,
            _ => Operation::Remove,
        });
        self.removed(&LogEntry { operation, ..entry.clone() }, trash);
    }

    fn stepped(&mut self, entry: &LogEntry) {
        let position = |list: &[Act]| {
            list.iter().rposition(
                |act| matches!(act, Act::Restored(one) if entry.snapshot.as_ref() == Some(&one.safety)),
            )
        };
        let (taken, to) = if let Some(at) = position(&self.done) {
            // Removals after it, which can't be undone, were passed over.
            let taken = self.done.split_off(at).into_iter().next();
            (taken, &mut self.undone)
        } else if let Some(at) = position(&self.undone) {
            (Some(self.undone.remove(at)), &mut self.done)
        } else {
            // The log is bounded: what it went back to may be in the half that is gone.
            (None, if entry.operation == Operation::Redo { &mut self.done } else { &mut self.undone })
        };
        // A step for which nothing had to be done needs no way back.
        if let Some(safety) = entry.safety.clone() {
            let what = match taken {
                Some(Act::Restored(taken)) => taken.what,
                _ => what(entry),
            };
            to.push(Act::Restored(reversal(entry, what, safety)));
        }
    }
}

fn reversal(entry: &LogEntry, what: Restored, safety: SnapshotId) -> Reversal {
    Reversal { what, safety, moved: entry.moved.clone(), tasks: entry.tasks.clone() }
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
mod tests {
    use super::*;
    use crate::base::paths::NativePath;

    const ROOT: &str = "/w";

    fn id(number: u32) -> SnapshotId {
        SnapshotId::parse(&format!("{number:032x}")).expect("an id")
    }

    fn line(operation: Operation, at: i64) -> LogEntry {
        LogEntry {
            name: format!("n{at}"),
            root: Some(NativePath::from(Path::new(ROOT))),
            ..LogEntry::begun(operation, Timestamp::from_millis(at), ("", ""))
        }
    }

    /// What is in the trash, if nothing else is said.
    fn trash() -> BTreeSet<SnapshotId> {
        (100..200).map(id).collect()
    }

    /// A log of words: `r` a restore, `n` one that changes nothing, `u` and `f` as the program would, from
    /// the history so far; `x` an undo for which nothing has to be done, `t` a removal into the trash, of two snapshots,
    /// `p` one that is gone at once, `o` a restore elsewhere.
    fn log(words: &str) -> Vec<LogEntry> {
        let mut log: Vec<LogEntry> = Vec::new();
        for (at, word) in (1..).zip(words.chars()) {
            let now = History::of(&log, Path::new(ROOT), &trash());
            let goal = |act: Option<&Act>| match act {
                Some(Act::Restored(one)) => Some(one.safety.clone()),
                _ => None,
            };
            let number = u32::try_from(at).expect("small");
            let safety = Some(id(number));
            let each = |removal: &Removal, operation, batch: Option<SnapshotId>| {
                let lines = removal.snapshots.iter().map(|one| LogEntry {
                    snapshot: Some(one.clone()),
                    batch: batch.clone(),
                    ..line(operation, at)
                });
                lines.collect::<Vec<LogEntry>>()
            };
            match (word, now.next_undo().0, now.next_redo()) {
                ('r', ..) => log.push(LogEntry { safety, ..line(Operation::Resume, at) }),
                ('n', ..) => log.push(line(Operation::Rewind, at)),
                ('u', Some(Act::Removed(removal)), _) => {
                    log.extend(each(removal, Operation::Undo, removal.batch.clone()));
                }
                ('f', _, Some(Act::Removed(removal))) => {
                    log.extend(each(removal, Operation::Redo, Some(id(100 + number))));
                }
                ('u', act, _) => {
                    log.push(LogEntry { safety, snapshot: goal(act), ..line(Operation::Undo, at) });
                }
                ('x', act, _) => log.push(LogEntry { snapshot: goal(act), ..line(Operation::Undo, at) }),
                ('f', _, act) => {
                    log.push(LogEntry { safety, snapshot: goal(act), ..line(Operation::Redo, at) });
                }
                // As an earlier version went forward again.
                ('b', _, act) => {
                    log.push(LogEntry { safety, snapshot: goal(act), ..line(Operation::Undo, at) });
                }
                ('t', ..) => log.extend([1, 2].map(|more| LogEntry {
                    snapshot: Some(id(1_000 * number + more)),
                    batch: Some(id(100 + number)),
                    ..line(Operation::Remove, at)
                })),
                ('p', ..) => log.push(LogEntry { snapshot: Some(id(9_000)), ..line(Operation::Prune, at) }),
                ('o', ..) => log.push(LogEntry {
                    safety,
                    root: Some(NativePath::from(Path::new("/o"))),
                    ..line(Operation::Resume, at)
                }),
                ('e', ..) => {
                    log.push(LogEntry { safety, outcome: LogOutcome::Failed, ..line(Operation::Resume, at) });
                }
                _ => log.push(line(Operation::Save, at)),
            }
        }
        log
    }

    /// What is not undone and what can be redone, by the number of its word: restores with the number of
    /// the word whose safety snapshot is gone back to, removals with how many snapshots, in brackets if they are gone.
    fn shown(words: &str) -> String {
        shown_with(words, &trash())
    }

    fn shown_with(words: &str, trash: &BTreeSet<SnapshotId>) -> String {
        let history = History::of(&log(words), Path::new(ROOT), trash);
        let list = |list: &[Act]| {
            let each = list.iter().map(|act| match act {
                Act::Restored(one) => {
                    let safety = one.safety.to_string();
                    format!("{}<{}", one.what.name, safety.trim_start_matches('0'))
                }
                Act::Removed(one) if one.in_trash => format!("t{}x{}", one.at.as_millis(), one.names.len()),
                Act::Removed(one) => format!("(t{})", one.at.as_millis()),
            });
            each.collect::<Vec<String>>().join(" ")
        };
        format!("{} | {}", list(&history.done), list(&history.undone))
    }

    #[test]
    fn each_undo_goes_further_back_and_each_redo_forward_again() {
        assert_eq!(shown("rr"), "n1<1 n2<2 | ");
        assert_eq!(shown("rru"), "n1<1 | n2<3");
        assert_eq!(shown("rruu"), " | n2<3 n1<4");
        assert_eq!(shown("rruuf"), "n1<5 | n2<3");
        assert_eq!(shown("rruuff"), "n1<5 n2<6 | ");
        assert_eq!(shown("rruuffu"), "n1<5 | n2<7");
    }

    #[test]
    fn a_new_restore_ends_what_could_be_redone() {
        assert_eq!(shown("rrur"), "n1<1 n4<4 | ");
        assert_eq!(shown("rrun"), "n1<1 | n2<3", "unless it changes nothing");
    }

    #[test]
    fn what_changes_nothing_is_no_step() {
        assert_eq!(shown("rn"), "n1<1 | ");
        assert_eq!(shown("rrx"), "n1<1 | ");
        assert_eq!(shown("rrxu"), " | n1<4");
    }

    #[test]
    fn an_undo_of_an_undo_by_an_earlier_version_went_forward() {
        assert_eq!(shown("rub"), "n1<3 | ");
        assert_eq!(shown("rubu"), " | n1<4");
    }

    #[test]
    fn a_removal_is_told_until_something_is_restored_again() {
        assert_eq!(shown("rp"), "n1<1 (t2) | ");
        assert_eq!(shown("rpu"), " | n1<3");
        assert_eq!(shown("rpr"), "n1<1 (t2) n3<3 | ");
        let gone = |words: &str| {
            let history = History::of(&log(words), Path::new(ROOT), &trash());
            history.next_undo().1.map(|removal| removal.at.as_millis())
        };
        assert_eq!((gone("rp"), gone("rpr"), gone("rpru"), gone("rpuf")), (Some(2), None, Some(2), None));
    }

    #[test]
    fn what_is_in_the_trash_is_brought_back_and_removed_again_in_its_turn() {
        assert_eq!(shown("rt"), "n1<1 t2x2 | ");
        assert_eq!(shown("rtu"), "n1<1 | t2x2");
        assert_eq!(shown("rtuu"), " | t2x2 n1<4");
        assert_eq!(shown("rtuuf"), "n1<5 | t2x2");
        assert_eq!(shown("rtuuff"), "n1<5 t6x2 | ");
        assert_eq!(shown("rtuuffu"), "n1<5 | t6x2");
        assert_eq!(shown("tt"), "t1x2 t2x2 | ");
        assert_eq!(shown("ttuu"), " | t2x2 t1x2");
        assert_eq!(shown("rut"), "t3x2 | n1<2");
    }

    #[test]
    fn a_new_removal_ends_what_could_be_removed_again() {
        assert_eq!(shown("tut"), "t3x2 | ");
        assert_eq!(shown("tup"), "(t3) | ");
        assert_eq!(shown("rutut"), "t5x2 | n1<2", "a restore can be redone all the same");
    }

    #[test]
    fn what_is_no_longer_in_the_trash_is_gone_for_good() {
        let none = BTreeSet::new();
        assert_eq!(shown_with("rt", &none), "n1<1 (t2) | ");
        assert_eq!(shown_with("rtu", &none), "n1<1 | (t2)", "it was brought back");
        assert_eq!(shown_with("rtuf", &none), "n1<1 (t4) | ");
        let mut history = History::of(&log("rtt"), Path::new(ROOT), &none);
        assert!(history.ends_in_what_is_gone());
        history.settle(|_| false);
        assert_eq!(history.done.len(), 3);
        history.settle(|_| true);
        assert_eq!(
            (history.done.len(), history.undone.len()),
            (1, 2),
            "they are there, whatever the log says"
        );
    }

    #[test]
    fn a_line_that_is_there_twice_counts_once() {
        let log: Vec<LogEntry> = log("rruf").into_iter().flat_map(|line| [line.clone(), line]).collect();
        let of = |log: &[LogEntry]| History::of(log, Path::new(ROOT), &trash());
        assert_eq!(of(&log), of(&self::log("rruf")));
    }

    #[test]
    fn other_folders_failures_and_a_cut_log_do_no_harm() {
        assert_eq!(shown("roes"), "n1<1 | ");
        let log = log("rru");
        let cut = History::of(&log[2..], Path::new(ROOT), &trash());
        assert_eq!((cut.done.len(), cut.undone.len()), (0, 1));
    }
}
