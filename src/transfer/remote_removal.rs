//! `rm --remote` and `prune --remote`: what is removed from a remote, and whose it is.

use super::commit_format::{self, RemoteSnapshot};
use super::common_snapshots;
use super::outcome::{ListedSnapshot, RemotePrunePlan, TransferOutcome, TransferResult, Withdrawal};
use super::remote::Remotes;
use crate::base::error::{Error, Kind, Result};
use crate::base::ids::SnapshotId;
use crate::base::screen::Line;
use crate::git::{PushAnswer, RemoteRef};
use crate::prune::{self, Policy, Pushed};
use crate::store::{LogEntry, Operation};

impl Remotes<'_> {
    /// Finds what references mean on the remote, and whose it is.
    ///
    /// # Errors
    /// [`Kind::NotFound`] or [`Kind::Ambiguous`], [`Kind::Environment`] if the remote can't be reached.
    pub fn to_withdraw(&mut self, references: &[String]) -> Result<Withdrawal> {
        let there = self.places()?;
        let places = self.resolve_all(&there, references, true)?;
        let own = commit_format::part(&self.context.user);
        let others: Vec<RemoteSnapshot> = places.iter().filter(|place| place.user != own).cloned().collect();
        let of_others = if others.is_empty() { Vec::new() } else { self.describe(&others)? };
        Ok(Withdrawal { places, of_others })
    }

    /// Deletes the refs of snapshots on the remote; the snapshots here stay.
    ///
    /// # Errors
    /// [`Kind::Conflict`] if one has changed meanwhile, [`Kind::Environment`] if the remote refuses or can't be reached.
    pub fn withdraw(&mut self, wanted: &Withdrawal) -> Result<Vec<TransferResult>> {
        self.remove(Operation::Withdraw, &wanted.places)
    }

    /// Decides about the snapshots on the remote that this user saved. Those of others are not this
    /// user's to remove. A snapshot that can't be read, or claims to be from the future, is kept and
    /// not counted.
    ///
    /// # Errors
    /// [`Kind::Environment`] if the remote can't be reached.
    pub fn judge(&mut self, policy: Policy) -> Result<RemotePrunePlan> {
        let there = self.places()?;
        let all = self.describe(&there)?;
        let (own, others): (Vec<ListedSnapshot>, Vec<ListedSnapshot>) =
            all.into_iter().partition(|one| one.place.user == commit_format::part(&self.context.user));
        let entries = self.store.entries()?;
        let mine = common_snapshots::mine(&entries);
        let pushed = |one: &ListedSnapshot| Pushed {
            created_at: one.created_at,
            here: mine.get(&one.id).map(|here| (here.entry, here.manifest)),
        };
        let pushed: Vec<Pushed<'_>> = own.iter().map(pushed).collect();
        let verdicts = prune::judge_pushed(&pushed, policy, self.context.now);
        Ok(RemotePrunePlan { own: own.into_iter().zip(verdicts).collect(), others: others.len() })
    }

    /// Removes from the remote what was judged so.
    ///
    /// # Errors
    /// As [`Remotes::withdraw`].
    pub fn prune(&mut self, judged: &RemotePrunePlan) -> Result<Vec<TransferResult>> {
        let gone = judged.own.iter().filter(|(_, verdict)| !verdict.keep);
        let places: Vec<RemoteSnapshot> = gone.map(|(one, _)| one.place.clone()).collect();
        self.remove(Operation::Prune, &places)
    }

    /// Deletes the refs of snapshots, and the leases on them.
    fn remove(&mut self, operation: Operation, places: &[RemoteSnapshot]) -> Result<Vec<TransferResult>> {
        let entries = self.store.entries()?;
        let mine = common_snapshots::mine(&entries);
        let refs: Vec<RemoteRef> = places.iter().map(|place| place.at.clone()).collect();
        let mut gone = Vec::new();
        for (place, answer) in places.iter().zip(self.remote.delete(&refs)?) {
            let name = match mine.get(&place.id) {
                Some(one) => Line(&self.store.called(one.manifest)).to_string(),
                None => place.id.short().to_owned(),
            };
            let fate = match answer {
                PushAnswer::Taken => TransferOutcome::Done,
                PushAnswer::Rejected(why) => TransferOutcome::Failed(
                    Error::new(Kind::Environment, format!("{} refused to delete {name}", self.shown()))
                        .because(why)
                        .hint("nothing was removed; see who may delete refs there"),
                ),
            };
            let line = LogEntry {
                snapshot: Some(place.id.clone()),
                name: mine.get(&place.id).map(|one| one.manifest.name.clone()).unwrap_or_default(),
                // An `undo` right after it must not take something else back.
                root: (operation == Operation::Withdraw).then(|| self.workspace.root.as_path().into()),
                ..self.line(operation, None)
            };
            self.write(line, &fate);
            gone.push(TransferResult { name, id: place.id.clone(), fate });
        }
        let removed = |id: &SnapshotId| {
            gone.iter().any(|one| one.id == *id && matches!(one.fate, TransferOutcome::Done))
        };
        self.forget_leases(|lease| removed(&lease.id));
        Ok(gone)
    }
}
