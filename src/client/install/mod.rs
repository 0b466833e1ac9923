//! Putting a session into the client's folders: staged, appended to an existing one, or linked.

pub(super) mod append;
pub(super) mod known;
pub(super) mod links;
pub(super) mod staging;
