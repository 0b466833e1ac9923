//! The content of folders in a work tree: whether one is empty, and all files below one.

use std::ffi::OsStr;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt as _;

use rustix::fs::{self as sys, AtFlags, Mode as Bits};
use rustix::io::Errno;

use super::{FOLDER, Missing, Tree};
use crate::base::error::Result;
use crate::base::paths::RepoPath;
use crate::sys::disk;

/// The files below a folder.
#[derive(Debug, PartialEq, Eq)]
pub enum Below {
    /// All of them, and how many bytes they have together.
    Files(Vec<RepoPath>, u64),
    /// There are more than was asked for.
    TooMany,
    /// Among them is something that is not a file.
    Other(RepoPath, NoFile),
}

/// What is not a file, and no folder of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoFile {
    /// A repository of its own; or a name that can't be represented.
    Repository,
    /// A socket, pipe or device.
    Special,
    /// Something that may not be read.
    Unreadable,
}

/// Whether there is a folder in a place, and anything in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FolderState {
    /// There is no folder, or it may not be read.
    None,
    /// It has nothing in it.
    Empty,
    /// It has something in it.
    Filled,
}

impl Tree {
    /// Says whether a path is a folder, and whether anything is in it.
    pub fn folder_state(&self, path: &RepoPath) -> FolderState {
        let Ok(Some((parent, name))) = self.walk(path, Missing::Stop) else { return FolderState::None };
        let folder = sys::openat(&parent, name, FOLDER, Bits::empty());
        match folder.and_then(entries) {
            Ok(entries) if entries.is_empty() => FolderState::Empty,
            Ok(_) => FolderState::Filled,
            Err(_) => FolderState::None,
        }
    }

    /// Returns the files and links below a folder, at most `most`; what is no folder has none. `skip` says
    /// what is not looked at, with all that is in it.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with the path.
    pub fn files_below(
        &self,
        path: &RepoPath,
        most: usize,
        skip: impl Fn(&RepoPath) -> bool,
    ) -> Result<Below> {
        let (mut files, mut size) = (Vec::new(), 0);
        let Some((parent, name)) = self.walk(path, Missing::Stop)? else { return Ok(Below::Files(files, 0)) };
        let folder = match sys::openat(&parent, name, FOLDER, Bits::empty()) {
            Ok(folder) => folder,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(Below::Files(files, 0)),
            Err(_) => return Ok(Below::Other(path.clone(), NoFile::Unreadable)),
        };
        let mut open = vec![(folder, path.clone())];
        while let Some((folder, path)) = open.pop() {
            let Ok(entries) = entries(&folder) else { return Ok(Below::Other(path, NoFile::Unreadable)) };
            for (name, kind) in entries {
                // Nothing is called `.git` that has a path in a tree.
                let Ok(place) = RepoPath::new(&joined(path.as_bytes(), &name)) else {
                    return Ok(Below::Other(path, NoFile::Repository));
                };
                if skip(&place) {
                    continue;
                }
                let name = OsStr::from_bytes(&name);
                match kind {
                    sys::FileType::Directory => match sys::openat(&folder, name, FOLDER, Bits::empty()) {
                        Ok(inner) => open.push((inner, place)),
                        Err(_) => return Ok(Below::Other(place, NoFile::Unreadable)),
                    },
                    sys::FileType::RegularFile | sys::FileType::Symlink => {
                        let stat = sys::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW);
                        size += stat.map_or(0, |stat| stat.st_size.cast_unsigned());
                        files.push(place);
                    }
                    _ => return Ok(Below::Other(place, NoFile::Special)),
                }
                if files.len() > most {
                    return Ok(Below::TooMany);
                }
            }
        }
        files.sort();
        Ok(Below::Files(files, size))
    }
}

pub(super) fn joined(folder: &[u8], name: &[u8]) -> Vec<u8> {
    if folder.is_empty() { name.to_vec() } else { [folder, b"/", name].concat() }
}

pub(super) fn entries(folder: impl AsFd) -> std::result::Result<Vec<(Vec<u8>, sys::FileType)>, Errno> {
    let mut entries = Vec::new();
    disk::each_entry(folder, |name, kind| entries.push((name.to_vec(), kind)))?;
    Ok(entries)
}
