//! Plans to make the work tree exactly what it was: `rewind` and `undo`.
//!
//! Whatever was edited, created, deleted, staged or committed since, each path becomes what
//! the snapshot has of it: the saved edit, or the base commit's version. What the snapshot
//! left out, ignored files, and repositories inside the repository are not touched; of a
//! submodule, only which commit is staged.

use std::collections::{BTreeMap, BTreeSet};

use super::crowded::crowded_out;
use super::here::look;
use super::marked::Marked;
use super::older;
use super::steps::{Maker, Steps, Work, index_of};
use crate::error::Result;
use crate::git::index::IndexEntry;
use crate::git::{Repository, Status};
use crate::manifest::{Edit, Edits, Mode};
use crate::paths::RepoPath;
use crate::progress::Progress;
use crate::store::Bases;
use crate::tree::{STAGING, Tree};
use crate::workspace::Workspace;

/// Which paths are put back.
#[derive(Clone, Copy)]
pub(super) enum Scope<'a> {
    /// All that differ.
    Everything,
    /// These.
    Paths(&'a [RepoPath]),
}

/// Plans to put the paths back to what a snapshot has.
pub(super) fn plan(
    workspace: &Workspace,
    repository: &Repository,
    saved: &Edits,
    scope: Scope<'_>,
    progress: &Progress,
) -> Result<Steps> {
    if let Some(base) = &saved.base
        && !repository.has_commit(base)?
    {
        return Err(repository.lacks_commit(base));
    }
    let saved = older::corrected(repository, saved)?;
    let saved = saved.as_ref();
    let listing = repository.status()?;
    let marked = Marked::load(&workspace.store, saved)?;
    let mut paths: BTreeSet<RepoPath> = match scope {
        Scope::Paths(paths) => paths.iter().cloned().collect(),
        Scope::Everything => {
            let pending = listing.pending.iter().filter(|entry| entry.status != Status::NestedRepository);
            let changed = repository.changed_between(listing.head.as_deref(), saved.base.as_deref())?;
            let edited = saved.files.iter().map(|edit| edit.path.clone());
            let marked = marked.to_look_at(&Tree::open(&workspace.root)?, &listing)?;
            pending.map(|pending| pending.path.clone()).chain(changed).chain(edited).chain(marked).collect()
        }
    };
    let own = workspace.own_folders();
    paths.retain(|path| {
        let name = path.to_string();
        let covers = |left: &str| left == name || (left.ends_with('/') && name.starts_with(left));
        let left_out = saved.skipped.iter().any(|skipped| covers(&skipped.path));
        // What a killed restore left may hold the only copy of a file: it is not ours to remove.
        let staged = path.as_bytes().starts_with(STAGING.as_bytes());
        !left_out && !staged && !own.hold(path)
    });
    let edits: BTreeMap<&RepoPath, &Edit> = saved.files.iter().map(|edit| (&edit.path, edit)).collect();
    let mut base = repository.tree_versions(saved.base.as_deref(), &paths)?;
    if let Scope::Paths(_) = scope {
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
    let wanted: BTreeSet<&RepoPath> = paths.iter().collect();
    let here = look(workspace, repository, &listing, &wanted, progress)?;
    let none = Bases::default();
    let mut maker = Maker::new(&workspace.store, repository, &none).with_saved_marks();
    let mut steps = Vec::new();
    let mut clean = Vec::new();
    for (number, path) in wanted.iter().enumerate() {
        progress.part(50..75, number as u64, wanted.len() as u64);
        let here = &here[*path];
        match edits.get(path).copied() {
            Some(edit) => match marked.of_edit(edit) {
                hidden if hidden == edit.hidden => steps.extend(maker.step(edit, here)?),
                hidden => steps.extend(maker.step(&Edit { hidden, ..edit.clone() }, here)?),
            },
            None => {
                let stays = matches!(scope, Scope::Everything);
                let edit = marked.clean(path, base.version(path), here, stays);
                clean.extend(maker.step(&edit, here)?);
            }
        }
    }
    // A clean path is as a checkout writes it, which need not be the blob's own bytes. (Of the
    // paths that a safety snapshot is about, it holds any that were not the blob's bytes.)
    let paths: Vec<&RepoPath> = match scope {
        Scope::Everything => clean.iter().map(|step| &step.path).collect(),
        Scope::Paths(_) => Vec::new(),
    };
    let unfiltered = repository.unfiltered(&paths)?;
    let unfiltered: BTreeMap<RepoPath, String> =
        unfiltered.into_iter().map(|(path, filter)| (path.clone(), filter)).collect();
    let mut left = Vec::new();
    clean.retain(|step| match unfiltered.get(&step.path) {
        Some(filter) if matches!(step.work, Work::Set { .. }) => {
            left.push((step.path.clone(), filter.clone()));
            false
        }
        _ => true,
    });
    let paths: Vec<&RepoPath> = match scope {
        Scope::Everything => clean.iter().map(|step| &step.path).collect(),
        Scope::Paths(_) => Vec::new(),
    };
    let converted: BTreeSet<RepoPath> = repository.converted(&paths)?.into_iter().cloned().collect();
    for step in &mut clean {
        if let (Work::Set { mode, bytes, .. }, Some(version), true) =
            (&mut step.work, base.version(&step.path), converted.contains(&step.path))
            && *mode != Mode::Link
        {
            *bytes = repository.checked_out(&step.path, &version.oid)?;
        }
    }
    steps.extend(clean);
    steps.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(Steps { unchanged: wanted.len() - steps.len() - left.len(), steps, notes: Vec::new(), left, listing })
}
