//! A checkpoint in two parts: the edits at once, and the conversation behind them.
//!
//! A step waits only for what it can destroy. The edits are published as a snapshot that stands for itself and says where the
//! conversation still is. Then the conversation, as it was at that moment, takes its place in the same snapshot. If that never
//! happens, the edits stay.

use std::path::Path;
use std::time::Duration;

use super::reading::Reading;
use super::{
    CapturedSession, Conversation, Request, Signing, manifest_secrets, prove, schedules, session, state_of,
};
use crate::base::error::{Error, IoContext as _, Kind, Result};
use crate::base::ids::SnapshotId;
use crate::base::timestamp::Timestamp;
use crate::client::FoundSession;
use crate::git::Repository;
use crate::manifest::{Manifest, Session, Skipped, Spoken, Trigger};
use crate::redaction::Redactor;
use crate::workspace::Workspace;

/// Why the conversation is not in a snapshot that was never completed.
const NOT_YET: &str =
    "the conversation was to follow the edits, and did not; this is the file that it was in";

/// How long the process behind the answer may take before nobody counts on it any more.
const PATIENCE: Duration = Duration::from_secs(60);

/// The conversation that is to be added to a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Follows {
    /// How long its transcript was, in bytes: what came later is not of that moment.
    pub bytes: u64,
    /// How many tasks it had: if there are fewer later, the step has removed some.
    pub tasks: usize,
}

impl Follows {
    /// Returns the conversation as it is now; `None` if its transcript can't be looked at.
    pub(super) fn of(found: &FoundSession, root: &Path) -> Option<Follows> {
        let bytes = found.transcript.metadata().ok()?.len();
        Some(Follows { bytes, tasks: found.home.session_files(found, root).tasks.len() })
    }

    /// Refuses a transcript of which a part was taken away.
    fn refuse_shortened(self, transcript: &Path) -> Result<()> {
        let now = transcript.metadata().context("read", transcript)?.len();
        if now >= self.bytes {
            return Ok(());
        }
        Err(Error::new(Kind::Refused, format!("The conversation in {} is not saved", transcript.display()))
            .because("it was shortened by the step that it was to be saved before"))
    }
}

/// Returns what a snapshot says of a session whose conversation follows.
pub(super) fn announced(workspace: &Workspace, found: &FoundSession) -> CapturedSession {
    let live = found.live.as_ref();
    let cwd = live.map_or(workspace.root.as_path(), |live| live.cwd.as_path());
    let session = Session {
        id: found.id.clone(),
        title: None,
        spoken: Spoken::default(),
        client: None,
        entrypoint: None,
        model: None,
        live: live.is_some(),
        status: live.and_then(|live| live.status.clone()),
        waiting_for: None,
        mode: None,
        cwd: cwd.into(),
        other_roots: Vec::new(),
        transcript: None,
        files: Vec::new(),
        elsewhere: Vec::new(),
        team_tasks: false,
        crons: Vec::new(),
        goal: None,
        todos: Vec::new(),
        scripts: Vec::new(),
        added_folders: Vec::new(),
        restrictions: Vec::new(),
        effort: None,
        output_style: None,
        background: live.is_some_and(|live| live.background),
    };
    let mut announced = CapturedSession {
        session: Some(session),
        config: Some(found.home.config().to_owned()),
        ..CapturedSession::default()
    };
    announced.not_captured.files.push(Skipped::at(&found.transcript, NOT_YET));
    announced
}

/// Adds its conversation to a snapshot that was published without. Returns whether that was still to be done: the snapshot may
/// have been removed.
///
/// The work tree is not looked at: the step that the snapshot was made before is changing it.
///
/// # Errors
/// What the client's folders or the disk say; the snapshot stays as it is then.
pub fn complete(
    workspace: &Workspace,
    id: &SnapshotId,
    follows: Follows,
    request: &Request<'_>,
) -> Result<bool> {
    let lock = workspace.store.prepare()?;
    let known = workspace.store.known()?;
    let known = known.iter().find(|one| one.own && one.head.as_ref().is_ok_and(|head| head.id == *id));
    let Some((known, before)) = known.and_then(|known| Some((known, workspace.store.whole(known)?))) else {
        return Ok(false);
    };
    if !is_incomplete(&before) {
        return Ok(false);
    }
    let transcript = request.session.map(|found| found.transcript.as_path());
    transcript.map_or(Ok(()), |transcript| follows.refuse_shortened(transcript))?;
    let mut redactor = Redactor::open(workspace, request.allow_secrets)?;
    // Of the work tree, only the variables that are kept in it.
    if let Some(Ok(listing)) = workspace.repository.as_ref().map(Repository::status_at_once) {
        redactor.know(&workspace.root, &listing);
    }
    let of_session = manifest_secrets::of_session(workspace, request.session);
    let hashed = redactor.learn(&of_session, &[], request.monitor);
    let reading = Reading { most: follows.bytes, ..request.reading() };
    redactor.go_on_from(&before.secrets);
    let mut captured = session::capture(workspace, reading, &lock, &redactor, &hashed)?;
    transcript.map_or(Ok(()), |transcript| follows.refuse_shortened(transcript))?;
    if let Some(gone) = follows.tasks.checked_sub(captured.tasks.len()).filter(|gone| *gone > 0) {
        let why = format!("{gone} of {} were removed by the step before they could be read", follows.tasks);
        captured.not_captured.files.push(Skipped { path: "tasks".to_owned(), reason: why });
    }
    let mut complete = Manifest {
        session: captured.session,
        tasks: captured.tasks,
        queue: captured.queue,
        agents: captured.agents,
        permissions: captured.permissions,
        not_captured: captured.not_captured,
        ..before
    };
    for mut prompt in schedules::left_out(workspace, &complete) {
        redactor.string("a scheduled prompt", &mut prompt);
        complete.not_captured.scheduled.push(prompt);
    }
    complete.state = state_of(&complete);
    manifest_secrets::finish(redactor, &mut complete);
    let _without_harm = prove(workspace, &mut complete, Signing::No)?;
    workspace.store.complete(&lock, known, &complete)
}

/// Says whether a step can rely on an earlier checkpoint of the same edits: if it has its conversation, or if that may still
/// follow and the step would not take it away.
pub(super) fn is_relied_on(earlier: &Manifest, conversation: Conversation, now: Timestamp) -> bool {
    let may_follow = || now.since(earlier.created_at) < PATIENCE && conversation == Conversation::Follows;
    !is_incomplete(earlier) || may_follow()
}

/// Says whether the conversation of a snapshot is still to follow.
fn is_incomplete(manifest: &Manifest) -> bool {
    let waits = |session: &Session| session.transcript.is_none();
    manifest.created_by.trigger == Trigger::Auto && manifest.session.as_ref().is_some_and(waits)
}
