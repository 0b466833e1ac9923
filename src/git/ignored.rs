//! What git ignores, by the rules of one tree.

use std::collections::BTreeSet;
use std::ffi::OsString;

use super::Repository;
use crate::base::error::{Error, Kind, Result};
use crate::base::paths::RepoPath;
use crate::git::scratch_tree::{ChangedRules, Shown};

const HERE: &[u8] = b"./";

impl Repository {
    /// Returns which of these paths (all of files) a work tree would ignore if it had a commit's files
    /// (`None`: none) and some other `.gitignore` files. Rules that are in no file of the tree
    /// (`info/exclude`, `core.excludesFile`) are the present ones. It does not matter whether a path is
    /// tracked.
    ///
    /// # Errors
    /// [`Kind::Environment`] with what git says.
    pub fn ignored_in(
        &self,
        tree: Option<&str>,
        changed: &[ChangedRules],
        paths: &BTreeSet<RepoPath>,
    ) -> Result<BTreeSet<RepoPath>> {
        if paths.is_empty() {
            return Ok(BTreeSet::new());
        }
        let mut shown = Shown::present(self);
        shown.take_rules(tree, changed)?;
        let mut input = Vec::new();
        // What begins with a colon would be taken for more than a path.
        shown.environment.push(("GIT_LITERAL_PATHSPECS", OsString::from("0")));
        for path in paths {
            input.extend_from_slice(HERE);
            input.extend_from_slice(path.as_bytes());
            input.push(0);
        }
        let answer = shown.run(&["check-ignore", "--no-index", "-z", "--stdin"], &input)?;
        // It fails, too, when it has nothing to name.
        if !answer.ok && !answer.stderr.is_empty() {
            return Err(
                Error::new(Kind::Environment, "git can't say what was ignored").because(answer.stderr.trim())
            );
        }
        let paths = answer.stdout.split(|byte| *byte == 0).filter_map(|path| path.strip_prefix(HERE));
        Ok(paths.filter_map(|path| RepoPath::new(path).ok()).collect())
    }
}
