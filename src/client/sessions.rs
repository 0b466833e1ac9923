//! All sessions on this machine, whatever project they belong to.

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
        let mut all = Vec::new();
        for project in list(&self.projects())? {
            for transcript in list(&project).unwrap_or_default() {
                let name = transcript.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                let id = name.strip_suffix(".jsonl").and_then(ClientId::parse).filter(ClientId::is_session);
                let written = transcript.metadata().ok().filter(std::fs::Metadata::is_file);
                if let (Some(id), Some(Ok(modified))) = (id, written.map(|meta| meta.modified())) {
                    all.push(ListedSession { id, transcript, modified });
                }
            }
        }
        all.sort_by(|one, other| (other.modified, &other.transcript).cmp(&(one.modified, &one.transcript)));
        Ok(all)
    }
}
