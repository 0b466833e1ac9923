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
use crate::store::{LogEntry, LogOutcome, MovedBranch, Operation};

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
    pub removed: Option<(Operation, Timestamp)>,
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
}

/// Which steps can be taken from here; the last of each list is the next one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct History {
    /// Restores that are not undone.
    pub done: Vec<Reversal>,
    /// Restores that were undone and can be redone.
    pub undone: Vec<Reversal>,
    /// Snapshots were removed here after all that: the command, and when.
    pub removed: Option<(Operation, Timestamp)>,
    /// The last restore here, if none of them changed a file.
    pub changed_nothing: Option<String>,
}

impl History {
    /// Reads what was done in one work tree; `log` is oldest first.
    pub(super) fn of(log: &[LogEntry], root: &Path) -> History {
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
            match entry.operation {
                Operation::Resume | Operation::Rewind => history.restored(entry),
                Operation::Undo | Operation::Redo => history.stepped(entry),
                Operation::Prune | Operation::Remove => history.removed = Some((entry.operation, entry.at)),
                _ => {}
            }
        }
        history
    }

    fn restored(&mut self, entry: &LogEntry) {
        let Some(safety) = entry.safety.clone() else {
            // What changed no file leaves the one before it to be undone.
            self.changed_nothing = Some(entry.name.clone());
            return;
        };
        self.undone.clear();
        self.removed = None;
        self.done.push(Reversal { what: what(entry), safety, moved: entry.moved.clone() });
    }

    fn stepped(&mut self, entry: &LogEntry) {
        self.removed = None;
        let position =
            |list: &[Reversal]| list.iter().rposition(|one| entry.snapshot.as_ref() == Some(&one.safety));
        let (taken, to) = if let Some(at) = position(&self.done) {
            (Some(self.done.remove(at)), &mut self.undone)
        } else if let Some(at) = position(&self.undone) {
            (Some(self.undone.remove(at)), &mut self.done)
        } else {
            // The log is bounded: what it went back to may be in the half that is gone.
            (None, if entry.operation == Operation::Redo { &mut self.done } else { &mut self.undone })
        };
        // A step for which nothing had to be done needs no way back.
        if let Some(safety) = entry.safety.clone() {
            let what = taken.map_or_else(|| what(entry), |taken| taken.what);
            to.push(Reversal { what, safety, moved: entry.moved.clone() });
        }
    }
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
            at: Timestamp::from_millis(at),
            operation,
            snapshot: None,
            name: format!("n{at}"),
            user: String::new(),
            host: String::new(),
            session: None,
            root: Some(NativePath::from(Path::new(ROOT))),
            safety: None,
            moved: None,
            peer: None,
            outcome: LogOutcome::Ok,
            reason: None,
            own: true,
        }
    }

    /// A log of words: `r` a restore, `n` one that changes nothing, `u` and `r` as the program would, from
    /// the history so far; `x` an undo for which nothing has to be done, `p` a removal, `o` a restore elsewhere.
    fn log(words: &str) -> Vec<LogEntry> {
        let mut log: Vec<LogEntry> = Vec::new();
        for (at, word) in (1..).zip(words.chars()) {
            let now = History::of(&log, Path::new(ROOT));
            let goal = |list: &[Reversal]| list.last().map(|one| one.safety.clone());
            let safety = Some(id(u32::try_from(at).expect("small")));
            log.push(match word {
                'r' => LogEntry { safety, ..line(Operation::Resume, at) },
                'n' => line(Operation::Rewind, at),
                'u' => LogEntry { safety, snapshot: goal(&now.done), ..line(Operation::Undo, at) },
                'x' => LogEntry { snapshot: goal(&now.done), ..line(Operation::Undo, at) },
                'f' => LogEntry { safety, snapshot: goal(&now.undone), ..line(Operation::Redo, at) },
                // As an earlier version went forward again.
                'b' => LogEntry { safety, snapshot: goal(&now.undone), ..line(Operation::Undo, at) },
                'p' => line(Operation::Prune, at),
                'o' => LogEntry {
                    safety,
                    root: Some(NativePath::from(Path::new("/o"))),
                    ..line(Operation::Resume, at)
                },
                'e' => LogEntry { safety, outcome: LogOutcome::Failed, ..line(Operation::Resume, at) },
                _ => line(Operation::Save, at),
            });
        }
        log
    }

    /// Which restores are not undone and which can be redone, by the number of their word; each with the number of
    /// the word whose safety snapshot is gone back to.
    fn shown(words: &str) -> String {
        let history = History::of(&log(words), Path::new(ROOT));
        let list = |list: &[Reversal]| {
            let each = list.iter().map(|one| {
                let safety = one.safety.to_string();
                format!("{}<{}", one.what.name, safety.trim_start_matches('0'))
            });
            each.collect::<Vec<String>>().join(" ")
        };
        let removed = if history.removed.is_some() { " removed" } else { "" };
        format!("{} | {}{removed}", list(&history.done), list(&history.undone))
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
        assert_eq!(shown("rp"), "n1<1 |  removed");
        assert_eq!(shown("rpu"), " | n1<3");
        assert_eq!(shown("rpr"), "n1<1 n3<3 | ");
    }

    #[test]
    fn a_line_that_is_there_twice_counts_once() {
        let log: Vec<LogEntry> = log("rruf").into_iter().flat_map(|line| [line.clone(), line]).collect();
        assert_eq!(History::of(&log, Path::new(ROOT)), History::of(&self::log("rruf"), Path::new(ROOT)));
    }

    #[test]
    fn other_folders_failures_and_a_cut_log_do_no_harm() {
        assert_eq!(shown("roes"), "n1<1 | ");
        let log = log("rru");
        let cut = History::of(&log[2..], Path::new(ROOT));
        assert_eq!((cut.done.len(), cut.undone.len()), (0, 1));
    }
}
