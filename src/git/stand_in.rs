//! A folder that stands in for a repository's own one, with another configuration and no hooks.
//!
//! Git has no option to leave a repository's configuration out. It reads it from the common folder, and
//! takes another one from `GIT_COMMON_DIR`. So git is given a folder in which everything is a link to the
//! real one, except what could name a program. The folder is removed with its value. A process that becomes
//! another one removes all of its own first, with [`leave_none`].

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::base::error::{Error, IoContext as _, Result};

/// What git makes in a common folder when it first needs it: a link may lead to nothing yet.
const MADE_LATER: [&str; 6] = ["packed-refs", "shallow", "logs", "worktrees", "info", "lfs"];

/// What is not taken over.
const NAMES_PROGRAMS: [&str; 3] = ["config", "config.worktree", "hooks"];

/// Those that there are.
static THERE: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A folder to be named by `GIT_COMMON_DIR`.
pub(super) struct StandIn {
    folder: PathBuf,
}

impl StandIn {
    /// Makes one for a common folder.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with the path.
    pub(super) fn make(common_dir: &Path, config: &[u8]) -> Result<StandIn> {
        let folder = crate::sys::files::scratch_folder()?.keep();
        if let Ok(mut there) = THERE.lock() {
            there.push(folder.clone());
        }
        let stand_in = StandIn { folder };
        let file = stand_in.folder.join("config");
        std::fs::write(&file, config).context("write", &file)?;
        let unread = |error: &std::io::Error| Error::io("read", common_dir, error);
        for entry in std::fs::read_dir(common_dir).map_err(|error| unread(&error))? {
            let name = entry.map_err(|error| unread(&error))?.file_name();
            if !NAMES_PROGRAMS.iter().any(|other| name == *other) {
                let link = stand_in.folder.join(&name);
                symlink(common_dir.join(&name), &link).context("create", &link)?;
            }
        }
        for name in MADE_LATER {
            let link = stand_in.folder.join(name);
            if link.symlink_metadata().is_err() {
                symlink(common_dir.join(name), &link).context("create", &link)?;
            }
        }
        Ok(stand_in)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        // Links are removed, and not what they lead to.
        let _best_effort = std::fs::remove_dir_all(&self.folder);
        if let Ok(mut there) = THERE.lock() {
            there.retain(|folder| *folder != self.folder);
        }
    }
}

/// Removes all that this process has made; git can't work in their repositories any more.
pub fn leave_none() {
    let there = THERE.lock().map(|mut there| std::mem::take(&mut *there)).unwrap_or_default();
    for folder in there {
        let _best_effort = std::fs::remove_dir_all(folder);
    }
}
