//! A session that was found: where it lies, and whether it runs.

#[cfg(test)]
use std::path::Path;
use std::path::PathBuf;

use super::locate::glance::{self, SessionWords};
use super::{ClientHome, Live};
use crate::base::ids::ClientId;

/// A session that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundSession {
    /// Its id.
    pub id: ClientId,
    /// Its transcript.
    pub transcript: PathBuf,
    /// Its running client, if it runs.
    pub live: Option<Live>,
    /// The folder that it worked in last, if it says so.
    pub cwd: Option<PathBuf>,
    /// The client's folders that it lies in.
    pub home: ClientHome,
}

impl FoundSession {
    /// Returns what a person knows it by.
    pub fn words(&self) -> SessionWords {
        glance::words(&self.transcript)
    }

    /// Makes one for other modules' tests.
    #[cfg(test)]
    pub(crate) fn example(id: &str, live: Option<Live>) -> FoundSession {
        let home = ClientHome::new(Path::new("/home/.claude"), Path::new("/home"), None);
        let id = ClientId::parse(id).expect("an id");
        FoundSession { transcript: format!("/{id}.jsonl").into(), id, live, cwd: None, home }
    }
}
