//! What is known of every snapshot of a store: from the index, as far as the manifests are those that it was made from, and from
//! the manifests themselves otherwise.
//!
//! The index is never the truth. Of each snapshot it has what its manifest said, and which file that was: device, inode,
//! size, and the time of its last change. A file that is another one now is read again, and only that. For the names of
//! all files, the same is asked of the two folders that they are in. A file or folder that was changed in the same tick of
//! the disk's clock in which it was read could be changed again without a trace, so it is not noted: only what is older
//! than a file that was made before anything was read. Readers wait for no lock, and the last writer wins.

use std::cell::OnceCell;
use std::collections::HashSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::display_names::are_plain;
use super::entry::UnreadEntry;
use super::index_file::{self, Column, EACH, FILES, IndexFile, Indexed, IndexedFile, Unpack, pack_file};
use super::manifest_cache::{self, Identity, identity_of};
use super::{Entry, LEAST_EACH, Store, manifest_name, unless_gone};
use crate::base::error::Result;
use crate::base::packed::{Unpacker, put_signed};
use crate::base::timestamp::Timestamp;
use crate::manifest::Head;
use crate::store::intake::CLOCKS_APART;
use crate::sys::files::Draft;
use crate::sys::parallel::{self, held};
use crate::sys::place::Stat;

/// How many files a thread looks at in one go.
const LEAST_LOOKS: usize = 256;

/// The least number of blocks of the index that each thread reads.
const LEAST_BLOCKS: usize = 2;

/// All snapshots of a store.
pub(super) struct Catalog {
    /// In the order of [`Store::known`].
    pub(super) known: Arc<Vec<UnreadEntry>>,
    /// Whether every manifest and pin has both its names.
    pub(super) is_sheltered: bool,
    /// Whether all can be read, and each is called by its own name.
    pub(super) has_plain_names: bool,
    /// The folders as they were before their names were listed; `None` if another change of them might not show.
    folders: Option<Folders>,
}

/// The folders that the names of manifests are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Folders {
    first: Option<Identity>,
    second: Option<Identity>,
}

/// What the index says of all snapshots.
#[derive(Serialize, Deserialize)]
struct About {
    folders: Option<Folders>,
    is_sheltered: bool,
    /// Whether all can be read, have names of their own, and are from the past.
    is_plain: bool,
    /// Those that the index has nothing of.
    others: Vec<Name>,
}

/// Where the names of all files are taken from, and what they hold.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NamesFrom {
    /// The index, if the folders are as they were when it was made.
    Index,
    /// The folders themselves; what the files hold, from the index.
    Disk,
    /// No index is used.
    Manifests,
}

/// The name of a manifest's file.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Name {
    stem: String,
    pinned: bool,
}

/// What the index says of one snapshot, beside which file it is: its column [`SAID`].
struct IndexLine {
    /// In milliseconds since 1970.
    written: i64,
    pinned: bool,
    own: bool,
    head: Head,
}

/// The column of the index that says what manifests said.
const SAID: usize = 1;

const PINNED: u8 = 1;
const OWN: u8 = 2;

impl Unpack for IndexLine {
    fn unpack(from: &mut Unpacker<'_>) -> Option<IndexLine> {
        let (written, flags) = (from.signed()?, from.byte()?);
        let head = Head::unpack(from)?;
        Some(IndexLine { written, pinned: flags & PINNED != 0, own: flags & OWN != 0, head })
    }
}

/// A draft of a file that only saves time, and the moment at which it was begun.
pub(super) struct Begun {
    pub(super) draft: Draft,
    at: (i64, i64),
}

impl Begun {
    /// Says whether a file or folder was changed before that: then every later change shows.
    pub(super) fn is_after(&self, identity: &Identity) -> bool {
        (identity.3, identity.4) < self.at
    }
}

/// The names of manifests and pins in a store, each in their order.
pub(super) struct Names {
    /// First names.
    first: Vec<String>,
    /// Second names.
    second: Vec<String>,
}

impl Names {
    /// Returns those of which only the second name is left.
    pub(super) fn nameless(&self) -> impl Iterator<Item = &String> {
        only_in(&self.second, &self.first)
    }

    /// Returns those that have no second name.
    pub(super) fn unsheltered(&self) -> impl Iterator<Item = &String> {
        only_in(&self.first, &self.second)
    }

    /// Returns the names of manifests without `.json`, in their order, each with whether it is pinned.
    fn into_names(self) -> Vec<Name> {
        let mut all = self.first;
        all.extend(only_in(&self.second, &all.clone()).cloned());
        all.sort_unstable();
        let pins: HashSet<&str> = all.iter().filter_map(|name| name.strip_suffix(".pin")).collect();
        let stems = all.iter().filter_map(|name| name.strip_suffix(".json"));
        stems.map(|stem| Name { stem: stem.to_owned(), pinned: pins.contains(stem) }).collect()
    }
}

/// Returns those of one sorted list that another one has not.
fn only_in<'n>(one: &'n [String], other: &'n [String]) -> impl Iterator<Item = &'n String> {
    // Mostly they are the same.
    let one = if one == other { &[][..] } else { one };
    one.iter().filter(|name| other.binary_search(name).is_err())
}

impl Store {
    /// Lists every snapshot in the order of [`Store::entries`], with what tells it from others.
    ///
    /// # Errors
    /// As [`Store::entries`].
    pub fn known(&self) -> Result<Arc<Vec<UnreadEntry>>> {
        Ok(Arc::clone(&self.catalog()?.known))
    }

    /// The same, but that the names of all files are listed, whatever the index and this process know of them.
    ///
    /// # Errors
    /// As [`Store::entries`].
    pub(super) fn known_anew(&self) -> Result<Arc<Vec<UnreadEntry>>> {
        let catalog = Arc::new(self.look(self.folders()?, NamesFrom::Disk)?);
        *held(&self.catalog) = Some(Arc::clone(&catalog));
        Ok(Arc::clone(&catalog.known))
    }

    /// The same from the manifests alone: where the index was found to be wrong.
    ///
    /// # Errors
    /// As [`Store::entries`].
    pub(super) fn known_without_index(&self) -> Result<Arc<Vec<UnreadEntry>>> {
        let catalog = Arc::new(self.look(self.folders()?, NamesFrom::Manifests)?);
        *held(&self.catalog) = Some(Arc::clone(&catalog));
        Ok(Arc::clone(&catalog.known))
    }

    /// Returns what is known of all snapshots; looks again only if names may have changed since this process did.
    pub(super) fn catalog(&self) -> Result<Arc<Catalog>> {
        let folders = self.folders()?;
        if let Some(catalog) = held(&self.catalog).as_ref().filter(|known| known.folders == Some(folders)) {
            return Ok(Arc::clone(catalog));
        }
        let catalog = Arc::new(self.look(folders, NamesFrom::Index)?);
        *held(&self.catalog) = Some(Arc::clone(&catalog));
        Ok(catalog)
    }

    /// Lists the names of all manifests and pins.
    pub(super) fn manifest_names(&self) -> Result<Names> {
        let names = |all: Vec<std::ffi::OsString>| -> Vec<String> {
            let names = all.into_iter().filter_map(|name| name.into_string().ok());
            let mut names: Vec<String> =
                names.filter(|name| name.ends_with(".json") || name.ends_with(".pin")).collect();
            names.sort_unstable();
            names
        };
        let (mut first, mut second) = (names(self.at("").names()?), names(self.sheltered().names()?));
        let doubtful: Vec<String> = only_in(&second, &first).cloned().collect();
        for name in doubtful {
            // One that is added or removed at this moment has not lost its name.
            if self.at(&name).exists() {
                let at = first.binary_search(&name).unwrap_or_else(|at| at);
                first.insert(at, name);
            } else if !self.second_name(&name).exists() {
                second.retain(|other| *other != name);
            }
        }
        Ok(Names { first, second })
    }

    /// Finds the newest snapshot but so many by the index alone; `None` if that is not sure: every manifest must be the file that
    /// the index means. The one that is found is read.
    pub(super) fn latest_at_once(&self, back: usize) -> Option<Entry> {
        let index: IndexFile<About> = IndexFile::open(self, Indexed::Heads)?;
        if !index.about.is_plain || index.about.folders != Some(self.folders().ok()?) {
            return None;
        }
        let numbers: Vec<usize> = (0..index.blocks(FILES)).collect();
        let are_still = |number: &usize| {
            let files: Option<Vec<IndexedFile>> = index.entries(FILES, *number);
            files.filter(|files| self.are_still(files.iter().map(|file| (file.stem.as_str(), file.identity))))
        };
        let files = parallel::map(&numbers, LEAST_BLOCKS, are_still);
        let files: Vec<Vec<IndexedFile>> = files.into_iter().collect::<Option<_>>()?;
        let newest = OnceCell::new();
        let is_meant = |line: &IndexLine| {
            newest.get_or_init(|| line.head.created_at);
            !line.head.safety
        };
        let (number, found) = index.nth(SAID, back, is_meant)?;
        // If the clock was set back, the order is another one.
        if !self.is_believable(*newest.get()?) {
            return None;
        }
        let file = files.iter().flatten().nth(number)?;
        let place = self.manifest_place(&file.stem);
        let is_same = || manifest_cache::identity(&place) == Some(file.identity);
        if !is_same() {
            return None;
        }
        let entry = self.entry(&file.stem)?;
        let manifest = entry.manifest.as_ref().ok()?;
        (is_same() && manifest.id == found.head.id && entry.called == found.head.name).then_some(entry)
    }

    /// Says whether a moment is not in the far future: that is from a wrong clock, or from somebody who wants to be first for
    /// ever.
    pub(super) fn is_believable(&self, moment: Timestamp) -> bool {
        self.now.is_none_or(|now| moment.since(now) <= CLOCKS_APART)
    }

    fn folders(&self) -> Result<Folders> {
        let identity = |found: Option<Stat>| found.map(|found| found.identity);
        Ok(Folders { first: identity(self.at("").stat()?), second: identity(self.sheltered().stat()?) })
    }

    /// Begins to write a file that only saves time; `None` where that is not possible, or nobody could believe it.
    pub(super) fn begin_index(&self) -> Option<Begun> {
        if !self.has_key() || !self.tmp().is_folder() {
            return None;
        }
        let draft = Draft::begin_with(&self.tmp(), index_file::DRAFT).ok()?;
        Some(Begun { at: draft.changed()?, draft })
    }

    fn look(&self, folders: Folders, source: NamesFrom) -> Result<Catalog> {
        let index: Option<IndexFile<About>> =
            if source == NamesFrom::Manifests { None } else { IndexFile::open(self, Indexed::Heads) };
        let is_of_now =
            |index: &&IndexFile<About>| source == NamesFrom::Index && index.about.folders == Some(folders);
        let by_index = match index.as_ref().filter(is_of_now) {
            Some(index) => self.known_to(index, None)?.map(|found| (found, &index.about)),
            None => None,
        };
        let names_are_known = by_index.is_some();
        let mut begun = None;
        let (is_new, mut known, unread, is_sheltered, was_plain) = match by_index {
            Some(((known, changed), about)) => {
                let unread = [&changed[..], &about.others].concat();
                (!changed.is_empty(), known, unread, about.is_sheltered, about.is_plain)
            }
            None => {
                begun = self.begin_index();
                let names = self.manifest_names()?;
                let is_sheltered = names.first == names.second;
                let names = names.into_names();
                let found = match &index {
                    Some(index) => self.known_to(index, Some(&names))?,
                    None => None,
                };
                let (known, unread) = found.unwrap_or_else(|| (Vec::new(), names));
                (begun.is_some(), known, unread, is_sheltered, false)
            }
        };
        let was_plain = was_plain && unread.is_empty();
        if begun.is_none() && !unread.is_empty() {
            begun = self.begin_index();
        }
        let read = parallel::map(&unread, LEAST_EACH, |name| self.read_known(name));
        let old = known.len();
        known.extend(read.into_iter().flatten());
        let is_noted = |one: &UnreadEntry| {
            let is_old = |identity| begun.as_ref().is_some_and(|begun| begun.is_after(identity));
            one.head.is_ok() && one.identity.as_ref().is_some_and(is_old)
        };
        let is_new = is_new || known[old..].iter().any(is_noted);
        known.sort_by(|a, b| match (&a.head, &b.head) {
            (Ok(head), Ok(other)) => self
                .newer(head.created_at, other.created_at)
                .then_with(|| head.id.cmp(&other.id))
                .then_with(|| b.own.cmp(&a.own))
                .then_with(|| a.stem.cmp(&b.stem)),
            (head, other) => head.is_err().cmp(&other.is_err()).then_with(|| a.stem.cmp(&b.stem)),
        });
        let is_before = |begun: &Begun| {
            [folders.first, folders.second].iter().flatten().all(|folder| begun.is_after(folder))
        };
        let is_settled = names_are_known || begun.as_ref().is_some_and(is_before);
        let folders = is_settled.then_some(folders);
        let has_plain_names = was_plain || are_plain(&known);
        let catalog = Catalog { known: Arc::new(known), is_sheltered, has_plain_names, folders };
        // Of nothing there is nothing to save.
        if let Some(begun) = begun.filter(|_| is_new && !catalog.known.is_empty()) {
            let _made_again = self.write_catalog(begun, &catalog);
        }
        Ok(catalog)
    }

    /// Returns what the index knows of the files that are still those that it is about, and the names of the others: all that
    /// it is about, or all of these. `None` if it can't be read.
    fn known_to(
        &self,
        index: &IndexFile<About>,
        names: Option<&[Name]>,
    ) -> Result<Option<(Vec<UnreadEntry>, Vec<Name>)>> {
        struct Part {
            known: Vec<UnreadEntry>,
            changed: Vec<Name>,
            /// Which of the names it has.
            seen: Vec<usize>,
        }
        let part = |number: &usize| -> Result<Option<Part>> {
            let files: Option<Vec<IndexedFile>> = index.entries(FILES, *number);
            let lines: Option<Vec<IndexLine>> = index.entries(SAID, *number);
            let (Some(files), Some(lines)) = (files, lines) else { return Ok(None) };
            if files.len() != lines.len() {
                return Ok(None);
            }
            let looks = self.identities(&files.iter().map(|file| file.stem.as_str()).collect::<Vec<_>>())?;
            let (known, seen) = (Vec::with_capacity(lines.len()), Vec::new());
            let mut part = Part { known, changed: Vec::new(), seen };
            for ((file, mut line), now) in files.into_iter().zip(lines).zip(looks) {
                if let Some(names) = names {
                    let at = names.binary_search_by(|name| name.stem.as_str().cmp(&file.stem));
                    let Ok(at) = at else { continue };
                    line.pinned = names[at].pinned;
                    part.seen.push(at);
                }
                if now == Some(file.identity) {
                    part.known.push(line.into_entry(file));
                } else {
                    part.changed.push(Name { stem: file.stem, pinned: line.pinned });
                }
            }
            Ok(Some(part))
        };
        let numbers: Vec<usize> = (0..index.blocks(FILES)).collect();
        let parts =
            parallel::map(&numbers, LEAST_BLOCKS, part).into_iter().collect::<Result<Option<Vec<_>>>>()?;
        let Some(parts) = parts else { return Ok(None) };
        let mut known = Vec::with_capacity(parts.iter().map(|part| part.known.len()).sum::<usize>() + 1);
        let mut unread = Vec::new();
        let mut is_seen = vec![false; names.map_or(0, <[Name]>::len)];
        for part in parts {
            known.extend(part.known);
            unread.extend(part.changed);
            part.seen.into_iter().for_each(|at| is_seen[at] = true);
        }
        let names = names.unwrap_or_default().iter().zip(is_seen);
        unread.extend(names.filter(|(_, is_seen)| !is_seen).map(|(name, _)| name.clone()));
        Ok(Some((known, unread)))
    }

    /// Says whether nothing that was listed has been removed since. Asked when the draft of a file that saves time is there
    /// already: whoever removes a snapshot for good removes such drafts behind it. So what was said in one that is removed
    /// meanwhile does not come back.
    pub(super) fn nothing_went<'a>(
        &self,
        catalog: &Catalog,
        files: impl Iterator<Item = (&'a str, Identity)>,
    ) -> bool {
        // If another change of the folders would show, and none does, no file can have gone.
        catalog.folders.is_some_and(|then| self.folders().is_ok_and(|now| now == then))
            || self.are_still(files)
    }

    /// Says whether all of these manifests are still the files that were read.
    fn are_still<'a>(&self, files: impl Iterator<Item = (&'a str, Identity)>) -> bool {
        let (stems, identities): (Vec<&str>, Vec<Identity>) = files.unzip();
        let now = self.identities(&stems).unwrap_or_default();
        now.len() == stems.len() && now.iter().zip(identities).all(|(now, then)| *now == Some(then))
    }

    /// Returns which file the manifest of each of these is now.
    fn identities(&self, stems: &[&str]) -> Result<Vec<Option<Identity>>> {
        let parts: Vec<&[&str]> = stems.chunks(LEAST_LOOKS).collect();
        let look = |part: &&[&str]| -> Result<Vec<Option<Identity>>> {
            let found = self.at("").stat_each(part, ".json")?;
            let standing = |(stem, found): (&&str, Option<Stat>)| match found {
                None => identity_of(self.standing_file(&manifest_name(stem)).1),
                there => identity_of(there),
            };
            Ok(part.iter().zip(found).map(standing).collect())
        };
        Ok(parallel::map(&parts, 1, look).into_iter().collect::<Result<Vec<_>>>()?.concat())
    }

    fn write_catalog(&self, begun: Begun, catalog: &Catalog) -> Result<()> {
        let (mut noted, mut others) = (Vec::with_capacity(catalog.known.len()), Vec::new());
        for one in catalog.known.iter() {
            match (&one.head, one.identity.filter(|identity| begun.is_after(identity))) {
                (Ok(head), Some(identity)) => noted.push((one, identity, head)),
                _ => others.push(Name { stem: one.stem.clone(), pinned: one.pinned }),
            }
        }
        let is_plain = catalog.has_plain_names
            && others.is_empty()
            && noted.iter().all(|(_, _, head)| self.is_believable(head.created_at));
        if !self.nothing_went(catalog, noted.iter().map(|(one, identity, _)| (one.stem.as_str(), *identity)))
        {
            return Ok(());
        }
        let files = Column::of(&noted, EACH, |(one, identity, _), into| {
            pack_file(&one.stem, *identity, into);
            Some(())
        });
        let said = Column::of(&noted, EACH, |(one, _, head), into| pack_line(one, head, into));
        let (Some(files), Some(said)) = (files, said) else { return Ok(()) };
        let about = About { folders: catalog.folders, is_sheltered: catalog.is_sheltered, is_plain, others };
        index_file::write(self, Indexed::Heads, begun.draft, about, &[files, said])
    }

    /// Reads what a manifest says; `None` if it has been removed since it was listed.
    fn read_known(&self, name: &Name) -> Option<UnreadEntry> {
        let mut found = None;
        let head = unless_gone(|| {
            let (stat, head) = self.read_head(&name.stem);
            found = stat.or(found);
            head
        })?;
        Some(UnreadEntry {
            written: found.map_or(Timestamp::from_millis(0), |found| Timestamp::from(found.modified)),
            identity: identity_of(found),
            stem: name.stem.clone(),
            pinned: name.pinned,
            own: head.as_ref().is_ok_and(|head| self.is_own(&head.proofs)),
            head,
        })
    }
}

impl IndexLine {
    fn into_entry(self, file: IndexedFile) -> UnreadEntry {
        UnreadEntry {
            stem: file.stem,
            identity: Some(file.identity),
            written: Timestamp::from_millis(self.written),
            pinned: self.pinned,
            own: self.own,
            head: Ok(self.head),
        }
    }
}

/// Adds what [`IndexLine`] reads.
fn pack_line(one: &UnreadEntry, head: &Head, into: &mut Vec<u8>) -> Option<()> {
    put_signed(into, one.written.as_millis());
    into.push(if one.pinned { PINNED } else { 0 } | if one.own { OWN } else { 0 });
    head.pack(into)
}
