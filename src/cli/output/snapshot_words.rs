//! Facts of a snapshot, in the words that several commands share.

use serde_json::Value;

use super::words::{count, count_u64, quoted, size_text};
use crate::base::columns::first_line;
use crate::base::screen::Line;
use crate::client::LooseObject;
use crate::manifest::{Manifest, Secret, Summary, Todo, Transcript};
use crate::store::{Entry, Store, TrashSize};

/// Returns the name to show of an entry; of one that can't be read, its file's.
pub(crate) fn shown_name(entry: &Entry) -> String {
    Line(&entry.called).to_string()
}

/// Returns what a snapshot of this name was about in a line: its message, or what was said last in its conversation.
pub(crate) fn about(name: &str, summary: &Summary) -> String {
    let Summary { message, title, spoken, .. } = summary;
    let prompt = spoken.last.as_deref();
    // A name that was made from the prompt says it already.
    let named = |prompt: &str| name.rsplit_once(", ").is_some_and(|(name, _)| prompt.contains(name));
    let answer = spoken.answer.as_deref().filter(|_| prompt.is_some_and(named));
    message.as_deref().or(answer).or(prompt).or(title.as_deref()).map(first_line).unwrap_or_default()
}

/// Returns the tasks; of one that no manifest takes in, and that is kept as a file, what can be read; and an older
/// client's list of things to do.
pub(crate) fn tasks(store: &Store, manifest: &Manifest) -> Vec<Value> {
    let whole = manifest.tasks.iter().map(|task| serde_json::from_str(task.get()).unwrap_or_default());
    let odd =
        manifest.odd_tasks().filter_map(|file| LooseObject::of(&store.load(&file.content).ok()?).task());
    let todos = todos(manifest).iter().enumerate().map(|(number, todo)| todo.as_task(number + 1));
    whole.chain(odd).chain(todos).collect()
}

/// Returns an older client's list of things to do.
pub(crate) fn todos(manifest: &Manifest) -> &[Todo] {
    manifest.session.as_ref().map_or(&[], |session| &session.todos)
}

/// Counts the tasks done.
pub(crate) fn done(tasks: &[Value]) -> usize {
    tasks.iter().filter(|task| task["status"] == "completed").count()
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

/// Says how much is in a store's trash; nothing, if it is empty.
pub(crate) fn trash(TrashSize { snapshots, bytes }: TrashSize) -> Option<String> {
    let words = || format!("{} in the trash, {}", count(snapshots, "snapshot"), size_text(bytes));
    (snapshots > 0).then(words)
}

/// Says whether a session was begun with `claude -p`. In a terminal, the client finds such a session by its id only.
pub(crate) fn is_of_print_mode(manifest: &Manifest) -> bool {
    let entrypoint = manifest.session.as_ref().and_then(|session| session.entrypoint.as_deref());
    entrypoint.is_some_and(|entrypoint| entrypoint.starts_with("sdk"))
}

/// Says that the folder of a submodule is gone since a snapshot, and what brings it back.
pub(crate) fn submodule_gone(path: &str) -> String {
    let path = quoted(path);
    format!(
        "the folder of the submodule {path} is gone since then: `git submodule update --init {path}` brings it back"
    )
}
