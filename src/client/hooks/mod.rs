//! The client's hooks: their input, the journal of it, and the settings that call `snap`.

pub(super) mod input;
pub(super) mod journal;
pub(super) mod settings;
pub(super) mod setup;
