//! Files that only save time when a session is saved again: what was read of it, masked by whoever writes them.
//!
//! They are written whole under another name and not synced. When something is removed for good, all of them go.

use std::io::Write as _;

use super::Store;
use super::index_file::DRAFT;
use crate::base::error::{IoContext as _, Result};
use crate::sys::files::Draft;
use crate::sys::place::{OwnPath, Shape};

/// How their names begin.
const START: &str = "read-";

/// The most of them.
const MOST: usize = 16;

/// The most bytes of one.
const LARGEST: usize = 32 << 20;

impl Store {
    /// Reads one; `None` if there is none that can be read.
    pub fn read_state(&self, name: &str) -> Option<Vec<u8>> {
        self.tmp().join(format!("{START}{name}")).read(LARGEST as u64).ok()?
    }

    /// Writes one, and removes the oldest if there are too many.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with the path; callers may continue.
    pub fn write_state(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let place = self.tmp().join(format!("{START}{name}"));
        if bytes.len() > LARGEST {
            return place.remove();
        }
        let mut draft = Draft::begin_with(&self.tmp(), DRAFT)?;
        draft.write_all(bytes).context("write", &place.path())?;
        draft.publish_unsynced(&place)?;
        let all = self.read_states()?;
        if all.len() <= MOST {
            return Ok(());
        }
        let age = |place: &OwnPath| place.stat().ok().flatten().map(|found| found.modified);
        let mut by_age: Vec<_> = all.into_iter().map(|place| (age(&place), place)).collect();
        by_age.sort_by_key(|(age, _)| *age);
        let more = by_age.len() - MOST;
        by_age.iter().take(more).try_for_each(|(_, place)| place.remove())
    }

    /// Removes all of them.
    pub(super) fn forget_read_states(&self) -> Result<()> {
        self.read_states()?.iter().try_for_each(OwnPath::remove)
    }

    fn read_states(&self) -> Result<Vec<OwnPath>> {
        let names = self.tmp().names()?.into_iter();
        let ours = names.filter(|name| name.to_str().is_some_and(|name| name.starts_with(START)));
        let places = ours.map(|name| self.tmp().join(name));
        let is_file = |place: &OwnPath| {
            place.stat().is_ok_and(|found| found.is_some_and(|found| found.shape == Shape::File))
        };
        Ok(places.filter(is_file).collect())
    }
}
