//! Plans `resume`: what each edited path becomes, and which paths are in conflict.
//!
//! A path is set only if it is here as it was in the snapshot's base, untouched. A path that is already as
//! saved is left alone. Anything else is a conflict, and then nothing is done at all.

use std::collections::BTreeSet;

use crate::base::error::{Error, Kind, Result};
use crate::base::monitor::{Monitor, Phase};
use crate::base::paths::RepoPath;
use crate::base::screen::Line;
use crate::base::warning::Warning;
use crate::git::Repository;
use crate::git::index::IndexEntry;
use crate::manifest::{Edit, Edits, IndexState, Surroundings, Version};
use crate::restore::files::index_room::crowded_out;
use crate::restore::files::line_ends::as_here;
use crate::restore::files::marks::RestoredMarks;
use crate::restore::files::obstacles::{MOVE_IT_OUT, refuse_blocked, refuse_inside, spare_mounts};
use crate::restore::files::path_state::{Here, look};
use crate::restore::files::sparse::brought_in;
use crate::restore::files::step::{StepMaker, Steps, index_of, size_of, without_links};
use crate::restore::files::unmerged_base;
use crate::store::Bases;
use crate::sys::work_tree::Tree;
use crate::workspace::Workspace;

/// Why a path can't be staged: git would remove something else from the index.
const CROWDED: &str = "something below it, or in place of its folder, is staged here";

/// The most conflicts that are listed one by one.
const MOST_LISTED: usize = 20;

/// What came of planning.
pub(in crate::restore) enum Planned {
    /// Nothing is in conflict.
    Steps(Box<Steps>),
    /// Something is.
    InConflict(Conflicts),
}

/// Edits of a snapshot and a work tree that disagree; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflicts {
    /// The paths in question, in their order; never empty.
    pub paths: Vec<ConflictingPath>,
    /// Whether the work tree was made for the snapshot a moment ago.
    pub new_tree: bool,
    /// What there is of the snapshot's base here, which the ways out of it need.
    pub base: ConflictBase,
    /// Set if HEAD has no commit here, but the snapshot's base has one.
    pub unborn: Option<UnbornHead>,
}

/// A HEAD without a commit: of a branch that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnbornHead {
    /// The branch that it names.
    branch: Option<String>,
    /// What `git switch` takes to go where the snapshot's base is; `None` if that is not here.
    switch_to: Option<String>,
}

impl Conflicts {
    /// Whether one of the paths is in the middle of a merge already, so that nothing more can be merged.
    pub fn is_in_merge(&self) -> bool {
        self.paths.iter().any(|one| one.why == IN_MERGE)
    }

    /// Whether something stays in the way, so that neither a merge nor a rewind can be made here.
    pub fn is_blocked(&self) -> bool {
        self.paths.iter().any(|one| one.stays)
    }
}

/// Why a path that has stages of a conflict is in the way.
const IN_MERGE: &str = "it is in the middle of a merge here";

/// Why a path that is committed otherwise here is in the way, and one where nothing is committed.
const OTHER_VERSION: &str = "HEAD has another version of it than the snapshot's base";
const NO_COMMIT: &str = "HEAD has no commit here, and so no version of it";

/// What there is here of the base of a snapshot whose edits are in conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConflictBase {
    /// All of it.
    Here,
    /// Only the versions of the edited files, which came with the snapshot.
    Carried,
    /// Nothing.
    Missing,
}

/// A path that a resume would set, and can't.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConflictingPath {
    /// Its path.
    pub path: RepoPath,
    /// What is in its way.
    pub why: &'static str,
    /// Whether that can't go, so that nothing can be set here.
    pub stays: bool,
}

/// Plans to set the edited paths, if nothing here is in conflict with them.
pub(in crate::restore) fn plan(
    workspace: &Workspace,
    repository: &Repository,
    saved: &Edits,
    around: Option<&Surroundings>,
    bases: &Bases,
    new_tree: bool,
    monitor: &Monitor,
) -> Result<Planned> {
    check_restorable(workspace, repository, saved)?;
    let listing = repository.status()?;
    let saved = unmerged_base::corrected(repository, saved)?;
    let saved = brought_in(&Tree::open(&workspace.root)?, &listing, &saved)?;
    let saved = saved.as_ref();
    let paths: BTreeSet<&RepoPath> = saved.files.iter().map(|edit| &edit.path).collect();
    let mut here = look(workspace, repository, &listing, &paths, monitor)?;
    if new_tree {
        // A filter that is not its own reverse, or line ends that are committed: git calls its own checkout edited.
        here.values_mut().filter(|here| here.head.is_some()).for_each(|here| here.pending = false);
    }
    let targets = saved.files.iter().map(|edit| (&edit.path, index_of(edit))).collect();
    let crowded = crowded_out(&listing.index, &targets);
    let crowding: BTreeSet<&RepoPath> = crowded.values().copied().collect();
    let conflict = |edit: &Edit| {
        let beside = || crowding.contains(&edit.path).then_some(CROWDED);
        conflict(saved, edit, &here[&edit.path]).or_else(beside)
    };
    // With no commit at all, it is not that of another version.
    let conflict = |edit: &Edit| {
        conflict(edit).map(|why| if listing.head.is_none() && why == OTHER_VERSION { NO_COMMIT } else { why })
    };
    let conflicting = |edit: &Edit| {
        let (why, here) = (conflict(edit)?, &here[&edit.path]);
        Some(ConflictingPath {
            path: edit.path.clone(),
            why,
            stays: here.stays && here.obstacle == Some(why),
        })
    };
    let open = || saved.files.iter().filter(|edit| !is_committed(edit, &here[&edit.path]));
    let mut notes = Vec::new();
    if listing.head != saved.base && open().next().is_some() {
        let name = |commit: &Option<String>| {
            commit.as_deref().map_or("no commit".to_owned(), |id| {
                Line(&id.chars().take(10).collect::<String>()).to_string()
            })
        };
        let others = repository.changed_between(saved.base.as_deref(), listing.head.as_deref()).ok();
        let others = others.map(|all| {
            let unedited = all.iter().filter(|path| !paths.contains(path));
            unedited.map(|path| Line(&path.to_string()).to_string()).collect()
        });
        let (here, base) = (name(&listing.head), name(&saved.base));
        notes.push(Warning::HeadElsewhere { here, base, others });
    }
    let paths: Vec<ConflictingPath> = open().filter_map(conflicting).collect();
    if !paths.is_empty() {
        let base = saved.base.as_deref().filter(|_| listing.head.is_none());
        let unborn = base.map(|base| -> Result<UnbornHead> {
            let switch_to = repository.way_to_switch(base)?;
            Ok(UnbornHead { branch: listing.branch.clone(), switch_to })
        });
        let unborn = unborn.transpose()?;
        return Ok(Planned::InConflict(Conflicts { paths, new_tree, base: ConflictBase::Here, unborn }));
    }
    let mut maker = StepMaker::new(&workspace.store, repository, Some(bases)).telling(monitor);
    let marked = RestoredMarks::load(&workspace.store, repository, saved, around)?;
    let mut steps = Vec::new();
    let _phase = monitor.begin(Phase::Preparing, open().map(size_of).sum());
    for edit in open() {
        steps.extend(maker.step(&marked.as_marked(edit), &here[&edit.path])?);
    }
    let exact = steps.iter().map(|step| step.path.clone()).collect();
    as_here(repository, &mut maker, saved, around, &mut steps, &exact)?;
    without_links(repository, &mut steps)?;
    let tree = Tree::open(&workspace.root)?;
    let unmade = spare_mounts(&tree, &mut steps)?;
    refuse_blocked(&tree, &steps)?;
    refuse_inside(&tree, &listing, steps.iter())?;
    let unchanged = saved.files.len().saturating_sub(steps.len() + unmade.len());
    let steps = Steps { unchanged, unmade, ..Steps::new(steps, notes, listing) };
    Ok(Planned::Steps(Box::new(steps)))
}

fn check_restorable(workspace: &Workspace, repository: &Repository, saved: &Edits) -> Result<()> {
    if saved.object_format != repository.hash() && !saved.files.is_empty() {
        return Err(Error::new(Kind::Refused, "Cannot restore the pending edits here")
            .because("this repository names its objects in another way (SHA-1 or SHA-256)")
            .hint("run it in a clone of the repository that was saved, or use `--no-edits`"));
    }
    let own = workspace.store_path();
    for edit in &saved.files {
        if own.as_ref().is_some_and(|own| edit.path.is_in(own)) {
            return Err(Error::new(Kind::Damaged, format!("Cannot restore {}", edit.path))
                .because("it is in the store of the snapshots"));
        }
    }
    Ok(())
}

/// Says what prevents setting a path, if anything does.
pub(in crate::restore) fn conflict(saved: &Edits, edit: &Edit, here: &Here) -> Option<&'static str> {
    // What lies in a submodule's folder is not looked at.
    let is_submodule = |version: &Option<Version>| version.as_ref().is_some_and(Version::is_submodule);
    let has_folder = is_submodule(&here.head) && (is_submodule(&edit.new) || edit.new.is_none());
    // A folder goes if the snapshot turned it into a file, and its files go with it.
    // The other way round, a file goes where the snapshot has a folder.
    let emptied = || {
        let gone = |other: &Edit| other.path.is_in(&edit.path) || edit.path.is_in(&other.path);
        saved.files.iter().any(|other| other.new.is_none() && gone(other))
    };
    if edit.new.is_some() && here.obstacle.is_some() && !has_folder && !emptied() {
        return here.obstacle;
    }
    if here.head != edit.old {
        return Some(OTHER_VERSION);
    }
    if matches!(here.index, IndexEntry::Unmerged(_)) && edit.index != IndexState::Unmerged {
        return Some(IN_MERGE);
    }
    let head = here.head.clone().map_or(IndexEntry::Absent, IndexEntry::Blob);
    if here.index != head && here.index != index_of(edit) {
        return Some("something else is staged here");
    }
    if is_as_saved(edit, here) {
        return None;
    }
    match (here.pending, &here.head, &here.work) {
        (true, Some(_), _) => Some("it is edited here"),
        (true, None, _) => Some("a new file of that name is here"),
        (false, None, Some(_)) => Some("an ignored file of that name is here"),
        (false, _, _) => None,
    }
}

/// Says whether the saved edit is part of HEAD by now, and nothing else has happened to the path.
fn is_committed(edit: &Edit, here: &Here) -> bool {
    let head = here.head.clone().map_or(IndexEntry::Absent, IndexEntry::Blob);
    here.head != edit.old && !here.pending && here.index == head && is_as_saved(edit, here)
}

/// Says whether the file here is the saved one. (Of a submodule, no file is.)
pub(in crate::restore) fn is_as_saved(edit: &Edit, here: &Here) -> bool {
    here.work == edit.new || edit.new.as_ref().is_some_and(Version::is_submodule) && here.work.is_none()
}

/// What a person is told of a conflicts about the edits of the snapshot of this name.
pub fn disagree(name: &str) -> String {
    format!("The edits of \"{}\" and this work tree disagree; nothing was changed", Line(name))
}

impl Conflicts {
    /// Makes the error for where nobody can be asked; the snapshot of this name is `called` so on a command line.
    pub fn into_error(self, name: &str, called: &str, too_old: Option<&str>) -> Error {
        let listed = self.paths.iter().take(MOST_LISTED);
        let mut listed: Vec<String> = listed.map(|one| format!("{}: {}", one.path, one.why)).collect();
        if self.paths.len() > MOST_LISTED {
            listed.push(format!("and {} more", self.paths.len() - MOST_LISTED));
        }
        let switch = self.unborn.as_ref().and_then(|unborn| {
            let branch = unborn.branch.as_ref().map_or_else(
                || "HEAD has no commit here".to_owned(),
                |branch| format!("HEAD names the branch \"{}\", which has no commit here", Line(branch)),
            );
            let to = unborn.switch_to.as_ref()?;
            Some(format!("{branch}: `git switch {to}` goes to the snapshot's base; then run this again"))
        });
        let hint = match (self.base, self.new_tree) {
            _ if switch.is_some() => switch.unwrap_or_default(),
            (ConflictBase::Here, false) if self.is_blocked() => BESIDE_IT.to_owned(),
            (ConflictBase::Carried | ConflictBase::Here, _) if self.is_blocked() => MOVE_IT_OUT.to_owned(),
            (ConflictBase::Carried, _) => WITHOUT_COMMIT.to_owned(),
            (ConflictBase::Missing, _) => WITHOUT_BASE.to_owned(),
            (ConflictBase::Here, true) => IN_A_NEW_TREE.to_owned(),
            (ConflictBase::Here, false) => format!(
                "`--merge` merges the two; `snap rewind {called}` puts everything back to that moment, after saving what \
                 is here; `--worktree BRANCH` restores beside it"
            ),
        };
        let hint = match too_old.filter(|_| hint.contains(MERGES)) {
            Some(version) => {
                let others = hint.replace(&format!("{MERGES}; "), "");
                format!("{others}; `--merge` needs git 2.40 or later, and this is {version}")
            }
            None => hint,
        };
        Error::new(Kind::Conflict, disagree(name)).list(listed).hint(hint)
    }
}

/// How a merge is named in what can be done.
const MERGES: &str = "`--merge` merges the two";

/// What can be done if something stays in the way.
const BESIDE_IT: &str = "`--worktree BRANCH` restores beside it";

/// What can be done if edits and work tree disagree, and of the base only those files' versions are here.
const WITHOUT_COMMIT: &str = "`--merge` merges the two; `rewind` and `--worktree` need the snapshot's base commit, which is not \
                              here: `--fetch-base` fetches it";

/// The same, and nothing of the base is here.
const WITHOUT_BASE: &str = "only with the snapshot's base commit is there a way to go on: `--fetch-base` fetches it; then \
                            `--merge` merges the two";

/// What can be done if edits and work tree disagree, in a work tree that was made for the snapshot.
const IN_A_NEW_TREE: &str = "the branch is at another commit than the snapshot: `--merge` merges the two; with the name \
                             of a new branch, the work tree is made at the snapshot's own commit";
