//! Files that are ours: written whole and durably, or not at all.
//!
//! Owns the `tempfile` and `rustix` crates, with `tree`, which does the same for the user's
//! work tree. The store and the client's session folders are written through [`publish`];
//! nothing is ever written in place.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::error::{Error, IoContext, Kind, Result};

/// How the names of our temporary files begin.
pub const TEMPORARY: &str = "snap-tmp-";

/// What the names of folders for work under way begin with; long, because whole folders are swept by it.
pub const SCRATCH: &str = "snap-scratch-";

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
/// The file is readable by its owner only. The folder is not synced: see [`sync_folder`].
/// Returns whether the file is new (`false`: [`Existing::Keep`] found one).
///
/// # Errors
/// [`Kind::Environment`] with the path; nothing is left behind.
pub fn publish(tmp: &Path, path: &Path, bytes: &[u8], existing: Existing) -> Result<bool> {
    let mut file = tempfile::Builder::new()
        .prefix(TEMPORARY)
        .tempfile_in(tmp)
        .context("create a temporary file in", tmp)?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).context("write", path)?;
    let done = match existing {
        Existing::Keep => file.persist_noclobber(path),
        Existing::Replace => file.persist(path),
    };
    match done {
        Ok(_) => Ok(true),
        Err(failed) if failed.error.kind() == io::ErrorKind::AlreadyExists && existing == Existing::Keep => {
            Ok(false)
        }
        Err(failed) => Err(Error::io("write", path, &failed.error)),
    }
}

/// A file under way: written piece by piece, and gone again unless it is published.
pub struct Draft(tempfile::NamedTempFile);

/// A file that is whole and durable but has no name yet; gone again unless it is published.
pub struct Sealed(tempfile::TempPath);

impl Draft {
    /// Begins a file that only its owner can read, in the folder it will be published to or
    /// in another one of the same disk.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn begin(folder: &Path) -> Result<Draft> {
        let made = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(folder);
        made.map(Draft).context("create a temporary file in", folder)
    }

    /// Syncs the file and closes it. Many at once: [`all_at_once`].
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn seal(self) -> Result<Sealed> {
        self.0.as_file().sync_all().context("write", self.0.path())?;
        Ok(Sealed(self.0.into_temp_path()))
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Sealed {
    /// Gives the file its name. Returns whether it is new (`false`: [`Existing::Keep`] found one).
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path; nothing is left behind.
    pub fn publish(self, path: &Path, existing: Existing) -> Result<bool> {
        let done = match existing {
            Existing::Keep => self.0.persist_noclobber(path),
            Existing::Replace => self.0.persist(path),
        };
        match done {
            Ok(()) => Ok(true),
            Err(failed)
                if failed.error.kind() == io::ErrorKind::AlreadyExists && existing == Existing::Keep =>
            {
                Ok(false)
            }
            Err(failed) => Err(Error::io("write", path, &failed.error)),
        }
    }
}

/// How many syncs are under way at a time: the disk makes those durable together that wait together.
const SYNCS_AT_ONCE: usize = 32;

/// Does something that waits for the disk to each of these, many at a time.
///
/// # Errors
/// What the first of the works that fail says; none is begun after that.
pub fn all_at_once<T: Send>(items: Vec<T>, work: impl Fn(T) -> Result<()> + Sync) -> Result<()> {
    let threads = items.len().min(SYNCS_AT_ONCE);
    if threads < 2 {
        return items.into_iter().try_for_each(work);
    }
    let left = std::sync::Mutex::new(Ok(items.into_iter()));
    let next = || left.lock().ok()?.as_mut().ok()?.next();
    let work_on = || {
        while let Some(item) = next() {
            if let (Err(error), Ok(mut left)) = (work(item), left.lock())
                && left.is_ok()
            {
                *left = Err(error);
            }
        }
    };
    std::thread::scope(|scope| {
        // Where no more threads can be had, those that are there do it all.
        let start = || std::thread::Builder::new().spawn_scoped(scope, work_on).is_ok();
        let _started = (1..threads).take_while(|_| start()).count();
        work_on();
    });
    match left.into_inner() {
        Ok(left) => left.map(drop),
        Err(_) => Err(Error::new(Kind::Bug, "A thread that syncs files failed")),
    }
}

/// Makes the names in a folder durable.
///
/// Some network file systems can't sync a folder (EINVAL, ENOTSUP); that is tolerated, a
/// real write error is not.
///
/// # Errors
/// [`Kind::Environment`] with the path.
pub fn sync_folder(path: &Path) -> Result<()> {
    sync_open_folder(&File::open(path).context("open", path)?, path)
}

/// As [`sync_folder`], for a folder that is open.
///
/// # Errors
/// [`Kind::Environment`] with the path.
pub fn sync_open_folder(folder: impl std::os::fd::AsFd, path: &Path) -> Result<()> {
    match rustix::fs::fsync(folder) {
        Ok(()) | Err(Errno::INVAL | Errno::NOTSUP | Errno::NOTTY) => Ok(()),
        Err(errno) => Err(Error::io("sync", path, &errno.into())),
    }
}

/// Makes a folder, with those above it, that only its owner can enter; returns whether it is new.
///
/// # Errors
/// [`Kind::Refused`] if a link is in its place, [`Kind::Environment`] with the path.
pub fn make_private_folder(path: &Path) -> Result<bool> {
    match path.symlink_metadata() {
        Ok(meta) if meta.is_dir() => return Ok(false),
        Ok(meta) if meta.is_symlink() => {
            return Err(Error::new(Kind::Refused, format!("Cannot write into {}", path.display()))
                .because("it is a symbolic link, and nothing here is written through links")
                .hint("look where it leads; then remove it, or put a real folder in its place"));
        }
        _ => {}
    }
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).context("create", path)?;
    Ok(true)
}

/// Reads a regular file without following a link in its last component; `None` if it is not there.
///
/// # Errors
/// [`Kind::Environment`] with the path; [`Kind::Damaged`] if it is not a regular file or is
/// larger than `limit` bytes.
pub fn read_plain(path: &Path, limit: u64) -> Result<Option<Vec<u8>>> {
    Ok(read_checked(path, limit)?.map(|(bytes, _)| bytes))
}

/// Opens a regular file to be read from its start; `None` if it is not there.
///
/// # Errors
/// As [`read_plain`].
pub fn open_plain(path: &Path, limit: u64) -> Result<Option<File>> {
    Ok(open_checked(path, limit)?.map(|(file, _)| file))
}

fn read_checked(path: &Path, limit: u64) -> Result<Option<(Vec<u8>, std::fs::Metadata)>> {
    let Some((file, meta)) = open_checked(path, limit)? else { return Ok(None) };
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes).context("read", path)?;
    Ok(Some((bytes, meta)))
}

fn open_checked(path: &Path, limit: u64) -> Result<Option<(File, std::fs::Metadata)>> {
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
        return not_plain(&format!("it has {} bytes, and the most that is read is {limit}", meta.len()));
    }
    Ok(Some((file, meta)))
}

/// Reads a regular file that nobody but its owner, this user, may read or write; `None` if it is not there.
///
/// # Errors
/// [`Kind::Refused`] if others may, else as [`read_plain`].
pub fn read_private(path: &Path, limit: u64) -> Result<Option<Vec<u8>>> {
    let Some((bytes, meta)) = read_checked(path, limit)? else { return Ok(None) };
    let refused = |why: &str, hint: String| {
        Err(Error::new(Kind::Refused, format!("Cannot use {}", path.display())).because(why).hint(hint))
    };
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return refused("it belongs to another user", "move it away".to_owned());
    }
    if meta.mode() & 0o077 != 0 {
        let hint = format!("if nobody had a look at it: chmod 600 {}", path.display());
        return refused("other users can read or write it", hint);
    }
    Ok(Some(bytes))
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

/// Replaces a file of the user's as a whole, or makes it, with the folders above; its mode stays.
///
/// A link is followed: it is the user's own, and stays one.
///
/// # Errors
/// [`Kind::Environment`] with the path; the file is then as it was.
pub fn replace_theirs(path: &Path, bytes: &[u8]) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let target = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = target.parent().unwrap_or(Path::new("/"));
    std::fs::create_dir_all(folder).context("create", folder)?;
    let mode = target.metadata().map_or(0o644, |meta| meta.permissions().mode() & 0o777);
    let mut file = tempfile::Builder::new()
        .prefix(".snap-")
        .permissions(std::fs::Permissions::from_mode(mode))
        .tempfile_in(folder)
        .context("create a temporary file in", folder)?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).context("write", path)?;
    file.persist(&target).map_err(|failed| Error::io("write", path, &failed.error))?;
    sync_folder(folder)
}

/// Gives a file of ours a second name, if nothing has that yet; a copy where there are no hard links.
/// A file that somebody removed meanwhile needs none.
///
/// # Errors
/// [`Kind::Environment`] with the path.
pub fn also_name(path: &Path, second: &Path, tmp: &Path) -> Result<()> {
    match std::fs::hard_link(path, second) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(_) => match std::fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            read => publish(tmp, second, &read.context("read", path)?, Existing::Keep).map(|_| ()),
        },
    }
}

/// Makes a file of ours as young as one that was just written; returns whether it was there.
///
/// # Errors
/// [`Kind::Environment`] with the path, unless it is somebody else's file or disk: its age is no promise then.
pub fn refresh(path: &Path) -> Result<bool> {
    match File::open(path).and_then(|file| file.set_modified(std::time::SystemTime::now())) {
        Ok(()) => Ok(true),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound => Ok(false),
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Ok(true),
            _ => Err(Error::io("touch", path, &error)),
        },
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

/// Removes a folder with all that is in it; links in it are removed, not followed.
///
/// # Errors
/// [`Kind::Environment`] with the path.
pub fn remove_folder(path: &Path) -> Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", path, &error)),
        _ => Ok(()),
    }
}

/// Opens a file for appending as [`append_private`] does, and keeps all others out who open it so,
/// until it is closed. Whoever holds it may put another file in its place.
///
/// # Errors
/// [`Kind::Busy`] if another process keeps it for longer, [`Kind::Environment`] with the path.
pub fn append_alone(path: &Path, patience: Duration) -> Result<File> {
    loop {
        let file = append_private(path)?;
        wait_for(&file, path, Sharing::Exclusive, patience)?;
        let held = file.metadata().context("read", path)?;
        match path.symlink_metadata() {
            Ok(named) if (named.dev(), named.ino()) == (held.dev(), held.ino()) => return Ok(file),
            // Another one was put in its place meanwhile.
            _ => {}
        }
    }
}

/// Opens a file that only its owner can read, for appending.
///
/// # Errors
/// [`Kind::Environment`] with the path.
pub fn append_private(path: &Path) -> Result<File> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)
        .context("open", path)
}

/// Makes a file without a name, in `folder` or, if that can't be, where the system keeps such files.
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
pub fn scratch_folder() -> Result<tempfile::TempDir> {
    tempfile::Builder::new().prefix("snap-").tempdir().context("create a folder in", &std::env::temp_dir())
}

/// A private folder that goes with this value.
pub struct Scratch(tempfile::TempDir);

impl Scratch {
    /// Makes an empty one in another folder.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn make(folder: &Path) -> Result<Scratch> {
        let made = tempfile::Builder::new().prefix(SCRATCH).tempdir_in(folder);
        made.map(Scratch).context("create a folder in", folder)
    }

    /// Returns its path.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

/// Says whether a process of this id exists.
pub fn process_exists(pid: i32) -> bool {
    let exists = |pid| rustix::process::test_kill_process(pid) != Err(Errno::SRCH);
    rustix::process::Pid::from_raw(pid).is_some_and(exists)
}

/// Leaves the terminal and its group of processes: the end of either is no longer this program's.
pub fn leave_terminal() {
    // Already the leader of a session: it has left.
    let _left = rustix::process::setsid();
}

/// Returns the user's number as text, for users without a name.
pub fn user_number() -> String {
    rustix::process::getuid().as_raw().to_string()
}

/// Returns the machine's name.
pub fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
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
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if written.is_err() {
        let _gone = std::fs::remove_file(path);
    }
    written.context("write", path)
}

/// Makes the content of a file durable that somebody else wrote.
///
/// # Errors
/// [`Kind::Environment`] with the path.
pub fn sync_file(path: &Path) -> Result<()> {
    File::open(path).and_then(|file| file.sync_all()).context("sync", path)
}

/// A file with a kernel lock on it, which ends with this value or with the process.
pub struct HeldFile {
    file: File,
    path: std::path::PathBuf,
}

impl HeldFile {
    /// Writes a new file that is held before it has its name, and syncs it.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn publish(tmp: &Path, path: &Path, bytes: &[u8]) -> Result<HeldFile> {
        let mut file = tempfile::Builder::new()
            .prefix(TEMPORARY)
            .tempfile_in(tmp)
            .context("create a temporary file in", tmp)?;
        file.as_file().lock().context("lock", path)?;
        file.write_all(bytes).and_then(|()| file.as_file().sync_all()).context("write", path)?;
        let file = file.persist_noclobber(path).map_err(|failed| Error::io("write", path, &failed.error))?;
        Ok(HeldFile { file, path: path.to_owned() })
    }

    /// Waits up to `patience` for a file that another process holds; `None` if it is gone.
    ///
    /// # Errors
    /// [`Kind::Busy`] if it is held for longer, [`Kind::Environment`] with the path.
    pub fn hold(path: &Path, patience: Duration) -> Result<Option<HeldFile>> {
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        let file = match OpenOptions::new().read(true).write(true).custom_flags(flags).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.context("open", path)?,
        };
        wait_for(&file, path, Sharing::Exclusive, patience)?;
        let meta = file.metadata().context("read", path)?;
        // Whoever held it may have removed it meanwhile.
        Ok((meta.nlink() > 0).then(|| HeldFile { file, path: path.to_owned() }))
    }

    /// Reads it from its beginning.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn read(&mut self, limit: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let file = &mut self.file;
        file.seek(SeekFrom::Start(0))
            .and_then(|_| file.take(limit).read_to_end(&mut bytes))
            .context("read", &self.path)?;
        Ok(bytes)
    }

    /// Adds to its end, and syncs it.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        let file = &mut self.file;
        file.seek(SeekFrom::End(0))
            .and_then(|_| file.write_all(bytes))
            .and_then(|()| file.sync_all())
            .context("write", &self.path)
    }

    /// Cuts it to so many bytes, and syncs it.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn truncate(&mut self, bytes: u64) -> Result<()> {
        self.file.set_len(bytes).and_then(|()| self.file.sync_all()).context("write", &self.path)
    }

    /// Removes it.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn remove(self) -> Result<()> {
        remove(&self.path)
    }
}

/// Whether a lock lets others of its kind in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sharing {
    Shared,
    Exclusive,
}

/// A lock that any number of processes can hold at a time, but none beside an [`ExclusiveLock`].
pub struct SharedLock {
    _file: File,
}

/// A lock that keeps everybody else out.
pub struct ExclusiveLock {
    _file: File,
}

impl SharedLock {
    /// Waits up to `patience` for a lock on the file at `path`, which is created if need be.
    ///
    /// # Errors
    /// [`Kind::Busy`] if another process keeps it out for longer, [`Kind::Environment`] with the path.
    pub fn wait(path: &Path, patience: Duration) -> Result<SharedLock> {
        lock(path, Sharing::Shared, patience).map(|file| SharedLock { _file: file })
    }
}

impl ExclusiveLock {
    /// As [`SharedLock::wait`].
    ///
    /// # Errors
    /// As [`SharedLock::wait`].
    pub fn wait(path: &Path, patience: Duration) -> Result<ExclusiveLock> {
        lock(path, Sharing::Exclusive, patience).map(|file| ExclusiveLock { _file: file })
    }
}

fn lock(path: &Path, sharing: Sharing, patience: Duration) -> Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)
        .context("open", path)?;
    wait_for(&file, path, sharing, patience)?;
    Ok(file)
}

fn wait_for(file: &File, path: &Path, sharing: Sharing, patience: Duration) -> Result<()> {
    let give_up = Instant::now() + patience;
    loop {
        let tried = match sharing {
            Sharing::Shared => file.try_lock_shared(),
            Sharing::Exclusive => file.try_lock(),
        };
        match tried {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if Instant::now() < give_up => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(TryLockError::WouldBlock) => {
                return Err(Error::new(Kind::Busy, format!("Cannot lock {}", path.display()))
                    .because(format!("another snap has held it for {} s", patience.as_secs()))
                    .hint("wait for the other one to end; the lock ends with its process and needs no cleaning up"));
            }
            Err(TryLockError::Error(error)) => return Err(Error::io("lock", path, &error)),
        }
    }
}
