//! Compares an existing file with what would be written, and splits off the missing part.
//!
//! Writes nothing to the file itself. The missing part waits beside it until the restore is decided.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom, Write};

use crate::base::error::{Error, Kind, Result};
use crate::sys::disk;

/// Writes the content of a file.
pub type WriteContent<'w> = &'w mut dyn FnMut(&mut dyn Write) -> Result<()>;

/// Gives a file's content as it would be saved.
pub type AsSaved<'a> = &'a dyn Fn(File) -> io::Result<Box<dyn Read + 'a>>;

/// More than this behind what would be written, in bytes, is never only what a client adds by itself.
const MOST_BEHIND: u64 = 1 << 20;

/// What a file that is here has to do with one that would be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrefixMatch {
    /// There is none.
    Absent,
    /// It is the same.
    Same,
    /// It is the beginning of it, and has this many bytes.
    Beginning(u64),
    /// It begins with it, and this is behind it.
    Longer(Vec<u8>),
    /// It is something else.
    Other,
}

/// Compares what is written to it with the existing file, and passes on to `rest` what comes after its
/// end.
pub(in crate::client) struct Continuation<'a, 'r> {
    here: BufReader<Box<dyn Read + 'a>>,
    rest: &'r mut dyn Write,
    block: Vec<u8>,
    added: bool,
    differs: bool,
}

impl<'a, 'r> Continuation<'a, 'r> {
    /// Has `content` written; says how the existing file compares, and puts the missing part into
    /// `rest`.
    ///
    /// # Errors
    /// What `content`, `rest` or the disk says.
    pub(in crate::client) fn run(
        here: File,
        as_saved: AsSaved<'a>,
        rest: &'r mut dyn Write,
        content: WriteContent<'_>,
    ) -> Result<PrefixMatch> {
        let size = here.metadata().map_err(unread)?.len();
        let here = BufReader::with_capacity(1 << 16, as_saved(here).map_err(unread)?);
        let mut this = Continuation { here, rest, block: Vec::new(), added: false, differs: false };
        let written = content(&mut this).and_then(|()| this.behind().map_err(unread));
        match written {
            // The comparison ends the writing as soon as it knows.
            _ if this.differs => Ok(PrefixMatch::Other),
            Ok(_) if this.added => Ok(PrefixMatch::Beginning(size)),
            Ok(behind) if behind.is_empty() => Ok(PrefixMatch::Same),
            Ok(behind) => Ok(PrefixMatch::Longer(behind)),
            Err(error) => Err(error),
        }
    }

    /// Reads what is here behind what was written.
    fn behind(&mut self) -> io::Result<Vec<u8>> {
        let mut behind = Vec::new();
        if !self.added {
            (&mut self.here).take(MOST_BEHIND + 1).read_to_end(&mut behind)?;
            self.differs = behind.len() as u64 > MOST_BEHIND;
        }
        Ok(behind)
    }
}

impl Write for Continuation<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A line of any size comes in one piece: it is compared block by block.
        let bytes = &bytes[..bytes.len().min(1 << 16)];
        self.block.clear();
        if !self.added {
            (&mut self.here).take(bytes.len() as u64).read_to_end(&mut self.block)?;
        }
        let Some(behind) = bytes.strip_prefix(self.block.as_slice()) else {
            self.differs = true;
            return Err(io::Error::other("it differs from what is here"));
        };
        if !behind.is_empty() {
            self.rest.write_all(behind)?;
            self.added = true;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Appends the missing part to a file that had `size` bytes, and continues where a crash stopped it.
///
/// Returns `false`, with nothing written, if something else follows these bytes.
pub(in crate::client) fn append(here: &mut File, size: u64, rest: &mut File) -> io::Result<bool> {
    let Some(done) = appended(here, size, rest)? else { return Ok(false) };
    rest.seek(SeekFrom::Start(done))?;
    io::copy(rest, here)?;
    disk::flush(&here)?;
    Ok(true)
}

/// Removes what [`append`] wrote, unless somebody else has written behind it. Then all of it stays.
pub(in crate::client) fn roll_back(here: &mut File, size: u64, rest: &mut File) -> io::Result<()> {
    let length = here.metadata()?.len();
    if length > size && appended(here, size, rest)?.is_some_and(|done| length == size + done) {
        here.set_len(size)?;
        disk::flush(&here)?;
    }
    Ok(())
}

/// Returns how much of the rest follows the first `size` bytes; `None` if something else does.
fn appended(here: &mut File, size: u64, rest: &mut File) -> io::Result<Option<u64>> {
    let Some(behind) = here.metadata()?.len().checked_sub(size) else { return Ok(None) };
    let done = behind.min(rest.metadata()?.len());
    here.seek(SeekFrom::Start(size))?;
    rest.rewind()?;
    let (mut theirs, mut ours) = (BufReader::new(here).take(done), BufReader::new(rest).take(done));
    let (mut one, mut other) = (Vec::new(), Vec::new());
    loop {
        one.clear();
        other.clear();
        (&mut theirs).take(1 << 16).read_to_end(&mut one)?;
        (&mut ours).take(1 << 16).read_to_end(&mut other)?;
        if one != other {
            return Ok(None);
        }
        if one.is_empty() {
            return Ok(Some(done));
        }
    }
}

fn unread(error: io::Error) -> Error {
    Error::new(Kind::Environment, "Cannot continue the session's files").because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(content: &[u8]) -> File {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), content).expect("written");
        File::options().read(true).append(true).open(file.path()).expect("opened")
    }

    fn content(file: &mut File) -> Vec<u8> {
        let mut all = Vec::new();
        file.rewind().and_then(|()| file.read_to_end(&mut all)).expect("read");
        all
    }

    fn split(here: &[u8], wanted: &[u8]) -> (PrefixMatch, Vec<u8>) {
        let mut rest = Vec::new();
        let mut content =
            |out: &mut dyn Write| wanted.chunks(3).try_for_each(|piece| out.write_all(piece)).map_err(unread);
        let as_it_is = |file: File| -> io::Result<Box<dyn Read>> { Ok(Box::new(file)) };
        let standing = Continuation::run(file(here), &as_it_is, &mut rest, &mut content).expect("compared");
        (standing, rest)
    }

    #[test]
    fn only_of_what_is_the_beginning_the_rest_is_split_off() {
        assert_eq!(split(b"abcd", b"abcdefgh"), (PrefixMatch::Beginning(4), b"efgh".to_vec()));
        assert_eq!(split(b"", b"ab"), (PrefixMatch::Beginning(0), b"ab".to_vec()));
        assert_eq!(split(b"abcd", b"abcd"), (PrefixMatch::Same, b"".to_vec()));
        for other in [&b"abcx"[..], b"xbcdefgh"] {
            assert_eq!(split(b"abcd", other).0, PrefixMatch::Other);
        }
        assert_eq!(split(b"abcd", b"abc").0, PrefixMatch::Longer(b"d".to_vec()));
        assert_eq!(split(&[b'a'; (1 << 20) + 2], b"a").0, PrefixMatch::Other);
    }

    #[test]
    fn an_append_goes_on_where_it_stopped_and_is_taken_back_from_anywhere() {
        for done in 0..=4 {
            let here = [b"abcd", &b"efgh"[..done]].concat();
            let (mut there, mut rest) = (file(&here), file(b"efgh"));
            assert!(append(&mut there, 4, &mut rest).expect("appended"));
            assert_eq!(content(&mut there), b"abcdefgh");
            let mut there = file(&here);
            roll_back(&mut there, 4, &mut rest).expect("taken back");
            assert_eq!(content(&mut there), b"abcd");
        }
        for here in [&b"abcdx"[..], b"abcdex", b"abc"] {
            let (mut there, mut rest) = (file(here), file(b"efgh"));
            assert!(!append(&mut there, 4, &mut rest).expect("looked at"));
            roll_back(&mut there, 4, &mut rest).expect("looked at");
            assert_eq!(content(&mut there), here);
        }
        // Somebody has gone on behind it: a whole conversation.
        let (mut there, mut rest) = (file(b"abcdefghij"), file(b"efgh"));
        assert!(append(&mut there, 4, &mut rest).expect("nothing is missing"));
        roll_back(&mut there, 4, &mut rest).expect("looked at");
        assert_eq!(content(&mut there), b"abcdefghij");
    }
}
