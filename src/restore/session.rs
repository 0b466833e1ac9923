//! Plans and installs the session: which id it gets, in which folder, with which files and paths.
//!
//! A session keeps its id if nothing on this machine has it; else it becomes a new session
//! with a new id in every record, and the other one is not touched.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};
use crate::ids::ClientId;
use crate::manifest::{Content, Manifest, Session, SideFile, Transcript};
use crate::paths::RepoPath;
use crate::restore::relocate::{Paths, Relocated, Relocation, Rewriter};
use crate::session::check::{Check, Checked, Problem};
use crate::session::mend::Mending;
use crate::session::{Installed, Lines, title_records};
use crate::store::Store;
use crate::workspace::Workspace;

/// How many damaged places are named one by one.
const MOST_TOLD: usize = 20;

/// What will be done with the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionPlan {
    /// The id it gets.
    pub id: ClientId,
    /// Whether that is another one than it had.
    pub renamed: bool,
    /// The folder that the client works in.
    pub cwd: PathBuf,
    /// The title it gets: the snapshot's name.
    pub title: String,
    /// How many records of the conversation.
    pub records: u64,
    /// How its paths are brought here.
    pub relocation: Relocation,
    /// What is wrong with the transcript.
    pub checked: Checked,
    /// What is wrong with the agents' transcripts.
    pub agents: BTreeMap<ClientId, Checked>,
}

impl SessionPlan {
    /// Says what is mended in the copy that is installed, and why the client might not take it.
    pub(super) fn damage(&self) -> Vec<String> {
        let named = |checked: &Checked, what: &str| -> Vec<String> {
            let told = checked.findings.iter();
            let told = told.filter(|finding| finding.mended || finding.problem == Problem::NoMessage);
            told.map(|finding| format!("{what}, {finding}.")).collect()
        };
        let mut told = named(&self.checked, "The conversation");
        for (id, checked) in &self.agents {
            let mended = checked.findings.iter().any(|finding| finding.mended);
            told.extend(named(checked, &format!("Agent {id}")).into_iter().filter(|_| mended));
        }
        if told.len() > MOST_TOLD {
            let more = told.len() - MOST_TOLD;
            told.truncate(MOST_TOLD);
            told.push(format!("{more} more places were damaged."));
        }
        told
    }
}

/// Plans the installation and checks every object it needs; `None` if no conversation was saved.
pub(super) fn plan(workspace: &Workspace, manifest: &Manifest, paths: &Paths) -> Result<Option<SessionPlan>> {
    let Some((session, transcript)) =
        manifest.session.as_ref().and_then(|s| Some((s, s.transcript.as_ref()?)))
    else {
        return Ok(None);
    };
    let store = &workspace.store;
    let mut checked_agents = BTreeMap::new();
    for agent in &manifest.agents {
        if let Some(transcript) = &agent.transcript {
            checked_agents.insert(agent.id.clone(), checked(store, transcript)?);
        }
    }
    for object in session.files.iter().flat_map(|file| file.content.objects()) {
        store.get(object)?;
    }
    let renamed = workspace.client.knows(&session.id)?;
    let id = if renamed { ClientId::random() } else { session.id.clone() };
    let cwd = folder_here(workspace, manifest, session);
    Ok(Some(SessionPlan {
        relocation: Relocation::plan(workspace, manifest, session, &id, &cwd, paths)?,
        id,
        renamed,
        cwd,
        title: manifest.name.clone(),
        records: transcript.records,
        checked: checked(store, transcript)?,
        agents: checked_agents,
    }))
}

/// Returns the folder that corresponds to the session's own; the root if it is not there.
fn folder_here(workspace: &Workspace, manifest: &Manifest, session: &Session) -> PathBuf {
    let inside =
        session.cwd.as_path().strip_prefix(manifest.workspace.root.as_path()).unwrap_or(Path::new(""));
    // The other machine's path is only believed if it leads to a real folder inside the root.
    let there = workspace.root.join(inside).canonicalize().ok();
    there
        .filter(|folder| folder.is_dir() && folder.starts_with(&workspace.root))
        .unwrap_or_else(|| workspace.root.clone())
}

/// What was installed, and what rewriting its paths did.
pub(super) struct Done {
    pub(super) installed: Installed,
    pub(super) relocated: Relocated,
}

/// Writes the session into the client's folders.
pub(super) fn install(
    workspace: &Workspace,
    manifest: &Manifest,
    plan: &SessionPlan,
) -> Result<Option<Done>> {
    let Some((session, saved)) = manifest.session.as_ref().and_then(|s| Some((s, s.transcript.as_ref()?)))
    else {
        return Ok(None);
    };
    let mut copy = Copy { store: &workspace.store, rewriter: plan.relocation.rewriter()? };
    let mut installing = workspace.client.installing(&plan.id, &plan.cwd);
    let unharmed = Checked::default();
    for agent in &manifest.agents {
        let name = |end: &str| place(&format!("session/subagents/agent-{}.{end}", agent.id));
        if let Some(saved) = &agent.transcript {
            let checked = plan.agents.get(&agent.id).unwrap_or(&unharmed);
            installing.file(&name("jsonl")?, |out| copy.transcript(saved, checked, out))?;
        }
        if let Some(meta) = &agent.meta {
            installing.file(&name("meta.json")?, |out| copy.document(meta.get(), out))?;
        }
    }
    for task in &manifest.tasks {
        installing.file(&task_place(task.get())?, |out| copy.document(task.get(), out))?;
    }
    for file in &session.files {
        installing.file(&file.place, |out| copy.side_file(file, out))?;
    }
    let installed = installing.transcript(|out| {
        copy.transcript(saved, &plan.checked, out)?;
        out.write_all(title_records(&plan.id, &plan.title).as_bytes()).map_err(unwritten)
    })?;
    Ok(Some(Done { installed, relocated: copy.rewriter.finish() }))
}

/// Copies what was saved into the client's files, mended and with its paths rewritten, piece by piece.
struct Copy<'a> {
    store: &'a Store,
    rewriter: Rewriter,
}

impl Copy<'_> {
    fn transcript(&mut self, saved: &Transcript, checked: &Checked, out: &mut dyn Write) -> Result<()> {
        let mut lines = saved_lines(self.store, saved);
        let mut mending = Mending::new(checked);
        let mut ended = true;
        while let Some(line) = lines.next_line()? {
            mending.line(line, &mut |line| {
                ended = line.ends_with(b"\n");
                self.rewriter.record(line, out).map_err(unwritten)
            })?;
        }
        match ended {
            true => Ok(()),
            false => out.write_all(b"\n").map_err(unwritten),
        }
    }

    fn document(&mut self, json: &str, out: &mut dyn Write) -> Result<()> {
        self.rewriter.record(json.as_bytes(), out).map_err(unwritten)
    }

    /// Tool results are the conversation's; file history is the user's own files.
    fn side_file(&mut self, file: &SideFile, out: &mut dyn Write) -> Result<()> {
        let mut content = self.store.content(&file.content);
        if !file.place.as_bytes().starts_with(b"session/") || !is_text(self.store, &file.content)? {
            std::io::copy(&mut content, out).map_err(unwritten)?;
            return Ok(());
        }
        let mut lines = BufReader::new(content);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).map_err(unwritten)? > 0 {
            self.rewriter.text(&line, out).map_err(unwritten)?;
            line.clear();
        }
        Ok(())
    }
}

/// Says whether content is UTF-8, and so can hold paths to be rewritten.
fn is_text(store: &Store, content: &Content) -> Result<bool> {
    let mut lines = BufReader::new(store.content(content));
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).map_err(unwritten)? > 0 {
        // No character holds a line end, so a text is one line by line too.
        if std::str::from_utf8(&line).is_err() {
            return Ok(false);
        }
        line.clear();
    }
    Ok(true)
}

/// Reads a saved transcript line by line.
fn saved_lines<'a>(store: &'a Store, transcript: &'a Transcript) -> Lines<'a> {
    Lines::over(store.root(), store.pieces(&transcript.chunks))
}

/// Checks a saved transcript: its objects, then its lines.
fn checked(store: &Store, transcript: &Transcript) -> Result<Checked> {
    let mut lines = saved_lines(store, transcript);
    let mut check = Check::default();
    while let Some(line) = lines.next_line()? {
        check.line(line);
    }
    Ok(check.finish())
}

/// Passes on our own error that came through a reader, or says that the disk did not take the session.
fn unwritten(error: std::io::Error) -> Error {
    error.downcast::<Error>().unwrap_or_else(|error| {
        Error::new(Kind::Environment, "Cannot write the session's files").because(error)
    })
}

/// Returns where a task is kept: under its own id.
fn task_place(task: &str) -> Result<RepoPath> {
    #[derive(serde::Deserialize)]
    struct Task {
        id: String,
    }
    let id = serde_json::from_str::<Task>(task).ok().and_then(|task| ClientId::parse(&task.id));
    match id {
        Some(id) => place(&format!("tasks/{id}.json")),
        None => Err(Error::new(Kind::Damaged, "A task in the snapshot has no usable id")
            .hint("the snapshot was written by something else than snap")),
    }
}

fn place(text: &str) -> Result<RepoPath> {
    RepoPath::new(text.as_bytes())
        .map_err(|why| Error::new(Kind::Damaged, "A session's file has no usable name").because(why))
}
