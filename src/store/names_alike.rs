//! Names that are like one that was typed and is not here.

use std::collections::HashMap;

use super::{Store, UnreadEntry};
use crate::base::similar_names::names_like;

impl Store {
    /// Returns the names of snapshots and of lines of work that are like one that was typed.
    pub(super) fn names_alike(
        &self,
        known: &[UnreadEntry],
        called: &HashMap<String, String>,
        name: &str,
    ) -> Vec<String> {
        let names =
            known.iter().filter_map(|entry| Some((called.get(&entry.stem)?, entry.head.as_ref().ok()?)));
        let names = names.filter(|(_, head)| !head.safety).map(|(word, _)| word.as_str());
        let lines = self.line_states();
        let names: Vec<&str> = names.chain(lines.names().into_iter().map(|(line, _)| line)).collect();
        let mut alike = names_like(name, names.iter().copied());
        if let (true, Some((before, _))) = (alike.is_empty(), name.rsplit_once('@')) {
            alike = names_like(before, names.iter().copied());
        }
        // As git writes what is on a remote: `origin/NAME`.
        if let (true, Some((_, behind))) = (alike.is_empty(), name.split_once('/')) {
            alike = names_like(behind, names.into_iter());
        }
        alike
    }
}
