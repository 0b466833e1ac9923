//! Which untracked files are left out: large ones, and masses in folders that tools fill.
//!
//! Whatever is left out is listed, and `--include PATTERN` takes it in all the same.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::base::error::Result;
use crate::base::paths::RepoPath;
use crate::git::{Pending, Status};
use crate::manifest::Skipped;
use crate::settings::{self, Settings};
use crate::sys::work_tree::Tree;

/// How much of what is untracked is saved without being asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Files over this many bytes are left out.
    pub file: u64,
    /// A folder that tools fill may hold this many files before all of them are left out.
    pub files: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { file: 10 << 20, files: 200 }
    }
}

impl Limits {
    /// Returns what the user's settings say.
    pub fn of(settings: &Settings) -> Limits {
        let usual = Limits::default();
        Limits {
            file: settings.size(settings::MAX_FILE).unwrap_or(usual.file),
            files: settings.count(settings::MAX_FILES).unwrap_or(usual.files),
        }
    }
}

/// Folders that nobody writes by hand.
const GENERATED: [&str; 22] = [
    ".cache",
    ".gradle",
    ".mypy_cache",
    ".next",
    ".nuxt",
    ".pytest_cache",
    ".terraform",
    ".tox",
    ".venv",
    "DerivedData",
    "Pods",
    "__pycache__",
    "bower_components",
    "build",
    "coverage",
    "dist",
    "node_modules",
    "obj",
    "out",
    "target",
    "vendor",
    "venv",
];

/// Takes masses of generated files out of the list, and says so once a folder.
pub(super) fn leave_out_generated(
    pending: &mut Vec<Pending>,
    included: &BTreeSet<RepoPath>,
    most: usize,
) -> Vec<Skipped> {
    let mut counts: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    for entry in pending.iter() {
        if let Some(folder) = generated_folder_of(entry, included) {
            *counts.entry(folder).or_default() += 1;
        }
    }
    counts.retain(|_, count| *count > most);
    pending.retain(|entry| {
        generated_folder_of(entry, included).is_none_or(|folder| !counts.contains_key(&folder))
    });
    let skipped = |(folder, count): (Vec<u8>, usize)| Skipped {
        path: format!("{}/", crate::base::screen::Line(&String::from_utf8_lossy(&folder))),
        reason: format!(
            "{count} untracked files in a folder that tools fill; `--include` or `--max-files` saves them"
        ),
    };
    counts.into_iter().map(skipped).collect()
}

/// Returns those of these untracked files of a work tree that a save with these limits leaves out.
///
/// # Errors
/// What the disk says.
pub fn beyond(root: &Path, untracked: Vec<RepoPath>, limits: Limits) -> Result<BTreeSet<RepoPath>> {
    let tree = Tree::open(root)?;
    let mut beyond = BTreeSet::new();
    for path in &untracked {
        if tree.size(path)?.is_some_and(|size| size > limits.file) {
            beyond.insert(path.clone());
        }
    }
    let pending = |path: &RepoPath| Pending { path: path.clone(), status: Status::Untracked };
    let mut kept: Vec<Pending> = untracked.iter().map(pending).collect();
    leave_out_generated(&mut kept, &BTreeSet::new(), limits.files);
    let kept: BTreeSet<RepoPath> = kept.into_iter().map(|entry| entry.path).collect();
    beyond.extend(untracked.into_iter().filter(|path| !kept.contains(path)));
    Ok(beyond)
}

/// Returns the outermost folder that tools fill in which an untracked file lies.
pub fn generated_folder(path: &RepoPath) -> Option<String> {
    let entry = Pending { path: path.clone(), status: Status::Untracked };
    let folder = generated_folder_of(&entry, &BTreeSet::new())?;
    Some(String::from_utf8_lossy(&folder).into_owned())
}

/// Says why a file is left out for its size.
pub(super) fn too_large(size: u64, limits: Limits) -> String {
    let most = match limits.file {
        0 => "nothing".to_owned(),
        bytes if bytes % (1 << 20) == 0 => format!("{} MiB", bytes >> 20),
        1 => "1 byte".to_owned(),
        bytes => format!("{bytes} bytes"),
    };
    format!("untracked, and larger than {most} ({size} bytes); `--include` or `--max-file` saves it")
}

/// Returns the outermost folder of that kind that an untracked file lies in.
fn generated_folder_of(entry: &Pending, included: &BTreeSet<RepoPath>) -> Option<Vec<u8>> {
    if entry.status != Status::Untracked || included.contains(&entry.path) {
        return None;
    }
    let bytes = entry.path.as_bytes();
    let mut start = 0;
    while let Some(length) = bytes[start..].iter().position(|byte| *byte == b'/') {
        let end = start + length;
        if GENERATED.iter().any(|name| name.as_bytes() == &bytes[start..end]) {
            return Some(bytes[..end].to_vec());
        }
        start = end + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn untracked(path: &str) -> Pending {
        Pending { path: RepoPath::new(path.as_bytes()).expect("a fine path"), status: Status::Untracked }
    }

    #[test]
    fn masses_in_folders_that_tools_fill_are_left_out_and_said_once() {
        let mut pending: Vec<Pending> =
            (0..300).map(|n| untracked(&format!("web/node_modules/p/{n}"))).collect();
        pending.extend((0..300).map(|n| untracked(&format!("notes/{n}"))));
        pending.extend((0..9).map(|n| untracked(&format!("build/{n}"))));
        let kept = RepoPath::new(b"web/node_modules/p/7").expect("a fine path");
        let skipped =
            leave_out_generated(&mut pending, &BTreeSet::from([kept.clone()]), Limits::default().files);
        assert_eq!(pending.len(), 310);
        assert!(pending.iter().any(|entry| entry.path == kept));
        assert_eq!(skipped.len(), 1);
        assert_eq!(skipped[0].path, "web/node_modules/");
        assert!(skipped[0].reason.starts_with("299 untracked files"), "{}", skipped[0].reason);
    }
}
