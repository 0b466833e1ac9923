//! The tests of `snap` as a program: real files, real git, the real client.

#[macro_use]
mod support;

mod diff;
mod diff_properties;
mod frozen;
mod harness;
mod hunks_oracle;
mod places;
mod real_client;
mod remap;
mod remap_properties;
mod resume;
mod save;
mod store;
mod tidy;
mod worktrees;
