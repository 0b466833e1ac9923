//! Work on other threads: reading snapshots and diffs. The screen never waits for it.
//!
//! A diff comes in blocks through a channel that holds a few of them, so no more is computed than is wanted.
//! When the receiver is dropped, the work ends at its next block. One file is read at a time.

use std::io;
use std::sync::mpsc::{Receiver, Sender, sync_channel};
use std::thread::Scope;

use super::at_work::RemoteLook;
use super::diff_blocks::{DiffBlock, Recorder};
use super::facts::{Listed, SnapshotFacts, facts, listed};
use super::talk::{self, WantedTalk};
use crate::base::error::{Error, Kind, Result};
use crate::base::timestamp::Timestamp;
use crate::compare::{self, Detail, Item, Loader};
use crate::diff::Options;
use crate::manifest::Manifest;
use crate::store::{Entry, Reference};
use crate::workspace::Workspace;

/// How many blocks of a diff wait to be taken.
pub(super) const WAITING: usize = 4;

/// What the view waits for.
pub(super) enum News {
    /// The person did something.
    Event(ratatui::crossterm::event::Event),
    /// The terminal can't be read any more.
    Gone(io::Error),
    /// A signal asks the program to end.
    Signal,
    /// The list of snapshots.
    Listed(Result<Vec<Listed>>),
    /// A snapshot, and its edits.
    Opened(Box<Result<OpenedSnapshot>>),
    /// There is more of the diff, or its end.
    More,
    /// The thread that read a file is done.
    Idle,
    /// Somebody looked who is at work; `None`: there will be no further look.
    AtWork(Option<RemoteLook>),
}

/// A snapshot that was read.
pub(super) struct OpenedSnapshot {
    pub(super) facts: SnapshotFacts,
    pub(super) items: Vec<Item>,
    pub(super) manifest: Manifest,
}

/// What is to be read for the large part of the screen.
pub(super) enum Wanted {
    File(Box<Item>),
    Talk(Box<WantedTalk>),
}

/// A piece of a diff, or why there is none.
pub(super) type DiffPiece = std::result::Result<DiffBlock, String>;

/// Lists the snapshots.
pub(super) fn list<'s>(
    scope: &'s Scope<'s, '_>,
    workspace: &'s Workspace,
    now: Timestamp,
    news: Sender<News>,
) {
    scope.spawn(move || {
        let entries = workspace.store.entries().map(|entries| {
            // Safety snapshots last: what `undo` needs is seldom what is looked for.
            let is_safety = |entry: &Entry| entry.readable().is_some_and(|one| one.safety.is_some());
            let (safety, others): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(is_safety);
            others.iter().chain(&safety).map(|entry| listed(entry, now)).collect()
        });
        let _ended = news.send(News::Listed(entries));
    });
}

/// Opens a snapshot.
pub(super) fn open<'s>(
    scope: &'s Scope<'s, '_>,
    workspace: &'s Workspace,
    reference: Reference,
    now: Timestamp,
    news: Sender<News>,
) {
    scope.spawn(move || {
        let read = |entry: Entry| {
            let manifest = entry.manifest?;
            let items = compare::edits(manifest.edits.clone());
            Ok(OpenedSnapshot { facts: facts((&manifest, &entry.called), &items, now), items, manifest })
        };
        let opened = workspace.store.find(&reference).and_then(read);
        let _ended = news.send(News::Opened(Box::new(opened)));
    });
}

/// Reads the diff of a file, or a conversation.
pub(super) fn read<'s>(
    scope: &'s Scope<'s, '_>,
    workspace: &'s Workspace,
    wanted: Wanted,
    news: Sender<News>,
) -> Receiver<DiffPiece> {
    let (pieces, receiver) = sync_channel::<DiffPiece>(WAITING);
    scope.spawn(move || {
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        let mut send = |block: DiffBlock| {
            pieces.send(Ok(block)).map_err(|_| gone())?;
            news.send(News::More).map_err(|_| gone())
        };
        let mut recorder = Recorder::new(&mut send);
        let shown = match wanted {
            Wanted::File(item) => {
                Loader::new(workspace, Options::default(), Detail::Lines).show(*item, &mut recorder)
            }
            Wanted::Talk(talk) => talk::record(&workspace.store, &talk, &mut recorder),
        };
        if let Some(failure) = shown.err().filter(|failure| failure.kind() != Kind::ClosedPipe) {
            let _gone = pieces.send(Err(said(&failure)));
        }
        drop(pieces);
        let _ended = news.send(News::More).and_then(|()| news.send(News::Idle));
    });
    receiver
}

/// Returns an error on one line.
pub(super) fn said(error: &Error) -> String {
    crate::base::screen::Line(&error.to_string()).to_string()
}
