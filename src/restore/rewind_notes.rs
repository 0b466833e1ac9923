//! What a person should know of a rewind beside its plan: where HEAD stays, and hooks that go.

use super::files::step::{Step, Work};
use crate::base::screen::cut;
use crate::base::warning::Warning;
use crate::client::{files_of_init, settings_have_hooks};
use crate::manifest::Manifest;
use crate::workspace::Workspace;

/// The longest name of a branch in a warning, in characters.
const LONGEST_BRANCH: usize = 60;

/// Names the settings files that lose the hooks of this program.
pub(super) fn hooks_that_go(workspace: &Workspace, steps: &[Step]) -> Vec<Warning> {
    let of_init = files_of_init(&workspace.root);
    let loses = |step: &&Step| {
        let is_settings = step.path.as_path().extension().is_some_and(|end| end == "json");
        is_settings
            && of_init.iter().any(|file| step.path.as_path() == file)
            && match &step.work {
                Work::Set { bytes, .. } => !settings_have_hooks(bytes),
                Work::Remove => true,
                Work::Keep => false,
            }
    };
    steps.iter().filter(loses).map(|step| Warning::HooksGo(step.path.to_string())).collect()
}

/// Says that HEAD is elsewhere than at the save, if it is.
pub(super) fn head_stays(manifest: &Manifest, head: Option<&str>, branch: Option<&str>) -> Option<Warning> {
    let (here, then) = (head?, manifest.base_commit()?);
    let named = |commit: &str, branch: Option<&str>| {
        let short = cut(commit.get(..10).unwrap_or(commit), LONGEST_BRANCH);
        branch.map_or(short.clone(), |branch| format!("{short} ({})", cut(branch, LONGEST_BRANCH)))
    };
    let saved_branch = manifest.workspace.branch.as_deref();
    (here != then).then(|| Warning::HeadStays {
        here: named(here, branch),
        then: named(then, saved_branch),
        moves: (branch == saved_branch)
            .then(|| branch.map_or("HEAD".to_owned(), |branch| cut(branch, LONGEST_BRANCH))),
    })
}
