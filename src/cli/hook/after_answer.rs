//! What comes after the answer to a step: the conversation of its checkpoints, and putting the stores in order.
//!
//! A process of its own does it, which shares nothing with the client: the client waits for whoever holds its pipes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Started, left_by_agent};
use crate::base::error::{Error, Kind, Result};
use crate::base::ids::SnapshotId;
use crate::base::monitor::Monitor;
use crate::capture::{self, Follows, History, Request, Signing};
use crate::cli::unfinished::{self, Unfinished};
use crate::context::Context;
use crate::prune;
use crate::restore;
use crate::workspace::Workspace;

/// What is left to be done, by the folder in which it is done.
#[derive(Default)]
pub(super) struct Behind(BTreeMap<PathBuf, Vec<(Unfinished, Follows)>>);

/// A checkpoint that was published without its conversation.
#[derive(Clone, Debug)]
pub(super) struct ToComplete {
    snapshot: SnapshotId,
    follows: Follows,
}

impl Behind {
    /// Adds a checkpoint in a work tree whose conversation follows.
    pub(super) fn complete(&mut self, tree: &Path, expected: Unfinished, follows: Follows) {
        self.0.entry(tree.to_owned()).or_default().push((expected, follows));
    }

    /// Adds the store of a folder in which nothing is to be completed.
    pub(super) fn tidy(&mut self, folder: &Path) {
        self.0.entry(folder.to_owned()).or_default();
    }

    /// Starts it, and does not wait for it.
    pub(super) fn start(self, started: &Started, context: &Context) -> Result<()> {
        let mut failed = Ok(());
        for (folder, all) in self.0 {
            let mut words = vec!["PreToolUse".to_owned()];
            for (expected, follows) in &all {
                unfinished::note(context, expected);
                words.extend(["--complete".to_owned(), format!("{}:{follows}", expected.snapshot)]);
            }
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            if let Err(error) = started.later(&words, Some(&folder)) {
                all.iter().for_each(|(one, _)| unfinished::note_failure(context, &one.snapshot, &error));
                failed = failed.and(Err(error));
            }
        }
        failed
    }
}

impl ToComplete {
    /// Reads it as it is on the command line.
    pub(super) fn parse(word: &str) -> std::result::Result<ToComplete, String> {
        let read = || {
            let (snapshot, follows) = word.split_once(':')?;
            Some(ToComplete { snapshot: SnapshotId::parse(snapshot)?, follows: Follows::parse(follows)? })
        };
        read().ok_or_else(|| "not a snapshot, the size of its transcript and those of its agents".to_owned())
    }
}

/// Does it, for one folder.
pub(super) fn work(started: &Started, to_complete: &[ToComplete]) -> Result<()> {
    let context = started.context()?;
    let note = |error: &Error| {
        to_complete.iter().for_each(|one| unfinished::note_failure(&context, &one.snapshot, error));
    };
    let workspace = Workspace::open(&context).inspect_err(note)?;
    let mut failed: Option<Error> = None;
    for ToComplete { snapshot, follows } in to_complete {
        match add(started, &context, &workspace, (snapshot, follows)) {
            Ok(()) => unfinished::forget(&context, snapshot),
            // What can't be completed stays as it is, and says so itself.
            Err(error) => {
                unfinished::note_failure(&context, snapshot, &error);
                failed.get_or_insert(error);
            }
        }
    }
    left_by_agent::forget_old(&context);
    unfinished::forget_old(&context);
    put_in_order(&context, &workspace).and(failed.map_or(Ok(()), Err))
}

/// Adds its conversation to a checkpoint, as that was when the checkpoint was published.
fn add(
    started: &Started,
    context: &Context,
    workspace: &Workspace,
    (snapshot, follows): (&SnapshotId, &Follows),
) -> Result<()> {
    let transcript = started.transcript().map(Path::new).ok_or_else(|| {
        Error::new(Kind::NotFound, "The conversation was not added to its snapshot")
            .because("its transcript is gone")
    })?;
    let session = workspace.client.session_at(transcript)?;
    let monitor = Monitor::default();
    let request = Request {
        history: History::Context,
        sign: Signing::No,
        ..Request::usual(Some(&session), &context.settings, &monitor)
    };
    capture::complete(workspace, snapshot, follows, &request).map(drop)
}

/// Removes automatic snapshots past their policy, and has `latest` follow the newest.
pub(super) fn put_in_order(context: &Context, workspace: &Workspace) -> Result<()> {
    prune::prune_automatic(context, workspace)?;
    restore::follow(workspace)
}
