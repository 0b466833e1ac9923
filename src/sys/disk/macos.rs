//! macOS: `fsync` leaves data in the disk's own memory; `F_FULLFSYNC` does not, where the disk has it.

use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{self as sys, FileType, OFlags};
use rustix::io::Errno;

pub(super) fn flush(file: impl AsFd) -> Result<(), Errno> {
    // Network disks and some foreign ones refuse it. If the disk itself is at fault, `fsync` says so too.
    sys::fcntl_fullfsync(&file).or_else(|_| sys::fsync(&file))
}

pub(super) fn is_mount(_folder: impl AsFd, _name: &OsStr) -> Option<bool> {
    // No folder is mounted to another place of the same disk here, so the numbers of the disks say it.
    None
}

pub(super) fn open_beneath(
    _folder: impl AsFd,
    _path: &OsStr,
    _flags: OFlags,
) -> Option<Result<OwnedFd, Errno>> {
    None
}

pub(super) fn each_entry(folder: impl AsFd, mut each: impl FnMut(&[u8], FileType)) -> Result<(), Errno> {
    for entry in sys::Dir::read_from(folder)? {
        let entry = entry?;
        each(entry.file_name().to_bytes(), entry.file_type());
    }
    Ok(())
}

pub(super) fn can_sync_all(_folder: impl AsFd) -> bool {
    // `sync` begins to write and does not wait.
    false
}

pub(super) fn sync_all(_folder: impl AsFd) -> Result<(), Errno> {
    Err(Errno::NOTSUP)
}

pub(super) fn waiting() -> Option<u64> {
    None
}

/// `MNT_LOCAL` of `mount(2)`.
const LOCAL: u32 = 0x1000;

pub(super) fn is_local(file: impl AsFd) -> bool {
    sys::fstatfs(file).is_ok_and(|stat| stat.f_flags & LOCAL != 0)
}
