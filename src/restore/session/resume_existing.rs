//! Whether the session here is the saved one or the beginning of it, so that appending the rest is enough.
//!
//! Only proof counts: every byte that the snapshot and this machine share is compared. If a compaction left
//! the beginning out, the missing part must be in an older snapshot that the newer one descends from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::base::error::{IoContext as _, Result};
use crate::base::ids::{ClientId, SnapshotId};
use crate::base::paths::RepoPath;
use crate::client::transcript::quiet::mode_asleep;
use crate::client::transcript::validate::{Check, CheckedTranscript};
use crate::client::{ClientHome, PrefixMatch, WriteContent, finds_in_any_folder, is_elsewhere, says_nothing};
use crate::manifest::{Manifest, Session, Transcript};
use crate::redaction::refill_side_files;
use crate::restore::session::as_saved::Compared;
use crate::restore::session::path_mapping::{Paths, Relocation};
use crate::restore::session::writer::Copy;
use crate::restore::session::{SessionPlan, checked};
use crate::store::{LogEntry, Operation, UnreadEntry};
use crate::workspace::Workspace;

/// How many earlier copies of a session are looked at.
const MOST_COPIES: usize = 8;

/// What is here of a session that is continued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// The size of its transcript.
    transcript: u64,
    /// The side files that differ: those of which the beginning is here, with their sizes, and those
    /// that are missing.
    files: BTreeMap<RepoPath, Option<u64>>,
    form: ResumeForm,
    /// Whether the whole conversation is here, and nothing was said since.
    whole: bool,
    /// The permission mode from before.
    mode: Option<String>,
    /// The client, as it finds the transcript where it lies.
    client: ClientHome,
}

/// In which form what is here is the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ResumeForm {
    /// As it is.
    Whole,
    /// As a save would keep it.
    Saved,
    /// As a save would have kept it after the compaction that came later, elsewhere.
    BeforeCompaction,
}

impl ResumeForm {
    /// `None` if the snapshot has no compaction to come before.
    fn compared(
        self,
        workspace: &Workspace,
        manifest: &Manifest,
        saved: &Transcript,
    ) -> Result<Option<Compared>> {
        match self {
            ResumeForm::Whole => Ok(Some(Compared::as_they_are())),
            ResumeForm::Saved => Compared::as_saved(workspace, manifest).map(Some),
            ResumeForm::BeforeCompaction => Compared::before_compaction(workspace, saved),
        }
    }
}

impl Beginning {
    /// The size that the transcript has here.
    pub(in crate::restore) fn transcript(&self) -> u64 {
        self.transcript
    }

    /// Of a side file that is not the same here, the size; `Some(None)` if it is missing.
    pub(in crate::restore) fn file(&self, place: &RepoPath) -> Option<&Option<u64>> {
        self.files.get(place)
    }

    /// Says whether the whole conversation is here, and nothing was said since.
    pub(in crate::restore) fn is_whole(&self) -> bool {
        self.whole
    }

    /// Says whether all of it is here, with all its files, so that nothing has to be added.
    pub(in crate::restore) fn is_complete(&self) -> bool {
        self.whole && self.files.is_empty()
    }

    /// Says whether a record was only added here, by a restore or by the client itself.
    pub(in crate::restore) fn is_added(&self, line: &[u8]) -> bool {
        says_nothing(line, self.mode.as_deref())
    }

    /// Returns the client, as it finds the transcript where it lies.
    pub(in crate::restore) fn client(&self) -> &ClientHome {
        &self.client
    }

    /// How the files that are here are to be looked at.
    pub(in crate::restore) fn compared(
        &self,
        workspace: &Workspace,
        manifest: &Manifest,
        saved: &Transcript,
    ) -> Result<Compared> {
        Ok(self.form.compared(workspace, manifest, saved)?.unwrap_or_else(Compared::as_they_are))
    }

    /// Checks it: the transcript here is the same or shorter, no agent's differs, every other file is the same or
    /// missing, and the session does not run.
    pub(in crate::restore) fn look(
        workspace: &Workspace,
        manifest: &Manifest,
        plan: &SessionPlan,
        paths: &Paths,
    ) -> Result<Option<Beginning>> {
        let folders = plan.folders();
        let Some((session, saved)) = saved(manifest) else { return Ok(None) };
        // A copy was mended when it was made.
        let harmed = plan.id == session.id
            && (plan.checked.needs_mending() || plan.agents.values().any(CheckedTranscript::needs_mending));
        if harmed || workspace.client.live_session(&plan.id)?.is_some() {
            return Ok(None);
        }
        let Some((client, here)) = where_it_lies(&workspace.client, session, plan)? else { return Ok(None) };
        let mode = match &plan.waking.quiet {
            Some(asleep) => Some(mode_asleep(asleep.own_mode.as_deref())),
            None => session.mode.as_deref(),
        };
        let size = here.metadata().context("read", &here)?.len();
        for form in [ResumeForm::Whole, ResumeForm::Saved, ResumeForm::BeforeCompaction] {
            let Some(compared) = form.compared(workspace, manifest, saved)? else { continue };
            let is_added = |line: &[u8]| says_nothing(line, mode);
            let standing = |place: Option<&RepoPath>, content: WriteContent<'_>| {
                let as_saved = |file| compared.read(place, file);
                client.standing(&plan.id, folders, place, (&as_saved, &is_added), content)
            };
            // Of somebody else's, what starts by itself was put to sleep when it was brought here.
            let rewriter = plan.relocation.rewriter()?;
            let mut copy = Copy { store: &workspace.store, rewriter, waking: Some(&plan.waking) };
            let here = standing(None, &mut |out| copy.conversation(saved, &plan.checked, out))?;
            let (transcript, whole) = match &here {
                PrefixMatch::Beginning(size) => (*size, false),
                // What was cut here as it was elsewhere has not been compacted here.
                _ if form == ResumeForm::BeforeCompaction => continue,
                PrefixMatch::Same => (size, true),
                PrefixMatch::Longer(more) if says_nothing(more, mode) => (size, true),
                PrefixMatch::Longer(_) | PrefixMatch::Other | PrefixMatch::Absent => continue,
            };
            let descends = || descends_from_here(workspace, &client, manifest, plan, paths);
            if form == ResumeForm::BeforeCompaction && !descends()? {
                continue;
            }
            let (mut fits, mut files) = (true, BTreeMap::new());
            let session = &refill_side_files(workspace, manifest, session)?;
            copy.side_files(manifest, session, &plan.agents, &mut |place, content| {
                if is_elsewhere(place) {
                    return Ok(());
                }
                match if fits { standing(Some(place), content)? } else { PrefixMatch::Other } {
                    PrefixMatch::Same => {}
                    PrefixMatch::Absent => drop(files.insert(place.clone(), None)),
                    PrefixMatch::Beginning(size) if place.as_bytes().ends_with(b".jsonl") => {
                        files.insert(place.clone(), Some(size));
                    }
                    PrefixMatch::Beginning(_) | PrefixMatch::Longer(_) | PrefixMatch::Other => fits = false,
                }
                Ok(())
            })?;
            if fits {
                let mode = mode.map(str::to_owned);
                return Ok(Some(Beginning { transcript, files, form, whole, mode, client }));
            }
        }
        Ok(None)
    }
}

/// Returns the sessions that earlier restores of a snapshot in this place made of the saved one, the newest first. Only
/// what is proven to be this user's log counts.
pub(in crate::restore) fn copies_made(
    workspace: &Workspace,
    manifest: &Manifest,
    saved: &ClientId,
) -> Vec<ClientId> {
    // Without a log only another copy is made.
    let log = workspace.store.own_log().unwrap_or_default();
    let is_restore = |line: &&LogEntry| {
        matches!(line.operation, Operation::Resume | Operation::Rewind)
            && line.outcome.is_ok()
            && line.snapshot.as_ref() == Some(&manifest.id)
            && line.root.as_ref().is_some_and(|root| root.as_path() == workspace.root)
    };
    let mut copies: Vec<ClientId> = Vec::new();
    for copy in log.iter().rev().filter(is_restore).filter_map(|line| line.session.clone()) {
        if copy != *saved && !copies.contains(&copy) && copies.len() < MOST_COPIES {
            copies.push(copy);
        }
    }
    copies
}

/// Returns where the one transcript of the session lies, and the client that finds it there: in the folder where it
/// belongs, or, if it was written by a client that looks in all of them, in any.
fn where_it_lies(
    client: &ClientHome,
    session: &Session,
    plan: &SessionPlan,
) -> Result<Option<(ClientHome, PathBuf)>> {
    let transcripts = client.transcripts(&plan.id)?;
    let [transcript] = transcripts.as_slice() else { return Ok(None) };
    if *transcript == client.transcript_path(&plan.cwd, &plan.id) {
        return Ok(Some((client.clone(), transcript.clone())));
    }
    let there = client.with_folder_of(transcript).filter(|_| finds_in_any_folder(session.client.as_deref()));
    Ok(there.map(|there| (there, transcript.clone())))
}

fn saved(manifest: &Manifest) -> Option<(&Session, &Transcript)> {
    manifest.session.as_ref().and_then(|session| Some((session, session.transcript.as_ref()?)))
}

/// Says whether an earlier snapshot of this session, which this one descends from, has all of the
/// transcript that is here.
fn descends_from_here(
    workspace: &Workspace,
    client: &ClientHome,
    manifest: &Manifest,
    plan: &SessionPlan,
    paths: &Paths,
) -> Result<bool> {
    let known = workspace.store.known()?;
    let by_id: BTreeMap<&SnapshotId, &UnreadEntry> =
        known.iter().filter_map(|one| Some((&one.head.as_ref().ok()?.id, one))).collect();
    let (mut next, mut seen) = (manifest.parent.clone(), BTreeSet::new());
    while let Some(one) = next.as_ref().and_then(|id| by_id.get(id)).filter(|one| seen.insert(&one.stem)) {
        let Some(ancestor) = workspace.store.whole(one) else { break };
        // One that is damaged proves nothing.
        if has_what_is_here(workspace, client, &ancestor, plan, paths).unwrap_or(false) {
            return Ok(true);
        }
        next = ancestor.parent;
    }
    Ok(false)
}

fn has_what_is_here(
    workspace: &Workspace,
    client: &ClientHome,
    ancestor: &Manifest,
    plan: &SessionPlan,
    paths: &Paths,
) -> Result<bool> {
    let Some((session, saved)) = saved(ancestor).filter(|(session, _)| session.id == plan.id) else {
        return Ok(false);
    };
    let (checked, _) = checked(&workspace.store, saved, Check::default(), |_| ())?;
    let relocation = Relocation::plan(workspace, ancestor, session, &plan.id, &plan.goes_on(), paths)?;
    for form in [ResumeForm::Whole, ResumeForm::Saved] {
        let Some(compared) = form.compared(workspace, ancestor, saved)? else { continue };
        let mut copy = Copy { store: &workspace.store, rewriter: relocation.rewriter()?, waking: None };
        let standing = client.standing(
            &plan.id,
            plan.folders(),
            None,
            (&|file| compared.read(None, file), &|line: &[u8]| says_nothing(line, session.mode.as_deref())),
            &mut |out| copy.conversation(saved, &checked, out),
        )?;
        if matches!(standing, PrefixMatch::Same | PrefixMatch::Beginning(_)) {
            return Ok(true);
        }
    }
    Ok(false)
}
