//! `rewind` and `undo` of marks: which tracked files have another mark than they had, and which marked files
//! are gone or changed without git saying so.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::base::error::{Error, Kind, Result};
use crate::base::paths::RepoPath;
use crate::git::{Listing, Repository};
use crate::manifest::{Edit, Edits, HiddenBy, Mark, Marks, Surroundings, Version};
use crate::restore::files::path_state::Here;
use crate::store::Store;
use crate::sys::work_tree::Tree;
use crate::sys::work_tree::absent::Absent;

/// The marks of a snapshot, as they are to be here.
pub(in crate::restore) struct RestoredMarks {
    /// Earlier versions kept none.
    marks: Option<Marks>,
    /// Whether git showed the edits of files that were there although a sparse checkout left them out, and would
    /// hide them here, where that mark has another meaning.
    showed_present: bool,
}

impl RestoredMarks {
    /// Reads them.
    pub(in crate::restore) fn load(
        store: &Store,
        repository: &Repository,
        saved: &Edits,
        around: Option<&Surroundings>,
    ) -> Result<RestoredMarks> {
        let damaged =
            |why: String| Error::new(Kind::Damaged, "The snapshot's marks can't be read").because(why);
        let read = |list: Vec<u8>| Marks::read(&list).map_err(damaged);
        let marks = saved.marks.as_ref().map(|content| store.load(content).and_then(read));
        let was_sparse = around.is_some_and(|around| around.sparse.is_some());
        Ok(RestoredMarks {
            marks: marks.transpose()?,
            showed_present: was_sparse && !repository.shows_present()?,
        })
    }

    /// Returns what becomes of the mark of a file that was there.
    fn of_present(&self, by: HiddenBy) -> Option<HiddenBy> {
        match (self.showed_present, by) {
            (true, HiddenBy::SkipWorktree) => None,
            (true, HiddenBy::Both) => Some(HiddenBy::AssumeUnchanged),
            _ => Some(by),
        }
    }

    /// Returns the paths that have to be looked at, because a mark differs or hides what is there.
    pub(in crate::restore) fn to_look_at(
        &self,
        tree: &Tree,
        listing: &Listing,
    ) -> Result<BTreeSet<RepoPath>> {
        let mut paths = BTreeSet::new();
        let mut absent = Absent::new(tree);
        for entry in listing.index.entries() {
            let then = self.marks.as_ref().map(|marks| marks.of(entry.path));
            if entry.hidden.is_none() && then.flatten().is_none() {
                continue;
            }
            let Ok(path) = RepoPath::new(entry.path) else { continue };
            let as_it_is = match (entry.hidden, then) {
                // Left out here, and perhaps then.
                (Some(by), None) => by.skips_work_tree() && absent.is(&path)?,
                (now, Some(Some(Mark { by, left_out: true }))) => now == Some(by) && absent.is(&path)?,
                _ => false,
            };
            if !as_it_is {
                paths.insert(path);
            }
        }
        Ok(paths)
    }

    /// Returns the mark that an edited path had.
    pub(in crate::restore) fn of_edit(&self, edit: &Edit) -> Option<HiddenBy> {
        let by = match &self.marks {
            Some(marks) => marks.of(edit.path.as_bytes()).map(|mark| mark.by),
            None => edit.hidden,
        };
        by.and_then(|by| if edit.new.is_some() { self.of_present(by) } else { Some(by) })
    }

    /// Returns an edit with the marks that it had; it names one of them at most.
    pub(in crate::restore) fn as_marked<'a>(&self, edit: &'a Edit) -> Cow<'a, Edit> {
        match edit.hidden.and_then(|_| self.of_edit(edit)) {
            hidden if hidden == edit.hidden => Cow::Borrowed(edit),
            hidden => Cow::Owned(Edit { hidden, ..edit.clone() }),
        }
    }

    /// Returns a path that is as the base commit has it, as an edit that changes nothing. `stays`: if
    /// nothing is known, the present mark stays.
    pub(in crate::restore) fn clean(
        &self,
        path: &RepoPath,
        version: Option<&Version>,
        here: &Here,
        stays: bool,
    ) -> Edit {
        let old = version.cloned();
        let edit = Edit { new: old.clone(), old, ..Edit::of(path.clone()) };
        match self.marks.as_ref().map(|marks| marks.of(path.as_bytes())) {
            Some(Some(Mark { by, left_out: false })) => Edit { hidden: self.of_present(by), ..edit },
            Some(Some(Mark { by, left_out: true })) => Edit { hidden: Some(by), new: None, ..edit },
            None if stays => {
                let left_out = here.work.is_none() && here.hidden.is_some_and(HiddenBy::skips_work_tree);
                let new = edit.new.filter(|_| !left_out);
                Edit { hidden: here.hidden, new, ..edit }
            }
            Some(None) | None => edit,
        }
    }
}
