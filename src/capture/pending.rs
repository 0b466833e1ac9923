//! Reads what is pending in a work tree, beside what is learnt of its secrets.

use super::edits::{self, CapturedEdits, EditsRequest};
use super::included_before;
use super::{Carry, Limits, Request, manifest_secrets};
use std::collections::BTreeSet;

use crate::base::error::{Error, Kind, Result};
use crate::base::monitor::{Monitor, Phase};
use crate::base::paths::RepoPath;
use crate::base::screen::Line;
use crate::base::warning::Warning;
use crate::client::SessionFiles;
use crate::git::{Listing, Repository};
use crate::manifest::Edits;
use crate::redaction::{Hashed, Redactor};
use crate::store::AddLock;
use crate::sys::parallel;
use crate::sys::work_tree::FilesRead;
use crate::workspace::Workspace;

/// What is pending, and what takes the secrets out of all else.
pub(super) struct Pending {
    pub(super) lock: AddLock,
    pub(super) redactor: Redactor,
    pub(super) hashed: Hashed,
    /// The files of the session, as they were before the edits were read.
    pub(super) files: SessionFiles,
    pub(super) edits: Option<CapturedEdits>,
    pub(super) notes: Vec<Warning>,
}

/// Reads the pending edits.
pub(super) fn pending(workspace: &Workspace, request: &Request<'_>, carry: Carry) -> Result<Pending> {
    let mut notes = Vec::new();
    let listing_phase = request.monitor.begin(Phase::Listing, None);
    let (listing, prepared) = beside_status(workspace, Repository::status_at_once, || {
        let lock = workspace.store.prepare()?;
        let mut redactor = Redactor::open(workspace, request.allow_secrets)?;
        let texts: Vec<&str> = request.message.into_iter().collect();
        let files = request.files(&workspace.root);
        let of_session = manifest_secrets::of_session(request.session, &files);
        let hashed = redactor.learn(&of_session, &texts, request.monitor);
        let is_carried = carry != Carry::No && workspace.repository.is_some();
        let carried = if is_carried { included_before::still_here(workspace)? } else { BTreeSet::new() };
        Ok((lock, redactor, hashed, files, carried))
    });
    drop(listing_phase);
    let (lock, mut redactor, hashed, files, carried) = prepared?;
    if let Some(Ok(listing)) = &listing {
        redactor.know(&workspace.root, listing);
    }
    redactor.learn(&manifest_secrets::pending(workspace, listing.as_ref()), &[], request.monitor);
    let edits = match (&workspace.repository, listing) {
        (Some(repository), Some(listing)) => {
            let mut also = included(repository, request.include, &mut notes)?;
            let named = also.clone();
            if carry == Carry::Yes {
                also.extend(carried.iter().cloned());
            }
            let also = &also;
            let (limits, monitor) = (request.limits, request.monitor);
            let read = &FilesRead::new();
            let how = EditsHow { repository, lock: &lock, also, read, limits, monitor };
            let mut captured = captured_edits(workspace, &how, listing?, &mut redactor)?;
            let edits = &mut captured.edits;
            edits.included =
                included_before::asked_for(workspace, edits, also, (limits, request.usual_limits))?;
            if request.automatic.is_none() {
                notes.extend(carried_note(edits, carried, &named));
            }
            Some(captured)
        }
        _ => {
            notes.push(Warning::NotInRepository);
            None
        }
    };
    notes.extend(
        edits.iter().filter_map(|captured| captured.without_filters.clone()).map(Warning::WithoutFilters),
    );
    if let Some(operation) = edits.as_ref().and_then(|captured| captured.edits.operation.as_deref()) {
        notes.push(Warning::OperationInProgress(operation.to_owned()));
    }
    Ok(Pending { lock, redactor, hashed, files, edits, notes })
}

/// Says which files are saved, or are not, that an earlier save was asked to take and this one was not.
fn carried_note(edits: &Edits, carried: BTreeSet<RepoPath>, named: &[RepoPath]) -> Vec<Warning> {
    let unnamed = carried.into_iter().filter(|path| !named.contains(path));
    let saved: BTreeSet<&RepoPath> = edits.files.iter().map(|edit| &edit.path).collect();
    let (again, not): (Vec<RepoPath>, Vec<RepoPath>) = unnamed.partition(|path| saved.contains(path));
    // What is left out for its size is named anyway.
    let not = not.into_iter().filter(|path| !edits.leave_out(path));
    let names = |paths: Vec<RepoPath>| paths.iter().map(ToString::to_string).collect::<Vec<_>>();
    let (again, not) = (names(again), names(not.collect()));
    let again = (!again.is_empty()).then_some(Warning::IncludedAgain(again));
    again.into_iter().chain((!not.is_empty()).then_some(Warning::NotIncludedAgain(not))).collect()
}

/// How edits are captured.
pub(super) struct EditsHow<'a> {
    pub(super) repository: &'a Repository,
    pub(super) lock: &'a AddLock,
    pub(super) also: &'a [RepoPath],
    /// What was read of files before.
    pub(super) read: &'a FilesRead<'a>,
    pub(super) limits: Limits,
    pub(super) monitor: &'a Monitor,
}

/// Captures what is listed; once more if only that told of a secret, which may stand in what was captured before it.
pub(super) fn captured_edits(
    workspace: &Workspace,
    how: &EditsHow<'_>,
    listing: Listing,
    redactor: &mut Redactor,
) -> Result<CapturedEdits> {
    let EditsHow { repository, lock, also, read, limits, monitor } = *how;
    let capture = |listing, redactor: &Redactor| {
        let edits = EditsRequest { repository, listing, lock, also, read, limits, redactor, monitor };
        edits::capture(workspace, edits)
    };
    let captured = capture(listing, redactor)?;
    if redactor.learn_late() { capture(repository.status()?, redactor) } else { Ok(captured) }
}

/// Lists what is pending, which takes long, and does something else meanwhile.
pub(super) fn beside_status<T>(
    workspace: &Workspace,
    list: impl Fn(&Repository) -> Result<Listing> + Sync,
    work: impl FnOnce() -> Result<T>,
) -> (Option<Result<Listing>>, Result<T>) {
    let Some(repository) = &workspace.repository else { return (None, work()) };
    let (done, listing) = parallel::both(work, || list(repository));
    (Some(listing), done)
}

/// Returns the untracked files that match these patterns; notes each pattern that fits none.
fn included(repository: &Repository, patterns: &[String], notes: &mut Vec<Warning>) -> Result<Vec<RepoPath>> {
    let mut all = Vec::new();
    for pattern in patterns {
        let found = repository.untracked_matching(std::slice::from_ref(pattern)).map_err(|error| {
            if !error.to_string().contains("outside repository") {
                return error;
            }
            Error::new(Kind::Usage, format!("`--include {}` is outside of the work tree", Line(pattern)))
                .hint(
                    "a snapshot holds files of the work tree only; copy that file into it, or save it there",
                )
        })?;
        if found.is_empty() {
            notes.push(Warning::NothingIncluded(pattern.clone()));
        }
        all.extend(found);
    }
    Ok(all)
}
