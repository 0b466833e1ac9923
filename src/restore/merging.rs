//! Plans a merge: another line's edits, three ways, and its open tasks as further ones of the session that works here.
//!
//! The conversation here is not touched, and nothing of the other one gets into it: what was done there is told by a report
//! that the agent may read.

use super::files::merge::Fork;
use super::merged_tasks::{MergePlan, open_in};
use super::{PlannedResume, RestoreOptions, RestorePlan, plan_since};
use crate::base::error::{Error, Kind, Result};
use crate::base::monitor::Monitor;
use crate::base::warning::Warning;
use crate::client::FoundSession;
use crate::manifest::Manifest;
use crate::redaction::refill;
use crate::workspace::Workspace;

/// What a line of work is merged with.
pub struct MergedWith<'a> {
    /// The session that works here.
    pub session: Option<&'a FoundSession>,
    /// The snapshot of this place that was saved before it.
    pub saved: Option<&'a Manifest>,
    /// The snapshot from which both went on.
    pub fork: Option<&'a Manifest>,
}

/// Plans to merge a snapshot into what is here.
///
/// # Errors
/// As [`super::plan_resume`].
pub fn plan_merge(
    workspace: &Workspace,
    manifest: Manifest,
    with: &MergedWith<'_>,
    options: &RestoreOptions,
    monitor: &Monitor,
) -> Result<RestorePlan> {
    let Some(repository) = &workspace.repository else {
        return Err(Error::new(Kind::Refused, "Cannot merge here")
            .because(format!("{} is in no git repository", workspace.root.display()))
            .hint("`snap resume` brings the conversation back"));
    };
    let mut notes = Vec::new();
    let mut merging = match with.session {
        Some(found) => {
            let list = found.home.task_list(&found.id, &workspace.root)?;
            MergePlan::adding(workspace, &manifest, &found.id, &list, None, &mut notes)?
        }
        None => {
            let open = open_in(workspace, &manifest)?;
            notes.extend((open > 0).then_some(Warning::NoSessionForTasks(open)));
            MergePlan::default()
        }
    };
    merging.into = with.saved.map(|saved| saved.id.clone());
    merging.session = with.session.map(|found| (found.id.clone(), found.live.is_some()));
    // As the agent finds it from the folder that it works in.
    let report = workspace.store.report_path(&manifest.id);
    let works_in = with.session.and_then(|found| found.cwd.as_deref()).unwrap_or(&workspace.root);
    merging.report_path = Some(match report.strip_prefix(works_in) {
        Ok(below) if works_in == workspace.root => below.to_owned(),
        _ => report,
    });
    let is_sound = |fork: &&Manifest| workspace.refuse_bomb(fork, &workspace.provenance(fork)).is_ok();
    let fork = match with.fork.filter(is_sound).and_then(|fork| Some((fork, fork.edits.as_ref()?))) {
        Some((fork, edits)) => match refill(workspace, repository, fork, edits, None, &[]) {
            Ok(refilled) => Some(Fork { edits: refilled.edits, around: fork.around.as_ref() }),
            // Then what both had when they went apart is a change of both.
            Err(error) if error.kind() == Kind::Damaged => None,
            Err(error) => return Err(error),
        },
        None => None,
    };
    let called = workspace.store.called(&manifest);
    let options = RestoreOptions { merge: true, session: false, ..options.clone() };
    match plan_since(workspace, manifest, fork.as_ref(), &options, monitor)? {
        PlannedResume::Ready(mut plan) => {
            plan.notes.extend(notes);
            plan.merging = Some(merging);
            Ok(*plan)
        }
        PlannedResume::Disputed(dispute) => Err(dispute.into_error(&called)),
    }
}
