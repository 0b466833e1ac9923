//! What restores that were killed have left in a work tree after they were rolled back: files from before whose place somebody else
//! has taken since.

use crate::base::error::Result;
use crate::sys::work_tree::STAGING;
use crate::workspace::Workspace;

/// Returns the names of these folders in the root. One that belongs to a restore which is under way, or is still to be rolled back, is
/// not among them.
///
/// # Errors
/// What the disk says.
pub fn leftovers(workspace: &Workspace) -> Result<Vec<String>> {
    let journals = workspace.store.journals()?;
    let is_settled =
        |id: &str| !journals.iter().any(|one| one.path().file_stem().is_some_and(|stem| stem == id));
    let entries = std::fs::read_dir(&workspace.root).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut left: Vec<String> =
        names.filter(|name| name.strip_prefix(STAGING).is_some_and(is_settled)).collect();
    left.sort();
    Ok(left)
}
