//! The note that a hook leaves for the process which pushes what is shared.
//!
//! It costs a file, and a process that nobody waits for. Nothing that goes wrong with it is told to the agent.

use super::Started;
use crate::base::error::Result;
use crate::base::ids::ClientId;
use crate::cli::wake_pusher;
use crate::git::{Location, Repository};
use crate::space::{self, Note};

/// Leaves a note if the clone takes part in a space.
pub(super) fn note(started: &Started, event: &str) -> Result<()> {
    let input = &started.input;
    let session = input.session_id.as_deref().and_then(ClientId::parse);
    let (Some(session), Some(transcript)) = (session, &input.transcript_path) else { return Ok(()) };
    // What `snap` answers itself is no turn.
    if event == "UserPromptSubmit" && input.prompt.as_deref().is_some_and(super::command::is_ours) {
        return Ok(());
    }
    let context = started.context()?;
    if !space::anything_is_shared(&context) {
        return Ok(());
    }
    let Ok(Location::WorkTree(repository)) = Repository::discover(&context.cwd) else { return Ok(()) };
    let home = repository.home()?;
    if space::joined(&context, &home).is_none() {
        return Ok(());
    }
    let note = Note {
        event: event.to_owned(),
        session,
        transcript: transcript.clone(),
        cwd: context.cwd.clone(),
        at: context.now,
    };
    space::leave_note(&context, &home, &note)?;
    if !space::is_pushed(&context, &home) {
        wake_pusher::push_behind(&context, &home);
    }
    Ok(())
}
