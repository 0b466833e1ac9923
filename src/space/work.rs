//! What one push works on, who asked for it, and what became of it.

use std::time::Duration;

use super::joined::Joined;
use crate::context::Context;
use crate::transfer::SessionState;
use crate::workspace::Workspace;

/// How long one push waits for another one of this machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

/// Who asked for a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A hook, by a note.
    Note,
    /// A person, who is told of everything.
    Person,
}

/// What a push did.
#[derive(Debug, Default)]
pub struct Pushed {
    /// The sessions whose heads were moved, with what they do.
    pub heads: Vec<(String, SessionState)>,
    /// The sessions that are held back, and why.
    pub held: Vec<(String, String)>,
    /// How many lines of the log were sent.
    pub lines: u64,
    /// What happened on the remote without this machine, for a person.
    pub told: Vec<String>,
}

/// What one push works on.
pub(super) struct Work<'a> {
    pub(super) context: &'a Context,
    pub(super) joined: &'a Joined,
    pub(super) workspace: &'a Workspace,
    pub(super) asked: Asked,
}
