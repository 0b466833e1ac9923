//! What is done to a file in a place: opened, read, renamed, removed.
//!
//! Nothing here follows a link or waits for a pipe. If something else is in the place of a file that is to
//! be read or written, the result says so.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::MetadataExt as _;

use rustix::fs::{self as sys, AtFlags, Mode as Bits, OFlags, RawMode};
use rustix::io::Errno;

use super::{FOLDER, Missing, OwnPath, gone, names_in, strange, strange_link};
use crate::base::error::{Error, IoContext as _, Kind, Result};
use crate::sys::disk;

/// How a file is opened: not through a link, and without waiting for another process at the other end.
const PLAIN: OFlags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

/// The most memory that is taken before a file is read: what a system says of a size may be wrong.
const MOST_EXPECTED: u64 = 8 << 20;

/// Reads a file from where it is to its end, at most `limit` bytes. How much there is to come is asked
/// before, so that a small file takes one read and not ten.
pub(in crate::sys) fn whole(file: File, limit: u64) -> io::Result<Vec<u8>> {
    /// The reader looks for the end with this many bytes.
    const PROBE: u64 = 32;
    let expected = file.metadata()?.len().min(limit).min(MOST_EXPECTED) + PROBE;
    let mut bytes = Vec::with_capacity(usize::try_from(expected).unwrap_or_default());
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl OwnPath {
    /// Reads a plain file; `None` if it is not there.
    ///
    /// # Errors
    /// [`Kind::Damaged`] if it is something else or larger than `limit` bytes, else as [`OwnPath::stat`].
    pub fn read(&self, limit: u64) -> Result<Option<Vec<u8>>> {
        let Some(file) = self.open_plain(limit)? else { return Ok(None) };
        whole(file, limit).context("read", &self.path()).map(Some)
    }

    /// Opens a plain file to be read from its start; `None` if it is not there.
    ///
    /// # Errors
    /// As [`OwnPath::read`].
    pub fn open_plain(&self, limit: u64) -> Result<Option<File>> {
        let not_plain = |why: &str| {
            Err(Error::new(Kind::Damaged, format!("Cannot read {}", self.path().display())).because(why))
        };
        let Some((folder, name)) = self.walk(Missing::Stop)? else { return Ok(None) };
        let file = match sys::openat(&folder, name, PLAIN | OFlags::RDONLY, Bits::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => {
                return not_plain("it is a symbolic link, and nothing here is read through links");
            }
            Err(Errno::NXIO) => return not_plain("it is not a regular file"),
            Err(errno) => return Err(Error::io("read", &self.path(), &errno.into())),
        };
        let meta = file.metadata().context("read", &self.path())?;
        if !meta.is_file() {
            return not_plain("it is not a regular file");
        }
        if meta.len() > limit {
            return not_plain(&format!("it has {} bytes, and the limit is {limit}", meta.len()));
        }
        Ok(Some(file))
    }

    /// Reads a plain file that nobody but its owner, this user, may read or write; `None` if it is not there.
    ///
    /// # Errors
    /// [`Kind::Refused`] if others may, else as [`OwnPath::read`].
    pub fn read_private(&self, limit: u64) -> Result<Option<Vec<u8>>> {
        let Some(file) = self.open_plain(limit)? else { return Ok(None) };
        let path = self.path();
        let meta = file.metadata().context("read", &path)?;
        let refused = |why: &str, hint: String| {
            Err(Error::new(Kind::Refused, format!("Cannot use {}", path.display())).because(why).hint(hint))
        };
        if meta.uid() != rustix::process::geteuid().as_raw() {
            return refused("it belongs to another user", "move it away".to_owned());
        }
        if meta.mode() & 0o077 != 0 {
            let hint = format!("if you are sure that nobody has read it: chmod 600 {}", path.display());
            return refused("other users can read or write it", hint);
        }
        whole(file, limit).context("read", &path).map(Some)
    }

    /// Opens one of our files to be read and written. If wanted, makes it for its owner alone, with the
    /// folders above it. `None` if it does not exist.
    ///
    /// # Errors
    /// [`Kind::Refused`] if something else is in its place, [`Kind::Environment`] with the path.
    pub(crate) fn open_ours(&self, append: bool, make: bool) -> Result<Option<File>> {
        let missing = if make { Missing::Make } else { Missing::Stop };
        let Some((folder, name)) = self.walk(missing)? else { return Ok(None) };
        let more = if append { OFlags::APPEND } else { OFlags::empty() };
        let more = if make { more | OFlags::CREATE } else { more };
        let flags = PLAIN | OFlags::RDWR | more;
        let path = self.path();
        let file = match sys::openat(&folder, name, flags, Bits::from_raw_mode(0o600)) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) if !make => return Ok(None),
            Err(Errno::LOOP) => return Err(strange_link(&path)),
            Err(Errno::NXIO | Errno::ISDIR) => return Err(strange(&path, "it is not a regular file")),
            Err(errno) => return Err(Error::io("open", &path, &errno.into())),
        };
        if file.metadata().context("read", &path)?.is_file() {
            Ok(Some(file))
        } else {
            Err(strange(&path, "it is not a regular file"))
        }
    }

    /// Makes a new file, in a folder that is there.
    pub(crate) fn create(&self, mode: RawMode) -> Result<File> {
        let (folder, name) = self.walk(Missing::Stop)?.ok_or_else(|| gone(&self.path()))?;
        let flags = PLAIN | OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        let made = sys::openat(&folder, name, flags, Bits::from_raw_mode(mode));
        made.map(File::from).map_err(io::Error::from).context("create", &self.path())
    }

    /// Gives a file another name. Returns whether it got it. If the name is taken, it gets it only if
    /// it `replaces`.
    pub(crate) fn rename(&self, to: &OwnPath, replaces: bool) -> Result<bool> {
        let (from, name) = self.walk(Missing::Stop)?.ok_or_else(|| gone(&self.path()))?;
        let (folder, leaf) = to.walk(Missing::Stop)?.ok_or_else(|| gone(&to.path()))?;
        let done = if replaces {
            sys::renameat(&from, name, &folder, leaf)
        } else {
            rename_new(&from, name, &folder, leaf)
        };
        match done {
            Ok(()) => Ok(true),
            Err(Errno::EXIST) if !replaces => Ok(false),
            Err(errno) => Err(Error::io("write", &to.path(), &errno.into())),
        }
    }

    /// Gives a file a second name; returns `false` if something has that already, or if the file is gone.
    ///
    /// # Errors
    /// What the system says where there can be no second name.
    pub(crate) fn link(&self, second: &OwnPath) -> io::Result<bool> {
        let walked = |place: &OwnPath| place.walk(Missing::Stop).ok().flatten().is_some();
        let (Ok(Some((from, name))), Ok(Some((to, leaf)))) =
            (self.walk(Missing::Stop), second.walk(Missing::Stop))
        else {
            return if walked(self) { Err(Errno::NOTDIR.into()) } else { Ok(false) };
        };
        match sys::linkat(&from, name, &to, leaf, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::EXIST | Errno::NOENT) => Ok(false),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Makes a file of ours as young as one that was just written; returns whether it was there.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path, unless it is somebody else's file or disk: its age is no promise then.
    pub fn refresh(&self) -> Result<bool> {
        let Some((folder, name)) = self.walk(Missing::Stop)? else { return Ok(false) };
        let now = sys::Timespec { tv_sec: 0, tv_nsec: sys::UTIME_NOW };
        let times = sys::Timestamps { last_access: now, last_modification: now };
        match sys::utimensat(&folder, name, &times, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(()) | Err(Errno::ACCESS | Errno::PERM | Errno::ROFS) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(Error::io("touch", &self.path(), &errno.into())),
        }
    }

    /// Removes a file, or the link in its place; what is not there is removed already.
    ///
    /// # Errors
    /// As [`OwnPath::stat`].
    pub fn remove(&self) -> Result<()> {
        let Some((folder, name)) = self.walk(Missing::Stop)? else { return Ok(()) };
        match sys::unlinkat(&folder, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(Error::io("remove", &self.path(), &errno.into())),
        }
    }

    /// Removes a folder with all that is in it, or a file; links in it are removed, not followed.
    ///
    /// # Errors
    /// As [`OwnPath::stat`].
    pub fn remove_all(&self) -> Result<()> {
        let Some((folder, name)) = self.walk(Missing::Stop)? else { return Ok(()) };
        remove_at(folder.as_fd(), name).map_err(io::Error::from).context("remove", &self.path())
    }

    /// Removes the folder if it is empty; returns whether it is gone.
    pub fn remove_empty(&self) -> bool {
        let Ok(Some((folder, name))) = self.walk(Missing::Stop) else { return false };
        sys::unlinkat(&folder, name, AtFlags::REMOVEDIR).is_ok()
    }
}

/// Renames without replacing; where the kernel or disk can't do that, by a second name.
fn rename_new(from: &OwnedFd, name: &OsStr, to: &OwnedFd, leaf: &OsStr) -> std::result::Result<(), Errno> {
    if let Some(done) = disk::rename_new(from, name, to, leaf) {
        return done;
    }
    sys::linkat(from, name, to, leaf, AtFlags::empty())?;
    sys::unlinkat(from, name, AtFlags::empty())
}

fn remove_at(parent: impl std::os::fd::AsFd, name: &OsStr) -> std::result::Result<(), Errno> {
    match sys::unlinkat(&parent, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        // What the systems answer for a folder.
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(errno) => return Err(errno),
    }
    let folder = sys::openat(&parent, name, FOLDER, Bits::empty())?;
    for inner in names_in(&folder)? {
        remove_at(&folder, &inner)?;
    }
    match sys::unlinkat(&parent, name, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(errno),
    }
}
