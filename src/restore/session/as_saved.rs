//! A session's files here, as a save would keep them: without what came before the last compaction (here, or
//! where the session continued), and without secrets.
//!
//! In this form they can be compared with a snapshot of the same session. Placeholders are keyed and stable,
//! so this works only for the user who saved it. For others the files differ, which does no harm.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek as _};
use std::path::Path;

use crate::base::error::Result;
use crate::base::paths::RepoPath;
use crate::client::transcript::compaction::{Cut, last_compaction};
use crate::client::{Lines, without_account};
use crate::manifest::{HistoryStart, Manifest, Transcript};
use crate::redaction::Redactor;
use crate::restore::session::saved_lines::saved_lines;
use crate::workspace::Workspace;

/// Larger files, but for transcripts, are compared as they are.
const LARGEST: u64 = 4 << 20;

/// How files that are here are looked at.
pub(in crate::restore) struct Compared {
    redactor: Option<Redactor>,
    cut: Cutting,
}

/// What is left out of the transcript.
enum Cutting {
    /// Nothing.
    Nothing,
    /// What its own last compaction left behind.
    ByItsOwn,
    /// What a later compaction left behind.
    By(Cut),
}

impl Compared {
    /// As they are.
    pub(in crate::restore) fn as_they_are() -> Compared {
        Compared { redactor: None, cut: Cutting::Nothing }
    }

    /// As they would be saved in a snapshot like this one.
    ///
    /// # Errors
    /// As [`Redactor::open`].
    pub(in crate::restore) fn as_saved(workspace: &Workspace, manifest: &Manifest) -> Result<Compared> {
        let transcript = manifest.session.as_ref().and_then(|session| session.transcript.as_ref());
        let compacted = transcript.is_some_and(|transcript| transcript.from == HistoryStart::Compaction);
        let cut = if compacted { Cutting::ByItsOwn } else { Cutting::Nothing };
        Ok(Compared { redactor: Some(Redactor::open(workspace, &[])?), cut })
    }

    /// As they would have been saved after the compaction that this snapshot has; `None` if it has
    /// none.
    ///
    /// # Errors
    /// As [`Redactor::open`], and what reading the snapshot says.
    pub(in crate::restore) fn before_compaction(
        workspace: &Workspace,
        saved: &Transcript,
    ) -> Result<Option<Compared>> {
        let cut = match saved.from {
            HistoryStart::Compaction => last_compaction(saved_lines(&workspace.store, saved))?,
            _ => None,
        };
        let Some(cut) = cut.map(Cut::of_what_came_before) else { return Ok(None) };
        Ok(Some(Compared { redactor: Some(Redactor::open(workspace, &[])?), cut: Cutting::By(cut) }))
    }

    /// Reads a side file or, without a place, the transcript.
    pub(in crate::restore) fn read<'a>(
        &'a self,
        place: Option<&RepoPath>,
        mut file: File,
    ) -> io::Result<Box<dyn Read + 'a>> {
        let Some(redactor) = &self.redactor else { return Ok(Box::new(file)) };
        let name = place.map(RepoPath::as_bytes).unwrap_or(b".jsonl");
        let size = file.metadata()?.len();
        if name.ends_with(b".jsonl") {
            let mut cut = match &self.cut {
                Cutting::By(cut) if place.is_none() => Some(cut.clone()),
                Cutting::ByItsOwn if place.is_none() => {
                    let lines = Lines::over(Path::new(""), (&file).take(size), size);
                    let cut = last_compaction(lines).map_err(io::Error::other)?;
                    file.rewind()?;
                    cut
                }
                _ => None,
            };
            let as_saved = move |line: &[u8], number| {
                // Asked of every line, also of one that is left out for the account: they are counted.
                let stays = cut.as_mut().is_none_or(|cut| cut.keeps(line));
                let kept = without_account(line)?;
                stays.then(|| redactor.records("", number, &kept).into_owned())
            };
            let lines = Lines::over(Path::new(""), file.take(size), size);
            return Ok(Box::new(Records {
                lines,
                as_saved,
                number: 0,
                ready: VecDeque::new(),
                ended: false,
            }));
        }
        // What comes back exactly is compared exactly.
        if size > LARGEST || name.starts_with(b"file-history/") || name.starts_with(b"session-env/") {
            return Ok(Box::new(file));
        }
        let mut whole = Vec::new();
        file.take(size).read_to_end(&mut whole)?;
        let clean =
            if name.ends_with(b".json") { redactor.json("", &whole) } else { redactor.text("", &whole) };
        if let Cow::Owned(clean) = clean {
            whole = clean;
        }
        Ok(Box::new(io::Cursor::new(whole)))
    }
}

/// A transcript, record by record; an unfinished last line is given as it is.
struct Records<'a, F> {
    lines: Lines<'a>,
    as_saved: F,
    number: u64,
    ready: VecDeque<u8>,
    ended: bool,
}

impl<F: FnMut(&[u8], u64) -> Option<Vec<u8>>> Read for Records<'_, F> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.ready.is_empty() && !self.ended {
            match self.lines.next_line().map_err(io::Error::other)? {
                Some(line) => {
                    self.ready = (self.as_saved)(line, self.number).unwrap_or_default().into();
                    self.number += 1;
                }
                None => {
                    self.ended = true;
                    self.ready = self.lines.torn().to_vec().into();
                }
            }
        }
        self.ready.read(out)
    }
}
