//! What a restore leaves behind before it changes anything: the safety snapshot, and the report of a merge.

use super::files::empty_folders::{displaced, filled};
use super::files::step::{Action, Step};
use super::plan::RestorePlan;
use crate::base::error::Result;
use crate::base::monitor::{Monitor, Phase};
use crate::capture;
use crate::context::Context;
use crate::git::Listing;
use crate::manifest::{Manifest, Safety};
use crate::sys::work_tree::Tree;
use crate::workspace::Workspace;

/// Makes the safety snapshot of a plan, if that sets something. Returns the name of its file, too.
///
/// # Errors
/// What git or the disk says; nothing is changed then.
pub(super) fn make(
    context: &Context,
    workspace: &Workspace,
    plan: &RestorePlan,
    listing: Option<Listing>,
    monitor: &Monitor,
) -> Result<Option<(String, Manifest)>> {
    if let Some(merging) = &plan.merging {
        merging.keep_report(&workspace.store, &plan.manifest.id)?;
    }
    let Some(repository) = workspace.repository.as_ref().filter(|_| plan.sets_something()) else {
        return Ok(None);
    };
    let _phase = monitor.begin(Phase::Safety, None);
    let tree = Tree::open(&workspace.root)?;
    let new = plan.steps.iter().filter(|step| step.action() == Action::Create).map(Step::path);
    let safety = Safety {
        restores: plan.manifest.id.clone(),
        name: plan.manifest.name.clone(),
        paths: plan.steps.iter().map(|step| step.path().clone()).collect(),
        filled: filled(&tree, new.clone().chain(&plan.folders)),
        made: plan.folders.clone(),
        removed: plan.emptied.iter().cloned().chain(displaced(&tree, new)).collect(),
    };
    let read = plan.steps.iter().filter_map(|step| Some((&step.path, step.read.as_ref()?))).collect();
    let safety = capture::save_safety(context, workspace, safety, (listing, &read), monitor)?;
    if let Some(moved) = &plan.moved {
        // Not left to chance: nothing else may name the old tip.
        repository.keep_commit(&safety.1.id, &moved.from)?;
    }
    Ok(Some(safety))
}
