//! The tests of `snap` as a program: real files, real git, the real client.

#[macro_use]
mod support;

mod command_line;
mod crash;
mod damage;
mod diff;
mod diff_properties;
mod drift;
mod failures;
mod frozen;
mod fuzzed;
mod grants;
mod handoff;
mod handoff_base;
mod handoff_hostile;
mod handoff_remote;
mod harness;
mod hooks;
mod hostile;
mod hostile_cases;
mod hunks_oracle;
mod index;
mod jobs;
mod leases;
mod lineage;
mod link;

mod places;
mod random_trees;
mod real_client;
mod redaction;
mod remap;
mod remap_properties;
mod renames;
mod reset_branch;
mod resume;
mod save;
mod secrets;
mod session_state;
mod store;
mod submodules;
mod tidy;
mod together;
mod torture;
mod trust;
mod verify;
mod view;
mod worktrees;
