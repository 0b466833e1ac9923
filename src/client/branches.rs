//! Agents of a branched conversation: their transcripts stay beside the session that it was branched from, and only what
//! they write later lies beside the branch.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::files::{AgentFiles, Lines, add_agent_file, agent_file};
use super::listing::list;
use super::{ClientHome, FoundSession};
use crate::base::error::Result;
use crate::base::ids::ClientId;

impl ClientHome {
    /// Adds what the sessions that a conversation was branched from have of these agents. One that lies beside the
    /// branch itself is only told what it has there too.
    pub fn add_agents_of(
        &self,
        found: &FoundSession,
        parents: &BTreeSet<ClientId>,
        wanted: &BTreeSet<ClientId>,
        agents: &mut Vec<AgentFiles>,
    ) {
        let own: BTreeSet<ClientId> = agents.iter().map(|agent| agent.id.clone()).collect();
        for folder in parents.iter().flat_map(|parent| self.agent_folders(found, parent)) {
            for path in list(&folder).unwrap_or_default() {
                let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                let place = format!("session/subagents/{name}");
                let Some((id, is_meta)) = agent_file(&place).filter(|(id, _)| wanted.contains(id)) else {
                    continue;
                };
                let plain = path.symlink_metadata().is_ok_and(|meta| meta.is_file());
                let target = if plain { Some(path) } else { self.agent_behind_link(&path, &place) };
                let Some(path) = target else { continue };
                match agents.iter_mut().find(|agent| agent.id == id && own.contains(&id)) {
                    Some(agent) if is_meta => agent.meta.get_or_insert(path),
                    Some(agent) => agent.before.get_or_insert(path),
                    None => {
                        let has = agents.iter().find(|agent| agent.id == id);
                        let has = has.is_some_and(|agent| {
                            if is_meta { agent.meta.is_some() } else { agent.transcript.is_some() }
                        });
                        if !has {
                            add_agent_file(agents, id, is_meta, path);
                        }
                        continue;
                    }
                };
            }
        }
    }

    /// Returns where a session's agents are, in the folder of this project or another one.
    fn agent_folders(&self, found: &FoundSession, session: &ClientId) -> Vec<PathBuf> {
        let beside = found.transcript.with_file_name(session.as_str());
        let others = self.transcripts(session).unwrap_or_default().into_iter();
        let mut folders = vec![beside];
        folders.extend(others.map(|transcript| transcript.with_extension("")));
        folders.dedup();
        folders.into_iter().map(|folder| folder.join("subagents")).filter(|folder| folder.is_dir()).collect()
    }
}

/// What links one record to the one before it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LinkView {
    #[serde(default)]
    uuid: Option<String>,
    #[serde(default)]
    parent_uuid: Option<String>,
}

/// Returns the records of `before` that an agent's transcript goes on from: all up to the one that its first record
/// follows. Empty if it does not go on from them.
///
/// # Errors
/// [`crate::base::error::Kind::Environment`] with the path.
pub fn head_of_agent(before: &Path, transcript: &Path) -> Result<Vec<u8>> {
    let mut lines = Lines::open(transcript)?;
    let mut first = None;
    while let Some(line) = lines.next_line()? {
        let link: Option<LinkView> = serde_json::from_slice(line).ok();
        if let Some(link) = link.filter(|link| link.uuid.is_some()) {
            first = link.parent_uuid;
            break;
        }
    }
    let Some(follows) = first else { return Ok(Vec::new()) };
    let (mut head, mut is_whole) = (Vec::new(), false);
    let mut lines = Lines::open(before)?;
    while let Some(line) = lines.next_line()? {
        let link: Option<LinkView> = serde_json::from_slice(line).ok();
        let uuid = link.and_then(|link| link.uuid);
        // Records beside the conversation belong to the one before them.
        if is_whole && uuid.is_some() {
            break;
        }
        is_whole |= uuid.as_ref() == Some(&follows);
        head.extend_from_slice(line);
        if !head.ends_with(b"\n") {
            head.push(b'\n');
        }
    }
    Ok(if is_whole { head } else { Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transcript_goes_on_from_the_record_that_its_first_one_follows() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).expect("written");
            path
        };
        let record = |uuid: &str, parent: &str| format!("{{\"uuid\":\"{uuid}\",\"parentUuid\":{parent}}}\n");
        let (one, two, three) = (record("1", "null"), record("2", "\"1\""), record("3", "\"2\""));
        let two = format!("{two}{{\"type\":\"beside\"}}\n");
        let before = write("before", &format!("{one}{two}{three}"));
        let head = |text: &str| {
            let own = write("own", text);
            String::from_utf8(head_of_agent(&before, &own).expect("read")).expect("text")
        };
        assert_eq!(head(&record("4", "\"2\"")), format!("{one}{two}"));
        assert_eq!(head(&record("4", "\"9\"")), "", "it follows something else");
        assert_eq!(head(&one), "", "it is whole");
        assert_eq!(head(""), "");
    }
}
