//! Three-way merges of whole trees, by `git merge-tree`: nothing of the user's is touched.
//!
//! Trees are made in a private index and written to the object database, where git's own garbage collection
//! removes them again. Needs git 2.40 or later.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::PathBuf;

use super::Repository;
use crate::base::error::{Error, Kind, Result};
use crate::base::paths::RepoPath;
use crate::manifest::{Mode, Version};

/// What a merge gave.
pub struct Merged {
    /// The merged tree; a conflicted file has markers in it.
    pub tree: String,
    /// The stages of each conflicted path.
    pub conflicts: BTreeMap<RepoPath, Vec<(u8, Version)>>,
    /// New files whose folder the other side renamed: where each was, by where it is now.
    pub moved: BTreeMap<RepoPath, RepoPath>,
}

/// One side of a merge: its tree, and what people call it.
pub struct MergeSide<'a> {
    /// The id of its tree, by which git names it in conflict markers.
    pub tree: &'a str,
    /// Its name for people.
    pub name: &'a str,
}

/// Names the sides of a merge for people in the conflict markers of a file.
pub fn named_markers(conflicted: &[u8], ours: &MergeSide<'_>, theirs: &MergeSide<'_>) -> Vec<u8> {
    let mut named = Vec::with_capacity(conflicted.len());
    for line in conflicted.split_inclusive(|byte| *byte == b'\n') {
        let side = match line.first() {
            Some(b'<') => ours,
            Some(b'>') => theirs,
            _ => {
                named.extend_from_slice(line);
                continue;
            }
        };
        // How long a marker is can be set for each path.
        let marker = line.iter().take_while(|byte| **byte == line[0]).count();
        let rest = line[marker..].strip_prefix(b" ").and_then(|rest| rest.strip_prefix(side.tree.as_bytes()));
        match rest {
            Some(rest) => {
                named.extend_from_slice(&line[..=marker]);
                named.extend_from_slice(side.name.as_bytes());
                named.extend_from_slice(rest);
            }
            None => named.extend_from_slice(line),
        }
    }
    named
}

/// Names the side of a merge for people in a path. Where the two sides have things of different kinds, git puts one of them
/// beside the other, under a name that ends in the id of its tree; each side has its own end instead.
pub fn named_path(path: RepoPath, sides: [(&MergeSide<'_>, &str); 2]) -> RepoPath {
    let text = path.as_bytes();
    for (side, end) in sides {
        let id = [b"~", side.tree.as_bytes()].concat();
        if let Some(start) = memchr::memmem::find(text, &id) {
            let renamed = [&text[..start], end.as_bytes(), &text[start + id.len()..]].concat();
            return RepoPath::new(&renamed).unwrap_or(path);
        }
    }
    path
}

impl Repository {
    /// Writes the tree of a commit (`None`: an empty one) with some paths changed.
    ///
    /// # Errors
    /// [`Kind::Environment`] with what git says.
    pub fn tree_with(&self, commit: Option<&str>, changes: &[(RepoPath, Option<Version>)]) -> Result<String> {
        let scratch = crate::sys::files::scratch_folder()?;
        let index: PathBuf = scratch.path().join("index");
        let environment = [("GIT_INDEX_FILE", OsString::from(&index))];
        match commit {
            Some(commit) => self.git.demand_with(&["read-tree", commit], &environment, &[])?,
            None => self.git.demand_with(&["read-tree", "--empty"], &environment, &[])?,
        };
        let zero = "0".repeat(self.hash.blob_id(b"").len());
        let mut input = Vec::new();
        let mut line = |facts: String, path: &RepoPath| {
            input.extend_from_slice(facts.as_bytes());
            input.push(b'\t');
            input.extend_from_slice(path.as_bytes());
            input.push(0);
        };
        // All removals first: a file may become a folder or the other way round.
        changes.iter().for_each(|(path, _)| line(format!("0 {zero}"), path));
        for (path, version) in changes {
            if let Some(version) = version {
                line(format!("{} {}", version.mode.octal(), version.oid), path);
            }
        }
        let words = [self.as_the_disk_has_case(), &["update-index", "-z", "--index-info"]].concat();
        self.git.demand_with(&words, &environment, &input)?;
        let answer = self.git.demand_with(&["write-tree"], &environment, &[])?;
        scratch.remove()?;
        Ok(String::from_utf8_lossy(&answer.stdout).trim().to_owned())
    }

    /// Returns the version of git, if it is one that can't merge trees here.
    pub fn too_old_to_merge(&self) -> Option<String> {
        let said = self.git.run(&["version"]).ok()?;
        too_old(&String::from_utf8_lossy(&said.stdout)).map(str::to_owned)
    }

    /// Refuses what needs a merge if git can't make one here.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the version of git.
    pub fn check_merges(&self) -> Result<()> {
        self.too_old_to_merge().map_or(Ok(()), |version| Err(cant_merge(&format!("this is git {version}"))))
    }

    /// Returns the paths that git has in conflict.
    ///
    /// # Errors
    /// [`Kind::Environment`] with what git says.
    pub fn in_conflict(&self) -> Result<BTreeSet<RepoPath>> {
        let answer = self.git.demand(&["ls-files", "--unmerged", "--full-name", "-z"])?;
        let paths = answer.stdout.split(|byte| *byte == 0).filter_map(|record| {
            let tab = record.iter().position(|byte| *byte == b'\t')?;
            RepoPath::new(&record[tab + 1..]).ok()
        });
        Ok(paths.collect())
    }

    /// Merges two trees that came from a common one.
    ///
    /// # Errors
    /// [`Kind::Environment`] with what git says; one older than 2.40 can't do it.
    pub fn merge_trees(&self, base: &str, ours: &str, theirs: &str) -> Result<Merged> {
        let merge_base = format!("--merge-base={base}");
        let words = [
            "-c",
            "merge.directoryRenames=true",
            "merge-tree",
            "--write-tree",
            "-z",
            "--messages",
            &merge_base,
            ours,
            theirs,
        ];
        let answer = self.git.run(&words)?;
        let mut fields = answer.stdout.split(|byte| *byte == 0);
        let tree = String::from_utf8_lossy(fields.next().unwrap_or_default()).into_owned();
        if tree.is_empty() {
            let said = || answer.stderr.lines().next().unwrap_or_default().trim().to_owned();
            return Err(self.check_merges().err().unwrap_or_else(|| cant_merge(&said())));
        }
        let mut conflicts: BTreeMap<RepoPath, Vec<(u8, Version)>> = BTreeMap::new();
        // MODE OID STAGE\tPATH, up to an empty field.
        for record in fields.by_ref().take_while(|record| !record.is_empty()) {
            let Some(tab) = record.iter().position(|byte| *byte == b'\t') else { continue };
            let facts = String::from_utf8_lossy(&record[..tab]).into_owned();
            let words: Vec<&str> = facts.split(' ').collect();
            if let ([mode, oid, stage], Ok(path)) = (words.as_slice(), RepoPath::new(&record[tab + 1..]))
                && let (Some(mode), Ok(stage)) = (Mode::from_octal(mode), stage.parse())
            {
                conflicts.entry(path).or_default().push((stage, Version { oid: (*oid).to_owned(), mode }));
            }
        }
        Ok(Merged { tree, conflicts, moved: moved(fields) })
    }
}

/// Reads which files git moved with their folder, in what it says of the merge: the number of paths, the paths, a kind and a sentence.
fn moved<'a>(mut fields: impl Iterator<Item = &'a [u8]>) -> BTreeMap<RepoPath, RepoPath> {
    let mut moved = BTreeMap::new();
    while let Some(number) = fields.next().and_then(|field| std::str::from_utf8(field).ok()?.parse().ok()) {
        let paths: Vec<&[u8]> = fields.by_ref().take(number).collect();
        let kind = fields.next();
        fields.next();
        if let ([new, old], Some(b"Path updated due to directory rename")) = (paths.as_slice(), kind)
            && let (Ok(new), Ok(old)) = (RepoPath::new(new), RepoPath::new(old))
        {
            moved.insert(new, old);
        }
    }
    moved
}

fn cant_merge(why: &str) -> Error {
    Error::new(Kind::Environment, "git can't merge here").because(why).hint(
        "a merge needs git 2.40 or later; `snap rewind` and `snap resume --worktree BRANCH` work without it",
    )
}

/// Returns the version that git says it has, if it is below 2.40; one that can't be read is taken for a new one.
fn too_old(said: &str) -> Option<&str> {
    let version = said.trim().strip_prefix("git version ")?.split(' ').next()?;
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().ok());
    let (major, minor) = (numbers.next()??, numbers.next()??);
    ((major, minor) < (2, 40)).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_git_that_cant_merge_trees_is_told_by_its_version() {
        assert_eq!(too_old("git version 2.39.5\n"), Some("2.39.5"));
        assert_eq!(too_old("git version 2.31.1.windows.1"), Some("2.31.1.windows.1"));
        assert_eq!(too_old("git version 1.99.0 (Apple Git-1)"), Some("1.99.0"));
        for new in ["git version 2.40.0", "git version 3.0", "git version 2.47.3 (Apple Git-154)", "?", ""] {
            assert_eq!(too_old(new), None, "{new:?}");
        }
    }

    #[test]
    fn markers_name_the_sides_and_what_looks_like_one_stays() {
        let (ours, theirs) =
            (MergeSide { tree: "aa11", name: "here" }, MergeSide { tree: "bb22", name: "snapshot \"x\"" });
        let git = b"<<<<<<< aa11:old/name\n1\n=======\n<<<<<<< bb22\n> aa11\n>>>>>>>>> bb22\r\n>>>>>>> bb22";
        let wanted =
            b"<<<<<<< here:old/name\n1\n=======\n<<<<<<< bb22\n> aa11\n>>>>>>>>> snapshot \"x\"\r\n>>>>>>> snapshot \"x\"";
        assert_eq!(named_markers(git, &ours, &theirs), wanted);
    }
}
