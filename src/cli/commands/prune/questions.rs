//! What a person is asked before snapshots are removed. Nobody is kept from working while somebody thinks about it: what was
//! agreed to is compared with what there is then.

use super::report::{Judged, Trashed};
use crate::base::columns::{padded, wide};
use crate::base::error::{Error, Kind, Result};
use crate::base::ids::SnapshotId;
use crate::base::screen::Line;
use crate::cli::output::paged::folded;
use crate::cli::output::words::count;
use crate::cli::output::{Style, Ui, text};
use crate::transfer::ListedSnapshot;

/// A longer name gets no column.
const WIDEST: usize = 40;

/// Up to so many are removed without a question.
pub(super) const MOST_UNASKED: usize = 5;

/// Asks before more than `most` snapshots are removed. Returns those that were agreed to, if it was asked.
///
/// # Errors
/// [`Kind::Refused`] if the answer is no.
pub(super) fn ask(all: &[Judged], most: usize, ui: &mut Ui) -> Result<Option<Vec<SnapshotId>>> {
    let removed: Vec<&Judged> = all.iter().filter(|one| !one.keep).collect();
    if removed.len() <= most || ui.json() || !ui.is_terminal() {
        return Ok(None);
    }
    asked(&removed, "", ui)?;
    Ok(Some(removed.into_iter().map(|one| one.id.clone()).collect()))
}

/// Asks before snapshots are removed from a remote: nothing brings them back there.
///
/// # Errors
/// [`Kind::Refused`] if the answer is no.
pub(super) fn ask_for_remote(all: &[Judged], remote: &str, ui: &mut Ui) -> Result<()> {
    let removed: Vec<&Judged> = all.iter().filter(|one| !one.keep).collect();
    if removed.is_empty() { Ok(()) } else { asked(&removed, &format!(" from {remote} for good"), ui) }
}

/// Asks before what others saved is removed from a remote: they may count on it, and nothing brings it back there.
///
/// # Errors
/// [`Kind::Refused`] if the answer is no, or nobody can be asked.
pub(super) fn ask_for_others(of_others: &[ListedSnapshot], remote: &str, ui: &mut Ui) -> Result<()> {
    let refused = Error::new(Kind::Refused, "Nothing was removed");
    let named: Vec<String> =
        of_others.iter().map(|one| format!("\"{}\" was saved by {}", one.name, one.by)).collect();
    let named = format!("{}, and nothing brings it back on {remote}", named.join(", "));
    if ui.json() || !ui.is_terminal() {
        return Err(refused.because(named).hint("`--yes` removes what others saved, too"));
    }
    if ui.ask(&format!("{named}. Remove it for good?"))? {
        return Ok(());
    }
    Err(refused.because("the answer was no"))
}

fn asked(removed: &[&Judged], how: &str, ui: &mut Ui) -> Result<()> {
    let shown: Vec<String> = removed.iter().map(|one| Line(&one.name).to_string()).collect();
    // One long name does not move all reasons away.
    let column = shown.iter().map(|name| wide(name)).filter(|width| *width <= WIDEST).max().unwrap_or(0);
    for (one, name) in removed.iter().zip(&shown) {
        let name = padded(name, column);
        folded(ui, &text![Style::Bad.of("remove"), "  ", name, "  ", Style::Faint.of(&one.reason)], 8)?;
    }
    let question = match removed.len() {
        1 => format!("Remove it{how}?"),
        many => format!("Remove these {}{how}?", count(many, "snapshot")),
    };
    if ui.ask(&question)? {
        return Ok(());
    }
    Err(Error::new(Kind::Refused, "Nothing was removed").because("the answer was no"))
}

/// Makes sure that nothing is removed that was not agreed to: a snapshot may have come while the question was open.
///
/// # Errors
/// [`Kind::Conflict`] if there is something else to remove.
pub(super) fn still_agreed(agreed: Option<&Vec<SnapshotId>>, all: &[Judged]) -> Result<()> {
    let is_new = |one: &Judged| !one.keep && agreed.is_some_and(|agreed| !agreed.contains(&one.id));
    if all.iter().any(is_new) {
        return Err(changed_since_asked());
    }
    Ok(())
}

/// Asks before the trash is emptied: nothing brings back what is deleted there. Returns those that were agreed to, if it
/// was asked.
///
/// # Errors
/// [`Kind::Refused`] if the answer is no.
pub(super) fn ask_for_trash(trash: &[Trashed], ui: &mut Ui) -> Result<Option<Vec<SnapshotId>>> {
    if trash.is_empty() || ui.json() || !ui.is_terminal() {
        return Ok(None);
    }
    for one in trash {
        ui.line(text![
            Style::Bad.of("delete"),
            "  ",
            Line(&one.name),
            "  ",
            Style::Faint.of("in the trash")
        ])?;
    }
    let question = match trash.len() {
        1 => "Delete it for good?".to_owned(),
        many => format!("Delete these {} for good?", count(many, "snapshot")),
    };
    if ui.ask(&question)? {
        return Ok(Some(trash.iter().filter_map(|one| one.id.clone()).collect()));
    }
    Err(Error::new(Kind::Refused, "Nothing was removed").because("the answer was no"))
}

/// Makes sure that nothing is deleted from the trash that was not agreed to.
///
/// # Errors
/// [`Kind::Conflict`] if there is something else in it.
pub(super) fn still_agreed_on_trash<'a>(
    agreed: Option<&Vec<SnapshotId>>,
    mut trash: impl Iterator<Item = &'a Trashed>,
) -> Result<()> {
    let is_new = |one: &Trashed| {
        let id = one.id.as_ref();
        agreed.is_some_and(|agreed| id.is_some_and(|id| !agreed.contains(id)))
    };
    if trash.any(is_new) {
        return Err(changed_since_asked());
    }
    Ok(())
}

fn changed_since_asked() -> Error {
    Error::new(Kind::Conflict, "Nothing was removed")
        .because("the snapshots have changed since you were asked")
        .hint("run the command again")
}
