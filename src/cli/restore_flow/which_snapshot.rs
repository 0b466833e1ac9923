//! Messages about which snapshot is meant, and where it is restored.

use std::path::Path;

use crate::base::screen::Line;
use crate::cli::output::Ui;
use crate::cli::output::words::quoted;
use crate::manifest::Manifest;
use crate::restore::{PassedOver, SnapshotFound};

/// Returns the snapshot that was found for a command; says if it is not the newest.
pub(crate) fn say_which(found: SnapshotFound, command: &str, ui: &mut Ui) -> Manifest {
    if let Some(PassedOver { name, of_another_tree }) = &found.passed_over {
        let why = match of_another_tree {
            Some(root) => format!("is of another work tree, {root}"),
            None => "holds no conversation that can be continued".to_owned(),
        };
        ui.warn(&format!(
            "the newest snapshot {why}; this is the one before it. To use the newest: snap {command} {}",
            quoted(name)
        ));
    }
    found.manifest
}

/// Says where the snapshot is put back, if that is not where the command was typed.
pub(crate) fn say_where(tree: &Path, made: bool, ui: &mut Ui) {
    let shown = Line(&tree.to_string_lossy()).to_string();
    ui.say(&if made {
        format!("Made the work tree {shown} again, which was gone.")
    } else {
        format!("The snapshot is of the work tree {shown}: it is restored there.")
    });
}
