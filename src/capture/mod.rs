//! Saving: reads the session and the work tree, writes objects, and the manifest last.
//!
//! Changes nothing of the user's: it writes to the store, to refs of its own, and to the user's state folder. What can't be captured is named in the manifest and
//! in the report, never dropped in silence.

mod agents;
mod as_head;
mod automatic;
mod captured_session;
mod chunker;
mod converted;
mod edit_reader;
mod edits;
mod following;
mod included_before;
mod lineage;
mod manifest_secrets;
mod marks;
mod merges;
mod moment;
mod names;
mod other_roots;
mod outside_git;
mod pending;
mod previous_version;
mod publishing;
mod reading;
mod rebuilt;
mod renames;
mod request;
mod schedules;
mod secret_names;
mod session;
mod side_files;
mod small_files;
mod surroundings;
mod transcript;
mod transcript_cache;
mod untracked;
mod version_writer;

use serde::Serialize;

use crate::audit;
use crate::base::digest::{Fingerprint, ObjectId};
use crate::base::error::{Error, Kind, Result};
use crate::base::ids::SnapshotId;
use crate::base::monitor::{Monitor, Phase};
use crate::base::warning::Warning;
use crate::capture::captured_session::CapturedSession;
use crate::capture::edits::CapturedEdits;
use crate::capture::following::Prepared;
use crate::capture::pending::{EditsHow, Pending, beside_status, captured_edits, pending};
use crate::capture::publishing::{Name, prove, publish};
use crate::capture::side_files::SideFiles;
use crate::context::Context;
use crate::git::{Listing, Repository};
use crate::manifest::attestation::Proofs;
use crate::manifest::{CreatedBy, Edits, FORMAT, Head, Manifest, Safety, SavedWorkspace, Skipped, Trigger};
use crate::redaction::Redactor;
use crate::store::{LogEntry, Operation, UnreadEntry, check_new_name};
use crate::sys::work_tree::FilesRead;
use crate::workspace::Workspace;

pub use as_head::{as_first, as_next, head};
pub use automatic::Automatic;
pub use following::{complete, lacks_conversation};
pub use merges::merged_into;
pub use moment::Follows;
pub use reading::History;
pub use rebuilt::{MayBegin, write_again};
pub use request::{Carry, Conversation, Request, Signing};
pub use untracked::{Limits, beyond, generated_folder};

/// What became of a save.
pub struct SaveReport {
    /// The snapshot; an earlier one if nothing had changed since.
    pub manifest: Manifest,
    /// The name of an earlier snapshot of the same state.
    pub unchanged_since: Option<String>,
    /// Whether a snapshot was written.
    pub written: bool,
    /// What a person should know.
    pub notes: Vec<Warning>,
    /// What was left out of the edits as they are now; an earlier snapshot of the same edits may have left out something else.
    pub left_out: Vec<Skipped>,
    /// What is to be added to the snapshot: see [`complete`].
    pub follows: Option<Follows>,
}

impl SaveReport {
    /// The report of a save that found an earlier snapshot to be enough.
    fn unwritten(
        earlier: Manifest,
        unchanged_since: Option<String>,
        notes: Vec<Warning>,
        left_out: Vec<Skipped>,
    ) -> SaveReport {
        let (written, follows) = (false, None);
        SaveReport { manifest: earlier, unchanged_since, written, notes, left_out, follows }
    }
}

/// Saves a snapshot.
///
/// The same state as the newest snapshot is saved again only under a name of its own.
///
/// # Errors
/// [`Kind::Usage`] or [`Kind::Refused`] for a name that can't be used, else what git, the
/// client's folders or the disk say; what was written is taken back.
pub fn save(context: &Context, workspace: &Workspace, request: &Request<'_>) -> Result<SaveReport> {
    let saved = save_all(context, workspace, request);
    if saved.is_err() {
        let _swept_later = workspace.store.take_back();
    }
    saved
}

fn save_all(context: &Context, workspace: &Workspace, request: &Request<'_>) -> Result<SaveReport> {
    if let Some(name) = request.name {
        check_new_name(name, "a snapshot's name")?;
        if request.automatic.is_none() {
            workspace.store.refuse_taken(name)?;
        }
    }
    let Pending { lock, redactor, hashed, files, edits, mut notes } =
        pending(workspace, request, request.carry)?;
    let left_out = edits.as_ref().map(|captured| captured.edits.skipped.clone()).unwrap_or_default();
    if let (Some(Automatic::NewEdits), Some(captured)) = (request.automatic, &edits)
        && let Some(same) = automatic::same_edits(workspace, request.session, captured)?
        && following::is_relied_on(&same, request.conversation, request.session, context.now)
    {
        // What was missing of it, or damaged, was just written again from what is here.
        lock.sync()?;
        if workspace.store.has_objects_of(&same)? {
            let unchanged_since = Some(same.name.clone());
            return Ok(SaveReport::unwritten(same, unchanged_since, notes, left_out));
        }
    }
    let follows = match (request.conversation, request.session, &edits) {
        (Conversation::Next | Conversation::Follows, Some(found), Some(_)) => Follows::of(found, &files),
        _ => None,
    };
    let mut session = match (&follows, request.session) {
        (Some(_), Some(found)) => {
            let (store, lock, redactor, monitor) = (&workspace.store, &lock, &redactor, request.monitor);
            following::announced(workspace, found, &files, SideFiles { store, lock, redactor, monitor })?
        }
        _ => match session::capture(workspace, request.reading(&workspace.root), &lock, &redactor, &hashed) {
            // A step waits for this. Whatever keeps the conversation from being read, nobody can mend it before the step
            // runs. So the edits alone are saved.
            Err(error) if request.automatic.is_some() && edits.is_some() => CapturedSession {
                notes: vec![Warning::ConversationNotSaved(error.to_string())],
                ..CapturedSession::default()
            },
            captured => captured?,
        },
    };
    match request.session {
        None => notes.push(Warning::NoSessionHere),
        Some(_) => notes.extend(session.notes.iter().cloned()),
    }
    if workspace.repository.is_none() {
        session.not_captured.files.extend(outside_git::repositories(&workspace.root));
    }
    let mut manifest = assemble(context, workspace, edits, session)?;
    for mut prompt in schedules::left_out(workspace, &manifest) {
        redactor.string("a scheduled prompt", &mut prompt);
        manifest.not_captured.scheduled.push(prompt);
    }
    manifest.message = request.message.map(str::to_owned);

    let earlier = workspace.store.known()?;
    let saved = |own: bool| -> Vec<(&UnreadEntry, &Head)> {
        let wanted = earlier.iter().filter(|known| known.own || !own);
        wanted
            .filter_map(|known| Some((known, known.head.as_ref().ok()?)))
            .filter(|(_, m)| !m.safety)
            .collect()
    };
    // What came with a clone may say of itself whatever it likes: it stands for no save of the user's.
    let own = saved(true);
    let newest = own.iter().find(|(_, head)| *head.root() == manifest.workspace.root);
    let same = newest.filter(|(_, head)| head.state == manifest.state);
    let unchanged_since = same.map(|(_, head)| head.name.clone());
    if let Some(Automatic::NewState(pause)) = request.automatic {
        let last = own.iter().find(|(_, head)| head.created_by.trigger == Trigger::Auto);
        let recent = last.filter(|(_, last)| context.now.since(last.created_at) < pause);
        if let Some(manifest) = recent.and_then(|(known, _)| workspace.store.whole(known)) {
            return Ok(SaveReport::unwritten(manifest, unchanged_since, notes, left_out));
        }
    }
    let asked_for = request.automatic.is_none() && (request.name.is_some() || request.message.is_some());
    // One that lacks its conversation still is not enough for whoever is to add it.
    let is_enough = !asked_for && follows.is_none();
    if let Some(manifest) = same.filter(|_| is_enough).and_then(|(known, _)| workspace.store.whole(known)) {
        return Ok(SaveReport::unwritten(manifest, unchanged_since, notes, left_out));
    }
    fn heads<'h>(all: &[(&UnreadEntry, &'h Head)]) -> Vec<&'h Head> {
        all.iter().map(|(_, head)| *head).collect()
    }
    let (all, own) = (heads(&saved(false)), heads(&own));
    // A log that can't be read only makes the answer less sure.
    let log = workspace.store.own_log().unwrap_or_default();
    manifest.parent = lineage::parent(context, &log, (&all, &own), &manifest);
    merges::tell(&workspace.store, &log, &mut manifest);
    if request.automatic.is_some() {
        manifest.created_by.trigger = Trigger::Auto;
    }
    manifest.name = request.name.map_or_else(|| names::usual(&manifest, context.now), str::to_owned);
    manifest_secrets::list(&redactor, &mut manifest);
    if request.automatic.is_none() {
        notes.extend(secret_names::told(&redactor, &manifest));
    }
    let name =
        if request.automatic.is_none() && request.name.is_some() { Name::Exactly } else { Name::Numbered };
    let publishing = request.monitor.begin(Phase::Publishing, None);
    notes.extend(publish(workspace, &lock, &mut manifest, name, request.sign)?.1);
    drop(publishing);
    let session = manifest.session.as_ref().map(|session| session.id.clone());
    let line = LogEntry { session, ..audit::line(context, Operation::Save, Some(&manifest)) };
    audit::write(&workspace.store, &line);
    let at_once = request.conversation == Conversation::Next;
    let (now, follows) = if at_once { (follows, None) } else { (None, follows) };
    if let Some(now) = now {
        let prepared = Prepared { lock, redactor, hashed, files };
        // The edits are saved, whatever becomes of it.
        let added = following::complete_at_once(workspace, &manifest.id, &now, prepared, request);
        notes.extend(added.err().map(|error| Warning::ConversationNotSaved(error.to_string())));
    } else {
        let _listed = redactor.finish();
    }
    Ok(SaveReport { manifest, unchanged_since, written: true, notes, left_out, follows })
}

/// Returns the state as a save would save it, without a snapshot of it: only its objects are in the store, and no ref keeps
/// its base.
///
/// # Errors
/// What git, the client's folders or the disk say.
pub fn state(context: &Context, workspace: &Workspace, request: &Request<'_>) -> Result<Manifest> {
    // What was once saved here by request is not shared by itself.
    let Pending { lock, redactor, hashed, edits, .. } = pending(workspace, request, Carry::No)?;
    let reading = request.reading(&workspace.root);
    let session = session::capture(workspace, reading, &lock, &redactor, &hashed)?;
    let mut manifest = assemble(context, workspace, edits, session)?;
    manifest.name = names::usual(&manifest, context.now);
    manifest_secrets::finish(redactor, &mut manifest);
    lock.name_objects()?;
    Ok(manifest)
}

/// Saves what a restore is about to overwrite: the edits, with the present state of its paths.
/// Returns the name of its file too.
///
/// A listing of the last seconds is used again. Edits that were made since are then not in the snapshot, except in these paths:
/// they are read in any case, and the restore touches no others. A file that was read already, and surely did not change, is not
/// read again.
///
/// # Errors
/// As [`save`]; and [`Kind::Refused`] if one of the paths can't be saved.
pub fn save_safety(
    context: &Context,
    workspace: &Workspace,
    safety: Safety,
    (listing, read): (Option<Listing>, &FilesRead<'_>),
    monitor: &Monitor,
) -> Result<(String, Manifest)> {
    let paths = &safety.paths;
    let prepare = || Ok((workspace.store.prepare()?, Redactor::open(workspace, &[])?));
    let (listing, prepared) = match listing.filter(Listing::is_new) {
        Some(listing) => (Some(Ok(listing)), prepare()),
        // The restore is planned by this listing, so git makes it.
        None => beside_status(workspace, Repository::status, prepare),
    };
    let (lock, mut redactor) = prepared?;
    if let Some(Ok(listing)) = &listing {
        redactor.know(&workspace.root, listing);
    }
    redactor.learn(&manifest_secrets::pending(workspace, listing.as_ref()), &[], monitor);
    let edits = match (&workspace.repository, listing) {
        (Some(repository), Some(listing)) => {
            let limits = Limits::default();
            let how = EditsHow { repository, lock: &lock, also: paths, read, limits, monitor };
            Some(captured_edits(workspace, &how, listing?, &mut redactor)?)
        }
        _ => None,
    };
    let skipped = edits.iter().flat_map(|captured| &captured.edits.skipped);
    let lost = skipped.into_iter().find(|skipped| paths.iter().any(|path| path.to_string() == skipped.path));
    if let Some(lost) = lost {
        return Err(Error::new(Kind::Refused, format!("Cannot restore over {}", lost.path))
            .because(format!("its present state can't be saved first: {}", lost.reason))
            .hint("move it away, then run the command again; nothing was changed"));
    }
    let mut manifest = assemble(context, workspace, edits, CapturedSession::default())?;
    manifest.name = format!("safety-{}", context.now.compact());
    manifest.created_by.trigger = Trigger::Safety;
    manifest.safety = Some(safety);
    manifest_secrets::finish(redactor, &mut manifest);
    // If there is no key, the snapshot gets no mark, and `snap undo` will ask for `--trust`. The files are protected all the same.
    let (stem, _notes) = publish(workspace, &lock, &mut manifest, Name::Numbered, Signing::No)?;
    Ok((stem, manifest))
}

fn assemble(
    context: &Context,
    workspace: &Workspace,
    edits: Option<CapturedEdits>,
    session: CapturedSession,
) -> Result<Manifest> {
    let (edits, branch, around) = match edits {
        Some(captured) => (Some(captured.edits), captured.branch, Some(captured.around)),
        None => (None, None, None),
    };
    let repository = workspace.repository.as_ref();
    let worktree = repository.and_then(|repository| repository.worktree_name());
    let home = repository.map(|repository| repository.home()).transpose()?;
    let others = repository.map(|repository| repository.other_worktrees()).transpose()?.unwrap_or_default();
    let place = SavedWorkspace {
        main: home.filter(|_| worktree.is_some()).map(|home| home.as_path().into()),
        others: others.iter().map(|root| root.as_path().into()).collect(),
        root: workspace.root.as_path().into(),
        home: workspace.client.home().into(),
        config_dir: session.config.as_deref().unwrap_or(workspace.client.config()).into(),
        worktree,
        branch,
        head: edits.as_ref().and_then(|edits: &Edits| edits.base.clone()),
    };
    let mut manifest = Manifest {
        format: FORMAT,
        requires: Vec::new(),
        id: SnapshotId::random(),
        name: String::new(),
        message: None,
        created_at: context.now,
        created_by: CreatedBy {
            user: context.user.clone(),
            host: context.host.clone(),
            snap: env!("CARGO_PKG_VERSION").to_owned(),
            trigger: Trigger::Manual,
        },
        parent: None,
        merged: Vec::new(),
        taken: None,
        last_restore: None,
        state: ObjectId::of(b""),
        workspace: place,
        session: session.session,
        tasks: session.tasks,
        queue: session.queue,
        agents: session.agents,
        permissions: session.permissions,
        edits,
        around,
        not_captured: session.not_captured,
        secrets: Vec::new(),
        safety: None,
        proofs: Proofs::default(),
    };
    manifest.state = state_of(&manifest);
    Ok(manifest)
}

/// Hashes everything that makes two states different; not when, by whom or how busy.
fn state_of(manifest: &Manifest) -> ObjectId {
    let mut state = Fingerprint::default();
    state.add(&json(&manifest.workspace.branch));
    if let Some(session) = &manifest.session {
        state.add(&json(&(&session.id, &session.title, &session.mode, &session.transcript, &session.files)));
        if !session.elsewhere.is_empty() {
            state.add(&json(&session.elsewhere));
        }
        if !session.scripts.is_empty() {
            state.add(&json(&session.scripts));
        }
    }
    state.add(&json(&(&manifest.tasks, &manifest.queue, &manifest.permissions)));
    for agent in &manifest.agents {
        state.add(&json(&(&agent.id, &agent.meta, &agent.transcript)));
    }
    if !manifest.not_captured.files.is_empty() {
        state.add(&json(&manifest.not_captured.files));
    }
    state.add(&json(&manifest.edits));
    state.finish()
}

fn json(part: &impl Serialize) -> Vec<u8> {
    // Whatever is in a manifest can be written; if not, the state only counts as changed.
    serde_json::to_vec(part).unwrap_or_default()
}
