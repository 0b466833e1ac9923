//! What two saved states of one conversation have in common, told by the names of its records: a copy under another id or in
//! another place keeps them. Clocks say nothing here.
//!
//! Pieces that both begin with are the same bytes, and are not read. Neither is what comes before a record that both are known to
//! have. A piece ends with a line.

use std::borrow::Cow;
use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{BufRead as _, BufReader};

use serde::Deserialize;

use super::read_error::failed;
use crate::base::error::Result;
use crate::manifest::{ObjectRef, Transcript};
use crate::store::Store;

/// How two states of one conversation lie to each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Common {
    /// Of the older and of the newer one, how many pieces at the beginning both have.
    same: [usize; 2],
    /// Of each, the lines behind these pieces up to the last that both have.
    known: [u64; 2],
    /// Whether the older one goes on behind what both have, and the newer one.
    goes_on: [bool; 2],
}

#[derive(Deserialize)]
struct RecordId<'a> {
    #[serde(borrow, default)]
    uuid: Option<Cow<'a, str>>,
}

impl Common {
    /// Compares two states, the older one first.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Damaged`] if a piece is.
    pub(super) fn find(store: &Store, old: &Transcript, new: &Transcript) -> Result<Common> {
        Common::find_behind(store, old, new, None)
    }

    /// The same, for two that are known to have the record of this name.
    ///
    /// # Errors
    /// As [`Common::find`].
    pub(super) fn find_behind(
        store: &Store,
        old: &Transcript,
        new: &Transcript,
        record: Option<&str>,
    ) -> Result<Common> {
        let same = old.chunks.iter().zip(&new.chunks).take_while(|(old, new)| old == new).count();
        let mut from = [same, same];
        if let Some(record) = record
            && let (Some(of_old), Some(of_new)) =
                (piece_with(store, old, record)?, piece_with(store, new, record)?)
        {
            from = [same.max(of_old), same.max(of_new)];
        }
        let same = from;
        let hasher = RandomState::new();
        let old = named(store, &old.chunks[same[0]..], &hasher)?;
        let new = named(store, &new.chunks[same[1]..], &hasher)?;
        let set = |records: &[(u64, u64)]| records.iter().map(|(_, name)| *name).collect::<HashSet<u64>>();
        let (in_old, in_new) = (set(&old), set(&new));
        let last = |records: &[(u64, u64)], other: &HashSet<u64>| {
            let known = records.iter().rev().find(|(_, name)| other.contains(name));
            known.map_or(0, |(line, _)| *line)
        };
        let known = [last(&old, &in_new), last(&new, &in_old)];
        let is_behind = |records: &[(u64, u64)], other: &HashSet<u64>| {
            records.last().is_some_and(|(_, name)| !other.contains(name))
        };
        // They have nothing in common where what the older one has was left out of the newer one.
        let common = same[1] > 0 || known[1] > 0;
        let goes_on = [common && is_behind(&old, &in_new), is_behind(&new, &in_old)];
        Ok(Common { same, known, goes_on })
    }

    /// Says whether they have anything in common.
    pub(super) fn is_any(&self) -> bool {
        self.same[1] > 0 || self.known[1] > 0
    }

    /// Says whether the older one goes on behind what both have.
    pub(super) fn older_goes_on(&self) -> bool {
        self.goes_on[0]
    }

    /// Says whether the newer one does.
    pub(super) fn newer_goes_on(&self) -> bool {
        self.goes_on[1]
    }

    /// Returns how many lines at the beginning of the newer one both have.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Damaged`] if a piece is.
    pub(super) fn lines_of_newer(&self, store: &Store, new: &Transcript) -> Result<u64> {
        let mut lines = 0;
        each_line(store, &new.chunks[..self.same[1]], |_, _| lines += 1)?;
        Ok(lines + self.known[1])
    }

    /// Reads what only one of them has: the older one, or the newer. The rest of one that has nothing in common with the other
    /// is all of it.
    ///
    /// # Errors
    /// [`crate::base::error::Kind::Damaged`] if a piece is.
    pub(super) fn rest(
        &self,
        store: &Store,
        of: &Transcript,
        is_newer: bool,
        mut tell: impl FnMut(&[u8]),
    ) -> Result<()> {
        let side = usize::from(is_newer);
        let known = self.known[side];
        each_line(store, &of.chunks[self.same[side]..], |number, line| {
            if number > known {
                tell(line);
            }
        })
    }
}

/// Returns the name of the last record that has one. It is looked for from the end, piece by piece.
///
/// # Errors
/// [`crate::base::error::Kind::Damaged`] if a piece is.
pub(super) fn last_record(store: &Store, transcript: &Transcript) -> Result<Option<String>> {
    for piece in transcript.chunks.iter().rev() {
        let mut last = None;
        each_line(store, std::slice::from_ref(piece), |_, line| {
            if let Ok(RecordId { uuid: Some(uuid) }) = serde_json::from_slice(line) {
                last = Some(uuid.into_owned());
            }
        })?;
        if last.is_some() {
            return Ok(last);
        }
    }
    Ok(None)
}

/// Finds the last piece that has the record of this name; `None` if none has.
///
/// # Errors
/// [`crate::base::error::Kind::Damaged`] if a piece is.
pub(super) fn piece_with(store: &Store, transcript: &Transcript, record: &str) -> Result<Option<usize>> {
    // As the client writes it, and as others may.
    let spelled = ["", " "].map(|gap| format!("\"uuid\":{gap}\"{record}\""));
    for (number, piece) in transcript.chunks.iter().enumerate().rev() {
        let bytes = store.get(piece)?;
        let text = String::from_utf8_lossy(&bytes);
        if spelled.iter().any(|spelled| text.contains(spelled)) {
            return Ok(Some(number));
        }
    }
    Ok(None)
}

/// Returns the lines that are records with a name of their own, each with a hash of that.
fn named(store: &Store, pieces: &[ObjectRef], hasher: &RandomState) -> Result<Vec<(u64, u64)>> {
    let mut records = Vec::new();
    each_line(store, pieces, |number, line| {
        if let Ok(RecordId { uuid: Some(uuid) }) = serde_json::from_slice(line) {
            records.push((number, hasher.hash_one(&*uuid)));
        }
    })?;
    Ok(records)
}

/// Reads pieces line by line, with the number of each line, from 1.
fn each_line(store: &Store, pieces: &[ObjectRef], mut tell: impl FnMut(u64, &[u8])) -> Result<()> {
    let mut lines = BufReader::with_capacity(64 << 10, store.pieces(pieces));
    let (mut line, mut number) = (Vec::new(), 0);
    while lines.read_until(b'\n', &mut line).map_err(|error| failed(&error))? > 0 {
        number += 1;
        tell(number, &line);
        // A huge record must not stay in memory.
        if line.capacity() > (4 << 20) { line = Vec::new() } else { line.clear() }
    }
    Ok(())
}
