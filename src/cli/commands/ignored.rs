//! `snap show --ignored`: which ignored files and folders there were when a snapshot was saved.

use std::collections::BTreeSet;

use crate::base::error::{Error, Kind, Result};
use crate::base::paths::RepoPath;
use crate::cli::outcome::Outcome;
use crate::cli::output::paged::paged;
use crate::cli::output::{Style, Text, Ui, text};
use crate::manifest::Manifest;

/// Prints which ignored files and folders there were; those that are in the snapshot with a mark.
pub(super) fn print(manifest: &Manifest, ui: &mut Ui) -> Result<Outcome> {
    let around = manifest.around.as_ref();
    if around.is_some_and(|around| around.ignored.is_none()) {
        return Err(Error::new(Kind::NotFound, "Which files were ignored is not in this snapshot")
            .because("there were too many of them to be listed"));
    }
    let listed = around.and_then(|around| around.ignored.as_ref());
    let Some(listed) = listed.filter(|listed| !listed.folders.is_empty() || !listed.files.is_empty()) else {
        ui.say("No file was ignored there.");
        return Ok(Outcome::Done);
    };
    let mut lines: Vec<Text> = listed.folders.iter().map(|folder| text![format!("{folder}/")]).collect();
    let held = manifest.edited_files().iter().map(|edit| &edit.path).filter(|path| listed.cover(path));
    let held: BTreeSet<&RepoPath> = held.collect();
    let files: BTreeSet<&RepoPath> = listed.files.iter().chain(held.iter().copied()).collect();
    for path in files {
        let mark = if held.contains(path) { "  (in the snapshot)" } else { "" };
        lines.push(text![path.to_string(), Style::Faint.of(mark)]);
    }
    paged(ui, &lines)?;
    Ok(Outcome::Done)
}
