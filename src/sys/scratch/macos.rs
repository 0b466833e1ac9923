//! macOS: `/tmp` and `/var` are links to folders below `/private`; caches are in the user's library.

use std::path::{Path, PathBuf};

pub(super) fn folders(home: &Path) -> Vec<PathBuf> {
    vec![
        PathBuf::from("/private/tmp"),
        PathBuf::from("/private/var/tmp"),
        PathBuf::from("/private/var/folders"),
        home.join("Library/Caches"),
    ]
}
