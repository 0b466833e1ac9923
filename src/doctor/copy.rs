//! The files of a session, written once more under another id: mended, beside the session, which is not touched.
//!
//! Everything is staged and revealed as a whole, the transcript last, as for a resume. In the same place nothing in the
//! files becomes another but the session's own id.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::examine::{check_agent, damaged_lines};
use crate::base::error::{Error, IoContext as _, Kind, Result};
use crate::base::ids::ClientId;
use crate::base::paths::RepoPath;
use crate::client::transcript::repair::Mending;
use crate::client::{Folders, FoundSession, Lines, Placed, is_of_account};
use crate::manifest::Skipped;
use crate::remap::{MapSpec, PathMap, RemapMode, RemapReport, Remapper};
use crate::sys::users_files::open_theirs;
use crate::workspace::Workspace;

/// The files beside a transcript, on their way into a session of another id.
pub(super) struct Copied {
    /// Where each goes, with where it is.
    files: Vec<(RepoPath, PathBuf)>,
    /// What is left behind, and why.
    pub(super) missing: Vec<Skipped>,
}

impl Copied {
    /// Lists what a session has.
    pub(super) fn of(workspace: &Workspace, found: &FoundSession) -> Copied {
        let mut all: Vec<(String, PathBuf)> = Vec::new();
        let beside = found.home.session_files(found, &workspace.root);
        let mut missing = beside.missing;
        for agent in beside.agents {
            let place = |end: &str| format!("session/subagents/agent-{}.{end}", agent.id);
            all.extend(agent.transcript.map(|path| (place("jsonl"), path)));
            all.extend(agent.meta.map(|path| (place("meta.json"), path)));
        }
        for path in beside.tasks {
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            if beside.tasks_of_team {
                // Whether teams are on can't be known, and the client looks in one place only.
                all.push((format!("team-tasks/{name}"), path.clone()));
            }
            all.push((format!("tasks/{name}"), path));
        }
        all.extend(beside.others.into_iter().filter(|(place, _)| !is_of_account(place)));
        // Plans are named by the records and stay where they are.
        let none = std::collections::BTreeSet::new();
        let lists = found.home.files_elsewhere(&found.id, &none, &mut missing);
        let mut files: Vec<(RepoPath, PathBuf)> = Vec::new();
        for (place, path) in all {
            match RepoPath::new(place.as_bytes()) {
                Ok(place) => files.push((place, path)),
                Err(why) => missing.push(Skipped::at(&path, why)),
            }
        }
        files.extend(lists);
        files.extend(found.home.scripts(&found.id, &mut missing));
        Copied { files, missing }
    }

    /// Writes them, and then the transcript; nothing is left of it if any of that fails.
    ///
    /// # Errors
    /// [`Kind::Conflict`] if one of them appears meanwhile, [`Kind::Environment`] with the path, what `transcript` says.
    pub(super) fn install(
        &self,
        found: &FoundSession,
        id: &ClientId,
        cwd: &Path,
        transcript: &mut dyn FnMut(&Renaming, &mut dyn Write) -> Result<()>,
    ) -> Result<()> {
        let renaming = Renaming::new(&found.id, id)?;
        let places = self.files.iter().map(|(place, _)| place.clone()).collect();
        let placed = found.home.placed(id, Folders { cwd, memory_root: cwd }, places, id.as_str());
        let done = self.write(&placed, &renaming, transcript).and_then(|()| placed.reveal());
        if let Err(error) = done {
            placed.roll_back()?;
            return Err(error);
        }
        placed.clean_up()
    }

    fn write(
        &self,
        placed: &Placed,
        renaming: &Renaming,
        transcript: &mut dyn FnMut(&Renaming, &mut dyn Write) -> Result<()>,
    ) -> Result<()> {
        let as_it_is = |_: Option<&RepoPath>, file: File| -> io::Result<Box<dyn Read>> { Ok(Box::new(file)) };
        let mut placing = placed.begin(&as_it_is, &|_: &[u8]| false);
        for (place, path) in &self.files {
            placing.file(place, &mut |out| renaming.file(place, path, out))?;
        }
        placing.transcript(&mut |out| transcript(renaming, out))
    }
}

/// Puts one session id in the place of another.
pub(super) struct Renaming(Remapper);

impl Renaming {
    fn new(old: &ClientId, new: &ClientId) -> Result<Renaming> {
        let spec = MapSpec { session: Some((old.to_string(), new.to_string())), ..MapSpec::default() };
        let unusable = |why: crate::remap::MapError| {
            Error::new(Kind::Bug, "A session's id can't be replaced").because(why)
        };
        let map = PathMap::build(&spec).map_err(unusable)?;
        Remapper::new(&map, RemapMode::Keep).map(Renaming).map_err(unusable)
    }

    /// Writes a record of a transcript.
    ///
    /// # Errors
    /// [`Kind::Environment`] if the disk does not take it.
    pub(super) fn record(&self, record: &[u8], out: &mut dyn Write) -> Result<()> {
        let mut renamed = Vec::with_capacity(record.len() + 64);
        self.0.remap_line(record, &mut renamed, &mut RemapReport::default());
        out.write_all(&renamed).map_err(unwritten)
    }

    /// Writes an agent's transcript; where lines of it are damaged, what is whole on them.
    fn agent(&self, path: &Path, out: &mut dyn Write) -> Result<()> {
        let checked = check_agent(path)?;
        let is_damaged = damaged_lines(&checked).next().is_some();
        let (mut lines, mut mending) = (Lines::open(path)?, Mending::new(&checked));
        while let Some(line) = lines.next_line_mut()? {
            if is_damaged {
                mending.line(line, &mut |record| self.record(record, out))?;
            } else {
                self.record(line, out)?;
            }
        }
        Ok(())
    }

    /// Writes a file beside the transcript. Only agents and tasks have the id where the client looks for it.
    fn file(&self, place: &RepoPath, path: &Path, out: &mut dyn Write) -> Result<()> {
        let mut file = open_theirs(path).context("read", path)?;
        let name = place.to_string();
        let is_task = name.starts_with("tasks/") || name.starts_with("team-tasks/");
        let is_known = is_task || name.starts_with("session/subagents/agent-");
        if is_known && name.ends_with(".jsonl") {
            self.agent(path, out)?;
        } else if is_known && name.ends_with(".json") {
            let mut document = Vec::new();
            file.read_to_end(&mut document).context("read", path)?;
            self.record(&document, out)?;
        } else {
            io::copy(&mut file, out).map_err(unwritten)?;
        }
        Ok(())
    }
}

fn unwritten(error: io::Error) -> Error {
    Error::new(Kind::Environment, "Cannot write the mended session").because(error)
}
