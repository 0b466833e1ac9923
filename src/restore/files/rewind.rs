//! Plans to make the work tree exactly what it was: `rewind` and `undo`.
//!
//! Whatever was edited, created, deleted, staged or committed since, each path becomes what the snapshot has
//! of it: the saved edit, or the base commit's version. Not touched are files that the snapshot left out,
//! ignored files, and repositories inside the repository. Of a submodule, only the staged commit is set,
//! and a folder that is gone is made again, empty.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::base::error::Result;
use crate::base::monitor::{Monitor, Phase};
use crate::base::paths::RepoPath;
use crate::client::files_of_init;
use crate::git::index::IndexEntry;
use crate::git::{Repository, Status, is_pointer};
use crate::manifest::{Edit, Edits, Mode, Surroundings, Version};
use crate::restore::files::ignored::{IGNORED_THEN, IgnoredWhenSaved};
use crate::restore::files::index_room::crowded_out;
use crate::restore::files::left_alone::Spared;
use crate::restore::files::marks::RestoredMarks;
use crate::restore::files::obstacles;
use crate::restore::files::path_state::{Here, look};
use crate::restore::files::saved_rules;
use crate::restore::files::standing::{Standing, Stays, standing};
use crate::restore::files::step::{Step, StepMaker, Steps, Unmade, Work, index_of, size_of, without_links};
use crate::restore::files::unmerged_base;
use crate::sys::parallel::{map_with, processors};
use crate::sys::work_tree::{Node, Tree, is_staging};
use crate::workspace::Workspace;

/// A file that was left out is read for its entry in the index only up to this size, in bytes.
const LARGEST_READ: u64 = 256 << 20;

/// How many steps are made before a thread takes the next ones.
const AT_ONCE: usize = 32;

/// Why files stay of which nobody knows whether they were ignored.
const MAYBE_IGNORED: &str =
    "perhaps ignored when this was saved: too much was to list it, and the rules have changed";

/// Why the hooks stay that were set up since.
const OF_INIT: &str = "set up by `snap init` since then";

/// What is said of a submodule whose folder is made again.
const SUBMODULE: &str = "an empty folder: `git submodule update --init` brings its files";

/// Why a repository inside the repository stays.
const NESTED: &str = "a git repository of its own, which is new";

/// Which paths are put back.
#[derive(Clone, Copy)]
pub(in crate::restore) enum RewindScope<'a> {
    /// All that differ.
    Everything,
    /// These.
    Paths(&'a [RepoPath]),
}

/// Plans to put the paths back to what a snapshot has, whose base is here.
pub(in crate::restore) fn plan(
    workspace: &Workspace,
    repository: &Repository,
    saved: &Edits,
    around: Option<&Surroundings>,
    scope: RewindScope<'_>,
    monitor: &Monitor,
) -> Result<Steps> {
    let saved = unmerged_base::corrected(repository, saved)?;
    let saved = saved.as_ref();
    let listing = repository.status()?;
    let marked = RestoredMarks::load(&workspace.store, repository, saved, around)?;
    let mut paths: BTreeSet<RepoPath> = match scope {
        RewindScope::Paths(paths) => paths.iter().cloned().collect(),
        RewindScope::Everything => {
            let pending = listing.pending.iter().filter(|entry| entry.status != Status::NestedRepository);
            let changed = repository.changed_between(listing.head.as_deref(), saved.base.as_deref())?;
            let edited = saved.files.iter().map(|edit| edit.path.clone());
            let marked = marked.to_look_at(&Tree::open(&workspace.root)?, &listing)?;
            pending.map(|pending| pending.path.clone()).chain(changed).chain(edited).chain(marked).collect()
        }
    };
    let own = workspace.own_folders();
    // What a killed restore left may hold the only copy of a file: it is not ours to remove.
    let is_snaps_own = |path: &RepoPath| is_staging(path) || own.hold(path);
    // The paths of an undo were read by themselves, whatever was left out around them.
    let leaves_out = |path: &RepoPath| matches!(scope, RewindScope::Everything) && saved.leave_out(path);
    let mut left_out = BTreeSet::new();
    paths.retain(|path| {
        let left = leaves_out(path);
        if left && !is_snaps_own(path) && listing.index.has(path.as_bytes(), &[0]) {
            left_out.insert(path.clone());
        }
        !left && !is_snaps_own(path)
    });
    let new_maker = || {
        let maker = StepMaker::new(&workspace.store, repository, None).telling(monitor).with_saved_marks();
        maker.with_saved_permissions(around.is_some())
    };
    let mut maker = new_maker();
    let tree = Tree::open(&workspace.root)?;
    let when_saved = IgnoredWhenSaved { repository, saved, around };
    let mut spared = Vec::new();
    if matches!(scope, RewindScope::Everything) {
        let keeps = |path: &RepoPath| is_snaps_own(path) || leaves_out(path);
        let (hidden, stays) = when_saved.hidden_since(&mut maker, &tree, &listing, &paths, keeps)?;
        spared.extend(stays);
        paths.extend(hidden);
        let nested = listing.pending.iter().filter(|entry| entry.status == Status::NestedRepository);
        let nested = nested.map(|entry| &entry.path).filter(|path| !keeps(path) && !was_there(saved, path));
        let nested: Vec<&RepoPath> = nested.collect();
        // A work tree of this very repository is no news: it is never in a snapshot of another one.
        let work_trees = if nested.is_empty() { Vec::new() } else { repository.other_worktrees()? };
        let new =
            nested.into_iter().filter(|path| !work_trees.contains(&workspace.root.join(path.as_path())));
        spared.extend(new.map(|path| Spared { path: path.clone(), reason: NESTED }));
    }
    let edits: BTreeMap<&RepoPath, &Edit> = saved.files.iter().map(|edit| (&edit.path, edit)).collect();
    // What was left out stays on the disk; in the index it was not, if git did not know it then.
    if matches!(scope, RewindScope::Everything) && !left_out.is_empty() {
        let known = repository.tree_versions(saved.base.as_deref(), &left_out)?;
        left_out.retain(|path| {
            let small = tree.size(path).is_ok_and(|size| size.is_none_or(|size| size <= LARGEST_READ));
            small && known.version(path).is_none() && !edits.contains_key(path)
        });
        paths.extend(left_out.iter().cloned());
    } else {
        left_out.clear();
    }
    let mut base = repository.tree_versions(saved.base.as_deref(), &paths)?;
    if let RewindScope::Paths(_) = scope {
        // What the index has no room for beside these goes too, so that the way back brings it back.
        let entry = |path| match edits.get(path) {
            Some(edit) => index_of(edit),
            None => base.version(path).cloned().map_or(IndexEntry::Absent, IndexEntry::Blob),
        };
        let targets = paths.iter().map(|path| (path, entry(path))).collect();
        let crowded: BTreeSet<RepoPath> = crowded_out(&listing.index, &targets).into_keys().collect();
        if !crowded.is_empty() {
            paths.extend(crowded);
            base = repository.tree_versions(saved.base.as_deref(), &paths)?;
        }
    }
    let version = |path: &RepoPath| match edits.get(path) {
        Some(edit) => edit.new.as_ref(),
        None => base.version(path),
    };
    let written = paths.iter().filter(|path| version(path).is_some_and(|version| !version.is_submodule()));
    let obstacles = obstacles::in_the_way(&tree, written, |path| is_snaps_own(path) || leaves_out(path))?;
    spared.retain(|left: &Spared| !obstacles.iter().any(|path| path.is_in(&left.path)));
    paths.extend(obstacles.iter().cloned());
    let wanted: BTreeSet<&RepoPath> = paths.iter().collect();
    let here = look(workspace, repository, &listing, &wanted, monitor)?;
    let gone = wanted.iter().filter(|path| {
        here[**path].work.is_some()
            && base.version(path).is_none()
            && !edits.contains_key(**path)
            && !obstacles.contains(**path)
            && !left_out.contains(**path)
    });
    let gone: BTreeSet<RepoPath> = gone.map(|path| (*path).clone()).collect();
    let (ignored, why) = match scope {
        RewindScope::Everything if !gone.is_empty() && when_saved.is_unknown()? => {
            (gone.clone(), MAYBE_IGNORED)
        }
        RewindScope::Everything => (when_saved.ignored(&mut maker, &gone)?, IGNORED_THEN),
        RewindScope::Paths(_) => (BTreeSet::new(), ""),
    };
    let of_init = match scope {
        RewindScope::Everything if !gone.is_empty() => files_of_init(&workspace.root),
        RewindScope::Everything | RewindScope::Paths(_) => Vec::new(),
    };
    let of_init: BTreeSet<&RepoPath> =
        gone.iter().filter(|path| of_init.iter().any(|file| path.as_path() == file)).collect();
    let mut unreadable = Vec::new();
    let mut targets = Vec::new();
    for path in &wanted {
        let here = &here[*path];
        if let Some(why) = here.unreadable() {
            if version(path).is_some() || matches!(scope, RewindScope::Paths(_)) {
                unreadable.push(Unmade { path: (*path).clone(), reason: why.to_owned() });
            } else {
                spared.push(Spared { path: (*path).clone(), reason: why });
            }
            continue;
        }
        let edit = match edits.get(path).copied() {
            Some(edit) => match marked.of_edit(edit) {
                hidden if hidden == edit.hidden => Cow::Borrowed(edit),
                hidden => Cow::Owned(Edit { hidden, ..edit.clone() }),
            },
            None => {
                let stays = matches!(scope, RewindScope::Everything);
                Cow::Owned(marked.clean(path, base.version(path), here, stays))
            }
        };
        let as_base = matches!(scope, RewindScope::Everything) && !edits.contains_key(path);
        targets.push(Target { edit, here, as_base });
    }
    // Of a submodule that is new, only the entry in the index goes.
    let is_new = |path: &RepoPath| {
        let is_submodule = matches!(&here[path].index, IndexEntry::Blob(version) if version.is_submodule());
        is_submodule && version(path).is_none() && !was_there(saved, path)
    };
    if matches!(scope, RewindScope::Everything) {
        for path in wanted.iter().filter(|path| is_new(path)) {
            if matches!(standing(&tree, path)?, Standing::Stays(found, Stays::Repository) if found == **path)
            {
                spared.push(Spared { path: (*path).clone(), reason: NESTED });
            }
        }
    }
    let (mut steps, mut clean) = (Vec::new(), Vec::new());
    for (target, mut step) in targets.iter().zip(steps_to(&targets, new_maker, monitor)?) {
        let path = &target.edit.path;
        if edits.contains_key(path) {
            steps.extend(step);
            continue;
        }
        let why = [(ignored.contains(path), why), (of_init.contains(path), OF_INIT)];
        let why = why.into_iter().filter(|(is_so, _)| *is_so);
        spared.extend(why.clone().map(|(_, reason)| Spared { path: path.clone(), reason }));
        if why.count() > 0 || left_out.contains(path) {
            step = step.map(Step::sparing_the_file).filter(Step::does_something);
        }
        clean.extend(step);
    }
    // A clean path is as a checkout writes it, which need not be the blob's own bytes. (Of the
    // paths that a safety snapshot is about, it holds any that were not the blob's bytes.)
    let (mut unmade, mut needs_filter) = (Vec::new(), Vec::new());
    if matches!(scope, RewindScope::Everything) {
        (unmade, needs_filter) = check_out(repository, &mut maker, saved, &mut clean)?;
        without_links(repository, &mut clean)?;
        clean.retain(Step::does_something);
    }
    steps.extend(clean);
    unmade.extend(obstacles::spare_mounts(&tree, &mut steps)?);
    if matches!(scope, RewindScope::Everything) {
        obstacles::refuse_inside(&tree, &listing, steps.iter())?;
    }
    unmade.append(&mut unreadable);
    steps.sort_by(|a, b| a.path.cmp(&b.path));
    // Git takes a submodule without a folder for one that was removed.
    let mut submodules: Vec<RepoPath> = Vec::new();
    if matches!(scope, RewindScope::Everything) {
        for path in wanted.iter().filter(|path| version(path).is_some_and(Version::is_submodule)) {
            let is_hidden = here[*path].hidden.is_some() || saved.leave_out(path);
            if !is_hidden && tree.read(path)? == Node::Missing {
                submodules.push((*path).clone());
            }
        }
    }
    let unchanged = {
        let set = steps.iter().map(|step| &step.path).chain(unmade.iter().map(|one| &one.path));
        let left = spared.iter().map(|one| &one.path).chain(needs_filter.iter().map(|(path, _)| path));
        let other: BTreeSet<&RepoPath> = set.chain(left).chain(&left_out).chain(&submodules).collect();
        wanted.iter().filter(|path| !other.contains(**path)).count()
    };
    let mut spared = when_saved.merged_by_folder(spared);
    spared.extend(submodules.iter().map(|path| Spared { path: path.clone(), reason: SUBMODULE }));
    // Of those that the restore left alone, some may have been removed on purpose since.
    let is_ours_to_make = |folder: &RepoPath| match scope {
        RewindScope::Everything => !is_snaps_own(folder),
        RewindScope::Paths(paths) => paths.iter().any(|path| folder == path || folder.is_in(path)),
    };
    let removed: BTreeSet<&RepoPath> =
        steps.iter().filter(|step| matches!(step.work, Work::Remove)).map(|step| &step.path).collect();
    let empty = around.into_iter().flat_map(|around| &around.empty_folders);
    let mut folders = submodules;
    for folder in empty.filter(|folder| is_ours_to_make(folder)) {
        match in_place_of(&tree, folder, &removed)? {
            Some(path) if spared.iter().any(|other| other.path == path) => {}
            Some(path) => {
                spared.push(Spared { path, reason: "ignored now, in the place of an empty folder" })
            }
            None if removed.contains(folder) || tree.read(folder)? == Node::Missing => {
                folders.push(folder.clone());
            }
            None => {}
        }
    }
    let steps = Steps::new(steps, Vec::new(), listing);
    Ok(Steps { unchanged, unmade, spared, folders, needs_filter, ..steps })
}

/// What a path is to become.
struct Target<'a> {
    edit: Cow<'a, Edit>,
    here: &'a Here,
    /// Whether nothing is known of it but what the base has.
    as_base: bool,
}

/// Makes the steps to all targets, with all processors; `None` where nothing is to be done.
fn steps_to<'m>(
    targets: &[Target<'_>],
    new_maker: impl Fn() -> StepMaker<'m> + Sync,
    monitor: &Monitor,
) -> Result<Vec<Option<Step>>> {
    let _phase = monitor.begin(Phase::Preparing, targets.iter().map(|target| size_of(&target.edit)).sum());
    let some = targets.chunks(AT_ONCE);
    let threads = processors().min(some.len());
    let made = map_with(threads, some, new_maker, |maker, some| {
        let step = |target: &Target<'_>| {
            if target.as_base {
                maker.step_to_base(&target.edit, target.here)
            } else {
                maker.step(&target.edit, target.here)
            }
        };
        some.iter().map(step).collect::<Result<Vec<_>>>()
    });
    Ok(made?.into_iter().flatten().collect())
}

/// Says whether a snapshot knows something at this path, or below it.
fn was_there(saved: &Edits, path: &RepoPath) -> bool {
    let folder = format!("{path}/");
    saved.files.iter().any(|edit| edit.path.is_in(path)) || saved.skipped.iter().any(|one| one.path == folder)
}

/// Returns what stays in the place of a folder, or of one above it, and is none.
fn in_place_of(tree: &Tree, folder: &RepoPath, removed: &BTreeSet<&RepoPath>) -> Result<Option<RepoPath>> {
    for path in folder.above().chain([folder.clone()]) {
        match tree.read(&path)? {
            Node::Folder => {}
            Node::File { .. } | Node::Special if !removed.contains(&path) => return Ok(Some(path)),
            Node::File { .. } | Node::Special | Node::Missing => return Ok(None),
        }
    }
    Ok(None)
}

/// What is not written: files that git can't convert, and files that need a filter that is not run
/// here, with its name.
type KeptBack = (Vec<Unmade>, Vec<(RepoPath, String)>);

/// Converts the new content of clean paths as a checkout does. Returns the files that git can't
/// convert, which stay as they are, and those with a filter that is not run here, which are left alone.
fn check_out(
    repository: &Repository,
    maker: &mut StepMaker<'_>,
    saved: &Edits,
    steps: &mut Vec<Step>,
) -> Result<KeptBack> {
    let is_written = |step: &&mut Step| match &step.work {
        Work::Set { mode, .. } => *mode != Mode::Link,
        Work::Keep | Work::Remove => false,
    };
    let mut written: Vec<&mut Step> = steps.iter_mut().filter(is_written).collect();
    if written.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let conversion = saved_rules::conversion(repository, maker, saved, saved.base.as_deref())?;
    let paths: Vec<RepoPath> = written.iter().map(|step| step.path.clone()).collect();
    let needs_filter = conversion.left_out(&paths.iter().collect::<Vec<_>>())?;
    let needs_filter: BTreeMap<RepoPath, String> =
        needs_filter.into_iter().map(|(path, filter)| (path.clone(), filter)).collect();
    written.retain(|step| !needs_filter.contains_key(&step.path));
    let converted = conversion.converted(&paths.iter().collect::<Vec<_>>())?;
    written.retain(|step| converted.contains(&step.path));
    let oid = |step: &Step| match &step.work {
        Work::Set { bytes, .. } => repository.hash().blob_id(bytes),
        Work::Keep | Work::Remove => String::new(),
    };
    let wanted: Vec<(RepoPath, String)> = written.iter().map(|step| (step.path.clone(), oid(step))).collect();
    let wanted: Vec<(&RepoPath, &str)> = wanted.iter().map(|(path, oid)| (path, oid.as_str())).collect();
    let mut unmade = Vec::new();
    for (step, made) in written.into_iter().zip(conversion.checked_out(&wanted)?) {
        match (made, &mut step.work) {
            (Ok(made), Work::Set { mode, bytes, .. }) => {
                let version = Version { oid: repository.hash().blob_id(&made), mode: *mode };
                let is_there = step.here.as_ref() == Some(&version);
                // LFS that is told to skip leaves the pointer: that is no reason to write one over a file.
                if !is_there && step.here.is_some() && made == *bytes && is_pointer(&made) {
                    let reason = "its content is not here: `git lfs pull` brings it".to_owned();
                    unmade.push(Unmade { path: step.path.clone(), reason });
                    step.work = Work::Keep;
                    continue;
                }
                *bytes = made;
                if is_there {
                    step.work = Work::Keep;
                }
            }
            (Err(why), work) => {
                *work = Work::Keep;
                let reason = format!("git can't check it out here: {why}");
                unmade.push(Unmade { path: step.path.clone(), reason });
            }
            (Ok(_), Work::Keep | Work::Remove) => {}
        }
    }
    let is_left =
        |step: &Step| needs_filter.contains_key(&step.path) && matches!(step.work, Work::Set { .. });
    steps.retain(|step| !is_left(step));
    Ok((unmade, needs_filter.into_iter().collect()))
}
