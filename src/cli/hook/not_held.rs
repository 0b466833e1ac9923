//! What a step takes away that its checkpoint does not hold: ignored files, large ones, and what can't be saved.
//!
//! A person learns of it before the step runs. Only what the step removes or overwrites counts, as far as the step
//! says it.

use std::path::{Path, PathBuf};

use super::affected_trees::StepImpact;
use crate::base::error::Result;
use crate::base::screen::Line;
use crate::manifest::Skipped;
use crate::restore::WORK_TREES;
use crate::risk::{Cleans, Risk};
use crate::workspace::Workspace;

/// Returns it in words, one for each path.
pub(super) fn of_step(
    risk: &Risk,
    hit: &StepImpact,
    workspace: &Workspace,
    skipped: &[Skipped],
) -> Result<Vec<String>> {
    let Some(repository) = &workspace.repository else { return Ok(Vec::new()) };
    let (what, places) = match &risk.touched.cleans {
        Some((what, places)) => (*what, places),
        None => (Cleans::All, &hit.removed),
    };
    let root = repository.root();
    let places: Vec<PathBuf> = places.iter().filter(|place| place.starts_with(root)).cloned().collect();
    if places.is_empty() {
        return Ok(Vec::new());
    }
    // What is a work tree itself has a checkpoint of its own, or is told of as one.
    let apart = |path: &PathBuf| hit.trees.iter().any(|tree| tree != root && tree.starts_with(path));
    let mut found = Vec::new();
    for left in skipped.iter().filter(|_| what != Cleans::Ignored) {
        let path = root.join(left.path.trim_end_matches('/'));
        let is_hit = places.iter().any(|place| path.starts_with(place) || place.starts_with(&path));
        if is_hit && !apart(&path) {
            let reason = left.reason.split(';').next().unwrap_or_default();
            found.push(format!("{} is not in the snapshot: {reason}", Line(&left.path)));
        }
    }
    if what != Cleans::Untracked {
        let own = workspace.own_folders();
        let store = workspace.store_path();
        for path in repository.ignored_at(&places)? {
            let place = root.join(path.as_path());
            let holds_store = store.as_ref().is_some_and(|store| store.is_in(&path));
            let is_own = own.hold(&path) || path.as_path() == Path::new(WORK_TREES).join(".gitignore");
            if !is_own && !holds_store && !apart(&place) {
                found.push(format!("{path} is ignored, and not in the snapshot"));
            }
        }
    }
    Ok(found)
}
