//! Blocks of output on their way to the reader.
//!
//! The first block leaves at the end of the first hunk, or as soon as it fills a screen. Later blocks are
//! large, so that writing costs almost nothing.

use std::io;

/// The size of the first block, and of all others, in bytes.
const FIRST: usize = 4 << 10;
const BLOCK: usize = 64 << 10;

/// Collects bytes and hands them on in blocks.
pub struct BlockWriter<'a> {
    /// What was not yet handed on; painters append here.
    pub(super) buffer: Vec<u8>,
    limit: usize,
    /// Whether what comes is the last, and its line has no end.
    unended: bool,
    send: &'a mut dyn FnMut(Vec<u8>) -> io::Result<()>,
}

impl<'a> BlockWriter<'a> {
    /// Makes one that hands its blocks to `send`; `eager` if nothing has been shown yet.
    pub fn new(eager: bool, send: &'a mut dyn FnMut(Vec<u8>) -> io::Result<()>) -> BlockWriter<'a> {
        BlockWriter { buffer: Vec::new(), limit: if eager { FIRST } else { BLOCK }, unended: false, send }
    }

    /// Says whether nothing was shown before.
    pub(super) fn is_first(&self) -> bool {
        self.limit == FIRST && self.buffer.is_empty()
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// Whatever handing on gives, here and below.
    pub fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.buffer.extend_from_slice(bytes);
        self.line_done()
    }

    /// Hands a block on if it is full.
    pub(super) fn line_done(&mut self) -> io::Result<()> {
        if self.buffer.len() < self.limit || self.unended { Ok(()) } else { self.flush() }
    }

    /// Notes the end of a hunk.
    pub(super) fn hunk_done(&mut self) -> io::Result<()> {
        let first = self.limit == FIRST && !self.buffer.is_empty() && !self.unended;
        if first { self.flush() } else { self.line_done() }
    }

    /// Hands on what there is because nothing more comes for a while. The first hunk is still to come if it
    /// was before.
    pub(super) fn pause(&mut self) -> io::Result<()> {
        let limit = self.limit;
        self.flush()?;
        self.limit = limit;
        Ok(())
    }

    /// Notes that the line that comes is the last one, and that the input has no line end behind it.
    pub(super) fn unended(&mut self) {
        self.unended = true;
    }

    /// Hands on what there is.
    pub fn flush(&mut self) -> io::Result<()> {
        self.limit = BLOCK;
        self.buffer.pop_if(|last| *last == b'\n' && self.unended);
        if self.buffer.is_empty() {
            return Ok(());
        }
        let next = Vec::with_capacity(BLOCK + FIRST);
        (self.send)(std::mem::replace(&mut self.buffer, next))
    }
}
