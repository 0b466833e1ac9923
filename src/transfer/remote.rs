//! `push` and `pull`, and leases.
//!
//! A snapshot on a remote is immutable, like one in the store: its ref is created or exists already, and is
//! never moved. Several are transferred together, but independently: a problem with one is reported, and the
//! others continue.

use std::cell::OnceCell;

use super::common_snapshots::{self, Mine, is_place_of};
use super::lease::{self, Lease};
use super::outcome::{Beginnings, TransferOutcome, TransferResult, as_called_here};
use super::peers::{self, Peer};
use super::remote_names::RemoteNames;
use super::{keep_base, line, seen_leases};
use crate::audit;
use crate::base::error::{Error, Kind, Result};
use crate::base::ids::SnapshotId;
use crate::base::monitor::{Monitor, Phase};
use crate::base::screen::Line;
use crate::context::Context;
use crate::git::{NewCommit, PushAnswer, Remote, RemoteRef, Repository, Retries, UNPACKER_ERROR};
use crate::manifest::Manifest;
use crate::redaction;
use crate::store::{Entry, LogEntry, Operation, Reference, Store, check_may_travel, check_sound};
use crate::sys::files::Scratch;
use crate::transfer::commit_format::{self, RemoteSnapshot};
use crate::workspace::Workspace;

/// A snapshot that is to be sent.
pub struct ToPush {
    /// What means it in the store.
    pub reference: String,
    /// Whether a person said which one, and not only the newest.
    pub by_name: bool,
}

/// A remote, opened for snapshots of one store.
pub struct Remotes<'a> {
    pub(super) context: &'a Context,
    pub(super) workspace: &'a Workspace,
    pub(super) store: &'a Store,
    pub(super) repository: Option<&'a Repository>,
    pub(super) remote: Remote<'a>,
    /// What is kept of its names, once it was listed; `None` if nothing can be.
    pub(super) names: OnceCell<Option<RemoteNames<'a>>>,
    /// Whether names that were made of prompts stay out of messages.
    pub(super) private: bool,
    /// The leases that were there when the remote was listed last.
    pub(super) leases: Vec<Lease>,
    /// Holds the scratch repository; it goes with this value.
    pub(super) monitor: Option<&'a Monitor>,
    _scratch: Scratch,
}

impl<'a> Remotes<'a> {
    /// Opens a remote by name or address. `tell` gets messages about failed tries.
    ///
    /// # Errors
    /// As [`Remote::open`].
    pub fn open(
        context: &'a Context,
        workspace: &'a Workspace,
        address: &str,
        interactive: bool,
        tell: &'a mut dyn FnMut(&str),
    ) -> Result<Remotes<'a>> {
        // In the store, which lies in the project: settings that the user's configuration
        // makes for the folders above (`includeIf "gitdir:…"`) hold here too.
        let scratch = workspace.scratch_for(&context.cwd, address)?;
        let repository = workspace.repository.as_ref();
        let mut remote = Remote::open(repository, &context.cwd, &scratch.path(), address, interactive, tell)?;
        let usual = Retries::default();
        remote.try_again(Retries {
            tries: context.tries.unwrap_or(usual.tries),
            first_wait: context.first_wait.unwrap_or(usual.first_wait),
        });
        Ok(Remotes {
            context,
            workspace,
            store: &workspace.store,
            repository,
            remote,
            names: OnceCell::new(),
            private: false,
            leases: Vec::new(),
            monitor: None,
            _scratch: scratch,
        })
    }

    /// Has transfers say how far they are.
    pub fn watch(&mut self, monitor: &'a Monitor) {
        self.monitor = Some(monitor);
        self.remote.watch(monitor);
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
    pub fn push(&mut self, wanted: &[ToPush], allow_secrets: &[String]) -> Result<Vec<TransferResult>> {
        let (mut chosen, mut unnamed): (Vec<Entry>, Vec<SnapshotId>) = Default::default();
        for ToPush { reference, by_name } in wanted {
            let entry = self.store.find(&Reference::parse(reference))?;
            if let Ok(manifest) = &entry.manifest {
                check_may_travel(manifest)?;
                unnamed.extend((!by_name).then(|| manifest.id.clone()));
            }
            if chosen.iter().all(|other| other.stem != entry.stem) {
                chosen.push(entry);
            }
        }
        let mut there = self.places();
        for manifest in chosen.iter().filter_map(|entry| entry.manifest.as_ref().ok()) {
            there = audit::unless_failed(self.store, &self.line(Operation::Push, Some(manifest)), there);
        }
        let there = there?;
        for (entry, manifest) in chosen.iter().filter_map(|one| Some((one, one.manifest.as_ref().ok()?))) {
            if unnamed.contains(&manifest.id) {
                self.refuse_unnamed(manifest, &entry.called, &there)?;
            }
        }
        let Beginnings { along, taken_back } = self.beginnings(&chosen, &there)?;
        let along_ids = common_snapshots::mine(&along).into_keys().cloned().collect();
        chosen.extend(along);
        let wanted = common_snapshots::mine(&chosen);
        let in_order = chosen.iter().filter_map(|entry| entry.manifest.as_ref().ok());
        let wanted: Vec<Mine<'_>> = in_order.filter_map(|m| wanted.get(&m.id).copied()).collect();
        let mut handed = self.send(&wanted, there, allow_secrets);
        for one in &wanted {
            handed =
                audit::unless_failed(self.store, &self.line(Operation::Push, Some(one.manifest)), handed);
        }
        let (wanted, handed) = self.without_what_stays(wanted, handed?, &along_ids);
        for (one, handed) in wanted.iter().zip(&handed) {
            self.log(Operation::Push, one.manifest, &handed.fate);
        }
        let sent = handed.iter().filter(|one| matches!(one.fate, TransferOutcome::Done));
        sent.clone().for_each(|one| peers::forget_head(self.context, &one.id));
        if sent.count() > 0 {
            for what in taken_back {
                self.remote.tell(&format!("this went without {what}, so a merge may have conflicts"));
            }
        }
        // Whoever hands on what came of a snapshot no longer works on that one.
        let me = lease::name_of(&self.context.user, &self.context.host);
        let parents: Vec<&SnapshotId> = wanted
            .iter()
            .zip(&handed)
            .filter(|(_, handed)| matches!(handed.fate, TransferOutcome::Done))
            .filter_map(|(one, _)| one.manifest.parent.as_ref())
            .collect();
        self.forget_leases(|lease| lease.who == me && parents.contains(&&lease.id));
        Ok(as_called_here(self.store, handed))
    }

    fn send(
        &mut self,
        wanted: &[Mine<'_>],
        there: Vec<RemoteSnapshot>,
        allow_secrets: &[String],
    ) -> Result<Vec<TransferResult>> {
        let entries = self.store.entries()?;
        let mine = common_snapshots::mine(&entries);
        let (old, new): (Vec<Mine<'_>>, Vec<Mine<'_>>) =
            wanted.iter().partition(|one| there.iter().any(|place| is_place_of(place, one.manifest)));
        let mut handed = Vec::new();
        for one in old {
            handed.push(self.compare(one.manifest, &there, || unknown(one.manifest)));
        }
        let mut clean = Vec::new();
        for one in new {
            let json = common_snapshots::manifest_of(self.store, one.entry)?;
            let sound = check_sound(&json, one.manifest, self.context.now);
            let quiet = Monitor::default();
            let monitor = self.monitor.unwrap_or(&quiet);
            let searched = sound
                .and_then(|()| redaction::check(self.workspace, one.manifest, false, allow_secrets, monitor));
            match searched {
                Ok(()) => clean.push(one),
                Err(error) => handed.push(TransferResult::new(one.manifest, TransferOutcome::Failed(error))),
            }
        }
        let new = clean;
        common_snapshots::lay(
            &self.remote,
            self.store,
            &mine,
            &common_snapshots::to_push_on(&mine, &there, &new),
        )?;
        let names: Vec<String> = new.iter().map(|one| commit_format::ref_of(one.manifest)).collect();
        let oids = if new.is_empty() {
            Vec::new()
        } else {
            common_snapshots::write(&self.remote, self.store, &new, &names, |one| self.tells_no_words(one))?
        };
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

    /// Fetches snapshots: those that are named, else all that are not here, or the newest of these.
    ///
    /// # Errors
    /// As [`Remotes::push`].
    pub fn pull(&mut self, references: &[String], newest: Option<usize>) -> Result<Vec<TransferResult>> {
        let fetched = self.fetch(references, newest).map(|handed| as_called_here(self.store, handed));
        audit::unless_failed(self.store, &self.line(Operation::Pull, None), fetched)
    }

    fn fetch(&mut self, references: &[String], newest: Option<usize>) -> Result<Vec<TransferResult>> {
        let there = self.places()?;
        let entries = self.store.entries()?;
        let mut mine = common_snapshots::mine(&entries);
        let mut wanted: Vec<RemoteSnapshot> = Vec::new();
        let mut handed = Vec::new();
        if references.is_empty() {
            wanted = there.iter().filter(|place| !mine.contains_key(&place.id)).cloned().collect();
        }
        if let Some(newest) = newest.filter(|newest| *newest < wanted.len()) {
            // The newest come first.
            wanted = self.describe(&wanted)?.into_iter().take(newest).map(|one| one.place).collect();
        }
        for place in self.resolve_all(&there, references, false)? {
            if wanted.iter().any(|other| other.id == place.id) {
                continue;
            }
            match mine.get(&place.id) {
                Some(one) if one.is_whole(self.store) => {
                    // Its base commit may have come since.
                    keep_base(self.repository, one.manifest);
                    self.log(Operation::Pull, one.manifest, &TransferOutcome::Already);
                    handed.push(TransferResult::new(one.manifest, TransferOutcome::Already));
                }
                _ => wanted.push(place),
            }
        }
        // Nothing is built on one that is damaged here.
        mine.retain(|id, _| wanted.iter().all(|place| place.id != **id));
        if wanted.is_empty() {
            return Ok(handed);
        }
        common_snapshots::lay(
            &self.remote,
            self.store,
            &mine,
            &common_snapshots::to_fetch_on(&mine, &there),
        )?;
        self.bring(&wanted)?;
        for place in self.newest_first(wanted)? {
            handed.push(self.take(&place)?);
        }
        Ok(handed)
    }

    /// Deletes leases; what can't be deleted expires.
    pub(super) fn forget_leases(&mut self, which: impl Fn(&Lease) -> bool) {
        let gone: Vec<Lease> = self.leases.extract_if(.., |lease| which(lease)).collect();
        if !gone.is_empty() {
            let refs: Vec<RemoteRef> = gone.into_iter().map(|lease| lease.at).collect();
            let _best_effort = self.remote.delete(&refs);
            self.note_leases();
        }
    }

    /// Notes what is known of leases, for `snap status`.
    pub(super) fn note_leases(&self) {
        let _best_effort = seen_leases::note(self.context, &self.peer(), &self.leases);
    }

    /// Returns who else works on a snapshot that is on the remote; `None` if it is not there.
    ///
    /// # Errors
    /// [`Kind::Environment`] if the remote can't be reached.
    pub fn others_at_work(&mut self, id: &SnapshotId) -> Result<Option<Vec<Lease>>> {
        let there = self.places()?.iter().any(|place| place.id == *id);
        let me = lease::name_of(&self.context.user, &self.context.host);
        let others = |lease: &&Lease| lease.id == *id && lease.who != me && lease.counts(self.context.now);
        Ok(there.then(|| self.leases.iter().filter(others).cloned().collect()))
    }

    /// Leaves a lease beside a snapshot, in the place of an older one.
    ///
    /// # Errors
    /// [`Kind::Environment`] if the remote refuses it or can't be reached.
    pub fn lease(&mut self, id: &SnapshotId) -> Result<()> {
        let (me, now) = (lease::name_of(&self.context.user, &self.context.host), self.context.now);
        let name = lease::ref_of(id, &me, now);
        let seconds = now.as_millis().div_euclid(1_000);
        let commit = NewCommit {
            name: name.clone(),
            seconds,
            message: format!("{me} resumed {id}"),
            paths: Vec::new(),
            after: None,
        };
        let made = self.remote.write(&[commit], |_| true, |_, _| Ok(Vec::new()))?;
        let refs: Vec<RemoteRef> =
            made.into_iter().map(|oid| RemoteRef { oid, name: name.clone() }).collect();
        self.remote.create(&refs)?;
        self.leases.extend(refs.into_iter().filter_map(Lease::parse));
        self.note_leases();
        let stale = |lease: &Lease| lease.id == *id && (lease.who == me || !lease.counts(now));
        self.forget_leases(|lease| stale(lease) && lease.at.name != name);
        Ok(())
    }

    /// Begins a line of the log on this remote.
    pub(super) fn line(&self, operation: Operation, manifest: Option<&Manifest>) -> LogEntry {
        line(self.context, operation, manifest, &self.shown())
    }

    fn log(&self, operation: Operation, manifest: &Manifest, fate: &TransferOutcome) {
        if !matches!(fate, TransferOutcome::Failed(_)) {
            self.note(&manifest.id);
        }
        self.write(self.line(operation, Some(manifest)), fate);
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

    pub(super) fn write(&self, line: LogEntry, fate: &TransferOutcome) {
        let line = match fate {
            TransferOutcome::Done | TransferOutcome::Mended => line,
            TransferOutcome::Already => audit::skipped(line),
            TransferOutcome::Failed(error) => audit::failed(line, error),
        };
        audit::write(self.store, &line);
    }

    /// Says whether the remote has this very snapshot, or another one under its id. `absent` makes the
    /// error if it has neither.
    fn compare(
        &self,
        manifest: &Manifest,
        there: &[RemoteSnapshot],
        absent: impl FnOnce() -> Error,
    ) -> TransferResult {
        let Some(place) = there.iter().find(|place| is_place_of(place, manifest)) else {
            return TransferResult::new(manifest, TransferOutcome::Failed(absent()));
        };
        let fate = match self.is_same(manifest, place) {
            Ok(true) => TransferOutcome::Already,
            Ok(false) => TransferOutcome::Failed(
                Error::new(
                    Kind::Conflict,
                    format!(
                        "{} has other content under the id of \"{}\"",
                        self.shown(),
                        Line(&self.store.called(manifest))
                    ),
                )
                .because(format!("{} is not the snapshot {}", place.at.name, manifest.id))
                .hint("one of the two was changed after it was saved; nothing was overwritten"),
            ),
            Err(error) => TransferOutcome::Failed(error),
        };
        TransferResult::new(manifest, fate)
    }

    fn is_same(&self, manifest: &Manifest, place: &RemoteSnapshot) -> Result<bool> {
        let entry = self.store.find(&Reference::Named(manifest.id.to_string()))?;
        let json = self.store.manifest_bytes(&entry.stem)?;
        self.remote.fetch(&[&place.at.name], true)?;
        let theirs = commit_format::open(&mut self.remote.fetched()?, place);
        Ok(theirs.is_ok_and(|(theirs, _)| theirs == json))
    }

    fn rejected(&self, manifest: &Manifest, why: &str) -> Error {
        let name = Line(&self.store.called(manifest)).to_string();
        let error =
            Error::new(Kind::Environment, format!("{} did not accept \"{name}\"", self.shown())).because(why);
        error.hint(if why.contains(UNPACKER_ERROR) {
            "it could not store what was sent: it is full, something in it is damaged (`git fsck` there tells), or the connection broke; \
             nothing was transferred: mend that, and run the command again"
        } else {
            "some hosts accept only branches and tags; `snap export` makes a file that works anywhere"
        })
    }

    /// Takes in one snapshot that was fetched.
    fn take(&self, place: &RemoteSnapshot) -> Result<TransferResult> {
        let mut name = place.id.short().to_owned();
        let mut line = LogEntry { snapshot: Some(place.id.clone()), ..self.line(Operation::Pull, None) };
        let mut fetched = self.remote.fetched()?;
        let _checking = self.monitor.map(|monitor| monitor.begin(Phase::Checking, None));
        let tell = &mut |more| self.monitor.iter().for_each(|monitor| monitor.add_bytes(more));
        let taken = commit_format::receive(self.store, &mut fetched, place, self.context.now, tell).and_then(
            |incoming| {
                let shown = &incoming.manifest().name;
                name = Line(shown).to_string();
                line.name.clone_from(shown);
                incoming.publish(|manifest| keep_base(self.repository, manifest))
            },
        );
        let fate = match audit::unless_failed(self.store, &line, taken) {
            Ok(added) => {
                // Another one may have its name.
                if let Ok(entry) = self.store.find(&Reference::Named(place.id.to_string())) {
                    name = Line(&entry.called).to_string();
                }
                self.note(&place.id);
                audit::write(self.store, &line);
                if added.new { TransferOutcome::Done } else { TransferOutcome::Mended }
            }
            Err(error) => TransferOutcome::Failed(error),
        };
        Ok(TransferResult { name, id: place.id.clone(), fate })
    }
}

fn unknown(manifest: &Manifest) -> Error {
    Error::new(Kind::Bug, format!("{} was there a moment ago and is gone", manifest.id))
}
