//! Lines of the log that can't be read: what they told of is not known any more.
//!
//! A line of a later version is none of these: it is whole, and only says something that is not known here. Neither is one that was cut
//! off while it was written.

use std::path::PathBuf;

use serde_json::Value;

use super::log::{LARGEST_LOG, LOG, LogEntry, Operation};
use super::{DeleteLock, PATIENCE, Store};
use crate::base::error::Result;
use crate::base::screen::Line;
use crate::base::timestamp::Timestamp;
use crate::sys::files::{self, Existing};
use crate::sys::locks;

/// What of the log can't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadLog {
    /// How many lines.
    pub lines: usize,
    /// The log.
    pub path: PathBuf,
    /// When the last line was written that is before one of these; `None` if there is no such line.
    pub after: Option<Timestamp>,
}

impl UnreadLog {
    /// Says how much it is, and what that means.
    pub fn cause(&self) -> String {
        let lines = if self.lines == 1 { "line" } else { "lines" };
        format!(
            "{} {lines} can't be read: what was done is not known, and `undo` can't take it back",
            self.lines
        )
    }

    /// The same, with the place.
    pub fn told(&self) -> String {
        format!("{}: {}", Line(&self.path.to_string_lossy()), self.cause())
    }

    /// Says whether they may tell of something that was done after this moment.
    pub fn may_follow(&self, moment: Timestamp) -> bool {
        self.after.is_some_and(|after| moment <= after)
    }
}

impl Store {
    /// Counts the lines of the log that can't be read; `None` if all can.
    ///
    /// # Errors
    /// As [`Store::read_log`].
    pub fn unread_log(&self) -> Result<Option<UnreadLog>> {
        let place = self.at(LOG);
        let text = place.read(16 * LARGEST_LOG)?.unwrap_or_default();
        let all: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
        let unread: Vec<usize> = (0..all.len()).filter(|at| is_unreadable(all[*at])).collect();
        let Some(last) = unread.last() else { return Ok(None) };
        let moment = |line: &&[u8]| Some(serde_json::from_slice::<LogEntry>(line).ok()?.at);
        let after = all[..*last].iter().rev().find_map(moment);
        Ok(Some(UnreadLog { lines: unread.len(), path: place.path(), after }))
    }

    /// Moves the lines of the log that can't be read into quarantine, in their order; returns where they are now.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with the path; the log is as it was.
    pub fn set_log_lines_aside(&self, _lock: &DeleteLock) -> Result<Option<PathBuf>> {
        if self.unread_log()?.is_none() {
            return Ok(None);
        }
        let place = self.at(LOG);
        let _alone = locks::open_exclusively(&place, PATIENCE)?;
        let text = place.read(16 * LARGEST_LOG)?.unwrap_or_default();
        let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let (aside, kept): (Vec<&[u8]>, Vec<&[u8]>) = lines.partition(|line| is_unreadable(line));
        if aside.is_empty() {
            return Ok(None);
        }
        let whole =
            |lines: &[&[u8]]| lines.iter().flat_map(|line| [*line, b"\n"].concat()).collect::<Vec<u8>>();
        // First they are there, then they are no longer here.
        let path = self.put_aside(LOG, &whole(&aside))?;
        files::publish(&self.tmp(), &place, &whole(&kept), Existing::Replace)?;
        self.at("").sync()?;
        Ok(Some(path))
    }
}

/// Says whether a line holds something, and nothing that any version has written.
fn is_unreadable(line: &[u8]) -> bool {
    match serde_json::from_slice::<LogEntry>(line) {
        Ok(_) => return false,
        Err(_) if line.trim_ascii().is_empty() => return false,
        // Cut off while it was written, as on a full disk or when the machine died: what it tells of was cut off too.
        Err(error) if error.is_eof() && line.starts_with(b"{") => return false,
        Err(_) => {}
    }
    let of_later_version = || {
        let value: Value = serde_json::from_slice(line).ok()?;
        let operation = value.get("operation").filter(|operation| operation.is_string())?;
        Some(serde_json::from_value::<Operation>(operation.clone()).is_err())
    };
    !of_later_version().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_later_version_and_one_that_was_cut_off_are_no_damage() {
        let whole =
            br#"{"at":"2026-11-21T08:00:00.000Z","operation":"save","name":"x","user":"ada","host":"h"}"#;
        for (line, unreadable) in [
            (&whole[..], false),
            (b"", false),
            (b"  ", false),
            (br#"{"at":"2030-01-01T00:00:00.000Z","operation":"fold","what":[]}"#, false),
            (&whole[..whole.len() / 2], false),
            (&whole[1..], true),
            (b"rubbish", true),
            (b"\0\0\0\0", true),
            (b"{}", true),
            (br#"{"operation":"save"}"#, true),
        ] {
            assert_eq!(is_unreadable(line), unreadable, "{}", String::from_utf8_lossy(line));
        }
    }
}
