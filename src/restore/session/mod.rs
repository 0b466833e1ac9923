//! Plans and installs the session: its id, its folder, its files and their paths.
//!
//! A session keeps its id if nothing on this machine has it, or if the session here is the saved one or the
//! beginning of it. Then at most the rest is appended. Otherwise it becomes a new session with a new id in every
//! record, and the existing one is not touched.

mod as_saved;
pub(super) mod link;
pub(super) mod options;
pub(super) mod own_root;
pub(super) mod path_mapping;
mod resume_existing;
mod saved_lines;
pub(super) mod settings;
pub(super) mod starters;
mod writer;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use crate::base::error::{Error, Result};
use crate::base::ids::ClientId;
use crate::base::monitor::{Counted, Monitor, Phase};
use crate::base::paths::RepoPath;
use crate::base::warning::Warning;
use crate::client::transcript::quiet::last_records;
use crate::client::transcript::validate::{Check, CheckedTranscript, Finding, KnownRecords};
use crate::client::{
    Folders, Placed, PrefixMatch, is_elsewhere, is_helper, is_memory, left_tree_record, title_records,
};
use crate::manifest::{Manifest, Session, Transcript};
use crate::restore::session::as_saved::Compared;
use crate::restore::session::options::SessionOptions;
use crate::restore::session::own_root::GoesOn;
use crate::restore::session::path_mapping::{Paths, Relocated, Relocation};
use crate::restore::session::resume_existing::Beginning;
use crate::restore::session::saved_lines::saved_lines;
use crate::restore::session::starters::Waking;
use crate::restore::session::writer::Copy;
pub(super) use crate::restore::session::writer::unwritten;
use crate::store::Store;
use crate::trust::Provenance;
use crate::workspace::Workspace;

/// Under which id a session goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepId {
    /// Its own, if nothing here has it, or if what is here is it or its beginning.
    IfSame,
    /// The same for the user's own; somebody else's gets a new one if anything here has it.
    IfOwn,
    /// Its own only if nothing here has it.
    IfNew,
    /// A new one.
    Never,
}

/// Why a session gets a new id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewBecause {
    /// That was asked for.
    Asked,
    /// A client works on the one that is here.
    Runs,
    /// The one that was saved is here, and can't be continued.
    IsHere,
    /// Files of the one that was saved are here, such as those of its agents, and no conversation.
    PartIsHere,
    /// The one that is here can't be continued, and an earlier copy of it is here as it was made: that one goes on.
    CopyIsHere,
    /// The id that it has is none that a client takes.
    NoId,
}

/// What will be done with the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionPlan {
    /// The id it gets.
    pub id: ClientId,
    /// Why that is another one than it had, if it is.
    pub renamed: Option<NewBecause>,
    /// What it continues, if the session of that id is here: its files are at most appended to.
    pub continues: Option<Beginning>,
    /// The folder that the client works in.
    pub cwd: PathBuf,
    /// The session's own folder that stands for this root, if it is not below the one that was saved.
    own_root: Option<String>,
    /// The prompts that were queued, with their paths brought here.
    pub queue: Vec<String>,
    /// The title it gets: the snapshot's name.
    pub title: String,
    /// How many records of the conversation.
    pub records: u64,
    /// How its paths are brought here.
    pub relocation: Relocation,
    /// The files in shared folders that are not installed because one of that name is here, and whether
    /// it is the same.
    pub stays: BTreeMap<RepoPath, bool>,
    /// Whether it worked in a linked work tree that it had made for itself, and now continues without
    /// it.
    pub leaves_tree: bool,
    /// What is wrong with the transcript.
    pub checked: CheckedTranscript,
    /// What is wrong with the agents' transcripts.
    pub agents: BTreeMap<ClientId, CheckedTranscript>,
    /// What in it starts by itself, and whether that stays asleep.
    pub waking: Waking,
    /// The folder whose memory the client's sessions share here.
    pub memory_root: PathBuf,
    /// What its client is started with again, and what not.
    pub options: SessionOptions,
}

impl SessionPlan {
    /// Says whether the whole conversation is here already, as it was saved.
    pub fn is_here(&self) -> bool {
        self.continues.as_ref().is_some_and(Beginning::is_whole)
    }

    /// Returns where it goes on.
    fn goes_on(&self) -> GoesOn {
        GoesOn { cwd: self.cwd.clone(), own_root: self.own_root.clone() }
    }

    fn folders(&self) -> Folders<'_> {
        Folders { cwd: &self.cwd, memory_root: &self.memory_root }
    }

    /// Goes on with the copy that an earlier restore of this snapshot made here, if nobody has touched it since.
    fn continue_copy(
        &mut self,
        workspace: &Workspace,
        manifest: &Manifest,
        paths: &Paths,
        relocation: &dyn Fn(&ClientId) -> Result<Relocation>,
        may_be: impl Fn(&Beginning) -> bool,
    ) -> Result<()> {
        let (saved, why) = (self.id.clone(), self.renamed);
        for copy in resume_existing::copies_made(workspace, manifest, &saved) {
            self.relocation = relocation(&copy)?;
            self.id = copy;
            let found = Beginning::look(workspace, manifest, self, paths)?;
            if let Some(copy) = found.filter(&may_be).filter(Beginning::is_whole) {
                self.continues = Some(copy);
                self.renamed = Some(NewBecause::CopyIsHere);
                return Ok(());
            }
        }
        (self.id, self.renamed) = (saved, why);
        Ok(())
    }

    /// Leaves the project's memory alone.
    fn leave_memory(&mut self, session: &Session) {
        let notes = session.elsewhere.iter().map(|file| &file.place).filter(|place| is_memory(place));
        self.stays.extend(notes.map(|place| (place.clone(), true)));
    }

    /// Returns how many notes of the project's memory are added here.
    pub(super) fn notes_added(&self, session: &Session) -> usize {
        let notes = session.elsewhere.iter().map(|file| &file.place).filter(|place| is_memory(place));
        notes.filter(|place| !self.stays.contains_key(*place) && !self.waking.holds_back(place)).count()
    }

    /// Says what is repaired in the installed copy, and why the client might not accept it.
    pub(super) fn damage(&self) -> Vec<Warning> {
        let named = |checked: &CheckedTranscript, what: &str| -> Vec<Warning> {
            let told = checked.findings.iter().filter(|finding| finding.mended);
            told.map(|finding| Warning::Damaged { what: what.to_owned(), finding: finding.to_string() })
                .collect()
        };
        let mut told = named(&self.checked, "The conversation");
        for (id, checked) in &self.agents {
            let mended = checked.findings.iter().any(|finding| finding.mended);
            told.extend(named(checked, &format!("Agent {id}")).into_iter().filter(|_| mended));
        }
        let other = self.stays.iter().filter(|(_, same)| !**same);
        told.extend(other.map(|(place, _)| Warning::StaysDifferent(place.to_string())));
        told.extend(self.leaves_tree.then(|| Warning::LeavesWorkTree(self.cwd.display().to_string())));
        if told.len() > super::MOST_TOLD {
            let more = told.len() - super::MOST_TOLD;
            told.truncate(super::MOST_TOLD);
            told.push(Warning::MoreDamaged(more));
        }
        told
    }
}

/// What is planned for the session of a snapshot.
pub(super) enum PlannedSession {
    /// It has none, or its conversation was not saved.
    Nothing,
    /// Nothing was said in it yet, and the client resumes no such session.
    NoMessage(ClientId),
    /// It is brought back.
    Planned(Box<SessionPlan>),
}

impl PlannedSession {
    /// Returns the plan, if there is one.
    pub(super) fn plan(self) -> Option<SessionPlan> {
        match self {
            PlannedSession::Planned(plan) => Some(*plan),
            PlannedSession::Nothing | PlannedSession::NoMessage(_) => None,
        }
    }
}

/// Plans the installation and checks every object it needs.
///
/// `keep` says when it keeps its id.
pub(super) fn plan(
    workspace: &Workspace,
    manifest: &Manifest,
    paths: &Paths,
    keep: KeepId,
    monitor: &Monitor,
) -> Result<PlannedSession> {
    let Some((session, transcript)) =
        manifest.session.as_ref().and_then(|s| Some((s, s.transcript.as_ref()?)))
    else {
        return Ok(PlannedSession::Nothing);
    };
    let store = &workspace.store;
    let transcripts = manifest.agents.iter().filter_map(|agent| Some((agent, agent.transcript.as_ref()?)));
    // What a snapshot says of its sizes may be anything.
    let sizes = transcripts.clone().map(|(_, transcript)| transcript.bytes);
    let all = sizes.fold(transcript.bytes, u64::saturating_add);
    let checking = monitor.begin(Phase::CheckingConversation, Some(all));
    let checked =
        |transcript: &Transcript, check: Check| checked(store, transcript, check, |bytes| monitor.add(bytes));
    let (checked_transcript, known) = checked(transcript, Check::default())?;
    if checked_transcript.has_no_message() {
        return Ok(PlannedSession::NoMessage(session.id.clone()));
    }
    let mut checked_agents = BTreeMap::new();
    for (agent, transcript) in transcripts {
        let checked = checked(transcript, Check::of_agent(known.clone()))?.0;
        // The client's own agents are branches that nobody goes on with.
        if !is_helper(&agent.id, agent.meta.is_some()) {
            checked_agents.insert(agent.id.clone(), checked);
        }
    }
    for object in session.files.iter().flat_map(|file| file.content.objects()) {
        store.get(object)?;
    }
    drop(checking);
    let _phase = monitor.begin(Phase::Relating, None);
    let goes_on = GoesOn::look(workspace, manifest, session, transcript)?;
    let relocation = |id: &ClientId| Relocation::plan(workspace, manifest, session, id, &goes_on, paths);
    // Whoever signed it: what starts by itself are rights, and these never come unasked.
    let own = workspace.provenance(manifest) == Provenance::Own;
    let foreign = (!own).then(|| workspace.client.settings(&workspace.root).default_mode);
    let waking = Waking::look(workspace, manifest, session, transcript, foreign)?;
    let mut plan = SessionPlan {
        relocation: relocation(&session.id)?,
        id: session.id.clone(),
        renamed: None,
        continues: None,
        cwd: goes_on.cwd.clone(),
        own_root: goes_on.own_root.clone(),
        queue: Vec::new(),
        title: store.called(manifest),
        records: transcript.records,
        stays: BTreeMap::new(),
        // In the same place the bond still holds; the client starts in no other work tree that a record claims it made.
        leaves_tree: checked_transcript.in_own_tree
            && manifest.workspace.root.as_path() != workspace.root.as_path(),
        checked: checked_transcript,
        agents: checked_agents,
        waking,
        memory_root: workspace.memory_root()?,
        options: SessionOptions::default(),
    };
    let may_go_on = keep == KeepId::IfSame || own && keep == KeepId::IfOwn;
    // Nothing of somebody else's is appended to what is here: that goes on only if it is all of it.
    let may_be = |here: &Beginning| own || here.is_complete();
    plan.renamed = if keep == KeepId::Never {
        Some(NewBecause::Asked)
    } else if !session.id.is_session() {
        Some(NewBecause::NoId)
    } else if workspace.client.knows(&session.id)? {
        if may_go_on {
            plan.continues = Beginning::look(workspace, manifest, &plan, paths)?.filter(|here| may_be(here));
        }
        let runs = || Ok::<_, Error>(workspace.client.live_session(&session.id)?.is_some());
        match plan.continues {
            Some(_) => None,
            None if runs()? => Some(NewBecause::Runs),
            None if workspace.client.transcripts(&session.id)?.is_empty() => Some(NewBecause::PartIsHere),
            None => Some(NewBecause::IsHere),
        }
    } else {
        None
    };
    if may_go_on && matches!(plan.renamed, Some(NewBecause::IsHere | NewBecause::Runs)) {
        plan.continue_copy(workspace, manifest, paths, &relocation, may_be)?;
    }
    if plan.renamed.is_some() && plan.continues.is_none() {
        plan.id = ClientId::random();
        plan.relocation = relocation(&plan.id)?;
    }
    plan.stays = stays(workspace, manifest, session, &plan)?;
    plan.queue = plan.relocation.texts(&manifest.queue)?;
    plan.options = SessionOptions::of(workspace, session, &plan);
    Ok(PlannedSession::Planned(Box::new(plan)))
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
    // Where it was saved, a note that is gone was removed.
    let saved = &manifest.workspace;
    let same_memory = saved.main.as_ref().unwrap_or(&saved.root).as_path() == plan.memory_root
        && saved.config_dir.as_path() == workspace.client.config();
    let compared = Compared::as_saved(workspace, manifest)?;
    let mut rewriter = plan.relocation.rewriter()?;
    for file in session.elsewhere.iter().filter(|file| is_elsewhere(&file.place)) {
        if same_memory && is_memory(&file.place) {
            stays.insert(file.place.clone(), true);
            continue;
        }
        let place = Some(&file.place);
        let standing = workspace.client.standing(
            &plan.id,
            plan.folders(),
            place,
            (&|here| compared.read(place, here), &|_: &[u8]| false),
            &mut |out| rewriter.text(file.text.as_bytes(), out).map_err(unwritten),
        )?;
        if standing != PrefixMatch::Absent {
            stays.insert(file.place.clone(), standing == PrefixMatch::Same);
        }
    }
    Ok(stays)
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
            match here.map(|here| here.file(place)) {
                // The same is here.
                Some(None) => return Ok(()),
                Some(Some(Some(size))) => drop(continued.insert(places.len(), *size)),
                Some(Some(None)) | None => {}
            }
            places.push(place.clone());
            Ok(())
        })?;
        if places.is_empty() && self.plan.continues.as_ref().is_some_and(Beginning::is_whole) {
            return Ok(None);
        }
        continued.extend(self.plan.continues.as_ref().map(|here| (places.len(), here.transcript())));
        let client = self.plan.continues.as_ref().map_or(&self.workspace.client, Beginning::client);
        let placed = client.placed(&self.plan.id, self.plan.folders(), places, token);
        Ok(Some(placed.continuing(continued)))
    }

    /// Writes the session, or the part that is missing here, into its staging folders, in the order of
    /// the places. Returns what rewriting its paths did.
    pub(super) fn place(&self, placed: &Placed, monitor: &Monitor) -> Result<Relocated> {
        let Some((session, saved)) = self.saved() else { return Ok(Relocated::default()) };
        let agents = self.manifest.agents.iter().filter_map(|agent| agent.transcript.as_ref());
        let files = session.files.iter().map(|file| file.size);
        let sizes = agents.chain([saved]).map(|transcript| transcript.bytes).chain(files);
        let _phase = monitor.begin(Phase::Installing, Some(sizes.fold(0, u64::saturating_add)));
        let compared = match &self.plan.continues {
            Some(here) => here.compared(self.workspace, self.manifest, saved)?,
            None => Compared::as_they_are(),
        };
        let as_saved = |place: Option<&RepoPath>, file| compared.read(place, file);
        let mut copy = self.copy()?;
        let is_added = |line: &[u8]| self.plan.continues.as_ref().is_some_and(|here| here.is_added(line));
        let mut placing = placed.begin(&as_saved, &is_added);
        copy.side_files(self.manifest, session, &self.plan.agents, &mut |place, content| {
            placing.file(place, &mut |out| content(&mut Counted(out, monitor)))
        })?;
        placing.transcript(&mut |out| self.transcript(&mut copy, saved, &mut Counted(out, monitor)))?;
        Ok(copy.rewriter.finish())
    }

    fn copy(&self) -> Result<Copy<'_>> {
        let rewriter = self.plan.relocation.rewriter()?;
        Ok(Copy { store: &self.workspace.store, rewriter, waking: Some(&self.plan.waking) })
    }

    fn transcript(&self, copy: &mut Copy<'_>, saved: &Transcript, out: &mut dyn Write) -> Result<()> {
        copy.conversation(saved, &self.plan.checked, out)?;
        let is_whole = self.plan.continues.as_ref().is_some_and(Beginning::is_whole);
        let mut records = if is_whole { String::new() } else { added_records(self.plan) };
        let waking = &self.plan.waking;
        if let Some(asleep) = waking.quiet.as_ref().filter(|_| !is_whole) {
            records +=
                &last_records(&self.plan.id, &waking.alive, &asleep.revive, asleep.own_mode.as_deref());
        }
        out.write_all(records.as_bytes()).map_err(unwritten)
    }

    fn saved(&self) -> Option<(&Session, &Transcript)> {
        self.session.as_ref().and_then(|session| Some((session, session.transcript.as_ref()?)))
    }
}

/// Returns the records that a session gets when it is brought back: a title, if it is new here, and that it has left its work tree.
fn added_records(plan: &SessionPlan) -> String {
    // One that goes on under its own id keeps the title that it has: whoever looks for it goes by that.
    let mut records =
        if plan.continues.is_some() { String::new() } else { title_records(&plan.id, &plan.title) };
    if plan.leaves_tree {
        records += &left_tree_record(&plan.id);
    }
    records
}

/// Says what the client would lose in a saved transcript, or refuse; for an agent's, `session` are the records of the
/// session that it belongs to. `tell` gets the bytes that were read. Returns its own records too.
///
/// # Errors
/// [`Kind::Damaged`](crate::base::error::Kind::Damaged) if a piece of it is.
pub fn check_transcript(
    store: &Store,
    transcript: &Transcript,
    session: Option<&KnownRecords>,
    tell: impl FnMut(u64),
) -> Result<(Vec<Finding>, KnownRecords)> {
    let check = session.map_or_else(Check::default, |session| Check::of_agent(session.clone()));
    let (checked, known) = checked(store, transcript, check, tell)?;
    Ok((checked.findings, known))
}

/// Checks a saved transcript: its objects, then its lines; tells the bytes of each. Returns its records too.
pub(super) fn checked(
    store: &Store,
    transcript: &Transcript,
    mut check: Check,
    mut tell: impl FnMut(u64),
) -> Result<(CheckedTranscript, KnownRecords)> {
    let mut lines = saved_lines(store, transcript);
    while let Some(line) = lines.next_line()? {
        check.line(line);
        tell(line.len() as u64);
    }
    let known = check.known();
    Ok((check.finish(), known))
}
