//! What this machine keeps of what was shared, and what goes of it when snapshots are removed for good.

use std::path::Path;
use std::time::Duration;

use super::joined::{Joined, folder_of, joined, remove_kept};
use crate::base::error::Result;
use crate::context::Context;
use crate::sys::locks::open_exclusively;

/// How long a removal waits for a push of the same clone.
const PATIENCE: Duration = Duration::from_secs(30);

/// Removes the repositories that are kept of a clone, so that pushes send little: they hold what was pushed before. The next push
/// makes them again. Returns how the clone shares, if it does: then what is on the remote is as it was pushed last.
///
/// # Errors
/// [`crate::base::error::Kind::Environment`] with the path; also if a push does not end in time.
pub fn forget_kept(context: &Context, home: &Path) -> Result<Option<Joined>> {
    let folder = folder_of(context, home);
    if !folder.is_folder() {
        return Ok(None);
    }
    let _alone = open_exclusively(&folder.join("lock"), PATIENCE)?;
    let _none_looks = open_exclusively(&folder.join("poll.lock"), PATIENCE)?;
    remove_kept(&folder)?;
    Ok(joined(context, home))
}
