//! What files were hashed in this save, so that none is read twice only to be hashed.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::base::digest::ObjectId;

/// Tells that a file was changed or replaced since, within one run of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    file: (u64, u64),
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl From<&Metadata> for Stamp {
    fn from(meta: &Metadata) -> Stamp {
        Stamp {
            file: (meta.dev(), meta.ino()),
            size: meta.len(),
            modified: (meta.mtime(), meta.mtime_nsec()),
            changed: (meta.ctime(), meta.ctime_nsec()),
        }
    }
}

impl Stamp {
    /// In bytes.
    pub(super) fn size(&self) -> u64 {
        self.size
    }
}

/// The hashes of whole blocks ([`crate::base::block_sums::BLOCK`]) of files.
#[derive(Default)]
pub struct Hashed(BTreeMap<PathBuf, (Stamp, Vec<ObjectId>)>);

impl Hashed {
    /// Adds a file as it was before it was read.
    pub(super) fn add(&mut self, path: PathBuf, before: Stamp, blocks: Vec<ObjectId>) {
        self.0.insert(path, (before, blocks));
    }

    /// Returns the hashes of a file's whole blocks; none if it is another one now, or was changed.
    pub fn blocks(&self, path: &Path, file: &File) -> &[ObjectId] {
        let now = file.metadata().ok().map(|meta| Stamp::from(&meta));
        match self.0.get(path) {
            Some((before, blocks)) if now == Some(*before) => blocks,
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_file_that_was_changed_or_replaced_has_no_hashes() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("session.jsonl");
        std::fs::write(&path, "one\n").expect("a file");
        let stamp = Stamp::from(&path.metadata().expect("its status"));
        let mut hashed = Hashed::default();
        hashed.add(path.clone(), stamp, vec![ObjectId::of(b"one\n")]);
        let open = || File::open(&path).expect("the file");
        assert_eq!(hashed.blocks(&path, &open()).len(), 1);
        assert!(hashed.blocks(&folder.path().join("other"), &open()).is_empty());

        let mut grown = File::options().append(true).open(&path).expect("the file");
        grown.write_all(b"two\n").expect("a line more");
        assert!(hashed.blocks(&path, &open()).is_empty());

        std::fs::write(folder.path().join("new"), "one\n").expect("a file");
        std::fs::rename(folder.path().join("new"), &path).expect("the same name");
        assert!(hashed.blocks(&path, &open()).is_empty());
    }
}
