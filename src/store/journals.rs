//! Journals: what a restore is about to do, written down before it begins.
//!
//! Owns `restoring/` in the store. A journal is one line that its restore understands, a line with the seal
//! of the user who wrote it, and perhaps the line `decided`, with a seal of its own. Whoever works on it
//! holds a kernel lock on it, from before it has its name until it is gone. So a journal whose lock is free
//! was left by a process that died. One without this user's seal may have come with a clone: nothing in it
//! is trusted. The content of the line, and what to do about it, belong to `restore`.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::time::Duration;

use super::seal::{DECISION, JOURNAL};
use super::{PATIENCE, Store};
use crate::base::digest::{Checksum, ObjectId};
use crate::base::error::{Error, IoContext as _, Kind, Result};
use crate::base::ids::SnapshotId;
use crate::sys::locks::HeldFile;
use crate::sys::place::{OwnPath, Shape};

/// Begins the line with the seal of the first one.
const SEALED: &str = "sealed ";

/// Begins the line after which a restore is finished rather than rolled back.
const DECIDED: &str = "decided ";

/// The most that is read behind the first line, in bytes.
const LONGEST_END: u64 = 512;

/// The largest journal that is read: a line of a few hundred bytes for each path.
const LARGEST_JOURNAL: u64 = 1 << 30;

/// A journal that nobody else works on as long as this lives.
pub struct Journal {
    held: HeldFile,
    /// The length in bytes of the part before the decision.
    plan: u64,
    /// The line that decides, with its seal.
    decision: Vec<u8>,
}

/// What a journal that was found says.
pub struct FoundJournal {
    /// The line that its restore understands; empty if it is not this user's.
    pub line: Vec<u8>,
    /// Whether this user's `snap` wrote it, in this store.
    pub own: bool,
    /// Whether the restore was decided.
    pub decided: bool,
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
        if folder.make_folder()? {
            self.at("").sync()?;
        }
        let text = self.sealed_plan(plan);
        let held = HeldFile::publish(&self.tmp(), &folder.join(format!("{id}.json")), &text)?;
        folder.sync()?;
        Ok(Journal { held, plan: text.len() as u64, decision: self.decision(ObjectId::of(plan)) })
    }

    /// Returns a journal's first lines. Without a key, no seal can be made. Then the journal only says
    /// that a restore was begun.
    fn sealed_plan(&self, plan: &[u8]) -> Vec<u8> {
        let seal = self.seal(JOURNAL, ObjectId::of(plan).as_bytes());
        let seal = seal.map(|seal| format!("{SEALED}{seal}\n")).unwrap_or_default();
        [plan, b"\n", seal.as_bytes()].concat()
    }

    fn decision(&self, plan: ObjectId) -> Vec<u8> {
        let seal = self.seal(DECISION, plan.as_bytes()).map(|seal| seal.to_string()).unwrap_or_default();
        format!("{DECIDED}{seal}\n").into_bytes()
    }

    /// Returns all journals, whoever wrote them or works on them, and whatever they are.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path.
    pub fn journals(&self) -> Result<Vec<OwnPath>> {
        let folder = self.journal_folder();
        let mut names = folder.names()?;
        names.retain(|name| name.to_string_lossy().ends_with(".json"));
        names.sort();
        Ok(names.into_iter().map(|name| folder.join(name)).collect())
    }

    /// Reads a journal without holding it; `None` if it is gone.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path, [`Kind::Damaged`] if it is no plain file or has no whole line.
    pub fn peek_journal(&self, journal: &OwnPath) -> Result<Option<FoundJournal>> {
        match journal.open_plain(LARGEST_JOURNAL)? {
            Some(mut file) => self.found(&mut file, &journal.path()).map(|(found, _)| Some(found)),
            None => Ok(None),
        }
    }

    /// Parses a journal. Also returns the length of the part before the decision. It is held in memory
    /// only if it is this user's.
    fn found(&self, file: &mut File, path: &Path) -> Result<(FoundJournal, u64)> {
        let mut reader = BufReader::new(&mut *file);
        let (mut sum, mut length) = (Checksum::default(), 0);
        loop {
            let block = reader.fill_buf().context("read", path)?;
            if block.is_empty() {
                return Err(Error::new(Kind::Damaged, format!("Cannot read {}", path.display()))
                    .because("its first line has no end"));
            }
            let end = block.iter().position(|byte| *byte == b'\n');
            let part = end.unwrap_or(block.len());
            sum.update(&block[..part]);
            length += part as u64;
            reader.consume(part + usize::from(end.is_some()));
            if end.is_some() {
                break;
            }
        }
        let mut rest = Vec::new();
        reader.take(LONGEST_END).read_to_end(&mut rest).context("read", path)?;
        let mut lines = rest.split_inclusive(|byte| *byte == b'\n');
        let seal = lines.next().unwrap_or_default();
        let plan = sum.finish();
        let sealed = |line: &[u8], start: &str, purpose: &str| {
            let seal =
                || ObjectId::parse(std::str::from_utf8(line).ok()?.strip_prefix(start)?.strip_suffix('\n')?);
            seal().is_some_and(|seal| self.is_sealed(purpose, plan.as_bytes(), seal))
        };
        let mut found = FoundJournal { line: Vec::new(), own: sealed(seal, SEALED, JOURNAL), decided: false };
        if found.own {
            found.decided = sealed(lines.next().unwrap_or_default(), DECIDED, DECISION);
            file.seek(SeekFrom::Start(0)).context("read", path)?;
            file.take(length).read_to_end(&mut found.line).context("read", path)?;
            found.own = ObjectId::of(&found.line) == plan;
        }
        Ok((found, length + 1 + seal.len() as u64))
    }

    /// Takes over a journal that its process left; `None` if it is gone, or still worked on.
    ///
    /// # Errors
    /// [`Kind::Busy`] if another process works on it for longer than the wait, [`Kind::Damaged`] if it is no plain
    /// file or has no whole line.
    pub fn take_journal(&self, journal: &OwnPath, wait: Wait) -> Result<Option<(Journal, FoundJournal)>> {
        if journal.stat()?.is_some_and(|found| found.shape != Shape::File) {
            return Err(Error::new(Kind::Damaged, format!("Cannot read {}", journal.path().display()))
                .because("it is not a regular file"));
        }
        let patience = if wait == Wait::Patiently { PATIENCE } else { Duration::ZERO };
        let mut held = match HeldFile::hold(journal, patience) {
            Ok(Some(held)) => held,
            Ok(None) => return Ok(None),
            Err(error) if error.kind() == Kind::Busy && wait == Wait::No => return Ok(None),
            Err(error) => return Err(error),
        };
        let (found, plan) = self.found(held.file(), &journal.path())?;
        let decision = self.decision(ObjectId::of(&found.line));
        Ok(Some((Journal { held, plan, decision }, found)))
    }

    fn journal_folder(&self) -> OwnPath {
        self.at("restoring")
    }
}

impl Journal {
    /// Makes it durable that from now on the restore is finished, whatever happens.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path; it may be decided or not: see [`Journal::retract`].
    pub fn decide(&mut self) -> Result<()> {
        self.held.append(&self.decision)
    }

    /// Makes it durable that the restore is rolled back, whatever happens.
    ///
    /// # Errors
    /// [`Kind::Environment`] with the path; then nothing may be rolled back.
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
