//! `snap view`: snapshots, their tasks, agents and files, and the diff of each, on the screen.
//!
//! Everything appears at once, whatever its size: the screen is drawn before anything has been read, slow
//! work is done on other threads, and only the visible part of a diff is computed. The program waits for the
//! next key or the next result and does nothing meanwhile. State and drawing are pure. Only this file,
//! `terminal.rs` and `work.rs` have side effects.

mod action;
mod areas;
mod at_work;
mod diff_blocks;
mod document;
mod draw;
mod facts;
mod keys;
mod pen;
pub mod picker;
mod remote_watch;
mod rows;
mod state;
mod talk;
mod terminal;
mod work;

use std::io;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

pub use action::{Action, Picked};
pub use at_work::{AtWork, RemoteLook};
pub use diff_blocks::{DiffBlock, Recorder};
pub use draw::draw;
pub use facts::{Fact, Listed, Mood, SnapshotFacts};
pub use remote_watch::{CompanionTask, Running, Start};
pub use state::{Effect, Focus, State};

use crate::base::error::{Error, Kind, Result};
use crate::base::timestamp::Timestamp;
use crate::compare::Item;
use crate::manifest::Manifest;
use crate::store::Reference;
use crate::workspace::Workspace;
use talk::WantedTalk;
use terminal::Screen;
use work::{DiffPiece, News, OpenedSnapshot, Wanted};

/// How long a frame stays on the screen while a search continues.
const FRAME: Duration = Duration::from_millis(30);

/// Shows a snapshot until the person quits; returns what is to be done then.
///
/// `start` starts programs that look who is at work, if the project is shared.
///
/// The process is not to read from the terminal afterwards: a thread waits there for a key.
///
/// # Errors
/// [`Kind::NotFound`] if there is no such snapshot, [`Kind::Environment`] if the terminal can't be
/// used or a signal came; the terminal is given back before.
pub fn run(
    workspace: &Workspace,
    reference: &str,
    color: bool,
    now: Timestamp,
    start: Option<Start<'_>>,
) -> Result<Option<Picked>> {
    let (sender, receiver) = channel();
    let signals = sender.clone();
    let _watch = crate::sys::signals::on_end(move || signals.send(News::Signal).is_ok(), || ())?;
    thread::scope(|scope| {
        work::open(scope, workspace, Reference::parse(reference), now, sender.clone());
        let screen = Screen::take().map_err(|error| unusable(&error))?;
        let (width, height) = screen.size().map_err(|error| unusable(&error))?;
        let (keys, gone) = (sender.clone(), sender.clone());
        terminal::on_hangup(move |error| drop(gone.send(News::Gone(error))))
            .map_err(|error| unusable(&error))?;
        // Not of this scope: it waits for a key when all else has ended.
        thread::spawn(move || {
            loop {
                let (news, last) = match terminal::next_event() {
                    Ok(event) => (News::Event(event), false),
                    Err(error) => (News::Gone(error), true),
                };
                if keys.send(news).is_err() || last {
                    return;
                }
            }
        });
        let state = State::new(width, height);
        let world = World { scope, workspace, sender, now };
        let mut view = View {
            world,
            state,
            items: Vec::new(),
            manifest: None,
            pieces: None,
            reading: false,
            next: None,
            listed: false,
            start,
            looking: None,
            following: None,
        };
        view.run(screen, &receiver, color)
    })
}

fn interrupted() -> Error {
    Error::new(Kind::Interrupted, "Interrupted").because("nothing was changed")
}

fn unusable(error: &io::Error) -> Error {
    Error::new(Kind::Environment, "Cannot use the terminal").because(error)
}

/// What work needs.
struct World<'s, 'e> {
    scope: &'s Scope<'s, 'e>,
    workspace: &'s Workspace,
    sender: Sender<News>,
    now: Timestamp,
}

struct View<'s, 'e> {
    world: World<'s, 'e>,
    state: State,
    items: Vec<Item>,
    manifest: Option<Manifest>,
    pieces: Option<Receiver<DiffPiece>>,
    /// Whether a thread still reads a file, wanted or not.
    reading: bool,
    /// What to read when it is done.
    next: Option<Wanted>,
    listed: bool,
    /// What starts programs beside the view.
    start: Option<Start<'s>>,
    /// The one that looks who is at work, and the one that reads the session which is shown; each ends when this goes.
    looking: Option<Box<dyn Send>>,
    following: Option<Box<dyn Send>>,
}

impl View<'_, '_> {
    fn run(&mut self, mut screen: Screen, news: &Receiver<News>, color: bool) -> Result<Option<Picked>> {
        let mut drawn: Option<Instant> = None;
        loop {
            // A search looks at thousands of blocks a second; nobody sees as many frames.
            if !self.state.is_searching() || drawn.is_none_or(|drawn| drawn.elapsed() > FRAME) {
                let state = &mut self.state;
                screen.draw(|buffer| draw(state, color, buffer)).map_err(|error| unusable(&error))?;
                drawn = Some(Instant::now());
            }
            // A search goes on block by block as long as nothing else happens.
            let mut next = if self.state.is_searching() { news.try_recv().ok() } else { news.recv().ok() };
            while let Some(one) = next {
                match self.take(one)? {
                    Some(Effect::Do(action)) => return Ok(self.state.picked(action)),
                    Some(_) => return Ok(None),
                    None => {}
                }
                next = news.try_recv().ok();
            }
            self.pump().and_then(|()| self.search()).map_err(|error| unusable(&error))?;
        }
    }

    /// Takes what happened; returns with what to end, if it is the end.
    fn take(&mut self, news: News) -> Result<Option<Effect>> {
        match news {
            News::Event(event) => {
                let effect = self.state.event(event).map_err(|error| unusable(&error))?;
                return Ok(effect.filter(|effect| self.act(*effect)));
            }
            News::Gone(error) => return Err(unusable(&error)),
            News::Signal => return Err(interrupted()),
            News::Listed(Ok(snapshots)) => self.state.list(snapshots),
            News::Listed(Err(error)) => self.state.tell(work::said(&error)),
            News::Opened(opened) => match *opened {
                Ok(OpenedSnapshot { facts, items, manifest }) => {
                    (self.items, self.pieces, self.next, self.following) = (items, None, None, None);
                    self.manifest = Some(manifest);
                    if let Some(effect) = self.state.open(facts) {
                        self.act(effect);
                    }
                    if !std::mem::replace(&mut self.listed, true) {
                        // What was asked for comes first.
                        let World { scope, workspace, now, .. } = self.world;
                        work::list(scope, workspace, now, self.world.sender.clone());
                        self.look();
                    }
                }
                // Nothing is open yet: there is nothing to look at.
                Err(error) if !self.listed => return Err(error),
                Err(error) => self.state.tell(work::said(&error)),
            },
            News::AtWork(look) => {
                let mut at_work = self.state.at_work.clone().unwrap_or_else(AtWork::begun);
                match look {
                    Some(look) => at_work.hear(look),
                    None => at_work.end(),
                }
                self.state.see(at_work);
            }
            News::More => {}
            News::Idle => {
                self.reading = false;
                if let Some(wanted) = self.next.take() {
                    self.read(wanted);
                }
            }
        }
        Ok(None)
    }

    /// Does what can be done without leaving; says whether it is to be left.
    fn act(&mut self, effect: Effect) -> bool {
        match effect {
            Effect::Quit | Effect::Do(_) => return true,
            Effect::Snapshot(number) => {
                let Some(listed) = self.state.snapshot(number) else { return false };
                let reference = Reference::parse(&listed.id);
                let World { scope, workspace, now, .. } = self.world;
                work::open(scope, workspace, reference, now, self.world.sender.clone());
            }
            Effect::File(number) => {
                let Some(item) = self.items.get(number).cloned() else { return false };
                self.state.show(number, self.spool());
                self.read(Wanted::File(Box::new(item)));
            }
            Effect::Talk => self.hear(None),
            Effect::Agent(number) => self.hear(Some(number)),
            Effect::Session(number) => self.follow(number),
        }
        false
    }

    /// Has somebody look who is at work, as long as the view is there.
    fn look(&mut self) {
        let Some(start) = self.start else { return };
        let mut at_work = AtWork::begun();
        match remote_watch::look(start, self.world.sender.clone()) {
            Ok(held) => self.looking = Some(held),
            Err(_) => at_work.end(),
        }
        self.state.see(at_work);
    }

    /// Shows what a session of somebody who is at work is about, and its last words as soon as they have come.
    fn follow(&mut self, number: usize) {
        let session = self.state.at_work.as_ref().and_then(|one| one.sessions.get(number)).cloned();
        let (Some((name, fact)), Some(start)) = (session, self.start) else { return };
        let about = fact.detail.clone();
        self.state.hear(fact, self.spool());
        (self.pieces, self.next, self.following) = (None, None, None);
        match remote_watch::follow(start, &name, about, self.world.sender.clone()) {
            Ok((pieces, held)) => (self.pieces, self.following) = (Some(pieces), Some(held)),
            Err(error) => self.state.tell(format!("cannot look at it: {error}")),
        }
    }

    /// Returns where a document puts aside what is too much for memory.
    fn spool(&self) -> std::path::PathBuf {
        self.world.workspace.store.root().join("tmp")
    }

    /// Shows the conversation, or what an agent said; or what is known of it, if it was not saved.
    fn hear(&mut self, agent: Option<usize>) {
        let (Some(manifest), Some(facts)) = (&self.manifest, &self.state.facts) else { return };
        let (transcript, heading, about) = match agent {
            None => {
                let heading = Fact { text: "Conversation".to_owned(), ..Fact::default() };
                (
                    manifest.session.as_ref().and_then(|one| one.transcript.clone()),
                    heading,
                    facts.talk.clone(),
                )
            }
            Some(number) => {
                let fact = facts.agents.get(number).cloned().unwrap_or_default();
                let about = fact.detail.clone();
                (manifest.agents.get(number).and_then(|agent| agent.transcript.clone()), fact, about)
            }
        };
        let Some(transcript) = transcript else {
            self.state.read(about);
            return;
        };
        let before = if agent.is_some() { about } else { Vec::new() };
        self.state.hear(heading, self.spool());
        self.read(Wanted::Talk(Box::new(WantedTalk { transcript, of_agent: agent.is_some(), before })));
    }

    /// Starts to read something, as soon as nothing else is read.
    fn read(&mut self, wanted: Wanted) {
        (self.pieces, self.following) = (None, None);
        if std::mem::replace(&mut self.reading, true) {
            self.next = Some(wanted);
            return;
        }
        let World { scope, workspace, .. } = self.world;
        self.pieces = Some(work::read(scope, workspace, wanted, self.world.sender.clone()));
    }

    /// Takes as much of the diff as is wanted and there.
    fn pump(&mut self) -> io::Result<()> {
        while let Some(pieces) = self.pieces.as_ref().filter(|_| self.state.wants_more()) {
            match pieces.try_recv() {
                Ok(Ok(block)) => self.state.take(block)?,
                Ok(Err(failure)) => self.state.end(Some(failure))?,
                Err(TryRecvError::Empty) => return Ok(()),
                Err(TryRecvError::Disconnected) => {
                    self.pieces = None;
                    self.state.end(None)?;
                }
            }
        }
        Ok(())
    }

    fn search(&mut self) -> io::Result<()> {
        if self.state.is_searching() { self.state.search() } else { Ok(()) }
    }
}
