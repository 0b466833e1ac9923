//! Kernel locks on our own files: shared, exclusive, and on a file that is being worked on. They end with
//! the process.

use std::fs::{File, TryLockError};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::base::error::{Error, IoContext, Kind, Result};
use crate::sys::disk;
use crate::sys::files::{Draft, Existing, append_private};
use crate::sys::place::{OwnPath, strange};

/// Opens a file that only its owner can read, for appending. Everybody else who opens it so waits until
/// it is closed. The holder may put another file in its place.
///
/// # Errors
/// [`Kind::Busy`] if another process keeps it for longer, [`Kind::Refused`] if it is no plain file,
/// [`Kind::Environment`] with the path.
pub fn open_exclusively(place: &OwnPath, patience: Duration) -> Result<File> {
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

/// Says whether a process works on a draft, or in a folder for work under way. A process that died has released its lock.
pub fn is_worked_on(place: &OwnPath) -> bool {
    let locked = |file: File| matches!(file.try_lock(), Err(TryLockError::WouldBlock));
    File::open(place.path()).is_ok_and(locked)
}

/// A file with a kernel lock on it, which ends with this value or with the process.
pub struct HeldFile {
    file: File,
    place: OwnPath,
}

impl HeldFile {
    /// Writes a new file that is held before it has its name, and syncs it.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn publish(tmp: &OwnPath, place: &OwnPath, bytes: &[u8]) -> Result<HeldFile> {
        let path = place.path();
        let mut draft = Draft::begin(tmp)?;
        draft.file.lock().context("lock", &path)?;
        draft.write_all(bytes).and_then(|()| disk::flush(&draft.file)).context("write", &path)?;
        let Draft { file, name } = draft;
        if name.publish(place, Existing::Keep)? {
            Ok(HeldFile { file, place: place.clone() })
        } else {
            Err(Error::new(Kind::Environment, format!("Cannot write {}", path.display()))
                .because("a file of that name appeared meanwhile"))
        }
    }

    /// Waits up to `patience` for a file that another process holds; `None` if it is gone.
    ///
    /// # Errors
    /// [`Kind::Busy`] if it is held for longer, [`Kind::Refused`] if it is no plain file,
    /// [`Kind::Environment`] with the path.
    pub fn hold(place: &OwnPath, patience: Duration) -> Result<Option<HeldFile>> {
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
            .and_then(|()| disk::flush(&*file))
            .context("write", &self.place.path())
    }

    /// Cuts it to so many bytes, and syncs it.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn truncate(&mut self, bytes: u64) -> Result<()> {
        let cut = self.file.set_len(bytes).and_then(|()| disk::flush(&self.file));
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
    pub fn wait(place: &OwnPath, patience: Duration) -> Result<SharedLock> {
        lock(place, Sharing::Shared, patience).map(|file| SharedLock { _file: file })
    }
}

impl ExclusiveLock {
    /// As [`SharedLock::wait`].
    ///
    /// # Errors
    /// As [`SharedLock::wait`].
    pub fn wait(place: &OwnPath, patience: Duration) -> Result<ExclusiveLock> {
        lock(place, Sharing::Exclusive, patience).map(|file| ExclusiveLock { _file: file })
    }
}

/// A lock on a folder, such as the root of a work tree. Nothing is written for it.
pub struct FolderLock {
    _folder: File,
}

impl FolderLock {
    /// Waits up to `patience` for a folder that another process has locked; `None` if folders can't be locked there.
    ///
    /// # Errors
    /// [`Kind::Busy`] if the other process keeps it for longer.
    pub fn wait(path: &Path, patience: Duration) -> Result<Option<FolderLock>> {
        let Ok(folder) = File::open(path) else { return Ok(None) };
        match wait_for(&folder, path, Sharing::Exclusive, patience) {
            Ok(()) => Ok(Some(FolderLock { _folder: folder })),
            Err(error) if error.kind() == Kind::Busy => Err(error),
            // Some network disks have no locks.
            Err(_) => Ok(None),
        }
    }
}

fn lock(place: &OwnPath, sharing: Sharing, patience: Duration) -> Result<File> {
    let path = place.path();
    let opened = place.open_ours(false, true)?;
    let file = opened.ok_or_else(|| strange(&path, "it disappeared as soon as it was made"))?;
    wait_for(&file, &path, sharing, patience)?;
    Ok(file)
}

/// How many wait for a lock that another process holds.
static WAITING: AtomicUsize = AtomicUsize::new(0);

/// Says whether this process waits for another one that holds a lock.
pub fn is_waiting() -> bool {
    WAITING.load(Ordering::Relaxed) > 0
}

struct Waiting;

impl Waiting {
    fn begin() -> Waiting {
        WAITING.fetch_add(1, Ordering::Relaxed);
        Waiting
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        WAITING.fetch_sub(1, Ordering::Relaxed);
    }
}

fn wait_for(file: &File, path: &Path, sharing: Sharing, patience: Duration) -> Result<()> {
    let give_up = Instant::now() + patience;
    let mut waiting = None;
    loop {
        let tried = match sharing {
            Sharing::Shared => file.try_lock_shared(),
            Sharing::Exclusive => file.try_lock(),
        };
        match tried {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if Instant::now() < give_up => {
                waiting.get_or_insert_with(Waiting::begin);
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(TryLockError::WouldBlock) => {
                return Err(Error::new(Kind::Busy, format!("Cannot lock {}", path.display()))
                    .because(format!("another snap has held it for {} s", patience.as_secs()))
                    .hint("wait until the other one ends; the lock ends with its process, so nothing has to be cleaned up"));
            }
            Err(TryLockError::Error(error)) => return Err(Error::io("lock", path, &error)),
        }
    }
}
