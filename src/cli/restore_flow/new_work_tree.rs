//! The dry run of a restore into a work tree that is still to be made: there is no plan for its files yet.

use std::path::Path;

use serde::Serialize;

use crate::base::error::Result;
use crate::base::screen::Line;
use crate::cli::output::paged::folded;
use crate::cli::output::words::{count, short_commit};
use crate::cli::output::{Report, Ui, text};
use crate::manifest::Manifest;

/// The work tree that would be made, and what would be restored in it.
#[derive(Serialize)]
pub(crate) struct NewWorkTree<'a> {
    snapshot: &'a str,
    worktree: String,
    branch: Option<&'a str>,
    base: &'a str,
    /// How many edited files.
    edits: usize,
    dry_run: bool,
}

impl<'a> NewWorkTree<'a> {
    pub(crate) fn new(
        (manifest, called): (&'a Manifest, &'a str),
        place: &Path,
        branch: Option<&'a str>,
        base: &'a str,
    ) -> NewWorkTree<'a> {
        NewWorkTree {
            snapshot: called,
            worktree: place.to_string_lossy().into_owned(),
            branch,
            base,
            edits: manifest.edits.as_ref().map_or(0, |edits| edits.files.len()),
            dry_run: true,
        }
    }
}

impl Report for NewWorkTree<'_> {
    fn print(&self, ui: &mut Ui) -> Result<()> {
        let branch = self.branch.map(|branch| format!(" for branch {}", Line(branch))).unwrap_or_default();
        let (place, base) = (Line(&self.worktree), short_commit(self.base));
        folded(ui, &text![format!("make the work tree {place}{branch} at {base}")], 2)?;
        let edits = count(self.edits, "edited file");
        folded(ui, &text![format!("restore {} in it: {edits}", Line(self.snapshot))], 2)?;
        ui.say("Nothing was changed (--dry-run).");
        Ok(())
    }
}
