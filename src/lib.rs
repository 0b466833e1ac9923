//! Workspace snapshots for Claude Code.
//!
//! `snap` saves the whole working state of a Claude Code session (conversation, sub-agents,
//! task queue, permission grants, pending file edits) and brings it back, here or elsewhere,
//! so that the real `claude --resume` goes on. The layers, from the bottom: values (pure),
//! `fs`, the edges (`git`, `session`, `store`), the operations (`capture`, `restore`), `cli`.
//! `docs/architecture.md` has the map; a test keeps it true.

#![warn(missing_docs, unreachable_pub)]
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr, clippy::exit)]

pub mod absent;
pub mod audit;
pub mod bundle;
pub mod capture;
pub mod chunks;
pub mod cli;
pub mod compare;
pub mod compress;
pub mod context;
pub mod convert;
pub mod diff;
pub mod digest;
pub mod edit;
pub mod edits;
pub mod error;
pub mod fs;
pub mod git;
pub mod grants;
pub mod handoff;
pub mod hunks;
pub mod ids;
pub mod interrupt;
pub mod json_edit;
pub mod json_shape;
pub mod keeper;
pub mod manifest;
pub mod paths;
pub mod place;
pub mod programs;
pub mod progress;
pub mod proofs;
pub mod redaction;
pub mod remap;
pub mod renames;
pub mod restore;
pub mod retention;
pub mod risk;
pub mod screen;
pub mod secrets;
pub mod sensitive;
pub mod session;
pub mod store;
pub mod timestamp;
pub mod tree;
pub mod trust;
pub mod verify;
pub mod view;
pub mod workspace;
