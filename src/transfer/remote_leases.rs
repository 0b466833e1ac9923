//! Leases on a remote: who works on a snapshot, left and deleted.

use super::lease::{self, Lease};
use super::remote::RemoteSession;
use crate::base::error::Result;
use crate::base::ids::SnapshotId;
use crate::git::{NewCommit, RemoteRef};

impl RemoteSession<'_> {
    /// Deletes leases; what can't be deleted expires.
    pub(super) fn forget_leases(&self, which: impl Fn(&Lease) -> bool) {
        let refs: Vec<RemoteRef> =
            self.leases.iter().filter(|lease| which(lease)).map(|lease| lease.at.clone()).collect();
        if !refs.is_empty() {
            let _best_effort = self.remote.delete(&refs);
        }
    }

    /// Returns who else works on a snapshot that is on the remote; `None` if it is not there.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] if the remote can't be reached.
    pub fn others_at_work(&mut self, id: &SnapshotId) -> Result<Option<Vec<Lease>>> {
        let there = self.places()?.iter().any(|place| place.id == *id);
        let me = lease::name_of(&self.context.user, &self.context.host);
        let others = |lease: &&Lease| lease.id == *id && lease.who != me && lease.counts(self.context.now);
        Ok(there.then(|| self.leases.iter().filter(others).cloned().collect()))
    }

    /// Leaves a lease beside a snapshot, in the place of an older one.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] if the remote refuses it or can't be reached.
    pub fn lease(&mut self, id: &SnapshotId) -> Result<()> {
        let (me, now) = (lease::name_of(&self.context.user, &self.context.host), self.context.now);
        let name = lease::ref_of(id, &me, now);
        let seconds = now.as_millis().div_euclid(1_000);
        let commit = NewCommit {
            name: name.clone(),
            seconds,
            message: format!("{me} resumed {id}"),
            paths: Vec::new(),
        };
        let made = self.remote.write(&[commit], |_| true, |_, _| Ok(Vec::new()))?;
        let refs: Vec<RemoteRef> =
            made.into_iter().map(|oid| RemoteRef { oid, name: name.clone() }).collect();
        self.remote.create(&refs)?;
        let stale = |lease: &Lease| lease.id == *id && (lease.who == me || !lease.counts(now));
        self.forget_leases(|lease| stale(lease) && lease.at.name != name);
        Ok(())
    }
}
