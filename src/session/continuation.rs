//! Continues a file that is here by what would be written: compared byte by byte, and only ever appended to.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _, Write};

use crate::error::Result;

/// Writes the content of a file.
pub type Writer<'w> = &'w mut dyn FnMut(&mut dyn Write) -> Result<()>;

/// What a file that is here has to do with one that would be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// There is none.
    Absent,
    /// It is the same.
    Same,
    /// It is the beginning of it.
    Beginning,
    /// It is something else.
    Other,
}

/// Compares what is written to it with a file; what comes behind the file's end is counted, or appended.
pub(super) struct Continuation {
    here: BufReader<File>,
    rest: Option<BufWriter<File>>,
    block: Vec<u8>,
    size: u64,
    added: u64,
    differs: bool,
}

impl Continuation {
    /// Only compares.
    pub(super) fn comparing(here: File) -> Continuation {
        let (block, here) = (Vec::new(), BufReader::with_capacity(1 << 16, here));
        Continuation { here, rest: None, block, size: 0, added: 0, differs: false }
    }

    /// Appends what is missing, once all that is here was found to be the beginning.
    pub(super) fn appending(here: File) -> io::Result<Continuation> {
        let rest = BufWriter::with_capacity(1 << 16, here.try_clone()?);
        Ok(Continuation { rest: Some(rest), ..Continuation::comparing(here) })
    }

    /// Has `content` written; returns how the file stands, and its sizes before and after.
    ///
    /// # Errors
    /// What `content` or the disk says; the file is then as it was.
    pub(super) fn run(mut self, content: Writer<'_>) -> Result<(Standing, u64, u64)> {
        let written = content(&mut self).and_then(|()| self.end().map_err(unread));
        let standing = match written {
            // The comparison ends the writing as soon as it knows.
            _ if self.differs => Standing::Other,
            Ok(()) if self.added > 0 => Standing::Beginning,
            Ok(()) => Standing::Same,
            Err(error) => {
                if self.added > 0 {
                    let _as_it_was = self.here.get_ref().set_len(self.size);
                }
                return Err(error);
            }
        };
        Ok((standing, self.size, self.size + self.added))
    }

    fn end(&mut self) -> io::Result<()> {
        if self.added == 0 && self.here.read(&mut [0])? > 0 {
            self.differs = true;
        }
        match &mut self.rest {
            Some(rest) if self.added > 0 => rest.flush().and_then(|()| self.here.get_ref().sync_all()),
            _ => Ok(()),
        }
    }
}

impl Write for Continuation {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A line of any size comes in one piece: it is compared block by block.
        let bytes = &bytes[..bytes.len().min(1 << 16)];
        self.block.clear();
        if self.added == 0 {
            (&mut self.here).take(bytes.len() as u64).read_to_end(&mut self.block)?;
        }
        let Some(behind) = bytes.strip_prefix(self.block.as_slice()) else {
            self.differs = true;
            return Err(io::Error::other("it differs from what is here"));
        };
        self.size += self.block.len() as u64;
        if !behind.is_empty() {
            if let Some(rest) = &mut self.rest {
                rest.write_all(behind)?;
            }
            self.added += behind.len() as u64;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn unread(error: io::Error) -> crate::error::Error {
    crate::error::Error::new(crate::error::Kind::Environment, "Cannot continue the session's files")
        .because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(here: &[u8], wanted: &[u8]) -> (Standing, Vec<u8>) {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), here).expect("written");
        let open = || File::options().read(true).append(true).open(file.path()).expect("opened");
        let mut content =
            |out: &mut dyn Write| wanted.chunks(3).try_for_each(|piece| out.write_all(piece)).map_err(unread);
        let compared = Continuation::comparing(open()).run(&mut content).expect("compared").0;
        assert_eq!(std::fs::read(file.path()).expect("read"), here, "comparing writes nothing");
        let appended =
            Continuation::appending(open()).expect("opened").run(&mut content).expect("appended").0;
        assert_eq!(compared, appended);
        (appended, std::fs::read(file.path()).expect("read"))
    }

    #[test]
    fn only_what_is_the_beginning_is_appended_to() {
        assert_eq!(run(b"abcd", b"abcdefgh"), (Standing::Beginning, b"abcdefgh".to_vec()));
        assert_eq!(run(b"", b"ab"), (Standing::Beginning, b"ab".to_vec()));
        assert_eq!(run(b"abcd", b"abcd"), (Standing::Same, b"abcd".to_vec()));
        assert_eq!(run(b"abcdX", b"abcd"), (Standing::Other, b"abcdX".to_vec()));
        assert_eq!(run(b"abXd", b"abcdefgh"), (Standing::Other, b"abXd".to_vec()));
    }
}
