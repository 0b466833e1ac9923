//! `snap view`: snapshots, their tasks, agents and files, and the diff of each, on the screen.
//!
//! Everything appears at once, whatever its size: the screen is drawn before anything has been read, slow
//! work is done on other threads, and only the visible part of a diff is computed. The program waits for the
//! next key or the next result and does nothing meanwhile. State and drawing are pure. Only this file,
//! `terminal.rs` and `work.rs` have side effects.

mod areas;
mod document;
mod draw;
mod facts;
mod keys;
mod record;
mod rows;
mod state;
mod terminal;
mod work;

use std::io;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

pub use draw::draw;
pub use facts::{Fact, Listed, Mood, SnapshotFacts};
pub use record::{DiffBlock, Recorder};
pub use state::{Effect, Focus, State};

use crate::base::error::{Error, Kind, Result};
use crate::base::timestamp::Timestamp;
use crate::compare::Item;
use crate::store::Reference;
use crate::workspace::Workspace;
use terminal::Screen;
use work::{DiffPiece, News};

/// How long a frame stays on the screen while a search continues.
const FRAME: Duration = Duration::from_millis(30);

/// Shows a snapshot until the person quits.
///
/// # Errors
/// [`Kind::NotFound`] if there is no such snapshot, [`Kind::Environment`] if the terminal can't be
/// used or a signal came; the terminal is given back before.
pub fn run(workspace: &Workspace, reference: &str, color: bool, now: Timestamp) -> Result<()> {
    let (sender, receiver) = channel();
    let signals = sender.clone();
    crate::sys::signals::on_end(move || drop(signals.send(News::Signal)))?;
    thread::scope(|scope| {
        work::open(scope, workspace, Reference::parse(reference), now, sender.clone());
        let screen = Screen::take().map_err(|error| unusable(&error))?;
        let (width, height) = screen.size().map_err(|error| unusable(&error))?;
        let keys = sender.clone();
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
        let mut view =
            View { world, state, items: Vec::new(), pieces: None, reading: false, next: None, listed: false };
        view.run(screen, &receiver, color)
    })
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
    pieces: Option<Receiver<DiffPiece>>,
    /// Whether a thread still reads a file, wanted or not.
    reading: bool,
    /// The file to read when it is done.
    next: Option<usize>,
    listed: bool,
}

impl View<'_, '_> {
    fn run(&mut self, mut screen: Screen, news: &Receiver<News>, color: bool) -> Result<()> {
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
                if self.take(one)? {
                    return Ok(());
                }
                next = news.try_recv().ok();
            }
            self.pump().and_then(|()| self.search()).map_err(|error| unusable(&error))?;
        }
    }

    /// Takes what happened; says whether to end.
    fn take(&mut self, news: News) -> Result<bool> {
        match news {
            News::Event(event) => {
                let effect = self.state.event(event).map_err(|error| unusable(&error))?;
                return Ok(effect.is_some_and(|effect| self.act(effect)));
            }
            News::Gone(error) => return Err(unusable(&error)),
            News::Signal => return Err(Error::new(Kind::Environment, "Interrupted")),
            News::Listed(Ok(snapshots)) => self.state.list(snapshots),
            News::Listed(Err(error)) => self.state.tell(work::said(&error)),
            News::Opened(opened) => match *opened {
                Ok((facts, items)) => {
                    (self.items, self.pieces, self.next) = (items, None, None);
                    if let Some(effect) = self.state.open(facts) {
                        self.act(effect);
                    }
                    if !std::mem::replace(&mut self.listed, true) {
                        // What was asked for comes first.
                        let World { scope, workspace, now, .. } = self.world;
                        work::list(scope, workspace, now, self.world.sender.clone());
                    }
                }
                // Nothing is open yet: there is nothing to look at.
                Err(error) if !self.listed => return Err(error),
                Err(error) => self.state.tell(work::said(&error)),
            },
            News::More => {}
            News::Idle => {
                self.reading = false;
                if let Some(file) = self.next.take() {
                    self.read(file);
                }
            }
        }
        Ok(false)
    }

    fn act(&mut self, effect: Effect) -> bool {
        match effect {
            Effect::Quit => return true,
            Effect::Snapshot(number) => {
                let Some(listed) = self.state.snapshot(number) else { return false };
                let reference = Reference::parse(&listed.id);
                let World { scope, workspace, now, .. } = self.world;
                work::open(scope, workspace, reference, now, self.world.sender.clone());
            }
            Effect::File(number) => {
                let tmp = self.world.workspace.store.root().join("tmp");
                self.state.show(number, tmp);
                self.read(number);
            }
        }
        false
    }

    /// Starts to read a file, as soon as nothing else is read.
    fn read(&mut self, number: usize) {
        self.pieces = None;
        if std::mem::replace(&mut self.reading, true) {
            self.next = Some(number);
            return;
        }
        let Some(item) = self.items.get(number).cloned() else { return };
        let World { scope, workspace, .. } = self.world;
        self.pieces = Some(work::read(scope, workspace, item, self.world.sender.clone()));
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
