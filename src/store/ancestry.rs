//! Which snapshots one descends from, told by their parents. The log tells those of what was removed here; any other snapshot that is
//! not here ends the line.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{Store, Summaries};
use crate::base::error::Result;
use crate::base::ids::SnapshotId;
use crate::manifest::Manifest;

/// The snapshots of a store with their parents.
pub struct Ancestry<'a> {
    here: HashMap<&'a SnapshotId, Option<&'a SnapshotId>>,
    removed: &'a HashMap<SnapshotId, SnapshotId>,
}

impl<'a> Ancestry<'a> {
    /// Takes them from a list.
    pub fn of(summaries: &'a Summaries) -> Ancestry<'a> {
        let readable = summaries.iter().filter_map(|listed| listed.readable());
        Ancestry {
            here: readable.map(|saved| (&saved.head.id, saved.parent)).collect(),
            removed: summaries.removed(),
        }
    }

    /// Returns a snapshot and all that it descends from. The last one may be one that is not here, and so may those that were
    /// removed here.
    pub fn line(&self, id: &SnapshotId, parent: Option<&SnapshotId>) -> Vec<SnapshotId> {
        let mut line = vec![id.clone()];
        let mut next = parent;
        // As many steps as there are snapshots: what was forged may be a ring.
        while let Some(id) = next.filter(|_| line.len() <= self.here.len() + self.removed.len() + 1) {
            line.push(id.clone());
            next = self.before(id);
        }
        line
    }

    fn before(&self, id: &SnapshotId) -> Option<&'a SnapshotId> {
        let removed = self.removed;
        self.here.get(id).map_or_else(|| removed.get(id), |parent| *parent)
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
                next = ancestry.before(id);
            }
        }
        all
    }

    /// Says whether one snapshot is the other, or descends from it.
    pub fn descends(&self, one: &SnapshotId, from: &SnapshotId) -> bool {
        self.line(one, self.before(one)).contains(from)
    }
}

impl Store {
    /// Returns a snapshot and all that it descends from, as [`Ancestry::line`] does.
    ///
    /// # Errors
    /// As [`Store::summaries`].
    pub fn line_of(&self, one: &Manifest) -> Result<Vec<SnapshotId>> {
        Ok(Ancestry::of(&self.summaries()?).line(&one.id, one.parent.as_ref()))
    }

    /// Returns the snapshots that both of two snapshots descend from, or are, newest first, as far as they are here.
    ///
    /// # Errors
    /// As [`Store::summaries`].
    pub fn forks_of(&self, one: &Manifest, other: &Manifest) -> Result<Vec<SnapshotId>> {
        let summaries = self.summaries()?;
        let ancestry = Ancestry::of(&summaries);
        let line = |one: &Manifest| ancestry.line(&one.id, one.parent.as_ref());
        // What is not here is no common ground: nobody can read it.
        let of_one: BTreeSet<SnapshotId> =
            line(one).into_iter().filter(|id| *id == one.id || ancestry.here.contains_key(id)).collect();
        Ok(line(other).into_iter().filter(|id| of_one.contains(id)).collect())
    }
}
