//! Entries of the index that exclude each other: a file, and files below it as a folder.
//!
//! Git removes the old ones from the index without a message when the new one is added.

use std::collections::BTreeMap;

use crate::base::paths::RepoPath;
use crate::git::Index;
use crate::git::index::IndexEntry;

/// Returns the entries that would be removed when the index is changed to these, although these don't
/// name them, each with the one that excludes it.
pub(in crate::restore) fn crowded_out<'a>(
    index: &Index,
    wanted: &BTreeMap<&'a RepoPath, IndexEntry>,
) -> BTreeMap<RepoPath, &'a RepoPath> {
    let without_room = wanted.iter().flat_map(|(path, entry)| {
        // Entries of different stages leave each other alone.
        let stages: Vec<u8> = match entry {
            IndexEntry::Absent => Vec::new(),
            IndexEntry::Blob(_) | IndexEntry::IntentToAdd(_) => vec![0],
            IndexEntry::Unmerged(stages) => stages.iter().map(|(number, _)| *number).collect(),
        };
        let bytes = path.as_bytes();
        let above = (0..bytes.len()).filter(|at| bytes[*at] == b'/').map(|at| &bytes[..at]);
        let above: Vec<&[u8]> = above.filter(|above| index.has(above, &stages)).collect();
        let others = index.below(bytes, &stages).into_iter().chain(above);
        others.filter_map(|other| Some((RepoPath::new(other).ok()?, *path))).collect::<Vec<_>>()
    });
    without_room.filter(|(other, _)| !wanted.contains_key(other)).collect()
}
