//! Snapshots of another work tree of this repository: where `rewind` restores them, and which one is meant
//! if none was named.
//!
//! Checkpoints before a step are made of the work trees that the step touches. The session may work in
//! another one, and the step may remove them.

use std::path::{Path, PathBuf};

use super::session::check_transcript;
use crate::base::error::{Error, Kind, Result};
use crate::base::screen::Line;
use crate::client::transcript::validate::Problem;
use crate::git::work_trees_of;
use crate::manifest::{Head, Manifest, Trigger};
use crate::store::{Reference, UnreadEntry};
use crate::workspace::Workspace;

/// A conversation of more bytes than this surely has a prompt that can be continued: it is not read for that.
const SHORT: u64 = 256 << 10;

/// Which work tree a snapshot is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SavedTree {
    /// This one, or none that is known here: then it is brought back here.
    This,
    /// Another one, which is there.
    Other(PathBuf),
    /// A linked one that is no longer there.
    Gone(PathBuf),
    /// A linked one that is no longer there and can't be made again.
    Blocked(PathBuf, InTheWay),
}

/// What keeps a work tree from being made again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InTheWay {
    /// Something else is in its place.
    Place,
    /// Its branch is checked out in the main work tree, which is this one.
    Branch(String),
}

impl SavedTree {
    /// Returns the root of a work tree of which nothing is put into this one unasked.
    pub fn elsewhere(&self) -> Option<&Path> {
        match self {
            SavedTree::Other(root) | SavedTree::Blocked(root, _) => Some(root),
            SavedTree::This | SavedTree::Gone(_) => None,
        }
    }

    /// Says whether it is a linked one that is no longer there.
    pub fn is_gone(&self) -> bool {
        matches!(self, SavedTree::Gone(_) | SavedTree::Blocked(..))
    }
}

/// The snapshot that is meant.
pub struct SnapshotFound {
    /// Its manifest.
    pub manifest: Manifest,
    /// The newest one, if that is not meant.
    pub passed_over: Option<PassedOver>,
}

impl SnapshotFound {
    fn of(manifest: Manifest) -> SnapshotFound {
        SnapshotFound { manifest, passed_over: None }
    }
}

/// A snapshot that is newer than the one that is meant.
pub struct PassedOver {
    /// Its name.
    pub name: String,
    /// The root of its work tree, if that is another one. Otherwise it holds no conversation that can
    /// be continued.
    pub of_another_tree: Option<String>,
}

/// Says which work tree a snapshot belongs to. For one that somebody else saved, it is always this one.
pub fn tree_of(workspace: &Workspace, manifest: &Manifest) -> Result<SavedTree> {
    let (Some(repository), true) = (&workspace.repository, workspace.trust.is_own(&manifest.proofs)) else {
        return Ok(SavedTree::This);
    };
    let saved = &manifest.workspace;
    let root = saved.root.as_path().to_owned();
    if root == workspace.root {
        return Ok(SavedTree::This);
    }
    if work_trees_of(&workspace.root).contains(&root) {
        return Ok(SavedTree::Other(root));
    }
    let home = repository.home()?;
    let of_this_repository = saved.main.as_ref().is_some_and(|main| main.as_path() == home);
    if !of_this_repository {
        return Ok(SavedTree::This);
    }
    let is_linked = repository.worktree_name().is_some();
    let here = repository.head()?.branch;
    match &saved.branch {
        // Its folder was moved.
        branch if is_linked && here == *branch => return Ok(SavedTree::This),
        Some(branch) if here.as_ref() == Some(branch) => {
            return Ok(SavedTree::Blocked(root, InTheWay::Branch(branch.clone())));
        }
        // Its folder was moved, or its branch is worked on elsewhere now.
        Some(branch) => {
            if let Some(other) = repository.other_worktree_of(branch)?.filter(|other| other.is_dir()) {
                return Ok(SavedTree::Other(other));
            }
        }
        None => {}
    }
    if root.symlink_metadata().is_ok() {
        return Ok(SavedTree::Blocked(root, InTheWay::Place));
    }
    Ok(SavedTree::Gone(root))
}

/// Finds the snapshot that `rewind` goes back to. If none is named, a snapshot of another existing work
/// tree is not meant, but one of a work tree that is gone is.
///
/// # Errors
/// [`Kind::NotFound`] if all snapshots are of other existing work trees.
pub fn find_to_rewind(workspace: &Workspace, reference: &str) -> Result<SnapshotFound> {
    let found = find(workspace, reference, is_here)?;
    let is_named = !matches!(Reference::parse(reference), Reference::Latest(_));
    match tree_of(workspace, &found.manifest)? {
        tree if !is_named && tree.elsewhere().is_some() => {
            let name = Line(&workspace.store.called(&found.manifest)).to_string();
            let root = &found.manifest.workspace.root;
            Err(Error::new(Kind::NotFound, "There is no snapshot of this work tree")
                .because(format!("the newest, \"{name}\", is of {root}"))
                .hint("`snap rewind NAME` goes back to one of another work tree, in that work tree"))
        }
        _ => Ok(found),
    }
}

/// Finds the newest checkpoint of a work tree that is gone, made in the session of this checkpoint.
pub fn lost_in_session(workspace: &Workspace, newest: &Manifest) -> Result<Option<Manifest>> {
    let session = |manifest: &Manifest| manifest.session.as_ref().map(|session| session.id.clone());
    let Some(wanted) = session(newest).filter(|_| newest.created_by.trigger == Trigger::Auto) else {
        return Ok(None);
    };
    let of_session =
        |head: &Head| head.created_by.trigger == Trigger::Auto && head.session() == Some(&wanted);
    for one in workspace.store.known()?.iter().filter(|one| one.head.as_ref().is_ok_and(of_session)) {
        let Some(manifest) = workspace.store.whole(one) else { continue };
        if matches!(tree_of(workspace, &manifest)?, SavedTree::Gone(_)) {
            return Ok(Some(manifest));
        }
    }
    Ok(None)
}

/// Returns the name of the newest checkpoint before a step of the same session in the same work tree, if this one was made by a
/// hook behind it and holds something else: it has what the step did, too.
pub fn checkpoint_before_last_step(workspace: &Workspace, newest: &Manifest) -> Result<Option<String>> {
    let newest = Head::of(newest);
    if newest.created_by.trigger != Trigger::Auto || newest.session().is_none() {
        return Ok(None);
    }
    let is_such = |head: &&Head| {
        head.created_by.trigger == Trigger::Auto
            && head.session() == newest.session()
            && head.root() == newest.root()
            && head.created_at <= newest.created_at
            && head.state != newest.state
            && head.name.starts_with("before ")
    };
    let known = workspace.store.known()?;
    let mut heads = known.iter().filter_map(|one| one.head.as_ref().ok());
    Ok(heads.find(is_such).map(|head| head.name.clone()))
}

/// Finds the snapshot that `resume` continues from. If none is named, two kinds are not meant: a
/// snapshot of another work tree that is there (or a checkpoint of one that is gone: a step in this one made it), and one without a
/// conversation that can be continued.
pub fn find_to_resume(workspace: &Workspace, reference: &str) -> Result<SnapshotFound> {
    find(workspace, reference, |manifest, tree| {
        // One of another work tree, be it there or gone, that has no session has nothing for this one.
        let has_nothing = manifest.session.is_none() && *tree != SavedTree::This;
        let is_other = tree.elsewhere().is_some();
        manifest.created_by.trigger != Trigger::Auto && !has_nothing && !is_other
            || (*tree == SavedTree::This && can_go_on(workspace, manifest))
    })
}

/// Says whether the client could continue a checkpoint's conversation. One that was to follow the edits may never have come. A
/// conversation in which nobody spoke is short.
fn can_go_on(workspace: &Workspace, manifest: &Manifest) -> bool {
    let transcript = manifest.session.as_ref().and_then(|session| session.transcript.as_ref());
    let Some(transcript) = transcript else { return false };
    if transcript.bytes >= SHORT {
        return true;
    }
    let findings = check_transcript(&workspace.store, transcript, None, |_| ());
    !findings.is_ok_and(|(all, _)| all.iter().any(|one| one.problem == Problem::NoMessage))
}

/// Finds the snapshot that a command looks at. `latest` means the newest that is not of another existing work tree, as for `rewind`,
/// and `latest~N` the one so many before it.
pub fn find_to_look(workspace: &Workspace, reference: &str) -> Result<SnapshotFound> {
    find(workspace, reference, is_here)
}

/// The same for what is compared with this work tree: one of a work tree that is gone has nothing to do with it.
pub fn find_to_compare(workspace: &Workspace, reference: &str) -> Result<SnapshotFound> {
    find(workspace, reference, |_, tree| *tree == SavedTree::This)
}

fn is_here(_: &Manifest, tree: &SavedTree) -> bool {
    tree.elsewhere().is_none()
}

fn find(
    workspace: &Workspace,
    reference: &str,
    is_meant: impl Fn(&Manifest, &SavedTree) -> bool,
) -> Result<SnapshotFound> {
    let reference = Reference::parse(reference);
    let newest = workspace.store.find(&reference)?.manifest?;
    match reference {
        Reference::Latest(0) if is_meant(&newest, &tree_of(workspace, &newest)?) => {}
        Reference::Latest(back) => {
            return Ok(find_older(workspace, back, is_meant)?.unwrap_or_else(|| SnapshotFound::of(newest)));
        }
        _ => {}
    }
    Ok(SnapshotFound::of(newest))
}

/// Finds the newest that is meant, or the one so many before it in this work tree; `None` if there is none here.
fn find_older(
    workspace: &Workspace,
    back: usize,
    is_meant: impl Fn(&Manifest, &SavedTree) -> bool,
) -> Result<Option<SnapshotFound>> {
    let is_no_safety_snapshot = |one: &&UnreadEntry| one.head.as_ref().is_ok_and(|head| !head.safety);
    let mut over = None;
    let mut seen = 0;
    for one in workspace.store.known()?.iter().filter(is_no_safety_snapshot) {
        let Some(manifest) = workspace.store.whole(one) else { continue };
        let tree = tree_of(workspace, &manifest)?;
        // Somebody else's is of no work tree of one's own: it is not taken in place of a newer one of another work tree.
        let is_passed = over.as_ref().is_some_and(|over: &PassedOver| over.of_another_tree.is_some())
            && !workspace.trust.is_own(&manifest.proofs);
        let counts =
            !is_passed && if back == 0 { is_meant(&manifest, &tree) } else { is_here(&manifest, &tree) };
        if counts && seen == back {
            return Ok(Some(SnapshotFound { manifest, passed_over: over.filter(|_| back == 0) }));
        }
        if counts {
            seen += 1;
        } else if over.is_none() {
            let of_another_tree = (tree != SavedTree::This).then(|| manifest.workspace.root.to_string());
            over = Some(PassedOver { name: workspace.store.called(&manifest), of_another_tree });
        }
    }
    if seen == 0 {
        return Ok(None);
    }
    let error = Error::new(Kind::NotFound, format!("There is no `latest~{back}`"));
    Err(error.because(format!("`latest` counts {seen} of this work tree")).hint("`snap list` shows them"))
}
