//! What processes that died have left in `tmp`: drafts of files, and folders of a push or pull.
//!
//! Goes when it is a day old. If something is to be gone for good, it goes at once, because it may hold just that; but not
//! what a process still works on.

use std::ffi::OsStr;

use super::Store;
use super::objects::is_old;
use crate::base::error::Result;
use crate::base::timestamp::Timestamp;
use crate::sys::files;
use crate::sys::locks;
use crate::sys::place::Shape;

impl Store {
    /// Removes what was left there: all of it, or only what is old.
    pub(super) fn sweep_temporary(&self, now: Timestamp, keeps_young: bool) -> Result<()> {
        for name in self.tmp().names()? {
            let place = self.tmp().join(&name);
            let Some(found) = place.stat()?.filter(|found| is_our_temporary(&name, found.shape)) else {
                continue;
            };
            // Links in a folder are removed, not followed.
            if is_old(&found, now) || !keeps_young && !locks::is_worked_on(&place) {
                place.remove_all()?;
            }
        }
        Ok(())
    }
}

/// Says whether a file or folder was made by us for work under way.
fn is_our_temporary(name: &OsStr, shape: Shape) -> bool {
    let name = name.to_string_lossy();
    match shape {
        Shape::Folder => name.starts_with(files::SCRATCH),
        Shape::File => name.starts_with(files::TEMPORARY),
        Shape::Link | Shape::Special => false,
    }
}
