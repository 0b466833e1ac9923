//! Copies of checkpoints outside of their stores, in the user's own folder: a hook writes one before a step that removes the
//! store too. Each is a bundle, and its name ends in the snapshot's id.

use std::fs::File;
use std::path::PathBuf;

use crate::base::digest::ObjectId;
use crate::base::error::Result;
use crate::base::ids::SnapshotId;
use crate::context::Context;
use crate::manifest::Head;
use crate::sys::files;
use crate::transfer::bundle::BundleReader;

/// Where such copies are, in the user's own folder.
const FOLDER: &str = "rescued";

/// Returns the folder of such copies.
pub fn rescued_folder(context: &Context) -> PathBuf {
    context.state.join(FOLDER)
}

/// Removes the copies of these snapshots, by their ids, and of those that hold the same state. Returns how many were removed,
/// and how many are left.
///
/// # Errors
/// [`Kind::Environment`](crate::base::error::Kind::Environment) with the path.
pub fn forget_rescued(context: &Context, gone: &[(SnapshotId, ObjectId)]) -> Result<(usize, usize)> {
    let (mut removed, mut left) = (0, 0);
    for path in std::fs::read_dir(rescued_folder(context)).into_iter().flatten().flatten() {
        let path = path.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let is_gone = gone.iter().any(|(id, _)| name.ends_with(id.as_str()))
            || !gone.is_empty()
                && state_in(&path).is_some_and(|state| gone.iter().any(|(_, gone)| *gone == state));
        if is_gone {
            files::remove(&path)?;
            removed += 1;
        } else if path.extension().is_some_and(|end| end == "snap") {
            left += 1;
        }
    }
    Ok((removed, left))
}

/// Reads which state a copy holds.
fn state_in(path: &std::path::Path) -> Option<ObjectId> {
    if !path.symlink_metadata().is_ok_and(|found| found.is_file()) {
        return None;
    }
    let (_, head) = BundleReader::begin(std::io::BufReader::new(File::open(path).ok()?)).ok()?;
    Some(Head::from_json(&head.manifest).ok()?.state)
}
