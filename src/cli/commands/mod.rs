//! The commands, one in each file: what each takes, and what it prints.

pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod demo;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod export;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod lease;
pub(crate) mod link;
pub(crate) mod list;
pub(crate) mod log;
pub(crate) mod man;
pub(crate) mod pin;
pub(crate) mod prune;
pub(crate) mod pull;
pub(crate) mod push;
pub(crate) mod report;
pub(crate) mod resume;
pub(crate) mod rewind;
pub(crate) mod save;
pub(crate) mod show;
pub(crate) mod status;
mod talk;
pub(crate) mod undo;
pub(crate) mod verify;
pub(crate) mod view;
