//! All entries of the index: read from git's own file, or as `git ls-files` lists them.
//!
//! Reading the file takes a tenth of the time. It is used only if every byte of it is understood (versions 2
//! to 4, either hash). For a split or sparse index and anything unknown, git is asked. Both ways give the
//! same entries.
//!
//! Source of the format: git's `Documentation/gitformat-index.txt`.

use std::fmt::Write as _;
use std::ops::Range;

use super::Repository;
use crate::base::digest::{Checksum, GitHash, ObjectId, from_hex, to_hex};
use crate::base::error::Result;
use crate::base::paths::RepoPath;
use crate::manifest::{HiddenBy, Mode, Version};
use crate::sys::files;

/// How git lists the whole index.
///
/// `--debug` adds the flags. One of them is nowhere else: that a file is only meant to be added.
const LIST: [&str; 7] =
    ["-c", "sparse.expectFilesOutsideOfPatterns=true", "ls-files", "--stage", "-v", "-z", "--debug"];

/// A larger index is left to git, in bytes.
const LARGEST: u64 = 1 << 30;

/// How long the head of the file is, and what an entry has before its blob's id, in bytes.
const HEAD: usize = 12;
const BEFORE_ID: usize = 40;

/// Entry flags: git was told to take the file for unchanged, there are more flags, the stage.
const ASSUME_VALID: u16 = 1 << 15;
const EXTENDED: u16 = 1 << 14;
const STAGE: u16 = 3 << 12;

/// In the second flags: a sparse checkout leaves the file out.
const SKIP_WORKTREE: u16 = 1 << 14;

/// In the second flags: the file is only meant to be added. The next one is the same among the flags
/// that git lists.
const INTENT_TO_ADD: u16 = 1 << 13;
const LISTED_INTENT_TO_ADD: u32 = 1 << 29;

/// The whole index, in git's order.
#[derive(Debug, Default)]
pub struct Index {
    /// Ids and paths are in here.
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    /// Where the id of the tree is that the whole index is, if git has noted that.
    tree: Option<Range<usize>>,
    /// Whether it was read from git's own file, so that it has what git noted of each file.
    is_file: bool,
    /// Where in the bytes the parts after the entries are, if these bytes are a file with whole entries.
    parts: Option<Range<usize>>,
}

/// Git's own file in which each entry is whole.
pub(super) struct PlainFile<'a, I: Iterator<Item = WholeEntry<'a>>> {
    /// What comes before the entries.
    pub(super) head: &'a [u8],
    pub(super) entries: I,
    /// What comes after them, without the checksum.
    pub(super) parts: &'a [u8],
    /// Of the whole file, in bytes.
    pub(super) length: usize,
}

/// One entry as it is in the file.
pub(super) struct WholeEntry<'a> {
    pub(super) path: &'a [u8],
    pub(super) stage: u8,
    pub(super) whole: &'a [u8],
}

#[derive(Debug)]
struct Entry {
    mode: u32,
    stage: u8,
    hidden: Option<HiddenBy>,
    intended: bool,
    oid: Range<usize>,
    path: Range<usize>,
}

/// One entry of the index, not yet checked.
#[derive(Clone, Copy, Debug)]
pub struct Indexed<'a> {
    mode: u32,
    stage: u8,
    /// Why git does not look at the file.
    pub hidden: Option<HiddenBy>,
    /// Whether it is the empty mark of `git add --intent-to-add`.
    pub intended: bool,
    /// The blob's id, as bytes.
    pub oid: &'a [u8],
    /// The path's bytes.
    pub path: &'a [u8],
    /// What git noted of the file, as it stands in git's own.
    noted: Option<&'a [u8; NOTED]>,
}

/// How long that is.
const NOTED: usize = 40;

/// What git noted of a file when it last looked at it. Times are in seconds and nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Noted {
    pub(super) changed: (u32, u32),
    pub(super) modified: (u32, u32),
    pub(super) inode: u32,
    pub(super) owner: (u32, u32),
    pub(super) size: u32,
}

impl Repository {
    /// Reads the whole index.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with what git says.
    pub(super) fn index(&self) -> Result<Index> {
        let path = self.git_dir.join("index");
        let read = match files::read_plain(&path, LARGEST) {
            Ok(Some(bytes)) => Index::from_file(bytes, self.hash),
            Ok(None) | Err(_) => None,
        };
        match read {
            Some(index) => Ok(index),
            None => {
                // For a sparse index git makes up what it leaves out, and would write trees for it.
                let aside = self.objects_aside()?;
                let answer = self.git.demand_with(&LIST, &aside.environment(), &[])?;
                Ok(Index::from_list(&answer.stdout))
            }
        }
    }
}

impl Index {
    /// Takes git's own file apart; `None` if there is anything in it that is not understood.
    pub(super) fn from_file(mut bytes: Vec<u8>, hash: GitHash) -> Option<Index> {
        let id = hash.bytes();
        let end = bytes.len().checked_sub(id)?;
        let (head, _) = bytes.split_first_chunk::<HEAD>()?;
        let version = match head.split_at(8) {
            (b"DIRC\0\0\0\x02" | b"DIRC\0\0\0\x03", _) => 3,
            (b"DIRC\0\0\0\x04", _) => 4,
            _ => return None,
        };
        let count = u32_at(head, 8)? as usize;
        // An entry has more bytes than this, so that a false count makes no room.
        let mut entries = Vec::with_capacity(count.min(end / 40));
        // Version 4 says of a path only how it differs from the one before; they are put together here.
        let (mut paths, mut last) = (Vec::new(), 0..0);
        let mut at = head.len();
        for _ in 0..count {
            let start = at;
            let mode = u32_at(&bytes, start + 24)?;
            let oid = start + BEFORE_ID..start + BEFORE_ID + id;
            let flags = u16_at(&bytes, oid.end)?;
            at = oid.end + 2;
            let mut more = 0;
            if flags & EXTENDED != 0 {
                more = u16_at(&bytes, at)?;
                at += 2;
            }
            let path = if version == 4 {
                let kept = last.len().checked_sub(varint(&bytes, &mut at)?)?;
                let length = memchr::memchr(0, bytes.get(at..end)?)?;
                let from = paths.len();
                paths.extend_from_within(last.start..last.start + kept);
                paths.extend_from_slice(bytes.get(at..at + length)?);
                at += length + 1;
                last = from..paths.len();
                bytes.len() + from..bytes.len() + paths.len()
            } else {
                let length = memchr::memchr(0, bytes.get(at..end)?)?;
                let path = at..at + length;
                // One to eight zeros, up to a multiple of eight.
                at = start + (path.end - start + 8) / 8 * 8;
                path
            };
            let hidden = match (more & SKIP_WORKTREE, flags & ASSUME_VALID) {
                (0, 0) => None,
                (0, _) => Some(HiddenBy::AssumeUnchanged),
                (_, 0) => Some(HiddenBy::SkipWorktree),
                _ => Some(HiddenBy::Both),
            };
            let (stage, intended) = (((flags & STAGE) >> 12) as u8, more & INTENT_TO_ADD != 0);
            entries.push(Entry { mode, stage, hidden, intended, oid, path });
        }
        let mut tree = None;
        let parts = at..end;
        while at < end {
            if bytes.get(at..at + 4) == Some(b"TREE") {
                tree = whole_tree(&bytes, at + 8, id);
            }
            // A name in small letters means that the entries are not all, or not what they seem.
            let optional = bytes.get(at)?.is_ascii_uppercase();
            at = at.checked_add(8)?.checked_add(u32_at(&bytes, at + 4)? as usize)?;
            if !optional {
                return None;
            }
        }
        bytes.append(&mut paths);
        let parts = Some(parts).filter(|_| version < 4);
        (at == end).then_some(Index { bytes, entries, tree, is_file: true, parts })
    }

    /// Parses the output of `git ls-files --stage -v -z`: `TAG MODE OID STAGE\tPATH`, each ended by a
    /// zero.
    fn from_list(list: &[u8]) -> Index {
        let mut index = Index::default();
        for mut record in list.split(|byte| *byte == 0) {
            // Indented lines are what git noted of the entry before.
            while record.starts_with(b"  ") {
                let end = memchr::memchr(b'\n', record).map_or(record.len(), |end| end + 1);
                let (line, rest) = record.split_at(end);
                if let (Some(flags), Some(entry)) = (listed_flags(line), index.entries.last_mut()) {
                    entry.intended = flags & LISTED_INTENT_TO_ADD != 0;
                }
                record = rest;
            }
            let Some((facts, path)) = memchr::memchr(b'\t', record).map(|tab| record.split_at(tab)) else {
                continue;
            };
            let Ok(facts) = std::str::from_utf8(facts) else { continue };
            let mut words = facts.splitn(4, ' ');
            let mut word = || words.next().unwrap_or_default();
            let hidden = match word().as_bytes() {
                [b'S'] => Some(HiddenBy::SkipWorktree),
                [b's'] => Some(HiddenBy::Both),
                [tag] if tag.is_ascii_lowercase() => Some(HiddenBy::AssumeUnchanged),
                _ => None,
            };
            let (Ok(mode), Some(oid)) = (u32::from_str_radix(word(), 8), from_hex(word())) else { continue };
            let Ok(stage) = word().parse() else { continue };
            let start = index.bytes.len();
            index.bytes.extend_from_slice(&oid);
            let middle = index.bytes.len();
            index.bytes.extend_from_slice(&path[1..]);
            let (oid, path) = (start..middle, middle..index.bytes.len());
            index.entries.push(Entry { mode, stage, hidden, intended: false, oid, path });
        }
        index
    }

    /// Returns the file that this was read from; `None` if its entries are not whole.
    pub(super) fn plain_file(&self) -> Option<PlainFile<'_, impl Iterator<Item = WholeEntry<'_>>>> {
        let parts = self.parts.clone()?;
        let start = |entry: &Entry| entry.oid.start - BEFORE_ID;
        let ends = self.entries.iter().skip(1).map(start).chain([parts.start]);
        let entries = self.entries.iter().zip(ends).map(move |(entry, end)| WholeEntry {
            path: &self.bytes[entry.path.clone()],
            stage: entry.stage,
            whole: &self.bytes[start(entry)..end],
        });
        let (head, length) = (&self.bytes[..HEAD], self.bytes.len());
        Some(PlainFile { head, entries, parts: &self.bytes[parts], length })
    }

    /// Goes through all entries, in git's order.
    pub fn entries(&self) -> impl Iterator<Item = Indexed<'_>> {
        self.entries.iter().map(|entry| Indexed {
            mode: entry.mode,
            stage: entry.stage,
            hidden: entry.hidden,
            intended: entry.intended,
            oid: &self.bytes[entry.oid.clone()],
            path: &self.bytes[entry.path.clone()],
            noted: self.noted(entry),
        })
    }

    fn noted(&self, entry: &Entry) -> Option<&[u8; NOTED]> {
        let from = entry.oid.start.checked_sub(NOTED).filter(|_| self.is_file)?;
        self.bytes.get(from..)?.first_chunk()
    }

    /// Returns the id of the tree that the whole index is, if git has noted that.
    pub(super) fn tree(&self) -> Option<String> {
        Some(to_hex(self.bytes.get(self.tree.clone()?)?))
    }

    /// Says whether there is an entry at a path, in one of these stages.
    pub fn has(&self, path: &[u8], stages: &[u8]) -> bool {
        let first = self.entries.partition_point(|entry| self.bytes[entry.path.clone()] < *path);
        let same = self.entries[first..].iter().take_while(|entry| self.bytes[entry.path.clone()] == *path);
        same.into_iter().any(|entry| stages.contains(&entry.stage))
    }

    /// Returns the paths of the entries below a path, in one of these stages.
    pub fn below<'a>(&'a self, path: &[u8], stages: &[u8]) -> Vec<&'a [u8]> {
        let folder = [path, b"/"].concat();
        let first = self.entries.partition_point(|entry| self.bytes[entry.path.clone()] < *folder);
        let from = self.entries[first..].iter();
        let below = from.take_while(|entry| self.bytes[entry.path.clone()].starts_with(&folder));
        let below = below.filter(|entry| stages.contains(&entry.stage));
        below.map(|entry| &self.bytes[entry.path.clone()]).collect()
    }

    /// Returns the version of each wanted path that is tracked and not unmerged.
    pub fn versions(&self, wanted: impl Fn(&[u8]) -> bool) -> Vec<(RepoPath, Version)> {
        let wanted = self.entries().filter(|entry| wanted(entry.path));
        wanted.filter_map(|entry| Some((RepoPath::new(entry.path).ok()?, entry.version()?))).collect()
    }

    /// Hashes all entries.
    pub(super) fn fingerprint(&self) -> ObjectId {
        let mut sum = Checksum::default();
        let mut line = String::new();
        for entry in self.entries() {
            line.clear();
            let hidden = entry.hidden.map_or(0, |by| by as u8 + 1) + if entry.intended { 10 } else { 0 };
            let _never_fails =
                write!(line, "{:o} {} {hidden} {} ", entry.mode, entry.stage, entry.path.len());
            sum.update(line.as_bytes());
            sum.update(entry.oid);
            sum.update(entry.path);
        }
        sum.finish()
    }
}

impl Indexed<'_> {
    /// Returns the version; `None` in an unfinished merge.
    pub fn version(&self) -> Option<Version> {
        let mode = Mode::from_octal(&format!("{:06o}", self.mode)).filter(|_| self.stage == 0)?;
        Some(Version { oid: to_hex(self.oid), mode })
    }

    /// Returns what git noted of the file; `None` if git listed the index itself.
    pub(super) fn noted(&self) -> Option<Noted> {
        let bytes = self.noted?;
        let at = |number: usize| u32_at(bytes, number * 4);
        Some(Noted {
            changed: (at(0)?, at(1)?),
            modified: (at(2)?, at(3)?),
            inode: at(5)?,
            owner: (at(7)?, at(8)?),
            size: at(9)?,
        })
    }

    /// Says whether it is a submodule.
    pub(super) fn is_submodule(&self) -> bool {
        self.mode == 0o160_000
    }
}

/// Returns where the id of the tree stands that the whole index is, in a list of trees that begins here.
fn whole_tree(bytes: &[u8], at: usize, id: usize) -> Option<Range<usize>> {
    // No name, how many entries (-1: something was changed since), how many trees below, the id.
    let rest = bytes.get(at..)?.strip_prefix(b"\0")?;
    let end = memchr::memchr(b'\n', rest)?;
    let (count, _) = std::str::from_utf8(rest.get(..end)?).ok()?.split_once(' ')?;
    count.parse::<u32>().ok()?;
    let from = at + 1 + end + 1;
    bytes.get(from..from + id).map(|_| from..from + id)
}

/// Reads the flags from `  size: N\tflags: HEX`.
fn listed_flags(line: &[u8]) -> Option<u32> {
    let (_, flags) = std::str::from_utf8(line).ok()?.split_once("\tflags: ")?;
    u32::from_str_radix(flags.trim_end(), 16).ok()
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Reads a number as git's packs write offsets: seven bits a byte, each but the last counted up by one.
fn varint(bytes: &[u8], at: &mut usize) -> Option<usize> {
    let mut next = || {
        let byte = *bytes.get(*at)?;
        *at += 1;
        Some(usize::from(byte))
    };
    let mut byte = next()?;
    let mut value = byte & 0x7f;
    while byte & 0x80 != 0 {
        byte = next()?;
        value = value.checked_add(1)?.checked_mul(128)? | (byte & 0x7f);
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An index of these paths. In version 4, each path is the length that it shares with the one
    /// before, and its rest.
    fn file(version: u8, paths: &[(u8, &str)], extension: &[u8]) -> Vec<u8> {
        let mut file = [b"DIRC\0\0\0".as_slice(), &[version, 0, 0, 0, paths.len() as u8]].concat();
        for (number, (dropped, path)) in paths.iter().enumerate() {
            let start = file.len();
            file.extend([0; 24]);
            file.extend(0o100_755_u32.to_be_bytes());
            file.extend([0; 12]);
            file.extend([number as u8; 20]);
            let hidden = version > 2 && number == 1;
            file.extend((if hidden { EXTENDED } else { ASSUME_VALID }).to_be_bytes());
            file.extend(if hidden { SKIP_WORKTREE.to_be_bytes().to_vec() } else { vec![] });
            if version == 4 {
                file.push(*dropped);
            }
            file.extend(path.bytes());
            file.push(0);
            while version < 4 && !(file.len() - start).is_multiple_of(8) {
                file.push(0);
            }
        }
        file.extend(extension);
        file.extend([0xee; 20]);
        file
    }

    fn listed(index: &Index) -> Vec<String> {
        let entry = |entry: Indexed<'_>| {
            let path = String::from_utf8_lossy(entry.path).into_owned();
            format!("{path} {:?} {} {:?}", entry.hidden, entry.oid[0], entry.version().map(|it| it.mode))
        };
        index.entries().map(entry).collect()
    }

    #[test]
    fn every_version_of_the_file_gives_the_same_entries() {
        let expected = [
            "src/a.rs Some(AssumeUnchanged) 0 Some(Executable)",
            "src/ab/c Some(SkipWorktree) 1 Some(Executable)",
            "x Some(AssumeUnchanged) 2 Some(Executable)",
        ];
        let tree = b"TREE\0\0\0\x03abc";
        let whole = [(0, "src/a.rs"), (0, "src/ab/c"), (0, "x")];
        let three = Index::from_file(file(3, &whole, tree), GitHash::Sha1).expect("version 3");
        assert_eq!(listed(&three), expected);
        let shared = [(0, "src/a.rs"), (3, "b/c"), (8, "x")];
        let four = Index::from_file(file(4, &shared, tree), GitHash::Sha1).expect("version 4");
        assert_eq!(listed(&four), expected);
        assert_eq!(three.fingerprint(), four.fingerprint());
    }

    #[test]
    fn what_is_not_understood_to_the_last_byte_is_left_to_git() {
        let paths = [(0, "a"), (1, "bcd")];
        for version in [2, 3, 4] {
            let whole = file(version, &paths, b"TREE\0\0\0\0");
            let all = listed(&Index::from_file(whole.clone(), GitHash::Sha1).expect("understood"));
            for length in 0..whole.len() {
                // Cut where an optional part begins, the entries are still all there.
                let cut = Index::from_file(whole[..length].to_vec(), GitHash::Sha1);
                assert!(cut.is_none_or(|cut| listed(&cut) == all), "{length}");
            }
            for extension in
                [b"link\0\0\0\0".as_slice(), b"sdir\0\0\0\0", b"TREE\0\0\0\x09", b"TREE\xff\xff\xff\xff"]
            {
                assert!(Index::from_file(file(version, &paths, extension), GitHash::Sha1).is_none());
            }
        }
        assert!(Index::from_file(file(5, &paths, b""), GitHash::Sha1).is_none());
        assert!(Index::from_file(file(4, &[(1, "a")], b""), GitHash::Sha1).is_none(), "nothing to drop");
    }
}
