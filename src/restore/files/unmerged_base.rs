//! Snapshots of earlier versions, which took `old` of an unmerged path from stage 2 and not from HEAD.
//!
//! Their diffs still lead from stage 2. The base commit's version is looked up, so that a conflict whose
//! stage 2 is another version is restored as well.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::base::error::Result;
use crate::base::paths::RepoPath;
use crate::git::Repository;
use crate::manifest::{Edits, IndexState, Origin};

/// Returns the edits with `old` as the base commit has it, if that is here.
pub(in crate::restore) fn corrected<'a>(repository: &Repository, saved: &'a Edits) -> Result<Cow<'a, Edits>> {
    let unmerged = |index: &IndexState| *index == IndexState::Unmerged;
    let paths = saved.files.iter().filter(|edit| unmerged(&edit.index)).map(|edit| edit.path.clone());
    let paths: BTreeSet<RepoPath> = paths.collect();
    let Some(base) = saved.base.as_deref().filter(|_| !paths.is_empty()) else {
        return Ok(Cow::Borrowed(saved));
    };
    if !repository.has_tree(base)? {
        return Ok(Cow::Borrowed(saved));
    }
    let committed = repository.tree_versions(Some(base), &paths)?;
    let mut saved = Cow::Borrowed(saved);
    for number in 0..saved.files.len() {
        let edit = &saved.files[number];
        let old = committed.version(&edit.path);
        if !unmerged(&edit.index) || edit.old.as_ref() == old {
            continue;
        }
        let edit = &mut saved.to_mut().files[number];
        let made_from = std::mem::replace(&mut edit.old, old.cloned());
        edit.from = made_from.map(|version| Origin { path: edit.path.clone(), version });
    }
    Ok(saved)
}
