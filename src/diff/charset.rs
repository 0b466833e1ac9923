//! Text that is not UTF-8, read in its most likely encoding. Owns `encoding_rs`, `encoding_rs_io` and
//! `chardetng`.
//!
//! The encoding is a guess, and the output says so. If a file has text in UTF-8 too, nothing is guessed:
//! lines that differ only in their encoding would look the same.

use std::borrow::Cow;
use std::io::Read;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::Encoding;
use encoding_rs_io::DecodeReaderBytesBuilder;

/// What is known of the encoding of one file.
#[derive(Default)]
pub struct Charset {
    /// Whether there is text in it that is UTF-8 and no ASCII.
    unicode: bool,
    guess: Option<&'static Encoding>,
    /// Whether it was made use of.
    used: bool,
}

impl Charset {
    /// Looks at lines that are shown together.
    pub fn look<'l>(&mut self, lines: impl Iterator<Item = &'l [u8]> + Clone) {
        let unusual = lines.filter(|line| !line.is_ascii());
        let mut other = false;
        for line in unusual.clone() {
            match std::str::from_utf8(line) {
                Ok(_) => self.unicode = true,
                Err(_) => other = true,
            }
        }
        if other && !self.unicode && self.guess.is_none() {
            let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
            for line in unusual {
                detector.feed(line, false);
            }
            self.guess = Some(detector.guess(None, Utf8Detection::Deny));
        }
    }

    /// Says whether lines may have to be read as something else.
    pub(super) fn reads(&self) -> bool {
        self.guess.is_some() && !self.unicode
    }

    /// Returns a line as UTF-8, if it is known what it is; else as it came.
    pub fn read<'l>(&mut self, line: &'l [u8]) -> Cow<'l, [u8]> {
        let Some(guess) = self.guess.filter(|_| self.reads()) else { return Cow::Borrowed(line) };
        if line.is_ascii() || std::str::from_utf8(line).is_ok() {
            return Cow::Borrowed(line);
        }
        let (text, wrong) = guess.decode_without_bom_handling(line);
        if wrong {
            return Cow::Borrowed(line);
        }
        self.used = true;
        Cow::Owned(text.into_owned().into_bytes())
    }

    /// Says what it was read as, if not as what it is.
    pub fn note(&self) -> Option<String> {
        let guess = self.guess.filter(|_| self.used)?;
        Some(format!("not UTF-8: read as {}, a guess", guess.name()))
    }
}

/// Returns the name of the encoding of a text that begins with the mark of UTF-16.
pub fn wide(start: &[u8]) -> Option<&'static str> {
    let (encoding, _) = Encoding::for_bom(start)?;
    (encoding != encoding_rs::UTF_8).then(|| encoding.name())
}

/// Reads a text as UTF-8: what begins with the mark of UTF-16 is converted, all else stays.
pub fn as_utf8<'r>(text: impl Read + 'r) -> impl Read + 'r {
    DecodeReaderBytesBuilder::new().utf8_passthru(true).strip_bom(false).bom_sniffing(true).build(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latin_1_is_text_and_a_file_with_both_is_shown_as_it_is() {
        let mut charset = Charset::default();
        let line = b"Stra\xdfe und M\xfcll f\xfcr K\xf6ln\n";
        charset.look([&line[..]].into_iter());
        assert_eq!(charset.read(line), "Straße und Müll für Köln\n".as_bytes());
        assert_eq!(charset.note().expect("a note"), "not UTF-8: read as windows-1252, a guess");
        charset.look([&line[..], "Straße".as_bytes()].into_iter());
        assert_eq!(charset.read(line), &line[..]);
    }

    #[test]
    fn utf_16_is_read_as_utf_8() {
        let wide_text = b"\xff\xfea\x00\xe9\x00\n\x00";
        assert_eq!(wide(wide_text), Some("UTF-16LE"));
        assert_eq!((wide(b"\xef\xbb\xbfa"), wide(b"a"), wide(b"")), (None, None, None));
        let read = |text: &[u8]| {
            let mut out = Vec::new();
            as_utf8(text).read_to_end(&mut out).expect("read");
            out
        };
        assert_eq!(read(wide_text), "aé\n".as_bytes());
        assert_eq!(read(b"a\xff\n"), b"a\xff\n");
    }
}
