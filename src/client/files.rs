//! The files of one session: which ones exist, and reading a transcript while it grows.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use super::listing::list;
use super::locate::glance::session_of;
use super::{ClientHome, FoundSession, is_helper};
use crate::base::error::{Error, IoContext, Result};
use crate::base::ids::ClientId;
use crate::manifest::Skipped;
use crate::sys::parallel;

/// Why links, sockets and the like are left out.
const NO_FILE: &str = "it is a link, or no file";

/// The files that belong to a session, beside its transcript.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct SessionFiles {
    /// One entry a sub-agent, by id.
    pub agents: Vec<AgentFiles>,
    /// The tasks of the queue, by number: path of each `N.json`.
    pub tasks: Vec<PathBuf>,
    /// Whether they are those of the session's team of agents.
    pub tasks_of_team: bool,
    /// Whether there is no folder for tasks at all.
    pub tasks_are_gone: bool,
    /// Every other file, with its place (`session/…`, `tasks/…`, `file-history/…`).
    pub others: Vec<(String, PathBuf)>,
    /// What exists but can't be saved: links, names that are not text, folders that can't be read.
    pub missing: Vec<Skipped>,
}

/// The files of one sub-agent.
#[derive(Debug, PartialEq, Eq)]
pub struct AgentFiles {
    /// The agent.
    pub id: ClientId,
    /// `agent-ID.jsonl`, if there is one.
    pub transcript: Option<PathBuf>,
    /// `agent-ID.meta.json`, if there is one.
    pub meta: Option<PathBuf>,
    /// The transcript that the agent has in the session that this one was branched from, if it has one there too.
    pub before: Option<PathBuf>,
}

impl ClientHome {
    /// Lists the files of a session; its tasks are those of the shared list if there is one, which the environment or
    /// the settings for the project at `root` name.
    pub fn session_files(&self, found: &FoundSession, root: &Path) -> SessionFiles {
        let mut files = SessionFiles::default();
        let beside = found.transcript.with_extension("");
        let mut missing = Vec::new();
        let behind = |link: &Path, place: &str| self.agent_behind_link(link, place);
        for (place, path) in walk_with(&beside, "session", &mut missing, &behind) {
            match agent_file(&place) {
                Some((id, is_meta)) => add_agent_file(&mut files.agents, id, is_meta, path),
                None => files.others.push((place, path)),
            }
        }
        for (id, path) in flat_agents(found) {
            if files.agents.iter().all(|agent| agent.id != id) {
                add_agent_file(&mut files.agents, id, false, path);
            }
        }
        let is_own = |agent: &mut AgentFiles| is_helper(&agent.id, agent.meta.is_some());
        for helper in files.agents.extract_if(.., is_own) {
            let place = format!("session/subagents/agent-{}.jsonl", helper.id);
            files.others.extend(helper.transcript.map(|path| (place, path)));
        }
        let list = |name: &str| self.config.join("tasks").join(name);
        let own = list(self.shared_tasks(root).as_ref().unwrap_or(&found.id).as_str());
        let teams = list(&ClientHome::team_list(&found.id));
        // What can't be looked at is not gone.
        let is_there = |folder: &Path| folder.try_exists().unwrap_or(true);
        files.tasks_of_team = !is_there(&own) && is_there(&teams);
        let tasks = if files.tasks_of_team { teams } else { own };
        files.tasks_are_gone = !is_there(&tasks);
        for (place, path) in walk(&tasks, "tasks", &mut missing) {
            match place.strip_prefix("tasks/").and_then(|name| name.strip_suffix(".json")) {
                Some(number) if ClientId::parse(number).is_some() => files.tasks.push(path),
                _ if place.ends_with("/.lock") => {}
                _ => files.others.push((place, path)),
            }
        }
        files.tasks.sort_by_key(|path| {
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
            (stem.parse::<u64>().unwrap_or(u64::MAX), stem)
        });
        let history = self.config.join("file-history").join(found.id.as_str());
        files.others.extend(walk(&history, "file-history", &mut missing));
        files.missing = missing;
        files
    }

    /// Returns the agent's file that a link leads to, if it is one that the client makes itself: to the file of the same
    /// agent beside another session (`/background` goes on under a new id).
    pub(super) fn agent_behind_link(&self, link: &Path, place: &str) -> Option<PathBuf> {
        agent_file(place)?;
        let target = link.canonicalize().ok()?;
        let is_agents =
            target.parent()?.file_name()? == "subagents" && target.file_name() == link.file_name();
        (is_agents && target.starts_with(self.projects().canonicalize().ok()?) && target.is_file())
            .then_some(target)
    }
}

pub(super) fn agent_file(place: &str) -> Option<(ClientId, bool)> {
    let name = place.strip_prefix("session/subagents/agent-")?;
    let (id, is_meta) = match (name.strip_suffix(".meta.json"), name.strip_suffix(".jsonl")) {
        (Some(id), _) => (id, true),
        (None, Some(id)) => (id, false),
        (None, None) => return None,
    };
    Some((ClientId::parse(id)?, is_meta))
}

/// Returns the transcripts of agents that lie beside the session's own, where clients before 2.1 kept them: their
/// records name the session.
fn flat_agents(found: &FoundSession) -> Vec<(ClientId, PathBuf)> {
    let beside = found.transcript.parent().map(list).and_then(Result::ok).unwrap_or_default();
    let named = |path: PathBuf| {
        let id = path.file_name()?.to_str()?.strip_prefix("agent-")?.strip_suffix(".jsonl")?;
        let is_file = path.symlink_metadata().is_ok_and(|meta| meta.is_file());
        Some((ClientId::parse(id).filter(|_| is_file)?, path))
    };
    let agents: Vec<(ClientId, PathBuf)> = beside.into_iter().filter_map(named).collect();
    let owners = parallel::map(&agents, 64, |(_, path)| session_of(path));
    let own = |owner: &Option<String>| owner.as_deref() == Some(found.id.as_str());
    agents.into_iter().zip(owners).filter(|(_, owner)| own(owner)).map(|(agent, _)| agent).collect()
}

pub(super) fn add_agent_file(agents: &mut Vec<AgentFiles>, id: ClientId, is_meta: bool, path: PathBuf) {
    let at = agents.iter().position(|agent| agent.id == id).unwrap_or_else(|| {
        agents.push(AgentFiles { id, transcript: None, meta: None, before: None });
        agents.len() - 1
    });
    let slot = if is_meta { &mut agents[at].meta } else { &mut agents[at].transcript };
    *slot = Some(path);
}

/// Lists the regular files below a folder with their places, sorted; links are not followed.
pub(super) fn walk(folder: &Path, place: &str, missing: &mut Vec<Skipped>) -> Vec<(String, PathBuf)> {
    walk_with(folder, place, missing, &|_, _| None)
}

/// The same, with what `behind` finds behind a link at a place.
fn walk_with(
    folder: &Path,
    place: &str,
    missing: &mut Vec<Skipped>,
    behind: &dyn Fn(&Path, &str) -> Option<PathBuf>,
) -> Vec<(String, PathBuf)> {
    let mut files = Vec::new();
    if folder.is_symlink() {
        missing.push(Skipped::at(folder, NO_FILE));
        return files;
    }
    for path in list_or_name(folder, missing) {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            missing.push(Skipped::at(&path, "its name is not text"));
            continue;
        };
        let here = format!("{place}/{name}");
        match path.symlink_metadata().map(|meta| meta.file_type()) {
            Ok(kind) if kind.is_dir() => {
                // In the place of a transcript it is none, whatever is in it.
                if agent_file(&here).is_some() {
                    missing.push(Skipped::at(&path, "it is a folder, and no file"));
                }
                files.extend(walk_with(&path, &here, missing, behind));
            }
            Ok(kind) if kind.is_file() => files.push((here, path)),
            Ok(kind) => match behind(&path, &here).filter(|_| kind.is_symlink()) {
                Some(target) => files.push((here, target)),
                None => missing.push(Skipped::at(&path, NO_FILE)),
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => missing.push(Skipped::at(&path, error)),
        }
    }
    files
}

/// Lists a folder's entries, sorted; one that can't be read is named, and empty.
pub(super) fn list_or_name(folder: &Path, missing: &mut Vec<Skipped>) -> Vec<PathBuf> {
    list(folder).unwrap_or_else(|error| {
        missing.push(Skipped::at(folder, error.cause()));
        Vec::new()
    })
}

/// A line over this many bytes gets room for all that may come.
const LONG: usize = 4 << 20;

/// The most room that is made for a line at once; none of it is used before it is filled.
const LARGEST_RESERVE: u64 = 512 << 20;

/// Reads JSONL line by line, up to the size that the file has when it is opened.
///
/// Yields whole records with their line ends. An unfinished last line is not yielded; it is
/// in [`Lines::torn`] afterwards. (A last line without its line end that is complete JSON
/// counts as whole.)
pub struct Lines<'a> {
    path: PathBuf,
    reader: BufReader<Box<dyn Read + 'a>>,
    size: usize,
    line: Vec<u8>,
    torn: Vec<u8>,
}

impl<'a> Lines<'a> {
    /// Opens a file.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with the path.
    pub fn open(path: &Path) -> Result<Lines<'a>> {
        let file = crate::sys::users_files::open_theirs(path).context("read", path)?;
        let size = file.metadata().context("read", path)?.len();
        Ok(Lines::over(path, file.take(size), size))
    }

    /// Opens a file as if these whole lines stood before it.
    ///
    /// # Errors
    /// As [`Lines::open`].
    pub fn behind(head: Vec<u8>, path: &Path) -> Result<Lines<'a>> {
        let file = crate::sys::users_files::open_theirs(path).context("read", path)?;
        let size = file.metadata().context("read", path)?.len();
        let all = size + head.len() as u64;
        Ok(Lines::over(path, std::io::Cursor::new(head).chain(file.take(size)), all))
    }

    /// Reads a part of an open file, from the beginning of a line.
    pub fn part(path: &Path, file: &'a File, part: Range<u64>) -> Lines<'a> {
        let size = part.end.saturating_sub(part.start);
        Lines::over(path, FilePart { file, at: part.start }.take(size), size)
    }

    /// Reads from a reader that gives about `size` bytes; errors name the path.
    pub fn over(path: &Path, reader: impl Read + 'a, size: u64) -> Lines<'a> {
        Lines {
            path: path.to_owned(),
            reader: BufReader::with_capacity(1 << 18, Box::new(reader)),
            size: usize::try_from(size.min(LARGEST_RESERVE)).unwrap_or(0),
            line: Vec::new(),
            torn: Vec::new(),
        }
    }

    /// Returns how many bytes there are to read, about.
    pub fn size(&self) -> u64 {
        self.size as u64
    }

    /// Returns the next whole line; `None` at the end.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with the path.
    pub fn next_line(&mut self) -> Result<Option<&[u8]>> {
        Ok(self.next_line_mut()?.map(|line| line.as_slice()))
    }

    /// As [`Lines::next_line`]; what is done to the line is not seen by later ones.
    ///
    /// # Errors
    /// As [`Lines::next_line`].
    pub fn next_line_mut(&mut self) -> Result<Option<&mut Vec<u8>>> {
        if self.line.capacity() > LONG {
            self.line = Vec::new();
        }
        self.line.clear();
        if let Err(error) = self.read_line() {
            // What comes from the store has its own error, which says more.
            let ours = error.downcast::<Error>();
            return Err(ours.unwrap_or_else(|error| Error::io("read", &self.path, &error)));
        }
        if self.line.is_empty() {
            return Ok(None);
        }
        if !self.line.ends_with(b"\n") && serde_json::from_slice::<serde::de::IgnoredAny>(&self.line).is_err()
        {
            self.torn = std::mem::take(&mut self.line);
            return Ok(None);
        }
        Ok(Some(&mut self.line))
    }

    fn read_line(&mut self) -> std::io::Result<()> {
        let mut is_long = false;
        loop {
            let ready = self.reader.fill_buf()?;
            let end = memchr::memchr(b'\n', ready).map(|at| at + 1);
            let length = end.unwrap_or(ready.len());
            if !is_long && self.line.len() + length > LONG {
                // Room for all of it at once: growing step by step would leave as much behind unused.
                is_long = true;
                let _grows_otherwise = self.line.try_reserve_exact(self.size);
            }
            self.line.extend_from_slice(&ready[..length]);
            self.reader.consume(length);
            if end.is_some() || length == 0 {
                return Ok(());
            }
        }
    }

    /// Returns the unfinished last line, once all others are read; empty if there is none.
    pub fn torn(&self) -> &[u8] {
        &self.torn
    }
}

/// Reads a file from a place on, whatever else is read of it.
struct FilePart<'a> {
    file: &'a File,
    at: u64,
}

impl Read for FilePart<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read_at(bytes, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &[u8]) -> (Vec<Vec<u8>>, Vec<u8>) {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), content).expect("written");
        let mut lines = Lines::open(file.path()).expect("opened");
        let mut all = Vec::new();
        while let Some(line) = lines.next_line().expect("read") {
            all.push(line.to_vec());
        }
        (all, lines.torn().to_vec())
    }

    #[test]
    fn a_torn_last_line_is_set_aside_and_a_whole_one_is_kept() {
        let (lines, torn) = read(b"{\"a\":1}\n{\"b\":2");
        assert_eq!((lines.len(), torn.as_slice()), (1, &b"{\"b\":2"[..]));
        let (lines, torn) = read(b"{\"a\":1}\n{\"b\":2}");
        assert_eq!((lines.len(), torn.len()), (2, 0));
        assert_eq!(read(b""), (vec![], vec![]));
    }
}
