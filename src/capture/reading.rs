//! What is to be read of a session, and how many bytes that is.

use super::moment::Moment;
use crate::base::monitor::Monitor;
use crate::client::{FoundSession, SessionFiles};
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
    /// Its files, as they were listed.
    pub(super) files: SessionFiles,
    /// How much of its conversation.
    pub(super) history: History,
    /// The moment of which it is read, if that is past.
    pub(super) moment: Option<Moment<'a>>,
    /// Is told how far it is.
    pub(super) monitor: &'a Monitor,
}

/// Returns how many bytes there are to be read of a session, as far as its files are there already.
pub(super) fn size_of(found: &FoundSession, files: &SessionFiles) -> u64 {
    let agents = files.agents.iter().filter_map(|agent| agent.transcript.as_ref());
    let all = agents.chain(files.others.iter().map(|(_, path)| path)).chain([&found.transcript]);
    all.filter_map(|path| path.metadata().ok()).map(|meta| meta.len()).sum()
}
