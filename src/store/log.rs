//! The log: who did what, when, one JSON object on each line of `log.jsonl`. Lines are appended; the file is only replaced to
//! drop its older half, or the names of what is gone for good.
//!
//! The log is history, never configuration. A store can come with a clone, so a line counts
//! ([`Store::own_log`]) only if it ends in this user's seal; the others are only shown. Bounded: when it is
//! larger than a mebibyte, the older half is removed, but for the names of lines of work, which of them are closed, and
//! what removed snapshots were saved after. If the
//! log can't be written, the operation continues all the same.

use std::collections::{BTreeMap, HashMap};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt as _;

use serde::{Deserialize, Serialize};

use super::seal::LOG_LINE;
use super::{PATIENCE, Store};
use crate::base::digest::ObjectId;
use crate::base::error::{IoContext, Result};
use crate::base::ids::{ClientId, SnapshotId};
use crate::base::paths::{NativePath, RepoPath};
use crate::base::timestamp::Timestamp;
use crate::sys::disk;
use crate::sys::files::{self, Existing};
use crate::sys::locks;

pub(super) const LARGEST_LOG: u64 = 1 << 20;

/// The most bytes that stay of what names and closes lines of work, when the older half of the log goes.
const MOST_OF_LINES: usize = 256 << 10;

/// How those operations are written that say something of lines of work, and those that may take that back.
const OF_LINES: [&str; 6] = [
    "\"operation\":\"branch\"",
    "\"operation\":\"merge\"",
    "\"operation\":\"close\"",
    "\"operation\":\"reopen\"",
    "\"operation\":\"undo\"",
    "\"operation\":\"redo\"",
];

/// Stands before the seal, which is the last thing in a line.
const SEAL: &[u8] = b",\"seal\":\"";

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// When it was done.
    pub at: Timestamp,
    /// What was done.
    pub operation: Operation,
    /// To which snapshot; absent if there is none.
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
    /// For a restore that was made, and for snapshots that a person removed: the work tree's root.
    /// `undo` goes by it.
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
    /// For what a person removed, and for an undo or redo of that: where in the trash it is, or was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<SnapshotId>,
    /// For a removal: the snapshot that the removed one was saved after. What was saved after both still descends from that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<SnapshotId>,
    /// The result.
    #[serde(default, skip_serializing_if = "LogOutcome::is_ok")]
    pub outcome: LogOutcome,
    /// For a failure: what was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// For a line of work: the name that it got, or why it was closed, in the person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// For a merge: the snapshot of this line that was saved before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub into: Option<SnapshotId>,
    /// For a restore: the git branch that it was made on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// For a merge, a resume and a rewind: what of the snapshot's edits was not taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<RepoPath>,
    /// For a resume and a rewind: whether all of the snapshot's edits but `left` were taken. Earlier versions don't say so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub whole: bool,
    /// For a merge, and for an undo or redo of one: the tasks that it added, or took back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tasks: Option<MergedTasks>,
    /// Whether the line carries this user's seal. Anything else may have come with a clone.
    #[serde(skip)]
    pub own: bool,
}

impl LogEntry {
    /// Begins a line of this user's about something that was done: who, on which machine, and what every operation has.
    pub fn begun(operation: Operation, at: Timestamp, (user, host): (&str, &str)) -> LogEntry {
        LogEntry {
            at,
            operation,
            snapshot: None,
            name: String::new(),
            user: user.to_owned(),
            host: host.to_owned(),
            session: None,
            root: None,
            safety: None,
            moved: None,
            peer: None,
            batch: None,
            parent: None,
            outcome: LogOutcome::Ok,
            reason: None,
            note: None,
            into: None,
            branch: None,
            left: Vec::new(),
            whole: false,
            tasks: None,
            own: true,
        }
    }
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
        self.branch
            .as_deref()
            .map_or("HEAD".to_owned(), |branch| crate::base::screen::Line(branch).to_string())
    }
}

/// Tasks that a merge added to a list of the client's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergedTasks {
    /// The snapshot that they are from.
    pub from: SnapshotId,
    /// The session whose tasks they became.
    pub session: ClientId,
    /// Each with its number there.
    pub added: Vec<MergedTask>,
}

/// A task as a merge wrote it: one that was changed since is not taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergedTask {
    /// Its number.
    pub id: u64,
    /// The one that it has in the snapshot.
    pub was: String,
    /// The hash of its file.
    pub hash: ObjectId,
}

/// The result of an operation.
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

/// The operations in the log.
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
    /// `snap redo`.
    Redo,
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
    /// A restore that was interrupted was finished, or rolled back.
    Recover,
    /// `snap branch`.
    Branch,
    /// `snap merge`.
    Merge,
    /// `snap close`.
    Close,
    /// `snap reopen`.
    Reopen,
    /// `snap pin`.
    Pin,
    /// `snap unpin`.
    Unpin,
    /// A session was shared for the first time, or again after its end.
    Open,
    /// A session that is shared ended.
    End,
    /// What this user shared was taken back.
    Leave,
}

impl Operation {
    /// Says whether it sets files of a work tree.
    pub fn is_restore(self) -> bool {
        matches!(
            self,
            Operation::Resume | Operation::Rewind | Operation::Merge | Operation::Undo | Operation::Redo
        )
    }

    /// Says whether it names, closes or reopens a line of work: that holds until another one says otherwise, however long
    /// ago it was.
    fn is_of_line(self) -> bool {
        matches!(self, Operation::Branch | Operation::Close | Operation::Reopen)
    }

    /// Returns the word that stands for it in JSON and on the screen.
    pub fn word(self) -> &'static str {
        match self {
            Operation::Save => "save",
            Operation::Resume => "resume",
            Operation::Rewind => "rewind",
            Operation::Undo => "undo",
            Operation::Redo => "redo",
            Operation::Prune => "prune",
            Operation::Remove => "remove",
            Operation::Export => "export",
            Operation::Import => "import",
            Operation::Push => "push",
            Operation::Pull => "pull",
            Operation::Withdraw => "withdraw",
            Operation::Recover => "recover",
            Operation::Branch => "branch",
            Operation::Merge => "merge",
            Operation::Close => "close",
            Operation::Reopen => "reopen",
            Operation::Pin => "pin",
            Operation::Unpin => "unpin",
            Operation::Open => "open",
            Operation::End => "end",
            Operation::Leave => "leave",
        }
    }
}

impl Store {
    /// Appends a line.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with the path; callers may continue.
    pub fn log(&self, entry: &LogEntry) -> Result<()> {
        let place = self.at(LOG);
        let path = place.path();
        let line = self.sealed_line(serde_json::to_vec(entry).unwrap_or_default());
        // Alone: a line that is added while another process cuts the log would be cut with it.
        let mut file = locks::open_exclusively(&place, PATIENCE)?;
        let meta = file.metadata().context("read", &path)?;
        let size = meta.len();
        if meta.nlink() > 1 {
            // The other name may be that of any file: a tarball can bring such a second name.
            file.seek(SeekFrom::Start(size.saturating_sub(LARGEST_LOG / 2))).context("read", &path)?;
            let mut kept = Vec::new();
            (&mut file).take(LARGEST_LOG).read_to_end(&mut kept).context("read", &path)?;
            let is_line = |line: &&[u8]| serde_json::from_slice::<LogEntry>(line).is_ok();
            let lines: Vec<&[u8]> = kept.split(|byte| *byte == b'\n').filter(is_line).collect();
            let kept = [whole_lines(&lines.join(&b'\n')), line].concat();
            files::publish(&self.tmp(), &place, &kept, Existing::Replace)?;
            return self.at("").sync();
        }
        let mut last = Vec::new();
        file.seek(SeekFrom::Start(size.saturating_sub(LARGEST_LOG / 2))).context("read", &path)?;
        if size > LARGEST_LOG {
            (&mut file).take(LARGEST_LOG).read_to_end(&mut last).context("read", &path)?;
            let start = last.iter().position(|byte| *byte == b'\n').map_or(last.len(), |end| end + 1);
            let mut first = Vec::new();
            file.seek(SeekFrom::Start(0)).context("read", &path)?;
            let older = size.saturating_sub(LARGEST_LOG / 2) + start as u64;
            (&mut file).take(older.min(16 * LARGEST_LOG)).read_to_end(&mut first).context("read", &path)?;
            let kept = [self.of_lines(&first), whole_lines(&last[start..]), line].concat();
            files::publish(&self.tmp(), &place, &kept, Existing::Replace)?;
            return Ok(());
        }
        // A line that was cut off, by whatever, must not take this one with it.
        file.seek(SeekFrom::Start(size.saturating_sub(1))).context("read", &path)?;
        (&mut file).take(1).read_to_end(&mut last).context("read", &path)?;
        let start = if matches!(last.as_slice(), b"" | b"\n") { &b""[..] } else { b"\n" };
        file.write_all(&[start, &line].concat()).context("write", &path)?;
        // `undo` goes by the lines of restores: they are as durable as what they tell of.
        // (Those of a removal are made so together, at its end.)
        let removal =
            matches!(entry.operation, Operation::Prune | Operation::Remove) || entry.batch.is_some();
        if entry.root.is_some() && !removal { disk::flush(&file).context("write", &path) } else { Ok(()) }
    }

    /// Reads the log, oldest first, whoever wrote it; lines that can't be read are skipped.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with the path.
    pub fn read_log(&self) -> Result<Vec<LogEntry>> {
        let text = self.at(LOG).read(16 * LARGEST_LOG)?.unwrap_or_default();
        let read = |line: &[u8]| {
            let entry: LogEntry = serde_json::from_slice(line).ok()?;
            Some(LogEntry { own: self.is_own_line(line), ..entry })
        };
        Ok(text.split(|byte| *byte == b'\n').filter_map(read).collect())
    }

    /// Reads the lines that say something of lines of work, or may take that back, oldest first, whoever wrote them.
    ///
    /// # Errors
    /// As [`Store::read_log`].
    pub(super) fn log_of_lines(&self) -> Result<Vec<LogEntry>> {
        let text = self.at(LOG).read(16 * LARGEST_LOG)?.unwrap_or_default();
        // A list asks for these each time, and most logs have none: it must not read all of them for that.
        let may_be = |line: &&[u8]| {
            std::str::from_utf8(line)
                .is_ok_and(|line| OF_LINES.iter().any(|operation| line.contains(operation)))
        };
        let lines = text.split(|byte| *byte == b'\n').filter(may_be);
        Ok(lines.filter_map(|line| serde_json::from_slice(line).ok()).collect())
    }

    /// Reads what is proven to be this user's own history, from which a snapshot's parent is found. If
    /// this user can have no key, all of the log counts.
    ///
    /// # Errors
    /// As [`Store::read_log`].
    pub fn own_log(&self) -> Result<Vec<LogEntry>> {
        let all = self.read_log()?;
        if all.is_empty() {
            return Ok(all);
        }
        // On a machine where this user can have no key, such as a job's, no line of theirs can carry a seal.
        let all_count = !self.can_prove();
        Ok(all.into_iter().filter(|entry| entry.own || all_count).collect())
    }

    /// Returns what of these older lines holds until another one says otherwise, and after what the removed snapshots were saved; of
    /// too many, the newest.
    fn of_lines(&self, older: &[u8]) -> Vec<u8> {
        let lines: Vec<&[u8]> = older.split(|byte| *byte == b'\n').collect();
        let (mut kept, mut size) = (BTreeMap::new(), 0);
        let mut keep = |at: usize, line: Vec<u8>| {
            size += line.len();
            let fits = size <= MOST_OF_LINES;
            fits.then(|| kept.insert(at, line)).is_some()
        };
        let read = |line: &[u8]| serde_json::from_slice::<LogEntry>(line).ok();
        let is_of_line = |line: &&[u8]| read(line).is_some_and(|entry| entry.operation.is_of_line());
        let newest_first = || lines.iter().enumerate().rev();
        let all_kept =
            newest_first().filter(|(_, line)| is_of_line(line)).all(|(at, line)| keep(at, whole_lines(line)));
        if all_kept {
            for (at, line) in newest_first().filter(|(_, line)| has_parent(line) && self.is_own_line(line)) {
                let Some(entry) = read(line) else { continue };
                // It says what descends from what, and no longer what `undo` could bring back.
                let bare = LogEntry { root: None, batch: None, ..entry };
                if !keep(at, self.sealed_line(serde_json::to_vec(&bare).unwrap_or_default())) {
                    break;
                }
            }
        }
        kept.into_values().flatten().collect()
    }

    /// Reads after which snapshot each of these was saved, and so on, as far as this user removed them here.
    pub(super) fn removed_parents<'i>(
        &self,
        gone: impl IntoIterator<Item = &'i SnapshotId>,
    ) -> HashMap<SnapshotId, SnapshotId> {
        let (mut parents, mut open) = (HashMap::new(), gone.into_iter().cloned().collect::<Vec<_>>());
        if open.is_empty() {
            return parents;
        }
        let text = self.at(LOG).read(16 * LARGEST_LOG).ok().flatten().unwrap_or_default();
        let all_count = !self.can_prove();
        // Most lines are about others: they are not read, and their seals are not checked.
        let about = |line: &[u8]| {
            let (_, behind) = std::str::from_utf8(line).ok()?.split_once("\"snapshot\":\"")?;
            behind.get(..behind.find('"')?).map(str::to_owned)
        };
        let lines: HashMap<String, &[u8]> = text
            .split(|byte| *byte == b'\n')
            .filter(|line| has_parent(line))
            .filter_map(|line| Some((about(line)?, line)))
            .collect();
        while let Some(id) = open.pop() {
            let line = lines.get(id.as_str()).filter(|line| all_count || self.is_own_line(line));
            let entry = line.and_then(|line| serde_json::from_slice::<LogEntry>(line).ok());
            let Some(parent) = entry.and_then(|entry| entry.parent) else { continue };
            if parents.insert(id, parent.clone()).is_none() {
                open.push(parent);
            }
        }
        parents
    }

    /// Adds the seal, as the last key, and the line's end.
    pub(super) fn sealed_line(&self, mut json: Vec<u8>) -> Vec<u8> {
        if let Some(seal) = self.seal(LOG_LINE, &json) {
            json.pop();
            json.extend_from_slice(SEAL);
            json.extend_from_slice(format!("{seal}\"}}").as_bytes());
        }
        json.push(b'\n');
        json
    }

    /// Says whether a line ends in this user's seal over everything before it.
    pub(super) fn is_own_line(&self, line: &[u8]) -> bool {
        let parts = || {
            let (rest, end) = line.split_at_checked(line.len().checked_sub(SEALED_END)?)?;
            let seal = std::str::from_utf8(end.strip_prefix(SEAL)?.strip_suffix(b"\"}")?).ok()?;
            Some(([rest, b"}"].concat(), ObjectId::parse(seal)?))
        };
        parts().is_some_and(|(json, seal)| self.is_sealed(LOG_LINE, &json, seal))
    }
}

/// The length in bytes of a line's end from the seal on.
const SEALED_END: usize = SEAL.len() + 64 + 2;

/// The name of the log in the store.
pub(super) const LOG: &str = "log.jsonl";

/// Says whether a line may tell after which snapshot a removed one was saved.
fn has_parent(line: &[u8]) -> bool {
    std::str::from_utf8(line).is_ok_and(|line| line.contains("\"parent\":\""))
}

/// Returns the lines with an end for the last one too.
fn whole_lines(lines: &[u8]) -> Vec<u8> {
    let end = if lines.is_empty() || lines.ends_with(b"\n") { &b""[..] } else { b"\n" };
    [lines, end].concat()
}
