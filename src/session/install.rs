//! Puts a session into the client's folders, so that `claude --resume` finds it.
//!
//! Side files first, the transcript last: the client lists a session by its transcript, so
//! it never sees half of one. Nothing that exists is overwritten; if anything fails, what
//! was written is taken away again.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::ClientHome;
use crate::error::{Error, IoContext, Kind, Result};
use crate::fs::{self, Existing};
use crate::ids::ClientId;
use crate::paths::RepoPath;

/// A session to be installed.
pub struct Install {
    /// The id it gets.
    pub id: ClientId,
    /// The folder that the client will be started in, links resolved.
    pub cwd: PathBuf,
    /// The transcript.
    pub transcript: Vec<u8>,
    /// Everything else.
    pub files: Vec<NewFile>,
}

/// A side file to be written.
pub struct NewFile {
    /// `session/…`, `tasks/…` or `file-history/…`, as in a manifest.
    pub place: RepoPath,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// What was installed, to be taken back if a later step fails.
pub struct Installed {
    files: Vec<PathBuf>,
}

impl ClientHome {
    /// Says whether anything of a session with this id is on this machine.
    ///
    /// # Errors
    /// [`Kind::Environment`] if the client's folders can't be read.
    pub fn knows(&self, id: &ClientId) -> Result<bool> {
        let folders = ["tasks", "file-history"].map(|kind| self.config.join(kind).join(id.as_str()));
        let beside = super::files::list(&self.projects())?
            .into_iter()
            .any(|project| project.join(id.as_str()).exists());
        Ok(beside || folders.iter().any(|folder| folder.exists()) || !self.transcripts(id)?.is_empty())
    }

    /// Returns where a session's transcript is installed.
    pub fn transcript_path(&self, cwd: &Path, id: &ClientId) -> PathBuf {
        self.project(cwd).join(format!("{id}.jsonl"))
    }

    /// Writes all files of a session.
    ///
    /// # Errors
    /// [`Kind::Conflict`] if one of them exists, [`Kind::Environment`] with the path; nothing
    /// of the session is then left behind.
    pub fn install(&self, session: &Install) -> Result<Installed> {
        let mut installed = Installed { files: Vec::new() };
        match self.write_all(session, &mut installed) {
            Ok(()) => Ok(installed),
            Err(error) => {
                installed.take_back();
                Err(error)
            }
        }
    }

    fn write_all(&self, session: &Install, installed: &mut Installed) -> Result<()> {
        let mut files = Vec::new();
        for file in &session.files {
            files.push((self.place(session, &file.place)?, &file.bytes));
        }
        files.push((self.transcript_path(&session.cwd, &session.id), &session.transcript));
        for (path, bytes) in files {
            let folder = path.parent().unwrap_or(&self.config);
            fs::make_private_folder(folder)?;
            if !fs::publish(folder, &path, bytes, Existing::Keep)? {
                return Err(Error::new(Kind::Conflict, format!("Cannot write {}", path.display()))
                    .because("a file of that name appeared meanwhile")
                    .hint("run the command again"));
            }
            installed.files.push(path);
        }
        Ok(())
    }

    /// Returns the path on this machine of a side file's place.
    fn place(&self, session: &Install, place: &RepoPath) -> Result<PathBuf> {
        let mut components = place.components();
        let kind = components.next().and_then(|kind| kind.to_str()).unwrap_or_default();
        let folder = match kind {
            "session" => self.project(&session.cwd).join(session.id.as_str()),
            "tasks" | "file-history" => self.config.join(kind).join(session.id.as_str()),
            _ => {
                return Err(Error::new(Kind::Damaged, format!("{place} is no place for a session's file"))
                    .hint("the snapshot was written by something else than snap"));
            }
        };
        Ok(components.fold(folder, |path, component| path.join(component)))
    }
}

impl Installed {
    /// Removes what was installed, and the folders that are empty then.
    pub fn take_back(self) {
        for path in self.files.iter().rev() {
            // The error that led here is the one to tell; what stays is an unlisted leftover.
            if std::fs::remove_file(path).is_ok() {
                for folder in path.ancestors().skip(1).take(3) {
                    if std::fs::remove_dir(folder).is_err() {
                        break;
                    }
                }
            }
        }
    }
}

/// Appends the records that give a session its title, as the client itself writes them.
///
/// # Errors
/// [`Kind::Bug`]: a title can always be written.
pub fn add_title(transcript: &mut Vec<u8>, id: &ClientId, title: &str) -> Result<()> {
    if !transcript.is_empty() && !transcript.ends_with(b"\n") {
        transcript.push(b'\n');
    }
    for record in [
        json!({"type": "custom-title", "customTitle": title, "sessionId": id}),
        json!({"type": "agent-name", "agentName": title, "sessionId": id}),
    ] {
        serde_json::to_writer(&mut *transcript, &record)
            .map_err(std::io::Error::from)
            .context("write a title to", Path::new("the transcript"))?;
        transcript.push(b'\n');
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_starts_on_a_line_of_its_own() {
        let mut transcript = br#"{"type":"user"}"#.to_vec();
        add_title(&mut transcript, &ClientId::parse("aaa").expect("an id"), "a \"b\"").expect("added");
        let text = String::from_utf8(transcript).expect("text");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1], r#"{"customTitle":"a \"b\"","sessionId":"aaa","type":"custom-title"}"#);
        assert_eq!(lines.len(), 3);
    }
}
