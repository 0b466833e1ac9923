//! Git's index file, made anew in memory with some entries changed. Pure.
//!
//! Git itself would look at every file of the work tree for that. What is not plain is left to git: unmerged paths, split and
//! sparse indexes, paths that are stored as differences. The source of the format: git's `Documentation/gitformat-index.txt`.

use std::collections::BTreeMap;

use super::cache_tree;
use super::entries::Index;
use crate::base::digest::GitHash;
use crate::base::paths::RepoPath;
use crate::manifest::Version;
use crate::sys::stat::FileFacts;

/// Where an entry has the time of the last change of content, in whole seconds.
const MODIFIED: usize = 8;

/// The longest path whose length an entry says.
const LONGEST: usize = 0xfff;

/// A file in the work tree whose content is known.
pub struct FileInPlace<'a> {
    /// Its path.
    pub path: &'a RepoPath,
    /// What it is.
    pub version: &'a Version,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// What the system knows of it, as long as it has these bytes; `None` if nothing proves that it still has them.
    pub facts: Option<FileFacts>,
}

/// What the index shall have of a path.
pub(super) enum NewEntry<'a> {
    Nothing,
    /// A version, and what the system knows of a file that is this very version. Of no file, git compares the content.
    Version(&'a Version, Option<&'a FileFacts>),
}

/// Returns the whole new file; `None` if only git can make it. The old one was written at this time, in seconds.
pub(super) fn with(
    index: &Index,
    written: i64,
    hash: GitHash,
    changes: &BTreeMap<&[u8], NewEntry<'_>>,
) -> Option<Vec<u8>> {
    let file = index.plain_file()?;
    let mut made = Vec::with_capacity(file.length + changes.len() * 128);
    made.extend_from_slice(file.head);
    let (mut left, mut count, mut same_paths) = (changes.iter().peekable(), 0_u32, true);
    for entry in file.entries {
        while let Some((path, new)) = left.next_if(|(path, _)| **path < entry.path) {
            count += append(&mut made, path, new)?;
            same_paths &= matches!(new, NewEntry::Nothing);
            is_free(index, path, changes).then_some(())?;
        }
        match left.next_if(|(path, _)| **path == entry.path) {
            // Git remembers how a conflict was resolved.
            Some(_) if entry.stage != 0 => return None,
            Some((path, new)) => {
                count += append(&mut made, path, new)?;
                same_paths &= matches!(new, NewEntry::Version(..));
            }
            None => {
                // It may have changed after it was noted, in the same second. Git knows that while the index is no newer, and
                // would have to look at the file now.
                if i64::from(u32_at(entry.whole, MODIFIED)?) >= written {
                    return None;
                }
                made.extend_from_slice(entry.whole);
                count += 1;
            }
        }
    }
    for (path, new) in left {
        count += append(&mut made, path, new)?;
        same_paths &= matches!(new, NewEntry::Nothing);
        is_free(index, path, changes).then_some(())?;
    }
    made[8..12].copy_from_slice(&count.to_be_bytes());
    append_parts(&mut made, file.parts, hash, changes, same_paths)?;
    let sum = hash.checksum(&made);
    made.extend(sum);
    Some(made)
}

/// Says whether a new path is neither a folder of the index nor in one of its files.
fn is_free(index: &Index, path: &[u8], changes: &BTreeMap<&[u8], NewEntry<'_>>) -> bool {
    const STAGES: [u8; 4] = [0, 1, 2, 3];
    let stays = |path: &[u8]| !matches!(changes.get(path), Some(NewEntry::Nothing));
    let slashes = (0..path.len()).filter(|at| path[*at] == b'/');
    let mut above = slashes.map(|at| &path[..at]).filter(|above| index.has(above, &STAGES));
    !above.any(stays) && !index.below(path, &STAGES).into_iter().any(stays)
}

/// Appends the entry; returns how many that are.
fn append(made: &mut Vec<u8>, path: &[u8], new: &NewEntry<'_>) -> Option<u32> {
    let NewEntry::Version(version, file) = new else { return Some(0) };
    let start = made.len();
    let cut = |number: u64| (number & u64::from(u32::MAX)) as u32;
    let mode = u32::from_str_radix(version.mode.octal(), 8).ok()?;
    let numbers = match file {
        Some(file) => [
            cut(file.changed.0.cast_unsigned()),
            cut(file.changed.1),
            cut(file.modified.0.cast_unsigned()),
            cut(file.modified.1),
            cut(file.id.0),
            cut(file.id.1),
            mode,
            file.owner.0,
            file.owner.1,
            cut(file.size),
        ],
        None => [0, 0, 0, 0, 0, 0, mode, 0, 0, 0],
    };
    made.extend(numbers.iter().flat_map(|number| number.to_be_bytes()));
    made.extend(crate::base::digest::from_hex(&version.oid)?);
    made.extend((path.len().min(LONGEST) as u16).to_be_bytes());
    made.extend_from_slice(path);
    // One to eight zeros, up to a multiple of eight.
    let length = made.len() - start;
    made.resize(start + (length + 8) / 8 * 8, 0);
    Some(1)
}

/// Appends what comes after the entries.
fn append_parts(
    made: &mut Vec<u8>,
    mut parts: &[u8],
    hash: GitHash,
    changes: &BTreeMap<&[u8], NewEntry<'_>>,
    same_paths: bool,
) -> Option<()> {
    while let Some((name, rest)) = parts.split_first_chunk::<4>() {
        let (part, after) = rest.split_at_checked(4)?.1.split_at_checked(u32_at(rest, 0)? as usize)?;
        parts = after;
        let changed;
        let part = match name {
            b"TREE" => {
                let paths: Vec<&[u8]> = changes.keys().copied().collect();
                changed = cache_tree::without(part, hash.bytes(), &paths)?;
                &changed
            }
            // How conflicts were resolved.
            b"REUC" => part,
            // What is not tracked: git sees by the times of the folders whether that still holds.
            b"UNTR" if same_paths => part,
            // Where blocks of entries begin: git does without.
            b"EOIE" | b"IEOT" => continue,
            _ => return None,
        };
        made.extend_from_slice(name);
        made.extend(u32::try_from(part.len()).ok()?.to_be_bytes());
        made.extend_from_slice(part);
    }
    Some(())
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Mode;

    const OLD: &str = "1111111111111111111111111111111111111111";
    const SIZE: usize = 36;
    const NEW: &str = "2222222222222222222222222222222222222222";

    fn version(oid: &str) -> Version {
        Version { oid: oid.to_owned(), mode: Mode::File }
    }

    /// An index of these paths, modified at 1,000 seconds, with these parts behind them.
    fn file_of(paths: &[&str], parts: &[u8]) -> Vec<u8> {
        let mut file = b"DIRC\0\0\0\x02\0\0\0\0".to_vec();
        let (old, facts) = (version(OLD), facts());
        for path in paths {
            append(&mut file, path.as_bytes(), &NewEntry::Version(&old, Some(&facts))).expect("an entry");
        }
        file[8..12].copy_from_slice(&(paths.len() as u32).to_be_bytes());
        file.extend_from_slice(parts);
        file.extend(GitHash::Sha1.checksum(&file));
        file
    }

    fn facts() -> FileFacts {
        FileFacts::made_up((1_000, 5), 4)
    }

    /// Which paths there are, whether each has the new version, and the size that is noted of its file.
    fn listed(file: Vec<u8>) -> Vec<String> {
        let index = Index::from_file(file, GitHash::Sha1).expect("an index");
        let sizes = index.plain_file().expect("whole entries").entries;
        let sizes = sizes.map(|entry| u32_at(entry.whole, SIZE).expect("a size"));
        let facts = index.entries().zip(sizes);
        let line = |(entry, size): (super::super::Indexed<'_>, u32)| {
            format!("{} {} {size}", String::from_utf8_lossy(entry.path), entry.oid[0] / 0x11)
        };
        facts.map(line).collect()
    }

    fn made(paths: &[&str], parts: &[u8], written: i64, changes: &[(&str, Option<bool>)]) -> Option<Vec<u8>> {
        let (new, facts) = (version(NEW), facts());
        let entry = |known: bool| NewEntry::Version(&new, known.then_some(&facts));
        let changes =
            changes.iter().map(|(path, known)| (path.as_bytes(), known.map_or(NewEntry::Nothing, entry)));
        let index = Index::from_file(file_of(paths, parts), GitHash::Sha1).expect("an index");
        with(&index, written, GitHash::Sha1, &changes.collect())
    }

    #[test]
    fn entries_are_replaced_added_and_removed_and_all_others_stay_to_the_byte() {
        let changes = [("a", Some(true)), ("b", None), ("bb", Some(false)), ("x", None), ("z", Some(true))];
        let file = made(&["a", "b", "c"], b"", 2_000, &changes).expect("plain");
        assert_eq!(listed(file), ["a 2 4", "bb 2 0", "c 1 4", "z 2 4"]);
        let conflicts = b"REUC\0\0\0\x02xy";
        let same = made(&["a", "src/b"], conflicts, 2_000, &[]).expect("plain");
        assert_eq!(same, file_of(&["a", "src/b"], conflicts));
    }

    #[test]
    fn what_may_have_changed_in_the_second_in_which_it_was_noted_is_looked_at_by_git() {
        for (written, plain) in [(999, false), (1_000, false), (1_001, true)] {
            let made = |changes: &[_]| made(&["a", "b"], b"", written, changes).is_some();
            assert_eq!(made(&[("b", Some(true))]), plain, "{written}");
            assert!(made(&[("a", None), ("b", Some(true))]), "nothing else is in it: {written}");
        }
    }

    #[test]
    fn what_is_not_plain_is_left_to_git() {
        let set = [("a", Some(true))];
        for parts in [&b"FSMN\0\0\0\0"[..], b"WHAT\0\0\0\0", b"TREE\0\0\0\x03abc"] {
            assert_eq!(made(&["a"], parts, 2_000, &set), None, "{parts:?}");
        }
        // What is untracked is known by folders: another path changes that.
        let untracked = b"UNTR\0\0\0\x01x";
        assert!(made(&["a"], untracked, 2_000, &set).is_some());
        assert_eq!(made(&["a"], untracked, 2_000, &[("a", None)]), None);
        assert_eq!(made(&["a"], untracked, 2_000, &[("b", Some(true))]), None);
        // A file where a folder is, or the other way round, unless that goes.
        assert_eq!(made(&["a/b"], b"", 2_000, &set), None);
        assert_eq!(made(&["a"], b"", 2_000, &[("a/b", Some(true))]), None);
        assert!(made(&["a"], b"", 2_000, &[("a", None), ("a/b", Some(true))]).is_some());
        assert!(made(&["a-b", "a/b"], b"", 2_000, &[("a", Some(true)), ("a/b", None)]).is_some());
    }
}
