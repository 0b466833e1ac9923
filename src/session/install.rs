//! Puts a session into the client's folders, so that `claude --resume` finds it.
//!
//! Side files first, the transcript last: the client lists a session by its transcript, so
//! it never sees half of one. Nothing that exists is overwritten; if anything fails, what
//! was written is taken away again.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::ClientHome;
use crate::error::{Error, IoContext, Kind, Result};
use crate::fs::{self, Draft, Existing};
use crate::ids::ClientId;
use crate::paths::RepoPath;

/// A session that is being installed. If it is dropped before its
/// transcript is written, all is taken back.
pub struct Installing<'a> {
    client: &'a ClientHome,
    id: &'a ClientId,
    cwd: &'a Path,
    installed: Installed,
}

/// What was installed, to be taken back if a later step fails.
#[derive(Default)]
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

    /// Begins to install a session under an id, for a client that is started in `cwd`, links resolved.
    pub fn installing<'a>(&'a self, id: &'a ClientId, cwd: &'a Path) -> Installing<'a> {
        Installing { client: self, id, cwd, installed: Installed::default() }
    }
}

impl Installing<'_> {
    /// Writes a side file: `session/…`, `tasks/…` or `file-history/…`, as in a manifest.
    ///
    /// # Errors
    /// [`Kind::Conflict`] if it exists, [`Kind::Damaged`] for another place, what `content` says,
    /// [`Kind::Environment`] with the path.
    pub fn file(
        &mut self,
        place: &RepoPath,
        content: impl FnOnce(&mut dyn Write) -> Result<()>,
    ) -> Result<()> {
        let path = self.place(place)?;
        self.write(path, content)
    }

    /// Writes the transcript, which has to be the last file: the client lists a session by it.
    ///
    /// # Errors
    /// As [`Installing::file`].
    pub fn transcript(mut self, content: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<Installed> {
        let path = self.client.transcript_path(self.cwd, self.id);
        self.write(path, content)?;
        Ok(std::mem::take(&mut self.installed))
    }

    fn write(&mut self, path: PathBuf, content: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
        let folder = path.parent().unwrap_or(&self.client.config);
        fs::make_private_folder(folder)?;
        let mut draft = BufWriter::with_capacity(1 << 16, Draft::begin(folder)?);
        content(&mut draft)?;
        let draft =
            draft.into_inner().map_err(std::io::IntoInnerError::into_error).context("write", &path)?;
        if !draft.seal()?.publish(&path, Existing::Keep)? {
            return Err(Error::new(Kind::Conflict, format!("Cannot write {}", path.display()))
                .because("a file of that name appeared meanwhile")
                .hint("run the command again"));
        }
        self.installed.files.push(path);
        Ok(())
    }

    /// Returns the path on this machine of a side file's place.
    fn place(&self, place: &RepoPath) -> Result<PathBuf> {
        let mut components = place.components();
        let kind = components.next().and_then(|kind| kind.to_str()).unwrap_or_default();
        let folder = match kind {
            "session" => self.client.project(self.cwd).join(self.id.as_str()),
            "tasks" | "file-history" => self.client.config.join(kind).join(self.id.as_str()),
            _ => {
                return Err(Error::new(Kind::Damaged, format!("{place} is no place for a session's file"))
                    .hint("the snapshot was written by something else than snap"));
            }
        };
        Ok(components.fold(folder, |path, component| path.join(component)))
    }
}

impl Drop for Installing<'_> {
    fn drop(&mut self) {
        std::mem::take(&mut self.installed).take_back();
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

/// Returns the records that give a session its title, as the client itself writes them.
pub fn title_records(id: &ClientId, title: &str) -> String {
    let records = [
        json!({"type": "custom-title", "customTitle": title, "sessionId": id}),
        json!({"type": "agent-name", "agentName": title, "sessionId": id}),
    ];
    records.iter().map(|record| format!("{record}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_two_records_of_a_line_each() {
        let records = title_records(&ClientId::parse("aaa").expect("an id"), "a \"b\"");
        let lines: Vec<&str> = records.lines().collect();
        assert_eq!(lines[0], r#"{"customTitle":"a \"b\"","sessionId":"aaa","type":"custom-title"}"#);
        assert_eq!((lines.len(), records.ends_with('\n')), (2, true));
    }
}
