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

/// What a disk writes, in bytes, in the time that one sync of a file takes it. So for thousands of files, the whole disk is sooner
/// done even behind a build that has just written hundreds of megabytes.
const WRITTEN_MEANWHILE: u64 = 128 << 10;

/// Returns what somebody said about disks that can be synced as a whole: whether all are, or none.
fn whole() -> Option<bool> {
    match environment::variable("SNAP_SYNC")?.to_str()? {
        "whole" => Some(true),
        "each" => Some(false),
        _ => None,
    }
}

/// Says whether a disk where so many bytes wait to be written is done sooner as a whole than file by file.
fn is_sooner(number: usize, waiting: u64) -> bool {
    waiting <= MOST_WAITING.max(WRITTEN_MEANWHILE.saturating_mul(number as u64))
}

/// A disk that makes everything durable with one wait, however much it is.
pub(crate) struct WholeDisk(OwnedFd);

impl WholeDisk {
    /// Takes the disk of an open folder, to sync this many files and folders there; `None` if each of them has to be synced by
    /// itself: they are few, the disk does not surely keep that promise, or much else waits to be written. A failed write is
    /// noticed if the folder was opened before it.
    pub(crate) fn of(folder: Option<impl Into<OwnedFd>>, number: usize) -> Option<WholeDisk> {
        let said = whole();
        let at_least = if said.is_some() { 1 } else { MANY };
        if said == Some(false) || number < at_least {
            return None;
        }
        let sooner = || said.is_some() || disk::waiting().is_some_and(|waiting| is_sooner(number, waiting));
        let can = |folder: &OwnedFd| disk::can_sync_all(folder) && sooner();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restore_of_thousands_of_files_waits_once_even_behind_a_build_but_one_of_some_does_not_wait_for_a_large_copy()
     {
        assert!(is_sooner(4_000, 300 << 20) && is_sooner(100, 50 << 20));
        assert!(!is_sooner(100, 300 << 20) && !is_sooner(4_000, 8 << 30));
    }
}
