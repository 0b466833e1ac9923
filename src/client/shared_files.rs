//! Files of a session in folders that all sessions share: plans, and the task lists of older clients.
//!
//! A place names such a file without the session's id, so the file can get another id: `plans/SLUG.md`,
//! `plans/SLUG-agent-AGENT.md`, `todos/own.json`, `todos/AGENT.json`. No existing file is ever overwritten.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::ClientHome;
use super::files::list_or_name;
use crate::base::ids::ClientId;
use crate::base::paths::RepoPath;
use crate::manifest::Skipped;

/// Stands for the session itself in the name of its own list.
const OWN: &str = "own";

impl ClientHome {
    /// Lists these files with their places, for a session whose records name these plans. Names those
    /// that can't be read.
    pub fn files_elsewhere(
        &self,
        id: &ClientId,
        plans: &BTreeSet<String>,
        missing: &mut Vec<Skipped>,
    ) -> Vec<(RepoPath, PathBuf)> {
        let mut found = Vec::new();
        let folder = |name: &str| self.config().join(name);
        for path in if plans.is_empty() { Vec::new() } else { list_or_name(&folder("plans"), missing) } {
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            let of_session = |plan: &String| {
                stem.strip_prefix(plan.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with("-agent-"))
            };
            if path.extension().is_some_and(|end| end == "md") && plans.iter().any(of_session) {
                found.extend(
                    RepoPath::new(format!("plans/{stem}.md").as_bytes()).ok().map(|place| (place, path)),
                );
            }
        }
        for path in list_or_name(&folder("todos"), missing) {
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            if let Some(agent) = stem.strip_prefix(&format!("{id}-agent-"))
                && path.extension().is_some_and(|end| end == "json")
            {
                let agent = if agent == id.as_str() { OWN } else { agent };
                found.extend(
                    RepoPath::new(format!("todos/{agent}.json").as_bytes()).ok().map(|place| (place, path)),
                );
            }
        }
        found.retain(|(_, path)| path.symlink_metadata().is_ok_and(|meta| meta.is_file()));
        found
    }
}

/// Says whether a place is one of these.
pub fn is_elsewhere(place: &RepoPath) -> bool {
    file_name(place, &ClientId::random()).is_some()
}

/// Returns the client's folder and the file's name in it, for a session of this id; `None` for another place.
pub(super) fn file_name(place: &RepoPath, id: &ClientId) -> Option<(&'static str, PathBuf)> {
    let (folder, name) = place.as_path().to_str()?.split_once('/')?;
    if name.contains('/') {
        return None;
    }
    match (folder, Path::new(name).extension()?.to_str()?) {
        ("plans", "md") => Some(("plans", name.into())),
        ("todos", "json") => {
            let agent = name.strip_suffix(".json").filter(|agent| *agent != OWN).unwrap_or(id.as_str());
            Some(("todos", format!("{id}-agent-{agent}.json").into()))
        }
        _ => None,
    }
}
