//! Compression: objects as zstd frames, and binary deltas as frames over a prefix.
//!
//! Owns the `zstd` crate. Pure. Every decoder states its limit beforehand, so a small frame can't claim
//! gigabytes. The caller's expected size limits the output, and `WINDOW_LOG_MAX` the window.

use std::io::{self, BufRead, Read, Write};

use super::monitor::PART;

/// The level objects are written with; 19 buys 3 to 15 % for ten times the work.
const LEVEL: i32 = 3;

/// Content of this size or more gets a larger match table: the usual one forgets what is far away.
const FAR: usize = 256 << 10;

/// Content of more than this is compressed part by part, so that whoever waits sees how far it is.
const AT_ONCE: usize = 4 << 20;

/// The largest window a frame may ask for, as a power of two: 128 MiB.
const WINDOW_LOG_MAX: u32 = 27;

/// The most room that is made before a frame is unpacked, and the room in which its end is looked for.
const MOST_ROOM: u64 = 8 << 20;
const PROBE: u64 = 32;

/// Compresses an object's raw content.
///
/// # Errors
/// Passes on what the compressor says (out of memory).
pub fn compress(raw: &[u8]) -> io::Result<Vec<u8>> {
    compress_telling(raw, &mut |_| ())
}

/// The same; `tell` is told of the bytes while they are compressed. The frame does not depend on it.
///
/// # Errors
/// As [`compress`].
pub fn compress_telling(raw: &[u8], tell: &mut dyn FnMut(u64)) -> io::Result<Vec<u8>> {
    if raw.len() <= AT_ONCE {
        let frame = zstd::bulk::compress(raw, LEVEL)?;
        tell(raw.len() as u64);
        return Ok(frame);
    }
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), LEVEL)?;
    encoder.set_pledged_src_size(Some(raw.len() as u64))?;
    for part in raw.chunks(PART) {
        encoder.write_all(part)?;
        tell(part.len() as u64);
    }
    encoder.finish()
}

/// Decompresses a frame that must hold exactly `size` bytes and nothing after it.
///
/// # Errors
/// The frame is not zstd, is cut short, has trailing bytes, or holds more or less.
pub fn decompress(frame: &[u8], size: u64) -> io::Result<Vec<u8>> {
    decompress_telling(frame, size, &mut |_| ())
}

/// The same; `tell` is told of the bytes while they are unpacked.
///
/// # Errors
/// As [`decompress`].
pub fn decompress_telling(frame: &[u8], size: u64, tell: &mut dyn FnMut(u64)) -> io::Result<Vec<u8>> {
    refuse_other_size(frame, size)?;
    let mut decoder = zstd::stream::read::Decoder::with_buffer(frame)?.single_frame();
    decoder.window_log_max(WINDOW_LOG_MAX)?;
    let raw = read_exactly(&mut Telling(&mut decoder, tell), size)?;
    if !decoder.finish().is_empty() {
        return Err(io::Error::other("there are bytes behind the end of the frame"));
    }
    Ok(raw)
}

/// Decompresses a frame that must hold exactly `size` bytes and nothing after it, piece by piece into
/// `sink`. Only one piece is in memory, whatever the frame claims.
///
/// # Errors
/// As [`decompress`].
pub fn decompress_into(frame: &[u8], size: u64, mut sink: impl FnMut(&[u8])) -> io::Result<()> {
    refuse_other_size(frame, size)?;
    let mut content = Unpacked::new(frame, size)?;
    let mut piece = vec![0; 128 << 10];
    loop {
        match content.read(&mut piece)? {
            0 => return Ok(()),
            length => sink(&piece[..length]),
        }
    }
}

/// The content of a frame that must hold exactly `size` bytes and nothing after it, as a stream. An
/// error is reported when its place is read.
pub struct Unpacked<'a, R> {
    decoder: zstd::stream::read::Decoder<'a, R>,
    size: u64,
    read: u64,
}

impl<R: BufRead> Unpacked<'_, R> {
    /// Takes a frame; reads nothing yet.
    ///
    /// # Errors
    /// Passes on what the decompressor says (out of memory).
    pub fn new(frame: R, size: u64) -> io::Result<Self> {
        let mut decoder = zstd::stream::read::Decoder::with_buffer(frame)?.single_frame();
        decoder.window_log_max(WINDOW_LOG_MAX)?;
        Ok(Unpacked { decoder, size, read: 0 })
    }
}

impl<R: BufRead> Read for Unpacked<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.decoder.read(buffer)?;
        self.read += length as u64;
        if self.read > self.size {
            return Err(io::Error::other(format!("it holds more than the {} bytes expected", self.size)));
        }
        if length == 0 && !buffer.is_empty() {
            if self.read < self.size {
                let (read, size) = (self.read, self.size);
                return Err(io::Error::other(format!("it holds {read} bytes instead of {size}")));
            }
            if !self.decoder.get_mut().fill_buf()?.is_empty() {
                return Err(io::Error::other("there are bytes behind the end of the frame"));
            }
        }
        Ok(length)
    }
}

/// Returns the largest size of a frame with this much content, with room for other encoders.
pub fn largest_frame(size: u64) -> u64 {
    size.saturating_add(size / 128).saturating_add(4_096)
}

/// Makes a delta: `new` compressed with `old` as its prefix.
///
/// # Errors
/// Passes on what the compressor says (out of memory).
pub fn make_delta(old: &[u8], new: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = zstd::stream::write::Encoder::with_ref_prefix(Vec::new(), LEVEL, old)?;
    // The window must span old and new together, or the far end of a large file is out of reach.
    let span = old.len().saturating_add(new.len()).max(1);
    encoder.window_log((usize::BITS - span.leading_zeros()).clamp(10, WINDOW_LOG_MAX))?;
    encoder.long_distance_matching(span > FAR)?;
    encoder.write_all(new)?;
    encoder.finish()
}

/// Applies a delta to the `old` it was made against; the result must have `size` bytes.
///
/// # Errors
/// The delta is damaged, was made against something else, or gives another size.
pub fn apply_delta(old: &[u8], delta: &[u8], size: u64) -> io::Result<Vec<u8>> {
    let mut decoder = zstd::stream::read::Decoder::with_ref_prefix(delta, old)?.single_frame();
    decoder.window_log_max(WINDOW_LOG_MAX)?;
    read_exactly(&mut decoder, size)
}

/// Refuses a frame whose header states another size. The decoder compares the header with the output
/// only in some cases.
fn refuse_other_size(frame: &[u8], size: u64) -> io::Result<()> {
    match zstd::zstd_safe::get_frame_content_size(frame) {
        Ok(Some(said)) if said != size => {
            Err(io::Error::other(format!("it says that it holds {said} bytes instead of {size}")))
        }
        _ => Ok(()),
    }
}

/// A reader that tells what goes through.
struct Telling<'a, R>(&'a mut R, &'a mut dyn FnMut(u64));

impl<R: Read> Read for Telling<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(PART);
        let read = self.0.read(&mut buffer[..most])?;
        (self.1)(read as u64);
        Ok(read)
    }
}

fn read_exactly(decoder: &mut impl Read, size: u64) -> io::Result<Vec<u8>> {
    // With the room at hand it takes one step, not twenty. What is said of a size may be wrong.
    let room = size.min(MOST_ROOM).saturating_add(PROBE);
    let mut raw = Vec::with_capacity(usize::try_from(room).unwrap_or_default());
    decoder.take(size.saturating_add(1)).read_to_end(&mut raw)?;
    match raw.len() as u64 {
        read if read == size => Ok(raw),
        read if read > size => Err(io::Error::other(format!("it holds more than the {size} bytes expected"))),
        read => Err(io::Error::other(format!("it holds {read} bytes instead of {size}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_gives_back_what_went_in() {
        for raw in [&b""[..], b"x", &[7; 100_000]] {
            let frame = compress(raw).expect("compressed");
            assert_eq!(decompress(&frame, raw.len() as u64).expect("decompressed"), raw);
        }
    }

    #[test]
    fn a_frame_that_holds_more_or_less_than_expected_is_refused() {
        let frame = compress(&[0; 1_000]).expect("compressed");
        assert!(decompress(&frame, 999).is_err());
        assert!(decompress(&frame, 1_001).is_err());
        assert!(decompress(&frame[..frame.len() - 1], 1_000).is_err());
        assert!(decompress(&[&frame[..], b"x"].concat(), 1_000).is_err());
        let pieces = |frame: &[u8], size| {
            let mut seen = 0;
            decompress_into(frame, size, |piece| seen += piece.len()).map(|()| seen)
        };
        assert_eq!(pieces(&frame, 1_000).expect("decompressed"), 1_000);
        assert!(pieces(&frame, 999).is_err());
        assert!(pieces(&frame, 1_001).is_err());
        assert!(pieces(&frame[..frame.len() - 1], 1_000).is_err());
        assert!(pieces(&[&frame[..], b"x"].concat(), 1_000).is_err());
    }

    #[test]
    fn a_delta_is_small_and_exact() {
        let old: Vec<u8> =
            (0..200_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        let mut new = old.clone();
        new.splice(400_000..400_000, *b"in the middle");
        let delta = make_delta(&old, &new).expect("delta");
        assert!(delta.len() < 1_000, "{} bytes", delta.len());
        assert_eq!(apply_delta(&old, &delta, new.len() as u64).expect("applied"), new);
        assert!(apply_delta(&old, &delta, 10).is_err());
    }
}
