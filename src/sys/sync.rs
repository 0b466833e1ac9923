//! Making files and the names in folders durable.

use std::fs::File;
use std::path::Path;

use rustix::io::Errno;

use crate::base::error::{Error, IoContext, Result};
use crate::sys::disk;

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
    let Err(error) = disk::flush(folder) else { return Ok(()) };
    match Errno::from_io_error(&error) {
        Some(Errno::INVAL | Errno::NOTSUP | Errno::NOTTY) => Ok(()),
        _ => Err(Error::io("sync", path, &error)),
    }
}

/// Makes the content of a file durable that somebody else wrote.
///
/// # Errors
/// [`crate::base::error::Kind::Environment`] with the path.
pub fn sync_file(path: &Path) -> Result<()> {
    File::open(path).and_then(|file| disk::flush(&file)).context("sync", path)
}
