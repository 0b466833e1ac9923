//! Says where a snapshot is restored.

use std::path::Path;

use crate::base::screen::Line;
use crate::cli::output::Ui;

/// Says where the snapshot is put back, if that is not where the command was typed.
pub(crate) fn say_where(tree: &Path, made: bool, ui: &mut Ui) {
    let shown = Line(&tree.to_string_lossy()).to_string();
    ui.say(&if made {
        format!("The work tree {shown} was gone; it has been made again.")
    } else {
        format!("The snapshot is of the work tree {shown}: it is restored there.")
    });
}
