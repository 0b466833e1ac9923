//! What the systems do differently with files: renaming without replacing, waiting for the disk, mounts.
//!
//! One file for each system; no other file of this crate knows which systems there are, but those of
//! [`super::process`] and [`super::scratch`].

#[cfg(not(target_vendor = "apple"))]
mod linux;
#[cfg(target_vendor = "apple")]
mod macos;

use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;

use rustix::fs::{self as sys, AtFlags, FileType, OFlags, RenameFlags};
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

/// Opens something below a folder, through no link and no mount on the way, or says that it is not there; `None` if that can't be done
/// in one call: the system has none, the path is too long, or something stands in the way.
pub(super) fn open_beneath(folder: impl AsFd, path: &OsStr, flags: OFlags) -> Option<Result<OwnedFd, Errno>> {
    system::open_beneath(folder, path, flags)
}

/// Goes through what a folder has in it, but for itself and the one above. How far a folder was read is shared by all that
/// comes of one opening of it.
pub(super) fn each_entry(folder: impl AsFd, mut each: impl FnMut(&[u8], FileType)) -> Result<(), Errno> {
    let mut failed = None;
    system::each_entry(&folder, |name, kind| {
        if matches!(name, b"." | b"..") {
            return;
        }
        // Some disks don't say it in the list.
        let kind = match kind {
            FileType::Unknown => sys::statat(&folder, OsStr::from_bytes(name), AtFlags::SYMLINK_NOFOLLOW)
                .map(|stat| FileType::from_raw_mode(stat.st_mode)),
            kind => Ok(kind),
        };
        match kind {
            Ok(kind) => each(name, kind),
            Err(errno) => failed = Some(errno),
        }
    })?;
    failed.map_or(Ok(()), Err)
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
