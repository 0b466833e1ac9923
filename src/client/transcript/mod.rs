//! The transcript of a session: its records read, summarized, validated, repaired and compacted.

pub(in crate::client) mod account;
pub mod compaction;
pub mod quiet;
pub mod record;
pub mod recovery;
pub mod repair;
pub(in crate::client) mod spoken;
pub mod starters;
pub mod summary;
pub mod traces;
pub mod validate;
