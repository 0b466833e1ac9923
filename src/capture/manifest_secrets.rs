//! Takes the secrets out of what stands in the manifest itself: titles, prompts, tasks, grants.
//!
//! Transcripts, files and edits are redacted where they are read. Ids, paths and names of
//! branches stay: without them nothing can be found again.

use std::path::PathBuf;

use serde_json::value::RawValue;

use super::captured_session::CapturedSession;
use crate::base::error::{Error, Kind, Result};
use crate::client::{FoundSession, SessionFiles};
use crate::git::Listing;
use crate::manifest::{Manifest, Spoken};
use crate::redaction::Redactor;
use crate::workspace::Workspace;

/// The most pending files, and the largest, that are looked through before they are captured.
const MOST_FILES: usize = 2_000;
const LARGEST_FILE: u64 = 1 << 20;

/// The most characters that a manifest has of a prompt or an answer.
const LONGEST_SPOKEN: usize = 300;

/// Returns the files of a session, whose secrets are to be known everywhere.
pub(super) fn of_session(session: Option<&FoundSession>, files: &SessionFiles) -> Vec<PathBuf> {
    let Some(found) = session else { return Vec::new() };
    let agents = files.agents.iter().flat_map(|agent| [&agent.transcript, &agent.meta]).flatten();
    let others = files.others.iter().map(|(_, path)| path);
    std::iter::once(&found.transcript).chain(agents).chain(&files.tasks).chain(others).cloned().collect()
}

/// Returns the pending files, whose secrets are to be known everywhere.
pub(super) fn pending(workspace: &Workspace, listing: Option<&Result<Listing>>) -> Vec<PathBuf> {
    let own = workspace.own_folders();
    let listed = listing.iter().filter_map(|listing| listing.as_ref().ok());
    let pending = listed.flat_map(|listing| &listing.pending).filter(|entry| !own.hold(&entry.path));
    let small = |path: &PathBuf| path.symlink_metadata().is_ok_and(|meta| meta.len() <= LARGEST_FILE);
    let paths = pending.take(MOST_FILES).map(|entry| workspace.root.join(entry.path.as_path()));
    paths.filter(small).collect()
}

/// Redacts the parts of a manifest that come from the client's files.
pub(super) fn all(redactor: &Redactor, captured: &mut CapturedSession) -> Result<()> {
    if let Some(title) = captured.session.as_mut().and_then(|session| session.title.as_mut()) {
        redactor.string("the title", title);
    }
    if let Some(Spoken { first, last, answer }) = captured.session.as_mut().map(|session| &mut session.spoken)
    {
        let prompts = first.iter_mut().chain(last).map(|text| ("a prompt", text));
        for (place, text) in prompts.chain(answer.iter_mut().map(|text| ("an answer", text))) {
            redactor.string(place, text);
            // Cut only now: half a secret is not recognized.
            *text = text.chars().take(LONGEST_SPOKEN).collect();
        }
    }
    if let Some(waiting) = captured.session.as_mut().and_then(|session| session.waiting_for.as_mut()) {
        redactor.string("the state of the session", waiting);
    }
    if let Some(session) = &mut captured.session {
        for cron in &mut session.crons {
            redactor.string("a scheduled prompt", &mut cron.prompt);
        }
        if let Some(goal) = &mut session.goal {
            redactor.string("the goal", goal);
        }
        for todo in &mut session.todos {
            redactor.string("a task", &mut todo.content);
        }
        let words = session.effort.iter_mut().chain(&mut session.output_style);
        words
            .chain(&mut session.restrictions)
            .for_each(|word| redactor.string("an option of the client", word));
    }
    for (number, task) in captured.tasks.iter_mut().enumerate() {
        raw(redactor, &format!("task {}", number + 1), task)?;
    }
    for prompt in &mut captured.queue {
        redactor.string("a queued prompt", prompt);
    }
    for agent in &mut captured.agents {
        let place = format!("agent {}", agent.id);
        if let Some(kind) = &mut agent.agent_type {
            redactor.string(&place, kind);
        }
        if let Some(description) = &mut agent.description {
            redactor.string(&place, description);
        }
        if let Some(last) = &mut agent.last {
            redactor.string(&place, last);
        }
        if let Some(meta) = &mut agent.meta {
            raw(redactor, &place, meta)?;
        }
    }
    for rules in [&mut captured.permissions.project, &mut captured.permissions.launch] {
        for rule in rules.allow.iter_mut().chain(&mut rules.deny).chain(&mut rules.ask) {
            redactor.string("a permission rule", &mut rule.rule);
        }
    }
    for option in &mut captured.not_captured.options {
        redactor.string("an option of the client", option);
    }
    for decision in captured.permissions.session.iter_mut().chain(&mut captured.permissions.decisions) {
        redactor.string("a decision", &mut decision.detail);
        for rule in decision.rules.iter_mut().flatten() {
            redactor.string("a permission rule", rule);
        }
    }
    for process in &mut captured.not_captured.processes {
        redactor.string("a background process", process);
    }
    for team in &mut captured.not_captured.teams {
        redactor.string("a team of agents", team);
    }
    for server in &mut captured.not_captured.mcp_servers {
        redactor.string("an MCP server", &mut server.name);
        redactor.string("an MCP server", &mut server.transport);
    }
    for prompt in &mut captured.not_captured.scheduled {
        redactor.string("a scheduled prompt", prompt);
    }
    Ok(())
}

/// Redacts what the person typed, and lists in the manifest all that was taken out.
pub(super) fn finish(redactor: Redactor, manifest: &mut Manifest) {
    list(&redactor, manifest);
    let _listed = redactor.finish();
}

/// The same for a manifest to which something is added yet.
pub(super) fn list(redactor: &Redactor, manifest: &mut Manifest) {
    redactor.string("the snapshot's name", &mut manifest.name);
    if let Some(message) = &mut manifest.message {
        redactor.string("the message", message);
    }
    manifest.secrets = redactor.listed();
    let told = manifest.secrets.iter().map(|secret| {
        let place = secret.places.first().map_or("", String::as_str);
        format!("{} ({}) in {place}", secret.kind, secret.id)
    });
    manifest.not_captured.secrets = told.collect();
    manifest.note_requirements();
}

fn raw(redactor: &Redactor, place: &str, json: &mut Box<RawValue>) -> Result<()> {
    let clean = match redactor.json(place, json.get().as_bytes()) {
        std::borrow::Cow::Borrowed(_) => return Ok(()),
        std::borrow::Cow::Owned(clean) => String::from_utf8(clean).ok(),
    };
    let read = clean.and_then(|clean| RawValue::from_string(clean).ok());
    *json =
        read.ok_or_else(|| Error::new(Kind::Bug, format!("Taking a secret out of {place} broke its JSON")))?;
    Ok(())
}
