//! Edits from a clone that writes its files differently, with other line ends or without links: they become
//! what git would have written here.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::error::Result;
use crate::base::paths::RepoPath;
use crate::git::Repository;
use crate::manifest::{Edit, Edits, Mode, Surroundings, Version, WrittenBy};
use crate::restore::files::saved_rules;
use crate::restore::files::step::{Step, StepMaker, Work};

/// Returns the settings that the files of a snapshot were written by, if they are known.
pub(in crate::restore) fn settings(around: Option<&Surroundings>) -> Option<&WrittenBy> {
    around.map(|around| &around.written_by).filter(|written_by| written_by.is_known())
}

/// Changes the steps of these paths, which have the saved content, to what is written here.
pub(in crate::restore) fn as_here(
    repository: &Repository,
    maker: &mut StepMaker<'_>,
    saved: &Edits,
    around: Option<&Surroundings>,
    steps: &mut Vec<Step>,
    exact: &BTreeSet<RepoPath>,
) -> Result<()> {
    let Some(then) = settings(around) else { return Ok(()) };
    let here = repository.written_by()?;
    if then.no_links && !here.no_links {
        let was_link = |edit: &&Edit| {
            let is_link = |version: &Version| version.mode == Mode::Link;
            edit.old.as_ref().is_some_and(is_link)
                || edit.staged.as_ref().is_some_and(|staged| is_link(&staged.version))
        };
        let links: BTreeSet<&RepoPath> = saved.files.iter().filter(was_link).map(|edit| &edit.path).collect();
        for step in steps.iter_mut().filter(|step| exact.contains(&step.path) && links.contains(&step.path)) {
            step.as_link();
        }
    }
    if then.same_line_ends(&here) {
        return Ok(());
    }
    let mut files: BTreeMap<RepoPath, Vec<u8>> = BTreeMap::new();
    for step in steps.iter().filter(|step| exact.contains(&step.path)) {
        if let Work::Set { mode, bytes, .. } = &step.work
            && *mode != Mode::Link
        {
            files.insert(step.path.clone(), bytes.clone());
        }
    }
    if files.is_empty() {
        return Ok(());
    }
    let mut conversion = saved_rules::conversion(repository, maker, saved, base_here(repository, saved)?)?;
    let list: Vec<(&RepoPath, &[u8])> = files.iter().map(|(path, bytes)| (path, bytes.as_slice())).collect();
    let rewritten = conversion.rewritten(then, &list)?;
    let rewritten: BTreeMap<&RepoPath, Vec<u8>> =
        list.iter().zip(rewritten).filter_map(|((path, _), bytes)| Some((*path, bytes?))).collect();
    for step in steps.iter_mut() {
        if let Some(bytes) = rewritten.get(&step.path) {
            step.rewrite(bytes.clone(), |bytes| repository.hash().blob_id(bytes));
        }
    }
    steps.retain(Step::does_something);
    Ok(())
}

/// Returns the snapshot's base commit if it is here; without it, only edited attributes count.
fn base_here<'a>(repository: &Repository, saved: &'a Edits) -> Result<Option<&'a str>> {
    match saved.base.as_deref() {
        Some(base) if repository.has_tree(base)? => Ok(Some(base)),
        _ => Ok(None),
    }
}
