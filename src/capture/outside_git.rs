//! What a save outside git leaves out: the repositories in the folder, each of which has pending edits of its own.

use std::path::Path;

use crate::base::screen::Line;
use crate::git::repositories_below;
use crate::manifest::Skipped;

/// The most repositories that are named one by one.
const MOST: usize = 20;

/// Names the repositories below a folder that is in none.
pub(super) fn repositories(root: &Path) -> Vec<Skipped> {
    let found = repositories_below(root);
    let name = |found: &Path| Line(&found.strip_prefix(root).unwrap_or(found).to_string_lossy()).to_string();
    let named = found.iter().take(MOST).map(|found| Skipped {
        path: name(found),
        reason: "a repository of its own: `snap -C` with this folder saves its edits".to_owned(),
    });
    let more = found.len().checked_sub(MOST).filter(|more| *more > 0);
    let more = more.map(|more| Skipped {
        path: Line(&root.to_string_lossy()).to_string(),
        reason: format!("{more} more repositories are in it"),
    });
    named.chain(more).collect()
}
