//! The progress bar of a long operation: on a terminal, after a moment, gone at its end.
//!
//! The library says which phase it is in and how much of how much is done. How that looks is decided here.

use std::io::{self, IsTerminal as _, Write};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::pager::screen_width;
use super::words::size_text;
use crate::base::monitor::{Monitor, Phase, Progress, Unit};
use crate::cli::diagnostics;

/// What takes less is over before anybody would want to know.
const PATIENCE: Duration = Duration::from_millis(300);

const PAUSE: Duration = Duration::from_millis(100);

/// A rate of less time than this says little.
const WORTH_A_RATE: Duration = Duration::from_secs(1);

const WIDTH: usize = 24;

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
            let mut drawn = false;
            let mut pause = PATIENCE;
            let mut began: Option<(Phase, Instant)> = None;
            while over.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                pause = PAUSE;
                let step = monitor.step();
                began = step.map(|step| match began {
                    Some((phase, at)) if phase == step.phase => (phase, at),
                    _ => (step.phase, Instant::now()),
                });
                let line = step.zip(began).map(|(step, (_, at))| line(step, at.elapsed(), screen_width()));
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

/// Makes room for a line that is to be read.
pub(crate) fn erase() {
    write(ERASE);
}

/// Draws a step that began so long ago, with as much as the width has room for.
fn line(step: Progress, elapsed: Duration, width: usize) -> String {
    let name = step.phase.name();
    let Some(total) = step.total.filter(|total| *total > 0) else { return format!("{name} ...") };
    let done = step.done.min(total);
    let percent = usize::try_from(u128::from(done) * 100 / u128::from(total)).unwrap_or(100);
    let full = percent * WIDTH / 100;
    let bar = format!("[{}{}]", "#".repeat(full), "-".repeat(WIDTH - full));
    let amount = |number: u64| match step.phase.unit() {
        Unit::Bytes => size_text(number),
        Unit::Items => number.to_string(),
    };
    let amounts = format!("{}/{}", amount(done), amount(total));
    let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    let rate = done.saturating_mul(1_000).checked_div(millis).filter(|_| elapsed >= WORTH_A_RATE);
    let mut forms = vec![
        format!("{name} {bar} {percent:3} %  {amounts}"),
        format!("{name} {bar} {percent:3} %"),
        format!("{name} {percent} %"),
    ];
    if let Some(rate) = rate {
        forms.insert(0, format!("{name} {bar} {percent:3} %  {amounts}  {}/s", amount(rate)));
    }
    let fits = |form: &String| form.len() < width;
    forms.iter().find(|form| fits(form)).or(forms.last()).cloned().unwrap_or_default()
}

fn write(text: &str) {
    // Whoever can't see it misses nothing else.
    let _unseen = io::stderr().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(phase: Phase, done: u64, total: Option<u64>, seconds: u64, width: usize) -> String {
        line(Progress { phase, done, total }, Duration::from_secs(seconds), width)
    }

    #[test]
    fn a_bar_fills_up_and_says_how_much_of_how_much_and_how_fast() {
        let bar = |full: usize| format!("[{}{}]", "#".repeat(full), "-".repeat(24 - full));
        let reading = |done, seconds| drawn(Phase::Reading, done, Some(200), seconds, 80);
        assert_eq!(reading(0, 0), format!("Reading files {}   0 %  0/200", bar(0)));
        assert_eq!(reading(100, 0), format!("Reading files {}  50 %  100/200", bar(12)));
        assert_eq!(reading(100, 4), format!("Reading files {}  50 %  100/200  25/s", bar(12)));
        assert_eq!(reading(900, 4), format!("Reading files {} 100 %  200/200  50/s", bar(24)));
        assert_eq!(
            drawn(Phase::Exporting, 3 << 20, Some(12 << 20), 2, 80),
            format!("Exporting {}  25 %  3.0 MiB/12.0 MiB  1.5 MiB/s", bar(6))
        );
    }

    #[test]
    fn what_has_no_end_known_has_no_bar_and_a_narrow_terminal_gets_less() {
        assert_eq!(drawn(Phase::Listing, 0, None, 9, 80), "Listing changes ...");
        assert_eq!(drawn(Phase::Reading, 0, Some(0), 9, 80), "Reading files ...");
        let at = |width| drawn(Phase::Reading, 100, Some(200), 4, width);
        assert!(at(60).ends_with("100/200"), "{}", at(60));
        assert!(at(50).ends_with("]  50 %"), "{}", at(50));
        assert_eq!(at(30), "Reading files 50 %");
        assert_eq!(at(5), "Reading files 50 %");
    }
}
