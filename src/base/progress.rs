//! How far something long is: two numbers that one thread writes and another one shows.
//!
//! Pure but for being shared. Nothing is shown as long as nothing is known: a connection that is
//! being made may have a question of its own on the terminal.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// How much of how much is done; nothing of nothing at first.
#[derive(Debug, Default)]
pub struct Progress {
    done: AtomicU64,
    all: AtomicU64,
}

impl Progress {
    /// Makes one of which the end is known.
    pub fn of(all: u64) -> Progress {
        Progress { done: AtomicU64::new(0), all: AtomicU64::new(all) }
    }

    /// Says that so much more is done.
    pub fn add(&self, more: u64) {
        self.done.fetch_add(more, Relaxed);
    }

    /// Says how much is done, in percent.
    pub fn reach(&self, percent: u64) {
        self.all.store(100, Relaxed);
        self.done.store(percent, Relaxed);
    }

    /// Says that so many of all are done of what leads from one percentage to another.
    pub fn part(&self, percent: Range<u64>, done: u64, all: u64) {
        let share = (percent.end - percent.start).saturating_mul(done).checked_div(all);
        self.reach(percent.start + share.unwrap_or(0));
    }

    /// Takes over how far git says that it is, in the newest of its progress lines.
    pub fn hear(&self, said: &[u8]) {
        let said = String::from_utf8_lossy(said);
        let percent = said.rsplit(['\r', '\n']).find_map(|line| {
            let (_, rest) =
                line.split_once("Writing objects:").or_else(|| line.split_once("Receiving objects:"))?;
            rest.split_once('%')?.0.trim().parse::<u64>().ok()
        });
        if let Some(percent) = percent.filter(|percent| *percent <= 100) {
            self.reach(percent);
        }
    }

    /// Returns how far it is, in percent; `None` before it begins and when it is done.
    pub fn percent(&self) -> Option<u64> {
        let (done, all) = (self.done.load(Relaxed), self.all.load(Relaxed));
        let percent = done.saturating_mul(100).checked_div(all)?;
        (0 < done && percent < 100).then_some(percent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_line_of_git_counts_and_nothing_else() {
        let progress = Progress::default();
        progress.hear(b"Counting objects: 50% (1/2)\rEnumerating objects: 4, done.\n");
        assert_eq!(progress.percent(), None);
        progress.hear(b"Writing objects:  20% (1/5)\rWriting objects:  40% (2/5), 1.20 MiB | 1 MiB/s\r");
        assert_eq!(progress.percent(), Some(40));
        progress.hear(b"Receiving objects: 999% (2/5)\r");
        assert_eq!(progress.percent(), Some(40));
        progress.hear(b"Receiving objects: 100% (5/5), done.\n");
        assert_eq!(progress.percent(), None);
    }

    #[test]
    fn a_part_leads_from_one_percentage_to_another() {
        let progress = Progress::default();
        let after = |done, all| {
            progress.part(20..60, done, all);
            progress.percent()
        };
        assert_eq!([after(0, 8), after(4, 8), after(8, 8), after(0, 0)], [20, 40, 60, 20].map(Some));
    }

    #[test]
    fn bytes_are_counted_against_all_of_them() {
        let progress = Progress::of(200);
        assert_eq!(progress.percent(), None);
        progress.add(50);
        assert_eq!(progress.percent(), Some(25));
        progress.add(500);
        assert_eq!((progress.percent(), Progress::of(0).percent()), (None, None));
    }
}
