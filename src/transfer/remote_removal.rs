//! `rm --remote` and `prune --remote`: refs of snapshots deleted on a remote, with the leases on them.

use std::time::Duration;

use super::base;
use super::commit_format::{self, RemoteSnapshot};
use super::remote::{RemoteSession, TransferOutcome, TransferResult};
use super::remote_listing::ListedSnapshot;
use crate::base::error::{Error, Kind, Result};
use crate::base::ids::SnapshotId;
use crate::base::screen::Line;
use crate::git::{PushAnswer, RemoteRef};
use crate::manifest::Trigger;
use crate::retention::{self, Candidate, Policy, Verdict};
use crate::store::{LogEntry, Operation};

/// What pruning a remote would do.
pub struct PrunePlan {
    /// The snapshots that this user saved, each with what becomes of it.
    pub own: Vec<(ListedSnapshot, Verdict)>,
    /// How many others there are, which stay.
    pub others: usize,
}

/// How far ahead of ours the clock of whoever saved a snapshot may be.
const A_DAY: Duration = Duration::from_secs(86_400);

impl RemoteSession<'_> {
    /// Deletes a snapshot's ref on the remote; the snapshot here stays.
    ///
    /// # Errors
    /// [`Kind::NotFound`] or [`Kind::Ambiguous`], [`Kind::Conflict`] if it has changed
    /// meanwhile, [`Kind::Environment`] if the remote refuses or can't be reached.
    pub fn withdraw(&mut self, references: &[String]) -> Result<Vec<TransferResult>> {
        let there = self.places()?;
        let places = self.resolve_all(&there, references)?;
        self.remove(Operation::Withdraw, &places)
    }

    /// Judges the snapshots on the remote that this user saved: those of others are not this
    /// user's to remove. What can't be read, or claims to be from the future, is kept and
    /// counts for nothing.
    ///
    /// # Errors
    /// [`Kind::Environment`] if the remote can't be reached.
    pub fn judge(&mut self, policy: Policy) -> Result<PrunePlan> {
        let there = self.places()?;
        let all = self.describe(&there)?;
        let (own, others): (Vec<ListedSnapshot>, Vec<ListedSnapshot>) =
            all.into_iter().partition(|one| one.place.user == commit_format::part(&self.context.user));
        let entries = self.store.entries()?;
        let mine = base::mine(&entries);
        let (known, odd): (Vec<ListedSnapshot>, Vec<ListedSnapshot>) = own.into_iter().partition(|one| {
            one.created_at.as_millis() > 0 && one.created_at.since(self.context.now) <= A_DAY
        });
        let candidate = |one: &ListedSnapshot| {
            let here = mine.get(&one.id);
            Candidate {
                created_at: one.created_at,
                pinned: here.is_some_and(|here| here.entry.pinned),
                safety: false,
                automatic: here.is_some_and(|here| here.manifest.created_by.trigger == Trigger::Auto),
                // Of what is there, only what this user pushed is looked at.
                own: true,
            }
        };
        let candidates: Vec<Candidate> = known.iter().map(candidate).collect();
        let verdicts = retention::plan(&candidates, policy, self.context.now);
        let reason = "its date can't be believed; `snap rm --remote` removes it".to_owned();
        let kept = odd.into_iter().map(|one| (one, Verdict { keep: true, reason: reason.clone() }));
        Ok(PrunePlan { own: known.into_iter().zip(verdicts).chain(kept).collect(), others: others.len() })
    }

    /// Removes from the remote what was judged so.
    ///
    /// # Errors
    /// As [`RemoteSession::withdraw`].
    pub fn prune(&mut self, judged: &PrunePlan) -> Result<Vec<TransferResult>> {
        let gone = judged.own.iter().filter(|(_, verdict)| !verdict.keep);
        let places: Vec<RemoteSnapshot> = gone.map(|(one, _)| one.place.clone()).collect();
        self.remove(Operation::Prune, &places)
    }

    /// Deletes the refs of snapshots, and the leases on them.
    fn remove(&mut self, operation: Operation, places: &[RemoteSnapshot]) -> Result<Vec<TransferResult>> {
        let entries = self.store.entries()?;
        let mine = base::mine(&entries);
        let refs: Vec<RemoteRef> = places.iter().map(|place| place.at.clone()).collect();
        let mut gone = Vec::new();
        for (place, answer) in places.iter().zip(self.remote.delete(&refs)?) {
            let name = match mine.get(&place.id) {
                Some(one) => Line(&one.manifest.name).to_string(),
                None => place.id.short().to_owned(),
            };
            let outcome = match answer {
                PushAnswer::Taken => TransferOutcome::Done,
                PushAnswer::Rejected(why) => TransferOutcome::Failed(
                    Error::new(Kind::Environment, format!("{} does not let go of {name}", self.shown()))
                        .because(why)
                        .hint("nothing was removed; see who may delete refs there"),
                ),
            };
            let line = LogEntry {
                snapshot: Some(place.id.clone()),
                name: mine.get(&place.id).map(|one| one.manifest.name.clone()).unwrap_or_default(),
                ..self.line(operation, None)
            };
            self.write(line, &outcome);
            gone.push(TransferResult { name, id: place.id.clone(), outcome });
        }
        let removed = |id: &SnapshotId| {
            gone.iter().any(|one| one.id == *id && matches!(one.outcome, TransferOutcome::Done))
        };
        self.forget_leases(|lease| removed(&lease.id));
        Ok(gone)
    }
}
