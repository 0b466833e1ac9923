//! What `resume`, `rewind` and `undo` share: the plan is made, shown, agreed to and carried out, and the
//! result is reported.

mod args;
mod concerns;
pub(crate) mod conflict_question;
mod consent;
mod done;
mod edit;
mod flow;
mod grants;
mod launch;
mod lease_check;
mod making;
mod merge_report;
mod new_work_tree;
mod queued_prompts;
mod report;
mod revival;
mod says_where;
mod unfilled;

pub(crate) use args::RestoreArgs;
pub(crate) use consent::ConsentArgs;
pub(crate) use done::{say_moved, warn_of_left, warn_of_unlogged};
pub(crate) use flow::planning;
pub(crate) use launch::{Launch, before_client};
pub(crate) use lease_check::{RESUMED, current_program};
pub(crate) use making::{left, making};
pub(crate) use new_work_tree::NewWorkTree;
pub(crate) use report::RestoreReport;
pub(crate) use revival::{Alive, RevivalArgs};
pub(crate) use says_where::say_where;
