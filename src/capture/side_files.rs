//! Keeps the side files of a session: large tool results, earlier versions of the user's files, what the client wrote beside its
//! tasks.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::small_files::if_readable;
use crate::base::error::{Error, IoContext as _, Result};
use crate::base::monitor::Monitor;
use crate::base::paths::RepoPath;
use crate::client::without_account;
use crate::manifest::{Content, SideFile, Skipped};
use crate::redaction::Redactor;
use crate::store::{AddLock, Store};

/// Side files are kept in pieces of at most this many bytes.
const PIECE: usize = 4 << 20;

/// Side files are searched for secrets in blocks of about this many bytes, cut at line ends.
const BLOCK: u64 = 64 << 20;

/// Keeps them, and takes the secrets out.
#[derive(Clone, Copy)]
pub(super) struct SideFiles<'a> {
    pub(super) store: &'a Store,
    pub(super) lock: &'a AddLock,
    pub(super) redactor: &'a Redactor,
    pub(super) monitor: &'a Monitor,
}

impl SideFiles<'_> {
    /// Keeps files, each with its place; what can't be read is named as missing.
    pub(super) fn keep_all(
        &self,
        files: &[(String, PathBuf)],
        missing: &mut Vec<Skipped>,
    ) -> Result<Vec<SideFile>> {
        let mut kept = Vec::new();
        for (place, path) in files {
            match RepoPath::new(place.as_bytes()) {
                Ok(place) => kept.extend(if_readable(path, missing, self.keep(place, path))?.flatten()),
                Err(why) => missing.push(Skipped::at(path, why)),
            }
        }
        Ok(kept)
    }

    /// Keeps a side file; `None` if it has gone meanwhile.
    fn keep(&self, place: RepoPath, path: &Path) -> Result<Option<SideFile>> {
        let mut file = match crate::sys::users_files::open_theirs(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io("read", path, &error)),
        };
        // What the user's own files were must come back exactly; all else is read, not used.
        let is_users = place.as_bytes().starts_with(b"file-history/");
        let (mut size, mut pieces, mut rest, mut redaction) = (0, Vec::new(), Vec::new(), None);
        loop {
            let mut block = std::mem::take(&mut rest);
            (&mut file).take(BLOCK).read_to_end(&mut block).context("read", path)?;
            let is_last = (block.len() as u64) < BLOCK;
            self.monitor.add(block.len() as u64);
            if !is_last && let Some(end) = block.iter().rposition(|byte| *byte == b'\n') {
                rest = block.split_off(end + 1);
            }
            if place.as_bytes().starts_with(b"session/") && place.as_bytes().ends_with(b".jsonl") {
                let lines = block.split_inclusive(|byte| *byte == b'\n');
                block = lines.filter_map(without_account).collect::<Vec<_>>().concat();
            }
            let clean = if is_users && is_last && pieces.is_empty() {
                self.redactor.clean_version(&place, None, &block, &mut |_| ())?.map(|clean| {
                    redaction = Some(clean.redaction);
                    clean.noted.into_iter().for_each(|noted| self.redactor.note(noted));
                    clean.new
                })
            } else {
                None
            };
            let clean = match &clean {
                Some(clean) => std::borrow::Cow::Borrowed(clean.as_slice()),
                None if place.as_bytes().ends_with(b".jsonl") => {
                    self.redactor.records(&place.to_string(), 0, &block)
                }
                None => self.redactor.text(&place.to_string(), &block),
            };
            size += clean.len() as u64;
            if is_last && pieces.is_empty() && clean.len() < PIECE {
                let content = self.store.keep(self.lock, &clean)?;
                return Ok(Some(SideFile { place, size, content, redaction }));
            }
            for piece in clean.chunks(PIECE) {
                pieces.push(self.store.put(self.lock, piece)?);
            }
            if is_last {
                return Ok(Some(SideFile {
                    place,
                    size,
                    content: Content::Chunks { chunks: pieces },
                    redaction,
                }));
            }
        }
    }
}
