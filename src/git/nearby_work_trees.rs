//! Work trees that are found on the disk, without starting git.
//!
//! Owns the `glob` crate. A result is only a place where a work tree seems to be. Whoever uses one opens it
//! with git. Bounded, and says so when a bound was reached.

use std::collections::{BTreeSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};

use super::printed_paths::path_from;

/// The most entries of folders that one search looks at.
const MOST_ENTRIES: usize = 100_000;

/// The most folders that one search opens.
const MOST_FOLDERS: usize = 10_000;

/// A file of git's that says where something is, is not longer than this, in bytes.
const LONGEST_POINTER: u64 = 16 << 10;

/// Folders that programs fill, in which nobody keeps work trees.
const FILLED: [&str; 5] = [".git", "node_modules", "__pycache__", "site-packages", ".venv"];

/// A search for work trees, with what it may still look at.
#[derive(Debug)]
pub struct Nearby {
    entries: usize,
    folders: usize,
}

impl Default for Nearby {
    fn default() -> Nearby {
        Nearby { entries: MOST_ENTRIES, folders: MOST_FOLDERS }
    }
}

/// Returns the root of the work tree around a path, whether or not the path exists. For a path in a
/// repository's own folder, it is the work tree of that repository.
pub fn work_tree_around(path: &Path) -> Option<PathBuf> {
    for above in path.ancestors() {
        if above.file_name().is_some_and(|name| name == ".git") && above.is_dir() {
            let root = above.parent()?;
            let own = path.strip_prefix(above.join("worktrees")).ok().and_then(|rest| rest.iter().next());
            let linked = own.and_then(|name| root_of_linked(&above.join("worktrees").join(name)));
            return Some(linked.unwrap_or_else(|| root.to_owned()));
        }
        if is_root(above) {
            return Some(above.to_owned());
        }
    }
    None
}

/// Returns the roots of repositories below a folder that is in none, as far as they are found soon; nothing in a
/// repository or a hidden folder is looked at, and no link is followed.
pub fn repositories_below(folder: &Path) -> Vec<PathBuf> {
    let mut search = Nearby { entries: MOST_ENTRIES / 5, folders: MOST_FOLDERS / 5 };
    search.search(folder, false)
}

/// Returns every work tree of the repository that the work tree at `root` belongs to, itself too.
pub fn work_trees_of(root: &Path) -> Vec<PathBuf> {
    let mut roots = BTreeSet::from([root.to_owned()]);
    if let Some(common) = common_folder(root) {
        let main = common.parent().filter(|_| common.file_name().is_some_and(|name| name == ".git"));
        roots.extend(main.map(Path::to_owned));
        let linked = fs::read_dir(common.join("worktrees")).into_iter().flatten().flatten();
        roots.extend(linked.filter_map(|entry| root_of_linked(&entry.path())));
    }
    roots.into_iter().filter(|root| is_root(root)).collect()
}

impl Nearby {
    /// Says whether a bound was reached, so that there may be more than was found.
    pub fn is_exhausted(&self) -> bool {
        self.entries == 0 || self.folders == 0
    }

    /// Returns the roots of work trees at a path and below it; links are not followed.
    pub fn below(&mut self, path: &Path) -> Vec<PathBuf> {
        self.search(path, true)
    }

    /// The same; `inside`: also those inside others.
    fn search(&mut self, path: &Path, inside: bool) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut open = VecDeque::from([path.to_owned()]);
        // The shallow ones first: with many folders, those are found that a person would name.
        while let Some(folder) = open.pop_front() {
            if self.folders == 0 || self.entries == 0 {
                return found;
            }
            self.folders -= 1;
            if is_root(&folder) {
                found.push(folder.clone());
                if !inside {
                    continue;
                }
            }
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                self.entries = self.entries.saturating_sub(1);
                let name = entry.file_name();
                let hidden = !inside && name.as_encoded_bytes().starts_with(b".");
                let filled = || hidden || FILLED.iter().any(|filled| name == *filled);
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) && !filled() {
                    open.push_back(entry.path());
                }
            }
        }
        found
    }

    /// Returns what is there and fits a shell's pattern, seen from a folder.
    pub fn fitting(&mut self, base: &Path, pattern: &str) -> Vec<PathBuf> {
        let mut found = vec![base.to_owned()];
        for part in pattern.split('/').filter(|part| !part.is_empty()) {
            if part.contains("**") {
                return found;
            }
            let Ok(fits) = Pattern::new(part) else { return found };
            let literal = Pattern::escape(part) == part;
            let mut next = Vec::new();
            for folder in found {
                if literal || part == "." || part == ".." {
                    next.push(folder.join(part));
                    continue;
                }
                let options = MatchOptions { require_literal_leading_dot: true, ..MatchOptions::new() };
                for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                    if self.entries == 0 {
                        break;
                    }
                    self.entries -= 1;
                    if entry.file_name().to_str().is_some_and(|name| fits.matches_with(name, options)) {
                        next.push(entry.path());
                    }
                }
            }
            found = next;
        }
        found.retain(|path| path.symlink_metadata().is_ok());
        found
    }
}

/// Says whether a folder looks like the root of a work tree.
fn is_root(folder: &Path) -> bool {
    let git = folder.join(".git");
    match git.metadata() {
        Ok(meta) if meta.is_dir() => git.join("HEAD").symlink_metadata().is_ok() && !is_store(folder),
        Ok(meta) if meta.is_file() => {
            pointer(&git).is_some_and(|text| text.starts_with(b"gitdir:")) && !leads_to_bare(folder)
        }
        _ => false,
    }
}

/// Says whether a folder is the part of a store that looks like a repository, to protect it from
/// `git clean`.
fn is_store(folder: &Path) -> bool {
    folder.ends_with(".claude/snapshots/objects") || {
        let head = pointer(&folder.join(".git/HEAD")).unwrap_or_default();
        String::from_utf8_lossy(&head).contains("not-a-repository-but-protected-from-git-clean")
    }
}

/// Says whether a `.git` file leads to a bare repository: people keep one beside its linked work trees.
fn leads_to_bare(folder: &Path) -> bool {
    common_folder(folder).is_some_and(|common| {
        let bare = |config: Vec<u8>| {
            String::from_utf8_lossy(&config).lines().any(|line| line.replace([' ', '\t'], "") == "bare=true")
        };
        let linked = pointer(&folder.join(".git"))
            .is_some_and(|text| String::from_utf8_lossy(&text).contains("/worktrees/"));
        !linked && pointer(&common.join("config")).is_some_and(bare)
    })
}

/// Returns git's own folder for the work tree at `root`.
pub(super) fn own_folder(root: &Path) -> Option<PathBuf> {
    let git = root.join(".git");
    if git.is_dir() {
        return Some(git);
    }
    let text = pointer(&git)?;
    Some(root.join(path_from(text.strip_prefix(b"gitdir:")?.trim_ascii())))
}

/// Returns the folder that all work trees of a repository share.
pub(super) fn common_folder(root: &Path) -> Option<PathBuf> {
    let own = own_folder(root)?;
    if own == root.join(".git") {
        return Some(own);
    }
    match pointer(&own.join("commondir")) {
        Some(common) => own.join(path_from(common.trim_ascii())).canonicalize().ok(),
        None => own.canonicalize().ok(),
    }
}

/// Returns the work tree that git keeps a folder of notes about.
fn root_of_linked(notes: &Path) -> Option<PathBuf> {
    let text = pointer(&notes.join("gitdir"))?;
    let git = notes.join(path_from(text.trim_ascii())).canonicalize().ok()?;
    git.parent().map(Path::to_owned)
}

/// Reads a short file of git's.
pub(super) fn pointer(path: &Path) -> Option<Vec<u8>> {
    let meta = path.metadata().ok()?;
    (meta.is_file() && meta.len() <= LONGEST_POINTER).then(|| fs::read(path).ok()).flatten()
}
