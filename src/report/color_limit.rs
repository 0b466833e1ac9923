//! How many lines of a report have syntax colours: a number, so that the same snapshot makes the same page. Time counts only
//! where a text was written to slow a grammar down.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// When colouring has taken so long, something is wrong with the text: thousands of lines take a part of a second.
const LONGEST: Duration = Duration::from_secs(20);

/// What may still be coloured.
pub(super) struct ColorLimit {
    lines: Cell<usize>,
    spent: Cell<Duration>,
}

impl ColorLimit {
    /// Makes one of so many lines.
    pub(super) fn new(lines: usize) -> ColorLimit {
        ColorLimit { lines: Cell::new(lines), spent: Cell::new(Duration::ZERO) }
    }

    /// Says whether no line is left.
    pub(super) fn is_reached(&self) -> bool {
        self.lines.get() == 0
    }

    /// Colours so many lines, unless there are too few left; says whether it did.
    pub(super) fn take(&self, lines: usize, color: impl FnOnce()) -> bool {
        let Some(rest) = self.lines.get().checked_sub(lines) else { return false };
        let begun = Instant::now();
        color();
        self.spent.set(self.spent.get() + begun.elapsed());
        self.lines.set(if self.spent.get() > LONGEST { 0 } else { rest });
        true
    }

    /// Returns how many lines are left.
    #[cfg(test)]
    pub(super) fn left(&self) -> usize {
        self.lines.get()
    }
}
