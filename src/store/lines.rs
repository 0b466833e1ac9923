//! What is said of lines of work: their names, which were merged into which, and which are closed. A fold over lines of the log,
//! this store's own or fetched ones.
//!
//! Pure. It decides nothing but what is shown and which snapshot a name means: a line that somebody else wrote may say
//! anything.

use std::collections::{HashMap, HashSet};

use super::Store;
use super::log::{LogEntry, Operation};
use crate::base::ids::SnapshotId;
use crate::base::timestamp::Timestamp;

/// What is said of one snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineState {
    /// The name of the line of work that begins with it.
    pub name: Option<String>,
    /// That the line which ends with it is closed.
    pub closed: Option<Said>,
    /// That it was merged, each time into another snapshot, oldest first.
    pub merged: Vec<Said>,
}

/// Who did that, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// By whom.
    pub user: String,
    /// On which machine.
    pub host: String,
    /// When.
    pub at: Timestamp,
    /// Why, in the person's words.
    pub why: Option<String>,
    /// For a merge: the snapshot of the other line that was saved before it.
    pub into: Option<SnapshotId>,
}

/// What is said of all snapshots.
#[derive(Clone, Debug, Default)]
pub struct LineStates(HashMap<SnapshotId, LineState>);

impl LineStates {
    /// Reads it from lines of the log, oldest first.
    pub fn of<'e>(entries: impl IntoIterator<Item = &'e LogEntry>) -> LineStates {
        let mut states = LineStates::default();
        // Merges by the safety snapshot that leads back from each, and forward again.
        let mut merges: HashMap<SnapshotId, (SnapshotId, Said)> = HashMap::new();
        for entry in entries.into_iter().filter(|entry| entry.outcome.is_ok()) {
            let Some(id) = &entry.snapshot else { continue };
            match entry.operation {
                Operation::Branch => states.name(id, entry.note.clone()),
                Operation::Close => states.at(id).closed = Some(said(entry)),
                Operation::Reopen => states.at(id).closed = None,
                Operation::Merge => {
                    states.at(id).merged.push(said(entry));
                    if let Some(safety) = &entry.safety {
                        merges.insert(safety.clone(), (id.clone(), said(entry)));
                    }
                }
                Operation::Undo | Operation::Redo => {
                    let Some((merged, said)) = merges.get(id).cloned() else { continue };
                    let all = &mut states.at(&merged).merged;
                    all.retain(|one| *one != said);
                    if entry.operation == Operation::Redo {
                        all.push(said.clone());
                    }
                    if let Some(safety) = &entry.safety {
                        merges.insert(safety.clone(), (merged, said));
                    }
                }
                _ => {}
            }
        }
        states
    }

    /// Reads it from the log here and from lines of others, for who shows it: what they closed, reopened and merged. Their names
    /// are left out, because a name decides which snapshot a command means. A line that is in both counts once.
    pub fn of_all(own: &[LogEntry], others: &[LogEntry]) -> LineStates {
        let key = |entry: &LogEntry| (entry.at, entry.operation.word(), entry.snapshot.clone());
        let known: HashSet<_> = own.iter().map(key).collect();
        let is_new = |entry: &&LogEntry| entry.operation != Operation::Branch && !known.contains(&key(entry));
        let mut new = others.iter().filter(is_new).peekable();
        if new.peek().is_none() {
            return LineStates::of(own);
        }
        let mut all: Vec<&LogEntry> = own.iter().chain(new).collect();
        all.sort_by_key(|entry| entry.at);
        LineStates::of(all)
    }

    /// Returns what is said of a snapshot, if anything is.
    pub fn get(&self, id: &SnapshotId) -> Option<&LineState> {
        self.0.get(id).filter(|state| **state != LineState::default())
    }

    /// Returns the snapshot that the line of this name begins with.
    pub fn begin_of(&self, name: &str) -> Option<&SnapshotId> {
        self.0.iter().find(|(_, state)| state.name.as_deref() == Some(name)).map(|(id, _)| id)
    }

    /// Returns the names, each with the snapshot that its line begins with, in their order.
    pub fn names(&self) -> Vec<(&str, &SnapshotId)> {
        let mut all: Vec<_> =
            self.0.iter().filter_map(|(id, state)| Some((state.name.as_deref()?, id))).collect();
        all.sort_unstable();
        all
    }

    fn at(&mut self, id: &SnapshotId) -> &mut LineState {
        self.0.entry(id.clone()).or_default()
    }

    /// A name stands at one snapshot: the last one that got it. Without a name, the snapshot loses the one it has.
    fn name(&mut self, id: &SnapshotId, name: Option<String>) {
        if name.is_some() {
            self.0.values_mut().filter(|state| state.name == name).for_each(|state| state.name = None);
        }
        self.at(id).name = name;
    }
}

impl Store {
    /// Reads what is said of lines of work here. A log that can't be read says nothing.
    pub fn line_states(&self) -> LineStates {
        LineStates::of(&self.log_of_lines().unwrap_or_default())
    }

    /// The same, with what others say.
    pub fn line_states_with(&self, others: &[LogEntry]) -> LineStates {
        LineStates::of_all(&self.log_of_lines().unwrap_or_default(), others)
    }
}

fn said(entry: &LogEntry) -> Said {
    Said {
        user: entry.user.clone(),
        host: entry.host.clone(),
        at: entry.at,
        why: entry.note.clone(),
        into: entry.into.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::LogOutcome;

    fn id(number: u32) -> SnapshotId {
        SnapshotId::parse(&format!("{number:032x}")).expect("an id")
    }

    fn line(operation: Operation, snapshot: u32, note: Option<&str>, safety: Option<u32>) -> LogEntry {
        LogEntry {
            snapshot: Some(id(snapshot)),
            safety: safety.map(id),
            note: note.map(str::to_owned),
            ..LogEntry::begun(operation, Timestamp::from_millis(0), ("bob", "desk"))
        }
    }

    #[test]
    fn a_name_stands_at_the_last_snapshot_that_got_it() {
        let log = [
            line(Operation::Branch, 1, Some("a"), None),
            line(Operation::Branch, 2, Some("b"), None),
            line(Operation::Branch, 3, Some("a"), None),
            line(Operation::Branch, 2, None, None),
        ];
        let states = LineStates::of(&log);
        assert_eq!(states.names(), [("a", &id(3))]);
        assert_eq!(
            (states.begin_of("a"), states.begin_of("b"), states.get(&id(1))),
            (Some(&id(3)), None, None)
        );
    }

    #[test]
    fn what_is_closed_can_be_reopened_and_what_failed_says_nothing() {
        let mut log = vec![
            line(Operation::Close, 1, Some("done"), None),
            line(Operation::Close, 2, None, None),
            line(Operation::Reopen, 2, None, None),
        ];
        log.push(LogEntry { outcome: LogOutcome::Failed, ..line(Operation::Reopen, 1, None, None) });
        let states = LineStates::of(&log);
        let closed = states.get(&id(1)).and_then(|state| state.closed.clone());
        assert_eq!(closed.and_then(|closed| closed.why).as_deref(), Some("done"));
        assert_eq!(states.get(&id(2)), None);
    }

    #[test]
    fn others_say_what_is_closed_and_merged_but_name_nothing() {
        let at = |at: i64, line: LogEntry| LogEntry { at: Timestamp::from_millis(at), ..line };
        let own = [
            at(1, line(Operation::Branch, 1, Some("mine"), None)),
            at(5, line(Operation::Close, 2, Some("done"), None)),
        ];
        let others = [
            at(2, line(Operation::Branch, 3, Some("mine"), None)),
            at(3, line(Operation::Close, 1, Some("over"), None)),
            at(4, line(Operation::Merge, 1, None, Some(10))),
            own[1].clone(),
            at(6, line(Operation::Reopen, 2, None, None)),
        ];
        let states = LineStates::of_all(&own, &others);
        assert_eq!(states.names(), [("mine", &id(1))]);
        let one = states.get(&id(1)).expect("something is said");
        assert_eq!((one.closed.is_some(), one.merged.len()), (true, 1));
        assert_eq!(states.get(&id(2)), None, "reopened by somebody");
        assert_eq!(LineStates::of_all(&own, &[]).get(&id(1)).expect("its name").closed, None);
    }

    #[test]
    fn a_merge_that_was_undone_is_none_until_it_is_redone() {
        let merged = |log: &[LogEntry]| LineStates::of(log).get(&id(1)).map_or(0, |state| state.merged.len());
        let mut log = vec![line(Operation::Merge, 1, None, Some(10))];
        assert_eq!(merged(&log), 1);
        log.push(line(Operation::Undo, 10, None, Some(11)));
        assert_eq!(merged(&log), 0);
        log.push(line(Operation::Redo, 11, None, Some(12)));
        assert_eq!(merged(&log), 1);
        log.push(line(Operation::Undo, 12, None, Some(13)));
        assert_eq!(merged(&log), 0);
    }
}
