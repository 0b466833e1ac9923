//! What commands do besides their own work: finishing interrupted restores, and keeping links up to date.

use super::output::Ui;
use crate::base::error::{Error, Result};
use crate::base::screen::Line;
use crate::context::Context;
use crate::restore::{self, RecoveryOutcome};
use crate::store::Store;
use crate::workspace::Workspace;

/// The most journals that are named one by one.
const MOST_NAMED: usize = 5;

/// Finishes or rolls back restores whose process died, and says so.
pub(crate) fn settle(context: &Context, workspace: &Workspace, ui: &mut Ui) -> Result<()> {
    let restore::RecoveryReport { recovered, ignored } = restore::recover(context, workspace)?;
    warn_of_ignored(&ignored, ui);
    for recovered in recovered {
        let root = Line(&recovered.root.to_string_lossy()).to_string();
        let name = Line(&recovered.name).to_string();
        let safety = recovered.safety.as_deref().map(|name| format!(" (also kept as {})", Line(name)));
        ui.warn(&match recovered.outcome {
            RecoveryOutcome::TakenBack => {
                let safety = safety.unwrap_or_default();
                format!("the restore of {name} in {root} was interrupted; everything is as before it{safety}")
            }
            RecoveryOutcome::Finished => {
                format!("the restore of {name} in {root} was interrupted at its end; it is finished now")
            }
            RecoveryOutcome::Gone => {
                format!("the restore of {name} in {root} was interrupted, and that work tree is gone")
            }
        });
        for path in &recovered.kept {
            ui.warn(&format!("{path} was changed after that, and stays as it is"));
        }
        if let Some(leftover) = &recovered.leftover {
            let leftover = Line(&leftover.to_string_lossy()).to_string();
            ui.warn(&format!(
                "the files from before are in {leftover}; delete it when you no longer need them"
            ));
        }
    }
    Ok(())
}

/// Says which restores were interrupted, for a command that changes nothing.
pub(crate) fn warn_of_cut_off(workspace: &Workspace, ui: &mut Ui) {
    let Ok((roots, ignored)) = restore::cut_off(workspace) else { return };
    for root in roots {
        let root = Line(&root.to_string_lossy()).to_string();
        ui.warn(&format!(
            "a restore was interrupted in {root}; the next `snap save`, `resume`, `rewind`, \
                          `undo` or `redo` finishes it or rolls it back"
        ));
    }
    warn_of_ignored(&ignored, ui);
}

/// Names the journals of restores that nothing was done about.
fn warn_of_ignored(ignored: &[restore::UnusedJournal], ui: &mut Ui) {
    for one in ignored.iter().take(MOST_NAMED) {
        let path = Line(&one.path.to_string_lossy()).to_string();
        ui.warn(&format!(
            "{path} looks like the journal of a restore, and nothing was done about it: {}; {}",
            Line(&one.why),
            one.hint
        ));
    }
    if ignored.len() > MOST_NAMED {
        ui.warn(&format!("and {} more such journals", ignored.len() - MOST_NAMED));
    }
}

/// Brings the links up to date. Problems with them are reported and stop nothing.
pub(crate) fn follow_links(workspace: &Workspace, ui: &mut Ui) {
    if let Err(error) = restore::follow(workspace) {
        ui.warn(&format!("links are not up to date: {error}"));
    }
}

/// Names the snapshot that is newer than the one `latest` was taken for, and can't be read.
pub(crate) fn warn_of_passed_over(store: &Store, ui: &mut Ui) {
    warn_of_newer(store.take_passed_over(), ui);
}

/// The same, once it is known.
pub(crate) fn warn_of_newer(error: Option<Error>, ui: &mut Ui) {
    if let Some(error) = error {
        ui.warn(&format!("{error}; `latest` is the newest one that can be read"));
    }
}
