//! One more file in a plan: the local settings, with the rules that a person chose.
//!
//! It is set with all others or not at all, and the safety snapshot holds its old content.

use crate::base::error::{Error, Kind, Result};
use crate::base::paths::RepoPath;
use crate::manifest::{Mode, Version};
use crate::restore::RestorePlan;
use crate::restore::files::step::{Step, Work};
use crate::stored_patch::Amount;
use crate::stored_patch::encoding::PatchSide;
use crate::sys::work_tree::{Node, Tree};
use crate::workspace::Workspace;

impl RestorePlan {
    /// Returns what the plan makes of a file: its content, or gone; `None` if it stays as it is, or becomes a link.
    pub(in crate::restore) fn content_of(&self, path: &str) -> Option<Option<&[u8]>> {
        let step = self.steps.iter().find(|step| step.path.as_bytes() == path.as_bytes())?;
        if self.doubts().iter().any(|doubt| doubt.never && doubt.path == step.path) {
            return None;
        }
        match &step.work {
            Work::Set { mode: Mode::Link, .. } | Work::Keep => None,
            Work::Set { bytes, .. } => Some(Some(bytes)),
            Work::Remove => Some(None),
        }
    }

    /// Changes one more file of the work tree, starting from what the plan makes of it or what is there
    /// now. Returns whether there is a repository, and so an undo.
    ///
    /// # Errors
    /// What `change` says of the text; [`Kind::Refused`] if a link or something else is there.
    pub fn change_file(
        &mut self,
        workspace: &Workspace,
        path: RepoPath,
        change: impl FnOnce(Option<&str>) -> Result<String>,
    ) -> Result<bool> {
        let Some(repository) = &workspace.repository else { return Ok(false) };
        let no_file = || {
            Error::new(Kind::Refused, format!("Cannot change {path}"))
                .because("it is not a plain text file")
                .hint("`--grants none` leaves it alone; nothing was changed")
        };
        let planned = self.steps.iter_mut().find(|step| step.path == path);
        let now = match Tree::open(&workspace.root)?.read(&path)? {
            Node::Missing => None,
            Node::File { mode, bytes, .. } if mode != Mode::Link => Some((mode, bytes)),
            _ => return Err(no_file()),
        };
        let will_be = match planned.as_ref().map(|step| &step.work) {
            Some(Work::Set { mode: Mode::Link, .. }) => return Err(no_file()),
            Some(Work::Set { bytes, .. }) => Some(bytes.as_slice()),
            Some(Work::Remove) => None,
            Some(Work::Keep) | None => now.as_ref().map(|(_, bytes)| bytes.as_slice()),
        };
        let old = will_be.map(std::str::from_utf8).transpose().map_err(|_not_text| no_file())?;
        let new = change(old)?;
        if old == Some(new.as_str()) {
            return Ok(true);
        }
        let mode = now.as_ref().map_or(Mode::File, |(mode, _)| *mode);
        let side = |bytes| PatchSide { mode, bytes };
        let here = now.as_ref().map(|(_, bytes)| side(bytes.as_slice()));
        let amount = Amount::between(here, Some(side(new.as_bytes())));
        let work = Work::Set { mode, private: true, permissions: None, bytes: new.into_bytes() };
        match planned {
            Some(step) => {
                step.work = work;
                step.amount = amount;
            }
            None => {
                let here = now.map(|(mode, bytes)| Version { oid: repository.hash().blob_id(&bytes), mode });
                self.steps.push(Step {
                    path,
                    here,
                    read: None,
                    work,
                    index: None,
                    mark: None,
                    blobs: Vec::new(),
                    amount,
                });
                self.steps.sort_by(|a, b| a.path.cmp(&b.path));
            }
        }
        Ok(true)
    }
}
