//! Files that are the user's, not ours: read without waiting, replaced as a whole, their links kept.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

use crate::base::error::{Error, IoContext, Result};
use crate::sys::disk;
use crate::sys::files::{Existing, Temporary, random_name};
use crate::sys::place::OwnPath;
use crate::sys::sync::sync_folder;

/// Opens a file that is not ours to be read. A link is followed. Nothing waits for a file that is not a
/// plain file.
///
/// # Errors
/// What the system says; [`io::ErrorKind::InvalidInput`] for a pipe, socket or device.
pub fn open_theirs(path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"))
    }
}

/// Replaces a file, in a place that is not ours alone, as a whole; or makes it, with the folders above.
/// Its mode stays. Nothing is written through a link.
///
/// # Errors
/// [`crate::base::error::Kind::Refused`] if something else is in its place, [`crate::base::error::Kind::Environment`] with the path; the file is then as it was.
pub fn replace_there(place: &OwnPath, bytes: &[u8]) -> Result<()> {
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
    written.and_then(|()| disk::flush(&file)).context("write", &place.path())?;
    name.publish(place, Existing::Replace)?;
    place.folder().sync()
}

/// Replaces a file of the user's as a whole, or makes it, with the folders above; its mode stays.
///
/// A link is followed: it is the user's own, and stays one.
///
/// # Errors
/// [`crate::base::error::Kind::Environment`] with the path; the file is then as it was.
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
    file.write_all(bytes).and_then(|()| disk::flush(file.as_file())).context("write", path)?;
    file.persist(&target).map_err(|failed| Error::io("write", path, &failed.error))?;
    sync_folder(folder)
}
