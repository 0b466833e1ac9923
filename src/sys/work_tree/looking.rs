//! Folders of a work tree that are looked at one after the other, each held open.

use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;

use rustix::fs::{self as sys, AtFlags, FileType, Mode as Bits};
use rustix::io::Errno;

use super::folders::entries;
use super::{FOLDER, Tree};
use crate::sys::stat::modified_nanoseconds;

/// A folder that is held open.
pub struct OpenFolder(OwnedFd);

/// What a name in a folder stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A file.
    File,
    /// A link.
    Link,
    /// A folder.
    Folder,
    /// A socket, pipe or device.
    Special,
}

/// What a disk says of a file without reading it. Times are in seconds and nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// What it is.
    pub kind: EntryKind,
    /// Whether its owner may run it.
    pub executable: bool,
    /// Its size in bytes.
    pub size: u64,
    /// When its content was changed.
    pub modified: (i64, i64),
    /// When anything of it was changed.
    pub changed: (i64, i64),
    /// Its number on the disk.
    pub inode: u64,
    /// The numbers of its owner and group.
    pub owner: (u32, u32),
}

impl Tree {
    /// Opens the root.
    ///
    /// # Errors
    /// What the system says.
    pub fn open_root(&self) -> io::Result<OpenFolder> {
        // Anew: how far a folder was read is shared by all that comes of one opening.
        Ok(OpenFolder(sys::openat(&self.fd, c".", FOLDER, Bits::empty())?))
    }
}

impl OpenFolder {
    /// Lists what is in it.
    ///
    /// # Errors
    /// What the system says.
    pub fn names(&self) -> io::Result<Vec<(Vec<u8>, EntryKind)>> {
        let all = entries(&self.0)?;
        Ok(all.into_iter().map(|(name, kind)| (name, kind_of(kind))).collect())
    }

    /// Opens a folder in it.
    ///
    /// # Errors
    /// What the system says; a link is no folder.
    pub fn folder(&self, name: &[u8]) -> io::Result<OpenFolder> {
        Ok(OpenFolder(sys::openat(&self.0, OsStr::from_bytes(name), FOLDER, Bits::empty())?))
    }

    /// Returns what the disk says of something in it; `None` if it is not there.
    ///
    /// # Errors
    /// What the system says.
    pub fn facts(&self, name: &[u8]) -> io::Result<Option<Facts>> {
        let stat = match sys::statat(&self.0, OsStr::from_bytes(name), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let nanoseconds = |part: u64| i64::try_from(part).unwrap_or_default();
        Ok(Some(Facts {
            kind: kind_of(FileType::from_raw_mode(stat.st_mode)),
            executable: stat.st_mode & 0o100 != 0,
            size: u64::try_from(stat.st_size).unwrap_or_default(),
            modified: (stat.st_mtime, nanoseconds(modified_nanoseconds(&stat))),
            changed: (stat.st_ctime, i64::try_from(stat.st_ctime_nsec).unwrap_or_default()),
            inode: stat.st_ino,
            owner: (stat.st_uid, stat.st_gid),
        }))
    }
}

fn kind_of(kind: FileType) -> EntryKind {
    match kind {
        FileType::RegularFile => EntryKind::File,
        FileType::Symlink => EntryKind::Link,
        FileType::Directory => EntryKind::Folder,
        _ => EntryKind::Special,
    }
}
