//! Which snapshots one descends from, told by their parents. A snapshot that is gone ends the line.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{Store, Summaries};
use crate::base::error::Result;
use crate::base::ids::SnapshotId;
use crate::manifest::Manifest;

/// The snapshots of a store with their parents.
pub struct Ancestry<'a>(HashMap<&'a SnapshotId, Option<&'a SnapshotId>>);

impl<'a> Ancestry<'a> {
    /// Takes them from a list.
    pub fn of(summaries: &'a Summaries) -> Ancestry<'a> {
        let readable = summaries.iter().filter_map(|listed| listed.readable());
        Ancestry(readable.map(|saved| (&saved.head.id, saved.parent)).collect())
    }

    /// Returns a snapshot and all that it descends from, as far as they are here.
    pub fn line(&self, id: &SnapshotId, parent: Option<&SnapshotId>) -> Vec<SnapshotId> {
        let mut line = vec![id.clone()];
        let mut next = parent;
        // As many steps as there are snapshots: what was forged may be a ring.
        while let Some((id, parent)) = next.and_then(|id| self.0.get_key_value(id))
            && line.len() <= self.0.len()
        {
            line.push((*id).clone());
            next = *parent;
        }
        line
    }

    /// Returns the snapshots that something was saved after, but for what was saved before it was overwritten.
    pub fn went_on(summaries: &'a Summaries) -> HashSet<&'a SnapshotId> {
        let ancestry = Ancestry::of(summaries);
        let mut all = HashSet::new();
        for saved in
            summaries.iter().filter_map(|listed| listed.readable()).filter(|saved| !saved.head.safety)
        {
            let mut next = saved.parent;
            // What is in already has all that is before it in too; so no ring is walked twice.
            while let Some(id) = next.filter(|id| all.insert(*id)) {
                next = ancestry.0.get(id).copied().flatten();
            }
        }
        all
    }

    /// Says whether one snapshot is the other, or descends from it.
    pub fn descends(&self, one: &SnapshotId, from: &SnapshotId) -> bool {
        self.line(one, self.0.get(one).copied().flatten()).contains(from)
    }
}

impl Store {
    /// Returns a snapshot and all that it descends from, as far as they are here.
    ///
    /// # Errors
    /// As [`Store::summaries`].
    pub fn line_of(&self, one: &Manifest) -> Result<Vec<SnapshotId>> {
        Ok(Ancestry::of(&self.summaries()?).line(&one.id, one.parent.as_ref()))
    }

    /// Returns the snapshots that both of two snapshots descend from, or are, newest first.
    ///
    /// # Errors
    /// As [`Store::summaries`].
    pub fn forks_of(&self, one: &Manifest, other: &Manifest) -> Result<Vec<SnapshotId>> {
        let summaries = self.summaries()?;
        let ancestry = Ancestry::of(&summaries);
        let line = |one: &Manifest| ancestry.line(&one.id, one.parent.as_ref());
        let of_one: BTreeSet<SnapshotId> = line(one).into_iter().collect();
        Ok(line(other).into_iter().filter(|id| of_one.contains(id)).collect())
    }
}
