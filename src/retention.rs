//! What pruning keeps and removes, with a reason for each.
//!
//! Pure: entries, a policy and the present moment go in, a plan comes out. The plan is shown
//! and then executed as it is.

use std::time::Duration;

use crate::timestamp::{Timestamp, age};

/// How long a safety snapshot is kept whatever the policy says: `snap undo` needs it.
pub const SAFETY: Duration = Duration::from_secs(7 * 86_400);

/// That many of the newest automatic snapshots are kept.
pub const AUTOMATIC: usize = 50;

/// And of older ones the last of each day, for so many days.
pub const AUTOMATIC_DAYS: i64 = 30;

/// What a person asked to keep and to remove.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Remove what is older.
    pub older_than: Option<Duration>,
    /// Keep that many of the newest.
    pub keep_last: Option<usize>,
}

/// What the plan needs to know of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// When it was saved.
    pub created_at: Timestamp,
    /// Whether it is pinned.
    pub pinned: bool,
    /// Whether it is a safety snapshot.
    pub safety: bool,
    /// Whether a hook made it; it is kept by a policy of its own and counts in no other.
    pub automatic: bool,
}

/// What happens to a snapshot, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it is kept.
    pub keep: bool,
    /// Why, for a person.
    pub reason: String,
}

impl Verdict {
    fn keep(reason: impl Into<String>) -> Verdict {
        Verdict { keep: true, reason: reason.into() }
    }

    fn remove(reason: impl Into<String>) -> Verdict {
        Verdict { keep: false, reason: reason.into() }
    }
}

/// Judges each snapshot, newest first; the verdicts are in the same order.
///
/// Pinned ones and young safety snapshots always stay. With `keep_last` alone, all but the
/// newest go; with `older_than` alone, all older ones go; with both, only what is old and
/// not among the newest. Automatic ones are not counted: [`AUTOMATIC`] of them and one a day
/// for [`AUTOMATIC_DAYS`] stay, unless `older_than` says that they are too old.
pub fn plan(newest_first: &[Candidate], policy: Policy, now: Timestamp) -> Vec<Verdict> {
    let mut rank = 0;
    let mut automatic = AutomaticSoFar::default();
    newest_first
        .iter()
        .map(|candidate| {
            let old = now.since(candidate.created_at);
            if candidate.automatic && !candidate.pinned {
                return automatic.judge(candidate, policy, now);
            }
            if !candidate.safety {
                rank += 1;
            }
            judge(candidate, policy, rank, old)
        })
        .collect()
}

/// The automatic snapshots judged so far.
#[derive(Default)]
struct AutomaticSoFar {
    number: usize,
    last_day: Option<i64>,
}

impl AutomaticSoFar {
    fn judge(&mut self, candidate: &Candidate, policy: Policy, now: Timestamp) -> Verdict {
        const DAY: i64 = 86_400_000;
        self.number += 1;
        let day = candidate.created_at.as_millis().div_euclid(DAY);
        let first_of_day = self.last_day.replace(day) != Some(day);
        let old = now.since(candidate.created_at);
        if let Some(limit) = policy.older_than.filter(|limit| old > *limit) {
            Verdict::remove(format!("automatic, {} old, older than {}", age(old), age(limit)))
        } else if self.number <= AUTOMATIC {
            Verdict::keep(format!("automatic, number {} of the newest {AUTOMATIC}", self.number))
        } else if first_of_day && now.as_millis().div_euclid(DAY) - day <= AUTOMATIC_DAYS {
            Verdict::keep("automatic, the last of its day")
        } else {
            Verdict::remove(format!("automatic, and {AUTOMATIC} are newer"))
        }
    }
}

fn judge(candidate: &Candidate, policy: Policy, rank: usize, old: Duration) -> Verdict {
    if candidate.pinned {
        return Verdict::keep("pinned");
    }
    if candidate.safety && old < SAFETY {
        return Verdict::keep("made for `snap undo` less than a week ago");
    }
    if let Some(last) = policy.keep_last.filter(|last| rank <= *last && !candidate.safety) {
        return Verdict::keep(format!("number {rank} of the newest {last}"));
    }
    match policy.older_than {
        Some(limit) if old > limit => Verdict::remove(format!("{} old, older than {}", age(old), age(limit))),
        Some(limit) => Verdict::keep(format!("{} old, not older than {}", age(old), age(limit))),
        None if policy.keep_last.is_some() => Verdict::remove("not among the newest"),
        None => Verdict::keep("nothing asked to remove it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000;

    fn saved(days_ago: i64) -> Candidate {
        Candidate {
            created_at: Timestamp::from_millis(100 * DAY - days_ago * DAY),
            pinned: false,
            safety: false,
            automatic: false,
        }
    }

    fn kept(candidates: &[Candidate], policy: Policy) -> Vec<bool> {
        plan(candidates, policy, Timestamp::from_millis(100 * DAY))
            .iter()
            .map(|verdict| verdict.keep)
            .collect()
    }

    fn days(days: u64) -> Option<Duration> {
        Some(Duration::from_secs(days * 86_400))
    }

    #[test]
    fn age_and_number_protect_each_other() {
        let all = [saved(1), saved(6), saved(8), saved(30)];
        let older_than = Policy { older_than: days(7), ..Policy::default() };
        assert_eq!(kept(&all, older_than), [true, true, false, false]);
        assert_eq!(kept(&all, Policy { keep_last: Some(3), ..older_than }), [true, true, true, false]);
        assert_eq!(kept(&all, Policy { keep_last: Some(1), older_than: None }), [true, false, false, false]);
        assert_eq!(kept(&all, Policy::default()), [true; 4]);
    }

    #[test]
    fn pins_and_young_safety_snapshots_always_stay() {
        let pinned = Candidate { pinned: true, ..saved(90) };
        let young = Candidate { safety: true, ..saved(6) };
        let aged = Candidate { safety: true, ..saved(8) };
        let policy = Policy { older_than: days(1), keep_last: Some(0) };
        assert_eq!(kept(&[young, aged, pinned], policy), [true, false, true]);
    }

    #[test]
    fn a_snapshot_from_the_future_is_not_old() {
        assert_eq!(kept(&[saved(-5)], Policy { older_than: days(0), keep_last: None }), [true]);
    }

    #[test]
    fn automatic_ones_are_kept_by_their_own_policy_and_count_in_no_other() {
        let automatic = |hours: i64| Candidate {
            created_at: Timestamp::from_millis(100 * DAY - hours * DAY / 24),
            automatic: true,
            ..saved(0)
        };
        let mut all: Vec<Candidate> = (0..60).map(automatic).collect();
        all.extend([saved(3), saved(4), automatic(200), automatic(201), automatic(24 * 40)]);
        all.push(Candidate { pinned: true, ..automatic(24 * 50) });
        let verdicts = kept(&all, Policy { keep_last: Some(1), older_than: None });
        assert_eq!(verdicts[..50], [true; 50]);
        // The 51st, of 50 hours ago, is of the same day as the one before it.
        assert_eq!(verdicts[50..60].iter().filter(|keep| **keep).count(), 0);
        assert_eq!(verdicts[60..], [true, false, true, false, false, true]);
        let old = Policy { older_than: Some(Duration::from_secs(7_200)), keep_last: None };
        assert_eq!(kept(&[automatic(1), automatic(3)], old), [true, false]);
    }
}
