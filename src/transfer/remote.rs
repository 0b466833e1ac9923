//! `push` and `pull`.
//!
//! A snapshot on a remote is immutable like one in the store: its ref is created or is
//! there already, and never moved. Several are handed over together, but each stands for
//! itself: what is wrong with one is said, and the others go on.

use super::base::{self, LocalSnapshot};
use super::lease::{self, LEASES, Lease};
use super::peers::{self, Peer};
use super::{keep_base, line};
use crate::audit;
use crate::base::error::{Error, Kind, Result};
use crate::base::ids::SnapshotId;
use crate::base::progress::Progress;
use crate::base::screen::Line;
use crate::base::timestamp::Timestamp;
use crate::context::Context;
use crate::git::{PushAnswer, Remote, RemoteRef, Repository, UNPACKER_ERROR};
use crate::manifest::Manifest;
use crate::redaction;
use crate::store::{Entry, LogEntry, Operation, Reference, Store, check_may_travel};
use crate::sys::files::Scratch;
use crate::transfer::commit_format::{self, REFS, RemoteSnapshot};
use crate::workspace::Workspace;

/// A remote, opened for snapshots of one store.
pub struct RemoteSession<'a> {
    pub(super) context: &'a Context,
    workspace: &'a Workspace,
    pub(super) store: &'a Store,
    repository: Option<&'a Repository>,
    pub(super) remote: Remote<'a>,
    /// The leases that were there when the remote was listed last.
    pub(super) leases: Vec<Lease>,
    /// Holds the scratch repository; it goes with this value.
    _scratch: Scratch,
}

/// What became of one snapshot.
pub struct TransferResult {
    /// Its name, safe to show; its id if the name is not known.
    pub name: String,
    /// Its id.
    pub id: SnapshotId,
    /// What became of it.
    pub outcome: TransferOutcome,
}

/// What can become of one snapshot.
pub enum TransferOutcome {
    /// It was handed over.
    Done,
    /// The other side had it.
    Already,
    /// It was not, and why.
    Failed(Error),
}

impl<'a> RemoteSession<'a> {
    /// Opens a remote by name or address; `tell` is told of tries that failed.
    ///
    /// # Errors
    /// As [`Remote::open`].
    pub fn open(
        context: &'a Context,
        workspace: &'a Workspace,
        address: &str,
        interactive: bool,
        tell: &'a mut dyn FnMut(&str),
    ) -> Result<RemoteSession<'a>> {
        // In the store, which lies in the project: settings that the user's configuration
        // makes for the folders above (`includeIf "gitdir:…"`) hold here too.
        let scratch = workspace.store.scratch()?;
        let repository = workspace.repository.as_ref();
        let remote = Remote::open(repository, &context.cwd, &scratch.path(), address, interactive, tell)?;
        Ok(RemoteSession {
            context,
            workspace,
            store: &workspace.store,
            repository,
            remote,
            leases: Vec::new(),
            _scratch: scratch,
        })
    }

    /// Has transfers say how far they are.
    pub fn watch(&mut self, progress: &'a Progress) {
        self.remote.watch(progress);
    }

    /// Returns the remote as it was named, without a password.
    pub fn shown(&self) -> String {
        self.remote.shown()
    }

    /// Sends snapshots, but none that holds a secret which is not allowed.
    ///
    /// # Errors
    /// If one of the references means nothing here, or the remote can't be reached. What is
    /// wrong with one snapshot is in its own [`TransferOutcome`].
    pub fn push(&mut self, references: &[String], allow_secrets: &[String]) -> Result<Vec<TransferResult>> {
        let mut chosen: Vec<Entry> = Vec::new();
        for reference in references {
            let entry = self.store.find(&Reference::parse(reference))?;
            if let Ok(manifest) = &entry.manifest {
                check_may_travel(manifest)?;
            }
            if chosen.iter().all(|other| other.stem != entry.stem) {
                chosen.push(entry);
            }
        }
        let wanted = base::mine(&chosen);
        let in_order = chosen.iter().filter_map(Entry::readable);
        let wanted: Vec<LocalSnapshot<'_>> = in_order.filter_map(|m| wanted.get(&m.id).copied()).collect();
        let mut handed = self.send(&wanted, allow_secrets);
        for one in &wanted {
            handed =
                audit::unless_failed(self.store, &self.line(Operation::Push, Some(one.manifest)), handed);
        }
        let handed = handed?;
        for (one, handed) in wanted.iter().zip(&handed) {
            self.log(Operation::Push, one.manifest, &handed.outcome);
        }
        // Whoever hands on what came of a snapshot no longer works on that one.
        let me = lease::name_of(&self.context.user, &self.context.host);
        let parents: Vec<&SnapshotId> = wanted
            .iter()
            .zip(&handed)
            .filter(|(_, handed)| matches!(handed.outcome, TransferOutcome::Done))
            .filter_map(|(one, _)| one.manifest.parent.as_ref())
            .collect();
        self.forget_leases(|lease| lease.who == me && parents.contains(&&lease.id));
        Ok(handed)
    }

    fn send(
        &mut self,
        wanted: &[LocalSnapshot<'_>],
        allow_secrets: &[String],
    ) -> Result<Vec<TransferResult>> {
        let there = self.places()?;
        let entries = self.store.entries()?;
        let mine = base::mine(&entries);
        let (old, new): (Vec<LocalSnapshot<'_>>, Vec<LocalSnapshot<'_>>) =
            wanted.iter().partition(|one| there.iter().any(|place| place.id == one.manifest.id));
        let mut handed = Vec::new();
        for one in old {
            handed.push(self.compare(one.manifest, &there, || unknown(one.manifest)));
        }
        let mut clean = Vec::new();
        for one in new {
            match redaction::check(self.workspace, one.manifest, false, allow_secrets) {
                Ok(()) => clean.push(one),
                Err(error) => handed.push(TransferResult::new(one.manifest, TransferOutcome::Failed(error))),
            }
        }
        let new = clean;
        base::lay(&self.remote, self.store, &mine, &base::to_push_on(&mine, &there, &new))?;
        let names: Vec<String> = new.iter().map(|one| commit_format::ref_of(one.manifest)).collect();
        let oids =
            if new.is_empty() { Vec::new() } else { base::write(&self.remote, self.store, &new, &names)? };
        let refs: Vec<RemoteRef> =
            oids.into_iter().zip(names).map(|(oid, name)| RemoteRef { oid, name }).collect();
        for (answer, one) in self.remote.create(&refs)?.into_iter().zip(new) {
            handed.push(match answer {
                PushAnswer::Taken => TransferResult::new(one.manifest, TransferOutcome::Done),
                PushAnswer::Rejected(why) => {
                    // Perhaps another one was faster.
                    let there = self.places()?;
                    self.compare(one.manifest, &there, || self.rejected(one.manifest, &why))
                }
            });
        }
        // In the order in which they were asked for.
        handed.sort_by_key(|one| wanted.iter().position(|other| other.manifest.id == one.id));
        Ok(handed)
    }

    /// Fetches snapshots: those that are named, else all that are not here.
    ///
    /// # Errors
    /// As [`RemoteSession::push`].
    pub fn pull(&mut self, references: &[String]) -> Result<Vec<TransferResult>> {
        let fetched = self.fetch(references);
        audit::unless_failed(self.store, &self.line(Operation::Pull, None), fetched)
    }

    fn fetch(&mut self, references: &[String]) -> Result<Vec<TransferResult>> {
        let there = self.places()?;
        let entries = self.store.entries()?;
        let mine = base::mine(&entries);
        let mut wanted: Vec<RemoteSnapshot> = Vec::new();
        let mut handed = Vec::new();
        if references.is_empty() {
            wanted = there.iter().filter(|place| !mine.contains_key(&place.id)).cloned().collect();
        }
        for place in self.resolve_all(&there, references)? {
            if wanted.iter().any(|other| other.id == place.id) {
                continue;
            }
            match mine.get(&place.id) {
                Some(one) => {
                    // Its base commit may have come since.
                    keep_base(self.repository, one.manifest);
                    self.log(Operation::Pull, one.manifest, &TransferOutcome::Already);
                    handed.push(TransferResult::new(one.manifest, TransferOutcome::Already));
                }
                None => wanted.push(place),
            }
        }
        if wanted.is_empty() {
            return Ok(handed);
        }
        base::lay(&self.remote, self.store, &mine, &base::to_fetch_on(&mine, &there))?;
        let names: Vec<&str> = wanted.iter().map(|place| place.at.name.as_str()).collect();
        self.remote.fetch(&names, true)?;
        let mut dated: Vec<(Option<Timestamp>, RemoteSnapshot)> = Vec::new();
        for place in wanted {
            // What is wrong with it is found, and said, when it is taken in.
            let commit = self.remote.fetched()?.commit(&place.at.oid);
            dated.push((commit.ok().map(|commit| commit_format::read_message(&commit).2), place));
        }
        dated.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        for (_, place) in dated {
            handed.push(self.take(&place)?);
        }
        Ok(handed)
    }

    /// Begins a line of the log on this remote.
    pub(super) fn line(&self, operation: Operation, manifest: Option<&Manifest>) -> LogEntry {
        line(self.context, operation, manifest, &self.shown())
    }

    fn log(&self, operation: Operation, manifest: &Manifest, outcome: &TransferOutcome) {
        if !matches!(outcome, TransferOutcome::Failed(_)) {
            self.note(&manifest.id);
        }
        self.write(self.line(operation, Some(manifest)), outcome);
    }

    /// Notes that this user has exchanged a snapshot with this remote.
    fn note(&self, id: &SnapshotId) {
        // Without it no lease is left, and nothing else is lost.
        let _best_effort = peers::note(self.context, id, &self.peer());
    }

    fn peer(&self) -> Peer {
        Peer { remote: self.shown(), leads_to: self.remote.leads_to().to_vec() }
    }

    /// Says whether this is the remote that a snapshot was exchanged with, and still leads there.
    pub fn is(&self, peer: &Peer) -> bool {
        self.peer() == *peer
    }

    pub(super) fn write(&self, line: LogEntry, outcome: &TransferOutcome) {
        let line = match outcome {
            TransferOutcome::Done => line,
            TransferOutcome::Already => audit::skipped(line),
            TransferOutcome::Failed(error) => audit::failed(line, error),
        };
        audit::write(self.store, &line);
    }

    pub(super) fn places(&mut self) -> Result<Vec<RemoteSnapshot>> {
        let listed = self.remote.list(&[REFS, LEASES])?;
        self.leases = listed.iter().cloned().filter_map(Lease::parse).collect();
        Ok(listed.into_iter().filter_map(RemoteSnapshot::parse).collect())
    }

    /// Says whether the remote has this very snapshot, or another one under its id. `absent`
    /// makes the error for the case that it has neither.
    fn compare(
        &self,
        manifest: &Manifest,
        there: &[RemoteSnapshot],
        absent: impl FnOnce() -> Error,
    ) -> TransferResult {
        let Some(place) = there.iter().find(|place| place.id == manifest.id) else {
            return TransferResult::new(manifest, TransferOutcome::Failed(absent()));
        };
        let outcome = match self.is_same(manifest, place) {
            Ok(true) => TransferOutcome::Already,
            Ok(false) => TransferOutcome::Failed(
                Error::new(
                    Kind::Conflict,
                    format!(
                        "{} has other content under the id of {:?}",
                        self.shown(),
                        Line(&manifest.name).to_string()
                    ),
                )
                .because(format!("{} is not the snapshot {}", place.at.name, manifest.id))
                .hint("one of the two was changed after it was saved; nothing was overwritten"),
            ),
            Err(error) => TransferOutcome::Failed(error),
        };
        TransferResult::new(manifest, outcome)
    }

    fn is_same(&self, manifest: &Manifest, place: &RemoteSnapshot) -> Result<bool> {
        let entry = self.store.find(&Reference::Named(manifest.id.to_string()))?;
        let json = self.store.manifest_bytes(&entry.stem)?;
        self.remote.fetch(&[&place.at.name], true)?;
        let theirs = commit_format::open(&mut self.remote.fetched()?, place);
        Ok(theirs.is_ok_and(|(theirs, _)| theirs == json))
    }

    fn rejected(&self, manifest: &Manifest, why: &str) -> Error {
        let name = Line(&manifest.name).to_string();
        let error =
            Error::new(Kind::Environment, format!("{} did not take {name:?}", self.shown())).because(why);
        error.hint(match why.contains(UNPACKER_ERROR) {
            true => "it is full, or the connection broke off; nothing was taken: run the command again when that is over",
            false => {
                "some hosts take no refs but branches and tags; `snap export` makes a file that goes anywhere"
            }
        })
    }

    /// Takes in one snapshot that was fetched.
    fn take(&self, place: &RemoteSnapshot) -> Result<TransferResult> {
        let mut name = place.id.short().to_owned();
        let mut line = LogEntry { snapshot: Some(place.id.clone()), ..self.line(Operation::Pull, None) };
        let mut fetched = self.remote.fetched()?;
        let taken =
            commit_format::receive(self.store, &mut fetched, place, self.context.now).and_then(|incoming| {
                let shown = &incoming.manifest().name;
                name = Line(shown).to_string();
                line.name.clone_from(shown);
                incoming.publish(|manifest| keep_base(self.repository, manifest))
            });
        let outcome = match audit::unless_failed(self.store, &line, taken) {
            Ok(_) => {
                self.note(&place.id);
                audit::write(self.store, &line);
                TransferOutcome::Done
            }
            Err(error) => TransferOutcome::Failed(error),
        };
        Ok(TransferResult { name, id: place.id.clone(), outcome })
    }
}

impl TransferResult {
    fn new(manifest: &Manifest, outcome: TransferOutcome) -> TransferResult {
        TransferResult { name: Line(&manifest.name).to_string(), id: manifest.id.clone(), outcome }
    }
}

fn unknown(manifest: &Manifest) -> Error {
    Error::new(Kind::Bug, format!("{} was there and is not", manifest.id))
}
