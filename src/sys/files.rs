//! Files that are ours: written whole and durably, or not at all.
//!
//! Owns the `tempfile` crate. The store, the user's state and
//! the lists in the client's folder are written through [`publish`], in places that are reached
//! through real folders only; nothing is ever written in place.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{Access, OFlags};
use rustix::io::Errno;

use crate::base::error::{Error, IoContext, Kind, Result};
use crate::sys::disk;
use crate::sys::environment::temporary_files;
use crate::sys::place::{OwnPath, strange, whole};

/// How the names of our temporary files begin.
pub const TEMPORARY: &str = "snap-tmp-";

/// How the names of folders for unfinished work begin. It is long, because the sweep removes whole
/// folders by this name.
pub const SCRATCH: &str = "snap-scratch-";

/// The most that is copied where a file can have no second name.
const LARGEST_COPY: u64 = 1 << 30;

/// Says whether somebody waits at the other end of a pipe for something to read.
pub fn is_waited_for(pipe: &Path) -> bool {
    // Without a reader, this fails at once.
    let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW;
    let opened = OpenOptions::new().write(true).custom_flags(flags.bits().cast_signed()).open(pipe);
    opened.is_ok()
}

/// What to do when the file to publish exists already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Leave it and say so.
    Keep,
    /// Put the new one in its place, atomically.
    Replace,
}

/// Writes a file through a temporary one in `tmp`, synced before it gets its name.
///
/// The file is readable by its owner only. The folder is not synced: see [`OwnPath::sync`].
/// Returns whether the file is new (`false`: [`Existing::Keep`] found one).
///
/// # Errors
/// [`Kind::Environment`] with the path, [`Kind::Refused`] if a link is on the way; nothing is left behind.
pub fn publish(tmp: &OwnPath, place: &OwnPath, bytes: &[u8], existing: Existing) -> Result<bool> {
    let mut draft = Draft::begin(tmp)?;
    draft.write_all(bytes).context("write", &place.path())?;
    draft.seal()?.publish(place, existing)
}

/// A file under way: written piece by piece, and gone again unless it is published.
pub struct Draft {
    pub(super) file: File,
    pub(super) name: Temporary,
}

/// A file that is whole and durable but has no name yet; gone again unless it is published.
pub struct Sealed(Temporary, #[expect(dead_code, reason = "holds the lock until it has its name")] File);

/// A name that goes with this value.
pub(super) struct Temporary(pub(super) Option<OwnPath>);

impl Draft {
    /// Begins a file that only its owner can read, in the folder it will be published to or
    /// in another one of the same disk.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn begin(folder: &OwnPath) -> Result<Draft> {
        Draft::begin_with(folder, TEMPORARY)
    }

    /// The same under a name that begins so, for drafts that somebody may want to remove before the sweep does.
    ///
    /// # Errors
    /// As [`Draft::begin`].
    pub fn begin_with(folder: &OwnPath, start: &str) -> Result<Draft> {
        let place = folder.join(random_name(start)?);
        let file = place.create(0o600)?;
        // So that whoever sweeps sees that it is not left over. Some network disks have no locks.
        let _held = file.try_lock();
        Ok(Draft { file, name: Temporary(Some(place)) })
    }

    /// Returns when it was changed last, in seconds and nanoseconds by the clock of its disk; `None` if the disk says nothing.
    pub fn changed(&self) -> Option<(i64, i64)> {
        self.file.metadata().ok().map(|meta| (meta.ctime(), meta.ctime_nsec()))
    }

    /// Gives the file its name in the place of what has that now, without waiting for the disk: for what a power cut may
    /// take, and a reader recognizes as torn.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path; nothing is left behind.
    pub fn publish_unsynced(self, place: &OwnPath) -> Result<()> {
        drop(self.file);
        self.name.publish(place, Existing::Replace).map(drop)
    }

    /// Syncs the file and closes it. Many at once: [`crate::sys::parallel::wait_for_each`].
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn seal(self) -> Result<Sealed> {
        disk::flush(&self.file).context("write", &self.name.path())?;
        Ok(Sealed(self.name, self.file))
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Sealed {
    /// Gives the file its name. Returns whether it is new (`false`: [`Existing::Keep`] found one).
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path; nothing is left behind.
    pub fn publish(self, place: &OwnPath, existing: Existing) -> Result<bool> {
        self.0.publish(place, existing)
    }
}

impl Temporary {
    fn path(&self) -> std::path::PathBuf {
        self.0.as_ref().map(OwnPath::path).unwrap_or_default()
    }

    pub(super) fn publish(mut self, place: &OwnPath, existing: Existing) -> Result<bool> {
        let Some(temporary) = &self.0 else { return Ok(false) };
        let named = temporary.rename(place, existing == Existing::Replace)?;
        if named {
            self.0 = None;
        }
        Ok(named)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(place) = &self.0 {
            let _swept_after_a_day = place.remove();
        }
    }
}

/// Makes a name up that nobody can guess.
pub(super) fn random_name(start: &str) -> Result<String> {
    Ok(format!("{start}{}", crate::base::digest::to_hex(&random_bytes()?[..8])))
}

/// Reads a regular file without following a link in its last component; `None` if it is not there.
///
/// # Errors
/// [`Kind::Environment`] with the path; [`Kind::Damaged`] if it is not a regular file or is
/// larger than `limit` bytes.
pub fn read_plain(path: &Path, limit: u64) -> Result<Option<Vec<u8>>> {
    let Some(file) = open_checked(path, limit)? else { return Ok(None) };
    whole(file, limit).context("read", path).map(Some)
}

fn open_checked(path: &Path, limit: u64) -> Result<Option<File>> {
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC).bits().cast_signed())
        .open(path);
    let not_plain =
        |why: &str| Err(Error::new(Kind::Damaged, format!("Cannot read {}", path.display())).because(why));
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
            return not_plain("it is a symbolic link, and nothing here is read through links");
        }
        Err(error) => return Err(Error::io("read", path, &error)),
    };
    let meta = file.metadata().context("read", path)?;
    if !meta.is_file() {
        return not_plain("it is not a regular file");
    }
    if meta.len() > limit {
        return not_plain(&format!("it has {} bytes, and the limit is {limit}", meta.len()));
    }
    Ok(Some(file))
}

/// Says whether files could be made in a folder that may not be there yet, as far as the system says that of it or of what it would be
/// made in; tries nothing.
pub fn could_be_written(folder: &Path) -> bool {
    let there = folder.ancestors().find(|one| one.symlink_metadata().is_ok());
    there.is_some_and(|there| rustix::fs::access(there, Access::WRITE_OK | Access::EXEC_OK).is_ok())
}

/// Returns 32 random bytes that nobody can guess.
///
/// # Errors
/// [`Kind::Environment`] if the system gives none.
pub fn random_bytes() -> Result<[u8; 32]> {
    let source = Path::new("/dev/urandom");
    let mut bytes = [0; 32];
    File::open(source).and_then(|mut file| file.read_exact(&mut bytes)).context("read", source)?;
    Ok(bytes)
}

/// Gives one of our files a second name, unless that name exists; makes a copy if there are no hard
/// links. If somebody removed the file meanwhile, nothing is done.
///
/// # Errors
/// [`Kind::Environment`] with the path.
pub fn also_name(place: &OwnPath, second: &OwnPath, tmp: &OwnPath) -> Result<()> {
    if place.link(second).is_ok() {
        return Ok(());
    }
    match place.read(LARGEST_COPY)? {
        Some(bytes) => publish(tmp, second, &bytes, Existing::Keep).map(drop),
        None => Ok(()),
    }
}

/// Gives a file a second name that another file had, or makes a copy where the disk has no hard links.
///
/// # Errors
/// [`Kind::Environment`] with the path.
pub fn name_anew(place: &OwnPath, second: &OwnPath, tmp: &OwnPath) -> Result<()> {
    let third = tmp.join(random_name(TEMPORARY)?);
    if place.link(&third).is_ok() {
        return Temporary(Some(third)).publish(second, Existing::Replace).map(drop);
    }
    match place.read(LARGEST_COPY)? {
        Some(bytes) => publish(tmp, second, &bytes, Existing::Replace).map(drop),
        None => Ok(()),
    }
}

/// Removes a file; one that is not there is removed already.
///
/// # Errors
/// [`Kind::Environment`] with the path.
pub fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", path, &error)),
        _ => Ok(()),
    }
}

/// Opens a file that only its owner can read, for appending.
///
/// # Errors
/// [`Kind::Refused`] if it is no plain file, [`Kind::Environment`] with the path.
pub fn append_private(place: &OwnPath) -> Result<File> {
    let opened = place.open_ours(true, true)?;
    opened.ok_or_else(|| strange(&place.path(), "it disappeared as soon as it was made"))
}

/// Makes a file without a name, in `folder` or, if that is impossible, where the system keeps such
/// files.
///
/// # Errors
/// What the system says about the second place.
pub fn unnamed_file(folder: &Path) -> std::io::Result<File> {
    tempfile::tempfile_in(folder).or_else(|_| tempfile::tempfile())
}

/// Makes an empty private folder in the system's place for temporary files.
///
/// # Errors
/// [`Kind::Environment`] with the path.
pub fn scratch_folder() -> Result<ScratchFolder> {
    scratch_folder_called("snap-")
}

/// The same, with a name that begins like this.
///
/// # Errors
/// As [`scratch_folder`].
pub(super) fn scratch_folder_called(prefix: &str) -> Result<ScratchFolder> {
    let above = temporary_files();
    // Whatever the umask: what is in it may be a secret.
    let only_mine = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    let folder = tempfile::Builder::new().prefix(prefix).permissions(only_mine).tempdir_in(&above);
    folder.map(ScratchFolder).context("create a folder in", &above)
}

/// A private folder in the system's place for temporary files, that goes with this value.
pub struct ScratchFolder(tempfile::TempDir);

impl ScratchFolder {
    /// Returns its path.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Lets it stay, and returns its path.
    pub fn keep(self) -> std::path::PathBuf {
        self.0.keep()
    }

    /// Removes it.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn remove(self) -> Result<()> {
        let path = self.path().to_owned();
        self.0.close().context("remove", &path)
    }
}

/// A private folder that goes with this value.
pub struct Scratch(OwnPath, #[expect(dead_code, reason = "holds the lock")] Option<File>);

impl Scratch {
    /// Makes an empty one in another folder.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn make(folder: &OwnPath) -> Result<Scratch> {
        let place = folder.join(random_name(SCRATCH)?);
        place.make_folder()?;
        let folder = File::open(place.path()).ok().filter(|folder| folder.try_lock().is_ok());
        Ok(Scratch(place, folder))
    }

    /// Returns its path.
    pub fn path(&self) -> std::path::PathBuf {
        self.0.path()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _swept_after_a_day = self.0.remove_all();
    }
}

/// Gives a file of ours another name, unless something has that (`false`).
///
/// # Errors
/// [`Kind::Environment`] with the path; the file keeps its name then.
pub fn rename_new_in(place: &OwnPath, to: &OwnPath) -> Result<bool> {
    place.rename(to, false)
}

/// Gives a file another name, unless one of that name exists (`false`).
///
/// # Errors
/// [`Kind::Environment`] with the path; the file keeps its name then.
pub fn rename_new(from: &Path, to: &Path) -> Result<bool> {
    let from = tempfile::TempPath::try_from_path(from).context("find", from)?;
    let Err(failed) = from.persist_noclobber(to) else { return Ok(true) };
    let _kept = failed.path.keep();
    match failed.error.kind() {
        io::ErrorKind::AlreadyExists => Ok(false),
        _ => Err(Error::io("write", to, &failed.error)),
    }
}

/// Writes a new file that only its owner can read, and syncs it; a file that exists is an error.
///
/// # Errors
/// [`Kind::Environment`] with the path; nothing is left behind.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).context("create", path)?;
    let written = file.write_all(bytes).and_then(|()| disk::flush(&file));
    if written.is_err() {
        let _gone = std::fs::remove_file(path);
    }
    written.context("write", path)
}
