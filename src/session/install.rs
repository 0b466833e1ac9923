//! Puts a session into the client's folders, so that `claude --resume` finds it.
//!
//! Side files first, the transcript last: the client lists a session by its transcript, so
//! it never sees half of one. Nothing that exists is overwritten; transcripts of a session
//! that is continued are appended to. If anything fails, what was written is taken away again. Below the client's `projects`, `tasks` and `file-history`,
//! which people put on other disks by a link, everything is reached through real folders only.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::File;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::ClientHome;
use super::continuation::{Continuation, Standing, Writer};
use crate::error::{Error, IoContext, Kind, Result};
use crate::fs;
use crate::ids::ClientId;
use crate::paths::RepoPath;
use crate::tree::Tree;

/// A session that is being installed. If it is dropped before its
/// transcript is written, all is taken back.
pub struct Installing<'a> {
    client: &'a ClientHome,
    id: &'a ClientId,
    cwd: &'a Path,
    continues: bool,
    installed: Installed,
}

/// What was installed, to be taken back if a later step fails.
#[derive(Default)]
pub struct Installed {
    /// The client's folders, held open, by their names.
    trees: BTreeMap<&'static str, Tree>,
    files: Vec<(&'static str, RepoPath)>,
    /// What was appended to, with the sizes before and after.
    appended: Vec<(File, u64, u64)>,
}

impl ClientHome {
    /// Says whether anything of a session with this id is on this machine.
    ///
    /// # Errors
    /// [`Kind::Environment`] if the client's folders can't be read.
    pub fn knows(&self, id: &ClientId) -> Result<bool> {
        let mut folders =
            ["tasks", "file-history"].map(|kind| self.config.join(kind).join(id.as_str())).to_vec();
        folders.push(self.config.join("tasks").join(ClientHome::team_list(id)));
        let beside = super::files::list(&self.projects())?
            .into_iter()
            .any(|project| project.join(id.as_str()).exists());
        Ok(beside || folders.iter().any(|folder| folder.exists()) || !self.transcripts(id)?.is_empty())
    }

    /// Returns where a session's transcript is installed.
    pub fn transcript_path(&self, cwd: &Path, id: &ClientId) -> PathBuf {
        self.project(cwd).join(format!("{id}.jsonl"))
    }

    /// Begins to install a session under an id, for a client that is started in `cwd`, links resolved; or to
    /// continue the one that is there.
    pub fn installing<'a>(&'a self, id: &'a ClientId, cwd: &'a Path, continues: bool) -> Installing<'a> {
        Installing { client: self, id, cwd, continues, installed: Installed::default() }
    }
}

impl Installing<'_> {
    /// Writes a side file: `session/…`, `tasks/…` or `file-history/…`, as in a manifest.
    ///
    /// # Errors
    /// [`Kind::Conflict`] if it exists, [`Kind::Damaged`] for another place, what `content` says,
    /// [`Kind::Environment`] with the path.
    pub fn file(&mut self, place: &RepoPath, content: Writer<'_>) -> Result<()> {
        let (kind, path) = self.place(place)?;
        self.write(kind, path, content)
    }

    /// Writes the transcript, which has to be the last file: the client lists a session by it.
    ///
    /// # Errors
    /// As [`Installing::file`].
    pub fn transcript(mut self, content: Writer<'_>) -> Result<Installed> {
        let (kind, path) = self.transcript_place()?;
        self.write(kind, path, content)?;
        Ok(std::mem::take(&mut self.installed))
    }

    /// Says how a side file that may be here stands to what would be written; writes nothing.
    ///
    /// # Errors
    /// As [`Installing::file`].
    pub fn standing(&self, place: &RepoPath, content: Writer<'_>) -> Result<Standing> {
        self.compare(self.place(place)?, content)
    }

    /// Says how the transcript that may be here stands to what would be written; writes nothing.
    ///
    /// # Errors
    /// As [`Installing::file`].
    pub fn transcript_standing(&self, content: Writer<'_>) -> Result<Standing> {
        self.compare(self.transcript_place()?, content)
    }

    fn compare(&self, (kind, path): (&str, RepoPath), content: Writer<'_>) -> Result<Standing> {
        let folder = self.client.config.join(kind);
        if !folder.is_dir() {
            return Ok(Standing::Absent);
        }
        let tree = Tree::open(&folder.canonicalize().context("open", &folder)?)?;
        match tree.append(&path)? {
            Some(here) => Ok(Continuation::comparing(here).run(content)?.0),
            None if tree.absolute(&path).symlink_metadata().is_ok() => Ok(Standing::Other),
            None => Ok(Standing::Absent),
        }
    }

    fn write(&mut self, kind: &'static str, path: RepoPath, content: Writer<'_>) -> Result<()> {
        let tree = match self.installed.trees.entry(kind) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(open(&self.client.config.join(kind))?),
        };
        let here = if self.continues { tree.append(&path)? } else { None };
        if let Some(here) = here {
            let file = here.try_clone().context("open", &tree.absolute(&path))?;
            let continuation = Continuation::appending(here).context("open", &tree.absolute(&path))?;
            let (standing, before, after) = continuation.run(content)?;
            if standing != Standing::Other {
                self.installed.appended.push((file, before, after));
                return Ok(());
            }
        } else if tree.create(&path, content)? {
            self.installed.files.push((kind, path));
            return Ok(());
        }
        Err(Error::new(Kind::Conflict, format!("Cannot write {}", tree.absolute(&path).display()))
            .because("a file of that name appeared or changed meanwhile")
            .hint("run the command again"))
    }

    fn transcript_place(&self) -> Result<(&'static str, RepoPath)> {
        let path = self.client.transcript_path(self.cwd, self.id);
        let below = path.strip_prefix(self.client.projects()).unwrap_or(&path);
        below_client("projects", below)
    }

    /// Returns which of the client's folders a side file's place is in, and where.
    fn place(&self, place: &RepoPath) -> Result<(&'static str, RepoPath)> {
        let mut components = place.components();
        let kind = components.next().and_then(|kind| kind.to_str()).unwrap_or_default();
        let (kind, folder) = match kind {
            "session" => {
                let (kind, transcript) = self.transcript_place()?;
                (kind, transcript.as_path().with_extension(""))
            }
            "tasks" => ("tasks", PathBuf::from(self.id.as_str())),
            "team-tasks" => ("tasks", PathBuf::from(ClientHome::team_list(self.id))),
            "file-history" => ("file-history", PathBuf::from(self.id.as_str())),
            _ => {
                return Err(Error::new(Kind::Damaged, format!("{place} is no place for a session's file"))
                    .hint("the snapshot was written by something else than snap"));
            }
        };
        below_client(kind, &components.fold(folder, |path, component| path.join(component)))
    }
}

/// Opens one of the client's folders, and makes it if need be. A link in its place is the user's own.
fn open(folder: &Path) -> Result<Tree> {
    if !folder.is_dir() {
        fs::make_private_folder(folder)?;
    }
    Tree::open(&folder.canonicalize().context("open", folder)?)
}

fn below_client(kind: &'static str, path: &Path) -> Result<(&'static str, RepoPath)> {
    match RepoPath::new(path.as_os_str().as_bytes()) {
        Ok(path) => Ok((kind, path)),
        Err(why) => Err(Error::new(Kind::Damaged, "A session's file has no usable name").because(why)),
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
        for (file, before, after) in self.appended.iter().rev().filter(|(_, before, after)| before < after) {
            // If the client has written behind it meanwhile, all of it stays: it is a whole conversation.
            if file.metadata().is_ok_and(|meta| meta.len() == *after) {
                let _best_effort = file.set_len(*before);
            }
        }
        for (kind, path) in self.files.iter().rev() {
            // The error that led here is the one to tell; what stays is an unlisted leftover.
            let _best_effort = self.trees.get(kind).map(|tree| tree.remove(path));
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
