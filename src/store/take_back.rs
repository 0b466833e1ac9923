//! Takes back what was written for a snapshot that came to nothing: on a disk that is full, it would be in everybody's way.

use std::path::Path;
use std::time::Duration;

use super::objects::Destination;
use super::{DeleteLock, Store};
use crate::base::digest::ObjectId;
use crate::base::error::Result;
use crate::base::timestamp::Timestamp;
use crate::sys::locks::ExclusiveLock;
use crate::sys::parallel::held;

/// How long it waits for others that work in the store: a step may be waiting too, and the next sweep takes what stays.
const PATIENCE: Duration = Duration::from_secs(1);

impl Store {
    /// Removes the objects that were written since the last snapshot was published, as far as no snapshot needs them: another
    /// save may. No lock of this store may be held.
    ///
    /// # Errors
    /// [`Kind::Busy`](crate::base::error::Kind::Busy) if others work in the store; what was written stays there for a day then.
    pub fn take_back(&self) -> Result<()> {
        let written = std::mem::take(&mut *held(&self.unpublished));
        if written.is_empty() || !self.locks_hold() {
            return Ok(());
        }
        let _lock = DeleteLock { _lock: ExclusiveLock::wait(&self.lock_place(), PATIENCE)? };
        // Without a moment, nothing in the trash is over.
        let now = self.now.unwrap_or(Timestamp::from_millis(0));
        let Ok(unneeded) = self.unneeded(&[].into(), Destination::Trash, now, false)? else { return Ok(()) };
        let is_written = |path: &Path| {
            let id = path.file_stem().and_then(|stem| stem.to_str()).and_then(ObjectId::parse);
            id.is_some_and(|id| written.contains(&id))
        };
        let places = unneeded.objects.iter().map(|(place, _)| place);
        places.filter(|place| is_written(&place.path())).try_for_each(|place| place.remove())
    }
}
