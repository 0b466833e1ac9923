//! What an earlier snapshot of the same session has already: by place in the transcript. Clocks say nothing here: one that was
//! set back would hide what is new, or show what is old.

use std::collections::HashMap;

use super::common::Common;
use crate::base::error::{Error, Kind, Result};
use crate::base::ids::SnapshotId;
use crate::manifest::Manifest;
use crate::store::Store;

/// How many lines at the beginning of each transcript an earlier snapshot has already.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    main: u64,
    agents: HashMap<String, u64>,
}

impl Earlier {
    /// Finds what `after` has of each conversation of `manifest`.
    ///
    /// # Errors
    /// [`Kind::Usage`] if `after` is the later one of the two, [`Kind::Damaged`] if a part can't be read.
    pub(super) fn find(store: &Store, after: &Manifest, manifest: &Manifest) -> Result<Earlier> {
        let (mut earlier, mut main) = (Earlier::default(), Common::default());
        let name = |agent: Option<&crate::manifest::Agent>| agent.map(|agent| agent.id.to_string());
        let old: HashMap<_, _> = after.transcripts().map(|(agent, old)| (name(agent), old)).collect();
        for (agent, new) in manifest.transcripts() {
            // A copy of a session under another id has the same records.
            let Some(old) = old.get(&name(agent)) else { continue };
            let common = Common::find(store, old, new)?;
            let known = if common.is_any() { common.lines_of_newer(store, new)? } else { 0 };
            match name(agent) {
                Some(agent) => drop(earlier.agents.insert(agent, known)),
                None => (earlier.main, main) = (known, common),
            }
        }
        let is_later = match (main.older_goes_on(), main.newer_goes_on()) {
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

/// Says whether `one` was saved after `other`, where their conversations do not tell it: by which was saved after which, and
/// only then by their times.
fn is_saved_later(store: &Store, one: &Manifest, other: &Manifest) -> Result<bool> {
    let comes_after = |late: &[SnapshotId], early: &Manifest| late.contains(&early.id);
    let (of_one, of_other) = (store.line_of(one)?, store.line_of(other)?);
    Ok(match (comes_after(&of_one[1..], other), comes_after(&of_other[1..], one)) {
        (true, false) => true,
        (false, true) => false,
        // Of two that went apart each has something beyond the other.
        _ if of_one.iter().any(|id| of_other.contains(id)) => false,
        _ => one.created_at > other.created_at,
    })
}
