//! What two lines of work have in common since one of them merged the other: the newest snapshots that both have.
//!
//! As git finds its merge bases: a merge makes a snapshot part of the line that it was merged into. What is merged into the line here is
//! told by this user's own log, what the other one merged by its snapshots. A parent counts only if the conversations agree with it.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::rc::Rc;

use super::fork::goes_on_from;
use crate::base::error::Result;
use crate::base::ids::SnapshotId;
use crate::base::paths::{NativePath, RepoPath};
use crate::base::timestamp::Timestamp;
use crate::manifest::{IndexState, Manifest, Merged};
use crate::restore::MergeBase;
use crate::store::{Reference, Store};

/// The most snapshots of one line that are looked at.
const MOST: usize = 100;

/// The most that are merged to one base.
const MOST_BASES: usize = 4;

/// What two lines have in common.
#[derive(Debug, Default)]
pub struct MergeBases {
    /// The newest snapshots that both have, none of which is part of another, newest first.
    pub bases: Vec<MergeBase>,
    /// Whether all of the other line was merged into the one here.
    pub is_merged: bool,
    /// Whether the snapshot of the other line that was merged here last is gone.
    pub is_gone: bool,
}

/// Finds what the line here, into which `merged` was merged, and another one have in common. `has` says whether what is here has the
/// last record of a snapshot's conversation, `was_here` whether a snapshot is of this very work tree and session, though nothing here
/// was saved after it: one that was only shared, from which somebody else went on.
///
/// # Errors
/// [`crate::base::error::Kind::Damaged`] if a piece of a conversation is, and what `has` says.
pub fn merge_bases(
    store: &Store,
    (here, merged): (&Manifest, &[Merged]),
    there: &Manifest,
    has: &dyn Fn(&Manifest) -> Result<bool>,
    was_here: &dyn Fn(&Manifest) -> bool,
) -> Result<MergeBases> {
    let nodes = Nodes { store, read: RefCell::default() };
    let mut ours = Walk::of(&nodes, Node::of(here, merged.to_vec()));
    let theirs = Walk::of(&nodes, Node::of(there, there.merged.clone()));
    for (id, how) in theirs.0.iter().filter(|(id, _)| **id != there.id) {
        if !ours.0.contains_key(id) && find(store, id).is_some_and(|one| was_here(&one)) {
            let how = How { tip: here.id.clone(), is_whole: true, left: BTreeSet::new(), at: how.at };
            ours.0.insert(id.clone(), how);
        }
    }
    let is_part = |how: &How, one: &Manifest, of: &Manifest, is_here: bool| {
        if how.tip == one.id {
            return Ok(true);
        }
        if how.tip != of.id {
            return find(store, &how.tip).map_or(Ok(false), |tip| goes_on_from(store, &tip, one));
        }
        if is_here { has(one) } else { goes_on_from(store, of, one) }
    };
    let mut common: Vec<(Timestamp, &SnapshotId)> =
        theirs.0.iter().filter(|(id, _)| ours.0.contains_key(*id)).map(|(id, how)| (how.at, id)).collect();
    common.sort_unstable_by(|one, other| other.cmp(one));
    let mut found = MergeBases::default();
    let mut covered: HashSet<SnapshotId> = HashSet::new();
    for (_, id) in common {
        let (our, their) = (&ours.0[id], &theirs.0[id]);
        if covered.contains(id) || found.bases.len() == MOST_BASES {
            continue;
        }
        let Some(snapshot) = find(store, id) else { continue };
        if !(is_part(our, &snapshot, here, true)? && is_part(their, &snapshot, there, false)?) {
            continue;
        }
        let behind = Walk::of(&nodes, Node::of(&snapshot, snapshot.merged.clone())).0;
        covered.extend(behind.into_keys().filter(|one| one != id));
        found.bases.retain(|base| !covered.contains(&base.snapshot.id));
        let mut left: BTreeSet<RepoPath> = our.left.union(&their.left).cloned().collect();
        if their.tip != there.id {
            left.extend(unfinished(there));
        }
        found.is_merged |= *id == there.id && our.tip != here.id && left.is_empty();
        found.bases.push(MergeBase { snapshot, left, whole: their.is_whole });
    }
    found.is_gone = merged.iter().any(|one| theirs.1.contains(&one.snapshot));
    Ok(found)
}

/// Returns the paths whose conflicts were not resolved yet.
fn unfinished(one: &Manifest) -> impl Iterator<Item = RepoPath> + '_ {
    let edits = one.edited_files().iter().filter(|edit| edit.index == IndexState::Unmerged);
    edits.map(|edit| edit.path.clone())
}

/// One that can't be read is no base.
fn find(store: &Store, id: &SnapshotId) -> Option<Manifest> {
    store.find(&Reference::Named(id.to_string())).ok()?.manifest.ok()
}

/// What is needed of a snapshot on the way.
struct Node {
    id: SnapshotId,
    at: Timestamp,
    parent: Option<SnapshotId>,
    merged: Vec<Merged>,
    taken: Option<Merged>,
    place: (NativePath, String, String),
    branch: Option<String>,
}

impl Node {
    fn of(one: &Manifest, merged: Vec<Merged>) -> Node {
        let by = &one.created_by;
        Node {
            id: one.id.clone(),
            at: one.created_at,
            parent: one.parent.clone(),
            merged,
            taken: one.taken.clone(),
            branch: one.workspace.branch.clone(),
            place: (one.workspace.root.clone(), by.user.clone(), by.host.clone()),
        }
    }
}

/// Those that were read.
struct Nodes<'s> {
    store: &'s Store,
    read: RefCell<HashMap<SnapshotId, Option<Rc<Node>>>>,
}

impl Nodes<'_> {
    fn find(&self, id: &SnapshotId) -> Option<Rc<Node>> {
        let known = self.read.borrow().get(id).cloned();
        known.unwrap_or_else(|| {
            let found = find(self.store, id).map(|one| Rc::new(Node::of(&one, one.merged.clone())));
            self.read.borrow_mut().insert(id.clone(), found.clone());
            found
        })
    }
}

/// How a line comes to have a snapshot.
#[derive(Clone)]
struct How {
    at: Timestamp,
    /// The snapshot of the line itself, or one that was merged, from which parents lead to it.
    tip: SnapshotId,
    /// Whether everything on the way was saved where it was made, or it is told what was not taken of it: all else was there once.
    is_whole: bool,
    /// What was not taken on the way.
    left: BTreeSet<RepoPath>,
}

/// All snapshots that are part of a line, and the parents that are not here.
struct Walk(HashMap<SnapshotId, How>, HashSet<SnapshotId>);

impl Walk {
    fn of(nodes: &Nodes<'_>, start: Node) -> Walk {
        let mut walk = Walk(HashMap::new(), HashSet::new());
        let mut tips = VecDeque::from([(Rc::new(start), true, BTreeSet::new())]);
        while let Some((mut node, mut is_whole, mut left)) = tips.pop_front() {
            let tip = node.id.clone();
            // What a snapshot tells of merges is all of its place: those before it there add nothing to that, and may tell of what
            // was undone since.
            let mut tells = true;
            while walk.0.len() < MOST && !walk.0.contains_key(&node.id) {
                let how = How { at: node.at, tip: tip.clone(), is_whole, left: left.clone() };
                walk.0.insert(node.id.clone(), how);
                // What was brought back is what came after it was made from, though the snapshots between them may not be here.
                let told = node.merged.iter().rev().take(MOST).chain(&node.taken).filter(|_| tells);
                for merged in told {
                    if let Some(found) = nodes.find(&merged.snapshot) {
                        tips.push_back((found, is_whole, left.iter().chain(&merged.left).cloned().collect()));
                    }
                }
                let Some(parent) = &node.parent else { break };
                let Some(before) = nodes.find(parent) else {
                    walk.1.insert(parent.clone());
                    break;
                };
                tells = node.place != before.place;
                match node.taken.as_ref().filter(|taken| taken.snapshot == before.id) {
                    Some(taken) => left.extend(taken.left.iter().cloned()),
                    // On another branch of git, edits that are missing may wait on the first one.
                    None => is_whole &= !tells && node.branch == before.branch,
                }
                node = before;
            }
        }
        walk
    }
}
