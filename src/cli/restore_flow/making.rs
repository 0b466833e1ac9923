//! Making a work tree to restore in: Ctrl-C takes it away again until the restore begins.

use std::path::Path;

use crate::base::error::{Error, Kind, Result};
use crate::base::screen::Line;
use crate::cli::interrupted::{self, NOTHING};
use crate::cli::output::words::quoted;
use crate::git::{Location, MadeWorktree, NewWorktree, Repository};
use crate::sys::signals::Interrupt;

/// Makes a work tree at this place. What git is doing when Ctrl-C comes is waited for, and then taken back.
///
/// # Errors
/// Those of `make`; [`Kind::Interrupted`].
pub(crate) fn making<'r>(
    repository: &Repository,
    place: &Path,
    make: impl FnOnce() -> Result<NewWorktree<'r>>,
) -> Result<NewWorktree<'r>> {
    let watch = Interrupt::watch()?;
    interrupted::says(format!(
        "git may go on making the work tree {}; `git worktree list` shows it, and `git worktree remove` takes it away",
        Line(&place.to_string_lossy())
    ));
    let home = repository.root().to_owned();
    let made = make();
    if watch.check().is_err() {
        let words = match made {
            Ok(made) => {
                let what = made.made().clone();
                said(made.take_away(), &what)
            }
            Err(_) => NOTHING.to_owned(),
        };
        // Whoever watches for Ctrl-C may come to tell it as soon as this watch ends.
        interrupted::says(words.clone());
        return Err(Error::new(Kind::Interrupted, "Interrupted").because(words));
    }
    interrupted::says(NOTHING);
    let made = made?;
    let what = made.made().clone();
    interrupted::asks(move || Some(taken_away(&home, &what)));
    Ok(made)
}

/// Says what is left of it if the restore in it is cut off.
pub(crate) fn left(made: &MadeWorktree) -> String {
    let shown = made.root.to_string_lossy();
    let branch = made.new_branch.as_deref();
    let (what, them, removed) = match branch {
        Some(name) => {
            let removed = format!(", then `git branch -D {}`", quoted(name));
            (format!(" and its branch {}", Line(name)), "them", removed)
        }
        None => (String::new(), "it", String::new()),
    };
    format!(
        "the work tree {}{what} may be left: `git worktree remove --force {}`{removed} takes {them} away",
        Line(&shown),
        quoted(&shown)
    )
}

/// Takes a work tree away; says what is left.
fn taken_away(home: &Path, made: &MadeWorktree) -> String {
    let location = Repository::discover(home);
    said(matches!(location, Ok(Location::WorkTree(git)) if git.take_away(made)), made)
}

fn said(gone: bool, made: &MadeWorktree) -> String {
    if gone { NOTHING.to_owned() } else { left(made) }
}
