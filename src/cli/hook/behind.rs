//! What comes after the answer to a step: the conversation of its checkpoints, and putting the stores in order.
//!
//! A process of its own does it, which shares nothing with the client: the client waits for whoever holds its pipes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Started, left_by_agent};
use crate::base::error::{Error, Result};
use crate::base::ids::SnapshotId;
use crate::base::monitor::Monitor;
use crate::capture::{self, Follows, History, Request, Signing};
use crate::context::Context;
use crate::prune;
use crate::restore;
use crate::workspace::Workspace;

/// What is left to be done, by the folder in which it is done.
#[derive(Default)]
pub(super) struct Behind(BTreeMap<PathBuf, Vec<ToComplete>>);

/// A checkpoint that was published without its conversation.
#[derive(Clone, Debug)]
pub(super) struct ToComplete {
    snapshot: SnapshotId,
    follows: Follows,
}

impl Behind {
    /// Adds a checkpoint in a work tree whose conversation follows.
    pub(super) fn complete(&mut self, tree: &Path, snapshot: &SnapshotId, follows: Follows) {
        let one = ToComplete { snapshot: snapshot.clone(), follows };
        self.0.entry(tree.to_owned()).or_default().push(one);
    }

    /// Adds the store of a folder in which nothing is to be completed.
    pub(super) fn tidy(&mut self, folder: &Path) {
        self.0.entry(folder.to_owned()).or_default();
    }

    /// Starts it, and does not wait for it.
    pub(super) fn start(self, started: &Started) -> Result<()> {
        for (folder, all) in self.0 {
            let mut words = vec!["PreToolUse".to_owned()];
            for one in all {
                words.extend(["--complete".to_owned(), one.word()]);
            }
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            started.later(&words, Some(&folder))?;
        }
        Ok(())
    }
}

impl ToComplete {
    fn word(&self) -> String {
        format!("{}:{}:{}", self.snapshot, self.follows.bytes, self.follows.tasks)
    }

    /// Reads it as it is on the command line.
    pub(super) fn parse(word: &str) -> std::result::Result<ToComplete, String> {
        let mut parts = word.split(':');
        let mut read = || {
            let snapshot = SnapshotId::parse(parts.next()?)?;
            let (bytes, tasks) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
            parts.next().is_none().then_some((snapshot, Follows { bytes, tasks }))
        };
        let (snapshot, follows) = read().ok_or("not a snapshot, a number of bytes and one of tasks")?;
        Ok(ToComplete { snapshot, follows })
    }
}

/// Does it, for one folder.
pub(super) fn work(started: &Started, to_complete: &[ToComplete]) -> Result<()> {
    let context = started.context()?;
    let workspace = Workspace::open(&context)?;
    let mut failed: Option<Error> = None;
    if let Some(transcript) = started.transcript().map(Path::new).filter(|_| !to_complete.is_empty()) {
        let session = workspace.client.session_at(transcript)?;
        let monitor = Monitor::default();
        let request = Request {
            history: History::Context,
            sign: Signing::No,
            ..Request::usual(Some(&session), &context.settings, &monitor)
        };
        for ToComplete { snapshot, follows } in to_complete {
            // What can't be completed stays as it is, and says so itself.
            if let Err(error) = capture::complete(&workspace, snapshot, *follows, &request) {
                failed.get_or_insert(error);
            }
        }
    }
    left_by_agent::forget_old(&context);
    put_in_order(&context, &workspace).and(failed.map_or(Ok(()), Err))
}

/// Removes automatic snapshots past their policy, and has `latest` follow the newest.
pub(super) fn put_in_order(context: &Context, workspace: &Workspace) -> Result<()> {
    prune::prune_automatic(context, workspace)?;
    restore::follow(workspace)
}
