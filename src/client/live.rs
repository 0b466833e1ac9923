//! Sessions that run right now: `sessions/PID.json`.
//!
//! A file can outlive its process, and a process id is used again, so a session is live
//! only if the process exists and started when the file says it did. Where several
//! configuration folders share their transcripts, each has live sessions of its own.

use std::path::PathBuf;

use serde::Deserialize;

use super::ClientHome;
use crate::base::error::Result;
use crate::base::ids::ClientId;
use crate::sys::files;
use crate::sys::process::{self, Beginning};

const LARGEST: u64 = 1 << 20;

/// A session whose client runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Live {
    /// The session.
    pub id: ClientId,
    /// The folder it works in.
    pub cwd: PathBuf,
    /// `idle`, `busy` or `waiting`.
    pub status: Option<String>,
    /// What it waits for.
    pub waiting_for: Option<String>,
    /// Whether it has no terminal of its own (`--bg`).
    pub background: bool,
    /// Its client's process.
    pub(super) pid: i32,
    /// When it said so last, in milliseconds; 0 if the client does not say.
    pub(super) updated: i64,
    /// The configuration folder that it is in.
    pub(super) config: PathBuf,
}

#[cfg(test)]
impl Live {
    /// Makes a live session for other modules' tests.
    pub(crate) fn example(id: &ClientId) -> Live {
        Live {
            id: id.clone(),
            cwd: "/app".into(),
            status: None,
            waiting_for: None,
            background: false,
            pid: 0,
            updated: 0,
            config: "/home/.claude".into(),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LiveFile {
    pid: i32,
    session_id: String,
    cwd: PathBuf,
    #[serde(default)]
    proc_start: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    waiting_for: Option<String>,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    updated_at: i64,
}

impl ClientHome {
    /// Says whether a session runs right now, anywhere.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] if the folder is there but can't be read.
    pub fn live_session(&self, id: &ClientId) -> Result<Option<Live>> {
        Ok(self.running()?.into_iter().find(|live| live.id == *id))
    }

    /// Returns every session that runs, here or with another configuration folder that shares its transcripts.
    ///
    /// # Errors
    /// As [`ClientHome::live_session`].
    pub fn running(&self) -> Result<Vec<Live>> {
        let mut running = self.all_live()?;
        for other in self.profiles_that_share() {
            // What another account keeps to itself is not our business.
            running.extend(other.all_live().unwrap_or_default());
        }
        Ok(running)
    }

    fn all_live(&self) -> Result<Vec<Live>> {
        let mut live = Vec::new();
        for path in super::listing::list(&self.config.join("sessions"))? {
            // Only PID.json: the `.key` beside it is a credential.
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let Some(pid) = name.strip_suffix(".json").filter(|pid| pid.bytes().all(|b| b.is_ascii_digit()))
            else {
                continue;
            };
            // A client that is just ending removes its file: gone or half written is not live.
            let Ok(Some(json)) = files::read_plain(&path, LARGEST) else { continue };
            let Ok(record) = serde_json::from_slice::<LiveFile>(&json) else { continue };
            let Some(id) = ClientId::parse(&record.session_id) else { continue };
            if record.pid.to_string() == pid && runs(record.pid, record.proc_start.as_deref()) {
                live.push(Live {
                    id,
                    cwd: record.cwd,
                    status: record.status,
                    waiting_for: record.waiting_for,
                    background: record.kind.as_deref() == Some("bg"),
                    pid: record.pid,
                    updated: record.updated_at,
                    config: self.config.clone(),
                });
            }
        }
        Ok(live)
    }
}

/// Says whether a process runs and, where that can be told, is the one that was meant.
fn runs(pid: i32, started: Option<&str>) -> bool {
    match process::beginning(pid) {
        Beginning::Known(start) => started.is_none_or(|started| started == start),
        Beginning::Gone => false,
        // The number alone has to do.
        Beginning::Unknown => process::exists(pid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reused_process_id_is_not_the_session() {
        let me = i32::try_from(std::process::id()).expect("a process id");
        assert!(runs(me, None));
        assert!(!runs(me, Some("1")));
        assert!(!runs(i32::MAX, None));
    }
}
