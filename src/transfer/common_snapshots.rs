//! What both sides have already: the snapshots that a transfer can build on.
//!
//! A snapshot of the store gives the same commit as on the remote. So the commit is made again in the
//! scratch repository each time, and git then sends only what is new. This costs one read of that snapshot.
//! It saves a second copy of everything pushed, which would have to be kept up to date. A wrong guess costs
//! bytes on the wire, nothing else.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::error::{Error, Kind, Result};
use crate::base::ids::SnapshotId;
use crate::base::monitor::{Monitor, Phase};
use crate::base::screen::Line;
use crate::git::Remote;
use crate::manifest::{Manifest, ObjectRef};
use crate::store::{Entry, Store};
use crate::transfer::commit_format::{self, MANIFEST, RemoteSnapshot, is_made_name};

/// The most snapshots that a fetch builds on: the newest of so many sessions.
const MOST_TO_FETCH_ON: usize = 4;

/// A snapshot of the store, readable.
#[derive(Clone, Copy)]
pub(super) struct Mine<'a> {
    pub(super) entry: &'a Entry,
    pub(super) manifest: &'a Manifest,
}

/// Returns the readable snapshots by id; `entries` are newest first.
pub(super) fn mine(entries: &[Entry]) -> BTreeMap<&SnapshotId, Mine<'_>> {
    let readable = entries.iter().filter_map(|entry| Some((entry, entry.manifest.as_ref().ok()?)));
    readable.map(|(entry, manifest)| (&manifest.id, Mine { entry, manifest })).collect()
}

impl Mine<'_> {
    /// Says whether all of it is here and sound.
    pub(super) fn is_whole(&self, store: &Store) -> bool {
        self.manifest.objects().iter().all(|object| store.frame(object).is_ok())
    }
}

/// Says whether a snapshot belongs there: what somebody else put under its id is none of it.
pub(super) fn is_place_of(place: &RemoteSnapshot, manifest: &Manifest) -> bool {
    place.at.name == commit_format::ref_of(manifest)
}

/// Says of what fails about a snapshot that was removed meanwhile that it was; nothing of it was sent yet.
fn unless_removed<T>(store: &Store, entry: &Entry, result: Result<T>) -> Result<T> {
    result.map_err(|error| {
        if store.still_has(entry) {
            return error;
        }
        let name = format!("\"{}\" was removed meanwhile", Line(&entry.called));
        Error::new(Kind::NotFound, name)
            .because("nothing was sent")
            .hint("`snap list -a` shows what is in the trash")
    })
}

/// Returns the manifest of a snapshot that is to be sent.
pub(super) fn manifest_of(store: &Store, entry: &Entry) -> Result<Vec<u8>> {
    unless_removed(store, entry, store.manifest_bytes(&entry.stem))
}

/// Returns, for each snapshot to send, the one on the remote that shares most with it.
pub(super) fn to_push_on<'p>(
    mine: &BTreeMap<&SnapshotId, Mine<'_>>,
    there: &'p [RemoteSnapshot],
    sent: &[Mine<'_>],
) -> Vec<&'p RemoteSnapshot> {
    let known: Vec<(&RemoteSnapshot, BTreeSet<_>)> = there
        .iter()
        .filter_map(|place| {
            let objects = mine.get(&place.id)?.manifest.objects();
            Some((place, objects.iter().map(|object| object.object).collect()))
        })
        .collect();
    let mut chosen: BTreeMap<&SnapshotId, &RemoteSnapshot> = BTreeMap::new();
    for one in sent {
        let objects = one.manifest.objects();
        let shared = |has: &BTreeSet<_>| -> u64 {
            let both = objects.iter().filter(|object: &&ObjectRef| has.contains(&object.object));
            both.map(|object| object.size).sum()
        };
        let best = known.iter().map(|(place, has)| (shared(has), *place)).max_by_key(|(bytes, _)| *bytes);
        if let Some((1.., place)) = best {
            chosen.insert(&place.id, place);
        }
    }
    chosen.into_values().collect()
}

/// Returns the newest snapshot of each session that is on the remote too.
pub(super) fn to_fetch_on<'p>(
    mine: &BTreeMap<&SnapshotId, Mine<'_>>,
    there: &'p [RemoteSnapshot],
) -> Vec<&'p RemoteSnapshot> {
    let mut both: Vec<(&RemoteSnapshot, &Manifest)> =
        there.iter().filter_map(|place| Some((place, mine.get(&place.id)?.manifest))).collect();
    both.sort_by_key(|(_, manifest)| std::cmp::Reverse(manifest.created_at));
    let mut sessions = BTreeSet::new();
    both.retain(|(_, manifest)| sessions.insert(manifest.session.as_ref().map(|session| &session.id)));
    both.into_iter().map(|(place, _)| place).take(MOST_TO_FETCH_ON).collect()
}

/// Makes the commits of these snapshots in the scratch repository. If that fails, the transfer still
/// works.
pub(super) fn lay(
    remote: &Remote<'_>,
    store: &Store,
    mine: &BTreeMap<&SnapshotId, Mine<'_>>,
    on: &[&RemoteSnapshot],
) -> Result<()> {
    let found: Vec<(&RemoteSnapshot, Mine<'_>)> =
        on.iter().filter_map(|place| Some((*place, *mine.get(&place.id)?))).collect();
    if found.is_empty() {
        return Ok(());
    }
    let mut both = Vec::new();
    // As it was pushed: with its name, or without it.
    let mut missing: Vec<usize> = (0..found.len()).collect();
    for private in [false, true] {
        let names: Vec<String> = missing.iter().map(|number| format!("refs/bases/{number}")).collect();
        let ours: Vec<Mine<'_>> = missing.iter().map(|number| found[*number].1).collect();
        let Ok(made) = write(remote, store, &ours, &names, |_| private) else { return Ok(()) };
        let mut others = Vec::new();
        for ((oid, number), name) in made.into_iter().zip(missing).zip(&names) {
            if oid == found[number].0.at.oid {
                both.push(oid);
            } else {
                remote.forget(name)?;
                others.extend(is_made_name(found[number].1.manifest).then_some(number));
            }
        }
        // Frames that another version of the compressor made give another commit.
        missing = others;
        if missing.is_empty() {
            break;
        }
    }
    let both: Vec<&str> = both.iter().map(String::as_str).collect();
    if both.is_empty() { Ok(()) } else { remote.build_on(&both) }
}

/// Makes the commits of snapshots in the scratch repository, under refs of these names, and
/// returns their ids; `private` says of which the message tells no name that was made. Every object is checked on the way.
pub(super) fn write(
    remote: &Remote<'_>,
    store: &Store,
    snapshots: &[Mine<'_>],
    names: &[String],
    private: impl Fn(&Manifest) -> bool,
) -> Result<Vec<String>> {
    let commits: Vec<_> = snapshots
        .iter()
        .zip(names)
        .map(|(one, name)| commit_format::commit_of(one.manifest, name.clone(), private(one.manifest)))
        .collect();
    let sizes: BTreeMap<_, _> = snapshots
        .iter()
        .flat_map(|one| one.manifest.objects())
        .map(|object| (object.object, object))
        .collect();
    let stored = sizes.values().map(|object| store.stored_size(object)).fold(0, u64::saturating_add);
    let quiet = Monitor::default();
    let monitor = remote.monitor().unwrap_or(&quiet);
    let _phase = monitor.begin(Phase::Packing, Some(stored));
    let none = || Error::new(Kind::Bug, "There is no such snapshot to write");
    remote.write(
        &commits,
        |path| path == MANIFEST,
        |number, path| match commit_format::object_of(path).and_then(|id| sizes.get(&id)) {
            Some(object) => {
                let Some(one) = snapshots.get(number) else { return Err(none()) };
                // The other half of the work is to give it to git, which tells of it.
                let mut half = monitor.share_of_work(store.stored_size(object) / 2, object.size);
                unless_removed(store, one.entry, store.frame_telling(object, |more| half.add(more)))
            }
            None => match snapshots.get(number) {
                Some(one) => manifest_of(store, one.entry),
                None => Err(none()),
            },
        },
    )
}
