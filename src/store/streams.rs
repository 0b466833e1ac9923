//! Content as a stream in constant memory, however large its objects are.
//!
//! The content of an object is returned while it is still being checked. If it does not match its name, the
//! stream ends with an error instead of ending normally. So this is only for content that is shown, never
//! for content that is written anywhere.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::PathBuf;

use super::Store;
use super::frames::{LARGEST_OBJECT, longest};
use super::objects::damaged;
use crate::base::compress::Unpacked;
use crate::base::digest::Checksum;
use crate::base::error::Error;
use crate::manifest::{Content, ObjectRef};

/// The bytes of a content, from its start.
pub struct Stream<'a> {
    store: &'a Store,
    text: &'a [u8],
    left: std::slice::Iter<'a, ObjectRef>,
    open: Option<Opened<'a>>,
}

/// An object that is being read.
struct Opened<'a> {
    object: &'a ObjectRef,
    path: PathBuf,
    content: Unpacked<'static, BufReader<File>>,
    sum: Checksum,
}

impl Store {
    /// Reads content while it is checked. Damage ends the stream with an [`io::Error`] that holds the
    /// [`Error`].
    pub fn stream<'a>(&'a self, content: &'a Content) -> Stream<'a> {
        let text = match content {
            Content::Text { text } => text.as_bytes(),
            Content::Bytes(bytes) => bytes,
            Content::Object(_) | Content::Chunks { .. } => &[],
        };
        Stream { store: self, text, left: content.objects().iter(), open: None }
    }

    fn open_object<'a>(&self, object: &'a ObjectRef) -> Result<Opened<'a>, Error> {
        let place = self.place_to_read(object.object);
        let path = place.path();
        let file = place.open_plain(longest(object))?.ok_or_else(|| damaged(&path, "it is missing"))?;
        let content = Unpacked::new(BufReader::new(file), object.size.min(LARGEST_OBJECT))
            .map_err(|error| damaged(&path, error))?;
        Ok(Opened { object, path, content, sum: Checksum::default() })
    }
}

impl Opened<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        let length = self.content.read(buffer).map_err(|error| damaged(&self.path, error))?;
        self.sum.update(&buffer[..length]);
        if length == 0 && self.sum.finish() != self.object.object {
            Err(damaged(&self.path, "its content does not match its name"))
        } else {
            Ok(length)
        }
    }
}

impl Read for Stream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || !self.text.is_empty() {
            return self.text.read(buffer);
        }
        loop {
            let open = match &mut self.open {
                Some(open) => open,
                none => {
                    let Some(object) = self.left.next() else { return Ok(0) };
                    none.insert(self.store.open_object(object).map_err(io::Error::other)?)
                }
            };
            match open.read(buffer).map_err(io::Error::other)? {
                0 => self.open = None,
                length => return Ok(length),
            }
        }
    }
}
