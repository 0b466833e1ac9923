//! Compares an existing file with what would be written, and splits off the missing part.
//!
//! Writes nothing to the file itself. The missing part waits beside it until the restore is decided.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read, Seek as _, SeekFrom, Write};

use crate::base::error::{Error, Kind, Result};
use crate::sys::disk;

/// Writes the content of a file.
pub type WriteContent<'w> = &'w mut dyn FnMut(&mut dyn Write) -> Result<()>;

/// Says whether a line that is here is only what the client or a restore added by itself.
pub type AddedByItself<'a> = &'a dyn Fn(&[u8]) -> bool;

/// Gives a file's content as it would be saved.
pub type AsSaved<'a> = &'a dyn Fn(File) -> io::Result<Box<dyn Read + 'a>>;

/// More than this behind what would be written, in bytes, is never only what a client adds by itself.
const MOST_BEHIND: u64 = 1 << 20;

/// A longer line is never only what a client adds by itself, in bytes.
const LONGEST_ADDED: usize = 1 << 16;

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
    /// What was read too far.
    ahead: Vec<u8>,
    is_added: AddedByItself<'r>,
    /// What both have of the line so far; more than is needed to pass over it is not kept.
    line: Vec<u8>,
    rest: &'r mut dyn Write,
    block: Vec<u8>,
    added: bool,
    differs: bool,
}

impl<'a, 'r> Continuation<'a, 'r> {
    /// Has `content` written; says how the existing file compares, and puts the missing part into
    /// `rest`. Lines here that `is_added` knows are passed over where `content` has none of them.
    ///
    /// # Errors
    /// What `content`, `rest` or the disk says.
    pub(in crate::client) fn run(
        here: File,
        as_saved: AsSaved<'a>,
        is_added: AddedByItself<'r>,
        rest: &'r mut dyn Write,
        content: WriteContent<'_>,
    ) -> Result<PrefixMatch> {
        let size = here.metadata().map_err(unread)?.len();
        let here = BufReader::with_capacity(1 << 16, as_saved(here).map_err(unread)?);
        let (ahead, line, block) = (Vec::new(), Vec::new(), Vec::new());
        let mut this =
            Continuation { here, ahead, is_added, line, rest, block, added: false, differs: false };
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

    /// Reads the next bytes here into the block: so many, or fewer at the end.
    fn read(&mut self, most: usize) -> io::Result<()> {
        self.block.clear();
        let rest = self.ahead.split_off(self.ahead.len().min(most));
        self.block.append(&mut self.ahead);
        self.ahead = rest;
        let missing = (most - self.block.len()) as u64;
        (&mut self.here).take(missing).read_to_end(&mut self.block)?;
        Ok(())
    }

    /// Takes in what both have.
    fn had(&mut self, same: &[u8]) {
        match same.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => self.line = same[end + 1..].to_vec(),
            None => self.line.extend_from_slice(same),
        }
        self.line.truncate(LONGEST_ADDED + 1);
    }

    /// Passes over the line here that is not as wanted from this place of the block on, if it was only added.
    fn passes_over(&mut self, from: usize) -> io::Result<bool> {
        let mut line = [&self.line, &self.block[from..]].concat();
        line.append(&mut self.ahead);
        if !line.contains(&b'\n') {
            let most = (LONGEST_ADDED + 1).saturating_sub(line.len()) as u64;
            (&mut self.here).take(most).read_until(b'\n', &mut line)?;
        }
        let Some(end) = line.iter().position(|byte| *byte == b'\n') else { return Ok(false) };
        self.ahead = line.split_off(end + 1);
        line.pop();
        Ok(line.len() <= LONGEST_ADDED && !line.is_empty() && (self.is_added)(&line))
    }

    /// Reads what is here behind what was written.
    fn behind(&mut self) -> io::Result<Vec<u8>> {
        let mut behind = Vec::new();
        if !self.added {
            (&mut self.ahead.as_slice().chain(&mut self.here))
                .take(MOST_BEHIND + 1)
                .read_to_end(&mut behind)?;
            self.differs = behind.len() as u64 > MOST_BEHIND;
        }
        Ok(behind)
    }
}

impl Write for Continuation<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A line of any size comes in one piece: it is compared block by block.
        let bytes = &bytes[..bytes.len().min(1 << 16)];
        if self.added {
            self.rest.write_all(bytes)?;
            return Ok(bytes.len());
        }
        let mut wanted = Cow::Borrowed(bytes);
        loop {
            self.read(wanted.len())?;
            if let Some(behind) = wanted.strip_prefix(self.block.as_slice()) {
                if !behind.is_empty() {
                    self.rest.write_all(behind)?;
                    self.added = true;
                }
                let same = std::mem::take(&mut self.block);
                self.had(&same);
                self.block = same;
                return Ok(bytes.len());
            }
            let same = self.block.iter().zip(wanted.iter()).take_while(|(one, other)| one == other).count();
            let common = wanted[..same].to_vec();
            self.had(&common);
            if !self.passes_over(same)? {
                self.differs = true;
                return Err(io::Error::other("it differs from what is here"));
            }
            let begun = std::mem::take(&mut self.line);
            wanted = Cow::Owned([begun.as_slice(), &wanted[same..]].concat());
        }
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
        split_by(3, here, wanted)
    }

    fn split_by(step: usize, here: &[u8], wanted: &[u8]) -> (PrefixMatch, Vec<u8>) {
        let mut rest = Vec::new();
        let mut content = |out: &mut dyn Write| {
            wanted.chunks(step).try_for_each(|piece| out.write_all(piece)).map_err(unread)
        };
        let as_it_is = |file: File| -> io::Result<Box<dyn Read>> { Ok(Box::new(file)) };
        let is_added = |line: &[u8]| line.starts_with(b"title");
        let standing = Continuation::run(file(here), &as_it_is, &is_added, &mut rest, &mut content);
        let standing = standing.expect("compared");
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
    fn lines_that_were_only_added_here_are_passed_over_wherever_they_are() {
        for step in [1, 2, 3, 7, 100] {
            let split = |here: &str, wanted: &str| {
                let (standing, rest) = split_by(step, here.as_bytes(), wanted.as_bytes());
                (standing, String::from_utf8(rest).expect("text"))
            };
            let beginning =
                |here: &str, rest: &str| (PrefixMatch::Beginning(here.len() as u64), rest.to_owned());
            let here = "one\ntitle a\ntitle b\n";
            assert_eq!(split(here, "one\ntwo\n"), beginning(here, "two\n"), "{step}");
            assert_eq!(split(here, "one\ntitan\n"), beginning(here, "titan\n"), "a line that begins alike");
            assert_eq!(split(here, "one\ntitle b\nx\n"), beginning(here, "x\n"), "{step}: one is wanted");
            let here = "one\ntitle a\ntwo\ntitle b\n";
            assert_eq!(split(here, "one\ntwo\nthree\n"), beginning(here, "three\n"), "{step}");
            assert_eq!(split(here, "one\ntwo\n").0, PrefixMatch::Longer(b"title b\n".to_vec()), "{step}");
            let here = "one\ntitle a\ntwo\nthr";
            assert_eq!(split(here, "one\ntwo\nthree\n"), beginning(here, "ee\n"), "{step}: a torn line");
            assert_eq!(split("one\ntitle a\ntwo\n", "one\ntwo\n").0, PrefixMatch::Same, "{step}");
            for other in ["one\ntitle a\nthree\n", "one\ntitle torn", "one\nx\ntitle a\ntwo\n"] {
                assert_eq!(split(other, "one\ntwo\n").0, PrefixMatch::Other, "{step}: {other}");
            }
        }
        let long = format!("one\ntitle {}\ntwo\n", "x".repeat(LONGEST_ADDED));
        assert_eq!(split(long.as_bytes(), b"one\ntwo\nthree\n").0, PrefixMatch::Other);
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
