//! Removing snapshots: which ones, and everything that goes with one.
//!
//! A [`Plan`] says of each snapshot whether it stays, and why; making one changes nothing (`plan.rs`).
//! [`Plan::carry_out`] consumes it and removes exactly what it says (`removal.rs`). Whoever removes snapshots does
//! it so: `snap prune` and `rm`, hooks that put automatic ones in order, a restore that failed. What is judged on
//! a remote is judged by the same policy (`policy.rs`), which is pure; the present moment is always an argument.

mod plan;
mod policy;
mod removal;

pub use plan::{Plan, Pushed, judge_pushed, prune_automatic, remove_unneeded, shown_name};
pub use policy::{Policy, Verdict};
pub use removal::{Removed, forget_links, is_gone};
