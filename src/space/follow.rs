//! Following a session: what is new in its conversation and its edits each time its head has moved.
//!
//! Read-only. Nothing is added to the store, run or believed: the manifest is checked, each piece has the size and the hash that it
//! says, and there are limits. The repository that it is fetched into goes with this value.

use std::collections::{BTreeMap, HashSet};

use super::find::open;
use crate::base::compress::{self, largest_frame};
use crate::base::digest::ObjectId;
use crate::base::error::{Error, Kind, Result};
use crate::context::Context;
use crate::git::{Remote, RemoteRef};
use crate::manifest::{Manifest, ObjectRef};
use crate::sys::files::Scratch;
use crate::transfer::{HeadName, fetch_head, manifest_of_head, object_of};
use crate::workspace::Workspace;

/// The largest piece of a conversation that is taken, in bytes.
const LARGEST_PIECE: u64 = 64 << 20;

/// The most that is read of a conversation at once, in bytes.
const MOST_AT_ONCE: u64 = 512 << 20;

/// A session that is followed.
pub struct Followed<'a> {
    name: HeadName,
    remote: Remote<'a>,
    /// Where its head was last.
    at: Option<RemoteRef>,
    pieces: Vec<ObjectRef>,
    /// The last piece as it was.
    last: Vec<u8>,
    /// The hashes of all records that were read: a compaction may cut the conversation into other pieces.
    known: HashSet<ObjectId>,
    edits: BTreeMap<String, (u64, u64)>,
    _scratch: Scratch,
}

/// What is new in a session.
pub struct News {
    /// The records that were added to its conversation.
    pub records: Vec<u8>,
    /// Whether these do not go on from what was there before: it was compacted, or it is another one.
    pub anew: bool,
    /// Its edits that are new or changed, with the lines that they gain and lose; a path that is no longer edited has none.
    pub edits: Vec<(String, Option<(u64, u64)>)>,
}

impl<'a> Followed<'a> {
    /// Begins to follow a session.
    ///
    /// # Errors
    /// As [`Remote::open`].
    pub fn begin(
        context: &Context,
        workspace: &Workspace,
        (remote, name): (&str, &HeadName),
        tell: &'a mut dyn FnMut(&str),
    ) -> Result<Followed<'a>> {
        let (remote, scratch) = open(context, workspace, remote, tell)?;
        Ok(Followed {
            name: name.clone(),
            remote,
            at: None,
            pieces: Vec::new(),
            last: Vec::new(),
            known: HashSet::new(),
            edits: BTreeMap::new(),
            _scratch: scratch,
        })
    }

    /// Fetches the head as it is now; returns what is new, `None` if it has not moved.
    ///
    /// # Errors
    /// [`Kind::NotFound`] if it is gone, [`Kind::Damaged`] if it is not sound.
    pub fn news(&mut self) -> Result<Option<News>> {
        if let Some(at) = &self.at {
            self.remote.build_on(&[&at.oid])?;
        }
        let at = fetch_head(&self.remote, &self.name)?;
        if self.at.as_ref() == Some(&at) {
            return Ok(None);
        }
        let mut fetched = self.remote.fetched()?;
        let manifest = manifest_of_head(&mut fetched, &at)?;
        let files = self.remote.files_of(&at.oid)?.unwrap_or_default();
        let blobs: BTreeMap<ObjectId, String> =
            files.into_iter().filter_map(|(path, blob)| Some((object_of(&path)?, blob))).collect();
        let transcript = manifest.session.as_ref().and_then(|session| session.transcript.as_ref());
        let pieces = transcript.map(|transcript| transcript.chunks.clone()).unwrap_or_default();
        let same = self.pieces.iter().zip(&pieces).take_while(|(one, other)| one == other).count();
        // Only the last piece may have been open.
        let anew = same + 1 < self.pieces.len();
        let new = if anew { &pieces[..] } else { &pieces[same..] };
        if new.iter().fold(0_u64, |sum, piece| sum.saturating_add(piece.size)) > MOST_AT_ONCE {
            return Err(unsound("its conversation is too long to be followed"));
        }
        let mut read = |piece: &ObjectRef| -> Result<Vec<u8>> {
            let blob = blobs.get(&piece.object).ok_or_else(|| unsound("a piece of it is missing"))?;
            if piece.size > LARGEST_PIECE {
                return Err(unsound("a piece of it is too large"));
            }
            let frame = fetched.blob(blob, largest_frame(piece.size))?;
            let raw =
                compress::decompress(&frame, piece.size).map_err(|error| unsound(&error.to_string()))?;
            if ObjectId::of(&raw) == piece.object {
                Ok(raw)
            } else {
                Err(unsound("a piece of it has another hash"))
            }
        };
        let (mut records, mut last) = (Vec::new(), Vec::new());
        for piece in new {
            last = read(piece)?;
            records.extend_from_slice(&last);
        }
        let was_open = !anew && same < self.pieces.len();
        let (records, anew) = match records.strip_prefix(self.last.as_slice()) {
            Some(more) if was_open => (more.to_vec(), false),
            None if was_open => (records, true),
            _ => (records, anew),
        };
        if !new.is_empty() {
            self.last = last;
        }
        let (records, anew) = self.without_known(records, anew);
        let edits = self.changed_edits(&manifest);
        self.pieces = pieces;
        self.at = Some(at);
        Ok(Some(News { records, anew, edits }))
    }

    /// Leaves out the records that were read before, if all came again; it is another conversation only if there is none.
    fn without_known(&mut self, records: Vec<u8>, again: bool) -> (Vec<u8>, bool) {
        let lines = || records.split_inclusive(|byte| *byte == b'\n').map(|line| (line, ObjectId::of(line)));
        let has_known = again && lines().any(|(_, hash)| self.known.contains(&hash));
        let new: Vec<u8> = lines()
            .filter(|(_, hash)| !(has_known && self.known.contains(hash)))
            .flat_map(|(line, _)| line.iter().copied())
            .collect();
        self.known.extend(lines().map(|(_, hash)| hash));
        (new, again && !has_known)
    }

    fn changed_edits(&mut self, manifest: &Manifest) -> Vec<(String, Option<(u64, u64)>)> {
        let listed = manifest.edits.iter().flat_map(|edits| edits.listed());
        let now: BTreeMap<String, (u64, u64)> =
            listed.map(|edit| (edit.path.to_string(), (edit.added, edit.removed))).collect();
        let changed = now.iter().filter(|(path, lines)| self.edits.get(*path) != Some(lines));
        let changed = changed.map(|(path, lines)| (path.clone(), Some(*lines)));
        let gone = self.edits.keys().filter(|path| !now.contains_key(*path)).map(|path| (path.clone(), None));
        let all = changed.chain(gone).collect();
        self.edits = now;
        all
    }
}

fn unsound(cause: &str) -> Error {
    Error::new(Kind::Damaged, "The session on the remote is not sound")
        .because(cause)
        .hint("nothing of it was used; ask whoever shares it")
}
