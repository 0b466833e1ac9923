//! The numbers of a file's status, whose types differ between systems.

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
