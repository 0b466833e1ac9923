//! Which snapshots of other lines of work are merged into what is in a work tree now.
//!
//! Told by this user's own lines of the log. In doubt, a snapshot does not count as merged: then a later merge asks about more than it
//! had to, and nothing is lost. So a merge on another branch of git does not count, and a rewind or a resume begins anew, with what
//! was merged into the snapshot that it brought back, and with that one itself if it is of here.

use std::collections::HashMap;

use crate::base::ids::SnapshotId;
use crate::base::paths::{NativePath, RepoPath};
use crate::manifest::{LastRestore, Manifest, Merged, SavedWorkspace};
use crate::store::{LogEntry, Operation, Reference, Store};

/// The most that a snapshot tells of; the newest.
const MOST: usize = 50;

/// Says in a snapshot that is about to be saved what is merged into it, and what was brought back last; `log` is this user's own.
pub(super) fn tell(store: &Store, log: &[LogEntry], manifest: &mut Manifest) {
    let now = Now::of(log, &manifest.workspace.root);
    manifest.last_restore = now.last_restore.clone().map(|RestoreHere { snapshot, safety, branch }| {
        LastRestore { snapshot, safety, left_branch: branch != manifest.workspace.branch }
    });
    (manifest.merged, manifest.taken) = now.merged_into(store, &manifest.workspace);
}

/// Returns what is merged into a work tree, oldest first; `log` is this user's own.
pub fn merged_into(store: &Store, log: &[LogEntry], place: &SavedWorkspace) -> Vec<Merged> {
    Now::of(log, &place.root).merged_into(store, place).0
}

/// What a work tree has, as far as the log tells.
#[derive(Clone, Debug, Default, PartialEq)]
struct Now {
    /// What was brought back last.
    brought_back: Option<BroughtBack>,
    /// What was merged since, oldest first.
    merges: Vec<Merge>,
    /// The last restore that set files.
    last_restore: Option<RestoreHere>,
}

/// A restore that set files, and the git branch that it was made on.
#[derive(Clone, Debug, PartialEq)]
struct RestoreHere {
    snapshot: SnapshotId,
    safety: SnapshotId,
    branch: Option<String>,
}

/// A snapshot that was brought back, by whom and on which machine.
#[derive(Clone, Debug, PartialEq)]
struct BroughtBack {
    snapshot: SnapshotId,
    user: String,
    host: String,
    left: Vec<RepoPath>,
    /// Whether all but `left` was taken.
    whole: bool,
}

#[derive(Clone, Debug, PartialEq)]
struct Merge {
    snapshot: SnapshotId,
    branch: Option<String>,
    left: Vec<RepoPath>,
    safety: Option<SnapshotId>,
}

impl Now {
    /// Returns what is merged, oldest first, and what was brought back last, if it is known how much of that was taken.
    fn merged_into(self, store: &Store, place: &SavedWorkspace) -> (Vec<Merged>, Option<Merged>) {
        let Now { brought_back, merges, .. } = self;
        let of_here = brought_back.as_ref().and_then(|back| {
            let found = store.find(&Reference::Named(back.snapshot.to_string())).ok()?.manifest.ok()?;
            let by = &found.created_by;
            // What somebody else merged is told by their own snapshots.
            let is_of_here = found.workspace.root == place.root
                && found.workspace.branch == place.branch
                && (&by.user, &by.host) == (&back.user, &back.host);
            is_of_here.then_some((found.merged, found.taken))
        });
        let whole = brought_back.filter(|back| back.whole);
        let back_here = of_here.as_ref().and(whole.as_ref());
        let back_here = back_here.map(|back| Merged {
            snapshot: back.snapshot.clone(),
            left: back.left.clone(),
            safety: None,
        });
        let taken = whole.map(|back| {
            let left = back.left;
            match of_here.as_ref().and_then(|(_, taken)| taken.clone()) {
                // It goes on from where that one came from.
                Some(before) => Merged { left: before.left.into_iter().chain(left).collect(), ..before },
                None => Merged { snapshot: back.snapshot, left, safety: None },
            }
        });
        let mut all = of_here.map(|(merged, _)| merged).unwrap_or_default();
        // Where parents don't lead back to it, because not all snapshots went to where this one is read.
        all.extend(back_here);
        for merge in merges.into_iter().filter(|merge| merge.branch == place.branch) {
            all.retain(|one| one.snapshot != merge.snapshot);
            all.push(Merged { snapshot: merge.snapshot, left: merge.left, safety: merge.safety });
        }
        all.drain(..all.len().saturating_sub(MOST));
        (all, taken)
    }

    fn of(log: &[LogEntry], root: &NativePath) -> Now {
        let mut now = Now::default();
        // What there was before each restore, by the safety snapshot that leads back to it.
        let mut back: HashMap<&SnapshotId, Now> = HashMap::new();
        // What brings removed snapshots back sets no files here.
        let is_of_here = |entry: &&LogEntry| {
            let is_restore = entry.operation.is_restore() && entry.batch.is_none();
            entry.outcome.is_ok() && is_restore && entry.root.as_ref() == Some(root)
        };
        for entry in log.iter().filter(is_of_here) {
            let Some(id) = &entry.snapshot else { continue };
            let before = now.clone();
            let last_restore = |safety: Option<&SnapshotId>| {
                Some(RestoreHere {
                    snapshot: id.clone(),
                    safety: safety?.clone(),
                    branch: entry.branch.clone(),
                })
            };
            match (entry.operation, &entry.safety) {
                (Operation::Merge, safety) => {
                    now.merges.retain(|merge| merge.snapshot != *id);
                    now.merges.push(Merge {
                        snapshot: id.clone(),
                        branch: entry.branch.clone(),
                        left: entry.left.clone(),
                        safety: safety.clone(),
                    });
                }
                (Operation::Undo | Operation::Redo, safety) => {
                    // Of what nobody knows any more, no other snapshot is an earlier state.
                    let unknown = Now { last_restore: last_restore(safety.as_ref()), ..Now::default() };
                    now = back.get(id).cloned().unwrap_or(unknown);
                }
                // Without a safety snapshot, no file was set.
                (_, None) => {}
                (_, Some(safety)) => {
                    let brought_back = BroughtBack {
                        snapshot: id.clone(),
                        user: entry.user.clone(),
                        host: entry.host.clone(),
                        left: entry.left.clone(),
                        whole: entry.whole,
                    };
                    now = Now {
                        brought_back: Some(brought_back),
                        merges: Vec::new(),
                        last_restore: last_restore(Some(safety)),
                    };
                }
            }
            // A step that set no file made none: the one that leads back from it has the same.
            let is_step = matches!(entry.operation, Operation::Undo | Operation::Redo);
            if let Some(safety) = entry.safety.as_ref().or(is_step.then_some(id)) {
                back.insert(safety, before);
            }
        }
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::timestamp::Timestamp;

    fn id(number: u32) -> SnapshotId {
        SnapshotId::parse(&format!("{number:032x}")).expect("an id")
    }

    fn line(operation: Operation, snapshot: u32, safety: Option<u32>) -> LogEntry {
        LogEntry {
            snapshot: Some(id(snapshot)),
            safety: safety.map(id),
            root: Some(std::path::Path::new("/w").into()),
            ..LogEntry::begun(operation, Timestamp::from_millis(0), ("bob", "desk"))
        }
    }

    fn merged(log: &[LogEntry]) -> Vec<SnapshotId> {
        let root = std::path::Path::new("/w").into();
        Now::of(log, &root).merges.into_iter().map(|merge| merge.snapshot).collect()
    }

    #[test]
    fn what_is_undone_is_not_merged_until_it_is_redone() {
        let mut log = vec![line(Operation::Merge, 1, Some(10)), line(Operation::Merge, 2, Some(11))];
        assert_eq!(merged(&log), [id(1), id(2)]);
        log.push(line(Operation::Undo, 11, Some(12)));
        assert_eq!(merged(&log), [id(1)]);
        log.push(line(Operation::Redo, 12, Some(13)));
        assert_eq!(merged(&log), [id(1), id(2)]);
        log.push(line(Operation::Undo, 99, Some(14)));
        assert_eq!(merged(&log), [], "nobody knows what that brought back");
    }

    #[test]
    fn a_removal_that_is_undone_changes_nothing_of_what_is_merged() {
        let mut log = vec![line(Operation::Merge, 1, Some(10))];
        log.push(LogEntry { batch: Some(id(20)), ..line(Operation::Undo, 2, None) });
        assert_eq!(merged(&log), [id(1)]);
    }

    #[test]
    fn a_rewind_begins_anew_and_its_undo_brings_the_merges_back() {
        let mut log = vec![line(Operation::Merge, 1, Some(10)), line(Operation::Rewind, 5, Some(11))];
        assert_eq!(merged(&log), []);
        log.push(line(Operation::Undo, 11, Some(12)));
        assert_eq!(merged(&log), [id(1)]);
        let elsewhere = LogEntry { root: None, ..line(Operation::Merge, 7, None) };
        let failed =
            LogEntry { outcome: crate::store::LogOutcome::Failed, ..line(Operation::Merge, 8, None) };
        log.extend([elsewhere, failed, line(Operation::Resume, 9, None)]);
        assert_eq!(merged(&log), [id(1)], "no file was set");
    }
}
