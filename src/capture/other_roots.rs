//! Other names that a work tree's root has in a session's records: whoever renames a folder often leaves a link.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::base::paths::NativePath;

/// Returns the names by which these folders lead to the root or below it, but for its own.
pub(super) fn other_roots<'a>(root: &Path, folders: impl Iterator<Item = &'a Path>) -> Vec<NativePath> {
    let name = |folder: &Path| -> Option<PathBuf> {
        let real = folder.canonicalize().ok().filter(|_| !folder.starts_with(root))?;
        let below = real.strip_prefix(root).ok()?;
        // What stands for the root is in front of the same way down.
        let named = folder.ends_with(below) || below.as_os_str().is_empty();
        folder.ancestors().nth(below.iter().count()).filter(|_| named).map(Path::to_owned)
    };
    let names: BTreeSet<PathBuf> = folders.filter_map(name).collect();
    names.iter().map(|name| name.as_path().into()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_to_the_root_is_another_name_of_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let base = dir.path().canonicalize().expect("its path");
        let root = base.join("new");
        std::fs::create_dir_all(root.join("sub")).expect("a folder");
        std::os::unix::fs::symlink(&root, base.join("old")).expect("a link");
        std::os::unix::fs::symlink(root.join("sub"), base.join("deep")).expect("a link");
        let folders = ["old", "old/sub", "new", "new/sub", "deep", "gone", "."].map(|name| base.join(name));
        let found = other_roots(&root, folders.iter().map(PathBuf::as_path));
        assert_eq!(found, [NativePath::from(base.join("old").as_path())]);
    }
}
