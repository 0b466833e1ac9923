//! Searches a snapshot that is about to leave the machine, with the rules and values of today.

use serde_json::Value;

use super::Redactor;
use crate::base::error::{Error, Kind, Result};
use crate::base::monitor::{Monitor, Phase};
use crate::base::screen::Line;
use crate::client::{is_of_account, names_account};
use crate::edits::{Materializer, work};
use crate::manifest::{
    Content, Converted, ConvertedBy, Diff, DiffForm, Edit, Manifest, SavedVersion, Secret, Transcript,
};
use crate::secrets::is_id;
use crate::store::Bases;
use crate::workspace::Workspace;

/// The most secrets that are named in the error.
const MOST_LISTED: usize = 10;

/// Where something is that another save would not change.
const OF_BASE: &str = "the base version of ";
const OF_DIFF: &str = "the diff of ";

/// Names, which a save keeps as they are: without them nothing can be found again.
const NAME_OF: &str = "the name of the ";
const BRANCH: &str = "branch";
const FILE: &str = "file";
const FOLDER: &str = "folder";

/// A search of what is about to leave the machine.
pub struct Outgoing {
    redactor: Redactor,
}

impl Outgoing {
    /// Begins one; `allow` adds to the secrets that may leave.
    ///
    /// # Errors
    /// [`Kind::Usage`] for what is no ID, [`Kind::Environment`] if something can't be read.
    pub fn begin(workspace: &Workspace, allow: &[String]) -> Result<Outgoing> {
        Ok(Outgoing { redactor: Redactor::open(workspace, allow)? })
    }

    /// Searches a snapshot; with `with_base`, its base versions too.
    ///
    /// # Errors
    /// [`Kind::Damaged`] if a part can't be read, [`Kind::Refused`] if it identifies the account of whoever saved it.
    pub fn manifest(
        &self,
        workspace: &Workspace,
        manifest: &Manifest,
        with_base: bool,
        monitor: &Monitor,
    ) -> Result<()> {
        let conversations = manifest.transcripts().flat_map(|(_, transcript)| &transcript.chunks);
        let files = manifest.session.iter().flat_map(|session| &session.files);
        let files = files.flat_map(|file| file.content.objects());
        let edits = manifest.edited_files().iter().flat_map(Edit::stated_versions);
        let edits = edits.filter_map(|saved| saved.diff).map(|diff| diff.bytes);
        // What a snapshot says of its sizes may be anything.
        let all = conversations.chain(files).map(|object| object.size).chain(edits);
        let all = all.fold(0_u64, u64::saturating_add);
        let _phase = monitor.begin(Phase::Searching, Some(all));
        let carried = match workspace.store.bases(manifest) {
            // An extra that stays here.
            Err(_) if !with_base => Bases::default(),
            carried => carried?.unwrap_or_default(),
        };
        let mut versions = Materializer::to_read(&workspace.store, workspace.repository.as_ref(), &carried);
        look(workspace, manifest, &mut versions, &self.redactor, monitor)?;
        if with_base {
            look_at_bases(manifest, &mut versions, &self.redactor, monitor)?;
        }
        Ok(())
    }

    /// Searches a text of a diff that may not be in the snapshot.
    pub fn diff(&self, path: &str, text: &[u8]) {
        self.redactor.text(&format!("{OF_DIFF}{path}"), text);
    }

    /// Searches the name of another snapshot, which goes out too.
    pub fn name(&self, name: &str) {
        self.redactor.text("the name of a snapshot", name.as_bytes());
    }

    /// Ends the search; words for a person are `what` becomes of it, how it `goes_on` behind a save, and how to go on `without`
    /// what no save takes out.
    ///
    /// # Errors
    /// [`Kind::Refused`] with kind and place of each secret that was found.
    pub fn finish(self, name: &str, what: &str, goes_on: &str, without: &str) -> Result<()> {
        let open = self.redactor.finish();
        if open.is_empty() {
            return Ok(());
        }
        let name = Line(name).to_string();
        let ids: Vec<&str> = open.iter().map(|secret| secret.id.as_str()).collect();
        // What is only in a version that another save would not change is found there again.
        let is_elsewhere = |place: &String| place.starts_with(OF_BASE) || place.starts_with(OF_DIFF);
        let way_out = if open.iter().any(|secret| secret.places.iter().all(is_elsewhere)) {
            "it is in a version that was committed or saved before, so saving again does not take it out; "
                .to_owned()
                + without
        } else {
            let is_in_name = |what: &&str| {
                let of_it = |place: &String| place.strip_prefix(NAME_OF) == Some(*what);
                open.iter().any(|secret| secret.places.iter().any(of_it))
            };
            let named: Vec<String> = [BRANCH, FILE, FOLDER]
                .iter()
                .filter(|what| is_in_name(what))
                .map(|what| format!("the {what}"))
                .collect();
            match named.as_slice() {
                [] => format!("save again (`snap save` redacts them) and {goes_on}"),
                _ => format!(
                    "rename {} (a save keeps names as they are), save again and {goes_on}",
                    named.join(" and ")
                ),
            }
        };
        Err(Error::new(Kind::Refused, format!("\"{name}\" holds what looks like secrets, so {what}"))
            .list(listed(&open))
            .hint(format!(
                "{way_out}; allow what is not a secret with {}",
                ids.iter()
                    .take(MOST_LISTED)
                    .map(|id| format!("--allow-secret {id}"))
                    .collect::<Vec<_>>()
                    .join(" ")
            )))
    }
}

/// Refuses a snapshot that holds secrets. With `with_base`, its base versions are searched too. `allow`
/// adds to the secrets that may leave.
///
/// # Errors
/// [`Kind::Refused`] with kind and place of each, [`Kind::Damaged`] if a part can't be read.
pub fn check(
    workspace: &Workspace,
    manifest: &Manifest,
    with_base: bool,
    allow: &[String],
    monitor: &Monitor,
) -> Result<()> {
    let outgoing = Outgoing::begin(workspace, allow)?;
    outgoing.manifest(workspace, manifest, with_base, monitor)?;
    outgoing.finish(&manifest.name, "it is not sent", "send the new snapshot", "send it without its base")
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

fn look(
    workspace: &Workspace,
    manifest: &Manifest,
    versions: &mut Materializer<'_>,
    redactor: &Redactor,
    monitor: &Monitor,
) -> Result<()> {
    if let Some(session) = &manifest.session {
        if session.files.iter().any(|file| is_of_account(&file.place.to_string())) {
            return Err(of_account());
        }
        for file in &session.elsewhere {
            redactor.text(&format!("the file {}", file.place), file.text.as_bytes());
        }
        for script in &session.scripts {
            redactor.text(&format!("the file {}", script.place), script.text.as_bytes());
        }
        for file in &session.files {
            let bytes = file.content.objects().iter().map(|object| object.size).fold(0, u64::saturating_add);
            let mut share = monitor.share_of_work(bytes, bytes.saturating_mul(2));
            let tell = &mut |more| share.add(more);
            look_at_content(workspace, &file.content, &format!("the file {}", file.place), redactor, tell)?;
        }
    }
    for (agent, transcript) in manifest.transcripts() {
        let place = agent.map_or("the conversation".to_owned(), |agent| format!("agent {}", agent.id));
        look_at_transcript(workspace, transcript, &place, redactor, monitor)?;
    }
    for saved in manifest.edited_files().iter().flat_map(Edit::stated_versions) {
        if let Some(diff) = saved.diff {
            let mut share = monitor.share_of_work(diff.bytes, work(diff).saturating_add(diff.bytes));
            look_at_diff(workspace, saved, diff, versions, redactor, &mut |more| share.add(more))?;
        }
    }
    look_at_names(manifest, redactor);
    // Titles, tasks, grants and whatever else stands in the manifest itself.
    let (json, texts) = without_own_marks(&manifest.to_json()?)?;
    redactor.json("the manifest", &json);
    texts.iter().for_each(|text| drop(redactor.text("the manifest", text.as_bytes())));
    Ok(())
}

/// Searches names, so that it is known of what is found in one that another save would not take it out.
fn look_at_names(manifest: &Manifest, redactor: &Redactor) {
    let look = |what: &str, name: &str| drop(redactor.text(&format!("{NAME_OF}{what}"), name.as_bytes()));
    let place = &manifest.workspace;
    place.branch.iter().for_each(|branch| look(BRANCH, branch));
    for edit in manifest.edited_files() {
        look(FILE, &edit.path.to_string());
        edit.from.iter().for_each(|from| look(FILE, &from.path.to_string()));
    }
    manifest.edits.iter().flat_map(|edits| &edits.skipped).for_each(|skipped| look(FILE, &skipped.path));
    if let Some(around) = &manifest.around {
        let ignored = around.ignored.iter();
        ignored.clone().flat_map(|ignored| &ignored.files).for_each(|file| look(FILE, &file.to_string()));
        let folders = ignored.flat_map(|ignored| &ignored.folders).chain(&around.empty_folders);
        folders.for_each(|folder| look(FOLDER, &folder.to_string()));
    }
    place.worktree.iter().for_each(|name| look(FOLDER, name));
    look(FOLDER, &place.root.to_string());
}

/// Returns a manifest without fields of `snap`'s own whose names sound like a secret's (the ids of redacted secrets, keyed hashes,
/// checksums), and the texts of the list of what was taken out, each for itself: the place of a secret, next to its name, looks as if
/// it were the value.
fn without_own_marks(json: &[u8]) -> Result<(Vec<u8>, Vec<String>)> {
    fn is_own(name: &str, value: &Value) -> bool {
        let hex = |text: &str| matches!(text.len(), 16 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit());
        match value {
            Value::String(text) => match name {
                "mac" | "key" | "checksum" => hex(text),
                "id" => is_id(text),
                _ => false,
            },
            Value::Array(all) => name == "secrets" && all.iter().all(|one| one.as_str().is_some_and(is_id)),
            _ => false,
        }
    }
    // `KIND (ID) in PLACE`, as what was not captured is listed: its place is searched like any other text.
    fn without_id(listed: &mut Value) {
        let parts = listed.as_str().and_then(|text| {
            let (kind, rest) = text.split_once(" (")?;
            let (id, place) = rest.split_once(") in ")?;
            is_id(id).then(|| format!("{kind} in {place}"))
        });
        if let Some(text) = parts {
            *listed = Value::String(text);
        }
    }
    fn clear(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.retain(|name, value| !is_own(name, value));
                if let Some(Value::Array(all)) = fields.get_mut("secrets") {
                    all.iter_mut().for_each(without_id);
                }
                fields.values_mut().for_each(clear);
            }
            Value::Array(all) => all.iter_mut().for_each(clear),
            _ => {}
        }
    }
    let bug = |error| Error::new(Kind::Bug, "A manifest can't be searched").because(error);
    fn texts_in(value: Value, texts: &mut Vec<String>) {
        match value {
            Value::String(text) => texts.push(text),
            Value::Array(all) => all.into_iter().for_each(|one| texts_in(one, texts)),
            Value::Object(fields) => fields.into_iter().for_each(|(_, one)| texts_in(one, texts)),
            _ => {}
        }
    }
    let mut value: Value = serde_json::from_slice(json).map_err(bug)?;
    clear(&mut value);
    let mut texts = Vec::new();
    for (holder, key) in [("", "secrets"), ("/not_captured", "secrets")] {
        let fields = value.pointer_mut(holder).and_then(Value::as_object_mut);
        texts_in(fields.and_then(|fields| fields.remove(key)).unwrap_or_default(), &mut texts);
    }
    Ok((serde_json::to_vec(&value).map_err(bug)?, texts))
}

/// Earlier versions of this program saved what identifies its author's account.
fn of_account() -> Error {
    Error::new(Kind::Refused, "The snapshot identifies the account of whoever saved it, so it is not sent")
        .because("it holds records of remote control, an account or an organisation")
        .hint("save again (`snap save` leaves them out) and send the new snapshot")
}

fn look_at_bases(
    manifest: &Manifest,
    versions: &mut Materializer<'_>,
    redactor: &Redactor,
    monitor: &Monitor,
) -> Result<()> {
    for edit in manifest.edited_files() {
        let Some(old) = edit.diffed_against() else { continue };
        if let Some(raw) = versions.base(&old.oid)? {
            redactor.text_telling(&format!("{OF_BASE}{}", edit.path), &raw, &mut |more| monitor.add(more));
        }
    }
    Ok(())
}

fn look_at_transcript(
    workspace: &Workspace,
    transcript: &Transcript,
    place: &str,
    redactor: &Redactor,
    monitor: &Monitor,
) -> Result<()> {
    let mut lines: Vec<u8> = Vec::new();
    let mut begin = 0;
    for (index, chunk) in transcript.chunks.iter().enumerate() {
        if lines.is_empty() {
            begin = index;
            if redactor.may_leave(chunk) {
                monitor.add(chunk.size);
                continue;
            }
        }
        lines.append(&mut workspace.store.get(chunk)?);
        let is_whole = lines.ends_with(b"\n");
        // Only a huge line is cut within.
        if is_whole || index + 1 == transcript.chunks.len() {
            if lines.split_inclusive(|byte| *byte == b'\n').any(names_account) {
                return Err(of_account());
            }
            if redactor.piece(place, 0, &lines).noted.is_empty() {
                if is_whole && begin == index {
                    redactor.note_to_leave(chunk);
                }
            } else {
                let mut number = 0;
                for before in &transcript.chunks[..begin] {
                    let before = workspace.store.get(before)?;
                    number += before.iter().filter(|byte| **byte == b'\n').count() as u64;
                }
                redactor.records(place, number, &lines);
            }
            monitor.add(lines.len() as u64);
            lines.clear();
        }
    }
    match &transcript.torn {
        Some(torn) => look_at_content(workspace, torn, place, redactor, &mut |_| ()),
        None => Ok(()),
    }
}

/// Searches content; `tell` is told of its bytes while they are read, and once more while they are searched.
fn look_at_content(
    workspace: &Workspace,
    content: &Content,
    place: &str,
    redactor: &Redactor,
    tell: &mut dyn FnMut(u64),
) -> Result<()> {
    redactor.text_telling(place, &workspace.store.load_telling(content, tell)?, tell);
    Ok(())
}

fn look_at_diff(
    workspace: &Workspace,
    saved: SavedVersion<'_>,
    diff: &Diff,
    versions: &mut Materializer<'_>,
    redactor: &Redactor,
    tell: &mut dyn FnMut(u64),
) -> Result<()> {
    let place = saved.edit.path.to_string();
    if let Some(earlier) = &diff.earlier {
        look_at_content(workspace, earlier, &format!("an earlier version of {place}"), redactor, tell)?;
    }
    let delta = matches!(diff.converted, Some(Converted { by: ConvertedBy::Delta { .. }, .. }));
    if diff.form != DiffForm::Delta && !delta {
        return look_at_content(workspace, &diff.content, &place, redactor, tell);
    }
    // A delta can only be read beside what it was made from.
    match versions.compared_telling(saved, tell) {
        Err(error) if error.kind() == Kind::NotFound => {
            look_at_content(workspace, &diff.content, &place, redactor, tell)
        }
        compared => {
            let compared = compared?;
            redactor.text_telling(&place, &compared, tell);
            redactor.text(&place, &versions.on_disk(saved, compared)?);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::digest::Key;
    use crate::secrets::{Scanner, id};

    #[test]
    fn ids_of_what_was_taken_out_are_no_secrets_whatever_they_look_like() {
        let scanner = Scanner::new(Vec::new());
        for number in 0_u32..2_000 {
            let id = id(&Key::from_bytes([7; 32]), &number.to_le_bytes());
            let manifest = serde_json::json!({
                "edits": {"files": [{"diff": {"redaction": {"secrets": [id]}}}]},
                "not_captured": {"secrets": [format!("known ({id}) in notes.txt"), format!("password ({id}) in .env")]},
                "secrets": [{"id": id, "kind": "known", "names": ["DEPLOY_PASSWORD"], "places": ["notes.txt", "s3.tf", "src/v1.py", "w2.txt"]}],
            });
            let (cleared, texts) = without_own_marks(manifest.to_string().as_bytes()).expect("JSON");
            let found = scanner.find(&cleared).len();
            assert_eq!(found, 0, "{id}: {}", String::from_utf8_lossy(&cleared));
            assert!(texts.iter().all(|text| scanner.find(text.as_bytes()).is_empty()), "{texts:?}");
        }
    }
}
