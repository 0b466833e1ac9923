//! Another store in which objects are looked for too: for a dry run of what was fetched and is not to be added.

use super::Store;
use crate::base::digest::ObjectId;
use crate::sys::place::OwnPath;

impl Store {
    /// Returns the same store, which reads the objects that it does not have from another one.
    #[must_use]
    pub fn reading_too(self, other: Store) -> Store {
        Store { beside: Some(Box::new(other)), ..self }
    }

    /// Returns where an object is read.
    pub(super) fn place_to_read(&self, id: ObjectId) -> OwnPath {
        let here = self.object_place(id);
        match &self.beside {
            Some(other) if !here.exists() => other.object_place(id),
            _ => here,
        }
    }
}
