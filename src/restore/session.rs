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
use crate::paths::RepoPath;
use crate::progress::Progress;
use crate::redaction::refill_side_files;
use crate::restore::compared::Compared;
use crate::restore::copying::{Copy, saved_lines, unwritten};
use crate::restore::relocate::{Paths, Relocated, Relocation};
use crate::session::check::{Check, Checked, Finding, Problem};
use crate::session::{Placed, Standing, Writer, is_elsewhere, title_records};
use crate::store::Store;
use crate::workspace::Workspace;

/// What will be done with the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionPlan {
    /// The id it gets.
    pub id: ClientId,
    /// Whether that is another one than it had.
    pub renamed: bool,
    /// What it continues, if that is the session of that id that is here: its files are only appended to.
    pub continues: Option<Beginning>,
    /// The folder that the client works in.
    pub cwd: PathBuf,
    /// The title it gets: the snapshot's name.
    pub title: String,
    /// How many records of the conversation.
    pub records: u64,
    /// How its paths are brought here.
    pub relocation: Relocation,
    /// The files in shared folders that are not installed, as one of that name is here; whether it is the same.
    pub stays: BTreeMap<RepoPath, bool>,
    /// What is wrong with the transcript.
    pub checked: Checked,
    /// What is wrong with the agents' transcripts.
    pub agents: BTreeMap<ClientId, Checked>,
}

/// What is here of a session that is continued.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beginning {
    /// The size of its transcript.
    transcript: u64,
    /// The side files that are not the same: those that are the beginning, with their sizes, and those that are missing.
    files: BTreeMap<RepoPath, Option<u64>>,
    /// Whether it is the beginning only in the form that a save would give it.
    as_saved: bool,
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
        let other = self.stays.iter().filter(|(_, same)| !**same);
        told.extend(other.map(|(place, _)| {
            format!(
                "{place} here is another than the one saved, and stays; `snap show --json` has the saved one."
            )
        }));
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
    progress: &Progress,
) -> Result<Option<SessionPlan>> {
    let Some((session, transcript)) =
        manifest.session.as_ref().and_then(|s| Some((s, s.transcript.as_ref()?)))
    else {
        return Ok(None);
    };
    let store = &workspace.store;
    let transcripts =
        manifest.agents.iter().filter_map(|agent| Some((&agent.id, agent.transcript.as_ref()?)));
    let all = transcript.bytes + transcripts.clone().map(|(_, transcript)| transcript.bytes).sum::<u64>();
    let mut done = 0;
    let mut checked = |transcript: &Transcript| {
        checked(store, transcript, |bytes| {
            done += bytes;
            progress.part(75..95, done.min(all), all);
        })
    };
    let mut checked_agents = BTreeMap::new();
    for (id, transcript) in transcripts {
        checked_agents.insert(id.clone(), checked(transcript)?);
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
        continues: None,
        cwd: cwd.clone(),
        title: manifest.name.clone(),
        records: transcript.records,
        stays: BTreeMap::new(),
        checked: checked(transcript)?,
        agents: checked_agents,
    };
    if workspace.client.knows(&session.id)? {
        if may_continue {
            plan.continues = continues(workspace, manifest, &plan)?;
        }
        if plan.continues.is_none() {
            plan.id = ClientId::random();
            plan.relocation = relocation(&plan.id)?;
            plan.renamed = true;
        }
    }
    plan.stays = stays(workspace, manifest, session, &plan)?;
    Ok(Some(plan))
}

/// Looks which of the session's files in shared folders are here already.
fn stays(
    workspace: &Workspace,
    manifest: &Manifest,
    session: &Session,
    plan: &SessionPlan,
) -> Result<BTreeMap<RepoPath, bool>> {
    let mut stays = BTreeMap::new();
    if session.elsewhere.is_empty() {
        return Ok(stays);
    }
    let compared = Compared::as_saved(workspace, manifest)?;
    let mut rewriter = plan.relocation.rewriter()?;
    for file in session.elsewhere.iter().filter(|file| is_elsewhere(&file.place)) {
        let place = Some(&file.place);
        let standing = workspace.client.standing(
            &plan.id,
            &plan.cwd,
            place,
            &|here| compared.read(place, here),
            &mut |out| rewriter.text(file.text.as_bytes(), out).map_err(unwritten),
        )?;
        if standing != Standing::Absent {
            stays.insert(file.place.clone(), standing == Standing::Same);
        }
    }
    Ok(stays)
}

/// Says whether what is here of the session is the beginning of what was saved, so that appending is enough: its
/// transcript is shorter, no agent's is different, every other file is the same or missing, and it does not run.
fn continues(workspace: &Workspace, manifest: &Manifest, plan: &SessionPlan) -> Result<Option<Beginning>> {
    let client = &workspace.client;
    let here = client.transcript_path(&plan.cwd, &plan.id);
    let harmed = plan.checked.needs_mending() || plan.agents.values().any(Checked::needs_mending);
    let Some((session, saved)) = manifest.session.as_ref().and_then(|s| Some((s, s.transcript.as_ref()?)))
    else {
        return Ok(None);
    };
    if harmed || client.transcripts(&plan.id)? != [here.clone()] || client.live_session(&plan.id)?.is_some() {
        return Ok(None);
    }
    for as_saved in [false, true] {
        let compared = compared(workspace, manifest, as_saved)?;
        let standing = |place: Option<&RepoPath>, content: Writer<'_>| {
            client.standing(&plan.id, &plan.cwd, place, &|file| compared.read(place, file), content)
        };
        let mut copy = Copy { store: &workspace.store, rewriter: plan.relocation.rewriter()? };
        let here = standing(None, &mut |out| copy.transcript(saved, &plan.checked, out))?;
        let Standing::Beginning(transcript) = here else { continue };
        let (mut fits, mut files) = (true, BTreeMap::new());
        let session = &refill_side_files(workspace, manifest, session)?;
        copy.side_files(manifest, session, &plan.agents, &mut |place, content| {
            if is_elsewhere(place) {
                return Ok(());
            }
            match if fits { standing(Some(place), content)? } else { Standing::Other } {
                Standing::Same => {}
                Standing::Absent => drop(files.insert(place.clone(), None)),
                Standing::Beginning(size) if place.as_bytes().ends_with(b".jsonl") => {
                    files.insert(place.clone(), Some(size));
                }
                Standing::Beginning(_) | Standing::Other => fits = false,
            }
            Ok(())
        })?;
        if fits {
            return Ok(Some(Beginning { transcript, files, as_saved }));
        }
    }
    Ok(None)
}

fn compared(workspace: &Workspace, manifest: &Manifest, as_saved: bool) -> Result<Compared> {
    match as_saved {
        true => Compared::as_saved(workspace, manifest),
        false => Ok(Compared::as_they_are()),
    }
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
    pub(super) workspace: &'a Workspace,
    pub(super) manifest: &'a Manifest,
    pub(super) plan: &'a SessionPlan,
    /// The session as saved, with the secrets of its files filled in.
    pub(super) session: Option<Session>,
}

impl Ready<'_> {
    /// Returns what goes where; `token` tells this installation from others.
    pub(super) fn placed(&self, token: &str) -> Result<Option<Placed>> {
        let Some((session, _)) = self.saved() else { return Ok(None) };
        let (mut places, mut continued) = (Vec::new(), BTreeMap::new());
        let mut copy = self.copy()?;
        copy.side_files(self.manifest, session, &self.plan.agents, &mut |place, _| {
            if self.plan.stays.contains_key(place) {
                return Ok(());
            }
            let here = self.plan.continues.as_ref().filter(|_| !is_elsewhere(place));
            match here.map(|here| here.files.get(place)) {
                // The same is here.
                Some(None) => return Ok(()),
                Some(Some(Some(size))) => drop(continued.insert(places.len(), *size)),
                Some(Some(None)) | None => {}
            }
            places.push(place.clone());
            Ok(())
        })?;
        continued.extend(self.plan.continues.as_ref().map(|here| (places.len(), here.transcript)));
        let placed = self.workspace.client.placed(&self.plan.id, &self.plan.cwd, places, token);
        Ok(Some(placed.continuing(continued)))
    }

    /// Writes the session, or what is missing of it here, into its staging folders, in the order of the places;
    /// returns what rewriting its paths did.
    pub(super) fn place(&self, placed: &Placed) -> Result<Relocated> {
        let Some((session, saved)) = self.saved() else { return Ok(Relocated::default()) };
        let as_saved = self.plan.continues.as_ref().is_some_and(|here| here.as_saved);
        let compared = compared(self.workspace, self.manifest, as_saved)?;
        let as_saved = |place: Option<&RepoPath>, file| compared.read(place, file);
        let mut copy = self.copy()?;
        let mut placing = placed.begin(&as_saved);
        copy.side_files(self.manifest, session, &self.plan.agents, &mut |place, content| {
            placing.file(place, content)
        })?;
        placing.transcript(&mut |out| self.transcript(&mut copy, saved, out))?;
        Ok(copy.rewriter.finish())
    }

    fn copy(&self) -> Result<Copy<'_>> {
        Ok(Copy { store: &self.workspace.store, rewriter: self.plan.relocation.rewriter()? })
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
    Ok(checked(store, transcript, |_| ())?.findings)
}

/// Checks a saved transcript: its objects, then its lines; tells the bytes of each.
fn checked(store: &Store, transcript: &Transcript, mut tell: impl FnMut(u64)) -> Result<Checked> {
    let mut lines = saved_lines(store, transcript);
    let mut check = Check::default();
    while let Some(line) = lines.next_line()? {
        check.line(line);
        tell(line.len() as u64);
    }
    Ok(check.finish())
}
