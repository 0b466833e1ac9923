//! The content of folders in a work tree: which are empty, and all files below one.

use std::ffi::OsStr;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt as _;

use rustix::fs::{self as sys, AtFlags, Mode as Bits};
use rustix::io::Errno;

use super::{FOLDER, Missing, Tree};
use crate::base::error::Result;
use crate::base::paths::RepoPath;

/// How many folders are looked into before the search for empty ones is given up.
const MOST_FOLDERS: usize = 100_000;

/// The files below a folder.
#[derive(Debug, PartialEq, Eq)]
pub enum Below {
    /// All of them, and how many bytes they have together.
    Files(Vec<RepoPath>, u64),
    /// There are more than was asked for.
    TooMany,
    /// Among them is something that is not a file: a repository of its own, a socket, pipe or device,
    /// something that may not be read, or a name that can't be represented.
    Other(RepoPath),
}

/// What is in a work tree and is no file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct NoFiles {
    /// Folders that have nothing in them.
    pub empty_folders: Vec<RepoPath>,
    /// Pipes, sockets and devices.
    pub special: Vec<RepoPath>,
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

    /// Returns what is no file, at most `most` of each kind; `skip` says which folders are not searched. Folders that
    /// may not be read, and repositories in the tree, are skipped.
    pub fn no_files(&self, skip: impl Fn(&RepoPath) -> bool, most: usize) -> NoFiles {
        let mut found = NoFiles::default();
        let mut looked_into = 0;
        // Opened anew: how far a folder was read is shared by all that comes of one opening.
        let Ok(root) = sys::openat(&self.fd, c".", FOLDER, Bits::empty()) else { return found };
        let mut open = vec![(root, Vec::new())];
        while let Some((folder, path)) = open.pop() {
            looked_into += 1;
            if looked_into > MOST_FOLDERS || found.empty_folders.len() >= most {
                break;
            }
            let (mut is_empty, mut is_repository) = (true, false);
            let (mut inside, mut special) = (Vec::new(), Vec::new());
            let listed = folder.try_clone().map_err(|_| Errno::MFILE).and_then(sys::Dir::new);
            let looked = listed.and_then(|listed| {
                each_entry(listed, &folder, |name, kind| {
                    is_empty = false;
                    is_repository |= name == b".git";
                    match kind {
                        sys::FileType::Directory => inside.push(name.to_vec()),
                        sys::FileType::RegularFile | sys::FileType::Symlink => {}
                        _ => special.push(name.to_vec()),
                    }
                })
            });
            if looked.is_err() || is_repository && !path.is_empty() {
                continue;
            }
            if is_empty && !path.is_empty() {
                found.empty_folders.extend(RepoPath::new(&path).ok());
            }
            let special = special.iter().filter_map(|name| RepoPath::new(&joined(&path, name)).ok());
            found
                .special
                .extend(special.filter(|path| !skip(path)).take(most.saturating_sub(found.special.len())));
            for name in inside {
                let below = joined(&path, &name);
                let Ok(place) = RepoPath::new(&below) else { continue };
                if skip(&place) {
                    continue;
                }
                if let Ok(inner) = sys::openat(&folder, OsStr::from_bytes(&name), FOLDER, Bits::empty()) {
                    open.push((inner, below));
                }
            }
        }
        found.empty_folders.sort();
        found.special.sort();
        found
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
            Err(_) => return Ok(Below::Other(path.clone())),
        };
        let mut open = vec![(folder, path.clone())];
        while let Some((folder, path)) = open.pop() {
            let Ok(entries) = entries(&folder) else { return Ok(Below::Other(path)) };
            for (name, kind) in entries {
                // Nothing is called `.git` that has a path in a tree.
                let Ok(place) = RepoPath::new(&joined(path.as_bytes(), &name)) else {
                    return Ok(Below::Other(path));
                };
                if skip(&place) {
                    continue;
                }
                let name = OsStr::from_bytes(&name);
                match kind {
                    sys::FileType::Directory => match sys::openat(&folder, name, FOLDER, Bits::empty()) {
                        Ok(inner) => open.push((inner, place)),
                        Err(_) => return Ok(Below::Other(place)),
                    },
                    sys::FileType::RegularFile | sys::FileType::Symlink => {
                        let stat = sys::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW);
                        size += stat.map_or(0, |stat| stat.st_size.cast_unsigned());
                        files.push(place);
                    }
                    _ => return Ok(Below::Other(place)),
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

fn joined(folder: &[u8], name: &[u8]) -> Vec<u8> {
    if folder.is_empty() { name.to_vec() } else { [folder, b"/", name].concat() }
}

pub(super) fn entries(folder: impl AsFd) -> std::result::Result<Vec<(Vec<u8>, sys::FileType)>, Errno> {
    let mut entries = Vec::new();
    let listed = sys::Dir::read_from(&folder)?;
    each_entry(listed, folder, |name, kind| entries.push((name.to_vec(), kind)))?;
    Ok(entries)
}

/// Goes through what a folder has in it, as `listed` lists it.
fn each_entry(
    listed: sys::Dir,
    folder: impl AsFd,
    mut each: impl FnMut(&[u8], sys::FileType),
) -> std::result::Result<(), Errno> {
    for entry in listed {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if matches!(name, b"." | b"..") {
            continue;
        }
        // Some disks don't say it in the list.
        let kind = match entry.file_type() {
            sys::FileType::Unknown => {
                let stat = sys::statat(&folder, OsStr::from_bytes(name), AtFlags::SYMLINK_NOFOLLOW)?;
                sys::FileType::from_raw_mode(stat.st_mode)
            }
            kind => kind,
        };
        each(name, kind);
    }
    Ok(())
}
