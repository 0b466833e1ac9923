//! Captures the session: transcript, sub-agents, tasks, queue, grants, side files.
//!
//! Everything is read while the client may be writing: a transcript is kept up to the last
//! whole record it had when it was opened. Files are streamed in pieces, so that memory
//! does not grow with the session.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::value::RawValue;

use crate::chunks::Chunker;
use crate::error::{IoContext as _, Result};
use crate::fs;
use crate::manifest::{
    Agent, AgentStatus, Content, HistoryStart, NotCaptured, Permissions, Session, SideFile, Transcript,
};
use crate::paths::RepoPath;
use crate::session::facts::Facts;
use crate::session::{AgentFiles, Found, Lines};
use crate::store::{AddLock, Store};
use crate::workspace::Workspace;

/// A task or an agent's metadata over this many bytes is no JSON of the client's.
const LARGEST_JSON: u64 = 4 << 20;

/// Side files are kept in pieces of at most this many bytes.
const PIECE: u64 = 4 << 20;

/// How much of the conversation to save.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    /// All of it.
    Full,
    /// None: only the state around it.
    None,
}

/// The parts of a manifest that come from the client's files.
#[derive(Default)]
pub(super) struct Captured {
    pub(super) session: Option<Session>,
    pub(super) tasks: Vec<Box<RawValue>>,
    pub(super) queue: Vec<String>,
    pub(super) agents: Vec<Agent>,
    pub(super) permissions: Permissions,
    pub(super) not_captured: NotCaptured,
    pub(super) notes: Vec<String>,
}

/// Captures the session that was found, or only the grants if there is none.
pub(super) fn capture(
    workspace: &Workspace,
    found: Option<&Found>,
    history: History,
    lock: &AddLock,
) -> Result<Captured> {
    let mut captured = Captured::default();
    let settings = workspace.client.settings(&workspace.root)?;
    captured.permissions.mode = settings.default_mode;
    captured.permissions.project = settings.rules;
    captured.not_captured.mcp_servers = settings.servers;
    captured.not_captured.environment = settings.environment.into_iter().collect();
    let unreadable = settings.unreadable.iter();
    captured.notes.extend(unreadable.map(|file| format!("{file} is not JSON: its rules were not saved.")));
    if let Some(found) = found {
        let reader = Reader { store: &workspace.store, lock };
        reader.read(workspace, found, history, &mut captured)?;
    }
    Ok(captured)
}

struct Reader<'a> {
    store: &'a Store,
    lock: &'a AddLock,
}

impl Reader<'_> {
    fn read(
        &self,
        workspace: &Workspace,
        found: &Found,
        history: History,
        captured: &mut Captured,
    ) -> Result<()> {
        let mut facts = Facts::default();
        let transcript = self.transcript(&found.transcript, history, &mut facts)?;
        if transcript.torn.is_some() && found.live.is_none() {
            captured.notes.push(format!(
                "The last line of {} is unfinished; it is kept aside, and the history ends before it.",
                found.transcript.display()
            ));
        }
        let files = workspace.client.session_files(found)?;
        captured.notes.extend(
            files.unnamed.iter().map(|path| {
                format!("{} was not saved: it is a link, or its name is not text.", path.display())
            }),
        );
        let mut others = files.others;
        for path in files.tasks {
            let small = path.metadata().is_ok_and(|meta| meta.len() <= LARGEST_JSON);
            let json = if small { fs::read_plain(&path, LARGEST_JSON)? } else { Some(Vec::new()) };
            match json.as_deref().map(|json| task(json, &path)) {
                Some(Some(task)) => captured.tasks.push(task),
                // Not what tasks are in any version that is known: carried as a mere file.
                Some(None) => others.extend(place_of(&path, "tasks")),
                // Finished and removed by the client since the folder was listed.
                None => {}
            }
        }
        for agent in &files.agents {
            let entry = self.agent(agent, history, &facts, found)?;
            if entry.meta.is_none() {
                others.extend(agent.meta.as_deref().and_then(|path| place_of(path, "session/subagents")));
            }
            captured.agents.push(entry);
        }
        let mut side_files = Vec::new();
        // Tool results are conversation too.
        others.retain(|(place, _)| history == History::Full || !place.starts_with("session/"));
        for (place, path) in &others {
            match RepoPath::new(place.as_bytes()) {
                Ok(place) => side_files.extend(self.side_file(place, path)?),
                Err(why) => captured.notes.push(format!("{} was not saved: {why}", path.display())),
            }
        }
        captured.queue =
            facts.queue.iter().filter(|prompt| !prompt.contains("<task-notification>")).cloned().collect();
        captured.not_captured.processes = facts.open_shells();
        let (session, other) = facts.decisions.into_iter().partition(|decision| decision.scope == "session");
        captured.permissions.session = session;
        captured.permissions.decisions = other;
        captured.permissions.mode = facts.mode.clone().or(captured.permissions.mode.take());
        let cwd = match (&found.live, &facts.cwd) {
            (Some(live), _) => live.cwd.as_path().into(),
            (None, Some(cwd)) => Path::new(cwd).into(),
            (None, None) => workspace.root.as_path().into(),
        };
        captured.session = Some(Session {
            id: found.id.clone(),
            title: facts.title,
            client: facts.client,
            model: facts.model,
            status: found.live.as_ref().and_then(|live| live.status.clone()),
            live: found.live.is_some(),
            waiting_for: found.live.as_ref().and_then(|live| live.waiting_for.clone()),
            mode: facts.mode,
            cwd,
            transcript: (history == History::Full).then_some(transcript),
            files: side_files,
        });
        Ok(())
    }

    fn transcript(&self, path: &Path, history: History, facts: &mut Facts) -> Result<Transcript> {
        let mut lines = Lines::open(path)?;
        let mut chunker = Chunker::default();
        let mut transcript = Transcript { from: HistoryStart::Start, ..Transcript::default() };
        let mut chunks = Vec::new();
        let mut keep = |piece: &[u8]| {
            chunks.push(self.store.put(self.lock, piece)?);
            Ok(())
        };
        while let Some(line) = lines.next_line()? {
            facts.observe(line);
            if history == History::None {
                continue;
            }
            transcript.records += 1;
            transcript.bytes += line.len() as u64;
            chunker.push(line, &mut keep)?;
        }
        chunker.finish(&mut keep)?;
        transcript.chunks = chunks;
        if !lines.torn().is_empty() && history == History::Full {
            transcript.torn = Some(self.store.keep(self.lock, lines.torn())?);
        }
        Ok(transcript)
    }

    fn agent(&self, files: &AgentFiles, history: History, facts: &Facts, found: &Found) -> Result<Agent> {
        let json = match &files.meta {
            Some(path) if path.metadata().is_ok_and(|meta| meta.len() <= LARGEST_JSON) => {
                fs::read_plain(path, LARGEST_JSON)?
            }
            _ => None,
        };
        let meta: Option<Box<RawValue>> = json.and_then(|json| serde_json::from_slice(&json).ok());
        let view: MetaView =
            meta.as_ref().and_then(|meta| serde_json::from_str(meta.get()).ok()).unwrap_or_default();
        let (status, evidence) = agent_status(&view, facts, found, files.id.as_str());
        let transcript = match &files.transcript {
            Some(path) if history == History::Full => {
                Some(self.transcript(path, history, &mut Facts::default())?)
            }
            _ => None,
        };
        Ok(Agent {
            id: files.id.clone(),
            agent_type: view.agent_type,
            description: view.description,
            status,
            evidence,
            meta,
            transcript,
        })
    }

    /// Keeps a side file; `None` if it has gone meanwhile.
    fn side_file(&self, place: RepoPath, path: &Path) -> Result<Option<SideFile>> {
        let mut file = match std::fs::File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(crate::error::Error::io("read", path, &error)),
        };
        let mut size = 0;
        let mut pieces = Vec::new();
        loop {
            let mut piece = Vec::new();
            (&mut file).take(PIECE).read_to_end(&mut piece).context("read", path)?;
            size += piece.len() as u64;
            if size == piece.len() as u64 && (piece.len() as u64) < PIECE {
                return Ok(Some(SideFile { place, size, content: self.store.keep(self.lock, &piece)? }));
            }
            if piece.is_empty() {
                return Ok(Some(SideFile { place, size, content: Content::Chunks { chunks: pieces } }));
            }
            pieces.push(self.store.put(self.lock, &piece)?);
        }
    }
}

/// Takes a task's JSON if it names itself as its file does; it is restored under that name.
fn task(json: &[u8], path: &Path) -> Option<Box<RawValue>> {
    #[derive(serde::Deserialize)]
    struct Task<'a> {
        #[serde(borrow)]
        id: std::borrow::Cow<'a, str>,
    }
    let task: Task<'_> = serde_json::from_slice(json).ok()?;
    let same = path.file_stem().is_some_and(|stem| stem == task.id.as_ref());
    serde_json::from_slice(json).ok().filter(|_| same)
}

fn place_of(path: &Path, folder: &str) -> Option<(String, PathBuf)> {
    Some((format!("{folder}/{}", path.file_name()?.to_str()?), path.to_owned()))
}

#[derive(Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct MetaView {
    agent_type: Option<String>,
    description: Option<String>,
    finished: bool,
    stopped_by_user: bool,
}

/// Concludes an agent's status, with what it was concluded from.
fn agent_status(meta: &MetaView, facts: &Facts, found: &Found, id: &str) -> (AgentStatus, String) {
    let notified = facts.ended.get(id).map(String::as_str);
    let answered = facts.answered.get(id).map(String::as_str);
    match (notified, answered) {
        _ if meta.stopped_by_user => (AgentStatus::Stopped, "meta.json: stoppedByUser".to_owned()),
        (Some("completed"), _) => (AgentStatus::Done, "a task notification: completed".to_owned()),
        (Some("failed"), _) => (AgentStatus::Failed, "a task notification: failed".to_owned()),
        (Some("killed" | "cancelled"), _) => {
            (AgentStatus::Stopped, "a task notification: stopped".to_owned())
        }
        // What a resumed client says of an agent whose session ended before it did.
        (Some("stopped"), _) => (AgentStatus::Interrupted, "a task notification: stopped".to_owned()),
        _ if meta.finished => (AgentStatus::Done, "meta.json: finished".to_owned()),
        (_, Some("completed")) => (AgentStatus::Done, "its answer is in the transcript".to_owned()),
        _ if found.live.is_some() => {
            (AgentStatus::Running, "no end is recorded, and the session runs".to_owned())
        }
        _ => (AgentStatus::Interrupted, "no end is recorded, and the session does not run".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ClientId;
    use crate::session::Live;

    fn status(meta: &str, notification: Option<&str>, live: bool) -> AgentStatus {
        let id = ClientId::parse("s1").expect("an id");
        let live: Option<Live> = live.then(|| Live::example(&id));
        let found = Found { id, transcript: "/s1.jsonl".into(), live };
        let mut facts = Facts::default();
        if let Some(status) = notification {
            facts.ended.insert("a1".to_owned(), status.to_owned());
        }
        agent_status(&serde_json::from_str(meta).expect("meta"), &facts, &found, "a1").0
    }

    #[test]
    fn an_agents_status_follows_its_evidence() {
        assert_eq!(status("{}", None, true), AgentStatus::Running);
        assert_eq!(status("{}", None, false), AgentStatus::Interrupted);
        assert_eq!(status(r#"{"finished":true}"#, None, true), AgentStatus::Done);
        assert_eq!(status(r#"{"finished":true}"#, Some("failed"), true), AgentStatus::Failed);
        assert_eq!(status(r#"{"stoppedByUser":true}"#, Some("completed"), true), AgentStatus::Stopped);
        assert_eq!(status("{}", Some("completed"), false), AgentStatus::Done);
    }
}
