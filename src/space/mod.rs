//! Spaces: one project on many machines and by many people, each session visible as it is now.
//!
//! A clone takes part only if its person said so. Then each session has a head on the remote, a ref that moves, and what was done
//! is in a log there that is only added to. Others look at the heads, follow one, and go on from it as from any snapshot that
//! somebody else saved: nothing of it is run or believed. There is no server but the git remote.

mod chain;
mod find;
mod follow;
mod forget;
mod history;
mod joined;
mod log_lines;
mod machine;
mod memory;
mod notes;
mod pace;
mod presence;
mod push;
mod round;
mod settle;
mod states;
mod withdraw;
mod work;

pub use find::{bring, bring_aside, find_session, may_mean_session};
pub use follow::{Followed, News};
pub use forget::forget_kept;
pub use history::{AuditLine, History, fetched_entries, history};
pub use joined::{
    FormerRemote, Joined, JoinedAll, anything_is_shared, home_of, is_moved, join, join_all, join_command,
    joined, joined_all, leave, noted,
};
pub use log_lines::last_line;
pub use memory::{Memory, OwnHead, is_taken_back, memory};
pub use notes::{Note, Notes, leave_note, state_after};
pub use pace::USUAL as USUAL_PAUSE;
pub use presence::{Looker, Present, usual_remote};
pub use push::push;
pub use round::{Pusher, Round, become_pusher, has_notes, is_pushed, round};
pub use states::line_states_of_all;
pub use withdraw::{Withdrawal, withdraw};
pub use work::{Asked, Pushed};
