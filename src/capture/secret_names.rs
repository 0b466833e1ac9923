//! Names that hold a secret: a save keeps names as they are, so a person is told.

use crate::base::warning::Warning;
use crate::manifest::{Edit, Manifest};
use crate::redaction::Redactor;

/// Returns what is said of the names in a snapshot that hold what looks like a secret. It names none of them.
pub(super) fn told(redactor: &Redactor, manifest: &Manifest) -> Option<Warning> {
    let holds = |name: &str| !redactor.is_clean(name.as_bytes());
    let branch = manifest.workspace.branch.as_deref().is_some_and(holds);
    let names = |edit: &Edit| {
        let from = edit.from.iter().map(|from| from.path.to_string());
        from.chain([edit.path.to_string()]).collect::<Vec<String>>()
    };
    let edits = manifest.edited_files();
    // One search for all is much quicker than one for each, and nearly always enough.
    let all: Vec<String> = edits.iter().flat_map(names).collect();
    let has_one = |edit: &&Edit| names(edit).iter().any(|name| holds(name));
    let files = if holds(&all.join("\n")) { edits.iter().filter(has_one).count() } else { 0 };
    let files = match files {
        0 => None,
        1 => Some("a file".to_owned()),
        several => Some(format!("{several} files")),
    };
    let of: Vec<String> = branch.then(|| "the branch".to_owned()).into_iter().chain(files).collect();
    (!of.is_empty()).then(|| Warning::SecretInNames(of.join(" and of ")))
}
