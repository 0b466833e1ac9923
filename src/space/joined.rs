//! Which clones take part in the space of a remote: only those that a person named, noted in the user's own state folder.
//!
//! Nothing in a project can make it take part. The addresses that the remote had then are noted too: if its name leads elsewhere
//! later, nothing is sent until the person has named it again.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::machine::{self, folder};
use crate::base::digest::ObjectId;
use crate::base::error::{Error, Kind, Result};
use crate::base::screen::{Line, quoted};
use crate::base::timestamp::Timestamp;
use crate::context::Context;
use crate::sys::files::{self, Existing};
use crate::sys::place::OwnPath;
use crate::transfer::{ChainName, HeadName};
use crate::workspace::Workspace;

/// The largest note that is read, in bytes.
const LARGEST: u64 = 64 << 10;

/// The note of a clone.
const JOINED: &str = "joined.json";

/// The note for all clones of which nothing is said.
const ALL: &str = "all.json";

/// That a clone takes part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    /// The clone: the root of its main work tree.
    pub home: PathBuf,
    /// The remote, by name or address.
    pub remote: String,
    /// Where it led when the person named it, without passwords; empty until it was opened for the first time.
    pub leads_to: Vec<String>,
    /// Whether the words of a conversation stay out of the messages of heads.
    pub private: bool,
    /// Since when.
    pub since: Timestamp,
    /// What tells the last line that the log here had then from others, empty if it had none: no clock says which lines came
    /// later. `None`: the moment alone is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// What tells this clone from others of this user on this machine.
    pub clone: String,
    /// The remotes that it was shared through before, and that may still have what was pushed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former: Vec<FormerRemote>,
    /// Whether a person said that it takes no part, whatever holds for all.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub off: bool,
}

/// A remote that a clone was shared through before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormerRemote {
    /// The remote, by name or address.
    pub remote: String,
    /// Where it led then, without passwords.
    pub leads_to: Vec<String>,
}

/// What holds for all clones of this user of which nothing else is said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinedAll {
    /// The remote, by name.
    pub remote: String,
    /// As in [`Joined`].
    pub private: bool,
    /// Since when.
    pub since: Timestamp,
}

/// Returns the folder for what is known of a clone here.
pub(super) fn folder_of(context: &Context, home: &Path) -> OwnPath {
    let key = ObjectId::of(home.as_os_str().as_encoded_bytes()).to_string();
    folder(context).join(&key[..32])
}

/// Says whether any clone of this user's takes part: most users need not look further.
pub fn anything_is_shared(context: &Context) -> bool {
    folder(context).is_folder()
}

/// Returns the clone that a workspace is of: the main work tree's root.
///
/// # Errors
/// What git says.
pub fn home_of(workspace: &Workspace) -> Result<PathBuf> {
    workspace.repository.as_ref().map_or_else(|| Ok(workspace.root.clone()), crate::git::Repository::home)
}

/// Returns whether and how a clone takes part; `None` if not. What can't be read is none.
pub fn joined(context: &Context, home: &Path) -> Option<Joined> {
    if !folder(context).is_folder() {
        return None;
    }
    let of_this: Option<Joined> = read(&folder_of(context, home).join(JOINED));
    match of_this {
        Some(joined) => Some(joined).filter(|joined| !joined.off && joined.home == home),
        None => {
            let all = joined_all(context)?;
            home.join(".git").exists().then(|| Joined {
                home: home.to_owned(),
                remote: all.remote,
                leads_to: Vec::new(),
                private: all.private,
                since: all.since,
                after: None,
                clone: String::new(),
                former: Vec::new(),
                off: false,
            })
        }
    }
}

/// Returns what holds for all clones.
pub fn joined_all(context: &Context) -> Option<JoinedAll> {
    read(&folder(context).join(ALL))
}

/// Notes that a clone takes part, or that it does not whatever holds for all.
///
/// # Errors
/// [`Kind::Environment`] with the path.
pub fn join(context: &Context, joined: &Joined) -> Result<Joined> {
    let mut joined = joined.clone();
    if joined.clone.is_empty() {
        joined.clone = machine::random_end()?;
    }
    write(&folder_of(context, &joined.home), JOINED, &joined)?;
    Ok(joined)
}

/// Notes what holds for all clones; `None`: nothing.
///
/// # Errors
/// [`Kind::Environment`] with the path.
pub fn join_all(context: &Context, all: Option<&JoinedAll>) -> Result<()> {
    match all {
        Some(all) => write(&folder(context), ALL, all),
        None => folder(context).join(ALL).remove(),
    }
}

/// Ends that a clone takes part; what was pushed stays. Returns whether it did.
///
/// # Errors
/// [`Kind::Environment`] with the path.
pub fn leave(context: &Context, home: &Path) -> Result<bool> {
    let Some(before) = joined(context, home) else { return Ok(false) };
    // A note stays: it says which machine's heads are this clone's, for who withdraws them later.
    join(context, &Joined { off: true, ..before })?;
    let folder = folder_of(context, home);
    folder.join("notes").remove_all()?;
    remove_kept(&folder)?;
    Ok(true)
}

/// Removes the repositories that are kept to send little: they are made again if need be.
///
/// # Errors
/// [`Kind::Environment`] with the path.
pub(super) fn remove_kept(folder: &OwnPath) -> Result<()> {
    let names = folder.names()?.into_iter();
    let mut kept = names.filter(|name| Path::new(name).extension().is_some_and(|end| end == "git"));
    kept.try_for_each(|name| folder.join(Path::new(&name)).remove_all())
}

/// Returns the note of a clone, also of one that takes no part any more.
pub fn noted(context: &Context, home: &Path) -> Option<Joined> {
    read(&folder_of(context, home).join(JOINED))
}

impl Joined {
    /// Returns the remotes that are former ones if the clone is shared through another one from now on; `has_heads` says whether
    /// something may be left on the present one.
    pub fn former_beside(&self, remote: &str, leads_to: &[String], has_heads: bool) -> Vec<FormerRemote> {
        let this = FormerRemote { remote: self.remote.clone(), leads_to: self.leads_to.clone() };
        let mut all = self.former.clone();
        all.extend(has_heads.then_some(this));
        let is_same = |one: &FormerRemote| {
            if one.leads_to.is_empty() { one.remote == remote } else { one.leads_to == leads_to }
        };
        all.retain(|one| !is_same(one));
        all.dedup();
        all
    }

    /// Returns how this user on this machine is called on the remote.
    ///
    /// # Errors
    /// [`Kind::Environment`] if no end for the machine can be kept.
    pub fn who(&self, context: &Context) -> Result<String> {
        machine::who(context)
    }

    /// Returns the name of this clone's chain.
    ///
    /// # Errors
    /// As [`Joined::who`].
    pub fn chain(&self, context: &Context) -> Result<ChainName> {
        Ok(ChainName { who: self.who(context)?, clone: self.clone.clone() })
    }

    /// Returns the name of a session's head.
    ///
    /// # Errors
    /// As [`Joined::who`].
    pub fn head(&self, context: &Context, session: &str) -> Result<HeadName> {
        Ok(HeadName::of(&self.who(context)?, session))
    }

    /// Refuses a remote whose name leads elsewhere by now.
    ///
    /// # Errors
    /// [`Kind::Refused`] with what can be done.
    pub fn refuse_moved(&self, leads_to: &[String]) -> Result<()> {
        if self.leads_to.is_empty() || self.leads_to == leads_to {
            return Ok(());
        }
        // Most are to fetch from and to push to.
        let once = |addresses: &[String]| {
            let mut all = addresses.to_vec();
            all.dedup();
            all.join(" and ")
        };
        let remote = Line(&self.remote).to_string();
        Err(Error::new(Kind::Refused, format!("{remote} {MOVED}"))
            .because(format!("it led to {}, and leads to {}", once(&self.leads_to), once(leads_to)))
            .hint(format!(
                "nothing was sent; `{}` shares through the new place from now on, and `git remote set-url` goes back to the old one",
                join_command(&self.remote)
            )))
    }
}

/// What is said of a remote whose name leads elsewhere by now.
const MOVED: &str = "leads elsewhere by now";

/// Says whether a push was refused because the remote leads elsewhere: then trying again is refused too.
pub fn is_moved(problem: &str) -> bool {
    problem.contains(MOVED)
}

/// Returns the command that shares a project through a remote.
pub fn join_command(remote: &str) -> String {
    match remote {
        "origin" => "snap init --sync".to_owned(),
        other => format!("snap init --sync {}", quoted(&Line(other).to_string())),
    }
}

fn read<T: for<'de> Deserialize<'de>>(place: &OwnPath) -> Option<T> {
    serde_json::from_slice(&place.read(LARGEST).ok()??).ok()
}

fn write(folder: &OwnPath, name: &str, note: &impl Serialize) -> Result<()> {
    folder.make_folder()?;
    let text = serde_json::to_vec(note).unwrap_or_default();
    files::publish(folder, &folder.join(name), &text, Existing::Replace).map(drop)
}
