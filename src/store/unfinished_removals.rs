//! What still has to be done for snapshots that are gone: written down before they go, and struck out when it is done.
//!
//! A snapshot that is gone is found nowhere any more. So whoever is killed, or fails, after its manifest is gone would leave
//! its refs in git, and its name in the log, for ever. Each note is an empty file in `objects/going`, whose name is the id:
//! so it needs no space, and no lock to be made beside others.

use super::objects::is_old;
use super::{DeleteLock, Store};
use crate::base::error::Result;
use crate::base::ids::SnapshotId;
use crate::base::timestamp::Timestamp;
use crate::sys::files;
use crate::sys::place::OwnPath;

/// Ends the name of a note about a snapshot of which nothing is to be left.
const WITH_NAME: &str = ".now";

/// A note about a snapshot that is gone, or was about to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Going {
    /// Its id.
    pub id: SnapshotId,
    /// Whether its name in the log goes too.
    pub with_name: bool,
}

impl Going {
    fn file(&self) -> String {
        format!("{}{}", self.id, if self.with_name { WITH_NAME } else { "" })
    }
}

impl Store {
    /// Writes down that these are about to go.
    ///
    /// # Errors
    /// [`Kind::Environment`](crate::base::error::Kind::Environment) with the path.
    pub fn note_going(&self, all: &[Going]) -> Result<()> {
        if all.is_empty() {
            return Ok(());
        }
        let folder = self.going_folder();
        let made = folder.make_folder()?;
        for one in all {
            files::append_private(&folder.join(one.file()))?;
        }
        folder.sync()?;
        if made { self.objects_folder().sync() } else { Ok(()) }
    }

    /// Writes down that this one may never come, without waiting for the disk: for a save that is killed, not for a power cut.
    pub fn note_coming(&self, id: &SnapshotId) -> Going {
        let (note, folder) = (Going { id: id.clone(), with_name: false }, self.going_folder());
        let place = folder.join(note.file());
        let _best_effort = folder.make_folder().and_then(|_| files::append_private(&place));
        note
    }

    /// Returns what is written down. On a disk where a save may not be seen, only what is older than a day.
    ///
    /// # Errors
    /// As [`Store::note_going`].
    pub fn going(&self, _lock: &DeleteLock, now: Timestamp) -> Result<Vec<Going>> {
        let (mut all, folder) = (Vec::new(), self.going_folder());
        for name in folder.names()? {
            let Some(name) = name.to_str() else { continue };
            let with_name = name.ends_with(WITH_NAME);
            let Some(id) = SnapshotId::parse(name.strip_suffix(WITH_NAME).unwrap_or(name)) else { continue };
            if self.locks_hold() || folder.join(name).stat()?.is_some_and(|found| is_old(&found, now)) {
                all.push(Going { id, with_name });
            }
        }
        Ok(all)
    }

    /// Strikes out what is done.
    ///
    /// # Errors
    /// As [`Store::note_going`].
    pub fn strike_out(&self, done: &[Going]) -> Result<()> {
        let folder = self.going_folder();
        done.iter().try_for_each(|one| folder.join(one.file()).remove())
    }

    fn going_folder(&self) -> OwnPath {
        self.objects_folder().join("going")
    }
}
