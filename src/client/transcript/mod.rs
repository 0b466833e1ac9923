//! The transcript of a session: its records read, summarized, validated, repaired and compacted.

pub(in crate::client) mod account;
mod background;
mod blocks;
pub mod call;
pub mod compaction;
mod decision;
pub mod fields;
pub mod queue;
pub mod quiet;
pub mod record;
pub mod recovery;
pub mod repair;
pub mod search;
pub(in crate::client) mod spoken;
pub mod starters;
pub mod steps;
pub mod summary;
pub mod talk;
mod title;
pub mod traces;
pub mod validate;
pub mod words;
