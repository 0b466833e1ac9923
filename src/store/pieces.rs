//! Reads content that is kept in pieces as one stream. Each piece is checked before any of it is returned.

use std::io;

use super::Store;
use crate::manifest::{Content, ObjectRef};

/// The bytes of several objects, one after the other; holds one of them at a time.
pub struct Pieces<'a> {
    store: &'a Store,
    left: std::slice::Iter<'a, ObjectRef>,
    piece: Vec<u8>,
    read: usize,
}

impl Store {
    /// Reads objects one after the other. A damaged one ends the stream with an [`io::Error`] that holds
    /// the [`Error`](crate::base::error::Error) of [`Store::get`].
    pub fn pieces<'a>(&'a self, objects: &'a [ObjectRef]) -> Pieces<'a> {
        Pieces { store: self, left: objects.iter(), piece: Vec::new(), read: 0 }
    }

    /// Reads content as [`Store::pieces`] does.
    pub fn content<'a>(&'a self, content: &'a Content) -> Pieces<'a> {
        match content {
            Content::Text { text } => Pieces { piece: text.clone().into_bytes(), ..self.pieces(&[]) },
            Content::Bytes(bytes) => Pieces { piece: bytes.clone(), ..self.pieces(&[]) },
            Content::Object(_) | Content::Chunks { .. } => self.pieces(content.objects()),
        }
    }
}

impl io::Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.read == self.piece.len() {
            let Some(object) = self.left.next() else { return Ok(0) };
            // The old piece goes first: both together may be large.
            self.piece = Vec::new();
            self.piece = self.store.get(object).map_err(io::Error::other)?;
            self.read = 0;
        }
        let rest = self.piece.get(self.read..).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        self.read += length;
        Ok(length)
    }
}
