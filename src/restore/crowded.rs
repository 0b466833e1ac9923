//! Entries of the index that have no room beside a new one: a file and what is below it as a folder.
//!
//! git takes the old ones out of the index without a word when the new one goes in.

use std::collections::BTreeMap;

use crate::git::Index;
use crate::git::index::IndexEntry;
use crate::paths::RepoPath;

/// Returns the entries that would go when the index is changed to these, though these don't speak of
/// them, each with one that has no room beside it.
pub(super) fn crowded_out<'a>(
    index: &Index,
    wanted: &BTreeMap<&'a RepoPath, IndexEntry>,
) -> BTreeMap<RepoPath, &'a RepoPath> {
    let added = wanted.iter().filter(|(_, entry)| **entry != IndexEntry::Absent);
    let without_room = added.flat_map(|(path, _)| {
        let below = index.below(path.as_bytes());
        let bytes = path.as_bytes();
        let above = (0..bytes.len()).filter(|at| bytes[*at] == b'/').map(|at| &bytes[..at]);
        let above = above.filter(|above| index.has(above));
        below.chain(above).filter_map(|other| Some((RepoPath::new(other).ok()?, *path)))
    });
    without_room.filter(|(other, _)| !wanted.contains_key(other)).collect()
}
