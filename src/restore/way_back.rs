//! How what is in the trash comes back: by which steps of `undo`, or what keeps it from that.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::history::{Act, Direction, Way};
use super::undo::way_to;
use crate::base::error::Result;
use crate::base::ids::SnapshotId;
use crate::workspace::Workspace;

/// How what one command removed comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WayBack {
    /// By `undo`.
    Undo {
        /// Which one.
        way: Way,
        /// The work tree in which it was removed, if that is another one: there it is undone.
        elsewhere: Option<PathBuf>,
    },
    /// Not yet: another snapshot has one of the names by now, and `undo` says what to do.
    NameTaken {
        /// The name.
        name: String,
        /// Which `undo` says so.
        way: Way,
    },
    /// Not after what comes back before it: that has one of the names.
    NameComesFirst(String),
}

/// Says how what one command removed comes back; `None` if nothing brings it back.
///
/// # Errors
/// What the disk says.
pub fn way_back(workspace: &Workspace, batch: &SnapshotId) -> Result<Option<WayBack>> {
    let store = &workspace.store;
    let trash = store.trash()?;
    let in_trash = |id: &SnapshotId| trash.iter().find(|one| one.id == *id && !one.automatic);
    let Some(this) = in_trash(batch) else { return Ok(None) };
    let log = store.read_log()?;
    let lines = log.iter().rev().filter(|line| line.batch.as_ref() == Some(batch));
    let root = lines.filter_map(|line| line.root.as_ref()).map(|root| root.as_path().to_owned()).next();
    // What was removed in a folder that is gone is undone here.
    let elsewhere = root.filter(|root| *root != workspace.root && root.is_dir());
    let mut before = Vec::new();
    let is_it = |act: &Act| {
        let Act::Removed(removal) = act else { return false };
        let is_it = removal.batch.as_ref() == Some(batch);
        before.extend(removal.batch.clone().filter(|_| !is_it));
        is_it
    };
    let root = elsewhere.as_ref().unwrap_or(&workspace.root);
    let Some(way) = way_to(workspace, root, Direction::Undo, is_it)? else { return Ok(None) };
    let (nothing, mut names) = (BTreeSet::new(), BTreeSet::new());
    let before: Vec<_> = before.iter().filter_map(in_trash).collect();
    for one in before.into_iter().chain([this]) {
        if let Some(name) = store.name_in_the_way(one, &nothing)? {
            return Ok(Some(WayBack::NameTaken { name, way: Way { later: false, ..way } }));
        }
        if let Some(name) = store.name_in_the_way(one, &names)? {
            return Ok(Some(WayBack::NameComesFirst(name)));
        }
        names.extend(store.own_names_of(one)?);
    }
    Ok(Some(WayBack::Undo { way, elsewhere }))
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
