//! A copy of a checkpoint outside of its store, for a step that removes the store too.

use std::path::{Path, PathBuf};

use crate::base::error::{Error, Kind, Result};
use crate::base::monitor::{Counted, Monitor};
use crate::context::Context;
use crate::manifest::Manifest;
use crate::store::Reference;
use crate::sys::files;
use crate::sys::place::Root;
use crate::transfer;
use crate::workspace::Workspace;

/// How many are kept.
const MOST: usize = 30;

/// Writes a snapshot with the base versions of its edits into a file of the user's, and returns its
/// path.
pub(super) fn keep(context: &Context, workspace: &Workspace, manifest: &Manifest) -> Result<PathBuf> {
    let folder = transfer::rescued_folder(context);
    Root::own(&folder).at("").make_folder()?;
    let end = format!("-{}.snap", manifest.id);
    let path = folder.join(format!("{}{end}", context.now.compact()));
    let entry = workspace.store.find(&Reference::Named(manifest.id.to_string()))?;
    let failed = |error: &std::io::Error| {
        Error::new(Kind::Environment, format!("Cannot write {}", path.display())).because(error)
    };
    let shown = path.to_string_lossy();
    let nobody = Monitor::default();
    let out = Counted(Vec::new(), &nobody);
    let (bytes, _) = transfer::export(context, workspace, &entry, true, out, &shown, failed)?;
    // Another step may have kept the very same snapshot; a torn copy is written again.
    for kept in copies(&folder).into_iter().filter(|kept| kept.to_string_lossy().ends_with(&end)) {
        if files::read_plain(&kept, u64::MAX)?.is_some_and(|there| there == bytes) {
            return Ok(kept);
        }
    }
    files::remove(&path)?;
    files::write_new(&path, &bytes)?;
    forget_old(&folder);
    Ok(path)
}

/// Removes the oldest copies: their names begin with the moment.
fn forget_old(folder: &Path) {
    let mut all = copies(folder);
    all.sort();
    let old = all.len().saturating_sub(MOST);
    for path in &all[..old] {
        let _best_effort = files::remove(path);
    }
}

fn copies(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}
