//! Linux: `fsync` waits for the disk's own memory too, and `statx` knows mounts.

use std::ffi::OsStr;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{
    self as sys, AtFlags, FileType, Mode, OFlags, RawDir, ResolveFlags, SeekFrom, StatxAttributes, StatxFlags,
};
use rustix::io::Errno;

pub(super) fn flush(file: impl AsFd) -> Result<(), Errno> {
    sys::fsync(file)
}

pub(super) fn is_mount(folder: impl AsFd, name: &OsStr) -> Option<bool> {
    let stat = sys::statx(folder, name, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::BASIC_STATS).ok()?;
    let can_tell = stat.stx_attributes_mask.contains(StatxAttributes::MOUNT_ROOT);
    can_tell.then(|| stat.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

pub(super) fn open_beneath(folder: impl AsFd, path: &OsStr, flags: OFlags) -> Option<Result<OwnedFd, Errno>> {
    let way = ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_XDEV);
    match sys::openat2(folder, path, flags, Mode::empty(), way) {
        Err(gone @ (Errno::NOENT | Errno::NOTDIR | Errno::LOOP)) => Some(Err(gone)),
        opened => opened.ok().map(Ok),
    }
}

/// What the system says of a folder's content in one call: enough for some hundred names.
const LISTED_AT_ONCE: usize = 16 << 10;

pub(super) fn each_entry(folder: impl AsFd, mut each: impl FnMut(&[u8], FileType)) -> Result<(), Errno> {
    sys::seek(&folder, SeekFrom::Start(0))?;
    let mut buffer = [MaybeUninit::uninit(); LISTED_AT_ONCE];
    let mut listed = RawDir::new(folder, &mut buffer);
    while let Some(entry) = listed.next() {
        let entry = entry?;
        each(entry.file_name().to_bytes(), entry.file_type());
    }
    Ok(())
}

/// File systems that only this machine writes to, by the numbers that `statfs(2)` lists: ext, xfs, btrfs, bcachefs, f2fs, zfs,
/// overlay, tmpfs and ramfs.
const LOCAL: [i128; 9] = [
    0xef53,
    0x5846_5342,
    0x9123_683e,
    0xca45_1a4e,
    0xf2f5_2010,
    0x2fc1_2fc1,
    0x794c_7630,
    0x0102_1994,
    0x8584_58f6,
];

/// Of these, those that make everything durable with one call, and say so if that fails: ext, xfs, btrfs, f2fs, tmpfs.
const SYNCED_AS_A_WHOLE: [i128; 5] = [0xef53, 0x5846_5342, 0x9123_683e, 0xf2f5_2010, 0x0102_1994];

/// The first kernel whose `syncfs` says that writing failed.
const TELLS_ERRORS: (u32, u32) = (5, 8);

pub(super) fn can_sync_all(folder: impl AsFd) -> bool {
    let disk = sys::fstatfs(folder);
    tells_errors() && disk.is_ok_and(|stat| SYNCED_AS_A_WHOLE.contains(&i128::from(stat.f_type)))
}

pub(super) fn sync_all(folder: impl AsFd) -> Result<(), Errno> {
    sys::syncfs(folder)
}

fn tells_errors() -> bool {
    let name = rustix::system::uname();
    let mut numbers = name.release().to_str().unwrap_or_default().split('.').map(str::parse);
    matches!((numbers.next(), numbers.next()), (Some(Ok(one)), Some(Ok(two))) if (one, two) >= TELLS_ERRORS)
}

pub(super) fn waiting() -> Option<u64> {
    let all = std::fs::read_to_string("/proc/meminfo").ok()?;
    let kilobytes = |name: &str| -> Option<u64> {
        let line = all.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix(" kB")?.parse().ok()
    };
    Some((kilobytes("Dirty:")? + kilobytes("Writeback:")?) << 10)
}

pub(super) fn is_local(file: impl AsFd) -> bool {
    sys::fstatfs(file).is_ok_and(|stat| LOCAL.contains(&i128::from(stat.f_type)))
}
