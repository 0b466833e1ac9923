//! Notes: that something happened in a session, left by a hook for the program that pushes.
//!
//! A hook writes one small file and goes. Whoever pushes reads all of them, keeps the newest of each session, and removes what it
//! has read once it is pushed: so nothing is lost while the remote is away or the machine is off.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::joined::folder_of;
use crate::base::error::{IoContext as _, Result};
use crate::base::ids::ClientId;
use crate::base::timestamp::Timestamp;
use crate::context::Context;
use crate::sys::files::{Draft, random_bytes};
use crate::sys::place::OwnPath;
use crate::transfer::SessionState;

/// The folder of the notes of a clone.
const FOLDER: &str = "notes";

/// The largest note that is read, in bytes.
const LARGEST: u64 = 64 << 10;

/// The most notes that are read at once; the newest are what counts.
const MOST: usize = 10_000;

/// That something happened in a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The client's name of the event.
    pub event: String,
    /// The session.
    pub session: ClientId,
    /// Its transcript.
    pub transcript: PathBuf,
    /// The folder that it works in.
    pub cwd: PathBuf,
    /// When.
    pub at: Timestamp,
}

impl Note {
    /// Returns what a session does after such an event; `None` for an event that says nothing of it.
    pub fn state(&self) -> Option<SessionState> {
        state_after(&self.event)
    }
}

/// Returns what a session does after an event of the client.
pub fn state_after(event: &str) -> Option<SessionState> {
    match event {
        "UserPromptSubmit" => Some(SessionState::Busy),
        "PermissionRequest" => Some(SessionState::Waiting),
        "Stop" => Some(SessionState::Idle),
        "SessionEnd" => Some(SessionState::Closed),
        // What a client says of itself.
        said => SessionState::parse(said),
    }
}

/// Leaves a note for a clone.
///
/// # Errors
/// [`crate::base::error::Kind::Environment`] with the path.
pub fn leave_note(context: &Context, home: &Path, note: &Note) -> Result<()> {
    let folder = folder_of(context, home).join(FOLDER);
    folder.make_folder()?;
    let random = crate::base::digest::to_hex(&random_bytes()?[..4]);
    let place = folder.join(format!("{:015}-{random}.json", note.at.as_millis().max(0)));
    let mut draft = Draft::begin(&folder)?;
    let text = serde_json::to_vec(note).unwrap_or_default();
    draft.write_all(&text).context("write", &place.path())?;
    // A power cut takes the last turn's note at most; the next one says all that it said.
    draft.publish_unsynced(&place)
}

/// Notes that were read, the oldest first, and where they lie.
#[derive(Default)]
pub struct Notes {
    /// The notes.
    pub all: Vec<Note>,
    places: Vec<OwnPath>,
}

impl Notes {
    /// Reads those of a clone; what can't be read is none.
    pub fn read(context: &Context, home: &Path) -> Notes {
        let folder = folder_of(context, home).join(FOLDER);
        let mut names = folder.names().unwrap_or_default();
        names.sort();
        let mut notes = Notes::default();
        for name in names
            .iter()
            .filter(|name| Path::new(name).extension().is_some_and(|end| end == "json"))
            .take(MOST)
        {
            let place = folder.join(Path::new(name));
            let text = place.read(LARGEST).ok().flatten().unwrap_or_default();
            notes.places.push(place);
            notes.all.extend(serde_json::from_slice::<Note>(&text).ok());
        }
        notes
    }

    /// Says whether there is none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Returns how many there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Removes those that were read.
    pub fn remove(self) {
        for place in self.places {
            let _read_again_next_time = place.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_says_what_a_session_does_after_it() {
        let words = |event: &str| state_after(event).map(SessionState::word);
        assert_eq!(
            ["UserPromptSubmit", "PermissionRequest", "Stop", "SessionEnd", "PreToolUse"].map(words),
            [Some("busy"), Some("waiting"), Some("idle"), Some("closed"), None]
        );
    }
}
