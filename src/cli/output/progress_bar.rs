//! The progress bar of a long operation: on a terminal, after a moment, gone at its end.
//!
//! The library says which phase it is in and how much of how much is done. How that looks is decided here.

use std::collections::VecDeque;
use std::io::{self, IsTerminal as _, Write};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::pager::screen_width;
use super::words::size_text;
use crate::base::monitor::{Monitor, Phase, Progress, Unit};
use crate::cli::diagnostics;
use crate::sys::locks::is_waiting;

/// What takes less is over before anybody would want to know.
const PATIENCE: Duration = Duration::from_millis(500);

const PAUSE: Duration = Duration::from_millis(100);

/// A rate is that of the last so many seconds.
const RECENT: Duration = Duration::from_secs(5);

/// A rate of less time than this says nothing.
const WORTH_A_RATE: Duration = Duration::from_millis(300);

/// A forecast goes by the last so many seconds.
const LOOKED_BACK: Duration = Duration::from_secs(10);

/// A forecast from less time than this is a guess: what comes first may be in memory already.
const WORTH_A_FORECAST: Duration = Duration::from_secs(5);

/// The rates of both halves of that time differ by no more than this factor, or nobody can tell how it goes on.
const STEADY: u64 = 2;

/// Whoever did not look for so long stood still, and what was seen before says nothing of what comes.
const STOOD_STILL: Duration = Duration::from_secs(2);

/// The time left is told only if it is longer: what is nearly over needs no forecast.
const WORTH_TELLING: Duration = Duration::from_secs(1);

const WIDTH: usize = 24;

/// Turns while something goes on whose end is not known.
const TURNING: [char; 4] = ['|', '/', '-', '\\'];

/// Back to the first column, and nothing more on the line.
const ERASE: &str = "\r\x1b[K";

/// Does something, showing meanwhile how far it is, if `wanted` and anybody can see it.
pub(crate) fn show<T>(wanted: bool, monitor: &Monitor, work: impl FnOnce() -> T) -> T {
    if !wanted || !io::stderr().is_terminal() || diagnostics::on_standard_error() {
        return work();
    }
    std::thread::scope(|scope| {
        let (done, over) = channel::<()>();
        scope.spawn(move || {
            let began = Instant::now();
            let (mut drawn, mut pace, mut turn) = (false, Pace::default(), 0);
            while over.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
                let step = monitor.step();
                let now = began.elapsed();
                pace.see(now, step);
                if now < PATIENCE {
                    continue;
                }
                turn += 1;
                let line = if is_waiting() {
                    Some(format!("Waiting for another snap {}", TURNING[turn % TURNING.len()]))
                } else {
                    step.map(|step| line(step, &pace, turn, screen_width()))
                };
                if drawn || line.is_some() {
                    write(&format!("{ERASE}{}", line.as_deref().unwrap_or_default()));
                }
                drawn = line.is_some();
            }
            if drawn {
                write(ERASE);
            }
        });
        let result = work();
        drop(done);
        result
    })
}

/// How fast a phase goes: what was done of it, and when, in the last seconds.
#[derive(Default)]
struct Pace {
    phase: Option<Phase>,
    seen: VecDeque<DoneAt>,
    /// Whether bytes are seen in a phase that counts items.
    has_bytes: bool,
}

/// How much was done at a moment.
#[derive(Clone, Copy)]
struct DoneAt {
    at: Duration,
    done: u64,
    bytes: u64,
}

impl Pace {
    /// Notes how far it is; another phase begins anew.
    fn see(&mut self, at: Duration, step: Option<Progress>) {
        let phase = step.map(|step| step.phase);
        let (done, bytes) = step.map_or((0, 0), |step| (step.done, step.bytes));
        // A phase that goes backwards is the same kind of work, begun again.
        let begins = |last: &DoneAt| last.done > done || at.saturating_sub(last.at) > STOOD_STILL;
        if phase != self.phase || self.seen.back().is_some_and(begins) {
            *self = Pace { phase, ..Pace::default() };
        }
        self.has_bytes |= bytes > 0;
        self.seen.push_back(DoneAt { at, done, bytes });
        while self.seen.len() > 2
            && self.seen.front().is_some_and(|first| at.saturating_sub(first.at) > LOOKED_BACK)
        {
            self.seen.pop_front();
        }
    }

    /// Returns how much is done in a second; `None` as long as that is not known.
    fn rate(&self) -> Option<u64> {
        self.rate_of(|seen| seen.done)
    }

    /// Returns how many bytes go through in a second, in a phase that counts items.
    fn rate_of_bytes(&self) -> Option<u64> {
        self.rate_of(|seen| seen.bytes).filter(|_| self.has_bytes)
    }

    fn rate_of(&self, what: impl Fn(&DoneAt) -> u64) -> Option<u64> {
        let last = self.seen.back()?;
        let first = self.seen.iter().find(|seen| last.at.saturating_sub(seen.at) <= RECENT)?;
        rate_between(first, last, what).filter(|_| last.at.saturating_sub(first.at) >= WORTH_A_RATE)
    }

    /// Returns how long so much more takes; `None` as long as that can't be told.
    fn left(&self, more: u64) -> Option<Duration> {
        let (first, last) = (self.seen.front()?, self.seen.back()?);
        let time = last.at.saturating_sub(first.at);
        let middle = self.seen.iter().find(|seen| seen.at.saturating_sub(first.at) >= time / 2)?;
        let halves =
            [rate_between(first, middle, |seen| seen.done)?, rate_between(middle, last, |seen| seen.done)?];
        let is_steady = halves[0].max(halves[1]) <= halves[0].min(halves[1]).saturating_mul(STEADY);
        let rate = rate_between(first, last, |seen| seen.done)?;
        let is_known = time >= WORTH_A_FORECAST && is_steady && rate > 0;
        is_known.then(|| Duration::from_secs(more / rate)).filter(|left| *left > WORTH_TELLING)
    }
}

/// Returns how much was done in a second between two moments; `None` if they are one.
fn rate_between(first: &DoneAt, last: &DoneAt, what: impl Fn(&DoneAt) -> u64) -> Option<u64> {
    let millis = u64::try_from(last.at.saturating_sub(first.at).as_millis()).unwrap_or(u64::MAX);
    what(last).saturating_sub(what(first)).saturating_mul(1_000).checked_div(millis)
}

/// Makes room for a line that is to be read.
pub(crate) fn erase() {
    write(ERASE);
}

/// Draws a step, with as much as the width has room for.
fn line(step: Progress, pace: &Pace, turn: usize, width: usize) -> String {
    let name = step.phase.name();
    let amount = |number: u64| match step.phase.unit() {
        Unit::Bytes => size_text(number),
        Unit::Items => number.to_string(),
    };
    let turning = TURNING[turn % TURNING.len()];
    // Where nothing is counted, there is no rate.
    let rate = pace.rate().filter(|_| step.done > 0);
    let rate = rate.map(|rate| format!("  {}/s", amount(rate))).unwrap_or_default();
    // One of the items may be large: then the bytes move, and not their number.
    let rate = match pace.rate_of_bytes() {
        Some(bytes) => format!("  {}  {}/s", size_text(step.bytes), size_text(bytes)),
        None if step.bytes > 0 => format!("  {}", size_text(step.bytes)),
        None => rate,
    };
    let total = step.total.filter(|total| *total > step.done);
    let Some(total) = total else {
        // Without a total, or past it: nobody knows how much is left.
        let done = if step.done > 0 { format!("  {}", amount(step.done)) } else { String::new() };
        let forms = [format!("{name} {turning}{done}{rate}"), format!("{name} {turning}{done}")];
        return fitting(&forms, width).unwrap_or_else(|| format!("{name} {turning}"));
    };
    let percent = usize::try_from(u128::from(step.done) * 100 / u128::from(total)).unwrap_or(100);
    let full = percent * WIDTH / 100;
    let bar = format!("[{}{}]", "#".repeat(full), "-".repeat(WIDTH - full));
    let amounts = format!("{}/{}", amount(step.done), amount(total));
    let left =
        pace.left(total - step.done).map(|left| format!("  {} left", time_text(left))).unwrap_or_default();
    let forms = [
        format!("{name} {bar} {percent:3} %  {amounts}{rate}{left}"),
        format!("{name} {percent} %  {amounts}{rate}{left}"),
        format!("{name} {percent} %  {amounts}{rate}"),
        format!("{name} {percent} %  {amounts}"),
    ];
    fitting(&forms, width).unwrap_or_else(|| format!("{name} {percent} %"))
}

/// Returns the first of these for which there is room.
fn fitting(forms: &[String], width: usize) -> Option<String> {
    forms.iter().find(|form| form.len() < width).cloned()
}

/// Says how long something will take: `12 s`, `3 min 5 s`, `2 h 4 min`.
fn time_text(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

fn write(text: &str) {
    // Whoever can't see it misses nothing else.
    let _unseen = io::stderr().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    /// What is shown at the end of these moments: seconds, and what is done then.
    fn drawn(phase: Phase, total: Option<u64>, seen: &[(f64, u64)], width: usize) -> String {
        let mut pace = Pace::default();
        let mut last = (Duration::ZERO, Progress::begun(phase, total));
        for (seconds, done) in seen {
            last = evenly(&mut pace, last, Duration::from_secs_f64(*seconds), *done);
        }
        line(last.1, &pace, 0, width)
    }

    /// Lets something go on evenly until a moment, seen as often as the bar looks.
    fn evenly(
        pace: &mut Pace,
        last: (Duration, Progress),
        until: Duration,
        done: u64,
    ) -> (Duration, Progress) {
        let (mut at, before) = last;
        let (time, more) = (until.saturating_sub(at), done - before.done);
        while at < until {
            at = (at + PAUSE).min(until);
            let part = (at + time).saturating_sub(until).as_millis() * u128::from(more) / time.as_millis();
            let now = before.done + u64::try_from(part).unwrap();
            pace.see(at, Some(Progress { done: now, ..before }));
        }
        pace.see(until, Some(Progress { done, ..before }));
        (until, Progress { done, ..before })
    }

    #[test]
    fn a_bar_says_how_much_of_how_much_how_fast_and_how_long_it_will_take() {
        let bar = |full: usize| format!("[{}{}]", "#".repeat(full), "-".repeat(24 - full));
        let saving = |seen: &[(f64, u64)]| drawn(Phase::Conversation, Some(500 * MIB), seen, 100);
        let start = format!("Saving conversation {}   0 %  0 B/500.0 MiB", bar(0));
        assert_eq!(saving(&[(0.0, 0)]), start);
        assert_eq!(saving(&[(0.0, 0), (0.2, 0)]), start, "nothing can be said yet");
        let half_a_second = format!("Saving conversation {}   5 %  25.0 MiB/500.0 MiB  50.0 MiB/s", bar(1));
        assert_eq!(saving(&[(0.0, 0), (0.5, 25 * MIB)]), half_a_second);
        let slower = saving(&[(0.0, 0), (0.5, 25 * MIB), (6.0, 100 * MIB), (16.5, 121 * MIB)]);
        assert!(slower.ends_with("121.0 MiB/500.0 MiB  2.0 MiB/s  3 min 9 s left"), "{slower}");
        let stands = saving(&[(0.0, 0), (1.0, 100 * MIB), (7.0, 100 * MIB), (13.0, 100 * MIB)]);
        assert!(
            stands.ends_with("100.0 MiB/500.0 MiB  0 B/s"),
            "no forecast where nothing goes on: {stands}"
        );
        assert_eq!(
            drawn(Phase::Comparing, Some(300), &[(0.0, 0), (6.0, 150)], 80),
            format!("Comparing files {}  50 %  150/300  25/s  6 s left", bar(12))
        );
    }

    #[test]
    fn the_time_left_is_told_only_when_it_can_be_known() {
        let total = 1_000 * MIB;
        let says = |seen: &[(f64, u64)]| {
            let drawn = drawn(Phase::Conversation, Some(total), seen, 120);
            drawn.split("MiB/s").nth(1).map(|left| left.trim().to_owned()).filter(|left| !left.is_empty())
        };
        // What is in memory already goes fast, and noise then goes slowly.
        let burst = |until: f64| {
            let slow = |seconds: f64| 160 * MIB + ((seconds - 1.0) * 5.0) as u64 * MIB;
            let moments = (2..200).map(|half| f64::from(half) / 2.0).take_while(|at| *at <= until);
            [(0.0, 0)].into_iter().chain(moments.map(|at| (at, slow(at)))).collect::<Vec<_>>()
        };
        for until in [1.0, 2.0, 4.0, 6.0, 8.0, 10.0] {
            assert_eq!(says(&burst(until)), None, "{until}");
        }
        assert_eq!(says(&burst(20.0)), Some("2 min 29 s left".to_owned()));
        // Nothing goes on for a while, with the bar looking on, and then it does.
        let pause = [(0.0, 0), (10.0, 100 * MIB), (40.0, 100 * MIB), (41.0, 110 * MIB)];
        assert_eq!(says(&pause[..2]), Some("1 min 30 s left".to_owned()));
        assert_eq!(says(&pause[..3]), None);
        assert_eq!(says(&pause), None);
        assert_eq!(says(&[&pause[..], &[(52.0, 220 * MIB)]].concat()), Some("1 min 18 s left".to_owned()));
        // The machine slept: nobody looked on.
        let mut pace = Pace::default();
        let begun = (Duration::ZERO, Progress::begun(Phase::Conversation, Some(total)));
        let (_, before) = evenly(&mut pace, begun, Duration::from_secs(10), 100 * MIB);
        pace.see(Duration::from_secs(9_000), Some(before));
        let after = Progress { done: 110 * MIB, ..before };
        pace.see(Duration::from_secs(9_001), Some(after));
        assert_eq!(pace.left(890 * MIB), None);
        assert!(!line(after, &pace, 0, 120).contains("left"));
    }

    #[test]
    fn where_the_end_is_not_known_the_amount_and_the_rate_are_and_something_turns() {
        let piped = drawn(Phase::Importing, None, &[(0.0, 0), (2.0, 30 * MIB)], 80);
        assert_eq!(piped, "Importing |  30.0 MiB  15.0 MiB/s");
        assert_eq!(drawn(Phase::Listing, None, &[(0.0, 0), (9.0, 0)], 80), "Listing changes |");
        let pace = Pace::default();
        let step = Progress::begun(Phase::Listing, None);
        let turns: Vec<String> = (0..5).map(|turn| line(step, &pace, turn, 80)).collect();
        assert_eq!(turns, ["|", "/", "-", "\\", "|"].map(|turning| format!("Listing changes {turning}")));
    }

    #[test]
    fn within_one_large_item_its_bytes_move() {
        let step = |bytes| Progress { bytes, done: 1, ..Progress::begun(Phase::Sending, Some(2)) };
        let mut pace = Pace::default();
        pace.see(Duration::ZERO, Some(step(0)));
        assert!(line(step(0), &pace, 0, 80).ends_with("50 %  1/2"));
        pace.see(Duration::from_secs(1), Some(step(15 * MIB)));
        pace.see(Duration::from_secs(2), Some(step(30 * MIB)));
        let drawn = line(step(30 * MIB), &pace, 0, 80);
        assert!(drawn.ends_with("50 %  1/2  30.0 MiB  15.0 MiB/s"), "{drawn}");
    }

    #[test]
    fn no_percentage_stands_still_at_the_end() {
        let past = |done| drawn(Phase::CheckingConversation, Some(10 * MIB), &[(0.0, 0), (2.0, done)], 80);
        assert!(past(9 * MIB).contains("90 %"));
        assert_eq!(past(10 * MIB), "Checking conversation |  10.0 MiB  5.0 MiB/s");
        assert_eq!(past(12 * MIB), "Checking conversation |  12.0 MiB  6.0 MiB/s");
    }

    #[test]
    fn another_phase_has_a_pace_of_its_own() {
        let mut pace = Pace::default();
        let see = |pace: &mut Pace, at, phase, done| {
            pace.see(Duration::from_secs(at), Some(Progress { done, ..Progress::begun(phase, None) }));
        };
        see(&mut pace, 0, Phase::Exporting, 0);
        (1..=10).for_each(|second| see(&mut pace, second, Phase::Exporting, second * 100));
        assert_eq!(pace.rate(), Some(100));
        see(&mut pace, 11, Phase::Importing, 0);
        assert_eq!(pace.rate(), None);
        see(&mut pace, 12, Phase::Importing, 7);
        assert_eq!(pace.rate(), Some(7));
        see(&mut pace, 13, Phase::Importing, 0);
        assert_eq!(pace.rate(), None, "it has begun again");
    }

    #[test]
    fn a_narrow_terminal_gets_less_and_never_two_lines() {
        for width in 1..120 {
            let seen = [(0.0, 0), (2.0, 100 * MIB)];
            for total in [None, Some(50 * MIB), Some(500 * MIB)] {
                let line = drawn(Phase::CheckingConversation, total, &seen, width);
                assert!(line.len() < width || width < 30, "{width}: {line}");
            }
        }
    }

    #[test]
    fn times_are_short() {
        let table = [(9, "9 s"), (65, "1 min 5 s"), (3_599, "59 min 59 s"), (7_440, "2 h 4 min")];
        for (seconds, wanted) in table {
            assert_eq!(time_text(Duration::from_secs(seconds)), wanted);
        }
    }
}
