//! What a snapshot does not have although it was there, or may have been, when it was saved: too large, ignored, in a repository of its
//! own, in the place of a pipe; or what can't be made here. Nobody took that back: for a merge it is as if the other side had not
//! touched it, and the next merge finds it as it was before.

use std::collections::BTreeSet;

use super::ignored::IgnoredWhenSaved;
use super::left_alone::Spared;
use super::merge_taken::Changed;
use super::step::StepMaker;
use crate::base::error::Result;
use crate::base::paths::RepoPath;
use crate::git::Repository;
use crate::manifest::{Edits, Surroundings};

/// Why a path stays here that the saved work tree may have in another version.
const WAS_IGNORED: &str = "ignored where this was saved, so it is not in the snapshot";

/// The same, where no file stood.
const WAS_NO_FILE: &str = "a pipe, socket or device stood there when this was saved";

/// Returns the paths that a snapshot left out of those in which it differs from an earlier state.
pub(super) fn among(
    repository: &Repository,
    maker: &mut StepMaker<'_>,
    (saved, around): (&Edits, Option<&Surroundings>),
    changes: &[Changed],
) -> Result<BTreeSet<RepoPath>> {
    let edited: BTreeSet<&RepoPath> = saved.files.iter().map(|edit| &edit.path).collect();
    let (mut left_out, mut gone) = (BTreeSet::new(), BTreeSet::new());
    for (path, version) in changes.iter().filter(|(path, _)| !edited.contains(path)) {
        // What is tracked is in no way ignored.
        let is_gone = version.is_none();
        if saved.lack(around.filter(|_| is_gone), path) {
            left_out.insert(path.clone());
        } else if is_gone {
            gone.insert(path.clone());
        }
    }
    if gone.is_empty() || around.is_some_and(|around| around.ignored.is_some()) {
        return Ok(left_out);
    }
    // Nobody wrote down what was ignored.
    let ignored = IgnoredWhenSaved { repository, saved, around };
    left_out.extend(if ignored.is_unknown()? { gone } else { ignored.ignored(maker, &gone)? });
    Ok(left_out)
}

/// Says why these stay as they are, unless that is said of all that was skipped.
pub(super) fn spared(
    (saved, around): (&Edits, Option<&Surroundings>),
    left_out: impl IntoIterator<Item = RepoPath>,
) -> Vec<Spared> {
    let mut told: Vec<Spared> = Vec::new();
    for path in left_out.into_iter().filter(|path| !saved.leave_out(path)) {
        let ignored = around.and_then(|around| around.ignored.as_ref());
        let folder = path.above().find(|one| ignored.is_some_and(|ignored| ignored.folders.contains(one)));
        let no_file = around.is_some_and(|around| around.had_no_file(&path));
        let reason = if no_file { WAS_NO_FILE } else { WAS_IGNORED };
        let path = folder.unwrap_or(path);
        if told.last().is_none_or(|last| last.path != path) {
            told.push(Spared { path, reason });
        }
    }
    told
}
