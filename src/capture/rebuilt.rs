//! Writes what a snapshot is made of again, from what is still here: in pieces, cut and cleaned as a save does it.
//!
//! Publishes nothing. What is here may have gone on since; then a transcript is read as far as it went when it was saved. Where that
//! place is not known, it tells which of the new pieces may begin with a saved one.

use std::fs::File;
use std::ops::ControlFlow;
use std::path::Path;

use super::moment::{Follows, Moment};
use super::pending::{Pending, pending};
use super::reading::{History, Reading};
use super::{CapturedSession, Carry, Request, session};
use crate::base::error::{IoContext as _, Result};
use crate::base::monitor::Monitor;
use crate::client::{FoundSession, Lines, SessionFiles, without_account};
use crate::context::Context;
use crate::manifest::{Agent, Content, HistoryStart, Manifest, ObjectRef, SideFile, Transcript};
use crate::workspace::Workspace;

/// A piece of a snapshot, and one that was just written and may begin with it.
pub struct MayBegin {
    /// The piece of the snapshot.
    pub saved: ObjectRef,
    /// The longer one, of what is here now.
    pub now: ObjectRef,
}

/// Writes the edits as they are here, and the session as it was in each of these snapshots of it, as far as it is still here.
/// After each snapshot, `done` is told of pieces that may begin with those of the snapshot, and says whether to stop.
///
/// # Errors
/// What git, the client's folders or the disk say; whatever was written before that is there.
pub fn write_again(
    context: &Context,
    workspace: &Workspace,
    (found, snapshots): (Option<&FoundSession>, &[&Manifest]),
    done: &mut dyn FnMut(&[MayBegin]) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let monitor = Monitor::default();
    let request = Request::usual(found, &context.settings, &monitor);
    let Pending { lock, redactor, hashed, .. } = pending(workspace, &request, Carry::Yes)?;
    lock.sync()?;
    if done(&[])?.is_break() {
        return Ok(());
    }
    let Some(found) = found else { return Ok(()) };
    for snapshot in snapshots {
        let files = request.files(&workspace.root);
        let follows = lengths(found, &files, snapshot)?;
        let moment = Some(Moment { follows: &follows, tasks: &[], files: &[], of_team: false });
        let own = snapshot.session.as_ref().and_then(|session| session.transcript.as_ref());
        let history = match own.map(|transcript| transcript.from) {
            Some(HistoryStart::Compaction) => History::Context,
            _ => History::Full,
        };
        let reading = Reading { found: Some(found), files, history, moment, monitor: &monitor };
        let now = session::capture(workspace, reading, &lock, &redactor, &hashed)?;
        lock.sync()?;
        if done(&may_begin(snapshot, &now))?.is_break() {
            return Ok(());
        }
    }
    Ok(())
}

/// Finds how long the transcripts were when they were saved.
fn lengths(found: &FoundSession, files: &SessionFiles, snapshot: &Manifest) -> Result<Follows> {
    let own = snapshot.session.as_ref().and_then(|session| session.transcript.as_ref());
    let bytes = own.map_or(Ok(u64::MAX), |saved| length(&found.transcript, saved))?;
    let mut agents = std::collections::BTreeMap::new();
    for agent in &snapshot.agents {
        let here = files.agents.iter().find(|one| one.id == agent.id && one.before.is_none());
        let path = here.and_then(|one| one.transcript.as_deref());
        if let (Some(path), Some(saved)) = (path, &agent.transcript) {
            agents.insert(agent.id.clone(), length(path, saved)?);
        }
    }
    Ok(Follows::up_to(bytes, agents))
}

/// Finds up to which byte a transcript was read: it had so many records then.
fn length(path: &Path, saved: &Transcript) -> Result<u64> {
    let file: File = crate::sys::users_files::open_theirs(path).context("read", path)?;
    let size = file.metadata().context("read", path)?.len();
    let mut records = saved.records + saved.left_out.map_or(0, |left_out| left_out.records);
    let mut lines = Lines::part(path, &file, 0..size);
    let mut end = 0;
    while records > 0 {
        let Some(line) = lines.next_line()? else { return Ok(size) };
        end += line.len() as u64;
        records -= u64::from(without_account(line).is_some());
    }
    let torn = saved.torn.as_ref().map_or(0, Content::size);
    if torn > 0 {
        let next = lines.next_line()?.map(|line| line.len() as u64);
        end += torn.min(next.map_or(torn, |line| line.saturating_sub(1)));
    }
    Ok(end)
}

/// Pairs each piece of a snapshot with the one that stands in its place now.
fn may_begin(snapshot: &Manifest, now: &CapturedSession) -> Vec<MayBegin> {
    let mut all = Vec::new();
    let mut pair = |saved: &[ObjectRef], now: &[ObjectRef]| {
        let both = saved.iter().zip(now).filter(|(saved, now)| saved.size < now.size);
        all.extend(both.map(|(saved, now)| MayBegin { saved: *saved, now: *now }));
    };
    let transcript = |agent: &Agent| agent.transcript.clone();
    for agent in &snapshot.agents {
        let here = now.agents.iter().find(|one| one.id == agent.id).and_then(transcript);
        if let (Some(saved), Some(here)) = (&agent.transcript, here) {
            pair(&saved.chunks, &here.chunks);
        }
    }
    let Some(session) = &now.session else { return all };
    if let Some(saved) = snapshot.session.as_ref().and_then(|session| session.transcript.as_ref()) {
        pair(&saved.chunks, session.transcript.as_ref().map_or(&[], |transcript| &transcript.chunks));
    }
    for SideFile { place, content, .. } in snapshot.side_files() {
        if let Some(here) = session.files.iter().find(|file| file.place == *place) {
            pair(content.objects(), here.content.objects());
        }
    }
    all
}
