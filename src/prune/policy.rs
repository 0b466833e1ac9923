//! What pruning keeps and removes, with a reason for each.
//!
//! Pure: entries, a policy and the present moment go in, a plan comes out. The plan is shown
//! and then executed as it is.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::base::timestamp::{Timestamp, age};
use crate::settings::{self, Settings};

/// How long a safety snapshot is kept whatever the policy says: `snap undo` needs it.
pub(super) const SAFETY: Duration = Duration::from_secs(7 * 86_400);

/// That many of the newest automatic snapshots are kept.
pub(super) const AUTOMATIC: usize = 50;

/// And of older ones the last of each day, for so many days.
pub(super) const AUTOMATIC_DAYS: i64 = 30;

const DAY: i64 = 86_400_000;

/// How far ahead of ours the clock of whoever saved a snapshot may be.
const CLOCKS_APART: Duration = Duration::from_secs(86_400);

/// What is kept of the snapshots that `snap` makes by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// That many of the newest automatic snapshots are kept,
    pub automatic: usize,
    /// and of older ones the last of each day, for so many days.
    pub automatic_days: i64,
    /// How long a safety snapshot is kept whatever the policy says: `snap undo` needs it.
    pub safety: Duration,
}

impl Default for Retention {
    fn default() -> Retention {
        Retention { automatic: AUTOMATIC, automatic_days: AUTOMATIC_DAYS, safety: SAFETY }
    }
}

impl Retention {
    /// Returns what the user's settings say.
    pub fn of(settings: &Settings) -> Retention {
        let usual = Retention::default();
        let days = settings.number(settings::AUTOMATIC_DAYS).and_then(|days| i64::try_from(days).ok());
        Retention {
            automatic: settings.count(settings::AUTOMATIC).unwrap_or(usual.automatic),
            automatic_days: days.unwrap_or(usual.automatic_days),
            safety: settings.span(settings::SAFETY).unwrap_or(usual.safety),
        }
    }
}

/// What a person asked to keep and to remove.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// What is kept of what `snap` makes by itself; that alone asks for nothing.
    pub retention: Retention,
    /// Remove what is older.
    pub older_than: Option<Duration>,
    /// Keep that many of the newest.
    pub keep_last: Option<usize>,
    /// Keep the newest of each day, for so many days that have one.
    pub keep_daily: Option<usize>,
    /// Keep the newest of each week (from Monday, UTC), for so many weeks that have one.
    pub keep_weekly: Option<usize>,
    /// Remove the oldest of the rest until all together need at most so many bytes on disk.
    pub max_size: Option<u64>,
}

impl Policy {
    /// Says whether it names anything to keep.
    fn keeps(&self) -> bool {
        self.keep_last.or(self.keep_daily).or(self.keep_weekly).is_some()
    }

    /// Says whether it asks for anything at all.
    pub fn is_empty(&self) -> bool {
        *self == Policy { retention: self.retention, ..Policy::default() }
    }
}

/// What the plan needs to know of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    /// When it was saved.
    pub created_at: Timestamp,
    /// Whether it is pinned.
    pub pinned: bool,
    /// Whether it is a safety snapshot.
    pub safety: bool,
    /// Whether a hook made it; it is kept by a policy of its own, and `older_than` applies to it too. In other policies it does not count.
    pub automatic: bool,
    /// Whether it is the user's own. The others are counted separately. Snapshots that came with a
    /// clone never take the place of the user's own, whatever their dates.
    pub own: bool,
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
    pub(super) fn keep(reason: impl Into<String>) -> Verdict {
        Verdict { keep: true, reason: reason.into() }
    }

    pub(super) fn remove(reason: impl Into<String>) -> Verdict {
        Verdict { keep: false, reason: reason.into() }
    }
}

/// Says whether a snapshot can have been saved then: not before there were computers, and not in the future.
pub(super) fn is_believable(created_at: Timestamp, now: Timestamp) -> bool {
    created_at.as_millis() > 0 && created_at.since(now) <= CLOCKS_APART
}

/// Decides about each snapshot, newest first; the verdicts are in the same order.
///
/// Pinned ones and young safety snapshots always stay. With only rules that keep, all others are
/// removed. With only `older_than`, all older ones are removed. With both, only those that are old and
/// that no rule keeps. Automatic ones are not counted: [`AUTOMATIC`] of them and one a day for
/// [`AUTOMATIC_DAYS`] stay, unless `older_than` says that they are too old. Snapshots that are not the
/// user's own follow the same rules and are counted separately. `max_size` is [`limit_size`]'s.
pub(super) fn plan(newest_first: &[Candidate], policy: Policy, now: Timestamp) -> Vec<Verdict> {
    // Otherwise two snapshots would be called the first of the newest.
    let whose = ", among those that are not your own";
    let (mut own, mut others) = (SoFar::default(), SoFar { whose, ..SoFar::default() });
    let judge = |candidate: &Candidate| {
        if candidate.own { own.judge(candidate, policy, now) } else { others.judge(candidate, policy, now) }
    };
    newest_first.iter().map(judge).collect()
}

/// The snapshots judged so far that count together.
#[derive(Default)]
struct SoFar {
    /// What is said of them, if they are not the user's own.
    whose: &'static str,
    rank: usize,
    automatic: AutomaticSoFar,
    days: Periods,
    weeks: Periods,
}

impl SoFar {
    fn judge(&mut self, candidate: &Candidate, policy: Policy, now: Timestamp) -> Verdict {
        if candidate.automatic && !candidate.pinned {
            return self.automatic.judge(candidate, self.whose, policy, now);
        }
        if let Some(verdict) = protected(candidate, policy.retention, now) {
            return verdict;
        }
        if candidate.safety {
            return by_age(candidate, policy, now);
        }
        self.rank += 1;
        let whose = self.whose;
        let day = candidate.created_at.as_millis().div_euclid(DAY);
        let of_day = self.days.first(day);
        // 1970 began on a Thursday.
        let of_week = self.weeks.first((day + 3).div_euclid(7));
        if let Some(last) = policy.keep_last.filter(|last| self.rank <= *last) {
            return Verdict::keep(format!("number {} of the newest {last}{whose}", self.rank));
        }
        if let (Some(number), Some(limit)) = (of_day, policy.keep_daily)
            && number <= limit
        {
            return Verdict::keep(format!("the newest of its day, {number} of {limit}{whose}"));
        }
        if let (Some(number), Some(limit)) = (of_week, policy.keep_weekly)
            && number <= limit
        {
            return Verdict::keep(format!("the newest of its week, {number} of {limit}{whose}"));
        }
        by_age(candidate, policy, now)
    }
}

/// Changes verdicts to removal, oldest first, until the kept snapshots need at most `limit` bytes on
/// disk.
///
/// Files that several snapshots need count once. Pinned ones and young safety snapshots stay, even
/// above the limit. Snapshots that are not the user's own are removed before any that is. `pieces`
/// gives the files of each snapshot, in the order of the candidates: each by what is the same for all snapshots that need
/// it, and its bytes on disk.
pub(super) fn limit_size<P: Ord>(
    newest_first: &[Candidate],
    pieces: &[Vec<(P, u64)>],
    verdicts: &mut [Verdict],
    limit: u64,
    retention: Retention,
    now: Timestamp,
) {
    let mut needed = BTreeSet::new();
    let mut total: u64 = 0;
    let stays = |candidate: &Candidate| protected(candidate, retention, now).is_some();
    // The user's own first; of each, what stays whatever the limit, then the newest.
    for (own, first) in [(true, true), (true, false), (false, true), (false, false)] {
        for ((candidate, pieces), verdict) in newest_first.iter().zip(pieces).zip(verdicts.iter_mut()) {
            if !verdict.keep || candidate.own != own || stays(candidate) != first {
                continue;
            }
            let new: Vec<&(P, u64)> = pieces.iter().filter(|(name, _)| !needed.contains(name)).collect();
            let more: u64 = new.iter().map(|(_, bytes)| bytes).sum();
            if !first && total.saturating_add(more) > limit {
                *verdict = Verdict::remove("over the size limit, together with newer ones");
                // Nothing older is kept in its place.
                total = u64::MAX;
                continue;
            }
            total = total.saturating_add(more);
            needed.extend(new.into_iter().map(|(name, _)| name));
        }
    }
}

/// Counts periods that have a snapshot.
#[derive(Default)]
struct Periods {
    number: usize,
    last: Option<i64>,
}

impl Periods {
    /// If this is the first one seen of its period, which period that is, from 1.
    fn first(&mut self, period: i64) -> Option<usize> {
        if self.last.replace(period) == Some(period) {
            return None;
        }
        self.number += 1;
        Some(self.number)
    }
}

/// The automatic snapshots judged so far.
#[derive(Default)]
struct AutomaticSoFar {
    number: usize,
    days: Periods,
}

impl AutomaticSoFar {
    fn judge(&mut self, candidate: &Candidate, whose: &str, policy: Policy, now: Timestamp) -> Verdict {
        self.number += 1;
        let day = candidate.created_at.as_millis().div_euclid(DAY);
        let first_of_day = self.days.first(day).is_some();
        let old = now.since(candidate.created_at);
        if let Some(limit) = policy.older_than.filter(|limit| old > *limit) {
            Verdict::remove(format!("automatic, {} old, older than {}", age(old), age(limit)))
        } else if self.number <= policy.retention.automatic {
            let newest = policy.retention.automatic;
            Verdict::keep(format!("automatic, number {} of the newest {newest}{whose}", self.number))
        } else if first_of_day && now.as_millis().div_euclid(DAY) - day <= policy.retention.automatic_days {
            Verdict::keep(format!("automatic, the last of its day{whose}"))
        } else {
            Verdict::remove(format!("automatic, and {} are newer", policy.retention.automatic))
        }
    }
}

/// Says why a snapshot stays whatever is asked, if it does.
fn protected(candidate: &Candidate, retention: Retention, now: Timestamp) -> Option<Verdict> {
    if candidate.pinned {
        return Some(Verdict::keep("pinned"));
    }
    let young = now.since(candidate.created_at) < retention.safety;
    let why = match retention.safety {
        SAFETY => "made for `snap undo` less than a week ago".to_owned(),
        span => format!("made for `snap undo` less than {} ago", age(span)),
    };
    (candidate.safety && young).then(|| Verdict::keep(why))
}

fn by_age(candidate: &Candidate, policy: Policy, now: Timestamp) -> Verdict {
    let old = now.since(candidate.created_at);
    match policy.older_than {
        Some(limit) if old > limit => Verdict::remove(format!("{} old, older than {}", age(old), age(limit))),
        Some(limit) if age(old) == "now" => {
            Verdict::keep(format!("just made, not older than {}", age(limit)))
        }
        Some(limit) => Verdict::keep(format!("{} old, not older than {}", age(old), age(limit))),
        None if policy.keeps() => Verdict::remove("no rule keeps it"),
        None => Verdict::keep("no rule removes it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saved(days_ago: i64) -> Candidate {
        Candidate {
            created_at: Timestamp::from_millis(100 * DAY - days_ago * DAY),
            pinned: false,
            safety: false,
            automatic: false,
            own: true,
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
        assert_eq!(
            kept(&all, Policy { keep_last: Some(1), ..Policy::default() }),
            [true, false, false, false]
        );
        assert_eq!(kept(&all, Policy::default()), [true; 4]);
    }

    #[test]
    fn pins_and_young_safety_snapshots_always_stay() {
        let pinned = Candidate { pinned: true, ..saved(90) };
        let young = Candidate { safety: true, ..saved(6) };
        let aged = Candidate { safety: true, ..saved(8) };
        let policy = Policy { older_than: days(1), keep_last: Some(0), ..Policy::default() };
        assert_eq!(kept(&[young, aged, pinned], policy), [true, false, true]);
    }

    #[test]
    fn what_is_exactly_as_old_as_the_limit_is_not_older() {
        let automatic = |days_ago| Candidate { automatic: true, ..saved(days_ago) };
        let policy = Policy { older_than: days(7), ..Policy::default() };
        assert_eq!(
            kept(&[automatic(7), saved(7), automatic(8), saved(8)], policy),
            [true, true, false, false]
        );
        let safety = Candidate { safety: true, ..saved(7) };
        assert_eq!(kept(&[safety], Policy { older_than: days(1), ..Policy::default() }), [false]);
        let newest = std::iter::repeat_n(automatic(0), AUTOMATIC);
        let all: Vec<Candidate> = newest.chain([automatic(30), automatic(31)]).collect();
        assert_eq!(kept(&all, Policy::default())[AUTOMATIC..], [true, false]);
    }

    #[test]
    fn the_users_settings_say_how_much_of_what_was_made_by_itself_is_kept() {
        let settings = "[keep]\nautomatic = 2\nautomatic_days = 3\nsafety = \"2d\"\n";
        let retention = Retention::of(&Settings::parse(settings).expect("settings"));
        let policy = Policy { retention, older_than: days(1), ..Policy::default() };
        assert!(Policy { retention, ..Policy::default() }.is_empty());
        let safety = |days_ago| Candidate { safety: true, ..saved(days_ago) };
        assert_eq!(kept(&[safety(1), safety(2), safety(6)], policy), [true, false, false]);
        let automatic = |days_ago| Candidate { automatic: true, ..saved(days_ago) };
        let all = [0, 0, 0, 2, 3, 4].map(automatic);
        let policy = Policy { retention, ..Policy::default() };
        assert_eq!(kept(&all, policy), [true, true, false, true, true, false]);
    }

    #[test]
    fn only_a_policy_that_asks_for_something_is_one() {
        assert!(Policy::default().is_empty());
        assert!(!Policy { max_size: Some(0), ..Policy::default() }.is_empty());
        assert!(!Policy { keep_last: Some(0), ..Policy::default() }.is_empty());
    }

    #[test]
    fn a_moment_before_computers_or_in_the_future_is_not_believed() {
        let now = 100 * DAY;
        let table =
            [(-1, false), (0, false), (1, true), (now, true), (now + DAY, true), (now + DAY + 1, false)];
        for (saved, believed) in table {
            let is = is_believable(Timestamp::from_millis(saved), Timestamp::from_millis(now));
            assert_eq!(is, believed, "{saved}");
        }
    }

    #[test]
    fn no_two_snapshots_are_told_to_be_the_same_one_of_the_newest() {
        let foreign = |one: Candidate| Candidate { own: false, ..one };
        let automatic = |days_ago| Candidate { automatic: true, ..saved(days_ago) };
        let all =
            [saved(1), foreign(saved(1)), saved(2), foreign(saved(2)), automatic(3), foreign(automatic(3))];
        let reasons = |policy| -> Vec<String> {
            let verdicts = plan(&all, policy, Timestamp::from_millis(100 * DAY));
            verdicts.into_iter().map(|verdict| verdict.reason).collect()
        };
        let last = reasons(Policy { keep_last: Some(3), ..Policy::default() });
        assert_eq!(last[0], "number 1 of the newest 3");
        assert_eq!(last[1], "number 1 of the newest 3, among those that are not your own");
        for policy in [
            Policy { keep_last: Some(3), ..Policy::default() },
            Policy { keep_daily: Some(3), ..Policy::default() },
            Policy { keep_weekly: Some(3), ..Policy::default() },
        ] {
            let counted: Vec<String> =
                reasons(policy).into_iter().filter(|reason| reason.contains(" of ")).collect();
            let different: BTreeSet<&String> = counted.iter().collect();
            assert_eq!(different.len(), counted.len(), "{counted:?}");
        }
    }

    #[test]
    fn a_snapshot_from_the_future_is_not_old() {
        assert_eq!(kept(&[saved(-5)], Policy { older_than: days(0), ..Policy::default() }), [true]);
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
        let verdicts = kept(&all, Policy { keep_last: Some(1), ..Policy::default() });
        assert_eq!(verdicts[..50], [true; 50]);
        // The 51st, of 50 hours ago, is of the same day as the one before it.
        assert_eq!(verdicts[50..60].iter().filter(|keep| **keep).count(), 0);
        assert_eq!(verdicts[60..], [true, false, true, false, false, true]);
        let old = Policy { older_than: Some(Duration::from_secs(7_200)), ..Policy::default() };
        assert_eq!(kept(&[automatic(1), automatic(3)], old), [true, false]);
    }

    #[test]
    fn what_is_not_the_users_own_takes_the_place_of_nothing_that_is() {
        let foreign = |candidate: Candidate| Candidate { own: false, ..candidate };
        let automatic = |days_ago| Candidate { automatic: true, ..saved(days_ago) };
        let mut all: Vec<Candidate> = (0..60).map(|number| foreign(automatic(-1_000 - number))).collect();
        all.extend((0..4).map(|number| foreign(saved(-100 - number))));
        all.extend([saved(1), saved(2), saved(3), automatic(4), automatic(5)]);
        let last = Policy { keep_last: Some(2), ..Policy::default() };
        let verdicts = kept(&all, last);
        assert_eq!(verdicts[64..], [true, true, false, true, true], "as if the others were not there");
        assert_eq!(verdicts[60..64], [true, true, false, false], "the others among themselves");
        let now = Timestamp::from_millis(100 * DAY);
        let all = [foreign(Candidate { pinned: true, ..saved(-9) }), foreign(saved(-8)), saved(1), saved(2)];
        let pieces: Vec<Vec<(String, u64)>> = (0..4).map(|number| vec![(format!("{number}"), 10)]).collect();
        let mut verdicts = plan(&all, Policy { max_size: Some(20), ..Policy::default() }, now);
        limit_size(&all, &pieces, &mut verdicts, 20, Retention::default(), now);
        assert_eq!(verdicts.iter().map(|one| one.keep).collect::<Vec<_>>(), [true, false, true, true]);
    }

    #[test]
    fn days_and_weeks_count_only_where_there_is_a_snapshot() {
        // Day 100 was a Saturday: 0 to 5 days ago is one week, 6 to 12 the one before.
        let all = [saved(0), saved(0), saved(2), saved(6), saved(7), saved(40)];
        let daily = Policy { keep_daily: Some(3), ..Policy::default() };
        assert_eq!(kept(&all, daily), [true, false, true, true, false, false]);
        let weekly = Policy { keep_weekly: Some(3), ..Policy::default() };
        assert_eq!(kept(&all, weekly), [true, false, false, true, false, true]);
        let both = Policy { keep_last: Some(2), ..weekly };
        assert_eq!(kept(&all, both), [true, true, false, true, false, true]);
    }

    #[test]
    fn the_oldest_go_until_the_rest_fits_and_shared_pieces_count_once() {
        let now = Timestamp::from_millis(100 * DAY);
        let piece = |name: &str, bytes| (name.to_owned(), bytes);
        let all = [saved(0), saved(1), saved(2), Candidate { pinned: true, ..saved(3) }];
        let pieces = [
            vec![piece("shared", 50), piece("a", 10)],
            vec![piece("shared", 50), piece("b", 10)],
            vec![piece("c", 30)],
            vec![piece("pinned", 30)],
        ];
        let fits = |limit| {
            let mut verdicts = plan(&all, Policy { max_size: Some(limit), ..Policy::default() }, now);
            limit_size(&all, &pieces, &mut verdicts, limit, Retention::default(), now);
            verdicts.iter().map(|verdict| verdict.keep).collect::<Vec<_>>()
        };
        assert_eq!(fits(130), [true, true, true, true]);
        assert_eq!(fits(129), [true, true, false, true]);
        assert_eq!(fits(90), [true, false, false, true]);
        assert_eq!(fits(0), [false, false, false, true]);
    }
}
