//! What this machine knows of the heads that it pushed for a clone, and how the last tries ended.
//!
//! Kept in the user's own state folder. If it is lost, heads are pushed anew under the same names, once it is seen that they are
//! this machine's own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::joined::folder_of;
use super::notes::Note;
use crate::base::digest::ObjectId;
use crate::base::error::Result;
use crate::base::ids::ClientId;
use crate::base::timestamp::Timestamp;
use crate::context::Context;
use crate::sys::files::{self, Existing};
use crate::sys::place::OwnPath;
use crate::transfer::SessionState;

/// The file.
const PLACE: &str = "memory.json";

/// The largest that is read, in bytes.
const LARGEST: u64 = 8 << 20;

/// What is known of all heads of a clone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// The heads, by their session's part of the ref.
    pub heads: BTreeMap<String, OwnHead>,
    /// The tip of this clone's chain.
    pub chain: Option<String>,
    /// Where that is on the remote, as far as it is known; `None` if it has to be made there.
    pub chain_there: Option<String>,
    /// The addresses that all this is about.
    pub leads_to: Vec<String>,
    /// When a push succeeded last.
    pub pushed: Option<Timestamp>,
    /// When one was tried last.
    pub tried: Option<Timestamp>,
    /// How many failed since.
    pub failures: u32,
    /// Why the last one failed, for a person.
    pub problem: Option<String>,
    /// Why the remote takes none, for a person: nothing is tried by itself any more.
    pub refused: Option<String>,
    /// What happened to heads on the remote without this machine, for a person.
    pub told: Vec<String>,
}

/// What is known of one head.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnHead {
    /// The session.
    pub session: ClientId,
    /// Its transcript.
    pub transcript: PathBuf,
    /// The folder that it works in.
    pub cwd: PathBuf,
    /// What it does, in the word of [`SessionState`].
    pub state: String,
    /// How many turns have ended.
    pub turn: u64,
    /// When something was heard of it last.
    pub at: Timestamp,
    /// The commit on the remote, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oid: Option<String>,
    /// When it was pushed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pushed: Option<Timestamp>,
    /// The state that was pushed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<ObjectId>,
    /// Why it is held back, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<String>,
    /// That somebody else moved it, and to which commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_to: Option<String>,
}

/// Returns what is known of the heads of a clone.
pub fn memory(context: &Context, home: &Path) -> Memory {
    Memory::read(&folder_of(context, home))
}

/// Says whether all that a clone pushed was taken back, as far as that is known for sure.
pub fn is_taken_back(context: &Context, home: &Path) -> bool {
    let memory = memory(context, home);
    memory.pushed.is_some() && memory.heads.values().all(|head| head.oid.is_none())
}

impl OwnHead {
    /// Begins to know of a session.
    fn of(note: &Note) -> OwnHead {
        OwnHead {
            session: note.session.clone(),
            transcript: note.transcript.clone(),
            cwd: note.cwd.clone(),
            state: SessionState::Idle.word().to_owned(),
            turn: 0,
            at: note.at,
            oid: None,
            pushed: None,
            content: None,
            held: None,
            moved_to: None,
        }
    }

    /// Returns what the session does.
    pub fn state(&self) -> SessionState {
        SessionState::parse(&self.state).unwrap_or(SessionState::Idle)
    }
}

impl Memory {
    /// Reads it; what can't be read is nothing.
    pub fn read(folder: &OwnPath) -> Memory {
        let text = folder.join(PLACE).read(LARGEST).ok().flatten().unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// Writes it.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Environment`] with the path.
    pub fn write(&self, folder: &OwnPath) -> Result<()> {
        folder.make_folder()?;
        let text = serde_json::to_vec(self).unwrap_or_default();
        files::publish(folder, &folder.join(PLACE), &text, Existing::Replace).map(drop)
    }

    /// Forgets what is on the remote, if it leads elsewhere now.
    pub fn lead_to(&mut self, addresses: &[String]) {
        if self.leads_to == addresses {
            return;
        }
        self.leads_to = addresses.to_vec();
        self.chain_there = None;
        for head in self.heads.values_mut() {
            (head.oid, head.pushed, head.content, head.moved_to) = (None, None, None, None);
        }
    }

    /// Takes in a note, under this part of a ref.
    pub fn hear(&mut self, key: String, note: &Note) {
        let head = self.heads.entry(key).or_insert_with(|| OwnHead::of(note));
        let Some(state) = note.state() else { return };
        head.turn += u64::from(note.event == "Stop");
        // Two hooks at once may leave their notes in any order: a later one counts, and of two at once the end.
        if note.at >= head.at {
            state.word().clone_into(&mut head.state);
            (head.transcript, head.cwd, head.at) = (note.transcript.clone(), note.cwd.clone(), note.at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(event: &str, at: i64) -> Note {
        Note {
            event: event.to_owned(),
            session: ClientId::parse("s").expect("an id"),
            transcript: "/t".into(),
            cwd: "/w".into(),
            at: Timestamp::from_millis(at),
        }
    }

    #[test]
    fn the_newest_note_says_what_a_session_does_and_each_end_of_a_turn_counts() {
        let mut memory = Memory::default();
        for (event, at) in [("UserPromptSubmit", 1), ("Stop", 2), ("UserPromptSubmit", 4), ("Stop", 3)] {
            memory.hear("s".to_owned(), &note(event, at));
        }
        let head = &memory.heads["s"];
        assert_eq!((head.state(), head.turn, head.at.as_millis()), (SessionState::Busy, 2, 4));
    }

    #[test]
    fn what_was_written_is_read_again_and_rubbish_is_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = crate::sys::place::Root::own(folder.path()).at("");
        let mut memory = Memory { failures: 3, ..Memory::default() };
        memory.hear("s".to_owned(), &note("Stop", 2));
        memory.write(&place).expect("written");
        assert_eq!(Memory::read(&place), memory);
        std::fs::write(folder.path().join(PLACE), "{").expect("rubbish");
        assert_eq!(Memory::read(&place), Memory::default());
    }
}
