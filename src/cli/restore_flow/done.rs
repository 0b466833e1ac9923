//! The report after a restore: what it set, and what it did not.

use std::path::Path;

use super::concerns::warn_of_held;
use super::report::{MOST_LISTED, NeedsFilter, Reason, RestoreReport};
use super::unfilled;
use crate::base::ids::SnapshotId;
use crate::base::screen::Line;
use crate::cli::output::Ui;
use crate::cli::output::words::{count, count_u64, quoted, short_commit};
use crate::context::Context;
use crate::git::kept_ref;
use crate::restore::{Done, Leftover};
use crate::store::MovedBranch;
use crate::workspace::Workspace;

/// Says that `undo` does not know what was done, and what goes back all the same. Returns whether that is so.
pub(crate) fn warn_of_unlogged(ui: &mut Ui, done: &Done) -> bool {
    let Some(unlogged) = &done.unlogged else { return false };
    let back = match &done.safety {
        Some((_, safety)) => {
            format!(", so `snap undo` does not know it. `snap rewind {}` goes back", quoted(safety))
        }
        None => String::new(),
    };
    ui.warn(&format!("{unlogged}{back}"));
    true
}

/// Returns the command that takes a restore back: with the work tree if that is not the one in which the restore was asked for, and
/// with the store if `undo` would not find it there.
pub(crate) fn undo_command(context: &Context, workspace: &Workspace, other_tree: Option<&Path>) -> String {
    let mut words = "snap".to_owned();
    let mut add =
        |option: &str, path: &Path| words += &format!(" {option} {}", quoted(&path.to_string_lossy()));
    if let Some(root) = other_tree {
        add("-C", root);
    }
    let store = workspace.store.root();
    let by_itself = || Workspace::open(&Context { store: None, ..context.clone() });
    if context.store.is_some() && by_itself().is_ok_and(|there| there.store.root() != store) {
        add("--store", store);
    }
    words + " undo"
}

/// Says what a resume or rewind did; `partial` says whether something was not set, and `undo` what takes it back.
pub(crate) fn say_done(ui: &mut Ui, done: &Done, partial: bool, undo: &str) {
    if done.paths == 0 && done.tasks == 0 && done.session.is_none() && done.moved.is_none() {
        ui.say(&if partial && done.safety.is_none() {
            "No file was changed.".to_owned()
        } else if done.safety.is_none() {
            "Nothing had to be done: no file had to be set.".to_owned()
        } else if done.unlogged.is_some() {
            "Every file was already as it was saved. Empty folders were made again.".to_owned()
        } else {
            format!(
                "Every file was already as it was saved. Empty folders were made again; `{undo}` goes back."
            )
        });
    }
    if let (Some(moved), Some((id, _))) = (&done.moved, &done.safety) {
        say_moved(ui, moved, id);
    }
    let other = done.tasks > 0 || done.session.is_some() || done.moved.is_some();
    if let Some((_, safety)) = done.safety.as_ref().filter(|_| done.paths > 0 || other) {
        let set = match done.paths {
            0 => "No file had to be set".to_owned(),
            paths => format!("Set {}", count(paths, "path")),
        };
        ui.say(&match done.unlogged {
            None => format!("{set}; `{undo}` goes back (to {safety})."),
            Some(_) => format!("{set}."),
        });
    }
    if let Some(Leftover { place, written }) = &done.leftover {
        let place = place.display();
        ui.warn(&if written.is_empty() {
            format!("{place} could not be removed; it holds the old files, and you can delete it")
        } else {
            let paths: Vec<String> = written.iter().map(ToString::to_string).collect();
            format!(
                "somebody wrote to the old files of {} meanwhile. They are kept in {place}; delete it when you no longer need them",
                paths.join(", ")
            )
        });
    }
    if !done.relocated.moved {
        return;
    }
    let report = &done.relocated.report;
    if report.replaced() > 0 {
        let left = match report.leftovers() - report.in_files {
            0 => String::new(),
            left => format!(", left {left} in messages, signed thinking or binary data"),
        };
        let in_files = match report.in_files {
            0 => String::new(),
            left => format!(", left {left} in the text of files, which is as on the disk"),
        };
        let rewrote = count_u64(report.replaced(), "mention");
        ui.say(&format!("Rewrote {rewrote} of the old place in the session{left}{in_files}."));
    }
    if let Some(((first, _), others)) = done.relocated.outside.split_first() {
        let more = if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
        ui.say(&format!(
            "The session also worked outside that place; those paths were not rewritten: {}{more} (`--map OLD=NEW` rewrites one).",
            Line(first)
        ));
    }
}

/// Says which branch was moved.
pub(crate) fn say_moved(ui: &mut Ui, moved: &MovedBranch, safety: &SnapshotId) {
    let (from, to) = (short_commit(&moved.from), short_commit(&moved.to));
    let kept = kept_ref(safety);
    ui.say(&format!("Moved {} from {from} to {to}; the old tip is kept in {kept}.", moved.name()));
}

/// Warns of everything that was not set, and says how to get it.
pub(crate) fn warn_of_left(ui: &mut Ui, report: &RestoreReport) {
    warn_of_held(ui, &report.held);
    unfilled::warn_of(ui, &report.unfilled);
    warn_of_filters(ui, &report.root, &report.left);
    warn_of_unmade(ui, &report.unmade);
}

/// Warns of files that stay as they are, because no filter of the repository's own is run.
fn warn_of_filters(ui: &mut Ui, root: &str, left: &[NeedsFilter]) {
    for NeedsFilter { path, filter } in left.iter().take(MOST_LISTED) {
        ui.warn(&format!(
            "left as it is: {path} needs the filter {}, which only this repository's own configuration has",
            Line(filter)
        ));
    }
    if !left.is_empty() {
        ui.warn(&format!(
            "{}; if you trust that configuration: git config --global --add snap.trustedRepository {}",
            count(left.len(), "path was left"),
            quoted(root)
        ));
    }
}

/// Warns of files that can't be checked out here, and says what to do about it.
pub(crate) fn warn_of_unmade(ui: &mut Ui, unmade: &[Reason]) {
    for Reason { path, reason } in unmade {
        ui.warn(&format!("not set: {path}: {}", Line(reason)));
    }
    if unmade.iter().any(|one| one.reason.contains("lfs")) {
        ui.say("Run `git lfs pull`, then this command again; or set GIT_LFS_SKIP_SMUDGE=1 to write pointers instead.");
    }
}
