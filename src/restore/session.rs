//! Plans and installs the session: which id it gets, in which folder, with which files.
//!
//! A session keeps its id if nothing on this machine has it; else it becomes a new session
//! with a new id in every record, and the other one is not touched.

use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};
use crate::ids::ClientId;
use crate::manifest::{Manifest, Session, Transcript};
use crate::paths::RepoPath;
use crate::session::{Install, Installed, NewFile, add_title, with_session_id};
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
}

/// Plans the installation and checks every object it needs; `None` if no conversation was saved.
pub(super) fn plan(workspace: &Workspace, manifest: &Manifest) -> Result<Option<SessionPlan>> {
    let Some((session, transcript)) =
        manifest.session.as_ref().and_then(|s| Some((s, s.transcript.as_ref()?)))
    else {
        return Ok(None);
    };
    for object in manifest.objects() {
        workspace.store.get(&object)?;
    }
    let renamed = workspace.client.knows(&session.id)?;
    Ok(Some(SessionPlan {
        id: if renamed { ClientId::random() } else { session.id.clone() },
        renamed,
        cwd: folder_here(workspace, manifest, session),
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

/// Writes the session into the client's folders.
pub(super) fn install(
    workspace: &Workspace,
    manifest: &Manifest,
    plan: &SessionPlan,
) -> Result<Option<Installed>> {
    let Some(session) = &manifest.session else { return Ok(None) };
    let loader = Loader { store: &workspace.store, old: &session.id, new: &plan.id };
    let mut transcript = match &session.transcript {
        Some(transcript) => loader.records(transcript)?,
        None => return Ok(None),
    };
    add_title(&mut transcript, &plan.id, &plan.title)?;
    let mut files = Vec::new();
    for agent in &manifest.agents {
        let name = |end: &str| place(&format!("session/subagents/agent-{}.{end}", agent.id));
        if let Some(records) = &agent.transcript {
            files.push(NewFile { place: name("jsonl")?, bytes: loader.records(records)? });
        }
        if let Some(meta) = &agent.meta {
            files.push(NewFile { place: name("meta.json")?, bytes: meta.get().as_bytes().to_vec() });
        }
    }
    for task in &manifest.tasks {
        files.push(NewFile { place: task_place(task.get())?, bytes: task.get().as_bytes().to_vec() });
    }
    for file in &session.files {
        files.push(NewFile { place: file.place.clone(), bytes: workspace.store.load(&file.content)? });
    }
    let install = Install { id: plan.id.clone(), cwd: plan.cwd.clone(), transcript, files };
    workspace.client.install(&install).map(Some)
}

struct Loader<'a> {
    store: &'a Store,
    old: &'a ClientId,
    new: &'a ClientId,
}

impl Loader<'_> {
    fn records(&self, transcript: &Transcript) -> Result<Vec<u8>> {
        let mut records = Vec::new();
        for chunk in &transcript.chunks {
            records.append(&mut self.store.get(chunk)?);
        }
        Ok(with_session_id(&records, self.old, self.new))
    }
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
