//! The snapshot that the name of a line of work stands for.

use super::{Ancestry, Store, Summaries};
use crate::base::ids::SnapshotId;

impl Summaries {
    /// Returns the newest snapshot of the line that begins with this one.
    pub fn newest_of_line(&self, begin: &SnapshotId) -> Option<SnapshotId> {
        let ancestry = Ancestry::of(self);
        let mut newest_first = self.iter().filter_map(|listed| listed.readable());
        let newest =
            newest_first.find(|saved| !saved.head.safety && ancestry.descends(&saved.head.id, begin))?;
        Some(newest.head.id.clone())
    }
}

impl Store {
    /// Returns what the newest snapshot of the line of this name is called here; `None` if no line has it, or nothing of that
    /// is here.
    pub(super) fn newest_called_of_line(&self, name: &str) -> Option<String> {
        let states = self.line_states();
        let begin = states.begin_of(name)?;
        let newest = self.summaries().ok()?.newest_of_line(begin)?;
        self.names().ok()?.remove(&newest)
    }
}
