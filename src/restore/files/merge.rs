//! Plans `resume --merge`: the snapshot's edits and what is here, merged three ways.
//!
//! The base is the snapshot's base commit, or the snapshot from which both lines of work went on; "ours" is the work tree as it
//! is here, edits and untracked files included; "theirs" is the work tree as it was saved. Paths that merge cleanly are set. A conflicted one
//! gets markers, and its stages in the index, so that `git mergetool` knows it. A path that does not
//! conflict with anything here comes back exactly, with its staged state. Where content had to be merged,
//! `merge_index.rs` merges the staged content separately.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::error::{Error, Kind, Result};
use crate::base::monitor::{Monitor, Phase};
use crate::base::paths::RepoPath;
use crate::base::screen::{Line, for_shell};
use crate::base::warning::Warning;
use crate::git::index::IndexEntry;
use crate::git::{CheckedOut, Listing, MergeSide, Merged, Repository, Status, named_markers, named_path};
use crate::manifest::{Edit, Edits, Mode, Surroundings, Version};
use crate::restore::MOST_TOLD;
use crate::restore::files::left_alone::Spared;
use crate::restore::files::left_out;
use crate::restore::files::line_ends::{as_here, settings};
use crate::restore::files::marks::RestoredMarks;
use crate::restore::files::merge_base::{Forks, saved_changes};
use crate::restore::files::merge_index::Layer;
use crate::restore::files::merge_ours::Ours;
use crate::restore::files::merge_taken::{Changed, between};
use crate::restore::files::obstacles::{refuse_blocked, refuse_inside, repositories_around, spare_mounts};
use crate::restore::files::path_state::{Here, look};
use crate::restore::files::resume::{conflict, is_as_saved};
use crate::restore::files::saved_rules;
use crate::restore::files::sparse::brought_in;
use crate::restore::files::step::{Step, StepMaker, Steps, Unmade, Work, size_of, without_links};
use crate::restore::files::unmerged_base;
use crate::store::Bases;
use crate::stored_patch::Amount;
use crate::sys::work_tree::{Node, Tree};
use crate::workspace::Workspace;

/// Why a merged file stays as it is, although it is not as it was saved.
const CONTAINS_IT: &str = "all that was changed there is in it already";

/// The same, where nothing is here.
const WAS_REMOVED: &str = "it was removed here, and that side has not changed it since";

/// The same, where its folder has another name here.
const WAS_MOVED: &str = "its folder was renamed here, and it is put there";

/// The same, where something of another kind is here.
const STANDS_BESIDE: &str = "the saved version stands beside it, as `NAME~snapshot`";

/// The merged steps, and the paths in conflict.
pub(in crate::restore) struct MergedSteps {
    pub(in crate::restore) steps: Steps,
    pub(in crate::restore) conflicts: Vec<RepoPath>,
}

/// Plans the merge with a snapshot of this name.
#[expect(clippy::too_many_arguments, reason = "each is a part of one snapshot or of this place")]
pub(in crate::restore) fn plan(
    workspace: &Workspace,
    repository: &Repository,
    saved: &Edits,
    around: Option<&Surroundings>,
    bases: &Bases,
    forks: Option<&Forks<'_>>,
    name: &str,
    monitor: &Monitor,
) -> Result<MergedSteps> {
    let Some(base) = saved.base.as_deref() else {
        return Err(no_common_base(name));
    };
    // Of what is only computed here, the repository gets what the index will name, and nothing else.
    let aside = repository.with_objects_aside()?;
    let repository = &aside;
    let listing = repository.status()?;
    let saved = unmerged_base::corrected(repository, saved)?;
    let saved = brought_in(&Tree::open(&workspace.root)?, &listing, &saved)?;
    let saved = saved.as_ref();
    check_finished(&listing)?;
    let mut maker = StepMaker::new(&workspace.store, repository, Some(bases)).telling(monitor);
    let base = if repository.has_tree(base)? {
        base.to_owned()
    } else {
        stand_in(&mut maker, repository, saved, base, listing.head.as_deref())?
    };
    let mut as_saved = saved_rules::conversion(repository, &mut maker, saved, Some(&base))?;
    if let Some(then) = settings(around) {
        as_saved = as_saved.under(then);
    }
    let changes = saved_changes(&mut maker, &as_saved, saved)?;
    let layer_base = base.clone();
    let tree = Tree::open(&workspace.root)?;
    let mut ours = Ours::of(Tree::open(&workspace.root)?, repository, &listing)?;
    let edited = saved.files.iter().chain(forks.iter().flat_map(|forks| forks.files()));
    ours.read(edited.map(|edit| &edit.path))?;
    let mut forked = None;
    let mut left_out = BTreeSet::new();
    let (base, back, changes) = match forks {
        Some(forks) => {
            let theirs = repository.tree_with(Some(&base), &changes)?;
            match forks.base(repository, &mut maker, [&ours.id, &theirs])? {
                // What both had already when they went apart is no change of either.
                Some(common) => {
                    let mut changes = between(repository, &common.tree, &theirs)?;
                    // What it left out, or what can't be made here, was not taken back: it stays as it is.
                    left_out = left_out::among(repository, &mut maker, (saved, around), &changes)?;
                    changes.retain(|(path, _)| !left_out.contains(path));
                    let (back, changes) = common.taken_back(repository, changes)?;
                    forked = Some(common.edits);
                    (common.tree, back, changes)
                }
                None => (base, Vec::new(), changes),
            }
        }
        None => (base, Vec::new(), changes),
    };
    // An edit that is based on a commit of this branch has that commit's changes in it. They are not another side of the merge.
    let restored_on = forks.and_then(|forks| forks.restored_on.as_deref());
    let mut changes = match restored_on {
        Some(commit) if repository.has_tree(commit)? => repository.missing_in(Some(commit), changes)?,
        _ => repository.missing_in(listing.head.as_deref(), changes)?,
    };
    changes.extend(back);
    ours.read(changes.iter().map(|(path, _)| path))?;
    let theirs = repository.tree_with(Some(&base), &changes)?;
    let (mut merged, differing) = merged_with(repository, &base, &mut ours, &theirs)?;
    let ours = ours.id;
    let called = format!("snapshot {:?}", Line(name).to_string());
    let sides = [MergeSide { tree: &ours, name: "here" }, MergeSide { tree: &theirs, name: &called }];
    let layer = Layer::merge(
        &mut maker,
        repository,
        (saved, around, forked.as_ref()),
        [&layer_base, &base],
        &listing,
    )?;

    let named = |path: RepoPath| {
        let named = named_path(path.clone(), [(&sides[0], BESIDE[0]), (&sides[1], BESIDE[1])]);
        // A name that is taken here is no place for another file.
        if matches!(tree.read(&named), Ok(Node::Missing)) { named } else { path }
    };
    merged.conflicts =
        std::mem::take(&mut merged.conflicts).into_iter().map(|(path, one)| (named(path), one)).collect();
    let differing: BTreeMap<RepoPath, Option<Version>> =
        differing.into_iter().map(|(path, version)| (named(path), version)).collect();
    let paths: BTreeSet<&RepoPath> = saved
        .files
        .iter()
        .map(|edit| &edit.path)
        .chain(differing.keys())
        .chain(merged.conflicts.keys())
        .chain(layer.paths())
        .collect();
    let here = look(workspace, repository, &listing, &paths, monitor)?;
    let edits: BTreeMap<&RepoPath, &Edit> = saved.files.iter().map(|edit| (&edit.path, edit)).collect();
    // Where the merge took more than the snapshot has (an edit that followed a rename, say).
    let mixed: BTreeSet<RepoPath> =
        between(repository, &theirs, &merged.tree)?.into_iter().map(|(path, _)| named(path)).collect();
    let marked = RestoredMarks::load(&workspace.store, repository, saved, around)?;
    let mut steps = Vec::new();
    let mut unmade = Vec::new();
    let (mut exact, mut with_markers) = (BTreeSet::new(), BTreeSet::new());
    let mut blobs = repository.blobs();
    let mut written = checked_out(repository, &merged.tree, &differing)?;
    let size = |path: &RepoPath| match written.get(path) {
        Some(Ok(bytes)) => Some(bytes.len() as u64),
        _ => edits.get(path).map_or(Some(0), |edit| size_of(edit)),
    };
    let _phase = monitor.begin(Phase::Preparing, paths.iter().map(|path| size(path)).sum());
    for path in &paths {
        let (here, edit) = (&here[*path], edits.get(*path).copied());
        let stages = merged.conflicts.get(*path);
        if let (Some(edit), None) = (edit, stages)
            && !mixed.contains(*path)
            && conflict(saved, edit, here).is_none()
            && !layer.crowding.contains_key(*path)
        {
            steps.extend(maker.step(&marked.as_marked(edit), here)?);
            exact.insert((*path).clone());
            continue;
        }
        let index = match (stages, layer.entry(path), differing.get(*path)) {
            (Some(stages), _, _) => Some(IndexEntry::Unmerged(stages.clone())),
            (None, Some(entry), _) => Some(entry),
            (None, None, Some(Some(version))) if version.is_submodule() => {
                Some(IndexEntry::Blob(version.clone()))
            }
            _ => None,
        };
        let work = match differing.get(*path) {
            None => Work::Keep,
            Some(Some(version)) if version.is_submodule() => Work::Keep,
            Some(None) => Work::Remove,
            Some(Some(version)) => match written.remove(*path).ok_or_else(|| missing(path))? {
                Ok(bytes) => {
                    monitor.add(bytes.len() as u64);
                    let private = edit.is_some_and(|edit| edit.private);
                    let permissions = edit.and_then(|edit| edit.permissions);
                    let bytes = match stages {
                        Some(_) => {
                            let named = named_markers(&bytes, &sides[0], &sides[1]);
                            if named != bytes || converted_markers(&bytes) {
                                with_markers.insert((*path).clone());
                            }
                            named
                        }
                        None => bytes,
                    };
                    Work::Set { mode: version.mode, private, permissions, bytes }
                }
                Err(reason) => {
                    let reason = format!("git can't check it out here: {reason}");
                    unmade.push(Unmade { path: (*path).clone(), reason });
                    Work::Keep
                }
            },
        };
        if index.is_some() || !matches!(work, Work::Keep) {
            let named: Vec<&Version> = match &index {
                Some(IndexEntry::Blob(version)) => vec![version],
                Some(IndexEntry::Unmerged(stages)) => stages.iter().map(|(_, version)| version).collect(),
                _ => Vec::new(),
            };
            let named = named.into_iter().filter(|version| !version.is_submodule());
            let to_write = named.map(|version| {
                let bytes = blobs.read(&version.oid)?.ok_or_else(|| missing(path))?;
                Ok((version.oid.clone(), bytes))
            });
            let to_write = to_write.collect::<Result<Vec<_>>>()?;
            steps.push(Step { blobs: to_write, ..Step::merged((*path).clone(), here, work, index) });
        }
    }
    as_here(repository, &mut maker, saved, around, &mut steps, &exact)?;
    without_links(repository, &mut steps)?;
    unmade.extend(spare_mounts(&tree, &mut steps)?);
    refuse_blocked(&tree, &steps)?;
    // A file that is in such a repository already is merged like any other, and an undo takes that back. But git says nothing of it.
    refuse_inside(&tree, &listing, steps.iter().filter(|step| step.here.is_none()))?;
    let inside = inside_repositories(&tree, &listing, &steps)?;
    let renamed = renamed_twice(&merged.conflicts);
    let mut notes: Vec<Warning> =
        merged.conflicts.iter().filter_map(|one| both_changed(one, &renamed, &with_markers)).collect();
    let moved: BTreeSet<&RepoPath> = merged.moved.values().collect();
    for (new, old) in merged.moved.iter().take(MOST_TOLD) {
        notes.push(Warning::MovedWithFolder(old.to_string(), new.to_string()));
    }
    notes.extend(inside);
    notes.extend(layer.notes(&merged.conflicts.keys().collect()));
    if listing.head != saved.base {
        notes.push(Warning::MergedOntoHead);
    }
    let set: BTreeSet<&RepoPath> =
        steps.iter().map(|step| &step.path).chain(unmade.iter().map(|one| &one.path)).collect();
    let left = saved.files.iter().filter(|edit| !set.contains(&edit.path));
    let (as_saved, more): (Vec<&Edit>, Vec<&Edit>) =
        left.partition(|edit| is_as_saved(edit, &here[&edit.path]));
    let spared = more.iter().map(|edit| {
        let is_beside = differing.contains_key(&beside(&edit.path));
        let reason = match &here[&edit.path].work {
            _ if is_beside => STANDS_BESIDE,
            None if moved.contains(&edit.path) => WAS_MOVED,
            None => WAS_REMOVED,
            Some(_) => CONTAINS_IT,
        };
        Spared { path: edit.path.clone(), reason }
    });
    left_out.retain(|path| !matches!(tree.read(path), Ok(Node::Missing)));
    let spared = spared.chain(left_out::spared((saved, around), left_out)).collect();
    let edited: Vec<&RepoPath> = saved.files.iter().map(|edit| &edit.path).collect();
    for (path, driver) in repository.merged_as_text(&edited)?.iter().take(MOST_TOLD) {
        notes.push(Warning::MergedAsText { path: path.to_string(), driver: Line(driver).to_string() });
    }
    let conflicts = merged.conflicts.into_keys().chain(layer.conflicts.into_keys());
    let conflicts: BTreeSet<RepoPath> = conflicts.collect();
    let conflicts: Vec<RepoPath> = conflicts.into_iter().collect();
    let steps = Steps { unchanged: as_saved.len(), unmade, spared, ..Steps::new(steps, notes, listing) };
    Ok(MergedSteps { steps, conflicts })
}

/// Says which files are changed in repositories of their own.
fn inside_repositories(tree: &Tree, listing: &Listing, steps: &[Step]) -> Result<Vec<Warning>> {
    let changed = || steps.iter().filter(|step| !matches!(step.work, Work::Keep)).map(|step| &step.path);
    let mut notes = Vec::new();
    for folder in repositories_around(tree, listing, changed())?.iter().take(MOST_TOLD) {
        let paths = changed().filter(|path| path.is_in(folder)).map(ToString::to_string).collect();
        notes.push(Warning::InsideRepository { paths, folder: folder.to_string() });
    }
    Ok(notes)
}

/// Merges what is here with the other side. Returns the paths too that are different in the result from here.
fn merged_with(
    repository: &Repository,
    base: &str,
    ours: &mut Ours<'_>,
    theirs: &str,
) -> Result<(Merged, Vec<Changed>)> {
    loop {
        let merged = repository.merge_trees(base, &ours.id, theirs)?;
        let differing = between(repository, &ours.id, &merged.tree)?;
        // Where a rename leads, something may be that git's status does not show.
        let touched = differing.iter().map(|(path, _)| path).chain(merged.conflicts.keys());
        if !ours.read(touched)? {
            return Ok((merged, differing));
        }
    }
}

/// Refuses a snapshot without a commit to begin from; it is called so on a command line.
pub(in crate::restore) fn no_common_base(called: &str) -> Error {
    Error::new(Kind::Refused, "Cannot merge")
        .because("the snapshot was saved before the first commit: there is no common base")
        .hint(format!(
            "`snap diff --now {called}` shows what differs; `snap rewind {called}` puts everything back to that moment, after saving \
             what is here",
            called = for_shell(called)
        ))
}

/// Refuses to merge in the middle of another merge.
pub(in crate::restore) fn check_finished(listing: &Listing) -> Result<()> {
    if listing.pending.iter().any(|pending| matches!(pending.status, Status::Unmerged { .. })) {
        return Err(Error::new(Kind::Conflict, "Cannot merge into an unfinished merge; nothing was changed")
            .hint("finish it (`git status`); `snap resume REF --worktree BRANCH` restores beside it"));
    }
    Ok(())
}

/// Says what the two sides of a merge did to a path; nothing of the new names of a file that both renamed.
fn both_changed(
    (path, stages): (&RepoPath, &Vec<(u8, Version)>),
    renamed: &BTreeSet<&RepoPath>,
    with_markers: &BTreeSet<RepoPath>,
) -> Option<Warning> {
    let has = |number: u8| stages.iter().any(|(stage, _)| *stage == number);
    Some(match (has(2), has(3)) {
        _ if with_markers.contains(path) => Warning::BothChanged(path.to_string()),
        (true, true) => Warning::NotMerged(path.to_string()),
        _ if renamed.contains(path) => Warning::RenamedTwice(path.to_string()),
        _ if has(1) && !is_beside(path) => Warning::ChangedAndRemoved(path.to_string()),
        _ if !renamed.is_empty() && !is_beside(path) => return None,
        _ => Warning::OfOneSide(path.to_string()),
    })
}

/// Returns the old names of files that both sides renamed, each to another name: no side has them any more.
fn renamed_twice(conflicts: &BTreeMap<RepoPath, Vec<(u8, Version)>>) -> BTreeSet<&RepoPath> {
    let is_old = |stages: &[(u8, Version)]| stages.iter().all(|(stage, _)| *stage == 1);
    conflicts.iter().filter(|(_, stages)| is_old(stages)).map(|(path, _)| path).collect()
}

/// What a path ends in that stands beside something of another kind.
const BESIDE: [&str; 2] = ["~here", "~snapshot"];

fn is_beside(path: &RepoPath) -> bool {
    BESIDE.iter().any(|end| path.as_bytes().ends_with(end.as_bytes()))
}

/// Returns where the saved version of a path stands if something of another kind is here.
fn beside(path: &RepoPath) -> RepoPath {
    let name = [path.as_bytes(), BESIDE[1].as_bytes()].concat();
    RepoPath::new(&name).unwrap_or_else(|_| path.clone())
}

/// Says whether a file has conflict markers in an encoding of two bytes.
fn converted_markers(bytes: &[u8]) -> bool {
    let marker: Vec<u8> = b"<<<<<<< ".iter().flat_map(|byte| [*byte, 0]).collect();
    memchr::memmem::find(bytes, &marker[..marker.len() - 1]).is_some()
}

/// Returns what a checkout of the merged tree writes for each of the files that differ.
fn checked_out(
    repository: &Repository,
    tree: &str,
    differing: &BTreeMap<RepoPath, Option<Version>>,
) -> Result<BTreeMap<RepoPath, CheckedOut>> {
    let set = differing.iter().filter_map(|(path, version)| Some((path, version.as_ref()?)));
    let set: Vec<_> = set.filter(|(_, version)| !version.is_submodule()).collect();
    let files = set.iter().filter(|(_, version)| version.mode != Mode::Link);
    let paths: Vec<&RepoPath> = files.map(|(path, _)| *path).collect();
    let conversion = repository.conversion_of(Some(tree), &[])?;
    let converted = conversion.converted(&paths)?;
    let (filtered, plain): (Vec<_>, Vec<_>) = set.into_iter().partition(|(path, _)| converted.contains(path));
    let wanted: Vec<_> = filtered.iter().map(|(path, version)| (*path, version.oid.as_str())).collect();
    let made = conversion.checked_out(&wanted)?;
    let mut all: BTreeMap<_, _> =
        filtered.into_iter().zip(made).map(|((path, _), made)| (path.clone(), made)).collect();
    let mut blobs = repository.blobs();
    for (path, version) in plain {
        let raw = blobs.read(&version.oid)?.ok_or_else(|| missing(path))?;
        all.insert(path.clone(), Ok(raw));
    }
    Ok(all)
}

fn missing(path: &RepoPath) -> Error {
    Error::new(Kind::Bug, format!("The merged version of {path} is not in the repository"))
}

/// Makes a tree to merge from where the base commit is not here: HEAD's, with the edited paths as they were in the base. The
/// snapshot edits nothing else in which the two differ.
fn stand_in(
    maker: &mut StepMaker<'_>,
    repository: &Repository,
    saved: &Edits,
    base: &str,
    head: Option<&str>,
) -> Result<String> {
    let mut blobs = BTreeMap::new();
    let old = saved.files.iter().filter_map(|edit| edit.old.as_ref());
    for old in old.filter(|version| !version.is_submodule()) {
        let lacks = || {
            let instead = "to merge without it, the versions that were edited must be here";
            repository.lacks_commit_to_look(base, instead)
        };
        let content = maker.versions.base(&old.oid)?.ok_or_else(lacks)?;
        blobs.insert(old.oid.clone(), content);
    }
    repository.write_blobs(&blobs.into_iter().collect::<Vec<_>>())?;
    let changes: Vec<_> = saved.files.iter().map(|edit| (edit.path.clone(), edit.old.clone())).collect();
    repository.tree_with(head, &changes)
}

impl Step {
    /// Makes the step of a path that was merged.
    fn merged(path: RepoPath, here: &Here, work: Work, index: Option<IndexEntry>) -> Step {
        let (read, here) = (here.read.clone(), here.work.clone());
        Step { path, here, read, work, index, mark: None, blobs: Vec::new(), amount: Amount::default() }
    }
}
