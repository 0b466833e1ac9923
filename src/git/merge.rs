//! Three-way merges of whole trees, by `git merge-tree`: nothing of the user's is touched.
//!
//! Trees are made in a private index and written to the object database, where git's own garbage collection
//! removes them again. Needs git 2.40 or later.

use std::collections::BTreeMap;
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
            &merge_base,
            ours,
            theirs,
        ];
        let answer = self.git.run(&words)?;
        let mut fields = answer.stdout.split(|byte| *byte == 0);
        let tree = String::from_utf8_lossy(fields.next().unwrap_or_default()).into_owned();
        if tree.is_empty() {
            let why = answer.stderr.lines().next().unwrap_or_default().trim().to_owned();
            return Err(Error::new(Kind::Environment, "git can't merge here").because(why).hint(
                "`--merge` needs git 2.40 or later; `snap rewind` and `--worktree BRANCH` work without it",
            ));
        }
        let mut conflicts: BTreeMap<RepoPath, Vec<(u8, Version)>> = BTreeMap::new();
        // MODE OID STAGE\tPATH, up to an empty field.
        for record in fields.take_while(|record| !record.is_empty()) {
            let Some(tab) = record.iter().position(|byte| *byte == b'\t') else { continue };
            let facts = String::from_utf8_lossy(&record[..tab]).into_owned();
            let words: Vec<&str> = facts.split(' ').collect();
            if let ([mode, oid, stage], Ok(path)) = (words.as_slice(), RepoPath::new(&record[tab + 1..]))
                && let (Some(mode), Ok(stage)) = (Mode::from_octal(mode), stage.parse())
            {
                conflicts.entry(path).or_default().push((stage, Version { oid: (*oid).to_owned(), mode }));
            }
        }
        Ok(Merged { tree, conflicts })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
