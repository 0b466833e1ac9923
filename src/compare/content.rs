//! What a version of a file holds: in memory if it is small, else read again and again from where it is.
//!
//! A large version is never whole in memory: blobs are read while git unpacks them, stored content
//! while it is decompressed, and what an edit makes while its hunks are applied.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt as _;

use crate::git::Repository;
use crate::manifest::Content as Kept;
use crate::store::Store;
use crate::stored_patch::Applied;

/// Versions up to this many bytes are held in memory.
pub(super) const LARGE: u64 = 1 << 20;

/// How much is read at once.
const BLOCK: usize = 64 << 10;

/// The content of one version.
pub(super) enum Content<'a> {
    Bytes(Vec<u8>),
    /// A file on the disk, and its size.
    File(File, u64),
    Blob {
        repository: &'a Repository,
        oid: String,
        size: u64,
    },
    Stored {
        store: &'a Store,
        content: Kept,
        size: u64,
    },
    /// What stored hunks make of another version.
    Applied {
        base: Box<Content<'a>>,
        store: &'a Store,
        hunks: Kept,
        size: u64,
    },
}

impl Content<'_> {
    pub(super) fn size(&self) -> u64 {
        match self {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::File(_, size)
            | Content::Blob { size, .. }
            | Content::Stored { size, .. }
            | Content::Applied { size, .. } => *size,
        }
    }

    /// Opens it to be read from this byte on.
    pub(super) fn open(&self, from: u64) -> io::Result<Box<dyn Read + '_>> {
        let mut reader: Box<dyn Read + '_> = match self {
            Content::Bytes(bytes) => {
                let rest = usize::try_from(from).ok().and_then(|from| bytes.get(from..));
                return Ok(Box::new(rest.unwrap_or_default()));
            }
            Content::File(file, _) => return Ok(Box::new(Place::new(file.try_clone()?, from))),
            Content::Blob { repository, oid, .. } => Box::new(repository.blob_stream(oid)?),
            Content::Stored { store, content, .. } => Box::new(store.stream(content)),
            Content::Applied { base, store, hunks, .. } => {
                let base = BufReader::with_capacity(BLOCK, base.open(0)?);
                Box::new(Applied::new(base, BufReader::with_capacity(BLOCK, store.stream(hunks))))
            }
        };
        // What is unpacked can't be entered in the middle.
        io::copy(&mut reader.by_ref().take(from), &mut io::sink())?;
        Ok(reader)
    }
}

/// A file read from a place of its own, however often it is open.
pub struct Place {
    file: File,
    at: u64,
}

impl Place {
    /// Starts at this byte.
    pub fn new(file: File, at: u64) -> Place {
        Place { file, at }
    }
}

impl Read for Place {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}
