//! What the systems do differently with files: renaming without replacing, waiting for the disk, mounts.
//!
//! One file for each system; no other file of this crate knows which systems there are, but those of
//! [`super::process`] and [`super::scratch`].

#[cfg(not(target_vendor = "apple"))]
mod linux;
#[cfg(target_vendor = "apple")]
mod macos;

use std::ffi::OsStr;
use std::os::fd::AsFd;

use rustix::fs::{self as sys, RenameFlags};
use rustix::io::{Errno, retry_on_intr};

#[cfg(not(target_vendor = "apple"))]
use linux as system;
#[cfg(target_vendor = "apple")]
use macos as system;

/// Gives a file another name, unless something has that name. Returns `None` if the kernel or the disk
/// has no such call; nothing was done then.
pub(super) fn rename_new(
    from: impl AsFd,
    name: &OsStr,
    to: impl AsFd,
    leaf: &OsStr,
) -> Option<Result<(), Errno>> {
    match sys::renameat_with(from, name, to, leaf, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => None,
        done => Some(done),
    }
}

/// Says whether a file is on a disk that no other machine writes to; `false` where that is not known.
pub(super) fn is_local(file: impl AsFd) -> bool {
    system::is_local(file)
}

/// Waits until the content of a file, or the names in a folder, are on the disk itself, not only in its
/// memory.
///
/// # Errors
/// What the system says.
pub fn flush(file: impl AsFd) -> std::io::Result<()> {
    Ok(retry_on_intr(|| system::flush(&file))?)
}

/// Says whether one call makes everything durable that was written to the disk of a folder, and says if that failed.
pub(super) fn can_sync_all(folder: impl AsFd) -> bool {
    system::can_sync_all(folder)
}

/// Returns how many bytes in the system's memory wait to be written to any disk; `None` if it does not say.
pub(super) fn waiting() -> Option<u64> {
    system::waiting()
}

/// Waits until everything that was written to the disk of a folder is on the disk itself. It tells errors since the folder
/// was opened.
///
/// # Errors
/// What the system says.
pub(super) fn sync_all(folder: impl AsFd) -> std::io::Result<()> {
    Ok(retry_on_intr(|| system::sync_all(&folder))?)
}

/// Says whether something in a folder is a mount; `None` if the system can't tell.
pub(super) fn is_mount(folder: impl AsFd, name: &OsStr) -> Option<bool> {
    system::is_mount(folder, name)
}
