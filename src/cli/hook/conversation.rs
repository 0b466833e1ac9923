//! Adds the conversation to a checkpoint that was published without: before its step, or behind the answer.

use std::path::Path;

use super::Started;
use crate::base::error::Result;
use crate::base::ids::SnapshotId;
use crate::base::monitor::Monitor;
use crate::capture::{self, Follows, History, Request, Signing};
use crate::context::Context;
use crate::workspace::Workspace;

/// Adds it, as it was when the checkpoint was published.
pub(super) fn add(
    started: &Started,
    context: &Context,
    workspace: &Workspace,
    (snapshot, follows): (&SnapshotId, &Follows),
) -> Result<()> {
    let Some(transcript) = started.transcript().map(Path::new) else { return Ok(()) };
    let session = workspace.client.session_at(transcript)?;
    let monitor = Monitor::default();
    let request = Request {
        history: History::Context,
        sign: Signing::No,
        ..Request::usual(Some(&session), &context.settings, &monitor)
    };
    capture::complete(workspace, snapshot, follows, &request).map(drop)
}
