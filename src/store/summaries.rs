//! What a list says of every snapshot: from a file that only saves time, as far as the manifests are those that it was made
//! from, and from the manifests themselves otherwise.
//!
//! It is to [`Summary`] what the index is to heads, and follows the same rules (`catalog.rs`). It is apart from the index,
//! because only lists need it. The size of a snapshot is what its files had when it was summarized.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};

use super::display_names::called_by_stem;
use super::entry::UnreadEntry;
use super::index_file::{self, IndexFile, Indexed};
use super::manifest_cache::Identity;
use super::{DeleteLock, LEAST_EACH, Store, unless_gone};
use crate::base::digest::ObjectId;
use crate::base::error::{Error, Result};
use crate::manifest::{Head, Manifest, Summary};
use crate::sys::parallel::{self, held};

/// All snapshots of a store, each with its summary.
pub struct Summaries {
    known: Arc<Vec<UnreadEntry>>,
    called: Vec<String>,
    /// `None` for those that were removed since they were listed.
    read: Vec<Option<Result<Measured>>>,
}

/// A summary, and what the snapshot takes on the disk.
#[derive(Clone, Serialize, Deserialize)]
struct Measured {
    summary: Summary,
    /// In bytes, with what it shares with others.
    size: u64,
}

/// One snapshot of a list.
#[derive(Clone, Copy)]
pub struct Listed<'a> {
    /// What is known of it without its summary.
    pub known: &'a UnreadEntry,
    /// What it is called here: its name, or `NAME@USER` if another one has that; its file's name if it can't be read.
    pub called: &'a str,
    /// What it says, or why it can't be read.
    pub saved: std::result::Result<Saved<'a>, &'a Error>,
}

/// What a list says of a snapshot that can be read.
#[derive(Clone, Copy)]
pub struct Saved<'a> {
    /// What tells it from others.
    pub head: &'a Head,
    /// What it is about.
    pub summary: &'a Summary,
    /// What it took on the disk when it was first listed, in bytes, with what it shares with others.
    pub size: u64,
}

/// What the file says of one snapshot.
#[derive(Deserialize)]
struct Line {
    stem: String,
    identity: Identity,
    measured: Measured,
}

/// The same, to be written.
#[derive(Serialize)]
struct LineOf<'a> {
    stem: &'a str,
    identity: Identity,
    measured: &'a Measured,
}

impl Summaries {
    /// Returns them newest first, those that can't be read last.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Listed<'_>> {
        let all = self.known.iter().zip(&self.called).zip(&self.read);
        all.filter_map(|((known, called), read)| {
            let saved = match (read.as_ref()?, &known.head) {
                (Ok(measured), Ok(head)) => {
                    Ok(Saved { head, summary: &measured.summary, size: measured.size })
                }
                (Err(error), _) | (_, Err(error)) => Err(error),
            };
            Some(Listed { known, called, saved })
        })
    }

    /// Says whether there are none.
    pub fn is_empty(&self) -> bool {
        self.read.iter().all(Option::is_none)
    }
}

impl<'a> Listed<'a> {
    /// Returns what it says, if it can be read.
    pub fn readable(&self) -> Option<Saved<'a>> {
        self.saved.ok()
    }
}

impl Store {
    /// Lists every snapshot with what it is about: newest first, those that can't be read last.
    ///
    /// # Errors
    /// As [`Store::known`].
    pub fn summaries(&self) -> Result<Summaries> {
        let known = self.known()?;
        let file: Option<IndexFile<()>> = IndexFile::open(self, Indexed::Summaries);
        let lines: Option<Vec<Line>> = file.as_ref().and_then(IndexFile::read);
        let is_there = lines.is_some();
        let lines = lines.unwrap_or_default();
        let had = lines.len();
        let mut by_stem: HashMap<String, (Identity, Measured)> =
            lines.into_iter().map(|line| (line.stem, (line.identity, line.measured))).collect();
        let mut read: Vec<Option<Result<Measured>>> = known
            .iter()
            .map(|one| {
                let (identity, measured) = by_stem.remove(&one.stem)?;
                (one.head.is_ok() && one.identity == Some(identity)).then_some(Ok(measured))
            })
            .collect();
        let missing: Vec<usize> = (0..known.len()).filter(|number| read[*number].is_none()).collect();
        let begun = if missing.is_empty() && had <= known.len() { None } else { self.begin_index() };
        let sizes = Mutex::default();
        let new = parallel::map(&missing, LEAST_EACH, |number| self.summarize(&known[*number], &sizes));
        let mut noted = 0;
        for (number, new) in missing.into_iter().zip(new) {
            noted += usize::from(matches!(new, Some(Ok(_))));
            read[number] = new;
        }
        if let Some(begun) = begun.filter(|_| noted > 0 || !is_there || had > known.len()) {
            let lines: Vec<LineOf<'_>> = known
                .iter()
                .zip(&read)
                .filter_map(|(one, read)| {
                    let identity = one.identity.filter(|identity| begun.is_after(identity))?;
                    Some(LineOf { stem: &one.stem, identity, measured: read.as_ref()?.as_ref().ok()? })
                })
                .collect();
            if self.are_still(lines.iter().map(|line| (line.stem, line.identity))) {
                let _made_again = index_file::write(self, Indexed::Summaries, begun.draft, (), &lines);
            }
        }
        let mut names = called_by_stem(&known);
        let called = known.iter().map(|one| names.remove(&one.stem).unwrap_or_else(|| one.stem.clone()));
        let called = called.collect();
        Ok(Summaries { called, known, read })
    }

    /// Takes what is known of snapshots that are gone for good out of the files that only save time: nothing that was said
    /// in them may stay.
    ///
    /// # Errors
    /// [`Kind::Environment`](crate::base::error::Kind::Environment) with the path of a file in which it may still stand.
    pub fn forget_removed(&self, _lock: &DeleteLock) -> Result<()> {
        // One that is being written now may have it; and so may one that was being written when its process was killed.
        index_file::remove_drafts(self)?;
        self.forget_read_states()?;
        // Both write anew what has more than there is.
        let known = self.known_anew()?;
        if index_file::stems(self, Indexed::Summaries).is_some() {
            let _removed_below = self.summaries();
        }
        let stems: HashSet<&str> = known.iter().map(|one| one.stem.as_str()).collect();
        for which in [Indexed::Heads, Indexed::Summaries] {
            if index_file::stems(self, which)
                .is_none_or(|all| all.iter().any(|stem| !stems.contains(stem.as_str())))
            {
                index_file::remove(self, which)?;
            }
        }
        Ok(())
    }

    /// Reads a manifest and takes from it what a list says; `None` if it is gone.
    fn summarize(
        &self,
        one: &UnreadEntry,
        sizes: &Mutex<HashMap<ObjectId, u64>>,
    ) -> Option<Result<Measured>> {
        let manifest = match unless_gone(|| self.read_once(&one.stem))? {
            Ok(manifest) => manifest,
            Err(error) => return Some(Err(error)),
        };
        Some(Ok(Measured { size: self.size_of(one, &manifest, sizes), summary: Summary::of(&manifest) }))
    }

    fn size_of(&self, one: &UnreadEntry, manifest: &Manifest, sizes: &Mutex<HashMap<ObjectId, u64>>) -> u64 {
        let size = |object: &crate::manifest::ObjectRef| {
            let measured = held(sizes).get(&object.object).copied();
            measured.unwrap_or_else(|| {
                let size = self.stored_size(object);
                held(sizes).insert(object.object, size);
                size
            })
        };
        self.manifest_size(&one.stem) + manifest.objects().iter().map(size).sum::<u64>()
    }
}
