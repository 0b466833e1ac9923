//! `doctor`: a session of this machine is checked without a snapshot, and mended as a new session beside it.
//!
//! What is wrong is what the client would lose of it, or what the API would refuse. The session itself is only read. A
//! mended one is written as a whole or not at all, and only if nothing in it is left that the API refuses.

mod answers;
mod conversation;
mod conversation_record;
mod copy;
mod diagnosis;
mod examine;
mod finding;
mod media;
mod mend;
mod plan;
mod recheck;
mod refusal;
mod treatment;

pub use conversation::{Branch, Turn};
pub use examine::{Examination, Overview, examine, examine_all};
pub use finding::{Effect, Finding, Trouble};
pub use treatment::{Mended, Treatment, mend};
