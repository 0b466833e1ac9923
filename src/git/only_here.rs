//! What only this repository has: stash entries, and commits that no remote is known to have.

use super::Repository;
use crate::base::error::Result;

/// More commits than this are not counted.
pub const MOST_COUNTED: usize = 1_000;

/// A stash entry.
pub struct Stashed {
    /// Its commit.
    pub commit: String,
    /// What git says of it.
    pub text: String,
}

impl Repository {
    /// Returns the stash entries, newest first.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] if git can't be run.
    pub fn stashes(&self) -> Result<Vec<Stashed>> {
        // A signature is checked by a program of the configuration's.
        let words = ["log", "-g", "--no-show-signature", "--no-notes", "--format=%H %gs", "refs/stash", "--"];
        let answer = self.git.run(&words)?;
        let stashed = |line: &[u8]| {
            let line = String::from_utf8_lossy(line).into_owned();
            let (commit, text) = line.split_once(' ')?;
            Some(Stashed { commit: commit.to_owned(), text: text.to_owned() })
        };
        Ok(answer.lines().into_iter().filter_map(stashed).collect())
    }

    /// Counts the commits of all branches and tags that no remote is known to have, up to [`MOST_COUNTED`].
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] if git can't be run.
    pub fn commits_only_here(&self) -> Result<usize> {
        let head = self.head()?.commit;
        let from = ["--branches", "--tags"].into_iter().chain(head.as_deref());
        self.number_of(from.chain(["--not", "--remotes"]).collect())
    }

    /// Returns the commit of a branch, and how many commits nothing else would have if these branches went.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] if git can't be run.
    pub fn only_on(&self, branch: &str, going: &[String]) -> Result<Option<(String, usize)>> {
        let name = format!("refs/heads/{branch}");
        let answer = self.git.run(&["rev-parse", "--verify", "--quiet", "--end-of-options", &name])?;
        let Some(commit) = answer.lines().first().map(|line| String::from_utf8_lossy(line).into_owned())
        else {
            return Ok(None);
        };
        let excluded: Vec<String> = going.iter().map(|branch| format!("--exclude={branch}")).collect();
        let words = [commit.as_str(), "--not"].into_iter().chain(excluded.iter().map(String::as_str));
        let number = self.number_of(words.chain(["--branches", "--tags", "--remotes"]).collect())?;
        Ok(Some((commit, number)))
    }

    fn number_of(&self, words: Vec<&str>) -> Result<usize> {
        let most = format!("--max-count={MOST_COUNTED}");
        let words = [vec!["rev-list", "--count", &most], words].concat();
        Ok(String::from_utf8_lossy(&self.git.run(&words)?.stdout).trim().parse().unwrap_or_default())
    }
}
