//! Files in the way of a restore: ignored ones in a folder that was a file, or in the place of a folder.
//!
//! They can't have existed when the snapshot was saved, because something else was there. So they are
//! removed like any new file: the safety snapshot has them, and `undo` restores them. If they are too large
//! for that, or not files, that is a conflict, and the plan already says so.

use std::collections::BTreeSet;

use crate::base::error::{Error, Kind, Result};
use crate::base::paths::RepoPath;
use crate::restore::files::step::{Step, Unmade, Work};
use crate::sys::work_tree::{Below, Node, Tree};

/// The most files that are taken out of one folder.
const MOST_FILES: usize = 2_000;

/// The most bytes that they may have together.
const MOST_BYTES: u64 = 64 << 20;

/// The most obstacles that are listed one by one.
const MOST_LISTED: usize = 20;

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
        match tree.read(path)? {
            Node::Missing | Node::File { .. } => {}
            Node::Special => stay.push((path.clone(), "a socket, pipe or device")),
            Node::Folder => match tree.files_below(path, MOST_FILES, |_| false)? {
                Below::Files(all, size) if size <= MOST_BYTES => files.extend(all),
                Below::Files(..) | Below::TooMany => {
                    stay.push((path.clone(), "a folder that is too large to be saved first"));
                }
                Below::Other(other) => {
                    stay.push((other, "a repository of its own, or something that can't be read"));
                }
            },
        }
    }
    for folder in folders {
        if tree.size(&folder)?.is_some() {
            files.insert(folder);
            continue;
        }
        match tree.read(&folder)? {
            Node::Special => stay.push((folder, "a socket, pipe or device")),
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
        .hint("move it out of the work tree (`mv PATH ELSEWHERE`), then run the command again")
}
