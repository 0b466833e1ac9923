//! Linux: `fsync` waits for the disk's own memory too, and `statx` knows mounts.

use std::ffi::OsStr;
use std::os::fd::AsFd;

use rustix::fs::{self as sys, AtFlags, StatxAttributes, StatxFlags};
use rustix::io::Errno;

pub(super) fn flush(file: impl AsFd) -> Result<(), Errno> {
    sys::fsync(file)
}

pub(super) fn is_mount(folder: impl AsFd, name: &OsStr) -> Option<bool> {
    let stat = sys::statx(folder, name, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::BASIC_STATS).ok()?;
    let can_tell = stat.stx_attributes_mask.contains(StatxAttributes::MOUNT_ROOT);
    can_tell.then(|| stat.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}
