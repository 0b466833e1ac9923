//! Which programs may change content: the filters and merge drivers of the user's own configuration.
//!
//! Attributes only name a filter; a configuration says which program that is. A filter that only the
//! repository's own configuration defines is not run, wherever the attributes come from, unless the user has
//! named the repository in `snap.trustedRepository`. Git does not see it either: a path with such a filter
//! is read and written as its bytes are, and merged as text.

use std::collections::BTreeMap;

use super::Repository;
use crate::base::error::Result;
use crate::base::paths::RepoPath;

impl Repository {
    /// Says whether any filter is not run here. If none, there is nothing to look for.
    pub fn leaves_filters_out(&self) -> bool {
        !self.git.filters_left_out().is_empty()
    }

    /// Says whether the repository defines a content filter that is not run here. A filter that nobody
    /// defines does not exist for git either.
    pub fn leaves_filter_out(&self, name: &str) -> bool {
        self.git.filters_left_out().contains(name)
    }

    /// Returns those of the paths whose attributes name a content filter that is not run here, with its name.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with what git says.
    pub fn unfiltered<'p>(&self, paths: &[&'p RepoPath]) -> Result<BTreeMap<&'p RepoPath, String>> {
        if self.leaves_filters_out() {
            self.named("filter", paths, |name| self.leaves_filter_out(name))
        } else {
            Ok(BTreeMap::new())
        }
    }

    /// Returns those of the paths whose attributes name a merge driver that is not run here, with its name.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with what git says.
    pub fn merged_as_text<'p>(&self, paths: &[&'p RepoPath]) -> Result<BTreeMap<&'p RepoPath, String>> {
        match self.git.drivers_left_out() {
            none if none.is_empty() => Ok(BTreeMap::new()),
            drivers => self.named("merge", paths, |name| drivers.contains(name)),
        }
    }

    /// Returns all tracked files that have the content of git's blobs because their filter is not run.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with what git says.
    pub fn tracked_unfiltered(&self) -> Result<Vec<(RepoPath, String)>> {
        if !self.leaves_filters_out() {
            return Ok(Vec::new());
        }
        let index = self.index()?;
        let paths: Vec<RepoPath> =
            index.entries().filter_map(|entry| RepoPath::new(entry.path).ok()).collect();
        let found = self.unfiltered(&paths.iter().collect::<Vec<_>>())?;
        Ok(found.into_iter().map(|(path, name)| (path.clone(), name)).collect())
    }

    /// Returns the paths that have an attribute with such a value, and the value.
    fn named<'p>(
        &self,
        attribute: &str,
        paths: &[&'p RepoPath],
        wanted: impl Fn(&str) -> bool,
    ) -> Result<BTreeMap<&'p RepoPath, String>> {
        if paths.is_empty() {
            return Ok(BTreeMap::new());
        }
        let mut input = Vec::new();
        for path in paths {
            input.extend_from_slice(path.as_bytes());
            input.push(0);
        }
        let answer = self.git.demand_with(&["check-attr", "-z", "--stdin", attribute], &[], &input)?;
        // PATH \0 NAME \0 VALUE \0
        let fields: Vec<&[u8]> = answer.stdout.split(|byte| *byte == 0).collect();
        let values: BTreeMap<&[u8], String> = fields
            .chunks_exact(3)
            .map(|triple| (triple[0], String::from_utf8_lossy(triple[2]).into_owned()))
            .filter(|(_, value)| wanted(value))
            .collect();
        let value = |path: &&'p RepoPath| Some((*path, values.get(path.as_bytes())?.clone()));
        Ok(paths.iter().filter_map(value).collect())
    }
}
