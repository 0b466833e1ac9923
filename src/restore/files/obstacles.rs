//! Files in the way of a restore: ignored ones in a folder that was a file, or in the place of a folder.
//!
//! They can't have existed when the snapshot was saved, because something else was there. So they are
//! removed like any new file: the safety snapshot has them, and `undo` restores them. If they are too large
//! for that, or not files, that is a conflict, and the plan already says so.

use std::collections::BTreeSet;

use crate::base::error::{Error, Kind, Result};
use crate::base::paths::RepoPath;
use crate::git::{Listing, Status};
use crate::restore::files::standing::{Standing, Stays, standing};
use crate::restore::files::step::{Step, Unmade, Work};
use crate::sys::work_tree::{Node, Tree};

/// The most obstacles that are listed one by one.
const MOST_LISTED: usize = 20;

/// What can be done about what stays in the way.
pub(in crate::restore) const MOVE_IT_OUT: &str =
    "move it out of the work tree (`mv PATH ELSEWHERE`), then run the command again";

/// Refuses steps that would write a file where something stays: to be known before anybody sees a plan.
///
/// # Errors
/// [`Kind::Conflict`] for what is in the way, each named.
pub(in crate::restore) fn refuse_blocked(tree: &Tree, steps: &[Step]) -> Result<()> {
    let removed: BTreeSet<&RepoPath> =
        steps.iter().filter(|step| matches!(step.work, Work::Remove)).map(|step| &step.path).collect();
    let mut stay = Vec::new();
    // What was read as a file a moment ago is replaced.
    let new = steps.iter().filter(|step| step.here.is_none() && matches!(step.work, Work::Set { .. }));
    let mut folders = BTreeSet::new();
    for step in new {
        folders.extend(step.path.above());
        match standing(tree, &step.path)? {
            Standing::Nothing => {}
            Standing::Stays(what, why) => stay.push((what, why.words())),
            Standing::Files(files) => {
                let left = files.into_iter().filter(|file| !removed.contains(file));
                stay.extend(left.map(|file| (file, "a file that is not the snapshot's")));
            }
        }
    }
    for folder in folders.into_iter().filter(|folder| !removed.contains(folder)) {
        match tree.size(&folder)? {
            Some(_) => stay.push((folder, "a file in the place of a folder")),
            None if tree.read(&folder)? == Node::Special => stay.push((folder, Stays::Special.words())),
            None => {}
        }
    }
    if stay.is_empty() { Ok(()) } else { Err(conflict(&stay)) }
}

/// Refuses steps that would write into a repository of its own: what is in it is that one's, and git shows nothing of it here.
///
/// # Errors
/// [`Kind::Conflict`] for each such repository.
pub(in crate::restore) fn refuse_inside<'s>(
    tree: &Tree,
    listing: &Listing,
    steps: impl Iterator<Item = &'s Step>,
) -> Result<()> {
    let set = steps.filter(|step| matches!(step.work, Work::Set { .. }));
    let folders = repositories_around(tree, listing, set.map(|step| &step.path))?;
    let stay: Vec<_> = folders.into_iter().map(|folder| (folder, Stays::Repository.words())).collect();
    if stay.is_empty() { Ok(()) } else { Err(conflict(&stay)) }
}

/// Returns the folders above these paths that are repositories of their own.
pub(in crate::restore) fn repositories_around<'p>(
    tree: &Tree,
    listing: &Listing,
    paths: impl Iterator<Item = &'p RepoPath>,
) -> Result<BTreeSet<RepoPath>> {
    let nested = listing.pending.iter().filter(|entry| entry.status == Status::NestedRepository);
    let nested: BTreeSet<&RepoPath> = nested.map(|entry| &entry.path).collect();
    let mut found = BTreeSet::new();
    for folder in paths.flat_map(RepoPath::above).collect::<BTreeSet<_>>() {
        let is_submodule = || -> Result<bool> {
            let is_known = listing.index.has(folder.as_bytes(), &[0]);
            let stands = if is_known { standing(tree, &folder)? } else { Standing::Nothing };
            Ok(matches!(stands, Standing::Stays(stands, Stays::Repository) if stands == folder))
        };
        if nested.contains(&folder) || is_submodule()? {
            found.insert(folder);
        }
    }
    Ok(found)
}

/// Returns all files that must go so that `written` can be written; `keeps` says which ones never may.
///
/// # Errors
/// [`Kind::Conflict`] for what can't go, each named.
pub(in crate::restore) fn in_the_way<'a>(
    tree: &Tree,
    written: impl Iterator<Item = &'a RepoPath>,
    keeps: impl Fn(&RepoPath) -> bool,
) -> Result<BTreeSet<RepoPath>> {
    let mut files = BTreeSet::new();
    let mut stay: Vec<(RepoPath, &str)> = Vec::new();
    let mut folders = BTreeSet::new();
    for path in written {
        folders.extend(path.above());
        if tree.size(path)?.is_some() {
            continue;
        }
        match standing(tree, path)? {
            Standing::Nothing => {}
            Standing::Files(all) => files.extend(all),
            Standing::Stays(what, why) => stay.push((what, why.words())),
        }
    }
    for folder in folders {
        if tree.size(&folder)?.is_some() {
            files.insert(folder);
            continue;
        }
        match tree.read(&folder)? {
            Node::Special => stay.push((folder, Stays::Special.words())),
            Node::Missing | Node::Folder | Node::File { .. } => {}
        }
    }
    stay.extend(files.iter().filter(|path| keeps(path)).map(|path| (path.clone(), "not to be touched")));
    if stay.is_empty() { Ok(files) } else { Err(conflict(&stay)) }
}

/// Leaves out mounts, as a single file can be: they can't be replaced. Returns those paths.
///
/// # Errors
/// [`Kind::Refused`] for two paths that are one on this disk.
pub(in crate::restore) fn spare_mounts(tree: &Tree, steps: &mut Vec<Step>) -> Result<Vec<Unmade>> {
    let mut unmade = Vec::new();
    for step in steps.iter_mut().filter(|step| !matches!(step.work, Work::Keep)) {
        if tree.is_mount(&step.path)? {
            step.work = Work::Keep;
            let reason = "it is mounted by itself and can't be replaced: unmount it first".to_owned();
            unmade.push(Unmade { path: step.path.clone(), reason });
        }
    }
    steps.retain(Step::does_something);
    let moved = || steps.iter().filter(|step| !matches!(step.work, Work::Keep)).map(|step| &step.path);
    if !tree.mounts_above(moved())?.is_empty()
        && let Some((one, other)) = tree.same_folders(moved())?
    {
        return Err(Error::new(Kind::Refused, format!("{one} and {other} are the same folder"))
            .because("it is mounted twice in the work tree, so a file can't be set in only one of the two")
            .hint(format!(
                "unmount one of them (`umount {}`), then run the command again; nothing was changed",
                crate::base::screen::Line(&tree.absolute(&other).to_string_lossy())
            )));
    }
    if let Some((one, other)) = tree.same_names(moved()) {
        return Err(Error::new(Kind::Refused, format!("{one} and {other} are one name on this disk"))
            .because(
                "this disk does not tell upper from lower case, so one would take the place of the other",
            )
            .hint(
                "restore where case counts, such as a case-sensitive volume or Linux; nothing was changed",
            ));
    }
    Ok(unmade)
}

fn conflict(stay: &[(RepoPath, &str)]) -> Error {
    let mut listed: Vec<String> =
        stay.iter().take(MOST_LISTED).map(|(path, what)| format!("{path}: {what}")).collect();
    if stay.len() > MOST_LISTED {
        listed.push(format!("and {} more", stay.len() - MOST_LISTED));
    }
    Error::new(Kind::Conflict, "Something is in the way of the snapshot's files; nothing was changed")
        .list(listed)
        .hint(MOVE_IT_OUT)
}
