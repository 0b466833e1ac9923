//! The plan of a removal: which snapshots are removed (by a policy, by name or as automatic ones), and why.
//!
//! Made only by reading, shown as it is, and consumed by `removal.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::base::error::{Error, Kind, Result};
use crate::base::ids::SnapshotId;
use crate::base::monitor::Monitor;
use crate::base::screen::{Line, for_shell};
use crate::base::timestamp::Timestamp;
use crate::base::warning::Warning;
use crate::context::Context;
use crate::manifest::{Head, Manifest, Trigger};
use crate::prune::policy::{self, Candidate, Policy, Retention, Verdict};
use crate::store::{Destination, Entry, LogEntry, NO_NAME, Operation, Reference, Store, Sweep, UnreadEntry};
use crate::workspace::Workspace;

/// Which snapshots go, and why. It holds good as long as the lock that it was made under.
pub struct RemovalPlan {
    known: Arc<Vec<UnreadEntry>>,
    /// In the order in which they go.
    all: Vec<PlannedSnapshot>,
    pub(super) occasion: Occasion,
    /// Whether nothing goes by way of the trash.
    pub(super) at_once: bool,
}

/// A snapshot, and what becomes of it.
struct PlannedSnapshot {
    /// Its place among those that are known.
    number: usize,
    /// What it is called here.
    called: String,
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
        let store = &workspace.store;
        let known = store.known()?;
        let own = UnreadEntry::count_once(&known);
        let readable: Vec<(usize, &Head)> = known
            .iter()
            .enumerate()
            .filter_map(|(number, one)| Some((number, one.head.as_ref().ok()?)))
            .collect();
        let candidates: Vec<Candidate> = readable
            .iter()
            .map(|(number, head)| Candidate::of(&known[*number], head, own[*number]))
            .collect();
        let mut verdicts = policy::plan(&candidates, policy, context.now);
        if let Some(limit) = policy.max_size {
            let mut sizes = store.sizes();
            let pieces: Vec<Vec<(usize, u64)>> =
                readable.iter().map(|(number, _)| sizes.of(&known[*number])).collect();
            policy::limit_size(&candidates, &pieces, &mut verdicts, limit, policy.retention, context.now);
        }
        let mut by_number: BTreeMap<usize, Verdict> =
            readable.iter().map(|(number, _)| *number).zip(verdicts).collect();
        // Somebody else's may be odd in a way that only who reads all of it sees.
        for (number, verdict) in by_number.iter_mut().filter(|(_, verdict)| !verdict.keep) {
            if !own[*number] && store.whole(&known[*number]).is_none() {
                *verdict = Verdict::keep("it can't be read");
            }
        }
        // Those that can't be read are judged by nothing.
        let judge = |number: usize, _: &UnreadEntry| {
            by_number.remove(&number).unwrap_or_else(|| Verdict::keep("it can't be read"))
        };
        RemovalPlan::of(known, judge, Occasion::Policy)
    }

    /// Plans to remove the snapshots of these names, in this order. All are found before any is
    /// removed, so a wrong name removes nothing. A snapshot that can't be read is named by its file.
    ///
    /// # Errors
    /// [`Kind::NotFound`] and [`Kind::Ambiguous`], or [`Kind::Refused`] if one of them is pinned.
    pub fn by_name(workspace: &Workspace, references: &[String]) -> Result<RemovalPlan> {
        let store = &workspace.store;
        let mut named: Vec<String> = Vec::new();
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
                let name = Line(&entry.called).to_string();
                return Err(Error::new(Kind::Refused, format!("\"{name}\" is pinned; nothing was removed"))
                    .hint(format!("`snap unpin {}` allows it", for_shell(&entry.called))));
            }
            let known = store.known()?;
            let copies = copies_of(store, &known, &entry);
            if let Some(pinned) = copies.iter().find(|copy| copy.pinned) {
                let name = Line(&pinned.stem).to_string();
                return Err(Error::new(
                    Kind::Refused,
                    format!("A copy of \"{}\" is pinned; nothing was removed", Line(&entry.called)),
                )
                .because(format!("{name}.json holds the same snapshot"))
                .hint(format!("`snap unpin {}` allows it", for_shell(&entry.called))));
            }
            for stem in std::iter::once(&entry.stem).chain(copies.iter().map(|copy| &copy.stem)) {
                if !named.contains(stem) {
                    named.push(stem.clone());
                }
            }
        }
        let judge = |_: usize, one: &UnreadEntry| {
            if named.contains(&one.stem) {
                Verdict::remove("you chose it")
            } else {
                Verdict::keep("you did not choose it")
            }
        };
        let mut plan = RemovalPlan::of(store.known()?, judge, Occasion::Named)?;
        let known = Arc::clone(&plan.known);
        let place = |one: &PlannedSnapshot| named.iter().position(|stem| *stem == known[one.number].stem);
        plan.all.sort_by_key(|one| place(one).unwrap_or(named.len()));
        Ok(plan)
    }

    fn of(
        known: Arc<Vec<UnreadEntry>>,
        mut judge: impl FnMut(usize, &UnreadEntry) -> Verdict,
        occasion: Occasion,
    ) -> Result<RemovalPlan> {
        let mut called = Store::called_by_stem(&known);
        let planned = |(number, one): (usize, &UnreadEntry)| PlannedSnapshot {
            number,
            called: called.remove(&one.stem).unwrap_or_else(|| one.stem.clone()),
            verdict: judge(number, one),
        };
        let all = known.iter().enumerate().map(planned).collect();
        Ok(RemovalPlan { all, known, occasion, at_once: false })
    }

    /// Plans to remove nothing, for who only wants the trash emptied.
    ///
    /// # Errors
    /// [`Kind::Environment`] if the store can't be read.
    pub fn of_nothing(workspace: &Workspace) -> Result<RemovalPlan> {
        let judge = |_: usize, _: &UnreadEntry| Verdict::keep("no rule removes it");
        RemovalPlan::of(workspace.store.known()?, judge, Occasion::Policy)
    }

    /// Plans to remove these once more, that were brought back from the trash. One that is pinned now stays.
    pub(super) fn again(workspace: &Workspace, ids: &[SnapshotId]) -> Result<RemovalPlan> {
        let judge = |_: usize, one: &UnreadEntry| {
            let is_one = one.head.as_ref().is_ok_and(|head| ids.contains(&head.id));
            match (is_one, one.pinned) {
                (true, false) => Verdict::remove("it was removed before"),
                (true, true) => Verdict::keep("pinned"),
                (false, _) => Verdict::keep("it is another one"),
            }
        };
        RemovalPlan::of(workspace.store.known()?, judge, Occasion::Again)
    }

    /// Returns the same plan, but that what is removed is gone at once. By a policy, the trash is emptied too.
    #[must_use]
    pub fn at_once(self, at_once: bool) -> RemovalPlan {
        RemovalPlan { at_once, ..self }
    }

    /// Returns the snapshots that can be read, newest first, each by its name and id, with what becomes of it.
    pub fn judged(&self) -> impl Iterator<Item = (&str, &SnapshotId, &Verdict)> {
        self.all.iter().filter_map(|one| {
            let head = self.known[one.number].head.as_ref().ok()?;
            Some((one.called.as_str(), &head.id, &one.verdict))
        })
    }

    /// Returns the names of what is removed, safe to show.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.gone().map(|(_, called)| Line(called).to_string()).collect();
        // Several files may hold one snapshot.
        let mut seen = BTreeSet::new();
        names.retain(|name| seen.insert(name.clone()));
        names
    }

    /// Returns copies under other names of what is removed, which stay: they are not the same in everything.
    pub fn warnings(&self) -> Vec<Warning> {
        let gone: BTreeSet<&SnapshotId> =
            self.gone().filter_map(|(one, _)| Some(&one.head.as_ref().ok()?.id)).collect();
        let is_copy = |one: &&UnreadEntry| one.head.as_ref().is_ok_and(|head| gone.contains(&head.id));
        let copies = self.staying().filter(|_| self.occasion == Occasion::Named).filter(is_copy);
        copies.map(|one| Warning::CopyStays(one.stem.clone())).collect()
    }

    /// Says what would be freed, on the disk as it is.
    ///
    /// # Errors
    /// [`Kind::Environment`] if the store can't be read.
    pub fn would_free(&self, context: &Context, workspace: &Workspace) -> Result<Sweep> {
        let gone: BTreeSet<&str> = self.gone().map(|(one, _)| one.stem.as_str()).collect();
        let to = if self.at_once { Destination::Nowhere } else { Destination::Trash };
        workspace.store.would_free(&gone, to, context.now)
    }

    /// Returns the snapshots that are removed: what each is called, and its id.
    pub fn removed(&self) -> impl Iterator<Item = (&str, &SnapshotId)> {
        self.gone().filter_map(|(one, called)| Some((called, &one.head.as_ref().ok()?.id)))
    }

    /// Returns what is removed, each with what it is called.
    pub(super) fn gone(&self) -> impl Iterator<Item = (&UnreadEntry, &str)> {
        let gone = self.all.iter().filter(|one| !one.verdict.keep);
        gone.map(|one| (&self.known[one.number], one.called.as_str()))
    }

    /// Returns what stays, each with what it is called.
    pub(super) fn kept(&self) -> impl Iterator<Item = (&UnreadEntry, &str)> {
        let kept = self.all.iter().filter(|one| one.verdict.keep);
        kept.map(|one| (&self.known[one.number], one.called.as_str()))
    }

    pub(super) fn staying(&self) -> impl Iterator<Item = &UnreadEntry> {
        self.all.iter().filter(|one| one.verdict.keep).map(|one| &self.known[one.number])
    }
}

/// Returns the other files that hold the very snapshot of an entry: what has only its id may be anybody's.
fn copies_of<'k>(store: &Store, known: &'k [UnreadEntry], entry: &Entry) -> Vec<&'k UnreadEntry> {
    let Some(manifest) = entry.readable() else { return Vec::new() };
    let is_copy = |one: &&UnreadEntry| {
        one.stem != entry.stem
            && one.own == entry.own
            && one.head.as_ref().is_ok_and(|head| head.is_of(manifest))
            // The index may be wrong about a file; what is removed has to be read.
            && store.whole(one).is_some()
    };
    known.iter().filter(is_copy).collect()
}

/// Refuses to remove a snapshot by a name that it has only since another one of that name was removed: a
/// command that is repeated must not hit it.
fn refuse_another(entry: &Entry, reference: &str, log: &[LogEntry]) -> Result<()> {
    let Some(manifest) = entry.readable() else { return Ok(()) };
    // `NAME-2` is what is called so as long as there are two: each removal of one of them changes which.
    let is_numbered = |name: &str| {
        let number = name.strip_prefix(manifest.name.as_str()).and_then(|rest| rest.strip_prefix('-'));
        number.is_some_and(|number| number.parse::<u32>().is_ok())
    };
    if manifest.name != reference && !is_numbered(reference) {
        return Ok(());
    }
    let is_removal = |line: &LogEntry| {
        matches!(line.operation, Operation::Remove | Operation::Prune)
            && line.outcome.is_ok()
            && (line.name == reference
                || is_numbered(reference) && (line.name == manifest.name || is_numbered(&line.name))
                || !entry.own && line.name == NO_NAME)
    };
    let last = log.iter().rev().find(|line| line.snapshot.as_ref() == Some(&manifest.id) || is_removal(line));
    if last.is_none_or(|line| line.snapshot.as_ref() == Some(&manifest.id)) {
        return Ok(());
    }
    let (name, user) = (Line(reference).to_string(), Line(&manifest.created_by.user).to_string());
    let was =
        if last.is_some_and(|line| line.name == NO_NAME) { "may have been removed" } else { "was removed" };
    Err(Error::new(Kind::Refused, format!("\"{name}\" {was}; what is called so now is another snapshot"))
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
    let is_automatic = |known: &[UnreadEntry]| -> Vec<bool> {
        let made_by_hook = |head: &Head| head.created_by.trigger == Trigger::Auto;
        let own = UnreadEntry::count_once(known).into_iter().zip(known);
        own.map(|(own, one)| own && one.head.as_ref().is_ok_and(made_by_hook)).collect()
    };
    let retention = Retention::of(&context.settings);
    if is_automatic(&store.known()?).into_iter().filter(|is| *is).count() <= retention.automatic {
        return Ok(());
    }
    let lock = store.lock_for_deleting()?;
    // Read again: others may have removed some while the lock was waited for.
    let mut plan = RemovalPlan::by_policy(context, workspace, Policy { retention, ..Policy::default() })?;
    plan.occasion = Occasion::Automatic;
    let is_automatic = is_automatic(&plan.known);
    for one in plan.all.iter_mut().filter(|one| !is_automatic[one.number]) {
        one.verdict = Verdict::keep("no hook of yours made it");
    }
    plan.carry_out(context, workspace, &lock, &Monitor::default()).and_then(|removed| removed.finished())
}

/// Removes the safety snapshot of a restore that changed nothing after all, by the name of its file.
///
/// # Errors
/// What the disk or git says, or that others hold the store for longer than ten seconds.
pub fn remove_unneeded(context: &Context, workspace: &Workspace, stem: &str) -> Result<()> {
    let store = &workspace.store;
    let lock = store.lock_for_deleting()?;
    let judge = |_: usize, one: &UnreadEntry| {
        if one.stem == stem {
            Verdict::remove("nothing was changed")
        } else {
            Verdict::keep("it is another one")
        }
    };
    let plan = RemovalPlan::of(store.known()?, judge, Occasion::Unneeded)?.at_once(true);
    plan.carry_out(context, workspace, &lock, &Monitor::default()).and_then(|removed| removed.finished())
}

/// Puts the safety snapshot of a restore that was rolled back into the trash, if it is this user's own and nothing pins it. Says
/// whether it did.
///
/// # Errors
/// As [`remove_unneeded`].
pub fn discard_unneeded(context: &Context, workspace: &Workspace, id: &SnapshotId) -> Result<bool> {
    let store = &workspace.store;
    let lock = store.lock_for_deleting()?;
    let judge = |_: usize, one: &UnreadEntry| {
        let is_it = one.head.as_ref().is_ok_and(|head| head.id == *id && head.safety);
        if is_it && one.own && !one.pinned {
            Verdict::remove("nothing was changed")
        } else {
            Verdict::keep("it is another one")
        }
    };
    let plan = RemovalPlan::of(store.known()?, judge, Occasion::Automatic)?;
    let removes = plan.gone().count() > 0;
    plan.carry_out(context, workspace, &lock, &Monitor::default()).and_then(|removed| removed.finished())?;
    Ok(removes)
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
    fn of(one: &UnreadEntry, head: &Head, own: bool) -> Candidate {
        Candidate {
            created_at: one.dated(head, own),
            pinned: one.pinned,
            safety: head.safety,
            automatic: head.created_by.trigger == Trigger::Auto,
            own,
        }
    }

    fn pushed(pushed: &Pushed<'_>) -> Candidate {
        let here = pushed.here;
        Candidate {
            created_at: pushed.created_at,
            pinned: here.is_some_and(|(entry, _)| entry.pinned),
            safety: false,
            automatic: here.is_some_and(|(_, manifest)| manifest.created_by.trigger == Trigger::Auto),
            // Of what is there, only what this user pushed is looked at.
            own: true,
        }
    }
}
