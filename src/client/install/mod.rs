//! A session on its way into the client's folders: staged, appended to what is there, or linked.

pub(super) mod append;
pub(super) mod known;
pub(super) mod links;
pub(super) mod staging;
