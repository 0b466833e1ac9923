//! Workspace snapshots for Claude Code.
//!
//! `snap` saves the whole working state of a Claude Code session (conversation, sub-agents, task queue,
//! permission grants, pending file edits) and brings it back, here or elsewhere. The real `claude --resume`
//! then continues it. The layers, from the bottom: values (pure), `sys`, the edges (`client`, `git`,
//! `store`), the operations (`capture`, `restore`), `cli`. `docs/architecture.md` has the map, and a test
//! checks it.

#![warn(missing_docs, unreachable_pub)]
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr, clippy::exit)]

pub mod audit;
pub mod base;
pub mod capture;
pub mod cli;
pub mod client;
pub mod compare;
pub mod context;
pub mod diff;
pub mod doctor;
pub mod edits;
pub mod git;
pub mod grants;
pub mod json;
pub mod manifest;
pub mod prune;
pub mod redaction;
pub mod remap;
pub mod report;
pub mod restore;
pub mod risk;
pub mod secrets;
pub mod settings;
pub mod space;
pub mod store;
pub mod stored_patch;
pub mod sys;
pub mod transfer;
pub mod trust;
pub mod verify;
pub mod view;
pub mod workspace;
