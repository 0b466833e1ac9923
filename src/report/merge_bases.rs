//! What two lines of work have in common since one of them merged the other: the newest snapshots that both have.
//!
//! As git finds its merge bases: a merge makes a snapshot part of the line that it was merged into. What is merged into the line here is
//! told by this user's own log, what the other one merged by its snapshots. A parent counts only if the conversations agree with it.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::rc::Rc;

use super::fork::{fork, goes_on_from};
use crate::base::error::Result;
use crate::base::ids::{ClientId, SnapshotId};
use crate::base::paths::{NativePath, RepoPath};
use crate::base::timestamp::Timestamp;
use crate::manifest::{Head, IndexState, LastRestore, Manifest, Merged};
use crate::restore::MergeBase;
use crate::store::{Reference, Store};

/// The most snapshots of one line that are looked at.
const MOST: usize = 100;

/// The most that are merged to one base.
const MOST_BASES: usize = 4;

/// How often bases are looked for behind bases, for lines that merged each other again and again at the same time.
const MOST_BEHIND: usize = 16;

/// What two lines have in common.
#[derive(Debug, Default)]
pub struct MergeBases {
    /// The newest snapshot from which both went on.
    pub fork: Option<Manifest>,
    /// The snapshot from which they went apart first; if none is known, the newest that both have all of which is left of the bases.
    pub first: Option<MergeBase>,
    /// The newest snapshots that both have, none of which is part of another, newest first.
    pub bases: Vec<MergeBase>,
    /// Of several: what they have in common in turn, and so on.
    pub behind: Vec<Vec<MergeBase>>,
    /// Whether all of the other line was merged into the one here.
    pub is_merged: bool,
    /// Whether the snapshot of the other line that was merged here last is gone.
    pub is_gone: bool,
    /// The snapshot that is not here and without which nobody can say whether the other line goes on from a newer base.
    pub unknown_since: Option<SnapshotId>,
    /// If they have nothing in common here: the snapshot that is not here and that the other line goes on from.
    pub missing: Option<SnapshotId>,
}

/// Finds what the line here, into which `merged` was merged, and another one have in common since they went apart. `has` says
/// whether what is here has the last record of a snapshot's conversation, `is_own` whether this user saved a snapshot: only such a one
/// is a state of what is here. `is_ancestor` says of two commits whether the second goes on from the first.
///
/// # Errors
/// [`crate::base::error::Kind::Damaged`] if a piece of a conversation is, and what `has` says.
pub fn merge_bases(
    store: &Store,
    (here, merged): (&Manifest, &[Merged]),
    there: &Manifest,
    has: &dyn Fn(&Manifest) -> Result<bool>,
    is_own: &dyn Fn(&Manifest) -> bool,
    is_ancestor: &dyn Fn(&str, &str) -> bool,
) -> Result<MergeBases> {
    // What is here may not be saved.
    let known = Rc::new(Node::of(here, merged.to_vec()));
    let nodes =
        Nodes { store, is_ancestor, read: RefCell::new(HashMap::from([(here.id.clone(), Some(known))])) };
    let mut ours = Walk::of(&nodes, Node::of(here, merged.to_vec()));
    let mut theirs = Walk::of(&nodes, Node::of(there, there.merged.clone()));
    // One that was only shared is in nobody's line where it was made: whoever went on from it has it.
    let (ours_before, theirs_before) = (ours.clone(), theirs.clone());
    theirs.add_earlier_states(&nodes, &ours_before, &|_, _| true);
    ours.add_earlier_states(&nodes, &theirs_before, &|one, of| *of != here.id || is_own(one));
    // A session may go on where its files don't: they were set to something else in between.
    let both_have = |one: &Manifest| [&ours, &theirs].iter().all(|walk| walk.0.contains_key(&one.id));
    let fork = fork(store, here, there, &|one| Ok(both_have(one) && (one.id == here.id || has(one)?)))?;
    let is_gone = merged.iter().any(|one| theirs.1.contains_key(&one.snapshot));
    let ours = LineMembers { of: here, walk: ours, has: Some(has) };
    let theirs = LineMembers { of: there, walk: theirs, has: None };
    let mut found = MergeBases { is_gone, ..MergeBases::default() };
    for (snapshot, [our, their]) in common(&nodes, [&ours, &theirs])? {
        let mut left: BTreeSet<RepoPath> = our.left.union(&their.left).cloned().collect();
        if their.tip != there.id {
            left.extend(unfinished(there));
        }
        found.is_merged |= snapshot.id == there.id && our.tip != here.id && left.is_empty();
        found.bases.push(MergeBase { snapshot, left, whole: their.is_whole, whole_here: our.is_whole });
    }
    if found.bases.is_empty() {
        found.missing = missing_before(&nodes, there);
    }
    found.unknown_since = unknown_since(&nodes, merged, &theirs.walk, &found.bases);
    let first = match &fork {
        Some(fork) => Some(fork.clone()),
        None => before(&nodes, [&ours, &theirs], &found.bases)?,
    };
    found.first = first.map(|fork| {
        let how = [&ours, &theirs].map(|line| line.walk.0.get(&fork.id));
        let left = how.iter().flatten().flat_map(|how| &how.left).cloned().collect();
        let [whole_here, whole] = how.map(|how| how.is_some_and(|how| how.is_whole));
        MergeBase { snapshot: fork, left, whole, whole_here }
    });
    let mut bases: Vec<&MergeBase> = found.bases.iter().collect();
    while let ([newest, .., oldest], true) = (bases.as_slice(), found.behind.len() < MOST_BEHIND) {
        let behind = behind(&nodes, [&newest.snapshot, &oldest.snapshot])?;
        if behind.is_empty() {
            break;
        }
        found.behind.push(behind);
        bases = found.behind.last().into_iter().flatten().collect();
    }
    found.fork = fork;
    Ok(found)
}

/// Returns the snapshot that is not here and behind which another one of the same place may come: one that was merged here, and that
/// would be a newer base, or one of the bases, which would be part of another.
fn unknown_since(
    nodes: &Nodes<'_>,
    merged: &[Merged],
    theirs: &Walk,
    bases: &[MergeBase],
) -> Option<SnapshotId> {
    let of_base: Vec<Rc<Node>> = bases.iter().filter_map(|base| nodes.find(&base.snapshot.id)).collect();
    let merged = merged.iter().filter(|one| !theirs.0.contains_key(&one.snapshot));
    let mut newer: Vec<Rc<Node>> = merged.filter_map(|one| nodes.find(&one.snapshot)).collect();
    newer.retain(|one| !of_base.iter().any(|base| base.place == one.place && base.at >= one.at));
    let hides = |holes: &Holes, before: &[Rc<Node>]| {
        let mut holes: Vec<_> = holes.iter().collect();
        holes.sort_unstable_by_key(|(id, later)| (later.at, *id));
        let hidden = holes.iter().find(|(_, later)| before.iter().any(|one| nodes.may_lead_to(one, later)));
        hidden.map(|(id, _)| (*id).clone())
    };
    hides(&theirs.1, &newer).or_else(|| {
        of_base.iter().find_map(|base| {
            let others: Vec<Rc<Node>> = of_base.iter().filter(|one| one.id != base.id).cloned().collect();
            hides(&Walk::from(nodes, base).1, &others)
        })
    })
}

/// Returns the first snapshot on the way back that is not here.
fn missing_before(nodes: &Nodes<'_>, from: &Manifest) -> Option<SnapshotId> {
    let mut parent = from.parent.clone()?;
    for _ in 0..MOST {
        match nodes.find(&parent) {
            Some(before) => parent = before.parent.clone()?,
            None => return Some(parent),
        }
    }
    None
}

/// Returns the newest snapshot that both lines have with what one of them left of the bases, or with what these leave out themselves;
/// `None` if that is nothing.
fn before(nodes: &Nodes<'_>, lines: [&LineMembers<'_>; 2], bases: &[MergeBase]) -> Result<Option<Manifest>> {
    let left: BTreeSet<&RepoPath> = bases.iter().flat_map(|base| &base.left).collect();
    let [ours, theirs] = lines.map(|line| &line.walk.0);
    let has_it = |how: &How| !how.left.iter().any(|path| left.contains(path));
    let has_left_out = |one: &Manifest| {
        let files = one.edited_files().iter().filter(|edit| edit.new.is_some());
        files.into_iter().any(|edit| bases.iter().any(|base| base.snapshot.lacks(&edit.path)))
    };
    let is_base = |id: &SnapshotId| bases.iter().any(|base| base.snapshot.id == *id);
    let both = theirs.iter().filter_map(|(id, how)| Some((how.at, id, [ours.get(id)?, how])));
    let mut both: Vec<_> =
        both.filter(|(_, id, how)| !is_base(id) && how.iter().all(|how| has_it(how))).collect();
    both.sort_unstable_by_key(|(at, id, _)| std::cmp::Reverse((*at, *id)));
    for (_, id, how) in both {
        if let Some(one) = find(nodes.store, id)
            && (!left.is_empty() || has_left_out(&one))
            && lines[0].has(nodes.store, how[0], &one)?
            && lines[1].has(nodes.store, how[1], &one)?
        {
            return Ok(Some(one));
        }
    }
    Ok(None)
}

/// Returns what two bases have in common.
fn behind(nodes: &Nodes<'_>, [one, other]: [&Manifest; 2]) -> Result<Vec<MergeBase>> {
    let line = |of: &Manifest| Walk::of(nodes, Node::of(of, of.merged.clone()));
    let lines =
        [(one, line(one)), (other, line(other))].map(|(of, walk)| LineMembers { of, walk, has: None });
    let found = common(nodes, [&lines[0], &lines[1]])?.into_iter().map(|(snapshot, [one, other])| {
        let left = one.left.union(&other.left).cloned().collect();
        MergeBase { snapshot, left, whole: true, whole_here: true }
    });
    Ok(found.collect())
}

/// Whether what is here has the last record of a snapshot's conversation.
type Has<'l> = dyn Fn(&Manifest) -> Result<bool> + 'l;

/// A line, and what is part of it.
struct LineMembers<'l> {
    of: &'l Manifest,
    walk: Walk,
    /// For the line here, whose conversation may have gone on since: whether it has the last record of a snapshot's.
    has: Option<&'l Has<'l>>,
}

impl LineMembers<'_> {
    /// Says whether the conversations agree that a snapshot is part of it.
    fn has(&self, store: &Store, how: &How, one: &Manifest) -> Result<bool> {
        match self.has {
            _ if how.tip == one.id => Ok(true),
            _ if how.tip != self.of.id => {
                find(store, &how.tip).map_or(Ok(false), |tip| goes_on_from(store, &tip, one))
            }
            Some(has) => has(one),
            None => goes_on_from(store, self.of, one),
        }
    }
}

/// Returns the newest snapshots that both lines have, none of which is part of another, and how each line has it; newest first.
fn common(nodes: &Nodes<'_>, lines: [&LineMembers<'_>; 2]) -> Result<Vec<(Manifest, [How; 2])>> {
    let [ours, theirs] = lines.map(|line| &line.walk.0);
    let mut both: Vec<(Timestamp, &SnapshotId)> =
        theirs.iter().filter(|(id, _)| ours.contains_key(*id)).map(|(id, how)| (how.at, id)).collect();
    both.sort_unstable_by(|one, other| other.cmp(one));
    let mut found: Vec<(Manifest, [How; 2])> = Vec::new();
    let mut covered: HashSet<SnapshotId> = HashSet::new();
    for (_, id) in both {
        if covered.contains(id) || found.len() == MOST_BASES {
            continue;
        }
        let Some(snapshot) = find(nodes.store, id) else { continue };
        let how = [&ours[id], &theirs[id]];
        if !(lines[0].has(nodes.store, how[0], &snapshot)? && lines[1].has(nodes.store, how[1], &snapshot)?) {
            continue;
        }
        let mut before = Walk::of(nodes, Node::of(&snapshot, snapshot.merged.clone()));
        // No parent leads to them where one in between was not shared.
        before.add_earlier_states(nodes, &lines[1].walk, &|_, _| true);
        covered.extend(before.0.into_keys().filter(|one| one != id));
        found.retain(|(base, _)| !covered.contains(&base.id));
        found.push((snapshot, how.map(How::clone)));
    }
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

/// A session in a work tree, of a user on a machine.
type Work = ((NativePath, String, String), ClientId);

/// What is needed of a snapshot on the way.
struct Node {
    id: SnapshotId,
    at: Timestamp,
    parent: Option<SnapshotId>,
    merged: Vec<Merged>,
    taken: Option<Merged>,
    last_restore: Option<LastRestore>,
    place: (NativePath, String, String),
    session: Option<ClientId>,
    branch: Option<String>,
    /// The commit that was checked out.
    head: Option<String>,
}

impl Node {
    /// Returns the session and the work tree that it is of; none without a session.
    fn work(&self) -> Option<Work> {
        Some((self.place.clone(), self.session.clone()?))
    }

    /// Says whether a later state of the same place and session was made from this one, as far as no restore and no undo lies between.
    fn leads_to(&self, later: &Node) -> bool {
        self.at <= later.at
            && self.since() == later.since()
            && self.taken == later.taken
            && self.merged.iter().all(|merged| later.merged.contains(merged))
    }

    /// Returns what tells the last restore from all others.
    fn since(&self) -> Option<&SnapshotId> {
        self.last_restore.as_ref().map(|restore| &restore.safety)
    }

    fn of(one: &Manifest, merged: Vec<Merged>) -> Node {
        let by = &one.created_by;
        Node {
            id: one.id.clone(),
            at: one.created_at,
            parent: one.parent.clone(),
            merged,
            taken: one.taken.clone(),
            last_restore: one.last_restore.clone(),
            branch: one.workspace.branch.clone(),
            head: one.workspace.head.clone(),
            session: one.session.as_ref().map(|session| session.id.clone()),
            place: (one.workspace.root.clone(), by.user.clone(), by.host.clone()),
        }
    }
}

/// Those that were read.
struct Nodes<'s> {
    store: &'s Store,
    is_ancestor: &'s dyn Fn(&str, &str) -> bool,
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

    /// Returns what the files of a snapshot came from. It is the parent, if no restore, no undo and no checkout of another branch lies
    /// between them.
    fn came_from(&self, node: &Node) -> Option<SnapshotId> {
        let parent = node.parent.as_ref()?;
        let Some(before) = self.find(parent).filter(|before| before.place == node.place) else {
            return Some(parent.clone());
        };
        if node.since() == before.since() {
            let is_on = self.is_on(&before, node);
            return if is_on { Some(parent.clone()) } else { self.state_before(node) };
        }
        self.state_before(node).or_else(|| {
            let restore = node.last_restore.as_ref()?;
            let restored = self.find(&restore.snapshot)?;
            (!restore.left_branch || self.is_on(&restored, node)).then(|| restored.id.clone())
        })
    }

    /// Says whether the branch of git was not changed in between, but for one that goes on from there.
    fn is_on(&self, before: &Node, node: &Node) -> bool {
        before.branch == node.branch
            || match (&before.head, &node.head) {
                (Some(before), Some(head)) => before == head || (self.is_ancestor)(before, head),
                (None, _) => true,
                (Some(_), None) => false,
            }
    }

    /// Says whether a state of a place may be what a later one came from, of which a parent is not here.
    fn may_lead_to(&self, one: &Node, later: &Node) -> bool {
        // What was brought back since leads to all that came before it, if it is here.
        let brought_back = later.last_restore.as_ref().filter(|_| one.since() != later.since());
        one.place == later.place
            && one.at <= later.at
            && brought_back.is_none_or(|restore| self.find(&restore.snapshot).is_none())
    }

    /// Returns the newest earlier state of the same work, of whatever session.
    fn state_before(&self, node: &Node) -> Option<SnapshotId> {
        let known = self.store.known().ok()?;
        let is_earlier = |head: &&Head| {
            let by = &head.created_by;
            !head.safety
                && head.id != node.id
                && head.created_at <= node.at
                && (head.root(), &by.user, &by.host) == (&node.place.0, &node.place.1, &node.place.2)
        };
        let mut earlier: Vec<&Head> =
            known.iter().filter_map(|known| known.head.as_ref().ok()).filter(is_earlier).collect();
        earlier.sort_unstable_by_key(|head| std::cmp::Reverse((head.created_at, &head.id)));
        let leads_here = |head: &&&Head| {
            self.find(&head.id).is_some_and(|before| before.leads_to(node) && self.is_on(&before, node))
        };
        earlier.iter().take(MOST).find(leads_here).map(|head| head.id.clone())
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

/// Parents that are not here, each with the one that came after it.
type Holes = HashMap<SnapshotId, Rc<Node>>;

/// All snapshots that are part of a line, and the parents that are not here.
#[derive(Clone)]
struct Walk(HashMap<SnapshotId, How>, Holes);

impl Walk {
    /// Adds those of another line that are earlier states of a work tree and session that this line has: no parent leads to what was
    /// only shared. `may` says whether one counts as an earlier state of another.
    fn add_earlier_states(
        &mut self,
        nodes: &Nodes<'_>,
        other: &Walk,
        may: &dyn Fn(&Manifest, &SnapshotId) -> bool,
    ) {
        let mut newest: HashMap<Work, (Rc<Node>, &How)> = HashMap::new();
        for (id, how) in &self.0 {
            let Some((work, node)) = nodes.find(id).and_then(|node| Some((node.work()?, node))) else {
                continue;
            };
            let known = newest.entry(work).or_insert((node.clone(), how));
            if known.0.at < node.at {
                *known = (node, how);
            }
        }
        let mut found = Vec::new();
        for (id, how) in other.0.iter().filter(|(id, _)| !self.0.contains_key(*id)) {
            let Some(node) = nodes.find(id) else { continue };
            let Some((later, known)) = node.work().and_then(|work| newest.get(&work)) else { continue };
            if node.leads_to(later)
                && nodes.is_on(&node, later)
                && find(nodes.store, id).is_some_and(|one| may(&one, &later.id))
            {
                let is_whole = known.is_whole && node.branch == later.branch;
                let how = How { tip: later.id.clone(), is_whole, left: known.left.clone(), at: how.at };
                found.push((id.clone(), how));
            }
        }
        self.0.extend(found);
    }

    fn of(nodes: &Nodes<'_>, start: Node) -> Walk {
        Walk::from(nodes, &Rc::new(start))
    }

    fn from(nodes: &Nodes<'_>, start: &Rc<Node>) -> Walk {
        let mut walk = Walk(HashMap::new(), HashMap::new());
        let mut tips = VecDeque::from([(Rc::clone(start), true, BTreeSet::new())]);
        while let Some((mut node, mut is_whole, mut left)) = tips.pop_front() {
            let mut tip = node.id.clone();
            // What a snapshot tells of merges is all of its place: those before it there add nothing to that, and may tell of what
            // was undone since.
            let mut tells = true;
            while walk.0.len() < MOST && !walk.0.contains_key(&node.id) {
                let how = How { at: node.at, tip: tip.clone(), is_whole, left: left.clone() };
                walk.0.insert(node.id.clone(), how);
                // What comes after a restore is made from what it brought back, even if no snapshot between the two is here.
                // What was brought back comes first: of that, what a later merge did not take was there.
                let told = node.taken.iter().chain(node.merged.iter().rev().take(MOST)).filter(|_| tells);
                for merged in told {
                    if let Some(found) = nodes.find(&merged.snapshot) {
                        tips.push_back((found, is_whole, left.iter().chain(&merged.left).cloned().collect()));
                    }
                }
                let Some(from) = nodes.came_from(&node) else { break };
                let Some(before) = nodes.find(&from) else {
                    walk.1.insert(from, node);
                    break;
                };
                let restored = node.last_restore.as_ref().map(|restore| &restore.snapshot);
                let is_told = restored == Some(&from) && node.since() != before.since();
                if is_told || node.parent.as_ref() != Some(&from) {
                    // The log tells that, whatever the conversations say.
                    tip = from;
                }
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
