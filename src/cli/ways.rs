//! How one goes to a safety snapshot, in words: by the command that does it here and now.

use crate::base::screen::Line;
use crate::cli::output::words::quoted;
use crate::cli::program_name::in_words;
use crate::manifest::Manifest;
use crate::restore::{self, Direction, Way};
use crate::workspace::Workspace;

/// Says of a safety snapshot before what it was made, and how one goes back to it.
pub(crate) fn made_before(workspace: &Workspace, manifest: &Manifest, called: &str) -> Option<String> {
    let safety = manifest.safety.as_ref()?;
    let names = workspace.store.names().unwrap_or_default();
    let restored = Line(names.get(&safety.restores).unwrap_or(&safety.name)).to_string();
    let how = match restore::leads_to(workspace, &manifest.id).ok().flatten() {
        Some(way @ Way { direction: Direction::Redo, .. }) => format!("{} goes forward to it", way.command()),
        Some(way) => format!("{} goes back to it", way.command()),
        None => format!("`snap rewind {}` goes back to it", quoted(called)),
    };
    Some(in_words(&format!("  made before restoring {restored}; {how}")).into_owned())
}
