//! The moment of a checkpoint whose conversation is read later: how far its files went then, and what is kept of it already.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde_json::value::RawValue;

use crate::base::error::{Error, IoContext as _, Kind, Result};
use crate::base::ids::ClientId;
use crate::base::timestamp::Timestamp;
use crate::client::{FoundSession, SessionFiles};
use crate::manifest::{Agent, SideFile, Skipped};

/// A longer text than this is no word of a command line, in bytes.
const LONGEST: usize = 100_000;

/// The conversation that is to be added to a snapshot: how long its files were. What came later is not of that moment.
///
/// Its text is `BYTES:AGENT=BYTES,…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Follows {
    /// The bytes of its transcript,
    bytes: u64,
    /// and of that of each sub-agent.
    agents: BTreeMap<ClientId, u64>,
}

impl Follows {
    /// Returns the conversation as it is now; `None` if its transcript can't be looked at, or if there are too many agents to
    /// tell another process of them.
    pub(super) fn of(found: &FoundSession, files: &SessionFiles) -> Option<Follows> {
        let length = |path: &Path| path.metadata().ok().map(|meta| meta.len());
        let of_agent = |path: Option<&Path>| path.and_then(length).unwrap_or(0);
        let agents = files.agents.iter().map(|one| (one.id.clone(), of_agent(one.transcript.as_deref())));
        let follows = Follows { bytes: length(&found.transcript)?, agents: agents.collect() };
        (follows.to_string().len() <= LONGEST).then_some(follows)
    }

    /// Returns the conversation of an earlier moment.
    pub(super) fn up_to(bytes: u64, agents: BTreeMap<ClientId, u64>) -> Follows {
        Follows { bytes, agents }
    }

    /// Reads its text.
    pub fn parse(text: &str) -> Option<Follows> {
        let (bytes, agents) = text.split_once(':')?;
        let agent = |one: &str| {
            let (id, bytes) = one.split_once('=')?;
            Some((ClientId::parse(id)?, bytes.parse().ok()?))
        };
        let agents = agents.split(',').filter(|one| !one.is_empty()).map(agent);
        Some(Follows { bytes: bytes.parse().ok()?, agents: agents.collect::<Option<_>>()? })
    }

    /// Refuses a transcript of which a part was taken away.
    pub(super) fn refuse_shortened(&self, transcript: &Path) -> Result<()> {
        let now = transcript.metadata().context("read", transcript)?.len();
        if now >= self.bytes {
            return Ok(());
        }
        Err(Error::new(Kind::Refused, format!("The conversation in {} is not saved", transcript.display()))
            .because("it was shortened by the step that it was to be saved before"))
    }

    /// Names the sub-agents that the step took away, or a part of them, before they were read; and what the client notes beside
    /// them, if that is of later than `since`.
    pub(super) fn taken_away(
        &self,
        found: &FoundSession,
        now: &SessionFiles,
        (since, read): (Timestamp, &[Agent]),
    ) -> Vec<Skipped> {
        let folder = found.transcript.with_extension("").join("subagents");
        let taken = |(id, bytes): (&ClientId, &u64)| {
            let there = now.agents.iter().find(|one| one.id == *id);
            let file = there.and_then(|one| one.transcript.clone());
            let file = file.unwrap_or_else(|| folder.join(format!("agent-{id}.jsonl")));
            let is_read = read.iter().any(|agent| agent.id == *id && agent.transcript.is_some());
            let why = match (file.metadata().map(|meta| meta.len()), there) {
                (Ok(length), _) if length < *bytes => "the step shortened it before it could be read",
                (Ok(_), _) => return None,
                // What the client notes of it may be all that there was.
                (Err(_), Some(_)) if *bytes == 0 => return None,
                (Err(_), _) if is_read => return None,
                (Err(_), _) => "the step removed this agent before it could be read",
            };
            Some(Skipped::at(&file, why))
        };
        let is_later = |path: &Path| {
            let written = path.metadata().and_then(|meta| meta.modified());
            written.is_ok_and(|written| Timestamp::from(written) > since)
        };
        let of_it = now.agents.iter().filter(|agent| self.agents.contains_key(&agent.id));
        let later = of_it.filter_map(|agent| agent.meta.as_deref()).filter(|path| is_later(path));
        let later = later.map(|path| Skipped::at(path, "it was written again before it could be read"));
        self.agents.iter().filter_map(taken).chain(later).collect()
    }
}

impl fmt::Display for Follows {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}:", self.bytes)?;
        for (number, (id, bytes)) in self.agents.iter().enumerate() {
            write!(to, "{}{id}={bytes}", if number == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

/// What is known of the moment.
#[derive(Clone, Copy)]
pub(super) struct Moment<'a> {
    pub(super) follows: &'a Follows,
    /// The tasks, which were kept with the edits,
    pub(super) tasks: &'a [Box<RawValue>],
    /// and the other files beside them.
    pub(super) files: &'a [SideFile],
    /// Whether they are those of the session's team.
    pub(super) of_team: bool,
}

impl Moment<'_> {
    /// Returns which of the present files are still to be read.
    pub(super) fn still_to_read(&self, now: SessionFiles) -> SessionFiles {
        let mut files = now;
        files.agents.retain(|agent| self.follows.agents.contains_key(&agent.id));
        files.others.retain(|(place, _)| !is_beside_tasks(place.as_bytes()));
        files.tasks.clear();
        files.tasks_are_gone &= self.tasks.is_empty();
        files.tasks_of_team = self.of_team;
        files
    }

    /// Returns up to which byte the transcript of the session is read,
    pub(super) fn bytes(moment: Option<Moment<'_>>) -> u64 {
        moment.map_or(u64::MAX, |moment| moment.follows.bytes)
    }

    /// and that of an agent.
    pub(super) fn bytes_of(moment: Option<Moment<'_>>, agent: &ClientId) -> u64 {
        moment.and_then(|moment| moment.follows.agents.get(agent)).copied().unwrap_or(u64::MAX)
    }
}

/// Says whether a side file lies where the tasks do.
pub(super) fn is_beside_tasks(place: &[u8]) -> bool {
    place.starts_with(b"tasks/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_is_read_back_from_its_text() {
        for text in ["5:", "5:ag1=10", "0:a.1=0,b_2=18446744073709551615"] {
            let follows = Follows::parse(text).expect("it");
            assert_eq!(follows.to_string(), text);
        }
        for wrong in ["", "5", "5:a", "5:a=", "x:a=1", "5:a=1:", "5:../a=1", "5:a=1,b"] {
            assert_eq!(Follows::parse(wrong), None, "{wrong:?}");
        }
    }
}
