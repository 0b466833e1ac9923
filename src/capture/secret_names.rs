//! Names that hold a secret: a save keeps names as they are, so a person is told.

use crate::base::warning::Warning;
use crate::manifest::Manifest;
use crate::redaction::Redactor;

/// Returns what is said of the names in a snapshot that hold what looks like a secret. It names none of them.
pub(super) fn told(redactor: &Redactor, manifest: &Manifest) -> Option<Warning> {
    let edits = manifest.edited_files().iter();
    let mut files: Vec<String> = edits.clone().map(|edit| edit.path.to_string()).collect();
    files.extend(edits.filter_map(|edit| Some(edit.from.as_ref()?.path.to_string())));
    let holds = |name: &String| !redactor.is_clean(name.as_bytes());
    let branch = manifest.workspace.branch.as_ref().is_some_and(holds);
    // One search for all is much quicker than one for each, and nearly always enough.
    let files = if holds(&files.join("\n")) { files.iter().filter(|name| holds(name)).count() } else { 0 };
    (branch || files > 0).then_some(Warning::SecretInNames { branch, files })
}
