//! Where our own files are: reached from a folder that is held open, through real folders only.
//!
//! A store can come with a clone. So in the place of one of our folders or files there may be anything: a
//! link to somebody's documents, a pipe that nobody writes to. Every access walks from an open folder,
//! component by component. It follows no link, and waits for nothing that is not a plain file. Only the
//! folder at the top may be a link, if it is the user's own: it is followed once. `sys/files.rs` writes
//! files here; `sys/work_tree` does the same for work trees.

mod files;

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{self as sys, AtFlags, CWD, Mode as Bits, OFlags, RawMode};
use rustix::io::Errno;

use crate::base::error::{Error, IoContext as _, Kind, Result};
use crate::base::screen::Line;
use crate::sys::stat::{file_id, modified_nanoseconds};
pub(super) use files::whole;

/// How a folder is opened on the way to something: never through a link.
const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// A folder of ours that everything else is reached from.
#[derive(Clone)]
pub struct Root(Arc<Inner>);

struct Inner {
    /// What is the user's own: links on the way to it, and in its place, are followed.
    anchor: PathBuf,
    /// From there on, real folders only.
    inside: Vec<OsString>,
    path: PathBuf,
    /// The mode of folders that are made.
    mode: RawMode,
    open: Mutex<Option<Arc<OwnedFd>>>,
}

/// A file or folder below a [`Root`], whether it is there or not.
#[derive(Clone)]
pub struct OwnPath {
    root: Root,
    /// Without `..`; empty for the root itself.
    below: PathBuf,
}

/// What is at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A plain file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A pipe, socket or device.
    Special,
}

/// The facts about what is at a place, without following a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// What it is.
    pub shape: Shape,
    /// Its size in bytes.
    pub size: u64,
    /// When its content was changed last.
    pub modified: SystemTime,
    /// What changes if it is another one, or was changed: device, inode, size, time of the last change.
    pub identity: (u64, u64, u64, i64, i64),
}

/// What to do about a folder that is not there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    Stop,
    Make,
}

impl Root {
    /// A folder that is the user's own, wherever it leads.
    pub fn own(path: &Path) -> Root {
        Root::below(path, &[])
    }

    /// The same, for files that are not ours alone: what is made gets the usual modes.
    pub fn shared(path: &Path) -> Root {
        Root::with(path, &[], 0o777)
    }

    /// A folder below one that is the user's own, through real folders only.
    pub fn below(anchor: &Path, inside: &[&OsStr]) -> Root {
        Root::with(anchor, inside, 0o700)
    }

    fn with(anchor: &Path, inside: &[&OsStr], mode: RawMode) -> Root {
        let path = inside.iter().fold(anchor.to_owned(), |path, name| path.join(name));
        let inside = inside.iter().map(|name| (*name).to_owned()).collect();
        Root(Arc::new(Inner { anchor: anchor.to_owned(), inside, path, mode, open: Mutex::new(None) }))
    }

    /// Returns where it is, as it was named.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Returns something in it; the empty path is the folder itself.
    pub fn at(&self, below: impl Into<PathBuf>) -> OwnPath {
        OwnPath { root: self.clone(), below: below.into() }
    }

    /// Opens it, once; again if it was removed since.
    fn open(&self, missing: Missing) -> Result<Option<Arc<OwnedFd>>> {
        let mut held = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(fd) = held.as_ref()
            && sys::fstat(fd).is_ok_and(|stat| stat.st_nlink > 0)
        {
            return Ok(Some(Arc::clone(fd)));
        }
        let anchor = &self.0.anchor;
        let open_anchor = || sys::openat(CWD, anchor, OFlags::DIRECTORY | OFlags::CLOEXEC, Bits::empty());
        let opened = match open_anchor() {
            Err(Errno::NOENT) if missing == Missing::Make => {
                let mut builder = std::fs::DirBuilder::new();
                let private = self.0.inside.is_empty() && self.0.mode == 0o700;
                builder
                    .recursive(true)
                    .mode(if private { 0o700 } else { 0o777 })
                    .create(anchor)
                    .context("create", anchor)?;
                open_anchor()
            }
            opened => opened,
        };
        let mut fd = match opened {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::NOTDIR) => return Err(strange(anchor, "it is not a folder")),
            Err(errno) => return Err(Error::io("open", anchor, &errno.into())),
        };
        let mut path = anchor.clone();
        for (number, name) in self.0.inside.iter().enumerate() {
            path.push(name);
            // Of the folders above the last, others may have use too.
            let mode = if number + 1 == self.0.inside.len() { self.0.mode } else { 0o777 };
            let Some(next) = open_folder(&fd, name, &path, missing, mode)? else { return Ok(None) };
            fd = next;
        }
        let fd = Arc::new(fd);
        *held = Some(Arc::clone(&fd));
        Ok(Some(fd))
    }
}

impl OwnPath {
    /// Returns its path.
    pub fn path(&self) -> PathBuf {
        if self.below.as_os_str().is_empty() {
            self.root.path().to_owned()
        } else {
            self.root.path().join(&self.below)
        }
    }

    /// Returns something in it.
    #[must_use]
    pub fn join(&self, name: impl AsRef<Path>) -> OwnPath {
        OwnPath { root: self.root.clone(), below: self.below.join(name) }
    }

    /// Returns the folder that it is in; the root is in itself.
    #[must_use]
    pub fn folder(&self) -> OwnPath {
        OwnPath {
            root: self.root.clone(),
            below: self.below.parent().map(Path::to_owned).unwrap_or_default(),
        }
    }

    /// Returns its last component.
    pub fn name(&self) -> &OsStr {
        self.below.file_name().unwrap_or_default()
    }

    /// Makes the folder, with those above it, for its owner alone; returns whether it is new.
    ///
    /// # Errors
    /// [`Kind::Refused`] if something else is in its place, [`Kind::Environment`] with the path.
    pub fn make_folder(&self) -> Result<bool> {
        if self.open_as_folder(Missing::Stop)?.is_some() {
            return Ok(false);
        }
        self.open_as_folder(Missing::Make).map(|_| true)
    }

    /// Returns what is there, without following a link; `None` if nothing does.
    ///
    /// # Errors
    /// [`Kind::Refused`] if a folder on the way to it is none, [`Kind::Environment`] with the path.
    pub fn stat(&self) -> Result<Option<Stat>> {
        if self.below.as_os_str().is_empty() {
            let Some(folder) = self.root.open(Missing::Stop)? else { return Ok(None) };
            let stat = sys::fstat(&folder).map_err(io::Error::from).context("read", &self.path())?;
            return Ok(Some(stat_of(&stat)));
        }
        let Some((folder, name)) = self.walk(Missing::Stop)? else { return Ok(None) };
        match sys::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat_of(&stat))),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(Error::io("read", &self.path(), &errno.into())),
        }
    }

    /// Returns what is at each of these names, with this end, in the folder, which is opened once, as [`OwnPath::stat`] does.
    ///
    /// # Errors
    /// As [`OwnPath::stat`], or that a name leads out of the folder.
    pub fn stat_each(&self, names: &[&str], end: &str) -> Result<Vec<Option<Stat>>> {
        let Some(folder) = self.open_as_folder(Missing::Stop)? else { return Ok(vec![None; names.len()]) };
        let mut whole = String::new();
        let stat = |name: &&str| {
            whole.clear();
            whole.extend([name, end]);
            if whole.contains('/') || whole == ".." {
                return Err(strange(&self.path().join(&whole), "it leads out of its folder"));
            }
            match sys::statat(&folder, &whole, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => Ok(Some(stat_of(&stat))),
                Err(Errno::NOENT) => Ok(None),
                Err(errno) => Err(Error::io("read", &self.path().join(&whole), &errno.into())),
            }
        };
        names.iter().map(stat).collect()
    }

    /// Says whether anything is there that can be reached.
    pub fn exists(&self) -> bool {
        matches!(self.stat(), Ok(Some(_)))
    }

    /// Says whether a real folder is there.
    pub fn is_folder(&self) -> bool {
        matches!(self.open_as_folder(Missing::Stop), Ok(Some(_)))
    }

    /// Makes sure that a plain file is there, or nothing.
    ///
    /// # Errors
    /// [`Kind::Refused`] if something else does, else as [`OwnPath::stat`].
    pub fn refuse_special(&self) -> Result<()> {
        match self.stat()?.map(|found| found.shape) {
            None | Some(Shape::File) => Ok(()),
            Some(Shape::Link) => Err(strange_link(&self.path())),
            Some(_) => Err(strange(&self.path(), "it is not a regular file")),
        }
    }

    /// Lists the names in the folder, in no order; a folder that is not there has none.
    ///
    /// # Errors
    /// [`Kind::Refused`] if something else is in its place, [`Kind::Environment`] with the path.
    pub fn names(&self) -> Result<Vec<OsString>> {
        let Some(folder) = self.open_as_folder(Missing::Stop)? else { return Ok(Vec::new()) };
        names_in(folder.as_fd()).map_err(io::Error::from).context("read", &self.path())
    }

    /// Says whether the folder is on a disk that no other machine writes to; `false` where that is not known.
    pub fn is_on_local_disk(&self) -> bool {
        self.open_as_folder(Missing::Stop).is_ok_and(|folder| folder.is_some_and(crate::sys::disk::is_local))
    }

    /// Makes sure that the folder is a real one, or not there.
    ///
    /// # Errors
    /// As [`OwnPath::names`].
    pub fn refuse_stranger(&self) -> Result<()> {
        self.open_as_folder(Missing::Stop).map(drop)
    }

    /// Makes the names in the folder durable.
    ///
    /// # Errors
    /// As [`OwnPath::names`]; a folder that is not there is an error.
    pub fn sync(&self) -> Result<()> {
        let folder = self.open_as_folder(Missing::Stop)?.ok_or_else(|| gone(&self.path()))?;
        crate::sys::sync::sync_open_folder(folder.as_fd(), &self.path())
    }

    /// Opens the folder that is there.
    fn open_as_folder(&self, missing: Missing) -> Result<Option<Arc<OwnedFd>>> {
        if self.below.as_os_str().is_empty() {
            return self.root.open(missing);
        }
        let Some((folder, name)) = self.walk(missing)? else { return Ok(None) };
        Ok(open_folder(&folder, name, &self.path(), missing, self.root.0.mode)?.map(Arc::new))
    }

    /// Opens the folder that it is in, component by component, never through a link.
    fn walk(&self, missing: Missing) -> Result<Option<(Arc<OwnedFd>, &OsStr)>> {
        let mut components: Vec<&OsStr> = Vec::new();
        for component in self.below.components() {
            match component {
                Component::Normal(name) => components.push(name),
                _ => return Err(strange(&self.path(), "it leads out of its folder")),
            }
        }
        let Some(name) = components.pop() else {
            return Err(Error::new(Kind::Bug, "A folder was taken for something in it"));
        };
        let Some(mut folder) = self.root.open(missing)? else { return Ok(None) };
        let mut path = self.root.path().to_owned();
        for component in components {
            path.push(component);
            let Some(next) = open_folder(&folder, component, &path, missing, self.root.0.mode)? else {
                return Ok(None);
            };
            folder = Arc::new(next);
        }
        Ok(Some((folder, name)))
    }
}

/// Opens a folder in another one; `None` if it is not there.
fn open_folder(
    parent: &OwnedFd,
    name: &OsStr,
    path: &Path,
    missing: Missing,
    mode: RawMode,
) -> Result<Option<OwnedFd>> {
    let open = || sys::openat(parent, name, FOLDER, Bits::empty());
    let opened = match open() {
        Err(Errno::NOENT) if missing == Missing::Make => {
            match sys::mkdirat(parent, name, Bits::from_raw_mode(mode)) {
                Ok(()) | Err(Errno::EXIST) => open(),
                Err(errno) => return Err(Error::io("create", path, &errno.into())),
            }
        }
        opened => opened,
    };
    match opened {
        Ok(fd) => Ok(Some(fd)),
        Err(Errno::NOENT) => Ok(None),
        Err(Errno::NOTDIR | Errno::LOOP) => {
            let stat = sys::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW);
            let shape = stat.map(|stat| stat_of(&stat).shape);
            Err(if shape == Ok(Shape::Link) {
                strange_link(path)
            } else {
                strange(path, "it is not a folder")
            })
        }
        Err(errno) => Err(Error::io("open", path, &errno.into())),
    }
}

fn names_in(folder: impl std::os::fd::AsFd) -> std::result::Result<Vec<OsString>, Errno> {
    let mut names = Vec::new();
    for entry in sys::Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if !matches!(name, b"." | b"..") {
            names.push(OsStr::from_bytes(name).to_owned());
        }
    }
    Ok(names)
}

fn stat_of(stat: &sys::Stat) -> Stat {
    let shape = match sys::FileType::from_raw_mode(stat.st_mode) {
        sys::FileType::RegularFile => Shape::File,
        sys::FileType::Directory => Shape::Folder,
        sys::FileType::Symlink => Shape::Link,
        _ => Shape::Special,
    };
    let size = u64::try_from(stat.st_size).unwrap_or_default();
    let seconds = Duration::from_secs(u64::try_from(stat.st_mtime).unwrap_or_default());
    let nanoseconds = Duration::from_nanos(modified_nanoseconds(stat));
    let (device, inode) = file_id(stat);
    let changed = (stat.st_ctime, i64::try_from(stat.st_ctime_nsec).unwrap_or_default());
    Stat {
        shape,
        size,
        modified: UNIX_EPOCH + seconds + nanoseconds,
        identity: (device, inode, size, changed.0, changed.1),
    }
}

/// The error for something else in the place of one of our own folders or files.
pub(crate) fn strange(path: &Path, what: &str) -> Error {
    Error::new(Kind::Refused, format!("Cannot use {}", path.display()))
        .because(format!("{what}, and only regular files and real folders are used here"))
        .hint("check what it is and where it leads; then remove it, or replace it by a real one")
}

/// The same of a link: says where it leads.
pub(crate) fn strange_link(path: &Path) -> Error {
    let target = std::fs::read_link(path).unwrap_or_default();
    let what = match path.canonicalize() {
        Ok(to) => format!("it is a symbolic link to {}", Line(&to.to_string_lossy())),
        Err(_) => format!("it is a symbolic link to {}, which is not there", Line(&target.to_string_lossy())),
    };
    strange(path, &what)
}

fn gone(path: &Path) -> Error {
    Error::new(Kind::Environment, format!("Cannot find {}", path.display()))
        .because("its folder does not exist")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A folder of the user's with a real folder `in`, and one outside with a file in it.
    fn arranged() -> (tempfile::TempDir, PathBuf) {
        let top = tempfile::tempdir().expect("a folder");
        let outside = top.path().join("outside");
        std::fs::create_dir_all(&outside).expect("a folder");
        std::fs::write(outside.join("kept"), "kept").expect("a file");
        std::fs::create_dir_all(top.path().join("own/in")).expect("a folder");
        (top, outside)
    }

    #[test]
    fn the_top_may_be_a_link_and_nothing_below_it() {
        let (top, outside) = arranged();
        symlink(top.path().join("own"), top.path().join("linked")).expect("a link");
        symlink(&outside, top.path().join("own/out")).expect("a link");
        let root = Root::own(&top.path().join("linked"));
        assert!(root.at("in").is_folder());
        assert_eq!(root.at("in/nothing").read(9).expect("read"), None);
        for below in ["out", "out/kept"] {
            let place = root.at(below);
            assert_eq!(place.names().map_err(|error| error.kind()), Err(Kind::Refused), "{below}");
            assert!(place.open_ours(true, true).is_err() && place.read(9).is_err(), "{below}");
        }
        assert_eq!(root.at("out/kept").remove().map_err(|error| error.kind()), Err(Kind::Refused));
        assert_eq!(root.at("../outside/kept").read(9).map_err(|error| error.kind()), Err(Kind::Refused));
        assert!(outside.join("kept").exists());
        root.at("out").remove().expect("the link itself");
        assert!(outside.join("kept").exists() && !top.path().join("own/out").is_symlink());
    }

    #[test]
    fn from_the_anchor_on_every_folder_is_a_real_one_and_is_made() {
        let (top, outside) = arranged();
        let inside = [OsStr::new("a"), OsStr::new("b")];
        let root = Root::below(&top.path().join("own"), &inside);
        assert_eq!(root.at("").names().expect("none yet"), Vec::<OsString>::new());
        assert!(root.at("c").make_folder().expect("made") && !root.at("c").make_folder().expect("there"));
        std::fs::remove_dir_all(top.path().join("own/a")).expect("removed");
        assert!(!root.at("c").exists(), "it is looked for again");
        symlink(&outside, top.path().join("own/a")).expect("a link");
        assert_eq!(root.at("c").make_folder().map_err(|error| error.kind()), Err(Kind::Refused));
    }

    #[test]
    fn what_is_no_plain_file_is_refused_and_not_waited_for() {
        let (top, _) = arranged();
        let root = Root::own(&top.path().join("own"));
        let _listens =
            std::os::unix::net::UnixListener::bind(top.path().join("own/socket")).expect("a socket");
        symlink("/dev/zero", top.path().join("own/link")).expect("a link");
        for name in ["socket", "link", "in"] {
            assert_eq!(root.at(name).read(9).map_err(|error| error.kind()), Err(Kind::Damaged), "{name}");
            let opened = root.at(name).open_ours(true, true);
            assert_eq!(opened.map(|_| ()).map_err(|error| error.kind()), Err(Kind::Refused), "{name}");
        }
    }

    #[test]
    fn a_folder_is_removed_with_links_that_are_not_followed() {
        let (top, outside) = arranged();
        std::fs::write(top.path().join("own/in/file"), "x").expect("a file");
        std::fs::create_dir(top.path().join("own/in/deep")).expect("a folder");
        symlink(&outside, top.path().join("own/in/deep/out")).expect("a link");
        let root = Root::own(&top.path().join("own"));
        root.at("in").remove_all().expect("removed");
        assert!(!root.at("in").exists() && outside.join("kept").exists());
    }
}
