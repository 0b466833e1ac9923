//! Making files and the names in folders durable: each by itself, or the whole disk with one wait.
//!
//! `SNAP_SYNC=whole` or `each` says which of the two is done, wherever both are possible.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::io::Errno;

use crate::base::error::{Error, IoContext, Result};
use crate::sys::{disk, environment};

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

/// Fewer files and folders are synced one by one, many at a time: what others have written is then not waited for.
const MANY: usize = 64;

/// The most that may wait to be written, by whomever, in bytes: that takes a moment.
const MOST_WAITING: u64 = 64 << 20;

/// Returns what somebody said about disks that can be synced as a whole: whether all are, or none.
fn whole() -> Option<bool> {
    match environment::variable("SNAP_SYNC")?.to_str()? {
        "whole" => Some(true),
        "each" => Some(false),
        _ => None,
    }
}

/// A disk that makes everything durable with one wait, however much it is.
pub(crate) struct WholeDisk(OwnedFd);

impl WholeDisk {
    /// Takes the disk of an open folder, to sync this many files and folders there; `None` if each of them has to be synced by
    /// itself: they are few, the disk does not surely keep that promise, or much else waits to be written. A failed write is
    /// noticed if the folder was opened before it.
    pub(crate) fn of(folder: Option<impl Into<OwnedFd>>, number: usize) -> Option<WholeDisk> {
        let (at_least, most_waiting) = match whole() {
            Some(true) => (1, u64::MAX),
            Some(false) => return None,
            None => (MANY, MOST_WAITING),
        };
        if number < at_least {
            return None;
        }
        let can = |folder: &OwnedFd| {
            disk::can_sync_all(folder) && disk::waiting().is_some_and(|it| it <= most_waiting)
        };
        folder.map(Into::into).filter(can).map(WholeDisk)
    }

    /// Makes durable what was written until now.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with the path.
    pub(crate) fn sync(&self, path: &Path) -> Result<()> {
        disk::sync_all(&self.0).context("sync", path)
    }
}

/// Makes the content of a file durable that somebody else wrote.
///
/// # Errors
/// [`crate::base::error::Kind::Environment`] with the path.
pub fn sync_file(path: &Path) -> Result<()> {
    File::open(path).and_then(|file| disk::flush(&file)).context("sync", path)
}
