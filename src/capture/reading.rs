//! What is to be read of a session, and how many bytes that is.

use std::path::Path;

use crate::base::monitor::Monitor;
use crate::client::FoundSession;
use crate::settings::{self, Settings};

/// How much of the conversation to save.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    /// What the client still loads: what came since the last compaction, and what that kept.
    Context,
    /// All of it.
    Full,
    /// None: only the state around it.
    None,
}

impl History {
    /// Returns what a person's settings say, else what the client still loads.
    pub fn of(settings: &Settings) -> History {
        match settings.text(settings::HISTORY).map(str::to_ascii_lowercase).as_deref() {
            Some("full") => History::Full,
            Some("none") => History::None,
            _ => History::Context,
        }
    }
}

/// What is read of a session.
pub(super) struct Reading<'a> {
    /// The session that was found.
    pub(super) found: Option<&'a FoundSession>,
    /// How much of its conversation.
    pub(super) history: History,
    /// Up to which byte its transcript is read, where it is longer.
    pub(super) most: u64,
    /// Is told how far it is.
    pub(super) monitor: &'a Monitor,
}

/// Returns how many bytes there are to be read of a session, as far as its files are there already.
pub(super) fn size_of(found: &FoundSession, root: &Path) -> u64 {
    let files = found.home.session_files(found, root);
    let agents = files.agents.into_iter().filter_map(|agent| agent.transcript);
    let all = agents.chain(files.others.into_iter().map(|(_, path)| path)).chain([found.transcript.clone()]);
    all.filter_map(|path| path.metadata().ok()).map(|meta| meta.len()).sum()
}
