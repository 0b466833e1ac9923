//! Files on their way into a work tree and out of it: staged in a private folder on the same disk, then moved.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{self as sys, AtFlags, Mode as Bits, OFlags};
use rustix::io::Errno;

use super::{FOLDER, Missing, Node, Tree, facts_at, read_at, remove_empty, rename_new, through_link};
use crate::base::error::{Error, IoContext, Kind, Result};
use crate::base::monitor::PART;
use crate::base::paths::RepoPath;
use crate::manifest::Mode;
use crate::sys::disk;
use crate::sys::stat::{FileFacts, bits};
use crate::sys::sync::{WholeDisk, sync_folder, sync_open_folder};

/// How the names of staging folders begin.
pub const STAGING: &str = ".snap-restore-";

/// Says whether a path is in a staging folder, or is one.
pub fn is_staging(path: &RepoPath) -> bool {
    path.components().any(|name| name.as_bytes().starts_with(STAGING.as_bytes()))
}

/// A file or link to be written.
pub(crate) struct NewFile<'a> {
    pub(crate) mode: Mode,
    pub(crate) private: bool,
    /// The permission bits that it gets, if they are known; and whether the umask does not matter.
    pub(crate) wanted: Option<(u32, bool)>,
    /// The permission bits of the file that it replaces.
    pub(crate) old: Option<u32>,
    pub(crate) bytes: &'a [u8],
}

impl Tree {
    /// Writes a file or link under a fresh name in a staging folder.
    ///
    /// It gets the wanted permissions, otherwise those of the file that it replaces. A new file gets
    /// the usual ones, or only its owner's if it is `private`. `tell` is told of the bytes while they are written.
    pub(crate) fn stage(
        &self,
        staging: &Staging,
        name: &str,
        file: &NewFile<'_>,
        tell: &mut dyn FnMut(u64),
    ) -> Result<Staged> {
        let place = staging.path.join(name);
        let mut write = || -> io::Result<(Option<File>, FileFacts)> {
            if file.mode == Mode::Link {
                sys::symlinkat(OsStr::from_bytes(file.bytes), &staging.fd, name)?;
                return Ok((None, facts_at(&staging.fd, OsStr::new(name))?));
            }
            let execute = if file.mode == Mode::Executable { 0o111 } else { 0 };
            let usual = if file.private { 0o600 } else { 0o666 };
            let usual = usual | (execute & (usual >> 2));
            // Whether its owner may execute it is what the mode says.
            let fitting = |bits: u32| (bits & 0o677) | (execute & 0o100);
            let wanted = file.wanted.map(|(bits, exactly)| (fitting(bits), exactly));
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let wanted_or_usual = bits(wanted.map_or(usual, |(wanted, _)| wanted));
            let mut staged = File::from(sys::openat(&staging.fd, name, flags, wanted_or_usual)?);
            for part in file.bytes.chunks(PART) {
                staged.write_all(part)?;
                tell(part.len() as u64);
            }
            match (wanted, file.old) {
                // A disk without such bits is no reason not to restore the content.
                (Some((exact, true)), _) => drop(sys::fchmod(&staged, bits(exact))),
                (Some(_), _) | (None, None) => {}
                (None, Some(old)) => {
                    // Whoever could read the old file may execute the new one, if it is to be executable.
                    let as_before = (old & 0o666) | (execute & (old >> 2)) | 0o200;
                    sys::fchmod(&staged, bits(as_before))?;
                }
            }
            let facts = FileFacts::of(&sys::fstat(&staged)?);
            Ok((Some(staged), facts))
        };
        let (file, facts) = write().context("write", &place)?;
        Ok(Staged { file, place, facts })
    }

    /// Makes a private staging folder inside the root, or inside a mount, on the same disk as its files, and makes
    /// its name durable.
    pub(crate) fn make_staging(&self, mount: Option<&RepoPath>, name: &str) -> Result<Staging> {
        let (folder, above) = match mount {
            None => (self.fd.try_clone().context("open", &self.path)?, self.path.clone()),
            Some(mount) => (self.folder(mount)?.ok_or_else(|| gone(mount))?, self.absolute(mount)),
        };
        let path = above.join(name);
        sys::mkdirat(&folder, name, Bits::from_raw_mode(0o700))
            .map_err(io::Error::from)
            .context("create", &path)?;
        let fd = sys::openat(&folder, name, FOLDER, Bits::empty())
            .map_err(io::Error::from)
            .context("open", &path)?;
        sync_folder(&above)?;
        Ok(Staging { fd, path })
    }

    /// Opens the staging folder that an earlier restore has left, in the root or in a mount; `None` if
    /// there is none.
    pub(crate) fn open_staging(&self, mount: Option<&RepoPath>, name: &str) -> Result<Option<Staging>> {
        let (folder, above) = match mount {
            None => (Some(self.fd.try_clone().context("open", &self.path)?), self.path.clone()),
            Some(mount) => (self.folder(mount)?, self.absolute(mount)),
        };
        let Some(folder) = folder else { return Ok(None) };
        let path = above.join(name);
        match sys::openat(&folder, name, FOLDER, Bits::empty()) {
            Ok(fd) => Ok(Some(Staging { fd, path })),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(Error::io("open", &path, &errno.into())),
        }
    }

    /// Moves what is at a path into the staging folder. Returns what the system knew of it right before.
    pub(crate) fn take(&self, path: &RepoPath, staging: &Staging, name: &str) -> Result<Option<FileFacts>> {
        let place = self.absolute(path);
        let Some((folder, leaf)) = self.walk(path, Missing::Stop)? else {
            return Err(Error::new(Kind::Conflict, format!("Cannot move {} aside", place.display()))
                .because("it no longer exists"));
        };
        let before = facts_at(&folder, leaf).ok();
        let moved = sys::renameat(&folder, leaf, &staging.fd, name);
        moved.map_err(io::Error::from).context("move aside", &place).map(|()| before)
    }

    /// Moves a staged file to its path, where nothing may exist. Makes the folders above it. Returns what the system knows of
    /// the file then, if it is still there.
    pub(crate) fn put(&self, staging: &Staging, name: &str, path: &RepoPath) -> Result<Option<FileFacts>> {
        self.put_making(Missing::Make, staging, name, path)
    }

    /// As [`Tree::put`]; the folders that it makes are their owner's alone.
    pub(crate) fn put_private(&self, staging: &Staging, name: &str, path: &RepoPath) -> Result<()> {
        self.put_making(Missing::MakePrivate, staging, name, path).map(drop)
    }

    fn put_making(
        &self,
        missing: Missing,
        staging: &Staging,
        name: &str,
        path: &RepoPath,
    ) -> Result<Option<FileFacts>> {
        let place = self.absolute(path);
        let Some((folder, leaf)) = self.walk(path, missing)? else {
            if missing == Missing::MakePrivate {
                return Err(through_link(&place));
            }
            return Err(Error::new(Kind::Conflict, format!("Cannot write {}", place.display()))
                .because("a folder on the way to it is a file or a link")
                .hint("move that away, then run the command again; nothing was changed"));
        };
        let mut moved = rename_new(&staging.fd, name, &folder, leaf);
        // Empty folders are nothing that git or a snapshot knows; they give way.
        if matches!(moved, Err(Errno::EXIST | Errno::NOTEMPTY | Errno::ISDIR)) {
            match remove_empty(&folder, leaf) {
                Ok(()) => moved = rename_new(&staging.fd, name, &folder, leaf),
                Err(Errno::BUSY) => {
                    return Err(Error::new(Kind::Conflict, format!("Cannot write {}", place.display()))
                        .because("you are in a folder that is in its place")
                        .hint("go to another folder, then run the command again; nothing was changed"));
                }
                Err(_) => {}
            }
        }
        match moved {
            Ok(()) => Ok(facts_at(&folder, leaf).ok()),
            Err(Errno::EXIST | Errno::NOTEMPTY | Errno::ISDIR) => {
                Err(Error::new(Kind::Conflict, format!("Cannot write {}", place.display()))
                    .because("another file appeared there meanwhile"))
            }
            Err(errno) => Err(Error::io("write", &place, &errno.into())),
        }
    }

    /// Reads a file back from the staging folder.
    pub(crate) fn read_staged(&self, staging: &Staging, name: &str) -> Result<Node> {
        let read = read_at(&staging.fd, OsStr::new(name)).context("read", &staging.path.join(name))?;
        Ok(read.0)
    }
}

/// A staged file that is written and not synced yet.
pub(crate) struct Staged {
    /// It is open; a link has nothing to be synced.
    file: Option<File>,
    place: PathBuf,
    /// What the system knows of it.
    pub(crate) facts: FileFacts,
}

impl Staged {
    /// Makes its content durable.
    pub(crate) fn sync(self) -> Result<()> {
        self.file.map_or(Ok(()), |file| disk::flush(&file).context("write", &self.place))
    }
}

/// A private folder inside a work tree, for files on their way in and out.
pub(crate) struct Staging {
    fd: OwnedFd,
    path: PathBuf,
}

impl Staging {
    /// Returns where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the folder with all that is in it.
    pub(crate) fn remove(self) -> Result<()> {
        std::fs::remove_dir_all(&self.path).context("remove", &self.path)
    }

    /// Takes its disk, to make durable at once what is written to this many files and folders there; `None` if that can't be.
    pub(crate) fn whole_disk(&self, number: usize) -> Option<WholeDisk> {
        WholeDisk::of(self.fd.try_clone().ok(), number)
    }

    /// Makes the names in it durable.
    pub(crate) fn sync(&self) -> Result<()> {
        sync_open_folder(&self.fd, &self.path)
    }

    /// Says whether something of this name is in it.
    pub(crate) fn holds(&self, name: &str) -> Result<bool> {
        match sys::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(Error::io("read", &self.path.join(name), &errno.into())),
        }
    }

    /// Removes a file in it that nobody needs; nothing happens if there is none.
    pub(crate) fn discard(&self, name: &str) -> Result<()> {
        match sys::unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(Error::io("remove", &self.path.join(name), &errno.into())),
        }
    }

    /// Returns what the system knows of a file in it.
    pub(crate) fn facts(&self, name: &str) -> Result<FileFacts> {
        facts_at(&self.fd, OsStr::new(name)).map_err(io::Error::from).context("read", &self.path.join(name))
    }

    /// Notes durably that everything is in it; nothing may be moved before.
    pub(crate) fn mark(&self, name: &str) -> Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        sys::openat(&self.fd, name, flags, Bits::from_raw_mode(0o600))
            .map_err(io::Error::from)
            .context("create", &self.path.join(name))?;
        sync_open_folder(&self.fd, &self.path)
    }

    /// Takes such a note back, durably.
    pub(crate) fn unmark(&self, name: &str) -> Result<()> {
        match sys::unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => sync_open_folder(&self.fd, &self.path),
            Err(errno) => Err(Error::io("remove", &self.path.join(name), &errno.into())),
        }
    }
}

fn gone(mount: &RepoPath) -> Error {
    Error::new(Kind::Environment, format!("The disk at {mount} is no longer mounted"))
        .hint("mount it again, then run the command again")
}
