//! The sessions on this machine: of all projects, or of some.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::SystemTime;

use super::ClientHome;
use super::listing::list;
use crate::base::error::Result;
use crate::base::ids::ClientId;

/// A session that has a transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedSession {
    /// Its id.
    pub id: ClientId,
    /// Its transcript.
    pub transcript: PathBuf,
    /// When that was written to last.
    pub modified: SystemTime,
}

impl ClientHome {
    /// Lists the sessions, the one written to last first. A project's folder that can't be read is passed over.
    ///
    /// # Errors
    /// [`Kind::Environment`](crate::base::error::Kind::Environment) if the folder with the projects can't be read.
    pub fn all_sessions(&self) -> Result<Vec<ListedSession>> {
        Ok(newest_first(&list(&self.projects())?))
    }

    /// Lists the sessions that were begun in these folders, the one written to last first.
    pub fn sessions_of(&self, folders: &[PathBuf]) -> Vec<ListedSession> {
        let projects: BTreeSet<PathBuf> = folders.iter().map(|folder| self.project(folder)).collect();
        newest_first(&projects.into_iter().collect::<Vec<_>>())
    }
}

/// Lists the sessions in the client's folders of some projects, the one written to last first.
fn newest_first(projects: &[PathBuf]) -> Vec<ListedSession> {
    let mut all = Vec::new();
    for transcript in projects.iter().flat_map(|project| list(project).unwrap_or_default()) {
        let name = transcript.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let id = name.strip_suffix(".jsonl").and_then(ClientId::parse).filter(ClientId::is_session);
        let written = transcript.metadata().ok().filter(std::fs::Metadata::is_file);
        if let (Some(id), Some(Ok(modified))) = (id, written.map(|meta| meta.modified())) {
            all.push(ListedSession { id, transcript, modified });
        }
    }
    all.sort_by(|one, other| (other.modified, &other.transcript).cmp(&(one.modified, &one.transcript)));
    all
}
