//! A checkpoint in two parts: the edits at once, and the conversation behind them.
//!
//! A step waits only for what it can destroy. The edits are published as a snapshot that stands for itself and says where the
//! conversation still is. Then the conversation, as it was at that moment, takes its place in the same snapshot. If that never
//! happens, the edits stay.

use std::fs::Metadata;
use std::path::PathBuf;
use std::time::Duration;

use super::moment::{Follows, Moment, is_beside_tasks};
use super::reading::Reading;
use super::side_files::SideFiles;
use super::{
    CapturedSession, Conversation, Request, Signing, manifest_secrets, prove, schedules, session,
    small_files, state_of,
};
use crate::base::error::Result;
use crate::base::ids::SnapshotId;
use crate::base::timestamp::Timestamp;
use crate::client::{FoundSession, SessionFiles};
use crate::git::Repository;
use crate::manifest::{Manifest, Session, Skipped, Trigger};
use crate::redaction::{Hashed, Redactor};
use crate::store::{AddLock, UnreadEntry};
use crate::workspace::Workspace;

/// Why the conversation is not in a snapshot that was never completed.
const NOT_YET: &str =
    "the conversation was to follow the edits, and did not; this is the file that it was in";

/// Clocks of disks are behind by less than this.
const TICK: Duration = Duration::from_secs(1);

/// How long the process behind the answer may take before nobody counts on it any more.
const PATIENCE: Duration = Duration::from_secs(60);

/// Returns what a snapshot says of a session whose conversation follows. It has the tasks already: the client does not only add to
/// them, and they are small.
pub(super) fn announced(
    workspace: &Workspace,
    found: &FoundSession,
    files: &SessionFiles,
    side_files: SideFiles<'_>,
) -> Result<CapturedSession> {
    let beside_tasks = |(place, _): &&(String, PathBuf)| is_beside_tasks(place.as_bytes());
    let mut others: Vec<(String, PathBuf)> = files.others.iter().filter(beside_tasks).cloned().collect();
    let mut missing = Vec::new();
    let tasks = small_files::tasks(&files.tasks, &mut others, &mut missing)?;
    let kept = side_files.keep_all(&others, &mut missing)?;
    let live = found.live.as_ref();
    let cwd = live.map_or(workspace.root.as_path(), |live| live.cwd.as_path());
    let session = Session {
        live: live.is_some(),
        status: live.and_then(|live| live.status.clone()),
        files: kept,
        team_tasks: files.tasks_of_team,
        background: live.is_some_and(|live| live.background),
        ..Session::bare(found.id.clone(), cwd.into())
    };
    let mut announced = CapturedSession {
        session: Some(session),
        config: Some(found.home.config().to_owned()),
        tasks,
        ..CapturedSession::default()
    };
    announced.not_captured.files.push(Skipped::at(&found.transcript, NOT_YET));
    announced.not_captured.files.append(&mut missing);
    manifest_secrets::all(side_files.redactor, &mut announced)?;
    Ok(announced)
}

/// Adds its conversation to a snapshot that was published without. Returns whether that was still to be done: the snapshot may
/// have been removed.
///
/// The work tree is not looked at: the step that the snapshot was made before is changing it.
///
/// # Errors
/// What the client's folders or the disk say; the snapshot stays as it is then, and what was written beside it is taken back.
pub fn complete(
    workspace: &Workspace,
    id: &SnapshotId,
    follows: &Follows,
    request: &Request<'_>,
) -> Result<bool> {
    // The step may have taken the store away: it is not made again for what was in it.
    if !workspace.store.root().is_dir() {
        return Ok(false);
    }
    let done = complete_all(workspace, id, follows, request);
    if done.is_err() {
        let _swept_later = workspace.store.take_back();
    }
    done
}

fn complete_all(
    workspace: &Workspace,
    id: &SnapshotId,
    follows: &Follows,
    request: &Request<'_>,
) -> Result<bool> {
    let lock = workspace.store.prepare()?;
    let known = workspace.store.known()?;
    let Some((known, before)) = incomplete(workspace, &known, id) else { return Ok(false) };
    let mut redactor = Redactor::open(workspace, request.allow_secrets)?;
    // Of the work tree, only the variables that are kept in it.
    if let Some(Ok(listing)) = workspace.repository.as_ref().map(Repository::status_at_once) {
        redactor.know(&workspace.root, &listing);
    }
    let files = request.files(&workspace.root);
    let of_session = manifest_secrets::of_session(request.session, &files);
    let hashed = redactor.learn(&of_session, &[], request.monitor);
    redactor.go_on_from(&before.secrets);
    add(workspace, (known, before), follows, Prepared { lock, redactor, hashed, files }, request)
}

/// Adds its conversation to a snapshot that was just published without, before the step.
///
/// # Errors
/// As [`complete`].
pub(super) fn complete_at_once(
    workspace: &Workspace,
    id: &SnapshotId,
    follows: &Follows,
    prepared: Prepared,
    request: &Request<'_>,
) -> Result<bool> {
    let known = workspace.store.known()?;
    let Some(one) = incomplete(workspace, &known, id) else { return Ok(false) };
    let done = add(workspace, one, follows, prepared, request);
    if done.is_err() {
        let _swept_later = workspace.store.take_back();
    }
    done
}

/// What is known of a session before its conversation is read.
pub(super) struct Prepared {
    pub(super) lock: AddLock,
    /// Knows the secrets in it.
    pub(super) redactor: Redactor,
    pub(super) hashed: Hashed,
    pub(super) files: SessionFiles,
}

/// Returns a snapshot of the user's that is there, if its conversation is still to follow.
fn incomplete<'k>(
    workspace: &Workspace,
    known: &'k [UnreadEntry],
    id: &SnapshotId,
) -> Option<(&'k UnreadEntry, Manifest)> {
    let one = known.iter().find(|one| one.own && one.head.as_ref().is_ok_and(|head| head.id == *id))?;
    workspace.store.whole(one).filter(is_incomplete).map(|manifest| (one, manifest))
}

fn add(
    workspace: &Workspace,
    (known, before): (&UnreadEntry, Manifest),
    follows: &Follows,
    prepared: Prepared,
    request: &Request<'_>,
) -> Result<bool> {
    let Prepared { lock, redactor, hashed, files } = prepared;
    let transcript = request.session.map(|found| found.transcript.as_path());
    transcript.map_or(Ok(()), |transcript| follows.refuse_shortened(transcript))?;
    let announced = before.session.as_ref();
    let moment = Moment {
        follows,
        tasks: &before.tasks,
        files: announced.map_or(&[], |session| &session.files),
        of_team: announced.is_some_and(|session| session.team_tasks),
    };
    let reading = Reading {
        found: request.session,
        files: moment.still_to_read(files),
        history: request.history,
        moment: Some(moment),
        monitor: request.monitor,
    };
    let mut captured = session::capture(workspace, reading, &lock, &redactor, &hashed)?;
    transcript.map_or(Ok(()), |transcript| follows.refuse_shortened(transcript))?;
    if let Some(found) = request.session {
        let now = request.files(&workspace.root);
        captured.not_captured.files.extend(follows.taken_away(
            found,
            &now,
            (before.created_at, &captured.agents),
        ));
    }
    // Of the tasks, what could not be read is known since then.
    let unread = before.not_captured.files.iter().filter(|file| file.reason != NOT_YET);
    captured.not_captured.files.extend(unread.cloned());
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

/// Says whether a snapshot of the user's is there, and its conversation is still to follow.
pub fn lacks_conversation(workspace: &Workspace, id: &SnapshotId) -> bool {
    workspace.store.known().is_ok_and(|known| incomplete(workspace, &known, id).is_some())
}

/// Says whether a step can rely on an earlier checkpoint of the same edits: if it has its conversation, or if that may still
/// follow. If the step may take the conversation away, the checkpoint must have all of it.
pub(super) fn is_relied_on(
    earlier: &Manifest,
    conversation: Conversation,
    session: Option<&FoundSession>,
    now: Timestamp,
) -> bool {
    if conversation == Conversation::Next {
        let saved = earlier.session.as_ref().and_then(|saved| saved.transcript.as_ref());
        let there = session.and_then(|found| found.transcript.metadata().ok());
        // Without what was taken out of it, the size is another one. The client only appends.
        let is_older = |about: &Metadata| {
            let written = about.modified().map(Timestamp::from);
            written.is_ok_and(|written| earlier.created_at.since(written) > TICK)
        };
        let size = there.as_ref().map(Metadata::len);
        return size == saved.map(|transcript| transcript.bytes)
            || saved.is_some() && there.as_ref().is_some_and(is_older);
    }
    let may_follow = || now.since(earlier.created_at) < PATIENCE && conversation == Conversation::Follows;
    !is_incomplete(earlier) || may_follow()
}

/// Says whether the conversation of a snapshot is still to follow.
fn is_incomplete(manifest: &Manifest) -> bool {
    let waits = |session: &Session| session.transcript.is_none();
    manifest.created_by.trigger == Trigger::Auto && manifest.session.as_ref().is_some_and(waits)
}
