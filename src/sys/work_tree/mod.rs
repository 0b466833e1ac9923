//! A user's work tree: read and changed only from its root down, through real folders.
//!
//! Every access walks from an open root folder, and never follows a symbolic link.
//! So nothing outside the tree is read or written, whatever the tree holds. Files are never written in
//! place: they are staged, then moved.

pub mod absent;
mod folders;
mod looking;
mod mounts;
mod names;
mod reading;
mod special_files;
mod staging;

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{self as sys, AtFlags, CWD, Mode as Bits, OFlags};
use rustix::io::Errno;

use crate::base::error::{Error, IoContext, Kind, Result};
use crate::base::paths::RepoPath;
use crate::sys::disk;
use crate::sys::parallel::wait_for_each;
use crate::sys::stat::{FileId, file_id};
use crate::sys::sync::sync_open_folder;

pub use folders::{Below, FolderState, NoFile};
pub use looking::{EntryKind, Facts, OpenFolder};
pub use reading::{FilesRead, Node, ReadFile};
use reading::{facts_at, holds_files, read_at};
pub use special_files::NoFiles;
pub(crate) use staging::{NewFile, Staged, Staging};
pub use staging::{STAGING, is_staging};

/// A work tree's root folder, held open.
pub struct Tree {
    fd: OwnedFd,
    path: PathBuf,
    /// Folders that nothing is reached through, whatever they are called: device and inode.
    closed: Vec<FileId>,
    /// The same by their names below the root. Only a mount leads there by another one.
    closed_names: Vec<OsString>,
}

impl Tree {
    /// Opens the root folder.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn open(path: &Path) -> Result<Tree> {
        let fd =
            sys::openat(CWD, path, FOLDER, Bits::empty()).map_err(io::Error::from).context("open", path)?;
        Ok(Tree { fd, path: path.to_owned(), closed: Vec::new(), closed_names: Vec::new() })
    }

    /// Returns the same tree with some folders closed: git's own, wherever they are and whatever leads
    /// to them. A missing folder is closed anyway.
    #[must_use]
    pub fn closing(mut self, folders: &[&Path]) -> Tree {
        use std::os::unix::fs::MetadataExt as _;
        let known = folders.iter().filter_map(|folder| folder.metadata().ok());
        self.closed.extend(known.map(|meta| (meta.dev(), meta.ino())));
        let real =
            folders.iter().map(|folder| folder.canonicalize().unwrap_or_else(|_| (*folder).to_owned()));
        self.closed_names.extend(real.filter_map(|folder| Some(folder.file_name()?.to_owned())));
        self
    }

    /// Returns the root's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the absolute path of something inside, for messages.
    pub fn absolute(&self, path: &RepoPath) -> PathBuf {
        self.path.join(path.as_path())
    }

    /// Makes the names of these paths durable: syncs the folders above them that are there.
    pub(crate) fn sync<'a>(&self, paths: impl Iterator<Item = &'a RepoPath>) -> Result<()> {
        let mut above: BTreeSet<&[u8]> = BTreeSet::new();
        for path in paths {
            let bytes = path.as_bytes();
            above.extend((0..bytes.len()).filter(|at| bytes[*at] == b'/').map(|at| &bytes[..at]));
        }
        let folders = above.into_iter().filter_map(|folder| RepoPath::new(folder).ok()).collect();
        wait_for_each(folders, |folder| {
            let Some((parent, name)) = self.walk(&folder, Missing::Stop)? else { return Ok(()) };
            let place = self.absolute(&folder);
            match sys::openat(&parent, name, FOLDER, Bits::empty()) {
                Ok(fd) => sync_open_folder(&fd, &place),
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(()),
                Err(errno) => Err(Error::io("open", &place, &errno.into())),
            }
        })?;
        sync_open_folder(&self.fd, &self.path)
    }

    /// Makes a folder and those above it. Existing ones stay.
    pub(crate) fn make_folder(&self, path: &RepoPath) -> Result<()> {
        let Some((folder, name)) = self.walk(path, Missing::Make)? else { return Ok(()) };
        match sys::mkdirat(&folder, name, Bits::from_raw_mode(0o777)) {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(errno) => Err(Error::io("create", &self.absolute(path), &errno.into())),
        }
    }

    /// Removes the folders above a path, from the innermost, as long as they are empty. The folder that the process is in stays:
    /// whoever typed the command stands there, and a shell in a folder that is gone can do nothing.
    pub(crate) fn prune_folders(&self, path: &RepoPath) {
        self.prune_folders_but(path, &BTreeSet::new());
    }

    /// The same; these folders stay.
    pub(crate) fn prune_folders_but(&self, path: &RepoPath, kept: &BTreeSet<RepoPath>) {
        let mut above: Vec<&OsStr> = path.components().collect();
        while above.pop().is_some() && !above.is_empty() {
            let joined = above.join(OsStr::new("/"));
            let Ok(folder) = RepoPath::new(joined.as_bytes()) else { return };
            if kept.contains(&folder) {
                return;
            }
            let Ok(Some((parent, name))) = self.walk(&folder, Missing::Stop) else { return };
            if is_here(&parent, name) || sys::unlinkat(&parent, name, AtFlags::REMOVEDIR).is_err() {
                return;
            }
        }
    }

    /// Writes a new file that only its owner can read, synced, and makes the folders above it for its
    /// owner alone. Returns `false` if something is there already.
    ///
    /// # Errors
    /// What `content` says, [`Kind::Environment`] with the path, also if a link is on the way;
    /// nothing is left behind but empty folders.
    pub fn create(
        &self,
        path: &RepoPath,
        content: impl FnOnce(&mut dyn Write) -> Result<()>,
    ) -> Result<bool> {
        let place = self.absolute(path);
        let Some((folder, leaf)) = self.walk(path, Missing::MakePrivate)? else {
            return Err(through_link(&place));
        };
        let random = crate::base::digest::to_hex(&crate::sys::files::random_bytes()?[..8]);
        let name = format!("{}{random}", crate::sys::files::TEMPORARY);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let failed = |error: io::Error| Error::io("write", &place, &error);
        let opened = sys::openat(&folder, &name, flags, Bits::from_raw_mode(0o600));
        let mut file =
            io::BufWriter::with_capacity(1 << 16, File::from(opened.map_err(|e| failed(e.into()))?));
        let written = content(&mut file).and_then(|()| {
            let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
            disk::flush(&file).map_err(failed)
        });
        let done = written.and_then(|()| match rename_new(&folder, &name, &folder, leaf) {
            Ok(()) => Ok(true),
            Err(Errno::EXIST | Errno::NOTEMPTY | Errno::ISDIR) => Ok(false),
            Err(errno) => Err(Error::io("write", &place, &errno.into())),
        });
        if !matches!(done, Ok(true)) {
            let _gone_or_never_there = sys::unlinkat(&folder, &name, AtFlags::empty());
        }
        done
    }

    /// Opens a regular file to be compared with and appended to; `None` if there is none, or something else.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn append(&self, path: &RepoPath) -> Result<Option<File>> {
        let Some((folder, leaf)) = self.walk(path, Missing::Stop)? else { return Ok(None) };
        let flags = OFlags::RDWR | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match sys::openat(&folder, leaf, flags, Bits::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT | Errno::LOOP | Errno::ISDIR | Errno::NXIO) => return Ok(None),
            Err(errno) => return Err(Error::io("open", &self.absolute(path), &errno.into())),
        };
        let is_file = file.metadata().context("read", &self.absolute(path))?.is_file();
        Ok(Some(file).filter(|_| is_file))
    }

    /// Removes a file that [`Tree::create`] made, and the folders above it that are empty then.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn remove(&self, path: &RepoPath) -> Result<()> {
        let Some((folder, leaf)) = self.walk(path, Missing::Stop)? else { return Ok(()) };
        match sys::unlinkat(&folder, leaf, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => return Err(Error::io("remove", &self.absolute(path), &errno.into())),
        }
        self.prune_folders(path);
        Ok(())
    }

    fn refuse_closed(&self, folder: impl AsFd, path: &RepoPath) -> Result<()> {
        if self.closed.is_empty() {
            return Ok(());
        }
        let stat = sys::fstat(folder).map_err(io::Error::from).context("read", &self.path)?;
        if !self.closed.contains(&file_id(&stat)) {
            Ok(())
        } else {
            Err(Error::new(Kind::Refused, format!("Cannot reach {}", self.absolute(path).display()))
                .because("it goes into git's own folder"))
        }
    }

    /// Says whether the folders above a path surely are no closed ones, by their names: as a disk that ignores case compares them, and
    /// no name that a disk may compare in yet another way.
    fn is_plainly_open(&self, above: &[&OsStr]) -> bool {
        above.iter().all(|name| {
            name.is_ascii() && !self.closed_names.iter().any(|closed| closed.eq_ignore_ascii_case(name))
        })
    }

    /// Opens the folder that holds a path, never through a link: in one call where nothing special is on the way, else component by
    /// component.
    fn walk<'a>(&self, path: &'a RepoPath, missing: Missing) -> Result<Option<(OwnedFd, &'a OsStr)>> {
        let mut components: Vec<&OsStr> = path.components().collect();
        let Some(name) = components.pop() else { return Ok(None) };
        if !components.is_empty() && self.is_plainly_open(&components) {
            let above = OsStr::from_bytes(&path.as_bytes()[..path.as_bytes().len() - name.len() - 1]);
            match disk::open_beneath(&self.fd, above, FOLDER) {
                Some(Ok(folder)) => return Ok(Some((folder, name))),
                Some(Err(_)) if missing == Missing::Stop => return Ok(None),
                _ => {}
            }
        }
        let fail = |errno: Errno| Err(Error::io("open the folder of", &self.absolute(path), &errno.into()));
        let mut folder = match self.fd.try_clone() {
            Ok(fd) => fd,
            Err(error) => return Err(Error::io("open", &self.path, &error)),
        };
        for component in components {
            let opened = match sys::openat(&folder, component, FOLDER, Bits::empty()) {
                Err(Errno::NOENT) if missing != Missing::Stop => {
                    let mode = if missing == Missing::MakePrivate { 0o700 } else { 0o777 };
                    match sys::mkdirat(&folder, component, Bits::from_raw_mode(mode)) {
                        Ok(()) | Err(Errno::EXIST) => {}
                        Err(errno) => return fail(errno),
                    }
                    sys::openat(&folder, component, FOLDER, Bits::empty())
                }
                other => other,
            };
            folder = match opened {
                Ok(fd) => {
                    self.refuse_closed(&fd, path)?;
                    fd
                }
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
                Err(errno) => return fail(errno),
            };
        }
        Ok(Some((folder, name)))
    }
}

const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// What to do about a folder that is not there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    Stop,
    Make,
    /// Make it for its owner alone.
    MakePrivate,
}

fn through_link(place: &Path) -> Error {
    Error::new(Kind::Environment, format!("Cannot write {}", place.display()))
        .because("a folder on the way to it is a file or a link")
        .hint("nothing is written through links; put a real folder in its place")
}

/// Says whether this is the folder that the process is in.
fn is_here(parent: impl AsFd, name: &OsStr) -> bool {
    let here = sys::statat(CWD, c".", AtFlags::empty());
    let there = sys::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW);
    matches!((here, there), (Ok(here), Ok(there)) if file_id(&here) == file_id(&there))
}

/// Removes a folder that holds nothing but empty folders, and that the process is not in.
fn remove_empty(parent: impl AsFd, name: &OsStr) -> std::result::Result<(), Errno> {
    if holds_files(&parent, name)? {
        return Err(Errno::NOTEMPTY);
    }
    if is_here(&parent, name) {
        return Err(Errno::BUSY);
    }
    let folder = sys::openat(&parent, name, FOLDER, Bits::empty())?;
    let mut inner = Vec::new();
    for entry in sys::Dir::read_from(&folder)? {
        inner.push(entry?.file_name().to_bytes().to_vec());
    }
    for name in inner.iter().filter(|name| !matches!(name.as_slice(), b"." | b"..")) {
        remove_empty(&folder, OsStr::from_bytes(name))?;
    }
    sys::unlinkat(&parent, name, AtFlags::REMOVEDIR)
}

/// Renames without replacing; where the kernel or disk can't do that, checks first.
fn rename_new(from: impl AsFd, name: &str, to: impl AsFd, leaf: &OsStr) -> std::result::Result<(), Errno> {
    if let Some(done) = disk::rename_new(&from, OsStr::new(name), &to, leaf) {
        return done;
    }
    match sys::statat(&to, leaf, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => sys::renameat(from, name, to, leaf),
        Ok(_) => Err(Errno::EXIST),
        Err(errno) => Err(errno),
    }
}
