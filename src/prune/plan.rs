//! The plan of a removal: which snapshots are removed (by a policy, by name or as automatic ones), and why.
//!
//! Made only by reading, shown as it is, and consumed by `removal.rs`.

use std::collections::BTreeSet;

use crate::base::error::{Error, Kind, Result};
use crate::base::ids::SnapshotId;
use crate::base::monitor::Monitor;
use crate::base::screen::Line;
use crate::base::timestamp::Timestamp;
use crate::base::warning::Warning;
use crate::context::Context;
use crate::manifest::{Manifest, Trigger};
use crate::prune::policy::{self, AUTOMATIC, Candidate, Policy, StoredPiece, Verdict};
use crate::store::{Destination, Entry, LogEntry, Operation, Reference, Store, Sweep};
use crate::workspace::Workspace;

/// Which snapshots go, and why. It holds good as long as the lock that it was made under.
pub struct RemovalPlan {
    all: Vec<PlannedSnapshot>,
    pub(super) occasion: Occasion,
    /// Whether manifests were set aside: they may need any object.
    some_aside: bool,
    /// Whether nothing goes by way of the trash.
    pub(super) at_once: bool,
}

/// A snapshot, and what becomes of it.
struct PlannedSnapshot {
    entry: Entry,
    verdict: Verdict,
}

/// Why snapshots are removed: it decides what the log says of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occasion {
    /// A person asked for a policy.
    Policy,
    /// A person named them.
    Named,
    /// They were removed before, and brought back since.
    Again,
    /// They were made by hooks, and there are newer ones.
    Automatic,
    /// The restore that they were made for changed nothing. The log never named them.
    Unneeded,
}

impl RemovalPlan {
    /// Judges all snapshots of a store by what a person asked for.
    ///
    /// # Errors
    /// [`Kind::Environment`] if the store can't be read.
    pub fn by_policy(context: &Context, workspace: &Workspace, policy: Policy) -> Result<RemovalPlan> {
        let entries = workspace.store.entries()?;
        let readable: Vec<(&Entry, &Manifest)> =
            entries.iter().filter_map(|entry| Some((entry, entry.manifest.as_ref().ok()?))).collect();
        let candidates: Vec<Candidate> =
            readable.iter().map(|(entry, manifest)| Candidate::of(entry, manifest)).collect();
        let mut verdicts = policy::plan(&candidates, policy, context.now);
        if let Some(limit) = policy.max_size {
            let pieces: Vec<Vec<StoredPiece>> =
                readable.iter().map(|(entry, manifest)| pieces(&workspace.store, entry, manifest)).collect();
            policy::limit_size(&candidates, &pieces, &mut verdicts, limit, context.now);
        }
        let mut verdicts = verdicts.into_iter();
        let all = entries.into_iter().map(|entry| {
            // Those that can't be read are judged by nothing.
            let verdict = if entry.manifest.is_ok() { verdicts.next() } else { None };
            PlannedSnapshot { entry, verdict: verdict.unwrap_or_else(|| Verdict::keep("it can't be read")) }
        });
        RemovalPlan::of(all.collect(), Occasion::Policy, &workspace.store)
    }

    /// Plans to remove the snapshots of these names, in this order. All are found before any is
    /// removed, so a wrong name removes nothing. A snapshot that can't be read is named by its file.
    ///
    /// # Errors
    /// [`Kind::NotFound`] and [`Kind::Ambiguous`], or [`Kind::Refused`] if one of them is pinned.
    pub fn by_name(workspace: &Workspace, references: &[String]) -> Result<RemovalPlan> {
        let store = &workspace.store;
        let mut named: Vec<Entry> = Vec::new();
        let log = store.read_log().unwrap_or_default();
        for reference in references {
            let entry = match store.find_exactly(&Reference::parse(reference).whole()) {
                Err(error) if matches!(error.kind(), Kind::Damaged | Kind::NotFound) => {
                    store.find_damaged(reference).ok_or(error)?
                }
                found => found?,
            };
            refuse_another(&entry, reference, &log)?;
            if entry.pinned {
                let name = shown_name(&entry);
                return Err(Error::new(Kind::Refused, format!("{name:?} is pinned; nothing was removed"))
                    .hint(format!("`snap unpin {name:?}` allows it")));
            }
            if named.iter().all(|other| other.stem != entry.stem) {
                named.push(entry);
            }
        }
        let stems: BTreeSet<String> = named.iter().map(|entry| entry.stem.clone()).collect();
        let named = named
            .into_iter()
            .map(|entry| PlannedSnapshot { entry, verdict: Verdict::remove("it was named") });
        let others = store.entries()?.into_iter().filter(|entry| !stems.contains(&entry.stem));
        let others =
            others.map(|entry| PlannedSnapshot { entry, verdict: Verdict::keep("it was not named") });
        RemovalPlan::of(named.chain(others).collect(), Occasion::Named, store)
    }

    fn of(all: Vec<PlannedSnapshot>, occasion: Occasion, store: &Store) -> Result<RemovalPlan> {
        Ok(RemovalPlan { all, occasion, some_aside: store.has_manifests_aside()?, at_once: false })
    }

    /// Plans to remove nothing, for who only wants the trash emptied.
    ///
    /// # Errors
    /// [`Kind::Environment`] if the store can't be read.
    pub fn of_nothing(workspace: &Workspace) -> Result<RemovalPlan> {
        let all = workspace.store.entries()?.into_iter();
        let all = all.map(|entry| PlannedSnapshot { entry, verdict: Verdict::keep("no rule removes it") });
        RemovalPlan::of(all.collect(), Occasion::Policy, &workspace.store)
    }

    /// Plans to remove these once more, that were brought back from the trash. One that is pinned now stays.
    pub(super) fn again(workspace: &Workspace, ids: &[SnapshotId]) -> Result<RemovalPlan> {
        let judge = |entry: Entry| {
            let is_one = entry.readable().is_some_and(|manifest| ids.contains(&manifest.id));
            let verdict = match (is_one, entry.pinned) {
                (true, false) => Verdict::remove("it was removed before"),
                (true, true) => Verdict::keep("pinned"),
                (false, _) => Verdict::keep("it is another one"),
            };
            PlannedSnapshot { entry, verdict }
        };
        let all = workspace.store.entries()?.into_iter().map(judge).collect();
        RemovalPlan::of(all, Occasion::Again, &workspace.store)
    }

    /// Returns the same plan, but that what is removed is gone at once. By a policy, the trash is emptied too.
    #[must_use]
    pub fn at_once(self, at_once: bool) -> RemovalPlan {
        RemovalPlan { at_once, ..self }
    }

    /// Returns the snapshots that can be read, newest first, each with what becomes of it.
    pub fn judged(&self) -> impl Iterator<Item = (&Entry, &Verdict)> {
        self.all.iter().filter(|one| one.entry.manifest.is_ok()).map(|one| (&one.entry, &one.verdict))
    }

    /// Returns the names of what is removed, safe to show.
    pub fn names(&self) -> Vec<String> {
        self.gone().map(shown_name).collect()
    }

    /// Returns what keeps space from being freed.
    pub fn warnings(&self) -> Vec<Warning> {
        let unreadable = self.staying().filter(|entry| entry.manifest.is_err());
        let unreadable = unreadable.map(|entry| Warning::UnreadableSnapshot(entry.stem.clone()));
        unreadable.chain(self.some_aside.then_some(Warning::ManifestsAside)).collect()
    }

    /// Says what would be freed, on the disk as it is.
    ///
    /// # Errors
    /// [`Kind::Environment`] if the store can't be read.
    pub fn would_free(&self, context: &Context, workspace: &Workspace) -> Result<Sweep> {
        let gone: BTreeSet<&str> = self.gone().map(|entry| entry.stem.as_str()).collect();
        let to = if self.at_once { Destination::Nowhere } else { Destination::Trash };
        workspace.store.would_free(&gone, to, context.now)
    }

    pub(super) fn gone(&self) -> impl Iterator<Item = &Entry> {
        self.all.iter().filter(|one| !one.verdict.keep).map(|one| &one.entry)
    }

    pub(super) fn staying(&self) -> impl Iterator<Item = &Entry> {
        self.all.iter().filter(|one| one.verdict.keep).map(|one| &one.entry)
    }
}

/// Refuses to remove somebody else's snapshot by a name that it has only since another one of that name was removed: a
/// command that is repeated must not hit it.
fn refuse_another(entry: &Entry, reference: &str, log: &[LogEntry]) -> Result<()> {
    let Some(manifest) = entry.readable().filter(|manifest| !entry.own && manifest.name == reference) else {
        return Ok(());
    };
    let is_removal = |line: &LogEntry| {
        matches!(line.operation, Operation::Remove | Operation::Prune)
            && line.outcome.is_ok()
            && line.name == reference
    };
    let last = log.iter().rev().find(|line| line.snapshot.as_ref() == Some(&manifest.id) || is_removal(line));
    if last.is_none_or(|line| line.snapshot.as_ref() == Some(&manifest.id)) {
        return Ok(());
    }
    let (name, user) = (Line(reference).to_string(), Line(&manifest.created_by.user).to_string());
    Err(Error::new(Kind::Refused, format!("{name:?} was removed; what is called so now is another snapshot"))
        .because(format!("{user} saved it; nothing was removed"))
        .hint(format!("`snap rm {}` removes it", manifest.id.short())))
}

/// Removes the user's automatic snapshots that their policy does not keep, and everything that only
/// they needed. Snapshots that are not proven to be the user's are neither counted nor removed.
///
/// # Errors
/// What the disk says, or that others hold the store for longer than ten seconds.
pub fn prune_automatic(context: &Context, workspace: &Workspace) -> Result<()> {
    let store = &workspace.store;
    let is_automatic = |entry: &Entry| {
        let made_by_hook = |m: &Manifest| m.created_by.trigger == Trigger::Auto;
        entry.own && entry.manifest.as_ref().is_ok_and(made_by_hook)
    };
    if store.entries()?.iter().filter(|entry| is_automatic(entry)).count() <= AUTOMATIC {
        return Ok(());
    }
    let lock = store.lock_for_deleting()?;
    // Read again: others may have removed some while the lock was waited for.
    let mut plan = RemovalPlan::by_policy(context, workspace, Policy::default())?;
    plan.occasion = Occasion::Automatic;
    for one in plan.all.iter_mut().filter(|one| !is_automatic(&one.entry)) {
        one.verdict = Verdict::keep("no hook of yours made it");
    }
    plan.carry_out(context, workspace, &lock, &Monitor::default()).map(drop)
}

/// Removes the safety snapshot of a restore that changed nothing after all, by the name of its file.
///
/// # Errors
/// What the disk or git says, or that others hold the store for longer than ten seconds.
pub fn remove_unneeded(context: &Context, workspace: &Workspace, stem: &str) -> Result<()> {
    let lock = workspace.store.lock_for_deleting()?;
    let judge = |entry: Entry| {
        let verdict = if entry.stem == stem {
            Verdict::remove("nothing was changed")
        } else {
            Verdict::keep("it is another one")
        };
        PlannedSnapshot { entry, verdict }
    };
    let all = workspace.store.entries()?.into_iter().map(judge).collect();
    let plan = RemovalPlan::of(all, Occasion::Unneeded, &workspace.store)?.at_once(true);
    plan.carry_out(context, workspace, &lock, &Monitor::default()).map(drop)
}

/// A snapshot on a remote, pushed by the user.
pub struct Pushed<'a> {
    /// When it was saved, as the remote says.
    pub created_at: Timestamp,
    /// The same in the store here.
    pub here: Option<(&'a Entry, &'a Manifest)>,
}

/// Decides about the snapshots that the user pushed to a remote, newest first, by the same policy as
/// for a store. A snapshot that claims to be from the future is kept and not counted.
pub fn judge_pushed(all: &[Pushed<'_>], policy: Policy, now: Timestamp) -> Vec<Verdict> {
    let candidates: Vec<Option<Candidate>> = all
        .iter()
        .map(|one| policy::is_believable(one.created_at, now).then(|| Candidate::pushed(one)))
        .collect();
    let known: Vec<Candidate> = candidates.iter().flatten().cloned().collect();
    let mut verdicts = policy::plan(&known, policy, now).into_iter();
    let odd = || Verdict::keep("its date can't be right; `snap rm --remote` removes it");
    candidates.iter().map(|one| one.as_ref().and_then(|_| verdicts.next()).unwrap_or_else(odd)).collect()
}

impl Candidate {
    fn of(entry: &Entry, manifest: &Manifest) -> Candidate {
        Candidate {
            created_at: entry.dated(manifest),
            pinned: entry.pinned,
            safety: manifest.safety.is_some(),
            automatic: manifest.created_by.trigger == Trigger::Auto,
            own: entry.own,
        }
    }

    fn pushed(pushed: &Pushed<'_>) -> Candidate {
        let here = pushed.here.map(|(entry, manifest)| Candidate::of(entry, manifest));
        Candidate {
            created_at: pushed.created_at,
            pinned: here.as_ref().is_some_and(|here| here.pinned),
            safety: false,
            automatic: here.is_some_and(|here| here.automatic),
            // Of what is there, only what this user pushed is looked at.
            own: true,
        }
    }
}

/// What a snapshot needs on disk: its manifest and its objects.
fn pieces(store: &Store, entry: &Entry, manifest: &Manifest) -> Vec<StoredPiece> {
    let objects = manifest.objects().into_iter();
    let objects = objects.map(|object| (object.object.to_string(), store.stored_size(&object)));
    objects.chain([(format!("{}.json", entry.stem), store.manifest_size(&entry.stem))]).collect()
}

/// Returns what a snapshot is called, or its file if it can't be read, safe to show.
pub fn shown_name(entry: &Entry) -> String {
    Line(&entry.called).to_string()
}

/// Returns the ids of the snapshots that can be read.
pub(super) fn ids<'a>(entries: impl Iterator<Item = &'a Entry>) -> BTreeSet<&'a SnapshotId> {
    entries.filter_map(|entry| Some(&entry.manifest.as_ref().ok()?.id)).collect()
}
