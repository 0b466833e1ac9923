//! Runs `git status`, and runs it once more in a simpler way if git itself fails at it.
//!
//! A required content filter whose program is missing or fails ends it, as do settings that git-lfs refuses. So does a
//! sparse index that some versions of git can't compare. Nobody should be unable to save then: the list is made
//! without filters, from the whole index. A file that a filter converts may be in it although nobody changed it.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};

use super::Repository;
use super::command::GitOutput;
use crate::base::error::Result;

/// What `git status` gave.
pub(super) struct PendingList {
    pub(super) answer: GitOutput,
    /// What git said, if no filter was run because it failed with them.
    pub(super) without_filters: Option<String>,
}

impl Repository {
    /// Runs `git status` with these arguments; git's own options come first.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with what git said the first time, if it fails both times.
    pub(super) fn run_status(
        &self,
        words: &[&OsStr],
        environment: &[(&str, OsString)],
    ) -> Result<PendingList> {
        let failed = match self.git.demand_with(words, environment, &[]) {
            Ok(answer) => return Ok(PendingList { answer, without_filters: None }),
            Err(failed) => failed,
        };
        let filters = self.filters_off()?;
        let mut simpler: Vec<&OsStr> = vec!["-c".as_ref(), "index.sparse=false".as_ref()];
        simpler.extend(filters.iter().map(OsString::as_os_str));
        simpler.extend(words);
        let Ok(answer) = self.git.demand_with(&simpler, environment, &[]) else { return Err(failed) };
        let why = failed.cause().to_owned();
        Ok(PendingList { answer, without_filters: (!filters.is_empty()).then_some(why) })
    }

    /// Returns the options that keep git from running any of the content filters that are set here.
    fn filters_off(&self) -> Result<Vec<OsString>> {
        let list = self.git.run(&["config", "-z", "--name-only", "--get-regexp", r"^filter\..*\.[^.]*$"])?;
        let keys = list.stdout.split(|byte| *byte == 0).map(String::from_utf8_lossy);
        let filters = keys.filter_map(|key| Some(key.rsplit_once('.')?.0.to_owned()));
        // An option's name ends at the first equals sign, so such a filter can't be turned off.
        let filters: BTreeSet<String> = filters.filter(|filter| !filter.contains('=')).collect();
        let mut options = Vec::new();
        for filter in filters {
            for off in ["clean=", "process=", "required=false"] {
                options.extend([OsString::from("-c"), OsString::from(format!("{filter}.{off}"))]);
            }
        }
        Ok(options)
    }
}
