//! Which session on a remote somebody means: `USER/SESSION`, or as much of it as is needed.

use super::presence::{Looker, Present};
use crate::base::error::{Error, Kind, Result};
use crate::base::screen::Line;
use crate::base::similar_names::{names_like, was_meant};
use crate::context::Context;
use crate::git::Remote;
use crate::manifest::Manifest;
use crate::sys::files::Scratch;
use crate::transfer::{RemoteHead, take_head, try_head};
use crate::workspace::Workspace;

/// Says whether a text may mean somebody's session.
pub fn may_mean_session(reference: &str) -> bool {
    let mut parts = reference.split('/');
    matches!((parts.next(), parts.next(), parts.next()), (Some(user), Some(_), None) if !user.is_empty())
}

/// Finds the one session that is meant: `USER/SESSION`, where the user may be `USER@HOST` too, and the session the start of its id,
/// its title or its branch; `USER/` or the user alone is enough if there is only one.
///
/// # Errors
/// [`Kind::NotFound`] and [`Kind::Ambiguous`] with what there is.
pub fn find_session<'p>(all: &'p [Present], reference: &str, remote: &str) -> Result<&'p Present> {
    let (user, session) = reference.split_once('/').unwrap_or((reference, ""));
    let of_user = |one: &&Present| {
        let name = &one.head.name;
        [name.who.as_str(), name.person(), name.user()].contains(&user)
    };
    let is_meant = |one: &&Present| {
        let says = one.head.says.as_ref();
        let is = |text: Option<&String>| text.is_some_and(|text| text == session);
        session.is_empty()
            || one.head.name.session.starts_with(&session.to_lowercase())
            || says.is_some_and(|says| is(says.title.as_ref()) || is(says.branch.as_ref()))
    };
    let found: Vec<&Present> = all.iter().filter(of_user).filter(is_meant).collect();
    let shown = Line(reference).to_string();
    match found.as_slice() {
        [one] => Ok(one),
        [] => {
            let error = Error::new(Kind::NotFound, format!("There is no session {shown} on {remote}"));
            let names: Vec<String> = all.iter().flat_map(names_of).collect();
            let alike = was_meant(&names_like(reference, names.iter().map(String::as_str)));
            let alike = alike.map(|alike| format!("{alike} ")).unwrap_or_default();
            Err(error.hint(format!("{alike}`snap space` lists what is there")))
        }
        several => Err(Error::new(Kind::Ambiguous, format!("{shown} fits several sessions on {remote}"))
            .list(
                several.iter().take(10).map(|one| format!("{}/{}", one.head.name.who, one.head.name.session)),
            )
            .hint("write more of it")),
    }
}

/// Returns how a session can be called.
fn names_of(one: &Present) -> Vec<String> {
    let (name, says) = (&one.head.name, one.head.says.as_ref());
    let texts = [says.and_then(|says| says.branch.as_deref()), says.and_then(|says| says.title.as_deref())];
    let texts = texts.into_iter().flatten().chain([name.session.get(..8).unwrap_or(&name.session)]);
    texts.map(|text| format!("{}/{text}", name.user())).collect()
}

/// Adds a session to the store as the snapshot that its head is.
///
/// # Errors
/// As everything that comes from elsewhere.
pub fn bring(
    context: &Context,
    workspace: &Workspace,
    (remote, head): (&str, &RemoteHead),
    tell: &mut dyn FnMut(&str),
) -> Result<Manifest> {
    let (opened, _scratch) = open(context, workspace, remote, tell)?;
    take_head(context, workspace, &opened, head)
}

/// The same for a dry run: in a workspace whose store is not kept.
///
/// # Errors
/// As everything that comes from elsewhere.
pub fn bring_aside(
    context: &Context,
    aside: &Workspace,
    (remote, head): (&str, &RemoteHead),
    tell: &mut dyn FnMut(&str),
) -> Result<Manifest> {
    let (opened, _scratch) = open(context, aside, remote, tell)?;
    try_head(aside, &opened, head)
}

/// Opens a remote with a repository that goes again: what is fetched whole must not find one that promises to fetch more later.
pub(super) fn open<'a>(
    context: &Context,
    workspace: &Workspace,
    remote: &str,
    tell: &'a mut dyn FnMut(&str),
) -> Result<(Remote<'a>, Scratch)> {
    let scratch = workspace.scratch_for(&context.cwd, remote)?;
    let repository = workspace.repository.as_ref();
    let mut opened = Remote::open(repository, &context.cwd, &scratch.path(), remote, false, tell)?;
    opened.take_hash_of_remote()?;
    Ok((opened, scratch))
}

impl Looker<'_> {
    /// Finds the one session that is meant, as it is now.
    ///
    /// # Errors
    /// As [`find_session`], and what the remote says.
    pub fn find(&mut self, reference: &str) -> Result<Present> {
        let (all, shown) = (self.look(self.now())?, self.shown());
        find_session(&all, reference, &shown).cloned()
    }
}
