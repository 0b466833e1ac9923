//! Whether a step waits for the whole checkpoint: the conversation too, and not only the edits.
//!
//! It does if it could take away what the conversation is read from, or what it is written into.

use std::path::{Path, PathBuf};

use super::affected_trees::StepImpact;
use crate::context::Context;
use crate::risk::{Needed, Risk};
use crate::workspace::Workspace;

/// Says whether any of these steps is such a one, for a checkpoint of this workspace.
pub(super) fn for_all(
    steps: &[(&Risk, StepImpact)],
    context: &Context,
    workspace: &Workspace,
    transcript: Option<&str>,
) -> bool {
    let ignored = |path: &Path| (real(path), true);
    let mut all = vec![ignored(workspace.store.root())];
    all.extend(workspace.repository.iter().flat_map(|repository| repository.own_folders()).map(ignored));
    let of_client = [Some(context.config_dir.as_path()), Some(&context.state), transcript.map(Path::new)];
    all.extend(of_client.into_iter().flatten().map(|path| (real(path), false)));
    let meets = |one: &Path, other: &Path| one.starts_with(other) || other.starts_with(one);
    steps.iter().any(|(risk, hit)| {
        let goes = |path: &Path| hit.gone.iter().chain(&hit.removed).any(|gone| meets(&real(gone), path));
        // Behind the answer, the conversation is saved from where the work tree is.
        let tree_goes = hit.gone.iter().any(|gone| workspace.root.starts_with(real(gone)));
        tree_goes
            || all
                .iter()
                .any(|(path, ignored)| risk.may_take(&Needed { path, ignored: *ignored }, real) || goes(path))
    })
}

/// Returns a path with all links resolved, as far as it is there.
fn real(path: &Path) -> PathBuf {
    match (path.canonicalize(), path.parent(), path.file_name()) {
        (Ok(real), _, _) => real,
        (Err(_), Some(parent), Some(name)) => real(parent).join(name),
        _ => path.to_owned(),
    }
}
