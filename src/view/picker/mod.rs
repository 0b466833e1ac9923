//! The picker: snapshots to choose one from by typing a part of its name, with what it was about beside them.
//!
//! It does nothing to a snapshot: it says which one was chosen, and for what. State, matching and drawing are pure. Only
//! this file has side effects.

mod choice;
mod draw;
mod matching;
mod state;

use std::sync::mpsc::channel;
use std::thread;

use super::action::{Action, Picked};
use super::facts::{SnapshotFacts, facts, listed, said_in};
use super::terminal::{self, Screen};
use super::{interrupted, unusable};
use crate::base::columns::first_line;
use crate::base::error::Result;
use crate::base::ids::SnapshotId;
use crate::base::timestamp::Timestamp;
use crate::compare;
use crate::store::Entry;
pub use choice::Choice;
pub use draw::draw;
pub use state::{Effect, Picker};

/// What the picker waits for.
enum News {
    Event(ratatui::crossterm::event::Event),
    Gone(std::io::Error),
    Signal,
}

/// Lets a person choose from snapshots, newest first; `None` if they left. Enter does `own`, and `preferred` is what is
/// selected at first.
///
/// The process is not to read from the terminal afterwards: a thread waits there for a key.
///
/// # Errors
/// [`crate::base::error::Kind::Environment`] if the terminal can't be used, `Interrupted` if a signal came; the terminal is given back before.
pub fn run(
    entries: &[Entry],
    own: Action,
    preferred: Option<&SnapshotId>,
    color: bool,
    now: Timestamp,
) -> Result<Option<Picked>> {
    let (sender, receiver) = channel();
    let signals = sender.clone();
    let _watch = crate::sys::signals::on_end(move || signals.send(News::Signal).is_ok(), || ())?;
    let mut screen = Screen::take().map_err(|error| unusable(&error))?;
    let (width, height) = screen.size().map_err(|error| unusable(&error))?;
    let mut picker = Picker::new(width, height, own, choices(entries, now));
    if let Some(id) = preferred {
        picker.prefer(id.as_str());
    }
    let gone = sender.clone();
    terminal::on_hangup(move |error| drop(gone.send(News::Gone(error)))).map_err(|error| unusable(&error))?;
    thread::spawn(move || {
        loop {
            let (news, last) = match terminal::next_event() {
                Ok(event) => (News::Event(event), false),
                Err(error) => (News::Gone(error), true),
            };
            if sender.send(news).is_err() || last {
                return;
            }
        }
    });
    loop {
        if let Some(id) = picker.lacks_preview() {
            picker.show(preview(entries, &id, now));
        }
        screen
            .draw(|buffer| {
                draw(&picker, color, buffer);
                Ok(())
            })
            .map_err(|error| unusable(&error))?;
        let mut next = receiver.recv().ok();
        while let Some(news) = next {
            match news {
                News::Event(event) => match picker.event(event) {
                    Some(Effect::Leave) => return Ok(None),
                    Some(Effect::Do(picked)) => return Ok(Some(picked)),
                    None => {}
                },
                News::Gone(error) => return Err(unusable(&error)),
                News::Signal => return Err(interrupted()),
            }
            next = receiver.try_recv().ok();
        }
    }
}

/// Returns what can be chosen: the snapshots that can be read.
fn choices(entries: &[Entry], now: Timestamp) -> Vec<Choice> {
    let readable = entries.iter().filter_map(|entry| {
        let (manifest, listed) = (entry.readable()?, listed(entry, now));
        let said = said_in(manifest);
        let place = [&manifest.workspace.branch, &manifest.workspace.worktree];
        let place: Vec<&str> = place.into_iter().flatten().map(String::as_str).collect();
        Some(Choice {
            id: listed.id,
            fact: listed.fact,
            about: said.first().map(|said| first_line(said)).unwrap_or_default(),
            text: format!("{}\n{}", said.join("\n"), place.join("\n")),
            pinned: entry.pinned,
            is_safety: manifest.safety.is_some(),
        })
    });
    readable.collect()
}

fn preview(entries: &[Entry], id: &str, now: Timestamp) -> SnapshotFacts {
    let is_it = |entry: &&Entry| entry.readable().is_some_and(|manifest| manifest.id.as_str() == id);
    let found = entries.iter().find(is_it).and_then(|entry| Some((entry.readable()?, entry.called.as_str())));
    let Some((manifest, called)) = found else {
        return SnapshotFacts { id: id.to_owned(), ..SnapshotFacts::default() };
    };
    facts((manifest, called), &compare::edits(manifest.edits.clone()), now)
}
