//! The options of every command that restores a session.

use std::ffi::OsString;

use clap::{Args, ValueEnum};

use super::consent::ConsentArgs;
use super::revival::RevivalArgs;
use crate::base::screen::Line;
use crate::cli::completion::snapshots;
use crate::remap::{RemapMode, is_absolute};
use crate::restore::{GrantChoice, KeepId, Paths, RestoreOptions};

#[derive(Args)]
pub(crate) struct RestoreArgs {
    /// The snapshot; without it, you choose from a list on a terminal, unless there is only one
    #[arg(value_name = "REF", default_value = "latest", add = snapshots())]
    pub(crate) reference: String,
    /// The work tree to undo it in, if that is not the one in which the command was typed.
    #[arg(skip)]
    pub(crate) undo_in: Option<std::path::PathBuf>,
    /// What is said of a work tree that was made for this, if the restore is cut off.
    #[arg(skip)]
    pub(crate) made: Option<String>,
    /// Only show what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Restore only the files
    #[arg(long)]
    pub(crate) no_session: bool,
    /// Continue as a new session, even if the saved one is here unchanged
    #[arg(long, conflicts_with = "no_session")]
    fork: bool,
    /// Fetch the snapshot's base commit if this repository doesn't have it
    #[arg(long)]
    pub(crate) fetch_base: bool,
    /// Don't contact remotes: skip the check for other users of this snapshot and leave no lease
    #[arg(long, conflicts_with = "fetch_base")]
    pub(crate) offline: bool,
    /// What to do with paths of the old place in the conversation
    #[arg(long, value_name = "HOW", default_value = "rewrite")]
    paths: PathChoice,
    /// Also rewrite paths below OLD to paths below NEW (repeatable)
    #[arg(long, value_name = "OLD=NEW", value_parser = parse_map)]
    map: Vec<(String, String)>,
    /// Which permission grants to restore; by default `review` on a terminal, otherwise `none`
    #[arg(long, value_name = "WHICH")]
    pub(crate) grants: Option<GrantChoice>,
    /// Take a secret that a file needs from the environment variable NAME; of several with that name, one by ID=NAME (repeatable)
    #[arg(long, value_name = "NAME")]
    pub(crate) fill: Vec<String>,
    #[command(flatten)]
    pub(crate) consent: ConsentArgs,
    #[command(flatten)]
    pub(crate) revival: RevivalArgs,
    /// Print the client's command instead of running it
    #[arg(long)]
    pub(crate) no_run: bool,
    /// Options for the client
    #[arg(last = true, value_name = "CLIENT_ARGS")]
    pub(crate) client: Vec<OsString>,
}

#[derive(Clone, Copy, ValueEnum)]
enum PathChoice {
    /// Rewrite every mention to the new place
    Rewrite,
    /// Leave messages as they are (the prompt cache stays warm); the client tells the model of the new place
    Keep,
}

fn parse_map(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((old, new)) if is_absolute(old) && is_absolute(new) => Ok((old.to_owned(), new.to_owned())),
        _ => Err("write it as OLD=NEW, with absolute paths".to_owned()),
    }
}

impl RestoreArgs {
    /// Says that the paths which were given to map are nowhere in what was restored; `replaced` is how often any was.
    pub(super) fn maps_nothing(&self, replaced: Option<u64>) -> Option<String> {
        let (old, _) = self.map.first()?;
        let which = match self.map.len() {
            1 => format!("`--map {}=…` maps nothing", Line(old)),
            _ => "what `--map` names maps nothing".to_owned(),
        };
        match replaced {
            None => Some(format!("{which}: no session is restored")),
            Some(0) => Some(format!("{which}: the session has no path below that")),
            Some(_) => None,
        }
    }

    /// Makes those of a merge: it brings no conversation back, and asks no remote who works on it.
    pub(crate) fn of_merge(reference: String, dry_run: bool, consent: ConsentArgs) -> RestoreArgs {
        RestoreArgs {
            reference,
            undo_in: None,
            made: None,
            dry_run,
            no_session: true,
            fork: false,
            fetch_base: false,
            offline: true,
            paths: PathChoice::Rewrite,
            map: Vec::new(),
            grants: None,
            fill: Vec::new(),
            consent,
            revival: RevivalArgs::default(),
            no_run: true,
            client: Vec::new(),
        }
    }

    /// Returns what was asked for, as the operation takes it.
    pub(crate) fn options(&self) -> RestoreOptions {
        let mode = match self.paths {
            PathChoice::Rewrite => RemapMode::Rewrite,
            PathChoice::Keep => RemapMode::Keep,
        };
        RestoreOptions {
            reset_branch: false,
            edits: true,
            merge: false,
            session: !self.no_session,
            id: match self.revival.asked() {
                _ if self.fork => KeepId::Never,
                [] => KeepId::IfSame,
                // What was put to sleep is asleep in what is here.
                _ => KeepId::IfOwn,
            },
            trust_repository: false,
            new_tree: false,
            paths: Paths { mode, user: self.map.clone() },
            fill: self.fill.clone(),
        }
    }
}
