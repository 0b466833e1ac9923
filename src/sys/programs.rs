//! Where programs are taken from: the absolute folders of `PATH` that are not part of a project.
//!
//! With a relative or empty entry, or one in a project that is worked in, the project could choose the
//! program. Such entries are left out of every look-up, and of the `PATH` that started programs get. If the
//! user's home is inside a tree, the tree is the user's own, and nothing in it is left out.

use std::ffi::{OsStr, OsString};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::sys::environment;

/// The folder that this process was told to work in.
static WORKED_IN: OnceLock<PathBuf> = OnceLock::new();

/// Says in which folder this process works; its project counts in every look-up from now on.
pub fn work_in(folder: &Path) {
    // Whoever works in a second one names it.
    let _first = WORKED_IN.set(folder.to_owned());
}

/// The most that is read of a file to see what it says about itself, in bytes.
const HEAD: u64 = 4_096;

/// The folders of `PATH` that count, and those that do not.
#[derive(Clone, Debug)]
pub struct Programs {
    safe: Vec<PathBuf>,
    /// Those inside a project too.
    absolute: Vec<PathBuf>,
}

impl Programs {
    /// Returns the places of programs for work in these folders. The folder that the process is in, and
    /// the one that it works in, count too.
    pub fn around(folders: &[&Path]) -> Programs {
        let path = environment::variable("PATH").unwrap_or_default();
        let home = environment::variable("HOME").map(PathBuf::from).and_then(|home| home.canonicalize().ok());
        let here = environment::folder();
        let folders = folders.iter().copied().chain(here).chain(WORKED_IN.get().map(PathBuf::as_path));
        let mut trees: Vec<PathBuf> = Vec::new();
        for folder in folders.filter_map(|folder| folder.canonicalize().ok()) {
            trees.extend(trees_around(&folder));
        }
        trees.retain(|tree| home.as_ref().is_none_or(|home| !home.starts_with(tree)));
        sort(&path, &trees)
    }

    /// Finds a program.
    pub fn find(&self, name: &str) -> Option<PathBuf> {
        self.safe.iter().map(|entry| entry.join(name)).find(|program| program.is_file())
    }

    /// Says whether the user's own client would find a program, given by its name or path.
    pub fn client_finds(&self, name: &str) -> bool {
        if name.contains('/') {
            return Path::new(name).is_file();
        }
        self.absolute.iter().any(|entry| entry.join(name).is_file())
    }

    /// Returns the `PATH` for programs that are started.
    pub fn path(&self) -> OsString {
        joined(&self.safe)
    }

    /// Returns the `PATH` for the user's own client. Its tools may be those of an environment in the
    /// project that the user has activated.
    pub fn path_for_client(&self) -> OsString {
        joined(&self.absolute)
    }

    /// Returns the words that start a program. If the program is a script whose interpreter `env` would
    /// look up, the interpreter is looked up here instead.
    pub fn start(&self, program: &Path) -> Vec<PathBuf> {
        let head = head_of(program).unwrap_or_default();
        let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let named = line.strip_prefix(b"#!").and_then(|line| {
            let line = String::from_utf8_lossy(line.trim_ascii()).into_owned();
            let name = line.strip_prefix("/usr/bin/env ")?.trim().to_owned();
            (!name.is_empty() && !name.contains([' ', '/', '=', '-'])).then_some(name)
        });
        let interpreter = named.and_then(|name| self.find(&name));
        interpreter.into_iter().chain([program.to_owned()]).collect()
    }
}

fn joined(folders: &[PathBuf]) -> OsString {
    // No folder has a colon in it: each was an entry.
    std::env::join_paths(folders).unwrap_or_default()
}

/// Sorts the entries of a `PATH`; links are looked through.
fn sort(path: &OsStr, trees: &[PathBuf]) -> Programs {
    let absolute = environment::absolute_folders(path);
    let in_a_tree = |entry: &PathBuf| {
        let real = entry.canonicalize().unwrap_or_else(|_| entry.clone());
        trees.iter().any(|tree| real.starts_with(tree) || entry.starts_with(tree))
    };
    let safe = absolute.iter().filter(|entry| !in_a_tree(entry)).cloned().collect();
    Programs { safe, absolute }
}

/// Returns the projects' trees around a folder: those of the repositories around it, with the main tree
/// of a linked one; the folder itself if there are none.
fn trees_around(folder: &Path) -> Vec<PathBuf> {
    let mut trees = Vec::new();
    for tree in folder.ancestors() {
        let mark = tree.join(".git");
        let Ok(meta) = mark.symlink_metadata() else { continue };
        trees.push(tree.to_owned());
        if !meta.is_dir() {
            let away = repository_in(tree);
            let owners = away.iter().flat_map(|away| away.ancestors());
            let owners = owners.filter(|above| above.file_name().is_some_and(|name| name == ".git"));
            trees.extend(owners.filter_map(Path::parent).map(Path::to_owned));
        }
    }
    if trees.is_empty() {
        trees.push(folder.to_owned());
    }
    trees
}

/// Returns where the repository of a work tree is, from the folder's own `.git`.
pub fn repository_in(tree: &Path) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt as _;
    let mark = tree.join(".git");
    if mark.is_dir() {
        return mark.canonicalize().ok();
    }
    let text = head_of(&mark)?;
    // The path itself may have line ends in it.
    let named = text.strip_prefix(b"gitdir: ")?.trim_ascii_end();
    tree.join(OsStr::from_bytes(named)).canonicalize().ok()
}

/// Reads the beginning of a plain file.
fn head_of(path: &Path) -> Option<Vec<u8>> {
    if !path.metadata().ok()?.is_file() {
        return None;
    }
    let mut head = Vec::new();
    std::fs::File::open(path).ok()?.take(HEAD).read_to_end(&mut head).ok()?;
    Some(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_absolute_folders_outside_a_project_count() {
        let path = OsStr::new(".:/usr/bin::bin:/p/app/bin:/p/app:/p/apple:/bin");
        let places = sort(path, &[PathBuf::from("/p/app")]);
        assert_eq!(places.path(), "/usr/bin:/p/apple:/bin");
        assert_eq!(places.path_for_client(), "/usr/bin:/p/app/bin:/p/app:/p/apple:/bin");
    }
}
