//! What an earlier snapshot of the same session has already: by place in the transcript. Clocks say nothing here: one that was
//! set back would hide what is new, or show what is old.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::io::{BufRead as _, BufReader};

use serde::Deserialize;

use super::read_error::failed;
use crate::base::error::{Error, Kind, Result};
use crate::base::ids::SnapshotId;
use crate::manifest::{Manifest, Transcript};
use crate::store::Store;

/// How many lines at the beginning of each transcript an earlier snapshot has already.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    main: u64,
    agents: HashMap<String, u64>,
}

/// How two states of one conversation lie to each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Common {
    /// The lines of the newer one up to the last that both have.
    known: u64,
    /// Whether the newer one goes on behind it.
    newer_goes_on: bool,
    /// Whether the older one does.
    older_goes_on: bool,
}

#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow, default)]
    uuid: Option<Cow<'a, str>>,
}

impl Earlier {
    /// Finds what `after` has of each conversation of `manifest`.
    ///
    /// # Errors
    /// [`Kind::Usage`] if `after` is the later one of the two, [`Kind::Damaged`] if a part can't be read.
    pub(super) fn find(store: &Store, after: &Manifest, manifest: &Manifest) -> Result<Earlier> {
        let id = |manifest: &Manifest| manifest.session.as_ref().map(|session| session.id.clone());
        let of_one_session = id(after).is_some() && id(after) == id(manifest);
        let (mut earlier, mut main) = (Earlier::default(), Common::default());
        if of_one_session {
            let name = |agent: Option<&crate::manifest::Agent>| agent.map(|agent| agent.id.to_string());
            let old: HashMap<_, _> = after.transcripts().map(|(agent, old)| (name(agent), old)).collect();
            for (agent, new) in manifest.transcripts() {
                let Some(old) = old.get(&name(agent)) else { continue };
                let common = common(store, old, new)?;
                match name(agent) {
                    Some(agent) => drop(earlier.agents.insert(agent, common.known)),
                    None => (earlier.main, main) = (common.known, common),
                }
            }
        }
        let is_later = match (main.older_goes_on, main.newer_goes_on) {
            (true, false) => true,
            (false, false) => is_saved_later(store, after, manifest)?,
            _ => false,
        };
        if is_later {
            return Err(Error::new(Kind::Usage, "Cannot tell what lies between these two")
                .because("the first one was saved after the second one")
                .hint("name the older one first"));
        }
        Ok(earlier)
    }

    /// Returns how many lines of the session's own transcript are known, or of an agent's.
    pub(super) fn lines(&self, agent: Option<&str>) -> u64 {
        agent.map_or(self.main, |agent| self.agents.get(agent).copied().unwrap_or(0))
    }
}

/// Finds the last record of `new` that `old` has too.
fn common(store: &Store, old: &Transcript, new: &Transcript) -> Result<Common> {
    let hasher = RandomState::new();
    let (mut known, mut last) = (HashSet::new(), None);
    records(store, old, |_, uuid| {
        last = Some(hasher.hash_one(uuid));
        known.extend(last);
    })?;
    let mut common = Common { older_goes_on: last.is_some(), ..Common::default() };
    records(store, new, |line, uuid| {
        let hash = hasher.hash_one(uuid);
        common.newer_goes_on = !known.contains(&hash);
        if !common.newer_goes_on {
            common.known = line;
            common.older_goes_on &= last != Some(hash);
        }
    })?;
    // They have nothing in common where what the older one has was left out of the newer one.
    common.older_goes_on &= common.known > 0;
    Ok(common)
}

/// Reads a transcript; tells the number of each line that is a record with a name of its own, from 1, with that name.
fn records(store: &Store, transcript: &Transcript, mut tell: impl FnMut(u64, &str)) -> Result<()> {
    let mut lines = BufReader::with_capacity(64 << 10, store.pieces(&transcript.chunks));
    let (mut line, mut number) = (Vec::new(), 0);
    while lines.read_until(b'\n', &mut line).map_err(|error| failed(&error))? > 0 {
        number += 1;
        if let Ok(Record { uuid: Some(uuid) }) = serde_json::from_slice(&line) {
            tell(number, &uuid);
        }
        line.clear();
    }
    Ok(())
}

/// Says whether `one` was saved after `other`, where their conversations do not tell it: by which was saved after which, and
/// only then by their times.
fn is_saved_later(store: &Store, one: &Manifest, other: &Manifest) -> Result<bool> {
    let entries = store.entries()?;
    let parents: HashMap<&SnapshotId, &SnapshotId> = entries
        .iter()
        .filter_map(|entry| entry.manifest.as_ref().ok())
        .filter_map(|manifest| Some((&manifest.id, manifest.parent.as_ref()?)))
        .collect();
    let comes_after = |late: &Manifest, early: &Manifest| {
        let mut at = late.parent.as_ref();
        // As many steps as there are snapshots: what was forged may be a ring.
        for _ in 0..=parents.len() {
            match at {
                Some(id) if *id == early.id => return true,
                Some(id) => at = parents.get(id).copied(),
                None => return false,
            }
        }
        false
    };
    Ok(match (comes_after(one, other), comes_after(other, one)) {
        (true, false) => true,
        (false, true) => false,
        _ => one.created_at > other.created_at,
    })
}
