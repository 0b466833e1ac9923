//! Removing snapshots: which ones, and everything that goes with one.
//!
//! A [`RemovalPlan`] says of each snapshot whether it stays, and why; making one changes nothing (`plan.rs`).
//! [`RemovalPlan::carry_out`] consumes it and removes exactly what it says (`removal.rs`). Everything that removes
//! snapshots uses it: `snap prune` and `rm`, hooks that clean up automatic ones, a restore that failed. The
//! same policy (`policy.rs`) decides about snapshots on a remote. It is pure: the present moment is always
//! an argument.

mod also_in;
mod leftovers;
mod plan;
mod policy;
mod remaining;
mod removal;

pub use plan::{Pushed, RemovalPlan, discard_unneeded, judge_pushed, prune_automatic, remove_unneeded};
pub use policy::{Policy, Retention, Verdict};
pub use remaining::{StillThere, forget_links};
pub use removal::{BroughtBack, Removed, bring_back, remove_again};
