//! The numbers of a file's status, whose types differ between systems.

use std::time::{Duration, SystemTime};

use rustix::fs::{Mode, Stat};

/// Identifies a file: its disk and its number there.
pub(crate) type FileId = (u64, u64);

/// Returns what identifies the file.
pub(crate) fn file_id(stat: &Stat) -> FileId {
    (widened(stat.st_dev), widened(stat.st_ino))
}

/// Returns the nanoseconds of the time at which the content was modified.
pub(crate) fn modified_nanoseconds(stat: &Stat) -> u64 {
    widened(stat.st_mtime_nsec)
}

/// How long ago a file must have changed for its times to tell the next change: clocks of disks go in steps, by up to 10 ms.
const STEP: Duration = Duration::from_millis(100);

/// The same where times have no parts of a second.
const COARSE_STEP: Duration = Duration::from_secs(3);

/// What the system knows of a file without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileFacts {
    /// Its disk, and its number there.
    pub id: FileId,
    /// In bytes.
    pub size: u64,
    /// When its content was modified: seconds since 1970, and nanoseconds.
    pub modified: (i64, u64),
    /// When anything about it was changed, its name too.
    pub changed: (i64, u64),
    /// The numbers of the user and of the group that it belongs to.
    pub owner: (u32, u32),
    /// Its kind and its permission bits.
    mode: u32,
}

impl FileFacts {
    pub(crate) fn of(stat: &Stat) -> FileFacts {
        FileFacts {
            id: file_id(stat),
            size: widened(stat.st_size),
            modified: (stat.st_mtime, widened(stat.st_mtime_nsec)),
            changed: (stat.st_ctime, widened(stat.st_ctime_nsec)),
            owner: (stat.st_uid, stat.st_gid),
            mode: u32::try_from(widened(stat.st_mode)).unwrap_or_default(),
        }
    }

    /// Facts of no real file: its content was modified then, and has this many bytes.
    #[cfg(test)]
    pub(crate) fn made_up(modified: (i64, u64), size: u64) -> FileFacts {
        FileFacts { id: (1, 2), size, modified, changed: modified, owner: (3, 4), mode: 0o100_644 }
    }

    pub(crate) fn is_file(&self) -> bool {
        self.mode & 0o170_000 == 0o100_000
    }

    /// Returns the permission bits.
    pub fn permissions(&self) -> u32 {
        self.mode & 0o777
    }

    /// Says whether this is the same file with the same content, as far as the system knows. It may have another name.
    pub fn has_content_of(&self, other: &FileFacts) -> bool {
        (self.id, self.size, self.modified) == (other.id, other.size, other.modified)
    }

    /// Says whether whoever changes the file from `now` on gives it other times.
    pub(crate) fn tells_changes_from(&self, now: SystemTime) -> bool {
        let last = self.modified.max(self.changed);
        let step = if last.1 == 0 { COARSE_STEP } else { STEP };
        let Ok(seconds) = u64::try_from(last.0) else { return false };
        let last = Duration::from_secs(seconds) + Duration::from_nanos(last.1);
        now.duration_since(SystemTime::UNIX_EPOCH).is_ok_and(|now| now >= last + step)
    }
}

/// Returns the permission bits.
pub(crate) fn permissions(stat: &Stat) -> u32 {
    u32::try_from(widened(stat.st_mode)).unwrap_or_default() & 0o777
}

/// Returns permission bits as the system takes them.
pub(crate) fn bits(permissions: u32) -> Mode {
    Mode::from_raw_mode(narrowed(permissions))
}

fn widened<T: TryInto<u64>>(number: T) -> u64 {
    number.try_into().unwrap_or(u64::MAX)
}

fn narrowed<T: TryFrom<u32> + Default>(number: u32) -> T {
    number.try_into().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_a_moment_ago_may_change_again_without_another_time() {
        let facts = |changed| FileFacts { changed, ..FileFacts::made_up((50, 1), 3) };
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(100);
        for (changed, tells) in [
            ((100, 0), false),
            ((99, 950_000_000), false),
            ((99, 850_000_000), true),
            ((99, 0), false),
            ((97, 0), true),
            ((200, 1), false),
            ((-1, 1), true),
        ] {
            assert_eq!(facts(changed).tells_changes_from(now), tells, "{changed:?}");
        }
    }
}
