//! What a list says of every snapshot: from a file that only saves time, as far as the manifests are those that it was made
//! from, and from the manifests themselves otherwise.
//!
//! It is to [`Summary`] what the index is to heads, and follows the same rules (`catalog.rs`). It is apart from the index,
//! because only lists need it. The size of a snapshot is what its files had when it was summarized. Of the summaries
//! themselves, only those are read that somebody asks for.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, OnceLock};

use super::catalog::Catalog;
use super::display_names::called_by_stem;
use super::entry::UnreadEntry;
use super::index_file::{
    self, Column, EACH, FILES, IndexFile, Indexed, IndexedFile, Unpack, pack_file, split,
};
use super::manifest_cache::Identity;
use super::{DeleteLock, LEAST_EACH, Store, manifest_name, unless_gone};
use crate::base::digest::ObjectId;
use crate::base::error::{Error, Result};
use crate::base::ids::SnapshotId;
use crate::base::packed::{Unpacker, put_number};
use crate::manifest::{Head, LARGEST_MANIFEST, Manifest, Summary};
use crate::sys::parallel::{self, held};
use crate::sys::place::Root;

/// The column of the file that says what every list needs to know.
const SHORT: usize = 1;

/// The column with the summaries, and how many of them a block has: most lists show few of them.
const WHOLE: usize = 2;
const EACH_WHOLE: usize = 32;

/// How many of these blocks are kept in memory.
const BLOCKS_KEPT: usize = 8;

/// All snapshots of a store, each with its summary.
pub struct Summaries {
    catalog: Arc<Catalog>,
    /// What each is called, where that is not its own name.
    called: Option<Vec<String>>,
    /// `None` for those that were removed since they were listed.
    read: Vec<Option<Result<Measured>>>,
    written: Written,
    /// After which snapshot each was saved that is not here, as far as it was removed here.
    removed: HashMap<SnapshotId, SnapshotId>,
}

/// The number of a block, and what it says; `None` if it is damaged.
type ReadBlock = (usize, Option<Arc<Vec<u8>>>);

/// The summaries that were written before. A block is read when one of it is asked for.
struct Written {
    file: Option<IndexFile<()>>,
    /// The blocks that were read last: lists ask for one after the other.
    last: Mutex<VecDeque<ReadBlock>>,
    root: Root,
}

/// What is known of a snapshot at once, and where its summary is.
struct Measured {
    short: Short,
    summary: OnceLock<Box<Summary>>,
    /// Which of those that were written before.
    number: Option<usize>,
}

/// What every list needs to know.
#[derive(Clone)]
struct Short {
    /// In bytes, with what it shares with others.
    size: u64,
    parent: Option<SnapshotId>,
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
    /// The snapshot of the same session before it.
    pub parent: Option<&'a SnapshotId>,
    /// What it took on the disk when it was first listed, in bytes, with what it shares with others.
    pub size: u64,
    stem: &'a str,
    measured: &'a Measured,
    written: &'a Written,
}

impl Unpack for Short {
    fn unpack(from: &mut Unpacker<'_>) -> Option<Short> {
        let size = from.number()?;
        let parent = match from.rest() {
            b"" => None,
            digits => Some(SnapshotId::parse(std::str::from_utf8(digits).ok()?)?),
        };
        Some(Short { size, parent })
    }
}

impl Short {
    fn pack(&self, into: &mut Vec<u8>) {
        put_number(into, self.size);
        into.extend_from_slice(self.parent.as_ref().map_or("", SnapshotId::as_str).as_bytes());
    }
}

impl Written {
    /// Opens what was written before; says of each which file it is about, and what every list needs to know.
    fn open(store: &Store) -> (Written, Vec<(IndexedFile, Short)>) {
        let file: Option<IndexFile<()>> = IndexFile::open(store, Indexed::Summaries);
        let lines = file.as_ref().and_then(|file| {
            let (files, shorts): (Vec<IndexedFile>, Vec<Short>) = (file.read(FILES)?, file.read(SHORT)?);
            let fits = files.len() == shorts.len() && files.len().div_ceil(EACH_WHOLE) == file.blocks(WHOLE);
            fits.then(|| files.into_iter().zip(shorts).collect::<Vec<_>>())
        });
        let file = file.filter(|_| lines.is_some());
        (Written { file, last: Mutex::default(), root: store.root.clone() }, lines.unwrap_or_default())
    }

    /// Does this with the JSON of a summary; `None` if it is not what was written.
    fn with_json<T>(&self, number: usize, use_it: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
        let block = self.block(number / EACH_WHOLE)?;
        use_it(split(&block).get(number % EACH_WHOLE)?)
    }

    fn block(&self, number: usize) -> Option<Arc<Vec<u8>>> {
        let mut last = held(&self.last);
        if let Some((_, block)) = last.iter().find(|(at, _)| *at == number) {
            return block.clone();
        }
        let block = self.file.as_ref()?.block(WHOLE, number).map(Arc::new);
        last.truncate(BLOCKS_KEPT - 1);
        last.push_front((number, block.clone()));
        block
    }

    /// Reads a summary, if need be from the manifest; `None` if that can't be read any more either.
    fn summary(&self, number: Option<usize>, stem: &str) -> Option<Summary> {
        let written = || self.with_json(number?, |json| serde_json::from_slice(json).ok());
        let manifest = || {
            let json = self.root.at(manifest_name(stem)).read(LARGEST_MANIFEST).ok()??;
            Some(Summary::of(&Manifest::from_json(&json).ok()?))
        };
        written().or_else(manifest)
    }
}

impl Measured {
    /// Adds its summary as JSON; `None` if it can't be read any more.
    fn pack(&self, written: &Written, stem: &str, into: &mut Vec<u8>) -> Option<()> {
        let as_it_was = |number| {
            written.with_json(number, |json| {
                into.extend_from_slice(json);
                Some(())
            })
        };
        if self.summary.get().is_none() && self.number.and_then(as_it_was).is_some() {
            return Some(());
        }
        let again = || written.summary(self.number, stem);
        let summary = self.summary.get().map(|summary| (**summary).clone()).or_else(again)?;
        into.extend(serde_json::to_vec(&summary).ok()?);
        Some(())
    }
}

impl<'a> Saved<'a> {
    /// Returns what it is about.
    pub fn summary(&self) -> &'a Summary {
        let Measured { summary, number, .. } = self.measured;
        summary.get_or_init(|| Box::new(self.written.summary(*number, self.stem).unwrap_or_default()))
    }
}

impl Summaries {
    /// Returns them newest first, those that can't be read last.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Listed<'_>> {
        self.read.iter().enumerate().filter_map(|(number, read)| {
            let known = &self.catalog.known[number];
            let saved = match (read.as_ref()?, &known.head) {
                (Ok(measured), Ok(head)) => Ok(Saved {
                    head,
                    parent: measured.short.parent.as_ref(),
                    size: measured.short.size,
                    stem: &known.stem,
                    measured,
                    written: &self.written,
                }),
                (Err(error), _) | (_, Err(error)) => Err(error),
            };
            let called = match (&self.called, &known.head) {
                (Some(called), _) => &called[number],
                (None, Ok(head)) => &head.name,
                (None, Err(_)) => &known.stem,
            };
            Some(Listed { known, called, saved })
        })
    }

    /// Returns after which snapshot each was saved that was removed here and that others descend from.
    pub fn removed(&self) -> &HashMap<SnapshotId, SnapshotId> {
        &self.removed
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
        let catalog = self.catalog()?;
        let known = &catalog.known;
        let (written, lines) = Written::open(self);
        let (is_there, had) = (written.file.is_some(), lines.len());
        let mut read = remembered(known, lines);
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
            let noted: Vec<(&UnreadEntry, Identity, &Measured)> = known
                .iter()
                .zip(&read)
                .filter_map(|(one, read)| {
                    let identity = one.identity.filter(|identity| begun.is_after(identity))?;
                    Some((one, identity, read.as_ref()?.as_ref().ok()?))
                })
                .collect();
            let files = noted.iter().map(|(one, identity, _)| (one.stem.as_str(), *identity));
            let _made_again = self.nothing_went(&catalog, files).then(|| {
                let columns = columns_of(&noted, &written)?;
                index_file::write(self, Indexed::Summaries, begun.draft, (), &columns).ok()
            });
        }
        let called = (!catalog.has_plain_names).then(|| {
            let mut names = called_by_stem(known);
            known.iter().map(|one| names.remove(&one.stem).unwrap_or_else(|| one.stem.clone())).collect()
        });
        let mut all = Summaries { called, read, written, catalog, removed: HashMap::new() };
        let here: HashSet<&SnapshotId> =
            all.iter().filter_map(|one| Some(&one.readable()?.head.id)).collect();
        let parents = all.iter().filter_map(|one| one.readable()?.parent);
        all.removed = self.removed_parents(parents.filter(|id| !here.contains(id)));
        Ok(all)
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
        let short = Short { size: self.size_of(one, &manifest, sizes), parent: manifest.parent.clone() };
        let summary = OnceLock::from(Box::new(Summary::of(&manifest)));
        Some(Ok(Measured { short, summary, number: None }))
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

/// Returns what was written of each of these, as far as its file is still the one that it was written of.
fn remembered(known: &[UnreadEntry], lines: Vec<(IndexedFile, Short)>) -> Vec<Option<Result<Measured>>> {
    let is_of = |one: &UnreadEntry, file: &IndexedFile| one.stem == file.stem;
    // Mostly nothing has changed.
    let is_same =
        lines.len() == known.len() && known.iter().zip(&lines).all(|(one, (file, _))| is_of(one, file));
    let by_stem: HashMap<&str, usize> = if is_same {
        HashMap::new()
    } else {
        lines.iter().enumerate().map(|(number, (file, _))| (file.stem.as_str(), number)).collect()
    };
    let remembered = |(at, one): (usize, &UnreadEntry)| {
        let number = if is_same { at } else { *by_stem.get(one.stem.as_str())? };
        let (file, short) = &lines[number];
        let measured = || Measured { short: short.clone(), summary: OnceLock::new(), number: Some(number) };
        (one.head.is_ok() && one.identity == Some(file.identity)).then(|| Ok(measured()))
    };
    known.iter().enumerate().map(remembered).collect()
}

/// Returns the columns of the file for these; `None` if what was written before can't be read any more.
fn columns_of(noted: &[(&UnreadEntry, Identity, &Measured)], written: &Written) -> Option<[Column; 3]> {
    let files = Column::of(noted, EACH, |(one, identity, _), into| {
        pack_file(&one.stem, *identity, into);
        Some(())
    });
    let shorts = Column::of(noted, EACH, |(_, _, measured), into| {
        measured.short.pack(into);
        Some(())
    });
    let whole =
        Column::of(noted, EACH_WHOLE, |(one, _, measured), into| measured.pack(written, &one.stem, into));
    Some([files?, shorts?, whole?])
}
