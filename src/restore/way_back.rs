//! How what is in the trash comes back: by which steps of `undo`.

use std::path::PathBuf;

use super::history::{Act, Direction, Way};
use super::undo::way_to;
use crate::base::error::Result;
use crate::base::ids::SnapshotId;
use crate::workspace::Workspace;

/// How what one command removed comes back: by `undo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WayBack {
    /// Which one.
    pub way: Way,
    /// The work tree in which it was removed, if that is another one: there it is undone.
    pub elsewhere: Option<PathBuf>,
}

/// Says how what one command removed comes back; `None` if nothing brings it back.
///
/// # Errors
/// What the disk says.
pub fn way_back(workspace: &Workspace, batch: &SnapshotId) -> Result<Option<WayBack>> {
    let store = &workspace.store;
    let trash = store.trash()?;
    let in_trash = |id: &SnapshotId| trash.iter().find(|one| one.id == *id && !one.automatic);
    if in_trash(batch).is_none() {
        return Ok(None);
    }
    let log = store.read_log()?;
    let lines = log.iter().rev().filter(|line| line.batch.as_ref() == Some(batch));
    let root = lines.filter_map(|line| line.root.as_ref()).map(|root| root.as_path().to_owned()).next();
    // What was removed in a folder that is gone is undone here.
    let elsewhere = root.filter(|root| *root != workspace.root && root.is_dir());
    let is_it = |act: &Act| matches!(act, Act::Removed(removal) if removal.batch.as_ref() == Some(batch));
    let root = elsewhere.as_ref().unwrap_or(&workspace.root);
    let way = way_to(workspace, root, Direction::Undo, is_it)?;
    Ok(way.map(|way| WayBack { way, elsewhere }))
}

/// Says how the first thing comes back from the trash that steps back come to here, if one does.
///
/// # Errors
/// What the disk says.
pub fn next_way_back(workspace: &Workspace) -> Result<Option<WayBack>> {
    let mut first = None;
    let is_it = |act: &Act| {
        let Act::Removed(removal) = act else { return false };
        first.clone_from(&removal.batch);
        true
    };
    way_to(workspace, &workspace.root, Direction::Undo, is_it)?;
    first.map_or(Ok(None), |batch| way_back(workspace, &batch))
}
