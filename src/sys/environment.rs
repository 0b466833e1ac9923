//! What the process was started with: its variables and its folder, read here and nowhere else below the
//! command line.
//!
//! Nothing in this program changes either. A person's settings are read once into the
//! [`Context`](crate::context::Context) and passed on; this is for what every started program needs.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Returns a variable, unless it is empty.
pub fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// Returns a variable that is a number.
pub fn number<T: std::str::FromStr>(name: &str) -> Option<T> {
    variable(name)?.to_str()?.parse().ok()
}

/// Says whether a variable is there, be it empty.
pub fn has(name: &str) -> bool {
    std::env::var_os(name).is_some()
}

/// Returns the names of all variables.
pub fn names() -> impl Iterator<Item = OsString> {
    std::env::vars_os().map(|(name, _)| name)
}

/// Returns all variables that are text, with their values.
pub fn texts() -> Vec<(String, String)> {
    let text =
        |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    std::env::vars_os().filter_map(text).collect()
}

/// Returns where the shell says that it is: known even if that folder is gone.
pub fn folder_of_the_shell() -> Option<PathBuf> {
    variable("PWD").map(PathBuf::from).filter(|folder| folder.is_absolute())
}

/// Returns the folder that the process is in.
pub fn folder() -> Option<&'static Path> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOLDER.get_or_init(|| std::env::current_dir().ok()).as_deref()
}

/// Returns the system's place for temporary files.
pub fn temporary_files() -> PathBuf {
    let place = std::env::temp_dir();
    // An empty variable is none, and would mean the current folder.
    if place.as_os_str().is_empty() { PathBuf::from("/tmp") } else { place }
}

/// Returns the absolute folders of a list of them, as `PATH` is one.
pub fn absolute_folders(list: &OsStr) -> Vec<PathBuf> {
    std::env::split_paths(list).filter(|entry| entry.is_absolute()).collect()
}
