//! The text of a page in chunks: cut, packed with gzip, written in base64, and put aside in a file until the page is
//! put together.
//!
//! One chunk at a time is in memory, beside those that are being packed. Equal texts make equal chunks.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write};
use std::sync::Mutex;

use data_encoding::BASE64;
use libdeflater::{CompressionLvl, Compressor};

use crate::base::error::{Error, Kind, Result};
use crate::sys::parallel::held;

/// The most bytes of text in a chunk: search is fastest with these.
pub(super) const CHUNK: usize = 256 << 10;

/// How hard chunks are packed, from 1 to 12: the next level takes a sixth more time for a fiftieth of the size.
const LEVEL: i32 = 5;

/// Where a text begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// The chunk.
    pub(super) chunk: u64,
    /// The byte in it.
    pub(super) at: u64,
}

/// Cuts texts into chunks. A text that fits into a chunk is never cut.
pub(super) struct Chunker<'p> {
    pass: &'p mut dyn FnMut(Vec<u8>) -> Result<()>,
    open: Vec<u8>,
    sizes: Vec<u64>,
}

/// A text on its way into chunks, whose length is not known yet.
#[derive(Default)]
pub(super) struct Growing {
    held: Vec<u8>,
    /// Where it begins, once it is known that it is longer than a chunk.
    place: Option<Place>,
    bytes: u64,
}

impl<'p> Chunker<'p> {
    /// Makes one that hands each full chunk on.
    pub(super) fn new(pass: &'p mut dyn FnMut(Vec<u8>) -> Result<()>) -> Chunker<'p> {
        Chunker { pass, open: Vec::new(), sizes: Vec::new() }
    }

    /// Takes in a whole text.
    ///
    /// # Errors
    /// Whatever handing on gives, here and below.
    pub(super) fn whole(&mut self, text: &[u8]) -> Result<Place> {
        if self.open.len() + text.len() > CHUNK {
            self.close()?;
        }
        let place = self.here();
        let mut rest = text;
        while rest.len() > CHUNK {
            let (first, after) = rest.split_at(cut(rest));
            self.open.extend_from_slice(first);
            self.close()?;
            rest = after;
        }
        self.open.extend_from_slice(rest);
        Ok(place)
    }

    /// Takes in more of a text that grows.
    pub(super) fn more(&mut self, growing: &mut Growing, text: &[u8]) -> Result<()> {
        growing.bytes += text.len() as u64;
        growing.held.extend_from_slice(text);
        if growing.held.len() <= CHUNK {
            return Ok(());
        }
        if growing.place.is_none() {
            self.close()?;
            growing.place = Some(self.here());
        }
        while growing.held.len() > CHUNK {
            let rest = growing.held.split_off(cut(&growing.held));
            self.open = std::mem::replace(&mut growing.held, rest);
            self.close()?;
        }
        Ok(())
    }

    /// Ends a text that grew; returns where it is, and how many bytes it has.
    pub(super) fn end(&mut self, growing: Growing) -> Result<(Place, u64)> {
        let place = match growing.place {
            Some(place) => {
                self.open.extend_from_slice(&growing.held);
                place
            }
            None => self.whole(&growing.held)?,
        };
        Ok((place, growing.bytes))
    }

    /// Ends the open chunk: what comes next begins another one.
    pub(super) fn close(&mut self) -> Result<()> {
        if self.open.is_empty() {
            return Ok(());
        }
        self.sizes.push(self.open.len() as u64);
        (self.pass)(std::mem::take(&mut self.open))
    }

    /// Returns how many bytes each chunk has.
    pub(super) fn into_sizes(self) -> Vec<u64> {
        self.sizes
    }

    fn here(&self) -> Place {
        Place { chunk: self.sizes.len() as u64, at: self.open.len() as u64 }
    }
}

/// Returns where a long text is cut: behind the last line end that is not too far from the limit, or between
/// characters.
fn cut(text: &[u8]) -> usize {
    let first = &text[..CHUNK];
    if let Some(end) = first[CHUNK / 2..].iter().rposition(|byte| *byte == b'\n') {
        return CHUNK / 2 + end + 1;
    }
    // A byte that goes on with a character begins with the bits 10.
    let begins = |at: &usize| text[*at] & 0xc0 != 0x80;
    (CHUNK - 3..=CHUNK).rev().find(begins).unwrap_or(CHUNK)
}

/// Packed chunks in a file.
pub(super) struct Spool(Mutex<(File, u64)>);

/// A chunk in the spool.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packed {
    at: u64,
    bytes: u64,
}

impl Spool {
    /// Makes one in this file, which is empty.
    pub(super) fn new(file: File) -> Spool {
        Spool(Mutex::new((file, 0)))
    }

    /// Packs a chunk and puts it aside.
    ///
    /// # Errors
    /// [`Kind::Environment`] if the disk is full.
    pub(super) fn pack(&self, chunk: &[u8]) -> Result<Packed> {
        let text = BASE64.encode(&gzip(chunk)?);
        let mut spool = held(&self.0);
        let at = spool.1;
        spool.0.write_all(text.as_bytes()).map_err(|error| failed(&error))?;
        spool.1 += text.len() as u64;
        Ok(Packed { at, bytes: text.len() as u64 })
    }

    /// Writes a chunk as it is in the page.
    ///
    /// # Errors
    /// [`Kind::Environment`] if it can't be read, and whatever writing gives.
    pub(super) fn write(&self, packed: Packed, write: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let mut spool = held(&self.0);
        let mut text = Vec::new();
        let read = spool
            .0
            .seek(SeekFrom::Start(packed.at))
            .and_then(|_| (&mut spool.0).take(packed.bytes).read_to_end(&mut text));
        read.map_err(|error| failed(&error))?;
        write(&text)
    }
}

fn gzip(chunk: &[u8]) -> Result<Vec<u8>> {
    let mut compressor = Compressor::new(CompressionLvl::new(LEVEL).unwrap_or_default());
    let mut packed = vec![0; compressor.gzip_compress_bound(chunk.len())];
    let length = compressor
        .gzip_compress(chunk, &mut packed)
        .map_err(|error| failed(&std::io::Error::other(error)))?;
    packed.truncate(length);
    Ok(packed)
}

fn failed(error: &std::io::Error) -> Error {
    Error::new(Kind::Environment, "Cannot put a part of the page aside").because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunked(make: impl FnOnce(&mut Chunker<'_>)) -> Vec<Vec<u8>> {
        let mut chunks = Vec::new();
        let mut pass = |chunk: Vec<u8>| {
            chunks.push(chunk);
            Ok(())
        };
        let mut chunker = Chunker::new(&mut pass);
        make(&mut chunker);
        chunker.close().expect("closed");
        chunks
    }

    #[test]
    fn a_text_that_fits_is_never_cut_and_a_long_one_at_line_ends() {
        let half = vec![b'a'; CHUNK / 2 + 1];
        let mut places = Vec::new();
        let long = "0123456789abcd\n".repeat(CHUNK / 5);
        let chunks = chunked(|chunker| {
            for text in [&half, &half, &long.clone().into_bytes(), &b"after".to_vec()] {
                places.push(chunker.whole(text).expect("taken"));
            }
        });
        let place = |chunk, at| Place { chunk, at };
        assert_eq!(places[..3], [place(0, 0), place(1, 0), place(2, 0)]);
        assert_eq!(places[3].chunk, chunks.len() as u64 - 1);
        assert!(chunks.iter().all(|chunk| chunk.len() <= CHUNK));
        assert!(chunks[2..chunks.len() - 1].iter().all(|chunk| chunk.ends_with(b"\n")));
        let text = [&half[..], &half, long.as_bytes(), b"after"].concat();
        assert!(chunks.concat() == text);
    }

    #[test]
    fn a_text_that_grows_is_cut_as_if_it_had_come_whole() {
        for length in [10, CHUNK - 1, CHUNK, CHUNK + 1, CHUNK * 3 + 7] {
            let text: Vec<u8> = "äöü line\n".bytes().cycle().take(length).collect();
            let mut whole = Vec::new();
            let at_once = chunked(|chunker| {
                chunker.whole(b"before").expect("taken");
                whole.push(chunker.whole(&text).expect("taken"));
            });
            let grown = chunked(|chunker| {
                chunker.whole(b"before").expect("taken");
                let mut growing = Growing::default();
                text.chunks(1_000).for_each(|piece| chunker.more(&mut growing, piece).expect("taken"));
                let (place, bytes) = chunker.end(growing).expect("ended");
                assert_eq!((place, bytes), (whole[0], length as u64));
            });
            assert!(at_once == grown, "{length}");
        }
    }

    #[test]
    fn no_character_is_cut() {
        let text = "€".repeat(CHUNK);
        let chunks = chunked(|chunker| drop(chunker.whole(text.as_bytes())));
        assert!(chunks.len() > 2 && chunks.iter().all(|chunk| std::str::from_utf8(chunk).is_ok()));
    }
}
