//! What goes along with a snapshot that is pushed: the shared session of somebody that its line went on from, as long as its owner
//! shares it. What its owner took back stays here.

use std::collections::BTreeSet;

use super::commit_format::{RemoteSnapshot, part};
use super::common_snapshots::{self, Mine, is_place_of};
use super::outcome::{Beginnings, TransferOutcome, TransferResult};
use super::peers::{self, Peer};
use super::remote::Remotes;
use crate::base::error::{Error, Kind, Result};
use crate::base::ids::SnapshotId;
use crate::base::screen::{Line, for_shell};
use crate::manifest::Manifest;
use crate::store::{Entry, Reference};

/// The most snapshots of a line that are looked at for where it began.
const MOST_BEFORE: usize = 100;

impl Remotes<'_> {
    /// Returns the sessions of others that the lines of these snapshots went on from, as they were then. They came from this very
    /// remote, where they were replaced since; who merges such a line needs what both had.
    pub(super) fn beginnings(&self, chosen: &[Entry], there: &[RemoteSnapshot]) -> Result<Beginnings> {
        let entries = self.store.entries()?;
        let here = common_snapshots::mine(&entries);
        let of_place = |one: &Manifest| {
            let by = &one.created_by;
            (one.workspace.root.clone(), by.user.clone(), by.host.clone())
        };
        let mut found = Vec::new();
        for one in chosen.iter().filter_map(|entry| entry.manifest.as_ref().ok()) {
            let parent = |one: &Manifest| here.get(one.parent.as_ref()?).copied();
            let line = std::iter::successors(parent(one), |before| parent(before.manifest)).take(MOST_BEFORE);
            let taken = one.taken.as_ref().and_then(|taken| here.get(&taken.snapshot).copied());
            let first =
                taken.into_iter().chain(line).find(|before| of_place(before.manifest) != of_place(one));
            found.extend(first.map(|before| &before.manifest.id).filter(|id| self.came_from_here(id)));
        }
        found.sort();
        found.dedup();
        found.retain(|id| chosen.iter().all(|one| one.manifest.as_ref().is_ok_and(|one| one.id != **id)));
        let mut beginnings = Beginnings::default();
        for one in found.into_iter().filter_map(|id| here.get(id)) {
            let is_there = there.iter().any(|place| is_place_of(place, one.manifest));
            match if is_there { None } else { self.taken_back(one.manifest)? } {
                Some(how) => beginnings.taken_back.push(how),
                None => {
                    let id = one.manifest.id.to_string();
                    beginnings.along.push(self.store.find(&Reference::Named(id))?);
                }
            }
        }
        Ok(beginnings)
    }

    /// Says how what is not on the remote by itself was taken back; `None` if its owner still shares the session that it is of.
    fn taken_back(&self, one: &Manifest) -> Result<Option<String>> {
        let user = part(&one.created_by.user);
        // Only the owner's own head says that the owner shares it.
        let head = peers::head_of(self.context, &one.id).filter(|head| head.user() == user);
        let how = match head.map(|head| head.name()) {
            Some(name) if self.remote.look(&[&name])?.iter().any(|at| at.name == name) => return Ok(None),
            Some(_) => "is no longer shared on",
            None => "is no longer on",
        };
        let whose = if user == part(&self.context.user) {
            "your".to_owned()
        } else {
            format!("{}'s", Line(&one.created_by.user))
        };
        Ok(Some(format!("{whose} \"{}\", which {how} {}", Line(&one.name), self.shown())))
    }

    /// Refuses to put a snapshot of somebody else on the remote, where it is not, unless it was named.
    pub(super) fn refuse_unnamed(
        &self,
        one: &Manifest,
        called: &str,
        there: &[RemoteSnapshot],
    ) -> Result<()> {
        let is_own = part(&one.created_by.user) == part(&self.context.user);
        if is_own || there.iter().any(|place| is_place_of(place, one)) {
            return Ok(());
        }
        let (user, remote) = (Line(&one.created_by.user).to_string(), self.shown());
        let error = Error::new(
            Kind::Refused,
            format!("The newest snapshot, \"{}\", is of {user}, and is not on {remote}", Line(called)),
        );
        let command = format!("`snap push {} {}`", for_shell(&remote), for_shell(called));
        Err(error
            .because("it may have been taken back; nothing was sent")
            .hint(format!("{command} sends it all the same")))
    }

    /// Forgets the heads of which the snapshot is on the remote by itself: from then on, its owner decides how long.
    pub(super) fn forget_heads_of(&self, there: &[RemoteSnapshot]) {
        let is_there = |id: &SnapshotId| there.iter().any(|place| place.id == *id);
        for id in peers::taken_from_heads(self.context).iter().filter(|id| is_there(id)) {
            if self.came_from_here(id) {
                peers::forget_head(self.context, id);
            }
        }
    }

    /// Says whether a snapshot was exchanged with a remote that leads where this one does.
    fn came_from_here(&self, id: &SnapshotId) -> bool {
        peers::peer_of(self.context, id).is_some_and(|peer| self.leads_where(&peer))
    }

    /// Says whether this remote leads where another one did, whatever its name.
    fn leads_where(&self, peer: &Peer) -> bool {
        let plain =
            |all: &[String]| all.iter().map(|to| to.trim_end_matches('/').to_owned()).collect::<Vec<_>>();
        !peer.leads_to.is_empty() && plain(&peer.leads_to) == plain(self.remote.leads_to())
    }

    /// Leaves out what was to be sent along and was there already, or may not leave, which is told: nobody asked for it.
    pub(super) fn without_what_stays<'m>(
        &self,
        wanted: Vec<Mine<'m>>,
        handed: Vec<TransferResult>,
        along: &BTreeSet<SnapshotId>,
    ) -> (Vec<Mine<'m>>, Vec<TransferResult>) {
        let stays = |result: &TransferResult| match &result.fate {
            TransferOutcome::Done | TransferOutcome::Mended => false,
            _ if !along.contains(&result.id) => false,
            TransferOutcome::Already => true,
            TransferOutcome::Failed(error) => {
                self.remote.tell(&format!(
                    "\"{}\", the session that this went on from, is not sent along, so a merge may have conflicts: {error}",
                    result.name
                ));
                true
            }
        };
        let both = wanted.into_iter().zip(handed);
        both.filter(|(_, result)| !stays(result)).unzip()
    }
}
