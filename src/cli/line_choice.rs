//! Which snapshot is meant where a line of work can be named too: by the name of a snapshot, or by that of a line, which means the
//! newest snapshot of it.

use crate::base::error::{Error, Kind, Result};
use crate::base::screen::Line;
use crate::cli::output::Ui;
use crate::cli::output::words::quoted;
use crate::manifest::Manifest;
use crate::restore::{self, PassedOver, SavedTree, SnapshotFound};
use crate::store::{Entry, Reference, Store};
use crate::workspace::Workspace;

/// Finds a snapshot by any reference, or the newest one of the line of this name. A snapshot that is called just so comes first.
///
/// # Errors
/// As [`Store::find`].
pub(crate) fn find(store: &Store, typed: &str) -> Result<Entry> {
    let reference = Reference::parse(typed);
    // Most say a whole name: then no log has to be read.
    if let Ok(found) = store.find(&reference.clone().whole()) {
        return Ok(found);
    }
    let states = store.line_states();
    let Some(begin) = states.begin_of(typed) else { return store.find(&reference) };
    match store.summaries()?.newest_of_line(begin) {
        Some(newest) => store.find(&Reference::Named(newest.to_string())),
        None => store.find(&reference).map_err(|error| gone(error, typed)),
    }
}

/// The same in a work tree, for a command that looks at it: what `latest` means there.
///
/// # Errors
/// As [`Store::find`].
pub(crate) fn find_here(workspace: &Workspace, typed: &str, ui: &mut Ui) -> Result<Entry> {
    let entry = find(&workspace.store, typed)?;
    let Ok(manifest) = &entry.manifest else { return Ok(entry) };
    match meant_here(workspace, &Reference::parse(typed), manifest, false, ui)? {
        Some(other) => workspace.store.find(&Reference::Named(other.id.to_string())),
        None => Ok(entry),
    }
}

/// Returns references with which the store finds what these mean in this work tree: `latest` becomes an id. For commands that
/// remove, change or send what is found.
///
/// # Errors
/// As [`Store::find_exactly`], for `latest` alone.
pub(crate) fn as_meant_here(
    workspace: &Workspace,
    references: &[String],
    command: &str,
    ui: &mut Ui,
) -> Result<Vec<String>> {
    let meant = |reference: &String| {
        let latest = Reference::parse(reference);
        if !matches!(latest, Reference::Latest(_)) {
            return Ok(reference.clone());
        }
        workspace.store.find_exactly(&latest)?;
        let entry = find_here(workspace, reference, ui)?;
        if let Ok(manifest) = &entry.manifest
            && let tree = restore::tree_of(workspace, manifest)?
            && let Some(root) = tree.elsewhere()
        {
            let (name, root) = (quoted(&entry.called), root.to_string_lossy().into_owned());
            return Err(Error::new(Kind::NotFound, "There is no snapshot of this work tree")
                .because(format!("the newest, {name}, is of {}", Line(&root)))
                .hint(format!("to mean that one, name it: snap {command} {name}")));
        }
        Ok(entry.manifest.map_or_else(|_| reference.clone(), |manifest| manifest.id.to_string()))
    };
    references.iter().map(meant).collect()
}

/// Returns the snapshot that is meant in this work tree where the store alone takes `newest` for it; `None` if that is right. Says so if
/// another work tree is in play. `compares`: the snapshot is compared with this work tree.
///
/// # Errors
/// As [`Store::find`].
pub(crate) fn meant_here(
    workspace: &Workspace,
    reference: &Reference,
    newest: &Manifest,
    compares: bool,
    ui: &mut Ui,
) -> Result<Option<Manifest>> {
    let Reference::Latest(back) = reference else { return Ok(None) };
    let tree = restore::tree_of(workspace, newest)?;
    let is_other = tree.elsewhere().is_some();
    if *back == 0 && compares && tree.is_gone() {
        let found = say_which(restore::find_to_compare(workspace, "latest")?, ui);
        return Ok((found.id != newest.id).then_some(found));
    }
    if *back == 0 && !is_other {
        if let SavedTree::Gone(root) = &tree {
            let (name, root) = (quoted(&newest.name), Line(&root.to_string_lossy()).to_string());
            ui.warn(&format!("the newest snapshot, {name}, is of a work tree that is gone: {root}"));
        }
        return Ok(None);
    }
    let found = say_which(restore::find_to_look(workspace, &format!("latest~{back}"))?, ui);
    if found.id != newest.id {
        return Ok(Some(found));
    }
    if is_other {
        let (name, root) = (quoted(&found.name), &found.workspace.root);
        ui.warn(&format!("no snapshot is of this work tree: {name} is of {root}"));
    }
    Ok(None)
}

/// Returns the snapshot that was found for a command; says if it is not the newest.
pub(crate) fn say_which(found: SnapshotFound, ui: &mut Ui) -> Manifest {
    if let Some(PassedOver { name, of_another_tree }) = &found.passed_over {
        let (why, this) = match of_another_tree {
            Some(root) => (format!("is of another work tree, {root}"), "is of this one"),
            None => ("holds no conversation that can be continued".to_owned(), "does"),
        };
        ui.warn(&format!(
            "the newest snapshot {why}; this is the newest that {this}. To use the newest, name it: {}",
            quoted(name)
        ));
    }
    found.manifest
}

fn gone(error: Error, typed: &str) -> Error {
    match error.kind() {
        Kind::NotFound => error
            .because(format!("no snapshot of the line \"{}\" is here", Line(typed)))
            .hint("`snap list -a` shows what is in the trash, and `snap undo` brings it back"),
        _ => error,
    }
}
