//! Looks through a snapshot that is about to leave the machine, with the rules and values of today.

use super::Loaded;
use super::Redactor;
use crate::base::error::{Error, Kind, Result};
use crate::base::screen::Line;
use crate::client::{is_of_account, names_account};
use crate::git::Repository;
use crate::manifest::{Content, Converted, ConvertedBy, Diff, DiffForm, Edit, Manifest, Secret, Transcript};
use crate::workspace::Workspace;

/// The most secrets that are named in the error.
const MOST_LISTED: usize = 10;

/// Refuses a snapshot that holds secrets, `with_base` also if what its edits were made from does;
/// `allow` adds to those that may leave.
///
/// # Errors
/// [`Kind::Refused`] with kind and place of each, [`Kind::Damaged`] if a part can't be read.
pub fn check(workspace: &Workspace, manifest: &Manifest, with_base: bool, allow: &[String]) -> Result<()> {
    let redactor = Redactor::open(workspace, allow)?;
    look(workspace, manifest, &redactor)?;
    if with_base {
        look_at_bases(workspace, manifest, &redactor)?;
    }
    let open = redactor.finish();
    if open.is_empty() {
        return Ok(());
    }
    let name = Line(&manifest.name).to_string();
    let ids: Vec<&str> = open.iter().map(|secret| secret.id.as_str()).collect();
    Err(Error::new(Kind::Refused, format!("{name:?} holds what looks like secrets, so it stays here"))
        .list(listed(&open))
        .hint(format!(
            "save again (`snap save` takes them out) and send that one; what is none may leave with {}",
            ids.iter()
                .take(MOST_LISTED)
                .map(|id| format!("--allow-secret {id}"))
                .collect::<Vec<_>>()
                .join(" ")
        )))
}

fn listed(open: &[Secret]) -> Vec<String> {
    let mut lines: Vec<String> = open
        .iter()
        .take(MOST_LISTED)
        .map(|secret| {
            let place = secret.places.first().map_or("", String::as_str);
            format!("{} in {} ({})", secret.kind, Line(place), secret.id)
        })
        .collect();
    if open.len() > MOST_LISTED {
        lines.push(format!("and {} more", open.len() - MOST_LISTED));
    }
    lines
}

fn look(workspace: &Workspace, manifest: &Manifest, redactor: &Redactor) -> Result<()> {
    if let Some(session) = &manifest.session {
        if session.files.iter().any(|file| is_of_account(&file.place.to_string())) {
            return Err(of_account());
        }
        if let Some(transcript) = &session.transcript {
            look_at_transcript(workspace, transcript, "the conversation", redactor)?;
        }
        for file in &session.elsewhere {
            redactor.text(&format!("the file {}", file.place), file.text.as_bytes());
        }
        for file in &session.files {
            look_at_content(workspace, &file.content, &format!("the file {}", file.place), redactor)?;
        }
    }
    for agent in &manifest.agents {
        if let Some(transcript) = &agent.transcript {
            look_at_transcript(workspace, transcript, &format!("agent {}", agent.id), redactor)?;
        }
    }
    for edit in manifest.edits.iter().flat_map(|edits| &edits.files) {
        for diff in edit.diffs() {
            look_at_diff(workspace, edit, diff, redactor)?;
        }
    }
    // Titles, tasks, grants and whatever else stands in the manifest itself.
    redactor.json("the manifest", &manifest.to_json()?);
    Ok(())
}

/// Earlier versions of this program saved what identifies its author's account.
fn of_account() -> Error {
    Error::new(Kind::Refused, "The snapshot identifies the account of whoever saved it, so it stays here")
        .because("it holds records of remote control, an account or an organisation")
        .hint("save again (`snap save` leaves them out) and send that one")
}

fn look_at_bases(workspace: &Workspace, manifest: &Manifest, redactor: &Redactor) -> Result<()> {
    let carried = workspace.store.bases(manifest)?;
    let mut blobs = workspace.repository.as_ref().map(Repository::blobs);
    for edit in manifest.edits.iter().flat_map(|edits| &edits.files) {
        let Some(old) = edit.diffed_against() else { continue };
        let found = blobs.as_mut().map(|blobs| blobs.read(&old.oid)).transpose()?.flatten();
        let raw = match (found, carried.0.get(&old.oid)) {
            (Some(raw), _) => raw,
            (None, Some(object)) => workspace.store.get(object)?,
            (None, None) => continue,
        };
        redactor.text(&format!("the base version of {}", edit.path), &raw);
    }
    Ok(())
}

fn look_at_transcript(
    workspace: &Workspace,
    transcript: &Transcript,
    place: &str,
    redactor: &Redactor,
) -> Result<()> {
    let mut number = 0;
    let mut lines: Vec<u8> = Vec::new();
    for (index, chunk) in transcript.chunks.iter().enumerate() {
        lines.append(&mut workspace.store.get(chunk)?);
        // Only a huge line is cut within.
        if lines.ends_with(b"\n") || index + 1 == transcript.chunks.len() {
            if lines.split_inclusive(|byte| *byte == b'\n').any(names_account) {
                return Err(of_account());
            }
            redactor.records(place, number, &lines);
            number += lines.iter().filter(|byte| **byte == b'\n').count() as u64;
            lines.clear();
        }
    }
    match &transcript.torn {
        Some(torn) => look_at_content(workspace, torn, place, redactor),
        None => Ok(()),
    }
}

fn look_at_content(workspace: &Workspace, content: &Content, place: &str, redactor: &Redactor) -> Result<()> {
    redactor.text(place, &workspace.store.load(content)?);
    Ok(())
}

fn look_at_diff(workspace: &Workspace, edit: &Edit, diff: &Diff, redactor: &Redactor) -> Result<()> {
    let place = edit.path.to_string();
    if let Some(earlier) = &diff.earlier {
        look_at_content(workspace, earlier, &format!("an earlier version of {place}"), redactor)?;
    }
    let delta = matches!(diff.converted, Some(Converted { by: ConvertedBy::Delta { .. }, .. }));
    if diff.form != DiffForm::Delta && !delta {
        return look_at_content(workspace, &diff.content, &place, redactor);
    }
    // A delta can only be read beside what it was made from.
    let base = match (diff.needs_base(), &workspace.repository, edit.diffed_against()) {
        (false, ..) => Some(Vec::new()),
        (true, Some(repository), Some(old)) => repository.blobs().read(&old.oid)?,
        _ => None,
    };
    let mut loaded = Loaded::of(&workspace.store, diff)?;
    match base.map(|base| loaded.compared(&base)) {
        Some(Ok(compared)) => {
            redactor.text(&place, &compared);
            if let Ok(raw) = loaded.converted(&compared) {
                redactor.text(&place, &raw);
            }
            Ok(())
        }
        _ => look_at_content(workspace, &diff.content, &place, redactor),
    }
}
