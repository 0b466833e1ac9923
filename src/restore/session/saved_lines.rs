//! The lines of a saved transcript, read from the store.

use crate::client::Lines;
use crate::manifest::Transcript;
use crate::store::Store;

/// Reads a saved transcript line by line.
pub(in crate::restore) fn saved_lines<'a>(store: &'a Store, transcript: &'a Transcript) -> Lines<'a> {
    let size = transcript.chunks.iter().fold(0_u64, |size, chunk| size.saturating_add(chunk.size));
    Lines::over(store.root(), store.pieces(&transcript.chunks), size)
}
