//! The names of what is on a remote, and what their commits say: kept in the user's own state folder, so that each look fetches
//! only what is new.
//!
//! It is asked for by prefix. So neither branches and tags nor any content are listed or sent, if the server leaves out what is not
//! asked for. If it can't, or nothing can be kept, the caller asks for everything as it did before.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::commit_format::SnapshotSays;
use crate::base::digest::ObjectId;
use crate::base::error::Result;
use crate::context::Context;
use crate::git::{Remote, RemoteRef};
use crate::sys::locks::open_exclusively;
use crate::sys::place::{OwnPath, Root};

/// Where they are kept, in the user's state folder.
const FOLDER: &str = "remote-refs";

/// Where earlier versions kept them, with the addresses as they were typed.
const FORMER: &str = "remote-names";

/// How long a look waits for another one at the same remote.
const PATIENCE: Duration = Duration::from_secs(30);

/// A remote whose names are kept.
pub(super) struct RemoteNames<'a> {
    remote: Remote<'a>,
    lock: OwnPath,
}

impl<'a> RemoteNames<'a> {
    /// Opens what is kept of a remote; `None` if its server sends everything whatever is asked for, it can't be reached, or nothing can
    /// be kept here.
    pub(super) fn open(context: &Context, remote: &Remote<'a>) -> Option<RemoteNames<'a>> {
        let folder = folder(context);
        remove_former(context).ok()?;
        let key = ObjectId::of(remote.leads_to().join("\n").as_bytes()).to_string()[..16].to_owned();
        let lock = folder.join(format!("{key}.lock"));
        folder.make_folder().ok()?;
        let _alone = open_exclusively(&lock, PATIENCE).ok()?;
        let kept = folder.join(format!("{key}.git"));
        let remote = remote.beside(&kept.path()).inspect_err(|_| drop(kept.remove_all())).ok()?;
        remote.filters().then_some(RemoteNames { remote, lock })
    }

    /// Asks for the refs below these prefixes; `None` if that can't be done: what somebody put there may be none of ours, so that git
    /// refuses it.
    pub(super) fn look(&self, prefixes: &[&str]) -> Option<Vec<RemoteRef>> {
        let _alone = open_exclusively(&self.lock, PATIENCE).ok()?;
        self.remote.follow(prefixes, false).ok()?;
        let mut refs = Vec::new();
        for prefix in prefixes {
            refs.extend(self.remote.refs_here(prefix).ok()?);
        }
        self.remote.begin_anew_if_many().ok()?;
        Some(refs)
    }

    /// Returns what the commits of these refs say, by their ids, as far as they are kept.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] if git can't be run.
    pub(super) fn said<'r>(
        &self,
        refs: impl Iterator<Item = &'r RemoteRef>,
    ) -> Result<BTreeMap<&'r str, SnapshotSays>> {
        let _alone = open_exclusively(&self.lock, PATIENCE)?;
        let mut fetched = self.remote.fetched()?;
        let said = refs.filter_map(|at| {
            let commit = fetched.commit(&at.oid).ok()?;
            Some((at.oid.as_str(), SnapshotSays::read(&commit)))
        });
        Ok(said.collect())
    }
}

/// Removes what is kept of all remotes: names of snapshots that are gone may be in it.
///
/// # Errors
/// [`crate::base::error::Kind::Environment`] with the path.
pub fn forget_names(context: &Context) -> Result<()> {
    remove_former(context)?;
    let folder = folder(context);
    if folder.is_folder() { folder.remove_all() } else { Ok(()) }
}

fn remove_former(context: &Context) -> Result<()> {
    let former = Root::own(&context.state).at(Path::new(FORMER));
    if former.is_folder() { former.remove_all() } else { Ok(()) }
}

fn folder(context: &Context) -> OwnPath {
    Root::own(&context.state).at(Path::new(FOLDER))
}
