//! Reports of merges: `merged/ID.md`, for the agent that goes on with the work. They hold words of the snapshot that was merged,
//! and go when that is gone for good.

use std::path::PathBuf;

use super::Store;
use crate::base::error::Result;
use crate::base::ids::SnapshotId;
use crate::sys::files::{self, Existing};
use crate::sys::place::OwnPath;

/// The folder that they are in.
pub(super) const MERGED: &str = "merged";

impl Store {
    /// Returns where the report of a merged snapshot is.
    pub fn report_path(&self, id: &SnapshotId) -> PathBuf {
        self.report_place(id).path()
    }

    fn report_place(&self, id: &SnapshotId) -> OwnPath {
        self.at(MERGED).join(format!("{id}.md"))
    }

    /// Writes the report of a merged snapshot, over an earlier one.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with the path.
    pub fn keep_report(&self, id: &SnapshotId, report: &str) -> Result<()> {
        let _lock = self.prepare()?;
        self.at(MERGED).make_folder()?;
        files::publish(&self.tmp(), &self.report_place(id), report.as_bytes(), Existing::Replace).map(drop)
    }

    /// Removes the reports of snapshots that are gone.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with the path.
    pub fn forget_reports(&self, is_gone: impl Fn(&SnapshotId) -> bool) -> Result<()> {
        let folder = self.at(MERGED);
        if !folder.is_folder() {
            return Ok(());
        }
        for name in folder.names()? {
            let id = name.to_str().and_then(|name| SnapshotId::parse(name.strip_suffix(".md")?));
            if let Some(id) = id.filter(|id| is_gone(id)) {
                self.report_place(&id).remove()?;
            }
        }
        Ok(())
    }
}
