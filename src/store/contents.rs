//! Contents: small text is in the manifest itself, anything else is an object or several.
//!
//! Owns which of these a content becomes. What an object is, and how it is checked, is in `objects.rs`.

use super::{AddLock, Store};
use crate::base::digest::ObjectId;
use crate::base::error::Result;
use crate::manifest::Content;

/// Text of up to this many bytes is in the manifest itself.
const INLINE: usize = 2_048;

impl Store {
    /// Stores bytes the way that suits them: small text as text, anything else as an object.
    ///
    /// # Errors
    /// As [`Store::put`].
    pub fn keep(&self, lock: &AddLock, raw: &[u8]) -> Result<Content> {
        self.keep_telling(lock, raw, &mut |_| ())
    }

    /// The same; `tell` is told of the bytes while they are compressed.
    ///
    /// # Errors
    /// As [`Store::put`].
    pub fn keep_telling(&self, lock: &AddLock, raw: &[u8], tell: &mut dyn FnMut(u64)) -> Result<Content> {
        match std::str::from_utf8(raw) {
            Ok(text) if raw.len() <= INLINE => Ok(Content::Text { text: text.to_owned() }),
            _ => Ok(Content::Object(self.put_telling(lock, ObjectId::of(raw), raw, tell)?.object)),
        }
    }

    /// Reads content whole.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub fn load(&self, content: &Content) -> Result<Vec<u8>> {
        self.load_telling(content, &mut |_| ())
    }

    /// The same; `tell` is told of the bytes while they are unpacked.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub fn load_telling(&self, content: &Content, tell: &mut dyn FnMut(u64)) -> Result<Vec<u8>> {
        match content {
            Content::Text { text } => Ok(text.clone().into_bytes()),
            Content::Bytes(bytes) => Ok(bytes.clone()),
            Content::Object(_) | Content::Chunks { .. } => {
                let mut all = Vec::new();
                for object in content.objects() {
                    all.append(&mut self.get_telling(object, tell)?);
                }
                Ok(all)
            }
        }
    }
}
