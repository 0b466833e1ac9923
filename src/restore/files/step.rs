//! One step of a restore: what a path becomes.

use crate::base::error::Result;
use crate::base::monitor::Monitor;
use crate::base::paths::RepoPath;
use crate::base::warning::Warning;
use crate::edits::{Materializer, work};
use crate::git::index::IndexEntry;
use crate::git::{Listing, Repository};
use crate::manifest::{Bits, Edit, HiddenBy, IndexState, Mode, SavedIn, Version};
use crate::restore::files::left_alone::Spared;
use crate::restore::files::path_state::Here;
use crate::store::{Bases, Store};
use crate::stored_patch::Amount;
use crate::sys::work_tree::ReadFile;

/// What happens to one path.
pub struct Step {
    pub(in crate::restore) path: RepoPath,
    /// On the disk now, to be checked again right before it is replaced.
    pub(in crate::restore) here: Option<Version>,
    /// How it was read, if that proves later that it is the same.
    pub(in crate::restore) read: Option<ReadFile>,
    pub(in crate::restore) work: Work,
    pub(in crate::restore) index: Option<IndexEntry>,
    /// A mark to be set in the index, or to be taken away.
    pub(in crate::restore) mark: Option<Option<HiddenBy>>,
    /// Blobs that the index will name and the repository may not have.
    pub(in crate::restore) blobs: Vec<(String, Vec<u8>)>,
    /// How much of the file here changes.
    pub(in crate::restore) amount: Amount,
}

/// What becomes of the file on the disk.
pub(in crate::restore) enum Work {
    Keep,
    Set {
        mode: Mode,
        /// Whether only its owner may read it.
        private: bool,
        /// Its permission bits, where they are known.
        permissions: Option<Bits>,
        bytes: Vec<u8>,
    },
    Remove,
}

/// What a step does, for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Creates the file.
    Create,
    /// Replaces it.
    Replace,
    /// Removes it.
    Remove,
    /// Leaves it; only the index changes.
    Index,
}

impl Step {
    /// Returns the path.
    pub fn path(&self) -> &RepoPath {
        &self.path
    }

    /// Returns what happens to the file.
    pub fn action(&self) -> Action {
        match (&self.work, &self.here) {
            (Work::Keep, _) => Action::Index,
            (Work::Remove, _) => Action::Remove,
            (Work::Set { .. }, None) => Action::Create,
            (Work::Set { .. }, Some(_)) => Action::Replace,
        }
    }

    /// Returns how many bytes of a file it writes.
    pub(in crate::restore) fn bytes_written(&self) -> u64 {
        match &self.work {
            Work::Set { bytes, .. } => bytes.len() as u64,
            Work::Keep | Work::Remove => 0,
        }
    }

    /// Says whether the path's edits will be hidden from git, if that changes.
    pub fn hides(&self) -> Option<bool> {
        self.mark.map(|mark| mark.is_some())
    }

    /// Returns the same step, but that the file on the disk stays as it is.
    pub(in crate::restore) fn sparing_the_file(self) -> Step {
        Step { work: Work::Keep, ..self }
    }

    /// Says whether anything changes at all.
    pub(in crate::restore) fn does_something(&self) -> bool {
        !matches!(self.work, Work::Keep) || self.index.is_some() || self.mark.is_some()
    }

    /// Says whether the file is written while the index holds what it held.
    pub(in crate::restore) fn keeps_its_entry(&self) -> bool {
        matches!(self.work, Work::Set { .. }) && self.index.is_none()
    }

    /// Turns a link into a plain file, as git does if it may not make links.
    pub(in crate::restore) fn without_link(&mut self, version_of: impl Fn(&[u8]) -> Version) {
        let Work::Set { mode, bytes, .. } = &mut self.work else { return };
        if *mode == Mode::Link {
            *mode = Mode::File;
            if self.here.as_ref() == Some(&version_of(bytes)) {
                self.work = Work::Keep;
            }
        }
    }

    /// Makes a link of what was a plain file only where there are no links.
    pub(in crate::restore) fn as_link(&mut self) {
        if let Work::Set { mode, bytes, .. } = &mut self.work
            && !bytes.is_empty()
            && !bytes.contains(&0)
        {
            *mode = Mode::Link;
        }
    }

    /// Replaces the content that a file gets.
    pub(in crate::restore) fn rewrite(&mut self, new: Vec<u8>, oid: impl Fn(&[u8]) -> String) {
        let Work::Set { mode, bytes, .. } = &mut self.work else { return };
        *bytes = new;
        if self.here.as_ref() == Some(&Version { oid: oid(bytes), mode: *mode }) {
            self.work = Work::Keep;
        }
    }

    /// Returns how much of the file that is here changes.
    pub fn amount(&self) -> Amount {
        self.amount
    }
}

/// A file that git can't check out here: it stays as it is, and everything else is restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmade {
    /// Its path.
    pub path: RepoPath,
    /// What git said.
    pub reason: String,
}

/// The steps of a plan.
pub(in crate::restore) struct Steps {
    pub(in crate::restore) steps: Vec<Step>,
    pub(in crate::restore) unchanged: usize,
    pub(in crate::restore) notes: Vec<Warning>,
    pub(in crate::restore) unmade: Vec<Unmade>,
    /// What stays as it is, as it was ignored.
    pub(in crate::restore) spared: Vec<Spared>,
    /// Empty folders to be made again.
    pub(in crate::restore) folders: Vec<RepoPath>,
    /// What is left as it is here, and the filter that it would need.
    pub(in crate::restore) needs_filter: Vec<(RepoPath, String)>,
    /// What they were planned on.
    pub(in crate::restore) listing: Listing,
}

impl Steps {
    /// Steps with only these notes. The number of paths that need none is filled in later.
    pub(in crate::restore) fn new(steps: Vec<Step>, notes: Vec<Warning>, listing: Listing) -> Steps {
        Steps {
            steps,
            unchanged: 0,
            notes,
            unmade: Vec::new(),
            spared: Vec::new(),
            folders: Vec::new(),
            needs_filter: Vec::new(),
            listing,
        }
    }
}

/// Turns links into plain files, for a repository that does not support links here (`core.symlinks`).
pub(in crate::restore) fn without_links(repository: &Repository, steps: &mut Vec<Step>) -> Result<()> {
    let is_link = |step: &Step| matches!(&step.work, Work::Set { mode: Mode::Link, .. });
    if steps.iter().any(is_link) && repository.written_by()?.no_links {
        let version_of = |bytes: &[u8]| Version { oid: repository.hash().blob_id(bytes), mode: Mode::File };
        steps.iter_mut().for_each(|step| step.without_link(version_of));
        steps.retain(Step::does_something);
    }
    Ok(())
}

/// Returns what the index holds for an edited path.
pub(in crate::restore) fn index_of(edit: &Edit) -> IndexEntry {
    let entry = |version: Option<&Version>| version.cloned().map_or(IndexEntry::Absent, IndexEntry::Blob);
    match edit.index {
        IndexState::Unstaged => entry(edit.old.as_ref()),
        IndexState::Staged => entry(edit.new.as_ref()),
        IndexState::Partly => entry(edit.staged.as_ref().map(|staged| &staged.version)),
        IndexState::IntentToAdd => {
            let staged = edit.staged.as_ref().map(|staged| staged.version.mode);
            IndexEntry::IntentToAdd(staged.or(edit.new.as_ref().map(|new| new.mode)).unwrap_or(Mode::File))
        }
        IndexState::Unmerged => IndexEntry::Unmerged(
            edit.stages.iter().map(|stage| (stage.stage, stage.version.clone())).collect(),
        ),
    }
}

/// What becomes of the marks that hide a path's edits from git.
#[derive(Clone, Copy, PartialEq, Eq)]
enum MarkChange {
    /// Those that are here stay.
    Stay,
    /// They become as the edit has them.
    AsSaved,
}

/// Makes steps for one repository, and the content they need.
pub(in crate::restore) struct StepMaker<'a> {
    marks: MarkChange,
    /// Whether edits say all permissions that are not the usual ones.
    permissions: bool,
    pub(in crate::restore) versions: Materializer<'a>,
    /// Who is told of the bytes of the files that are made.
    monitor: Option<&'a Monitor>,
}

/// Returns how many bytes a file will have that an edit brings, for what [`StepMaker::telling`] is told; `None` if only git
/// knows.
pub(in crate::restore) fn size_of(edit: &Edit) -> Option<u64> {
    edit.in_work_tree().map_or(Some(0), |saved| saved.diff.map(|diff| diff.bytes))
}

impl<'a> StepMaker<'a> {
    /// Makes one; `bases` are base versions that the repository may lack.
    pub(in crate::restore) fn new(
        store: &'a Store,
        repository: &'a Repository,
        bases: Option<&'a Bases>,
    ) -> StepMaker<'a> {
        let versions = Materializer::to_restore(store, repository, bases);
        StepMaker { marks: MarkChange::Stay, permissions: false, versions, monitor: None }
    }

    /// Returns the same one, which tells of each file that it makes.
    pub(in crate::restore) fn telling(self, monitor: &'a Monitor) -> StepMaker<'a> {
        StepMaker { monitor: Some(monitor), ..self }
    }

    /// Returns the same one, but for the marks that hide edits from git: they become as saved.
    pub(in crate::restore) fn with_saved_marks(self) -> StepMaker<'a> {
        StepMaker { marks: MarkChange::AsSaved, ..self }
    }

    /// Returns the same one; where edits say all permissions that are not the usual ones, files get those.
    pub(in crate::restore) fn with_saved_permissions(self, all: bool) -> StepMaker<'a> {
        StepMaker { permissions: all, ..self }
    }

    /// Makes the step that sets a path to what an edit says; `None` if it is so already.
    pub(in crate::restore) fn step(&mut self, edit: &Edit, here: &Here) -> Result<Option<Step>> {
        let mode = edit.new.as_ref().map(|version| version.mode).filter(|mode| mode.is_file());
        let known = self.permissions || edit.private;
        let usual = mode.filter(|_| known).map(|mode| Bits::usual(mode, edit.private));
        self.step_with(edit, here, edit.permissions.or(usual))
    }

    /// The same, for a path of which nothing is known but what the base has.
    pub(in crate::restore) fn step_to_base(&mut self, edit: &Edit, here: &Here) -> Result<Option<Step>> {
        self.step_with(edit, here, None)
    }

    fn step_with(&mut self, edit: &Edit, here: &Here, permissions: Option<Bits>) -> Result<Option<Step>> {
        let work = edit.in_work_tree().and_then(|saved| saved.diff).map_or(0, work);
        let mut share = self.monitor.map(|monitor| monitor.share_of_work(size_of(edit).unwrap_or(0), work));
        let target = index_of(edit);
        // What is not in the index, or in conflict there, can't have a mark.
        let markable = !matches!(target, IndexEntry::Absent | IndexEntry::Unmerged(_));
        let index = (target != here.index).then_some(target);
        // What a sparse checkout leaves out here and comes back is no longer left out.
        let comes_in = here.work.is_none() && edit.new.is_some();
        let stays = |by: &HiddenBy| self.marks == MarkChange::Stay && !(by.skips_work_tree() && comes_in);
        let hidden = edit.hidden.or(here.hidden.filter(stays));
        let mark = match &index {
            _ if !markable => None,
            // An entry that is replaced loses its mark.
            Some(_) => hidden.map(Some),
            None => (hidden != here.hidden).then_some(hidden),
        };
        // Of a submodule only the commit in the index is ours to set; a file in its place goes.
        let wanted = edit.in_work_tree();
        let as_wanted = here.work.as_ref() == wanted.map(|saved| saved.version)
            && (!self.permissions || permissions.is_none() || here.permissions == permissions)
            && !(edit.private && here.permissions.is_some_and(|bits| !bits.private()));
        if index.is_none() && mark.is_none() && as_wanted {
            return Ok(None);
        }
        let work = match wanted {
            _ if as_wanted => Work::Keep,
            None => Work::Remove,
            Some(saved) => Work::Set {
                mode: saved.version.mode,
                private: edit.private,
                permissions,
                bytes: self
                    .versions
                    .saved_telling(saved, &mut |more| share.iter_mut().for_each(|share| share.add(more)))?,
            },
        };
        let blobs = if index.is_some() { self.index_blobs(edit)? } else { Vec::new() };
        let path = edit.path.clone();
        let (read, amount) = (here.read.clone(), Amount::default());
        Ok(Some(Step { path, here: here.work.clone(), read, work, index, mark, blobs, amount }))
    }

    /// Computes the blobs that the index will name and the repository may not have.
    pub(in crate::restore) fn index_blobs(&mut self, edit: &Edit) -> Result<Vec<(String, Vec<u8>)>> {
        let place = match edit.index {
            IndexState::Unstaged | IndexState::IntentToAdd => return Ok(Vec::new()),
            IndexState::Staged => SavedIn::WorkTree,
            IndexState::Partly => SavedIn::Index,
            IndexState::Unmerged => SavedIn::Stage,
        };
        let base = edit.diffed_against().map(|base| &base.oid);
        let made = edit.saved_in(place).filter(|saved| base != Some(&saved.version.oid));
        made.map(|saved| Ok((saved.version.oid.clone(), self.versions.saved(saved)?))).collect()
    }
}
