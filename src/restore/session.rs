//! Plans and installs the session: which id it gets, in which folder, with which files and paths.
//!
//! A session keeps its id if nothing on this machine has it; else it becomes a new session
//! with a new id in every record, and the other one is not touched.

use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};
use crate::ids::ClientId;
use crate::manifest::{Manifest, Session, Transcript};
use crate::paths::RepoPath;
use crate::restore::relocate::{Paths, Relocated, Relocation};
use crate::session::{Install, Installed, NewFile, add_title};
use crate::store::Store;
use crate::workspace::Workspace;

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
}

/// Plans the installation and checks every object it needs; `None` if no conversation was saved.
pub(super) fn plan(workspace: &Workspace, manifest: &Manifest, paths: &Paths) -> Result<Option<SessionPlan>> {
    let Some((session, transcript)) =
        manifest.session.as_ref().and_then(|s| Some((s, s.transcript.as_ref()?)))
    else {
        return Ok(None);
    };
    for object in manifest.session_objects() {
        workspace.store.get(&object)?;
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
    let store = &workspace.store;
    let mut rewriter = plan.relocation.rewriter()?;
    let mut transcript = rewriter.records(&load(store, saved)?);
    add_title(&mut transcript, &plan.id, &plan.title)?;
    let mut files = Vec::new();
    for agent in &manifest.agents {
        let name = |end: &str| place(&format!("session/subagents/agent-{}.{end}", agent.id));
        if let Some(saved) = &agent.transcript {
            files.push(NewFile { place: name("jsonl")?, bytes: rewriter.records(&load(store, saved)?) });
        }
        if let Some(meta) = &agent.meta {
            files.push(NewFile { place: name("meta.json")?, bytes: rewriter.records(meta.get().as_bytes()) });
        }
    }
    for task in &manifest.tasks {
        files
            .push(NewFile { place: task_place(task.get())?, bytes: rewriter.records(task.get().as_bytes()) });
    }
    for file in &session.files {
        let bytes = store.load(&file.content)?;
        // Tool results are the conversation's; file history is the user's own files.
        let bytes = if file.place.as_bytes().starts_with(b"session/") { rewriter.text(bytes) } else { bytes };
        files.push(NewFile { place: file.place.clone(), bytes });
    }
    let install = Install { id: plan.id.clone(), cwd: plan.cwd.clone(), transcript, files };
    let installed = workspace.client.install(&install)?;
    Ok(Some(Done { installed, relocated: rewriter.finish() }))
}

fn load(store: &Store, transcript: &Transcript) -> Result<Vec<u8>> {
    let mut records = Vec::with_capacity(usize::try_from(transcript.bytes.min(1 << 30)).unwrap_or(0));
    for chunk in &transcript.chunks {
        records.append(&mut store.get(chunk)?);
    }
    Ok(records)
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
