//! Snapshots of another work tree of this repository: where `rewind` puts them back, and which one
//! is meant if none was named.
//!
//! Checkpoints before a step are made of the work trees that the step hits, which need not be
//! the one that the session works in, and may be gone after it.

use std::path::{Path, PathBuf};

use super::restoring::quoted;
use super::ui::Ui;
use crate::base::error::Result;
use crate::base::screen::Line;
use crate::client::transcript::validate::Problem;
use crate::git::work_trees_of;
use crate::manifest::{Manifest, Trigger};
use crate::restore;
use crate::store::{Entry, Reference};
use crate::workspace::Workspace;

/// A conversation of more bytes than this is one.
const SHORT: u64 = 256 << 10;

/// Which work tree a snapshot is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tree {
    /// This one, or none that is known here: then it is brought back here.
    This,
    /// Another one, which is there.
    Other(PathBuf),
    /// A linked one that is no longer there.
    Gone(PathBuf),
}

/// Says which work tree a snapshot is of. One that somebody else saved never leads out of this one.
pub(super) fn tree_of(workspace: &Workspace, manifest: &Manifest) -> Result<Tree> {
    let (Some(repository), true) = (&workspace.repository, workspace.trust.is_own(&manifest.proofs)) else {
        return Ok(Tree::This);
    };
    let saved = &manifest.workspace;
    let root = saved.root.as_path().to_owned();
    if root == workspace.root {
        return Ok(Tree::This);
    }
    if work_trees_of(&workspace.root).contains(&root) {
        return Ok(Tree::Other(root));
    }
    let home = repository.home()?;
    let of_this_repository = saved.main.as_ref().is_some_and(|main| main.as_path() == home);
    if !of_this_repository || root.symlink_metadata().is_ok() {
        return Ok(Tree::This);
    }
    match &saved.branch {
        // Its folder was moved, or its branch is worked on elsewhere now.
        Some(branch) if repository.head()?.branch.as_ref() == Some(branch) => Ok(Tree::This),
        Some(branch) => Ok(match repository.other_worktree_of(branch)?.filter(|other| other.is_dir()) {
            Some(other) => Tree::Other(other),
            None => Tree::Gone(root),
        }),
        None if repository.worktree_name().is_none() => Ok(Tree::Gone(root)),
        None => Ok(Tree::This),
    }
}

/// Finds the snapshot that `rewind` is to go back to. If none is named, one of another work tree that is
/// still there is not meant; one of a work tree that is gone is.
pub(super) fn find_to_rewind(workspace: &Workspace, reference: &str, ui: &mut Ui) -> Result<Manifest> {
    find(workspace, reference, ui, "rewind", |_, tree| !matches!(tree, Tree::Other(_)))
}

/// Finds the newest checkpoint of a work tree that is gone, made in the session of this checkpoint.
pub(super) fn lost_in_session(workspace: &Workspace, newest: &Manifest) -> Result<Option<Manifest>> {
    let session = |manifest: &Manifest| manifest.session.as_ref().map(|session| session.id.clone());
    let Some(wanted) = session(newest).filter(|_| newest.created_by.trigger == Trigger::Auto) else {
        return Ok(None);
    };
    for manifest in workspace.store.entries()?.into_iter().filter_map(Entry::into_readable) {
        let of_session =
            manifest.created_by.trigger == Trigger::Auto && session(&manifest).as_ref() == Some(&wanted);
        if of_session && matches!(tree_of(workspace, &manifest)?, Tree::Gone(_)) {
            return Ok(Some(manifest));
        }
    }
    Ok(None)
}

/// Finds the snapshot that `resume` is to go on from. If none is named, a checkpoint of another work tree
/// is not meant (a step made it that ran in this one), nor one without a conversation that can go on.
pub(super) fn find_to_resume(workspace: &Workspace, reference: &str, ui: &mut Ui) -> Result<Manifest> {
    find(workspace, reference, ui, "resume", |manifest, tree| {
        manifest.created_by.trigger != Trigger::Auto
            || (*tree == Tree::This && can_go_on(workspace, manifest))
    })
}

/// Says whether the client could go on with a checkpoint's conversation: one that nobody spoke in is short.
fn can_go_on(workspace: &Workspace, manifest: &Manifest) -> bool {
    let Some(session) = &manifest.session else { return false };
    let Some(transcript) = session.transcript.as_ref().filter(|one| one.bytes < SHORT) else { return true };
    let findings = restore::check_transcript(&workspace.store, transcript);
    !findings.is_ok_and(|all| all.iter().any(|one| one.problem == Problem::NoMessage))
}

fn find(
    workspace: &Workspace,
    reference: &str,
    ui: &mut Ui,
    verb: &str,
    is_meant: impl Fn(&Manifest, &Tree) -> bool,
) -> Result<Manifest> {
    let newest = workspace.store.find(&Reference::parse(reference))?.manifest?;
    if Reference::parse(reference) != Reference::Latest(0) || is_meant(&newest, &tree_of(workspace, &newest)?)
    {
        return Ok(newest);
    }
    let entries = workspace.store.entries()?;
    for manifest in entries.iter().filter_map(Entry::readable) {
        if manifest.safety.is_none() && is_meant(manifest, &tree_of(workspace, manifest)?) {
            let why = match tree_of(workspace, &newest)? {
                Tree::This => "holds no conversation that can go on".to_owned(),
                _ => format!("is of another work tree, {}", newest.workspace.root),
            };
            ui.warn(&format!(
                "the newest snapshot {why}; this is the one before it. That one: snap {verb} {}",
                quoted(&newest.name)
            ));
            return Ok(manifest.clone());
        }
    }
    Ok(newest)
}

/// Says where the snapshot is put back, if that is not where the command was typed.
pub(super) fn tell(tree: &Path, made: bool, ui: &mut Ui) {
    let shown = Line(&tree.to_string_lossy()).to_string();
    match made {
        true => ui.say(&format!("Made the work tree {shown} again, which was gone.")),
        false => ui.say(&format!("The snapshot is of the work tree {shown}: it is put back there.")),
    }
}
