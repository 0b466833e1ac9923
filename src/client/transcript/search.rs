//! Looks for a word in a transcript's file: much faster than reading its records.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use crate::base::error::{IoContext as _, Result};

/// Says whether a transcript's file holds these bytes.
///
/// # Errors
/// What reading it says.
pub fn holds(path: &Path, word: &[u8]) -> Result<bool> {
    let file = crate::sys::users_files::open_theirs(path).context("read", path)?;
    holds_from(path, &file, 0, word)
}

/// The same of what is in an open file behind a place.
pub(super) fn holds_from(path: &Path, file: &File, from: u64, word: &[u8]) -> Result<bool> {
    let (mut block, mut kept, mut at) = (vec![0; 1 << 20], 0, from);
    loop {
        let read = file.read_at(&mut block[kept..], at).context("read", path)?;
        at += read as u64;
        let seen = kept + read;
        if memchr::memmem::find(&block[..seen], word).is_some() {
            return Ok(true);
        }
        if read == 0 {
            return Ok(false);
        }
        // A word may begin in this block and end in the next one.
        kept = seen.min(word.len().saturating_sub(1));
        block.copy_within(seen - kept..seen, 0);
    }
}

/// Says whether a transcript's file holds the record of this id, as the client writes it.
pub fn holds_record(path: &Path, uuid: &str) -> bool {
    holds(path, format!("\"uuid\":\"{uuid}\"").as_bytes()).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_wherever_it_stands() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        for at in [0, 5, (1 << 20) - 3, 3 << 20] {
            let content = [vec![b'.'; at], b"word".to_vec(), vec![b'.'; 7]].concat();
            std::fs::write(file.path(), content).expect("written");
            assert!(holds(file.path(), b"word").expect("read"), "{at}");
            assert!(!holds(file.path(), b"words").expect("read"), "{at}");
        }
    }
}
