//! Files that are ours: written whole and durably, or not at all.
//!
//! Owns the `tempfile` crate, and `rustix` with `place` and `tree`. The store, the user's state and
//! the lists in the client's folder are written through [`publish`], in places that are reached
//! through real folders only; nothing is ever written in place.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::error::{Error, IoContext, Kind, Result};
use crate::place::{Place, strange};

/// How the names of our temporary files begin.
pub const TEMPORARY: &str = "snap-tmp-";

/// What the names of folders for work under way begin with; long, because whole folders are swept by it.
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

/// Ends a process that this one has started, at once.
pub fn kill(process: u32) {
    let id = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw);
    let _ended = id.map(|id| rustix::process::kill_process(id, rustix::process::Signal::KILL));
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
/// The file is readable by its owner only. The folder is not synced: see [`Place::sync`].
/// Returns whether the file is new (`false`: [`Existing::Keep`] found one).
///
/// # Errors
/// [`Kind::Environment`] with the path, [`Kind::Refused`] if a link is on the way; nothing is left behind.
pub fn publish(tmp: &Place, place: &Place, bytes: &[u8], existing: Existing) -> Result<bool> {
    let mut draft = Draft::begin(tmp)?;
    draft.write_all(bytes).context("write", &place.path())?;
    draft.seal()?.publish(place, existing)
}

/// A file under way: written piece by piece, and gone again unless it is published.
pub struct Draft {
    file: File,
    name: Temporary,
}

/// A file that is whole and durable but has no name yet; gone again unless it is published.
pub struct Sealed(Temporary);

/// A name that goes with this value.
struct Temporary(Option<Place>);

impl Draft {
    /// Begins a file that only its owner can read, in the folder it will be published to or
    /// in another one of the same disk.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn begin(folder: &Place) -> Result<Draft> {
        let place = folder.join(random_name(TEMPORARY)?);
        let file = place.create(0o600)?;
        Ok(Draft { file, name: Temporary(Some(place)) })
    }

    /// Syncs the file and closes it. Many at once: [`all_at_once`].
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn seal(self) -> Result<Sealed> {
        self.file.sync_all().context("write", &self.name.path())?;
        Ok(Sealed(self.name))
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
    pub fn publish(self, place: &Place, existing: Existing) -> Result<bool> {
        self.0.publish(place, existing)
    }
}

impl Temporary {
    fn path(&self) -> std::path::PathBuf {
        self.0.as_ref().map(Place::path).unwrap_or_default()
    }

    fn publish(mut self, place: &Place, existing: Existing) -> Result<bool> {
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
fn random_name(start: &str) -> Result<String> {
    Ok(format!("{start}{}", crate::digest::to_hex(&random_bytes()?[..8])))
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

/// Reads a regular file without following a link in its last component; `None` if it is not there.
///
/// # Errors
/// [`Kind::Environment`] with the path; [`Kind::Damaged`] if it is not a regular file or is
/// larger than `limit` bytes.
pub fn read_plain(path: &Path, limit: u64) -> Result<Option<Vec<u8>>> {
    let Some(file) = open_checked(path, limit)? else { return Ok(None) };
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes).context("read", path)?;
    Ok(Some(bytes))
}

/// Opens a file of somebody else's to be read; a link is followed, and what is no plain file is not waited for.
///
/// # Errors
/// What the system says; [`io::ErrorKind::InvalidInput`] for a pipe, socket or device.
pub fn open_theirs(path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")),
    }
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
        return not_plain(&format!("it has {} bytes, and the most that is read is {limit}", meta.len()));
    }
    Ok(Some(file))
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

/// Replaces a file in a place that is not ours alone as a whole, or makes it, with the folders above; its mode stays.
/// Nothing is written through a link.
///
/// # Errors
/// [`Kind::Refused`] if something else is in its place, [`Kind::Environment`] with the path; the file is then as it was.
pub fn replace_there(place: &Place, bytes: &[u8]) -> Result<()> {
    place.refuse_special()?;
    let old = place.open_plain(u64::MAX)?.map(|old| old.metadata()).transpose();
    let old = old.context("read", &place.path())?;
    place.folder().make_folder()?;
    let temporary = place.folder().join(random_name(".snap-")?);
    let mut file = temporary.create(0o644)?;
    let name = Temporary(Some(temporary));
    let written = file.write_all(bytes).and_then(|()| match old {
        Some(old) => file.set_permissions(old.permissions()),
        None => Ok(()),
    });
    written.and_then(|()| file.sync_all()).context("write", &place.path())?;
    name.publish(place, Existing::Replace)?;
    place.folder().sync()
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
pub fn also_name(place: &Place, second: &Place, tmp: &Place) -> Result<()> {
    if place.link(second).is_ok() {
        return Ok(());
    }
    match place.read(LARGEST_COPY)? {
        Some(bytes) => publish(tmp, second, &bytes, Existing::Keep).map(drop),
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

/// Opens a file that only its owner can read, for appending, and keeps all others out who open it so,
/// until it is closed. Whoever holds it may put another file in its place.
///
/// # Errors
/// [`Kind::Busy`] if another process keeps it for longer, [`Kind::Refused`] if it is no plain file,
/// [`Kind::Environment`] with the path.
pub fn append_alone(place: &Place, patience: Duration) -> Result<File> {
    loop {
        let file = append_private(place)?;
        let path = place.path();
        wait_for(&file, &path, Sharing::Exclusive, patience)?;
        let held = file.metadata().context("read", &path)?;
        // Else another one was put in its place meanwhile.
        if place.stat()?.is_some_and(|named| (named.identity.0, named.identity.1) == (held.dev(), held.ino()))
        {
            return Ok(file);
        }
    }
}

/// Opens a file that only its owner can read, for appending.
///
/// # Errors
/// [`Kind::Refused`] if it is no plain file, [`Kind::Environment`] with the path.
pub fn append_private(place: &Place) -> Result<File> {
    let opened = place.open_ours(true, true)?;
    opened.ok_or_else(|| strange(&place.path(), "it is gone as soon as it was made"))
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
pub fn scratch_folder() -> Result<ScratchFolder> {
    tempfile::Builder::new().prefix("snap-").tempdir().context("create a folder in", &std::env::temp_dir())
}

/// A private folder in the system's place for temporary files, that goes with this value.
pub type ScratchFolder = tempfile::TempDir;

/// A private folder that goes with this value.
pub struct Scratch(Place);

impl Scratch {
    /// Makes an empty one in another folder.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn make(folder: &Place) -> Result<Scratch> {
        let place = folder.join(random_name(SCRATCH)?);
        place.make_folder()?;
        Ok(Scratch(place))
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

/// Gives a file of ours another name, unless something has that (`false`).
///
/// # Errors
/// [`Kind::Environment`] with the path; the file keeps its name then.
pub fn rename_new_in(place: &Place, to: &Place) -> Result<bool> {
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
    place: Place,
}

impl HeldFile {
    /// Writes a new file that is held before it has its name, and syncs it.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn publish(tmp: &Place, place: &Place, bytes: &[u8]) -> Result<HeldFile> {
        let path = place.path();
        let mut draft = Draft::begin(tmp)?;
        draft.file.lock().context("lock", &path)?;
        draft.write_all(bytes).and_then(|()| draft.file.sync_all()).context("write", &path)?;
        let Draft { file, name } = draft;
        match name.publish(place, Existing::Keep)? {
            true => Ok(HeldFile { file, place: place.clone() }),
            false => Err(Error::new(Kind::Environment, format!("Cannot write {}", path.display()))
                .because("a file of that name appeared meanwhile")),
        }
    }

    /// Waits up to `patience` for a file that another process holds; `None` if it is gone.
    ///
    /// # Errors
    /// [`Kind::Busy`] if it is held for longer, [`Kind::Refused`] if it is no plain file,
    /// [`Kind::Environment`] with the path.
    pub fn hold(place: &Place, patience: Duration) -> Result<Option<HeldFile>> {
        let Some(file) = place.open_ours(false, false)? else { return Ok(None) };
        wait_for(&file, &place.path(), Sharing::Exclusive, patience)?;
        let meta = file.metadata().context("read", &place.path())?;
        // Whoever held it may have removed it meanwhile.
        Ok((meta.nlink() > 0).then(|| HeldFile { file, place: place.clone() }))
    }

    /// Returns the file, to be read from where it is.
    pub fn file(&mut self) -> &mut File {
        &mut self.file
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
            .context("write", &self.place.path())
    }

    /// Cuts it to so many bytes, and syncs it.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn truncate(&mut self, bytes: u64) -> Result<()> {
        let cut = self.file.set_len(bytes).and_then(|()| self.file.sync_all());
        cut.context("write", &self.place.path())
    }

    /// Removes it.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn remove(self) -> Result<()> {
        self.place.remove()
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
    /// Waits up to `patience` for a lock on a file, which is created if need be.
    ///
    /// # Errors
    /// [`Kind::Busy`] if another process keeps it out for longer, [`Kind::Refused`] if it is no plain file,
    /// [`Kind::Environment`] with the path.
    pub fn wait(place: &Place, patience: Duration) -> Result<SharedLock> {
        lock(place, Sharing::Shared, patience).map(|file| SharedLock { _file: file })
    }
}

impl ExclusiveLock {
    /// As [`SharedLock::wait`].
    ///
    /// # Errors
    /// As [`SharedLock::wait`].
    pub fn wait(place: &Place, patience: Duration) -> Result<ExclusiveLock> {
        lock(place, Sharing::Exclusive, patience).map(|file| ExclusiveLock { _file: file })
    }
}

fn lock(place: &Place, sharing: Sharing, patience: Duration) -> Result<File> {
    let path = place.path();
    let opened = place.open_ours(false, true)?;
    let file = opened.ok_or_else(|| strange(&path, "it is gone as soon as it was made"))?;
    wait_for(&file, &path, sharing, patience)?;
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
