//! Plans and installs the session: which id it gets, in which folder, with which files and paths.
//!
//! A session keeps its id if nothing on this machine has it, or if what is here is its beginning:
//! then the rest is appended. Else it becomes a new session with a new id in every record, and
//! the other one is not touched.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::ids::ClientId;
use crate::manifest::{Manifest, Session, Transcript};
use crate::redaction::refill_side_files;
use crate::restore::copying::{Copy, saved_lines, unwritten};
use crate::restore::relocate::{Paths, Relocated, Relocation};
use crate::session::check::{Check, Checked, Finding, Problem};
use crate::session::{ClientHome, Installed, Placed, Standing, title_records};
use crate::store::Store;
use crate::workspace::Workspace;

/// What will be done with the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionPlan {
    /// The id it gets.
    pub id: ClientId,
    /// Whether that is another one than it had.
    pub renamed: bool,
    /// Whether it continues the session of that id that is here: its files are only appended to.
    pub continues: bool,
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
        if told.len() > super::MOST_TOLD {
            let more = told.len() - super::MOST_TOLD;
            told.truncate(super::MOST_TOLD);
            told.push(format!("{more} more places were damaged."));
        }
        told
    }
}

/// Plans the installation and checks every object it needs; `None` if no conversation was saved.
///
/// A session that is here gets a new id, unless it `may_continue` and what is here is its beginning.
pub(super) fn plan(
    workspace: &Workspace,
    manifest: &Manifest,
    paths: &Paths,
    may_continue: bool,
) -> Result<Option<SessionPlan>> {
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
    let cwd = folder_here(workspace, manifest, session);
    let relocation = |id: &ClientId| Relocation::plan(workspace, manifest, session, id, &cwd, paths);
    let mut plan = SessionPlan {
        relocation: relocation(&session.id)?,
        id: session.id.clone(),
        renamed: false,
        continues: false,
        cwd: cwd.clone(),
        title: manifest.name.clone(),
        records: transcript.records,
        checked: checked(store, transcript)?,
        agents: checked_agents,
    };
    if workspace.client.knows(&session.id)? {
        plan.continues = may_continue && continues(workspace, manifest, &plan)?;
        if !plan.continues {
            plan.id = ClientId::random();
            plan.relocation = relocation(&plan.id)?;
            plan.renamed = true;
        }
    }
    Ok(Some(plan))
}

/// Says whether what is here of the session is the beginning of what was saved, so that appending is enough: its
/// transcript is shorter, no agent's is different, every other file is the same or missing, and it does not run.
fn continues(workspace: &Workspace, manifest: &Manifest, plan: &SessionPlan) -> Result<bool> {
    let client = &workspace.client;
    let here = client.transcript_path(&plan.cwd, &plan.id);
    let harmed = plan.checked.needs_mending() || plan.agents.values().any(Checked::needs_mending);
    let Some((session, saved)) = manifest.session.as_ref().and_then(|s| Some((s, s.transcript.as_ref()?)))
    else {
        return Ok(false);
    };
    if harmed || client.transcripts(&plan.id)? != [here.clone()] || client.live_session(&plan.id)?.is_some() {
        return Ok(false);
    }
    let mut copy = Copy { store: &workspace.store, rewriter: plan.relocation.rewriter()? };
    let installing = client.installing(&plan.id, &plan.cwd, true);
    let here = installing.transcript_standing(&mut |out| copy.transcript(saved, &plan.checked, out))?;
    let mut fits = here == Standing::Beginning;
    let session = &refill_side_files(workspace, manifest, session)?;
    copy.side_files(manifest, session, &plan.agents, &mut |place, content| {
        fits = fits
            && match installing.standing(place, content)? {
                Standing::Absent | Standing::Same => true,
                Standing::Beginning => place.as_path().extension().is_some_and(|end| end == "jsonl"),
                Standing::Other => false,
            };
        Ok(())
    })?;
    Ok(fits)
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

/// A session that is ready to be installed.
pub(super) struct Ready<'a> {
    pub(super) store: &'a Store,
    pub(super) client: &'a ClientHome,
    pub(super) manifest: &'a Manifest,
    pub(super) plan: &'a SessionPlan,
    /// The session as saved, with the secrets of its files filled in.
    pub(super) session: Option<Session>,
}

impl Ready<'_> {
    /// Returns what goes where; `token` tells this installation from others. `None` for one
    /// that is only continued.
    pub(super) fn placed(&self, token: &str) -> Result<Option<Placed>> {
        let Some((session, _)) = self.saved().filter(|_| !self.plan.continues) else { return Ok(None) };
        let mut places = Vec::new();
        let mut copy = Copy { store: self.store, rewriter: self.plan.relocation.rewriter()? };
        copy.side_files(self.manifest, session, &self.plan.agents, &mut |place, _| {
            places.push(place.clone());
            Ok(())
        })?;
        Ok(Some(self.client.placed(&self.plan.id, &self.plan.cwd, places, token)))
    }

    /// Writes a new session into its staging folders, in the order of the places; returns what
    /// rewriting its paths did.
    pub(super) fn place(&self, placed: &Placed) -> Result<Relocated> {
        let Some((session, saved)) = self.saved() else { return Ok(Relocated::default()) };
        let mut copy = Copy { store: self.store, rewriter: self.plan.relocation.rewriter()? };
        let mut placing = placed.begin();
        copy.side_files(self.manifest, session, &self.plan.agents, &mut |_, content| placing.file(content))?;
        placing.transcript(&mut |out| self.transcript(&mut copy, saved, out))?;
        Ok(copy.rewriter.finish())
    }

    /// Appends what is missing to the session that is here; returns what takes it back, too.
    pub(super) fn continue_it(&self) -> Result<Option<(Relocated, Installed)>> {
        let Some((session, saved)) = self.saved() else { return Ok(None) };
        let mut copy = Copy { store: self.store, rewriter: self.plan.relocation.rewriter()? };
        let mut installing = self.client.installing(&self.plan.id, &self.plan.cwd, self.plan.continues);
        let agents = &self.plan.agents;
        copy.side_files(self.manifest, session, agents, &mut |place, content| {
            installing.file(place, content)
        })?;
        let installed = installing.transcript(&mut |out| self.transcript(&mut copy, saved, out))?;
        Ok(Some((copy.rewriter.finish(), installed)))
    }

    fn transcript(&self, copy: &mut Copy<'_>, saved: &Transcript, out: &mut dyn Write) -> Result<()> {
        copy.transcript(saved, &self.plan.checked, out)?;
        out.write_all(title_records(&self.plan.id, &self.plan.title).as_bytes()).map_err(unwritten)
    }

    fn saved(&self) -> Option<(&Session, &Transcript)> {
        self.session.as_ref().and_then(|session| Some((session, session.transcript.as_ref()?)))
    }
}

/// Says what the client would lose in a saved transcript, or refuse.
///
/// # Errors
/// [`Kind::Damaged`](crate::error::Kind::Damaged) if a piece of it is.
pub fn check_transcript(store: &Store, transcript: &Transcript) -> Result<Vec<Finding>> {
    Ok(checked(store, transcript)?.findings)
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
