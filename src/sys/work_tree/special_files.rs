//! What is in a work tree and is no file: empty folders, and pipes, sockets and devices. All folders are looked into, so this
//! takes as little for each as it can.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;

use rustix::fs::{self as sys, FileType, Mode as Bits};
use rustix::io::Errno;

use super::folders::joined;
use super::{FOLDER, Missing, Tree};
use crate::base::paths::RepoPath;
use crate::sys::{disk, parallel};

/// How many folders are looked into before the search is given up.
const MOST_FOLDERS: usize = 100_000;

/// For fewer folders no thread is started.
const LEAST_EACH: usize = 32;

/// What is in a work tree and is no file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct NoFiles {
    /// Folders that have nothing in them.
    pub empty_folders: Vec<RepoPath>,
    /// Pipes, sockets and devices.
    pub special: Vec<RepoPath>,
}

/// What one folder has in it, but for files and links.
#[derive(Default)]
struct Inside {
    is_empty: bool,
    is_repository: bool,
    folders: Vec<RepoPath>,
    special: Vec<RepoPath>,
}

impl Tree {
    /// Returns what is no file, at most `most` of each kind; `skip` says which folders are not searched. Folders that
    /// may not be read, and repositories in the tree, are skipped.
    pub fn no_files(&self, skip: impl Fn(&RepoPath) -> bool, most: usize) -> NoFiles {
        let mut found = NoFiles::default();
        // Opened anew: how far a folder was read is shared by all that comes of one opening.
        let root = sys::openat(&self.fd, c".", FOLDER, Bits::empty());
        let Ok(root) = root.and_then(|root| look_into(&root, b"")) else { return found };
        let mut looked_into = 0;
        let mut level = vec![(None, root)];
        while !level.is_empty() {
            let mut below = Vec::new();
            for (path, inside) in level {
                let Inside { is_empty, is_repository, folders, special } = inside;
                match path {
                    Some(_) if is_repository => continue,
                    Some(path) if is_empty => found.empty_folders.push(path),
                    _ => {}
                }
                found.special.extend(special.into_iter().filter(|path| !skip(path)));
                below.extend(folders.into_iter().filter(|path| !skip(path)));
            }
            looked_into += below.len();
            if looked_into > MOST_FOLDERS || found.empty_folders.len() >= most {
                break;
            }
            let looked = parallel::map(&below, LEAST_EACH, |path| {
                self.open_below(path).and_then(|folder| look_into(&folder, path.as_bytes()))
            });
            let looked = below.into_iter().zip(looked);
            level = looked.filter_map(|(path, inside)| Some((Some(path), inside.ok()?))).collect();
        }
        for list in [&mut found.empty_folders, &mut found.special] {
            list.sort();
            list.truncate(most);
        }
        found
    }

    /// Opens a folder in the tree, through no link.
    fn open_below(&self, path: &RepoPath) -> Result<OwnedFd, Errno> {
        if let Some(opened) = disk::open_beneath(&self.fd, OsStr::from_bytes(path.as_bytes()), FOLDER) {
            return opened;
        }
        let Ok(Some((parent, name))) = self.walk(path, Missing::Stop) else { return Err(Errno::NOENT) };
        sys::openat(&parent, name, FOLDER, Bits::empty())
    }
}

fn look_into(folder: &OwnedFd, path: &[u8]) -> Result<Inside, Errno> {
    let mut inside = Inside { is_empty: true, ..Inside::default() };
    disk::each_entry(folder, |name, kind| {
        inside.is_empty = false;
        inside.is_repository |= name == b".git";
        let list = match kind {
            FileType::RegularFile | FileType::Symlink => return,
            FileType::Directory => &mut inside.folders,
            _ => &mut inside.special,
        };
        list.extend(RepoPath::new(&joined(path, name)).ok());
    })?;
    Ok(inside)
}
