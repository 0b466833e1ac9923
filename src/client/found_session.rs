//! A session that was found: where it lies, and whether it runs.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
#[cfg(test)]
use std::path::Path;
use std::path::PathBuf;

use super::locate::glance::{self, SessionWords};
use super::{ClientHome, Live};
use crate::base::error::{IoContext as _, Result};
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

    /// Says whether the transcript, as it is now, has the record of this name, or one that follows it.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with the path.
    pub fn has_record(&self, uuid: &str) -> Result<bool> {
        let named = format!("\"{uuid}\"");
        let file = File::open(&self.transcript).context("read", &self.transcript)?;
        let mut lines = BufReader::with_capacity(64 << 10, file);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).context("read", &self.transcript)? > 0 {
            if memchr::memmem::find(&line, named.as_bytes()).is_some() {
                return Ok(true);
            }
            if line.capacity() > (4 << 20) { line = Vec::new() } else { line.clear() }
        }
        Ok(false)
    }

    /// Makes one for other modules' tests.
    #[cfg(test)]
    pub(crate) fn example(id: &str, live: Option<Live>) -> FoundSession {
        let home = ClientHome::new(Path::new("/home/.claude"), Path::new("/home"), None);
        let id = ClientId::parse(id).expect("an id");
        FoundSession { transcript: format!("/{id}.jsonl").into(), id, live, cwd: None, home }
    }
}
