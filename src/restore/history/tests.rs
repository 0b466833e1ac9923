//! Tests: what logs of words lead to.

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
/// the history so far; `x` and `y` an undo and a redo
/// for which nothing has to be done, `t` a removal into the trash, of two snapshots,
/// `p` one that is gone at once, `o` a restore elsewhere.
fn log(words: &str) -> Vec<LogEntry> {
    let mut log: Vec<LogEntry> = Vec::new();
    for (at, word) in (1..).zip(words.chars()) {
        let now = History::of(&log, Path::new(ROOT), &trash());
        let goal = |act: Option<&Act>| match act {
            Some(Act::Restored(one)) => {
                one.there.as_ref().or(one.behind.as_ref()).map(|side| side.safety.clone())
            }
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
        match (word, now.next_undo().act, now.next_redo().act) {
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
            ('y', _, act) => log.push(LogEntry { snapshot: goal(act), ..line(Operation::Redo, at) }),
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
                let safety = one.there.as_ref().map_or("-".to_owned(), |side| side.safety.to_string());
                format!("{}<{}", one.what.name, safety.trim_start_matches('0'))
            }
            Act::Removed(one) if one.in_trash => format!("t{}x{}", one.at.as_millis(), one.names.len()),
            Act::Removed(one) => format!("(t{})", one.at.as_millis()),
            Act::Unchanged(one) => format!("({})", one.name),
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
    assert_eq!(shown("rrun"), "n1<1 (n4) | n2<3", "unless it changes nothing");
}

#[test]
fn a_restore_that_changes_nothing_is_passed_over_in_both_directions() {
    assert_eq!(shown("rn"), "n1<1 (n2) | ");
    assert_eq!(shown("rnu"), " | (n2) n1<3");
    assert_eq!(shown("rnuf"), "n1<4 | (n2)");
    assert_eq!(shown("rnru"), "n1<1 (n2) | n3<4");
    assert_eq!(shown("rnruu"), " | n3<4 (n2) n1<5");
    assert_eq!(shown("rnruuff"), "n1<6 (n2) n3<7 | ");
    assert_eq!(shown("rtnu"), "n1<1 | (n3) t2x2");
    assert_eq!(shown("rtnuf"), "n1<1 t5x2 | (n3)");
    assert_eq!(shown("rnp"), "n1<1 (n2) (t3) | ");
    let passed = |words: &str| {
        let history = History::of(&log(words), Path::new(ROOT), &trash());
        let [undo, redo] = [history.next_undo(), history.next_redo()].map(|next| next.passed().len());
        (undo, redo)
    };
    assert_eq!(
        (passed("rn"), passed("rnn"), passed("rnu"), passed("rnruuf")),
        ((1, 0), (2, 0), (0, 0), (0, 1))
    );
}

#[test]
fn a_step_that_sets_nothing_is_a_step_all_the_same() {
    assert_eq!(shown("rrx"), "n1<1 | n2<-");
    assert_eq!(shown("rrxu"), " | n2<- n1<4");
    assert_eq!(shown("rrxy"), "n1<1 n2<2 | ", "and leaves the way back as it was");
    assert_eq!(shown("rrux"), " | n2<3 n1<-");
    assert_eq!(shown("rruxyf"), "n1<1 n2<6 | ");
    assert_eq!(shown("ruy"), "n1<1 | ");
    assert_eq!(shown("ruyu"), " | n1<4");
    assert_eq!(shown("rufx"), " | n1<2");
}

#[test]
fn a_line_without_a_safety_snapshot_that_is_there_twice_counts_once() {
    let log: Vec<LogEntry> = log("rrx").into_iter().flat_map(|line| [line.clone(), line]).collect();
    let of = |log: &[LogEntry]| History::of(log, Path::new(ROOT), &trash());
    assert_eq!(of(&log), of(&self::log("rrx")));
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
        history.next_undo().gone.map(|removal| removal.at.as_millis())
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
    assert_eq!((history.done.len(), history.undone.len()), (1, 2), "they are there, whatever the log says");
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
