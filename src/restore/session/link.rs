//! A saved moment as a session that the client finds by its title, without `snap`.

use crate::base::error::{Error, Kind, Result};
use crate::base::ids::ClientId;
use crate::base::monitor::Monitor;
use crate::base::screen::Line;
use crate::client::Link;
use crate::manifest::Manifest;
use crate::prune;
use crate::redaction::refill_side_files;
use crate::restore::session::PlannedSession;
use crate::restore::session::path_mapping::Paths;
use crate::restore::{KeepId, SessionPlan, not_trusted, session};
use crate::trust::Provenance;
use crate::workspace::Workspace;

/// Plans to add a snapshot's session to the client's own list. `trust`: also somebody else's.
///
/// # Errors
/// [`Kind::Refused`] for a snapshot without a conversation, or of somebody else; else as a resume.
pub fn plan_link(workspace: &Workspace, manifest: &Manifest, trust: bool) -> Result<SessionPlan> {
    let provenance = workspace.provenance(manifest);
    match &provenance {
        Provenance::Foreign { why } if !trust => {
            return Err(not_trusted(&workspace.store.called(manifest), why));
        }
        _ => workspace.refuse_bomb(manifest, &provenance)?,
    }
    let plan = session::plan(workspace, manifest, &Paths::default(), KeepId::IfNew, &Monitor::default())?;
    let why = match plan {
        PlannedSession::Planned(mut plan) => {
            // A link is removed with all its files, and the memory is other sessions' too.
            manifest.session.iter().for_each(|session| plan.leave_memory(session));
            return Ok(*plan);
        }
        PlannedSession::NoMessage(_) => "nothing was said in it yet, and the client resumes no such session",
        PlannedSession::Nothing => "it holds no conversation",
    };
    Err(Error::new(Kind::Refused, format!("Cannot link \"{}\"", Line(&workspace.store.called(manifest))))
        .because(why))
}

/// Installs a snapshot's session under a title. An earlier link of that title is removed, unless
/// somebody continued it. Returns its id and the folder to resume it in.
///
/// # Errors
/// As a resume.
pub fn link(
    workspace: &Workspace,
    manifest: &Manifest,
    mut plan: SessionPlan,
    title: &str,
    follows: bool,
) -> Result<(ClientId, std::path::PathBuf)> {
    let same_title = links(workspace)?.into_iter().filter(|link| link.title == title);
    let earlier: Vec<Link> = same_title.collect();
    plan.title = title.to_owned();
    let filled = manifest.session.as_ref().map(|session| refill_side_files(workspace, manifest, session));
    let ready = session::Ready { workspace, manifest, plan: &plan, session: filled.transpose()? };
    let store = workspace.store.root();
    if let Some(placed) = ready.placed(plan.id.as_str())? {
        let linked =
            ready.place(&placed, &Monitor::default()).and_then(|_rewritten| placed.reveal()).and_then(|()| {
                workspace.client.keep_link(&placed, &plan.id, title, &manifest.id, store, follows)
            });
        if let Err(error) = linked {
            placed.roll_back()?;
            return Err(error);
        }
        placed.clean_up()?;
    }
    for link in earlier {
        workspace.client.unlink(&link)?;
    }
    Ok((plan.id, plan.cwd))
}

/// Returns the links to snapshots of this store.
///
/// # Errors
/// What the client's folders say.
pub fn links(workspace: &Workspace) -> Result<Vec<Link>> {
    workspace.client.links_to(workspace.store.root())
}

/// Brings the links up to date: removes those whose snapshot is gone, and moves those that follow the
/// newest one.
///
/// # Errors
/// As [`link`].
pub fn follow(workspace: &Workspace) -> Result<()> {
    let links = links(workspace)?;
    if links.is_empty() {
        return Ok(());
    }
    let known = workspace.store.known()?;
    let there = prune::StillThere::of(workspace, known.iter());
    let links = prune::forget_links(workspace, links, &there)?;
    // Somebody else's is linked by hand, or not at all.
    let of_work = |m: &&Manifest| {
        m.safety.is_none()
            && m.session.as_ref().is_some_and(|session| session.transcript.is_some())
            // A link moves on by itself: to nothing that nobody vouches for.
            && !workspace.provenance(m).is_foreign()
    };
    let follows: Vec<&Link> = links.iter().filter(|link| link.follows).collect();
    if follows.is_empty() {
        return Ok(());
    }
    let may_be = known.iter().filter(|one| one.head.as_ref().is_ok_and(|head| !head.safety));
    let newest = may_be.filter_map(|one| workspace.store.whole(one)).find(|manifest| of_work(&manifest));
    for one in follows {
        match &newest {
            Some(newest) if newest.id != one.snapshot => {
                link(workspace, newest, plan_link(workspace, newest, false)?, &one.title, true)?;
            }
            None if there.is_gone(&one.snapshot) => drop(workspace.client.unlink(one)?),
            _ => {}
        }
    }
    Ok(())
}
