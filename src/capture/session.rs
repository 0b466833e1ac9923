//! Captures the session: transcript, sub-agents, tasks, queue, grants, side files.
//!
//! Everything is read while the client may be writing: a transcript is kept up to the last
//! whole record it had when it was opened. Files are streamed in pieces, so that memory
//! does not grow with the session.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::agents::{self, ReadAgent};
use crate::base::error::Result;
use crate::base::ids::ClientId;
use crate::base::monitor::Phase;
use crate::base::paths::NativePath;
use crate::base::warning::Warning;
use crate::capture::captured_session::CapturedSession;
use crate::capture::manifest_secrets;
use crate::capture::moment::{Moment, is_beside_tasks};
use crate::capture::other_roots::other_roots;
use crate::capture::reading::{History, Reading, size_of};
use crate::capture::side_files::SideFiles;
use crate::capture::small_files::{
    LARGEST_JSON, SmallFiles, if_readable, is_task, place_of, small_json, tasks,
};
use crate::capture::transcript::{TakenOut, TranscriptReader};
use crate::capture::transcript_cache::{Learnt, ReadBefore};
use crate::client::transcript::search::holds_record;
use crate::client::transcript::traces::Traces;
use crate::client::transcript::words::Words;
use crate::client::{
    AgentFiles, FoundSession, HookNotes, Server, SessionFiles, account_told, head_of_agent, is_of_account,
    mark_used,
};
use crate::manifest::{Agent, McpServer, Session, Skipped, Spoken};
use crate::redaction::{Hashed, Redactor};
use crate::store::AddLock;
use crate::sys::files;
use crate::sys::parallel::{beside, helpers};
use crate::workspace::Workspace;

/// Captures the session that was found, or only the grants if there is none.
pub(super) fn capture(
    workspace: &Workspace,
    reading: Reading<'_>,
    lock: &AddLock,
    redactor: &Redactor,
    hashed: &Hashed,
) -> Result<CapturedSession> {
    let Reading { found, files, history, moment, monitor } = reading;
    let mut captured = CapturedSession::default();
    let client = found.map_or(&workspace.client, |found| &found.home);
    captured.config = Some(client.config().to_owned());
    let settings = client.settings(&workspace.root);
    captured.permissions.mode = settings.default_mode;
    captured.permissions.project = settings.rules;
    captured.not_captured.mcp_servers = settings.servers;
    captured.not_captured.environment = settings.environment.into_iter().collect();
    captured.not_captured.files = settings.missing;
    if let Some(found) = found {
        let _phase = monitor.begin(Phase::Conversation, Some(size_of(found, &files)));
        let store = &workspace.store;
        let before = ReadBefore::open(store, redactor, &found.id, history);
        let transcripts = TranscriptReader { store, lock, redactor, monitor, before: &before, hashed };
        let side_files = SideFiles { store, lock, redactor, monitor };
        let reader = SessionReader { redactor, side_files, transcripts, history, moment };
        reader.read(workspace, found, files, &mut captured)?;
        before.write(store, redactor);
    }
    manifest_secrets::all(redactor, &mut captured)?;
    Ok(captured)
}

/// What was read of an agent.
struct AgentRead {
    seen: ReadAgent,
    traces: Traces,
    /// Its metadata is something else, to be carried as a mere file.
    meta_is_other: bool,
    missing: Vec<Skipped>,
    kept: TakenOut,
}

struct SessionReader<'a> {
    redactor: &'a Redactor,
    side_files: SideFiles<'a>,
    transcripts: TranscriptReader<'a>,
    history: History,
    moment: Option<Moment<'a>>,
}

impl SessionReader<'_> {
    fn read(
        &self,
        workspace: &Workspace,
        found: &FoundSession,
        files: SessionFiles,
        captured: &mut CapturedSession,
    ) -> Result<()> {
        let (history, moment) = (self.history, self.moment);
        let most = Moment::bytes(moment);
        let mut learnt = Learnt::default();
        let mut missing = Vec::new();
        let read = self.transcripts.read(&found.transcript, Vec::new(), (history, most), &mut learnt);
        let Learnt { mut facts, watch, mut traces } = learnt;
        let (transcript, kept) = if_readable(&found.transcript, &mut missing, read)?.unzip();
        let TakenOut { noted, mut of_account } = kept.unwrap_or_default();
        noted.into_iter().for_each(|noted| self.redactor.note(noted));
        let is_torn = transcript.as_ref().is_some_and(|transcript| transcript.torn.is_some());
        if is_torn && found.live.is_none() {
            captured.notes.push(Warning::TornLine(found.transcript.display().to_string()));
        }
        if transcript.is_some() && facts.messages == 0 {
            captured.notes.push(Warning::NothingToResumeYet(found.id.to_string()));
        }
        let journal = found.home.journal(&found.id, &mut missing);
        journal.explain(facts.decisions.make_contiguous());
        missing.extend(files.missing);
        let mut others = files.others;
        captured.tasks = tasks(&files.tasks, &mut others, &mut missing)?;
        captured.tasks.extend(moment.iter().flat_map(|moment| moment.tasks).cloned());
        // A reminder of no task says that there was none.
        let reminded = facts.reminded.as_ref().filter(|reminded| !reminded.is_empty());
        if let (true, Some(reminded)) = (files.tasks_are_gone, reminded) {
            captured.tasks.extend(reminded.iter().filter(|item| is_task(item.get())).cloned());
            captured.notes.push(Warning::TasksOnlyReminded(captured.tasks.len()));
        }
        let mut seen: Vec<ReadAgent> = Vec::new();
        let mut open = files.agents;
        let own = open.iter().map(|agent| agent.id.clone());
        let mut wanted: BTreeSet<ClientId> = agents::named(&facts).chain(own).collect();
        found.home.add_agents_of(found, &traces.parents, &wanted, &mut open);
        while !open.is_empty() {
            let threads = if open.len() > 1 { helpers() } else { 0 };
            let look = |agent| self.agent(agent, &journal, found.live.is_some());
            let all = beside(threads, look, |emit| open.iter().try_for_each(emit))?.1;
            for (agent, mut read) in open.iter().zip(all) {
                read.kept.noted.into_iter().for_each(|noted| self.redactor.note(noted));
                of_account += read.kept.of_account;
                missing.append(&mut read.missing);
                if read.meta_is_other {
                    others.extend(agent.meta.as_deref().and_then(|path| place_of(path, "session/subagents")));
                }
                wanted.extend(agents::named(&read.seen.facts));
                traces.add_agent(&read.traces);
                seen.push(read.seen);
            }
            // Agents of agents, of a conversation that was branched.
            let more =
                wanted.iter().filter(|id| seen.iter().all(|agent| agent.id != **id)).cloned().collect();
            open = Vec::new();
            found.home.add_agents_of(found, &traces.parents, &more, &mut open);
        }
        if !traces.parents.is_empty() {
            seen.sort_by(|one, other| one.id.cmp(&other.id));
            missing.extend(agents::not_found(&seen, &facts, found));
        }
        captured.agents = agents::conclude(seen, &mut facts, found);
        if transcript.is_none() {
            let unread = |agent: &mut Agent| agent.evidence += "; the conversation could not be read";
            captured.agents.iter_mut().for_each(unread);
        }
        // Tool results are conversation too.
        others.retain(|(place, _)| history != History::None || !place.starts_with("session/"));
        let before = others.len();
        others.retain(|(place, _)| !is_of_account(place));
        captured.not_captured.account = account_told(of_account, before - others.len());
        let account = captured.not_captured.account.iter().cloned();
        captured.notes.extend(account.map(Warning::AccountLeftOut));
        let mut side_files = self.side_files.keep_all(&others, &mut missing)?;
        side_files.extend(moment.iter().flat_map(|moment| moment.files).cloned());
        // In one order, whenever those beside the tasks were read.
        side_files.sort_by_key(|file| match file.place.as_bytes() {
            place if is_beside_tasks(place) => 1,
            place if place.starts_with(b"file-history/") => 2,
            _ => 0,
        });
        let mut small =
            SmallFiles { workspace, client: &found.home, redactor: self.redactor, missing: &mut missing };
        let elsewhere = small.elsewhere(&found.id, &facts.plans)?;
        let scripts = small.scripts(&found.id)?;
        if traces.todos.is_empty() {
            traces.todos = small.todos(&elsewhere);
        }
        captured.not_captured.teams = found.home.teams(&found.id, &traces.teams, &mut missing);
        captured.not_captured.others = found.home.others_of(&found.id);
        captured.queue = facts.queue.prompts();
        captured.not_captured.processes = facts.open_shells();
        for (id, process) in journal.processes().filter(|(id, _)| !facts.has_ended(id)) {
            if !facts.shells.contains_key(id) {
                captured.not_captured.processes.push(process.to_owned());
            }
        }
        let alive = watch.finish(workspace.now.as_millis());
        // What is in the conversation comes back with it.
        let is_in = |told: &String| {
            alive.crons.iter().any(|cron| *told == format!("{}  {}", cron.schedule, cron.prompt))
        };
        captured.not_captured.scheduled =
            journal.scheduled().into_iter().filter(|told| !is_in(told)).collect();
        let title = facts.title(|leaf| holds_record(&found.transcript, leaf));
        let (session, other) = facts.decisions.into_iter().partition(|decision| decision.scope == "session");
        captured.permissions.session = session;
        captured.permissions.decisions = other;
        let launch = found.home.launch_of(found).unwrap_or_default();
        captured.permissions.launch = launch.rules;
        captured.not_captured.options = launch.others;
        captured.permissions.mode = facts.mode.clone().or(captured.permissions.mode.take());
        let cwd: NativePath = match (&found.live, &facts.cwd) {
            (Some(live), _) => live.cwd.as_path().into(),
            (None, Some(cwd)) => Path::new(cwd).into(),
            (None, None) => workspace.root.as_path().into(),
        };
        let other_roots = other_roots(&workspace.root, facts.folders.iter().map(Path::new));
        let defined = found.home.servers(&workspace.root, cwd.as_path(), &mut missing);
        captured.not_captured.mcp_servers =
            servers(defined.iter().map(Server::named).chain(launch.servers), &traces);
        captured.not_captured.files.append(&mut missing);
        let folders: BTreeSet<PathBuf> = traces.folders.into_iter().chain(launch.folders).collect();
        let added = |folder: &&PathBuf| folder.is_absolute() && !folder.starts_with(&workspace.root);
        captured.session = Some(Session {
            id: found.id.clone(),
            title,
            spoken: Some(facts.words)
                .filter(|_| history != History::None)
                .map_or_else(Spoken::default, spoken),
            client: facts.client,
            entrypoint: facts.entrypoint,
            model: facts.model,
            status: found.live.as_ref().and_then(|live| live.status.clone()),
            live: found.live.is_some(),
            waiting_for: found.live.as_ref().and_then(|live| live.waiting_for.clone()),
            mode: facts.mode,
            cwd,
            other_roots,
            transcript: transcript.filter(|_| history != History::None),
            files: side_files,
            elsewhere,
            team_tasks: files.tasks_of_team,
            crons: alive.crons,
            goal: alive.goal,
            todos: traces.todos,
            scripts,
            added_folders: folders.iter().filter(added).map(|folder| folder.as_path().into()).collect(),
            restrictions: launch.restrictions,
            effort: launch.effort.or(traces.effort),
            output_style: launch.output_style.or(traces.output_style),
            background: found.live.as_ref().map_or(traces.background, |live| live.background),
        });
        Ok(())
    }

    fn agent(&self, files: &AgentFiles, journal: &HookNotes, live: bool) -> Result<AgentRead> {
        let mut missing = Vec::new();
        let json = match &files.meta {
            Some(path) if path.metadata().is_ok_and(|meta| meta.len() <= LARGEST_JSON) => {
                if_readable(path, &mut missing, files::read_plain(path, LARGEST_JSON))?.flatten()
            }
            Some(_) => Some(Vec::new()),
            None => None,
        };
        // An agent's own compactions change nothing: all of it is kept.
        let how = if self.history == History::None { History::None } else { History::Full };
        let most = Moment::bytes_of(self.moment, &files.id);
        let mut learnt = Learnt::default();
        let (transcript, kept) = match &files.transcript {
            Some(path) => {
                let head = files.before.as_deref().and_then(|before| head_of_agent(before, path).ok());
                let read = self.transcripts.read(path, head.unwrap_or_default(), (how, most), &mut learnt);
                if_readable(path, &mut missing, read)?.unzip()
            }
            None => (None, None),
        };
        let transcript = transcript.filter(|_| how == History::Full);
        let meta = json.as_deref().and_then(small_json);
        let meta_is_other = json.is_some() && meta.is_none();
        let written = files.transcript.as_ref().and_then(|path| path.metadata().ok()?.modified().ok());
        let told = journal.agent(files.id.as_str(), written, live);
        let odd_meta = json.filter(|_| meta_is_other);
        let Learnt { facts, traces, .. } = learnt;
        let seen = ReadAgent { id: files.id.clone(), meta, odd_meta, transcript, facts, told };
        Ok(AgentRead { seen, traces, meta_is_other, missing, kept: kept.unwrap_or_default() })
    }
}

/// Returns the servers that were defined for the session or used by it, each name once.
fn servers(defined: impl Iterator<Item = McpServer>, traces: &Traces) -> Vec<McpServer> {
    let mut all: Vec<McpServer> = Vec::new();
    for server in defined {
        if all.iter().all(|other| other.name != server.name) {
            all.push(server);
        }
    }
    mark_used(&mut all, traces.server_tools.iter());
    all
}

fn spoken(Words { first, last, answer }: Words) -> Spoken {
    Spoken { first, last, answer }
}
