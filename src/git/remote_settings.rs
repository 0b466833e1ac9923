//! Settings of a remote, for the scratch repository that contacts it. Addresses and headers may hold a password, so they are in a file
//! beside that repository, which goes with the folder of the run: a repository that is kept has nothing of them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::base::error::Result;
use crate::sys::files::write_new;

/// Each as the text of a configuration file.
#[derive(Clone, Debug, Default)]
pub(super) struct RemoteSettings {
    /// What the repository itself has.
    pub(super) own: Vec<u8>,
    /// What is beside it.
    pub(super) beside: Vec<u8>,
}

impl RemoteSettings {
    /// Writes what is beside a scratch repository.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with the path.
    pub(super) fn write_beside(&self, scratch: &Path) -> Result<()> {
        if self.beside.is_empty() { Ok(()) } else { write_new(&file(scratch), &self.beside) }
    }

    /// Has a run of git read that.
    pub(super) fn give(&self, command: &mut Command, scratch: &Path) {
        if !self.beside.is_empty() {
            let mut include = OsString::from("include.path=");
            include.push(file(scratch));
            command.arg("-c").arg(include);
        }
    }
}

fn file(scratch: &Path) -> PathBuf {
    scratch.with_extension("settings")
}
