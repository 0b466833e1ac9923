//! How one goes to a safety snapshot, or gets back what is in the trash, in words: by the command that does it here and now.

use crate::base::error::Error;
use crate::base::screen::{Line, for_shell};
use crate::base::timestamp::age;
use crate::cli::output::words::{ago, quoted};
use crate::cli::program_name::in_words;
use crate::context::Context;
use crate::manifest::Manifest;
use crate::restore::{self, Direction, HistoryStep, Way, WayBack};
use crate::store::{Batch, LogEntry, Operation};
use crate::trust::Provenance;
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

/// Says that the work tree stays in which the first resume was just undone, and what takes it away: it was made for that, most likely.
pub(crate) fn tree_stays(workspace: &Workspace, undone: &HistoryStep) -> Option<String> {
    let repository = workspace.repository.as_ref()?;
    let is_resume = undone.direction == Direction::Undo && undone.what.operation == Operation::Resume;
    if !is_resume || repository.worktree_name().is_none() {
        return None;
    }
    let log = workspace.store.own_log().ok()?;
    let here = |entry: &&LogEntry| {
        let root = entry.root.as_ref().is_some_and(|root| root.as_path() == workspace.root);
        root && entry.operation.is_restore() && entry.outcome.is_ok()
    };
    // What git would not take away is not said to go.
    let is_first = log.iter().find(here).is_some_and(|first| first.at == undone.what.at);
    if !is_first || !repository.status().is_ok_and(|listing| listing.pending.is_empty()) {
        return None;
    }
    let (home, root) = (repository.home().ok()?, workspace.root.to_string_lossy().into_owned());
    let git = format!("git -C {}", quoted(&home.to_string_lossy()));
    let branch = repository.head().ok()?.branch;
    let (on, its) = match branch {
        Some(branch) => (
            format!(", on branch {}", Line(&branch)),
            format!("; its branch then goes with `{git} branch -d {}`", quoted(&branch)),
        ),
        None => (String::new(), String::new()),
    };
    Some(format!(
        "The work tree {} stays{on}. If you don't need it: `{git} worktree remove {}`{its}.",
        Line(&root),
        quoted(&root)
    ))
}

/// Says how what was removed comes back from the trash.
pub(crate) fn comes_back(back: &WayBack) -> String {
    match &back.elsewhere {
        None => format!("{} brings back what was removed", back.way.command()),
        Some(root) => format!(
            "it was removed in another work tree: {} brings it back",
            back.way.command().replacen(
                "`snap ",
                &format!("`snap -C {} ", for_shell(&root.to_string_lossy())),
                1
            )
        ),
    }
}

/// Says of an error about something in the trash what brings that back.
pub(crate) fn with_way_back(error: Error, workspace: &Workspace) -> Error {
    let back = error.trashed().and_then(|batch| restore::way_back(workspace, batch).ok().flatten());
    match back {
        Some(back) => error.hint(comes_back(&back)),
        None => error,
    }
}

/// Says of somebody else's snapshot that this user's own had its name until a short time ago: whoever types the name may mean that.
pub(crate) fn own_namesake(context: &Context, workspace: &Workspace, manifest: &Manifest) -> Option<String> {
    let store = &workspace.store;
    if workspace.provenance(manifest) == Provenance::Own || store.called(manifest) != manifest.name {
        return None;
    }
    let has_it = |names: Vec<String>| names.contains(&manifest.name);
    let is_it = |one: &Batch| !one.automatic && store.own_names_of(one).is_ok_and(has_it);
    let batch = store.trash().ok()?.into_iter().filter(is_it).max_by_key(|one| one.since)?;
    let back = restore::way_back(workspace, &batch.id).ok().flatten();
    let back = back.map_or(String::new(), |back| format!("; {}", comes_back(&back)));
    Some(format!(
        "{} is a snapshot of {}: yours of that name was removed {}{back}",
        Line(&manifest.name),
        Line(&manifest.created_by.user),
        ago(&age(context.now.since(batch.since)))
    ))
}
