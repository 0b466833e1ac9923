//! Taking back what a person shares: their heads on a remote go, in one push.

use std::path::Path;

use super::joined::folder_of;
use super::machine;
use super::memory::Memory;
use super::notes::Notes;
use super::presence::{PUSHES, open_kept};
use crate::audit;
use crate::base::error::{Error, Kind, Result};
use crate::context::Context;
use crate::git::{PushAnswer, RemoteRef};
use crate::store::Operation;
use crate::sys::locks::open_exclusively;
use crate::transfer::{HEADS, HeadName, part};
use crate::workspace::Workspace;

/// What is to be taken back from where.
pub struct Withdrawal<'a> {
    /// The clone: the root of its main work tree.
    pub home: &'a Path,
    /// The remote, by name or address.
    pub remote: &'a str,
    /// Whether it is that of all machines of this user.
    pub all: bool,
    /// Whether the clone is no longer shared through this remote, but through another one.
    pub is_former: bool,
}

/// Deletes the heads of this machine, or of all machines of this user; returns their sessions.
///
/// # Errors
/// [`Kind::Environment`] if the remote can't be reached or refuses.
pub fn withdraw(
    context: &Context,
    workspace: &Workspace,
    &Withdrawal { home, remote, all, is_former }: &Withdrawal<'_>,
    tell: &mut dyn FnMut(&str),
) -> Result<Vec<String>> {
    let folder = folder_of(context, home);
    folder.make_folder()?;
    let _alone = open_exclusively(&folder.join("lock"), super::work::PATIENCE)?;
    // Whatever this clone was called then: it is this machine's.
    let me = machine::who(context)?;
    let (opened, _scratch, _) = open_kept(context, workspace, (home, remote, PUSHES), true, tell)?;
    let there: Vec<(HeadName, RemoteRef)> = opened
        .look(&[HEADS])?
        .into_iter()
        .filter_map(|at| Some((HeadName::parse(&at.name)?, at)))
        .filter(|(name, _)| name.who == me || all && name.user() == part(&context.user))
        .collect();
    // What hooks noted before is taken back, too: only the next turn begins anew.
    Notes::read(context, home).remove();
    if there.is_empty() {
        return Ok(Vec::new());
    }
    let refs: Vec<RemoteRef> = there.iter().map(|(_, at)| at.clone()).collect();
    let mut memory = Memory::read(&folder);
    let mut gone = Vec::new();
    let mut refused = None;
    for ((name, _), answer) in there.iter().zip(opened.delete(&refs)?) {
        match answer {
            PushAnswer::Taken => {
                if name.who == me && !is_former {
                    memory.heads.remove(&name.session);
                }
                gone.push(name.session.clone());
            }
            PushAnswer::Rejected(why) => refused = Some(why),
        }
    }
    memory.write(&folder)?;
    if !gone.is_empty() {
        audit::write(&workspace.store, &audit::line(context, Operation::Leave, None));
    }
    match refused {
        None => Ok(gone),
        Some(why) => {
            Err(Error::new(Kind::Environment, format!("{} refused to delete some of them", opened.shown()))
                .because(why)
                .hint("see who may delete refs there; what it did delete is gone"))
        }
    }
}
