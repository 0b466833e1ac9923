//! Making files and the names in folders durable.

use std::fs::File;
use std::path::Path;

use rustix::io::Errno;

use crate::base::error::{Error, IoContext, Result};

/// Makes the names in a folder durable.
///
/// Some network file systems can't sync a folder (EINVAL, ENOTSUP); that is tolerated, a
/// real write error is not.
///
/// # Errors
/// [`crate::base::error::Kind::Environment`] with the path.
pub fn sync_folder(path: &Path) -> Result<()> {
    sync_open_folder(&File::open(path).context("open", path)?, path)
}

/// As [`sync_folder`], for a folder that is open.
///
/// # Errors
/// [`crate::base::error::Kind::Environment`] with the path.
pub fn sync_open_folder(folder: impl std::os::fd::AsFd, path: &Path) -> Result<()> {
    match rustix::fs::fsync(folder) {
        Ok(()) | Err(Errno::INVAL | Errno::NOTSUP | Errno::NOTTY) => Ok(()),
        Err(errno) => Err(Error::io("sync", path, &errno.into())),
    }
}

/// Makes the content of a file durable that somebody else wrote.
///
/// # Errors
/// [`crate::base::error::Kind::Environment`] with the path.
pub fn sync_file(path: &Path) -> Result<()> {
    File::open(path).and_then(|file| file.sync_all()).context("sync", path)
}
