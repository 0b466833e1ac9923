//! The small files of a session, which stand in the manifest itself: tasks, plans, notes, scripts, lists.

use std::path::{Path, PathBuf};

use serde_json::value::RawValue;

use crate::base::error::Result;
use crate::base::ids::ClientId;
use crate::client::ClientHome;
use crate::client::transcript::traces::todos;
use crate::json::shape::fits_inside;
use crate::manifest::{Script, Skipped, TextFile, Todo};
use crate::redaction::Redactor;
use crate::sys::files;
use crate::workspace::Workspace;

/// A plan, note or script over this many bytes is none.
const LARGEST_TEXT: u64 = 256 << 10;

/// A task or an agent's metadata over this many bytes is no JSON of the client's.
pub(super) const LARGEST_JSON: u64 = 4 << 20;

/// The most bytes of all of a project's notes.
const MOST_NOTES: usize = 2 << 20;

/// Reads them; what can't be read is named as missing.
pub(super) struct SmallFiles<'a> {
    pub(super) workspace: &'a Workspace,
    /// The client's folders that the session lies in.
    pub(super) client: &'a ClientHome,
    pub(super) redactor: &'a Redactor,
    pub(super) missing: &'a mut Vec<Skipped>,
}

impl SmallFiles<'_> {
    /// Keeps plans, the task lists of older clients and the notes of the project's memory in the manifest itself: earlier
    /// versions of this program, which do not know them, would sweep an object away.
    pub(super) fn elsewhere(
        &mut self,
        id: &ClientId,
        plans: &std::collections::BTreeSet<String>,
    ) -> Result<Vec<TextFile>> {
        let client = self.client;
        let mut all = client.files_elsewhere(id, plans, self.missing);
        let first_note = all.len();
        all.extend(client.memory_files(&self.workspace.memory_root()?, self.missing));
        let (mut kept, mut notes) = (Vec::new(), 0);
        for (number, (place, path)) in all.into_iter().enumerate() {
            let Some(bytes) = self.read(&path)? else { continue };
            let clean = self.redactor.text(&place.to_string(), &bytes).into_owned();
            if number >= first_note {
                notes += clean.len();
            }
            match String::from_utf8(clean) {
                Ok(text) if notes <= MOST_NOTES => kept.push(TextFile { place, text }),
                Ok(_) => self.missing.push(Skipped::at(&path, "there is too much in the project's memory")),
                Err(_) => self.missing.push(Skipped::at(&path, "it is too large, or not text")),
            }
        }
        Ok(kept)
    }

    /// Keeps the scripts that set variables for the agent's commands. They come back exactly, or not at all.
    pub(super) fn scripts(&mut self, id: &ClientId) -> Result<Vec<Script>> {
        let mut kept = Vec::new();
        for (place, path) in self.client.scripts(id, self.missing) {
            let Some(bytes) = self.read(&path)? else { continue };
            let clean = self.redactor.clean_version(&place, None, &bytes, &mut |_| ())?;
            let (bytes, redaction) = match clean {
                Some(clean) => {
                    clean.noted.into_iter().for_each(|noted| self.redactor.note(noted));
                    (clean.new, Some(clean.redaction))
                }
                None => (bytes, None),
            };
            match String::from_utf8(bytes) {
                Ok(text) => kept.push(Script { place, text, redaction }),
                Err(_) => self.missing.push(Skipped::at(&path, "it is too large, or not text")),
            }
        }
        Ok(kept)
    }

    /// Returns the list of an older client, from its file.
    pub(super) fn todos(&self, elsewhere: &[TextFile]) -> Vec<Todo> {
        let own = elsewhere.iter().find(|file| file.place.as_bytes() == b"todos/own.json");
        own.and_then(|file| todos(&file.text)).unwrap_or_default()
    }

    /// Reads a small file; one that is too large is no text.
    fn read(&mut self, path: &Path) -> Result<Option<Vec<u8>>> {
        let small = path.metadata().is_ok_and(|meta| meta.len() <= LARGEST_TEXT);
        let bytes = if small { files::read_plain(path, LARGEST_TEXT) } else { Ok(Some(vec![0xff])) };
        Ok(if_readable(path, self.missing, bytes)?.flatten())
    }
}

/// Takes JSON of the client's that a manifest can hold as it is.
pub(super) fn small_json(json: &[u8]) -> Option<Box<RawValue>> {
    fits_inside(json).then(|| serde_json::from_slice(json).ok()).flatten()
}

/// Returns what reading a file gave. If the file itself can't be read, it is named as missing, so that all others are
/// saved; what the store says still ends the save.
pub(super) fn if_readable<T>(path: &Path, missing: &mut Vec<Skipped>, read: Result<T>) -> Result<Option<T>> {
    let error = match read {
        Ok(read) => return Ok(Some(read)),
        Err(error) => error,
    };
    match crate::sys::users_files::open_theirs(path)
        .and_then(|mut file| std::io::copy(&mut file, &mut std::io::sink()))
    {
        Ok(_) => Err(error),
        Err(why) => {
            if why.kind() != std::io::ErrorKind::NotFound {
                missing.push(Skipped::at(path, why));
            }
            Ok(None)
        }
    }
}

/// Reads the tasks in these files. What is no task in any version that is known goes to the `others`, to be carried as a mere file.
pub(super) fn tasks(
    paths: &[PathBuf],
    others: &mut Vec<(String, PathBuf)>,
    missing: &mut Vec<Skipped>,
) -> Result<Vec<Box<RawValue>>> {
    let mut tasks = Vec::new();
    for path in paths {
        let small = path.metadata().is_ok_and(|meta| meta.len() <= LARGEST_JSON);
        let json = if small { files::read_plain(path, LARGEST_JSON) } else { Ok(Some(Vec::new())) };
        match if_readable(path, missing, json)?.flatten().map(|json| task(&json, path)) {
            Some(Some(task)) => tasks.push(task),
            Some(None) => others.extend(place_of(path, "tasks")),
            // Finished and removed by the client since the folder was listed.
            None => {}
        }
    }
    Ok(tasks)
}

/// Takes a task's JSON if it names itself as its file does, under which name it is restored, and if a manifest can hold it.
fn task(json: &[u8], path: &Path) -> Option<Box<RawValue>> {
    let same = path.file_stem().is_some_and(|stem| task_id(json).is_some_and(|id| stem == id.as_str()));
    serde_json::from_slice(json).ok().filter(|_| same && fits_inside(json))
}

/// Says whether a JSON text can be restored as a task.
pub(super) fn is_task(json: &str) -> bool {
    fits_inside(json.as_bytes()) && task_id(json.as_bytes()).is_some_and(|id| ClientId::parse(&id).is_some())
}

fn task_id(json: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct TaskId {
        id: String,
    }
    serde_json::from_slice::<TaskId>(json).ok().map(|task| task.id)
}

pub(super) fn place_of(path: &Path, folder: &str) -> Option<(String, PathBuf)> {
    Some((format!("{folder}/{}", path.file_name()?.to_str()?), path.to_owned()))
}
