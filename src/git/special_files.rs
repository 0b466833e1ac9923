//! Pipes and devices in the place of files that git reads: git would wait for them for ever.
//!
//! A tarball can bring them, in git's own folder and as a list of ignored files. They are looked for before
//! git is started. Below the root, in any of the tree's folders, they are looked for only if a git takes
//! long: opening such a pipe for writing shows whether somebody waits for it.

use std::fs::Metadata;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::nearby_work_trees::{common_folder, own_folder, pointer};
use crate::base::error::{Error, Kind, Result};

/// What git reads in the folder of a work tree's own.
const OWN: [&str; 10] = [
    "HEAD",
    "MERGE_HEAD",
    "commondir",
    "config.worktree",
    "gitdir",
    "index",
    "info/sparse-checkout",
    "logs/HEAD",
    "rebase-apply/head-name",
    "rebase-merge/head-name",
];

/// What it reads in the folder that all work trees of a repository share.
const SHARED: [&str; 8] = [
    "config",
    "info/attributes",
    "info/exclude",
    "info/grafts",
    "objects/info/alternates",
    "packed-refs",
    "shallow",
    "HEAD",
];

/// What it reads at the root.
const AT_ROOT: [&str; 3] = [".git", ".gitattributes", ".gitignore"];

/// The most linked work trees that are looked at.
const MOST_LINKED: usize = 1_000;

/// Refuses the repository around a folder if git would wait for one of its files.
///
/// # Errors
/// [`Kind::Refused`] with the path.
pub(super) fn refuse(folder: &Path) -> Result<()> {
    let Some(root) = folder.ancestors().find(|above| above.join(".git").symlink_metadata().is_ok()) else {
        return Ok(());
    };
    look(root, &AT_ROOT)?;
    let own = own_folder(root);
    if let Some(own) = &own {
        look(own, &OWN)?;
        let head = pointer(&own.join("HEAD")).unwrap_or_default();
        if let Some(branch) = String::from_utf8_lossy(&head).strip_prefix("ref: ") {
            let common = common_folder(root).unwrap_or_else(|| own.clone());
            look(&common, &[branch.trim_end()])?;
        }
    }
    let Some(common) = common_folder(root) else { return Ok(()) };
    look(&common, &SHARED)?;
    let linked = std::fs::read_dir(common.join("worktrees")).into_iter().flatten().flatten();
    linked.take(MOST_LINKED).try_for_each(|entry| look(&entry.path(), &OWN))
}

/// What git reads in any folder of the tree.
const BELOW: [&str; 2] = [".gitattributes", ".gitignore"];

/// The most folders that are looked into.
const MOST_FOLDERS: usize = 200_000;

/// Returns the first pipe below a root that is in the place of a file of rules, and that somebody waits
/// for.
pub(super) fn waited_for(root: &Path) -> Option<PathBuf> {
    let mut open = vec![root.to_owned()];
    for _ in 0..MOST_FOLDERS {
        let folder = open.pop()?;
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && name != ".git" => open.push(entry.path()),
                Ok(kind)
                    if kind.is_fifo()
                        && BELOW.iter().any(|one| name == *one)
                        && crate::sys::files::is_waited_for(&entry.path()) =>
                {
                    return Some(entry.path());
                }
                _ => {}
            }
        }
    }
    None
}

fn look(folder: &Path, names: &[&str]) -> Result<()> {
    // Some keep a list empty for good by a link to this one, which ends at once.
    let null = Path::new("/dev/null").metadata().ok().map(|null| null.rdev());
    let waits = |meta: &Metadata| {
        let kind = meta.file_type();
        let device = kind.is_char_device() && Some(meta.rdev()) != null;
        kind.is_fifo() || kind.is_socket() || kind.is_block_device() || device
    };
    let mut all = names.iter().map(|name| folder.join(name));
    match all.find(|path| path.metadata().is_ok_and(|meta| waits(&meta))) {
        None => Ok(()),
        Some(path) => Err(Error::new(Kind::Refused, format!("git is not started in {}", folder.display()))
            .because(format!("{} is a pipe or a device: git would wait for it", path.display()))
            .hint("remove it, if you did not make it")),
    }
}
