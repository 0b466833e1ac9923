//! How one goes to a safety snapshot, in words: by the command that does it here and now.

use crate::cli::output::words::quoted;
use crate::cli::program_name::in_words;
use crate::manifest::Manifest;
use crate::restore::{self, Direction, Way};
use crate::workspace::Workspace;

/// Says how one goes to a safety snapshot.
pub(crate) fn way_to(workspace: &Workspace, manifest: &Manifest, called: &str) -> String {
    let way = manifest.safety.as_ref().and_then(|_| restore::leads_to(workspace, &manifest.id).ok()?);
    in_words(&match way {
        Some(way @ Way { direction: Direction::Redo, .. }) => format!("{} goes forward to it", way.command()),
        Some(way) => format!("{} goes back to it", way.command()),
        None => format!("`snap rewind {}` goes back to it", quoted(called)),
    })
    .into_owned()
}
