//! The log: who did what, when, one JSON object a line in `log.jsonl`, only ever appended.
//!
//! Bounded: when it has grown over a mebibyte, the older half goes. A log that can't be
//! written never stops the work it would tell of.

use std::io::Write as _;

use serde::{Deserialize, Serialize};

use super::{PATIENCE, Store};
use crate::error::{IoContext, Result};
use crate::fs::{self, Existing};
use crate::ids::{ClientId, SnapshotId};
use crate::paths::NativePath;
use crate::timestamp::Timestamp;

const LARGEST_LOG: u64 = 1 << 20;

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// When it was done.
    pub at: Timestamp,
    /// What was done.
    pub operation: Operation,
    /// To which snapshot; absent if none came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<SnapshotId>,
    /// The snapshot's name then.
    pub name: String,
    /// By whom.
    pub user: String,
    /// On which machine.
    pub host: String,
    /// The session that was saved, or the one that a restore installed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<ClientId>,
    /// For a restore that was made: the work tree's root. `undo` goes by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<NativePath>,
    /// For a restore: the safety snapshot, if one was needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safety: Option<SnapshotId>,
    /// For a restore: the branch that it moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved: Option<MovedBranch>,
    /// For a hand-off: the file or the remote on the other side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    /// What came of it.
    #[serde(default, skip_serializing_if = "LogOutcome::is_ok")]
    pub outcome: LogOutcome,
    /// For a failure: what was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A branch that a restore moved, so that an undo can take it back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MovedBranch {
    /// The branch; `null` for a detached HEAD.
    pub branch: Option<String>,
    /// The commit it was at.
    pub from: String,
    /// The commit it was moved to.
    pub to: String,
}

impl MovedBranch {
    /// Returns what it is called, safe to show.
    pub fn name(&self) -> String {
        self.branch.as_deref().map_or("HEAD".to_owned(), |branch| crate::screen::Line(branch).to_string())
    }
}

/// What came of an operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogOutcome {
    /// It was done.
    #[default]
    Ok,
    /// It was not, and changed nothing.
    Failed,
    /// There was nothing to do.
    Skipped,
}

impl LogOutcome {
    /// Says whether it was done.
    pub fn is_ok(&self) -> bool {
        *self == LogOutcome::Ok
    }
}

/// What the log tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// `snap save`.
    Save,
    /// `snap resume`.
    Resume,
    /// `snap rewind`.
    Rewind,
    /// `snap undo`.
    Undo,
    /// `snap prune`.
    Prune,
    /// `snap rm`.
    Remove,
    /// `snap export`.
    Export,
    /// `snap import`.
    Import,
    /// `snap push`.
    Push,
    /// `snap pull`.
    Pull,
    /// `snap rm --remote`.
    Withdraw,
    /// A restore that was cut off was finished, or taken back.
    Recover,
}

impl Operation {
    /// Returns the word that stands for it in JSON and on the screen.
    pub fn word(self) -> &'static str {
        match self {
            Operation::Save => "save",
            Operation::Resume => "resume",
            Operation::Rewind => "rewind",
            Operation::Undo => "undo",
            Operation::Prune => "prune",
            Operation::Remove => "remove",
            Operation::Export => "export",
            Operation::Import => "import",
            Operation::Push => "push",
            Operation::Pull => "pull",
            Operation::Withdraw => "withdraw",
            Operation::Recover => "recover",
        }
    }
}

impl Store {
    /// Appends a line.
    ///
    /// # Errors
    /// [`crate::error::Kind::Environment`] with the path; callers may go on.
    pub fn log(&self, entry: &LogEntry) -> Result<()> {
        let path = self.root.join("log.jsonl");
        let mut line = serde_json::to_vec(entry).unwrap_or_default();
        line.push(b'\n');
        // Alone: a line that is added while another process cuts the log would be cut with it.
        let mut file = fs::append_alone(&path, PATIENCE)?;
        if file.metadata().context("read", &path)?.len() > LARGEST_LOG {
            let known = fs::read_plain(&path, 16 * LARGEST_LOG)?.unwrap_or_default();
            let half = &known[known.len() / 2..];
            let kept = half.iter().position(|byte| *byte == b'\n').map_or(&[][..], |end| &half[end + 1..]);
            fs::publish(&self.tmp(), &path, &[kept, &line].concat(), Existing::Replace)?;
            return Ok(());
        }
        file.write_all(&line).context("write", &path)?;
        // `undo` goes by the lines of restores: they are as durable as what they tell of.
        if entry.root.is_some() { file.sync_all().context("write", &path) } else { Ok(()) }
    }

    /// Reads the log, oldest first; lines that can't be read are passed over.
    ///
    /// # Errors
    /// [`crate::error::Kind::Environment`] with the path.
    pub fn read_log(&self) -> Result<Vec<LogEntry>> {
        let text = fs::read_plain(&self.root.join("log.jsonl"), 16 * LARGEST_LOG)?.unwrap_or_default();
        Ok(text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect())
    }
}
