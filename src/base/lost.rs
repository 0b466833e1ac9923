//! What of a session does not come back by itself, by kind. Pure.

/// What of a session does not come back by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// A prompt that waited in the queue.
    Queued,
    /// A prompt that would have been sent at some time.
    Scheduled,
    /// A process in the background.
    Process,
    /// A team of agents.
    Team,
    /// An option of the client.
    Option,
}

impl Lost {
    /// Says so of one of them.
    pub(super) fn text(self) -> &'static str {
        match self {
            Lost::Queued => "A prompt was still queued",
            Lost::Scheduled => "A scheduled prompt is not restored",
            Lost::Process => "A background process is not restored",
            Lost::Team => "A team of agents is not restored",
            Lost::Option => "An option of the client no longer applies",
        }
    }
}
