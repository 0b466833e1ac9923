//! The bundle: one snapshot as one stream of bytes, for a file or a pipe.
//!
//! Owns the layout, which `docs/format.md` describes: a mark, a version, the manifest, the objects' frames
//! in the order of their names, and a BLAKE3 hash of all of it at the end. The same manifest and frames give
//! the same bytes. A reader trusts no length: it never holds more than what has really come, and returns
//! frames unchecked. The store's intake decides what they mean and whether they are sound.

use std::io::{self, Read, Write};

use crate::base::digest::{Checksum, ObjectId};
use crate::base::error::{Error, Kind, Result};
use crate::base::monitor::PART;
use crate::manifest::{LARGEST_MANIFEST, MOST_OBJECTS};

/// How a bundle begins: a byte that is not text, a name, and line ends that a transfer as text would
/// change.
const MARK: &[u8; 8] = b"\x93snap\r\n\x1a";

/// The version of a plain bundle.
const PLAIN: u32 = 1;

/// The version of a bundle with base versions, and the newest that this program reads.
const WITH_BASES: u32 = 2;

/// Writes a bundle.
pub struct BundleWriter<W> {
    out: W,
    sum: Checksum,
    bytes: u64,
}

impl<W: Write> BundleWriter<W> {
    /// Begins a bundle of a manifest, the list of base versions if there are any, and this many
    /// objects.
    ///
    /// # Errors
    /// What the output says.
    pub fn begin(out: W, manifest: &[u8], bases: Option<&[u8]>, objects: u64) -> io::Result<BundleWriter<W>> {
        let mut writer = BundleWriter { out, sum: Checksum::default(), bytes: 0 };
        writer.put(MARK)?;
        let version = if bases.is_some() { WITH_BASES } else { PLAIN };
        writer.put(&version.to_le_bytes())?;
        for part in [Some(manifest), bases].into_iter().flatten() {
            writer.put(&(part.len() as u64).to_le_bytes())?;
            writer.put(part)?;
        }
        writer.put(&objects.to_le_bytes())?;
        Ok(writer)
    }

    /// Adds an object; the caller keeps the order of their names. `tell` is told of its bytes while they are written.
    ///
    /// # Errors
    /// What the output says.
    pub fn object(&mut self, id: ObjectId, frame: &[u8], mut tell: impl FnMut(u64)) -> io::Result<()> {
        self.put(id.as_bytes())?;
        self.put(&(frame.len() as u64).to_le_bytes())?;
        for part in frame.chunks(PART) {
            self.put(part)?;
            tell(part.len() as u64);
        }
        Ok(())
    }

    /// Ends the bundle; returns the output and how many bytes were written.
    ///
    /// # Errors
    /// What the output says.
    pub fn finish(mut self) -> io::Result<(W, u64)> {
        let sum = self.sum.finish();
        self.put(sum.as_bytes())?;
        self.out.flush()?;
        Ok((self.out, self.bytes))
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sum.update(bytes);
        self.bytes += bytes.len() as u64;
        self.out.write_all(bytes)
    }
}

/// What a bundle begins with, unchecked.
pub struct BundleHead {
    /// The manifest's bytes.
    pub manifest: Vec<u8>,
    /// The list of base versions.
    pub bases: Option<Vec<u8>>,
}

/// Reads a bundle.
pub struct BundleReader<R> {
    input: R,
    sum: Checksum,
    left: u64,
    last: Option<ObjectId>,
}

impl<R: Read> BundleReader<R> {
    /// Reads the head.
    ///
    /// # Errors
    /// [`Kind::Damaged`] if this is no bundle or it ends too early, [`Kind::NewerFormat`] if
    /// a later version wrote it, [`Kind::Environment`] if the input can't be read.
    pub fn begin(input: R) -> Result<(BundleReader<R>, BundleHead)> {
        let mut reader = BundleReader { input, sum: Checksum::default(), left: 0, last: None };
        let mark: [u8; 8] = reader.take()?;
        if mark != *MARK {
            return Err(damaged("it does not begin like one")
                .hint("`snap export` writes such files; a transfer as text damages them"));
        }
        let version = u32::from_le_bytes(reader.take()?);
        if version > WITH_BASES {
            return Err(Error::new(Kind::NewerFormat, "A later version of snap wrote this file")
                .because(format!("its format is {version}, this version reads up to {WITH_BASES}"))
                .hint("install the newest `claude-snap`; nothing was imported"));
        }
        if version == 0 {
            return Err(damaged("its format is 0"));
        }
        let manifest = reader.part("manifest")?;
        let bases = if version == WITH_BASES { Some(reader.part("list of base versions")?) } else { None };
        reader.left = u64::from_le_bytes(reader.take()?);
        if reader.left > MOST_OBJECTS {
            return Err(damaged(format!(
                "bytes of it are missing, changed or too many (it claims {} objects, and the limit is {MOST_OBJECTS})",
                reader.left
            )));
        }
        Ok((reader, BundleHead { manifest, bases }))
    }

    /// Reads the next object, unchecked. `largest` gives the largest size of an object's frame, and
    /// `None` if no such object is allowed.
    ///
    /// # Errors
    /// As [`BundleReader::begin`]; [`Kind::Damaged`] too for an object that is not expected.
    pub fn next(&mut self, largest: impl Fn(ObjectId) -> Option<u64>) -> Result<Option<(ObjectId, Vec<u8>)>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let id = ObjectId::from_bytes(self.take()?);
        if self.last.is_some_and(|last| last >= id) {
            return Err(damaged("its objects are out of order"));
        }
        self.last = Some(id);
        let Some(most) = largest(id) else {
            return Err(damaged(format!("it has an object {id} that the snapshot does not need")));
        };
        let length = u64::from_le_bytes(self.take()?);
        if length > most {
            return Err(damaged(format!(
                "bytes of it are missing, changed or too many (object {id} claims {length} bytes, and the limit is {most})"
            )));
        }
        Ok(Some((id, self.take_long(length)?)))
    }

    /// Checks the hash at the end, and that nothing follows.
    ///
    /// # Errors
    /// As [`BundleReader::begin`].
    pub fn finish(mut self) -> Result<()> {
        let wanted = self.sum.finish();
        let found: [u8; 32] = self.take()?;
        if ObjectId::from_bytes(found) != wanted {
            return Err(damaged("its checksum is wrong"));
        }
        match self.input.read(&mut [0]).map_err(|error| unreadable(&error))? {
            0 => Ok(()),
            _ => Err(damaged("there are bytes behind its end")),
        }
    }

    fn part(&mut self, what: &str) -> Result<Vec<u8>> {
        let length = u64::from_le_bytes(self.take()?);
        if length > LARGEST_MANIFEST {
            let most = LARGEST_MANIFEST;
            return Err(damaged(format!("its {what} claims {length} bytes, and the most is {most}")));
        }
        self.take_long(length)
    }

    fn take<const LENGTH: usize>(&mut self) -> Result<[u8; LENGTH]> {
        let mut bytes = [0; LENGTH];
        self.input.read_exact(&mut bytes).map_err(|error| unreadable(&error))?;
        self.sum.update(&bytes);
        Ok(bytes)
    }

    fn take_long(&mut self, length: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        // Grows with what really comes, whatever the length claims.
        (&mut self.input).take(length).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
        if (bytes.len() as u64) < length {
            return Err(cut_short());
        }
        self.sum.update(&bytes);
        Ok(bytes)
    }
}

fn damaged(cause: impl std::fmt::Display) -> Error {
    Error::new(Kind::Damaged, "This is not a sound bundle")
        .because(cause)
        .hint("export and transfer it again; nothing was imported")
}

fn cut_short() -> Error {
    damaged("it ends too early")
}

fn unreadable(error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => cut_short(),
        _ => Error::new(Kind::Environment, "Cannot read the bundle")
            .because(error)
            .hint("nothing was imported"),
    }
}
