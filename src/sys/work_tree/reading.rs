//! Looking at a work tree: what is at a path, and what proves later that it is still the same.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::Arc;
use std::time::SystemTime;

use rustix::fs::{self as sys, AtFlags, Mode as Bits, OFlags};
use rustix::io::Errno;

use super::{FOLDER, Missing, Tree};
use crate::base::error::{Error, IoContext as _, Result};
use crate::base::paths::RepoPath;
use crate::manifest::Mode;
use crate::sys::disk;
use crate::sys::stat::{FileFacts, permissions};

/// A file's content is read in one go, and it is seen that it ends there, if this many bytes more than it has fit.
const ROOM: usize = 64;

/// What is at a path of a work tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// Nothing.
    Missing,
    /// A file or a link, with its content.
    File {
        /// Plain, executable, or a link whose content is the target.
        mode: Mode,
        /// The permission bits of a file; 0 for a link.
        permissions: u32,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// A folder.
    Folder,
    /// A socket, pipe or device.
    Special,
}

/// A file that was read, and what proves later that it is still the same: as long as the system knows the same of it, so it is.
/// There is no such proof if it had changed only a moment before, or if other machines write to its disk.
#[derive(Clone, Debug)]
pub struct ReadFile {
    /// What the system knew of it.
    pub facts: FileFacts,
    /// The file, if it is held in memory.
    pub node: Option<Arc<Node>>,
}

/// Files that were read.
pub type FilesRead<'a> = BTreeMap<&'a RepoPath, &'a ReadFile>;

impl Tree {
    /// Returns what is at a path, without following any link. If a link or file is in the place of a
    /// folder on the way, that means [`Node::Missing`].
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with the path.
    pub fn read(&self, path: &RepoPath) -> Result<Node> {
        let place = self.absolute(path);
        let Some((folder, name)) = self.walk(path, Missing::Stop)? else { return Ok(Node::Missing) };
        read_at(&folder, name).map(|(node, _)| node).context("read", &place)
    }

    /// The same, with what proves later that the file is still the one that was read; see [`ReadFile`].
    ///
    /// # Errors
    /// As [`Tree::read`].
    pub(crate) fn read_with_proof(
        &self,
        path: &RepoPath,
        tell: &mut dyn FnMut(u64),
    ) -> Result<(Node, Option<FileFacts>)> {
        let place = self.absolute(path);
        let Some((folder, name)) = self.walk(path, Missing::Stop)? else { return Ok((Node::Missing, None)) };
        let now = SystemTime::now();
        let (node, facts) = read_at_telling(&folder, name, tell).context("read", &place)?;
        let facts = facts.steady().filter(|facts| facts.tells_changes_from(now) && disk::is_local(&folder));
        Ok((node, facts))
    }

    /// Returns what the system knows of what is at a path; `None` if nothing is.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with the path.
    pub(crate) fn facts(&self, path: &RepoPath) -> Result<Option<FileFacts>> {
        let Some((folder, name)) = self.walk(path, Missing::Stop)? else { return Ok(None) };
        match facts_at(&folder, name) {
            Ok(facts) => Ok(Some(facts)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(Error::io("read", &self.absolute(path), &errno.into())),
        }
    }

    /// Opens a file to be read bit by bit, as [`Tree::read`] reaches it; `None` for anything else, links included.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with the path.
    pub fn open_file(&self, path: &RepoPath) -> Result<Option<(Mode, File)>> {
        let Some((folder, name)) = self.walk(path, Missing::Stop)? else { return Ok(None) };
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let place = self.absolute(path);
        let file = match sys::openat(&folder, name, flags, Bits::empty()) {
            Err(Errno::NOENT | Errno::LOOP) => return Ok(None),
            opened => File::from(opened.map_err(io::Error::from).context("open", &place)?),
        };
        let stat = sys::fstat(&file).map_err(io::Error::from).context("read", &place)?;
        let regular = sys::FileType::from_raw_mode(stat.st_mode) == sys::FileType::RegularFile;
        let mode = if stat.st_mode & 0o100 != 0 { Mode::Executable } else { Mode::File };
        Ok(regular.then_some((mode, file)))
    }

    /// Says whether a folder has anything in it but folders.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with the path.
    pub fn has_files(&self, path: &RepoPath) -> Result<bool> {
        let Some((folder, name)) = self.walk(path, Missing::Stop)? else { return Ok(false) };
        holds_files(&folder, name).map_err(io::Error::from).context("read", &self.absolute(path))
    }

    /// Returns the size in bytes and whether it is a file or link; `None` for anything else.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with the path.
    pub fn size(&self, path: &RepoPath) -> Result<Option<u64>> {
        let Some((folder, name)) = self.walk(path, Missing::Stop)? else { return Ok(None) };
        match sys::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => match sys::FileType::from_raw_mode(stat.st_mode) {
                sys::FileType::RegularFile | sys::FileType::Symlink => Ok(Some(stat.st_size.cast_unsigned())),
                _ => Ok(None),
            },
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(Error::io("read", &self.absolute(path), &errno.into())),
        }
    }

    /// Reads a file that may change meanwhile: `None` if it kept changing through three tries.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with the path.
    pub fn read_steady(&self, path: &RepoPath) -> Result<Option<Node>> {
        self.read_steady_telling(path, &mut |_| ())
    }

    fn read_steady_telling(&self, path: &RepoPath, tell: &mut dyn FnMut(u64)) -> Result<Option<Node>> {
        let place = self.absolute(path);
        let Some((folder, name)) = self.walk(path, Missing::Stop)? else { return Ok(Some(Node::Missing)) };
        for _ in 0..3 {
            let (node, facts) = read_at_telling(&folder, name, tell).context("read", &place)?;
            if !matches!(node, Node::File { .. }) || facts.steady().is_some() {
                return Ok(Some(node));
            }
        }
        Ok(None)
    }

    /// The same; a file that was read already, and is surely the same, is not read once more. `tell` is told of the bytes while
    /// they are read.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with the path.
    pub(crate) fn read_steady_again(
        &self,
        path: &RepoPath,
        read: Option<&ReadFile>,
        tell: &mut dyn FnMut(u64),
    ) -> Result<Option<Node>> {
        match read {
            Some(ReadFile { facts, node: Some(node) }) if self.facts(path)? == Some(*facts) => {
                Ok(Some(Node::clone(node)))
            }
            _ => self.read_steady_telling(path, tell),
        }
    }
}

/// What the system knew of a file before it was read, and afterwards.
#[derive(Default)]
pub(super) struct Surroundings(Option<(FileFacts, FileFacts)>);

impl Surroundings {
    /// Returns it if nobody changed the file meanwhile.
    fn steady(&self) -> Option<FileFacts> {
        self.0.filter(|(before, after)| before == after).map(|(_, after)| after)
    }
}

/// Returns what the system knows of something in a folder.
pub(super) fn facts_at(folder: impl AsFd, name: &OsStr) -> std::result::Result<FileFacts, Errno> {
    Ok(FileFacts::of(&sys::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?))
}

/// Reads something in a folder.
pub(super) fn read_at(folder: impl AsFd, name: &OsStr) -> io::Result<(Node, Surroundings)> {
    read_at_telling(folder, name, &mut |_| ())
}

/// At most so many bytes are read at once: whoever waits for a large file sees how far it is.
const AT_ONCE: usize = 4 << 20;

/// A file that tells how much of it was read.
struct Telling<'a>(&'a File, &'a mut dyn FnMut(u64));

impl Read for Telling<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(AT_ONCE);
        let read = self.0.read(&mut buffer[..most])?;
        (self.1)(read as u64);
        Ok(read)
    }
}

fn read_at_telling(
    folder: impl AsFd,
    name: &OsStr,
    tell: &mut dyn FnMut(u64),
) -> io::Result<(Node, Surroundings)> {
    let stat = match sys::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => stat,
        Err(Errno::NOENT) => return Ok((Node::Missing, Surroundings::default())),
        Err(errno) => return Err(errno.into()),
    };
    let before = FileFacts::of(&stat);
    match sys::FileType::from_raw_mode(stat.st_mode) {
        sys::FileType::Directory => Ok((Node::Folder, Surroundings::default())),
        sys::FileType::Symlink => {
            let bytes = sys::readlinkat(&folder, name, Vec::new())?.into_bytes();
            let after = facts_at(&folder, name).ok();
            let node = Node::File { mode: Mode::Link, permissions: 0, bytes };
            Ok((node, Surroundings(after.map(|after| (before, after)))))
        }
        sys::FileType::RegularFile => {
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let file = File::from(sys::openat(&folder, name, flags, Bits::empty())?);
            let mut bytes = Vec::new();
            let _as_it_grows =
                bytes.try_reserve(usize::try_from(before.size).unwrap_or(0).saturating_add(ROOM));
            // A reader that is no file does not ask for the size once more.
            Telling(&file, tell).read_to_end(&mut bytes)?;
            let after = FileFacts::of(&sys::fstat(&file)?);
            let permissions = permissions(&stat);
            let executable = permissions & 0o100 != 0;
            let mode = if executable { Mode::Executable } else { Mode::File };
            Ok((Node::File { mode, permissions, bytes }, Surroundings(Some((before, after)))))
        }
        _ => Ok((Node::Special, Surroundings::default())),
    }
}

/// Says whether a folder has anything in it but folders.
pub(super) fn holds_files(parent: impl AsFd, name: &OsStr) -> std::result::Result<bool, Errno> {
    let folder = sys::openat(parent, name, FOLDER, Bits::empty())?;
    for entry in sys::Dir::read_from(&folder)? {
        let entry = entry?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if name == "." || name == ".." {
            continue;
        }
        let stat = sys::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
        let is_folder = sys::FileType::from_raw_mode(stat.st_mode) == sys::FileType::Directory;
        if !is_folder || holds_files(&folder, name)? {
            return Ok(true);
        }
    }
    Ok(false)
}
