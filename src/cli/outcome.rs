//! How a command ended, and the exit code of that.

/// How a command that did not fail ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    /// There are differences (`diff --exit-code`), or there is damage (`verify`, `doctor`).
    No,
    /// Finished, but parts were skipped; the report says which.
    Partial,
    /// A person was to choose and left, by Esc or Ctrl-C. Nothing was done.
    Left,
}

impl Outcome {
    /// Returns `Partial` if anything was skipped.
    pub(crate) fn partial_if(skipped: bool) -> Outcome {
        if skipped { Outcome::Partial } else { Outcome::Done }
    }

    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Outcome::Done => 0,
            Outcome::No => 1,
            Outcome::Partial => 6,
            // As of a program that Ctrl-C ended.
            Outcome::Left => 130,
        }
    }
}
