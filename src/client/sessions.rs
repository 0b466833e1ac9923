//! All sessions on this machine, whatever project they belong to.

use std::path::PathBuf;
use std::time::SystemTime;

use super::ClientHome;
use super::files::list;
use crate::base::error::Result;
use crate::base::ids::ClientId;

/// A session that has a transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
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
    pub fn all_sessions(&self) -> Result<Vec<Listed>> {
        let mut all = Vec::new();
        for project in list(&self.projects())? {
            for transcript in list(&project).unwrap_or_default() {
                let name = transcript.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                let id = name.strip_suffix(".jsonl").filter(|id| is_session(id)).and_then(ClientId::parse);
                let written = transcript.metadata().ok().filter(std::fs::Metadata::is_file);
                if let (Some(id), Some(Ok(modified))) = (id, written.map(|meta| meta.modified())) {
                    all.push(Listed { id, transcript, modified });
                }
            }
        }
        all.sort_by(|one, other| (other.modified, &other.transcript).cmp(&(one.modified, &one.transcript)));
        Ok(all)
    }
}

/// Says whether a name is a session's, as the client makes it: a UUID.
fn is_session(name: &str) -> bool {
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let lengths: Vec<usize> = name.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && name.split('-').all(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_uuid_is_a_session() {
        assert!(is_session("c137e379-838e-4509-8148-16b407691758"));
        for no in ["agent-1a2b3c4d", "notes-export", "c137e379-838e-4509-8148-16b40769175", ""] {
            assert!(!is_session(no), "{no}");
        }
    }
}
