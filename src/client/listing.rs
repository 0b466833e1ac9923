//! Lists the client's folders.

use std::path::{Path, PathBuf};

use crate::base::error::{Error, IoContext as _, Result};

/// Lists a folder's entries, sorted; an absent folder is empty.
pub(super) fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    match std::fs::read_dir(folder) {
        Ok(entries) => {
            let mut paths = Vec::new();
            for entry in entries {
                paths.push(entry.context("read", folder)?.path());
            }
            paths.sort();
            Ok(paths)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Error::io("read", folder, &error)
            .hint("the client keeps its sessions there; `--session PATH` can name a transcript directly")),
    }
}
