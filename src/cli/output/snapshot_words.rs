//! Facts of a snapshot, in the words that several commands share.

use serde_json::Value;

use super::words::{count_u64, size_text};
use crate::base::screen::Line;
use crate::manifest::{Manifest, Secret, Transcript};
use crate::store::Entry;

/// Returns the name to show of an entry; of one that can't be read, its file's.
pub(crate) fn shown_name(entry: &Entry) -> String {
    let name = entry.manifest.as_ref().map_or(entry.stem.as_str(), |manifest| &manifest.name);
    Line(name).to_string()
}

/// Counts the tasks done and all tasks.
pub(crate) fn tasks(manifest: &Manifest) -> (usize, usize) {
    let done =
        |task: &str| serde_json::from_str::<Value>(task).is_ok_and(|task| task["status"] == "completed");
    (manifest.tasks.iter().filter(|task| done(task.get())).count(), manifest.tasks.len())
}

/// Sums the lines that a snapshot's edits add and remove.
pub(crate) fn edited_lines(manifest: &Manifest) -> (u64, u64) {
    let files = manifest.edits.iter().flat_map(|edits| edits.listed());
    files.fold((0, 0), |(added, removed), edit| (added + edit.added, removed + edit.removed))
}

/// Says what was not saved of a conversation, if anything was not.
pub(crate) fn left_out(transcript: &Transcript) -> String {
    match transcript.left_out {
        Some(left) => format!(
            " since its last compaction ({}, {}, before that left out; `--history full` saves all)",
            count_u64(left.records, "record"),
            size_text(left.bytes)
        ),
        None => String::new(),
    }
}

/// Describes a secret that was taken out: kind and place, never its value.
pub(crate) fn secret_line(secret: &Secret) -> String {
    let likely = if secret.likely { "likely " } else { "" };
    let name = secret.names.first().map_or(String::new(), |name| format!(" {}", Line(name)));
    let place = secret.places.first().map_or(String::new(), |place| format!(" in {}", Line(place)));
    let more = if secret.times > 1 { format!(", {} times in all", secret.times) } else { String::new() };
    format!("{likely}{}{name}{place}{more} ({})", Line(&secret.kind), Line(&secret.id))
}
