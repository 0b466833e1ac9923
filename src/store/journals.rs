//! Journals: what a restore is about to do, written down before it begins.
//!
//! Owns `restoring/` in the store. A journal is one line that its restore understands, then
//! perhaps the line `decided`. Whoever works on it holds a kernel lock on it from before it has
//! its name until it is gone, so a journal whose lock is free was left by a process that died.
//! What is in the line, and what is done about it, is the business of `restore`.

use std::path::PathBuf;
use std::time::Duration;

use super::{PATIENCE, Store};
use crate::error::{Error, Kind, Result};
use crate::fs::{self, HeldFile};
use crate::ids::SnapshotId;

/// The line after which a restore is finished rather than taken back.
const DECIDED: &[u8] = b"decided\n";

/// The largest journal that is read: a line of a few hundred bytes for each path.
const LARGEST_JOURNAL: u64 = 1 << 30;

/// A journal that nobody else works on as long as this lives.
pub struct Journal {
    held: HeldFile,
    /// The length of the first line in bytes, with its end.
    plan: u64,
}

/// How long to wait for a journal that another process works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// As long as for any other lock.
    Patiently,
    /// Not at all.
    No,
}

impl Store {
    /// Writes a journal, durably, and holds it.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn begin_journal(&self, id: &SnapshotId, plan: &[u8]) -> Result<Journal> {
        drop(self.prepare()?);
        let folder = self.journal_folder();
        if fs::make_private_folder(&folder)? {
            fs::sync_folder(self.root())?;
        }
        let line = [plan, b"\n"].concat();
        let held = HeldFile::publish(&self.tmp(), &folder.join(format!("{id}.json")), &line)?;
        fs::sync_folder(&folder)?;
        Ok(Journal { held, plan: line.len() as u64 })
    }

    /// Returns the journals that are there, whoever works on them.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn journals(&self) -> Result<Vec<PathBuf>> {
        let mut files = super::objects::files_in(&self.journal_folder())?;
        files.retain(|path| path.extension().is_some_and(|end| end == "json"));
        files.sort();
        Ok(files)
    }

    /// Reads a journal's first line without holding it; `None` if it is gone, or if others can
    /// read or write it: such a file was not written by `snap`, but came with a repository.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path, [`Kind::Damaged`] if it is no plain file.
    pub fn peek_journal(&self, path: &std::path::Path) -> Result<Option<Vec<u8>>> {
        let text = match fs::read_private(path, LARGEST_JOURNAL) {
            Err(error) if error.kind() == Kind::Refused => None,
            read => read?,
        };
        Ok(text.map(|text| text.split(|byte| *byte == b'\n').next().unwrap_or_default().to_vec()))
    }

    /// Takes over a journal that its process left; `None` if it is gone, or still worked on.
    /// Returns its first line, and whether the restore was decided.
    ///
    /// # Errors
    /// [`Kind::Environment`] if another process works on it for longer than the wait.
    pub fn take_journal(
        &self,
        path: &std::path::Path,
        wait: Wait,
    ) -> Result<Option<(Journal, Vec<u8>, bool)>> {
        let patience = if wait == Wait::Patiently { PATIENCE } else { Duration::ZERO };
        let mut held = match HeldFile::hold(path, patience) {
            Ok(Some(held)) => held,
            Ok(None) => return Ok(None),
            Err(error) if error.kind() == Kind::Busy && wait == Wait::No => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut plan = held.read(LARGEST_JOURNAL)?;
        let Some(end) = plan.iter().position(|byte| *byte == b'\n') else {
            return Err(Error::new(Kind::Damaged, format!("Cannot read {}", path.display()))
                .because("its first line has no end"));
        };
        let decided = plan[end + 1..] == *DECIDED;
        plan.truncate(end);
        Ok(Some((Journal { held, plan: end as u64 + 1 }, plan, decided)))
    }

    fn journal_folder(&self) -> PathBuf {
        self.root().join("restoring")
    }
}

impl Journal {
    /// Makes it durable that from now on the restore is finished, whatever happens.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path; it may be decided or not: see [`Journal::retract`].
    pub fn decide(&mut self) -> Result<()> {
        self.held.append(DECIDED)
    }

    /// Makes it durable that the restore is taken back, whatever happens.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path; then nothing may be taken back.
    pub fn retract(&mut self) -> Result<()> {
        self.held.truncate(self.plan)
    }

    /// Removes it: all is done.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn close(self) -> Result<()> {
        self.held.remove()
    }
}
