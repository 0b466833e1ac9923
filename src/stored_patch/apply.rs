//! Applies text diffs: exactly, or not at all, and piece by piece if the texts are large.
//!
//! Every line that a hunk shows must be exactly where the hunk says. Holds one line of each text at a time
//! and never searches.

use std::fmt;
use std::io::{self, BufRead, Read};

use super::NO_NEWLINE;

/// Why a diff does not apply, and which of its hunks says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplyError {
    hunk: usize,
    reason: Reason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    Header,
    Overlap,
    PastEnd { line: usize },
    NewText,
    Mismatch { line: usize },
    BodyLine,
    Count,
    Truncated,
    AfterEnd,
}

impl std::error::Error for ApplyError {}

impl fmt::Display for ApplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "hunk {}: ", self.hunk)?;
        match self.reason {
            Reason::Header => write!(f, "does not start with a valid @@ line"),
            Reason::Overlap => write!(f, "starts before the end of the hunk above it"),
            Reason::PastEnd { line } => write!(f, "line {line} is past the end of the text"),
            Reason::NewText => write!(f, "states the wrong line of the new text"),
            Reason::Mismatch { line } => {
                write!(f, "line {line} is not what the diff was made against")
            }
            Reason::BodyLine => write!(f, "holds a line that is no part of a diff"),
            Reason::Count => write!(f, "does not have as many lines as its @@ line says"),
            Reason::Truncated => write!(f, "ends too early"),
            Reason::AfterEnd => write!(f, "text would follow a line that has no newline"),
        }
    }
}

/// Applies what [`diff`](super::diff) or git made: every line a hunk shows must be in `old`, byte for
/// byte and at the line the hunk states, and every count must be right.
///
/// `hunks` may come from anywhere. Work and memory are bounded by the lengths of the two inputs,
/// whatever numbers are in them.
///
/// # Errors
/// Says which hunk does not apply, and why.
pub fn apply(old: &[u8], hunks: &[u8]) -> Result<Vec<u8>, ApplyError> {
    let mut applied = Applied::new(old, hunks);
    let mut new = Vec::with_capacity(old.len());
    match applied.read_to_end(&mut new) {
        Ok(_) => Ok(new),
        // What is in memory can be read: nothing else goes wrong.
        Err(_) => Err(applied.failed.unwrap_or(ApplyError { hunk: 0, reason: Reason::Truncated })),
    }
}

/// The new text, made from the old one and hunks while both are read. An [`ApplyError`] ends it as
/// an [`io::Error`].
pub struct Applied<O, H> {
    old: O,
    hunks: H,
    /// How many lines of each text are done.
    old_at: usize,
    new_at: usize,
    /// The number of the hunk, and where in it this is.
    hunk: usize,
    stage: ApplyStage,
    /// The next line of the hunks; empty at their end.
    next: Vec<u8>,
    line: Vec<u8>,
    old_line: Vec<u8>,
    /// What was made and not yet taken.
    out: Vec<u8>,
    taken: usize,
    /// Whether the last line made has no newline.
    open_end: bool,
    failed: Option<ApplyError>,
}

#[derive(Clone, Copy)]
enum ApplyStage {
    Start,
    /// Before a hunk, or the end of them all.
    Between,
    /// So many old lines are kept; then come so many lines of a hunk, from these ones on.
    Keep {
        lines: usize,
        old: usize,
        new: usize,
        first: usize,
    },
    /// In a hunk with so many lines left.
    Hunk {
        old: usize,
        new: usize,
    },
    /// Behind the last hunk.
    Rest,
}

/// How much is made at a time, in bytes, but for the last line.
const PIECE: usize = 64 << 10;

impl<O: BufRead, H: BufRead> Applied<O, H> {
    /// Takes the old text and the hunks; reads nothing yet.
    pub fn new(old: O, hunks: H) -> Applied<O, H> {
        Applied {
            old,
            hunks,
            old_at: 0,
            new_at: 0,
            hunk: 0,
            stage: ApplyStage::Start,
            next: Vec::new(),
            line: Vec::new(),
            old_line: Vec::new(),
            out: Vec::new(),
            taken: 0,
            open_end: false,
            failed: None,
        }
    }

    /// Makes some more of the new text.
    fn make(&mut self) -> Result<(), Failure> {
        while self.out.len() < PIECE {
            self.stage = match self.stage {
                ApplyStage::Start => {
                    self.advance()?;
                    ApplyStage::Between
                }
                ApplyStage::Between if self.next.is_empty() => ApplyStage::Rest,
                ApplyStage::Between => self.open()?,
                ApplyStage::Keep { lines: 0, old, new, first } => {
                    if self.new_at == first {
                        ApplyStage::Hunk { old, new }
                    } else {
                        return Err(Reason::NewText.into());
                    }
                }
                ApplyStage::Keep { lines, old, new, first } => {
                    if self.keep_line()? {
                        ApplyStage::Keep { lines: lines - 1, old, new, first }
                    } else {
                        return Err(Reason::PastEnd { line: self.old_at + 1 }.into());
                    }
                }
                ApplyStage::Hunk { old: 0, new: 0 } => ApplyStage::Between,
                ApplyStage::Hunk { old, new } => self.hunk_line(old, new)?,
                ApplyStage::Rest => {
                    if self.keep_line()? {
                        ApplyStage::Rest
                    } else {
                        return Ok(());
                    }
                }
            };
        }
        Ok(())
    }

    /// Goes to the next line of the hunks. A diff that ends without a newline was cut off.
    fn advance(&mut self) -> Result<(), Failure> {
        std::mem::swap(&mut self.line, &mut self.next);
        self.next.clear();
        self.hunks.read_until(b'\n', &mut self.next)?;
        Ok(())
    }

    /// Reads the first line of a hunk.
    fn open(&mut self) -> Result<ApplyStage, Failure> {
        self.hunk += 1;
        self.advance()?;
        if !self.line.ends_with(b"\n") {
            return Err(Reason::Truncated.into());
        }
        let (old, new) = parse_header(&self.line).ok_or(Reason::Header)?;
        let lines = old.first.checked_sub(self.old_at).ok_or(Reason::Overlap)?;
        Ok(ApplyStage::Keep { lines, old: old.count, new: new.count, first: new.first })
    }

    /// Takes a line of a hunk that has so many left.
    fn hunk_line(&mut self, old: usize, new: usize) -> Result<ApplyStage, Failure> {
        self.advance()?;
        if !self.line.ends_with(b"\n") {
            return Err(Reason::Truncated.into());
        }
        if self.next == NO_NEWLINE {
            self.next.clear();
            self.hunks.read_until(b'\n', &mut self.next)?;
            self.line.truncate(self.line.len() - 1);
        }
        let line = std::mem::take(&mut self.line);
        let (sign, body) = line.split_first().ok_or(Reason::BodyLine)?;
        let (in_old, in_new) = match sign {
            b' ' => (1, 1),
            b'-' => (1, 0),
            b'+' => (0, 1),
            b'@' => return Err(Reason::Count.into()),
            _ => return Err(Reason::BodyLine.into()),
        };
        // Nothing without a newline is no line: it would count and not be there.
        if body.is_empty() {
            return Err(Reason::BodyLine.into());
        }
        let old = old.checked_sub(in_old).ok_or(Reason::Count)?;
        let new = new.checked_sub(in_new).ok_or(Reason::Count)?;
        if in_old == 1 {
            self.old_at += 1;
            match self.read_old()? {
                false => return Err(Reason::PastEnd { line: self.old_at }.into()),
                true if self.old_line != body => return Err(Reason::Mismatch { line: self.old_at }.into()),
                true => {}
            }
        }
        if in_new == 1 {
            self.push(body)?;
            self.new_at += 1;
        }
        self.line = line;
        Ok(ApplyStage::Hunk { old, new })
    }

    /// Reads the next old line; says whether there is one.
    fn read_old(&mut self) -> io::Result<bool> {
        self.old_line.clear();
        Ok(self.old.read_until(b'\n', &mut self.old_line)? > 0)
    }

    /// Keeps the next old line; says whether there is one.
    fn keep_line(&mut self) -> Result<bool, Failure> {
        if !self.read_old()? {
            return Ok(false);
        }
        let line = std::mem::take(&mut self.old_line);
        self.push(&line)?;
        self.old_line = line;
        (self.old_at, self.new_at) = (self.old_at + 1, self.new_at + 1);
        Ok(true)
    }

    fn push(&mut self, line: &[u8]) -> Result<(), Reason> {
        if self.open_end {
            return Err(Reason::AfterEnd);
        }
        self.open_end = !line.ends_with(b"\n");
        self.out.extend_from_slice(line);
        Ok(())
    }
}

impl<O: BufRead, H: BufRead> Read for Applied<O, H> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.out.len() {
            self.out.clear();
            self.taken = 0;
            self.make().map_err(|failure| match failure {
                Failure::Read(error) => error,
                Failure::Diff(reason) => {
                    let error = ApplyError { hunk: self.hunk, reason };
                    self.failed = Some(error.clone());
                    io::Error::other(error)
                }
            })?;
        }
        let made = &self.out[self.taken..];
        let length = made.len().min(buffer.len());
        buffer[..length].copy_from_slice(&made[..length]);
        self.taken += length;
        Ok(length)
    }
}

/// Why there is no more of the new text.
enum Failure {
    Diff(Reason),
    Read(io::Error),
}

impl From<Reason> for Failure {
    fn from(reason: Reason) -> Failure {
        Failure::Diff(reason)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Read(error)
    }
}

/// The lines one half of an @@ linespeaks of, counted from 0.
struct Stated {
    first: usize,
    count: usize,
}

fn parse_header(line: &[u8]) -> Option<(Stated, Stated)> {
    let (old, line) = parse_stated(line.strip_prefix(b"@@ -")?)?;
    let (new, line) = parse_stated(line.strip_prefix(b" +")?)?;
    // Git writes the name of the surrounding function after the second @@.
    let heading = line.strip_prefix(b" @@")?;
    (heading == b"\n" || heading.starts_with(b" ")).then_some((old, new))
}

fn parse_stated(text: &[u8]) -> Option<(Stated, &[u8])> {
    let (line, text) = parse_number(text)?;
    let (count, text) = match text.strip_prefix(b",") {
        Some(text) => parse_number(text)?,
        None => (1, text),
    };
    // For no lines at all the format states the line above the place.
    let first = if count == 0 { line } else { line.checked_sub(1)? };
    Some((Stated { first, count }, text))
}

fn parse_number(text: &[u8]) -> Option<(usize, &[u8])> {
    let len = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(len);
    Some((std::str::from_utf8(digits).ok()?.parse().ok()?, rest))
}
