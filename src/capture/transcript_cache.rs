//! What was read of a session's transcripts when it was saved last, so that only what is new has to be read.
//!
//! Each is kept under the hash of the part of the file that was read, as a state that can be continued. It only saves time:
//! a file that does not begin with just those bytes is read whole. Because it has words of the conversation in it, it is
//! masked under the user's key (`redaction/masked.rs`), and goes when a snapshot is removed for good.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::base::digest::ObjectId;
use crate::base::ids::ClientId;
use crate::capture::reading::History;
use crate::client::transcript::compaction::{Cut, Survey, hashes};
use crate::client::transcript::starters::Watch;
use crate::client::transcript::summary::TranscriptSummary;
use crate::client::transcript::traces::Traces;
use crate::manifest::LeftOut;
use crate::redaction::{Redactor, UnlistedSecret};
use crate::store::{FramedObject, Store};
use crate::sys::parallel::held;

/// What a mask is made for. To be raised when anything that reads records or cuts them into pieces changes.
const PURPOSE: &str = concat!("3 of ", env!("CARGO_PKG_VERSION"));

/// The most bytes that are kept of one session.
const MOST: usize = 24 << 20;

/// What is learnt of a transcript while it is read.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Learnt {
    pub(super) facts: TranscriptSummary,
    pub(super) watch: Watch,
    pub(super) traces: Traces,
}

/// A piece of a transcript as it was stored.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Piece {
    pub(super) stored: FramedObject,
    /// What was taken out of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) noted: Vec<UnlistedSecret>,
}

/// Where in a transcript a piece begins.
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PieceBegin {
    /// In bytes of the file: the beginning of a line.
    pub(super) at: u64,
    /// How many lines the cut was asked about before.
    pub(super) asked: u64,
    /// How many lines the pieces before have.
    pub(super) lines: u64,
}

/// What was read of a transcript, up to the end of a line.
#[derive(Serialize, Deserialize)]
pub(super) struct Checkpoint {
    /// The size of what was read, in bytes.
    pub(super) at: u64,
    /// The hash of what was read.
    pub(super) prefix: ObjectId,
    pub(super) learnt: Learnt,
    /// What was seen of compactions, if a line speaks of one.
    pub(super) survey: Option<Survey>,
    /// Which lines were kept.
    pub(super) cut: Option<Cut>,
    /// The number of lines that were kept.
    pub(super) records: u64,
    pub(super) left_out: LeftOut,
    pub(super) of_account: u64,
    /// What was taken out of long lines before they were cut.
    pub(super) noted: Vec<UnlistedSecret>,
    /// The pieces that will stay whatever is appended.
    pub(super) pieces: Vec<Piece>,
    /// Where the next piece begins.
    pub(super) begin: PieceBegin,
    /// The last piece, as it was without anything appended.
    pub(super) last: Option<Piece>,
}

impl Checkpoint {
    /// Says whether it may be kept. A value that was only found because it was seen elsewhere has to be kept for the next
    /// search each time it is found.
    fn may_be_kept(&self) -> bool {
        let pieces = self.pieces.iter().chain(&self.last);
        let noted = pieces.flat_map(|piece| &piece.noted).chain(&self.noted);
        !noted.into_iter().any(UnlistedSecret::was_seen)
    }
}

/// What was read of the transcripts of a session before.
pub(super) struct ReadBefore {
    /// What the file is called; `None` if nothing can be kept.
    name: Option<String>,
    known: BTreeMap<String, Box<RawValue>>,
    kept: Mutex<BTreeMap<String, Box<RawValue>>>,
}

impl ReadBefore {
    /// Reads what is kept of a session, of which so much is to be saved.
    pub(super) fn open(
        store: &Store,
        redactor: &Redactor,
        session: &ClientId,
        history: History,
    ) -> ReadBefore {
        let name = redactor.masked_name(&format!("{history:?} of {session}"));
        let masked = name.as_deref().and_then(|name| store.read_state(name));
        let json = masked.and_then(|masked| redactor.unmask(&purpose(), &masked));
        let known = json.and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default();
        ReadBefore { name, known, kept: Mutex::default() }
    }

    /// Returns what was read of a transcript; its file may have become another one since.
    pub(super) fn of(&self, path: &Path) -> Option<Checkpoint> {
        serde_json::from_str(self.known.get(&key(path))?.get()).ok()
    }

    /// Keeps what was read of a transcript now.
    pub(super) fn keep(&self, path: &Path, checkpoint: &Checkpoint) {
        if self.name.is_some()
            && checkpoint.may_be_kept()
            && let Ok(json) = serde_json::value::to_raw_value(checkpoint)
        {
            held(&self.kept).insert(key(path), json);
        }
    }

    /// Keeps what was read of a transcript before.
    pub(super) fn keep_known(&self, path: &Path) {
        if let Some(known) = self.known.get(&key(path)) {
            held(&self.kept).insert(key(path), known.clone());
        }
    }

    /// Writes what was kept; if that fails, it is read again.
    pub(super) fn write(self, store: &Store, redactor: &Redactor) {
        let Some(name) = self.name else { return };
        let mut kept = self.kept.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut room = MOST;
        kept.retain(|_, json| match room.checked_sub(json.get().len()) {
            Some(left) => {
                room = left;
                true
            }
            None => false,
        });
        let is_known = |path: &String, json: &RawValue| {
            self.known.get(path).is_some_and(|known| known.get() == json.get())
        };
        if kept.len() == self.known.len() && kept.iter().all(|(path, json)| is_known(path, json)) {
            return;
        }
        let masked = serde_json::to_vec(&kept).ok().and_then(|json| redactor.mask(&purpose(), json));
        let _read_again = masked.map(|masked| store.write_state(&name, &masked));
    }
}

fn purpose() -> String {
    format!("{PURPOSE} {}", hashes())
}

fn key(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
