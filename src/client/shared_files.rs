//! Files of a session that the client keeps in folders that all sessions share: plans, the task lists of older
//! clients, and the notes of the project's memory.
//!
//! A place names such a file without the session's id or the project's path, so that it can go on under others:
//! `plans/SLUG.md`, `plans/SLUG-agent-AGENT.md`, `todos/own.json`, `todos/AGENT.json`, `memory/…`. Nothing that is here
//! is ever overwritten.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::files::{list_or_name, walk};
use super::{ClientHome, slug};
use crate::base::ids::ClientId;
use crate::base::paths::RepoPath;
use crate::manifest::Skipped;

/// The folder of a project's memory, below that of its transcripts, and its places.
const MEMORY: &str = "memory";

/// The folder of the scripts that set variables for the agent's commands, and their places.
pub(super) const SCRIPTS: &str = "session-env";

/// The most notes of a project's memory.
const MOST_NOTES: usize = 500;

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

    /// Lists the scripts that set variables for the agent's commands, with their places.
    pub fn scripts(&self, id: &ClientId, missing: &mut Vec<Skipped>) -> Vec<(RepoPath, PathBuf)> {
        let folder = self.config().join(SCRIPTS).join(id.as_str());
        let files = walk(&folder, SCRIPTS, missing).into_iter();
        let place = |(place, path): (String, PathBuf)| Some((RepoPath::new(place.as_bytes()).ok()?, path));
        files.filter_map(place).filter(|(place, _)| is_script(place)).collect()
    }

    /// Says what else the client keeps of a session and nothing here reads, in words.
    pub fn others_of(&self, id: &ClientId) -> Vec<String> {
        let start = id.as_str().get(..8).unwrap_or(id.as_str());
        let job = self.config().join("jobs").join(start);
        let told = [
            (job.is_dir(), "the job that it was in the background"),
            (
                self.config().join("history.jsonl").exists(),
                "the client's list of your earlier prompts (`history.jsonl`; the arrow keys go through it)",
            ),
        ];
        told.into_iter().filter(|(is_there, _)| *is_there).map(|(_, what)| what.to_owned()).collect()
    }

    /// Lists the notes of a project's memory, with their places; `root` is that of its main work tree.
    pub fn memory_files(&self, root: &Path, missing: &mut Vec<Skipped>) -> Vec<(RepoPath, PathBuf)> {
        let folder = self.projects().join(memory_folder(root));
        let mut files = walk(&folder, MEMORY, missing);
        if let Some((_, path)) = files.get(MOST_NOTES) {
            missing.push(Skipped::at(
                path,
                format!("it and {} more are too many", files.len() - MOST_NOTES - 1),
            ));
            files.truncate(MOST_NOTES);
        }
        let place = |(place, path): (String, PathBuf)| Some((RepoPath::new(place.as_bytes()).ok()?, path));
        files.into_iter().filter_map(place).collect()
    }
}

/// Returns the folder of a project's memory, below the one that holds a folder for each project.
pub(super) fn memory_folder(root: &Path) -> PathBuf {
    Path::new(&slug(&root.to_string_lossy())).join(MEMORY)
}

/// Says whether a place is one of these.
pub fn is_elsewhere(place: &RepoPath) -> bool {
    is_memory(place) || file_name(place, &ClientId::random()).is_some()
}

/// Says whether a place is a script that sets variables for the agent's commands.
pub fn is_script(place: &RepoPath) -> bool {
    let mut components = place.components();
    components.next().is_some_and(|first| first == SCRIPTS)
        && components.next().is_some_and(|name| Path::new(name).extension().is_some_and(|end| end == "sh"))
        && components.next().is_none()
}

/// Says whether a place is a note of the project's memory.
pub fn is_memory(place: &RepoPath) -> bool {
    place.components().next().is_some_and(|first| first == MEMORY) && place.components().count() > 1
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
