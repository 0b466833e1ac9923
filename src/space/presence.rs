//! Presence: who is at work on a remote, from the names and messages of heads alone.
//!
//! One fetch of commits without their trees; a server that can't leave them out is asked for names only. Clocks of other machines
//! are not believed further than what was seen here: a head that moved since the last look is alive, whatever it says of the time.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::joined::{folder_of, joined};
use crate::base::digest::ObjectId;
use crate::base::error::{Kind, Result};
use crate::base::timestamp::Timestamp;
use crate::context::Context;
use crate::git::{Remote, RemoteRef, Retries};
use crate::sys::files::{self, Existing, Scratch};
use crate::sys::locks::open_exclusively;
use crate::sys::place::OwnPath;
use crate::transfer::{HEADS, HeadName, HeadSays, NamedThere, RemoteHead, SNAPSHOTS};
use crate::workspace::Workspace;

/// What was seen, in the folder of a clone.
const SEEN: &str = "seen.json";

/// The largest that is read, in bytes.
const LARGEST: u64 = 16 << 20;

/// How far ahead of ours another machine's clock may be without a word.
const CLOCKS_APART: Duration = Duration::from_secs(600);

/// A machine that was heard of in this time is at work.
const RECENT: Duration = Duration::from_secs(600);

/// How long a look waits for another one of this clone.
const PATIENCE: Duration = Duration::from_secs(30);

/// The most heads that are looked at, and the most snapshots.
const MOST: usize = 10_000;

/// So many names of snapshots are asked for at each look: some 10 KB.
const FEW_SNAPSHOTS: usize = 100;

/// Those of more are asked for again after this.
const SNAPSHOTS_KNOWN: Duration = Duration::from_secs(60);

/// How long one run of git may take in a look.
const LIMIT: Duration = Duration::from_secs(60);

/// The longest that git may take for a push: a server that says nothing must not hold up all that comes after.
const PUSH_LIMIT: Duration = Duration::from_secs(15 * 60);

/// What was seen of a remote when it was looked at.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Seen {
    /// When it was looked at last.
    pub(super) looked: Option<Timestamp>,
    /// The heads, by their refs.
    pub(super) heads: BTreeMap<String, SeenHead>,
    /// The tips of chains, by their refs without the beginning.
    pub(super) tips: BTreeMap<String, String>,
    /// When the names of snapshots were asked for last.
    listed: Option<Timestamp>,
}

/// What was seen of a head.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SeenHead {
    oid: String,
    /// When it was seen there first.
    first: Timestamp,
    /// When it was known not to be there yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_before: Option<Timestamp>,
}

impl Seen {
    pub(super) fn read(folder: &OwnPath, key: &str) -> Seen {
        let text = folder.join(format!("{key}-{SEEN}")).read(LARGEST).ok().flatten().unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    pub(super) fn write(&self, folder: &OwnPath, key: &str) -> Result<()> {
        let text = serde_json::to_vec(self).unwrap_or_default();
        files::publish(folder, &folder.join(format!("{key}-{SEEN}")), &text, Existing::Replace).map(drop)
    }
}

/// Somebody's session on a remote.
#[derive(Clone, Debug)]
pub struct Present {
    /// Its head.
    pub head: RemoteHead,
    /// The last sign of life.
    pub heard: Timestamp,
    /// Whether it should have been heard of since.
    pub silent: bool,
    /// Whether its machine's clock is far ahead of this one's.
    pub ahead: bool,
    /// Whether it is this machine's own.
    pub mine: bool,
}

/// A remote that is looked at, once or again and again.
pub struct Looker<'a> {
    now: Timestamp,
    folder: OwnPath,
    key: String,
    remote: Remote<'a>,
    me: Option<String>,
    _scratch: Scratch,
}

/// What the repository is called that pushes are made from.
pub(super) const PUSHES: &str = "push";

/// Returns the remote whose space a clone takes part in, else the usual one.
pub fn usual_remote(context: &Context, home: &Path) -> String {
    joined(context, home).map_or_else(|| "origin".to_owned(), |joined| joined.remote)
}

/// Opens a kept repository of a clone, for reading from a remote.
pub(super) fn open_kept<'a>(
    context: &Context,
    workspace: &Workspace,
    (home, remote, kind): (&Path, &str, &str),
    interactive: bool,
    tell: &'a mut dyn FnMut(&str),
) -> Result<(Remote<'a>, Scratch, String)> {
    // A push may send much; a look never brings much.
    let limit = if kind == PUSHES { PUSH_LIMIT } else { context.look_limit.unwrap_or(LIMIT) };
    let scratch = workspace.scratch_for(&context.cwd, remote)?;
    let folder = folder_of(context, home);
    folder.make_folder()?;
    let key = ObjectId::of(remote.as_bytes()).to_string()[..8].to_owned();
    let kept = folder.join(format!("{kind}-{key}.git")).path();
    let repository = workspace.repository.as_ref();
    let mut opened = Remote::open_kept(
        repository,
        (&context.cwd, &scratch.path(), &kept),
        remote,
        (interactive, Some(limit)),
        tell,
    )?;
    let usual = Retries::default();
    opened.try_again(Retries {
        tries: context.tries.unwrap_or(usual.tries),
        first_wait: context.first_wait.unwrap_or(usual.first_wait),
    });
    Ok((opened, scratch, key))
}

impl<'a> Looker<'a> {
    /// Opens a remote to be looked at.
    ///
    /// # Errors
    /// As [`Remote::open_kept`].
    pub fn open(
        context: &Context,
        workspace: &Workspace,
        (home, remote): (&Path, &str),
        interactive: bool,
        tell: &'a mut dyn FnMut(&str),
    ) -> Result<Looker<'a>> {
        let folder = folder_of(context, home);
        folder.make_folder()?;
        // Whoever looks now must not find it gone.
        let _alone = open_exclusively(&folder.join("poll.lock"), PATIENCE)?;
        let (opened, scratch, key) =
            open_kept(context, workspace, (home, remote, "poll"), interactive, tell)?;
        let me = joined(context, home).and_then(|joined| joined.who(context).ok());
        Ok(Looker { now: context.now, folder, key, remote: opened, me, _scratch: scratch })
    }

    /// Returns the remote as it was named, without a password.
    pub fn shown(&self) -> String {
        self.remote.shown()
    }

    /// Asks once more for what the remote could not do before.
    ///
    /// # Errors
    /// As [`Looker::look`].
    pub fn ask_again(&mut self) -> Result<()> {
        let _alone = open_exclusively(&self.folder.join("poll.lock"), PATIENCE)?;
        self.remote.ask_again_for_filters()
    }

    /// Says whether only names are known.
    pub fn names_only(&self) -> bool {
        !self.remote.filters()
    }

    /// Looks; the moment is given, as it may be looked for hours.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with what git says.
    pub fn look(&mut self, now: Timestamp) -> Result<Vec<Present>> {
        Ok(self.look_for(now, false)?.0)
    }

    /// Looks at sessions and at the names of snapshots. Where there are many, their names are those of a minute ago at most.
    ///
    /// # Errors
    /// As [`Looker::look`].
    pub fn look_at_all(&mut self, now: Timestamp) -> Result<(Vec<Present>, Vec<NamedThere>)> {
        self.look_for(now, true)
    }

    fn look_for(&mut self, now: Timestamp, snapshots: bool) -> Result<(Vec<Present>, Vec<NamedThere>)> {
        let _alone = open_exclusively(&self.folder.join("poll.lock"), PATIENCE)?;
        let before = Seen::read(&self.folder, &self.key);
        let mut seen = Seen { looked: Some(now), heads: BTreeMap::new(), ..before.clone() };
        let (heads, named) = self.refs(now, snapshots, &mut seen)?;
        let mut fetched = if self.remote.filters() { Some(self.remote.fetched()?) } else { None };
        let mut all = Vec::new();
        for at in heads.into_iter().take(MOST) {
            let Some(name) = HeadName::parse(&at.name) else { continue };
            let says = fetched.as_mut().and_then(|fetched| {
                let commit = fetched.commit(&at.oid).ok()?;
                HeadSays::read(&commit.message)
            });
            let known = before.heads.get(&at.name).filter(|known| known.oid == at.oid).cloned();
            let known = known.unwrap_or_else(|| SeenHead {
                oid: at.oid.clone(),
                first: now,
                not_before: before.looked,
            });
            all.push(self.present(RemoteHead { name, at: at.clone(), says }, &known, now));
            seen.heads.insert(at.name, known);
        }
        seen.write(&self.folder, &self.key)?;
        self.remote.begin_anew_if_many()?;
        all.sort_by(|a, b| b.heard.cmp(&a.heard).then_with(|| a.head.name.cmp(&b.head.name)));
        let named = named.into_iter().take(MOST);
        let named = named.filter_map(|at| NamedThere::read(at, fetched.as_mut())).collect();
        Ok((all, named))
    }

    /// Asks for the refs of heads, and for those of snapshots where that is due; returns both.
    fn refs(
        &self,
        now: Timestamp,
        snapshots: bool,
        seen: &mut Seen,
    ) -> Result<(Vec<RemoteRef>, Vec<RemoteRef>)> {
        let both: &[&str] = &[HEADS, SNAPSHOTS];
        if !self.remote.filters() {
            let all = self.remote.look(if snapshots { both } else { &[HEADS] })?;
            return Ok(all.into_iter().partition(|at| at.name.starts_with(HEADS)));
        }
        let is_recent =
            seen.listed.is_some_and(|listed| listed <= now && now.since(listed) < SNAPSHOTS_KNOWN);
        let is_due = snapshots && !(is_recent && self.remote.refs_here(SNAPSHOTS)?.len() > FEW_SNAPSHOTS);
        match self.remote.follow(if is_due { both } else { &[HEADS] }, false) {
            Ok(()) if is_due => seen.listed = Some(now),
            // What somebody put in the place of a snapshot hides nobody who is at work.
            Err(error) if is_due && error.kind() == Kind::Damaged => self.remote.follow(&[HEADS], false)?,
            done => done?,
        }
        let named = if snapshots { self.remote.refs_here(SNAPSHOTS)? } else { Vec::new() };
        Ok((self.remote.refs_here(HEADS)?, named))
    }

    fn present(&self, head: RemoteHead, known: &SeenHead, now: Timestamp) -> Present {
        let said = head.says.as_ref().map(|says| says.at);
        let ahead = said.is_some_and(|at| at.since(now) > CLOCKS_APART);
        // What was seen here counts more than what another machine's clock says.
        let heard = match said {
            Some(at) if at <= known.first => known.not_before.map_or(at, |sure| at.max(sure)),
            _ => known.first,
        };
        let silent = head.says.as_ref().is_some_and(|says| says.is_silent(heard, now));
        let mine = self.me.as_deref() == Some(head.name.who.as_str());
        Present { head, heard, silent, ahead, mine }
    }

    /// Returns the moment at which it was opened.
    pub(super) fn now(&self) -> Timestamp {
        self.now
    }
}

/// Returns how many other machines were at work when the remote was looked at last.
pub(super) fn machines_at_work(context: &Context, home: &Path, remote: &str) -> usize {
    let key = ObjectId::of(remote.as_bytes()).to_string()[..8].to_owned();
    let seen = Seen::read(&folder_of(context, home), &key);
    let recent = seen.heads.iter().filter(|(_, head)| context.now.since(head.first) < RECENT);
    let who = recent.filter_map(|(name, _)| HeadName::parse(name)).map(|name| name.who);
    who.collect::<std::collections::BTreeSet<_>>().len()
}

/// Returns the tips of chains that were seen last, by their refs without the beginning.
pub(super) fn tips_seen(context: &Context, home: &Path, remote: &str) -> Vec<(String, String)> {
    let key = ObjectId::of(remote.as_bytes()).to_string()[..8].to_owned();
    Seen::read(&folder_of(context, home), &key).tips.into_iter().collect()
}
