//! The content of a version of a file: in memory if it is small, otherwise read from its source each time it
//! is needed.
//!
//! A large version is never whole in memory. Blobs are read while git unpacks them, stored content while it
//! is decompressed, and the result of an edit while its hunks are applied.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt as _;

use super::Materializer;
use crate::base::error::{Error, Kind, Result};
use crate::git::Repository;
use crate::manifest::{Content, Diff, DiffForm, SavedVersion};
use crate::store::Store;
use crate::stored_patch::Applied;

/// Versions up to this many bytes are held in memory.
pub const LARGE: u64 = 1 << 20;

/// How much is read at once.
const BLOCK: usize = 64 << 10;

/// The content of one version, to be read as often as one likes.
pub enum VersionContent<'a> {
    /// All of it, in memory.
    Bytes(Vec<u8>),
    /// A file on the disk, and its size.
    File(File, u64),
    /// A blob.
    Blob {
        /// The repository that has it.
        repository: &'a Repository,
        /// Its id.
        oid: String,
        /// Its size in bytes.
        size: u64,
    },
    /// What the store has.
    Stored {
        /// The store.
        store: &'a Store,
        /// What to read there.
        content: Content,
        /// Its size in bytes.
        size: u64,
    },
    /// What stored hunks make of another version.
    Applied {
        /// The other version.
        base: Box<VersionContent<'a>>,
        /// The store.
        store: &'a Store,
        /// The hunks there.
        hunks: Content,
        /// The size of what they make, in bytes.
        size: u64,
    },
}

impl VersionContent<'_> {
    /// Returns its size in bytes, as it is stated.
    pub fn size(&self) -> u64 {
        match self {
            VersionContent::Bytes(bytes) => bytes.len() as u64,
            VersionContent::File(_, size)
            | VersionContent::Blob { size, .. }
            | VersionContent::Stored { size, .. }
            | VersionContent::Applied { size, .. } => *size,
        }
    }

    /// Opens it to be read from this byte on.
    ///
    /// # Errors
    /// What git or the system says. While it is read, also an [`Error`] or [`crate::stored_patch::ApplyError`], wrapped.
    pub fn open(&self, from: u64) -> io::Result<Box<dyn Read + '_>> {
        let mut reader: Box<dyn Read + '_> = match self {
            VersionContent::Bytes(bytes) => {
                let rest = usize::try_from(from).ok().and_then(|from| bytes.get(from..));
                return Ok(Box::new(rest.unwrap_or_default()));
            }
            VersionContent::File(file, _) => return Ok(Box::new(FileReader::new(file.try_clone()?, from))),
            VersionContent::Blob { repository, oid, .. } => Box::new(repository.blob_stream(oid)?),
            VersionContent::Stored { store, content, .. } => Box::new(store.stream(content)),
            VersionContent::Applied { base, store, hunks, .. } => {
                let base = BufReader::with_capacity(BLOCK, base.open(0)?);
                Box::new(Applied::new(base, BufReader::with_capacity(BLOCK, store.stream(hunks))))
            }
        };
        // What is unpacked can't be entered in the middle.
        io::copy(&mut reader.by_ref().take(from), &mut io::sink())?;
        Ok(reader)
    }

    /// Reads all of it into memory.
    ///
    /// # Errors
    /// As [`VersionContent::open`], and while it is read.
    pub fn into_bytes(self) -> Result<Vec<u8>> {
        if let VersionContent::Bytes(bytes) = self {
            return Ok(bytes);
        }
        let mut bytes = Vec::new();
        let read = self.open(0).and_then(|mut reader| reader.read_to_end(&mut bytes));
        read.map_err(|error| match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
            Some(own) => own.clone(),
            None => Error::new(Kind::Environment, "Cannot read a version of a file").because(error),
        })?;
        Ok(bytes)
    }
}

impl<'a> Materializer<'a> {
    /// Returns a blob of the repository; `None` if that lacks it.
    ///
    /// # Errors
    /// What git says.
    pub fn blob_content(&mut self, oid: &str) -> Result<Option<VersionContent<'a>>> {
        let size = self.blobs().and_then(|blobs| blobs.size(oid)).filter(|size| *size > LARGE);
        Ok(match (self.repository, size) {
            (Some(repository), Some(size)) => {
                Some(VersionContent::Blob { repository, oid: oid.to_owned(), size })
            }
            _ => self.blob(oid)?.map(VersionContent::Bytes),
        })
    }

    /// Returns what git compares of a version; `None` if the repository lacks the base version. Large
    /// content is made while it is read. Then its parts are checked, and that the hunks fit, but not
    /// the id of the whole.
    ///
    /// # Errors
    /// As [`Materializer::saved`].
    pub fn compared_content(&mut self, saved: SavedVersion<'_>) -> Result<Option<VersionContent<'a>>> {
        let base = match saved.edit.diffed_against().filter(|_| saved.needs_base()) {
            None => VersionContent::Bytes(Vec::new()),
            Some(old) => match self.blob_content(&old.oid)? {
                Some(base) => base,
                None => return Ok(None),
            },
        };
        let is_large = |diff: &&Diff| diff.redaction.is_none() && diff.bytes.max(base.size()) > LARGE;
        let parts = saved.diff.filter(is_large).map(|diff| (diff.form, diff.content.clone(), diff.bytes));
        let store = self.store;
        Ok(Some(match (parts, base) {
            (Some((DiffForm::Whole, content, size)), _) => VersionContent::Stored { store, content, size },
            (Some((DiffForm::Hunks, hunks, size)), base) => {
                VersionContent::Applied { base: Box::new(base), store, hunks, size }
            }
            (None, VersionContent::Blob { repository, oid, size })
                if saved.diff.is_none() && oid == saved.version.oid =>
            {
                VersionContent::Blob { repository, oid, size }
            }
            (_, base) => VersionContent::Bytes(self.compared_from(saved, base.into_bytes()?.into())?),
        }))
    }
}

/// A file read from a place of its own, however often it is open.
pub struct FileReader {
    file: File,
    at: u64,
}

impl FileReader {
    /// Starts at this byte.
    pub fn new(file: File, at: u64) -> FileReader {
        FileReader { file, at }
    }
}

impl Read for FileReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}
