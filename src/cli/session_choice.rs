//! Which session a save takes: asked where several may be meant, and said in any case, with those that it is not.

use std::path::Path;

use serde::Serialize;

use crate::base::error::Result;
use crate::base::ids::ClientId;
use crate::base::paths::NativePath;
use crate::base::screen::{Line, cut};
use crate::base::timestamp::Timestamp;
use crate::cli::output::Ui;
use crate::cli::output::words::quoted;
use crate::cli::restored_sessions::restored_sessions;
use crate::client::{FoundSession, ListedSession, LocatedSession, Passed, WantedSession};
use crate::context::Context;
use crate::git::{work_tree_around, work_trees_of};
use crate::manifest::Manifest;
use crate::redaction::Redactor;
use crate::store::UnreadEntry;
use crate::workspace::Workspace;

/// The longest title or prompt that is shown.
const WIDE: usize = 60;

/// The most sessions of a project that a shell is told of: each is looked into for its words.
const MOST_OF_PROJECT: usize = 40;

/// Finds the session to save, and those that somebody may mean instead.
///
/// # Errors
/// As [`crate::client::ClientHome::find_session`].
pub(crate) fn find(context: &Context, workspace: &Workspace, asked: Option<&str>) -> Result<LocatedSession> {
    let trees = match &workspace.repository {
        Some(_) => work_trees_of(&workspace.root),
        None => Vec::new(),
    };
    let environment = context.session.as_deref();
    // A log that can't be read only makes the choice less sure.
    let log = workspace.store.own_log().unwrap_or_default();
    let restored = &restored_sessions(&log, &workspace.root);
    let (root, trees) = (&*workspace.root, &*trees);
    workspace.client.find_session(WantedSession { asked, environment, root, trees, restored })
}

/// Says whether a save would find anything: a repository, or a session.
pub(crate) fn is_project(context: &Context, workspace: &Workspace) -> bool {
    let has_session = || find(context, workspace, None).is_ok_and(|found| found.session.is_some());
    workspace.repository.is_some() || has_session()
}

/// The session that is saved, and what a person should know of the choice.
pub(crate) struct SessionChoice {
    /// The session.
    pub(crate) session: Option<FoundSession>,
    /// What was passed over, and what else is to be said.
    pub(crate) notes: Vec<String>,
    /// Whether none was found where one could be expected.
    pub(crate) missed: bool,
}

impl SessionChoice {
    /// Takes what was found; on a terminal, a person chooses where several may be meant.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] if the terminal fails.
    pub(crate) fn of(
        mut found: LocatedSession,
        workspace: &Workspace,
        no_input: bool,
        ui: &mut Ui,
    ) -> Result<SessionChoice> {
        let names = Names { workspace };
        if found.unsure && ui.is_terminal() && !ui.json() && !no_input {
            ask(&mut found, workspace, &names, ui)?;
        }
        if was_saved_here(workspace) {
            // A folder that had this name before is none that was renamed to it since.
            found.passed.retain(|(_, why)| *why != Passed::FolderGone);
        }
        let mut notes = Vec::new();
        if let Some(id) = &found.unknown {
            notes.push(format!(
                "CLAUDE_CODE_SESSION_ID names the session {}, of which there is no transcript.",
                Line(id)
            ));
        }
        notes.extend(
            found.passed.iter().map(|(session, why)| names.passed(session, *why, found.session.is_some())),
        );
        notes.extend(found.silent.iter().map(|id| {
            format!("The session {id} runs here and has no transcript yet: nothing of it can be saved.")
        }));
        if let (Some(session), true) = (&found.session, found.elsewhere) {
            notes.push(match &session.cwd {
                Some(_) => {
                    format!("The session works in {}, which is not in this repository.", folder(session))
                }
                None => "The session does not say which folder it works in.".to_owned(),
            });
        }
        if let (Some(session), true) = (&found.session, found.other_tree) {
            let tree = session.cwd.as_deref().unwrap_or(Path::new("."));
            notes.push(format!(
                "The session works in another work tree, {}; the edits that are saved are those of {}. \
                 `snap -C {} save` saves that one.",
                folder(session),
                Line(&workspace.root.to_string_lossy()),
                quoted(&tree.to_string_lossy())
            ));
        }
        let missed = found.session.is_none() && !(found.passed.is_empty() && found.unknown.is_none());
        Ok(SessionChoice { session: found.session, notes, missed })
    }
}

/// Says whether the store has a snapshot of this very folder.
fn was_saved_here(workspace: &Workspace) -> bool {
    let root = NativePath::from(workspace.root.as_path());
    let is_here = |one: &UnreadEntry| one.head.as_ref().is_ok_and(|head| *head.root() == root);
    workspace.store.known().is_ok_and(|known| known.iter().any(is_here))
}

/// Has a person choose; Enter takes the one that was found first.
fn ask(found: &mut LocatedSession, workspace: &Workspace, names: &Names<'_>, ui: &mut Ui) -> Result<()> {
    let Some(first) = found.session.take() else { return Ok(()) };
    let mut all = vec![(first, Passed::RunsToo)];
    all.append(&mut found.passed);
    ui.tell_line("Which session is to be saved?");
    for (number, (session, _)) in all.iter().enumerate() {
        let state = if session.live.is_some() { "running" } else { "ended" };
        ui.tell_line(&format!("  {}  {}, {state} in {}", number + 1, names.of(session), folder(session)));
    }
    let last = all.len();
    let read = |answer: &str| match answer.parse::<usize>() {
        _ if answer.is_empty() => Some(0),
        Ok(number) if (1..=last).contains(&number) => Some(number - 1),
        _ => None,
    };
    let question = format!("A number from 1 to {last} [1]:");
    let chosen = ui.ask_until(&question, "Please answer with one of these numbers.", read)?.unwrap_or(0);
    let (session, why) = all.remove(chosen);
    let tree = session.cwd.as_deref().and_then(work_tree_around);
    found.other_tree = why != Passed::EndedHere && tree.is_some_and(|tree| tree != workspace.root);
    found.session = Some(session);
    found.passed = all;
    Ok(())
}

fn folder(session: &FoundSession) -> String {
    match &session.cwd {
        Some(cwd) => Line(&cwd.to_string_lossy()).to_string(),
        None => "a folder that it does not name".to_owned(),
    }
}

/// Names sessions to a person, without secrets.
struct Names<'a> {
    workspace: &'a Workspace,
}

impl Names<'_> {
    /// Returns a session's title or first prompt, with its id.
    fn of(&self, session: &FoundSession) -> String {
        match words_of(session, self.workspace) {
            Some(words) => format!("\"{words}\" ({})", session.id),
            None => session.id.to_string(),
        }
    }

    /// Says that a session was passed over, and how to save it.
    fn passed(&self, session: &FoundSession, why: Passed, other_taken: bool) -> String {
        let (name, folder) = (self.of(session), folder(session));
        let what = match why {
            Passed::NamedElsewhere => format!(
                "CLAUDE_CODE_SESSION_ID names the session {name}, which works in {folder} and not in this repository"
            ),
            Passed::RunsToo => format!("Not saved: the session {name}, which runs in {folder}"),
            Passed::EndedHere => format!("Not saved: the session {name}, which ended in {folder}"),
            Passed::OtherTree => format!("The session {name} was in another work tree, {folder}"),
            Passed::FolderGone => format!("The session {name} was in {folder}, which is gone"),
            Passed::OtherProfile => format!(
                "The session {name} was here with the configuration folder {}",
                Line(&session.home.config().to_string_lossy())
            ),
        };
        let by = match why {
            Passed::OtherProfile => quoted(&session.transcript.to_string_lossy()),
            _ => session.id.to_string(),
        };
        let not = if why == Passed::NamedElsewhere && other_taken { ": it was not taken" } else { "" };
        format!("{what}{not}. `snap save --session {by}` saves it.")
    }
}

/// A session with a transcript in this project.
pub(crate) struct SessionOfProject {
    pub(crate) id: ClientId,
    /// When it was written to last.
    pub(crate) at: Timestamp,
    /// Its title or first prompt; nothing, if that holds a secret.
    pub(crate) words: Option<String>,
}

/// Returns the sessions of this repository's work trees, or of the project folder, newest first; of very many, the newest.
pub(crate) fn of_project(workspace: &Workspace) -> Vec<SessionOfProject> {
    let mut folders = vec![workspace.root.clone()];
    if workspace.repository.is_some() {
        folders.extend(work_trees_of(&workspace.root));
    }
    let Ok(redactor) = Redactor::to_look(workspace) else { return Vec::new() };
    let sessions = workspace.client.sessions_of(&folders).into_iter().take(MOST_OF_PROJECT);
    let session = |one: ListedSession| {
        let words = workspace.client.session_at(&one.transcript).ok()?.words();
        let words = words.title.or(words.prompt).filter(|words| redactor.is_clean(words.as_bytes()));
        Some(SessionOfProject {
            id: one.id,
            at: Timestamp::from(one.modified),
            words: words.map(|words| cut(&words, WIDE)),
        })
    };
    sessions.filter_map(session).collect()
}

/// Returns a session's title or first prompt; nothing, if it holds a secret.
pub(crate) fn words_of(session: &FoundSession, workspace: &Workspace) -> Option<String> {
    let words = session.words();
    words.title.or(words.prompt).and_then(|words| shown(&words, workspace))
}

/// Returns what may be shown of a title or prompt; nothing, if it holds a secret.
fn shown(words: &str, workspace: &Workspace) -> Option<String> {
    Shown::of(workspace).clean(words).map(|words| cut(words, WIDE))
}

/// Says what may be shown of the words of sessions that are not saved.
pub(crate) struct Shown(Option<Redactor>);

impl Shown {
    /// Prepares for sessions of this place.
    pub(crate) fn of(workspace: &Workspace) -> Shown {
        Shown(Redactor::to_look(workspace).ok())
    }

    /// Returns a title or prompt; nothing, if it holds a secret.
    pub(crate) fn clean<'t>(&self, words: &'t str) -> Option<&'t str> {
        self.0.as_ref()?.is_clean(words.as_bytes()).then_some(words)
    }
}

/// The session that was saved, as it is told.
#[derive(Serialize)]
pub(crate) struct TakenSession {
    id: ClientId,
    title: Option<String>,
    /// What it was asked first, if it has no title.
    prompt: Option<String>,
    running: bool,
    cwd: Option<String>,
    /// Whether it works somewhere else than in this work tree's root.
    #[serde(skip)]
    apart: bool,
}

impl TakenSession {
    pub(crate) fn new(found: &FoundSession, saved: &Manifest, workspace: &Workspace) -> TakenSession {
        let title = saved.session.as_ref().and_then(|session| session.title.clone());
        let prompt = match title {
            Some(_) => None,
            None => found.words().prompt.and_then(|prompt| shown(&prompt, workspace)),
        };
        TakenSession {
            id: found.id.clone(),
            title,
            prompt,
            running: found.live.is_some(),
            cwd: found.cwd.as_ref().map(|cwd| cwd.to_string_lossy().into_owned()),
            apart: found.cwd.as_ref().is_some_and(|cwd| *cwd != workspace.root),
        }
    }

    /// Says which it was, on one line.
    pub(crate) fn line(&self) -> String {
        let words = self.title.as_deref().or(self.prompt.as_deref()).map(|words| cut(words, WIDE));
        let name = match words {
            Some(words) => format!("\"{words}\" ({})", self.id),
            None => self.id.to_string(),
        };
        let state = if self.running { "running" } else { "ended" };
        let place = self.cwd.as_deref().filter(|_| self.apart).map(|cwd| format!(" in {}", Line(cwd)));
        format!("Session {name}, {state}{}.", place.unwrap_or_default())
    }
}
