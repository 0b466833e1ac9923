//! What helps where a disk is full, can only be read, or is not this user's: told by whose place it is that a command could not write to.

use std::path::{Path, PathBuf};

use super::output::words::quoted;
use crate::base::error::{DiskTrouble, Error};
use crate::base::screen::Line;
use crate::context::Context;
use crate::sys::environment;
use crate::workspace::Workspace;

/// How old a snapshot is that is named as one to remove.
const OLD: std::time::Duration = std::time::Duration::from_secs(30 * 24 * 60 * 60);

/// Which command could not write.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writes {
    /// One that makes snapshots, in whatever store it is told to.
    Snapshots,
    /// One that writes the client's settings.
    Settings,
    /// Any other one.
    Else,
}

/// Adds to an error of a disk what helps; `store` is how the store is named in a command, if it was named.
pub(crate) fn with_what_helps(
    error: Error,
    writes: Writes,
    store: Option<&str>,
    context: &Context,
    workspace: &Workspace,
) -> Error {
    let Some((trouble, path)) = error.disk() else { return error };
    let root = workspace.store.root();
    let is_stores = path.starts_with(root) || root.starts_with(path);
    let folder =
        if path.starts_with(root) && root.is_dir() { root.to_owned() } else { folder_that_is_there(path) };
    let folder = Line(&folder.to_string_lossy()).to_string();
    let works = match () {
        () if writes == Writes::Settings => settings(path, context),
        () if is_stores => in_store(trouble, writes, store, workspace),
        () if path.starts_with(&context.state) => {
            "the variable XDG_STATE_HOME names another folder for it".to_owned()
        }
        () if is_temporary(path) && !path.starts_with(&workspace.root) => {
            "the variable TMPDIR names another folder for temporary files".to_owned()
        }
        () => String::new(),
    };
    let again = "then run the command again";
    let hint = match (trouble, works.as_str()) {
        (DiskTrouble::Full, "") => format!("free some space on the disk of {folder}, {again}"),
        (DiskTrouble::Full, works) => format!("free some space on the disk of {folder}, {again}; {works}"),
        (DiskTrouble::ReadOnly, "") => format!("the disk is read-only: {folder}"),
        (DiskTrouble::ReadOnly, works) => format!("the disk is read-only: {folder}; {works}"),
        (DiskTrouble::Denied, "") => format!("check who owns {folder} and its permissions, {again}"),
        (DiskTrouble::Denied, works) => format!("check who owns {folder} and its permissions; {works}"),
    };
    error.hint(hint)
}

/// Returns what works where the store can't be written to.
fn in_store(trouble: DiskTrouble, writes: Writes, store: Option<&str>, workspace: &Workspace) -> String {
    let known = workspace.store.known().unwrap_or_default();
    let option = store.map(|store| format!(" --store {store}")).unwrap_or_default();
    if trouble == DiskTrouble::Full {
        let heads = || known.iter().filter_map(|one| one.head.as_ref().ok());
        let is_old = |at| workspace.now.since(at) > OLD;
        let trash = workspace.store.trash().is_ok_and(|trash| !trash.is_empty());
        let frees = match () {
            () if heads().any(|head| is_old(head.created_at)) => "prune --older-than 30d --now",
            () if trash => "prune --now",
            () if !known.is_empty() => "rm REF --now",
            () if writes == Writes::Snapshots => {
                return "`--store DIR` keeps snapshots in a folder on another disk".to_owned();
            }
            () => return String::new(),
        };
        return format!("`snap {frees}{option}` frees some, and needs none itself");
    }
    let works = match (known.is_empty(), writes) {
        (true, Writes::Snapshots) => "`--store DIR` keeps snapshots in another folder",
        (true, _) => "with `--store DIR`, `snap save` keeps snapshots in another folder",
        (false, _) => {
            "with `--store DIR`, `snap save` writes to another folder, and all else works in a copy of the store"
        }
    };
    works.to_owned()
}

/// Returns what works where settings can't be written: the other kind of them.
fn settings(path: &Path, context: &Context) -> String {
    if path.starts_with(&context.config_dir) || context.config_dir.starts_with(path) {
        return "`snap init --local` is for this project alone, and writes only here".to_owned();
    }
    let file = context.config_dir.join("settings.json");
    format!("`snap init --user` is for all projects, and writes to {}", quoted(&file.to_string_lossy()))
}

/// Says whether a path is of ours among the temporary files, and not something else that somebody keeps there.
fn is_temporary(path: &Path) -> bool {
    let Ok(below) = path.strip_prefix(environment::temporary_files()) else { return false };
    let first = below.iter().next().map(|first| first.to_string_lossy());
    first.is_none_or(|first| first.starts_with("snap-"))
}

/// Returns the folder that a path is in, or would be in.
fn folder_that_is_there(path: &Path) -> PathBuf {
    let above = path.ancestors().skip(1);
    above.into_iter().find(|folder| folder.is_dir()).unwrap_or(path).to_owned()
}
