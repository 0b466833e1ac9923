//! What `snap init --sync` begins and `--no-sync` ends: sharing the sessions of a project, or of all of them, through a remote.

use std::path::PathBuf;

use serde::Serialize;

use super::sync::once;
use crate::base::error::{Error, Kind, Result};
use crate::base::screen::Line;
use crate::cli::output::Ui;
use crate::client::Scope;
use crate::context::Context;
use crate::space::{self, Joined, JoinedAll};
use crate::transfer::Remotes;
use crate::workspace::Workspace;

/// What was asked for.
pub(super) struct Asked<'a> {
    /// The remote to share through.
    pub(super) remote: Option<&'a str>,
    pub(super) private: bool,
    /// Whether what was private no longer is.
    pub(super) no_private: bool,
    /// Whether it is to end.
    pub(super) ends: bool,
    pub(super) scope: Scope,
}

/// What changes.
#[derive(Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub(super) enum Sharing {
    /// Nothing.
    Same,
    /// This clone takes part from now on.
    Begins {
        remote: String,
        leads_to: Vec<String>,
        private: bool,
        #[serde(skip)]
        joined: Joined,
    },
    /// All clones that have a remote of this name take part.
    BeginsForAll {
        remote: String,
        private: bool,
        #[serde(skip)]
        all: JoinedAll,
    },
    /// This clone takes no part any more.
    Ends {
        #[serde(skip)]
        home: PathBuf,
    },
    /// No clone does any more of which nothing else was said.
    EndsForAll,
}

impl Sharing {
    /// Plans it; the remote is looked up, and not contacted.
    pub(super) fn plan(asked: &Asked<'_>, context: &Context, workspace: &Workspace) -> Result<Sharing> {
        let (ends, private) = (asked.ends, asked.private);
        let home = space::home_of(workspace)?;
        match (asked.remote.map(str::to_owned), asked.scope) {
            (Some(remote), Scope::User) => {
                let all = JoinedAll { remote: remote.clone(), private, since: context.now };
                Ok(Sharing::BeginsForAll { remote: remote.clone(), private, all })
            }
            (Some(remote), _) => {
                if workspace.repository.is_none() {
                    return Err(Error::new(
                        Kind::Refused,
                        "Only the sessions of a git repository can be shared",
                    )
                    .because(format!("{} is in none", workspace.root.display())));
                }
                let mut silent = |_: &str| ();
                let opened = Remotes::open(context, workspace, &remote, false, &mut silent)?;
                if opened.shown() != Line(&remote).to_string() {
                    return Err(Error::new(
                        Kind::Refused,
                        format!("{} is not shared through", opened.shown()),
                    )
                    .because("the address has a password in it, which would be kept")
                    .hint(
                        "leave it to git's credential helper, or `git remote add` a name for the address",
                    ));
                }
                if let Some(helper) = opened.helper() {
                    return Err(Error::new(
                        Kind::Refused,
                        format!("{} can't be shared through", opened.shown()),
                    )
                    .because(format!("`git-remote-{}` can't replace what is there only if nobody else did", Line(&helper)))
                    .hint("`snap push` and `snap pull` work with it; to share each turn, name a remote that git reaches by itself"));
                }
                let leads_to = opened.leads_to().to_vec();
                drop(opened);
                let before = space::noted(context, &home);
                let clone = before.as_ref().map(|before| before.clone.clone()).unwrap_or_default();
                // Who wanted privacy keeps it until they say otherwise, or end the sharing.
                let private = !asked.no_private
                    && (private || before.as_ref().is_some_and(|before| !before.off && before.private));
                let has_heads = !space::is_taken_back(context, &home);
                let former = before
                    .as_ref()
                    .map(|before| before.former_beside(&remote, &leads_to, has_heads))
                    .unwrap_or_default();
                let (since, after) = match before.filter(|before| !before.off) {
                    Some(before) => (before.since, before.after),
                    None => (context.now, Some(space::last_line(workspace))),
                };
                let joined = Joined {
                    home,
                    remote: remote.clone(),
                    leads_to: leads_to.clone(),
                    private,
                    since,
                    after,
                    clone,
                    former,
                    off: false,
                };
                Ok(Sharing::Begins { remote: remote.clone(), leads_to: once(&leads_to), private, joined })
            }
            (None, Scope::User) if ends && space::joined_all(context).is_some() => Ok(Sharing::EndsForAll),
            (None, Scope::Project | Scope::Local) if ends && space::joined(context, &home).is_some() => {
                Ok(Sharing::Ends { home })
            }
            (None, _) => Ok(Sharing::Same),
        }
    }

    pub(super) fn carry_out(&self, context: &Context) -> Result<()> {
        match self {
            Sharing::Same => Ok(()),
            Sharing::Begins { joined, .. } => space::join(context, joined).map(drop),
            Sharing::BeginsForAll { all, .. } => space::join_all(context, Some(all)),
            Sharing::Ends { home } => space::leave(context, home).map(drop),
            Sharing::EndsForAll => space::join_all(context, None),
        }
    }

    /// Says who can read it, and how it is ended.
    pub(super) fn tell(&self, dry_run: bool, ui: &mut Ui) {
        let (would, ends) = if dry_run { ("would be", "would end") } else { ("is", "ends") };
        let readers = |remote: &str, private: bool| {
            let more = if private {
                " Titles and prompts stay out of the messages there, not out of the conversation."
            } else {
                ""
            };
            format!(
                "Everybody who may read {remote} can read all of it: the conversation, its edits, its tasks. Secrets are \
                 searched for before each push. What somebody has fetched can't be taken back.{more}"
            )
        };
        match self {
            Sharing::Same => {}
            Sharing::Begins { remote, leads_to, private, joined } => {
                let former =
                    joined.former.iter().map(|one| Line(&one.remote).to_string()).collect::<Vec<_>>();
                if !former.is_empty() {
                    ui.warn(&format!(
                        "what was shared through {} before stays there, until `snap sync --withdraw`",
                        former.join(" and ")
                    ));
                }
                let remote = Line(remote).to_string();
                let address = leads_to.first().map(|to| format!(" ({})", Line(to))).unwrap_or_default();
                ui.say(&format!(
                    "Each session of this project {would} shared through {remote}{address} as it goes."
                ));
                ui.say(&readers(&remote, *private));
                ui.say("`snap sync` shows how it goes; `snap init --no-sync` ends it.");
            }
            Sharing::BeginsForAll { remote, private, .. } => {
                let remote = Line(remote).to_string();
                ui.say(&format!("Every session in a repository of yours with a remote called {remote} {would} shared through it."));
                ui.say(&readers(&remote, *private));
                ui.say("`snap init --no-sync` in a project leaves that one out; `snap init --user --no-sync` ends it for all.");
            }
            Sharing::Ends { .. } => {
                ui.say(&format!(
                    "Sharing {ends}. What is there stays, until `snap sync --withdraw` takes it back."
                ));
            }
            Sharing::EndsForAll => {
                ui.say(&format!("Sharing {ends} for all projects that were not named themselves."))
            }
        }
    }
}
