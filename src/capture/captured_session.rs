//! What a save takes from the client's files, before it stands in a manifest.

use std::path::PathBuf;

use serde_json::value::RawValue;

use crate::base::warning::Warning;
use crate::manifest::{Agent, NotCaptured, Permissions, Session};

/// The parts of a manifest that come from the client's files.
#[derive(Default)]
pub(super) struct CapturedSession {
    pub(super) session: Option<Session>,
    /// The configuration folder that it is from.
    pub(super) config: Option<PathBuf>,
    pub(super) tasks: Vec<Box<RawValue>>,
    pub(super) queue: Vec<String>,
    pub(super) agents: Vec<Agent>,
    pub(super) permissions: Permissions,
    pub(super) not_captured: NotCaptured,
    pub(super) notes: Vec<Warning>,
}
